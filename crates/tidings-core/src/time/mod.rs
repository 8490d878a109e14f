//! Points in time and where they come from; time zones in `zone.rs` and those of a number in `region.rs`,
//! the time in which a message may leave in `window.rs`, and when nobody is texted in `quiet.rs`.
//!
//! Called by everything that needs to know the time. The functions of this crate never read a
//! clock: they are given a [`Timestamp`], and only the programs' [`Clock`] reads one.

mod quiet;
mod region;
#[cfg(test)]
mod tests;
mod window;
mod zone;
mod zone_table;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use quiet::{HoursOfDay, HoursOfDayError, QuietTimes};
pub use window::{DailyHours, Opening, SendWindow, WindowError};
pub use zone::{Day, TimeError, TimeOfDay, TimeZone, ZonedTime};

/// A point in time, exact to the millisecond, shown as RFC 3339 in UTC.
///
/// ```
/// use tidings_core::Timestamp;
///
/// let noon: Timestamp = "2026-11-21T12:00:00Z".parse()?;
/// assert_eq!(noon.as_millis(), 1_795_262_400_000);
/// assert_eq!(noon.to_string(), "2026-11-21T12:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The last point, 9999-12-30T22:00:00Z: later ones could not be written with every offset.
    pub const MAX: Self = Self(jiff::Timestamp::constant(253_402_207_200, 0));

    /// The point `milliseconds` after 1970-01-01T00:00:00Z, or `None` after [`Self::MAX`] and
    /// before the year -9999.
    pub fn from_millis(milliseconds: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(milliseconds)
            .ok()
            .map(Self)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// This point moved later by the whole milliseconds of `duration`, stopping at [`Self::MAX`].
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let later = self.as_millis().saturating_add(milliseconds);
        Self::from_millis(later).unwrap_or(Self::MAX)
    }

    /// This point moved earlier by the whole milliseconds of `duration`, stopping at the year -9999.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let earlier = self.as_millis().saturating_sub(milliseconds);
        Self::from_millis(earlier).unwrap_or(Self(jiff::Timestamp::MIN))
    }

    /// How long after `earlier` this point is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        let milliseconds = self.as_millis().saturating_sub(earlier.as_millis());
        Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339, for instance `2024-01-20T15:30:45Z` or `2024-01-20T16:30:45+01:00`. What is
    /// finer than a millisecond is cut off. A time without its offset is refused, because it would
    /// be another moment in every country.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let exact: jiff::Timestamp = text.parse().map_err(|_| TimestampError)?;
        Self::from_millis(exact.as_millisecond()).ok_or(TimestampError)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

/// The text is not a point in time in the form of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as 2026-11-21T12:00:00Z")]
#[non_exhaustive]
pub struct TimestampError;

/// Where the time comes from: the system's clock in programs, a harness's own in tests.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment, as calendars and people tell it. It may jump when somebody sets the
    /// clock.
    fn now(&self) -> Timestamp;

    /// The time since some fixed moment, for measuring how long something takes: it never goes
    /// backwards. A clock that nobody can set is its own measure.
    fn elapsed(&self) -> Duration {
        self.now().since(Timestamp::UNIX_EPOCH)
    }
}
