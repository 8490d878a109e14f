//! What the tests share: a clock that stands still, a provider with a handful of calls whose router
//! is made for these tests, and a client that sees every byte.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tidings::backend::{Backend, Presented, Principal, Refusal, SignIn, Submission};
use tidings::callback::{Callback, CallbackEmitter, CallbackRequest};
use tidings::{Account, Capabilities, Message, ProviderSpec, Setting};
use tidings_core::{Clock, E164, Timestamp};
use tidings_sim::{Scenario, Simulator, SimulatorBuilder, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A provider that exists in these tests only.
pub(crate) static SPEC: ProviderSpec = ProviderSpec::new(
    "testline",
    "Testline",
    capabilities(),
    &[
        Setting::required("line", "the number of the line"),
        Setting::secret("key", "the key of the line"),
        Setting::with_default("base_url", "where it is", "http://127.0.0.1"),
        Setting::optional("colour", "of no importance"),
    ],
)
.with_router(router);

const fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::submit_only();
    capabilities.max_parts = 3;
    capabilities.balance = true;
    capabilities.calling_codes = &[224, 47];
    capabilities
}

/// A provider like [`SPEC`] whose batches are shown by their names, and which calls its customers.
pub(crate) static NAMED: ProviderSpec = ProviderSpec::new(
    "namedline",
    "Namedline",
    named_capabilities(),
    &[
        Setting::required("line", "the number of the line"),
        Setting::secret("key", "the key of the line"),
        Setting::optional("colour", "of no importance"),
    ],
)
.with_router(router)
.with_emit_callback(CallbackEmitter::new(emit));

const fn named_capabilities() -> Capabilities {
    let mut capabilities = capabilities();
    capabilities.batches = true;
    capabilities.balance = false;
    capabilities.reports = true;
    capabilities
}

/// All in one call: a line for each report and for each text.
fn emit(account: &Account, callbacks: &[Callback]) -> Vec<CallbackRequest> {
    let items: Vec<_> = callbacks.iter().map(told).collect();
    let body = json!({
        "line": account.setting("line"),
        "key": account.setting("key"),
        "colour": account.setting("colour"),
        "items": items,
    });
    vec![CallbackRequest::post(HeaderMap::new(), body.to_string())]
}

fn told(callback: &Callback) -> Value {
    match callback {
        Callback::Report(report) => json!({
            "id": report.about.message, "state": report.state, "word": report.raw,
            "batch": report.about.batch, "session": report.about.session,
        }),
        Callback::Inbound(text) => json!({
            "id": text.id, "from": text.from, "to": text.to, "text": &*text.text,
            "session": text.session, "keyword": text.keyword,
        }),
        _ => panic!("neither a report nor a text"),
    }
}

/// A clock that moves when it is told to.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        // 2026-11-21T12:00:00Z
        Arc::new(Self(AtomicI64::new(1_795_262_400_000)))
    }

    pub(crate) fn advance(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

pub(crate) fn scenario(text: &str) -> Scenario {
    Scenario::from_toml(text).unwrap()
}

pub(crate) fn number(text: &str) -> E164 {
    text.parse().unwrap()
}

pub(crate) fn message(to: &str, text: &str) -> Message {
    Message::new(number(to), text)
}

/// A world with a clock of its own, and the owner of its account.
pub(crate) async fn world(scenario_text: &str) -> (World, Arc<TestClock>, Principal) {
    let clock = TestClock::new();
    let world = builder(scenario_text)
        .clock(Arc::<TestClock>::clone(&clock))
        .into_world()
        .await
        .unwrap();
    let who = owner(&world).await;
    (world, clock, who)
}

pub(crate) fn builder(scenario_text: &str) -> SimulatorBuilder {
    builder_of(&SPEC, scenario_text)
}

pub(crate) fn builder_of(spec: &'static ProviderSpec, scenario_text: &str) -> SimulatorBuilder {
    Simulator::builder(spec)
        .seed(1)
        .scenario(scenario(scenario_text))
}

pub(crate) fn account(line: &str, key: &str) -> Account {
    Account::new("test").with("line", line).with("key", key)
}

/// Presents what [`World::credentials`] says.
pub(crate) fn presented(world: &World) -> Presented {
    world
        .credentials()
        .into_iter()
        .fold(Presented::new(), |presented, (setting, value)| {
            presented.with(setting, value)
        })
}

pub(crate) async fn owner(world: &World) -> Principal {
    world.sign_in(&presented(world)).await.unwrap()
}

// ---- the provider's API ----

#[derive(Deserialize)]
struct SendMany {
    to: Vec<String>,
    text: String,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a provider's router may refuse its settings; this one has none to refuse"
)]
fn router(backend: Arc<dyn Backend>, _settings: &Account) -> tidings::Result<Router> {
    Ok(Router::new()
        .route("/send", post(send))
        .route("/messages/{id}/status", get(status))
        .route("/balance", get(balance))
        .route("/batches", get(batches))
        .route("/batches/{name}", get(batch).delete(stop))
        .with_state(backend))
}

async fn send(
    State(backend): State<Arc<dyn Backend>>,
    headers: HeaderMap,
    Json(body): Json<SendMany>,
) -> Result<Json<Value>, Refused> {
    let who = sign_in(&*backend, &headers).await?;
    let text: Arc<str> = body.text.into();
    let messages = body
        .to
        .iter()
        .map(|to| Message::new(number(to), Arc::clone(&text)));
    let messages: Vec<_> = messages.collect();
    let submission = if messages.len() == 1 {
        Submission::one(messages.into_iter().next().unwrap())
    } else {
        Submission::batch(messages, Vec::new())
    };
    let accepted = backend.accept(&who, submission).await?;
    let verdicts = accepted.verdicts.into_iter();
    let ids: Vec<_> = verdicts
        .map(|verdict| verdict.ok().map(|taken| taken.id))
        .collect();
    Ok(Json(json!({"batch": accepted.batch, "ids": ids})))
}

async fn status(
    State(backend): State<Arc<dyn Backend>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refused> {
    let who = sign_in(&*backend, &headers).await?;
    let view = backend.message(&who, &id).await?;
    let state = match view.raw_state {
        Some(word) => json!(word),
        None => json!(view.state),
    };
    Ok(Json(json!({"id": id, "state": state})))
}

async fn batches(
    State(backend): State<Arc<dyn Backend>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let who = sign_in(&*backend, &headers).await?;
    let batches = backend.queued_batches(&who).await?;
    let batches: Vec<_> = batches.iter().map(|batch| &batch.reference).collect();
    Ok(Json(json!({"batches": batches})))
}

async fn batch(
    State(backend): State<Arc<dyn Backend>>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refused> {
    let who = sign_in(&*backend, &headers).await?;
    let batch = backend.queued_batch(&who, &name).await?;
    Ok(Json(json!({"left": batch.left})))
}

async fn stop(
    State(backend): State<Arc<dyn Backend>>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refused> {
    let who = sign_in(&*backend, &headers).await?;
    let stopped = backend.stop_batch(&who, &name).await?.stopped;
    let stopped: Vec<_> = stopped.into_iter().map(|message| message.id).collect();
    Ok(Json(json!({"stopped": stopped})))
}

async fn balance(
    State(backend): State<Arc<dyn Backend>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refused> {
    let who = sign_in(&*backend, &headers).await?;
    Ok(Json(json!({"left": backend.balance(&who).await?})))
}

async fn sign_in(backend: &dyn Backend, headers: &HeaderMap) -> Result<Principal, Refusal> {
    let value = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let presented = Presented::new()
        .with("line", value("line"))
        .with("key", value("key"));
    backend.sign_in(&presented).await
}

pub(crate) struct Refused(Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self.0 {
            Refusal::Unauthorized | Refusal::Expired => StatusCode::UNAUTHORIZED,
            Refusal::InsufficientCredit => StatusCode::PAYMENT_REQUIRED,
            Refusal::NotFound { .. } => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, Json(json!({"error": self.0.to_string()}))).into_response()
    }
}

// ---- a client that sees every byte ----

/// What came back over a connection until it ended.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection ended by a reset.
    pub(crate) was_reset: bool,
}

/// An answer that could be told apart from the bytes after it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    #[track_caller]
    pub(crate) fn reply(&self) -> Reply {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = self.bytes.split_at(end.expect("an answer") + 4);
        let head = std::str::from_utf8(head).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: HashMap<_, _> = headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let body = match headers.get("transfer-encoding") {
            Some(_) => unchunked(body),
            None => body.to_vec(),
        };
        Reply {
            status: status.parse().unwrap(),
            headers,
            body,
        }
    }
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let (size, after) = rest.split_at(end);
        let size = usize::from_str_radix(std::str::from_utf8(size).unwrap(), 16).unwrap();
        let after = &after[2..];
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&after[..size]);
        rest = &after[size + 2..];
    }
}

/// One request on a connection of its own, heard to the end of the connection.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> Heard {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let heard = stream.read_to_end(&mut bytes);
    let heard = tokio::time::timeout(Duration::from_mins(1), heard);
    let was_reset = match heard.await.expect("the connection ends") {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            true
        }
    };
    Heard { bytes, was_reset }
}

/// A running simulator and its account.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) sim: Simulator,
}

impl Line {
    pub(crate) async fn start(scenario_text: &str) -> Self {
        Self::start_with(&SPEC, scenario_text).await
    }

    pub(crate) async fn start_with(spec: &'static ProviderSpec, scenario_text: &str) -> Self {
        let builder = builder_of(spec, scenario_text);
        Self {
            sim: builder.start().await.unwrap(),
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> String {
        let credentials = self.sim.credentials();
        let credentials = credentials
            .iter()
            .map(|(setting, value)| format!("{setting}: {}\r\n", value.expose_secret()));
        let credentials = credentials.collect::<Vec<_>>().concat();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n{credentials}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) -> Heard {
        exchange(self.sim.address(), &self.request(method, path, body)).await
    }

    pub(crate) async fn send(&self, to: &str) -> Heard {
        let body = json!({"to": [to], "text": "hello"}).to_string();
        self.call("POST", "/send", &body).await
    }

    /// Sends, and returns the id.
    pub(crate) async fn send_well(&self, to: &str) -> String {
        let reply = self.send(to).await.reply();
        assert_eq!(reply.status, 200);
        reply.json()["ids"][0].as_str().unwrap().to_owned()
    }

    pub(crate) fn n_messages(&self) -> usize {
        self.sim.world().messages().len()
    }
}
