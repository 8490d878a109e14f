//! A campaign through the command and a Puzzel account, killed again and again: nothing arrives
//! twice and nothing is lost. Where the vendor refuses references that it has seen, what nobody knew
//! is found out by the next run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tidings::puzzel;
use tidings_sim::Scenario;
use tidings_tests::{Carrier, Shell};

const ROWS: usize = 600;
const BULK_SIZE: usize = 10;
const IN_FLIGHT: usize = 4;
/// So many messages have arrived when the command is killed.
const KILLS: [usize; 7] = [1, 30, 90, 91, 200, 350, 500];
const CAMPAIGN: [&str; 10] = [
    "send",
    "--from",
    "Tidings",
    "--csv",
    "people.csv",
    "--template",
    "Hei {{n}}",
    "--in-flight",
    "4",
    "--json",
];

fn shell(carrier: &Carrier, name: &str, settings: &[(&str, &str)]) -> Shell {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let rows = (0..ROWS).map(|n| format!("{},{n}\n", number(n)));
    let people: String = std::iter::once("to,n\n".to_owned()).chain(rows).collect();
    Shell::beside(carrier, &puzzel::SPEC, &folder, &people, settings)
}

fn number(n: usize) -> String {
    format!("+47410{n:05}")
}

/// How often each number got a text.
fn received(carrier: &Carrier) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in carrier.simulator.world().messages() {
        *counts.entry(message.to.as_str().to_owned()).or_default() += 1;
    }
    counts
}

#[track_caller]
fn check_nothing_twice(carrier: &Carrier) {
    let received = received(carrier);
    let twice: Vec<_> = received.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_and_repeated_it_sends_nothing_twice_and_loses_nothing() {
    let carrier = Carrier::start(&puzzel::SPEC, "").await;
    let settings = [("bulk_size", "10")];
    let shell = shell(&carrier, "puzzel-campaign", &settings);
    for messages in KILLS {
        shell.kill_after(&carrier, messages, &CAMPAIGN);
        check_nothing_twice(&carrier);
    }
    let last = shell.run(&CAMPAIGN);
    // Once more changes nothing.
    let again = shell.run(&CAMPAIGN);
    assert_eq!(again.status, last.status, "{again:?}");
    check_nothing_twice(&carrier);
    let before = received(&carrier);

    // Told so, it sends the unknown ones again: all arrive, and only those may have come twice.
    let resent = shell.run(&[&CAMPAIGN[..], &["--resend-unknown"]].concat());
    assert!(resent.status.success(), "{resent:?}");
    let lines = String::from_utf8(resent.stdout).unwrap();
    let lines: BTreeSet<u64> = lines.lines().map(line_of).collect();
    assert!(lines.len() <= KILLS.len() * IN_FLIGHT * BULK_SIZE);
    for n in 0..ROWS {
        let line = u64::try_from(n).unwrap() + 2;
        let was_resent = lines.contains(&line);
        assert!(
            was_resent || before.contains_key(&number(n)),
            "line {line} is lost"
        );
    }
    let after = received(&carrier);
    assert_eq!(after.len(), ROWS);
    let twice = after.values().filter(|count| **count > 1).count();
    assert!(twice <= lines.len());
}

fn line_of(text: &str) -> u64 {
    let line: Value = serde_json::from_str(text).unwrap();
    line["line"].as_u64().unwrap_or_else(|| panic!("{text}"))
}

/// Calls get lost on both ways, and references are refused for an hour.
const LOST: &str = "refuse_duplicates = true
[[fault]]
call = \"submit\"
every = 30
drop = { when = \"after\" }
[[fault]]
call = \"submit\"
every = 41
drop = { when = \"before\" }
";

#[tokio::test(flavor = "multi_thread")]
async fn with_duplicate_checking_the_next_run_finds_out_what_nobody_knew() {
    let carrier = Carrier::start(&puzzel::SPEC, LOST).await;
    let settings = [("bulk_size", "10"), ("duplicate_checking", "on")];
    let shell = shell(&carrier, "puzzel-campaign-checked", &settings);
    let first = shell.run(&CAMPAIGN);
    assert_eq!(first.status.code(), Some(4), "{first:?}");
    check_nothing_twice(&carrier);
    let arrived = received(&carrier).len();
    assert!(arrived < ROWS, "nothing got lost on the way to the carrier");
    let calm = Scenario::from_toml("refuse_duplicates = true\n").unwrap();
    carrier.simulator.set_scenario(calm).unwrap();
    let next = shell.run(&CAMPAIGN);
    assert!(next.status.success(), "{next:?}");
    check_nothing_twice(&carrier);
    assert_eq!(received(&carrier).len(), ROWS);
}
