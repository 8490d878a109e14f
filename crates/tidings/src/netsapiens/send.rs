//! Sending: texts, files and chat messages, to one or several, into sessions that are named before.
//!
//! Called by programs, and by `submit.rs` for those that know no provider. Every call of this file but
//! one names its session itself, so that after a lost answer it can be looked up; nothing is sent a
//! second time here.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use tidings_core::{E164, Media, ProviderRef};

use super::choices::SenderField;
use super::client::Client;
use super::map::number;
use super::media;
use super::path::Path;
use super::session_id::SessionId;
use super::verdict::{self, Call};
use super::wire;
use crate::answer::Answer;
use crate::error::{Acceptance, ErrorKind, Result};

pub(super) const SEND: Call = Call::sends("send_message");

/// What stands in the place of a text where a message has only a file, and the file no name.
const NAMELESS: &str = "media";

/// A message as this PBX sends them: to phones over the phone network, or to users of the domain.
///
/// ```
/// use tidings::netsapiens::Message;
///
/// let to = "+16175551234".parse()?;
/// let text = Message::sms([to], "Your parcel is here.");
/// let word = Message::chat(["201", "202"], "The parcel is here.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Message {
    text: Arc<str>,
    media: Option<Media>,
    to: To,
    from: Option<E164>,
}

/// For whom a message is.
#[derive(Clone, PartialEq, Eq)]
enum To {
    Phones(Vec<E164>),
    Users(Vec<String>),
}

/// What the PBX has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The session that it went into. `None` where the server named it and did not tell.
    pub session: Option<String>,
    /// The PBX's id of the message, which few answers tell.
    pub message: Option<String>,
}

impl Sent {
    /// How to ask about it.
    pub fn provider_ref(&self) -> ProviderRef {
        let mut about = ProviderRef::default();
        about.message.clone_from(&self.message);
        about.session.clone_from(&self.session);
        about
    }
}

impl Message {
    /// A text to one phone or several. Several are one group message, which all of them see.
    pub fn sms(to: impl IntoIterator<Item = E164>, text: impl Into<Arc<str>>) -> Self {
        Self {
            text: text.into(),
            media: None,
            to: To::Phones(to.into_iter().collect()),
            from: None,
        }
    }

    /// A file to one phone or several. The text may be empty, and then the file's name takes its
    /// place: the PBX wants a text. At least one installation refuses a picture together with a text;
    /// there, send the text as a message of its own.
    pub fn mms(
        to: impl IntoIterator<Item = E164>,
        media: Media,
        text: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            media: Some(media),
            ..Self::sms(to, text)
        }
    }

    /// A text to one user or several: extensions of the sender's domain.
    pub fn chat<T: Into<String>>(
        to: impl IntoIterator<Item = T>,
        text: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            text: text.into(),
            media: None,
            to: To::Users(to.into_iter().map(Into::into).collect()),
            from: None,
        }
    }

    /// A file to one user or several. The text may be empty, as with [`Self::mms`].
    pub fn chat_media<T: Into<String>>(
        to: impl IntoIterator<Item = T>,
        media: Media,
        text: impl Into<Arc<str>>,
    ) -> Self {
        Self {
            media: Some(media),
            ..Self::chat(to, text)
        }
    }

    /// Sets the number that phones see: an SMS number of the user who sends. The default is the
    /// client's. Chat has none.
    pub fn from(mut self, number: E164) -> Self {
        self.from = Some(number);
        self
    }

    /// The vendor's word for what it is.
    fn kind(&self) -> &'static str {
        match (&self.to, &self.media) {
            (To::Phones(_), None) => "sms",
            (To::Phones(_), Some(_)) => "mms",
            (To::Users(_), None) => "chat",
            (To::Users(_), Some(_)) => "chat-media",
        }
    }
}

/// Shows lengths, neither the text nor a whole number.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_recipients = match &self.to {
            To::Phones(phones) => phones.len(),
            To::Users(users) => users.len(),
        };
        f.debug_struct("Message")
            .field("kind", &self.kind())
            .field("text_bytes", &self.text.len())
            .field("media", &self.media)
            .field("recipients", &n_recipients)
            .field("from", &self.from)
            .finish()
    }
}

impl Client {
    /// Sends a message in a new session, whose id this client makes up.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMessage`], [`ErrorKind::InvalidRecipient`] or
    /// [`ErrorKind::InvalidSender`] before anything is sent when the message is wrong. An error
    /// whose [`acceptance`](crate::Error::acceptance) is unknown holds the session in its
    /// [`provider_ref`](crate::Error::provider_ref).
    #[doc(alias("send_message", "MessageAPI", "MessagesAPI"))]
    pub async fn send(&self, message: &Message) -> Result<Answer<Sent>> {
        let session = self.shared().choices.new_sessions.next();
        self.send_in(&session, message).await
    }

    /// Sends a message in a session that the caller names. It begins with this message if it is not
    /// there.
    ///
    /// # Errors
    /// As [`Self::send`].
    #[doc(alias("send_message"))]
    pub async fn send_in(&self, session: &SessionId, message: &Message) -> Result<Answer<Sent>> {
        self.post(session.as_str(), message, Recipients::Needed)
            .await
    }

    /// Sends a message in a session that is there, whatever form its id has. The message may have no
    /// recipients: it goes to those who take part.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn reply(&self, session: &str, message: &Message) -> Result<Answer<Sent>> {
        self.post(session, message, Recipients::Optional).await
    }

    /// Sends a message in a session whose id the server makes up. Use [`Self::send`] unless the
    /// server's own ids are needed: when the answer to this call is lost, nobody can find out what
    /// became of the message, early versions do not know the call, and its answer may tell neither
    /// session nor message.
    ///
    /// # Errors
    /// As [`Self::send`]; [`ErrorKind::Unsupported`] where the version has no such call.
    pub async fn send_in_server_session(&self, message: &Message) -> Result<Answer<Sent>> {
        let path = self.user_path().map(|path| path.fixed("/messages"));
        let body = self.body(message, Recipients::Needed)?;
        let answer = self
            .call(SEND, Method::POST, path, Some(body), verdict::read_sent)
            .await?;
        Ok(answer.map(|told| sent(None, told.as_ref())))
    }

    async fn post(
        &self,
        session: &str,
        message: &Message,
        recipients: Recipients,
    ) -> Result<Answer<Sent>> {
        let body = self.body(message, recipients)?;
        self.post_body(SEND, session, body).await
    }

    /// Sends a message that is written.
    pub(super) async fn post_body(
        &self,
        call: Call,
        session: &str,
        body: Bytes,
    ) -> Result<Answer<Sent>> {
        let path = self.messages_path(session);
        let answer = self
            .call(call, Method::POST, path, Some(body), verdict::read_sent)
            .await
            .map_err(|error| match error.acceptance() {
                Acceptance::Unknown => {
                    let mut about = ProviderRef::default();
                    about.session = Some(session.to_owned());
                    error.with_provider_ref(about)
                }
                Acceptance::NotSent | Acceptance::Refused => error,
            })?;
        Ok(answer.map(|told| sent(Some(session), told.as_ref())))
    }

    /// `/domains/{domain}/users/{user}`.
    pub(super) fn user_path(&self) -> Option<Path> {
        Path::user(&self.shared().domain, &self.shared().user)
    }

    /// The path of a session of the user.
    pub(super) fn session_path(&self, session: &str) -> Option<Path> {
        self.user_path()?.fixed("/messagesessions").part(session)
    }

    /// A message in JSON, checked.
    pub(super) fn body(&self, message: &Message, recipients: Recipients) -> Result<Bytes> {
        let choices = &self.shared().choices;
        if let Some(media) = &message.media {
            media::check(SEND, media, choices.max_media_bytes)?;
        }
        let text = written_text(message)?;
        let to = destinations(message, recipients)?;
        let from = self.sender(message)?;
        let from = from.as_ref().map(number::to_wire);
        let (from_number, from_num) = match choices.sender_field {
            SenderField::FromNumber => (from, None),
            SenderField::FromNum => (None, from),
        };
        let destination = match to.as_slice() {
            [] => None,
            [one] if !choices.destination_as_list => Some(wire::Destination::One(one)),
            several => Some(wire::Destination::Several(several)),
        };
        let mut written = wire::SendMessage::new(message.kind(), text);
        written.destination = destination;
        written.from_number = from_number;
        written.from_num = from_num;
        if let Some(media) = &message.media {
            written.attach(media);
        }
        Ok(wire::write_send(&written))
    }

    /// The number that phones see.
    fn sender(&self, message: &Message) -> Result<Option<E164>> {
        match (&message.to, message.from, self.shared().from_number) {
            (To::Phones(_), Some(from), _) | (To::Phones(_), None, Some(from)) => Ok(Some(from)),
            (To::Phones(_), None, None) => {
                let what = "the message names no number to send from, and neither does the client";
                Err(SEND.not_sent(ErrorKind::InvalidSender, what))
            }
            (To::Users(_), Some(_), _) => {
                let what = "a chat message is sent from no number";
                Err(SEND.not_sent(ErrorKind::InvalidSender, what))
            }
            (To::Users(_), None, _) => Ok(None),
        }
    }
}

/// Whether a message must say for whom it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Recipients {
    Needed,
    Optional,
}

/// The text, or what stands in its place beside a file.
fn written_text(message: &Message) -> Result<&str> {
    text_beside(&message.text, message.media.as_ref()).ok_or_else(|| {
        let what = "a message needs a text";
        SEND.not_sent(ErrorKind::InvalidMessage, what)
    })
}

/// The text that a message is written with: its own, or the name of its file.
pub(super) fn text_beside<'a>(text: &'a str, media: Option<&'a Media>) -> Option<&'a str> {
    if !text.trim().is_empty() {
        return Some(text);
    }
    media.map(|media| media.file_name().unwrap_or(NAMELESS))
}

/// The recipients as they are written.
fn destinations(message: &Message, recipients: Recipients) -> Result<Vec<String>> {
    let invalid = |what: &'static str| SEND.not_sent(ErrorKind::InvalidRecipient, what);
    let to: Vec<String> = match &message.to {
        To::Phones(phones) => phones
            .iter()
            .map(|phone| number::to_wire(phone).to_owned())
            .collect(),
        To::Users(users) => users.iter().map(|user| user.trim().to_owned()).collect(),
    };
    if to.is_empty() && recipients == Recipients::Needed {
        return Err(invalid("a message needs a recipient"));
    }
    let is_user = |user: &String| {
        !user.is_empty()
            && !user.contains(|c: char| c == ',' || c.is_whitespace() || c.is_control())
    };
    if !to.iter().all(is_user) {
        return Err(invalid("a user is an extension or user@domain"));
    }
    let mut seen = HashSet::new();
    if to.len() > 1 && !to.iter().all(|one| seen.insert(one)) {
        return Err(invalid("a message names a recipient twice"));
    }
    Ok(to)
}

/// What an answer tells of a message that was taken.
fn sent(session: Option<&str>, told: Option<&wire::Message>) -> Sent {
    let found = |field: &wire::Text| field.get().map(str::to_owned);
    let named = told.and_then(|message| found(&message.messagesession_id));
    Sent {
        session: session.map(str::to_owned).or(named),
        message: told.and_then(|message| found(&message.id)),
    }
}
