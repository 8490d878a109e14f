//! The accounts of a messenger, found by their names, and all else that its calls share.
//!
//! Made by `builder.rs`; read by everything else here. An account is known by its place in the list
//! once its name has been looked up.

use std::collections::HashMap;
use std::sync::Arc;

use tidings_core::{Clock, Message};
use tokio::sync::Semaphore;

use super::heard::Heard;
use super::reference::References;
use super::settings::MessengerSettings;
use crate::account::AccountName;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::Jitter;
use crate::provider::{Capabilities, Provider};
use crate::routing::{Decision, Routes, Standing};

/// How many questions about lost answers are open at once on one account.
const QUESTIONS_AT_ONCE: usize = 8;

/// What all clones of a messenger share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) accounts: Vec<Account>,
    pub(super) by_name: HashMap<AccountName, usize>,
    pub(super) routes: Routes,
    pub(super) settings: MessengerSettings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) randomness: Jitter,
    pub(super) references: References,
    pub(super) heard: Heard,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: AccountName,
    pub(super) provider: Arc<dyn Provider>,
    /// As they were when the messenger was built.
    pub(super) capabilities: Capabilities,
    /// Whoever asks about a lost answer holds one of these.
    pub(super) questions: Semaphore,
}

impl Account {
    pub(super) fn new(name: AccountName, provider: Arc<dyn Provider>) -> Self {
        Self {
            name,
            capabilities: provider.capabilities(),
            provider,
            questions: Semaphore::new(QUESTIONS_AT_ONCE),
        }
    }
}

impl Shared {
    /// The place of an account in the list.
    pub(super) fn place(&self, name: &AccountName) -> Result<usize> {
        self.by_name.get(name).copied().ok_or_else(|| {
            let what = format!("this messenger has no account {name}");
            Error::not_sent(ErrorKind::Config, what)
        })
    }

    /// The account of a name.
    pub(super) fn account(&self, name: &AccountName) -> Result<&Account> {
        self.place(name).map(|place| &self.accounts[place])
    }

    pub(super) fn decide(&self, message: &Message, draw: f64) -> Decision {
        self.routes.decide(message, &Standing::default(), draw)
    }
}
