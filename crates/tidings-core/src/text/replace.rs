//! Replacement: a text that would need UTF-16 or many parts, rewritten in characters of the GSM alphabet. Called by `plan`.
//!
//! Tries the mildest rewriting first and takes a stronger one only for fewer parts. Every change is reported with its place in the
//! original. Which character may stand for which is in `replace_table`, generated from Unicode data; here is when.

use super::gsm7::Code;
use super::{
    Change, Encoding, Plan, Policy, Replacement, ShiftTables, TextError, protect, replace_table,
};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// How much may change, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Degree {
    /// Normalisation form C, and nothing else.
    Composed,
    Typography,
    Accents,
}

/// What the rewritten text is meant to be sent in.
#[derive(Debug, Clone, Copy)]
enum Target {
    Septets(ShiftTables),
    /// It stays in UTF-16: only what makes it shorter without loss is worth a change.
    CodeUnits,
}

/// Makes of the plan of a text as written the one with the fewest parts that the policy's level allows.
pub(super) fn improve(best: &mut Plan<'_>, policy: Policy) -> Result<(), TextError> {
    let level = policy.replacement;
    // Nothing in the default alphabet is ever replaced, so nothing could become shorter.
    if best.encoding() == Encoding::Gsm7 && best.shift_tables() == ShiftTables::NONE {
        return Ok(());
    }
    let original = best.original();
    let degrees: &[Degree] = match level {
        Replacement::Off => &[],
        Replacement::Typography => &[Degree::Composed, Degree::Typography],
        Replacement::Accents | Replacement::Strict => {
            &[Degree::Composed, Degree::Typography, Degree::Accents]
        }
    };
    let must_be_septets = level == Replacement::Strict;
    let mut refusal = None;
    let addresses = protect::addresses(original);
    for (degree, target) in attempts(degrees, policy) {
        let rewritten = Rewriter {
            original,
            addresses: &addresses,
            degree,
            target,
        }
        .rewrite();
        if let Some(outside) = rewritten.outside {
            refusal = Some(outside);
        }
        if rewritten.changes.is_empty() {
            continue;
        }
        let plan = Plan::changed(original, rewritten.text, rewritten.changes, policy);
        let is_septets = plan.encoding() == Encoding::Gsm7;
        let is_first_septets = must_be_septets && best.encoding() == Encoding::Ucs2 && is_septets;
        let is_shorter =
            plan.parts_needed() < best.parts_needed() && (is_septets || !must_be_septets);
        if is_first_septets || is_shorter {
            *best = plan;
        }
    }
    match refusal {
        Some(Outside { position, count })
            if must_be_septets && best.encoding() == Encoding::Ucs2 =>
        {
            Err(TextError::Unencodable { position, count })
        }
        _ => Ok(()),
    }
}

/// The rewritings to try, the mildest first; the last is the strongest for the default alphabet.
fn attempts(degrees: &[Degree], policy: Policy) -> impl Iterator<Item = (Degree, Target)> {
    let national = policy.national;
    degrees.iter().flat_map(move |&degree| {
        let national = ShiftTables::allowed_by(national).map(Target::Septets);
        let targets = [Target::CodeUnits]
            .into_iter()
            .chain(national)
            .chain([Target::Septets(ShiftTables::NONE)]);
        targets.map(move |target| (degree, target))
    })
}

/// Characters that a rewriting leaves outside the alphabet.
#[derive(Debug, Clone, Copy)]
struct Outside {
    position: usize,
    count: usize,
}

struct Rewritten<'t> {
    text: String,
    changes: Vec<Change<'t>>,
    outside: Option<Outside>,
}

/// One way of rewriting one text.
struct Rewriter<'t, 'a> {
    original: &'t str,
    addresses: &'a [Range<usize>],
    degree: Degree,
    target: Target,
}

impl<'t> Rewriter<'t, '_> {
    fn rewrite(&self) -> Rewritten<'t> {
        let mut rewritten = Rewritten {
            text: String::with_capacity(self.original.len()),
            changes: Vec::new(),
            outside: None,
        };
        for (position, piece) in pieces(self.original) {
            if self.is_in_address(position) {
                for (offset, character) in piece.char_indices() {
                    self.keep(character, position + offset, &mut rewritten);
                }
            } else if is_composed(piece) {
                for (offset, character) in piece.char_indices() {
                    self.rewrite_character(position + offset, character, &mut rewritten);
                }
            } else {
                self.rewrite_sequence(position, piece, &mut rewritten);
            }
        }
        rewritten
    }

    fn is_in_address(&self, position: usize) -> bool {
        let next = self
            .addresses
            .partition_point(|address| address.end <= position);
        self.addresses
            .get(next)
            .is_some_and(|address| address.contains(&position))
    }

    /// A character that normalisation leaves alone.
    fn rewrite_character(&self, position: usize, character: char, rewritten: &mut Rewritten<'t>) {
        let end = position + character.len_utf8();
        let Some(replacement) = self.replacement(character, position..end) else {
            return self.keep(character, position, rewritten);
        };
        rewritten.text.push_str(&replacement);
        let original = self.original.get(position..end).unwrap_or_default();
        rewritten.changes.push(Change {
            position,
            original,
            replacement,
        });
    }

    /// A sequence that normalisation composes, perhaps into characters that are then replaced: reported as one change.
    fn rewrite_sequence(&self, position: usize, piece: &'t str, rewritten: &mut Rewritten<'t>) {
        let start = rewritten.text.len();
        for character in piece.nfc() {
            match self.replacement(character, position..position + piece.len()) {
                Some(replacement) => rewritten.text.push_str(&replacement),
                None => self.keep(character, position, rewritten),
            }
        }
        let composed = rewritten.text.get(start..).unwrap_or_default();
        if composed != piece {
            let replacement = Cow::Owned(composed.to_owned());
            rewritten.changes.push(Change {
                position,
                original: piece,
                replacement,
            });
        }
    }

    fn keep(&self, character: char, position: usize, rewritten: &mut Rewritten<'t>) {
        rewritten.text.push(character);
        if self.code(character).is_none() {
            rewritten
                .outside
                .get_or_insert(Outside { position, count: 0 })
                .count += 1;
        }
    }

    /// What stands for a character at this place of the original; `None` where it stays.
    fn replacement(&self, character: char, place: Range<usize>) -> Option<Cow<'static, str>> {
        let entry = TABLE
            .get(&character)
            .filter(|entry| entry.degree <= self.degree)?;
        let is_wanted = match self.target {
            Target::Septets(_) => self.code(character).is_none(),
            Target::CodeUnits => entry.is_invisible,
        };
        if !is_wanted {
            return None;
        }
        let before = self
            .original
            .get(..place.start)
            .and_then(|text| text.chars().next_back());
        let after = self
            .original
            .get(place.end..)
            .and_then(|text| text.chars().next());
        let (digit_before, digit_after) = (is_digit(before), is_digit(after));
        let is_in_digits = digit_before && digit_after && entry.replacement.is_empty();
        let is_beside_digit =
            (digit_before || digit_after) && (entry.is_guarded || character.is_numeric());
        if is_in_digits || is_beside_digit {
            return None;
        }
        let is_upper = |neighbour: Option<char>| neighbour.is_some_and(char::is_uppercase);
        if entry.replacement.len() > 1
            && character.is_uppercase()
            && (is_upper(before) || is_upper(after))
        {
            return Some(entry.replacement.to_uppercase().into()); // the ligature in an upper-case word
        }
        Some(Cow::Borrowed(entry.replacement))
    }

    fn code(&self, character: char) -> Option<Code> {
        match self.target {
            Target::Septets(tables) => tables.code(character),
            Target::CodeUnits => ShiftTables::NONE.code(character),
        }
    }
}

fn is_digit(character: Option<char>) -> bool {
    character.is_some_and(char::is_numeric)
}

/// Cuts a text where normalisation cannot compose across: before starters that are stable under it.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    let mut position = 0;
    std::iter::from_fn(move || {
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, character)| is_boundary(*character));
        let (piece, after) = rest.split_at_checked(end.map_or(rest.len(), |(end, _)| end))?;
        let start = position;
        rest = after;
        position += piece.len();
        (!piece.is_empty()).then_some((start, piece))
    })
}

fn is_boundary(character: char) -> bool {
    character.is_ascii()
        || canonical_combining_class(character) == 0
            && is_nfc_quick([character].into_iter()) == IsNormalized::Yes
}

fn is_composed(piece: &str) -> bool {
    is_nfc_quick(piece.chars()) == IsNormalized::Yes || piece.nfc().eq(piece.chars())
}

/// A row of the generated table.
#[derive(Debug, Clone, Copy)]
struct Entry {
    replacement: &'static str,
    degree: Degree,
    /// Left out in any text.
    is_invisible: bool,
    /// Misleading beside a digit: ten to the power of two would become one hundred and two.
    is_guarded: bool,
}

static TABLE: LazyLock<HashMap<char, Entry>> = LazyLock::new(|| {
    let entry = |degree| Entry {
        replacement: "",
        degree,
        is_invisible: false,
        is_guarded: false,
    };
    let lists = [
        (
            replace_table::INVISIBLE,
            Entry {
                is_invisible: true,
                ..entry(Degree::Typography)
            },
        ),
        (replace_table::TYPOGRAPHY, entry(Degree::Typography)),
        (replace_table::ACCENTS, entry(Degree::Accents)),
        (
            replace_table::GUARDED,
            Entry {
                is_guarded: true,
                ..entry(Degree::Accents)
            },
        ),
    ];
    let rows = lists.into_iter().flat_map(|(list, entry)| {
        let row = move |&(replacement, characters): &(&'static str, &'static str)| {
            characters.chars().map(move |character| {
                (
                    character,
                    Entry {
                        replacement,
                        ..entry
                    },
                )
            })
        };
        list.iter().flat_map(row)
    });
    rows.collect()
});
