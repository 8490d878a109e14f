//! When a breaker opens, for how long, and that one call at a time probes whether it may close.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use proptest::prelude::*;

use super::{
    ACCEPTANCES, PausedClock, QUESTIONS, Recorded, Scripted, ask_everything, check_answers_pass,
    number, outbound, outbounds, paused, unavailable,
};
use crate::error::{Acceptance, Error, ErrorKind};
use crate::layers::circuit::{Passage, Sign};
use crate::layers::{Breaker, BreakerPolicy, Circuit, CircuitState, Innermost, Stack};
use crate::provider::Provider;

const FAULTS: [ErrorKind; 3] = [
    ErrorKind::Unavailable,
    ErrorKind::Timeout,
    ErrorKind::Protocol,
];

/// What clients and layers refuse without a call, so that it proves nothing when nothing was sent.
const OWN_REFUSALS: [ErrorKind; 6] = [
    ErrorKind::InvalidMessage,
    ErrorKind::InvalidRecipient,
    ErrorKind::InvalidSender,
    ErrorKind::RateLimited,
    ErrorKind::Unsupported,
    ErrorKind::Config,
];

const PAUSE: Duration = Duration::from_secs(5);

/// Opens at the first fault.
fn touchy() -> BreakerPolicy {
    BreakerPolicy::default()
        .opens_after(1, 1)
        .pauses(PAUSE, 6 * PAUSE)
}

struct Guarded {
    scripted: Arc<Scripted>,
    circuit: Circuit,
    provider: Stack<Breaker<Innermost<Arc<Scripted>>>>,
}

fn guarded(policy: BreakerPolicy) -> Guarded {
    let clock = PausedClock::new();
    around(Scripted::new(&clock), policy)
}

fn around(scripted: Scripted, policy: BreakerPolicy) -> Guarded {
    let clock: Arc<PausedClock> = Arc::clone(&scripted.clock);
    let scripted = Arc::new(scripted);
    let circuit = Circuit::new(policy, clock);
    let inner = Innermost::new(Arc::clone(&scripted));
    Guarded {
        scripted,
        circuit: circuit.clone(),
        provider: Stack::new(Breaker::new(inner, circuit)),
    }
}

impl Guarded {
    /// One call that ends so, if it gets through.
    async fn call(&self, answer: Option<Error>) -> Option<Error> {
        self.scripted.next(answer);
        self.provider.submit(&outbounds(1)).await.err()
    }

    /// One call that the open breaker does not let through, with what the error says.
    async fn refused(&self) -> Option<Duration> {
        let calls = self.scripted.take_calls().len();
        let error = self.provider.submit(&outbounds(1)).await.unwrap_err();
        assert_eq!(self.scripted.take_calls().len(), 0, "after {calls} calls");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.acceptance(), Acceptance::NotSent);
        assert_eq!(
            error.to_string(),
            "not called, because too many of the last calls to this provider failed"
        );
        error.retry_after()
    }
}

/// Calls with these outcomes, one letter each (`f` a fault, `a` alive, `n` no sign), open the breaker
/// at the last of them or not at all.
#[track_caller]
fn check_opens(policy: BreakerPolicy, calls: &str, opens: bool) {
    let circuit = Circuit::new(policy, paused(async { PausedClock::new() }));
    for (index, letter) in calls.chars().enumerate() {
        let state = circuit.state();
        assert_eq!(state, CircuitState::Closed, "{calls} before call {index}");
        let sign = match letter {
            'f' => Sign::Fault,
            'a' => Sign::Alive,
            _ => Sign::None,
        };
        circuit.enter().unwrap().end(sign);
    }
    let is_open = matches!(circuit.state(), CircuitState::Open { .. });
    assert_eq!(is_open, opens, "{calls}");
}

#[test]
fn so_many_faults_among_the_last_calls_open_it() {
    let policy = |failures, window| BreakerPolicy::default().opens_after(failures, window);
    check_opens(policy(1, 1), "f", true);
    check_opens(policy(3, 5), "ff", false);
    check_opens(policy(3, 5), "fff", true);
    check_opens(policy(3, 5), "faaff", true);
    check_opens(policy(3, 5), "faaaff", false);
    check_opens(policy(3, 5), "faaafaff", true);
    check_opens(policy(3, 3), "ffaffaffaff", false);
    // What is no sign takes no place in the window.
    check_opens(policy(3, 5), "fnnnnnffa".trim_end_matches('a'), true);
    check_opens(policy(2, 2), "fnnf", true);
    check_opens(policy(2, 2), "faf", false);
    // The bounds of the window: 1 and 64.
    check_opens(policy(1, 0), "aaf", true);
    check_opens(policy(0, 1), "aaf", true);
    check_opens(policy(2, 0), "ffff", false);
    let long = "f".repeat(63);
    check_opens(policy(64, 64), &long, false);
    check_opens(policy(64, 64), &format!("{long}f"), true);
    check_opens(policy(64, 1000), &format!("{long}f"), true);
    check_opens(policy(64, 64), &format!("{long}a{long}"), false);
    check_opens(policy(2, 64), &format!("f{}f", "a".repeat(62)), true);
    check_opens(policy(2, 64), &format!("f{}f", "a".repeat(63)), false);
    check_opens(policy(3, 2), &"f".repeat(200), false);
    check_opens(BreakerPolicy::never_opens(), &"f".repeat(200), false);
    // The default: ten of the last twenty.
    check_opens(BreakerPolicy::default(), "fffffffff", false);
    check_opens(BreakerPolicy::default(), "ffffffffff", true);
    check_opens(BreakerPolicy::default(), "fffffffffaaaaaaaaaaf", true);
    check_opens(BreakerPolicy::default(), "fffffffffaaaaaaaaaaaf", false);
}

/// Each kind of error, at a closed and at a half-open breaker.
#[tokio::test(start_paused = true)]
async fn only_faults_of_the_provider_count() {
    for kind in ErrorKind::ALL {
        for acceptance in ACCEPTANCES {
            let name = format!("{kind:?} {acceptance:?}");
            let is_fault = FAULTS.contains(&kind);
            let is_no_sign = OWN_REFUSALS.contains(&kind) && acceptance == Acceptance::NotSent;
            let error = || Some(Error::new(kind, acceptance, "x"));

            let guarded = guarded(touchy());
            assert!(guarded.call(error()).await.is_some());
            let state = guarded.circuit.state();
            let opened = CircuitState::Open { rest: PAUSE };
            let expected = if is_fault {
                opened
            } else {
                CircuitState::Closed
            };
            assert_eq!(state, expected, "{name}");

            if !is_fault {
                guarded.call(Some(unavailable())).await;
            }
            tokio::time::sleep(PAUSE).await;
            assert_eq!(guarded.circuit.state(), CircuitState::HalfOpen);
            assert!(guarded.call(error()).await.is_some());
            let expected = if is_fault {
                CircuitState::Open { rest: 2 * PAUSE }
            } else if is_no_sign {
                CircuitState::HalfOpen
            } else {
                CircuitState::Closed
            };
            assert_eq!(guarded.circuit.state(), expected, "{name} half-open");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_one_fails_at_once_and_says_for_how_long() {
    let guarded = guarded(touchy());
    guarded.call(Some(unavailable())).await;
    assert_eq!(guarded.refused().await, Some(PAUSE));
    tokio::time::sleep(Duration::from_millis(4999)).await;
    assert_eq!(guarded.refused().await, Some(Duration::from_millis(1)));
    let rest = Duration::from_millis(1);
    assert_eq!(guarded.circuit.state(), CircuitState::Open { rest });
    // Questions are not asked either.
    for error in ask_everything(&guarded.provider).await {
        assert_eq!(error.unwrap().retry_after(), Some(rest));
    }
    assert_eq!(guarded.scripted.take_calls(), []);
    tokio::time::sleep(rest).await;
    assert_eq!(guarded.circuit.state(), CircuitState::HalfOpen);
    assert!(guarded.call(None).await.is_none());
    assert_eq!(guarded.circuit.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_pause_doubles_with_each_failed_probe_up_to_a_limit() {
    let guarded = guarded(touchy());
    for _ in 0..2 {
        for times in [1, 2, 4, 6, 6] {
            guarded.call(Some(unavailable())).await;
            let rest = times * PAUSE;
            assert_eq!(guarded.circuit.state(), CircuitState::Open { rest });
            tokio::time::sleep(rest).await;
        }
        // A probe that says nothing neither closes it nor makes the pause longer.
        let refusal = Error::not_sent(ErrorKind::InvalidMessage, "empty");
        guarded.call(Some(refusal)).await;
        assert_eq!(guarded.circuit.state(), CircuitState::HalfOpen);
        // One that is answered closes it, and the pauses begin anew.
        guarded.call(None).await;
        assert_eq!(guarded.circuit.state(), CircuitState::Closed);
    }
}

#[test]
fn pauses_without_end_are_no_overflow() {
    let policy = touchy().pauses(Duration::MAX, Duration::MAX);
    let clock = paused(async {
        let clock = PausedClock::new();
        tokio::time::sleep(PAUSE).await;
        clock
    });
    let circuit = Circuit::new(policy, clock);
    circuit.enter().unwrap().end(Sign::Fault);
    assert!(matches!(circuit.state(), CircuitState::Open { .. }));
}

/// What was counted before it opened says nothing after it has closed.
#[tokio::test(start_paused = true)]
async fn closing_forgets_the_faults() {
    let guarded = guarded(touchy().opens_after(2, 2));
    guarded.call(Some(unavailable())).await;
    guarded.call(Some(unavailable())).await;
    tokio::time::sleep(PAUSE).await;
    guarded.call(None).await;
    guarded.call(Some(unavailable())).await;
    assert_eq!(guarded.circuit.state(), CircuitState::Closed);
    guarded.call(Some(unavailable())).await;
    assert_eq!(guarded.circuit.state(), CircuitState::Open { rest: PAUSE });
}

#[tokio::test(start_paused = true)]
async fn one_call_probes_and_the_others_fail_at_once() {
    let clock = PausedClock::new();
    let guarded = around(Scripted::new(&clock).taking(PAUSE), touchy());
    guarded.call(Some(unavailable())).await;
    tokio::time::sleep(PAUSE).await;
    guarded.scripted.take_calls();
    let messages = outbounds(1);
    let probe = guarded.provider.submit(&messages);
    let (probe, ()) = join(probe, async {
        assert_eq!(guarded.circuit.state(), CircuitState::HalfOpen);
        let error = guarded.provider.submit(&messages).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        // How long the probe takes nobody knows.
        assert_eq!(error.retry_after(), None);
    })
    .await;
    assert!(probe.is_ok());
    assert_eq!(guarded.scripted.take_calls().len(), 1);
    assert_eq!(guarded.circuit.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_frees_its_place() {
    let clock = PausedClock::new();
    let guarded = around(Scripted::new(&clock).taking(PAUSE), touchy());
    guarded.call(Some(unavailable())).await;
    tokio::time::sleep(PAUSE).await;
    let messages = outbounds(1);
    for _ in 0..3 {
        let probe = guarded.provider.submit(&messages);
        let given_up = tokio::time::timeout(PAUSE / 2, probe).await;
        assert!(given_up.is_err());
        assert_eq!(guarded.circuit.state(), CircuitState::HalfOpen);
    }
    assert!(guarded.provider.submit(&messages).await.is_ok());
    assert_eq!(guarded.circuit.state(), CircuitState::Closed);
}

/// Calls that began before a change say nothing about the time after it.
#[test]
fn late_answers_do_not_count() {
    paused(async {
        let circuit = Circuit::new(touchy(), PausedClock::new());
        let early: Vec<Passage<'_>> = (0..4).map(|_| circuit.enter().unwrap()).collect();
        let mut early = early.into_iter();
        early.next().unwrap().end(Sign::Fault);
        let opened = CircuitState::Open { rest: PAUSE };
        assert_eq!(circuit.state(), opened);
        early.next().unwrap().end(Sign::Alive);
        assert_eq!(circuit.state(), opened);

        tokio::time::sleep(PAUSE).await;
        let probe = circuit.enter().unwrap();
        early.next().unwrap().end(Sign::Alive);
        assert_eq!(circuit.state(), CircuitState::HalfOpen);
        assert!(circuit.enter().is_err());
        probe.end(Sign::Alive);

        early.next().unwrap().end(Sign::Fault);
        assert_eq!(circuit.state(), CircuitState::Closed);
    });
}

/// What the messages of one call say together, by what becomes of each: `ok`, a fault, or a refusal
/// of our own.
#[tokio::test(start_paused = true)]
async fn a_call_is_a_fault_when_all_of_its_messages_are() {
    async fn check(fates: &str, expected: CircuitState) {
        let recorded = Recorded::new();
        for (index, fate) in fates.chars().enumerate() {
            let error = match fate {
                'f' => unavailable(),
                'n' => Error::not_sent(ErrorKind::InvalidMessage, "empty"),
                'r' => Error::new(ErrorKind::Rejected, Acceptance::Refused, "no"),
                _ => continue,
            };
            recorded.inner.fail_next_to(&number(index), error);
        }
        let clock: Arc<PausedClock> = Arc::clone(&recorded.clock);
        let circuit = Circuit::new(touchy(), clock);
        // Half-open, so that each of the three signs shows.
        circuit.enter().unwrap().end(Sign::Fault);
        tokio::time::sleep(PAUSE).await;
        let inner = Innermost::new(recorded);
        let provider = Stack::new(Breaker::new(inner, circuit.clone()));
        let results = provider.submit(&outbounds(fates.len())).await.unwrap();
        assert_eq!(results.len(), fates.len());
        assert_eq!(circuit.state(), expected, "{fates}");
    }
    let opened = CircuitState::Open { rest: 2 * PAUSE };
    check("f", opened).await;
    check("fff", opened).await;
    check("nfn", opened).await;
    check("ffo", CircuitState::Closed).await;
    check("off", CircuitState::Closed).await;
    check("ffr", CircuitState::Closed).await;
    check("nn", CircuitState::HalfOpen).await;
    check("", CircuitState::HalfOpen).await;
}

#[tokio::test(start_paused = true)]
async fn questions_count_as_messages_do() {
    for (index, question) in QUESTIONS.into_iter().enumerate() {
        let guarded = guarded(touchy());
        for place in 0..4 {
            guarded.scripted.next((place == index).then(unavailable));
        }
        ask_everything(&guarded.provider).await;
        let asked = guarded.scripted.take_operations();
        assert_eq!(asked, QUESTIONS[..=index], "{question}");
        assert_eq!(guarded.circuit.state(), CircuitState::Open { rest: PAUSE });
    }
}

#[tokio::test(start_paused = true)]
async fn answers_to_questions_close_it() {
    for index in 0..4 {
        let guarded = guarded(touchy());
        guarded.call(Some(unavailable())).await;
        tokio::time::sleep(PAUSE).await;
        // All questions before this one prove nothing, so this one is the probe that counts.
        for _ in 0..index {
            let unsupported = Error::not_sent(ErrorKind::Unsupported, "none");
            guarded.scripted.next(Some(unsupported));
        }
        let provider: &dyn Provider = &guarded.provider;
        check_answers_after(provider, index).await;
        assert_eq!(guarded.circuit.state(), CircuitState::Closed, "{index}");
    }
    check_answers_pass(&guarded(touchy()).provider).await;
}

async fn check_answers_after(provider: &dyn Provider, index: usize) {
    use crate::provider::AttemptRef;
    use tidings_core::{ProviderRef, Timestamp};

    let about = ProviderRef::message("1");
    let attempt = AttemptRef::new(outbound(0), Timestamp::UNIX_EPOCH);
    for question in 0..=index {
        let error = match question {
            0 => provider.status(std::slice::from_ref(&about)).await.err(),
            1 => provider.reconcile(&attempt).await.err(),
            2 => provider.cancel(&about).await.err(),
            _ => provider.balance().await.err(),
        };
        assert_eq!(error.is_none(), question == index);
    }
}

/// What happens to a breaker from outside.
#[derive(Clone, Copy, Debug)]
enum Step {
    Enter,
    /// The call at this place among those under way, counted around, ends so.
    End(usize, Sign),
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let sign = prop::sample::select(vec![Sign::Alive, Sign::Fault, Sign::Fault, Sign::None]);
    prop_oneof![
        3 => Just(Step::Enter),
        3 => (any::<usize>(), sign).prop_map(|(place, sign)| Step::End(place, sign)),
        1 => (0_u64..12_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever calls come, end and are given up: while it is half-open, no more than one call is
    /// under way that was let through since it opened, and while it is open none is let through.
    #[test]
    fn never_two_probes(steps in prop::collection::vec(any_step(), 1..120)) {
        paused(async {
            let policy = touchy().opens_after(2, 3);
            let circuit = Circuit::new(policy, PausedClock::new());
            // With each call, whether it is a probe.
            let mut under_way: Vec<(Passage<'_>, bool)> = Vec::new();
            for step in steps {
                let before = circuit.state();
                match step {
                    Step::Enter => match circuit.enter() {
                        Ok(passage) => {
                            assert!(!matches!(before, CircuitState::Open { .. }));
                            let is_probe = before == CircuitState::HalfOpen;
                            if is_probe {
                                assert!(under_way.iter().all(|(_, is_probe)| !is_probe));
                            }
                            under_way.push((passage, is_probe));
                        }
                        Err(error) => {
                            assert!(before != CircuitState::Closed);
                            let rest = match before {
                                CircuitState::Open { rest } => Some(rest),
                                _ => None,
                            };
                            assert_eq!(error.retry_after(), rest);
                            let is_probed = under_way.iter().any(|(_, is_probe)| *is_probe);
                            assert_eq!(is_probed, before == CircuitState::HalfOpen);
                        }
                    },
                    Step::End(place, sign) if !under_way.is_empty() => {
                        let (passage, is_probe) = under_way.remove(place % under_way.len());
                        passage.end(sign);
                        let after = circuit.state();
                        match (is_probe, sign) {
                            (true, Sign::Alive) => assert_eq!(after, CircuitState::Closed),
                            (true, Sign::Fault) => {
                                assert!(matches!(after, CircuitState::Open { .. }));
                            }
                            // A late answer changes nothing but a closed circuit.
                            (true, Sign::None) => assert_eq!(after, CircuitState::HalfOpen),
                            (false, _) => {
                                assert!(after == before || before == CircuitState::Closed);
                            }
                        }
                    }
                    Step::End(..) => {}
                    Step::Wait(time) => tokio::time::sleep(Duration::from_millis(time)).await,
                }
            }
        });
    }
}
