//! Tests of quiet hours and days.

use super::*;
use crate::Region;

fn hours(text: &str) -> HoursOfDay {
    text.parse().unwrap()
}

fn zones(names: &[&str]) -> Vec<TimeZone> {
    names.iter().map(|name| zone(name)).collect()
}

#[test]
fn hours_are_read_as_they_are_written() {
    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(hours(text).to_string(), shown);
        let json = format!("\"{shown}\"");
        assert_eq!(serde_json::to_string(&hours(text)).unwrap(), json);
        assert_eq!(
            serde_json::from_str::<HoursOfDay>(&json).unwrap(),
            hours(text)
        );
    }
    check("21:00-08:00", "21:00-08:00");
    check("21:00:00-08:00:30", "21:00-08:00:30");
    check("00:00-23:59", "00:00-23:59");
}

#[test]
fn what_is_no_hours_is_refused() {
    #[track_caller]
    fn check(text: &str) {
        assert_eq!(text.parse::<HoursOfDay>(), Err(HoursOfDayError));
    }
    check("");
    check("21:00");
    check("21-08");
    check("21:00-24:00");
    check("21:00-21:00");
    check("21:00 - 08:00");
    check("21:00-08:00-09:00");
}

#[test]
fn a_zone_is_read_as_it_is_shown() {
    #[track_caller]
    fn check(zone: &TimeZone, shown: &str) {
        assert_eq!(zone.to_string(), shown);
        assert_eq!(shown.parse().as_ref(), Ok(zone));
    }
    check(&zone("Europe/Oslo"), "Europe/Oslo");
    check(&TimeZone::UTC, "UTC");
    check(&TimeZone::fixed(120).unwrap(), "+02");
    check(&TimeZone::fixed(-210).unwrap(), "-03:30");
    assert_eq!("+2 hours".parse::<TimeZone>(), Err(TimeError::NoSuchZone));
    assert_eq!("Oslo".parse::<TimeZone>(), Err(TimeError::NoSuchZone));
}

/// From a moment: open until one, or closed until one.
#[track_caller]
fn check(quiet: &QuietTimes, zones: &[TimeZone], moment: &str, expected: &str) {
    let shown = match quiet.opening(zones, at(moment)) {
        Opening::Open { until: None } => "open".to_owned(),
        Opening::Open { until: Some(until) } => format!("open until {until}"),
        Opening::OpensAt(opens) => format!("opens at {opens}"),
        Opening::Over => "never".to_owned(),
    };
    assert_eq!(shown, expected);
}

#[test]
fn hours_over_midnight() {
    let night = QuietTimes::new([hours("21:00-08:00")], []);
    let oslo = zones(&["Europe/Oslo"]);
    check(
        &night,
        &oslo,
        "2026-11-22T19:59:59.999Z",
        "open until 2026-11-22T20:00:00Z",
    );
    check(
        &night,
        &oslo,
        "2026-11-22T20:00:00Z",
        "opens at 2026-11-23T07:00:00Z",
    );
    check(
        &night,
        &oslo,
        "2026-11-23T06:59:59.999Z",
        "opens at 2026-11-23T07:00:00Z",
    );
    check(
        &night,
        &oslo,
        "2026-11-23T07:00:00Z",
        "open until 2026-11-23T20:00:00Z",
    );
}

#[test]
fn hours_within_a_day_and_up_to_midnight() {
    let oslo = zones(&["Europe/Oslo"]);
    let siesta = QuietTimes::new([hours("12:00-14:00")], []);
    check(
        &siesta,
        &oslo,
        "2026-11-22T11:30:00Z",
        "opens at 2026-11-22T13:00:00Z",
    );
    check(
        &siesta,
        &oslo,
        "2026-11-22T13:00:00Z",
        "open until 2026-11-23T11:00:00Z",
    );
    let evening = QuietTimes::new([hours("21:00-00:00")], []);
    check(
        &evening,
        &oslo,
        "2026-11-22T22:00:00Z",
        "opens at 2026-11-22T23:00:00Z",
    );
}

#[test]
fn nights_in_which_clocks_are_changed() {
    let night = QuietTimes::new([hours("21:00-08:00")], []);
    let oslo = zones(&["Europe/Oslo"]);
    // An hour shorter in March, an hour longer in October.
    check(
        &night,
        &oslo,
        "2026-03-28T20:00:00Z",
        "opens at 2026-03-29T06:00:00Z",
    );
    check(
        &night,
        &oslo,
        "2026-10-24T19:00:00Z",
        "opens at 2026-10-25T07:00:00Z",
    );
    // Quiet hours that end in the hour that is skipped end when it is skipped.
    let short = QuietTimes::new([hours("01:00-02:30")], []);
    check(
        &short,
        &oslo,
        "2026-03-29T00:30:00Z",
        "opens at 2026-03-29T01:00:00Z",
    );
    // In the hour that comes twice they are quiet twice, with a quarter of an hour between.
    check(
        &short,
        &oslo,
        "2026-10-25T00:15:00Z",
        "opens at 2026-10-25T00:30:00Z",
    );
    check(
        &short,
        &oslo,
        "2026-10-25T00:30:00Z",
        "open until 2026-10-25T01:00:00Z",
    );
    check(
        &short,
        &oslo,
        "2026-10-25T01:00:00Z",
        "opens at 2026-10-25T01:30:00Z",
    );
}

#[test]
fn days_are_quiet_from_midnight_to_midnight_where_the_recipient_is() {
    let christmas = QuietTimes::new([], [day("2026-12-26"), day("2026-12-25")]);
    let oslo = zones(&["Europe/Oslo"]);
    check(
        &christmas,
        &oslo,
        "2026-12-24T22:59:00Z",
        "open until 2026-12-24T23:00:00Z",
    );
    check(
        &christmas,
        &oslo,
        "2026-12-24T23:00:00Z",
        "opens at 2026-12-26T23:00:00Z",
    );
    check(&christmas, &oslo, "2026-12-26T23:00:00Z", "open");
    // With quiet hours the morning after begins as every morning.
    let both = QuietTimes::new([hours("21:00-08:00")], [day("2026-12-25")]);
    check(
        &both,
        &oslo,
        "2026-12-24T21:00:00Z",
        "opens at 2026-12-26T07:00:00Z",
    );
    check(
        &both,
        &oslo,
        "2026-12-24T12:00:00Z",
        "open until 2026-12-24T20:00:00Z",
    );
}

#[test]
fn a_day_that_a_zone_skips_is_no_quiet_day() {
    // Samoa went to the other side of the date line at the end of 2011-12-29.
    let day_30 = QuietTimes::new([], [day("2011-12-30")]);
    let apia = zones(&["Pacific/Apia"]);
    check(&day_30, &apia, "2011-12-30T09:00:00Z", "open");
    let day_31 = QuietTimes::new([], [day("2011-12-31")]);
    check(
        &day_31,
        &apia,
        "2011-12-30T09:00:00Z",
        "open until 2011-12-30T10:00:00Z",
    );
}

#[test]
fn what_one_zone_does_not_allow_is_not_allowed() {
    let night = QuietTimes::new([hours("21:00-08:00")], []);
    let us = "US".parse::<Region>().unwrap().time_zones();
    // Eight in Honolulu, and until nine in New York.
    check(
        &night,
        us,
        "2026-11-22T12:00:00Z",
        "opens at 2026-11-22T18:00:00Z",
    );
    check(
        &night,
        us,
        "2026-11-22T18:00:00Z",
        "open until 2026-11-23T02:00:00Z",
    );
    // In summer New York is an hour nearer.
    check(
        &night,
        us,
        "2026-07-01T18:00:00Z",
        "open until 2026-07-02T01:00:00Z",
    );
    let ru = "RU".parse::<Region>().unwrap().time_zones();
    check(
        &night,
        ru,
        "2026-11-22T12:00:00Z",
        "opens at 2026-11-23T06:00:00Z",
    );
    check(
        &night,
        ru,
        "2026-11-23T06:00:00Z",
        "open until 2026-11-23T09:00:00Z",
    );
}

#[test]
fn zones_may_have_no_time_in_common() {
    let long = QuietTimes::new([hours("16:00-10:00")], []);
    let far = zones(&["America/New_York", "Pacific/Honolulu"]);
    check(
        &long,
        &far[..1],
        "2026-11-22T12:00:00Z",
        "opens at 2026-11-22T15:00:00Z",
    );
    check(
        &long,
        &far,
        "2026-11-22T12:00:00Z",
        "opens at 2026-11-22T20:00:00Z",
    );
    let longer = QuietTimes::new([hours("14:00-10:00")], []);
    check(&longer, &far, "2026-11-22T12:00:00Z", "never");
    let always = QuietTimes::new([hours("08:00-20:00"), hours("20:00-08:00")], []);
    check(&always, &far, "2026-11-22T12:00:00Z", "never");
}

#[test]
fn without_hours_and_days_it_is_never_quiet() {
    check(
        &QuietTimes::default(),
        &zones(&["Europe/Oslo"]),
        "2026-11-22T12:00:00Z",
        "open",
    );
    let night = QuietTimes::new([hours("21:00-08:00")], []);
    check(&night, &[], "2026-11-22T23:00:00Z", "open");
}

#[test]
fn the_rest_of_a_day() {
    let office = hours("09:00-17:00").rest();
    assert_eq!(office.to_string(), "17:00-09:00");
    let closed = QuietTimes::new([office, hours("12:00-13:00")], []);
    let oslo = zones(&["Europe/Oslo"]);
    check(
        &closed,
        &oslo,
        "2026-11-23T07:00:00Z",
        "opens at 2026-11-23T08:00:00Z",
    );
    check(
        &closed,
        &oslo,
        "2026-11-23T08:00:00Z",
        "open until 2026-11-23T11:00:00Z",
    );
    check(
        &closed,
        &oslo,
        "2026-11-23T11:00:00Z",
        "opens at 2026-11-23T12:00:00Z",
    );
}

proptest! {
    // Each case looks at 1,440 moments in up to three zones.
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The definition, looked at every ten minutes over ten days around a change of clocks: a message may
    /// leave if and only if the clocks and calendars of all zones allow it. What `opening` promises is
    /// allowed, and nothing before it is.
    #[test]
    fn quiet_times_are_what_calendars_and_clocks_show(
        (name, changed) in prop::sample::select(&CHANGES[..]),
        others in prop::sample::subsequence(
            vec!["Europe/Oslo", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"],
            0..=2,
        ),
        hours in prop::collection::vec(some_quiet_hours(), 0..=2),
        days in prop::collection::vec(0..10_usize, 0..=3),
    ) {
        let all = zones(&[vec![name], others].concat());
        let noon = TimeZone::UTC.at(day(changed), time("12:00")).unwrap().timestamp();
        let start = noon.minus(Duration::from_hours(5 * 24));
        let first = ZonedTime::new(start, &TimeZone::UTC).day();
        let days: Vec<Day> = days.iter().map(|n| (0..*n).fold(first, |day, _| day.next())).collect();
        let quiet = QuietTimes::new(hours.iter().copied(), days.iter().copied());

        let mut promised: Option<Opening> = None;
        for n_steps in 0..(10 * 24 * 6) {
            let moment = start.plus(10 * MINUTE * n_steps);
            let is_quiet = all.iter().any(|zone| {
                let shown = ZonedTime::new(moment, zone);
                let now = shown.time_of_day();
                days.contains(&shown.day()) || hours.iter().any(|hours| {
                    let (from, to) = (hours.from(), hours.to());
                    if from < to { from <= now && now < to } else { from <= now || now < to }
                })
            });
            let opening = quiet.opening(&all, moment);
            prop_assert_eq!(!is_open(&quiet, &all, moment), is_quiet, "{}", moment);
            match promised {
                Some(Opening::Open { until: Some(until) }) if moment < until => {
                    prop_assert_eq!(Some(opening), promised);
                }
                Some(Opening::OpensAt(opens)) if moment < opens => {
                    prop_assert_eq!(Some(opening), promised);
                }
                _ => promised = Some(opening),
            }
            // The millisecond before an end still is as it was; at the end it is not.
            if let Opening::OpensAt(opens) = opening {
                let before = opens.minus(Duration::from_millis(1));
                prop_assert_eq!(quiet.opening(&all, before), Opening::OpensAt(opens));
                prop_assert!(is_open(&quiet, &all, opens));
            }
            if let Opening::Open { until: Some(until) } = opening {
                let before = until.minus(Duration::from_millis(1));
                prop_assert_eq!(quiet.opening(&all, before), opening);
                prop_assert!(!is_open(&quiet, &all, until));
            }
        }
    }
}

fn is_open(quiet: &QuietTimes, zones: &[TimeZone], moment: Timestamp) -> bool {
    matches!(quiet.opening(zones, moment), Opening::Open { .. })
}

prop_compose! {
    fn some_quiet_hours()(from in 0..96_i8, length in 1..96_i8) -> HoursOfDay {
        let time = |quarter: i8| TimeOfDay::new(quarter / 4, quarter % 4 * 15, 0).unwrap();
        let to = i16::from(from) + i16::from(length);
        HoursOfDay::new(time(from), time(i8::try_from(to % 96).unwrap())).unwrap()
    }
}
