//! A lane: one account at one provider, connected, with its limits.
//!
//! Made from the configuration when it is read; used by routing (may it carry this message?), dispatch,
//! reports and the page of providers. What waits for it is in the store. It decides nothing and calls
//! nobody.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Counter, counter};
use secrecy::SecretString;
use tidings::layers::{BreakerPolicy, Circuit, CircuitState};
use tidings::{AccountName, Balance, Capabilities, HttpClient, Provider, ProviderSpec};
use tidings_core::{Clock, Priority, Timestamp};
use tidings_store::{LaneId, Stamp};

use crate::config::LaneConfig;
use crate::dispatch::{DailyCount, Record, Suspension};
use crate::intake::stamp::Flows;
use crate::reports::Watched;
use crate::telemetry::stages::ACCEPTED;

/// One account at one provider.
#[derive(Debug)]
pub struct Lane {
    /// Its name.
    pub id: LaneId,
    /// The same name, as routes know it.
    pub name: AccountName,
    /// What the provider is.
    pub spec: &'static ProviderSpec,
    /// What the configuration says of it.
    pub config: LaneConfig,
    /// The provider without layers: dispatch keeps rate, calls in flight and retries itself, in the
    /// store, where they survive.
    pub provider: Arc<dyn Provider>,
    /// Whether it is called at all.
    pub circuit: Circuit,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What its callbacks have in their path; `None` has no callbacks.
    pub callback_token: Option<SecretString>,
    /// Counts what was accepted for it.
    pub accepted: Counter,
    /// What changes while it runs. Kept over a reload of the configuration.
    pub standing: Arc<LaneStanding>,
}

/// Why a lane carries no messages at present. A message that may go another way does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// A person stopped it.
    Paused,
    /// Nothing is left at the provider.
    Empty,
    /// The parts of the day are used up.
    DailyCap,
    /// The provider refuses the account: its credentials, or a setting.
    Refused,
    /// Too many of the last calls failed.
    Down,
}

impl Obstacle {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Empty => "empty",
            Self::DailyCap => "daily_cap",
            Self::Refused => "refused",
            Self::Down => "down",
        }
    }

    /// A clause for the explanation of a route.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Paused => "a person paused it",
            Self::Empty => "nothing is left on its account",
            Self::DailyCap => "its parts of the day are used up",
            Self::Refused => "its provider refuses the account",
            Self::Down => "its breaker is open",
        }
    }
}

impl Lane {
    /// Connects a lane. What changed of the same lane while it ran comes along from the one `before`.
    ///
    /// # Errors
    /// What the provider says of settings that cannot work.
    pub fn connect(
        config: LaneConfig,
        http: HttpClient,
        clock: &Arc<dyn Clock>,
        before: Option<&Self>,
    ) -> tidings::Result<Self> {
        let provider = (config.spec.connect)(&config.account, http)?;
        Ok(Self::with_provider(config, provider, clock, before))
    }

    /// A lane to a provider that is there already: for tests and for programs with a provider of their
    /// own.
    pub fn with_provider(
        config: LaneConfig,
        provider: Arc<dyn Provider>,
        clock: &Arc<dyn Clock>,
        before: Option<&Self>,
    ) -> Self {
        let kept = before.map(|before| (before.circuit.clone(), Arc::clone(&before.standing)));
        let (circuit, standing) = kept.unwrap_or_else(|| {
            let circuit = Circuit::new(BreakerPolicy::default(), Arc::clone(clock));
            (circuit, Arc::default())
        });
        Self {
            id: config.id.as_str().into(),
            accepted: counter!(ACCEPTED, "lane" => config.id.clone()),
            name: config.id.as_str().into(),
            spec: config.spec,
            capabilities: provider.capabilities(),
            callback_token: config.callback_token.clone(),
            config,
            provider,
            circuit,
            standing,
        }
    }

    /// What keeps messages from going over this lane at a moment of the clock's measure
    /// ([`Clock::elapsed`]); `None` where nothing does. When its time is over, an obstacle that ends by a
    /// probe is none any more: messages may wait for it.
    pub fn obstacle(&self, now: Duration) -> Option<Obstacle> {
        let standing = &self.standing;
        if standing.is_paused() {
            return Some(Obstacle::Paused);
        }
        if let CircuitState::Open { .. } = self.circuit.state() {
            return Some(Obstacle::Down);
        }
        if standing.is_empty() && !standing.suspension().wants_probe(now) {
            return Some(Obstacle::Empty);
        }
        if standing.suspension().is_refused(now) {
            return Some(Obstacle::Refused);
        }
        standing.is_capped().then_some(Obstacle::DailyCap)
    }

    /// How many messages one call takes at the most, by the configuration and the provider.
    pub fn messages_per_call(&self) -> usize {
        let most = self.capabilities.max_messages_per_call;
        self.config.bulk.map_or(most, |bulk| bulk.min(most)).max(1)
    }
}

/// What changes of a lane while it runs.
#[derive(Debug, Default)]
pub struct LaneStanding {
    is_empty: AtomicBool,
    is_paused: AtomicBool,
    is_capped: AtomicBool,
    /// One virtual clock for each priority, because messages of one priority overtake those of the
    /// lower ones, and their stamps say nothing about how far these have come.
    virtual_times: [AtomicI64; 3],
    flows: Flows,
    suspension: Mutex<Suspension>,
    record: Mutex<Record>,
    daily: Mutex<DailyCount>,
    /// Whether what it remembers over a restart was taken up.
    is_recalled: AtomicBool,
    /// Whose turn it is to write it down.
    remembering: tokio::sync::Mutex<()>,
    balance: Mutex<Option<(Balance, Timestamp)>>,
    watched: Watched,
}

impl LaneStanding {
    /// What reports watch: its balance, its failures, its delays.
    pub fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Whether nothing is left at the provider, so that no message is routed here.
    pub fn is_empty(&self) -> bool {
        self.is_empty.load(Ordering::Relaxed)
    }

    /// Says whether anything is left at the provider. Whether that is news.
    pub fn set_empty(&self, is_empty: bool) -> bool {
        if !is_empty {
            self.suspension().lift_empty();
        }
        self.is_empty.swap(is_empty, Ordering::Relaxed) != is_empty
    }

    /// Whether a person stopped it.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    /// Stops it, or lets it go on. To be called through [`crate::dispatch::pause`] and
    /// [`crate::dispatch::resume`], which keep it over a restart.
    pub fn set_paused(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// Whether the parts of the day are used up.
    pub fn is_capped(&self) -> bool {
        self.is_capped.load(Ordering::Relaxed)
    }

    /// Says whether the parts of the day are used up.
    pub(crate) fn set_capped(&self, is_capped: bool) {
        self.is_capped.store(is_capped, Ordering::Relaxed);
    }

    /// The lane's virtual time for messages of normal priority.
    pub fn virtual_time(&self) -> Stamp {
        self.virtual_time_of(Priority::Normal)
    }

    /// The lane's virtual time for messages of a priority: the stamp of the one that left last, or of the
    /// first that waited when the gateway began. A message that is stamped with it leaves next.
    pub fn virtual_time_of(&self, priority: Priority) -> Stamp {
        Stamp(self.virtual_times[place(priority)].load(Ordering::Relaxed))
    }

    /// Moves the virtual time on. It never goes back: a message that comes again with its old stamp would
    /// otherwise let whole batches overtake those that waited with it.
    pub fn advance_virtual_time(&self, priority: Priority, stamp: Stamp) {
        self.virtual_times[place(priority)].fetch_max(stamp.0, Ordering::Relaxed);
    }

    /// Where the virtual time begins, unless it has begun.
    pub(crate) fn begin_virtual_time(&self, priority: Priority, stamp: Stamp) {
        let clock = &self.virtual_times[place(priority)];
        let _ = clock.compare_exchange(0, stamp.0, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Who is ahead of the virtual times, for the stamps of what is accepted next.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// What was left when the provider was asked last.
    pub fn balance(&self) -> Option<(Balance, Timestamp)> {
        lock(&self.balance).clone()
    }

    /// Keeps what is left.
    pub fn set_balance(&self, balance: Balance, at: Timestamp) {
        *lock(&self.balance) = Some((balance, at));
    }

    /// Whether and for how long the lane is left alone because its provider refuses the account.
    pub(crate) fn suspension(&self) -> MutexGuard<'_, Suspension> {
        lock(&self.suspension)
    }

    /// The parts of the day.
    pub(crate) fn daily(&self) -> MutexGuard<'_, DailyCount> {
        lock(&self.daily)
    }

    /// Whether this is the first time that what it remembers is taken up.
    pub(crate) fn recall_once(&self) -> bool {
        !self.is_recalled.swap(true, Ordering::Relaxed)
    }

    /// Waits for the turn to write down what it remembers.
    pub(crate) async fn remembering(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.remembering.lock().await
    }

    /// What came of its calls.
    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }
}

fn place(priority: Priority) -> usize {
    match priority {
        Priority::Low => 0,
        Priority::High => 2,
        // `Priority` may grow: what is not known here counts as normal.
        _ => 1,
    }
}

/// The content, also after a panic elsewhere: every change is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
