//! What a process knows of the batches that it takes at this moment: which requests are being worked on, which
//! rows are set aside, and how many were refused so far.
//!
//! Held by the gateway, asked by [`open`](super::open) and by whoever shows a batch. Nothing here is on disk: a
//! process that ends has no batch in work.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidings_store::{AccountId, BatchId, StoreError};

use crate::gateway::Gateway;

/// A request by the account and the key that it has.
type Keyed = (AccountId, Box<str>);

/// What a process knows of the batches that it takes at this moment. Held by the gateway.
#[derive(Debug, Default)]
pub struct Batches {
    in_work: Arc<Mutex<HashSet<Keyed>>>,
    /// The next row of batches that several requests add to.
    next_row: AtomicU64,
    /// How many rows were refused of batches that are open.
    refused: Counts,
}

/// Counts by batch.
type Counts = Arc<Mutex<HashMap<BatchId, u64>>>;

/// Rows that are set aside for one request that adds to a batch of others.
const ROWS_SET_ASIDE: u64 = 1 << 20;

impl Batches {
    /// How many rows were refused so far of a batch that takes rows at this moment.
    pub fn n_refused(&self, batch: BatchId) -> Option<u64> {
        lock(&self.refused).get(&batch).copied()
    }

    /// Counts the rows that are refused of a batch until the result is dropped.
    pub(super) fn refused(&self, batch: BatchId) -> Refused {
        Refused {
            all: Arc::clone(&self.refused),
            batch,
        }
    }

    /// Begins to work on a request; `None` where it is being worked on. Dropping the result ends it.
    pub(super) fn begin(&self, account: &AccountId, key: &str) -> Option<InWork> {
        let name = (account.clone(), Box::from(key));
        let is_new = lock(&self.in_work).insert(name.clone());
        is_new.then(|| InWork {
            all: Arc::clone(&self.in_work),
            name,
        })
    }

    /// The first of rows that no other request uses. They follow the microseconds of the clock, so that
    /// two processes do not meet, and lie behind what the batch has, so that a clock that was set back
    /// does no harm.
    pub(super) async fn free_rows(
        &self,
        gateway: &Gateway,
        batch: BatchId,
    ) -> Result<u64, StoreError> {
        let now = u64::try_from(gateway.now().as_millis()).unwrap_or_default();
        let mut least = now.saturating_mul(1_000);
        loop {
            let set_aside = |next: u64| next.max(least) + ROWS_SET_ASIDE;
            let before = self
                .next_row
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                    Some(set_aside(next))
                });
            let first = before.map_or(least, |next| next.max(least));
            let store = gateway.store();
            let behind = store.batch_members(batch, &[], first, 1).await?;
            match behind.first() {
                None => return Ok(first),
                Some(member) => least = member.index + 1,
            }
        }
    }
}

/// How many rows of a batch were refused, as others may ask while it takes rows.
#[derive(Debug)]
pub(super) struct Refused {
    all: Counts,
    batch: BatchId,
}

impl Refused {
    pub(super) fn note(&self, n_rows: u64) {
        if n_rows > 0 {
            lock(&self.all).insert(self.batch, n_rows);
        }
    }
}

impl Drop for Refused {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.batch);
    }
}

/// A request that is being worked on.
#[derive(Debug)]
pub(super) struct InWork {
    all: Arc<Mutex<HashSet<Keyed>>>,
    name: Keyed,
}

impl Drop for InWork {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.name);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
