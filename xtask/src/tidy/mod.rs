//! `cargo xtask tidy`: the rules of this repository that no compiler checks. Each rule is one
//! function from files to findings; it reads no disk, so that its test gives it made-up files.
//! Also runs as a test of this crate, so that a plain `cargo test` holds the rules too.

mod book;
mod docs;
pub(crate) mod layering;
mod lints;
mod manifests;
mod shape;
mod size;
pub(crate) mod source;
#[cfg(test)]
mod tests;

use std::fmt;

use anyhow::bail;

use crate::tidy::source::Source;
use crate::{process, workspace};

/// A place that breaks a rule, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    advice: String,
}

impl Finding {
    fn new(path: &str, line: usize, advice: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            advice: advice.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.advice)
    }
}

type Rule = fn(&[Source]) -> Vec<Finding>;

/// Every rule that looks at files, with the name that the output shows.
const RULES: &[(&str, Rule)] = &[
    ("provider names", layering::provider_names),
    ("crate dependencies", layering::crate_dependencies),
    ("sql", layering::sql),
    ("environment", layering::environment),
    ("time", layering::time),
    ("unsafe", layering::unsafe_forbidden),
    ("file length", size::files),
    ("function length", size::functions),
    ("file header", shape::headers),
    ("module names", shape::module_names),
    ("provider folders", shape::provider_folders),
    ("leftovers", shape::leftovers),
    ("ignored tests", shape::ignored_tests),
    ("lints of published crates", lints::published_crates),
    ("lints of maps", lints::exhaustive_maps),
    ("lints of wrappers", lints::complete_wrappers),
    ("tables of features", manifests::feature_tables),
    ("crates in the map", docs::crates_in_the_map),
    ("paths in documents", docs::paths),
    ("contents of the book", book::contents),
    ("links to headings", book::anchors),
    ("promises in the readme", docs::promises),
];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    if let Some(argument) = arguments.first() {
        bail!("`tidy` takes no argument, but got `{argument}`");
    }
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} rules hold", RULES.len() + 1);
            Ok(())
        }
        n_findings => bail!("tidy: {n_findings} findings"),
    }
}

fn findings() -> anyhow::Result<Vec<Finding>> {
    let sources = workspace::sources()?;
    let mut findings: Vec<Finding> = RULES
        .iter()
        .flat_map(|(name, rule)| {
            rule(&sources).into_iter().map(move |mut finding| {
                finding.advice = format!("{} ({name})", finding.advice);
                finding
            })
        })
        .collect();
    findings.extend(layering::core_dependencies(&core_tree()?));
    Ok(findings)
}

/// What `tidings-core` is built from, one package a line.
fn core_tree() -> anyhow::Result<String> {
    let output = process::ask(&mut process::cargo(&[
        "tree",
        "--package",
        "tidings-core",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--all-features",
        "--format",
        "{p}",
    ]))?;
    if !output.succeeded {
        bail!("`cargo tree` failed: {}", output.text.trim());
    }
    Ok(output.text)
}
