//! Which account a command uses, from `tidings.toml` and `TIDINGS_*` variables: the same file that the
//! gateway reads, by the same reader.
//!
//! Called by every command that talks to a provider. Here an account is picked out of those that there are;
//! how the file is read is in [`tidings_gateway::config`].

#[cfg(test)]
mod tests;

use std::path::Path;

use tidings::{Account, Error, ErrorKind, ProviderSpec};
use tidings_gateway::config::lanes::{LaneTable, provider_ids, spec_of};

pub(crate) use tidings_gateway::config::lanes::{LaneOptions, value, variable_name};
pub(crate) use tidings_gateway::config::{ConfigFile, Environment};

use crate::args::AccountArgs;
use crate::output::Output;

/// One account, ready to connect, and what its owner set besides.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) spec: &'static ProviderSpec,
    pub(crate) account: Account,
    pub(crate) options: LaneOptions,
}

/// What to log, in the language of `tracing`: `TIDINGS_LOG`.
pub(crate) fn log_filter(environment: &Environment) -> Option<&str> {
    environment.value("TIDINGS_LOG")
}

/// Whether neither `NO_COLOR` nor a terminal without colours forbids them.
pub(crate) fn allows_colours(environment: &Environment) -> bool {
    environment.value("NO_COLOR").is_none() && environment.value("TERM") != Some("dumb")
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
    let file = ConfigFile::find(args.config.clone(), environment)?;
    let wanted = Wanted::of(args, environment);
    let folder = file.as_ref().map_or(Path::new(""), ConfigFile::folder);
    let table = table(file.as_ref(), &wanted)?;
    resolve(&table, folder, environment, output)
}

/// Finds out which provider a command is about, without its account's settings.
///
/// # Errors
/// As [`lane`].
pub(crate) fn provider(
    args: &AccountArgs,
    environment: &Environment,
) -> tidings::Result<&'static ProviderSpec> {
    let file = ConfigFile::find(args.config.clone(), environment)?;
    let wanted = Wanted::of(args, environment);
    if let Some(table) = file.as_ref().map_or(Ok(None), |file| pick(file, &wanted))? {
        return Ok(table.spec);
    }
    let provider = wanted.provider.ok_or_else(|| config_error(no_account()))?;
    spec_of(provider).map_err(config_error)
}

fn resolve(
    table: &LaneTable,
    folder: &Path,
    environment: &Environment,
    output: &Output,
) -> tidings::Result<Lane> {
    let resolved = table.resolve(folder, environment)?;
    for warning in &resolved.warnings {
        output.warn(warning);
    }
    Ok(Lane {
        spec: table.spec,
        account: resolved.account,
        options: table.options.clone(),
    })
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

fn table(file: Option<&ConfigFile>, wanted: &Wanted<'_>) -> tidings::Result<LaneTable> {
    let found = file.map_or(Ok(None), |file| pick(file, wanted))?;
    match (found, wanted.provider) {
        (Some(table), _) => Ok(table),
        (None, Some(provider)) => LaneTable::of_variables(provider),
        (None, None) => Err(config_error(no_account())),
    }
}

/// The lane that is asked for. `None` if the variables alone are to make one: a provider was
/// named and no lane of this file is one of its accounts.
fn pick(file: &ConfigFile, wanted: &Wanted<'_>) -> tidings::Result<Option<LaneTable>> {
    let fits = |lane: &&LaneTable| {
        wanted.account.is_none_or(|id| lane.id == id)
            && wanted.provider.is_none_or(|id| lane.spec.id == id)
    };
    let mut found = file.lanes().iter().filter(fits);
    match (found.next(), found.next(), wanted.account) {
        (Some(lane), None, _) => Ok(Some(lane.clone())),
        (None, _, Some(id)) => Err(config_error(format!(
            "{} has no such lane as {id}; it has {}",
            file.name(),
            ids(file)
        ))),
        (None, _, None) => Ok(None),
        (Some(_), Some(_), _) => Err(config_error(format!(
            "{} has several accounts: name one with --account, of {}",
            file.name(),
            ids(file)
        ))),
    }
}

fn ids(file: &ConfigFile) -> String {
    let ids: Vec<&str> = file.lanes().iter().map(|lane| lane.id.as_str()).collect();
    if ids.is_empty() {
        "none".to_owned()
    } else {
        ids.join(", ")
    }
}

fn no_account() -> String {
    format!(
        "no account is configured: write a tidings.toml with a [[lanes]] table, or name the provider with \
         --provider or TIDINGS_PROVIDER ({}) and set its variables TIDINGS_<PROVIDER>_<SETTING>",
        provider_ids().join(", ")
    )
}

fn config_error(what: impl Into<String>) -> Error {
    Error::not_sent(ErrorKind::Config, what.into())
}
