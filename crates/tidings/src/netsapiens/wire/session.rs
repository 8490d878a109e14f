//! Documents of message sessions and of the numbers that they use. Part of `wire`.

use serde::{Deserialize, Serialize};

use super::{Text, Whole, YesNo};

/// A message session as its owner sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MessageSession {
    /// The owner's extension.
    pub user: Text,
    /// The owner's domain.
    pub domain: Text,
    /// The id.
    pub messagesession_id: Text,
    /// The others: a number or `ext@domain`, for groups with commas between them.
    pub messagesession_remote: Text,
    /// Our number; empty for chat.
    pub messagesession_sms_number: Text,
    /// Whether it makes no sound.
    pub messagesession_muted: YesNo,
    /// When the latest message was written. Also read as `messagesession-last-timestamp`.
    #[serde(alias = "messagesession-last-timestamp")]
    pub messagesession_last_datetime: Text,
    /// When it began. Also read as `messagesession-start-timestamp`.
    #[serde(alias = "messagesession-start-timestamp")]
    pub messagesession_start_datetime: Text,
    /// The latest message's text.
    pub messagesession_last_message: Text,
    /// Who wrote it: `ext@domain` or a number.
    pub messagesession_last_sender: Text,
    /// `read` or `unread`.
    pub messagesession_last_status: Text,
    /// When a mail last reminded of it. Also read as `...-timestamp`.
    #[serde(alias = "messagesession-last-email-reminder-timestamp")]
    pub messagesession_last_email_reminder_datetime: Text,
    /// The node that holds it; misspelt on the wire.
    pub messagesession_reciever_hostname: Text,
    /// The queue.
    pub messagesession_queue_termination: Text,
    /// How it stands in the queue.
    pub messagesession_queue_status: Text,
    /// Its id in the queue.
    pub messagesession_queue_session_id: Text,
    /// When an agent took it. Also read as `...-timestamp`.
    #[serde(alias = "messagesession-agent-start-timestamp")]
    pub messagesession_agent_start_datetime: Text,
    /// What the latest message is, such as `sms`.
    pub messagesession_last_type: Text,
    /// The MIME type of what goes with it.
    pub messagesession_last_media_type: Text,
    /// How large that is, in bytes.
    pub messagesession_last_media_size: Whole,
    /// Empty, or `group-chat`.
    pub messagesession_type: Text,
    /// The name that was given to it.
    pub messagesession_name: Text,
    /// Who takes part, with commas between them.
    pub messagesession_participants: Text,
}

/// `PUT .../messagesessions/{id}`. What is not set is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ChangeSession {
    /// Who takes part from now on, with commas between them, oneself included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participants: Option<Text>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<Text>,
    /// `read` or `unread`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messagesession_last_status: Option<Text>,
}

/// A number of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SmsNumber {
    /// The number.
    pub number: Text,
    /// `user`, `callqueue` or `available`.
    pub application: Text,
    /// The domain.
    pub domain: Text,
    /// The extension or the queue.
    pub dest: Text,
    /// The carrier.
    pub carrier: Text,
    /// Whether it can send and receive files.
    pub mms_capable: YesNo,
    /// Whether it can do so in groups.
    pub group_mms_capable: YesNo,
}

/// `POST` and `PUT .../smsnumbers`: what a number is used for. What is not set is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NumberAssignment {
    /// The number; only where it is added.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub number: Text,
    /// `user`, `callqueue` or `available`.
    pub application: Text,
    /// The extension or the queue.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub dest: Text,
    /// The carrier.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub carrier: Text,
}
