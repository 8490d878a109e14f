//! `GET /v1/events` against the `OpenAPI` document, which schemathesis leaves out because the stream has no end:
//! every event has the shape that the document gives it.
//!
//! `openapi_events.py` reads them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tidings::providers;
use tidings_sim::PhoneText;
use tidings_tests::{PhoneNumbers, Python, TestGateway};

use crate::gateway_vendors::AT_ONCE;
use crate::openapi_schemathesis::PACKAGES;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/openapi_events.py");

#[tokio::test(flavor = "multi_thread")]
async fn every_event_has_the_shape_that_the_document_gives_it() {
    // Some texts arrive and some do not, a batch comes to its end, and a phone writes.
    let mut able = providers::ALL.iter();
    let spec = able.find(|it| it.capabilities.reports).unwrap();
    let number = |place| PhoneNumbers::served(&spec.capabilities).number(place);
    let fails = format!(
        "{AT_ONCE}[[fail]]\nto = \"{}\"\nreason = \"recipient_unreachable\"\nat = \"delivered\"\n",
        number(1).as_str()
    );
    let route = format!("[[routes]]\nlanes = [\"{}\"]\n", spec.id);
    let test = TestGateway::builder().config(&route).scenario(&fails);
    let test = test.start().await;
    let row = |place| json!({"to": number(place).as_str(), "text": "Hei", "from": "Acme"});
    let batch = json!({"reference": "b-1", "messages": [row(0), row(1), {"to": "x", "text": "y"}]});
    let taken = test.post("/v1/batches", &batch).await;
    assert!(taken.status.is_success(), "{}", taken.body);
    let later = json!({"to": number(2).as_str(), "text": "Hei", "from": "Acme", "send_at": "2199-01-01T00:00:00Z"});
    let held = test.post("/v1/messages", &later).await;
    let id = held.body["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", held.body));
    let cancel = format!("/v1/messages/{id}/cancel");
    let canceled = test.post(&cancel, &Value::Null);
    assert!(canceled.await.status.is_success());
    let heard = PhoneText::new(number(3), "STOPP").to(Some("1960".to_owned()));
    test.carrier(spec.id).world().receive(heard).await.unwrap();
    let kinds = [
        "message.accepted",
        "message.sending",
        "message.delivered",
        "message.canceled",
        "message.undelivered",
        "batch.closed",
        "batch.done",
        "inbound.received",
        "opt_out.added",
    ];
    let has_happened = async || {
        let told = test.get("/v1/messages").await.body.to_string();
        let inbound = test.get("/v1/inbound").await.body.to_string();
        told.contains("undelivered") && inbound.contains("STOPP")
    };
    test.until("everything has happened", has_happened).await;
    test.settled().await;

    let last = test.gateway().store().last_event().await.unwrap().0;
    let (url, input) = (test.url(), json!({"api_key": test.key()}));
    let read = move || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let python = Python::with_packages(folder, PACKAGES);
        python.run(Path::new(SCRIPT), &[&url, &last.to_string()], &input)
    };
    let read = tokio::task::spawn_blocking(read).await.unwrap();
    assert_eq!(read["status"], 200);
    assert_eq!(read["documented"], json!([read["content_type"]]));
    let events = read["events"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for event in events {
        assert_eq!(
            (&event["agrees"], &event["wrong"]),
            (&json!(true), &json!([])),
            "{event}"
        );
        seen.insert(event["kind"].as_str().unwrap());
    }
    for kind in kinds {
        assert!(seen.contains(kind), "no {kind} among {seen:?}");
    }
    test.finish().await;
}
