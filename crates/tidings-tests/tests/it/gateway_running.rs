//! A gateway as a whole: a message goes through it to the phone and comes back delivered, on every store and
//! over every lane; its configuration is read again while it runs; its spans are exported.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use http::StatusCode;
use serde_json::{Value, json};
use tidings::{ProviderSpec, providers};
use tidings_gateway::Config;
use tidings_sim::Simulator;
use tidings_tests::{Answer, Recorder, TestGateway, program_folder};

/// A number that the provider serves.
fn number(spec: &ProviderSpec) -> &'static str {
    match spec.capabilities.calling_codes {
        [] => "+4790000001",
        _ => "+224622000001",
    }
}

/// The sender that the carrier's account may use.
fn sender(carrier: &Simulator) -> String {
    let account = carrier.account();
    let own = account.setting("from_number");
    own.unwrap_or("Tidings").to_owned()
}

/// Sends one message over every lane and follows it to its end.
async fn send_over_every_lane(gateway: &TestGateway) {
    for spec in providers::ALL {
        let carrier = gateway.carrier(spec.id);
        let body =
            json!({"to": number(spec), "text": "Hello", "from": sender(carrier), "tag": spec.id});
        let sent = gateway.post("/v1/messages", &body).await;
        assert_eq!(sent.status, StatusCode::ACCEPTED, "{sent:?}");
        assert_eq!(sent.body["lane"], spec.id);
        let id = sent.body["id"].as_str().unwrap();
        let wanted = if spec.capabilities.tells_delivery {
            "delivered"
        } else {
            "submitted"
        };
        let path = format!("/v1/messages/{id}");
        gateway
            .until(wanted, async || {
                gateway.get(&path).await.body["state"] == wanted
            })
            .await;
        assert_eq!(carrier.world().messages().len(), 1, "{}", spec.id);
    }
}

/// A rule for each lane, by the tag of the message.
fn routes() -> String {
    let mut text = String::new();
    for spec in providers::ALL {
        let id = spec.id;
        writeln!(text, "[[routes]]\ntag = \"{id}\"\nlanes = [\"{id}\"]").unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_back_delivered_over_every_lane_on_memory() {
    let gateway = TestGateway::builder().config(&routes()).start().await;
    send_over_every_lane(&gateway).await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_back_delivered_over_every_lane_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let builder = TestGateway::builder().sqlite(&path).config(&routes());
    let gateway = builder.start().await;
    send_over_every_lane(&gateway).await;
    gateway.finish().await;
}

/// What the page of numbers promises, with the labels by which each is told apart.
const PROMISED: &[(&str, &str, &[&str])] = &[
    ("accepted", "tidings_accepted_messages_total", &["lane"]),
    (
        "sent, by lane and class of error",
        "tidings_sent_messages_total",
        &["lane", "outcome", "error"],
    ),
    ("by state", "tidings_reports_total", &["lane", "state"]),
    (
        "depth of the queue",
        "tidings_queue_depth",
        &["lane", "state"],
    ),
    ("age of the queue", "tidings_queue_age_seconds", &["lane"]),
    (
        "how long acceptance takes",
        "tidings_accept_seconds_count",
        &[],
    ),
    (
        "how long calls take",
        "tidings_call_seconds_count",
        &["lane"],
    ),
    (
        "how long messages wait",
        "tidings_sending_seconds_count",
        &["lane"],
    ),
    (
        "how long delivery takes",
        "tidings_delivery_seconds_count",
        &["lane"],
    ),
    ("calls of a commit", "tidings_commit_calls_count", &[]),
    ("rows of a commit", "tidings_commit_rows_count", &[]),
    ("how long commits take", "tidings_commit_seconds_count", &[]),
];

/// Whether a page has a number of this name with these labels that is not zero; a gauge may be.
fn is_told(page: &str, name: &str, labels: &[&str]) -> bool {
    page.lines().any(|line| {
        let Some(rest) = line.strip_prefix(name) else {
            return false;
        };
        let has = |label: &&str| rest.contains(&format!("{label}=\""));
        let is_name_whole = rest.starts_with(if labels.is_empty() { ' ' } else { '{' });
        let is_gauge = name.starts_with("tidings_queue");
        is_name_whole && labels.iter().all(has) && (is_gauge || !rest.ends_with(" 0"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promised_number_is_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let spec = providers::ALL.last().unwrap();
    let refuses = "[[fault]]\ncall = \"submit\"\nfirst = 1\nrefuse = { status = 400 }\n";
    let builder = TestGateway::builder().sqlite(&path).config(&routes());
    let gateway = builder.scenario_of(spec.id, refuses).start().await;
    let body = json!({"to": number(spec), "text": "Hello", "from": sender(gateway.carrier(spec.id)), "tag": spec.id});
    let sent = gateway.post("/v1/messages", &body).await;
    let path = format!("/v1/messages/{}", sent.body["id"].as_str().unwrap());
    gateway
        .until("the carrier refuses a message", async || {
            gateway.get(&path).await.body["state"] == "failed"
        })
        .await;
    send_over_every_lane(&gateway).await;
    gateway
        .until("a page with all numbers", async || {
            let page = gateway.get("/metrics").await;
            let page = page.body.as_str().unwrap();
            let mut promised = PROMISED.iter();
            promised.all(|(_, name, labels)| is_told(page, name, labels))
        })
        .await;
    let page = gateway.get("/metrics").await;
    let page = page.body.as_str().unwrap();
    for (what, name, labels) in PROMISED {
        assert!(
            is_told(page, name, labels),
            "{what}: {name}{labels:?} is not told"
        );
    }
    // What the carrier refused is told by the class of its error.
    let failed = |line: &str| {
        line.starts_with("tidings_sent_messages_total{") && !line.contains("error=\"none\"")
    };
    assert!(page.lines().any(failed), "no class of error is told");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_work_leaves_the_one_before() {
    let gateway = TestGateway::builder().config(&routes()).start().await;
    let before = gateway.gateway().live();
    let refused = gateway.running().reload(Config::default()).await;
    assert!(refused.unwrap_err().to_string().contains("cannot work"));
    assert!(std::sync::Arc::ptr_eq(&before, &gateway.gateway().live()));

    let first = before.lanes.values().next().unwrap();
    first.standing.set_paused(true);
    gateway
        .reload(&format!("{}[sending]\nmax_parts = 3\n", routes()))
        .await;
    let after = gateway.gateway().live();
    assert_eq!(after.config.sending.max_parts, 3);
    let same = &after.lanes[&first.id];
    assert!(
        same.standing.is_paused(),
        "what changed of a lane while it ran stays"
    );
    assert!(
        std::sync::Arc::ptr_eq(&first.provider, &same.provider),
        "so does its connection"
    );
    same.standing.set_paused(false);
    send_over_every_lane(&gateway).await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_lead_from_a_call_to_the_attempt_and_hold_no_secret() {
    let collector = Recorder::answering(|_| Answer::status(200));
    let spec = providers::ALL
        .iter()
        .find(|spec| !spec.capabilities.calling_codes.is_empty());
    let carrier = Simulator::builder(spec.unwrap()).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[monitoring]\notlp_endpoint = \"{}\"\n[[lanes]]\nid = \"one\"\nprovider = \"{}\"\n",
        collector.base_url(),
        carrier.world().spec().id
    );
    let account = carrier.account();
    for name in account.names() {
        let value = Value::from(account.setting(name).unwrap());
        writeln!(text, "{name} = {value}").unwrap();
    }
    std::fs::write(folder.path().join("tidings.toml"), text).unwrap();
    let tidings = |arguments: &[&str]| {
        let mut command = Command::new(program_folder().join("tidings"));
        command.args(arguments).current_dir(folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut process = tidings(&["serve", "--json"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let create = "keys create --config tidings.toml --account shop --api tidings --json";
    let created = tidings(&create.split(' ').collect::<Vec<_>>())
        .output()
        .unwrap();
    let created: Value = serde_json::from_slice(&created.stdout).unwrap();
    let key = created["api_key"].as_str().unwrap();
    let body = json!({"to": "+224622000001", "text": "Secret words", "from": "Tidings"});
    let request = http::Request::post(format!("{}/v1/messages", told["url"].as_str().unwrap()))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(bytes::Bytes::from(body.to_string()))
        .unwrap();
    let http = tidings::http::HttpClient::builder().build().unwrap();
    assert_eq!(http.send(request).await.unwrap().status, 202);

    // Once the attempt is over; the end of the process exports what is on its way.
    while carrier.world().messages().is_empty() {
        tokio::task::yield_now().await;
    }
    let killed = Command::new("kill").arg(process.id().to_string()).status();
    assert!(killed.unwrap().success());
    assert!(process.wait().unwrap().success());
    let calls = collector.calls();
    let has = |word: &str| calls.iter().any(|call| call.body.contains(word));
    for span in ["call", "accept", "attempt"] {
        assert!(has(span), "no span {span}");
    }
    assert!(calls[0].call.contains("/v1/traces"), "{}", calls[0].call);
    for secret in ["Secret words", "622000001", key] {
        assert!(!has(secret), "a span holds {secret}");
    }
    carrier.stop().await;
}
