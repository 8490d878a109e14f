//! The load: clients that do what clients should. Through the gateway's own API they repeat a request
//! under its key until it is answered; through the providers' APIs, which have no such keys, they send once
//! and keep in mind what was not answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tidings::http::HttpClient;
use tidings::{
    Account, ClientRef, DeliveryPolicy, Message, Outbound, Provider, ProviderSpec, SenderId,
};
use tokio::task::JoinSet;

use crate::stage::Stage;

/// How many clients send single messages at the same time.
const SINGLES: u64 = 4;

/// Rows of a batch.
const ROWS: usize = 25;

/// A message by what a phone sees of it: recipient and text, which no two messages share.
pub(crate) type Seen = (String, String);

/// A message that was answered as accepted.
pub(crate) struct Accepted {
    pub(crate) seen: Seen,
    /// Its id, where the answer has one.
    pub(crate) id: Option<String>,
    /// Which API it went through.
    pub(crate) through: &'static str,
}

/// What is sent, and what was answered.
pub(crate) struct Load {
    is_over: AtomicBool,
    counter: AtomicU64,
    accepted: Mutex<Vec<Accepted>>,
    unanswered: Mutex<Vec<Seen>>,
    odd: Mutex<BTreeMap<String, u64>>,
    requests: Requests,
}

/// Makes requests; the same for all clients.
struct Requests {
    phones: Vec<Vec<String>>,
    http: HttpClient,
    make: Box<Make>,
}

/// Makes a request of a path, a key and a body.
type Make = dyn Fn(&str, &str, &Value) -> http::Request<Bytes> + Send + Sync;

impl Load {
    pub(crate) fn new(stage: &Stage) -> Self {
        let phones = stage.accounts().iter().map(|(spec, _)| {
            let phones = (0..500).map(|place| stage.phone(spec, place).to_string());
            phones.collect()
        });
        let template = stage.post("/", "key", &Value::Null);
        let authorization = template.headers()["authorization"].clone();
        let url = stage.url();
        let make = move |path: &str, key: &str, body: &Value| {
            let request = http::Request::post(format!("{url}{path}"))
                .header("authorization", authorization.clone())
                .header("content-type", "application/json")
                .header("idempotency-key", key);
            let request = request.body(Bytes::from(body.to_string()));
            request.expect("a request of ours")
        };
        Self {
            is_over: AtomicBool::new(false),
            counter: AtomicU64::new(0),
            accepted: Mutex::default(),
            unanswered: Mutex::default(),
            odd: Mutex::default(),
            requests: Requests {
                phones: phones.collect(),
                http: stage.http().clone(),
                make: Box::new(make),
            },
        }
    }

    /// Starts all clients.
    pub(crate) fn start(self: &Arc<Self>, stage: &Stage, seed: u64) -> JoinSet<()> {
        let mut working = JoinSet::new();
        for worker in 0..SINGLES {
            let (load, random) = (Arc::clone(self), fastrand::Rng::with_seed(seed + worker));
            working.spawn(async move { load.send_singles(random).await });
        }
        let (load, random) = (Arc::clone(self), fastrand::Rng::with_seed(seed + 100));
        working.spawn(async move { load.send_batches(random).await });
        for (place, (spec, account)) in stage.accounts().iter().enumerate() {
            let provider = client(spec, account);
            let load = Arc::clone(self);
            let spec: &'static ProviderSpec = spec;
            working.spawn(async move { load.send_through(spec, &*provider, place).await });
        }
        working
    }

    /// No new message is begun; what was begun is brought to its answer.
    pub(crate) fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(crate) fn accepted(&self) -> std::sync::MutexGuard<'_, Vec<Accepted>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn unanswered(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers that no client should get, and how often.
    pub(crate) fn odd(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.odd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, seen: Seen, id: Option<String>, through: &'static str) {
        self.accepted().push(Accepted { seen, id, through });
    }

    fn note(&self, what: String) {
        *self.odd().entry(what).or_default() += 1;
    }

    /// A text that no other message has.
    fn text(&self) -> String {
        let place = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("Message {place} of this run")
    }

    fn phone(&self, random: &mut fastrand::Rng) -> String {
        let phones = &self.requests.phones[random.usize(..self.requests.phones.len())];
        phones[random.usize(..phones.len())].clone()
    }

    async fn send_singles(&self, mut random: fastrand::Rng) {
        while !self.is_over() {
            let (to, text) = (self.phone(&mut random), self.text());
            let policy = DeliveryPolicy::ALL[random.usize(..DeliveryPolicy::ALL.len())];
            let body = json!({"to": to, "text": text, "policy": policy.as_str()});
            let answer = self.insist("/v1/messages", &text, &body).await;
            let id = answer["id"].as_str().map(str::to_owned);
            self.accept((to, text), id, "messages");
        }
    }

    async fn send_batches(&self, mut random: fastrand::Rng) {
        while !self.is_over() {
            let rows: Vec<Seen> = (0..ROWS)
                .map(|_| (self.phone(&mut random), self.text()))
                .collect();
            let policy = DeliveryPolicy::ALL[random.usize(..DeliveryPolicy::ALL.len())];
            let messages: Vec<Value> = rows
                .iter()
                .map(|(to, text)| json!({"to": to, "text": text}))
                .collect();
            let body = json!({
                "reference": rows[0].1,
                "defaults": {"policy": policy.as_str()},
                "messages": messages,
            });
            let key = format!("batch of {}", rows[0].1);
            let answer = self.insist("/v1/batches", &key, &body).await;
            let rejected = answer["rejected"].as_array().map_or(0, Vec::len);
            let n_accepted = answer["accepted"].as_u64().unwrap_or_default();
            if rejected > 0 || n_accepted != ROWS as u64 {
                self.note(format!("a batch of {ROWS} was answered {answer}"));
            }
            for seen in rows {
                self.accept(seen, None, "batches");
            }
        }
    }

    /// Repeats a request under its key until it is accepted.
    async fn insist(&self, path: &str, key: &str, body: &Value) -> Value {
        loop {
            let key = key.replace(' ', "-");
            let request = (self.requests.make)(path, &key, body);
            if let Ok(answer) = self.requests.http.send(request).await {
                match answer.status.as_u16() {
                    200..300 => {
                        let body = serde_json::from_slice(&answer.body);
                        return body.expect("what is accepted is answered in JSON");
                    }
                    // Still at work on it, too much at once, or it cannot write at present.
                    409 | 429 | 500..600 => {}
                    other => {
                        let body = String::from_utf8_lossy(&answer.body);
                        self.note(format!("{path} was answered {other}: {body}"));
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// Sends through a provider's API, with the provider's own client.
    async fn send_through(
        &self,
        spec: &'static ProviderSpec,
        provider: &dyn Provider,
        place: usize,
    ) {
        let phones = &self.requests.phones[place];
        let mut turn = 0;
        while !self.is_over() {
            let n_messages = spec.capabilities.max_messages_per_call.clamp(1, 3);
            let common = self.text();
            let outbound: Vec<Outbound> = (0..n_messages)
                .map(|row| {
                    turn += 1;
                    let to = phones[turn % phones.len()]
                        .parse()
                        .expect("a number of ours");
                    let message = Message::new(to, common.as_str());
                    // Accounts with numbers of their own send from these.
                    let message = if spec.capabilities.numbers {
                        message
                    } else {
                        message.from(SenderId::parse("Chaos").expect("a short name"))
                    };
                    let name = format!("{}-{row}", common.replace(' ', "-"));
                    Outbound::new(ClientRef::new(name).expect("a short name"), message)
                })
                .collect();
            let seen = |row: &Outbound| (row.message.to.as_str().to_owned(), common.clone());
            if let Ok(results) = provider.submit(&outbound).await {
                for (row, result) in outbound.iter().zip(results) {
                    match result {
                        Ok(_) => self.accept(seen(row), None, spec.id),
                        Err(_) => self.unanswered().push(seen(row)),
                    }
                }
            } else {
                self.unanswered().extend(outbound.iter().map(seen));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the API says of every message whose id is known: id and state.
    pub(crate) async fn ask(&self, stage: &Stage) -> BTreeMap<String, String> {
        let ids: Vec<String> = self
            .accepted()
            .iter()
            .filter_map(|it| it.id.clone())
            .collect();
        let mut told = BTreeMap::new();
        for id in ids {
            let request = stage.get(&format!("/v1/messages/{id}"));
            let state = match stage.http().send(request).await {
                Ok(answer) if answer.status.is_success() => {
                    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                    body["state"]
                        .as_str()
                        .unwrap_or("without a state")
                        .to_owned()
                }
                Ok(answer) => format!("status {}", answer.status),
                Err(_) => "no answer".to_owned(),
            };
            told.insert(id, state);
        }
        told
    }
}

/// The provider's own client, pointed to the gateway.
fn client(spec: &ProviderSpec, account: &Account) -> Arc<dyn Provider> {
    let http = HttpClient::builder()
        .timeout(Duration::from_secs(5))
        .system_roots(false);
    let http = HttpClient::for_account(account, http).expect("settings of ours");
    let client = (spec.connect)(account, http);
    client.unwrap_or_else(|error| panic!("no client of {}: {error}", spec.id))
}
