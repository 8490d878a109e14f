//! Tests of the zones of regions: the table against what is compiled in.

use super::super::zone_table::ZONES_OF_REGIONS;
use super::*;
use crate::Region;

fn region(letters: &str) -> Region {
    letters.parse().unwrap()
}

#[test]
fn every_region_with_a_numbering_plan_has_zones() {
    let letters = || 'A'..='Z';
    let pairs = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
    let regions: Vec<Region> = pairs.filter_map(|pair| pair.parse().ok()).collect();
    assert!(regions.len() > 240, "{}", regions.len());
    for region in regions {
        let has_row = ZONES_OF_REGIONS
            .iter()
            .any(|(letters, names)| *letters == region.as_str() && !names.is_empty());
        assert!(has_row, "{region}");
        assert!(!region.time_zones().is_empty(), "{region}");
    }
}

#[test]
fn every_zone_of_the_table_is_compiled_in() {
    for (region, names) in ZONES_OF_REGIONS {
        for name in *names {
            assert_eq!(
                TimeZone::named(name)
                    .map(|zone| zone.to_string())
                    .as_deref(),
                Ok(*name),
                "{region}"
            );
        }
    }
}

#[test]
fn the_table_is_in_order_so_that_it_can_be_searched() {
    assert!(ZONES_OF_REGIONS.is_sorted_by(|one, other| one.0 < other.0));
}

#[test]
fn zones_with_the_same_clocks_are_given_once() {
    #[track_caller]
    fn check(letters: &str, expected: &[&str]) {
        let zones = region(letters).time_zones();
        let names: Vec<String> = zones.iter().map(ToString::to_string).collect();
        assert_eq!(names, expected);
    }
    check("NO", &["Europe/Oslo"]);
    check("XK", &["Europe/Belgrade"]);
    check(
        "US",
        &[
            "America/New_York",
            "America/Chicago",
            "America/Denver",
            "America/Phoenix",
            "America/Los_Angeles",
            "America/Anchorage",
            "America/Adak",
            "Pacific/Honolulu",
        ],
    );
    // Queensland has two zones and the south-east four, of which one each is left.
    check(
        "AU",
        &[
            "Australia/Lord_Howe",
            "Antarctica/Macquarie",
            "Australia/Broken_Hill",
            "Australia/Brisbane",
            "Australia/Darwin",
            "Australia/Perth",
            "Australia/Eucla",
        ],
    );
    check(
        "BR",
        &[
            "America/Noronha",
            "America/Belem",
            "America/Campo_Grande",
            "America/Eirunepe",
        ],
    );
}

/// The zones that are left stand for all: at any moment, every zone of the table shows the time of one of
/// them.
#[test]
fn no_clock_of_a_region_is_left_out() {
    let moments =
        (0..24 * 30).map(|n| at("2026-01-01T00:30:00Z").plus(n * Duration::from_hours(243)));
    for moment in moments {
        for (letters, names) in ZONES_OF_REGIONS {
            let Ok(region) = letters.parse::<Region>() else {
                continue;
            };
            let minutes = |zone: &TimeZone| ZonedTime::new(moment, zone).minutes_ahead();
            let kept: Vec<i32> = region.time_zones().iter().map(minutes).collect();
            for name in *names {
                assert!(
                    kept.contains(&minutes(&zone(name))),
                    "{region} {name} {moment}"
                );
            }
        }
    }
}
