//! The answers of the server: documents, "accepted", and refusals, each in the vendor's shape.
//!
//! Called by the handlers. Nothing here repeats a text, a number or a credential of a call.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::options::{ServerOptions, Times};
use crate::backend::Refusal;
use crate::netsapiens::wire;
use crate::serve::{self, Failure};

/// What the vendor's servers say of a path or a method that they do not have.
const NO_ROUTE: &str = "No Route Found [92]";
/// What they say where the token is good and its rights do not suffice.
const NO_RIGHTS: &str = "Invalid Scope [APP001]";
/// What they say of a token that was good.
const EXPIRED: &str = "The access token provided has expired";
/// Of one that never was, or that is missing.
const NO_TOKEN: &str = "The access token is missing or not valid";
/// Of credentials.
const BAD_CREDENTIALS: &str = "Invalid credentials";
/// Of what is not there.
const NOT_FOUND: &str = "Resource not found.";

/// 200 with a document.
pub(super) fn document<T: Serialize>(document: &T) -> Response {
    write(StatusCode::OK, document)
}

/// 202, as most calls are answered that change something.
pub(super) fn accepted() -> Response {
    said(StatusCode::ACCEPTED, "Accepted")
}

/// A sentence with its status.
pub(super) fn said(status: StatusCode, message: &str) -> Response {
    let said = wire::Said {
        code: i64::from(status.as_u16()).into(),
        message: message.into(),
        ..wire::Said::default()
    };
    write(status, &said)
}

/// A failure in the vendor's shape.
pub(super) fn say(failure: &Failure) -> Response {
    let status = match failure {
        // The vendor has no more of them.
        Failure::TooLarge { .. } | Failure::WrongType { .. } => StatusCode::BAD_REQUEST,
        Failure::TimedOut => StatusCode::INTERNAL_SERVER_ERROR,
        // Paths and methods are one thing to the vendor: a route.
        Failure::NoSuchPath | Failure::WrongMethod => return no_route(),
        other => other.status(),
    };
    said(status, &failure.to_string())
}

fn no_route() -> Response {
    said(StatusCode::NOT_FOUND, NO_ROUTE)
}

fn write<T: Serialize>(status: StatusCode, document: &T) -> Response {
    let body = serde_json::to_vec(document).expect("texts and numbers can be written as JSON");
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// Why a call is not answered as it was meant to be.
#[derive(Debug)]
pub(super) enum Refused {
    /// What the call asks for is refused.
    Refusal {
        /// Why.
        refusal: Refusal,
        /// The status for too many calls.
        rate_limited_as: StatusCode,
    },
    /// A field is missing.
    Missing {
        /// Its name, or the names of those of which one is needed.
        field: &'static str,
    },
    /// A field, or a part of the path or of the query, is wrong.
    Wrong {
        /// Its name.
        field: Cow<'static, str>,
        /// What is wrong, as a clause that follows the name.
        fault: String,
    },
    /// The credentials of a sign-in are wrong.
    Credentials {
        /// The status that says it.
        status: StatusCode,
    },
    /// There is nothing of this kind, in the vendor's words.
    NotThere(String),
    /// There is one like it.
    Exists(&'static str),
    /// A key for programs has no domain and no user of its own.
    NobodyOfItsOwn,
    /// It never came to that.
    Failure(Failure),
}

impl Refused {
    /// What a backend refused.
    pub(super) fn of(refusal: Refusal, options: &ServerOptions) -> Self {
        match refusal {
            Refusal::Invalid { field, fault } => Self::wrong(field, fault),
            refusal => Self::Refusal {
                refusal,
                rate_limited_as: options.rate_limited_as,
            },
        }
    }

    /// A field that is wrong.
    pub(super) fn wrong(field: impl Into<Cow<'static, str>>, fault: impl Into<String>) -> Self {
        Self::Wrong {
            field: field.into(),
            fault: fault.into(),
        }
    }

    /// A token that is none.
    pub(super) fn no_token() -> Self {
        Self::Refusal {
            refusal: Refusal::Unauthorized,
            rate_limited_as: StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// A call for which the rights do not suffice.
    pub(super) fn no_rights() -> Self {
        Self::Refusal {
            refusal: Refusal::Forbidden {
                what: "this".to_owned(),
            },
            rate_limited_as: StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Self::Refusal {
                refusal,
                rate_limited_as,
            } => refused(&refusal, rate_limited_as),
            Self::Missing { field } => said(bad, &format!("Please include field {field}")),
            Self::Wrong { field, fault } => said(bad, &format!("{field} {fault}")),
            Self::Credentials { status } => said(status, BAD_CREDENTIALS),
            Self::NotThere(message) => said(StatusCode::NOT_FOUND, &message),
            Self::Exists(what) => {
                let sentence = format!("{what} already exists");
                said(StatusCode::CONFLICT, &sentence)
            }
            Self::NobodyOfItsOwn => said(bad, "~ needs a user"),
            Self::Failure(failure) => say(&failure),
        }
    }
}

fn refused(refusal: &Refusal, rate_limited_as: StatusCode) -> Response {
    let sentence = refusal.to_string();
    let answer = match refusal {
        Refusal::Unauthorized => said(StatusCode::UNAUTHORIZED, NO_TOKEN),
        Refusal::Expired => said(StatusCode::UNAUTHORIZED, EXPIRED),
        Refusal::Forbidden { .. } => said(StatusCode::UNAUTHORIZED, NO_RIGHTS),
        Refusal::Invalid { .. } => said(StatusCode::BAD_REQUEST, &sentence),
        Refusal::NotFound { .. } => said(StatusCode::NOT_FOUND, NOT_FOUND),
        Refusal::Duplicate => said(StatusCode::CONFLICT, "It already exists"),
        Refusal::InsufficientCredit => said(StatusCode::FORBIDDEN, &sentence),
        Refusal::RateLimited { .. } | Refusal::RecipientQuota => said(rate_limited_as, &sentence),
        Refusal::Unavailable { .. } => said(StatusCode::SERVICE_UNAVAILABLE, &sentence),
        // A backend without the area is a server of a version without it.
        Refusal::Unsupported => no_route(),
    };
    let mut answer = serve::with_retry_after(answer, refusal);
    if matches!(refusal, Refusal::Unauthorized | Refusal::Expired) {
        let challenge = HeaderValue::from_static("Bearer");
        answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// The most digits that are written as a JSON number: more do not survive the readers that take
/// every number for a float.
const MAX_NUMERIC_DIGITS: usize = 15;

/// A row of a list as this server writes it: which of the vendor's names for times it uses, and
/// whether what is all digits is a number in the fields `numeric`.
pub(super) fn dressed<T: Serialize>(row: &T, options: &ServerOptions, numeric: &[&str]) -> Value {
    let mut row = serde_json::to_value(row).expect("texts and numbers can be written as JSON");
    let Value::Object(fields) = &mut row else {
        return row;
    };
    if options.numeric_texts {
        for name in numeric {
            if let Some(value) = fields.get_mut(*name)
                && let Some(number) = value.as_str().and_then(as_number)
            {
                *value = number.into();
            }
        }
    }
    if options.times == Times::Timestamp {
        let names: Vec<String> = fields.keys().cloned().collect();
        for name in names {
            if let Some(stem) = name.strip_suffix("-datetime") {
                let renamed = format!("{stem}-timestamp");
                let value = fields.remove(&name).unwrap_or_default();
                fields.insert(renamed, value);
            }
        }
    }
    row
}

fn as_number(text: &str) -> Option<u64> {
    let is_all_digits = (1..=MAX_NUMERIC_DIGITS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit());
    // A zero at the front would be lost.
    let is_whole = is_all_digits && (text == "0" || !text.starts_with('0'));
    is_whole.then(|| text.parse().ok())?
}
