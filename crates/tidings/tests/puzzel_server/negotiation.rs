//! In which form a call is read, and in which it is answered.

use http::StatusCode;
use serde_json::json;

use crate::desk::Desk;
use crate::management::BASIC;
use crate::{SEND, ask, assert_problem, call_with, forms, request, serve};

const JSON: &str = "application/json";
const XML: &str = "application/xml; charset=utf-8";
const TEXT: &str = "text/xml; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn the_answer_has_the_form_that_the_caller_likes_best() {
    // What the caller accepts, and the answers to a JSON call, an XML one, a form, a query, and to
    // one that manages.
    let table = [
        (None, [JSON, XML, XML, TEXT, JSON]),
        (Some(""), [JSON, XML, XML, TEXT, JSON]),
        (Some("*/*"), [JSON, XML, XML, TEXT, JSON]),
        (Some("application/json"), [JSON; 5]),
        (Some("APPLICATION/JSON"), [JSON; 5]),
        (Some("application/json, text/plain;q=0.9"), [JSON; 5]),
        (Some("application/xml"), [XML; 5]),
        (Some("text/xml"), [TEXT; 5]),
        (Some("application/*"), [JSON, XML, XML, XML, JSON]),
        (Some("text/*"), [TEXT; 5]),
        (Some("application/json;q=0.5, application/xml"), [XML; 5]),
        (
            Some("application/xml;q=0.1,application/json;q=0.2"),
            [JSON; 5],
        ),
        (
            Some("application/json;q=0, */*"),
            [XML, XML, XML, TEXT, TEXT],
        ),
        (Some("*/*;q=0.1, application/json; Q = 1"), [JSON; 5]),
        (Some("application/json;q=junk"), [JSON; 5]),
        (Some("application/json; charset=utf-8"), [JSON; 5]),
        // Nothing of it can be had: the answer has the form that it has without being asked.
        (Some("text/html"), [JSON, XML, XML, TEXT, JSON]),
        (Some("*/*;q=0"), [JSON, XML, XML, TEXT, JSON]),
        (Some(";;;,/,q="), [JSON, XML, XML, TEXT, JSON]),
        // A browser.
        (
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            [XML; 5],
        ),
    ];
    for (accept, expected) in table {
        let [json, xml, form, query, management] = expected;
        for (how, expected) in [
            ("json", json),
            ("xml", xml),
            ("form", form),
            ("query", query),
            ("management", management),
        ] {
            let mut call = match how {
                "management" => request(
                    "GET",
                    "/management/1000/batch",
                    &[("authorization", BASIC)],
                    "",
                ),
                form => forms::write(form, &call_with(&json!({}))),
            };
            call.headers_mut().remove("accept");
            if let Some(accept) = accept {
                call.headers_mut().insert("accept", accept.parse().unwrap());
            }
            let answer = ask(&serve(&Desk::new()), call).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(
                answer.header("content-type"),
                Some(expected),
                "{how} {accept:?}"
            );
            assert_eq!(
                answer.body.starts_with('{'),
                expected == JSON,
                "{how} {accept:?}"
            );
        }
    }
}

#[tokio::test]
async fn several_accept_headers_are_one_list() {
    let mut call = forms::write("json", &call_with(&json!({})));
    call.headers_mut()
        .insert("accept", "application/json;q=0.2".parse().unwrap());
    call.headers_mut()
        .append("accept", "text/xml;q=0.7".parse().unwrap());
    let answer = ask(&serve(&Desk::new()), call).await;
    assert_eq!(answer.header("content-type"), Some(TEXT));
}

#[tokio::test]
async fn a_body_is_read_by_its_content_type() {
    let call = call_with(&json!({}));
    let (json, xml, form) = (call.to_string(), forms::xml(&call), forms::pairs(&call));
    for (content_type, body, is_read) in [
        (Some("application/json"), &json, true),
        (Some("application/json; charset=utf-8"), &json, true),
        (Some("Application/JSON;charset=\"UTF-8\""), &json, true),
        (Some("application/vnd.puzzel+json"), &json, true),
        (Some("text/json"), &json, true),
        (None, &json, true),
        (Some("application/xml"), &xml, true),
        (Some("text/xml; charset=utf-8"), &xml, true),
        (Some("application/soap+xml"), &xml, true),
        (Some(FORM), &form, true),
        (
            Some("application/x-www-form-urlencoded; charset=UTF-8"),
            &form,
            true,
        ),
        (Some("application/json"), &xml, false),
        (Some("application/json"), &form, false),
        (Some("application/xml"), &json, false),
        (Some(FORM), &json, false),
        (None, &xml, false),
    ] {
        let headers: Vec<_> = content_type
            .map(|value| ("content-type", value))
            .into_iter()
            .collect();
        let call = request("POST", SEND, &headers, body.clone());
        let answer = ask(&serve(&Desk::new()), call).await;
        let expected = if is_read { 200 } else { 400 };
        assert_eq!(
            answer.status.as_u16(),
            expected,
            "{content_type:?} {body}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_unread() {
    let desk = Desk::new();
    for content_type in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/json; charset=iso-8859-1",
        "application/xml;charset=utf-16",
        "junk",
    ] {
        let body = call_with(&json!({})).to_string();
        let call = request("POST", SEND, &[("content-type", content_type)], body);
        let answer = ask(&serve(&desk), call).await;
        let sentence = "the body must be application/json, application/xml or \
                        application/x-www-form-urlencoded, in UTF-8";
        assert_problem(&answer, 415, sentence);
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn what_xml_cannot_carry_is_answered_in_json() {
    let desk = Desk::new();
    let call = call_with(&json!({"recipient": "\u{1}"}));
    let headers = [("content-type", JSON), ("accept", "application/xml")];
    let answer = ask(
        &serve(&desk),
        request("POST", SEND, &headers, call.to_string()),
    )
    .await;
    assert_eq!(answer.header("content-type"), Some(JSON));
    assert_eq!(answer.json()["messageStatus"][0]["recipient"], "\u{1}");
}
