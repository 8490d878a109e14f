//! The documents of the NetSapiens API: answers, calls in their forms, and events.

use std::fmt::Debug;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use tidings::Media;
use tidings::callback::CallbackRequest;
use tidings::netsapiens::SPEC;
use tidings::netsapiens::callback::{self, EventMemory, Spelling};
use tidings::netsapiens::wire::{self, Document, ReadError, Rows};

/// All lists, each also as one document.
pub fn lists(bytes: &[u8]) {
    list::<wire::MessageSession>(bytes);
    list::<wire::Message>(bytes);
    list::<wire::SmsNumber>(bytes);
    list::<wire::Subscription>(bytes);
    list::<wire::ActiveCall>(bytes);
    if let Ok(rows) = wire::read::<Rows<wire::Message>>(bytes) {
        for message in rows.0 {
            moment(&message.timestamp);
            moment(&message.deleted_datetime);
        }
    }
}

/// All other answers.
pub fn answers(bytes: &[u8]) {
    settles::<wire::TokenAnswer>(bytes);
    settles::<wire::JwtAnswer>(bytes);
    settles::<wire::Claims>(bytes);
    settles::<wire::ApiKey>(bytes);
    settles::<wire::Version>(bytes);
    settles::<wire::Total>(bytes);
    settles::<wire::Said>(bytes);
}

/// A call that sends: what was read is written by the client and read again as the same.
pub fn send(bytes: &[u8]) {
    let read = wire::read::<wire::SentMessage>(bytes);
    let Ok(sent) = read.inspect_err(explain) else {
        return;
    };
    let content = sent.content();
    let mut message = wire::SendMessage::new(&sent.kind.0, &sent.message.0);
    message.from_number = sent.from_number.get();
    message.destination = Some(wire::Destination::Several(&sent.destination.0));
    let media = content.ok().flatten().map(|content| {
        let kind = sent.mime_type.get().unwrap_or("image/png").to_owned();
        Media::new(kind, content)
    });
    let media = media.and_then(Result::ok);
    if let Some(media) = &media {
        message.attach(media);
    }
    let body = wire::write_send(&message);
    let again: wire::SentMessage = wire::read(&body).expect("what was written can be read");
    assert_eq!(again.kind, sent.kind);
    assert_eq!(again.message, sent.message);
    assert_eq!(again.destination, sent.destination);
    assert_eq!(again.from_number, sent.from_number);
    let content = again.content().expect("what was written can be read");
    assert_eq!(
        content.as_deref(),
        media.as_ref().map(|media| &media.content()[..])
    );
}

/// Signing in: as JSON, as a form and as a query, which is read as a form is.
pub fn tokens(bytes: &[u8]) {
    settles::<wire::TokenRequest>(bytes);
    let request = wire::read_form::<wire::TokenRequest>(bytes);
    comes_back(&request.expect("all members are texts"));
    match wire::read_form::<wire::SentMessage>(bytes) {
        Ok(sent) => drop(sent.content()),
        Err(error) => explain(&error),
    }
}

/// All other calls that have a body.
pub fn requests(bytes: &[u8]) {
    settles::<wire::ChangeSession>(bytes);
    settles::<wire::NumberAssignment>(bytes);
    settles::<wire::CreateSubscription>(bytes);
    settles::<wire::ChangeSubscription>(bytes);
    settles::<wire::NewCall>(bytes);
}

/// What is posted to subscribers: what was read is written and read again as the same.
pub fn events(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    let request = CallbackRequest::post(headers, Bytes::copy_from_slice(bytes));
    let parse = SPEC.parse_callback.expect("there are events");
    drop(parse(&request));
    let Ok(received) = callback::read(bytes) else {
        return;
    };
    let clock = tidings::SystemClock::new();
    let mut memory = EventMemory::new(std::sync::Arc::new(clock));
    for event in &received.events {
        memory.recognise(event);
    }
    for spelling in [Spelling::Underscore, Spelling::Kebab] {
        let written = callback::write(spelling, &received.events);
        let again = callback::read(&written.body).expect("what was written can be read");
        assert_eq!(again.unreadable, []);
        let twice = callback::write(spelling, &again.events);
        assert_eq!(twice.body, written.body, "in {spelling:?}");
    }
}

fn list<T: Document + Serialize + PartialEq + Debug>(bytes: &[u8]) {
    settles::<T>(bytes);
    match wire::read::<Rows<T>>(bytes) {
        Ok(rows) => {
            let written = serde_json::to_vec(&rows).expect("what was read can be written");
            assert_eq!(wire::read::<Rows<T>>(&written), Ok(rows));
        }
        Err(error) => explain(&error),
    }
}

fn settles<T: Document + Serialize + PartialEq + Debug>(bytes: &[u8]) {
    match wire::read::<T>(bytes) {
        Ok(document) => comes_back(&document),
        Err(error) => explain(&error),
    }
}

fn comes_back<T: Document + Serialize + PartialEq + Debug>(document: &T) {
    let written = serde_json::to_vec(document).expect("what was read can be written");
    let again = wire::read::<T>(&written);
    assert_eq!(again.as_ref(), Ok(document));
}

/// A time that was read is written and read again as the same second.
fn moment(text: &wire::Text) {
    if let Ok(Some(at)) = wire::time::read("timestamp", text) {
        let (plain, exact) = (wire::time::write(at), wire::time::write_with_offset(at));
        let read = |text: String| wire::time::read("timestamp", &text.into());
        assert_eq!(read(plain), read(exact));
    }
}

/// An error names a member of ours, or the place of what is no JSON.
fn explain(error: &ReadError) {
    drop(error.to_string());
    if let ReadError::Wrong(fault) = error {
        let is_name = |part: char| part.is_ascii_alphanumeric() || "-_.[]".contains(part);
        assert!(fault.field.chars().all(is_name), "{}", fault.field);
    }
}
