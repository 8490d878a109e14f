//! The commands that work with a gateway: keys, messages, batches, lanes, webhooks, a load.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Child;
use std::time::Duration;

use serde_json::Value;

use crate::shell::{Carrier, Ended, Shell, signal, spec};

/// How often is looked at something that comes by itself.
const LOOKS_EVERY: Duration = Duration::from_millis(50);
/// How often at the most.
const LOOKS: usize = 1_200;
/// A phone that refuses everything.
pub(crate) const REFUSED: &str = "+224629000099";

/// A gateway with a lane to a simulated carrier, and a shell with a key that may do everything.
pub(crate) struct Served {
    pub(crate) carrier: Carrier,
    pub(crate) shell: Shell,
    gateway: Child,
}

impl Served {
    pub(crate) fn start() -> Self {
        let scenario = format!(
            "[delays]\nsent_ms = 10\ndelivered_ms = 20\n[[fail]]\nto = \"{REFUSED}\"\nat = \"accept\"\n"
        );
        let carrier = Carrier::with_scenario(&scenario);
        let mut shell = Shell::new();
        shell.write("tidings.toml", configuration(&carrier));
        let gateway = serve(&mut shell);
        let create = "keys create --config tidings.toml --account acme --scope admin,manage,send,read --json";
        let made = run(&shell, create).succeeded().json();
        shell.set("TIDINGS_API_KEY", text(&made[0], "api_key"));
        Self {
            carrier,
            shell,
            gateway,
        }
    }

    /// Ends it in order and starts it anew.
    pub(crate) fn restart(&mut self) {
        signal(&self.gateway, "TERM");
        assert!(self.gateway.wait().unwrap().success());
        self.gateway = serve(&mut self.shell);
    }

    pub(crate) fn run(&self, line: &str) -> Ended {
        run(&self.shell, line)
    }

    /// The lines of a command that works.
    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> Vec<Value> {
        self.run(&format!("{line} --json")).succeeded().json()
    }

    /// The one line of a command that works.
    #[track_caller]
    pub(crate) fn one(&self, line: &str) -> Value {
        let mut lines = self.json(line);
        assert_eq!(lines.len(), 1, "{line}: {lines:?}");
        lines.remove(0)
    }

    /// What people see of a command that works.
    #[track_caller]
    pub(crate) fn shown(&self, line: &str) -> String {
        self.run(line).succeeded().stdout.clone()
    }

    /// The same shell with another key.
    fn exit_code_with(&self, key: &str, line: &str) -> Option<i32> {
        let words: Vec<&str> = line.split(' ').collect();
        let mut command = self.shell.tidings(&words);
        let ended = command.env("TIDINGS_API_KEY", key).output();
        let ended = Ended::from(ended.unwrap());
        // Not that of a provider's account: this is about a key of ours.
        let advises = ended
            .stderr
            .contains("advice: check the key of the gateway's API");
        assert_eq!(advises, ended.code == Some(13), "{ended:?}");
        ended.code
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        signal(&self.gateway, "TERM");
        let status = self.gateway.wait().unwrap();
        let is_in_order = status.success() || std::thread::panicking();
        assert!(is_in_order, "the gateway ended with {status}");
    }
}

/// Starts a gateway, and lets the shell know where it is.
fn serve(shell: &mut Shell) -> Child {
    let mut serve = shell.tidings(&["serve", "--json"]);
    let log = std::fs::File::create(shell.path("gateway.log")).unwrap();
    let mut gateway = serve.stderr(log).spawn().unwrap();
    let mut line = String::new();
    let stdout = gateway.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    shell.set("TIDINGS_GATEWAY", text(&told, "url"));
    gateway
}

fn configuration(carrier: &Carrier) -> String {
    let mut text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ndrain = \"5s\"\n[webhooks]\nallow_loopback = true\n\
         [[routes]]\nlanes = [\"one\"]\ndefault_sender = \"Tidings\"\n\
         [[lanes]]\nid = \"one\"\nprovider = \"{}\"\n",
        spec().id
    );
    let account = carrier.simulator().account();
    for name in account.names() {
        let value = Value::from(account.setting(name).unwrap());
        writeln!(text, "{name} = {value}").unwrap();
    }
    text
}

fn run(shell: &Shell, line: &str) -> Ended {
    let words: Vec<&str> = line.split(' ').collect();
    shell.run(&words)
}

#[track_caller]
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    let found = value[key].as_str();
    found.unwrap_or_else(|| panic!("{key}: {value}"))
}

/// Looks until it is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        std::thread::sleep(LOOKS_EVERY);
    }
    panic!("never: {what}");
}

#[test]
fn keys_are_made_replaced_and_taken_away_over_the_api() {
    let served = Served::start();
    let made = served.one("keys create --account acme --scope send --label till --expires-in 1d");
    let (id, key) = (text(&made, "key_id"), text(&made, "api_key"));
    let keys = served.json("keys list");
    let listed = keys.iter().find(|key| key["id"] == *id).unwrap();
    assert_eq!(listed["label"], "till");
    assert!(listed["expires_at"].is_string(), "{listed}");
    assert!(served.shown("keys list").contains("till"));

    for (wrong, allowed) in [
        ("--scope bogus", "send, read, manage, admin"),
        ("--api bogus", "tidings, "),
    ] {
        let refused = served.run(&format!("keys create {wrong}"));
        let told = &refused.exited_with(2).stderr;
        let option = wrong.split(' ').next().unwrap();
        assert!(told.contains(option) && told.contains(allowed), "{told}");
    }
    let refused = served.run("keys create --network bogus");
    let told = &refused.exited_with(16).stderr;
    assert!(told.contains("networks[0]: expected a network"), "{told}");

    // It may send, and nothing else.
    assert_eq!(
        served.exit_code_with(key, "send --to +224622000001 Hi"),
        Some(0)
    );
    assert_eq!(served.exit_code_with(key, "messages list"), Some(14));
    assert_eq!(
        served.exit_code_with("tk_wrong_wrong", "messages list"),
        Some(13)
    );
    // The variable may say where the key lies.
    served.shell.write("till.key", key);
    assert_eq!(
        served.exit_code_with("file:till.key", "send --to +224622000001 Hi"),
        Some(0)
    );

    let next = served.one(&format!("keys rotate {id} --overlap 1h"));
    let both = [key, text(&next, "api_key")];
    for key in both {
        assert_eq!(
            served.exit_code_with(key, "send --to +224622000001 Hi"),
            Some(0)
        );
    }
    served.run(&format!("keys revoke {id}")).succeeded();
    assert_eq!(
        served.exit_code_with(key, "send --to +224622000001 Hi"),
        Some(13)
    );
    let last = served.one(&format!(
        "keys rotate {} --overlap 0s",
        text(&next, "key_id")
    ));
    let [old, new] = [&next, &last].map(|made| text(made, "api_key"));
    let send = "send --to +224622000001 Hi";
    let codes = [old, new].map(|key| served.exit_code_with(key, send));
    assert_eq!(codes, [Some(13), Some(0)]);
    let unknown = served.run("keys revoke 00000000-0000-7000-8000-000000000000");
    unknown.exited_with(15);

    let vendors = served.one(&format!("keys create --account acme --api {}", spec().id));
    let secrets = spec()
        .settings
        .iter()
        .filter(|setting| setting.is_required());
    for setting in secrets.filter(|setting| setting.name != "base_url") {
        assert!(
            !vendors[setting.name].is_null(),
            "{}: {vendors}",
            setting.name
        );
    }
    let misspelt = served.run("keys create --account acme --api tiding");
    let told = &misspelt.exited_with(2).stderr;
    assert!(told.contains(spec().id), "{told}");
    let elsewhere = served.one("keys create --account acme --network 192.0.2.0/24");
    let refused = served.exit_code_with(text(&elsewhere, "api_key"), "messages list");
    assert!(matches!(refused, Some(14)), "{refused:?}");
}

#[test]
fn keys_are_made_replaced_and_taken_away_beside_the_gateway() {
    let served = Served::start();
    let beside = "--config tidings.toml";
    let made = served.one(&format!("keys create {beside} --account shop"));
    let (id, key) = (text(&made, "key_id"), text(&made, "api_key"));
    assert_eq!(served.exit_code_with(key, "messages list"), Some(0));
    let keys = served.json(&format!("keys list {beside} --account shop"));
    assert_eq!((keys.len(), text(&keys[0], "id")), (1, id));

    let next = served.one(&format!("keys rotate {beside} {id} --overlap 1h"));
    let next_key = text(&next, "api_key");
    for key in [key, next_key] {
        assert_eq!(served.exit_code_with(key, "messages list"), Some(0));
    }
    served
        .run(&format!("keys revoke {beside} {id}"))
        .succeeded();
    // The gateway finds out by itself.
    until("the key is refused", || {
        served.exit_code_with(key, "messages list") == Some(13)
    });
    assert_eq!(served.exit_code_with(next_key, "messages list"), Some(0));
    served
        .run(&format!("keys revoke {beside} nobody"))
        .exited_with(5);
    served.run(&format!("keys create {beside}")).exited_with(5);
}

#[test]
fn messages_are_listed_stopped_and_sent_again() {
    let served = Served::start();
    served.shown("providers pause one");
    let waits = served.one("send --to +224622000001 Hi");
    let id = text(&waits, "id");
    let listed = served.json("messages list --state queued,held");
    assert_eq!((listed.len(), text(&listed[0], "id")), (1, id));
    let history = served.one(&format!("messages show {id}"));
    assert!(history["events"].is_array(), "{history}");
    assert!(
        served
            .shown(&format!("messages show {id}"))
            .contains("message.accepted")
    );

    let canceled = served.one(&format!("messages cancel {id}"));
    assert_eq!(canceled["outcome"], "canceled");
    let again = served.one(&format!("messages cancel {id}"));
    assert_eq!(again["outcome"], "canceled", "{again}");
    served.run(&format!("messages resend {id}")).exited_with(16);

    served.shown("providers resume one");
    let delivered = served.one("send --to +224622000002 Hi");
    until("it is delivered", || {
        served.json("messages list --state delivered").len() == 1
    });
    // What has left cannot be stopped, and a script hears that too.
    let out = text(&delivered, "id");
    let late = served.run(&format!("messages cancel {out}"));
    let told = &late.exited_with(16).stderr;
    assert!(told.contains("1 message is out already"), "{told}");
    served
        .run(&format!("messages cancel {id} {out}"))
        .exited_with(3);
    let refused = served.one(&format!("send --to {REFUSED} Hi"));
    let refused = text(&refused, "id");
    until("it has failed", || {
        served.json("messages list --state failed").len() == 1
    });
    let resent = served.one(&format!("messages resend {refused}"));
    let repeated = served.one(&format!("messages resend {refused}"));
    assert_eq!(resent["id"], repeated["id"]);
    assert!(
        served
            .shown(&format!("messages resend {refused}"))
            .contains(text(&resent, "id"))
    );
    assert!(served.shown("messages list").contains("canceled"));
    let unknown = served.run("messages show 00000000-0000-7000-8000-000000000000");
    unknown.exited_with(15);
    assert!(
        served
            .carrier
            .messages()
            .iter()
            .all(|it| it.to.as_str() != "+224622000001")
    );
}

#[test]
fn batches_are_paused_resumed_stopped_and_sent_again() {
    let served = Served::start();
    served.shown("providers pause one");
    let rows = format!("to\n+224622000001\n{REFUSED}\n");
    served.shell.write("people.csv", rows);
    let send = ["send", "--csv", "people.csv", "--template", "Hi", "--json"];
    let mut watching = served.shell.tidings(&send).spawn().unwrap();
    until("the batch is there", || {
        served.json("batches list").len() == 1
    });
    let batch = served.json("batches list").remove(0);
    let id = text(&batch, "id");

    assert_eq!(
        served.one(&format!("batches pause {id}"))["state"],
        "paused"
    );
    served.shown("providers resume one");
    let shown = served.shown(&format!("batches show {id}"));
    assert!(shown.contains("paused"), "{shown}");
    assert!(served.carrier.messages().is_empty());
    served.run(&format!("batches stop {id}")).exited_with(5);
    served.shown(&format!("batches resume {id}"));
    until("one has it, one cannot", || {
        let counts = &served.one(&format!("batches show {id}"))["counts"];
        counts["delivered"] == 1 && counts["failed"] == 1
    });
    assert_eq!(watching.wait().unwrap().code(), Some(3));

    let resent = served.one(&format!("batches resend-failed {id}"));
    assert_eq!(resent["resent"].as_array().unwrap().len(), 1, "{resent}");
    let again = served.shown(&format!("batches resend-failed {id}"));
    assert!(again.contains("resent 1"), "{again}");
    let lists = served.one(&format!("batches stop {id} --yes"));
    assert_eq!(lists["canceled"].as_array().unwrap().len(), 0);
    assert_eq!(lists["already_out"].as_array().unwrap().len(), 2, "{lists}");
    let shown = served.shown(&format!("batches stop {id} --yes"));
    assert!(shown.contains("already_out 2 messages"), "{shown}");
    let unknown = served.run("batches show 00000000-0000-7000-8000-000000000000");
    unknown.exited_with(15);
}

#[test]
fn webhooks_are_made_looked_at_and_removed() {
    let served = Served::start();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    // Nobody listens there any more.
    let url = &format!("http://{port}/told");
    let made = served.one(&format!(
        "webhooks create {url} --event message.accepted --label till"
    ));
    let id = text(&made, "id");
    assert!(text(&made, "secret").starts_with("whsec_"));
    let listed = served.shown("webhooks list");
    assert!(listed.contains(url) && listed.contains("till"), "{listed}");

    served.one("send --to +224622000001 Hi");
    until("it was tried", || {
        let deliveries = served.json(&format!("webhooks deliveries {id} --limit 5"));
        deliveries.iter().any(|delivery| delivery["tries"] != 0)
    });
    let deliveries = served.shown(&format!("webhooks deliveries {id}"));
    assert!(deliveries.contains("message.accepted"), "{deliveries}");

    let replaced = served.one(&format!("webhooks rotate-secret {id}"));
    assert_ne!(replaced["secret"], made["secret"]);
    let since = served.one("messages list")["accepted_at"].clone();
    let since = since.as_str().unwrap();
    let replay = served.one(&format!("webhooks replay {id} --since {since}"));
    assert_eq!(replay["deliveries"], 1, "{replay}");
    assert_eq!(
        served.one(&format!("webhooks enable {id}"))["is_enabled"],
        true
    );
    let other = served.shown(&format!("webhooks create {url}"));
    assert!(other.contains("whsec_") && other.contains(url), "{other}");
    let signed = format!("webhooks create {url}?token=abc --signing ed25519");
    let signed = served.one(&signed);
    assert!(text(&signed, "public_key").starts_with("whpk_"));
    for shown in [
        served.shown("webhooks list"),
        served.shown(&format!("webhooks show {}", text(&signed, "id"))),
    ] {
        assert!(shown.contains("?..") && !shown.contains("abc"), "{shown}");
    }
    let tried = served.run(&format!("webhooks test {id}"));
    let told = &tried.exited_with(3).stderr;
    assert!(told.contains("did not take"), "{told}");
    served.shown(&format!("webhooks delete {}", text(&signed, "id")));
    served.shown(&format!("webhooks delete {id}"));
    assert_eq!(served.json("webhooks list").len(), 1);
    served.run(&format!("webhooks delete {id}")).exited_with(15);
}

#[test]
fn lanes_are_listed_stopped_and_resumed() {
    let mut served = Served::start();
    served.one("send --to +224622000001 Hi");
    until("it has left", || served.one("providers list")["sent"] == 1);
    assert_eq!(served.one("providers list")["failed"], 0);
    assert_eq!(served.one("providers pause one")["state"], "paused");
    let shown = served.shown("providers list");
    assert!(
        shown.contains("paused") && shown.contains(spec().id),
        "{shown}"
    );
    served.restart();
    assert_eq!(served.one("providers list")["is_paused"], true);
    assert!(served.shown("providers resume one").contains("one is up"));
    served.run("providers pause nobody").exited_with(15);
}

#[test]
fn a_load_is_measured() {
    let served = Served::start();
    let measure = "bench --url env --api-key env:TIDINGS_API_KEY --concurrency 2 --to-prefix +2246220 --rate 50";
    let made = served.one("providers list");
    assert_eq!(made["sent"], 0);
    let url = served.shell.value("TIDINGS_GATEWAY").to_owned();
    let measure = measure.replace("--url env", &format!("--url {url}"));
    let figures = served.one(&format!("{measure} --duration 2s"));
    for name in [
        "accepted_per_second",
        "end_to_end_per_second",
        "offered_per_second",
        "p50_ms",
        "p99_ms",
        "p99.9_ms",
    ] {
        assert!(figures[name].is_f64(), "{name}: {figures}");
    }
    assert_eq!(figures["left"], figures["accepted"], "{figures}");
    assert_eq!(figures["refused"], 0);
    let shown = served.shown(&format!("{measure} --batch 10 --duration 1s"));
    assert!(shown.contains("messages a second"), "{shown}");
    // Rows that are refused count as nothing else.
    let wrong = measure.replace("+2246220", "+22400");
    let wrong = served.run(&format!("{wrong} --batch 10 --duration 1s"));
    let told = &wrong.exited_with(5).stderr;
    assert!(
        told.contains("nothing was accepted; the first refusal was: "),
        "{told}"
    );
    let fast = served.one(&format!("bench --url {url} --api-key env:TIDINGS_API_KEY --concurrency 1 --to-prefix +2246221 --duration 1s --drain 0s"));
    assert!(fast["offered_per_second"].is_f64(), "{fast}");
}
