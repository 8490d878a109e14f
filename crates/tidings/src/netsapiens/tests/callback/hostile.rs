//! What is wrong in a post: named, never repeated, and never in the way of what is right.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{MESSAGE, SESSION, post, subscribed};
use crate::netsapiens::callback::{Event, Spelling, emit, parse, read, write};

const SECRET: &str = "47aabbccdd";

fn fields(object: &str) -> Map<String, Value> {
    serde_json::from_str(object).unwrap()
}

/// The same object in the names of the API's lists.
fn kebab(object: &str) -> Map<String, Value> {
    let received = read(object.as_bytes()).unwrap();
    let written = write(Spelling::Kebab, &received.events);
    let mut objects: Vec<Map<String, Value>> = serde_json::from_slice(&written.body).unwrap();
    objects.remove(0)
}

/// An object with one field wrong between good ones.
#[track_caller]
fn check_wrong(object: &Map<String, Value>, name: &str) {
    let [message, session] = [MESSAGE, SESSION].map(fields);
    let body = json!([message, object, session]).to_string();

    let received = read(body.as_bytes()).unwrap();
    let [fault] = received.unreadable.as_slice() else {
        panic!("{name}: {received:?}");
    };
    assert_eq!(fault.at, format!("[1].{name}"));
    assert_eq!(received.events.len(), 2);

    let error = parse(&post(body)).unwrap_err();
    assert!(
        error.to_string().contains(&format!("[1].{name} ")),
        "{error}"
    );
    assert_eq!(error.readable.len(), 2);
    let shown = format!("{error} {error:?} {received:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}

/// The members that are not looked at: they are in the rows of the API's lists only.
fn is_read(name: &str) -> bool {
    let unread = ["video", "deleted", "queue", "agent-start", "reminder"];
    !unread.iter().any(|part| name.contains(part))
}

#[test]
fn every_field_wrong_in_turn_is_named_and_the_other_objects_are_read() {
    let mut n_checked = 0;
    for object in [
        fields(MESSAGE),
        kebab(MESSAGE),
        fields(SESSION),
        kebab(SESSION),
    ] {
        for name in object.keys().filter(|name| is_read(name)) {
            let is_number = name.ends_with("size");
            let is_flag = name.ends_with("muted");
            let is_free =
                name == "text" || name.ends_with("mesg") || name.ends_with("last-message");
            let mut wrong = vec![json!([SECRET]), json!({ SECRET: SECRET })];
            match (is_number, is_flag) {
                (true, _) => wrong.extend([json!(SECRET), json!(1.5), json!("1.5"), json!(-1)]),
                (_, true) => wrong.extend([json!(SECRET), json!(2)]),
                _ => wrong.push(json!(true)),
            }
            for value in wrong {
                if is_free {
                    // What people write may be anything.
                    continue;
                }
                let mut object = object.clone();
                object[name.as_str()] = value;
                check_wrong(&object, name);
                n_checked += 1;
            }
        }
    }
    assert_eq!(n_checked, 182);
}

#[test]
fn every_field_that_is_needed_is_missed_by_name() {
    for (object, needed) in [
        (fields(MESSAGE), vec!["id", "session_id"]),
        (kebab(MESSAGE), vec!["id", "messagesession-id"]),
        (fields(SESSION), vec!["session_id"]),
        (kebab(SESSION), vec!["messagesession-id"]),
    ] {
        for name in object.keys() {
            let mut empty = object.clone();
            empty[name.as_str()] = json!("");
            if needed.contains(&name.as_str()) {
                check_wrong(&empty, name);
                continue;
            }
            let received = read(Value::Object(empty).to_string().as_bytes()).unwrap();
            assert_eq!(received.unreadable, [], "{name}");
        }
    }
}

#[test]
fn a_text_without_its_sender_is_missed_when_it_is_to_be_one() {
    for (name, of) in [
        ("from_num", vec!["from_num"]),
        ("dialed", vec!["dialed", "term_uid"]),
    ] {
        let mut object = fields(MESSAGE);
        for name in of {
            object[name] = json!("");
        }
        let body = json!([object, fields(SESSION)]).to_string();
        let error = parse(&post(body)).unwrap_err();
        let expected = format!("the call cannot be read: [0].{name} is missing");
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.readable.len(), 1);
    }
}

#[test]
fn objects_that_are_none_are_named_by_their_place() {
    let body = format!(
        r#"[{MESSAGE},7,null,"x",[],{{"id":"\ud800","text":"","dialed":"","session_id":""}}]"#
    );
    let received = read(body.as_bytes()).unwrap();
    let faults: Vec<String> = received
        .unreadable
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "[1] is no object",
        "[2] is no object",
        "[3] is no object",
        "[4] is no object",
        "[5].id is no text",
    ];
    assert_eq!(faults, expected);
    let error = parse(&post(body)).unwrap_err();
    let expected = "the call has 5 objects that cannot be read; the first: [1] is no object";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.readable.len(), 1);
}

#[test]
fn a_body_that_is_no_list_is_refused_as_a_whole() {
    #[track_caller]
    fn check(body: &[u8], fault: &str) {
        let error = parse(&post(body.to_vec())).unwrap_err();
        assert_eq!(error.to_string(), format!("the call {fault}"));
        assert_eq!(error.readable, []);
    }
    check(b"", "is no list of objects");
    check(b"\"secret\"", "is no list of objects");
    check(b"7", "is no list of objects");
    check(b"text=secret", "is no list of objects");
    check(b"[", "is no JSON");
    check(b"{\"id\":", "is no JSON");
    check(b"[\"\xff\"]", "is no JSON");
    check(b"[] []", "is no JSON");
}

#[test]
fn deep_json_does_not_exhaust_the_stack() {
    for open in ["[", "{\"a\":"] {
        let deep = open.repeat(200_000);
        assert!(parse(&post(deep)).is_err());
    }
    let depth = 200_000;
    let deep = format!(
        "[{}]",
        MESSAGE.replace(
            "\"hello\"",
            &["[".repeat(depth), "]".repeat(depth)].concat()
        )
    );
    let received = read(deep.as_bytes()).unwrap();
    assert_eq!(received.events.len() + received.unreadable.len(), 1);
}

#[test]
fn debug_shows_no_text_and_no_number() {
    let body = format!(r#"[{MESSAGE},{SESSION},{{"object":"cdr","secret":"15550101234"}}]"#);
    let request = post(body.clone());
    let received = read(body.as_bytes()).unwrap();
    let callbacks = parse(&request).unwrap();
    let written = write(Spelling::Kebab, &received.events);
    let shown = format!("{received:?} {callbacks:?} {request:?} {written:?}");
    for secret in ["15550101234", "15550109876", "hello", "secret"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// Somebody may put anything into an event that he keeps.
#[test]
fn an_object_that_is_no_json_any_more_is_written_as_a_text() {
    let mut events = read(b"{}").unwrap().events;
    let Some(Event::Other(other)) = events.first_mut() else {
        panic!("expected another model");
    };
    other.json = "no \"json\"".into();
    let written = write(Spelling::Underscore, &events);
    assert_eq!(super::body(&written), r#"["no \"json\""]"#);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("15550101234")),
        Just(json!("2026-01-02 03:04:05")),
        Just(json!("200@example.test")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        proptest::collection::vec(inner, 0..3).prop_map(Value::from)
    })
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _: Result<_, _> = read(&bytes);
        let _: Result<_, _> = parse(&post(bytes));
    }

    /// What looks like an event in most places; and whatever is made of it can be emitted.
    #[test]
    fn no_values_are_too_strange(
        values in proptest::collection::vec(json_value(), 40),
        is_session in any::<bool>(),
        is_kebab in any::<bool>(),
    ) {
        let good = if is_session { SESSION } else { MESSAGE };
        let mut object = if is_kebab { kebab(good) } else { fields(good) };
        for (value, (_, wrong)) in object.values_mut().zip(values.chunks(2).filter_map(|two| {
            Some((two.first()?, two.get(1)?))
        })) {
            *value = wrong.clone();
        }
        let body = Value::Object(object).to_string();
        let received = read(body.as_bytes()).unwrap();
        prop_assert_eq!(received.events.len() + received.unreadable.len(), 1);
        let callbacks = parse(&post(body)).unwrap_or_default();
        for model in ["message", "messagesession"] {
            for spelling in [Spelling::Underscore, Spelling::Kebab] {
                for post in emit(&subscribed(model, spelling), &callbacks) {
                    let _: Result<_, _> = parse(&post);
                }
            }
        }
    }

    #[test]
    fn no_change_to_a_good_post_is_too_strange(
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..4),
        n_removed in 0_usize..4,
    ) {
        let mut body = format!("[{MESSAGE},{SESSION}]").into_bytes();
        let start = at.index(body.len());
        let end = (start + n_removed).min(body.len());
        body.splice(start..end, bytes);
        let _: Result<_, _> = parse(&post(body));
    }
}
