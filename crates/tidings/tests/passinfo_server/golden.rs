//! The server against the golden exchanges that the client is held against: it takes each request as
//! the vendor's papers write it, and its answer has every field of theirs in the same form.

use std::path::Path;

use serde_json::Value;
use tidings::ReportedState;
use tidings::backend::MessageView;

use super::desk::{self, Desk};
use super::{ask, request, serve, text_of};

#[tokio::test]
async fn the_server_takes_the_golden_requests_and_gives_the_golden_fields() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/passinfo/testdata");
    let mut n_read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let exchange: Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        check(&name, &exchange).await;
        n_read += 1;
    }
    assert_eq!(n_read, 20);
}

async fn check(name: &str, exchange: &Value) {
    let desk = Desk::new();
    desk.show(MessageView::new(
        "1234567890",
        ReportedState::Delivered,
        "2024-01-20T15:30:45Z".parse().unwrap(),
    ));
    desk.show_batch(desk::batch(45, 2, 3));
    let golden = &exchange["request"];
    let method = golden["method"].as_str().unwrap();
    // The one group of the desk.
    let path = golden["path"].as_str().unwrap().replace("groupId", "g-1");
    let body = text_of(&golden["body"]);
    let (status, answer) = ask(&serve(&desk), request(method, &path, body)).await;
    assert_eq!(status, 200, "{name}: {answer}");
    let expected = &exchange["answer"]["body"];
    if name == "contacts.node" {
        // Of the two documented forms the server gives the one with totals.
        assert!(answer["contacts"].is_array());
        has_the_fields(name, &answer["contacts"], expected);
    } else {
        has_the_fields(name, &answer, expected);
    }
}

/// Every field of `golden` is in `answer`, of the same type; what says success says it alike.
fn has_the_fields(name: &str, answer: &Value, golden: &Value) {
    match (answer, golden) {
        (Value::Object(answer), Value::Object(golden)) => {
            for (field, value) in golden {
                let ours = answer.get(field);
                let ours = ours.unwrap_or_else(|| panic!("{name}: {field} is missing"));
                if field == "success" || value == "success" {
                    assert_eq!(ours, value, "{name}: {field}");
                }
                has_the_fields(&format!("{name}.{field}"), ours, value);
            }
        }
        (Value::Array(answer), Value::Array(golden)) => {
            assert!(!answer.is_empty(), "{name}");
            for (ours, value) in answer.iter().zip(golden) {
                has_the_fields(name, ours, value);
            }
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => {}
        _ => panic!("{name}: {answer} has not the form of {golden}"),
    }
}
