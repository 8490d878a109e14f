//! Puts a messenger together: [`MessengerBuilder`].
//!
//! Called by programs. It checks that names are unique and that routes lead to accounts that are there.

use std::collections::HashMap;
use std::sync::Arc;

use tidings_core::Clock;

use super::Messenger;
use super::accounts::{Account, Router, Shared};
use super::heard::Heard;
use super::reference::References;
use super::settings::MessengerSettings;
use crate::account::AccountName;
use crate::clock::SystemClock;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::Jitter;
use crate::provider::Provider;
use crate::routing::Routes;

/// Collects what a [`Messenger`] is made of.
#[derive(Debug, Default)]
#[must_use]
pub struct MessengerBuilder {
    accounts: Vec<(AccountName, Arc<dyn Provider>)>,
    routes: Option<Routes>,
    settings: MessengerSettings,
    clock: Option<Arc<dyn Clock>>,
    randomness: Option<Jitter>,
}

impl MessengerBuilder {
    /// Adds an account: a provider under a name of the program's own, usually made by
    /// [`layers::standard`](crate::layers::standard) with
    /// [`with_other_accounts`](crate::layers::LayerSettings::with_other_accounts), so that an account that
    /// is down gives a message back at once. What it can do is asked when the messenger is built.
    pub fn account(mut self, name: impl Into<AccountName>, provider: Arc<dyn Provider>) -> Self {
        self.accounts.push((name.into(), provider));
        self
    }

    /// Sets which accounts carry which messages. Default: all accounts, in the order in which they were
    /// added, each taking over where the one before is proved to have sent nothing.
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = Some(routes);
        self
    }

    /// Sets how the messenger behaves.
    pub fn settings(mut self, settings: MessengerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the clock. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets where randomness comes from. Default: the system's.
    ///
    /// A source that gives the same numbers in every process makes the same references in every
    /// process, and a provider or a person may then take one message for another: it is for tests.
    pub fn randomness(mut self, randomness: Jitter) -> Self {
        self.randomness = Some(randomness);
        self
    }

    /// Puts the messenger together.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is no account, when two have one name, when there is no rule, or when the
    /// routes do not make sense: [`Routes::check`].
    pub fn build(self) -> Result<Messenger> {
        let config = |what: String| Error::not_sent(ErrorKind::Config, what);
        if self.accounts.is_empty() {
            return Err(config("a messenger needs at least one account".to_owned()));
        }
        let mut by_name = HashMap::with_capacity(self.accounts.len());
        for (place, (name, _)) in self.accounts.iter().enumerate() {
            if by_name.insert(name.clone(), place).is_some() {
                return Err(config(format!("two accounts have the name {name}")));
            }
        }
        let names = || self.accounts.iter().map(|(name, _)| name.clone());
        let routes = self.routes.unwrap_or_else(|| Routes::failover(names()));
        routes.check(names()).map_err(|error| {
            let what = "the routes of the messenger do not make sense";
            Error::not_sent(ErrorKind::Config, format!("{what}: {error}")).with_source(error)
        })?;
        if routes.rules().len() == 0 {
            let what =
                "the routes of the messenger have no rule, so no message would have an account";
            return Err(config(what.to_owned()));
        }
        let references = match &self.randomness {
            Some(randomness) => References::drawn(randomness),
            None => References::unique(),
        };
        let accounts = self.accounts.into_iter();
        let accounts = accounts.map(|(name, provider)| Account::new(name, provider));
        Ok(Messenger::new(Shared {
            accounts: accounts.collect(),
            by_name,
            router: Router::new(routes),
            heard: Heard::keeping(self.settings.reports_kept),
            settings: self.settings,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
            randomness: self.randomness.unwrap_or_else(Jitter::random),
            references,
        }))
    }
}
