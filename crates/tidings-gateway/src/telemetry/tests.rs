//! What is counted is what is documented.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::metrics::{METRICS, MetricKind};

/// Every source of this crate and of the store, tests excluded.
fn sources() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> = ["tidings-gateway/src", "tidings-store/src"]
        .iter()
        .map(|folder| crates.join(folder))
        .collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
            // The table itself names every number.
            let is_table = path.ends_with("telemetry/metrics.rs");
            match (path.is_dir(), is_test) {
                (_, true) => {}
                (true, false) => folders.push(path),
                (false, false) if is_table => {
                    let text = fs::read_to_string(path).unwrap();
                    let (before, rest) = text.split_once("pub const METRICS").unwrap();
                    let (_, after) = rest.split_once("];").unwrap();
                    sources.push([before, after].concat());
                }
                (false, false) => sources.push(fs::read_to_string(path).unwrap()),
            }
        }
    }
    sources
}

/// What stands between quotation marks and looks like the name of a number.
fn names_in(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').filter(|text| {
        let rest = text.strip_prefix("tidings_").unwrap_or_default();
        let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        !rest.is_empty()
            && rest.bytes().all(is_word)
            && !["core", "gateway", "store", "sim"].contains(&rest)
    })
}

#[test]
fn what_is_counted_is_in_the_table_and_nothing_else() {
    let sources = sources();
    let counted: BTreeSet<&str> = sources.iter().flat_map(|source| names_in(source)).collect();
    let documented: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(counted, documented);
    assert_eq!(documented.len(), METRICS.len(), "a name stands twice");
}

#[test]
fn names_say_what_they_are() {
    for metric in METRICS {
        let is_total = metric.name.ends_with("_total");
        assert_eq!(
            is_total,
            metric.kind == MetricKind::Counter,
            "{}",
            metric.name
        );
        if metric.kind == MetricKind::Histogram {
            let has_unit = ["_seconds", "_rows", "_calls"]
                .iter()
                .any(|unit| metric.name.ends_with(unit));
            assert!(has_unit, "{}", metric.name);
        }
    }
}
