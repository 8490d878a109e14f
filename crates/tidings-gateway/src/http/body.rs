//! Bodies, queries and paths, read into types, with every fault as a problem document.
//!
//! Called by the handlers, as arguments. Bodies may be compressed; what they grow to is bounded as they
//! are.

use std::io::Write;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::request::Parts;
use http::{HeaderMap, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tidings::serve::{self, Failure};

use super::Api;
use super::error::{Code, Problem, Result};
use super::words;

/// A body in JSON.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self> {
        check_json(request.headers())?;
        let body = read(api, request).await?;
        parse(&body).map(Self)
    }
}

/// A body in JSON that may be left out.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<Arc<Api>> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self> {
        check_json(request.headers())?;
        let body = read(api, request).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        parse(&body).map(Self)
    }
}

/// What stands behind the question mark.
#[derive(Debug)]
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(QueryRejection::FailedToDeserializeQueryString(fault)) => {
                let said = std::error::Error::source(&fault).map(ToString::to_string);
                let detail = words::of_query(said.as_deref().unwrap_or_default());
                Err(Problem::new(Code::InvalidQuery, detail))
            }
            // The library's list may grow.
            Err(_) => Err(Problem::new(Code::InvalidQuery, "the query cannot be read")),
        }
    }
}

/// What the path names.
#[derive(Debug)]
pub(crate) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        // What the library says of it repeats what was sent.
        let axum::extract::Path(path) = read.map_err(|_: PathRejection| {
            Problem::new(Code::NotFound, "the path names nothing that can be there")
        })?;
        Ok(Self(path))
    }
}

/// Refuses a body that says of itself that it is no JSON.
pub(crate) fn check_json(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let kind = value.as_bytes().split(|byte| *byte == b';').next();
    let kind = kind.unwrap_or_default().trim_ascii();
    if kind.eq_ignore_ascii_case(b"application/json") || kind.ends_with(b"+json") {
        return Ok(());
    }
    let detail = "the body must be JSON, with Content-Type: application/json";
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

/// Reads a body to its end, decompressed.
pub(crate) async fn read(api: &Api, request: Request) -> Result<Bytes> {
    let coding = Coding::of(request.headers())?;
    let body = serve::read_body(request)
        .await
        .map_err(|failure| match failure {
            Failure::TooLarge { limit_bytes } => too_large(limit_bytes),
            other => Problem::new(Code::IncompleteBody, other.to_string()),
        })?;
    match coding {
        Coding::Plain => Ok(body),
        Coding::Gzip => {
            let limit = api.gateway.live().config.limits.max_body_bytes;
            let mut decoder = Decoder::new(limit);
            let mut plain = decoder.push(&body)?;
            plain.extend(decoder.finish()?);
            Ok(plain.into())
        }
    }
}

/// Reads a body in JSON, and where it cannot be read says where.
pub(crate) fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T> {
    parse_as("the body", body)
}

/// Reads an object, a number or a truth in JSON under the name that people have for it.
pub(crate) fn parse_as<'b, T: Deserialize<'b>>(what: &str, json: &'b [u8]) -> Result<T> {
    // A list would be read as the members of an object in their order.
    if json.trim_ascii_start().first() == Some(&b'[') {
        let detail = format!("{what} is a list; expected an object");
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    // The path to a fault costs time, which only those pay who need it.
    serde_json::from_slice(json).map_err(|_| fault_of::<T>(what, json))
}

fn fault_of<'b, T: Deserialize<'b>>(what: &str, body: &'b [u8]) -> Problem {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read: Result<T, _> = serde_path_to_error::deserialize(&mut deserializer);
    let Err(fault) = read else {
        let Err(end) = deserializer.end() else {
            return Problem::new(Code::InvalidJson, format!("{what} is no JSON"));
        };
        return position(what, &end);
    };
    let path = fault.path().to_string();
    let error = fault.into_inner();
    if error.is_data() {
        let said = words::of_data(&error);
        return if path == "." {
            Problem::new(Code::InvalidRequest, said)
        } else {
            Problem::of_field(path, said)
        };
    }
    if body.is_empty() {
        return Problem::new(Code::InvalidJson, format!("{what} is empty"));
    }
    position(what, &error)
}

fn position(what: &str, error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    // Rows and fields are one line.
    let line = if line > 1 {
        format!("line {line}, ")
    } else {
        String::new()
    };
    let detail = format!("{what} is no JSON: it goes wrong at {line}column {column}");
    Problem::new(Code::InvalidJson, detail)
}

pub(super) fn too_large(limit_bytes: usize) -> Problem {
    let detail = format!("the body is larger than {limit_bytes} bytes");
    Problem::new(Code::BodyTooLarge, detail)
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    Plain,
    /// As gzip does.
    Gzip,
}

impl Coding {
    /// What the header says.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self> {
        match headers.get(header::CONTENT_ENCODING) {
            None => Ok(Self::Plain),
            Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(Self::Plain),
            Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"gzip") => Ok(Self::Gzip),
            Some(_) => {
                let detail = "the body may be compressed with gzip and with nothing else";
                Err(Problem::new(Code::UnsupportedMediaType, detail))
            }
        }
    }
}

/// Decompresses a body piece by piece.
#[derive(Debug)]
pub(crate) struct Decoder {
    inner: MultiGzDecoder<Vec<u8>>,
    left: usize,
    limit: usize,
}

impl Decoder {
    /// Takes bodies that grow to so many bytes at the most.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            inner: MultiGzDecoder::new(Vec::new()),
            left: limit,
            limit,
        }
    }

    /// What a further piece grows to.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>> {
        let mut plain = Vec::new();
        // In small steps: a few bytes may grow to a thousand times as many.
        for step in piece.chunks(4 << 10) {
            self.inner.write_all(step).map_err(|_| broken())?;
            plain.append(self.inner.get_mut());
            if plain.len() > self.left {
                return Err(too_large(self.limit));
            }
        }
        self.left -= plain.len();
        Ok(plain)
    }

    /// What comes at the end.
    pub(crate) fn finish(&mut self) -> Result<Vec<u8>> {
        self.inner.try_finish().map_err(|_| broken())?;
        let plain = std::mem::take(self.inner.get_mut());
        if plain.len() > self.left {
            return Err(too_large(self.limit));
        }
        Ok(plain)
    }
}

fn broken() -> Problem {
    Problem::new(
        Code::IncompleteBody,
        "the body is not compressed as it says",
    )
}
