//! The README's commands, run as they are written: the demo of its first block, and every line of
//! later blocks that calls `tidings`. The first block's other command is `cargo xtask test` itself,
//! which is running at this moment, so only its presence is checked.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::suite::counts::Counts;
use crate::{process, workspace};

/// For one command, with the release build that the first one needs.
const LIMIT: Duration = Duration::from_mins(20);
const OURSELVES: &str = "cargo xtask test";
/// How `tidings` is called by somebody who has not installed it.
const FROM_SOURCE: &str = "cargo run --release --quiet --";

/// Begins the build that the first command waits for, in the time that the steps before leave over: some
/// of them wait more than they compute. The command waits for it, or builds for itself what it lacks.
pub(crate) fn build_ahead() -> process::Aside {
    let build = ["-n", "19", "cargo", "build", "--release"];
    process::begin_aside(&mut process::command("nice", &build))
}

pub(crate) fn run() -> anyhow::Result<Counts> {
    let path = workspace::root().join("README.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let blocks = command_blocks(&text);
    let (first, later) = blocks.split_first().context("README.md has no commands")?;
    let [demo, test] = first.as_slice() else {
        bail!("README.md must open with exactly two commands, but has {first:?}");
    };
    ensure!(
        test == OURSELVES,
        "the README's second command must be `{OURSELVES}`"
    );
    // It stays for a person to look at; here it ends when its campaign has.
    run_line(&format!("{demo} --once"))?;
    for example in later.iter().flatten().filter_map(|line| from_source(line)) {
        run_line(&example)?;
    }
    Ok(Counts::one_passed())
}

fn run_line(line: &str) -> anyhow::Result<()> {
    // `exec`, so that the limit ends the program and not only the shell around it.
    let line = format!("exec {line}");
    process::run_within(&mut process::command("sh", &["-c", &line]), LIMIT)
}

/// The lines of each block marked `sh`, without comments and empty lines.
pub(crate) fn command_blocks(readme: &str) -> Vec<Vec<String>> {
    let mut blocks = Vec::new();
    let mut block: Option<Vec<String>> = None;
    for line in readme.lines().map(str::trim) {
        match block.as_mut() {
            Some(_) if line == "```" => blocks.extend(block.take()),
            Some(lines) if !line.is_empty() && !line.starts_with('#') => {
                lines.push(line.to_owned());
            }
            None if line == "```sh" => block = Some(Vec::new()),
            Some(_) | None => {}
        }
    }
    blocks
}

/// A call of `tidings` as a call of what lies here; nothing for any other command.
pub(crate) fn from_source(line: &str) -> Option<String> {
    line.strip_prefix("tidings ")
        .map(|arguments| format!("{FROM_SOURCE} {arguments}"))
}
