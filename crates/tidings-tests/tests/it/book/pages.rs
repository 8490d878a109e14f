//! The pages hang together: each is in the table of contents, and what one links to is there.

use std::collections::BTreeSet;
use std::path::Path;

use super::{FOLDER, files_below, page};

const CONTENTS: &str = "SUMMARY.md";

#[test]
fn every_page_is_in_the_table_of_contents_and_the_other_way_round() {
    let contents = page(CONTENTS);
    let listed: BTreeSet<String> = links(&contents).map(str::to_owned).collect();
    let there: BTreeSet<String> = files_below(Path::new(FOLDER), "md")
        .into_iter()
        .filter(|path| path != CONTENTS)
        .collect();
    let missing: Vec<&String> = there.difference(&listed).collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md lacks {missing:?}");
    let gone: Vec<&String> = listed.difference(&there).collect();
    assert!(gone.is_empty(), "docs/SUMMARY.md has {gone:?}");
}

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

#[test]
fn what_a_link_names_within_a_page_is_a_heading_there() {
    for path in files_below(Path::new(FOLDER), "md") {
        let text = page(&path);
        for (file, anchor) in targets(&text).filter_map(|target| target.split_once('#')) {
            if file.contains("://") {
                continue;
            }
            let folder = Path::new(&path).parent().unwrap();
            let other = folder.join(file);
            let there = match file {
                "" => text.clone(),
                _ => page(other.to_str().unwrap()),
            };
            let headings: Vec<String> = prose(&there).filter_map(heading).collect();
            let is_there = headings.iter().any(|heading| heading == anchor);
            assert!(is_there, "docs/{path}: {file}#{anchor}: {headings:?}");
        }
    }
}

/// The name of a heading in links, as mdBook and others make it.
fn heading(line: &str) -> Option<String> {
    let text = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let name = text.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => c.to_lowercase().next(),
        _ => None,
    });
    Some(name.collect())
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
