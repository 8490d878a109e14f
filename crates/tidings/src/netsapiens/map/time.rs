//! Times on the wire, which come in two forms. Part of `map`.

use tidings_core::Timestamp;

/// Reads a time: RFC 3339, or `YYYY-MM-DD HH:MM:SS` in UTC, which is what lists really hold. `None` for
/// what is empty or neither.
///
/// ```
/// use tidings::netsapiens::map::time;
///
/// let spaced = time::from_wire("2026-01-02 03:04:05").unwrap();
/// assert_eq!(spaced.to_string(), "2026-01-02T03:04:05Z");
/// assert_eq!(time::from_wire("2026-01-02T04:04:05+01:00"), Some(spaced));
/// assert_eq!(time::from_wire("0000-00-00 00:00:00"), None);
/// ```
pub fn from_wire(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let (day, time) = text.split_once([' ', 'T'])?;
    format!("{day}T{}Z", time.trim()).parse().ok()
}

/// Writes a time as requests have it, `YYYY-MM-DD HH:MM:SS` in UTC: what is finer than a second is cut
/// off.
pub fn to_wire(time: Timestamp) -> String {
    to_rfc3339(time)
        .replacen('T', " ", 1)
        .replacen("+00:00", "", 1)
}

/// Writes a time as answers have it, `2026-01-02T03:04:05+00:00`.
pub fn to_rfc3339(time: Timestamp) -> String {
    let whole = time.as_millis().div_euclid(1_000) * 1_000;
    let whole = Timestamp::from_millis(whole).unwrap_or(time).to_string();
    format!("{}+00:00", whole.trim_end_matches('Z'))
}
