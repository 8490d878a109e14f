//! `tidings sim`, and the commands that only print.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;
use tidings::ProviderSpec;
use tidings_gateway::config::ConfigFile;
use tidings_gateway::config::keys::KEYS;

use crate::shell::{Ended, Shell, signal, spec, spec_that, variable};

/// Starts a carrier with the real binary and reads its first line.
fn start(shell: &Shell, arguments: &[&str]) -> (Child, Value) {
    let mut child = shell
        .tidings(&[&["sim", spec().id], arguments].concat())
        .spawn()
        .unwrap();
    let access = first_line(&mut child);
    (child, access)
}

fn first_line(child: &mut Child) -> Value {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
}

fn beside(access: &Value) -> Shell {
    let mut shell = Shell::new();
    shell.set("TIDINGS_PROVIDER", spec().id);
    for (name, value) in access.as_object().unwrap() {
        if spec().settings.iter().any(|setting| setting.name == name) {
            shell.set(&variable(name), value.as_str().unwrap());
        }
    }
    shell
}

fn get(access: &Value, path: &str) -> String {
    let address = access["base_url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_prints_its_address_and_credentials_and_ends_on_a_signal() {
    let shell = Shell::new();
    let (mut child, access) = start(&shell, &["--listen", "127.0.0.1:0", "--json"]);
    for setting in spec().settings {
        if setting.is_required() {
            let value = &access[setting.name];
            assert!(
                if setting.is_number {
                    value.is_u64()
                } else {
                    value.is_string()
                },
                "{access}"
            );
        }
    }
    beside(&access)
        .run(&["send", "--from", "T", "--to", "+224622000001", "Bonjour"])
        .succeeded();
    let messages = get(&access, "/_sim/messages");
    assert!(messages.contains("+224622000001"), "{messages}");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_obeys_a_scenario_and_survives_being_killed() {
    let shell = Shell::new();
    shell.write("scenario.toml", "credit = 5\n");
    let arguments = ["--json", "--scenario", "scenario.toml", "--state", "state"];
    let (mut child, access) = start(&shell, &arguments);
    let client = beside(&access);
    client
        .run(&["send", "--from", "T", "--to", "+224622000001", "Bonjour"])
        .succeeded();
    signal(&child, "KILL");
    child.wait().unwrap();
    let (mut child, again) = start(&shell, &arguments);
    assert_eq!(again["api_key"], access["api_key"]);
    let balance = beside(&again).run(&["balance", "--json"]);
    assert_eq!(balance.succeeded().json()[0]["amount"], 4);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn texts_can_be_typed() {
    let shell = Shell::new();
    let mut command = shell.tidings(&["sim", spec().id, "--json", "--type"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let access = first_line(&mut child);
    let mut keyboard = child.stdin.take().unwrap();
    writeln!(keyboard, "nonsense\n\n+4790000001 STOP it").unwrap();
    drop(keyboard);
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let warned = told.next().unwrap().unwrap();
    assert!(warned.contains("+4790000001 STOP"), "{warned}");
    let received = told.next().unwrap().unwrap();
    assert!(received.contains("received as"), "{received}");
    let inbound = get(&access, "/_sim/inbound");
    let line = inbound.lines().last().unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["from"], "+4790000001");
    assert_eq!(line["text"], "STOP it");
    // It goes on when nothing more can be typed.
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_setting_that_cannot_be_set_is_refused_by_name() {
    let shell = Shell::new();
    for wrong in ["colour=red", "base_url=http://localhost"] {
        let ended = shell.run(&["sim", spec().id, "--set", wrong]);
        ended.exited_with(5);
        let (name, _) = wrong.split_once('=').unwrap();
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
    }
    shell
        .run(&["sim", spec().id, "--set", "colour"])
        .exited_with(2);
    let callback = |spec: &ProviderSpec, url: &str| {
        let arguments = ["sim", spec.id, "--callback-url", url];
        shell.run(&arguments)
    };
    let calls = spec_that(|can| can.reports);
    callback(calls, "ftp://localhost/x").exited_with(5);
    // The one of these tests calls nobody.
    let told = callback(spec(), "http://localhost/x");
    let told = &told.exited_with(21).stderr;
    assert!(told.contains("does not call"), "{told}");
}

#[test]
fn on_a_full_disk_it_takes_nothing_more() {
    let shell = Shell::new();
    let arguments = ["sim", spec().id, "--json", "--state", "state"];
    let mut child = shell.tidings_on_a_full_disk(&arguments).spawn().unwrap();
    let access = first_line(&mut child);
    let client = beside(&access);
    let send = ["send", "--from", "T", "--to", "+224622000001", "Bonjour"];
    let mut taken = 0;
    // It answers 503, and after that nobody can know.
    while client.run(&send).code == Some(0) {
        taken += 1;
        assert!(taken < 20, "the state file is not full");
    }
    let messages = || {
        get(&access, "/_sim/messages")
            .matches("provider_id")
            .count()
    };
    let then = messages();
    client.run(&send).exited_with(4);
    client.run(&send).exited_with(4);
    assert_eq!(messages(), then);
    signal(&child, "KILL");
    child.wait().unwrap();
    // What was answered for is there again, and nothing else.
    let (mut child, access) = start(&shell, &arguments[2..]);
    let messages = get(&access, "/_sim/messages")
        .matches("provider_id")
        .count();
    assert_eq!(messages, taken);
    signal(&child, "INT");
    child.wait().unwrap();
}

#[test]
fn what_a_person_is_given_to_paste_works_as_it_stands() {
    let shell = Shell::new();
    let mut child = shell.tidings(&["sim", spec().id]).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    // The last line names the list of messages.
    let mut pasted = String::from("set -e\n");
    for line in lines {
        if line.contains("/_sim/messages") {
            break;
        }
        if line.starts_with("  ") {
            pasted = pasted + &line + "\n";
        }
    }
    // The account stays chosen for what follows.
    pasted += "tidings balance\n";
    let mut bash = shell.command("bash");
    let ended: Ended = bash.args(["-c", &pasted]).output().unwrap().into();
    assert!(
        ended.succeeded().stdout.contains("9999 sms credits"),
        "{pasted}{}",
        ended.stdout
    );
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_wrong_scenario_is_refused_naming_the_key() {
    let shell = Shell::new();
    shell.write("scenario.toml", "credits = 5\n");
    let ended = shell.run(&["sim", spec().id, "--scenario", "scenario.toml"]);
    assert!(
        ended.exited_with(5).stderr.contains("credits"),
        "{}",
        ended.stderr
    );
    shell.run(&["sim", "nobody"]).exited_with(2);
}

#[test]
fn completions_man_and_exit_codes() {
    let shell = Shell::new();
    for name in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            shell
                .run(&["completions", name])
                .succeeded()
                .stdout
                .contains("segments"),
            "{name}"
        );
    }
    assert!(
        shell
            .run(&["man"])
            .succeeded()
            .stdout
            .contains(".TH tidings")
    );
    shell.run(&["man", "--dir", "pages"]).succeeded();
    let pages = std::fs::read_dir(shell.path("pages")).unwrap().count();
    assert!(pages >= 18, "{pages}");
    let help = shell
        .run(&["help", "exit-codes"])
        .succeeded()
        .stdout
        .clone();
    let table = shell.run(&["exit-codes", "--json"]).succeeded().json();
    assert_eq!(table.len(), 22);
    for row in table {
        let (code, name) = (row["code"].as_u64().unwrap(), row["name"].as_str().unwrap());
        assert!(help.contains(&format!("{code:>3}  {name}")), "{help}");
    }
}

#[test]
fn every_command_has_help_with_examples() {
    let shell = Shell::new();
    let commands = [
        "segments",
        "send",
        "status",
        "batches",
        "callbacks",
        "sessions",
        "messages",
        "subscriptions",
        "numbers",
        "balance",
        "contacts",
        "groups",
        "sim",
        "demo",
        "completions",
        "man",
    ];
    for command in commands {
        let help = shell.run(&[command, "--help"]);
        assert!(help.succeeded().stdout.contains("EXAMPLES"), "{command}");
    }
}

/// The numbers that begin so are phones in the examples.
fn phones_of(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    let of_phones = lines.filter_map(|line| line.strip_prefix("from = \""));
    of_phones.filter_map(|rest| rest.strip_suffix('"'))
}

#[test]
fn phones_of_the_example_scenarios_can_be_texted() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/scenarios");
    let shell = Shell::new();
    let mut n_phones = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for phone in phones_of(&text) {
            let dry = ["send", "--to", phone, "--from", "T", "--dry-run", "Hello"];
            shell.run(&dry).succeeded();
            n_phones += 1;
        }
    }
    assert!(n_phones > 0);
}

#[test]
fn the_example_configuration_names_every_setting() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/tidings.toml");
    let text = std::fs::read_to_string(path).unwrap();
    for spec in tidings::providers::ALL {
        let lanes = text.split("[[lanes]]").skip(1);
        let provider = format!("provider = \"{}\"", spec.id);
        let lanes: String = lanes.filter(|lane| lane.contains(&provider)).collect();
        for setting in spec.settings {
            let key = format!("{} = ", setting.name);
            let is_named = lanes.lines().any(|line| {
                let line = line.strip_prefix("# ").unwrap_or(line);
                line.starts_with(&key)
            });
            assert!(is_named, "{}: {}", spec.id, setting.name);
        }
    }
}

/// `# rate = 20` and its like are keys that are left out: whoever takes the sign away has one.
#[test]
fn the_example_configuration_names_every_key_of_a_lane_and_can_be_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/tidings.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let is_key = |word: &str| {
        let mut letters = word.chars();
        letters.all(|letter| letter.is_ascii_lowercase() || letter == '_')
    };
    let whole: String = text
        .lines()
        .map(|line| {
            let left_out = line.strip_prefix("# ").filter(|rest| {
                let key = rest.split_once(" = ");
                key.is_some_and(|(key, _)| is_key(key))
            });
            left_out.unwrap_or(line).to_owned() + "\n"
        })
        .collect();
    let file = ConfigFile::parse(Path::new("tidings.toml"), &whole).unwrap();
    assert!(file.lanes().len() > 3);
    for key in KEYS.iter().filter(|key| key.section == "lanes") {
        let written = format!("{} = ", key.name);
        let is_named = whole.lines().any(|line| line.starts_with(&written));
        assert!(is_named, "{}", key.name);
    }
}
