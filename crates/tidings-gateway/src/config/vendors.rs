//! How the vendors' APIs are served: `[vendors.<provider>]` and the variables
//! `TIDINGS_VENDORS_<PROVIDER>_<SETTING>`.
//!
//! Called by [`Config`](super::Config). What a setting means is known to its provider alone: here it is a name
//! out of [`ProviderSpec::server_settings`] and a text. The provider's own server half looks at the values, before
//! anything is started.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use tidings::backend::{self, Presented, Principal, Refusal};
use tidings::{Account, ProviderSpec, providers};

use super::VendorConfig;
use super::environment::Environment;
use super::file::{ConfigFile, Entry, Written, config_error};
use super::keys::variable;
use super::lanes::{fetch, spec_of};
use super::origin::{self, Origin};

/// The name of the tables.
pub(super) const VENDORS: &str = "vendors";

/// One `[vendors.<provider>]` table: its form is right, its secrets are not fetched yet.
pub(super) struct VendorTable {
    spec: &'static ProviderSpec,
    origin: Origin,
    settings: BTreeMap<String, String>,
}

/// Shows no settings: some are secrets.
impl fmt::Debug for VendorTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorTable")
            .field("provider", &self.spec.id)
            .finish_non_exhaustive()
    }
}

impl VendorTable {
    /// Reads what stands below `vendors`: a table for each provider that is named.
    pub(super) fn all_of(file: &str, entries: Vec<Entry>) -> Result<Vec<Self>, (usize, String)> {
        let of_provider = |entry: Entry| {
            let Entry { key, line, value } = entry;
            let place = format!("{VENDORS}.{key}");
            let spec = spec_of(&key).map_err(|error| (line, format!("{VENDORS}: {error}")))?;
            let Written::Table(entries) = value else {
                return Err((line, format!("{place} must be a table")));
            };
            let origin = Origin::new(file, line, &entries);
            let settings = entries
                .into_iter()
                .map(|entry| setting(spec, &place, entry));
            let settings = settings.collect::<Result<_, _>>()?;
            Ok(Self {
                spec,
                origin,
                settings,
            })
        };
        entries.into_iter().map(of_provider).collect()
    }
}

fn setting(
    spec: &ProviderSpec,
    place: &str,
    entry: Entry,
) -> Result<(String, String), (usize, String)> {
    let Entry { key, line, value } = entry;
    let known = || spec.server_settings.iter().map(|setting| setting.name);
    if !known().any(|name| name == key) {
        let known: Vec<&str> = known().collect();
        let expected = match known[..] {
            [] => "there are none".to_owned(),
            _ => format!("expected one of: {}", known.join(", ")),
        };
        let what = format!("the key {key} is not known in [{place}]; {expected}");
        return Err((line, what));
    }
    match value {
        Written::One(text) => Ok((key, text)),
        _ => Err((line, format!("{place}.{key} must be one value"))),
    }
}

/// The settings of every vendor's API: what the file says, else what variables say.
pub(super) fn vendors_of(
    file: &ConfigFile,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> tidings::Result<Vec<VendorConfig>> {
    check_variables(environment)?;
    let mut vendors = Vec::new();
    for spec in providers::ALL {
        let mut tables = file.vendors.iter();
        let table = tables.find(|table| table.spec.id == spec.id);
        let whose = format!("{VENDORS}.{}", spec.id);
        let mut settings: Vec<(&str, SecretString)> = Vec::new();
        for setting in spec.server_settings {
            let variable = variable_of(spec, setting.name);
            let written = table.and_then(|table| Some((table, table.settings.get(setting.name)?)));
            let (text, place) = match (environment.value(&variable), written) {
                (Some(set), _) => (set, variable),
                (None, Some((table, written))) => {
                    let line = table.origin.place(setting.name);
                    (
                        written.as_str(),
                        format!("{line}: {whose}.{}", setting.name),
                    )
                }
                (None, None) => continue,
            };
            let value = fetch(text, file.folder(), environment);
            let value = value.map_err(|wrong| config_error(format!("{place}: {wrong}")))?;
            if setting.is_secret && written.is_some_and(|(_, written)| *written == value) {
                warnings.push(format!(
                    "{place} is written out in the configuration; write env:NAME or file:PATH instead"
                ));
            }
            settings.push((setting.name, SecretString::from(value)));
        }
        let account = |id: &str| {
            let settings = settings.iter();
            settings.fold(Account::new(id), |account, (name, value)| {
                account.with(*name, value.clone())
            })
        };
        // Customers may see its name.
        let named = account(spec.id);
        // The vendor's own server half knows which values there are; it says where the wrong one stands.
        let served = (spec.router)(Arc::new(Nobody), &account(&whose));
        drop(served.map_err(|error| {
            origin::told_of(error, &whose, &whose, |said| {
                let is_set = |name: &str| named.setting(name).is_some();
                let name = origin::first_named(said, is_set)?;
                let variable = variable_of(spec, name);
                match environment.value(&variable) {
                    Some(_) => Some(variable),
                    None => Some(table?.origin.place(name)),
                }
            })
        })?);
        vendors.push(VendorConfig {
            spec,
            account: named,
        });
    }
    Ok(vendors)
}

/// Somebody meant something by a variable that looks like a setting and is none.
fn check_variables(environment: &Environment) -> tidings::Result<()> {
    let prefix = variable(VENDORS, "");
    let is_known = |name: &str| {
        let mut all = providers::ALL.iter();
        all.any(|spec| {
            let mut settings = spec.server_settings.iter();
            settings.any(|setting| variable_of(spec, setting.name) == name)
        })
    };
    match environment.names_with(&prefix).find(|name| !is_known(name)) {
        Some(name) => Err(config_error(format!(
            "the variable {name} is no setting of a vendor's API"
        ))),
        None => Ok(()),
    }
}

fn variable_of(spec: &ProviderSpec, setting: &str) -> String {
    variable(&format!("{VENDORS}.{}", spec.id), setting)
}

/// Stands behind an API that nobody calls.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl backend::SignIn for Nobody {
    async fn sign_in(&self, _presented: &Presented) -> Result<Principal, Refusal> {
        Err(Refusal::Unauthorized)
    }
}

impl backend::TokenDesk for Nobody {}

impl backend::Messages for Nobody {}

impl backend::Batches for Nobody {}

impl backend::Contacts for Nobody {}

impl backend::AccountDesk for Nobody {}

impl backend::ConversationDesk for Nobody {}

impl backend::NumberDesk for Nobody {}

impl backend::SubscriptionDesk for Nobody {}

impl backend::CallDesk for Nobody {}
