//! The processes: a carrier for each provider, which survives, and the gateway, which does not.
//!
//! Called by `main.rs`; the load and the verdict ask it for addresses, accounts and what arrived. It
//! decides nothing.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tidings::http::{HttpClient, HttpResponse};
use tidings::{Account, Clock as _, E164, ProviderSpec, SystemClock, Timestamp, providers};
use tidings_store::sqlite::SqliteStore;
use tidings_store::store::Lanes as _;
use tidings_tests::{PhoneNumbers, SimulatedByCommand, program_folder};

use crate::gateway::GatewayProcess;
use crate::options::Options;
use crate::place::Place;
use crate::verdict::{Arrival, Seen};

/// The customer whose messages they are.
const ACCOUNT: &str = "chaos";

/// What callbacks have in their path.
const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz234567";

/// A gateway between load and carriers.
pub(crate) struct Stage<'p> {
    place: &'p Place,
    program: PathBuf,
    port: u16,
    carriers: Vec<CarrierProcess>,
    gateway: Option<GatewayProcess>,
    api_key: String,
    accounts: Vec<(&'static ProviderSpec, Account)>,
    shifts_clock: bool,
    refused_starts: u32,
    http: HttpClient,
}

/// A simulated carrier.
struct CarrierProcess {
    spec: &'static ProviderSpec,
    process: SimulatedByCommand,
}

impl<'p> Stage<'p> {
    /// Starts the carriers, writes the configuration and makes the keys.
    pub(crate) fn set_up(options: &Options, place: &'p Place) -> Self {
        let program = program_folder().join(format!("tidings{}", std::env::consts::EXE_SUFFIX));
        let port = free_port();
        let http = HttpClient::builder()
            .timeout(Duration::from_secs(10))
            .system_roots(false);
        let mut stage = Self {
            place,
            program,
            port,
            carriers: Vec::new(),
            gateway: None,
            api_key: String::new(),
            accounts: Vec::new(),
            shifts_clock: options.clock_jumps,
            refused_starts: 0,
            http: http.build().expect("a client"),
        };
        stage.shift_clock(0);
        stage.start_carriers(options);
        let config = stage.config();
        fs::write(stage.path("tidings.toml"), config).expect("the folder is ours");
        stage.make_keys();
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The providers with the settings of their clients at the gateway.
    pub(crate) fn accounts(&self) -> &[(&'static ProviderSpec, Account)] {
        &self.accounts
    }

    // ---- before ----

    fn start_carriers(&mut self, options: &Options) {
        let mut scenario =
            String::from("credit = 100000000\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n");
        if options.carrier_timeouts {
            scenario.push_str(
                "[[fault]]\ncall = \"submit\"\nprobability = 0.1\ndrop = { when = \"after\" }\n",
            );
        }
        let path = self.path("scenario.toml");
        fs::write(&path, scenario).expect("the folder is ours");
        for spec in providers::ALL.iter().copied() {
            let mut command = Command::new(&self.program);
            command
                .args(["sim", spec.id, "--json", "--scenario"])
                .arg(&path);
            let state = self.path(&format!("{}.json", spec.id));
            command.arg("--state").arg(state);
            if spec.emit_callback.is_some() && !spec.capabilities.subscriptions {
                let url = format!("{}/callbacks/{}/{TOKEN}", self.url(), spec.id);
                command.args(["--callback-url", &url]);
            }
            command.stderr(self.log(&format!("{}.log", spec.id)));
            self.carriers.push(CarrierProcess {
                spec,
                process: SimulatedByCommand::of(command),
            });
        }
    }

    fn log(&self, name: &str) -> Stdio {
        let mut log = fs::OpenOptions::new();
        let log = log.create(true).append(true).open(self.path(name));
        log.expect("the folder is ours").into()
    }

    fn config(&self) -> String {
        let url = Value::from(self.url());
        let database = Value::from(format!("sqlite://{}", self.place.database().display()));
        let mut text = format!(
            "[server]\nlisten = \"127.0.0.1:{}\"\npublic_url = {url}\ndrain = \"10s\"\n\
             [store]\nurl = {database}\n\
             [sending]\ngrace = \"5s\"\nsettle = \"2s\"\nretry_for = \"24h\"\n",
            self.port
        );
        for carrier in &self.carriers {
            let id = carrier.spec.id;
            let lane = format!("[[lanes]]\nid = \"{id}\"\nprovider = \"{id}\"\ntimeout = \"8s\"\n");
            text.push_str(&lane);
            for (name, value) in carrier.settings() {
                writeln!(text, "{name} = {}", Value::from(value)).expect("a text");
            }
            if carrier.spec.parse_callback.is_some() {
                writeln!(text, "callback_token = \"{TOKEN}\"").expect("a text");
            }
        }
        for carrier in &self.carriers {
            let prefix = carrier.prefix();
            let id = carrier.spec.id;
            let route = format!("[[routes]]\nprefix = \"{prefix}\"\nlanes = [\"{id}\"]\n");
            text.push_str(&route);
            if carrier.own_number().is_none() {
                text.push_str("default_sender = \"Chaos\"\n");
            }
        }
        text
    }

    fn make_keys(&mut self) {
        let key = self.make_key("tidings", &[]);
        let api_key = key["api_key"].as_str().expect("a key is a text");
        api_key.clone_into(&mut self.api_key);
        let mut accounts = Vec::new();
        for carrier in &self.carriers {
            let spec = carrier.spec;
            // What a client needs to know besides credentials is what the carrier itself knows.
            let known = spec.settings.iter().filter(|setting| {
                !setting.is_secret && !setting.is_required() && setting.name != "base_url"
            });
            let settings = carrier.settings();
            let value = |name: &str| settings.iter().find(|(known, _)| known == name);
            let known: Vec<String> = known
                .filter_map(|setting| value(setting.name))
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let key = self.make_key(spec.id, &known);
            let mut account = Account::new(spec.id);
            for (name, value) in texts(&key) {
                if spec.settings.iter().any(|setting| setting.name == name) {
                    account = account.with(name, value);
                }
            }
            let url = format!("{}/{}", self.url(), spec.id);
            accounts.push((spec, account.with("base_url", url)));
        }
        self.accounts = accounts;
    }

    fn make_key(&self, api: &str, settings: &[String]) -> Value {
        let mut command = Command::new(&self.program);
        command.args([
            "keys",
            "create",
            "--account",
            ACCOUNT,
            "--api",
            api,
            "--json",
        ]);
        command.arg("--config").arg(self.path("tidings.toml"));
        for setting in settings {
            command.args(["--set", setting]);
        }
        let made = command.output().expect("the program can be started");
        let line = String::from_utf8_lossy(&made.stdout);
        let why = String::from_utf8_lossy(&made.stderr);
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no key for {api}: {line} {why}"))
    }

    // ---- the gateway ----

    /// Starts it and waits until it takes requests. Before a disk that will be full its log is put into the
    /// database: what it may write over without more room keeps a full disk from being felt.
    ///
    /// # Errors
    /// Where it does not start, with the end of its log.
    pub(crate) async fn start_gateway(&mut self, is_next_full: bool) -> Result<(), String> {
        // While the disk is full it may be unable to start: it said why in its log, and an operator makes
        // room. Nothing else is a reason.
        for _ in 0..2 {
            if is_next_full && !self.place.is_full() {
                // Whoever is the last to close it does that.
                drop(self.store().await);
            }
            let mut command = self.place.command(&self.program);
            command.args(["serve", "--json", "--config"]);
            command.arg(self.path("tidings.toml"));
            if self.shifts_clock {
                command.arg("--clock-shift").arg(self.path("shift"));
            }
            let log = self.log("gateway.log");
            self.gateway = GatewayProcess::start(command, log).await?;
            if self.gateway.is_some() {
                return Ok(());
            }
            self.refused_starts += 1;
            self.empty_disk();
        }
        let log = fs::read_to_string(self.path("gateway.log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        let last = last.join("\n");
        Err(format!("the gateway does not start; its log ends:\n{last}"))
    }

    /// How often it ended by itself instead of getting ready.
    pub(crate) fn refused_starts(&self) -> u32 {
        self.refused_starts
    }

    /// Ends it as a crash does. Whether it was still there to be killed.
    pub(crate) fn kill_gateway(&mut self) -> bool {
        self.gateway.take().is_some_and(GatewayProcess::kill)
    }

    /// Asks it to end. Whether it did.
    pub(crate) async fn end_gateway(&mut self) -> bool {
        match self.gateway.take() {
            Some(gateway) => gateway.end().await,
            None => false,
        }
    }

    /// From now on hardly anything can be written to the gateway's disk.
    pub(crate) fn fill_disk(&self) {
        self.place
            .fill(self.gateway.as_ref().map(GatewayProcess::id));
    }

    /// There is room again.
    pub(crate) fn empty_disk(&self) {
        let gateway = self.gateway.as_ref().map(GatewayProcess::id);
        self.place.empty(gateway);
    }

    /// Sets the gateway's clock off by so many seconds.
    pub(crate) fn shift_clock(&self, seconds: i64) {
        // Another file takes its place, so that nobody reads half of it.
        let new = self.path("shift.new");
        fs::write(&new, seconds.to_string()).expect("the folder is ours");
        fs::rename(new, self.path("shift")).expect("the folder is ours");
    }

    /// Waits until nothing is queued, held, on its way or asked about.
    ///
    /// # Errors
    /// What is left when patience is over.
    pub(crate) async fn settle(&self, patience: Duration) -> Result<(), String> {
        let store = self.store().await;
        let clock = SystemClock::new();
        let end = clock.elapsed() + patience;
        loop {
            let depth = store.depth().await.expect("the database can be read");
            let lanes = store.lane_depths().await.expect("the database can be read");
            if depth.held == 0 && depth.queued == 0 && lanes.is_empty() {
                return Ok(());
            }
            if clock.elapsed() >= end {
                return Err(format!("{depth:?} {lanes:?}"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The database, through the store.
    pub(crate) async fn store(&self) -> SqliteStore {
        let clock = Arc::new(SystemClock::new());
        let store = SqliteStore::open(self.place.database(), clock).await;
        store.expect("the database can be opened")
    }

    // ---- calls ----

    /// A call of the gateway's API.
    pub(crate) fn post(&self, path: &str, key: &str, body: &Value) -> http::Request<Bytes> {
        let request = http::Request::post(format!("{}{path}", self.url()))
            .header("authorization", format!("Bearer {}", self.api_key))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        let request = request.body(Bytes::from(body.to_string()));
        request.expect("a request of ours")
    }

    pub(crate) fn get(&self, path: &str) -> http::Request<Bytes> {
        let request = http::Request::get(format!("{}{path}", self.url()))
            .header("authorization", format!("Bearer {}", self.api_key));
        request.body(Bytes::new()).expect("a request of ours")
    }

    pub(crate) fn http(&self) -> &HttpClient {
        &self.http
    }

    /// What reached phones, over all carriers.
    pub(crate) async fn arrived(&self) -> Vec<Arrival> {
        let mut arrived = Vec::new();
        // More than a client takes of an answer as a rule.
        let http = HttpClient::builder()
            .max_body_bytes(1 << 30)
            .timeout(Duration::from_mins(5))
            .system_roots(false);
        let http = http.build().expect("a client");
        for carrier in &self.carriers {
            let url = format!("{}/_sim/messages", carrier.origin());
            let request = http::Request::get(url).body(Bytes::new());
            let answer = http.send(request.expect("a request of ours")).await;
            let HttpResponse { body, .. } = answer.expect("carriers survive");
            for line in String::from_utf8_lossy(&body).lines() {
                let line: Value = serde_json::from_str(line).expect("a line is JSON");
                let field = |name: &str| line[name].as_str().unwrap_or_default();
                let at: Timestamp = field("at").parse().expect("a time");
                arrived.push(Arrival {
                    seen: Seen::new(field("to"), field("text")),
                    at,
                });
            }
        }
        arrived
    }

    /// A phone that a provider's lane is for.
    pub(crate) fn phone(&self, spec: &ProviderSpec, place: usize) -> E164 {
        let carrier = self.carriers.iter().find(|it| it.spec.id == spec.id);
        let carrier = carrier.expect("there is a carrier for each");
        let place = place % 10_000;
        let number = match carrier.prefix().as_str() {
            "+47" => format!("+4790{place:06}"),
            "+1" => format!("+1415555{place:04}"),
            _ => return PhoneNumbers::served(&spec.capabilities).number(place),
        };
        E164::parse_possible(&number, None).expect("a number of ours")
    }
}

impl CarrierProcess {
    /// What its clients have to know, as it said.
    fn settings(&self) -> Vec<(String, String)> {
        let known = |name: &str| self.spec.settings.iter().any(|it| it.name == name);
        let mut settings = texts(self.process.access());
        settings.retain(|(name, _)| known(name));
        settings
    }

    fn setting(&self, wanted: &str) -> Option<String> {
        let settings = self.settings();
        let found = settings.into_iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value)
    }

    /// The number that texts of its account go out from.
    fn own_number(&self) -> Option<String> {
        self.setting("from_number")
    }

    /// Where the numbers begin that go over its lane.
    fn prefix(&self) -> String {
        let own = self.own_number();
        let own = own.and_then(|number| number.get(..2).map(str::to_owned));
        match self.spec.capabilities.calling_codes {
            [code, ..] => format!("+{code}"),
            [] => own.unwrap_or_else(|| "+47".to_owned()),
        }
    }

    /// Scheme, host and port.
    fn origin(&self) -> String {
        let base = self.setting("base_url").expect("it said where it listens");
        let uri: http::Uri = base.parse().expect("an address");
        let authority = uri.authority().expect("an address has a host");
        format!("http://{authority}")
    }
}

/// The texts and numbers of a JSON object.
fn texts(object: &Value) -> Vec<(String, String)> {
    let fields = object.as_object().into_iter().flatten();
    let fields = fields.filter_map(|(name, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some((name.clone(), value))
    });
    fields.collect()
}

/// A port that was free a moment ago, the same for every start.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it was bound");
    address.port()
}
