//! The project's own tools, started as `cargo xtask <tool>`. Every tool is one module with one `run`;
//! this file only reads the arguments, calls the tool and turns its result into an exit code.
//! Not part of what users of Tidings compile.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool at a terminal: its output is the result"
)]

mod audit;
mod benches;
mod book;
mod chaos;
mod clock;
mod config;
mod fuzz;
mod r#gen;
mod mutants;
mod new_provider;
mod process;
mod suite;
mod tidy;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
The project's own tools.

Usage: cargo xtask <TOOL> [ARGUMENTS]

Tools:
  test [--fast] [STEP ...]   every check and every test; --fast leaves out what daily work can wait for
  bench <NAME>               measurements beside other programs, in one run
  chaos [--kills N] ...      kills a gateway again and again under load and compares what it said with what
                             arrived; --seed N, --carrier-timeouts, --full-disk, --clock-jumps, --release;
                             --variants runs each of these alone
  book                       the pages of docs/ as a book in target/book (installs mdbook)
  fuzz [TARGET ...] [--seconds N]
                             bad input for every wire format, a minute each (installs cargo-fuzz)
  mutants [AREA ...]         whether a test fails when the code is wrong (installs cargo-mutants)
  gen [--check]              writes the tables that are derived from Unicode data, or compares them
  new-provider NAME          the folder of a provider that compiles, is registered and has all to earn yet
  tidy                       the rules of this repository that no compiler checks
  audit                      licences, bans, unused dependencies, packages (installs cargo-deny and cargo-machete)

Examples:
  cargo xtask test           before every push; what .ci/run calls
  cargo xtask test --fast    while working: format, clippy, tests, tidy
  cargo xtask test docs      one step alone
  cargo xtask tidy
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (tool, rest) = match arguments.split_first() {
        Some((tool, rest)) => (tool.as_str(), rest),
        None => ("help", arguments.as_slice()),
    };
    let outcome = match tool {
        "audit" => audit::run(rest).map(succeeded),
        "book" => book::run(rest).map(succeeded),
        "bench" => benches::run(rest).map(succeeded),
        "chaos" => chaos::run(rest).map(succeeded),
        "fuzz" => fuzz::run(rest).map(succeeded),
        "gen" => r#gen::run(rest).map(succeeded),
        "new-provider" => new_provider::run(rest).map(succeeded),
        "mutants" => mutants::run(rest).map(succeeded),
        "test" => suite::run(rest),
        "tidy" => tidy::run(rest).map(succeeded),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => Err(anyhow::anyhow!(
            "there is no tool named `{unknown}`; `cargo xtask` lists them"
        )),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

fn succeeded((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
