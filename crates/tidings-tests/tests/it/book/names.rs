//! Names that the book gives: those of the vendors' clients, which lead to ours in the documentation of
//! the code, and ours, which exist.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tidings::providers;
use tidings_tests::{Packages, Python};

use super::pages::prose;
use super::{FOLDER, files_below, page, provider_folder};

/// Opens a table whose first column holds names of a vendor's client, in backticks: `<!-- names of ID -->`.
const TABLE_OF_NAMES: &str = "<!-- names of ";
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tidings/src");

#[test]
fn whoever_comes_from_a_vendors_client_finds_a_provider_that_is_there() {
    let pages = files_below(&Path::new(FOLDER).join("coming-from"), "md");
    let tables: BTreeSet<String> = pages
        .iter()
        .flat_map(|path| tables_of_names(&page(&format!("coming-from/{path}"))))
        .map(|(id, _)| id)
        .collect();
    let unknown: Vec<&String> = tables
        .iter()
        .filter(|id| providers::by_id(id).is_none())
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    // A vendor without a client of its own has no such page; the first three have one each.
    assert!(tables.len() >= 3, "{tables:?}");
}

/// Whoever looks for a name of the vendor's client in the documentation of the code finds ours.
#[test]
fn every_name_of_a_vendors_client_in_the_book_is_found_in_the_code() {
    let mut missing = Vec::new();
    for path in files_below(&Path::new(FOLDER).join("coming-from"), "md") {
        let mut n_names = 0;
        for (id, names) in tables_of_names(&page(&format!("coming-from/{path}"))) {
            let known = names_of(&provider_folder(&id));
            n_names += names.len();
            let unknown = names.into_iter().filter(|name| !known.contains(name));
            missing.extend(unknown.map(|name| format!("{path}: {name}")));
        }
        assert!(n_names >= 10, "{path} names {n_names}");
    }
    assert!(
        missing.is_empty(),
        "no name and no alias in the code: {missing:?}"
    );
}

/// `Client::send`, `ErrorKind::Timeout`: a type, and something of it.
#[test]
fn every_function_and_variant_that_the_book_names_exists() {
    let mut known = names_of(Path::new(SOURCES));
    known.extend(names_of(&Path::new(SOURCES).join("../../tidings-core/src")));
    let (mut n_checked, mut missing) = (0, Vec::new());
    for path in files_below(Path::new(FOLDER), "md") {
        if path == "STYLE.md" || path.starts_with("decisions") {
            continue;
        }
        let text = page(&path);
        for span in prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let Some(name) = last_of_a_path(span) else {
                continue;
            };
            n_checked += 1;
            if !known.contains(name) {
                missing.push(format!("{path}: {span}"));
            }
        }
    }
    assert!(missing.is_empty(), "not in the code: {missing:?}");
    assert!(n_checked > 100, "{n_checked}");
}

/// The last name of a path in Rust's form: `send` of `Client::send(..)`.
fn last_of_a_path(span: &str) -> Option<&str> {
    let path = span.split(['(', '<', ' ']).next().unwrap_or_default();
    let is_name = |part: &str| part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let (_, last) = path.rsplit_once("::")?;
    let is_path = path
        .split("::")
        .all(|part| !part.is_empty() && is_name(part));
    is_path.then_some(last)
}

/// Checks that a page names whatever a vendor's published package offers, as the package itself tells,
/// but for what its generator has made for its own use.
///
/// Called by the tests that are named after the vendor, which know its packages.
#[track_caller]
pub(crate) fn check_names_all_of(
    path: &str,
    packages: Packages<'_>,
    package: &str,
    is_plumbing: impl Fn(&str) -> bool,
) {
    const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/book/vendor_names.py");
    let python = Python::with_packages(Path::new(env!("CARGO_TARGET_TMPDIR")), packages);
    let offered = python.run(Path::new(SCRIPT), &[package], &Value::Null);
    let offered: Vec<&str> = offered
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(offered.len() >= 10, "{offered:?}");
    let text = page(path);
    let spans = prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2));
    let named: BTreeSet<&str> = spans
        .flat_map(|span| span.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .collect();
    let missing: Vec<&str> = offered
        .into_iter()
        .filter(|name| !is_plumbing(name) && !named.contains(name))
        .collect();
    assert!(missing.is_empty(), "docs/{path} lacks {missing:?}");
}

/// Each table of names with the provider that it is about.
fn tables_of_names(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut tables = Vec::new();
    for piece in text.split(TABLE_OF_NAMES).skip(1) {
        let (id, rest) = piece.split_once(" -->").unwrap();
        let rows = rest
            .lines()
            .skip_while(|line| !line.starts_with('|'))
            .skip(2);
        let rows = rows.take_while(|line| line.starts_with('|'));
        let first = rows.map(|row| row.split('|').nth(1).unwrap());
        let spans = first.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        let names = spans.map(|span| {
            let name = span.split('(').next().unwrap();
            name.rsplit('.').next().unwrap().to_owned()
        });
        tables.push((id.to_owned(), names.collect()));
    }
    tables
}

/// What a folder's sources declare, and the names under which the documentation finds it too.
fn names_of(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in files_below(folder, "rs") {
        if path.contains("tests") {
            continue;
        }
        let text = std::fs::read_to_string(folder.join(&path)).unwrap();
        for attribute in text.split("#[doc(alias").skip(1) {
            let inside = attribute.split(']').next().unwrap();
            names.extend(inside.split('"').skip(1).step_by(2).map(str::to_owned));
        }
        for line in text.lines() {
            names.extend(declared(line.trim_start()));
        }
    }
    names
}

/// The name that a line declares: an item, a field or a variant.
fn declared(line: &str) -> Option<String> {
    const WORDS: [&str; 9] = [
        "pub ", "const ", "async ", "fn ", "struct ", "enum ", "trait ", "mod ", "static ",
    ];
    let mut rest = line;
    while let Some(shorter) = WORDS.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    let is_item = rest.len() < line.len();
    let is_variant = rest.starts_with(|c: char| c.is_ascii_uppercase());
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    ((is_item || is_variant) && !name.is_empty()).then_some(name)
}
