//! Calls between telephones.

use serde_json::{Value, json};

use super::{at_noon, body, client};
use crate::error::{Acceptance, ErrorKind};
use crate::netsapiens::{ActiveCall, Client, NewCall};
use crate::tests::scripted::{Reply, Scripted};

const CALL: &str = r#"{"core-server":"core1.example.test","call-session-id":"20260102030405001122",
"call-orig-call-id":"our-call-1","call-orig-match-uri":"sip:200@example.test","call-orig-user":"200",
"call-orig-domain":"example.test","call-orig-uri":"sip:200@example.test","call-orig-name":"Ann Doe",
"caller-id-number":"15550109876","call-dialed-number":"15550101234","call-by-action":"","call-by-user":"",
"call-by-domain":"","call-by-call-id":"","call-term-call-id":"leg-2","call-term-user":"15550101234",
"call-term-domain":"*","call-term-uri":"sip:15550101234@gw","call-start-datetime":"2026-01-02 03:04:05",
"call-answer-datetime":"0000-00-00 00:00:00","call-orig-info":"active","term-orig-info":"ringing",
"call-audio-codec":"PCMU"}"#;
const OLDER: &str = r#"{"hostname":"core1.example.test","session_id":"20260102030405001122",
"orig_callid":"our-call-1","orig_match":"sip:200@example.test","ani":15550109876,"dnis":15550101234,
"by_action":"","term_callid":"leg-2","time_begin":"2026-01-02 03:04:05","time_answer":"",
"orig_call_info":"active","term_call_info":"ringing","media":"PCMU"}"#;

#[track_caller]
fn check_example(call: &ActiveCall) {
    assert_eq!(call.id, "our-call-1");
    assert_eq!(call.session_id, "20260102030405001122");
    assert_eq!(call.server, "core1.example.test");
    assert_eq!(call.started_at, "2026-01-02T03:04:05Z".parse().ok());
    assert_eq!(call.answered_at, None);
    assert_eq!(
        (call.caller_id.as_str(), call.dialed.as_str()),
        ("15550109876", "15550101234")
    );
    assert_eq!(call.from_match, "sip:200@example.test");
    assert_eq!(call.to.call_id, "leg-2");
    assert_eq!(
        (call.from_info.as_str(), call.to_info.as_str()),
        ("active", "ringing")
    );
    assert_eq!((call.by_action.as_str(), call.codec.as_str()), ("", "PCMU"));
}

#[tokio::test]
async fn calls_are_listed_of_a_user_of_a_domain_and_one_by_one() {
    let server = Scripted::start(|seen| match seen.path.as_str() {
        "/ns-api/v2/domains/example.test/users/200/calls" => Reply::ok(format!("[{OLDER},{CALL}]")),
        "/ns-api/v2/domains/example.test/calls"
        | "/ns-api/v2/domains/example.test/users/200/calls/our-call-1" => Reply::ok(CALL),
        "/ns-api/v2/domains/example.test/calls/count" => Reply::ok(r#"{"total":"7"}"#),
        other => panic!("{other}"),
    })
    .await;
    let client = client(&server).act_for("example.test", "200");
    let of_user = client.calls().await.unwrap();
    assert_eq!(of_user.len(), 2);
    of_user.iter().for_each(check_example);
    let of_domain = client.domain_calls().await.unwrap();
    check_example(&of_domain[0]);
    assert_eq!(
        (
            of_domain[0].from.user.as_str(),
            of_domain[0].to.uri.as_str()
        ),
        ("200", "sip:15550101234@gw")
    );
    assert_eq!(*client.count_domain_calls().await.unwrap(), 7);
    check_example(&client.active_call("our-call-1").await.unwrap());
    assert!(server.seen().iter().all(|seen| seen.method == "GET"));
}

#[tokio::test]
async fn no_call_is_made_of_something_else() {
    let check =
        async |answer: &'static str, list: Option<ErrorKind>, one: ErrorKind, count: bool| {
            let server = Scripted::start(move |_| Reply::ok(answer)).await;
            let client = client(&server);
            assert_eq!(
                client.calls().await.err().map(|it| it.kind()),
                list,
                "{answer}"
            );
            assert_eq!(
                client.active_call("x").await.unwrap_err().kind(),
                one,
                "{answer}"
            );
            assert_eq!(client.count_domain_calls().await.is_ok(), count, "{answer}");
        };
    use ErrorKind::{NotFound, Protocol};
    check("[]", None, NotFound, false).await;
    check("{}", Some(Protocol), Protocol, false).await;
    check(r#"{"data":null}"#, Some(Protocol), Protocol, false).await;
    check("", Some(Protocol), Protocol, false).await;
    check(r#"{"total":3}"#, Some(Protocol), Protocol, true).await;
    check(r#"{"total":-1}"#, Some(Protocol), Protocol, false).await;
    check(
        r#"{"code":404,"message":"No such call"}"#,
        Some(NotFound),
        NotFound,
        false,
    )
    .await;
}

/// A server that does not look at the id gives all calls of the user.
#[tokio::test]
async fn one_call_is_the_one_that_was_asked_for() {
    let calls = |ids: &[&str]| {
        let rows = ids.iter().map(|id| {
            format!(r#"{{"call-session-id":"s-{id}","call-orig-call-id":"{id}","call-orig-user":"200"}}"#)
        });
        format!("[{}]", rows.collect::<Vec<_>>().join(","))
    };
    let ask = async |ids: &[&str], id: &str| {
        let rows = calls(ids);
        let server = Scripted::start(move |_| Reply::ok(rows.clone())).await;
        let found = client(&server).active_call(id).await;
        found
            .map(|found| found.id.clone())
            .map_err(|error| error.kind())
    };
    assert_eq!(ask(&["a", "b"], "b").await.as_deref(), Ok("b"));
    assert_eq!(ask(&["a", "b"], "s-b").await.as_deref(), Ok("b"));
    assert_eq!(ask(&["a", "b"], "c").await, Err(ErrorKind::Protocol));
    assert_eq!(ask(&["a"], "c").await.as_deref(), Ok("a"));
}

#[tokio::test]
async fn a_new_call_has_the_documented_defaults_and_an_id_of_its_own() {
    let server = Scripted::start(|_| Reply::status(202, "", "")).await;
    let client = at_noon(&server).act_for("example.test", "200");
    let first = client
        .start_call(&NewCall::new("15550101234"))
        .await
        .unwrap();
    let second = client
        .start_call(&NewCall::new("15550101234"))
        .await
        .unwrap();
    assert!(first.call.is_none());
    assert!(
        first.id.starts_with("tidings-20261122120000-"),
        "{}",
        first.id
    );
    assert_ne!(first.id, second.id);
    let seen = server.seen();
    assert_eq!(
        seen[0].path,
        "/ns-api/v2/domains/example.test/users/200/calls"
    );
    assert_eq!(seen[0].method, "POST");
    let expected = json!({"synchronous": "no", "call-id": first.id, "call-term-user": "15550101234",
        "dial-rule-application": "call", "call-orig-user": "200@example.test",
        "auto-answer-enabled": "no"});
    assert_eq!(body(&seen[0]), expected);
}

#[tokio::test]
async fn all_that_can_be_said_of_a_call_is_sent() {
    let server = Scripted::start(|_| Reply::ok(CALL)).await;
    let mut new = NewCall::new(" 201 ")
        .id("our-call-1")
        .from("200m@example.test")
        .waits(true)
        .auto_answer(true)
        .caller_id_number("15550109876");
    new.dial_rule_application = "conference".to_owned();
    new.callback_caller_id_number = Some("15550109877".to_owned());
    new.added_sip_header = Some("X-Order: 4711".to_owned());
    let started = client(&server).start_call(&new).await.unwrap();
    assert_eq!(started.id, "our-call-1");
    check_example(started.call.as_ref().unwrap());
    let expected = json!({"synchronous": "yes", "call-id": "our-call-1", "call-term-user": "201",
        "dial-rule-application": "conference", "call-orig-user": "200m@example.test",
        "auto-answer-enabled": "yes", "caller-id-number": "15550109876",
        "callback-caller-id-number": "15550109877", "call-term-added-sip-header": "X-Order: 4711"});
    assert_eq!(body(&server.seen()[0]), expected);
}

#[tokio::test]
async fn who_calls_is_the_user_of_the_token_or_left_to_the_server() {
    let token = r#"{"access_token":"t","expires_in":3600,"domain":"example.test","user":"200",
        "uid":"200@example.test"}"#;
    let server = Scripted::start(move |seen| {
        if seen.path.ends_with("/tokens") {
            Reply::ok(token)
        } else {
            Reply::status(202, "", "")
        }
    })
    .await;
    let known = Client::builder()
        .base_url(&server.url)
        .password("acme.app", "s3cr3t", "200@example.test", "hunter2")
        .build()
        .unwrap();
    known.start_call(&NewCall::new("201")).await.unwrap();
    known
        .act_for("~", "205")
        .start_call(&NewCall::new("201"))
        .await
        .unwrap();
    let unknown = client(&server);
    unknown.start_call(&NewCall::new("201")).await.unwrap();
    let callers: Vec<Value> = server.seen()[1..]
        .iter()
        .map(|seen| body(seen)["call-orig-user"].clone())
        .collect();
    assert_eq!(
        callers,
        [
            json!("200@example.test"),
            json!("205@example.test"),
            Value::Null
        ]
    );
}

#[tokio::test]
async fn whatever_the_body_is_a_call_that_was_taken_is_a_success() {
    for (status, answer, is_told) in [
        (202, "", false),
        (202, r#"{"code":202,"message":"Accepted"}"#, false),
        (200, "OK", false),
        (200, "[]", false),
        (201, CALL, true),
    ] {
        let server = Scripted::start(move |_| Reply::status(status, "", answer)).await;
        let started = client(&server)
            .start_call(&NewCall::new("201"))
            .await
            .unwrap();
        assert_eq!(started.call.is_some(), is_told, "{answer}");
    }
}

#[tokio::test]
async fn a_call_to_nobody_is_not_made() {
    let server = Scripted::answering(&[]).await;
    let client = client(&server);
    for new in [
        NewCall::new(""),
        NewCall::new(" "),
        NewCall::new("201").id(""),
    ] {
        let error = client.start_call(&new).await.unwrap_err();
        assert_eq!(error.acceptance(), Acceptance::NotSent);
    }
    let error = client.transfer_call("our-call-1", " ").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::InvalidRecipient, Acceptance::NotSent)
    );
    assert_eq!(server.seen(), []);
}

#[tokio::test]
async fn a_call_is_ended_turned_away_answered_held_and_given_away() {
    let server = Scripted::start(|_| Reply::status(202, "", "")).await;
    let client = client(&server).act_for("example.test", "200");
    let id = "a/b";
    client.hang_up(id).await.unwrap();
    client.reject_call(id).await.unwrap();
    client.answer_call(id).await.unwrap();
    client.hold_call(id).await.unwrap();
    client.unhold_call(id).await.unwrap();
    client.transfer_call(id, "201").await.unwrap();
    let calls: Vec<(String, String, String)> = server
        .seen()
        .into_iter()
        .map(|seen| (seen.method, seen.path, seen.body))
        .collect();
    let expected = [
        ("DELETE", "", ""),
        ("DELETE", "/reject", ""),
        ("PATCH", "/answer", ""),
        ("PATCH", "/hold", ""),
        ("PATCH", "/unhold", ""),
        ("PATCH", "/transfer", r#"{"call-term-user":"201"}"#),
    ]
    .map(|(method, action, body)| {
        let path = format!("/ns-api/v2/domains/example.test/users/200/calls/a%2Fb{action}");
        (method.to_owned(), path, body.to_owned())
    });
    assert_eq!(calls, expected);
}

#[test]
fn debug_shows_no_number_and_no_name() {
    let row: crate::netsapiens::wire::ActiveCall = serde_json::from_str(CALL).unwrap();
    let call = ActiveCall::from_wire(&row);
    let new = NewCall::new("15550101234").caller_id_number("15550109876");
    let shown = format!("{call:?} {:?} {new:?} {row:?}", call.to);
    for secret in ["1555010", "Ann"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
