//! The vendor's older Python client, version 2.0.4 as the package index has it, unmodified: what it
//! writes, byte for byte, and what it gets from `tidings sim`. Its defects are seen as they are:
//! nothing on our side works around them but what its every message needs.
//!
//! `puzzel_python_v2.py` drives it.

use serde_json::{Value, json};
use tidings_tests::{Packages, Recorder};

use crate::book::check_names_all_of;
use crate::puzzel_vendor::{
    Names, REJECTED, Run, TAKEN, base_url, check_bytes, drive, owned, phones, simulate,
};

pub(crate) const PACKAGES: Packages<'static> = Packages::new(include_str!("puzzel_python_v2.txt"));
pub(crate) const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/puzzel_python_v2.py");

#[test]
fn the_book_names_all_that_the_package_has() {
    let path = "coming-from/puzzel-sms-gateway-client.md";
    check_names_all_of(path, PACKAGES, "puzzel_sms_gateway_client", |_| false);
}

#[test]
fn the_bytes_that_it_writes_are_the_known_ones() {
    let recorder = Recorder::start(r#"{"batchReference":"b","messageStatus":[]}"#);
    let credentials = json!({"service_id": 1000, "username": "demo", "password": "s3cret"});
    let arguments = ["exact", &recorder.base_url()];
    drive(PACKAGES, SCRIPT, arguments, &credentials);
    let exchanges = ["send.minimal.v2.json", "send.settings.v2.json"];
    check_bytes(&recorder.calls(), &exchanges);
}

pub(crate) const NAMES: Names = Names {
    statuses,
    code: "statusCode",
    text: "statusMessage",
    reference: "clientReference",
    recipient: "recipient",
    id: "messageId",
    session: "sessionId",
    index: "sequenceIndex",
};

/// A call that was answered with success.
#[track_caller]
fn statuses(step: &Value) -> &Value {
    assert_eq!(step["status"], 200, "{step}");
    assert_eq!(step["type"], "application/json", "{step}");
    &step["body"]["messageStatus"]
}

#[track_caller]
fn check_raised(run: &Run, step: &str, kind: &str, says: &str) {
    let step = &run.steps[step];
    assert_eq!(step["raised"], kind, "{step}");
    assert!(step["says"].as_str().unwrap().contains(says), "{step}");
}

#[tokio::test]
async fn the_published_package_sends_all_that_it_can() {
    let carrier = simulate("python-v2", "[delays]\nsent_ms = 0\ndelivered_ms = 0\n");
    let arguments = ["steps", base_url(&carrier)];
    let steps = drive(PACKAGES, SCRIPT, arguments, carrier.access());
    let run = Run {
        steps,
        names: NAMES,
    };
    check_sends(&run);
    run.check_sessions();
    check_errors(&run);
    check_defects(&run);
    assert_eq!(phones(base_url(&carrier)).await, owned(&ARRIVALS));
}

#[track_caller]
pub(crate) fn check_sends(run: &Run) {
    run.check_common_sends();
    let to = "+4741000006";
    run.check_sent(
        "parsing_types",
        &[
            (REJECTED, None, to),
            (TAKEN, None, to),
            (TAKEN, None, to),
            (TAKEN, None, to),
        ],
    );
    run.check_taken("window_of_tomorrow", "+4741000007", 1);
    run.check_sent(
        "to_recipients",
        &[
            (TAKEN, Some("same"), "+4741000021"),
            (TAKEN, Some("same"), "+4741000022"),
        ],
    );
    run.check_taken("with_batch", "+4741000041", 1);
    assert_eq!(run.steps["with_batch"]["body"]["batchReference"], "batch-1");
    // Where none is given the gateway makes one.
    let made = &run.steps["minimal"]["body"]["batchReference"];
    assert!(made.as_str().is_some_and(|name| !name.is_empty()), "{made}");
}

#[track_caller]
pub(crate) fn check_errors(run: &Run) {
    for step in ["wrong_password", "wrong_user"] {
        check_raised(
            run,
            step,
            "GatewayRequestError",
            "Response status code: 401",
        );
    }
    check_raised(
        run,
        "no_messages",
        "MissingMessages",
        "at least one message",
    );
    check_raised(run, "no_recipient", "MissingRecipient", "must be defined");
    check_raised(run, "no_plus", "InvalidMsisdnFormat", "Invalid MSISDN");
    check_raised(run, "no_date", "InvalidDateFormat", "21.03.2026");
    check_raised(run, "bad_age", "ValidationError", "0, 16 or 18");
    run.check_sent("empty_content", &[(REJECTED, None, "+4741000001")]);
}

/// The package's defects, as they are.
#[track_caller]
pub(crate) fn check_defects(run: &Run) {
    // Takes it for a number.
    run.check_sent("two_pluses", &[(REJECTED, None, "+4+741000001")]);
    // What reached the phone shows that the text was changed: see the arrivals.
    run.check_taken("text_with_a_key", "+4741000031", 1);
    let parameters = |key: &str, value: &str| json!({"parameters": [{"key": key, "value": value}]});
    let steps = &run.steps;
    assert_eq!(steps["dcs_of_three"], parameters("dcs", "000"));
    let key = "strex_verification_timeout";
    assert_eq!(steps["timeout_of_31"], parameters(key, "31"));
    // The gateway's key is businessModel.
    let model = parameters("business_model", "DONATION");
    assert_eq!(steps["model_list"], model);
    check_raised(run, "pid_of_none", "TypeError", "NoneType");
    check_raised(run, "stop_date_of_none", "TypeError", "must be str");
}

/// What was answered with "taken", and nothing else; what waits for its window has not arrived.
pub(crate) const ARRIVALS: [(&str, &str, &str); 18] = [
    ("+4741000001", "", "Hei på deg €"),
    ("+4741000002", "Demo", "Grüße, λ"),
    ("+4741000003", "", "Takk for kjøpet"),
    ("+4741000004", "+4790000000", "INTERNATIONAL"),
    ("+4741000004", "Demo", "ALPHANUMERIC"),
    ("+4741000004", "1960", "NETWORK"),
    ("+4741000005", "", "48656C6C6F"),
    ("+4741000006", "", "A"),
    ("+4741000006", "", "Aa"),
    ("+4741000006", "", "Aá"),
    ("+4741000008", "1960", "Svar ja"),
    ("+4741000008", "1960", "Takk"),
    ("+4741000011", "", "En"),
    ("+4741000014", "", "Fire"),
    ("+4741000021", "", "Til alle"),
    ("+4741000022", "", "Til alle"),
    ("+4741000041", "", "I gruppe"),
    ("+4741000031", "", "Set parsing-type"),
];
