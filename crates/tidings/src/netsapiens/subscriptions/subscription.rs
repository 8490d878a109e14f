//! What a subscription is: as it is made, as it is changed, as the server keeps it. Checked and
//! translated here; the calls are in `mod.rs`.

use std::fmt;
use std::time::Duration;

use http::Uri;
use secrecy::{ExposeSecret, SecretString};
use tidings_core::Timestamp;

use super::super::model::Model;
use super::super::wire::{self, time};
use crate::subscriptions as neutral;

/// A subscription that is to be made: which events, and where they are posted.
///
/// It is for the account's own domain and all users of it, and holds for a year, unless it is said
/// otherwise. Without an expiry the server would end it with the token that it was made with: after an
/// hour, for whoever signs in with a password. Who wants it for longer than a year lets a
/// [`Keeper`](super::super::Keeper) renew it.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct NewSubscription {
    /// Which events.
    pub model: Model,
    /// Where they are posted: `http` or `https`, any port, and a valid certificate. The server signs
    /// nothing, so this is where a secret is put: `https://hooks.example.test/ns?key=...`.
    pub post_url: SecretString,
    /// Whose events. `None` is the account's own domain; `*`, all domains, needs a super user.
    pub domain: Option<String>,
    /// Whose events. `None` is every user of the domain, or for an account of the scope
    /// `Basic User`, which sees no others, the account's user.
    pub user: Option<String>,
    /// Whose events, where domains of several resellers are meant. Not said unless it is set.
    pub reseller: Option<String>,
    /// With whose rights, as `Office Manager`. Not said unless it is set, and not documented.
    pub user_scope: Option<String>,
    /// When it ends.
    pub expiry: Expiry,
    /// Whether another node takes over when one fails. Not said unless it is set; the server does so
    /// by default.
    #[doc(alias = "subscription-geo-support")]
    pub fails_over: Option<bool>,
    /// The node that is to post: a host and nothing else.
    pub preferred_server: Option<String>,
}

/// When a subscription ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// So long after it is made.
    After(Duration),
    /// At this moment.
    At(Timestamp),
    /// When the server says: with the token, mostly after an hour; with an API key after 20 years.
    AsTheServerSays,
}

impl Expiry {
    /// A year: long enough to survive a program that is away, short enough that nobody's forgotten
    /// server is posted to for ever.
    pub const DEFAULT: Self = Self::After(Duration::from_hours(365 * 24));

    /// The moment, for a subscription that is made at `now`.
    pub(in super::super) fn at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::After(duration) => Some(now.plus(duration)),
            Self::At(at) => Some(at),
            Self::AsTheServerSays => None,
        }
    }
}

impl Default for Expiry {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl NewSubscription {
    /// Events of a model, posted to an address.
    pub fn new(model: Model, post_url: impl Into<SecretString>) -> Self {
        Self {
            model,
            post_url: post_url.into(),
            domain: None,
            user: None,
            reseller: None,
            user_scope: None,
            expiry: Expiry::DEFAULT,
            fails_over: None,
            preferred_server: None,
        }
    }

    /// Sets whose events: a domain, or `*` for all that a super user sees.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets whose events: a user of the domain by extension, or `*` for all.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets whose events: a reseller, or `*` for all that a super user sees.
    pub fn reseller(mut self, reseller: impl Into<String>) -> Self {
        self.reseller = Some(reseller.into());
        self
    }

    /// Sets with whose rights.
    pub fn user_scope(mut self, scope: impl Into<String>) -> Self {
        self.user_scope = Some(scope.into());
        self
    }

    /// Sets when it ends.
    pub fn expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }

    /// Sets whether another node takes over when one fails.
    pub fn fails_over(mut self, fails_over: bool) -> Self {
        self.fails_over = Some(fails_over);
        self
    }

    /// Sets the node that is to post.
    pub fn preferred_server(mut self, host: impl Into<String>) -> Self {
        self.preferred_server = Some(host.into());
        self
    }

    /// What is wrong with it, as far as can be told here.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let server = self.preferred_server.as_deref();
        let parts = [&self.domain, &self.user, &self.reseller, &self.user_scope];
        if self.model.as_str().is_empty() {
            return Some("a subscription needs a model");
        }
        if parts.into_iter().flatten().any(String::is_empty) {
            return Some("whose events are subscribed must not be empty");
        }
        url_fault(self.post_url.expose_secret()).or_else(|| server.and_then(host_fault))
    }

    /// The document, for whoever is meant by what was left out.
    pub(super) fn document(
        &self,
        domain: &str,
        user: &str,
        now: Timestamp,
    ) -> wire::CreateSubscription {
        let text = |text: &Option<String>| wire::Text(text.clone().unwrap_or_default());
        wire::CreateSubscription {
            model: self.model.as_str().into(),
            post_url: self.post_url.expose_secret().into(),
            domain: self.domain.as_deref().unwrap_or(domain).into(),
            user: self.user.as_deref().unwrap_or(user).into(),
            reseller: text(&self.reseller),
            user_scope: text(&self.user_scope),
            subscription_geo_support: wire::YesNo(self.fails_over),
            preferred_server: text(&self.preferred_server),
            subscription_expires_datetime: written(self.expiry.at(now)),
        }
    }

    /// Whether `found` is for the same events and the same address, and for those whose events this
    /// one names.
    pub(in super::super) fn is_like(&self, found: &Subscription) -> bool {
        let is_same = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        self.model == found.model
            && self.post_url.expose_secret() == found.post_url.expose_secret()
            && is_same(&self.domain, &found.domain)
            && is_same(&self.user, &found.user)
    }
}

impl From<&neutral::NewSubscription> for NewSubscription {
    fn from(new: &neutral::NewSubscription) -> Self {
        Self {
            model: new.events.as_str().into(),
            post_url: new.url.clone(),
            domain: new.domain.clone(),
            user: new.user.clone(),
            reseller: new.reseller.clone(),
            user_scope: new.scope.clone(),
            expiry: new.expires_at.map_or(Expiry::DEFAULT, Expiry::At),
            fails_over: new.fails_over,
            preferred_server: new.preferred_server.clone(),
        }
    }
}

/// What is to be different about a subscription. Nothing else is sent: any one field can be changed
/// alone.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct SubscriptionChange {
    /// Other events.
    pub model: Option<Model>,
    /// Another address.
    pub post_url: Option<SecretString>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether another node takes over when one fails.
    pub fails_over: Option<bool>,
    /// The node that is to post: a host and nothing else.
    pub preferred_server: Option<String>,
    /// Whether the count of failed posts begins anew.
    #[doc(alias = "error-count")]
    pub reset_errors: bool,
    /// Whether the count of posts begins anew.
    #[doc(alias = "posts-count")]
    pub reset_posts: bool,
}

impl SubscriptionChange {
    /// A later end, or an earlier one.
    pub fn expires_at(at: Timestamp) -> Self {
        Self {
            expires_at: Some(at),
            ..Self::default()
        }
    }

    /// Both counts begin anew.
    pub fn reset_counts() -> Self {
        Self {
            reset_errors: true,
            reset_posts: true,
            ..Self::default()
        }
    }

    /// What is wrong with it, as far as can be told here.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let url = self.post_url.as_ref();
        let server = self.preferred_server.as_deref();
        if self.model.as_ref().is_some_and(|it| it.as_str().is_empty()) {
            return Some("a subscription needs a model");
        }
        if self.document() == wire::ChangeSubscription::default() {
            return Some("nothing of the subscription is to be different");
        }
        url.and_then(|url| url_fault(url.expose_secret()))
            .or_else(|| server.and_then(host_fault))
    }

    pub(super) fn document(&self) -> wire::ChangeSubscription {
        let zero = |reset: bool| wire::Whole(reset.then_some(0));
        let url = self.post_url.as_ref().map(ExposeSecret::expose_secret);
        let model = self.model.as_ref().map(Model::as_str);
        wire::ChangeSubscription {
            model: model.unwrap_or_default().into(),
            post_url: url.unwrap_or_default().into(),
            subscription_geo_support: wire::YesNo(self.fails_over),
            preferred_server: wire::Text(self.preferred_server.clone().unwrap_or_default()),
            subscription_expires_datetime: written(self.expires_at),
            error_count: zero(self.reset_errors),
            posts_count: zero(self.reset_posts),
        }
    }
}

impl From<&neutral::SubscriptionChange> for SubscriptionChange {
    fn from(change: &neutral::SubscriptionChange) -> Self {
        Self {
            model: change.events.as_deref().map(Model::from),
            post_url: change.url.clone(),
            expires_at: change.expires_at,
            fails_over: change.fails_over,
            preferred_server: change.preferred_server.clone(),
            reset_errors: change.reset_errors,
            reset_posts: change.reset_posts,
        }
    }
}

/// `YYYY-MM-DD HH:MM:SS` in UTC, the one form that every server takes.
fn written(at: Option<Timestamp>) -> wire::Text {
    wire::Text(at.map(time::write).unwrap_or_default())
}

fn url_fault(url: &str) -> Option<&'static str> {
    let Ok(url) = url.parse::<Uri>() else {
        return Some("the post_url is no URL");
    };
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => None,
        (Some("http" | "https"), _) => Some("the post_url names no host"),
        _ => Some("the post_url begins with neither http:// nor https://"),
    }
}

/// The servers take a name with a scheme, a port or a path, and then post nothing.
fn host_fault(host: &str) -> Option<&'static str> {
    let is_in_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let is_host = !host.is_empty() && host.bytes().all(is_in_host);
    (!is_host).then_some("the preferred server is a host name without scheme, port and path")
}

/// A subscription as the server keeps it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Subscription {
    /// Its id: 32 hexadecimal digits.
    pub id: String,
    /// Which events.
    pub model: Model,
    /// Where they are posted. Often holds a secret.
    pub post_url: SecretString,
    /// Whose events: a domain, or `*`.
    pub domain: String,
    /// Whose events: a user, or `*`.
    pub user: String,
    /// Whose events: a reseller, or `*`.
    pub reseller: Option<String>,
    /// With whose rights.
    pub user_scope: Option<String>,
    /// How it goes.
    pub status: SubscriptionStatus,
    /// Posts that failed: no network, no answer, or a status above 302.
    pub error_count: u64,
    /// Posts that were made.
    pub posts_count: u64,
    /// Whether another node takes over when one fails.
    pub fails_over: Option<bool>,
    /// The node that is to post.
    pub preferred_server: Option<String>,
    /// The node that posts; none until one has taken it on.
    pub active_server: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it ends. The server takes it away some time after.
    pub expires_at: Option<Timestamp>,
}

/// How a subscription goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubscriptionStatus {
    /// Nothing has been posted yet.
    Pending,
    /// The latest posts were taken.
    Active,
    /// The latest posts failed.
    Error,
    /// Another word.
    Other(Box<str>),
}

impl SubscriptionStatus {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Error => "error",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for SubscriptionStatus {
    fn from(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "active" => Self::Active,
            "error" => Self::Error,
            word => Self::Other(word.into()),
        }
    }
}

impl Subscription {
    /// Reads a row. Times come in both of the vendor's forms; one that is neither is none.
    ///
    /// `None` for what is no subscription, because it has no id.
    pub fn from_wire(row: &wire::Subscription) -> Option<Self> {
        let text = |text: &wire::Text| text.get().map(str::to_owned);
        let count = |count: wire::Whole| {
            let count = count.0.unwrap_or(0);
            u64::try_from(count).unwrap_or(0)
        };
        Some(Self {
            id: text(&row.id)?,
            model: row.model.0.as_str().into(),
            post_url: row.post_url.0.as_str().into(),
            domain: row.domain.0.clone(),
            user: row.user.0.clone(),
            reseller: text(&row.reseller),
            user_scope: text(&row.user_scope),
            status: row.status.0.as_str().into(),
            error_count: count(row.error_count),
            posts_count: count(row.posts_count),
            fails_over: row.subscription_geo_support.0,
            preferred_server: text(&row.preferred_server),
            active_server: text(&row.current_active_server),
            created_at: time::parse(&row.subscription_creation_datetime.0),
            expires_at: time::parse(&row.subscription_expires_datetime.0),
        })
    }
}

impl From<Subscription> for neutral::Subscription {
    fn from(found: Subscription) -> Self {
        let mut subscription = Self::new(found.id, found.model.as_str(), found.post_url);
        subscription.domain = found.domain;
        subscription.user = found.user;
        subscription.reseller = found.reseller;
        subscription.scope = found.user_scope;
        subscription.expires_at = found.expires_at;
        subscription.created_at = found.created_at;
        found.status.as_str().clone_into(&mut subscription.status);
        subscription.errors = found.error_count;
        subscription.posts = found.posts_count;
        subscription.fails_over = found.fails_over.unwrap_or(true);
        subscription.preferred_server = found.preferred_server;
        subscription.active_server = found.active_server;
        subscription
    }
}

/// Leaves the address out: it often holds a secret.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("model", &self.model)
            .field("domain", &self.domain)
            .field("user", &self.user)
            .field("status", &self.status)
            .field("error_count", &self.error_count)
            .field("posts_count", &self.posts_count)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
