//! Everything that can happen to a message.
//!
//! Made by whoever sees it happen: intake, dispatcher, reports, repair, and the person who stops a
//! batch. What follows from an event is decided in [`MessageState::on`](super::MessageState::on).

use std::fmt;

use super::HeldReason;
use crate::report::ReportedState;

/// One thing that happened to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageEvent {
    /// It must not leave for now.
    Held(HeldReason),
    /// The reason for holding it is gone.
    Released,
    /// A worker took it from the queue.
    Leased,
    /// A worker gave it back without having begun an attempt.
    LeaseReturned,
    /// Whoever had it is gone: the lease ran out, or the program starts again after a crash.
    #[doc(alias = "crash recovery")]
    LeaseLost,
    /// An attempt is written down and about to begin.
    AttemptBegan,
    /// The last attempt that was begun has ended, or what became of it was found out afterwards.
    ///
    /// The late end of an attempt that another one has followed is not this event, because it
    /// would speak for the wrong attempt. If it was taken it is [`Self::EarlierReported`] with
    /// [`ReportedState::Submitted`]; otherwise it concerns the attempt alone.
    AttemptEnded(AttemptEnd),
    /// The provider told something about the attempt that counts: the last one that is not proved
    /// not to have been taken.
    Reported(ReportedState),
    /// The provider told something about an attempt before the one that counts.
    EarlierReported(ReportedState),
    /// The policy allows sending again although the outcome is unknown.
    ResendDue,
    /// Somebody wants it stopped: the message, or the batch it is in.
    CancelRequested(EarlierAttempts),
    /// Its validity ran out while it was with us.
    ValidityEnded(EarlierAttempts),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptEnd {
    /// The provider has taken the message.
    Taken,
    /// It is proved that the provider has not taken it, and there will be another attempt.
    NotTaken,
    /// It is proved that the provider has not taken it, and there will be no other attempt: it was
    /// refused for good, or every way was tried.
    Failed(EarlierAttempts),
    /// Nobody can know whether the provider has taken it.
    NoVerdict,
}

/// What is known of a message's attempts before the present one, when the message's way ends with
/// us. A message whose earlier attempt may be at the provider must not be called canceled, expired
/// or failed; it is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EarlierAttempts {
    /// There were none, or each is proved not to have been taken.
    NoneTaken,
    /// At least one may have been taken.
    MaybeTaken,
}

impl MessageEvent {
    /// The stable word for this kind of event, without what it carries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held(_) => "held",
            Self::Released => "released",
            Self::Leased => "leased",
            Self::LeaseReturned => "lease_returned",
            Self::LeaseLost => "lease_lost",
            Self::AttemptBegan => "attempt_began",
            Self::AttemptEnded(_) => "attempt_ended",
            Self::Reported(_) => "reported",
            Self::EarlierReported(_) => "earlier_reported",
            Self::ResendDue => "resend_due",
            Self::CancelRequested(_) => "cancel_requested",
            Self::ValidityEnded(_) => "validity_ended",
        }
    }
}

/// The stable word, with what the event carries behind a colon: `attempt_ended:no_verdict`.
impl fmt::Display for MessageEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Held(reason) => write!(f, ":{reason}"),
            Self::AttemptEnded(end) => write!(f, ":{end}"),
            Self::Reported(said) | Self::EarlierReported(said) => write!(f, ":{said}"),
            Self::CancelRequested(earlier) | Self::ValidityEnded(earlier) => earlier.write_to(f),
            Self::Released
            | Self::Leased
            | Self::LeaseReturned
            | Self::LeaseLost
            | Self::AttemptBegan
            | Self::ResendDue => Ok(()),
        }
    }
}

impl fmt::Display for AttemptEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("taken"),
            Self::NotTaken => f.write_str("not_taken"),
            Self::Failed(earlier) => {
                f.write_str("failed")?;
                earlier.write_to(f)
            }
            Self::NoVerdict => f.write_str("no_verdict"),
        }
    }
}

impl EarlierAttempts {
    /// The ordinary case is not worth a word.
    fn write_to(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneTaken => Ok(()),
            Self::MaybeTaken => f.write_str(":maybe_taken"),
        }
    }
}
