//! What is done with a batch that is there: it is listed, shown, paused, resumed, stopped.
//!
//! The handlers of `/v1/batches` but the one that takes. An order holds from its commit on; moving the rows
//! follows.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use tidings_core::Timestamp;
use tidings_store::{BatchId, BatchOrder, MessageId, StoredBatch};
use utoipa::{IntoParams, ToSchema};

use super::super::Api;
use super::super::auth::Who;
use super::super::body::{Path, Query};
use super::super::error::{Problem, Result};
use super::super::pages::{self, Listed, PageQuery};
use super::super::schema;
use crate::access::Scope;

/// Rows that are moved at once when a batch is stopped.
const ROWS_AT_ONCE: usize = 5_000;

/// A batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
pub(crate) struct BatchView {
    /// Its name.
    #[schema(value_type = String, format = "uuid")]
    id: BatchId,
    /// Whose.
    account: String,
    /// Your own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// Which API it came by: `tidings`, or a provider's id.
    origin: String,
    /// What it does.
    #[schema(value_type = schema::BatchState)]
    state: &'static str,
    /// How many messages are in each state.
    counts: BTreeMap<&'static str, u64>,
    /// How many messages it has.
    messages: u64,
    /// Rows that were refused at the door, so far while rows come in.
    rejected: u64,
    /// The batch that this one sends again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    resend_of: Option<BatchId>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the last row had come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_at: Option<Timestamp>,
}

impl BatchView {
    fn of(api: &Api, batch: StoredBatch) -> Self {
        let n_refused = api.gateway.batches().n_refused(batch.id);
        Self {
            id: batch.id,
            messages: batch.n_messages(),
            counts: counts(&batch.counts),
            account: batch.account.into(),
            reference: batch.reference.as_deref().map(str::to_owned),
            origin: batch.origin.to_string(),
            state: batch.state.as_str(),
            rejected: batch.n_rejected.max(n_refused.unwrap_or_default()),
            resend_of: batch.resend_of,
            created_at: batch.created_at,
            closed_at: batch.closed_at,
        }
    }
}

/// Counts by state; a lease is nobody's news.
fn counts(stored: &BTreeMap<&'static str, u64>) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for (state, count) in stored {
        let state = if *state == "leased" { "queued" } else { state };
        *counts.entry(state).or_insert(0) += count;
    }
    counts
}

/// Which batches are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The latest one with this name of yours.
    reference: Option<String>,
    /// Of which account; `*` is all. For operators.
    account: Option<String>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
    /// At most so many: 1 to 500, otherwise 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists batches, the latest first.
#[utoipa::path(
    get,
    path = "/v1/batches",
    tag = "batches",
    params(ListQuery),
    responses((status = 200, description = "A page of batches", body = Listed<BatchView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Listed<BatchView>>> {
    let view = who.view(query.account.as_deref())?;
    let store = api.gateway.store();
    if let Some(reference) = &query.reference {
        let account = view.account.as_ref().unwrap_or_else(|| who.account());
        let found = store.batch_named(account, reference).await?;
        let found = found.into_iter();
        let found = found.map(|batch| BatchView::of(&api, batch)).collect();
        return Ok(Json(Listed::whole(found)));
    }
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let listed = store.batches(view.account.as_ref(), page).await;
    let listed = listed.map_err(|error| pages::page_fault(error, has_cursor))?;
    let show = |batch| BatchView::of(&api, batch);
    Ok(Json(Listed::of(listed, show)))
}

/// Shows one batch with its counts.
#[utoipa::path(
    get,
    path = "/v1/batches/{id}",
    tag = "batches",
    params(("id" = String, Path, format = "uuid", description = "The batch")),
    responses((status = 200, description = "The batch", body = BatchView)),
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<BatchId>,
) -> Result<Json<BatchView>> {
    who.may(Scope::Read)?;
    let found = api.gateway.store().batch(who.reach(), id).await?;
    let batch = found.ok_or_else(|| Problem::not_found("batch"))?;
    Ok(Json(BatchView::of(&api, batch)))
}

/// Holds a batch: nothing of it leaves until it is resumed.
#[utoipa::path(
    post,
    path = "/v1/batches/{id}/pause",
    tag = "batches",
    params(("id" = String, Path, format = "uuid", description = "The batch")),
    responses((status = 200, description = "It is held", body = BatchView)),
)]
pub(crate) async fn pause(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<BatchId>,
) -> Result<Json<BatchView>> {
    let batch = give(&api, &who, id, BatchOrder::Pause).await?;
    Ok(Json(BatchView::of(&api, batch)))
}

/// Lets a batch go on.
#[utoipa::path(
    post,
    path = "/v1/batches/{id}/resume",
    tag = "batches",
    params(("id" = String, Path, format = "uuid", description = "The batch")),
    responses((status = 200, description = "It goes on", body = BatchView)),
)]
pub(crate) async fn resume(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<BatchId>,
) -> Result<Json<BatchView>> {
    let batch = give(&api, &who, id, BatchOrder::Resume).await?;
    Ok(Json(BatchView::of(&api, batch)))
}

/// Gives an order, which holds from now on; the janitor moves the rows.
async fn give(api: &Api, who: &Who, id: BatchId, order: BatchOrder) -> Result<StoredBatch> {
    who.may(Scope::Send)?;
    let (gateway, account) = (&api.gateway, Some(who.account()));
    let ordered = gateway.store().order(account, id, order, gateway.now());
    let batch = ordered.await?;
    gateway.signals().janitor().notify_one();
    gateway.signals().happened();
    Ok(batch)
}

/// The messages of a batch that was stopped, exactly.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoppedBatch)]
pub(crate) struct StopView {
    /// Never left, and never will.
    #[schema(value_type = Vec<String>)]
    canceled: Vec<MessageId>,
    /// With a provider, or at their end before.
    #[schema(value_type = Vec<String>)]
    already_out: Vec<MessageId>,
    /// On their way at this moment, or nobody knows; they are not sent again.
    #[schema(value_type = Vec<String>)]
    unknown: Vec<MessageId>,
}

/// Stops a batch for good, and lists exactly what that did.
#[utoipa::path(
    post,
    path = "/v1/batches/{id}/stop",
    tag = "batches",
    params(("id" = String, Path, format = "uuid", description = "The batch")),
    responses((status = 200, description = "Nothing of it leaves any more", body = StopView)),
)]
pub(crate) async fn stop(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<BatchId>,
) -> Result<Json<StopView>> {
    give(&api, &who, id, BatchOrder::Stop).await?;
    let (gateway, store) = (&api.gateway, api.gateway.store());
    // The order holds already. Should this be broken off, the janitor goes on.
    while store.carry_out(id, ROWS_AT_ONCE, gateway.now()).await? > 0 {}
    gateway.signals().happened();
    let lists = store.stop_lists(id).await?;
    Ok(Json(StopView {
        canceled: lists.canceled,
        already_out: lists.already_out,
        unknown: lists.unknown,
    }))
}
