//! Every field wrong in turn, in every form: a status of that message whose sentence names the field,
//! or 400 with a problem that names it. Nothing wrong reaches the backend.

use serde_json::{Value, json};
use tidings::puzzel::Dialect;
use tidings::puzzel::server::ServerOptions;

use crate::desk::Desk;
use crate::forms::{self, FORMS};
use crate::{ask, call_of, call_with, post, serve_as};

/// A wrong value and the field that it is the fault of.
type Wrong = (&'static str, Value);

fn of_message() -> Vec<Wrong> {
    let long = "9".repeat(40_000);
    vec![
        ("recipient", json!({"recipient": null})),
        ("recipient", json!({"recipient": ""})),
        ("recipient", json!({"recipient": "  "})),
        ("recipient", json!({"recipient": "12"})),
        ("recipient", json!({"recipient": "4741000001"})),
        ("recipient", json!({"recipient": "004741000001"})),
        ("recipient", json!({"recipient": "+4+7"})),
        ("recipient", json!({"recipient": "+47"})),
        ("recipient", json!({"recipient": "+47410"})),
        ("recipient", json!({"recipient": "+000000000"})),
        ("recipient", json!({"recipient": "abc"})),
        ("recipient", json!({"recipient": format!("+47{}", &*long)})),
        ("content", json!({"content": null})),
        ("content", json!({"content": ""})),
        ("content", json!({"content": "a".repeat(1_609)})),
        ("content", json!({"content": "a".repeat(1_000_000)})),
        ("content", json!({"content": "fa\u{e7}ade"})),
        ("content", json!({"content": "\u{1f600}"})),
        (
            "content",
            json!({"content": "\u{1f600}", "settings": {"autoDetectEncoding": false}}),
        ),
        (
            "content",
            json!({"content": "\u{1f600}", "settings": {"safeRemoveNonGsmCharacters": true}}),
        ),
        (
            "content",
            json!({
                "content": "\u{4f60}",
                "settings": {"parameter": [
                    {"key": "parsing-type", "value": "SAFE_REMOVE_NON_GSM_WITH_REPLACE"},
                ]},
            }),
        ),
        ("price", json!({"price": -1})),
        ("price", json!({"price": 150})),
        ("price", json!({"price": 50})),
        ("price", json!({"price": 100_100})),
        (
            "price",
            json!({"price": 2_147_483_648_i64, "recipient": "+46700000001"}),
        ),
        ("price", json!({"price": 99_999_999_999_i64})),
        ("price", json!({"price": i64::MIN})),
        (
            "clientReference",
            json!({"clientReference": "x".repeat(256)}),
        ),
        (
            "clientReference",
            json!({"clientReference": "\u{e6}".repeat(43)}),
        ),
        ("settings.priority", json!({"settings": {"priority": 0}})),
        ("settings.priority", json!({"settings": {"priority": 4}})),
        ("settings.priority", json!({"settings": {"priority": -1}})),
        ("settings.validity", json!({"settings": {"validity": -1}})),
        (
            "settings.age",
            json!({"settings": {"age": 17}, "price": 100}),
        ),
        (
            "settings.age",
            json!({"settings": {"age": -16}, "price": 100}),
        ),
        ("settings.age", json!({"settings": {"age": 18}})),
        ("settings.age", json!({"settings": {"age": 16}, "price": 0})),
        (
            "settings.gasSettings.serviceCode",
            json!({"settings": {"gasSettings": {"serviceCode": "123"}}}),
        ),
        (
            "settings.gasSettings.serviceCode",
            json!({"settings": {"gasSettings": {"serviceCode": "abcde"}}}),
        ),
        (
            "settings.gasSettings.serviceCode",
            json!({"settings": {"gasSettings": {"description": "SMS"}}}),
        ),
        (
            "settings.originatorSettings.originatorType",
            session(&json!({"newSession": true})),
        ),
        (
            "settings.originatorSettings.originatorType",
            session(&json!({"sessionId": "00demosession0000001"})),
        ),
        (
            "settings.sessionId",
            json!({"recipient": "+46700000001", "settings": {"sessionId": "00demo"}}),
        ),
        (
            "settings.newSession",
            json!({"recipient": "+46700000001", "settings": {"newSession": true}}),
        ),
        (
            "settings.originatorSettings.originatorType",
            sender("Demo", "Name"),
        ),
        (
            "settings.originatorSettings.originatorType",
            sender("Demo", ""),
        ),
        (
            "settings.originatorSettings.originatorType",
            sender("1960", "3"),
        ),
        (
            "settings.originatorSettings.originatorType",
            sender("Demo", Value::Null),
        ),
        (
            "settings.originatorSettings.originator",
            sender(Value::Null, "NETWORK"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("", "ALPHANUMERIC"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("Tolv tegn er", "ALPHANUMERIC"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("Bj\u{f8}rn", "ALPHANUMERIC"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("who?", "ALPHANUMERIC"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("12345", "ALPHANUMERIC"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("4741000001", "INTERNATIONAL"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("Demo", "INTERNATIONAL"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("12", "NETWORK"),
        ),
        (
            "settings.originatorSettings.originator",
            sender("Demo", "NETWORK"),
        ),
        ("settings.originatorSettings.originatorType", {
            let mut paid = sender("Demo", "ALPHANUMERIC");
            paid["price"] = json!(100);
            paid
        }),
        (
            "settings.sendWindow.startDate",
            window(&json!({"startTime": "09:00:00"})),
        ),
        (
            "settings.sendWindow.startDate",
            window(&json!({"startDate": "2026-13-01"})),
        ),
        (
            "settings.sendWindow.startDate",
            window(&json!({"startDate": "21.03.2026"})),
        ),
        (
            "settings.sendWindow.startTime",
            window(&json!({"startDate": "2026-03-21", "startTime": "25:00:00"})),
        ),
        (
            "settings.sendWindow.startTime",
            window(&json!({"startDate": "2026-03-21", "startTime": "09:00:00+99:00"})),
        ),
        (
            "settings.sendWindow.stopDate",
            window(&json!({"startDate": "2026-03-21", "stopDate": "2026-03-20"})),
        ),
        (
            "settings.sendWindow.stopDate",
            window(&json!({"startDate": "2026-03-21", "stopDate": "soon"})),
        ),
        (
            "settings.sendWindow.stopTime",
            window(&json!({
                "startDate": "2026-03-21", "stopDate": "2026-03-22",
                "startTime": "17:00:00", "stopTime": "09:00:00",
            })),
        ),
        ("settings.parameter has", parameter("", "x")),
        (
            "settings.parameter businessModel",
            parameter("businessModel", ""),
        ),
        (
            "settings.parameter businessModel",
            parameter("business_model", ""),
        ),
        ("settings.parameter dcs", parameter("dcs", "F")),
        ("settings.parameter dcs", parameter("dcs", "XY")),
        ("settings.parameter udh", parameter("udh", "050")),
        ("settings.parameter udh", parameter("udh", "")),
        ("settings.parameter pid", parameter("pid", "64")),
        ("settings.parameter pid", parameter("pid", "72")),
        ("settings.parameter pid", parameter("pid", "sixty-five")),
        (
            "settings.parameter parsing-type",
            parameter("parsing-type", "SOME"),
        ),
        (
            "settings.parameter parsing-type",
            parameter("parsing-type", ""),
        ),
        (
            "settings.parameter skip_customer_report_delivery",
            parameter("skip_customer_report_delivery", "maybe"),
        ),
        (
            "settings.parameter strex_verification_timeout",
            parameter("strex_verification_timeout", "31"),
        ),
        (
            "settings.parameter strex_verification_timeout",
            parameter("strex_verification_timeout", "-1"),
        ),
        (
            "settings.parameter strex_merchant_sell_option",
            parameter("strex_merchant_sell_option", "fax"),
        ),
        (
            "settings.parameter strex_confirm_channel",
            parameter("strex_confirm_channel", "fax"),
        ),
        (
            "settings.parameter strex_authorization_token",
            parameter("strex_authorization_token", ""),
        ),
    ]
}

fn sender(originator: impl Into<Value>, kind: impl Into<Value>) -> Value {
    let settings = json!({"originator": originator.into(), "originatorType": kind.into()});
    json!({"settings": {"originatorSettings": settings}})
}

fn session(settings: &Value) -> Value {
    let mut message = sender("Demo", "Alphanumeric");
    let fields = message["settings"].as_object_mut().unwrap();
    fields.extend(settings.as_object().unwrap().clone());
    message
}

fn window(window: &Value) -> Value {
    json!({"settings": {"sendWindow": window}})
}

fn parameter(key: &str, value: &str) -> Value {
    json!({"settings": {"parameter": [{"key": key, "value": value}]}})
}

#[tokio::test]
async fn every_field_of_a_message_wrong_in_turn_is_named_in_its_status() {
    let mut rows = of_message();
    rows.push(("settings.validity", json!({"settings": {"validity": 0}})));
    rows.push(("content", json!({"content": "a".repeat(1_601)})));
    named_in_the_status(Dialect::V3, 2, &rows).await;

    let mut rows = of_message();
    rows.push(("settings.validity", json!({"settings": {"validity": 174}})));
    rows.push(("content", json!({"content": "a".repeat(919)})));
    rows.push((
        "content",
        json!({"content": "\u{e7}".repeat(403), "settings": {"autoDetectEncoding": true}}),
    ));
    named_in_the_status(Dialect::Manual, 5, &rows).await;
}

async fn named_in_the_status(dialect: Dialect, code: i64, rows: &[Wrong]) {
    let desk = Desk::new();
    let router = serve_as(&desk, ServerOptions::new(dialect));
    for (field, members) in rows {
        for form in FORMS {
            let mut call = call_with(members);
            let right = json!({"recipient": "+4741000002", "content": "Hei"});
            call["message"].as_array_mut().unwrap().push(right);
            if form == "query" && is_too_long_for_a_uri(&call) {
                continue;
            }
            let request = forms::write(form, &call);
            let what = format!("{form} {members:.200}");
            let answer = ask(&router, request).await;
            let statuses = answer.statuses();
            let [(wrong, sentence), (right, _)] = &*statuses else {
                panic!("{what}: {}", answer.body)
            };
            assert_eq!((*wrong, *right), (code, 1), "{what}: {sentence}");
            assert!(
                sentence.starts_with(&format!("{field} ")),
                "{what}: {sentence}"
            );
            assert!(sentence.len() < 250, "the value is repeated: {sentence}");
            let status = &answer.json()["messageStatus"][0];
            assert_eq!(status["sequenceIndex"], 1, "{what}");
            assert_eq!(status["messageId"], Value::Null, "{what}");
        }
    }
    let only_the_right_one = |line: &String| line == "accept: +4741000002 text=Hei +1 unreadable";
    assert!(desk.asked().iter().all(only_the_right_one));
}

/// A URI has at most 65,534 bytes, of which a character may take three for each of its own.
fn is_too_long_for_a_uri(call: &Value) -> bool {
    call.to_string().len() > 20_000
}

/// What is wrong with the call as a whole, or cannot be read: the path in the problem, and the call.
fn of_call() -> Vec<Wrong> {
    let with = |name: &str, value: Value| {
        let mut call = call_with(&json!({}));
        call[name] = value;
        call
    };
    let message = |members: Value| call_with(&members);
    let settings = |settings: Value| call_with(&json!({"settings": settings}));
    vec![
        ("serviceId", with("serviceId", Value::Null)),
        ("serviceId", with("serviceId", json!(0))),
        ("serviceId", with("serviceId", json!(-1000))),
        ("serviceId", with("serviceId", json!(4_294_967_296_i64))),
        ("serviceId", with("serviceId", json!("thousand"))),
        ("serviceId", with("serviceId", json!(1000.5))),
        (
            "batchReference",
            with("batchReference", json!("x".repeat(256))),
        ),
        ("message", with("message", Value::Null)),
        ("message", with("message", json!([]))),
        (
            "message",
            call_of(json!(vec![
                json!({"recipient": "+4741000001", "content": "Hei"});
                1_001
            ])),
        ),
        ("message[0].price", message(json!({"price": "dear"}))),
        ("message[0].price", message(json!({"price": 1.5}))),
        (
            "message[0].settings.priority",
            settings(json!({"priority": "high"})),
        ),
        (
            "message[0].settings.validity",
            settings(json!({"validity": "long"})),
        ),
        ("message[0].settings.age", settings(json!({"age": "adult"}))),
        (
            "message[0].settings.newSession",
            settings(json!({"newSession": "maybe"})),
        ),
        (
            "message[0].settings.autoDetectEncoding",
            settings(json!({"autoDetectEncoding": "maybe"})),
        ),
        (
            "message[0].settings.safeRemoveNonGsmCharacters",
            settings(json!({"safeRemoveNonGsmCharacters": "maybe"})),
        ),
        (
            "message[0].settings.parameter[0].key",
            settings(json!({"parameter": [{"value": "65"}]})),
        ),
        (
            "message[0].settings.parameter[0].value",
            settings(json!({"parameter": [{"key": "pid"}]})),
        ),
    ]
}

#[tokio::test]
async fn what_is_wrong_with_a_call_as_a_whole_is_named_in_the_problem() {
    let desk = Desk::new();
    for dialect in [Dialect::V3, Dialect::Manual] {
        let router = serve_as(&desk, ServerOptions::new(dialect));
        for (field, call) in of_call() {
            for form in FORMS {
                if form == "query" && is_too_long_for_a_uri(&call) {
                    continue;
                }
                let what = format!("{form} {call:.200}");
                named_in_the_problem(&ask(&router, forms::write(form, &call)).await, field, &what);
            }
        }
    }
    assert!(desk.asked().is_empty());
}

/// Only JSON has kinds of values, so only there they can be wrong.
#[tokio::test]
async fn a_value_of_the_wrong_kind_is_named_in_the_problem() {
    let desk = Desk::new();
    let router = serve_as(&desk, ServerOptions::default());
    let texts = [
        "recipient",
        "content",
        "clientReference",
        "priceXml",
        "settings.differentiator",
        "settings.invoiceNode",
        "settings.sessionId",
        "settings.originatorSettings.originator",
        "settings.originatorSettings.originatorType",
        "settings.gasSettings.serviceCode",
        "settings.gasSettings.description",
        "settings.sendWindow.startDate",
        "settings.sendWindow.stopDate",
        "settings.sendWindow.startTime",
        "settings.sendWindow.stopTime",
    ];
    let figures = [
        "price",
        "settings.priority",
        "settings.validity",
        "settings.age",
    ];
    let flags = [
        "settings.newSession",
        "settings.autoDetectEncoding",
        "settings.safeRemoveNonGsmCharacters",
    ];
    let objects = [
        "settings",
        "settings.originatorSettings",
        "settings.gasSettings",
        "settings.sendWindow",
        "settings.parameter",
    ];
    let wrong_for_texts = [json!(true), json!([]), json!({})];
    let wrong_for_figures = [json!(true), json!([]), json!({}), json!(1.5), json!("x")];
    let wrong_for_flags = [json!([]), json!({}), json!(2), json!("x")];
    let wrong_for_objects = [json!(true), json!("x"), json!(1), json!([1])];
    let table: [(&[&str], &[Value]); 4] = [
        (&texts, &wrong_for_texts),
        (&figures, &wrong_for_figures),
        (&flags, &wrong_for_flags),
        (&objects, &wrong_for_objects),
    ];
    for (fields, values) in table {
        for field in fields {
            for value in values {
                let mut members = json!({});
                let mut place = &mut members;
                for name in field.split('.') {
                    place = &mut place[name];
                }
                *place = value.clone();
                let call = call_with(&members);
                let at = format!("message[0].{field}");
                let answer = ask(&router, post(&call)).await;
                named_in_the_problem(&answer, &at, &call.to_string());
            }
        }
    }
    assert!(desk.asked().is_empty());
}

/// XML could not carry them back.
#[tokio::test]
async fn names_with_control_characters_are_refused() {
    let desk = Desk::new();
    let router = serve_as(&desk, ServerOptions::default());
    for name in ["a\u{0}", "a\nb", "\u{85}", "\u{ffff}"] {
        let mut call = call_with(&json!({}));
        call["batchReference"] = json!(name);
        let answer = ask(&router, post(&call)).await;
        named_in_the_problem(&answer, "batchReference", name);
        let answer = ask(&router, post(&call_with(&json!({"clientReference": name})))).await;
        let sentence = "clientReference must not hold control characters".to_owned();
        assert_eq!(answer.statuses(), [(2, sentence)]);
        let status = &answer.json()["messageStatus"][0];
        assert_eq!(
            status["clientReference"], name,
            "it comes back as it was written"
        );
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn a_member_of_the_call_of_the_wrong_kind_is_named_in_the_problem() {
    let desk = Desk::new();
    let router = serve_as(&desk, ServerOptions::default());
    let wrong_for_texts = [json!(5), json!(true), json!([]), json!({})];
    let wrong_for_figures = [json!(true), json!([]), json!({}), json!("x"), json!(0.5)];
    let wrong_for_lists = [json!(true), json!("x"), json!(1), json!([1]), json!([[]])];
    let table: [(&[&str], &[Value]); 3] = [
        (
            &["username", "password", "batchReference"],
            &wrong_for_texts,
        ),
        (&["serviceId"], &wrong_for_figures),
        (&["message"], &wrong_for_lists),
    ];
    for (fields, values) in table {
        for field in fields {
            for value in values {
                let mut call = call_with(&json!({}));
                call[field] = value.clone();
                let answer = ask(&router, post(&call)).await;
                named_in_the_problem(&answer, field, &call.to_string());
            }
        }
    }
    assert!(desk.asked().is_empty());
}

#[track_caller]
fn named_in_the_problem(answer: &crate::Answer, field: &str, what: &str) {
    assert_eq!(answer.status.as_u16(), 400, "{what}: {}", answer.body);
    let problem = answer.json();
    let errors = problem["errors"].as_object();
    let errors = errors.unwrap_or_else(|| panic!("{what}: {problem}"));
    let names: Vec<&String> = errors.keys().collect();
    let named = names[0];
    // Of an item that is no object the path ends at the item.
    assert!(
        named == field || named.starts_with(&format!("{field}[")),
        "{what}: {problem}"
    );
    let sentence = problem["errors"][named][0].as_str().unwrap();
    assert!(sentence.starts_with(&**named), "{what}: {sentence}");
    assert!(sentence.len() < 250, "the value is repeated: {sentence}");
}
