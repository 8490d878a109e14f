//! Exact waits on a clock that stands still between them, and the promise that nothing is repeated
//! which may have left.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use tidings_core::{
    ClientRef, Clock, DeliveryReport, E164, Message, ProviderRef, ReportedState, Timestamp,
};

use super::{Innermost, Jitter, LayerSettings, Retry, RetryPolicy, Stack, Timeout, standard};
use crate::address_book::AddressBook;
use crate::batches::QueuedBatches;
use crate::conversations::Conversations;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::memory::MemoryProvider;
use crate::numbers::OwnNumbers;
use crate::provider::{
    AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled, unsupported,
};
use crate::subscriptions::Subscriptions;

const ACCEPTANCES: [Acceptance; 3] = [
    Acceptance::NotSent,
    Acceptance::Refused,
    Acceptance::Unknown,
];

/// Tokio's clock, which the tests have paused.
#[derive(Debug)]
struct PausedClock(tokio::time::Instant);

impl PausedClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the paused clock of the test, not the system's"
    )]
    fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH.plus(self.0.elapsed())
    }
}

/// Writes down which messages were handed over, call by call, and when.
#[derive(Clone, Debug)]
struct Recorded {
    inner: MemoryProvider,
    calls: Arc<Mutex<Vec<Vec<String>>>>,
    times: Arc<Mutex<Vec<Duration>>>,
    clock: Arc<PausedClock>,
}

impl Recorded {
    fn new() -> Self {
        Self {
            inner: MemoryProvider::new(),
            calls: Arc::default(),
            times: Arc::default(),
            clock: Arc::new(PausedClock::new()),
        }
    }

    fn note(&self, names: Vec<String>) {
        self.calls.lock().unwrap().push(names);
        let now = self.clock.now().since(Timestamp::UNIX_EPOCH);
        self.times.lock().unwrap().push(now);
    }

    fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().unwrap().clone()
    }

    fn times(&self) -> Vec<Duration> {
        self.times.lock().unwrap().clone()
    }

    fn retried(&self, policy: RetryPolicy, random: f64) -> Stack<Retry<Innermost<Self>>> {
        let clock: Arc<PausedClock> = Arc::clone(&self.clock);
        let inner = Innermost::new(self.clone());
        Stack::new(Retry::new(
            inner,
            policy,
            clock,
            Jitter::new(move || random),
        ))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Recorded {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let names = messages
            .iter()
            .map(|outbound| outbound.reference.to_string());
        self.note(names.collect());
        self.inner.submit(messages).await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.inner.status(refs).await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.inner.reconcile(attempt).await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.inner.cancel(what).await
    }

    async fn balance(&self) -> Result<Balance> {
        self.inner.balance().await
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        self.inner.address_book()
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        self.inner.batches()
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        self.inner.conversations()
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        self.inner.subscriptions()
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        self.inner.numbers()
    }
}

/// Has one fixed answer to every question, and counts them.
#[derive(Debug, Default)]
struct Failing {
    kind: Option<ErrorKind>,
    questions: Mutex<u32>,
}

impl Failing {
    async fn fail<T>(&self) -> Result<T> {
        *self.questions.lock().unwrap() += 1;
        match self.kind {
            Some(kind) => Err(Error::not_sent(kind, "asked in vain")),
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Failing {
    fn capabilities(&self) -> Capabilities {
        Capabilities::submit_only()
    }

    async fn submit(&self, _: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        self.fail().await
    }

    async fn status(&self, _: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.fail().await
    }

    async fn reconcile(&self, _: &AttemptRef) -> Result<Reconciled> {
        self.fail().await
    }

    async fn cancel(&self, _: &ProviderRef) -> Result<()> {
        self.fail().await
    }

    async fn balance(&self) -> Result<Balance> {
        self.fail().await
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        None
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        None
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        None
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        None
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        None
    }
}

/// Gives fewer results than there were messages.
#[derive(Debug)]
struct TooFew;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for TooFew {
    fn capabilities(&self) -> Capabilities {
        Capabilities::submit_only()
    }

    async fn submit(&self, _: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        Ok(vec![Ok(Receipt::new(ProviderRef::message("1")))])
    }

    async fn status(&self, _: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        Err(unsupported("too_few", "status"))
    }

    async fn reconcile(&self, _: &AttemptRef) -> Result<Reconciled> {
        Ok(Reconciled::CannotTell)
    }

    async fn cancel(&self, _: &ProviderRef) -> Result<()> {
        Err(unsupported("too_few", "cancel"))
    }

    async fn balance(&self) -> Result<Balance> {
        Err(unsupported("too_few", "balance"))
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        None
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        None
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        None
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        None
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        None
    }
}

fn number(index: usize) -> E164 {
    E164::parse(&format!("+2246220{index:05}"), None).unwrap()
}

fn outbound(index: usize) -> Outbound {
    let reference = ClientRef::new(format!("m{index}")).unwrap();
    Outbound::new(reference, Message::new(number(index), "hello"))
}

fn outbounds(count: usize) -> Vec<Outbound> {
    (0..count).map(outbound).collect()
}

fn unavailable() -> Error {
    Error::not_sent(ErrorKind::Unavailable, "down")
}

fn millis(values: &[u64]) -> Vec<Duration> {
    values.iter().copied().map(Duration::from_millis).collect()
}

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
    let asked = Duration::from_secs(7);
    let limited = Error::not_sent(ErrorKind::RateLimited, "too many").with_retry_after(asked);
    recorded.inner.fail_next(limited);
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
        let asked = Duration::from_secs(seconds);
        let error = Error::not_sent(ErrorKind::RateLimited, "too many").with_retry_after(asked);
        recorded.inner.fail_next_to(&number(index), error);
    }
    let retried = recorded.retried(RetryPolicy::default(), 0.0);
    assert!(retried.submit(&outbounds(3)).await.unwrap()[1].is_ok());
    assert_eq!(recorded.times(), millis(&[0, 9000]));
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_is_handed_to_the_caller() {
    let recorded = Recorded::new();
    let asked = Duration::from_hours(1);
    let limited = Error::not_sent(ErrorKind::RateLimited, "too many").with_retry_after(asked);
    recorded.inner.fail_next(limited);
    let retried = recorded.retried(RetryPolicy::default(), 0.5);
    let error = retried.submit(&outbounds(1)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(asked));
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
    for (kind, expected) in [(ErrorKind::Unavailable, 4), (ErrorKind::NotFound, 1)] {
        let about = ProviderRef::message("1");
        let attempt = AttemptRef::new(outbound(0), Timestamp::UNIX_EPOCH);
        let failing = Arc::new(Failing {
            kind: Some(kind),
            ..Failing::default()
        });
        let clock = Arc::new(PausedClock::new());
        let inner = Arc::clone(&failing);
        let inner = Innermost::new(inner);
        let retry = Retry::new(inner, RetryPolicy::default(), clock, Jitter::seeded(1));
        let retried = Stack::new(retry);
        let asked = || std::mem::take(&mut *failing.questions.lock().unwrap());
        assert!(retried.status(std::slice::from_ref(&about)).await.is_err());
        assert_eq!(asked(), expected);
        assert!(retried.reconcile(&attempt).await.is_err());
        assert_eq!(asked(), expected);
        assert!(retried.cancel(&about).await.is_err());
        assert_eq!(asked(), expected);
        assert!(retried.balance().await.is_err());
        assert_eq!(asked(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn time_is_up() {
    let inner = Innermost::new(Failing::default());
    let limited = Stack::new(Timeout::new(inner, Duration::from_secs(5)));
    let clock = PausedClock::new();
    let error = limited.submit(&outbounds(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.acceptance(), Acceptance::Unknown);
    assert!(!error.is_safe_to_resend());
    assert_eq!(
        clock.now().since(Timestamp::UNIX_EPOCH),
        Duration::from_secs(5)
    );

    let about = ProviderRef::message("1");
    let attempt = AttemptRef::new(outbound(0), Timestamp::UNIX_EPOCH);
    let asked = limited.status(std::slice::from_ref(&about)).await;
    // A provider may reconcile by sending once more, and a cancel may have stopped the message.
    let errors = [
        (asked.unwrap_err(), Acceptance::NotSent),
        (limited.balance().await.unwrap_err(), Acceptance::NotSent),
        (
            limited.reconcile(&attempt).await.unwrap_err(),
            Acceptance::Unknown,
        ),
        (
            limited.cancel(&about).await.unwrap_err(),
            Acceptance::Unknown,
        ),
    ];
    for (error, acceptance) in errors {
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.acceptance(), acceptance);
    }
}

/// The limit is around each attempt and not around all of them: a question that hangs is asked
/// again, a message that hangs is not sent again.
#[tokio::test(start_paused = true)]
async fn standard_order_of_the_layers() {
    let failing = Arc::new(Failing::default());
    let clock = Arc::new(PausedClock::new());
    let policy = RetryPolicy::default().waits(Duration::ZERO, Duration::ZERO);
    let settings = LayerSettings::default()
        .timeout(Duration::from_secs(20))
        .retry(policy);
    let inner: Arc<dyn Provider> = Arc::<Failing>::clone(&failing);
    let outer_clock: Arc<PausedClock> = Arc::clone(&clock);
    let provider = standard(inner, &settings, outer_clock, Jitter::seeded(1));
    assert!(provider.balance().await.is_err());
    assert_eq!(std::mem::take(&mut *failing.questions.lock().unwrap()), 4);
    assert_eq!(
        clock.now().since(Timestamp::UNIX_EPOCH),
        Duration::from_secs(80)
    );
    assert!(provider.submit(&outbounds(1)).await.is_err());
    assert_eq!(*failing.questions.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn layers_pass_on_what_they_do_not_change() {
    let memory = MemoryProvider::new();
    let clock = Arc::new(PausedClock::new());
    let settings = LayerSettings::default();
    let inner = Arc::new(memory.clone());
    let provider = standard(inner, &settings, clock, Jitter::seeded(1));
    assert_eq!(provider.capabilities(), memory.capabilities());
    let receipt = provider.submit(&[outbound(0)]).await.unwrap().remove(0);
    let about = receipt.unwrap().provider_ref;
    provider.cancel(&about).await.unwrap();
    let report = provider.status(&[about]).await.unwrap().remove(0);
    assert_eq!(report.state, ReportedState::Canceled);
    let attempt = AttemptRef::new(outbound(0), Timestamp::UNIX_EPOCH);
    let reconciled = provider.reconcile(&attempt).await.unwrap();
    assert!(matches!(reconciled, Reconciled::Taken(_)));
    assert_eq!(provider.balance().await.unwrap().unit, "messages");
    assert!(provider.address_book().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_missing_result_is_unknown() {
    let clock = Arc::new(PausedClock::new());
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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
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
