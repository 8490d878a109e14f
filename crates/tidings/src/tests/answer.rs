//! An answer is its value, with the metadata at hand.

use crate::answer::{Answer, HttpMetadata};

#[test]
fn value_and_metadata() {
    let http = HttpMetadata {
        status: 200,
        request_id: Some("r-1".to_owned()),
        ..HttpMetadata::default()
    };
    let answer = Answer::new("seven".to_owned(), http.clone());
    assert_eq!(answer.len(), 5, "dereferences to the value");
    let length = answer.map(|value| value.len());
    assert_eq!(length.http, http);
    assert_eq!(length.into_value(), 5);
}
