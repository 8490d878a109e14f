//! Many messages under one name.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{HeldReason, MessageEvent, MessageState, Timestamp};

use super::messages::{OnceFor, OnceRow};
use super::rows::{Cause, Order};
use super::{MemoryStore, Place, State, page};
use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, BatchId, BatchMember, BatchOrder, BatchPlace, BatchState, EventKind, MessageKey,
    NewBatch, NewEvent, Once, OpenedBatch, Page, PageRequest, StopLists, StoredBatch, TakenRow,
};
use crate::store::Batches;

/// One batch.
pub(super) struct BatchRow {
    id: BatchId,
    account: AccountId,
    reference: Option<Arc<str>>,
    origin: Arc<str>,
    created_at: Timestamp,
    closed_at: Option<Timestamp>,
    n_rejected: u64,
    resend_of: Option<BatchId>,
    /// The key of the request that made it.
    once_key: Option<Box<str>>,
    pub(super) order: Order,
    /// Whether there may be rows that have not been moved as was ordered.
    is_unfinished: bool,
    /// Whether it was told that it is done.
    was_told_done: bool,
    counts: BTreeMap<&'static str, u64>,
    pub(super) members: BTreeMap<u64, MessageKey>,
}

#[async_trait]
impl Batches for MemoryStore {
    async fn open_batch(
        &self,
        account: &AccountId,
        batch: NewBatch,
        now: Timestamp,
    ) -> Result<OpenedBatch> {
        let state = &mut *self.lock();
        let once_key = batch.once.as_ref();
        let once_key = once_key.map(|once| (account.clone(), once.key.clone()));
        let before = once_key.as_ref().and_then(|key| state.once.get(key));
        if let Some(before) = before.filter(|row| row.once.keep_until > now) {
            return match before.what {
                OnceFor::Message(_) => Err(StoreError::conflict("a message has this key")),
                OnceFor::Batch {
                    id,
                    is_closed: false,
                } => {
                    let body = batch.once.as_ref().map(|once| once.body);
                    Ok(if body == Some(before.once.body) {
                        OpenedBatch::Resumed(id)
                    } else {
                        OpenedBatch::OtherRequest
                    })
                }
                OnceFor::Batch { id, .. } => Ok(OpenedBatch::Before {
                    id,
                    body: before.once.body,
                    answer: before.once.answer.clone(),
                }),
            };
        }
        let takes_rows = |row: &&BatchRow| {
            row.account == *account
                && row.reference == batch.reference
                && row.closed_at.is_none()
                && row.order != Order::Stop
        };
        let joined = state.batches.values().rev().find(takes_rows);
        if let Some(joined) = joined.filter(|_| batch.joins && batch.reference.is_some()) {
            return Ok(OpenedBatch::Resumed(joined.id));
        }
        if state.batch_numbers.contains_key(&batch.id) {
            return Err(StoreError::conflict("there is a batch with this id"));
        }
        let number = state.number();
        state.batch_numbers.insert(batch.id, number);
        if let (Some(key), Some(once)) = (once_key, batch.once.clone()) {
            let what = OnceFor::Batch {
                id: batch.id,
                is_closed: false,
            };
            state.once.insert(key, OnceRow { once, what });
        }
        let id = batch.id;
        state.batches.insert(number, new_row(account, batch, now));
        Ok(OpenedBatch::New(id))
    }

    async fn close_batch(
        &self,
        batch: BatchId,
        n_rejected: u64,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<()> {
        let state = &mut *self.lock();
        let row = state.batch_row(batch)?;
        let account = row.account.clone();
        let opened_with = row.once_key.clone();
        let key = once.as_ref().map(|once| once.key.clone()).or(opened_with);
        if let Some(key) = key.map(|key| (account.clone(), key)) {
            let before = state.once.remove(&key);
            let is_its =
                |row: &OnceRow| matches!(row.what, OnceFor::Batch { id, .. } if id == batch);
            if before.as_ref().is_some_and(|row| !is_its(row)) {
                state.once.extend(before.map(|row| (key, row)));
                return Err(StoreError::conflict("the key was used for something else"));
            }
            if let Some(once) = once.or(before.map(|row| row.once)) {
                let what = OnceFor::Batch {
                    id: batch,
                    is_closed: true,
                };
                state.once.insert(key, OnceRow { once, what });
            }
        }
        let row = state.batch_row_mut(batch);
        row.n_rejected = n_rejected;
        if row.closed_at.is_none() {
            row.closed_at = Some(now);
            state.tell_of_batch(batch, EventKind::BatchClosed, now);
        }
        state.touched.insert(batch);
        state.commit(now);
        Ok(())
    }

    async fn note_rejected(&self, batch: BatchId, n_rejected: u64) -> Result<()> {
        let state = &mut *self.lock();
        state.batch_row(batch)?;
        let row = state.batch_row_mut(batch);
        if row.closed_at.is_none() {
            row.n_rejected = row.n_rejected.max(n_rejected);
        }
        Ok(())
    }

    async fn close_idle_batches(
        &self,
        since: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<u64> {
        let state = &mut *self.lock();
        let is_idle = |row: &&BatchRow| {
            let last = row.members.values().next_back();
            row.closed_at.is_none()
                && row.created_at < since
                && last.is_none_or(|last| state.messages[last].accepted_at < since)
        };
        let mut idle: Vec<&BatchRow> = state.batches.values().filter(is_idle).collect();
        idle.sort_by_key(|row| row.created_at);
        let idle: Vec<BatchId> = idle.iter().take(limit).map(|row| row.id).collect();
        for batch in &idle {
            state.batch_row_mut(*batch).closed_at = Some(now);
            state.tell_of_batch(*batch, EventKind::BatchClosed, now);
            state.touched.insert(*batch);
        }
        state.commit(now);
        Ok(idle.len() as u64)
    }

    async fn batch(&self, account: Option<&AccountId>, id: BatchId) -> Result<Option<StoredBatch>> {
        let state = &*self.lock();
        let row = state.batch_row(id).ok();
        let row = row.filter(|row| account.is_none_or(|account| row.account == *account));
        Ok(row.map(BatchRow::shown))
    }

    async fn batch_named(
        &self,
        account: &AccountId,
        reference: &str,
    ) -> Result<Option<StoredBatch>> {
        let state = &*self.lock();
        let is_it = |row: &&BatchRow| {
            row.account == *account && row.reference.as_deref() == Some(reference)
        };
        let row = state.batches.values().rev().find(is_it);
        Ok(row.map(BatchRow::shown))
    }

    async fn batches(
        &self,
        account: Option<&AccountId>,
        request: PageRequest,
    ) -> Result<Page<StoredBatch>> {
        let state = &*self.lock();
        let rows = state.batches.iter().rev();
        let rows = rows.filter(|(_, row)| account.is_none_or(|account| row.account == *account));
        page(
            rows.map(|(number, row)| (Place(*number, 0), row.shown())),
            &request,
            true,
        )
    }

    async fn waiting_batches(&self, account: &AccountId) -> Result<Vec<StoredBatch>> {
        let state = &*self.lock();
        let waits = |row: &&BatchRow| {
            let mut states = ["held", "queued", "leased"].iter();
            row.account == *account && states.any(|state| row.counts.contains_key(state))
        };
        let waiting = state.batches.values().filter(waits);
        Ok(waiting.map(BatchRow::shown).collect())
    }

    async fn batch_members(
        &self,
        batch: BatchId,
        states: &[MessageState],
        from_index: u64,
        limit: usize,
    ) -> Result<Vec<BatchMember>> {
        let state = &*self.lock();
        let rows = state.batch_row(batch)?.members.range(from_index..);
        let rows = rows.map(|(&index, key)| {
            let row = &state.messages[key];
            BatchMember {
                index,
                id: row.id,
                state: row.state,
            }
        });
        let is_in = |state: MessageState| {
            let mut states = states.iter();
            states.len() == 0 || states.any(|it| it.as_str() == state.as_str())
        };
        Ok(rows.filter(|row| is_in(row.state)).take(limit).collect())
    }

    async fn taken_rows(
        &self,
        batch: BatchId,
        from_index: u64,
        limit: usize,
    ) -> Result<Vec<TakenRow>> {
        let state = &*self.lock();
        let rows = state.batch_row(batch)?.members.range(from_index..);
        let rows = rows.take(limit).map(|(&index, key)| {
            let row = &state.messages[key];
            TakenRow {
                index,
                id: row.id,
                state: row.state,
                parts: row.parts,
                hash: row.row_hash,
            }
        });
        Ok(rows.collect())
    }

    async fn order(
        &self,
        account: Option<&AccountId>,
        batch: BatchId,
        order: BatchOrder,
        now: Timestamp,
    ) -> Result<StoredBatch> {
        let state = &mut *self.lock();
        let row = state.batch_row(batch)?;
        if account.is_some_and(|account| row.account != *account) {
            return Err(StoreError::not_found("batch"));
        }
        let (wanted, kind) = match order {
            BatchOrder::Pause => (Order::Pause, EventKind::BatchPaused),
            BatchOrder::Resume => (Order::Go, EventKind::BatchResumed),
            BatchOrder::Stop => (Order::Stop, EventKind::BatchStopped),
        };
        if row.order == Order::Stop && wanted != Order::Stop {
            return Err(StoreError::conflict("the batch was stopped"));
        }
        let stays = row.order == Order::Go && state.is_done_for_good(row);
        if row.order != wanted && !stays {
            let row = state.batch_row_mut(batch);
            row.order = wanted;
            row.is_unfinished = true;
            state.tell_of_batch(batch, kind, now);
            state.touched.insert(batch);
            state.commit(now);
        }
        Ok(state.batch_row(batch)?.shown())
    }

    async fn carry_out(&self, batch: BatchId, limit: usize, now: Timestamp) -> Result<u64> {
        let state = &mut *self.lock();
        let row = state.batch_row(batch)?;
        if !row.is_unfinished {
            return Ok(0);
        }
        let order = row.order;
        let to_move = row.members.values().copied();
        let to_move = to_move.filter(|key| is_moved_by(order, state.messages[key].state));
        let to_move: Vec<MessageKey> = to_move.collect();
        for &key in to_move.iter().take(limit) {
            state.change(key, Cause::default(), now, |row| match order {
                Order::Go => row.on(MessageEvent::Released),
                Order::Pause => row.on(MessageEvent::Held(HeldReason::Paused)),
                Order::Stop => row.on(MessageEvent::CancelRequested(row.earlier())),
            });
        }
        if to_move.len() <= limit {
            state.batch_row_mut(batch).is_unfinished = false;
        }
        state.commit(now);
        Ok(to_move.len().min(limit) as u64)
    }

    async fn unfinished_orders(&self) -> Result<Vec<BatchId>> {
        let state = &*self.lock();
        let rows = state.batches.values().filter(|row| row.is_unfinished);
        Ok(rows.map(|row| row.id).collect())
    }

    async fn stop_lists(&self, batch: BatchId) -> Result<StopLists> {
        let state = &*self.lock();
        let mut lists = StopLists::default();
        for key in state.batch_row(batch)?.members.values() {
            let row = &state.messages[key];
            lists.add(row.id, row.state);
        }
        Ok(lists)
    }
}

impl State {
    pub(super) fn batch_row(&self, id: BatchId) -> Result<&BatchRow> {
        let row = self.batch_numbers.get(&id);
        let row = row.and_then(|number| self.batches.get(number));
        row.ok_or_else(|| StoreError::not_found("batch"))
    }

    pub(super) fn batch_row_mut(&mut self, id: BatchId) -> &mut BatchRow {
        let row = self.batch_numbers.get(&id);
        let row = row.and_then(|number| self.batches.get_mut(number));
        row.expect("whoever changes a batch has looked it up")
    }

    /// Whether nothing of a batch can leave any more: nothing waits or is doubted, and its request, which
    /// could add rows, has ended.
    fn is_done_for_good(&self, row: &BatchRow) -> bool {
        let key = row.once_key.clone().map(|key| (row.account.clone(), key));
        let request = key.and_then(|key| self.once.get(&key));
        let is_open = |row: &OnceRow| {
            matches!(
                row.what,
                OnceFor::Batch {
                    is_closed: false,
                    ..
                }
            )
        };
        row.state() == BatchState::Done
            && !row.counts.contains_key("unknown")
            && !request.is_some_and(is_open)
    }

    pub(super) fn order_of(&self, id: BatchId) -> Order {
        self.batch_row(id).map_or(Order::Go, |row| row.order)
    }

    /// Counts a message of a batch in another state.
    pub(super) fn count(
        &mut self,
        place: Option<BatchPlace>,
        before: Option<MessageState>,
        after: MessageState,
    ) {
        let Some(place) = place else {
            return;
        };
        let counts = &mut self.batch_row_mut(place.batch).counts;
        if let Some(before) = before.map(MessageState::as_str)
            && let Some(count) = counts.get_mut(before)
        {
            *count -= 1;
            if *count == 0 {
                counts.remove(before);
            }
        }
        *counts.entry(after.as_str()).or_default() += 1;
        self.touched.insert(place.batch);
    }

    pub(super) fn tell_if_done(&mut self, batch: BatchId, now: Timestamp) {
        let row = self.batch_row_mut(batch);
        if row.state() == BatchState::Done && !row.was_told_done {
            row.was_told_done = true;
            self.tell_of_batch(batch, EventKind::BatchDone, now);
        }
    }

    fn tell_of_batch(&mut self, batch: BatchId, kind: EventKind, now: Timestamp) {
        let account = self.batch_row_mut(batch).account.clone();
        self.tell_new(NewEvent {
            at: now,
            kind,
            account: Some(account),
            batch: Some(batch),
            lane: None,
            detail: None,
        });
    }
}

impl BatchRow {
    fn state(&self) -> BatchState {
        let waits = |state| matches!(state, "held" | "queued" | "leased" | "sending");
        match self.order {
            Order::Stop if self.is_unfinished => BatchState::Stopping,
            Order::Stop => BatchState::Stopped,
            Order::Pause => BatchState::Paused,
            Order::Go if self.closed_at.is_none() => BatchState::Receiving,
            Order::Go if self.counts.keys().any(|state| waits(*state)) => BatchState::Running,
            Order::Go => BatchState::Done,
        }
    }

    fn shown(&self) -> StoredBatch {
        StoredBatch {
            id: self.id,
            account: self.account.clone(),
            reference: self.reference.clone(),
            origin: Arc::clone(&self.origin),
            state: self.state(),
            created_at: self.created_at,
            closed_at: self.closed_at,
            counts: self.counts.clone(),
            n_rejected: self.n_rejected,
            resend_of: self.resend_of,
        }
    }
}

fn new_row(account: &AccountId, batch: NewBatch, now: Timestamp) -> BatchRow {
    BatchRow {
        id: batch.id,
        account: account.clone(),
        reference: batch.reference,
        origin: batch.origin,
        created_at: now,
        closed_at: None,
        n_rejected: 0,
        resend_of: batch.resend_of,
        once_key: batch.once.map(|once| once.key),
        order: Order::Go,
        is_unfinished: false,
        was_told_done: false,
        counts: BTreeMap::new(),
        members: BTreeMap::new(),
    }
}

fn is_moved_by(order: Order, state: MessageState) -> bool {
    match order {
        Order::Go => state == MessageState::Held(HeldReason::Paused),
        Order::Pause => state == MessageState::Queued,
        Order::Stop => matches!(
            state,
            MessageState::Held(_) | MessageState::Queued | MessageState::Leased
        ),
    }
}
