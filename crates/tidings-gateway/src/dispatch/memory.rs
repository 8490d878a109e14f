//! What a lane remembers over a restart: that a person paused it, that nothing is left on its account, the
//! alarms that were told of it, the parts of the day, its weights.
//!
//! Read when dispatch begins, before anything leaves; written by the lanes' loops, by who pauses a lane, by
//! who learns how its balance stands, and by who tells an alarm. All of it is written at once, because the store keeps one text for each
//! lane. How much is left is asked for anew.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tidings::AccountName;
use tidings_store::{LaneMemory, StoreError};

use super::measure::WeightsByRule;
use super::pace::DailyCount;
use crate::gateway::Gateway;
use crate::lane::Lane;
use crate::reports::ToldAlarms;

/// The text that the store keeps, as JSON. What is not there is as at the beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Remembered {
    is_paused: bool,
    is_empty: bool,
    alarms: ToldAlarms,
    /// The day of [`DailyCount`] and its parts.
    day: i64,
    parts: u64,
    weights: WeightsByRule,
}

/// When the parts of the day are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum While {
    /// The lane runs: with what is reserved.
    Running,
    /// The lane stops: what has left.
    Stopping,
}

/// Takes up what lanes remember, and begins to measure by the routes of the moment. Lanes that were
/// begun before keep what they know.
pub(super) async fn recall(gateway: &Gateway) -> Result<(), StoreError> {
    let mut written: HashMap<AccountName, WeightsByRule> = HashMap::new();
    let live = gateway.live();
    for LaneMemory { lane, memory } in gateway.store().lane_memories().await? {
        let Ok(remembered) = serde_json::from_str::<Remembered>(&memory) else {
            tracing::warn!(lane = %lane, "lane {lane}: what it remembers cannot be read, and is left out");
            continue;
        };
        if let Some(lane) = live.lanes.get(&lane)
            && lane.standing.recall_once()
        {
            lane.standing.set_paused(remembered.is_paused);
            *lane.standing.daily() = DailyCount::resumed(remembered.day, remembered.parts);
            let clock = gateway.clock().as_ref();
            let watched = lane.standing.watched();
            watched.recall_alarms(remembered.alarms, clock);
            if remembered.is_empty {
                crate::reports::recall_empty(lane);
            }
        }
        written.insert(lane.as_str().into(), remembered.weights);
    }
    for lane in live.lanes.values() {
        lane.standing.recall_once();
    }
    let now = gateway.clock().elapsed();
    gateway.measured().begin(&live.config.routes, &written, now);
    Ok(())
}

/// Keeps what is to be remembered of a lane that runs, as it stands now: whoever has changed something of it
/// calls this afterwards.
pub(crate) async fn remember(gateway: &Gateway, lane: &Lane) -> Result<(), StoreError> {
    keep(gateway, lane, While::Running, None).await
}

/// Keeps what is to be remembered of a lane. With `reserved` the parts of the day are written down up to that
/// number, and may leave afterwards.
pub(super) async fn keep(
    gateway: &Gateway,
    lane: &Lane,
    at: While,
    reserved: Option<u64>,
) -> Result<(), StoreError> {
    // One after the other: what was read first must not be written last.
    let _turn = lane.standing.remembering().await;
    let memory = of(gateway, lane, at, reserved);
    gateway.store().remember(vec![memory]).await?;
    if let Some(parts) = reserved {
        lane.standing.daily().reserve(parts);
    }
    Ok(())
}

fn of(gateway: &Gateway, lane: &Lane, at: While, reserved: Option<u64>) -> LaneMemory {
    let (day, parts) = match at {
        While::Running => lane.standing.daily().written(),
        While::Stopping => lane.standing.daily().exact(),
    };
    let remembered = Remembered {
        is_paused: lane.standing.is_paused(),
        is_empty: lane.standing.watched().is_known_empty(),
        alarms: lane
            .standing
            .watched()
            .told_alarms(gateway.clock().as_ref()),
        day,
        parts: reserved.unwrap_or(parts).max(parts),
        weights: gateway.measured().of(&lane.name),
    };
    let memory = serde_json::to_string(&remembered).expect("numbers and a flag are JSON");
    LaneMemory {
        lane: lane.id.clone(),
        memory: memory.into(),
    }
}
