//! Writes reports and messages as the gateway does, in each of its three forms. Called by
//! [`emit`](super::emit) and by whoever tests a server of their own.

use std::borrow::Cow;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::Value;

use super::Form;
use crate::callback::CallbackRequest;
use crate::puzzel::wire::callback::{DeliveryReport, Field, IncomingMessage};

/// The calls that tell of these reports: one with all of them, or in a GET one for each.
pub fn write_reports(form: Form, reports: &[DeliveryReport]) -> Vec<CallbackRequest> {
    write(form, "dr", reports, DeliveryReport::fields)
}

/// The calls that tell of these messages: one with all of them, or in a GET one for each.
pub fn write_messages(form: Form, messages: &[IncomingMessage]) -> Vec<CallbackRequest> {
    write(form, "mo", messages, IncomingMessage::fields)
}

type FieldsOf<T> = for<'a> fn(&'a T) -> Vec<(&'a str, Field<'a>)>;

fn write<T: Serialize>(
    form: Form,
    name: &'static str,
    items: &[T],
    fields_of: FieldsOf<T>,
) -> Vec<CallbackRequest> {
    if items.is_empty() {
        return Vec::new();
    }
    match form {
        Form::Json => vec![post("application/json", json(name, items))],
        Form::Xml => vec![post("application/xml", xml(name, items, fields_of))],
        Form::Get => {
            let get = |item| CallbackRequest::get(query(&fields_of(item)));
            items.iter().map(get).collect()
        }
    }
}

fn post(content_type: &'static str, body: Bytes) -> CallbackRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    CallbackRequest::post(headers, body)
}

fn json<T: Serialize>(name: &str, items: &[T]) -> Bytes {
    let document = std::collections::BTreeMap::from([(name, items)]);
    serde_json::to_vec(&document)
        .expect("texts and numbers can be written as JSON")
        .into()
}

fn query(fields: &[(&str, Field<'_>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, field) in fields {
        match field {
            Field::Number(number) => query.append_pair(name, &number.to_string()),
            Field::Text(text) => query.append_pair(name, text),
            Field::Other(value) => query.append_pair(name, &plain(value)),
        };
    }
    query.finish()
}

/// Written by hand: what XML cannot carry has to be replaced rather than refused, because nobody is
/// there who could be told.
fn xml<T>(name: &str, items: &[T], fields_of: FieldsOf<T>) -> Bytes {
    let mut text = format!(r#"<?xml version="1.0" encoding="UTF-8"?><{name}>"#);
    for item in items {
        text.push_str("<message>");
        for (name, field) in fields_of(item) {
            match field {
                Field::Number(number) => element(&mut text, name, &number.to_string()),
                Field::Text(value) => element(&mut text, name, value),
                // The name comes from elsewhere and may be none for an element.
                Field::Other(value) if is_element_name(name) => {
                    element(&mut text, name, &plain(value));
                }
                Field::Other(_) => {}
            }
        }
        text.push_str("</message>");
    }
    text.push_str("</");
    text.push_str(name);
    text.push('>');
    text.into()
}

fn element(text: &mut String, name: &str, value: &str) {
    text.push('<');
    text.push_str(name);
    if value.is_empty() {
        text.push_str("/>");
        return;
    }
    text.push('>');
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            // Readers turn one that stands bare into a line feed.
            '\r' => text.push_str("&#13;"),
            // XML 1.0, production 2.
            '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'.. => text.push(character),
            _ => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
    text.push_str("</");
    text.push_str(name);
    text.push('>');
}

fn is_element_name(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_inner)
}

/// A text as it is, everything else as JSON.
fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}
