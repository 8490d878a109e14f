//! The token that signing in brings, and where it is kept between runs. Made by `grant.rs` of the
//! server's answers; nothing here sends anything.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tidings_core::Timestamp;

use super::jwt;
use super::map::PROVIDER;
use super::wire;
use crate::error::{Error, ErrorKind, Result};

/// How long a token holds whose lifetime the server does not tell, or tells as nothing: what one
/// operator documents. It must not mean that every call signs in anew.
pub const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_hours(1);

/// What signing in brings, with everything that the server tells about the user.
///
/// What the server does not tell is an empty text. After signing in for a JSON web token, the fields
/// hold what the token says of its holder.
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    /// The user's name for signing in, mostly `user@domain`.
    #[doc(alias = "sub")]
    pub username: String,
    /// The user's extension.
    pub user: String,
    /// The reseller.
    pub territory: String,
    /// The user's domain.
    pub domain: String,
    /// The user's department; `n/a` is the vendor's word for none.
    pub department: String,
    /// The user's site; servers before 44.2 do not tell it.
    pub site: Option<String>,
    /// The user's group; servers before 44.2 do not tell it.
    pub group: Option<String>,
    /// `user@domain`.
    pub uid: String,
    /// The name that was used for signing in.
    pub login: String,
    /// How far the user's rights go, such as `Basic User` or `Office Manager`.
    #[doc(alias = "user_scope")]
    pub scope: String,
    /// The user's mail address.
    pub user_email: String,
    /// The user's name as people are shown it.
    #[doc(alias = "displayName")]
    pub display_name: String,
    /// What is presented with every call.
    #[doc(alias = "token")]
    pub access_token: SecretString,
    /// How long it held when it was given; [`DEFAULT_TOKEN_LIFETIME`] where the server did not say.
    pub expires_in: Duration,
    /// `Bearer`.
    pub token_type: String,
    /// What it is renewed with, once.
    #[doc(alias = "refresh")]
    pub refresh_token: Option<SecretString>,
    /// The program's id.
    pub client_id: String,
    /// Such as `Version: 44.1.2`.
    #[doc(alias = "apiversion")]
    pub api_version: String,
    /// When it ends, by this machine's clock and counted from the moment when it was asked for.
    pub expires_at: Timestamp,
    /// Where it holds: the base URL of the client that got it.
    pub api_url: String,
    /// Who it was got for: a token that was stored is used for nobody else.
    pub(super) got_for: String,
}

impl Token {
    /// Reads what `POST /tokens` gives; `asked_at` is when it was asked for. `None` without an access
    /// token: whatever the HTTP status says, that is no login.
    pub(super) fn of_answer(answer: wire::TokenAnswer, asked_at: Timestamp) -> Option<Self> {
        let access_token = secret(answer.access_token)?;
        let seconds = answer.expires_in.0.and_then(|s| u64::try_from(s).ok());
        let expires_in = lifetime(seconds.map(Duration::from_secs));
        Some(Self {
            username: answer.username.0,
            user: answer.user.0,
            territory: answer.territory.0,
            domain: answer.domain.0,
            department: answer.department.0,
            site: some(answer.site),
            group: some(answer.group),
            uid: answer.uid.0,
            login: answer.login.0,
            scope: answer.scope.0,
            user_email: answer.user_email.0,
            display_name: answer.display_name.0,
            access_token,
            expires_in,
            token_type: answer.token_type.0,
            refresh_token: secret(answer.refresh_token),
            client_id: answer.client_id.0,
            api_version: answer.apiversion.0,
            expires_at: asked_at.plus(expires_in),
            api_url: String::new(),
            got_for: String::new(),
        })
    }

    /// Reads a JSON web token, as `POST /jwt` gives it or as a program got it elsewhere. One that says
    /// nothing about its holder is a token all the same. `None` when it is empty.
    pub(super) fn of_jwt(answer: wire::JwtAnswer, asked_at: Timestamp) -> Option<Self> {
        let claims = jwt::claims(&answer.token.0).unwrap_or_default();
        let access_token = secret(answer.token)?;
        let expires_in = lifetime(jwt::lifetime(&claims));
        Some(Self {
            username: claims.sub.0.clone(),
            user: claims.user.0,
            territory: claims.territory.0,
            domain: claims.domain.0,
            department: claims.department.0,
            site: None,
            group: None,
            login: some(claims.login).unwrap_or_else(|| claims.sub.0.clone()),
            uid: claims.sub.0,
            scope: claims.user_scope.0,
            user_email: claims.user_email.0,
            display_name: claims.display_name.0,
            access_token,
            expires_in,
            token_type: "Bearer".to_owned(),
            refresh_token: secret(answer.refresh),
            client_id: String::new(),
            api_version: claims.apiversion.0,
            expires_at: asked_at.plus(expires_in),
            api_url: String::new(),
            got_for: String::new(),
        })
    }

    /// Reads a JSON web token that somebody else has got at some time: it ends when it says so.
    pub(super) fn of_ready_jwt(jwt: &str, now: Timestamp) -> Option<Self> {
        let answer = wire::JwtAnswer {
            token: jwt.trim().into(),
            ..wire::JwtAnswer::default()
        };
        let mut token = Self::of_jwt(answer, now)?;
        if let Some(end) = jwt::claims(jwt).and_then(|claims| jwt::end(&claims)) {
            token.expires_at = end;
        }
        Some(token)
    }

    /// Everything as JSON, for a [`TokenStore`]: it holds the secrets. [`Self::from_json`] reads it.
    pub fn to_json(&self) -> SecretString {
        let kept = Kept {
            username: self.username.clone(),
            user: self.user.clone(),
            territory: self.territory.clone(),
            domain: self.domain.clone(),
            department: self.department.clone(),
            site: self.site.clone(),
            group: self.group.clone(),
            uid: self.uid.clone(),
            login: self.login.clone(),
            scope: self.scope.clone(),
            user_email: self.user_email.clone(),
            display_name: self.display_name.clone(),
            access_token: self.access_token.expose_secret().to_owned(),
            expires_in: self.expires_in.as_secs(),
            token_type: self.token_type.clone(),
            refresh_token: self
                .refresh_token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
            client_id: self.client_id.clone(),
            apiversion: self.api_version.clone(),
            expires_at: self.expires_at.to_string(),
            api_url: self.api_url.clone(),
            got_for: self.got_for.clone(),
        };
        serde_json::to_string(&kept)
            .expect("texts and numbers can be written as json")
            .into()
    }

    /// Reads what [`Self::to_json`] has written.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it is something else; the error does not show what it is.
    pub fn from_json(json: &str) -> Result<Self> {
        let unreadable = || {
            Error::not_sent(ErrorKind::Config, "what is kept is no token")
                .during(PROVIDER, "load_token")
        };
        let kept: Kept = serde_json::from_str(json).map_err(|_| unreadable())?;
        Ok(Self {
            username: kept.username,
            user: kept.user,
            territory: kept.territory,
            domain: kept.domain,
            department: kept.department,
            site: kept.site,
            group: kept.group,
            uid: kept.uid,
            login: kept.login,
            scope: kept.scope,
            user_email: kept.user_email,
            display_name: kept.display_name,
            access_token: kept.access_token.into(),
            expires_in: Duration::from_secs(kept.expires_in),
            token_type: kept.token_type,
            refresh_token: kept.refresh_token.map(SecretString::from),
            client_id: kept.client_id,
            api_version: kept.apiversion,
            expires_at: kept.expires_at.parse().map_err(|_| unreadable())?,
            api_url: kept.api_url,
            got_for: kept.got_for,
        })
    }
}

/// Shows whose it is and when it ends, never what it is: neither the tokens nor the mail address nor
/// the user's name.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("domain", &self.domain)
            .field("scope", &self.scope)
            .field("api_version", &self.api_version)
            .field("expires_at", &self.expires_at)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .finish_non_exhaustive()
    }
}

/// Keeps a client's token between runs of the program, so that it need not sign in at each start:
/// given to [`ClientBuilder::token_store`](super::ClientBuilder::token_store).
///
/// A store that fails does not fail the call that needed the token: the failure is logged without
/// what the store said, and the client signs in, or goes on with what it has.
///
/// ```
/// use tidings::netsapiens::{Token, TokenStore};
/// use tidings::{ExposeSecret, Result, SecretString, async_trait};
///
/// /// Somewhere that secrets may be.
/// #[derive(Debug)]
/// struct Vault(std::sync::Mutex<Option<SecretString>>);
///
/// #[async_trait]
/// impl TokenStore for Vault {
///     async fn load(&self) -> Result<Option<Token>> {
///         let kept = self.0.lock().unwrap();
///         kept.as_ref().map(|json| Token::from_json(json.expose_secret())).transpose()
///     }
///
///     async fn save(&self, token: &Token) -> Result<()> {
///         *self.0.lock().unwrap() = Some(token.to_json());
///         Ok(())
///     }
/// }
/// ```
///
/// A refresh token can be used once. Two programs that share a store must therefore not run at the
/// same time: the one that comes second signs in with the password, which works, and makes the other
/// one do the same.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The token that was saved last; called once, before the first token is asked for.
    async fn load(&self) -> Result<Option<Token>>;

    /// Saves a token in the place of the one before; called for each new one before any call uses
    /// it.
    async fn save(&self, token: &Token) -> Result<()>;
}

/// What [`Token::to_json`] writes: the vendor's names for what is the vendor's.
#[derive(Serialize, Deserialize)]
struct Kept {
    username: String,
    user: String,
    territory: String,
    domain: String,
    department: String,
    site: Option<String>,
    group: Option<String>,
    uid: String,
    login: String,
    scope: String,
    user_email: String,
    #[serde(rename = "displayName")]
    display_name: String,
    access_token: String,
    expires_in: u64,
    token_type: String,
    refresh_token: Option<String>,
    client_id: String,
    apiversion: String,
    expires_at: String,
    api_url: String,
    got_for: String,
}

fn lifetime(told: Option<Duration>) -> Duration {
    told.filter(|told| !told.is_zero())
        .unwrap_or(DEFAULT_TOKEN_LIFETIME)
}

fn secret(text: wire::Text) -> Option<SecretString> {
    some(text).map(SecretString::from)
}

fn some(text: wire::Text) -> Option<String> {
    (!text.0.trim().is_empty()).then_some(text.0)
}
