//! When a provider is asked how far a message has come: often at first, ever more rarely later.
//!
//! Called by the polling loop. Pure: time and randomness come in.

use std::time::Duration;

use tidings_core::Timestamp;

/// How long after a provider took a message it is first asked.
pub(super) const FIRST_POLL: Duration = Duration::from_secs(5);

/// How long after a message's validity its provider is still asked: networks tell of its end late.
const AFTER_VALIDITY: Duration = Duration::from_hours(24);

/// A message is asked about at least for so long, also one that was worth sending for minutes only.
const AT_LEAST: Duration = Duration::from_hours(24);

/// Up to which age a message is asked about how often.
const INTERVALS: &[(Duration, Duration)] = &[
    (Duration::from_secs(10), Duration::from_secs(5)),
    (Duration::from_mins(1), Duration::from_secs(15)),
    (Duration::from_mins(10), Duration::from_mins(1)),
    (Duration::from_hours(1), Duration::from_mins(5)),
    (Duration::from_hours(6), Duration::from_mins(30)),
    (Duration::from_hours(24), Duration::from_hours(2)),
];

/// For messages that are older than all of these.
const LAST_INTERVAL: Duration = Duration::from_hours(6);

/// When a message that was taken at `taken_at` and has not come to its end at `now` is asked about
/// again; `None` is never. Its age decides, not how often it was asked: after a pause of the provider
/// or of ours it goes on where it should be. `random`, from 0 to 1, moves the time by up to a tenth, so
/// that what was taken together is not asked about together for ever.
pub(super) fn next_poll(
    now: Timestamp,
    taken_at: Timestamp,
    expires_at: Option<Timestamp>,
    random: f64,
) -> Option<Timestamp> {
    let end = taken_at
        .plus(AT_LEAST)
        .max(expires_at.unwrap_or(taken_at).plus(AFTER_VALIDITY));
    if now >= end {
        return None;
    }
    let age = now.since(taken_at);
    let interval = INTERVALS
        .iter()
        .find(|(up_to, _)| age < *up_to)
        .map_or(LAST_INTERVAL, |(_, interval)| *interval);
    Some(now.plus(interval.mul_f64(0.95 + random.clamp(0.0, 1.0) / 10.0)))
}

/// How long a lane's provider is not asked after `n_failures` questions in a row failed, and no less
/// than it asked for.
pub(super) fn pause_after(n_failures: u32, asked: Option<Duration>, random: f64) -> Duration {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_mins(10);
    let doubled = 2_u32.saturating_pow(n_failures.saturating_sub(1));
    let pause = FIRST.saturating_mul(doubled).min(LONGEST);
    let pause = pause.mul_f64(0.75 + random.clamp(0.0, 1.0) / 4.0);
    pause.max(asked.unwrap_or_default())
}
