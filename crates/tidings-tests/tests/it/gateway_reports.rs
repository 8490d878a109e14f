//! What carriers tell comes home: reports by calls and by asking, texts by calls and by subscriptions.
//!
//! A gateway in this process with a simulated carrier of every provider, all on a clock that the test
//! moves.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tidings::{E164, ProviderSpec, providers};
use tidings_sim::PhoneText;
use tidings_store::{PageRequest, StoredInbound};
use tidings_tests::{TestClock, TestGateway, TestGatewayBuilder};

/// A provider's own number range, so that each route leads to one carrier.
fn phone_of(spec: &ProviderSpec) -> String {
    match spec.capabilities.calling_codes {
        [code, ..] => format!("+{code}622000001"),
        [] if spec.capabilities.subscriptions => "+12025550143".to_owned(),
        [] => "+4790000001".to_owned(),
    }
}

fn builder(clock: &Arc<TestClock>) -> TestGatewayBuilder {
    let mut routes = String::new();
    for spec in providers::ALL {
        let phone = phone_of(spec);
        let prefix = phone.get(..3).unwrap();
        let id = spec.id;
        write!(
            routes,
            "[[routes]]\nprefix = \"{prefix}\"\nlanes = [\"{id}\"]\n"
        )
        .unwrap();
    }
    TestGateway::builder().clock(clock).config(&routes)
}

/// Moves the clock on, a little at a time, until this is so.
async fn until<F>(clock: &TestClock, gateway: &TestGateway, is_so: impl Fn() -> F)
where
    F: Future<Output = bool>,
{
    let mut events = gateway.gateway().signals().events();
    for _ in 0..400 {
        if is_so().await {
            return;
        }
        clock.advance(Duration::from_millis(500));
        let a_while = Duration::from_millis(100);
        let _news = tokio::time::timeout(a_while, events.changed()).await;
    }
    panic!("it has not come to that");
}

async fn send(gateway: &TestGateway, spec: &ProviderSpec) -> String {
    let mut message = json!({"to": phone_of(spec), "text": "Hello"});
    // The others have a number of their own.
    if spec.capabilities.balance {
        message["from"] = "Acme".into();
    }
    let answer = gateway.post("/v1/messages", &message).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn state(gateway: &TestGateway, id: &str) -> String {
    let answer = gateway.get(&format!("/v1/messages/{id}")).await;
    answer.body["state"].as_str().unwrap().to_owned()
}

async fn texts(gateway: &TestGateway) -> Vec<StoredInbound> {
    let page = gateway
        .gateway()
        .store()
        .inbound(None, PageRequest::default());
    page.await.unwrap().items
}

#[tokio::test]
async fn every_carrier_is_heard_in_its_own_way() {
    let clock = Arc::new(TestClock::new());
    let gateway = builder(&clock).start().await;
    for spec in providers::ALL {
        let id = send(&gateway, spec).await;
        // Who need not ever say what became of a message is not waited for.
        let wanted = if spec.capabilities.tells_delivery {
            &["delivered"][..]
        } else {
            &["submitted", "sent", "delivered"][..]
        };
        let is_there = async || wanted.contains(&state(&gateway, &id).await.as_str());
        until(&clock, &gateway, is_there).await;
    }
    gateway.finish().await;
}

#[tokio::test]
async fn texts_of_phones_come_by_calls_and_a_stop_stops() {
    let clock = Arc::new(TestClock::new());
    let gateway = builder(&clock).start().await;
    let tells = providers::ALL
        .iter()
        .filter(|spec| spec.parse_callback.is_some());
    for (place, spec) in tells.enumerate() {
        let phone = phone_of(spec);
        send(&gateway, spec).await;
        gateway.settled().await;
        let from = E164::parse(&phone, None).unwrap();
        let world = gateway.carrier(spec.id).world();
        world.receive(PhoneText::new(from, "Stop!")).await.unwrap();
        let wanted = place + 1;
        until(&clock, &gateway, async || {
            texts(&gateway).await.len() == wanted
        })
        .await;
        let text = &texts(&gateway).await[0];
        assert_eq!((&*text.from, &*text.text), (phone.as_str(), "Stop!"));
        assert_eq!(
            (text.account.as_str(), text.lane.as_str()),
            ("acme", spec.id)
        );
        let again = json!({"to": phone, "text": "Again"});
        let refused = gateway.post("/v1/messages", &again).await;
        assert_eq!(
            refused.body["code"],
            Value::from("opted_out"),
            "{}",
            refused.body
        );
    }
    gateway.finish().await;
}

/// The carrier tells nobody until the gateway has subscribed by itself.
#[tokio::test]
async fn where_one_has_to_subscribe_the_gateway_does() {
    let clock = Arc::new(TestClock::new());
    let gateway = builder(&clock).without_callback_urls().start().await;
    let mut specs = providers::ALL.iter();
    let spec = specs.find(|spec| spec.capabilities.subscriptions).unwrap();
    let phone = phone_of(spec);
    send(&gateway, spec).await;
    gateway.settled().await;
    let lane = gateway.gateway().lane(&spec.id.into()).unwrap();
    let models = spec.emit_callback.unwrap().models;
    let subscribed = async || {
        let all = lane.provider.subscriptions().unwrap().list().await.unwrap();
        all.len() == models.len()
    };
    until(&clock, &gateway, subscribed).await;
    let from = E164::parse(&phone, None).unwrap();
    let world = gateway.carrier(spec.id).world();
    world
        .receive(PhoneText::new(from, "Hello there"))
        .await
        .unwrap();
    until(&clock, &gateway, async || !texts(&gateway).await.is_empty()).await;
    assert_eq!(&*texts(&gateway).await[0].text, "Hello there");
    gateway.finish().await;
}

/// The limit is one for customers: providers put as many reports into a call as they like.
#[tokio::test]
async fn what_carriers_tell_may_be_longer_than_what_customers_say() {
    let clock = Arc::new(TestClock::new());
    let builder = builder(&clock).config("[limits]\nmax_body_bytes = 200\n");
    let gateway = builder.start().await;
    let mut specs: Vec<&ProviderSpec> = providers::ALL.to_vec();
    specs.retain(|spec| spec.emit_callback.is_some() && !spec.capabilities.subscriptions);
    assert!(!specs.is_empty());
    for spec in specs {
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(send(&gateway, spec).await);
        }
        let are_delivered = || async {
            let states = ids.iter().map(|id| state(&gateway, id));
            let states = futures_util::future::join_all(states).await;
            states.iter().all(|state| state == "delivered")
        };
        until(&clock, &gateway, are_delivered).await;
    }
    gateway.finish().await;
}
