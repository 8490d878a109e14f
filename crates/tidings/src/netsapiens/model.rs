//! The vendor's words for what can be subscribed to. Used by subscriptions and by the events that are
//! posted for them.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// What a subscription is about. A word that is in no list of the vendor's is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Model {
    /// An agent of a queue becomes available, or no longer is.
    Agent,
    /// Each entry of the audit log.
    AuditLog,
    /// The same in short.
    AuditLogLite,
    /// Each change of a call that is under way; the last one has `remove`.
    Call,
    /// The same, by the id of the call that it came from.
    CallOrigId,
    /// A record of each call, when it has ended.
    Cdr,
    /// Each message.
    Message,
    /// Each change of a message session: a message, or that it was read.
    MessageSession,
    /// A user is changed.
    Subscriber,
    /// The same in short.
    Presence,
    /// A voicemail is recorded.
    Voicemail,
    /// Another word.
    Other(Box<str>),
}

impl Model {
    /// Those that the vendor lists, in its order.
    pub const LISTED: [Self; 11] = [
        Self::Agent,
        Self::AuditLog,
        Self::AuditLogLite,
        Self::Call,
        Self::CallOrigId,
        Self::Cdr,
        Self::Message,
        Self::MessageSession,
        Self::Subscriber,
        Self::Presence,
        Self::Voicemail,
    ];

    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Agent => "agent",
            Self::AuditLog => "auditlog",
            Self::AuditLogLite => "auditlog_lite",
            Self::Call => "call",
            Self::CallOrigId => "call_origid",
            Self::Cdr => "cdr",
            Self::Message => "message",
            Self::MessageSession => "messagesession",
            Self::Subscriber => "subscriber",
            Self::Presence => "presence",
            Self::Voicemail => "voicemail",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for Model {
    fn from(word: &str) -> Self {
        let listed = Self::LISTED.into_iter();
        let mut found = listed.filter(|model| model.as_str() == word);
        found.next().unwrap_or_else(|| Self::Other(word.into()))
    }
}

impl FromStr for Model {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(word.into())
    }
}

/// The word on the wire.
impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
