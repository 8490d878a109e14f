//! Texts from phones, and the conversations that they belong to.

use std::sync::Arc;

use tidings_core::Timestamp;

use super::{AccountId, ConversationId, InboundId, LaneId, MessageId};

/// A text that a phone sent.
#[derive(Clone)]
pub struct StoredInbound {
    /// Its id.
    pub id: InboundId,
    /// To whom it belongs.
    pub account: AccountId,
    /// Over which lane it came.
    pub lane: LaneId,
    /// The provider's id of it; one lane has each once.
    pub provider_id: Arc<str>,
    /// Who sent it, as the provider wrote it, or E.164 where it could be read.
    pub from: Arc<str>,
    /// The number of ours.
    pub to: Arc<str>,
    /// The text.
    pub text: Arc<str>,
    /// The conversation.
    pub conversation: ConversationId,
    /// The word by which the provider chose whom to give it to.
    pub keyword: Option<Arc<str>>,
    /// What it asks for: `opt_out`, `opt_in`, `help`, `perhaps_opt_out`; `None` is an ordinary text.
    pub asks_for: Option<Arc<str>>,
    /// When the provider had it, by its clock.
    pub their_time: Option<Timestamp>,
    /// When we had it.
    pub received_at: Timestamp,
    /// The file that came with it.
    pub file: Option<InboundFile>,
}

/// What is known of a file that came with a text from a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundFile {
    /// Its MIME type, as the provider says it.
    pub mime_type: Arc<str>,
    /// How large it is, in bytes, where the provider says that.
    pub bytes: Option<u64>,
    /// The provider's name of the conversation in which it can be fetched.
    pub session: Arc<str>,
}

/// Shows ids and lengths, neither text nor number.
impl std::fmt::Debug for StoredInbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredInbound")
            .field("id", &self.id)
            .field("lane", &self.lane)
            .field("text_bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl StoredInbound {
    /// What its event says, as JSON: `id`, `provider_id`, `from`, `to`, `text`, `conversation`,
    /// `received_at`, and where they are set `keyword`, `asks_for`, `their_time` and `file` (`type` and
    /// `bytes`).
    pub fn event_detail(&self) -> Arc<str> {
        let mut detail = serde_json::json!({
            "id": self.id,
            "provider_id": &*self.provider_id,
            "from": &*self.from,
            "to": &*self.to,
            "text": &*self.text,
            "conversation": self.conversation,
            "received_at": self.received_at,
        });
        for (name, value) in [("keyword", &self.keyword), ("asks_for", &self.asks_for)] {
            if let Some(value) = value {
                detail[name] = (&**value).into();
            }
        }
        if let Some(at) = self.their_time {
            detail["their_time"] = at.to_string().into();
        }
        if let Some(file) = &self.file {
            detail["file"] = serde_json::json!({"type": &*file.mime_type, "bytes": file.bytes});
        }
        detail.to_string().into()
    }
}

/// Texts with one phone, in both directions.
#[derive(Clone)]
pub struct StoredConversation {
    /// Its id, unique within the account.
    pub id: ConversationId,
    /// Whose.
    pub account: AccountId,
    /// The number or name on the other side; several for a conversation of many.
    pub participants: Vec<Arc<str>>,
    /// Our own number.
    pub ours: Option<Arc<str>>,
    /// Who within the account it belongs to, `user@domain`, where an API knows that.
    pub owner: Option<Arc<str>>,
    /// What people call it.
    pub name: Option<Arc<str>>,
    /// Whether its latest text was read.
    pub is_read: bool,
    /// Further properties, in the gateway's own words (JSON).
    pub details: Option<Arc<str>>,
    /// Since when.
    pub created_at: Timestamp,
    /// When the last text came or went.
    pub changed_at: Timestamp,
}

/// Shows the id alone.
impl std::fmt::Debug for StoredConversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredConversation")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// One text of a conversation.
#[derive(Clone, Debug)]
pub enum ConversationEntry {
    /// A text that a phone sent.
    Inbound(Box<StoredInbound>),
    /// A text of ours.
    Outbound(Box<super::StoredMessage>),
    /// A message of ours whose details are gone.
    Gone(MessageId),
}
