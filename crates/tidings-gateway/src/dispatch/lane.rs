//! The loop of one lane: leases what is due, begins attempts, makes calls, writes their ends.
//!
//! Run by [`super::run`], one for each lane of the configuration. Everything that takes time is a task of
//! its own, so that the next lease is under way while calls run, and store calls of different steps share
//! commits; the loop only decides what is started. What it decides with is in `flow.rs`, what calls mean in
//! `outcome.rs`.
//!
//! In hand are at most a few slots of messages (a slot is what travels in as many calls as may be open):
//! one in the air, one leased ahead, and where calls are faster than commits up to two with their attempts
//! begun. So a message that is stamped as the next one waits for a few slots, however long the queue is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tidings::layers::CircuitState;
use tidings_store::{
    Begun, EventKind, Finished, LaneId, Leased, NewEvent, Returned, StoreError, StoreErrorKind,
};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::attempt::{Flight, Landed};
use super::backoff::RetryBudget;
use super::memory::{self, While};
use super::meters::Meters;
use super::moving::Moved;
use super::outcome::Judge;
use super::pace::Pace;
use crate::gateway::Gateway;
use crate::lane::{Lane, Obstacle};

/// How often the store is looked into although nothing has rung.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// How long a loop waits after the store could not do something.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How often what the lane remembers is written down.
const REMEMBER: Duration = Duration::from_mins(1);

/// The loop of one lane.
#[derive(Debug)]
pub(super) struct LaneLoop {
    pub(super) gateway: Gateway,
    pub(super) lane: Arc<Lane>,
    pub(super) meters: Meters,
    pub(super) pace: Option<Pace>,
    pub(super) hand: Hand,
    pub(super) tempo: Tempo,
    pub(super) calls: JoinSet<Landed>,
    pub(super) steps: JoinSet<Step>,
    pub(super) open: Open,
    pub(super) is_ending: bool,
    /// Whether there may be something to lease.
    pub(super) wants_lease: bool,
    /// When to look again at the latest, by the clock's measure.
    pub(super) wake_at: Duration,
    /// Nothing is asked of the store before this.
    pub(super) store_is_back_at: Duration,
    /// When messages are moved to other lanes next, while this one is out of service.
    pub(super) move_at: Duration,
    bell: Arc<Notify>,
    reloads: watch::Receiver<u64>,
    ends: CancellationToken,
    budget: RetryBudget,
    n_throttled: u16,
    is_down: bool,
    remember_at: Duration,
}

/// What a loop has in hand.
#[derive(Debug, Default)]
pub(super) struct Hand {
    /// Leased, in calls.
    pub(super) waiting: VecDeque<Waiting>,
    /// Begun, in calls.
    pub(super) begun: VecDeque<Flight>,
    /// Ended, to be written.
    pub(super) ended: Vec<Finished>,
    /// Lanes to be woken when that is written.
    pub(super) wakes: Vec<LaneId>,
    /// To be given back.
    pub(super) returned: Vec<Returned>,
    /// Messages between their lease and the end of their call.
    pub(super) n_messages: usize,
    /// Calls that were answered and calls that failed by the provider's fault, not told yet.
    pub(super) n_answered: u64,
    pub(super) n_faults: u64,
}

/// Messages that are to travel in one call.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) messages: Vec<Leased>,
    /// When they were leased, by the clock's measure.
    pub(super) since: Duration,
}

/// Which store calls are open.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each kind of call")]
pub(super) struct Open {
    pub(super) lease: bool,
    pub(super) begins: u8,
    /// Calls whose attempts are being begun.
    pub(super) beginning: usize,
    pub(super) finishes: u8,
    pub(super) returns: bool,
    pub(super) look: bool,
    pub(super) reserve: bool,
    pub(super) moving: bool,
}

/// How fast things go lately.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tempo {
    /// Messages that travel together in one call.
    pub(super) per_call: usize,
    begin: Option<f64>,
    call: Option<f64>,
}

/// A store call that has ended.
#[derive(Debug)]
pub(super) enum Step {
    Leased {
        asked: usize,
        result: Result<Vec<Leased>, StoreError>,
    },
    Begun {
        calls: Vec<Waiting>,
        result: Result<Vec<Begun>, StoreError>,
        took: Duration,
    },
    Finished {
        finished: Vec<Finished>,
        wakes: Vec<LaneId>,
        result: Result<(), StoreError>,
    },
    Returned(Vec<Returned>, Result<(), StoreError>),
    Due(Result<Option<tidings_core::Timestamp>, StoreError>),
    Reserved(Result<(), StoreError>),
    Moved(Result<Moved, StoreError>),
    Told(Result<(), StoreError>),
}

impl LaneLoop {
    /// A loop that has not begun. It ends when `ends` is cancelled and nothing is in hand any more.
    pub(super) fn new(gateway: Gateway, lane: Arc<Lane>, ends: CancellationToken) -> Self {
        let now = gateway.clock().elapsed();
        Self {
            meters: Meters::of(&lane.id),
            pace: None,
            hand: Hand::default(),
            tempo: Tempo::default(),
            calls: JoinSet::new(),
            steps: JoinSet::new(),
            open: Open::default(),
            is_ending: false,
            wants_lease: true,
            wake_at: now,
            store_is_back_at: Duration::ZERO,
            move_at: Duration::ZERO,
            bell: gateway.signals().lane(&lane.id),
            reloads: gateway.signals().reloads(),
            ends,
            budget: RetryBudget::default(),
            n_throttled: 0,
            is_down: false,
            remember_at: now.saturating_add(REMEMBER),
            gateway,
            lane,
        }
    }

    /// Runs until the lane ends and everything in hand is written or given back.
    pub(super) async fn run(mut self) {
        self.follow_configuration();
        loop {
            self.advance();
            if self.is_ending && self.has_nothing_in_hand() {
                break;
            }
            self.wait().await;
        }
        let kept = memory::keep(&self.gateway, &self.lane, While::Stopping, None);
        if let Err(error) = kept.await {
            self.complain("what the lane remembers was not kept", &error);
        }
    }

    fn has_nothing_in_hand(&self) -> bool {
        let hand = &self.hand;
        self.calls.is_empty()
            && self.steps.is_empty()
            && hand.waiting.is_empty()
            && hand.begun.is_empty()
            && hand.ended.is_empty()
            && hand.returned.is_empty()
    }

    /// Waits for whatever comes first, and takes it in.
    async fn wait(&mut self) {
        let now = self.gateway.clock().elapsed();
        // Times of the calendar are whole milliseconds: what is due in less is waited for, not asked for again
        // and again.
        let rest = self.wake_at.saturating_sub(now);
        let rest = rest.clamp(Duration::from_millis(1), LOOK);
        tokio::select! {
            Some(landed) = self.calls.join_next() => {
                self.take_in_landed(landed);
                while let Some(landed) = self.calls.try_join_next() {
                    self.take_in_landed(landed);
                }
            }
            Some(step) = self.steps.join_next() => {
                self.take_in_step(step);
                while let Some(step) = self.steps.try_join_next() {
                    self.take_in_step(step);
                }
            }
            () = self.bell.notified(), if !self.is_ending => self.wants_lease = true,
            () = tokio::time::sleep(rest) => self.take_in_time(),
            changed = self.reloads.changed(), if !self.is_ending => match changed {
                Ok(()) => self.follow_configuration(),
                Err(_) => self.is_ending = true,
            },
            () = self.ends.cancelled(), if !self.is_ending => self.is_ending = true,
        }
    }

    /// The time has come to look, whether or not anything has rung.
    fn take_in_time(&mut self) {
        self.wants_lease = true;
        let now = self.gateway.clock().elapsed();
        self.wake_at = now.saturating_add(LOOK);
        if now >= self.remember_at {
            self.remember_at = now.saturating_add(REMEMBER);
            if self.lane.config.daily_cap.is_some() || self.gateway.measured().is_on() {
                let (gateway, lane) = (self.gateway.clone(), Arc::clone(&self.lane));
                self.steps
                    .spawn(async move { Step::Told(memory::remember(&gateway, &lane).await) });
            }
        }
    }

    /// The configuration was read: the lane as it is now. A lane that is gone is ended by who started
    /// this loop.
    fn follow_configuration(&mut self) {
        let now = self.gateway.clock().elapsed();
        if let Some(lane) = self.gateway.lane(&self.lane.id) {
            self.lane = lane;
        }
        self.pace = match (self.lane.config.rate, self.pace) {
            (None, _) => None,
            (Some(rate), None) => Some(Pace::new(rate, now)),
            (Some(rate), Some(mut pace)) => {
                pace.set_rate(rate, now);
                Some(pace)
            }
        };
        if self.lane.capabilities.mixed_texts_per_call {
            self.tempo.per_call = self.lane.messages_per_call();
        } else {
            self.tempo.per_call = self.tempo.per_call.min(self.lane.messages_per_call());
        }
        self.wants_lease = true;
    }

    fn take_in_landed(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        let Ok(landed) = landed else {
            // Only a defect of this loop's own code ends so. Its attempts are found by the repair.
            tracing::error!(lane = %self.lane.id, "lane {}: a call broke off", self.lane.id);
            return;
        };
        self.hand.n_messages = self
            .hand
            .n_messages
            .saturating_sub(landed.flight.attempts.len());
        if let Some(took) = landed.took {
            self.tempo.note_call(took);
        }
        let live = self.gateway.live();
        let consequences = Judge {
            gateway: &self.gateway,
            live: &live,
            lane: &self.lane,
            meters: &self.meters,
            budget: &mut self.budget,
            n_throttled: &mut self.n_throttled,
            is_probe: false,
        }
        .judge(landed);
        self.hand.ended.extend(consequences.finished);
        for lane in consequences.wakes {
            if !self.hand.wakes.contains(&lane) {
                self.hand.wakes.push(lane);
            }
        }
        if let Some(at) = consequences.again_at {
            self.wake_by(at, Duration::from_millis(20));
        }
        match consequences.is_fault {
            Some(true) => self.hand.n_faults += 1,
            Some(false) => self.hand.n_answered += 1,
            None => {}
        }
        if consequences.is_out_of_credit {
            let (gateway, lane) = (self.gateway.clone(), Arc::clone(&self.lane));
            self.steps.spawn(async move {
                Step::Told(crate::reports::out_of_credit(&gateway, &lane).await)
            });
        }
    }

    fn take_in_step(&mut self, step: Result<Step, tokio::task::JoinError>) {
        let Ok(step) = step else {
            // The store broke off; its thread may be gone for good. Leases run out by themselves.
            tracing::error!(lane = %self.lane.id, "lane {}: a call to the store broke off", self.lane.id);
            self.open = Open::default();
            self.pause_for_the_store();
            return;
        };
        match step {
            Step::Leased { asked, result } => {
                self.open.lease = false;
                match result {
                    Ok(leased) => self.sort(asked, leased),
                    Err(error) => self.trouble("nothing was leased", &error),
                }
            }
            Step::Begun {
                calls,
                result,
                took,
            } => {
                self.after_the_beginning(calls, result, took);
            }
            Step::Finished {
                finished,
                wakes,
                result,
            } => {
                self.open.finishes -= 1;
                match result {
                    Ok(()) => self.after_the_end(&wakes),
                    Err(error) => self.finish_again(finished, wakes, &error),
                }
            }
            Step::Returned(returned, result) => {
                self.open.returns = false;
                match result {
                    Ok(()) => self.gateway.signals().happened(),
                    Err(error) => {
                        self.trouble("leased messages were not given back", &error);
                        self.hand.returned.extend(returned);
                    }
                }
            }
            Step::Due(result) => {
                self.open.look = false;
                match result {
                    // What is due already and was not leased just now is somebody else's: a poll, a held
                    // message.
                    Ok(Some(due)) => self.wake_by(due, LOOK / 10),
                    Ok(None) => {}
                    Err(error) => self.trouble("it is not known what is due", &error),
                }
            }
            Step::Reserved(result) => {
                self.open.reserve = false;
                if let Err(error) = result {
                    self.trouble("the parts of the day were not kept", &error);
                }
            }
            Step::Moved(result) => {
                self.open.moving = false;
                match result {
                    Ok(moved) => self.after_a_move(&moved),
                    Err(error) => self.trouble("nothing was moved", &error),
                }
            }
            Step::Told(Ok(())) => self.gateway.signals().happened(),
            Step::Told(Err(error)) => self.complain("an event was not kept", &error),
        }
    }

    /// Attempts are on disk, or nothing of them is.
    fn after_the_beginning(
        &mut self,
        calls: Vec<Waiting>,
        result: Result<Vec<Begun>, StoreError>,
        took: Duration,
    ) {
        self.open.begins -= 1;
        self.open.beginning = self.open.beginning.saturating_sub(calls.len());
        match result {
            Ok(begun) => {
                self.tempo.note_begin(took);
                self.board(calls, &begun);
            }
            Err(error) => {
                self.trouble("no attempt was begun", &error);
                calls
                    .into_iter()
                    .rev()
                    .for_each(|call| self.hand.waiting.push_front(call));
            }
        }
    }

    /// First attempts have been begun: as many more retries are allowed as they are worth.
    pub(super) fn earn(&mut self, first_attempts: usize) {
        self.budget.earn(first_attempts);
    }

    /// Ends are on disk: whoever waits for that is told.
    fn after_the_end(&self, wakes: &[LaneId]) {
        self.gateway.signals().happened();
        for lane in wakes {
            self.gateway.signals().wake_lane(lane);
        }
    }

    /// Ends that the store did not take are written again. Where one of them is at fault, it is found by
    /// halves, so that the others are kept.
    fn finish_again(
        &mut self,
        mut finished: Vec<Finished>,
        wakes: Vec<LaneId>,
        error: &StoreError,
    ) {
        let is_passing = error.kind() == StoreErrorKind::Unavailable;
        if is_passing || finished.len() > 1 {
            if is_passing {
                self.trouble("the ends of attempts were not kept yet", error);
                self.hand.ended.extend(finished);
            } else {
                let half = finished.split_off(finished.len() / 2);
                self.spawn_finish(finished, Vec::new());
                self.spawn_finish(half, Vec::new());
            }
        } else {
            self.complain("the end of an attempt cannot be kept", error);
        }
        self.hand.wakes.extend(wakes);
    }

    fn after_a_move(&mut self, moved: &Moved) {
        let now = self.gateway.clock().elapsed();
        self.meters.moved.increment(moved.messages);
        let pause = match moved.messages {
            0 => LOOK,
            _ => Duration::from_millis(100),
        };
        self.move_at = now.saturating_add(pause);
        self.wake_at = self.wake_at.min(self.move_at);
        self.gateway.signals().happened();
        for lane in &moved.lanes {
            self.gateway.signals().wake_lane(lane);
        }
    }

    /// Wakes by a time of the calendar, and no sooner than this if that is over.
    fn wake_by(&mut self, at: tidings_core::Timestamp, if_over: Duration) {
        let rest = at.since(self.gateway.now());
        let rest = if rest.is_zero() { if_over } else { rest };
        let now = self.gateway.clock().elapsed();
        self.wake_at = self.wake_at.min(now.saturating_add(rest));
    }

    /// What is to be seen of the lane from outside: numbers, and events when it goes down or comes back.
    pub(super) fn show(&mut self) {
        let n_open = self.calls.len();
        let was = std::mem::replace(&mut self.lane.standing.record().n_open, n_open);
        if was != n_open {
            #[expect(clippy::cast_precision_loss, reason = "calls in flight are few")]
            self.meters.calls_open.set(n_open as f64);
        }
        let cause = self.lane.standing.suspension().cause();
        let is_broken = self.lane.circuit.state() != CircuitState::Closed;
        let is_down = is_broken || cause.is_some();
        if is_down == self.is_down {
            return;
        }
        self.is_down = is_down;
        self.meters.up.set(if is_down { 0.0 } else { 1.0 });
        let (kind, reason) = match (is_down, cause) {
            (false, _) => (EventKind::LaneUp, None),
            (true, Some(cause)) => (EventKind::LaneDown, Some(cause.as_str())),
            (true, None) => (EventKind::LaneDown, Some(Obstacle::Down.as_str())),
        };
        tracing::warn!(lane = %self.lane.id, reason, "lane {}: {}", self.lane.id, kind.as_str());
        let last_error = self.lane.standing.record().last_error.clone();
        let last_error = last_error.filter(|_| is_down).map(|error| error.detail);
        let detail = json!({"reason": reason, "last_error": last_error.as_deref()});
        let event = NewEvent {
            at: self.gateway.now(),
            kind,
            account: None,
            batch: None,
            lane: Some(self.lane.id.clone()),
            detail: Some(detail.to_string().into()),
        };
        let gateway = self.gateway.clone();
        self.steps
            .spawn(async move { Step::Told(gateway.store().record(vec![event]).await) });
    }

    fn trouble(&mut self, what: &str, error: &StoreError) {
        self.complain(what, error);
        self.pause_for_the_store();
    }

    fn pause_for_the_store(&mut self) {
        let now = self.gateway.clock().elapsed();
        self.store_is_back_at = now.saturating_add(STORE_PAUSE);
        self.wake_at = self.wake_at.min(self.store_is_back_at);
        self.wants_lease = true;
    }

    fn complain(&self, what: &str, error: &StoreError) {
        let id = &self.lane.id;
        tracing::warn!(lane = %id, %error, "lane {id}: {what}: {error}");
    }
}

impl Default for Tempo {
    fn default() -> Self {
        Self {
            per_call: 1,
            begin: None,
            call: None,
        }
    }
}

impl Tempo {
    /// How much one more observation counts.
    const WEIGHT: f64 = 0.1;

    pub(super) fn note_begin(&mut self, took: Duration) {
        self.begin = Some(Self::mixed(self.begin, took));
    }

    pub(super) fn note_call(&mut self, took: Duration) {
        self.call = Some(Self::mixed(self.call, took));
    }

    fn mixed(before: Option<f64>, took: Duration) -> f64 {
        let took = took.as_secs_f64();
        before.map_or(took, |before| before + (took - before) * Self::WEIGHT)
    }

    /// How many calls are begun ahead, so that a call that ends is followed by another at once: as many as
    /// end during a commit, and no more than two slots. None where calls are slow: what has begun and not
    /// left is in doubt after a crash.
    pub(super) fn ahead(&self, slots: usize) -> usize {
        let (Some(begin), Some(call)) = (self.begin, self.call) else {
            return 0;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a number of calls, no less than 0 and bounded below"
        )]
        let ahead = (slots as f64 * begin / call.max(1e-6)).round() as usize;
        ahead.min(slots.saturating_mul(2))
    }

    /// What a lease brought, in calls: how many messages the next may ask for each call.
    pub(super) fn note_calls(&mut self, messages: usize, calls: usize, most: usize) {
        let Some(mean) = messages.checked_div(calls) else {
            return;
        };
        self.per_call = if mean >= self.per_call {
            self.per_call.saturating_mul(2).min(most)
        } else {
            mean.max(1)
        };
    }
}
