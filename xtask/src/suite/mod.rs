//! `cargo xtask test`: every check and every test, one step after the other, and a summary at the end.
//! Beside them, in the time that they leave over, the release build that the last one waits for.
//! A step that fails does not stop the next one: a person wants the whole list at once.
//! What a step does is in `steps.rs`; this file decides which steps run and what is printed.

pub(crate) mod counts;
pub(crate) mod package;
mod readme;
mod setup;
mod skipped;
mod snapshots;
mod steps;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;

use crate::clock::Stopwatch;
use crate::suite::counts::Counts;

/// A step by name. The result counts tests where the step runs some, else the step is one test.
struct Step {
    name: &'static str,
    in_fast: bool,
    run: fn() -> anyhow::Result<Counts>,
}

/// In this order the artifacts are shared: clippy leaves the metadata that `docs` reads and what build
/// scripts made, `tests` leaves the programs that `doctests` and `chaos` need.
const STEPS: &[Step] = &[
    Step {
        name: "setup",
        in_fast: false,
        run: setup::run,
    },
    Step {
        name: "fmt",
        in_fast: true,
        run: steps::fmt,
    },
    Step {
        name: "tidy",
        in_fast: true,
        run: steps::tidy,
    },
    Step {
        name: "generated",
        in_fast: false,
        run: steps::generated,
    },
    Step {
        name: "package",
        in_fast: false,
        run: package::run,
    },
    Step {
        name: "clippy",
        in_fast: true,
        run: steps::clippy,
    },
    Step {
        name: "features",
        in_fast: false,
        run: steps::features,
    },
    Step {
        name: "docs",
        in_fast: false,
        run: steps::docs,
    },
    Step {
        name: "tests",
        in_fast: true,
        run: steps::tests,
    },
    Step {
        name: "doctests",
        in_fast: false,
        run: steps::doctests,
    },
    Step {
        name: "snapshots",
        in_fast: false,
        run: snapshots::run,
    },
    Step {
        name: "chaos",
        in_fast: false,
        run: crate::chaos::step,
    },
    Step {
        name: "readme",
        in_fast: false,
        run: readme::run,
    },
];

/// What became of one step.
struct Outcome {
    name: &'static str,
    counts: Counts,
    took: Duration,
    /// Why it failed, if the step could say it in a sentence.
    error: Option<String>,
}

/// The error is one of the arguments. A failed step is an exit code only, so that the counts stay the
/// last line of the output.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let chosen = choose(arguments)?;
    let watch = Stopwatch::start();
    let builds_a_release = chosen.iter().any(|step| step.name == "readme");
    let _ahead = (builds_a_release && chosen.len() > 1).then(readme::build_ahead);
    let outcomes: Vec<Outcome> = chosen.into_iter().map(run_step).collect();
    let total = outcomes
        .iter()
        .fold(Counts::default(), |sum, outcome| sum + outcome.counts);
    print!("{}", summary(&outcomes, watch.elapsed()));
    println!("{total}");
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// All steps, the fast ones, or those that are named.
fn choose(arguments: &[String]) -> anyhow::Result<Vec<&'static Step>> {
    let mut fast = false;
    let mut named = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--fast" => fast = true,
            name if STEPS.iter().any(|step| step.name == name) => named.push(name),
            unknown => {
                let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
                bail!(
                    "`{unknown}` is neither `--fast` nor a step; the steps are {}",
                    names.join(", ")
                );
            }
        }
    }
    Ok(STEPS
        .iter()
        .filter(|step| !fast || step.in_fast)
        .filter(|step| named.is_empty() || named.contains(&step.name))
        .collect())
}

fn run_step(step: &Step) -> Outcome {
    println!("\n=== {}", step.name);
    let watch = Stopwatch::start();
    let (counts, error) = match (step.run)() {
        Ok(counts) => (counts, None),
        Err(error) => {
            println!("{error:#}");
            (Counts::one_failed(), Some(format!("{error:#}")))
        }
    };
    Outcome {
        name: step.name,
        counts,
        took: watch.elapsed(),
        error,
    }
}

fn summary(outcomes: &[Outcome], total: Duration) -> String {
    let mut lines = vec![
        String::new(),
        format!(
            "{:<12} {:<7} {:>7} {:>7} {:>8} {:>8}",
            "step", "result", "passed", "failed", "skipped", "seconds"
        ),
    ];
    for outcome in outcomes {
        let result = if outcome.counts.failed == 0 {
            "ok"
        } else {
            "FAILED"
        };
        let reason = outcome
            .error
            .as_deref()
            .and_then(|error| error.lines().next());
        lines.push(
            format!(
                "{:<12} {:<7} {:>7} {:>7} {:>8} {:>8.1}  {}",
                outcome.name,
                result,
                outcome.counts.passed,
                outcome.counts.failed,
                outcome.counts.skipped,
                outcome.took.as_secs_f64(),
                reason.unwrap_or_default(),
            )
            .trim_end()
            .to_owned(),
        );
    }
    lines.push(format!("{:<44} {:>8.1}", "all", total.as_secs_f64()));
    lines.push(String::new());
    lines.join("\n")
}
