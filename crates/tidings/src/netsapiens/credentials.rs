//! What a client signs in with. Given to the builder, used by `grant.rs` and `sign_in.rs`; nothing
//! here sends anything.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

/// What a client signs in with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// A program and a user: OAuth's password grant, or the same for a JSON web token.
    Password(PasswordCredentials),
    /// A key for programs; it is presented as it is. It belongs to no user, so that the client must
    /// be told its domain and user.
    ApiKey(ApiKey),
    /// A JSON web token that somebody else has got; it is presented as it is, until it ends.
    Jwt(SecretString),
}

/// A program and a user.
#[derive(Clone)]
#[non_exhaustive]
pub struct PasswordCredentials {
    /// The program's id.
    pub client_id: String,
    /// The program's secret.
    pub client_secret: SecretString,
    /// The user, mostly `user@domain`; the vendor also takes a mail address or any name for signing
    /// in.
    pub username: String,
    /// The user's password.
    pub password: SecretString,
}

impl PasswordCredentials {
    /// The program's id and secret, the user's name and password.
    pub fn new(
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
        username: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            username: username.into(),
            password: password.into(),
        }
    }
}

/// Shows the program's id: the user's name may be a mail address.
impl fmt::Debug for PasswordCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordCredentials")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A key for programs.
#[derive(Clone)]
pub struct ApiKey(SecretString);

impl ApiKey {
    /// A key, as the server has shown it when it was made.
    pub fn new(key: impl Into<SecretString>) -> Self {
        Self(key.into())
    }

    /// How far the key reaches, which its first letters tell. `None` for a key that begins otherwise
    /// than the documented ones; the server will know.
    pub fn level(&self) -> Option<ApiKeyLevel> {
        // The vendor's description has a key with a dash for the underscore.
        match self.0.expose_secret().trim().split_once(['_', '-'])?.0 {
            "nss" => Some(ApiKeyLevel::System),
            "nsr" => Some(ApiKeyLevel::Reseller),
            "nsd" => Some(ApiKeyLevel::Domain),
            _ => None,
        }
    }

    pub(super) fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl From<&str> for ApiKey {
    fn from(key: &str) -> Self {
        Self::new(key)
    }
}

/// Shows how far it reaches.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("level", &self.level())
            .finish_non_exhaustive()
    }
}

/// How far a key for programs reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiKeyLevel {
    /// `nss_`: the whole system.
    System,
    /// `nsr_`: the domains of one reseller.
    Reseller,
    /// `nsd_`: one domain.
    Domain,
}

/// What signing in with a password brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Brings {
    /// `token`: an OAuth access token, from `POST /tokens` or, where the server is older, from
    /// `POST /ns-api/oauth2/token/`.
    #[default]
    Token,
    /// `jwt`: a JSON web token, from `POST /jwt`.
    Jwt,
}

impl Brings {
    /// The word of the setting `sign_in`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Jwt => "jwt",
        }
    }
}

/// Reads the word of the setting `sign_in`.
impl FromStr for Brings {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "token" => Ok(Self::Token),
            "jwt" => Ok(Self::Jwt),
            _ => Err(UnknownWord),
        }
    }
}

/// A setting has a word that it cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the word is not one of those that this setting can have")
    }
}

impl std::error::Error for UnknownWord {}
