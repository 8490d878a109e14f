//! Writes events as the server posts them, in either spelling. Called by [`emit`](super::emit) and by
//! whoever tests a server of their own.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::Spelling;
use super::events::{Event, MessageEvent, SessionEvent};
use crate::callback::CallbackRequest;

/// The post that tells of these events: one, with all of them in a list.
///
/// Underscore names go with values that are all texts, and only with what the vendor is known to post
/// under them. The other spelling has the rows of the API's lists, with numbers and nulls.
pub fn write(spelling: Spelling, events: &[Event]) -> CallbackRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    CallbackRequest::post(headers, body(spelling, events))
}

fn body(spelling: Spelling, events: &[Event]) -> Bytes {
    let rows: Vec<Row<'_>> = events.iter().map(|event| row(spelling, event)).collect();
    serde_json::to_vec(&rows)
        .expect("texts, numbers and what was read from JSON can be written as JSON")
        .into()
}

fn row(spelling: Spelling, event: &Event) -> Row<'_> {
    match (event, spelling) {
        (Event::Message(message), Spelling::Underscore) => message_underscore(message),
        (Event::Message(message), Spelling::Kebab) => message_kebab(message),
        (Event::Session(session), Spelling::Underscore) => session_underscore(session),
        (Event::Session(session), Spelling::Kebab) => session_kebab(session),
        (Event::Other(other), _) => Row::AsItStands(&other.json),
    }
}

fn message_underscore(it: &MessageEvent) -> Row<'_> {
    let mut fields = vec![
        ("id", Field::Text(&it.id)),
        ("timestamp", Field::Text(&it.timestamp)),
        ("type", Field::Text(&it.kind)),
        ("domain", Field::Text(&it.domain)),
        ("user", Field::Text(&it.user)),
        ("direction", Field::Text(&it.direction)),
        ("from_num", Field::Text(&it.from_number)),
        ("dialed", Field::Text(&it.dialed)),
        ("text", Field::Text(&it.text)),
        ("term_uid", Field::Text(&it.terminating_user_id)),
        ("status", Field::Text(&it.status)),
        ("session_id", Field::Text(&it.session_id)),
        ("media_type", Field::Text(&it.media_type)),
        ("media_size", Field::Digits(it.media_size.unwrap_or(0))),
    ];
    let known_by_pattern = [
        ("from_uid", &it.from_user_id),
        ("term_num", &it.terminating_number),
    ];
    for (name, value) in known_by_pattern {
        if !value.is_empty() {
            fields.push((name, Field::Text(value)));
        }
    }
    Row::Fields(fields)
}

fn message_kebab(it: &MessageEvent) -> Row<'_> {
    let mut fields = vec![
        ("id", Field::Text(&it.id)),
        ("timestamp", Field::Text(&it.timestamp)),
        ("type", Field::Text(&it.kind)),
        ("domain", Field::Text(&it.domain)),
        ("direction", Field::Text(&it.direction)),
        ("dialed", Field::Text(&it.dialed)),
        ("text", Field::Text(&it.text)),
        ("status", Field::Text(&it.status)),
        (
            "messagesession-reciever-hostname",
            Field::Text(&it.hostname),
        ),
        ("from-number", Field::TextOrNumber(&it.from_number)),
        ("from-user-id", Field::Text(&it.from_user_id)),
        ("from-video-attendee-id", Field::Null),
        ("from-user-agent", Field::Text(&it.from_user_agent)),
        ("terminating-user-id", Field::Text(&it.terminating_user_id)),
        ("terminating-number", Field::Text(&it.terminating_number)),
        ("messagesession-id", Field::Text(&it.session_id)),
        ("video-instance-id", Field::Null),
        ("media-type", Field::Text(&it.media_type)),
        ("media-size", Field::Number(it.media_size.unwrap_or(0))),
        (
            "messagesession-participants",
            Field::TextOrNull(&it.participants),
        ),
        ("deleted-timestamp", Field::Text("")),
    ];
    if !it.file_access_url.is_empty() {
        fields.push(("file-access-url", Field::Text(&it.file_access_url)));
    }
    Row::Fields(fields)
}

fn session_underscore(it: &SessionEvent) -> Row<'_> {
    Row::Fields(vec![
        ("user", Field::Text(&it.user)),
        ("domain", Field::Text(&it.domain)),
        ("session_id", Field::Text(&it.session_id)),
        ("remote", Field::Text(&it.remote)),
        ("smsani", Field::Text(&it.sms_number)),
        ("last_mesg", Field::Text(&it.last_message)),
        ("last_mesg_type", Field::Text(&it.last_kind)),
        ("last_sender", Field::Text(&it.last_sender)),
        ("last_status", Field::Text(&it.last_status)),
        ("last_timestamp", Field::Text(&it.last_timestamp)),
        ("muted", Field::Text(yes_no(it.is_muted))),
    ])
}

fn session_kebab(it: &SessionEvent) -> Row<'_> {
    Row::Fields(vec![
        ("user", Field::Text(&it.user)),
        ("domain", Field::Text(&it.domain)),
        ("messagesession-id", Field::Text(&it.session_id)),
        ("messagesession-remote", Field::TextOrNumber(&it.remote)),
        (
            "messagesession-sms-number",
            Field::TextOrNumber(&it.sms_number),
        ),
        ("messagesession-muted", Field::Text(yes_no(it.is_muted))),
        (
            "messagesession-last-datetime",
            Field::Text(&it.last_timestamp),
        ),
        (
            "messagesession-start-datetime",
            Field::TextOrNull(&it.start_timestamp),
        ),
        ("messagesession-last-message", Field::Text(&it.last_message)),
        ("messagesession-last-sender", Field::Text(&it.last_sender)),
        ("messagesession-last-status", Field::Text(&it.last_status)),
        ("messagesession-last-email-reminder-datetime", Field::Null),
        (
            "messagesession-reciever-hostname",
            Field::Text(&it.hostname),
        ),
        ("messagesession-queue-termination", Field::Null),
        ("messagesession-queue-status", Field::Null),
        ("messagesession-queue-session-id", Field::Null),
        ("messagesession-agent-start-datetime", Field::Null),
        ("messagesession-last-type", Field::Text(&it.last_kind)),
        (
            "messagesession-last-media-type",
            Field::Text(&it.last_media_type),
        ),
        (
            "messagesession-last-media-size",
            Field::Number(it.last_media_size.unwrap_or(0)),
        ),
        ("messagesession-type", Field::Text(&it.kind)),
        ("messagesession-name", Field::Text(&it.name)),
        (
            "messagesession-participants",
            Field::TextOrNull(&it.participants),
        ),
    ])
}

const fn yes_no(is_so: Option<bool>) -> &'static str {
    match is_so {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    }
}

/// One object of the list.
enum Row<'a> {
    Fields(Vec<(&'static str, Field<'a>)>),
    AsItStands(&'a str),
}

/// A value, in the form that its spelling has it in.
enum Field<'a> {
    Text(&'a str),
    /// `null` where there is none.
    TextOrNull(&'a str),
    /// The vendor's server writes phone numbers as numbers.
    TextOrNumber(&'a str),
    Number(u64),
    /// A number as a text.
    Digits(u64),
    Null,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fields(fields) => {
                to.collect_map(fields.iter().map(|(name, field)| (name, field)))
            }
            Self::AsItStands(json) => match serde_json::from_str::<&RawValue>(json) {
                Ok(json) => json.serialize(to),
                // Somebody has put something else in its place.
                Err(_) => to.serialize_str(json),
            },
        }
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::TextOrNull("") | Self::Null => to.serialize_none(),
            Self::Text(text) | Self::TextOrNull(text) => to.serialize_str(text),
            Self::TextOrNumber(text) => match whole(text) {
                Some(number) => to.serialize_u64(number),
                None => to.serialize_str(text),
            },
            Self::Number(number) => to.serialize_u64(*number),
            Self::Digits(number) => to.collect_str(number),
        }
    }
}

/// The number that these digits are, if they come back from it.
fn whole(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
