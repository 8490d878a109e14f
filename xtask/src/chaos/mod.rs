//! `cargo xtask chaos [--kills N] [--seed N] [--carrier-timeouts] [--full-disk] [--clock-jumps] [--release]`:
//! kills a real gateway again and again while it works, and asks at the end whether it kept its word.
//!
//! Builds the command and the runner, and starts the runner, which is `examples/chaos` of `tidings-tests`:
//! it needs the harness, the store and every provider's client, and this crate would have to be built with
//! all of them before it could say its own help. The options are read there, but two: `--release`, and
//! `--variants`, which runs the plain one and each variant alone, one after the other. `docs/reliability.md`
//! says what is compared.

use anyhow::{Context as _, ensure};

use crate::process;
use crate::suite::counts::Counts;

/// How many kills the suite makes.
const KILLS_OF_THE_SUITE: &str = "25";

/// What `--variants` runs.
const VARIANTS: &[&[&str]] = &[
    &[],
    &["--carrier-timeouts"],
    &["--clock-jumps"],
    &["--full-disk"],
];

/// What the runner says at its very end.
const KEPT: &str = "verdict: it kept its word";
const BROKEN: &str = "verdict: it did not keep its word";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let has = |name: &str| arguments.iter().any(|it| it == name);
    let profile = if has("--release") { "release" } else { "dev" };
    let others = arguments.iter().map(String::as_str);
    let others: Vec<&str> = others
        .filter(|it| !["--release", "--variants"].contains(it))
        .collect();
    let runner = build(profile)?;
    if !has("--variants") {
        let text = start(&runner, &others)?;
        return judge(&text);
    }
    let mut tables = Vec::new();
    let mut outcomes = Vec::new();
    for variant in VARIANTS {
        let text = start(&runner, &[&others, *variant].concat())?;
        tables.extend(
            text.lines()
                .filter(|line| line.starts_with('|'))
                .map(str::to_owned),
        );
        outcomes.push(judge(&text));
    }
    // One head is enough.
    let mut seen = Vec::new();
    for line in tables {
        if !seen.contains(&line) {
            println!("{line}");
            seen.push(line);
        }
    }
    outcomes.into_iter().collect()
}

/// The step of the suite: fewer kills than a release gets.
pub(crate) fn step() -> anyhow::Result<Counts> {
    run(&["--kills".to_owned(), KILLS_OF_THE_SUITE.to_owned()])?;
    Ok(Counts::one_passed())
}

/// Builds the command and the runner, and says where the runner is. Both in one call and with every
/// feature of the workspace, as the tests are: after them there is nothing left to build.
fn build(profile: &str) -> anyhow::Result<String> {
    let mut command = process::cargo(&["build", "--workspace", "--all-features"]);
    // The runner looks for the command beside itself.
    command.args(["--bin", "tidings", "--example", "chaos"]);
    command.args(["--profile", profile]);
    command.args(["--message-format", "json-render-diagnostics"]);
    let said = process::run_and_read(&mut command)?;
    process::executable(&said, "chaos").context("cargo does not say where the runner is")
}

/// Runs once. What it wrote.
fn start(runner: &str, arguments: &[&str]) -> anyhow::Result<String> {
    Ok(process::run_and_keep(&mut process::command(runner, arguments))?.text)
}

/// What the runner said. That it ended well is not enough: it has to say so.
fn judge(text: &str) -> anyhow::Result<()> {
    let says = |what: &str| text.lines().any(|line| line == what);
    ensure!(
        !says(BROKEN),
        "the gateway did not keep its word: see above"
    );
    let files = text.lines().find_map(|line| line.strip_prefix("files: "));
    ensure!(
        says(KEPT),
        "the run ended without a verdict; what it wrote is above, and what is left of it in {}: \
         gateway.log is what the gateway said",
        files.unwrap_or("no folder"),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let said = judge(text).map_or_else(|error| error.to_string(), |()| "kept".to_owned());
        assert!(said.starts_with(expected), "{said}");
    }

    #[test]
    fn only_what_is_said_counts() {
        check("files: /tmp/x\nverdict: it kept its word\n", "kept");
        check(
            "verdict: it did not keep its word\n",
            "the gateway did not keep its word",
        );
        check("", "the run ended without a verdict");
        check(
            "files: /tmp/x\nno verdict: the run broke off\n",
            "the run ended without a verdict",
        );
        check(
            "files: /tmp/x\n25 kills, 1041 accepted\n",
            "the run ended without a verdict; what it wrote is above, and what is left of it in /tmp/x",
        );
    }
}
