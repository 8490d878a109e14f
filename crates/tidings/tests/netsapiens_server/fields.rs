//! Every field of every document wrong in turn: 400, and the answer names it.

use serde_json::{Value, json};

use crate::desk::{Desk, SESSION, SUBSCRIPTION};
use crate::{API, MINE, ask, assert_said, call, serve};

/// A document that is right but for one field.
async fn check(method: &str, path: &str, right: &Value, field: &str, wrong: Value, sentence: &str) {
    let desk = Desk::new();
    let mut body = right.clone();
    body[field] = wrong.clone();
    if wrong.is_null() {
        body.as_object_mut().unwrap().remove(field);
    }
    let answer = ask(&serve(&desk), call(method, path, &body)).await;
    assert!(sentence.contains(field), "{sentence} does not name {field}");
    assert_said(&answer, 400, sentence);
    assert!(desk.asked().is_empty(), "{:?}", desk.asked());
}

#[tokio::test]
async fn of_a_send() {
    let sms = json!({
        "type": "sms", "message": "hello", "destination": "15550101234",
        "from-number": "15550109876",
    });
    let mut mms = sms.clone();
    mms["type"] = json!("mms");
    mms["data"] = json!("iVBORw0KGgo=");
    mms["mime-type"] = json!("image/png");
    mms["size"] = json!(8);
    let number = "must be a phone number: digits with country code, such as 15550101234";
    let kinds = "must be one of chat, sms, mms, chat-media, chat-video, chat-video-invite, \
                 chat-name-change, chat-participant-add, chat-participant-remove, \
                 chat-participant-leave";
    let text = "is not right: expected a text";
    let base64 = "is not right: expected a file in base64";
    let long = "4".repeat(300);
    let in_session = format!("{MINE}/messagesessions/{SESSION}/messages");
    for path in [format!("{MINE}/messages"), in_session] {
        for (right, field, wrong, fault) in [
            (&sms, "type", json!(null), "Please include field type"),
            (&sms, "type", json!(""), "Please include field type"),
            (&sms, "type", json!("SMS"), &*format!("type {kinds}")),
            (&sms, "type", json!(["sms"]), &format!("type {text}")),
            (&sms, "message", json!(null), "Please include field message"),
            (&sms, "message", json!(""), "Please include field message"),
            (&sms, "message", json!({"a": 1}), &format!("message {text}")),
            (
                &sms,
                "destination",
                json!("nobody"),
                &format!("destination {number}"),
            ),
            (
                &sms,
                "destination",
                json!("12345"),
                &format!("destination {number}"),
            ),
            (
                &sms,
                "destination",
                json!("1 555 010 1234"),
                &format!("destination {number}"),
            ),
            (
                &sms,
                "destination",
                json!("+"),
                &format!("destination {number}"),
            ),
            (
                &sms,
                "destination",
                json!(long),
                &format!("destination {number}"),
            ),
            (
                &sms,
                "destination",
                json!("１５５５０１０１２３４"),
                &format!("destination {number}"),
            ),
            (
                &sms,
                "destination",
                json!(["15550101234", ""]),
                &format!("destination {number}"),
            ),
            (
                &sms,
                "destination",
                json!(true),
                "destination is not right: expected a text or a list of texts",
            ),
            (
                &sms,
                "destination",
                json!([["1"]]),
                "destination[0] is not right: expected a text",
            ),
            (
                &sms,
                "from-number",
                json!(null),
                "Please include field from-number",
            ),
            (
                &sms,
                "from-number",
                json!(""),
                "Please include field from-number",
            ),
            (
                &sms,
                "from-number",
                json!("Acme"),
                &format!("from-number {number}"),
            ),
            (
                &sms,
                "from-number",
                json!({"n": 1}),
                &format!("from-number {text}"),
            ),
            (
                &sms,
                "data",
                json!("iVBORw0KGgo="),
                "data belongs to a message of the type mms or chat-media",
            ),
            (&mms, "data", json!(null), "Please include field data"),
            (
                &mms,
                "data",
                json!("data:image/png;base64,iVBORw0KGgo="),
                &format!("data {base64}"),
            ),
            (
                &mms,
                "data",
                json!("iVBORw0K\nGgo="),
                &format!("data {base64}"),
            ),
            (
                &mms,
                "data",
                json!(" iVBORw0KGgo="),
                &format!("data {base64}"),
            ),
            (
                &mms,
                "data",
                json!("iVBORw0KGgo-"),
                &format!("data {base64}"),
            ),
            (&mms, "data", json!([1]), &format!("data {text}")),
            (
                &mms,
                "mime-type",
                json!(null),
                "Please include field mime-type",
            ),
            (
                &mms,
                "mime-type",
                json!("picture"),
                "mime-type is not right: a mime type has the form type/subtype, such as image/png",
            ),
            (&mms, "size", json!(7), "size is not that of data, 8 bytes"),
            (&mms, "size", json!(-8), "size must not be negative"),
            (
                &mms,
                "size",
                json!("large"),
                "size is not right: expected a whole number",
            ),
            (
                &mms,
                "size",
                json!(8.5),
                "size is not right: expected a whole number",
            ),
        ] {
            check("POST", &path, right, field, wrong, fault).await;
        }
    }
    let chat = json!({"type": "chat", "message": "ping", "destination": "201"});
    for wrong in ["two words", "a@b@c", "@example.test", "201@", "201,202"] {
        let fault = "destination must be an extension, or user@domain";
        check(
            "POST",
            &format!("{MINE}/messages"),
            &chat,
            "destination",
            json!(wrong),
            fault,
        )
        .await;
    }
}

#[tokio::test]
async fn of_a_send_outside_of_sessions_the_recipient_is_needed() {
    for nobody in [json!(null), json!(""), json!([])] {
        let right = json!({"type": "sms", "message": "hello", "from-number": "15550109876"});
        let path = format!("{MINE}/messages");
        let fault = "Please include field destination";
        check("POST", &path, &right, "destination", nobody, fault).await;
    }
}

#[tokio::test]
async fn of_a_change_of_a_session() {
    let path = format!("{MINE}/messagesessions/{SESSION}");
    let nothing = json!({});
    let missing = "Please include field participants, session-name or messagesession-last-status";
    let commas = "participants must be users or numbers with single commas between them";
    let long = "session-name must be a text of at most 255 characters in one line";
    for (field, wrong, fault) in [
        ("participants", json!(null), missing),
        ("participants", json!(""), missing),
        ("session-name", json!(""), missing),
        ("participants", json!("200,,201"), commas),
        ("participants", json!("200,"), commas),
        (
            "participants",
            json!({"a": 1}),
            "participants is not right: expected a text",
        ),
        ("session-name", json!("x".repeat(256)), long),
        ("session-name", json!("two\nlines"), long),
        (
            "session-name",
            json!(["a"]),
            "session-name is not right: expected a text",
        ),
        (
            "messagesession-last-status",
            json!("seen"),
            "messagesession-last-status must be read or unread",
        ),
    ] {
        check("PUT", &path, &nothing, field, wrong, fault).await;
    }
}

#[tokio::test]
async fn of_a_number() {
    let path = format!("{API}/domains/~/smsnumbers");
    let right = json!({"number": "15550109876", "application": "user", "dest": "200"});
    let number = "number must be a phone number: digits with country code, such as 15550101234";
    for (field, wrong, fault) in [
        ("number", json!(null), "Please include field number"),
        ("number", json!("one"), number),
        ("number", json!([]), "Please include field number"),
        (
            "application",
            json!(null),
            "Please include field application",
        ),
        (
            "application",
            json!(" "),
            "Please include field application",
        ),
        (
            "dest",
            json!({"x": 1}),
            "dest is not right: expected a text",
        ),
        (
            "carrier",
            json!("x".repeat(256)),
            "carrier must be a text of at most 255 characters in one line",
        ),
    ] {
        check("POST", &path, &right, field, wrong, fault).await;
    }
    let path = format!("{path}/15550109876");
    let right = json!({"application": "user"});
    let fault = "Please include field application";
    check("PUT", &path, &right, "application", json!(null), fault).await;
    let path = format!("{API}/domains/~/smsnumbers/one");
    for method in ["PUT", "DELETE"] {
        let answer = ask(&serve(&Desk::new()), call(method, &path, &right)).await;
        assert_said(&answer, 400, &format!("sms{number}"));
    }
}

#[tokio::test]
async fn of_a_subscription() {
    let right = json!({"model": "message", "post-url": "https://hooks.example.test/ns?k=abc"});
    let models = "model must be one of agent, auditlog, auditlog_lite, call, call_origid, cdr, \
                  message, messagesession, subscriber, presence, voicemail";
    let url = "post-url must be a URL that begins with http:// or https://";
    let time = "subscription-expires-datetime is not right: \
                expected a time such as 2026-01-02 03:04:05";
    let shared = [
        ("model", json!("messages"), models),
        ("post-url", json!("hooks.example.test"), url),
        ("post-url", json!("ftp://hooks.example.test/"), url),
        ("post-url", json!("https://"), url),
        ("subscription-expires-datetime", json!("tomorrow"), time),
        (
            "subscription-geo-support",
            json!("perhaps"),
            "subscription-geo-support is not right: expected yes or no",
        ),
        (
            "preferred-server",
            json!({"a": 1}),
            "preferred-server is not right: expected a text",
        ),
    ];
    let path = format!("{API}/subscriptions");
    for (field, wrong, fault) in shared.clone() {
        check("POST", &path, &right, field, wrong, fault).await;
    }
    for (field, wrong, fault) in [
        ("model", json!(null), "Please include field model"),
        ("post-url", json!(null), "Please include field post-url"),
        ("domain", json!([1]), "domain is not right: expected a text"),
        (
            "user",
            json!("x".repeat(256)),
            "user must be a text of at most 255 characters in one line",
        ),
        (
            "reseller",
            json!({"a": 1}),
            "reseller is not right: expected a text",
        ),
        (
            "user-scope",
            json!({"a": 1}),
            "user-scope is not right: expected a text",
        ),
    ] {
        check("POST", &path, &right, field, wrong, fault).await;
    }
    let path = format!("{path}/{SUBSCRIPTION}");
    for (field, wrong, fault) in shared {
        check("PUT", &path, &json!({}), field, wrong, fault).await;
    }
    for count in ["error-count", "posts-count"] {
        let fault = format!("{count} can only be set to 0");
        check("PUT", &path, &json!({}), count, json!(1), &fault).await;
        check("PUT", &path, &json!({}), count, json!("-1"), &fault).await;
    }
}

#[tokio::test]
async fn of_a_call() {
    let path = format!("{MINE}/calls");
    let right = json!({"synchronous": "no", "call-id": "c-1", "call-term-user": "15550101234"});
    for (field, wrong, fault) in [
        ("call-id", json!(null), "Please include field call-id"),
        (
            "call-term-user",
            json!(null),
            "Please include field call-term-user",
        ),
        (
            "synchronous",
            json!("soon"),
            "synchronous is not right: expected yes or no",
        ),
        (
            "auto-answer-enabled",
            json!("soon"),
            "auto-answer-enabled is not right: expected yes or no",
        ),
        (
            "call-orig-user",
            json!({"a": 1}),
            "call-orig-user is not right: expected a text",
        ),
        (
            "caller-id-number",
            json!([1]),
            "caller-id-number is not right: expected a text",
        ),
    ] {
        check("POST", &path, &right, field, wrong, fault).await;
    }
}

#[tokio::test]
async fn of_a_list() {
    let start = "start must be a whole number from 0";
    let limit = "limit must be a whole number from 1 to 1000";
    for list in [
        format!("{API}/domains/~/messagesessions"),
        format!("{MINE}/messagesessions"),
        format!("{MINE}/messagesessions/{SESSION}/messages"),
        format!("{API}/smsnumbers"),
        format!("{API}/domains/~/smsnumbers"),
        format!("{MINE}/smsnumbers"),
        format!("{API}/subscriptions"),
        format!("{API}/domains/~/subscriptions"),
    ] {
        for (query, fault) in [
            ("start=-1", start),
            ("start=one", start),
            ("start=99999999999", start),
            ("limit=0", limit),
            ("limit=1001", limit),
            ("limit=all", limit),
            ("limit=1.5", limit),
        ] {
            let desk = Desk::new();
            let answer = ask(&serve(&desk), crate::get(&format!("{list}?{query}"))).await;
            assert_said(&answer, 400, fault);
            assert!(desk.asked().is_empty());
        }
    }
}
