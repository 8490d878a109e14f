//! Posts in every form in which servers are known or supposed to make them.

use serde_json::{Map, Value, json};

use super::{MESSAGE, SESSION, conversation_of, inbound, one_event, post};
use crate::callback::{Callback, CallbackRequest};
use crate::conversations::{Direction, Mailbox};
use crate::netsapiens::Model;
use crate::netsapiens::callback::{Event, MessageEvent, SessionEvent, Way, parse, read};

fn message(body: &str) -> MessageEvent {
    match one_event(body) {
        Event::Message(message) => *message,
        other => panic!("expected a message, not {other:?}"),
    }
}

fn session(body: &str) -> SessionEvent {
    match one_event(body) {
        Event::Session(session) => *session,
        other => panic!("expected a session, not {other:?}"),
    }
}

/// An object with some of its members different; `null` takes one away.
fn changed(object: &str, changes: &Value) -> String {
    let mut fields: Map<String, Value> = serde_json::from_str(object).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => fields.remove(name),
            value => fields.insert(name.clone(), value.clone()),
        };
    }
    Value::Object(fields).to_string()
}

#[test]
fn a_bare_object_is_a_list_of_one() {
    assert_eq!(message(MESSAGE), message(&format!("[{MESSAGE}]")));
    assert_eq!(session(SESSION), session(&format!(" \n[{SESSION}]\n")));
    assert_eq!(message(MESSAGE), message(&format!("\u{feff}{MESSAGE}")));
    let none = parse(&post("[]")).unwrap();
    assert_eq!(none, []);
}

#[test]
fn several_objects_of_both_models_share_a_post() {
    let received = read(format!("[{MESSAGE},{SESSION},{MESSAGE}]").as_bytes()).unwrap();
    let is_message = |event: &Event| matches!(event, Event::Message(_));
    let kinds: Vec<bool> = received.events.iter().map(is_message).collect();
    assert_eq!(kinds, [true, false, true]);
}

#[test]
fn numbers_may_stand_for_texts_and_keep_every_digit() {
    let numeric = changed(
        MESSAGE,
        &json!({"id": 20_000_000_001_i64, "from_num": 15_550_101_234_i64, "text": 5, "media_size": 0}),
    );
    let read = message(&numeric);
    assert_eq!((read.id.as_str(), read.text.as_str()), ("20000000001", "5"));
    assert_eq!(read.from_number, "15550101234");
    let long = MESSAGE.replace(r#""hello""#, "123456789012345678901234567890");
    assert_eq!(message(&long).text, "123456789012345678901234567890");
    let exact = MESSAGE.replace(r#""hello""#, "1.50");
    assert_eq!(message(&exact).text, "1.50");
}

/// What people write may come as anything.
#[test]
fn a_text_may_be_any_value() {
    for (written, expected) in [
        ("true", "true"),
        ("[1, 2]", "[1, 2]"),
        ("null", ""),
        ("{}", "{}"),
    ] {
        let body = MESSAGE.replace(r#""hello""#, written);
        assert_eq!(message(&body).text, expected);
        let body = SESSION.replace(r#""hello""#, written);
        assert_eq!(session(&body).last_message, expected);
    }
}

#[test]
fn both_spellings_may_be_mixed_and_the_one_with_a_value_counts() {
    let mixed = changed(
        MESSAGE,
        &json!({"from_num": "", "from-number": "15550101234", "session_id": null,
            "messagesession-id": "s1", "file-access-url ": "https://core1.example.test/f"}),
    );
    let read = message(&mixed);
    assert_eq!(read.from_number, "15550101234");
    assert_eq!(read.session_id, "s1");
    assert_eq!(read.file_access_url, "https://core1.example.test/f");
    let older = changed(
        MESSAGE,
        &json!({"from_num": null, "from-num": "15550101234"}),
    );
    assert_eq!(message(&older).from_number, "15550101234");
    let dated = changed(
        SESSION,
        &json!({"last_timestamp": null, "messagesession-last-datetime": "2026-01-02T03:04:05+00:00"}),
    );
    assert_eq!(session(&dated).last_at(), Some(super::at()));
}

#[test]
fn the_older_apis_wrapping_is_tolerated() {
    let wrapped = changed(MESSAGE, &json!({"object": "message", "action": "INSERT"}));
    assert_eq!(message(&wrapped), message(MESSAGE));
    let wrapped = changed(
        SESSION,
        &json!({"model": "messagesession", "action": "UPDATE"}),
    );
    assert_eq!(session(&wrapped), session(SESSION));
    // A name is believed more than what the object looks like.
    let named = changed(MESSAGE, &json!({"object": "voicemail"}));
    let Event::Other(other) = one_event(&named) else {
        panic!("expected another model");
    };
    assert_eq!(other.model, Some(Model::Voicemail));
    assert_eq!(*other.json, *named);
}

#[test]
fn other_models_are_kept_and_have_no_neutral_words() {
    let call = r#"{"hostname":"core1","session_id":"2026","orig_callid":"a","ani":"200","dnis":"201","time_begin":"2026-01-02 03:04:05","remove":"no"}"#;
    for (body, model) in [
        (call, None),
        ("{}", None),
        (r#"{"model":"contacts","user":"200"}"#, Some("contacts")),
        (r#"{"object":"cdr","action":"INSERT"}"#, Some("cdr")),
    ] {
        let Event::Other(other) = one_event(body) else {
            panic!("{body} is no message and no session");
        };
        assert_eq!(other.model, model.map(Model::from));
        assert_eq!(&*other.json, body);
        assert_eq!(parse(&post(body)).unwrap(), []);
    }
}

#[test]
fn a_model_is_recognised_without_any_one_of_its_members() {
    let names = |object: &str| {
        let fields: Map<String, Value> = serde_json::from_str(object).unwrap();
        fields.into_iter().map(|(name, _)| name)
    };
    for name in names(MESSAGE).filter(|name| !matches!(name.as_str(), "id" | "session_id")) {
        message(&changed(MESSAGE, &json!({ name: null })));
    }
    for name in names(SESSION).filter(|name| name != "session_id") {
        session(&changed(SESSION, &json!({ name: null })));
    }
}

#[test]
fn a_text_from_a_phone_is_an_inbound_message() {
    assert_eq!(
        parse(&post(MESSAGE)).unwrap(),
        [Callback::Inbound(inbound())]
    );
    for (changes, from, to) in [
        (
            json!({"from_num": "+15550101234"}),
            "+15550101234",
            "+15550109876",
        ),
        (
            json!({"from_num": "5552101234"}),
            "+15552101234",
            "+15550109876",
        ),
        (json!({"from_num": "72345"}), "72345", "+15550109876"),
        (
            json!({"dialed": "15550109876,15550101111"}),
            "+15550101234",
            "+15550109876",
        ),
        (json!({"dialed": ""}), "+15550101234", "200@example.test"),
        (
            json!({"direction": null, "from_uid": ""}),
            "+15550101234",
            "+15550109876",
        ),
    ] {
        let callbacks = parse(&post(changed(MESSAGE, &changes))).unwrap();
        let [Callback::Inbound(text)] = callbacks.as_slice() else {
            panic!("{changes}: {callbacks:?}");
        };
        assert_eq!(
            (text.from.as_str(), text.to.as_str()),
            (from, to),
            "{changes}"
        );
    }
}

#[test]
fn everything_else_is_about_a_conversation() {
    #[track_caller]
    fn check(changes: &Value, direction: Direction, from: &str, to: &[&str]) {
        let callbacks = parse(&post(changed(MESSAGE, changes))).unwrap();
        let [callback] = callbacks.as_slice() else {
            panic!("{callbacks:?}");
        };
        let event = conversation_of(callback);
        let message = event.message.as_ref().unwrap();
        assert_eq!(message.direction, direction);
        assert_eq!(
            (message.from.as_str(), message.to.as_slice()),
            (from, to_owned(to).as_slice())
        );
        assert_eq!(
            event.conversation.owner,
            Mailbox::new("example.test", "200")
        );
    }
    fn to_owned(list: &[&str]) -> Vec<String> {
        list.iter().map(|it| (*it).to_owned()).collect()
    }
    let (ours, theirs) = ("+15550109876", "+15550101234");
    let sent = json!({"direction": "term", "from_num": "15550109876", "dialed": "15550101234,15550105678",
        "status": "sending", "from_uid": "200@example.test", "user": ""});
    check(&sent, Direction::Outbound, ours, &[theirs, "+15550105678"]);
    let chat = json!({"direction": "", "type": "chat", "from_num": "", "dialed": "200",
        "from_uid": "201@example.test"});
    check(&chat, Direction::Internal, "201@example.test", &["200"]);
    let empty = json!({"text": ""});
    check(&empty, Direction::Inbound, theirs, &[ours]);
}

#[test]
fn times_that_are_none_cost_no_text() {
    for time in [
        "",
        "0000-00-00 00:00:00",
        "yesterday",
        "2026-13-02 03:04:05",
    ] {
        let callbacks = parse(&post(changed(MESSAGE, &json!({ "timestamp": time })))).unwrap();
        let [Callback::Inbound(text)] = callbacks.as_slice() else {
            panic!("{callbacks:?}");
        };
        assert_eq!(text.received_at, None, "{time}");
    }
}

#[test]
fn the_way_is_told_by_the_sender_where_nothing_else_tells_it() {
    #[track_caller]
    fn check(changes: &Value, way: Way) {
        assert_eq!(session(&changed(SESSION, changes)).way(), way, "{changes}");
    }
    check(&json!({}), Way::In);
    check(&json!({"last_sender": "+15550101234"}), Way::In);
    check(&json!({"last_sender": 15_550_101_234_i64}), Way::In);
    check(&json!({"last_sender": "15550109876"}), Way::Out);
    check(&json!({"last_sender": "+15550109876"}), Way::Out);
    check(&json!({"last_sender": "200@example.test"}), Way::Out);
    check(&json!({"last_sender": "201@example.test"}), Way::Out);
    let chat =
        json!({"remote": "201@example.test", "smsani": "", "last_sender": "201@example.test"});
    check(&chat, Way::In);
    let group = json!({"remote": "15550101234,15550105678", "last_sender": "15550105678"});
    check(&group, Way::In);
    check(&json!({"last_sender": ""}), Way::Unknown);
}

#[test]
fn only_posts_are_read() {
    let get = CallbackRequest::get("text=hello");
    assert_eq!(parse(&get).unwrap_err().to_string(), "the call is no POST");
}

/// What a program says of an event that is no text.
#[test]
fn what_happened_has_a_word() {
    #[track_caller]
    fn check(body: &str, expected: &str) {
        let callbacks = parse(&post(body.to_owned())).unwrap();
        let happening = conversation_of(&callbacks[0]).happening();
        assert_eq!(happening.as_str(), expected);
    }
    check(SESSION, "unread");
    check(&changed(SESSION, &json!({"last_status": "read"})), "read");
    check(&changed(MESSAGE, &json!({"direction": "term"})), "outbound");
    check(&changed(MESSAGE, &json!({"text": ""})), "inbound");
    let chat = json!({"direction": "", "from_num": "", "from_uid": "201@example.test"});
    check(&changed(MESSAGE, &chat), "internal");
}
