//! What a messenger promises, on a clock that stands still between waits. Here is what the tests share:
//! a provider that does as it is told and writes down what was asked of it.

mod carrying;
mod doubles;
mod failing_over;
mod many;
mod names;
mod reports;
mod secrecy;
mod settings;
mod unknown;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings_core::{Clock, DeliveryReport, E164, Message, ProviderRef, ReportedState, Timestamp};

use super::{Messenger, MessengerBuilder, MessengerSettings};
use crate::address_book::AddressBook;
use crate::batches::QueuedBatches;
use crate::conversations::Conversations;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::layers::Jitter;
use crate::memory::MemoryProvider;
use crate::numbers::OwnNumbers;
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};
use crate::subscriptions::Subscriptions;

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

/// A provider in memory that takes its time, writes down what it is asked, and has answers of its own
/// where it is given some.
#[derive(Clone, Debug)]
struct Scripted {
    memory: MemoryProvider,
    clock: Arc<PausedClock>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The names of the messages of each call, and when it began.
    calls: Vec<(Duration, Vec<String>)>,
    /// How long the next calls take.
    delays: VecDeque<Duration>,
    /// To how many messages of a call it gives a result.
    answers_to: Option<usize>,
    open_calls: usize,
    most_open_calls: usize,
    /// What it says when it is asked about a lost answer; then what is true.
    told: VecDeque<Told>,
    questions: Vec<Duration>,
    /// What it says when it is asked how far messages have come; then what is true.
    reports: VecDeque<Result<ReportedState>>,
    status_calls: Vec<(Duration, usize)>,
}

#[derive(Debug)]
enum Told {
    NotTaken,
    CannotTell,
    Failure(Error),
}

impl Scripted {
    fn new(clock: &Arc<PausedClock>) -> Self {
        Self {
            memory: MemoryProvider::new(),
            clock: Arc::clone(clock),
            state: Arc::default(),
        }
    }

    fn with(clock: &Arc<PausedClock>, change: impl FnOnce(&mut Capabilities)) -> Self {
        let scripted = Self::new(clock);
        let mut capabilities = scripted.memory.capabilities();
        change(&mut capabilities);
        scripted.memory.set_capabilities(capabilities);
        scripted
    }

    fn shared(&self) -> Arc<dyn Provider> {
        Arc::new(self.clone())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The names of the messages of each call.
    fn calls(&self) -> Vec<Vec<String>> {
        let state = self.state();
        state.calls.iter().map(|(_, names)| names.clone()).collect()
    }

    /// When each call began, in seconds.
    fn call_times(&self) -> Vec<u64> {
        let state = self.state();
        state.calls.iter().map(|(at, _)| at.as_secs()).collect()
    }

    /// When each question about a lost answer was asked, in seconds.
    fn questions(&self) -> Vec<u64> {
        let state = self.state();
        state.questions.iter().map(Duration::as_secs).collect()
    }

    fn takes(&self, delays: impl IntoIterator<Item = u64>) {
        let delays = delays.into_iter().map(Duration::from_millis);
        self.state().delays.extend(delays);
    }

    fn tells(&self, told: impl IntoIterator<Item = Told>) {
        self.state().told.extend(told);
    }

    fn n_taken(&self) -> usize {
        self.memory.messages().len()
    }

    fn now(&self) -> Duration {
        self.clock.now().since(Timestamp::UNIX_EPOCH)
    }
}

/// Counts a call as open until it is dropped.
struct OpenCall<'a>(&'a Scripted);

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.0.state().open_calls -= 1;
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Scripted {
    fn capabilities(&self) -> Capabilities {
        self.memory.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let names = messages.iter().map(|it| it.reference.to_string());
        let names = names.collect();
        let now = self.now();
        let delay = {
            let mut state = self.state();
            state.calls.push((now, names));
            state.open_calls += 1;
            state.most_open_calls = state.most_open_calls.max(state.open_calls);
            state.delays.pop_front()
        };
        let _open = OpenCall(self);
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        let mut results = self.memory.submit(messages).await?;
        results.truncate(self.state().answers_to.unwrap_or(usize::MAX));
        Ok(results)
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        let now = self.now();
        let next = {
            let mut state = self.state();
            state.status_calls.push((now, refs.len()));
            state.reports.pop_front()
        };
        match next {
            Some(Ok(state)) => {
                let report = |about: &ProviderRef| DeliveryReport::new(about.clone(), state);
                Ok(refs.iter().map(report).collect())
            }
            Some(Err(error)) => Err(error),
            None => self.memory.status(refs).await,
        }
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        let now = self.now();
        let told = {
            let mut state = self.state();
            state.questions.push(now);
            state.told.pop_front()
        };
        match told {
            Some(Told::NotTaken) => Ok(Reconciled::NotTaken),
            Some(Told::CannotTell) => Ok(Reconciled::CannotTell),
            Some(Told::Failure(error)) => Err(error),
            None => self.memory.reconcile(attempt).await,
        }
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.memory.cancel(what).await
    }

    async fn balance(&self) -> Result<Balance> {
        self.memory.balance().await
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        self.memory.address_book()
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        self.memory.batches()
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        self.memory.conversations()
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        self.memory.subscriptions()
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        self.memory.numbers()
    }
}

/// Two accounts, `first` and `second`, and a messenger over both.
struct Two {
    clock: Arc<PausedClock>,
    first: Scripted,
    second: Scripted,
}

impl Two {
    fn new() -> Self {
        let clock = Arc::new(PausedClock::new());
        Self {
            first: Scripted::new(&clock),
            second: Scripted::new(&clock),
            clock,
        }
    }

    fn messenger(&self, settings: MessengerSettings) -> Messenger {
        builder(&self.clock, settings)
            .account("first", self.first.shared())
            .account("second", self.second.shared())
            .build()
            .unwrap()
    }

    /// A messenger over the first account alone.
    fn alone(&self, settings: MessengerSettings) -> Messenger {
        let builder = builder(&self.clock, settings);
        builder
            .account("first", self.first.shared())
            .build()
            .unwrap()
    }

    fn elapsed(&self) -> u64 {
        self.first.now().as_secs()
    }
}

fn builder(clock: &Arc<PausedClock>, settings: MessengerSettings) -> MessengerBuilder {
    let clock: Arc<PausedClock> = Arc::clone(clock);
    Messenger::builder()
        .settings(settings)
        .clock(clock)
        .randomness(Jitter::seeded(7))
}

fn settings() -> MessengerSettings {
    MessengerSettings::default()
}

fn number(index: usize) -> E164 {
    E164::parse_possible(&format!("+2246220{index:05}"), None).unwrap()
}

fn message(index: usize) -> Message {
    Message::new(number(index), "a text")
        .reference(crate::ClientRef::new(format!("m{index}")).unwrap())
}

fn lost() -> Error {
    Error::new(ErrorKind::Timeout, Acceptance::Unknown, "no answer came")
}

fn down() -> Error {
    Error::not_sent(ErrorKind::Unavailable, "nobody listens")
}
