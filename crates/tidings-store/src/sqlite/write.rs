//! One transaction that writes: the sequence of keys, events with their deliveries, and the counts that
//! are summed up and written once at its end.
//!
//! Made once, by [`SqliteStore::open`](super::SqliteStore::open), and lent by the writer to one call after
//! the other. What it remembers between transactions is forgotten when one is rolled back, or when another
//! process has written.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use tidings_core::{MessageState, Reason, Timestamp};

use super::db::Db;
use super::row::{STATE_WORDS, kind_code, state_code, state_column};
use super::sql::statements;
use super::standing::Place;
use crate::error::Result;
use crate::model::{BatchId, EventKind};

statements! {
    BEGIN = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    DATA_VERSION = "PRAGMA data_version";
    /// The highest place of the sequence that anything has.
    LAST_KEY = "SELECT max(
        ifnull((SELECT max(key) FROM messages), 0), ifnull((SELECT max(seq) FROM events), 0),
        ifnull((SELECT max(key) FROM leases), 0), ifnull((SELECT max(key) FROM batches), 0),
        ifnull((SELECT max(key) FROM inbound), 0), ifnull((SELECT max(key) FROM deliveries), 0),
        ifnull((SELECT max(key) FROM audit), 0))";
    ADD_EVENT = "INSERT INTO events (seq, at, kind, account, message, previous, batch, lane, attempt,
        state, version, their_time, code, reason, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    ADD_SPAN = "INSERT OR IGNORE INTO spans (account, span) VALUES (?1, ?2)";
    ADD_DELIVERY = "INSERT INTO deliveries (key, webhook, event, state, created_at, next_at)
        VALUES (?1, ?2, ?3, 0, ?4, ?4)";
    LISTENERS = "SELECT key, account, kinds, is_enabled, expires_at FROM webhooks";
    COUNT_BATCH = "UPDATE batches SET n_held = n_held + ?2, n_queued = n_queued + ?3,
        n_leased = n_leased + ?4, n_sending = n_sending + ?5, n_unknown = n_unknown + ?6,
        n_submitted = n_submitted + ?7, n_sent = n_sent + ?8, n_failed = n_failed + ?9,
        n_expired = n_expired + ?10, n_canceled = n_canceled + ?11,
        n_undelivered = n_undelivered + ?12, n_delivered = n_delivered + ?13
        WHERE key = ?1
        RETURNING is_done = 0 AND closed_at IS NOT NULL
            AND ordered = 0 AND n_held + n_queued + n_leased + n_sending = 0";
    END_BATCH = "UPDATE batches SET is_done = 1 WHERE key = ?1 RETURNING id, account";
    COUNT_LANE = "INSERT INTO lanes (key, n_ready, n_waiting, n_held, n_in_hand, n_in_doubt)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (key) DO UPDATE SET n_ready = n_ready + ?2, n_waiting = n_waiting + ?3,
        n_held = n_held + ?4, n_in_hand = n_in_hand + ?5, n_in_doubt = n_in_doubt + ?6";
    ANY_UNMATCHED = "SELECT max(key) IS NOT NULL FROM unmatched";
    ANY_OPT_OUT = "SELECT EXISTS (SELECT 1 FROM opt_outs WHERE account = ?1)";
}

/// How many places of the sequence share an entry in `spans`.
pub(super) const SPAN_BITS: u32 = 12;

/// How many keys of messages share a part of the indexes whose order is not theirs; the statements that
/// search such an index have the number too.
pub(super) const PART_BITS: u32 = 13;

/// A connection in a transaction.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) db: Db,
    known: Known,
    /// What batches and lanes have more or less of, to be written at the end.
    batch_counts: HashMap<i64, [i64; STATE_WORDS.len()]>,
    lane_counts: HashMap<i64, [i64; 5]>,
    /// Batches whose counts changed or that were closed, and when.
    counted_at: Option<Timestamp>,
    n_counted: u64,
}

/// What is remembered between transactions.
#[derive(Debug, Default)]
struct Known {
    data_version: Option<i64>,
    last_key: i64,
    spans: HashMap<i64, i64>,
    batches: HashMap<i64, KnownBatch>,
    listeners: Option<HashMap<i64, Vec<Listener>>>,
    any_unmatched: Option<bool>,
    /// Of accounts: whether anybody has opted out.
    any_opt_out: HashMap<i64, bool>,
}

/// What every message of a batch has to know of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownBatch {
    /// 0 nothing, 1 pause, 2 stop.
    pub(super) ordered: i64,
    /// The highest row that is there; -1 is none.
    pub(super) last_row: i64,
    pub(super) account: i64,
}

/// A webhook, as far as it decides what becomes a delivery.
#[derive(Clone, Copy, Debug)]
struct Listener {
    webhook: i64,
    /// One bit for each kind of event.
    kinds: u64,
    is_enabled: bool,
    expires_at: Option<i64>,
}

/// Something that happened.
#[derive(Debug)]
pub(super) struct EventRow<'a> {
    pub(super) at: Timestamp,
    pub(super) kind: EventKind,
    pub(super) account: i64,
    /// The message, and its event before.
    pub(super) message: Option<(i64, i64)>,
    pub(super) batch: Option<BatchId>,
    pub(super) lane: i64,
    pub(super) attempt: Option<u16>,
    pub(super) state: Option<MessageState>,
    pub(super) version: Option<u32>,
    pub(super) their_time: Option<Timestamp>,
    pub(super) code: Option<&'a str>,
    pub(super) reason: Option<Reason>,
    pub(super) detail: Option<&'a str>,
}

impl<'a> EventRow<'a> {
    /// An event that concerns no message.
    pub(super) fn of(kind: EventKind, account: i64, at: Timestamp) -> Self {
        EventRow {
            at,
            kind,
            account,
            message: None,
            batch: None,
            lane: 0,
            attempt: None,
            state: None,
            version: None,
            their_time: None,
            code: None,
            reason: None,
            detail: None,
        }
    }

    /// Of this batch.
    pub(super) fn batch(mut self, batch: BatchId) -> Self {
        self.batch = Some(batch);
        self
    }

    /// With this detail.
    pub(super) fn detail(mut self, detail: Option<&'a str>) -> Self {
        self.detail = detail;
        self
    }

    /// Of this lane.
    pub(super) fn lane(mut self, lane: i64) -> Self {
        self.lane = lane;
        self
    }
}

impl Write {
    /// Takes over the connection that writes.
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            db: Db::new(connection),
            known: Known::default(),
            batch_counts: HashMap::new(),
            lane_counts: HashMap::new(),
            counted_at: None,
            n_counted: 0,
        }
    }

    /// Begins a transaction.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.db.execute(BEGIN, [])?;
        let version: Option<i64> = self.db.one(DATA_VERSION, [], |row| row.get(0))?;
        if self.known.data_version != version || self.known.data_version.is_none() {
            self.known = Known {
                data_version: version,
                ..Known::default()
            };
            let last_key = self.db.one(LAST_KEY, [], |row| row.get(0))?;
            self.known.last_key = last_key.unwrap_or(0);
        }
        Ok(())
    }

    /// Commits. After an error nothing of the transaction is kept once it is rolled back.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.flush()?;
        self.db.execute(COMMIT, [])?;
        Ok(())
    }

    /// Undoes everything since the beginning, and forgets what may have come from it.
    pub(super) fn roll_back(&mut self) {
        if self.is_open()
            && let Err(error) = self.db.connection.execute_batch("ROLLBACK")
        {
            tracing::error!("a transaction of the store could not be rolled back: {error}");
        }
        self.known = Known::default();
        self.db.forget_names();
        self.batch_counts.clear();
        self.lane_counts.clear();
    }

    /// Whether the transaction is still open: some errors end it.
    pub(super) fn is_open(&self) -> bool {
        !self.db.connection.is_autocommit()
    }

    /// How many rows were changed in all.
    pub(super) fn changes(&self) -> u64 {
        self.db.connection.total_changes()
    }

    /// Changes with whatever is written or is to be written.
    pub(super) fn mark(&self) -> (u64, u64) {
        (self.changes(), self.n_counted)
    }

    /// The next key of the sequence.
    pub(super) fn next_key(&mut self) -> i64 {
        self.known.last_key += 1;
        self.known.last_key
    }

    /// Writes an event, and the deliveries to the webhooks that are told of it. Its place.
    pub(super) fn event(&mut self, event: &EventRow<'_>) -> Result<i64> {
        let seq = self.next_key();
        let batch = event.batch.map(|batch| batch.0.into_bytes());
        let parameters = params![
            seq,
            event.at.as_millis(),
            kind_code(event.kind),
            event.account,
            event.message.map(|(key, _)| key),
            event.message.map(|(_, previous)| previous),
            batch,
            event.lane,
            event.attempt,
            event.state.map(state_code),
            event.version,
            event.their_time.map(Timestamp::as_millis),
            event.code,
            event.reason.map(Reason::as_str),
            event.detail,
        ];
        self.db.execute(ADD_EVENT, parameters)?;
        self.happened(seq, event.kind, event.account, event.at)?;
        Ok(seq)
    }

    /// What every event brings about, also one without a row of its own.
    pub(super) fn happened(
        &mut self,
        seq: i64,
        kind: EventKind,
        account: i64,
        at: Timestamp,
    ) -> Result<()> {
        let span = seq >> SPAN_BITS;
        if self.known.spans.get(&account) != Some(&span) {
            self.db.execute(ADD_SPAN, [account, span])?;
            self.known.spans.insert(account, span);
        }
        for webhook in self.listeners(kind, account, at)? {
            self.deliver(webhook, seq, at)?;
        }
        Ok(())
    }

    /// Makes a delivery that is due at once.
    pub(super) fn deliver(&mut self, webhook: i64, seq: i64, at: Timestamp) -> Result<()> {
        let key = self.next_key();
        let parameters = params![key, webhook, seq, at.as_millis()];
        self.db.execute(ADD_DELIVERY, parameters)?;
        Ok(())
    }

    /// The webhooks that are told of this. Without any it costs a look into an empty table.
    fn listeners(&mut self, kind: EventKind, account: i64, at: Timestamp) -> Result<Vec<i64>> {
        if self.known.listeners.is_none() {
            let mut known: HashMap<i64, Vec<Listener>> = HashMap::new();
            for (account, listener) in self.db.all(LISTENERS, [], read_listener)? {
                known.entry(account).or_default().push(listener);
            }
            self.known.listeners = Some(known);
        }
        let known = self.known.listeners.as_ref();
        let Some(listeners) = known.and_then(|known| known.get(&account)) else {
            return Ok(Vec::new());
        };
        let bit = 1 << kind_code(kind);
        let told = listeners.iter().filter(|listener| {
            let is_over = listener.expires_at.is_some_and(|end| end <= at.as_millis());
            listener.is_enabled && listener.kinds & bit != 0 && !is_over
        });
        Ok(told.map(|listener| listener.webhook).collect())
    }

    /// Webhooks have changed.
    pub(super) fn forget_listeners(&mut self) {
        self.known.listeners = None;
    }

    /// What is remembered of a batch, if it is.
    pub(super) fn known_batch(&self, batch: i64) -> Option<KnownBatch> {
        self.known.batches.get(&batch).copied()
    }

    /// Remembers something of a batch.
    pub(super) fn know_batch(&mut self, batch: i64, known: KnownBatch) {
        // Enough for everything that runs at one time.
        if self.known.batches.len() >= 10_000 {
            self.known.batches.clear();
        }
        self.known.batches.insert(batch, known);
    }

    /// Whether there are reports without a match.
    pub(super) fn any_unmatched(&mut self) -> Result<bool> {
        if let Some(any) = self.known.any_unmatched {
            return Ok(any);
        }
        let any = self.db.one(ANY_UNMATCHED, [], |row| row.get(0))?;
        self.known.any_unmatched = any;
        Ok(any.unwrap_or(false))
    }

    /// Reports without a match have come or gone.
    pub(super) fn forget_unmatched(&mut self) {
        self.known.any_unmatched = None;
    }

    /// Whether anybody has opted out of an account's texts.
    pub(super) fn any_opt_out(&mut self, account: i64) -> Result<bool> {
        if let Some(any) = self.known.any_opt_out.get(&account) {
            return Ok(*any);
        }
        let any = self.db.one(ANY_OPT_OUT, [account], |row| row.get(0))?;
        let any = any.unwrap_or(false);
        self.known.any_opt_out.insert(account, any);
        Ok(any)
    }

    /// People have opted out or in.
    pub(super) fn forget_opt_outs(&mut self) {
        self.known.any_opt_out.clear();
    }

    /// A message of a batch is in one state more or less.
    pub(super) fn count_in_batch(
        &mut self,
        batch: i64,
        state: MessageState,
        by: i64,
        at: Timestamp,
    ) {
        self.n_counted += 1;
        self.counted_at = Some(at);
        self.batch_counts.entry(batch).or_default()[state_column(state)] += by;
    }

    /// A lane has one message more or less in a place.
    pub(super) fn count_on_lane(&mut self, lane: i64, place: Place, by: i64) {
        if let Some(column) = place.column() {
            self.n_counted += 1;
            self.lane_counts.entry(lane).or_default()[column] += by;
        }
    }

    /// A batch may be done although none of its counts changes.
    pub(super) fn look_at_batch(&mut self, batch: i64, at: Timestamp) {
        self.counted_at = Some(at);
        self.batch_counts.entry(batch).or_default();
    }

    /// Writes the counts that were summed up, and the events of batches that are done by them.
    pub(super) fn flush(&mut self) -> Result<()> {
        for (lane, counts) in std::mem::take(&mut self.lane_counts) {
            if counts.iter().any(|count| *count != 0) {
                let [ready, waiting, held, in_hand, in_doubt] = counts;
                let parameters = [lane, ready, waiting, held, in_hand, in_doubt];
                self.db.execute(COUNT_LANE, parameters)?;
            }
        }
        for (batch, counts) in std::mem::take(&mut self.batch_counts) {
            let parameters = std::iter::once(batch).chain(counts);
            let is_done =
                self.db
                    .one(COUNT_BATCH, rusqlite::params_from_iter(parameters), |row| {
                        row.get(0)
                    })?;
            if is_done == Some(true) {
                self.end_batch(batch)?;
            }
        }
        Ok(())
    }

    fn end_batch(&mut self, batch: i64) -> Result<()> {
        let ended = self.db.one(END_BATCH, [batch], |row| {
            Ok((super::row::RowExt::id(row, 0)?, row.get(1)?))
        })?;
        if let (Some((id, account)), Some(at)) = (ended, self.counted_at) {
            self.event(&EventRow::of(EventKind::BatchDone, account, at).batch(BatchId(id)))?;
        }
        Ok(())
    }
}

fn read_listener(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Listener)> {
    let kinds: String = row.get(2)?;
    let bits = kinds
        .split_ascii_whitespace()
        .filter_map(|word| word.parse().ok())
        .fold(0, |bits, kind| bits | 1 << kind_code(kind));
    let listener = Listener {
        webhook: row.get(0)?,
        kinds: if kinds.is_empty() { u64::MAX } else { bits },
        is_enabled: row.get(3)?,
        expires_at: row.get(4)?,
    };
    Ok((row.get(1)?, listener))
}
