//! Where the day takes place: a gateway, a carrier, people with phones, and whoever has a key.
//!
//! Called by `mod.rs`, which tells the story.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use tidings::http::HttpClient;
use tidings::{Clock as _, ProviderSpec, SystemClock, Timestamp, providers};
use tidings_tests::{Recorded, Recorder, program_folder};

/// How many people the shop knows. At the lane's rate the offer to all would take half a minute.
const N_PEOPLE: usize = 300;
/// Parts a second.
const RATE: u32 = 10;
/// Whose phones are switched off in the morning; they are among the first of the file.
pub(super) const SWITCHED_OFF: [&str; 2] = ["+4790000101", "+4790000103"];
/// What the carrier calls the gateway with.
const TOKEN: &str = "callbacks-of-the-town";
/// How often is looked at something that comes by itself.
const LOOKS_EVERY: Duration = Duration::from_millis(50);
/// How often at the most: more than a minute.
const LOOKS: usize = 1_500;

/// A gateway and a carrier, each a process of its own, in one folder.
pub(super) struct Town {
    pub(super) people: Vec<Person>,
    folder: tempfile::TempDir,
    gateway: Process,
    carrier: Process,
    http: HttpClient,
    run_time: tokio::runtime::Runtime,
}

/// Somebody with a phone.
pub(super) struct Person {
    pub(super) first_name: String,
    pub(super) phone: String,
}

/// Whoever has a key of the gateway: the operator, and the shop.
pub(super) struct Holder<'t> {
    pub(super) town: &'t Town,
    key: String,
}

/// What was answered to a call.
pub(super) struct Answered {
    status: u16,
    body: Value,
}

/// A small server of the shop's, which is called when something happens.
pub(super) struct Ears {
    recorder: Recorder,
    key: Option<hmac::Key>,
}

/// A process that prints its access as its first line. It ends when this is dropped.
struct Process {
    child: Child,
    access: Value,
}

impl Town {
    /// The gateway is up before its carrier, which is told where to call; then the gateway is told of the
    /// carrier, and reads its configuration again.
    pub(super) fn wakes_up(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let spec = carrier_that_calls();
        std::fs::write(path("tidings.toml"), configuration(spec, &unknown(spec))).unwrap();
        let gateway = Process::start(&folder, "gateway.log", &["serve", "--json"]);
        let url = text_of(&gateway.access["url"]);

        std::fs::write(path("morning.toml"), morning()).unwrap();
        let calls = format!("{url}/callbacks/carrier/{TOKEN}");
        let carrier = ["sim", spec.id, "--listen", "127.0.0.1:0", "--json"];
        let told = ["--scenario", "morning.toml", "--callback-url", &calls];
        let carrier = Process::start(&folder, "carrier.log", &[&carrier[..], &told].concat());
        let lane = ("carrier", &carrier.access);
        std::fs::write(path("tidings.toml"), configuration(spec, &lane)).unwrap();

        let town = Self {
            people: (0..N_PEOPLE).map(person).collect(),
            folder,
            gateway,
            carrier,
            http: HttpClient::builder().build().unwrap(),
            run_time: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        };
        signal(&town.gateway.child, "HUP");
        town.waits_until("the gateway knows its carrier", || {
            let metrics = town.calls(Method::GET, &format!("{url}/metrics"), "", String::new());
            metrics.body.to_string().contains("carrier")
        });
        town
    }

    pub(super) fn goes_to_sleep(mut self) {
        signal(&self.gateway.child, "TERM");
        let status = self.gateway.child.wait().unwrap();
        let log = std::fs::read_to_string(self.path("gateway.log")).unwrap();
        assert!(status.success(), "{log}");
        for person in &self.people {
            assert!(!log.contains(&*person.phone), "a number is in the log");
        }
    }

    /// What its texts said that reached a phone, the first one first.
    pub(super) fn arrived(&self) -> Vec<Value> {
        let told = self.calls(Method::GET, &self.at_carrier("messages"), "", String::new());
        let lines = match &told.body {
            Value::String(lines) => lines.clone(),
            one => one.to_string(),
        };
        let read = |line| serde_json::from_str(line).unwrap();
        lines.lines().map(read).collect()
    }

    /// A phone sends a text.
    pub(super) fn gets_a_text_from(&self, phone: &str, text: &str) {
        let text = json!({"from": phone, "text": text}).to_string();
        self.calls(Method::POST, &self.at_carrier("inbound"), "", text)
            .is(200);
    }

    pub(super) fn carrier_now_lives_through(&self, scenario: &str) {
        let scenario = format!("{DELAYS}{scenario}");
        self.calls(Method::POST, &self.at_carrier("scenario"), "", scenario)
            .is(200);
    }

    /// Looks until it is so.
    #[track_caller]
    pub(super) fn waits_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        for _ in 0..LOOKS {
            if is_so() {
                return;
            }
            std::thread::sleep(LOOKS_EVERY);
        }
        let log = std::fs::read_to_string(self.path("gateway.log")).unwrap();
        panic!("never: {what}\n{log}");
    }

    #[expect(clippy::unused_self, reason = "the town has one clock for all")]
    pub(super) fn now(&self) -> Timestamp {
        SystemClock::new().now()
    }

    pub(super) fn writes(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// What somebody types who has no key yet.
    pub(super) fn runs(&self, arguments: &str) -> Vec<Value> {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        printed(command(&self.folder, &arguments))
    }

    /// Whoever has the key that was just made.
    pub(super) fn holder(&self, made: &[Value]) -> Holder<'_> {
        let key = text_of(&made[0]["api_key"]);
        Holder { town: self, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn at_carrier(&self, what: &str) -> String {
        let base_url: http::Uri = text_of(&self.carrier.access["base_url"]).parse().unwrap();
        format!("http://{}/_sim/{what}", base_url.authority().unwrap())
    }

    fn calls(&self, method: Method, url: &str, key: &str, body: String) -> Answered {
        let mut request = Request::builder().method(method).uri(url);
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Bytes::from(body)).unwrap();
        let answer = self.run_time.block_on(self.http.send(request)).unwrap();
        let body = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&answer.body).into_owned()));
        Answered {
            status: answer.status.as_u16(),
            body,
        }
    }
}

impl Holder<'_> {
    pub(super) fn gets(&self, path: &str) -> Answered {
        self.calls(Method::GET, path, String::new())
    }

    pub(super) fn posts(&self, path: &str, body: &Value) -> Answered {
        self.calls(Method::POST, path, body.to_string())
    }

    /// All messages of a batch, page by page.
    pub(super) fn messages_of(&self, batch: &str) -> Vec<Value> {
        self.runs(&format!(
            "messages list --batch {batch} --limit 1000 --json"
        ))
    }

    /// Types a command that works with the gateway, and reads its lines.
    pub(super) fn runs(&self, arguments: &str) -> Vec<Value> {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        printed(self.command(&arguments))
    }

    /// Types a command, and sees how it ends.
    pub(super) fn types(&self, arguments: &[&str]) -> ExitStatus {
        self.command(arguments).output().unwrap().status
    }

    /// Types a command that goes on.
    pub(super) fn starts(&self, arguments: &[&str]) -> Child {
        let log = File::create(self.town.path("campaign.log")).unwrap();
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.town.folder, arguments);
        command
            .env("TIDINGS_GATEWAY", text_of(&self.town.gateway.access["url"]))
            .env("TIDINGS_API_KEY", &self.key);
        command
    }

    fn calls(&self, method: Method, path: &str, body: String) -> Answered {
        let url = format!("{}{path}", text_of(&self.town.gateway.access["url"]));
        self.town.calls(method, &url, &self.key, body)
    }
}

impl Answered {
    #[track_caller]
    pub(super) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Ears {
    pub(super) fn open() -> Self {
        Self {
            recorder: Recorder::start("{}"),
            key: None,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("{}/told", self.recorder.base_url())
    }

    /// `whsec_` and the key in base64, as Standard Webhooks writes it.
    pub(super) fn know_the_secret(mut self, secret: &str) -> Self {
        let key = STANDARD
            .decode(secret.strip_prefix("whsec_").unwrap())
            .unwrap();
        self.key = Some(hmac::Key::new(hmac::HMAC_SHA256, &key));
        self
    }

    /// Waits until it was called with this kind of event about each of these, or at all; every call that has
    /// come is signed.
    pub(super) fn hear(&self, kind: &str, ids: &[String]) {
        let heard = |calls: &[Recorded]| -> Vec<String> {
            let events = calls.iter().map(body_of);
            let events = events.filter(|event| event["type"] == *kind);
            let id = |event: Value| event["data"]["id"].as_str().unwrap_or_default().to_owned();
            events.map(id).collect()
        };
        let calls = self.recorder.wait_until(|calls| {
            let heard = heard(calls);
            !heard.is_empty() && ids.iter().all(|id| heard.contains(id))
        });
        for call in &calls {
            self.check(call);
        }
    }

    /// Standard Webhooks 1.0: HMAC-SHA256 over id, time and body with a dot between them.
    fn check(&self, call: &Recorded) {
        let header = |name: &str| call.header(name).unwrap();
        let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
        let signed = format!("{id}.{time}.{}", call.body);
        let is_good = |signature: &str| {
            let tag = signature.strip_prefix("v1,").unwrap();
            let tag = STANDARD.decode(tag).unwrap();
            hmac::verify(self.key.as_ref().unwrap(), signed.as_bytes(), &tag).is_ok()
        };
        let signatures = header("webhook-signature");
        assert!(signatures.split(' ').any(is_good), "{signed}: {signatures}");
    }
}

impl Process {
    fn start(folder: &tempfile::TempDir, log: &str, arguments: &[&str]) -> Self {
        let log = folder.path().join(log);
        let mut command = command(folder, arguments);
        let command = command.stdout(Stdio::piped());
        let mut child = command.stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let access = serde_json::from_str(&line).unwrap_or_else(|_| {
            let log = std::fs::read_to_string(&log).unwrap();
            panic!("{line}{log}")
        });
        Self { child, access }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A member of an answer that is a text.
pub(super) fn text_of(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// A member of an answer that is a list of texts.
pub(super) fn ids_of(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text_of).collect()
}

/// What is on a page of a list.
pub(super) fn items_of(page: &Value) -> &[Value] {
    page["items"].as_array().unwrap()
}

pub(super) fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

fn body_of(call: &Recorded) -> Value {
    serde_json::from_str(&call.body).unwrap()
}

/// A carrier that calls whom its customer names, with reports and with texts of phones.
fn carrier_that_calls() -> &'static ProviderSpec {
    let calls =
        |spec: &&ProviderSpec| spec.emit_callback.is_some() && !spec.capabilities.subscriptions;
    providers::ALL.iter().copied().find(calls).unwrap()
}

/// A lane to nobody, for the time before there is a carrier.
fn unknown(spec: &ProviderSpec) -> (&'static str, Value) {
    let required = spec.settings.iter().filter(|setting| setting.is_required());
    let mut access: serde_json::Map<_, _> = required
        .map(|setting| (setting.name.to_owned(), Value::from("1")))
        .collect();
    access.insert("base_url".to_owned(), "http://127.0.0.1:9".into());
    ("nobody", access.into())
}

fn configuration(
    spec: &ProviderSpec,
    (id, access): &(&str, impl std::borrow::Borrow<Value>),
) -> String {
    let mut text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndrain = \"5s\"\n\
         [store]\nurl = \"sqlite://gateway.db\"\n\
         [webhooks]\nallow_loopback = true\n\
         [[lanes]]\nid = \"{id}\"\nprovider = \"{}\"\nrate = {RATE}\n\
         callback_token = \"{TOKEN}\"\ninbound_account = \"shop\"\n",
        spec.id
    );
    for (name, value) in access.borrow().as_object().unwrap() {
        // TOML writes such a text as JSON does.
        let known = spec.settings.iter().any(|setting| setting.name == name);
        if known {
            writeln!(text, "{name} = {value}").unwrap();
        }
    }
    text
}

const DELAYS: &str = "[delays]\nsent_ms = 50\ndelivered_ms = 200\n";

fn morning() -> String {
    let mut scenario = DELAYS.to_owned();
    for phone in SWITCHED_OFF {
        let rule = "reason = \"recipient_unreachable\"\nat = \"delivered\"\n";
        write!(scenario, "[[fail]]\nto = \"{phone}\"\n{rule}").unwrap();
    }
    scenario
}

fn person(place: usize) -> Person {
    Person {
        first_name: format!("Customer {place}"),
        phone: format!("+4790000{:03}", 100 + place),
    }
}

fn command(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(program_folder().join("tidings"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end, and reads its lines.
#[track_caller]
fn printed(mut command: Command) -> Vec<Value> {
    let ended = command.output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{command:?}: {told}");
    let lines = String::from_utf8(ended.stdout).unwrap();
    let read = |line| serde_json::from_str(line).unwrap();
    lines.lines().map(read).collect()
}

fn signal(child: &Child, name: &str) {
    let mut kill = Command::new("kill");
    let status = kill
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status();
    assert!(status.unwrap().success());
}
