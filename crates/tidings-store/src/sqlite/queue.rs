//! The way out.

use async_trait::async_trait;
use rusqlite::{Row, params};
use tidings_core::{ClientRef, Media, Message, MessageEvent, MessageState, Tag, Timestamp};

use super::SqliteStore;
use super::db::Db;
use super::row::{
    NOT_TAKEN, RowExt, duration, number, policy_of, priority_of, sender_of, state_code, unreadable,
};
use super::sql::statements;
use super::standing::{Cause, DUPLICATE_RISK, Place, Standing};
use super::write::Write;
use crate::error::Result;
use crate::model::{
    AccountId, AttemptId, BatchId, Begin, Begun, Doubt, Finished, LaneId, Lease, LeaseRequest,
    Leased, MessageId, MessageKey, NodeId, Repaired, Returned, Settled, Stamp,
};
use crate::store::Queue;

statements! {
    WAITING_DUE = "SELECT key FROM messages WHERE place = 2 AND lane = ?1 AND due <= ?2
        ORDER BY due LIMIT ?3";
    MAKE_READY = "UPDATE messages SET place = 1, due = NULL WHERE key = ?1";
    READY = "SELECT key FROM messages WHERE place = 1 AND lane = ?1
        ORDER BY priority DESC, stamp, key LIMIT ?2";
    ADD_LEASE = "INSERT INTO leases (key, lane, node, until) VALUES (?1, ?2, ?3, ?4)";
    LEASE = "UPDATE messages SET state = ?3, place = 5, lease = ?2, due = NULL WHERE key = ?1";
    /// Everything of a message that is handed out.
    MESSAGE_OUT = "SELECT m.id, m.account, m.priority, m.stamp, m.accepted_at, m.expires_at,
        m.closes_at, m.n_attempts, m.flags, c.recipient, c.sender, c.text, c.parts, c.reference,
        c.tag, c.policy, c.valid_for, c.timing, c.terms, c.media_type, c.media_name, c.media, b.id,
        m.batch FROM messages m JOIN contents c ON c.key = m.key
        LEFT JOIN batches b ON b.key = m.batch WHERE m.key = ?1";
    DOUBTS_DUE = "SELECT key FROM attempts WHERE lane = ?1 AND check_at <= ?2
        ORDER BY check_at, key LIMIT ?3";
    CHECK_AT = "UPDATE attempts SET check_at = ?2 WHERE key = ?1";
    NEXT_WAITING = "SELECT due FROM messages WHERE place = 2 AND lane = ?1 ORDER BY due LIMIT 1";
    NEXT_HELD = "SELECT due FROM messages WHERE place = 3 AND lane = ?1 ORDER BY due LIMIT 1";
    NEXT_DOUBT = "SELECT check_at FROM attempts WHERE lane = ?1 AND check_at IS NOT NULL
        ORDER BY check_at LIMIT 1";
    NEXT_POLL = "SELECT poll_at FROM attempts WHERE lane = ?1 AND poll_at IS NOT NULL
        ORDER BY poll_at LIMIT 1";
}

/// So many messages whose time has come are made ready in one call; the rest at the next.
const MOST_WOKEN: i64 = 10_000;

#[async_trait]
impl Queue for SqliteStore {
    async fn lease_due(&self, request: LeaseRequest, now: Timestamp) -> Result<Vec<Leased>> {
        let rows = request.limit;
        self.write(rows.min(100), move |write| lease(write, &request, now))
            .await
    }

    async fn begin_attempts(&self, begin: Vec<Begin>, now: Timestamp) -> Result<Vec<Begun>> {
        let rows = begin.len();
        let work = move |write: &mut Write| {
            let begun = begin.iter().map(|begin| begin_one(write, begin, now));
            begun.collect()
        };
        self.write(rows.min(100), work).await
    }

    async fn finish_attempts(
        &self,
        finished: Vec<Finished>,
        now: Timestamp,
    ) -> Result<Vec<MessageState>> {
        let rows = finished.len();
        let work = move |write: &mut Write| {
            let after = finished.iter().map(|finished| write.finish(finished, now));
            after.collect()
        };
        self.write(rows.min(100), work).await
    }

    async fn return_leased(&self, returned: Vec<Returned>, now: Timestamp) -> Result<()> {
        let rows = returned.len();
        let work = move |write: &mut Write| {
            let mut each = returned.iter();
            each.try_for_each(|returned| give_back(write, returned, now))
        };
        self.write(rows.min(100), work).await
    }

    async fn doubts_due(
        &self,
        lane: &LaneId,
        until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Doubt>> {
        let lane = lane.clone();
        let work = move |write: &mut Write| {
            let Some(lane) = write.db.key_of(lane.as_str())? else {
                return Ok(Vec::new());
            };
            let parameters = params![lane, now.as_millis(), number(limit)];
            let due: Vec<i64> = write.db.all(DOUBTS_DUE, parameters, |row| row.get(0))?;
            let mut doubts = Vec::with_capacity(due.len());
            for key in due {
                write.db.execute(CHECK_AT, [key, until.as_millis()])?;
                doubts.extend(doubt(write, key)?);
            }
            Ok(doubts)
        };
        self.write(1, work).await
    }

    async fn settle_doubts(
        &self,
        settled: Vec<Settled>,
        now: Timestamp,
    ) -> Result<Vec<MessageState>> {
        let rows = settled.len();
        let work = move |write: &mut Write| {
            let after = settled.iter().map(|settled| write.settle(settled, now));
            after.collect()
        };
        self.write(rows.min(100), work).await
    }

    async fn repair(&self, limit: usize, now: Timestamp) -> Result<Repaired> {
        self.write(1, move |write| super::repair::repair(write, limit, now))
            .await
    }

    async fn take_over(&self, node: &NodeId, now: Timestamp) -> Result<Repaired> {
        let node = node.clone();
        self.write(1, move |write| super::repair::take_over(write, &node, now))
            .await
    }

    async fn next_due(&self, lanes: &[LaneId]) -> Result<Option<Timestamp>> {
        let lanes = lanes.to_vec();
        let read = move |db: &Db| {
            let mut next: Option<Timestamp> = None;
            for lane in &lanes {
                let Some(lane) = db.key_of(lane.as_str())? else {
                    continue;
                };
                for sql in [NEXT_WAITING, NEXT_HELD, NEXT_DOUBT, NEXT_POLL] {
                    let due = db.one(sql, [lane], |row| row.time(0))?;
                    next = next.into_iter().chain(due).min();
                }
            }
            Ok(next)
        };
        self.read(read).await
    }
}

fn lease(write: &mut Write, request: &LeaseRequest, now: Timestamp) -> Result<Vec<Leased>> {
    let Some(lane) = write.db.key_of(request.lane.as_str())? else {
        return Ok(Vec::new());
    };
    wake(write, lane, now)?;
    let parameters = [lane, number(request.limit)];
    let keys: Vec<i64> = write.db.all(READY, parameters, |row| row.get(0))?;
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let lease = write.next_key();
    let node = write.db.intern(request.node.as_str())?;
    let parameters = [lease, lane, node, request.until.as_millis()];
    write.db.execute(ADD_LEASE, parameters)?;
    let n_leased = number(keys.len());
    write.count_on_lane(lane, Place::Ready, -n_leased);
    write.count_on_lane(lane, Place::InHand, n_leased);
    let mut leased = Vec::with_capacity(keys.len());
    // READY finds queued messages alone, so one look into the table of states is enough for all.
    let state = MessageState::Queued.on(MessageEvent::Leased).moved();
    let state = state.ok().flatten().unwrap_or(MessageState::Leased);
    for key in keys {
        write.db.execute(LEASE, [key, lease, state_code(state)])?;
        let (message, batch) = message_out(write, key, lease)?;
        if let Some(batch) = batch {
            write.count_in_batch(batch, MessageState::Queued, -1, now);
            write.count_in_batch(batch, state, 1, now);
        }
        leased.push(message);
    }
    Ok(leased)
}

/// Makes those ready whose time has come.
fn wake(write: &mut Write, lane: i64, now: Timestamp) -> Result<()> {
    let parameters = [lane, now.as_millis(), MOST_WOKEN];
    let due: Vec<i64> = write.db.all(WAITING_DUE, parameters, |row| row.get(0))?;
    let n_due = number(due.len());
    for key in due {
        write.db.execute(MAKE_READY, [key])?;
    }
    if n_due > 0 {
        write.count_on_lane(lane, Place::Waiting, -n_due);
        write.count_on_lane(lane, Place::Ready, n_due);
    }
    Ok(())
}

/// A message that is leased, and the key of its batch.
fn message_out(write: &Write, key: i64, lease: i64) -> Result<(Leased, Option<i64>)> {
    let found = write
        .db
        .one(MESSAGE_OUT, [key], |row| read_out(row, key, lease))?;
    let (mut leased, account, batch) = found.ok_or_else(|| gone("message"))?;
    leased.account = AccountId::from(&*write.db.name_of(account)?);
    if leased.n_attempts > 0
        && let Some(standing) = write.standing(key)?
    {
        for attempt in write.attempts(&standing)? {
            leased.first_attempt_at.get_or_insert(attempt.began_at);
            if attempt.outcome == NOT_TAKEN {
                let lane = LaneId::from(&*write.db.name_of(attempt.lane)?);
                leased.tried.retain(|tried| *tried != lane);
                leased.tried.push(lane);
            }
        }
    }
    Ok((leased, batch))
}

fn gone(what: &'static str) -> crate::error::StoreError {
    crate::error::StoreError::not_found(what)
}

/// The message without its account's name and its attempts; the keys of its account and batch.
fn read_out(row: &Row<'_>, key: i64, lease: i64) -> rusqlite::Result<(Leased, i64, Option<i64>)> {
    let flags: i64 = row.get(8)?;
    let leased = Leased {
        key: MessageKey(key),
        lease: Lease(lease),
        id: MessageId(row.id(0)?),
        account: AccountId::from(""),
        message: read_content(row)?,
        parts: row.get(12)?,
        stamp: Stamp(row.get(3)?),
        accepted_at: row.time(4)?,
        expires_at: row.time_opt(5)?,
        timing: row.text_opt(17)?,
        closes_at: row.time_opt(6)?,
        terms: row.text_opt(18)?,
        batch: row.id_opt(22)?.map(BatchId),
        n_attempts: row.get(7)?,
        first_attempt_at: None,
        tried: Vec::new(),
        duplicate_risk: flags & DUPLICATE_RISK != 0,
        is_from_routed: false,
    };
    Ok((leased, row.get(1)?, row.get(23)?))
}

/// What is sent.
fn read_content(row: &Row<'_>) -> rusqlite::Result<Message> {
    let text: std::sync::Arc<str> = row.get(11)?;
    let mut message = Message::new(row.phone(9)?, text).priority(priority_of(row.get(2)?));
    message.from = sender_of(row.get_ref(10)?.as_str_or_null()?);
    if let Some(reference) = row.get::<_, Option<String>>(13)? {
        message.reference = Some(ClientRef::new(reference).map_err(|_| unreadable(13))?);
    }
    if let Some(tag) = row.get::<_, Option<String>>(14)? {
        message.tag = Some(Tag::new(tag).map_err(|_| unreadable(14))?);
    }
    let policy: Option<i64> = row.get(15)?;
    message.policy = Some(policy.map_or_else(Default::default, policy_of));
    let valid_for: Option<i64> = row.get(16)?;
    message.valid_for = valid_for.map(duration);
    message.media = read_media(row, 19)?;
    Ok(message)
}

/// The file of a message, in three columns from `first` on: its type, its name and its content.
pub(super) fn read_media(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Media>> {
    let Some(mime_type) = row.get::<_, Option<String>>(first)? else {
        return Ok(None);
    };
    let content: Vec<u8> = row.get(first + 2)?;
    let media = Media::new(mime_type, content).map_err(|_| unreadable(first))?;
    let name = row.get::<_, Option<String>>(first + 1)?;
    Ok(Some(match name {
        Some(name) => media.name(name),
        None => media,
    }))
}

fn begin_one(write: &mut Write, begin: &Begin, now: Timestamp) -> Result<Begun> {
    let standing = write.standing(begin.key.0)?;
    let is_his =
        |it: &Standing| it.state == MessageState::Leased && it.lease == Some(begin.lease.0);
    let Some(mut standing) = standing.filter(is_his) else {
        return Ok(Begun::Gone);
    };
    let ordered = match standing.batch {
        Some(batch) => write.batch(batch)?.ordered,
        None => 0,
    };
    if ordered != 0 {
        // Back into the queue, where the order holds.
        standing.on(MessageEvent::LeaseReturned);
        write.save(&mut standing, &Cause::default(), now)?;
        return Ok(Begun::Gone);
    }
    if !standing.on(MessageEvent::AttemptBegan) {
        return Ok(Begun::Gone);
    }
    let number = write.add_attempt(&mut standing, begin.from.as_ref(), now)?;
    write.save(&mut standing, &Cause::attempt(number), now)?;
    Ok(Begun::Go(AttemptId {
        message: standing.id,
        number,
    }))
}

fn give_back(write: &mut Write, returned: &Returned, now: Timestamp) -> Result<()> {
    let standing = write.standing(returned.key.0)?;
    let is_his =
        |it: &Standing| it.state == MessageState::Leased && it.lease == Some(returned.lease.0);
    let Some(mut standing) = standing.filter(is_his) else {
        return Ok(());
    };
    if let Some(closes_at) = returned.closes_at {
        standing.closes_at = Some(closes_at.as_millis());
    }
    write.go_on(&mut standing, &returned.next, MessageEvent::LeaseReturned)?;
    let cause = Cause::default().fault(returned.fault.as_ref());
    write.save(&mut standing, &cause.next(&returned.next), now)
}

fn doubt(write: &Write, attempt: i64) -> Result<Option<Doubt>> {
    let key = attempt >> 16;
    let Some(standing) = write.standing(key)? else {
        return Ok(None);
    };
    let number = u16::try_from(attempt & 0xffff).unwrap_or(u16::MAX);
    let Some(attempt) = write.attempt(&standing, number)? else {
        return Ok(None);
    };
    let (out, _) = message_out(write, key, 0)?;
    Ok(Some(Doubt {
        key: MessageKey(key),
        attempt: AttemptId {
            message: standing.id,
            number,
        },
        lane: LaneId::from(&*write.db.name_of(attempt.lane)?),
        began_at: attempt.began_at,
        unknown_since: attempt.unknown_since.unwrap_or(attempt.began_at),
        n_checks: attempt.n_checks,
        provider_ref: attempt.provider_ref,
        policy: out.message.policy.unwrap_or_default(),
        message: out.message,
        expires_at: out.expires_at,
        terms: out.terms,
    }))
}
