//! `cargo xtask bench layers`: what all layers together cost over a bare provider. Only the client half
//! of the SDK is built, without any provider.

use std::process::Command;

use anyhow::{Result, bail};

use super::throughput::succeed;
use crate::workspace;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        bail!("usage: cargo xtask bench layers");
    }
    let mut bench = Command::new("cargo");
    bench
        .args([
            "bench",
            "--quiet",
            "--package",
            "tidings",
            "--bench",
            "layers",
        ])
        .args(["--no-default-features", "--features", "client"])
        .current_dir(workspace::root());
    succeed(&mut bench)
}
