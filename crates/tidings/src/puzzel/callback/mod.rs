//! Delivery reports and incoming messages as Puzzel's gateway tells them: by calling its customer's
//! server, in JSON, in XML or with a query.
//!
//! Which form the gateway uses, and where it calls, is set up by the vendor for each service. Everything
//! here reads all three and finds out by itself which it has.
//!
//! - [`receive`] reads a call into the vendor's own fields, for programs that serve the calls
//!   themselves and know that they talk to Puzzel.
//! - [`parse`] reads a call into neutral words, for programs that do not care which provider it is.
//! - [`emit`] is the reverse of `parse`: what the gateway would call. The simulated gateway uses it, and
//!   so can tests of a server of your own. [`write_reports`] and [`write_messages`] are the reverse of
//!   `receive`.
//!
//! # How to answer
//!
//! HTTP status 200 is the only acknowledgement, and it covers everything in the call. After any other
//! status, and when there is no answer within about 60 seconds, the gateway calls again later with the
//! same ids. So:
//!
//! - The same report or message comes more than once. Keep what you have seen by
//!   [`DeliveryReport::key`] and [`IncomingMessage::key`], and drop repetitions.
//! - Store first, answer, and do the work afterwards.
//! - When some items of a call cannot be read, apply those that can, and answer with an error: the gateway
//!   keeps the others and nothing is lost. To refuse the whole call without applying anything would let
//!   one bad item hold up all that travel with it; to drop the bad one and answer 200 would lose it
//!   silently. That is why both functions give the readable items beside the faults.
//!
//! ```
//! use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
//! use tidings::callback::CallbackRequest;
//! use tidings::puzzel::callback::receive;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
//! let body = r#"{"dr":[{"messageid":"7a0000000a00","statuscode":364}]}"#;
//! let received = receive(&CallbackRequest::post(headers, body))?;
//!
//! for report in &received.reports {
//!     let (message, code) = report.key();
//!     assert_eq!((message, code), (Some("7a0000000a00"), 364));
//!     let meaning = report.meaning().map(|row| row.meaning);
//!     assert_eq!(meaning, Some("the subscriber cannot be reached at present"));
//! }
//! let status = if received.unreadable.is_empty() { 200 } else { 500 };
//! assert_eq!(status, 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! As a handler of a web server, here with `axum`, mounted by
//! `Router::new().route("/puzzel", any(told))`:
//!
//! ```
//! # #[cfg(feature = "server")]
//! # mod example {
//! use axum::body::Bytes;
//! use axum::extract::RawQuery;
//! use axum::http::{HeaderMap, Method, StatusCode};
//! use tidings::callback::CallbackRequest;
//! use tidings::puzzel::callback::receive;
//!
//! async fn told(
//!     method: Method,
//!     RawQuery(query): RawQuery,
//!     headers: HeaderMap,
//!     body: Bytes,
//! ) -> StatusCode {
//!     let request = CallbackRequest::new(method, query, headers, body);
//!     let Ok(received) = receive(&request) else {
//!         return StatusCode::BAD_REQUEST;
//!     };
//!     for report in &received.reports {
//!         // Stored under its key, unless it is there already.
//!         let _key = report.key();
//!     }
//!     if received.unreadable.is_empty() {
//!         StatusCode::OK
//!     } else {
//!         StatusCode::INTERNAL_SERVER_ERROR
//!     }
//! }
//! # }
//! ```

mod neutral;
mod read;
mod write;

use std::str::FromStr;

use crate::callback::{Callback, CallbackError, CallbackRequest};
use crate::provider::Account;
use read::Told;

pub use super::encoding::Unreadable;
pub use super::wire::callback::{DeliveryReport, IncomingMessage};
pub use write::{write_messages, write_reports};

/// The names of the settings of an account that say how it is called; none of them is needed for
/// reading.
pub mod setting {
    /// In which [`Form`](super::Form) the service is called: `json` (the default), `xml` or `get`.
    pub const CALLBACK_FORMAT: &str = "callback_format";
    /// The service's name as it stands in `servicename`; without it, the account's own name.
    pub const SERVICE_NAME: &str = "service_name";
}

/// In which form a service is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// POST with `application/json`; many items in one call.
    #[default]
    Json,
    /// POST with `application/xml`; many items in one call.
    Xml,
    /// GET with a query; one item in each call.
    Get,
}

impl Form {
    /// The word in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Get => "get",
        }
    }

    /// The form that an account's settings name; JSON where they name none that there is.
    pub fn of(account: &Account) -> Self {
        let word = account.setting(setting::CALLBACK_FORMAT);
        word.and_then(|word| word.parse().ok()).unwrap_or_default()
    }
}

/// Reads the word in the settings, in any casing.
impl FromStr for Form {
    type Err = UnknownForm;

    fn from_str(word: &str) -> Result<Self, UnknownForm> {
        let forms = [Self::Json, Self::Xml, Self::Get];
        let found = forms
            .into_iter()
            .find(|form| word.trim().eq_ignore_ascii_case(form.as_str()));
        found.ok_or(UnknownForm)
    }
}

/// A word is none of the forms in which a service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownForm;

impl std::fmt::Display for UnknownForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expected json, xml or get")
    }
}

impl std::error::Error for UnknownForm {}

/// What a call holds, in the vendor's own fields.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct Received {
    /// Reports on messages that were sent.
    pub reports: Vec<DeliveryReport>,
    /// Texts from phones.
    pub messages: Vec<IncomingMessage>,
    /// Items that cannot be read, each with the field that is wrong. Unless this is empty the call
    /// should not be acknowledged; see [how to answer](self#how-to-answer).
    pub unreadable: Vec<Unreadable>,
}

impl DeliveryReport {
    /// By what a repetition is known: the same message with the same code. A message may get a
    /// second report with another code, for instance after a failure that turned out to be none.
    pub fn key(&self) -> (Option<&str>, i64) {
        let id = self.message_id.as_deref();
        (id.or(self.message_reference.as_deref()), self.status_code)
    }
}

impl IncomingMessage {
    /// By what a repetition is known.
    pub fn key(&self) -> &str {
        &self.message_id
    }
}

/// Reads what the gateway tells in one call, in the vendor's own fields.
///
/// A GET is read by its query. There the customer chooses the names of the parameters when the
/// gateway is set up; those of the vendor's placeholders are understood, in any casing and with
/// underscores and dashes between the words. A POST is read by its content type or, where that says
/// nothing, by how it begins. Whole numbers may stand as text and texts as numbers, one item in the
/// place of a list. XML is read within the bounds of [`read`](super::encoding::read).
///
/// # Errors
/// [`Unreadable`] when the call as a whole has no such form. Single items that cannot be read are in
/// [`Received::unreadable`].
pub fn receive(request: &CallbackRequest) -> Result<Received, Unreadable> {
    let mut received = Received::default();
    for reading in read::read(request)? {
        match reading.told {
            Ok(Told::Report(report)) => received.reports.push(report),
            Ok(Told::Message(message)) => received.messages.push(message),
            Err(fault) => received.unreadable.push(fault),
        }
    }
    Ok(received)
}

/// Reads what the gateway tells in one call, in neutral words. Reads as [`receive`] does, and
/// translates as [`DeliveryReport::to_neutral`] and [`IncomingMessage::to_neutral`] say.
///
/// # Errors
/// [`CallbackError`] naming the first field that cannot be read. It holds everything else that the call
/// tells; see [how to answer](self#how-to-answer).
pub fn parse(request: &CallbackRequest) -> Result<Vec<Callback>, CallbackError> {
    let readings = read::read(request).map_err(|fault| match fault.at.as_str() {
        "" => CallbackError::new(fault.fault),
        _ => CallbackError::new(format!("cannot be read: {fault}")),
    })?;
    let mut callbacks = Vec::with_capacity(readings.len());
    let mut faults = Vec::new();
    for reading in readings {
        let callback = reading.told.and_then(|told| {
            let callback = match told {
                Told::Report(report) => report.to_neutral().map(Callback::Report),
                Told::Message(message) => message.to_neutral().map(Callback::Inbound),
            };
            callback.map_err(|fault| fault.inside(&reading.at))
        });
        match callback {
            Ok(callback) => callbacks.push(callback),
            Err(fault) => faults.push(fault),
        }
    }
    let Some(first) = faults.first() else {
        return Ok(callbacks);
    };
    let fault = match faults.len() {
        1 => format!("cannot be read: {first}"),
        n_faults => format!("has {n_faults} items that cannot be read; the first: {first}"),
    };
    Err(CallbackError::new(fault).with_readable(callbacks))
}

/// Puts what there is to tell into calls as the gateway does: all reports into one, all messages into
/// another, or each into a GET of its own, as the account's setting
/// [`callback_format`](setting::CALLBACK_FORMAT) says.
///
/// Reports on states that are no ends are left out, because the gateway tells only ends, and so is
/// [`Canceled`](tidings_core::ReportedState::Canceled), for which it has no code. A report whose `raw`
/// is one of the vendor's codes is told with that code, others with the code for their state and
/// reason. The network is always Norwegian: mobile country code 242, network 1.
pub fn emit(account: &Account, callbacks: &[Callback]) -> Vec<CallbackRequest> {
    let service = neutral::Service::of(account);
    let mut reports = Vec::new();
    let mut messages = Vec::new();
    for callback in callbacks {
        match callback {
            Callback::Report(report) => reports.extend(neutral::report(&service, report)),
            Callback::Inbound(message) => messages.push(neutral::message(&service, message)),
            // The gateway keeps no conversations that it could tell of.
            Callback::Conversation(_) => {}
        }
    }
    let form = Form::of(account);
    let mut requests = write_reports(form, &reports);
    requests.extend(write_messages(form, &messages));
    requests
}

impl Unreadable {
    /// The same fault, seen from the document that the item at `at` is in.
    fn inside(self, at: &str) -> Self {
        Self {
            at: read::path(at, &self.at),
            ..self
        }
    }
}
