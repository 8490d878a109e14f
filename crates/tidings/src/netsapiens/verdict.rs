//! What an answer means, for the call and for its message. The one place where an HTTP status is
//! looked at.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use super::map::PROVIDER;
use super::wire;
use crate::answer::Answer;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::http::{Carries, HttpResponse};

/// What is called, as far as it decides what an answer means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Its name in errors and spans.
    pub(super) operation: &'static str,
    /// Whether something happens that must not happen twice.
    pub(super) carries: Carries,
}

impl Call {
    /// A call after which a phone may receive a text, or after which something is different.
    pub(super) const fn acts(operation: &'static str) -> Self {
        Self {
            operation,
            carries: Carries::Message,
        }
    }

    /// A call that can be repeated at will.
    pub(super) const fn asks(operation: &'static str) -> Self {
        Self {
            operation,
            carries: Carries::Question,
        }
    }

    /// An error of this call. That of a question is always "not sent".
    pub(super) fn error(
        self,
        kind: ErrorKind,
        acceptance: Acceptance,
        what: impl Into<Cow<'static, str>>,
    ) -> Error {
        let acceptance = match self.carries {
            Carries::Question => Acceptance::NotSent,
            Carries::Message => acceptance,
        };
        Error::new(kind, acceptance, what).during(PROVIDER, self.operation)
    }

    /// The error of a call that was not made.
    pub(super) fn not_sent(self, kind: ErrorKind, what: &'static str) -> Error {
        Error::not_sent(kind, what).during(PROVIDER, self.operation)
    }
}

/// Reads a list.
pub(super) fn read_rows<T: wire::Document>(
    call: Call,
    response: &HttpResponse,
) -> Result<Answer<Vec<T>>> {
    read_one::<wire::Rows<T>>(call, response).map(|answer| answer.map(|rows| rows.0))
}

/// Reads one document.
pub(super) fn read_one<T: DeserializeOwned>(
    call: Call,
    response: &HttpResponse,
) -> Result<Answer<T>> {
    let http = response.metadata();
    let value = serde_json::from_slice(&response.body).map_err(|_| {
        call.error(
            ErrorKind::Protocol,
            Acceptance::Unknown,
            "netsapiens gave an answer that cannot be read",
        )
    })?;
    Ok(Answer::new(value, http))
}

/// Reads the answer to a call that changes something: whatever its body is, a success is one unless
/// the body says that it is none.
pub(super) fn read_done(_call: Call, response: &HttpResponse) -> Result<Answer<()>> {
    Ok(Answer::new((), response.metadata()))
}
