//! What providers say of messages they took.

use async_trait::async_trait;
use tidings_core::{MessageEvent, MessageState, ProviderRef, ReportedState, Timestamp};

use super::rows::Cause;
use super::{MemoryStore, State};
use crate::error::Result;
use crate::model::{
    Applied, AttemptId, AttemptOutcome, EventKind, Heard, LaneId, MessageKey, NextPoll, Poll,
};
use crate::store::Reports;

#[async_trait]
impl Reports for MemoryStore {
    async fn apply_reports(&self, heard: Vec<Heard>, now: Timestamp) -> Result<Vec<Applied>> {
        let state = &mut *self.lock();
        let mut applied = Vec::with_capacity(heard.len());
        for heard in heard {
            if let Some((key, number)) = state.attempt_of(&heard) {
                applied.push(state.apply(&heard, key, number, now));
            } else {
                state.unmatched.push(heard);
                applied.push(Applied::Unmatched);
            }
        }
        state.commit(now);
        Ok(applied)
    }

    async fn polls_due(
        &self,
        lane: &LaneId,
        until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Poll>> {
        let state = &mut *self.lock();
        let polls = state.messages.values().flat_map(|row| {
            let of_lane = row.attempts.iter().filter(|it| it.lane == *lane);
            of_lane.filter_map(|it| Some((it.poll_at?, row.key, it.number)))
        });
        let mut due: Vec<_> = polls.filter(|(at, _, _)| *at <= now).collect();
        due.sort_unstable();
        due.truncate(limit);
        let polls = due.into_iter().map(|(_, key, number)| {
            state.edit(key, |row| {
                let (id, expires_at) = (row.id, row.expires_at);
                let attempt = row.attempt_mut(number);
                attempt.poll_at = Some(until);
                Poll {
                    key,
                    attempt: AttemptId {
                        message: id,
                        number,
                    },
                    provider_ref: attempt.provider_ref.clone().unwrap_or_default(),
                    taken_at: attempt.ended_at.unwrap_or(attempt.began_at),
                    n_polls: attempt.n_polls,
                    expires_at,
                }
            })
        });
        Ok(polls.collect())
    }

    async fn schedule_polls(&self, polls: Vec<NextPoll>) -> Result<()> {
        let state = &mut *self.lock();
        for poll in polls {
            if state.attempt_row(poll.key, poll.attempt).is_err() {
                continue;
            }
            state.edit(poll.key, |row| {
                let is_over = row.state.is_final();
                let attempt = row.attempt_mut(poll.attempt.number);
                attempt.poll_at = poll.at.filter(|_| !is_over);
                attempt.n_polls += 1;
            });
        }
        Ok(())
    }
}

impl State {
    /// The attempt that a report is about.
    fn attempt_of(&self, heard: &Heard) -> Option<(MessageKey, u16)> {
        let about = &heard.report.about;
        let lane = &heard.lane;
        let by_reference = || {
            let id = AttemptId::of_reference(about.reference.as_ref()?.as_str())?;
            let key = *self.by_id.get(&id.message)?;
            let attempt = self.messages[&key].attempt(id.number)?;
            (attempt.lane == *lane).then_some((key, id.number))
        };
        let by_id = || {
            let id = (lane.clone(), about.message.clone()?);
            self.by_provider_id.get(&id)?.last().copied()
        };
        let by_batch = || {
            let id = (lane.clone(), about.batch.clone()?, about.recipient?);
            self.by_provider_batch.get(&id)?.last().copied()
        };
        by_reference().or_else(by_id).or_else(by_batch)
    }

    /// Keeps how a provider calls the message of an attempt.
    pub(super) fn name_attempt(&mut self, key: MessageKey, number: u16, name: ProviderRef) {
        let row = &self.messages[&key];
        let to = row.message.to;
        let attempt = row.attempt(number).expect("it was looked up before");
        let lane = attempt.lane.clone();
        if let Some(before) = attempt.provider_ref.clone() {
            if let Some(id) = before.message {
                let ids = self.by_provider_id.entry((lane.clone(), id));
                ids.or_default().remove(&(key, number));
            }
            if let Some(batch) = before.batch {
                let id = (lane.clone(), batch, to);
                let members = self.by_provider_batch.entry(id);
                members.or_default().remove(&(key, number));
            }
        }
        if let Some(id) = name.message.clone() {
            let ids = self.by_provider_id.entry((lane.clone(), id));
            ids.or_default().insert((key, number));
        }
        if let Some(batch) = name.batch.clone() {
            let members = self.by_provider_batch.entry((lane, batch, to));
            members.or_default().insert((key, number));
        }
        let name = (name != ProviderRef::default()).then_some(name);
        self.edit(key, |row| row.attempt_mut(number).provider_ref = name);
    }

    /// Reports that came before the provider's name for the message was known.
    pub(super) fn match_again(&mut self, key: MessageKey, number: u16, now: Timestamp) {
        let unmatched = std::mem::take(&mut self.unmatched);
        let is_its = |heard: &Heard| self.attempt_of(heard) == Some((key, number));
        let (its, others) = unmatched.into_iter().partition(is_its);
        self.unmatched = others;
        let its: Vec<Heard> = its;
        for heard in &its {
            self.apply(heard, key, number, now);
        }
    }

    fn apply(&mut self, heard: &Heard, key: MessageKey, number: u16, now: Timestamp) -> Applied {
        let said = heard.report.state;
        let row = &self.messages[&key];
        let before = row.state;
        let is_proved_not = |outcome| outcome == Some(AttemptOutcome::NotTaken);
        let mut counting = row.attempts.iter().rev();
        let counting = counting.find(|attempt| !is_proved_not(attempt.outcome));
        let event = if counting.is_some_and(|attempt| attempt.number == number) {
            MessageEvent::Reported(said)
        } else {
            MessageEvent::EarlierReported(said)
        };
        let cause = || Cause {
            their_time: heard.report.at,
            code: heard.report.raw.as_deref().map(Into::into),
            reason: heard.report.reason,
            detail: heard.report.detail.as_deref().map(Into::into),
            ..Cause::of_attempt(number)
        };
        let came_through = matches!(
            said,
            ReportedState::Submitted | ReportedState::Sent | ReportedState::Delivered
        );
        let after = self.change(key, cause(), now, |row| {
            let attempt = row.attempt_mut(number);
            if said != ReportedState::Unknown && !is_proved_not(attempt.outcome) {
                attempt.was_taken(now);
            }
            row.duplicate_risk |= came_through && row.has_begun_after(number);
            row.on(event);
            let is_left_open = before == MessageState::Sending && row.state != before;
            if is_left_open
                && let Some(latest) = row.attempts.last_mut()
                && latest.number != number
                && latest.outcome.is_none()
            {
                latest.became_unknown(now);
            }
        });
        if after == before {
            self.note(key, cause(), now);
        }
        self.applied(key, number, before, after)
    }

    fn applied(
        &self,
        key: MessageKey,
        number: u16,
        before: MessageState,
        after: MessageState,
    ) -> Applied {
        let row = &self.messages[&key];
        let attempt = row.attempt(number).expect("it was looked up before");
        Applied::Noted {
            id: row.id,
            account: row.account.clone(),
            before,
            after,
            accepted_at: row.accepted_at,
            taken_at: attempt.taken_at(),
            lane: attempt.lane.clone(),
        }
    }

    /// Writes down a report that changed nothing, unless it is there.
    fn note(&mut self, key: MessageKey, cause: Cause, now: Timestamp) {
        let row = self.messages[&key].clone();
        let is_there = self.events.iter().any(|event| {
            event.message == Some(row.id)
                && event.attempt == cause.attempt
                && event.their_time == cause.their_time
                && event.code == cause.code
                && event.reason == cause.reason
                && event.detail == cause.detail
        });
        if !is_there {
            self.tell_of(&row, EventKind::Noted, cause, now);
        }
    }
}
