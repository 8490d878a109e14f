//! Looks for a Python that is new enough for every vendor's client, so that the test that needs it
//! can be reported as ignored, with the reason, where there is none; and makes a module of each page of
//! the book that has Rust in it, so that every example there is compiled and run as a doctest.
//!
//! Sets the condition `python_3_13` and the variable `TIDINGS_PYTHON_3_13`, the name of the program
//! (empty where there is none). It looks again whenever a file of this package changes; after
//! installing such a Python: `cargo clean --package tidings-tests`.

#![expect(
    clippy::print_stdout,
    reason = "it is how a build script speaks to cargo"
)]

mod config;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CANDIDATES: [&str; 3] = ["python3.14", "python3.13", "python3"];

/// Fails where the version is older or virtual environments cannot be made.
const PROBE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 13))";

fn main() {
    // What cargo does by itself where nothing is said, and the book.
    println!("cargo::rerun-if-changed=.");
    println!("cargo::rerun-if-changed={BOOK}");
    find_python();
    let modules = modules_of_the_book();
    fs::write(config::output_folder().join("book.rs"), modules).expect("cargo made the folder");
}

const BOOK: &str = "../../docs";

/// `#[doc = include_str!(..)] mod getting_started {}` for each page with an example.
fn modules_of_the_book() -> String {
    let book = fs::canonicalize(BOOK).expect("docs/ lies in the repository");
    let mut pages = Vec::new();
    find_pages(&book, &mut pages);
    pages.sort();
    let mut modules = String::new();
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page can be read");
        if !text.contains("```rust") {
            continue;
        }
        let name = page.strip_prefix(&book).expect("it was found in there");
        let name = name.with_extension("").to_string_lossy().into_owned();
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let name = name.to_ascii_lowercase();
        let page = page.display();
        writeln!(
            modules,
            "#[doc = include_str!(r\"{page}\")]\nmod {name} {{}}"
        )
        .expect("a text takes whatever is written");
    }
    modules
}

/// Pages below a folder. The rules of style show what not to write, so they are no examples.
fn find_pages(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("and so can its entries").path();
        if path.is_dir() {
            find_pages(&path, pages);
        } else if path.extension().is_some_and(|ending| ending == "md")
            && !path.ends_with("STYLE.md")
        {
            pages.push(path);
        }
    }
}

fn find_python() {
    let found = CANDIDATES.into_iter().find(|program| {
        let probe = Command::new(program).args(["-c", PROBE]).output();
        probe.is_ok_and(|done| done.status.success())
    });
    println!("cargo::rustc-check-cfg=cfg(python_3_13)");
    if found.is_some() {
        println!("cargo::rustc-cfg=python_3_13");
    }
    let program = found.unwrap_or_default();
    println!("cargo::rustc-env=TIDINGS_PYTHON_3_13={program}");
}
