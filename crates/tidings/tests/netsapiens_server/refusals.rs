//! What a backend refuses and what never reaches it, each in the vendor's shape.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tidings::Account;
use tidings::ErrorKind;
use tidings::backend::Refusal;
use tidings::netsapiens::server::{self, ServerOptions};
use tidings::serve::Serving;

use crate::desk::{self, Desk, SESSION};
use crate::{API, MINE, ask, assert_said, call, get, options, request, serve, serve_as};

async fn check(settings: &[(&str, &str)], refusal: Refusal, status: u16, sentence: &str) {
    let desk = Desk::new();
    desk.refuse(refusal);
    let router = serve_as(&desk, settings);
    let sms = json!({
        "type": "sms", "message": "hello", "destination": "15550101234",
        "from-number": "15550109876",
    });
    for call in [
        get(&format!("{API}/domains/~/messagesessions")),
        get(&format!("{MINE}/messagesessions/{SESSION}/messages")),
        call("POST", &format!("{MINE}/messages"), &sms),
        call(
            "POST",
            &format!("{MINE}/messagesessions/{SESSION}/messages"),
            &sms,
        ),
        call(
            "DELETE",
            &format!("{MINE}/messagesessions/{SESSION}"),
            &Value::Null,
        ),
        get(&format!("{API}/smsnumbers")),
        get(&format!("{API}/subscriptions")),
        get(&format!("{API}/domains/~/calls")),
    ] {
        assert_said(&ask(&router, call).await, status, sentence);
    }
}

#[tokio::test]
async fn every_refusal_has_its_status() {
    let wait = Some(Duration::from_millis(1_500));
    for (refusal, status, sentence) in [
        (
            Refusal::Unauthorized,
            401,
            "The access token is missing or not valid",
        ),
        (
            Refusal::Expired,
            401,
            "The access token provided has expired",
        ),
        (
            Refusal::Forbidden {
                what: "this".to_owned(),
            },
            401,
            "Invalid Scope [APP001]",
        ),
        (
            Refusal::NotFound { what: "thing" },
            404,
            "Resource not found.",
        ),
        (Refusal::Duplicate, 409, "It already exists"),
        (
            Refusal::RateLimited { retry_after: wait },
            429,
            "too many calls",
        ),
        (
            Refusal::RecipientQuota,
            429,
            "too many messages to this recipient",
        ),
        (
            Refusal::InsufficientCredit,
            403,
            "nothing is left on the account",
        ),
        (
            Refusal::Unavailable { retry_after: wait },
            503,
            "not available at present",
        ),
        (Refusal::Unsupported, 404, "No Route Found [92]"),
        (
            Refusal::invalid("anything", "is wrong"),
            400,
            "anything is wrong",
        ),
    ] {
        check(&[], refusal, status, sentence).await;
    }
    let refusal = Refusal::RateLimited { retry_after: wait };
    check(
        &[("rate_limited_as", "403")],
        refusal.clone(),
        403,
        "too many calls",
    )
    .await;
    let desk = Desk::new();
    desk.refuse(refusal);
    let answer = ask(&serve(&desk), get(&format!("{API}/subscriptions"))).await;
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn the_backends_words_for_fields_become_the_vendors() {
    let sms = json!({
        "type": "sms", "message": "hello", "destination": "15550101234",
        "from-number": "15550109876",
    });
    let subscription = json!({"model": "message", "post-url": "https://hooks.example.test/"});
    let phone_call = json!({"call-id": "c", "call-term-user": "201"});
    let number = json!({"number": "15550109876", "application": "user"});
    let name = json!({"session-name": "Team"});
    let send = format!("{MINE}/messages");
    let session = format!("{MINE}/messagesessions/{SESSION}");
    let subscriptions = format!("{API}/subscriptions");
    let calls = format!("{MINE}/calls");
    let numbers = format!("{API}/domains/~/smsnumbers");
    for (method, path, body, ours, theirs) in [
        ("POST", &send, &sms, "from", "from-number"),
        ("POST", &send, &sms, "to", "destination"),
        ("POST", &send, &sms, "text", "message"),
        ("POST", &send, &sms, "media", "data"),
        ("POST", &send, &sms, "kind", "type"),
        ("POST", &send, &sms, "conversation", "messagesession"),
        ("PUT", &session, &name, "name", "session-name"),
        ("POST", &subscriptions, &subscription, "events", "model"),
        ("POST", &subscriptions, &subscription, "url", "post-url"),
        ("POST", &calls, &phone_call, "to", "call-term-user"),
        ("POST", &numbers, &number, "owner", "dest"),
    ] {
        let desk = Desk::new();
        desk.refuse(Refusal::invalid(ours, "is wrong"));
        let answer = ask(&serve(&desk), call(method, path, body)).await;
        assert_said(&answer, 400, &format!("{theirs} is wrong"));
    }
}

#[tokio::test]
async fn bodies_that_are_no_documents_are_refused() {
    let router = serve(&Desk::new());
    let path = format!("{MINE}/messages");
    let bearer = format!("Bearer {}", desk::TOKEN);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let at = |line, column| {
        format!("the body is no JSON: it goes wrong at line {line}, column {column}")
    };
    for (body, sentence) in [
        ("", "Please include field type".to_owned()),
        ("{", at(1, 1)),
        ("{\"type\":\"sms\"", at(1, 13)),
        ("{}{}", at(1, 3)),
        ("\u{feff}{}", at(1, 1)),
        ("[]", "the body is not right: expected an object".to_owned()),
        (
            "\"sms\"",
            "the body is not right: expected an object".to_owned(),
        ),
        (
            "null",
            "the body is not right: expected an object".to_owned(),
        ),
    ] {
        let answer = ask(&router, request("POST", &path, &headers, body)).await;
        assert_said(&answer, 400, &sentence);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_bad_request() {
    let desk = Desk::new();
    let serving = Serving::seeded(1).max_body_bytes(1_000);
    let backend = Arc::clone(&desk);
    let router = server::router_with(backend, ServerOptions::default(), serving).unwrap();
    let body = json!({"type": "sms", "message": "x".repeat(1_000)});
    let answer = ask(&router, call("POST", &format!("{MINE}/messages"), &body)).await;
    assert_said(&answer, 400, "the body is larger than 1000 bytes");
    assert_eq!(server::MAX_BODY_BYTES, 25_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_wait_without_end_cost_one_answer() {
    let router = serve(&Desk::new());
    let path = format!("{MINE}/messagesessions/{SESSION}/messages");
    for (text, sentence) in [
        (desk::PANIC, "the server failed"),
        (
            desk::NEVER,
            "the call took too long; whether it was carried out is not known",
        ),
    ] {
        let sms = json!({
            "type": "sms", "message": text, "destination": "15550101234",
            "from-number": "15550109876",
        });
        let answer = ask(&router, call("POST", &path, &sms)).await;
        assert_said(&answer, 500, sentence);
    }
    ask(&router, get(&format!("{MINE}/messagesessions")))
        .await
        .document();
}

#[track_caller]
fn check_setting(name: &str, value: &str, demand: &str) {
    let account = Account::new("pbx").with(name, value.to_owned());
    let error = ServerOptions::of(&account).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let sentence = format!("account pbx: setting {name} must be {demand}");
    assert_eq!(error.to_string(), sentence);
}

#[test]
fn every_setting_that_is_wrong_is_named() {
    check_setting("times", "date", "datetime or timestamp");
    check_setting("send_answer", "200", "message or accepted");
    check_setting("single_session", "row", "array or object");
    check_setting("numeric_texts", "yes", "on or off");
    check_setting("credentials_refused_as", "404", "400 or 401 or 403");
    check_setting("rate_limited_as", "503", "429 or 403");
    let url = "a URL such as https://pbx.example.test";
    for wrong in [
        "pbx.example.test",
        "ftp://pbx.example.test",
        "https://",
        "https://a/?b",
    ] {
        check_setting("public_url", wrong, url);
    }
    check_setting("jwt_secret", "too short", "at least 32 characters");
}

#[test]
fn options_show_no_secret() {
    let secret = "a secret of more than thirty-two characters";
    let shown = format!("{:?}", options(&[("jwt_secret", secret)]));
    assert!(!shown.contains(secret), "{shown}");
}
