//! The shape of the code: headers, module names, the files of a provider, and what must not stay
//! behind in a finished change.

use crate::tidy::Finding;
use crate::tidy::layering::providers;
use crate::tidy::source::{Source, numbered, word_positions};

/// Names that say nothing about what is inside, so that everything ends up in them.
const DRAWERS: [&str; 5] = ["utils", "common", "helpers", "core", "misc"];

/// Files that every provider folder has, so that the second provider needs no learning. A file may
/// also be a folder of that name with a `mod.rs`.
const PROVIDER_FILES: [&str; 8] = [
    "mod.rs",
    "README.md",
    "wire.rs",
    "map.rs",
    "client.rs",
    "blocking.rs",
    "server.rs",
    "tests.rs",
];

const UNFINISHED_CALLS: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
const UNFINISHED_WORDS: [&str; 2] = ["FIXME", "XXX"];
/// The folder beside a checkout; put together here so that this file does not name it.
const OUTSIDE: &str = concat!("../", "shared");

pub(crate) fn headers(sources: &[Source]) -> Vec<Finding> {
    // A provider's page opens with its README instead, which says the same at length.
    let opens = |text: &str| {
        text.starts_with("//!") || text.starts_with("#![doc = include_str!(\"README.md\")]")
    };
    sources
        .iter()
        .filter(|source| source.is_rust() && !opens(&source.text))
        .map(|source| {
            Finding::new(
                &source.path,
                1,
                "open the file with `//!`: what it does, who calls it, what it does not do",
            )
        })
        .collect()
}

pub(crate) fn module_names(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let drawer = source
            .path
            .split('/')
            .find(|part| DRAWERS.contains(&part.trim_end_matches(".rs")));
        if let Some(drawer) = drawer {
            findings.push(Finding::new(
                &source.path,
                1,
                format!("`{drawer}` says nothing; name the module after what it holds"),
            ));
        }
        let code = source.code();
        for (line, text) in numbered(&code) {
            let mut words = text
                .split_whitespace()
                .skip_while(|word| *word != "mod")
                .skip(1);
            let name = words.next().unwrap_or_default();
            if DRAWERS.contains(&name.trim_end_matches([';', '{'])) {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    format!("`mod {name}` says nothing; name the module after what it holds"),
                ));
            }
        }
    }
    findings
}

pub(crate) fn provider_folders(sources: &[Source]) -> Vec<Finding> {
    const REGISTRATION: &str = "crates/tidings/src/providers.rs";
    let mut findings = Vec::new();
    let code_of = |path: &str| {
        sources
            .iter()
            .find(|source| source.path == path)
            .map(Source::code)
    };
    let exists = |path: &str| sources.iter().any(|source| source.path == path);
    let registration = code_of(REGISTRATION).unwrap_or_default();
    for provider in providers(sources) {
        let folder = format!("crates/tidings/src/{provider}");
        for file in PROVIDER_FILES {
            let as_folder = format!("{folder}/{}/mod.rs", file.trim_end_matches(".rs"));
            if !exists(&format!("{folder}/{file}")) && !exists(&as_folder) {
                findings.push(Finding::new(
                    &format!("{folder}/{file}"),
                    1,
                    "is missing; every provider folder has the same files",
                ));
            }
        }
        let testdata = format!("{folder}/testdata/");
        if !sources
            .iter()
            .any(|source| source.path.starts_with(&testdata))
        {
            findings.push(Finding::new(
                &testdata,
                1,
                "is missing; golden exchanges are what holds the wire types to the vendor's API",
            ));
        }
        let module = code_of(&format!("{folder}/mod.rs")).unwrap_or_default();
        let has_callbacks = module.contains("parse_callback: Some");
        let callbacks = ["callback.rs", "callback/mod.rs"];
        let has_file = callbacks
            .iter()
            .any(|file| exists(&format!("{folder}/{file}")));
        if has_callbacks && !has_file {
            findings.push(Finding::new(
                &format!("{folder}/callback.rs"),
                1,
                "is missing; the vendor calls back, so parsing and emitting callbacks lives there",
            ));
        }
        if !registration.contains(&format!("{provider}::SPEC")) {
            findings.push(Finding::new(
                REGISTRATION,
                1,
                format!("`{provider}` is not registered; add `&{provider}::SPEC` to ALL"),
            ));
        }
    }
    findings
}

pub(crate) fn leftovers(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for (line, text) in numbered(&source.text) {
            if text.contains(OUTSIDE) {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "refers to a folder outside the repository; copy what is needed",
                ));
            }
        }
        if !source.is_rust() {
            continue;
        }
        let (code, comments) = (source.code(), source.comments());
        for (line, text) in numbered(&code) {
            for call in UNFINISHED_CALLS {
                if !word_positions(text, call).is_empty() {
                    findings.push(Finding::new(
                        &source.path,
                        line,
                        format!("`{call}` is left over; finish it or take it out"),
                    ));
                }
            }
        }
        for (line, text) in numbered(&comments) {
            for word in UNFINISHED_WORDS {
                if !word_positions(text, word).is_empty() {
                    findings.push(Finding::new(
                        &source.path,
                        line,
                        format!("`{word}` is left over; fix it, or file it and say what holds"),
                    ));
                }
            }
        }
    }
    findings
}

/// A test that is left out says why, where it is left out.
pub(crate) fn ignored_tests(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let (code, with_literals) = (source.code(), source.code_and_literals());
        for ((line, text), whole) in numbered(&code).zip(with_literals.lines()) {
            let compact = text.replace(' ', "");
            let ignores = compact.contains("#[ignore") || compact.contains(",ignore)]");
            let gives_reason = whole
                .replace(' ', "")
                .split_once("ignore=\"")
                .is_some_and(|(_, reason)| !reason.starts_with('"'));
            if ignores && !gives_reason {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "write `#[ignore = \"...\"]` with the reason, or run the test",
                ));
            }
        }
    }
    findings
}
