//! The answers of the server: in which form a document is written, and how a call is refused.
//!
//! Called by the handlers. Which status and which field a refusal has is decided by `map/inward`.

use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use crate::backend::Refusal;
use crate::puzzel::encoding::{self, Document, Encoding};
use crate::puzzel::wire;
use crate::serve::{self, Failure};

/// A form in which an answer can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Xml,
    TextXml,
}

impl Form {
    /// What a call that sends JSON is answered in where it does not say. The vendor does not
    /// describe this case; whoever writes JSON can be expected to read it.
    pub(super) const FOR_JSON: [Self; 3] = [Self::Json, Self::Xml, Self::TextXml];
    /// For calls that send XML or a form: the vendor's REST page answers a form in XML.
    pub(super) const FOR_XML: [Self; 3] = [Self::Xml, Self::TextXml, Self::Json];
    /// For a GET that sends: the vendor's page on it shows `text/xml`.
    pub(super) const FOR_QUERY: [Self; 3] = [Self::TextXml, Self::Xml, Self::Json];
    /// For management: the vendor's present client knows JSON only.
    pub(super) const FOR_MANAGEMENT: [Self; 3] = [Self::Json, Self::TextXml, Self::Xml];

    /// The form that a caller likes best, of equally liked ones the first of `preferred`.
    ///
    /// A caller who wants none of them gets the first as well: an answer in another form is of more
    /// use than a refusal, all the more after messages were taken.
    pub(super) fn negotiate(headers: &HeaderMap, preferred: [Self; 3]) -> Self {
        let accepted = headers.get_all(ACCEPT).iter();
        let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
        if accepted.is_empty() {
            return preferred[0];
        }
        let ranges: Vec<Range<'_>> = accepted
            .iter()
            .flat_map(|value| value.split(','))
            .filter_map(Range::read)
            .collect();
        let mut best = (preferred[0], 0);
        for form in preferred {
            let quality = form.quality(&ranges);
            if quality > best.1 {
                best = (form, quality);
            }
        }
        best.0
    }

    /// How much a caller likes this form, in thousandths: what the most specific range says.
    fn quality(self, ranges: &[Range<'_>]) -> u16 {
        let (kind, subtype) = match self {
            Self::Json => ("application", "json"),
            Self::Xml => ("application", "xml"),
            Self::TextXml => ("text", "xml"),
        };
        let specificity = |range: &Range<'_>| match (range.kind, range.subtype) {
            ("*", "*") => Some(0),
            (of, "*") if of.eq_ignore_ascii_case(kind) => Some(1),
            (of, is) if of.eq_ignore_ascii_case(kind) && is.eq_ignore_ascii_case(subtype) => {
                Some(2)
            }
            _ => None,
        };
        let fitting = ranges
            .iter()
            .filter_map(|range| Some((specificity(range)?, range.quality)));
        fitting.max().map_or(0, |(_, quality)| quality)
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml; charset=utf-8",
            // Without it some readers of `text/` take it for US-ASCII.
            Self::TextXml => "text/xml; charset=utf-8",
        }
    }

    /// An answer that brings a document. What XML cannot carry, such as a control character in a
    /// recipient that is repeated, is answered in JSON.
    pub(super) fn answer<T: Document>(self, document: &T) -> Response {
        let encoding = match self {
            Self::Json => Encoding::Json,
            Self::Xml | Self::TextXml => Encoding::Xml,
        };
        let written = match encoding::write(encoding, document) {
            Err(_) if self != Self::Json => return Self::Json.answer(document),
            written => written,
        };
        let body = written.expect("texts and numbers can be written as JSON");
        ([(CONTENT_TYPE, self.content_type())], body).into_response()
    }
}

/// One media range of an `Accept` header.
struct Range<'h> {
    kind: &'h str,
    subtype: &'h str,
    quality: u16,
}

impl<'h> Range<'h> {
    fn read(text: &'h str) -> Option<Self> {
        let mut pieces = text.split(';').map(str::trim);
        let (kind, subtype) = pieces.next()?.split_once('/')?;
        let mut quality = 1000;
        for parameter in pieces {
            if let Some((name, value)) = parameter.split_once('=')
                && name.trim().eq_ignore_ascii_case("q")
            {
                quality = thousandths(value.trim());
            }
        }
        Some(Self {
            kind,
            subtype,
            quality,
        })
    }
}

/// A quality value. What is none counts as if it were not there.
fn thousandths(text: &str) -> u16 {
    let quality: f32 = text.parse().unwrap_or(1.0);
    if !(0.0..=1.0).contains(&quality) {
        return 1000;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 0 and 1000"
    )]
    let thousandths = (quality * 1000.0).round() as u16;
    thousandths
}

/// Why a call is not answered as it was meant to be.
#[derive(Debug)]
pub(super) enum Refused {
    /// What the call asks for is refused.
    Refusal(Refusal),
    /// A field of the request as a whole is wrong.
    Field {
        /// Its path in the wire's names; empty for the whole body.
        at: String,
        /// What is wrong, as a clause that follows the name.
        fault: String,
    },
    /// The credentials of a management call, which have to be those of HTTP Basic.
    NotSignedIn,
    /// No batch of this name waits.
    NoSuchBatch {
        /// The service.
        service: String,
        /// The name.
        reference: String,
    },
    /// The place has other methods.
    WrongMethod {
        /// Those that it has.
        allow: &'static str,
    },
    /// It never came to that.
    Failure(Failure),
}

impl Refused {
    /// A field of the request as a whole that is wrong.
    pub(super) fn field(at: impl Into<String>, fault: impl Into<String>) -> Self {
        Self::Field {
            at: at.into(),
            fault: fault.into(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid { field, fault } => Self::field(field, fault),
            other => Self::Refusal(other),
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<encoding::Unreadable> for Refused {
    fn from(unreadable: encoding::Unreadable) -> Self {
        Self::field(unreadable.at, unreadable.fault)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Refusal(refusal) => {
                let answer = problem(status_of(&refusal), refusal.to_string());
                serve::with_retry_after(answer, &refusal)
            }
            Self::Field { at, fault } => invalid(&at, &fault),
            Self::NotSignedIn => {
                let refusal = Refusal::Unauthorized.to_string();
                let mut answer = problem(StatusCode::UNAUTHORIZED, refusal);
                let challenge = HeaderValue::from_static("Basic realm=\"management\"");
                answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                answer
            }
            Self::NoSuchBatch { service, reference } => problem(
                StatusCode::NOT_FOUND,
                format!("No batch {reference} for service {service}"),
            ),
            Self::WrongMethod { allow } => {
                let mut answer = say(&Failure::WrongMethod);
                let allow = HeaderValue::from_static(allow);
                answer.headers_mut().insert(ALLOW, allow);
                answer
            }
            Self::Failure(failure) => say(&failure),
        }
    }
}

/// A failure in the vendor's shape.
pub(super) fn say(failure: &Failure) -> Response {
    let status = match failure {
        // The vendor's present client repeats a call by itself after 504, and this one may have
        // been carried out.
        Failure::TimedOut => StatusCode::INTERNAL_SERVER_ERROR,
        other => other.status(),
    };
    problem(status, failure.to_string())
}

const fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Unauthorized | Refusal::Expired => StatusCode::UNAUTHORIZED,
        Refusal::Invalid { .. } => StatusCode::BAD_REQUEST,
        Refusal::NotFound { .. } => StatusCode::NOT_FOUND,
        Refusal::Forbidden { .. } => StatusCode::FORBIDDEN,
        Refusal::Duplicate => StatusCode::CONFLICT,
        Refusal::InsufficientCredit => StatusCode::PAYMENT_REQUIRED,
        Refusal::RateLimited { .. } | Refusal::RecipientQuota => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Unsupported => StatusCode::NOT_IMPLEMENTED,
    }
}

fn problem(status: StatusCode, detail: String) -> Response {
    let mut document = of_kind(status);
    document.detail = Some(detail);
    write(status, &document)
}

/// A field that is wrong: the document that ASP.NET makes of it, because the vendor's present API is
/// described by such a server.
fn invalid(at: &str, fault: &str) -> Response {
    let status = StatusCode::BAD_REQUEST;
    let name = if at.is_empty() { "the body" } else { at };
    let sentence = format!("{name} {fault}");
    if at.is_empty() {
        return problem(status, sentence);
    }
    let mut document = of_kind(status);
    document.title = Some("One or more validation errors occurred.".to_owned());
    let errors = [(at.to_owned(), Value::from(vec![sentence]))];
    let errors = Value::Object(errors.into_iter().collect());
    document.extra.insert("errors".to_owned(), errors);
    write(status, &document)
}

fn of_kind(status: StatusCode) -> wire::ProblemDetails {
    wire::ProblemDetails {
        kind: Some(kind(status).to_owned()),
        title: status.canonical_reason().map(str::to_owned),
        status: Some(i64::from(status.as_u16()).into()),
        ..wire::ProblemDetails::default()
    }
}

/// Where a status is described.
const fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        401 => "https://tools.ietf.org/html/rfc9110#section-15.5.2",
        402 => "https://tools.ietf.org/html/rfc9110#section-15.5.3",
        403 => "https://tools.ietf.org/html/rfc9110#section-15.5.4",
        404 => "https://tools.ietf.org/html/rfc9110#section-15.5.5",
        405 => "https://tools.ietf.org/html/rfc9110#section-15.5.6",
        409 => "https://tools.ietf.org/html/rfc9110#section-15.5.10",
        413 => "https://tools.ietf.org/html/rfc9110#section-15.5.14",
        415 => "https://tools.ietf.org/html/rfc9110#section-15.5.16",
        429 => "https://tools.ietf.org/html/rfc6585#section-4",
        500 => "https://tools.ietf.org/html/rfc9110#section-15.6.1",
        501 => "https://tools.ietf.org/html/rfc9110#section-15.6.2",
        503 => "https://tools.ietf.org/html/rfc9110#section-15.6.4",
        _ => "about:blank",
    }
}

/// JSON, whatever the caller accepts: it is the one form in which the vendor describes it.
fn write(status: StatusCode, document: &wire::ProblemDetails) -> Response {
    let body = serde_json::to_vec(document).expect("texts and numbers can be written as JSON");
    let content_type = [(CONTENT_TYPE, "application/problem+json")];
    (status, content_type, body).into_response()
}
