//! How fast messages may leave an account, counted in parts: [`Rate`], and the waiting and counting
//! behind it.
//!
//! Called by [`super::RateLimit`], which makes the calls. What a part is, is [`tidings_core::text`]; the
//! arithmetic of the pace is the crate `governor`'s (GCRA), over the clock that it is given.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tidings_core::text::{Policy, TextError, plan};
use tidings_core::{Clock, Message, TimeOfDay, TimeZone, Timestamp, ZonedTime};

use crate::error::{Error, ErrorKind};
use crate::provider::Outbound;

/// How many parts of messages may leave an account: evenly, with a burst, and in a day.
///
/// ```
/// use tidings::TimeZone;
/// use tidings::layers::Rate;
///
/// // 20 parts a second, up to 100 at once after a pause, and 50,000 a day as Oslo's calendars count.
/// let rate = Rate::per_second(20)
///     .burst(100)
///     .daily_cap(50_000)
///     .day_begins_in(TimeZone::named("Europe/Oslo")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// The time in which one more part may leave; zero is no limit to the pace. Default: zero.
    pub interval: Duration,
    /// How many parts may leave at once after a pause. 0 counts as 1. A call of more parts than this
    /// waits until all of them may leave, and goes as a whole.
    pub burst: u32,
    /// How many parts may leave in a day; `None` is no limit. Default: `None`.
    pub daily_cap: Option<u64>,
    /// Where the day begins at midnight. Default: UTC.
    pub zone: TimeZone,
}

impl Default for Rate {
    fn default() -> Self {
        Self::unlimited()
    }
}

impl Rate {
    /// No limit at all, unless one is set on it.
    pub const fn unlimited() -> Self {
        Self::one_every(Duration::ZERO)
    }

    /// So many parts a second, and as many at once after a pause. 0 counts as 1.
    pub fn per_second(parts: u32) -> Self {
        let parts = parts.max(1);
        // Rounded up, so that no more leave than was said.
        let nanoseconds = 1_000_000_000_u64.div_ceil(u64::from(parts));
        Self::one_every(Duration::from_nanos(nanoseconds)).burst(parts)
    }

    /// One part in each such time, for accounts slower than a part a second.
    pub const fn one_every(interval: Duration) -> Self {
        Self {
            interval,
            burst: 1,
            daily_cap: None,
            zone: TimeZone::UTC,
        }
    }

    /// Sets how many parts may leave at once after a pause. Waits are a millisecond at the least, so
    /// a rate of thousands a second wants a burst of several milliseconds' parts.
    #[must_use]
    pub fn burst(mut self, parts: u32) -> Self {
        self.burst = parts;
        self
    }

    /// Sets how many parts may leave in a day. A message of more parts than this never leaves.
    #[must_use]
    pub fn daily_cap(mut self, parts: u64) -> Self {
        self.daily_cap = Some(parts);
        self
    }

    /// Sets where the day begins at midnight.
    #[must_use]
    pub fn day_begins_in(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// As the library wants it; `None` without a limit to the pace.
    fn quota(&self) -> Option<Quota> {
        // Beyond these bounds the library's nanoseconds would overflow, and no account is so slow.
        const LONGEST_INTERVAL: Duration = Duration::from_hours(24);
        const LONGEST_BURST: Duration = Duration::from_hours(24 * 365 * 100);
        let interval = self.interval.min(LONGEST_INTERVAL);
        let quota = Quota::with_period(interval)?;
        let most = LONGEST_BURST.as_nanos() / interval.as_nanos();
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let burst = NonZeroU32::new(self.burst.min(most)).unwrap_or(NonZeroU32::MIN);
        Some(quota.allow_burst(burst))
    }
}

/// How many parts a message makes: those of its text as [`plan`] cuts it, or 1 if it goes with a
/// file, because such a message is no text message on its way.
pub fn parts_of(message: &Message) -> u64 {
    if message.media.is_some() {
        return 1;
    }
    let n_parts = match plan(&message.text, &Policy::default()) {
        Ok(plan) => plan.n_parts(),
        Err(TextError::TooManyParts { parts_needed, .. }) => parts_needed,
        // Only a policy stricter than the default finds characters that it cannot show.
        Err(_) => 1,
    };
    u64::try_from(n_parts).unwrap_or(u64::MAX)
}

pub(super) fn parts_of_all(messages: &[Outbound]) -> u64 {
    let parts = messages.iter().map(|outbound| parts_of(&outbound.message));
    parts.sum()
}

/// Waits for the parts of one call after the other.
pub(super) struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, Measure, NoOpMiddleware<Duration>>,
    burst: NonZeroU32,
    measure: Measure,
}

/// The clock as the library reads it.
#[derive(Clone, Debug)]
struct Measure(Arc<dyn Clock>);

impl governor::clock::Clock for Measure {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Pace {
    /// `None` where there is no limit to the pace.
    pub(super) fn new(rate: &Rate, clock: Arc<dyn Clock>) -> Option<Self> {
        let quota = rate.quota()?;
        let measure = Measure(clock);
        Some(Self {
            limiter: RateLimiter::direct_with_clock(quota, measure.clone()),
            burst: quota.burst_size(),
            measure,
        })
    }

    /// Waits until so many parts may leave. What a call that is given up has been granted until then
    /// is lost.
    pub(super) async fn wait_for(&self, parts: u64) {
        let mut left = parts;
        while let Some(piece) = piece_of(left, self.burst) {
            let granted = self.limiter.check_n(piece);
            match granted.expect("a piece is no larger than the burst") {
                Ok(()) => left -= u64::from(piece.get()),
                Err(until) => {
                    let now = governor::clock::Clock::now(&self.measure);
                    tokio::time::sleep(until.wait_time_from(now)).await;
                }
            }
        }
    }
}

/// As many of the parts as can be asked for at once.
fn piece_of(parts: u64, burst: NonZeroU32) -> Option<NonZeroU32> {
    let piece = parts.min(u64::from(burst.get()));
    NonZeroU32::new(u32::try_from(piece).unwrap_or(u32::MAX))
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace")
            .field("burst", &self.burst)
            .finish_non_exhaustive()
    }
}

/// Counts the parts of a day.
#[derive(Debug)]
pub(super) struct DailyCount {
    cap: u64,
    zone: TimeZone,
    clock: Arc<dyn Clock>,
    today: Mutex<Today>,
}

#[derive(Clone, Copy, Debug)]
struct Today {
    /// When the count was last begun or its end reckoned.
    since: Timestamp,
    end: Timestamp,
    used: u64,
}

/// What a call has taken of a day: the day by its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    day: Timestamp,
}

impl DailyCount {
    /// `None` where there is no limit to a day.
    pub(super) fn new(rate: &Rate, clock: Arc<dyn Clock>) -> Option<Self> {
        let nothing = Today {
            since: Timestamp::MAX,
            end: Timestamp::UNIX_EPOCH,
            used: 0,
        };
        Some(Self {
            cap: rate.daily_cap?,
            zone: rate.zone.clone(),
            clock,
            today: Mutex::new(nothing),
        })
    }

    /// How many of the messages, from the first on, may still leave today, and how many parts they
    /// have together.
    pub(super) fn fitting(&self, messages: &[Outbound]) -> (usize, u64) {
        let room = self.cap.saturating_sub(self.today().used);
        let mut parts = 0;
        for (count, outbound) in messages.iter().enumerate() {
            let more = parts + parts_of(&outbound.message);
            if more > room {
                return (count, parts);
            }
            parts = more;
        }
        (messages.len(), parts)
    }

    /// Counts parts that leave now.
    pub(super) fn take(&self, parts: u64) -> Taken {
        let mut today = self.today();
        today.used = today.used.saturating_add(parts);
        Taken { day: today.end }
    }

    /// Takes back parts that did not leave after all.
    pub(super) fn give_back(&self, taken: Taken, parts: u64) {
        let mut today = self.today();
        if today.end == taken.day {
            today.used = today.used.saturating_sub(parts);
        }
    }

    /// The error of a message for which nothing is left today.
    pub(super) fn used_up(&self) -> Error {
        let end = self.today().end;
        let what = "the parts that may leave this account in a day are used up";
        Error::not_sent(ErrorKind::RateLimited, what).with_retry_after(end.since(self.clock.now()))
    }

    /// The count of the present day. A clock that was set back does not begin the count anew.
    fn today(&self) -> MutexGuard<'_, Today> {
        let today = self.today.lock();
        let mut today = today.unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if now >= today.end {
            today.used = 0;
        }
        if now >= today.end || now < today.since {
            today.since = now;
            today.end = end_of_day(now, &self.zone);
        }
        today
    }
}

/// The first midnight after now. That of the next day may be over: some clocks have gone back to the
/// day before.
fn end_of_day(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let mut day = ZonedTime::new(now, zone).day();
    loop {
        day = day.next();
        match zone.at(day, TimeOfDay::MIDNIGHT) {
            Ok(midnight) if midnight.timestamp() <= now => {}
            Ok(midnight) => return midnight.timestamp(),
            Err(_) => return Timestamp::MAX,
        }
    }
}
