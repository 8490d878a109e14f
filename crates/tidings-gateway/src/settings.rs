//! What holds for all messages of one account of the gateway.
//!
//! Kept in the store as JSON; changed through the API; read by intake, inbound and the vendors' APIs. What
//! is not set follows the configuration.

use serde::{Deserialize, Serialize};
use tidings_core::{DeliveryPolicy, Region, SenderId};
use tidings_store::AccountId;

/// What an account wants for its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// What is done after a lost answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<DeliveryPolicy>,
    /// The sender of messages that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<SenderId>,
    /// The country of numbers that are written without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Which characters may be replaced so that a text takes fewer parts: `off`, `typography`,
    /// `accents`, `strict_gsm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// The most parts of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_parts: Option<u8>,
    /// In vendors' APIs without a key for a request: the same text from the same sender to the same
    /// number within so many seconds is taken once. 0 is off.
    pub same_content_window_s: u32,
    /// The languages of opt-out words, such as `en`; none is all.
    pub opt_out_languages: Vec<String>,
    /// Further opt-out words.
    pub opt_out_words: Vec<String>,
    /// What is answered to who opts out; none answers nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt_out_confirmation: Option<String>,
    /// No message leaves in these hours: `21:00-08:00`, in the recipient's zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<String>,
    /// No message leaves on these days, such as `2026-12-25`.
    pub blackout_dates: Vec<String>,
}

/// An account on whose behalf something is done.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Its name.
    pub id: AccountId,
    /// What it wants.
    pub settings: std::sync::Arc<AccountSettings>,
}
