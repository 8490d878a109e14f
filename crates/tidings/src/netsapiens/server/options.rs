//! How the API is served where its vendor's descriptions and servers differ: [`ServerOptions`].
//!
//! Read from an account's settings by `router`, or made by a program for `router_with`.

use std::fmt;
use std::sync::Arc;

use http::{StatusCode, Uri};
use secrecy::SecretString;
use tidings_core::Clock;

use crate::clock::SystemClock;
use crate::error::{Error, ErrorKind, Result};
use crate::netsapiens::callback::Spelling;
use crate::netsapiens::setting;
use crate::provider::Account;

/// How the API is served where its vendor's descriptions and servers differ.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerOptions {
    /// How lists name and write times.
    pub times: Times,
    /// How a message in a session that the server names is answered.
    pub send_answer: SendAnswer,
    /// How a call for one session is answered.
    pub single_session: SingleSession,
    /// Whether texts, numbers and ids that are all digits are written as JSON numbers, as the
    /// vendor's servers do.
    pub numeric_texts: bool,
    /// The HTTP status for wrong credentials.
    pub credentials_refused_as: StatusCode,
    /// The HTTP status for too many calls.
    pub rate_limited_as: StatusCode,
    /// The version that the server says it has, such as `44.1.2`.
    pub api_version: String,
    /// Where callers reach what stands before `/ns-api`, such as `https://pbx.example.test`. Without
    /// it addresses of files name the host that the caller called. Headers of proxies are not
    /// believed.
    pub public_url: Option<String>,
    /// What JSON web tokens are signed with. Without it they are signed with a key that the
    /// operating system draws, so that no token outlives the router.
    pub jwt_secret: Option<SecretString>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// How lists name and write times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Times {
    /// `messagesession-last-datetime`, `2026-01-02T03:04:05+00:00`: what clients of present servers
    /// read.
    #[default]
    Datetime,
    /// `messagesession-last-timestamp`, `2026-01-02 03:04:05`: what the vendor's examples hold.
    Timestamp,
}

/// How a message in a session that the server names is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendAnswer {
    /// 200 and the message.
    #[default]
    Message,
    /// 202 and nothing but that it was accepted.
    Accepted,
}

/// How a call for one session is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SingleSession {
    /// With a list of it, as the vendor's description has it.
    #[default]
    Array,
    /// With the session.
    Object,
}

impl ServerOptions {
    /// The shortest secret for JSON web tokens, in characters.
    pub const MIN_SECRET_LENGTH: usize = 32;

    /// Reads the settings of the same names; all others make no difference to a server.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the setting that has another value than those offered.
    pub fn of(account: &Account) -> Result<Self> {
        let status = |text: &str| text.parse().expect("the statuses offered are statuses");
        let mut options = Self::default();
        if let Some(times) = choice(
            account,
            setting::TIMES,
            &[
                ("datetime", Times::Datetime),
                ("timestamp", Times::Timestamp),
            ],
        )? {
            options.times = times;
        }
        if let Some(answer) = choice(
            account,
            setting::SEND_ANSWER,
            &[
                ("message", SendAnswer::Message),
                ("accepted", SendAnswer::Accepted),
            ],
        )? {
            options.send_answer = answer;
        }
        if let Some(single) = choice(
            account,
            setting::SINGLE_SESSION,
            &[
                ("array", SingleSession::Array),
                ("object", SingleSession::Object),
            ],
        )? {
            options.single_session = single;
        }
        let on_or_off = [("on", true), ("off", false)];
        if let Some(is_on) = choice(account, setting::NUMERIC_TEXTS, &on_or_off)? {
            options.numeric_texts = is_on;
        }
        let statuses = [("400", "400"), ("401", "401"), ("403", "403")];
        if let Some(refused) = choice(account, setting::CREDENTIALS_REFUSED_AS, &statuses)? {
            options.credentials_refused_as = status(refused);
        }
        let statuses = [("429", "429"), ("403", "403")];
        if let Some(limited) = choice(account, setting::RATE_LIMITED_AS, &statuses)? {
            options.rate_limited_as = status(limited);
        }
        // These two are read where events are written, where a word that nobody knows would be taken
        // for the default.
        let spelling = account.setting(setting::EVENT_KEYS);
        if spelling.is_some_and(|word| word.parse::<Spelling>().is_err()) {
            return Err(bad(account, setting::EVENT_KEYS, "underscore or kebab"));
        }
        let correlations = [("subscription", ()), ("random", ())];
        choice(account, setting::CORRELATION, &correlations)?;
        if let Some(version) = account.setting(setting::API_VERSION) {
            version.clone_into(&mut options.api_version);
        }
        if let Some(url) = account.setting(setting::PUBLIC_URL) {
            options.public_url = Some(public_url(account, url)?);
        }
        if let Some(secret) = account.setting(setting::JWT_SECRET) {
            if secret.chars().count() < Self::MIN_SECRET_LENGTH {
                let demand = format!("at least {} characters", Self::MIN_SECRET_LENGTH);
                return Err(bad(account, setting::JWT_SECRET, &demand));
            }
            options.jwt_secret = Some(secret.into());
        }
        Ok(options)
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            times: Times::default(),
            send_answer: SendAnswer::default(),
            single_session: SingleSession::default(),
            numeric_texts: true,
            credentials_refused_as: StatusCode::UNAUTHORIZED,
            rate_limited_as: StatusCode::TOO_MANY_REQUESTS,
            api_version: "44.1.2".to_owned(),
            public_url: None,
            jwt_secret: None,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// Leaves the secret out.
impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("times", &self.times)
            .field("send_answer", &self.send_answer)
            .field("single_session", &self.single_session)
            .field("numeric_texts", &self.numeric_texts)
            .field("credentials_refused_as", &self.credentials_refused_as)
            .field("rate_limited_as", &self.rate_limited_as)
            .field("api_version", &self.api_version)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

fn choice<T: Copy>(account: &Account, name: &str, offered: &[(&str, T)]) -> Result<Option<T>> {
    let Some(said) = account.setting(name) else {
        return Ok(None);
    };
    if let Some((_, meant)) = offered.iter().find(|(word, _)| *word == said) {
        return Ok(Some(*meant));
    }
    let words: Vec<&str> = offered.iter().map(|(word, _)| *word).collect();
    Err(bad(account, name, &words.join(" or ")))
}

/// A URL with scheme and host, without a slash at its end.
fn public_url(account: &Account, text: &str) -> Result<String> {
    let url: Option<Uri> = text.parse().ok();
    let is_usable = url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|host| !host.is_empty())
            && url.query().is_none()
    });
    if is_usable {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        let demand = "a URL such as https://pbx.example.test";
        Err(bad(account, setting::PUBLIC_URL, demand))
    }
}

fn bad(account: &Account, name: &str, demand: &str) -> Error {
    let id = account.id();
    let sentence = format!("account {id}: setting {name} must be {demand}");
    Error::not_sent(ErrorKind::Config, sentence)
}
