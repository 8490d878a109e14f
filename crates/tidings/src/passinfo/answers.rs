//! What PassInfo's calls give back where the neutral types have no place for it.
//!
//! Made by `map.rs` from the wire's types, returned by the client.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use tidings_core::{E164, ProviderRef, Timestamp};

use crate::answer::Answer;
use crate::error::Result;

/// A message that PassInfo has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The vendor's id of the message: keep it, it is the only way to ask about the message.
    pub id: String,
}

impl Sent {
    pub(super) fn new(id: String) -> Self {
        Self { id }
    }

    /// How to ask about the message through [`Provider::status`](crate::Provider::status).
    pub fn provider_ref(&self) -> ProviderRef {
        ProviderRef::message(self.id.clone())
    }
}

/// What one bulk call did.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkReceipt {
    /// The vendor's id of the batch. Its documents show none, so an answer may lack it; then nobody
    /// can ask how these messages fare.
    pub batch_id: Option<String>,
    /// How many messages were queued.
    pub queued: u64,
    /// How many were not.
    pub failed: u64,
    /// Who failed and why, if the answer names them all.
    pub failures: Option<HashMap<E164, String>>,
}

/// Shows numbers, not people.
impl fmt::Debug for BulkReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkReceipt")
            .field("batch_id", &self.batch_id)
            .field("queued", &self.queued)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// What happened to one bulk call of a large list.
#[derive(Debug)]
#[non_exhaustive]
pub struct BulkChunk {
    /// Which of the recipients were in it, as positions in the list that was given.
    pub recipients: Range<usize>,
    /// What happened. Calls that were not made any more, because an earlier one failed in a way
    /// that would meet them too, are errors with
    /// [`Acceptance::NotSent`](crate::Acceptance::NotSent).
    pub outcome: Result<Answer<BulkReceipt>>,
}

/// What happened to a large list: one entry per bulk call, in the order of the list.
#[derive(Debug)]
#[non_exhaustive]
pub struct BulkOutcome {
    /// The calls.
    pub chunks: Vec<BulkChunk>,
}

impl BulkOutcome {
    /// How many messages were queued, as far as is known.
    pub fn queued(&self) -> u64 {
        let receipts = self
            .chunks
            .iter()
            .filter_map(|chunk| chunk.outcome.as_ref().ok());
        receipts.map(|receipt| receipt.queued).sum()
    }

    /// Whether every message was queued.
    pub fn is_complete(&self) -> bool {
        self.chunks
            .iter()
            .all(|chunk| matches!(&chunk.outcome, Ok(receipt) if receipt.failed == 0))
    }
}

/// How far a batch has come.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchStatus {
    /// The vendor's word as one of ours.
    pub state: BatchState,
    /// The vendor's word as it came.
    pub raw: String,
    /// How many messages were delivered.
    pub successful: Option<u64>,
    /// How many were not.
    pub failed: Option<u64>,
    /// How many are still queued.
    pub pending: Option<u64>,
    /// When this was so, by the vendor's clock.
    pub at: Option<Timestamp>,
    /// Who failed and why, if the answer names them all.
    pub failures: Option<HashMap<E164, String>>,
}

/// Shows numbers, not people.
impl fmt::Debug for BatchStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStatus")
            .field("state", &self.state)
            .field("raw", &self.raw)
            .field("successful", &self.successful)
            .field("failed", &self.failed)
            .field("pending", &self.pending)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// PassInfo's words for the state of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BatchState {
    /// Some of it is still queued.
    Processing,
    /// All of it is settled.
    Completed,
    /// All of it failed.
    Failed,
    /// Another word: see [`BatchStatus::raw`].
    Unknown,
}

impl BatchState {
    /// Whether the vendor calls the batch over. A word that is not known here does not tell,
    /// so that a program that waits needs a limit of its own.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Completed | Self::Failed => true,
            Self::Processing | Self::Unknown => false,
        }
    }
}
