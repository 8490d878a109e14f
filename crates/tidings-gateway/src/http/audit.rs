//! `/v1/audit`: who changed what.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_core::Timestamp;
use tidings_store::{AuditEntry, AuditFilter};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Who;
use super::body::Query;
use super::error::Result;
use super::pages::{self, Listed, PageQuery};
use crate::access::Scope;

/// Something that somebody did who may change things.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditView {
    /// Its place in the order of all.
    seq: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who: a key's id, `command` or `gateway`.
    who: String,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Whose affairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// What, such as `key.created`.
    what: String,
    /// To what.
    target: String,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    detail: Option<Box<RawValue>>,
}

impl AuditView {
    fn of(entry: AuditEntry) -> Self {
        let detail = entry.detail.as_deref().map(str::to_owned);
        Self {
            seq: entry.seq.0,
            at: entry.at,
            who: entry.who.to_string(),
            from: entry.from.map(|from| from.to_string()),
            account: entry.account.map(String::from),
            what: entry.what.to_string(),
            target: entry.target.to_string(),
            detail: detail.and_then(|detail| RawValue::from_string(detail).ok()),
        }
    }
}

/// Which acts are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Of which account; `*` is all. For operators.
    account: Option<String>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
    /// At most so many: 1 to 500, otherwise 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists what was changed and by whom, the latest first.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "running",
    params(AuditQuery),
    responses((status = 200, description = "A page of acts", body = Listed<AuditView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Listed<AuditView>>> {
    who.may(Scope::Manage)?;
    let account = who.whose(query.account.as_deref())?;
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let filter = AuditFilter { account, page };
    let listed = api.gateway.store().audit_entries(filter).await;
    let listed = listed.map_err(|error| pages::page_fault(error, has_cursor))?;
    Ok(Json(Listed::of(listed, AuditView::of)))
}
