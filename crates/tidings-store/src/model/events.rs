//! What happened, in the words that customers are told.

use std::sync::Arc;

use tidings_core::{MessageState, Reason, Timestamp};

use super::{AccountId, BatchId, EventSeq, LaneId, MessageId};

/// One thing that happened. Never changed once written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order of all.
    pub seq: EventSeq,
    /// When, by our clock.
    pub at: Timestamp,
    /// What: `message.delivered`, `inbound.received`, `lane.low_balance`.
    pub kind: EventKind,
    /// Whose; `None` concerns the operator.
    pub account: Option<AccountId>,
    /// The message.
    pub message: Option<MessageId>,
    /// The batch.
    pub batch: Option<BatchId>,
    /// The lane.
    pub lane: Option<LaneId>,
    /// Which attempt of the message.
    pub attempt: Option<u16>,
    /// The message's state after it.
    pub state: Option<MessageState>,
    /// The message's version after it.
    pub version: Option<u32>,
    /// When, by the provider's clock.
    pub their_time: Option<Timestamp>,
    /// The provider's own code or word.
    pub code: Option<Arc<str>>,
    /// Why the message went no further.
    pub reason: Option<Reason>,
    /// A sentence about it, or for events without a message what it is about, as JSON.
    pub detail: Option<Arc<str>>,
}

/// Something that happened, before the store gives it a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Whose; `None` concerns the operator.
    pub account: Option<AccountId>,
    /// The batch.
    pub batch: Option<BatchId>,
    /// The lane.
    pub lane: Option<LaneId>,
    /// What it is about, as JSON.
    pub detail: Option<Arc<str>>,
}

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)+) => {
        /// What happened. The words are stable: webhooks choose by them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $variant,)+
        }

        impl EventKind {
            /// Every kind, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

event_kinds!(
    /// It is on disk.
    Accepted => "message.accepted",
    /// It may not leave yet.
    Held => "message.held",
    /// It waits for its lane.
    Queued => "message.queued",
    /// An attempt began.
    Sending => "message.sending",
    /// Nobody knows whether the provider has it.
    Unknown => "message.unknown",
    /// The provider has it.
    Submitted => "message.submitted",
    /// The carrier has it.
    Sent => "message.sent",
    /// The phone has it.
    Delivered => "message.delivered",
    /// The carrier could not deliver it.
    Undelivered => "message.undelivered",
    /// It was refused for good.
    Failed => "message.failed",
    /// It was not worth sending any more.
    Expired => "message.expired",
    /// It was stopped.
    Canceled => "message.canceled",
    /// A report that changed nothing.
    Noted => "message.noted",
    /// All rows of a batch have come.
    BatchClosed => "batch.closed",
    /// A batch was paused.
    BatchPaused => "batch.paused",
    /// A batch goes on.
    BatchResumed => "batch.resumed",
    /// A batch was stopped.
    BatchStopped => "batch.stopped",
    /// No message of a batch waits any more.
    BatchDone => "batch.done",
    /// A phone sent a text.
    Inbound => "inbound.received",
    /// A number opted out.
    OptedOut => "opt_out.added",
    /// A number opted in again.
    OptedIn => "opt_out.removed",
    /// Little is left at a provider.
    LowBalance => "lane.low_balance",
    /// Nothing is left at a provider; the lane is out of routing.
    EmptyBalance => "lane.empty_balance",
    /// There is enough again at a provider.
    BalanceFilled => "lane.balance_filled",
    /// A provider fails too often, or too many messages through it do.
    FailureRate => "lane.failure_rate",
    /// Delivery takes too long.
    Delays => "lane.delays",
    /// The breaker of a lane opened.
    LaneDown => "lane.down",
    /// A lane works again.
    LaneUp => "lane.up",
    /// A webhook was switched off because it failed too long.
    WebhookDisabled => "webhook.disabled",
);

impl std::str::FromStr for EventKind {
    type Err = UnknownEvent;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.as_str() == word).ok_or(UnknownEvent)
    }
}

/// A text is no event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of an event, such as message.delivered")]
pub struct UnknownEvent;

impl EventKind {
    /// What is told when a message comes into a state.
    pub const fn of_state(state: MessageState) -> Option<Self> {
        Some(match state {
            MessageState::Held(_) => Self::Held,
            MessageState::Queued => Self::Queued,
            MessageState::Sending => Self::Sending,
            MessageState::Unknown => Self::Unknown,
            MessageState::Submitted => Self::Submitted,
            MessageState::Sent => Self::Sent,
            MessageState::Delivered => Self::Delivered,
            MessageState::Undelivered => Self::Undelivered,
            MessageState::Failed => Self::Failed,
            MessageState::Expired => Self::Expired,
            MessageState::Canceled => Self::Canceled,
            // A lease is nobody's news; a state that is not known here has no word.
            _ => return None,
        })
    }
}
