//! How many parts may leave over a lane, in a second and in a day. Pure.
//!
//! Held by [`super::lane`]. Parts are counted when messages are taken from the store, because the number
//! of parts is known only then: a message of several parts goes when one part may, and the lane waits for
//! the rest afterwards. So a lane is never ahead of its rate by more than the messages of one burst.

use std::time::Duration;

use tidings_core::Timestamp;

/// The parts that may leave at once after a pause, as a time.
const BURST: Duration = Duration::from_millis(100);

/// The time whose parts are worth a look into the store.
const QUANTUM: Duration = Duration::from_millis(20);

/// Parts a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    per_second: f64,
    /// What may leave now; below 0 while a long message is being waited off.
    parts: f64,
    at: Duration,
}

impl Pace {
    /// A pace at rest: one burst may leave. Rates below a part in a day count as that.
    pub(super) fn new(per_second: f64, now: Duration) -> Self {
        let slowest = 1.0 / 86_400.0;
        let per_second = per_second.max(slowest);
        let mut pace = Self {
            per_second,
            parts: 0.0,
            at: now,
        };
        pace.parts = pace.burst();
        pace
    }

    /// Goes on at another rate.
    pub(super) fn set_rate(&mut self, per_second: f64, now: Duration) {
        self.pass(now);
        let parts = self.parts;
        *self = Self::new(per_second, now);
        self.parts = parts.min(self.burst());
    }

    /// How many parts may leave now.
    pub(super) fn available(&mut self, now: Duration) -> usize {
        self.pass(now);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the parts of 100 ms"
        )]
        let whole = (self.parts + ROUNDING).max(0.0) as usize;
        whole
    }

    /// Counts parts that leave.
    pub(super) fn take(&mut self, parts: u64) {
        self.parts -= as_float(parts);
    }

    /// Counts parts that did not leave after all.
    pub(super) fn give_back(&mut self, parts: u64) {
        self.parts = (self.parts + as_float(parts)).min(self.burst());
    }

    /// How long until it is worth looking again.
    pub(super) fn wait(&mut self, now: Duration) -> Duration {
        self.pass(now);
        let worth = (self.per_second * QUANTUM.as_secs_f64()).max(1.0);
        let missing = (worth - self.parts).max(0.0);
        Duration::try_from_secs_f64(missing / self.per_second).unwrap_or(Duration::MAX)
    }

    fn pass(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.parts = (self.parts + passed * self.per_second).min(self.burst());
    }

    fn burst(&self) -> f64 {
        (self.per_second * BURST.as_secs_f64()).max(1.0)
    }
}

/// What floating point may lose of a part.
const ROUNDING: f64 = 1e-6;

#[expect(clippy::cast_precision_loss, reason = "parts of messages in hand")]
fn as_float(parts: u64) -> f64 {
    parts as f64
}

/// Counts the parts of a day of UTC, and sees to it that the count survives: parts are reserved in the
/// store before they leave, some at a time, so that after a crash at most a reservation is lost and the
/// cap is never passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DailyCount {
    /// The day, counted from 1970-01-01.
    day: i64,
    used: u64,
    reserved: u64,
    /// Whether a message was met that does not fit into the rest of the day.
    is_full: bool,
}

/// What may leave today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Today {
    /// So many parts.
    Parts(u64),
    /// Something, when the count has been written up to this number.
    Reserve(u64),
    /// Nothing until then.
    Nothing(Timestamp),
}

const DAY_MILLIS: i64 = 86_400_000;

impl DailyCount {
    /// The count as it was written down.
    pub(super) fn resumed(day: i64, parts: u64) -> Self {
        Self {
            day,
            used: parts,
            reserved: parts,
            is_full: false,
        }
    }

    /// What may leave at this moment.
    pub(super) fn today(&mut self, cap: u64, now: Timestamp) -> Today {
        let day = now.as_millis().div_euclid(DAY_MILLIS);
        // A clock that is set back does not begin the count anew.
        if day > self.day {
            *self = Self {
                day,
                ..Self::default()
            };
        }
        if self.is_full || self.used >= cap {
            let midnight = self.day.saturating_add(1).saturating_mul(DAY_MILLIS);
            return Today::Nothing(Timestamp::from_millis(midnight).unwrap_or(Timestamp::MAX));
        }
        if self.used < self.reserved.min(cap) {
            return Today::Parts(self.reserved.min(cap) - self.used);
        }
        Today::Reserve(self.next_reservation(cap))
    }

    /// Whether more left than has been written down: so much is to be written before anything else
    /// leaves.
    pub(super) fn owes(&self, cap: u64) -> Option<u64> {
        (self.used > self.reserved).then(|| self.next_reservation(cap))
    }

    fn next_reservation(&self, cap: u64) -> u64 {
        let piece = (cap / 100).max(100);
        self.used.saturating_add(piece).min(cap)
    }

    /// The count has been written up to this number.
    pub(super) fn reserve(&mut self, parts: u64) {
        self.reserved = self.reserved.max(parts);
    }

    /// Counts the parts of a message that leaves, if they fit into the day; if not, nothing more leaves
    /// today, so that a long message is not overtaken for ever.
    pub(super) fn take(&mut self, cap: u64, parts: u64) -> bool {
        let used = self.used.saturating_add(parts);
        self.is_full |= used > cap;
        if !self.is_full {
            self.used = used;
        }
        !self.is_full
    }

    /// Counts parts that did not leave after all.
    pub(super) fn give_back(&mut self, parts: u64) {
        self.used = self.used.saturating_sub(parts);
    }

    /// The day and its parts, as they are to be written down while the lane runs.
    pub(super) fn written(&self) -> (i64, u64) {
        (self.day, self.reserved.max(self.used))
    }

    /// The day and its parts, as they are to be written down when the lane stops.
    pub(super) fn exact(&self) -> (i64, u64) {
        (self.day, self.used)
    }

    /// The parts that left today.
    pub(super) fn used(&self) -> u64 {
        self.used
    }
}
