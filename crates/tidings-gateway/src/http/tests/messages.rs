//! One message: taken, taken once, shown, listed, canceled, sent again.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tidings_core::SenderId;
use tidings_store::{Finding, Settled};

use super::{Doors, JSON, TO};

pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_message_is_taken_and_shown_with_what_happened_to_it() {
    let doors = Doors::new().await;
    let body = json!({
        "to": TO, "text": "Hello", "from": "Acme", "reference": "r-1", "tag": "otp",
        "priority": "high", "valid_for_s": 3600, "policy": "at_most_once",
    });
    let answer = doors.post("/v1/messages", body).await.is(202).json();
    let id = answer["id"].as_str().unwrap();
    let expected = json!({"id": id, "state": "queued", "segments": 1, "lane": "lane"});
    assert_eq!(answer, expected);
    let shown = doors
        .get(&format!("/v1/messages/{id}"))
        .await
        .is(200)
        .json();
    for (field, value) in [
        ("id", json!(id)),
        ("account", json!("a")),
        ("state", json!("queued")),
        ("to", json!(TO)),
        ("text", json!("Hello")),
        ("from", json!("Acme")),
        ("reference", json!("r-1")),
        ("tag", json!("otp")),
        ("priority", json!("high")),
        ("policy", json!("at_most_once")),
        ("lane", json!("lane")),
        ("origin", json!("tidings")),
        ("expires_at", json!("2026-11-22T13:00:00Z")),
        ("attempts", json!([])),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["events"][0]["type"], "message.accepted");
}

#[tokio::test]
async fn the_sender_that_a_route_gave_is_shown() {
    let doors = Doors::new().await;
    let id = Doors::sent(
        &doors
            .post("/v1/messages", json!({"to": TO, "text": "Hi"}))
            .await,
    );
    let path = format!("/v1/messages/{id}");
    let shown = doors.get(&path).await.json();
    assert_eq!(
        (&shown["from"], &shown["sent_from"]),
        (&Value::Null, &Value::Null)
    );

    let sender = SenderId::parse("Harbour").ok();
    doors.trial.begun(sender).await;
    let shown = doors.get(&path).await.json();
    assert_eq!(
        (&shown["from"], &shown["sent_from"]),
        (&Value::Null, &json!("Harbour"))
    );
    assert_eq!(shown["attempts"][0]["from"], "Harbour");
    let listed = doors.get("/v1/messages").await.json();
    assert_eq!(listed["items"][0]["sent_from"], "Harbour");
}

#[tokio::test]
async fn when_a_message_may_leave_is_said_in_several_ways() {
    let doors = Doors::new().await;
    let check = async |terms: Value, not_before: &str| {
        let mut body = json!({"to": TO, "text": "later", "valid_for_s": 864_000});
        body.as_object_mut()
            .unwrap()
            .extend(terms.as_object().unwrap().clone());
        let id = Doors::sent(&doors.post("/v1/messages", body).await);
        let shown = doors.get(&format!("/v1/messages/{id}")).await.json();
        assert_eq!(shown["state"], "held", "{shown}");
        assert_eq!(shown["not_before"], not_before, "{shown}");
    };
    check(
        json!({"send_at": "2026-11-23T08:00:00Z"}),
        "2026-11-23T08:00:00Z",
    )
    .await;
    check(
        json!({"send_at": "2026-11-23T09:00[Europe/Oslo]"}),
        "2026-11-23T08:00:00Z",
    )
    .await;
    // By the clocks where the recipient is.
    check(
        json!({"send_at": "2026-11-23T09:00"}),
        "2026-11-23T08:00:00Z",
    )
    .await;
    check(
        json!({"window": {"from": "2026-11-24T09:00+01:00", "until": "2026-11-24T17:00+01:00"}}),
        "2026-11-24T08:00:00Z",
    )
    .await;
    check(
        json!({"window": {"first_day": "2026-11-25", "opens": "10:00", "closes": "12:00",
               "zone": "Europe/Oslo"}}),
        "2026-11-25T09:00:00Z",
    )
    .await;
    check(
        json!({"window": {"opens": "08:00", "closes": "09:00"}, "zone": "Europe/Oslo"}),
        "2026-11-23T07:00:00Z",
    )
    .await;
}

#[tokio::test]
async fn the_same_request_is_taken_once() {
    let doors = Doors::new().await;
    let call = async |key: &str, body: String| {
        let headers = [JSON, ("idempotency-key", key)];
        doors.call("POST", "/v1/messages", &headers, body).await
    };
    let first = call("k-1", json!({"to": TO, "text": "once"}).to_string())
        .await
        .is(202);
    assert_eq!(first.header("idempotent-replayed"), "");
    // Written in another way it is the same request; and the draft writes keys in quotation marks.
    let again = format!("{{ \"text\" : \"\\u006fnce\",\n\"to\":\"{TO}\" }}");
    let again = call("\"k-1\"", again).await.is(202);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json(), first.json());
    let other = call("k-1", json!({"to": TO, "text": "twice"}).to_string()).await;
    other.is_problem(422, "idempotency_key_reused");
    for key in ["", "with blank", &"k".repeat(256)] {
        let bad = call(key, Doors::message("hi").to_string()).await;
        bad.is_problem(400, "invalid_idempotency_key");
    }
    let listed = doors.get("/v1/messages").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_is_worked_on_by_one_at_a_time() {
    let in_work = super::super::idempotency::InWork::default();
    let account = "a".into();
    let working = in_work.begin(&account, "k").unwrap();
    let problem = in_work.begin(&account, "k").unwrap_err();
    assert_eq!(problem.code().as_str(), "request_in_progress");
    assert_eq!(problem.code().status().as_u16(), 409);
    in_work.begin(&"b".into(), "k").unwrap();
    drop(working);
    in_work.begin(&account, "k").unwrap();
}

#[tokio::test]
async fn a_body_may_be_compressed_and_may_not_grow_without_bound() {
    let doors = Doors::new().await;
    let headers = [JSON, ("content-encoding", "gzip")];
    let body = gzip(Doors::message("packed").to_string().as_bytes());
    doors
        .call("POST", "/v1/messages", &headers, body)
        .await
        .is(202);
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let answer = doors.call("POST", "/v1/messages", &headers, bomb).await;
    answer.is_problem(413, "body_too_large");
    let answer = doors.call("POST", "/v1/messages", &headers, "plain").await;
    answer.is_problem(400, "incomplete_body");
}

#[tokio::test]
async fn messages_are_listed_by_conditions_in_pages() {
    let doors = Doors::new().await;
    for number in 0..5 {
        let to = format!("+479000000{number}");
        let body = json!({"to": to, "text": "hi", "reference": format!("r-{number}")});
        doors.post("/v1/messages", body).await.is(202);
    }
    let mut seen = Vec::new();
    let mut path = "/v1/messages?limit=2".to_owned();
    loop {
        let page = doors.get(&path).await.is(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(
            items
                .iter()
                .map(|item| item["reference"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/messages?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["r-4", "r-3", "r-2", "r-1", "r-0"]);
    let count = async |query: &str| {
        let page = doors
            .get(&format!("/v1/messages?{query}"))
            .await
            .is(200)
            .json();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("state=queued").await, 5);
    assert_eq!(count("state=held,delivered").await, 0);
    assert_eq!(count("to=%2B4790000003").await, 1);
    assert_eq!(count("reference=r-2").await, 1);
    assert_eq!(count("lane=lane&state=queued").await, 5);
    assert_eq!(count("lane=other").await, 0);
    assert_eq!(count("from=2026-11-22T12:00:01Z").await, 0);
}

#[tokio::test]
async fn a_message_that_waits_is_canceled_and_one_that_failed_is_sent_again_once() {
    let doors = Doors::new().await;
    let id = Doors::sent(&doors.post("/v1/messages", Doors::message("stop")).await);
    let path = format!("/v1/messages/{id}/cancel");
    let canceled = doors.post(&path, Value::Null).await.is(200).json();
    assert_eq!(canceled, json!({"id": id, "outcome": "canceled"}));
    let path = format!("/v1/messages/{id}/resend");
    doors
        .post(&path, Value::Null)
        .await
        .is_problem(409, "not_resendable");

    let dead = doors.dead_message().await;
    let path = format!("/v1/messages/{dead}/resend");
    let first = doors.post(&path, Value::Null).await.is(202);
    let again = doors.post(&path, Value::Null).await.is(202);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json(), first.json());
    let new = first.json()["id"].as_str().unwrap().to_owned();
    let shown = doors.get(&format!("/v1/messages/{new}")).await.json();
    assert_eq!(shown["resend_of"], dead);
}

#[tokio::test]
async fn of_a_message_that_is_unknown_it_is_said_what_anybody_can_know() {
    let doors = Doors::new().await;
    let id = Doors::sent(&doors.post("/v1/messages", Doors::message("lost")).await);
    let gateway = &doors.trial.gateway;
    let (store, now) = (gateway.store(), gateway.now());
    let (leased, attempt) = doors.trial.begun(None).await;
    store.take_over(gateway.node(), now).await.unwrap();
    let path = format!("/v1/messages/{id}");
    let shown = doors.get(&path).await.is(200).json();
    assert_eq!(shown["state"], "unknown");
    let detail = shown["detail"].as_str().unwrap();
    assert!(detail.contains("looked into again at 2026-"), "{detail}");
    assert_eq!(shown["attempts"][0]["error"], "interrupted");
    assert_eq!(shown["attempts"][0]["next_check_at"], json!(now));
    let refused = doors.post(&format!("{path}/resend"), Value::Null).await;
    let refused = refused.is_problem(409, "not_resendable");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("it may have gone out"), "{detail}");

    let given_up = Settled {
        key: leased.key,
        attempt,
        finding: Finding::GiveUp,
    };
    store.settle_doubts(vec![given_up], now).await.unwrap();
    let shown = doors.get(&path).await.is(200).json();
    let detail = shown["detail"].as_str().unwrap();
    assert!(detail.contains("nobody can find out"), "{detail}");
    assert_eq!(shown["attempts"][0]["next_check_at"], Value::Null);
}

impl Doors {
    /// A message of account `a` whose validity ran out.
    pub(super) async fn dead_message(&self) -> String {
        let body = json!({"to": TO, "text": "soon", "valid_for_s": 60});
        let id = Self::sent(&self.post("/v1/messages", body).await);
        self.trial.clock.advance(std::time::Duration::from_secs(61));
        let gateway = &self.trial.gateway;
        gateway.store().repair(1_000, gateway.now()).await.unwrap();
        id
    }
}
