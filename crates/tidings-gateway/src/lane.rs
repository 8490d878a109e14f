//! A lane: one account at one provider, connected, with its limits.
//!
//! Made from the configuration when it is read; used by routing (may it carry this message?), dispatch,
//! reports and the page of providers. What waits for it is in the store.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tidings::layers::Circuit;
use tidings::{AccountName, Balance, Capabilities, Provider, ProviderSpec};
use tidings_core::Timestamp;
use tidings_store::{LaneId, Stamp};
use tokio::sync::Notify;

use crate::config::LaneConfig;
use crate::reports::Health;

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
    /// What changes while it runs.
    pub standing: LaneStanding,
}

/// What changes of a lane while it runs. Kept over a reload of the configuration.
#[derive(Debug, Default)]
pub struct LaneStanding {
    is_empty: AtomicBool,
    is_paused: AtomicBool,
    first_stamp: AtomicI64,
    balance: Mutex<Option<(Balance, Timestamp)>>,
    balance_bell: Arc<Notify>,
    health: Health,
}

impl LaneStanding {
    /// Whether nothing is left at the provider, so that no message is routed here.
    pub fn is_empty(&self) -> bool {
        self.is_empty.load(Ordering::Relaxed)
    }

    /// Says whether anything is left at the provider.
    pub fn set_empty(&self, is_empty: bool) {
        self.is_empty.store(is_empty, Ordering::Relaxed);
    }

    /// Whether a person stopped it.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    /// Stops it, or lets it go on.
    pub fn set_paused(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// The stamp of the message that left last, or of the first that waits: the lane's virtual time.
    pub fn virtual_time(&self) -> Stamp {
        Stamp(self.first_stamp.load(Ordering::Relaxed))
    }

    /// Moves the virtual time.
    pub fn set_virtual_time(&self, stamp: Stamp) {
        self.first_stamp.store(stamp.0, Ordering::Relaxed);
    }

    /// Rung when the balance is worth asking for at once.
    pub fn balance_bell(&self) -> Arc<Notify> {
        Arc::clone(&self.balance_bell)
    }

    /// How well it does: the windows that alarms are raised from.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// What was left when the provider was asked last.
    pub fn balance(&self) -> Option<(Balance, Timestamp)> {
        self.balance
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Keeps what is left.
    pub fn set_balance(&self, balance: Balance, at: Timestamp) {
        let mut kept = self
            .balance
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *kept = Some((balance, at));
    }
}
