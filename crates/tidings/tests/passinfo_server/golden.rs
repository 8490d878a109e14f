//! The golden exchanges, from the server's side: to the request of each file it gives every field of
//! the file's answer with the file's value. It gives further fields, because the vendor's papers
//! differ from each other and programs were written after each of them.

use std::fs;
use std::path::Path;

use http::{Request, StatusCode};
use serde_json::Value;
use tidings::ReportedState;

use crate::desk::{self, Desk};
use crate::{ask, serve, text_of};

/// The one answer that contradicts the others: a bare list in place of an object that holds it.
const CONTRADICTS: &str = "contacts.node.json";

#[tokio::test]
async fn the_server_answers_every_golden_request_with_every_golden_field() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/passinfo/testdata/exchanges");
    let mut n_checked = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let golden: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let expected = &golden["answer"]["body"];
        let desk = Desk::new();
        match expected["status"].as_str() {
            Some("delivered") => desk.show(desk::message(ReportedState::Delivered)),
            Some("processing") => desk.show_batch(desk::batch(45, 2, 3)),
            _ => {}
        }
        let (status, answer) = ask(&serve(&desk), request(&golden["request"])).await;
        assert_eq!(status, StatusCode::OK, "{name}: {answer}");
        if name == CONTRADICTS {
            assert!(holds(&answer["contacts"], expected), "{name}: {answer}");
        } else {
            assert!(holds(&answer, expected), "{name}: {answer}");
        }
        n_checked += 1;
    }
    assert!(n_checked >= 20, "{n_checked} files");
}

fn request(golden: &Value) -> Request<axum::body::Body> {
    let mut request = Request::builder()
        .method(golden["method"].as_str().unwrap())
        .uri(golden["path"].as_str().unwrap());
    for (name, value) in golden["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.body(text_of(&golden["body"]).into()).unwrap()
}

/// Whether an answer has all that another has.
fn holds(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (Value::Object(answer), Value::Object(expected)) => expected
            .iter()
            .all(|(name, value)| answer.get(name).is_some_and(|found| holds(found, value))),
        (Value::Array(answer), Value::Array(expected)) => {
            let pairs = || answer.iter().zip(expected);
            answer.len() == expected.len() && pairs().all(|(found, value)| holds(found, value))
        }
        _ => answer == expected,
    }
}

#[test]
fn holding_is_strict_about_values_and_lengths() {
    let check = |answer: &str, expected: &str, holds_it: bool| {
        let read = |text| serde_json::from_str(text).unwrap();
        assert_eq!(
            holds(&read(answer), &read(expected)),
            holds_it,
            "{answer} {expected}"
        );
    };
    check(r#"{"a":1,"b":2}"#, r#"{"a":1}"#, true);
    check(r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false);
    check(r#"{"a":"1"}"#, r#"{"a":1}"#, false);
    check("[1]", "[1,2]", false);
    check("[1,2]", "[1]", false);
    check(r#"[{"a":1,"b":2}]"#, r#"[{"a":1}]"#, true);
}
