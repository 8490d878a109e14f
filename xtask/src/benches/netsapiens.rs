//! `cargo xtask bench netsapiens`: the NetSapiens client beside a bare `hyper` client and a Python loop
//! that opens a connection for every call, all in TLS, and the memory that a large file takes.

use std::process::Command;

use anyhow::Result;

use super::throughput::{Comparison, Package, succeed};
use crate::workspace;

const COMPARISON: Comparison = Comparison {
    name: "netsapiens",
    // The Python client that people use is in no package index. It is built on this.
    packages: &[Package {
        name: "aiohttp",
        requirement: "aiohttp==3.14.5",
        module: "aiohttp",
        ignores_requires_python: false,
    }],
};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    COMPARISON.run(arguments)?;
    let mut memory = Command::new("cargo");
    memory
        .args(["bench", "--quiet", "--package", "tidings-tests"])
        .args(["--bench", "netsapiens_memory"])
        .current_dir(workspace::root());
    succeed(&mut memory)
}
