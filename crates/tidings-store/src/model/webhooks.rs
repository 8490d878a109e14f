//! Customers' addresses that are told what happens, and what is on its way to them.

use std::sync::Arc;

use secrecy::SecretString;
use tidings_core::Timestamp;

use super::{AccountId, DeliveryId, Event, EventKind, EventSeq, WebhookId};

/// An address that is told what happens.
#[derive(Clone, Debug)]
pub struct StoredWebhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose; `None` is the operator's, which is told of lanes.
    pub account: Option<AccountId>,
    /// Where.
    pub url: Arc<str>,
    /// What it is told; none is everything.
    pub kinds: Vec<EventKind>,
    /// In which form: `standard`, or the id of a provider whose own form it is.
    pub format: Arc<str>,
    /// What the form needs to know, in the gateway's own words (JSON): the vendor's subscription.
    pub details: Option<Arc<str>>,
    /// What its calls are signed with, the newest first; several while one is being replaced. They
    /// have to be known in clear to sign.
    pub secrets: Vec<WebhookSecret>,
    /// A word for people.
    pub label: Option<Arc<str>>,
    /// Whether it is called.
    pub is_enabled: bool,
    /// Why not, where we switched it off.
    pub disabled_because: Option<Arc<str>>,
    /// Since when it fails without a success.
    pub failing_since: Option<Timestamp>,
    /// Until when; a vendor's subscriptions end by themselves.
    pub expires_at: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
}

/// What a webhook's calls are signed with.
#[derive(Clone, Debug)]
pub struct WebhookSecret {
    /// `whsec_..` (HMAC-SHA256) or `whsk_..` (ed25519), as Standard Webhooks writes them.
    pub secret: SecretString,
    /// Until when it is used; `None` for the newest.
    pub until: Option<Timestamp>,
}

/// What changes of a webhook; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// Where.
    pub url: Option<Arc<str>>,
    /// What it is told.
    pub kinds: Option<Vec<EventKind>>,
    /// A word for people.
    pub label: Option<Arc<str>>,
    /// What the form needs to know.
    pub details: Option<Arc<str>>,
    /// Whether it is called; switching it on forgets why it was switched off.
    pub is_enabled: Option<bool>,
    /// Why it is switched off.
    pub disabled_because: Option<Arc<str>>,
    /// All its secrets.
    pub secrets: Option<Vec<WebhookSecret>>,
    /// Until when; `Some(None)` is for ever.
    pub expires_at: Option<Option<Timestamp>>,
}

/// One event that is due to one webhook, leased.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    /// Its id; the receiver tells repetitions by it.
    pub id: DeliveryId,
    /// To whom.
    pub webhook: WebhookId,
    /// What happened.
    pub event: Event,
    /// How often it was tried.
    pub n_tries: u16,
    /// When it was first due.
    pub created_at: Timestamp,
}

/// How a try ended.
#[derive(Clone, Debug)]
pub struct DeliveryEnd {
    /// Which.
    pub id: DeliveryId,
    /// To whom.
    pub webhook: WebhookId,
    /// How.
    pub outcome: DeliveryOutcome,
    /// The status that was answered.
    pub status: Option<u16>,
    /// What went wrong, without secrets; or why nothing was called.
    pub error: Option<Arc<str>>,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver has it.
    Done,
    /// It is tried again.
    Later(Timestamp),
    /// It is not tried any more; it can be replayed.
    Dead,
}

/// A delivery as it is shown.
#[derive(Clone, Debug)]
pub struct StoredDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// What happened.
    pub event: Event,
    /// `due`, `done` or `dead`.
    pub state: Arc<str>,
    /// How often it was tried.
    pub n_tries: u16,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// When it was tried last.
    pub last_at: Option<Timestamp>,
    /// What was answered last.
    pub last_status: Option<u16>,
    /// What went wrong last.
    pub last_error: Option<Arc<str>>,
}

/// One page of a long list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// After this place, as the page before said; `None` is the first page.
    pub after: Option<Box<str>>,
    /// At most so many; 0 is what the store thinks good.
    pub limit: usize,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; `None` is the end.
    pub next: Option<Box<str>>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next: None,
        }
    }
}

/// What happened, from a place on.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of this account; `None` is all, also the operator's.
    pub account: Option<AccountId>,
    /// After this place.
    pub after: EventSeq,
    /// At most so many.
    pub limit: usize,
}
