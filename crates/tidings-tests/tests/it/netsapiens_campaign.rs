//! A campaign through the command and a NetSapiens account, killed and repeated, and over lines on which
//! calls get lost: nothing arrives twice and nothing is lost, and no row stays unknown, since each message
//! has a session of its own that the next run looks into.

use std::collections::BTreeMap;
use std::path::Path;

use tidings::netsapiens;
use tidings_sim::Scenario;
use tidings_tests::{Carrier, Shell};

const ROWS: usize = 400;
/// So many messages have arrived when the command is killed.
const KILLS: [usize; 4] = [1, 90, 91, 300];
const CAMPAIGN: [&str; 8] = [
    "send",
    "--csv",
    "people.csv",
    "--template",
    "Bonjour {{n}}",
    "--in-flight",
    "4",
    "--json",
];

fn shell(carrier: &Carrier, name: &str) -> Shell {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let rows = (0..ROWS).map(|n| format!("{},{n}\n", number(n)));
    let people: String = std::iter::once("to,n\n".to_owned()).chain(rows).collect();
    Shell::beside(carrier, &netsapiens::SPEC, &folder, &people, &[])
}

fn number(n: usize) -> String {
    format!("+224622{n:06}")
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

#[track_caller]
fn check_all(carrier: &Carrier) {
    check_nothing_twice(carrier);
    let received = received(carrier);
    let lost: Vec<String> = (0..ROWS)
        .map(number)
        .filter(|to| !received.contains_key(to))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(received.len(), ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_and_repeated_it_sends_each_message_once() {
    let carrier = Carrier::start(&netsapiens::SPEC, "").await;
    let shell = shell(&carrier, "netsapiens-campaign");
    for messages in KILLS {
        shell.kill_after(&carrier, messages, &CAMPAIGN);
        check_nothing_twice(&carrier);
        assert!(received(&carrier).len() >= messages);
    }
    let last = shell.run(&CAMPAIGN);
    assert!(last.status.success(), "{last:?}");
    check_all(&carrier);
    // Once more changes nothing.
    let again = shell.run(&CAMPAIGN);
    assert!(again.status.success(), "{again:?}");
    check_all(&carrier);
}

/// Calls get lost on both ways.
const LOST: &str = "[[fault]]
call = \"submit\"
every = 30
drop = { when = \"after\" }
[[fault]]
call = \"submit\"
every = 41
drop = { when = \"before\" }
[[fault]]
call = \"submit\"
every = 53
drop = { when = \"mid_answer\", reset = true }
";

#[tokio::test(flavor = "multi_thread")]
async fn over_a_bad_line_the_next_run_finds_out_what_nobody_knew() {
    let carrier = Carrier::start(&netsapiens::SPEC, LOST).await;
    let shell = shell(&carrier, "netsapiens-campaign-lost");
    let first = shell.run(&CAMPAIGN);
    assert_eq!(first.status.code(), Some(4), "{first:?}");
    check_nothing_twice(&carrier);
    let arrived = received(&carrier).len();
    assert!(arrived < ROWS, "nothing got lost on the way to the carrier");
    carrier.simulator.set_scenario(Scenario::default()).unwrap();
    let next = shell.run(&CAMPAIGN);
    assert!(next.status.success(), "{next:?}");
    check_all(&carrier);
}
