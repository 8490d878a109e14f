//! Tests of the words that both halves translate by.

use std::time::Duration;

use tidings_core::{Opening, Priority, SendWindow, SenderId, TimeZone, Timestamp, ZonedTime};

use super::super::Dialect;
use super::super::encoding::Encoding;
use super::super::wire;
use super::{
    FieldFault, OriginatorType, field, read_priority, read_recipient, read_sender, read_validity,
    read_window, write_priority, write_sender, write_validity, write_window,
};
use crate::error::ErrorKind;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

#[test]
fn priorities_are_turned_around_between_the_dialects() {
    #[track_caller]
    fn check(dialect: Dialect, priority: Priority, number: i64) {
        assert_eq!(write_priority(dialect, priority), number);
        assert_eq!(read_priority(dialect, number), Ok(priority));
    }
    check(Dialect::V3, Priority::High, 1);
    check(Dialect::V3, Priority::Normal, 2);
    check(Dialect::V3, Priority::Low, 3);
    check(Dialect::Manual, Priority::High, 3);
    check(Dialect::Manual, Priority::Normal, 2);
    check(Dialect::Manual, Priority::Low, 1);
    for dialect in [Dialect::V3, Dialect::Manual] {
        for number in [i64::MIN, -1, 0, 4, 5] {
            let fault = read_priority(dialect, number).unwrap_err();
            assert_eq!(fault.field, field::PRIORITY);
        }
    }
}

#[test]
fn a_validity_becomes_minutes_or_a_step_and_is_rounded_down() {
    #[track_caller]
    fn check(dialect: Dialect, seconds: u64, expected: Option<i64>) {
        let written = write_validity(dialect, Duration::from_secs(seconds));
        assert_eq!(written.ok(), expected, "{seconds} s");
    }
    check(Dialect::V3, 0, None);
    check(Dialect::V3, 59, None);
    check(Dialect::V3, 60, Some(1));
    check(Dialect::V3, 119, Some(1));
    check(Dialect::V3, DAY, Some(1440));
    check(Dialect::V3, 30 * DAY, Some(43_200));
    check(Dialect::V3, u64::MAX, Some(i64::from(i32::MAX)));
    let manual = |seconds, expected| check(Dialect::Manual, seconds, expected);
    manual(0, None);
    manual(5 * MINUTE - 1, None);
    manual(5 * MINUTE, Some(0));
    manual(10 * MINUTE - 1, Some(0));
    manual(10 * MINUTE, Some(1));
    manual(HOUR, Some(11));
    manual(12 * HOUR - 1, Some(142));
    manual(12 * HOUR, Some(143));
    manual(12 * HOUR + 30 * MINUTE - 1, Some(143));
    manual(12 * HOUR + 30 * MINUTE, Some(144));
    manual(DAY - 1, Some(166));
    manual(DAY, Some(167));
    manual(2 * DAY - 1, Some(167));
    manual(2 * DAY, Some(168));
    manual(7 * DAY - 1, Some(172));
    manual(7 * DAY, Some(173));
    manual(100 * DAY, Some(173));
    manual(u64::MAX, Some(173));
}

#[test]
fn every_step_of_the_manual_is_read_and_written_as_itself() {
    let mut previous = Duration::ZERO;
    for step in 0..=173 {
        let validity = read_validity(Dialect::Manual, step).unwrap();
        assert!(validity > previous, "{step}");
        assert_eq!(write_validity(Dialect::Manual, validity), Ok(step));
        previous = validity;
    }
    for step in [i64::MIN, -1, 174, i64::MAX] {
        let fault = read_validity(Dialect::Manual, step).unwrap_err();
        assert_eq!(fault.field, field::VALIDITY);
    }
    let minutes = |number| read_validity(Dialect::V3, number);
    assert_eq!(minutes(173), Ok(Duration::from_secs(173 * MINUTE)));
    for number in [i64::MIN, -1, 0, i64::MAX] {
        assert_eq!(minutes(number).unwrap_err().field, field::VALIDITY);
    }
}

#[test]
fn the_kind_of_a_sender_is_written_as_the_dialect_has_it_and_read_in_any_casing() {
    #[track_caller]
    fn check(dialect: Dialect, encoding: Encoding, expected: [&str; 3]) {
        let kinds = [
            OriginatorType::International,
            OriginatorType::Alphanumeric,
            OriginatorType::Network,
        ];
        for (kind, expected) in kinds.into_iter().zip(expected) {
            assert_eq!(kind.as_str(dialect, encoding), expected);
            assert_eq!(expected.parse(), Ok(kind));
            assert_eq!(expected.to_lowercase().parse(), Ok(kind));
        }
    }
    let pascal = ["International", "Alphanumeric", "Network"];
    let upper = ["INTERNATIONAL", "ALPHANUMERIC", "NETWORK"];
    for encoding in [Encoding::Json, Encoding::Xml, Encoding::Form] {
        check(Dialect::V3, encoding, pascal);
    }
    check(Dialect::Manual, Encoding::Json, upper);
    check(Dialect::Manual, Encoding::Form, upper);
    check(Dialect::Manual, Encoding::Xml, pascal);
    let fault = "3".parse::<OriginatorType>().unwrap_err();
    assert_eq!(fault.field, field::ORIGINATOR_TYPE);
    assert_eq!(fault.kind(), ErrorKind::InvalidSender);
}

#[test]
fn senders_keep_their_kind() {
    #[track_caller]
    fn check(text: &str, kind: &str) {
        let sender = SenderId::parse(text).unwrap();
        let written = write_sender(Dialect::Manual, Encoding::Json, &sender).unwrap();
        assert_eq!(written.originator_type.as_deref(), Some(kind));
        assert_eq!(written.originator.as_ref().unwrap().0, text);
        assert_eq!(read_sender(&written), Ok(sender));
    }
    check("Tidings", "ALPHANUMERIC");
    check("A % & - + .", "ALPHANUMERIC");
    check("+4790000001", "INTERNATIONAL");
    check("1960", "NETWORK");
}

#[test]
fn senders_that_the_vendor_does_not_take_are_refused_by_field() {
    #[track_caller]
    fn check(kind: Option<&str>, originator: Option<&str>, expected: &str) {
        let settings = wire::OriginatorSettings {
            originator: originator.map(|text| wire::Phone(text.to_owned())),
            originator_type: kind.map(str::to_owned),
        };
        let fault = read_sender(&settings).unwrap_err();
        assert_eq!(fault.field, expected, "{fault}");
        assert!(!originator.is_some_and(|text| text.len() > 3 && fault.to_string().contains(text)));
    }
    check(None, Some("Demo"), field::ORIGINATOR_TYPE);
    check(Some("Bogus"), Some("Demo"), field::ORIGINATOR_TYPE);
    check(Some("Network"), None, field::ORIGINATOR);
    check(Some("Network"), Some("19"), field::ORIGINATOR);
    check(Some("Network"), Some("123456789"), field::ORIGINATOR);
    check(Some("Network"), Some("Demo"), field::ORIGINATOR);
    check(Some("Alphanumeric"), Some(""), field::ORIGINATOR);
    check(
        Some("Alphanumeric"),
        Some("TwelveLetter"),
        field::ORIGINATOR,
    );
    check(Some("Alphanumeric"), Some("A_B"), field::ORIGINATOR);
    check(Some("Alphanumeric"), Some("Bjørn"), field::ORIGINATOR);
    check(Some("Alphanumeric"), Some("12345"), field::ORIGINATOR);
    check(Some("International"), Some("4790000001"), field::ORIGINATOR);
    check(Some("International"), Some("+47"), field::ORIGINATOR);
    let underscore = SenderId::parse("A_B").unwrap();
    let fault = write_sender(Dialect::V3, Encoding::Json, &underscore).unwrap_err();
    assert_eq!(fault.field, field::ORIGINATOR);
}

#[test]
fn a_recipient_needs_its_country_code() {
    let read = |text| read_recipient(text).map(|number| number.as_str().to_owned());
    assert_eq!(read("+4700000001").as_deref(), Ok("+4700000001"));
    assert_eq!(read("+47 41 00 00 00").as_deref(), Ok("+4741000000"));
    for text in [
        "",
        "41000000",
        "004741000000",
        "+",
        "+47",
        "+4+7",
        "+47abc",
        "12",
    ] {
        let fault = read(text).unwrap_err();
        assert_eq!(
            (fault.field, fault.kind()),
            (field::RECIPIENT, ErrorKind::InvalidRecipient)
        );
    }
}

// ---- windows ----

fn oslo() -> TimeZone {
    TimeZone::named("Europe/Oslo").unwrap()
}

fn zoned(text: &str) -> ZonedTime {
    text.parse().unwrap()
}

fn fields(window: &wire::SendWindow) -> [Option<&str>; 4] {
    [
        window.start_date.as_deref(),
        window.start_time.as_deref(),
        window.stop_date.as_deref(),
        window.stop_time.as_deref(),
    ]
}

fn wire_window(fields: [&str; 4]) -> wire::SendWindow {
    let field = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    wire::SendWindow {
        start_date: field(fields[0]),
        start_time: field(fields[1]),
        stop_date: field(fields[2]),
        stop_time: field(fields[3]),
    }
}

/// Writes a window, compares its four fields, and reads it back as one that opens at the same
/// moments.
#[track_caller]
fn check_written(window: &SendWindow, expected: [&str; 4]) {
    let written = write_window(window).unwrap();
    assert_eq!(written, wire_window(expected));
    let read = read_window(&written).unwrap();
    let (from, until) = window.bounds();
    let around = |moment: Timestamp| {
        let hour = 3_600_000;
        (-50..=50).map(move |hours| moment.as_millis() + hours * hour)
    };
    let ends = [Some(from), until];
    for moment in ends
        .iter()
        .flatten()
        .flat_map(|end| around(end.timestamp()))
    {
        let at = Timestamp::from_millis(moment).unwrap();
        assert_eq!(read.opening(at), window.opening(at), "{at}");
    }
}

#[test]
fn a_window_is_written_in_norwegian_time_with_the_distance_of_its_own_day() {
    let from = |text| SendWindow::from(zoned(text));
    check_written(
        &from("2026-03-21T09:00[Europe/Oslo]"),
        ["2026-03-21", "09:00:00+01:00", "", ""],
    );
    check_written(
        &from("2026-07-21T09:00[Europe/Oslo]"),
        ["2026-07-21", "09:00:00+02:00", "", ""],
    );
    // Where it is already the next day in Norway.
    check_written(
        &from("2026-07-21T22:30:00Z"),
        ["2026-07-22", "00:30:00+02:00", "", ""],
    );
    check_written(
        &from("2026-01-21T20:00[America/New_York]"),
        ["2026-01-22", "02:00:00+01:00", "", ""],
    );
    let between = |from, until| SendWindow::between(zoned(from), zoned(until)).unwrap();
    check_written(
        &between(
            "2026-03-21T09:00[Europe/Oslo]",
            "2026-03-21T17:00[Europe/Oslo]",
        ),
        [
            "2026-03-21",
            "09:00:00+01:00",
            "2026-03-21",
            "17:00:00+01:00",
        ],
    );
    let days = "2026-03-21".parse().unwrap()..="2026-03-22".parse().unwrap();
    let daily = SendWindow::daily(
        days,
        "09:00".parse().unwrap(),
        "17:00".parse().unwrap(),
        &oslo(),
    );
    check_written(
        &daily.unwrap(),
        [
            "2026-03-21",
            "09:00:00+01:00",
            "2026-03-22",
            "17:00:00+01:00",
        ],
    );
}

#[test]
fn parts_of_a_second_never_make_a_window_longer() {
    let from = zoned("2026-03-21T09:00:00.001[Europe/Oslo]");
    let until = zoned("2026-03-21T17:00:00.999[Europe/Oslo]");
    let written = write_window(&SendWindow::between(from, until).unwrap()).unwrap();
    let times = [written.start_time.as_deref(), written.stop_time.as_deref()];
    assert_eq!(times, [Some("09:00:01+01:00"), Some("17:00:00+01:00")]);
}

#[test]
fn a_window_until_midnight_ends_a_second_earlier() {
    let from = zoned("2026-03-21T09:00[Europe/Oslo]");
    let until = zoned("2026-03-22T00:00[Europe/Oslo]");
    let written = write_window(&SendWindow::between(from, until).unwrap()).unwrap();
    let expected = [
        "2026-03-21",
        "09:00:00+01:00",
        "2026-03-21",
        "23:59:59+01:00",
    ];
    assert_eq!(fields(&written), expected.map(Some));
}

#[test]
fn hours_of_another_zone_may_end_at_midnight_in_norway() {
    let days = "2026-03-20".parse().unwrap()..="2026-03-21".parse().unwrap();
    let (from, to) = ("22:00".parse().unwrap(), "23:00".parse().unwrap());
    let london = TimeZone::named("Europe/London").unwrap();
    let written = write_window(&SendWindow::daily(days, from, to, &london).unwrap()).unwrap();
    let expected = [
        "2026-03-20",
        "23:00:00+01:00",
        "2026-03-21",
        "23:59:59+01:00",
    ];
    assert_eq!(fields(&written), expected.map(Some));
}

#[test]
fn windows_on_the_days_of_clock_changes_name_the_distance_at_each_end() {
    let between = |from, until| SendWindow::between(zoned(from), zoned(until)).unwrap();
    // 2026-03-29: clocks go from 02:00 to 03:00.
    check_written(
        &between(
            "2026-03-29T01:30[Europe/Oslo]",
            "2026-03-29T09:00[Europe/Oslo]",
        ),
        [
            "2026-03-29",
            "01:30:00+01:00",
            "2026-03-29",
            "09:00:00+02:00",
        ],
    );
    // 2026-10-25: clocks go from 03:00 back to 02:00, so that 02:30 comes twice.
    check_written(
        &between("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        [
            "2026-10-25",
            "02:30:00+02:00",
            "2026-10-25",
            "02:30:00+01:00",
        ],
    );
    for (day, distances) in [
        ("2026-03-29", ["+01:00", "+02:00"]),
        ("2026-10-25", ["+02:00", "+01:00"]),
    ] {
        let hours = |from: &str, to: &str| {
            let days = day.parse().unwrap()..=day.parse().unwrap();
            SendWindow::daily(days, from.parse().unwrap(), to.parse().unwrap(), &oslo()).unwrap()
        };
        let [before, after] = distances;
        check_written(
            &hours("01:00", "17:00"),
            [
                day,
                &format!("01:00:00{before}"),
                day,
                &format!("17:00:00{after}"),
            ],
        );
        check_written(
            &hours("09:00", "17:00"),
            [
                day,
                &format!("09:00:00{after}"),
                day,
                &format!("17:00:00{after}"),
            ],
        );
    }
}

#[test]
fn hours_that_begin_or_end_where_clocks_are_changed_are_refused() {
    #[track_caller]
    fn check(days: (&str, &str), hours: (&str, &str)) {
        let days = days.0.parse().unwrap()..=days.1.parse().unwrap();
        let (from, to) = (hours.0.parse().unwrap(), hours.1.parse().unwrap());
        let window = SendWindow::daily(days, from, to, &oslo()).unwrap();
        let fault = write_window(&window).unwrap_err();
        assert_eq!(fault.field, field::SEND_WINDOW);
        assert!(fault.to_string().contains("skip or show twice"), "{fault}");
    }
    let spring = ("2026-03-29", "2026-03-29");
    check(spring, ("02:15", "02:30"));
    check(spring, ("01:30", "02:30"));
    check(spring, ("02:30", "04:00"));
    check(spring, ("02:45", "03:00"));
    check(("2026-03-28", "2026-03-30"), ("02:15", "02:30"));
    let autumn = ("2026-10-25", "2026-10-25");
    check(autumn, ("02:15", "02:30"));
    check(autumn, ("01:30", "02:30"));
    check(autumn, ("02:30", "04:00"));
}

#[test]
fn windows_that_the_wire_cannot_say_are_refused() {
    #[track_caller]
    fn check(window: Result<SendWindow, tidings_core::WindowError>, expected: &str) {
        let fault = write_window(&window.unwrap()).unwrap_err();
        assert_eq!(fault.field, field::SEND_WINDOW);
        assert!(fault.to_string().contains(expected), "{fault}");
    }
    let between = |from, until| SendWindow::between(zoned(from), zoned(until));
    check(
        between(
            "2026-03-21T09:00[Europe/Oslo]",
            "2026-03-22T17:00[Europe/Oslo]",
        ),
        "one stretch over several days",
    );
    check(
        between(
            "2026-03-21T23:00[Europe/Oslo]",
            "2026-03-22T00:00:01[Europe/Oslo]",
        ),
        "one stretch over several days",
    );
    check(
        between(
            "2026-03-21T09:00:00.100[Europe/Oslo]",
            "2026-03-21T09:00:00.900[Europe/Oslo]",
        ),
        "whole second",
    );
    let daily = |days: [&str; 2], hours: [&str; 2], zone: &str| {
        let zone = TimeZone::named(zone).unwrap();
        let days = days[0].parse().unwrap()..=days[1].parse().unwrap();
        SendWindow::daily(
            days,
            hours[0].parse().unwrap(),
            hours[1].parse().unwrap(),
            &zone,
        )
    };
    let nine_to_five = ["09:00", "17:00"];
    check(
        daily(["2026-03-28", "2026-03-29"], nine_to_five, "Europe/Oslo"),
        "the clocks change",
    );
    check(
        daily(["2026-10-24", "2026-10-25"], nine_to_five, "Europe/Oslo"),
        "the clocks change",
    );
    // Both changes lie between days of one distance.
    check(
        daily(["2026-02-01", "2026-12-01"], nine_to_five, "Europe/Oslo"),
        "the clocks change",
    );
    // Only one of the two clocks changes.
    check(
        daily(["2026-03-28", "2026-03-30"], nine_to_five, "UTC"),
        "the clocks change",
    );
    check(
        daily(
            ["2026-01-05", "2026-01-06"],
            ["15:00", "20:00"],
            "America/New_York",
        ),
        "over midnight",
    );
}

#[test]
fn hours_of_another_zone_become_those_of_norway() {
    let zone = TimeZone::named("Africa/Conakry").unwrap();
    let days = "2026-07-01".parse().unwrap()..="2026-07-31".parse().unwrap();
    let window = SendWindow::daily(
        days,
        "08:00".parse().unwrap(),
        "20:00".parse().unwrap(),
        &zone,
    );
    check_written(
        &window.unwrap(),
        [
            "2026-07-01",
            "10:00:00+02:00",
            "2026-07-31",
            "22:00:00+02:00",
        ],
    );
}

#[test]
fn windows_of_other_writers_are_read() {
    #[track_caller]
    fn check(fields: [&str; 4], inside: &[&str], outside: &[&str]) {
        let window = read_window(&wire_window(fields)).unwrap();
        let is_open =
            |at: &str| matches!(window.opening(at.parse().unwrap()), Opening::Open { .. });
        for at in inside {
            assert!(is_open(at), "{at} is inside {fields:?}");
        }
        for at in outside {
            assert!(!is_open(at), "{at} is outside {fields:?}");
        }
    }
    // Contract 7.1: no distances, so Norwegian time on both days.
    check(
        ["2026-03-21", "09:00:00", "2026-03-22", "17:00:00"],
        &["2026-03-21T08:00:00Z", "2026-03-22T15:59:59Z"],
        &[
            "2026-03-21T07:59:59Z",
            "2026-03-21T16:00:00Z",
            "2026-03-22T16:00:00Z",
        ],
    );
    // Contract 7.7.
    check(
        [
            "2026-03-21",
            "09:00:00+01:00",
            "2026-03-22",
            "17:00:00+01:00",
        ],
        &["2026-03-21T08:00:00Z", "2026-03-22T15:59:59Z"],
        &[
            "2026-03-21T07:59:59Z",
            "2026-03-21T16:00:00Z",
            "2026-03-22T16:00:00Z",
        ],
    );
    // Without distances the clocks of Norway change between the days.
    check(
        ["2026-03-28", "09:00:00", "2026-03-29", "17:00:00"],
        &["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z"],
        &["2026-03-28T07:00:00Z", "2026-03-29T15:00:00Z"],
    );
    check(
        ["2026-07-21", "", "", ""],
        &["2026-07-20T22:00:00Z"],
        &["2026-07-20T21:59:59Z"],
    );
    check(
        ["2026-07-21Z", "09:00:00", "", ""],
        &["2026-07-21T09:00:00Z"],
        &["2026-07-21T08:59:59Z"],
    );
    check(
        ["2015-06-15+01:00", "09:00:00.500-05:00", "", ""],
        &["2015-06-15T14:00:00Z"],
        &["2015-06-15T13:59:59Z"],
    );
    // An end time alone is of the first day, a last day alone ends with its last second.
    check(
        ["2026-01-21", "09:00:00", "", "10:00:00"],
        &["2026-01-21T08:59:59Z"],
        &["2026-01-21T09:00:00Z"],
    );
    check(
        ["2026-01-21", "09:00:00", "2026-01-22", ""],
        &["2026-01-21T22:59:58Z", "2026-01-22T22:59:58Z"],
        &["2026-01-22T07:00:00Z", "2026-01-22T22:59:59Z"],
    );
    // Ends that name different distances: the same moments, by the clocks of the start.
    check(
        ["2026-01-21", "09:00:00+01:00", "2026-01-22", "15:00:00Z"],
        &["2026-01-21T14:59:59Z", "2026-01-22T14:59:59Z"],
        &["2026-01-21T15:00:00Z", "2026-01-22T15:00:00Z"],
    );
}

#[test]
fn a_wrong_window_is_refused_by_field() {
    #[track_caller]
    fn check(fields: [&str; 4], expected: &'static str) {
        let fault: FieldFault = read_window(&wire_window(fields)).unwrap_err();
        assert_eq!(fault.field, expected, "{fields:?}");
    }
    check(["", "09:00:00", "", ""], field::START_DATE);
    check(["21.03.2026", "09:00:00", "", ""], field::START_DATE);
    check(["2026-02-30", "", "", ""], field::START_DATE);
    check(["2026-03-21T00:00:00Z", "", "", ""], field::START_DATE);
    check(["2026-03-2é", "", "", ""], field::START_DATE);
    check(["2026-03-21", "9:00", "", ""], field::START_TIME);
    check(["2026-03-21", "24:00:00", "", ""], field::START_TIME);
    check(["2026-03-21", "09:00:00+1", "", ""], field::START_TIME);
    check(["2026-03-21", "09:00:00+15:00", "", ""], field::START_TIME);
    check(["2026-03-21", "09:00:00é", "", ""], field::START_TIME);
    check(["2026-03-21", "09:00:00", "soon", ""], field::STOP_DATE);
    check(
        ["2026-03-21", "09:00:00", "2026-03-20", "10:00:00"],
        field::STOP_DATE,
    );
    check(
        ["2026-03-21", "09:00:00", "2026-03-21", "soon"],
        field::STOP_TIME,
    );
    check(
        ["2026-03-21", "09:00:00", "2026-03-21", "09:00:00"],
        field::STOP_TIME,
    );
    check(
        ["2026-03-21", "22:00:00", "2026-03-22", "06:00:00"],
        field::STOP_TIME,
    );
    check(
        [
            "2026-03-21",
            "09:00:00+01:00",
            "2026-03-22",
            "23:00:00-14:00",
        ],
        field::STOP_TIME,
    );
}
