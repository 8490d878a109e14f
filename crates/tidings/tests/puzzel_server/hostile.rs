//! Whatever is sent, no call is answered with a failure of the server.

use axum::body::Body;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::forms::{self, FORMS};
use crate::management::BASIC;
use crate::{Answer, SEND, call_with, read, request, serve};
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

fn assert_no_failure(answer: &Answer) {
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    assert!(answer.headers.contains_key("content-type"), "{answer:?}");
}

/// Any JSON value of a modest size.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[+0-9A-Za-z:.-]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|members| json!(members)),
        ]
    })
}

/// The path of a field of a message.
fn any_field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "recipient",
        "content",
        "price",
        "priceXml",
        "clientReference",
        "settings",
        "settings.priority",
        "settings.validity",
        "settings.differentiator",
        "settings.age",
        "settings.newSession",
        "settings.sessionId",
        "settings.invoiceNode",
        "settings.autoDetectEncoding",
        "settings.safeRemoveNonGsmCharacters",
        "settings.originatorSettings.originator",
        "settings.originatorSettings.originatorType",
        "settings.gasSettings.serviceCode",
        "settings.sendWindow.startDate",
        "settings.sendWindow.startTime",
        "settings.sendWindow.stopDate",
        "settings.sendWindow.stopTime",
        "settings.parameter",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bodies(
        body in prop::collection::vec(any::<u8>(), 0..400),
        content_type in prop::sample::select(vec![
            "application/json", "application/xml", "application/x-www-form-urlencoded", "",
        ]),
    ) {
        let call = request("POST", SEND, &[("content-type", content_type)], body);
        assert_no_failure(&answer_to(call));
    }

    #[test]
    fn arbitrary_texts_around_a_right_call(
        form in prop::sample::select(vec!["json", "xml", "form"]),
        at in any::<prop::sample::Index>(),
        junk in any::<String>(),
        replaced in 0_usize..20,
    ) {
        let call = call_with(&json!({"settings": {"parameter": [{"key": "pid", "value": "65"}]}}));
        let right = forms::write(form, &call);
        let (head, _) = right.into_parts();
        let text = match form {
            "json" => call.to_string(),
            "xml" => forms::xml(&call),
            _ => forms::pairs(&call),
        };
        let mut text: Vec<char> = text.chars().collect();
        let at = at.index(text.len());
        let end = (at + replaced).min(text.len());
        text.splice(at..end, junk.chars());
        let text: String = text.into_iter().collect();
        assert_no_failure(&answer_to(Request::from_parts(head, text.into())));
    }

    #[test]
    fn arbitrary_values_in_every_field(
        field in any_field(),
        value in any_value(),
        form in prop::sample::select(FORMS.to_vec()),
    ) {
        let mut members = json!({});
        let mut place = &mut members;
        for name in field.split('.') {
            place = &mut place[name];
        }
        *place = value;
        assert_no_failure(&answer_to(forms::write(form, &call_with(&members))));
    }

    #[test]
    fn arbitrary_paths_and_headers(
        path in "[/a-z%0-9A-F]{0,12}",
        family in prop::sample::select(vec!["/management/1000/batch/", "/mgmt/", "/", "/gw/rs/"]),
        method in prop::sample::select(vec!["GET", "POST", "DELETE", "HEAD", "PUT"]),
        accept in "[ -~]{0,40}",
        authorization in "(Basic )?[ -~]{0,40}",
        is_signed in any::<bool>(),
    ) {
        let authorization = if is_signed { BASIC } else { &authorization };
        let headers = [("accept", &*accept), ("authorization", authorization)];
        assert_no_failure(&answer_to(request(method, &format!("{family}{path}"), &headers, "")));
    }

    #[test]
    fn names_of_messages_come_back(reference in "\\PC{0,60}") {
        let call = call_with(&json!({"clientReference": &reference}));
        let answer = answer_to(forms::write("json", &call));
        assert_eq!(answer.json()["messageStatus"][0]["clientReference"], reference);
    }
}
