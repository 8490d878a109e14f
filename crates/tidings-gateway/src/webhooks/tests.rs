//! Tests of deliveries: real receivers on this machine, a clock that is moved by hand.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode, Uri};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tidings::callback::Callback;
use tidings::{DeliveryReport, InboundMessage, ProviderSpec, ReportedState};
use tidings_store::{EventKind, PageRequest, StoredDelivery, StoredWebhook, WebhookId};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::deliver::NOTHING_TO_CALL;
use super::manage::{self, Change, ManageError, NewWebhook};
use super::sign::{Secret, Signing};
use super::target::TargetError;
use super::{Deliveries, PER_WEBHOOK};
use crate::reports::hear;
use crate::trial::{LANE, Trial};

const PHONE: &str = "+4790000001";

/// A call as a receiver saw it.
#[derive(Clone, Debug)]
struct Received {
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// A receiver on this machine. It answers as it was told, and 204 after that.
#[derive(Clone)]
struct Receiver {
    address: SocketAddr,
    seen: Arc<Seen>,
}

struct Seen {
    calls: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<(u16, Option<&'static str>)>>,
    /// What each call waits for before it is answered.
    gate: Semaphore,
    arrived: Notify,
    server: Mutex<JoinSet<()>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen {
            calls: Mutex::default(),
            answers: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            arrived: Notify::new(),
            server: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let serving = async move { axum::serve(listener, router).await.unwrap() };
        seen.server.lock().unwrap().spawn(serving);
        Self { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}/hook?key=1", self.address)
    }

    fn will_answer(&self, status: u16, header: Option<&'static str>) {
        self.seen
            .answers
            .lock()
            .unwrap()
            .push_back((status, header));
    }

    fn calls(&self) -> Vec<Received> {
        self.seen.calls.lock().unwrap().clone()
    }

    /// Lets no call be answered until [`Self::open`].
    fn close(&self) {
        self.seen.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn open(&self) {
        self.seen.gate.add_permits(10_000);
    }

    async fn arrived(&self, count: usize) {
        while self.calls().len() < count {
            self.seen.arrived.notified().await;
        }
    }
}

async fn answer(
    State(seen): State<Arc<Seen>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    seen.calls
        .lock()
        .unwrap()
        .push(Received { uri, headers, body });
    seen.arrived.notify_one();
    seen.gate.acquire().await.unwrap().forget();
    let (status, header) = seen
        .answers
        .lock()
        .unwrap()
        .pop_front()
        .unwrap_or((204, None));
    let mut answer = Response::new(axum::body::Body::from("thanks"));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some(value) = header {
        let name = if status == 307 { LOCATION } else { RETRY_AFTER };
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}

fn any(_: &ProviderSpec) -> bool {
    true
}

async fn trial() -> Trial {
    Trial::new(any, |config, _| {
        config.webhooks.allow_loopback = true;
        config.webhooks.disable_after = Duration::from_hours(24);
    })
    .await
}

async fn webhook(trial: &Trial, account: &str, url: String) -> StoredWebhook {
    let new = NewWebhook {
        url,
        kinds: vec![EventKind::Delivered, EventKind::Inbound],
        ..NewWebhook::default()
    };
    let account = account.into();
    let made = manage::create(&trial.gateway, Some(&account), new);
    made.await.unwrap().webhook
}

/// Something that the webhooks of `a` are told.
async fn deliver_message(trial: &Trial) {
    let (_, about) = trial.submitted("a", PHONE, None).await;
    let report = DeliveryReport::new(about, ReportedState::Delivered);
    let lane = LANE.into();
    let heard = hear(&trial.gateway, &lane, vec![Callback::Report(report)]);
    heard.await.unwrap();
}

/// Delivers what is due now, and keeps how it ended.
async fn round(trial: &Trial) {
    let mut deliveries = Deliveries::new(trial.gateway.clone());
    deliveries.lease().await.unwrap();
    while !deliveries.open.is_empty() {
        deliveries.wait_for_ends().await;
    }
    deliveries.keep_ends().await;
}

async fn log(trial: &Trial, id: WebhookId) -> Vec<StoredDelivery> {
    let page = manage::deliveries(&trial.gateway, None, id, PageRequest::default());
    page.await.unwrap().items
}

async fn shown(trial: &Trial, id: WebhookId) -> StoredWebhook {
    manage::show(&trial.gateway, None, id).await.unwrap()
}

#[tokio::test]
async fn a_receiver_is_told_in_the_form_of_standard_webhooks() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    let webhook = webhook(&trial, "a", receiver.url()).await;
    deliver_message(&trial).await;
    round(&trial).await;

    let calls = receiver.calls();
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!(call.uri, "/hook?key=1");
    assert_eq!(call.header("content-type"), "application/json");
    let id = call.header("webhook-id");
    assert!(id.starts_with("msg_") && id.len() == 36, "{id}");
    let timestamp = call.header("webhook-timestamp").parse().unwrap();
    assert_eq!(timestamp, trial.gateway.now().as_millis() / 1_000);
    let secret = Secret::parse(webhook.secrets[0].secret.expose_secret()).unwrap();
    let signature = secret.sign(id, timestamp, &call.body);
    assert_eq!(call.header("webhook-signature"), signature);

    let payload = call.json();
    assert_eq!(payload["type"], "message.delivered");
    assert_eq!(payload["timestamp"], "2026-11-22T12:00:00Z");
    let data = &payload["data"];
    assert_eq!(data["account"], "a");
    assert_eq!(data["to"], PHONE);
    assert_eq!(data["reference"], "r-1");
    assert_eq!(data["state"], "delivered");
    assert_eq!(data["rank"], tidings::MessageState::Delivered.rank());
    assert!(data["version"].as_u64() > Some(1) && data["sequence"].is_number());
    assert!(data.get("text").is_none());

    let log = log(&trial, webhook.id).await;
    assert_eq!(
        (&*log[0].state, log[0].n_tries, log[0].last_status),
        ("done", 1, Some(204))
    );
}

#[tokio::test]
async fn a_text_from_a_phone_is_told_whole() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    webhook(&trial, "a", receiver.url()).await;
    let text = InboundMessage::new("in-1", PHONE, "2012", "hi there");
    let lane = LANE.into();
    let heard = hear(&trial.gateway, &lane, vec![Callback::Inbound(text)]);
    heard.await.unwrap();
    round(&trial).await;
    let payload = receiver.calls()[0].json();
    assert_eq!(payload["type"], "inbound.received");
    assert_eq!(payload["data"]["from"], PHONE);
    assert_eq!(payload["data"]["text"], "hi there");
}

#[tokio::test]
async fn others_are_told_nothing() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    webhook(&trial, "b", receiver.url()).await;
    deliver_message(&trial).await;
    round(&trial).await;
    assert!(receiver.calls().is_empty());
}

#[tokio::test]
async fn what_fails_is_told_again_later_under_the_same_id() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    let webhook = webhook(&trial, "a", receiver.url()).await;
    deliver_message(&trial).await;
    for status in [500, 404, 302] {
        receiver.will_answer(status, None);
    }
    for wait in [0, 6, 400, 2_200] {
        round(&trial).await;
        trial.clock.advance(Duration::from_secs(wait));
        round(&trial).await;
    }
    let calls = receiver.calls();
    assert_eq!(calls.len(), 4);
    assert!(
        calls
            .iter()
            .all(|call| call.header("webhook-id") == calls[0].header("webhook-id"))
    );
    assert_ne!(
        calls[0].header("webhook-timestamp"),
        calls[3].header("webhook-timestamp")
    );
    let log = log(&trial, webhook.id).await;
    assert_eq!((&*log[0].state, log[0].n_tries), ("done", 4));
    assert_eq!(shown(&trial, webhook.id).await.failing_since, None);
}

#[tokio::test]
async fn a_receiver_may_ask_for_time() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    webhook(&trial, "a", receiver.url()).await;
    deliver_message(&trial).await;
    receiver.will_answer(429, Some("120"));
    round(&trial).await;
    trial.clock.advance(Duration::from_secs(119));
    round(&trial).await;
    assert_eq!(receiver.calls().len(), 1);
    trial.clock.advance(Duration::from_secs(1));
    round(&trial).await;
    assert_eq!(receiver.calls().len(), 2);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let trial = trial().await;
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    let webhook = webhook(&trial, "a", receiver.url()).await;
    deliver_message(&trial).await;
    receiver.will_answer(307, Some("http://127.0.0.1:1/"));
    round(&trial).await;
    assert!(other.calls().is_empty());
    let log = log(&trial, webhook.id).await;
    assert_eq!(log[0].last_status, Some(307));
    assert!(
        log[0]
            .last_error
            .as_deref()
            .unwrap()
            .contains("redirects are not followed")
    );
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    let webhook = webhook(&trial, "a", receiver.url()).await;
    deliver_message(&trial).await;
    receiver.will_answer(410, None);
    round(&trial).await;
    let found = shown(&trial, webhook.id).await;
    assert!(!found.is_enabled);
    assert_eq!(
        found.disabled_because.as_deref(),
        Some("it answered 410 Gone")
    );
    assert_eq!(&*log(&trial, webhook.id).await[0].state, "dead");
    assert_eq!(trial.news().await.last(), Some(&"webhook.disabled"));
    trial.clock.advance(Duration::from_hours(100));
    round(&trial).await;
    assert_eq!(receiver.calls().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_fails_too_long_is_switched_off_with_a_notice_and_can_come_back() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    let other = Receiver::start().await;
    let failing = webhook(&trial, "a", receiver.url()).await;
    let new = NewWebhook {
        url: other.url(),
        kinds: vec![EventKind::WebhookDisabled],
        ..NewWebhook::default()
    };
    let told = manage::create(&trial.gateway, Some(&"a".into()), new)
        .await
        .unwrap();
    deliver_message(&trial).await;
    for _ in 0..20 {
        receiver.will_answer(500, None);
    }
    for _ in 0..12 {
        round(&trial).await;
        trial.clock.advance(Duration::from_hours(6));
    }
    let found = shown(&trial, failing.id).await;
    assert!(!found.is_enabled);
    assert!(
        found
            .disabled_because
            .as_deref()
            .unwrap()
            .contains("no call has succeeded")
    );
    let notices = other.calls();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].json()["data"]["webhook"], failing.id.to_string());
    assert!(shown(&trial, told.webhook.id).await.is_enabled);

    let n_calls = receiver.calls().len();
    let change = Change {
        is_enabled: Some(true),
        ..Change::default()
    };
    let account = "a".into();
    let changed = manage::change(&trial.gateway, Some(&account), failing.id, change);
    assert!(changed.await.unwrap().failing_since.is_none());
    receiver.seen.answers.lock().unwrap().clear();
    let since = trial.gateway.now().minus(Duration::from_hours(200));
    let count = manage::replay(&trial.gateway, None, failing.id, since)
        .await
        .unwrap();
    assert_eq!(count, 1);
    round(&trial).await;
    assert!(receiver.calls().len() > n_calls);
    assert!(shown(&trial, failing.id).await.is_enabled);
}

#[tokio::test]
async fn all_tries_come_to_an_end() {
    let trial = Trial::new(any, |config, _| {
        config.webhooks.allow_loopback = true;
        config.webhooks.disable_after = Duration::from_hours(10_000);
    })
    .await;
    let receiver = Receiver::start().await;
    let webhook = webhook(&trial, "a", receiver.url()).await;
    deliver_message(&trial).await;
    for _ in 0..20 {
        receiver.will_answer(503, None);
    }
    for _ in 0..20 {
        round(&trial).await;
        trial.clock.advance(Duration::from_hours(30));
    }
    assert_eq!(receiver.calls().len(), 10);
    let log = log(&trial, webhook.id).await;
    assert_eq!((&*log[0].state, log[0].n_tries), ("dead", 10));
}

/// One receiver answers nothing; the other gets everything meanwhile, and no more than a few calls are
/// open to the first.
#[tokio::test]
async fn a_slow_receiver_holds_up_nobody_else() {
    let trial = trial().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.close();
    webhook(&trial, "a", slow.url()).await;
    webhook(&trial, "a", quick.url()).await;
    let n_messages = PER_WEBHOOK * 5;
    for _ in 0..n_messages {
        deliver_message(&trial).await;
    }
    let loops = super::run(trial.gateway.clone());
    let test = async {
        quick.arrived(n_messages).await;
        assert!(slow.calls().len() < PER_WEBHOOK * 2);
        slow.open();
        slow.arrived(n_messages).await;
        trial.gateway.stopping().cancel();
    };
    tokio::join!(loops, test);
}

/// What was being called when the gateway stopped is kept.
#[tokio::test]
async fn calls_that_are_open_at_the_end_may_finish() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    receiver.close();
    let webhook = webhook(&trial, "a", receiver.url()).await;
    deliver_message(&trial).await;
    let loops = super::run(trial.gateway.clone());
    let test = async {
        receiver.arrived(1).await;
        trial.gateway.stopping().cancel();
        receiver.open();
    };
    tokio::join!(loops, test);
    assert_eq!(&*log(&trial, webhook.id).await[0].state, "done");
}

/// The setting is looked at for each call: what could be called yesterday cannot be today.
#[tokio::test]
async fn an_address_that_may_not_be_called_is_not_called() {
    let trial = Trial::new(any, |_, _| ()).await;
    let receiver = Receiver::start().await;
    let refused = NewWebhook {
        url: receiver.url(),
        ..NewWebhook::default()
    };
    let made = manage::create(&trial.gateway, None, refused).await;
    assert!(matches!(
        made,
        Err(ManageError::Target(TargetError::NotEncrypted))
    ));

    // `localhost` is a name: nothing is known of where it leads before it is resolved.
    let new = NewWebhook {
        url: "https://example.com/hook".to_owned(),
        ..NewWebhook::default()
    };
    let mut made = manage::create(&trial.gateway, Some(&"a".into()), new)
        .await
        .unwrap();
    assert!(made.secret.is_some());
    made.webhook.id = WebhookId(trial.gateway.new_id());
    made.webhook.url = receiver.url().into();
    trial
        .gateway
        .store()
        .add_webhook(made.webhook.clone())
        .await
        .unwrap();
    deliver_message(&trial).await;
    let caller = super::caller::Caller::new(&trial.gateway.live().config.webhooks);
    let url: Uri = format!("https://localhost:{}/", receiver.address.port())
        .parse()
        .unwrap();
    let call = super::deliver::signed(
        &made.webhook,
        url,
        "msg_1",
        Bytes::new(),
        trial.gateway.now(),
    );
    let answer = caller.call(call.unwrap(), trial.gateway.now()).await;
    assert_eq!(
        answer,
        Err(super::caller::CallError::Target(TargetError::Network))
    );
    assert!(receiver.calls().is_empty());
}

#[tokio::test]
async fn secrets_are_replaced_with_an_overlap() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    let new = NewWebhook {
        url: receiver.url(),
        kinds: vec![EventKind::Delivered],
        signing: Signing::Ed25519,
        ..NewWebhook::default()
    };
    let account = "a".into();
    let made = manage::create(&trial.gateway, Some(&account), new)
        .await
        .unwrap();
    assert!(made.public_key.unwrap().starts_with("whpk_"));
    let id = made.webhook.id;
    let overlap = Duration::from_hours(24);
    let rotated = manage::rotate_secret(&trial.gateway, Some(&account), id, None, overlap);
    let rotated = rotated.await.unwrap();
    assert!(rotated.secret.unwrap().expose_secret().starts_with("whsk_"));
    deliver_message(&trial).await;
    round(&trial).await;
    trial.clock.advance(overlap);
    deliver_message(&trial).await;
    round(&trial).await;
    let calls = receiver.calls();
    let signatures = |call: &Received| call.header("webhook-signature").split(' ').count();
    assert_eq!(calls.iter().map(signatures).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn each_account_manages_its_own() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    let (a, b) = ("a".into(), "b".into());
    let webhook = webhook(&trial, "a", receiver.url()).await;
    let gateway = &trial.gateway;
    assert!(manage::show(gateway, Some(&a), webhook.id).await.is_ok());
    assert_eq!(manage::list(gateway, Some(&a)).await.unwrap().len(), 1);
    assert!(manage::list(gateway, Some(&b)).await.unwrap().is_empty());
    let others = [
        manage::show(gateway, Some(&b), webhook.id)
            .await
            .map(|_| ()),
        manage::change(gateway, Some(&b), webhook.id, Change::default())
            .await
            .map(|_| ()),
        manage::test(gateway, Some(&b), webhook.id)
            .await
            .map(|_| ()),
        manage::replay(gateway, Some(&b), webhook.id, gateway.now())
            .await
            .map(|_| ()),
        manage::delete(gateway, Some(&b), webhook.id).await,
    ];
    assert!(
        others
            .iter()
            .all(|it| matches!(it, Err(ManageError::NotFound)))
    );
    manage::delete(gateway, Some(&a), webhook.id).await.unwrap();
    assert!(matches!(
        manage::delete(gateway, Some(&a), webhook.id).await,
        Err(ManageError::NotFound)
    ));
}

#[tokio::test]
async fn a_webhook_can_be_tried_out() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    let webhook = webhook(&trial, "a", receiver.url()).await;
    let tried = manage::test(&trial.gateway, None, webhook.id)
        .await
        .unwrap();
    assert_eq!((tried.is_taken, tried.status), (true, Some(204)));
    assert_eq!(receiver.calls()[0].json()["type"], "webhook.test");
    receiver.will_answer(500, None);
    let tried = manage::test(&trial.gateway, None, webhook.id)
        .await
        .unwrap();
    assert_eq!((tried.is_taken, tried.status), (false, Some(500)));
    assert!(log(&trial, webhook.id).await.is_empty());
}

#[tokio::test]
async fn forms_that_there_are_not_are_refused() {
    let trial = trial().await;
    let made = |format: &str, secret: Option<&str>| {
        let new = NewWebhook {
            url: "https://example.com/".to_owned(),
            format: Some(format.to_owned()),
            secret: secret.map(|text| text.to_owned().into()),
            ..NewWebhook::default()
        };
        let gateway = trial.gateway.clone();
        async move { manage::create(&gateway, Some(&"a".into()), new).await }
    };
    assert!(matches!(
        made("nobody", None).await,
        Err(ManageError::Format(_))
    ));
    assert!(matches!(
        made("standard", Some("secret")).await,
        Err(ManageError::Secret(_))
    ));
    let own = format!(
        "whsec_{}",
        base64::engine::general_purpose::STANDARD.encode([7; 24])
    );
    assert!(made("standard", Some(&own)).await.is_ok());
    let calls_back = tidings::providers::ALL
        .iter()
        .find(|spec| spec.capabilities.reports);
    let vendors = made(calls_back.unwrap().id, None).await.unwrap();
    assert!(vendors.secret.is_none() && vendors.webhook.secrets.is_empty());
}

/// A customer who came by a vendor's API is told in the vendor's own words.
#[tokio::test]
async fn a_vendors_form_is_the_vendors_own_call() {
    let trial = trial().await;
    let receiver = Receiver::start().await;
    let mut specs = tidings::providers::ALL.iter();
    let spec = specs.find(|spec| spec.capabilities.reports).unwrap();
    let new = NewWebhook {
        url: receiver.url(),
        format: Some(spec.id.to_owned()),
        ..NewWebhook::default()
    };
    let account = "a".into();
    let made = manage::create(&trial.gateway, Some(&account), new);
    let webhook = made.await.unwrap().webhook.id;
    let text = InboundMessage::new("in-1", PHONE, "2012", "hi there");
    let lane = LANE.into();
    let heard = hear(&trial.gateway, &lane, vec![Callback::Inbound(text)]);
    heard.await.unwrap();
    round(&trial).await;
    let calls = receiver.calls();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].headers.get("webhook-signature").is_none());
    assert_eq!(calls[0].uri, "/hook?key=1");
    let call =
        tidings::callback::CallbackRequest::post(calls[0].headers.clone(), calls[0].body.clone());
    let told = (spec.parse_callback.unwrap())(&call).unwrap();
    let [Callback::Inbound(text)] = &told[..] else {
        panic!("it tells of something else");
    };
    assert_eq!((&*text.text, text.from.as_str()), ("hi there", PHONE));

    // That a message was accepted is nothing that the vendor tells.
    trial.submitted("a", PHONE, None).await;
    round(&trial).await;
    assert_eq!(receiver.calls().len(), 1);
    let log = log(&trial, webhook).await;
    let of = |kind| log.iter().find(|it| it.event.kind == kind).unwrap();
    let accepted = of(EventKind::Accepted);
    assert_eq!((&*accepted.state, accepted.last_status), ("done", None));
    assert_eq!(accepted.last_error.as_deref(), Some(NOTHING_TO_CALL));
    assert_eq!(of(EventKind::Inbound).last_error, None);
}
