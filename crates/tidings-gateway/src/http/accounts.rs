//! `/v1/accounts`: the gateway's customers. An operator sees and changes all, everybody else sees his own.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, json};
use tidings_core::Timestamp;
use tidings_store::{AccountChange, AccountId, StoredAccount};
use utoipa::ToSchema;

use super::Api;
use super::auth::Who;
use super::body::{JsonBody, Path};
use super::error::{Problem, Result};
use super::pages::Listed;
use crate::access::Scope;
use crate::access::desk::{self, Done};
use crate::settings::AccountSettings;

/// A customer of the gateway.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountView {
    /// Its name.
    id: String,
    /// What holds for all its messages.
    settings: AccountSettings,
    /// How many parts it may still send; `null` is without a limit.
    #[schema(required = true)]
    quota: Option<i64>,
    /// Whether it may send.
    is_active: bool,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Grows with each change.
    version: u32,
}

impl AccountView {
    fn of(account: StoredAccount) -> Self {
        Self {
            id: account.id.into(),
            settings: serde_json::from_str(&account.settings).unwrap_or_default(),
            quota: account.quota,
            is_active: account.is_active,
            created_at: account.created_at,
            version: account.version,
        }
    }
}

/// A customer who is to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAccount)]
pub(crate) struct AccountBody {
    /// Its name: 1 to 64 letters, digits, `-`, `_` and `.`.
    #[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$", example = "acme")]
    id: String,
    /// What holds for all its messages.
    #[serde(default)]
    settings: AccountSettings,
    /// How many parts it may send; without it there is no limit.
    #[schema(minimum = 0)]
    quota: Option<i64>,
}

/// What is to change of a customer; what is not there stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChange)]
#[expect(
    clippy::option_option,
    reason = "what is not said, null, and a number are three things"
)]
pub(crate) struct ChangeBody {
    /// All of its settings, anew.
    settings: Option<AccountSettings>,
    /// How many parts it may send from now on; `null` is without a limit.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<i64>, minimum = 0)]
    quota: Option<Option<i64>>,
    /// Whether it may send.
    is_active: Option<bool>,
}

/// Tells `null` from what is not there.
pub(crate) fn said<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Lists the customers: all of them for an operator, otherwise your own account.
#[utoipa::path(
    get,
    path = "/v1/accounts",
    tag = "running",
    responses((status = 200, description = "The accounts", body = Listed<AccountView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
) -> Result<Json<Listed<AccountView>>> {
    who.may(Scope::Read)?;
    let store = api.gateway.store();
    let accounts = if who.caller.allows(Scope::Admin) {
        store.accounts().await?
    } else {
        store.account(who.account()).await?.into_iter().collect()
    };
    let accounts = accounts.into_iter().map(AccountView::of).collect();
    Ok(Json(Listed::whole(accounts)))
}

/// Adds a customer.
#[utoipa::path(
    post,
    path = "/v1/accounts",
    tag = "running",
    request_body = AccountBody,
    responses((status = 201, description = "It is there", body = AccountView)),
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    JsonBody(body): JsonBody<AccountBody>,
) -> Result<(StatusCode, Json<AccountView>)> {
    who.may(Scope::Admin)?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(1..=64).contains(&body.id.len()) || !body.id.bytes().all(is_part) {
        let detail = "a name has 1 to 64 letters, digits, -, _ and .";
        return Err(Problem::of_field("id", detail));
    }
    body.settings.check()?;
    check_quota(body.quota)?;
    let now = api.gateway.now();
    let (store, acting) = (api.gateway.store(), who.acting());
    let id = AccountId::from(body.id);
    let added = desk::add_account(store, id, &body.settings, body.quota, &acting, now).await?;
    Ok((StatusCode::CREATED, Json(AccountView::of(added))))
}

fn check_quota(quota: Option<i64>) -> Result<()> {
    if quota.is_some_and(|quota| quota < 0) {
        return Err(Problem::of_field("quota", "a quota is not negative"));
    }
    Ok(())
}

/// Shows one customer.
#[utoipa::path(
    get,
    path = "/v1/accounts/{id}",
    tag = "running",
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The account", body = AccountView)),
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Json<AccountView>> {
    who.may(Scope::Read)?;
    let id = AccountId::from(id);
    if id != *who.account() && !who.caller.allows(Scope::Admin) {
        return Err(Problem::not_found("account"));
    }
    let found = api.gateway.store().account(&id).await?;
    let account = found.ok_or_else(|| Problem::not_found("account"))?;
    Ok(Json(AccountView::of(account)))
}

/// Changes a customer: its settings; for an operator also its quota and whether it may send.
#[utoipa::path(
    patch,
    path = "/v1/accounts/{id}",
    tag = "running",
    params(("id" = String, Path, description = "The account")),
    request_body = ChangeBody,
    responses((status = 200, description = "It is changed", body = AccountView)),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Json<AccountView>> {
    let id = AccountId::from(id);
    who.may(Scope::Manage)?;
    let is_operators = body.quota.is_some() || body.is_active.is_some();
    if is_operators || id != *who.account() {
        who.may(Scope::Admin)?;
    }
    check_quota(body.quota.flatten())?;
    if let Some(settings) = &body.settings {
        settings.check()?;
    }
    // What was not named was not touched; a quota of `null` is one that was lifted.
    let mut detail = Map::new();
    if let Some(settings) = &body.settings {
        detail.insert("settings".to_owned(), json!(settings));
    }
    if let Some(quota) = body.quota {
        detail.insert("quota".to_owned(), json!(quota));
    }
    if let Some(is_active) = body.is_active {
        detail.insert("is_active".to_owned(), json!(is_active));
    }
    let change = AccountChange {
        settings: body.settings.as_ref().map(AccountSettings::to_json),
        quota: body.quota,
        is_active: body.is_active,
    };
    let store = api.gateway.store();
    let changed = store.change_account(&id, change).await?;
    let done = Done {
        what: "account.changed",
        target: id.to_string(),
        account: Some(id),
        detail: Some(detail.into()),
    };
    desk::audit(store, done, &who.acting(), api.gateway.now()).await?;
    api.gateway.access().changed();
    Ok(Json(AccountView::of(changed)))
}
