//! Whatever is sent, no call is answered with a failure of the server, and every answer that is no
//! document is a code and a sentence.

use axum::body::Body;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::desk::{self, Desk, SESSION, SUBSCRIPTION};
use crate::{API, Answer, MINE, call, call_as, read, request, serve};
use tower::ServiceExt;

fn answer_to(call: Request<Body>) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let answer = serve(&Desk::new()).oneshot(call).await.unwrap();
        read(answer).await
    })
}

#[track_caller]
fn assert_no_failure(answer: &Answer) {
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    if answer.status.as_u16() != 200 {
        let said = answer.json();
        assert_eq!(said["code"], answer.status.as_u16());
        assert!(!said["message"].as_str().unwrap().is_empty());
    }
}

/// Any JSON value of a modest size.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[+0-9A-Za-z:.@,=-]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z-]{1,8}", inner, 0..4)
                .prop_map(|members| json!(members)),
        ]
    })
}

/// A call that takes a body, with a body that is right.
fn any_call() -> impl Strategy<Value = (&'static str, String, Value)> {
    let sms = json!({
        "type": "sms", "message": "hello", "destination": "15550101234",
        "from-number": "15550109876",
    });
    let mut mms = sms.clone();
    mms["type"] = json!("mms");
    mms["data"] = json!("iVBORw0KGgo=");
    mms["mime-type"] = json!("image/png");
    mms["size"] = json!(8);
    let credentials = json!({
        "grant_type": "mfa", "client_id": "acme.app", "client_secret": desk::CLIENT_SECRET,
        "username": "200@example.test", "password": desk::PASSWORD, "mfa_type": "a",
        "mfa_vendor": "g", "ns_id_type": "level1", "passcode": desk::PASSCODE,
        "access_token": desk::STEP, "refresh_token": desk::REFRESH, "refresh": "a.b.c",
        "user": "200", "domain": "example.test",
    });
    let change = json!({
        "participants": "200,201", "session-name": "Team", "messagesession-last-status": "read",
    });
    let number = json!({
        "number": "15550109876", "application": "user", "dest": "200", "carrier": "c",
    });
    let subscription = json!({
        "model": "message", "post-url": "https://hooks.example.test/", "domain": "~",
        "user": "~", "reseller": "~", "user-scope": "Basic User",
        "subscription-geo-support": "yes", "preferred-server": "core1",
        "subscription-expires-datetime": "2046-01-01 00:00:00", "error-count": 0,
        "posts-count": 0,
    });
    let phone_call = json!({
        "synchronous": "yes", "call-id": "c-1", "call-term-user": "201",
        "call-orig-user": "200@example.test", "auto-answer-enabled": "no",
        "caller-id-number": "15550109876",
    });
    prop::sample::select(vec![
        ("POST", format!("{MINE}/messages"), sms.clone()),
        (
            "POST",
            format!("{MINE}/messagesessions/{SESSION}/messages"),
            mms,
        ),
        ("POST", format!("{API}/tokens"), credentials.clone()),
        (
            "POST",
            "/ns-api/oauth2/token/".to_owned(),
            credentials.clone(),
        ),
        ("POST", format!("{API}/jwt"), credentials),
        ("PUT", format!("{MINE}/messagesessions/{SESSION}"), change),
        (
            "POST",
            format!("{API}/domains/~/smsnumbers"),
            number.clone(),
        ),
        (
            "PUT",
            format!("{API}/domains/~/smsnumbers/15550109876"),
            number,
        ),
        ("POST", format!("{API}/subscriptions"), subscription.clone()),
        (
            "PUT",
            format!("{API}/subscriptions/{SUBSCRIPTION}"),
            subscription,
        ),
        ("POST", format!("{MINE}/calls"), phone_call),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bodies(
        (method, path, _) in any_call(),
        body in prop::collection::vec(any::<u8>(), 0..400),
        content_type in prop::sample::select(vec![
            "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "",
        ]),
    ) {
        let bearer = format!("Bearer {}", desk::TOKEN);
        let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
        assert_no_failure(&answer_to(request(method, &path, &headers, body)));
    }

    #[test]
    fn arbitrary_values_in_every_field(
        (method, path, mut body) in any_call(),
        at in any::<prop::sample::Index>(),
        value in any_value(),
    ) {
        let names: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
        body[at.get(&names)] = value;
        assert_no_failure(&answer_to(call(method, &path, &body)));
    }

    #[test]
    fn arbitrary_texts_around_a_right_call(
        (method, path, body) in any_call(),
        at in any::<prop::sample::Index>(),
        junk in any::<String>(),
        replaced in 0_usize..20,
    ) {
        let mut text: Vec<char> = body.to_string().chars().collect();
        let at = at.index(text.len());
        let end = (at + replaced).min(text.len());
        text.splice(at..end, junk.chars());
        let text: String = text.into_iter().collect();
        let bearer = format!("Bearer {}", desk::TOKEN);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        assert_no_failure(&answer_to(request(method, &path, &headers, text)));
    }

    #[test]
    fn arbitrary_paths_queries_and_headers(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "PATCH"]),
        family in prop::sample::select(vec![
            "/", "/ns-api/", "/ns-api/v2/", "/ns-api/v2/domains/", "/ns-api/v2/jwt/",
            "/ns-api/v2/domains/~/users/", "/ns-api/v2/domains/~/users/~/messagesessions/",
            "/ns-api/v2/domains/~/smsnumbers/", "/ns-api/v2/subscriptions/",
        ]),
        path in "[/a-z%0-9A-F~*._-]{0,24}",
        query in "[a-z=&%0-9*]{0,40}",
        host in "[ -~]{0,40}",
        bearer in "[ -~]{0,80}",
        is_signed in any::<bool>(),
    ) {
        let bearer = if is_signed { desk::TOKEN } else { &bearer };
        let path = format!("{family}{path}?{query}");
        if path.parse::<http::Uri>().is_ok() {
            let mut call = call_as(bearer, method, &path, &Value::Null);
            call.headers_mut().insert("host", host.parse().unwrap());
            assert_no_failure(&answer_to(call));
        }
    }

    #[test]
    fn arbitrary_texts_arrive_as_they_are(text in "\\PC{1,60}") {
        let desk = Desk::new();
        let body = json!({"type": "chat", "message": text, "destination": "201"});
        let path = format!("{MINE}/messagesessions/{SESSION}/messages");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            serve(&desk).oneshot(call("POST", &path, &body)).await.unwrap();
        });
        // The words at which the desk does something else are none of these.
        let expected = format!("post 200@example.test {SESSION}: chat ->201: {text}");
        assert_eq!(desk.asked(), [expected]);
    }
}
