//! What a run prints at its end: everything that was counted, what must not be, and the row of the table
//! in `docs/reliability.md`.
//!
//! Called by `main.rs`. It judges nothing.

use std::fmt::Write as _;
use std::time::Duration;

use tidings::DeliveryPolicy;

use crate::Disks;
use crate::options::Options;
use crate::verdict::{Counts, Fault, Verdict};

/// How many of a kind are shown.
const SHOWN: usize = 5;

/// The head of the table that a run prints its row of.
const HEAD: &str = "\
| run | kills | accepted | arrived | lost | sent twice: `reconcile`, `at_most_once` | sent twice: `at_least_once` | \
marked | of these not marked | stopped: canceled, sent after | unknown: arrived, not | refused by a full disk | \
ready after a kill: median, longest | load, then settling |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// What is known of the run itself.
pub(crate) struct Course {
    /// From kill to ready.
    pub(crate) restarts: Vec<Duration>,
    pub(crate) loading: Duration,
    pub(crate) settling: Duration,
    /// Answers that said that the store is away.
    pub(crate) disk_refusals: u64,
    pub(crate) disks: Disks,
    /// How often it could not start on the full disk.
    pub(crate) refused_starts: u32,
}

pub(crate) fn print(options: &Options, course: &Course, verdict: &Verdict) {
    let mut text = String::new();
    for (what, number) in numbers(options, course, &verdict.counts) {
        writeln!(text, "{what:48} {number:>10}").expect("a text");
    }
    for ((lane, policy), [arrived, not]) in &verdict.counts.unknown {
        let kind = format!("  unknown over {lane}, {policy}");
        writeln!(text, "{kind:48} {arrived} arrived, {not} did not").expect("a text");
    }
    text.push('\n');
    for fault in Fault::ALL.iter().copied() {
        let found = verdict.found(fault);
        writeln!(text, "{:48} {:>10}", fault.as_str(), found.len()).expect("a text");
        for which in found.iter().take(SHOWN) {
            writeln!(text, "    {which}").expect("a text");
        }
    }
    println!("\n{text}\n{HEAD}\n{}\n", row(options, course, verdict));
}

fn numbers(options: &Options, course: &Course, counts: &Counts) -> Vec<(&'static str, String)> {
    let [arrived, not_arrived] = counts.unknown();
    let mut numbers = vec![
        ("kills", options.kills.to_string()),
        ("answered as accepted", counts.accepted.to_string()),
    ];
    for (api, number) in &counts.by_api {
        numbers.push((api, number.to_string()));
    }
    let doubles = counts.doubles_of(DeliveryPolicy::AtLeastOnce);
    numbers.extend([
        ("refused, providers' APIs", counts.refused.to_string()),
        (
            "not answered, providers' APIs",
            counts.unanswered.to_string(),
        ),
        (
            "  of these kept all the same",
            counts.unanswered_and_kept.to_string(),
        ),
        ("messages kept", counts.kept.to_string()),
        ("messages that arrived", counts.arrived.to_string()),
        ("sent twice (at_least_once)", doubles.to_string()),
        ("marked as possible doubles", counts.marked.to_string()),
        (
            "ended by a report before their last attempt",
            counts.without_end.to_string(),
        ),
        ("unknown at the end, arrived", arrived.to_string()),
        ("unknown at the end, not arrived", not_arrived.to_string()),
        ("batches that were stopped", counts.stops.to_string()),
        ("  messages in them", counts.in_stopped_batches.to_string()),
        (
            "  of these canceled by the stop",
            counts.canceled.to_string(),
        ),
        ("refused by the full disk", course.disk_refusals.to_string()),
        ("disk made full", course.disks.filled.to_string()),
        ("  which was felt", course.disks.felt.to_string()),
        (
            "  and the gateway went on, with room again",
            course.disks.went_on.to_string(),
        ),
        (
            "did not start on the full disk",
            course.refused_starts.to_string(),
        ),
        ("ready after a kill, median", seconds(course.median())),
        ("ready after a kill, longest", seconds(course.longest())),
        ("under load", seconds(course.loading)),
        ("until nothing moved any more", seconds(course.settling)),
    ]);
    numbers
}

/// The row of the table.
fn row(options: &Options, course: &Course, verdict: &Verdict) -> String {
    let counts = &verdict.counts;
    let n_found = |fault| verdict.found(fault).len();
    let variant = options.variant();
    let run = if variant.is_empty() {
        "plain"
    } else {
        &variant
    };
    let lost = n_found(Fault::NotKept) + n_found(Fault::Lost) + n_found(Fault::GivenUp);
    let [arrived, not_arrived] = counts.unknown();
    let full = match course.disk_refusals {
        0 if !options.full_disk => "–".to_owned(),
        refusals => refusals.to_string(),
    };
    let cells = [
        format!("{run}, seed {}", options.seed),
        options.kills.to_string(),
        counts.accepted.to_string(),
        counts.arrived.to_string(),
        format!("**{lost}**"),
        format!(
            "**{}**, **{}**",
            counts.doubles_of(DeliveryPolicy::Reconcile),
            counts.doubles_of(DeliveryPolicy::AtMostOnce)
        ),
        counts.doubles_of(DeliveryPolicy::AtLeastOnce).to_string(),
        counts.marked.to_string(),
        format!("**{}**", n_found(Fault::Unmarked)),
        format!(
            "{}, **{}**",
            counts.canceled,
            n_found(Fault::CanceledAndSent) + n_found(Fault::SentAfterStop)
        ),
        format!("{arrived}, {not_arrived}"),
        full,
        format!(
            "{}, {}",
            seconds(course.median()),
            seconds(course.longest())
        ),
        format!(
            "{} s, {} s",
            course.loading.as_secs(),
            course.settling.as_secs()
        ),
    ];
    format!("| {} |", cells.join(" | "))
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

impl Course {
    fn median(&self) -> Duration {
        let mut sorted = self.restarts.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    fn longest(&self) -> Duration {
        self.restarts.iter().max().copied().unwrap_or_default()
    }
}
