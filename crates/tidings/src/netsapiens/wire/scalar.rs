//! The single values of the API's JSON, whose form differs from server to server: texts that come as
//! numbers, numbers that come as texts, lists of one that come as the one. Part of `wire`.

use std::fmt;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A text, or anything else in the place of one, kept as it stands in the JSON: the vendor's servers
/// write texts that are all digits as numbers. `null` and a missing member are the empty text, as
/// `""` is for the vendor. `Debug` shows its length: it may be a text, a number or a secret.
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
        let raw = Box::<RawValue>::deserialize(from)?;
        let json = raw.get();
        match json.bytes().next() {
            Some(b'"') => serde_json::from_str(json)
                .map(Self)
                .map_err(D::Error::custom),
            Some(b'n') => Ok(Self::default()),
            _ => Ok(Self(json.to_owned())),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// A whole number, or the text of one. What is missing, `null` or empty is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Whole(pub Option<i64>);

impl From<i64> for Whole {
    fn from(number: i64) -> Self {
        Self(Some(number))
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(from)?;
        match text.0.trim() {
            "" => Ok(Self(None)),
            text => text
                .parse()
                .map(|number| Self(Some(number)))
                .map_err(|_| D::Error::custom("expected a whole number")),
        }
    }
}

/// `yes` or `no`; read in every form in which the vendor's servers say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct YesNo(pub Option<bool>);

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
        let text = Text::deserialize(from)?;
        match text.0.trim().to_ascii_lowercase().as_str() {
            "" => Ok(Self(None)),
            "yes" | "true" | "1" => Ok(Self(Some(true))),
            "no" | "false" | "0" => Ok(Self(Some(false))),
            _ => Err(D::Error::custom("expected yes or no")),
        }
    }
}

/// A list, of which a single row may come without the brackets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Rows<T>(pub Vec<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        let json = raw.get();
        let rows = match json.bytes().next() {
            Some(b'[') => serde_json::from_str(json).map(Self),
            _ => serde_json::from_str(json).map(|row| Self(vec![row])),
        };
        rows.map_err(D::Error::custom)
    }
}
