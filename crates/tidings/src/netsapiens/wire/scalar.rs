//! The single values of the API's JSON, whose form differs from server to server: texts that come as
//! numbers, numbers that come as texts, one text in the place of a list. Part of `wire`; the events
//! of `callback` are made of them as well.
//!
//! What is not set comes as `null`, as `""`, or not at all, and PHP writes what is empty as `[]` or
//! `{}`: all of that is read as the same.

use std::fmt;

use base64::display::Base64Display;
use base64::prelude::BASE64_STANDARD;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::read::Expected;

/// A text, or a number or truth value in the place of one, kept as it stands in the JSON: the
/// vendor's servers write texts that are all digits as numbers. `null` and a missing member are the
/// empty text, as `""` is for the vendor. `Debug` shows its length: it may be a text, a number or a
/// secret.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Text(pub String);

impl Text {
    /// The text, unless it is empty.
    pub fn get(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Anything(text) = Anything::deserialize(from)?;
        match text {
            Token::Text(text) => Ok(Self(text)),
            Token::List(_) | Token::Object(_) => Err(D::Error::custom(Expected::Text)),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// Reads the text of a message, which may be anything: a list or an object is kept as it stands in
/// the JSON.
pub(super) fn any_text<'de, D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
    let Anything(token) = Anything::deserialize(from)?;
    Ok(match token {
        Token::Text(text) | Token::List(text) | Token::Object(text) => Text(text),
    })
}

/// Any value of JSON.
struct Anything(Token);

enum Token {
    /// A text without its quotes, a number or truth value as it stands, or nothing.
    Text(String),
    /// A list as it stands.
    List(String),
    /// An object as it stands.
    Object(String),
}

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The characters of a number are kept by nothing but a raw value: `20` digits fit no type,
        // and `1.10` is no `1.1`.
        let raw = Box::<RawValue>::deserialize(from)?;
        let json = String::from(Box::<str>::from(raw));
        let token = match json.as_bytes().first() {
            Some(b'"') => Token::Text(unquoted(json).map_err(D::Error::custom)?),
            Some(b'n') => Token::Text(String::new()),
            Some(b'[' | b'{') if is_empty(&json) => Token::Text(String::new()),
            Some(b'[') => Token::List(json),
            Some(b'{') => Token::Object(json),
            _ => Token::Text(json),
        };
        Ok(Self(token))
    }
}

/// Whether there is nothing between the brackets.
fn is_empty(json: &str) -> bool {
    json.get(1..json.len() - 1)
        .is_some_and(|within| within.trim().is_empty())
}

/// A text of JSON without its quotes. One without escapes stays in its place.
fn unquoted(mut json: String) -> Result<String, Expected> {
    if json.contains('\\') {
        return serde_json::from_str(&json).map_err(|_| Expected::Text);
    }
    json.pop();
    json.remove(0);
    Ok(json)
}

/// A whole number, or the text of one, or one with a fraction of zeros. What is missing, `null` or
/// empty is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Whole(pub Option<i64>);

impl Whole {
    pub(super) fn is_unset(&self) -> bool {
        self.0.is_none()
    }
}

impl From<i64> for Whole {
    fn from(number: i64) -> Self {
        Self(Some(number))
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom(Expected::WholeNumber);
        let Anything(Token::Text(text)) = Anything::deserialize(from)? else {
            return Err(wrong());
        };
        match text.trim() {
            "" => Ok(Self(None)),
            text => whole(text)
                .map(|number| Self(Some(number)))
                .ok_or_else(wrong),
        }
    }
}

/// `3600`, `3600.0` and `3.6e3`.
fn whole(text: &str) -> Option<i64> {
    // Above it not every whole number has a value of its own.
    const EXACT_UP_TO: f64 = 9_007_199_254_740_992.0;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    if !text.ends_with(|last: char| last.is_ascii_digit()) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let is_whole = number.fract() == 0.0 && number.abs() < EXACT_UP_TO;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
    is_whole.then_some(number as i64)
}

/// `yes` or `no`; read in every form in which the vendor's servers say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct YesNo(pub Option<bool>);

impl YesNo {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(super) fn is_unset(&self) -> bool {
        self.0.is_none()
    }
}

impl From<bool> for YesNo {
    fn from(is_so: bool) -> Self {
        Self(Some(is_so))
    }
}

impl Serialize for YesNo {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(true) => to.serialize_str("yes"),
            Some(false) => to.serialize_str("no"),
            None => to.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for YesNo {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom(Expected::YesOrNo);
        let Anything(Token::Text(text)) = Anything::deserialize(from)? else {
            return Err(wrong());
        };
        match text.trim().to_ascii_lowercase().as_str() {
            "" => Ok(Self(None)),
            "yes" | "true" | "1" => Ok(Self(Some(true))),
            "no" | "false" | "0" => Ok(Self(Some(false))),
            _ => Err(wrong()),
        }
    }
}

/// Writes it as one of JSON's own truth values, as the vendor's servers do for some members.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub(super) fn as_boolean<S: Serializer>(value: &YesNo, to: S) -> Result<S::Ok, S::Error> {
    value.0.serialize(to)
}

/// One text or a list of them; what is not set is an empty list. Written as one text where there is
/// one. `Debug` shows how many: they may be phone numbers.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OneOrMore(pub Vec<String>);

impl OneOrMore {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for OneOrMore {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            // One that is empty would be read as none.
            [one] if !one.is_empty() => to.serialize_str(one),
            several => several.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneOrMoreVisitor)
    }
}

struct OneOrMoreVisitor;

impl<'de> Visitor<'de> for OneOrMoreVisitor {
    type Value = OneOrMore;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Expected::TextOrList, f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMore, A::Error> {
        let mut texts = Vec::new();
        while let Some(Text(text)) = items.next_element()? {
            texts.push(text);
        }
        Ok(OneOrMore(texts))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<OneOrMore, E> {
        let texts = Some(text.to_owned()).filter(|text| !text.is_empty());
        Ok(OneOrMore(texts.into_iter().collect()))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<OneOrMore, E> {
        Ok(OneOrMore::default())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<OneOrMore, E> {
        Ok(OneOrMore(vec![number.to_string()]))
    }

    // What it is instead is left out of the errors: it may be anything, a phone number among them.
    fn visit_map<A: MapAccess<'de>>(self, _members: A) -> Result<OneOrMore, A::Error> {
        Err(A::Error::custom(Expected::TextOrList))
    }

    fn visit_i64<E: serde::de::Error>(self, _number: i64) -> Result<OneOrMore, E> {
        Err(E::custom(Expected::TextOrList))
    }

    fn visit_f64<E: serde::de::Error>(self, _number: f64) -> Result<OneOrMore, E> {
        Err(E::custom(Expected::TextOrList))
    }

    fn visit_bool<E: serde::de::Error>(self, _value: bool) -> Result<OneOrMore, E> {
        Err(E::custom(Expected::TextOrList))
    }
}

impl fmt::Debug for OneOrMore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OneOrMore({})", self.0.len())
    }
}

/// Bytes that are written as the text of their base64, piece by piece into whatever is written to:
/// that text is nowhere held by itself. `Debug` shows how many they are.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Base64<'a>(pub &'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Base64Display::new(self.0, &BASE64_STANDARD))
    }
}

impl fmt::Debug for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64({} bytes)", self.0.len())
    }
}
