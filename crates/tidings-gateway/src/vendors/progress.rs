//! How far the messages of a batch have come, beyond what its counts say: which of them failed and why,
//! and which will never be told more of.
//!
//! Called by `messages`.

use std::collections::BTreeSet;

use tidings::backend::Refusal;
use tidings_core::{MessageState, Reason, Timestamp};
use tidings_store::{BatchId, LaneId, MessageFilter, PageRequest, StoredBatch, StoredMessage};

use super::Door;
use super::refusals::of_store;

/// Messages that are read from the store at once.
const PAGE: usize = 1_000;
/// The most failures that are listed for one batch; of a batch with more, none is.
const MAX_FAILURES: u64 = 10_000;

/// The states in which a message has failed for good.
pub(super) const FAILED: [MessageState; 4] = [
    MessageState::Undelivered,
    MessageState::Failed,
    MessageState::Expired,
    MessageState::Canceled,
];

/// How many messages of a batch have come how far.
pub(super) struct Counts {
    /// The phone has them.
    pub(super) delivered: u64,
    /// A provider or a carrier has them.
    pub(super) out: u64,
    /// They failed. Rows that were refused at the door are none of them: whoever handed them over was
    /// told of each in the answer.
    pub(super) failed: u64,
    /// Everything else.
    pub(super) waiting: u64,
}

impl Counts {
    pub(super) fn of(batch: &StoredBatch) -> Self {
        let count = |state: MessageState| batch.counts.get(state.as_str()).copied().unwrap_or(0);
        let delivered = count(MessageState::Delivered);
        let out = count(MessageState::Submitted) + count(MessageState::Sent);
        let failed: u64 = FAILED.into_iter().map(count).sum();
        Self {
            delivered,
            out,
            failed,
            waiting: batch.n_messages() - delivered - out - failed,
        }
    }
}

/// The messages of a batch that failed.
#[derive(Default)]
pub(super) struct Failures {
    /// Whom they were for, and why.
    pub(super) list: Vec<(String, Reason)>,
    /// When the last of them did.
    pub(super) latest: Option<Timestamp>,
}

impl Door {
    /// Those that failed: one entry for each, or none at all.
    pub(super) async fn failures(
        &self,
        batch: &StoredBatch,
        n_failed: u64,
    ) -> Result<Failures, Refusal> {
        let mut failures = Failures::default();
        if n_failed == 0 || n_failed > MAX_FAILURES {
            return Ok(failures);
        }
        self.each_message(batch.id, &FAILED, |message| {
            let reason = message.reason.unwrap_or(Reason::Unspecified);
            failures.list.push((message.to.to_string(), reason));
            failures.latest = failures.latest.max(Some(message.changed_at));
        })
        .await?;
        if u64::try_from(failures.list.len()) != Ok(n_failed) {
            // More have failed meanwhile.
            failures.list.clear();
        }
        Ok(failures)
    }

    /// How many of those that a provider has will never be told more of, because the provider has no
    /// way to tell it.
    pub(super) async fn told_for_good(
        &self,
        batch: &StoredBatch,
        n_out: u64,
    ) -> Result<u64, Refusal> {
        let live = self.gateway.live();
        let silent = live
            .lanes
            .values()
            .filter(|lane| !lane.capabilities.tells_delivery);
        let silent: BTreeSet<LaneId> = silent.map(|lane| lane.id.clone()).collect();
        if n_out == 0 || silent.is_empty() {
            return Ok(0);
        }
        let mut told = 0;
        let out = [MessageState::Submitted, MessageState::Sent];
        self.each_message(batch.id, &out, |message| {
            let is_silent = message.lane.is_some_and(|lane| silent.contains(&lane));
            told += u64::from(is_silent);
        })
        .await?;
        Ok(told)
    }

    /// Reads the messages of a batch that are in these states.
    pub(super) async fn each_message(
        &self,
        batch: BatchId,
        states: &[MessageState],
        mut each: impl FnMut(StoredMessage) + Send,
    ) -> Result<(), Refusal> {
        let mut page = PageRequest {
            after: None,
            limit: PAGE,
        };
        loop {
            let filter = MessageFilter {
                batch: Some(batch),
                states: states.to_vec(),
                page,
                ..MessageFilter::default()
            };
            let found = self.gateway.store().messages(filter).await;
            let found = found.map_err(|error| of_store(&error))?;
            found.items.into_iter().for_each(&mut each);
            let Some(next) = found.next else {
                return Ok(());
            };
            page = PageRequest {
                after: Some(next),
                limit: PAGE,
            };
        }
    }
}
