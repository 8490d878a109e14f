//! Documents of messages. Part of `wire`.

use serde::{Deserialize, Serialize};

use super::{Text, Whole};

/// A message of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Message {
    /// The id.
    pub id: Text,
    /// When it was written: RFC 3339, or `YYYY-MM-DD HH:MM:SS` in UTC.
    pub timestamp: Text,
    /// Such as `sms`.
    #[serde(rename = "type")]
    pub kind: Text,
    /// The domain.
    pub domain: Text,
    /// `orig` from outside, `term` to the outside, empty for chat.
    pub direction: Text,
    /// For whom, with commas between them.
    pub dialed: Text,
    /// The text.
    pub text: Text,
    /// Such as `sending`.
    pub status: Text,
    /// The node that holds it; misspelt on the wire.
    pub messagesession_reciever_hostname: Text,
    /// From which number; empty for chat. Also read as `from-num`.
    #[serde(alias = "from-num")]
    pub from_number: Text,
    /// From whom, `ext@domain`; empty from outside.
    pub from_user_id: Text,
    /// Of a video call.
    pub from_video_attendee_id: Text,
    /// The program that wrote it.
    pub from_user_agent: Text,
    /// For whom, `ext@domain`, with commas between them.
    pub terminating_user_id: Text,
    /// For which number.
    pub terminating_number: Text,
    /// The session.
    pub messagesession_id: Text,
    /// Of a video call.
    pub video_instance_id: Text,
    /// The MIME type of what goes with it.
    pub media_type: Text,
    /// How large that is, in bytes.
    pub media_size: Whole,
    /// Who takes part, with commas between them.
    pub messagesession_participants: Text,
    /// When it was deleted. Also read as `deleted-timestamp`.
    #[serde(alias = "deleted-timestamp")]
    pub deleted_datetime: Text,
    /// Where what goes with it can be fetched. Also read with a blank at the end of its name.
    #[serde(alias = "file-access-url ", skip_serializing_if = "Text::is_empty")]
    pub file_access_url: Text,
}

/// `POST .../messages`, as it is written: nothing is copied but the base64 of the file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SendMessage<'a> {
    /// Such as `sms`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// The text.
    pub message: &'a str,
    /// For whom: one, or several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination<'a>>,
    /// From which number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_number: Option<&'a str>,
    /// The same under the name that version 44 describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_num: Option<&'a str>,
    /// The file in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a str>,
    /// The file's MIME type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<&'a str>,
    /// The file's size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
}

/// For whom a message is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Destination<'a> {
    /// One.
    One(&'a str),
    /// Several, or one in a list.
    Several(&'a [String]),
}
