//! `cargo xtask bench passinfo`: the PassInfo client beside a bare `hyper` client and the vendor's
//! Python package.

use anyhow::Result;

use super::throughput::{Comparison, Package};

const COMPARISON: Comparison = Comparison {
    name: "passinfo",
    packages: &[Package {
        name: "passinfo-sdk",
        requirement: "passinfo-sdk==1.0.2",
        module: "passinfo_sdk",
        ignores_requires_python: false,
    }],
};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    COMPARISON.run(arguments)
}
