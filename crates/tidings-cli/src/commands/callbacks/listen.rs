//! What answers the calls of `tidings callbacks`: bounded bodies, one path, a token if one is demanded.
//!
//! Hands what it hears to `mod.rs`, which writes it, and answers when that is done.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tidings::callback::{Callback, CallbackRequest, ParseCallback};
use tidings::serve::listen::{Answers, Caller};
use tokio::sync::{mpsc, oneshot};

/// Some ten thousand reports: far more than any provider puts into one call.
const MAX_BODY_BYTES: usize = 4 << 20;
/// How long the body of a call may take to come in.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is let in, and where what they say goes.
pub(super) struct Door {
    pub(super) path: String,
    pub(super) token: Option<Token>,
    pub(super) parse: ParseCallback,
    pub(super) heard: mpsc::Sender<Heard>,
}

/// One call.
#[derive(Debug)]
pub(super) enum Heard {
    Told {
        callbacks: Vec<Callback>,
        /// Told when everything has been written; dropped when it cannot be.
        written: oneshot::Sender<()>,
    },
    /// It was refused for this reason, which repeats nothing of it.
    Refused(String),
}

/// What a caller has to know.
#[derive(Debug)]
pub(super) struct Token(SecretString);

impl Token {
    pub(super) fn new(token: String) -> Self {
        Self(token.into())
    }

    fn is(&self, given: &str) -> bool {
        let token = self.0.expose_secret().as_bytes();
        token.ct_eq(given.as_bytes()).into()
    }
}

/// Why a call is refused.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    fn new(status: StatusCode, why: impl fmt::Display) -> Self {
        Self {
            status,
            why: why.to_string(),
        }
    }
}

impl Answers for Door {
    type Body = Full<Bytes>;
    type Error = Infallible;

    async fn answer(
        &self,
        _: &Caller,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        Ok(match self.hear(request).await {
            Ok(()) => Response::new(Full::default()),
            Err(Refusal { status, why }) => {
                let mut answer = Response::new(Full::from(format!("{why}\n")));
                *answer.status_mut() = status;
                let plain = HeaderValue::from_static("text/plain; charset=utf-8");
                answer.headers_mut().insert(header::CONTENT_TYPE, plain);
                // If the command has ended, there is nobody left to read it.
                self.heard.send(Heard::Refused(why)).await.ok();
                answer
            }
        })
    }
}

impl Door {
    /// Returns when everything that the call tells has been written.
    async fn hear(&self, request: Request<Incoming>) -> Result<(), Refusal> {
        let call = self.read(request).await?;
        let callbacks =
            (self.parse)(&call).map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error))?;
        let (written, is_written) = oneshot::channel();
        let told = Heard::Told { callbacks, written };
        if self.heard.send(told).await.is_ok() && is_written.await.is_ok() {
            return Ok(());
        }
        let why = "what the call tells could not be written";
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why))
    }

    async fn read(&self, request: Request<Incoming>) -> Result<CallbackRequest, Refusal> {
        let (head, body) = request.into_parts();
        if head.uri.path() != self.path {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "the call is for another path",
            ));
        }
        let query = self.admit(head.uri.query())?;
        let mut call = match head.method {
            Method::GET => CallbackRequest::get(query.unwrap_or_default()),
            Method::POST => {
                let body = tokio::time::timeout(PATIENCE, body_of(body)).await;
                let late =
                    |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the call comes in too slowly");
                CallbackRequest::post(head.headers.clone(), body.map_err(late)??).query(query)
            }
            _ => {
                let why = "the call is neither GET nor POST";
                return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why));
            }
        };
        call.headers = head.headers;
        Ok(call)
    }

    /// Checks the token and takes it away: what is left is the provider's.
    fn admit(&self, query: Option<&str>) -> Result<Option<String>, Refusal> {
        let Some(token) = &self.token else {
            return Ok(query.map(str::to_owned));
        };
        let given = |pair: &str| {
            let (name, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
            (name == "token").then(|| value.into_owned())
        };
        let pairs = || query.unwrap_or_default().split('&');
        if !pairs().filter_map(given).any(|given| token.is(&given)) {
            let why = "the call does not carry the token";
            return Err(Refusal::new(StatusCode::FORBIDDEN, why));
        }
        let others: Vec<&str> = pairs().filter(|pair| given(pair).is_none()).collect();
        Ok((!others.is_empty()).then(|| others.join("&")))
    }
}

async fn body_of(body: Incoming) -> Result<Bytes, Refusal> {
    let too_large = || {
        let why = format!("the call's body is larger than {MAX_BODY_BYTES} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    // What says so at the beginning is not waited for.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the call's body broke off",
        )),
    }
}
