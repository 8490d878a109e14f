//! A message on its way out: leased, attempted, in doubt.

use std::sync::Arc;

use tidings_core::{DeliveryPolicy, Message, ProviderRef, Reason, SenderId, Timestamp};

use super::{AccountId, AttemptId, BatchId, Hold, LaneId, MessageId, MessageKey, NodeId};

/// A place in the order of a lane, in microseconds of the lane's virtual clock. Within one priority the
/// lowest stamp leaves first; see `dispatch/` of the gateway for how it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

/// One hand that holds leased messages. What was leased by another can neither be begun nor returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease(pub i64);

/// Which messages a lane wants to work on.
#[derive(Clone, Debug)]
pub struct LeaseRequest {
    /// The lane.
    pub lane: LaneId,
    /// Who works.
    pub node: NodeId,
    /// Until when they are his; then others may have them.
    pub until: Timestamp,
    /// At most so many messages.
    pub limit: usize,
}

/// A message that is leased: everything that dispatch needs to know of it.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The store's short name.
    pub key: MessageKey,
    /// The lease.
    pub lease: Lease,
    /// Its name.
    pub id: MessageId,
    /// Whose.
    pub account: AccountId,
    /// What is sent. Its policy is set; `valid_for` is what the customer asked for.
    pub message: Message,
    /// Parts.
    pub parts: u16,
    /// Its place in the order.
    pub stamp: Stamp,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
    /// When it may leave, in the gateway's own words.
    pub timing: Option<Arc<str>>,
    /// From when on `timing` has to be looked at again.
    pub closes_at: Option<Timestamp>,
    /// What the caller of a vendor's API asked for besides.
    pub terms: Option<Arc<str>>,
    /// Its batch.
    pub batch: Option<BatchId>,
    /// How many attempts were made, over all lanes.
    pub n_attempts: u16,
    /// When the first of them began.
    pub first_attempt_at: Option<Timestamp>,
    /// The lanes of attempts that ended with `NotTaken`, the latest last; each once.
    pub tried: Vec<LaneId>,
    /// Whether an attempt may have been taken whose answer was lost.
    pub duplicate_risk: bool,
    /// Whether the sender in `message` was given by routing, because it names none. Whoever leases it says
    /// so; the store never does.
    pub is_from_routed: bool,
}

/// An attempt that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// The message.
    pub key: MessageKey,
    /// The lease under which it is held.
    pub lease: Lease,
    /// The sender that routing gave; `None` where the message names its own, or there is none. Few
    /// different ones: they are those of the configuration.
    pub from: Option<SenderId>,
}

/// Whether an attempt may be made. Only after `Go` may the first byte leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The attempt is on disk; its message is `sending`.
    Go(AttemptId),
    /// The message was stopped or canceled, its batch is paused, or the lease is another's by now.
    /// Nothing may be sent; there is nothing to return.
    Gone,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The message.
    pub key: MessageKey,
    /// Which attempt.
    pub attempt: AttemptId,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an attempt ended, and what comes next.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The provider has it.
    Taken {
        /// How the provider calls it.
        provider_ref: ProviderRef,
        /// When the provider is asked how far it has come; `None` waits for its reports.
        poll_at: Option<Timestamp>,
    },
    /// It is proved that the provider does not have it.
    NotTaken {
        /// Why.
        fault: Fault,
        /// What comes next.
        next: Next,
    },
    /// The answer was lost.
    Unknown {
        /// What is known.
        fault: Fault,
        /// How the provider may call it, as far as known.
        provider_ref: Option<ProviderRef>,
        /// When to find out; `None` only waits for a report.
        check_at: Option<Timestamp>,
    },
}

/// What went wrong with an attempt. Holds no secret, no text and no full number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The class of the error, a stable word such as `rate_limited`.
    pub class: Arc<str>,
    /// The provider's own code.
    pub code: Option<Arc<str>>,
    /// Our own sentence.
    pub detail: Option<Arc<str>>,
}

/// What becomes of a message that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It waits for this lane, at the front or until a time.
    Again {
        /// The lane: the same or another.
        lane: LaneId,
        /// Not before this time; `None` is at once.
        not_before: Option<Timestamp>,
    },
    /// It waits for something else.
    Hold(Hold),
    /// It has failed for good (`unknown` instead, if an earlier attempt may have been taken).
    Fail(Reason),
    /// Its validity is over (`unknown` instead, if an earlier attempt may have been taken).
    Expire,
}

/// A leased message that is given back without an attempt.
#[derive(Clone, Debug)]
pub struct Returned {
    /// The message.
    pub key: MessageKey,
    /// The lease.
    pub lease: Lease,
    /// What becomes of it.
    pub next: Next,
    /// From when on `timing` has to be looked at again, where that was found out anew.
    pub closes_at: Option<Timestamp>,
    /// Why, for its history; `None` where nothing is to be told (the lane stopped working).
    pub fault: Option<Fault>,
}

/// An attempt whose answer was lost, leased to whoever finds out.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// The message.
    pub key: MessageKey,
    /// Which attempt.
    pub attempt: AttemptId,
    /// Over which lane.
    pub lane: LaneId,
    /// When the attempt began.
    pub began_at: Timestamp,
    /// Since when nobody knows.
    pub unknown_since: Timestamp,
    /// How often was asked.
    pub n_checks: u16,
    /// How the provider may call it.
    pub provider_ref: Option<ProviderRef>,
    /// What was sent.
    pub message: Message,
    /// What is done when it cannot be found out.
    pub policy: DeliveryPolicy,
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
    /// What the caller of a vendor's API asked for besides.
    pub terms: Option<Arc<str>>,
}

/// What was found out about a doubt. It changes nothing if a report came in between.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The message.
    pub key: MessageKey,
    /// Which attempt.
    pub attempt: AttemptId,
    /// What was found out.
    pub finding: Finding,
}

/// What was found out.
#[derive(Clone, Debug)]
pub enum Finding {
    /// The provider has it.
    Taken {
        /// How the provider calls it.
        provider_ref: ProviderRef,
        /// When the provider is asked how far it has come.
        poll_at: Option<Timestamp>,
    },
    /// The provider proved that it does not have it.
    NotTaken(Next),
    /// Nothing yet; ask again at this time.
    AskAgain(Timestamp),
    /// Nothing, and its policy is to send it again: it waits for the lane, marked as a possible
    /// double.
    Resend {
        /// The lane.
        lane: LaneId,
        /// Not before this time.
        not_before: Option<Timestamp>,
    },
    /// Nothing, and nothing more is done: it stays unknown unless a report comes.
    GiveUp,
}
