//! Batches that still wait at a provider: what of them is left, and how they are stopped.
//!
//! [`QueuedBatches`] is how programs reach them without knowing the provider; the types also serve
//! the other direction, [`crate::backend`]. A batch is known here only while messages of it wait:
//! what has left is told by reports.

use async_trait::async_trait;

use crate::error::Result;
use tidings_core::ClientRef;

/// A batch of which messages still wait at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedBatch {
    /// The name that the sender gave it, or that the provider made for it.
    pub reference: String,
    /// How many of its messages have not left.
    pub left: u64,
    /// How many of those the provider holds back until it is told otherwise.
    pub on_hold: u64,
}

impl QueuedBatch {
    /// A batch with so many messages left, none of them held back.
    pub fn new(reference: impl Into<String>, left: u64) -> Self {
        Self {
            reference: reference.into(),
            left,
            on_hold: 0,
        }
    }

    /// Sets how many are held back.
    #[must_use]
    pub fn on_hold(mut self, messages: u64) -> Self {
        self.on_hold = messages;
        self
    }
}

/// A batch that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoppedBatch {
    /// Its name.
    pub reference: String,
    /// Exactly the messages that will not be sent any more. All others have left.
    pub stopped: Vec<StoppedMessage>,
}

impl StoppedBatch {
    /// A batch with the messages that were stopped.
    pub fn new(reference: impl Into<String>, stopped: Vec<StoppedMessage>) -> Self {
        Self {
            reference: reference.into(),
            stopped,
        }
    }
}

/// A message that was stopped before it left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoppedMessage {
    /// The provider's id of it.
    pub id: String,
    /// The sender's own name for it.
    pub reference: Option<ClientRef>,
}

impl StoppedMessage {
    /// A message that was stopped.
    pub fn new(id: impl Into<String>, reference: Option<ClientRef>) -> Self {
        Self {
            id: id.into(),
            reference,
        }
    }
}

/// The batches that wait at one account of a provider.
#[async_trait]
pub trait QueuedBatches: Send + Sync {
    /// All batches of which messages still wait.
    async fn list(&self) -> Result<Vec<QueuedBatch>>;

    /// One of them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when nothing of it waits: it is unknown,
    /// or all of it has left.
    async fn show(&self, reference: &str) -> Result<QueuedBatch>;

    /// Stops what has not left, for good, and says exactly what that was.
    ///
    /// # Errors
    /// As [`Self::show`]; when the error's [`acceptance`](crate::Error::acceptance) is unknown, the
    /// batch may have been stopped.
    async fn stop(&self, reference: &str) -> Result<StoppedBatch>;
}
