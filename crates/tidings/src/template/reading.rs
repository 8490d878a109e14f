//! What a template mentions, found before the engine compiles it: its fields, filters and tests, and
//! whatever it may not hold.
//!
//! Called by `mod.rs`. It splits tags into tokens exactly as the engine does, as far as templates
//! may go: raw blocks and braces inside tags, with which the two could come apart, are refused.

use std::collections::BTreeSet;

use super::TemplateError;

/// All fields under their own names, for those that are no identifiers: `{{ row["first name"] }}`.
pub(super) const ROW: &str = "row";

/// How long an expression may be. The engine works through one by calling itself, so a longer one
/// could take more stack than a thread has.
const MAX_TOKENS_IN_TAG: usize = 100;
/// How many alternatives conditions may have in one template: they nest like expressions.
const MAX_ALTERNATIVES: usize = 100;

/// What a template mentions.
#[derive(Clone, Debug, Default)]
pub(super) struct Mentions {
    /// Sorted, each once.
    pub(super) fields: Vec<String>,
    /// Whether fields are looked up through [`ROW`].
    pub(super) whole_row: bool,
    pub(super) filters: BTreeSet<String>,
    pub(super) tests: BTreeSet<String>,
    n_alternatives: usize,
}

impl Mentions {
    /// Whether the template may read a field of this name. A name that is made while rendering can
    /// be any.
    pub(super) fn reads(&self, name: &str) -> bool {
        self.whole_row || self.fields.iter().any(|field| field == name)
    }
}

/// Reads a template's tags.
///
/// # Errors
/// [`TemplateError::NotAllowed`] for what templates may not hold. What is no template at all is left
/// for the engine to say.
pub(super) fn read(source: &str) -> Result<Mentions, TemplateError> {
    let mut mentions = Mentions::default();
    let mut fields = BTreeSet::new();
    let mut rest = source;
    while let Some((kind, inside)) = next_tag(rest) {
        let end = match kind {
            '#' => inside.split_once("#}").map(|(_, rest)| rest),
            '%' => {
                let (tokens, rest) = tokens(inside, "%}")?;
                note_block(&tokens, &mut mentions, &mut fields)?;
                rest
            }
            _ => {
                let (tokens, rest) = tokens(inside, "}}")?;
                note(&tokens, &mut mentions, &mut fields);
                rest
            }
        };
        // A tag without an end: the engine says where.
        let Some(end) = end else { break };
        rest = end;
    }
    mentions.fields = fields.into_iter().collect();
    Ok(mentions)
}

/// The kind of the next tag and what follows its opening.
fn next_tag(source: &str) -> Option<(char, &str)> {
    let mut rest = source;
    loop {
        let (_, after) = rest.split_once('{')?;
        match after.chars().next() {
            Some(kind @ ('{' | '%' | '#')) => {
                return after.strip_prefix(kind).map(|inside| (kind, inside));
            }
            _ => rest = after,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'s> {
    Name(&'s str),
    /// Without its quotation marks; with its escapes, which no name of a field has.
    Quoted(&'s str),
    Number,
    Sign(char),
}

/// The tokens up to the end of the tag, and what follows it; `None` where it has no end.
fn tokens<'s>(
    inside: &'s str,
    end: &str,
) -> Result<(Vec<Token<'s>>, Option<&'s str>), TemplateError> {
    let mut tokens = Vec::new();
    let mut rest = inside;
    loop {
        if let Some(after) = rest.strip_prefix(end) {
            return Ok((tokens, Some(after)));
        }
        if tokens.len() > MAX_TOKENS_IN_TAG {
            return Err(not_allowed("so long an expression"));
        }
        let Some(first) = rest.chars().next() else {
            return Ok((tokens, None));
        };
        let length = match first {
            '"' | '\'' => {
                let Some((quoted, length)) = quoted(rest, first) else {
                    return Ok((tokens, None));
                };
                tokens.push(Token::Quoted(quoted));
                length
            }
            '*' => return Err(not_allowed("multiplication")),
            '{' | '}' => return Err(not_allowed("braces inside a tag")),
            _ if is_part_of_name(first) => {
                let length = rest.find(|c| !is_part_of_name(c)).unwrap_or(rest.len());
                let name = rest.get(..length).unwrap_or_default();
                tokens.push(if first.is_ascii_digit() {
                    Token::Number
                } else {
                    Token::Name(name)
                });
                length
            }
            _ => {
                if !first.is_whitespace() {
                    tokens.push(Token::Sign(first));
                }
                first.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// What stands in quotation marks at the start of `rest`, and how far it goes with them.
fn quoted(rest: &str, mark: char) -> Option<(&str, usize)> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == mark {
            return Some((rest.get(1..at)?, at + 1));
        }
    }
    None
}

/// More than the engine takes for a name; it refuses what is none.
fn is_part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || !(c.is_ascii() || c.is_whitespace())
}

fn note_block(
    tokens: &[Token<'_>],
    mentions: &mut Mentions,
    fields: &mut BTreeSet<String>,
) -> Result<(), TemplateError> {
    // A sign that takes away the white space before the tag.
    let tokens = match tokens {
        [Token::Sign('-' | '+'), tokens @ ..] | tokens => tokens,
    };
    match tokens {
        [
            Token::Name(name @ ("if" | "elif" | "else" | "endif")),
            tokens @ ..,
        ] => {
            mentions.n_alternatives += usize::from(*name == "elif");
            if mentions.n_alternatives > MAX_ALTERNATIVES {
                return Err(not_allowed("so many elif"));
            }
            note(tokens, mentions, fields);
            Ok(())
        }
        [Token::Name(name), ..] => Err(not_allowed(name)),
        // The engine says what it expected.
        _ => Ok(()),
    }
}

/// Words of the expression language that are no fields.
const WORDS: [&str; 14] = [
    "if",
    "else",
    "and",
    "or",
    "not",
    "in",
    "is",
    "true",
    "True",
    "false",
    "False",
    "none",
    "None",
    "recursive",
];

fn note(tokens: &[Token<'_>], mentions: &mut Mentions, fields: &mut BTreeSet<String>) {
    for (at, token) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let before_that = at.checked_sub(2).and_then(|before| tokens.get(before));
        let after = tokens.get(at + 1..).unwrap_or_default();
        match (before_that, before) {
            (_, Some(Token::Sign('|'))) => {
                mentions.filters.insert((*name).to_owned());
            }
            (_, Some(Token::Name("is"))) if *name == "not" => {}
            (_, Some(Token::Name("is"))) | (Some(Token::Name("is")), Some(Token::Name("not"))) => {
                mentions.tests.insert((*name).to_owned());
            }
            (_, Some(Token::Sign('.'))) => {}
            _ if WORDS.contains(name) || is_argument_name(after) => {}
            _ if *name == ROW => {
                mentions.whole_row = true;
                match after {
                    [Token::Sign('.'), Token::Name(field), ..]
                    | [Token::Sign('['), Token::Quoted(field), Token::Sign(']'), ..] => {
                        fields.insert((*field).to_owned());
                    }
                    _ => {}
                }
            }
            _ => {
                fields.insert((*name).to_owned());
            }
        }
    }
}

/// `name=` and not `name ==`.
fn is_argument_name(after: &[Token<'_>]) -> bool {
    matches!(after, [Token::Sign('='), second, ..] if *second != Token::Sign('='))
}

fn not_allowed(what: &str) -> TemplateError {
    TemplateError::NotAllowed {
        what: what.to_owned(),
    }
}
