//! Which account a command uses, from `tidings.toml` and `TIDINGS_*` variables. The only reader of
//! the environment.
//!
//! Called by every command that talks to a provider. What a setting means is known to its provider
//! alone: here it is a name out of [`ProviderSpec::settings`] and a text.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use tidings::provider::{CA_FILE, COMMON_SETTINGS, Presence};
use tidings::{Account, Error, ErrorKind, ProviderSpec, Region, SenderId, Setting};

use crate::args::AccountArgs;
use crate::output::Output;

/// The keys of a lane that are no settings of its provider.
const LANE_KEYS: [&str; 6] = ["id", "provider", "from", "region", "in_flight", "rate"];

/// The variables of the process, read once.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

/// One account, ready to connect, and what its owner set besides.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) spec: &'static ProviderSpec,
    pub(crate) account: Account,
    pub(crate) options: LaneOptions,
}

/// What holds for every message that goes through an account, unless the command line says
/// otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LaneOptions {
    /// What phones show as the sender.
    pub(crate) from: Option<SenderId>,
    /// The country of numbers that are written without one.
    pub(crate) region: Option<Region>,
    /// Calls that may be open at the same time.
    pub(crate) in_flight: Option<u16>,
    /// Parts per second.
    pub(crate) rate: Option<f64>,
}

impl Environment {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub(crate) fn of_process() -> Self {
        let readable = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self(readable.collect())
    }

    /// What to log, in the language of `tracing`: `TIDINGS_LOG`.
    pub(crate) fn log_filter(&self) -> Option<&str> {
        self.value("TIDINGS_LOG")
    }

    /// Whether neither `NO_COLOR` nor a terminal without colours forbids them.
    pub(crate) fn allows_colours(&self) -> bool {
        self.value("NO_COLOR").is_none() && self.value("TERM") != Some("dumb")
    }

    /// A variable that is set to nothing counts as not set.
    fn value(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// Shows no values: some are secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// Finds the account that a command is to use.
///
/// # Errors
/// [`ErrorKind::Config`], naming the key or variable that is wrong or missing.
pub(crate) fn lane(
    args: &AccountArgs,
    environment: &Environment,
    output: &Output,
) -> tidings::Result<Lane> {
    let file = ConfigFile::find(args, environment)?;
    let wanted = Wanted::of(args, environment);
    match (
        file.as_ref().map_or(Ok(None), |file| file.pick(&wanted))?,
        wanted.provider,
    ) {
        (Some(table), _) => {
            let file = file.as_ref().expect("a lane was picked out of the file");
            table.into_lane(&file.folder, environment, output)
        }
        (None, Some(provider)) => {
            let table = LaneTable::of_variables(provider)?;
            table.into_lane(Path::new(""), environment, output)
        }
        (None, None) => Err(config_error(no_account())),
    }
}

/// Finds out which provider a command is about, without its account's settings.
///
/// # Errors
/// As [`lane`].
pub(crate) fn provider(
    args: &AccountArgs,
    environment: &Environment,
) -> tidings::Result<&'static ProviderSpec> {
    let file = ConfigFile::find(args, environment)?;
    let wanted = Wanted::of(args, environment);
    let table = file.map_or(Ok(None), |file| file.pick(&wanted))?;
    match (table, wanted.provider) {
        (Some(table), _) => Ok(table.spec),
        (None, Some(provider)) => spec_of(provider).map_err(config_error),
        (None, None) => Err(config_error(no_account())),
    }
}

/// A value from the command line that may say where it lies: `env:NAME` or `file:PATH`.
pub(crate) fn value(written: &str, environment: &Environment) -> tidings::Result<String> {
    fetch(written, Path::new(""), environment).map_err(config_error)
}

/// What the command line and the variables ask for.
#[derive(Debug)]
struct Wanted<'a> {
    account: Option<&'a str>,
    provider: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(args: &'a AccountArgs, environment: &'a Environment) -> Self {
        Self {
            account: args
                .account
                .as_deref()
                .or_else(|| environment.value("TIDINGS_ACCOUNT")),
            provider: args
                .provider
                .as_deref()
                .or_else(|| environment.value("TIDINGS_PROVIDER")),
        }
    }
}

/// A configuration file whose form has been checked.
#[derive(Debug)]
struct ConfigFile {
    path: PathBuf,
    folder: PathBuf,
    lanes: Vec<LaneTable>,
}

/// One `[[lanes]]` table.
#[derive(Clone, Debug)]
struct LaneTable {
    id: String,
    spec: &'static ProviderSpec,
    options: LaneOptions,
    settings: BTreeMap<String, String>,
}

impl ConfigFile {
    /// The file that was named, or the one that lies where it is expected, if there is one.
    fn find(args: &AccountArgs, environment: &Environment) -> tidings::Result<Option<Self>> {
        let named = args.config.clone();
        let named = named.or_else(|| environment.value("TIDINGS_CONFIG").map(PathBuf::from));
        if let Some(path) = named {
            return Self::read(path).map(Some);
        }
        let folder = environment
            .value("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| {
                environment
                    .value("HOME")
                    .map(|home| Path::new(home).join(".config"))
            });
        let usual = [
            Some(PathBuf::from("tidings.toml")),
            folder.map(|folder| folder.join("tidings/tidings.toml")),
        ];
        match usual.into_iter().flatten().find(|path| path.is_file()) {
            Some(path) => Self::read(path).map(Some),
            None => Ok(None),
        }
    }

    fn read(path: PathBuf) -> tidings::Result<Self> {
        let text = std::fs::read_to_string(&path).map_err(|error| {
            config_error(format!("cannot read the configuration {}", path.display()))
                .with_source(error)
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: PathBuf, text: &str) -> tidings::Result<Self> {
        let wrong = |what: String| config_error(format!("{}: {what}", path.display()));
        let mut table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            // The parser's own sentence quotes the line, which may hold a secret.
            let line = error.span().map_or(0, |span| line_of(text, span.start));
            wrong(format!("line {line}: {}", error.message()))
        })?;
        let lanes = match table.remove("lanes") {
            Some(toml::Value::Array(lanes)) => lanes,
            Some(_) => return Err(wrong("lanes must be written as [[lanes]]".to_owned())),
            None => Vec::new(),
        };
        if let Some(key) = table.keys().next() {
            return Err(wrong(format!("the key {key} is not known")));
        }
        let lanes = lanes.into_iter().enumerate().map(|(index, lane)| {
            let place = format!("lane {}", index + 1);
            LaneTable::parse(lane, &place).map_err(&wrong)
        });
        let lanes: Vec<LaneTable> = lanes.collect::<tidings::Result<_>>()?;
        for (index, lane) in lanes.iter().enumerate() {
            if lanes
                .iter()
                .take(index)
                .any(|earlier| earlier.id == lane.id)
            {
                return Err(wrong(format!("two lanes have the id {}", lane.id)));
            }
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self {
            path,
            folder,
            lanes,
        })
    }

    /// The lane that is asked for. `None` if the variables alone are to make one: a provider was
    /// named and no lane of this file is one of its accounts.
    fn pick(&self, wanted: &Wanted<'_>) -> tidings::Result<Option<LaneTable>> {
        let fits = |lane: &&LaneTable| {
            wanted.account.is_none_or(|id| lane.id == id)
                && wanted.provider.is_none_or(|id| lane.spec.id == id)
        };
        let mut found = self.lanes.iter().filter(fits);
        match (found.next(), found.next(), wanted.account) {
            (Some(lane), None, _) => Ok(Some(lane.clone())),
            (None, _, Some(id)) => Err(config_error(format!(
                "{} has no such lane as {id}; it has {}",
                self.path.display(),
                self.ids()
            ))),
            (None, _, None) => Ok(None),
            (Some(_), Some(_), _) => Err(config_error(format!(
                "{} has several accounts: name one with --account, of {}",
                self.path.display(),
                self.ids()
            ))),
        }
    }

    fn ids(&self) -> String {
        let ids: Vec<&str> = self.lanes.iter().map(|lane| lane.id.as_str()).collect();
        if ids.is_empty() {
            "none".to_owned()
        } else {
            ids.join(", ")
        }
    }
}

impl LaneTable {
    fn parse(lane: toml::Value, place: &str) -> Result<Self, String> {
        let toml::Value::Table(mut table) = lane else {
            return Err(format!("{place} must be a table"));
        };
        let id = take_text(&mut table, "id", place)?
            .ok_or_else(|| format!("{place} needs the key id"))?;
        let place = format!("lane {id}");
        let provider = take_text(&mut table, "provider", &place)?
            .ok_or_else(|| format!("{place} needs the key provider"))?;
        let spec = spec_of(&provider).map_err(|error| format!("{place}: {error}"))?;
        let options = LaneOptions {
            from: take_parsed(&mut table, "from", &place)?,
            region: take_parsed(&mut table, "region", &place)?,
            in_flight: take_parsed(&mut table, "in_flight", &place)?,
            rate: take_parsed(&mut table, "rate", &place)?,
        };
        check_options(&options).map_err(|wrong| format!("{place}: {wrong}"))?;
        let mut settings = BTreeMap::new();
        for (key, value) in table {
            if !is_setting(spec, &key) {
                let known = settings_of(spec).map(|setting| setting.name);
                let known: Vec<&str> = LANE_KEYS.into_iter().chain(known).collect();
                let known = known.join(", ");
                return Err(format!(
                    "{place}: the key {key} is not known; expected one of: {known}"
                ));
            }
            let text = scalar(&value).ok_or_else(|| format!("{place}: {key} must be one value"))?;
            settings.insert(key, text);
        }
        Ok(Self {
            id,
            spec,
            options,
            settings,
        })
    }

    /// An account whose every setting comes from variables.
    fn of_variables(provider: &str) -> tidings::Result<Self> {
        Ok(Self {
            id: provider.to_owned(),
            spec: spec_of(provider).map_err(config_error)?,
            options: LaneOptions::default(),
            settings: BTreeMap::new(),
        })
    }

    /// Fetches secrets and fills in from variables what the file leaves out.
    fn into_lane(
        self,
        folder: &Path,
        environment: &Environment,
        output: &Output,
    ) -> tidings::Result<Lane> {
        let prefix = variable_name(self.spec, "");
        let known = |name: &str| {
            settings_of(self.spec).any(|setting| variable_name(self.spec, setting.name) == name)
        };
        let unknown = environment
            .0
            .keys()
            .find(|name| name.starts_with(&prefix) && !known(name));
        if let Some(name) = unknown {
            let known = settings_of(self.spec);
            let known: Vec<String> = known
                .map(|setting| variable_name(self.spec, setting.name))
                .collect();
            return Err(config_error(format!(
                "the variable {name} is no setting of {}; expected one of: {}",
                self.spec.id,
                known.join(", ")
            )));
        }
        let mut account = Account::new(self.id.as_str());
        for setting in settings_of(self.spec) {
            let variable = variable_name(self.spec, setting.name);
            let value = match (
                self.settings.get(setting.name),
                environment.value(&variable),
            ) {
                (Some(written), _) => {
                    let value = fetch(written, folder, environment).map_err(|wrong| {
                        config_error(format!("lane {}: {}: {wrong}", self.id, setting.name))
                    })?;
                    if setting.is_secret && value == *written {
                        output.warn(literal_secret(&self.id, setting));
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
            let place = places_of_missing(self.spec, &account);
            config_error(format!(
                "{error}; it can be set in tidings.toml or by {place}"
            ))
        })?;
        Ok(Lane {
            spec: self.spec,
            account,
            options: self.options,
        })
    }
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
fn fetch(written: &str, folder: &Path, environment: &Environment) -> Result<String, String> {
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

fn literal_secret(lane: &str, setting: &Setting) -> String {
    let name = setting.name;
    format!(
        "lane {lane}: {name} is written out in the configuration; write env:NAME or file:PATH instead"
    )
}

/// `TIDINGS_<PROVIDER>_<SETTING>`.
pub(crate) fn variable_name(spec: &ProviderSpec, setting: &str) -> String {
    format!(
        "TIDINGS_{}_{}",
        spec.id.to_ascii_uppercase(),
        setting.to_ascii_uppercase()
    )
}

fn spec_of(provider: &str) -> Result<&'static ProviderSpec, String> {
    tidings::providers::by_id(provider).ok_or_else(|| {
        format!(
            "{provider} is no provider; there are {}",
            provider_ids().join(", ")
        )
    })
}

fn provider_ids() -> Vec<&'static str> {
    tidings::providers::ALL.iter().map(|spec| spec.id).collect()
}

fn is_setting(spec: &ProviderSpec, key: &str) -> bool {
    settings_of(spec).any(|setting| setting.name == key)
}

/// What an account of a provider may have set.
fn settings_of(spec: &ProviderSpec) -> impl Iterator<Item = &'static Setting> {
    spec.settings.iter().chain(COMMON_SETTINGS)
}

fn no_account() -> String {
    format!(
        "no account is configured: write a tidings.toml with a [[lanes]] table, or name the provider with \
         --provider or TIDINGS_PROVIDER ({}) and set its variables TIDINGS_<PROVIDER>_<SETTING>",
        provider_ids().join(", ")
    )
}

fn check_options(options: &LaneOptions) -> Result<(), &'static str> {
    if options
        .rate
        .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
    {
        return Err("rate must be above 0");
    }
    match options.in_flight {
        Some(0 | 1025..) => Err("in_flight must be 1 to 1024"),
        _ => Ok(()),
    }
}

fn take_text(table: &mut toml::Table, key: &str, place: &str) -> Result<Option<String>, String> {
    match table.remove(key) {
        Some(toml::Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{place}: {key} must be a text")),
        None => Ok(None),
    }
}

fn take_parsed<T>(table: &mut toml::Table, key: &str, place: &str) -> Result<Option<T>, String>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let Some(value) = table.remove(key) else {
        return Ok(None);
    };
    let text = scalar(&value).ok_or_else(|| format!("{place}: {key} must be one value"))?;
    let parsed = text
        .parse()
        .map_err(|error| format!("{place}: {key}: {error}"))?;
    Ok(Some(parsed))
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}

fn line_of(text: &str, byte: usize) -> usize {
    let before = text.bytes().take(byte);
    1 + before.filter(|byte| *byte == b'\n').count()
}

fn config_error(what: impl Into<String>) -> Error {
    Error::not_sent(ErrorKind::Config, what.into())
}
