//! Which rule fits a message.

use tidings_core::Region;

use super::*;

fn region(letters: &str) -> Region {
    letters.parse().unwrap()
}

/// Whether a message falls to the rule, or to the one behind it.
#[track_caller]
fn check(rule: Rule, message: &Message, fits: bool) {
    let routes = Routes::new([
        rule.accounts(["by-rule"]),
        Rule::default().accounts(["other"]),
    ]);
    let decision = routes.decide(message, &Standing::default(), 0.0);
    assert_eq!(names(&decision), [if fits { "by-rule" } else { "other" }]);
    assert_eq!(decision.rule(), Some(usize::from(!fits)));
}

#[test]
fn a_rule_without_conditions_fits_every_message() {
    check(Rule::default(), &message(), true);
    check(
        Rule::new("all"),
        &urgent(with_file(to("+4790000000"))),
        true,
    );
}

#[test]
fn a_prefix_is_how_the_number_begins() {
    check(Rule::default().prefix("+224"), &message(), true);
    check(Rule::default().prefix("+224622"), &message(), true);
    check(Rule::default().prefix("+224622000001"), &message(), true);
    check(Rule::default().prefix("+22"), &message(), true);
    check(Rule::default().prefix("+225"), &message(), false);
    check(Rule::default().prefix("+2246220000011"), &message(), false);
    // Without a plus it is no prefix; `check` says so.
    check(Rule::default().prefix("224"), &message(), false);
}

#[test]
fn a_calling_code_is_compared_as_a_whole() {
    check(Rule::default().calling_code(224), &message(), true);
    check(Rule::default().calling_code(22), &message(), false);
    check(Rule::default().calling_code(47), &to("+4790000000"), true);
    check(Rule::default().calling_code(4), &to("+4790000000"), false);
}

#[test]
fn a_region_tells_countries_of_one_calling_code_apart() {
    let (us, canada) = (to("+12125550123"), to("+12045550123"));
    check(Rule::default().region(region("US")), &us, true);
    check(Rule::default().region(region("US")), &canada, false);
    check(Rule::default().region(region("CA")), &canada, true);
    check(Rule::default().calling_code(1), &us, true);
    check(Rule::default().calling_code(1), &canada, true);
    // A number of no country.
    check(
        Rule::default().region(region("US")),
        &to("+881612345678"),
        false,
    );
}

#[test]
fn a_sender_is_the_one_that_the_message_names() {
    let rule = || Rule::default().sender(sender("Tidings"));
    check(rule(), &message().from(sender("Tidings")), true);
    check(rule(), &message().from(sender("Other")), false);
    check(rule(), &message(), false);
}

#[test]
fn a_tag_is_the_one_that_the_message_has() {
    let rule = || Rule::default().tag(tag("otp"));
    check(rule(), &message().tag(tag("otp")), true);
    check(rule(), &message().tag(tag("news")), false);
    check(rule(), &message(), false);
}

#[test]
fn a_message_with_a_file_is_of_another_kind() {
    check(Rule::default().kind(MessageKind::Text), &message(), true);
    check(Rule::default().kind(MessageKind::Media), &message(), false);
    check(
        Rule::default().kind(MessageKind::Text),
        &with_file(message()),
        false,
    );
    check(
        Rule::default().kind(MessageKind::Media),
        &with_file(message()),
        true,
    );
}

#[test]
fn a_priority_is_compared_and_no_limit() {
    check(
        Rule::default().priority(Priority::High),
        &urgent(message()),
        true,
    );
    check(Rule::default().priority(Priority::High), &message(), false);
    check(
        Rule::default().priority(Priority::Low),
        &urgent(message()),
        false,
    );
    check(Rule::default().priority(Priority::Normal), &message(), true);
}

#[test]
fn several_values_of_a_condition_are_any_of_them() {
    let rule = || {
        Rule::default()
            .prefix("+47")
            .prefix("+224")
            .tag(tag("otp"))
            .tag(tag("alarm"))
    };
    check(rule(), &message().tag(tag("alarm")), true);
    check(rule(), &to("+4790000000").tag(tag("otp")), true);
    check(rule(), &message().tag(tag("news")), false);
    check(rule(), &to("+12125550123").tag(tag("otp")), false);
}

#[test]
fn several_conditions_are_all_of_them() {
    let rule = || {
        Rule::default()
            .prefix("+224")
            .calling_code(224)
            .region(region("GN"))
            .sender(sender("Tidings"))
            .tag(tag("otp"))
            .kind(MessageKind::Media)
            .priority(Priority::High)
    };
    let fitting = || {
        urgent(with_file(message()))
            .from(sender("Tidings"))
            .tag(tag("otp"))
    };
    check(rule(), &fitting(), true);
    check(rule(), &fitting().priority(Priority::Normal), false);
    check(rule(), &fitting().tag(tag("other")), false);
    check(rule(), &fitting().from(sender("Other")), false);
    check(
        rule(),
        &urgent(message()).from(sender("Tidings")).tag(tag("otp")),
        false,
    );
    check(rule().prefix("+47"), &fitting(), true);
    check(rule().calling_code(47), &fitting(), true);
    check(rule().region(region("NO")), &fitting(), true);
    for other in ["+4790000000", "+12125550123"] {
        let mut elsewhere = fitting();
        elsewhere.to = number(other);
        check(rule(), &elsewhere, false);
    }
}

#[test]
fn the_first_rule_that_fits_decides() {
    let routes = Routes::new([
        Rule::default().prefix("+47").accounts(["norway"]),
        Rule::default().prefix("+224").accounts(["first"]),
        Rule::default().prefix("+2").accounts(["second"]),
    ]);
    let decision = routes.decide(&message(), &Standing::default(), 0.0);
    assert_eq!(
        (names(&decision), decision.rule()),
        (vec!["first"], Some(1))
    );
    let decision = routes.decide(&to("+225 01 23 45 67 89"), &Standing::default(), 0.0);
    assert_eq!(
        (names(&decision), decision.rule()),
        (vec!["second"], Some(2))
    );
}

#[test]
fn where_no_rule_fits_there_is_nobody() {
    for routes in [
        Routes::default(),
        Routes::new([Rule::default().prefix("+47").accounts(["norway"])]),
    ] {
        let decision = routes.decide(&message(), &Standing::default(), 0.0);
        assert_eq!(names(&decision), Vec::<&str>::new());
        assert_eq!(decision.left_out().count(), 0);
        assert_eq!(decision.rule(), None);
    }
}

#[test]
fn the_rules_can_be_looked_at() {
    let rules = || [Rule::new("one").accounts(["a", "b"]), Rule::new("two")];
    let routes: Routes = rules().into_iter().collect();
    assert_eq!(routes, Routes::new(rules()));
    assert_eq!(routes.rules().len(), 2);
    let accounts: Vec<RouteAccount> = vec!["a".into(), "b".into()];
    assert_eq!(routes.rules().next().unwrap().named_accounts(), accounts);
    let failover = Routes::failover(["a", "b"]);
    assert_eq!(failover.rules().next().unwrap().named_accounts(), accounts);
    assert_eq!(
        failover,
        Routes::from(vec![Rule::default().accounts(["a", "b"])])
    );
}

#[test]
fn debug_shows_no_whole_number() {
    let rule = Rule::new("one")
        .prefix("+224622000001")
        .default_sender(sender("+224622000002"));
    let shown = format!("{rule:?}");
    assert!(shown.contains("[\"+224622…\"]"), "{shown}");
    assert!(!shown.contains("224622000002"), "{shown}");
    assert!(format!("{:?}", Rule::default().prefix("+224622")).contains("[\"+224622\"]"));
}
