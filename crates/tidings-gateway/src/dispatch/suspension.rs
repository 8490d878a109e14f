//! For how long a lane is left alone, apart from its breaker: because its provider refuses the account, or
//! asked for patience. Pure.
//!
//! Held by [`LaneStanding`](crate::lane::LaneStanding), told by the lane's loop. A breaker looks at the
//! provider; this looks at our account there, for which the provider's other customers are no measure.

use std::time::Duration;

use tidings::ErrorKind;

/// How long the first refusal keeps the lane alone; it doubles with each probe that is refused.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// What the doubling stops at.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// How many refusals in a row it takes where each could also be about one message.
const REFUSALS_IN_DOUBT: u32 = 3;

/// Whether and until when a lane is left alone, by the clock's measure.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Suspension {
    /// Why, since the last call that was not refused.
    cause: Option<ErrorKind>,
    /// When a probe is allowed.
    until: Duration,
    /// How many refusals there were in a row.
    n_refusals: u32,
    /// How often it was suspended in a row.
    n_pauses: u32,
    /// When the provider's wish for patience is over.
    patient_until: Duration,
}

/// What a suspension lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passable {
    /// Everything.
    All,
    /// One call, to see.
    Probe,
    /// Nothing until this time.
    Nothing(Duration),
}

/// Whether an error is about the account rather than about a message.
pub(crate) fn is_about_the_account(kind: ErrorKind) -> bool {
    is_certain(kind) || matches!(kind, ErrorKind::Forbidden | ErrorKind::NotFound)
}

/// Whether one such error is enough to know.
fn is_certain(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unauthorized | ErrorKind::Config | ErrorKind::InsufficientCredit
    )
}

impl Suspension {
    /// A call was refused as a whole because of the account. Whether the lane is suspended now and was
    /// not before.
    pub(crate) fn refuse(&mut self, kind: ErrorKind, now: Duration) -> bool {
        self.n_refusals = self.n_refusals.saturating_add(1);
        if !is_certain(kind) && self.n_refusals < REFUSALS_IN_DOUBT {
            return false;
        }
        // Calls that were open together are one refusal.
        if self.cause.is_some() && now < self.until {
            return false;
        }
        let is_news = self.cause.is_none();
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.n_pauses));
        self.until = now.saturating_add(doubled.min(LONGEST_PAUSE));
        self.n_pauses = self.n_pauses.saturating_add(1);
        self.cause = Some(kind);
        is_news
    }

    /// The provider asked to wait.
    pub(crate) fn be_patient(&mut self, wait: Duration, now: Duration) {
        self.patient_until = self.patient_until.max(now.saturating_add(wait));
    }

    /// A call was not refused. Whether the lane was suspended.
    pub(crate) fn lift(&mut self) -> bool {
        let was_suspended = self.cause.is_some();
        *self = Self {
            patient_until: self.patient_until,
            ..Self::default()
        };
        was_suspended
    }

    /// There is credit again.
    pub(crate) fn lift_empty(&mut self) {
        if self.cause == Some(ErrorKind::InsufficientCredit) {
            self.lift();
        }
    }

    /// What may be sent.
    pub(crate) fn passable(&self, now: Duration) -> Passable {
        if now < self.patient_until {
            return Passable::Nothing(self.patient_until.max(self.until_if_any()));
        }
        match self.cause {
            None => Passable::All,
            Some(_) if now < self.until => Passable::Nothing(self.until),
            Some(_) => Passable::Probe,
        }
    }

    /// Whether the provider refuses the account, and it is not time yet to see whether it still does.
    pub(crate) fn is_refused(&self, now: Duration) -> bool {
        self.cause.is_some() && now < self.until
    }

    /// Whether it is time to see whether the provider still refuses the account.
    pub(crate) fn wants_probe(&self, now: Duration) -> bool {
        self.cause.is_some() && now >= self.until
    }

    /// Why the provider refuses the account.
    pub(crate) fn cause(&self) -> Option<ErrorKind> {
        self.cause
    }

    /// The rest of the provider's wish for patience.
    pub(crate) fn patience(&self, now: Duration) -> Option<Duration> {
        let rest = self.patient_until.saturating_sub(now);
        (!rest.is_zero()).then_some(rest)
    }

    fn until_if_any(&self) -> Duration {
        self.cause.map_or(Duration::ZERO, |_| self.until)
    }
}
