//! The vendor's two forms of a time.

use proptest::prelude::*;
use tidings_core::Timestamp;

use crate::netsapiens::wire::{Expected, FieldFault, time};

#[track_caller]
fn check(text: &str, expected: Option<&str>) {
    let expected = expected.map(|expected| expected.parse().unwrap());
    assert_eq!(
        time::read("timestamp", &text.into()),
        Ok(expected),
        "{text}"
    );
}

#[test]
fn times_are_read() {
    let at = Some("2026-01-02T03:04:05Z");
    check("2026-01-02 03:04:05", at);
    check(" 2026-01-02 03:04:05\n", at);
    check("2026-01-02T03:04:05", at);
    check("2026-01-02T03:04:05Z", at);
    check("2026-01-02T03:04:05+00:00", at);
    check("2026-01-02T04:04:05+01:00", at);
    check("2026-01-01T22:04:05-05:00", at);
    check("2026-01-02 03:04:05+00:00", at);
    check("2026-01-02T03:04:05.25Z", Some("2026-01-02T03:04:05.25Z"));
    check("2026-01-02 03:04:05.250", Some("2026-01-02T03:04:05.25Z"));
    for never in [
        "9999-12-31 23:59:59",
        "9999-12-31T23:59:59+00:00",
        "9999-12-30T23:00:00Z",
    ] {
        check(never, Some("9999-12-30T22:00:00Z"));
    }
    for none in [
        "",
        " ",
        "0",
        "0000-00-00 00:00:00",
        "0000-00-00",
        "0000-00-00T00:00:00+00:00",
    ] {
        check(none, None);
    }
}

#[test]
fn what_is_no_time_is_named() {
    for wrong in [
        "now",
        "1767323045",
        "2026-01-02",
        "03:04:05",
        "2026-13-02 03:04:05",
        "2026-02-30 03:04:05",
        "2026-01-02 25:04:05",
        "9999-12-31 25:00:00",
        "2026-01-02 03:04:05 Europe/Oslo",
        "2026-01-02T03:04:05Z[Europe/Oslo]",
        "02/01/2026 03:04",
        "2026-01-02\u{e5}03:04:05",
        "2026-01-0\u{e5} 03:04:05",
        "2026-01-02 03:04:05x",
    ] {
        let error = time::read("timestamp", &wrong.into());
        let fault = FieldFault::new("timestamp", Expected::Time);
        assert_eq!(error, Err(fault), "{wrong}");
    }
}

#[test]
fn times_are_written() {
    let at = "2026-01-02T03:04:05.678Z".parse().unwrap();
    assert_eq!(time::write(at), "2026-01-02 03:04:05");
    assert_eq!(time::write_with_offset(at), "2026-01-02T03:04:05+00:00");
    let before = Timestamp::from_millis(-62_200_000_000_000).unwrap();
    assert_eq!(time::write(before), "1970-01-01 00:00:00");
    assert_eq!(time::write(Timestamp::MAX), "9999-12-30 22:00:00");
}

proptest! {
    #[test]
    fn what_is_written_is_read(seconds in 0..253_402_207_200_i64) {
        let at = Timestamp::from_millis(seconds * 1000).unwrap();
        for written in [time::write(at), time::write_with_offset(at), at.to_string()] {
            prop_assert_eq!(time::read("at", &written.into()), Ok(Some(at)));
        }
    }

    #[test]
    fn nothing_panics(text in ".*") {
        drop(time::read("at", &text.into()));
    }
}
