//! Names under which a request is taken once, and hashes of what was asked.
//!
//! Called by the API's handlers and the vendors' APIs before they hand a message to intake, and by intake for
//! what has no name of its own. The store keeps the names in the transaction of the message. Names that
//! customers choose are visible ASCII; those made here hold a blank, so that the two never meet.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tidings_core::{ClientRef, E164, SenderId, Timestamp};
use tidings_store::{BatchId, ConversationId, MessageId, Once};

use super::draft::{Draft, DraftRecipient, Timing};

/// How long the answer to a request is kept after its message may leave first.
pub const KEPT: Duration = Duration::from_hours(24);

/// The longest key.
pub const MAX_KEY_LENGTH: usize = 255;

/// A key is not 1 to 255 visible ASCII characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters")]
pub struct KeyError;

/// Checks a customer's key for a request.
///
/// # Errors
/// [`KeyError`] when it has another form.
pub fn check_key(key: &str) -> Result<&str, KeyError> {
    let is_good = (1..=MAX_KEY_LENGTH).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic());
    is_good.then_some(key).ok_or(KeyError)
}

/// A request under the customer's own key.
///
/// # Errors
/// [`KeyError`] when the key has another form.
pub fn of_request(key: &str, body: [u8; 32], now: Timestamp) -> Result<Once, KeyError> {
    Ok(Once {
        key: check_key(key)?.into(),
        body,
        keep_until: now.plus(KEPT),
        answer: None,
    })
}

/// A message of a vendor's API, whose callers have no key for a request, by the reference that they give it.
/// `origin` is the API: the same reference in two of them names two messages.
pub fn of_client_reference(
    origin: &str,
    reference: &ClientRef,
    draft: &Draft,
    now: Timestamp,
) -> Once {
    Once {
        key: format!("reference {origin} {reference}").into(),
        body: draft_hash(draft),
        keep_until: now.plus(KEPT),
        answer: None,
    }
}

/// The same content within a window of time.
pub(super) fn of_content(
    to: E164,
    sender: Option<&SenderId>,
    text: &str,
    keep_until: Timestamp,
) -> Once {
    let mut hash = Canonical::new("content");
    hash.text(to.as_str());
    hash.optional(sender.map(ToString::to_string).as_deref());
    hash.text(text);
    let body = hash.finish();
    let mut key = String::with_capacity(72);
    key.push_str("content ");
    for byte in body {
        let _ = write!(key, "{byte:02x}");
    }
    Once {
        key: key.into(),
        body,
        keep_until,
        answer: None,
    }
}

/// A message that is sent again because a person asked for it: once, however often they ask.
pub(super) fn of_resend(message: MessageId) -> Once {
    for_ever(format!("resend {message}"), message.0.as_bytes())
}

/// The batch of the failed messages of a batch.
pub(super) fn of_resent_batch(batch: BatchId) -> Once {
    for_ever(format!("resend batch {batch}"), batch.0.as_bytes())
}

fn for_ever(key: String, of: &[u8]) -> Once {
    Once {
        key: key.into(),
        body: Sha256::digest(of).into(),
        keep_until: Timestamp::MAX,
        answer: None,
    }
}

/// SHA-256 of a JSON body in a form that does not depend on blanks, the order of fields or escapes.
pub fn body_hash(body: &Value) -> [u8; 32] {
    let mut hash = Canonical::new("json");
    hash.value(body);
    hash.finish()
}

/// SHA-256 of everything that a message is asked for with, but its key.
pub fn draft_hash(draft: &Draft) -> [u8; 32] {
    let mut hash = Canonical::new("draft");
    hash.draft(draft);
    hash.finish()
}

/// A hash of values with their borders: of no two different lists of values the bytes are the same.
#[derive(Clone, Debug)]
pub(super) struct Canonical(Sha256);

impl Canonical {
    pub(super) fn new(what: &'static str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.text(what);
        hash
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    pub(super) fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.0.update([0]),
            Some(text) => {
                self.0.update([1]);
                self.text(text);
            }
        }
    }

    fn shown(&mut self, value: Option<impl ToString>) {
        self.optional(value.map(|value| value.to_string()).as_deref());
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.update(b"n"),
            Value::Bool(truth) => self.0.update(if *truth { b"t" } else { b"f" }),
            Value::Number(number) => {
                self.0.update(b"d");
                self.text(&number.to_string());
            }
            Value::String(text) => {
                self.0.update(b"s");
                self.text(text);
            }
            Value::Array(values) => {
                self.0.update(b"a");
                self.number(values.len() as u64);
                for value in values {
                    self.value(value);
                }
            }
            Value::Object(fields) => {
                self.0.update(b"o");
                self.number(fields.len() as u64);
                let mut names: Vec<&String> = fields.keys().collect();
                names.sort_unstable();
                for name in names {
                    self.text(name);
                    self.value(&fields[name.as_str()]);
                }
            }
        }
    }

    pub(super) fn draft(&mut self, draft: &Draft) {
        match &draft.to {
            DraftRecipient::Written(text, region) => {
                self.text(text);
                self.shown(*region);
            }
            DraftRecipient::Number(number) => {
                self.text(number.as_str());
                self.optional(None);
            }
        }
        self.text(&draft.text);
        self.shown(draft.from.as_ref());
        self.optional(draft.reference.as_ref().map(ClientRef::as_str));
        self.shown(draft.tag.as_ref());
        self.text(draft.priority.as_str());
        self.shown(draft.valid_for.map(|time| time.as_millis()));
        self.shown(draft.policy);
        self.timing(&draft.timing);
        self.shown(draft.replacement);
        self.shown(draft.max_parts);
        match &draft.media {
            None => self.number(0),
            Some(media) => {
                self.number(1);
                self.text(media.mime_type());
                self.optional(media.file_name());
                self.bytes(media.content());
            }
        }
        self.optional(draft.terms.as_deref());
        self.optional(draft.conversation.as_ref().map(ConversationId::as_str));
    }

    fn timing(&mut self, timing: &Timing) {
        self.shown(timing.send_at);
        let local = timing.send_at_local;
        self.shown(local.map(|local| format!("{} {}", local.day, local.time)));
        // Its Debug form names everything that two windows can differ in.
        let window = timing.window.as_ref();
        self.shown(window.map(|window| format!("{window:?}")));
        let hours = timing.hours;
        self.shown(hours.map(|it| format!("{} {:?} {:?}", it.hours, it.first, it.last)));
        self.shown(timing.zone.as_ref());
        self.number(timing.ignores_quiet_hours.into());
    }
}
