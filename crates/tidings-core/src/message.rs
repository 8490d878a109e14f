//! What a caller asks to be sent: [`Message`] and the small types it is made of.
//!
//! Called by everything that makes or carries messages. It checks the form of its own fields only:
//! whether a provider takes the message is that provider's `Capabilities`, and how the text is cut
//! is [`crate::text`].

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::address::{E164, SenderId};
use crate::time::SendWindow;
use crate::words::stable_words;

/// One text to one phone, as the caller wants it.
///
/// Cloning is cheap: the text is shared, so that a hundred thousand messages of one campaign can
/// carry one allocation.
///
/// ```
/// use tidings_core::{E164, Message, SendWindow, SenderId};
///
/// let to = E164::parse("+224622000001", None)?;
/// let morning = SendWindow::from("2026-11-23T08:00[Africa/Conakry]".parse()?);
/// let message = Message::new(to, "Bonjour").from(SenderId::parse("Tidings")?).window(morning);
/// assert_eq!(&*message.text, "Bonjour");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The phone that is to receive the text.
    pub to: E164,
    /// What the phone shows as the sender; `None` leaves it to the account's default.
    pub from: Option<SenderId>,
    /// The text, in Unicode. It is encoded only when it leaves.
    pub text: Arc<str>,
    /// The caller's own name for this message.
    pub reference: Option<ClientRef>,
    /// The caller's own word for the kind of message, such as `otp`. Routes may choose by it; it is
    /// sent to no provider.
    pub tag: Option<Tag>,
    /// What is done when nobody can know whether it was taken. `None` leaves it to whoever sends.
    pub policy: Option<DeliveryPolicy>,
    /// What leaves first when messages wait.
    pub priority: Priority,
    /// How long the message is worth delivering, from the moment it is handed over. `None` leaves
    /// it to the provider.
    pub valid_for: Option<Duration>,
    /// When it may leave. `None` is at once. Not every provider can hold a message back; one that
    /// cannot refuses a message with a window.
    pub window: Option<SendWindow>,
    /// A picture or another file that goes with the text. Not every provider can send one; one that
    /// cannot refuses the message.
    pub media: Option<Media>,
}

impl Message {
    /// A message of normal priority with the account's default sender.
    pub fn new(to: E164, text: impl Into<Arc<str>>) -> Self {
        Self {
            to,
            from: None,
            text: text.into(),
            reference: None,
            tag: None,
            policy: None,
            priority: Priority::Normal,
            valid_for: None,
            window: None,
            media: None,
        }
    }

    /// Sets what the phone shows as the sender.
    #[must_use]
    pub fn from(mut self, sender: SenderId) -> Self {
        self.from = Some(sender);
        self
    }

    /// Sets the caller's own name for this message.
    #[must_use]
    pub fn reference(mut self, reference: ClientRef) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Sets the caller's own word for the kind of message.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Sets what is done when nobody can know whether it was taken.
    #[must_use]
    pub fn policy(mut self, policy: DeliveryPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets what leaves first when messages wait.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets how long the message is worth delivering.
    #[must_use]
    pub fn valid_for(mut self, validity: Duration) -> Self {
        self.valid_for = Some(validity);
        self
    }

    /// Sets when it may leave.
    #[must_use]
    pub fn window(mut self, window: SendWindow) -> Self {
        self.window = Some(window);
        self
    }

    /// Adds a picture or another file.
    #[must_use]
    pub fn media(mut self, media: Media) -> Self {
        self.media = Some(media);
        self
    }
}

/// Shows the length of the text, never the text, and the number without its middle.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("to", &self.to)
            .field("from", &self.from)
            .field("text_bytes", &self.text.len())
            .field("reference", &self.reference)
            .field("tag", &self.tag)
            .field("policy", &self.policy)
            .field("priority", &self.priority)
            .field("valid_for", &self.valid_for)
            .field("window", &self.window)
            .field("media", &self.media)
            .finish()
    }
}

/// A picture or another file, as it is sent. Cloning shares the content.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    mime_type: Box<str>,
    content: Bytes,
    name: Option<Box<str>>,
}

impl Media {
    /// The longest MIME type, in characters.
    pub const MAX_TYPE_LENGTH: usize = 127;

    /// Takes a file's content under its MIME type, such as `image/png`.
    ///
    /// # Errors
    /// [`MediaError`] when there is no content, or the type is none of the form `type/subtype` of
    /// RFC 6838, section 4.2, without parameters.
    pub fn new(
        mime_type: impl Into<Box<str>>,
        content: impl Into<Bytes>,
    ) -> Result<Self, MediaError> {
        let (mime_type, content) = (mime_type.into(), content.into());
        if content.is_empty() {
            return Err(MediaError::Empty);
        }
        if mime_type.len() > Self::MAX_TYPE_LENGTH || !is_mime_type(&mime_type) {
            return Err(MediaError::BadType);
        }
        Ok(Self {
            mime_type: mime_type.to_ascii_lowercase().into(),
            content,
            name: None,
        })
    }

    /// Sets the file's name, which some providers show in the place of a text.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The MIME type, in lower case.
    pub fn mime_type(&self) -> &str {
        &self.mime_type
    }

    /// The file's content.
    pub fn content(&self) -> &Bytes {
        &self.content
    }

    /// The file's name.
    pub fn file_name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// Shows the type and how much there is, neither the content nor the name.
impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media")
            .field("mime_type", &self.mime_type)
            .field("content_bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// Two names of RFC 6838, section 4.2, with a slash between them.
fn is_mime_type(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

/// Why something cannot be [`Media`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// There is no content.
    #[error("a file needs at least one byte")]
    Empty,
    /// The MIME type has another form.
    #[error("a mime type has the form type/subtype, such as image/png")]
    BadType,
}

/// What leaves first when messages wait for a provider.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Priority {
    /// May wait: a newsletter.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Leaves next: a one-time code, an alarm.
    High,
}

stable_words!(Priority:
    Low => "low",
    Normal => "normal",
    High => "high",
);

/// What is done with a message when the answer to an attempt was lost, so that nobody can know
/// whether the provider has it. A phone cannot tell a repeated text from a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryPolicy {
    /// The provider is asked; the message goes again only when it is proved that it was not taken.
    #[default]
    Reconcile,
    /// It never goes again: for what must not arrive twice.
    AtMostOnce,
    /// It goes again after some time, and is marked as a possible double: for what must arrive.
    AtLeastOnce,
}

stable_words!(DeliveryPolicy:
    Reconcile => "reconcile",
    AtMostOnce => "at_most_once",
    AtLeastOnce => "at_least_once",
);

/// The caller's own word for a kind of message, such as `otp`: 1 to 64 characters out of `a`-`z`, `0`-`9`,
/// `_`, `-`, `.` and `:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(Arc<str>);

impl Tag {
    /// The longest tag, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// Checks and takes a tag.
    ///
    /// # Errors
    /// [`TagError`] when it has another form.
    pub fn new(tag: impl Into<Arc<str>>) -> Result<Self, TagError> {
        let tag = tag.into();
        let is_allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.:".contains(&byte)
        };
        if tag.is_empty() || tag.len() > Self::MAX_LENGTH || !tag.bytes().all(is_allowed) {
            return Err(TagError);
        }
        Ok(Self(tag))
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        Self::new(tag)
    }
}

impl TryFrom<String> for Tag {
    type Error = TagError;

    fn try_from(tag: String) -> Result<Self, Self::Error> {
        Self::new(tag)
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.as_str().to_owned()
    }
}

/// The text cannot be a [`Tag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag has 1 to 64 characters out of a-z, 0-9, `_`, `-`, `.` and `:`")]
#[non_exhaustive]
pub struct TagError;

/// The caller's own name for a message: 1 to 255 visible ASCII characters, unique for the caller.
///
/// It is what a lost answer is looked up by, so it goes to every provider whose API has a place for
/// it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientRef(Box<str>);

impl ClientRef {
    /// The longest reference, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// Checks and takes a reference.
    ///
    /// # Errors
    /// [`ClientRefError`] when it is empty, longer than [`Self::MAX_LENGTH`], or holds anything but
    /// visible ASCII characters.
    pub fn new(reference: impl Into<Box<str>>) -> Result<Self, ClientRefError> {
        let reference = reference.into();
        if reference.is_empty() {
            return Err(ClientRefError::Empty);
        }
        if reference.len() > Self::MAX_LENGTH {
            return Err(ClientRefError::TooLong {
                length: reference.len(),
            });
        }
        if let Some(position) = reference.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return Err(ClientRefError::BadCharacter { position });
        }
        Ok(Self(reference))
    }

    /// The reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ClientRef {
    type Err = ClientRefError;

    fn from_str(reference: &str) -> Result<Self, Self::Err> {
        Self::new(reference)
    }
}

impl TryFrom<String> for ClientRef {
    type Error = ClientRefError;

    fn try_from(reference: String) -> Result<Self, Self::Error> {
        Self::new(reference)
    }
}

impl From<ClientRef> for String {
    fn from(reference: ClientRef) -> Self {
        reference.0.into()
    }
}

/// Why a text cannot be a [`ClientRef`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientRefError {
    /// There is nothing in it.
    #[error("a reference needs at least one character")]
    Empty,
    /// It is longer than [`ClientRef::MAX_LENGTH`].
    #[error("a reference may have 255 characters, not {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It holds something other than visible ASCII characters.
    #[error("a reference holds visible ASCII characters only; byte {position} is another")]
    BadCharacter {
        /// Byte position of the first one, from 0.
        position: usize,
    },
}
