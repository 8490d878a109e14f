//! Limits on the length of files and functions. Tests do not count: a long list of cases is easy to
//! read. Generated tables do not count either; the line `// @generated` after the header marks them.

use crate::tidy::Finding;
use crate::tidy::source::{Source, Span, numbered};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 80;
const GENERATED_MARK: &str = "// @generated";

pub(crate) fn files(sources: &[Source]) -> Vec<Finding> {
    counted(sources)
        .filter_map(|source| {
            let test_lines: usize = source.test_modules().iter().map(Span::n_lines).sum();
            let n_lines = source.text.lines().count() - test_lines;
            (n_lines > FILE_LINES).then(|| {
                Finding::new(
                    &source.path,
                    1,
                    format!(
                        "{n_lines} lines without tests; split it by topic into files of at most {FILE_LINES}"
                    ),
                )
            })
        })
        .collect()
}

pub(crate) fn functions(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in counted(sources) {
        let test_modules = source.test_modules();
        for function in source.functions() {
            let in_test = test_modules
                .iter()
                .any(|module| module.contains(function.first_line));
            if !in_test && function.n_lines() > FUNCTION_LINES {
                findings.push(Finding::new(
                    &source.path,
                    function.first_line,
                    format!(
                        "`{}` has {} lines; give its steps names of their own, at most {FUNCTION_LINES} lines each",
                        function.name,
                        function.n_lines()
                    ),
                ));
            }
        }
    }
    findings
}

fn counted(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources
        .iter()
        .filter(|source| source.is_rust() && !source.is_test_file() && !is_generated(source))
}

/// The mark counts only as the first line after the header: deep in a file it would hide the rest.
fn is_generated(source: &Source) -> bool {
    numbered(&source.text)
        .map(|(_, line)| line.trim())
        .find(|line| !line.is_empty() && !line.starts_with("//!"))
        .is_some_and(|line| line.starts_with(GENERATED_MARK))
}
