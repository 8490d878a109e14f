//! What happens to one message: the row, and the one way in which it changes.
//!
//! Called by every file that moves messages. [`State::change`] is where a change of state, its event, the
//! counts of the batch and the deliveries of webhooks come together.

use std::cmp::Reverse;
use std::sync::Arc;

use tidings_core::{
    DeliveryPolicy, EarlierAttempts, HeldReason, Message, MessageEvent, MessageState, Priority,
    ProviderRef, Reason, SenderId, Timestamp, Transition,
};

use super::State;
use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, AttemptOutcome, BatchPlace, ConversationId, Event, EventKind, EventSeq, LaneId,
    Lease, MessageHistory, MessageId, MessageKey, NodeId, Stamp, StoredAttempt, StoredMessage,
};

/// Where a message stands among those that may leave: the lowest leaves first.
pub(super) type Turn = (Reverse<Priority>, Stamp, MessageKey);

/// One message.
#[derive(Clone)]
pub(super) struct MessageRow {
    pub(super) key: MessageKey,
    pub(super) id: MessageId,
    pub(super) account: AccountId,
    pub(super) message: Message,
    pub(super) original_text: Option<Arc<str>>,
    pub(super) parts: u16,
    pub(super) lane: Option<LaneId>,
    pub(super) stamp: Stamp,
    pub(super) state: MessageState,
    pub(super) reason: Option<Reason>,
    pub(super) detail: Option<Arc<str>>,
    /// When a held one is looked at again.
    pub(super) hold_until: Option<Timestamp>,
    /// When a queued one may leave; kept while its batch is paused.
    pub(super) not_before: Option<Timestamp>,
    pub(super) timing: Option<Arc<str>>,
    pub(super) closes_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) batch: Option<BatchPlace>,
    pub(super) row_hash: Option<u64>,
    pub(super) origin: Arc<str>,
    pub(super) terms: Option<Arc<str>>,
    pub(super) conversation: Option<ConversationId>,
    pub(super) resend_of: Option<MessageId>,
    pub(super) duplicate_risk: bool,
    /// Whether somebody asked to cancel it while it was on its way or in doubt.
    pub(super) is_to_be_canceled: bool,
    pub(super) lease: Option<Held>,
    pub(super) attempts: Vec<AttemptRow>,
    pub(super) accepted_at: Timestamp,
    pub(super) changed_at: Timestamp,
    pub(super) version: u32,
}

/// Who has a message in hand.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) node: NodeId,
    pub(super) until: Timestamp,
}

/// One attempt.
#[derive(Clone)]
pub(super) struct AttemptRow {
    pub(super) number: u16,
    pub(super) lane: LaneId,
    pub(super) from: Option<SenderId>,
    pub(super) began_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) outcome: Option<AttemptOutcome>,
    pub(super) provider_ref: Option<ProviderRef>,
    pub(super) error: Option<Arc<str>>,
    pub(super) code: Option<Arc<str>>,
    pub(super) unknown_since: Option<Timestamp>,
    pub(super) check_at: Option<Timestamp>,
    pub(super) n_checks: u16,
    pub(super) poll_at: Option<Timestamp>,
    pub(super) n_polls: u16,
}

/// What an event says besides the state.
#[derive(Default)]
pub(super) struct Cause {
    pub(super) attempt: Option<u16>,
    pub(super) their_time: Option<Timestamp>,
    pub(super) code: Option<Arc<str>>,
    pub(super) reason: Option<Reason>,
    pub(super) detail: Option<Arc<str>>,
    /// Whether going back from a lease into the queue is news, too.
    pub(super) is_fault: bool,
}

impl Cause {
    pub(super) fn of_attempt(number: u16) -> Self {
        Self {
            attempt: Some(number),
            ..Self::default()
        }
    }
}

/// What was ordered of a batch and is in force.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Go,
    Pause,
    Stop,
}

impl MessageRow {
    /// Lets an event happen. One that must not happen changes nothing.
    pub(super) fn on(&mut self, event: MessageEvent) {
        if let Transition::Moved { to } = self.state.on(event) {
            self.state = to;
        }
    }

    pub(super) fn policy(&self) -> DeliveryPolicy {
        self.message.policy.unwrap_or_default()
    }

    /// What is known of its attempts, when its way ends with us.
    pub(super) fn earlier(&self) -> EarlierAttempts {
        let is_disproved = |attempt: &AttemptRow| attempt.outcome == Some(AttemptOutcome::NotTaken);
        if self.attempts.iter().all(is_disproved) {
            EarlierAttempts::NoneTaken
        } else {
            EarlierAttempts::MaybeTaken
        }
    }

    pub(super) fn attempt(&self, number: u16) -> Option<&AttemptRow> {
        self.attempts.get(usize::from(number).checked_sub(1)?)
    }

    pub(super) fn attempt_mut(&mut self, number: u16) -> &mut AttemptRow {
        &mut self.attempts[usize::from(number) - 1]
    }

    pub(super) fn is_last(&self, number: u16) -> bool {
        usize::from(number) == self.attempts.len()
    }

    /// Its turn, if it may leave now.
    fn turn(&self) -> Option<(LaneId, Turn)> {
        let may_leave = self.state == MessageState::Queued && self.not_before.is_none();
        let lane = self.lane.clone().filter(|_| may_leave)?;
        let turn = (Reverse(self.message.priority), self.stamp, self.key);
        Some((lane, turn))
    }

    /// Whoever asked for it to stop or to wait is obeyed as soon as it is with us again.
    fn obey(&mut self, order: Order) {
        if order == Order::Stop || self.is_to_be_canceled {
            if matches!(self.state, MessageState::Held(_) | MessageState::Queued) {
                self.on(MessageEvent::CancelRequested(self.earlier()));
            }
        } else if order == Order::Pause && self.state == MessageState::Queued {
            self.on(MessageEvent::Held(HeldReason::Paused));
            // Whatever held it before is over; now it waits for its batch.
            self.hold_until = None;
        }
    }

    /// Forgets what has no meaning in the state that it is in.
    fn clear(&mut self) {
        if !matches!(self.state, MessageState::Leased | MessageState::Sending) {
            self.lease = None;
        }
        let is_held = matches!(self.state, MessageState::Held(_));
        if !is_held {
            self.hold_until = None;
        }
        if !is_held && self.state != MessageState::Queued {
            self.not_before = None;
        }
        for attempt in &mut self.attempts {
            if self.state != MessageState::Unknown {
                attempt.check_at = None;
            }
            if self.state.is_final() {
                attempt.poll_at = None;
            }
        }
    }

    pub(super) fn shown(&self) -> StoredMessage {
        StoredMessage {
            id: self.id,
            account: self.account.clone(),
            to: self.message.to,
            from: self.message.from.clone(),
            sent_from: self.attempts.last().and_then(|latest| latest.from.clone()),
            text: Arc::clone(&self.message.text),
            original_text: self.original_text.clone(),
            reference: self.message.reference.as_ref().map(|it| it.as_str().into()),
            tag: self.message.tag.as_ref().map(|it| it.as_str().into()),
            priority: self.message.priority,
            policy: self.policy(),
            state: self.state,
            reason: self.reason,
            detail: self.detail.clone(),
            parts: self.parts,
            lane: self.lane.clone(),
            batch: self.batch,
            origin: Arc::clone(&self.origin),
            terms: self.terms.clone(),
            conversation: self.conversation.clone(),
            duplicate_risk: self.duplicate_risk,
            resend_of: self.resend_of,
            accepted_at: self.accepted_at,
            not_before: self.hold_until.or(self.not_before),
            expires_at: self.expires_at,
            changed_at: self.changed_at,
            version: self.version,
        }
    }

    pub(super) fn history(&self, events: Vec<Event>) -> MessageHistory {
        let shown = |attempt: &AttemptRow| StoredAttempt {
            number: attempt.number,
            lane: attempt.lane.clone(),
            from: attempt.from.clone(),
            began_at: attempt.began_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome,
            provider_ref: attempt.provider_ref.clone(),
            error: attempt.error.clone(),
            code: attempt.code.clone(),
            n_checks: attempt.n_checks,
            next_check_at: attempt.check_at,
        };
        MessageHistory {
            message: self.shown(),
            attempts: self.attempts.iter().map(shown).collect(),
            events,
        }
    }
}

impl State {
    pub(super) fn row(&self, key: MessageKey) -> Result<&MessageRow> {
        let row = self.messages.get(&key);
        row.ok_or_else(|| StoreError::not_found("message"))
    }

    /// Keeps a new message. `Accepted` is its first event; what its batch was ordered follows.
    pub(super) fn insert(&mut self, row: MessageRow, now: Timestamp) {
        let key = row.key;
        self.by_id.insert(row.id, key);
        if let Some((lane, turn)) = row.turn() {
            self.ready.entry(lane).or_default().insert(turn);
        }
        self.count(row.batch, None, row.state);
        self.tell_of(&row, EventKind::Accepted, Cause::default(), now);
        self.messages.insert(key, row);
        self.change(key, Cause::default(), now, |_| ());
    }

    /// Changes a row in what is no state.
    pub(super) fn edit<T>(
        &mut self,
        key: MessageKey,
        edit: impl FnOnce(&mut MessageRow) -> T,
    ) -> T {
        let row = self.messages.get_mut(&key);
        let row = row.expect("whoever has a key has looked the row up");
        let before = row.turn();
        let result = edit(row);
        let after = row.turn();
        if before != after {
            if let Some((lane, turn)) = before
                && let Some(lane) = self.ready.get_mut(&lane)
            {
                lane.remove(&turn);
            }
            if let Some((lane, turn)) = after {
                self.ready.entry(lane).or_default().insert(turn);
            }
        }
        result
    }

    /// Lets something happen to a message, obeys what was ordered of it, and writes down what became of
    /// it. Gives its state.
    pub(super) fn change(
        &mut self,
        key: MessageKey,
        cause: Cause,
        now: Timestamp,
        act: impl FnOnce(&mut MessageRow),
    ) -> MessageState {
        let batch = self.messages.get(&key).and_then(|row| row.batch);
        let order = batch.map_or(Order::Go, |place| self.order_of(place.batch));
        let (before, after) = self.edit(key, |row| {
            let before = row.state;
            act(row);
            row.obey(order);
            row.clear();
            (before, row.state)
        });
        let is_given_back = before == MessageState::Leased && after == MessageState::Queued;
        let is_changed = before != after;
        if is_changed {
            self.count(batch, Some(before), after);
        }
        let kind = EventKind::of_state(after);
        if let Some(kind) = kind.filter(|_| is_changed && (!is_given_back || cause.is_fault)) {
            let row = self.edit(key, |row| {
                row.version += 1;
                row.changed_at = now;
                row.reason = cause.reason.or(match after {
                    MessageState::Canceled => Some(Reason::Canceled),
                    MessageState::Expired => Some(Reason::Expired),
                    _ => None,
                });
                row.detail.clone_from(&cause.detail);
                row.clone()
            });
            self.tell_of(&row, kind, cause, now);
        }
        after
    }

    /// Writes an event of a message.
    pub(super) fn tell_of(
        &mut self,
        row: &MessageRow,
        kind: EventKind,
        cause: Cause,
        now: Timestamp,
    ) {
        self.tell(Event {
            seq: EventSeq::default(),
            at: now,
            kind,
            account: Some(row.account.clone()),
            message: Some(row.id),
            batch: row.batch.map(|place| place.batch),
            lane: row.lane.clone(),
            attempt: cause.attempt,
            state: Some(row.state),
            version: Some(row.version),
            their_time: cause.their_time,
            code: cause.code,
            reason: if kind == EventKind::Noted {
                cause.reason
            } else {
                row.reason
            },
            detail: cause.detail,
        });
    }
}
