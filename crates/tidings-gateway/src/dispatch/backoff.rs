//! How long a message waits after a failed attempt, and how many may come again. Pure.
//!
//! Asked by [`super::lane`]. Whether a message comes again at all is decided in [`super::next`].

use std::time::Duration;

/// The waits between the attempts of one message: a random part of a time that doubles ("full jitter").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backoff {
    /// The longest wait before the second attempt.
    pub(super) first: Duration,
    /// What the doubling stops at.
    pub(super) longest: Duration,
}

impl Backoff {
    /// Between attempts to send.
    pub(super) const SENDING: Self = Self {
        first: Duration::from_secs(2),
        longest: Duration::from_mins(5),
    };

    /// Between questions about a lost answer.
    pub(super) const ASKING: Self = Self {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(30),
    };

    /// The wait after so many attempts, no less than what the provider asked for. `random` is from 0 to 1.
    pub(super) fn after(self, attempts: u16, random: f64, asked: Option<Duration>) -> Duration {
        let chosen = self.ceiling(attempts).mul_f64(random.clamp(0.0, 1.0));
        chosen.max(asked.unwrap_or_default())
    }

    /// The wait after so many attempts where nobody needs to spread out much: at least half of the time.
    pub(super) fn evenly(self, attempts: u16, random: f64) -> Duration {
        let ceiling = self.ceiling(attempts);
        ceiling.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }

    fn ceiling(self, attempts: u16) -> Duration {
        let doubled = 2_u32.saturating_pow(u32::from(attempts.saturating_sub(1)));
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

/// How many messages of a lane may come again soon: so many for each that went for the first time. When
/// it is used up, messages wait as long as they can, so that a provider in trouble is not also given
/// everything twice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RetryBudget {
    left: f64,
}

impl RetryBudget {
    /// What one first attempt adds.
    const SHARE: f64 = 0.2;
    /// What there is at the beginning and at the most.
    const MOST: f64 = 100.0;

    /// Counts first attempts.
    pub(super) fn earn(&mut self, first_attempts: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at the most")]
        let earned = first_attempts as f64 * Self::SHARE;
        self.left = (self.left + earned).min(Self::MOST);
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let is_there = self.left >= 1.0;
        if is_there {
            self.left -= 1.0;
        }
        is_there
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { left: Self::MOST }
    }
}
