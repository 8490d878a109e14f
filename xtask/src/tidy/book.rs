//! The book in `docs/`: `SUMMARY.md` leads to every page, and a link to a heading finds it. That the
//! files of links exist is looked at in `docs.rs`, for every document.

use std::collections::BTreeSet;

use crate::tidy::Finding;
use crate::tidy::docs::{link_targets, prose, resolve};
use crate::tidy::source::Source;

const SUMMARY: &str = "docs/SUMMARY.md";
const FOLDER: &str = "docs/";

/// Every page is in the table of contents, once.
pub(crate) fn contents(sources: &[Source]) -> Vec<Finding> {
    let Some(summary) = sources.iter().find(|source| source.path == SUMMARY) else {
        return vec![Finding::new(
            SUMMARY,
            1,
            "is missing; the book has no pages without it",
        )];
    };
    let mut findings = Vec::new();
    let mut named = BTreeSet::new();
    for (line, text) in prose(&summary.text) {
        for target in link_targets(text) {
            let page = resolve(SUMMARY, target);
            if !named.insert(page) {
                let advice = format!("leads to `{target}` a second time");
                findings.push(Finding::new(SUMMARY, line, advice));
            }
        }
    }
    let pages = sources.iter().filter(|source| is_page(source));
    let left_out = pages.filter(|page| !named.contains(&page.path));
    findings.extend(left_out.map(|page| {
        let advice = format!("no line of {SUMMARY} leads to this page");
        Finding::new(&page.path, 1, advice)
    }));
    findings
}

/// The part of a link behind `#` is a heading of the page that it leads to.
pub(crate) fn anchors(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in sources.iter().filter(|source| is_page(source)) {
        for (line, text) in prose(&page.text) {
            for target in link_targets(text) {
                let Some((file, anchor)) = target.split_once('#') else {
                    continue;
                };
                let path = match file {
                    "" => page.path.clone(),
                    file => resolve(&page.path, file),
                };
                let Some(to) = sources.iter().find(|source| source.path == path) else {
                    continue;
                };
                if to.is_markdown() && !headings(&to.text).contains(anchor) {
                    let advice = format!("links to `{target}`, but `{path}` has no such heading");
                    findings.push(Finding::new(&page.path, line, advice));
                }
            }
        }
    }
    findings
}

fn is_page(source: &Source) -> bool {
    source.path.starts_with(FOLDER) && source.is_markdown() && source.path != SUMMARY
}

/// The names by which mdBook lets headings be linked to.
fn headings(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let name: String = title
            .trim()
            .chars()
            .filter_map(|c| match c {
                c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c.to_ascii_lowercase()),
                c if c.is_whitespace() => Some('-'),
                _ => None,
            })
            .collect();
        // Of headings that are alike the second is called so with a number behind it.
        let twins = (1..).map(|number| format!("{name}-{number}"));
        let mut free = std::iter::once(name.clone()).chain(twins);
        let free = free.find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}
