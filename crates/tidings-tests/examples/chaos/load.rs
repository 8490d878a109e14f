//! The load: clients that do what clients should. Through the gateway's own API they repeat a request
//! under its key until it is answered; through the providers' APIs, which have no such keys, they send once
//! and keep in mind what was refused and what was not answered. One client stops every batch that it sends.
//!
//! Started by `main.rs`. It keeps what was answered and compares nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tidings::http::{HttpClient, HttpResponse};
use tidings::{
    Acceptance, Account, ClientRef, Clock as _, DeliveryPolicy, Error, Message, Outbound, Provider,
    ProviderSpec, SenderId, SystemClock,
};
use tokio::task::JoinSet;

use crate::stage::Stage;
use crate::verdict::{Accepted, Fault, Seen, Stop, World};

/// How many clients send single messages at the same time.
const SINGLES: u64 = 4;

/// Rows of a batch.
const ROWS: usize = 25;

/// Rows of a batch that is stopped: so many that some have not left by then.
const STOPPED_ROWS: usize = 150;

/// How long a client waits at the most before its next message. A run is about kills: without pauses a
/// fast machine would make millions of messages of a long one.
const PAUSE_MS: u64 = 100;

/// What is sent, and what was answered.
pub(crate) struct Load {
    is_over: AtomicBool,
    counter: AtomicU64,
    n_accepted: AtomicU64,
    disk_refusals: AtomicU64,
    accepted: Mutex<Vec<Accepted>>,
    refused: Mutex<Vec<Seen>>,
    unanswered: Mutex<Vec<Seen>>,
    stops: Mutex<Vec<Stop>>,
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
    pub(crate) fn new(stage: &Stage<'_>) -> Self {
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
            n_accepted: AtomicU64::new(0),
            disk_refusals: AtomicU64::new(0),
            accepted: Mutex::default(),
            refused: Mutex::default(),
            unanswered: Mutex::default(),
            stops: Mutex::default(),
            odd: Mutex::default(),
            requests: Requests {
                phones: phones.collect(),
                http: stage.http().clone(),
                make: Box::new(make),
            },
        }
    }

    /// Starts all clients.
    pub(crate) fn start(self: &Arc<Self>, stage: &Stage<'_>, seed: u64) -> JoinSet<()> {
        let mut working = JoinSet::new();
        for worker in 0..SINGLES {
            let (load, random) = (Arc::clone(self), fastrand::Rng::with_seed(seed + worker));
            working.spawn(async move { load.send_singles(random).await });
        }
        let (load, random) = (Arc::clone(self), fastrand::Rng::with_seed(seed + 100));
        working.spawn(async move { load.send_batches(random).await });
        let (load, random) = (Arc::clone(self), fastrand::Rng::with_seed(seed + 200));
        working.spawn(async move { load.stop_batches(random).await });
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

    /// How many messages were answered as accepted so far.
    pub(crate) fn n_accepted(&self) -> u64 {
        self.n_accepted.load(Ordering::Relaxed)
    }

    /// How many answers said so far that the store is away.
    pub(crate) fn disk_refusals(&self) -> u64 {
        self.disk_refusals.load(Ordering::Relaxed)
    }

    /// Gives away everything that it kept.
    pub(crate) fn hand_over(&self, world: &mut World) {
        world.accepted = std::mem::take(&mut *locked(&self.accepted));
        world.refused = std::mem::take(&mut *locked(&self.refused));
        world.unanswered = std::mem::take(&mut *locked(&self.unanswered));
        world.stops = std::mem::take(&mut *locked(&self.stops));
        for (what, n_times) in std::mem::take(&mut *locked(&self.odd)) {
            world.saw(Fault::OddAnswer, format!("{n_times} times: {what}"));
        }
    }

    fn accept(&self, seen: Seen, id: Option<String>, through: &'static str) {
        self.n_accepted.fetch_add(1, Ordering::Relaxed);
        locked(&self.accepted).push(Accepted { seen, id, through });
    }

    fn note(&self, what: String) {
        *locked(&self.odd).entry(what).or_default() += 1;
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
            self.accept(Seen::new(to, text), id, "messages");
            pause(&mut random, PAUSE_MS).await;
        }
    }

    async fn send_batches(&self, mut random: fastrand::Rng) {
        while !self.is_over() {
            self.send_batch(&mut random, ROWS, "batches").await;
            pause(&mut random, PAUSE_MS * 4).await;
        }
    }

    /// Sends batches and stops each of them while it is being sent.
    async fn stop_batches(&self, mut random: fastrand::Rng) {
        while !self.is_over() {
            let sent = self.send_batch(&mut random, STOPPED_ROWS, "stopped batches");
            let (id, rows) = sent.await;
            pause(&mut random, 300).await;
            let path = format!("/v1/batches/{id}/stop");
            let answer = self.insist(&path, &path, &json!({})).await;
            let answered_at = SystemClock::new().now();
            let list = |name: &str| {
                let ids = answer[name].as_array().into_iter().flatten();
                ids.filter_map(|id| id.as_str().map(str::to_owned))
                    .collect()
            };
            locked(&self.stops).push(Stop {
                answered_at,
                rows,
                canceled: list("canceled"),
                already_out: list("already_out"),
                unknown: list("unknown"),
            });
            pause(&mut random, 2_000).await;
        }
    }

    /// Sends a batch. Its id and its messages.
    async fn send_batch(
        &self,
        random: &mut fastrand::Rng,
        n_rows: usize,
        kind: &'static str,
    ) -> (String, Vec<Seen>) {
        let rows: Vec<(String, String)> = (0..n_rows)
            .map(|_| (self.phone(random), self.text()))
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
        if rejected > 0 || n_accepted != n_rows as u64 {
            self.note(format!("a batch of {n_rows} was answered {answer}"));
        }
        let rows: Vec<Seen> = rows
            .into_iter()
            .map(|(to, text)| Seen::new(to, text))
            .collect();
        for seen in &rows {
            self.accept(seen.clone(), None, kind);
        }
        let id = answer["id"].as_str().unwrap_or_default();
        (id.to_owned(), rows)
    }

    /// Repeats a request under its key until it is accepted.
    async fn insist(&self, path: &str, key: &str, body: &Value) -> Value {
        loop {
            let key = key.replace([' ', '/'], "-");
            let request = (self.requests.make)(path, &key, body);
            if let Ok(answer) = self.requests.http.send(request).await {
                if answer.status.is_success() {
                    let body = serde_json::from_slice(&answer.body);
                    return body.expect("what is accepted is answered in JSON");
                }
                self.look_at_refusal(path, &answer);
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// What is not accepted is refused for now, and says when to come back.
    fn look_at_refusal(&self, path: &str, answer: &HttpResponse) {
        let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = problem["code"].as_str().unwrap_or_default();
        if code == "store_unavailable" {
            self.disk_refusals.fetch_add(1, Ordering::Relaxed);
        }
        // Still at work on it, too much at once, or it cannot write at present.
        let is_for_now = matches!(answer.status.as_u16(), 409 | 429 | 503)
            && answer.headers.contains_key("retry-after");
        // A machine that is busy with other things may take longer than a request may.
        let took_too_long = answer.status.as_u16() == 504;
        if !is_for_now && !took_too_long {
            let body = String::from_utf8_lossy(&answer.body);
            let place = path.replace(|letter: char| letter.is_ascii_digit(), "#");
            self.note(format!("{place} was answered {}: {body}", answer.status));
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
            let seen = |row: &Outbound| Seen::new(row.message.to.as_str(), common.as_str());
            match provider.submit(&outbound).await {
                Ok(results) => {
                    for (row, result) in outbound.iter().zip(results) {
                        match result {
                            Ok(_) => self.accept(seen(row), None, spec.id),
                            Err(error) => self.not_accepted(seen(row), &error),
                        }
                    }
                }
                Err(error) => {
                    for row in &outbound {
                        self.not_accepted(seen(row), &error);
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
        }
    }

    /// A provider's client says that a message was not taken, or that nobody knows.
    fn not_accepted(&self, seen: Seen, error: &Error) {
        if error.http().is_some_and(|answer| answer.status == 503) {
            self.disk_refusals.fetch_add(1, Ordering::Relaxed);
        }
        let list = match error.acceptance() {
            Acceptance::NotSent | Acceptance::Refused => &self.refused,
            // `Acceptance` may grow: what is not known here may have been taken.
            _ => &self.unanswered,
        };
        locked(list).push(seen);
    }
}

fn locked<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits up to so long.
async fn pause(random: &mut fastrand::Rng, most_ms: u64) {
    tokio::time::sleep(Duration::from_millis(random.u64(..most_ms))).await;
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
