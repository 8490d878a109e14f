//! When a message may leave: [`SendWindow`].
//!
//! Called by provider clients, which put it into the vendor's words, and by whoever holds messages
//! back. Pure: it is asked about a moment and reads no clock.

use std::fmt;
use std::time::Duration;

use super::Timestamp;
use super::zone::{Day, TimeOfDay, TimeZone, ZonedTime};

/// The time in which a message may leave: not before a moment, for one stretch of time, or on each
/// of some days for the same hours.
///
/// The hours of days are those that calendars and clocks show: whoever looks at both at the moment at
/// which a message leaves finds it within its days and hours, also where clocks are changed. Hours
/// that the clocks skip are lost with what is skipped; hours that they show twice count both times.
///
/// ```
/// use tidings_core::{Opening, SendWindow, TimeZone};
///
/// // Nine to five in Oslo, on the day before its clocks change and on the day itself.
/// let oslo = TimeZone::named("Europe/Oslo")?;
/// let days = "2026-03-28".parse()?..="2026-03-29".parse()?;
/// let window = SendWindow::daily(days, "09:00".parse()?, "17:00".parse()?, &oslo)?;
///
/// // Between the two days it opens an hour earlier by UTC than on the first.
/// let evening = "2026-03-28T18:00:00Z".parse()?;
/// assert_eq!(window.opening(evening), Opening::OpensAt("2026-03-29T07:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SendWindow(Shape);

#[derive(Clone, PartialEq, Eq)]
enum Shape {
    Stretch {
        from: ZonedTime,
        until: Option<ZonedTime>,
    },
    Daily(DailyHours),
}

/// The same hours on each of some days.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DailyHours {
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
    /// From when on each day.
    pub from: TimeOfDay,
    /// Until when on each day.
    pub to: TimeOfDay,
    /// By whose calendars and clocks.
    pub zone: TimeZone,
}

/// What a window says of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// The message may leave, until the moment given, or without end.
    Open {
        /// The first moment at which it may not.
        until: Option<Timestamp>,
    },
    /// It may not leave before this.
    OpensAt(Timestamp),
    /// It may not leave any more.
    Over,
}

impl SendWindow {
    /// Not before this moment.
    pub fn from(from: ZonedTime) -> Self {
        Self(Shape::Stretch { from, until: None })
    }

    /// One stretch of time.
    ///
    /// # Errors
    /// [`WindowError`] when it ends before it begins, or at once.
    pub fn between(from: ZonedTime, until: ZonedTime) -> Result<Self, WindowError> {
        if until.timestamp() <= from.timestamp() {
            return Err(WindowError);
        }
        Ok(Self(Shape::Stretch {
            from,
            until: Some(until),
        }))
    }

    /// The same hours on each of some days, the last one included.
    ///
    /// # Errors
    /// [`WindowError`] when the days or the hours end before they begin, or the hours at once. Hours
    /// over midnight are two windows. Hours that the clocks skip on every one of the days are no
    /// error: that window never opens.
    pub fn daily(
        days: std::ops::RangeInclusive<Day>,
        from: TimeOfDay,
        to: TimeOfDay,
        zone: &TimeZone,
    ) -> Result<Self, WindowError> {
        let (first, last) = days.into_inner();
        if last < first || to <= from {
            return Err(WindowError);
        }
        Ok(Self(Shape::Daily(DailyHours {
            first,
            last,
            from,
            to,
            zone: zone.clone(),
        })))
    }

    /// Whether a message may leave at this moment, and if not, when. An end is not within the
    /// window: at that moment it is over, or closed until the next day.
    pub fn opening(&self, at: Timestamp) -> Opening {
        match &self.0 {
            Shape::Stretch { from, until } => {
                let until = until.as_ref().map(ZonedTime::timestamp);
                opening_of(from.timestamp(), until, at)
            }
            Shape::Daily(hours) => hours.opening(at),
        }
    }

    /// When it begins and, where it has an end, when it ends for good. On a day on which clocks are
    /// changed, a time that they skip counts as it does in [`TimeZone::at`]; [`Self::opening`] is
    /// exact there.
    pub fn bounds(&self) -> (ZonedTime, Option<ZonedTime>) {
        match &self.0 {
            Shape::Stretch { from, until } => (from.clone(), until.clone()),
            Shape::Daily(hours) => {
                let (first, _) = hours.on(hours.first);
                let (_, last) = hours.on(hours.last);
                (first, Some(last))
            }
        }
    }

    /// The hours, where they are the same on each of some days.
    pub fn daily_hours(&self) -> Option<&DailyHours> {
        match &self.0 {
            Shape::Stretch { .. } => None,
            Shape::Daily(hours) => Some(hours),
        }
    }
}

/// How far apart a day of one zone and the day of that date in another can be, and by how much
/// clocks have gone forward and back at the most.
const TWO_DAYS: Duration = Duration::from_hours(48);

impl DailyHours {
    fn opening(&self, at: Timestamp) -> Opening {
        match self.first_open(at) {
            None => Opening::Over,
            Some(from) if from > at => Opening::OpensAt(from),
            Some(_) => Opening::Open {
                until: Some(self.first_closed(at)),
            },
        }
    }

    /// The first moment within the hours that is not before this one.
    fn first_open(&self, at: Timestamp) -> Option<Timestamp> {
        let mut moment = at.max(self.before_first());
        loop {
            let steady = self.zone.steady_at(moment);
            let (day, time) = steady.shown_at(moment);
            // Zones at the date line have gone back by a day: the last day may come again.
            if day > self.last.next().next() {
                return None;
            }
            if self.is_within(day, time) {
                return Some(moment);
            }
            let opens_on = if day < self.first {
                self.first
            } else if time < self.from {
                day
            } else {
                day.next()
            };
            let opens_at = steady
                .moment_of(opens_on, self.from)
                .filter(|opens_at| opens_on <= self.last && *opens_at > moment);
            match (opens_at, steady.end) {
                (Some(opens_at), Some(end)) if opens_at < end => return Some(opens_at),
                (Some(opens_at), None) => return Some(opens_at),
                // What the clocks show then decides.
                (_, Some(end)) => moment = end,
                (None, None) => return None,
            }
        }
    }

    /// The first moment after this one that is not within the hours. This one is.
    fn first_closed(&self, at: Timestamp) -> Timestamp {
        let mut moment = at;
        loop {
            let steady = self.zone.steady_at(moment);
            let (day, time) = steady.shown_at(moment);
            if !self.is_within(day, time) {
                return moment;
            }
            let closes_at = steady.moment_of(day, self.to).unwrap_or(Timestamp::MAX);
            match steady.end {
                Some(end) if end <= closes_at => moment = end,
                _ => return closes_at,
            }
        }
    }

    fn is_within(&self, day: Day, time: TimeOfDay) -> bool {
        (self.first..=self.last).contains(&day) && (self.from..self.to).contains(&time)
    }

    /// A moment at which no calendar shows the first day yet.
    fn before_first(&self) -> Timestamp {
        let Ok(midnight) = TimeZone::UTC.at(self.first, TimeOfDay::MIDNIGHT) else {
            return Timestamp::MAX;
        };
        midnight.timestamp().minus(TWO_DAYS)
    }

    /// From when to when on this day, as far as its clocks show both.
    fn on(&self, day: Day) -> (ZonedTime, ZonedTime) {
        let at = |time| {
            let moment = self.zone.at(day, time);
            moment.unwrap_or_else(|_| ZonedTime::new(Timestamp::MAX, &self.zone))
        };
        (at(self.from), at(self.to))
    }
}

fn opening_of(from: Timestamp, until: Option<Timestamp>, at: Timestamp) -> Opening {
    match until {
        Some(until) if at >= until => Opening::Over,
        _ if at < from => Opening::OpensAt(from),
        until => Opening::Open { until },
    }
}

impl fmt::Debug for SendWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Shape::Stretch { from, until: None } => write!(f, "SendWindow(from {from})"),
            Shape::Stretch {
                from,
                until: Some(until),
            } => write!(f, "SendWindow({from} to {until})"),
            Shape::Daily(hours) => write!(f, "SendWindow({hours:?})"),
        }
    }
}

impl fmt::Debug for DailyHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            last,
            from,
            to,
            zone,
        } = self;
        write!(f, "{from} to {to} on {first} to {last} in {zone}")
    }
}

/// A window ends before it begins, or at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the window ends before it begins")]
#[non_exhaustive]
pub struct WindowError;
