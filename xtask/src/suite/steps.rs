//! The steps that call cargo. Each is one function; `suite` decides when it runs.

use std::fs;
use std::num::NonZero;
use std::thread;

use anyhow::Context as _;

use crate::suite::counts::Counts;
use crate::suite::{skipped, snapshots};
use crate::{config, r#gen, process, tidy, workspace};

const SDK: &str = "tidings";

pub(crate) fn fmt() -> anyhow::Result<Counts> {
    passes(process::run(&mut process::cargo(&[
        "fmt", "--all", "--check",
    ])))
}

pub(crate) fn tidy() -> anyhow::Result<Counts> {
    passes(tidy::run(&[]))
}

pub(crate) fn clippy() -> anyhow::Result<Counts> {
    passes(process::run(&mut process::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ])))
}

/// The SDK without features and with each one alone. Only the library: its tests would switch on
/// what they need themselves and so hide that a feature does not stand alone.
pub(crate) fn features() -> anyhow::Result<Counts> {
    let manifest = workspace::root().join("crates/tidings/Cargo.toml");
    let manifest = fs::read_to_string(&manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let mut failures = Vec::new();
    for features in [String::new()].into_iter().chain(feature_names(&manifest)) {
        let result = process::run(&mut process::cargo(&[
            "clippy",
            "--package",
            SDK,
            "--lib",
            "--no-default-features",
            "--features",
            &features,
            "--",
            "-D",
            "warnings",
        ]));
        if result.is_err() {
            failures.push(if features.is_empty() {
                "none".to_owned()
            } else {
                features
            });
        }
    }
    anyhow::ensure!(
        failures.is_empty(),
        "with these features alone: {}",
        failures.join(", ")
    );
    Ok(Counts::one_passed())
}

pub(crate) fn docs() -> anyhow::Result<Counts> {
    passes(process::run(
        process::cargo(&[
            "doc",
            "--workspace",
            "--no-deps",
            "--all-features",
            "--document-private-items",
        ])
        .env("RUSTDOCFLAGS", "-D warnings"),
    ))
}

/// All tests but the doctests, by nextest where it is installed, else by cargo itself.
pub(crate) fn tests() -> anyhow::Result<Counts> {
    snapshots::forget_references()?;
    let with_nextest = process::succeeds("cargo", &["nextest", "--version"]);
    let n_tests = tests_at_once().to_string();
    let mut command = if with_nextest {
        let profile = if config::is_continuous_integration() {
            "ci"
        } else {
            "default"
        };
        process::cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--all-features",
            "--no-fail-fast",
            "--no-tests",
            "pass",
            "--profile",
            profile,
            "--test-threads",
            &n_tests,
        ])
    } else {
        process::cargo(&[
            "test",
            "--workspace",
            "--all-features",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
        ])
    };
    let output = process::run_and_keep(snapshots::watched(&mut command))?;
    let read = if with_nextest {
        Counts::from_nextest(&output.text)
    } else {
        Counts::from_libtest(&output.text)
    };
    let counts = Counts::of_run(read, output.succeeded);
    if with_nextest && counts.skipped > 0 {
        skipped::say_why()?;
    }
    Ok(counts)
}

/// Twice as many as there are processors: half of the time goes into tests that wait, for a program or
/// for the limit of a connection.
fn tests_at_once() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZero::get)
}

pub(crate) fn doctests() -> anyhow::Result<Counts> {
    let output = process::run_and_keep(&mut process::cargo(&[
        "test",
        "--workspace",
        "--all-features",
        "--doc",
        "--no-fail-fast",
    ]))?;
    Ok(Counts::of_run(
        Counts::from_libtest(&output.text),
        output.succeeded,
    ))
}

/// Generated files are what their generator writes.
pub(crate) fn generated() -> anyhow::Result<Counts> {
    passes(r#gen::run(&["--check".to_owned()]))
}

/// The names in the manifest's `[features]`, without `default`.
pub(crate) fn feature_names(manifest: &str) -> Vec<String> {
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().trim_matches('"').to_owned())
        .filter(|name| name != "default")
        .collect()
}

fn passes(result: anyhow::Result<()>) -> anyhow::Result<Counts> {
    result.map(|()| Counts::one_passed())
}
