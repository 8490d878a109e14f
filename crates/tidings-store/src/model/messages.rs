//! A message that is accepted, and a message that is shown.

use std::sync::Arc;

use tidings_core::{
    DeliveryPolicy, E164, HeldReason, Message, MessageState, Priority, ProviderRef, Reason,
    SenderId, Timestamp,
};

use super::{AccountId, BatchId, ConversationId, Event, LaneId, MessageId, PageRequest, Stamp};

/// A message that intake has checked and that is to be kept.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its name.
    pub id: MessageId,
    /// What is sent: the text as it leaves, with footer and replacements. `message.window` is not kept:
    /// `hold`, `timing` and `closes_at` say it.
    pub message: Message,
    /// The text as the customer wrote it, where it differs.
    pub original_text: Option<Arc<str>>,
    /// How many parts the text has; what limits and quotas count.
    pub parts: u16,
    /// The lane that it waits for; `None` while no route leads anywhere.
    pub lane: Option<LaneId>,
    /// Its place in the order of the lane.
    pub stamp: Stamp,
    /// Why it may not leave yet.
    pub hold: Option<Hold>,
    /// When it may leave, in the gateway's own words (JSON). The store only keeps it.
    pub timing: Option<Arc<str>>,
    /// From when on `timing` has to be looked at again before it may leave.
    pub closes_at: Option<Timestamp>,
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
    /// Its place in a batch.
    pub batch: Option<BatchPlace>,
    /// What its row asked for, as a hash, where the batch may come again: see [`TakenRow`](super::TakenRow).
    pub row_hash: Option<u64>,
    /// The name that makes sure that it is accepted once.
    pub once: Option<Once>,
    /// Which API it came by: `tidings`, or the id of a provider.
    pub origin: Arc<str>,
    /// What the caller of a vendor's API asked for besides, in the gateway's own words (JSON).
    pub terms: Option<Arc<str>>,
    /// The conversation that it belongs to.
    pub conversation: Option<ConversationId>,
    /// The sender that the phone will show, as far as is known: recipients may have opted out of its
    /// texts alone. It is not kept.
    pub shown_sender: Option<SenderId>,
    /// Whether it is sent although the recipient has opted out: the confirmation of the opt-out.
    pub passes_opt_out: bool,
    /// The message that this one repeats, when a person asked for it.
    pub resend_of: Option<MessageId>,
}

/// Why a message may not leave yet, and when it may at the earliest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Why. `Paused` is said by the orders of batches alone.
    pub reason: HeldReason,
    /// When it is looked at again by itself; `None` waits for a person.
    pub until: Option<Timestamp>,
}

/// Where in which batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchPlace {
    /// The batch.
    pub batch: BatchId,
    /// The row, from 0.
    pub index: u64,
}

/// A name under which a request is taken once (draft-ietf-httpapi-idempotency-key-header-07).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// The caller's key, unique within the account.
    pub key: Box<str>,
    /// SHA-256 of the canonical request.
    pub body: [u8; 32],
    /// Until when it is kept: at least 24 hours after the message is to be sent, or the window in which
    /// the same content is taken once. From this time on the key counts as never used, whether or not
    /// the row is removed yet.
    pub keep_until: Timestamp,
    /// What was answered, to be said again.
    pub answer: Option<Arc<str>>,
}

/// What became of one message that was handed to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept from now on.
    New,
    /// The same request was taken before: this message, this answer.
    Before {
        /// The message that was kept then.
        id: MessageId,
        /// What was answered then.
        answer: Option<Arc<str>>,
    },
    /// The key was used before for another request.
    OtherRequest,
    /// The recipient has opted out, of texts from its sender or of all.
    OptedOut,
    /// The account's quota of parts is used up.
    OverQuota,
    /// This row of the batch is there already, with the same request or with another.
    RowIsThere {
        /// The message that was kept then.
        id: MessageId,
    },
}

/// A message as it is shown. Text and number are whole here: whoever shows them decides.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    /// Its name.
    pub id: MessageId,
    /// Whose.
    pub account: AccountId,
    /// For whom.
    pub to: E164,
    /// From whom.
    pub from: Option<SenderId>,
    /// From whom its latest attempt was made, where it names nobody itself and routing did.
    pub sent_from: Option<SenderId>,
    /// The text as it leaves.
    pub text: Arc<str>,
    /// The text as the customer wrote it, where it differs.
    pub original_text: Option<Arc<str>>,
    /// The customer's own name for it.
    pub reference: Option<Arc<str>>,
    /// The customer's word for its kind.
    pub tag: Option<Arc<str>>,
    /// Its priority.
    pub priority: Priority,
    /// What is done after a lost answer.
    pub policy: DeliveryPolicy,
    /// How far it has come.
    pub state: MessageState,
    /// Why it went no further.
    pub reason: Option<Reason>,
    /// Our own sentence about that, or the provider's.
    pub detail: Option<Arc<str>>,
    /// Parts.
    pub parts: u16,
    /// The lane that has it or is to have it.
    pub lane: Option<LaneId>,
    /// Its batch.
    pub batch: Option<BatchPlace>,
    /// Which API it came by.
    pub origin: Arc<str>,
    /// What else the caller asked for.
    pub terms: Option<Arc<str>>,
    /// Its conversation.
    pub conversation: Option<ConversationId>,
    /// Whether it may have been sent twice.
    pub duplicate_risk: bool,
    /// The message that this one repeats.
    pub resend_of: Option<MessageId>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it may leave at the earliest, while it is held or waits.
    pub not_before: Option<Timestamp>,
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
    /// When its state changed last.
    pub changed_at: Timestamp,
    /// Grows with every change; with the rank of the state it tells stale news from new.
    pub version: u32,
}

/// A message with all that happened to it.
#[derive(Clone, Debug)]
pub struct MessageHistory {
    /// The message.
    pub message: StoredMessage,
    /// Its attempts, the first one first.
    pub attempts: Vec<StoredAttempt>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// One attempt as it is shown.
#[derive(Clone, Debug)]
pub struct StoredAttempt {
    /// Which, from 1.
    pub number: u16,
    /// Over which lane.
    pub lane: LaneId,
    /// From whom, where the message names nobody itself and routing did.
    pub from: Option<SenderId>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended; `None` while it is open.
    pub ended_at: Option<Timestamp>,
    /// How it ended: `taken`, `not_taken`, `refused` or `unknown`.
    pub outcome: Option<AttemptOutcome>,
    /// How the provider calls the message.
    pub provider_ref: Option<ProviderRef>,
    /// The class of the error, a stable word.
    pub error: Option<Arc<str>>,
    /// The provider's own code.
    pub code: Option<Arc<str>>,
    /// How often somebody has tried to find out what became of it, where its answer was lost.
    pub n_checks: u16,
    /// When that is tried next; `None` where nobody does.
    pub next_check_at: Option<Timestamp>,
}

/// The class of error of an attempt whose gateway ended before the call did.
pub const INTERRUPTED: &str = "interrupted";

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// The provider has the message.
    Taken,
    /// It is proved that the provider does not have it.
    NotTaken,
    /// The answer was lost: nobody knows.
    Unknown,
}

impl AttemptOutcome {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::NotTaken => "not_taken",
            Self::Unknown => "unknown",
        }
    }
}

/// Which messages are listed. All conditions hold together; the latest message comes first.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Of this account; `None` is all accounts.
    pub account: Option<AccountId>,
    /// In one of these states (`held` with any reason); none is all.
    pub states: Vec<MessageState>,
    /// To this number.
    pub to: Option<E164>,
    /// Of this batch.
    pub batch: Option<BatchId>,
    /// With this name of the customer's.
    pub reference: Option<Box<str>>,
    /// With the given tag.
    pub tag: Option<Box<str>>,
    /// Over this lane.
    pub lane: Option<LaneId>,
    /// In this conversation.
    pub conversation: Option<ConversationId>,
    /// Accepted at this time or later.
    pub from: Option<Timestamp>,
    /// Accepted before this time.
    pub until: Option<Timestamp>,
    /// Which page.
    pub page: PageRequest,
}

/// What became of the wish to stop one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancellation {
    /// It is stopped for good; it never leaves.
    Canceled,
    /// A provider has it, or it has come to its end.
    AlreadyOut(MessageState),
    /// It is on its way at this moment, or nobody knows whether a provider has it. It is not sent
    /// again.
    Unknown,
    /// There is no such message.
    NotFound,
}
