//! Many messages under one name.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidings_core::{MessageState, Timestamp};

use super::{AccountId, BatchId, MessageId, Once};

/// A batch that is to be opened.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Its name.
    pub id: BatchId,
    /// The customer's own name for it.
    pub reference: Option<Arc<str>>,
    /// Which API it came by.
    pub origin: Arc<str>,
    /// The customer's key for the request. Its `body` is what is known before the rows; `close_batch` gives
    /// that of the whole.
    pub once: Option<Once>,
    /// Whether a batch of the same reference that is still open to rows is continued.
    pub joins: bool,
    /// The batch whose failed messages this one sends again.
    pub resend_of: Option<BatchId>,
}

/// What became of the wish to open a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenedBatch {
    /// It is open for rows.
    New(BatchId),
    /// The same request was begun before and not ended: rows that are there already are not taken
    /// again.
    Resumed(BatchId),
    /// The key was used before for a request that began otherwise, and was not ended.
    OtherRequest,
    /// The same key was used before; its request was ended. The caller compares the body.
    Before {
        /// The batch that was made then.
        id: BatchId,
        /// SHA-256 of that request.
        body: [u8; 32],
        /// What was answered.
        answer: Option<Arc<str>>,
    },
    /// The request with this key is being worked on at this moment: said by the process that does it.
    InWork,
}

/// A batch as it is shown.
#[derive(Clone, Debug)]
pub struct StoredBatch {
    /// Its name.
    pub id: BatchId,
    /// Whose.
    pub account: AccountId,
    /// The customer's own name.
    pub reference: Option<Arc<str>>,
    /// Which API it came by.
    pub origin: Arc<str>,
    /// What it does.
    pub state: BatchState,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When the last row had come; `None` while rows come.
    pub closed_at: Option<Timestamp>,
    /// How many messages are in each state; `held` counts all reasons together;
    /// a state without messages has no entry.
    pub counts: BTreeMap<&'static str, u64>,
    /// Rows that were refused at the door.
    pub n_rejected: u64,
    /// The batch that this one sends again.
    pub resend_of: Option<BatchId>,
}

impl StoredBatch {
    /// How many messages it has.
    pub fn n_messages(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// What a batch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// Rows are coming in; what has come is sent.
    Receiving,
    /// All rows have come; it is being sent.
    Running,
    /// Nothing of it leaves until it is resumed.
    Paused,
    /// Nothing of it leaves any more; its messages are being canceled.
    Stopping,
    /// Nothing of it leaves any more.
    Stopped,
    /// All rows have come and none is held, queued, leased or being sent: every message has come to its
    /// end, is with a provider, or nobody knows. A doubt that is settled may take it back to `running`.
    Done,
}

impl BatchState {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }
}

/// What a person wants of a running batch. From the commit of the order on, no message of a batch that is
/// paused or stopped begins an attempt; moving the rows follows in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchOrder {
    /// Nothing leaves until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// Nothing leaves any more.
    Stop,
}

/// The messages of a batch that was stopped, exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopLists {
    /// Never left, and never will.
    pub canceled: Vec<MessageId>,
    /// With a provider, or at their end before.
    pub already_out: Vec<MessageId>,
    /// On their way at this moment, or nobody knows.
    pub unknown: Vec<MessageId>,
}

impl StopLists {
    /// Puts a message of a stopped batch into the list that its state says. What still waits has not left
    /// and never will: the order holds from its commit on, before the rows are moved.
    pub(crate) fn add(&mut self, id: MessageId, state: MessageState) {
        let list = match state {
            MessageState::Held(_)
            | MessageState::Queued
            | MessageState::Leased
            | MessageState::Canceled => &mut self.canceled,
            MessageState::Sending | MessageState::Unknown => &mut self.unknown,
            // Every other state is behind a provider's answer, or an end; `MessageState` may grow.
            _ => &mut self.already_out,
        };
        list.push(id);
    }
}

/// A row of a batch that was taken, to be compared with the row of a request that comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenRow {
    /// The row, from 0.
    pub index: u64,
    /// The message.
    pub id: MessageId,
    /// How far it has come.
    pub state: MessageState,
    /// How many parts it has.
    pub parts: u16,
    /// What the row asked for, as `NewMessage::row_hash` said it.
    pub hash: Option<u64>,
}

/// One message of a batch, in the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMember {
    /// The row, from 0.
    pub index: u64,
    /// The message.
    pub id: MessageId,
    /// How far it has come.
    pub state: MessageState,
}
