//! How a world comes to be: from nothing, or from a state file.
//!
//! Called by the server's builder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use tidings::conversations::Mailbox;
use tidings::provider::Setting;
use tidings::{Account, ProviderSpec};
use tidings_core::Clock;

use super::exchange::{
    ExchangeChange, FROM_NUMBER, NumberKept, USERNAME, draw_from_number, draw_username,
};
use super::ids::Ids;
use super::journal::{Journal, NotWritten, Ticket};
use super::state::{Change, EARLIEST_VERSION, State, VERSION};
use super::telling::Planned;
use super::{Shared, Traffic, World};
use crate::error::SimError;
use crate::faults::Script;
use crate::scenario::Scenario;
use crate::scenario::rules::Rules;

/// What a world is made of.
#[derive(Debug)]
pub(crate) struct WorldSettings {
    pub(crate) spec: &'static ProviderSpec,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) scenario: Scenario,
    pub(crate) seed: Option<u64>,
    pub(crate) account: Option<Account>,
    /// Settings that are no credentials.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) state_file: Option<PathBuf>,
    /// Whether the customer is told of ends and of texts from phones.
    pub(crate) tells: bool,
}

/// The settings that a caller presents: all that are required but the address.
pub(super) fn credential_settings(
    spec: &'static ProviderSpec,
) -> impl Iterator<Item = &'static Setting> {
    spec.settings
        .iter()
        .filter(|setting| setting.is_required() && setting.name != "base_url")
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
            settings,
            state_file,
            tells,
        } = settings;
        let served_as = served_as(spec, settings)?;
        let given = account
            .map(|account| credentials_of(spec, &account))
            .transpose()?;
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        let mut random = fastrand::Rng::with_seed(seed);
        let mut state = State::new(tells);
        let journal = match &state_file {
            Some(path) => Some(replay(spec, path, &mut state)?),
            None => None,
        };

        let mut begun = Begun {
            state,
            journal: journal.as_ref(),
            last: None,
        };
        let not_written = |NotWritten| SimError::StateFile {
            path: state_file.clone().unwrap_or_default(),
            source: std::io::Error::other("its first lines cannot be written"),
        };
        let changes = beginning(spec, &scenario, &begun.state, given, &mut random);
        begun.carry_out(changes).map_err(not_written)?;
        let number = first_number(spec, &served_as, &begun.state, &mut random)?;
        begun.carry_out(number).map_err(not_written)?;
        begun.state.advance(clock.now());
        begun.state.exchange.events.clear();
        let adopted = adopt(spec, &scenario, &begun.state)?;
        begun.carry_out(adopted.changes).map_err(not_written)?;
        let Begun { state, last, .. } = begun;
        if let (Some(journal), Some(ticket)) = (&journal, last) {
            journal.on_disk(ticket).await.map_err(not_written)?;
        }
        Ok(Self(Arc::new(Shared {
            spec,
            clock,
            seed,
            served_as,
            planned: Mutex::new(Planned::new(&scenario, state.now)),
            rules: RwLock::new(adopted.rules),
            script: Mutex::new(Script::new(&scenario, seed)),
            scenario: RwLock::new(Arc::new(scenario)),
            media_secret: random.clone().u128(..).to_be_bytes(),
            random: Mutex::new(random),
            state: Mutex::new(state),
            traffic: Mutex::new(Traffic::default()),
            journal,
        })))
    }
}

/// A world while it begins.
struct Begun<'j> {
    state: State,
    journal: Option<&'j Journal>,
    last: Option<Ticket>,
}

impl Begun<'_> {
    fn carry_out(&mut self, changes: Vec<Change>) -> Result<(), NotWritten> {
        for change in changes {
            if let Some(journal) = self.journal {
                self.last = Some(journal.append(&change)?);
            }
            self.state
                .apply(change)
                .expect("a world can begin, and an account that is there be changed");
        }
        Ok(())
    }
}

/// What it takes to let a scenario hold.
pub(super) struct Adopted {
    /// Accounts that are missing, and rates that differ.
    pub(super) changes: Vec<Change>,
    /// What holds for the messages of each account.
    pub(super) rules: Vec<Arc<Rules>>,
    /// The credit of those accounts for which the scenario names one.
    pub(super) credits: Vec<(usize, i64)>,
}

/// Compares accounts with what a scenario says of them.
pub(super) fn adopt(
    spec: &'static ProviderSpec,
    scenario: &Scenario,
    state: &State,
) -> Result<Adopted, SimError> {
    let mut adopted = Adopted {
        changes: Vec::new(),
        rules: Vec::new(),
        credits: Vec::new(),
    };
    let mut known: Vec<BTreeMap<String, String>> = state
        .accounts
        .iter()
        .map(|account| account.opened_with.clone())
        .collect();
    adopted.rules.resize_with(known.len(), Arc::default);
    adopted.rule(0, &scenario.rules, scenario.credit);
    for further in &scenario.further_accounts {
        let mut credentials = known.first().cloned().unwrap_or_default();
        for (name, value) in &further.settings {
            let Some(credential) = credentials.get_mut(name) else {
                let fault = format!("{name} is not a credential of this provider's accounts");
                return Err(not_of_this_provider(fault));
            };
            credential.clone_from(value);
        }
        let credit = further.credit.or(scenario.credit);
        let index = known.iter().position(|there| *there == credentials);
        let index = index.unwrap_or_else(|| {
            adopted.changes.push(Change::Account {
                credentials: credentials.clone(),
                credit: credit.unwrap_or_else(|| default_credit(spec)),
            });
            adopted.rules.push(Arc::default());
            known.push(credentials);
            known.len() - 1
        });
        adopted.rule(index, &further.rules, credit);
    }
    adopted.changes.extend(numbers_of(scenario, state)?);
    for (account, rules) in adopted.rules.iter().enumerate() {
        let present = state.accounts.get(account).map_or(0, |it| it.interval_us);
        let interval_us = rules.interval_us();
        if present != interval_us {
            adopted.changes.push(Change::Rate {
                account,
                at: state.now,
                interval_us,
            });
        }
    }
    Ok(adopted)
}

/// The numbers that a scenario names and that are not there, or not so.
fn numbers_of(scenario: &Scenario, state: &State) -> Result<Vec<Change>, SimError> {
    let Some(first) = state.mailbox(0) else {
        return match scenario.numbers.as_slice() {
            [] => Ok(Vec::new()),
            _ => Err(not_of_this_provider(
                "the accounts of this provider have no numbers".to_owned(),
            )),
        };
    };
    let named = scenario.numbers.iter().map(|number| {
        let (user, domain) = number
            .owner
            .split_once('@')
            .unwrap_or((&number.owner, &first.domain));
        let owner = Mailbox::new(domain, user);
        NumberKept::of_user(number.number, &owner)
            .application(number.application.clone())
            .media(number.media)
    });
    let missing = named.filter(|number| !state.exchange.numbers.contains(number));
    let changes = missing.map(|number| Change::Exchange(ExchangeChange::Number(number)));
    Ok(changes.collect())
}

impl Adopted {
    fn rule(&mut self, account: usize, rules: &Rules, credit: Option<i64>) {
        if let Some(there) = self.rules.get_mut(account) {
            *there = Arc::new(rules.clone());
        }
        self.credits.extend(credit.map(|credit| (account, credit)));
    }
}

/// Where the vendor's accounts have no balance they are not paid in advance: then there is no end to
/// it unless a scenario says so.
fn default_credit(spec: &'static ProviderSpec) -> i64 {
    if spec.capabilities.balance {
        Scenario::DEFAULT_CREDIT
    } else {
        Scenario::NO_LIMIT
    }
}

/// The settings that the provider's server half is made with.
fn served_as(
    spec: &'static ProviderSpec,
    settings: Vec<(String, String)>,
) -> Result<Account, SimError> {
    let is_given_by_us = |setting: &&Setting| {
        setting.name == "base_url"
            || credential_settings(spec).any(|credential| credential.name == setting.name)
    };
    let allowed = || {
        let of_clients = spec.settings.iter().filter(move |it| !is_given_by_us(it));
        of_clients.chain(spec.server_settings)
    };
    let mut account = Account::new(spec.id);
    for (name, value) in settings {
        if !allowed().any(|setting| setting.name == name) {
            let allowed: Vec<&str> = allowed().map(|setting| setting.name).collect();
            let allowed = allowed.join(", ");
            let fault = format!("{name} cannot be set here; expected one of: {allowed}");
            return Err(not_of_this_provider(fault));
        }
        account = account.with(name, value);
    }
    Ok(account)
}

fn not_of_this_provider(fault: String) -> SimError {
    SimError::Account {
        source: tidings::Error::not_sent(tidings::ErrorKind::Config, fault),
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
                if provider != spec.id || !(EARLIEST_VERSION..=VERSION).contains(version) {
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
            credit: scenario.credit.unwrap_or_else(|| default_credit(spec)),
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

/// The number of the first user, where users have numbers.
fn first_number(
    spec: &'static ProviderSpec,
    served_as: &Account,
    state: &State,
    random: &mut fastrand::Rng,
) -> Result<Vec<Change>, SimError> {
    if !spec.capabilities.numbers {
        return Ok(Vec::new());
    }
    let drawn = draw_from_number(random);
    let given = served_as.setting(FROM_NUMBER).map(|text| {
        let plus = if text.starts_with('+') { "" } else { "+" };
        let fault = || format!("{FROM_NUMBER} is no phone number with its country code");
        let number = format!("{plus}{text}").parse();
        number.map_err(|_| not_of_this_provider(fault()))
    });
    let given = given.transpose()?;
    let is_there = |number| state.account_with_number(number) == Some(0);
    let number = match given {
        Some(number) if is_there(number) => return Ok(Vec::new()),
        Some(number) => number,
        None if state.number_of_user(0).is_some() => return Ok(Vec::new()),
        None => drawn,
    };
    let owner = state.mailbox(0);
    let number = owner.map(|owner| NumberKept::of_user(number, &owner));
    Ok(number
        .map(|number| Change::Exchange(ExchangeChange::Number(number)))
        .into_iter()
        .collect())
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
            } else if spec.capabilities.conversations && setting.name == USERNAME {
                draw_username()
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
