//! The vendor's older Python client, version 2.0.4 as the package index has it, unmodified: what it
//! writes, byte for byte, and what it gets from `tidings sim`. Its defects are seen as they are:
//! nothing on our side works around them but what its every message needs.
//!
//! `puzzel_python_v2.py` drives it.

use std::path::Path;

use serde_json::{Value, json};
use tidings_tests::{Packages, Python, Recorder};

use crate::puzzel_vendor::{
    Names, REJECTED, TAKEN, base_url, check_bytes, owned, phones, simulate,
};

const PACKAGES: Packages<'static> = Packages::new(include_str!("puzzel_python_v2.txt"));
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/puzzel_python_v2.py");

fn drive(mode: &str, base_url: &str, credentials: &Value) -> Value {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let python = Python::with_packages(folder, PACKAGES);
    python.run(Path::new(SCRIPT), &[mode, base_url], credentials)
}

#[test]
fn the_bytes_that_it_writes_are_the_known_ones() {
    let recorder = Recorder::start(r#"{"batchReference":"b","messageStatus":[]}"#);
    let credentials = json!({"service_id": 1000, "username": "demo", "password": "s3cret"});
    drive("exact", &recorder.base_url(), &credentials);
    let exchanges = ["send.minimal.v2.json", "send.settings.v2.json"];
    check_bytes(&recorder.calls(), &exchanges);
}

const NAMES: Names = Names {
    code: "statusCode",
    text: "statusMessage",
    reference: "clientReference",
    recipient: "recipient",
    id: "messageId",
    session: "sessionId",
    index: "sequenceIndex",
};

struct Run {
    steps: Value,
}

impl Run {
    /// The statuses of a call that was answered with success.
    #[track_caller]
    fn statuses(&self, step: &str) -> &Value {
        let step = &self.steps[step];
        assert_eq!(step["status"], 200, "{step}");
        assert_eq!(step["type"], "application/json", "{step}");
        &step["body"]["messageStatus"]
    }

    #[track_caller]
    fn check_sent(&self, step: &str, expected: &[(i64, Option<&str>, &str)]) {
        NAMES.check(self.statuses(step), expected);
    }

    /// All messages of a step went to one number without references, and were taken.
    #[track_caller]
    fn check_taken(&self, step: &str, recipient: &str, n_messages: usize) {
        self.check_sent(step, &vec![(TAKEN, None, recipient); n_messages]);
    }

    #[track_caller]
    fn check_raised(&self, step: &str, kind: &str, says: &str) {
        let step = &self.steps[step];
        assert_eq!(step["raised"], kind, "{step}");
        assert!(step["says"].as_str().unwrap().contains(says), "{step}");
    }
}

#[tokio::test]
async fn the_published_package_sends_all_that_it_can() {
    let carrier = simulate("python-v2", "[delays]\nsent_ms = 0\ndelivered_ms = 0\n");
    let steps = drive("steps", base_url(&carrier), carrier.access());
    let run = Run { steps };
    check_sends(&run);
    check_sessions(&run);
    check_errors(&run);
    check_defects(&run);
    assert_eq!(phones(base_url(&carrier)).await, owned(&ARRIVALS));
}

#[track_caller]
fn check_sends(run: &Run) {
    run.check_taken("minimal", "+4741000001", 1);
    run.check_sent(
        "free_with_settings",
        &[(TAKEN, Some("full-1"), "+4741000002")],
    );
    run.check_sent("premium", &[(TAKEN, Some("premium-1"), "+4741000003")]);
    run.check_taken("originators", "+4741000004", 3);
    run.check_taken("parameters", "+4741000005", 1);
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
        "several",
        &[
            (TAKEN, Some("several-1"), "+4741000011"),
            (REJECTED, Some("several-2"), "+4741000012"),
            (REJECTED, Some("several-3"), "+12"),
            (TAKEN, Some("several-4"), "+4741000014"),
        ],
    );
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
fn check_sessions(run: &Run) {
    let session = |step: &str| {
        let status = &run.statuses(step)[0];
        assert_eq!(status["statusCode"], TAKEN, "{status}");
        status["sessionId"].as_str().unwrap().to_owned()
    };
    assert_ne!(session("session_opened"), "");
    assert_eq!(session("session_opened"), session("session_continued"));
}

#[track_caller]
fn check_errors(run: &Run) {
    for step in ["wrong_password", "wrong_user"] {
        run.check_raised(step, "GatewayRequestError", "Response status code: 401");
    }
    run.check_raised("no_messages", "MissingMessages", "at least one message");
    run.check_raised("no_recipient", "MissingRecipient", "must be defined");
    run.check_raised("no_plus", "InvalidMsisdnFormat", "Invalid MSISDN");
    run.check_raised("no_date", "InvalidDateFormat", "21.03.2026");
    run.check_raised("bad_age", "ValidationError", "0, 16 or 18");
    run.check_sent("empty_content", &[(REJECTED, None, "+4741000001")]);
}

/// The package's defects, as they are.
#[track_caller]
fn check_defects(run: &Run) {
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
    run.check_raised("pid_of_none", "TypeError", "NoneType");
    run.check_raised("stop_date_of_none", "TypeError", "must be str");
}

/// What was answered with "taken", and nothing else; what waits for its window has not arrived.
const ARRIVALS: [(&str, &str, &str); 18] = [
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
