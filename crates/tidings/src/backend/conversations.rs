//! Conversations as a vendor's API offers them to its callers.
//!
//! [`ConversationDesk`] stands behind the APIs that keep messages in conversations per user. The
//! types are those that clients see, [`crate::conversations`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{E164, Media};

use super::{Principal, Refusal};
use crate::conversations::{Conversation, ConversationMessage, Mailbox, Page};

/// Messages in conversations. A backend that has none refuses.
///
/// Whether the caller may act for an owner or see a domain is the backend's decision:
/// [`Refusal::Forbidden`], or [`Refusal::NotFound`] for a domain or a user that is not there. A
/// [`Refusal::Invalid`] names the member of [`Post`] or of [`ConversationChange`] that is wrong, such
/// as `from` for a number that is not the owner's; server halves say it in the vendor's words.
#[async_trait]
pub trait ConversationDesk: Send + Sync + 'static {
    /// Takes a message. When it answers, what it took is kept as durably as the backend promises.
    async fn post(
        &self,
        _who: &Principal,
        _owner: &Mailbox,
        _post: Post,
    ) -> Result<ConversationMessage, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// The conversations of a user, of all users of a domain, or of all domains, the latest first.
    async fn conversations(
        &self,
        _who: &Principal,
        _domain: Option<&str>,
        _user: Option<&str>,
        _page: Page,
    ) -> Result<Vec<Conversation>, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// One of them.
    async fn conversation(
        &self,
        _who: &Principal,
        _owner: &Mailbox,
        _id: &str,
    ) -> Result<Conversation, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// The messages of one of them, the latest first. One that is not there has none. The address
    /// of a file is left out here: it is asked for by [`media_address`](Self::media_address).
    async fn conversation_messages(
        &self,
        _who: &Principal,
        _owner: &Mailbox,
        _id: &str,
        _page: Page,
    ) -> Result<Vec<ConversationMessage>, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Changes one of them.
    async fn change_conversation(
        &self,
        _who: &Principal,
        _owner: &Mailbox,
        _id: &str,
        _change: ConversationChange,
    ) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    /// The address under which whoever has it may fetch the file of a message. Called for each
    /// message with a file that an owner is shown.
    async fn media_address(
        &self,
        _who: &Principal,
        _owner: &Mailbox,
        _message: &str,
    ) -> Result<MediaAddress, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// The file of a message, for whoever has the address that was handed out for it.
    async fn stored_media(&self, _address: &MediaAddress) -> Result<Media, Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// A message that is to be written into a conversation.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Post {
    /// The conversation, which begins with this message if it is not there; `None` begins one whose
    /// id the backend makes.
    pub conversation: Option<String>,
    /// The vendor's word for what it is, such as `sms`. The backend keeps it.
    pub kind: String,
    /// The text.
    pub text: Arc<str>,
    /// For whom; nobody means everybody in the conversation.
    pub to: Vec<Recipient>,
    /// The number of ours that phones see; none where it goes over no phone network.
    pub from: Option<E164>,
    /// The file that goes with it.
    pub media: Option<Media>,
}

impl Post {
    /// A text of a kind to these recipients.
    pub fn new(kind: impl Into<String>, text: impl Into<Arc<str>>, to: Vec<Recipient>) -> Self {
        Self {
            conversation: None,
            kind: kind.into(),
            text: text.into(),
            to,
            from: None,
            media: None,
        }
    }
}

/// Shows the length of the text, never the text or a number.
impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("conversation", &self.conversation)
            .field("kind", &self.kind)
            .field("text_bytes", &self.text.len())
            .field("to", &self.to.len())
            .field("media", &self.media)
            .finish_non_exhaustive()
    }
}

/// For whom a message is.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recipient {
    /// A phone.
    Phone(E164),
    /// A user of the sender's domain, or `user@domain`.
    User(String),
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(number) => f.debug_tuple("Phone").field(number).finish(),
            Self::User(_) => f.write_str("User"),
        }
    }
}

/// What happens to a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConversationChange {
    /// These take part from now on.
    Participants(Vec<String>),
    /// It is called so from now on.
    Name(String),
    /// Its latest message counts as read, or as unread.
    Read(bool),
    /// The owner takes no part any more.
    Leave,
    /// It is deleted for the owner.
    Delete,
}

/// Where a file lies: the parts of an address that a backend hands out, and gets back from whoever
/// fetches the file. A server half makes a URL of them.
#[derive(Clone)]
#[non_exhaustive]
pub struct MediaAddress {
    /// Whose message.
    pub owner: Mailbox,
    /// The message.
    pub message: String,
    /// When the address was handed out, 14 digits.
    pub time: String,
    /// The secret part: letters and digits.
    pub proof: secrecy::SecretString,
}

impl MediaAddress {
    /// Puts an address together.
    pub fn new(
        owner: Mailbox,
        message: impl Into<String>,
        time: impl Into<String>,
        proof: impl Into<secrecy::SecretString>,
    ) -> Self {
        Self {
            owner,
            message: message.into(),
            time: time.into(),
            proof: proof.into(),
        }
    }
}

impl fmt::Debug for MediaAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaAddress")
            .field("owner", &self.owner)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}
