//! Tests of intake on the store in memory: a gateway with lanes to providers in memory and a clock of its
//! own.

mod accepting;
mod allocations;
mod batches;
mod fairness;
mod once;
mod previews;
mod resending;
mod timing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings::layers::Jitter;
use tidings::memory::MemoryProvider;
use tidings::{Capabilities, providers};
use tidings_core::{Clock, MessageState, Timestamp};
use tidings_store::memory::MemoryStore;
use tidings_store::{
    AccountId, BatchId, LaneId, LeaseRequest, Leased, MessageFilter, MessageId, Store,
    StoredAccount, StoredMessage,
};

use super::*;
use crate::config::Config;
use crate::gateway::{Gateway, Live};
use crate::lane::Lane;
use crate::settings::{AccountSettings, Customer};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(super) struct Hands(Mutex<Timestamp>);

impl Hands {
    pub(super) fn set(&self, moment: Timestamp) {
        *self.0.lock().unwrap() = moment;
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub(super) struct Harness {
    pub(super) gateway: Gateway,
    pub(super) customer: Customer,
    pub(super) clock: Arc<Hands>,
}

/// Noon of a Sunday in Oslo.
pub(super) const NOON: &str = "2026-11-22T11:00:00Z";

/// Two lanes, the second one for when the first is out of service.
pub(super) const TWO_LANES: &str = "[[routes]]\nlanes = [\"main\", \"spare\"]\n";

pub(super) fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

impl Harness {
    /// A gateway with two lanes.
    pub(super) async fn new() -> Self {
        Self::with(TWO_LANES, AccountSettings::default()).await
    }

    pub(super) async fn with_settings(settings: &str) -> Self {
        Self::with(TWO_LANES, AccountSettings::from_json(settings).unwrap()).await
    }

    /// A gateway with the lanes `main` and `spare`, and what is configured besides.
    pub(super) async fn with(text: &str, settings: AccountSettings) -> Self {
        let spec = providers::ALL[0];
        let mut required = String::new();
        for setting in spec.settings.iter().filter(|it| it.is_required()) {
            required = required + setting.name + " = \"value\"\n";
        }
        let lanes = ["main", "spare"].map(|id| {
            format!(
                "[[lanes]]\nid = \"{id}\"\nprovider = \"{}\"\n{required}",
                spec.id
            )
        });
        let config = Config::of_text(&format!("{}{}{text}", lanes[0], lanes[1])).unwrap();
        let clock = Arc::new(Hands(Mutex::new(at(NOON))));
        let of_lanes: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let lanes = config.lanes.iter().map(|config| {
            let provider = MemoryProvider::new();
            let mut capabilities = Capabilities::submit_only();
            capabilities.max_parts = 6;
            provider.set_capabilities(capabilities);
            let lane = Lane::with_provider(config.clone(), Arc::new(provider), &of_lanes, None);
            (lane.id.clone(), Arc::new(lane))
        });
        let lanes = lanes.collect();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let customer = Customer::new("acme".into(), settings);
        let account = StoredAccount {
            id: customer.id.clone(),
            settings: customer.settings.to_json(),
            quota: None,
            is_active: true,
            created_at: at(NOON),
            version: 1,
        };
        store.add_account(account).await.unwrap();
        let gateway = Gateway::new(
            store,
            Arc::clone(&clock) as _,
            Jitter::seeded(1),
            "node".into(),
            Live { config, lanes },
        );
        Self {
            gateway,
            customer,
            clock,
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.gateway.store()
    }

    pub(super) fn lane(&self, id: &str) -> Arc<Lane> {
        self.gateway.lane(&LaneId::from(id)).unwrap()
    }

    pub(super) async fn accept(&self, drafts: Vec<Draft>) -> Vec<Verdict> {
        let accepted = accept(&self.gateway, &self.customer, "tidings", drafts).await;
        accepted.unwrap()
    }

    pub(super) async fn accept_one(&self, draft: Draft) -> Verdict {
        self.accept(vec![draft]).await.remove(0)
    }

    pub(super) async fn stored(&self, id: MessageId) -> StoredMessage {
        let found = self.store().message(None, id).await.unwrap();
        found.unwrap().message
    }

    /// All messages, the first one first.
    pub(super) async fn all(&self) -> Vec<StoredMessage> {
        let mut filter = MessageFilter::default();
        filter.page.limit = 1_000;
        let mut page = self.store().messages(filter).await.unwrap();
        page.items.reverse();
        page.items
    }

    pub(super) async fn lease(&self, lane: &str, limit: usize) -> Vec<Leased> {
        let now = self.gateway.now();
        let request = LeaseRequest {
            lane: lane.into(),
            node: "node".into(),
            until: now.plus(Duration::from_mins(1)),
            limit,
        };
        self.store().lease_due(request, now).await.unwrap()
    }
}

pub(super) fn to(number: &str) -> DraftRecipient {
    DraftRecipient::Written(number.to_owned(), None)
}

/// A text to a number of Norway.
pub(super) fn draft(text: &str) -> Draft {
    Draft::new(to("+4740612345"), text)
}

/// A number of Norway by its last digits.
pub(super) fn number(n: u32) -> DraftRecipient {
    to(&format!("+47406{n:05}"))
}

#[track_caller]
pub(super) fn good(verdict: &Verdict) -> &AcceptedMessage {
    verdict.as_ref().expect("accepted")
}

#[track_caller]
pub(super) fn refused(verdict: &Verdict, code: RejectionCode) {
    let rejection = verdict.as_ref().expect_err("refused");
    assert_eq!(rejection.code, code, "{}", rejection.detail);
}
