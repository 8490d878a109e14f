//! Where the addresses stand that replacement must not touch: a changed address leads nowhere, or elsewhere. Called by `replace`.
//!
//! Errs on the side of protecting: what only looks like an address stays as written, at the price of a saving not made.

use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// Byte ranges of the web and mail addresses in a text, in order.
pub(super) fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let word_start = start;
        start += word.len();
        let word = word.trim_end();
        let scheme = scheme_start(word).unwrap_or(word.len());
        let (before, with_scheme) = word.split_at_checked(scheme).unwrap_or((word, ""));
        let mut add = |begin: usize, address: &str| {
            let address = without_closing(address);
            if !address.is_empty() {
                ranges.push(word_start + begin..word_start + begin + address.len());
            }
        };
        each_bare(before, &mut add);
        add(scheme, with_scheme);
    }
    ranges
}

/// `https://..`: where the scheme begins (RFC 3986 section 3.1).
fn scheme_start(word: &str) -> Option<usize> {
    let (scheme, _) = word.split_once("://")?;
    let is_scheme =
        |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
    let begin = scheme.trim_end_matches(is_scheme).len();
    (begin < scheme.len()).then_some(begin)
}

/// The addresses without a scheme, wherever in a word they begin (`Lien:example.com/x` and `Ici,example.com/x` are words too):
/// `www...`, `example.com/path`, `name@example.com`. With a path they go on to the end of the word.
fn each_bare<'t>(word: &'t str, add: &mut impl FnMut(usize, &'t str)) {
    let mut start = 0;
    for piece in word.split_inclusive(|character| !is_in_host(character)) {
        let begin = start;
        start += piece.len();
        let host = piece.trim_end_matches(|character| !is_in_host(character));
        if !is_www(host) && !is_host(host) {
            continue;
        }
        let rest = word.get(begin..).unwrap_or_default();
        let behind = rest.get(host.len()..).unwrap_or_default();
        if is_www(host) || behind.starts_with(['/', '?', '#', ':']) {
            return add(begin, rest);
        }
        add(begin, host);
    }
}

fn is_in_host(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character) || "-._+@".contains(character)
}

fn is_www(host: &str) -> bool {
    host.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("www."))
}

/// Dot-separated labels, the last of at least two ASCII letters, perhaps with a name and `@` in front.
fn is_host(text: &str) -> bool {
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let Some((labels, top)) = host.trim_end_matches('.').rsplit_once('.') else {
        return false;
    };
    let is_label = |label: &str| {
        let is_in_label = |character: char| !"._+@".contains(character) && is_in_host(character);
        label.starts_with(char::is_alphanumeric) && label.chars().all(is_in_label)
    };
    let is_top = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_top && labels.split('.').all(is_label)
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
