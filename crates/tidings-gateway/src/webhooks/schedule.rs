//! When a delivery that failed is tried again: over about three days, ever more rarely.
//!
//! Called by `deliver.rs`. Pure: randomness comes in.

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// What is waited after each try that failed; the first try is made at once.
const PAUSES: &[Duration] = &[
    SECOND.saturating_mul(5),
    MINUTE.saturating_mul(5),
    MINUTE.saturating_mul(30),
    HOUR.saturating_mul(2),
    HOUR.saturating_mul(5),
    HOUR.saturating_mul(10),
    HOUR.saturating_mul(14),
    HOUR.saturating_mul(20),
    HOUR.saturating_mul(24),
];

/// A receiver that asks for a longer pause gets this.
const LONGEST: Duration = Duration::from_hours(24);

/// How long to wait after `n_tries` have failed; `None` when it is not tried any more. What the
/// receiver asked for by `Retry-After` is kept, up to a day. `random`, from 0 to 1, makes the pause up
/// to a fifth longer, so that what failed together does not come back together.
pub(super) fn pause_after(
    n_tries: u16,
    retry_after: Option<Duration>,
    random: f64,
) -> Option<Duration> {
    let pause = PAUSES.get(usize::from(n_tries.saturating_sub(1)))?;
    let asked = retry_after.unwrap_or_default().min(LONGEST);
    let pause = pause.mul_f64(1.0 + random.clamp(0.0, 1.0) / 5.0);
    Some(pause.max(asked))
}

#[cfg(test)]
mod tests {
    use super::{Duration, HOUR, LONGEST, PAUSES, pause_after};

    #[track_caller]
    fn check(n_tries: u16, retry_after: Option<u64>, random: f64, expected: Option<u64>) {
        let asked = retry_after.map(Duration::from_secs);
        let found = pause_after(n_tries, asked, random).map(|pause| pause.as_secs());
        assert_eq!(found, expected, "after {n_tries}");
    }

    #[test]
    fn pauses_grow_and_end() {
        check(1, None, 0.0, Some(5));
        check(2, None, 0.0, Some(300));
        check(3, None, 0.0, Some(1_800));
        check(4, None, 0.0, Some(7_200));
        check(9, None, 0.0, Some(86_400));
        check(10, None, 0.0, None);
        check(u16::MAX, Some(5), 0.0, None);
    }

    #[test]
    fn a_receiver_may_ask_for_more_but_not_for_ever() {
        check(1, Some(60), 0.0, Some(60));
        check(3, Some(60), 0.0, Some(1_800));
        check(1, Some(u64::MAX), 0.0, Some(LONGEST.as_secs()));
    }

    #[test]
    fn randomness_only_makes_it_longer() {
        check(2, None, 1.0, Some(360));
        check(2, None, 0.5, Some(330));
        check(2, None, 7.0, Some(360));
    }

    #[test]
    fn all_tries_take_about_three_days() {
        let total: Duration = PAUSES.iter().sum();
        assert!(total > HOUR * 72 && total < HOUR * 80, "{total:?}");
    }
}
