//! Wrappers around a provider that add what every program wants: a trace, another try where that is
//! safe, a breaker, limits on rate, on calls in flight and on time.
//!
//! Called by programs, through [`standard`], which decides the order. A layer forwards every method
//! of [`Provider`]; it decides by [`Error::kind`](crate::Error::kind),
//! [`Error::acceptance`](crate::Error::acceptance) and
//! [`Error::is_safe_to_resend`](crate::Error::is_safe_to_resend) alone, and knows neither HTTP nor
//! any provider. Time and randomness are handed in, and no layer starts a task of its own: a call that
//! is dropped is given up in all of them.
//!
//! # The order
//!
//! From the outside in:
//!
//! | layer | does | stands there because |
//! |---|---|---|
//! | [`Trace`] | one span for each call | the attempts and waits of a call belong to one span |
//! | [`Retry`] | another try, where it is proved that nothing was sent | each attempt is guarded, limited and timed by what is below |
//! | [`Breaker`] | leaves a provider alone that is down | an attempt that has no use fails at once, before it waits for anything |
//! | [`RateLimit`] | parts a second, burst, parts a day | messages wait for their turn without holding a place in flight |
//! | [`Concurrency`] | calls in flight | a call that waits for a place has not begun: its time does not run |
//! | [`Timeout`] | the time of one attempt | it is on the call alone, never on waiting |
//!
//! What a provider has besides the methods of [`Provider`] (its address book, batches, conversations,
//! subscriptions, numbers) goes through all layers as it is: it is used by people rather than by
//! queues, sending to a group must never be repeated, and the HTTP client below keeps its own limit
//! on time.
//!
//! # With other accounts at hand
//!
//! A program that has several accounts, such as one with a [`Messenger`](crate::messenger), builds the
//! layers of each with [`LayerSettings::with_other_accounts`]. Then an account whose provider is not to
//! be reached gives a message back at once, so that the next account gets it, while one that only asks
//! for patience waits as ever. A program with one account has nobody else to ask and leaves it out.
//!
//! # Around a real account
//!
//! What a program reads from its own configuration goes into an [`Account`](crate::Account), under
//! the names that the provider's [`ProviderSpec::settings`](crate::ProviderSpec::settings) list.
//! A program that knows its provider hands in that provider's client instead of what `connect`
//! gives; a clone of the client stays at hand for the calls that only this provider has, and those
//! go around the layers.
//!
//! ```no_run
//! # async fn example(provider_id: &str, key: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use tidings::layers::{self, Jitter, LayerSettings, Rate};
//! use tidings::{Account, HttpClient, Provider, SystemClock, providers};
//!
//! let spec = providers::by_id(provider_id).ok_or("no such provider")?;
//! let account = Account::new("main").with("client_id", "1234").with("api_key", key);
//! let client = (spec.connect)(&account, HttpClient::builder().build()?)?;
//!
//! let settings = LayerSettings::default()
//!     .account("main")
//!     .rate(Rate::per_second(20).daily_cap(50_000))
//!     .max_in_flight(8);
//! let clock = Arc::new(SystemClock::new());
//! let provider = layers::standard(client, &settings, clock, Jitter::random());
//! println!("{:?}", provider.balance().await?);
//! # Ok(())
//! # }
//! ```

mod breaker;
mod calls;
mod circuit;
mod concurrency;
mod rate;
mod rate_limit;
mod retry;
mod timeout;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use tidings_core::Clock;

use crate::account::AccountName;
use crate::clock::SystemClock;
use crate::provider::Provider;

pub use self::breaker::Breaker;
pub use self::calls::{Calls, Innermost, Stack};
pub use self::circuit::{BreakerPolicy, Circuit, CircuitState, Passage};
pub use self::concurrency::Concurrency;
pub use self::rate::{Rate, parts_of};
pub use self::rate_limit::RateLimit;
pub use self::retry::{Jitter, Retry, RetryPolicy};
pub use self::timeout::Timeout;
pub use self::trace::Trace;

/// What [`standard`] puts around a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerSettings {
    /// The account's name, as it is shown in traces. Default: none is shown.
    pub account: Option<AccountName>,
    /// When an attempt is repeated.
    pub retry: RetryPolicy,
    /// When the provider is left alone, and for how long.
    pub breaker: BreakerPolicy,
    /// How many parts may leave. Default: no limit.
    pub rate: Rate,
    /// How many calls may be in flight at once; 0 counts as 1. Default: 64.
    pub max_in_flight: usize,
    /// How long one attempt may take. Default: 5 minutes, because a client may need several HTTP
    /// calls, each with a limit of its own, for the messages of one attempt.
    pub timeout: Duration,
}

impl Default for LayerSettings {
    fn default() -> Self {
        Self {
            account: None,
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
            rate: Rate::default(),
            max_in_flight: 64,
            timeout: Duration::from_mins(5),
        }
    }
}

impl LayerSettings {
    /// Sets the account's name, as it is shown in traces.
    #[must_use]
    pub fn account(mut self, name: impl Into<AccountName>) -> Self {
        self.account = Some(name.into());
        self
    }

    /// Sets when an attempt is repeated.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Gives messages back at once where the provider is not to be reached, so that another account
    /// takes them: [`RetryPolicy::throttled_only`] of the policy that is set.
    #[must_use]
    pub fn with_other_accounts(mut self) -> Self {
        self.retry = self.retry.throttled_only();
        self
    }

    /// Sets when the provider is left alone, and for how long.
    #[must_use]
    pub fn breaker(mut self, policy: BreakerPolicy) -> Self {
        self.breaker = policy;
        self
    }

    /// Sets how many parts may leave.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// Sets how many calls may be in flight at once.
    #[must_use]
    pub fn max_in_flight(mut self, calls: usize) -> Self {
        self.max_in_flight = calls;
        self
    }

    /// Sets how long one attempt may take.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }
}

/// A provider with every layer around it, as most programs want it: [`standard`] with the default
/// settings, the system's clock and random waits.
///
/// ```
/// use std::sync::Arc;
/// use tidings::layers;
/// use tidings::memory::MemoryProvider;
/// use tidings::messenger::Messenger;
///
/// let provider = layers::around(Arc::new(MemoryProvider::new()));
/// let messenger = Messenger::builder().account("main", provider).build()?;
/// # Ok::<(), tidings::Error>(())
/// ```
pub fn around(provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
    let clock = Arc::new(SystemClock::new());
    standard(provider, &LayerSettings::default(), clock, Jitter::random())
}

/// A provider with every layer around it, in [the documented order](self#the-order).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use tidings::layers::{self, Jitter, LayerSettings};
/// use tidings::memory::MemoryProvider;
/// use tidings::{ClientRef, E164, Error, ErrorKind, Message, Outbound, Provider, SystemClock};
///
/// let memory = MemoryProvider::new();
/// memory.fail_next(Error::not_sent(ErrorKind::Unavailable, "down for a moment"));
///
/// let clock = Arc::new(SystemClock::new());
/// let settings = LayerSettings::default();
/// let provider = layers::standard(Arc::new(memory), &settings, clock, Jitter::random());
/// let message = Message::new(E164::parse("+224622000001", None)?, "Hello");
/// let outbound = Outbound::new(ClientRef::new("hello-1")?, message);
/// assert!(provider.submit(&[outbound]).await?[0].is_ok());
/// # Ok(())
/// # }
/// ```
pub fn standard(
    provider: Arc<dyn Provider>,
    settings: &LayerSettings,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
) -> Arc<dyn Provider> {
    layered(provider, settings, clock, jitter).provider
}

/// A provider with every layer around it, and what can be watched of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Layered {
    /// The provider, as [`standard`] gives it.
    pub provider: Arc<dyn Provider>,
    /// How the account's breaker stands, for whoever shows it.
    pub circuit: Circuit,
}

/// Does what [`standard`] does, and gives the account's breaker as well.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use tidings::layers::{self, BreakerPolicy, CircuitState, Jitter, LayerSettings};
/// use tidings::memory::MemoryProvider;
/// use tidings::{ClientRef, E164, Error, ErrorKind, Message, Outbound, Provider, SystemClock};
///
/// let memory = MemoryProvider::new();
/// memory.fail_next(Error::not_sent(ErrorKind::Unavailable, "down"));
///
/// let clock = Arc::new(SystemClock::new());
/// let settings = LayerSettings::default()
///     .breaker(BreakerPolicy::default().opens_after(1, 1))
///     .with_other_accounts();
/// let layered = layers::layered(Arc::new(memory), &settings, clock, Jitter::random());
/// let message = Message::new(E164::parse("+224622000001", None)?, "Hello");
/// let outbound = Outbound::new(ClientRef::new("hello-1")?, message);
/// assert_eq!(layered.circuit.state(), CircuitState::Closed);
/// assert!(layered.provider.submit(&[outbound]).await.is_err());
/// assert!(matches!(layered.circuit.state(), CircuitState::Open { .. }));
/// # Ok(())
/// # }
/// ```
pub fn layered(
    provider: Arc<dyn Provider>,
    settings: &LayerSettings,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
) -> Layered {
    let circuit = Circuit::new(settings.breaker, Arc::clone(&clock));
    let layers = Timeout::new(Innermost::new(provider), settings.timeout);
    let layers = Concurrency::new(layers, settings.max_in_flight);
    let layers = RateLimit::new(layers, &settings.rate, Arc::clone(&clock));
    let layers = Breaker::new(layers, circuit.clone());
    let layers = Retry::new(layers, settings.retry, Arc::clone(&clock), jitter);
    let layers = Trace::new(layers, settings.account.clone(), clock);
    Layered {
        provider: Arc::new(Stack::new(layers)),
        circuit,
    }
}

#[cfg(test)]
mod tests;
