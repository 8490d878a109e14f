//! Times as the API writes them: RFC 3339 in some places, `YYYY-MM-DD HH:MM:SS` in UTC without saying
//! so in others, and either in most. Used by both halves.

use tidings_core::{Day, TimeOfDay, TimeZone, Timestamp, ZonedTime};

/// Reads either form. `None` for what is no time, such as the empty text or a date of zeros, both of
/// which mean "never".
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some((day, time)) = text.split_once(' ') {
        let (day, time): (Day, TimeOfDay) = (day.parse().ok()?, time.parse().ok()?);
        return TimeZone::UTC.at(day, time).ok().map(|at| at.timestamp());
    }
    text.parse().ok()
}

/// `2026-01-02 03:04:05`, in UTC: how messages and events are dated, and what the server takes.
pub fn plain(at: Timestamp) -> String {
    let at = ZonedTime::new(at, &TimeZone::UTC);
    format!("{} {}", at.day(), at.time_of_day())
}

/// `2026-01-02T03:04:05+00:00`: how sessions and subscriptions are dated.
pub fn rfc3339(at: Timestamp) -> String {
    let at = ZonedTime::new(at, &TimeZone::UTC);
    format!("{}T{}+00:00", at.day(), at.time_of_day())
}
