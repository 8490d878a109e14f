//! Many messages under one name.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{Row, params};
use tidings_core::{HeldReason, MessageEvent, MessageState, Timestamp};

use super::SqliteStore;
use super::db::Db;
use super::listing::latest_of;
use super::messages::{
    ONCE_CLOSED_BATCH, ONCE_MESSAGE, ONCE_OPEN_BATCH, add_once, batch_key, once,
};
use super::row::{RowExt, STATE_WORDS, number, unsigned};
use super::sql::statements;
use super::standing::{Cause, PAUSED, STOPPED};
use super::write::{EventRow, KnownBatch, Write};
use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, BatchId, BatchMember, BatchOrder, BatchState, EventKind, MessageId, NewBatch, Once,
    OpenedBatch, Page, PageRequest, StopLists, StoredBatch, TakenRow,
};
use crate::store::Batches;

/// The columns of [`read_batch`].
macro_rules! batch {
    ($rest:literal) => {
        batch!("", $rest)
    };
    ($index:literal, $rest:literal) => {
        concat!(
            "SELECT key, id, account, reference, origin, created_at, closed_at, ordered, carried_to,
                n_rejected, resend_of, n_held, n_queued, n_leased, n_sending, n_unknown, n_submitted,
                n_sent, n_failed, n_expired, n_canceled, n_undelivered, n_delivered FROM batches ",
            $index,
            " WHERE ",
            $rest
        )
    };
}

statements! {
    JOINED = "SELECT id FROM batches WHERE account = ?1 AND reference = ?2 AND closed_at IS NULL
        AND ordered <> 2 ORDER BY key DESC LIMIT 1";
    ADD_BATCH = "INSERT INTO batches (key, id, account, reference, origin, created_at, resend_of,
        once_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    HAS_BATCH = "SELECT EXISTS (SELECT 1 FROM batches WHERE id = ?1)";
    OPENED = "SELECT account, once_key, closed_at IS NOT NULL FROM batches WHERE key = ?1";
    CLOSE = "UPDATE batches SET n_rejected = ?2, closed_at = ifnull(closed_at, ?3) WHERE key = ?1";
    BATCH = batch!("id = ?1");
    BATCH_NAMED = batch!("account = ?1 AND reference = ?2 ORDER BY key DESC LIMIT 1");
    BATCHES = batch!("key < ?1 ORDER BY key DESC LIMIT ?2");
    BATCHES_OF = batch!("account = ?3 AND key < ?1 ORDER BY key DESC LIMIT ?2");
    WAITING = batch!("INDEXED BY batches_waiting",
        "account = ?1 AND n_held + n_queued + n_leased > 0 ORDER BY key");
    OPEN_SINCE = "SELECT key, id, account FROM batches INDEXED BY batches_open
        WHERE closed_at IS NULL AND created_at < ?1 ORDER BY created_at";
    LAST_ROW_AT = "SELECT m.accepted_at FROM contents c JOIN messages m ON m.key = c.key
        WHERE c.batch = ?1 ORDER BY c.batch_index DESC LIMIT 1";
    NOTE_REJECTED = "UPDATE batches SET n_rejected = max(n_rejected, ?2)
        WHERE key = ?1 AND closed_at IS NULL";
    IS_DONE = "SELECT closed_at IS NOT NULL
        AND n_held + n_queued + n_leased + n_sending + n_unknown = 0 FROM batches WHERE key = ?1";
    CLOSE_IDLE = "UPDATE batches SET closed_at = ?2 WHERE key = ?1";
    MEMBERS = "SELECT c.batch_index, m.id, m.state FROM contents c JOIN messages m ON m.key = c.key
        WHERE c.batch = ?1 AND c.batch_index >= ?2 ORDER BY c.batch_index LIMIT ?3";
    TAKEN_ROWS = "SELECT c.batch_index, m.id, m.state, c.parts, c.row_hash FROM contents c
        JOIN messages m ON m.key = c.key
        WHERE c.batch = ?1 AND c.batch_index >= ?2 ORDER BY c.batch_index LIMIT ?3";
    MEMBER_KEYS = "SELECT c.batch_index, m.key, m.state FROM contents c
        JOIN messages m ON m.key = c.key
        WHERE c.batch = ?1 AND c.batch_index >= ?2 ORDER BY c.batch_index LIMIT ?3";
    ORDER = "UPDATE batches SET ordered = ?2, carried_to = 0 WHERE key = ?1";
    CARRIED = "UPDATE batches SET carried_to = ?2 WHERE key = ?1";
    ORDERED = "SELECT ordered, carried_to FROM batches WHERE key = ?1";
    UNFINISHED = "SELECT id FROM batches WHERE carried_to IS NOT NULL ORDER BY key";
}

/// So many rows of a batch are looked at in one step.
const STEP: usize = 2_000;

#[async_trait]
impl Batches for SqliteStore {
    async fn open_batch(
        &self,
        account: &AccountId,
        batch: NewBatch,
        now: Timestamp,
    ) -> Result<OpenedBatch> {
        let account = account.clone();
        self.write(1, move |write| open(write, &account, &batch, now))
            .await
    }

    async fn close_batch(
        &self,
        batch: BatchId,
        n_rejected: u64,
        once: Option<Once>,
        now: Timestamp,
    ) -> Result<()> {
        let work = move |write: &mut Write| close(write, batch, n_rejected, once.as_ref(), now);
        self.write(1, work).await
    }

    async fn note_rejected(&self, batch: BatchId, n_rejected: u64) -> Result<()> {
        let work = move |write: &mut Write| {
            let key = batch_key(&write.db, batch)?;
            write
                .db
                .execute(NOTE_REJECTED, [key, unsigned(n_rejected)])?;
            Ok(())
        };
        self.write(1, work).await
    }

    async fn close_idle_batches(
        &self,
        since: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<u64> {
        // Looked at beside the writer first: mostly there is none.
        if self.read(move |db| idle(db, since, 1)).await?.is_empty() {
            return Ok(0);
        }
        let work = move |write: &mut Write| close_idle(write, since, limit, now);
        self.write(limit, work).await
    }

    async fn batch(&self, account: Option<&AccountId>, id: BatchId) -> Result<Option<StoredBatch>> {
        let account = account.cloned();
        let read = move |db: &Db| {
            let batch = find(db, id)?;
            Ok(batch.filter(|batch| account.is_none_or(|account| batch.account == account)))
        };
        self.read(read).await
    }

    async fn batch_named(
        &self,
        account: &AccountId,
        reference: &str,
    ) -> Result<Option<StoredBatch>> {
        let (account, reference) = (account.clone(), reference.to_owned());
        let read = move |db: &Db| {
            let Some(account) = db.key_of(account.as_str())? else {
                return Ok(None);
            };
            let parameters = params![account, reference];
            let batch = db.one(BATCH_NAMED, parameters, |row| Ok(read_batch(db, row)))?;
            batch.transpose()
        };
        let batch = self.read(read).await?;
        Ok(batch.map(|(_, batch)| batch))
    }

    async fn batches(
        &self,
        account: Option<&AccountId>,
        page: PageRequest,
    ) -> Result<Page<StoredBatch>> {
        let account = account.cloned();
        let read = move |db: &Db| {
            latest_of(
                db,
                [BATCHES, BATCHES_OF],
                account.as_ref(),
                &page,
                read_batch,
            )
        };
        self.read(read).await
    }

    async fn waiting_batches(&self, account: &AccountId) -> Result<Vec<StoredBatch>> {
        let account = account.clone();
        let read = move |db: &Db| {
            let Some(account) = db.key_of(account.as_str())? else {
                return Ok(Vec::new());
            };
            let found = db.all(WAITING, [account], |row| Ok(read_batch(db, row)))?;
            let batches = found.into_iter().map(|found| Ok(found?.1));
            batches.collect()
        };
        self.read(read).await
    }

    async fn batch_members(
        &self,
        batch: BatchId,
        states: &[MessageState],
        from_index: u64,
        limit: usize,
    ) -> Result<Vec<BatchMember>> {
        let states: Vec<&'static str> = states.iter().map(|state| state.as_str()).collect();
        let read = move |db: &Db| {
            let batch = batch_key(db, batch)?;
            let mut members = Vec::new();
            let mut from = unsigned(from_index);
            while members.len() < limit {
                let step = if states.is_empty() { limit } else { STEP };
                let rows = db.all(MEMBERS, [batch, from, number(step)], read_member)?;
                let Some(last) = rows.last() else { break };
                from = unsigned(last.index) + 1;
                let wanted = rows.into_iter();
                let wanted =
                    wanted.filter(|row| states.is_empty() || states.contains(&row.state.as_str()));
                members.extend(wanted);
            }
            members.truncate(limit);
            Ok(members)
        };
        self.read(read).await
    }

    async fn taken_rows(
        &self,
        batch: BatchId,
        from_index: u64,
        limit: usize,
    ) -> Result<Vec<TakenRow>> {
        let read = move |db: &Db| {
            let batch = batch_key(db, batch)?;
            let parameters = [batch, unsigned(from_index), number(limit)];
            db.all(TAKEN_ROWS, parameters, read_taken_row)
        };
        self.read(read).await
    }

    async fn order(
        &self,
        account: Option<&AccountId>,
        batch: BatchId,
        order: BatchOrder,
        now: Timestamp,
    ) -> Result<StoredBatch> {
        let account = account.cloned();
        let work = move |write: &mut Write| {
            let not_found = || StoreError::not_found("batch");
            let found = find(&write.db, batch)?.ok_or_else(not_found)?;
            if account.as_ref().is_some_and(|it| found.account != *it) {
                return Err(not_found());
            }
            give_order(write, batch, order, now)?;
            write.flush()?;
            find(&write.db, batch)?.ok_or_else(not_found)
        };
        self.write(1, work).await
    }

    async fn carry_out(&self, batch: BatchId, limit: usize, now: Timestamp) -> Result<u64> {
        let work = move |write: &mut Write| carry_out(write, batch, limit, now);
        // As large as what it may move, so that single messages go first.
        self.write(limit, work).await
    }

    async fn unfinished_orders(&self) -> Result<Vec<BatchId>> {
        self.read(|db| db.all(UNFINISHED, [], |row| row.id(0).map(BatchId)))
            .await
    }

    async fn stop_lists(&self, batch: BatchId) -> Result<StopLists> {
        let read = move |db: &Db| {
            let batch = batch_key(db, batch)?;
            let mut lists = StopLists::default();
            let parameters = [batch, 0, i64::MAX];
            for member in db.all(MEMBERS, parameters, read_member)? {
                lists.add(member.id, member.state);
            }
            Ok(lists)
        };
        self.read(read).await
    }
}

fn open(
    write: &mut Write,
    account: &AccountId,
    batch: &NewBatch,
    now: Timestamp,
) -> Result<OpenedBatch> {
    let account = write.db.intern(account.as_str())?;
    if let Some(wanted) = &batch.once
        && let Some(before) = once(&write.db, account, &wanted.key)?
        && now < before.once.keep_until
    {
        let id = BatchId(before.made);
        return match before.kind {
            ONCE_MESSAGE => Err(StoreError::conflict("a message has this key")),
            ONCE_OPEN_BATCH if before.once.body == wanted.body => Ok(OpenedBatch::Resumed(id)),
            ONCE_OPEN_BATCH => Ok(OpenedBatch::OtherRequest),
            _ => Ok(OpenedBatch::Before {
                id,
                body: before.once.body,
                answer: before.once.answer,
            }),
        };
    }
    if let Some(reference) = batch.reference.as_deref().filter(|_| batch.joins) {
        let joined = write
            .db
            .one(JOINED, params![account, reference], |row| row.id(0))?;
        if let Some(joined) = joined {
            return Ok(OpenedBatch::Resumed(BatchId(joined)));
        }
    }
    let id = batch.id.0.into_bytes();
    if write.db.one(HAS_BATCH, [id], |row| row.get(0))? == Some(true) {
        return Err(StoreError::conflict("there is a batch with this id"));
    }
    let key = write.next_key();
    let parameters = params![
        key,
        id,
        account,
        batch.reference,
        write.db.intern(&batch.origin)?,
        now.as_millis(),
        batch.resend_of.map(|id| id.0.into_bytes()),
        batch.once.as_ref().map(|once| &*once.key),
    ];
    write.db.execute(ADD_BATCH, parameters)?;
    let known = KnownBatch {
        ordered: 0,
        last_row: -1,
        account,
    };
    write.know_batch(key, known);
    if let Some(once) = &batch.once {
        add_once(write, account, once, batch.id.0, ONCE_OPEN_BATCH)?;
    }
    Ok(OpenedBatch::New(batch.id))
}

fn close(
    write: &mut Write,
    batch: BatchId,
    n_rejected: u64,
    answered: Option<&Once>,
    now: Timestamp,
) -> Result<()> {
    let key = batch_key(&write.db, batch)?;
    let opened: Option<(i64, Option<String>, bool)> = write.db.one(OPENED, [key], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let (account, opened_with, is_closed) = opened.ok_or_else(|| StoreError::not_found("batch"))?;
    let once_key = answered.map(|once| &*once.key).or(opened_with.as_deref());
    if let Some(once_key) = once_key {
        let before = once(&write.db, account, once_key)?;
        let is_its = |kind, made| kind != ONCE_MESSAGE && made == batch.0;
        if before.as_ref().is_some_and(|it| !is_its(it.kind, it.made)) {
            return Err(StoreError::conflict("the key was used for something else"));
        }
        if let Some(kept) = answered.or(before.as_ref().map(|before| &before.once)) {
            add_once(write, account, kept, batch.0, ONCE_CLOSED_BATCH)?;
        }
    }
    let parameters = [key, unsigned(n_rejected), now.as_millis()];
    write.db.execute(CLOSE, parameters)?;
    if !is_closed {
        write.event(&EventRow::of(EventKind::BatchClosed, account, now).batch(batch))?;
    }
    write.look_at_batch(key, now);
    Ok(())
}

/// A batch that takes rows: its key, its name, whose it is.
type Open = (i64, BatchId, i64);

/// Open batches that have had no row since a time, at most `limit`.
fn idle(db: &Db, since: Timestamp, limit: usize) -> Result<Vec<Open>> {
    let open: Vec<Open> = db.all(OPEN_SINCE, [since.as_millis()], |row| {
        Ok((row.get(0)?, BatchId(row.id(1)?), row.get(2)?))
    })?;
    let mut idle = Vec::new();
    for batch in open {
        let last = db.one(LAST_ROW_AT, [batch.0], |row| row.time(0))?;
        if last.is_none_or(|last| last < since) {
            idle.push(batch);
        }
        if idle.len() == limit {
            break;
        }
    }
    Ok(idle)
}

fn close_idle(write: &mut Write, since: Timestamp, limit: usize, now: Timestamp) -> Result<u64> {
    let idle = idle(&write.db, since, limit)?;
    for (key, batch, account) in &idle {
        write.db.execute(CLOSE_IDLE, [*key, now.as_millis()])?;
        write.event(&EventRow::of(EventKind::BatchClosed, *account, now).batch(*batch))?;
        write.look_at_batch(*key, now);
    }
    Ok(idle.len() as u64)
}

fn give_order(write: &mut Write, batch: BatchId, order: BatchOrder, now: Timestamp) -> Result<()> {
    let key = batch_key(&write.db, batch)?;
    let mut known = write.batch(key)?;
    let (ordered, kind) = match order {
        BatchOrder::Pause => (PAUSED, EventKind::BatchPaused),
        BatchOrder::Resume => (0, EventKind::BatchResumed),
        BatchOrder::Stop => (STOPPED, EventKind::BatchStopped),
    };
    if known.ordered == STOPPED && ordered != STOPPED {
        return Err(StoreError::conflict("the batch was stopped"));
    }
    if known.ordered == ordered || (known.ordered == 0 && is_done_for_good(write, key)?) {
        return Ok(());
    }
    write.db.execute(ORDER, [key, ordered])?;
    known.ordered = ordered;
    write.know_batch(key, known);
    write.event(&EventRow::of(kind, known.account, now).batch(batch))?;
    write.look_at_batch(key, now);
    Ok(())
}

/// Whether nothing of a batch can leave any more: nothing waits or is doubted, and its request, which could
/// add rows, has ended.
fn is_done_for_good(write: &mut Write, batch: i64) -> Result<bool> {
    write.flush()?;
    let is_done = write.db.one(IS_DONE, [batch], |row| row.get(0))?;
    if is_done != Some(true) {
        return Ok(false);
    }
    let opened: Option<(i64, Option<String>)> = write
        .db
        .one(OPENED, [batch], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((account, Some(once_key))) = opened else {
        return Ok(true);
    };
    let request = once(&write.db, account, &once_key)?;
    Ok(request.is_none_or(|request| request.kind != ONCE_OPEN_BATCH))
}

fn carry_out(write: &mut Write, batch: BatchId, limit: usize, now: Timestamp) -> Result<u64> {
    let batch = batch_key(&write.db, batch)?;
    let order: Option<(i64, Option<i64>)> = write
        .db
        .one(ORDERED, [batch], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((ordered, Some(from))) = order else {
        return Ok(0);
    };
    let (keys, rest_from) = to_move(write, batch, ordered, from, limit)?;
    for key in &keys {
        let Some(mut standing) = write.standing(*key)? else {
            continue;
        };
        match ordered {
            STOPPED => {
                let earlier = write.earlier(&standing, None)?;
                standing.on(MessageEvent::CancelRequested(earlier));
            }
            PAUSED => {
                standing.on(MessageEvent::Held(HeldReason::Paused));
            }
            _ => {
                standing.on(MessageEvent::Released);
            }
        }
        write.save(&mut standing, &Cause::default(), now)?;
    }
    write.db.execute(CARRIED, params![batch, rest_from])?;
    Ok(keys.len() as u64)
}

/// The first messages from a row on that an order moves, and the row of the next one after them.
///
/// Rows before `from` need no second look: whatever comes back into the queue later obeys at once.
fn to_move(
    write: &Write,
    batch: i64,
    ordered: i64,
    mut from: i64,
    limit: usize,
) -> Result<(Vec<i64>, Option<i64>)> {
    let mut keys = Vec::new();
    loop {
        let rows = write
            .db
            .all(MEMBER_KEYS, [batch, from, number(STEP)], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.state(2)?))
            })?;
        let Some((last, _, _)) = rows.last() else {
            return Ok((keys, None));
        };
        from = last + 1;
        for (index, key, state) in rows {
            if !is_moved_by(ordered, state) {
                continue;
            }
            if keys.len() == limit {
                return Ok((keys, Some(index)));
            }
            keys.push(key);
        }
    }
}

fn is_moved_by(ordered: i64, state: MessageState) -> bool {
    match ordered {
        STOPPED => matches!(
            state,
            MessageState::Held(_) | MessageState::Queued | MessageState::Leased
        ),
        PAUSED => state == MessageState::Queued,
        _ => state == MessageState::Held(HeldReason::Paused),
    }
}

fn find(db: &Db, id: BatchId) -> Result<Option<StoredBatch>> {
    let batch = db.one(BATCH, [id.0.into_bytes()], |row| Ok(read_batch(db, row)))?;
    let batch = batch.transpose()?;
    Ok(batch.map(|(_, batch)| batch))
}

fn read_member(row: &Row<'_>) -> rusqlite::Result<BatchMember> {
    Ok(BatchMember {
        index: row.count(0)?,
        id: MessageId(row.id(1)?),
        state: row.state(2)?,
    })
}

fn read_taken_row(row: &Row<'_>) -> rusqlite::Result<TakenRow> {
    Ok(TakenRow {
        index: row.count(0)?,
        id: MessageId(row.id(1)?),
        state: row.state(2)?,
        parts: row.get(3)?,
        hash: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
    })
}

/// A batch with its key.
fn read_batch(db: &Db, row: &Row<'_>) -> Result<(i64, StoredBatch)> {
    let mut counts = BTreeMap::new();
    for (column, word) in STATE_WORDS.into_iter().enumerate() {
        let count = row.count(11 + column)?;
        if count > 0 {
            counts.insert(word, count);
        }
    }
    let waits = ["held", "queued", "leased", "sending"];
    let is_waited_for = waits.iter().any(|word| counts.contains_key(word));
    let closed_at = row.time_opt(6)?;
    let carried_to: Option<i64> = row.get(8)?;
    let state = match row.get::<_, i64>(7)? {
        STOPPED if carried_to.is_some() => BatchState::Stopping,
        STOPPED => BatchState::Stopped,
        PAUSED => BatchState::Paused,
        _ if closed_at.is_none() => BatchState::Receiving,
        _ if is_waited_for => BatchState::Running,
        _ => BatchState::Done,
    };
    let batch = StoredBatch {
        id: BatchId(row.id(1)?),
        account: AccountId::from(&*db.name_of(row.get(2)?)?),
        reference: row.text_opt(3)?,
        origin: db.name_of(row.get(4)?)?,
        state,
        created_at: row.time(5)?,
        closed_at,
        counts,
        n_rejected: row.count(9)?,
        resend_of: row.id_opt(10)?.map(BatchId),
    };
    Ok((row.get(0)?, batch))
}
