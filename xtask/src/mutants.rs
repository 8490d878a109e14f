//! `cargo xtask mutants [AREA ...]`: does some test fail when the code is wrong? Changes the code of an area in
//! every way that cargo-mutants knows, one change at a time, and counts after how many of them a test
//! fails. Fails below 90 %; which changes no test notices is printed, and stays in `target/mutants/AREA`.
//!
//! What was measured, and why the rest is left, is in `docs/quality.md`. Installs cargo-mutants where it is
//! missing. It works in a copy of the repository, takes minutes to hours and is not part of `cargo xtask test`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::{audit, process, workspace};

/// The share of changes that tests must notice.
const LEAST_PERCENT: f64 = 90.0;

/// Code that is changed together and tested by the same tests.
struct Area {
    name: &'static str,
    package: &'static str,
    /// The files, as `--file` takes them.
    files: &'static [&'static str],
    /// What cargo is told besides, for building and for testing.
    cargo: &'static [&'static str],
    /// What the tests are told: which of them run.
    tests: &'static [&'static str],
}

const AREAS: &[Area] = &[
    Area {
        name: "state",
        package: "tidings-core",
        files: &["crates/tidings-core/src/state/**"],
        cargo: &[],
        tests: &["state::"],
    },
    Area {
        name: "segment",
        package: "tidings-core",
        files: &["crates/tidings-core/src/text/segment.rs"],
        cargo: &[],
        // The comparison of a million texts takes ten times as long as all others together. Without
        // it fewer changes are noticed, so the rate is no better than it would be with it.
        tests: &["text::", "--skip", "a_million_texts"],
    },
    Area {
        name: "routing",
        package: "tidings",
        files: &["crates/tidings/src/routing/**"],
        cargo: &["--no-default-features"],
        tests: &["routing::"],
    },
    Area {
        name: "layers",
        package: "tidings",
        files: &["crates/tidings/src/layers/**"],
        cargo: &["--no-default-features", "--features=client"],
        tests: &["layers::"],
    },
];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let areas = areas_of(arguments)?;
    audit::install_if_missing("mutants", "cargo-mutants")?;
    let mut counts = Vec::new();
    for area in areas {
        counts.push((area, measure(area)?));
    }
    println!("\n| area | mutants | caught | timeout | unviable | missed | rate |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (area, counts) in &counts {
        println!("{}", counts.row(area.name));
    }
    let low = counts
        .iter()
        .filter(|(_, counts)| counts.percent() < LEAST_PERCENT);
    let low: Vec<&str> = low.map(|(area, _)| area.name).collect();
    ensure!(
        low.is_empty(),
        "below {LEAST_PERCENT} %: {}",
        low.join(", ")
    );
    Ok(())
}

/// The areas that are asked for; all when none is.
fn areas_of(arguments: &[String]) -> anyhow::Result<Vec<&'static Area>> {
    if arguments.is_empty() {
        return Ok(AREAS.iter().collect());
    }
    let area_of = |name: &String| {
        let area = AREAS.iter().find(|area| area.name == name);
        area.with_context(|| {
            let names: Vec<&str> = AREAS.iter().map(|area| area.name).collect();
            format!(
                "usage: cargo xtask mutants [AREA ...]; there is no area `{name}`, but {}",
                names.join(", ")
            )
        })
    };
    arguments.iter().map(area_of).collect()
}

fn measure(area: &Area) -> anyhow::Result<Counts> {
    let folder = workspace::root().join("target/mutants").join(area.name);
    let results = folder.join("mutants.out");
    if results.exists() {
        fs::remove_dir_all(&results)
            .with_context(|| format!("cannot remove {}", results.display()))?;
    }
    fs::create_dir_all(&folder)?;
    // It fails for every change that no test notices; what counts is what it has written down.
    let failure = process::run(&mut call(area, &folder)?).err();
    match Counts::read(&results)? {
        Some(counts) => {
            print_missed(&results)?;
            Ok(counts)
        }
        None => Err(failure.unwrap_or_else(|| anyhow::anyhow!("cargo-mutants gave no results"))),
    }
}

fn call(area: &Area, folder: &Path) -> anyhow::Result<std::process::Command> {
    let folder = folder
        .to_str()
        .context("the repository's path is not UTF-8")?;
    let mut call = process::cargo(&["mutants", "--package", area.package, "--output", folder]);
    for file in area.files {
        call.args(["--file", file]);
    }
    // Doc tests and the other test programs of the package are left out: each would be built anew
    // for every change.
    for argument in ["--lib"].iter().chain(area.cargo) {
        call.arg(format!("--cargo-arg={argument}"));
    }
    // A change that makes a loop endless is noticed by the clock. The limit is far above what the
    // tests take, so that a busy machine is not taken for a test that fails.
    call.args(["--timeout", "120", "--no-shuffle", "--", "--"]);
    call.args(area.tests);
    // Whether a property fails is all that is asked, not the smallest input with which it does.
    call.env("PROPTEST_MAX_SHRINK_ITERS", "0");
    Ok(call)
}

/// What cargo-mutants has counted.
struct Counts {
    mutants: u32,
    caught: u32,
    timeout: u32,
    unviable: u32,
    missed: u32,
}

impl Counts {
    /// What was written down; `None` where it did not come to its end, or the tests failed without
    /// any change.
    fn read(results: &Path) -> anyhow::Result<Option<Self>> {
        let file: PathBuf = results.join("outcomes.json");
        let Ok(json) = fs::read_to_string(&file) else {
            return Ok(None);
        };
        let written: Value = serde_json::from_str(&json)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let count = |name: &str| {
            let count = written.get(name).and_then(Value::as_u64);
            let count = count.and_then(|count| u32::try_from(count).ok());
            count.with_context(|| format!("{} has no count `{name}`", file.display()))
        };
        let counts = Self {
            mutants: count("total_mutants")?,
            caught: count("caught")?,
            timeout: count("timeout")?,
            unviable: count("unviable")?,
            missed: count("missed")?,
        };
        let n_seen = counts.caught + counts.timeout + counts.unviable + counts.missed;
        let has_ended = written.get("end_time").is_some_and(Value::is_string);
        Ok((has_ended && n_seen == counts.mutants).then_some(counts))
    }

    /// Of the changes that compile, the share that a test notices, be it by never coming to an end.
    fn percent(&self) -> f64 {
        let noticed = f64::from(self.caught + self.timeout);
        100.0 * noticed / (noticed + f64::from(self.missed)).max(1.0)
    }

    fn row(&self, area: &str) -> String {
        let Self {
            mutants,
            caught,
            timeout,
            unviable,
            missed,
        } = self;
        let percent = self.percent();
        format!(
            "| {area} | {mutants} | {caught} | {timeout} | {unviable} | {missed} | {percent:.1} % |"
        )
    }
}

fn print_missed(results: &Path) -> anyhow::Result<()> {
    let missed = fs::read_to_string(results.join("missed.txt"))?;
    for line in missed.lines() {
        println!("no test notices: {line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(caught: u32, timeout: u32, unviable: u32, missed: u32) -> Counts {
        Counts {
            mutants: caught + timeout + unviable + missed,
            caught,
            timeout,
            unviable,
            missed,
        }
    }

    #[test]
    fn what_does_not_compile_does_not_count() {
        assert_eq!(
            counts(17, 1, 5, 2).row("state"),
            "| state | 25 | 17 | 1 | 5 | 2 | 90.0 % |"
        );
        assert_eq!(
            counts(1, 0, 0, 2).row("x"),
            "| x | 3 | 1 | 0 | 0 | 2 | 33.3 % |"
        );
        assert!(counts(0, 0, 3, 0).percent() < LEAST_PERCENT);
    }

    #[test]
    fn an_area_is_asked_for_by_name() {
        let names = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            let areas = areas_of(&arguments).map_err(|error| error.to_string())?;
            Ok(areas.iter().map(|area| area.name).collect::<Vec<_>>())
        };
        assert_eq!(
            names(&[]),
            Ok(vec!["state", "segment", "routing", "layers"])
        );
        assert_eq!(names(&["routing", "state"]), Ok(vec!["routing", "state"]));
        let usage = "usage: cargo xtask mutants [AREA ...]; there is no area `x`, but state, segment, routing, layers";
        assert_eq!(names(&["x"]), Err(usage.to_owned()));
    }

    #[test]
    fn every_file_that_is_named_is_there() {
        for file in AREAS.iter().flat_map(|area| area.files) {
            let path = file.trim_end_matches("/**");
            assert!(workspace::root().join(path).exists(), "{file}");
        }
    }
}
