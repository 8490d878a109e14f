//! The calls of `netsapiens-asyncio`, the Python client that people use with this API, made with the
//! library that it is built on against `tidings sim netsapiens --tls`. What is asked of each answer is
//! what that client asks of it, and that it is the answer which the vendor documents; where the client
//! calls a sent message a failure, that is seen as it is.
//!
//! `netsapiens_python.py` makes the calls.

use std::fs;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tidings::http::HttpClient;
use tidings_tests::{Packages, Python, Recorder, SimulatedByCommand, program_folder};

const PACKAGES: Packages<'static> = Packages::new(include_str!("netsapiens_python.txt"));
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/netsapiens_python.py");

const PHONE: &str = "+15550101234";
const OTHER_PHONE: &str = "+15550105678";
const OWN_SESSION: &str = "valid_session_id_with_32_or_more_characters_1234";

/// What every step of the script gave back.
pub(crate) struct Run {
    steps: Value,
    access: Value,
}

impl Run {
    /// Runs the script against a server that speaks TLS with the certificate of this authority.
    pub(crate) fn against(
        base_url: &str,
        ca_file: &str,
        access: &Value,
        customer: &Recorder,
    ) -> Self {
        let python = Python::with_packages(Path::new(env!("CARGO_TARGET_TMPDIR")), PACKAGES);
        let trust = [("SSL_CERT_FILE", ca_file)];
        let arguments = [base_url, &format!("{}/ns", customer.base_url())];
        let steps = python.run_with(&trust, Path::new(SCRIPT), &arguments, access);
        Self {
            steps,
            access: access.clone(),
        }
    }

    /// The JSON of a step that was answered with this status.
    #[track_caller]
    pub(crate) fn json(&self, step: &str, status: u16) -> &Value {
        let answer = &self.steps[step];
        assert_eq!(answer["status"], status, "{step}: {answer}");
        assert_eq!(answer["raised"], Value::Null, "{step}: {answer}");
        &answer["json"]
    }

    /// A step that was answered as the vendor answers changes that it has accepted.
    #[track_caller]
    pub(crate) fn check_accepted(&self, step: &str) {
        let accepted = json!({"code": 202, "message": "Accepted"});
        assert_eq!(self.json(step, 202), &accepted, "{step}");
    }

    /// A step that was refused as the vendor refuses.
    #[track_caller]
    pub(crate) fn check_refused(&self, step: &str, status: u16, words: &str) {
        let answer = self.json(step, status);
        assert_eq!(answer["code"], status, "{step}: {answer}");
        let said = answer["message"].as_str().unwrap_or_default();
        assert!(said.contains(words), "{step}: {answer}");
    }

    #[track_caller]
    pub(crate) fn rows(&self, step: &str) -> &Vec<Value> {
        let rows = self.json(step, 200);
        rows.as_array().unwrap_or_else(|| panic!("{step}: {rows}"))
    }

    fn own_number(&self) -> &str {
        self.access["from_number"].as_str().unwrap()
    }
}

/// The carrier as a person starts it. The user is one who may see everything, as in the client's
/// documentation.
fn simulate() -> SimulatedByCommand {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("netsapiens-python.toml");
    fs::write(&file, "rights = \"system\"\n").unwrap();
    let mut command = Command::new(program_folder().join("tidings"));
    command
        .args(["sim", "netsapiens", "--listen", "127.0.0.1:0", "--tls"])
        .args(["--json", "--scenario"])
        .arg(file);
    SimulatedByCommand::of(command)
}

#[tokio::test]
async fn the_calls_of_the_python_client_get_what_it_expects() {
    let customer = Recorder::start("");
    let carrier = simulate();
    let access = carrier.access().clone();
    let text = |name: &str| {
        access[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name}: {access}"))
    };
    let run = Run::against(text("base_url"), text("ca_file"), &access, &customer);

    check_signing_in(&run);
    check_messages(&run);
    // Besides the subscription that the script removes, the one for everybody.
    assert_eq!(run.json("create_for_everybody", 200)["domain"], "*");
    check_subscriptions(&run, 1);
    check_calls(&run);
    check_expiring(&run);
    check_refreshing(&run, 1);
    check_events(&run, &customer);
    assert_eq!(arrivals(&access).await, expected_on_phones(&run));
}

#[track_caller]
pub(crate) fn check_signing_in(run: &Run) {
    run.check_refused("wrong_password", 401, "");
    run.check_refused("no_token", 401, "");
    let token = run.json("token", 200);
    let text = |name: &str| match token[name].as_str() {
        Some(text) if !text.is_empty() => text,
        _ => panic!("{name}: {token}"),
    };
    // Those of the example in the client's documentation; `api_url` and `expires_at` are its own.
    for name in [
        "territory",
        "department",
        "scope",
        "user_email",
        "displayName",
        "apiversion",
    ] {
        text(name);
    }
    let username = run.access["username"].as_str().unwrap();
    let uid = format!("{}@{}", text("user"), text("domain"));
    assert_eq!(
        [text("username"), text("uid"), text("login")],
        [username, &uid, username]
    );
    assert_eq!(text("client_id"), run.access["client_id"].as_str().unwrap());
    assert_eq!(text("token_type"), "Bearer");
    assert_eq!(token["expires_in"], 3600);
    assert_ne!(text("access_token"), text("refresh_token"));
}

#[track_caller]
pub(crate) fn check_messages(run: &Run) {
    // The client takes nothing but 200 for a message in a new session ...
    let sent = run.json("send_new", 200);
    assert_eq!(sent["text"], "Hello, this is a test message!", "{sent}");
    assert_eq!(sent["type"], "sms", "{sent}");
    assert_eq!(sent["direction"], "term", "{sent}");
    assert_eq!(run.json("send_mms", 200)["media-type"], "image/jpeg");
    assert_eq!(run.json("send_mms", 200)["media-size"], 1024);
    // ... and takes what it is answered in one that is there for a failure, though it was sent.
    run.check_accepted("send_own_session");
    run.check_accepted("send_existing");

    // Four messages in three sessions: the second text of the first one is the latest there.
    let session = sent["messagesession-id"].as_str().unwrap();
    for list in ["sessions_of_domain", "sessions_of_user"] {
        let rows = run.rows(list);
        assert_eq!(rows.len(), 3, "{list}: {rows:?}");
        let first = rows.iter().find(|row| row["messagesession-id"] == session);
        let first = first.unwrap_or_else(|| panic!("{list}: {rows:?}"));
        // The vendor writes texts and numbers that are all digits as numbers.
        assert_eq!(first["messagesession-last-message"], 12_345, "{first}");
        assert_eq!(
            first["messagesession-remote"], 15_550_101_234_u64,
            "{first}"
        );
    }
    assert_eq!(run.rows("one_session_of_user").len(), 1);
    let texts =
        |step: &str| -> Vec<&Value> { run.rows(step).iter().map(|row| &row["text"]).collect() };
    let latest_first = [&json!(12_345), &json!("Hello, this is a test message!")];
    assert_eq!(texts("messages_of_session"), latest_first);
    assert_eq!(texts("messages_of_own_session"), [&json!("A follow-up")]);
    // What left its place in the path is at a place that does not exist.
    run.check_refused("hostile_session", 404, "No Route Found");
}

/// Beside the script's own subscription there are `n_others`.
#[track_caller]
pub(crate) fn check_subscriptions(run: &Run, n_others: usize) {
    let token = run.json("token", 200);
    let created = run.json("create", 200);
    assert_eq!(created["model"], "message", "{created}");
    assert_eq!(created["status"], "pending", "{created}");
    assert_eq!(created["domain"], token["domain"], "{created}");
    assert_eq!(created["subscription-geo-support"], "yes", "{created}");
    assert_eq!([&created["error-count"], &created["posts-count"]], [0, 0]);
    // Without an expiry it ends with the token.
    let created_at = seconds(&created["subscription-creation-datetime"]);
    let expires_at = seconds(&created["subscription-expires-datetime"]);
    assert!(
        (3_500..=3_600).contains(&(expires_at - created_at)),
        "{created}"
    );
    run.check_refused("create_again", 409, "exists");

    let own = created["id"].as_str().unwrap();
    assert_eq!(run.rows("list").len(), 1 + n_others);
    assert_eq!(one(run.json("one", 200))["id"], own);
    run.check_accepted("update");
    run.check_accepted("reset");
    let updated = one(run.json("one_after_update", 200));
    let expiry = updated["subscription-expires-datetime"].as_str().unwrap();
    assert!(expiry.starts_with("2046-01-01"), "{updated}");
    let posted = one(&run.steps["one_after_post"]["json"]);
    assert_eq!(posted["status"], "active", "{posted}");
    assert_eq!([&posted["error-count"], &posted["posts-count"]], [0, 1]);
    run.check_accepted("delete");
    run.check_refused("one_after_delete", 404, "");
    assert_eq!(run.rows("list_after_delete").len(), n_others);
}

/// A list of one, or the one.
fn one(answer: &Value) -> &Value {
    answer.get(0).unwrap_or(answer)
}

/// Seconds since 1970 of a time as the vendor writes it.
#[track_caller]
fn seconds(time: &Value) -> i64 {
    let text = time.as_str().unwrap().replacen("+00:00", "Z", 1);
    let time: tidings::Timestamp = text.parse().unwrap_or_else(|_| panic!("{text}"));
    time.as_millis() / 1_000
}

#[track_caller]
fn check_calls(run: &Run) {
    // An answer that is no JSON would be an error to the client, though the call was made.
    run.json("new_call", 202);
    let id = run.steps["call_id"].as_str().unwrap();
    let calls = run.rows("calls_of_domain");
    let [call] = &calls[..] else {
        panic!("{calls:?}");
    };
    assert_eq!(call["call-orig-call-id"], id, "{call}");
    let call = one(run.json("one_call", 200));
    assert_eq!(call["call-dialed-number"], "15550101234", "{call}");
    run.check_refused("calls_of_user", 404, "No Route Found");
}

#[track_caller]
fn check_expiring(run: &Run) {
    let expire = &run.steps["expire"];
    assert_eq!(expire["status"], 200, "{expire}");
    run.check_refused("expired", 401, "The access token provided has expired");
}

/// With the new token `n_subscriptions` are seen.
#[track_caller]
pub(crate) fn check_refreshing(run: &Run, n_subscriptions: usize) {
    let answers = run.steps["refreshes"].as_array().unwrap();
    let statuses: Vec<&Value> = answers.iter().map(|answer| &answer["status"]).collect();
    assert_eq!(statuses, [200, 401, 401, 401, 401]);
    let (old, new) = (run.json("token", 200), &answers[0]["json"]);
    for name in ["access_token", "refresh_token"] {
        assert!(new[name].is_string(), "{name}");
        assert_ne!(new[name], old[name], "{name}");
    }
    assert_eq!(new["domain"], old["domain"]);
    assert_eq!(run.rows("after_refresh").len(), n_subscriptions);
}

/// The customer was told of the message that was sent while the subscription was there, and was given
/// back the secret of its address.
#[track_caller]
pub(crate) fn check_events(run: &Run, customer: &Recorder) {
    let own = run.json("create", 200)["id"].as_str().unwrap();
    let calls = customer.wait_until(|calls| {
        calls
            .iter()
            .any(|call| call.header("x-correlation-id") == Some(own))
    });
    let told = calls
        .iter()
        .find(|call| call.header("x-correlation-id") == Some(own));
    let told = told.unwrap();
    assert_eq!(told.call, "POST /ns?k=abc");
    let rows: Vec<Value> = serde_json::from_str(&told.body).unwrap();
    let [row] = &rows[..] else {
        panic!("{rows:?}");
    };
    let seen = ["text", "direction", "type", "session_id", "from_num"].map(|name| &row[name]);
    let from = run.own_number().trim_start_matches('+');
    assert_eq!(seen, ["Tell me", "term", "sms", OWN_SESSION, from]);
}

/// What reached phones: to whom, from whom, and the text.
async fn arrivals(access: &Value) -> Vec<(String, String, String)> {
    let text = |name: &str| access[name].as_str().unwrap();
    let certificate = fs::read(text("ca_file")).unwrap();
    let http = HttpClient::builder().add_root_certificates(certificate);
    let http = http.system_roots(false).build().unwrap();
    let request = Request::get(format!("{}/_sim/messages", text("base_url")));
    let answer = http
        .send(request.body(Bytes::new()).unwrap())
        .await
        .unwrap();
    let lines = str::from_utf8(&answer.body).unwrap().lines();
    lines
        .map(|line| {
            let message: Value = serde_json::from_str(line).unwrap();
            let part = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            (part("to"), part("from"), part("text"))
        })
        .collect()
}

/// What has to reach phones, in the order in which it was sent: to whom, from whom, and the text.
pub(crate) fn expected_on_phones(run: &Run) -> Vec<(String, String, String)> {
    let expected = [
        (PHONE, "Hello, this is a test message!"),
        (PHONE, "A follow-up"),
        (PHONE, "12345"),
        (PHONE, "Here's a photo!"),
        (OTHER_PHONE, "Here's a photo!"),
        (PHONE, "Tell me"),
    ];
    let from = run.own_number();
    let expected = expected.map(|(to, text)| (to.to_owned(), from.to_owned(), text.to_owned()));
    expected.to_vec()
}
