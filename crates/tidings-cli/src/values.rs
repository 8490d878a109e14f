//! Values of options that need more than their type to be read.
//!
//! Called by `args.rs`.

use std::time::Duration;

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
    fn paths() {
        for path in ["/", "/reports", "/a/b%20c"] {
            assert_eq!(url_path(path).as_deref(), Ok(path));
        }
        for path in ["", "reports", "/a?b", "/a#b", "/å", "/a b"] {
            assert!(url_path(path).is_err(), "{path}");
        }
    }
}
