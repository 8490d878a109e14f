//! Batches of which messages wait: listed, counted and stopped.
//!
//! Called by providers' server halves. A stop is one change under the world's lock, and messages
//! leave under the same lock: what it names has not left and never will.

use std::collections::HashSet;

use async_trait::async_trait;
use tidings::backend::{Batches, Principal, Refusal};
use tidings::batches::{QueuedBatch, StoppedBatch, StoppedMessage};
use tidings_core::E164;

use super::ids::Kind;
use super::state::{Change, State};
use super::{World, lock};
use crate::operation::Operation;

const NOT_FOUND: Refusal = Refusal::NotFound { what: "batch" };

#[async_trait]
impl Batches for World {
    async fn queued_batches(&self, who: &Principal) -> Result<Vec<QueuedBatch>, Refusal> {
        self.0.enter(Operation::ListBatches, |_| false)?;
        let state = self.0.state_now();
        let account = state.account_of(who)?;
        let waiting = state.accounts.get(account).map(|it| &it.waiting_batches);
        let waiting = waiting.into_iter().flatten();
        Ok(waiting
            .filter_map(|batch| state.queued(account, *batch))
            .collect())
    }

    async fn queued_batch(&self, who: &Principal, reference: &str) -> Result<QueuedBatch, Refusal> {
        self.enter_about(Operation::ShowBatch, who, reference)?;
        let state = self.0.state_now();
        let account = state.account_of(who)?;
        state
            .batch_called(account, reference)
            .and_then(|batch| state.queued(account, batch))
            .ok_or(NOT_FOUND)
    }

    async fn stop_batch(&self, who: &Principal, reference: &str) -> Result<StoppedBatch, Refusal> {
        self.enter_about(Operation::StopBatch, who, reference)?;
        let (stopped, ticket) = {
            let mut state = self.0.state_now();
            let account = state.account_of(who)?;
            let batch = state
                .batch_called(account, reference)
                .filter(|batch| state.queued(account, *batch).is_some())
                .ok_or(NOT_FOUND)?;
            let stopped = StoppedBatch::new(reference, state.stoppable(batch));
            let at = state.now;
            let ticket = self.0.change(&mut state, Change::Stop { batch, at })?;
            (stopped, ticket)
        };
        self.0.on_disk(ticket).await?;
        Ok(stopped)
    }
}

impl World {
    /// Lets everything that is on hold go, for every account, and says how many messages that were.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] when the state file cannot be written.
    pub async fn release(&self) -> Result<usize, Refusal> {
        let (released, last) = {
            let mut state = self.0.state_now();
            let (mut released, mut last) = (0, None);
            for account in 0..state.accounts.len() {
                let found = state.accounts.get(account);
                let on_hold = found.map_or(0, |account| account.queue.n_on_hold());
                if on_hold > 0 {
                    let at = state.now;
                    last = self.0.change(&mut state, Change::Release { account, at })?;
                    released += on_hold;
                }
            }
            (released, last)
        };
        self.0.on_disk(last).await?;
        Ok(released)
    }

    /// Asks for the fault of a call about one batch: it concerns the numbers that wait in it.
    fn enter_about(
        &self,
        operation: Operation,
        who: &Principal,
        reference: &str,
    ) -> Result<(), Refusal> {
        // Asked one after the other: nobody holds the script while he asks for the state.
        let is_asked = lock(&self.0.script).names_a_number(operation);
        let numbers = if is_asked {
            self.waiting_numbers(who, reference)
        } else {
            HashSet::new()
        };
        let concerns = |to: &E164| numbers.contains(to);
        self.0.enter(operation, concerns).map(drop)
    }

    fn waiting_numbers(&self, who: &Principal, reference: &str) -> HashSet<E164> {
        let state = self.0.state_now();
        let account = state.account_of(who).ok();
        let batch = account.and_then(|account| state.batch_called(account, reference));
        let batch = batch.and_then(|batch| state.batches.get(batch));
        let waiting = batch.into_iter().flat_map(|batch| &batch.waiting);
        waiting
            .filter_map(|index| Some(state.messages.get(*index)?.fate.to))
            .collect()
    }
}

impl State {
    /// What waits of a batch; `None` where nothing does.
    fn queued(&self, account: usize, index: usize) -> Option<QueuedBatch> {
        let batch = self.batches.get(index)?;
        let queue = &self.accounts.get(account)?.queue;
        if batch.waiting.is_empty() {
            return None;
        }
        let on_hold = batch.waiting.iter();
        let on_hold = on_hold.filter(|message| queue.is_on_hold(**message));
        let left = u64::try_from(batch.waiting.len()).unwrap_or(u64::MAX);
        let on_hold = u64::try_from(on_hold.count()).unwrap_or(u64::MAX);
        Some(QueuedBatch::new(self.batch_name(index), left).on_hold(on_hold))
    }

    /// What a stop of this batch would stop.
    fn stoppable(&self, batch: usize) -> Vec<StoppedMessage> {
        let waiting = self.batches.get(batch).map(|batch| &batch.waiting);
        let waiting = waiting.into_iter().flatten();
        waiting
            .filter_map(|index| {
                let reference = self.messages.get(*index)?.fate.reference.clone();
                let id = self.ids.id(Kind::Message, *index);
                Some(StoppedMessage::new(id, reference))
            })
            .collect()
    }
}
