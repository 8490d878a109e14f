//! Where the addresses stand that replacement must not touch: a changed address leads nowhere, or elsewhere. Called by `replace`.
//!
//! Errs on the side of protecting: what only looks like an address stays as written, at the price of a saving not made.

use std::ops::Range;

/// Byte ranges of the web and mail addresses in a text, in order.
pub(super) fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let word_start = start;
        start += word.len();
        if let Some((begin, address)) = address(word.trim_end()) {
            ranges.push(word_start + begin..word_start + begin + address.len());
        }
    }
    ranges
}

/// The address in a word and where in the word it begins.
fn address(word: &str) -> Option<(usize, &str)> {
    let begin = scheme_start(word)
        .or_else(|| www_start(word))
        .or_else(|| bare_start(word))?;
    let address = without_closing(word.get(begin..)?);
    (!address.is_empty()).then_some((begin, address))
}

/// `https://..`: where the scheme begins (RFC 3986 section 3.1).
fn scheme_start(word: &str) -> Option<usize> {
    let (scheme, _) = word.split_once("://")?;
    let is_scheme =
        |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
    let begin = scheme.trim_end_matches(is_scheme).len();
    (begin < scheme.len()).then_some(begin)
}

/// `www...`, at the beginning of a word or behind a bracket or quotation mark.
fn www_start(word: &str) -> Option<usize> {
    let begin = leading_marks(word);
    let start = word.get(begin..begin + 4)?;
    start.eq_ignore_ascii_case("www.").then_some(begin)
}

/// `example.com/path`, `example.com`, `name@example.com`: dot-separated labels, the last of at least two ASCII letters.
fn bare_start(word: &str) -> Option<usize> {
    let begin = leading_marks(word);
    let rest = without_closing(word.get(begin..)?);
    let rest = rest.strip_prefix("mailto:").unwrap_or(rest);
    let (authority, _) =
        rest.split_at_checked(rest.find(['/', '?', '#', ':']).unwrap_or(rest.len()))?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (labels, top) = host.rsplit_once('.')?;
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let is_top = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_top && labels.split('.').all(is_label)).then_some(begin)
}

fn leading_marks(word: &str) -> usize {
    word.len()
        - word
            .trim_start_matches(|character: char| !character.is_alphanumeric())
            .len()
}

/// Marks that end a sentence rather than an address.
const ENDS: &str = ".,;:!?…";

/// Closing brackets and quotation marks with those that open them: they belong to the address only if both do.
const PAIRS: [(char, &str); 10] = [
    (')', "("),
    (']', "["),
    ('}', "{"),
    ('>', "<"),
    ('»', "«"),
    ('›', "‹"),
    ('”', "“„"),
    ('“', "„"),
    ('’', "‘‚"),
    ('‘', "‚"),
];

/// More closing marks than this are taken for part of the address, so that a long row of them costs no time.
const MOST_CLOSING: usize = 8;

/// An address without the marks behind it that belong to the sentence.
fn without_closing(address: &str) -> &str {
    let mut kept = address;
    for last in address.chars().rev().take(MOST_CLOSING) {
        let before = kept.strip_suffix(last).unwrap_or_default();
        let belongs = match PAIRS.iter().find(|(closing, _)| *closing == last) {
            Some((_, opening)) => before.contains(|character| opening.contains(character)),
            None => !ENDS.contains(last) && last != '"' && last != '\'',
        };
        if belongs {
            break;
        }
        kept = before;
    }
    kept
}
