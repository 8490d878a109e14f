//! Makes good what time or a crash left: the parts of `repair` and `take_over`.
//!
//! Called by `queue.rs`.

use std::time::Duration;

use tidings_core::{MessageEvent, MessageState, Timestamp};

use super::State;
use super::rows::{Cause, Held, MessageRow};
use crate::model::{INTERRUPTED, Repaired};

/// How long a report without a match is kept.
const KEEP_UNMATCHED: Duration = Duration::from_hours(72);

impl State {
    pub(super) fn end_leases(
        &mut self,
        is_over: impl Fn(&Held) -> bool,
        limit: usize,
        now: Timestamp,
    ) -> Repaired {
        let mut n_ended = [0, 0];
        let states = [MessageState::Leased, MessageState::Sending];
        for (state, n_ended) in states.into_iter().zip(&mut n_ended) {
            let is_meant =
                |row: &&MessageRow| row.state == state && row.lease.as_ref().is_some_and(&is_over);
            for key in self.keys(is_meant).into_iter().take(limit) {
                let open = self.messages[&key].attempts.last();
                let open = open.filter(|_| state == MessageState::Sending);
                let open = open.map(|attempt| attempt.number);
                let cause = Cause {
                    attempt: open,
                    ..Cause::default()
                };
                self.change(key, cause, now, |row| {
                    row.on(MessageEvent::LeaseLost);
                    if let Some(number) = open {
                        let attempt = row.attempt_mut(number);
                        attempt.became_unknown(now);
                        attempt.error = Some(INTERRUPTED.into());
                        attempt.check_at = Some(now);
                    }
                });
                *n_ended += 1;
            }
        }
        let [leases, attempts] = n_ended;
        Repaired {
            leases,
            attempts,
            ..Repaired::default()
        }
    }

    pub(super) fn expire(&mut self, limit: usize, now: Timestamp) -> u64 {
        let is_over = |row: &&MessageRow| {
            matches!(row.state, MessageState::Held(_) | MessageState::Queued)
                && row.expires_at.is_some_and(|at| at <= now)
        };
        let mut n_expired = 0;
        let mut over = self.keys(is_over);
        over.sort_by_key(|key| self.messages[key].expires_at);
        for key in over.into_iter().take(limit) {
            self.change(key, Cause::default(), now, |row| {
                row.on(MessageEvent::ValidityEnded(row.earlier()));
            });
            n_expired += 1;
        }
        n_expired
    }

    pub(super) fn release_due(&mut self, limit: usize, now: Timestamp) -> u64 {
        let is_due = |row: &&MessageRow| {
            matches!(row.state, MessageState::Held(_))
                && row.lane.is_some()
                && row.hold_until.is_some_and(|at| at <= now)
        };
        let mut n_released = 0;
        let mut due = self.keys(is_due);
        due.sort_by_key(|key| self.messages[key].hold_until);
        for key in due.into_iter().take(limit) {
            let event = MessageEvent::Released;
            self.change(key, Cause::default(), now, |row| row.on(event));
            n_released += 1;
        }
        n_released
    }

    pub(super) fn remove_useless(&mut self, limit: usize, now: Timestamp) -> u64 {
        let mut n_removed = 0;
        let mut is_left = |is_useless: bool, n_of_kind: &mut usize| {
            let goes = is_useless && *n_of_kind < limit;
            if goes {
                *n_of_kind += 1;
                n_removed += 1;
            }
            !goes
        };
        let mut n_keys = 0;
        self.once
            .retain(|_, row| is_left(row.once.keep_until <= now, &mut n_keys));
        let mut n_tokens = 0;
        self.tokens.retain(|_, token| {
            let is_over = token.expires_at.is_some_and(|at| at <= now);
            is_left(is_over, &mut n_tokens)
        });
        let mut n_reports = 0;
        self.unmatched.retain(|heard| {
            let is_over = heard.received_at.plus(KEEP_UNMATCHED) <= now;
            is_left(is_over, &mut n_reports)
        });
        n_removed
    }
}
