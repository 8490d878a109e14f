//! Batches of which messages wait: listed, counted and stopped, under the names that their senders gave
//! them.
//!
//! Called by the providers' routers. A batch without a name of its sender's goes by its id. From the
//! commit of a stop on nothing of the batch begins an attempt; what the answer names never leaves.

use async_trait::async_trait;
use tidings::backend::{Batches, Principal, Refusal};
use tidings::batches::{QueuedBatch, StoppedBatch, StoppedMessage};
use tidings_core::{ClientRef, MessageState};
use tidings_store::{BatchId, BatchOrder, StoreErrorKind, StoredBatch};

use super::Door;
use super::caller::Caller;
use super::refusals::of_store;
use crate::access::Scope;

/// Rows of a stopped batch that are moved in one transaction, so that single messages come in between.
const CHUNK: usize = 1_000;

const NOT_FOUND: Refusal = Refusal::NotFound { what: "batch" };

#[async_trait]
impl Batches for Door {
    async fn queued_batches(&self, who: &Principal) -> Result<Vec<QueuedBatch>, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let found = self.gateway.store().waiting_batches(caller.account()).await;
        let found = found.map_err(|error| of_store(&error))?;
        Ok(found.iter().filter_map(waiting).collect())
    }

    async fn queued_batch(&self, who: &Principal, reference: &str) -> Result<QueuedBatch, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let batch = self.named_batch(&caller, reference).await?;
        waiting(&batch).ok_or(NOT_FOUND)
    }

    async fn stop_batch(&self, who: &Principal, reference: &str) -> Result<StoppedBatch, Refusal> {
        let caller = self.caller(who, Scope::Send)?;
        let batch = self.named_batch(&caller, reference).await?;
        if waiting(&batch).is_none() {
            return Err(NOT_FOUND);
        }
        self.stop(&caller, batch.id).await?;
        let mut stopped = Vec::new();
        self.each_message(batch.id, &[MessageState::Canceled], |message| {
            let reference = message
                .reference
                .and_then(|text| ClientRef::new(&*text).ok());
            stopped.push(StoppedMessage::new(message.id.to_string(), reference));
        })
        .await?;
        // The latest came first.
        stopped.reverse();
        Ok(StoppedBatch::new(reference, stopped))
    }
}

impl Door {
    /// The latest batch of this name, or the one with this id.
    pub(super) async fn named_batch(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<StoredBatch, Refusal> {
        let store = self.gateway.store();
        let account = caller.account();
        let named = store.batch_named(account, name).await;
        if let Some(batch) = named.map_err(|error| of_store(&error))? {
            return Ok(batch);
        }
        let id: BatchId = name.parse().map_err(|_| NOT_FOUND)?;
        let found = store.batch(Some(account), id).await;
        found.map_err(|error| of_store(&error))?.ok_or(NOT_FOUND)
    }

    async fn stop(&self, caller: &Caller, batch: BatchId) -> Result<(), Refusal> {
        let store = self.gateway.store();
        let account = Some(caller.account());
        let now = self.gateway.now();
        let ordered = store.order(account, batch, BatchOrder::Stop, now).await;
        if let Err(error) = ordered {
            return Err(match error.kind() {
                // Somebody else stopped it first.
                StoreErrorKind::NotFound | StoreErrorKind::Conflict => NOT_FOUND,
                _ => of_store(&error),
            });
        }
        // The order holds already; should the gateway end here, its janitor carries it out.
        self.gateway.signals().janitor().notify_one();
        while store
            .carry_out(batch, CHUNK, self.gateway.now())
            .await
            .map_err(|error| of_store(&error))?
            > 0
        {}
        self.gateway.signals().happened();
        Ok(())
    }
}

/// What waits of a batch; `None` where nothing does.
fn waiting(batch: &StoredBatch) -> Option<QueuedBatch> {
    let count = |word: &str| batch.counts.get(word).copied().unwrap_or(0);
    let left = count("held") + count("queued") + count("leased");
    let name = batch.reference.as_deref();
    let name = name.map_or_else(|| batch.id.to_string(), str::to_owned);
    // Of what is held only messages that wait for approval are "on hold" to vendors. Nothing here
    // waits for that unless a person said so; see `docs/vendor-apis.md`.
    (left > 0).then(|| QueuedBatch::new(name, left))
}
