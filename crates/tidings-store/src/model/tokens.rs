//! Sign-ins that hold for some time.

use std::sync::Arc;

use tidings_core::Timestamp;

use super::{AccountId, KeyId};

/// A token of which only the hash is kept.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// What it is for, such as `access` or `refresh`.
    pub kind: Arc<str>,
    /// Whose.
    pub account: AccountId,
    /// The key that was signed in with.
    pub key: KeyId,
    /// Who it stands for, in the gateway's own words (JSON).
    pub identity: Option<Arc<str>>,
    /// Since when.
    pub issued_at: Timestamp,
    /// Until when; `None` is until it is revoked.
    pub expires_at: Option<Timestamp>,
}
