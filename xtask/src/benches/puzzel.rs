//! `cargo xtask bench puzzel`: the Puzzel client beside a bare `hyper` client and the vendor's Python
//! packages, and what reading and writing a call of 1,000 messages costs.

#![expect(
    clippy::print_stdout,
    reason = "a developer's tool at a terminal: its output is the result"
)]

use std::process::Command;

use anyhow::Result;

use super::throughput::{Comparison, Package, succeed};
use crate::workspace;

const COMPARISON: Comparison = Comparison {
    name: "puzzel",
    packages: &[
        Package {
            name: "v2",
            requirement: "puzzel-sms-gateway-client==2.0.4",
            module: "puzzel_sms_gateway_client",
            ignores_requires_python: false,
        },
        // Its metadata demand Python 3.13; its code runs on 3.11.
        Package {
            name: "v3",
            requirement: "puzzel-sms-gateway-client==3.0.1",
            module: "src.mt_http_client",
            ignores_requires_python: true,
        },
    ],
};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    COMPARISON.run(arguments)?;
    println!();
    let mut encoding = Command::new("cargo");
    encoding
        .args(["bench", "--quiet", "--package", "tidings", "--bench"])
        .arg("puzzel_encoding")
        .current_dir(workspace::root());
    succeed(&mut encoding)
}
