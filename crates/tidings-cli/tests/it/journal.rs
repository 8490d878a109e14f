//! Campaigns that are interrupted: nothing twice, nothing lost.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::shell::{Carrier, Ended, Shell, signal, variable_of};

const ROWS: u64 = 300;
const CAMPAIGN: [&str; 10] = [
    "send",
    "--from",
    "Tidings",
    "--csv",
    "people.csv",
    "--template",
    "Bonjour {{n}}",
    "--in-flight",
    "4",
    "--json",
];

fn people() -> String {
    let rows = (0..ROWS).map(|n| format!("+224622{n:06},{n}"));
    let lines: Vec<String> = std::iter::once("to,n".to_owned()).chain(rows).collect();
    lines.join("\n")
}

/// How often each number got a text.
fn received(carrier: &Carrier) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in carrier.messages() {
        *counts.entry(message.to.as_str().to_owned()).or_default() += 1;
    }
    counts
}

/// The lines that the journal cannot vouch for: begun and not ended, or ended as unknown.
fn unknown_lines(shell: &Shell) -> BTreeSet<u64> {
    let text = std::fs::read_to_string(shell.path("people.csv.tidings-journal")).unwrap();
    let mut unknown = BTreeSet::new();
    for line in text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        for row in line["begin"].as_array().into_iter().flatten() {
            unknown.insert(row[0].as_u64().unwrap());
        }
        if let Some(end) = line["end"]["line"]
            .as_u64()
            .filter(|_| line["end"]["outcome"] != "unknown")
        {
            unknown.remove(&end);
        }
    }
    unknown
}

fn begin(shell: &Shell, arguments: &[&str]) -> Child {
    let mut command = shell.tidings(arguments);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the carrier has so many messages, or the command has ended.
fn wait_for(carrier: &Carrier, child: &mut Child, messages: usize) {
    while carrier.messages().len() < messages && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
}

#[track_caller]
fn check_nothing_twice_nothing_lost(carrier: &Carrier, shell: &Shell) {
    let received = received(carrier);
    assert!(
        received.values().all(|count| *count == 1),
        "sent twice: {received:?}"
    );
    let unknown = unknown_lines(shell);
    for n in 0..ROWS {
        let line = n + 2;
        let arrived = received.contains_key(&format!("+224622{n:06}"));
        assert!(arrived || unknown.contains(&line), "line {line} is lost");
    }
}

#[test]
fn killed_at_any_moment_and_repeated_it_sends_nothing_twice_and_loses_nothing() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", people());
    let kills = [1, 25, 60, 61, 120, 200, 280];
    for messages in kills {
        let mut child = begin(&shell, &CAMPAIGN);
        wait_for(&carrier, &mut child, messages);
        signal(&child, "KILL");
        child.wait().unwrap();
        assert!(
            received(&carrier).values().all(|count| *count == 1),
            "after {messages}"
        );
    }
    let last = shell.run(&CAMPAIGN);
    check_nothing_twice_nothing_lost(&carrier, &shell);
    let unknown = unknown_lines(&shell);
    assert!(unknown.len() <= kills.len() * 4, "{unknown:?}");
    // Once more changes nothing.
    let again = shell.run(&CAMPAIGN);
    assert_eq!(again.stdout, "");
    assert_eq!(again.code, last.code);
    assert_eq!(again.code, Some(if unknown.is_empty() { 0 } else { 4 }));
    check_nothing_twice_nothing_lost(&carrier, &shell);

    // Told so, it sends the unknown ones again: all arrive, and only those may have come twice.
    let resent = shell.run(&[&CAMPAIGN[..], &["--resend-unknown"]].concat());
    resent.succeeded();
    let received = received(&carrier);
    assert_eq!(received.len() as u64, ROWS);
    let twice = received.values().filter(|count| **count > 1).count();
    assert!(twice <= unknown.len());
}

#[test]
fn interrupted_it_waits_for_the_open_calls_and_the_same_command_goes_on() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", people());
    for name in ["INT", "TERM"] {
        let before = carrier.messages().len();
        let mut command = shell.tidings(&CAMPAIGN);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        wait_for(&carrier, &mut child, before + 40);
        signal(&child, name);
        let ended: Ended = child.wait_with_output().unwrap().into();
        assert!(
            ended
                .exited_with(130)
                .stderr
                .contains("the same command goes on"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(unknown_lines(&shell), BTreeSet::new());
    shell.run(&CAMPAIGN).succeeded();
    assert_eq!(received(&carrier).len() as u64, ROWS);
    check_nothing_twice_nothing_lost(&carrier, &shell);
}

#[test]
fn rows_that_were_not_sent_are_sent_by_the_next_run_and_refused_ones_are_not() {
    let carrier = Carrier::with_scenario("credit = 3\n");
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", people());
    let campaign = [&CAMPAIGN[..8], &["1", "--json"]].concat();
    let ended = shell.run(&campaign);
    // Nothing is left on the account.
    ended.exited_with(17);
    assert_eq!(received(&carrier).len(), 3);
    let scenario = tidings_sim::Scenario::default().with_credit(10_000);
    carrier.simulator().set_scenario(scenario).unwrap();
    shell.run(&campaign).succeeded();
    check_nothing_twice_nothing_lost(&carrier, &shell);
    assert_eq!(received(&carrier).len() as u64, ROWS);
}

#[test]
fn lost_answers_are_unknown_and_not_sent_again() {
    let scenario = "[[fault]]\ncall = \"submit\"\nevery = 30\ndrop = { when = \"after\" }\n";
    let carrier = Carrier::with_scenario(scenario);
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", people());
    let ended = shell.run(&CAMPAIGN);
    let unknown = ended
        .exited_with(4)
        .json()
        .iter()
        .filter(|line| line["state"] == "unknown")
        .count();
    assert!(unknown > 0);
    shell.run(&CAMPAIGN).exited_with(4);
    check_nothing_twice_nothing_lost(&carrier, &shell);
    assert_eq!(
        received(&carrier).len() as u64,
        ROWS,
        "the carrier took them all"
    );
}

#[test]
fn a_reader_that_goes_away_stops_the_campaign_and_loses_nothing() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", people());
    let mut child = shell.tidings(&CAMPAIGN).spawn().unwrap();
    drop(child.stdout.take());
    let ended: Ended = child.wait_with_output().unwrap().into();
    ended.exited_with(141);
    assert!(received(&carrier).len() < 20);
    assert_eq!(unknown_lines(&shell), BTreeSet::new());
    shell.run(&CAMPAIGN).succeeded();
    check_nothing_twice_nothing_lost(&carrier, &shell);
}

#[test]
fn a_full_disk_stops_the_campaign_and_spoils_no_journal() {
    let carrier = Carrier::start();
    let shell = Shell::beside(&carrier);
    shell.write("people.csv", people());
    let ended: Ended = shell
        .tidings_on_a_full_disk(&CAMPAIGN)
        .output()
        .unwrap()
        .into();
    assert!(
        ended
            .exited_with(1)
            .stderr
            .contains("the same command goes on"),
        "{}",
        ended.stderr
    );
    let received_then = received(&carrier).len();
    assert!(received_then > 0 && received_then < 20, "{received_then}");
    let journal = std::fs::read_to_string(shell.path("people.csv.tidings-journal")).unwrap();
    assert!(journal.ends_with('\n'), "{journal}");

    let again = shell.run(&CAMPAIGN);
    let unknown = unknown_lines(&shell);
    again.exited_with(if unknown.is_empty() { 0 } else { 4 });
    check_nothing_twice_nothing_lost(&carrier, &shell);
}

#[test]
fn a_rehearsal_at_a_simulated_carrier_does_not_count_as_sent_at_another() {
    let rehearsal = Carrier::start();
    let shell = Shell::beside(&rehearsal);
    shell.write("people.csv", "to,n\n+224622000001,1\n");
    shell.run(&CAMPAIGN).succeeded();
    let carrier = Carrier::start();
    let mut elsewhere = shell;
    elsewhere.set(
        &crate::shell::variable("base_url"),
        carrier.simulator().base_url(),
    );
    let ended = elsewhere.run(&CAMPAIGN);
    assert!(
        ended.exited_with(5).stderr.contains("the account changed"),
        "{}",
        ended.stderr
    );
    let arguments = ["status", "--journal", "people.csv.tidings-journal"];
    let ended = elsewhere.run(&arguments);
    assert!(
        ended
            .exited_with(5)
            .stderr
            .contains("pick the account that sent it"),
        "{}",
        ended.stderr
    );
    assert_eq!(carrier.messages(), []);
}

/// An account whose provider refuses references that it has seen.
const DUPLICATE_CHECKING: &str = "duplicate_checking";

#[test]
fn where_the_provider_knows_references_lost_answers_are_settled_before_going_on() {
    let mut specs = tidings::providers::ALL.iter();
    let spec = specs
        .find(|spec| {
            let mut settings = spec.settings.iter();
            settings.any(|setting| setting.name == DUPLICATE_CHECKING)
        })
        .unwrap();
    // Of three calls one is lost before it was read, one after.
    let scenario = "refuse_duplicates = true\n\
                    [[fault]]\ncall = \"submit\"\nfirst = 1\ndrop = { when = \"before\" }\n\
                    [[fault]]\ncall = \"submit\"\nafter = 1\nfirst = 1\ndrop = { when = \"after\" }\n";
    let carrier = Carrier::of(spec, scenario);
    let mut shell = Shell::beside(&carrier);
    shell.set(&variable_of(spec, DUPLICATE_CHECKING), "on");
    shell.write("people.csv", "to\n+4741000001\n+4741000002\n+4741000003\n");
    let arguments = [
        "send",
        "--json",
        "--from",
        "Tidings",
        "--csv",
        "people.csv",
        "--template",
        "Hei",
        "--in-flight",
        "1",
    ];
    let first = shell.run(&arguments);
    let states = |ended: &Ended| -> Vec<String> {
        let lines = ended.json().into_iter();
        lines
            .map(|line| line["state"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        states(first.exited_with(4)),
        ["unknown", "unknown", "submitted"]
    );
    assert_eq!(received(&carrier).len(), 2);
    let second = shell.run(&arguments);
    assert_eq!(states(second.succeeded()), ["submitted", "submitted"]);
    assert!(
        second
            .stderr
            .contains("asking the provider about 2 messages"),
        "{}",
        second.stderr
    );
    let received = received(&carrier);
    assert_eq!(received.len(), 3);
    assert!(received.values().all(|count| *count == 1), "{received:?}");
    assert_eq!(shell.run(&arguments).succeeded().stdout, "");
}
