//! What documents claim about the repository: that a path exists, that a function exists, that a
//! test holds a promise. Code blocks between fences are not looked at; they show what a user types.

use std::collections::BTreeSet;

use crate::tidy::Finding;
use crate::tidy::layering::{package_name, packages};
use crate::tidy::source::{Source, has_extension, numbered, word_positions};

const MAP: &str = "ARCHITECTURE.md";
const README: &str = "README.md";
/// Documents at the root whose paths are checked; everything below `docs/` is checked too.
const CHECKED: [&str; 3] = [MAP, README, "CONTRIBUTING.md"];
/// Opens a line of the README that names the tests behind the promise above it.
const HELD_BY: &str = "held by:";

pub(crate) fn crates_in_the_map(sources: &[Source]) -> Vec<Finding> {
    let Some(map) = sources.iter().find(|source| source.path == MAP) else {
        return vec![Finding::new(
            MAP,
            1,
            "is missing; it is the way into the code",
        )];
    };
    packages(sources)
        .filter_map(package_name)
        .filter(|name| !map.text.contains(&format!("`{name}`")))
        .map(|name| Finding::new(MAP, 1, format!("say what the crate `{name}` holds")))
        .collect()
}

/// Every path in backticks and every relative link of the checked documents.
pub(crate) fn paths(sources: &[Source]) -> Vec<Finding> {
    let places = Places::of(sources);
    let mut findings = Vec::new();
    for document in sources.iter().filter(|source| is_checked(source)) {
        for (line, text) in prose(&document.text) {
            for name in code_spans(text).flat_map(expand_braces) {
                if let Some(advice) = places.judge(&name) {
                    findings.push(Finding::new(&document.path, line, advice));
                }
            }
            let files =
                link_targets(text).map(|target| target.split('#').next().unwrap_or_default());
            for target in files.filter(|file| !file.is_empty()) {
                let path = resolve(&document.path, target);
                if !places.exists(&path) {
                    findings.push(Finding::new(
                        &document.path,
                        line,
                        format!("links to `{target}`, which does not exist"),
                    ));
                }
            }
        }
    }
    findings
}

/// Every test that the README names as holding one of its promises.
pub(crate) fn promises(sources: &[Source]) -> Vec<Finding> {
    let Some(readme) = sources.iter().find(|source| source.path == README) else {
        return vec![Finding::new(README, 1, "is missing")];
    };
    let mut findings = Vec::new();
    for (line, text) in numbered(&readme.text) {
        let Some((_, names)) = text.split_once(HELD_BY) else {
            continue;
        };
        let names = names.trim_end_matches("-->").split(',').map(str::trim);
        for name in names.filter(|name| !is_step(name)) {
            let function = name.rsplit("::").next().unwrap_or(name);
            if !defines(sources.iter(), function) {
                findings.push(Finding::new(
                    README,
                    line,
                    format!("names the test `{name}`, which does not exist"),
                ));
            }
        }
    }
    findings
}

/// A promise may also be held by a step of `cargo xtask test`, named as it is called.
fn is_step(name: &str) -> bool {
    name.starts_with("cargo xtask ")
}

fn is_checked(source: &Source) -> bool {
    source.is_markdown()
        && (CHECKED.contains(&source.path.as_str()) || source.path.starts_with("docs/"))
}

/// The files and folders there are.
struct Places<'a> {
    sources: &'a [Source],
    folders: BTreeSet<&'a str>,
}

impl<'a> Places<'a> {
    fn of(sources: &'a [Source]) -> Self {
        let folders = sources
            .iter()
            .flat_map(|source| {
                source
                    .path
                    .match_indices('/')
                    .map(|(at, _)| source.path.get(..at))
            })
            .flatten()
            .collect();
        Self { sources, folders }
    }

    fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty()
            || self.folders.contains(path)
            || self.sources.iter().any(|source| source.path == path)
    }

    /// What is wrong with a name in backticks, if it is meant as a path at all.
    fn judge(&self, name: &str) -> Option<String> {
        let (path, function) = match name.split_once("::") {
            Some((path, function)) if has_extension(path, "rs") => (path, Some(function)),
            _ => (name, None),
        };
        if !self.looks_like_path(path) {
            return None;
        }
        let files = self.find(path);
        if files.is_empty() && !self.exists(path) {
            return Some(format!("names `{path}`, which does not exist"));
        }
        let item = function?.rsplit("::").next()?.trim_end_matches("()");
        (!defines(files.into_iter(), item))
            .then(|| format!("names `{name}`, but `{path}` has no `{item}`"))
    }

    /// A path begins with something that lies at the root, or is the name of a source or document.
    /// Anything with a placeholder, a blank or a leading slash (a URL's path) is something else.
    fn looks_like_path(&self, name: &str) -> bool {
        let plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'));
        if !plain || name.starts_with('/') || name.contains("NNNN") || name.starts_with("..") {
            return false;
        }
        let at_root = name
            .split_once('/')
            .is_some_and(|(first, _)| self.folders.contains(first));
        at_root || has_extension(name, "rs") || has_extension(name, "md")
    }

    /// `layers/retry.rs` stands for every file whose path ends so.
    fn find(&self, path: &str) -> Vec<&'a Source> {
        let ending = format!("/{path}");
        self.sources
            .iter()
            .filter(|source| source.path == path || source.path.ends_with(&ending))
            .collect()
    }
}

/// Whether one of the files defines an item of that name: a function, a type, a constant, a module.
fn defines<'a>(mut sources: impl Iterator<Item = &'a Source>, item: &str) -> bool {
    const KEYWORDS: [&str; 8] = [
        "fn", "struct", "enum", "trait", "const", "static", "type", "mod",
    ];
    sources.any(|source| {
        // Behaviours that run over every provider are rows with a name; that is in a literal.
        let code = source.code_and_literals();
        word_positions(&code, item).into_iter().any(|position| {
            let before = code.get(..position).unwrap_or_default();
            before.ends_with('"')
                || before
                    .split_whitespace()
                    .next_back()
                    .is_some_and(|word| KEYWORDS.contains(&word))
        })
    })
}

/// Lines outside fenced code blocks.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    numbered(text).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// `text/{mod,udh}.rs` stands for two paths.
fn expand_braces(name: &str) -> Vec<String> {
    let parts = name
        .split_once('{')
        .and_then(|(head, rest)| rest.split_once('}').map(|(list, tail)| (head, list, tail)));
    match parts {
        Some((head, list, tail)) => list
            .split(',')
            .map(|item| format!("{head}{}{tail}", item.trim()))
            .collect(),
        None => vec![name.to_owned()],
    }
}

/// Targets of links into the repository, with their anchors.
pub(super) fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .filter(|target| !target.is_empty() && !target.contains(':'))
}

/// A relative link as a path from the root.
pub(super) fn resolve(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
