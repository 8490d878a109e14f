//! The metrics of one lane, looked up once.
//!
//! Made by [`super::lane`] when its loop begins, so that counting a message costs no look-up.

use metrics::{Counter, Gauge, Histogram, SharedString, counter, gauge, histogram};
use tidings_store::LaneId;

use crate::metrics as names;

/// What a lane's loop counts.
pub(super) struct Meters {
    lane: SharedString,
    /// Messages that were taken.
    pub(super) taken: Counter,
    /// How long calls took.
    pub(super) call_seconds: Histogram,
    /// How long messages took to be taken.
    pub(super) sending_seconds: Histogram,
    /// Calls that are open.
    pub(super) calls_open: Gauge,
    /// Whether the lane is in service.
    pub(super) up: Gauge,
    /// Parts of the day.
    pub(super) parts_today: Gauge,
    /// Messages that went to other lanes.
    pub(super) moved: Counter,
}

impl Meters {
    /// The metrics of a lane.
    pub(super) fn of(lane: &LaneId) -> Self {
        let lane = SharedString::from(lane.as_str().to_owned());
        let of = || lane.clone();
        Self {
            taken: sent(of(), "taken", "none"),
            call_seconds: histogram!(names::CALL_SECONDS, "lane" => of()),
            sending_seconds: histogram!(names::SENDING_SECONDS, "lane" => of()),
            calls_open: gauge!(names::CALLS_OPEN, "lane" => of()),
            up: gauge!(names::LANE_UP, "lane" => of()),
            parts_today: gauge!(names::PARTS_TODAY, "lane" => of()),
            moved: counter!(names::MOVED, "lane" => of()),
            lane,
        }
    }

    /// Attempts that failed in some way.
    pub(super) fn failed(&self, outcome: &'static str, class: &'static str) -> Counter {
        sent(self.lane.clone(), outcome, class)
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meters")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

fn sent(lane: SharedString, outcome: &'static str, class: &'static str) -> Counter {
    counter!(names::SENT, "lane" => lane, "outcome" => outcome, "error" => class)
}
