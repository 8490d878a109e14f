//! Tests of when a message may leave.

use proptest::prelude::*;
use tidings_core::{
    Day, E164, HeldReason, HoursOfDay, QuietTimes, SendWindow, TimeOfDay, TimeZone, ZonedTime,
};
use tidings_store::{ContactId, Hold, StoredContact};

use super::super::timing::{Departure, NextOpening, Place, next_opening, plan};
use super::*;

fn oslo() -> Place {
    Place::Zone(TimeZone::named("Europe/Oslo").unwrap())
}

fn night() -> QuietTimes {
    QuietTimes::new(["21:00-08:00".parse().unwrap()], [])
}

#[expect(clippy::unnecessary_wraps, reason = "what is planned is optional")]
fn wait(reason: HeldReason, until: &str) -> Option<Hold> {
    Some(Hold {
        reason,
        until: Some(at(until)),
    })
}

/// Plans, and asks the rules that were kept at the moment of the hold and at the one of closing.
#[track_caller]
fn check(
    timing: &Timing,
    quiet: &QuietTimes,
    place: &Place,
    now: &str,
    hold: Option<Hold>,
    closes_at: Option<&str>,
) -> Departure {
    let departure = plan(timing, quiet, place, at(now)).expect("some time is left");
    assert_eq!(departure.hold, hold);
    assert_eq!(departure.closes_at, closes_at.map(at));
    assert_eq!(departure.rules.is_some(), closes_at.is_some());
    if let Some(rules) = &departure.rules {
        let expected = NextOpening::Open {
            closes_at: departure.closes_at,
        };
        let leaves_at = hold.and_then(|hold| hold.until).unwrap_or_else(|| at(now));
        assert_eq!(next_opening(rules, leaves_at), expected, "{rules}");
        let closed = next_opening(rules, departure.closes_at.unwrap());
        assert!(!matches!(closed, NextOpening::Open { .. }), "{closed:?}");
        if let Some(hold) = hold {
            let expected = NextOpening::Wait {
                hold,
                closes_at: departure.closes_at,
            };
            assert_eq!(next_opening(rules, at(now)), expected);
        }
    }
    departure
}

#[test]
fn without_wishes_it_leaves_at_once() {
    let quiet = QuietTimes::default();
    check(&Timing::default(), &quiet, &oslo(), NOON, None, None);
}

#[test]
fn not_before_a_moment() {
    let timing = Timing {
        send_at: Some(at("2026-11-23T05:00:00Z")),
        ..Timing::default()
    };
    let quiet = QuietTimes::default();
    let hold = wait(HeldReason::Schedule, "2026-11-23T05:00:00Z");
    check(&timing, &quiet, &oslo(), NOON, hold, None);
    // A moment in the past is now.
    check(&timing, &quiet, &oslo(), "2026-11-24T00:00:00Z", None, None);
    // In the night it waits for the morning.
    let hold = wait(HeldReason::QuietHours, "2026-11-23T07:00:00Z");
    let closes = Some("2026-11-23T20:00:00Z");
    check(&timing, &night(), &oslo(), NOON, hold, closes);
}

#[test]
fn not_before_a_time_where_the_recipient_is() {
    let timing = Timing {
        send_at_local: Some(LocalTime {
            day: "2026-11-23".parse().unwrap(),
            time: "09:00".parse().unwrap(),
        }),
        ..Timing::default()
    };
    let quiet = QuietTimes::default();
    let hold = wait(HeldReason::Schedule, "2026-11-23T08:00:00Z");
    check(&timing, &quiet, &oslo(), NOON, hold, None);
    // Where nobody knows in which zone, nine o'clock has come in the last of them.
    let us = Place::Region("US".parse().unwrap());
    let hold = wait(HeldReason::Schedule, "2026-11-23T19:00:00Z");
    check(&timing, &quiet, &us, NOON, hold, None);
    // A time that the clocks skip has come when they have skipped it.
    let timing = Timing {
        send_at_local: Some(LocalTime {
            day: "2026-03-29".parse().unwrap(),
            time: "02:30".parse().unwrap(),
        }),
        ..Timing::default()
    };
    let hold = wait(HeldReason::Schedule, "2026-03-29T01:30:00Z");
    check(&timing, &quiet, &oslo(), "2026-03-28T12:00:00Z", hold, None);
}

#[test]
fn in_the_hours_of_days_where_the_recipient_is() {
    let hours = |first: Option<&str>, last: Option<&str>| Timing {
        hours: Some(LocalHours {
            hours: "09:00-17:00".parse().unwrap(),
            first: first.map(|day| day.parse().unwrap()),
            last: last.map(|day| day.parse().unwrap()),
        }),
        ..Timing::default()
    };
    let quiet = QuietTimes::default();
    let always = hours(None, None);
    check(
        &always,
        &quiet,
        &oslo(),
        NOON,
        None,
        Some("2026-11-22T16:00:00Z"),
    );
    let hold = wait(HeldReason::Window, "2026-11-23T08:00:00Z");
    let closes = Some("2026-11-23T16:00:00Z");
    check(
        &always,
        &quiet,
        &oslo(),
        "2026-11-22T16:00:00Z",
        hold,
        closes,
    );
    let first = hours(Some("2026-11-24"), None);
    let hold = wait(HeldReason::Window, "2026-11-24T08:00:00Z");
    check(
        &first,
        &quiet,
        &oslo(),
        NOON,
        hold,
        Some("2026-11-24T16:00:00Z"),
    );
    let last = hours(None, Some("2026-11-22"));
    check(
        &last,
        &quiet,
        &oslo(),
        NOON,
        None,
        Some("2026-11-22T16:00:00Z"),
    );
    assert_eq!(
        plan(&last, &quiet, &oslo(), at("2026-11-22T16:00:00Z")),
        None
    );
    // On the days on which clocks are changed as on any other.
    let hold = wait(HeldReason::Window, "2026-10-25T08:00:00Z");
    let closes = Some("2026-10-25T16:00:00Z");
    check(
        &always,
        &quiet,
        &oslo(),
        "2026-10-24T15:00:00Z",
        hold,
        closes,
    );
}

#[test]
fn in_a_window_that_names_its_zone() {
    let window = SendWindow::daily(
        "2026-11-22".parse().unwrap()..="2026-11-23".parse().unwrap(),
        "06:00".parse().unwrap(),
        "10:00".parse().unwrap(),
        &TimeZone::fixed(60).unwrap(),
    );
    let timing = Timing {
        window: Some(window.unwrap()),
        ..Timing::default()
    };
    let hold = wait(HeldReason::Window, "2026-11-23T05:00:00Z");
    let quiet = QuietTimes::default();
    let closes = Some("2026-11-23T09:00:00Z");
    check(&timing, &quiet, &oslo(), NOON, hold, closes);
    // The window opens in the night: it waits for the morning.
    let hold = wait(HeldReason::QuietHours, "2026-11-23T07:00:00Z");
    check(&timing, &night(), &oslo(), NOON, hold, closes);
    // In Honolulu it is night for as long as the window lasts.
    let honolulu = Place::Zone(TimeZone::named("Pacific/Honolulu").unwrap());
    let quiet = QuietTimes::new(["17:00-08:00".parse().unwrap()], []);
    assert_eq!(plan(&timing, &quiet, &honolulu, at(NOON)), None);
    assert_eq!(
        plan(&timing, &quiet, &oslo(), at("2026-11-23T09:00:00Z")),
        None
    );
}

#[test]
fn in_one_stretch_of_time() {
    let window = SendWindow::between(
        "2026-11-22T14:00[Europe/Oslo]".parse().unwrap(),
        "2026-11-22T18:00+01:00".parse().unwrap(),
    );
    let timing = Timing {
        window: Some(window.unwrap()),
        ..Timing::default()
    };
    let quiet = QuietTimes::default();
    let hold = wait(HeldReason::Window, "2026-11-22T13:00:00Z");
    let closes = Some("2026-11-22T17:00:00Z");
    let departure = check(&timing, &quiet, &oslo(), NOON, hold, closes);
    let over = next_opening(&departure.rules.unwrap(), at("2026-11-22T17:00:00Z"));
    assert_eq!(over, NextOpening::Over);
}

#[test]
fn nights_and_blackout_dates_where_the_recipient_is() {
    let quiet = QuietTimes::new(
        ["21:00-08:00".parse().unwrap()],
        ["2026-11-23".parse().unwrap()],
    );
    let any = Timing::default();
    check(
        &any,
        &quiet,
        &oslo(),
        NOON,
        None,
        Some("2026-11-22T20:00:00Z"),
    );
    let hold = wait(HeldReason::QuietHours, "2026-11-24T07:00:00Z");
    let closes = Some("2026-11-24T20:00:00Z");
    check(&any, &quiet, &oslo(), "2026-11-22T20:00:00Z", hold, closes);
    let code = Timing {
        ignores_quiet_hours: true,
        ..Timing::default()
    };
    check(&code, &quiet, &oslo(), "2026-11-22T20:00:00Z", None, None);
}

#[test]
fn rules_that_cannot_be_read_wait_for_a_person() {
    for text in ["", "{}", r#"{"place": {"zone": "Mars/Olympus"}}"#] {
        let expected = NextOpening::Wait {
            hold: Hold {
                reason: HeldReason::Approval,
                until: None,
            },
            closes_at: None,
        };
        assert_eq!(next_opening(text, at(NOON)), expected);
    }
}

#[tokio::test]
async fn the_recipients_zone_is_named_or_the_contacts_or_the_numbers() {
    let harness = Harness::with_settings(r#"{"quiet_hours": "21:00-08:00"}"#).await;
    let contact = StoredContact {
        id: ContactId(harness.gateway.new_id()),
        phone: E164::parse("+12125550101", None).unwrap(),
        first_name: "Kari".into(),
        last_name: "Nordmann".into(),
        fields: None,
        zone: Some(TimeZone::named("America/New_York").unwrap()),
        created_at: at(NOON),
    };
    let account = &harness.customer.id;
    let store = harness.store();
    store.put_contacts(account, vec![contact]).await.unwrap();
    let mut named = Draft::new(to("+12125550102"), "a");
    named.timing.zone = Some(TimeZone::named("Europe/Oslo").unwrap());
    let verdicts = harness
        .accept(vec![
            named,
            Draft::new(to("+12125550101"), "b"),
            Draft::new(to("+12125550102"), "c"),
            Draft::new(to("+4740612345"), "d"),
        ])
        .await;
    let until = async |verdict: &Verdict| {
        let stored = harness.stored(good(verdict).id).await;
        stored.not_before.map(|moment| moment.to_string())
    };
    // Noon in Oslo, six in New York, one in Honolulu.
    assert_eq!(until(&verdicts[0]).await, None);
    assert_eq!(
        until(&verdicts[1]).await.as_deref(),
        Some("2026-11-22T13:00:00Z")
    );
    assert_eq!(
        until(&verdicts[2]).await.as_deref(),
        Some("2026-11-22T18:00:00Z")
    );
    assert_eq!(until(&verdicts[3]).await, None);
    let states: Vec<MessageState> = verdicts.iter().map(|it| good(it).state).collect();
    let quiet = MessageState::Held(HeldReason::QuietHours);
    assert_eq!(
        states,
        [MessageState::Queued, quiet, quiet, MessageState::Queued]
    );
}

#[tokio::test]
async fn the_accounts_zone_goes_before_the_numbers() {
    let settings = r#"{"quiet_hours": "21:00-08:00", "time_zone": "Europe/Oslo"}"#;
    let harness = Harness::with_settings(settings).await;
    let verdict = harness
        .accept_one(Draft::new(to("+12125550102"), "c"))
        .await;
    assert_eq!(good(&verdict).state, MessageState::Queued);
}

#[tokio::test]
async fn a_number_of_no_country_is_in_the_configured_zone() {
    let text = format!("{TWO_LANES}[sending]\nquiet_hours = \"10:00-14:00\"\n");
    let harness = Harness::with(&text, AccountSettings::default()).await;
    // Noon in Oslo is eleven by UTC.
    let verdict = harness
        .accept_one(Draft::new(to("+881612345678"), "a"))
        .await;
    let stored = harness.stored(good(&verdict).id).await;
    assert_eq!(stored.not_before, Some(at("2026-11-22T14:00:00Z")));
}

#[tokio::test]
async fn quiet_hours_of_the_account_replace_those_of_the_configuration_and_dates_add_up() {
    let text = format!(
        "{TWO_LANES}[sending]\nquiet_hours = \"10:00-14:00\"\nblackout_dates = [\"2026-11-22\"]\n"
    );
    let settings = r#"{"quiet_hours": "21:00-08:00", "blackout_dates": ["2026-11-23"]}"#;
    let settings = AccountSettings::from_json(settings).unwrap();
    let harness = Harness::with(&text, settings).await;
    let verdict = harness.accept_one(draft("a")).await;
    let stored = harness.stored(good(&verdict).id).await;
    assert_eq!(stored.not_before, Some(at("2026-11-24T07:00:00Z")));
}

#[tokio::test]
async fn what_is_too_late_is_refused() {
    let settings = r#"{"quiet_hours": "14:00-10:00"}"#;
    let harness = Harness::with_settings(settings).await;
    let mut late = draft("a");
    let window = SendWindow::between(
        "2026-11-21T14:00[Europe/Oslo]".parse().unwrap(),
        "2026-11-21T18:00[Europe/Oslo]".parse().unwrap(),
    );
    late.timing.window = Some(window.unwrap());
    let anywhere = Draft::new(to("+12125550102"), "b");
    let verdicts = harness.accept(vec![late, anywhere, draft("c")]).await;
    refused(&verdicts[0], RejectionCode::WindowOver);
    refused(&verdicts[1], RejectionCode::WindowOver);
    let detail = &verdicts[1].as_ref().unwrap_err().detail;
    assert!(
        detail.ends_with("name the recipient's time zone"),
        "{detail}"
    );
    good(&verdicts[2]);
}

#[tokio::test]
async fn a_held_message_is_leased_when_its_time_has_come() {
    let harness = Harness::with_settings(r#"{"quiet_hours": "10:00-14:00"}"#).await;
    let verdict = harness.accept_one(draft("a")).await;
    assert!(harness.lease("main", 10).await.is_empty());
    let opens_at = at("2026-11-22T13:00:00Z");
    harness.clock.set(opens_at);
    harness.store().repair(100, opens_at).await.unwrap();
    let leased = harness.lease("main", 10).await;
    assert_eq!(leased[0].id, good(&verdict).id);
    // Dispatch knows until when it may leave, and asks then.
    assert_eq!(leased[0].closes_at, Some(at("2026-11-23T09:00:00Z")));
    let rules = leased[0].timing.as_deref().unwrap();
    let asked = next_opening(rules, at("2026-11-23T09:00:00Z"));
    let NextOpening::Wait { hold, .. } = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(
        Some(hold),
        wait(HeldReason::QuietHours, "2026-11-23T13:00:00Z")
    );
}

prop_compose! {
    fn some_time()(hour in 0..24_i8, tens in 0..6_i8) -> TimeOfDay {
        TimeOfDay::new(hour, tens * 10, 0).unwrap()
    }
}

prop_compose! {
    fn some_hours()(from in some_time(), to in some_time()) -> Option<HoursOfDay> {
        HoursOfDay::new(from, to).ok()
    }
}

/// Days around the night in which Oslo's clocks go back.
fn some_day() -> impl Strategy<Value = Day> {
    (22..29_i8).prop_map(|day| Day::new(2026, 10, day).unwrap())
}

prop_compose! {
    fn some_window()(
        days in (some_day(), some_day()),
        times in (some_time(), some_time()),
        is_daily in any::<bool>(),
    ) -> Option<SendWindow> {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        if is_daily {
            SendWindow::daily(days.0..=days.1, times.0, times.1, &berlin).ok()
        } else {
            let at = |day, time| berlin.at(day, time).unwrap();
            SendWindow::between(at(days.0, times.0), at(days.1, times.1)).ok()
        }
    }
}

prop_compose! {
    fn some_timing()(
        send_at in prop::option::of(0..1_000_u64),
        local in prop::option::of((some_day(), some_time())),
        window in some_window(),
        hours in some_hours(),
        first in prop::option::of(some_day()),
        last in prop::option::of(some_day()),
        ignores_quiet_hours in prop::bool::weighted(0.1),
        which in 0..16_u8,
    ) -> Timing {
        // Not all wishes at once: that is mostly never.
        let wants = |bit: u8| which & (1 << bit) != 0;
        let start = at("2026-10-22T00:00:00Z");
        Timing {
            send_at: send_at.map(|tens| start.plus(TEN_MINUTES * u32::try_from(tens).unwrap())),
            send_at_local: local
                .filter(|_| wants(0))
                .map(|(day, time)| LocalTime { day, time }),
            window: window.filter(|_| wants(1)),
            hours: hours.filter(|_| wants(2)).map(|hours| LocalHours {
                hours,
                first: first.filter(|_| wants(3)),
                last: last.filter(|_| wants(3)),
            }),
            zone: None,
            ignores_quiet_hours,
        }
    }
}

const TEN_MINUTES: Duration = Duration::from_mins(10);

/// The definition of all wishes together, at one moment.
fn may_leave(timing: &Timing, quiet: &QuietTimes, zones: &[TimeZone], moment: Timestamp) -> bool {
    let is_within = |hours: &HoursOfDay, time: TimeOfDay| {
        let (from, to) = (hours.from(), hours.to());
        if from < to {
            from <= time && time < to
        } else {
            from <= time || time < to
        }
    };
    let in_window = timing.window.as_ref().is_none_or(|window| {
        let opening = window.opening(moment);
        matches!(opening, tidings_core::Opening::Open { .. })
    });
    in_window
        && timing.send_at.is_none_or(|send_at| moment >= send_at)
        && zones.iter().all(|zone| {
            let shown = ZonedTime::new(moment, zone);
            let (day, time) = (shown.day(), shown.time_of_day());
            let local = timing.send_at_local;
            let has_come = local.is_none_or(|local| {
                let due = zone.at(local.day, local.time).unwrap();
                moment >= due.timestamp()
            });
            let in_hours = timing.hours.is_none_or(|wanted| {
                is_within(&wanted.hours, time)
                    && wanted.first.is_none_or(|first| day >= first)
                    && wanted.last.is_none_or(|last| day <= last)
            });
            let is_quiet = quiet.hours().iter().any(|hours| is_within(hours, time))
                || quiet.days().contains(&day);
            has_come && in_hours && (timing.ignores_quiet_hours || !is_quiet)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What is planned may leave then, nothing earlier may, and at the end it may not; looked at every ten
    /// minutes, on which all times of this test lie.
    #[test]
    fn the_first_moment_at_which_everything_allows_it(
        timing in some_timing(),
        quiet_hours in prop::option::of(some_hours()),
        blackout in prop::option::of(some_day()),
        in_two_zones in any::<bool>(),
        now in 0..600_u32,
    ) {
        let quiet = QuietTimes::new(quiet_hours.flatten(), blackout);
        let place = if in_two_zones {
            Place::Region("PT".parse().unwrap())
        } else {
            oslo()
        };
        let zones = match &place {
            Place::Zone(zone) => vec![zone.clone()],
            Place::Region(region) => region.time_zones().to_vec(),
        };
        let start = at("2026-10-22T00:00:00Z");
        let now = start.plus(TEN_MINUTES * now);
        let allows = |moment| may_leave(&timing, &quiet, &zones, moment);
        let mut moments = (0..2_500).map(|n| now.plus(TEN_MINUTES * n));
        let first = moments.find(|moment| allows(*moment));
        match plan(&timing, &quiet, &place, now) {
            None => prop_assert_eq!(first, None),
            Some(departure) => {
                let leaves_at = departure.hold.map_or(now, |hold| hold.until.unwrap());
                prop_assert_eq!(first, Some(leaves_at));
                let mut later = (0..2_500).map(|n| leaves_at.plus(TEN_MINUTES * n));
                let ends = later.find(|moment| !allows(*moment));
                prop_assert_eq!(departure.closes_at, ends);
                if let Some(rules) = &departure.rules {
                    let expected = NextOpening::Open { closes_at: ends };
                    prop_assert_eq!(next_opening(rules, leaves_at), expected);
                }
            }
        }
    }
}
