//! What a decision says of itself.

use tidings_core::Region;

use super::*;

#[track_caller]
fn check(routes: &Routes, message: &Message, standing: &Standing, draw: f64, expected: &str) {
    assert_eq!(routes.decide(message, standing, draw).why(), expected);
}

#[track_caller]
fn check_rule(rule: Rule, expected: &str) {
    let name = sender("Tidings");
    let message = urgent(message()).tag(tag("otp")).from(name);
    let expected = format!("rule 1 decides, which is for {expected}; a carries the message");
    check(
        &Routes::new([rule.accounts(["a"])]),
        &message,
        &Standing::default(),
        0.0,
        &expected,
    );
}

#[test]
fn every_condition_has_its_words() {
    let region = |letters: &str| letters.parse::<Region>().unwrap();
    let rule = Rule::default;
    check_rule(rule(), "every message");
    check_rule(rule().kind(MessageKind::Text), "texts");
    check_rule(
        rule().kind(MessageKind::Media).kind(MessageKind::Text),
        "messages with a file or texts",
    );
    check_rule(rule().priority(Priority::High), "messages of high priority");
    check_rule(
        rule().tag(tag("a")).tag(tag("b")).tag(tag("otp")),
        "messages with the tag a, b or otp",
    );
    check_rule(
        rule()
            .sender(sender("Tidings"))
            .sender(sender("+4790000001")),
        "messages from Tidings or +479*****01",
    );
    check_rule(
        rule().prefix("+224").prefix("+224622000001"),
        "messages to numbers that begin with +224 or +224622…",
    );
    check_rule(
        rule().calling_code(224).calling_code(47),
        "messages to numbers of +224 or +47",
    );
    check_rule(rule().region(region("GN")), "messages to numbers in GN");
    check_rule(
        rule()
            .region(region("GN"))
            .calling_code(224)
            .prefix("+2246")
            .sender(sender("Tidings"))
            .tag(tag("otp"))
            .priority(Priority::High)
            .kind(MessageKind::Text),
        "texts of high priority with the tag otp from Tidings to numbers that begin with +2246 and \
         of +224 and in GN",
    );
}

#[test]
fn who_is_left_out_is_said_with_the_reason() {
    let routes = Routes::new([
        Rule::new("norway").prefix("+47").accounts(["a"]),
        Rule::new("world").accounts(["a", "b", "c"]),
        Rule::new("never"),
    ]);
    let standing = Standing::default()
        .out_of_service("c", "nothing is left on it")
        .cannot_carry("a", "it sends no files");
    check(
        &routes,
        &message(),
        &standing,
        0.0,
        "rule 2 (world) decides, which is for every message; a cannot carry this message: it sends no \
         files; c is out of service: nothing is left on it; b carries the message",
    );
    check(
        &routes,
        &message(),
        &standing.out_of_service("b", "its breaker is open"),
        0.0,
        "rule 2 (world) decides, which is for every message; a cannot carry this message: it sends no \
         files; b is out of service: its breaker is open; c is out of service: nothing is left on it; \
         none is left",
    );
    check(
        &Routes::new([Rule::new("empty")]),
        &message(),
        &Standing::default(),
        0.0,
        "rule 1 (empty) decides, which is for every message; it names none",
    );
}

#[test]
fn fail_over_says_preferences_and_costs_only_where_they_decide() {
    let rule = Rule::default().accounts([
        RouteAccount::new("a").cost(3.0),
        RouteAccount::new("b").cost(2.0),
        RouteAccount::new("c"),
    ]);
    check(
        &Routes::new([rule.clone()]),
        &message(),
        &Standing::default(),
        0.0,
        "rule 1 decides, which is for every message; tried in the order of preference: a, b, c",
    );
    let rule = rule.accounts([RouteAccount::new("d").preference(2).cost(0.5)]);
    check(
        &Routes::new([rule]),
        &message(),
        &Standing::default(),
        0.0,
        "rule 1 decides, which is for every message; tried in the order of preference: a (preference \
         1, cost 3), d (preference 2, cost 0.5), b (preference 2, cost 2), c (preference 3)",
    );
}

#[test]
fn a_draw_says_among_which_weights() {
    let accounts = [
        RouteAccount::new("a"),
        RouteAccount::new("b").weight(3.0),
        RouteAccount::new("c").weight(0.123_456),
    ];
    let rule = Rule::default().accounts(accounts);
    for order in [Order::Weighted, Order::Adaptive] {
        check(
            &Routes::new([rule.clone().order(order)]),
            &message(),
            &Standing::default(),
            2.0 / 3.0,
            "rule 1 decides, which is for every message; the draw 0.667 falls on b among the weights a \
             1, b 3, c 0.123; behind it a, c",
        );
    }
    let routes = Routes::new([rule.order(Order::Adaptive)]);
    let standing = Standing::default().weights(Adaptation::of(&routes).weights());
    check(
        &routes,
        &message(),
        &standing,
        0.1,
        "rule 1 decides, which is for every message; the draw 0.1 falls on a among the measured \
         weights a 1 (at rest 1), b 3 (at rest 3), c 0.123 (at rest 0.123); behind it b, c",
    );
}

#[test]
fn the_origin_of_the_sender_is_said() {
    let own = RouteAccount::new("b").sender(sender("+4790000001"));
    let rule = Rule::default().accounts(["a".into(), own.clone()]);
    let order =
        "rule 1 decides, which is for every message; tried in the order of preference: a, b";
    #[track_caller]
    fn says(rule: Rule, message: &Message, expected: &str) {
        check(
            &Routes::new([rule]),
            message,
            &Standing::default(),
            0.0,
            expected,
        );
    }
    let (plain, named) = (message(), message().from(sender("Mine")));
    says(
        rule.clone(),
        &plain,
        &format!("{order}; b sends as +479*****01"),
    );
    let kept = format!("{order}; the message names its own sender");
    says(rule.clone(), &named, &kept);
    let with_default = rule.default_sender(sender("Default"));
    says(
        with_default.clone(),
        &plain,
        &format!("{order}; the default sender is Default; b sends as +479*****01"),
    );
    let senders = with_default.sender_for(224, sender("1960"));
    says(
        senders,
        &plain,
        &format!("{order}; the sender for +224 is 1960; b sends as +479*****01"),
    );
    let only = || Rule::default().accounts(["a", "b"]);
    says(only(), &named, order);
    says(only(), &plain, order);
    says(only().default_sender(sender("Default")), &named, &kept);
    says(only().sender_for(47, sender("Norway")), &named, &kept);
    says(only().sender_for(47, sender("Norway")), &plain, order);
}

#[test]
fn where_no_rule_fits_the_message_is_described_without_its_number() {
    let norway = || Rule::default().prefix("+47").accounts(["a"]);
    let standing = Standing::default();
    check(
        &Routes::default(),
        &message(),
        &standing,
        0.0,
        "there is no rule",
    );
    check(
        &Routes::new([norway()]),
        &message(),
        &standing,
        0.0,
        "the only rule does not fit a text of normal priority to +224 without a tag",
    );
    check(
        &Routes::new([norway(), norway()]),
        &urgent(with_file(message())).tag(tag("otp")),
        &standing,
        0.0,
        "none of the 2 rules fits a message with a file of high priority to +224 with the tag otp",
    );
}
