//! Messages and batches: taken through [`crate::intake`], shown from the store.
//!
//! Called by the providers' routers. The ids that callers get are the gateway's own, so that the same
//! message is found under the same name in every API. What is answered as taken is on disk.

use std::sync::Arc;

use async_trait::async_trait;
use tidings::backend::{
    Accepted, BatchView, MessageView, Messages, Principal, Refusal, Submission, Submitted,
    TakenMessage,
};
use tidings_core::{HeldReason, Message, MessageState, ReportedState, SenderId};
use tidings_store::{BatchId, MessageId, StoreError};

use super::caller::Caller;
use super::details::Duplicates;
use super::drafts::Taking;
use super::progress::Counts;
use super::refusals::{of_rejection, of_store};
use super::{Door, drafts};
use crate::access::Scope;
use crate::intake::batch::{self, BatchRequest, Opened};
use crate::intake::{self, Draft, Rejection, RejectionCode, Verdict};

/// Rows that are handed to intake at once, so that single messages come in between.
const CHUNK: usize = 1_000;

#[async_trait]
impl Messages for Door {
    async fn accept(&self, who: &Principal, submission: Submission) -> Result<Accepted, Refusal> {
        let caller = self.caller(who, Scope::Send)?;
        let makes_batch = submission.as_batch
            || submission.batch_reference.is_some()
            || self.spec.capabilities.batches;
        if makes_batch {
            self.take_batch(&caller, submission).await
        } else {
            self.take_alone(&caller, submission.messages).await
        }
    }

    async fn accept_for_group(
        &self,
        who: &Principal,
        group_id: &str,
        text: &str,
        from: Option<SenderId>,
    ) -> Result<Accepted, Refusal> {
        let caller = self.caller(who, Scope::Send)?;
        let text: Arc<str> = text.into();
        let members = self.members(&caller, group_id).await?;
        let messages = members.into_iter().map(|to| {
            let message = Message::new(to, Arc::clone(&text));
            match &from {
                Some(sender) => message.from(sender.clone()),
                None => message,
            }
        });
        self.take_batch(&caller, Submission::batch(messages, Vec::new()))
            .await
    }

    async fn message(&self, who: &Principal, id: &str) -> Result<MessageView, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let unknown = Refusal::NotFound { what: "message" };
        let message: MessageId = id.parse().map_err(|_| unknown.clone())?;
        let account = Some(caller.account());
        let found = self.gateway.store().message(account, message).await;
        let found = found.map_err(|error| of_store(&error))?.ok_or(unknown)?;
        let message = found.message;
        let mut view = MessageView::new(id, reported(message.state), message.changed_at);
        view.reason = message.reason;
        Ok(view)
    }

    async fn batch(&self, who: &Principal, id: &str) -> Result<BatchView, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let batch = self.named_batch(&caller, id).await?;
        let counts = Counts::of(&batch);
        let told_for_good = self
            .told_for_good(&batch, counts.out)
            .await?
            .min(counts.out);
        let failures = self.failures(&batch, counts.failed).await?;
        let mut view = BatchView::new(id, batch.created_at);
        view.successful = counts.delivered + told_for_good;
        view.failed = counts.failed;
        view.pending = counts.waiting + counts.out - told_for_good;
        view.at = failures.latest.unwrap_or(batch.created_at);
        view.failures = failures.list;
        Ok(view)
    }
}

/// How far a message has come, in the words of the seam.
pub(super) fn reported(state: MessageState) -> ReportedState {
    match state {
        // A message in doubt is looked after like one on its way: it may still arrive, and no vendor
        // has a word for it.
        MessageState::Held(_)
        | MessageState::Queued
        | MessageState::Leased
        | MessageState::Sending
        | MessageState::Unknown
        | MessageState::Submitted => ReportedState::Submitted,
        MessageState::Sent => ReportedState::Sent,
        MessageState::Delivered => ReportedState::Delivered,
        MessageState::Undelivered => ReportedState::Undelivered,
        MessageState::Failed => ReportedState::Failed,
        MessageState::Expired => ReportedState::Expired,
        MessageState::Canceled => ReportedState::Canceled,
        // A state of a later version.
        _ => ReportedState::Unknown,
    }
}

impl Door {
    async fn take_alone(
        &self,
        caller: &Caller,
        messages: Vec<Submitted>,
    ) -> Result<Accepted, Refusal> {
        let asked = self.asked(caller, messages, None);
        let (drafts, places) = apart(asked);
        let verdicts = self.hand_over(caller, drafts).await?;
        Ok(Accepted::new(None, together(places, verdicts)?))
    }

    /// Messages as drafts, or why some cannot be taken.
    fn asked(
        &self,
        caller: &Caller,
        messages: Vec<Submitted>,
        batch: Option<&str>,
    ) -> Vec<Result<Draft, Refusal>> {
        let taking = Taking {
            caller,
            spec: self.spec,
            live: &self.gateway.live(),
            batch,
            now: self.gateway.now(),
        };
        let messages = messages.into_iter();
        let drafts = messages.map(|submitted| drafts::of_submitted(submitted, &taking));
        drafts.collect()
    }

    /// Takes messages without a batch.
    pub(super) async fn hand_over(
        &self,
        caller: &Caller,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Verdict>, Refusal> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let _waiting = self.pressure.enter(&self.gateway).await?;
        let taken = intake::accept(&self.gateway, caller.customer(), self.spec.id, drafts).await;
        taken.map_err(|error| of_store(&error))
    }

    async fn take_batch(
        &self,
        caller: &Caller,
        submission: Submission,
    ) -> Result<Accepted, Refusal> {
        let Submission {
            messages,
            unreadable,
            batch_reference,
            ..
        } = submission;
        let name = batch_reference.as_deref();
        if let Some(name) = name
            && self.was_called_lately(caller, name).await?
        {
            let verdicts = messages.iter().map(|_| Err(Refusal::Duplicate)).collect();
            return Ok(Accepted::new(batch_reference, verdicts));
        }
        let asked = self.asked(caller, messages, name);
        let (drafts, places) = apart(asked);
        if drafts.is_empty() {
            let verdicts = together(places, Vec::new())?;
            return Ok(Accepted::new(batch_reference, verdicts));
        }
        let (id, verdicts) = self.fill(caller, name, drafts, unreadable.len()).await?;
        let verdicts = together(places, verdicts)?;
        let name = batch_reference.unwrap_or_else(|| id.to_string());
        Ok(Accepted::new(Some(name), verdicts))
    }

    /// Whether a call of the last hour gave this name to its batch, where the account wants each name
    /// to be taken once.
    async fn was_called_lately(&self, caller: &Caller, name: &str) -> Result<bool, Refusal> {
        if caller.details.duplicates() != Duplicates::SameReference {
            return Ok(false);
        }
        let now = self.gateway.now();
        let store = self.gateway.store();
        let found = store.batch_named(caller.account(), name).await;
        let found = found.map_err(|error| of_store(&error))?;
        Ok(found.is_some_and(|batch| now.since(batch.created_at) < drafts::UNIQUE_FOR))
    }
}

impl Door {
    /// Puts messages into a batch. One that has a name of its sender's stays open for the calls that
    /// follow under the same name. Messages that say the same to the same phone are all taken, as the
    /// vendors take them.
    async fn fill(
        &self,
        caller: &Caller,
        name: Option<&str>,
        drafts: Vec<Draft>,
        n_unreadable: usize,
    ) -> Result<(BatchId, Vec<Verdict>), Refusal> {
        let _waiting = self.pressure.enter(&self.gateway).await?;
        let mut request = BatchRequest::new(self.spec.id);
        request.reference = name.map(Into::into);
        request.joins = name.is_some();
        request.allows_duplicates = true;
        let opened = batch::open(&self.gateway, caller.customer(), request).await;
        let Opened::Rows(mut batch) = opened.map_err(|error| of_store(&error))? else {
            // Only requests with a key can be in work, or be others.
            return Err(Refusal::Unavailable { retry_after: None });
        };
        let id = batch.id();
        let mut verdicts = Vec::with_capacity(drafts.len());
        let mut drafts = drafts.into_iter().peekable();
        while drafts.peek().is_some() {
            let chunk: Vec<Draft> = drafts.by_ref().take(CHUNK).collect();
            match batch.add(chunk).await.map_err(StoreError::from) {
                Ok(taken) => verdicts.extend(taken),
                Err(error) if verdicts.is_empty() => return Err(of_store(&error)),
                Err(error) => {
                    // What was taken so far was taken: the caller has to be told of it. All others
                    // have no verdict, and are told that they were not.
                    of_store(&error);
                    return Ok((id, verdicts));
                }
            }
        }
        if name.is_none() {
            let unreadable = || {
                let detail = "the recipient is no phone number";
                Rejection::new(RejectionCode::InvalidRecipient, detail)
            };
            let unreadable: Vec<_> = std::iter::repeat_with(unreadable)
                .take(n_unreadable)
                .collect();
            let counted = batch.add(unreadable).await.map(drop);
            let counted = counted.map_err(StoreError::from);
            let closed = batch.close(None).await.map(drop);
            if let Err(error) = counted.and(closed) {
                // The messages are kept, and leave.
                of_store(&error);
            }
        }
        Ok((id, verdicts))
    }
}

/// What can be handed over, and for every message whether it is among it.
fn apart(asked: Vec<Result<Draft, Refusal>>) -> (Vec<Draft>, Vec<Result<Named, Refusal>>) {
    let mut drafts = Vec::with_capacity(asked.len());
    let mut place = |draft: Draft| {
        let named = Named(draft.reference.is_some());
        drafts.push(draft);
        named
    };
    let places = asked.into_iter().map(|asked| asked.map(&mut place));
    let places = places.collect();
    (drafts, places)
}

/// Whether a message has a reference of its sender's.
#[derive(Clone, Copy)]
pub(super) struct Named(pub(super) bool);

/// A verdict for every message. Where nothing is left on the account for any of them, the whole call is
/// told so.
fn together(
    places: Vec<Result<Named, Refusal>>,
    verdicts: Vec<Verdict>,
) -> Result<Vec<Result<TakenMessage, Refusal>>, Refusal> {
    let mut verdicts = verdicts.into_iter();
    let all: Vec<_> = places
        .into_iter()
        .map(|place| place.and_then(|named| told(verdicts.next(), named)))
        .collect();
    let is_broke =
        |verdict: &Result<_, Refusal>| matches!(verdict, Err(Refusal::InsufficientCredit));
    if !all.is_empty() && all.iter().all(is_broke) {
        return Err(Refusal::InsufficientCredit);
    }
    Ok(all)
}

/// What intake says of a message, in the words of the seam. That a reference was used before is said as
/// vendors say it; a text without one that was taken before is answered as it was then.
pub(super) fn told(verdict: Option<Verdict>, named: Named) -> Result<TakenMessage, Refusal> {
    // Whatever is said of more messages than there are verdicts is not that they were taken.
    let verdict = verdict.ok_or(Refusal::Unavailable { retry_after: None })?;
    let accepted = verdict.map_err(of_rejection)?;
    if accepted.is_repeated {
        let id = accepted.id;
        tracing::info!(message.id = %id, "message {id} was taken before");
        if named.0 {
            return Err(Refusal::Duplicate);
        }
    }
    let taken = TakenMessage::new(accepted.id.to_string());
    match accepted.state {
        MessageState::Held(HeldReason::Approval) => Ok(taken.on_hold()),
        _ => Ok(taken),
    }
}
