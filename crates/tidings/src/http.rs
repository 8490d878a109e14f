//! One HTTP client for all providers: pool, limits, TLS, and how far the bytes of a call went.
//!
//! Called by each provider's `client.rs`. It follows no redirect, repeats nothing that may have
//! left, and knows no provider.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::answer::HttpMetadata;
use crate::error::{Acceptance, Error, ErrorKind, Result};

/// One pooled HTTP client; cloning shares the pool.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client<HttpConnector, Full<Bytes>>,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    total: Duration,
    max_body_bytes: usize,
}

/// Limits of an [`HttpClient`], with defaults for calls of a few kilobytes.
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpClientBuilder {
    connect_timeout: Duration,
    limits: Limits,
}

/// An answer whose body has been read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpResponse {
    /// The status.
    pub status: http::StatusCode,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body, within the limit.
    pub body: Bytes,
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// There was no connection: nothing can have left.
    NotConnected,
    /// There was a connection, and no byte of this call was written to it.
    Connected,
    /// Some or all of the head was written and no byte of the body.
    Head,
    /// Some of the body may have been written.
    Body,
    /// Some of an answer came back.
    Answer,
}

/// Whether a call carries a message: decides what a failure means for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carries {
    /// If the call arrives, a phone may receive a text (or something else happens once).
    Message,
    /// The call only asks: it can be repeated at will.
    Question,
}

/// A call without a whole answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct HttpFailure {
    /// How far it came.
    pub reach: Reach,
    /// Whether time ran out.
    pub timed_out: bool,
    /// What came with the head of the answer, if that much came back.
    pub http: Option<HttpMetadata>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl HttpClient {
    /// Starts with the default limits.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder {
            connect_timeout: Duration::from_secs(10),
            limits: Limits {
                total: Duration::from_secs(30),
                max_body_bytes: 4 << 20,
            },
        }
    }

    /// Sends one request and reads its whole answer, whatever the status.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<HttpResponse, HttpFailure> {
        let call = self.client.request(request.map(Full::new));
        let exchange = async {
            let answer = call.await.map_err(|error| HttpFailure {
                reach: if error.is_connect() {
                    Reach::NotConnected
                } else {
                    Reach::Body
                },
                timed_out: false,
                http: None,
                source: Some(Box::new(error)),
            })?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, self.limits.max_body_bytes)
                .collect()
                .await;
            let body = body.map_err(|error| HttpFailure {
                reach: Reach::Answer,
                timed_out: false,
                http: Some(HttpMetadata {
                    status: head.status.as_u16(),
                    ..HttpMetadata::default()
                }),
                source: Some(error),
            })?;
            Ok(HttpResponse {
                status: head.status,
                headers: head.headers,
                body: body.to_bytes(),
            })
        };
        let timed_out = HttpFailure {
            reach: Reach::Body,
            timed_out: true,
            http: None,
            source: None,
        };
        tokio::time::timeout(self.limits.total, exchange)
            .await
            .unwrap_or(Err(timed_out))
    }
}

impl HttpClientBuilder {
    /// How long a connection may take to be made, TLS included. Default: 10 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a whole call may take. Default: 30 s.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limits.total = limit;
        self
    }

    /// How long an answer's body may be, in bytes. Default: 4 MiB.
    pub fn max_body_bytes(mut self, limit: usize) -> Self {
        self.limits.max_body_bytes = limit;
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when TLS cannot be set up.
    pub fn build(self) -> Result<HttpClient> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(self.connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(HttpClient {
            client,
            limits: self.limits,
        })
    }
}

impl HttpResponse {
    /// Status, request id, rate limits and `Retry-After`.
    pub fn metadata(&self) -> HttpMetadata {
        HttpMetadata {
            status: self.status.as_u16(),
            ..HttpMetadata::default()
        }
    }
}

impl HttpFailure {
    /// What this failure means for a call of `provider` that carries a message or a question.
    pub fn into_error(
        self,
        provider: &'static str,
        operation: &'static str,
        carries: Carries,
    ) -> Error {
        let kind = if self.timed_out {
            ErrorKind::Timeout
        } else {
            ErrorKind::Unavailable
        };
        let acceptance = match carries {
            Carries::Message if self.reach >= Reach::Body => Acceptance::Unknown,
            Carries::Message | Carries::Question => Acceptance::NotSent,
        };
        let error = Error::new(kind, acceptance, format!("{provider} {self}"));
        let error = error.during(provider, operation);
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

impl fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.timed_out, self.reach) {
            (true, _) => "did not answer in time",
            (false, Reach::NotConnected) => "cannot be reached",
            (false, Reach::Connected | Reach::Head | Reach::Body) => {
                "closed the connection without an answer"
            }
            (false, Reach::Answer) => "broke off its answer",
        };
        f.write_str(what)
    }
}
