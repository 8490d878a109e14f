//! The same hours of every day, [`HoursOfDay`], and when nobody is texted, [`QuietTimes`].
//!
//! Called by whoever holds messages back. Pure: it is asked about a moment and reads no clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::zone::{Day, TimeError, TimeOfDay, TimeZone};
use super::{Opening, Timestamp};

/// The same hours of every day, over midnight where the second time is the earlier one. Written
/// `21:00-08:00`. The second time is not within them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HoursOfDay {
    from: TimeOfDay,
    to: TimeOfDay,
}

impl HoursOfDay {
    /// From one time of day to another.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] when both are the same: nobody can tell whether that is no time at all
    /// or the whole day.
    pub fn new(from: TimeOfDay, to: TimeOfDay) -> Result<Self, TimeError> {
        if from == to {
            return Err(TimeError::OutOfRange);
        }
        Ok(Self { from, to })
    }

    /// From when on each day.
    pub fn from(self) -> TimeOfDay {
        self.from
    }

    /// Until when.
    pub fn to(self) -> TimeOfDay {
        self.to
    }

    /// All the hours that are not these: whoever may be texted from nine to five is to be left alone
    /// from five to nine.
    #[must_use]
    pub fn rest(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
        }
    }

    fn contains(self, time: TimeOfDay) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }

    /// The day on which they end, for a time within them.
    fn end_of(self, day: Day, time: TimeOfDay) -> Day {
        if self.from > self.to && time >= self.from {
            day.next()
        } else {
            day
        }
    }

    /// The day on which they begin next, for a time outside.
    fn next_begin(self, day: Day, time: TimeOfDay) -> Day {
        if time < self.from { day } else { day.next() }
    }
}

impl fmt::Display for HoursOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", Short(self.from), Short(self.to))
    }
}

/// Without the seconds where there are none.
struct Short(TimeOfDay);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.to_string();
        f.write_str(whole.strip_suffix(":00").unwrap_or(&whole))
    }
}

impl fmt::Debug for HoursOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HoursOfDay({self})")
    }
}

impl FromStr for HoursOfDay {
    type Err = HoursOfDayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to) = text.split_once('-').ok_or(HoursOfDayError)?;
        let read = |time: &str| time.parse().map_err(|_| HoursOfDayError);
        Self::new(read(from)?, read(to)?).map_err(|_| HoursOfDayError)
    }
}

impl TryFrom<String> for HoursOfDay {
    type Error = HoursOfDayError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HoursOfDay> for String {
    fn from(hours: HoursOfDay) -> Self {
        hours.to_string()
    }
}

/// A text is no hours of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected two different times of day, such as 21:00-08:00")]
#[non_exhaustive]
pub struct HoursOfDayError;

/// When nobody is texted: hours of every day, and whole days. Those that calendars and clocks show
/// where the recipient is, also where clocks are changed: hours that the clocks show twice are quiet
/// both times, and those that they skip are skipped.
///
/// ```
/// use tidings_core::{Opening, QuietTimes, Region};
///
/// // Somebody in the United States, nobody knows where: from eight in Honolulu to nine in New York.
/// let night = QuietTimes::new(["21:00-08:00".parse()?], []);
/// let zones = "US".parse::<Region>()?.time_zones();
/// let noon = "2026-11-23T12:00:00Z".parse()?;
/// assert_eq!(night.opening(zones, noon), Opening::OpensAt("2026-11-23T18:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QuietTimes {
    hours: Vec<HoursOfDay>,
    /// Sorted, each once.
    days: Vec<Day>,
}

/// How far a moment at which all zones allow a message is looked for, behind the last quiet day.
const SEARCH: Duration = Duration::from_hours(60 * 24);

impl QuietTimes {
    /// Hours of every day, and whole days, in any order.
    pub fn new(
        hours: impl IntoIterator<Item = HoursOfDay>,
        days: impl IntoIterator<Item = Day>,
    ) -> Self {
        let mut days: Vec<Day> = days.into_iter().collect();
        days.sort_unstable();
        days.dedup();
        Self {
            hours: hours.into_iter().collect(),
            days,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty() && self.days.is_empty()
    }

    /// The hours.
    pub fn hours(&self) -> &[HoursOfDay] {
        &self.hours
    }

    /// The days, in order.
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// Whether a message to somebody who is in one of these zones may leave at this moment, and if
    /// not, when: a moment is good only if it is in all the zones.
    ///
    /// [`Opening::Over`] where the zones have no such moment in common within 60 days behind the last
    /// quiet day, because the quiet hours of one begin before those of another end.
    pub fn opening(&self, zones: &[TimeZone], at: Timestamp) -> Opening {
        if self.is_empty() {
            return Opening::Open { until: None };
        }
        match self.first_open(zones, at) {
            None => Opening::Over,
            Some(from) if from > at => Opening::OpensAt(from),
            Some(_) => Opening::Open {
                until: self.first_quiet(zones, at),
            },
        }
    }

    fn first_open(&self, zones: &[TimeZone], at: Timestamp) -> Option<Timestamp> {
        let last_day = self.days.last().and_then(|day| {
            let midnight = TimeZone::UTC.at(day.next(), TimeOfDay::MIDNIGHT).ok()?;
            Some(midnight.timestamp())
        });
        let given_up = last_day.map_or(at, |last| last.max(at)).plus(SEARCH);
        let mut moment = at;
        // What a zone does not allow is left behind, and all are asked again.
        loop {
            let next = zones
                .iter()
                .map(|zone| self.first_open_in(zone, moment, given_up));
            let latest = next.max().unwrap_or(moment);
            if latest > given_up {
                return None;
            }
            if latest == moment {
                return Some(moment);
            }
            moment = latest;
        }
    }

    fn first_quiet(&self, zones: &[TimeZone], at: Timestamp) -> Option<Timestamp> {
        let each = zones
            .iter()
            .filter_map(|zone| self.first_quiet_in(zone, at));
        each.min()
    }

    /// The first moment that is not quiet in a zone, not before this one; any after `given_up` where
    /// there is none until then.
    fn first_open_in(&self, zone: &TimeZone, at: Timestamp, given_up: Timestamp) -> Timestamp {
        let mut moment = at;
        loop {
            if moment > given_up {
                return moment;
            }
            let steady = zone.steady_at(moment);
            let (day, time) = steady.shown_at(moment);
            let Some((end_day, end_time)) = self.end_of_quiet(day, time) else {
                return moment;
            };
            let ends_at = steady.moment_of(end_day, end_time);
            moment = match (ends_at, steady.end) {
                (Some(ends_at), Some(end)) => ends_at.min(end),
                // What the clocks show then decides.
                (None, Some(end)) => end,
                (Some(ends_at), None) => ends_at,
                (None, None) => return Timestamp::MAX,
            };
        }
    }

    /// The first moment after this one that is quiet in a zone. This one is not.
    fn first_quiet_in(&self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        let mut moment = at;
        loop {
            let steady = zone.steady_at(moment);
            let (day, time) = steady.shown_at(moment);
            if self.end_of_quiet(day, time).is_some() {
                return Some(moment);
            }
            let begins = self.next_quiet(day, time);
            let begins_at = begins.and_then(|(day, time)| steady.moment_of(day, time));
            moment = match (begins_at, steady.end) {
                (Some(begins_at), Some(end)) => begins_at.min(end),
                (Some(begins_at), None) => begins_at,
                // Zones at the date line have gone back by a day: the last day may come again.
                (None, Some(end)) if self.days.last().is_some_and(|last| day <= last.next()) => end,
                (None, _) => return None,
            };
        }
    }

    /// What calendar and clock show when it stops being quiet, if it is; something else may be quiet
    /// then.
    fn end_of_quiet(&self, day: Day, time: TimeOfDay) -> Option<(Day, TimeOfDay)> {
        let hours = self.hours.iter().find(|hours| hours.contains(time));
        if let Some(hours) = hours {
            return Some((hours.end_of(day, time), hours.to));
        }
        let is_quiet = self.days.binary_search(&day).is_ok();
        is_quiet.then(|| (day.next(), TimeOfDay::MIDNIGHT))
    }

    /// What calendar and clock show when it becomes quiet next.
    fn next_quiet(&self, day: Day, time: TimeOfDay) -> Option<(Day, TimeOfDay)> {
        let hours = self.hours.iter();
        let hours = hours.map(|hours| (hours.next_begin(day, time), hours.from));
        let behind = self.days.partition_point(|quiet| *quiet <= day);
        let days = self.days.get(behind).map(|day| (*day, TimeOfDay::MIDNIGHT));
        hours.chain(days).min()
    }
}
