//! What an answer of PassInfo means for the call: a value, or an error with its kind and acceptance.
//! The one place where a status code of PassInfo is looked at.
//!
//! Called by `client.rs` with every answer. It sends nothing and repeats nothing.
//!
//! The vendor documents 400, 401, 404, 429 and 500 and no error body. The other statuses are read as
//! HTTP defines them, and whatever leaves a doubt about a message is
//! [`Acceptance::Unknown`].

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::map::PROVIDER;
use super::wire;
use crate::answer::{Answer, HttpMetadata};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::http::{Carries, HttpResponse};

/// What is called, as far as it decides what an answer means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Its name in errors and spans.
    pub(super) operation: &'static str,
    /// Whether something happens that must not happen twice.
    pub(super) carries: Carries,
    /// Whether the answer is a secret, so that no error may quote it.
    answer_is_secret: bool,
}

impl Call {
    /// A call after which a phone may receive a text, or after which there is one thing more.
    pub(super) const fn acts(operation: &'static str) -> Self {
        Self {
            operation,
            carries: Carries::Message,
            answer_is_secret: false,
        }
    }

    /// A call that can be repeated at will.
    pub(super) const fn asks(operation: &'static str) -> Self {
        Self {
            operation,
            carries: Carries::Question,
            answer_is_secret: false,
        }
    }

    /// The renewal of the key.
    pub(super) const fn renews(operation: &'static str) -> Self {
        Self {
            operation,
            carries: Carries::Message,
            answer_is_secret: true,
        }
    }

    /// The error of an answer that does not hold what it should.
    pub(super) fn unreadable(self, what: &'static str, http: HttpMetadata) -> Error {
        self.error(ErrorKind::Protocol, Acceptance::Unknown, what)
            .with_http(http)
    }

    /// An error of this call. That of a question is always "not sent".
    fn error(self, kind: ErrorKind, acceptance: Acceptance, what: &'static str) -> Error {
        let acceptance = match self.carries {
            Carries::Question => Acceptance::NotSent,
            Carries::Message => acceptance,
        };
        Error::new(kind, acceptance, what).during(PROVIDER, self.operation)
    }
}

/// An answer as far as it tells whether the call succeeded.
pub(super) trait Judged: DeserializeOwned + Send {
    /// Whether a success says so in words. Of the other answers, the form is the success, unless
    /// they say that they are a failure.
    const SAYS_SUCCESS: bool;

    /// Whether this is one.
    fn is_success(&self) -> bool;
}

/// Implements [`Judged`] for answers with `status` and `success`.
macro_rules! judged_by_word {
    ($($answer:ident),*) => {$(
        impl Judged for wire::$answer {
            const SAYS_SUCCESS: bool = true;

            fn is_success(&self) -> bool {
                let word = self.status.as_deref();
                let word = word.map(|word| word.trim().eq_ignore_ascii_case("success"));
                // What says yes in one place and no in the other is no success.
                match (self.success, word) {
                    (Some(yes), Some(success)) => yes && success,
                    (Some(yes), None) => yes,
                    (None, word) => word == Some(true),
                }
            }
        }
    )*};
}

/// Implements [`Judged`] for answers whose own fields are the success.
macro_rules! judged_by_form {
    ($($answer:ident),*) => {$(
        impl Judged for wire::$answer {
            const SAYS_SUCCESS: bool = false;

            fn is_success(&self) -> bool {
                true
            }
        }
    )*};
}

judged_by_word!(
    SendAnswer,
    BulkAnswer,
    GroupAnswer,
    AddContactAnswer,
    DoneAnswer
);
judged_by_form!(
    StatusAnswer,
    BulkStatusAnswer,
    BalanceAnswer,
    RenewAnswer,
    ContactsAnswer,
    GroupsAnswer,
    CreateGroupAnswer
);

/// Reads an answer.
///
/// # Errors
/// What the status says when it is not a success; [`ErrorKind::Rejected`] for a failure inside a
/// success; [`ErrorKind::Protocol`] for a body that is empty, not JSON or of another form.
pub(super) fn read<T: Judged>(call: Call, response: &HttpResponse) -> Result<Answer<T>> {
    let http = response.metadata();
    if !(200..300).contains(&http.status) {
        return Err(failed(call, response, http));
    }
    let answer: Option<T> = serde_json::from_slice(&response.body).ok();
    match answer {
        // The word for success rules out the words for failure, and saves the second reading.
        Some(answer) if T::SAYS_SUCCESS && answer.is_success() => Ok(Answer::new(answer, http)),
        answer => read_again(call, response, http, answer),
    }
}

/// Reads an answer that has not said that it is a success.
fn read_again<T: Judged>(
    call: Call,
    response: &HttpResponse,
    http: HttpMetadata,
    answer: Option<T>,
) -> Result<Answer<T>> {
    let fault = fault_in(&response.body);
    if let Some(fault) = fault.as_ref().filter(|fault| says_failure(call, fault)) {
        return Err(hidden_failure(call, fault, http));
    }
    match answer {
        Some(answer) if answer.is_success() => Ok(Answer::new(answer, http)),
        Some(_) | None => {
            let what = if response.body.is_empty() {
                "passinfo gave an empty answer"
            } else if fault.is_none() && !starts_a_list(&response.body) {
                "passinfo gave an answer that is not json"
            } else {
                "passinfo gave an answer of a form that is not documented"
            };
            let error = call.unreadable(what, http);
            Err(with_words(call, error, fault.as_ref(), &response.body))
        }
    }
}

/// The error of a status that is not a success.
fn failed(call: Call, response: &HttpResponse, http: HttpMetadata) -> Error {
    let (kind, mut acceptance, what) = meaning(http.status, http.retry_after.is_some());
    let fault = fault_in(&response.body);
    if fault.as_ref().is_some_and(may_have_queued_some) {
        acceptance = Acceptance::Unknown;
    }
    let code = fault.as_ref().and_then(|fault| scalar(fault.code.as_ref()));
    let error = call
        .error(kind, acceptance, what)
        .with_provider_code(code.unwrap_or_else(|| http.status.to_string()))
        .with_http(http);
    with_words(call, error, fault.as_ref(), &response.body)
}

/// What a status other than a success means for a message, and our sentence about it.
pub(super) fn meaning(
    status: u16,
    says_when_to_retry: bool,
) -> (ErrorKind, Acceptance, &'static str) {
    use Acceptance::{NotSent, Refused, Unknown};
    match status {
        400 | 422 => (
            ErrorKind::InvalidMessage,
            Refused,
            "passinfo found the request invalid",
        ),
        401 => (
            ErrorKind::Unauthorized,
            NotSent,
            "passinfo did not accept the client id and key",
        ),
        402 => (
            ErrorKind::InsufficientCredit,
            NotSent,
            "nothing is left on the passinfo account",
        ),
        403 => (
            ErrorKind::Forbidden,
            NotSent,
            "the passinfo account may not do this",
        ),
        404 => (
            ErrorKind::NotFound,
            Refused,
            "passinfo knows nothing of this id or address",
        ),
        408 => (
            ErrorKind::Timeout,
            Unknown,
            "passinfo waited too long for the request",
        ),
        413 => (
            ErrorKind::InvalidMessage,
            Refused,
            "passinfo found the request too large",
        ),
        429 => (
            ErrorKind::RateLimited,
            NotSent,
            "passinfo was called too often",
        ),
        // Naming a time to come back is declining to take the call now; a bare 503 may come from
        // something on the way that lost the answer.
        503 if says_when_to_retry => (
            ErrorKind::Unavailable,
            NotSent,
            "passinfo asked to come back later",
        ),
        500..=599 => (
            ErrorKind::Unavailable,
            Unknown,
            "passinfo answered that it failed",
        ),
        _ => (
            ErrorKind::Protocol,
            Unknown,
            "passinfo answered with a status that is not documented",
        ),
    }
}

/// The error of a failure inside a success: `{"status":"error"}` or `{"success":false}`.
fn hidden_failure(call: Call, fault: &wire::Fault, http: HttpMetadata) -> Error {
    let (acceptance, what) = if may_have_queued_some(fault) {
        (
            Acceptance::Unknown,
            "passinfo reported a failure and may have queued some of the messages",
        )
    } else {
        (Acceptance::Refused, "passinfo refused the request")
    };
    let code = scalar(fault.code.as_ref()).or_else(|| scalar(fault.status.as_ref()));
    let error = call
        .error(ErrorKind::Rejected, acceptance, what)
        .with_provider_code(code.unwrap_or_else(|| http.status.to_string()))
        .with_http(http);
    with_words(call, error, Some(fault), b"")
}

/// Whether a failure leaves it open that a bulk call that failed for some went out to the others: it
/// counts messages that were queued, or it counts those that were not or names a batch, and does not
/// say that none was queued.
fn may_have_queued_some(fault: &wire::Fault) -> bool {
    let is_zero = |number: &Option<Value>| {
        scalar(number.as_ref()).map(|text| matches!(text.as_str(), "0" | ""))
    };
    let queued = is_zero(&fault.successful_sends).or(is_zero(&fault.messages_queued));
    match queued {
        Some(none) => !none,
        None => {
            is_zero(&fault.failed_sends) == Some(false)
                || fault.batch_id.is_some()
                || fault.bulk_id.is_some()
        }
    }
}

/// Whether an answer says of itself that it is a failure. In the answer to a question, `failed` is
/// the state of a message or batch.
fn says_failure(call: Call, fault: &wire::Fault) -> bool {
    let word = fault.status.as_ref().and_then(Value::as_str);
    let is_failure_word = word.is_some_and(|word| {
        let word = word.trim();
        word.eq_ignore_ascii_case("error")
            || word.eq_ignore_ascii_case("failure")
            || (call.carries == Carries::Message && word.eq_ignore_ascii_case("failed"))
    });
    is_failure_word
        || fault.status == Some(Value::Bool(false))
        || fault.success == Some(Value::Bool(false))
}

/// What an object says about a failure; `None` when the body is no JSON object.
fn fault_in(body: &[u8]) -> Option<wire::Fault> {
    // A list would be read field by field.
    if starts_a_list(body) {
        return None;
    }
    serde_json::from_slice(body).ok()
}

fn starts_a_list(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

/// Keeps the vendor's words: `message`, `error` or `detail`, else the beginning of the body.
fn with_words(call: Call, error: Error, fault: Option<&wire::Fault>, body: &[u8]) -> Error {
    if call.answer_is_secret {
        return error;
    }
    let told = fault.and_then(|fault| {
        [&fault.message, &fault.error, &fault.detail]
            .into_iter()
            .find_map(|value| words(value.as_ref()?))
    });
    let text = told.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let text = beginning(text.trim());
    if text.is_empty() {
        error
    } else {
        error.with_provider_text(text)
    }
}

/// A sentence, also one inside an object: `{"error":{"message":"..."}}`.
fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Bool(_) => return None,
        Value::String(text) => text.clone(),
        Value::Object(fields) if fields.get("message").is_some_and(Value::is_string) => {
            fields.get("message")?.as_str()?.to_owned()
        }
        Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    Some(text).filter(|text| !text.is_empty())
}

/// At most the first 200 bytes.
fn beginning(text: &str) -> &str {
    const LIMIT: usize = 200;
    text.get(..text.floor_char_boundary(LIMIT)).unwrap_or(text)
}

/// A number or a word as text.
fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(beginning(text).to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
