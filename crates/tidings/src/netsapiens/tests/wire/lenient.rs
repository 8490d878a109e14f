//! Everything that vendor and clients write in more than one form.

use std::fmt::Debug;

use proptest::prelude::*;
use serde::Serialize;

use crate::netsapiens::wire::{self, Document, OneOrMore, Rows, Text, Whole, YesNo};

#[track_caller]
fn read<T: Document>(json: &str) -> T {
    wire::read(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[track_caller]
fn check_text(json: &str, expected: &str) {
    let message: wire::Said = read(&format!(r#"{{"message":{json}}}"#));
    assert_eq!(message.message.0, expected, "{json}");
}

#[test]
fn texts() {
    check_text(r#""hello""#, "hello");
    check_text(
        r#""a \"b\" \\ \u00e5\n\ud83d\ude00""#,
        "a \"b\" \\ \u{e5}\n\u{1f600}",
    );
    check_text("\"\u{1f600} \u{e5}\"", "\u{1f600} \u{e5}");
    check_text("5", "5");
    check_text("-5", "-5");
    check_text("1.10", "1.10");
    check_text("1e3", "1e3");
    check_text("15550101234", "15550101234");
    check_text("12345678901234567890", "12345678901234567890");
    check_text(
        "123456789012345678901234567890",
        "123456789012345678901234567890",
    );
    check_text(r#""007""#, "007");
    check_text(r#""""#, "");
    check_text("null", "");
    check_text("true", "true");
    check_text("false", "false");
    check_text("[]", "");
    check_text("{ }", "");
    check_text(r#""null""#, "null");
    check_text(r#""[]""#, "[]");
}

/// The schema of a message's text allows everything.
#[test]
fn a_text_of_a_message_may_be_a_list_or_an_object() {
    #[track_caller]
    fn check(json: &str, expected: &str) {
        let message: wire::Message = read(&format!(r#"{{"id":1,"text":{json}}}"#));
        assert_eq!(message.text.0, expected);
        let session = format!(r#"{{"messagesession-last-message":{json}}}"#);
        let session: wire::MessageSession = read(&session);
        assert_eq!(session.messagesession_last_message.0, expected);
    }
    check(r#"["a", 1]"#, r#"["a", 1]"#);
    check(r#"{"a": [1]}"#, r#"{"a": [1]}"#);
    check("[ ]", "");
    check("0", "0");
    check("false", "false");
    check(r#""hi""#, "hi");
}

#[test]
fn whole_numbers() {
    #[track_caller]
    fn check(json: &str, expected: impl Into<Option<i64>>) {
        let total: wire::Total = read(&format!(r#"{{"total":{json}}}"#));
        assert_eq!(total.total, Whole(expected.into()), "{json}");
    }
    check("3600", 3600);
    check(r#""3600""#, 3600);
    check(r#"" 3600 ""#, 3600);
    check("3600.0", 3600);
    check(r#""3600.00""#, 3600);
    check("3.6e3", 3600);
    check("0", 0);
    check("-1", -1);
    check("null", None);
    check(r#""""#, None);
    check("[]", None);
    check("9223372036854775807", i64::MAX);
    assert_eq!(read::<wire::Total>("{}").total, Whole(None));
}

#[test]
fn truth_values() {
    #[track_caller]
    fn check(json: &str, expected: impl Into<Option<bool>>) {
        let number: wire::SmsNumber = read(&format!(r#"{{"mms-capable":{json}}}"#));
        assert_eq!(number.mms_capable, YesNo(expected.into()), "{json}");
    }
    for so in [
        "true",
        "1",
        r#""true""#,
        r#""TRUE""#,
        r#""yes""#,
        r#""Yes ""#,
        r#""1""#,
    ] {
        check(so, true);
    }
    for not_so in ["false", "0", r#""false""#, r#""no""#, r#""NO""#, r#""0""#] {
        check(not_so, false);
    }
    for unset in ["null", r#""""#, "[]"] {
        check(unset, None);
    }
}

#[test]
fn one_or_more() {
    #[track_caller]
    fn check(json: &str, expected: &[&str]) {
        let sent: wire::SentMessage = read(&format!(r#"{{"destination":{json}}}"#));
        assert_eq!(sent.destination.0, expected, "{json}");
    }
    check(r#""15550101234""#, &["15550101234"]);
    check("15550101234", &["15550101234"]);
    check(
        r#"["15550101234",15550105678]"#,
        &["15550101234", "15550105678"],
    );
    check("[201,\"202\",null]", &["201", "202", ""]);
    check("[]", &[]);
    check("null", &[]);
    check(r#""""#, &[]);
}

#[test]
fn lists() {
    #[track_caller]
    fn check(json: &str, expected: &[&str]) {
        let rows: Rows<wire::MessageSession> = wire::read(json.as_bytes()).unwrap();
        let ids: Vec<&str> = rows.0.iter().map(|row| &*row.messagesession_id.0).collect();
        assert_eq!(ids, expected, "{json}");
    }
    let (one, two) = (
        r#"{"messagesession-id":"a"}"#,
        r#"{"messagesession-id":2,"new":[{}]}"#,
    );
    check(&format!("[{one},{two}]"), &["a", "2"]);
    check(one, &["a"]);
    check(two, &["2"]);
    check(&format!(" [ {one} ] \n"), &["a"]);
    check(
        &format!(r#"{{"data":[{one},{two}],"total":2}}"#),
        &["a", "2"],
    );
    check(
        &format!(r#"{{"total":2,"messagesessions":[{one},{two}]}}"#),
        &["a", "2"],
    );
    check(&format!(r#"{{"data":{one}}}"#), &["a"]);
    check(r#"{"data":[]}"#, &[]);
    check("[]", &[]);
}

/// Both halves of the exchange, because the alternative can stand first or last.
#[track_caller]
fn check_names<T: Document>(name: &str, other: &str, value: impl Fn(&T) -> String) {
    let with = |members: &str| value(&read::<T>(&format!("{{{members}}}")));
    assert_eq!(with(&format!(r#""{name}":"1""#)), "1", "{name}");
    assert_eq!(with(&format!(r#""{other}":"1""#)), "1", "{other}");
    for (first, last) in [(name, other), (other, name), (name, name)] {
        for unset in ["null", r#""""#, "[]"] {
            assert_eq!(with(&format!(r#""{first}":1,"{last}":{unset}"#)), "1");
            assert_eq!(with(&format!(r#""{first}":{unset},"{last}":1"#)), "1");
        }
        assert_eq!(with(&format!(r#""{first}":1,"{last}":2"#)), "2");
    }
    assert_eq!(
        with(&format!(r#""{other} ":"1""#)),
        "",
        "{other} with a blank"
    );
}

#[test]
fn members_under_two_names() {
    type Session = wire::MessageSession;
    check_names(
        "messagesession-last-datetime",
        "messagesession-last-timestamp",
        |it: &Session| it.messagesession_last_datetime.0.clone(),
    );
    check_names(
        "messagesession-start-datetime",
        "messagesession-start-timestamp",
        |it: &Session| it.messagesession_start_datetime.0.clone(),
    );
    check_names(
        "messagesession-last-email-reminder-datetime",
        "messagesession-last-email-reminder-timestamp",
        |it: &Session| it.messagesession_last_email_reminder_datetime.0.clone(),
    );
    check_names(
        "messagesession-agent-start-datetime",
        "messagesession-agent-start-timestamp",
        |it: &Session| it.messagesession_agent_start_datetime.0.clone(),
    );
    let hostnames = (
        "messagesession-reciever-hostname",
        "messagesession-receiver-hostname",
    );
    check_names(hostnames.0, hostnames.1, |it: &Session| {
        it.messagesession_reciever_hostname.0.clone()
    });
    check_names(hostnames.0, hostnames.1, |it: &wire::Message| {
        it.messagesession_reciever_hostname.0.clone()
    });
    check_names("from-number", "from-num", |it: &wire::Message| {
        it.from_number.0.clone()
    });
    check_names(
        "deleted-datetime",
        "deleted-timestamp",
        |it: &wire::Message| it.deleted_datetime.0.clone(),
    );
    check_names(
        "file-access-url",
        "file-access-url ",
        |it: &wire::Message| it.file_access_url.0.clone(),
    );
    check_names("from-number", "from-num", |it: &wire::SentMessage| {
        it.from_number.0.clone()
    });
    check_names("from-number", "from_num", |it: &wire::SentMessage| {
        it.from_number.0.clone()
    });
    check_names(
        "preferred-server",
        "server_preferred",
        |it: &wire::Subscription| it.preferred_server.0.clone(),
    );
    check_names(
        "preferred-server",
        "server_preferred",
        |it: &wire::CreateSubscription| it.preferred_server.0.clone(),
    );
    check_names(
        "preferred-server",
        "server_preferred",
        |it: &wire::ChangeSubscription| it.preferred_server.0.clone(),
    );
}

/// What is set to nothing on purpose is not the same as what is not there.
#[test]
fn a_session_can_lose_its_name() {
    let change: wire::ChangeSession = read(r#"{"session-name":""}"#);
    assert_eq!(change.session_name, Some(Text::default()));
    assert_eq!(change.participants, None);
    let change: wire::ChangeSession = read(r#"{"session-name":null}"#);
    assert_eq!(change.session_name, None);
    let change: wire::ChangeSubscription = read(r#"{"error-count":0}"#);
    assert_eq!(
        serde_json::to_string(&change).unwrap(),
        r#"{"error-count":0}"#
    );
}

#[test]
fn forms() {
    let form = "grant_type=password&username=200%40example.test&password=a+b%26c&passcode=012345\
                &client_id=&client_id=acme.app&client_secret=one&client_secret=&unknown=1";
    let request: wire::TokenRequest = wire::read_form(form.as_bytes()).unwrap();
    let expected = wire::TokenRequest {
        grant_type: "password".into(),
        username: "200@example.test".into(),
        password: "a b&c".into(),
        passcode: "012345".into(),
        client_id: "acme.app".into(),
        client_secret: "one".into(),
        ..Default::default()
    };
    assert_eq!(request, expected);
    assert_eq!(wire::read_form(b""), Ok(wire::TokenRequest::default()));
    let assignment: wire::NumberAssignment = wire::read_form(b"number=15550109876").unwrap();
    assert_eq!(assignment.number.0, "15550109876");
}

#[test]
fn one_text_is_written_without_a_list() {
    let write = |texts: &[&str]| {
        let texts = texts.iter().map(ToString::to_string).collect();
        serde_json::to_string(&OneOrMore(texts)).unwrap()
    };
    assert_eq!(write(&["a"]), r#""a""#);
    assert_eq!(write(&["a", "b"]), r#"["a","b"]"#);
    assert_eq!(write(&[]), "[]");
}

/// Reads, writes and reads.
#[track_caller]
fn check_comes_back<T: Document + Serialize + PartialEq + Debug>(document: &T) {
    let written = serde_json::to_vec(document).unwrap();
    assert_eq!(wire::read::<T>(&written).as_ref(), Ok(document));
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(
        texts in proptest::collection::vec(".*", 4),
        number in proptest::option::of(any::<i64>()),
        is_so in proptest::option::of(any::<bool>()),
    ) {
        let [id, text, from, name]: [String; 4] = texts.try_into().unwrap();
        let message = wire::Message {
            id: id.as_str().into(),
            text: text.as_str().into(),
            from_number: from.as_str().into(),
            media_size: Whole(number),
            ..Default::default()
        };
        check_comes_back(&message);
        let session = wire::MessageSession {
            messagesession_id: id.into(),
            messagesession_name: name.as_str().into(),
            messagesession_muted: YesNo(is_so),
            ..Default::default()
        };
        check_comes_back(&session);
        let owned = wire::SmsNumber {
            mms_capable: YesNo(is_so),
            number: from.into(),
            ..Default::default()
        };
        check_comes_back(&owned);
        let change = wire::ChangeSession {
            session_name: Some(name.into()),
            participants: Some(text.into()),
            ..Default::default()
        };
        check_comes_back(&change);
    }

    /// A number in the place of a text keeps its digits, whatever they are.
    #[test]
    fn digits_are_kept(digits in "(0|[1-9][0-9]{0,40})") {
        check_text(&digits, &digits);
    }
}
