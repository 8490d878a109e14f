//! Reads a post into events, object by object, in both spellings of the vendor's names. Called by
//! [`read`](super::read()) and [`parse`](super::parse).
//!
//! Which model an object is of is mostly not written in it and is told from its names. What is wrong
//! is said by the field's name; its value is never repeated.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::model::Model;
use super::Unreadable;
use super::events::{Event, MessageEvent, OtherEvent, SessionEvent};

/// Everything that a body holds, in its order, each with its place: one object, or a list of them.
pub(super) fn objects(body: &[u8]) -> Result<Vec<Result<Event, Unreadable>>, &'static str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let objects: Vec<&RawValue> = match body.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice(body).map_err(|_| "is no JSON")?,
        Some(b'{') => vec![serde_json::from_slice(body).map_err(|_| "is no JSON")?],
        _ => return Err("is no list of objects"),
    };
    let places = objects.into_iter().enumerate();
    Ok(places.map(|(place, json)| object(place, json)).collect())
}

/// The names that only a session has, and those of which a message has most.
const OF_SESSIONS: &[&str] = &[
    "remote",
    "smsani",
    "last_mesg",
    "last_mesg_type",
    "last_sender",
    "last_status",
    "last_timestamp",
    "messagesession-remote",
    "messagesession-sms-number",
    "messagesession-last-message",
    "messagesession-last-type",
    "messagesession-last-sender",
    "messagesession-last-status",
    "messagesession-last-datetime",
    "messagesession-last-timestamp",
];
const OF_MESSAGES: &[&str] = &[
    "text",
    "direction",
    "dialed",
    "from_num",
    "from-number",
    "from-num",
    "term_uid",
    "terminating-user-id",
    "session_id",
    "messagesession-id",
];

fn object(place: usize, json: &RawValue) -> Result<Event, Unreadable> {
    let wrong = |fault| Unreadable::new(format!("[{place}]"), fault);
    let fields: BTreeMap<String, &RawValue> =
        serde_json::from_str(json.get()).map_err(|_| wrong("is no object"))?;
    let fields = fields
        .into_iter()
        // A name of the vendor's ends in a blank.
        .map(|(name, value)| (name.trim().to_owned(), value));
    let fields = Fields {
        place,
        values: fields.collect(),
    };
    match fields.model() {
        Some(Model::Message) => message(&fields).map(|it| Event::Message(Box::new(it))),
        Some(Model::MessageSession) => session(&fields).map(|it| Event::Session(Box::new(it))),
        model => Ok(Event::Other(OtherEvent {
            model,
            json: json.get().into(),
        })),
    }
}

fn message(from: &Fields<'_>) -> Result<MessageEvent, Unreadable> {
    Ok(MessageEvent {
        id: from.needed(&["id"])?,
        timestamp: from.text(&["timestamp"])?,
        kind: from.text(&["type"])?,
        domain: from.text(&["domain"])?,
        user: from.text(&["user"])?,
        direction: from.text(&["direction"])?,
        from_number: from.text(&["from_num", "from-number", "from-num"])?,
        from_user_id: from.text(&["from_uid", "from-user-id"])?,
        from_user_agent: from.text(&["from_user_agent", "from-user-agent"])?,
        dialed: from.text(&["dialed"])?,
        text: from.anything("text")?,
        terminating_user_id: from.text(&["term_uid", "terminating-user-id"])?,
        terminating_number: from.text(&["term_num", "terminating-number"])?,
        status: from.text(&["status"])?,
        session_id: from.needed(&["session_id", "messagesession-id"])?,
        participants: from.text(&["participants", "messagesession-participants"])?,
        hostname: from.text(&["rx_hostname", "messagesession-reciever-hostname"])?,
        media_type: from.text(&["media_type", "media-type"])?,
        media_size: from.number(&["media_size", "media-size"])?,
        file_access_url: from.text(&["file_access_url", "file-access-url"])?,
    })
}

fn session(from: &Fields<'_>) -> Result<SessionEvent, Unreadable> {
    Ok(SessionEvent {
        user: from.text(&["user"])?,
        domain: from.text(&["domain"])?,
        session_id: from.needed(&["session_id", "messagesession-id"])?,
        remote: from.text(&["remote", "messagesession-remote"])?,
        sms_number: from.text(&["smsani", "messagesession-sms-number"])?,
        last_message: from.anything_of(&["last_mesg", "messagesession-last-message"])?,
        last_kind: from.text(&["last_mesg_type", "messagesession-last-type"])?,
        last_sender: from.text(&["last_sender", "messagesession-last-sender"])?,
        last_status: from.text(&["last_status", "messagesession-last-status"])?,
        last_timestamp: from.text(&[
            "last_timestamp",
            "messagesession-last-datetime",
            "messagesession-last-timestamp",
        ])?,
        last_media_type: from.text(&["last_media_type", "messagesession-last-media-type"])?,
        last_media_size: from.number(&["last_media_size", "messagesession-last-media-size"])?,
        is_muted: from.yes_no(&["muted", "messagesession-muted"])?,
        start_timestamp: from.text(&[
            "start_timestamp",
            "messagesession-start-datetime",
            "messagesession-start-timestamp",
        ])?,
        kind: from.text(&["session_type", "messagesession-type"])?,
        name: from.text(&["session_name", "messagesession-name"])?,
        participants: from.text(&["participants", "messagesession-participants"])?,
        hostname: from.text(&["rx_hostname", "messagesession-reciever-hostname"])?,
    })
}

/// The fields of one object. A value is asked for by all names that it may have, the older first;
/// what is `null` or empty under one may be there under another.
struct Fields<'a> {
    place: usize,
    values: BTreeMap<String, &'a RawValue>,
}

impl Fields<'_> {
    fn model(&self) -> Option<Model> {
        let word = |name| match self.text(&[name]) {
            Ok(word) if !word.is_empty() => Some(Model::from(word.as_str())),
            Ok(_) | Err(_) => None,
        };
        if let Some(model) = word("model").or_else(|| word("object")) {
            return Some(model);
        }
        let count = |names: &[&str]| {
            let is_there = |name: &&&str| self.values.contains_key(**name);
            names.iter().filter(is_there).count()
        };
        if count(OF_SESSIONS) >= 2 {
            Some(Model::MessageSession)
        } else if count(OF_MESSAGES) >= 3 {
            Some(Model::Message)
        } else {
            None
        }
    }

    /// A text, or a number in the place of one, which is kept as it is written.
    fn text(&self, names: &[&'static str]) -> Result<String, Unreadable> {
        self.first(names, |name, json| match json.bytes().next() {
            Some(b'"') => self.unquoted(name, json),
            Some(b'n') => Ok(String::new()),
            Some(b'-' | b'0'..=b'9') => Ok(json.to_owned()),
            _ => Err(self.wrong(name, "is no text")),
        })
    }

    /// What a person has written: a text and, where it comes as anything else, that as JSON.
    fn anything(&self, name: &'static str) -> Result<String, Unreadable> {
        self.anything_of(&[name])
    }

    fn anything_of(&self, names: &[&'static str]) -> Result<String, Unreadable> {
        self.first(names, |name, json| match json.bytes().next() {
            Some(b'"') => self.unquoted(name, json),
            Some(b'n') => Ok(String::new()),
            _ => Ok(json.to_owned()),
        })
    }

    fn first(
        &self,
        names: &[&'static str],
        read: impl Fn(&'static str, &str) -> Result<String, Unreadable>,
    ) -> Result<String, Unreadable> {
        for name in names {
            if let Some(json) = self.values.get(*name) {
                let value = read(name, json.get())?;
                if !value.is_empty() {
                    return Ok(value);
                }
            }
        }
        Ok(String::new())
    }

    fn unquoted(&self, name: &str, json: &str) -> Result<String, Unreadable> {
        serde_json::from_str(json).map_err(|_| self.wrong(name, "is no text"))
    }

    fn needed(&self, names: &[&'static str]) -> Result<String, Unreadable> {
        let value = self.text(names)?;
        if value.is_empty() {
            return Err(self.wrong(self.spelt(names), "is missing"));
        }
        Ok(value)
    }

    /// A whole number from 0, or the text of one.
    fn number(&self, names: &[&'static str]) -> Result<Option<u64>, Unreadable> {
        let text = self.text(names)?;
        match text.trim() {
            "" => Ok(None),
            digits => match digits.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.wrong(self.spelt(names), "is no whole number")),
            },
        }
    }

    fn yes_no(&self, names: &[&'static str]) -> Result<Option<bool>, Unreadable> {
        let word = self.anything_of(names)?;
        match word.trim().to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "yes" | "true" | "1" => Ok(Some(true)),
            "no" | "false" | "0" => Ok(Some(false)),
            _ => Err(self.wrong(self.spelt(names), "is neither yes nor no")),
        }
    }

    /// The name under which a value is there; the older one where there is none.
    fn spelt(&self, names: &[&'static str]) -> &'static str {
        let mut there = names.iter().filter(|name| self.values.contains_key(**name));
        there.next().or(names.first()).copied().unwrap_or_default()
    }

    fn wrong(&self, name: &str, fault: &'static str) -> Unreadable {
        Unreadable::new(format!("[{}].{name}", self.place), fault)
    }
}
