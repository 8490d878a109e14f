//! Making a [`Client`]: from its parts, from an account's settings, or from the environment.
//!
//! Called by programs and by the registration. Everything that can be wrong with the settings is
//! found here; nothing is sent.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tidings_core::{Clock, SenderId};

use super::client::{Client, Credential, Shared};
use super::groups::GroupCache;
use super::map::{self, PROVIDER};
use super::{DEFAULT_BASE_URL, DEFAULT_BULK_SIZE, MAX_BULK_SIZE, SETTINGS, setting};
use crate::clock::SystemClock;
use crate::config::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient};
use crate::provider::Account;

/// Collects what a [`Client`] needs; [`Client::builder`] starts it.
#[must_use]
pub struct ClientBuilder {
    api_key: SecretString,
    client_id: String,
    base_url: String,
    default_sender: Option<SenderId>,
    bulk_size: usize,
    groups_cache: Duration,
    http: Option<HttpClient>,
    clock: Arc<dyn Clock>,
    on_new_key: Option<OnNewKey>,
}

/// What is told a new key.
pub(super) type OnNewKey = Box<dyn Fn(&SecretString) + Send + Sync>;

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("client_id", &self.client_id)
            .field("bulk_size", &self.bulk_size)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Starts a client with default settings. It needs at least a key and a client id.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            api_key: SecretString::from(String::new()),
            client_id: String::new(),
            base_url: DEFAULT_BASE_URL.to_owned(),
            default_sender: None,
            bulk_size: DEFAULT_BULK_SIZE,
            groups_cache: Duration::ZERO,
            http: None,
            clock: Arc::new(SystemClock::new()),
            on_new_key: None,
        }
    }

    /// A client from `PASSINFO_API_KEY`, `PASSINFO_CLIENT_ID` and, where they are set,
    /// `PASSINFO_BASE_URL` and `PASSINFO_SENDER`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the variable that is missing, or what is wrong with one.
    pub fn from_env() -> Result<Self> {
        ClientBuilder::from_environment(Environment::of_process())?.build()
    }

    /// A client from an account's settings, whose names are in [`SPEC`](super::SPEC).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the account and the setting that is missing, unknown or wrong.
    pub fn from_account(account: &Account, http: HttpClient) -> Result<Self> {
        account.check(SETTINGS)?;
        let mut builder = Self::builder()
            .api_key(account.required(setting::API_KEY)?)
            .client_id(account.required(setting::CLIENT_ID)?)
            .http(http);
        if let Some(base_url) = account.setting(setting::BASE_URL) {
            builder = builder.base_url(base_url);
        }
        if let Some(sender) = account.parsed(setting::SENDER)? {
            builder = builder.default_sender(sender);
        }
        if let Some(bulk_size) = account.parsed(setting::BULK_SIZE)? {
            builder = builder.bulk_size(bulk_size);
        }
        builder.build().map_err(|error| account.name_in(error))
    }
}

impl ClientBuilder {
    pub(super) fn from_environment(environment: Environment) -> Result<Self> {
        let mut builder = Client::builder()
            .api_key(environment.required("PASSINFO_API_KEY")?)
            .client_id(environment.required("PASSINFO_CLIENT_ID")?);
        if let Some(base_url) = environment.variable("PASSINFO_BASE_URL") {
            builder = builder.base_url(base_url);
        }
        if let Some(sender) = environment.variable("PASSINFO_SENDER") {
            let sender = sender.parse().map_err(|error| {
                bad("the environment variable PASSINFO_SENDER is wrong").with_source(error)
            })?;
            builder = builder.default_sender(sender);
        }
        Ok(builder)
    }

    /// The account's key. Must be given.
    pub fn api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = key.into();
        self
    }

    /// The account's client id, a text or a number. Must be given.
    pub fn client_id(mut self, id: impl fmt::Display) -> Self {
        self.client_id = id.to_string();
        self
    }

    /// Where the API is; default [`DEFAULT_BASE_URL`]. May end in a slash, in a path prefix, and in
    /// the `/v1` that the vendor's Node package has in its base URL. Without TLS only when it says
    /// `http:`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The sender of messages that name none.
    pub fn default_sender(mut self, sender: SenderId) -> Self {
        self.default_sender = Some(sender);
        self
    }

    /// How many recipients go into one bulk call, 1 to [`MAX_BULK_SIZE`]; default
    /// [`DEFAULT_BULK_SIZE`].
    pub fn bulk_size(mut self, recipients: usize) -> Self {
        self.bulk_size = recipients;
        self
    }

    /// How long the list of groups may be kept; default zero, which asks every time. It is dropped
    /// when this client changes a group.
    pub fn groups_cache(mut self, keep: Duration) -> Self {
        self.groups_cache = keep;
        self
    }

    /// The HTTP client to use, with its pool and limits; default one of its own.
    pub fn http(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Where the time comes from; default the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What is told a new key, so that it can be stored: called after a renewal, before
    /// [`Client::renew_api_key`] returns. It should be quick and must not panic.
    pub fn on_new_key(mut self, store: impl Fn(&SecretString) + Send + Sync + 'static) -> Self {
        self.on_new_key = Some(Box::new(store));
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] saying which setting is missing or wrong.
    pub fn build(self) -> Result<Client> {
        if self.client_id.trim().is_empty() {
            return Err(bad("the client_id is missing"));
        }
        if self.api_key.expose_secret().trim().is_empty() {
            return Err(bad("the api_key is missing"));
        }
        if !(1..=MAX_BULK_SIZE).contains(&self.bulk_size) {
            return Err(bad("the bulk_size must be from 1 to 10000"));
        }
        if let Some(sender) = &self.default_sender {
            map::sender_name(sender)
                .map_err(|error| bad("the sender is wrong").with_source(error))?;
        }
        let client_id_header = HeaderValue::from_str(self.client_id.trim())
            .map_err(|_| bad("the client_id holds a character that no header can carry"))?;
        let credential = Credential::new(self.api_key)
            .ok_or_else(|| bad("the api_key holds a character that no header can carry"))?;
        Ok(Client::of(Shared {
            http: match self.http {
                Some(http) => http,
                None => HttpClient::builder().build()?,
            },
            // Every path of ours begins with /v1; the vendor's Node package has it in its base URL.
            base: BaseUrl::parse(&self.base_url, &["/v1"]).map_err(bad)?,
            client_id: self.client_id,
            client_id_header,
            credential: ArcSwap::from_pointee(credential),
            renewal: tokio::sync::Mutex::default(),
            renewing: Mutex::default(),
            on_new_key: self.on_new_key,
            default_sender: self.default_sender,
            bulk_size: self.bulk_size,
            groups: GroupCache::new(self.groups_cache),
            clock: self.clock,
        }))
    }
}

fn bad(what: &'static str) -> Error {
    Error::not_sent(ErrorKind::Config, what).during(PROVIDER, "connect")
}
