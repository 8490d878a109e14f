//! Reads what the gateway tells in one call, in each of its three forms: JSON, XML and the query of a
//! GET. Called by [`receive`](super::receive) and [`parse`](super::parse).
//!
//! All three become the same first: fields with a name and a value. What is wrong is said by the
//! field's name; its value is never repeated.

use std::borrow::Cow;

use http::Method;
use http::header::CONTENT_TYPE;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::callback::CallbackRequest;
use crate::puzzel::encoding::{self, Document, Encoding, Unreadable};
use crate::puzzel::wire::callback::{DeliveryReport, IncomingMessage};
use crate::puzzel::wire::{Content, Phone};

/// What the gateway writes into `type` of a report and of a message.
pub(super) const REPORT_TYPE: i64 = 6;
pub(super) const MESSAGE_TYPE: i64 = 1;

/// One thing that the gateway tells, as on the wire.
pub(super) enum Told {
    Report(DeliveryReport),
    Message(IncomingMessage),
}

/// Where it stands in the document, and what it is or why that cannot be read.
pub(super) struct Reading {
    /// Such as `dr[3]`; empty where the call holds one item only.
    pub(super) at: String,
    pub(super) told: Result<Told, Unreadable>,
}

/// Everything that a call holds, in its order, reports first.
pub(super) fn read(request: &CallbackRequest) -> Result<Vec<Reading>, Unreadable> {
    match request.method {
        Method::GET => query(request.query.as_deref().unwrap_or_default()),
        Method::POST => match form_of(request) {
            Some(Encoding::Json) => json(&request.body),
            Some(Encoding::Xml) => xml(&request.body),
            Some(Encoding::Form) | None => Err(whole("is neither JSON nor XML")),
        },
        _ => Err(whole("is neither GET nor POST")),
    }
}

/// By the content type, and where that says nothing, by how the body begins.
fn form_of(request: &CallbackRequest) -> Option<Encoding> {
    let content_type = request.headers.get(CONTENT_TYPE);
    let named = content_type
        .and_then(|value| value.to_str().ok())
        .and_then(Encoding::of_content_type);
    if let Some(Encoding::Json | Encoding::Xml) = named {
        return named;
    }
    match without_mark(&request.body).trim_ascii_start().first() {
        Some(b'{') => Some(Encoding::Json),
        Some(b'<') => Some(Encoding::Xml),
        _ => None,
    }
}

/// Without the mark with which some systems begin a text in UTF-8.
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

// ---- JSON ----

fn json(body: &[u8]) -> Result<Vec<Reading>, Unreadable> {
    let document: Map<String, Value> =
        serde_json::from_slice(without_mark(body)).map_err(|_| whole("is no JSON object"))?;
    let mut readings = Vec::new();
    let mut is_known = false;
    for (name, value) in document {
        let kind = match name.as_str() {
            "dr" => Kind::Report,
            "mo" => Kind::Message,
            _ => continue,
        };
        is_known = true;
        readings.extend(list(kind, value));
    }
    if is_known {
        return Ok(readings);
    }
    Err(whole("holds neither dr nor mo"))
}

/// A list, one item in the place of a list, or `null` for none.
fn list(kind: Kind, value: Value) -> Vec<Reading> {
    let items = match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        one => vec![one],
    };
    let reading = |(index, item)| {
        let at = format!("{}[{index}]", kind.name());
        let told = match item {
            Value::Object(fields) => told(kind, &at, fields),
            _ => Err(unreadable(&at, "is no object")),
        };
        Reading { at, told }
    };
    items.into_iter().enumerate().map(reading).collect()
}

// ---- XML ----

/// `<dr>` around `<message>` elements.
#[derive(Serialize, Deserialize)]
struct Reports {
    #[serde(default)]
    message: Vec<Value>,
}

/// `<mo>` around `<message>` elements.
#[derive(Serialize, Deserialize)]
struct Messages {
    #[serde(default)]
    message: Vec<Value>,
}

impl Document for Reports {
    const ROOT: &'static str = Kind::Report.name();
    const NAMESPACE: Option<&'static str> = None;
    const PREFIX: &'static str = "";
    const IS_OPEN: bool = true;
}

impl Document for Messages {
    const ROOT: &'static str = Kind::Message.name();
    const NAMESPACE: Option<&'static str> = None;
    const PREFIX: &'static str = "";
    const IS_OPEN: bool = true;
}

fn xml(body: &[u8]) -> Result<Vec<Reading>, Unreadable> {
    let body = without_mark(body);
    let (kind, items) = match root(body).as_deref() {
        Some("dr") => {
            let Reports { message } = encoding::read(Encoding::Xml, body)?;
            (Kind::Report, message)
        }
        Some("mo") => {
            let Messages { message } = encoding::read(Encoding::Xml, body)?;
            (Kind::Message, message)
        }
        Some(_) => return Err(whole("holds neither dr nor mo")),
        None => return Err(whole("is no XML document")),
    };
    Ok(list(kind, Value::Array(items)))
}

/// The name of the first element. What is wrong with the document is found by reading it.
fn root(body: &[u8]) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(std::str::from_utf8(body).ok()?);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.local_name();
                let name: &str = name.as_ref();
                return Some(name.to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

// ---- query ----

/// One item. The customer chooses the names of the parameters when the gateway is set up; those of the
/// vendor's placeholders are understood in any casing, with and without underscores and dashes.
fn query(query: &str) -> Result<Vec<Reading>, Unreadable> {
    let mut fields = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = unescaped(name).ok_or_else(|| whole("has a parameter that is no UTF-8"))?;
        let name = field_name(&name);
        // Not a lossy reading: a text with other letters than were sent is worse than none.
        let value = unescaped(value)
            .ok_or_else(|| unreadable(known_name(&name).unwrap_or("a parameter"), "is no UTF-8"))?;
        let value = match (name.as_str(), value.strip_prefix(' ')) {
            // A plus that was not escaped reads as a blank.
            ("originator", Some(digits)) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("+{digits}")
            }
            _ => value,
        };
        fields.insert(name, Value::String(value));
    }
    let kind = query_kind(&fields).ok_or_else(|| whole("holds neither a report nor a message"))?;
    let at = String::new();
    let told = told(kind, &at, fields);
    Ok(vec![Reading { at, told }])
}

/// By the vendor's number for it, where the customer has asked for that, or else by what only one of
/// the two has.
fn query_kind(fields: &Map<String, Value>) -> Option<Kind> {
    let written = fields.get("type").and_then(Value::as_str);
    match written.and_then(|text| text.trim().parse().ok()) {
        Some(REPORT_TYPE) => return Some(Kind::Report),
        Some(MESSAGE_TYPE) => return Some(Kind::Message),
        _ => {}
    }
    let has = |name| fields.contains_key(name);
    if has("statuscode") {
        Some(Kind::Report)
    } else if has("content") || has("sno") {
        Some(Kind::Message)
    } else {
        None
    }
}

fn unescaped(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let bytes = percent_encoding::percent_decode_str(&text);
    bytes.decode_utf8().ok().map(Cow::into_owned)
}

/// The vendor's name for a parameter if it is one, and else the customer's own.
fn field_name(written: &str) -> String {
    let is_letter = |character: &char| !matches!(character, '_' | '-' | '.');
    let plain: String = written.chars().filter(is_letter).collect();
    let plain = plain.to_ascii_lowercase();
    known_name(&plain).map_or_else(|| written.to_owned(), str::to_owned)
}

fn known_name(name: &str) -> Option<&'static str> {
    NAMES.iter().copied().find(|known| *known == name)
}

/// Every field that has a place in a report or a message.
const NAMES: [&str; 20] = [
    "messageid",
    "customerbatchreference",
    "customermessagereference",
    "serviceid",
    "servicename",
    "originator",
    "mcc",
    "mnc",
    "type",
    "statuscode",
    "statusdescription",
    "extstatuscode",
    "extstatusdescription",
    "sno",
    "content",
    "command",
    "strippedcontent",
    "timestamp",
    "sctimestamp",
    "sessionid",
];

// ---- items ----

#[derive(Clone, Copy)]
enum Kind {
    Report,
    Message,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Report => "dr",
            Self::Message => "mo",
        }
    }
}

fn told(kind: Kind, at: &str, fields: Map<String, Value>) -> Result<Told, Unreadable> {
    let fields = Fields { at, left: fields };
    match kind {
        Kind::Report => report(fields).map(Told::Report),
        Kind::Message => message(fields).map(Told::Message),
    }
}

fn report(mut from: Fields<'_>) -> Result<DeliveryReport, Unreadable> {
    Ok(DeliveryReport {
        message_id: from.text("messageid")?,
        batch_reference: from.text("customerbatchreference")?,
        message_reference: from.text("customermessagereference")?,
        service_id: from.number("serviceid")?,
        service_name: from.text("servicename")?,
        originator: from.text("originator")?.map(Phone),
        mobile_country_code: from.number("mcc")?,
        mobile_network_code: from.number("mnc")?,
        kind: from.number("type")?,
        status_code: from
            .number("statuscode")?
            .ok_or_else(|| from.missing("statuscode"))?,
        status_description: from.text("statusdescription")?,
        operator_code: from.text("extstatuscode")?,
        operator_description: from.text("extstatusdescription")?,
        extra: from.left,
    })
}

fn message(mut from: Fields<'_>) -> Result<IncomingMessage, Unreadable> {
    Ok(IncomingMessage {
        message_id: from.required("messageid")?,
        service_id: from.number("serviceid")?,
        service_name: from.text("servicename")?,
        short_number: from.required("sno")?,
        originator: Phone(from.required("originator")?),
        mobile_country_code: from.number("mcc")?,
        mobile_network_code: from.number("mnc")?,
        content: from
            .scalar("content")?
            .map(|text| Content(text.into()))
            .ok_or_else(|| from.missing("content"))?,
        command: from.text("command")?,
        stripped_content: from
            .scalar("strippedcontent")?
            .map(|text| Content(text.into())),
        kind: from.number("type")?,
        timestamp: from.text("timestamp")?,
        operator_timestamp: from.text("sctimestamp")?,
        session_id: from.text("sessionid")?,
        extra: from.left,
    })
}

/// The fields of one item; what has been taken is gone.
struct Fields<'a> {
    at: &'a str,
    left: Map<String, Value>,
}

impl Fields<'_> {
    /// A text, or a number in the place of one.
    fn scalar(&mut self, name: &'static str) -> Result<Option<String>, Unreadable> {
        match self.left.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                Err(self.wrong(name, "is no text"))
            }
        }
    }

    fn text(&mut self, name: &'static str) -> Result<Option<String>, Unreadable> {
        Ok(self.scalar(name)?.filter(|text| !text.is_empty()))
    }

    fn required(&mut self, name: &'static str) -> Result<String, Unreadable> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// A whole number, or the text of one.
    fn number(&mut self, name: &'static str) -> Result<Option<i64>, Unreadable> {
        let number = match self.left.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => None,
        };
        let number = number.ok_or_else(|| self.wrong(name, "is no whole number"))?;
        Ok(Some(number))
    }

    fn missing(&self, name: &str) -> Unreadable {
        self.wrong(name, "is missing")
    }

    fn wrong(&self, name: &str, fault: &str) -> Unreadable {
        unreadable(&path(self.at, name), fault)
    }
}

/// The path of a field of the item at `at`.
pub(super) fn path(at: &str, name: &str) -> String {
    if at.is_empty() {
        return name.to_owned();
    }
    format!("{at}.{name}")
}

fn unreadable(at: &str, fault: &str) -> Unreadable {
    Unreadable {
        at: at.to_owned(),
        fault: fault.to_owned(),
    }
}

fn whole(fault: &str) -> Unreadable {
    unreadable("", fault)
}
