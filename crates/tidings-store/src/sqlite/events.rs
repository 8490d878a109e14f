//! What happened.
//!
//! A message's `Accepted` has no row: its place is the message's key, and it is read from the message.

use async_trait::async_trait;
use rusqlite::{Row, params};
use tidings_core::{MessageState, Timestamp};

use super::SqliteStore;
use super::db::Db;
use super::listing::{latest_of, limit};
use super::row::{RowExt, kind_of, number, unreadable};
use super::sql::statements;
use super::write::{EventRow, SPAN_BITS, Write};
use crate::error::Result;
use crate::model::{
    AccountId, AuditEntry, AuditFilter, BatchId, Event, EventFilter, EventSeq, LaneId, MessageId,
    NewEvent, Page,
};
use crate::store::Events;

/// The columns of [`read_event`].
macro_rules! event {
    ($rest:literal) => {
        concat!(
            "SELECT e.seq, e.at, e.kind, e.account, m.id, ifnull(e.batch, b.id), e.lane, e.attempt,
                e.state, e.version, e.their_time, e.code, e.reason, e.detail, e.previous
            FROM events e LEFT JOIN messages m ON m.key = e.message
            LEFT JOIN batches b ON b.key = m.batch WHERE ",
            $rest
        )
    };
}

/// The same columns for the acceptance of a message.
macro_rules! accepted {
    ($rest:literal) => {
        concat!(
            "SELECT m.key, m.accepted_at, 0, m.account, m.id, b.id, c.first_lane, NULL,
                c.first_state, 1, NULL, NULL, NULL, NULL, 0
            FROM messages m JOIN contents c ON c.key = m.key
            LEFT JOIN batches b ON b.key = m.batch WHERE ",
            $rest
        )
    };
}

statements! {
    EVENT = event!("e.seq = ?1");
    ACCEPTED = accepted!("m.key = ?1");
    EVENTS = event!("e.seq > ?1 AND e.seq <= ?2 AND (?3 IS NULL OR e.account = ?3)
        ORDER BY e.seq LIMIT ?4");
    ACCEPTEDS = accepted!("m.key > ?1 AND m.key <= ?2 AND (?3 IS NULL OR m.account = ?3)
        ORDER BY m.key LIMIT ?4");
    LAST_EVENT = "SELECT key, last_event FROM messages WHERE key = ?1";
    NEXT_SPAN = "SELECT span FROM spans WHERE account = ?1 AND span >= ?2 ORDER BY span LIMIT 1";
    LAST_PLACE = "SELECT max(ifnull((SELECT max(seq) FROM events), 0),
        ifnull((SELECT max(key) FROM messages), 0))";
    ADD_AUDIT = "INSERT INTO audit (key, at, who, address, account, what, target, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    AUDIT = "SELECT key, at, who, address, account, what, target, detail FROM audit
        WHERE key < ?1 ORDER BY key DESC LIMIT ?2";
    AUDIT_OF = "SELECT key, at, who, address, account, what, target, detail FROM audit
        WHERE account = ?3 AND key < ?1 ORDER BY key DESC LIMIT ?2";
}

#[async_trait]
impl Events for SqliteStore {
    async fn events(&self, filter: EventFilter) -> Result<Vec<Event>> {
        let read = move |db: &Db| {
            let most = limit(filter.limit);
            let Some(account) = &filter.account else {
                return between(db, filter.after.0, i64::MAX, None, most);
            };
            match db.key_of(account.as_str())? {
                Some(account) => of_account(db, account, filter.after.0, most),
                None => Ok(Vec::new()),
            }
        };
        self.read(read).await
    }

    async fn last_event(&self) -> Result<EventSeq> {
        self.read(|db| {
            let seq = db.one(LAST_PLACE, [], |row| row.get(0))?;
            Ok(EventSeq(seq.unwrap_or(0)))
        })
        .await
    }

    async fn record(&self, events: Vec<NewEvent>) -> Result<()> {
        let work = move |write: &mut Write| {
            for event in &events {
                let account = event.account.as_ref();
                let account = account.map_or(Ok(0), |it| write.db.intern(it.as_str()))?;
                let lane = event.lane.as_ref();
                let lane = lane.map_or(Ok(0), |it| write.db.intern(it.as_str()))?;
                let mut row = EventRow::of(event.kind, account, event.at);
                row.batch = event.batch;
                write.event(&row.lane(lane).detail(event.detail.as_deref()))?;
            }
            Ok(())
        };
        self.write(1, work).await
    }

    async fn audit(&self, entry: AuditEntry) -> Result<()> {
        let work = move |write: &mut Write| {
            let account = entry.account.as_ref();
            let account = account.map_or(Ok(0), |it| write.db.intern(it.as_str()))?;
            let parameters = params![
                write.next_key(),
                entry.at.as_millis(),
                entry.who,
                entry.from.map(|from| from.to_string()),
                account,
                entry.what,
                entry.target,
                entry.detail,
            ];
            write.db.execute(ADD_AUDIT, parameters)?;
            Ok(())
        };
        self.write(1, work).await
    }

    async fn audit_entries(&self, filter: AuditFilter) -> Result<Page<AuditEntry>> {
        let read = move |db: &Db| {
            let with_key = |db: &Db, row: &Row<'_>| {
                let entry = read_audit(db, row)?;
                Ok((entry.seq.0, entry))
            };
            let account = filter.account.as_ref();
            latest_of(db, [AUDIT, AUDIT_OF], account, &filter.page, with_key)
        };
        self.read(read).await
    }
}

/// All that happened to a message, in order.
pub(super) fn of_message(db: &Db, message: i64) -> Result<Vec<Event>> {
    let last: Option<i64> = db.one(LAST_EVENT, [message], |row| row.get(1))?;
    let mut seq = last.unwrap_or(message);
    let mut events = Vec::new();
    while seq > message {
        let found = db.one(EVENT, [seq], |row| {
            Ok((row.get::<_, i64>(14)?, read_event(db, row)))
        })?;
        let Some((previous, event)) = found else {
            break;
        };
        events.push(event?);
        seq = previous;
    }
    events.extend(event(db, message)?);
    events.reverse();
    Ok(events)
}

/// The event at a place.
pub(super) fn event(db: &Db, seq: i64) -> Result<Option<Event>> {
    for sql in [EVENT, ACCEPTED] {
        if let Some(event) = db.one(sql, [seq], |row| Ok(read_event(db, row)))? {
            return event.map(Some);
        }
    }
    Ok(None)
}

/// Events of an account, or of all, in a stretch of places.
pub(super) fn between(
    db: &Db,
    after: i64,
    to: i64,
    account: Option<i64>,
    most: usize,
) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    for sql in [EVENTS, ACCEPTEDS] {
        let parameters = params![after, to, account, number(most)];
        for event in db.all(sql, parameters, |row| Ok(read_event(db, row)))? {
            events.push(event?);
        }
    }
    events.sort_unstable_by_key(|event| event.seq);
    events.truncate(most);
    Ok(events)
}

/// Events of an account, from those stretches alone in which it has any.
pub(super) fn of_account(db: &Db, account: i64, after: i64, most: usize) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let mut from = (after + 1) >> SPAN_BITS;
    while events.len() < most {
        let span: Option<i64> = db.one(NEXT_SPAN, [account, from], |row| row.get(0))?;
        let Some(span) = span else { break };
        let start = (span << SPAN_BITS).max(after + 1);
        let end = ((span + 1) << SPAN_BITS) - 1;
        let left = most - events.len();
        events.extend(between(db, start - 1, end, Some(account), left)?);
        from = span + 1;
    }
    Ok(events)
}

fn read_event(db: &Db, row: &Row<'_>) -> Result<Event> {
    let account: i64 = row.get(3)?;
    let lane: i64 = row.get(6)?;
    let state: Option<i64> = row.get(8)?;
    let state: Option<MessageState> = state.map(|_| row.state(8)).transpose()?;
    Ok(Event {
        seq: EventSeq(row.get(0)?),
        at: row.time(1)?,
        kind: kind_of(row.get(2)?).ok_or_else(|| unreadable(2))?,
        account: name(db, account)?.map(|name| AccountId::from(&*name)),
        message: row.id_opt(4)?.map(MessageId),
        batch: row.id_opt(5)?.map(BatchId),
        lane: name(db, lane)?.map(|name| LaneId::from(&*name)),
        attempt: row.get(7)?,
        state,
        version: row.get(9)?,
        their_time: row.time_opt(10)?,
        code: row.text_opt(11)?,
        reason: row.reason(12)?,
        detail: row.text_opt(13)?,
    })
}

/// The name with a key; 0 is none.
pub(super) fn name(db: &Db, key: i64) -> Result<Option<std::sync::Arc<str>>> {
    (key != 0).then(|| db.name_of(key)).transpose()
}

fn read_audit(db: &Db, row: &Row<'_>) -> Result<AuditEntry> {
    let address: Option<String> = row.get(3)?;
    let account: i64 = row.get(4)?;
    Ok(AuditEntry {
        seq: EventSeq(row.get(0)?),
        at: row.time(1)?,
        who: row.get(2)?,
        from: address.and_then(|address| address.parse().ok()),
        account: name(db, account)?.map(|name| AccountId::from(&*name)),
        what: row.get(5)?,
        target: row.get(6)?,
        detail: row.text_opt(7)?,
    })
}

/// The first of two times; a helper of those who look for when something is due.
pub(super) fn earlier_of(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}
