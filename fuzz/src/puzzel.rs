//! Puzzel's documents: calls in their four forms, answers, and callbacks.

use std::fmt::Debug;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidings::callback::CallbackRequest;
use tidings::puzzel::encoding::{self, Document, Encoding};
use tidings::puzzel::{SPEC, wire};

/// A call that sends, as JSON.
pub fn json(bytes: &[u8]) {
    settles::<wire::GatewayRequest>(Encoding::Json, bytes);
}

/// A call that sends, as XML.
pub fn xml(bytes: &[u8]) {
    let read = encoding::read::<wire::GatewayRequest>(Encoding::Xml, bytes);
    let Ok(mut request) = read.inspect_err(|error| drop(error.to_string())) else {
        return;
    };
    // The vendor's schema does not have it, so it is read and not written.
    for message in &mut request.message {
        message.price_xml = None;
    }
    comes_back(Encoding::Xml, &request);
}

/// A call that sends, as a form.
pub fn form(bytes: &[u8]) {
    settles::<wire::GatewayRequest>(Encoding::Form, bytes);
}

/// A call that sends, as a query.
pub fn query(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else {
        return;
    };
    match encoding::read_query(query) {
        Ok(request) => {
            let written = encoding::write_query(&request);
            assert_eq!(encoding::read_query(&written), Ok(request));
        }
        Err(error) => drop(error.to_string()),
    }
}

/// All answers, as JSON and as XML.
pub fn answers(bytes: &[u8]) {
    for form in [Encoding::Json, Encoding::Xml] {
        settles::<wire::GatewayResponse>(form, bytes);
        settles::<wire::BatchListResponse>(form, bytes);
        settles::<wire::BatchSingleResponse>(form, bytes);
        settles::<wire::StopBatchResponse>(form, bytes);
        settles::<wire::BareStatus>(form, bytes);
        settles::<wire::Fault>(form, bytes);
    }
    for form in [Encoding::Json, Encoding::Xml] {
        let problem = encoding::read::<wire::ProblemDetails>(form, bytes);
        let Ok(problem) = problem.inspect_err(|error| drop(error.to_string())) else {
            continue;
        };
        // Members that it does not describe may have names that XML cannot write.
        drop(encoding::write(Encoding::Xml, &problem));
        // Fractions among them are read to the last digit but one.
        if !problem.extra.values().any(has_fraction) {
            comes_back(Encoding::Json, &problem);
        }
    }
}

/// What the gateway tells its customer: the bytes as a body of each kind, and as a query.
pub fn callbacks(bytes: &[u8]) {
    let parse = SPEC.parse_callback.expect("Puzzel calls its customers");
    for content_type in [
        None,
        Some("application/json"),
        Some("application/xml"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        let request = CallbackRequest::post(headers, Bytes::copy_from_slice(bytes));
        drop(parse(&request));
    }
    if let Ok(query) = std::str::from_utf8(bytes) {
        drop(parse(&CallbackRequest::get(query)));
    }
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// What was read is written and read again as the same.
fn settles<T: Document + DeserializeOwned + PartialEq + Debug>(form: Encoding, bytes: &[u8]) {
    match encoding::read::<T>(form, bytes) {
        Ok(document) => comes_back(form, &document),
        Err(error) => drop(error.to_string()),
    }
}

fn comes_back<T: Document + DeserializeOwned + PartialEq + Debug>(form: Encoding, document: &T) {
    let written = encoding::write(form, document).expect("what was read can be written");
    let again = encoding::read::<T>(form, &written).expect("what was written can be read");
    assert_eq!(again, *document, "in {form:?}");
}
