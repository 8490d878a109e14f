//! A call written in each of the four forms, from its JSON: an outside witness of the server's
//! readers, so nothing of `tidings::puzzel::encoding` is used. Values of a wrong kind can be written
//! too.

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::{SEND, request};

pub(crate) const FORMS: [&str; 4] = ["json", "xml", "form", "query"];

/// The elements in the order of the vendor's schema, each before those that follow it.
const ORDER: &[&str] = &[
    "serviceId",
    "username",
    "password",
    "batchReference",
    "message",
    "recipient",
    "content",
    "price",
    "clientReference",
    "settings",
    "originatorSettings",
    "originator",
    "originatorType",
    "priority",
    "validity",
    "differentiator",
    "age",
    "gasSettings",
    "serviceCode",
    "description",
    "newSession",
    "sessionId",
    "invoiceNode",
    "sendWindow",
    "startDate",
    "stopDate",
    "startTime",
    "stopTime",
    "autoDetectEncoding",
    "safeRemoveNonGsmCharacters",
    "parameter",
    "key",
    "value",
];

/// The call as a request that wants its answer in JSON.
pub(crate) fn write(form: &str, call: &Value) -> Request<Body> {
    let accept = ("accept", "application/json");
    let post = |content_type, body: String| {
        request(
            "POST",
            SEND,
            &[("content-type", content_type), accept],
            body,
        )
    };
    match form {
        "json" => post("application/json", call.to_string()),
        "xml" => post("application/xml", xml(call)),
        "form" => post("application/x-www-form-urlencoded", pairs(call)),
        "query" => {
            let path = format!("{SEND}?{}", pairs(call));
            request("GET", &path, &[accept], "")
        }
        _ => unreachable!("there are four forms"),
    }
}

pub(crate) fn xml(call: &Value) -> String {
    let namespace = "http://chimera.intele.com/gw/xsd/SMSGateway/Request/2013/02";
    let mut text = format!("<req:request xmlns:req=\"{namespace}\">");
    element(call, &mut text);
    text.push_str("</req:request>");
    text
}

fn element(value: &Value, text: &mut String) {
    let Value::Object(members) = value else {
        let escaped = plain(value).replace('&', "&amp;").replace('<', "&lt;");
        text.push_str(&escaped);
        return;
    };
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| place(name).unwrap_or(ORDER.len()));
    for (name, value) in members {
        let items = match value {
            Value::Array(items) => items.iter().collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for item in items {
            text.extend(["<", name, ">"]);
            element(item, text);
            text.extend(["</", name, ">"]);
        }
    }
}

pub(crate) fn pairs(call: &Value) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    append(call, "", &mut pairs);
    pairs.finish()
}

fn append(value: &Value, at: &str, pairs: &mut form_urlencoded::Serializer<'_, String>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, value) in members {
                let dot = if at.is_empty() { "" } else { "." };
                append(value, &format!("{at}{dot}{name}"), pairs);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                append(item, &format!("{at}[{index}]"), pairs);
            }
        }
        single => {
            pairs.append_pair(at, &plain(single));
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
