//! Accepting, showing and canceling messages.

use async_trait::async_trait;
use rusqlite::{Row, params};
use tidings_core::{
    ClientRef, DeliveryPolicy, E164, HeldReason, Media, MessageEvent, MessageState, Tag, Timestamp,
};

use super::SqliteStore;
use super::attempts::routed_sender;
use super::db::Db;
use super::queue::read_media;
use super::row::{
    RowExt, millis, phone_code, policy_code, policy_of, priority_code, priority_of, sender_of,
    state_code, unsigned,
};
use super::sql::{Sql, statements};
use super::standing::{CANCEL_WISH, Cause, DUPLICATE_RISK, HELD_UNTIL, Place};
use super::write::Write;
use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, BatchId, BatchPlace, Cancellation, ConversationId, EventKind, LaneId, MessageFilter,
    MessageHistory, MessageId, NewMessage, Once, Page, StoredMessage, Taken,
};
use crate::store::Messages;

/// The columns of [`read_message`].
macro_rules! shown {
    ($($rest:literal),+) => {
        concat!(
            "SELECT m.key, m.id, m.account, c.recipient, c.sender, c.text, c.original_text,
                c.reference, c.tag, m.priority, c.policy, m.state, m.reason, m.detail, c.parts,
                m.lane, b.id, c.batch_index, c.origin, c.terms, c.conversation, m.flags,
                c.resend_of, m.accepted_at, m.due, m.expires_at, m.changed_at, m.version,
                (SELECT a.sender FROM attempts a WHERE a.key = (m.key << 16 | m.n_attempts))
            FROM contents c JOIN messages m ON m.key = c.key LEFT JOIN batches b ON b.key = m.batch
            WHERE ",
            $($rest),+
        )
    };
}
pub(super) use shown;

statements! {
    ADD_CONTENT = "INSERT INTO contents (key, account, first_state, first_lane, recipient, sender,
        text, original_text, parts, reference, tag, policy, valid_for, batch, batch_index, row_hash, origin,
        timing, terms, conversation, passes_opt_out, resend_of, media_type, media_name, media)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
        ?20, ?21, ?22, ?23, ?24, ?25)";
    ADD_MESSAGE = "INSERT INTO messages (key, id, account, accepted_at, state, place, lane, priority,
        stamp, due, expires_at, batch, closes_at, n_attempts, flags, version, changed_at, last_event)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14, 1, ?4, ?1)";
    QUOTA = "SELECT quota FROM accounts WHERE key = ?1";
    CHARGE = "UPDATE accounts SET quota = ?2 WHERE key = ?1";
    BATCH_KEY = "SELECT key FROM batches WHERE id = ?1";
    ROW_OF_BATCH = "SELECT m.id FROM contents c JOIN messages m ON m.key = c.key
        WHERE c.batch = ?1 AND c.batch_index = ?2";
    ONCE = "SELECT body, keep_until, answer, made, kind FROM once WHERE account = ?1 AND key = ?2";
    ADD_ONCE = "INSERT INTO once (account, key, body, keep_until, answer, made, kind)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (account, key) DO UPDATE SET body = ?3, keep_until = ?4, answer = ?5, made = ?6,
        kind = ?7";
    TOUCH_CONVERSATION = "UPDATE conversations SET changed_at = ?3 WHERE account = ?1 AND id = ?2";
    MESSAGE = shown!("m.id = ?1");
    MEDIA = "SELECT c.media_type, c.media_name, c.media FROM messages m
        JOIN contents c ON c.key = m.key WHERE m.id = ?1";
    /// With `+`, which keeps SQLite from making a table of the two senders for each question.
    OPTED_OUT = "SELECT EXISTS (SELECT 1 FROM opt_outs WHERE account = ?1 AND phone = ?2
        AND (+sender = '' OR +sender = ?3))";
}

/// A request that was taken under a key.
pub(super) struct OnceRow {
    pub(super) once: Once,
    pub(super) made: uuid::Uuid,
    pub(super) kind: i64,
}

/// A key that a message has.
pub(super) const ONCE_MESSAGE: i64 = 0;
/// A key of a batch that is open to rows.
pub(super) const ONCE_OPEN_BATCH: i64 = 1;
/// A key of a batch that is closed.
pub(super) const ONCE_CLOSED_BATCH: i64 = 2;

/// So many rows of one call share a transaction where a call may be cut.
const PIECE: usize = 1_000;

#[async_trait]
impl Messages for SqliteStore {
    /// A call of more than 1,000 rows is cut into transactions of 1,000 if each of its messages has a
    /// place in a batch or a key: then the same call can be made again after an error, and takes only
    /// what is not there. Any other call is one transaction, however long.
    async fn accept(
        &self,
        account: &AccountId,
        mut messages: Vec<NewMessage>,
        now: Timestamp,
    ) -> Result<Vec<Taken>> {
        let is_repeatable =
            |message: &NewMessage| message.batch.is_some() || message.once.is_some();
        if messages.len() <= PIECE || !messages.iter().all(is_repeatable) {
            return self.accept_piece(account, messages, now).await;
        }
        let mut taken = Vec::with_capacity(messages.len());
        while !messages.is_empty() {
            let rest = messages.split_off(messages.len().min(PIECE));
            taken.extend(self.accept_piece(account, messages, now).await?);
            messages = rest;
        }
        Ok(taken)
    }

    async fn once(&self, account: &AccountId, key: &str) -> Result<Option<Once>> {
        let (account, key) = (account.clone(), key.to_owned());
        let read = move |db: &Db| {
            let Some(account) = db.key_of(account.as_str())? else {
                return Ok(None);
            };
            let row = once(db, account, &key)?;
            let answered = row.filter(|row| row.kind != ONCE_OPEN_BATCH);
            Ok(answered.map(|row| row.once))
        };
        self.read(read).await
    }

    async fn message(
        &self,
        account: Option<&AccountId>,
        id: MessageId,
    ) -> Result<Option<MessageHistory>> {
        let account = account.cloned();
        let read = move |db: &Db| {
            let found = db.one(MESSAGE, [id.0.into_bytes()], |row| {
                Ok((row.get(0)?, read_message(db, row)))
            })?;
            let Some((key, message)) = found else {
                return Ok(None);
            };
            let message = message?;
            if account.is_some_and(|account| account != message.account) {
                return Ok(None);
            }
            Ok(Some(MessageHistory {
                attempts: super::attempts::shown(db, key, id)?,
                events: super::events::of_message(db, key)?,
                message,
            }))
        };
        self.read(read).await
    }

    async fn media(&self, ids: &[MessageId]) -> Result<Vec<Option<Media>>> {
        let ids = ids.to_vec();
        let read = move |db: &Db| {
            let media = |id: MessageId| {
                let found = db.one(MEDIA, [id.0.into_bytes()], |row| read_media(row, 0))?;
                Ok(found.flatten())
            };
            ids.into_iter().map(media).collect()
        };
        self.read(read).await
    }

    async fn messages(&self, filter: MessageFilter) -> Result<Page<StoredMessage>> {
        self.read(move |db| super::listing::messages(db, &filter))
            .await
    }

    async fn cancel(
        &self,
        account: Option<&AccountId>,
        ids: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<Vec<Cancellation>> {
        let account = account.cloned();
        let work = move |write: &mut Write| {
            let account = match &account {
                None => None,
                // Who has no messages has no key either.
                Some(account) => Some(write.db.key_of(account.as_str())?.unwrap_or(-1)),
            };
            let canceled = ids.iter().map(|id| cancel(write, account, *id, now));
            canceled.collect()
        };
        self.write(1, work).await
    }

    async fn release(&self, ids: Vec<(MessageId, LaneId)>, now: Timestamp) -> Result<u64> {
        let work = move |write: &mut Write| {
            let mut n_released = 0;
            for (id, lane) in &ids {
                let Some(mut standing) = write.standing_of(*id)? else {
                    continue;
                };
                match standing.state {
                    MessageState::Held(HeldReason::Paused) => {}
                    MessageState::Held(_) => {
                        standing.wait_for(write.db.intern(lane.as_str())?, None);
                        standing.on(MessageEvent::Released);
                        write.save(&mut standing, &Cause::default(), now)?;
                        n_released += 1;
                    }
                    _ => {}
                }
            }
            Ok(n_released)
        };
        self.write(1, work).await
    }

    async fn opted_out(
        &self,
        account: &AccountId,
        sender: Option<&str>,
        numbers: &[E164],
    ) -> Result<Vec<bool>> {
        let account = account.clone();
        let sender = sender.unwrap_or_default().to_owned();
        let numbers: Vec<i64> = numbers.iter().map(phone_code).collect();
        let read = move |db: &Db| {
            let Some(account) = db.key_of(account.as_str())? else {
                return Ok(vec![false; numbers.len()]);
            };
            let is_out = |number: &i64| is_opted_out(db, account, *number, &sender);
            numbers.iter().map(is_out).collect()
        };
        self.read(read).await
    }
}

impl SqliteStore {
    async fn accept_piece(
        &self,
        account: &AccountId,
        messages: Vec<NewMessage>,
        now: Timestamp,
    ) -> Result<Vec<Taken>> {
        let account = account.clone();
        let rows = messages.len();
        let work = move |write: &mut Write| accept(write, &account, &messages, now);
        self.write(rows, work).await
    }
}

fn accept(
    write: &mut Write,
    account: &AccountId,
    messages: &[NewMessage],
    now: Timestamp,
) -> Result<Vec<Taken>> {
    let mut batches: Vec<(BatchId, i64)> = Vec::new();
    for place in messages.iter().filter_map(|message| message.batch) {
        if !batches.iter().any(|(id, _)| *id == place.batch) {
            let key = batch_key(&write.db, place.batch)?;
            batches.push((place.batch, key));
        }
    }
    let account = write.db.intern(account.as_str())?;
    let quota: Option<Option<i64>> = write.db.one(QUOTA, [account], |row| row.get(0))?;
    let before = quota.flatten();
    let mut left = before;
    let taken = messages.iter().map(|message| {
        let batch = message.batch.and_then(|place| {
            let found = batches.iter().find(|(id, _)| *id == place.batch);
            found.map(|(_, key)| (*key, unsigned(place.index)))
        });
        take(write, account, message, batch, &mut left, now)
    });
    let taken: Vec<Taken> = taken.collect::<Result<_>>()?;
    if left != before {
        write.db.execute(CHARGE, params![account, left])?;
    }
    Ok(taken)
}

/// Keeps one message, unless it is there, its key was used, or the recipient or the quota does not allow
/// it.
fn take(
    write: &mut Write,
    account: i64,
    message: &NewMessage,
    batch: Option<(i64, i64)>,
    quota: &mut Option<i64>,
    now: Timestamp,
) -> Result<Taken> {
    if let Some(wanted) = &message.once
        && let Some(before) = once(&write.db, account, &wanted.key)?
        && now < before.once.keep_until
    {
        let is_same = before.kind == ONCE_MESSAGE && before.once.body == wanted.body;
        return Ok(if is_same {
            Taken::Before {
                id: MessageId(before.made),
                answer: before.once.answer,
            }
        } else {
            Taken::OtherRequest
        });
    }
    if let Some((batch, index)) = batch
        && let Some(id) = row_of_batch(write, batch, index)?
    {
        return Ok(Taken::RowIsThere { id });
    }
    if !message.passes_opt_out && write.any_opt_out(account)? {
        let sender = message.shown_sender.as_ref().map(ToString::to_string);
        let sender = sender.as_deref().unwrap_or_default();
        if is_opted_out(&write.db, account, phone_code(&message.message.to), sender)? {
            return Ok(Taken::OptedOut);
        }
    }
    if let Some(left) = quota {
        let parts = i64::from(message.parts);
        if *left < parts {
            return Ok(Taken::OverQuota);
        }
        *left -= parts;
    }
    keep(write, account, message, batch, now)?;
    Ok(Taken::New)
}

/// Whether a number gets no texts from a sender; '' is one that is not known.
fn is_opted_out(db: &Db, account: i64, number: i64, sender: &str) -> Result<bool> {
    let parameters = params![account, number, sender];
    let is_out = db.one(OPTED_OUT, parameters, |row| row.get(0))?;
    Ok(is_out.unwrap_or(false))
}

/// The message that has a row of a batch. Rows usually come in their order: then nothing is searched.
fn row_of_batch(write: &mut Write, batch: i64, index: i64) -> Result<Option<MessageId>> {
    let mut known = write.batch(batch)?;
    if index > known.last_row {
        known.last_row = index;
        write.know_batch(batch, known);
        return Ok(None);
    }
    let read = |row: &Row<'_>| row.id(0).map(MessageId);
    write.db.one(ROW_OF_BATCH, [batch, index], read)
}

fn keep(
    write: &mut Write,
    account: i64,
    message: &NewMessage,
    batch: Option<(i64, i64)>,
    now: Timestamp,
) -> Result<()> {
    let key = write.next_key();
    let lane = match &message.lane {
        Some(lane) => write.db.intern(lane.as_str())?,
        None => 0,
    };
    let state = match (message.hold, &message.lane) {
        (Some(hold), _) => MessageState::Held(hold.reason),
        (None, None) => MessageState::Held(HeldReason::NoRoute),
        (None, Some(_)) => MessageState::Queued,
    };
    let due = message.hold.and_then(|hold| hold.until);
    let due = due.map(Timestamp::as_millis);
    let flags = if due.is_some() { HELD_UNTIL } else { 0 };
    let place = Place::of(state, lane, due, flags);
    add_content(write, key, account, message, batch, state, lane)?;
    let parameters = params![
        key,
        message.id.0.into_bytes(),
        account,
        now.as_millis(),
        state_code(state),
        place.code(),
        lane,
        priority_code(message.message.priority),
        message.stamp.0,
        due,
        message.expires_at.map(Timestamp::as_millis),
        batch.map(|(batch, _)| batch),
        message.closes_at.map(Timestamp::as_millis),
        flags,
    ];
    write.db.execute(ADD_MESSAGE, parameters)?;
    write.count_on_lane(lane, place, 1);
    write.happened(key, EventKind::Accepted, account, now)?;
    if let Some(once) = &message.once {
        add_once(write, account, once, message.id.0, ONCE_MESSAGE)?;
    }
    if let Some(conversation) = &message.conversation {
        let parameters = params![account, conversation.as_str(), now.as_millis()];
        write.db.execute(TOUCH_CONVERSATION, parameters)?;
    }
    if let Some((batch, _)) = batch {
        write.count_in_batch(batch, state, 1, now);
        if write.batch(batch)?.ordered != 0
            && let Some(mut standing) = write.standing(key)?
        {
            write.save(&mut standing, &Cause::default(), now)?;
        }
    }
    Ok(())
}

fn add_content(
    write: &Write,
    key: i64,
    account: i64,
    new: &NewMessage,
    batch: Option<(i64, i64)>,
    state: MessageState,
    lane: i64,
) -> Result<()> {
    let message = &new.message;
    let media = message.media.as_ref();
    let parameters = params![
        key,
        account,
        state_code(state),
        lane,
        phone_code(&message.to),
        message.from.as_ref().map(ToString::to_string),
        message.text,
        new.original_text,
        new.parts,
        message.reference.as_ref().map(ClientRef::as_str),
        message.tag.as_ref().map(Tag::as_str),
        message.policy.map(policy_code),
        message.valid_for.map(millis),
        batch.map(|(batch, _)| batch),
        batch.map(|(_, index)| index),
        new.row_hash.map(u64::cast_signed),
        write.db.intern(&new.origin)?,
        new.timing,
        new.terms,
        new.conversation.as_ref().map(ConversationId::as_str),
        new.passes_opt_out,
        new.resend_of.map(|id| id.0.into_bytes()),
        media.map(Media::mime_type),
        media.and_then(Media::file_name),
        media.map(|media| &media.content()[..]),
    ];
    write.db.execute(ADD_CONTENT, parameters)?;
    Ok(())
}

fn cancel(
    write: &mut Write,
    account: Option<i64>,
    id: MessageId,
    now: Timestamp,
) -> Result<Cancellation> {
    let standing = write.standing_of(id)?;
    let is_theirs = |of: i64| account.is_none_or(|account| of == account);
    let Some(mut standing) = standing.filter(|it| is_theirs(it.account)) else {
        return Ok(Cancellation::NotFound);
    };
    Ok(match standing.state {
        MessageState::Held(_)
        | MessageState::Queued
        | MessageState::Leased
        | MessageState::Sending
        | MessageState::Unknown => {
            let earlier = write.earlier(&standing, None)?;
            standing.flags |= CANCEL_WISH;
            standing.on(MessageEvent::CancelRequested(earlier));
            write.save(&mut standing, &Cause::default(), now)?;
            if standing.state == MessageState::Canceled {
                Cancellation::Canceled
            } else {
                Cancellation::Unknown
            }
        }
        MessageState::Canceled => Cancellation::Canceled,
        other => Cancellation::AlreadyOut(other),
    })
}

/// The key of a batch. `NotFound` where there is none.
pub(super) fn batch_key(db: &Db, batch: BatchId) -> Result<i64> {
    let key = db.one(BATCH_KEY, [batch.0.into_bytes()], |row| row.get(0))?;
    key.ok_or_else(|| StoreError::not_found("batch"))
}

/// A request that was taken under a key.
pub(super) fn once(db: &Db, account: i64, key: &str) -> Result<Option<OnceRow>> {
    db.one(ONCE, params![account, key], |row| {
        Ok(OnceRow {
            once: Once {
                key: key.into(),
                body: row.get(0)?,
                keep_until: row.time(1)?,
                answer: row.text_opt(2)?,
            },
            made: row.id(3)?,
            kind: row.get(4)?,
        })
    })
}

/// Keeps a key, in the place of what was there.
pub(super) fn add_once(
    write: &Write,
    account: i64,
    once: &Once,
    made: uuid::Uuid,
    kind: i64,
) -> Result<()> {
    let parameters = params![
        account,
        once.key,
        once.body,
        once.keep_until.as_millis(),
        once.answer,
        made.into_bytes(),
        kind,
    ];
    write.db.execute(ADD_ONCE, parameters)?;
    Ok(())
}

/// Reads the columns of [`shown!`].
pub(super) fn read_message(db: &Db, row: &Row<'_>) -> Result<StoredMessage> {
    let batch = match (row.id_opt(16)?, row.get::<_, Option<i64>>(17)?) {
        (Some(batch), Some(_)) => Some(BatchPlace {
            batch: BatchId(batch),
            index: row.count(17)?,
        }),
        _ => None,
    };
    let lane: i64 = row.get(15)?;
    let lane = (lane != 0).then(|| db.name_of(lane)).transpose()?;
    let flags: i64 = row.get(21)?;
    let conversation: Option<String> = row.get(20)?;
    Ok(StoredMessage {
        id: MessageId(row.id(1)?),
        account: AccountId::from(&*db.name_of(row.get(2)?)?),
        to: row.phone(3)?,
        from: sender_of(row.text_opt(4)?.as_deref()),
        sent_from: routed_sender(db, row.get::<_, Option<i64>>(28)?.unwrap_or(0))?,
        text: row.get(5)?,
        original_text: row.text_opt(6)?,
        reference: row.text_opt(7)?,
        tag: row.text_opt(8)?,
        priority: priority_of(row.get(9)?),
        policy: row
            .get::<_, Option<i64>>(10)?
            .map_or(DeliveryPolicy::default(), policy_of),
        state: row.state(11)?,
        reason: row.reason(12)?,
        detail: row.text_opt(13)?,
        parts: row.get(14)?,
        lane: lane.map(|lane| LaneId::from(&*lane)),
        batch,
        origin: db.name_of(row.get(18)?)?,
        terms: row.text_opt(19)?,
        conversation: conversation.map(ConversationId::from),
        duplicate_risk: flags & DUPLICATE_RISK != 0,
        resend_of: row.id_opt(22)?.map(MessageId),
        accepted_at: row.time(23)?,
        not_before: row.time_opt(24)?,
        expires_at: row.time_opt(25)?,
        changed_at: row.time(26)?,
        version: row.get(27)?,
    })
}

/// All messages that a statement of [`shown!`] finds, with their keys.
pub(super) fn all_messages(
    db: &Db,
    sql: Sql,
    parameters: impl rusqlite::Params,
) -> Result<Vec<(i64, StoredMessage)>> {
    let rows = db.all(sql, parameters, |row| {
        Ok((row.get(0)?, read_message(db, row)))
    })?;
    let rows = rows.into_iter();
    rows.map(|(key, message)| message.map(|message| (key, message)))
        .collect()
}
