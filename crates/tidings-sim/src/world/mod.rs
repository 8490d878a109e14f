//! The world behind a simulated provider's API: [`World`] is what the provider's router talks to,
//! as its `Backend`, and what tests ask afterwards.
//!
//! Made by the server's builder. It knows no HTTP. Nothing in it runs by itself: a message's state
//! is computed from the clock, the moment of its acceptance and what was decided about it then.

mod backend;
mod intake;
mod journal;
mod open;
mod state;
mod traffic;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use secrecy::SecretString;
use serde::Serialize;
use tidings::ProviderSpec;
use tidings::backend::Refusal;
use tidings_core::{ClientRef, Clock, E164, Reason, ReportedState, SenderId, Timestamp};

use crate::faults::{Firing, RequestProbe, Script};
use crate::scenario::Scenario;
use journal::{Journal, Ticket};
use state::{Change, End, Kind, Sms, State};
use traffic::Traffic;

pub(crate) use open::WorldSettings;
pub(crate) use traffic::Call;
pub use traffic::Stats;

/// What is behind a simulated provider's API. Clones are handles to the same world.
///
/// It implements the four traits of [`tidings::backend`], so that any provider's router can be put
/// in front of it.
#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    spec: &'static ProviderSpec,
    clock: Arc<dyn Clock>,
    seed: u64,
    /// Settings that make a difference to the provider's server half.
    served_as: tidings::Account,
    scenario: RwLock<Arc<Scenario>>,
    script: Mutex<Script>,
    random: Mutex<fastrand::Rng>,
    state: Mutex<State>,
    traffic: Mutex<Traffic>,
    journal: Option<Journal>,
}

/// A message that the simulated carrier has taken.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SimMessage {
    /// The id that the caller was given.
    pub provider_id: String,
    /// The phone that it is for.
    pub to: E164,
    /// What the phone shows as the sender.
    pub from: Option<SenderId>,
    /// The text.
    pub text: Arc<str>,
    /// When the carrier took it.
    pub at: Timestamp,
    /// The caller's own name for it; `None` where the API has no place for one.
    pub reference: Option<ClientRef>,
    /// The id of the batch that it came in.
    pub batch: Option<String>,
    /// How many parts it was charged as.
    pub parts: u8,
    /// How far it has come.
    pub state: ReportedState,
    /// Why it went no further.
    pub reason: Option<Reason>,
    /// Since when it is in this state.
    pub state_at: Timestamp,
}

/// Shows ids and the number without its middle; the length of the text, never the text.
impl fmt::Debug for SimMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimMessage")
            .field("provider_id", &self.provider_id)
            .field("to", &self.to)
            .field("text_bytes", &self.text.len())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl World {
    /// The provider whose API it is behind.
    pub fn spec(&self) -> &'static ProviderSpec {
        self.0.spec
    }

    /// The settings that the provider's server half is made with.
    pub(crate) fn served_as(&self) -> &tidings::Account {
        &self.0.served_as
    }

    /// Every message that was taken, in the order of arrival, those that fail included.
    pub fn messages(&self) -> Vec<SimMessage> {
        let now = self.0.clock.now();
        let state = self.0.state();
        let messages = state.messages.iter().enumerate();
        messages
            .map(|(index, sms)| state.show(index, sms, now))
            .collect()
    }

    /// What has been asked of it and what it did.
    pub fn stats(&self) -> Stats {
        let state = self.0.state();
        let traffic = self.0.traffic.lock();
        traffic
            .unwrap_or_else(PoisonError::into_inner)
            .stats(&state)
    }

    /// What is left on the account, in parts.
    pub fn credit(&self) -> i64 {
        let state = self.0.state();
        state.accounts.first().map_or(0, |account| account.credit)
    }

    /// What a caller has to present, under the names of the provider's settings: one value for each
    /// setting that is required, as it is at this moment.
    pub fn credentials(&self) -> Vec<(&'static str, SecretString)> {
        let state = self.0.state();
        let Some(account) = state.accounts.first() else {
            return Vec::new();
        };
        open::credential_settings(self.0.spec)
            .filter_map(|setting| {
                let value = account.credentials.get(setting.name)?;
                Some((setting.name, SecretString::from(value.as_str())))
            })
            .collect()
    }

    /// Replaces the scenario: its faults begin to count anew; what was decided about messages that
    /// were taken before stays. Where it names a credit, the accounts have that from now on.
    pub fn set_scenario(&self, scenario: Scenario) {
        let script = Script::new(&scenario, self.0.seed);
        let credit = scenario.credit;
        *lock(&self.0.script) = script;
        *self
            .0
            .scenario
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(scenario);
        if let Some(credit) = credit {
            let mut state = self.0.state();
            for account in 0..state.accounts.len() {
                // A carrier whose state file cannot be written refuses every call that could use it.
                self.0
                    .change(&mut state, Change::Credit { account, credit })
                    .ok();
            }
        }
    }

    /// Whether a request's body has to be read before [`Self::fault_on_request`] can be asked.
    pub(crate) fn faults_read_bodies(&self) -> bool {
        lock(&self.0.script).reads_bodies()
    }

    /// The fault that hits a call by its request.
    pub(crate) fn fault_on_request(&self, probe: RequestProbe<'_>) -> Option<Firing> {
        lock(&self.0.script).on_request(probe)
    }

    /// Counts a call that was answered, or was not on purpose.
    pub(crate) fn count(&self, call: &Call<'_>) {
        lock(&self.0.traffic).count(call);
    }

    /// Up to `limit` messages that reach a phone, from place `from` in the order of arrival on, and
    /// the place after the last; `None` when there are no more.
    pub(crate) fn reaching_phones(
        &self,
        from: usize,
        limit: usize,
    ) -> Option<(Vec<SimMessage>, usize)> {
        let now = self.0.clock.now();
        let state = self.0.state();
        let page: Vec<_> = state
            .messages
            .iter()
            .enumerate()
            .skip(from)
            .filter(|(_, sms)| sms.fate.end == End::Delivered)
            .take(limit)
            .collect();
        let next = page.last()?.0 + 1;
        let shown = page
            .into_iter()
            .map(|(index, sms)| state.show(index, sms, now));
        Some((shown.collect(), next))
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("provider", &self.0.spec.id)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn scenario(&self) -> Arc<Scenario> {
        let scenario = self.scenario.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&scenario)
    }

    /// Carries out a change that was checked under this lock, and puts it into the state file. Nothing
    /// is changed once the state file cannot be written.
    fn change(&self, state: &mut State, change: Change) -> Result<Option<Ticket>, Refusal> {
        let ticket = self.journal.as_ref().map(|journal| journal.append(&change));
        let ticket = ticket.transpose().map_err(refused)?;
        state
            .apply(change)
            .expect("the change was made from this state, under its lock");
        Ok(ticket)
    }

    /// Returns when a change may be answered for.
    async fn on_disk(&self, ticket: Option<Ticket>) -> Result<(), Refusal> {
        match (&self.journal, ticket) {
            (Some(journal), Some(ticket)) => journal.on_disk(ticket).await.map_err(refused),
            (None, _) | (_, None) => Ok(()),
        }
    }
}

fn refused(_: journal::NotWritten) -> Refusal {
    Refusal::Unavailable { retry_after: None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn show(&self, index: usize, sms: &Sms, now: Timestamp) -> SimMessage {
        let (state, reason, state_at) = sms.at(now);
        SimMessage {
            provider_id: self.ids.id(Kind::Message, index),
            to: sms.fate.to,
            from: sms.fate.from.clone(),
            text: Arc::clone(&sms.text),
            at: sms.accepted_at,
            reference: sms.fate.reference.clone(),
            batch: sms.batch.map(|batch| self.ids.id(Kind::Batch, batch)),
            parts: sms.fate.parts,
            state,
            reason,
            state_at,
        }
    }
}
