//! What goes to the registry: every package that may be published says what it is, carries its
//! licences, and depends on nothing that is not published. The step looks at manifests and lists of
//! files, which takes a second; `audit` also packs them and builds what was packed.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::suite::counts::Counts;
use crate::{process, workspace};

/// Files at the root of every package.
const FILES: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// Files that are the same in every package as at the repository's root.
const SAME: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

pub(crate) fn run() -> anyhow::Result<Counts> {
    let metadata = metadata()?;
    let published = published(&metadata);
    ensure!(!published.is_empty(), "no package may be published");
    let mut faults = manifest_faults(&metadata);
    for name in &published {
        let listed = process::ask(&mut process::cargo(&[
            "package",
            "--list",
            "--allow-dirty",
            "--package",
            name,
        ]))?;
        ensure!(listed.succeeded, "{}", listed.text.trim());
        faults.extend(file_faults(name, &listed.text));
        for file in SAME {
            let own = format!("crates/{name}/{file}");
            if read(&own).ok() != read(file).ok() {
                faults.push(format!("{own} is not the same as {file}"));
            }
        }
        println!("{name}: {} files", listed.text.lines().count());
    }
    for fault in &faults {
        println!("{fault}");
    }
    ensure!(faults.is_empty(), "{} faults in packages", faults.len());
    Ok(Counts::one_passed())
}

/// Packs every package that may be published and builds what was packed, as the registry's users get
/// it. Called by `audit`.
pub(crate) fn build() -> anyhow::Result<()> {
    let metadata = metadata()?;
    let mut command = process::cargo(&["package", "--allow-dirty"]);
    for name in published(&metadata) {
        command.args(["--package", name]);
    }
    process::run(&mut command)
}

fn metadata() -> anyhow::Result<Value> {
    let output = process::command("cargo", &["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot start `cargo metadata`")?;
    serde_json::from_slice(&output.stdout).context("`cargo metadata` told nothing readable")
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(workspace::root().join(path)).with_context(|| format!("cannot read {path}"))
}

/// The names of the packages that may be published. Those that may not say `publish = false`.
fn published(metadata: &Value) -> BTreeSet<&str> {
    packages(metadata)
        .filter(|package| package["publish"].is_null())
        .filter_map(|package| package["name"].as_str())
        .collect()
}

/// What is wrong with the manifests of the packages that may be published, in what `cargo metadata`
/// tells of them.
pub(super) fn manifest_faults(metadata: &Value) -> Vec<String> {
    let published = published(metadata);
    let mut faults = Vec::new();
    for package in packages(metadata) {
        let name = package["name"].as_str().unwrap_or_default();
        if !published.contains(name) {
            continue;
        }
        for key in ["description", "license", "rust_version", "readme"] {
            if package[key].as_str().is_none_or(str::is_empty) {
                faults.push(format!("{name}: `{key}` is missing"));
            }
        }
        for key in ["keywords", "categories"] {
            // The registry takes no more than five.
            let n_words = package[key].as_array().map_or(0, Vec::len);
            if !(1..=5).contains(&n_words) {
                faults.push(format!("{name}: {n_words} {key}, but it must be 1 to 5"));
            }
        }
        if package["metadata"]["docs"]["rs"]["all-features"] != Value::Bool(true) {
            faults.push(format!("{name}: docs.rs would not show all features"));
        }
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        for dependency in dependencies.filter(|dependency| dependency["path"].is_string()) {
            faults.extend(dependency_fault(name, dependency, &published));
        }
    }
    faults
}

/// What is wrong with a dependency on a crate of this workspace.
fn dependency_fault(
    package: &str,
    dependency: &Value,
    published: &BTreeSet<&str>,
) -> Option<String> {
    let name = dependency["name"].as_str().unwrap_or_default();
    let has_version = dependency["req"] != "*";
    if dependency["kind"] == "dev" {
        // A path alone is left out of what is published, and then the tests that need it do not build.
        return (!published.contains(name) || !has_version)
            .then(|| format!("{package}: its tests need `{name}`, which is not published"));
    }
    if !published.contains(name) {
        return Some(format!("{package}: needs `{name}`, which is not published"));
    }
    (!has_version).then(|| format!("{package}: needs `{name}` of no version"))
}

/// What is missing in a list of a package's files.
pub(super) fn file_faults(package: &str, list: &str) -> Vec<String> {
    let files: BTreeSet<&str> = list.lines().collect();
    let missing = FILES.iter().filter(|file| !files.contains(**file));
    missing
        .map(|file| format!("{package}: {file} is not in the package"))
        .collect()
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}
