//! Where in the order of a lane a message stands: fairness between batches and single messages.
//!
//! Called by intake for every message that it hands to the store; dispatch moves the lane's virtual time. Pure
//! arithmetic and a small table; it knows no message.
//!
//! A flow is what competes for a lane as one: a batch, or all single messages of one account. Its messages are
//! stamped with the moments at which they would leave if the flow were alone on the lane, from the lane's
//! virtual time on: `stamp = max(virtual time, last stamp of the flow) + parts / rate`. Within one priority
//! the lowest stamp leaves first. So a single message that is accepted while a batch of 100,000 runs leaves
//! within a few slots, also when the lane is hours behind, and two batches share the lane evenly however
//! long they are.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidings_core::{Priority, Timestamp};
use tidings_store::{AccountId, BatchId, Stamp};

use crate::lane::Lane;

/// Parts a second of a lane without a limit: more than any lane carries, so that its virtual time never runs
/// ahead of the clock, by which messages are stamped that may leave later.
const RATE_WITHOUT_LIMIT: f64 = 1_000_000.0;
/// So many rows of a batch leave in a run. Many batches that wait for one lane take turns by runs: their
/// rows are neighbours in the lane's order by fours, and keeping them writes to a quarter of the places. A
/// single message waits for the rest of a run at the most.
const ROWS_OF_A_RUN: u16 = 4;
/// From so many flows on, those that are idle are looked for.
const FEW: usize = 256;
/// The most flows that are remembered.
const MOST: usize = 32_768;

/// What competes for a lane as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Of whom.
    pub source: Source,
    /// Its priority: each has a virtual time of its own.
    pub priority: Priority,
    /// When its messages may leave, where that is later: they do not compete with those that may leave
    /// now.
    pub opens_at: Option<Timestamp>,
}

/// Of whom a flow is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The rows of a batch.
    Batch(BatchId),
    /// The single messages of an account.
    Singles(AccountId),
}

/// The flows of one lane that are ahead of its virtual time. A flow that is not in it is idle.
#[derive(Debug, Default)]
pub struct Flows(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: HashMap<Flow, Stamp>,
    /// How many there were when idle ones had been forgotten.
    n_busy: usize,
}

impl Flows {
    /// The stamp of the next message of a flow. `virtual_time` is the lane's; a message that may leave
    /// later is stamped from the moment on at which it may.
    pub fn stamp(
        &self,
        flow: &Flow,
        virtual_time: Stamp,
        parts: u16,
        parts_per_second: Option<f64>,
    ) -> Stamp {
        let start = match flow.opens_at {
            Some(opens_at) => virtual_time.max(at(opens_at)),
            None => virtual_time,
        };
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = cost(parts, parts_per_second);
        if let Some(last) = table.last.get_mut(flow) {
            *last = next(start, Some(*last), cost);
            return *last;
        }
        table.forget_idle(flow.priority, virtual_time);
        let stamp = next(start, None, cost);
        table.last.insert(flow.clone(), stamp);
        stamp
    }

    /// How many flows are remembered.
    pub fn len(&self) -> usize {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.last.len()
    }

    /// Whether all flows are idle.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    /// Makes room, so seldom that it costs each flow little.
    fn forget_idle(&mut self, priority: Priority, virtual_time: Stamp) {
        if self.last.len() < (2 * self.n_busy).clamp(FEW, MOST) {
            return;
        }
        self.last
            .retain(|flow, last| flow.priority != priority || *last > virtual_time);
        if self.last.len() >= MOST {
            // So many at the same time nobody has. Those that are ahead the least lose the least.
            let mut stamps: Vec<Stamp> = self.last.values().copied().collect();
            let (_, middle, _) = stamps.select_nth_unstable(MOST / 2);
            let middle = *middle;
            self.last.retain(|_, last| *last > middle);
        }
        self.n_busy = self.last.len();
    }
}

/// The stamp of the next message of a flow on a lane.
pub(super) fn of(lane: &Lane, flow: &Flow, parts: u16, now: Timestamp) -> Stamp {
    // Before dispatch has looked at what waits, the lane has no time of its own.
    let virtual_time = match lane.standing.virtual_time_of(flow.priority) {
        Stamp(0) => at(now),
        known => known,
    };
    let flows = lane.standing.flows();
    let stamp = flows.stamp(flow, virtual_time, parts, lane.config.rate);
    match flow.source {
        Source::Batch(_) => in_runs(stamp, lane.config.rate),
        Source::Singles(_) => stamp,
    }
}

/// The stamp of the run that a row belongs to: its last moment, so that no row is before its time.
pub(super) fn in_runs(stamp: Stamp, parts_per_second: Option<f64>) -> Stamp {
    let length = cost(ROWS_OF_A_RUN, parts_per_second);
    let runs = stamp.0.div_euclid(length) + i64::from(stamp.0.rem_euclid(length) > 0);
    Stamp(runs.saturating_mul(length))
}

/// A moment as a lane's virtual clock shows it when the lane is neither behind nor ahead.
pub fn at(moment: Timestamp) -> Stamp {
    Stamp(moment.as_millis().saturating_mul(1_000))
}

fn next(start: Stamp, last: Option<Stamp>, cost: i64) -> Stamp {
    let from = last.map_or(start, |last| last.max(start));
    Stamp(from.0.saturating_add(cost))
}

/// How long a lane is busy with so many parts, in microseconds; at least one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float that is too large becomes the largest number"
)]
fn cost(parts: u16, parts_per_second: Option<f64>) -> i64 {
    let rate = parts_per_second.filter(|rate| *rate > 0.0);
    let seconds = f64::from(parts) / rate.unwrap_or(RATE_WITHOUT_LIMIT);
    ((seconds * 1e6) as i64).max(1)
}
