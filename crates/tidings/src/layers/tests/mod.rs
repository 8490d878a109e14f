//! Each layer by itself and all of them together, in time that stands still between waits.
//!
//! What the tests share is here: a clock that runs with tokio's paused time, and providers that note
//! what they are asked and when.

mod breaker;
mod concurrency;
mod order;
mod rate;
mod rate_limit;
mod retry;
mod timeout;
mod trace;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings_core::{
    ClientRef, Clock, DeliveryReport, E164, Message, ProviderRef, ReportedState, Timestamp,
};

use super::{Innermost, Jitter, Retry, RetryPolicy, Stack};
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

/// Tokio's clock, which the tests have paused. What people tell can be set; what is measured cannot.
#[derive(Debug)]
struct PausedClock {
    began: tokio::time::Instant,
    shown_at_first: Timestamp,
    set_by_millis: AtomicI64,
    n_readings: AtomicUsize,
}

impl PausedClock {
    fn new() -> Arc<Self> {
        Self::showing(Timestamp::UNIX_EPOCH)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the paused clock of the test, not the system's"
    )]
    fn showing(now: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            began: tokio::time::Instant::now(),
            shown_at_first: now,
            set_by_millis: AtomicI64::new(0),
            n_readings: AtomicUsize::new(0),
        })
    }

    /// Somebody sets the clock.
    fn set(&self, by_millis: i64) {
        self.set_by_millis.fetch_add(by_millis, Ordering::Relaxed);
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let shown = self.shown_at_first.plus(self.began.elapsed());
        let set_by = self.set_by_millis.load(Ordering::Relaxed);
        Timestamp::from_millis(shown.as_millis() + set_by).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.n_readings.fetch_add(1, Ordering::Relaxed);
        self.began.elapsed()
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
            clock: PausedClock::new(),
        }
    }

    fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().unwrap().clone()
    }

    fn times(&self) -> Vec<Duration> {
        self.times.lock().unwrap().clone()
    }

    fn retried(&self, policy: RetryPolicy, random: f64) -> Stack<Retry<Innermost<Self>>> {
        let clock: Arc<PausedClock> = Arc::clone(&self.clock);
        let jitter = Jitter::new(move || random);
        Stack::new(Retry::new(
            Innermost::new(self.clone()),
            policy,
            clock,
            jitter,
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
        self.calls.lock().unwrap().push(names_of(messages));
        let now = self.clock.elapsed();
        self.times.lock().unwrap().push(now);
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

/// Answers every method as it is told, one answer after the other and then always well, after some
/// time, and notes what it was asked.
#[derive(Debug)]
struct Scripted {
    answers: Mutex<VecDeque<Option<Error>>>,
    /// What follows the answers; `None` is a good one.
    ever_after: Option<(ErrorKind, Acceptance)>,
    takes: Duration,
    calls: Mutex<Vec<Call>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    clock: Arc<PausedClock>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    operation: &'static str,
    at: Duration,
    messages: Vec<String>,
}

impl Scripted {
    fn new(clock: &Arc<PausedClock>) -> Self {
        Self {
            answers: Mutex::default(),
            ever_after: None,
            takes: Duration::ZERO,
            calls: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            clock: Arc::clone(clock),
        }
    }

    /// Each call takes so long.
    fn taking(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }

    /// Never answers.
    fn hanging(self) -> Self {
        self.taking(Duration::from_hours(24 * 365))
    }

    /// Always fails so, after what it is told by [`Self::next`].
    fn failing(mut self, kind: ErrorKind, acceptance: Acceptance) -> Self {
        self.ever_after = Some((kind, acceptance));
        self
    }

    fn next(&self, answer: Option<Error>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// What it was asked since the last time.
    fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// The operations it was asked for since the last time.
    fn take_operations(&self) -> Vec<&'static str> {
        let calls = self.take_calls();
        calls.iter().map(|call| call.operation).collect()
    }

    /// When it was asked, since the last time.
    fn take_times(&self) -> Vec<Duration> {
        self.take_calls().iter().map(|call| call.at).collect()
    }

    fn note(&self, operation: &'static str, messages: Vec<String>) {
        let at = self.clock.began.elapsed();
        self.calls.lock().unwrap().push(Call {
            operation,
            at,
            messages,
        });
    }

    async fn answer<T: Send>(
        &self,
        operation: &'static str,
        messages: Vec<String>,
        good: T,
    ) -> Result<T> {
        self.note(operation, messages);
        let _place = Place::of(self);
        let answer = self.answers.lock().unwrap().pop_front();
        tokio::time::sleep(self.takes).await;
        let ever_after = || {
            let (kind, acceptance) = self.ever_after?;
            Some(Error::new(kind, acceptance, "asked in vain"))
        };
        match answer.unwrap_or_else(ever_after) {
            Some(error) => Err(error),
            None => Ok(good),
        }
    }
}

/// A call in flight.
struct Place<'a>(&'a Scripted);

impl<'a> Place<'a> {
    fn of(provider: &'a Scripted) -> Self {
        let now = provider.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        provider.most_in_flight.fetch_max(now, Ordering::Relaxed);
        Self(provider)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Scripted {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::submit_only();
        capabilities.max_messages_per_call = 77;
        capabilities
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let names = names_of(messages);
        let receipt = |name: &String| Ok(Receipt::new(ProviderRef::message(name.as_str())));
        let receipts = names.iter().map(receipt).collect();
        self.answer("submit", names, receipts).await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        let report =
            |about: &ProviderRef| DeliveryReport::new(about.clone(), ReportedState::Delivered);
        let reports = refs.iter().map(report).collect();
        self.answer("status", Vec::new(), reports).await
    }

    async fn reconcile(&self, _: &AttemptRef) -> Result<Reconciled> {
        self.answer("reconcile", Vec::new(), Reconciled::NotTaken)
            .await
    }

    async fn cancel(&self, _: &ProviderRef) -> Result<()> {
        self.answer("cancel", Vec::new(), ()).await
    }

    async fn balance(&self) -> Result<Balance> {
        let balance = Balance::new(41, "test credits");
        self.answer("balance", Vec::new(), balance).await
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        self.note("address_book", Vec::new());
        None
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        self.note("batches", Vec::new());
        None
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        self.note("conversations", Vec::new());
        None
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        self.note("subscriptions", Vec::new());
        None
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        self.note("numbers", Vec::new());
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

/// Asks all four questions, and gives what each answer failed with.
async fn ask_everything(provider: &dyn Provider) -> [Option<Error>; 4] {
    let about = ProviderRef::message("1");
    let attempt = AttemptRef::new(outbound(0), Timestamp::UNIX_EPOCH);
    [
        provider.status(std::slice::from_ref(&about)).await.err(),
        provider.reconcile(&attempt).await.err(),
        provider.cancel(&about).await.err(),
        provider.balance().await.err(),
    ]
}

const QUESTIONS: [&str; 4] = ["status", "reconcile", "cancel", "balance"];

/// The answers of [`Scripted`] to the four questions come through unchanged.
async fn check_answers_pass(provider: &dyn Provider) {
    let about = ProviderRef::message("1");
    let attempt = AttemptRef::new(outbound(0), Timestamp::UNIX_EPOCH);
    let reports = provider.status(&[about.clone(), about.clone()]).await;
    let report = DeliveryReport::new(about.clone(), ReportedState::Delivered);
    assert_eq!(reports.unwrap(), [report.clone(), report]);
    let reconciled = provider.reconcile(&attempt).await.unwrap();
    assert_eq!(reconciled, Reconciled::NotTaken);
    provider.cancel(&about).await.unwrap();
    let balance = provider.balance().await.unwrap();
    assert_eq!(balance, Balance::new(41, "test credits"));
    let results = provider.submit(&outbounds(2)).await.unwrap();
    let given: Vec<String> = results.iter().map(name_of).collect();
    assert_eq!(given, ["m0", "m1"]);
    assert_eq!(provider.capabilities().max_messages_per_call, 77);
}

fn name_of(result: &Result<Receipt>) -> String {
    let receipt = result.as_ref().unwrap();
    receipt.provider_ref.message.clone().unwrap()
}

fn names_of(messages: &[Outbound]) -> Vec<String> {
    let names = messages
        .iter()
        .map(|outbound| outbound.reference.to_string());
    names.collect()
}

fn number(index: usize) -> E164 {
    E164::parse(&format!("+2246220{index:05}"), None).unwrap()
}

fn outbound(index: usize) -> Outbound {
    texted(index, "hello")
}

fn texted(index: usize, text: &str) -> Outbound {
    let reference = ClientRef::new(format!("m{index}")).unwrap();
    Outbound::new(reference, Message::new(number(index), text))
}

fn outbounds(count: usize) -> Vec<Outbound> {
    (0..count).map(outbound).collect()
}

/// A message whose text makes so many parts.
fn of_parts(index: usize, parts: usize) -> Outbound {
    let length = if parts == 1 { 1 } else { 153 * parts };
    texted(index, &"a".repeat(length))
}

fn unavailable() -> Error {
    Error::not_sent(ErrorKind::Unavailable, "down")
}

fn limited(seconds: u64) -> Error {
    let asked = Duration::from_secs(seconds);
    Error::not_sent(ErrorKind::RateLimited, "too many").with_retry_after(asked)
}

fn millis(values: &[u64]) -> Vec<Duration> {
    values.iter().copied().map(Duration::from_millis).collect()
}

/// Runs what a property test wants in paused time.
fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(test)
}
