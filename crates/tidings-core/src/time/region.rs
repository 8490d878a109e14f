//! The time zones of a number: those of its region.
//!
//! Called by whoever must not wake people whose zone nobody has told. Numbers move and area codes span
//! zones, so a number is taken to be in any zone of its region; what is allowed must be allowed in all.

use std::sync::OnceLock;

use super::Timestamp;
use super::zone::TimeZone;
use super::zone_table::ZONES_OF_REGIONS;
use crate::address::Region;

static ZONES: [OnceLock<Box<[TimeZone]>>; ZONES_OF_REGIONS.len()] =
    [const { OnceLock::new() }; ZONES_OF_REGIONS.len()];

static UTC: [TimeZone; 1] = [TimeZone::UTC];

/// From here on zones are compared. Messages leave later.
const PRESENT: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z
/// Until here. What zones do later they do by the rule of their last year.
const FUTURE: i64 = 2_398_377_600_000; // 2046-01-01T00:00:00Z

impl Region {
    /// The time zones of the region's people, as the IANA database lists them. Of zones whose clocks
    /// have shown the same since 2026 only the first is given: eight of the 29 of the United States
    /// are left. At least one.
    ///
    /// ```
    /// use tidings_core::Region;
    ///
    /// let zones = "PT".parse::<Region>()?.time_zones();
    /// let names: Vec<String> = zones.iter().map(ToString::to_string).collect();
    /// assert_eq!(names, ["Europe/Lisbon", "Atlantic/Azores"]); // Madeira has the clocks of Lisbon
    /// # Ok::<(), tidings_core::E164Error>(())
    /// ```
    pub fn time_zones(self) -> &'static [TimeZone] {
        let found = ZONES_OF_REGIONS.binary_search_by(|(region, _)| (*region).cmp(self.as_str()));
        let row = found.ok().and_then(|place| {
            let (_, names) = ZONES_OF_REGIONS.get(place)?;
            Some((ZONES.get(place)?, *names))
        });
        match row {
            Some((zones, names)) => zones.get_or_init(|| distinct(names)),
            // A test finds every region in the table.
            None => &UTC,
        }
    }
}

fn distinct(names: &[&str]) -> Box<[TimeZone]> {
    let mut known = Vec::new();
    let mut zones = Vec::new();
    // A test finds every name in the database.
    for zone in names.iter().filter_map(|name| TimeZone::named(name).ok()) {
        let clocks = clocks_of(&zone);
        if !known.contains(&clocks) {
            known.push(clocks);
            zones.push(zone);
        }
    }
    zones.into()
}

/// How far ahead of UTC a zone is, and from when on, for the years that are compared.
fn clocks_of(zone: &TimeZone) -> Vec<(Option<Timestamp>, i32)> {
    let mut clocks = Vec::new();
    let mut from = None;
    let mut moment = Timestamp::from_millis(PRESENT);
    while let Some(at) = moment.filter(|at| at.as_millis() < FUTURE) {
        let steady = zone.steady_at(at);
        let seconds = steady.seconds_ahead();
        // A change of the name of the hours alone is none of the clocks.
        if clocks.last().is_none_or(|(_, last)| *last != seconds) {
            clocks.push((from, seconds));
        }
        moment = steady.end;
        from = steady.end;
    }
    clocks
}
