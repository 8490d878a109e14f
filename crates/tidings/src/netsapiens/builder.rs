//! Making a [`Client`]: from its parts, from an account's settings, or from the environment.
//!
//! Called by programs and by the registration. Everything that can be wrong with the settings is
//! found here; nothing is sent.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tidings_core::{Clock, E164};

use super::choices::Choices;
use super::client::{Client, Shared};
use super::credentials::{ApiKey, Brings, Credentials, PasswordCredentials};
use super::grant::TokenDesk;
use super::map::{PROVIDER, number};
use super::sign_in::{Bearer, SignIn};
use super::token::{Token, TokenStore};
use super::token_file::FileTokenStore;
use super::{SETTINGS, setting};
use crate::clock::SystemClock;
use crate::config::Environment;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{BaseUrl, HttpClient};
use crate::provider::{Account, COMMON_SETTINGS, Presence};

/// Collects what a [`Client`] needs; [`Client::builder`] starts it.
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    credentials: Option<Credentials>,
    brings: Brings,
    domain: String,
    user: String,
    from_number: Option<E164>,
    token_store: Option<Arc<dyn TokenStore>>,
    http: Option<HttpClient>,
    clock: Arc<dyn Clock>,
    /// Set by the methods in `choices.rs`.
    pub(super) choices: Choices,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("credentials", &self.credentials)
            .field("brings", &self.brings)
            .field("domain", &self.domain)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Starts a client with default settings. It needs at least a base URL and credentials.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            base_url: String::new(),
            credentials: None,
            brings: Brings::default(),
            domain: OWN.to_owned(),
            user: OWN.to_owned(),
            from_number: None,
            token_store: None,
            http: None,
            clock: Arc::new(SystemClock::new()),
            choices: Choices::default(),
        }
    }

    /// A client from `NETSAPIENS_BASE_URL` and, to sign in with, `NETSAPIENS_API_KEY` or
    /// `NETSAPIENS_CLIENT_ID`, `NETSAPIENS_CLIENT_SECRET`, `NETSAPIENS_USERNAME` and
    /// `NETSAPIENS_PASSWORD`; where they are set, also from `NETSAPIENS_SIGN_IN`,
    /// `NETSAPIENS_DOMAIN`, `NETSAPIENS_USER`, `NETSAPIENS_FROM_NUMBER`, `NETSAPIENS_TOKEN_FILE`,
    /// `NETSAPIENS_CA_FILE` and the other settings of [`SPEC`](super::SPEC), by their names in
    /// capital letters.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the variable that is missing, or what is wrong with one.
    pub fn from_env() -> Result<Self> {
        let account = account_of(Environment::of_process())?;
        let http = HttpClient::for_account(&account, HttpClient::builder())?;
        Self::from_account(&account, http)
    }

    /// A client from an account's settings, whose names are in [`SPEC`](super::SPEC).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the account and the setting that is missing, unknown or wrong.
    pub fn from_account(account: &Account, http: HttpClient) -> Result<Self> {
        account.check(SETTINGS)?;
        let builder = ClientBuilder::from_settings(account);
        let client = builder.and_then(|builder| builder.http(http).build());
        client.map_err(|error| account.name_in(error))
    }
}

/// The path part that means the domain, or the user, of whoever signed in.
const OWN: &str = "~";

impl ClientBuilder {
    /// The settings of an account that has been checked.
    fn from_settings(account: &Account) -> Result<Self> {
        let credentials = match account.setting(setting::API_KEY) {
            Some(key) => Credentials::ApiKey(ApiKey::new(key)),
            None => Credentials::Password(PasswordCredentials::new(
                account.required(setting::CLIENT_ID)?,
                account.required(setting::CLIENT_SECRET)?,
                account.required(setting::USERNAME)?,
                account.required(setting::PASSWORD)?,
            )),
        };
        let mut builder = Client::builder()
            .base_url(account.required(setting::BASE_URL)?)
            .credentials(credentials);
        builder.choices = Choices::of_account(account)?;
        if let Some(brings) = account.parsed(setting::SIGN_IN)? {
            builder = builder.brings(brings);
        }
        if let Some(domain) = account.setting(setting::DOMAIN) {
            builder = builder.domain(domain);
        }
        if let Some(user) = account.setting(setting::USER) {
            builder = builder.user(user);
        }
        if let Some(number) = account.setting(setting::FROM_NUMBER) {
            let number = number::from_wire(number)
                .ok_or_else(|| bad("the from_number is no phone number"))?;
            builder = builder.from_number(number);
        }
        if let Some(file) = account.setting(setting::TOKEN_FILE) {
            builder = builder.token_store(FileTokenStore::new(file));
        }
        Ok(builder)
    }

    /// Where the API is: a host, perhaps with a port, which is spoken to over TLS, or a URL, perhaps
    /// with a path prefix. May end in `/ns-api/v2` or `/ns-api`. Must be given; without TLS only when
    /// it says `http:`.
    #[doc(alias = "api_url")]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// What to sign in with. Must be given.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// A program and a user to sign in with: [`Self::credentials`] for the most frequent case.
    pub fn password(
        self,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
        username: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        self.credentials(Credentials::Password(PasswordCredentials::new(
            client_id,
            client_secret,
            username,
            password,
        )))
    }

    /// What signing in with a password brings; default an OAuth token.
    #[doc(alias = "sign_in")]
    pub fn brings(mut self, brings: Brings) -> Self {
        self.brings = brings;
        self
    }

    /// The domain that is acted in; default `~`, that of the user who signed in. An API key belongs to
    /// no user, so that with one it must be given.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = domain.into();
        self
    }

    /// The user, by extension, who is acted for; default `~`, the one who signed in. An API key
    /// belongs to no user, so that with one it must be given.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// The sender of messages that name none: an SMS number of the user.
    pub fn from_number(mut self, number: E164) -> Self {
        self.from_number = Some(number);
        self
    }

    /// What keeps tokens between runs of the program; default nothing.
    pub fn token_store(mut self, store: impl TokenStore) -> Self {
        self.token_store = Some(Arc::new(store));
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

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] saying which setting is missing or wrong.
    pub fn build(self) -> Result<Client> {
        let credentials = self
            .credentials
            .ok_or_else(|| bad("credentials are missing"))?;
        self.choices.check()?;
        for (part, missing) in [
            (&self.domain, "the domain is empty"),
            (&self.user, "the user is empty"),
        ] {
            if part.trim().is_empty() {
                return Err(bad(missing));
            }
        }
        if self.base_url.trim().is_empty() {
            return Err(bad("the base_url is missing"));
        }
        let base = BaseUrl::parse(
            &with_scheme(self.base_url.trim()),
            &["/ns-api/v2", "/ns-api"],
        )
        .map_err(bad)?;
        let http = match self.http {
            Some(http) => http,
            None => HttpClient::builder().build()?,
        };
        let clock = self.clock;
        let sign_in = match credentials {
            Credentials::Password(credentials) => {
                check_password(&credentials)?;
                let desk = TokenDesk::new(
                    http.clone(),
                    base.clone(),
                    Arc::clone(&clock),
                    credentials,
                    self.brings,
                );
                SignIn::at(desk, self.token_store, Arc::clone(&clock))
            }
            Credentials::ApiKey(key) => {
                check_key(&key, &self.domain, &self.user)?;
                let bearer = Bearer::of_key(key.secret())
                    .ok_or_else(|| bad("the api_key holds a character that no header can carry"))?;
                SignIn::with(bearer, Arc::clone(&clock))
            }
            Credentials::Jwt(jwt) => {
                let token = Token::of_ready_jwt(jwt.expose_secret(), clock.now());
                let token = token.ok_or_else(|| bad("the json web token is missing"))?;
                let bearer = Bearer::of_token(token).ok_or_else(|| {
                    bad("the json web token holds a character that no header can carry")
                })?;
                SignIn::with(bearer, Arc::clone(&clock))
            }
        };
        Ok(Client::of(Shared {
            http,
            base,
            sign_in: Arc::new(sign_in),
            domain: self.domain,
            user: self.user,
            from_number: self.from_number,
            clock,
            choices: Arc::new(self.choices),
        }))
    }
}

/// The variables as an account, whose settings they name in capital letters.
pub(super) fn account_of(environment: Environment) -> Result<Account> {
    let mut account = Account::new(PROVIDER);
    for setting in SETTINGS.iter().chain(COMMON_SETTINGS) {
        let variable = variable_of(setting.name);
        if let Some(value) = environment.variable(&variable) {
            account = account.with(setting.name, value);
        }
    }
    for setting in SETTINGS {
        let is_missing = match setting.presence {
            Presence::Required => true,
            Presence::RequiredUnless(other) => account.setting(other).is_none(),
            Presence::Default(_) | Presence::Optional => false,
        };
        if is_missing {
            environment.required(&variable_of(setting.name))?;
        }
    }
    Ok(account)
}

fn variable_of(setting: &str) -> String {
    ["NETSAPIENS_", &setting.to_ascii_uppercase()].concat()
}

/// A host alone means `https`.
fn with_scheme(url: &str) -> Cow<'_, str> {
    if url.contains("://") {
        Cow::Borrowed(url)
    } else {
        Cow::Owned(["https://", url].concat())
    }
}

fn check_password(credentials: &PasswordCredentials) -> Result<()> {
    let PasswordCredentials {
        client_id,
        client_secret,
        username,
        password,
    } = credentials;
    for (part, missing) in [
        (client_id.as_str(), "the client_id is missing"),
        (
            client_secret.expose_secret(),
            "the client_secret is missing",
        ),
        (username, "the username is missing"),
        (password.expose_secret(), "the password is missing"),
    ] {
        if part.trim().is_empty() {
            return Err(bad(missing));
        }
    }
    Ok(())
}

/// The server answers 400 where `~` is called with a key: it belongs to no user.
fn check_key(key: &ApiKey, domain: &str, user: &str) -> Result<()> {
    if key.secret().expose_secret().trim().is_empty() {
        return Err(bad("the api_key is missing"));
    }
    match (domain == OWN, user == OWN) {
        (false, false) => Ok(()),
        (true, false) => Err(bad("with an api_key the domain must be set")),
        (false, true) => Err(bad("with an api_key the user must be set")),
        (true, true) => Err(bad("with an api_key the domain and the user must be set")),
    }
}

fn bad(what: &'static str) -> Error {
    Error::not_sent(ErrorKind::Config, what).during(PROVIDER, "connect")
}
