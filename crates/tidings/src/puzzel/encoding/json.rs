//! Documents as JSON, straight between the bytes and the types of `wire`; and the sentences for what
//! cannot be read, which `xml.rs` and `form.rs` share because they end in the same types.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use super::{Document, Unreadable, Unwritable};
use crate::puzzel::wire::Object;

/// Reads a document.
pub(super) fn read<T: Document + DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    // Some editors of test data put the mark there.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // All of it is looked at once; otherwise each name and text would be on its own.
    let read = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
    match read {
        Ok(Object(document)) => Ok(document),
        // Where it went wrong is found in a second reading, so that the first costs nothing for it.
        Err(error) => Err(explain::<T>(body, &error)),
    }
}

/// Reads a document from what another form was read into.
pub(super) fn from_tree<T: Document + DeserializeOwned>(tree: &Value) -> Result<T, Unreadable> {
    match serde_path_to_error::deserialize(tree) {
        Ok(Object(document)) => Ok(document),
        Err(error) => Err(unreadable(&path_of(&error), error.inner())),
    }
}

/// Writes a document.
pub(super) fn write<T: Document>(document: &T) -> Result<Vec<u8>, Unwritable> {
    // Enough for one message, which then needs no second piece of memory.
    let mut body = Vec::with_capacity(512);
    match serde_json::to_writer(&mut body, document) {
        Ok(()) => Ok(body),
        Err(_) => Err(Unwritable {
            at: String::new(),
            fault: "cannot be written as JSON",
        }),
    }
}

fn explain<T: Document + DeserializeOwned>(body: &[u8], error: &serde_json::Error) -> Unreadable {
    let mut from = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, Object<T>>(&mut from) {
        Err(error) => unreadable(&path_of(&error), error.inner()),
        // The document is whole and something follows it.
        Ok(_) => unreadable("", error),
    }
}

fn path_of(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let path = error.path();
    // The root's path would be shown as a dot.
    path.iter()
        .next()
        .map_or_else(String::new, |_| path.to_string())
}

fn unreadable(path: &str, error: &serde_json::Error) -> Unreadable {
    match error.classify() {
        Category::Data => wrong_data(path, &error.to_string()),
        Category::Io | Category::Syntax | Category::Eof => Unreadable {
            at: String::new(),
            fault: format!(
                "is not valid JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
        },
    }
}

/// Only what comes from our own types is taken over from the sentence: the rest may repeat the value.
fn wrong_data(path: &str, sentence: &str) -> Unreadable {
    let named = |after: &str| sentence.strip_prefix(after)?.split('`').next();
    if let Some(name) = named("missing field `") {
        return at_member(path, name, "is missing");
    }
    if let Some(name) = named("duplicate field `") {
        return at_member(path, name, "is there twice");
    }
    let expected = sentence.rsplit_once("expected ").map(|(_, rest)| rest);
    let expected = expected.map(|rest| rest.split(" at line ").next().unwrap_or(rest));
    Unreadable {
        at: path.to_owned(),
        fault: match expected {
            Some("a string") => "has to be a text".to_owned(),
            Some(expected) => format!("has to be {expected}"),
            None => "cannot be read".to_owned(),
        },
    }
}

fn at_member(path: &str, name: &str, fault: &str) -> Unreadable {
    let dot = if path.is_empty() { "" } else { "." };
    Unreadable {
        at: format!("{path}{dot}{name}"),
        fault: fault.to_owned(),
    }
}
