//! `tidings keys`: the keys of a gateway's APIs.
//!
//! Two ways lead to them: the gateway's API, with a key that may manage; and its database, for whoever has
//! its configuration file, also while it runs. The first key can only be made the second way.

use std::sync::Arc;

use anyhow::Context as _;
use http::Method;
use serde_json::{Map, Value, json};
use tidings::Timestamp;
use tidings_gateway::Config;
use tidings_gateway::access::Scopes;
use tidings_gateway::access::desk::{self, Acting, NewKeyRequest};
use tidings_store::{Store, StoredKey};

use super::Context;
use super::providers::shown;
use crate::args::{CreateKeyArgs, KeysAction, KeysArgs};
use crate::config::ConfigFile;
use crate::gateway::{Gateway, with_query};
use crate::output::{Column, bad_input};

pub(super) async fn run(context: &Context, args: &KeysArgs) -> anyhow::Result<()> {
    if args.config.is_some() {
        return Database::open(context, args).await?.run(&args.action).await;
    }
    let gateway = Gateway::find(&args.gateway, &context.environment)?;
    match &args.action {
        KeysAction::Create(create) => {
            let created = gateway
                .act(&Method::POST, "/v1/keys", &request(context, create))
                .await?;
            let id = shown(&created["key"]["id"]);
            show_created(context, &id, object(&created["credentials"]))
        }
        KeysAction::List { account } => {
            let path = with_query("/v1/keys", [("account", account.as_deref())]);
            show_keys(context, &gateway.list(&path, None).await?)
        }
        KeysAction::Rotate { id, overlap } => {
            let path = format!("/v1/keys/{id}/rotate");
            let body = json!({"overlap_s": overlap.as_secs()});
            let created = gateway.act(&Method::POST, &path, &body).await?;
            let id = shown(&created["key"]["id"]);
            show_created(context, &id, object(&created["credentials"]))
        }
        KeysAction::Revoke { id } => {
            let path = format!("/v1/keys/{id}");
            gateway.act(&Method::DELETE, &path, &Value::Null).await?;
            show_revoked(context, id)
        }
    }
}

/// The database of a gateway, opened beside it.
struct Database<'a> {
    context: &'a Context,
    store: Arc<dyn Store>,
    now: Timestamp,
}

impl<'a> Database<'a> {
    async fn open(context: &'a Context, args: &KeysArgs) -> anyhow::Result<Self> {
        let file = ConfigFile::find(args.config.clone(), &context.environment)?;
        let loaded = Config::load(file.as_ref(), &context.environment)?;
        let now = context.clock.now();
        let clock = Arc::clone(&context.clock);
        let store = tidings_store::open::open(&loaded.config.store.url, clock)
            .await
            .context("the gateway's database cannot be opened")?;
        Ok(Self {
            context,
            store,
            now,
        })
    }

    async fn run(&self, action: &KeysAction) -> anyhow::Result<()> {
        match action {
            KeysAction::Create(create) => {
                let account = create
                    .account
                    .as_deref()
                    .ok_or_else(|| bad_input("name the account: --account NAME"))?;
                let request = new_key(account, create, self.now)?;
                let created =
                    desk::bootstrap(&*self.store, request, &Acting::command(), self.now).await?;
                show_created(self.context, &created.key.id.to_string(), created.to_json())
            }
            KeysAction::List { account } => {
                let account = account.as_deref().map(Into::into);
                let keys = self.store.keys(account.as_ref()).await?;
                let keys: Vec<Value> = keys.iter().map(described).collect();
                show_keys(self.context, &keys)
            }
            KeysAction::Rotate { id, overlap } => {
                let key = self.key(id).await?;
                let until = self.now.plus(*overlap);
                let created =
                    desk::rotate(&*self.store, &key, until, &Acting::command(), self.now).await?;
                show_created(self.context, &created.key.id.to_string(), created.to_json())
            }
            KeysAction::Revoke { id } => {
                let key = self.key(id).await?;
                desk::revoke(&*self.store, &key, self.now, &Acting::command(), self.now).await?;
                show_revoked(self.context, id)
            }
        }
    }

    async fn key(&self, id: &str) -> anyhow::Result<StoredKey> {
        let keys = self.store.keys(None).await?;
        let mut keys = keys.into_iter();
        keys.find(|key| key.id.to_string() == id).ok_or_else(|| {
            bad_input(format!(
                "there is no key {id}; `tidings keys list` shows all"
            ))
        })
    }
}

fn new_key(account: &str, args: &CreateKeyArgs, now: Timestamp) -> anyhow::Result<NewKeyRequest> {
    let mut request = NewKeyRequest::new(account.into(), args.api.as_str());
    if !args.scopes.is_empty() {
        let scopes: Result<Vec<_>, _> = args.scopes.iter().map(|word| word.parse()).collect();
        let scopes = scopes.map_err(|error| bad_input(format!("--scope: {error}")))?;
        request.scopes = Scopes::of(scopes);
    }
    request.label = args.label.as_deref().map(Into::into);
    for network in &args.networks {
        request.networks.push(self::network(network)?);
    }
    request.expires_at = args.expires_in.map(|time| now.plus(time));
    request.settings.clone_from(&args.settings);
    Ok(request)
}

/// A network, or a single address.
fn network(written: &str) -> anyhow::Result<ipnet::IpNet> {
    let address = || written.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
    written
        .parse()
        .or_else(|_| address())
        .map_err(|_| bad_input("--network: expected an address or a network such as 10.0.0.0/8"))
}

fn request(context: &Context, args: &CreateKeyArgs) -> Value {
    let mut body = json!({"api": args.api, "networks": args.networks});
    if let Some(account) = &args.account {
        body["account"] = account.as_str().into();
    }
    if !args.scopes.is_empty() {
        body["scopes"] = json!(args.scopes);
    }
    if let Some(label) = &args.label {
        body["label"] = label.as_str().into();
    }
    if let Some(time) = args.expires_in {
        body["expires_at"] = json!(context.clock.now().plus(time));
    }
    if !args.settings.is_empty() {
        let settings = args.settings.iter();
        let settings = settings.map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        body["settings"] = Value::Object(settings.collect());
    }
    body
}

fn described(key: &StoredKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "account": key.account,
        "api": &*key.api,
        "lookup": &*key.lookup,
        "label": key.label.as_deref(),
        "scopes": key.scopes.iter().map(|scope| &**scope).collect::<Vec<_>>(),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    })
}

fn show_keys(context: &Context, keys: &[Value]) -> anyhow::Result<()> {
    if context.output.is_json() {
        return keys
            .iter()
            .try_for_each(|key| context.output.json_line(key));
    }
    let names = [
        "id",
        "account",
        "api",
        "label",
        "scopes",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ];
    let rows = keys.iter().map(|key| {
        let cell = |name: &&str| match &key[*name] {
            Value::Array(words) => {
                let words: Vec<String> = words.iter().map(shown).collect();
                words.join(" ")
            }
            value => shown(value),
        };
        names.iter().map(cell).collect()
    });
    let columns = [
        "id",
        "account",
        "api",
        "label",
        "scopes",
        "last used",
        "expires",
        "revoked",
    ];
    context
        .output
        .table(&columns.map(Column::Text), rows.collect())
}

/// Shows the texts of a key, which nobody can show again.
fn show_created(
    context: &Context,
    id: &str,
    mut credentials: Map<String, Value>,
) -> anyhow::Result<()> {
    if context.output.is_json() {
        credentials.insert("key_id".to_owned(), id.into());
        return context.output.json_line(&credentials);
    }
    for (name, value) in &credentials {
        context
            .output
            .line(format_args!("{name} {}", shown(value)))?;
    }
    context.output.remark(format_args!(
        "key {id}: keep it now, it cannot be shown again"
    ));
    Ok(())
}

fn show_revoked(context: &Context, id: &str) -> anyhow::Result<()> {
    if context.output.is_json() {
        return context
            .output
            .json_line(&json!({"key_id": id, "revoked": true}));
    }
    context.output.line(format_args!("key {id} is revoked"))
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
