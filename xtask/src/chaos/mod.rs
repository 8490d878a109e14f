//! `cargo xtask chaos [--kills N] [--seed N] [--carrier-timeouts] [--full-disk] [--clock-jumps] [--release]`:
//! kills a real gateway again and again while it works, and asks at the end whether it kept its word.
//!
//! Builds the command and the runner, and starts the runner, which is `examples/chaos` of `tidings-tests`:
//! it needs the harness, the store and every provider's client, and this crate would have to be built with
//! all of them before it could say its own help. The options are read there. `docs/reliability.md` says
//! what is compared.

use anyhow::Context as _;

use crate::process;
use crate::suite::counts::Counts;

/// How many kills the suite makes.
const KILLS_OF_THE_SUITE: &str = "25";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let is_release = arguments.iter().any(|it| it == "--release");
    let others = arguments.iter().filter(|it| *it != "--release");
    let runner = build(if is_release { "release" } else { "dev" })?;
    let mut command = process::command(&runner, &[]);
    process::run(command.args(others))
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

/// The step of the suite: fewer kills than a release gets.
pub(crate) fn step() -> anyhow::Result<Counts> {
    run(&["--kills".to_owned(), KILLS_OF_THE_SUITE.to_owned()])?;
    Ok(Counts::one_passed())
}
