//! Which sender a message gets that names none.

use super::*;

fn rule() -> Rule {
    Rule::default().accounts([
        RouteAccount::new("plain"),
        RouteAccount::new("own").sender(sender("+4790000001")),
    ])
}

/// The senders that the two accounts use for a message.
#[track_caller]
fn check(rule: Rule, message: &Message, plain: Option<&str>, own: Option<&str>) {
    let routes = Routes::new([rule]);
    let decision = routes.decide(message, &Standing::default(), 0.0);
    let senders: Vec<_> = decision
        .candidates()
        .map(|candidate| candidate.sender.cloned())
        .collect();
    assert_eq!(senders, [plain.map(sender), own.map(sender)]);
}

const OWN: Option<&str> = Some("+4790000001");

#[test]
fn without_any_the_account_decides() {
    check(rule(), &message(), None, OWN);
}

#[test]
fn a_message_keeps_its_own_sender() {
    let rule = rule()
        .default_sender(sender("Default"))
        .sender_for(224, sender("Guinea"));
    check(rule, &message().from(sender("Mine")), None, None);
}

#[test]
fn the_region_goes_before_the_calling_code_and_that_before_the_default() {
    let norway = "NO".parse::<tidings_core::Region>().unwrap();
    let svalbard = "SJ".parse::<tidings_core::Region>().unwrap();
    let rule = || {
        rule()
            .default_sender(sender("Default"))
            .sender_for(47, sender("Code"))
            .sender_for(svalbard, sender("Svalbard"))
            .sender_for(norway, sender("Region"))
            .sender_for(norway, sender("Later"))
    };
    check(rule(), &to("+4790000000"), Some("Region"), OWN);
    check(rule(), &to("+4779000000"), Some("Svalbard"), OWN);
    // Possible, and in no region's plan.
    check(rule(), &to("+4710000000"), Some("Code"), OWN);
    check(rule(), &message(), Some("Default"), OWN);
    check(
        self::rule().sender_for(47, sender("Code")),
        &message(),
        None,
        OWN,
    );
}
