//! The way out.

use async_trait::async_trait;
use tidings_core::{AttemptEnd, MessageEvent, MessageState, ProviderRef, ReportedState, Timestamp};

use super::rows::{AttemptRow, Cause, Held, MessageRow, Order};
use super::{MemoryStore, State};
use crate::error::{Result, StoreError};
use crate::model::{
    AttemptId, AttemptOutcome, Begin, Begun, Doubt, Finding, Finished, LaneId, Lease, LeaseRequest,
    Leased, MessageKey, Next, NodeId, Outcome, Repaired, Returned, Settled,
};
use crate::store::Queue;

#[async_trait]
impl Queue for MemoryStore {
    async fn lease_due(&self, request: LeaseRequest, now: Timestamp) -> Result<Vec<Leased>> {
        let state = &mut *self.lock();
        let is_ready = |row: &&MessageRow| {
            row.lane.as_ref() == Some(&request.lane)
                && row.state == MessageState::Queued
                && row.not_before.is_some_and(|at| at <= now)
        };
        for key in state.keys(is_ready) {
            state.edit(key, |row| row.not_before = None);
        }
        let turns = state.ready.get(&request.lane);
        let turns = turns.into_iter().flatten().take(request.limit);
        let keys: Vec<MessageKey> = turns.map(|(_, _, key)| *key).collect();
        let lease = Lease(state.number());
        for &key in &keys {
            state.change(key, Cause::default(), now, |row| {
                row.on(MessageEvent::Leased);
                row.lease = Some(Held {
                    lease,
                    node: request.node.clone(),
                    until: request.until,
                });
            });
        }
        state.commit(now);
        let leased = keys.into_iter();
        leased
            .map(|key| Ok(leased_message(state.row(key)?, lease)))
            .collect()
    }

    async fn begin_attempts(&self, begin: Vec<Begin>, now: Timestamp) -> Result<Vec<Begun>> {
        let state = &mut *self.lock();
        let begun = begin.into_iter().map(|begin| state.begin(begin, now));
        let begun = begun.collect();
        state.commit(now);
        Ok(begun)
    }

    async fn finish_attempts(
        &self,
        finished: Vec<Finished>,
        now: Timestamp,
    ) -> Result<Vec<MessageState>> {
        let state = &mut *self.lock();
        for one in &finished {
            state.attempt_row(one.key, one.attempt)?;
        }
        let finished = finished.into_iter();
        let after = finished
            .map(|finished| state.finish(finished, now))
            .collect();
        state.commit(now);
        after
    }

    async fn return_leased(&self, returned: Vec<Returned>, now: Timestamp) -> Result<()> {
        let state = &mut *self.lock();
        for returned in returned {
            let Ok(row) = state.row(returned.key) else {
                continue;
            };
            if !is_leased_under(row, returned.lease) {
                continue;
            }
            let mut cause = Cause {
                is_fault: returned.fault.is_some(),
                reason: reason_of(&returned.next),
                ..Cause::default()
            };
            if let Some(fault) = returned.fault {
                (cause.code, cause.detail) = (fault.code, fault.detail);
            }
            state.change(returned.key, cause, now, |row| {
                row.closes_at = returned.closes_at.or(row.closes_at);
                go_on(row, returned.next, MessageEvent::LeaseReturned);
            });
        }
        state.commit(now);
        Ok(())
    }

    async fn doubts_due(
        &self,
        lane: &LaneId,
        until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Doubt>> {
        let state = &mut *self.lock();
        let rows = state.messages.values();
        let rows = rows.filter(|row| row.state == MessageState::Unknown);
        let doubts = rows.flat_map(|row| {
            let of_lane = row.attempts.iter().filter(|it| it.lane == *lane);
            of_lane.filter_map(|it| Some((it.check_at?, row.key, it.number)))
        });
        let mut due: Vec<_> = doubts.filter(|(at, _, _)| *at <= now).collect();
        due.sort_unstable();
        due.truncate(limit);
        let doubts = due.into_iter().map(|(_, key, number)| {
            state.edit(key, |row| {
                row.attempt_mut(number).check_at = Some(until);
                doubt(row, number)
            })
        });
        Ok(doubts.collect())
    }

    async fn settle_doubts(
        &self,
        settled: Vec<Settled>,
        now: Timestamp,
    ) -> Result<Vec<MessageState>> {
        let state = &mut *self.lock();
        for one in &settled {
            state.attempt_row(one.key, one.attempt)?;
        }
        let settled = settled.into_iter();
        let after = settled.map(|settled| state.settle(settled, now)).collect();
        state.commit(now);
        after
    }

    async fn repair(&self, limit: usize, now: Timestamp) -> Result<Repaired> {
        let state = &mut *self.lock();
        let has_run_out = |held: &Held| held.until <= now;
        let mut repaired = state.end_leases(has_run_out, limit, now);
        repaired.expired = state.expire(limit, now);
        repaired.released = state.release_due(limit, now);
        repaired.removed = state.remove_useless(limit, now);
        state.commit(now);
        Ok(repaired)
    }

    async fn take_over(&self, node: &NodeId, now: Timestamp) -> Result<Repaired> {
        let state = &mut *self.lock();
        let repaired = state.end_leases(|held| held.node == *node, usize::MAX, now);
        for delivery in state.deliveries.values_mut() {
            if delivery.node.as_ref() == Some(node) {
                delivery.node = None;
                delivery.next_at = Some(now);
            }
        }
        let attempts = state.messages.values_mut();
        for attempt in attempts.flat_map(|row| &mut row.attempts) {
            attempt.check_at = attempt.check_at.map(|at| at.min(now));
        }
        state.commit(now);
        Ok(repaired)
    }

    async fn next_due(&self, lanes: &[LaneId]) -> Result<Option<Timestamp>> {
        let state = &*self.lock();
        let of_row = |row: &MessageRow| {
            let is_ours = row.lane.as_ref().is_some_and(|lane| lanes.contains(lane));
            let waits = match row.state {
                MessageState::Held(_) => row.hold_until,
                MessageState::Queued => row.not_before,
                _ => None,
            };
            let attempts = row.attempts.iter().filter(|it| lanes.contains(&it.lane));
            let asked = attempts.flat_map(|it| [it.check_at, it.poll_at]).flatten();
            asked.chain(waits.filter(|_| is_ours)).min()
        };
        Ok(state.messages.values().filter_map(of_row).min())
    }
}

impl State {
    pub(super) fn keys(&self, is_meant: impl FnMut(&&MessageRow) -> bool) -> Vec<MessageKey> {
        let rows = self.messages.values().filter(is_meant);
        rows.map(|row| row.key).collect()
    }

    pub(super) fn attempt_row(&self, key: MessageKey, attempt: AttemptId) -> Result<&AttemptRow> {
        let row = self.row(key)?;
        let row = row
            .attempt(attempt.number)
            .filter(|_| row.id == attempt.message);
        row.ok_or_else(|| StoreError::not_found("attempt"))
    }

    fn begin(&mut self, begin: Begin, now: Timestamp) -> Begun {
        let Ok(row) = self.row(begin.key) else {
            return Begun::Gone;
        };
        if !is_leased_under(row, begin.lease) {
            return Begun::Gone;
        }
        let order = row
            .batch
            .map_or(Order::Go, |place| self.order_of(place.batch));
        if order != Order::Go {
            // Back into the queue, where the order holds.
            let back = MessageEvent::LeaseReturned;
            self.change(begin.key, Cause::default(), now, |row| row.on(back));
            return Begun::Gone;
        }
        let number = u16::try_from(row.attempts.len() + 1).unwrap_or(u16::MAX);
        let id = row.id;
        self.change(begin.key, Cause::of_attempt(number), now, |row| {
            let lane = row.lane.clone().expect("what is leased has a lane");
            row.attempts.push(AttemptRow {
                number,
                lane,
                from: begin.from,
                began_at: now,
                ended_at: None,
                outcome: None,
                provider_ref: None,
                error: None,
                code: None,
                unknown_since: None,
                check_at: None,
                n_checks: 0,
                poll_at: None,
                n_polls: 0,
            });
            row.on(MessageEvent::AttemptBegan);
        });
        Begun::Go(AttemptId {
            message: id,
            number,
        })
    }

    fn finish(&mut self, finished: Finished, now: Timestamp) -> Result<MessageState> {
        let (key, number) = (finished.key, finished.attempt.number);
        let before = self.attempt_row(key, finished.attempt)?.outcome;
        let is_open = matches!(before, None | Some(AttemptOutcome::Unknown));
        match finished.outcome {
            Outcome::Taken {
                provider_ref,
                poll_at,
            } => self.took(key, number, provider_ref, poll_at, now),
            Outcome::NotTaken { fault, next } if is_open => {
                self.edit(key, |row| {
                    let attempt = row.attempt_mut(number);
                    attempt.error = Some(fault.class);
                    attempt.code.clone_from(&fault.code);
                });
                let cause = Cause {
                    code: fault.code,
                    detail: fault.detail,
                    ..Cause::of_attempt(number)
                };
                self.not_taken(key, number, next, cause, now);
            }
            Outcome::NotTaken { .. } => {}
            Outcome::Unknown {
                fault,
                provider_ref,
                check_at,
            } => {
                if is_open {
                    let cause = Cause {
                        code: fault.code.clone(),
                        detail: fault.detail,
                        ..Cause::of_attempt(number)
                    };
                    self.change(key, cause, now, |row| {
                        let is_last = row.is_last(number);
                        let attempt = row.attempt_mut(number);
                        attempt.error = Some(fault.class);
                        attempt.code = fault.code;
                        attempt.became_unknown(now);
                        if is_last {
                            row.on(MessageEvent::AttemptEnded(AttemptEnd::NoVerdict));
                        }
                    });
                    self.edit(key, |row| {
                        if row.state == MessageState::Unknown && row.is_last(number) {
                            row.attempt_mut(number).check_at = check_at;
                        }
                    });
                }
                if let Some(provider_ref) = provider_ref {
                    self.name_attempt(key, number, provider_ref);
                    self.match_again(key, number, now);
                }
            }
        }
        Ok(self.row(key)?.state)
    }

    fn settle(&mut self, settled: Settled, now: Timestamp) -> Result<MessageState> {
        let (key, number) = (settled.key, settled.attempt.number);
        let row = self.row(key)?;
        let is_waited_for = row.state == MessageState::Unknown && row.is_last(number);
        let attempt = self.attempt_row(key, settled.attempt)?;
        if attempt.outcome != Some(AttemptOutcome::Unknown) {
            return Ok(self.row(key)?.state);
        }
        match settled.finding {
            Finding::Taken {
                provider_ref,
                poll_at,
            } => self.took(key, number, provider_ref, poll_at, now),
            Finding::NotTaken(next) => {
                self.not_taken(key, number, next, Cause::of_attempt(number), now);
            }
            Finding::AskAgain(at) if is_waited_for => self.edit(key, |row| {
                let attempt = row.attempt_mut(number);
                attempt.check_at = Some(at);
                attempt.n_checks += 1;
            }),
            Finding::Resend { lane, not_before } if is_waited_for => {
                let after = self.change(key, Cause::of_attempt(number), now, |row| {
                    row.lane = Some(lane);
                    row.on(MessageEvent::ResendDue);
                    row.not_before = not_before;
                    row.attempt_mut(number).check_at = None;
                });
                let waits = matches!(after, MessageState::Queued | MessageState::Held(_));
                self.edit(key, |row| row.duplicate_risk |= waits);
            }
            Finding::GiveUp if is_waited_for => {
                self.edit(key, |row| row.attempt_mut(number).check_at = None);
            }
            Finding::AskAgain(_) | Finding::Resend { .. } | Finding::GiveUp => {}
        }
        Ok(self.row(key)?.state)
    }

    /// The provider has it: it says so itself.
    fn took(
        &mut self,
        key: MessageKey,
        number: u16,
        provider_ref: ProviderRef,
        poll_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        self.change(key, Cause::of_attempt(number), now, |row| {
            row.attempt_mut(number).was_taken(now);
            if row.is_last(number) {
                row.on(MessageEvent::AttemptEnded(AttemptEnd::Taken));
            } else {
                row.duplicate_risk |= row.has_begun_after(number);
                row.on(MessageEvent::EarlierReported(ReportedState::Submitted));
            }
        });
        self.edit(key, |row| {
            if !row.state.is_final() {
                row.attempt_mut(number).poll_at = poll_at;
            }
        });
        self.name_attempt(key, number, provider_ref);
        self.match_again(key, number, now);
    }

    /// It is proved that the provider does not have it.
    fn not_taken(
        &mut self,
        key: MessageKey,
        number: u16,
        next: Next,
        cause: Cause,
        now: Timestamp,
    ) {
        let cause = Cause {
            reason: reason_of(&next),
            ..cause
        };
        self.change(key, cause, now, |row| {
            let attempt = row.attempt_mut(number);
            attempt.outcome = Some(AttemptOutcome::NotTaken);
            attempt.ended_at.get_or_insert(now);
            attempt.check_at = None;
            let waits_for_it = matches!(row.state, MessageState::Sending | MessageState::Unknown);
            if waits_for_it && row.is_last(number) {
                go_on(row, next, MessageEvent::AttemptEnded(AttemptEnd::NotTaken));
            }
        });
    }
}

impl AttemptRow {
    /// The provider has the message, whatever was thought before.
    pub(super) fn was_taken(&mut self, now: Timestamp) {
        self.outcome = Some(AttemptOutcome::Taken);
        self.ended_at.get_or_insert(now);
        self.check_at = None;
    }

    pub(super) fn became_unknown(&mut self, now: Timestamp) {
        self.outcome = Some(AttemptOutcome::Unknown);
        self.ended_at.get_or_insert(now);
        self.unknown_since.get_or_insert(now);
    }

    /// When the provider took it; `None` where the answer was lost.
    pub(super) fn taken_at(&self) -> Option<Timestamp> {
        let is_known = self.outcome == Some(AttemptOutcome::Taken) && self.unknown_since.is_none();
        self.ended_at.filter(|_| is_known)
    }
}

impl MessageRow {
    /// Whether there is a later attempt that may have been taken, too.
    pub(super) fn has_begun_after(&self, number: u16) -> bool {
        let mut later = self.attempts.iter().skip(usize::from(number));
        later.any(|attempt| attempt.outcome != Some(AttemptOutcome::NotTaken))
    }
}

/// What comes next for a message that is with us again by the event `back`.
fn go_on(row: &mut MessageRow, next: Next, back: MessageEvent) {
    match next {
        Next::Again { lane, not_before } => {
            row.lane = Some(lane);
            row.on(back);
            row.not_before = not_before;
        }
        Next::Hold(hold) => {
            row.on(back);
            row.on(MessageEvent::Held(hold.reason));
            row.hold_until = hold.until;
        }
        Next::Fail(_) => {
            row.on(MessageEvent::AttemptEnded(AttemptEnd::Failed(
                row.earlier(),
            )));
        }
        Next::Expire => {
            row.on(back);
            row.on(MessageEvent::ValidityEnded(row.earlier()));
        }
    }
}

fn reason_of(next: &Next) -> Option<tidings_core::Reason> {
    match next {
        Next::Fail(reason) => Some(*reason),
        Next::Again { .. } | Next::Hold(_) | Next::Expire => None,
    }
}

fn is_leased_under(row: &MessageRow, lease: Lease) -> bool {
    let is_his = row.lease.as_ref().is_some_and(|held| held.lease == lease);
    row.state == MessageState::Leased && is_his
}

fn leased_message(row: &MessageRow, lease: Lease) -> Leased {
    let mut message = row.message.clone();
    message.policy = Some(row.policy());
    let mut tried: Vec<LaneId> = Vec::new();
    for attempt in &row.attempts {
        if attempt.outcome == Some(AttemptOutcome::NotTaken) {
            tried.retain(|lane| *lane != attempt.lane);
            tried.push(attempt.lane.clone());
        }
    }
    Leased {
        key: row.key,
        lease,
        id: row.id,
        account: row.account.clone(),
        message,
        parts: row.parts,
        stamp: row.stamp,
        accepted_at: row.accepted_at,
        expires_at: row.expires_at,
        timing: row.timing.clone(),
        closes_at: row.closes_at,
        terms: row.terms.clone(),
        batch: row.batch.map(|place| place.batch),
        n_attempts: u16::try_from(row.attempts.len()).unwrap_or(u16::MAX),
        first_attempt_at: row.attempts.first().map(|attempt| attempt.began_at),
        tried,
        duplicate_risk: row.duplicate_risk,
        is_from_routed: false,
    }
}

fn doubt(row: &MessageRow, number: u16) -> Doubt {
    let attempt = row
        .attempt(number)
        .expect("it was found among its attempts");
    let mut message = row.message.clone();
    message.policy = Some(row.policy());
    Doubt {
        key: row.key,
        attempt: AttemptId {
            message: row.id,
            number,
        },
        lane: attempt.lane.clone(),
        began_at: attempt.began_at,
        unknown_since: attempt.unknown_since.unwrap_or(attempt.began_at),
        n_checks: attempt.n_checks,
        provider_ref: attempt.provider_ref.clone(),
        message,
        policy: row.policy(),
        expires_at: row.expires_at,
        terms: row.terms.clone(),
    }
}
