//! Documents of message sessions and of the numbers that they use. Part of `wire`.

use serde::Serialize;

use super::read::reads;
use super::scalar::as_boolean;
use super::{Text, Whole, YesNo};

/// A message session as its owner sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
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
    pub messagesession_last_datetime: Text,
    /// When it began. Also read as `messagesession-start-timestamp`.
    pub messagesession_start_datetime: Text,
    /// The latest message's text.
    pub messagesession_last_message: Text,
    /// Who wrote it: `ext@domain` or a number.
    pub messagesession_last_sender: Text,
    /// `read` or `unread`.
    pub messagesession_last_status: Text,
    /// When a mail last reminded of it. Also read as
    /// `messagesession-last-email-reminder-timestamp`.
    pub messagesession_last_email_reminder_datetime: Text,
    /// The node that holds it; misspelt on the wire, and also read under the right spelling.
    pub messagesession_reciever_hostname: Text,
    /// The queue.
    pub messagesession_queue_termination: Text,
    /// How it stands in the queue.
    pub messagesession_queue_status: Text,
    /// Its id in the queue.
    pub messagesession_queue_session_id: Text,
    /// When an agent took it. Also read as `messagesession-agent-start-timestamp`.
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

reads!(MessageSession {
    "user" => user,
    "domain" => domain,
    "messagesession-id" => messagesession_id,
    "messagesession-remote" => messagesession_remote,
    "messagesession-sms-number" => messagesession_sms_number,
    "messagesession-muted" => messagesession_muted,
    "messagesession-last-datetime" | "messagesession-last-timestamp" => messagesession_last_datetime,
    "messagesession-start-datetime" | "messagesession-start-timestamp" => messagesession_start_datetime,
    "messagesession-last-message" => messagesession_last_message as any,
    "messagesession-last-sender" => messagesession_last_sender,
    "messagesession-last-status" => messagesession_last_status,
    "messagesession-last-email-reminder-datetime" | "messagesession-last-email-reminder-timestamp" => messagesession_last_email_reminder_datetime,
    "messagesession-reciever-hostname" | "messagesession-receiver-hostname" => messagesession_reciever_hostname,
    "messagesession-queue-termination" => messagesession_queue_termination,
    "messagesession-queue-status" => messagesession_queue_status,
    "messagesession-queue-session-id" => messagesession_queue_session_id,
    "messagesession-agent-start-datetime" | "messagesession-agent-start-timestamp" => messagesession_agent_start_datetime,
    "messagesession-last-type" => messagesession_last_type,
    "messagesession-last-media-type" => messagesession_last_media_type,
    "messagesession-last-media-size" => messagesession_last_media_size,
    "messagesession-type" => messagesession_type,
    "messagesession-name" => messagesession_name,
    "messagesession-participants" => messagesession_participants,
});

/// `PUT .../messagesessions/{id}`. What is not set is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
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

reads!(ChangeSession {
    "participants" => participants,
    "session-name" => session_name,
    "messagesession-last-status" => messagesession_last_status,
});

/// A number of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
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
    #[serde(serialize_with = "as_boolean")]
    pub mms_capable: YesNo,
    /// Whether it can do so in groups.
    #[serde(serialize_with = "as_boolean")]
    pub group_mms_capable: YesNo,
}

reads!(SmsNumber {
    "number" => number,
    "application" => application,
    "domain" => domain,
    "dest" => dest,
    "carrier" => carrier,
    "mms-capable" => mms_capable,
    "group-mms-capable" => group_mms_capable,
});

/// `POST` and `PUT .../smsnumbers`: what a number is used for. What is not set is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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

reads!(NumberAssignment {
    "number" => number,
    "application" => application,
    "dest" => dest,
    "carrier" => carrier,
});
