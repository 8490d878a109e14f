//! `tidings demo`, as a person and as a script see it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;

use serde_json::{Value, json};
use tidings::providers;

use crate::shell::{Shell, signal};

/// Starts a demo that stays, and reads what it says first.
fn start(shell: &Shell, arguments: &[&str]) -> (Child, Value) {
    let mut command = shell.tidings(&[&["demo", "--json"], arguments].concat());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let access = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
    (child, access)
}

#[track_caller]
fn stop(mut child: Child) {
    signal(&child, "TERM");
    let status = child.wait().unwrap();
    let mut told = String::new();
    child.stderr.unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(status.code(), Some(0), "{told}");
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key}: {value}"))
}

/// Calls the gateway as a person does.
#[track_caller]
fn curl(shell: &Shell, arguments: &[&str]) -> String {
    let ended = shell.command("curl").arg("-sS").args(arguments).output();
    let ended = ended.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn a_script_gets_a_campaign_over_every_lane_and_a_summary() {
    let ended = Shell::new().run(&["demo", "--once", "--json"]);
    let lines = ended.succeeded().json();
    let first = &lines[0];
    assert!(
        text(first, "url").starts_with("http://127.0.0.1:"),
        "{first}"
    );
    assert!(text(first, "api_key").starts_with("tk_"), "{first}");
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!((of("rejected"), of("summary")), (4, 1));
    assert!(of("progress") >= 2, "{}", of("progress"));
    let summary = lines.last().unwrap();
    assert_eq!(summary["rows"], 1_000);
    assert_eq!(summary["accepted"], 996);
    assert_eq!(summary["complete"], true);
    let without_reports = providers::ALL
        .iter()
        .filter(|spec| !spec.capabilities.tells_delivery);
    let without_reports: Vec<&str> = without_reports.map(|spec| spec.id).collect();
    assert_eq!(summary["lanes_without_reports"], json!(without_reports));
    let lanes = summary["lanes"].as_object().unwrap();
    assert_eq!(lanes.len(), providers::ALL.len());
    for spec in providers::ALL {
        let states = &lanes[spec.id];
        let ended = if spec.capabilities.tells_delivery {
            "delivered"
        } else {
            "submitted"
        };
        assert!(
            states[ended].as_u64().unwrap() > 300,
            "{}: {states}",
            spec.id
        );
    }
    let database = text(first, "database");
    assert!(
        !std::path::Path::new(database).exists(),
        "{database} stayed"
    );
}

#[test]
fn a_person_sees_what_became_of_it() {
    let ended = Shell::new().run(&["demo", "--once"]);
    let out = &ended.succeeded().stdout;
    assert!(
        out.contains("accepted") && out.contains("invalid_recipient"),
        "{out}"
    );
    let told = &ended.stderr;
    assert!(told.contains("996 messages are accepted"), "{told}");
    // Who waits for them would wait for ever.
    for spec in providers::ALL {
        let says = format!("{} never says whether a text was delivered", spec.title);
        let is_silent = !spec.capabilities.tells_delivery;
        assert_eq!(told.contains(&says), is_silent, "{told}");
    }
    assert!(!told.contains('\u{1b}') && !out.contains('\u{1b}'));
}

#[test]
fn it_stays_for_programs_of_every_api_until_it_is_stopped() {
    let shell = Shell::new();
    let database = shell.path("kept.db");
    let arguments = ["--no-campaign", "--tls", "--database", "kept.db"];
    let (child, access) = start(&shell, &arguments);
    assert_eq!(text(&access, "database"), database.to_str().unwrap());
    let (ca_file, tls_url) = (text(&access, "ca_file"), text(&access, "tls_url"));
    let ready = curl(&shell, &["--cacert", ca_file, &format!("{tls_url}/readyz")]);
    assert!(ready.contains("ok"), "{ready}");

    let key = format!("Authorization: Bearer {}", text(&access, "api_key"));
    let url = text(&access, "url");
    let providers_url = format!("{url}/v1/providers");
    let lanes = curl(&shell, &["-H", &key, &providers_url]);
    for spec in providers::ALL {
        assert!(lanes.contains(spec.id), "{lanes}");
        // The command itself sends through the vendor's API of the gateway.
        let mut beside = Shell::new();
        beside.set("TIDINGS_PROVIDER", spec.id);
        for (name, value) in access[spec.id].as_object().unwrap() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            beside.set(&crate::shell::variable_of(spec, name), &value);
        }
        let base_url = text(&access[spec.id], "base_url");
        assert_eq!(base_url, format!("{url}/{}", spec.id));
        let number = match spec.capabilities.calling_codes {
            [] if access[spec.id]["from_number"].is_string() => "+12025550143",
            [] => "+4790000001",
            _ => "+224622000001",
        };
        let send = ["send", "--to", number, "Hello", "--json"];
        let sender = ["--from", "Tidings"];
        let sent = match access[spec.id]["from_number"].as_str() {
            Some(_) => beside.run(&send),
            None => beside.run(&[&send[..], &sender].concat()),
        };
        sent.succeeded();
    }
    let messages_url = format!("{url}/v1/messages");
    let messages = curl(&shell, &["-H", &key, &messages_url]);
    let messages: Value = serde_json::from_str(&messages).unwrap();
    let items = messages["items"].as_array().unwrap();
    assert_eq!(items.len(), providers::ALL.len(), "{messages}");
    stop(child);
    assert!(database.exists());
}
