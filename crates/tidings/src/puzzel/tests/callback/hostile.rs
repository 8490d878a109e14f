//! What is wrong in a call: named, never repeated, and never in the way of what is right.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value, json as value};

use super::{DR, MO, json, post, xml};
use crate::callback::{Callback, CallbackRequest};
use crate::puzzel::callback::{
    DeliveryReport, Form, IncomingMessage, parse, receive, write_messages, write_reports,
};

const NUMBERS: [&str; 5] = ["serviceid", "mcc", "mnc", "type", "statuscode"];

fn fields(item: &str) -> Map<String, Value> {
    serde_json::from_str(item).unwrap()
}

/// The item with one field wrong between two good ones of each kind.
fn check_wrong(root: &str, item: &Map<String, Value>, name: &str, secret: &str) {
    let good = if root == "dr" { DR } else { MO };
    let good: Value = serde_json::from_str(good).unwrap();
    let other = if root == "dr" { "mo" } else { "dr" };
    let other_good: Value = serde_json::from_str(if root == "dr" { MO } else { DR }).unwrap();
    let request = json(value!({ root: [good, item, good], other: [other_good] }).to_string());

    let received = receive(&request).unwrap();
    let [fault] = received.unreadable.as_slice() else {
        panic!("{root}.{name}: {received:?}");
    };
    assert_eq!(fault.at, format!("{root}[1].{name}"));
    assert_eq!(received.reports.len() + received.messages.len(), 3);

    let error = parse(&request).unwrap_err();
    assert!(error.to_string().contains(&format!("{root}[1].{name} ")));
    assert_eq!(error.readable.len(), 3);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(secret), "{shown}");
}

#[test]
fn every_field_wrong_in_turn_is_named_and_the_other_items_are_read() {
    const SECRET: &str = "47aabbccdd";
    for (root, item) in [("dr", DR), ("mo", MO)] {
        for name in fields(item).keys() {
            let mut wrong = vec![value!(true), value!([SECRET]), value!({ SECRET: SECRET })];
            if NUMBERS.contains(&name.as_str()) {
                wrong.extend([value!(SECRET), value!(1.5), value!("1.5"), value!(u64::MAX)]);
            }
            for value in wrong {
                let mut item = fields(item);
                item[name.as_str()] = value;
                check_wrong(root, &item, name, SECRET);
            }
        }
    }
}

#[test]
fn every_field_that_is_needed_is_missed_by_name() {
    for (root, item, needed) in [
        ("dr", DR, vec!["statuscode"]),
        ("mo", MO, vec!["messageid", "sno", "originator", "content"]),
    ] {
        for name in fields(item).keys() {
            let mut item = fields(item);
            item.remove(name);
            if needed.contains(&name.as_str()) {
                check_wrong(root, &item, name, "4700000001");
            } else {
                let request = json(value!({ root: [item] }).to_string());
                assert_eq!(parse(&request).map(|told| told.len()), Ok(1), "{name}");
            }
        }
    }
}

#[test]
fn a_wrong_field_is_named_in_xml_and_in_a_query_too() {
    for (root, item) in [("dr", DR), ("mo", MO)] {
        for name in fields(item).keys() {
            let is_number = NUMBERS.contains(&name.as_str());
            let mut elements = String::new();
            let mut query = Vec::new();
            for (field, value) in fields(item) {
                let text = value.as_str().map_or(value.to_string(), str::to_owned);
                let is_it = field == *name;
                let wrong = if is_number { "secret" } else { "<a>secret</a>" };
                let written = if is_it { wrong } else { &text };
                write!(elements, "<{field}>{written}</{field}>").unwrap();
                let escaped: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
                // The number of the kind itself decides what the others are.
                let written = match (is_it, is_number) {
                    (true, true) => "secret",
                    (true, false) => "%ff",
                    (false, _) => &escaped,
                };
                query.push(format!("{field}={written}"));
            }
            let elements = format!("<{root}><message>{elements}</message></{root}>");
            let error = parse(&xml(elements)).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert!(!error.contains("secret"), "{error}");
            let query = CallbackRequest::get(query.join("&"));
            let error = parse(&query).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}

#[test]
fn items_that_are_no_objects_are_named_by_their_place() {
    let request = json(format!(r#"{{"dr":[{DR},7,null,"x",[],{{}}]}}"#));
    let received = receive(&request).unwrap();
    let faults: Vec<String> = received
        .unreadable
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = [
        "dr[1] is no object",
        "dr[2] is no object",
        "dr[3] is no object",
        "dr[4] is no object",
        "dr[5].statuscode is missing",
    ];
    assert_eq!(faults, expected);
    let error = parse(&request).unwrap_err();
    let expected = "the call has 5 items that cannot be read; the first: dr[1] is no object";
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error.readable.as_slice(), [Callback::Report(_)]));
}

#[test]
fn xml_has_its_bounds_here_too() {
    #[track_caller]
    fn check(body: &str) {
        let error = parse(&xml(body)).unwrap_err();
        assert_eq!(error.readable, []);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let deep = "<a>".repeat(1_000);
    check(&format!("<dr><message>{deep}"));
    check(
        r#"<!DOCTYPE dr [<!ENTITY a "secret">]><dr><message><messageid>&a;</messageid></message></dr>"#,
    );
    check("<dr><message><messageid>&secret;</messageid></message></dr>");
    check("<dr><message></dr></message>");
    check("<dr/><dr/>");
    check("<dr>secret</dr>");
    check(&format!("<dr>{}</dr>", "<message/>".repeat(200_000)));
}

#[test]
fn deep_json_is_refused_and_does_not_exhaust_the_stack() {
    let deep = "[".repeat(100_000);
    let error = parse(&json(format!(r#"{{"dr":{deep}"#))).unwrap_err();
    assert_eq!(error.to_string(), "the call is no JSON object");
}

#[test]
fn debug_shows_no_text_and_no_number() {
    let request = json(format!(r#"{{"dr":[{DR}],"mo":[{MO}]}}"#));
    let shown = format!("{:?} {:?} {request:?}", receive(&request), parse(&request));
    for secret in ["4700000001", "hei", "processed", "4700"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

fn text() -> impl Strategy<Value = String> {
    // What XML can carry; what it cannot has a test of its own.
    "[\t\n -~\u{a0}-\u{2fff}😀]{0,20}"
}

fn some_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text().prop_filter("empty is absent", |text| !text.is_empty()))
}

fn needed_text() -> impl Strategy<Value = String> {
    text().prop_filter("is needed", |text| !text.is_empty())
}

fn report() -> impl Strategy<Value = DeliveryReport> {
    let texts = [
        some_text(),
        some_text(),
        some_text(),
        some_text(),
        some_text(),
    ];
    (texts, any::<i64>(), proptest::option::of(any::<i64>())).prop_map(
        |([id, batch, reference, description, operator], code, service)| {
            let mut report = DeliveryReport::new(code);
            report.message_id = id;
            report.batch_reference = batch;
            report.message_reference = reference;
            report.status_description = description;
            report.operator_code = operator;
            report.service_id = service;
            report.kind = Some(6);
            report
        },
    )
}

fn message() -> impl Strategy<Value = IncomingMessage> {
    let needed = [needed_text(), needed_text()];
    (
        needed,
        "\\+?[0-9]{1,15}",
        text(),
        [some_text(), some_text()],
    )
        .prop_map(|([id, number], from, content, [command, session])| {
            let mut message = IncomingMessage::new(id, from, number, content);
            message.command = command;
            message.session_id = session;
            message.kind = Some(1);
            message
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again_in_every_form(
        reports in proptest::collection::vec(report(), 1..4),
        messages in proptest::collection::vec(message(), 1..4),
    ) {
        for form in [Form::Json, Form::Xml, Form::Get] {
            let mut read_reports = Vec::new();
            for call in write_reports(form, &reports) {
                let received = receive(&call).unwrap();
                prop_assert_eq!(&received.unreadable, &[]);
                read_reports.extend(received.reports);
            }
            prop_assert_eq!(&read_reports, &reports);
            let mut read_messages = Vec::new();
            for call in write_messages(form, &messages) {
                let received = receive(&call).unwrap();
                prop_assert_eq!(&received.unreadable, &[]);
                read_messages.extend(received.messages);
            }
            prop_assert_eq!(&read_messages, &messages);
        }
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for content_type in ["application/json", "application/xml", ""] {
            let _: Result<_, _> = parse(&post(content_type, bytes.clone()));
        }
        let query = String::from_utf8_lossy(&bytes).into_owned();
        let _: Result<_, _> = parse(&CallbackRequest::get(query));
    }

    /// Bytes that look like a call in most places.
    #[test]
    fn no_change_to_a_good_call_is_too_strange(
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..4),
        n_removed in 0_usize..4,
    ) {
        let reports = receive(&json(format!(r#"{{"dr":[{DR}]}}"#))).unwrap().reports;
        let messages = receive(&json(format!(r#"{{"mo":[{MO}]}}"#))).unwrap().messages;
        for form in [Form::Json, Form::Xml, Form::Get] {
            let mut calls = write_reports(form, &reports);
            calls.extend(write_messages(form, &messages));
            for mut call in calls {
                let mut changed = match &call.query {
                    Some(query) => query.clone().into_bytes(),
                    None => call.body.to_vec(),
                };
                let start = at.index(changed.len());
                let end = (start + n_removed).min(changed.len());
                changed.splice(start..end, bytes.iter().copied());
                if call.query.is_some() {
                    call.query = Some(String::from_utf8_lossy(&changed).into_owned());
                } else {
                    call.body = changed.into();
                }
                let _: Result<_, _> = parse(&call);
            }
        }
    }
}
