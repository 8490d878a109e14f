//! A single message during a large batch: how many messages of the batch leave before it, by the order in
//! which they arrive at the carrier.

use std::fmt::Write as _;

use http::{Method, StatusCode};
use serde_json::json;
use tidings::providers;
use tidings_tests::TestGateway;

const ROWS: usize = 100_000;
/// Messages of the batch that may be in hand, each in its own call, when the single one is accepted.
const SLOTS: usize = 8;

/// One message a call and one call at a time: each place in the order of arrival is a slot. The pace lets
/// most of the batch wait; its stamps lie behind the clock as on any lane that cannot keep up.
const LANE: &str = "in_flight = 1\nbulk = 1\nrate = 200\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_single_message_leaves_within_a_few_slots_of_a_batch_of_a_hundred_thousand() {
    // A provider whose carrier takes every text from the start, so that nothing else decides the order.
    let serves = |spec: &&&tidings::ProviderSpec| !spec.capabilities.subscriptions;
    let spec = providers::ALL.iter().find(serves).unwrap();
    let routes = format!("[[routes]]\nlanes = [\"{}\"]\n", spec.id);
    let folder = tempfile::tempdir().unwrap();
    let gateway = TestGateway::builder()
        .sqlite(&folder.path().join("gateway.db"))
        .config(&routes)
        .lane_keys(LANE)
        .start()
        .await;
    let code = spec.capabilities.calling_codes.first().copied();
    let prefix = code.map_or("+474".to_owned(), |code| format!("+{code}622"));
    let digits = if code.is_some() { 6 } else { 7 };

    let mut rows = String::new();
    for row in 0..ROWS {
        writeln!(
            rows,
            "{{\"to\":\"{prefix}{row:0digits$}\",\"text\":\"Hello\",\"from\":\"Tidings\"}}"
        )
        .unwrap();
    }
    let json_lines = ("content-type", "application/x-ndjson");
    let batch = gateway
        .call(Method::POST, "/v1/batches", &[json_lines], rows)
        .await;
    assert_eq!(batch.status, StatusCode::ACCEPTED, "{batch:?}");
    assert_eq!(batch.body["accepted"], ROWS);
    let arrived = || gateway.carrier(spec.id).world().messages();
    gateway
        .until("the batch is being sent", async || arrived().len() > SLOTS)
        .await;

    let to = format!("{prefix}{:0digits$}", ROWS + 1);
    let single = json!({"to": to, "text": "A single message", "from": "Tidings"});
    let single = gateway.post("/v1/messages", &single).await;
    assert_eq!(single.status, StatusCode::ACCEPTED, "{single:?}");
    let n_before = arrived().len();
    let place = || {
        let messages = arrived();
        messages
            .iter()
            .position(|it| &*it.text == "A single message")
    };
    gateway
        .until("the single message arrives", async || place().is_some())
        .await;
    let n_slots = place().unwrap().saturating_sub(n_before);
    assert!(n_slots <= SLOTS, "it waited {n_slots} slots");

    let id = batch.body["id"].as_str().unwrap();
    let stopped = gateway
        .post(&format!("/v1/batches/{id}/stop"), &json!({}))
        .await;
    let n_canceled = stopped.body["canceled"].as_array().unwrap().len();
    assert!(n_canceled > ROWS / 2, "{n_canceled} were still waiting");
    gateway.finish().await;
}
