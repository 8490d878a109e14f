//! What a receiver is told, in the form of Standard Webhooks: `type`, `timestamp`, `data`.
//!
//! Made by `deliver.rs` for each delivery. Pure. Below 20 kB whatever happened.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tidings_store::{Event, StoredMessage};

/// The longest payload, in bytes (Standard Webhooks recommends less than 20 kB).
const MAX_BYTES: usize = 20_000;
/// The longest sentence or foreign detail in it, in bytes of JSON.
const MAX_DETAIL_BYTES: usize = 12_000;

/// Writes what happened. `message` is the message as it is now, for what does not change; its state and
/// version are those of the event, so that news which comes late can be told from new: of two, the one
/// with the higher `rank` holds, and of equal ranks the one with the higher `version`.
pub(super) fn standard(event: &Event, message: Option<&StoredMessage>) -> Bytes {
    let mut data = Map::new();
    data.insert("sequence".to_owned(), event.seq.0.into());
    let ids = [
        (
            "account",
            event.account.as_ref().map(|it| it.as_str().to_owned()),
        ),
        ("id", event.message.map(|it| it.to_string())),
        ("batch", event.batch.map(|it| it.to_string())),
        ("lane", event.lane.as_ref().map(|it| it.as_str().to_owned())),
        ("code", event.code.as_deref().map(str::to_owned)),
        ("reason", event.reason.map(|it| it.as_str().to_owned())),
        ("provider_time", event.their_time.map(|it| it.to_string())),
    ];
    for (name, value) in ids {
        if let Some(value) = value {
            data.insert(name.to_owned(), value.into());
        }
    }
    if let Some(state) = event.state {
        data.insert("state".to_owned(), state.as_str().into());
        data.insert("rank".to_owned(), state.rank().into());
    }
    if let Some(version) = event.version {
        data.insert("version".to_owned(), version.into());
    }
    if let Some(attempt) = event.attempt {
        data.insert("attempt".to_owned(), attempt.into());
    }
    if let Some(message) = message {
        describe(&mut data, message);
    }
    let is_about_message = event.message.is_some();
    if let Some(detail) = event
        .detail
        .as_deref()
        .filter(|it| it.len() <= MAX_DETAIL_BYTES)
    {
        add_detail(&mut data, detail, is_about_message);
    }
    write(event, data)
}

fn write(event: &Event, data: Map<String, Value>) -> Bytes {
    let envelope = |data: Value| {
        let payload = json!({
            "type": event.kind.as_str(),
            "timestamp": event.at.to_string(),
            "data": data,
        });
        serde_json::to_vec(&payload).expect("texts and numbers can be written as JSON")
    };
    let whole = envelope(data.into());
    if whole.len() < MAX_BYTES {
        return whole.into();
    }
    // Only names of the customer's own could be so long; what happened to what is said all the same.
    let id = event.message.map(|it| it.to_string());
    envelope(json!({"sequence": event.seq.0, "id": id, "is_shortened": true})).into()
}

fn describe(data: &mut Map<String, Value>, message: &StoredMessage) {
    data.insert("to".to_owned(), message.to.as_str().into());
    data.insert("segments".to_owned(), message.parts.into());
    let texts = [
        ("reference", message.reference.as_deref()),
        ("tag", message.tag.as_deref()),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            data.insert(name.to_owned(), value.into());
        }
    }
    if message.duplicate_risk {
        data.insert("duplicate_risk".to_owned(), true.into());
    }
}

/// A sentence about a message; of everything else, the fields of what it is about.
fn add_detail(data: &mut Map<String, Value>, detail: &str, is_about_message: bool) {
    match serde_json::from_str(detail) {
        Ok(Value::Object(fields)) if !is_about_message => {
            for (name, value) in fields {
                data.entry(name).or_insert(value);
            }
        }
        _ => {
            data.insert("detail".to_owned(), detail.into());
        }
    }
}
