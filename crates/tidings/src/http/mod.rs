//! One HTTP client for all providers: pool, limits, TLS, and how far the bytes of a call went.
//!
//! Called by each provider's `client.rs`. It follows no redirect, repeats nothing that may have
//! left, logs neither headers nor bodies, and knows no provider. In reading order: this file,
//! `connector.rs` (how connections are made), `reach.rs` (how far a call came), `failure.rs` (what
//! that means), `metadata.rs` (what an answer tells besides its content), `base_url.rs` (where an API
//! is), `account.rs` (the client that an account's settings ask for).
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use tidings::http::HttpClient;
//!
//! let client = HttpClient::builder().timeout(Duration::from_secs(10)).build()?;
//! let request = http::Request::get("https://api.example.com/balance").body(bytes::Bytes::new())?;
//! let answer = client.send(request).await?;
//! println!("{}", answer.status);
//! # Ok(())
//! # }
//! ```

mod account;
#[cfg(feature = "any-provider")]
mod base_url;
mod connector;
mod failure;
mod metadata;
mod reach;
#[cfg(test)]
#[cfg(feature = "aws-lc-rs")] // they speak TLS
mod tests;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use http::{StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tidings_core::{Clock, Timestamp};

use self::connector::{Connector, ConnectorSettings};
use self::failure::Fault;
use self::reach::TrackedBody;
use crate::answer::HttpMetadata;
use crate::clock::SystemClock;
use crate::error::{Error, ErrorKind, Result};

#[cfg(feature = "any-provider")]
pub(crate) use self::base_url::BaseUrl;
pub use self::failure::{Carries, HttpFailure};
pub use self::reach::Reach;

/// How large the head of an answer may be, in bytes, and how many headers it may have.
const MAX_HEAD_BYTES: u32 = 64 << 10;
const MAX_HEADERS: usize = 100;

/// How often a shared connection with open calls is probed, and how long the answer may take. A
/// connection that has silently died would otherwise take every later call with it.
const HTTP2_PING_EVERY: Duration = Duration::from_secs(10);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);

/// One pooled HTTP client for HTTP/1.1 and, where a server offers it over TLS, HTTP/2. Cloning
/// shares the pool.
#[derive(Clone)]
pub struct HttpClient {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client<Connector, TrackedBody>,
    limits: Limits,
    user_agent: HeaderValue,
    proxy_authorization: Option<HeaderValue>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    total: Duration,
    max_body_bytes: usize,
}

/// Settings of an [`HttpClient`], with defaults for calls of a few kilobytes.
#[derive(Clone)]
#[must_use]
pub struct HttpClientBuilder {
    connector: ConnectorSettings,
    limits: Limits,
    idle_timeout: Duration,
    user_agent_suffix: Option<String>,
    clock: Arc<dyn Clock>,
}

/// An answer whose body has been read.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within the limit.
    pub body: Bytes,
}

impl HttpClient {
    /// Starts with the default limits.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder {
            connector: ConnectorSettings {
                timeout: Duration::from_secs(10),
                keep_alive: Duration::from_mins(1),
                system_roots: true,
                ..ConnectorSettings::default()
            },
            limits: Limits {
                total: Duration::from_secs(30),
                max_body_bytes: 4 << 20,
            },
            idle_timeout: Duration::from_secs(20),
            user_agent_suffix: None,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Sends one request and reads its whole answer, whatever the status: a redirect is an answer
    /// like any other. `User-Agent` and `Host` are added where they are missing.
    ///
    /// A call is sent a second time in one case only: the pool had given it a connection that turned
    /// out to be closed before the call was taken up, so that no byte of it was written.
    ///
    /// # Errors
    /// [`HttpFailure`] when there is no whole answer, with the proof of how far the call came.
    pub async fn send(
        &self,
        mut request: http::Request<Bytes>,
    ) -> Result<HttpResponse, HttpFailure> {
        let inner = &*self.inner;
        let record = Record::start(&request, &*inner.clock);
        inner.add_headers(&mut request);
        let (request, call) = reach::track(request);
        let mut head = None;
        let exchange = async {
            let answer = inner.client.request(request).await.map_err(Broken::Call)?;
            let (parts, body) = answer.into_parts();
            head = Some((parts.status, parts.headers));
            read_body(body, inner.limits.max_body_bytes).await
        };
        // The future is gone when this block is: only then can the call be settled.
        let outcome = {
            // Pinned where it is: a move would copy all that it may ever hold.
            let exchange = pin!(exchange);
            tokio::time::timeout(inner.limits.total, exchange).await
        };
        let head = head.map(|(status, mut headers)| {
            metadata::add_missing_date(&mut headers, || inner.clock.now());
            (status, headers)
        });
        let result = match (outcome, head) {
            (Ok(Ok(body)), Some((status, headers))) => Ok(HttpResponse {
                status,
                headers,
                body,
            }),
            (outcome, head) => Err(failure(outcome, head, &call)),
        };
        if let Some(record) = record {
            record.write(&result, &*inner.clock);
        }
        result
    }
}

impl Inner {
    fn add_headers(&self, request: &mut http::Request<Bytes>) {
        let is_plain = request.uri().scheme() == Some(&http::uri::Scheme::HTTP);
        let headers = request.headers_mut();
        headers
            .entry(USER_AGENT)
            .or_insert_with(|| self.user_agent.clone());
        if let (true, Some(authorization)) = (is_plain, &self.proxy_authorization) {
            headers.insert(PROXY_AUTHORIZATION, authorization.clone());
        }
    }
}

/// What ended an exchange before its time was over.
enum Broken {
    Call(hyper_util::client::legacy::Error),
    Body(hyper::Error),
    TooLong,
}

/// Reads an answer's body while it keeps within `limit` bytes. What the server says of its length is
/// not asked.
async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, Broken> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Broken::Body)?.into_data() else {
            continue; // trailers
        };
        if first.len() + rest.len() + data.len() > limit {
            return Err(Broken::TooLong);
        }
        // Most answers come in one piece, which needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        Ok(first)
    } else {
        Ok(rest.freeze())
    }
}

fn failure(
    outcome: Result<Result<Bytes, Broken>, tokio::time::error::Elapsed>,
    head: Option<(StatusCode, HeaderMap)>,
    call: &reach::Call,
) -> HttpFailure {
    let reach = match &head {
        Some(_) => Reach::Answer,
        None => call.settle(),
    };
    let failure = match outcome {
        Err(_) => HttpFailure::new(reach, Fault::Timeout),
        Ok(Err(Broken::Call(error))) => {
            let fault = Fault::of(&error);
            let reach = match fault {
                Fault::ConnectTimeout | Fault::NoRoots | Fault::Connect => Reach::NotConnected,
                Fault::Malformed => reach.max(Reach::Answer),
                Fault::Timeout | Fault::Closed | Fault::TooLong | Fault::BadRequest => reach,
            };
            HttpFailure::new(reach, fault).with_source(error)
        }
        Ok(Err(Broken::Body(error))) => {
            let fault = if error.is_parse() {
                Fault::Malformed
            } else {
                Fault::Closed
            };
            HttpFailure::new(reach, fault).with_source(error)
        }
        Ok(Err(Broken::TooLong)) => HttpFailure::new(reach, Fault::TooLong),
        // A body without a head: the exchange cannot end so.
        Ok(Ok(_)) => HttpFailure::new(Reach::Answer, Fault::Malformed),
    };
    match head {
        Some((status, headers)) => failure.with_http(metadata::read(status, &headers)),
        None => failure,
    }
}

/// What is logged of a call: neither its query nor its headers nor its body, and no run of digits
/// of its path that could be a phone number.
struct Record {
    method: http::Method,
    path: String,
    started: Timestamp,
}

impl Record {
    /// Nothing at all where nobody listens.
    fn start(request: &http::Request<Bytes>, clock: &dyn Clock) -> Option<Self> {
        tracing::enabled!(tracing::Level::DEBUG).then(|| Self {
            method: request.method().clone(),
            path: without_numbers(request.uri().path()),
            started: clock.now(),
        })
    }

    fn write(self, result: &Result<HttpResponse, HttpFailure>, clock: &dyn Clock) {
        let Self {
            method,
            path,
            started,
        } = self;
        let elapsed_ms = u64::try_from(clock.now().since(started).as_millis()).unwrap_or(u64::MAX);
        match result {
            Ok(answer) => {
                let status = answer.status.as_u16();
                tracing::debug!(
                    http.method = %method, http.path = path, http.status = status, elapsed_ms,
                    "{method} {path} answered {status}"
                );
            }
            Err(failure) => {
                let status = failure.http.as_ref().map(|http| http.status);
                let reach = failure.reach.as_str();
                tracing::debug!(
                    http.method = %method, http.path = path, http.status = status, reach, elapsed_ms,
                    "{method} {path} failed: the server {failure}"
                );
            }
        }
    }
}

/// Long runs of digits become one `#`.
fn without_numbers(path: &str) -> String {
    const SHORTEST_NUMBER: usize = 7;
    let mut shown = String::with_capacity(path.len());
    let mut digits = String::new();
    for character in path.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if digits.len() >= SHORTEST_NUMBER {
            shown.push('#');
        } else {
            shown.push_str(&digits);
        }
        digits.clear();
        shown.push(character);
    }
    shown.pop();
    shown
}

impl HttpClientBuilder {
    /// How long a connection may take to be made, TLS included. Default: 10 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connector.timeout = limit;
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

    /// How long an unused connection is kept. Shorter than the server's own limit, so that it is
    /// not closed just while a call is on its way. Default: 20 s.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Trusts these certificates too: PEM text with one or more of them.
    pub fn add_root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connector.added_roots.push(pem.into());
        self
    }

    /// Whether the certificates that this machine trusts are trusted. Default: yes.
    pub fn system_roots(mut self, trusted: bool) -> Self {
        self.connector.system_roots = trusted;
        self
    }

    /// Reaches everything through an HTTP proxy, `http://[user:password@]host[:port]`: `https` in a
    /// tunnel (`CONNECT`), `http` with whole URLs. The environment is not read here.
    pub fn proxy(mut self, proxy: Uri) -> Self {
        self.connector.proxy = Some(proxy);
        self
    }

    /// What follows `tidings/VERSION` in `User-Agent`, for instance `my-shop/1.4`.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent_suffix = Some(suffix.into());
        self
    }

    /// What tells the time when a server's `Retry-After` is a date and the server does not say what
    /// time it is. Default: the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the client.
    ///
    /// A machine without root certificates gets a client too, which fails calls over `https` with
    /// [`ErrorKind::Config`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when TLS cannot be set up, a certificate or the proxy cannot be used,
    /// or the user agent has characters that no header may have.
    pub fn build(self) -> Result<HttpClient> {
        let user_agent = match self.user_agent_suffix {
            Some(suffix) => HeaderValue::try_from(format!("{USER_AGENT_PREFIX} {suffix}")),
            None => Ok(HeaderValue::from_static(USER_AGENT_PREFIX)),
        };
        let user_agent = user_agent
            .map_err(|_| Error::not_sent(ErrorKind::Config, "the user agent is no header value"))?;
        let (connector, proxy) = Connector::new(&self.connector)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(self.idle_timeout)
            .http1_max_headers(MAX_HEADERS)
            .http1_max_buf_size(MAX_HEAD_BYTES as usize)
            .http2_max_header_list_size(MAX_HEAD_BYTES)
            .http2_keep_alive_interval(HTTP2_PING_EVERY)
            .http2_keep_alive_timeout(HTTP2_PING_TIMEOUT)
            .build(connector);
        let inner = Inner {
            client,
            limits: self.limits,
            user_agent,
            proxy_authorization: proxy.and_then(|proxy| proxy.authorization),
            clock: self.clock,
        };
        Ok(HttpClient {
            inner: Arc::new(inner),
        })
    }
}

const USER_AGENT_PREFIX: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));

impl HttpResponse {
    /// An answer made by hand, for tests of what reads answers.
    pub fn new(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    /// Status, request id, rate limits and `Retry-After`.
    ///
    /// A wait is at most 24 hours; a date is compared with the answer's own `Date`, or with the
    /// client's clock when it came. What cannot be read is left out.
    pub fn metadata(&self) -> HttpMetadata {
        metadata::read(self.status, &self.headers)
    }
}

/// Shows how much there is: headers and bodies may hold keys, texts and numbers.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Shows the limits; a proxy's address may hold a password.
impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("limits", &self.inner.limits)
            .finish_non_exhaustive()
    }
}

/// Shows the limits; a proxy's address may hold a password.
impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
