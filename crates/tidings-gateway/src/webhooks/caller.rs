//! One call to a receiver: sends, reads the status, and says in our own words what went wrong.
//!
//! Used by `deliver.rs` and by `manage.rs` for trying out. Follows no redirect; reads of the answer only
//! what says when to come again.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tidings_core::Timestamp;

use super::connector::{Guard, connector};
use super::target::{TargetError, Targets};
use crate::config::WebhooksConfig;

/// What of an answer's body is read, so that its connection can be used again.
const ANSWER_BYTES: usize = 64 * 1_024;
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Calls receivers.
#[derive(Debug)]
pub(super) struct Caller {
    targets: Targets,
    timeout: Duration,
    client: Client<HttpsConnector<Guard>, Full<Bytes>>,
}

/// What is sent.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// How a receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
}

/// Why there is no answer. The sentences hold nothing of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("no connection: the name cannot be resolved, or nobody listens")]
    Connect,
    #[error("the certificate or the encryption is not acceptable")]
    Tls,
    #[error("no answer in time")]
    Timeout,
    #[error("the connection broke off, or the answer is no HTTP")]
    Broken,
}

impl Caller {
    pub(super) fn new(config: &WebhooksConfig) -> Self {
        let targets = Targets::from(config);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(4)
            .pool_timer(TokioTimer::new())
            .build(connector(targets.clone()));
        Self {
            targets,
            timeout: config.timeout,
            client,
        }
    }

    /// Whether it still calls as the configuration says.
    pub(super) fn is_of(&self, config: &WebhooksConfig) -> bool {
        self.timeout == config.timeout && self.targets == Targets::from(config)
    }

    pub(super) fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Makes one call, within the time limit.
    pub(super) async fn call(&self, call: Call, now: Timestamp) -> Result<Answer, CallError> {
        let calling = tokio::time::timeout(self.timeout, self.send(call, now));
        calling.await.unwrap_or(Err(CallError::Timeout))
    }

    async fn send(&self, call: Call, now: Timestamp) -> Result<Answer, CallError> {
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = call.url;
        *request.headers_mut() = call.headers;
        request.headers_mut().remove(HOST);
        let agent = HeaderValue::from_static(concat!("Tidings/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| fault(&error))?;
        let (parts, body) = answer.into_parts();
        // What stands in it is nobody's business; read, it leaves the connection free.
        let _read = Limited::new(body, ANSWER_BYTES).collect().await;
        let asked = parts.headers.get(RETRY_AFTER);
        Ok(Answer {
            status: parts.status,
            retry_after: asked.and_then(|value| retry_after(value, now)),
        })
    }
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let since_epoch = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::UNIX_EPOCH.plus(since_epoch).since(now))
}

/// Finds our own refusals and TLS's in the causes of a client's error.
fn fault(error: &hyper_util::client::legacy::Error) -> CallError {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let inner = error.get_ref();
            if let Some(target) = inner.and_then(|it| it.downcast_ref::<TargetError>()) {
                return CallError::Target(*target);
            }
            if inner
                .and_then(|it| it.downcast_ref::<rustls::Error>())
                .is_some()
            {
                return CallError::Tls;
            }
        }
        if error.is::<rustls::Error>() {
            return CallError::Tls;
        }
        cause = error.source();
    }
    if error.is_connect() {
        CallError::Connect
    } else {
        CallError::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<u64>) {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let found = retry_after(&header.parse().unwrap(), now);
        assert_eq!(found.map(|it| it.as_secs()), expected, "{header}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 22 Nov 2026 12:01:30 GMT", Some(90));
        check("Sun, 22 Nov 2026 11:00:00 GMT", Some(0));
        check("soon", None);
        check("-5", None);
    }
}
