//! `cargo xtask fuzz [TARGET ...] [--seconds N]`: throws bad input at every wire format, for a minute
//! each, and prints how many inputs each target took. The targets are the files in
//! `fuzz/fuzz_targets/`; what a name has before its first `_` is the provider whose test data they
//! start from. Fails when a target does; the input that did it is then in `fuzz/artifacts/`.
//!
//! Without a sanitizer, so that the stable toolchain does it: the readers have no unsafe code.
//! Installs cargo-fuzz where it is missing. What the targets learn stays in `target/fuzz/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::{audit, process, workspace};

const DEFAULT_SECONDS: u64 = 60;

/// Inputs longer than this are left to the tests of the limits.
const MAX_INPUT_BYTES: &str = "-max_len=16384";

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let known = targets()?;
    let Request { targets, seconds } = Request::of(arguments, &known)?;
    ensure!(
        process::succeeds("c++", &["--version"]),
        "libFuzzer is compiled from C++, and there is no compiler `c++`; on Debian this installs it: \
         sudo apt-get install g++"
    );
    audit::install_if_missing("fuzz", "cargo-fuzz")?;
    let mut rows = Vec::new();
    for target in &targets {
        rows.push(fuzz(target, seconds)?);
    }
    println!("\n| target | inputs | inputs/s | kept |\n|---|---:|---:|---:|");
    for row in rows {
        println!("{row}");
    }
    Ok(())
}

struct Request {
    targets: Vec<String>,
    seconds: u64,
}

impl Request {
    fn of(arguments: &[String], known: &BTreeSet<String>) -> anyhow::Result<Self> {
        let mut targets = Vec::new();
        let mut seconds = DEFAULT_SECONDS;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--seconds" {
                let number = rest.next().and_then(|number| number.parse().ok());
                seconds = number
                    .filter(|&number| number > 0)
                    .context("--seconds takes a whole number above 0")?;
            } else if known.contains(argument) {
                targets.push(argument.clone());
            } else {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                bail!(
                    "usage: cargo xtask fuzz [TARGET ...] [--seconds N]; there is no target \
                     `{argument}`, but {}",
                    names.join(", ")
                );
            }
        }
        if targets.is_empty() {
            targets.extend(known.iter().cloned());
        }
        Ok(Self { targets, seconds })
    }
}

/// The names of the files in `fuzz/fuzz_targets/`.
fn targets() -> anyhow::Result<BTreeSet<String>> {
    let folder = workspace::root().join("fuzz/fuzz_targets");
    let files = files_below(&folder)?;
    let names = files.iter().filter_map(|file| file.file_stem());
    Ok(names
        .map(|name| name.to_string_lossy().into_owned())
        .collect())
}

/// Runs one target and gives its row of the table.
fn fuzz(target: &str, seconds: u64) -> anyhow::Result<String> {
    let built = workspace::root().join("target/fuzz");
    let corpus = built.join("corpus").join(target);
    let seeds = built.join("seeds").join(target);
    fs::create_dir_all(&corpus)?;
    write_seeds(target, &seeds)?;
    let common = [
        "--sanitizer",
        "none",
        "--fuzz-dir",
        "fuzz",
        "--target-dir",
        utf8(&built)?,
        target,
    ];
    process::run(process::cargo(&["fuzz", "build"]).args(common))?;
    println!("{target}: {seconds} s");
    let time = format!("-max_total_time={seconds}");
    // Quietly: libFuzzer ends with pages of words that it has learnt.
    let output = process::ask(
        process::cargo(&["fuzz", "run"])
            .args(common)
            .args([utf8(&corpus)?, utf8(&seeds)?, "--", &time])
            .args([
                MAX_INPUT_BYTES,
                "-timeout=10",
                "-rss_limit_mb=1024",
                "-print_final_stats=1",
                "-verbosity=0",
            ]),
    )?;
    ensure!(
        output.succeeded,
        "{}\n`{target}` found something; the input is in fuzz/artifacts/{target}",
        output.text
    );
    let n_inputs = stat(&output.text, "number_of_executed_units")?;
    let n_kept = files_below(&corpus)?.len();
    Ok(format!(
        "| {target} | {n_inputs} | {} | {n_kept} |",
        n_inputs / seconds
    ))
}

/// A figure that libFuzzer prints at its end.
fn stat(output: &str, name: &str) -> anyhow::Result<u64> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name));
    let number = line.and_then(|rest| rest.trim_start_matches(':').trim().parse().ok());
    number.with_context(|| format!("libFuzzer printed no {name}"))
}

/// What the provider's test data hold of bodies and queries, one file each.
fn write_seeds(target: &str, folder: &Path) -> anyhow::Result<()> {
    let provider = target.split('_').next().unwrap_or(target);
    let data = workspace::root().join(format!("crates/tidings/src/{provider}/testdata"));
    let mut seeds = BTreeSet::new();
    for file in files_below(&data)? {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(exchange) => collect_seeds(&exchange, &mut seeds),
            Err(_) => drop(seeds.insert(bytes)),
        }
    }
    ensure!(
        !seeds.is_empty(),
        "there is nothing to start from in {}",
        data.display()
    );
    fs::create_dir_all(folder)?;
    for (n, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(n.to_string()), seed)?;
    }
    Ok(())
}

/// Bodies, documents and queries at any depth: of an exchange, of an event, or of a list of them.
fn collect_seeds(value: &Value, seeds: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("body" | "query", Value::String(text)) => {
                        seeds.insert(text.clone().into_bytes());
                    }
                    ("body" | "document", document) => {
                        seeds.insert(document.to_string().into_bytes());
                    }
                    ("target", Value::String(target)) => {
                        if let Some((_, query)) = target.split_once('?') {
                            seeds.insert(query.as_bytes().to_vec());
                        }
                    }
                    _ => collect_seeds(member, seeds),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_seeds(item, seeds);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn utf8(path: &Path) -> anyhow::Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))
}
