//! Conversations and their texts as the seam shows them, from what the store keeps. Pure functions.
//!
//! Used by `conversations`, and by `told` for events.

use tidings::conversations::{
    Conversation, ConversationMessage, Direction, LastMessage, Mailbox, StoredMedia,
};
use tidings_core::MessageState;
use tidings_store::{ConversationEntry, StoredConversation, StoredInbound, StoredMessage};

use super::terms::KeptTerms;

/// The vendor's word for a text between phones, where the one that a caller used is not kept.
const TEXT: &str = "sms";
/// The same for one with a file.
const WITH_FILE: &str = "mms";

/// A conversation as a user sees it.
pub(super) fn conversation(
    kept: &StoredConversation,
    owner: Mailbox,
    last: Option<&ConversationMessage>,
) -> Conversation {
    let mut shown = Conversation::new(kept.id.as_str(), owner);
    shown.remote = kept.participants.iter().map(ToString::to_string).collect();
    shown.number = kept.ours.as_deref().map(str::to_owned);
    shown.name = kept.name.as_deref().map(str::to_owned);
    shown.is_group = kept.participants.len() > 1;
    shown.is_read = kept.is_read;
    shown.started_at = Some(kept.created_at);
    shown.last = last.map(|message| {
        let mut last = LastMessage::new(message.kind.as_str(), message.text.as_str());
        last.at = message.at;
        last.sender = Some(message.from.clone());
        last.media_type = message.media.as_ref().map(|media| media.mime_type.clone());
        last.media_bytes = message.media.as_ref().and_then(|media| media.bytes);
        last
    });
    shown
}

/// The texts of a conversation, the messages to all recipients of one text as one.
pub(super) fn messages(entries: Vec<ConversationEntry>) -> Vec<ConversationMessage> {
    let mut shown: Vec<(Option<Box<str>>, ConversationMessage)> = Vec::new();
    for entry in entries {
        let (post, message) = match entry {
            ConversationEntry::Inbound(text) => (None, inbound(&text)),
            ConversationEntry::Outbound(message) => {
                let terms = KeptTerms::read(message.terms.as_deref());
                let shown = outbound(&message, &terms);
                (terms.post, shown)
            }
            // What is not kept any more cannot be shown.
            ConversationEntry::Gone(_) => continue,
        };
        match shown.last_mut() {
            Some((same, first)) if post.is_some() && *same == post => {
                // The latest comes first, and the first recipient's message gives the text its id.
                first.to.splice(0..0, message.to);
                first.id = message.id;
            }
            _ => shown.push((post, message)),
        }
    }
    shown.into_iter().map(|(_, message)| message).collect()
}

/// A text that a phone sent.
pub(super) fn inbound(text: &StoredInbound) -> ConversationMessage {
    let mut shown = ConversationMessage::new(
        text.id.to_string(),
        text.conversation.as_str(),
        if text.file.is_some() { WITH_FILE } else { TEXT },
        Direction::Inbound,
        &*text.text,
    );
    shown.at = Some(text.received_at);
    shown.from = text.from.to_string();
    shown.to = vec![text.to.to_string()];
    shown.media = text.file.as_ref().map(|file| {
        let mut media = StoredMedia::new(&*file.mime_type);
        media.bytes = file.bytes;
        media
    });
    shown
}

/// A text of ours.
pub(super) fn outbound(message: &StoredMessage, terms: &KeptTerms) -> ConversationMessage {
    let conversation = message.conversation.as_ref();
    let mut shown = ConversationMessage::new(
        message.id.to_string(),
        conversation.map_or("", |id| id.as_str()),
        terms.kind.as_deref().unwrap_or(TEXT),
        Direction::Outbound,
        &*message.text,
    );
    shown.at = Some(message.accepted_at);
    let from = message.from.as_ref().or(message.sent_from.as_ref());
    let from = from.map(ToString::to_string);
    shown.from = from.unwrap_or_default();
    shown.to = vec![message.to.as_str().to_owned()];
    shown.status = Some(status_word(message.state).to_owned());
    shown.media = media(terms);
    shown
}

/// The file that goes with a text of ours.
pub(super) fn media(terms: &KeptTerms) -> Option<StoredMedia> {
    let mut media = StoredMedia::new(terms.media_type.as_deref()?);
    media.bytes = terms.media_bytes;
    Some(media)
}

/// How far a text of ours has come. What is not known to have left says `sending`, as the vendors'
/// servers do.
pub(super) fn status_word(state: MessageState) -> &'static str {
    match state {
        MessageState::Sent
        | MessageState::Delivered
        | MessageState::Undelivered
        | MessageState::Failed
        | MessageState::Expired
        | MessageState::Canceled => state.as_str(),
        _ => "sending",
    }
}
