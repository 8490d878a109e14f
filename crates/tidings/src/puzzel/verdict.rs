//! What an answer of Puzzel means: for the call, and for each of its messages. The one place where an
//! HTTP status or a message's status code is looked at.
//!
//! Called by `client.rs` and `batches.rs` with every answer. It sends nothing and repeats nothing.
//!
//! The vendor documents 401, 404 and 500. The other HTTP statuses are read as HTTP defines them, and
//! whatever leaves a doubt about a message is [`Acceptance::Unknown`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Dialect;
use super::answers::{Queued, client_ref};
use super::encoding::{self, Document, Encoding};
use super::map::PROVIDER;
use super::map::codes::{self, code};
use super::wire;
use crate::answer::{Answer, HttpMetadata};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::http::{Carries, HttpResponse};
use tidings_core::ProviderRef;

/// What is called, as far as it decides what an answer means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Its name in errors and spans.
    pub(super) operation: &'static str,
    /// Whether something happens that must not happen twice.
    pub(super) carries: Carries,
}

impl Call {
    /// A call after which a phone may receive a text, or after which a batch may be stopped.
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

    /// The error of an answer that does not hold what it should.
    pub(super) fn unreadable(self, what: &'static str, http: HttpMetadata) -> Error {
        self.error(ErrorKind::Protocol, Acceptance::Unknown, what)
            .with_http(http)
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

// ---- documents ----

/// Reads the answer to a call that sends.
///
/// # Errors
/// What the status says when it is not a success; what a bare status code says in the place of the
/// messages'; [`ErrorKind::Protocol`] for a body that is empty, of another content type, not readable,
/// or without a verdict on any message.
pub(super) fn read_send(
    call: Call,
    dialect: Dialect,
    response: &HttpResponse,
) -> Result<Answer<wire::GatewayResponse>> {
    let http = response.metadata();
    if !(200..300).contains(&http.status) {
        return Err(failed(call, dialect, response, http));
    }
    let answer: Answer<wire::GatewayResponse> = read_document(call, response, http)?;
    if !answer.message_status.is_empty() {
        return Ok(answer);
    }
    let http = answer.http;
    match bare_status(&response.body) {
        Some(status) => Err(of_whole_call(call, dialect, &status, http)),
        None => Err(call.unreadable("puzzel gave an answer without a verdict", http)),
    }
}

/// Reads the answer to a call about batches, whose JSON must have the member `promised`.
///
/// # Errors
/// As [`read_send`].
pub(super) fn read_management<T: Document + DeserializeOwned>(
    call: Call,
    dialect: Dialect,
    promised: &str,
    response: &HttpResponse,
) -> Result<Answer<T>> {
    let http = response.metadata();
    if !(200..300).contains(&http.status) {
        return Err(failed(call, dialect, response, http));
    }
    // An absent list is read as an empty one, and "nothing waits" must not be made of an answer that
    // says something else.
    if form(response).is_ok_and(|form| form == Encoding::Json) {
        let has_it = serde_json::from_slice::<Value>(&response.body)
            .is_ok_and(|body| body.get(promised).is_some_and(|found| !found.is_null()));
        if !has_it {
            let what = "puzzel gave an answer that does not hold what was asked for";
            return Err(call.unreadable(what, http));
        }
    }
    read_document(call, response, http)
}

fn read_document<T: Document + DeserializeOwned>(
    call: Call,
    response: &HttpResponse,
    http: HttpMetadata,
) -> Result<Answer<T>> {
    let form = match form(response) {
        Ok(form) => form,
        Err(what) => return Err(call.unreadable(what, http)),
    };
    match encoding::read(form, &response.body) {
        Ok(document) => Ok(Answer::new(document, http)),
        Err(unreadable) => {
            let what = "puzzel gave an answer that cannot be read";
            Err(call.unreadable(what, http).with_source(unreadable))
        }
    }
}

/// In which form an answer came, by its content type, or by its first character where it has none.
fn form(response: &HttpResponse) -> Result<Encoding, &'static str> {
    const OTHER: &str = "puzzel gave an answer of a content type that was not asked for";
    let body = response.body.trim_ascii_start();
    if body.is_empty() {
        return Err("puzzel gave an empty answer");
    }
    let Some(content_type) = response.headers.get(CONTENT_TYPE) else {
        return match body.first() {
            Some(b'{' | b'[' | b'n') => Ok(Encoding::Json),
            Some(b'<') => Ok(Encoding::Xml),
            _ => Err("puzzel gave an answer that is neither json nor xml"),
        };
    };
    let essence = content_type.to_str().unwrap_or_default();
    let essence = essence.split(';').next().unwrap_or_default().trim();
    let (_, kind) = essence.split_once('/').ok_or(OTHER)?;
    let kind = kind.rsplit('+').next().unwrap_or(kind);
    if kind.eq_ignore_ascii_case("json") {
        Ok(Encoding::Json)
    } else if kind.eq_ignore_ascii_case("xml") {
        Ok(Encoding::Xml)
    } else {
        Err(OTHER)
    }
}

/// A document in a failed or unexpected answer, whatever its content type says.
fn told<T: Document + DeserializeOwned>(body: &[u8]) -> Option<T> {
    let form = match body.trim_ascii_start().first() {
        Some(b'{') => Encoding::Json,
        Some(b'<') => Encoding::Xml,
        _ => return None,
    };
    encoding::read(form, body).ok()
}

/// A status code in the place of a list of them, as the older gateway may give it.
fn bare_status(body: &[u8]) -> Option<wire::BareStatus> {
    let status: wire::BareStatus = told(body)?;
    status.status_code.is_some().then_some(status)
}

fn of_whole_call(
    call: Call,
    dialect: Dialect,
    status: &wire::BareStatus,
    http: HttpMetadata,
) -> Error {
    match of_code(dialect, status.status_code) {
        Ok(()) => call.unreadable("puzzel gave one verdict for all messages and no id", http),
        Err((kind, acceptance, what)) => with_status(
            call.error(kind, acceptance, what),
            status.status_code,
            status.status_message.as_deref(),
        )
        .with_http(http),
    }
}

// ---- HTTP ----

/// The error of a status that is not a success.
fn failed(call: Call, dialect: Dialect, response: &HttpResponse, http: HttpMetadata) -> Error {
    let (kind, mut acceptance, what) = meaning(http.status, http.retry_after.is_some());
    if may_have_queued_some(dialect, &response.body) {
        acceptance = Acceptance::Unknown;
    }
    let error = call.error(kind, acceptance, what);
    let status = http.status.to_string();
    let error = error.with_http(http);
    if let Some(told) = bare_status(&response.body) {
        return with_status(error, told.status_code, told.status_message.as_deref());
    }
    if let Some(fault) = told::<wire::Fault>(&response.body)
        && let Some(reason) = fault.reason
    {
        return with_status(error.with_provider_code(status), fault.code, Some(&reason));
    }
    let error = error.with_provider_code(status);
    match told::<wire::ProblemDetails>(&response.body) {
        Some(problem) => {
            let told = [&problem.detail, &problem.title]
                .into_iter()
                .find_map(|words| words.as_deref().filter(|words| !words.trim().is_empty()));
            with_words(error, told.unwrap_or_default()).with_source(problem)
        }
        None => with_words(error, &String::from_utf8_lossy(&response.body)),
    }
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
            "puzzel found the request invalid",
        ),
        401 => (
            ErrorKind::Unauthorized,
            NotSent,
            "puzzel did not accept the user name and password for the service",
        ),
        402 => (
            ErrorKind::InsufficientCredit,
            NotSent,
            "nothing is left on the puzzel account",
        ),
        403 => (
            ErrorKind::Forbidden,
            NotSent,
            "the puzzel service may not do this",
        ),
        404 => (
            ErrorKind::NotFound,
            NotSent,
            "puzzel knows nothing of this batch or address",
        ),
        405 | 415 | 501 => (
            ErrorKind::Unsupported,
            NotSent,
            "puzzel does not take this kind of call at this address",
        ),
        408 => (
            ErrorKind::Timeout,
            Unknown,
            "puzzel waited too long for the request",
        ),
        // What it conflicts with may be the same message, taken before.
        409 => (
            ErrorKind::Rejected,
            Unknown,
            "puzzel found the request in conflict with another",
        ),
        413 | 414 | 431 => (
            ErrorKind::InvalidMessage,
            Refused,
            "puzzel found the request too large",
        ),
        429 => (
            ErrorKind::RateLimited,
            NotSent,
            "puzzel was called too often",
        ),
        // Naming a time to come back is declining to take the call now; a bare 503 may come from
        // something on the way that lost the answer.
        503 if says_when_to_retry => (
            ErrorKind::Unavailable,
            NotSent,
            "puzzel asked to come back later",
        ),
        500..=599 => (
            ErrorKind::Unavailable,
            Unknown,
            "puzzel answered that it failed",
        ),
        _ => (
            ErrorKind::Protocol,
            Unknown,
            "puzzel answered with a status that is not documented",
        ),
    }
}

/// Whether a failure comes with verdicts on messages of which one is no clear refusal.
fn may_have_queued_some(dialect: Dialect, body: &[u8]) -> bool {
    let answer: Option<wire::GatewayResponse> = told(body);
    let statuses = answer.map(|answer| answer.message_status);
    statuses
        .unwrap_or_default()
        .iter()
        .any(|status| match of_code(dialect, status.status_code) {
            Ok(()) => true,
            Err((_, acceptance, _)) => acceptance == Acceptance::Unknown,
        })
}

/// The cause of a failed call, as far as the gateway told: [`std::error::Error::source`] of the
/// error.
impl std::error::Error for wire::ProblemDetails {}

/// Says that there is one; its own words may repeat what was sent.
impl fmt::Display for wire::ProblemDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "the gateway told of a problem with status {}", status.0),
            None => f.write_str("the gateway told of a problem"),
        }
    }
}

impl wire::ProblemDetails {
    /// What the gateway told about a failed call, with all members that it sent.
    pub fn of(error: &Error) -> Option<&Self> {
        std::error::Error::source(error)?.downcast_ref()
    }
}

/// Keeps the vendor's words: the first 200 bytes.
fn with_words(error: Error, words: &str) -> Error {
    let words = beginning(words.trim());
    if words.is_empty() {
        error
    } else {
        error.with_provider_text(words)
    }
}

fn with_status(error: Error, code: Option<wire::Integer>, message: Option<&str>) -> Error {
    let error = match code {
        Some(code) => error.with_provider_code(code.0.to_string()),
        None => error,
    };
    with_words(error, message.unwrap_or_default())
}

fn beginning(text: &str) -> &str {
    const LIMIT: usize = 200;
    text.get(..text.floor_char_boundary(LIMIT)).unwrap_or(text)
}

// ---- messages ----

/// What a status code says of a message: queued, or an error without the words that came with it.
type Said = Result<(), (ErrorKind, Acceptance, Cow<'static, str>)>;

/// Whether an error is that of a reference that the gateway has seen within the hour.
pub(super) fn is_not_unique(error: &Error) -> bool {
    let code = error.provider_code();
    code.and_then(|code| code.parse().ok()) == Some(code::NOT_UNIQUE)
}

/// What a status code says of a message. The list is the vendor's, in `map/codes`; here is what each
/// kind of row means for who wants to send.
pub(super) fn of_code(dialect: Dialect, code: Option<wire::Integer>) -> Said {
    use Acceptance::{NotSent, Refused, Unknown};
    let unclear = |what| Err((ErrorKind::Protocol, Unknown, Cow::Borrowed(what)));
    let Some(wire::Integer(code)) = code else {
        return unclear("puzzel gave no status code for the message");
    };
    let Some(row) = codes::status(dialect, code) else {
        return unclear("puzzel gave a status code that is not known");
    };
    let (kind, acceptance) = match row.verdict {
        codes::Verdict::Queued => return Ok(()),
        // Whether it will be sent, and whether what was taken before is this message, only a report
        // can tell.
        codes::Verdict::HeldForApproval | codes::Verdict::AlreadyTaken => {
            (ErrorKind::Rejected, Unknown)
        }
        // About who asks, not about the message.
        codes::Verdict::Refused(kind @ (ErrorKind::Unauthorized | ErrorKind::Forbidden)) => {
            (kind, NotSent)
        }
        // An answer about batches has no place in the answer to a message.
        codes::Verdict::Refused(ErrorKind::NotFound) => (ErrorKind::Protocol, Unknown),
        codes::Verdict::Refused(kind) => (kind, Refused),
        codes::Verdict::Unknown => (ErrorKind::Unavailable, Unknown),
    };
    let what = Cow::Owned(format!("the message {}", row.meaning));
    Err((kind, acceptance, what))
}

/// The messages of one call, as far as its answer is matched with them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent<'a> {
    /// The name that the batch was sent under.
    pub(super) batch: Option<&'a str>,
    /// Which message of the whole list the first one is, from 0.
    pub(super) first: usize,
    /// The messages.
    pub(super) messages: &'a [wire::Message],
}

impl Sent<'_> {
    /// What is known of a message without an answer, by its position in the call.
    pub(super) fn about(&self, position: usize) -> ProviderRef {
        let mut about = self.about_batch();
        about.reference = client_ref(self.reference(position));
        about
    }

    /// What is known of all of them together.
    pub(super) fn about_batch(&self) -> ProviderRef {
        let mut about = ProviderRef::default();
        about.batch = self.batch.map(str::to_owned);
        about
    }

    fn reference(&self, position: usize) -> Option<&str> {
        let message = self.messages.get(position)?;
        message.client_reference.as_deref()
    }
}

/// Adds to `verdicts` what an answer says of each message of a call, in the order of the messages. The
/// statuses of queued messages leave the answer for their verdicts.
///
/// A status belongs to the message whose number it bears, if all statuses bear one, each another.
/// Otherwise to the message in its place, if there are as many statuses as messages; otherwise to the
/// one message with its reference. A status that names another reference than its message has is
/// nobody's. A message without a status has an unknown outcome.
pub(super) fn give(
    call: Call,
    dialect: Dialect,
    sent: Sent<'_>,
    answer: &mut Answer<wire::GatewayResponse>,
    verdicts: &mut Vec<Result<Queued>>,
) {
    let Answer { value, http } = answer;
    let statuses = std::mem::take(&mut value.message_status);
    let left = &mut value.message_status;
    let batch = sent.batch.or(value.batch_reference.as_deref());
    let verdict = |(position, status): (usize, Option<wire::MessageStatus>)| {
        let about = || {
            let mut about = sent.about(position);
            about.batch = batch.map(str::to_owned);
            about
        };
        let Some(status) = status else {
            let what = "puzzel gave an answer that says nothing of this message";
            let error = call.unreadable(what, http.clone());
            return Err(error.with_provider_ref(about()));
        };
        match of_code(dialect, status.status_code) {
            Ok(()) => Ok(Queued {
                sequence_index: sent.first + position + 1,
                batch_reference: batch.map(str::to_owned),
                client_reference: sent.reference(position).map(str::to_owned),
                status,
            }),
            Err((kind, acceptance, what)) => {
                let mut about = about();
                about.message.clone_from(&status.message_id);
                let error = with_status(
                    call.error(kind, acceptance, what),
                    status.status_code,
                    status.status_message.as_deref(),
                );
                left.push(status);
                Err(error.with_http(http.clone()).with_provider_ref(about))
            }
        }
    };
    if is_in_order(sent, &statuses) {
        verdicts.extend(statuses.into_iter().map(Some).enumerate().map(verdict));
    } else {
        let (of_messages, nobodys) = matched(sent, statuses);
        verdicts.extend(of_messages.into_iter().enumerate().map(verdict));
        left.extend(nobodys);
    }
}

/// Whether there is a status for each message, with its number and in its place: what gateways send,
/// and what needs no matching.
fn is_in_order(sent: Sent<'_>, statuses: &[wire::MessageStatus]) -> bool {
    let is_in_place = |(position, status): (usize, &wire::MessageStatus)| {
        let number = status
            .sequence_index
            .map(|number| usize::try_from(number.0));
        number == Some(Ok(position + 1)) && !names_another(sent.reference(position), status)
    };
    statuses.len() == sent.messages.len() && statuses.iter().enumerate().all(is_in_place)
}

/// Whether a status names another reference than the message has.
fn names_another(reference: Option<&str>, status: &wire::MessageStatus) -> bool {
    match (reference, status.client_reference.as_deref()) {
        (Some(ours), Some(told)) => ours != told,
        _ => false,
    }
}

/// The status of each message, and those that are nobody's.
fn matched(
    sent: Sent<'_>,
    statuses: Vec<wire::MessageStatus>,
) -> (Vec<Option<wire::MessageStatus>>, Vec<wire::MessageStatus>) {
    let owners = owners(sent, &statuses);
    let mut of_messages = vec![None; sent.messages.len()];
    let mut nobodys = Vec::new();
    for (status, owner) in statuses.into_iter().zip(owners) {
        let owner = owner.filter(|owner| !names_another(sent.reference(*owner), &status));
        match owner.and_then(|owner| of_messages.get_mut(owner)) {
            Some(place) => *place = Some(status),
            None => nobodys.push(status),
        }
    }
    (of_messages, nobodys)
}

/// For each status the position of the message that it is about.
fn owners(sent: Sent<'_>, statuses: &[wire::MessageStatus]) -> Vec<Option<usize>> {
    let n_messages = sent.messages.len();
    if let Some(numbered) = by_number(n_messages, statuses) {
        return numbered.into_iter().map(Some).collect();
    }
    if statuses.len() == n_messages {
        return (0..n_messages).map(Some).collect();
    }
    let mut with_reference: HashMap<&str, Vec<usize>> = HashMap::new();
    for position in 0..n_messages {
        if let Some(reference) = sent.reference(position) {
            with_reference.entry(reference).or_default().push(position);
        }
    }
    let mut n_told: HashMap<&str, usize> = HashMap::new();
    for reference in statuses
        .iter()
        .filter_map(|status| status.client_reference.as_deref())
    {
        *n_told.entry(reference).or_default() += 1;
    }
    let owner = |status: &wire::MessageStatus| {
        let reference = status.client_reference.as_deref()?;
        match (
            with_reference.get(reference)?.as_slice(),
            n_told.get(reference),
        ) {
            ([position], Some(1)) => Some(*position),
            _ => None,
        }
    };
    statuses.iter().map(owner).collect()
}

/// The positions by the statuses' own numbers, if all have one, from 1 to the number of messages,
/// and no two the same.
fn by_number(n_messages: usize, statuses: &[wire::MessageStatus]) -> Option<Vec<usize>> {
    let mut is_taken = vec![false; n_messages];
    let position = |status: &wire::MessageStatus| {
        let number = usize::try_from(status.sequence_index?.0).ok()?;
        let position = number.checked_sub(1)?;
        let is_taken = is_taken.get_mut(position)?;
        (!std::mem::replace(is_taken, true)).then_some(position)
    };
    statuses.iter().map(position).collect()
}
