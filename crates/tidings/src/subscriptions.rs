//! Subscriptions: what a provider tells by calling its customer's server, where the customer says by
//! calls which events he wants.
//!
//! [`Subscriptions`] is how programs reach them without knowing the provider; the types also serve
//! the other direction, [`crate::backend`]. What the calls hold is read by [`crate::callback`].

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;
use tidings_core::Timestamp;

use crate::error::Result;

/// A subscription as the provider keeps it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The provider's word for the events, such as `message`.
    pub events: String,
    /// Where they are posted. Often holds a secret.
    pub url: SecretString,
    /// Whose events: a domain, or `*`.
    pub domain: String,
    /// Whose events: a user of the domain, or `*`.
    pub user: String,
    /// Whose events: a reseller, or `*`.
    pub reseller: Option<String>,
    /// With whose rights.
    pub scope: Option<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The provider's word for how it goes, such as `active`.
    pub status: String,
    /// Calls that failed.
    pub errors: u64,
    /// Calls that were made.
    pub posts: u64,
    /// Whether another server of the provider takes over when one fails.
    pub fails_over: bool,
    /// The server that is to make the calls.
    pub preferred_server: Option<String>,
    /// The server that makes them.
    pub active_server: Option<String>,
}

impl Subscription {
    /// A subscription that has made no call yet.
    pub fn new(
        id: impl Into<String>,
        events: impl Into<String>,
        url: impl Into<SecretString>,
    ) -> Self {
        Self {
            id: id.into(),
            events: events.into(),
            url: url.into(),
            domain: "*".to_owned(),
            user: "*".to_owned(),
            reseller: None,
            scope: None,
            expires_at: None,
            created_at: None,
            status: "pending".to_owned(),
            errors: 0,
            posts: 0,
            fails_over: true,
            preferred_server: None,
            active_server: None,
        }
    }
}

/// Leaves the address out: it often holds a secret.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("events", &self.events)
            .field("domain", &self.domain)
            .field("user", &self.user)
            .field("expires_at", &self.expires_at)
            .field("status", &self.status)
            .field("errors", &self.errors)
            .field("posts", &self.posts)
            .finish_non_exhaustive()
    }
}

/// A subscription that is to be made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewSubscription {
    /// The provider's word for the events.
    pub events: String,
    /// Where they are to be posted.
    pub url: SecretString,
    /// Whose events; `None` leaves it to the account's own.
    pub domain: Option<String>,
    /// Whose events; `None` is every user's.
    pub user: Option<String>,
    /// Whose events; `None` leaves it to the provider.
    pub reseller: Option<String>,
    /// With whose rights; `None` leaves it to the provider.
    pub scope: Option<String>,
    /// When it is to end; `None` leaves it to the provider's client, which may choose a later end than
    /// the provider itself would.
    pub expires_at: Option<Timestamp>,
    /// Whether another server of the provider is to take over when one fails; `None` leaves it to
    /// the provider.
    pub fails_over: Option<bool>,
    /// The server that is to make the calls.
    pub preferred_server: Option<String>,
}

impl NewSubscription {
    /// Events of a kind, posted to an address.
    pub fn new(events: impl Into<String>, url: impl Into<SecretString>) -> Self {
        Self {
            events: events.into(),
            url: url.into(),
            domain: None,
            user: None,
            reseller: None,
            scope: None,
            expires_at: None,
            fails_over: None,
            preferred_server: None,
        }
    }

    /// Sets whose events: a domain, or `*`.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets whose events: a user of the domain, or `*`.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets when it is to end.
    #[must_use]
    pub fn expires_at(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }
}

/// What is to be different about a subscription. The default changes nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SubscriptionChange {
    /// The provider's word for other events.
    pub events: Option<String>,
    /// Where they are to be posted.
    pub url: Option<SecretString>,
    /// When it is to end.
    pub expires_at: Option<Timestamp>,
    /// Whether the count of failed calls begins anew.
    pub reset_errors: bool,
    /// Whether the count of calls begins anew.
    pub reset_posts: bool,
    /// Whether another server of the provider is to take over when one fails.
    pub fails_over: Option<bool>,
    /// The server that is to make the calls.
    pub preferred_server: Option<String>,
}

/// The subscriptions of one account of a provider.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// All of them.
    async fn list(&self) -> Result<Vec<Subscription>>;

    /// One of them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is none with this id.
    async fn show(&self, id: &str) -> Result<Subscription>;

    /// Makes one and gives it as the provider keeps it.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`](crate::ErrorKind::Rejected) when the provider has one just like it and
    /// makes no second.
    async fn create(&self, new: &NewSubscription) -> Result<Subscription>;

    /// Changes one. What the change does not name stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is none with this id.
    async fn update(&self, id: &str, change: &SubscriptionChange) -> Result<()>;

    /// Ends one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is none with this id.
    async fn delete(&self, id: &str) -> Result<()>;
}
