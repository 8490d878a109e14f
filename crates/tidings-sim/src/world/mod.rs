//! The world behind a simulated provider's API: [`World`] is what the provider's router talks to,
//! as its `Backend`, and what tests ask afterwards.
//!
//! Made by the server's builder. It knows no HTTP. Nothing in it runs by itself: whenever somebody
//! looks, what has happened by the clock since the last look happens first.

mod backend;
mod batches;
mod exchange;
mod ids;
mod intake;
mod journal;
mod movement;
mod open;
mod queue;
mod recent;
mod show;
mod sms;
mod state;
mod telling;
mod traffic;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use secrecy::SecretString;
use tidings::ProviderSpec;
use tidings::backend::Refusal;
use tidings::conversations::Mailbox;
use tidings_core::{Clock, E164, Timestamp};

use crate::error::SimError;
use crate::faults::{Firing, RequestProbe, Script};
use crate::scenario::rules::Rules;
use crate::scenario::{CallLimit, Scenario};
use journal::{Journal, Ticket};
use state::{Change, State};
use telling::Planned;
use traffic::Traffic;

pub use exchange::TokenStats;
pub(crate) use exchange::{FROM_NUMBER, KEY, Posting};
pub(crate) use open::WorldSettings;
pub use show::{SimMessage, SimSession, SimWindow};
pub use telling::PhoneText;
pub(crate) use telling::{ItemKey, Told};
pub(crate) use traffic::Call;
pub use traffic::Stats;

/// The setting by which an account says that references are taken once, where a provider has one.
const DUPLICATE_CHECKING: &str = "duplicate_checking";

/// What is behind a simulated provider's API. Clones are handles to the same world.
///
/// It implements the traits of [`tidings::backend`], so that any provider's router can be put
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
    /// What holds for the messages of each account.
    rules: RwLock<Vec<Arc<Rules>>>,
    /// Texts that phones have yet to send.
    planned: Mutex<Planned>,
    script: Mutex<Script>,
    random: Mutex<fastrand::Rng>,
    /// What the addresses of files are signed with.
    media_secret: [u8; 16],
    state: Mutex<State>,
    traffic: Mutex<Traffic>,
    journal: Option<Journal>,
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

    /// What has been asked of it and what it did.
    pub fn stats(&self) -> Stats {
        let state = self.0.state_now();
        lock(&self.0.traffic).stats(&state)
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

    /// The number that texts of the first user go out from, where users have numbers.
    pub fn from_number(&self) -> Option<E164> {
        self.0.state().number_of_user(0)
    }

    /// The first user, where accounts are users of an exchange.
    pub(crate) fn first_user(&self) -> Option<Mailbox> {
        if !self.0.spec.capabilities.conversations {
            return None;
        }
        self.0.state().mailbox(0)
    }

    /// Replaces the scenario: its faults begin to count anew; what was decided about messages that
    /// were taken before stays, but those that wait leave at the new rate. Where it names a credit, the
    /// accounts have that from now on. Accounts that it does not name stay, without rules.
    ///
    /// # Errors
    /// [`SimError::Account`] when it names an account with settings that no account of this provider
    /// has; then nothing is replaced.
    pub fn set_scenario(&self, scenario: Scenario) -> Result<(), SimError> {
        let mut state = self.0.state_now();
        let adopted = open::adopt(self.0.spec, &scenario, &state)?;
        let credits = adopted.credits.into_iter();
        let credits = credits.map(|(account, credit)| Change::Credit { account, credit });
        for change in adopted.changes.into_iter().chain(credits) {
            // A carrier whose state file cannot be written refuses every call that could use it.
            if self.0.change(&mut state, change).is_err() {
                break;
            }
        }
        *lock(&self.0.planned) = Planned::new(&scenario, state.now);
        // A fault that is about a batch asks for the state while the script is locked.
        drop(state);
        *lock(&self.0.script) = Script::new(&scenario, self.0.seed);
        *write(&self.0.rules) = adopted.rules;
        *write(&self.0.scenario) = Arc::new(scenario);
        Ok(())
    }

    /// Whether a request's body has to be read before [`Self::fault_on_request`] can be asked.
    pub(crate) fn faults_read_bodies(&self) -> bool {
        lock(&self.0.script).reads_bodies()
    }

    /// The fault that hits a call by its request.
    pub(crate) fn fault_on_request(&self, probe: RequestProbe<'_>) -> Option<Firing> {
        lock(&self.0.script).on_request(probe)
    }

    /// How many calls a machine may make, where that is limited.
    pub(crate) fn call_limit(&self) -> Option<CallLimit> {
        self.0.scenario().call_limit
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Counts a call that was answered, or was not on purpose.
    pub(crate) fn count(&self, call: &Call<'_>) {
        lock(&self.0.traffic).count(call);
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

    /// The state at the present moment: what has happened by now has happened in it.
    fn state_now(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.advance(self.clock.now());
        self.play_script(&mut state);
        state
    }

    fn scenario(&self) -> Arc<Scenario> {
        let scenario = self.scenario.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&scenario)
    }

    fn rules(&self, account: usize) -> Arc<Rules> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        let mut rules = rules.get(account).map(Arc::clone).unwrap_or_default();
        // A client that is told so hands its messages over again after a lost answer, and a carrier
        // that did not check would take them twice.
        if self.served_as.setting(DUPLICATE_CHECKING) == Some("on") {
            Arc::make_mut(&mut rules).refuses_duplicates = true;
        }
        rules
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

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
