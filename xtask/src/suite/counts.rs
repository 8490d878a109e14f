//! How many tests passed, failed and were skipped, read from what the test runners print.

use std::fmt;
use std::ops::Add;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    pub(crate) const fn one_passed() -> Self {
        Self {
            passed: 1,
            failed: 0,
            skipped: 0,
        }
    }

    pub(crate) const fn one_failed() -> Self {
        Self {
            passed: 0,
            failed: 1,
            skipped: 0,
        }
    }

    /// From nextest's last line: `Summary [ 1.2s] 7/9 tests run: 5 passed (1 slow), 1 failed,
    /// 1 timed out, 2 skipped`. Nothing when there is no such line.
    pub(crate) fn from_nextest(output: &str) -> Option<Self> {
        let plain = without_colours(output);
        let (_, list) = plain
            .lines()
            .rev()
            .find(|line| line.trim_start().starts_with("Summary ["))?
            .split_once(" run: ")?;
        let mut counts = Self::default();
        for item in without_remarks(list).split(',') {
            let (number, what) = item.trim().split_once(' ')?;
            let number: usize = number.parse().ok()?;
            match what.trim() {
                "passed" => counts.passed += number,
                "skipped" => counts.skipped += number,
                // failed, timed out, exec failed: not passed.
                _ => counts.failed += number,
            }
        }
        Some(counts)
    }

    /// From every line `test result: ok. 3 passed; 0 failed; 1 ignored; ..` of libtest.
    pub(crate) fn from_libtest(output: &str) -> Option<Self> {
        let plain = without_colours(output);
        let results: Vec<Self> = plain
            .lines()
            .filter_map(|line| line.trim().strip_prefix("test result: "))
            .map(|line| {
                let number_before = |word: &str| {
                    let before = line.split_once(word)?.0;
                    before.split_whitespace().next_back()?.parse().ok()
                };
                Self {
                    passed: number_before(" passed").unwrap_or(0),
                    failed: number_before(" failed").unwrap_or(0),
                    skipped: number_before(" ignored").unwrap_or(0),
                }
            })
            .collect();
        (!results.is_empty()).then(|| results.into_iter().fold(Self::default(), Add::add))
    }

    /// A runner that failed without a failed test (it did not compile, it was killed) counts as one
    /// failure; one that succeeded without telling its numbers does too, because then nobody knows.
    pub(crate) fn of_run(read: Option<Self>, succeeded: bool) -> Self {
        match read {
            Some(counts) if succeeded || counts.failed > 0 => counts,
            read => read.unwrap_or_default() + Self::one_failed(),
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// The last line of `cargo xtask test`; programs read it, so its form is fixed.
impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(
            formatter,
            "{passed} passed, {failed} failed, {skipped} skipped"
        )
    }
}

/// Takes out what stands in parentheses: `3 passed (1 slow, 1 leaky)` are three that passed.
fn without_remarks(list: &str) -> String {
    let mut plain = String::with_capacity(list.len());
    let mut rest = list;
    while let Some((before, after)) = rest.split_once('(') {
        plain.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

/// Takes out the sequences `ESC [ .. m` that colour a terminal.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}
