//! What the loop of a lane starts, and when: leases, attempts, calls, ends.
//!
//! The other half of [`super::lane`]. Every function starts what can be started at this moment and waits for
//! nothing.

use std::sync::Arc;
use std::time::Duration;

use tidings::layers::CircuitState;
use tidings_core::Timestamp;
use tidings_store::{
    Begin, Begun, Finished, LaneId, LeaseRequest, Leased, Next, Outcome, Returned,
};

use super::attempt::{board, fly};
use super::group::{CallSize, into_calls};
use super::lane::{LOOK, LaneLoop, Step, Waiting};
use super::memory::{self, While};
use super::moving;
use super::next;
use super::pace::Today;
use super::route::{self, sender_on};
use super::suspension::Passable;
use crate::intake::timing::{NextOpening, next_opening};
use crate::reports::{self, Calls};

/// The most messages of one store call.
const MOST_AT_ONCE: usize = 1_000;

/// The most messages in hand.
const MOST_IN_HAND: usize = 4_000;

/// How long leased messages are kept in hand before an attempt begins.
const LONGEST_HOLD: Duration = Duration::from_mins(1);

/// What is left of a lease when the last call that it may cover has reached its limit.
const MARGIN: Duration = Duration::from_mins(1);

/// So long after the last messages came it is looked what is due next.
const QUIET: Duration = Duration::from_millis(20);

/// How many beginnings, and how many ends, are on their way to the store at the same time.
const STORE_CALLS: u8 = 2;

impl LaneLoop {
    /// Starts all that can be started.
    pub(super) fn advance(&mut self) {
        let now = self.gateway.clock().elapsed();
        let has_store = now >= self.store_is_back_at;
        if has_store {
            self.start_finishes();
        }
        let passable = self.passable(now);
        if self.is_ending {
            self.give_back_waiting();
        } else {
            match passable {
                Passable::Nothing(until) => self.sit_out(until, now),
                Passable::All | Passable::Probe if has_store => {
                    let slots = match passable {
                        Passable::Probe => 1,
                        _ => self.lane.config.in_flight.max(1),
                    };
                    let ahead = match passable {
                        Passable::Probe => 0,
                        _ => self.tempo.ahead(slots),
                    };
                    self.start_begins(slots + ahead, now);
                    self.start_lease(slots, ahead, now);
                }
                Passable::All | Passable::Probe => {}
            }
        }
        self.start_calls();
        if has_store {
            self.start_returns();
        }
        self.show();
    }

    /// What may be sent at this moment, by all that can be in the way.
    fn passable(&mut self, now: Duration) -> Passable {
        let standing = &self.lane.standing;
        if standing.is_paused() {
            return Passable::Nothing(Duration::MAX);
        }
        if let Some(cap) = self.lane.config.daily_cap {
            let today = standing.daily().today(cap, self.gateway.now());
            let is_over = matches!(today, Today::Nothing(_));
            standing.set_capped(is_over);
            // What is leased has been counted, and leaves.
            if let Today::Nothing(until) = today
                && self.hand.waiting.is_empty()
            {
                let rest = until.since(self.gateway.now());
                return Passable::Nothing(now.saturating_add(rest));
            }
        } else {
            standing.set_capped(false);
        }
        let suspended = standing.suspension().passable(now);
        if let Passable::Nothing(_) = suspended {
            return suspended;
        }
        match self.lane.circuit.state() {
            CircuitState::Open { rest } => return Passable::Nothing(now.saturating_add(rest)),
            CircuitState::Closed => {}
            // `CircuitState` may grow: what is not known here is tried by one call.
            _ => return Passable::Probe,
        }
        if suspended == Passable::All && standing.is_empty() {
            return Passable::Nothing(Duration::MAX);
        }
        suspended
    }

    /// Nothing may be sent for a while: what is leased goes back, and what waits goes elsewhere.
    fn sit_out(&mut self, until: Duration, now: Duration) {
        if until.saturating_sub(now) > Duration::from_secs(1) {
            self.give_back_waiting();
        }
        self.wake_at = self.wake_at.min(until);
        let may_move = self.lane.obstacle(now).is_some() && !self.lane.standing.is_paused();
        if !may_move || self.open.moving || now < self.move_at || now < self.store_is_back_at {
            return;
        }
        self.move_at = now.saturating_add(LOOK);
        if !route::has_alternative(&self.gateway, &self.gateway.live(), &self.lane.id) {
            return;
        }
        self.open.moving = true;
        let (gateway, id) = (self.gateway.clone(), self.lane.id.clone());
        let rest = until.saturating_sub(now).min(LOOK);
        self.steps
            .spawn(async move { Step::Moved(moving::move_piece(&gateway, &id, Some(rest)).await) });
    }

    /// Leases up to a slot ahead of what is begun.
    fn start_lease(&mut self, slots: usize, ahead: usize, now: Duration) {
        if !self.wants_lease || self.open.lease || self.hand.waiting.len() >= slots {
            return;
        }
        let in_hand = self.hand.waiting.len()
            + self.open.beginning
            + self.hand.begun.len()
            + self.calls.len();
        // A probe is one call; nothing is leased for after it.
        let target = if slots == 1 && self.is_probing() {
            1
        } else {
            slots.saturating_mul(2).saturating_add(ahead)
        };
        let calls = target.saturating_sub(in_hand);
        let mut limit = calls
            .saturating_mul(self.tempo.per_call)
            .min(MOST_AT_ONCE)
            .min(MOST_IN_HAND.saturating_sub(self.hand.n_messages));
        if let Some(pace) = &mut self.pace {
            let available = pace.available(now);
            if available == 0 {
                self.wake_at = self.wake_at.min(now.saturating_add(pace.wait(now)));
            }
            limit = limit.min(available);
        }
        limit = limit.min(self.parts_of_today());
        if limit == 0 {
            return;
        }
        self.open.lease = true;
        // Whoever rings from now on may have something that this lease does not see.
        self.wants_lease = false;
        let gateway = self.gateway.clone();
        let wall = gateway.now();
        // A lease outlasts the longest wait in hand, and the call that follows it.
        let term = LONGEST_HOLD + self.lane.config.timeout.saturating_mul(2) + MARGIN;
        let request = LeaseRequest {
            lane: self.lane.id.clone(),
            node: gateway.node().clone(),
            until: wall.plus(term),
            limit,
        };
        self.steps.spawn(async move {
            let result = gateway.store().lease_due(request, wall).await;
            Step::Leased {
                asked: limit,
                result,
            }
        });
    }

    fn is_probing(&self) -> bool {
        let now = self.gateway.clock().elapsed();
        self.lane.circuit.state() != CircuitState::Closed
            || self.lane.standing.suspension().wants_probe(now)
    }

    /// How many parts may leave today without writing down more; starts writing where that is needed.
    fn parts_of_today(&mut self) -> usize {
        let Some(cap) = self.lane.config.daily_cap else {
            return usize::MAX;
        };
        let today = self.lane.standing.daily().today(cap, self.gateway.now());
        match today {
            Today::Parts(parts) => usize::try_from(parts).unwrap_or(usize::MAX),
            Today::Reserve(parts) => {
                self.start_reserve(parts);
                0
            }
            Today::Nothing(_) => 0,
        }
    }

    /// How many parts are to be written down before anything else leaves.
    fn owed_today(&self) -> Option<u64> {
        let cap = self.lane.config.daily_cap?;
        self.lane.standing.daily().owes(cap)
    }

    fn start_reserve(&mut self, parts: u64) {
        if self.open.reserve {
            return;
        }
        self.open.reserve = true;
        let (gateway, lane) = (self.gateway.clone(), Arc::clone(&self.lane));
        self.steps.spawn(async move {
            Step::Reserved(memory::keep(&gateway, &lane, While::Running, Some(parts)).await)
        });
    }

    /// Sorts what was leased: what is not to be sent goes back, the rest into calls.
    pub(super) fn sort(&mut self, asked: usize, leased: Vec<Leased>) {
        let (now, wall) = (self.gateway.clock().elapsed(), self.gateway.now());
        if leased.len() >= asked {
            self.wants_lease = true;
        }
        if leased.is_empty() {
            self.start_look();
            return;
        }
        if !self.wants_lease {
            // A lane that is busy is rung for; the store is asked when nothing comes any more.
            self.wake_at = self.wake_at.min(now.saturating_add(QUIET));
        }
        let live = self.gateway.live();
        let mut messages = Vec::with_capacity(leased.len());
        for mut leased in leased {
            let standing = &self.lane.standing;
            standing.advance_virtual_time(leased.message.priority, leased.stamp);
            if let Some(returned) = not_now(&leased, wall) {
                self.hand.returned.push(returned);
                continue;
            }
            if let Some(returned) = moving::astray(&self.gateway, &live, &leased, &self.lane) {
                self.hand.returned.push(returned);
                continue;
            }
            let parts = u64::from(leased.parts);
            if let Some(cap) = self.lane.config.daily_cap
                && !standing.daily().take(cap, parts)
            {
                self.hand.returned.push(given_back(&leased, &self.lane.id));
                continue;
            }
            if let Some(pace) = &mut self.pace {
                pace.take(parts);
            }
            if leased.message.from.is_none() {
                leased.message.from = sender_on(&live, &self.lane.id, &leased.message);
                leased.is_from_routed = true;
            }
            messages.push(leased);
        }
        self.show_parts();
        self.hand.n_messages += messages.len();
        self.put_into_calls(messages, now);
    }

    fn put_into_calls(&mut self, mut messages: Vec<Leased>, now: Duration) {
        let size = CallSize {
            most: self.lane.messages_per_call(),
            mixed: self.lane.capabilities.mixed_texts_per_call,
        };
        let n_new = messages.len();
        let mut since = now;
        // Calls that are not full yet take in what has come.
        let is_filling = |call: &Waiting| call.messages.len() < size.most;
        if size.most > 1 && self.hand.waiting.iter().any(is_filling) {
            let mut all = Vec::with_capacity(n_new + self.hand.n_messages);
            for call in self.hand.waiting.drain(..) {
                since = since.min(call.since);
                all.extend(call.messages);
            }
            all.append(&mut messages);
            messages = all;
        }
        let n_messages = messages.len();
        let calls = into_calls(messages, size);
        if !size.mixed {
            self.tempo.note_calls(n_messages, calls.len(), size.most);
        }
        let waiting = calls
            .into_iter()
            .map(|messages| Waiting { messages, since });
        self.hand.waiting.extend(waiting);
    }

    /// Asks when the next thing is due, since nothing is now.
    fn start_look(&mut self) {
        if self.open.look {
            return;
        }
        self.open.look = true;
        let (gateway, id) = (self.gateway.clone(), self.lane.id.clone());
        self.steps.spawn(async move {
            let lanes = std::slice::from_ref(&id);
            Step::Due(gateway.store().next_due(lanes).await)
        });
    }

    /// Begins as many calls as have a place soon.
    fn start_begins(&mut self, places: usize, now: Duration) {
        if self.hand.waiting.is_empty() || self.open.begins >= STORE_CALLS {
            return;
        }
        if let Some(owed) = self.owed_today() {
            // What has been counted and not been written down does not leave yet.
            self.start_reserve(owed);
            return;
        }
        let taken = self.open.beginning + self.hand.begun.len() + self.calls.len();
        let free = places.saturating_sub(taken).min(self.hand.waiting.len());
        let mut calls = Vec::with_capacity(free);
        let mut n_messages = 0;
        let wall = self.gateway.now();
        while calls.len() < free && n_messages < MOST_AT_ONCE {
            let Some(call) = self.hand.waiting.pop_front() else {
                break;
            };
            let Some(call) = self.fresh(call, now, wall) else {
                continue;
            };
            n_messages += call.messages.len();
            calls.push(call);
        }
        if calls.is_empty() {
            return;
        }
        self.open.begins += 1;
        self.open.beginning += calls.len();
        let messages = calls.iter().flat_map(|call| &call.messages);
        let begin: Vec<Begin> = messages
            .map(|leased| Begin {
                key: leased.key,
                lease: leased.lease,
                from: leased
                    .message
                    .from
                    .as_ref()
                    .filter(|_| leased.is_from_routed)
                    .cloned(),
            })
            .collect();
        let gateway = self.gateway.clone();
        self.steps.spawn(async move {
            let result = gateway.store().begin_attempts(begin, wall).await;
            let took = gateway.clock().elapsed().saturating_sub(now);
            Step::Begun {
                calls,
                result,
                took,
            }
        });
    }

    /// A call without what has become too old in hand; `None` where nothing is left of it.
    fn fresh(&mut self, mut call: Waiting, now: Duration, wall: Timestamp) -> Option<Waiting> {
        if now.saturating_sub(call.since) > LONGEST_HOLD {
            self.give_back(&call.messages);
            return None;
        }
        let is_over = |leased: &Leased| not_now(leased, wall).is_some();
        if call.messages.iter().any(is_over) {
            let (over, good) = call.messages.into_iter().partition(is_over);
            call.messages = good;
            self.discount(&over);
            let returned = over.iter().filter_map(|leased| not_now(leased, wall));
            self.hand.returned.extend(returned);
        }
        (!call.messages.is_empty()).then_some(call)
    }

    /// Attempts are on disk: those that may go wait for a call.
    pub(super) fn board(&mut self, calls: Vec<Waiting>, begun: &[Begun]) {
        let wall = self.gateway.now();
        let mut begun = begun;
        for call in calls {
            let n_messages = call.messages.len();
            let (of_call, rest) = begun.split_at(n_messages.min(begun.len()));
            begun = rest;
            let (flight, parts_gone) = board(call.messages, of_call, self.lane.spec, wall);
            let n_gone = n_messages - flight.attempts.len();
            self.hand.n_messages = self.hand.n_messages.saturating_sub(n_gone);
            self.uncount(parts_gone);
            let is_first = |id: &&super::attempt::Attempt| id.id.number == 1;
            self.earn(flight.attempts.iter().filter(is_first).count());
            if !flight.attempts.is_empty() {
                self.hand.begun.push_back(flight);
            }
        }
    }

    /// Makes the calls that have a place. What has begun goes out whatever the lane has come to: where the
    /// breaker is open, that ends it at once, with proof.
    fn start_calls(&mut self) {
        let slots = self.lane.config.in_flight.max(1);
        while self.calls.len() < slots {
            let Some(flight) = self.hand.begun.pop_front() else {
                return;
            };
            let (gateway, lane) = (self.gateway.clone(), Arc::clone(&self.lane));
            self.calls.spawn(fly(gateway, lane, flight));
        }
    }

    /// Writes the ends of calls, all that have come in one store call.
    fn start_finishes(&mut self) {
        while !self.hand.ended.is_empty() && self.open.finishes < STORE_CALLS {
            let n_now = self.hand.ended.len().min(MOST_AT_ONCE);
            let rest = self.hand.ended.split_off(n_now);
            let finished = std::mem::replace(&mut self.hand.ended, rest);
            let wakes = std::mem::take(&mut self.hand.wakes);
            self.spawn_finish(finished, wakes);
        }
    }

    pub(super) fn spawn_finish(&mut self, finished: Vec<Finished>, wakes: Vec<LaneId>) {
        self.open.finishes += 1;
        let n_answered = std::mem::take(&mut self.hand.n_answered);
        let n_faults = std::mem::take(&mut self.hand.n_faults);
        let (gateway, lane) = (self.gateway.clone(), Arc::clone(&self.lane));
        self.steps.spawn(async move {
            let now = gateway.now();
            let result = gateway.store().finish_attempts(finished.clone(), now).await;
            let is_taken = |it: &&Finished| matches!(it.outcome, Outcome::Taken { .. });
            let calls = Calls {
                n_answered,
                n_faults,
                // What is not written yet comes again.
                n_taken: match &result {
                    Ok(_) => finished.iter().filter(is_taken).count() as u64,
                    Err(_) => 0,
                },
            };
            let told = reports::note_calls(&gateway, &lane, calls).await;
            if let Err(error) = told {
                tracing::warn!(lane = %lane.id, %error, "lane {}: an alarm was not kept: {error}", lane.id);
            }
            Step::Finished {
                finished,
                wakes,
                result: result.map(|_| ()),
            }
        });
    }

    /// Gives back everything that is leased and not begun.
    fn give_back_waiting(&mut self) {
        while let Some(call) = self.hand.waiting.pop_front() {
            self.give_back(&call.messages);
        }
    }

    fn give_back(&mut self, messages: &[Leased]) {
        self.wants_lease = true;
        self.discount(messages);
        let lane = &self.lane.id;
        let returned = messages.iter().map(|leased| given_back(leased, lane));
        self.hand.returned.extend(returned);
    }

    /// Messages are not in hand any more, and their parts have not left.
    fn discount(&mut self, messages: &[Leased]) {
        self.hand.n_messages = self.hand.n_messages.saturating_sub(messages.len());
        self.uncount(messages.iter().map(|leased| u64::from(leased.parts)).sum());
    }

    fn uncount(&mut self, parts: u64) {
        if parts == 0 {
            return;
        }
        if let Some(pace) = &mut self.pace {
            pace.give_back(parts);
        }
        if self.lane.config.daily_cap.is_some() {
            self.lane.standing.daily().give_back(parts);
        }
    }

    fn show_parts(&self) {
        if self.lane.config.daily_cap.is_none() {
            return;
        }
        let used = self.lane.standing.daily().used();
        #[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
        self.meters.parts_today.set(used as f64);
    }

    fn start_returns(&mut self) {
        if self.hand.returned.is_empty() || self.open.returns {
            return;
        }
        self.open.returns = true;
        let returned = std::mem::take(&mut self.hand.returned);
        let gateway = self.gateway.clone();
        self.steps.spawn(async move {
            let now = gateway.now();
            let result = gateway.store().return_leased(returned.clone(), now).await;
            Step::Returned(returned, result)
        });
    }
}

/// Why a message is not to be sent although it was leased, if that is so: its validity is over, or the hours
/// in which it may leave.
fn not_now(leased: &Leased, now: Timestamp) -> Option<Returned> {
    let (next, closes_at) = if leased.expires_at.is_some_and(|end| end <= now) {
        (Next::Expire, None)
    } else {
        let is_closed = leased.closes_at.is_some_and(|end| end <= now);
        match next_opening(leased.timing.as_deref().filter(|_| is_closed)?, now) {
            NextOpening::Open { .. } => return None,
            NextOpening::Wait { hold, closes_at } => (Next::Hold(hold), closes_at),
            NextOpening::Over => (Next::Expire, None),
        }
    };
    Some(Returned {
        key: leased.key,
        lease: leased.lease,
        next,
        closes_at,
        fault: None,
    })
}

/// A leased message that goes back as it was.
fn given_back(leased: &Leased, lane: &LaneId) -> Returned {
    Returned {
        key: leased.key,
        lease: leased.lease,
        next: next::now(lane.clone()),
        closes_at: None,
        fault: None,
    }
}
