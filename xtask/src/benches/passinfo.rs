//! `cargo xtask bench passinfo`: the PassInfo client beside a bare `hyper` client and the vendor's
//! Python package, which is installed into a virtual environment under `target/`.
//!
//! The measuring is done by the bench `passinfo_throughput` of `tidings-tests`; this makes the
//! environment, starts it, and says what machine it ran on.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool at a terminal: its output is the result"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;

const PACKAGE: &str = "passinfo-sdk==1.0.2";

/// Runs the comparison and prints it as a table in Markdown. `--no-python` leaves the vendor's
/// package out.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let with_python = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => true,
        ["--no-python"] => false,
        _ => bail!("usage: cargo xtask bench passinfo [--no-python]"),
    };
    let root = workspace::root();
    let mut bench = Command::new("cargo");
    bench
        .args(["bench", "--quiet", "--package", "tidings-tests"])
        .args(["--bench", "passinfo_throughput", "--"])
        .current_dir(root);
    if with_python {
        bench.arg("--python").arg(python_environment(root)?);
    }
    let cores = thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{cores} cores, which the clients and the server share; 7 rounds of 2 s, interleaved.\n"
    );
    succeed(&mut bench)
}

/// The interpreter of an environment that has the vendor's package.
fn python_environment(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/bench-passinfo/venv");
    let interpreter = folder.join("bin/python");
    let is_there = Command::new(&interpreter)
        .args(["-c", "import passinfo_sdk"])
        .output()
        .is_ok_and(|done| done.status.success());
    if !is_there {
        eprintln!("installing {PACKAGE} into {}", folder.display());
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder)).context(
            "the comparison needs python3 with its venv module (on Debian: apt-get install python3 python3-venv), \
             or --no-python",
        )?;
        let mut pip = Command::new(&interpreter);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            PACKAGE,
        ]);
        succeed(&mut pip)?;
    }
    Ok(interpreter)
}

fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}
