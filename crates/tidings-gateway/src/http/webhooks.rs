//! `/v1/webhooks`: addresses that are told what happens. What is called and when is decided by
//! [`crate::webhooks`].

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidings_core::Timestamp;
use tidings_store::{EventKind, StoredDelivery, StoredWebhook, WebhookId};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Who;
use super::body::{JsonBody, OptionalJson, Path, Query};
use super::error::{Code, Problem, Result};
use super::pages::{Listed, PageQuery};
use super::view::EventView;
use crate::access::Scope;
use crate::access::desk::{self, Done};
use crate::webhooks::manage::{self, Change, MadeWebhook, ManageError, NewWebhook};
use crate::webhooks::sign::Signing;

/// The longest time that a secret stays good beside the one that takes its place.
const MAX_OVERLAP_S: u64 = 30 * 24 * 3600;

/// An address that is told what happens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct WebhookView {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Whose; the operator's has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// Where.
    url: String,
    /// What it is told; none is everything.
    types: Vec<String>,
    /// In which form: `standard`, or a provider's id.
    format: String,
    /// A word for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// Whether it is called.
    is_enabled: bool,
    /// Why not, where we switched it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_because: Option<String>,
    /// Since when it fails without a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// Until when it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl WebhookView {
    fn of(webhook: &StoredWebhook) -> Self {
        let types = webhook.kinds.iter().map(|kind| kind.as_str().to_owned());
        Self {
            id: webhook.id.to_string(),
            account: webhook.account.as_ref().map(ToString::to_string),
            url: webhook.url.to_string(),
            types: types.collect(),
            format: webhook.format.to_string(),
            label: webhook.label.as_deref().map(str::to_owned),
            is_enabled: webhook.is_enabled,
            disabled_because: webhook.disabled_because.as_deref().map(str::to_owned),
            failing_since: webhook.failing_since,
            expires_at: webhook.expires_at,
            created_at: webhook.created_at,
        }
    }
}

/// A webhook with what its calls are signed with, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub(crate) struct SecretView {
    /// The webhook.
    #[serde(flatten)]
    webhook: WebhookView,
    /// What its calls are signed with, as Standard Webhooks writes it: `whsec_..` or `whsk_..`. A vendor's
    /// form is not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// What receivers check a `whsk_..` secret's signatures with: `whpk_..`.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
}

impl SecretView {
    fn of(made: &MadeWebhook) -> Self {
        let secret = made.secret.as_ref();
        Self {
            webhook: WebhookView::of(&made.webhook),
            secret: secret.map(|secret| secret.expose_secret().to_owned()),
            public_key: made.public_key.clone(),
        }
    }
}

/// A webhook that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub(crate) struct WebhookBody {
    /// Where: an address with `https`. Private networks are not called; `http` is, and this machine, only
    /// where the configuration has `webhooks.allow_loopback`.
    #[schema(example = "https://example.com/tidings", max_length = 2048)]
    url: String,
    /// What it is told, such as `message.delivered`; none is everything.
    #[serde(default)]
    types: Vec<String>,
    /// In which form: `standard`, or the id of a provider whose own form it is.
    format: Option<String>,
    /// A word for people.
    #[schema(max_length = 255)]
    label: Option<String>,
    /// How its calls are signed: `hmac_sha256`, which is the default, or `ed25519`.
    #[schema(value_type = Option<String>, pattern = "^(hmac_sha256|ed25519)$")]
    signing: Option<SigningWord>,
    /// A secret of your own, `whsec_..`; otherwise one is made.
    #[schema(value_type = Option<String>)]
    secret: Option<SecretText>,
    /// Until when it is called.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Whether it is the operator's, which is told of lanes. For operators.
    #[serde(default)]
    is_operators: bool,
}

/// How calls are signed, as requests write it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) enum SigningWord {
    /// HMAC-SHA256.
    #[serde(rename = "hmac_sha256")]
    Hmac,
    /// Ed25519.
    #[serde(rename = "ed25519")]
    Ed25519,
}

/// A secret that somebody sends; `Debug` does not show it.
#[derive(Deserialize)]
#[serde(transparent)]
struct SecretText(String);

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText")
    }
}

impl From<SecretText> for SecretString {
    fn from(SecretText(text): SecretText) -> Self {
        text.into()
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        let said = error.to_string();
        match error {
            ManageError::NotFound => Self::not_found("webhook"),
            ManageError::Target(_) => Self::of_field("url", said),
            ManageError::Secret(_) => Self::of_field("secret", said),
            ManageError::Format(_) => Self::of_field("format", said),
            ManageError::TooMany => Self::new(Code::Conflict, said),
            ManageError::Randomness(_) => {
                tracing::error!("the system gave no randomness for a secret");
                Self::new(Code::Internal, said)
            }
            ManageError::Store(error) => error.into(),
        }
    }
}

fn kinds(words: &[String]) -> Result<Vec<EventKind>> {
    let read = |(index, word): (usize, &String)| {
        let kind = word.parse();
        kind.map_err(|fault: tidings_store::UnknownEvent| {
            Problem::of_field(format!("types[{index}]"), fault.to_string())
        })
    };
    words.iter().enumerate().map(read).collect()
}

/// Which webhooks are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WebhookQuery {
    /// Of which account; `*` is all, the operator's included. For operators.
    account: Option<String>,
}

/// Lists webhooks.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    params(WebhookQuery),
    responses((status = 200, description = "The webhooks", body = Listed<WebhookView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<WebhookQuery>,
) -> Result<Json<Listed<WebhookView>>> {
    who.may(Scope::Manage)?;
    let account = who.whose(query.account.as_deref())?;
    let webhooks = manage::list(&api.gateway, account.as_ref()).await?;
    let webhooks = webhooks.iter().map(WebhookView::of).collect();
    Ok(Json(Listed::whole(webhooks)))
}

/// Makes a webhook. What its calls are signed with is shown this once.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    request_body = WebhookBody,
    responses((status = 201, description = "It is told from now on", body = SecretView)),
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    JsonBody(body): JsonBody<WebhookBody>,
) -> Result<(StatusCode, Json<SecretView>)> {
    who.may(if body.is_operators {
        Scope::Admin
    } else {
        Scope::Manage
    })?;
    let account = (!body.is_operators).then(|| who.account().clone());
    let new = NewWebhook {
        url: body.url,
        kinds: kinds(&body.types)?,
        format: body.format,
        details: None,
        label: body.label,
        signing: match body.signing {
            Some(SigningWord::Ed25519) => Signing::Ed25519,
            Some(SigningWord::Hmac) | None => Signing::Hmac,
        },
        secret: body.secret.map(SecretString::from),
        expires_at: body.expires_at,
    };
    let made = manage::create(&api.gateway, account.as_ref(), new).await?;
    let detail = json!({"types": body.types, "format": made.webhook.format});
    audit(&api, &who, "webhook.created", &made.webhook, Some(detail)).await?;
    Ok((StatusCode::CREATED, Json(SecretView::of(&made))))
}

/// Shows one webhook.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, format = "uuid", description = "The webhook")),
    responses((status = 200, description = "The webhook", body = WebhookView)),
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<WebhookId>,
) -> Result<Json<WebhookView>> {
    let webhook = find(&api, &who, id).await?;
    Ok(Json(WebhookView::of(&webhook)))
}

/// What is to change of a webhook; what is not there stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookChange)]
pub(crate) struct ChangeBody {
    /// Where.
    #[schema(max_length = 2048)]
    url: Option<String>,
    /// What it is told; none is everything.
    types: Option<Vec<String>>,
    /// A word for people.
    #[schema(max_length = 255)]
    label: Option<String>,
    /// Whether it is called; switching it on forgets that it failed.
    is_enabled: Option<bool>,
}

/// Changes a webhook.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, format = "uuid", description = "The webhook")),
    request_body = ChangeBody,
    responses((status = 200, description = "It is changed", body = WebhookView)),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<WebhookId>,
    JsonBody(body): JsonBody<ChangeBody>,
) -> Result<Json<WebhookView>> {
    who.may(Scope::Manage)?;
    let detail = json!({
        "url": body.url.is_some(),
        "types": body.types,
        "is_enabled": body.is_enabled,
    });
    let change = Change {
        url: body.url,
        kinds: body.types.as_deref().map(kinds).transpose()?,
        label: body.label,
        is_enabled: body.is_enabled,
    };
    let webhook = manage::change(&api.gateway, who.reach(), id, change).await?;
    audit(&api, &who, "webhook.changed", &webhook, Some(detail)).await?;
    Ok(Json(WebhookView::of(&webhook)))
}

/// Removes a webhook, and what is due to it.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = String, Path, format = "uuid", description = "The webhook")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<WebhookId>,
) -> Result<StatusCode> {
    let webhook = find(&api, &who, id).await?;
    manage::delete(&api.gateway, who.reach(), id).await?;
    audit(&api, &who, "webhook.removed", &webhook, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One event on its way to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// Its id; the receiver tells repetitions by it.
    #[schema(format = "uuid")]
    id: String,
    /// `due`, `done` or `dead`.
    state: String,
    /// How often it was tried.
    tries: u16,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
    /// When it was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_at: Option<Timestamp>,
    /// What was answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<u16>,
    /// What went wrong last; where nothing was called because a vendor's form has no call for this event, that.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// What happened.
    event: EventView,
}

impl DeliveryView {
    fn of(delivery: StoredDelivery, is_masked: bool) -> Self {
        Self {
            id: delivery.id.to_string(),
            state: delivery.state.to_string(),
            tries: delivery.n_tries,
            next_at: delivery.next_at,
            last_at: delivery.last_at,
            last_status: delivery.last_status,
            last_error: delivery.last_error.as_deref().map(str::to_owned),
            event: EventView::of(delivery.event, is_masked),
        }
    }
}

/// Lists what was delivered to a webhook and what is due, the latest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    params(("id" = String, Path, format = "uuid", description = "The webhook"), PageQuery),
    responses((status = 200, description = "A page of deliveries", body = Listed<DeliveryView>)),
)]
pub(crate) async fn deliveries(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<WebhookId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<DeliveryView>>> {
    let webhook = find(&api, &who, id).await?;
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let listed = manage::deliveries(&api.gateway, who.reach(), id, page).await;
    let listed = listed.map_err(|error| match error {
        // The webhook was there a moment ago.
        ManageError::NotFound if has_cursor => {
            Problem::new(Code::InvalidCursor, "the cursor is none that a page named")
        }
        error => error.into(),
    })?;
    // What lanes tell concerns no customer.
    let is_masked = webhook.account.is_some_and(|owner| owner != *who.account());
    let show = |delivery| DeliveryView::of(delivery, is_masked);
    Ok(Json(Listed::of(listed, show)))
}

/// From when on events are delivered again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Replay)]
pub(crate) struct ReplayBody {
    /// From this time on; at most 30 days ago.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// How many deliveries are due.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replayed)]
pub(crate) struct ReplayView {
    /// So many events are delivered again.
    deliveries: u64,
}

/// Delivers again what happened since a time, also what was delivered.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/replay",
    tag = "webhooks",
    params(("id" = String, Path, format = "uuid", description = "The webhook")),
    request_body = ReplayBody,
    responses((status = 200, description = "They are due", body = ReplayView)),
)]
pub(crate) async fn replay(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<WebhookId>,
    JsonBody(body): JsonBody<ReplayBody>,
) -> Result<Json<ReplayView>> {
    let webhook = find(&api, &who, id).await?;
    let deliveries = manage::replay(&api.gateway, who.reach(), id, body.since).await?;
    let detail = json!({"since": body.since, "deliveries": deliveries});
    audit(&api, &who, "webhook.replayed", &webhook, Some(detail)).await?;
    Ok(Json(ReplayView { deliveries }))
}

/// How a secret is replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecretRotation)]
pub(crate) struct RotateBody {
    /// For how many seconds calls are signed with the one before too: at most 2592000 (30 days),
    /// otherwise a day.
    #[schema(maximum = 2_592_000)]
    overlap_s: Option<u64>,
    /// A secret of your own; otherwise one is made.
    #[schema(value_type = Option<String>)]
    secret: Option<SecretText>,
}

/// Replaces what a webhook's calls are signed with. What is new is shown this once.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/rotate-secret",
    tag = "webhooks",
    params(("id" = String, Path, format = "uuid", description = "The webhook")),
    request_body = Option<RotateBody>,
    responses((status = 200, description = "Calls are signed with it from now on", body = SecretView)),
)]
pub(crate) async fn rotate_secret(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<WebhookId>,
    OptionalJson(body): OptionalJson<RotateBody>,
) -> Result<Json<SecretView>> {
    who.may(Scope::Manage)?;
    let overlap_s = body.overlap_s.unwrap_or(24 * 3600);
    if overlap_s > MAX_OVERLAP_S {
        let detail = format!("an overlap has at most {MAX_OVERLAP_S} seconds");
        return Err(Problem::of_field("overlap_s", detail));
    }
    let overlap = Duration::from_secs(overlap_s);
    let secret = body.secret.map(SecretString::from);
    let made = manage::rotate_secret(&api.gateway, who.reach(), id, secret, overlap).await?;
    let detail = json!({"overlap_s": overlap_s});
    audit(
        &api,
        &who,
        "webhook.secret_rotated",
        &made.webhook,
        Some(detail),
    )
    .await?;
    Ok(Json(SecretView::of(&made)))
}

/// How a trial went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTrial)]
pub(crate) struct TrialView {
    /// Whether the receiver took it.
    is_taken: bool,
    /// What it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// How long it took, in milliseconds.
    took_ms: u32,
}

/// Calls a webhook with an event of the type `webhook.test`, once and at once.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/test",
    tag = "webhooks",
    params(("id" = String, Path, format = "uuid", description = "The webhook")),
    responses((status = 200, description = "How it went", body = TrialView)),
)]
pub(crate) async fn test(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<WebhookId>,
) -> Result<Json<TrialView>> {
    who.may(Scope::Manage)?;
    let trial = manage::test(&api.gateway, who.reach(), id).await?;
    Ok(Json(TrialView {
        is_taken: trial.is_taken,
        status: trial.status,
        error: trial.error,
        took_ms: trial.took_ms,
    }))
}

async fn find(api: &Api, who: &Who, id: WebhookId) -> Result<StoredWebhook> {
    who.may(Scope::Manage)?;
    Ok(manage::show(&api.gateway, who.reach(), id).await?)
}

async fn audit(
    api: &Api,
    who: &Who,
    what: &'static str,
    webhook: &StoredWebhook,
    detail: Option<Value>,
) -> Result<()> {
    let done = Done {
        what,
        target: webhook.id.to_string(),
        account: webhook.account.clone(),
        detail,
    };
    desk::audit(api.gateway.store(), done, &who.acting(), api.gateway.now()).await?;
    Ok(())
}
