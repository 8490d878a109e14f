//! `cargo xtask audit`: what needs tools that take minutes to install. Licences, bans and sources
//! by cargo-deny, unused dependencies by cargo-machete, and the packages for the registry, built from
//! what is packed. Not part of `cargo xtask test`.
//! Known vulnerabilities are not looked up: their database is fetched from outside on every run,
//! and this command must give the same answer without a network.

use anyhow::bail;

use crate::process;
use crate::suite::package;

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    if let Some(argument) = arguments.first() {
        bail!("`audit` takes no argument, but got `{argument}`");
    }
    install_if_missing("deny", "cargo-deny")?;
    install_if_missing("machete", "cargo-machete")?;
    let results = [
        process::run(&mut process::cargo(&[
            "deny",
            "--all-features",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ])),
        // Called without cargo: under `cargo xtask` it would take its own name for a folder.
        process::run(&mut process::command("cargo-machete", &[])),
        package::build(),
    ];
    println!("audit: advisories are not checked here (their database needs the network)");
    results.into_iter().collect()
}

/// Builds a tool of cargo from the registry where it is not there yet.
pub(crate) fn install_if_missing(subcommand: &str, package: &str) -> anyhow::Result<()> {
    if process::succeeds("cargo", &[subcommand, "--version"]) {
        return Ok(());
    }
    install(package)
}

/// Builds a tool from the registry.
pub(crate) fn install(package: &str) -> anyhow::Result<()> {
    println!("{package} is missing and takes some minutes to build");
    process::run(&mut process::cargo(&["install", "--locked", package]))
}
