//! Values of options that need more than their type to be read.
//!
//! Called by `args.rs`.

use std::time::Duration;

use tidings::Timestamp;

/// A point in time, or how far away it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    In(Duration),
}

impl Moment {
    /// The point in time, seen from now.
    pub(crate) fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::In(distance) => now.plus(distance),
        }
    }
}

/// Reads `30d` and `2027-01-31T00:00:00Z`.
pub(crate) fn moment(text: &str) -> Result<Moment, &'static str> {
    let distance = || duration(text).ok().map(Moment::In);
    let at = text.parse().ok().map(Moment::At);
    at.or_else(distance)
        .ok_or("expected a time such as 30d or 2027-01-31T00:00:00Z")
}

/// Reads a [`duration`], or `0s` where no time at all means something too.
pub(crate) fn duration_or_none(text: &str) -> Result<Duration, &'static str> {
    match text.trim() {
        "0" | "0s" => Ok(Duration::ZERO),
        text => duration(text),
    }
}

/// Reads `90s`, `30m`, `2h`, `1d` and their like, also one after the other: `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "expected a duration such as 90s, 30m, 2h or 1d";
    let mut total = Duration::ZERO;
    let mut digits = String::new();
    for character in text.trim().chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let seconds = match character {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(EXPECTED),
        };
        let count: u64 = digits.parse().map_err(|_| EXPECTED)?;
        let seconds = count.checked_mul(seconds).ok_or(EXPECTED)?;
        total = total
            .checked_add(Duration::from_secs(seconds))
            .ok_or(EXPECTED)?;
        digits.clear();
    }
    if digits.is_empty() && !total.is_zero() {
        Ok(total)
    } else {
        Err(EXPECTED)
    }
}

pub(crate) fn url_path(text: &str) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'?' && byte != b'#';
    if text.starts_with('/') && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("expected a path such as /reports")
    }
}

pub(crate) fn positive(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("expected a number above 0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        check("90s", Some(90));
        check("30m", Some(1_800));
        check("1h30m", Some(5_400));
        check("1d", Some(86_400));
        check("", None);
        check("0s", None);
        check("90", None);
        check("h", None);
        check("2w", None);
        check("99999999999999999999s", None);
        check("18446744073709551615d", None);
    }

    #[track_caller]
    fn check(text: &str, seconds: Option<u64>) {
        assert_eq!(
            duration(text).ok(),
            seconds.map(Duration::from_secs),
            "{text}"
        );
    }

    #[test]
    fn moments() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let read = |text| moment(text).map(|moment| moment.from(now).to_string());
        assert_eq!(read("30d").as_deref(), Ok("2026-12-22T00:00:00Z"));
        let at = read("2027-01-31T01:00:00+01:00");
        assert_eq!(at.as_deref(), Ok("2027-01-31T00:00:00Z"));
        for wrong in ["", "soon", "2027-01-31", "30"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths() {
        for path in ["/", "/reports", "/a/b%20c"] {
            assert_eq!(url_path(path).as_deref(), Ok(path));
        }
        for path in ["", "reports", "/a?b", "/a#b", "/å", "/a b"] {
            assert!(url_path(path).is_err(), "{path}");
        }
    }
}
