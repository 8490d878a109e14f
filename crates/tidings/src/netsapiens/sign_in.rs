//! Signing in, for a client and all its clones: who needs a token gets the one that there is, and
//! when there is none, one call brings it for all who wait.
//!
//! Called by `client.rs` before every call, and when a call's token was refused. What is sent for a
//! token, and what the answers mean, is in `grant.rs`.
//!
//! How it works: the present token is read without a lock. Who finds none that is fresh joins the
//! flight that is under way, or starts one. A flight is a task of its own, so that it is carried
//! through when whoever started it has gone: a refresh token is used up by the call that presents it,
//! and its successor must not get lost with an answer that nobody waits for. All who joined share what
//! comes of it, a failure too. After a failure nobody asks again for a moment, which grows with every
//! failure after it: a wrong password must not be tried once for every message.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tidings_core::{Clock, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{Instrument, Span};

use super::grant::{Denied, Granted, OPERATION, TokenDesk};
use super::map::PROVIDER;
use super::second_step::{MfaChallenge, SignedIn};
use super::token::{Token, TokenStore};
use crate::error::{Error, ErrorKind, Result};

/// How long before its end a token is renewed, unless a tenth of its lifetime is less.
const LONGEST_MARGIN: Duration = Duration::from_mins(1);

/// How long nobody signs in after the first failure in a row; each one after it doubles that.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long it becomes at the most, unless the server asked for more.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long it is at the most when the server asked for it.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_mins(10);

/// What a call presents.
pub(super) struct Bearer {
    /// Marked as sensitive, so that nobody shows it.
    pub(super) header: HeaderValue,
    /// What it was made of; `None` for an API key.
    token: Option<Token>,
    renew_at: Option<Timestamp>,
    /// Whether the server has refused it as a token.
    is_refused: AtomicBool,
}

impl Bearer {
    /// What presents a key. `None` when no header can carry it.
    pub(super) fn of_key(key: &SecretString) -> Option<Self> {
        Some(Self {
            header: header(key)?,
            token: None,
            renew_at: None,
            is_refused: AtomicBool::new(false),
        })
    }

    /// What presents a token. `None` when no header can carry it.
    pub(super) fn of_token(token: Token) -> Option<Self> {
        let margin = LONGEST_MARGIN.min(token.expires_in / 10);
        Some(Self {
            header: header(&token.access_token)?,
            renew_at: Some(token.expires_at.minus(margin)),
            token: Some(token),
            is_refused: AtomicBool::new(false),
        })
    }

    /// What a program is told of it.
    pub(super) fn signed_in(&self) -> SignedIn {
        match &self.token {
            Some(token) => SignedIn::Done(Box::new(token.clone())),
            None => SignedIn::NotNeeded,
        }
    }

    /// Whether it has ended by this clock.
    pub(super) fn is_past_its_end(&self, now: Timestamp) -> bool {
        let token = self.token.as_ref();
        token.is_some_and(|token| token.expires_at <= now)
    }

    /// Whether it can be presented and need not be renewed.
    fn is_fresh(&self, now: Timestamp) -> bool {
        !self.is_refused.load(Ordering::Acquire) && self.renew_at.is_none_or(|at| now < at)
    }

    /// Whether it can be presented.
    fn is_usable(&self, now: Timestamp) -> bool {
        !self.is_refused.load(Ordering::Acquire) && !self.is_past_its_end(now)
    }
}

fn header(secret: &SecretString) -> Option<HeaderValue> {
    let value = ["Bearer ", secret.expose_secret().trim()].concat();
    let mut header = HeaderValue::try_from(value).ok()?;
    header.set_sensitive(true);
    Some(header)
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").finish_non_exhaustive()
    }
}

/// The sign-in of a client and its clones.
#[derive(Debug)]
pub(super) struct SignIn {
    present: ArcSwapOption<Bearer>,
    /// Where tokens come from; `None` where what was given is presented as it is.
    desk: Option<TokenDesk>,
    store: Option<Arc<dyn TokenStore>>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    flight: Option<Flight>,
    /// Flights go on when whoever asked for them has gone.
    tasks: JoinSet<()>,
    pause: Option<Pause>,
    failures_in_a_row: u32,
    /// What the next renewal presents before it presents the password.
    refresh_token: Option<SecretString>,
    is_store_read: bool,
}

impl State {
    /// The flight that will yet say what came of it. One that ended with its runtime before it began
    /// has left itself here, and will never say anything.
    fn flight_under_way(&self) -> Option<Flight> {
        let flight = self.flight.as_ref()?;
        flight.has_changed().is_ok().then(|| flight.clone())
    }
}

/// What comes of a flight, for everybody who waits for it.
type Flight = watch::Receiver<Option<Outcome>>;
type Outcome = std::result::Result<Signed, Arc<Error>>;

#[derive(Clone, Debug)]
pub(super) enum Signed {
    With(Arc<Bearer>),
    SecondStep(MfaChallenge),
}

/// Why nobody signs in at present.
#[derive(Clone, Debug)]
enum Pause {
    /// It has failed a moment ago.
    Failed {
        error: Arc<Error>,
        since: Timestamp,
        length: Duration,
    },
    /// A person has to do something first.
    SecondStep,
}

/// What a flight is for.
enum Errand {
    Renew,
    Answer(MfaChallenge, SecretString),
}

impl SignIn {
    /// Presents what was given, for ever.
    pub(super) fn with(bearer: Bearer, clock: Arc<dyn Clock>) -> Self {
        Self {
            present: ArcSwapOption::from_pointee(bearer),
            desk: None,
            store: None,
            clock,
            state: Mutex::default(),
        }
    }

    /// Signs in when the first token is needed.
    pub(super) fn at(
        desk: TokenDesk,
        store: Option<Arc<dyn TokenStore>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            present: ArcSwapOption::empty(),
            desk: Some(desk),
            store,
            clock,
            state: Mutex::default(),
        }
    }

    /// What the next call presents: the present token, or a new one.
    pub(super) async fn bearer(self: &Arc<Self>) -> Result<Arc<Bearer>> {
        let present = self.present.load();
        match &*present {
            Some(bearer) if self.desk.is_none() || bearer.is_fresh(self.clock.now()) => {
                Ok(Arc::clone(bearer))
            }
            _ => {
                drop(present);
                self.renewed().await
            }
        }
    }

    /// What a call presents when it is made once more, after the server refused `refused` as a token.
    /// `None` where there is no other.
    pub(super) async fn bearer_after(
        self: &Arc<Self>,
        refused: &Arc<Bearer>,
    ) -> Option<Result<Arc<Bearer>>> {
        self.desk.as_ref()?;
        // Only this one: another call may have brought a newer one in the meantime.
        refused.is_refused.store(true, Ordering::Release);
        Some(self.bearer().await)
    }

    /// The present token, whether or not it still holds.
    pub(super) fn token(&self) -> Option<Token> {
        self.present.load().as_ref()?.token.clone()
    }

    /// Signs in unless there is a token that is fresh. It does not wait for a pause to end. `None`
    /// where there is nothing to sign in with.
    pub(super) async fn sign_in(self: &Arc<Self>) -> Option<Result<Signed>> {
        self.desk.as_ref()?;
        self.lock().pause = None;
        let flight = match self.join() {
            Joined::Fresh(bearer) => return Some(Ok(Signed::With(bearer))),
            Joined::Flight(flight) => flight,
            Joined::Paused(pause) => return Some(Err(pause.error(self.clock.now()))),
        };
        Some(outcome(flight).await.map_err(|error| copy(&error)))
    }

    /// Drops the present token, which is worth nothing any more, and what it could be renewed with.
    pub(super) fn forget(&self) {
        if self.desk.is_none() {
            return;
        }
        if let Some(bearer) = &*self.present.load() {
            bearer.is_refused.store(true, Ordering::Release);
        }
        self.lock().refresh_token = None;
    }

    /// Answers to a second step, after the flight that may be under way. `None` where there is
    /// nothing to sign in with.
    pub(super) async fn answer(
        self: &Arc<Self>,
        challenge: MfaChallenge,
        passcode: SecretString,
    ) -> Option<Result<Signed>> {
        self.desk.as_ref()?;
        let flight = loop {
            let under_way = {
                let mut state = self.lock();
                match state.flight_under_way() {
                    Some(flight) => flight,
                    None => break self.start(&mut state, Errand::Answer(challenge, passcode)),
                }
            };
            drop(outcome(under_way).await);
        };
        Some(outcome(flight).await.map_err(|error| copy(&error)))
    }

    async fn renewed(self: &Arc<Self>) -> Result<Arc<Bearer>> {
        let error = match self.join() {
            Joined::Fresh(bearer) => return Ok(bearer),
            Joined::Flight(flight) => match outcome(flight).await {
                Ok(Signed::With(bearer)) => return Ok(bearer),
                Ok(Signed::SecondStep(_)) => second_step_is_due(),
                Err(error) => copy(&error),
            },
            Joined::Paused(pause) => pause.error(self.clock.now()),
        };
        // A token that could not be renewed ahead of its end is good until then.
        let present = self.present.load_full();
        present
            .filter(|bearer| bearer.is_usable(self.clock.now()))
            .ok_or(error)
    }

    fn join(self: &Arc<Self>) -> Joined {
        let now = self.clock.now();
        let mut state = self.lock();
        // A flight may have landed since the caller looked.
        if let Some(bearer) = self.present.load_full().filter(|it| it.is_fresh(now)) {
            return Joined::Fresh(bearer);
        }
        if let Some(flight) = state.flight_under_way() {
            return Joined::Flight(flight);
        }
        if let Some(pause) = state.pause.as_ref().filter(|pause| pause.holds(now)) {
            return Joined::Paused(pause.clone());
        }
        Joined::Flight(self.start(&mut state, Errand::Renew))
    }

    /// Starts a flight; there must be none.
    fn start(self: &Arc<Self>, state: &mut State, errand: Errand) -> Flight {
        let (tell, told) = watch::channel(None);
        let sign_in = Arc::clone(self);
        let flying = async move {
            let flight = UnderWay(&sign_in);
            let is_answer = matches!(errand, Errand::Answer(..));
            let outcome = sign_in.fly(errand).await;
            // Whoever waited may have gone.
            drop(tell.send(Some(flight.land(outcome, is_answer))));
        };
        while state.tasks.try_join_next().is_some() {}
        state.tasks.spawn(flying.instrument(Span::current()));
        state.flight = Some(told.clone());
        told
    }

    async fn fly(&self, errand: Errand) -> Result<Signed, Denied> {
        let desk = self.desk.as_ref().expect("only who has a desk flies");
        let granted = match errand {
            Errand::Renew => {
                if let Some(bearer) = self.stored(desk).await {
                    return Ok(Signed::With(bearer));
                }
                self.renew(desk).await?
            }
            Errand::Answer(challenge, passcode) => {
                let passcode = passcode.expose_secret();
                desk.second_step(&challenge, passcode).await?
            }
        };
        match granted {
            Granted::SecondStep(challenge) => Ok(Signed::SecondStep(challenge)),
            Granted::Token(token) => self.take(*token).await.map(Signed::With),
        }
    }

    /// The token of the run before, where one is kept and still holds. Looked at once.
    async fn stored(&self, desk: &TokenDesk) -> Option<Arc<Bearer>> {
        if std::mem::replace(&mut self.lock().is_store_read, true) {
            return None;
        }
        let token = match self.store.as_ref()?.load().await {
            Ok(token) => token?,
            Err(error) => {
                tracing::warn!(
                    provider = PROVIDER,
                    error.kind = error.kind().as_str(),
                    "the stored netsapiens token cannot be loaded, signing in"
                );
                return None;
            }
        };
        if !desk.owns(&token) {
            tracing::info!(
                provider = PROVIDER,
                "the stored netsapiens token is somebody else's, signing in"
            );
            return None;
        }
        self.lock().refresh_token.clone_from(&token.refresh_token);
        let bearer = Arc::new(Bearer::of_token(token)?);
        bearer.is_fresh(self.clock.now()).then_some(bearer)
    }

    /// A new token for the refresh token, or else for the password.
    async fn renew(&self, desk: &TokenDesk) -> Result<Granted, Denied> {
        let refresh_token = self.lock().refresh_token.clone();
        if let Some(refresh_token) = refresh_token {
            match desk.refresh(&refresh_token).await {
                Err(denied) if denied.is_final => {
                    self.lock().refresh_token = None;
                    tracing::info!(
                        provider = PROVIDER,
                        error.kind = denied.error.kind().as_str(),
                        "netsapiens does not take the refresh token, signing in with the password"
                    );
                }
                granted_or_not_now => return granted_or_not_now,
            }
        }
        desk.password().await
    }

    /// Keeps a new token: nobody uses it before it is saved.
    async fn take(&self, token: Token) -> Result<Arc<Bearer>, Denied> {
        if let Some(store) = &self.store
            && let Err(error) = store.save(&token).await
        {
            tracing::warn!(
                provider = PROVIDER,
                error.kind = error.kind().as_str(),
                "the new netsapiens token cannot be stored; it is used all the same"
            );
        }
        let refresh_token = token.refresh_token.clone();
        let bearer = Bearer::of_token(token).ok_or_else(|| Denied {
            error: Error::not_sent(
                ErrorKind::Protocol,
                "netsapiens gave a token that no header can carry",
            )
            .during(PROVIDER, OPERATION),
            is_final: true,
        })?;
        // An answer without a new refresh token leaves none: the one before is used up.
        self.lock().refresh_token = refresh_token;
        Ok(Arc::new(bearer))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Joined {
    Fresh(Arc<Bearer>),
    Flight(Flight),
    Paused(Pause),
}

impl Pause {
    /// A pause that begins in the future is that of a clock that was set back, and over.
    fn holds(&self, now: Timestamp) -> bool {
        match self {
            Self::SecondStep => true,
            Self::Failed { since, length, .. } => *since <= now && now.since(*since) < *length,
        }
    }

    fn error(&self, now: Timestamp) -> Error {
        match self {
            Self::SecondStep => second_step_is_due(),
            Self::Failed {
                error,
                since,
                length,
            } => {
                let error = copy(error);
                let passes = matches!(
                    error.kind(),
                    ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout
                );
                if passes {
                    error.with_retry_after(length.saturating_sub(now.since(*since)))
                } else {
                    error
                }
            }
        }
    }
}

/// A flight under way; when it ends without landing, by a panic or with its runtime, the next one can
/// start.
struct UnderWay<'a>(&'a SignIn);

impl UnderWay<'_> {
    /// Puts what came of the flight where everybody finds it.
    fn land(self, outcome: Result<Signed, Denied>, is_answer: bool) -> Outcome {
        let sign_in = self.0;
        let now = sign_in.clock.now();
        let mut state = sign_in.lock();
        match outcome {
            Ok(signed) => {
                state.failures_in_a_row = 0;
                state.pause = match &signed {
                    Signed::With(bearer) => {
                        sign_in.present.store(Some(Arc::clone(bearer)));
                        None
                    }
                    Signed::SecondStep(_) => Some(Pause::SecondStep),
                };
                Ok(signed)
            }
            // The second step is due as it was before.
            Err(Denied { error, .. }) if is_answer => Err(Arc::new(error)),
            Err(Denied { error, .. }) => {
                let doublings = state.failures_in_a_row.min(10);
                state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
                let own = (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE);
                let asked = error.retry_after().unwrap_or_default();
                let length = own.max(asked.min(LONGEST_ASKED_PAUSE));
                let error = Arc::new(error);
                state.pause = Some(Pause::Failed {
                    error: Arc::clone(&error),
                    since: now,
                    length,
                });
                Err(error)
            }
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().flight = None;
    }
}

async fn outcome(mut flight: Flight) -> Outcome {
    let told = flight.wait_for(Option::is_some).await;
    let outcome = told.ok().and_then(|told| told.clone());
    outcome.unwrap_or_else(|| Err(Arc::new(broken_off())))
}

/// The same error for somebody else who waited.
fn copy(error: &Arc<Error>) -> Error {
    let copy = error.copy_without_source();
    match std::error::Error::source(&**error) {
        Some(_) => copy.with_source(Cause(Arc::clone(error))),
        None => copy,
    }
}

/// The cause of an error that several share.
#[derive(Debug)]
struct Cause(Arc<Error>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::error::Error::source(&*self.0) {
            Some(cause) => fmt::Display::fmt(cause, f),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)?.source()
    }
}

fn second_step_is_due() -> Error {
    Error::not_sent(
        ErrorKind::Unauthorized,
        "netsapiens wants a second step of signing in, a passcode, which only a program can answer (Client::sign_in and Client::answer)",
    )
    .during(PROVIDER, OPERATION)
}

fn broken_off() -> Error {
    Error::not_sent(ErrorKind::Unavailable, "the sign-in was broken off")
        .during(PROVIDER, OPERATION)
}
