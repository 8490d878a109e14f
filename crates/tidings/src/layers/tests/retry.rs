//! Exact waits on a clock that stands still between them, and the promise that nothing is repeated
//! which may have left.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{
    ACCEPTANCES, PausedClock, QUESTIONS, Recorded, Scripted, TooFew, ask_everything,
    check_answers_pass, limited, millis, number, outbounds, paused, unavailable,
};
use crate::error::{Acceptance, Error, ErrorKind};
use crate::layers::{Innermost, Jitter, Retry, RetryPolicy, Stack};
use crate::provider::Provider;

#[tokio::test(start_paused = true)]
async fn waits_double_and_are_a_random_part() {
    let policy = RetryPolicy::default()
        .max_attempts(6)
        .waits(Duration::from_millis(100), Duration::from_millis(500));
    for (random, expected) in [
        (1.0, [0, 100, 300, 700, 1200, 1700]),
        (0.5, [0, 50, 150, 350, 600, 850]),
        (0.0, [0; 6]),
    ] {
        let recorded = Recorded::new();
        for _ in 0..6 {
            recorded.inner.fail_next(unavailable());
        }
        let result = recorded.retried(policy, random).submit(&outbounds(1)).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(recorded.times(), millis(&expected), "random {random}");
    }
}

#[test]
fn waits_without_end_are_no_overflow() {
    let policy = RetryPolicy::default().waits(Duration::MAX, Duration::MAX);
    assert_eq!(policy.wait(1, 1.0, None), Duration::MAX);
    assert_eq!(policy.wait(u32::MAX, 0.0, None), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_asked_for_is_kept() {
    let recorded = Recorded::new();
    recorded.inner.fail_next(limited(7));
    let results = recorded
        .retried(RetryPolicy::default(), 0.5)
        .submit(&outbounds(2))
        .await
        .unwrap();
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(recorded.times(), millis(&[0, 7000]));
}

#[tokio::test(start_paused = true)]
async fn of_several_messages_the_longest_wait_counts() {
    let recorded = Recorded::new();
    for (index, seconds) in [(0, 3), (1, 9), (2, 5)] {
        recorded
            .inner
            .fail_next_to(&number(index), limited(seconds));
    }
    let retried = recorded.retried(RetryPolicy::default(), 0.0);
    assert!(retried.submit(&outbounds(3)).await.unwrap()[1].is_ok());
    assert_eq!(recorded.times(), millis(&[0, 9000]));
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_handed_to_the_caller() {
    let recorded = Recorded::new();
    recorded.inner.fail_next(limited(3600));
    let retried = recorded.retried(RetryPolicy::default(), 0.5);
    let error = retried.submit(&outbounds(1)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_hours(1)));
    assert_eq!(recorded.times(), millis(&[0]));
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_deadline() {
    let recorded = Recorded::new();
    for _ in 0..10 {
        recorded.inner.fail_next(unavailable());
    }
    let policy = RetryPolicy::default()
        .max_attempts(10)
        .waits(Duration::from_secs(1), Duration::from_mins(1))
        .deadline(Duration::from_secs(7));
    let result = recorded.retried(policy, 1.0).submit(&outbounds(1)).await;
    assert!(result.is_err());
    assert_eq!(recorded.times(), millis(&[0, 1000, 3000, 7000]));
}

#[tokio::test(start_paused = true)]
async fn no_attempts_still_means_one() {
    let recorded = Recorded::new();
    let retried = recorded.retried(RetryPolicy::default().max_attempts(0), 0.5);
    assert!(retried.submit(&outbounds(1)).await.unwrap()[0].is_ok());
    assert_eq!(recorded.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_what_may_be_sent_again_is_and_the_order_is_kept() {
    let recorded = Recorded::new();
    let inner = &recorded.inner;
    let bad_number = Error::new(
        ErrorKind::InvalidRecipient,
        Acceptance::Refused,
        "no such number",
    );
    let lost = Error::new(ErrorKind::Timeout, Acceptance::Unknown, "no answer");
    inner.fail_next_to(&number(1), unavailable());
    inner.fail_next_to(&number(2), bad_number);
    inner.fail_next_to(&number(3), unavailable());
    inner.fail_next_to(&number(3), unavailable());
    inner.fail_next_to(&number(4), lost);
    let retried = recorded.retried(RetryPolicy::default(), 0.0);
    let results = retried.submit(&outbounds(6)).await.unwrap();
    assert_eq!(
        recorded.calls(),
        [
            vec!["m0", "m1", "m2", "m3", "m4", "m5"],
            vec!["m1", "m3"],
            vec!["m3"]
        ]
    );
    let shown: Vec<Result<String, Acceptance>> = results
        .iter()
        .map(|result| match result {
            Ok(receipt) => Ok(receipt.provider_ref.message.clone().unwrap()),
            Err(error) => Err(error.acceptance()),
        })
        .collect();
    assert_eq!(
        shown,
        [
            Ok("memory-1".to_owned()),
            Ok("memory-3".to_owned()),
            Err(Acceptance::Refused),
            Ok("memory-4".to_owned()),
            Err(Acceptance::Unknown),
            Ok("memory-2".to_owned()),
        ]
    );
}

/// The second call's answer is lost: from then on nobody knows about the messages in it, and the
/// others keep what they have.
#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_second_attempt_is_unknown_for_its_messages() {
    let recorded = Recorded::new();
    recorded.inner.fail_next_to(&number(1), unavailable());
    recorded.inner.fail_next_to(&number(1), unavailable());
    let provider = recorded.clone();
    // Orders for whole calls are carried out in turn, so the loss is ordered between the calls.
    let jitter = Jitter::new(move || {
        let lost = Error::new(ErrorKind::Unavailable, Acceptance::Unknown, "broken off");
        if provider.calls().len() == 1 {
            provider.inner.fail_next(lost);
        }
        0.0
    });
    let clock: Arc<PausedClock> = Arc::clone(&recorded.clock);
    let inner = Innermost::new(recorded.clone());
    let retried = Stack::new(Retry::new(inner, RetryPolicy::default(), clock, jitter));
    let results = retried.submit(&outbounds(3)).await.unwrap();
    assert_eq!(recorded.calls(), [vec!["m0", "m1", "m2"], vec!["m1"]]);
    assert!(results[0].is_ok() && results[2].is_ok());
    let error = results[1].as_ref().unwrap_err();
    assert_eq!(error.acceptance(), Acceptance::Unknown);
}

#[tokio::test(start_paused = true)]
async fn nothing_but_the_safe_is_repeated() {
    for kind in ErrorKind::ALL {
        for acceptance in ACCEPTANCES {
            let safe = Error::new(kind, acceptance, "x").is_safe_to_resend();
            let calls = if safe { 2 } else { 1 };

            let recorded = Recorded::new();
            recorded.inner.fail_next(Error::new(kind, acceptance, "x"));
            let retried = recorded.retried(RetryPolicy::default(), 0.0);
            let whole = retried.submit(&outbounds(2)).await;
            assert_eq!(whole.is_ok(), safe, "{kind:?} {acceptance:?}");
            assert_eq!(recorded.calls().len(), calls, "{kind:?} {acceptance:?}");

            let recorded = Recorded::new();
            let error = Error::new(kind, acceptance, "x");
            recorded.inner.fail_next_to(&number(0), error);
            let retried = recorded.retried(RetryPolicy::default(), 0.0);
            let single = retried.submit(&outbounds(2)).await.unwrap();
            assert_eq!(single[0].is_ok(), safe, "{kind:?} {acceptance:?}");
            assert_eq!(recorded.calls().len(), calls, "{kind:?} {acceptance:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn questions_are_repeated_within_the_same_bounds() {
    // There is no other account to ask, so the policy for messages does not matter to them.
    for policy in [
        RetryPolicy::default(),
        RetryPolicy::default().throttled_only(),
    ] {
        for (kind, expected) in [(ErrorKind::Unavailable, 4), (ErrorKind::NotFound, 1)] {
            let clock = PausedClock::new();
            let scripted = Scripted::new(&clock).failing(kind, Acceptance::NotSent);
            let scripted = Arc::new(scripted);
            let inner = Innermost::new(Arc::clone(&scripted));
            let retried = Stack::new(Retry::new(inner, policy, clock, Jitter::seeded(1)));
            let errors = ask_everything(&retried).await;
            assert!(errors.iter().flatten().all(|error| error.kind() == kind));
            let asked = QUESTIONS.map(|question| vec![question; expected]).concat();
            assert_eq!(scripted.take_operations(), asked);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_come_through() {
    let clock = PausedClock::new();
    let inner = Innermost::new(Scripted::new(&clock));
    let retry = Retry::new(inner, RetryPolicy::default(), clock, Jitter::seeded(1));
    check_answers_pass(&Stack::new(retry)).await;
}

/// With other accounts at hand, what a provider cannot take now is for them; what it only wants later
/// is not.
#[tokio::test(start_paused = true)]
async fn an_unavailable_provider_is_left_to_the_other_accounts() {
    let policy = RetryPolicy::default().throttled_only();
    for (kind, calls) in [
        (ErrorKind::Unavailable, 1),
        (ErrorKind::Timeout, 1),
        (ErrorKind::RateLimited, 2),
        (ErrorKind::InvalidMessage, 1),
    ] {
        let recorded = Recorded::new();
        recorded.inner.fail_next(Error::not_sent(kind, "whole"));
        let whole = recorded.retried(policy, 0.0).submit(&outbounds(2)).await;
        assert_eq!(whole.is_ok(), calls == 2, "{kind:?}");
        assert_eq!(recorded.calls().len(), calls, "{kind:?}");

        let recorded = Recorded::new();
        let error = Error::not_sent(kind, "single");
        recorded.inner.fail_next_to(&number(0), error);
        let single = recorded.retried(policy, 0.0).submit(&outbounds(2)).await;
        assert_eq!(single.unwrap()[0].is_ok(), calls == 2, "{kind:?}");
        assert_eq!(recorded.calls().len(), calls, "{kind:?}");
    }
    // A throttled message whose fate is unknown stays where it is.
    let recorded = Recorded::new();
    let lost = Error::new(ErrorKind::RateLimited, Acceptance::Unknown, "lost");
    recorded.inner.fail_next(lost);
    assert!(
        recorded
            .retried(policy, 0.0)
            .submit(&outbounds(1))
            .await
            .is_err()
    );
    assert_eq!(recorded.calls().len(), 1);
}

/// One that is to wait until tomorrow does not keep the others from their next attempt.
#[tokio::test(start_paused = true)]
async fn who_cannot_wait_does_not_hold_up_the_others() {
    let recorded = Recorded::new();
    recorded.inner.fail_next_to(&number(0), limited(3600));
    recorded.inner.fail_next_to(&number(1), limited(120));
    recorded.inner.fail_next_to(&number(2), limited(5));
    let retried = recorded.retried(RetryPolicy::default(), 0.0);
    let results = retried.submit(&outbounds(3)).await.unwrap();
    assert_eq!(recorded.calls(), [vec!["m0", "m1", "m2"], vec!["m1", "m2"]]);
    assert_eq!(recorded.times(), millis(&[0, 120_000]));
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_hours(1)));
    assert!(results[1].is_ok() && results[2].is_ok());
}

/// An attempt that took longer than all of the time there was is the last one, even if the next one
/// need not wait.
#[tokio::test(start_paused = true)]
async fn what_is_overdue_is_not_repeated() {
    for (took, n_calls) in [(2000, 2), (2001, 1)] {
        let clock = PausedClock::new();
        let scripted = Scripted::new(&clock).taking(Duration::from_millis(took));
        let scripted = Arc::new(scripted.failing(ErrorKind::Unavailable, Acceptance::NotSent));
        let policy = RetryPolicy::default()
            .waits(Duration::ZERO, Duration::ZERO)
            .deadline(Duration::from_secs(2));
        let inner = Innermost::new(Arc::clone(&scripted));
        let retried = Stack::new(Retry::new(inner, policy, clock, Jitter::seeded(1)));
        assert!(retried.submit(&outbounds(1)).await.is_err());
        assert_eq!(scripted.take_calls().len(), n_calls, "{took} ms");
    }
}

/// Somebody sets the clock by a day before each wait.
#[tokio::test(start_paused = true)]
async fn the_deadline_is_measured_by_no_clock_that_can_be_set() {
    let recorded = Recorded::new();
    for _ in 0..10 {
        recorded.inner.fail_next(unavailable());
    }
    let clock = Arc::clone(&recorded.clock);
    let jitter = Jitter::new(move || {
        clock.set(1000 * 3600 * 24);
        1.0
    });
    let policy = RetryPolicy::default()
        .max_attempts(10)
        .waits(Duration::from_secs(1), Duration::from_secs(1))
        .deadline(Duration::from_secs(3));
    let clock: Arc<PausedClock> = Arc::clone(&recorded.clock);
    let retry = Retry::new(Innermost::new(recorded.clone()), policy, clock, jitter);
    assert!(Stack::new(retry).submit(&outbounds(1)).await.is_err());
    assert_eq!(recorded.times(), millis(&[0, 1000, 2000, 3000]));
}

#[tokio::test(start_paused = true)]
async fn a_missing_result_is_unknown() {
    let clock = PausedClock::new();
    let inner = Innermost::new(TooFew);
    let retry = Retry::new(inner, RetryPolicy::default(), clock, Jitter::seeded(1));
    let retried = Stack::new(retry);
    let results = retried.submit(&outbounds(2)).await.unwrap();
    assert!(results[0].is_ok());
    let error = results[1].as_ref().unwrap_err();
    assert_eq!(error.acceptance(), Acceptance::Unknown);
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[test]
fn the_same_seed_gives_the_same_waits() {
    let numbers = |jitter: &Jitter| [jitter.next(), jitter.next(), jitter.next()];
    assert_eq!(
        numbers(&Jitter::seeded(7)).map(f64::to_bits),
        numbers(&Jitter::seeded(7)).map(f64::to_bits)
    );
    let random = Jitter::random();
    let drawn = numbers(&random);
    assert!(drawn.iter().all(|number| (0. ..1.).contains(number)));
    assert!(drawn[0] < drawn[1] || drawn[1] < drawn[0]);
    assert_eq!(format!("{random:?}"), "Jitter(..)");
}

#[test]
fn odd_numbers_are_no_harm() {
    for (given, taken) in [(-3.0, 0.0), (7.5, 1.0), (f64::NAN, 1.0), (0.25, 0.25)] {
        let next = Jitter::new(move || given).next();
        assert_eq!(next.to_bits(), f64::to_bits(taken));
    }
}

#[test]
fn waits_never_overflow() {
    let longest = Duration::from_secs(30);
    let policy = RetryPolicy::default().waits(Duration::MAX, longest);
    assert_eq!(policy.wait(u32::MAX, 1.0, None), longest);
    assert_eq!(policy.wait(0, 1.0, None), longest);
}

fn any_error() -> impl Strategy<Value = (ErrorKind, Acceptance)> {
    (
        prop::sample::select(ErrorKind::ALL.to_vec()),
        prop::sample::select(ACCEPTANCES.to_vec()),
    )
}

proptest! {
    /// Whatever happens to each message, one that was taken or may have been taken is never handed
    /// over again, and each result is at its message's place.
    #[test]
    fn nothing_leaves_twice(
        fates in prop::collection::vec(prop::collection::vec(any_error(), 0..4), 1..6),
        whole_call in prop::option::of(any_error()),
    ) {
        paused(async {
            let recorded = Recorded::new();
            if let Some((kind, acceptance)) = whole_call {
                recorded.inner.fail_next(Error::new(kind, acceptance, "whole"));
            }
            for (index, fate) in fates.iter().enumerate() {
                for (kind, acceptance) in fate {
                    let error = Error::new(*kind, *acceptance, "single");
                    recorded.inner.fail_next_to(&number(index), error);
                }
            }
            let retried = recorded.retried(RetryPolicy::default().max_attempts(3), 0.5);
            let outcome = retried.submit(&outbounds(fates.len())).await;
            let whole_is_safe = whole_call.is_none_or(|(kind, acceptance)| {
                Error::new(kind, acceptance, "whole").is_safe_to_resend()
            });
            let calls = recorded.calls();
            if !whole_is_safe {
                assert!(outcome.is_err() && calls.len() == 1);
                return;
            }
            let results = outcome.unwrap();
            assert_eq!(results.len(), fates.len());
            let first = usize::from(whole_call.is_some());
            for (index, fate) in fates.iter().enumerate() {
                let name = format!("m{index}");
                let handed_over = calls[first..].iter().filter(|call| call.contains(&name)).count();
                let safe = fate
                    .iter()
                    .take_while(|(kind, acceptance)| Error::new(*kind, *acceptance, "x").is_safe_to_resend())
                    .count();
                assert_eq!(handed_over, (safe + 1).min(3 - first));
                let taken = recorded.inner.messages();
                let times = taken.iter().filter(|taken| taken.reference.as_str() == name).count();
                assert_eq!(times, usize::from(results[index].is_ok()));
            }
        });
    }
}
