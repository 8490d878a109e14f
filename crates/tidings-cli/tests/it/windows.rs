//! `tidings send` with a window, with several texts in one call, and with a number twice.

use std::collections::BTreeSet;

use crate::batches::LATER;
use crate::shell::{Carrier, Shell, spec_that};

const SEND: [&str; 5] = ["send", "--from", "Tidings", "--to", "+4741000001"];

#[test]
fn a_window_is_kept() {
    let carrier = Carrier::of(spec_that(|can| can.send_window && can.batches), "");
    let shell = Shell::beside(&carrier);
    let send = |window: &[&str]| shell.run(&[&SEND[..], window, &["Hei", "--json"]].concat());
    let lines = send(&["--not-before", LATER]).succeeded().json();
    let batch = lines[0]["ref"]["batch"].as_str().unwrap();
    shell.run(&["batches", "show", batch]).succeeded();
    send(&["--not-before", LATER, "--until", "2099-01-02T12:00+01:00"]).succeeded();
    // Open already: it leaves.
    let open = send(&["--not-before", "2026-01-02T09:00Z"]);
    let batch = open.succeeded().json()[0]["ref"]["batch"].clone();
    let gone = shell.run(&["batches", "show", batch.as_str().unwrap()]);
    gone.exited_with(15);
    let arrived = carrier.messages();
    assert_eq!(arrived.len(), 3, "{arrived:?}");
}

#[test]
fn a_window_that_cannot_be_is_refused_before_anything_is_sent() {
    let carrier = Carrier::of(spec_that(|can| can.send_window), "");
    let shell = Shell::beside(&carrier);
    let refused = |window: &[&str], code: i32, word: &str| {
        let ended = shell.run(&[&SEND[..], window, &["Hei"]].concat());
        let told = &ended.exited_with(code).stderr;
        assert!(told.contains(word), "{told}");
    };
    refused(&["--until", "2020-01-01T09:00Z"], 5, "is over");
    let until = ["--until", "2099-01-02T08:00Z"];
    refused(
        &[&["--not-before", LATER][..], &until].concat(),
        5,
        "--until is not after --not-before",
    );
    refused(&["--not-before", "2099-01-02T09:00"], 2, "with its zone");
    assert_eq!(carrier.messages(), []);
}

#[test]
fn a_provider_without_windows_sends_nothing() {
    let carrier = Carrier::of(spec_that(|can| !can.send_window), "");
    let shell = Shell::beside(&carrier);
    let ended = shell.run(&[&SEND[..], &["--not-before", LATER, "Hei"]].concat());
    let told = &ended.exited_with(21).stderr;
    assert!(told.contains("this provider has no send windows"), "{told}");
    assert_eq!(carrier.messages(), []);
    // Without an account it is not known what the provider can.
    Shell::new()
        .run(&[&SEND[..], &["--not-before", LATER, "Hei", "--dry-run"]].concat())
        .succeeded();
}

#[test]
fn a_number_that_is_named_twice_gets_the_text_once() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    let mut arguments = vec!["send", "--json", "--from", "T", "--region", "GN", "Bonjour"];
    for number in ["+224622000001", "622000002", "622 00 00 01"] {
        arguments.extend(["--to", number]);
    }
    let ended = shell.run(&arguments);
    assert_eq!(ended.succeeded().json().len(), 2);
    assert_eq!(
        ended.stderr,
        "recipient 3 is recipient 1 once more: the text goes there once\n"
    );
    assert_eq!(carrier.messages().len(), 2);
    arguments.push("--dry-run");
    assert_eq!(shell.run(&arguments).succeeded().json().len(), 2);
}

#[test]
fn different_texts_travel_together_where_the_provider_takes_that() {
    let carrier = Carrier::of(spec_that(|can| can.mixed_texts_per_call), "");
    let shell = Shell::beside(&carrier);
    let rows: Vec<String> = (10..60).map(|n| format!("+47410000{n},{n}")).collect();
    shell.write("people.csv", format!("to,n\n{}\n", rows.join("\n")));
    let arguments = [
        "send",
        "--json",
        "--from",
        "Tidings",
        "--csv",
        "people.csv",
        "--template",
        "Hei {{n}}",
        "--bulk",
    ];
    let lines = shell.run(&arguments).succeeded().json();
    assert_eq!(lines.len(), 50);
    let distinct = |key: &str| -> BTreeSet<String> {
        let values = lines.iter().map(|line| line["ref"][key].to_string());
        values.collect()
    };
    assert_eq!(distinct("batch").len(), 1);
    assert_eq!(distinct("message").len(), 50);
    let texts: BTreeSet<_> = carrier
        .messages()
        .iter()
        .map(|m| m.text.to_string())
        .collect();
    assert_eq!(texts.len(), 50);
    // Repeated, it sends nothing again.
    shell.run(&arguments).succeeded();
    assert_eq!(carrier.messages().len(), 50);
}
