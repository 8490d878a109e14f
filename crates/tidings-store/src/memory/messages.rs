//! Accepting, showing and canceling messages.

use async_trait::async_trait;
use tidings_core::{
    ClientRef, E164, HeldReason, Media, MessageEvent, MessageState, Tag, Timestamp,
};

use super::rows::{Cause, MessageRow};
use super::{MemoryStore, Place, State, page};
use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, BatchId, Cancellation, LaneId, MessageFilter, MessageHistory, MessageId, MessageKey,
    NewMessage, Once, Page, StoredMessage, Taken,
};
use crate::store::Messages;

/// A request that was taken under a key.
pub(super) struct OnceRow {
    pub(super) once: Once,
    pub(super) what: OnceFor,
}

/// What a key was used for.
pub(super) enum OnceFor {
    Message(MessageId),
    Batch { id: BatchId, is_closed: bool },
}

#[async_trait]
impl Messages for MemoryStore {
    async fn accept(
        &self,
        account: &AccountId,
        messages: Vec<NewMessage>,
        now: Timestamp,
    ) -> Result<Vec<Taken>> {
        let state = &mut *self.lock();
        for message in &messages {
            if let Some(place) = message.batch {
                state.batch_row(place.batch)?;
            }
            if state.by_id.contains_key(&message.id) {
                return Err(StoreError::conflict("there is a message with this id"));
            }
        }
        let taken = messages.into_iter();
        let taken = taken
            .map(|message| state.take(account, message, now))
            .collect();
        state.commit(now);
        Ok(taken)
    }

    async fn once(&self, account: &AccountId, key: &str) -> Result<Option<Once>> {
        let state = &*self.lock();
        let row = state.once.get(&(account.clone(), key.into()));
        let is_answered = |row: &&OnceRow| match row.what {
            OnceFor::Message(_) => true,
            OnceFor::Batch { is_closed, .. } => is_closed,
        };
        Ok(row.filter(is_answered).map(|row| row.once.clone()))
    }

    async fn message(
        &self,
        account: Option<&AccountId>,
        id: MessageId,
    ) -> Result<Option<MessageHistory>> {
        let state = &*self.lock();
        let Some(row) = state.row_of(account, id) else {
            return Ok(None);
        };
        let events = state.events.iter();
        let events = events.filter(|event| event.message == Some(id)).cloned();
        Ok(Some(row.history(events.collect())))
    }

    async fn media(&self, ids: &[MessageId]) -> Result<Vec<Option<Media>>> {
        let state = &*self.lock();
        let media = |id: &MessageId| state.row_of(None, *id)?.message.media.clone();
        Ok(ids.iter().map(media).collect())
    }

    async fn messages(&self, filter: MessageFilter) -> Result<Page<StoredMessage>> {
        let state = &*self.lock();
        let rows = state.messages.values().rev();
        let rows = rows.filter(|row| is_asked_for(row, &filter));
        let rows = rows.map(|row| (Place(row.key.0, 0), row.shown()));
        page(rows, &filter.page, true)
    }

    async fn cancel(
        &self,
        account: Option<&AccountId>,
        ids: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<Vec<Cancellation>> {
        let state = &mut *self.lock();
        let canceled = ids.into_iter();
        let canceled = canceled.map(|id| state.cancel(account, id, now)).collect();
        state.commit(now);
        Ok(canceled)
    }

    async fn release(&self, ids: Vec<(MessageId, LaneId)>, now: Timestamp) -> Result<u64> {
        let state = &mut *self.lock();
        let mut n_released = 0;
        for (id, lane) in ids {
            let Some(&key) = state.by_id.get(&id) else {
                continue;
            };
            match state.row(key)?.state {
                MessageState::Held(HeldReason::Paused) => {}
                MessageState::Held(_) => {
                    state.change(key, Cause::default(), now, |row| {
                        row.lane = Some(lane);
                        row.on(MessageEvent::Released);
                    });
                    n_released += 1;
                }
                _ => {}
            }
        }
        state.commit(now);
        Ok(n_released)
    }

    async fn opted_out(
        &self,
        account: &AccountId,
        sender: Option<&str>,
        numbers: &[E164],
    ) -> Result<Vec<bool>> {
        let state = &*self.lock();
        let is_out = |number: &E164| state.is_opted_out(account, sender, number);
        Ok(numbers.iter().map(is_out).collect())
    }
}

impl State {
    fn row_of(&self, account: Option<&AccountId>, id: MessageId) -> Option<&MessageRow> {
        let row = self.messages.get(self.by_id.get(&id)?)?;
        let is_theirs = account.is_none_or(|account| row.account == *account);
        is_theirs.then_some(row)
    }

    fn is_opted_out(&self, account: &AccountId, sender: Option<&str>, number: &E164) -> bool {
        self.opt_outs.values().any(|row| {
            let of = row.opt_out.sender.as_deref();
            row.account == *account
                && row.opt_out.phone == *number
                && (of.is_none() || of == sender)
        })
    }

    fn take(&mut self, account: &AccountId, message: NewMessage, now: Timestamp) -> Taken {
        let once_key = message.once.as_ref();
        let once_key = once_key.map(|once| (account.clone(), once.key.clone()));
        if let (Some(key), Some(once)) = (&once_key, &message.once)
            && let Some(before) = self.once.get(key)
            && before.once.keep_until > now
        {
            return match before.what {
                OnceFor::Message(id) if before.once.body == once.body => Taken::Before {
                    id,
                    answer: before.once.answer.clone(),
                },
                OnceFor::Message(_) | OnceFor::Batch { .. } => Taken::OtherRequest,
            };
        }
        if let Some(place) = message.batch {
            let batch = self.batch_row(place.batch);
            let batch = batch.expect("it was looked for at the beginning");
            if let Some(key) = batch.members.get(&place.index) {
                let id = self.messages[key].id;
                return Taken::RowIsThere { id };
            }
        }
        if !message.passes_opt_out {
            let sender = message.shown_sender.as_ref().map(ToString::to_string);
            if self.is_opted_out(account, sender.as_deref(), &message.message.to) {
                return Taken::OptedOut;
            }
        }
        if let Some(quota) = self
            .accounts
            .get_mut(account)
            .and_then(|it| it.quota.as_mut())
        {
            let parts = i64::from(message.parts);
            if *quota < parts {
                return Taken::OverQuota;
            }
            *quota -= parts;
        }
        let key = MessageKey(self.number());
        if let (Some(once_key), Some(once)) = (once_key, message.once.clone()) {
            let what = OnceFor::Message(message.id);
            self.once.insert(once_key, OnceRow { once, what });
        }
        if let Some(place) = message.batch {
            let batch = self.batch_row_mut(place.batch);
            batch.members.insert(place.index, key);
        }
        if let Some(conversation) = &message.conversation {
            let conversation = (account.clone(), conversation.clone());
            if let Some((_, conversation)) = self.conversations.get_mut(&conversation) {
                conversation.changed_at = now;
            }
        }
        self.insert(new_row(key, account, message, now), now);
        Taken::New
    }

    fn cancel(
        &mut self,
        account: Option<&AccountId>,
        id: MessageId,
        now: Timestamp,
    ) -> Cancellation {
        let Some(row) = self.row_of(account, id) else {
            return Cancellation::NotFound;
        };
        let (key, before) = (row.key, row.state);
        match before {
            MessageState::Held(_)
            | MessageState::Queued
            | MessageState::Leased
            | MessageState::Sending
            | MessageState::Unknown => {
                let after = self.change(key, Cause::default(), now, |row| {
                    row.is_to_be_canceled = true;
                    row.on(MessageEvent::CancelRequested(row.earlier()));
                });
                if after == MessageState::Canceled {
                    Cancellation::Canceled
                } else {
                    Cancellation::Unknown
                }
            }
            MessageState::Canceled => Cancellation::Canceled,
            _ => Cancellation::AlreadyOut(before),
        }
    }
}

fn new_row(key: MessageKey, account: &AccountId, new: NewMessage, now: Timestamp) -> MessageRow {
    let state = match (new.hold, &new.lane) {
        (Some(hold), _) => MessageState::Held(hold.reason),
        (None, None) => MessageState::Held(HeldReason::NoRoute),
        (None, Some(_)) => MessageState::Queued,
    };
    let mut message = new.message;
    message.window = None;
    MessageRow {
        key,
        id: new.id,
        account: account.clone(),
        message,
        original_text: new.original_text,
        parts: new.parts,
        lane: new.lane,
        stamp: new.stamp,
        state,
        reason: None,
        detail: None,
        hold_until: new.hold.and_then(|hold| hold.until),
        not_before: None,
        timing: new.timing,
        closes_at: new.closes_at,
        expires_at: new.expires_at,
        batch: new.batch,
        row_hash: new.row_hash,
        origin: new.origin,
        terms: new.terms,
        conversation: new.conversation,
        resend_of: new.resend_of,
        duplicate_risk: false,
        is_to_be_canceled: false,
        lease: None,
        attempts: Vec::new(),
        accepted_at: now,
        changed_at: now,
        version: 1,
    }
}

fn is_asked_for(row: &MessageRow, filter: &MessageFilter) -> bool {
    fn is<T: PartialEq>(asked_for: Option<&T>, it: Option<&T>) -> bool {
        asked_for.is_none_or(|asked_for| it == Some(asked_for))
    }
    let text = |asked_for: &Option<Box<str>>, it: Option<&str>| {
        asked_for
            .as_deref()
            .is_none_or(|asked_for| it == Some(asked_for))
    };
    let mut states = filter.states.iter();
    is(filter.account.as_ref(), Some(&row.account))
        && (filter.states.is_empty() || states.any(|it| it.as_str() == row.state.as_str()))
        && is(filter.to.as_ref(), Some(&row.message.to))
        && is(
            filter.batch.as_ref(),
            row.batch.map(|place| place.batch).as_ref(),
        )
        && text(
            &filter.reference,
            row.message.reference.as_ref().map(ClientRef::as_str),
        )
        && text(&filter.tag, row.message.tag.as_ref().map(Tag::as_str))
        && is(filter.lane.as_ref(), row.lane.as_ref())
        && is(filter.conversation.as_ref(), row.conversation.as_ref())
        && filter.from.is_none_or(|from| row.accepted_at >= from)
        && filter.until.is_none_or(|until| row.accepted_at < until)
}
