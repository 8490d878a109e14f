//! In which order accounts are tried.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(rule: &Rule, standing: &Standing, draw: f64, expected: &[&str]) {
    let routes = Routes::new([rule.clone()]);
    let decision = routes.decide(&message(), standing, draw);
    assert_eq!(names(&decision), expected, "{draw}");
}

fn account(name: &str) -> RouteAccount {
    RouteAccount::new(name)
}

fn well() -> Standing {
    Standing::default()
}

#[test]
fn fail_over_goes_by_position_whatever_the_draw_weight_and_cost() {
    let rule = Rule::default().accounts([
        account("main").cost(9.0),
        account("spare").weight(100.0).cost(1.0),
        account("last"),
    ]);
    for draw in [0.0, 0.5, 0.99] {
        check(&rule, &well(), draw, &["main", "spare", "last"]);
    }
}

#[test]
fn of_equal_preference_the_cheaper_is_first() {
    let rule = Rule::default().accounts([
        account("unknown").preference(1),
        account("dear").preference(1).cost(0.09),
        account("cheap").preference(1).cost(0.02),
        account("next"),
        account("free").preference(1).cost(0.0),
        account("also-unknown").preference(1),
    ]);
    let expected = ["free", "cheap", "dear", "unknown", "also-unknown", "next"];
    check(&rule, &well(), 0.0, &expected);
}

#[test]
fn an_account_without_a_preference_stands_behind_the_one_before_it() {
    let rule = Rule::default().accounts([
        account("third").preference(3),
        account("fourth"),
        account("first").preference(1),
        account("second"),
        account("last").preference(u16::MAX),
        account("also-last"),
    ]);
    let expected = ["first", "second", "third", "fourth", "last", "also-last"];
    check(&rule, &well(), 0.0, &expected);
    // The first account stands at 1, not at 0.
    let rule = Rule::default().accounts([account("b"), account("a").preference(1).cost(1.0)]);
    check(&rule, &well(), 0.0, &["a", "b"]);
}

#[test]
fn accounts_with_an_obstacle_are_left_out() {
    let rule = Rule::default().accounts(["a", "b", "c", "d"]);
    let standing = well()
        .out_of_service("a", "its breaker is open")
        .cannot_carry("c", "it sends texts only")
        .out_of_service("c", "and more")
        .out_of_service("elsewhere", "gone");
    check(&rule, &standing, 0.0, &["b", "d"]);
    let routes = Routes::new([rule]);
    let decision = routes.decide(&message(), &standing, 0.0);
    let left_out: Vec<_> = decision
        .left_out()
        .map(|left| {
            (
                left.account.as_str(),
                left.obstacle.clone(),
                left.obstacle.reason(),
            )
        })
        .collect();
    let open = Obstacle::OutOfService("its breaker is open".into());
    let texts = Obstacle::CannotCarry("it sends texts only".into());
    assert_eq!(
        left_out,
        [
            ("a", open, "its breaker is open"),
            ("c", texts, "it sends texts only")
        ]
    );
    assert_eq!(standing.obstacle(&"b".into()), None);
}

#[test]
fn the_draw_falls_on_the_piece_of_an_account_on_a_line() {
    let rule = Rule::default().order(Order::Weighted).accounts([
        account("one"),
        account("three").weight(3.0),
        account("four").weight(4.0),
    ]);
    for draw in [0.0, 0.124] {
        check(&rule, &well(), draw, &["one", "four", "three"]);
    }
    for draw in [0.125, 0.499] {
        check(&rule, &well(), draw, &["three", "four", "one"]);
    }
    for draw in [0.5, 0.999_999, 1.0, 7.0] {
        check(&rule, &well(), draw, &["four", "three", "one"]);
    }
    check(&rule, &well(), -1.0, &["one", "four", "three"]);
    // Those that cannot carry the message have no piece.
    let standing = well().out_of_service("four", "down");
    check(&rule, &standing, 0.249, &["one", "three"]);
    check(&rule, &standing, 0.25, &["three", "one"]);
}

#[test]
fn behind_the_drawn_account_the_cost_breaks_ties_of_weight() {
    let rule = Rule::default().order(Order::Weighted).accounts([
        account("dear").cost(3.0),
        account("unknown"),
        account("cheap").cost(1.0),
        account("also-cheap").cost(1.0),
        account("heavy").weight(2.0).cost(5.0),
    ]);
    check(
        &rule,
        &well(),
        0.0,
        &["dear", "heavy", "cheap", "also-cheap", "unknown"],
    );
    check(
        &rule,
        &well(),
        0.99,
        &["heavy", "cheap", "also-cheap", "dear", "unknown"],
    );
}

#[test]
fn what_is_no_weight_is_never_drawn_while_another_is_there() {
    let rule = Rule::default().order(Order::Weighted).accounts([
        account("negative").weight(-5.0),
        account("no-number").weight(f64::NAN),
        account("endless").weight(f64::INFINITY),
        account("good").weight(0.5),
        account("nothing").weight(0.0),
    ]);
    for draw in [0.0, 0.5, 1.0, f64::NAN] {
        let expected = ["good", "negative", "no-number", "endless", "nothing"];
        check(&rule, &well(), draw, &expected);
    }
    let rule = Rule::default().order(Order::Weighted).accounts([
        account("a").weight(0.0),
        account("b").weight(-1.0).cost(1.0),
    ]);
    for draw in [0.0, 0.99] {
        check(&rule, &well(), draw, &["b", "a"]);
    }
}

#[test]
fn measured_weights_replace_those_of_an_adaptive_rule_only() {
    let accounts = || [account("a").weight(9.0), account("b")];
    let rules = [
        Rule::default()
            .prefix("+47")
            .order(Order::Adaptive)
            .accounts(["z"]),
        Rule::default().order(Order::Adaptive).accounts(accounts()),
    ];
    let routes = Routes::new(rules);
    let mut adaptation = Adaptation::of(&routes);
    let bad = Observation::new(std::time::Duration::ZERO, true);
    let good = Observation::new(std::time::Duration::ZERO, false);
    assert!(!adaptation.adjust(std::time::Duration::ZERO));
    for _ in 0..20 {
        adaptation.observe(1, &"a".into(), bad);
        adaptation.observe(1, &"b".into(), good);
    }
    assert!(adaptation.adjust(std::time::Duration::from_mins(1)));
    // 9 and 1 have become 7.2 and 2.8.
    let standing = well().weights(adaptation.weights());
    let first = |draw, standing: &Standing| {
        let decision = routes.decide(&message(), standing, draw);
        decision.candidates().next().unwrap().account.to_string()
    };
    assert_eq!(
        (first(0.71, &standing), first(0.73, &standing)),
        ("a".into(), "b".into())
    );
    assert_eq!(
        (first(0.89, &well()), first(0.91, &well())),
        ("a".into(), "b".into())
    );
    check(
        &Rule::default().order(Order::Weighted).accounts(accounts()),
        &well().weights(adaptation.weights()),
        0.85,
        &["a", "b"],
    );
}

#[test]
fn a_rule_holds_as_many_accounts_as_it_says() {
    let all: Vec<String> = (0..40).map(|n| format!("account-{n:02}")).collect();
    for order in [Order::Failover, Order::Weighted] {
        let rule = Rule::default()
            .order(order)
            .accounts(all.iter().map(String::as_str));
        let expected: Vec<&str> = all.iter().take(32).map(String::as_str).collect();
        check(&rule, &well(), 0.0, &expected);
    }
    let routes = Routes::new([Rule::default()]);
    assert_eq!(
        names(&routes.decide(&message(), &well(), 0.0)),
        Vec::<&str>::new()
    );
}

/// Rules of up to eight accounts with weights, costs and preferences, and who is out of service.
fn any_rule() -> impl Strategy<Value = (Rule, Standing)> {
    let account = (
        0.01..10.0_f64,
        proptest::option::of(0.0..1.0_f64),
        proptest::option::of(1..4_u16),
        prop::bool::weighted(0.2),
    );
    let order = prop::sample::select(vec![Order::Failover, Order::Weighted, Order::Adaptive]);
    (prop::collection::vec(account, 1..8), order).prop_map(|(accounts, order)| {
        let mut standing = Standing::default();
        let mut rule = Rule::default().order(order);
        for (n, (weight, cost, preference, is_out)) in accounts.into_iter().enumerate() {
            let mut account = RouteAccount::new(format!("account-{n}")).weight(weight);
            (account.cost, account.preference) = (cost, preference);
            if is_out {
                standing = standing.out_of_service(account.name.clone(), "down");
            }
            rule = rule.accounts([account]);
        }
        (rule, standing)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each account of the rule is a candidate or left out, once; and the same inputs give the same
    /// answer.
    #[test]
    fn every_account_is_a_candidate_or_left_out((rule, standing) in any_rule(), draw in 0.0..1.0_f64) {
        let routes = Routes::new([rule.clone()]);
        let decision = routes.decide(&message(), &standing, draw);
        prop_assert_eq!(&decision, &routes.decide(&message(), &standing, draw));
        prop_assert_eq!(decision.why(), routes.decide(&message(), &standing, draw).why());
        let mut seen = names(&decision);
        prop_assert!(seen.iter().all(|name| standing.obstacle(&(*name).into()).is_none()));
        seen.extend(decision.left_out().map(|left| left.account.as_str()));
        seen.sort_unstable();
        let mut named: Vec<&str> = rule.named_accounts().iter().map(|one| one.name.as_str()).collect();
        named.sort_unstable();
        prop_assert_eq!(seen, named);
    }

    /// The draws that put an account first make up exactly its share of the weights: the borders
    /// between them are found by halving.
    #[test]
    fn shares_follow_weights((rule, standing) in any_rule()) {
        let routes = Routes::new([rule.clone().order(Order::Weighted)]);
        let message = message();
        let first = |draw: f64| {
            let decision = routes.decide(&message, &standing, draw);
            decision.candidates().next().map(|candidate| candidate.account.clone())
        };
        let able: Vec<&RouteAccount> = rule
            .named_accounts()
            .iter()
            .filter(|account| standing.obstacle(&account.name).is_none())
            .collect();
        let total: f64 = able.iter().map(|account| account.weight).sum();
        let mut begin = 0.0;
        for account in able {
            prop_assert_eq!(first(begin), Some(account.name.clone()));
            let (mut inside, mut outside) = (begin, 1.0);
            for _ in 0..40 {
                let middle = f64::midpoint(inside, outside);
                if first(middle).as_ref() == Some(&account.name) {
                    inside = middle;
                } else {
                    outside = middle;
                }
            }
            prop_assert!((outside - begin - account.weight / total).abs() < 1e-9);
            begin = outside;
        }
    }
}
