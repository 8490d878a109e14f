//! `/healthz`, `/readyz`, `/metrics`: for those who watch the gateway. Without a key: what they tell is
//! no customer's.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::error::{Code, Problem, Result};

/// How the gateway is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    /// `ok`.
    #[schema(value_type = String)]
    status: &'static str,
}

const OK: HealthView = HealthView { status: "ok" };

/// Whether the process answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "running",
    security(()),
    responses((status = 200, description = "It does", body = HealthView)),
)]
pub(crate) async fn alive() -> Json<HealthView> {
    Json(OK)
}

/// Whether requests may be sent here: the store can be written, and the gateway is not stopping.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "running",
    security(()),
    responses((status = 200, description = "They may", body = HealthView)),
)]
pub(crate) async fn ready(State(api): State<Arc<Api>>) -> Result<Json<HealthView>> {
    if api.gateway.stopping().is_cancelled() {
        return Err(Problem::new(Code::NotReady, "the gateway is stopping"));
    }
    let patience = Duration::from_secs(5);
    let check = tokio::time::timeout(patience, api.gateway.store().check());
    match check.await {
        Ok(checked) => checked?,
        Err(_elapsed) => {
            let detail = "the store does not answer";
            return Err(Problem::new(Code::StoreUnavailable, detail));
        }
    }
    Ok(Json(OK))
}

/// The numbers of the moment, in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "running",
    security(()),
    responses((status = 200, description = "The numbers", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Result<Response> {
    let page = api.gateway.metrics_page();
    let page = page.ok_or_else(|| Problem::new(Code::NotReady, "nobody collects numbers here"))?;
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, page).into_response())
}
