//! Documents as XML: read into a small tree within bounds, then into the types of `wire`; written in
//! the order of the vendor's schema, which is the order of the fields in `wire`.
//!
//! What arrives comes from anybody: there is no `DOCTYPE`, no entity but the five of the standard, and
//! a limit to everything that could grow. The order of elements is not looked at in reading.

use std::fmt::Write as _;

use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fields::{self, Field, Kind};
use super::walk::{self, Fault, Sink};
use super::{Document, Unreadable, Unwritable, json, utf8, wrong};

/// A thousand messages of six parts each are about 4 MiB.
const MAX_BYTES: usize = 16 << 20;

/// The documents have five levels below the root; what is not known may have more.
const MAX_DEPTH: usize = 16;

/// More than a thousand messages with every element there is and five parameters each.
const MAX_ELEMENTS: usize = 100_000;

/// A tag with several namespaces has a few hundred bytes.
const MAX_TAG_BYTES: usize = 4096;

/// Declarations of namespaces that hold at one place.
const MAX_NAMESPACES: usize = 64;

/// Where `nil="true"` means that there is no value.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Fields that the vendor's schema does not have.
const NOT_IN_SCHEMA: &[&str] = &["priceXml"];

/// Reads a document.
pub(super) fn read<T: Document + DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    if body.len() > MAX_BYTES {
        return Err(wrong("", "is larger than is accepted"));
    }
    let body = utf8(body)?;
    if !body.chars().all(is_allowed) {
        return Err(wrong("", "has a character that XML does not allow"));
    }
    let mut reader = NsReader::from_str(body);
    reader.config_mut().expand_empty_elements = true;
    reader
        .resolver_mut()
        .set_max_namespace_bindings(MAX_NAMESPACES);
    let mut tree = Tree::<T>::new();
    loop {
        let event = reader
            .read_resolved_event()
            .map(|(namespace, event)| (Home::of::<T>(&namespace), event));
        let (home, event) = event.map_err(|_| wrong("", "is not well-formed XML"))?;
        match event {
            Event::Start(tag) => {
                let is_nil = tree.is_nil(&reader, &tag)?;
                tree.start(&tag, home, is_nil)?;
            }
            Event::End(_) => tree.end()?,
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => tree.reference(&reference)?,
            Event::Decl(declaration) => tree.declaration(&declaration)?,
            Event::DocType(_) => return Err(wrong("", "has a DOCTYPE, which is not accepted")),
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return json::from_tree(&tree.done()?),
        }
    }
}

/// Writes a document.
pub(super) fn write<T: Document>(document: &T) -> Result<String, Unwritable> {
    let mut elements = Elements::<T> {
        text: String::with_capacity(512),
        is_inside: false,
        document: std::marker::PhantomData,
    };
    walk::walk(document, &mut elements)?;
    Ok(elements.text)
}

/// XML 1.0, production 2.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

// ---- reading ----

/// Where an element belongs by its namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    None,
    Document,
    Elsewhere,
    UnknownPrefix,
}

impl Home {
    fn of<T: Document>(namespace: &ResolveResult<'_>) -> Self {
        match (namespace, T::NAMESPACE) {
            (ResolveResult::Unbound, _) => Self::None,
            (ResolveResult::Bound(Namespace(found)), Some(expected)) if *found != expected => {
                Self::Elsewhere
            }
            // Where the vendor shows no namespace, its servers may well have one.
            (ResolveResult::Bound(_), _) => Self::Document,
            (ResolveResult::Unknown(_), _) => Self::UnknownPrefix,
        }
    }
}

/// An element that has begun and not ended.
#[derive(Default)]
struct Open {
    /// None for names that are not known, and for the root; only known names are shown in a path.
    field: Option<Field>,
    /// Which item of its list it is.
    index: usize,
    /// Empty for the root and for what is passed over.
    name: String,
    /// Passed over with all that is in it.
    is_skipped: bool,
    is_nil: bool,
    text: String,
    members: Map<String, Value>,
}

impl Open {
    fn kind(&self) -> Option<Kind> {
        self.field.map(|field| field.kind)
    }

    /// What it holds, at its end; nothing for a figure that is left out.
    fn value(&mut self) -> Result<Option<Value>, Fault> {
        let has_elements = !self.members.is_empty();
        let object = |members: &mut Map<String, Value>| Value::Object(std::mem::take(members));
        Ok(Some(match self.kind() {
            Some(Kind::Object | Kind::ListOfObjects) if !is_blank(&self.text) => {
                return Err("has text between its elements");
            }
            Some(Kind::Object | Kind::ListOfObjects) => object(&mut self.members),
            Some(Kind::Text | Kind::Phone | Kind::Figure) if has_elements => {
                return Err("is a single value, but has elements");
            }
            Some(Kind::Figure) if is_blank(&self.text) => return Ok(None),
            None if has_elements => object(&mut self.members),
            Some(Kind::Text | Kind::Phone | Kind::Figure) | None => {
                Value::String(std::mem::take(&mut self.text))
            }
        }))
    }
}

/// The document as far as it was read.
struct Tree<T> {
    open: Vec<Open>,
    n_elements: usize,
    root: Option<Value>,
    has_begun: bool,
    document: std::marker::PhantomData<T>,
}

impl<T: Document> Tree<T> {
    fn new() -> Self {
        Self {
            open: Vec::new(),
            n_elements: 0,
            root: None,
            has_begun: false,
            document: std::marker::PhantomData,
        }
    }

    /// The path of the innermost open element.
    fn path(&self) -> String {
        let mut path = String::new();
        for open in self.open.iter().filter(|open| !open.is_skipped) {
            let Some(field) = open.field else { continue };
            let dot = if path.is_empty() { "" } else { "." };
            let written = match field.kind {
                Kind::ListOfObjects => write!(path, "{dot}{}[{}]", field.name, open.index),
                Kind::Object | Kind::Text | Kind::Phone | Kind::Figure => {
                    write!(path, "{dot}{}", field.name)
                }
            };
            written.expect("a String takes everything");
        }
        path
    }

    fn is_nil(&self, reader: &NsReader<&[u8]>, tag: &BytesStart<'_>) -> Result<bool, Unreadable> {
        if tag.len() > MAX_TAG_BYTES {
            return Err(wrong(
                self.path(),
                "has a tag that is longer than is accepted",
            ));
        }
        let mut is_nil = false;
        for attribute in tag.attributes() {
            let attribute = attribute
                .map_err(|_| wrong(self.path(), "has an attribute that is not well-formed"))?;
            let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
            let is_instance =
                matches!(namespace, ResolveResult::Bound(Namespace(uri)) if uri == SCHEMA_INSTANCE);
            if is_instance && name.as_ref() == "nil" {
                is_nil = matches!(attribute.value.trim(), "true" | "1");
            }
        }
        Ok(is_nil)
    }

    fn start(&mut self, tag: &BytesStart<'_>, home: Home, is_nil: bool) -> Result<(), Unreadable> {
        self.has_begun = true;
        self.n_elements += 1;
        if self.n_elements > MAX_ELEMENTS {
            return Err(wrong("", "has more elements than are accepted"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(wrong(self.path(), "has elements nested too deeply"));
        }
        if home == Home::UnknownPrefix {
            return Err(wrong(self.path(), "has a prefix without a namespace"));
        }
        let local = tag.local_name();
        let name: &str = local.as_ref();
        let opened = match self.open.last() {
            None => self.root_element(name, home)?,
            Some(parent) => inner_element::<T>(parent, name, home),
        };
        self.open.push(Open { is_nil, ..opened });
        Ok(())
    }

    fn root_element(&self, name: &str, home: Home) -> Result<Open, Unreadable> {
        if self.root.is_some() {
            return Err(wrong("", "has more than one root element"));
        }
        let is_expected = match T::NAMESPACE {
            Some(_) => name == T::ROOT,
            // The vendor's papers give these names without an example.
            None => name.eq_ignore_ascii_case(T::ROOT),
        };
        if !is_expected {
            return Err(wrong("", format!("has to have the root {}", T::ROOT)));
        }
        if home == Home::Elsewhere {
            let fault = format!("has the root {} in another namespace", T::ROOT);
            return Err(wrong("", fault));
        }
        Ok(Open::default())
    }

    fn end(&mut self) -> Result<(), Unreadable> {
        // The reader has seen that every end has its beginning.
        let Some(mut ended) = self.open.pop() else {
            return Ok(());
        };
        let Some(parent) = self.open.last_mut() else {
            if !is_blank(&ended.text) {
                return Err(wrong("", "has text between its elements"));
            }
            self.root = Some(Value::Object(ended.members));
            return Ok(());
        };
        if ended.is_skipped || ended.is_nil {
            return Ok(());
        }
        let put = ended.value().and_then(|value| match value {
            Some(value) => put(
                &mut parent.members,
                std::mem::take(&mut ended.name),
                ended.kind(),
                value,
            ),
            None => Ok(()),
        });
        put.map_err(|fault| {
            self.open.push(ended);
            wrong(self.path(), fault)
        })
    }

    fn text(&mut self, text: &str) -> Result<(), Unreadable> {
        match self.open.last_mut() {
            Some(open) if open.is_skipped => Ok(()),
            Some(open) => {
                open.text.push_str(text);
                Ok(())
            }
            None if is_blank(text) => Ok(()),
            None => Err(wrong("", "has text outside its root element")),
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Unreadable> {
        let name: &str = reference;
        if let Some(text) = quick_xml::escape::resolve_xml_entity(name) {
            return self.text(text);
        }
        match reference.resolve_char_ref() {
            Ok(Some(character)) if is_allowed(character) => {
                self.text(character.encode_utf8(&mut [0; 4]))
            }
            Ok(None) => Err(wrong(self.path(), "has an entity, which is not accepted")),
            _ => Err(wrong(
                self.path(),
                "refers to a character that XML does not allow",
            )),
        }
    }

    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<(), Unreadable> {
        if self.has_begun {
            return Err(wrong("", "is not well-formed XML"));
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name))
                if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") =>
            {
                Ok(())
            }
            Some(_) => Err(wrong("", "declares an encoding other than UTF-8")),
        }
    }

    fn done(self) -> Result<Value, Unreadable> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            Some(_) | None => Err(wrong("", "ends before its root element does")),
        }
    }
}

fn inner_element<T: Document>(parent: &Open, name: &str, home: Home) -> Open {
    let field = fields::named(name);
    let is_kept = match home {
        Home::None | Home::Document => field.is_some() || T::IS_OPEN,
        Home::Elsewhere | Home::UnknownPrefix => false,
    };
    let is_skipped = parent.is_skipped || !is_kept;
    let list = parent.members.get(name).and_then(Value::as_array);
    let name = if is_skipped { "" } else { name };
    Open {
        field,
        index: list.map_or(0, Vec::len),
        name: name.to_owned(),
        is_skipped,
        ..Open::default()
    }
}

/// Puts a value among its parent's: lists grow, single values come once.
fn put(
    members: &mut Map<String, Value>,
    name: String,
    kind: Option<Kind>,
    value: Value,
) -> Result<(), Fault> {
    match (members.get_mut(&name), kind) {
        (Some(Value::Array(items)), Some(Kind::ListOfObjects) | None) => items.push(value),
        (Some(_), Some(_)) => return Err("is there twice"),
        (Some(first), None) => {
            let first_value = first.take();
            *first = Value::Array(vec![first_value, value]);
        }
        (None, Some(Kind::ListOfObjects)) => {
            members.insert(name, Value::Array(vec![value]));
        }
        (None, _) => {
            members.insert(name, value);
        }
    }
    Ok(())
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

// ---- writing ----

struct Elements<T> {
    text: String,
    /// Whether the root has begun.
    is_inside: bool,
    document: std::marker::PhantomData<T>,
}

impl<T: Document> Elements<T> {
    fn root(&mut self) {
        let prefix = T::PREFIX;
        let text = &mut self.text;
        let written = match T::NAMESPACE {
            None => write!(text, "<{}>", T::ROOT),
            Some(namespace) if prefix.is_empty() => {
                write!(text, r#"<{} xmlns="{namespace}">"#, T::ROOT)
            }
            Some(namespace) => {
                write!(
                    text,
                    r#"<{prefix}:{} xmlns:{prefix}="{namespace}">"#,
                    T::ROOT
                )
            }
        };
        written.expect("a String takes everything");
    }

    fn tag(&mut self, before: &str, name: &str) {
        for part in [before, name, ">"] {
            self.text.push_str(part);
        }
    }
}

impl<T: Document> Sink for Elements<T> {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        if !self.is_inside {
            self.is_inside = true;
            self.root();
            return Ok(());
        }
        check_name(name)?;
        self.tag("<", name);
        Ok(())
    }

    fn close(&mut self, path: &str, name: &str, _is_empty: bool) {
        let is_prefixed = path.is_empty() && T::NAMESPACE.is_some() && !T::PREFIX.is_empty();
        self.text.push_str("</");
        if is_prefixed {
            self.text.push_str(T::PREFIX);
            self.text.push(':');
        }
        self.tag("", name);
    }

    fn value(&mut self, _path: &str, name: &str, text: &str) -> Result<(), Fault> {
        if NOT_IN_SCHEMA.contains(&name) {
            return Ok(());
        }
        check_name(name)?;
        self.tag("<", name);
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                // A bare one would be read as the end of a line.
                '\r' => self.text.push_str("&#13;"),
                allowed if is_allowed(allowed) => self.text.push(allowed),
                _ => return Err("has a character that XML cannot carry"),
            }
        }
        self.tag("</", name);
        Ok(())
    }
}

/// Members that a document does not describe may have any name.
fn check_name(name: &str) -> Result<(), Fault> {
    let mut characters = name.chars();
    let starts = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    let goes_on = characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if starts && goes_on {
        Ok(())
    } else {
        Err("has a name that XML cannot carry")
    }
}
