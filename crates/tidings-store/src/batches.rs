//! What can be done with batches: a part of [`crate::store`], whose rules hold here too.
//!
//! Implemented by every store, called by the gateway.

use async_trait::async_trait;
use tidings_core::{MessageState, Timestamp};

use crate::error::Result;
use crate::model::{
    AccountId, BatchId, BatchMember, BatchOrder, NewBatch, Once, OpenedBatch, Page, PageRequest,
    StopLists, StoredBatch, TakenRow,
};

/// Many messages under one name.
#[async_trait]
pub trait Batches: Send + Sync + 'static {
    /// Opens a batch for rows. With a key that was used for a batch: `Before` if that was closed, else
    /// `Resumed` or, where it was opened with another `body`, `OtherRequest`. `Conflict` where a message has the key, or a batch the id. Which requests are being
    /// worked on at this moment only the process knows that does it; a store never says `InWork`.
    async fn open_batch(
        &self,
        account: &AccountId,
        batch: NewBatch,
        now: Timestamp,
    ) -> Result<OpenedBatch>;

    /// All rows have come: keeps how many were refused and, for a request with a key, its body and
    /// answer. A batch that is closed again keeps when it was closed first and writes no second event.
    async fn close_batch(
        &self,
        batch: BatchId,
        n_rejected: u64,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<()>;

    /// Keeps how many rows were refused so far of a batch whose request broke off; not less than is kept
    /// already. A batch that is closed is left as it is.
    async fn note_rejected(&self, batch: BatchId, n_rejected: u64) -> Result<()>;

    /// Closes batches whose rows nobody sends any more: those that are open, were opened before `since`, and
    /// whose last row (the one of the highest index) was accepted before it. Each is closed as by
    /// [`close_batch`](Self::close_batch), except that how many were refused is left as it is, and so is the
    /// key of its request: whoever sends that again goes on with the batch. At most `limit`, those first that
    /// have been open longest. How many there were; without any it writes nothing.
    async fn close_idle_batches(
        &self,
        since: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<u64>;

    /// One batch with its counts.
    async fn batch(&self, account: Option<&AccountId>, id: BatchId) -> Result<Option<StoredBatch>>;

    /// The latest batch with this name of the customer's.
    async fn batch_named(
        &self,
        account: &AccountId,
        reference: &str,
    ) -> Result<Option<StoredBatch>>;

    /// Batches, the latest first.
    async fn batches(
        &self,
        account: Option<&AccountId>,
        page: PageRequest,
    ) -> Result<Page<StoredBatch>>;

    /// Batches of an account of which messages wait, `held`, `queued` or `leased`: the oldest first.
    async fn waiting_batches(&self, account: &AccountId) -> Result<Vec<StoredBatch>>;

    /// Messages of a batch by row, in these states (`held` with any reason; none is all), from a row on.
    async fn batch_members(
        &self,
        batch: BatchId,
        states: &[MessageState],
        from_index: u64,
        limit: usize,
    ) -> Result<Vec<BatchMember>>;

    /// The rows of a batch that were taken, by row, from a row on: for a request that comes again.
    async fn taken_rows(
        &self,
        batch: BatchId,
        from_index: u64,
        limit: usize,
    ) -> Result<Vec<TakenRow>>;

    /// Gives an order. From the commit on it holds for the whole batch: of a batch that is paused or
    /// stopped no message begins an attempt. `Conflict` where the batch is in a state that does not
    /// allow it: one that is stopping or stopped is neither paused nor resumed. An order that is given
    /// already changes nothing and writes no event; nor does one for a batch that is done for good, of which
    /// nothing can leave any more: its request has ended, and nobody doubts one of its messages.
    async fn order(
        &self,
        account: Option<&AccountId>,
        batch: BatchId,
        order: BatchOrder,
        now: Timestamp,
    ) -> Result<StoredBatch>;

    /// Moves at most `limit` rows as their batch was ordered (`queued`, `held`, `leased` → `canceled`;
    /// `queued` → `held:paused` and back), in the order of the rows. How many rows it moved; 0 is done.
    /// When nothing is left to move the order is carried out, and a batch that was `stopping` is `stopped`.
    /// Leased rows of a paused batch stay until they begin or come back.
    async fn carry_out(&self, batch: BatchId, limit: usize, now: Timestamp) -> Result<u64>;

    /// Batches whose order is not carried out yet.
    async fn unfinished_orders(&self) -> Result<Vec<BatchId>>;

    /// The messages of a stopped batch, exactly, in the order of the rows. What has not been moved yet is
    /// among the canceled ones: it never leaves.
    async fn stop_lists(&self, batch: BatchId) -> Result<StopLists>;
}
