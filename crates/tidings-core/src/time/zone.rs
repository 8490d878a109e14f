//! Time zones, and times as people in a zone write them: [`TimeZone`], [`ZonedTime`], [`Day`] and
//! [`TimeOfDay`].
//!
//! Called by whoever reads a time from a person or writes one for a provider. The rules of the
//! zones are compiled in, so that the same program gives the same answer on every machine; nothing
//! here reads a file or a clock.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil;
use jiff::tz::{Disambiguation, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use super::Timestamp;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone: one of the IANA database, or a fixed distance from UTC.
///
/// ```
/// use tidings_core::TimeZone;
///
/// let oslo = TimeZone::named("Europe/Oslo")?;
/// assert_eq!(oslo.to_string(), "Europe/Oslo");
/// assert!(TimeZone::named("Oslo").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone(jiff::tz::TimeZone);

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(jiff::tz::TimeZone::UTC);

    /// The zone with this name in the IANA database, such as `Europe/Oslo`; letter case does not
    /// matter. The database is the one that was compiled in.
    ///
    /// # Errors
    /// [`TimeError::NoSuchZone`] when there is none.
    pub fn named(name: &str) -> Result<Self, TimeError> {
        ZONES.get(name).map(Self).map_err(|_| TimeError::NoSuchZone)
    }

    /// A zone that is always so many minutes ahead of UTC; a negative number is behind.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] for a distance of more than 25 hours and 59 minutes.
    pub fn fixed(minutes_ahead: i32) -> Result<Self, TimeError> {
        let seconds = minutes_ahead.checked_mul(60).ok_or(TimeError::OutOfRange)?;
        jiff::tz::Offset::from_seconds(seconds)
            .map(|offset| Self(offset.to_time_zone()))
            .map_err(|_| TimeError::OutOfRange)
    }

    /// The moment at which clocks of this zone show this day and time. A time that the clocks skip
    /// is as far behind the gap as it was into it; of a time that they show twice it is the first.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] beyond the years that a [`Timestamp`] has.
    pub fn at(&self, day: Day, time: TimeOfDay) -> Result<ZonedTime, TimeError> {
        self.0
            .to_ambiguous_zoned(day.0.to_datetime(time.0))
            .disambiguate(Disambiguation::Compatible)
            .map(ZonedTime)
            .map_err(|_| TimeError::OutOfRange)
    }
}

impl TimeZone {
    /// The stretch around a moment in which the zone's clocks are not changed.
    pub(super) fn steady_at(&self, moment: Timestamp) -> Steady {
        let change = self.0.following(moment.0).next();
        Steady {
            offset: self.0.to_offset(moment.0),
            end: change.map(|change| Timestamp(change.timestamp())),
        }
    }
}

/// A stretch of time in which a zone's clocks run without a change, so that moments and what clocks
/// show differ by the same distance throughout.
pub(super) struct Steady {
    offset: jiff::tz::Offset,
    /// The moment of the next change; none where there is no further one.
    pub(super) end: Option<Timestamp>,
}

impl Steady {
    /// How far clocks are ahead of UTC.
    pub(super) fn seconds_ahead(&self) -> i32 {
        self.offset.seconds()
    }

    /// What calendars and clocks show.
    pub(super) fn shown_at(&self, moment: Timestamp) -> (Day, TimeOfDay) {
        let shown = self.offset.to_datetime(moment.0);
        (Day(shown.date()), TimeOfDay::of(shown.time()))
    }

    /// The moment at which they show this, if it lies within the calendar. It may lie outside of the
    /// stretch.
    pub(super) fn moment_of(&self, day: Day, time: TimeOfDay) -> Option<Timestamp> {
        let shown = day.0.to_datetime(time.0);
        self.offset.to_timestamp(shown).ok().map(Timestamp)
    }
}

/// The name, or the distance from UTC where it has none.
impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.iana_name(), self.0.to_fixed_offset()) {
            (Some(name), _) => f.write_str(name),
            (None, Ok(offset)) => fmt::Display::fmt(&offset, f),
            (None, Err(_)) => f.write_str("unnamed"),
        }
    }
}

/// Reads a name of the IANA database, or a distance from UTC: what `Display` writes.
impl FromStr for TimeZone {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        if !text.starts_with(['+', '-']) {
            return Self::named(text);
        }
        let parser = jiff::fmt::temporal::DateTimeParser::new();
        let zone = parser.parse_time_zone_with(&ZONES, text);
        zone.map(Self).map_err(|_| TimeError::NoSuchZone)
    }
}

impl TryFrom<String> for TimeZone {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.to_string()
    }
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeZone({self})")
    }
}

/// A moment together with the zone in which people speak of it. Two of them are equal when both
/// are.
///
/// ```
/// use tidings_core::{TimeZone, ZonedTime};
///
/// let opening: ZonedTime = "2026-03-29T09:00[Europe/Oslo]".parse()?;
/// assert_eq!(opening.timestamp().to_string(), "2026-03-29T07:00:00Z");
/// assert_eq!(opening.in_zone(&TimeZone::UTC).time_of_day().to_string(), "07:00:00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ZonedTime(jiff::Zoned);

impl ZonedTime {
    /// A moment as it is spoken of in a zone.
    pub fn new(moment: Timestamp, zone: &TimeZone) -> Self {
        Self(moment.0.to_zoned(zone.0.clone()))
    }

    /// The moment.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.0.timestamp().as_millisecond()).unwrap_or(Timestamp::MAX)
    }

    /// The zone.
    pub fn zone(&self) -> TimeZone {
        TimeZone(self.0.time_zone().clone())
    }

    /// The same moment as it is spoken of in another zone.
    #[must_use]
    pub fn in_zone(&self, zone: &TimeZone) -> Self {
        Self(self.0.with_time_zone(zone.0.clone()))
    }

    /// The day that the zone's calendars show.
    pub fn day(&self) -> Day {
        Day(self.0.date())
    }

    /// The time that the zone's clocks show; parts of a second are cut off.
    pub fn time_of_day(&self) -> TimeOfDay {
        TimeOfDay::of(self.0.time())
    }

    /// How far the zone is ahead of UTC at this moment, in whole minutes rounded down; negative is
    /// behind. Zones have had parts of minutes until the twentieth century.
    pub fn minutes_ahead(&self) -> i32 {
        self.0.offset().seconds().div_euclid(60)
    }
}

impl PartialEq for ZonedTime {
    fn eq(&self, other: &Self) -> bool {
        // The library compares the moments only.
        self.0 == other.0 && self.0.time_zone() == other.0.time_zone()
    }
}

impl Eq for ZonedTime {}

/// As in RFC 9557: `2026-03-29T09:00:00+02:00[Europe/Oslo]`.
impl fmt::Display for ZonedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ZonedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZonedTime({self})")
    }
}

/// Reads `2026-03-29T09:00[Europe/Oslo]`, the same with its offset, or RFC 3339, whose zone is then
/// the fixed offset. A time with neither zone nor offset is refused, and so is an offset that the zone
/// does not have then. What is finer than a millisecond is cut off.
impl FromStr for ZonedTime {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        if text.contains('[') {
            let parser = jiff::fmt::temporal::DateTimeParser::new();
            let exact = parser
                .parse_zoned_with(&ZONES, text)
                .map_err(|_| fault_of(text))?;
            let moment = Timestamp::from_millis(exact.timestamp().as_millisecond());
            let moment = moment.ok_or(TimeError::OutOfRange)?;
            return Ok(Self(moment.0.to_zoned(exact.time_zone().clone())));
        }
        let moment: Timestamp = text.parse().map_err(|_| TimeError::NotATime)?;
        let pieces = jiff::fmt::temporal::Pieces::parse(text).map_err(|_| TimeError::NotATime)?;
        let offset = pieces.to_numeric_offset().ok_or(TimeError::NotATime)?;
        Ok(Self(moment.0.to_zoned(offset.to_time_zone())))
    }
}

/// Why a text with a zone is no time: often the zone's name is the wrong part of it.
fn fault_of(text: &str) -> TimeError {
    let named = text
        .split_once('[')
        .and_then(|(_, rest)| rest.strip_suffix(']'));
    match named.map(|name| ZONES.get(name)) {
        Some(Err(_)) => TimeError::NoSuchZone,
        _ => TimeError::NotATime,
    }
}

/// A day of the calendar, in no particular zone. Written and read as `2026-03-29`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(civil::Date);

impl Day {
    /// A day by year, month and day of the month, the last two from 1.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] when the calendar has no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self, TimeError> {
        civil::Date::new(year, month, day)
            .map(Self)
            .map_err(|_| TimeError::OutOfRange)
    }

    /// The day after it; the last day there is follows itself.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Day({self})")
    }
}

impl FromStr for Day {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let day: civil::Date = text.parse().map_err(|_| TimeError::NotATime)?;
        // The library reads other forms as well, and a date in front of a time; here it stands
        // alone and in one form.
        let is_plain = day.to_string() == text;
        is_plain.then_some(Self(day)).ok_or(TimeError::NotATime)
    }
}

impl TryFrom<String> for Day {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

/// A time that a clock shows, to the second, in no particular zone. Written as `09:00:00`, read
/// also as `09:00`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(civil::Time);

impl TimeOfDay {
    /// The first of a day.
    pub const MIDNIGHT: Self = Self(civil::Time::midnight());

    /// A time by hour (0 to 23), minute and second.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] when no clock shows it.
    pub fn new(hour: i8, minute: i8, second: i8) -> Result<Self, TimeError> {
        civil::Time::new(hour, minute, second, 0)
            .map(Self)
            .map_err(|_| TimeError::OutOfRange)
    }

    fn of(exact: civil::Time) -> Self {
        let whole = civil::Time::new(exact.hour(), exact.minute(), exact.second(), 0);
        Self(whole.unwrap_or(exact))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(time) = self;
        write!(
            f,
            "{:02}:{:02}:{:02}",
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeOfDay({self})")
    }
}

impl FromStr for TimeOfDay {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let number = |digits: &str| {
            let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_two
                .then(|| digits.parse().ok())
                .flatten()
                .ok_or(TimeError::NotATime)
        };
        let mut fields = text.splitn(3, ':');
        let mut field = || fields.next();
        let hour = number(field().unwrap_or_default())?;
        let minute = number(field().ok_or(TimeError::NotATime)?)?;
        let second = field().map_or(Ok(0), number)?;
        Self::new(hour, minute, second)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// Why a text is no time, or a time cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// It has not the form of one.
    #[error(
        "expected a time with its zone or offset, such as 2026-03-29T09:00[Europe/Oslo] or \
         2026-03-29T09:00+02:00"
    )]
    NotATime,
    /// The database has no zone of that name.
    #[error("no such time zone; expected a name such as Europe/Oslo")]
    NoSuchZone,
    /// The calendar or the clock does not have it.
    #[error("no calendar or clock shows that")]
    OutOfRange,
}
