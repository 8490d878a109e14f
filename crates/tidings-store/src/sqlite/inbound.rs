//! Texts from phones, and conversations.

use std::cmp::Reverse;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Row, params};
use tidings_core::{Media, Timestamp};

use super::SqliteStore;
use super::accounts::{words, words_of};
use super::db::Db;
use super::listing::{Cursor, latest_of, limit, page_of, without_keys};
use super::messages::{all_messages, shown};
use super::queue::read_media;
use super::row::{RowExt, number};
use super::sql::statements;
use super::write::{EventRow, Write};
use crate::error::{Result, StoreError};
use crate::files::Files;
use crate::model::{
    AccountId, ConversationEntry, ConversationId, EventKind, InboundFile, InboundId, LaneId, Page,
    PageRequest, StoredConversation, StoredInbound,
};
use crate::store::Inbound;

/// The columns of [`read_inbound`].
macro_rules! inbound {
    ($rest:literal) => {
        concat!(
            "SELECT key, id, account, lane, provider_id, sender, recipient, text, conversation, keyword,
                asks_for, their_time, received_at, file_type, file_bytes, file_session
                FROM inbound WHERE ",
            $rest
        )
    };
}

/// The columns of [`read_conversation`].
macro_rules! conversation {
    ($rest:literal) => {
        concat!(
            "SELECT key, id, account, participants, ours, owner, name, is_read, details, created_at,
                changed_at FROM conversations WHERE ",
            $rest
        )
    };
}

statements! {
    HAS_INBOUND = "SELECT EXISTS (SELECT 1 FROM inbound WHERE lane = ?1 AND provider_id = ?2)";
    ADD_INBOUND = "INSERT INTO inbound (key, id, account, lane, provider_id, sender, recipient, text,
        conversation, keyword, asks_for, their_time, received_at, file_type, file_bytes, file_session)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    INBOUND_BY_ID = inbound!("id = ?1");
    FILE = "SELECT media_type, media_name, media FROM inbound WHERE id = ?1";
    KEEP_FILE = "UPDATE inbound SET media_type = ?2, media_name = ?3, media = ?4
        WHERE id = ?1 AND media IS NULL";
    HEAR_IN_CONVERSATION = "INSERT INTO conversations (id, account, participants, ours, is_read,
        created_at, changed_at) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5)
        ON CONFLICT (account, id) DO UPDATE SET is_read = 0, changed_at = ?5";
    INBOUND = inbound!("key < ?1 ORDER BY key DESC LIMIT ?2");
    INBOUND_OF = inbound!("account = ?3 AND key < ?1 ORDER BY key DESC LIMIT ?2");
    INBOUND_IN = inbound!("account = ?1 AND conversation = ?2 AND key < ?3
        ORDER BY key DESC LIMIT ?4");
    PUT_CONVERSATION = "INSERT INTO conversations (id, account, participants, ours, owner, name,
        is_read, details, created_at, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (account, id) DO UPDATE SET participants = ?3, ours = ?4, owner = ?5, name = ?6,
        is_read = ?7, details = ?8, created_at = ?9, changed_at = ?10";
    CONVERSATION = conversation!("account = ?1 AND id = ?2");
    CONVERSATIONS = conversation!("account = ?1 AND (changed_at, key) < (?2, ?3)
        ORDER BY changed_at DESC, key DESC LIMIT ?4");
    CONVERSATIONS_OF = conversation!("account = ?1 AND owner = ?5 AND owner IS NOT NULL
        AND (changed_at, key) < (?2, ?3) ORDER BY changed_at DESC, key DESC LIMIT ?4");
    REMOVE_CONVERSATION = "DELETE FROM conversations WHERE account = ?1 AND id = ?2";
    MESSAGES_IN = shown!("c.account = ?1 AND c.conversation = ?2 AND c.key < ?3
        ORDER BY c.key DESC LIMIT ?4");
}

#[async_trait]
impl Inbound for SqliteStore {
    async fn add_inbound(&self, texts: Vec<StoredInbound>, now: Timestamp) -> Result<Vec<bool>> {
        let rows = texts.len();
        let work = move |write: &mut Write| {
            let added = texts.iter().map(|text| add(write, text, now));
            added.collect()
        };
        self.write(rows, work).await
    }

    async fn inbound(
        &self,
        account: Option<&AccountId>,
        page: PageRequest,
    ) -> Result<Page<StoredInbound>> {
        let account = account.cloned();
        let read = move |db: &Db| {
            latest_of(
                db,
                [INBOUND, INBOUND_OF],
                account.as_ref(),
                &page,
                read_inbound,
            )
        };
        self.read(read).await
    }

    async fn put_conversation(&self, conversation: StoredConversation) -> Result<()> {
        let work = move |write: &mut Write| put(write, &conversation);
        self.write(1, work).await
    }

    async fn conversation(
        &self,
        account: &AccountId,
        id: &ConversationId,
    ) -> Result<Option<StoredConversation>> {
        let (account, id) = (account.clone(), id.clone());
        let read = move |db: &Db| {
            let key = db.key_of(account.as_str())?.unwrap_or(-1);
            let parameters = params![key, id.as_str()];
            let found = db.one(CONVERSATION, parameters, |row| {
                Ok(read_conversation(db, row))
            })?;
            Ok(found.transpose()?.map(|(_, conversation)| conversation))
        };
        self.read(read).await
    }

    async fn conversations(
        &self,
        account: &AccountId,
        owner: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<StoredConversation>> {
        let account = account.clone();
        let owner = owner.map(str::to_owned);
        let read = move |db: &Db| {
            let key = db.key_of(account.as_str())?.unwrap_or(-1);
            let before = Cursor::read(&page)?.unwrap_or(Cursor(i64::MAX, i64::MAX));
            let most = limit(page.limit);
            let n_rows = number(most) + 1;
            let read = |row: &Row<'_>| Ok(read_conversation(db, row));
            let rows = match &owner {
                None => db.all(CONVERSATIONS, [key, before.0, before.1, n_rows], read)?,
                Some(owner) => {
                    let parameters = params![key, before.0, before.1, n_rows, owner];
                    db.all(CONVERSATIONS_OF, parameters, read)?
                }
            };
            let rows: Vec<_> = rows.into_iter().collect::<Result<_>>()?;
            let page = page_of(rows, most, |(key, conversation)| {
                Cursor(conversation.changed_at.as_millis(), *key)
            });
            Ok(without_keys(page))
        };
        self.read(read).await
    }

    /// In the order in which they were kept, which is that of `received_at` and `accepted_at` while the
    /// clock is not set back.
    async fn conversation_entries(
        &self,
        account: &AccountId,
        id: &ConversationId,
        page: PageRequest,
    ) -> Result<Page<ConversationEntry>> {
        let (account, id) = (account.clone(), id.clone());
        let read = move |db: &Db| {
            let account = db.key_of(account.as_str())?.unwrap_or(-1);
            let before = Cursor::read(&page)?.map_or(i64::MAX, |it| it.0);
            let most = limit(page.limit);
            let parameters = params![account, id.as_str(), before, number(most) + 1];
            let mut entries: Vec<(i64, ConversationEntry)> = Vec::new();
            for text in db.all(INBOUND_IN, parameters, |row| Ok(read_inbound(db, row)))? {
                let (key, text) = text?;
                entries.push((key, ConversationEntry::Inbound(Box::new(text))));
            }
            let messages = all_messages(db, MESSAGES_IN, parameters)?.into_iter();
            entries
                .extend(messages.map(|(key, it)| (key, ConversationEntry::Outbound(Box::new(it)))));
            entries.sort_unstable_by_key(|(key, _)| Reverse(*key));
            let page = page_of(entries, most, |(key, _)| Cursor(*key, 0));
            Ok(without_keys(page))
        };
        self.read(read).await
    }

    async fn remove_conversation(&self, account: &AccountId, id: &ConversationId) -> Result<bool> {
        let (account, id) = (account.clone(), id.clone());
        let work = move |write: &mut Write| {
            let account = write.db.key_of(account.as_str())?.unwrap_or(-1);
            let parameters = params![account, id.as_str()];
            Ok(write.db.execute(REMOVE_CONVERSATION, parameters)? > 0)
        };
        self.write(1, work).await
    }
}

/// Whether it is new.
#[async_trait]
impl Files for SqliteStore {
    async fn inbound_file(&self, id: InboundId) -> Result<Option<(StoredInbound, Option<Media>)>> {
        let id = id.0.into_bytes();
        let read = move |db: &Db| {
            let found = db.one(INBOUND_BY_ID, [id], |row| Ok(read_inbound(db, row)))?;
            let Some((_, text)) = found.transpose()? else {
                return Ok(None);
            };
            let media = db.one(FILE, [id], |row| read_media(row, 0))?;
            Ok(Some((text, media.flatten())))
        };
        self.read(read).await
    }

    async fn keep_inbound_file(&self, id: InboundId, media: Media) -> Result<bool> {
        let id = id.0.into_bytes();
        let work = move |write: &mut Write| {
            let content: &[u8] = media.content();
            let parameters = params![id, media.mime_type(), media.file_name(), content];
            if write.db.execute(KEEP_FILE, parameters)? > 0 {
                return Ok(true);
            }
            let known = write.db.one(FILE, [id], |_| Ok(()))?;
            known
                .map(|()| false)
                .ok_or_else(|| StoreError::not_found("inbound message"))
        };
        self.write(1, work).await
    }
}

fn add(write: &mut Write, text: &StoredInbound, now: Timestamp) -> Result<bool> {
    let lane = write.db.intern(text.lane.as_str())?;
    let parameters = params![lane, text.provider_id];
    if write.db.one(HAS_INBOUND, parameters, |row| row.get(0))? == Some(true) {
        return Ok(false);
    }
    let account = write.db.intern(text.account.as_str())?;
    let detail = text.event_detail();
    let event = EventRow::of(EventKind::Inbound, account, now);
    let key = write.event(&event.lane(lane).detail(Some(&detail)))?;
    let file = text.file.as_ref();
    let parameters = params![
        key,
        text.id.0.into_bytes(),
        account,
        lane,
        text.provider_id,
        text.from,
        text.to,
        text.text,
        text.conversation.as_str(),
        text.keyword,
        text.asks_for,
        text.their_time.map(Timestamp::as_millis),
        text.received_at.as_millis(),
        file.map(|file| &file.mime_type),
        file.and_then(|file| file.bytes)
            .map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        file.map(|file| &file.session),
    ];
    write.db.execute(ADD_INBOUND, parameters)?;
    let parameters = params![
        text.conversation.as_str(),
        account,
        words(&[Arc::clone(&text.from)])?,
        text.to,
        now.as_millis(),
    ];
    write.db.execute(HEAR_IN_CONVERSATION, parameters)?;
    Ok(true)
}

fn put(write: &Write, conversation: &StoredConversation) -> Result<()> {
    let parameters = params![
        conversation.id.as_str(),
        write.db.intern(conversation.account.as_str())?,
        words(&conversation.participants)?,
        conversation.ours,
        conversation.owner,
        conversation.name,
        conversation.is_read,
        conversation.details,
        conversation.created_at.as_millis(),
        conversation.changed_at.as_millis(),
    ];
    write.db.execute(PUT_CONVERSATION, parameters)?;
    Ok(())
}

/// A text with its key.
fn read_inbound(db: &Db, row: &Row<'_>) -> Result<(i64, StoredInbound)> {
    let conversation: String = row.get(8)?;
    let text = StoredInbound {
        id: InboundId(row.id(1)?),
        account: AccountId::from(&*db.name_of(row.get(2)?)?),
        lane: LaneId::from(&*db.name_of(row.get(3)?)?),
        provider_id: row.get(4)?,
        from: row.get(5)?,
        to: row.get(6)?,
        text: row.get(7)?,
        conversation: ConversationId::from(conversation),
        keyword: row.text_opt(9)?,
        asks_for: row.text_opt(10)?,
        their_time: row.time_opt(11)?,
        received_at: row.time(12)?,
        file: read_file(row)?,
    };
    Ok((row.get(0)?, text))
}

/// What is known of the file of a text.
fn read_file(row: &Row<'_>) -> Result<Option<InboundFile>> {
    let (Some(mime_type), Some(session)) = (row.text_opt(13)?, row.text_opt(15)?) else {
        return Ok(None);
    };
    let bytes: Option<i64> = row.get(14)?;
    Ok(Some(InboundFile {
        mime_type,
        bytes: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
        session,
    }))
}

/// A conversation with its key.
fn read_conversation(db: &Db, row: &Row<'_>) -> Result<(i64, StoredConversation)> {
    let id: String = row.get(1)?;
    let conversation = StoredConversation {
        id: ConversationId::from(id),
        account: AccountId::from(&*db.name_of(row.get(2)?)?),
        participants: words_of(row, 3)?,
        ours: row.text_opt(4)?,
        owner: row.text_opt(5)?,
        name: row.text_opt(6)?,
        is_read: row.get(7)?,
        details: row.text_opt(8)?,
        created_at: row.time(9)?,
        changed_at: row.time(10)?,
    };
    Ok((row.get(0)?, conversation))
}
