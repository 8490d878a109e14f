//! What providers say of messages they took.

use tidings_core::{DeliveryReport, MessageState, ProviderRef, Timestamp};

use super::{AccountId, AttemptId, LaneId, MessageId, MessageKey};

/// A report that came in, by whatever way.
#[derive(Clone, Debug)]
pub struct Heard {
    /// From which lane.
    pub lane: LaneId,
    /// What it says.
    pub report: DeliveryReport,
    /// When we had it.
    pub received_at: Timestamp,
}

/// What a report did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It concerns no attempt that is known. It is kept, and matched again when an attempt is told its
    /// provider's name for it.
    Unmatched,
    /// It is in the message's history.
    Noted {
        /// The message.
        id: MessageId,
        /// Whose.
        account: AccountId,
        /// Its state before.
        before: MessageState,
        /// Its state now; the same where the report was stale.
        after: MessageState,
        /// When it was accepted.
        accepted_at: Timestamp,
        /// When the provider took it, by our clock: the end of the attempt that the report is about.
        /// From here on delivery is the provider's time; before, it waited for its turn. `None` where
        /// the answer was lost.
        taken_at: Option<Timestamp>,
        /// Over which lane that attempt was made.
        lane: LaneId,
    },
}

/// An attempt whose provider is to be asked how far the message has come.
#[derive(Clone, Debug)]
pub struct Poll {
    /// The message.
    pub key: MessageKey,
    /// The attempt.
    pub attempt: AttemptId,
    /// What to ask by.
    pub provider_ref: ProviderRef,
    /// When the provider took it.
    pub taken_at: Timestamp,
    /// How often it was asked.
    pub n_polls: u16,
    /// From when on the message is not worth sending: the provider tells of its end by then.
    pub expires_at: Option<Timestamp>,
}

/// When an attempt is asked about next.
#[derive(Clone, Copy, Debug)]
pub struct NextPoll {
    /// The message.
    pub key: MessageKey,
    /// The attempt.
    pub attempt: AttemptId,
    /// When; `None` is never again.
    pub at: Option<Timestamp>,
}
