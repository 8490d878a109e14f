//! The single values of PassInfo's JSON whose form differs from answer to answer: ids, numbers and
//! keys. Part of `wire.rs`, which exports them; no logic but reading both forms.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// An id: a JSON string, or a JSON number of any size, kept as the text that it was. Written as a
/// string. Reads from `serde_json` only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        string_or_number(from, "an id").map(Self)
    }
}

/// A phone number as it was written: a JSON string, or a JSON number as from a program that keeps
/// numbers as integers. Written as a string. Reads from `serde_json` only.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Phone(pub String);

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        string_or_number(from, "a phone number").map(Self)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({} bytes)", self.0.len())
    }
}

/// A key: a JSON string, or a JSON number where it is all digits. Written as a string. `Debug` shows
/// that there is one. Reads from `serde_json` only.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Key(pub String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        string_or_number(from, "a key").map(Self)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// A whole number: a JSON number without a fraction, or a string of one. Written as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Integer(pub i64);

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = string_or_number(from, "a whole number")?;
        let text = text.trim();
        // `100.0` is how some programs write a hundred.
        let whole = text
            .split_once('.')
            .filter(|(_, fraction)| fraction.bytes().all(|digit| digit == b'0'))
            .map_or(text, |(whole, _)| whole);
        whole
            .parse()
            .map(Self)
            .map_err(|_| D::Error::custom("expected a whole number"))
    }
}

/// The text of a JSON string, or the digits of a JSON number exactly as they stand: a number of
/// twenty digits would not survive the way through a float.
fn string_or_number<'de, D: Deserializer<'de>>(
    from: D,
    expected: &'static str,
) -> Result<String, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    let json = raw.get();
    match json.bytes().next() {
        Some(b'"') => serde_json::from_str(json).map_err(D::Error::custom),
        Some(b'-' | b'0'..=b'9') => Ok(json.to_owned()),
        // The value itself is left out: it may be anything, a number of a person among them.
        _ => Err(D::Error::custom(format_args!(
            "expected {expected}, a string or a number"
        ))),
    }
}
