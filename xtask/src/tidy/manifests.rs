//! What a crate's front page says of its Cargo features: the table below `# Features` names each of
//! them, and says truly which are on by default. A feature that nobody switches on by hand says so in
//! its manifest with the word "Internal".

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::Finding;
use crate::tidy::layering::packages;
use crate::tidy::source::{Source, numbered};

const HEADING: &str = "//! # Features";
const INTERNAL: &str = "## Internal";

pub(crate) fn feature_tables(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in packages(sources) {
        let features = features(&manifest.text);
        if features.is_empty() || manifest.text.contains("publish = false") {
            continue;
        }
        let path = manifest.path.replace("Cargo.toml", "src/lib.rs");
        let page = sources.iter().find(|source| source.path == path);
        let page = page.map_or("", |page| page.text.as_str());
        findings.extend(
            differences(&features, &table(page))
                .into_iter()
                .map(|(line, advice)| Finding::new(&path, line, advice)),
        );
    }
    findings
}

/// A feature of a manifest.
struct Feature {
    enables: Vec<String>,
    is_internal: bool,
}

/// The features of a manifest by name, `default` among them.
fn features(manifest: &str) -> BTreeMap<String, Feature> {
    let mut features = BTreeMap::new();
    let mut is_internal = false;
    let section = manifest
        .lines()
        .skip_while(|line| line.trim() != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    for line in section {
        if line.starts_with('#') {
            is_internal = line.starts_with(INTERNAL);
            continue;
        }
        if let Some((name, list)) = line.split_once('=') {
            let enables = list.split('"').skip(1).step_by(2).map(str::to_owned);
            let feature = Feature {
                enables: enables.collect(),
                is_internal,
            };
            features.insert(name.trim().to_owned(), feature);
            is_internal = false;
        }
    }
    features
}

/// Each feature that the table names, with its line and whether it is said to be on by default.
fn table(page: &str) -> BTreeMap<&str, (usize, bool)> {
    let mut named = BTreeMap::new();
    let below = numbered(page).skip_while(|(_, line)| line.trim() != HEADING);
    let rows = below
        .skip_while(|(_, line)| !line.starts_with("//! |"))
        .take_while(|(_, line)| line.starts_with("//! |"));
    for (number, row) in rows {
        // A bar inside of code would cut a cell in two; the last cell is the default all the same.
        let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split('|').collect();
        let [_, names, .., default] = cells.as_slice() else {
            continue;
        };
        for name in names.split('`').skip(1).step_by(2) {
            named.insert(name, (number, default.trim() == "yes"));
        }
    }
    named
}

fn differences(
    features: &BTreeMap<String, Feature>,
    table: &BTreeMap<&str, (usize, bool)>,
) -> Vec<(usize, String)> {
    let mut on = BTreeSet::new();
    switch_on(features, "default", &mut on);
    let mut found = Vec::new();
    for (name, feature) in features {
        if name == "default" || feature.is_internal {
            continue;
        }
        match table.get(name.as_str()) {
            None => found.push((1, format!("the table of features does not name `{name}`"))),
            Some((line, said)) if *said != on.contains(name.as_str()) => found.push((
                *line,
                format!("says of `{name}` wrongly whether it is on by default"),
            )),
            Some(_) => {}
        }
    }
    let unknown = table
        .iter()
        .filter(|(name, _)| !features.contains_key(**name));
    found.extend(unknown.map(|(name, (line, _))| {
        (
            *line,
            format!("names the feature `{name}`, which does not exist"),
        )
    }));
    found
}

/// A feature and all that it switches on.
fn switch_on<'a>(
    features: &'a BTreeMap<String, Feature>,
    name: &'a str,
    on: &mut BTreeSet<&'a str>,
) {
    let Some(feature) = features.get(name) else {
        return;
    };
    if on.insert(name) {
        for enabled in &feature.enables {
            switch_on(features, enabled, on);
        }
    }
}
