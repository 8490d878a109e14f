//! The vendor's older Python client, version 2.0.4 as the package index has it, unmodified: what it
//! writes, byte for byte, and what it gets from `tidings sim`. Its defects are seen as they are:
//! nothing on our side works around them but what its every message needs.
//!
//! `puzzel_python_v2.py` drives it.

use std::path::Path;

use serde_json::{Value, json};
use tidings_tests::{Packages, Python, Recorder};

const PACKAGES: Packages<'static> = Packages::new(include_str!("puzzel_python_v2.txt"));
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/puzzel_python_v2.py");

fn drive(mode: &str, base_url: &str, credentials: &Value) -> Value {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let python = Python::with_packages(folder, PACKAGES);
    python.run(Path::new(SCRIPT), &[mode, base_url], credentials)
}

/// Every field that is not set is written as null.
const MINIMAL: &str = r#"{"serviceId": 1000, "username": "demo", "password": "s3cret", "message": [{"recipient": "+4700000001", "content": "Hei p\u00e5 deg \u20ac", "price": null, "clientReference": null, "settings": null}], "batchReference": null}"#;
const PARAMETERS: &str = r#"{"serviceId": 1000, "username": "demo", "password": "s3cret", "message": [{"recipient": "+4700000001", "content": "Hei", "price": 0, "clientReference": "ref-1", "settings": {"priority": null, "validity": null, "differentiator": null, "invoiceNode": null, "age": null, "newSession": null, "sessionId": null, "autoDetectEncoding": null, "safeRemoveNonGsmCharacters": null, "originatorSettings": null, "gasSettings": null, "sendWindow": null, "parameter": [{"key": "business_model", "value": "DONATION"}, {"key": "pid", "value": 65}, {"key": "flash", "value": true}, {"key": "parsing-type", "value": "AUTO_DETECT"}]}}], "batchReference": "batch-1"}"#;

#[test]
fn the_bytes_that_it_writes_are_the_known_ones() {
    let recorder = Recorder::start(r#"{"batchReference":"b","messageStatus":[]}"#);
    let credentials = json!({"service_id": "1000", "username": "demo", "password": "s3cret"});
    drive("exact", &recorder.base_url(), &credentials);
    let calls = recorder.calls();
    let bodies: Vec<&str> = calls.iter().map(|call| call.body.as_str()).collect();
    assert_eq!(bodies, [MINIMAL, PARAMETERS]);
    for call in &calls {
        assert_eq!(call.call, "POST /gw/rs/sendMessages");
        assert_eq!(call.header("Accept"), Some("application/json"));
        assert_eq!(call.header("Content-Type"), Some("application/json"));
        assert_eq!(call.header("Authorization"), None);
    }
}
