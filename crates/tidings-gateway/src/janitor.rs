//! Repairs what time or a crash left behind, carries out orders for batches, closes those whose rows nobody
//! sends any more, and lets messages go that waited for a route.
//!
//! Run beside the lanes' loops. What it does is decided by the store; it sees to it that it happens, in
//! pieces, so that nobody else waits for it.

use std::time::Duration;

use metrics::{counter, gauge};
use tidings_core::{HeldReason, MessageState};
use tidings_store::{
    BatchId, LaneId, MessageFilter, MessageId, PageRequest, Repaired, StoreError, StoredMessage,
};

use crate::gateway::Gateway;
use crate::metrics as names;
use crate::vendors::KeptTerms;

/// How often is looked for what time has brought: held messages whose hour has come, leases and
/// messages that ran out.
const LOOK: Duration = Duration::from_secs(1);

/// How often depth and age of the queues are measured.
const MEASURE: Duration = Duration::from_secs(5);

/// How often is looked for batches to which nothing is added any more.
const LOOK_FOR_IDLE: Duration = Duration::from_mins(1);

/// How many rows are touched at once.
const PIECE: usize = 1_000;

/// Ends at once what a process of our name held that is gone. To be called before [`run`] and before
/// [`crate::dispatch::run`], when nobody else of this name runs: it would end what is in hand.
pub async fn take_over(gateway: &Gateway) -> Result<Repaired, StoreError> {
    let repaired = gateway
        .store()
        .take_over(gateway.node(), gateway.now())
        .await?;
    count(&repaired);
    if !repaired.is_nothing() {
        let (leases, attempts) = (repaired.leases, repaired.attempts);
        tracing::info!(
            leases,
            attempts,
            "taken over from a process that is gone: {leases} leases, {attempts} attempts whose end nobody knows"
        );
        gateway.signals().happened();
    }
    Ok(repaired)
}

/// Repairs and carries out until the gateway stops.
pub async fn run(gateway: Gateway) {
    let stopping = gateway.stopping().clone();
    let work = async {
        let mut reloads = gateway.signals().reloads();
        let mut measure_at = gateway.clock().elapsed();
        let mut close_at = measure_at;
        let mut is_rerouting = true;
        loop {
            is_rerouting |= reloads.has_changed().unwrap_or_default();
            reloads.mark_unchanged();
            let round = sweep(&gateway, &mut is_rerouting).await;
            if let Err(error) = round {
                tracing::warn!(%error, "something was not repaired yet: {error}");
            }
            let now = gateway.clock().elapsed();
            if now >= measure_at {
                measure_at = now.saturating_add(MEASURE);
                if let Err(error) = measure(&gateway).await {
                    tracing::warn!(%error, "the queues were not measured: {error}");
                }
            }
            if now >= close_at {
                close_at = now.saturating_add(LOOK_FOR_IDLE);
                if let Err(error) = close_idle_batches(&gateway).await {
                    tracing::warn!(%error, "batches without new rows were not closed: {error}");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = gateway.signals().janitor().notified() => {}
                _ = reloads.changed() => is_rerouting = true,
            }
        }
    };
    stopping.run_until_cancelled(work).await;
}

/// One round of everything.
async fn sweep(gateway: &Gateway, is_rerouting: &mut bool) -> Result<(), StoreError> {
    carry_out_orders(gateway).await?;
    repair(gateway).await?;
    if *is_rerouting {
        release_routable(gateway).await?;
        *is_rerouting = false;
    }
    Ok(())
}

/// Carries out orders for batches, a piece of each in turn, until nothing is left.
pub async fn carry_out_orders(gateway: &Gateway) -> Result<(), StoreError> {
    let mut batches: Vec<BatchId> = gateway.store().unfinished_orders().await?;
    let had_any = !batches.is_empty();
    while !batches.is_empty() {
        let mut rest = Vec::with_capacity(batches.len());
        for batch in batches {
            let moved = gateway
                .store()
                .carry_out(batch, PIECE, gateway.now())
                .await?;
            if moved > 0 {
                rest.push(batch);
            }
        }
        gateway.signals().happened();
        batches = rest;
    }
    if had_any {
        wake_lanes(gateway);
    }
    Ok(())
}

/// Closes batches to which nothing was added for as long as the configuration says, so that they come to
/// their end: whoever streamed them is gone, or a vendor's API has no call that ends them.
pub async fn close_idle_batches(gateway: &Gateway) -> Result<(), StoreError> {
    let idle = gateway.live().config.limits.batch_idle;
    loop {
        let now = gateway.now();
        let store = gateway.store();
        let n_closed = store
            .close_idle_batches(now.minus(idle), PIECE, now)
            .await?;
        if n_closed == 0 {
            return Ok(());
        }
        counter!(names::REPAIRED, "what" => "closed").increment(n_closed);
        gateway.signals().happened();
    }
}

/// Repairs until nothing is left.
pub async fn repair(gateway: &Gateway) -> Result<(), StoreError> {
    loop {
        let repaired = gateway.store().repair(PIECE, gateway.now()).await?;
        if repaired.is_nothing() {
            return Ok(());
        }
        count(&repaired);
        gateway.signals().happened();
        if repaired.leases + repaired.attempts + repaired.released > 0 {
            wake_lanes(gateway);
        }
        let piece = u64::try_from(PIECE).unwrap_or(u64::MAX);
        let Repaired {
            leases,
            attempts,
            expired,
            released,
            removed,
        } = repaired;
        if [leases, attempts, expired, released, removed]
            .iter()
            .all(|n| *n < piece)
        {
            return Ok(());
        }
    }
}

/// Messages that are held because no route led anywhere go, if one does now. Looked for when the
/// gateway begins and when the configuration was read again.
pub async fn release_routable(gateway: &Gateway) -> Result<(), StoreError> {
    let mut page = PageRequest::default();
    loop {
        let filter = MessageFilter {
            states: vec![MessageState::Held(HeldReason::NoRoute)],
            page,
            ..MessageFilter::default()
        };
        let found = gateway.store().messages(filter).await?;
        let without_route =
            |message: &&StoredMessage| message.state == MessageState::Held(HeldReason::NoRoute);
        let messages = found.items.iter().filter(without_route);
        let release: Vec<(MessageId, LaneId)> = messages
            .filter_map(|message| Some((message.id, lane_for(gateway, message)?)))
            .collect();
        if !release.is_empty() {
            gateway.store().release(release, gateway.now()).await?;
            gateway.signals().happened();
            wake_lanes(gateway);
        }
        match found.next {
            Some(next) => {
                page = PageRequest {
                    after: Some(next),
                    limit: PIECE,
                }
            }
            None => return Ok(()),
        }
    }
}

/// The lane that a route leads to; one in service before others.
fn lane_for(gateway: &Gateway, stored: &StoredMessage) -> Option<LaneId> {
    let mut message = tidings_core::Message::new(stored.to, std::sync::Arc::clone(&stored.text));
    message.from.clone_from(&stored.from);
    message.priority = stored.priority;
    message.tag = stored.tag.as_deref().and_then(|tag| tag.parse().ok());
    let only_at = KeptTerms::only_at(stored.terms.as_deref());
    crate::dispatch::lane_for(gateway, &message, only_at)
}

fn wake_lanes(gateway: &Gateway) {
    for lane in gateway.live().lanes.keys() {
        gateway.signals().wake_lane(lane);
    }
}

/// Depth and age of the queues as metrics.
async fn measure(gateway: &Gateway) -> Result<(), StoreError> {
    let now = gateway.now();
    let depths = gateway.store().lane_depths().await?;
    for id in gateway.live().lanes.keys() {
        let lane = || id.as_str().to_owned();
        let depth = depths.iter().find(|depth| depth.lane == *id);
        let states = [
            ("ready", depth.map(|depth| depth.ready)),
            ("waiting", depth.map(|depth| depth.waiting)),
            ("in_hand", depth.map(|depth| depth.in_hand)),
            ("in_doubt", depth.map(|depth| depth.in_doubt)),
        ];
        for (state, n) in states {
            #[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
            let n = n.unwrap_or_default() as f64;
            gauge!(names::QUEUE_DEPTH, "lane" => lane(), "state" => state).set(n);
        }
        let oldest = depth.and_then(|depth| depth.oldest);
        let age = oldest.map(|at| now.since(at)).unwrap_or_default();
        gauge!(names::QUEUE_AGE_SECONDS, "lane" => lane()).set(age);
    }
    Ok(())
}

fn count(repaired: &Repaired) {
    let all = [
        ("leases", repaired.leases),
        ("attempts", repaired.attempts),
        ("expired", repaired.expired),
        ("released", repaired.released),
        ("removed", repaired.removed),
    ];
    for (what, n) in all {
        if n > 0 {
            counter!(names::REPAIRED, "what" => what).increment(n);
        }
    }
}
