//! `cargo xtask bench passinfo`: the PassInfo client beside a bare `hyper` client and the vendor's
//! Python package.

use anyhow::Result;

use super::gateway::{self, Carrier};
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

/// The gateway's benchmark, with the server of this one as its carrier: each message is a call of its
/// own there.
pub(crate) fn gateway(arguments: &[String]) -> Result<()> {
    gateway::run(arguments, &CARRIER)
}

const CARRIER: Carrier = Carrier {
    bench: "passinfo_throughput",
    numbers: "+2246220",
    lane: |base_url| {
        format!(
            "provider = \"passinfo\"\nclient_id = \"1\"\napi_key = \"bench\"\nbase_url = \"{base_url}\"\n"
        )
    },
};
