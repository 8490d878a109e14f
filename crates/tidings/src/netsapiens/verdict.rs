//! What an answer of the PBX means: a value, or an error and what it says of the message. The one
//! place where an HTTP status is looked at.
//!
//! Called by every file that makes calls. It sends nothing and repeats nothing.
//!
//! The vendor documents 200, 202, 400, 401, 403, 404 and 409, and a body `{code, message}` for what is
//! refused. The other statuses are read as HTTP defines them, and whatever leaves a doubt about a
//! message is [`Acceptance::Unknown`].

use std::borrow::Cow;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::map::PROVIDER;
use super::wire;
use crate::answer::{Answer, HttpMetadata};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::http::{Carries, HttpResponse};

/// How much of the vendor's words an error keeps, in characters.
const MAX_WORDS: usize = 200;

/// What is called, as far as it decides what an answer means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Its name in errors and spans.
    pub(super) operation: &'static str,
    /// Whether something happens that must not happen twice.
    pub(super) carries: Carries,
    /// Whether a phone may receive a message after it.
    is_send: bool,
}

impl Call {
    /// A call after which a phone may receive a message.
    pub(super) const fn sends(operation: &'static str) -> Self {
        Self {
            operation,
            carries: Carries::Message,
            is_send: true,
        }
    }

    /// A call after which something is different.
    pub(super) const fn acts(operation: &'static str) -> Self {
        Self {
            operation,
            carries: Carries::Message,
            is_send: false,
        }
    }

    /// A call that can be repeated at will.
    pub(super) const fn asks(operation: &'static str) -> Self {
        Self {
            operation,
            carries: Carries::Question,
            is_send: false,
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
    pub(super) fn not_sent(self, kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Error {
        Error::not_sent(kind, what).during(PROVIDER, self.operation)
    }

    /// The error of an answer that does not hold what it should.
    pub(super) fn unreadable(self, what: &'static str, http: HttpMetadata) -> Error {
        self.error(ErrorKind::Protocol, Acceptance::Unknown, what)
            .with_http(http)
    }
}

// ---- documents ----

/// Reads a list of which it may be said that something is not in it. One row may come without
/// brackets.
///
/// # Errors
/// As [`read_one`].
pub(super) fn read_list<T: wire::Document>(
    call: Call,
    response: &HttpResponse,
) -> Result<Answer<Vec<T>>> {
    read_one::<wire::Rows<T>>(call, response).map(|answer| answer.map(|rows| rows.0))
}

/// Whether the PBX says of what was asked for, and of nothing else, that it is not there. A 404 of
/// something on the way says nothing about it, and neither does one that is about the domain, the
/// user or the call.
pub(super) fn says_it_is_not_there(response: &HttpResponse) -> bool {
    if response.status != StatusCode::NOT_FOUND {
        return false;
    }
    let Some(said) = said(&response.body) else {
        return false;
    };
    let words = said.words.to_ascii_lowercase();
    let is_about = |what: &&str| words.contains(*what);
    !["domain", "user", "route"].iter().any(is_about)
}

/// Reads one document.
///
/// # Errors
/// What the status says when it is not a success, and what the body says when it tells of an error;
/// [`ErrorKind::Protocol`] for a body that is empty, no JSON, or another document than the one asked
/// for: nothing is never made of an answer that says something else.
pub(super) fn read_one<T: DeserializeOwned>(
    call: Call,
    response: &HttpResponse,
) -> Result<Answer<T>> {
    let http = succeeded(call, response)?;
    if is_bare_word(&response.body) {
        let what = "netsapiens gave an answer that does not hold what was asked for";
        return Err(call.unreadable(what, http));
    }
    match wire::read(&response.body) {
        Ok(value) => Ok(Answer::new(value, http)),
        Err(unreadable) => {
            let what = "netsapiens gave an answer that cannot be read";
            Err(call.unreadable(what, http).with_source(unreadable))
        }
    }
}

/// Reads a count.
///
/// # Errors
/// As [`read_one`]; an answer without a number, or with one below zero, is no count.
pub(super) fn read_count(call: Call, response: &HttpResponse) -> Result<Answer<u64>> {
    let answer: Answer<wire::Total> = read_one(call, response)?;
    match answer.total.0.and_then(|total| u64::try_from(total).ok()) {
        Some(total) => Ok(answer.map(|_| total)),
        None => Err(call.unreadable("netsapiens gave a count without a number", answer.http)),
    }
}

/// Reads the answer to a call that changes something or sends: an empty body, a word, `{code,
/// message}` and any document are a success unless they say that they are none.
///
/// # Errors
/// As [`read_one`], and [`ErrorKind::Protocol`] for a page that somebody on the way has put in the
/// place of an answer; then nobody knows whether the call was carried out.
pub(super) fn read_done(call: Call, response: &HttpResponse) -> Result<Answer<()>> {
    let http = succeeded(call, response)?;
    if is_page(response) {
        let what = "netsapiens did not answer, but something on the way did, with a page";
        return Err(call.unreadable(what, http));
    }
    Ok(Answer::new((), http))
}

/// Reads the answer to a call that sends: what of a message the answer tells, if it tells anything.
///
/// # Errors
/// As [`read_done`].
pub(super) fn read_sent(
    call: Call,
    response: &HttpResponse,
) -> Result<Answer<Option<wire::Message>>> {
    let answer = read_done(call, response)?;
    if Plain::of(&response.body).is_some() {
        return Ok(answer.map(|()| None));
    }
    let rows: Option<wire::Rows<wire::Message>> = serde_json::from_slice(&response.body).ok();
    let told = rows.and_then(|rows| {
        let mut rows = rows.0.into_iter();
        rows.find(|row| !row.id.is_empty() || !row.messagesession_id.is_empty())
    });
    Ok(answer.map(|()| told))
}

/// Reads a file.
///
/// # Errors
/// As [`read_one`].
pub(super) fn read_file(call: Call, response: &HttpResponse) -> Result<Answer<()>> {
    let http = succeeded(call, response)?;
    if response.body.is_empty() {
        return Err(call.unreadable("netsapiens gave an empty file", http));
    }
    Ok(Answer::new((), http))
}

/// What an answer says by its status, and by its body, about the call as a whole.
fn succeeded(call: Call, response: &HttpResponse) -> Result<HttpMetadata> {
    let http = response.metadata();
    let said = said(&response.body);
    if !matches!(http.status, 200..=202 | 204) {
        return Err(refused(call, http.status, said, response, http));
    }
    match &said {
        // In the place of what was promised.
        Some(found) if found.code.is_some_and(|code| code >= 400) => {
            let code = found.code.unwrap_or_default();
            Err(refused(call, code, said, response, http))
        }
        Some(found) if found.is_error => {
            let what = "netsapiens reported an error in an answer of success";
            let error = call.error(ErrorKind::Rejected, Acceptance::Refused, what);
            Err(with_words(error, http.status, &found.words).with_http(http))
        }
        Some(_) | None => Ok(http),
    }
}

/// A JSON text, number or `null` in the place of a document.
fn is_bare_word(body: &[u8]) -> bool {
    let first = body.trim_ascii_start().first();
    !matches!(first, Some(b'{' | b'['))
}

/// Whether an answer is a page for people.
fn is_page(response: &HttpResponse) -> bool {
    let content_type = response.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let is_html = content_type
        .is_some_and(|value| value.trim().to_ascii_lowercase().starts_with("text/html"));
    // The vendor's PHP may name this type for whatever it writes: JSON under it is an answer.
    let looks_so = response.body.trim_ascii_start().first() == Some(&b'<');
    let is_nothing = response.body.trim_ascii().is_empty();
    looks_so || is_html && !is_nothing && serde_json::from_slice::<Value>(&response.body).is_err()
}

/// What a body says of a call as a whole.
struct Verdict {
    code: Option<u16>,
    is_error: bool,
    words: String,
}

/// What nearly every answer to a send is: `{code, message}` and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    code: u16,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl<'a> Plain<'a> {
    fn of(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

/// Reads `{code, message}` and `{error}`, also as the one row of a list. `None` for anything else.
fn said(body: &[u8]) -> Option<Verdict> {
    // The short way, which the long one below includes.
    if let Some(Plain { code, message }) = Plain::of(body) {
        return Some(Verdict {
            code: Some(code),
            is_error: false,
            words: message.into_owned(),
        });
    }
    let mut body: Value = serde_json::from_slice(body).ok()?;
    if let Value::Array(rows) = &mut body
        && rows.len() == 1
    {
        body = rows.pop()?;
    }
    let object = body.as_object()?;
    let code = object.get("code").and_then(|code| match code {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    });
    let error = object.get("error").filter(|error| match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    });
    // No document of the vendor's has it; proxies in front of its servers do.
    let denies = object.get("success") == Some(&Value::Bool(false));
    let words = ["message", "error_description", "error"]
        .into_iter()
        .filter_map(|name| object.get(name))
        .filter_map(Value::as_str)
        .find(|words| !words.is_empty());
    let says_nothing = code.is_none() && error.is_none() && !denies;
    if says_nothing && !object.contains_key("message") {
        return None;
    }
    Some(Verdict {
        code: code.and_then(|code| u16::try_from(code).ok()),
        is_error: error.is_some() || denies,
        words: words.unwrap_or_default().to_owned(),
    })
}

// ---- refusals ----

/// The error of a status that is no success, whether the answer bears it or names it in its body.
fn refused(
    call: Call,
    status: u16,
    said: Option<Verdict>,
    response: &HttpResponse,
    http: HttpMetadata,
) -> Error {
    let is_verdict = said.is_some();
    let words = match said {
        Some(said) if !said.words.is_empty() => said.words,
        _ => String::from_utf8_lossy(&response.body).into_owned(),
    };
    let asked = Asked {
        is_verdict,
        is_send: call.is_send,
        says_when_to_retry: http.retry_after.is_some(),
    };
    let (kind, acceptance, what) = meaning(status, &words, asked);
    with_words(call.error(kind, acceptance, what), status, &words).with_http(http)
}

fn with_words(error: Error, status: u16, words: &str) -> Error {
    let error = error.with_provider_code(status.to_string());
    let words: String = words.trim().chars().take(MAX_WORDS).collect();
    if words.is_empty() {
        return error;
    }
    error.with_provider_text(words)
}

/// What besides status and words decides what a refusal means.
#[derive(Clone, Copy)]
struct Asked {
    /// Whether the body is one that the PBX itself writes.
    is_verdict: bool,
    is_send: bool,
    says_when_to_retry: bool,
}

/// What a status other than a success means for a message, and our sentence about it.
fn meaning(status: u16, words: &str, asked: Asked) -> (ErrorKind, Acceptance, &'static str) {
    use Acceptance::{NotSent, Refused, Unknown};
    let words = words.to_ascii_lowercase();
    match status {
        400 | 422 => invalid(&words),
        401 | 403 | 404 => turned_away(status, &words, asked),
        402 => (
            ErrorKind::InsufficientCredit,
            NotSent,
            "netsapiens asks for a payment",
        ),
        405 | 415 | 501 => (
            ErrorKind::Unsupported,
            NotSent,
            "netsapiens does not take this kind of call at this address",
        ),
        408 => (
            ErrorKind::Timeout,
            Unknown,
            "netsapiens waited too long for the request",
        ),
        // What it conflicts with may be the same message, taken before.
        409 => (
            ErrorKind::Rejected,
            if asked.is_send { Unknown } else { Refused },
            "netsapiens has this already",
        ),
        413 | 414 | 431 => (
            ErrorKind::InvalidMessage,
            Refused,
            "netsapiens found the request too large",
        ),
        429 => (
            ErrorKind::RateLimited,
            NotSent,
            "netsapiens was called too often",
        ),
        // Naming a time to come back is declining to take the call now; a bare 503 may come from
        // something on the way that lost the answer.
        503 if asked.says_when_to_retry => (
            ErrorKind::Unavailable,
            NotSent,
            "netsapiens asked to come back later",
        ),
        500..=599 => (
            ErrorKind::Unavailable,
            Unknown,
            "netsapiens answered that it failed",
        ),
        _ => (
            ErrorKind::Protocol,
            Unknown,
            "netsapiens answered with a status that is not documented",
        ),
    }
}

/// What it means that this user does not get this: no token, no right, too many calls, or nothing there.
fn turned_away(status: u16, words: &str, asked: Asked) -> (ErrorKind, Acceptance, &'static str) {
    use Acceptance::NotSent;
    match status {
        401 if lacks_rights(words) => (
            ErrorKind::Forbidden,
            NotSent,
            "the netsapiens user has no right to do this",
        ),
        401 => (
            ErrorKind::Unauthorized,
            NotSent,
            "netsapiens did not accept the token, the key or the password",
        ),
        403 if asked.is_verdict => (
            ErrorKind::Forbidden,
            NotSent,
            "netsapiens does not permit this",
        ),
        // Without the PBX's own words it is the network in front of it, which closes itself to
        // an address that has called too often.
        403 => (
            ErrorKind::RateLimited,
            NotSent,
            "the network in front of netsapiens turns this address away, as it does after too many calls",
        ),
        404 if words.contains("no route found") => (
            ErrorKind::Unsupported,
            NotSent,
            "this version of netsapiens has no such call",
        ),
        _ => (
            ErrorKind::NotFound,
            NotSent,
            "netsapiens knows no such domain, user, session or number",
        ),
    }
}

/// The texts of refusals are not documented; what they name is what was wrong.
fn invalid(words: &str) -> (ErrorKind, Acceptance, &'static str) {
    let names = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let (kind, what) = if names(&["from-num", "from_num", "from num", "sender"]) {
        (
            ErrorKind::InvalidSender,
            "netsapiens does not let this user send from this number",
        )
    } else if names(&["destination", "recipient"]) {
        (
            ErrorKind::InvalidRecipient,
            "netsapiens does not send to this recipient",
        )
    } else {
        (
            ErrorKind::InvalidMessage,
            "netsapiens found the request invalid",
        )
    };
    (kind, Acceptance::Refused, what)
}

/// Whether a 401 is about rights and not about the token.
fn lacks_rights(words: &str) -> bool {
    ["scope", "app001", "permission"]
        .iter()
        .any(|about_rights| words.contains(about_rights))
}
