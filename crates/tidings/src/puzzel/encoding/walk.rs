//! The way through a document for the forms that have nothing but names and texts: every object and
//! every value is shown to a [`Sink`] with its name and its path; what is absent is passed over.
//! Called by `xml.rs` and `form.rs` for writing.

use std::fmt::{Display, Write as _};

use serde::Serialize;
use serde::ser::{Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::{Document, Unwritable};

/// Takes a document apart. Paths are empty for the root, else such as `message[3].price`.
pub(super) trait Sink {
    /// An object begins.
    fn open(&mut self, name: &str) -> Result<(), Fault>;
    /// An object is over; `is_empty` if nothing was in it.
    fn close(&mut self, path: &str, name: &str, is_empty: bool);
    /// A single value.
    fn value(&mut self, path: &str, name: &str, text: &str) -> Result<(), Fault>;
}

/// What a form cannot carry.
pub(super) type Fault = &'static str;

/// Shows all of a document to the sink, in the order of its fields.
pub(super) fn walk<T: Document>(document: &T, sink: &mut impl Sink) -> Result<(), Unwritable> {
    let mut walk = Walk {
        sink,
        path: String::new(),
        n_shown: 0,
    };
    document.serialize(Place {
        walk: &mut walk,
        name: T::ROOT,
        position: Position::Root,
    })
}

struct Walk<'s, S> {
    sink: &'s mut S,
    path: String,
    n_shown: usize,
}

impl<S: Sink> Walk<'_, S> {
    /// Lengthens the path and gives the length that it had.
    fn enter(&mut self, name: &str, position: Position) -> usize {
        let before = self.path.len();
        if position != Position::Root {
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
        }
        if let Position::Item(index) = position {
            write!(self.path, "[{index}]").expect("a String takes everything");
        }
        self.n_shown += 1;
        before
    }

    fn wrong(&self, fault: Fault) -> Unwritable {
        Unwritable {
            at: self.path.clone(),
            fault,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Root,
    Member,
    Item(usize),
}

/// Where a value stands, before it is known what kind of value it is.
struct Place<'w, 's, S> {
    walk: &'w mut Walk<'s, S>,
    name: &'w str,
    position: Position,
}

impl<'w, 's, S: Sink> Place<'w, 's, S> {
    fn value(self, text: &str) -> Result<(), Unwritable> {
        let before = self.walk.enter(self.name, self.position);
        let shown = self.walk.sink.value(&self.walk.path, self.name, text);
        shown.map_err(|fault| self.walk.wrong(fault))?;
        self.walk.path.truncate(before);
        Ok(())
    }

    fn display(self, value: impl Display) -> Result<(), Unwritable> {
        self.value(&value.to_string())
    }

    fn object(self) -> Result<Members<'w, 's, S>, Unwritable> {
        let before = self.walk.enter(self.name, self.position);
        let opened = self.walk.sink.open(self.name);
        opened.map_err(|fault| self.walk.wrong(fault))?;
        Ok(Members {
            n_shown: self.walk.n_shown,
            before,
            name: self.name,
            key: String::new(),
            walk: self.walk,
        })
    }
}

struct Members<'w, 's, S> {
    walk: &'w mut Walk<'s, S>,
    name: &'w str,
    before: usize,
    n_shown: usize,
    /// Of the member whose value comes next; for maps only.
    key: String,
}

impl<S: Sink> Members<'_, '_, S> {
    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unwritable> {
        value.serialize(Place {
            walk: self.walk,
            name,
            position: Position::Member,
        })
    }

    fn close(self) {
        let is_empty = self.walk.n_shown == self.n_shown;
        let Walk { sink, path, .. } = self.walk;
        sink.close(path, self.name, is_empty);
        path.truncate(self.before);
    }
}

impl<S: Sink> SerializeStruct for Members<'_, '_, S> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close();
        Ok(())
    }
}

impl<S: Sink> SerializeMap for Members<'_, '_, S> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        match serde_json::to_value(key) {
            Ok(serde_json::Value::String(key)) => {
                self.key = key;
                Ok(())
            }
            _ => Err(self.walk.wrong("has a member whose name is no text")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        let name = std::mem::take(&mut self.key);
        self.member(&name, value)
    }

    fn end(self) -> Result<(), Unwritable> {
        self.close();
        Ok(())
    }
}

struct Items<'w, 's, S> {
    walk: &'w mut Walk<'s, S>,
    name: &'w str,
    next: usize,
}

impl<S: Sink> SerializeSeq for Items<'_, '_, S> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unwritable> {
        let position = Position::Item(self.next);
        self.next += 1;
        item.serialize(Place {
            walk: self.walk,
            name: self.name,
            position,
        })
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl serde::ser::Error for Unwritable {
    /// For kinds of values that no document has.
    fn custom<T: Display>(_sentence: T) -> Self {
        Self {
            at: String::new(),
            fault: "has a value of a kind that has no place in the form",
        }
    }
}

type Never = Impossible<(), Unwritable>;

impl<'w, 's, S: Sink> Serializer for Place<'w, 's, S> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Items<'w, 's, S>;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Members<'w, 's, S>;
    type SerializeStruct = Members<'w, 's, S>;
    type SerializeStructVariant = Never;

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.value(if value { "true" } else { "false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.display(value)
    }

    fn serialize_str(self, text: &str) -> Result<(), Unwritable> {
        self.value(text)
    }

    fn serialize_bytes(self, _value: &[u8]) -> Result<(), Unwritable> {
        Err(Unwritable::custom("bytes"))
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Unwritable> {
        self.value(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Unwritable> {
        Err(Unwritable::custom("a variant"))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'w, 's, S>, Unwritable> {
        match self.position {
            Position::Member => Ok(Items {
                walk: self.walk,
                name: self.name,
                next: 0,
            }),
            Position::Root | Position::Item(_) => {
                self.walk.enter(self.name, self.position);
                Err(self
                    .walk
                    .wrong("has a list inside a list, which has no name"))
            }
        }
    }

    fn serialize_tuple(self, _len: usize) -> Result<Never, Unwritable> {
        Err(Unwritable::custom("a tuple"))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Never, Unwritable> {
        Err(Unwritable::custom("a tuple"))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Never, Unwritable> {
        Err(Unwritable::custom("a variant"))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Members<'w, 's, S>, Unwritable> {
        self.object()
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Members<'w, 's, S>, Unwritable> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Never, Unwritable> {
        Err(Unwritable::custom("a variant"))
    }
}
