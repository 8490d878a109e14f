//! `GET /v1/events`: what happens is told in order, from where the listener left off.

use futures_util::StreamExt as _;
use serde_json::Value;

use super::{Doors, bearer};

/// The next events of a stream: ids, kinds, data.
async fn next(
    pieces: &mut (impl futures_util::Stream<Item = Result<bytes::Bytes, axum::Error>> + Unpin),
    n_events: usize,
) -> Vec<(String, String, Value)> {
    let mut text = String::new();
    let mut events = Vec::new();
    while events.len() < n_events {
        let piece = pieces.next().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&piece).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field = |name: &str| {
                let line = event.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().trim().to_owned()
            };
            if !field("data:").is_empty() {
                let data = serde_json::from_str(&field("data:")).unwrap();
                events.push((field("id:"), field("event:"), data));
            }
            text = rest.to_owned();
        }
    }
    events
}

#[tokio::test]
async fn events_follow_the_last_one_that_was_taken() {
    let doors = Doors::new().await;
    let first = Doors::sent(&doors.post("/v1/messages", Doors::message("one")).await);
    let key = bearer(&doors.operator);
    let call = async |last: &str| {
        let headers = [("authorization", &*key), ("last-event-id", last)];
        doors.response("GET", "/v1/events", &headers, "").await
    };
    let answer = call("0").await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut pieces = answer.into_body().into_data_stream();
    let told = next(&mut pieces, 1).await;
    assert_eq!(
        (&*told[0].1, &told[0].2["message"]),
        ("message.accepted", &first.into())
    );
    // What happens while somebody listens comes at once.
    let second = Doors::sent(&doors.post("/v1/messages", Doors::message("two")).await);
    let told_then = next(&mut pieces, 1).await;
    assert_eq!(told_then[0].2["message"], second);
    // Who comes back hears what he has missed, and nothing twice.
    let again = call(&told[0].0).await;
    let told_again = next(&mut again.into_body().into_data_stream(), 1).await;
    assert_eq!(told_again, told_then);
    let refused = doors
        .call("GET", "/v1/events", &[("last-event-id", "x")], "")
        .await;
    refused.is_problem(400, "invalid_query");
}

#[tokio::test]
async fn without_a_place_only_what_is_to_come_is_told_and_only_ones_own() {
    let doors = Doors::new().await;
    doors
        .post("/v1/messages", Doors::message("before"))
        .await
        .is(202);
    let headers = [("authorization", &*bearer(&doors.operator))];
    let path = "/v1/events?types=message.canceled";
    let answer = doors.response("GET", path, &headers, "").await;
    let mut pieces = answer.into_body().into_data_stream();
    let other = [
        ("authorization", &*bearer(&doors.other)),
        ("content-type", "application/json"),
    ];
    let body = Doors::message("another's").to_string();
    doors
        .call_as("POST", "/v1/messages", &other, body)
        .await
        .is(202);
    let id = Doors::sent(&doors.post("/v1/messages", Doors::message("mine")).await);
    let path = format!("/v1/messages/{id}/cancel");
    doors.post(&path, Value::Null).await.is(200);
    let told = next(&mut pieces, 1).await;
    assert_eq!(
        (&*told[0].1, &told[0].2["message"]),
        ("message.canceled", &id.into())
    );
}
