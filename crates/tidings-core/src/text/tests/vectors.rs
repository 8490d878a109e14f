//! Every line of `testdata/segmentation.jsonl` and the table of worked examples.

use crate::text::{Encoding, Plan, Policy, TextError, plan};
use serde_json::Value;

const SEGMENTATION: &str = include_str!("../../../testdata/segmentation.jsonl");
const LINES: usize = 4_034;

fn vectors() -> impl Iterator<Item = Value> {
    SEGMENTATION
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
}

fn sizes(plan: &Plan<'_>) -> Vec<usize> {
    plan.parts().iter().map(|part| part.units).collect()
}

fn expected_sizes(vector: &Value) -> Vec<usize> {
    serde_json::from_value(vector["segment_units"].clone()).unwrap()
}

#[test]
fn every_vector_is_equal_in_encoding_units_and_parts() {
    let mut lines = 0;
    for vector in vectors() {
        lines += 1;
        let id = vector["id"].as_str().unwrap();
        let plan = plan(vector["text"].as_str().unwrap(), &Policy::default()).unwrap();
        assert_eq!(plan.encoding().as_str(), vector["encoding"], "{id}");
        assert_eq!(plan.units(), vector["units"], "{id}");
        assert_eq!(plan.n_parts(), vector["segments"], "{id}");
        assert_eq!(sizes(&plan), expected_sizes(&vector), "{id}");
    }
    assert_eq!(lines, LINES);
}

/// The vectors' `grapheme` field is a greedy cut by the clusters of Unicode 17. Where it takes no more parts than the plain rule it
/// must be what we do; where it takes more we must not follow it.
#[test]
fn whole_graphemes_agree_with_the_vectors_where_they_cost_no_part() {
    assert_eq!(crate::text::UNICODE_VERSION, (17, 0, 0));
    let policy = Policy::default().keep_graphemes(true);
    let (mut same_number, mut more) = (0, 0);
    for vector in vectors() {
        let id = vector["id"].as_str().unwrap();
        let plan = plan(vector["text"].as_str().unwrap(), &policy).unwrap();
        assert_eq!(plan.n_parts(), vector["segments"], "{id}");
        match vector.get("grapheme") {
            Some(grapheme) if grapheme["segments"] == vector["segments"] => {
                same_number += 1;
                assert_eq!(sizes(&plan), expected_sizes(grapheme), "{id}");
            }
            Some(_) => more += 1,
            None => assert_eq!(sizes(&plan), expected_sizes(&vector), "{id}"),
        }
    }
    assert_eq!((same_number, more), (210, 32));
}

#[track_caller]
fn check(text: &str, encoding: Encoding, parts: &[usize]) {
    let plan = plan(text, &Policy::default()).unwrap();
    assert_eq!(
        (plan.encoding(), sizes(&plan).as_slice()),
        (encoding, parts)
    );
}

#[test]
fn the_worked_examples_hold() {
    use Encoding::{Gsm7, Ucs2};
    check("", Gsm7, &[0]);
    check(&"a".repeat(160), Gsm7, &[160]);
    check(&"a".repeat(161), Gsm7, &[153, 8]);
    check(&"]".repeat(80), Gsm7, &[160]);
    check(&"]".repeat(153), Gsm7, &[152, 152, 2]);
    check(&format!("{0}€{0}", "a".repeat(152)), Gsm7, &[152, 153, 1]);
    check(&"Ç".repeat(160), Gsm7, &[160]);
    check(&"ç".repeat(70), Ucs2, &[70]);
    check(&"😀".repeat(36), Ucs2, &[66, 6]);
    check(&format!("{0}😀{0}", "ê".repeat(66)), Ucs2, &[66, 67, 1]);
}

#[test]
fn more_parts_than_permitted_are_refused_with_their_number() {
    let text = "a".repeat(39_016);
    assert_eq!(
        plan(&text, &Policy::default()),
        Err(TextError::TooManyParts {
            parts_needed: 256,
            max: 255
        })
    );
    let short = "a".repeat(307);
    let refused = Err(TextError::TooManyParts {
        parts_needed: 3,
        max: 2,
    });
    assert_eq!(plan(&short, &Policy::default().max_parts(2)), refused);
    assert_eq!(
        plan(&short, &Policy::default().max_parts(3))
            .unwrap()
            .n_parts(),
        3
    );
    assert_eq!(
        plan("ab", &Policy::default().max_parts(0))
            .unwrap()
            .n_parts(),
        1
    );
}
