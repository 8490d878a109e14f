//! What came with an answer besides its content: status, request id, rate limits.
//!
//! Made by `http.rs` for every answer, carried by [`Answer`] and by errors, read by whoever has to
//! open a support case or slow down.

use std::ops::Deref;
use std::time::Duration;

/// One line in the log for each answer: how it ended, never what it held.
#[cfg(all(feature = "client", feature = "any-provider"))]
pub(crate) fn trace<T>(provider: &'static str, read: &crate::error::Result<Answer<T>>) {
    match read {
        Ok(answer) => tracing::debug!(
            http.status = answer.http.status,
            http.request_id = answer.http.request_id,
            "{provider} answered"
        ),
        Err(error) => tracing::debug!(
            error.kind = error.kind().as_str(),
            error.acceptance = error.acceptance().as_str(),
            http.status = error.http().map(|http| http.status),
            http.request_id = error.http().and_then(|http| http.request_id.as_deref()),
            "{provider} call failed: {error}"
        ),
    }
}

/// A value and the HTTP metadata of the answer that brought it.
///
/// Dereferences to the value, so that the metadata is there for those who want it and in nobody's
/// way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// What came with it.
    pub http: HttpMetadata,
}

impl<T> Answer<T> {
    /// Puts a value and its metadata together.
    pub fn new(value: T, http: HttpMetadata) -> Self {
        Self { value, http }
    }

    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The same metadata with a value made of this one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: change(self.value),
            http: self.http,
        }
    }
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// What the head of an HTTP answer tells about the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpMetadata {
    /// The HTTP status code, 100 to 599.
    pub status: u16,
    /// The server's own id of the request: the first of `X-Request-Id`, `Request-Id`,
    /// `X-Correlation-Id`, `X-Amzn-RequestId` and `CF-Ray` that it sent.
    pub request_id: Option<String>,
    /// What the server said about its rate limit.
    pub rate_limit: RateLimit,
    /// How long the server asked to wait, from `Retry-After` as seconds or as a date.
    pub retry_after: Option<Duration>,
}

/// What a server said about its rate limit in `RateLimit-*` or `X-RateLimit-*` headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Calls allowed in a window.
    pub limit: Option<u64>,
    /// Calls left in the present window.
    pub remaining: Option<u64>,
    /// The raw value of the reset header: servers disagree on whether it is a duration or a date.
    pub reset: Option<String>,
}
