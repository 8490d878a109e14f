//! What pages link to. That all pages are in the table of contents, and that links to headings find them,
//! is looked at by `cargo xtask tidy`.

use std::path::Path;

use super::{FOLDER, files_below, page};

/// The book is also read apart from the repository, where nothing else is.
#[test]
fn no_page_links_to_something_outside_the_book() {
    for path in files_below(Path::new(FOLDER), "md") {
        let text = page(&path);
        let folder = Path::new(&path).parent().unwrap();
        for link in links(&text).filter(|link| !link.contains("://")) {
            let target = Path::new(FOLDER).join(folder).join(link);
            let target = target.canonicalize();
            let target = target.unwrap_or_else(|error| panic!("docs/{path}: {link}: {error}"));
            let book = Path::new(FOLDER).canonicalize().unwrap();
            assert!(target.starts_with(book), "docs/{path} links to {link}");
        }
    }
}

/// Targets of links without their anchors, where there is something before them.
fn links(text: &str) -> impl Iterator<Item = &str> {
    targets(text)
        .map(|target| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty())
}

fn targets(text: &str) -> impl Iterator<Item = &str> {
    prose(text)
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split(')').next())
}

/// Lines outside code blocks.
pub(super) fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}
