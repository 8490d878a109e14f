//! Calls to the customer's server over real connections, and the provider's own form of them.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use tidings::backend::{Messages, Submission};
use tidings::callback::{Callback, CallbackRequest};
use tidings::{ProviderSpec, ReportedState, providers};
use tidings_sim::{PhoneText, SimError, Simulator};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::harness::{NAMED, SPEC, builder_of, exchange, message, number, owner};

const AMADOU: &str = "+224622000001";
const AT_ONCE: &str = "[delays]\nsent_ms = 0\ndelivered_ms = 0";

pub(crate) type Call = (Uri, CallbackRequest);

/// The customer's server: answers with these statuses in turn, then with 200.
pub(crate) struct Customer {
    url: String,
    calls: mpsc::UnboundedReceiver<Call>,
    _running: JoinSet<()>,
    stopping: CancellationToken,
}

#[derive(Clone)]
struct Desk {
    calls: mpsc::UnboundedSender<Call>,
    answers: Arc<std::sync::Mutex<Vec<StatusCode>>>,
}

impl Customer {
    pub(crate) async fn listen(answers: &[u16]) -> Self {
        let (sender, calls) = mpsc::unbounded_channel();
        let mut answers: Vec<_> = answers
            .iter()
            .map(|status| StatusCode::from_u16(*status).unwrap())
            .collect();
        answers.reverse();
        let desk = Desk {
            calls: sender,
            answers: Arc::new(std::sync::Mutex::new(answers)),
        };
        let router = Router::new().fallback(take).with_state(desk);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told?key=1", socket.local_addr().unwrap());
        let stopping = CancellationToken::new();
        let stopped = stopping.clone().cancelled_owned();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let server = axum::serve(socket, router).with_graceful_shutdown(stopped);
            server.await.unwrap();
        });
        Self {
            url,
            calls,
            _running: running,
            stopping,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn next(&mut self) -> Call {
        let next = tokio::time::timeout(std::time::Duration::from_mins(1), self.calls.recv());
        next.await.expect("a call comes").unwrap()
    }
}

impl Drop for Customer {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn take(
    State(desk): State<Desk>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut call = CallbackRequest::post(headers, body);
    call.method = method;
    let call = call.query(uri.query().map(str::to_owned));
    desk.calls.send((uri, call)).ok();
    desk.answers.lock().unwrap().pop().unwrap_or(StatusCode::OK)
}

#[tokio::test]
async fn ends_and_texts_are_posted_until_they_are_acknowledged() {
    let mut customer = Customer::listen(&[500]).await;
    let sim = builder_of(&NAMED, &format!("sender = \"1960\"\n{AT_ONCE}"))
        .setting("colour", "red")
        .callback_url(customer.url.as_str())
        .start()
        .await
        .unwrap();
    let world = sim.world().clone();
    let who = owner(&world).await;
    let submission = Submission::batch([message(AMADOU, "hello")], Vec::new());
    let submission = submission.batch_reference(Some("b-1".to_owned()));
    let accepted = world.accept(&who, submission).await.unwrap();
    let id = accepted.verdicts[0].clone().unwrap().id;
    let (uri, first) = customer.next().await;
    assert_eq!(uri, "/told?key=1");
    assert_eq!(first.method, Method::POST);
    let told: Value = serde_json::from_slice(&first.body).unwrap();
    // A vendor repeats what he knows of an account, never its secret.
    let line = sim.account().setting("line").unwrap().to_owned();
    let report = json!({
        "id": id, "state": "delivered", "word": null, "batch": "b-1", "session": null,
    });
    let expected = json!({"line": line, "key": null, "colour": "red", "items": [report]});
    assert_eq!(told, expected);
    let (_, second) = customer.next().await;
    assert_eq!(second.body, first.body);

    let typed = post(
        "/_sim/inbound",
        r#"{"from":"+224622000001","text":"STOP all"}"#,
    );
    let reply = exchange(sim.address(), &typed).await.reply();
    assert_eq!(reply.status, 200);
    let (_, third) = customer.next().await;
    let told: Value = serde_json::from_slice(&third.body).unwrap();
    let text = json!({
        "id": reply.json()["id"], "from": AMADOU, "to": "1960", "text": "STOP all",
        "session": null, "keyword": "STOP",
    });
    assert_eq!(told["items"], json!([text]));
    sim.stop().await;
    let stats = world.stats();
    let counted = (stats.callbacks_sent, stats.callbacks_failed, stats.told);
    assert_eq!(counted, (2, 1, 2));
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What a provider emits its own other half can read.
async fn check_provider(spec: &'static ProviderSpec) {
    let mut customer = Customer::listen(&[]).await;
    let sim = builder_of(spec, AT_ONCE)
        .callback_url(customer.url.as_str())
        .start()
        .await
        .unwrap();
    let who = owner(sim.world()).await;
    let submission = Submission::batch([message("+4790000001", "hello")], Vec::new());
    let accepted = sim.world().accept(&who, submission).await.unwrap();
    let id = accepted.verdicts[0].clone().unwrap().id;
    let parse = spec.parse_callback.expect("who emits can parse");
    let (_, call) = customer.next().await;
    let told = parse(&call).unwrap();
    let [Callback::Report(report)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(report.about.message.as_deref(), Some(&*id));
    assert_eq!(report.about.batch, accepted.batch);
    assert_eq!(report.state, ReportedState::Delivered);
    let text = PhoneText::new(number("+4790000001"), "STOP all");
    let received = sim.world().receive(text).await.unwrap();
    let (_, call) = customer.next().await;
    let told = parse(&call).unwrap();
    let [Callback::Inbound(text)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!((&text.id, &text.from), (&received.id, &received.from));
    assert_eq!((&text.to, &text.text), (&received.to, &received.text));
    sim.stop().await;
}

#[tokio::test]
async fn every_provider_that_calls_its_customers_is_understood() {
    let calls = |spec: &&&ProviderSpec| spec.emit_callback.is_some() && spec.capabilities.reports;
    let mut checked = 0;
    for spec in providers::ALL.iter().filter(calls) {
        check_provider(spec).await;
        checked += 1;
    }
    assert!(checked > 0);
}

/// A code of no list reaches the customer as that code, whoever writes the call.
#[tokio::test]
async fn a_code_of_no_list_is_told_as_it_is() {
    for spec in providers::ALL.iter().copied() {
        let reports = spec.emit_callback.is_some() && spec.capabilities.reports;
        let Some(parse) = spec.parse_callback.filter(|_| reports) else {
            continue;
        };
        let mut customer = Customer::listen(&[]).await;
        let odd = "[[fault]]\ncall = \"report\"\nunknown_status = { word = \"777\" }";
        let sim = builder_of(spec, &format!("{AT_ONCE}\n{odd}"))
            .callback_url(customer.url.as_str())
            .start()
            .await
            .unwrap();
        let who = owner(sim.world()).await;
        let submission = Submission::batch([message("+4790000001", "hello")], Vec::new());
        sim.world().accept(&who, submission).await.unwrap();
        let (_, call) = customer.next().await;
        let told = parse(&call).unwrap();
        let [Callback::Report(report)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!(report.state, ReportedState::Unknown);
        assert!(
            report
                .raw
                .as_deref()
                .is_some_and(|raw| raw.starts_with("777"))
        );
        sim.stop().await;
    }
}

#[tokio::test]
async fn a_provider_that_does_not_call_its_customers_has_no_address_for_it() {
    let refused = Simulator::builder(&SPEC)
        .callback_url("http://127.0.0.1:1/")
        .start()
        .await;
    let Err(SimError::Callback { fault }) = refused else {
        panic!("it started");
    };
    assert!(fault.contains("does not call"), "{fault}");
}
