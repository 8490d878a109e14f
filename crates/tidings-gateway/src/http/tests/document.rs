//! The `OpenAPI` document: the file in `docs/` is the one that the handlers make.

use tidings_core::text::Replacement;
use tidings_core::{DeliveryPolicy, Priority};

use super::super::{document, schema};
use super::Doors;
use crate::access::Scope;

#[test]
fn the_document_in_the_docs_is_the_one_of_the_handlers() {
    let kept = include_str!("../../../../../docs/openapi.json");
    let made = document().to_pretty_json().unwrap();
    assert!(
        kept.trim_end() == made,
        "docs/openapi.json is not what the handlers say; write it anew with \
         `cargo run -p tidings-gateway --example openapi > docs/openapi.json`"
    );
}

#[test]
fn every_operation_has_a_summary_a_tag_and_an_answer_for_problems() {
    let document = serde_json::to_value(document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}: {operation}");
            assert!(operation["summary"].is_string(), "{what}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{what}");
            let problem = &operation["responses"]["default"]["content"];
            assert!(problem["application/problem+json"].is_object(), "{what}");
            assert!(operation["security"].is_array(), "{what}");
        }
    }
}

/// The words of the document are those that are read and written.
#[test]
fn the_words_of_the_document_are_the_real_ones() {
    fn check<S: serde::Serialize>(shown: &[S], real: &[&str]) {
        let shown = serde_json::to_value(shown).unwrap();
        assert_eq!(shown, serde_json::json!(real));
    }
    let words: Vec<_> = Priority::ALL.iter().map(|it| it.as_str()).collect();
    check(schema::Priority::ALL, &words);
    let words: Vec<_> = DeliveryPolicy::ALL.iter().map(|it| it.as_str()).collect();
    check(schema::Policy::ALL, &words);
    let words: Vec<_> = Scope::ALL.iter().map(|it| it.as_str()).collect();
    check(schema::Scope::ALL, &words);
    let levels = [
        Replacement::Off,
        Replacement::Typography,
        Replacement::Accents,
        Replacement::Strict,
    ];
    check(schema::Replacement::ALL, &levels.map(Replacement::as_str));
}

#[tokio::test]
async fn the_pages_for_people_name_every_operation_and_every_code() {
    let doors = Doors::new().await;
    let page = doors.call_as("GET", "/docs", &[], "").await.is(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let document = serde_json::to_value(document()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let heading = format!("{} {path}", method.to_uppercase());
            assert!(page.text().contains(&heading), "{heading}");
        }
    }
    let errors = doors.call_as("GET", "/docs/errors", &[], "").await.is(200);
    for code in super::super::error::Code::OWN {
        let row = format!("id=\"{}\"", code.as_str());
        assert!(errors.text().contains(&row), "{row}");
    }
    let json = doors.call_as("GET", "/openapi.json", &[], "").await.is(200);
    assert_eq!(json.json(), document);
    for page in [page, errors] {
        for outside in ["http://", "https://", "<script", "src="] {
            assert!(!page.text().contains(outside), "{outside}");
        }
    }
}
