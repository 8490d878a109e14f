//! An account's settings, and what a provider says of the settings that its accounts have. Read by
//! each provider's builder and by whoever has a configuration; where settings come from, and what
//! `env:` and `file:` mean in them, is not said here.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// One setting of a provider account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its key in configuration: snake case.
    pub name: &'static str,
    /// What it is, in one sentence, with its unit.
    pub help: &'static str,
    /// Whether an account works without it, and what it is then.
    pub presence: Presence,
    /// Whether it must not be shown.
    pub is_secret: bool,
    /// Whether it is a whole number on the vendor's wire, so that it is written as one in JSON.
    pub is_number: bool,
}

/// The setting [`COMMON_SETTINGS`] has for certificates.
pub const CA_FILE: &str = "ca_file";

/// Settings that accounts of every provider have: they are about the way to the provider.
pub const COMMON_SETTINGS: &[Setting] = &[Setting::optional(
    CA_FILE,
    "a file of certificates (PEM) that are trusted besides those that the machine trusts",
)];

/// Whether a setting must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// It must.
    Required,
    /// It must, unless the setting of this name is given, which takes its place.
    RequiredUnless(&'static str),
    /// It may be left out and then has this value.
    Default(&'static str),
    /// It may be left out.
    Optional,
}

impl Setting {
    /// A setting that identifies the account and must be given.
    pub const fn required(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            presence: Presence::Required,
            is_secret: false,
            is_number: false,
        }
    }

    /// A secret that must be given.
    pub const fn secret(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            presence: Presence::Required,
            is_secret: true,
            is_number: false,
        }
    }

    /// A setting with a default.
    pub const fn with_default(
        name: &'static str,
        help: &'static str,
        default: &'static str,
    ) -> Self {
        Self {
            name,
            help,
            presence: Presence::Default(default),
            is_secret: false,
            is_number: false,
        }
    }

    /// Says that it is needed only where this other setting is not given, which takes its place.
    #[must_use]
    pub const fn unless(mut self, other: &'static str) -> Self {
        self.presence = Presence::RequiredUnless(other);
        self
    }

    /// Says that it must not be shown.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// Whether it must be given where nothing takes its place.
    pub fn is_required(&self) -> bool {
        matches!(
            self.presence,
            Presence::Required | Presence::RequiredUnless(_)
        )
    }

    /// Says that it is a whole number on the vendor's wire.
    #[must_use]
    pub const fn number(mut self) -> Self {
        self.is_number = true;
        self
    }

    /// A setting that may be left out.
    pub const fn optional(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            presence: Presence::Optional,
            is_secret: false,
            is_number: false,
        }
    }
}

/// An account's settings, all as text, whatever form the configuration had. Its `Debug` shows the
/// names of the settings and none of their values.
#[derive(Clone)]
pub struct Account {
    id: String,
    settings: BTreeMap<String, SecretString>,
}

impl Account {
    /// An account without settings. `id` is the name that its owner gave it.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            settings: BTreeMap::new(),
        }
    }

    /// Adds a setting.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Adds settings, such as those of a map that was read from a configuration.
    ///
    /// ```
    /// use tidings::Account;
    ///
    /// let read = [("client_id", "1234"), ("api_key", "k")];
    /// let account = Account::new("main").with_all(read);
    /// assert_eq!(account.setting("client_id"), Some("1234"));
    /// ```
    #[must_use]
    pub fn with_all<N, V>(mut self, settings: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<SecretString>,
    {
        let settings = settings.into_iter();
        let settings = settings.map(|(name, value)| (name.into(), value.into()));
        self.settings.extend(settings);
        self
    }

    /// The name that its owner gave it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The names of the settings that are there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.settings.keys().map(String::as_str)
    }

    /// A setting's value, if it is there.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(ExposeSecret::expose_secret)
    }

    /// A setting's value.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the account and the setting when it is missing.
    pub fn required(&self, name: &str) -> Result<&str> {
        self.setting(name)
            .ok_or_else(|| self.bad_setting(name, "is missing"))
    }

    /// A setting's value read as something else than text.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the account and the setting when it cannot be read.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        self.setting(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| self.bad_setting(name, "cannot be read"))
            })
            .transpose()
    }

    /// Checks the settings against what a provider knows: nothing missing, nothing unknown.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the first setting that is missing or unknown.
    pub fn check(&self, settings: &[Setting]) -> Result<()> {
        for setting in settings {
            match setting.presence {
                Presence::Required => {
                    self.required(setting.name)?;
                }
                Presence::RequiredUnless(other)
                    if self.setting(other).is_none() && self.setting(setting.name).is_none() =>
                {
                    let fault = format!("is missing, and so is {other} in its place");
                    return Err(self.bad_setting(setting.name, &fault));
                }
                Presence::RequiredUnless(_) | Presence::Default(_) | Presence::Optional => {}
            }
        }
        match self.names().find(|name| {
            let mut known = settings.iter().chain(COMMON_SETTINGS);
            known.all(|setting| setting.name != *name)
        }) {
            Some(unknown) => Err(self.bad_setting(unknown, "is not a setting of this provider")),
            None => Ok(()),
        }
    }

    /// An error about what the settings say, naming the account where it does not yet.
    #[cfg(all(feature = "client", feature = "any-provider"))]
    pub(crate) fn name_in(&self, error: Error) -> Error {
        let whose = format!("account {}: ", self.id);
        let said = error.to_string();
        if said.starts_with(&whose) {
            return error;
        }
        Error::not_sent(ErrorKind::Config, whose + &said).with_source(error)
    }

    fn bad_setting(&self, name: &str, fault: &str) -> Error {
        Error::not_sent(
            ErrorKind::Config,
            format!("account {}: setting {name} {fault}", self.id),
        )
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("settings", &names)
            .finish()
    }
}

/// The name of an account, as the program that configures it calls it. Cloning shares it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct AccountName(Arc<str>);

impl AccountName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for AccountName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for AccountName {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.as_str().to_owned()
    }
}

/// So that a map by account is asked with a `&str`.
impl Borrow<str> for AccountName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
