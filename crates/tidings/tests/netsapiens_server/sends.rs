//! What is read of a send: kinds, numbers in every form, groups, replies, files; and how it is
//! answered.

use serde_json::{Value, json};

use crate::desk::{Desk, SESSION};
use crate::{MINE, ask, assert_accepted, call, serve, serve_as};

const NEW: &str = "post 200@example.test new:";

fn in_session() -> String {
    format!("{MINE}/messagesessions/{SESSION}/messages")
}

fn with(base: &Value, changes: &Value) -> Value {
    let mut all = base.clone();
    let members = all.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    all
}

fn sms() -> Value {
    json!({
        "type": "sms", "message": "hello", "destination": "15550101234",
        "from-number": "15550109876",
    })
}

fn mms() -> Value {
    with(
        &sms(),
        &json!({
            "type": "mms", "data": "iVBORw0KGgo=", "mime-type": "image/png", "size": 8,
        }),
    )
}

/// What the desk is asked to send into the session.
async fn check(body: &Value, expected: &str) {
    let desk = Desk::new();
    let answer = ask(&serve(&desk), call("POST", &in_session(), body)).await;
    assert_accepted(&answer);
    let expected = format!("post 200@example.test {SESSION}: {expected}");
    assert_eq!(desk.asked(), [expected], "{body}");
}

#[tokio::test]
async fn numbers_come_in_every_form_that_clients_write() {
    let expected = "sms +15550109876->+15550101234: hello";
    for number in [
        json!("15550101234"),
        json!("+15550101234"),
        json!("5550101234"),
        json!(" 15550101234 "),
        json!(15_550_101_234_u64),
        json!(5_550_101_234_u64),
        json!(["15550101234"]),
        json!([15_550_101_234_u64]),
    ] {
        check(&with(&sms(), &json!({"destination": number})), expected).await;
    }
    for number in [
        json!("+15550109876"),
        json!("5550109876"),
        json!(15_550_109_876_u64),
    ] {
        check(&with(&sms(), &json!({"from-number": number})), expected).await;
    }
    for older in ["from-num", "from_num"] {
        let body = with(&sms(), &json!({"from-number": null, older: "15550109876"}));
        check(&body, expected).await;
    }
    let norway = json!({"destination": "4741000001"});
    check(
        &with(&sms(), &norway),
        "sms +15550109876->+14741000001: hello",
    )
    .await;
    let norway = json!({"destination": "+4741000001"});
    check(
        &with(&sms(), &norway),
        "sms +15550109876->+4741000001: hello",
    )
    .await;
}

#[tokio::test]
async fn groups_and_replies_to_everybody() {
    let group = json!({"destination": ["15550101234", "15550105678"]});
    let expected = "sms +15550109876->+15550101234,+15550105678: hello";
    check(&with(&sms(), &group), expected).await;
    for nobody in [Value::Null, json!(""), json!([])] {
        let mut body = sms();
        body["destination"] = nobody;
        check(&body, "sms +15550109876->: hello").await;
    }
    let chat =
        json!({"type": "chat", "message": "ping", "destination": ["201", "202@example.test"]});
    check(&chat, "chat ->201,202@example.test: ping").await;
    check(
        &with(&chat, &json!({"destination": 201})),
        "chat ->201: ping",
    )
    .await;
    // One client sends it always.
    check(
        &with(&chat, &json!({"from-number": "15550109876"})),
        "chat ->201,202@example.test: ping",
    )
    .await;
}

#[tokio::test]
async fn texts_are_taken_as_they_are() {
    for (text, expected) in [
        (json!(5), "5"),
        (json!(12_345_678_901_234_567_u64), "12345678901234567"),
        (json!(true), "true"),
        (json!("  two  "), "  two  "),
        (json!("zwölf 🎉\nzeilen"), "zwölf 🎉\nzeilen"),
    ] {
        let expected = format!("sms +15550109876->+15550101234: {expected}");
        check(&with(&sms(), &json!({"message": text})), &expected).await;
    }
}

#[tokio::test]
async fn files_come_as_base64_with_their_type_and_size() {
    let expected = "mms +15550109876->+15550101234: hello +image/png 8";
    check(&mms(), expected).await;
    for size in [json!("8"), json!(8.0), json!(null), json!("")] {
        let mut body = mms();
        body["size"] = size;
        check(&body, expected).await;
    }
    // Many JSON writers put a backslash before every slash.
    let escaped = mms().to_string().replace("image/png", "image\\/png");
    check(&serde_json::from_str(&escaped).unwrap(), expected).await;
    let chat = json!({
        "type": "chat-media", "message": "media", "destination": "201", "data": "iVBORw0KGgo=",
        "mime-type": "IMAGE/PNG", "size": 8,
    });
    check(&chat, "chat-media ->201: media +image/png 8").await;
}

#[tokio::test]
async fn a_file_of_a_mebibyte_is_taken() {
    use base64::Engine as _;
    let file = vec![0xA5; 1 << 20];
    let data = base64::engine::general_purpose::STANDARD.encode(&file);
    let body = with(&mms(), &json!({"data": data, "size": file.len()}));
    check(
        &body,
        "mms +15550109876->+15550101234: hello +image/png 1048576",
    )
    .await;
}

#[tokio::test]
async fn a_session_that_the_server_names_is_answered_with_the_message() {
    let desk = Desk::new();
    let path = format!("{MINE}/messages");
    let answer = ask(&serve(&desk), call("POST", &path, &sms()))
        .await
        .document();
    assert_eq!(
        desk.asked(),
        [format!("{NEW} sms +15550109876->+15550101234: hello")]
    );
    assert_eq!(answer["messagesession-id"], SESSION);
    assert_eq!(answer["direction"], "term");
    assert_eq!(answer["status"], "sending");
    assert_eq!(answer["from-number"], 15_550_109_876_u64);
    let router = serve_as(&Desk::new(), &[("send_answer", "accepted")]);
    assert_accepted(&ask(&router, call("POST", &path, &sms())).await);
}

#[tokio::test]
async fn a_session_that_the_sender_names_needs_an_id_that_nobody_guesses() {
    let router = serve(&Desk::new());
    let fault = "messagesession must be 32 to 255 letters, digits and underscores";
    for id in [
        "short",
        "0f1e2d3c4b5a69788796a5b4c3d2e1f",
        "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        "%E2%82%AC1e2d3c4b5a69788796a5b4c3d2e1f0",
    ] {
        let path = format!("{MINE}/messagesessions/{id}/messages");
        let answer = ask(&router, call("POST", &path, &sms())).await;
        crate::assert_said(&answer, 400, fault);
    }
    let id = "A_".repeat(16);
    let path = format!("{MINE}/messagesessions/{id}/messages");
    assert_accepted(&ask(&router, call("POST", &path, &sms())).await);
}

#[tokio::test]
async fn a_number_of_somebody_else_is_refused_by_its_name_on_the_wire() {
    let body = with(&sms(), &json!({"from-number": "15550109999"}));
    for path in [in_session(), format!("{MINE}/messages")] {
        let answer = ask(&serve(&Desk::new()), call("POST", &path, &body)).await;
        crate::assert_said(&answer, 400, "from-number is no number of this user");
    }
}

#[tokio::test]
async fn what_other_clients_add_changes_nothing() {
    let more = json!({"operation": "send", "synchronous": "yes", "x": [1, {"y": null}]});
    check(
        &with(&sms(), &more),
        "sms +15550109876->+15550101234: hello",
    )
    .await;
}
