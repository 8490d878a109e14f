//! Tests of zones, zoned times, days, times of day and windows; quiet times and the zones of regions have
//! files of their own.

mod quiet;
mod region;

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn zone(name: &str) -> TimeZone {
    TimeZone::named(name).unwrap()
}

fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

fn zoned(text: &str) -> ZonedTime {
    text.parse().unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn time(text: &str) -> TimeOfDay {
    text.parse().unwrap()
}

// ---- zones ----

#[test]
fn zones_are_found_by_name_in_any_casing_and_shown_by_it() {
    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(zone(name).to_string(), expected);
        assert_eq!(format!("{:?}", zone(name)), format!("TimeZone({expected})"));
    }
    check("Europe/Oslo", "Europe/Oslo");
    check("europe/oslo", "Europe/Oslo");
    check("Australia/Lord_Howe", "Australia/Lord_Howe");
    check("UTC", "UTC");
    for name in [
        "",
        "Oslo",
        "CET+1",
        "Europe/",
        "+01:00",
        "Europe/Oslo ",
        "../UTC",
    ] {
        assert_eq!(TimeZone::named(name), Err(TimeError::NoSuchZone), "{name}");
    }
}

#[test]
fn fixed_zones_reach_as_far_as_is_said() {
    let noon = at("2026-01-01T12:00:00Z");
    for minutes in [-1_559, -60, -1, 0, 1, 60, 345, 1_559] {
        let fixed = TimeZone::fixed(minutes).unwrap();
        assert_eq!(ZonedTime::new(noon, &fixed).minutes_ahead(), minutes);
    }
    for minutes in [i32::MIN, -1_560, 1_560, i32::MAX] {
        assert_eq!(TimeZone::fixed(minutes), Err(TimeError::OutOfRange));
    }
    assert_eq!(TimeZone::fixed(0).unwrap(), TimeZone::UTC);
}

/// Whether the rules come from the program and not from the machine: a zone of the present rules of
/// its country, and one that follows another.
#[test]
fn the_compiled_in_rules_are_recent() {
    #[track_caller]
    fn check(name: &str, moment: &str, minutes: i32) {
        assert_eq!(
            ZonedTime::new(at(moment), &zone(name)).minutes_ahead(),
            minutes
        );
    }
    // Mexico has had no summer time since 2022, Greenland has changed its zone in 2023.
    check("America/Mexico_City", "2026-07-01T00:00:00Z", -360);
    check("America/Nuuk", "2026-01-01T00:00:00Z", -120);
    check("Africa/Conakry", "2026-07-01T00:00:00Z", 0);
    // Half an hour of summer time.
    check("Australia/Lord_Howe", "2026-01-01T00:00:00Z", 660);
    check("Australia/Lord_Howe", "2026-07-01T00:00:00Z", 630);
    // Before clocks were set by zones.
    check("Africa/Monrovia", "1960-01-01T00:00:00Z", -45);
    check("America/New_York", "1850-01-01T00:00:00Z", -297);
}

#[test]
fn what_clocks_show_becomes_a_moment() {
    #[track_caller]
    fn check(name: &str, shown: (&str, &str), expected: &str) {
        let moment = zone(name).at(day(shown.0), time(shown.1)).unwrap();
        assert_eq!(moment.timestamp(), at(expected));
    }
    check(
        "Europe/Oslo",
        ("2026-03-28", "09:00"),
        "2026-03-28T08:00:00Z",
    );
    check(
        "Europe/Oslo",
        ("2026-03-29", "09:00"),
        "2026-03-29T07:00:00Z",
    );
    // Skipped, and shown twice.
    check(
        "Europe/Oslo",
        ("2026-03-29", "02:30"),
        "2026-03-29T01:30:00Z",
    );
    check(
        "Europe/Oslo",
        ("2026-10-25", "02:30"),
        "2026-10-25T00:30:00Z",
    );
    // By half an hour.
    let lord_howe = "Australia/Lord_Howe";
    check(lord_howe, ("2026-10-04", "02:15"), "2026-10-03T15:45:00Z");
    check(lord_howe, ("2026-04-05", "01:45"), "2026-04-04T14:45:00Z");
    // A whole day that Samoa skipped.
    check(
        "Pacific/Apia",
        ("2011-12-30", "12:00"),
        "2011-12-30T22:00:00Z",
    );
}

#[test]
fn the_calendars_bounds_are_errors() {
    let first = Day::new(-9999, 1, 1).unwrap();
    let last = Day::new(9999, 12, 31).unwrap();
    assert_eq!(last.next(), last);
    let west = TimeZone::fixed(-1_000).unwrap();
    let east = TimeZone::fixed(1_000).unwrap();
    let late = time("23:59:59");
    assert_eq!(west.at(last, late), Err(TimeError::OutOfRange));
    assert_eq!(
        east.at(first, TimeOfDay::MIDNIGHT),
        Err(TimeError::OutOfRange)
    );
    let oslo = zone("Europe/Oslo");
    assert!(oslo.at(day("9999-12-30"), time("23:00")).is_ok());
    let beyond = oslo.at(day("9999-12-30"), time("23:00:01"));
    assert_eq!(beyond, Err(TimeError::OutOfRange));
    for (year, month, day) in [(2026, 2, 29), (2026, 13, 1), (2026, 0, 1), (2026, 4, 31)] {
        assert_eq!(Day::new(year, month, day), Err(TimeError::OutOfRange));
    }
    for (hour, minute, second) in [(24, 0, 0), (-1, 0, 0), (0, 60, 0), (0, 0, 60)] {
        let out_of_range = Err(TimeError::OutOfRange);
        assert_eq!(TimeOfDay::new(hour, minute, second), out_of_range);
    }
    let shown = ZonedTime::new(Timestamp::MAX, &east);
    assert_eq!(shown.timestamp(), Timestamp::MAX);
}

// ---- zoned times ----

#[test]
fn zoned_times_are_read_in_their_forms() {
    #[track_caller]
    fn check(text: &str, moment: &str, shown: &str) {
        let read = zoned(text);
        assert_eq!(read.timestamp(), at(moment));
        assert_eq!(read.to_string(), shown);
        assert_eq!(zoned(shown), read);
    }
    let oslo = "2026-03-29T09:00:00+02:00[Europe/Oslo]";
    check(
        "2026-03-29T09:00[Europe/Oslo]",
        "2026-03-29T07:00:00Z",
        oslo,
    );
    check(
        "2026-03-29 09:00:00[europe/oslo]",
        "2026-03-29T07:00:00Z",
        oslo,
    );
    check(oslo, "2026-03-29T07:00:00Z", oslo);
    check(
        "2026-03-29T07:00:00Z[Europe/Oslo]",
        "2026-03-29T07:00:00Z",
        oslo,
    );
    check(
        "2026-03-29T09:00:00+02:00",
        "2026-03-29T07:00:00Z",
        "2026-03-29T09:00:00+02:00[+02:00]",
    );
    check(
        "2026-03-29T07:00:00Z",
        "2026-03-29T07:00:00Z",
        "2026-03-29T07:00:00+00:00[UTC]",
    );
    // Both hours that clocks show twice can be said with the distance from UTC.
    check(
        "2026-10-25T02:30:00+01:00[Europe/Oslo]",
        "2026-10-25T01:30:00Z",
        "2026-10-25T02:30:00+01:00[Europe/Oslo]",
    );
    check(
        "2026-03-29T09:00:00.1239999[Europe/Oslo]",
        "2026-03-29T07:00:00.123Z",
        "2026-03-29T09:00:00.123+02:00[Europe/Oslo]",
    );
    check(
        "2026-03-29T09:00:00.1239999+02:00",
        "2026-03-29T07:00:00.123Z",
        "2026-03-29T09:00:00.123+02:00[+02:00]",
    );
}

#[test]
fn what_is_no_zoned_time_is_refused() {
    for text in [
        "",
        "[",
        "09:00",
        "2026-03-29",
        "2026-03-29T09:00",
        "2026-03-29T09:00[Europe/Oslo",
        "2026-03-29T09:00:00+05:00[Europe/Oslo]",
        "2026-02-30T09:00[Europe/Oslo]",
        "2026-03-29T25:00[Europe/Oslo]",
        "[Europe/Oslo]",
        "å[Europe/Oslo]",
    ] {
        assert_eq!(
            text.parse::<ZonedTime>(),
            Err(TimeError::NotATime),
            "{text}"
        );
    }
    assert_eq!(
        "2026-03-29T09:00[Oslo]".parse::<ZonedTime>(),
        Err(TimeError::NoSuchZone)
    );
}

#[test]
fn zoned_times_are_equal_if_both_moment_and_zone_are() {
    let oslo = zoned("2026-01-01T12:00[Europe/Oslo]");
    let berlin = oslo.in_zone(&zone("Europe/Berlin"));
    assert_eq!(oslo.timestamp(), berlin.timestamp());
    assert_ne!(oslo, berlin);
    assert_eq!(berlin.in_zone(&zone("Europe/Oslo")), oslo);
    assert_eq!(berlin.zone(), zone("Europe/Berlin"));
    assert_eq!(oslo, ZonedTime::new(oslo.timestamp(), &oslo.zone()));
}

#[test]
fn a_time_of_day_has_whole_seconds() {
    let moment = at("2026-01-01T12:00:00.999Z");
    let shown = ZonedTime::new(moment, &TimeZone::UTC).time_of_day();
    assert_eq!(shown, time("12:00:00"));
}

// ---- days and times of day ----

#[test]
fn days_are_read_in_one_form() {
    for text in ["2026-03-29", "0001-01-01", "9999-12-31", "-000001-12-31"] {
        assert_eq!(day(text).to_string(), text);
    }
    assert_eq!(day("2026-12-31").next(), day("2027-01-01"));
    assert_eq!(day("2028-02-28").next(), day("2028-02-29"));
    for text in [
        "",
        "2026-3-29",
        "20260329",
        "2026-03-29 ",
        "2026-03-29T09:00",
        "2026-02-29",
        "2026-W13-7",
        "+002026-03-29",
        "26-03-2026",
        "٢٠٢٦-٠٣-٢٩",
    ] {
        assert_eq!(text.parse::<Day>(), Err(TimeError::NotATime), "{text}");
    }
}

#[test]
fn times_of_day_are_read_with_and_without_seconds() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(time(text).to_string(), expected);
    }
    check("09:00", "09:00:00");
    check("00:00:00", "00:00:00");
    check("23:59:59", "23:59:59");
    assert_eq!(time("00:00"), TimeOfDay::MIDNIGHT);
    for text in [
        "",
        "9:00",
        "09",
        "09:0",
        "09:00:0",
        "09:00:00:00",
        "+9:00",
        "09:00:00.5",
        "٠٩:٠٠",
    ] {
        assert_eq!(
            text.parse::<TimeOfDay>(),
            Err(TimeError::NotATime),
            "{text}"
        );
    }
    for text in ["24:00", "23:60", "23:59:60"] {
        assert_eq!(
            text.parse::<TimeOfDay>(),
            Err(TimeError::OutOfRange),
            "{text}"
        );
    }
}

// ---- windows ----

fn daily(days: (&str, &str), hours: (&str, &str), name: &str) -> SendWindow {
    let days = day(days.0)..=day(days.1);
    SendWindow::daily(days, time(hours.0), time(hours.1), &zone(name)).unwrap()
}

#[track_caller]
fn check_open(window: &SendWindow, moment: &str, until: &str) {
    let until = Some(at(until));
    assert_eq!(window.opening(at(moment)), Opening::Open { until });
}

#[track_caller]
fn check_opens(window: &SendWindow, moment: &str, opens: &str) {
    assert_eq!(window.opening(at(moment)), Opening::OpensAt(at(opens)));
}

#[track_caller]
fn check_over(window: &SendWindow, moment: &str) {
    assert_eq!(window.opening(at(moment)), Opening::Over);
}

#[test]
fn a_stretch_opens_at_its_beginning_and_is_over_at_its_end() {
    let from = zoned("2026-03-29T01:00[Europe/Oslo]");
    let until = zoned("2026-03-29T04:00[Europe/Oslo]");
    let window = SendWindow::between(from.clone(), until.clone()).unwrap();
    check_opens(&window, "2026-03-28T23:59:59.999Z", "2026-03-29T00:00:00Z");
    check_open(&window, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
    check_open(&window, "2026-03-29T01:59:59.999Z", "2026-03-29T02:00:00Z");
    check_over(&window, "2026-03-29T02:00:00Z");
    assert_eq!(window.bounds(), (from.clone(), Some(until.clone())));
    assert_eq!(window.daily_hours(), None);

    let endless = SendWindow::from(from.clone());
    check_opens(&endless, "2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z");
    let open = Opening::Open { until: None };
    assert_eq!(endless.opening(from.timestamp()), open);
    assert_eq!(endless.opening(Timestamp::MAX), open);
    assert_eq!(endless.bounds(), (from.clone(), None));

    assert_eq!(SendWindow::between(until, from.clone()), Err(WindowError));
    // The same moment, however it is spoken of.
    let elsewhere = from.in_zone(&zone("Asia/Tokyo"));
    assert_eq!(SendWindow::between(from, elsewhere), Err(WindowError));
}

#[test]
fn daily_hours_open_on_each_day_and_are_over_after_the_last() {
    let window = daily(
        ("2026-08-05", "2026-08-06"),
        ("09:00", "10:00"),
        "Europe/Oslo",
    );
    check_opens(&window, "2020-01-01T00:00:00Z", "2026-08-05T07:00:00Z");
    check_opens(&window, "2026-08-05T06:59:59.999Z", "2026-08-05T07:00:00Z");
    check_open(&window, "2026-08-05T07:00:00Z", "2026-08-05T08:00:00Z");
    check_opens(&window, "2026-08-05T08:00:00Z", "2026-08-06T07:00:00Z");
    check_open(&window, "2026-08-06T07:59:59.999Z", "2026-08-06T08:00:00Z");
    check_over(&window, "2026-08-06T08:00:00Z");
    check_over(&window, "2030-01-01T00:00:00Z");
    let bounds = (
        zoned("2026-08-05T09:00[Europe/Oslo]"),
        Some(zoned("2026-08-06T10:00[Europe/Oslo]")),
    );
    assert_eq!(window.bounds(), bounds);
    let hours = window.daily_hours().unwrap();
    assert_eq!(
        (hours.first, hours.last),
        (day("2026-08-05"), day("2026-08-06"))
    );
}

#[test]
fn days_and_hours_have_to_be_in_order() {
    let oslo = zone("Europe/Oslo");
    let window = |first, last, from, to| {
        SendWindow::daily(day(first)..=day(last), time(from), time(to), &oslo)
    };
    assert!(window("2026-01-01", "2026-01-01", "09:00", "09:00:01").is_ok());
    for (first, last, from, to) in [
        ("2026-01-02", "2026-01-01", "09:00", "10:00"),
        ("2026-01-01", "2026-01-02", "10:00", "10:00"),
        ("2026-01-01", "2026-01-02", "22:00", "06:00"),
    ] {
        assert_eq!(window(first, last, from, to), Err(WindowError));
    }
}

#[test]
fn hours_follow_the_clocks_over_their_changes() {
    let spring = daily(
        ("2026-03-28", "2026-03-30"),
        ("09:00", "17:00"),
        "Europe/Oslo",
    );
    check_open(&spring, "2026-03-28T08:00:00Z", "2026-03-28T16:00:00Z");
    check_opens(&spring, "2026-03-28T16:00:00Z", "2026-03-29T07:00:00Z");
    check_open(&spring, "2026-03-29T07:00:00Z", "2026-03-29T15:00:00Z");
    check_open(&spring, "2026-03-30T07:00:00Z", "2026-03-30T15:00:00Z");

    let autumn = daily(
        ("2026-10-24", "2026-10-26"),
        ("09:00", "17:00"),
        "Europe/Oslo",
    );
    check_open(&autumn, "2026-10-24T07:00:00Z", "2026-10-24T15:00:00Z");
    check_opens(&autumn, "2026-10-25T07:00:00Z", "2026-10-25T08:00:00Z");
    check_open(&autumn, "2026-10-25T08:00:00Z", "2026-10-25T16:00:00Z");
}

#[test]
fn hours_that_the_clocks_skip_are_lost() {
    // From two to three there is nothing.
    let swallowed = daily(
        ("2026-03-28", "2026-03-30"),
        ("02:15", "02:45"),
        "Europe/Oslo",
    );
    check_open(&swallowed, "2026-03-28T01:15:00Z", "2026-03-28T01:45:00Z");
    check_opens(&swallowed, "2026-03-28T01:45:00Z", "2026-03-30T00:15:00Z");
    check_opens(&swallowed, "2026-03-29T01:15:00Z", "2026-03-30T00:15:00Z");
    let never = daily(
        ("2026-03-29", "2026-03-29"),
        ("02:00", "03:00"),
        "Europe/Oslo",
    );
    check_over(&never, "2026-03-01T00:00:00Z");
    check_over(&never, "2026-03-29T01:30:00Z");

    // What is left of hours is from the change, or to it.
    let late = daily(
        ("2026-03-29", "2026-03-29"),
        ("02:30", "03:30"),
        "Europe/Oslo",
    );
    check_opens(&late, "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z");
    check_open(&late, "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z");
    check_over(&late, "2026-03-29T01:30:00Z");
    let early = daily(
        ("2026-03-29", "2026-03-29"),
        ("01:30", "02:30"),
        "Europe/Oslo",
    );
    check_open(&early, "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z");
    check_over(&early, "2026-03-29T01:00:00Z");

    // Half an hour in Australia, and a whole day in Samoa.
    let half = daily(
        ("2026-10-04", "2026-10-04"),
        ("02:00", "02:45"),
        "Australia/Lord_Howe",
    );
    check_open(&half, "2026-10-03T15:30:00Z", "2026-10-03T15:45:00Z");
    let day_lost = daily(
        ("2011-12-29", "2011-12-30"),
        ("09:00", "17:00"),
        "Pacific/Apia",
    );
    check_open(&day_lost, "2011-12-29T19:00:00Z", "2011-12-30T03:00:00Z");
    check_over(&day_lost, "2011-12-30T03:00:00Z");
    check_over(&day_lost, "2011-12-30T22:00:00Z");
}

#[test]
fn hours_that_the_clocks_show_twice_count_both_times() {
    let within = daily(
        ("2026-10-25", "2026-10-25"),
        ("02:15", "02:45"),
        "Europe/Oslo",
    );
    check_open(&within, "2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z");
    check_opens(&within, "2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z");
    check_open(&within, "2026-10-25T01:15:00Z", "2026-10-25T01:45:00Z");
    check_over(&within, "2026-10-25T01:45:00Z");

    let around = daily(
        ("2026-10-25", "2026-10-25"),
        ("01:00", "04:00"),
        "Europe/Oslo",
    );
    check_open(&around, "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z");

    let up_to = daily(
        ("2026-10-25", "2026-10-25"),
        ("01:00", "03:00"),
        "Europe/Oslo",
    );
    check_open(&up_to, "2026-10-24T23:00:00Z", "2026-10-25T02:00:00Z");

    let half = daily(
        ("2026-04-05", "2026-04-05"),
        ("01:45", "03:00"),
        "Australia/Lord_Howe",
    );
    check_open(&half, "2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z");
    check_opens(&half, "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z");
    check_open(&half, "2026-04-04T15:15:00Z", "2026-04-04T16:30:00Z");

    // In Brazil clocks went from midnight back into the day that had just ended.
    let evening = daily(
        ("2018-02-17", "2018-02-17"),
        ("22:30", "23:30"),
        "America/Sao_Paulo",
    );
    check_open(&evening, "2018-02-18T00:30:00Z", "2018-02-18T01:30:00Z");
    check_opens(&evening, "2018-02-18T01:45:00Z", "2018-02-18T02:00:00Z");
    check_open(&evening, "2018-02-18T02:00:00Z", "2018-02-18T02:30:00Z");
    check_over(&evening, "2018-02-18T02:30:00Z");

    // Kwajalein has had a whole day twice, when it went to the other side of the date line.
    let twice = daily(
        ("1969-09-30", "1969-09-30"),
        ("09:00", "10:00"),
        "Pacific/Kwajalein",
    );
    check_open(&twice, "1969-09-29T22:00:00Z", "1969-09-29T23:00:00Z");
    check_opens(&twice, "1969-09-29T23:00:00Z", "1969-09-30T21:00:00Z");
    check_over(&twice, "1969-09-30T22:00:00Z");
}

#[test]
fn windows_at_the_ends_of_the_calendar_do_no_harm() {
    for zone in [
        TimeZone::UTC,
        TimeZone::fixed(-1_559).unwrap(),
        TimeZone::fixed(1_559).unwrap(),
        zone("Europe/Oslo"),
    ] {
        let first = Day::new(-9999, 1, 1).unwrap();
        let last = Day::new(9999, 12, 31).unwrap();
        for days in [first..=first, last..=last, first..=last] {
            let hours = (time("00:00"), time("23:59:59"));
            let window = SendWindow::daily(days, hours.0, hours.1, &zone).unwrap();
            let earliest = Timestamp::UNIX_EPOCH.minus(Duration::MAX);
            for moment in [earliest, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                check_consistent(&window, moment);
            }
            let _: (ZonedTime, Option<ZonedTime>) = window.bounds();
        }
    }
    let all = daily(
        ("0001-01-01", "9999-12-31"),
        ("09:00", "10:00"),
        "Europe/Oslo",
    );
    check_open(&all, "2026-03-29T07:30:00Z", "2026-03-29T08:00:00Z");
}

#[test]
fn moving_a_moment_stops_at_the_ends_of_time() {
    let earliest = Timestamp::UNIX_EPOCH.minus(Duration::MAX);
    assert_eq!(earliest.minus(MINUTE), earliest);
    assert_eq!(Timestamp::MAX.plus(MINUTE), Timestamp::MAX);
    assert_eq!(
        Timestamp::UNIX_EPOCH.plus(MINUTE).minus(MINUTE),
        Timestamp::UNIX_EPOCH
    );
    let hair = Duration::from_nanos(999_999);
    assert_eq!(Timestamp::UNIX_EPOCH.minus(hair), Timestamp::UNIX_EPOCH);
}

#[test]
fn debug_says_what_a_window_is() {
    let window = daily(
        ("2026-08-05", "2026-08-06"),
        ("09:00", "10:00"),
        "Europe/Oslo",
    );
    let expected = "SendWindow(09:00:00 to 10:00:00 on 2026-08-05 to 2026-08-06 in Europe/Oslo)";
    assert_eq!(format!("{window:?}"), expected);
    let from = SendWindow::from(zoned("2026-01-01T12:00[Europe/Oslo]"));
    let expected = "SendWindow(from 2026-01-01T12:00:00+01:00[Europe/Oslo])";
    assert_eq!(format!("{from:?}"), expected);
}

/// What `opening` says of this moment agrees with what it says of the moments that it names.
#[track_caller]
fn check_consistent(window: &SendWindow, moment: Timestamp) {
    match window.opening(moment) {
        Opening::Open { until: Some(until) } => {
            assert!(until > moment || until == Timestamp::MAX, "{until}");
            let after = window.opening(until);
            let is_open = matches!(after, Opening::Open { .. });
            assert!(!is_open || until == Timestamp::MAX, "{after:?}");
        }
        Opening::Open { until: None } => {}
        Opening::OpensAt(opens) => {
            assert!(opens > moment);
            let then = window.opening(opens);
            assert!(matches!(then, Opening::Open { .. }), "{then:?}");
        }
        Opening::Over => assert_eq!(window.opening(Timestamp::MAX), Opening::Over),
    }
}

/// Zones with the days around which their clocks were changed.
const CHANGES: [(&str, &str); 9] = [
    ("Europe/Oslo", "2026-03-29"),
    ("Europe/Oslo", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Sao_Paulo", "2018-02-17"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1969-09-30"),
    ("UTC", "2026-01-01"),
];

fn some_time() -> impl Strategy<Value = TimeOfDay> {
    // Mostly around the changes, which are in the night.
    prop_oneof![
        (0..5_i8, 0..12_i8).prop_map(|(hour, five)| TimeOfDay::new(hour, five * 5, 0).unwrap()),
        (0..24_i8, 0..12_i8).prop_map(|(hour, five)| TimeOfDay::new(hour, five * 5, 0).unwrap()),
        Just(TimeOfDay::new(23, 59, 59).unwrap()),
    ]
}

fn some_hours() -> impl Strategy<Value = (TimeOfDay, TimeOfDay)> {
    (some_time(), some_time())
        .prop_filter("hours have a length", |(one, other)| one != other)
        .prop_map(|(one, other)| (one.min(other), one.max(other)))
}

proptest! {
    // Each case looks at 2,880 moments.
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The definition of daily hours, looked at every five minutes over ten days: a message may leave
    /// if and only if calendars and clocks show it. And what `opening` promises holds at each of
    /// those moments.
    #[test]
    fn daily_hours_are_what_calendars_and_clocks_show(
        change in prop::sample::select(&CHANGES[..]),
        n_before in 0..3_u64,
        n_days in 0..4_usize,
        (from, to) in some_hours(),
    ) {
        let (name, changed) = change;
        let zone = zone(name);
        let noon = TimeZone::UTC.at(day(changed), time("12:00")).unwrap().timestamp();
        let day_before = noon.minus(Duration::from_hours(24 * n_before));
        let first = ZonedTime::new(day_before, &TimeZone::UTC).day();
        let last = (0..n_days).fold(first, |day, _| day.next());
        let window = SendWindow::daily(first..=last, from, to, &zone).unwrap();

        let mut promised = None;
        let start = noon.minus(Duration::from_hours(5 * 24));
        for n_steps in 0..(10 * 24 * 12) {
            let moment = start.plus(5 * MINUTE * n_steps);
            let shown = ZonedTime::new(moment, &zone);
            let is_inside = (first..=last).contains(&shown.day())
                && (from..to).contains(&shown.time_of_day());
            let opening = window.opening(moment);
            prop_assert_eq!(matches!(opening, Opening::Open { .. }), is_inside, "{}", shown);
            // One answer holds until the moment that it names.
            match promised {
                Some(Opening::Open { until: Some(until) }) if moment < until => {
                    prop_assert_eq!(Some(opening), promised);
                }
                Some(Opening::OpensAt(opens)) if moment < opens => {
                    prop_assert_eq!(Some(opening), promised);
                }
                Some(Opening::Over) => prop_assert_eq!(opening, Opening::Over),
                _ => {
                    check_consistent(&window, moment);
                    promised = Some(opening);
                }
            }
        }
    }

}

proptest! {
    #[test]
    fn any_window_agrees_with_itself(
        moments in prop::array::uniform3(-377_705_000_000_000_i64..253_402_207_200_000),
        hours in some_hours(),
        n_days in 0..1_000_u16,
        name in prop::sample::select(vec!["UTC", "Europe/Oslo", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    ) {
        let [one, other, moment] = moments.map(|moment| Timestamp::from_millis(moment).unwrap());
        let zone = zone(name);
        check_consistent(&SendWindow::from(ZonedTime::new(one, &zone)), moment);
        let (from, until) = (one.min(other), one.max(other));
        let bounds = (ZonedTime::new(from, &zone), ZonedTime::new(until, &zone));
        if let Ok(window) = SendWindow::between(bounds.0, bounds.1) {
            check_consistent(&window, moment);
        }
        let first = ZonedTime::new(one, &zone).day();
        let last = (0..n_days).fold(first, |day, _| day.next());
        let window = SendWindow::daily(first..=last, hours.0, hours.1, &zone).unwrap();
        for moment in [one, other, moment] {
            check_consistent(&window, moment);
        }
    }

    #[test]
    fn what_is_shown_is_read_again(
        moment in -377_705_000_000_000_i64..253_402_207_200_000,
        minutes in -1_559..1_560_i32,
        name in prop::sample::select(vec!["UTC", "Europe/Oslo", "Australia/Lord_Howe", "Africa/Monrovia"]),
    ) {
        let moment = Timestamp::from_millis(moment).unwrap();
        for zone in [zone(name), TimeZone::fixed(minutes).unwrap()] {
            let shown = ZonedTime::new(moment, &zone);
            prop_assert_eq!(shown.day().to_string().parse(), Ok(shown.day()));
            let time_of_day = shown.time_of_day();
            prop_assert_eq!(time_of_day.to_string().parse(), Ok(time_of_day));
            prop_assert_eq!(shown.to_string().parse(), Ok(shown.clone()));
            prop_assert_eq!(shown.timestamp(), moment);
        }
    }

    /// Of a moment that clocks show twice the first comes back.
    #[test]
    fn what_clocks_show_is_a_moment_at_which_they_show_it(
        moment in 0..4_102_444_800_i64,
        name in prop::sample::select(vec!["UTC", "Europe/Oslo", "Australia/Lord_Howe", "America/Sao_Paulo"]),
    ) {
        let moment = Timestamp::from_millis(moment * 1_000).unwrap();
        let zone = zone(name);
        let shown = ZonedTime::new(moment, &zone);
        let again = zone.at(shown.day(), shown.time_of_day()).unwrap();
        prop_assert_eq!((again.day(), again.time_of_day()), (shown.day(), shown.time_of_day()));
        prop_assert!(again.timestamp() <= moment);
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}", digits in "[0-9T:+Z .\\[\\]/a-z-]{0,40}") {
        for text in [text, digits] {
            let _: Result<ZonedTime, _> = text.parse();
            let _: Result<Day, _> = text.parse();
            let _: Result<TimeOfDay, _> = text.parse();
            let _: Result<TimeZone, _> = TimeZone::named(&text);
        }
    }
}
