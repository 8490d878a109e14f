//! What is refused before the first message.

use super::*;

/// The sentence about what is wrong, or nothing.
#[track_caller]
fn check(rules: impl IntoIterator<Item = Rule>, expected: &str) {
    let outcome = Routes::new(rules).check(["a", "b"]);
    let said = outcome.map_or_else(|error| error.to_string(), |()| String::new());
    assert_eq!(said, expected);
}

fn one(rule: Rule, expected: &str) {
    check([rule], expected);
}

fn rule() -> Rule {
    Rule::new("r").accounts(["a"])
}

#[test]
fn sensible_rules_pass() {
    check([], "");
    check(
        [
            rule().prefix("+224").calling_code(999).calling_code(1),
            rule().accounts(["b"]),
        ],
        "",
    );
    check([rule().prefix("+1").prefix("+123456789012345")], "");
    let free = RouteAccount::new("b").cost(0.0).weight(0.001);
    check([rule().accounts([free])], "");
}

#[test]
fn rules_need_accounts_that_exist() {
    check(
        [rule().prefix("+47"), Rule::new("x")],
        "rule 2 (x) names no account",
    );
    one(
        rule().accounts(["c"]),
        "rule 1 (r) names the account c, which does not exist",
    );
    one(
        rule().accounts(["b", "a"]),
        "rule 1 (r) names the account a twice",
    );
    let known: Vec<String> = (0..33).map(|n| n.to_string()).collect();
    let with = |n: usize| {
        let accounts = known.iter().take(n).map(String::as_str);
        let routes = Routes::new([Rule::default().accounts(accounts)]);
        routes.check(known.iter().map(String::as_str))
    };
    assert_eq!(with(32), Ok(()));
    let error = with(33).unwrap_err();
    assert_eq!(error.fault, RouteFault::TooManyAccounts(33));
    assert_eq!((error.rule, error.name.as_deref()), (0, None));
    assert_eq!(
        error.to_string(),
        "rule 1 names 33 accounts, and may name 32"
    );
}

#[test]
fn weights_and_costs_are_numbers() {
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let account = RouteAccount::new("b").weight(weight);
        one(
            rule().accounts([account]),
            "rule 1 (r) gives b a weight that is not above 0",
        );
    }
    for cost in [-0.01, f64::NAN, f64::INFINITY] {
        let account = RouteAccount::new("b").cost(cost);
        one(
            rule().accounts([account]),
            "rule 1 (r) gives b a cost that is no number from 0 on",
        );
    }
}

#[test]
fn prefixes_and_calling_codes_are_possible() {
    for prefix in [
        "",
        "+",
        "224",
        "00224",
        "+22x",
        "+1234567890123456",
        "+224 62",
        "+٢٢",
    ] {
        one(
            rule().prefix("+224").prefix(prefix),
            "rule 1 (r) has a prefix, number 2, that is not a plus and 1 to 15 digits",
        );
    }
    one(
        rule().calling_code(0),
        "rule 1 (r) names 0, which is no calling code",
    );
    one(
        rule().calling_code(1000),
        "rule 1 (r) names 1000, which is no calling code",
    );
}

#[test]
fn a_policy_has_its_bounds() {
    use std::time::Duration;

    let good = AdaptivePolicy::default;
    #[track_caller]
    fn bad(policy: AdaptivePolicy, setting: &str) {
        let expected =
            format!("rule 1 (r) has a setting `{setting}` of `adaptive` that is out of its bounds");
        one(rule().order(Order::Adaptive).adaptive(policy), &expected);
        // Who does not use it need not get it right.
        one(rule().order(Order::Weighted).adaptive(policy), "");
    }
    one(rule().order(Order::Adaptive), "");
    let at_the_edges = good()
        .tolerance(0.0)
        .steps(1.0, 1.0)
        .bounds(1.0, 1.0)
        .min_observations(1);
    one(rule().order(Order::Adaptive).adaptive(at_the_edges), "");
    bad(good().interval(Duration::ZERO), "interval");
    bad(good().slow_after(Duration::ZERO), "slow_after");
    bad(good().min_observations(0), "min_observations");
    for tolerance in [-0.1, 1.0, f64::NAN] {
        bad(good().tolerance(tolerance), "tolerance");
    }
    for share in [0.0, -1.0, 1.1, f64::NAN] {
        bad(good().steps(share, 0.1), "step");
        bad(good().steps(0.1, share), "return_step");
        bad(good().bounds(share, 10.0), "lowest");
    }
    for most in [0.9, f64::NAN, f64::INFINITY] {
        bad(good().bounds(0.1, most), "highest");
    }
}

#[test]
fn a_rule_that_is_never_reached_is_found() {
    #[track_caller]
    fn hidden(earlier: Rule, later: Rule) {
        let expected = "rule 3 (r) is never reached, because rule 2 takes all its messages";
        check([rule().prefix("+999"), earlier, later], expected);
    }
    #[track_caller]
    fn reached(earlier: Rule, later: Rule) {
        check([earlier, later], "");
    }
    hidden(rule(), rule());
    hidden(rule(), rule().prefix("+47"));
    hidden(rule().prefix("+4"), rule().prefix("+47").prefix("+46"));
    hidden(
        rule().tag(tag("a")).tag(tag("b")),
        rule().tag(tag("b")).calling_code(47),
    );
    reached(rule().prefix("+47"), rule().prefix("+4"));
    reached(rule().prefix("+47"), rule().prefix("+479").prefix("+45"));
    reached(rule().tag(tag("a")).calling_code(47), rule().tag(tag("a")));

    let region = |letters: &str| letters.parse::<tidings_core::Region>().unwrap();
    let pairs: [fn(Rule) -> Rule; 7] = [
        |rule| rule.prefix("+47"),
        |rule| rule.calling_code(47),
        |rule| rule.region("NO".parse().unwrap()),
        |rule| rule.sender(sender("Tidings")),
        |rule| rule.tag(tag("a")),
        |rule| rule.kind(MessageKind::Text),
        |rule| rule.priority(Priority::High),
    ];
    for condition in pairs {
        hidden(condition(rule()), condition(rule()));
        reached(condition(rule()), rule());
    }
    reached(rule().calling_code(47), rule().calling_code(46));
    reached(rule().region(region("NO")), rule().region(region("SE")));
    reached(rule().sender(sender("A")), rule().sender(sender("B")));
    reached(rule().tag(tag("a")), rule().tag(tag("b")));
    reached(
        rule().kind(MessageKind::Text),
        rule().kind(MessageKind::Media),
    );
    reached(
        rule().priority(Priority::Low),
        rule().priority(Priority::High),
    );
}

#[test]
fn the_error_is_an_error() {
    let error = Routes::new([Rule::new("x")]).check(["a"]).unwrap_err();
    assert!(std::error::Error::source(&error).is_none());
    assert_eq!((error.rule, error.name.as_deref()), (0, Some("x")));
}
