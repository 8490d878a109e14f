//! Where a message stands: its narrow row, how it changes, and what follows from a change.
//!
//! Used by every method that moves messages. The state itself is decided by
//! [`MessageState::on`](tidings_core::MessageState::on) alone; here the rest of the row follows from it:
//! which index finds it, its lease, its version, its event, and the counts of its batch and lane.

use rusqlite::{Row, params};
use tidings_core::{
    EarlierAttempts, HeldReason, MessageEvent, MessageState, Reason, Timestamp, Transition,
};

use super::row::{RowExt, state_code};
use super::sql::statements;
use super::write::{EventRow, KnownBatch, Write};
use crate::error::{Result, StoreError};
use crate::model::{EventKind, Fault, MessageId, Next};

statements! {
    STANDING = "SELECT key, id, account, state, place, lane, lease, due, batch, closes_at, n_attempts,
        flags, version, changed_at, last_event, expires_at, accepted_at FROM messages WHERE key = ?1";
    KEY_OF = "SELECT key FROM messages WHERE id = ?1";
    SAVE = "UPDATE messages SET state = ?2, place = ?3, lane = ?4, lease = ?5, due = ?6,
        closes_at = ?7, n_attempts = ?8, flags = ?9, version = ?10, changed_at = ?11, last_event = ?12,
        reason = ?13, detail = ?14 WHERE key = ?1";
    /// The same without the reason, where no event replaces it.
    SAVE_QUIETLY = "UPDATE messages SET state = ?2, place = ?3, lane = ?4, lease = ?5, due = ?6,
        closes_at = ?7, n_attempts = ?8, flags = ?9 WHERE key = ?1";
    /// The same where no index changes.
    SAVE_IN_PLACE = "UPDATE messages SET state = ?2, n_attempts = ?3, flags = ?4, version = ?5,
        changed_at = ?6, last_event = ?7, reason = ?8, detail = ?9 WHERE key = ?1";
    BATCH_ORDER = "SELECT ordered, ifnull((SELECT max(batch_index) FROM contents WHERE batch = ?1), -1),
        account FROM batches WHERE key = ?1";
    MAYBE_TAKEN = "SELECT EXISTS (SELECT 1 FROM attempts WHERE key BETWEEN ?1 AND ?2
        AND outcome <> 2 AND key <> ?3)";
    END_DOUBT = "UPDATE attempts SET check_at = NULL
        WHERE key BETWEEN ?1 AND ?2 AND check_at IS NOT NULL";
    END_POLLS = "UPDATE attempts SET poll_at = NULL
        WHERE key BETWEEN ?1 AND ?2 AND poll_at IS NOT NULL";
    LAST_EVENT = "UPDATE messages SET last_event = ?2 WHERE key = ?1";
}

/// It may have been sent twice.
pub(super) const DUPLICATE_RISK: i64 = 1;
/// Somebody wants it stopped.
pub(super) const CANCEL_WISH: i64 = 2;
/// `due` is when it is held until; without it, `due` is when it may leave, also while its batch is paused.
pub(super) const HELD_UNTIL: i64 = 4;

/// An order that a batch was given.
pub(super) const PAUSED: i64 = 1;
/// An order that a batch was given.
pub(super) const STOPPED: i64 = 2;

/// Which index finds a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// None: it has left, or come to its end.
    Nowhere = 0,
    /// It may leave now.
    Ready = 1,
    /// It waits for a time.
    Waiting = 2,
    /// It is held for a lane until a time.
    HeldUntil = 3,
    /// It is held, and not by itself any more.
    Held = 4,
    /// It is leased or being sent.
    InHand = 5,
    /// Its answer was lost and somebody finds out.
    InDoubt = 6,
}

impl Place {
    /// The number in the column.
    pub(super) fn code(self) -> i64 {
        self as i64
    }

    fn of_code(code: i64) -> Self {
        match code {
            1 => Self::Ready,
            2 => Self::Waiting,
            3 => Self::HeldUntil,
            4 => Self::Held,
            5 => Self::InHand,
            6 => Self::InDoubt,
            _ => Self::Nowhere,
        }
    }

    /// Which of a lane's counts it belongs to.
    pub(super) fn column(self) -> Option<usize> {
        match self {
            Self::Nowhere => None,
            Self::Ready => Some(0),
            Self::Waiting => Some(1),
            Self::HeldUntil | Self::Held => Some(2),
            Self::InHand => Some(3),
            Self::InDoubt => Some(4),
        }
    }

    /// Where a message belongs that is in this state, and in no doubt.
    pub(super) fn of(state: MessageState, lane: i64, due: Option<i64>, flags: i64) -> Self {
        match state {
            MessageState::Held(_) if flags & HELD_UNTIL != 0 && lane != 0 => Self::HeldUntil,
            MessageState::Held(_) => Self::Held,
            MessageState::Queued if due.is_some() => Self::Waiting,
            MessageState::Queued => Self::Ready,
            MessageState::Leased | MessageState::Sending => Self::InHand,
            _ => Self::Nowhere,
        }
    }
}

/// Where a message stands.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) key: i64,
    pub(super) id: MessageId,
    pub(super) account: i64,
    pub(super) state: MessageState,
    pub(super) lane: i64,
    pub(super) lease: Option<i64>,
    pub(super) due: Option<i64>,
    pub(super) batch: Option<i64>,
    pub(super) closes_at: Option<i64>,
    pub(super) n_attempts: u16,
    pub(super) flags: i64,
    pub(super) version: u32,
    pub(super) last_event: i64,
    pub(super) expires_at: Option<i64>,
    pub(super) accepted_at: Timestamp,
    /// Whether somebody finds out what became of its latest attempt.
    pub(super) is_doubted: bool,
    changed_at: i64,
    was: Was,
}

/// What the row holds before the change is saved.
#[derive(Clone, Copy, Debug)]
struct Was {
    state: MessageState,
    place: Place,
    lane: i64,
    lease: Option<i64>,
    due: Option<i64>,
    flags: i64,
    n_attempts: u16,
    closes_at: Option<i64>,
}

/// Why a message changes: what its event says besides the state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cause<'a> {
    pub(super) attempt: Option<u16>,
    pub(super) their_time: Option<Timestamp>,
    pub(super) code: Option<&'a str>,
    pub(super) reason: Option<Reason>,
    pub(super) detail: Option<&'a str>,
    /// Whether it is told of also where a lease only goes back into the queue.
    pub(super) is_fault: bool,
}

impl<'a> Cause<'a> {
    /// About an attempt.
    pub(super) fn attempt(number: u16) -> Self {
        Self {
            attempt: Some(number),
            ..Self::default()
        }
    }

    /// With what went wrong.
    pub(super) fn fault(mut self, fault: Option<&'a Fault>) -> Self {
        if let Some(fault) = fault {
            self.code = fault.code.as_deref();
            self.detail = fault.detail.as_deref();
            self.is_fault = true;
        }
        self
    }

    /// With the reason that what comes next gives.
    pub(super) fn next(mut self, next: &Next) -> Self {
        if let Next::Fail(reason) = next {
            self.reason = Some(*reason);
        }
        self
    }
}

impl Standing {
    /// Lets an event happen. Whether the state moved; an event that must not happen moves nothing.
    pub(super) fn on(&mut self, event: MessageEvent) -> bool {
        match self.state.on(event) {
            Transition::Moved { to } => {
                self.state = to;
                true
            }
            // The callers compare the state first; what is refused here is left alone.
            _ => false,
        }
    }

    /// Whether the row has another state than the one that is kept.
    pub(super) fn has_moved(&self) -> bool {
        self.state != self.was.state
    }

    /// The first and the last key that an attempt of it can have.
    pub(super) fn attempt_keys(&self) -> (i64, i64) {
        (self.key << 16, (self.key << 16) | 0xffff)
    }

    /// Waits for a lane, from now on or from a time on.
    pub(super) fn wait_for(&mut self, lane: i64, not_before: Option<Timestamp>) {
        self.lane = lane;
        self.due = not_before.map(Timestamp::as_millis);
        self.flags &= !HELD_UNTIL;
    }

    /// Is held until a time, or until somebody releases it.
    pub(super) fn hold_until(&mut self, until: Option<Timestamp>) {
        self.due = until.map(Timestamp::as_millis);
        if until.is_some() {
            self.flags |= HELD_UNTIL;
        }
    }
}

impl Write {
    /// Where a message stands.
    pub(super) fn standing(&self, key: i64) -> Result<Option<Standing>> {
        self.db.one(STANDING, [key], read_standing)
    }

    /// The same by its name.
    pub(super) fn standing_of(&self, id: MessageId) -> Result<Option<Standing>> {
        let key = self.db.one(KEY_OF, [id.0.into_bytes()], |row| row.get(0))?;
        key.map_or(Ok(None), |key| self.standing(key))
    }

    /// Whether an attempt of it may have been taken, apart from one.
    pub(super) fn earlier(&self, standing: &Standing, but: Option<u16>) -> Result<EarlierAttempts> {
        if standing.n_attempts == 0 || (but.is_some() && standing.n_attempts == 1) {
            return Ok(EarlierAttempts::NoneTaken);
        }
        let (first, last) = standing.attempt_keys();
        let but = but.map_or(-1, |number| first | i64::from(number));
        let any: Option<bool> = self
            .db
            .one(MAYBE_TAKEN, [first, last, but], |row| row.get(0))?;
        Ok(if any == Some(true) {
            EarlierAttempts::MaybeTaken
        } else {
            EarlierAttempts::NoneTaken
        })
    }

    /// What is known of a batch.
    pub(super) fn batch(&mut self, batch: i64) -> Result<KnownBatch> {
        if let Some(known) = self.known_batch(batch) {
            return Ok(known);
        }
        let read = |row: &Row<'_>| {
            Ok(KnownBatch {
                ordered: row.get(0)?,
                last_row: row.get(1)?,
                account: row.get(2)?,
            })
        };
        let known = self.db.one(BATCH_ORDER, [batch], read)?;
        let known = known.ok_or_else(|| StoreError::not_found("batch"))?;
        self.know_batch(batch, known);
        Ok(known)
    }

    /// Lets a message that would wait follow what its batch was ordered and what was asked of itself.
    fn obey(&mut self, standing: &mut Standing) -> Result<()> {
        if !matches!(standing.state, MessageState::Held(_) | MessageState::Queued) {
            return Ok(());
        }
        let ordered = match standing.batch {
            Some(batch) => self.batch(batch)?.ordered,
            None => 0,
        };
        if ordered == STOPPED || standing.flags & CANCEL_WISH != 0 {
            let earlier = self.earlier(standing, None)?;
            standing.on(MessageEvent::CancelRequested(earlier));
        } else if ordered == PAUSED && standing.state == MessageState::Queued {
            standing.on(MessageEvent::Held(HeldReason::Paused));
            // Whatever held it before is over; now it waits for its batch.
            if standing.flags & HELD_UNTIL != 0 {
                standing.wait_for(standing.lane, None);
            }
        }
        Ok(())
    }

    /// Lets orders hold that a message may be under, and writes its change with its event and the counts.
    pub(super) fn save(
        &mut self,
        standing: &mut Standing,
        cause: &Cause<'_>,
        now: Timestamp,
    ) -> Result<()> {
        self.obey(standing)?;
        let state = standing.state;
        if state != MessageState::Unknown && standing.is_doubted {
            standing.is_doubted = false;
            let (first, last) = standing.attempt_keys();
            self.db.execute(END_DOUBT, [first, last])?;
        }
        if state.is_final() && standing.n_attempts > 0 && standing.has_moved() {
            let (first, last) = standing.attempt_keys();
            self.db.execute(END_POLLS, [first, last])?;
        }
        let cause = &Cause {
            reason: cause.reason.or(match state {
                MessageState::Canceled => Some(Reason::Canceled),
                MessageState::Expired => Some(Reason::Expired),
                _ => None,
            }),
            ..*cause
        };
        let is_held = matches!(state, MessageState::Held(_));
        let was_held_until = standing.flags & HELD_UNTIL != 0;
        if !is_held && (state != MessageState::Queued || was_held_until) {
            standing.due = None;
            standing.flags &= !HELD_UNTIL;
        }
        if !matches!(state, MessageState::Leased | MessageState::Sending) {
            standing.lease = None;
        }
        let place = if standing.is_doubted {
            Place::InDoubt
        } else {
            Place::of(state, standing.lane, standing.due, standing.flags)
        };
        let was = standing.was;
        let is_news = standing.has_moved()
            && state != MessageState::Leased
            && (was.state != MessageState::Leased
                || state != MessageState::Queued
                || cause.is_fault);
        if is_news && let Some(kind) = EventKind::of_state(state) {
            standing.version += 1;
            standing.changed_at = now.as_millis();
            self.tell(standing, kind, cause, now)?;
        }
        self.count(standing, place, now);
        self.update(standing, place, is_news.then_some(cause))?;
        standing.was = Was {
            state,
            place,
            lane: standing.lane,
            lease: standing.lease,
            due: standing.due,
            flags: standing.flags,
            n_attempts: standing.n_attempts,
            closes_at: standing.closes_at,
        };
        Ok(())
    }

    /// Writes an event of a message without saving the message.
    pub(super) fn tell(
        &mut self,
        standing: &mut Standing,
        kind: EventKind,
        cause: &Cause<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let event = EventRow {
            at: now,
            kind,
            account: standing.account,
            message: Some((standing.key, standing.last_event)),
            batch: None,
            lane: standing.lane,
            attempt: cause.attempt,
            state: Some(standing.state),
            version: Some(standing.version),
            their_time: cause.their_time,
            code: cause.code,
            reason: cause.reason,
            detail: cause.detail,
        };
        standing.last_event = self.event(&event)?;
        Ok(())
    }

    /// Writes an event that changes nothing of the message.
    pub(super) fn note(
        &mut self,
        standing: &mut Standing,
        cause: &Cause<'_>,
        now: Timestamp,
    ) -> Result<()> {
        self.tell(standing, EventKind::Noted, cause, now)?;
        self.db
            .execute(LAST_EVENT, [standing.key, standing.last_event])?;
        Ok(())
    }

    fn count(&mut self, standing: &Standing, place: Place, now: Timestamp) {
        let was = standing.was;
        if was.place != place || was.lane != standing.lane {
            self.count_on_lane(was.lane, was.place, -1);
            self.count_on_lane(standing.lane, place, 1);
        }
        if let Some(batch) = standing.batch
            && was.state.as_str() != standing.state.as_str()
        {
            self.count_in_batch(batch, was.state, -1, now);
            self.count_in_batch(batch, standing.state, 1, now);
        }
    }

    /// Writes the row; with its reason and detail where there was an event.
    fn update(
        &mut self,
        standing: &Standing,
        place: Place,
        told: Option<&Cause<'_>>,
    ) -> Result<()> {
        let was = standing.was;
        let is_in_place = was.place == place
            && was.lane == standing.lane
            && was.lease == standing.lease
            && was.due == standing.due
            && was.closes_at == standing.closes_at;
        let state = state_code(standing.state);
        match told {
            Some(cause) if is_in_place => self.db.execute(
                SAVE_IN_PLACE,
                params![
                    standing.key,
                    state,
                    standing.n_attempts,
                    standing.flags,
                    standing.version,
                    standing.changed_at,
                    standing.last_event,
                    cause.reason.map(Reason::as_str),
                    cause.detail,
                ],
            )?,
            Some(cause) => self.db.execute(
                SAVE,
                params![
                    standing.key,
                    state,
                    place.code(),
                    standing.lane,
                    standing.lease,
                    standing.due,
                    standing.closes_at,
                    standing.n_attempts,
                    standing.flags,
                    standing.version,
                    standing.changed_at,
                    standing.last_event,
                    cause.reason.map(Reason::as_str),
                    cause.detail,
                ],
            )?,
            None if is_in_place
                && was.state == standing.state
                && was.flags == standing.flags
                && was.n_attempts == standing.n_attempts =>
            {
                0
            }
            None => self.db.execute(
                SAVE_QUIETLY,
                params![
                    standing.key,
                    state,
                    place.code(),
                    standing.lane,
                    standing.lease,
                    standing.due,
                    standing.closes_at,
                    standing.n_attempts,
                    standing.flags,
                ],
            )?,
        };
        Ok(())
    }
}

fn read_standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let place = Place::of_code(row.get(4)?);
    let was = Was {
        state: row.state(3)?,
        place,
        lane: row.get(5)?,
        lease: row.get(6)?,
        due: row.get(7)?,
        flags: row.get(11)?,
        n_attempts: row.get(10)?,
        closes_at: row.get(9)?,
    };
    Ok(Standing {
        key: row.get(0)?,
        id: MessageId(row.id(1)?),
        account: row.get(2)?,
        state: was.state,
        lane: was.lane,
        lease: was.lease,
        due: was.due,
        batch: row.get(8)?,
        closes_at: was.closes_at,
        n_attempts: was.n_attempts,
        flags: was.flags,
        version: row.get(12)?,
        changed_at: row.get(13)?,
        last_event: row.get(14)?,
        expires_at: row.get(15)?,
        accepted_at: row.time(16)?,
        is_doubted: place == Place::InDoubt,
        was,
    })
}
