//! What Puzzel's calls give back where the wire's types alone do not say enough.
//!
//! Made by `client.rs` of what `verdict.rs` finds in an answer.

use std::ops::Range;

use tidings_core::{ClientRef, ProviderRef};

use super::wire;
use crate::answer::Answer;
use crate::error::Result;

/// A message that Puzzel has queued.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queued {
    /// Which message of the whole list it is, from 1: the vendor counts anew in each call, this does
    /// not.
    pub sequence_index: usize,
    /// The batch that it belongs to: the sender's name for it, or the one that the gateway made.
    pub batch_reference: Option<String>,
    /// The sender's own name for the message.
    pub client_reference: Option<String>,
    /// What the gateway said, as it came over the wire.
    pub status: wire::MessageStatus,
}

impl Queued {
    /// The gateway's id of the message, by which it reports.
    pub fn message_id(&self) -> Option<&str> {
        self.status.message_id.as_deref()
    }

    /// The session that it opened or continues.
    pub fn session_id(&self) -> Option<&str> {
        self.status.session_id.as_deref()
    }

    /// The recipient as the gateway read it.
    pub fn recipient(&self) -> Option<&str> {
        self.status.recipient.as_ref().map(|phone| phone.0.as_str())
    }

    /// What is needed to find the message again: in a report, or to stop it.
    pub fn provider_ref(&self) -> ProviderRef {
        let mut about = ProviderRef::default();
        about.message.clone_from(&self.status.message_id);
        about.batch.clone_from(&self.batch_reference);
        about.session.clone_from(&self.status.session_id);
        about.reference = client_ref(self.client_reference.as_deref());
        about
    }
}

/// What happened to one call of a list.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendCall {
    /// Which of the messages were in it, as positions in the list that was given.
    pub messages: Range<usize>,
    /// The answer as it came over the wire, but that the statuses of queued messages have gone into
    /// their verdicts, as [`Queued::status`]. Calls that were not made any more, because an earlier one
    /// failed in a way that would meet them too, are errors with
    /// [`Acceptance::NotSent`](crate::Acceptance::NotSent).
    pub outcome: Result<Answer<wire::GatewayResponse>>,
}

/// What happened to a list of messages.
#[derive(Debug)]
#[non_exhaustive]
pub struct SendOutcome {
    /// The batch that the messages belong to: the name that they were sent under, or the one that the
    /// gateway made.
    pub batch_reference: Option<String>,
    /// What is said of each message, in the order of the list.
    pub verdicts: Vec<Result<Queued>>,
    /// The calls, in the order in which they were made.
    pub calls: Vec<SendCall>,
}

impl SendOutcome {
    /// How many messages were queued, as far as is known.
    pub fn n_queued(&self) -> usize {
        self.verdicts
            .iter()
            .filter(|verdict| verdict.is_ok())
            .count()
    }

    /// Whether every message was queued.
    pub fn is_complete(&self) -> bool {
        self.verdicts.iter().all(Result::is_ok)
    }
}

/// A reference that can stand in a [`ProviderRef`].
pub(super) fn client_ref(reference: Option<&str>) -> Option<ClientRef> {
    reference.and_then(|reference| ClientRef::new(reference).ok())
}
