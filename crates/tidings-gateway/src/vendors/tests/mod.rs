//! Tests of what stands behind the vendors' APIs, on a store in memory and a lane that keeps what it is
//! given. The APIs themselves, with their vendors' clients, are tested in `tidings-tests`.

mod areas;
mod callers;
mod conversations;
mod messages;
mod told;

use std::path::Path;
use std::sync::Arc;

use tidings::backend::{Presented, Principal, SignIn};
use tidings::layers::Jitter;
use tidings::memory::MemoryProvider;
use tidings::{Capabilities, ProviderSpec, SystemClock, providers};
use tidings_core::{Clock, E164, Message};
use tidings_store::memory::MemoryStore;
use tidings_store::{AccountChange, AccountId, LaneId, NodeId};

use super::Door;
use super::caller::Callers;
use super::pressure::Pressure;
use crate::Gateway;
use crate::access::{Acting, CreatedKey, NewKeyRequest, Scopes, bootstrap};
use crate::config::{Config, ConfigFile, Environment};
use crate::gateway::Live;
use crate::lane::Lane;
use crate::settings::AccountSettings;

/// The account that signs in.
const ACCOUNT: &str = "acme";

/// A door of one provider, with a key to it.
struct Scene {
    door: Door,
    key: CreatedKey,
}

impl Scene {
    /// A door of the first provider that can do something.
    async fn with(can: fn(&Capabilities) -> bool) -> Self {
        Self::of(able(can), &[]).await
    }

    /// The same with settings of the key.
    async fn of(spec: &'static ProviderSpec, settings: &[(&str, &str)]) -> Self {
        let gateway = gateway(spec);
        let door = Door {
            gateway,
            spec,
            callers: Callers::default(),
            pressure: Pressure::default(),
        };
        let key = door.key(ACCOUNT, settings, Scopes::ACCOUNT).await;
        Self { door, key }
    }

    /// Who signed in with the key.
    async fn who(&self) -> Principal {
        self.door.signed_in(&self.key).await
    }

    async fn set(&self, change: AccountChange) {
        let store = self.door.gateway.store();
        store.change_account(&ACCOUNT.into(), change).await.unwrap();
        self.door.gateway.access().changed();
    }

    async fn set_settings(&self, settings: AccountSettings) {
        self.set(AccountChange {
            settings: Some(settings.to_json()),
            ..AccountChange::default()
        })
        .await;
    }
}

impl Door {
    /// Makes a key of an account.
    async fn key(&self, account: &str, settings: &[(&str, &str)], scopes: Scopes) -> CreatedKey {
        let mut request = NewKeyRequest::new(AccountId::from(account), self.spec.id);
        request.scopes = scopes;
        let settings = settings.iter();
        let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        request.settings = settings.collect();
        let gateway = &self.gateway;
        let created = bootstrap(gateway.store(), request, &Acting::command(), gateway.now()).await;
        gateway.access().changed();
        created.unwrap()
    }

    async fn signed_in(&self, key: &CreatedKey) -> Principal {
        self.sign_in(&presented(key)).await.unwrap()
    }
}

/// What a key's owner presents.
fn presented(key: &CreatedKey) -> Presented {
    let shown = key.shown.iter();
    shown.fold(Presented::new(), |so_far, one| {
        so_far.with(one.name, one.value.clone())
    })
}

fn able(can: fn(&Capabilities) -> bool) -> &'static ProviderSpec {
    let mut all = providers::ALL.iter();
    all.find(|spec| can(&spec.capabilities)).unwrap()
}

/// A gateway with one lane at a provider, which keeps what it is given.
fn gateway(spec: &'static ProviderSpec) -> Gateway {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut text = format!("[[lanes]]\nid = \"one\"\nprovider = \"{}\"\n", spec.id);
    for setting in spec.settings.iter().filter(|setting| setting.is_required()) {
        let value = if setting.name == "base_url" {
            "\"http://127.0.0.1:9\""
        } else {
            "\"1\""
        };
        text.push_str(&format!("{} = {value}\n", setting.name));
    }
    let file = ConfigFile::parse(Path::new("tidings.toml"), &text).unwrap();
    let config: Config = Config::load(Some(&file), &Environment::default())
        .unwrap()
        .config;
    let provider = MemoryProvider::new();
    provider.set_capabilities(spec.capabilities);
    let lane = Lane::with_provider(config.lanes[0].clone(), Arc::new(provider), &clock, None);
    let lanes = [(LaneId::from("one"), Arc::new(lane))].into();
    Gateway::new(
        Arc::new(MemoryStore::new()),
        clock,
        Jitter::seeded(1),
        NodeId::from("test"),
        Live { config, lanes },
    )
}

/// A phone that every provider serves.
fn phone(place: u32) -> E164 {
    format!("+22462200{place:04}").parse().unwrap()
}

fn message(place: u32, text: &str) -> Message {
    Message::new(phone(place), text).from("Ecole".parse().unwrap())
}
