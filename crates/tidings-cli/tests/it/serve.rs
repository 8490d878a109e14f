//! `tidings serve` and `tidings check`: a gateway by its configuration, as the person sees it who runs it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::Value;
use tidings::serve::tls::OwnAuthority;
use tidings::{Clock as _, SystemClock};

use crate::shell::{Carrier, Shell, signal, spec};

/// How often is looked at something that comes by itself.
const LOOKS_EVERY: Duration = Duration::from_millis(50);
/// How often at the most: half a minute.
const LOOKS: usize = 600;

/// A folder with a configuration that has a lane to the carrier.
fn beside(carrier: &Carrier, more: &str) -> Shell {
    let mut shell = Shell::new();
    shell.set("TIDINGS_SERVER_LISTEN", "127.0.0.1:0");
    shell.write("tidings.toml", configuration(carrier, more));
    shell
}

fn configuration(carrier: &Carrier, more: &str) -> String {
    let mut text = format!(
        "{more}\n[[lanes]]\nid = \"one\"\nprovider = \"{}\"\n",
        spec().id
    );
    let account = carrier.simulator().account();
    for name in account.names() {
        let value = Value::from(account.setting(name).unwrap());
        writeln!(text, "{name} = {value}").unwrap();
    }
    text
}

fn start(shell: &Shell) -> (Child, Value) {
    let mut child = shell.tidings(&["serve", "--json"]).spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let told = serde_json::from_str(&line);
    if told.is_err() {
        let mut error = String::new();
        child.stderr.unwrap().read_to_string(&mut error).unwrap();
        panic!("{line}{error}");
    }
    (child, told.unwrap())
}

/// Ends it, and gives what it logged.
fn stop(mut child: Child) -> String {
    signal(&child, "TERM");
    let status = child.wait().unwrap();
    let mut log = String::new();
    child.stderr.unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    log
}

fn curl(shell: &Shell, arguments: &[&str]) -> Command {
    let mut command = shell.command("curl");
    command.args(["-s", "-o", "answer", "-w", "%{http_code}"]);
    command.args(arguments);
    command
}

/// Looks until it is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        std::thread::sleep(LOOKS_EVERY);
    }
    panic!("never: {what}");
}

fn status_of(shell: &Shell, arguments: &[&str]) -> String {
    let ended = curl(shell, arguments).output().unwrap();
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn a_message_goes_through_a_gateway_to_the_phone() {
    let carrier = Carrier::start();
    let shell = beside(&carrier, "");
    let (child, told) = start(&shell);
    let url = told["url"].as_str().unwrap();
    let second = shell.run(&["serve"]);
    let refused = &second.exited_with(1).stderr;
    assert!(refused.contains("another gateway works"), "{refused}");

    let create = "keys create --config tidings.toml --account shop --api tidings --json";
    let create: Vec<&str> = create.split(' ').collect();
    let created = shell.run(&create).succeeded().json();
    let key = format!(
        "Authorization: Bearer {}",
        created[0]["api_key"].as_str().unwrap()
    );
    let address = format!("{url}/v1/messages");
    let body = r#"{"to":"+224622000001","text":"Bonjour","from":"Tidings"}"#;
    let json = "Content-Type: application/json";
    let sent = status_of(&shell, &["-H", &key, "-H", json, "-d", body, &address]);
    let answer = std::fs::read_to_string(shell.path("answer")).unwrap();
    assert_eq!(sent, "202", "{answer}");
    until("the phone has it", || carrier.messages().len() == 1);
    let log = stop(child);
    assert!(
        !log.contains("622000001") && !log.contains("Bonjour"),
        "{log}"
    );
}

#[test]
fn it_says_that_it_is_not_ready_before_it_ends() {
    let carrier = Carrier::start();
    let shell = beside(&carrier, "[server]\nnotice = \"2s\"\n");
    let (child, told) = start(&shell);
    let ready = format!("{}/readyz", told["url"].as_str().unwrap());
    assert_eq!(status_of(&shell, &[&ready]), "200");
    signal(&child, "TERM");
    until("it is not ready", || status_of(&shell, &[&ready]) == "503");
    let mut child = child;
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_configuration_is_read_again_and_a_bad_one_is_refused() {
    let carrier = Carrier::start();
    let shell = beside(&carrier, "");
    let (child, told) = start(&shell);
    let metrics = format!("{}/metrics", told["url"].as_str().unwrap());
    let has_lane = |lane: &str| {
        status_of(&shell, &[&metrics]);
        let page = std::fs::read_to_string(shell.path("answer")).unwrap();
        page.contains(&format!("lane=\"{lane}\""))
    };
    until("its lane is counted", || has_lane("one"));
    shell.write("tidings.toml", configuration(&carrier, "colour = 1"));
    signal(&child, "HUP");
    let two = configuration(&carrier, "").replace("id = \"one\"", "id = \"two\"");
    // Written when the bad one has been refused, which only the log tells: both are seen by their effect.
    until("it is still ready", || {
        status_of(&shell, &[&metrics]) == "200"
    });
    shell.write("tidings.toml", two);
    until("another lane is there", || {
        signal(&child, "HUP");
        has_lane("two")
    });
    stop(child);
}

#[test]
fn another_certificate_is_taken_up_without_a_restart() {
    let carrier = Carrier::start();
    let tls =
        "[server]\ntls = { listen = \"127.0.0.1:0\", cert = \"cert.pem\", key = \"key.pem\" }\n";
    let shell = beside(&carrier, tls);
    let certify = |ca: &str| {
        let now = SystemClock::new().now();
        let authority = OwnAuthority::make(now).unwrap();
        let certificate = authority.certify([127, 0, 0, 1].into(), now).unwrap();
        shell.write(ca, authority.certificate_pem());
        shell.write("cert.pem", certificate.certificate_pem());
        shell.write("key.pem", certificate.key_pem().expose_secret());
    };
    certify("first.pem");
    shell.run(&["check"]).succeeded();
    let (child, told) = start(&shell);
    let healthy = format!("{}/healthz", told["tls_url"].as_str().unwrap());
    assert_eq!(
        status_of(&shell, &["--cacert", "first.pem", &healthy]),
        "200"
    );
    certify("second.pem");
    until("the second certificate is shown", || {
        status_of(&shell, &["--cacert", "second.pem", &healthy]) == "200"
    });
    assert_eq!(
        status_of(&shell, &["--cacert", "first.pem", &healthy]),
        "000"
    );
    let log = stop(child);
    assert!(log.contains("took up another certificate"), "{log}");

    shell.write("key.pem", "no key");
    let refused = shell.run(&["check"]);
    let told = &refused.exited_with(5).stderr;
    assert!(told.contains("server.tls"), "{told}");
    std::fs::remove_file(shell.path("key.pem")).unwrap();
    let refused = shell.run(&["check"]);
    let told = &refused.exited_with(5).stderr;
    assert!(told.contains("server.tls.key: cannot read"), "{told}");
}

#[test]
fn log_lines_can_be_json() {
    let carrier = Carrier::start();
    let shell = beside(&carrier, "[monitoring]\nlog = \"json\"\n");
    let (child, _) = start(&shell);
    let log = stop(child);
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    assert!(lines.iter().any(|line| line["level"] == "INFO"), "{log}");
}

#[test]
fn check_says_what_works_and_what_does_not() {
    let carrier = Carrier::start();
    let shell = beside(&carrier, "");
    let checked = shell.run(&["check", "--json"]).succeeded().json();
    assert_eq!(checked[0]["lane"], "one");
    assert_eq!(checked[0]["works"], true);
    let people = shell.run(&["check"]);
    assert!(
        people.succeeded().stdout.contains("one ("),
        "{}",
        people.stdout
    );

    let secret = spec()
        .settings
        .iter()
        .find(|setting| setting.is_secret)
        .unwrap();
    let account = carrier.simulator().account();
    let known = account.setting(secret.name).unwrap();
    let wrong = configuration(&carrier, "").replace(known, "another");
    shell.write("wrong.toml", &wrong);
    let refused = shell.run(&["check", "--config", "wrong.toml"]);
    let told = &refused.exited_with(13).stdout;
    assert!(told.contains("does not work"), "{told}");

    let second = wrong.replace("id = \"one\"", "id = \"two\"");
    shell.write("both.toml", configuration(&carrier, "") + &second);
    let partly = shell.run(&["check", "--config", "both.toml"]);
    let told = &partly.exited_with(3).stderr;
    assert!(told.contains("1 of 2 lanes"), "{told}");

    shell.write("bad.toml", configuration(&carrier, "colour = 1"));
    let refused = shell.run(&["check", "--config", "bad.toml"]);
    let told = &refused.exited_with(23).stderr;
    assert!(
        told.contains("line 1: the key colour is not known"),
        "{told}"
    );
    let lane = configuration(&carrier, "");
    let line = lane.lines().count() + 1;
    shell.write("bulk.toml", lane + "bulk = 1000000\n");
    let refused = shell.run(&["check", "--config", "bulk.toml"]);
    let told = &refused.exited_with(23).stdout;
    let place = format!("does not work: bulk.toml: line {line}: lane one: bulk: is 1000000");
    assert!(told.contains(&place), "{told}");
    shell.write("empty.toml", "");
    shell
        .run(&["check", "--config", "empty.toml"])
        .exited_with(23);
    shell
        .run(&["serve", "--config", "empty.toml"])
        .exited_with(23);
}
