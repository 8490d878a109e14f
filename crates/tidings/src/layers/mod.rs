//! Wrappers around a provider that add what every program wants: a limit on time, and another try
//! where that is safe.
//!
//! Called by programs, through [`standard`], which decides the order. A layer forwards every method
//! of [`Provider`]; it decides by [`Error::kind`](crate::Error::kind),
//! [`Error::acceptance`](crate::Error::acceptance) and
//! [`Error::is_safe_to_resend`](crate::Error::is_safe_to_resend) alone, and knows neither HTTP nor
//! any provider.
//!
//! A provider's address book goes through all layers as it is: it is used by people rather than by
//! queues, sending to a group must never be repeated, and the HTTP client below keeps its own limit
//! on time.
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
//! use tidings::layers::{self, Jitter, LayerSettings};
//! use tidings::{Account, HttpClient, Provider, SystemClock, providers};
//!
//! let spec = providers::by_id(provider_id).ok_or("no such provider")?;
//! let account = Account::new("main").with("client_id", "1234").with("api_key", key);
//! let client = (spec.connect)(&account, HttpClient::builder().build()?)?;
//!
//! let settings = LayerSettings::default();
//! let clock = Arc::new(SystemClock::new());
//! let provider = layers::standard(client, &settings, clock, Jitter::random());
//! println!("{:?}", provider.balance().await?);
//! # Ok(())
//! # }
//! ```

mod calls;
mod retry;
mod timeout;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tidings_core::{Clock, DeliveryReport, ProviderRef};

use crate::address_book::AddressBook;
use crate::batches::QueuedBatches;
use crate::conversations::Conversations;
use crate::error::Result;
use crate::numbers::OwnNumbers;
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};
use crate::subscriptions::Subscriptions;

pub use self::calls::{Calls, Innermost, Stack};
pub use self::retry::{Jitter, Retry, RetryPolicy};
pub use self::timeout::Timeout;

/// What [`standard`] puts around a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerSettings {
    /// How long one attempt may take. Default: 5 minutes, because a client may need several HTTP
    /// calls, each with a limit of its own, for the messages of one attempt.
    pub timeout: Duration,
    /// When an attempt is repeated.
    pub retry: RetryPolicy,
}

impl Default for LayerSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(5),
            retry: RetryPolicy::default(),
        }
    }
}

impl LayerSettings {
    /// Sets how long one attempt may take.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Sets when an attempt is repeated.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }
}

/// A provider with every layer, from the inside out: the time limit is around each attempt, and the
/// repetition is around the limited attempts, so that an attempt that hangs can be followed by
/// another where that is safe.
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
    let limited = Timeout::new(Innermost::new(provider), settings.timeout);
    let repeated = Retry::new(limited, settings.retry, clock, jitter);
    Arc::new(Stack::new(repeated))
}

/// A shared provider is a provider, so that layers go around it.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provider + ?Sized> Provider for Arc<P> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        (**self).submit(messages).await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        (**self).status(refs).await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        (**self).reconcile(attempt).await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        (**self).cancel(what).await
    }

    async fn balance(&self) -> Result<Balance> {
        (**self).balance().await
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        (**self).address_book()
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        (**self).batches()
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        (**self).conversations()
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        (**self).subscriptions()
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        (**self).numbers()
    }
}

#[cfg(test)]
mod tests;
