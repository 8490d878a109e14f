//! Asks the provider what became of rows that were begun without a known end, before anything of
//! them is sent again.
//!
//! Called by `commands/send.rs` when a campaign goes on, where the provider can say. It sends
//! nothing; a provider whose only way to tell is to be handed the same reference once more sends by
//! itself what it had not taken, and says that it has it.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tidings::{AttemptRef, Error, Provider, ProviderRef, Receipt, Reconciled, Timestamp};

use super::run::Job;

/// A row whose outcome nobody knows.
#[derive(Clone, Debug)]
pub(crate) struct Doubt {
    pub(crate) job: Job,
    /// When its call began.
    pub(crate) started: Timestamp,
    /// What the failed call told of how to ask about it.
    pub(crate) provider_ref: Option<ProviderRef>,
}

/// What the provider said of it.
#[derive(Clone, Debug)]
pub(crate) enum Settled {
    /// It has it.
    Taken(Box<Receipt>),
    /// It has not: it can be sent.
    NotTaken,
    /// It cannot say.
    Unknown,
    /// It could not be asked.
    Failed(Arc<Error>),
}

/// Asks about each of them, so many at a time. The answers come in the order of the rows.
pub(crate) async fn settle(
    provider: &Arc<dyn Provider>,
    doubts: Vec<Doubt>,
    in_flight: usize,
) -> Vec<(Job, Settled)> {
    let asked = stream::iter(doubts).map(|doubt| async move {
        let mut attempt = AttemptRef::new(doubt.job.outbound.clone(), doubt.started);
        attempt.provider_ref = doubt.provider_ref;
        let settled = match provider.reconcile(&attempt).await {
            Ok(Reconciled::Taken(receipt)) => Settled::Taken(receipt),
            Ok(Reconciled::NotTaken) => Settled::NotTaken,
            // Also for answers that are younger than this program.
            Ok(_) => Settled::Unknown,
            Err(error) => Settled::Failed(Arc::new(error)),
        };
        (doubt.job, settled)
    });
    asked.buffered(in_flight).collect().await
}
