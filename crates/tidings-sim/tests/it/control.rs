//! `/_sim/`: what tests and people ask the simulator itself.

use serde_json::{Value, json};

use super::harness::{Line, builder, exchange};

const TO: &str = "+224622000001";

fn lines(body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn messages_lists_what_reaches_a_phone() {
    let line =
        Line::start("[delays]\nsent_ms = 0\ndelivered_ms = 0\n[[fail]]\nto = \"+224622000009\"")
            .await;
    let first = line.send_well(TO).await;
    line.send_well("+224622000009").await;
    let second = line.send_well(TO).await;
    let reply = line.call("GET", "/_sim/messages", "").await.reply();
    assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
    let shown = lines(&reply.body);
    let ids: Vec<_> = shown
        .iter()
        .map(|line| line["provider_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [first, second]);
    let kept = line.sim.world().messages().remove(0);
    assert_eq!(
        shown[0],
        json!({
            "provider_id": kept.provider_id, "to": TO, "from": null, "text": "hello",
            "at": kept.at.to_string(), "reference": null, "batch": null, "parts": 1,
            "state": "delivered", "reason": null, "state_at": kept.at.to_string(),
            "left_at": kept.at.to_string(), "account": 0, "priority": "normal", "price": 0,
        })
    );
}

#[tokio::test]
async fn messages_comes_in_pieces_and_loses_none() {
    let line = Line::start("").await;
    let to: Vec<_> = (0..2_500)
        .map(|index| format!("+224622{index:06}"))
        .collect();
    let body = json!({"to": to, "text": "hello"}).to_string();
    assert_eq!(line.call("POST", "/send", &body).await.reply().status, 200);
    let reply = line.call("GET", "/_sim/messages", "").await.reply();
    let shown = lines(&reply.body);
    let shown: Vec<_> = shown
        .iter()
        .map(|line| line["to"].as_str().unwrap())
        .collect();
    assert_eq!(shown, to);
}

#[tokio::test]
async fn stats_counts_calls_refusals_faults_and_arrivals() {
    let line = Line::start("[[fault]]\ncall = \"balance\"\nempty_body = true").await;
    let id = line.send_well(TO).await;
    for path in [
        format!("/messages/{id}/status"),
        "/messages/1/status".to_owned(),
    ] {
        line.call("GET", &path, "").await;
    }
    line.call("GET", "/balance", "").await;
    line.call("GET", "/nowhere", "").await;
    let stats = line.call("GET", "/_sim/stats", "").await.reply().json();
    assert_eq!(
        stats,
        json!({
            "calls": {
                "GET /balance": 1, "GET /messages/{id}/status": 2, "GET unknown": 1,
                "POST /send": 1,
            },
            "operations": {"submit": 1, "message_status": 1, "balance": 1},
            "refusals": {"404": 2},
            "faults": {"empty_body": 1},
            "messages": 1, "parts": 1, "credit": 9_999, "arrival": [id],
            "callbacks_sent": 0, "callbacks_failed": 0, "told": 0, "inbound": 0,
            "tokens": {
                "by_password": 0, "by_refresh": 0, "by_delegation": 0, "first_steps": 0,
                "refused_sign_ins": 0, "refused_refreshes": 0, "expired_calls": 0,
            },
        })
    );
}

#[tokio::test]
async fn a_scenario_is_replaced_or_refused_with_the_reason() {
    let line = Line::start("").await;
    let scenario = "credit = 1\n[[fault]]\ncall = \"/send\"\nrefuse = { status = 500 }";
    let reply = line.call("POST", "/_sim/scenario", scenario).await.reply();
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({"faults": 1, "failing": 0}))
    );
    assert_eq!(line.send(TO).await.reply().status, 500);
    assert_eq!(line.sim.world().credit(), 1);
    let reply = line
        .call("POST", "/_sim/scenario", "[[fault]]\nboom = 1")
        .await
        .reply();
    assert_eq!(reply.status, 400);
    let error = reply.json()["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("fault[0].boom") && error.contains("refuse"),
        "{error}"
    );
    assert_eq!(line.send(TO).await.reply().status, 500, "the old one stays");
}

#[tokio::test]
async fn control_needs_no_credentials_and_no_fault_hits_it() {
    let sim = builder("[[fault]]\ndrop = { when = \"before\" }")
        .start()
        .await
        .unwrap();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let status = async |request: String| exchange(sim.address(), &request).await.reply().status;
    assert_eq!(status(get("/_sim/stats")).await, 200);
    assert_eq!(status(get("/_sim/scenario")).await, 405);
    assert_eq!(status(get("/_sim/other")).await, 404);
}
