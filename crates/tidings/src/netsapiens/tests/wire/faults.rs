//! Every member of every document is wrong in turn: the error names it, in lists with its row, and
//! shows nothing of what stands there.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::netsapiens::wire::{self, Document, Expected, FieldFault, ReadError, Rows};

const SECRET: &str = "hunter2";

/// The members of a document as it is written with everything set.
#[track_caller]
fn check<T: Document>(members: &[(&str, Expected)]) {
    assert!(wire::read::<T>(b"{}").is_ok());
    let mut names = BTreeSet::new();
    for &(name, expected) in members {
        assert!(names.insert(name), "{name} twice");
        let wrong = match expected {
            Expected::Text => json!({ SECRET: SECRET }),
            Expected::TextOrList => json!([[SECRET]]),
            _ => json!(SECRET),
        };
        let path = match expected {
            Expected::TextOrList => format!("{name}[0]"),
            _ => name.to_owned(),
        };
        let expected = match expected {
            Expected::TextOrList => Expected::Text,
            expected => expected,
        };
        let fault = FieldFault::new(path, expected);
        check_one::<T>(name, &wrong, &fault);
        for wrong in [json!([1]), json!({"a": 1})] {
            if expected != Expected::Text || !fault.field.ends_with(']') {
                check_one::<T>(name, &wrong, &fault);
            }
        }
    }
}

#[track_caller]
fn check_one<T: Document>(name: &str, wrong: &Value, fault: &FieldFault) {
    let mut members = Map::new();
    members.insert(name.to_owned(), wrong.clone());
    let body = Value::Object(members).to_string();
    let Err(error) = wire::read::<T>(body.as_bytes()) else {
        panic!("{name} was taken: {body}");
    };
    assert_eq!(error, ReadError::Wrong(fault.clone()), "{body}");
    assert_eq!(
        error.to_string(),
        format!("{}: {}", fault.field, fault.expected)
    );
    assert!(!format!("{error:?}").contains(SECRET));
    // The fourth row of a list, and of a list in an object.
    let list = format!("[{{}},{{}},{{}},{body}]");
    for (list, field) in [
        (list.clone(), format!("[3].{}", fault.field)),
        (
            format!(r#"{{"data":{list}}}"#),
            format!("data[3].{}", fault.field),
        ),
        (
            format!(r#"{{"messagesessions":{list}}}"#),
            format!("messagesessions[3].{}", fault.field),
        ),
    ] {
        let error = wire::read::<Rows<T>>(list.as_bytes()).err();
        let expected = FieldFault::new(field, fault.expected);
        assert_eq!(error, Some(ReadError::Wrong(expected)), "{list}");
    }
}

fn texts(names: &[&'static str]) -> Vec<(&'static str, Expected)> {
    names.iter().map(|name| (*name, Expected::Text)).collect()
}

fn with(
    names: &[&'static str],
    others: &[(&'static str, Expected)],
) -> Vec<(&'static str, Expected)> {
    let mut members = texts(names);
    members.extend(others);
    members
}

#[test]
fn sessions() {
    let members = [
        "user",
        "domain",
        "messagesession-id",
        "messagesession-remote",
        "messagesession-sms-number",
        "messagesession-last-datetime",
        "messagesession-last-timestamp",
        "messagesession-start-datetime",
        "messagesession-start-timestamp",
        "messagesession-last-sender",
        "messagesession-last-status",
        "messagesession-last-email-reminder-datetime",
        "messagesession-last-email-reminder-timestamp",
        "messagesession-reciever-hostname",
        "messagesession-receiver-hostname",
        "messagesession-queue-termination",
        "messagesession-queue-status",
        "messagesession-queue-session-id",
        "messagesession-agent-start-datetime",
        "messagesession-agent-start-timestamp",
        "messagesession-last-type",
        "messagesession-last-media-type",
        "messagesession-type",
        "messagesession-name",
        "messagesession-participants",
    ];
    check::<wire::MessageSession>(&with(
        &members,
        &[
            ("messagesession-muted", Expected::YesOrNo),
            ("messagesession-last-media-size", Expected::WholeNumber),
        ],
    ));
    check::<wire::ChangeSession>(&texts(&[
        "participants",
        "session-name",
        "messagesession-last-status",
    ]));
}

#[test]
fn messages() {
    let members = [
        "id",
        "timestamp",
        "type",
        "domain",
        "direction",
        "dialed",
        "status",
        "messagesession-reciever-hostname",
        "messagesession-receiver-hostname",
        "from-number",
        "from-num",
        "from-user-id",
        "from-video-attendee-id",
        "from-user-agent",
        "terminating-user-id",
        "terminating-number",
        "messagesession-id",
        "video-instance-id",
        "media-type",
        "messagesession-participants",
        "deleted-datetime",
        "deleted-timestamp",
        "file-access-url",
    ];
    check::<wire::Message>(&with(&members, &[("media-size", Expected::WholeNumber)]));
    let blank = wire::read::<wire::Message>(br#"{"file-access-url ":["hunter2"]}"#);
    let fault = FieldFault::new("file-access-url", Expected::Text);
    assert_eq!(blank, Err(ReadError::Wrong(fault)));
}

#[test]
fn messages_to_send() {
    let members = [
        "type",
        "message",
        "from-number",
        "from-num",
        "from_num",
        "data",
        "mime-type",
    ];
    check::<wire::SentMessage>(&with(
        &members,
        &[
            ("size", Expected::WholeNumber),
            ("destination", Expected::TextOrList),
        ],
    ));
    for wrong in ["true", "1.5", "-1", r#"{"a":1}"#] {
        let body = format!(r#"{{"destination":{wrong}}}"#);
        let error = wire::read::<wire::SentMessage>(body.as_bytes());
        let fault = FieldFault::new("destination", Expected::TextOrList);
        assert_eq!(error, Err(ReadError::Wrong(fault)), "{body}");
    }
    let body = br#"{"destination":["1",{"a":1}]}"#;
    let fault = FieldFault::new("destination[1]", Expected::Text);
    assert_eq!(
        wire::read::<wire::SentMessage>(body),
        Err(ReadError::Wrong(fault))
    );
    let sent: wire::SentMessage = wire::read(br#"{"data":"data:image/png;base64,iVBO"}"#).unwrap();
    assert_eq!(
        sent.content(),
        Err(FieldFault::new("data", Expected::Base64))
    );
}

#[test]
fn tokens() {
    check::<wire::TokenRequest>(&texts(&[
        "grant_type",
        "client_id",
        "client_secret",
        "username",
        "password",
        "refresh_token",
        "mfa_type",
        "mfa_vendor",
        "ns_id_type",
        "passcode",
        "access_token",
        "refresh",
        "user",
        "domain",
    ]));
    let members = [
        "username",
        "user",
        "territory",
        "domain",
        "department",
        "site",
        "group",
        "uid",
        "login",
        "scope",
        "user_email",
        "displayName",
        "access_token",
        "token_type",
        "refresh_token",
        "client_id",
        "apiversion",
        "mfa_type",
        "mfa_vendor",
    ];
    check::<wire::TokenAnswer>(&with(
        &members,
        &[
            ("expires_in", Expected::WholeNumber),
            ("legacy", Expected::YesOrNo),
            ("legacy_expires_days", Expected::WholeNumber),
            ("recover", Expected::YesOrNo),
        ],
    ));
    check::<wire::JwtAnswer>(&texts(&["token", "refresh"]));
    let members = [
        "aud",
        "iss",
        "jti",
        "sub",
        "domain",
        "territory",
        "user",
        "user_email",
        "user_scope",
        "displayName",
        "apiversion",
        "department",
        "login",
        "mfa_type",
        "mfa_vendor",
        "mask_chain",
    ];
    check::<wire::Claims>(&with(
        &members,
        &[
            ("exp", Expected::WholeNumber),
            ("iat", Expected::WholeNumber),
            ("time_out", Expected::WholeNumber),
        ],
    ));
    let members = [
        "key-id",
        "description",
        "reseller",
        "domain",
        "user",
        "user-scope",
        "key",
        "ip-address",
        "created-datetime",
        "lastused-datetime",
        "notes",
    ];
    check::<wire::ApiKey>(&with(
        &members,
        &[
            ("readonly", Expected::YesOrNo),
            ("can-create-keys", Expected::YesOrNo),
            ("allowed-models", Expected::TextOrList),
        ],
    ));
}

#[test]
fn numbers() {
    check::<wire::SmsNumber>(&with(
        &["number", "application", "domain", "dest", "carrier"],
        &[
            ("mms-capable", Expected::YesOrNo),
            ("group-mms-capable", Expected::YesOrNo),
        ],
    ));
    check::<wire::NumberAssignment>(&texts(&["number", "application", "dest", "carrier"]));
    check::<wire::Total>(&[("total", Expected::WholeNumber)]);
}

#[test]
fn subscriptions() {
    let members = [
        "id",
        "post-url",
        "model",
        "user-scope",
        "reseller",
        "domain",
        "user",
        "preferred-server",
        "server_preferred",
        "current-active-server",
        "status",
        "subscription-creation-datetime",
        "subscription-expires-datetime",
    ];
    let (geo, errors, posts) = (
        ("subscription-geo-support", Expected::YesOrNo),
        ("error-count", Expected::WholeNumber),
        ("posts-count", Expected::WholeNumber),
    );
    check::<wire::Subscription>(&with(&members, &[geo, errors, posts]));
    let members = [
        "model",
        "post-url",
        "domain",
        "user",
        "reseller",
        "user-scope",
        "preferred-server",
        "server_preferred",
        "subscription-expires-datetime",
    ];
    check::<wire::CreateSubscription>(&with(&members, &[geo]));
    let members = [
        "model",
        "post-url",
        "preferred-server",
        "server_preferred",
        "subscription-expires-datetime",
    ];
    check::<wire::ChangeSubscription>(&with(&members, &[geo, errors, posts]));
}

#[test]
fn calls() {
    check::<wire::ActiveCall>(&texts(&[
        "core-server",
        "hostname",
        "call-session-id",
        "session_id",
        "call-orig-call-id",
        "orig_callid",
        "call-orig-match-uri",
        "orig_match",
        "call-orig-user",
        "call-orig-domain",
        "call-orig-uri",
        "call-orig-name",
        "caller-id-number",
        "ani",
        "call-dialed-number",
        "dnis",
        "call-by-action",
        "by_action",
        "call-by-user",
        "call-by-domain",
        "call-by-call-id",
        "call-term-call-id",
        "term_callid",
        "call-term-user",
        "call-term-domain",
        "call-term-uri",
        "call-start-datetime",
        "time_begin",
        "call-answer-datetime",
        "time_answer",
        "call-orig-info",
        "orig_call_info",
        "term-orig-info",
        "term_call_info",
        "call-audio-codec",
        "media",
    ]));
    let members = [
        "call-id",
        "call-term-user",
        "dial-rule-application",
        "call-orig-user",
        "caller-id-number",
        "callback-caller-id-number",
        "call-term-added-sip-header",
    ];
    check::<wire::NewCall>(&with(
        &members,
        &[
            ("synchronous", Expected::YesOrNo),
            ("auto-answer-enabled", Expected::YesOrNo),
        ],
    ));
}

#[test]
fn what_every_server_says() {
    check::<wire::Said>(&with(
        &["message", "error", "error_description"],
        &[("code", Expected::WholeNumber)],
    ));
    check::<wire::Version>(&texts(&["apiversion", "hostname", "current-time"]));
}

#[test]
fn whole_numbers_and_truth_values() {
    for wrong in [
        "1.5",
        r#""1.5""#,
        "true",
        r#""one""#,
        "1e400",
        r#""1.""#,
        "9223372036854775808",
        r#""inf""#,
        r#""NaN""#,
    ] {
        let error = wire::read::<wire::Total>(format!(r#"{{"total":{wrong}}}"#).as_bytes());
        let fault = FieldFault::new("total", Expected::WholeNumber);
        assert_eq!(error, Err(ReadError::Wrong(fault)), "{wrong}");
    }
    for wrong in ["2", "-1", r#""perhaps""#, "1.0"] {
        let error =
            wire::read::<wire::SmsNumber>(format!(r#"{{"mms-capable":{wrong}}}"#).as_bytes());
        let fault = FieldFault::new("mms-capable", Expected::YesOrNo);
        assert_eq!(error, Err(ReadError::Wrong(fault)), "{wrong}");
    }
    let error = wire::read::<wire::Said>(br#"{"message":"\ud83d"}"#);
    let fault = FieldFault::new("message", Expected::Text);
    assert_eq!(error, Err(ReadError::Wrong(fault)));
}

#[test]
fn documents_of_another_kind() {
    #[track_caller]
    fn check(body: &str, document: ReadError, rows: ReadError) {
        let body = body.as_bytes();
        assert_eq!(wire::read::<wire::Message>(body), Err(document));
        assert_eq!(wire::read::<Rows<wire::Message>>(body), Err(rows));
    }
    let wrong = |field: &'static str, expected| ReadError::Wrong(FieldFault::new(field, expected));
    for body in [r#""hunter2""#, "17", "-17", "1.7", "true"] {
        check(body, wrong("", Expected::Object), wrong("", Expected::Rows));
    }
    let not_json = |line, column| ReadError::NotJson { line, column };
    for (body, line, column) in [
        ("", 1, 0),
        ("<html>hunter2</html>", 1, 1),
        ("{\"id\":\n", 2, 0),
        ("{\"id\":hunter2}", 1, 7),
        ("{\"id\":1} hunter2", 1, 10),
        ("{\"unknown\":\n[hunter2]}", 2, 2),
    ] {
        check(body, not_json(line, column), not_json(line, column));
    }
    let error = |body: &str| wire::read::<Rows<wire::Message>>(body.as_bytes()).unwrap_err();
    assert_eq!(error(r#"["hunter2"]"#), wrong("[0]", Expected::Object));
    assert_eq!(error("[{},[]]"), wrong("[1]", Expected::Object));
    assert_eq!(error("[{},null]"), wrong("[1]", Expected::Object));
    // What tells of an error, or of nothing, is no message, and no empty list either.
    assert_eq!(error("{}"), wrong("", Expected::Rows));
    assert_eq!(error("null"), wrong("", Expected::Rows));
    assert_eq!(error(r#"{"data":null}"#), wrong("data", Expected::Rows));
    assert_eq!(error(r#"{"data":{}}"#), wrong("data", Expected::Rows));
    assert_eq!(
        error(r#"{"code":404,"message":"hunter2"}"#),
        wrong("", Expected::Rows)
    );
    assert_eq!(
        error(r#"{"data":"hunter2"}"#),
        wrong("data", Expected::Rows)
    );
    assert_eq!(
        wrong("", Expected::Rows).to_string(),
        "expected a list of objects"
    );
    assert_eq!(
        not_json(2, 3).to_string(),
        "no valid JSON (line 2, column 3)"
    );
}
