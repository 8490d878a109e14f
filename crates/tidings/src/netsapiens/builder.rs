//! Making a [`Client`].

use std::sync::Arc;

use super::choices::Choices;
use super::client::{Client, Shared};
use super::credentials::Credentials;
use super::sign_in::SignIn;
use super::{SETTINGS, setting};
use crate::clock::SystemClock;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient};
use crate::provider::Account;

/// Collects what a [`Client`] needs.
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    credentials: Option<Credentials>,
    http: Option<HttpClient>,
    /// Set by the methods in `choices.rs`.
    pub(super) choices: Choices,
}

impl Client {
    /// Starts a client with default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            base_url: String::new(),
            credentials: None,
            http: None,
            choices: Choices::default(),
        }
    }

    /// A client from an account's settings, whose names are in [`SPEC`](super::SPEC).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the account and the setting that is missing, unknown or wrong.
    pub fn from_account(account: &Account, http: HttpClient) -> Result<Self> {
        account.check(SETTINGS)?;
        let credentials = Credentials::Password {
            client_id: account.required(setting::CLIENT_ID)?.to_owned(),
            client_secret: account.required(setting::CLIENT_SECRET)?.into(),
            username: account.required(setting::USERNAME)?.to_owned(),
            password: account.required(setting::PASSWORD)?.into(),
        };
        let mut builder = Self::builder().credentials(credentials).http(http);
        builder.choices = Choices::of_account(account)?;
        builder
            .base_url(account.required(setting::BASE_URL)?)
            .build()
    }
}

impl ClientBuilder {
    /// Where the API is.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// What to sign in with.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The HTTP client to call with.
    pub fn http(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a setting is missing or wrong.
    pub fn build(self) -> Result<Client> {
        let bad = |what: &'static str| Error::not_sent(ErrorKind::Config, what);
        let credentials = self
            .credentials
            .ok_or_else(|| bad("credentials are missing"))?;
        self.choices.check()?;
        let http = match self.http {
            Some(http) => http,
            None => HttpClient::builder().build()?,
        };
        Ok(Client::of(Shared {
            http,
            base: BaseUrl::parse(&self.base_url, "/ns-api/v2").map_err(bad)?,
            sign_in: SignIn::new(credentials),
            domain: "~".to_owned(),
            user: "~".to_owned(),
            from_number: None,
            clock: Arc::new(SystemClock::new()),
            choices: self.choices,
        }))
    }
}
