//! The forms in which Puzzel's documents travel: JSON, XML, and dotted names in a form or a query.
//!
//! Called by `client.rs`, which writes calls and reads answers, and by `server.rs`, which does the
//! opposite. It knows how a document is written and not what it means: the documents are those of
//! `wire`.

mod fields;
mod form;
mod json;
mod walk;
mod xml;

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire;

/// A form in which a document travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// `application/json`.
    #[default]
    Json,
    /// `application/xml`, in the vendor's namespaces of 2013.
    Xml,
    /// `application/x-www-form-urlencoded` with dotted names, which the vendor describes for
    /// [`wire::GatewayRequest`].
    Form,
}

impl Encoding {
    /// The content type that a call names.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }

    /// The form that a content type names, in any casing and with any parameters behind it; none if
    /// it names none of the three. `text/json`, `text/xml` and types that end in `+json` or `+xml`,
    /// such as `application/problem+json`, count as well.
    pub fn of_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next()?.trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Some(Self::Form),
            "application/json" | "text/json" => Some(Self::Json),
            "application/xml" | "text/xml" => Some(Self::Xml),
            other if other.ends_with("+json") => Some(Self::Json),
            other if other.ends_with("+xml") => Some(Self::Xml),
            _ => None,
        }
    }
}

/// A document that travels as a whole.
pub trait Document: Serialize {
    /// The name of its root element in XML.
    const ROOT: &'static str;
    /// The namespace of that element; `None` where the vendor shows none.
    const NAMESPACE: Option<&'static str>;
    /// The prefix of that element where it has a namespace. With an empty one the namespace is the
    /// default, so that the inner elements are in it too; with another they are in none.
    const PREFIX: &'static str;
    /// Whether members that the document does not describe are kept.
    const IS_OPEN: bool = false;
}

impl Document for wire::GatewayRequest {
    const ROOT: &'static str = "request";
    const NAMESPACE: Option<&'static str> =
        Some("http://chimera.intele.com/gw/xsd/SMSGateway/Request/2013/02");
    const PREFIX: &'static str = "req";
}

#[cfg(feature = "client")]
impl Document for wire::BorrowedRequest<'_> {
    const ROOT: &'static str = <wire::GatewayRequest as Document>::ROOT;
    const NAMESPACE: Option<&'static str> = <wire::GatewayRequest as Document>::NAMESPACE;
    const PREFIX: &'static str = <wire::GatewayRequest as Document>::PREFIX;
}

impl Document for wire::GatewayResponse {
    const ROOT: &'static str = "response";
    const NAMESPACE: Option<&'static str> =
        Some("http://chimera.intele.com/gw/xsd/SMSGateway/Response/2013/02");
    const PREFIX: &'static str = "ns2";
}

impl Document for wire::BatchListResponse {
    const ROOT: &'static str = "getBatchListResponse";
    const NAMESPACE: Option<&'static str> = None;
    const PREFIX: &'static str = "";
}

impl Document for wire::BatchSingleResponse {
    const ROOT: &'static str = "getBatchStatusResponse";
    const NAMESPACE: Option<&'static str> = None;
    const PREFIX: &'static str = "";
}

impl Document for wire::StopBatchResponse {
    const ROOT: &'static str = "stopBatchResponse";
    const NAMESPACE: Option<&'static str> = None;
    const PREFIX: &'static str = "";
}

impl Document for wire::ProblemDetails {
    /// As RFC 9457 has it in its appendix B; the vendor shows no problem in XML.
    const ROOT: &'static str = "problem";
    const NAMESPACE: Option<&'static str> = Some("urn:ietf:rfc:7807");
    const PREFIX: &'static str = "";
    const IS_OPEN: bool = true;
}

impl Document for wire::BareStatus {
    /// The element that holds the same two inside an answer.
    const ROOT: &'static str = "messageStatus";
    const NAMESPACE: Option<&'static str> = None;
    const PREFIX: &'static str = "";
}

impl Document for wire::Fault {
    const ROOT: &'static str = "fault";
    const NAMESPACE: Option<&'static str> =
        Some("http://chimera.intele.com/gw/xsd/SMSGateway/Fault/2013/02");
    const PREFIX: &'static str = "ns2";
}

/// Why a document cannot be read. The sentence repeats nothing of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// Where, as a path of the wire's names such as `message[3].price`; empty where the document as
    /// a whole is wrong.
    pub at: String,
    /// What is wrong, as a clause that follows the name.
    pub fault: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sentence(f, &self.at, &self.fault)
    }
}

impl std::error::Error for Unreadable {}

/// Why a document cannot be written. The sentence repeats nothing of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unwritable {
    /// Where, as in [`Unreadable`].
    pub at: String,
    /// What is wrong, as a clause that follows the name.
    pub fault: &'static str,
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sentence(f, &self.at, self.fault)
    }
}

impl std::error::Error for Unwritable {}

fn sentence(f: &mut fmt::Formatter<'_>, at: &str, fault: &str) -> fmt::Result {
    let name = if at.is_empty() { "the body" } else { at };
    write!(f, "{name} {fault}")
}

/// Reads a document. Nulls are absent, members that are not described are passed over.
///
/// XML is read within bounds: 16 MiB, 16 levels, 100,000 elements, 4 KiB for one tag, no `DOCTYPE` and
/// no entities but the five of the standard. A form has at most 100,000 values.
///
/// # Errors
/// [`Unreadable`] naming the field.
pub fn read<T: Document + DeserializeOwned>(
    encoding: Encoding,
    body: &[u8],
) -> Result<T, Unreadable> {
    match encoding {
        Encoding::Json => json::read(body),
        Encoding::Xml => xml::read(body),
        Encoding::Form => form::read(body, form::Names::Exact),
    }
}

/// Writes a document.
///
/// XML leaves out `priceXml`, which is not in the vendor's schema, and writes the elements in the
/// schema's order.
///
/// # Errors
/// [`Unwritable`] for a text that XML cannot carry: one with a control character other than a tab or
/// the end of a line. JSON and forms can carry every [`wire`] document that sends or answers.
pub fn write<T: Document>(encoding: Encoding, document: &T) -> Result<Bytes, Unwritable> {
    match encoding {
        Encoding::Json => json::write(document).map(Bytes::from),
        Encoding::Xml => xml::write(document).map(Bytes::from),
        Encoding::Form => form::write(document).map(Bytes::from),
    }
}

/// Reads a call that sends from the query of a GET, without the question mark. Names are read in any
/// casing, brackets bare or encoded.
///
/// # Errors
/// [`Unreadable`] naming the field.
pub fn read_query(query: &str) -> Result<wire::GatewayRequest, Unreadable> {
    form::read(query.as_bytes(), form::Names::AnyCasing)
}

/// Writes a call that sends as the query of a GET, without the question mark. It holds the password,
/// and the servers on the way write queries into their logs.
pub fn write_query(request: &wire::GatewayRequest) -> String {
    query_of(request)
}

/// [`write_query`] for either type of a call that sends.
pub(super) fn query_of<T: Document>(request: &T) -> String {
    form::write_query(request).expect("a request has no values but texts, numbers and objects")
}

fn wrong(at: impl Into<String>, fault: impl Into<String>) -> Unreadable {
    Unreadable {
        at: at.into(),
        fault: fault.into(),
    }
}

fn utf8(body: &[u8]) -> Result<&str, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| wrong("", "is not UTF-8"))?;
    // Some editors put the mark there.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
