//! The book below `docs/`: what it says about the code is what the code says, and its pages hang
//! together. Its Rust is compiled and run as doctests of this crate; its shell is run by the tests of
//! the command.

mod answers;
mod gateway;
mod names;
mod pages;
mod tables;

pub(crate) use names::check_names_all_of;

use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

/// A page by its path in the book.
#[track_caller]
fn page(path: &str) -> String {
    let whole = Path::new(FOLDER).join(path);
    fs::read_to_string(&whole).unwrap_or_else(|error| panic!("docs/{path}: {error}"))
}

/// Where the sources of a provider are.
fn provider_folder(id: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tidings/src")
        .join(id)
}

/// All files below a folder that end so, by their paths in it.
fn files_below(folder: &Path, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == ending)
            {
                let path = path.strip_prefix(folder).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
