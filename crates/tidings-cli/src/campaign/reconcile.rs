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

#[cfg(test)]
mod tests {
    use tidings::memory::MemoryProvider;
    use tidings::{Acceptance, ClientRef, ErrorKind, Message, Outbound};

    use super::*;
    use crate::campaign::journal::Fingerprint;

    fn doubt(line: u64) -> Doubt {
        let to = format!("+2246220000{line:02}").parse().unwrap();
        let reference = ClientRef::new(format!("c-{line}")).unwrap();
        let job = Job {
            line,
            slot: line,
            parts: 1,
            fingerprint: Fingerprint::of(&[]),
            outbound: Outbound::new(reference, Message::new(to, "x")),
        };
        Doubt {
            job,
            started: Timestamp::UNIX_EPOCH,
            provider_ref: None,
        }
    }

    #[tokio::test]
    async fn what_was_taken_is_found_and_the_rest_may_be_sent() {
        let memory = MemoryProvider::new();
        let lost = Error::new(ErrorKind::Timeout, Acceptance::Unknown, "lost");
        memory.take_and_fail_next(lost);
        let outbound = doubt(2).job.outbound;
        assert!(memory.submit(&[outbound]).await.is_err());
        let provider = Arc::new(memory) as Arc<dyn Provider>;
        let settled = settle(&provider, vec![doubt(2), doubt(3)], 4).await;
        assert!(
            matches!(
                settled.as_slice(),
                [(first, Settled::Taken(_)), (second, Settled::NotTaken)]
                    if first.line == 2 && second.line == 3
            ),
            "{settled:?}"
        );
    }
}
