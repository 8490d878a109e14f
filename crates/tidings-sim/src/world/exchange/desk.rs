//! Conversations as the provider's router asks for them.
//!
//! Called by the provider's `server`. What is kept is in `conversations`; messages are taken in
//! `post`, their way to phones is that of all messages.

use async_trait::async_trait;
use tidings::backend::{
    ConversationChange, ConversationDesk, MediaAddress, Post, Principal, Refusal,
};
use tidings::conversations::{
    Conversation, ConversationMessage, Direction, Mailbox, Page, StoredMedia,
};
use tidings_core::Media;

use super::ExchangeChange;
use super::conversations::{TextKept, ThreadChange, bytes_of};
use super::post::Checked;
use crate::operation::Operation;
use crate::scenario::Action;
use crate::world::World;
use crate::world::state::Change;

/// How far a message to a phone has come, for ever: what is known of it later is not told.
const SENDING: &str = "sending";

#[async_trait]
impl ConversationDesk for World {
    async fn post(
        &self,
        who: &Principal,
        owner: &Mailbox,
        post: Post,
    ) -> Result<ConversationMessage, Refusal> {
        self.0.enter(Operation::Submit, |to| {
            post.to.contains(&tidings::backend::Recipient::Phone(*to))
        })?;
        // The checks are made before anything is judged, and the place for the message is taken
        // under the same lock as the message.
        let checked = {
            let state = self.0.state_now();
            self.0.check_post(&state, who, owner, post)?
        };
        let rules = self.0.rules(checked.account);
        let Checked {
            account,
            post,
            text,
            legs,
        } = checked;
        let judged = self.0.judge(&rules, legs.into_iter());
        let index = self
            .0
            .take_post(account, &rules, judged, post, text)
            .await?;
        let state = self.0.state();
        let kept = state.exchange.conversations.text(index);
        kept.map(show).ok_or(Refusal::Unsupported)
    }

    async fn conversations(
        &self,
        who: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
        page: Page,
    ) -> Result<Vec<Conversation>, Refusal> {
        self.0.enter(Operation::ListConversations, |_| false)?;
        let state = self.0.state_now();
        let owners = self.0.owners(&state, who, domain, user)?;
        let kept = &state.exchange.conversations;
        let threads = kept.threads.iter();
        let mut threads: Vec<_> = threads
            .filter(|thread| !thread.is_deleted && owners.contains(&thread.account))
            .collect();
        // Of those of one moment the later begun goes first.
        threads.reverse();
        threads.sort_by_key(|thread| std::cmp::Reverse(thread.last_at));
        Ok(part(threads, page)
            .filter_map(|thread| Some(kept.show(thread, state.mailbox(thread.account)?)))
            .collect())
    }

    async fn conversation(
        &self,
        who: &Principal,
        owner: &Mailbox,
        id: &str,
    ) -> Result<Conversation, Refusal> {
        self.0.enter(Operation::ShowConversation, |_| false)?;
        let state = self.0.state_now();
        let account = self.0.owner(&state, who, owner)?;
        let kept = &state.exchange.conversations;
        let thread = kept.thread(account, id).ok_or(NO_CONVERSATION)?;
        Ok(kept.show(thread, owner.clone()))
    }

    async fn conversation_messages(
        &self,
        who: &Principal,
        owner: &Mailbox,
        id: &str,
        page: Page,
    ) -> Result<Vec<ConversationMessage>, Refusal> {
        let messages = {
            let state = self.0.state_now();
            let account = self.0.owner(&state, who, owner)?;
            let kept = &state.exchange.conversations;
            let thread = kept.thread(account, id);
            let texts = thread.map(|thread| thread.texts.iter().rev());
            let texts = part(texts.into_iter().flatten(), page);
            let texts = texts.filter_map(|index| kept.texts.get(*index));
            texts.map(show).collect::<Vec<_>>()
        };
        let action = self.0.enter(Operation::MessageStatus, |wanted| {
            let mut numbers = messages.iter().flat_map(|message| &message.to);
            numbers.any(|number| number == wanted.as_str())
        })?;
        let mut messages = messages;
        if let Some(Action::UnknownStatus { word }) = action.as_deref() {
            let outbound = messages.iter_mut();
            for message in outbound.filter(|it| it.direction == Direction::Outbound) {
                message.status = Some(word.clone());
            }
        }
        Ok(messages)
    }

    async fn change_conversation(
        &self,
        who: &Principal,
        owner: &Mailbox,
        id: &str,
        change: ConversationChange,
    ) -> Result<(), Refusal> {
        self.0.enter(Operation::ChangeConversation, |_| false)?;
        let ticket = {
            let mut state = self.0.state_now();
            let account = self.0.owner(&state, who, owner)?;
            let thread = state.exchange.conversations.thread(account, id);
            let is_with_phones = thread.ok_or(NO_CONVERSATION)?.number.is_some();
            let what = match change {
                ConversationChange::Participants(_) if is_with_phones => {
                    let fault = "can change in conversations of users only";
                    return Err(Refusal::invalid("participants", fault));
                }
                ConversationChange::Name(_) if is_with_phones => {
                    let fault = "can be given to conversations of users only";
                    return Err(Refusal::invalid("name", fault));
                }
                ConversationChange::Participants(participants) => {
                    ThreadChange::Participants(participants.into_iter().map(Into::into).collect())
                }
                ConversationChange::Name(name) => ThreadChange::Name(name.into()),
                ConversationChange::Read(is_read) => ThreadChange::Read(is_read),
                ConversationChange::Leave => ThreadChange::Leave,
                ConversationChange::Delete => ThreadChange::Delete,
                _ => return Err(Refusal::Unsupported),
            };
            let change = ExchangeChange::Conversation {
                at: state.now,
                account,
                id: id.into(),
                what,
            };
            self.0.change(&mut state, Change::Exchange(change))?
        };
        self.0.on_disk(ticket).await
    }

    async fn media_address(
        &self,
        who: &Principal,
        owner: &Mailbox,
        message: &str,
    ) -> Result<MediaAddress, Refusal> {
        let state = self.0.state_now();
        let account = self.0.owner(&state, who, owner)?;
        state.file(account, message)?;
        Ok(self.0.sign_address(owner, message, state.now))
    }

    async fn stored_media(&self, address: &MediaAddress) -> Result<Media, Refusal> {
        self.0.enter(Operation::FetchMedia, |_| false)?;
        let state = self.0.state_now();
        self.0.check_address(address, state.now)?;
        let account = state.account_at(&address.owner);
        let account = account.ok_or(Refusal::NotFound { what: "user" })?;
        state.file(account, &address.message)
    }
}

const NO_CONVERSATION: Refusal = Refusal::NotFound {
    what: "conversation",
};

/// The part of a list that is wanted.
pub(super) fn part<T>(list: impl IntoIterator<Item = T>, page: Page) -> impl Iterator<Item = T> {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let list = list.into_iter();
    list.skip(count(page.start)).take(count(page.limit))
}

pub(super) fn show(text: &TextKept) -> ConversationMessage {
    let mut shown = ConversationMessage::new(
        &*text.id,
        &*text.conversation,
        &*text.kind,
        text.direction,
        &*text.text,
    );
    shown.at = Some(text.at);
    shown.from = text.from.to_string();
    shown.to = text.to.iter().map(ToString::to_string).collect();
    shown.status = (text.direction == Direction::Outbound).then(|| SENDING.to_owned());
    shown.media = text.media.as_ref().map(|media| {
        let mut stored = StoredMedia::new(media.mime_type());
        stored.bytes = Some(bytes_of(media));
        stored
    });
    shown
}
