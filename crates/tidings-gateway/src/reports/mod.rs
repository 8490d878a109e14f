//! Stage 4: what providers say of messages, by whatever way it comes, into histories and states.
//!
//! [`hear`] is where all ways end: calls of providers ([`receive`]), answers to questions
//! (`polling.rs`), and what dispatch finds out after a lost answer. [`run`] asks where nobody calls,
//! keeps subscriptions alive where a provider calls only those who subscribe, and watches balances.
//! What a report does to a message is decided by the store's one rule; nothing here sends anything.

mod balance;
mod callbacks;
mod health;
mod hearing;
mod polling;
mod schedule;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidings_core::Timestamp;
use tidings_store::LaneId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gateway::Gateway;
use crate::lane::Lane;

pub use balance::{out_of_credit, recall_empty};
pub use callbacks::{CallbackAnswer, lane_at, receive, unread};
pub use health::{Calls, ToldAlarms, note_calls};
pub use hearing::{Hearing, hear};

/// What is watched of a lane: its balance, and how well it does. Kept over a reload of the configuration.
#[derive(Debug, Default)]
pub struct Watched {
    health: health::Health,
    balance: tokio::sync::Mutex<balance::Watch>,
    /// A message was refused because nothing is left, and the balance was not asked for since.
    is_refused: AtomicBool,
    /// It was told that nothing is left, and not yet that it was filled.
    is_told_empty: AtomicBool,
    /// Rung when the balance is worth asking for at once.
    bell: Notify,
}

impl Watched {
    /// Whether it was told that nothing is left, and not yet that it was filled.
    pub fn is_known_empty(&self) -> bool {
        self.is_told_empty.load(Ordering::Relaxed)
    }
}

/// How often is looked whether nothing is heard of a lane any more.
const LOOK_AT_HEALTH: Duration = Duration::from_secs(5);

/// How long a loop waits after the store did not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// When the provider of a lane is first asked about a message that it took at `taken_at`; `None` where
/// it tells by itself, or cannot be asked.
pub fn first_poll(lane: &Lane, taken_at: Timestamp) -> Option<Timestamp> {
    polling::is_asked(lane).then(|| taken_at.plus(schedule::FIRST_POLL))
}

/// Asks, subscribes and watches for every lane, until the gateway stops. Follows the configuration when
/// it is read again: loops of lanes that are gone or were changed end, those of new ones begin.
pub async fn run(gateway: Gateway) {
    let mut running: HashMap<LaneId, Running> = HashMap::new();
    let mut reloads = gateway.signals().reloads();
    let tasks = TaskTracker::new();
    loop {
        let live = gateway.live();
        running.retain(|id, loops| {
            let is_same = live
                .lanes
                .get(id)
                .is_some_and(|lane| Arc::ptr_eq(lane, &loops.lane));
            if !is_same {
                loops.ends.cancel();
            }
            is_same
        });
        for (id, lane) in &live.lanes {
            if !running.contains_key(id) {
                running.insert(id.clone(), begin(&gateway, lane, &tasks));
            }
        }
        drop(live);
        tokio::select! {
            () = gateway.stopping().cancelled() => break,
            () = tokio::time::sleep(LOOK_AT_HEALTH) => health::look(&gateway).await,
            changed = reloads.changed() => {
                if changed.is_err() {
                    break;
                }
            }
        }
    }
    for loops in running.values() {
        loops.ends.cancel();
    }
    tasks.close();
    tasks.wait().await;
}

/// The loops of one lane.
struct Running {
    lane: Arc<Lane>,
    ends: CancellationToken,
}

fn begin(gateway: &Gateway, lane: &Arc<Lane>, tasks: &TaskTracker) -> Running {
    let ends = CancellationToken::new();
    if polling::is_asked(lane) {
        let polling = polling::run(gateway.clone(), Arc::clone(lane));
        tasks.spawn(until(ends.clone(), polling));
    }
    if lane.capabilities.balance {
        let watching = balance::run(gateway.clone(), Arc::clone(lane));
        tasks.spawn(until(ends.clone(), watching));
    }
    if let Some(url) = callbacks::subscribed_url(&gateway.live().config, lane) {
        let keeping = subscriptions::run(gateway.clone(), Arc::clone(lane), url);
        tasks.spawn(until(ends.clone(), keeping));
    }
    Running {
        lane: Arc::clone(lane),
        ends,
    }
}

/// A loop is given up where it waits; what it was asking is asked again by the next one.
async fn until(ends: CancellationToken, work: impl Future<Output = ()>) {
    ends.run_until_cancelled(work).await;
}
