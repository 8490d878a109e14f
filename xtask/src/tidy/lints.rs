//! Lints that the workspace cannot switch on for every file, because they are right only in some:
//! each of these files has to ask for its own.

use crate::tidy::Finding;
use crate::tidy::layering::{packages, providers};
use crate::tidy::source::{Source, numbered};

/// What a published crate asks for: every public item documented, and enums and structs that can
/// grow without breaking their users.
const LIBRARY_LINTS: [&str; 3] = [
    "missing_docs",
    "clippy::exhaustive_enums",
    "clippy::exhaustive_structs",
];

pub(crate) fn published_crates(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in packages(sources) {
        let folder = manifest.path.trim_end_matches("Cargo.toml");
        let path = format!("{folder}src/lib.rs");
        let is_published = !manifest.text.contains("publish = false");
        let Some(root) = sources
            .iter()
            .find(|source| is_published && source.path == path)
        else {
            continue;
        };
        let code = root.code();
        for lint in LIBRARY_LINTS.iter().filter(|lint| !code.contains(**lint)) {
            findings.push(Finding::new(
                &path,
                1,
                format!("a published crate asks for `{lint}` at its root"),
            ));
        }
    }
    findings
}

/// A vendor's new code must not fall into an old one's meaning unseen.
pub(crate) fn exhaustive_maps(sources: &[Source]) -> Vec<Finding> {
    const LINT: &str = "clippy::wildcard_enum_match_arm";
    let mut findings = Vec::new();
    for provider in providers(sources) {
        let path = format!("crates/tidings/src/{provider}/map.rs");
        let Some(map) = sources.iter().find(|source| source.path == path) else {
            continue;
        };
        if !map.code().contains(LINT) {
            findings.push(Finding::new(
                &path,
                1,
                format!("ask for `#![warn({LINT})]`"),
            ));
        }
    }
    findings
}

/// A layer that inherits a default method silently cuts off what it wraps.
pub(crate) fn complete_wrappers(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        if !source.path.starts_with("crates/tidings/src/layers/") || source.is_test_file() {
            continue;
        }
        let code = source.code();
        let mut attributes = String::new();
        for (line, text) in numbered(&code) {
            let text = text.trim();
            if text.starts_with("#[") {
                attributes.push_str(text);
            } else if !text.is_empty() {
                let wraps = text.starts_with("impl") && text.contains(" Provider for ");
                if wraps && !attributes.contains("clippy::missing_trait_methods") {
                    findings.push(Finding::new(
                        &source.path,
                        line,
                        "put `#[deny(clippy::missing_trait_methods)]` on it: a wrapper forwards everything",
                    ));
                }
                attributes.clear();
            }
        }
    }
    findings
}
