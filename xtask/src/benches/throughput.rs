//! What the comparisons of clients share: vendors' packages in virtual environments under `target/`,
//! and the bench of `tidings-tests` that does the measuring.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool at a terminal: its output is the result"
)]

use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace;

/// A comparison of clients.
pub(super) struct Comparison {
    /// The name after `cargo xtask bench`; the bench of `tidings-tests` is called `NAME_throughput`.
    pub(super) name: &'static str,
    pub(super) packages: &'static [Package],
}

/// A vendor's client.
pub(super) struct Package {
    /// What the bench calls it.
    pub(super) name: &'static str,
    pub(super) requirement: &'static str,
    pub(super) module: &'static str,
    /// Whether it is installed although its metadata demand a newer Python.
    pub(super) ignores_requires_python: bool,
}

impl Comparison {
    /// Runs it and prints its table in Markdown. `--no-python` leaves the vendor's packages out;
    /// `--quick` is for seeing whether it works.
    pub(super) fn run(&self, arguments: &[String]) -> Result<()> {
        let (mut with_python, mut is_quick) = (true, false);
        for argument in arguments {
            match argument.as_str() {
                "--no-python" => with_python = false,
                "--quick" => is_quick = true,
                _ => bail!(
                    "usage: cargo xtask bench {} [--no-python] [--quick]",
                    self.name
                ),
            }
        }
        let mut bench = Command::new("cargo");
        bench
            .args(["bench", "--quiet", "--package", "tidings-tests", "--bench"])
            .arg(format!("{}_throughput", self.name))
            .arg("--")
            .current_dir(workspace::root());
        if with_python {
            for package in self.packages {
                let interpreter = self.environment(package)?;
                bench.args(["--python", package.name]).arg(interpreter);
            }
        }
        let cores = thread::available_parallelism().map_or(0, usize::from);
        let rounds = if is_quick {
            bench.arg("--quick");
            "one short round, whose numbers mean nothing"
        } else {
            "7 rounds of 2 s, interleaved"
        };
        println!("{cores} cores, which the clients and the server share; {rounds}.\n");
        succeed(&mut bench)
    }

    /// The interpreter of an environment that has a package.
    fn environment(&self, package: &Package) -> Result<PathBuf> {
        let target = workspace::root().join("target");
        let folder = target.join(format!("bench-{}/{}", self.name, package.name));
        let interpreter = folder.join("bin/python");
        let is_there = Command::new(&interpreter)
            .args(["-c", &format!("import {}", package.module)])
            .output()
            .is_ok_and(|done| done.status.success());
        if !is_there {
            eprintln!(
                "installing {} into {}",
                package.requirement,
                folder.display()
            );
            succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder)).context(
                "the comparison needs python3 with its venv module (on Debian: apt-get install python3 \
                 python3-venv), or --no-python",
            )?;
            let mut pip = Command::new(&interpreter);
            pip.args(["-m", "pip", "install", "--quiet"])
                .args(["--disable-pip-version-check", package.requirement]);
            if package.ignores_requires_python {
                pip.arg("--ignore-requires-python");
            }
            succeed(&mut pip)?;
        }
        Ok(interpreter)
    }
}

/// Starts a program and fails when it fails.
pub(super) fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}
