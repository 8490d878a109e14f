//! How a world comes to be: from nothing, or from a state file.
//!
//! Called by the server's builder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use tidings::provider::{Presence, Setting};
use tidings::{Account, ProviderSpec};
use tidings_core::Clock;

use super::journal::{Journal, NotWritten};
use super::state::{Change, Ids, State, VERSION};
use super::{Shared, Traffic, World};
use crate::error::SimError;
use crate::faults::Script;
use crate::scenario::Scenario;

/// What a world is made of.
#[derive(Debug)]
pub(crate) struct WorldSettings {
    pub(crate) spec: &'static ProviderSpec,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) scenario: Scenario,
    pub(crate) seed: Option<u64>,
    pub(crate) account: Option<Account>,
    pub(crate) state_file: Option<PathBuf>,
}

/// The settings that a caller presents: all that are required but the address.
pub(super) fn credential_settings(
    spec: &'static ProviderSpec,
) -> impl Iterator<Item = &'static Setting> {
    spec.settings
        .iter()
        .filter(|setting| setting.presence == Presence::Required && setting.name != "base_url")
}

impl World {
    /// Makes a world, or continues the one in the state file.
    pub(crate) async fn open(settings: WorldSettings) -> Result<Self, SimError> {
        let WorldSettings {
            spec,
            clock,
            scenario,
            seed,
            account,
            state_file,
        } = settings;
        let given = account
            .map(|account| credentials_of(spec, &account))
            .transpose()?;
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        let mut random = fastrand::Rng::with_seed(seed);
        let mut state = State::default();
        let journal = match &state_file {
            Some(path) => Some(replay(spec, path, &mut state)?),
            None => None,
        };

        let not_written = |path: PathBuf| SimError::StateFile {
            path,
            source: std::io::Error::other("its first lines cannot be written"),
        };
        let changes = beginning(spec, &scenario, &state, given, &mut random);
        let mut last = None;
        for change in changes {
            if let (Some(journal), Some(path)) = (&journal, &state_file) {
                let ticket = journal.append(&change);
                last = Some(ticket.map_err(|NotWritten| not_written(path.clone()))?);
            }
            state
                .apply(change)
                .expect("a world can begin, and an account that is there be changed");
        }
        if let (Some(journal), Some(ticket), Some(path)) = (&journal, last, state_file) {
            let written = journal.on_disk(ticket).await;
            written.map_err(|NotWritten| not_written(path))?;
        }
        Ok(Self(Arc::new(Shared {
            spec,
            clock,
            seed,
            served_as: Account::new(spec.id),
            script: Mutex::new(Script::new(&scenario, seed)),
            scenario: RwLock::new(Arc::new(scenario)),
            random: Mutex::new(random),
            state: Mutex::new(state),
            traffic: Mutex::new(Traffic::default()),
            journal,
        })))
    }
}

fn replay(
    spec: &'static ProviderSpec,
    path: &Path,
    state: &mut State,
) -> Result<Journal, SimError> {
    Journal::open(path, |line, change: Change| {
        let corrupt = || SimError::StateCorrupt {
            path: path.to_owned(),
            line,
        };
        match &change {
            Change::Begin {
                version, provider, ..
            } => {
                let found = format!("{provider} (form {version})");
                let expected = format!("{} (form {VERSION})", spec.id);
                if found != expected {
                    return Err(SimError::StateOfAnother {
                        path: path.to_owned(),
                        found,
                        expected,
                    });
                }
                if line != 1 {
                    return Err(corrupt());
                }
            }
            _ if line == 1 => return Err(corrupt()),
            _ => {}
        }
        state.apply(change).map_err(|_| corrupt())
    })
}

/// What is missing before callers can come in.
fn beginning(
    spec: &'static ProviderSpec,
    scenario: &Scenario,
    state: &State,
    given: Option<BTreeMap<String, String>>,
    random: &mut fastrand::Rng,
) -> Vec<Change> {
    let mut changes = Vec::new();
    // Drawn in any case: the same seed gives the same keys with a state file and without.
    let ids = Ids::drawn(random);
    let drawn = draw_credentials(spec, random);
    if state.ids == Ids::default() {
        changes.push(Change::Begin {
            version: VERSION,
            provider: spec.id.to_owned(),
            ids,
        });
    }
    match (state.accounts.first(), given) {
        (None, given) => changes.push(Change::Account {
            credentials: given.unwrap_or(drawn),
            credit: scenario.credit.unwrap_or(Scenario::DEFAULT_CREDIT),
        }),
        // The same as at the first start: a key that was renewed since stays.
        (Some(account), Some(given)) if account.opened_with != given => {
            changes.push(Change::Credentials {
                account: 0,
                credentials: given,
            });
        }
        (Some(_), Some(_) | None) => {}
    }
    changes
}

fn credentials_of(
    spec: &'static ProviderSpec,
    account: &Account,
) -> Result<BTreeMap<String, String>, SimError> {
    credential_settings(spec)
        .map(|setting| {
            let value = account
                .required(setting.name)
                .map_err(|source| SimError::Account { source })?;
            Ok((setting.name.to_owned(), value.to_owned()))
        })
        .collect()
}

fn draw_credentials(
    spec: &'static ProviderSpec,
    random: &mut fastrand::Rng,
) -> BTreeMap<String, String> {
    credential_settings(spec)
        .map(|setting| {
            let value = if setting.is_secret {
                draw_key(random)
            } else {
                random.u32(1_000..10_000).to_string()
            };
            (setting.name.to_owned(), value)
        })
        .collect()
}

/// A new secret: 32 hexadecimal digits.
pub(super) fn draw_key(random: &mut fastrand::Rng) -> String {
    format!("{:032x}", random.u128(..))
}
