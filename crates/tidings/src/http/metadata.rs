//! Reads what the head of an answer tells besides its content: request id, rate limits, how long to
//! wait.
//!
//! Called by `mod.rs` for every answer. What cannot be understood is left out: no server's odd
//! header may turn a good answer into an error.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use tidings_core::Timestamp;

use crate::answer::{HttpMetadata, RateLimit};

/// The longest wait that a server is believed: a day.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// In this order of preference, as in the arrays below.
const REQUEST_ID: [&str; 5] = [
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "x-amzn-requestid",
    "cf-ray",
];

const LIMIT: [&str; 3] = ["ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"];
const REMAINING: [&str; 3] = [
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
];
const RESET: [&str; 3] = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];

/// Everything that [`HttpMetadata`] has room for.
///
/// Goes through the headers once: an answer has a handful of them, and looking for each name that
/// may be there would cost more than reading the answer's body.
pub(super) fn read(status: StatusCode, headers: &HeaderMap) -> HttpMetadata {
    let mut request_id = Preferred::of(REQUEST_ID);
    let mut limit = Preferred::of(LIMIT);
    let mut remaining = Preferred::of(REMAINING);
    let mut reset = Preferred::of(RESET);
    for name in headers.keys() {
        let _ = request_id.offer(name, headers)
            || limit.offer(name, headers)
            || remaining.offer(name, headers)
            || reset.offer(name, headers);
    }
    HttpMetadata {
        status: status.as_u16(),
        request_id: request_id.value().map(str::to_owned),
        rate_limit: RateLimit {
            limit: limit.value().and_then(leading_number),
            remaining: remaining.value().and_then(leading_number),
            reset: reset.value().map(str::to_owned),
        },
        retry_after: retry_after(headers),
    }
}

/// The values found under several names, of which the first name with a value counts.
struct Preferred<'h, const N: usize> {
    names: [&'static str; N],
    values: [Option<&'h str>; N],
}

impl<'h, const N: usize> Preferred<'h, N> {
    fn of(names: [&'static str; N]) -> Self {
        Self {
            names,
            values: [None; N],
        }
    }

    /// Takes the header's value if it is one of these, and says whether it is.
    fn offer(&mut self, name: &HeaderName, headers: &'h HeaderMap) -> bool {
        let mut places = self.names.iter().zip(&mut self.values);
        let Some((_, value)) = places.find(|(known, _)| name.as_str() == **known) else {
            return false;
        };
        *value = text(headers, name);
        true
    }

    fn value(&self) -> Option<&'h str> {
        self.values.iter().copied().flatten().next()
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
    let value = text(headers, &RETRY_AFTER)?;
    let wait = if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many digits that they overflow mean a long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        let now = httpdate::parse_http_date(text(headers, &DATE)?).ok()?;
        until.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

/// `100` of `100`, and of `100, 100;w=60` where the windows follow.
fn leading_number(value: &str) -> Option<u64> {
    value.split([',', ';']).next()?.trim().parse().ok()
}

/// A header's first value, if it is visible text.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}
