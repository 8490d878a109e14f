//! Reads what the head of an answer tells besides its content: request id, rate limits, how long to
//! wait.
//!
//! Called by `mod.rs` for every answer. What cannot be understood is left out: no server's odd
//! header may turn a good answer into an error.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{AsHeaderName, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use tidings_core::Timestamp;

use crate::answer::{HttpMetadata, RateLimit};

/// The longest wait that a server is believed: a day.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// In this order of preference.
const REQUEST_ID: [&str; 5] = [
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "x-amzn-requestid",
    "cf-ray",
];

/// Everything that [`HttpMetadata`] has room for.
pub(super) fn read(status: StatusCode, headers: &HeaderMap) -> HttpMetadata {
    let request_id = REQUEST_ID.iter().find_map(|name| text(headers, *name));
    HttpMetadata {
        status: status.as_u16(),
        request_id: request_id.map(str::to_owned),
        rate_limit: rate_limit(headers),
        retry_after: retry_after(headers),
    }
}

/// Adds the date of receipt to an answer that says when to come back and not what time it is
/// (RFC 9110 section 6.6.1), so that a date in `Retry-After` can be read at any later time.
pub(super) fn add_missing_date(headers: &mut HeaderMap, now: impl FnOnce() -> Timestamp) {
    if !headers.contains_key(RETRY_AFTER) || headers.contains_key(DATE) {
        return;
    }
    let milliseconds = u64::try_from(now().as_millis()).unwrap_or(0);
    let date = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
    // The form has four digits for the year; a clock beyond that is left out.
    if milliseconds < 253_402_300_800_000
        && let Ok(value) = HeaderValue::try_from(httpdate::fmt_http_date(date))
    {
        headers.insert(DATE, value);
    }
}

/// RFC 9110 section 10.2.3: seconds, or a date that is compared with the answer's own.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?;
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many digits that they overflow mean a long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        let now = httpdate::parse_http_date(text(headers, DATE)?).ok()?;
        until.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

fn rate_limit(headers: &HeaderMap) -> RateLimit {
    let found = |names: [&'static str; 3]| names.into_iter().find_map(|name| text(headers, name));
    let limit = ["ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"];
    let remaining = [
        "ratelimit-remaining",
        "x-ratelimit-remaining",
        "x-rate-limit-remaining",
    ];
    let reset = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
    RateLimit {
        limit: found(limit).and_then(leading_number),
        remaining: found(remaining).and_then(leading_number),
        reset: found(reset).map(str::to_owned),
    }
}

/// `100` of `100`, and of `100, 100;w=60` where the windows follow.
fn leading_number(value: &str) -> Option<u64> {
    value.split([',', ';']).next()?.trim().parse().ok()
}

/// A header's first value, if it is visible text.
fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}
