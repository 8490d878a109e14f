//! The vendor's present Python client, version 3.0.1 as the package index has it, unmodified: what it
//! writes, byte for byte, and what it gets from `tidings sim`. Its defects are seen as they are.
//!
//! Its metadata demand Python 3.13 or newer. The tests of [`present_python`] install it all the same
//! on the `python3` of this machine: that shows that its code and its dependencies work with our
//! server, and not that its users' version of Python does. The same tests run as [`python_3_13`] on a
//! Python that the vendor names, where there is one; elsewhere those are reported as ignored.
//!
//! `puzzel_python_v3.py` drives it.

use std::path::Path;

use serde_json::{Value, json};
use tidings_tests::{Packages, Python, Recorder};

const REQUIREMENTS: &str = include_str!("puzzel_python_v3.txt");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/puzzel_python_v3.py");

/// On the Python that this machine has.
mod present_python {
    use super::Packages;

    const PACKAGES: Packages<'static> = Packages::new(super::REQUIREMENTS).for_any_python();

    #[test]
    fn the_bytes_that_it_writes_are_the_known_ones() {
        super::check_bytes(PACKAGES);
    }
}

/// On a Python that the vendor says it needs.
mod python_3_13 {
    use super::Packages;

    const PACKAGES: Packages<'static> =
        Packages::new(super::REQUIREMENTS).interpreter(env!("TIDINGS_PYTHON_3_13"));

    #[test]
    #[cfg_attr(
        not(python_3_13),
        ignore = "needs Python 3.13 or newer, which this machine does not have"
    )]
    fn the_bytes_that_it_writes_are_the_known_ones() {
        super::check_bytes(PACKAGES);
    }
}

fn drive(packages: Packages<'_>, mode: &str, base_url: &str, credentials: &Value) -> Value {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let python = Python::with_packages(folder, packages);
    python.run(Path::new(SCRIPT), &[mode, base_url], credentials)
}

const MINIMAL: &str = r#"{"message": [{"content": "Hei p\u00e5 deg \u20ac", "recipient": "+4700000001"}], "password": "s3cret", "serviceId": 1000, "username": "demo"}"#;
const FULL: &str = r#"{"batchReference": "batch-1", "message": [{"clientReference": "ref-1", "content": "Quote \" \\ and newline\n\ud83d\ude00", "price": 0, "priceXml": "<price/>", "recipient": "+4700000001", "settings": {"age": 18, "autoDetectEncoding": false, "differentiator": "grp", "gasSettings": {"description": "SMS", "serviceCode": "02001"}, "invoiceNode": "dept", "newSession": true, "originatorSettings": {"originator": "Demo", "originatorType": "Alphanumeric"}, "parameter": [{"key": "dcs", "value": "F5"}, {"key": "parsing-type", "value": "AUTO_DETECT"}], "priority": 3, "sendWindow": {"startDate": "2026-03-21", "startTime": "09:00:00", "stopDate": "2026-03-22", "stopTime": "17:00:00"}, "sessionId": "00demosession0000001", "validity": 173}}, {"content": "", "recipient": "+4700000002", "settings": {"originatorSettings": {"originator": "+4700000000", "originatorType": "International"}, "parameter": []}}], "password": "s3cret", "serviceId": 1000, "username": "demo"}"#;
const EXACT_CALLS: [(&str, &str); 7] = [
    ("POST /gw/rs/sendMessages", MINIMAL),
    ("POST /gw/rs/sendMessages", FULL),
    ("GET /management/1000/batch", ""),
    ("GET /management/1000/batch/batch-1", ""),
    ("DELETE /management/1000/batch/batch-1", ""),
    (
        "GET /management/1000/batch/my%20batch%2F%C3%A6%3F%23%252F.",
        "",
    ),
    ("GET /management/1000/batch", ""),
];

fn check_bytes(packages: Packages<'_>) {
    let recorder = Recorder::start("{}");
    let credentials = json!({"service_id": "1000", "username": "demo", "password": "s3cret"});
    drive(packages, "exact", &recorder.base_url(), &credentials);
    let calls = recorder.calls();
    let seen: Vec<(&str, &str)> = calls
        .iter()
        .map(|call| (call.call.as_str(), call.body.as_str()))
        .collect();
    assert_eq!(seen, EXACT_CALLS);
    for call in &calls {
        assert_eq!(call.header("Accept"), Some("application/json"));
        let is_post = call.call.starts_with("POST");
        assert_eq!(
            call.header("Content-Type"),
            is_post.then_some("application/json")
        );
    }
    // As documented nobody signs in; only who asks the package's own dependency for it does.
    let signed_in = calls.iter().map(|call| call.header("Authorization"));
    let mut expected = [None; EXACT_CALLS.len()];
    expected[EXACT_CALLS.len() - 1] = Some("Basic ZGVtbzpzM2NyZXQ=");
    assert_eq!(signed_in.collect::<Vec<_>>(), expected);
}
