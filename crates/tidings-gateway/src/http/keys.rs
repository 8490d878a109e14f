//! `/v1/keys`: who may use the API. What a key consists of is shown once, when it is made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tidings_core::Timestamp;
use tidings_store::{AccountId, KeyId, StoredKey};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Who;
use super::body::{OptionalJson, Path, Query};
use super::error::{Problem, Result};
use super::pages::Listed;
use super::schema;
use crate::access::desk;
use crate::access::{CreatedKey, NATIVE, NewKeyRequest, Scope, Scopes};

/// The longest time that a key stays good beside the one that takes its place.
const MAX_OVERLAP_S: u64 = 90 * 24 * 3600;

/// A key, without what is secret of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyView {
    /// Its name, which may be shown.
    #[schema(format = "uuid")]
    id: String,
    /// Whose.
    account: String,
    /// For which API: `tidings`, or the id of a provider.
    api: String,
    /// The public part by which it is told from others.
    lookup: String,
    /// A word for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// What it allows.
    #[schema(value_type = Vec<schema::Scope>)]
    scopes: Vec<String>,
    /// From which networks it may be used; none is from all.
    networks: Vec<String>,
    /// Of a vendor's API: the settings that are no secrets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    settings: BTreeMap<String, String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// From when on it is not good any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Since when, or from when on, it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// When it was used last; to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_from: Option<String>,
}

impl KeyView {
    fn of(key: &StoredKey) -> Self {
        Self {
            id: key.id.to_string(),
            account: key.account.to_string(),
            api: key.api.to_string(),
            lookup: key.lookup.to_string(),
            label: key.label.as_deref().map(str::to_owned),
            scopes: key.scopes.iter().map(ToString::to_string).collect(),
            networks: key.networks.iter().map(ToString::to_string).collect(),
            settings: desk::settings_of(key).into_iter().collect(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
            last_used_from: key.last_used_from.map(|from| from.to_string()),
        }
    }
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedKey)]
pub(crate) struct CreatedView {
    /// The key.
    key: KeyView,
    /// What is presented: `api_key` for our own API, for a vendor's the names of its settings. This is
    /// the only time that it is shown.
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
}

impl CreatedView {
    fn of(created: &CreatedKey) -> Self {
        Self {
            key: KeyView::of(&created.key),
            credentials: created.to_json(),
        }
    }
}

/// A key that is to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub(crate) struct KeyBody {
    /// Whose; otherwise your own account's. For operators.
    account: Option<String>,
    /// For which API: `tidings`, or the id of a provider.
    #[schema(example = "tidings")]
    api: Option<String>,
    /// What it allows; otherwise all that an account does. Not more than your own key.
    #[schema(value_type = Option<Vec<schema::Scope>>)]
    scopes: Option<Vec<String>>,
    /// A word for people.
    #[schema(max_length = 255)]
    label: Option<String>,
    /// From which networks it may be used, such as `192.0.2.0/24`; none is from all.
    #[serde(default)]
    networks: Vec<String>,
    /// From when on it is not good any more.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Of a vendor's API: values of settings that are no secrets; what is not given is drawn.
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

/// Which keys are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeyQuery {
    /// Of which account; `*` is all. For operators.
    account: Option<String>,
}

/// Lists keys, without what is secret of them.
#[utoipa::path(
    get,
    path = "/v1/keys",
    tag = "running",
    params(KeyQuery),
    responses((status = 200, description = "The keys", body = Listed<KeyView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<KeyQuery>,
) -> Result<Json<Listed<KeyView>>> {
    who.may(Scope::Manage)?;
    let account = who.whose(query.account.as_deref())?;
    let keys = api.gateway.store().keys(account.as_ref()).await?;
    let keys = keys.iter().map(KeyView::of).collect();
    Ok(Json(Listed::whole(keys)))
}

/// Makes a key. What it consists of is in the answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/keys",
    tag = "running",
    request_body = KeyBody,
    responses((status = 201, description = "It is good from now on", body = CreatedView)),
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    OptionalJson(body): OptionalJson<KeyBody>,
) -> Result<(StatusCode, Json<CreatedView>)> {
    who.may(Scope::Manage)?;
    let account = body.account.map(AccountId::from);
    let account = account.unwrap_or_else(|| who.account().clone());
    if account != *who.account() {
        who.may(Scope::Admin)?;
    }
    let request = NewKeyRequest {
        scopes: scopes(body.scopes, &who)?,
        label: body.label.map(Into::into),
        networks: networks(&body.networks)?,
        expires_at: body.expires_at,
        settings: body.settings.into_iter().collect(),
        ..NewKeyRequest::new(account, body.api.as_deref().unwrap_or(NATIVE))
    };
    let now = api.gateway.now();
    let created = desk::create(api.gateway.store(), request, &who.acting(), now).await?;
    api.gateway.access().changed();
    Ok((StatusCode::CREATED, Json(CreatedView::of(&created))))
}

/// What a new key is to allow: not more than the one it is made with.
fn scopes(words: Option<Vec<String>>, who: &Who) -> Result<Scopes> {
    let Some(words) = words else {
        let own = who.caller.scopes();
        let all = Scope::ALL.iter().copied();
        return Ok(Scopes::of(
            all.filter(|scope| own.allows(*scope) && *scope != Scope::Admin),
        ));
    };
    let read: Result<Vec<Scope>, _> = words.iter().map(|word| word.parse()).collect();
    let read = read.map_err(|fault: crate::access::UnknownScope| {
        Problem::of_field("scopes", fault.to_string())
    })?;
    if read.is_empty() {
        return Err(Problem::of_field("scopes", "a key allows something"));
    }
    let scopes = Scopes::of(read);
    if !who.caller.scopes().covers(scopes) {
        who.may(Scope::Admin)?;
    }
    Ok(scopes)
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>> {
    let read = |(index, text): (usize, &String)| {
        let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| address()).map_err(|_| {
            let detail = "expected a network such as 192.0.2.0/24";
            Problem::of_field(format!("networks[{index}]"), detail)
        })
    };
    texts.iter().enumerate().map(read).collect()
}

/// Takes a key away at once.
#[utoipa::path(
    delete,
    path = "/v1/keys/{id}",
    tag = "running",
    params(("id" = String, Path, format = "uuid", description = "The key")),
    responses((status = 204, description = "It is not good any more")),
)]
pub(crate) async fn revoke(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<KeyId>,
) -> Result<StatusCode> {
    let key = find(&api, &who, id).await?;
    let now = api.gateway.now();
    desk::revoke(api.gateway.store(), &key, now, &who.acting(), now).await?;
    api.gateway.access().changed();
    Ok(StatusCode::NO_CONTENT)
}

/// How a key is replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rotation)]
pub(crate) struct RotateBody {
    /// For how many seconds the one before stays good beside the new one: 0, at once over, to 7776000
    /// (90 days). Otherwise a day.
    #[schema(maximum = 7_776_000)]
    overlap_s: Option<u64>,
}

/// Makes a key that takes the place of another, with the same rights.
#[utoipa::path(
    post,
    path = "/v1/keys/{id}/rotate",
    tag = "running",
    params(("id" = String, Path, format = "uuid", description = "The key")),
    request_body = Option<RotateBody>,
    responses((status = 201, description = "It is good from now on", body = CreatedView)),
)]
pub(crate) async fn rotate(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<KeyId>,
    OptionalJson(body): OptionalJson<RotateBody>,
) -> Result<(StatusCode, Json<CreatedView>)> {
    let key = find(&api, &who, id).await?;
    let now = api.gateway.now();
    if key.revoked_at.is_some_and(|at| at <= now) {
        let detail = "the key was revoked: make another one";
        return Err(Problem::new(super::error::Code::Conflict, detail));
    }
    let scopes = Scopes::of_words(&key.scopes);
    if !who.caller.scopes().covers(scopes) {
        who.may(Scope::Admin)?;
    }
    let overlap_s = body.overlap_s.unwrap_or(24 * 3600);
    if overlap_s > MAX_OVERLAP_S {
        let detail = format!("an overlap has at most {MAX_OVERLAP_S} seconds");
        return Err(Problem::of_field("overlap_s", detail));
    }
    let until = now.plus(Duration::from_secs(overlap_s));
    let rotated = desk::rotate(api.gateway.store(), &key, until, &who.acting(), now).await?;
    api.gateway.access().changed();
    Ok((StatusCode::CREATED, Json(CreatedView::of(&rotated))))
}

/// A key that somebody may change: his account's, or for an operator any.
async fn find(api: &Api, who: &Who, id: KeyId) -> Result<StoredKey> {
    who.may(Scope::Manage)?;
    let keys = api.gateway.store().keys(who.reach()).await?;
    let found = keys.into_iter().find(|key| key.id == id);
    found.ok_or_else(|| Problem::not_found("key"))
}
