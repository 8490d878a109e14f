//! The accounts of a messenger, found by their names, and all else that its calls share.
//!
//! Made by `builder.rs`; read by everything else here. An account is known by its place in the list
//! once its name has been looked up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tidings_core::{Clock, Message};
use tokio::sync::Semaphore;

use super::heard::Heard;
use super::reference::References;
use super::settings::MessengerSettings;
use super::verdict::FailedAttempt;
use crate::account::AccountName;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::Jitter;
use crate::provider::{Capabilities, Provider};
use crate::routing::{Adaptation, Candidate, Decision, Observation, Routes, Standing};

/// How many questions about lost answers are open at once on one account.
const QUESTIONS_AT_ONCE: usize = 8;

/// What all clones of a messenger share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) accounts: Vec<Account>,
    pub(super) by_name: HashMap<AccountName, usize>,
    pub(super) router: Router,
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

    /// Whether an account can carry a message with the sender that its route sets, and which account it
    /// is.
    pub(super) fn can_carry(&self, message: &Message, candidate: Candidate<'_>) -> Result<usize> {
        let place = self.place(candidate.account)?;
        let sender = message.from.as_ref().or(candidate.sender);
        let capabilities = &self.accounts[place].capabilities;
        capabilities.check_from(message, sender)?;
        Ok(place)
    }

    /// Which accounts carry a message: those that the routes name and that can; and what is in the way
    /// of the others.
    pub(super) fn decide(&self, message: &Message, draw: f64) -> (Decision, Vec<FailedAttempt>) {
        let routes = &self.router.routes;
        let standing = self.router.standing.load();
        let decision = routes.decide(message, &standing, draw);
        let refusals = decision.candidates().filter_map(|candidate| {
            let error = self.can_carry(message, candidate).err()?;
            let account = candidate.account.clone();
            Some(FailedAttempt { account, error })
        });
        let refusals: Vec<FailedAttempt> = refusals.collect();
        if refusals.is_empty() {
            return (decision, refusals);
        }
        let standing = refusals.iter().fold((**standing).clone(), |standing, it| {
            standing.cannot_carry(it.account.clone(), it.error.to_string())
        });
        (routes.decide(message, &standing, draw), refusals)
    }
}

/// Which accounts carry which messages, and what is measured of them for that.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) routes: Routes,
    standing: ArcSwap<Standing>,
    /// `None` where no rule asks for it.
    adaptation: Option<Mutex<Adaptation>>,
}

impl Router {
    pub(super) fn new(routes: Routes) -> Self {
        let adaptation = Adaptation::of(&routes);
        let mut rules = 0..routes.rules().len();
        let is_adaptive = rules.any(|rule| adaptation.controller(rule).is_some());
        Self {
            routes,
            standing: ArcSwap::default(),
            adaptation: is_adaptive.then(|| Mutex::new(adaptation)),
        }
    }

    /// Takes what a call told of its account, for the rules that chose it.
    pub(super) fn observe(
        &self,
        rules: impl IntoIterator<Item = usize>,
        account: &AccountName,
        observation: Option<Observation>,
        now: Duration,
    ) {
        let (Some(adaptation), Some(observation)) = (&self.adaptation, observation) else {
            return;
        };
        let mut adaptation = adaptation.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in rules {
            adaptation.observe(rule, account, observation);
        }
        if adaptation.adjust(now) {
            let standing = Standing::default().weights(adaptation.weights());
            self.standing.store(Arc::new(standing));
        }
    }

    /// Whether calls are observed at all.
    pub(super) fn is_adaptive(&self) -> bool {
        self.adaptation.is_some()
    }
}
