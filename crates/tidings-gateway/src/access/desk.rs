//! Where keys are made, replaced and taken away, each with its row in the audit.
//!
//! Called by the handlers of `/v1/keys`, by the commands `keys` and `demo`, and by vendors' APIs that
//! renew keys. It works on a store alone, so that it also runs beside a gateway, in a process of its own.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde_json::{Map, Value, json};
use tidings::{ProviderSpec, providers};
use tidings_core::Timestamp;
use tidings_store::{
    AccountId, AuditEntry, EventSeq, KeyId, Store, StoreError, StoreErrorKind, StoredAccount,
    StoredKey,
};

use super::key::{self, CreatedKey, Drawn, NATIVE, NoRandomness};
use super::scope::Scopes;
use crate::settings::AccountSettings;

/// A key that somebody wants.
#[derive(Clone, Debug)]
pub struct NewKeyRequest {
    /// Whose.
    pub account: AccountId,
    /// For which API: `tidings`, or the id of a provider.
    pub api: Arc<str>,
    /// What it allows.
    pub scopes: Scopes,
    /// A word for people.
    pub label: Option<Arc<str>>,
    /// From which networks it may be used; none is from all.
    pub networks: Vec<IpNet>,
    /// From when on it is not good any more.
    pub expires_at: Option<Timestamp>,
    /// For a vendor's API: values of settings that are no secrets, such as the number that texts go out
    /// from. What is not given is drawn.
    pub settings: Vec<(String, String)>,
}

impl NewKeyRequest {
    /// A key for an API that is good from everywhere until it is revoked, for all that an account does.
    pub fn new(account: AccountId, api: impl Into<Arc<str>>) -> Self {
        Self {
            account,
            api: api.into(),
            scopes: Scopes::ACCOUNT,
            label: None,
            networks: Vec::new(),
            expires_at: None,
            settings: Vec::new(),
        }
    }
}

/// Who changes something, for the audit.
#[derive(Clone, Debug)]
pub struct Acting {
    /// A key's id, `command` or `gateway`.
    pub who: Arc<str>,
    /// From where.
    pub from: Option<IpAddr>,
}

impl Acting {
    /// Somebody at a shell.
    pub fn command() -> Self {
        Self {
            who: "command".into(),
            from: None,
        }
    }

    /// The gateway itself.
    pub fn gateway() -> Self {
        Self {
            who: "gateway".into(),
            from: None,
        }
    }
}

/// Why a key was not made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such API.
    #[error("no such API; expected tidings or one of: {known}")]
    NoSuchApi {
        /// The ids of the providers.
        known: String,
    },
    /// A setting cannot be given.
    #[error("{name} cannot be set for keys of this API")]
    BadSetting {
        /// Its name.
        name: String,
    },
    /// Nothing to draw a secret from.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The store did not take it.
    #[error("the key was not kept")]
    Store(#[from] StoreError),
}

/// Makes a key. Its texts are in the answer and nowhere else.
pub async fn create(
    store: &dyn Store,
    request: NewKeyRequest,
    acting: &Acting,
    now: Timestamp,
) -> Result<CreatedKey, KeyError> {
    let spec = spec_of(&request.api)?;
    if let Some(name) = unknown_setting(spec, &request.settings) {
        return Err(KeyError::BadSetting { name });
    }
    if store.account(&request.account).await?.is_none() {
        return Err(StoreError::not_found("account").into());
    }
    let drawn = draw(spec, &request.account, &request.settings)?;
    let key = StoredKey {
        id: KeyId(new_id(now)?),
        account: request.account,
        api: request.api,
        details: details_of(spec, &drawn),
        lookup: drawn.lookup.into(),
        hash: drawn.hash,
        label: request.label,
        scopes: request.scopes.words(),
        networks: request
            .networks
            .iter()
            .map(|network| network.to_string().into())
            .collect(),
        created_at: now,
        expires_at: request.expires_at,
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
    };
    keep(store, key, drawn.shown, "key.created", acting, now).await
}

/// Makes a key that takes the place of another, with the same rights; the one before stays good until
/// `overlap`. Of a vendor's credentials only the secrets change.
pub async fn rotate(
    store: &dyn Store,
    before: &StoredKey,
    overlap: Timestamp,
    acting: &Acting,
    now: Timestamp,
) -> Result<CreatedKey, KeyError> {
    let spec = spec_of(&before.api)?;
    let drawn = draw(spec, &before.account, &settings_of(before))?;
    let key = StoredKey {
        id: KeyId(new_id(now)?),
        details: details_of(spec, &drawn),
        lookup: drawn.lookup.into(),
        hash: drawn.hash,
        created_at: now,
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        ..before.clone()
    };
    let created = keep(store, key, drawn.shown, "key.rotated", acting, now).await?;
    store.revoke_key(before.id, overlap).await?;
    Ok(created)
}

/// Takes a key away from a time on.
pub async fn revoke(
    store: &dyn Store,
    key: &StoredKey,
    at: Timestamp,
    acting: &Acting,
    now: Timestamp,
) -> Result<(), StoreError> {
    store.revoke_key(key.id, at).await?;
    let detail = json!({"api": key.api, "revoked_at": at});
    let what = Done {
        what: "key.revoked",
        target: key.id.to_string(),
        account: Some(key.account.clone()),
        detail: Some(detail),
    };
    audit(store, what, acting, now).await
}

/// Makes a key, and its account if there is none of that name.
pub async fn bootstrap(
    store: &dyn Store,
    request: NewKeyRequest,
    acting: &Acting,
    now: Timestamp,
) -> Result<CreatedKey, KeyError> {
    if store.account(&request.account).await?.is_none() {
        let settings = AccountSettings::default();
        let id = request.account.clone();
        match add_account(store, id, &settings, None, acting, now).await {
            // Another process was faster.
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            added => {
                added?;
            }
        }
    }
    create(store, request, acting, now).await
}

/// Adds an account.
pub async fn add_account(
    store: &dyn Store,
    id: AccountId,
    settings: &AccountSettings,
    quota: Option<i64>,
    acting: &Acting,
    now: Timestamp,
) -> Result<StoredAccount, StoreError> {
    let account = StoredAccount {
        id: id.clone(),
        settings: settings.to_json(),
        quota,
        is_active: true,
        created_at: now,
        version: 1,
    };
    store.add_account(account.clone()).await?;
    let what = Done {
        what: "account.created",
        target: id.to_string(),
        account: Some(id),
        detail: None,
    };
    audit(store, what, acting, now).await?;
    Ok(account)
}

/// Something that was done, for the audit.
#[derive(Clone, Debug)]
pub struct Done {
    /// What, such as `key.created`.
    pub what: &'static str,
    /// To what.
    pub target: String,
    /// Whose affairs.
    pub account: Option<AccountId>,
    /// What else there is to know; no secrets.
    pub detail: Option<Value>,
}

/// Writes what somebody did.
pub async fn audit(
    store: &dyn Store,
    done: Done,
    acting: &Acting,
    now: Timestamp,
) -> Result<(), StoreError> {
    let entry = AuditEntry {
        seq: EventSeq::default(),
        at: now,
        who: Arc::clone(&acting.who),
        from: acting.from,
        account: done.account,
        what: done.what.into(),
        target: done.target.into(),
        detail: done.detail.map(|detail| detail.to_string().into()),
    };
    store.audit(entry).await
}

/// The settings of a vendor's key that are no secrets.
pub fn settings_of(key: &StoredKey) -> Vec<(String, String)> {
    let details = key.details.as_deref().unwrap_or("{}");
    let details: Map<String, Value> = serde_json::from_str(details).unwrap_or_default();
    let settings = details.get("settings").and_then(Value::as_object).cloned();
    let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
    settings.into_iter().flatten().filter_map(text).collect()
}

/// The provider whose API it is; none is our own.
fn spec_of(api: &str) -> Result<Option<&'static ProviderSpec>, KeyError> {
    if api == NATIVE {
        return Ok(None);
    }
    let spec = providers::ALL.iter().find(|spec| spec.id == api);
    spec.map(|spec| Some(*spec)).ok_or_else(|| {
        let ids: Vec<&str> = providers::ALL.iter().map(|spec| spec.id).collect();
        let known = ids.join(", ");
        KeyError::NoSuchApi { known }
    })
}

/// The first setting that keys of this API do not have, or that is drawn in any case.
fn unknown_setting(
    spec: Option<&'static ProviderSpec>,
    settings: &[(String, String)],
) -> Option<String> {
    let may_be_given = |name: &str| {
        let mut known = spec.into_iter().flat_map(|spec| spec.settings);
        known.any(|setting| setting.name == name && !setting.is_secret && name != "base_url")
    };
    let mut names = settings.iter().map(|(name, _)| name);
    names.find(|name| !may_be_given(name)).cloned()
}

fn draw(
    spec: Option<&'static ProviderSpec>,
    account: &AccountId,
    settings: &[(String, String)],
) -> Result<Drawn, NoRandomness> {
    match spec {
        None => key::draw_native(),
        Some(spec) => {
            let letter = |letter: char| {
                let letter = letter.to_ascii_lowercase();
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '-'
                }
            };
            let domain: String = account.as_str().chars().map(letter).collect();
            key::draw_vendor(spec, &format!("200@{domain}.tidings"), settings)
        }
    }
}

/// What may be known of a vendor's credentials.
fn details_of(spec: Option<&'static ProviderSpec>, drawn: &Drawn) -> Option<Arc<str>> {
    use secrecy::ExposeSecret as _;
    spec?;
    let public = drawn.shown.iter().filter(|shown| !shown.is_secret);
    let settings: Map<String, Value> = public
        .map(|shown| (shown.name.to_owned(), shown.value.expose_secret().into()))
        .collect();
    Some(json!({"settings": settings}).to_string().into())
}

async fn keep(
    store: &dyn Store,
    key: StoredKey,
    shown: Vec<key::Shown>,
    what: &'static str,
    acting: &Acting,
    now: Timestamp,
) -> Result<CreatedKey, KeyError> {
    store.add_key(key.clone()).await?;
    let detail = json!({
        "api": key.api,
        "scopes": key.scopes,
        "networks": key.networks,
        "expires_at": key.expires_at,
    });
    let done = Done {
        what,
        target: key.id.to_string(),
        account: Some(key.account.clone()),
        detail: Some(detail),
    };
    audit(store, done, acting, now).await?;
    Ok(CreatedKey { key, shown })
}

/// A name that sorts by the time it was made at (RFC 9562, section 5.7).
fn new_id(now: Timestamp) -> Result<uuid::Uuid, NoRandomness> {
    let milliseconds = u64::try_from(now.as_millis()).unwrap_or_default();
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|_| NoRandomness)?;
    Ok(uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid())
}
