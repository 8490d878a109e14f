//! Accounts at providers: `[[lanes]]` and the variables `TIDINGS_<PROVIDER>_<SETTING>`.
//!
//! Called by [`Config`](super::Config), and by commands that use one account without a gateway. What a
//! setting means is known to its provider alone: here it is a name out of [`ProviderSpec::settings`]
//! and a text.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use tidings::provider::{CA_FILE, COMMON_SETTINGS, Presence};
use tidings::{Account, ProviderSpec, Region, SenderId, Setting};

use super::LaneConfig;
use super::environment::Environment;
use super::file::{Entry, Written, config_error};
use super::keys::{self, LANES};
use super::origin::{self, Origin};
use super::values::{Wrong, between, country, positive, sender, signed, some_duration};

/// One `[[lanes]]` table: its form is right, its secrets are not fetched yet.
#[derive(Clone)]
pub struct LaneTable {
    /// Its name.
    pub id: String,
    /// The provider.
    pub spec: &'static ProviderSpec,
    /// What holds for all messages over it.
    pub options: LaneOptions,
    pub(super) origin: Option<Origin>,
    settings: BTreeMap<String, String>,
    callback_token: Option<String>,
}

/// Shows no settings: some are secrets.
impl fmt::Debug for LaneTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneTable")
            .field("id", &self.id)
            .field("provider", &self.spec.id)
            .finish_non_exhaustive()
    }
}

/// What holds for every message that goes through an account, unless the message says otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneOptions {
    /// What phones show as the sender.
    pub from: Option<SenderId>,
    /// The country of numbers that are written without one.
    pub region: Option<Region>,
    /// Calls that may be open at the same time.
    pub in_flight: Option<u16>,
    /// Parts per second.
    pub rate: Option<f64>,
    /// Parts per day.
    pub daily_cap: Option<u64>,
    /// Messages in one call.
    pub bulk: Option<usize>,
    /// The longest time of a call.
    pub timeout: Option<Duration>,
    /// Below so much a balance is low.
    pub low_balance: Option<i64>,
    /// The customer that texts from phones belong to.
    pub inbound_account: Option<String>,
}

/// An account with everything fetched.
#[derive(Debug)]
pub struct ResolvedLane {
    /// Its settings.
    pub account: Account,
    /// What its callbacks have in their path.
    pub callback_token: Option<SecretString>,
    /// What works and should be changed all the same.
    pub warnings: Vec<String>,
}

type AtLine<T> = Result<T, (usize, String)>;

impl LaneTable {
    /// Reads the `number`th table.
    pub(super) fn of(origin: Origin, number: usize, entries: Vec<Entry>) -> AtLine<Self> {
        let mut place = format!("lane {number}");
        let line = origin.line();
        let mut table = Table { line, entries };
        let id = table.needed("id", &place)?;
        place = format!("lane {id}");
        let provider = table.needed("provider", &place)?;
        let spec = spec_of(&provider).map_err(|error| {
            let line = origin.line_of("provider");
            (line, format!("{place}: provider: {error}"))
        })?;
        let options = LaneOptions {
            from: table.read("from", &place, sender)?,
            region: table.read("region", &place, country)?,
            in_flight: table.read("in_flight", &place, |text| between(text, 1, 1024))?,
            rate: table.read("rate", &place, rate)?,
            daily_cap: table.read("daily_cap", &place, positive)?,
            bulk: table.read("bulk", &place, positive)?,
            timeout: table.read("timeout", &place, some_duration)?,
            low_balance: table.read("low_balance", &place, signed)?,
            inbound_account: table.read("inbound_account", &place, some_text)?,
        };
        let callback_token = table.read("callback_token", &place, some_text)?;
        let settings = table.rest(spec, &place)?;
        Ok(Self {
            id,
            spec,
            options,
            origin: Some(origin),
            settings,
            callback_token,
        })
    }

    /// An account whose every setting comes from variables.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](tidings::ErrorKind::Config) when there is no such provider.
    pub fn of_variables(provider: &str) -> tidings::Result<Self> {
        Ok(Self {
            id: provider.to_owned(),
            spec: spec_of(provider).map_err(config_error)?,
            options: LaneOptions::default(),
            origin: None,
            settings: BTreeMap::new(),
            callback_token: None,
        })
    }

    /// Fetches secrets and fills in from variables what the file leaves out. Paths start from `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](tidings::ErrorKind::Config) naming the line, the lane and what is missing or
    /// wrong.
    pub fn resolve(
        &self,
        folder: &Path,
        environment: &Environment,
    ) -> tidings::Result<ResolvedLane> {
        self.check_variables(environment)?;
        let mut account = Account::new(self.id.as_str());
        let mut warnings = Vec::new();
        for setting in settings_of(self.spec) {
            let variable = variable_name(self.spec, setting.name);
            let written = self.settings.get(setting.name);
            let value = match (written, environment.value(&variable)) {
                (Some(written), _) => {
                    let value = self.fetch(setting.name, written, folder, environment)?;
                    if setting.is_secret && value == *written {
                        warnings.push(self.literal_secret(setting.name));
                    }
                    if setting.name == CA_FILE {
                        // As with `file:`, a path in the file starts from where the file is.
                        folder.join(value).to_string_lossy().into_owned()
                    } else {
                        value
                    }
                }
                (None, Some(set)) => fetch(set, Path::new(""), environment)
                    .map_err(|wrong| config_error(format!("{variable}: {wrong}")))?,
                (None, None) => continue,
            };
            account = account.with(setting.name, SecretString::from(value));
        }
        account.check(self.spec.settings).map_err(|error| {
            let told = told(self.origin.as_ref(), &self.id, error);
            let variable = places_of_missing(self.spec, &account);
            config_error(format!(
                "{told}; it can be set in tidings.toml or by {variable}"
            ))
        })?;
        Ok(ResolvedLane {
            account,
            callback_token: self.callback_token(folder, environment, &mut warnings)?,
            warnings,
        })
    }

    fn callback_token(
        &self,
        folder: &Path,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> tidings::Result<Option<SecretString>> {
        let Some(written) = &self.callback_token else {
            return Ok(None);
        };
        let token = self.fetch("callback_token", written, folder, environment)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(16..=128).contains(&token.len()) || !token.bytes().all(is_plain) {
            let what = "must be 16 to 128 letters, digits, - and _";
            return Err(self.wrong("callback_token", what));
        }
        if token == *written {
            warnings.push(self.literal_secret("callback_token"));
        }
        Ok(Some(SecretString::from(token)))
    }

    /// Somebody meant something by a variable that looks like a setting and is none.
    fn check_variables(&self, environment: &Environment) -> tidings::Result<()> {
        let prefix = variable_name(self.spec, "");
        let is_unknown = |name: &&str| {
            settings_of(self.spec).all(|setting| variable_name(self.spec, setting.name) != **name)
        };
        let Some(name) = environment.names_with(&prefix).find(is_unknown) else {
            return Ok(());
        };
        let known = settings_of(self.spec);
        let known: Vec<String> = known
            .map(|setting| variable_name(self.spec, setting.name))
            .collect();
        Err(config_error(format!(
            "the variable {name} is no setting of {}; expected one of: {}",
            self.spec.id,
            known.join(", ")
        )))
    }

    fn fetch(
        &self,
        key: &str,
        written: &str,
        folder: &Path,
        environment: &Environment,
    ) -> tidings::Result<String> {
        fetch(written, folder, environment).map_err(|wrong| self.wrong(key, &wrong))
    }

    fn wrong(&self, key: &str, what: &str) -> tidings::Error {
        config_error(sentence(self.origin.as_ref(), &self.id, key, what))
    }

    fn literal_secret(&self, key: &str) -> String {
        let what = "is written out in the configuration; write env:NAME or file:PATH instead";
        sentence(self.origin.as_ref(), &self.id, key, what)
    }

    /// The lane as the gateway has it.
    pub(super) fn config(&self, resolved: ResolvedLane) -> LaneConfig {
        let options = self.options.clone();
        LaneConfig {
            id: self.id.clone(),
            origin: self.origin.clone(),
            spec: self.spec,
            account: resolved.account,
            rate: options.rate,
            daily_cap: options.daily_cap,
            in_flight: options
                .in_flight
                .map_or_else(default_in_flight, usize::from),
            bulk: options.bulk,
            from: options.from,
            low_balance: options.low_balance,
            inbound_account: options.inbound_account,
            callback_token: resolved.callback_token,
            timeout: options.timeout.unwrap_or_else(default_timeout),
        }
    }
}

impl LaneConfig {
    /// What is wrong with a key of it.
    pub fn wrong(&self, key: &str, what: &str) -> tidings::Error {
        config_error(sentence(self.origin.as_ref(), &self.id, key, what))
    }

    /// What its provider says of its settings, with the line of the file. Errors of another kind stay as they
    /// are.
    pub fn told(&self, error: tidings::Error) -> tidings::Error {
        told(self.origin.as_ref(), &self.id, error)
    }
}

/// `tidings.toml: line 7: lane norway: rate: expected a number above 0`
fn sentence(origin: Option<&Origin>, lane: &str, key: &str, what: &str) -> String {
    let place = origin.map_or_else(String::new, |origin| origin.place(key) + ": ");
    format!("{place}lane {lane}: {key}: {what}")
}

fn told(origin: Option<&Origin>, lane: &str, error: tidings::Error) -> tidings::Error {
    let whose = format!("lane {lane}");
    match origin {
        Some(origin) => origin.told(error, lane, &whose),
        None => origin::told_of(error, lane, &whose, |_| None),
    }
}

/// A value from the command line or a variable that may say where it lies: `env:NAME` or `file:PATH`.
///
/// # Errors
/// [`ErrorKind::Config`](tidings::ErrorKind::Config) when it does not lie there.
pub fn value(written: &str, environment: &Environment) -> tidings::Result<String> {
    fetch(written, Path::new(""), environment).map_err(config_error)
}

/// `TIDINGS_<PROVIDER>_<SETTING>`.
pub fn variable_name(spec: &ProviderSpec, setting: &str) -> String {
    format!(
        "TIDINGS_{}_{}",
        spec.id.to_ascii_uppercase(),
        setting.to_ascii_uppercase()
    )
}

/// The provider of this name, or a sentence that lists those that there are.
///
/// # Errors
/// That sentence.
pub fn spec_of(provider: &str) -> Result<&'static ProviderSpec, String> {
    tidings::providers::by_id(provider).ok_or_else(|| {
        format!(
            "{provider} is no provider; there are {}",
            provider_ids().join(", ")
        )
    })
}

/// The names of all providers.
pub fn provider_ids() -> Vec<&'static str> {
    tidings::providers::ALL.iter().map(|spec| spec.id).collect()
}

/// The keys of one table that are still to be read.
struct Table {
    line: usize,
    entries: Vec<Entry>,
}

impl Table {
    fn take(&mut self, key: &str) -> Option<Entry> {
        let position = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(position))
    }

    fn read<T>(
        &mut self,
        key: &str,
        place: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> AtLine<Option<T>> {
        let Some(entry) = self.take(key) else {
            return Ok(None);
        };
        let wrong = |what: String| (entry.line, format!("{place}: {what}"));
        let Written::One(text) = &entry.value else {
            return Err(wrong(format!("{key} must be one value")));
        };
        let value = read(text).map_err(|what| wrong(format!("{key}: {what}")))?;
        Ok(Some(value))
    }

    fn needed(&mut self, key: &str, place: &str) -> AtLine<String> {
        let line = self.line;
        self.read(key, place, some_text)?
            .ok_or_else(|| (line, format!("{place} needs the key {key}")))
    }

    /// What is left are the provider's own settings.
    fn rest(self, spec: &ProviderSpec, place: &str) -> AtLine<BTreeMap<String, String>> {
        let mut settings = BTreeMap::new();
        for entry in self.entries {
            let Entry { key, line, value } = entry;
            if !settings_of(spec).any(|setting| setting.name == key) {
                let known = settings_of(spec).map(|setting| setting.name);
                let known: Vec<&str> = keys::names_of(LANES).chain(known).collect();
                let known = known.join(", ");
                let what = format!("{place}: the key {key} is not known; expected one of: {known}");
                return Err((line, what));
            }
            let Written::One(text) = value else {
                return Err((line, format!("{place}: {key} must be one value")));
            };
            settings.insert(key, text);
        }
        Ok(settings)
    }
}

fn some_text(text: &str) -> Result<String, Wrong> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(text.to_owned())
}

fn rate(text: &str) -> Result<f64, Wrong> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("expected a number above 0, such as 20 or 0.5".to_owned()),
    }
}

fn default_in_flight() -> usize {
    default_of("in_flight", positive)
}

fn default_timeout() -> Duration {
    default_of("timeout", some_duration)
}

fn default_of<T>(key: &str, read: impl Fn(&str) -> Result<T, Wrong>) -> T {
    let default = keys::key_of(LANES, key).and_then(|key| key.default);
    let value = default.and_then(|default| read(default).ok());
    value.expect("the table of keys has a default that can be read")
}

/// What an account of a provider may have set.
fn settings_of(spec: &ProviderSpec) -> impl Iterator<Item = &'static Setting> {
    spec.settings.iter().chain(COMMON_SETTINGS)
}

/// The variable of the first setting that is missing, and of what may take its place.
fn places_of_missing(spec: &ProviderSpec, account: &Account) -> String {
    let is_missing = |setting: &&Setting| account.setting(setting.name).is_none();
    let stands_in = |setting: &Setting| match setting.presence {
        Presence::RequiredUnless(other) => Some(other),
        _ => None,
    };
    let mut required = spec.settings.iter().filter(|setting| setting.is_required());
    let missing = required.find(|setting| {
        is_missing(setting)
            && stands_in(setting).is_none_or(|other| account.setting(other).is_none())
    });
    let Some(missing) = missing else {
        return "a variable".to_owned();
    };
    let variable = format!("the variable {}", variable_name(spec, missing.name));
    match stands_in(missing) {
        Some(other) => format!("{variable}, or {} in its place", variable_name(spec, other)),
        None => variable,
    }
}

/// `env:NAME` and `file:PATH` say where a value lies; anything else is the value.
pub(super) fn fetch(
    written: &str,
    folder: &Path,
    environment: &Environment,
) -> Result<String, String> {
    if let Some(name) = written.strip_prefix("env:") {
        let value = environment.value(name);
        return value
            .map(str::to_owned)
            .ok_or_else(|| format!("the variable {name} is not set"));
    }
    if let Some(path) = written.strip_prefix("file:") {
        let path = folder.join(path);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        return Ok(text.trim_end_matches(['\n', '\r']).to_owned());
    }
    Ok(written.to_owned())
}
