//! Dispatch against a store in memory and providers that do as they are told, in paused time.
//!
//! Every wait of these tests is over when the run time has nothing else to do, so that hours pass in an
//! instant and no test depends on how fast the machine is.

mod doubts;
mod endings;
mod flow;
mod lanes;
mod orders;
mod pure;
mod restart;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tidings::layers::Jitter;
use tidings::memory::MemoryProvider;
use tidings::provider::Presence;
use tidings::{
    AttemptRef, Balance, Capabilities, DeliveryReport, Outbound, Provider, ProviderSpec, Receipt,
    Reconciled,
};
use tidings_core::{Clock, DeliveryPolicy, E164, Message, MessageState, ProviderRef, Timestamp};
use tidings_store::memory::MemoryStore;
use tidings_store::{
    AccountId, Event, EventFilter, EventKind, EventSeq, LaneId, MessageHistory, MessageId,
    NewMessage, NodeId, Stamp, Store,
};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::gateway::{Gateway, Live};
use crate::lane::Lane;

/// Longer than anything that a test waits for, in paused time.
const AGES: Duration = Duration::from_hours(5);

static SPEC: ProviderSpec =
    ProviderSpec::new("scripted", "Scripted", Capabilities::submit_only(), &[]);

/// A clock that goes with the run time, and that somebody may set.
#[derive(Debug)]
struct PausedClock {
    began: tokio::time::Instant,
    set_by_millis: AtomicI64,
}

impl PausedClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the run time's clock is paused, and this is the clock that everybody is given"
    )]
    fn new() -> Arc<Self> {
        Arc::new(Self {
            began: tokio::time::Instant::now(),
            set_by_millis: AtomicI64::new(0),
        })
    }

    fn set_on(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap();
        self.set_by_millis.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let noon = 1_795_262_400_000 + self.set_by_millis.load(Ordering::Relaxed);
        Timestamp::from_millis(noon).unwrap().plus(self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// A provider that does as it is told, and writes down what it is handed.
#[derive(Clone, Debug)]
struct Scripted {
    memory: MemoryProvider,
    /// How long a call takes before the messages are taken, and until the answer is there after that.
    takes: Arc<Mutex<(Duration, Duration)>>,
    calls: Arc<Mutex<Vec<Vec<Outbound>>>>,
    open: Arc<AtomicUsize>,
    most_open: Arc<AtomicUsize>,
    capabilities: Capabilities,
    /// What every question about a lost answer is answered with, instead of the truth.
    answer: Arc<Mutex<Option<Reconciled>>>,
    questions: Arc<AtomicUsize>,
    panics: Arc<AtomicUsize>,
}

impl Scripted {
    fn new() -> Self {
        let mut capabilities = Capabilities::submit_only();
        capabilities.reconcile = true;
        Self::able(capabilities)
    }

    fn able(capabilities: Capabilities) -> Self {
        Self {
            memory: MemoryProvider::new(),
            takes: Arc::new(Mutex::new((Duration::from_millis(10), Duration::ZERO))),
            calls: Arc::default(),
            open: Arc::default(),
            most_open: Arc::default(),
            capabilities,
            answer: Arc::default(),
            questions: Arc::default(),
            panics: Arc::default(),
        }
    }

    /// Several messages in one call, of the same text and sender or of any.
    fn bulk(most: usize, mixed: bool) -> Self {
        let mut capabilities = Capabilities::submit_only();
        capabilities.max_messages_per_call = most;
        capabilities.mixed_texts_per_call = mixed;
        Self::able(capabilities)
    }

    fn taking(self, time: Duration) -> Self {
        self.take(time, Duration::ZERO);
        self
    }

    fn take(&self, before: Duration, after: Duration) {
        *self.takes.lock().unwrap() = (before, after);
    }

    /// The texts that it took, in order.
    fn taken(&self) -> Vec<String> {
        let messages = self.memory.messages();
        messages
            .iter()
            .map(|it| it.message.text.to_string())
            .collect()
    }

    /// The texts that were handed over, in order, whatever came of it.
    fn texts(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        let texts = calls.iter().flatten().map(|it| it.message.text.to_string());
        texts.collect()
    }

    fn sizes(&self) -> Vec<usize> {
        self.calls.lock().unwrap().iter().map(Vec::len).collect()
    }

    fn n_calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

#[async_trait]
impl Provider for Scripted {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn submit(
        &self,
        messages: &[Outbound],
    ) -> tidings::Result<Vec<tidings::Result<Receipt>>> {
        self.calls.lock().unwrap().push(messages.to_vec());
        let n_open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_open.fetch_max(n_open, Ordering::Relaxed);
        let (before, after) = *self.takes.lock().unwrap();
        tokio::time::sleep(before).await;
        let results = self.memory.submit(messages).await;
        tokio::time::sleep(after).await;
        self.open.fetch_sub(1, Ordering::Relaxed);
        let panics = self.panics.load(Ordering::Relaxed);
        assert!(panics == 0, "told to break off");
        results
    }

    async fn status(&self, refs: &[ProviderRef]) -> tidings::Result<Vec<DeliveryReport>> {
        self.memory.status(refs).await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> tidings::Result<Reconciled> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Some(answer) => Ok(answer),
            None => self.memory.reconcile(attempt).await,
        }
    }

    async fn cancel(&self, what: &ProviderRef) -> tidings::Result<()> {
        self.memory.cancel(what).await
    }

    async fn balance(&self) -> tidings::Result<Balance> {
        self.memory.balance().await
    }
}

/// A gateway with nothing but dispatch and janitor.
struct Bench {
    store: Arc<dyn Store>,
    clock: Arc<PausedClock>,
    gateway: Gateway,
    running: JoinSet<()>,
    lanes: Vec<(String, Scripted)>,
    config: String,
}

impl Bench {
    /// A gateway with these lanes, the first before the others; `config` is further configuration.
    async fn with(lanes: &[(&str, &Scripted)], config: &str) -> Self {
        let clock = PausedClock::new();
        let lanes = lanes
            .iter()
            .map(|(id, provider)| ((*id).to_owned(), (*provider).clone()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let mut bench = Self {
            gateway: gateway_on(Arc::clone(&store), &clock),
            store,
            clock,
            running: JoinSet::new(),
            lanes: lanes.collect(),
            config: config.to_owned(),
        };
        bench.start().await;
        bench
    }

    /// One lane, one call at a time.
    async fn of_one(provider: &Scripted) -> Self {
        Self::with(&[("one", provider)], "in_flight = 1").await
    }

    /// Ends the process as a crash does, and begins another on the same store.
    async fn crash(&mut self) {
        self.running.shutdown().await;
        self.start().await;
    }

    /// Ends it as it should be ended.
    async fn stop(&mut self) {
        self.gateway.stopping().cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
    }

    async fn start(&mut self) {
        self.gateway = gateway_on(Arc::clone(&self.store), &self.clock);
        self.gateway.set_live(self.live(None));
        crate::janitor::take_over(&self.gateway).await.unwrap();
        self.running.spawn(super::run(self.gateway.clone()));
        self.running
            .spawn(crate::janitor::run(self.gateway.clone()));
    }

    /// The configuration is read again, with these lanes.
    fn reload(&mut self, lanes: &[(&str, &Scripted)]) {
        let lanes = lanes
            .iter()
            .map(|(id, provider)| ((*id).to_owned(), (*provider).clone()));
        self.lanes = lanes.collect();
        let before = self.gateway.live();
        self.gateway.set_live(self.live(Some(&before)));
    }

    /// What the configuration says: `[sending]` and what is set of every lane.
    fn live(&self, before: Option<&Live>) -> Live {
        let ids = self.lanes.iter().map(|(id, _)| id.as_str());
        live_of(ids, &self.lanes, &self.config, &self.clock, before)
    }

    /// Keeps messages with these texts for a lane.
    async fn accept(&self, lane: &str, texts: &[&str]) -> Vec<MessageId> {
        self.accept_as(lane, texts, |_| {}).await
    }

    async fn accept_as(
        &self,
        lane: &str,
        texts: &[&str],
        edit: impl Fn(&mut NewMessage),
    ) -> Vec<MessageId> {
        let mut ids = Vec::new();
        let mut new = Vec::new();
        for (place, text) in (0..).zip(texts) {
            let mut message = self.new_message(lane, text);
            message.stamp = Stamp(message.stamp.0 + place);
            edit(&mut message);
            ids.push(message.id);
            new.push(message);
        }
        let account = AccountId::from("acme");
        self.store
            .accept(&account, new, self.clock.now())
            .await
            .unwrap();
        self.gateway.signals().wake_lane(&lane.into());
        ids
    }

    fn new_message(&self, lane: &str, text: &str) -> NewMessage {
        let now = self.clock.now();
        let message = Message::new(phone(text), text).policy(DeliveryPolicy::Reconcile);
        NewMessage {
            id: MessageId(self.gateway.new_id()),
            message,
            original_text: None,
            parts: 1,
            lane: Some(lane.into()),
            stamp: Stamp(now.as_millis() * 1_000),
            hold: None,
            timing: None,
            closes_at: None,
            expires_at: Some(now.plus(Duration::from_hours(24))),
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

    async fn history(&self, id: MessageId) -> MessageHistory {
        self.store.message(None, id).await.unwrap().unwrap()
    }

    async fn state(&self, id: MessageId) -> MessageState {
        self.history(id).await.message.state
    }

    /// Waits until a message is in a state.
    #[track_caller]
    fn until_state(
        &self,
        id: MessageId,
        state: MessageState,
    ) -> impl Future<Output = MessageHistory> {
        self.until(id, move |history| history.message.state == state)
    }

    /// Waits until something holds for a message.
    async fn until(
        &self,
        id: MessageId,
        holds: impl Fn(&MessageHistory) -> bool + Send + Sync,
    ) -> MessageHistory {
        let mut events = self.gateway.signals().events();
        let waiting = async {
            loop {
                events.borrow_and_update();
                let history = self.history(id).await;
                if holds(&history) {
                    return history;
                }
                let _ = events.changed().await;
            }
        };
        let found = tokio::time::timeout(AGES, waiting).await;
        let Ok(history) = found else {
            panic!("it never came to that: {:?}", self.history(id).await);
        };
        history
    }

    /// Lets time pass in which whatever is due happens.
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    async fn events(&self, kind: EventKind) -> Vec<Event> {
        let filter = EventFilter {
            account: None,
            after: EventSeq(0),
            limit: 100_000,
        };
        let mut events = self.store.events(filter).await.unwrap();
        events.retain(|event| event.kind == kind);
        events
    }

    fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    fn lane(&self, id: &str) -> Arc<Lane> {
        self.gateway.lane(&LaneId::from(id)).unwrap()
    }
}

fn gateway_on(store: Arc<dyn Store>, clock: &Arc<PausedClock>) -> Gateway {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let live = Live {
        config: Config::default(),
        lanes: BTreeMap::new(),
    };
    Gateway::new(store, clock, Jitter::seeded(7), NodeId::from("node"), live)
}

fn live_of<'a>(
    ids: impl Iterator<Item = &'a str>,
    lanes: &[(String, Scripted)],
    config: &str,
    clock: &Arc<PausedClock>,
    before: Option<&Live>,
) -> Live {
    // A lane of a provider that is there, of which nothing but the general settings is used.
    let is_simple = |spec: &&&ProviderSpec| {
        let mut settings = spec.settings.iter();
        settings.all(|it| !matches!(it.presence, Presence::RequiredUnless(_)))
    };
    let spec = tidings::providers::ALL.iter().find(is_simple).unwrap();
    let (of_lane, general) = config.split_once("---").unwrap_or((config, ""));
    let settings = spec
        .settings
        .iter()
        .filter(|setting| setting.presence == Presence::Required)
        .map(|setting| {
            let is_url = setting.name.contains("url");
            let value = if is_url { "http://127.0.0.1:1" } else { "1" };
            format!("{} = \"{value}\"", setting.name)
        });
    let settings = settings.collect::<Vec<_>>().join("\n");
    let mut text = general.to_owned();
    for id in ids {
        let provider = spec.id;
        let table = format_args!("\n[[lanes]]\nid = \"{id}\"\nprovider = \"{provider}\"\n");
        writeln!(text, "{table}{settings}\n{of_lane}").unwrap();
    }
    let config = Config::of_text(&text).unwrap();
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let connected = config.lanes.iter().map(|lane| {
        let id = LaneId::from(lane.id.as_str());
        let provider = lanes.iter().find(|(of, _)| *of == lane.id).unwrap();
        let mut lane = lane.clone();
        lane.spec = &SPEC;
        let before = before.and_then(|live| live.lanes.get(&id));
        let provider = Arc::new(provider.1.clone());
        let lane = Lane::with_provider(lane, provider, &clock, before.map(|it| &**it));
        (id, Arc::new(lane))
    });
    Live {
        lanes: connected.collect(),
        config,
    }
}

/// A number for each text, so that every message goes to another phone.
fn phone(text: &str) -> E164 {
    let sum = text
        .bytes()
        .fold(0_u64, |sum, byte| (sum * 131 + u64::from(byte)) % 1_000_000);
    E164::parse(&format!("+479{sum:07}"), None).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
