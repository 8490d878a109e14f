//! Conversations that a provider keeps: who wrote what to whom, and what has been read.
//!
//! [`Conversations`] is how programs reach them without knowing the provider; the types also serve
//! the other direction, [`crate::backend`], and tell of events in [`crate::callback`]. Phone numbers in
//! them are E.164 with the plus, `+15550101234`, however the provider writes them; whoever takes part
//! without a phone stands there under the provider's name. Messages are
//! sent through [`Provider::submit`](crate::Provider::submit), which says in the receipt which
//! conversation a message belongs to.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;
use tidings_core::Timestamp;

use crate::error::Result;

/// Whose conversations: one user of a provider that keeps them per user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Mailbox {
    /// The domain, such as `example.test`.
    pub domain: String,
    /// The user in it, such as the extension `200`.
    pub user: String,
}

impl Mailbox {
    /// A user of a domain.
    pub fn new(domain: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            domain: domain.into(),
            user: user.into(),
        }
    }
}

/// `user@domain`.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.domain)
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// How many entries are skipped.
    pub start: u32,
    /// How many are wanted at the most.
    pub limit: u32,
}

impl Page {
    /// The first `limit` entries.
    pub const fn first(limit: u32) -> Self {
        Self { start: 0, limit }
    }

    /// `limit` entries after the first `start`.
    pub const fn new(start: u32, limit: u32) -> Self {
        Self { start, limit }
    }
}

/// A conversation as one of those who take part in it sees it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Whose view of it this is.
    pub owner: Mailbox,
    /// The others: phone numbers with their plus, or users of the provider.
    pub remote: Vec<String>,
    /// The number of ours that the others see, with its plus; `None` where it goes over no phone
    /// network.
    pub number: Option<String>,
    /// The name that was given to it.
    pub name: Option<String>,
    /// Everybody who takes part, where the provider tells: as [`Self::remote`] has them.
    pub participants: Vec<String>,
    /// Whether more than two take part.
    pub is_group: bool,
    /// Whether it makes no sound.
    pub is_muted: bool,
    /// Whether its latest message has been read.
    pub is_read: bool,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// Its latest message.
    pub last: Option<LastMessage>,
}

/// What a list of conversations tells of the latest message of one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastMessage {
    /// When it was written.
    pub at: Option<Timestamp>,
    /// Who wrote it: a phone number with its plus, or a user of the provider.
    pub sender: Option<String>,
    /// The provider's word for what it is, such as `sms`.
    pub kind: String,
    /// The text.
    pub text: String,
    /// The MIME type of what goes with it.
    pub media_type: Option<String>,
    /// How large that is, in bytes.
    pub media_bytes: Option<u64>,
}

impl Conversation {
    /// A conversation of which only the necessary is known: nothing was written, and all is read.
    pub fn new(id: impl Into<String>, owner: Mailbox) -> Self {
        Self {
            id: id.into(),
            owner,
            remote: Vec::new(),
            number: None,
            name: None,
            participants: Vec::new(),
            is_group: false,
            is_muted: false,
            is_read: true,
            started_at: None,
            last: None,
        }
    }
}

/// Shows ids and numbers of things, no text, no name and no phone number.
impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("remote", &self.remote.len())
            .field("is_group", &self.is_group)
            .field("is_read", &self.is_read)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl LastMessage {
    /// A text of a kind.
    pub fn new(kind: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            at: None,
            sender: None,
            kind: kind.into(),
            text: text.into(),
            media_type: None,
            media_bytes: None,
        }
    }
}

/// Shows the length of the text, never the text or the sender.
impl fmt::Debug for LastMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastMessage")
            .field("at", &self.at)
            .field("kind", &self.kind)
            .field("text_bytes", &self.text.len())
            .field("media_type", &self.media_type)
            .field("media_bytes", &self.media_bytes)
            .finish_non_exhaustive()
    }
}

/// Which way a message of a conversation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// From outside to us.
    Inbound,
    /// From us to the outside.
    Outbound,
    /// Between users of the provider.
    Internal,
}

impl Direction {
    /// The stable word, as in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Internal => "internal",
        }
    }
}

/// One message of a conversation.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConversationMessage {
    /// The provider's id of it.
    pub id: String,
    /// The conversation.
    pub conversation: String,
    /// When it was written, by the provider's clock.
    pub at: Option<Timestamp>,
    /// The provider's word for what it is, such as `sms`.
    pub kind: String,
    /// Which way it went.
    pub direction: Direction,
    /// Who wrote it: a phone number with its plus, or a user of the provider.
    pub from: String,
    /// For whom it is: phone numbers with their plus, or users of the provider.
    pub to: Vec<String>,
    /// The text.
    pub text: String,
    /// The provider's word for how far it has come.
    pub status: Option<String>,
    /// The file that goes with it.
    pub media: Option<StoredMedia>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

impl ConversationMessage {
    /// A text of a conversation, of which only the necessary is known.
    pub fn new(
        id: impl Into<String>,
        conversation: impl Into<String>,
        kind: impl Into<String>,
        direction: Direction,
        text: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            conversation: conversation.into(),
            at: None,
            kind: kind.into(),
            direction,
            from: String::new(),
            to: Vec::new(),
            text: text.into(),
            status: None,
            media: None,
            deleted_at: None,
        }
    }
}

/// Shows ids and lengths, neither the text nor a phone number.
impl fmt::Debug for ConversationMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationMessage")
            .field("id", &self.id)
            .field("conversation", &self.conversation)
            .field("at", &self.at)
            .field("kind", &self.kind)
            .field("direction", &self.direction)
            .field("to", &self.to.len())
            .field("text_bytes", &self.text.len())
            .field("status", &self.status)
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

/// A file that lies at the provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredMedia {
    /// Its MIME type.
    pub mime_type: String,
    /// How large it is, in bytes.
    pub bytes: Option<u64>,
    /// Where it can be fetched. Whoever has this address has the file, so it is a secret.
    pub url: Option<SecretString>,
}

impl StoredMedia {
    /// A file of a type.
    pub fn new(mime_type: impl Into<String>) -> Self {
        Self {
            mime_type: mime_type.into(),
            bytes: None,
            url: None,
        }
    }
}

impl PartialEq for StoredMedia {
    fn eq(&self, other: &Self) -> bool {
        use secrecy::ExposeSecret as _;
        let url = |media: &Self| media.url.as_ref().map(|url| url.expose_secret().to_owned());
        self.mime_type == other.mime_type && self.bytes == other.bytes && url(self) == url(other)
    }
}

impl Eq for StoredMedia {}

/// The conversations of one account of a provider.
#[async_trait]
pub trait Conversations: Send + Sync {
    /// A part of the list of them, the latest first where the provider sorts.
    async fn list(&self, page: Page) -> Result<Vec<Conversation>>;

    /// One of them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is none with this id.
    async fn show(&self, id: &str) -> Result<Conversation>;

    /// A part of the messages of one of them, the latest first where the provider sorts.
    async fn messages(&self, id: &str, page: Page) -> Result<Vec<ConversationMessage>>;

    /// Marks one of them as read or as unread.
    async fn mark(&self, id: &str, is_read: bool) -> Result<()>;

    /// Gives one of them a name.
    async fn rename(&self, id: &str, name: &str) -> Result<()>;

    /// Sets who takes part, oneself included: as [`Conversation::participants`] has them.
    async fn set_participants(&self, id: &str, participants: &[String]) -> Result<()>;

    /// Takes no part in one of them any more.
    async fn leave(&self, id: &str) -> Result<()>;

    /// Deletes one of them.
    async fn delete(&self, id: &str) -> Result<()>;

    /// Fetches the file of a message.
    async fn fetch(&self, media: &StoredMedia) -> Result<tidings_core::Media>;
}
