//! `tidings send`, `status`, `balance`, `contacts` and `groups`.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;

use crate::shell::{Carrier, Ended, Shell, signal, spec, variable};

const PEOPLE: &str = "to;first_name\n+224622000001;Aïssatou\n+224 622 00 00 02;\"Mory\nle grand\"\n12;Zoé\n622000004;Néné\n";

#[test]
fn one_message_to_several_people() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    let ended = shell.run(&[
        "send",
        "--json",
        "--from",
        "Tidings",
        "--region",
        "GN",
        "--to",
        "+224622000001",
        "--to",
        "622000002",
        "Bonjour à tous",
    ]);
    let lines = ended.succeeded().json();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert_eq!(
            (&line["state"], &line["parts"]),
            (&"submitted".into(), &1.into())
        );
        assert!(
            line["ref"].is_object() && line["reference"].is_string(),
            "{line}"
        );
        assert!(line.get("line").is_none());
    }
    let mut received: Vec<_> = carrier.messages();
    received.sort_by_key(|message| message.to);
    let to: Vec<&str> = received.iter().map(|message| message.to.as_str()).collect();
    assert_eq!(to, ["+224622000001", "+224622000002"]);
    assert_eq!(&*received[0].text, "Bonjour à tous");
    assert_eq!(received[0].from.as_ref().unwrap().to_string(), "Tidings");

    // What it printed can be asked about, as an id and as a reference.
    let reference = lines[0]["ref"].to_string();
    let status = shell.run(&["status", "--json", "--watch", &reference]);
    let last = status.succeeded().json().pop().unwrap();
    assert_eq!(last["state"], "delivered");
    let id = lines[0]["ref"]["message"].as_str().unwrap();
    assert!(
        shell
            .run(&["status", id])
            .succeeded()
            .stdout
            .contains("delivered")
    );
}

#[test]
fn the_text_may_come_from_standard_input() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    let arguments = ["send", "--from", "Tidings", "--to", "+224622000001", "-"];
    shell
        .run_with_input(&arguments, "Bonjour 🎉\n".as_bytes())
        .succeeded();
    assert_eq!(&*carrier.messages()[0].text, "Bonjour 🎉");
}

#[test]
fn errors_have_exit_codes_of_their_kind() {
    let carrier = Carrier::start();
    let mut shell = Shell::beside(&carrier);
    let send = ["send", "--from", "Tidings", "--to"];
    let with = |rest: &[&'static str]| [&send[..], rest].concat();
    assert!(
        shell
            .run(&with(&["12", "x"]))
            .exited_with(5)
            .stderr
            .contains("recipient 1: ")
    );
    assert!(
        shell
            .run(&with(&["+33612345678", "x"]))
            .exited_with(11)
            .stderr
            .contains("serves +224 only")
    );
    shell
        .run(&["send", "--to", "+224622000001", "x"])
        .exited_with(12);
    shell.run(&["send", "x"]).exited_with(2);
    shell.run(&["status", "no-such-message"]).exited_with(15);

    let secret = spec()
        .settings
        .iter()
        .find(|setting| setting.is_secret)
        .unwrap();
    shell.set(&variable(secret.name), "wrong");
    shell.run(&["balance"]).exited_with(13);
    let refused = shell.run(&with(&["+224622000001", "x"]));
    assert_eq!(refused.code, Some(13), "{refused:?}");

    shell.set(&variable("base_url"), "http://127.0.0.1:1");
    shell.run(&["balance"]).exited_with(19);
    let none = Shell::new().run(&["balance"]);
    assert!(
        none.exited_with(23)
            .stderr
            .contains("no account is configured")
    );
    assert_eq!(carrier.messages(), []);
}

#[test]
fn an_unknown_outcome_has_its_own_exit_code_and_is_said_aloud() {
    let carrier =
        Carrier::with_scenario("[[fault]]\ncall = \"submit\"\ndrop = { when = \"after\" }\n");
    let shell = Shell::beside(&carrier);
    let ended = shell.run(&[
        "send",
        "--json",
        "--from",
        "T",
        "--to",
        "+224622000001",
        "x",
    ]);
    let lines = ended.exited_with(4).json();
    assert_eq!(lines[0]["state"], "unknown");
    assert_eq!(lines[0]["error"]["acceptance"], "unknown");
    assert_eq!(carrier.messages().len(), 1, "never sent twice");
}

#[test]
fn a_campaign_reports_bad_rows_by_line_and_sends_the_rest() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", PEOPLE);
    let arguments = [
        "send",
        "--json",
        "--from",
        "Tidings",
        "--csv",
        "people.csv",
        "--template",
        "Bonjour {{first_name}}",
    ];
    let ended = shell.run(&arguments);
    let lines = ended.exited_with(3).json();
    let of = |state: &str| -> Vec<u64> {
        let lines = lines.iter().filter(|line| line["state"] == state);
        let mut lines: Vec<u64> = lines.map(|line| line["line"].as_u64().unwrap()).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(of("submitted"), [2, 3]);
    assert_eq!(of("invalid"), [5, 6]);
    let invalid: Vec<&Value> = lines
        .iter()
        .filter(|line| line["state"] == "invalid")
        .collect();
    assert!(
        invalid
            .iter()
            .all(|line| line["error"]["advice"].is_string()),
        "{invalid:?}"
    );

    // Nothing is sent twice; a bad row may be corrected in place and is then sent.
    shell.run(&arguments).exited_with(3);
    assert_eq!(carrier.messages().len(), 2);
    shell.write("people.csv", PEOPLE.replace("12;Zoé", "+224622000003;Zoé"));
    let corrected = shell.run(&arguments);
    let sent: Vec<_> = corrected
        .json()
        .into_iter()
        .filter(|line| line["state"] == "submitted")
        .collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["line"], 5);
    assert_eq!(carrier.messages().len(), 3);

    let status = shell.run(&[
        "status",
        "--journal",
        "people.csv.tidings-journal",
        "--watch",
    ]);
    assert!(
        status.succeeded().stdout.contains("delivered"),
        "{}",
        status.stdout
    );
    let status = shell.run(&[
        "status",
        "--journal",
        "people.csv.tidings-journal",
        "--json",
    ]);
    assert_eq!(status.succeeded().json().len(), 3);
}

#[test]
fn a_changed_campaign_is_refused() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    let send = |template: &str, from: &str| {
        shell.run(&[
            "send",
            "--from",
            from,
            "--csv",
            "people.csv",
            "--template",
            template,
        ])
    };
    shell.write("people.csv", "to\n+224622000001\n");
    send("Bonjour", "Tidings").succeeded();
    let changed = send("Bonsoir", "Tidings");
    assert!(
        changed
            .exited_with(5)
            .stderr
            .contains("the template changed"),
        "{}",
        changed.stderr
    );
    let changed = send("Bonjour", "Another");
    assert!(
        changed.exited_with(5).stderr.contains("the sender"),
        "{}",
        changed.stderr
    );
    // A row that has moved is the same row.
    shell.write("people.csv", "to\n+224622000002\n+224622000001\n");
    send("Bonjour", "Tidings").succeeded();
    assert_eq!(carrier.messages().len(), 2);
    shell.write("people.csv", "to\n+224622000003\n+224622000001\n");
    let changed = send("Bonjour", "Tidings");
    assert!(
        changed
            .exited_with(5)
            .stderr
            .contains("was sent before and is changed or gone"),
        "{}",
        changed.stderr
    );
    assert_eq!(carrier.messages().len(), 2);
}

#[test]
fn missing_columns_are_an_error_before_anything_is_sent() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", PEOPLE);
    let send = |arguments: &[&str]| {
        let common = ["send", "--from", "T", "--csv", "people.csv"];
        shell.run(&[&common[..], arguments].concat())
    };
    let ended = send(&["--template", "Bonjour {{name}}"]);
    let told = &ended.exited_with(5).stderr;
    assert!(
        told.contains("the template uses name") && told.contains("to, first_name"),
        "{told}"
    );
    let ended = send(&["--template", "x", "--to-column", "mobile"]);
    assert!(
        ended
            .exited_with(5)
            .stderr
            .contains("no column is called mobile"),
        "{}",
        ended.stderr
    );
    assert_eq!(carrier.messages(), []);
    assert!(!shell.path("people.csv.tidings-journal").exists());
}

#[test]
fn a_dry_run_counts_and_sends_nothing() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", PEOPLE);
    let arguments = [
        "send",
        "--from",
        "T",
        "--csv",
        "people.csv",
        "--template",
        "Bonjour {{first_name}}",
        "--dry-run",
    ];
    let ended = shell.run(&arguments);
    insta::assert_snapshot!(ended.exited_with(3).stdout, @r"
     encoding  messages  parts
     gsm7             1      1
     ucs2             1      1
     total            2      2
    ");
    let lines = shell.run(&[&arguments[..], &["--json"]].concat()).json();
    let planned: Vec<_> = lines
        .iter()
        .filter(|line| line["state"] == "dry_run")
        .collect();
    assert_eq!(planned.len(), 2);
    assert_eq!(planned[0]["encoding"], "ucs2");
    assert_eq!(carrier.messages(), []);
    assert!(!shell.path("people.csv.tidings-journal").exists());
    // An account is not needed for it.
    let ended = Shell::new().run(&["send", "--to", "+224622000001", "Bonjour", "--dry-run"]);
    assert!(ended.succeeded().stderr.contains("limits are not checked"));
}

#[test]
fn equal_texts_travel_together_if_asked() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    let rows: Vec<String> = (10..40)
        .map(|number| format!("+2246220000{number}"))
        .collect();
    shell.write("people.csv", format!("to\n{}", rows.join("\n")));
    let arguments = [
        "send",
        "--json",
        "--from",
        "T",
        "--csv",
        "people.csv",
        "--template",
        "Bonjour",
        "--bulk",
    ];
    let lines = shell.run(&arguments).succeeded().json();
    assert_eq!(lines.len(), 30);
    assert_eq!(carrier.messages().len(), 30);
    let batches: std::collections::BTreeSet<String> = lines
        .iter()
        .map(|line| line["ref"]["batch"].to_string())
        .collect();
    assert_eq!(batches.len(), 1, "{batches:?}");
    let status = shell.run(&[
        "status",
        "--journal",
        "people.csv.tidings-journal",
        "--watch",
        "--json",
    ]);
    let delivered = status.succeeded().json();
    let delivered = delivered.iter().filter(|line| line["state"] == "delivered");
    assert_eq!(delivered.count(), 30);
}

#[test]
fn balance_contacts_and_groups() {
    let carrier = Carrier::with_scenario("credit = 77\n");
    let shell = Shell::beside(&carrier);
    assert!(
        shell
            .run(&["balance"])
            .succeeded()
            .stdout
            .starts_with("77 ")
    );
    assert_eq!(
        shell.run(&["balance", "--json"]).succeeded().json()[0]["amount"],
        77
    );

    let mut ids = Vec::new();
    for number in ["+224622000001", "+224622000002", "+224622000003"] {
        let added = shell.run(&[
            "contacts",
            "add",
            "--first-name",
            "Néné",
            "--last-name",
            "Bah",
            "--phone",
            number,
            "--json",
        ]);
        ids.push(
            added.succeeded().json()[0]["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    // All pages, however small they are.
    let listed = shell
        .run(&["contacts", "list", "--json", "--page-size", "2"])
        .succeeded()
        .json();
    let listed: Vec<&str> = listed
        .iter()
        .map(|contact| contact["id"].as_str().unwrap())
        .collect();
    assert_eq!(listed, ids);
    assert_eq!(
        shell
            .run(&["contacts", "list"])
            .succeeded()
            .stdout
            .matches("Néné")
            .count(),
        3
    );

    let made = shell.run(&["groups", "create", "Clients", "--json"]);
    let group = made.succeeded().json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    shell
        .run(&["groups", "add", "--group", &group, "--contact", &ids[0]])
        .succeeded();
    let groups = shell.run(&["groups", "list", "--json"]).succeeded().json();
    assert_eq!(
        (&groups[0]["name"], &groups[0]["members"]),
        (&"Clients".into(), &1.into())
    );
    let sent = shell.run(&[
        "groups", "send", "--group", &group, "--from", "Tidings", "Bonjour", "--json",
    ]);
    assert_eq!(sent.succeeded().json()[0]["queued"], 1);
    assert_eq!(carrier.messages().len(), 1);
}

#[test]
fn the_configuration_file_names_the_account() {
    let carrier = Carrier::start();
    let account = carrier.simulator().account();
    let mut shell = Shell::new();
    let mut lane = format!(
        "[[lanes]]\nid = \"guinea\"\nprovider = \"{}\"\nfrom = \"Tidings\"\nregion = \"GN\"\n",
        spec().id
    );
    for name in account.names() {
        let value = account.setting(name).unwrap();
        let is_secret = spec()
            .settings
            .iter()
            .any(|setting| setting.name == name && setting.is_secret);
        if is_secret {
            shell.set("MY_SECRET", value);
            lane = lane + name + " = \"env:MY_SECRET\"\n";
        } else {
            lane = lane + name + " = \"" + value + "\"\n";
        }
    }
    shell.write("tidings.toml", &lane);
    let ended = shell.run(&["send", "--to", "622000001", "Bonjour"]);
    assert_eq!(ended.succeeded().stderr, "");
    let secret = shell.run(&["balance", "--json", "--account", "guinea"]);
    assert_eq!(secret.succeeded().json()[0]["account"], "guinea");

    let written_out = lane.replace("env:MY_SECRET", "written-out");
    shell.write("other.toml", written_out);
    let ended = shell.run(&["balance", "--config", "other.toml"]);
    assert!(
        ended
            .exited_with(13)
            .stderr
            .contains("write env:NAME or file:PATH"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("written-out"), "{}", ended.stderr);
}

#[test]
fn logs_hold_ids_and_no_contents() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    let ended = shell.run(&[
        "-vv",
        "send",
        "--from",
        "Tidings",
        "--to",
        "+224622000001",
        "Geheimnis",
    ]);
    let log = &ended.succeeded().stderr;
    assert!(!log.is_empty());
    let account = carrier.simulator().account();
    let secret = spec()
        .settings
        .iter()
        .find(|setting| setting.is_secret)
        .unwrap();
    for hidden in [
        "Geheimnis",
        "622000001",
        account.setting(secret.name).unwrap(),
    ] {
        assert!(!log.contains(hidden), "{log}");
    }
}

#[test]
fn without_a_journal_nobody_is_told_to_repeat_the_command() {
    let carrier = Carrier::with_scenario("credit = 1\n");
    let shell = Shell::beside(&carrier);
    let numbers = ["+224622000001", "+224622000002", "+224622000003"];
    let mut arguments = vec!["send", "--from", "Tidings", "Bonjour"];
    arguments.extend(numbers.iter().flat_map(|number| ["--to", number]));
    let ended = shell.run(&arguments);
    let told = &ended.exited_with(17).stderr;
    assert!(told.contains("name only those that are left"), "{told}");
    assert!(!told.contains("the same command goes on"), "{told}");
}

#[test]
fn log_lines_outside_a_terminal_are_plain() {
    let carrier = Carrier::start();
    let ended = Shell::beside(&carrier).run(&["-v", "balance"]);
    let log = &ended.succeeded().stderr;
    assert!(log.contains("DEBUG"), "{log}");
    assert!(!log.contains('\u{1b}'), "{log}");
}

#[test]
fn an_interrupt_ends_a_question_that_nobody_answers() {
    let carrier = Carrier::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut shell = Shell::beside(&carrier);
    let address = silent.local_addr().unwrap();
    shell.set(&variable("base_url"), &format!("http://{address}"));
    let child = shell.tidings(&["balance"]).spawn().unwrap();
    let connection = silent.accept().unwrap();
    signal(&child, "INT");
    let ended: Ended = child.wait_with_output().unwrap().into();
    ended.exited_with(130);
    drop(connection);
}

#[test]
fn an_interrupt_ends_a_command_that_waits_for_its_text() {
    use std::os::unix::process::ExitStatusExt as _;

    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    let mut command = shell.tidings(&["send", "--from", "T", "--to", "+224622000001", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: when it is written, the command is reading, and waits for the end.
    stdin.write_all(&vec![b'x'; 1 << 17]).unwrap();
    signal(&child, "INT");
    let status = child.wait().unwrap();
    drop(stdin);
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn a_wrong_key_is_told_with_what_to_do() {
    let carrier = Carrier::start();
    let mut shell = Shell::beside(&carrier);
    shell.set(&variable("api_key"), "wrong");
    let ended = shell.run(&["balance"]);
    assert!(
        ended
            .exited_with(13)
            .stderr
            .contains("advice: check the account's credentials"),
        "{}",
        ended.stderr
    );
}
