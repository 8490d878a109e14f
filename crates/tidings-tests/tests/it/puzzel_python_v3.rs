//! The vendor's present Python client, version 3.0.1 as the package index has it, unmodified: what it
//! writes, byte for byte, and what it gets from `tidings sim`. Its defects are seen as they are.
//!
//! Its metadata demand Python 3.13 or newer. The tests of [`present_python`] install it all the same
//! on the `python3` of this machine: that shows that its code and its dependencies work with our
//! server, and not that its users' version of Python does. The same tests run as [`python_3_13`] on a
//! Python that the vendor names, where there is one; elsewhere those are reported as ignored.
//!
//! `puzzel_python_v3.py` drives it.

use std::ops::Range;

use serde_json::{Value, json};
use tidings_tests::{Packages, Recorder};

use crate::puzzel_vendor::{Names, Run, base_url, check_bytes, drive, owned, phones, simulate};

const REQUIREMENTS: &str = include_str!("puzzel_python_v3.txt");
pub(crate) const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/puzzel_python_v3.py");

/// The steps of a path, and how each model is read and written: for the generator's own run time.
fn is_made_by_the_generator(name: &str) -> bool {
    let plumbing = [
        "create_from_discriminator_value",
        "get_field_deserializers",
        "serialize",
    ];
    plumbing.contains(&name)
        || name.ends_with("RequestBuilder")
        || name.starts_with("to_") && name.ends_with("_request_information")
}

/// On the Python that this machine has.
pub(crate) mod present_python {
    use super::Packages;
    use crate::book::check_names_all_of;

    pub(crate) const PACKAGES: Packages<'static> =
        Packages::new(super::REQUIREMENTS).for_any_python();

    #[test]
    fn the_book_names_all_that_the_package_has() {
        let path = "coming-from/puzzel-sms-gateway-client.md";
        check_names_all_of(path, PACKAGES, "src", super::is_made_by_the_generator);
    }

    #[test]
    fn the_bytes_that_it_writes_are_the_known_ones() {
        super::check_exact(PACKAGES);
    }

    #[tokio::test]
    async fn the_published_package_makes_all_calls() {
        super::check_calls(PACKAGES, "v3").await;
    }

    #[tokio::test]
    async fn the_published_package_lists_and_stops_batches() {
        super::check_batches(PACKAGES, "v3").await;
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
        super::check_exact(PACKAGES);
    }

    #[tokio::test]
    #[cfg_attr(
        not(python_3_13),
        ignore = "needs Python 3.13 or newer, which this machine does not have"
    )]
    async fn the_published_package_makes_all_calls() {
        super::check_calls(PACKAGES, "v3-on-3.13").await;
    }

    #[tokio::test]
    #[cfg_attr(
        not(python_3_13),
        ignore = "needs Python 3.13 or newer, which this machine does not have"
    )]
    async fn the_published_package_lists_and_stops_batches() {
        super::check_batches(PACKAGES, "v3-on-3.13").await;
    }
}

fn check_exact(packages: Packages<'_>) {
    let recorder = Recorder::start("{}");
    let credentials = json!({"service_id": 1000, "username": "demo", "password": "s3cret"});
    let arguments = ["exact", &recorder.base_url()];
    drive(packages, SCRIPT, arguments, &credentials);
    check_bytes(
        &recorder.calls(),
        &[
            "send.minimal.v3.json",
            "send.full.v3.json",
            "batch_list.v3.json",
            "batch_show.v3.json",
            "batch_stop.v3.json",
            "batch_show.odd_reference.v3.json",
            "batch_show.basic.v3.json",
            "query.helper.v3.json",
            "query.unconfigured.v3.json",
        ],
    );
}

pub(crate) const NAMES: Names = Names {
    statuses: |step| &step["message_status"],
    code: "status_code",
    text: "status_message",
    reference: "client_reference",
    recipient: "recipient",
    id: "message_id",
    session: "session_id",
    index: "sequence_index",
};

/// The package raises the problem document itself. What its documentation reads of it is not
/// there, and its text does not say what is wrong.
#[track_caller]
pub(crate) fn check_problem(run: &Run, step: &str, status: u16, title: &str) {
    let step = &run.steps[step];
    assert_eq!(step["raised"], "ProblemDetails", "{step}");
    assert_eq!(
        (&step["status"], &step["http_status"], &step["title"]),
        (&json!(status), &json!(status), &json!(title)),
    );
    assert!(
        step["detail"].as_str().is_some_and(|text| !text.is_empty()),
        "{step}"
    );
    assert!(
        step["type"]
            .as_str()
            .is_some_and(|uri| uri.starts_with("https://")),
        "{step}"
    );
    assert_eq!(
        (&step["has_error"], &step["says_title"]),
        (&json!(false), &json!(false))
    );
}

/// The package throws the body away.
#[track_caller]
fn check_status(run: &Run, step: &str, status: u16) {
    let expected = json!({"raised": "APIError", "http_status": status});
    assert_eq!(run.steps[step], expected, "{step}");
}

async fn check_calls(packages: Packages<'_>, name: &str) {
    let carrier = simulate(name, "[delays]\nsent_ms = 0\ndelivered_ms = 0\n");
    let arguments = ["steps", base_url(&carrier)];
    let steps = drive(packages, SCRIPT, arguments, carrier.access());
    let run = Run {
        steps,
        names: NAMES,
    };
    check_sends(&run);
    run.check_sessions();
    check_errors(&run);
    check_other_ways(&run);
    assert_eq!(phones(base_url(&carrier)).await, owned(&ARRIVALS));
}

#[track_caller]
pub(crate) fn check_sends(run: &Run) {
    run.check_common_sends();
    let batch = &run.steps["free_with_settings"]["batch_reference"];
    assert_eq!(batch, "batch-1");
}

#[track_caller]
pub(crate) fn check_errors(run: &Run) {
    check_problem(run, "wrong_password", 401, "Unauthorized");
    check_problem(run, "wrong_service", 401, "Unauthorized");
    check_problem(run, "unknown_batch", 404, "Not Found");
    check_problem(run, "stop_unknown_batch", 404, "Not Found");
    check_status(run, "no_messages", 400);
    check_status(run, "service_as_text", 400);
    check_status(run, "list_with_wrong_password", 401);
    check_status(run, "list_without_credentials", 401);
    check_status(run, "batch_with_wrong_password", 401);
}

#[track_caller]
pub(crate) fn check_other_ways(run: &Run) {
    run.check_taken("two_slashes", "+4741000051", 1);
    let answer = run.steps["get"].as_str().unwrap();
    assert!(answer.contains("<statusCode>1</statusCode>"), "{answer}");
    assert!(
        answer.contains("<recipient>+4741000052</recipient>"),
        "{answer}"
    );
    // The call as it is generated carries no message and no credentials.
    check_status(run, "get_as_generated", 400);
    assert_eq!(run.steps["documented_attributes"], json!([false, false]));
}

/// What was answered with "taken", and nothing else.
pub(crate) const ARRIVALS: [(&str, &str, &str); 13] = [
    ("+4741000001", "", "Hei på deg €"),
    ("+4741000002", "Demo", "Quote \" \\ and newline\n😀"),
    ("+4741000003", "", "Takk for kjøpet"),
    ("+4741000004", "+4790000000", "International"),
    ("+4741000004", "Demo", "Alphanumeric"),
    ("+4741000004", "1960", "Network"),
    ("+4741000005", "", "48656C6C6F"),
    ("+4741000011", "", "En"),
    ("+4741000014", "", "Fire"),
    ("+4741000008", "1960", "Svar ja"),
    ("+4741000008", "1960", "Takk"),
    ("+4741000051", "", "To skråstreker"),
    ("+4741000052", "", "Hei fra GET"),
];

/// One message leaves at once, the next in a hundred seconds.
const SLOW: &str = "rate_per_s = 0.01\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n";
pub(crate) const STRANGE: &str = "my batch/æ?#%2F.";

async fn check_batches(packages: Packages<'_>, name: &str) {
    let carrier = simulate(&format!("{name}-batches"), SLOW);
    let arguments = ["batches", base_url(&carrier)];
    let steps = drive(packages, SCRIPT, arguments, carrier.access());
    let batch = |reference: &str, left: u64| json!({"client_batch_reference": reference, "total_size": left, "on_hold": 0});
    // The first message left at once.
    let left = [batch("slow-1", 3), batch("slow-2", 2), batch(STRANGE, 3)];
    assert_eq!(steps["list"], json!({"message_batch": left}));
    assert_eq!(steps["one"], json!({"message_batch": left[0]}));
    check_stopped(&steps, "slow-1", 1..4, "stop", carrier.access());
    check_stopped(&steps, STRANGE, 0..3, "strange_stop", carrier.access());
    assert_eq!(steps["strange_one"], json!({"message_batch": left[2]}));
    let run = Run {
        steps,
        names: NAMES,
    };
    check_problem(&run, "one_after_stop", 404, "Not Found");
    assert_eq!(
        run.steps["list_after_stops"],
        json!({"message_batch": [left[1]]})
    );
    let arrived = owned(&[("+4741000100", "", "slow-1 0")]);
    assert_eq!(phones(base_url(&carrier)).await, arrived);
}

/// Exactly these messages of a batch were stopped.
#[track_caller]
pub(crate) fn check_stopped(
    steps: &Value,
    batch: &str,
    which: Range<usize>,
    step: &str,
    access: &Value,
) {
    let sent = &steps[format!("sent {batch}")]["message_status"];
    let stopped = which.map(|n| {
        let reference = format!("{batch}/{n}");
        json!({"message_id": sent[n]["message_id"], "client_message_reference": reference})
    });
    let service_id: u64 = access["service_id"].as_u64().unwrap();
    let expected = json!({
        "service_id": service_id,
        "client_batch_reference": batch,
        "stopped_messages": stopped.collect::<Vec<_>>(),
    });
    assert_eq!(steps[step], expected, "{step}");
}
