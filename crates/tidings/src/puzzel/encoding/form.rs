//! Documents as names and values: the body of a form and the query of a GET. A name is the path of a
//! value, with dots between members and a position in brackets behind a list's name, as in
//! `message[0].settings.priority`.
//!
//! What the vendor's own servers would read stays readable here; what could be read in two ways is
//! refused: a name that comes twice, a position that is left out, bytes that are not UTF-8.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fields::{self, Field, Kind};
use super::walk::{self, Fault, Sink};
use super::{Document, Unreadable, Unwritable, json, utf8, wrong};

/// More than a thousand messages with every field there is and five parameters each.
const MAX_PAIRS: usize = 100_000;

/// The documents have five levels.
const MAX_DEPTH: usize = 8;

/// What a name has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// As the vendor spells it: the body of a form.
    Exact,
    /// In any casing: the query of a GET, which one of the vendor's clients writes in its own casing.
    AnyCasing,
}

/// Reads a document.
pub(super) fn read<T: Document + DeserializeOwned>(
    pairs: &[u8],
    names: Names,
) -> Result<T, Unreadable> {
    let pairs = utf8(pairs)?;
    let mut root = Members::new();
    for (count, pair) in pairs.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count >= MAX_PAIRS {
            return Err(wrong("", "has more values than are accepted"));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name).ok_or_else(|| wrong("", "has a name that is not UTF-8"))?;
        put(&mut root, &name, value, names)?;
    }
    json::from_tree(&object(root, "")?)
}

/// Writes a document as the body of a form.
pub(super) fn write<T: Document>(document: &T) -> Result<String, Unwritable> {
    written(document, Brackets::Encoded)
}

/// Writes a document as a query, with bare brackets as in the vendor's samples.
pub(super) fn write_query<T: Document>(document: &T) -> Result<String, Unwritable> {
    written(document, Brackets::Bare)
}

// ---- reading ----

type Members = BTreeMap<&'static str, Node>;

enum Node {
    Text(String),
    Object(Members),
    /// By position. The positions of a whole list have no gap; that is looked at when all are there.
    List(BTreeMap<u32, Members>),
}

/// Puts one value where its name says.
fn put(root: &mut Members, name: &str, value: &str, names: Names) -> Result<(), Unreadable> {
    let mut members = root;
    let mut at = String::new();
    let mut parts = name.split('.').peekable();
    let mut depth = 0;
    while let Some(part) = parts.next() {
        depth += 1;
        if depth > MAX_DEPTH {
            return Err(wrong(at, "has a name of too many levels"));
        }
        let (word, position) = part
            .split_once('[')
            .map_or((part, None), |(word, position)| (word, Some(position)));
        let found = match names {
            Names::Exact => fields::named(word),
            Names::AnyCasing => fields::named_in_any_casing(word),
        };
        // What is not known is passed over, as in the other forms.
        let Some(Field { name, kind }) = found else {
            return Ok(());
        };
        if !at.is_empty() {
            at.push('.');
        }
        at.push_str(name);
        members = match (kind, position) {
            (Kind::ListOfObjects, Some(position)) => {
                let position = read_position(position)
                    .ok_or_else(|| wrong(&at, "has a position that cannot be read"))?;
                write!(at, "[{position}]").expect("a String takes everything");
                let node = members
                    .entry(name)
                    .or_insert_with(|| Node::List(BTreeMap::new()));
                let Node::List(items) = node else {
                    return Err(wrong(at, "is there twice"));
                };
                items.entry(position).or_default()
            }
            (Kind::ListOfObjects, None) => {
                return Err(wrong(
                    &at,
                    format!("is a list, whose items have names such as {name}[0]"),
                ));
            }
            (_, Some(_)) => return Err(wrong(at, "is no list, but has a position")),
            (Kind::Object, None) => {
                let node = members
                    .entry(name)
                    .or_insert_with(|| Node::Object(Members::new()));
                let Node::Object(inner) = node else {
                    return Err(wrong(at, "is there twice"));
                };
                inner
            }
            (Kind::Text | Kind::Phone | Kind::Figure, None) => {
                if parts.peek().is_some() {
                    return Err(wrong(at, "is a single value, but has members"));
                }
                return put_value(members, Field { name, kind }, value, at);
            }
        };
    }
    if value.is_empty() {
        Ok(())
    } else {
        Err(wrong(at, "has to be an object, whose members follow a dot"))
    }
}

fn put_value(
    members: &mut Members,
    field: Field,
    value: &str,
    at: String,
) -> Result<(), Unreadable> {
    let Some(mut text) = decode(value) else {
        return Err(wrong(at, "is not UTF-8"));
    };
    if field.kind == Kind::Figure && text.trim().is_empty() {
        return Ok(());
    }
    // The plus of a number that was not encoded means a blank.
    if field.kind == Kind::Phone && value.starts_with('+') && is_number(&text) {
        text.replace_range(..1, "+");
    }
    match members.insert(field.name, Node::Text(text)) {
        None => Ok(()),
        Some(_) => Err(wrong(at, "is there twice")),
    }
}

fn is_number(text: &str) -> bool {
    let mut characters = text.chars().skip(1);
    characters.next().is_some_and(|c| c.is_ascii_digit())
        && characters.all(|c| c.is_ascii_digit() || c == ' ')
}

/// The position before the closing bracket: digits alone, because a sign would make a second name
/// for the same place.
fn read_position(text: &str) -> Option<u32> {
    let digits = text.strip_suffix(']')?;
    let is_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| digits.parse().ok()).flatten()
}

/// Takes off the encoding of a name or a value; none if what is left is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let blanks = text.replace('+', " ");
    let decoded = percent_decode_str(&blanks).decode_utf8();
    decoded.ok().map(std::borrow::Cow::into_owned)
}

fn object(members: Members, at: &str) -> Result<Value, Unreadable> {
    let mut object = Map::new();
    for (name, node) in members {
        let dot = if at.is_empty() { "" } else { "." };
        let value = match node {
            Node::Text(text) => Value::String(text),
            Node::Object(inner) => self::object(inner, &format!("{at}{dot}{name}"))?,
            Node::List(items) => list(items, &format!("{at}{dot}{name}"))?,
        };
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object))
}

fn list(items: BTreeMap<u32, Members>, at: &str) -> Result<Value, Unreadable> {
    let mut list = Vec::with_capacity(items.len());
    for (expected, (position, members)) in (0..).zip(items) {
        let at = format!("{at}[{expected}]");
        if position != expected {
            return Err(wrong(at, "is missing, but later items are there"));
        }
        list.push(object(members, &at)?);
    }
    Ok(Value::Array(list))
}

// ---- writing ----

#[derive(Clone, Copy, PartialEq, Eq)]
enum Brackets {
    Bare,
    Encoded,
}

fn written<T: Document>(document: &T, brackets: Brackets) -> Result<String, Unwritable> {
    let mut pairs = Pairs {
        text: String::new(),
        brackets,
    };
    walk::walk(document, &mut pairs)?;
    Ok(pairs.text)
}

struct Pairs {
    text: String,
    brackets: Brackets,
}

impl Sink for Pairs {
    fn open(&mut self, _name: &str) -> Result<(), Fault> {
        Ok(())
    }

    /// An object without members is written as an empty value: without it the positions of a list
    /// would have a gap.
    fn close(&mut self, path: &str, _name: &str, is_empty: bool) {
        if is_empty && !path.is_empty() {
            self.name(path);
        }
    }

    fn value(&mut self, path: &str, name: &str, text: &str) -> Result<(), Fault> {
        self.name(path);
        let is_phone = fields::named(name).is_some_and(|field| field.kind == Kind::Phone);
        let rest = match text.strip_prefix(' ') {
            // Written as a plus, the blank would be taken for the plus of a number.
            Some(rest) if is_phone => {
                self.text.push_str("%20");
                rest
            }
            _ => text,
        };
        self.text
            .extend(form_urlencoded::byte_serialize(rest.as_bytes()));
        Ok(())
    }
}

impl Pairs {
    fn name(&mut self, path: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        for part in path.split_inclusive(['[', ']']) {
            match (self.brackets, part.strip_suffix(['[', ']'])) {
                (Brackets::Bare, Some(word)) => {
                    let bracket = part.strip_prefix(word).unwrap_or_default();
                    self.text
                        .extend(form_urlencoded::byte_serialize(word.as_bytes()));
                    self.text.push_str(bracket);
                }
                _ => self
                    .text
                    .extend(form_urlencoded::byte_serialize(part.as_bytes())),
            }
        }
        self.text.push('=');
    }
}
