//! The vendor's published Python package runs all its methods against `tidings sim`, and the
//! answers are what its documentation shows. Where the package has a defect, the defect is what is
//! seen: nothing on our side works around it.
//!
//! The package is the one of the package index, unmodified, in a virtual environment; see
//! `passinfo_python_sdk.py` for what drives it and how `PassInfoAPI` is pointed to the carrier.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::Request;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tidings::http::HttpClient;
use tidings::{Timestamp, passinfo};
use tidings_tests::{Carrier, Packages, Python, SimulatedByCommand};

use crate::book::check_names_all_of;

const REQUIREMENTS: &str = include_str!("passinfo_python_sdk.txt");
const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/passinfo_python_sdk.py"
);

/// Everything stays as it is at acceptance: pending.
pub(crate) const SLOW: &str = "credit = 100\n[delays]\nsent_ms = 3600000\ndelivered_ms = 3600000\n";
/// Everything is delivered at once.
const FAST: &str = "credit = 100\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n";

#[test]
fn the_book_names_all_that_the_package_has() {
    let path = "coming-from/passinfo-sdk.md";
    check_names_all_of(path, Packages::new(REQUIREMENTS), "passinfo_sdk", |_| false);
}

/// What every step of the driver gave back.
pub(crate) struct Run {
    steps: Value,
}

impl Run {
    /// Runs the driver against whatever answers at `base_url`.
    pub(crate) async fn against(base_url: &str, credentials: Value) -> Self {
        let base_url = base_url.to_owned();
        let steps = tokio::task::spawn_blocking(move || {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let python = Python::with_packages(folder, Packages::new(REQUIREMENTS));
            python.run(Path::new(SCRIPT), &[&base_url], &credentials)
        });
        Self {
            steps: steps.await.unwrap(),
        }
    }

    /// All that the package documents, wherever its answers come from; the account had 100 parts.
    #[track_caller]
    pub(crate) fn check(&self) {
        check_messages(self);
        check_contacts(self);
        check_errors(self);
        check_defects(self);
        check_renewal(self);
    }

    #[track_caller]
    fn check_step(&self, step: &str, expected: &Value) {
        assert_eq!(&self.steps[step], expected, "{step}");
    }

    /// The time that a step gave, which is one in whole seconds as the documentation shows it.
    #[track_caller]
    fn time_of(&self, step: &str) -> &str {
        let time = self.steps[step]["timestamp"].as_str().unwrap();
        let read: Timestamp = time.parse().unwrap();
        assert_eq!(
            (read.to_string().as_str(), time.len()),
            (time, 20),
            "{step}"
        );
        time
    }

    #[track_caller]
    fn check_refused(&self, step: &str, message: &str) {
        let refusal = json!({"status": "error", "success": false, "message": message});
        self.check_step(step, &refusal);
    }

    #[track_caller]
    fn check_raised(&self, step: &str, says: &str) {
        // The documentation reads `e.message`; the exception has no such attribute.
        let raised = json!({
            "raised": "PassInfoAPIError", "says": says, "status_code": 400, "has_message": false,
        });
        self.check_step(step, &raised);
    }
}

#[tokio::test]
async fn the_published_package_runs_all_its_methods() {
    let scenario = scenario_file();
    let carrier = SimulatedByCommand::start(passinfo::SPEC.id, &scenario);
    let access = carrier.access();
    let base_url = access["base_url"].as_str().unwrap();
    let run = Run::against(base_url, access.clone()).await;
    run.check();
    check_phones(base_url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivered_messages_are_reported_as_documented() {
    let carrier = Carrier::start(&passinfo::SPEC, FAST).await;
    let credentials = carrier.simulator.credentials();
    let credentials = credentials
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.expose_secret().into()));
    let credentials = Value::Object(credentials.collect());
    let run = Run::against(carrier.simulator.base_url(), credentials).await;
    let id = &run.steps["send_message"]["message_id"];
    run.check_step(
        "status",
        &json!({"status": "delivered", "message_id": id, "timestamp": "2026-11-21T12:00:00Z"}),
    );
    run.check_step(
        "status_bulk",
        &json!({
            "status": "completed", "successful": 3, "failed": 0, "pending": 0,
            "timestamp": "2026-11-21T12:00:00Z",
        }),
    );
}

fn scenario_file() -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("passinfo-python-sdk.toml");
    fs::write(&file, SLOW).unwrap();
    file
}

#[track_caller]
fn check_messages(run: &Run) {
    // README: {"status": "success", "message": "123"}; docstring: 'message_id': '123'.
    let id = &run.steps["send_message"]["message"];
    assert!(id.as_str().is_some_and(|id| !id.is_empty()), "{id}");
    let sent = json!({"status": "success", "message": id, "message_id": id});
    run.check_step("send_message", &sent);
    // README: {"status": "success", "successful_sends": 3, "failed_sends": 0}.
    let batch = &run.steps["send_message_bulk"]["batch_id"];
    assert!(batch.as_str().is_some_and(|id| !id.is_empty()), "{batch}");
    run.check_step(
        "send_message_bulk",
        &json!({"status": "success", "successful_sends": 3, "failed_sends": 0, "batch_id": batch}),
    );
    // README: {"status": "success", "group_size": 50, "messages_queued": 50}.
    let group = &run.steps["send_message_group"];
    assert_eq!(group["status"], "success");
    assert_eq!(
        (&group["group_size"], &group["messages_queued"]),
        (&json!(1), &json!(1))
    );
    // README: {"status": "sent", "message_id": "1234567890"}; docstring: and a timestamp.
    let at = run.time_of("status");
    run.check_step(
        "status",
        &json!({"status": "pending", "message_id": id, "timestamp": at}),
    );
    let at = run.time_of("status_bulk");
    // README: {"status": "processing", "successful": 45, "failed": 2, "pending": 3}.
    run.check_step(
        "status_bulk",
        &json!({
            "status": "processing", "successful": 0, "failed": 0, "pending": 3, "timestamp": at,
        }),
    );
    run.check_step("sms_count", &json!(96));
    // The message to the group of one cost one more.
    run.check_step("api_sms_count", &json!(95));
}

#[track_caller]
fn check_contacts(run: &Run) {
    let contact = |first_name: &str, last_name: &str, phone_number: &str| {
        json!({"Contact": {
            "first_name": first_name, "last_name": last_name, "phone_number": phone_number,
        }})
    };
    let jane = contact("Jane", "Doe", "622000011");
    run.check_step("create_contact", &jane);
    // The package gives back what it was given, not what was stored.
    let john_as_given = contact("John", "Smith", "+224622000012");
    run.check_step("create_contact_twice", &john_as_given);
    let (john, awa) = (
        contact("John", "Smith", "622000012"),
        contact("Awa", "Camara", "622000013"),
    );
    run.check_step("contacts_list", &json!([jane, john, awa]));
    run.check_step("contacts_page_2", &json!([awa]));
    run.check_step("add_contact_to_group", &json!(true));
    let id = &run.steps["group"]["id"];
    run.check_step(
        "user_groups",
        &json!([{"id": id, "name": "Teachers", "member_count": 1}]),
    );
    run.check_step("add_users_with_client_id", &json!({"success": true}));
}

#[track_caller]
fn check_errors(run: &Run) {
    run.check_raised("message_is_none", "Message is required.");
    run.check_raised("contacts_are_empty", "Contacts are required.");
    run.check_raised("group_is_none", "Group ID is required.");
    run.check_raised("id_is_none", "Message ID is required.");
    run.check_raised("batch_is_none", "Batch ID is required.");
    // The package does not look at the status: a refusal comes back as if it were an answer.
    run.check_refused("unknown_message", "no such message");
    run.check_refused("unknown_batch", "no such batch");
    run.check_refused("unknown_group", "no such group");
    run.check_refused("unknown_path", "no such path");
    run.check_refused("wrong_number", "contact is not a phone number of Guinea");
    run.check_refused("empty_message", "message must be a text that is not empty");
    let credentials = "the credentials are missing, wrong or expired";
    run.check_refused("wrong_key", credentials);
}

/// The package's defects, as they are.
#[track_caller]
fn check_defects(run: &Run) {
    // The README's own first line of code: the package's __init__.py is empty.
    let import = &run.steps["import_as_documented"];
    assert_eq!(import["raised"], "ImportError");
    let says = import["says"].as_str().unwrap();
    assert!(
        says.starts_with("cannot import name 'PassInfoSDKClient'"),
        "{says}"
    );
    // Sends "Client-Id: None", which is a wrong credential like any other.
    run.check_step("add_users", &json!(false));
    // Refers to an undefined name and hides the exception: no call is made.
    run.check_step("client_renew", &json!(""));
    run.check_step("key_still_good", &json!(95));
    // An error looks like an empty account, a contact that is not there, a plain no.
    run.check_step("wrong_key_sms_count", &json!(0));
    run.check_step("create_contact_refused", &Value::Null);
    run.check_step("add_to_unknown_group", &json!(false));
}

#[track_caller]
fn check_renewal(run: &Run) {
    run.check_step("api_renew_is_a_new_key", &json!(true));
    let credentials = "the credentials are missing, wrong or expired";
    run.check_refused("old_key_after_renewal", credentials);
    assert_eq!(run.steps["new_key_after_renewal"]["status"], "success");
    run.check_step("renew_by_post_names", &json!(["api_key", "new_api_key"]));
    run.check_step("last_key_sms_count", &json!(94));
}

/// What reached phones: exactly what was sent and answered with success.
async fn check_phones(base_url: &str) {
    let request = Request::get(format!("{base_url}/_sim/messages"));
    let request = request.body(Bytes::new()).unwrap();
    let http = HttpClient::builder().build().unwrap();
    let answer = http.send(request).await.unwrap();
    let lines = str::from_utf8(&answer.body).unwrap().lines();
    let arrived = lines.map(|line| {
        let message: Value = serde_json::from_str(line).unwrap();
        assert_eq!(message["from"], "Ecole");
        let part = |name: &str| message[name].as_str().unwrap().to_owned();
        (part("to"), part("text"))
    });
    let arrived: Vec<_> = arrived.collect();
    let expected = ARRIVALS.map(|(to, text)| (to.to_owned(), text.to_owned()));
    assert_eq!(arrived, expected);
}

/// Whom the texts of the driver reach that are answered with success.
pub(crate) const ARRIVALS: [(&str, &str); 6] = [
    ("+224622000001", "Hello World"),
    ("+224622000001", "Hello Everyone"),
    ("+224622000002", "Hello Everyone"),
    ("+224622000003", "Hello Everyone"),
    ("+224622000013", "Hello Group"),
    ("+224622000001", "m"),
];
