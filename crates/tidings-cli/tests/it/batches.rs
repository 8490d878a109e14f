//! `tidings batches`, and `tidings status` where a provider tells ends only by calling back.

use serde_json::Value;

use crate::shell::{Carrier, Shell, spec_that};

/// Far enough for a batch to wait while a test runs.
pub(crate) const LATER: &str = "2099-01-02T09:00[Europe/Oslo]";

fn carrier() -> Carrier {
    Carrier::of(spec_that(|can| can.batches && can.send_window), "")
}

/// Sends a message that waits, and returns its line.
fn send_later(shell: &Shell, to: &str) -> Value {
    let arguments = ["send", "--json", "--from", "Tidings", "--to", to];
    let later = ["--not-before", LATER, "Hei"];
    let ended = shell.run(&[&arguments[..], &later].concat());
    ended.succeeded().json().remove(0)
}

fn batch_of(line: &Value) -> &str {
    line["ref"]["batch"].as_str().unwrap()
}

#[test]
fn what_waits_is_listed_shown_and_stopped() {
    let carrier = carrier();
    let shell = Shell::beside(&carrier);
    let first = send_later(&shell, "+4741000001");
    let second = send_later(&shell, "+4741000002");
    let listed = shell.run(&["batches", "list", "--json"]);
    let mut listed: Vec<Value> = listed.succeeded().json();
    listed.sort_by_key(|batch| batch["batch"] != *batch_of(&first));
    assert_eq!(listed.len(), 2, "{listed:?}");
    let expected = serde_json::json!({"batch": batch_of(&first), "left": 1, "on_hold": 0});
    assert_eq!(listed[0], expected);
    let shown = shell.run(&["batches", "show", batch_of(&first), "--json"]);
    assert_eq!(shown.succeeded().json(), [expected]);
    let shown = shell.run(&["batches", "show", batch_of(&first)]);
    let shown = shown.succeeded().stdout.replace(batch_of(&first), "BATCH");
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(words, ["batch", "left", "on", "hold", "BATCH", "1", "0"]);

    // Nobody is there to be asked, so nothing is stopped.
    let stop = ["batches", "stop", batch_of(&first), "--json"];
    let refused = shell.run(&stop);
    let told = &refused.exited_with(5).stderr;
    assert!(told.contains("--yes"), "{told}");
    assert_eq!(shell.run(&["batches", "list", "--json"]).json().len(), 2);

    let stopped = shell.run(&[&stop[..], &["--yes"]].concat());
    let expected = serde_json::json!({
        "batch": batch_of(&first),
        "stopped": [{"message": first["ref"]["message"], "reference": first["reference"]}],
    });
    assert_eq!(stopped.succeeded().json(), [expected]);
    let told = &stopped.stderr;
    assert!(told.contains("1 message will not be sent"), "{told}");

    // What is stopped is gone, and what "not found" means is said.
    for action in [&["show"][..], &["stop", "--yes"]] {
        let arguments = [&["batches"], action, &[batch_of(&first)]].concat();
        let ended = shell.run(&arguments);
        let told = &ended.exited_with(15).stderr;
        assert!(
            told.contains("it knows no such batch, or all of it has left"),
            "{told}"
        );
    }
    let stopped = shell.run(&["batches", "stop", "--yes", batch_of(&second)]);
    let table = &stopped.succeeded().stdout;
    let id = second["ref"]["message"].as_str().unwrap();
    let reference = second["reference"].as_str().unwrap();
    assert!(table.contains(id) && table.contains(reference), "{table}");
    let empty = shell.run(&["batches", "list"]);
    assert_eq!(empty.succeeded().stdout, "");
    let told = &empty.stderr;
    assert!(told.contains("no batch waits at the provider"), "{told}");
}

#[test]
fn a_provider_without_batches_says_so() {
    let carrier = Carrier::of(spec_that(|can| !can.batches), "");
    let shell = Shell::beside(&carrier);
    for arguments in [
        &["batches", "list"][..],
        &["batches", "show", "b"],
        &["batches", "stop", "b", "--yes"],
    ] {
        let ended = shell.run(arguments);
        let told = &ended.exited_with(21).stderr;
        assert!(
            told.contains("this provider does not tell which batches wait"),
            "{told}"
        );
    }
}

#[test]
fn where_ends_are_told_only_by_calling_back_status_says_what_can_be_known() {
    let carrier = Carrier::of(spec_that(|can| can.batches && !can.status), "");
    let shell = Shell::beside(&carrier);
    let line = send_later(&shell, "+4741000001");
    let reference = line["ref"].to_string();
    let status = ["status", "--json", &reference];
    let ended = shell.run(&status);
    let told = &ended.succeeded().stderr;
    assert!(
        told.contains("only by calling its customer's server"),
        "{told}"
    );
    let answer = &ended.json()[0];
    assert_eq!(answer["state"], "submitted", "{answer}");
    assert_eq!(answer["ref"], line["ref"]);

    shell
        .run(&["batches", "stop", "--yes", batch_of(&line)])
        .succeeded();
    // It does not watch for what can never be told.
    for arguments in [&status[..], &["status", "--json", "--watch", &reference]] {
        let ended = shell.run(arguments);
        let answer = &ended.succeeded().json()[0];
        assert_eq!(answer["state"], "unknown", "{answer}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains("only by calling back"), "{detail}");
    }
    let by_id = shell.run(&["status", line["ref"]["message"].as_str().unwrap()]);
    let table = &by_id.succeeded().stdout;
    assert!(table.contains("unknown"), "{table}");
}

#[test]
fn a_stop_whose_answer_is_lost_says_that_nobody_knows() {
    let lost = "[[fault]]\ncall = \"stop_batch\"\ndrop = { when = \"after\" }\n";
    let carrier = Carrier::of(spec_that(|can| can.batches && can.send_window), lost);
    let shell = Shell::beside(&carrier);
    let line = send_later(&shell, "+4741000001");
    let ended = shell.run(&["batches", "stop", "--yes", batch_of(&line)]);
    let told = &ended.exited_with(4).stderr;
    assert!(
        told.contains("nobody can know whether batch") && told.contains("`tidings batches show`"),
        "{told}"
    );
    assert!(!told.contains("sent again"), "{told}");
    assert_eq!(ended.stdout, "");
}
