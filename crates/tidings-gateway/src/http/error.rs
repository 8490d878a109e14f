//! What is wrong, as a problem document (RFC 9457): [`Problem`].
//!
//! Made by every handler and by what stands around them; the only place where an error becomes an HTTP
//! status. A problem holds no secret, no text and no full number. The codes are stable words.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use tidings::serve::Failure;
use tidings_store::{StoreError, StoreErrorKind};
use utoipa::ToSchema;

use crate::access::{Denied, KeyError};
use crate::intake::batch::AddError;
use crate::intake::resend::ResendError;
use crate::intake::{Rejection, RejectionCode};
use crate::settings::SettingsError;

/// The type of problem documents.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident => $word:literal, $status:ident;)+) => {
        /// What kind of problem it is. The words are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Code {
            $($(#[doc = $doc])* $variant,)+
            /// A message was not taken.
            Rejected(RejectionCode),
        }

        impl Code {
            /// Every code that is no rejection of a message.
            pub(crate) const OWN: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Rejected(code) => code.as_str(),
                }
            }

            /// The status that says it.
            pub(crate) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                    Self::Rejected(code) => status_of(code),
                }
            }

            /// What it means, in a sentence.
            pub(crate) const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
                    Self::Rejected(code) => meaning_of(code),
                }
            }
        }
    };
}

codes!(
    /// The body is no JSON.
    InvalidJson => "invalid_json", BAD_REQUEST;
    /// Something in the body has the wrong form.
    InvalidRequest => "invalid_request", UNPROCESSABLE_ENTITY;
    /// Something behind the question mark has the wrong form.
    InvalidQuery => "invalid_query", BAD_REQUEST;
    /// The cursor is none that a page named.
    InvalidCursor => "invalid_cursor", BAD_REQUEST;
    /// The Idempotency-Key is empty, too long or has other characters than visible ASCII.
    InvalidIdempotencyKey => "invalid_idempotency_key", BAD_REQUEST;
    /// The body broke off, or its compression is not what the header says.
    IncompleteBody => "incomplete_body", BAD_REQUEST;
    /// No key was presented.
    Unauthorized => "unauthorized", UNAUTHORIZED;
    /// The key is not good.
    InvalidKey => "invalid_key", UNAUTHORIZED;
    /// The key was good until a time that is over.
    KeyExpired => "key_expired", UNAUTHORIZED;
    /// The key was revoked.
    KeyRevoked => "key_revoked", UNAUTHORIZED;
    /// The key does not allow this.
    MissingScope => "missing_scope", FORBIDDEN;
    /// The key may not be used from this address.
    NetworkNotAllowed => "network_not_allowed", FORBIDDEN;
    /// There is no such thing, or it belongs to another account.
    NotFound => "not_found", NOT_FOUND;
    /// The path does not take this method.
    MethodNotAllowed => "method_not_allowed", METHOD_NOT_ALLOWED;
    /// Something of this name is there already, or its state does not allow this.
    Conflict => "conflict", CONFLICT;
    /// The request with this Idempotency-Key is being worked on at this moment.
    RequestInProgress => "request_in_progress", CONFLICT;
    /// Messages in this state are not sent again.
    NotResendable => "not_resendable", CONFLICT;
    /// The body is larger than is read.
    BodyTooLarge => "body_too_large", PAYLOAD_TOO_LARGE;
    /// The body is in a form that this path does not read.
    UnsupportedMediaType => "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE;
    /// Too many wrong keys were presented.
    LockedOut => "locked_out", TOO_MANY_REQUESTS;
    /// The key made too many requests.
    RateLimited => "rate_limited", TOO_MANY_REQUESTS;
    /// Something here is broken; it is in the log.
    Internal => "internal", INTERNAL_SERVER_ERROR;
    /// More messages wait than may.
    QueueFull => "queue_full", SERVICE_UNAVAILABLE;
    /// More requests wait than may.
    Overloaded => "overloaded", SERVICE_UNAVAILABLE;
    /// The store cannot be written or read at present.
    StoreUnavailable => "store_unavailable", SERVICE_UNAVAILABLE;
    /// The gateway is not ready.
    NotReady => "not_ready", SERVICE_UNAVAILABLE;
    /// It took longer than a request may; whether it was carried out is not known.
    TimedOut => "timed_out", GATEWAY_TIMEOUT;
);

const fn status_of(code: RejectionCode) -> StatusCode {
    match code {
        RejectionCode::InvalidRecipient
        | RejectionCode::InvalidSender
        | RejectionCode::InvalidText
        | RejectionCode::InvalidRequest
        | RejectionCode::OptedOut
        | RejectionCode::NoRoute
        | RejectionCode::TooManyRows
        | RejectionCode::DuplicateRow
        | RejectionCode::KeyReused
        | RejectionCode::WindowOver => StatusCode::UNPROCESSABLE_ENTITY,
        RejectionCode::QuotaExceeded | RejectionCode::Inactive => StatusCode::FORBIDDEN,
    }
}

const fn meaning_of(code: RejectionCode) -> &'static str {
    match code {
        RejectionCode::InvalidRecipient => "No phone has this number.",
        RejectionCode::InvalidSender => "The sender has no valid form, or no lane allows it.",
        RejectionCode::InvalidText => "The text is empty, too long or cannot be encoded.",
        RejectionCode::InvalidRequest => "Something in the body has the wrong form.",
        RejectionCode::OptedOut => "The recipient does not want texts.",
        RejectionCode::QuotaExceeded => "The account's quota is used up.",
        RejectionCode::NoRoute => "No route leads to a lane that can carry it.",
        RejectionCode::TooManyRows => "The batch has as many rows as it may.",
        RejectionCode::DuplicateRow => "The same message stands in the batch already.",
        RejectionCode::KeyReused => "The Idempotency-Key was used for another request.",
        RejectionCode::WindowOver => "The time in which it may leave is over.",
        RejectionCode::Inactive => "The account may not send.",
    }
}

/// Something is wrong with a request, or with us.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    field: Option<Box<str>>,
    retry_after: Option<Duration>,
}

/// A result of a handler.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'p> {
    /// The page that explains the code.
    #[serde(rename = "type")]
    #[schema(value_type = String, format = "uri-reference")]
    kind: String,
    /// The kind of problem in words.
    #[schema(value_type = String)]
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    #[schema(value_type = String)]
    detail: &'p str,
    /// The kind of problem as a stable word.
    #[schema(value_type = String)]
    code: &'static str,
    /// Where in the body it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    field: Option<&'p str>,
}

impl Problem {
    /// A problem with a sentence about it.
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            field: None,
            retry_after: None,
        }
    }

    /// There is no such thing; `what` is its kind, such as `message`.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// A member of the body is wrong.
    pub(crate) fn of_field(
        field: impl Into<Box<str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Code::InvalidRequest, detail).at(field)
    }

    /// Says where in the body it is wrong.
    #[must_use]
    pub(crate) fn at(mut self, field: impl Into<Box<str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says when it is worth asking again.
    #[must_use]
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What kind of problem it is.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// What is wrong.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Where in the body it is wrong.
    pub(crate) fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The document as JSON.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let status = self.code.status();
        let document = ProblemDocument {
            kind: format!("/docs/errors#{}", self.code.as_str()),
            title: self.code.meaning(),
            status: status.as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            field: self.field.as_deref(),
        };
        serde_json::to_vec(&document).expect("texts and a number are JSON")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content = HeaderValue::from_static(PROBLEM_JSON);
        let mut response = (self.code.status(), self.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content);
        if self.code.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"tidings\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = self.retry_after {
            // Rounded up: who comes back a moment early is refused again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// Says in our shape why a request never reached its handler.
pub(crate) fn say(failure: &Failure) -> Response {
    let code = match failure {
        Failure::NotJson { .. } => Code::InvalidJson,
        Failure::BrokenOff => Code::IncompleteBody,
        Failure::WrongType { .. } => Code::UnsupportedMediaType,
        Failure::TooLarge { .. } => Code::BodyTooLarge,
        Failure::NoSuchPath => Code::NotFound,
        Failure::WrongMethod => Code::MethodNotAllowed,
        Failure::TimedOut => Code::TimedOut,
        // `Failure` may grow: what is not known here is ours.
        _ => Code::Internal,
    };
    Problem::new(code, failure.to_string()).into_response()
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::NotFound => Self::new(Code::NotFound, error.to_string()),
            StoreErrorKind::Conflict => Self::new(Code::Conflict, error.to_string()),
            StoreErrorKind::Unavailable => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the store is away"
                );
                let detail = "the store is away at present; nothing was kept";
                Self::new(Code::StoreUnavailable, detail).retry_after(Duration::from_secs(1))
            }
            // `StoreErrorKind` may grow: what is not known here is for the log.
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
                Self::new(Code::Internal, "the store failed")
            }
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let detail = denied.to_string();
        match denied {
            Denied::Wrong => Self::new(Code::InvalidKey, detail),
            Denied::Expired => Self::new(Code::KeyExpired, detail),
            Denied::Revoked => Self::new(Code::KeyRevoked, detail),
            Denied::Network => Self::new(Code::NetworkNotAllowed, detail),
            Denied::LockedOut { retry_after } => {
                Self::new(Code::LockedOut, detail).retry_after(retry_after)
            }
            Denied::RateLimited { retry_after, .. } => {
                Self::new(Code::RateLimited, detail).retry_after(retry_after)
            }
            Denied::Store(error) => error.into(),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NoSuchApi { .. } => Self::of_field("api", error.to_string()),
            KeyError::BadSetting { .. } => Self::of_field("settings", error.to_string()),
            KeyError::NoRandomness(_) => {
                tracing::error!("the system gave no randomness for a key");
                Self::new(Code::Internal, error.to_string())
            }
            KeyError::Store(error) => error.into(),
        }
    }
}

impl From<AddError> for Problem {
    fn from(error: AddError) -> Self {
        match error {
            AddError::OtherRow { .. } => {
                let detail =
                    format!("{error}; send the same rows again, or others under a new key");
                Self::new(Code::Rejected(RejectionCode::KeyReused), detail)
            }
            AddError::Store(error) => error.into(),
        }
    }
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound(what) => Self::not_found(what),
            ResendError::MayHaveLeft | ResendError::NotDead(_) => {
                Self::new(Code::NotResendable, error.to_string())
            }
            ResendError::Store(error) => error.into(),
        }
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        let field = format!("settings.{}", error.field());
        Self::of_field(field.trim_end_matches('.'), error.to_string())
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        Self::new(Code::Rejected(rejection.code), rejection.detail)
    }
}
