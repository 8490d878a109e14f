//! Documents of messages. Part of `wire`.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::Serialize;
use tidings_core::Media;

use super::read::{Expected, FieldFault, reads};
use super::{Base64, OneOrMore, Text, Whole};

/// A message of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
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
    /// The node that holds it; misspelt on the wire, and also read under the right spelling.
    pub messagesession_reciever_hostname: Text,
    /// From which number; empty for chat. Also read as `from-num`.
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
    pub deleted_datetime: Text,
    /// Where what goes with it can be fetched. Also read with a blank at the end of its name.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub file_access_url: Text,
}

reads!(Message {
    "id" => id,
    "timestamp" => timestamp,
    "type" => kind,
    "domain" => domain,
    "direction" => direction,
    "dialed" => dialed,
    "text" => text as any,
    "status" => status,
    "messagesession-reciever-hostname" | "messagesession-receiver-hostname" => messagesession_reciever_hostname,
    "from-number" | "from-num" => from_number,
    "from-user-id" => from_user_id,
    "from-video-attendee-id" => from_video_attendee_id,
    "from-user-agent" => from_user_agent,
    "terminating-user-id" => terminating_user_id,
    "terminating-number" => terminating_number,
    "messagesession-id" => messagesession_id,
    "video-instance-id" => video_instance_id,
    "media-type" => media_type,
    "media-size" => media_size,
    "messagesession-participants" => messagesession_participants,
    "deleted-datetime" | "deleted-timestamp" => deleted_datetime,
    "file-access-url" | "file-access-url " => file_access_url,
});

/// `POST .../messages`, as it is written: nothing is copied.
#[derive(Clone, Copy, Serialize)]
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
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Base64<'a>>,
    /// The file's MIME type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<&'a str>,
    /// The file's size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
}

impl<'a> SendMessage<'a> {
    /// A text of a kind, to everybody in the session.
    pub fn new(kind: &'a str, message: &'a str) -> Self {
        Self {
            kind,
            message,
            destination: None,
            from_number: None,
            from_num: None,
            data: None,
            mime_type: None,
            size: None,
        }
    }

    /// Adds a file: its content, its type and its size.
    pub fn attach(&mut self, media: &'a Media) {
        self.data = Some(Base64(media.content()));
        self.mime_type = Some(media.mime_type());
        self.size = Some(media.content().len());
    }
}

/// For whom a message is.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Destination<'a> {
    /// One.
    One(&'a str),
    /// Several, or one in a list.
    Several(&'a [String]),
}

/// Writes the body of a call that sends. It is the only piece of memory that grows with the file:
/// its size is computed beforehand, and the base64 goes straight into it.
pub fn write_send(message: &SendMessage<'_>) -> Bytes {
    let mut body = Vec::with_capacity(room_for(message));
    serde_json::to_writer(&mut body, message).expect("texts and a number can be written");
    body.into()
}

/// At least how many bytes the body has.
fn room_for(message: &SendMessage<'_>) -> usize {
    // The names, with all that stands around the values.
    const MEMBERS: usize = 128;
    let destinations = match message.destination {
        None => 0,
        Some(Destination::One(one)) => quoted(one),
        Some(Destination::Several(several)) => several.iter().map(|one| quoted(one) + 1).sum(),
    };
    let file = message.data.map_or(0, |data| data.0.len().div_ceil(3) * 4);
    let texts = [
        Some(message.kind),
        Some(message.message),
        message.from_number,
        message.from_num,
        message.mime_type,
    ];
    let texts: usize = texts.into_iter().flatten().map(quoted).sum();
    MEMBERS + destinations + file + texts
}

/// How many bytes a text has in JSON, or a few more.
fn quoted(text: &str) -> usize {
    let length = |byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(length).sum::<usize>() + 2
}

/// `POST .../messages`, as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentMessage {
    /// Such as `sms`.
    pub kind: Text,
    /// The text.
    pub message: Text,
    /// For whom: one, or several; nobody where it stays in its session.
    pub destination: OneOrMore,
    /// From which number. Also read as `from-num`, and as `from_num`, its name in the older API.
    pub from_number: Text,
    /// The file in base64; [`Self::content`] decodes it.
    pub data: Text,
    /// The file's MIME type.
    pub mime_type: Text,
    /// The file's size in bytes, as the sender says.
    pub size: Whole,
}

reads!(SentMessage {
    "type" => kind,
    "message" => message,
    "destination" => destination,
    "from-number" | "from-num" | "from_num" => from_number,
    "data" => data,
    "mime-type" => mime_type,
    "size" => size,
});

impl SentMessage {
    /// The file's content, if there is one: base64 of RFC 4648 with or without the padding.
    ///
    /// # Errors
    /// Names `data` when it is no base64.
    pub fn content(&self) -> Result<Option<Vec<u8>>, FieldFault> {
        let Some(data) = self.data.get() else {
            return Ok(None);
        };
        let content = LENIENT.decode(data);
        content
            .map(Some)
            .map_err(|_| FieldFault::new("data", Expected::Base64))
    }
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Shows how many they are: they are phone numbers.
impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(_) => f.write_str("One"),
            Self::Several(several) => write!(f, "Several({})", several.len()),
        }
    }
}

/// Shows the kind and how much there is, no text and no number.
impl fmt::Debug for SendMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMessage")
            .field("kind", &self.kind)
            .field("message_bytes", &self.message.len())
            .field("destination", &self.destination)
            .field("has_from_number", &self.from_number.is_some())
            .field("data", &self.data)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
