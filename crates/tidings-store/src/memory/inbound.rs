//! Texts from phones, and conversations.

use std::cmp::Reverse;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{Media, Timestamp};

use super::{MemoryStore, Place, State, page};
use crate::error::{Result, StoreError};
use crate::files::Files;
use crate::model::{
    AccountId, ConversationEntry, ConversationId, EventKind, InboundId, NewEvent, Page,
    PageRequest, StoredConversation, StoredInbound,
};
use crate::store::Inbound;

#[async_trait]
impl Inbound for MemoryStore {
    async fn add_inbound(&self, texts: Vec<StoredInbound>, now: Timestamp) -> Result<Vec<bool>> {
        let state = &mut *self.lock();
        let added = texts.into_iter();
        Ok(added.map(|text| state.add_inbound(text, now)).collect())
    }

    async fn inbound(
        &self,
        account: Option<&AccountId>,
        request: PageRequest,
    ) -> Result<Page<StoredInbound>> {
        let state = &*self.lock();
        let rows = state.inbound.iter().rev();
        let rows = rows.filter(|(_, text)| account.is_none_or(|account| text.account == *account));
        let rows = rows.map(|(number, text)| (Place(*number, 0), text.clone()));
        page(rows, &request, true)
    }

    async fn put_conversation(&self, conversation: StoredConversation) -> Result<()> {
        let state = &mut *self.lock();
        let id = (conversation.account.clone(), conversation.id.clone());
        let before = state.conversations.get(&id).map(|(number, _)| *number);
        let number = before.unwrap_or_else(|| state.number());
        state.conversations.insert(id, (number, conversation));
        Ok(())
    }

    async fn conversation(
        &self,
        account: &AccountId,
        id: &ConversationId,
    ) -> Result<Option<StoredConversation>> {
        let state = &*self.lock();
        let row = state.conversations.get(&(account.clone(), id.clone()));
        Ok(row.map(|(_, conversation)| conversation.clone()))
    }

    async fn conversations(
        &self,
        account: &AccountId,
        owner: Option<&str>,
        request: PageRequest,
    ) -> Result<Page<StoredConversation>> {
        let state = &*self.lock();
        let rows = state.conversations.values();
        let rows = rows.filter(|(_, it)| {
            it.account == *account && (owner.is_none() || it.owner.as_deref() == owner)
        });
        let rows = rows.map(|(number, it)| (Place(it.changed_at.as_millis(), *number), it));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|(place, _)| Reverse(*place));
        let rows = rows.into_iter().map(|(place, it)| (place, it.clone()));
        page(rows, &request, true)
    }

    async fn conversation_entries(
        &self,
        account: &AccountId,
        id: &ConversationId,
        request: PageRequest,
    ) -> Result<Page<ConversationEntry>> {
        let state = &*self.lock();
        let texts = state.inbound.iter();
        let texts = texts.filter(|(_, it)| it.account == *account && it.conversation == *id);
        let texts = texts.map(|(number, it)| {
            let place = Place(it.received_at.as_millis(), *number);
            (place, ConversationEntry::Inbound(Box::new(it.clone())))
        });
        let messages = state.messages.values();
        let messages =
            messages.filter(|row| row.account == *account && row.conversation.as_ref() == Some(id));
        let messages = messages.map(|row| {
            let place = Place(row.accepted_at.as_millis(), row.key.0);
            (place, ConversationEntry::Outbound(Box::new(row.shown())))
        });
        let mut rows: Vec<_> = texts.chain(messages).collect();
        rows.sort_by_key(|(place, _)| Reverse(*place));
        page(rows.into_iter(), &request, true)
    }

    async fn remove_conversation(&self, account: &AccountId, id: &ConversationId) -> Result<bool> {
        let id = (account.clone(), id.clone());
        Ok(self.lock().conversations.remove(&id).is_some())
    }
}

#[async_trait]
impl Files for MemoryStore {
    async fn inbound_file(&self, id: InboundId) -> Result<Option<(StoredInbound, Option<Media>)>> {
        let state = &*self.lock();
        let text = state.inbound.values().find(|text| text.id == id);
        Ok(text.map(|text| (text.clone(), state.inbound_files.get(&id).cloned())))
    }

    async fn keep_inbound_file(&self, id: InboundId, media: Media) -> Result<bool> {
        let state = &mut *self.lock();
        if !state.inbound.values().any(|text| text.id == id) {
            return Err(StoreError::not_found("inbound message"));
        }
        let is_first = !state.inbound_files.contains_key(&id);
        state.inbound_files.entry(id).or_insert(media);
        Ok(is_first)
    }
}

impl State {
    fn add_inbound(&mut self, text: StoredInbound, now: Timestamp) -> bool {
        let is_it = |it: &StoredInbound| it.lane == text.lane && it.provider_id == text.provider_id;
        if self.inbound.values().any(is_it) {
            return false;
        }
        self.tell_new(NewEvent {
            at: now,
            kind: EventKind::Inbound,
            account: Some(text.account.clone()),
            batch: None,
            lane: Some(text.lane.clone()),
            detail: Some(text.event_detail()),
        });
        let id = (text.account.clone(), text.conversation.clone());
        let number = self.number();
        let (_, conversation) = self
            .conversations
            .entry(id)
            .or_insert_with(|| (number, conversation_of(&text, now)));
        conversation.is_read = false;
        conversation.changed_at = now;
        let number = self.number();
        self.inbound.insert(number, text);
        true
    }
}

fn conversation_of(text: &StoredInbound, now: Timestamp) -> StoredConversation {
    StoredConversation {
        id: text.conversation.clone(),
        account: text.account.clone(),
        participants: vec![Arc::clone(&text.from)],
        ours: Some(Arc::clone(&text.to)),
        owner: None,
        name: None,
        is_read: false,
        details: None,
        created_at: now,
        changed_at: now,
    }
}
