//! `/v1/providers`: how the lanes stand, and their pause.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::json;
use tidings::layers::CircuitState;
use tidings_core::Timestamp;
use tidings_store::{LaneDepth, LaneId};
use utoipa::ToSchema;

use super::Api;
use super::auth::Who;
use super::body::Path;
use super::error::{Problem, Result};
use super::pages::Listed;
use crate::access::Scope;
use crate::access::desk::{self, Done};
use crate::dispatch;
use crate::gateway::Gateway;
use crate::lane::{Lane, Obstacle};

/// How a lane stands: one account at one provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lane)]
pub(crate) struct LaneView {
    /// Its name.
    id: String,
    /// The provider's id.
    provider: String,
    /// The provider's name.
    title: String,
    /// `up`, or why it carries no messages at present: `paused` (a person stopped it), `empty`, `daily_cap`,
    /// `refused` (the provider refuses the account), `down` (its breaker is open).
    #[schema(value_type = String)]
    state: &'static str,
    /// Whether it is called: `closed` it is, `open` it is left alone for a while, `half_open` the next call
    /// tries.
    #[schema(value_type = String)]
    breaker: &'static str,
    /// For how many milliseconds yet it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_for_ms: Option<u64>,
    /// Whether a person stopped it.
    is_paused: bool,
    /// Whether nothing is left at the provider, so that no message is routed here.
    is_empty: bool,
    /// Parts a second; without it there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    /// Parts a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_cap: Option<u64>,
    /// What is left at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<BalanceView>,
    /// What waits for it.
    queue: QueueView,
    /// Messages that the provider took since the gateway began.
    sent: u64,
    /// Attempts since then that the provider did not take.
    failed: u64,
    /// Attempts since then whose answer was lost.
    unknown: u64,
}

/// What is left at a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balance)]
pub(crate) struct BalanceView {
    /// So many units.
    amount: i64,
    /// What is counted.
    #[schema(value_type = String)]
    unit: &'static str,
    /// When the provider was asked.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// What waits for a lane.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = LaneQueue)]
pub(crate) struct QueueView {
    /// Messages that may leave now.
    ready: u64,
    /// Messages that wait for a time, after a failed attempt.
    waiting: u64,
    /// Messages in hand.
    in_hand: u64,
    /// Messages whose answer was lost and that are being asked about.
    in_doubt: u64,
    /// When the one that has waited longest was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest: Option<Timestamp>,
}

impl LaneView {
    fn of(gateway: &Gateway, lane: &Lane, depth: Option<&LaneDepth>) -> Self {
        let (breaker, open_for) = match lane.circuit.state() {
            CircuitState::Closed => ("closed", None),
            CircuitState::Open { rest } => ("open", Some(rest)),
            // `CircuitState` may grow; what is not known here is between open and closed.
            CircuitState::HalfOpen | _ => ("half_open", None),
        };
        let milliseconds = |rest: std::time::Duration| u64::try_from(rest.as_millis()).ok();
        let balance = lane.standing.balance().map(|(balance, at)| BalanceView {
            amount: balance.amount,
            unit: balance.unit,
            at,
        });
        let obstacle = lane.obstacle(gateway.clock().elapsed());
        let (sent, failed, unknown) = {
            let record = lane.standing.record();
            (record.n_taken, record.n_not_taken, record.n_unknown)
        };
        Self {
            id: lane.id.to_string(),
            provider: lane.spec.id.to_owned(),
            title: lane.spec.title.to_owned(),
            state: obstacle.map_or("up", Obstacle::as_str),
            breaker,
            open_for_ms: open_for.and_then(milliseconds),
            is_paused: lane.standing.is_paused(),
            is_empty: lane.standing.is_empty(),
            rate: lane.config.rate,
            daily_cap: lane.config.daily_cap,
            balance,
            queue: depth.map_or_else(QueueView::default, |depth| QueueView {
                ready: depth.ready,
                waiting: depth.waiting,
                in_hand: depth.in_hand,
                in_doubt: depth.in_doubt,
                oldest: depth.oldest,
            }),
            sent,
            failed,
            unknown,
        }
    }
}

/// Lists the lanes. For operators.
#[utoipa::path(
    get,
    path = "/v1/providers",
    tag = "running",
    responses((status = 200, description = "The lanes", body = Listed<LaneView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
) -> Result<Json<Listed<LaneView>>> {
    who.may(Scope::Admin)?;
    let depths = api.gateway.store().lane_depths().await?;
    let live = api.gateway.live();
    let shown = live.lanes.values().map(|lane| {
        let depth = depths.iter().find(|depth| depth.lane == lane.id);
        LaneView::of(&api.gateway, lane, depth)
    });
    Ok(Json(Listed::whole(shown.collect())))
}

/// Stops a lane: nothing leaves over it until it is resumed. For operators.
#[utoipa::path(
    post,
    path = "/v1/providers/{id}/pause",
    tag = "running",
    params(("id" = String, Path, description = "The lane")),
    responses((status = 200, description = "It is stopped", body = LaneView)),
)]
pub(crate) async fn pause(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<LaneView>> {
    set_paused(&api, &who, id, true).await
}

/// Lets a lane go on. For operators.
#[utoipa::path(
    post,
    path = "/v1/providers/{id}/resume",
    tag = "running",
    params(("id" = String, Path, description = "The lane")),
    responses((status = 200, description = "It goes on", body = LaneView)),
)]
pub(crate) async fn resume(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<LaneView>> {
    set_paused(&api, &who, id, false).await
}

async fn set_paused(api: &Api, who: &Who, id: String, is_paused: bool) -> Result<Json<LaneView>> {
    who.may(Scope::Admin)?;
    let id = LaneId::from(id);
    let lane = api.gateway.lane(&id);
    let lane = lane.ok_or_else(|| Problem::not_found("lane"))?;
    if is_paused {
        dispatch::pause(&api.gateway, &id).await?;
    } else {
        dispatch::resume(&api.gateway, &id).await?;
    }
    let done = Done {
        what: if is_paused {
            "lane.paused"
        } else {
            "lane.resumed"
        },
        target: id.to_string(),
        account: None,
        detail: Some(json!({"provider": lane.spec.id})),
    };
    desk::audit(api.gateway.store(), done, &who.acting(), api.gateway.now()).await?;
    let depths = api.gateway.store().lane_depths().await?;
    let depth = depths.iter().find(|depth| depth.lane == id);
    Ok(Json(LaneView::of(&api.gateway, &lane, depth)))
}
