//! How documents are read: members that stand in an object twice, under two names or with the same
//! one; lists of one without the brackets; and which member is wrong when one is. Part of `wire`.
//!
//! Every document names its members once, with [`reads!`]. Members that no document has are passed
//! over.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::error::Category;

use super::scalar::{OneOrMore, Text, Whole, YesNo};

/// Reads the JSON of a body.
///
/// # Errors
/// [`ReadError`] names the member, and in lists the row: one bad row makes the list unreadable,
/// because whoever looks for a message in it must not take it for one that is not there.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(body).map_err(|error| explain::<T>(body, &error))
}

/// Reads a form, or the query of a URL, as if it were an object of texts.
///
/// # Errors
/// [`ReadError::Wrong`].
pub fn read_form<T: DeserializeOwned>(form: &[u8]) -> Result<T, ReadError> {
    let mut members = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(form) {
        if !(value.is_empty() && members.contains_key(&*name)) {
            members.insert(name.into_owned(), value.into_owned().into());
        }
    }
    serde_path_to_error::deserialize(serde_json::Value::Object(members))
        .map_err(|error| ReadError::Wrong(FieldFault::of(&error)))
}

/// Why a body cannot be read. Shows nothing of what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// It is no JSON, or ends too early.
    NotJson {
        /// The line that stopped it, from 1 on.
        line: usize,
        /// The column in it.
        column: usize,
    },
    /// Something else stands in a place than belongs there.
    Wrong(FieldFault),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => {
                write!(f, "no valid JSON (line {line}, column {column})")
            }
            Self::Wrong(fault) => fmt::Display::fmt(fault, f),
        }
    }
}

impl std::error::Error for ReadError {}

/// A member that holds something else than belongs there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldFault {
    /// Which one, by its name on the wire: `expires_in`, in lists `[3].media-size`, and
    /// `destination[1]`. Empty for the document itself.
    pub field: Cow<'static, str>,
    /// What belongs there.
    pub expected: Expected,
}

impl FieldFault {
    /// A member that holds something else than is expected.
    pub fn new(field: impl Into<Cow<'static, str>>, expected: Expected) -> Self {
        Self {
            field: field.into(),
            expected,
        }
    }

    fn of(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = error.path();
        // The root's path would be shown as a dot.
        let field = path.iter().next().map_or_else(String::new, |_| {
            // The vendor's examples have a member whose name ends with a blank.
            path.to_string().trim_end().to_owned()
        });
        let sentence = error.inner().to_string();
        let expected = Expected::ALL
            .into_iter()
            .find(|expected| sentence.starts_with(expected.as_str()));
        Self::new(field, expected.unwrap_or(Expected::Object))
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.field {
            "" => fmt::Display::fmt(&self.expected, f),
            field => write!(f, "{field}: {}", self.expected),
        }
    }
}

impl std::error::Error for FieldFault {}

/// What belongs in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expected {
    /// A text or what is read as one.
    Text,
    /// A whole number.
    WholeNumber,
    /// A truth value.
    YesOrNo,
    /// An object.
    Object,
    /// A list of objects.
    Rows,
    /// A text, or a list of them.
    TextOrList,
    /// A point in time in one of the vendor's two forms.
    Time,
    /// A file in base64.
    Base64,
}

impl Expected {
    const ALL: [Self; 8] = [
        // Before the one that it begins with.
        Self::TextOrList,
        Self::Text,
        Self::WholeNumber,
        Self::YesOrNo,
        Self::Object,
        Self::Rows,
        Self::Time,
        Self::Base64,
    ];

    /// The sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "expected a text",
            Self::WholeNumber => "expected a whole number",
            Self::YesOrNo => "expected yes or no",
            Self::Object => "expected an object",
            Self::Rows => "expected a list of objects",
            Self::TextOrList => "expected a text or a list of texts",
            Self::Time => "expected a time such as 2026-01-02 03:04:05",
            Self::Base64 => "expected a file in base64",
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads once more to find the place, which costs too much for bodies that are right.
fn explain<T: DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> ReadError {
    let not_json = |error: &serde_json::Error| ReadError::NotJson {
        line: error.line(),
        column: error.column(),
    };
    if error.classify() != Category::Data {
        return not_json(error);
    }
    let mut from = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut from) {
        Err(error) => ReadError::Wrong(FieldFault::of(&error)),
        // The document is whole and something follows it.
        Ok(_) => not_json(error),
    }
}

/// A document: an object with members.
pub trait Document: Default + DeserializeOwned {
    /// Takes the next member's value under its name, and says whether the document has such a
    /// member. A member that comes twice is taken unless it is not set the second time.
    fn take_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        members: &mut A,
    ) -> Result<bool, A::Error>;
}

/// Names the members of a document, each with the other names that it is read under, and makes the
/// document readable. `as any` stands behind members that keep lists and objects as they are.
macro_rules! reads {
    ($document:ty { $($name:literal $(| $other:literal)* => $field:ident $(as $kind:ident)?),+ $(,)? }) => {
        impl $crate::netsapiens::wire::Document for $document {
            fn take_member<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                members: &mut A,
            ) -> Result<bool, A::Error> {
                // Without `..`, so that a field that is not named below does not compile.
                let Self { $($field),+ } = self;
                match name {
                    $($name $(| $other)* => {
                        $crate::netsapiens::wire::read::reads!(@take $($kind)? $field, members);
                    })+
                    _ => {
                        members.next_value::<serde::de::IgnoredAny>()?;
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }

        impl<'de> serde::Deserialize<'de> for $document {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::netsapiens::wire::read::document(from)
            }
        }
    };
    (@take any $field:ident, $members:ident) => {
        let $crate::netsapiens::wire::read::AnyText(value) = $members.next_value()?;
        $crate::netsapiens::wire::read::Member::replace($field, value);
    };
    (@take $field:ident, $members:ident) => {
        let value = $members.next_value()?;
        $crate::netsapiens::wire::read::Member::replace($field, value);
    };
}
pub(crate) use reads;

/// Reads an object.
pub(crate) fn document<'de, T: Document, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_any(Object(PhantomData))
}

/// What can be read twice.
pub(crate) trait Member: Sized {
    /// Whether there is something in it.
    fn is_set(&self) -> bool;

    /// Takes the later value, unless it is not set.
    fn replace(&mut self, later: Self) {
        if later.is_set() {
            *self = later;
        }
    }
}

impl Member for Text {
    fn is_set(&self) -> bool {
        !self.is_empty()
    }
}

impl Member for Whole {
    fn is_set(&self) -> bool {
        self.0.is_some()
    }
}

impl Member for YesNo {
    fn is_set(&self) -> bool {
        self.0.is_some()
    }
}

impl Member for OneOrMore {
    fn is_set(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Of a member that may be set to nothing it is told apart whether it is there.
impl Member for Option<Text> {
    fn is_set(&self) -> bool {
        self.is_some()
    }
}

/// The text of a message.
pub(crate) struct AnyText(pub(crate) Text);

impl<'de> Deserialize<'de> for AnyText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        super::scalar::any_text(from).map(Self)
    }
}

/// The name of a member.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(NameVisitor).map(Self)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// What stands in the place of something else is left out of the errors: it may be anything, a phone
/// number or a secret among them.
macro_rules! refuses {
    ($expected:expr; $($visit:ident($kind:ty)),+) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(&$expected, f)
        }

        $(fn $visit<E: serde::de::Error>(self, _value: $kind) -> Result<Self::Value, E> {
            Err(E::custom($expected))
        })+
    };
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Document> Visitor<'de> for Object<T> {
    type Value = T;

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<T, A::Error> {
        let mut document = T::default();
        while let Some(Name(name)) = members.next_key()? {
            document.take_member(&name, &mut members)?;
        }
        Ok(document)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<T, E> {
        Err(E::custom(Expected::Object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _items: A) -> Result<T, A::Error> {
        Err(A::Error::custom(Expected::Object))
    }

    refuses!(Expected::Object; visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));
}

/// A list of documents. A single row may come without the brackets, and the list may be wrapped into
/// an object as its member `data` or `messagesessions`, as some clients expect it.
///
/// Only `[]` is an empty list, for something may be called absent because of it. `null`, `{}` and any
/// other object that has none of the document's members are no list: a server may answer 200 and tell
/// of an error in the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Rows<T>(pub Vec<T>);

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Document> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RowsVisitor(PhantomData)).map(Self)
    }
}

struct RowsVisitor<T>(PhantomData<T>);

impl<'de, T: Document> Visitor<'de> for RowsVisitor<T> {
    type Value = Vec<T>;

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = items.next_element()? {
            rows.push(row);
        }
        Ok(rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<T>, A::Error> {
        let (mut wrapped, mut row) = (None, T::default());
        let mut is_row = false;
        while let Some(Name(name)) = members.next_key()? {
            if matches!(&*name, "data" | "messagesessions") {
                let Rows(rows) = members.next_value()?;
                wrapped = Some(rows);
            } else {
                is_row |= row.take_member(&name, &mut members)?;
            }
        }
        match wrapped {
            Some(rows) => Ok(rows),
            None if is_row => Ok(vec![row]),
            None => Err(A::Error::custom(Expected::Rows)),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Vec<T>, E> {
        Err(E::custom(Expected::Rows))
    }

    refuses!(Expected::Rows; visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));
}
