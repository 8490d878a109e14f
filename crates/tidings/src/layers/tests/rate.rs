//! How a rate is said, and what a message counts.

use std::time::Duration;

use tidings_core::{Media, TimeZone};

use super::{PausedClock, of_parts, outbound, paused, texted};
use crate::layers::rate::Pace;
use crate::layers::{Rate, parts_of};

/// The time in which one part may leave, and the burst.
#[track_caller]
fn check(rate: &Rate, nanoseconds: u64, burst: u32) {
    assert_eq!(rate.interval, Duration::from_nanos(nanoseconds));
    assert_eq!(rate.burst, burst);
    assert_eq!(rate.daily_cap, None);
    assert_eq!(rate.zone, TimeZone::UTC);
}

#[test]
fn a_rate_is_parts_a_second_or_seconds_a_part() {
    check(&Rate::per_second(20), 50_000_000, 20);
    check(&Rate::per_second(1), 1_000_000_000, 1);
    check(&Rate::per_second(0), 1_000_000_000, 1);
    // Never more than was said: three intervals are no shorter than a second.
    check(&Rate::per_second(3), 333_333_334, 3);
    check(&Rate::per_second(u32::MAX), 1, u32::MAX);
    check(&Rate::one_every(Duration::from_secs(5)), 5_000_000_000, 1);
    check(&Rate::unlimited(), 0, 1);
    check(&Rate::default(), 0, 1);
    check(&Rate::per_second(20).burst(7), 50_000_000, 7);
    let oslo = TimeZone::named("Europe/Oslo").unwrap();
    let capped = Rate::unlimited().daily_cap(9).day_begins_in(oslo.clone());
    assert_eq!((capped.daily_cap, capped.zone), (Some(9), oslo));
}

/// How long so many parts take, one after the other, when nothing has left for long.
fn takes(rate: &Rate, parts: u64) -> Duration {
    paused(async {
        let clock = PausedClock::new();
        let clock_of_pace = std::sync::Arc::clone(&clock);
        let pace = Pace::new(rate, clock_of_pace).expect("the rate has a pace");
        for _ in 0..parts {
            pace.wait_for(1).await;
        }
        tidings_core::Clock::elapsed(&*clock)
    })
}

#[test]
fn extreme_rates_are_no_overflow() {
    let day = Duration::from_hours(24);
    // A part in a day is the slowest.
    assert_eq!(takes(&Rate::one_every(Duration::MAX), 3), 2 * day);
    assert_eq!(takes(&Rate::one_every(day).burst(0), 3), 2 * day);
    // A burst of more than a century's parts is one of a century.
    let large = Rate::one_every(Duration::MAX).burst(u32::MAX);
    assert_eq!(takes(&large, 36_500), Duration::ZERO);
    assert_eq!(takes(&large, 36_501), day);
    let fast = Rate::one_every(Duration::from_nanos(1)).burst(u32::MAX);
    assert_eq!(takes(&fast, 100), Duration::ZERO);
}

#[test]
fn a_message_counts_the_parts_of_its_text() {
    #[track_caller]
    fn check(text: &str, parts: u64) {
        assert_eq!(parts_of(&texted(0, text).message), parts, "{text}");
    }
    check("", 1);
    check(&"a".repeat(160), 1);
    check(&"a".repeat(161), 2);
    check(&"ê".repeat(70), 1);
    check(&"ê".repeat(71), 2);
    // More than can be numbered is counted all the same.
    check(&"a".repeat(153 * 300), 300);
    for parts in 1..12 {
        let counted = parts_of(&of_parts(0, parts).message);
        assert_eq!(counted, u64::try_from(parts).unwrap());
    }

    let picture = Media::new("image/png", "picture").unwrap();
    let with_file = outbound(0).message.media(picture.clone());
    assert_eq!(parts_of(&with_file), 1);
    let long = texted(0, &"a".repeat(1000)).message.media(picture);
    assert_eq!(parts_of(&long), 1);
}
