//! `cargo xtask bench messenger`: how much memory a million messages take on their way through
//! `Messenger::send_many`, and how many pass in a second.

use std::process::Command;

use anyhow::{Result, bail};

use super::throughput::succeed;
use crate::workspace;

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if !arguments.is_empty() {
        bail!("usage: cargo xtask bench messenger");
    }
    let mut memory = Command::new("cargo");
    memory
        .args(["bench", "--quiet", "--package", "tidings-tests"])
        .args(["--bench", "messenger_memory"])
        .current_dir(workspace::root());
    succeed(&mut memory)
}
