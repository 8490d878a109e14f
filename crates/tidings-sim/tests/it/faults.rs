//! Each fault of a scenario over real connections: what the caller sees, and what the world has.

use std::time::Duration;

use serde_json::json;

use tidings::ReportedState;

use super::harness::{Heard, Line, NAMED, Reply};

const TO: &str = "+224622000001";

/// Sends one message under a fault; the world then has so many.
async fn send_under(fault: &str, expected_messages: usize) -> Heard {
    let line = Line::start(&format!("[[fault]]\n{fault}")).await;
    let heard = line.send(TO).await;
    assert_eq!(line.n_messages(), expected_messages, "{fault}");
    let name = fault.split([' ', '=']).next().unwrap();
    assert_eq!(
        line.sim.world().stats().faults.get(name),
        Some(&1),
        "{fault}"
    );
    heard
}

async fn reply_under(fault: &str, expected_messages: usize) -> Reply {
    send_under(fault, expected_messages).await.reply()
}

#[tokio::test]
async fn refuse_answers_with_the_status_and_does_nothing() {
    let reply = reply_under("refuse = { status = 503 }", 0).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["status"], "error");
    let reply = reply_under("refuse = { status = 400, code = \"E7\" }", 0).await;
    assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("E7")));
    let reply = reply_under("refuse = { status = 500, body = \"<oops>\" }", 0).await;
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (500, b"<oops>".as_slice())
    );
}

#[tokio::test]
async fn rate_limit_answers_429_with_and_without_retry_after() {
    let reply = reply_under("rate_limit = { retry_after_s = 2 }", 0).await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("2"))
    );
    let reply = reply_under("rate_limit = {}", 0).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, None));
}

#[tokio::test]
async fn drop_before_ends_the_connection_and_does_nothing() {
    let heard = send_under("drop = { when = \"before\" }", 0).await;
    assert_eq!((heard.bytes.len(), heard.was_reset), (0, false));
    let heard = send_under("drop = { when = \"before\", reset = true }", 0).await;
    assert_eq!((heard.bytes.len(), heard.was_reset), (0, true));
}

#[tokio::test]
async fn drop_after_takes_the_message_and_never_says_so() {
    let heard = send_under("drop = { when = \"after\" }", 1).await;
    assert_eq!((heard.bytes.len(), heard.was_reset), (0, false));
    let heard = send_under("drop = { when = \"after\", reset = true }", 1).await;
    assert_eq!((heard.bytes.len(), heard.was_reset), (0, true));
}

#[tokio::test]
async fn drop_in_mid_answer_takes_the_message_and_gives_half_of_the_answer() {
    let reply = reply_under("drop = { when = \"mid_answer\" }", 1).await;
    assert_eq!(reply.status, 200);
    let promised: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!(reply.body.len(), promised / 2);
    assert!(!reply.body.is_empty());
}

#[tokio::test]
async fn broken_json_takes_the_message_and_answers_what_cannot_be_read() {
    let reply = reply_under("broken_json = true", 1).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let length = reply.body.len().to_string();
    assert_eq!(reply.header("content-length"), Some(length.as_str()));
    serde_json::from_slice::<serde_json::Value>(&reply.body).unwrap_err();
}

#[tokio::test]
async fn a_wrong_content_type_leaves_the_answer_as_it_is() {
    let reply = reply_under("wrong_content_type = {}", 1).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("text/html"))
    );
    assert!(reply.json()["ids"][0].is_string());
}

#[tokio::test]
async fn an_empty_body_keeps_the_status() {
    let reply = reply_under("empty_body = true", 1).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
}

#[tokio::test]
async fn a_failure_in_a_200_takes_nothing() {
    let reply = reply_under("failure_in_200 = { message = \"no\" }", 0).await;
    assert_eq!(reply.status, 200);
    let expected = json!({"status": "error", "success": false, "message": "no"});
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn a_late_and_a_slow_answer_come_whole() {
    for fault in [
        "late = { ms = 1 }",
        "slow = { chunk_ms = 1 }",
        "slow = { bytes_per_s = 5000 }",
    ] {
        let reply = reply_under(fault, 1).await;
        assert_eq!(reply.status, 200);
        assert!(reply.json()["ids"][0].is_string(), "{fault}");
    }
}

/// The message is in the world while its caller still waits.
#[tokio::test]
async fn a_late_answer_is_late_after_the_message_was_taken() {
    let line = Line::start("[[fault]]\nlate = { ms = 3600000 }").await;
    let heard = tokio::time::timeout(Duration::from_millis(300), line.send(TO)).await;
    assert!(heard.is_err(), "answered an hour early");
    assert_eq!(line.n_messages(), 1);
    assert_eq!(line.sim.world().stats().faults.get("late"), Some(&1));
}

#[tokio::test]
async fn an_unknown_status_word_is_shown_for_the_number_that_is_named() {
    let line =
        Line::start("[[fault]]\nto = \"+224622000001\"\nunknown_status = { word = \"parked\" }")
            .await;
    for (to, expected) in [(TO, "parked"), ("+224622000002", "submitted")] {
        let id = line.send_well(to).await;
        let path = format!("/messages/{id}/status");
        let reply = line.call("GET", &path, "").await.reply();
        assert_eq!(reply.json()["state"], expected, "{to}");
    }
}

#[tokio::test]
async fn no_credit_is_said_as_the_vendor_says_it_and_takes_nothing() {
    let line = Line::start("[[fault]]\nfirst = 1\nno_credit = true").await;
    let reply = line.send(TO).await.reply();
    assert_eq!((reply.status, line.n_messages()), (402, 0));
    line.send_well(TO).await;
    let line = Line::start("[[fault]]\ncall = \"balance\"\nno_credit = true").await;
    let reply = line.call("GET", "/balance", "").await.reply();
    assert_eq!(reply.json()["left"], 0);
    line.send_well(TO).await;
}

/// A fault that is named by an operation hits it on whatever path the provider has it, and calls
/// that never come to it are not counted.
#[tokio::test]
async fn an_operation_is_hit_by_its_word() {
    for (action, taken) in [
        ("drop = { when = \"before\" }", 0),
        ("drop = { when = \"after\" }", 1),
        ("refuse = { status = 500 }", 0),
        ("failure_in_200 = {}", 0),
        ("empty_body = true", 1),
    ] {
        let scenario = format!("[[fault]]\nname = \"f\"\ncall = \"submit\"\nevery = 2\n{action}");
        let line = Line::start(&scenario).await;
        let balance = line.call("GET", "/balance", "").await.reply();
        assert_eq!(balance.status, 200, "{action}");
        line.send_well(TO).await;
        line.send(TO).await;
        assert_eq!(line.n_messages(), 1 + taken, "{action}");
        line.send_well(TO).await;
        let stats = line.sim.world().stats();
        assert_eq!(stats.faults.get("f"), Some(&1), "{action}");
    }
}

#[tokio::test]
async fn a_number_is_matched_by_operation_and_in_the_request() {
    for call in ["submit", "/send"] {
        let line = Line::start(&format!(
            "[[fault]]\ncall = \"{call}\"\nto = \"+224622000007\"\nrefuse = {{ status = 500 }}"
        ))
        .await;
        line.send_well(TO).await;
        assert_eq!(
            line.send("+224622000007").await.reply().status,
            500,
            "{call}"
        );
        let many = json!({"to": [TO, "+224622000007"], "text": "x"}).to_string();
        assert_eq!(line.call("POST", "/send", &many).await.reply().status, 500);
        assert_eq!(line.n_messages(), 1);
    }
}

#[tokio::test]
async fn a_new_scenario_ends_the_faults_of_the_old_one() {
    let line = Line::start("[[fault]]\nrefuse = { status = 500 }").await;
    assert_eq!(line.send(TO).await.reply().status, 500);
    line.sim.set_scenario(super::harness::scenario("")).unwrap();
    line.send_well(TO).await;
}

const SLOW: &str = "rate_per_s = 0.001\n";

/// A carrier at which a batch of three waits, two of them to the numbers given.
async fn waiting(scenario: &str) -> (Line, String) {
    let line = Line::start_with(&NAMED, &format!("{SLOW}{scenario}")).await;
    let to = [TO, "+224622000007", "+224622000008"];
    let body = json!({"to": to, "text": "hello"}).to_string();
    let reply = line.call("POST", "/send", &body).await.reply();
    let batch = reply.json()["batch"].as_str().unwrap().to_owned();
    (line, batch)
}

#[tokio::test]
async fn a_stop_whose_answer_is_lost_was_carried_out_and_one_that_was_lost_was_not() {
    for (when, stopped) in [("before", false), ("after", true), ("mid_answer", true)] {
        for call in ["stop_batch", "/batches/"] {
            let fault = format!("[[fault]]\ncall = \"{call}\"\ndrop = {{ when = \"{when}\" }}");
            let (line, batch) = waiting(&fault).await;
            let path = format!("/batches/{batch}");
            let heard = line.call("DELETE", &path, "").await;
            let canceled = line.sim.world().messages().into_iter();
            let canceled = canceled.filter(|sms| sms.state == ReportedState::Canceled);
            let expected = if stopped { 2 } else { 0 };
            assert_eq!(canceled.count(), expected, "{call} {when}");
            assert_eq!(
                heard.bytes.is_empty(),
                when != "mid_answer",
                "{call} {when}"
            );
        }
    }
}

#[tokio::test]
async fn calls_about_batches_are_hit_by_their_words_and_by_numbers_that_wait() {
    let refuse = |call: &str, more: &str| {
        format!("[[fault]]\ncall = \"{call}\"\n{more}refuse = {{ status = 503 }}")
    };
    let status = async |line: &Line, method: &str, path: &str| {
        line.call(method, path, "").await.reply().status
    };
    let (line, batch) = waiting(&refuse("list_batches", "")).await;
    let path = format!("/batches/{batch}");
    assert_eq!(status(&line, "GET", "/batches").await, 503);
    assert_eq!(status(&line, "GET", &path).await, 200);
    assert_eq!(status(&line, "DELETE", &path).await, 200);

    let waits = "to = \"+224622000007\"\n";
    let (line, batch) = waiting(&refuse("show_batch", waits)).await;
    let path = format!("/batches/{batch}");
    assert_eq!(status(&line, "GET", "/batches").await, 200);
    assert_eq!(status(&line, "GET", &path).await, 503);
    assert_eq!(status(&line, "DELETE", &path).await, 200);
    // Nothing waits any more: the fault has nobody to be about.
    assert_eq!(status(&line, "GET", &path).await, 404);

    let has_left = format!("to = \"{TO}\"\n");
    let (line, batch) = waiting(&refuse("stop_batch", &has_left)).await;
    let path = format!("/batches/{batch}");
    assert_eq!(status(&line, "DELETE", &path).await, 200);
    let operations = line.sim.world().stats().operations;
    assert_eq!(operations.get(&tidings_sim::Operation::StopBatch), Some(&1));
}

#[tokio::test]
async fn one_of_many_is_refused_and_the_others_are_taken() {
    let line = Line::start_with(
        &NAMED,
        "[[fail]]\nto = \"+224622000007\"\nreason = \"opted_out\"\nat = \"accept\"",
    )
    .await;
    let body = json!({"to": [TO, "+224622000007", TO], "text": "x"}).to_string();
    let reply = line.call("POST", "/send", &body).await.reply().json();
    let taken = reply["ids"].as_array().unwrap().iter();
    let taken: Vec<_> = taken.map(|id| !id.is_null()).collect();
    assert_eq!(taken, [true, false, true]);
}
