//! All layers together: each is where the documentation says, shown by what only that order does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{join, join_all};
use tidings_core::{Clock, ProviderRef, ReportedState, Timestamp};

use super::{
    PausedClock, QUESTIONS, Recorded, Scripted, check_answers_pass, limited, millis, outbound,
    outbounds, unavailable,
};
use crate::error::{Acceptance, Error, ErrorKind};
use crate::layers::{
    BreakerPolicy, CircuitState, Jitter, LayerSettings, Layered, Rate, RetryPolicy, layered,
    standard,
};
use crate::memory::MemoryProvider;
use crate::provider::{AttemptRef, Provider, Reconciled};
use crate::tests::log::CapturedLog;

const SECOND: Duration = Duration::from_secs(1);

fn around(scripted: &Arc<Scripted>, settings: &LayerSettings) -> Layered {
    let provider: Arc<dyn Provider> = Arc::<Scripted>::clone(scripted);
    let clock: Arc<PausedClock> = Arc::clone(&scripted.clock);
    layered(provider, settings, clock, Jitter::new(|| 1.0))
}

/// Tries again without waiting.
fn at_once() -> RetryPolicy {
    RetryPolicy::default().waits(Duration::ZERO, Duration::ZERO)
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let settings = LayerSettings::default();
    assert_eq!(settings.account, None);
    assert_eq!(settings.timeout, Duration::from_mins(5));
    assert_eq!(settings.max_in_flight, 64);
    assert_eq!(settings.rate, Rate::unlimited());
    assert_eq!(settings.retry, RetryPolicy::default());
    assert_eq!(settings.breaker, BreakerPolicy::default());
    let retry = RetryPolicy::default();
    assert_eq!((retry.max_attempts, retry.throttled_only), (4, false));
    assert_eq!(retry.first_wait, Duration::from_millis(500));
    assert_eq!(retry.longest_wait, Duration::from_secs(30));
    assert_eq!(retry.deadline, Duration::from_mins(2));
    let breaker = BreakerPolicy::default();
    assert_eq!((breaker.failures, breaker.window), (10, 20));
    assert_eq!(breaker.first_pause, Duration::from_secs(5));
    assert_eq!(breaker.longest_pause, Duration::from_mins(1));
}

#[test]
fn settings_are_kept() {
    let breaker = BreakerPolicy::default().opens_after(3, 7);
    let settings = LayerSettings::default()
        .account("norway")
        .timeout(SECOND)
        .retry(at_once())
        .with_other_accounts()
        .breaker(breaker)
        .rate(Rate::per_second(7))
        .max_in_flight(9);
    assert_eq!(settings.account, Some("norway".into()));
    assert_eq!(settings.timeout, SECOND);
    assert_eq!(settings.retry, at_once().throttled_only());
    assert_eq!(settings.breaker, breaker);
    assert_eq!(settings.rate, Rate::per_second(7));
    assert_eq!(settings.max_in_flight, 9);
}

/// One span for a call, with the waits between its attempts in it.
#[tokio::test(start_paused = true)]
async fn the_trace_is_around_the_attempts() {
    let log = CapturedLog::start();
    let scripted = Arc::new(Scripted::new(&PausedClock::new()));
    scripted.next(Some(unavailable()));
    let settings = LayerSettings::default().account("norway");
    let provider = around(&scripted, &settings).provider;
    provider.submit(&outbounds(1)).await.unwrap();
    let text = log.text();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("provider{"))
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains(r#"account="norway""#), "{text}");
    assert!(
        lines[0].contains("waiting 500ms before attempt 2"),
        "{text}"
    );
    assert!(lines[0].contains("attempt=2 wait_ms=500"), "{text}");
    assert!(
        lines[1].contains("submit answered duration_ms=500"),
        "{text}"
    );
}

/// The attempts of one call open the breaker, its next attempt waits out the pause and is the probe.
#[tokio::test(start_paused = true)]
async fn each_attempt_goes_through_the_breaker() {
    let scripted = Arc::new(Scripted::new(&PausedClock::new()));
    scripted.next(Some(unavailable()));
    scripted.next(Some(unavailable()));
    let breaker = BreakerPolicy::default().opens_after(2, 2);
    let settings = LayerSettings::default().retry(at_once()).breaker(breaker);
    let layered = around(&scripted, &settings);
    layered.provider.submit(&outbounds(1)).await.unwrap();
    assert_eq!(scripted.take_times(), millis(&[0, 0, 5000]));
    assert_eq!(layered.circuit.state(), CircuitState::Closed);
}

/// While it is open nobody waits for parts, and none are used up.
#[tokio::test(start_paused = true)]
async fn the_breaker_is_around_the_rate_limit() {
    let clock = PausedClock::new();
    let scripted = Arc::new(Scripted::new(&clock));
    scripted.next(Some(unavailable()));
    let pause = Duration::from_mins(10);
    let breaker = BreakerPolicy::default()
        .opens_after(1, 1)
        .pauses(pause, pause);
    let settings = LayerSettings::default()
        .breaker(breaker)
        .rate(Rate::one_every(Duration::from_mins(1)))
        .with_other_accounts();
    let layered = around(&scripted, &settings);
    for _ in 0..5 {
        assert!(layered.provider.submit(&outbounds(1)).await.is_err());
        assert_eq!(clock.elapsed(), Duration::ZERO);
    }
    assert_eq!(layered.circuit.state(), CircuitState::Open { rest: pause });
    tokio::time::sleep(pause).await;
    layered.provider.submit(&outbounds(1)).await.unwrap();
    assert_eq!(scripted.take_times(), [Duration::ZERO, pause]);
}

/// A call that waits for its parts holds no place: a question goes past it.
#[tokio::test(start_paused = true)]
async fn the_rate_limit_is_around_the_places() {
    let clock = PausedClock::new();
    let scripted = Arc::new(Scripted::new(&clock));
    let settings = LayerSettings::default()
        .rate(Rate::one_every(SECOND))
        .max_in_flight(1);
    let provider = around(&scripted, &settings).provider;
    let messages = outbounds(3);
    let (sent, balance) = join(provider.submit(&messages), provider.balance()).await;
    assert!(sent.is_ok() && balance.is_ok());
    let calls = scripted.take_calls();
    assert_eq!(calls[0].operation, "balance");
    assert_eq!(calls[0].at, Duration::ZERO);
    assert_eq!(calls[1].at, 2 * SECOND);
}

/// The time of a call that waits for a place does not run.
#[tokio::test(start_paused = true)]
async fn the_places_are_around_the_time_limit() {
    let clock = PausedClock::new();
    let scripted = Arc::new(Scripted::new(&clock).taking(4 * SECOND));
    let settings = LayerSettings::default()
        .timeout(5 * SECOND)
        .max_in_flight(1);
    let provider = around(&scripted, &settings).provider;
    let messages = outbounds(1);
    let sent = join_all((0..3).map(|_| provider.submit(&messages))).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!(scripted.most_in_flight.load(Ordering::Relaxed), 1);
    assert_eq!(clock.elapsed(), 12 * SECOND);
}

/// The limit is around each attempt and not around all of them: a question that hangs is asked
/// again, a message that hangs is not sent again.
#[tokio::test(start_paused = true)]
async fn each_attempt_has_its_own_time() {
    let clock = PausedClock::new();
    let scripted = Arc::new(Scripted::new(&clock).hanging());
    let settings = LayerSettings::default()
        .timeout(20 * SECOND)
        .retry(at_once());
    let provider = around(&scripted, &settings).provider;
    assert!(provider.balance().await.is_err());
    assert_eq!(scripted.take_calls().len(), 4);
    assert_eq!(clock.elapsed(), 80 * SECOND);
    assert!(provider.submit(&outbounds(1)).await.is_err());
    assert_eq!(scripted.take_calls().len(), 1);
}

/// With other accounts at hand: an unavailable provider's messages are given back at once, a throttled
/// one's wait, and those that wait for tomorrow do not.
#[tokio::test(start_paused = true)]
async fn with_other_accounts_the_unavailable_is_given_back() {
    let clock = PausedClock::new();
    let scripted = Arc::new(Scripted::new(&clock));
    let settings = LayerSettings::default()
        .rate(Rate::unlimited().daily_cap(2))
        .with_other_accounts();
    let provider = around(&scripted, &settings).provider;
    scripted.next(Some(unavailable()));
    let error = provider.submit(&outbounds(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(scripted.take_times(), millis(&[0]));

    scripted.next(Some(limited(7)));
    assert!(provider.submit(&outbounds(1)).await.is_ok());
    assert_eq!(scripted.take_times(), millis(&[0, 7000]));

    let results = provider.submit(&outbounds(2)).await.unwrap();
    assert!(results[0].is_ok());
    let error = results[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(clock.elapsed(), 7 * SECOND);
}

/// A message whose outcome is unknown is handed over once, whatever the layers are set to.
#[tokio::test(start_paused = true)]
async fn the_unknown_goes_through_all_layers_once() {
    let scripted = Arc::new(Scripted::new(&PausedClock::new()));
    scripted.next(Some(Error::new(
        ErrorKind::Timeout,
        Acceptance::Unknown,
        "lost",
    )));
    let provider = around(&scripted, &LayerSettings::default()).provider;
    let error = provider.submit(&outbounds(2)).await.unwrap_err();
    assert_eq!(error.acceptance(), Acceptance::Unknown);
    assert_eq!(scripted.take_calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn layers_pass_on_what_they_do_not_change() {
    let scripted = Arc::new(Scripted::new(&PausedClock::new()));
    let settings = LayerSettings::default().rate(Rate::per_second(10).daily_cap(100));
    let provider = around(&scripted, &settings).provider;
    check_answers_pass(&*provider).await;
    let asked = scripted.take_operations();
    assert_eq!(asked, [&QUESTIONS[..], &["submit"]].concat());

    // The areas beside the messages are asked for through all layers, and through a shared provider.
    let shared: Arc<dyn Provider> = Arc::new(Arc::clone(&provider));
    assert!(shared.address_book().is_none() && shared.batches().is_none());
    assert!(shared.conversations().is_none() && shared.subscriptions().is_none());
    assert!(shared.numbers().is_none());
    let areas = [
        "address_book",
        "batches",
        "conversations",
        "subscriptions",
        "numbers",
    ];
    assert_eq!(scripted.take_operations(), areas);
    check_answers_pass(&*shared).await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_behind_all_layers_works_as_without_them() {
    let memory = MemoryProvider::new();
    let clock = PausedClock::new();
    let settings = LayerSettings::default();
    let inner = Arc::new(memory.clone());
    let provider = standard(inner, &settings, clock, Jitter::seeded(1));
    assert_eq!(provider.capabilities(), memory.capabilities());
    let receipt = provider.submit(&[outbound(0)]).await.unwrap().remove(0);
    let about: ProviderRef = receipt.unwrap().provider_ref;
    provider.cancel(&about).await.unwrap();
    let report = provider.status(&[about]).await.unwrap().remove(0);
    assert_eq!(report.state, ReportedState::Canceled);
    let attempt = AttemptRef::new(outbound(0), Timestamp::UNIX_EPOCH);
    let reconciled = provider.reconcile(&attempt).await.unwrap();
    assert!(matches!(reconciled, Reconciled::Taken(_)));
    assert_eq!(provider.balance().await.unwrap().unit, "messages");
    assert!(provider.address_book().is_some());
    // Retried on its own, the recorder of the tests gives the same.
    let recorded = Recorded::new();
    let retried = recorded.retried(RetryPolicy::default(), 0.5);
    assert_eq!(retried.capabilities(), memory.capabilities());
}
