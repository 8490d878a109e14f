//! `cargo xtask chaos [--kills N] [--seed N] [--carrier-timeouts] [--full-disk] [--clock-jumps] [--release]`:
//! kills a real gateway again and again while it works, and asks at the end whether it kept its word.
//!
//! Builds the command and the runner, and starts the runner, which is `examples/chaos` of `tidings-tests`:
//! it needs the harness, the store and every provider's client, and this crate would have to be built with
//! all of them before it could say its own help. The options are read there. `docs/reliability.md` says
//! what is compared.

use crate::process;
use crate::suite::counts::Counts;

/// How many kills the suite makes.
const KILLS_OF_THE_SUITE: &str = "25";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let is_release = arguments.iter().any(|it| it == "--release");
    let others: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|it| *it != "--release")
        .collect();
    let profile = if is_release { "release" } else { "dev" };
    // The runner looks for the command beside itself.
    process::run(&mut process::cargo(&[
        "build",
        "--profile",
        profile,
        "--package",
        "tidings-cli",
        "--bin",
        "tidings",
    ]))?;
    let mut command = vec![
        "run",
        "--profile",
        profile,
        "--package",
        "tidings-tests",
        "--example",
        "chaos",
        "--",
    ];
    command.extend(others);
    process::run(&mut process::cargo(&command))
}

/// The step of the suite: fewer kills than a release gets.
pub(crate) fn step() -> anyhow::Result<Counts> {
    run(&["--kills".to_owned(), KILLS_OF_THE_SUITE.to_owned()])?;
    Ok(Counts::one_passed())
}
