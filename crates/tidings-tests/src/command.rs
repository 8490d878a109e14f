//! The command `tidings` as a process: where its program is, and a carrier that it simulates.
//!
//! Used by the tests that have to go through the real program. The program is the one beside the
//! test's own, which cargo builds whenever it builds the tests of the whole workspace; only where it
//! is missing is it built here.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The folder that holds the program `tidings`.
///
/// # Panics
/// When the program is missing and cannot be built.
pub fn program_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own program");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("tests lie in TARGET/PROFILE/deps");
    if !program_in(folder).exists() {
        let profile = match folder.file_name() {
            Some(name) if name == "debug" => "dev",
            Some(_) | None => "release",
        };
        let target = folder
            .parent()
            .expect("a profile lies in the target folder");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--package", "tidings-cli", "--bin", "tidings"])
            .args(["--profile", profile, "--target-dir"])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        let is_built = built.is_ok_and(|status| status.success());
        assert!(
            is_built,
            "the program is missing: cargo build --package tidings-cli"
        );
    }
    folder.to_owned()
}

fn program_in(folder: &Path) -> PathBuf {
    folder.join(format!("tidings{}", std::env::consts::EXE_SUFFIX))
}

/// A carrier that `tidings sim` simulates in a process of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct SimulatedByCommand {
    process: Child,
    access: Value,
}

impl SimulatedByCommand {
    /// Starts `tidings sim PROVIDER --listen 127.0.0.1:0 --json` with a scenario.
    ///
    /// # Panics
    /// When it does not print one JSON line with its address.
    pub fn start(provider: &str, scenario: &Path) -> Self {
        let mut command = Command::new(program_in(&program_folder()));
        command
            .args([
                "sim",
                provider,
                "--listen",
                "127.0.0.1:0",
                "--json",
                "--scenario",
            ])
            .arg(scenario);
        Self::of(command)
    }

    /// Starts a command that becomes `tidings sim ... --json`.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn of(mut command: Command) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let stdout = process.stdout.as_mut().expect("it was asked for");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the program prints text");
        let access = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line:?}"));
        Self { process, access }
    }

    /// What it printed: `base_url` and the credentials.
    pub fn access(&self) -> &Value {
        &self.access
    }
}

impl Drop for SimulatedByCommand {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
