//! How the lanes stand, for `/v1/providers`; and a person's pause.
//!
//! Called by the API's handlers. It reads what the loops write down and what waits in the store.

use serde::Serialize;
use tidings::layers::CircuitState;
use tidings_core::Timestamp;
use tidings_store::{LaneDepth, LaneId, StoreError};
use utoipa::ToSchema;

use super::memory;
use crate::gateway::Gateway;
use crate::lane::{Lane, Obstacle};

/// How a lane stands: one account at one provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Lane)]
pub struct LaneStatus {
    /// Its name.
    pub lane: String,
    /// The provider's id.
    pub provider: String,
    /// The provider's name.
    pub title: String,
    /// `up`, or why it carries no messages at present: `paused` (a person stopped it), `empty`, `daily_cap`,
    /// `refused` (the provider refuses the account), `down` (its breaker is open).
    #[schema(value_type = String)]
    pub state: &'static str,
    /// Whether the provider is called.
    pub breaker: Breaker,
    /// Whether a person stopped it.
    pub is_paused: bool,
    /// Whether nothing is left at the provider, so that no message is routed here.
    pub is_empty: bool,
    /// Why the provider refuses the account, as the class of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub refused: Option<&'static str>,
    /// For how many milliseconds yet the provider asked for patience.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience_ms: Option<u64>,
    /// Parts a second; without it there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Parts a day of UTC; without it there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_cap: Option<u64>,
    /// Parts that left today, where there is a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts_today: Option<u64>,
    /// Calls that are open now.
    pub in_flight: usize,
    /// The most calls that may be open.
    pub max_in_flight: usize,
    /// Messages that may leave now.
    pub queued: u64,
    /// Messages that wait for a time, after a failed attempt.
    pub waiting: u64,
    /// Messages in hand: leased or being sent.
    pub in_hand: u64,
    /// Messages whose answer was lost and that are being asked about.
    pub in_doubt: u64,
    /// When the one that has waited longest was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub oldest: Option<Timestamp>,
    /// Messages that the provider took since the gateway began.
    pub sent: u64,
    /// Attempts since then that the provider did not take.
    pub failed: u64,
    /// Attempts since then whose answer was lost.
    pub unknown: u64,
    /// Half of the last 256 calls took no longer than this, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_p50_ms: Option<f64>,
    /// All but one in a hundred of the last 256 calls took no longer than this, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_p99_ms: Option<f64>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LaneError>,
    /// What is left at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<LaneBalance>,
}

/// Whether a provider is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Breaker {
    /// It is.
    Closed,
    /// It is left alone for a while.
    Open {
        /// For so many milliseconds yet.
        rest_ms: u64,
    },
    /// The next call tries.
    HalfOpen,
}

/// What went wrong last.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LaneError {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The class of the error.
    #[schema(value_type = String)]
    pub class: &'static str,
    /// The provider's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A sentence about it.
    pub detail: String,
}

/// What is left at a provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LaneBalance {
    /// So many units.
    pub amount: i64,
    /// What is counted.
    #[schema(value_type = String)]
    pub unit: &'static str,
    /// When the provider was asked.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// How all lanes stand, by name.
pub async fn status(gateway: &Gateway) -> Result<Vec<LaneStatus>, StoreError> {
    let depths = gateway.store().lane_depths().await?;
    let live = gateway.live();
    let status = live.lanes.values().map(|lane| {
        let depth = depths.iter().find(|depth| depth.lane == lane.id);
        of(gateway, lane, depth)
    });
    Ok(status.collect())
}

/// Stops a lane: what is not on its way yet stays, until somebody lets it go on. Kept over a restart. `None`
/// where there is no such lane; else whether it is news.
pub async fn pause(gateway: &Gateway, lane: &LaneId) -> Result<Option<bool>, StoreError> {
    set_paused(gateway, lane, true).await
}

/// Lets a lane go on. `None` where there is no such lane; else whether it is news.
pub async fn resume(gateway: &Gateway, lane: &LaneId) -> Result<Option<bool>, StoreError> {
    set_paused(gateway, lane, false).await
}

async fn set_paused(
    gateway: &Gateway,
    lane: &LaneId,
    is_paused: bool,
) -> Result<Option<bool>, StoreError> {
    let Some(lane) = gateway.lane(lane) else {
        return Ok(None);
    };
    let was_paused = lane.standing.is_paused();
    lane.standing.set_paused(is_paused);
    gateway.signals().wake_lane(&lane.id);
    memory::remember(gateway, &lane).await?;
    Ok(Some(was_paused != is_paused))
}

fn of(gateway: &Gateway, lane: &Lane, depth: Option<&LaneDepth>) -> LaneStatus {
    let now = gateway.clock().elapsed();
    let standing = &lane.standing;
    let suspension = *standing.suspension();
    let daily_cap = lane.config.daily_cap;
    let parts_today = daily_cap.map(|_| standing.daily().used());
    let balance = standing.balance().map(|(balance, at)| LaneBalance {
        amount: balance.amount,
        unit: balance.unit,
        at,
    });
    let record = standing.record();
    let last_error = record.last_error.clone().map(|error| LaneError {
        at: error.at,
        class: error.class,
        code: error.code.as_deref().map(str::to_owned),
        detail: error.detail.to_string(),
    });
    let of_depth = |read: fn(&LaneDepth) -> u64| depth.map(read).unwrap_or_default();
    let milliseconds = |share| record.latency(share).map(|it| it.as_secs_f64() * 1_000.0);
    LaneStatus {
        lane: lane.id.to_string(),
        provider: lane.spec.id.to_owned(),
        title: lane.spec.title.to_owned(),
        state: lane.obstacle(now).map_or("up", Obstacle::as_str),
        breaker: breaker(lane),
        is_paused: standing.is_paused(),
        is_empty: standing.is_empty(),
        refused: suspension.cause().map(tidings::ErrorKind::as_str),
        patience_ms: suspension.patience(now).map(in_millis),
        rate: lane.config.rate,
        daily_cap,
        parts_today,
        in_flight: record.n_open,
        max_in_flight: lane.config.in_flight,
        queued: of_depth(|depth| depth.ready),
        waiting: of_depth(|depth| depth.waiting),
        in_hand: of_depth(|depth| depth.in_hand),
        in_doubt: of_depth(|depth| depth.in_doubt),
        oldest: depth.and_then(|depth| depth.oldest),
        sent: record.n_taken,
        failed: record.n_not_taken,
        unknown: record.n_unknown,
        latency_p50_ms: milliseconds(0.5),
        latency_p99_ms: milliseconds(0.99),
        last_error,
        balance,
    }
}

fn breaker(lane: &Lane) -> Breaker {
    match lane.circuit.state() {
        CircuitState::Closed => Breaker::Closed,
        CircuitState::Open { rest } => Breaker::Open {
            rest_ms: in_millis(rest),
        },
        // `CircuitState` may grow: what is not known here is between the two.
        _ => Breaker::HalfOpen,
    }
}

fn in_millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
