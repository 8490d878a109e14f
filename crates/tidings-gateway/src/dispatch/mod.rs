//! Stages 2 and 3: what is due on a lane is leased, attempted and ended.
//!
//! [`run`] starts one loop for each lane of the configuration ([`lane`]), and beside it one that finds out
//! what became of lost answers ([`doubt`]). In reading order: [`lane`] and `flow.rs` (what is started
//! when), [`attempt`] (one call), [`outcome`] and [`next`] (what its answers mean), [`doubt`] (after a
//! lost answer), [`moving`] (lanes out of service), [`mod@status`] (what is shown of lanes).
//!
//! What leaves first is the order of the store: priority, then stamp. Every message has a stamp on the
//! virtual clock of its lane, which intake makes: the time of the lane, plus the time that the parts of its
//! flow before it take. Nothing here reorders; a lease moves the lane's time on.

mod attempt;
mod backoff;
mod doubt;
mod flow;
mod group;
mod lane;
mod measure;
mod memory;
mod meters;
mod moving;
mod next;
mod outcome;
mod pace;
mod record;
mod route;
mod status;
mod suspension;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::Priority;
use tidings_store::{LaneId, Stamp, StoreError};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use self::lane::LaneLoop;
use crate::gateway::Gateway;

pub use measure::Measurements;
pub(crate) use memory::remember;
pub(crate) use pace::DailyCount;
pub(crate) use record::Record;
pub use route::in_service;
pub(crate) use route::lane_for;
pub use status::{Breaker, LaneBalance, LaneError, LaneStatus, pause, resume, status};
pub(crate) use suspension::Suspension;

/// How often is looked for messages of lanes that are not in the configuration.
const LOOK_FOR_STRAYS: Duration = Duration::from_mins(1);

/// How long the beginning waits after the store could not do something.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Sends what is due on every lane, until the gateway stops: then nothing new is leased, calls under way
/// are waited for and their ends written, and what was leased goes back. Follows the configuration when
/// it is read again. Dropped, it leaves everything as a crash would.
///
/// To be begun after [`crate::janitor::take_over`].
pub async fn run(gateway: Gateway) {
    let stopping = gateway.stopping().clone();
    if stopping
        .run_until_cancelled(begin(&gateway))
        .await
        .is_none()
    {
        return;
    }
    let mut loops = Loops::default();
    let mut reloads = gateway.signals().reloads();
    loop {
        loops.follow_configuration(&gateway);
        let strays = leave_lanes_that_are_gone(&gateway);
        match stopping.run_until_cancelled(strays).await {
            None => break,
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "messages of lanes that are gone were not moved: {error}");
            }
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            changed = reloads.changed() => {
                if changed.is_err() {
                    break;
                }
                let recalled = begin(&gateway);
                if stopping.run_until_cancelled(recalled).await.is_none() {
                    break;
                }
            }
            Some(ended) = loops.tasks.join_next_with_id() => loops.forget(&ended),
            () = tokio::time::sleep(LOOK_FOR_STRAYS) => {}
        }
    }
    while loops.tasks.join_next().await.is_some() {}
}

/// Takes up what lanes remember, and where their virtual time stands.
async fn begin(gateway: &Gateway) {
    loop {
        match recall(gateway).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "what lanes remember cannot be read: {error}");
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }
}

async fn recall(gateway: &Gateway) -> Result<(), StoreError> {
    memory::recall(gateway).await?;
    let depths = gateway.store().lane_depths().await?;
    let live = gateway.live();
    for lane in live.lanes.values() {
        let mut depths = depths.iter();
        let first = depths
            .find(|depth| depth.lane == lane.id)
            .and_then(|depth| depth.first_stamp);
        let now = gateway.now().as_millis().saturating_mul(1_000);
        let stamp = first.unwrap_or(Stamp(now));
        for priority in [Priority::Low, Priority::Normal, Priority::High] {
            lane.standing.begin_virtual_time(priority, stamp);
        }
    }
    Ok(())
}

/// The loops that run.
#[derive(Debug, Default)]
struct Loops {
    tasks: JoinSet<()>,
    lanes: HashMap<LaneId, (CancellationToken, [Id; 2])>,
}

impl Loops {
    /// Ends the loops of lanes that are gone, and begins those of new ones.
    fn follow_configuration(&mut self, gateway: &Gateway) {
        let live = gateway.live();
        self.lanes.retain(|id, (ends, _)| {
            let is_there = live.lanes.contains_key(id);
            if !is_there {
                ends.cancel();
            }
            is_there
        });
        for (id, lane) in &live.lanes {
            if self.lanes.contains_key(id) {
                continue;
            }
            let ends = gateway.stopping().child_token();
            let sends = LaneLoop::new(gateway.clone(), Arc::clone(lane), ends.clone());
            let finds_out = doubt::run(gateway.clone(), id.clone(), ends.clone());
            let sends = self.tasks.spawn(sends.run()).id();
            let finds_out = self.tasks.spawn(finds_out).id();
            self.lanes.insert(id.clone(), (ends, [sends, finds_out]));
        }
    }

    /// A loop has ended: because its lane is gone, or because it broke off. Then it is begun again, with
    /// its fellow.
    fn forget(&mut self, ended: &Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => {
                tracing::error!(%error, "a loop of a lane broke off, and is begun again");
                error.id()
            }
        };
        self.lanes.retain(|_, (ends, tasks)| {
            let is_it = tasks.contains(&id);
            if is_it {
                ends.cancel();
            }
            !is_it
        });
    }
}

/// Messages that wait for lanes that the configuration does not name go to others, or wait for a route.
/// Lost answers on such lanes are settled by their policy, because nobody is left to ask.
async fn leave_lanes_that_are_gone(gateway: &Gateway) -> Result<(), StoreError> {
    for depth in gateway.store().lane_depths().await? {
        if gateway.live().lanes.contains_key(&depth.lane) {
            continue;
        }
        let mut seen = doubt::Seen::default();
        while doubt::settle_due(gateway, &depth.lane, &mut seen).await? > 0 {}
        loop {
            let moved = moving::move_piece(gateway, &depth.lane, None).await?;
            gateway.signals().happened();
            for lane in &moved.lanes {
                gateway.signals().wake_lane(lane);
            }
            if moved.looked_at == 0 {
                break;
            }
        }
    }
    Ok(())
}
