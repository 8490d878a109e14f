//! Messages over several accounts: which one carries a message, who takes over when it is proved that
//! nothing was sent, and what is done when nobody can know.
//!
//! Used by programs that send. It keeps nothing on disk: what a program must know after a restart is
//! in the [`Sent`] that it is given, and a queue that survives one is the gateway's.

use serde::{Deserialize, Serialize};
use tidings_core::{ClientRef, DeliveryPolicy, ProviderRef};

use crate::account::AccountName;

/// A message that a provider has taken: what a program keeps to ask about it later, also after a
/// restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sent {
    /// The message's own name: the caller's, or one that was made.
    pub reference: ClientRef,
    /// The account that carries it.
    pub account: AccountName,
    /// How its provider is asked about it.
    pub provider_ref: ProviderRef,
    /// Whether an earlier attempt may have been taken too, so that the phone may get it twice.
    pub duplicate_risk: bool,
}

/// How a messenger treats messages that say nothing of their own.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MessengerSettings {
    /// What is done when nobody can know whether a message was taken.
    pub policy: DeliveryPolicy,
}
