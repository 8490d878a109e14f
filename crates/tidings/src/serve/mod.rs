//! The server half, shared by all providers: what happens to every call before and after a vendor's
//! own handler sees it.
//!
//! Called by each provider's `server.rs`, which adds the vendor's paths, names and shapes and says
//! every [`Failure`] in the vendor's shape. Nothing here knows a vendor, and nothing of a call's
//! contents, its query or its credentials reaches a log: a span holds the method, the path as it
//! was registered and the id of the request. In `listen.rs` is what takes the connections, in `tls/`
//! the certificates for it.

#[cfg(feature = "listen")]
pub mod listen;
#[cfg(feature = "tls-server")]
pub mod tls;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tracing::Instrument;

use crate::Media;
use crate::backend::Refusal;

/// The header that gives every answer's id, for support cases.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How a vendor's API is served: limits, and where the ids of the requests come from.
#[derive(Clone, Debug)]
pub struct Serving {
    max_body_bytes: usize,
    time_limit: Duration,
    ids: Arc<Mutex<fastrand::Rng>>,
}

impl Serving {
    /// 8 MiB: one call with a text and 100,000 recipients takes 1.2 MiB where the numbers are
    /// written as nine digits, and some 3 MiB where they are written with blanks and country code.
    pub const DEFAULT_MAX_BODY_BYTES: usize = 8 << 20;

    /// Bodies of at most [`DEFAULT_MAX_BODY_BYTES`](Self::DEFAULT_MAX_BODY_BYTES), calls of at most
    /// 30 seconds, ids of requests drawn from `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self {
            max_body_bytes: Self::DEFAULT_MAX_BODY_BYTES,
            time_limit: Duration::from_secs(30),
            ids: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
        }
    }

    /// Sets the largest body that is read, in bytes.
    #[must_use]
    pub fn max_body_bytes(mut self, limit: usize) -> Self {
        self.max_body_bytes = limit;
        self
    }

    /// Sets how long a call may take, from its head to its answer.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    fn next_id(&self) -> String {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        format!("{:016x}", ids.u64(..))
    }
}

/// With a seed of the program's own: for servers whose ids need not be the same in every run.
impl Default for Serving {
    fn default() -> Self {
        Self::seeded(fastrand::u64(..))
    }
}

/// Why a call never reaches the vendor's function that it was meant for, or brings nothing back from
/// it. What the function itself refuses is a [`Refusal`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The body is no JSON object.
    NotJson {
        /// What is wrong with it, as a clause that follows "the body".
        fault: String,
    },
    /// The body ended before it was whole.
    BrokenOff,
    /// The body is in a form that this path does not read.
    WrongType {
        /// What is read instead, as the end of a sentence.
        demand: &'static str,
    },
    /// The body is larger than is read.
    TooLarge {
        /// What is read, in bytes.
        limit_bytes: usize,
    },
    /// The API has no such path.
    NoSuchPath,
    /// The path does not take this method.
    WrongMethod,
    /// It took longer than a call may: nobody knows whether it was carried out.
    TimedOut,
    /// A defect of this server.
    Broken,
}

impl Failure {
    /// The HTTP status that says it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotJson { .. } | Self::BrokenOff => StatusCode::BAD_REQUEST,
            Self::WrongType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A sentence for the caller. It repeats nothing of what the caller sent.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotJson { fault } => write!(f, "the body {fault}"),
            Self::BrokenOff => f.write_str("the body broke off"),
            Self::WrongType { demand } => write!(f, "the body must be {demand}"),
            Self::TooLarge { limit_bytes } => {
                write!(f, "the body is larger than {limit_bytes} bytes")
            }
            Self::NoSuchPath => f.write_str("no such path"),
            Self::WrongMethod => f.write_str("this path does not take this method"),
            Self::TimedOut => {
                f.write_str("the call took too long; whether it was carried out is not known")
            }
            Self::Broken => f.write_str("the server failed"),
        }
    }
}

impl std::error::Error for Failure {}

/// Adds `Retry-After` to the answer to a call that was refused for now.
pub fn with_retry_after(mut answer: Response, refusal: &Refusal) -> Response {
    if let Refusal::RateLimited { retry_after } | Refusal::Unavailable { retry_after } = refusal
        && let Some(wait) = retry_after
    {
        // Rounded up: who comes back a moment early is refused again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// Puts a vendor's finished routes, fallbacks included, under what holds for every call: limits, an
/// id on each answer, a span, and a panic that costs one answer and not the server. `say` is the
/// vendor's shape of a failure.
pub fn attend(routes: Router, serving: Serving, say: fn(&Failure) -> Response) -> Router {
    let attendant = Attendant { serving, say };
    routes.layer(middleware::from_fn_with_state(attendant, attend_call))
}

#[derive(Clone)]
struct Attendant {
    serving: Serving,
    say: fn(&Failure) -> Response,
}

async fn attend_call(
    State(attendant): State<Attendant>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = attendant.serving.next_id();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    // Most programs log no spans; with DEBUG every line of a call names it.
    let span = tracing::debug_span!(
        "call",
        request.id = %id,
        method = %request.method(),
        path = matched.as_ref().map_or("unknown", MatchedPath::as_str),
    );
    let limit = BodyLimit(attendant.serving.max_body_bytes);
    request.extensions_mut().insert(limit);
    let call = async {
        let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
        let answer = match tokio::time::timeout(attendant.serving.time_limit, handled).await {
            Ok(Ok(answer)) => answer,
            // What the panic said may hold contents of the call: it is not logged.
            Ok(Err(_panic)) => {
                tracing::error!(request.id = %id, "a handler panicked");
                (attendant.say)(&Failure::Broken)
            }
            Err(_elapsed) => {
                tracing::warn!(request.id = %id, "a call was given up at its time limit");
                (attendant.say)(&Failure::TimedOut)
            }
        };
        tracing::debug!(status = answer.status().as_u16(), "answered a call");
        answer
    };
    let mut answer = call.instrument(span).await;
    let id = HeaderValue::try_from(id).expect("hexadecimal digits make a header value");
    answer.headers_mut().insert(REQUEST_ID, id);
    answer
}

/// Answers with the file of a message. It may have come from a stranger: a browser must save it and not show
/// it as a page of ours, and nobody on the way keeps a copy.
pub fn attachment(media: &Media) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media.mime_type()),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (headers, media.content().clone()).into_response()
}

#[derive(Clone, Copy)]
struct BodyLimit(usize);

/// What a listener puts into the extensions of a request that reached it over TLS, so that a server
/// half can write addresses of its own that work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverTls;

impl OverTls {
    /// The mark of a request that came over TLS.
    pub const fn new() -> Self {
        Self
    }
}

impl Default for OverTls {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads a request's body as a JSON object, whatever its content type says: vendors' own clients
/// send it with and without a character set, and some without any type.
///
/// # Errors
/// [`Failure::NotJson`], and those of [`read_body`].
pub async fn read_json_object(request: Request) -> Result<JsonObject, Failure> {
    JsonObject::parse(read_body(request).await?)
}

/// Reads a request's body to its end, within the limit of the [`Serving`] that attends the call.
///
/// # Errors
/// [`Failure::TooLarge`] and [`Failure::BrokenOff`].
pub async fn read_body(request: Request) -> Result<Bytes, Failure> {
    let limit = request.extensions().get::<BodyLimit>().copied();
    let limit_bytes = limit.map_or(Serving::DEFAULT_MAX_BODY_BYTES, |BodyLimit(bytes)| bytes);
    read_body_within(request, limit_bytes).await
}

/// Reads a request's body to its end, within a limit of its own.
///
/// # Errors
/// [`Failure::TooLarge`] and [`Failure::BrokenOff`].
pub async fn read_body_within(request: Request, limit_bytes: usize) -> Result<Bytes, Failure> {
    axum::body::to_bytes(request.into_body(), limit_bytes)
        .await
        .map_err(|error| {
            let cause = std::error::Error::source(&error);
            if cause.is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
                Failure::TooLarge { limit_bytes }
            } else {
                Failure::BrokenOff
            }
        })
}

/// A JSON object that is checked field by field before it is read, so that a wrong one can be named.
///
/// A field that is `null` counts as missing. The faults repeat nothing of the values.
pub struct JsonObject {
    fields: Map<String, Value>,
    /// The text itself: a number of twenty digits does not survive the way through a [`Value`].
    text: Bytes,
}

impl JsonObject {
    /// Reads the text of an object.
    ///
    /// # Errors
    /// [`Failure::NotJson`] saying where it stops being JSON, or that it is something else than an
    /// object.
    pub fn parse(text: Bytes) -> Result<Self, Failure> {
        let not_json = |fault: String| Err(Failure::NotJson { fault });
        match serde_json::from_slice(&text) {
            Ok(Value::Object(fields)) => Ok(Self { fields, text }),
            Ok(_) => not_json("is no JSON object".to_owned()),
            Err(_) if text.is_empty() => not_json("is empty".to_owned()),
            Err(error) => not_json(format!(
                "is no JSON: it goes wrong at line {}, column {}",
                error.line(),
                error.column()
            )),
        }
    }

    /// Checks that the fields have the forms that a wire type needs, then reads the wire type.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] naming the first field of `shape` that is missing or has another form.
    pub fn read<T: DeserializeOwned>(&self, shape: &[(&'static str, Form)]) -> Result<T, Refusal> {
        for (field, form) in shape {
            match self.fields.get(*field) {
                None | Some(Value::Null) => return Err(Refusal::invalid(field, "is missing")),
                Some(value) if !form.fits(value) => {
                    return Err(Refusal::invalid(field, form.demand()));
                }
                Some(_) => {}
            }
        }
        // What is left to go wrong is a field that is there twice.
        serde_json::from_slice(&self.text)
            .map_err(|_| Refusal::invalid("body", "has a field twice or in a wrong form"))
    }
}

/// Shows the names of the fields and none of their values.
impl std::fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.fields.keys()).finish()
    }
}

/// The form that a field of a JSON object must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A text with something in it besides blanks.
    Text,
    /// Such a text of at most [`Form::MAX_NAME_LENGTH`] characters.
    Name,
    /// A [`Form::Name`], or a whole number that is not negative: an id, a phone number.
    TextOrNumber,
    /// A list of at least one of these.
    TextsOrNumbers,
}

impl Form {
    /// The longest name, id or phone number that is read, in characters.
    pub const MAX_NAME_LENGTH: usize = 255;

    fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text, Value::String(text)) => !text.trim().is_empty(),
            (Self::Name | Self::TextOrNumber, Value::String(text)) => {
                !text.trim().is_empty() && text.chars().count() <= Self::MAX_NAME_LENGTH
            }
            (Self::TextOrNumber, Value::Number(number)) => number.is_u64(),
            (Self::TextsOrNumbers, Value::Array(items)) => {
                !items.is_empty() && items.iter().all(|item| Self::TextOrNumber.fits(item))
            }
            (Self::Text | Self::Name | Self::TextOrNumber | Self::TextsOrNumbers, _) => false,
        }
    }

    fn demand(self) -> &'static str {
        match self {
            Self::Text => "must be a text that is not empty",
            Self::Name => "must be a text of 1 to 255 characters",
            Self::TextOrNumber => "must be a text of 1 to 255 characters, or a whole number",
            Self::TextsOrNumbers => {
                "must be a list of at least one text of 1 to 255 characters or whole number"
            }
        }
    }
}
