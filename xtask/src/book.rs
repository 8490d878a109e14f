//! `cargo xtask book`: builds the pages of `docs/` as a book into `target/book`, and installs mdBook
//! where it is not there yet. What the pages claim is looked at elsewhere: by `tidy`, by the tests of
//! the generated tables, and as doctests.

use anyhow::{bail, ensure};

use crate::{audit, process, workspace};

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    if let Some(argument) = arguments.first() {
        bail!("`book` takes no argument, but got `{argument}`");
    }
    if !process::succeeds("mdbook", &["--version"]) {
        audit::install("mdbook")?;
    }
    // Where it is written stands in docs/book.toml.
    process::run(&mut process::command("mdbook", &["build", "docs"]))?;
    let first_page = workspace::root().join("target/book/index.html");
    ensure!(first_page.is_file(), "{} is missing", first_page.display());
    println!("the book: {}", first_page.display());
    Ok(())
}
