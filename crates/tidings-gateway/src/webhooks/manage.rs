//! What the API offers for webhooks: make, list, change, remove, replace secrets, replay, look at
//! deliveries, try out.
//!
//! Called by [`crate::http`], which knows who is calling, checks what he may, and writes the audit.
//! `account` says whose webhooks are seen: one account's, or all for the operator.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tidings::providers;
use tidings_core::Timestamp;
use tidings_store::{
    AccountId, EventKind, Page, PageRequest, StoreError, StoreErrorKind, StoredDelivery,
    StoredWebhook, WebhookChange, WebhookId, WebhookSecret,
};

use super::STANDARD;
use super::caller::Caller;
use super::deliver::{check, milliseconds, signed};
use super::sign::{Secret, SecretError, Signing, new_secret};
use super::target::{TargetError, Targets};
use crate::gateway::Gateway;

/// The most webhooks of one account.
const MAX_WEBHOOKS: usize = 100;
/// How far back is replayed at the most.
const OLDEST_REPLAY: Duration = Duration::from_hours(24 * 30);

/// A webhook that somebody wants.
#[derive(Clone, Debug, Default)]
pub struct NewWebhook {
    /// Where.
    pub url: String,
    /// What it is told; none is everything.
    pub kinds: Vec<EventKind>,
    /// `standard`, or the id of a provider whose own form it is; `None` is standard.
    pub format: Option<String>,
    /// What the vendor's form needs to know (JSON).
    pub details: Option<Arc<str>>,
    /// A word for people.
    pub label: Option<String>,
    /// How its calls are signed, where no secret is given.
    pub signing: Signing,
    /// A secret of the customer's own.
    pub secret: Option<SecretString>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

/// A webhook with the secret that was made for it. The secret is shown this once.
#[derive(Clone, Debug)]
pub struct MadeWebhook {
    /// The webhook.
    pub webhook: StoredWebhook,
    /// Its secret, `whsec_..` or `whsk_..`; `None` for vendors' forms, which are not signed.
    pub secret: Option<SecretString>,
    /// What receivers check signatures of a `whsk_` secret with, `whpk_..`.
    pub public_key: Option<String>,
}

/// What changes of a webhook; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Where.
    pub url: Option<String>,
    /// What it is told.
    pub kinds: Option<Vec<EventKind>>,
    /// A word for people.
    pub label: Option<String>,
    /// Whether it is called; switching it on forgets that it failed.
    pub is_enabled: Option<bool>,
}

/// How a trial went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whether the receiver took it.
    pub is_taken: bool,
    /// What it answered.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// The account has no such webhook.
    #[error("there is no such webhook")]
    NotFound,
    /// The address may not be called.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The secret has no form that is known.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There is no such form, or it cannot do this.
    #[error("{0}")]
    Format(&'static str),
    /// The account has as many as it may have.
    #[error("an account has at most 100 webhooks")]
    TooMany,
    /// The system gives no randomness for a secret.
    #[error("no secret can be made")]
    Randomness(#[source] getrandom::Error),
    /// Not on disk.
    #[error("the store does not answer")]
    Store(#[source] StoreError),
}

impl From<StoreError> for ManageError {
    fn from(error: StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::NotFound => Self::NotFound,
            _ => Self::Store(error),
        }
    }
}

/// Whether an address may be called, as the configuration says now.
pub fn check_url(gateway: &Gateway, url: &str) -> Result<(), TargetError> {
    let targets = Targets::from(&gateway.live().config.webhooks);
    targets.check(url).map(|_| ())
}

/// Makes a webhook. `account` is whose; `None` is the operator's, which is told of lanes.
pub async fn create(
    gateway: &Gateway,
    account: Option<&AccountId>,
    new: NewWebhook,
) -> Result<MadeWebhook, ManageError> {
    check_url(gateway, &new.url)?;
    let format = new.format.as_deref().unwrap_or(STANDARD);
    let secret = if format == STANDARD {
        Some(match new.secret {
            Some(secret) => secret,
            None => new_secret(new.signing).map_err(ManageError::Randomness)?,
        })
    } else {
        check_format(format)?;
        None
    };
    let public_key = public_key_of(secret.as_ref())?;
    let store = gateway.store();
    let all = store.webhooks(account).await?;
    let owned = all.iter().filter(|it| it.account.as_ref() == account);
    if owned.count() >= MAX_WEBHOOKS {
        return Err(ManageError::TooMany);
    }
    let kept = secret.iter().map(|secret| WebhookSecret {
        secret: secret.clone(),
        until: None,
    });
    let webhook = StoredWebhook {
        id: WebhookId(gateway.new_id()),
        account: account.cloned(),
        url: new.url.into(),
        kinds: new.kinds,
        format: format.into(),
        details: new.details,
        secrets: kept.collect(),
        label: new.label.map(Into::into),
        is_enabled: true,
        disabled_because: None,
        failing_since: None,
        expires_at: new.expires_at,
        created_at: gateway.now(),
    };
    store.add_webhook(webhook.clone()).await?;
    Ok(MadeWebhook {
        webhook,
        secret,
        public_key,
    })
}

/// All of them.
pub async fn list(
    gateway: &Gateway,
    account: Option<&AccountId>,
) -> Result<Vec<StoredWebhook>, ManageError> {
    Ok(gateway.store().webhooks(account).await?)
}

/// One of them.
pub async fn show(
    gateway: &Gateway,
    account: Option<&AccountId>,
    id: WebhookId,
) -> Result<StoredWebhook, ManageError> {
    let found = gateway.store().webhook(id).await?;
    let is_seen =
        |webhook: &StoredWebhook| account.is_none() || webhook.account.as_ref() == account;
    found.filter(is_seen).ok_or(ManageError::NotFound)
}

/// Changes one.
pub async fn change(
    gateway: &Gateway,
    account: Option<&AccountId>,
    id: WebhookId,
    change: Change,
) -> Result<StoredWebhook, ManageError> {
    show(gateway, account, id).await?;
    if let Some(url) = &change.url {
        check_url(gateway, url)?;
    }
    let change = WebhookChange {
        url: change.url.map(Into::into),
        kinds: change.kinds,
        label: change.label.map(Into::into),
        is_enabled: change.is_enabled,
        ..WebhookChange::default()
    };
    let changed = gateway.store().change_webhook(id, change).await?;
    gateway.signals().happened();
    Ok(changed)
}

/// Removes one, and what is due to it.
pub async fn delete(
    gateway: &Gateway,
    account: Option<&AccountId>,
    id: WebhookId,
) -> Result<(), ManageError> {
    show(gateway, account, id).await?;
    let was_there = gateway.store().remove_webhook(id).await?;
    was_there.then_some(()).ok_or(ManageError::NotFound)
}

/// Gives one a new secret. Calls are signed with both until `overlap` is over.
pub async fn rotate_secret(
    gateway: &Gateway,
    account: Option<&AccountId>,
    id: WebhookId,
    secret: Option<SecretString>,
    overlap: Duration,
) -> Result<MadeWebhook, ManageError> {
    let webhook = show(gateway, account, id).await?;
    if *webhook.format != *STANDARD {
        return Err(ManageError::Format(
            "calls in a vendor's form are not signed",
        ));
    }
    let before = webhook.secrets.first().map(|it| it.secret.expose_secret());
    let signing = match before {
        Some(text) if Secret::parse(text)?.public_key().is_some() => Signing::Ed25519,
        _ => Signing::Hmac,
    };
    let secret = match secret {
        Some(secret) => secret,
        None => new_secret(signing).map_err(ManageError::Randomness)?,
    };
    let public_key = public_key_of(Some(&secret))?;
    let now = gateway.now();
    let webhook = gateway
        .store()
        .rotate_secret(id, secret.clone(), now.plus(overlap), now)
        .await?;
    Ok(MadeWebhook {
        webhook,
        secret: Some(secret),
        public_key,
    })
}

/// Delivers again what happened since a time, also what was delivered; at most what happened in the
/// last 30 days. How many deliveries are due now.
pub async fn replay(
    gateway: &Gateway,
    account: Option<&AccountId>,
    id: WebhookId,
    since: Timestamp,
) -> Result<u64, ManageError> {
    show(gateway, account, id).await?;
    let now = gateway.now();
    let since = since.max(now.minus(OLDEST_REPLAY));
    let count = gateway.store().replay(id, since, now).await?;
    gateway.signals().happened();
    Ok(count)
}

/// What was delivered to one, and how it was answered; the latest first.
pub async fn deliveries(
    gateway: &Gateway,
    account: Option<&AccountId>,
    id: WebhookId,
    page: PageRequest,
) -> Result<Page<StoredDelivery>, ManageError> {
    show(gateway, account, id).await?;
    Ok(gateway.store().deliveries(id, page).await?)
}

/// Calls one with an event of the type `webhook.test`, once and at once, also while it is switched off.
/// Nothing of it is kept.
pub async fn test(
    gateway: &Gateway,
    account: Option<&AccountId>,
    id: WebhookId,
) -> Result<Trial, ManageError> {
    let webhook = show(gateway, account, id).await?;
    if *webhook.format != *STANDARD {
        return Err(ManageError::Format(
            "a vendor's form has no event for trying out",
        ));
    }
    let caller = Caller::new(&gateway.live().config.webhooks);
    let url = caller.targets().check(&webhook.url)?;
    let now = gateway.now();
    let body = json!({
        "type": "webhook.test",
        "timestamp": now,
        "data": {"webhook": id},
    });
    let message_id = format!("msg_{}", gateway.new_id().simple());
    let call = signed(&webhook, url, &message_id, body.to_string().into(), now)?;
    let began = gateway.clock().elapsed();
    let answer = caller.call(call, now).await;
    let took_ms = milliseconds(gateway.clock().elapsed().saturating_sub(began));
    let (status, error) = match answer {
        Ok(answer) => {
            let fault = check(answer).err().map(|fault| fault.to_string());
            (Some(answer.status.as_u16()), fault)
        }
        Err(error) => (None, Some(error.to_string())),
    };
    Ok(Trial {
        is_taken: error.is_none(),
        status,
        error,
        took_ms,
    })
}

fn check_format(format: &str) -> Result<(), ManageError> {
    let found = providers::ALL.iter().find(|spec| spec.id == format);
    match found.and_then(|spec| spec.emit_callback) {
        Some(emit) if emit.models.is_empty() => Ok(()),
        Some(_) => Err(ManageError::Format(
            "this vendor's customers subscribe by the vendor's own API",
        )),
        None => Err(ManageError::Format(
            "the format has to be standard, or a provider that calls its customers",
        )),
    }
}

fn public_key_of(secret: Option<&SecretString>) -> Result<Option<String>, SecretError> {
    let Some(secret) = secret else {
        return Ok(None);
    };
    Ok(Secret::parse(secret.expose_secret())?.public_key())
}
