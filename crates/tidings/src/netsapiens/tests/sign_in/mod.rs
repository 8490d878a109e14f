//! Signing in, against a server that gives tokens, takes them back and breaks on command.

mod answers;
mod flights;
mod forms;
mod golden;
mod secrecy;
mod stores;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use http::Method;
use tidings_core::{Clock, Timestamp};

use super::super::path::Path;
use super::super::verdict::{Call, read_done};
use super::super::{Client, ClientBuilder};
use crate::error::Result;
use crate::tests::scripted::{Reply, Scripted, Seen};
use crate::tests::settings::SECRET;

const CLIENT_SECRET: &str = "client-s3cret-1";
const MAIL: &str = "ann.doe@mail.test";

/// What the server does when it is asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Gives,
    Refuses,
    IsDown,
    HangsUp,
    WantsAPasscode,
}

/// What the server knows.
#[derive(Debug)]
struct Pbx {
    password: Mood,
    refresh: Mood,
    /// How many tokens it has given.
    given: usize,
    access: BTreeSet<String>,
    refresh_tokens: BTreeSet<String>,
    /// What it says to a token that it does not know (any more).
    refusal: &'static str,
    gives_refresh_tokens: bool,
    expires_in: &'static str,
    /// The next call for a token is answered when this is sent.
    hold: Option<tokio::sync::oneshot::Receiver<()>>,
}

const EXPIRED: &str = r#"{"code":401,"message":"The access token provided has expired"}"#;

/// A server, and how to command it.
struct Server {
    scripted: Scripted,
    pbx: Arc<Mutex<Pbx>>,
}

impl Server {
    async fn start() -> Self {
        let pbx = Arc::new(Mutex::new(Pbx {
            password: Mood::Gives,
            refresh: Mood::Gives,
            given: 0,
            access: BTreeSet::new(),
            refresh_tokens: BTreeSet::new(),
            refusal: EXPIRED,
            gives_refresh_tokens: true,
            expires_in: "3600",
            hold: None,
        }));
        let answering = Arc::clone(&pbx);
        let scripted = Scripted::start(move |seen| answering.lock().unwrap().answer(seen)).await;
        Self { scripted, pbx }
    }

    fn pbx(&self) -> MutexGuard<'_, Pbx> {
        self.pbx.lock().unwrap()
    }

    /// All access tokens end.
    fn expire(&self) {
        self.pbx().access.clear();
    }

    /// How often it was asked: with the password, with a refresh token, and for something else.
    fn counts(&self) -> (usize, usize, usize) {
        let seen = self.scripted.seen();
        let count = |is: fn(&Seen) -> bool| seen.iter().filter(|seen| is(seen)).count();
        (
            count(|seen| seen.body.contains(r#""grant_type":"password""#)),
            count(|seen| seen.body.contains(r#""grant_type":"refresh_token""#)),
            count(|seen| seen.path == "/ns-api/v2/ask"),
        )
    }

    fn builder(&self, clock: &Arc<TestClock>) -> ClientBuilder {
        Client::builder()
            .base_url(&self.scripted.url)
            .password("acme.app", CLIENT_SECRET, "200@example.test", SECRET)
            .clock(Arc::<TestClock>::clone(clock))
    }

    fn client(&self, clock: &Arc<TestClock>) -> Client {
        self.builder(clock).build().unwrap()
    }
}

impl Pbx {
    fn answer(&mut self, seen: &Seen) -> Reply {
        if seen.path != "/ns-api/v2/tokens" {
            let bearer = seen.headers.get("authorization");
            let token = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
            return if token.is_some_and(|token| self.access.contains(token)) {
                Reply::ok("{}")
            } else {
                Reply::status(401, "", self.refusal)
            };
        }
        let form: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
        let is_refresh = form["grant_type"] == "refresh_token";
        let mood = if is_refresh {
            self.refresh
        } else {
            self.password
        };
        let known = match form["refresh_token"].as_str() {
            Some(token) => self.refresh_tokens.remove(token),
            None => true,
        };
        let reply = match mood {
            Mood::Gives if known => Reply::ok(self.token()),
            Mood::Gives | Mood::Refuses => Reply::status(
                400,
                "",
                format!(
                    r#"{{"error":"invalid_grant","error_description":"no {SECRET} of {MAIL}"}}"#
                ),
            ),
            Mood::IsDown => Reply::status(503, "", "down"),
            Mood::HangsUp => Reply::Close,
            Mood::WantsAPasscode => Reply::ok(
                r#"{"access_token":"pending-1","scope":"mfa_required","mfa_type":"authenticator","mfa_vendor":"google"}"#,
            ),
        };
        match self.hold.take() {
            Some(told) => Reply::When(told, Box::new(reply)),
            None => reply,
        }
    }

    fn token(&mut self) -> String {
        self.given += 1;
        let number = self.given;
        self.access.insert(format!("access-{number}"));
        let refresh_token = if self.gives_refresh_tokens {
            self.refresh_tokens.insert(format!("refresh-{number}"));
            format!(r#","refresh_token":"refresh-{number}""#)
        } else {
            String::new()
        };
        format!(
            r#"{{"username":"200@example.test","user":"200","territory":"Acme","domain":"example.test",
            "department":"n/a","uid":"200@example.test","login":"200@example.test","scope":"Basic User",
            "user_email":"{MAIL}","displayName":"Ann Doe","access_token":"access-{number}",
            "expires_in":{},"token_type":"Bearer","client_id":"acme.app",
            "apiversion":"Version: 44.1.2"{refresh_token}}}"#,
            self.expires_in
        )
    }
}

async fn ask(client: &Client) -> Result<()> {
    const ASK: Call = Call::asks("test");
    let path = Some(Path::new("/ask"));
    let answer = client.call(ASK, Method::GET, path, None, read_done).await;
    answer.map(|_| ())
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
struct TestClock(AtomicI64);

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_795_262_400_000)))
    }

    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}
