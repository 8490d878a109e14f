//! The vendor's events with its own fields: one message, one state of a message session, or anything
//! else. Read by `read.rs`, written by `write.rs`, told apart by `memory.rs`.

use std::fmt;

use tidings_core::Timestamp;

use super::super::map::number;
use super::super::model::Model;
use super::super::wire::time;

/// One object of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A message was written.
    Message(Box<MessageEvent>),
    /// A message session is different: something was written into it, or it was read.
    Session(Box<SessionEvent>),
    /// Something that is neither of the two.
    Other(OtherEvent),
}

/// A message, as an event tells of it. What the event does not say is empty.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageEvent {
    /// The message's id: the same message that is told twice has the same.
    pub id: String,
    /// When it was written, as it stands there; see [`Self::at`].
    pub timestamp: String,
    /// Such as `sms`.
    pub kind: String,
    /// The domain.
    pub domain: String,
    /// The user's extension.
    pub user: String,
    /// `orig` from outside, `term` to the outside, empty for chat.
    pub direction: String,
    /// From which number.
    pub from_number: String,
    /// From which user, `ext@domain`; empty from outside.
    pub from_user_id: String,
    /// The program that wrote it.
    pub from_user_agent: String,
    /// For whom, with commas between them.
    pub dialed: String,
    /// The text.
    pub text: String,
    /// For which user, `ext@domain`.
    pub terminating_user_id: String,
    /// For which number.
    pub terminating_number: String,
    /// Such as `sending`.
    pub status: String,
    /// The session.
    pub session_id: String,
    /// Who takes part, with commas between them.
    pub participants: String,
    /// The node that holds it.
    pub hostname: String,
    /// The MIME type of the file that goes with it.
    pub media_type: String,
    /// How large that is, in bytes.
    pub media_size: Option<u64>,
    /// Where that can be fetched. Whoever has this address has the file, so it is a secret.
    pub file_access_url: String,
}

/// A message session, as an event tells of it. What the event does not say is empty.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionEvent {
    /// Whose view of it this is: the extension.
    pub user: String,
    /// Whose view of it this is: the domain.
    pub domain: String,
    /// Its id.
    pub session_id: String,
    /// The others: a number or `ext@domain`, for groups with commas between them.
    pub remote: String,
    /// Our number; empty for chat.
    pub sms_number: String,
    /// The latest message's text.
    pub last_message: String,
    /// What the latest message is, such as `sms`.
    pub last_kind: String,
    /// Who wrote it.
    pub last_sender: String,
    /// `read` or `unread`.
    pub last_status: String,
    /// When it was written, as it stands there; see [`Self::last_at`].
    pub last_timestamp: String,
    /// The MIME type of the file that goes with it.
    pub last_media_type: String,
    /// How large that is, in bytes.
    pub last_media_size: Option<u64>,
    /// Whether the session makes no sound.
    pub is_muted: Option<bool>,
    /// When it began, as it stands there.
    pub start_timestamp: String,
    /// Empty, or `group-chat`.
    pub kind: String,
    /// The name that was given to it.
    pub name: String,
    /// Who takes part, with commas between them.
    pub participants: String,
    /// The node that holds it.
    pub hostname: String,
}

/// An event that is neither a message nor a session.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherEvent {
    /// What it is, where it says so.
    pub model: Option<Model>,
    /// The whole object, as it stands there.
    pub json: Box<str>,
}

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Way {
    /// To us.
    In,
    /// From us.
    Out,
    /// The event does not tell.
    Unknown,
}

impl MessageEvent {
    /// When it was written.
    pub fn at(&self) -> Option<Timestamp> {
        time::parse(&self.timestamp)
    }

    /// Whether it went over the phone network, and not from user to user.
    pub fn is_phone_text(&self) -> bool {
        match self.direction.as_str() {
            "orig" | "term" => true,
            _ => self.from_user_id.is_empty() && number::from_wire(&self.from_number).is_some(),
        }
    }

    /// Which way it went, as the user sees it whose event this is.
    pub fn way(&self) -> Way {
        match self.direction.as_str() {
            "orig" => Way::In,
            "term" => Way::Out,
            _ if self.is_phone_text() => Way::In,
            _ if self.from_user_id.is_empty() || self.user.is_empty() => Way::Unknown,
            _ if is_user(&self.from_user_id, &self.user, &self.domain) => Way::Out,
            _ => Way::In,
        }
    }

    /// Who wrote it: the number or, from user to user, the user.
    pub fn sender(&self) -> &str {
        match self.from_number.as_str() {
            "" => &self.from_user_id,
            number => number,
        }
    }

    /// Whether there is something in it: a text or a file. Events without either do occur.
    pub fn has_content(&self) -> bool {
        !self.text.is_empty() || !self.media_type.is_empty() || has_media(&self.kind)
    }
}

impl SessionEvent {
    /// When the latest message was written.
    pub fn last_at(&self) -> Option<Timestamp> {
        time::parse(&self.last_timestamp)
    }

    /// Which way the latest message went: in if one of the others wrote it, out if our number or one
    /// of our users did.
    pub fn way(&self) -> Way {
        let sender = number::neutral(&self.last_sender);
        let is_sender = |address: &String| *address == sender;
        if sender.is_empty() {
            return Way::Unknown;
        }
        if is_user(&self.last_sender, &self.user, &self.domain) {
            return Way::Out;
        }
        if number::neutral_list(&self.remote).iter().any(is_sender) {
            return Way::In;
        }
        let is_ours = sender.contains('@') || number::neutral(&self.sms_number) == sender;
        if is_ours { Way::Out } else { Way::In }
    }

    /// Whether the latest message has been read.
    pub fn is_read(&self) -> bool {
        self.last_status.eq_ignore_ascii_case("read")
    }

    /// Whether there is something in the latest message: a text or a file.
    pub fn has_content(&self) -> bool {
        !self.last_message.is_empty()
            || !self.last_media_type.is_empty()
            || has_media(&self.last_kind)
    }
}

/// Whether `uid` is this user's.
fn is_user(uid: &str, user: &str, domain: &str) -> bool {
    let written = uid.split_once('@');
    written.is_some_and(|(its_user, its_domain)| {
        its_user == user && its_domain.eq_ignore_ascii_case(domain)
    })
}

/// Whether a message of this kind is a file.
fn has_media(kind: &str) -> bool {
    matches!(kind, "mms" | "chat-media" | "chat-vid" | "chat-video")
}

/// Shows ids and lengths, neither the text nor a number.
impl fmt::Debug for MessageEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageEvent")
            .field("id", &self.id)
            .field("timestamp", &self.timestamp)
            .field("kind", &self.kind)
            .field("direction", &self.direction)
            .field("session_id", &self.session_id)
            .field("text_bytes", &self.text.len())
            .field("status", &self.status)
            .field("media_type", &self.media_type)
            .field("media_size", &self.media_size)
            .finish_non_exhaustive()
    }
}

/// Shows ids and lengths, neither the text nor a number.
impl fmt::Debug for SessionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEvent")
            .field("session_id", &self.session_id)
            .field("last_bytes", &self.last_message.len())
            .field("last_kind", &self.last_kind)
            .field("last_status", &self.last_status)
            .field("last_timestamp", &self.last_timestamp)
            .finish_non_exhaustive()
    }
}

/// Shows what it is and how long.
impl fmt::Debug for OtherEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherEvent")
            .field("model", &self.model)
            .field("json_bytes", &self.json.len())
            .finish_non_exhaustive()
    }
}
