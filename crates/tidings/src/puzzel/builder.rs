//! Making a [`Client`]: from its parts, from an account's settings, or from the environment.
//!
//! Called by programs and by the registration. Everything that can be wrong with the settings is
//! found here; nothing is sent.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tidings_core::{Clock, SenderId};

use super::client::{Client, Shared};
use super::encoding::Encoding;
use super::map::{self, PROVIDER};
use super::reference::BatchNames;
use super::settings::OriginatorSettings;
use super::wire::path;
use super::{
    DEFAULT_BASE_URL, DEFAULT_BULK_SIZE, Dialect, MAX_BULK_SIZE, ManagementPath, SETTINGS, setting,
};
use crate::clock::SystemClock;
use crate::config::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient};
use crate::provider::Account;

/// Collects what a [`Client`] needs; [`Client::builder`] starts it.
#[must_use]
pub struct ClientBuilder {
    service_id: i64,
    username: String,
    password: SecretString,
    base_url: String,
    dialect: Dialect,
    encoding: Encoding,
    management: Option<ManagementPath>,
    default_sender: Option<SenderId>,
    bulk_size: usize,
    duplicate_checking: bool,
    http: Option<HttpClient>,
    clock: Arc<dyn Clock>,
    names: fastrand::Rng,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("service_id", &self.service_id)
            .field("dialect", &self.dialect)
            .field("bulk_size", &self.bulk_size)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Starts a client with default settings. It needs at least a service id, a user name and a
    /// password.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            service_id: 0,
            username: String::new(),
            password: SecretString::from(String::new()),
            base_url: DEFAULT_BASE_URL.to_owned(),
            dialect: Dialect::default(),
            encoding: Encoding::default(),
            management: None,
            default_sender: None,
            bulk_size: DEFAULT_BULK_SIZE,
            duplicate_checking: false,
            http: None,
            clock: Arc::new(SystemClock::new()),
            names: fastrand::Rng::new(),
        }
    }

    /// A client from `PUZZEL_SERVICE_ID`, `PUZZEL_USERNAME`, `PUZZEL_PASSWORD` and, where they are
    /// set, `PUZZEL_BASE_URL`, `PUZZEL_DIALECT`, `PUZZEL_SENDER` and `PUZZEL_DUPLICATE_CHECKING`.
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
            .service_id(account.parsed(setting::SERVICE_ID)?.unwrap_or(0))
            .username(account.required(setting::USERNAME)?)
            .password(account.required(setting::PASSWORD)?)
            .http(http);
        if let Some(base_url) = account.setting(setting::BASE_URL) {
            builder = builder.base_url(base_url);
        }
        if let Some(dialect) = account.setting(setting::DIALECT) {
            let dialect = dialect.parse().map_err(|_| {
                let what = format!("account {}: the dialect must be v3 or manual", account.id());
                Error::not_sent(ErrorKind::Config, what)
            })?;
            builder = builder.dialect(dialect);
        }
        if let Some(sender) = account.parsed(setting::SENDER)? {
            builder = builder.default_sender(sender);
        }
        if let Some(bulk_size) = account.parsed(setting::BULK_SIZE)? {
            builder = builder.bulk_size(bulk_size);
        }
        if let Some(Switch(is_on)) = account.parsed(setting::DUPLICATE_CHECKING)? {
            builder = builder.duplicate_checking(is_on);
        }
        builder.build().map_err(|error| account.name_in(error))
    }
}

/// `on` or `off`.
struct Switch(bool);

impl std::str::FromStr for Switch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "on" => Ok(Self(true)),
            "off" => Ok(Self(false)),
            _ => Err(()),
        }
    }
}

impl ClientBuilder {
    pub(super) fn from_environment(environment: Environment) -> Result<Self> {
        fn parsed<T: std::str::FromStr>(text: &str, wrong: &'static str) -> Result<T> {
            text.parse().map_err(|_| bad(wrong))
        }
        let mut builder = Client::builder()
            .username(environment.required("PUZZEL_USERNAME")?)
            .password(environment.required("PUZZEL_PASSWORD")?);
        builder.service_id = parsed(
            &environment.required("PUZZEL_SERVICE_ID")?,
            "the environment variable PUZZEL_SERVICE_ID is no number",
        )?;
        if let Some(base_url) = environment.variable("PUZZEL_BASE_URL") {
            builder = builder.base_url(base_url);
        }
        if let Some(dialect) = environment.variable("PUZZEL_DIALECT") {
            let wrong = "the environment variable PUZZEL_DIALECT must be v3 or manual";
            builder = builder.dialect(parsed(&dialect, wrong)?);
        }
        if let Some(sender) = environment.variable("PUZZEL_SENDER") {
            let wrong = "the environment variable PUZZEL_SENDER is no sender";
            builder = builder.default_sender(parsed(&sender, wrong)?);
        }
        if let Some(switch) = environment.variable("PUZZEL_DUPLICATE_CHECKING") {
            let wrong = "the environment variable PUZZEL_DUPLICATE_CHECKING must be on or off";
            let Switch(is_on) = parsed(&switch, wrong)?;
            builder = builder.duplicate_checking(is_on);
        }
        Ok(builder)
    }

    /// The number of the service that Puzzel has given. Must be given, 1 to 2,147,483,647.
    #[doc(alias("serviceId", "by_service_id"))]
    pub fn service_id(mut self, id: i64) -> Self {
        self.service_id = id;
        self
    }

    /// The service's user. Must be given.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.username = name.into();
        self
    }

    /// The user's password. Must be given.
    pub fn password(mut self, password: impl Into<SecretString>) -> Self {
        self.password = password.into();
        self
    }

    /// Where the API is; default [`DEFAULT_BASE_URL`]. May end in a slash, in a path prefix, and in
    /// the `/gw/rs` that the vendor's older clients have in theirs. Without TLS only when it says
    /// `http:`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Which of the vendor's two descriptions of its API holds; default [`Dialect::V3`].
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The form in which messages travel unless a call says otherwise; default [`Encoding::Json`].
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Which paths the calls about batches go to; default those of the dialect.
    #[doc(alias("with_url"))]
    pub fn management_path(mut self, path: ManagementPath) -> Self {
        self.management = Some(path);
        self
    }

    /// The sender of messages that name none. Left out of messages that may not have it: those with a
    /// price, and, unless it is a short number, those of a session.
    pub fn default_sender(mut self, sender: SenderId) -> Self {
        self.default_sender = Some(sender);
        self
    }

    /// How many messages go into one call, 1 to [`MAX_BULK_SIZE`]; default [`DEFAULT_BULK_SIZE`].
    pub fn bulk_size(mut self, messages: usize) -> Self {
        self.bulk_size = messages;
        self
    }

    /// Whether Puzzel refuses references that it has seen within the hour, which it does only for
    /// services that have asked for it. Then [`Provider::reconcile`](crate::Provider::reconcile)
    /// repeats a message whose outcome is unknown: **if this is said and not so, phones get texts
    /// twice.** Default: no.
    pub fn duplicate_checking(mut self, is_on: bool) -> Self {
        self.duplicate_checking = is_on;
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

    /// Makes the same names of batches for the same seed, for tests: two clients with one seed give
    /// different batches the same name. Default: random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.names = fastrand::Rng::with_seed(seed);
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] saying which setting is missing or wrong.
    pub fn build(self) -> Result<Client> {
        let Ok(service_id @ 1..) = i32::try_from(self.service_id) else {
            return Err(bad("the service_id must be from 1 to 2147483647"));
        };
        if self.username.trim().is_empty() {
            return Err(bad("the username is missing"));
        }
        if self.username.contains(':') || self.username.contains(char::is_control) {
            // RFC 7617 section 2: what stands behind the first colon would be the password.
            return Err(bad("the username holds a colon or a control character"));
        }
        if self.password.expose_secret().trim().is_empty() {
            return Err(bad("the password is missing"));
        }
        if self.password.expose_secret().contains(char::is_control) {
            return Err(bad("the password holds a control character"));
        }
        if !(1..=MAX_BULK_SIZE).contains(&self.bulk_size) {
            return Err(bad("the bulk_size must be from 1 to 1000"));
        }
        let default_sender = self.default_sender.as_ref().map(OriginatorSettings::from);
        if let Some(sender) = &default_sender {
            map::check_originator(sender.kind, &sender.text)
                .map_err(|error| bad("the sender is wrong").with_source(error))?;
        }
        // The vendor's older clients have the path of the call that sends in their base URL.
        let base = BaseUrl::parse(&self.base_url, &["/gw/rs"]).map_err(bad)?;
        let send_uri = base.uri(path::SEND);
        let send_uri = send_uri.ok_or_else(|| bad("the base_url cannot be continued by a path"))?;
        Ok(Client::of(Shared {
            http: match self.http {
                Some(http) => http,
                None => HttpClient::builder().build()?,
            },
            base,
            send_uri,
            service_id,
            basic: basic(&self.username, &self.password),
            username: self.username,
            password: self.password,
            dialect: self.dialect,
            encoding: self.encoding,
            management: self.management.unwrap_or(match self.dialect {
                Dialect::V3 => ManagementPath::Management,
                Dialect::Manual => ManagementPath::Mgmt,
            }),
            default_sender,
            bulk_size: self.bulk_size,
            duplicate_checking: self.duplicate_checking,
            names: BatchNames::new(self.names),
            clock: self.clock,
        }))
    }
}

/// RFC 7617.
fn basic(username: &str, password: &SecretString) -> HeaderValue {
    let pair = format!("{username}:{}", password.expose_secret());
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut header = HeaderValue::try_from(format!("Basic {encoded}"))
        .expect("base64 has only characters that a header can carry");
    header.set_sensitive(true);
    header
}

fn bad(what: &'static str) -> Error {
    Error::not_sent(ErrorKind::Config, what).during(PROVIDER, "connect")
}
