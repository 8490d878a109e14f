//! The README's first two commands, run as written. The second one is `cargo xtask test` itself,
//! which is running at this moment, so only its presence is checked.

use std::fs;

use anyhow::{Context as _, bail, ensure};

use crate::suite::counts::Counts;
use crate::{process, workspace};

const OURSELVES: &str = "cargo xtask test";

pub(crate) fn run() -> anyhow::Result<Counts> {
    let path = workspace::root().join("README.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let commands = first_commands(&text);
    let [demo, test] = commands.as_slice() else {
        bail!("README.md must open with exactly two commands, but has {commands:?}");
    };
    ensure!(
        test == OURSELVES,
        "the README's second command must be `{OURSELVES}`"
    );
    let words: Vec<&str> = demo.split_whitespace().collect();
    let (program, arguments) = words.split_first().context("the first command is empty")?;
    process::run(&mut process::command(program, arguments))?;
    Ok(Counts::one_passed())
}

/// The commands of the first code block, without comments.
pub(crate) fn first_commands(readme: &str) -> Vec<String> {
    readme
        .lines()
        .skip_while(|line| !line.starts_with("```"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
        .filter(|command| !command.is_empty())
        .collect()
}
