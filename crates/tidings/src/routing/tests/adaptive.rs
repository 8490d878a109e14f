//! How weights move, and that they come back.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::error::{Acceptance, Error, ErrorKind};

const GOOD: Observation = Observation {
    latency: Duration::from_secs(1),
    fault: false,
};
const SLOW: Observation = Observation {
    latency: Duration::from_secs(6),
    fault: false,
};
const FAULT: Observation = Observation {
    latency: Duration::from_secs(1),
    fault: true,
};

/// A controller of accounts named by their place, and its time.
struct Run {
    controller: Controller,
    now: Duration,
}

impl Run {
    fn new(at_rest: &[f64], policy: AdaptivePolicy) -> Self {
        let accounts = (0..).zip(at_rest).map(|(n, weight)| (name(n), *weight));
        let mut controller = Controller::new(accounts, policy);
        let now = Duration::from_secs(1_000);
        assert!(
            !controller.adjust(now),
            "the first call begins the interval"
        );
        Self { controller, now }
    }

    fn observe(&mut self, account: usize, observation: Observation, times: usize) {
        let account = name(account);
        for _ in 0..times {
            self.controller.observe(&account, observation);
        }
    }

    /// Every account has as many calls as it is judged by, each like the one given for it.
    fn observe_all(&mut self, observations: &[Observation]) {
        for (account, observation) in observations.iter().enumerate() {
            self.observe(account, *observation, 20);
        }
    }

    fn adjust_after(&mut self, time: Duration) -> bool {
        self.now += time;
        self.controller.adjust(self.now)
    }

    fn weights(&self) -> Vec<f64> {
        self.controller
            .weights()
            .map(|(_, weight)| weight)
            .collect()
    }
}

fn name(n: usize) -> AccountName {
    n.to_string().into()
}

const INTERVAL: Duration = Duration::from_mins(1);

#[track_caller]
fn assert_near(weights: &[f64], expected: &[f64]) {
    assert_eq!(weights.len(), expected.len());
    let mut pairs = weights.iter().zip(expected);
    assert!(
        pairs.all(|(one, other)| (one - other).abs() < 1e-9),
        "{weights:?} {expected:?}"
    );
}

/// The weights after one interval in which each account had such calls.
#[track_caller]
fn check(at_rest: &[f64], observations: &[Observation], expected: &[f64]) {
    let mut run = Run::new(at_rest, AdaptivePolicy::default());
    run.observe_all(observations);
    assert_eq!(run.adjust_after(INTERVAL), at_rest != expected);
    assert_near(&run.weights(), expected);
}

#[test]
fn an_account_in_trouble_gives_to_those_that_are_well() {
    check(&[1.0, 1.0], &[FAULT, GOOD], &[0.8, 1.2]);
    check(&[1.0, 1.0], &[GOOD, SLOW], &[1.2, 0.8]);
    check(&[3.0, 1.0], &[SLOW, GOOD], &[2.4, 1.6]);
    check(&[3.0, 1.0], &[GOOD, FAULT], &[3.2, 0.8]);
    check(&[1.0, 1.0, 1.0], &[FAULT, GOOD, GOOD], &[0.8, 1.1, 1.1]);
    // In proportion to what each may take: 9 times 1 and 9 times 3.
    check(&[2.0, 1.0, 3.0], &[FAULT, GOOD, GOOD], &[1.6, 1.1, 3.3]);
    check(&[1.0, 1.0, 2.0], &[FAULT, SLOW, GOOD], &[0.8, 0.8, 2.4]);
}

#[test]
fn nothing_moves_when_all_are_well_or_none_is() {
    check(&[3.0, 1.0], &[GOOD, GOOD], &[3.0, 1.0]);
    check(&[3.0, 1.0], &[SLOW, SLOW], &[3.0, 1.0]);
    check(&[3.0, 1.0], &[FAULT, FAULT], &[3.0, 1.0]);
    check(&[3.0, 1.0, 2.0], &[FAULT, SLOW, FAULT], &[3.0, 1.0, 2.0]);
    check(&[1.0], &[FAULT], &[1.0]);
    check(&[], &[], &[]);
}

#[test]
fn a_call_is_slow_only_beyond_the_limit() {
    let at = |latency| Observation::new(latency, false);
    check(
        &[1.0, 1.0],
        &[at(Duration::from_secs(5)), GOOD],
        &[1.0, 1.0],
    );
    check(
        &[1.0, 1.0],
        &[at(Duration::from_millis(5001)), GOOD],
        &[0.8, 1.2],
    );
}

#[test]
fn a_tenth_of_the_calls_may_be_bad() {
    let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
    run.observe(0, FAULT, 2);
    run.observe(0, GOOD, 18);
    run.observe(1, GOOD, 20);
    assert!(!run.adjust_after(INTERVAL));
    run.observe(0, FAULT, 2);
    run.observe(0, SLOW, 1);
    run.observe(0, GOOD, 17);
    run.observe(1, GOOD, 20);
    assert!(run.adjust_after(INTERVAL));
    assert_near(&run.weights(), &[0.8, 1.2]);
}

#[test]
fn too_few_calls_wait_for_more() {
    let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
    run.observe(0, FAULT, 19);
    run.observe(1, GOOD, 20);
    assert!(!run.adjust_after(INTERVAL));
    // Now the other has too few.
    run.observe(0, FAULT, 1);
    run.observe(1, GOOD, 19);
    assert!(!run.adjust_after(INTERVAL));
    // The first was judged and begins again; the other has kept its calls.
    run.observe(0, FAULT, 20);
    run.observe(1, GOOD, 1);
    assert!(run.adjust_after(INTERVAL));
    assert_near(&run.weights(), &[0.8, 1.2]);
}

#[test]
fn calls_of_a_judged_window_are_forgotten() {
    let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
    run.observe_all(&[FAULT, GOOD]);
    assert!(run.adjust_after(INTERVAL));
    run.observe_all(&[GOOD, GOOD]);
    assert!(run.adjust_after(INTERVAL));
    assert_near(&run.weights(), &[0.85, 1.15]);
}

#[test]
fn between_two_changes_is_an_interval() {
    let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
    run.observe_all(&[FAULT, GOOD]);
    assert!(!run.adjust_after(Duration::from_millis(59_999)));
    assert_near(&run.weights(), &[1.0, 1.0]);
    assert!(run.adjust_after(Duration::from_millis(1)));
    run.observe_all(&[FAULT, GOOD]);
    assert!(!run.adjust_after(Duration::from_millis(59_999)));
    assert!(run.adjust_after(Duration::from_millis(1)));
    assert_near(&run.weights(), &[0.6, 1.4]);
    // A clock that goes back moves nothing.
    run.observe_all(&[FAULT, GOOD]);
    assert!(!run.controller.adjust(Duration::ZERO));
}

#[test]
fn weights_stop_at_their_bounds_and_come_back_slowly() {
    let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
    let mut seen = Vec::new();
    for _ in 0..6 {
        run.observe_all(&[FAULT, GOOD]);
        let has_changed = run.adjust_after(INTERVAL);
        seen.push((has_changed, run.weights()[0]));
    }
    let expected = [
        (true, 0.8),
        (true, 0.6),
        (true, 0.4),
        (true, 0.2),
        (true, 0.1),
        (false, 0.1),
    ];
    for (one, other) in seen.iter().zip(expected) {
        assert_eq!(one.0, other.0);
        assert_near(&[one.1], &[other.1]);
    }
    let mut n_intervals = 0;
    while run.weights() != [1.0, 1.0] {
        run.observe_all(&[GOOD, GOOD]);
        assert!(run.adjust_after(INTERVAL));
        n_intervals += 1;
    }
    // From a tenth to the whole by twentieths.
    assert_eq!(n_intervals, 18);
    assert!(!run.adjust_after(INTERVAL));
}

/// The sums round, by more where weights are large; what has come back is at rest all the same.
#[test]
fn weights_of_any_size_come_back_exactly() {
    for size in [1e-9, 1.0, 1e9] {
        let at_rest = [1.1 * size, 2.3 * size, 0.7 * size];
        let mut run = Run::new(&at_rest, AdaptivePolicy::default());
        for bad in 0..3 {
            for _ in 0..7 {
                let mut observations = [GOOD; 3];
                observations[bad] = FAULT;
                run.observe_all(&observations);
                run.adjust_after(INTERVAL);
            }
        }
        for _ in 0..40 {
            run.adjust_after(INTERVAL);
        }
        assert_eq!(run.weights(), at_rest);
    }
}

/// What is nearly back is not yet back.
#[test]
fn a_small_step_is_still_a_step() {
    for size in [1e-3, 1e3] {
        let policy = AdaptivePolicy::default().steps(1e-4, 1e-5);
        let mut run = Run::new(&[size, size], policy);
        run.observe_all(&[FAULT, GOOD]);
        assert!(run.adjust_after(INTERVAL));
        assert!(run.adjust_after(INTERVAL));
        let [first, _] = run.weights()[..] else {
            panic!("there are two accounts");
        };
        assert_near(&[first / size], &[1.0 - 9e-5]);
        assert!((first / size - (1.0 - 9e-5)).abs() < 1e-12);
    }
}

#[test]
fn the_highest_weight_limits_what_is_given() {
    let policy = AdaptivePolicy::default().bounds(0.1, 1.5);
    let mut run = Run::new(&[10.0, 1.0, 1.0], policy);
    run.observe_all(&[FAULT, GOOD, GOOD]);
    assert!(run.adjust_after(INTERVAL));
    assert_near(&run.weights(), &[9.0, 1.5, 1.5]);
    run.observe_all(&[FAULT, GOOD, GOOD]);
    assert!(!run.adjust_after(INTERVAL));
}

#[test]
fn weights_come_back_without_calls_but_not_in_doubt() {
    let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
    run.observe_all(&[FAULT, GOOD]);
    run.adjust_after(INTERVAL);
    // One call, and it is bad.
    run.observe(0, FAULT, 1);
    assert!(!run.adjust_after(INTERVAL));
    assert_near(&run.weights(), &[0.8, 1.2]);
    // One of eleven is less than a tenth.
    run.observe(0, GOOD, 10);
    assert!(run.adjust_after(INTERVAL));
    assert_near(&run.weights(), &[0.85, 1.15]);
    assert!(run.adjust_after(INTERVAL));
    assert_near(&run.weights(), &[0.9, 1.1]);
}

#[test]
fn who_is_above_gives_back_even_where_he_is_in_trouble() {
    let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
    run.observe_all(&[FAULT, GOOD]);
    run.adjust_after(INTERVAL);
    run.observe(1, FAULT, 20);
    assert!(run.adjust_after(INTERVAL));
    // The first is not judged, so nothing is shifted to it; it only gets back what is its own.
    assert_near(&run.weights(), &[0.85, 1.15]);
}

#[test]
fn calls_of_others_are_not_counted() {
    let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
    run.observe(7, FAULT, 100);
    run.observe_all(&[GOOD, GOOD]);
    assert!(!run.adjust_after(INTERVAL));
}

#[test]
fn what_is_no_weight_takes_no_part() {
    let mut run = Run::new(
        &[f64::NAN, -1.0, 1.0, 1.0, f64::INFINITY],
        AdaptivePolicy::default(),
    );
    assert_eq!(run.weights(), [0.0, 0.0, 1.0, 1.0, 0.0]);
    run.observe_all(&[GOOD, FAULT, FAULT, GOOD, GOOD]);
    assert!(run.adjust_after(INTERVAL));
    assert_near(&run.weights(), &[0.0, 0.0, 0.8, 1.2, 0.0]);
    // Nor does a policy that nobody checked break the weights.
    let policy = AdaptivePolicy::default()
        .steps(f64::NAN, f64::INFINITY)
        .bounds(f64::NAN, f64::NAN);
    let mut run = Run::new(&[1.0, 1.0], policy);
    run.observe_all(&[FAULT, GOOD]);
    run.adjust_after(INTERVAL);
    assert!(run.weights().iter().all(|weight| weight.is_finite()));
}

#[test]
fn only_faults_of_the_provider_count() {
    let latency = Duration::from_secs(2);
    let seen = |kind| {
        let outcome: Result<(), Error> = Err(Error::new(kind, Acceptance::NotSent, "failed"));
        Observation::of(&outcome, latency)
    };
    assert_eq!(
        Observation::of(&Ok(()), latency),
        Some(Observation::new(latency, false))
    );
    let faults = [
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::Protocol,
    ];
    for kind in ErrorKind::ALL {
        let expected = faults
            .contains(&kind)
            .then(|| Observation::new(latency, true));
        assert_eq!(seen(kind), expected, "{kind}");
    }
}

#[test]
fn each_adaptive_rule_has_a_controller_of_its_own() {
    let accounts = || [RouteAccount::new("a"), RouteAccount::new("b").weight(2.0)];
    let routes = Routes::new([
        Rule::default()
            .prefix("+47")
            .order(Order::Adaptive)
            .accounts(accounts()),
        Rule::default()
            .prefix("+46")
            .order(Order::Weighted)
            .accounts(accounts()),
        Rule::default().order(Order::Adaptive).accounts(accounts()),
    ]);
    let mut adaptation = Adaptation::of(&routes);
    let weights = |adaptation: &Adaptation, rule| -> Option<Vec<f64>> {
        let controller = adaptation.controller(rule)?;
        Some(controller.weights().map(|(_, weight)| weight).collect())
    };
    assert!(!adaptation.adjust(Duration::ZERO));
    for rule in [0, 1, 7] {
        for _ in 0..20 {
            adaptation.observe(rule, &"a".into(), FAULT);
            adaptation.observe(rule, &"b".into(), GOOD);
        }
    }
    let at_rest = adaptation.weights();
    assert!(adaptation.adjust(INTERVAL));
    assert!(!adaptation.adjust(Duration::from_millis(119_999)));
    assert_near(&weights(&adaptation, 0).unwrap(), &[0.8, 2.2]);
    assert_eq!(weights(&adaptation, 1), None);
    assert_near(&weights(&adaptation, 2).unwrap(), &[1.0, 2.0]);
    assert_eq!(weights(&adaptation, 3), None);
    assert_ne!(adaptation.weights(), at_rest);
    assert_eq!(adaptation.weights(), adaptation.clone().weights());
    let names: Vec<_> = adaptation
        .controller(0)
        .unwrap()
        .weights()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn two_rules_that_change_at_once_are_a_change() {
    let rule = || Rule::default().order(Order::Adaptive).accounts(["a", "b"]);
    let mut adaptation = Adaptation::of(&Routes::new([rule().prefix("+47"), rule()]));
    assert!(!adaptation.adjust(Duration::ZERO));
    for rule in [0, 1].repeat(20) {
        adaptation.observe(rule, &"a".into(), FAULT);
        adaptation.observe(rule, &"b".into(), GOOD);
    }
    assert!(adaptation.adjust(INTERVAL));
}

/// What happens to a controller.
#[derive(Clone, Debug)]
enum Step {
    Calls {
        account: usize,
        fault: bool,
        millis: u64,
        times: usize,
    },
    Adjust {
        after_s: u64,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let calls = (0..4_usize, any::<bool>(), 0..10_000_u64, 0..20_usize).prop_map(
        |(account, fault, millis, times)| Step::Calls {
            account,
            fault,
            millis,
            times,
        },
    );
    prop_oneof![3 => calls, 2 => (0..200_u64).prop_map(|after_s| Step::Adjust { after_s })]
}

fn any_weights() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.01..100.0_f64, 4)
}

fn any_policy() -> impl Strategy<Value = AdaptivePolicy> {
    let shares = (0.0..0.5_f64, 0.01..1.0_f64, 0.01..1.0_f64);
    (shares, 0.01..1.0_f64, 1.0..20.0_f64).prop_map(|((tolerance, away, back), lowest, highest)| {
        AdaptivePolicy::default()
            .tolerance(tolerance)
            .steps(away, back)
            .bounds(lowest, highest)
    })
}

fn apply(run: &mut Run, step: &Step) {
    match *step {
        Step::Calls {
            account,
            fault,
            millis,
            times,
        } => {
            run.observe(
                account,
                Observation::new(Duration::from_millis(millis), fault),
                times,
            );
        }
        Step::Adjust { after_s } => {
            run.adjust_after(Duration::from_secs(after_s));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is observed: weights stay within their bounds, their sum is kept, two controllers
    /// that are told the same agree, all calls bad move nothing, and good calls bring everything back.
    #[test]
    fn weights_stay_in_bounds_and_come_back(
        at_rest in any_weights(),
        policy in any_policy(),
        steps in prop::collection::vec(any_step(), 0..40),
    ) {
        let mut run = Run::new(&at_rest, policy);
        let mut other = Run::new(&at_rest, policy);
        let sum: f64 = at_rest.iter().sum();
        for step in &steps {
            apply(&mut run, step);
            apply(&mut other, step);
            prop_assert_eq!(run.weights(), other.weights());
            let weights = run.weights();
            prop_assert!((weights.iter().sum::<f64>() - sum).abs() < 1e-6 * sum);
            for (weight, rest) in weights.iter().zip(&at_rest) {
                prop_assert!(*weight >= policy.lowest * rest - 1e-9 * sum, "{} {}", weight, rest);
                prop_assert!(*weight <= policy.highest * rest + 1e-9 * sum, "{} {}", weight, rest);
            }
        }
        let moved = run.weights();
        for bad in [SLOW, FAULT] {
            for account in 0..4 {
                // So many that what was seen before is less than what the policy tolerates.
                run.observe(account, bad, 1_000);
            }
            prop_assert!(!run.adjust_after(INTERVAL));
            prop_assert_eq!(run.weights(), moved.clone());
        }
        for _ in 0..200 {
            run.observe_all(&[GOOD; 4]);
            run.adjust_after(INTERVAL);
        }
        prop_assert_eq!(run.weights(), at_rest);
    }
}

#[test]
fn weights_that_were_written_down_go_on_if_they_are_those_of_the_same_accounts() {
    let resumed = |written: &[Option<f64>]| {
        let mut run = Run::new(&[1.0, 1.0], AdaptivePolicy::default());
        let weights = |account: &AccountName| {
            let place: usize = account.as_str().parse().unwrap();
            written.get(place).copied().flatten()
        };
        let counts = run.controller.resume(weights);
        (counts, run.weights())
    };
    assert_eq!(resumed(&[Some(0.4), Some(1.6)]), (true, vec![0.4, 1.6]));
    let at_rest = (false, vec![1.0, 1.0]);
    assert_eq!(resumed(&[Some(0.4)]), at_rest);
    assert_eq!(resumed(&[Some(0.4), None]), at_rest);
    assert_eq!(resumed(&[Some(0.4), Some(1.5)]), at_rest);
    assert_eq!(resumed(&[Some(-1.0), Some(3.0)]), at_rest);
    assert_eq!(resumed(&[Some(f64::NAN), Some(1.0)]), at_rest);
}
