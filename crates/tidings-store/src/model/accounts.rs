//! Customers, their keys, and who did what.

use std::net::IpAddr;
use std::sync::Arc;

use tidings_core::Timestamp;

use super::{AccountId, EventSeq, KeyId, PageRequest};

/// A customer.
#[derive(Clone, Debug)]
pub struct StoredAccount {
    /// Its name.
    pub id: AccountId,
    /// What holds for all its messages, in the gateway's own words (JSON).
    pub settings: Arc<str>,
    /// How many parts it may still send; `None` is without a limit.
    pub quota: Option<i64>,
    /// Whether it may send.
    pub is_active: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// Grows with each change.
    pub version: u32,
}

/// What changes of a customer; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// Its settings.
    pub settings: Option<Arc<str>>,
    /// How many parts it may send from now on; `Some(None)` is without a limit.
    pub quota: Option<Option<i64>>,
    /// Whether it may send.
    pub is_active: Option<bool>,
}

/// A key of the API, of which only hashes are kept.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Its name, which may be shown.
    pub id: KeyId,
    /// Whose.
    pub account: AccountId,
    /// For which API: `tidings`, or the id of a provider.
    pub api: Arc<str>,
    /// The public part by which it is found: unique within the API.
    pub lookup: Arc<str>,
    /// SHA-256 of the secret part.
    pub hash: [u8; 32],
    /// A word for people.
    pub label: Option<Arc<str>>,
    /// What it allows, as words; see `http/auth` of the gateway.
    pub scopes: Vec<Arc<str>>,
    /// From which networks it may be used, as addresses or CIDR; none is from all.
    pub networks: Vec<Arc<str>>,
    /// What else a vendor's API needs to know, in the gateway's own words (JSON). No secret.
    pub details: Option<Arc<str>>,
    /// Since when.
    pub created_at: Timestamp,
    /// From when on it is not good any more.
    pub expires_at: Option<Timestamp>,
    /// Since when it is not good any more because somebody said so.
    pub revoked_at: Option<Timestamp>,
    /// When it was used last; to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_used_from: Option<IpAddr>,
}

/// That a key was used.
#[derive(Clone, Copy, Debug)]
pub struct KeyUse {
    /// The key.
    pub id: KeyId,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub from: Option<IpAddr>,
}

/// What somebody did who may change things.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Its place; set by the store.
    pub seq: EventSeq,
    /// When.
    pub at: Timestamp,
    /// Who: a key's id, `command` or `gateway`.
    pub who: Arc<str>,
    /// From where.
    pub from: Option<IpAddr>,
    /// Whose affairs; `None` concerns the operator.
    pub account: Option<AccountId>,
    /// What, such as `key.created`.
    pub what: Arc<str>,
    /// To what, such as the key's id.
    pub target: Arc<str>,
    /// What else there is to know, as JSON without secrets.
    pub detail: Option<Arc<str>>,
}

/// Which entries are listed, the latest first.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this account.
    pub account: Option<AccountId>,
    /// Which page.
    pub page: PageRequest,
}
