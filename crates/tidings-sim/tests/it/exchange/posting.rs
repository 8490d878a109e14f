//! Posts to those who subscribe, over real connections.

use std::time::Duration;

use serde_json::{Value, json};
use tidings::backend::{ConversationChange, ConversationDesk, SubscriptionDesk};
use tidings::http::HttpClient;
use tidings::subscriptions::{NewSubscription, SubscriptionChange};
use tidings_sim::{PhoneText, SimError, Simulator};

use super::{ALL, PHONE, builder, first, send, sign_in};
use crate::callbacks::Customer;
use crate::harness::{exchange, number};

/// No round comes by itself in these tests.
const NEVER: Duration = Duration::from_hours(1);

async fn start(scenario: &str) -> Simulator {
    let builder = builder(scenario).event_interval(NEVER);
    builder.start().await.unwrap()
}

/// Asks for a round, as a person would, and returns how many posts were made and failed.
async fn round(sim: &Simulator) -> (u64, u64) {
    let request = "POST /_sim/post-events HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                   content-length: 0\r\n\r\n";
    let counted = exchange(sim.address(), request).await.reply().json();
    let number = |name: &str| counted[name].as_u64().unwrap();
    (number("posted"), number("failed"))
}

async fn next(customer: &mut Customer) -> Value {
    let (uri, call) = customer.next().await;
    assert_eq!(uri, "/told?key=1");
    serde_json::from_slice(&call.body).unwrap()
}

#[tokio::test]
async fn what_happened_since_the_last_round_is_posted_once() {
    let mut customer = Customer::listen(&[]).await;
    let sim = start("").await;
    let world = sim.world();
    let who = sign_in(world, &first()).await.who;
    // What happened before is not told.
    send(world, "talk", "before").await;
    let new = NewSubscription::new("talks", customer.url());
    let made = world.subscribe(&who, new).await.unwrap();
    assert_eq!(round(&sim).await, (0, 0));
    send(world, "talk", "hello").await;
    let text = PhoneText::new(number(PHONE), "STOP");
    world.receive(text).await.unwrap();
    let read = ConversationChange::Read(true);
    world
        .change_conversation(&who, &first(), "talk", read)
        .await
        .unwrap();
    assert_eq!(round(&sim).await, (1, 0));
    let item = |read, text: Option<&str>| json!({"of": "200@tidings.example", "in": "talk", "read": read, "text": text});
    let items = [
        item(true, Some("hello")),
        item(false, Some("STOP")),
        item(true, None),
    ];
    let expected = json!({"model": "talks", "subscription": made.id, "items": items});
    assert_eq!(next(&mut customer).await, expected);
    assert_eq!(round(&sim).await, (0, 0));
    let shown = world.subscription(&who, &made.id).await.unwrap();
    assert_eq!(
        (&*shown.status, shown.posts, shown.errors),
        ("active", 1, 0)
    );
    assert!(shown.active_server.is_some());
    assert_eq!(world.stats().callbacks_sent, 1);
}

#[tokio::test]
async fn a_post_that_fails_is_counted_and_not_made_again() {
    let mut customer = Customer::listen(&[500, 302, 303]).await;
    let sim = start("").await;
    let world = sim.world();
    let who = sign_in(world, &first()).await.who;
    let new = NewSubscription::new("texts", customer.url());
    let id = world.subscribe(&who, new).await.unwrap().id;
    let state = async || {
        let shown = world.subscription(&who, &id).await.unwrap();
        (shown.status, shown.posts, shown.errors)
    };
    let told = |status: &str, posts, errors| (status.to_owned(), posts, errors);
    assert_eq!(state().await, told("pending", 0, 0));
    for (text, expected) in [
        ("first", told("error", 1, 1)),
        ("second", told("active", 2, 1)),
        ("third", told("error", 3, 2)),
        ("fourth", told("active", 4, 2)),
    ] {
        send(world, "talk", text).await;
        sim.post_events().await;
        assert_eq!(next(&mut customer).await["items"][0]["text"], text);
        assert_eq!(state().await, expected, "{text}");
    }
    let mut reset = SubscriptionChange::default();
    reset.reset_errors = true;
    world.change_subscription(&who, &id, reset).await.unwrap();
    assert_eq!(state().await, told("active", 4, 0));
    // Nobody listens there.
    let mut elsewhere = SubscriptionChange::default();
    elsewhere.url = Some("http://127.0.0.1:1/".into());
    world
        .change_subscription(&who, &id, elsewhere)
        .await
        .unwrap();
    send(world, "talk", "lost").await;
    assert_eq!(round(&sim).await, (1, 1));
    assert_eq!(state().await, told("error", 5, 1));
}

#[tokio::test]
async fn each_is_told_what_he_subscribed_to_until_it_ends() {
    let mut customer = Customer::listen(&[]).await;
    let sim = start(super::THREE_USERS).await;
    let world = sim.world();
    let who = sign_in(world, &first()).await.who;
    let mut of_another = NewSubscription::new("texts", customer.url());
    of_another.user = Some("201".to_owned());
    world.subscribe(&who, of_another).await.unwrap();
    let mut short = NewSubscription::new("talks", customer.url());
    short.expires_at = Some(tidings_core::Timestamp::UNIX_EPOCH);
    let short = world.subscribe(&who, short).await.unwrap();
    assert!(world.subscription(&who, &short.id).await.is_err());
    send(world, "talk", "hello").await;
    assert_eq!(round(&sim).await, (0, 0));
    let text = PhoneText::new(number(PHONE), "hi").to(Some(super::NUMBER_OF_201.to_owned()));
    world.receive(text).await.unwrap();
    assert_eq!(round(&sim).await, (1, 0));
    assert_eq!(
        next(&mut customer).await["items"][0]["of"],
        "201@tidings.example"
    );
}

#[tokio::test]
async fn an_address_to_call_is_subscribed_to_everything() {
    let mut customer = Customer::listen(&[]).await;
    let sim = builder("")
        .event_interval(Duration::from_millis(1))
        .callback_url(customer.url());
    let sim = sim.start().await.unwrap();
    let who = sign_in(sim.world(), &first()).await.who;
    let made = sim.world().subscriptions(&who, None, ALL).await.unwrap();
    let events: Vec<_> = made.iter().map(|it| it.events.as_str()).collect();
    assert_eq!(events, ["texts", "talks"]);
    send(sim.world(), "talk", "hello").await;
    let mut models = [next(&mut customer).await, next(&mut customer).await]
        .map(|told| told["model"].as_str().unwrap().to_owned());
    models.sort();
    assert_eq!(models, ["talks", "texts"]);
    let refused = builder("").callback_url("nothing").start().await;
    assert!(matches!(refused, Err(SimError::Callback { .. })));
}

#[tokio::test]
async fn posts_reach_over_tls_whoever_shows_a_certificate_of_its_own_authority() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let tls = |file: &std::path::Path| builder("").event_interval(NEVER).ca_file(file);
    let sim = tls(&file).start().await.unwrap();
    // What they answer to this call is 200, whatever is in it.
    let of_ours = tls(&file).start().await.unwrap();
    let of_others = tls(&folder.path().join("other.pem")).start().await.unwrap();
    let who = sign_in(sim.world(), &first()).await.who;
    let mut made = Vec::new();
    for receiver in [&of_ours, &of_others] {
        let url = format!("{}/_sim/post-events", receiver.base_url());
        assert!(url.starts_with("https://"), "{url}");
        let new = NewSubscription::new("talks", url.as_str());
        made.push(sim.world().subscribe(&who, new).await.unwrap().id);
    }
    send(sim.world(), "talk", "hello").await;
    let over_tls = HttpClient::builder()
        .add_root_certificates(std::fs::read(&file).unwrap())
        .build()
        .unwrap();
    let ask = http::Request::post(format!("{}/_sim/post-events", sim.base_url()))
        .body(bytes::Bytes::new())
        .unwrap();
    let counted = over_tls.send(ask).await.unwrap();
    let counted: Value = serde_json::from_slice(&counted.body).unwrap();
    assert_eq!(counted, json!({"posted": 2, "failed": 1}));
    for (id, errors) in made.iter().zip([0, 1]) {
        let shown = sim.world().subscription(&who, id).await.unwrap();
        assert_eq!((shown.posts, shown.errors), (1, errors));
    }
}
