//! How calls are recognised and what in them may differ.

use std::fmt::Write as _;

use http::{HeaderMap, Method};
use serde_json::{Map, Value, json as value};
use tidings_core::{ClientRef, Reason, ReportedState};

use super::{DR, MO, body, inbound_of, json, post, report_of, xml};
use crate::callback::{Callback, CallbackRequest};
use crate::puzzel::callback::{
    DeliveryReport, Form, IncomingMessage, emit, parse, receive, write_messages, write_reports,
};
use crate::puzzel::map::codes::REPORTS;

fn fields(item: &str) -> Map<String, Value> {
    serde_json::from_str(item).unwrap()
}

/// The call with this one item, in each form that can carry it.
fn in_every_form(root: &str, item: &Map<String, Value>) -> [(Form, CallbackRequest); 3] {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut elements = String::new();
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in item {
        let value = text(value);
        write!(elements, "<{name}>{value}</{name}>").unwrap();
        query.append_pair(name, &value);
    }
    let document = value!({ root: [item] }).to_string();
    let elements = format!("<{root}><message>{elements}</message></{root}>");
    [
        (Form::Json, json(document)),
        (Form::Xml, xml(elements)),
        (Form::Get, CallbackRequest::get(query.finish())),
    ]
}

fn told(request: &CallbackRequest) -> Callback {
    let mut told = parse(request).unwrap();
    assert_eq!(told.len(), 1);
    told.remove(0)
}

// ---- codes ----

#[test]
fn every_code_is_read_in_every_form_and_written_again() {
    for row in REPORTS {
        let mut item = fields(DR);
        item["statuscode"] = row.code.into();
        for (form, request) in in_every_form("dr", &item) {
            let callback = told(&request);
            let report = report_of(&callback);
            assert_eq!(report.state, row.state, "{form:?} {}", row.code);
            assert_eq!(report.reason, row.reason, "{form:?} {}", row.code);
            assert_eq!(report.raw, Some(format!("{}/0", row.code)));
            let calls = emit(&super::account(form), &[callback]);
            let again = receive(&calls[0]).unwrap();
            assert_eq!(again.reports[0].status_code, row.code, "{form:?}");
            assert_eq!(again.reports[0].meaning(), Some(row));
        }
    }
}

#[test]
fn a_code_that_is_not_listed_is_kept_and_leaves_the_message_unknown() {
    for code in [352, 353, 1000, -1, i64::MAX] {
        let request = json(format!(
            r#"{{"dr":{{"messageid":"a","statuscode":{code}}}}}"#
        ));
        let callback = told(&request);
        let report = report_of(&callback);
        assert_eq!(report.state, ReportedState::Unknown);
        assert_eq!(report.reason, Some(Reason::Unspecified));
        assert_eq!(report.raw, Some(code.to_string()));
        let calls = emit(&super::account(Form::Json), &[callback]);
        assert_eq!(receive(&calls[0]).unwrap().reports[0].status_code, code);
    }
}

// ---- which form ----

#[test]
fn the_form_is_found_by_the_content_type_or_else_by_the_beginning() {
    #[track_caller]
    fn check(request: &CallbackRequest) {
        assert_eq!(parse(request).map(|told| told.len()), Ok(1));
    }
    let document = format!(r#"{{"dr":[{DR}]}}"#);
    let elements = "<dr><message><messageid>a</messageid><statuscode>0</statuscode></message></dr>";
    for content_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "text/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
    ] {
        check(&post(content_type, document.clone()));
        check(&post(content_type, format!("\u{feff} \r\n{document}")));
    }
    for content_type in ["application/xml", "text/xml; charset=utf-8", "text/plain"] {
        check(&post(content_type, elements));
        check(&post(content_type, format!("\u{feff}{elements}")));
        let prolog = format!("<?xml version='1.0'?>\n<!-- mo -->\n{elements}\n");
        check(&post(content_type, prolog));
    }
    check(&CallbackRequest::post(HeaderMap::new(), document));
    check(&CallbackRequest::post(HeaderMap::new(), elements));
}

#[test]
fn what_is_neither_is_refused() {
    #[track_caller]
    fn check(request: &CallbackRequest, expected: &str) {
        let error = parse(request).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.readable, []);
    }
    check(&post("", ""), "the call is neither JSON nor XML");
    check(&post("", "messageid=a"), "the call is neither JSON nor XML");
    check(&json(""), "the call is no JSON object");
    check(&json("[]"), "the call is no JSON object");
    check(&json("<dr/>"), "the call is no JSON object");
    check(&json("{}"), "the call holds neither dr nor mo");
    check(&json(r#"{"DR":[]}"#), "the call holds neither dr nor mo");
    check(&xml(""), "the call is no XML document");
    check(&xml("<response/>"), "the call holds neither dr nor mo");
    check(&xml("<dr>"), "the call ends before its root element does");
    check(
        &CallbackRequest::get(""),
        "the call holds neither a report nor a message",
    );
    check(
        &CallbackRequest::get("messageid=a"),
        "the call holds neither a report nor a message",
    );
    let mut request = json("{}");
    request.method = Method::PUT;
    check(&request, "the call is neither GET nor POST");
}

#[test]
fn an_empty_list_tells_nothing() {
    for body in [r#"{"dr":[]}"#, r#"{"dr":null}"#, r#"{"mo":[],"dr":[]}"#] {
        assert_eq!(parse(&json(body)), Ok(Vec::new()), "{body}");
    }
    assert_eq!(parse(&xml("<dr/>")), Ok(Vec::new()));
    assert_eq!(parse(&xml("<mo></mo>")), Ok(Vec::new()));
}

#[test]
fn one_item_may_stand_in_the_place_of_a_list_and_both_kinds_in_one_call() {
    let one = receive(&json(format!(r#"{{"dr":{DR},"mo":{MO}}}"#))).unwrap();
    let list = receive(&json(format!(r#"{{"mo":[{MO}],"dr":[{DR}]}}"#))).unwrap();
    assert_eq!(one, list);
    assert_eq!((one.reports.len(), one.messages.len()), (1, 1));
}

// ---- what may differ ----

#[test]
fn numbers_may_be_texts_and_texts_numbers() {
    let request = json(
        r#"{"dr":{"messageid":7,"serviceid":"1000","mcc":" 242 ","mnc":"","statuscode":"364","extstatuscode":1}}"#,
    );
    let received = receive(&request).unwrap();
    let [report] = received.reports.as_slice() else {
        panic!("{received:?}");
    };
    assert_eq!(report.key(), (Some("7"), 364));
    assert_eq!(report.service_id, Some(1000));
    assert_eq!(report.mobile_country_code, Some(242));
    assert_eq!(report.mobile_network_code, None);
    assert_eq!(report.operator_code.as_deref(), Some("1"));
}

#[test]
fn null_and_empty_are_absent_but_an_empty_text_is_a_text() {
    let request = json(
        r#"{"mo":{"messageid":"a","sno":"1960","originator":"+4700000001","content":"","command":"","sessionid":"","timestamp":null,"mcc":null}}"#,
    );
    let received = receive(&request).unwrap();
    let mut expected = IncomingMessage::new("a", "+4700000001", "1960", "");
    assert_eq!(received.messages, [expected.clone()]);
    let callback = told(&request);
    let message = inbound_of(&callback);
    assert_eq!(&*message.text, "");
    assert_eq!((&message.session, &message.keyword), (&None, &None));
    assert_eq!(message.received_at, None);

    let elements = "<mo><message><messageid>a</messageid><sno>1960</sno><originator>+4700000001</originator><content/><command/><mcc/><sessionid/></message></mo>";
    assert_eq!(
        receive(&xml(elements)).unwrap().messages,
        [expected.clone()]
    );
    let query = "messageid=a&sno=1960&originator=%2B4700000001&content=&command=&mcc=&sessionId";
    let request = CallbackRequest::get(query);
    assert_eq!(receive(&request).unwrap().messages, [expected.clone()]);
    expected.content = "x".into_content();
    assert_ne!(receive(&request).unwrap().messages, [expected]);
}

trait IntoContent {
    fn into_content(self) -> crate::puzzel::wire::Content;
}

impl IntoContent for &str {
    fn into_content(self) -> crate::puzzel::wire::Content {
        crate::puzzel::wire::Content(self.into())
    }
}

#[test]
fn fields_that_are_not_known_are_kept_aside() {
    let mut item = fields(MO);
    item.insert("di_firstname".to_owned(), "Kari".into());
    item.insert("di_municipiality".to_owned(), "Oslo".into());
    item.insert("msisdn_mcc".to_owned(), "242".into());
    for (form, request) in in_every_form("mo", &item) {
        let received = receive(&request).unwrap();
        let extra = Value::Object(received.messages[0].extra.clone());
        let expected = value!({"di_firstname":"Kari","di_municipiality":"Oslo","msisdn_mcc":"242"});
        assert_eq!(extra, expected, "{form:?}");
        let shown = format!("{received:?}");
        assert!(!shown.contains("Kari"), "{shown}");
        let again = write_messages(form, &received.messages);
        assert_eq!(receive(&again[0]).unwrap(), received, "{form:?}");
    }
    let nested =
        json(r#"{"dr":{"messageid":"a","statuscode":0,"later":{"a":[1]},"trace":"x"},"id":7}"#);
    let received = receive(&nested).unwrap();
    assert_eq!(received.reports[0].extra["later"], value!({"a":[1]}));
    let [call] = write_reports(Form::Json, &received.reports)
        .try_into()
        .unwrap();
    assert_eq!(receive(&call).unwrap(), received);
}

#[test]
fn the_order_of_items_and_fields_changes_nothing() {
    let expected = receive(&json(format!(r#"{{"dr":[{DR}],"mo":[{MO}]}}"#))).unwrap();
    let turned = |item: &str| {
        let pairs: Vec<String> = fields(item)
            .iter()
            .rev()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", pairs.join(","))
    };
    let (dr, mo) = (turned(DR), turned(MO));
    let received = receive(&json(format!(r#"{{"mo":[{mo}],"dr":[{dr}]}}"#))).unwrap();
    assert_eq!(received, expected);

    let codes = |body: &str| -> Vec<i64> {
        let reports = receive(&json(body)).unwrap().reports;
        reports.iter().map(|report| report.status_code).collect()
    };
    let item = |code| format!(r#"{{"messageid":"a","statuscode":{code}}}"#);
    let list = |codes: [i32; 3]| format!(r#"{{"dr":[{}]}}"#, codes.map(item).join(","));
    assert_eq!(codes(&list([0, 364, 361])), [0, 364, 361]);
    assert_eq!(codes(&list([361, 0, 364])), [361, 0, 364]);
}

#[test]
fn a_repetition_is_the_same_by_its_key() {
    let request = json(format!(r#"{{"dr":[{DR},{DR}],"mo":[{MO},{MO}]}}"#));
    let received = receive(&request).unwrap();
    let [one, other] = received.reports.as_slice() else {
        panic!("{received:?}");
    };
    assert_eq!(one, other);
    assert_eq!(one.key(), (Some("7a0000000a00"), 0));
    let [one, other] = received.messages.as_slice() else {
        panic!("{received:?}");
    };
    assert_eq!(one.key(), other.key());
    assert_eq!(parse(&request), parse(&request));
    assert_eq!(parse(&request).unwrap().len(), 4);
}

// ---- what a report is about ----

#[test]
fn a_report_without_the_gateways_id_is_known_by_our_reference() {
    let request = json(
        r#"{"dr":{"customermessagereference":"ref-1","customerbatchreference":"b","statuscode":0}}"#,
    );
    let callback = told(&request);
    let about = &report_of(&callback).about;
    assert_eq!(about.message, None);
    assert_eq!(about.reference, ClientRef::new("ref-1").ok());
    assert_eq!(about.batch.as_deref(), Some("b"));
    assert_eq!(
        receive(&request).unwrap().reports[0].key(),
        (Some("ref-1"), 0)
    );
}

#[test]
fn a_report_that_names_no_message_is_refused() {
    #[track_caller]
    fn check(item: &str, expected: &str) {
        let error = parse(&json(format!(r#"{{"dr":{item}}}"#))).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    check(
        r#"{"customerbatchreference":"b","statuscode":0}"#,
        "the call cannot be read: dr[0].messageid is missing",
    );
    check(
        r#"{"messageid":"","customermessagereference":"two words","statuscode":0}"#,
        "the call cannot be read: dr[0].customermessagereference is no reference of ours",
    );
}

#[test]
fn a_reference_that_cannot_be_ours_does_not_spoil_a_report_with_an_id() {
    let request =
        json(r#"{"dr":{"messageid":"a","customermessagereference":"two words","statuscode":0}}"#);
    let callback = told(&request);
    assert_eq!(report_of(&callback).about.reference, None);
    let raw = receive(&request).unwrap().reports.remove(0);
    assert_eq!(raw.message_reference.as_deref(), Some("two words"));
}

#[test]
fn the_operators_sentence_stands_in_where_the_gateway_has_none() {
    let mut report = DeliveryReport::new(369);
    report.message_id = Some("a".to_owned());
    report.operator_description = Some("Absent".to_owned());
    let neutral = report.to_neutral().unwrap();
    assert_eq!(neutral.detail.as_deref(), Some("Absent"));
    assert_eq!(neutral.raw.as_deref(), Some("369"));
}

// ---- queries ----

#[test]
fn parameters_are_known_in_any_casing_and_with_marks_between_words() {
    for query in [
        "messageid=a&statuscode=0&customermessagereference=r",
        "MessageId=a&StatusCode=0&customerMessageReference=r",
        "message_id=a&status_code=0&customer_message_reference=r",
        "MESSAGE-ID=a&status.code=0&customer-message-reference=r&&",
    ] {
        let received = receive(&CallbackRequest::get(query)).unwrap();
        let mut expected = DeliveryReport::new(0);
        expected.message_id = Some("a".to_owned());
        expected.message_reference = Some("r".to_owned());
        assert_eq!(received.reports, [expected], "{query}");
    }
}

#[test]
fn the_kind_of_a_query_is_told_by_its_type_or_by_what_it_holds() {
    #[track_caller]
    fn check(query: &str, n_reports: usize, n_messages: usize) {
        let received = receive(&CallbackRequest::get(query)).unwrap();
        assert_eq!(received.unreadable, []);
        let found = (received.reports.len(), received.messages.len());
        assert_eq!(found, (n_reports, n_messages));
    }
    let message = "messageid=a&sno=1&originator=x&content=y";
    check("messageid=a&statuscode=0&type=6", 1, 0);
    check("messageid=a&statuscode=0", 1, 0);
    check("messageid=a&statuscode=0&type=7", 1, 0);
    check(message, 0, 1);
    check(&format!("{message}&type=1&statuscode=0"), 0, 1);
}

#[test]
fn a_plus_that_was_not_escaped_is_read_as_the_plus_of_a_number() {
    #[track_caller]
    fn check(written: &str, expected: &str) {
        let query = format!("messageid=a&sno=1960&content=1+1&originator={written}");
        let callback = told(&CallbackRequest::get(query));
        let message = inbound_of(&callback);
        assert_eq!(message.from, expected);
        assert_eq!(&*message.text, "1 1");
    }
    check("+4700000001", "+4700000001");
    check("%2B4700000001", "+4700000001");
    check("4700000001", "4700000001");
    check("+Demo", " Demo");
}

#[test]
fn text_of_all_scripts_comes_through_every_form() {
    let text = "blåbær €\n<&>\"' 😀 ção \u{1f1f3}\u{1f1f4}";
    let message = IncomingMessage::new("a", "+4700000001", "1960", text);
    for form in [Form::Json, Form::Xml, Form::Get] {
        let calls = write_messages(form, std::slice::from_ref(&message));
        let callback = told(&calls[0]);
        assert_eq!(&*inbound_of(&callback).text, text, "{form:?}");
    }
}

#[test]
fn what_xml_cannot_carry_is_replaced_and_not_left_out() {
    let message = IncomingMessage::new("a", "+4700000001", "1960", "a\0b\u{c}c\r\nd");
    let calls = write_messages(Form::Xml, &[message]);
    assert!(body(&calls[0]).contains("a\u{fffd}b\u{fffd}c&#13;\nd"));
    let callback = told(&calls[0]);
    assert_eq!(&*inbound_of(&callback).text, "a\u{fffd}b\u{fffd}c\r\nd");
}

// ---- times ----

#[test]
fn times_are_those_of_clocks_in_oslo() {
    #[track_caller]
    fn check(written: &str, expected: &str) {
        let mut message = IncomingMessage::new("a", "b", "c", "d");
        message.timestamp = Some(written.to_owned());
        let at = message.to_neutral().unwrap().received_at.unwrap();
        assert_eq!(at.to_string(), expected);
    }
    check("20260115 12:00:00", "2026-01-15T11:00:00Z");
    check("20260715 12:00:00", "2026-07-15T10:00:00Z");
    // Clocks skip from two to three.
    check("20260329 01:59:59", "2026-03-29T00:59:59Z");
    check("20260329 02:30:00", "2026-03-29T01:30:00Z");
    check("20260329 03:00:00", "2026-03-29T01:00:00Z");
    // Clocks show the hour from two to three twice: the first is meant.
    check("20261025 02:30:00", "2026-10-25T00:30:00Z");
    check("20261025 03:00:00", "2026-10-25T02:00:00Z");
    // With its distance from UTC a time needs no such rule.
    check("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z");
    check("2026-10-25 02:30:00Z", "2026-10-25T02:30:00Z");
}

#[test]
fn what_is_no_time_is_refused_by_name() {
    for written in [
        "today",
        "20260321",
        "20260321 0900",
        "20260321 09:00:61",
        "20260230 09:00:00",
        "2026032100 9:00:00",
        "ååååååå 09:00:00",
        "åååå 09:00:00",
        "20260321 ÷9:00:00",
        "+2026032 09:00:00",
    ] {
        let mut item = fields(MO);
        item["timestamp"] = written.into();
        for (form, request) in in_every_form("mo", &item) {
            let error = parse(&request).unwrap_err();
            let at = match form {
                Form::Json | Form::Xml => "mo[0].timestamp",
                Form::Get => "timestamp",
            };
            let expected = format!("the call cannot be read: {at} is no time");
            assert_eq!(error.to_string(), expected, "{form:?} {written}");
        }
    }
}
