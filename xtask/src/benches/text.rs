//! `cargo xtask bench text`: builds and runs `xtask/bench-text`, on one core where `taskset` can pin it.
//!
//! The program is a workspace of its own, so that the crates it compares with are no dependencies of the project.

use anyhow::{Context as _, bail};
use std::process::Command;

use crate::workspace;

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    if !arguments.is_empty() {
        bail!("usage: cargo xtask bench text");
    }
    let root = workspace::root();
    let target = root.join("target/bench-text");
    let build = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--manifest-path",
            "xtask/bench-text/Cargo.toml",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(root)
        .status()
        .context("cannot start cargo")?;
    if !build.success() {
        bail!("the benchmark does not build");
    }
    let program = target.join("release/bench-text");
    let is_pinnable = Command::new("taskset")
        .args(["-c", "0", "true"])
        .status()
        .is_ok_and(|status| status.success());
    let mut command = if is_pinnable {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    if !command
        .status()
        .context("cannot start the benchmark")?
        .success()
    {
        bail!("the benchmark failed");
    }
    Ok(())
}
