//! Subscriptions: made, read, changed and ended, for the caller and for a domain.

use serde_json::{Value, json};
use tidings::backend::Refusal;

use crate::desk::{self, Desk, SUBSCRIPTION};
use crate::{API, ask, assert_accepted, assert_said, call, call_as, get, serve};

fn new() -> Value {
    json!({"model": "message", "post-url": "https://hooks.example.test/ns?k=abc"})
}

/// What the desk is asked to make.
async fn check(bearer: &str, path: &str, more: &Value, expected: &str) {
    let desk = Desk::new();
    let mut body = new();
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let call = call_as(bearer, "POST", &format!("{API}{path}"), &body);
    let made = ask(&serve(&desk), call).await.document();
    assert_eq!(made["id"], SUBSCRIPTION);
    assert_eq!(made["status"], "pending");
    assert_eq!(desk.asked(), [format!("subscribe message {expected}")]);
}

#[tokio::test]
async fn a_subscription_ends_with_its_token_unless_it_says_otherwise() {
    let nothing = json!({});
    let hour = "None None None None None None until 2026-01-02T04:04:05.678Z";
    check(desk::TOKEN, "/subscriptions", &nothing, hour).await;
    let years = "None None None None None None until 2046-01-02T03:04:05.678Z";
    check(desk::KEY, "/subscriptions", &nothing, years).await;
    for written in [
        "2046-01-01 00:00:00",
        "2046-01-01T00:00:00+00:00",
        "2046-01-01T00:00:00Z",
        "2046-01-01T01:00:00+01:00",
    ] {
        let more = json!({"subscription-expires-datetime": written});
        let expected = "None None None None None None until 2046-01-01T00:00:00Z";
        check(desk::TOKEN, "/subscriptions", &more, expected).await;
    }
}

#[tokio::test]
async fn whose_events_they_are() {
    let hour = "until 2026-01-02T04:04:05.678Z";
    let more = json!({
        "domain": "*", "user": "*", "reseller": "*", "user-scope": "Office Manager",
        "subscription-geo-support": "no", "preferred-server": "core1.example.test",
    });
    let expected = "Some(\"*\") Some(\"*\") Some(\"*\") Some(\"Office Manager\") Some(false) \
                    Some(\"core1.example.test\")";
    check(
        desk::TOKEN,
        "/subscriptions",
        &more,
        &format!("{expected} {hour}"),
    )
    .await;
    let more = json!({"domain": "~", "user": "~", "reseller": "~"});
    let expected = "Some(\"example.test\") Some(\"200\") Some(\"Acme\") None None None";
    check(
        desk::TOKEN,
        "/subscriptions",
        &more,
        &format!("{expected} {hour}"),
    )
    .await;
    let expected = "Some(\"example.test\") None None None None None";
    check(
        desk::TOKEN,
        "/domains/~/subscriptions",
        &json!({}),
        &format!("{expected} {hour}"),
    )
    .await;
    let server = json!({"server_preferred": "core2.example.test"});
    let expected = "None None None None None Some(\"core2.example.test\")";
    check(
        desk::TOKEN,
        "/subscriptions",
        &server,
        &format!("{expected} {hour}"),
    )
    .await;
}

#[tokio::test]
async fn one_like_it_is_a_conflict() {
    let desk = Desk::new();
    desk.refuse(Refusal::Duplicate);
    for path in ["/subscriptions", "/domains/~/subscriptions"] {
        let call = call("POST", &format!("{API}{path}"), &new());
        let answer = ask(&serve(&desk), call).await;
        assert_said(&answer, 409, "Subscription already exists");
    }
}

#[tokio::test]
async fn any_one_field_is_changed_alone() {
    for (body, expected) in [
        (json!({}), "None None None false false None None"),
        (
            json!({"model": "messagesession"}),
            "Some(\"messagesession\") None None false false None None",
        ),
        (
            json!({"post-url": "http://127.0.0.1:8080/"}),
            "None Some(\"http://127.0.0.1:8080/\") None false false None None",
        ),
        (
            json!({"subscription-expires-datetime": "2046-01-01 00:00:00"}),
            "None None Some(\"2046-01-01T00:00:00Z\") false false None None",
        ),
        (
            json!({"error-count": 0}),
            "None None None true false None None",
        ),
        (
            json!({"error-count": "0"}),
            "None None None true false None None",
        ),
        (
            json!({"posts-count": 0}),
            "None None None false true None None",
        ),
        (
            json!({"subscription-geo-support": "no", "domain": "*", "user": "*"}),
            "None None None false false Some(false) None",
        ),
        (
            json!({"preferred-server": "core1.example.test"}),
            "None None None false false None Some(\"core1.example.test\")",
        ),
    ] {
        let desk = Desk::new();
        let path = format!("{API}/subscriptions/{SUBSCRIPTION}");
        assert_accepted(&ask(&serve(&desk), call("PUT", &path, &body)).await);
        assert_eq!(desk.asked(), [format!("change {SUBSCRIPTION} {expected}")]);
    }
}

#[tokio::test]
async fn they_are_read_and_ended() {
    let desk = Desk::new();
    let router = serve(&desk);
    let path = format!("{API}/subscriptions/{SUBSCRIPTION}");
    let one = ask(&router, get(&path)).await.document();
    let expected = json!({
        "id": SUBSCRIPTION, "subscription-geo-support": "yes",
        "post-url": "https://hooks.example.test/ns?k=abc", "model": "message",
        "user-scope": "Office Manager", "reseller": "Acme", "domain": "example.test",
        "user": "*", "preferred-server": "", "current-active-server": "", "status": "pending",
        "error-count": 0, "posts-count": 0,
        "subscription-creation-datetime": "2026-01-01T00:00:00+00:00",
        "subscription-expires-datetime": "2046-01-01T00:00:00+00:00",
    });
    assert_eq!(one, expected);
    let body = json!({"subscription_id": SUBSCRIPTION, "domain": "example.test"});
    for body in [Value::Null, body] {
        assert_accepted(&ask(&router, call("DELETE", &path, &body)).await);
        let asked = desk.asked();
        assert_eq!(
            *asked.last().unwrap(),
            format!("unsubscribe {SUBSCRIPTION}")
        );
    }
    let missing = ask(&router, get(&format!("{API}/subscriptions/none"))).await;
    assert_said(&missing, 404, "Resource not found.");
}

#[tokio::test]
async fn in_another_domain_it_is_not_there() {
    let desk = Desk::new();
    let router = serve(&desk);
    let change = json!({"error-count": 0});
    for (method, body) in [
        ("GET", Value::Null),
        ("PUT", change),
        ("DELETE", Value::Null),
    ] {
        let path = |domain: &str| format!("{API}/domains/{domain}/subscriptions/{SUBSCRIPTION}");
        let answer = ask(&router, call(method, &path("other.test"), &body)).await;
        assert_said(&answer, 404, "Resource not found.");
        let answer = ask(&router, call(method, &path("~"), &body)).await;
        assert!(answer.status.is_success());
    }
    let changed = desk
        .asked()
        .iter()
        .filter(|asked| asked.starts_with("change"))
        .count();
    assert_eq!(changed, 1);
}
