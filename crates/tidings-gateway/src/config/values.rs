//! How single values are written in a configuration: durations, hours, networks and the like.
//!
//! Called by `sections.rs` and `lanes.rs`. Every function reads one text and says what it expected.

use std::str::FromStr;
use std::time::Duration;

use tidings_core::{Day, Region, SenderId, TimeOfDay, TimeZone};

/// What is wrong with a value, as the end of a sentence. It never repeats the value.
pub(super) type Wrong = String;

/// Reads `500ms`, `90s`, `30m`, `2h`, `1d` and their like, also one after the other: `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, Wrong> {
    let expected = || "expected a duration such as 500ms, 90s, 30m, 2h or 1d".to_owned();
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(expected());
    }
    while !rest.is_empty() {
        let digits = leading(rest, |character| character.is_ascii_digit());
        let after = rest.strip_prefix(digits).unwrap_or_default();
        let unit = leading(after, |character| character.is_ascii_alphabetic());
        let count: u64 = digits.parse().map_err(|_| expected())?;
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(expected()),
        };
        let part = count.checked_mul(milliseconds).ok_or_else(expected)?;
        let sum = total.checked_add(Duration::from_millis(part));
        total = sum.ok_or_else(expected)?;
        rest = after.strip_prefix(unit).unwrap_or_default();
    }
    Ok(total)
}

fn leading(text: &str, fits: impl Fn(char) -> bool) -> &str {
    let end = text.find(|character| !fits(character));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// Reads a duration above 0.
pub(super) fn some_duration(text: &str) -> Result<Duration, Wrong> {
    match duration(text)? {
        Duration::ZERO => Err("must be above 0".to_owned()),
        some => Ok(some),
    }
}

/// Reads whatever has a reader of its own whose error says what is wrong.
pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Wrong> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads what a phone shows as the sender.
pub(super) fn sender(text: &str) -> Result<SenderId, Wrong> {
    SenderId::parse(text).map_err(|error| error.to_string())
}

/// Reads a country.
pub(super) fn country(text: &str) -> Result<Region, Wrong> {
    text.parse()
        .map_err(|_| "expected a country by its two letters, such as NO".to_owned())
}

/// Reads a day.
pub(super) fn day(text: &str) -> Result<Day, Wrong> {
    text.parse()
        .map_err(|_| "expected days such as 2026-12-25".to_owned())
}

/// Reads the name of a time zone.
pub(super) fn zone(text: &str) -> Result<TimeZone, Wrong> {
    TimeZone::named(text).map_err(|error| error.to_string())
}

/// Reads a whole number, with `_` between digits where somebody likes it.
pub(super) fn number<T: TryFrom<u64>>(text: &str) -> Result<T, Wrong> {
    let digits: String = text.chars().filter(|character| *character != '_').collect();
    let number: u64 = digits
        .parse()
        .map_err(|_| "expected a whole number".to_owned())?;
    T::try_from(number).map_err(|_| "the number is too large".to_owned())
}

/// Reads a whole number above 0.
pub(super) fn positive<T: TryFrom<u64>>(text: &str) -> Result<T, Wrong> {
    if number::<u64>(text)? == 0 {
        return Err("must be above 0".to_owned());
    }
    number(text)
}

/// Reads a whole number out of a range.
pub(super) fn between<T: TryFrom<u64>>(text: &str, least: u64, most: u64) -> Result<T, Wrong> {
    let expected = || format!("expected a whole number from {least} to {most}");
    let number: u64 = number(text).map_err(|_| expected())?;
    if !(least..=most).contains(&number) {
        return Err(expected());
    }
    T::try_from(number).map_err(|_| expected())
}

/// Reads a whole number, which may be below 0.
pub(super) fn signed(text: &str) -> Result<i64, Wrong> {
    text.parse()
        .map_err(|_| "expected a whole number".to_owned())
}

/// Reads a share, from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, Wrong> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

/// Reads `true` and `false`.
pub(super) fn flag(text: &str) -> Result<bool, Wrong> {
    text.parse()
        .map_err(|_| "expected true or false".to_owned())
}

/// Reads `21:00-08:00`.
pub(super) fn hours(text: &str) -> Result<(TimeOfDay, TimeOfDay), Wrong> {
    let expected = || "expected hours such as 21:00-08:00".to_owned();
    let (from, until) = text.split_once('-').ok_or_else(expected)?;
    let from: TimeOfDay = from.trim().parse().map_err(|_| expected())?;
    let until: TimeOfDay = until.trim().parse().map_err(|_| expected())?;
    if from == until {
        return Err("begins and ends at the same time, so that no message could leave".to_owned());
    }
    Ok((from, until))
}

/// Reads `http://host..` and `https://host..`, and takes a slash at the end away.
pub(super) fn url(text: &str) -> Result<String, Wrong> {
    let expected = || "expected a URL such as https://sms.example.org".to_owned();
    let url = text.trim_end_matches('/');
    let uri: http::Uri = url.parse().map_err(|_| expected())?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    if is_web && uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none() {
        Ok(url.to_owned())
    } else {
        Err(expected())
    }
}
