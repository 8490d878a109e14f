//! Names that the book gives: those of the vendors' clients, which lead to ours in the documentation of
//! the code, and ours, which exist.

use std::collections::BTreeSet;
use std::path::Path;

use tidings::providers;

use super::pages::prose;
use super::{FOLDER, files_below, page, provider_folder};

/// Opens a table whose first column holds names of a vendor's client, in backticks: `<!-- names of ID -->`.
const TABLE_OF_NAMES: &str = "<!-- names of ";
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tidings/src");

#[test]
fn every_provider_has_a_page_for_those_who_come_from_its_vendors_client() {
    let pages = files_below(&Path::new(FOLDER).join("coming-from"), "md");
    let tables: BTreeSet<String> = pages
        .iter()
        .flat_map(|path| tables_of_names(&page(&format!("coming-from/{path}"))))
        .map(|(id, _)| id)
        .collect();
    let ids: BTreeSet<String> = providers::ALL
        .iter()
        .map(|spec| spec.id.to_owned())
        .collect();
    assert_eq!(tables, ids);
}

/// Whoever looks for a name of the vendor's client in the documentation of the code finds ours.
#[test]
fn every_name_of_a_vendors_client_in_the_book_is_found_in_the_code() {
    for path in files_below(&Path::new(FOLDER).join("coming-from"), "md") {
        for (id, rows) in tables_of_names(&page(&format!("coming-from/{path}"))) {
            let known = names_of(&provider_folder(&id));
            assert!(rows.len() >= 4, "{path}: {rows:?}");
            for name in rows {
                assert!(
                    known.contains(&name),
                    "docs/coming-from/{path} names `{name}`, and nothing in {id} has that name or alias"
                );
            }
        }
    }
}

/// `Client::send`, `ErrorKind::Timeout`: a type, and something of it.
#[test]
fn every_function_and_variant_that_the_book_names_exists() {
    let mut known = names_of(Path::new(SOURCES));
    known.extend(names_of(&Path::new(SOURCES).join("../../tidings-core/src")));
    let mut n_checked = 0;
    for path in files_below(Path::new(FOLDER), "md") {
        if path == "STYLE.md" || path.starts_with("decisions") {
            continue;
        }
        let text = page(&path);
        for span in prose(&text).flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let span = span.split(['(', '<', ' ']).next().unwrap_or_default();
            let parts: Vec<&str> = span.split("::").collect();
            let is_path = parts.len() > 1
                && parts
                    .iter()
                    .all(|part| part.chars().all(|c| c.is_alphanumeric() || c == '_'));
            if !is_path {
                continue;
            }
            n_checked += 1;
            let last = parts.last().copied().unwrap_or_default();
            assert!(known.contains(last), "docs/{path} names `{span}`");
        }
    }
    assert!(n_checked > 100, "{n_checked}");
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
