//! The vendor's times: RFC 3339 with an offset, and `2026-01-02 03:04:05`, which is UTC. Part of
//! `wire`; used by both halves and for events.

use tidings_core::Timestamp;

use super::{Expected, FieldFault, Text};

/// Reads a time. What is empty or zeros is none. A time without an offset is UTC, with a blank or a
/// `T` between its halves; times later than the last [`Timestamp`], which mean "never", are that
/// one.
///
/// # Errors
/// Names `field` when it is something else.
pub fn read(field: &'static str, text: &Text) -> Result<Option<Timestamp>, FieldFault> {
    let text = text.0.trim();
    if matches!(text, "" | "0") || text.starts_with("0000-00-00") {
        return Ok(None);
    }
    parse(text)
        .map(Some)
        .ok_or_else(|| FieldFault::new(field, Expected::Time))
}

/// Reads a time as [`read`] does, where nothing hangs on it: what is no time is none.
///
/// ```
/// use tidings::netsapiens::wire::time;
///
/// let spaced = time::parse("2026-01-02 03:04:05").unwrap();
/// assert_eq!(spaced.to_string(), "2026-01-02T03:04:05Z");
/// assert_eq!(time::parse("2026-01-02T04:04:05+01:00"), Some(spaced));
/// assert_eq!(time::parse("0000-00-00 00:00:00"), None);
/// ```
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, time) = match text.as_bytes().get(10) {
        Some(b' ' | b'T') => text.get(..10).zip(text.get(11..))?,
        _ => return None,
    };
    if time.contains(['Z', 'z', '+', '-']) {
        point(date, time)
    } else {
        point(date, &format!("{time}Z"))
    }
}

/// `2026-01-02 03:04:05`, in UTC. Times before 1970 are written as its beginning: no server has
/// any.
pub fn write(at: Timestamp) -> String {
    seconds(at).replace('T', " ")
}

/// `2026-01-02T03:04:05+00:00`. Times before 1970 are written as its beginning.
pub fn write_with_offset(at: Timestamp) -> String {
    format!("{}+00:00", seconds(at))
}

fn seconds(at: Timestamp) -> String {
    let mut shown = at.max(Timestamp::UNIX_EPOCH).to_string();
    shown.truncate("2026-01-02T03:04:05".len());
    shown
}

fn point(date: &str, time: &str) -> Option<Timestamp> {
    if !is_digits_and(date, "-") || !is_digits_and(time, ":.+-Zz") {
        return None;
    }
    let parse = |date| format!("{date}T{time}").parse().ok();
    parse(date).or_else(|| {
        let is_last = matches!(date, "9999-12-30" | "9999-12-31");
        (is_last && parse("9998-12-31").is_some()).then_some(Timestamp::MAX)
    })
}

fn is_digits_and(text: &str, others: &str) -> bool {
    text.chars()
        .all(|part| part.is_ascii_digit() || others.contains(part))
}
