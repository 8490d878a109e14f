//! What the head of an answer tells, as a table of headers and readings.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tidings_core::Timestamp;

use crate::answer::{HttpMetadata, RateLimit};
use crate::http::{HttpResponse, metadata};

fn read(headers: &[(&str, &str)]) -> HttpMetadata {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        map.append(name, value);
    }
    HttpResponse::new(StatusCode::TOO_MANY_REQUESTS, map, "").metadata()
}

#[track_caller]
fn check_wait(headers: &[(&str, &str)], seconds: Option<u64>) {
    let expected = seconds.map(Duration::from_secs);
    assert_eq!(read(headers).retry_after, expected, "{headers:?}");
}

const NOON: (&str, &str) = ("date", "Sat, 21 Nov 2026 12:00:00 GMT");
const DAY: u64 = 24 * 60 * 60;

#[test]
fn wait_in_seconds() {
    check_wait(&[("retry-after", "0")], Some(0));
    check_wait(&[("retry-after", "120")], Some(120));
    check_wait(&[("retry-after", " 120 ")], Some(120));
    check_wait(&[("retry-after", "86401")], Some(DAY));
    check_wait(&[("retry-after", "99999999999999999999999999")], Some(DAY));
    check_wait(&[("retry-after", "5"), ("retry-after", "9")], Some(5));
}

#[test]
fn wait_until_a_date() {
    let until = |date| [NOON, ("retry-after", date)];
    check_wait(&until("Sat, 21 Nov 2026 12:00:30 GMT"), Some(30));
    // The two older forms that RFC 9110 section 5.6.7 wants to be understood.
    check_wait(&until("Saturday, 21-Nov-26 12:00:30 GMT"), Some(30));
    check_wait(&until("Sat Nov 21 12:00:30 2026"), Some(30));
    check_wait(&until("Sat, 21 Nov 2026 11:59:00 GMT"), Some(0));
    check_wait(&until("Thu, 21 Nov 2126 12:00:00 GMT"), Some(DAY));
    let not_a_date = [
        ("date", "about noon"),
        ("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT"),
    ];
    check_wait(&not_a_date, None);
}

#[test]
fn wait_that_cannot_be_read() {
    for odd in ["", "-5", "1.5", "soon", "12 s", "Sat, 21 Nov", "\u{e9}"] {
        check_wait(&[NOON, ("retry-after", odd)], None);
    }
    check_wait(&[], None);
}

#[test]
fn date_of_receipt_stands_in() {
    let now: Timestamp = "2026-11-21T12:00:00.500Z".parse().unwrap();
    let late = HeaderValue::from_static("Sat, 21 Nov 2026 12:00:45 GMT");
    let mut headers = HeaderMap::new();
    metadata::add_missing_date(&mut headers, || now);
    assert!(
        headers.is_empty(),
        "nothing is added where nothing needs it"
    );
    headers.insert("retry-after", late);
    metadata::add_missing_date(&mut headers, || now);
    assert_eq!(headers["date"], "Sat, 21 Nov 2026 12:00:00 GMT");
    let wait = metadata::read(StatusCode::OK, &headers).retry_after;
    assert_eq!(wait, Some(Duration::from_secs(45)));
    metadata::add_missing_date(&mut headers, || Timestamp::UNIX_EPOCH);
    assert_eq!(headers["date"], "Sat, 21 Nov 2026 12:00:00 GMT");

    headers.remove("date");
    let far = Timestamp::from_millis(253_402_207_200_000).unwrap();
    metadata::add_missing_date(&mut headers, || far.plus(Duration::from_secs(u64::MAX)));
    assert_eq!(metadata::read(StatusCode::OK, &headers).status, 200);
}

#[track_caller]
fn check_request_id(headers: &[(&str, &str)], expected: Option<&str>) {
    assert_eq!(read(headers).request_id.as_deref(), expected);
}

#[test]
fn request_ids() {
    check_request_id(&[], None);
    check_request_id(&[("CF-Ray", "8e1")], Some("8e1"));
    check_request_id(&[("X-Amzn-RequestId", "a-1")], Some("a-1"));
    let all = [
        ("CF-Ray", "5"),
        ("X-Amzn-RequestId", "4"),
        ("X-Correlation-Id", "3"),
        ("Request-Id", "2"),
        ("X-Request-Id", "1"),
    ];
    for first in 0..all.len() {
        let expected = all[all.len() - 1 - first].1;
        check_request_id(&all[..all.len() - first], Some(expected));
    }
    check_request_id(&[("X-Request-Id", ""), ("Request-Id", "2")], Some("2"));
    check_request_id(&[("X-Request-Id", "\u{e9}")], None);
}

#[track_caller]
fn check_limit(headers: &[(&str, &str)], expected: (Option<u64>, Option<u64>, Option<&str>)) {
    let RateLimit {
        limit,
        remaining,
        reset,
    } = read(headers).rate_limit;
    assert_eq!(
        (limit, remaining, reset.as_deref()),
        expected,
        "{headers:?}"
    );
}

#[test]
fn rate_limits() {
    check_limit(&[], (None, None, None));
    let plain = [
        ("RateLimit-Limit", "100"),
        ("RateLimit-Remaining", "7"),
        ("RateLimit-Reset", "30"),
    ];
    check_limit(&plain, (Some(100), Some(7), Some("30")));
    let with_x = [
        ("X-RateLimit-Limit", "100"),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", "1795262400"),
    ];
    check_limit(&with_x, (Some(100), Some(0), Some("1795262400")));
    check_limit(&[("X-Rate-Limit-Limit", "9")], (Some(9), None, None));
    check_limit(
        &[("RateLimit-Limit", "10, 10;w=1, 50;w=60")],
        (Some(10), None, None),
    );
    check_limit(&[("RateLimit-Limit", "10;w=1")], (Some(10), None, None));
    let odd = [
        ("RateLimit-Limit", "many"),
        ("RateLimit-Remaining", "-1"),
        ("RateLimit-Reset", ""),
    ];
    check_limit(&odd, (None, None, None));
    let both = [("X-RateLimit-Limit", "2"), ("RateLimit-Limit", "1")];
    check_limit(&both, (Some(1), None, None));
}
