//! Conversations: written into, listed, shown, marked and removed, on those that the store keeps.
//!
//! Called by the routers of APIs that keep messages in conversations of users. A text to several phones
//! is a message to each of them, and is shown as one. Users cannot write to each other: a gateway has
//! phones on the other side only.

use std::sync::Arc;

use async_trait::async_trait;
use tidings::backend::{
    ConversationChange, ConversationDesk, MediaAddress, Post, Principal, Recipient, Refusal,
};
use tidings::conversations::{Conversation, ConversationMessage, Direction, Mailbox, Page};
use tidings_core::{E164, Media, Message, SenderId};
use tidings_store::{ConversationEntry, ConversationId, PageRequest, StoredConversation};

use super::caller::Caller;
use super::messages::{Named, told};
use super::refusals::of_store;
use super::terms::KeptTerms;
use super::{Door, drafts, shown};
use crate::access::Scope;
use crate::intake::Draft;

/// Rows that are read from the store at once.
const READ_AT_ONCE: usize = 200;

const NO_CONVERSATION: Refusal = Refusal::NotFound {
    what: "conversation",
};

#[async_trait]
impl ConversationDesk for Door {
    async fn post(
        &self,
        who: &Principal,
        owner: &Mailbox,
        post: Post,
    ) -> Result<ConversationMessage, Refusal> {
        let caller = self.caller(who, Scope::Send)?;
        let number = self.number_of(&caller, owner).await?;
        let leaving = self.check_post(&caller, owner, number, post).await?;
        let is_new = leaving.kept.is_none();
        let conversation = leaving.conversation(&caller, owner, self.gateway.now());
        let id = conversation.id.clone();
        let store = self.gateway.store();
        let put = store.put_conversation(conversation).await;
        put.map_err(|error| of_store(&error))?;
        let drafts = leaving.drafts(&caller, &id, self.gateway.now());
        let sent = self.send(&caller, leaving, &id, drafts).await;
        if sent.is_err() && is_new {
            // Nothing was written into it: it never began.
            let removed = store.remove_conversation(caller.account(), &id).await;
            removed.map_err(|error| of_store(&error))?;
        }
        sent
    }

    async fn conversations(
        &self,
        who: &Principal,
        domain: Option<&str>,
        user: Option<&str>,
        page: Page,
    ) -> Result<Vec<Conversation>, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let users = self.users_shown(&caller, domain, user).await?;
        let users: Vec<Mailbox> = users.into_iter().map(|user| user.mailbox).collect();
        let mut part = Part::new(page);
        let mut after = None;
        while !part.is_filled() {
            let request = PageRequest {
                after,
                limit: READ_AT_ONCE,
            };
            let found = self.gateway.store();
            let found = found.conversations(caller.account(), None, request).await;
            let found = found.map_err(|error| of_store(&error))?;
            for kept in found.items {
                if let Some(owner) = users.iter().find(|owner| is_of(&kept, owner)) {
                    part.take((kept, owner.clone()));
                }
            }
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        let mut shown = Vec::with_capacity(part.taken.len());
        for (kept, owner) in part.taken {
            shown.push(self.show(&caller, &kept, owner).await?);
        }
        Ok(shown)
    }

    async fn conversation(
        &self,
        who: &Principal,
        owner: &Mailbox,
        id: &str,
    ) -> Result<Conversation, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        caller.check_owner(owner)?;
        let kept = self
            .kept(&caller, owner, id)
            .await?
            .ok_or(NO_CONVERSATION)?;
        self.show(&caller, &kept, owner.clone()).await
    }

    async fn conversation_messages(
        &self,
        who: &Principal,
        owner: &Mailbox,
        id: &str,
        page: Page,
    ) -> Result<Vec<ConversationMessage>, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        caller.check_owner(owner)?;
        let Some(kept) = self.kept(&caller, owner, id).await? else {
            return Ok(Vec::new());
        };
        let mut part = Part::new(page);
        let mut after = None;
        // Entries that are parts of one text may lie on two pages of the store.
        let mut entries = Vec::new();
        loop {
            let request = PageRequest {
                after,
                limit: READ_AT_ONCE,
            };
            let found = self.gateway.store();
            let found = found.conversation_entries(caller.account(), &kept.id, request);
            let found = found.await.map_err(|error| of_store(&error))?;
            entries.extend(found.items);
            after = found.next;
            // One more than is wanted: the last text read may have further recipients.
            if after.is_none() || part.is_filled_by(n_texts(&entries).saturating_sub(1)) {
                break;
            }
        }
        for message in shown::messages(entries) {
            part.take(message);
        }
        Ok(part.taken)
    }

    async fn change_conversation(
        &self,
        who: &Principal,
        owner: &Mailbox,
        id: &str,
        change: ConversationChange,
    ) -> Result<(), Refusal> {
        let caller = self.caller(who, Scope::Send)?;
        caller.check_owner(owner)?;
        let kept = self.kept(&caller, owner, id).await?;
        let mut kept = kept.ok_or(NO_CONVERSATION)?;
        let store = self.gateway.store();
        let done = match change {
            ConversationChange::Read(is_read) => {
                kept.is_read = is_read;
                store.put_conversation(kept).await
            }
            ConversationChange::Leave | ConversationChange::Delete => {
                let removed = store.remove_conversation(caller.account(), &kept.id);
                removed.await.map(drop)
            }
            ConversationChange::Participants(_) => {
                let fault = "can change in conversations of users only";
                return Err(Refusal::invalid("participants", fault));
            }
            ConversationChange::Name(_) => {
                let fault = "can be given to conversations of users only";
                return Err(Refusal::invalid("name", fault));
            }
            _ => return Err(Refusal::Unsupported),
        };
        done.map_err(|error| of_store(&error))
    }

    async fn media_address(
        &self,
        who: &Principal,
        owner: &Mailbox,
        message: &str,
    ) -> Result<MediaAddress, Refusal> {
        self.caller(who, Scope::Read)?.check_owner(owner)?;
        self.sign_address(owner, message)
    }

    async fn stored_media(&self, address: &MediaAddress) -> Result<Media, Refusal> {
        self.file_at(address).await
    }
}

impl Door {
    /// The number of a user for whom the caller may act.
    async fn number_of(&self, caller: &Caller, owner: &Mailbox) -> Result<Option<E164>, Refusal> {
        if caller.mailbox()? == *owner {
            return Ok(caller.details.number());
        }
        Ok(self.user(caller, owner).await?.number)
    }

    /// A conversation that a user may see.
    async fn kept(
        &self,
        caller: &Caller,
        owner: &Mailbox,
        id: &str,
    ) -> Result<Option<StoredConversation>, Refusal> {
        let id = ConversationId::from(id);
        let found = self.gateway.store();
        let found = found.conversation(caller.account(), &id).await;
        let found = found.map_err(|error| of_store(&error))?;
        Ok(found.filter(|kept| is_of(kept, owner)))
    }

    async fn show(
        &self,
        caller: &Caller,
        kept: &StoredConversation,
        owner: Mailbox,
    ) -> Result<Conversation, Refusal> {
        let latest = PageRequest {
            after: None,
            limit: 1,
        };
        let found = self.gateway.store();
        let found = found.conversation_entries(caller.account(), &kept.id, latest);
        let found = found.await.map_err(|error| of_store(&error))?;
        let last = shown::messages(found.items).into_iter().next();
        Ok(shown::conversation(kept, owner, last.as_ref()))
    }

    /// Finds out what a text is, or why it is none.
    async fn check_post(
        &self,
        caller: &Caller,
        owner: &Mailbox,
        number: Option<E164>,
        post: Post,
    ) -> Result<Leaving, Refusal> {
        if post.text.is_empty() {
            return Err(Refusal::invalid("text", "is missing"));
        }
        let named = post.conversation.map(ConversationId::from);
        let kept = match &named {
            Some(id) => {
                let found = self.gateway.store().conversation(caller.account(), id);
                found.await.map_err(|error| of_store(&error))?
            }
            None => None,
        };
        if kept.as_ref().is_some_and(|kept| !is_of(kept, owner)) {
            let fault = "is the name of a conversation of another user";
            return Err(Refusal::invalid("conversation", fault));
        }
        let to = phones(&post.to, kept.as_ref())?;
        let ours = kept.as_ref().and_then(|kept| kept.ours.as_deref());
        let ours = ours.and_then(|ours| ours.parse().ok());
        let from: Option<E164> = post.from.or(ours).or(number);
        let from = from.ok_or_else(|| Refusal::invalid("from", "is missing"))?;
        if number.is_some_and(|number| number != from) {
            return Err(Refusal::invalid("from", "is not a number of this user"));
        }
        let drawn = || ConversationId::from(self.gateway.new_id().simple().to_string());
        Ok(Leaving {
            id: named.unwrap_or_else(drawn),
            post: (to.len() > 1).then(|| self.gateway.new_id().simple().to_string().into()),
            kept,
            kind: post.kind,
            text: post.text,
            to,
            from,
            media: post.media,
        })
    }

    /// Hands a text over to intake. It is refused where none of its messages can go.
    async fn send(
        &self,
        caller: &Caller,
        leaving: Leaving,
        id: &ConversationId,
        drafts: Vec<Draft>,
    ) -> Result<ConversationMessage, Refusal> {
        let verdicts = self.hand_over(caller, drafts).await?;
        let mut taken = Vec::new();
        let mut refused = None;
        for (verdict, to) in verdicts.into_iter().zip(&leaving.to) {
            match told(Some(verdict), Named(false)) {
                Ok(message) => taken.push((message.id, to.as_str().to_owned())),
                Err(refusal) => refused = Some(refusal),
            }
        }
        let Some((message, _)) = taken.first() else {
            return Err(refused.map_or(Refusal::Unsupported, in_words_of_posts));
        };
        let media = shown::media(&leaving.terms());
        let mut shown = ConversationMessage::new(
            message.as_str(),
            id.as_str(),
            leaving.kind,
            Direction::Outbound,
            &*leaving.text,
        );
        shown.at = Some(self.gateway.now());
        leaving.from.as_str().clone_into(&mut shown.from);
        shown.status = Some(shown::status_word(tidings_core::MessageState::Queued).to_owned());
        shown.to = taken.into_iter().map(|(_, to)| to).collect();
        shown.media = media;
        Ok(shown)
    }
}

/// A text that was checked.
struct Leaving {
    id: ConversationId,
    /// What the messages to several phones have in common.
    post: Option<Box<str>>,
    kept: Option<StoredConversation>,
    kind: String,
    text: Arc<str>,
    to: Vec<E164>,
    from: E164,
    media: Option<Media>,
}

impl Leaving {
    /// The conversation after it.
    fn conversation(
        &self,
        caller: &Caller,
        owner: &Mailbox,
        now: tidings_core::Timestamp,
    ) -> StoredConversation {
        let participants = self.to.iter().map(|phone| phone.as_str().into());
        let mut conversation = self.kept.clone().unwrap_or_else(|| StoredConversation {
            id: self.id.clone(),
            account: caller.account().clone(),
            participants: participants.collect(),
            ours: Some(self.from.as_str().into()),
            owner: None,
            name: None,
            is_read: true,
            details: None,
            created_at: now,
            changed_at: now,
        });
        // What a phone began belongs to whoever answers it.
        conversation.owner = Some(owner.to_string().into());
        conversation.is_read = true;
        conversation.changed_at = now;
        conversation
    }

    /// What is kept with each of its messages.
    fn terms(&self) -> KeptTerms {
        let bytes = |media: &Media| u64::try_from(media.content().len()).ok();
        KeptTerms {
            kind: Some(self.kind.as_str().into()),
            post: self.post.clone(),
            media_type: self.media.as_ref().map(|media| media.mime_type().into()),
            media_bytes: self.media.as_ref().and_then(bytes),
            ..KeptTerms::default()
        }
    }

    fn drafts(
        &self,
        caller: &Caller,
        id: &ConversationId,
        now: tidings_core::Timestamp,
    ) -> Vec<Draft> {
        let terms = self.terms();
        let draft = |to: &E164| {
            let message = Message::new(*to, Arc::clone(&self.text));
            let mut message = message.from(SenderId::International(self.from));
            message.media.clone_from(&self.media);
            let mut draft = drafts::of_message(message, &terms, caller, now);
            draft.conversation = Some(id.clone());
            draft
        };
        self.to.iter().map(draft).collect()
    }
}

/// The phones that a text is for, each once.
fn phones(to: &[Recipient], kept: Option<&StoredConversation>) -> Result<Vec<E164>, Refusal> {
    let mut phones = Vec::new();
    if let (true, Some(kept)) = (to.is_empty(), kept) {
        let known = kept.participants.iter();
        phones.extend(known.filter_map(|name| name.parse::<E164>().ok()));
    }
    for recipient in to {
        match recipient {
            Recipient::Phone(phone) if !phones.contains(phone) => phones.push(*phone),
            Recipient::Phone(_) => {}
            _ => {
                let fault = "names a user; this gateway writes to phones only";
                return Err(Refusal::invalid("to", fault));
            }
        }
    }
    if phones.is_empty() {
        return Err(Refusal::invalid("to", "is missing"));
    }
    Ok(phones)
}

/// Whether a user sees a conversation: it is his, or it is nobody's yet.
fn is_of(kept: &StoredConversation, owner: &Mailbox) -> bool {
    let his_name = owner.to_string();
    kept.owner.as_deref().is_none_or(|name| name == his_name)
}

/// What intake says of fields, under the names that a post has for them.
fn in_words_of_posts(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Invalid {
            field: "recipient",
            fault,
        } => Refusal::Invalid { field: "to", fault },
        Refusal::Invalid {
            field: "sender",
            fault,
        } => Refusal::Invalid {
            field: "from",
            fault,
        },
        other => other,
    }
}

/// How many texts these entries are.
fn n_texts(entries: &[ConversationEntry]) -> usize {
    let mut count = 0;
    let mut before: Option<Box<str>> = None;
    for entry in entries {
        let post = match entry {
            ConversationEntry::Outbound(message) => KeptTerms::read(message.terms.as_deref()).post,
            ConversationEntry::Inbound(_) | ConversationEntry::Gone(_) => None,
        };
        count += usize::from(post.is_none() || post != before);
        before = post;
    }
    count
}

/// A part in the middle of a list that is read from its beginning.
struct Part<T> {
    to_skip: usize,
    to_take: usize,
    taken: Vec<T>,
}

impl<T> Part<T> {
    fn new(page: Page) -> Self {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            to_skip: count(page.start),
            to_take: count(page.limit),
            taken: Vec::new(),
        }
    }

    fn is_filled(&self) -> bool {
        self.taken.len() >= self.to_take
    }

    /// Whether so many items would fill it.
    fn is_filled_by(&self, n_items: usize) -> bool {
        n_items >= self.to_skip.saturating_add(self.to_take)
    }

    fn take(&mut self, item: T) {
        if self.to_skip > 0 {
            self.to_skip -= 1;
        } else if !self.is_filled() {
            self.taken.push(item);
        }
    }
}
