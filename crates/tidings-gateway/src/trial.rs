//! A gateway for tests of this crate: a store in memory, one lane to a provider in memory, and a clock
//! that is moved by hand.
//!
//! Used by the tests beside the code; nothing of it runs by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tidings::layers::Jitter;
use tidings::memory::MemoryProvider;
use tidings::{Account, Outbound, Provider, ProviderSpec};
use tidings_core::{
    ClientRef, Clock, DeliveryPolicy, E164, Message, ProviderRef, SenderId, Timestamp,
};
use tidings_store::memory::MemoryStore;
use tidings_store::{
    AttemptId, Begin, Begun, Event, EventFilter, EventKind, EventSeq, Finished, LaneId,
    LeaseRequest, Leased, MessageHistory, MessageId, NewMessage, NodeId, Outcome, StoredAccount,
    Taken,
};

use crate::config::{Config, LaneConfig};
use crate::gateway::{Gateway, Live};
use crate::lane::Lane;

/// The lane's name.
pub(crate) const LANE: &str = "lane";

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A gateway with one lane.
pub(crate) struct Trial {
    pub(crate) gateway: Gateway,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) provider: MemoryProvider,
}

impl Trial {
    /// A gateway with accounts `a` and `b` and one lane to a provider of the kind that `is_wanted`
    /// chooses, whose capabilities it has.
    pub(crate) async fn new(
        is_wanted: impl Fn(&ProviderSpec) -> bool,
        configure: impl FnOnce(&mut Config, &mut LaneConfig),
    ) -> Self {
        let mut specs = tidings::providers::ALL.iter();
        let spec = specs
            .find(|spec| is_wanted(spec))
            .expect("there is one such");
        let provider = MemoryProvider::new();
        provider.set_capabilities(spec.capabilities);
        let mut config = Config::default();
        let mut lane = LaneConfig {
            id: LANE.to_owned(),
            origin: None,
            spec,
            account: Account::new(LANE),
            rate: None,
            daily_cap: None,
            in_flight: 4,
            bulk: None,
            from: None,
            low_balance: None,
            inbound_account: None,
            callback_token: None,
            timeout: Duration::from_secs(30),
        };
        configure(&mut config, &mut lane);
        let start: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let hand = Arc::new(HandClock(AtomicI64::new(start.as_millis())));
        let clock: Arc<dyn Clock> = Arc::clone(&hand) as _;
        let connected = Lane::with_provider(lane, Arc::new(provider.clone()), &clock, None);
        let lanes = [(LaneId::from(LANE), Arc::new(connected))];
        let live = Live {
            config,
            lanes: lanes.into_iter().collect(),
        };
        let store = Arc::new(MemoryStore::new());
        let node = NodeId::from("node");
        let gateway = Gateway::new(store, clock, Jitter::new(|| 0.5), node, live);
        for name in ["a", "b"] {
            let account = StoredAccount {
                id: name.into(),
                settings: "{}".into(),
                quota: None,
                is_active: true,
                created_at: start,
                version: 1,
            };
            gateway.store().add_account(account).await.unwrap();
        }
        Self {
            gateway,
            clock: hand,
            provider,
        }
    }

    pub(crate) fn lane(&self) -> Arc<Lane> {
        self.gateway.lane(&LANE.into()).unwrap()
    }

    /// A message that the provider has taken, to be asked about at `poll_at`.
    pub(crate) async fn submitted(
        &self,
        account: &str,
        to: &str,
        poll_at: Option<Timestamp>,
    ) -> (MessageId, ProviderRef) {
        let store = self.gateway.store();
        let now = self.gateway.now();
        let id = MessageId(self.gateway.new_id());
        let new = new_message(id, to);
        let taken = store.accept(&account.into(), vec![new], now).await.unwrap();
        assert_eq!(taken, [Taken::New]);
        let (leased, attempt) = self.begun(None).await;
        assert_eq!((attempt.message, attempt.number), (id, 1));
        let outbound = Outbound::new(attempt.reference(), leased.message.clone());
        let mut answers = self.provider.submit(&[outbound]).await.unwrap();
        let provider_ref = answers.remove(0).unwrap().provider_ref;
        let finished = Finished {
            key: leased.key,
            attempt,
            outcome: Outcome::Taken {
                provider_ref: provider_ref.clone(),
                poll_at,
            },
        };
        store.finish_attempts(vec![finished], now).await.unwrap();
        (id, provider_ref)
    }

    /// The message that leaves next, with its attempt begun; `from` is the sender where it has none.
    pub(crate) async fn begun(&self, from: Option<SenderId>) -> (Leased, AttemptId) {
        let (store, now) = (self.gateway.store(), self.gateway.now());
        let request = LeaseRequest {
            lane: LANE.into(),
            node: self.gateway.node().clone(),
            until: now.plus(Duration::from_mins(1)),
            limit: 1,
        };
        let leased = store.lease_due(request, now).await.unwrap().remove(0);
        let begin = Begin {
            key: leased.key,
            lease: leased.lease,
            from,
        };
        let begun = store.begin_attempts(vec![begin], now).await.unwrap();
        let Begun::Go(attempt) = begun[0] else {
            panic!("{begun:?}")
        };
        (leased, attempt)
    }

    pub(crate) async fn message(&self, id: MessageId) -> MessageHistory {
        let found = self.gateway.store().message(None, id).await;
        found.unwrap().unwrap()
    }

    /// What happened, as words, leaving out what belongs to a message's way out.
    pub(crate) async fn news(&self) -> Vec<&'static str> {
        let events = self.events().await;
        let kinds = events.iter().map(|event| event.kind);
        let news = kinds.filter(|kind| {
            !matches!(
                kind,
                EventKind::Accepted | EventKind::Sending | EventKind::Submitted
            )
        });
        news.map(EventKind::as_str).collect()
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        let filter = EventFilter {
            account: None,
            after: EventSeq::default(),
            limit: 1_000,
        };
        self.gateway.store().events(filter).await.unwrap()
    }
}

pub(crate) fn phone(number: &str) -> E164 {
    E164::parse_possible(number, None).unwrap()
}

fn new_message(id: MessageId, to: &str) -> NewMessage {
    let mut message = Message::new(phone(to), "hello").policy(DeliveryPolicy::Reconcile);
    message.reference = ClientRef::new("r-1").ok();
    NewMessage {
        id,
        message,
        original_text: None,
        parts: 1,
        lane: Some(LANE.into()),
        stamp: tidings_store::Stamp::default(),
        hold: None,
        timing: None,
        closes_at: None,
        expires_at: None,
        batch: None,
        row_hash: None,
        once: None,
        origin: "tidings".into(),
        terms: None,
        conversation: None,
        shown_sender: None,
        passes_opt_out: false,
        resend_of: None,
    }
}
