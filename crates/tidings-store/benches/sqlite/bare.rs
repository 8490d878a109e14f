//! Bare SQLite beside which the store is measured: prepared statements in a loop, in transactions of 1,000, on
//! disk when they are counted. No other code of ours runs.

use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::{BATCH, ROWS, Result, TEXT, id, noon, now, open, per_second};

/// How many messages a second bare SQLite inserts into one plain table, where a message is found by its
/// name alone.
pub(super) fn plain_inserts() -> Result<f64> {
    let directory = TempDir::new()?;
    let mut db = Connection::open(directory.path().join("bare.db"))?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.execute_batch(
        "CREATE TABLE messages (key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, account INTEGER,
            accepted_at INTEGER, state INTEGER, lane INTEGER, priority INTEGER, stamp INTEGER,
            recipient INTEGER, sender TEXT, text TEXT, parts INTEGER, reference TEXT, batch INTEGER,
            batch_index INTEGER, origin INTEGER)",
    )?;
    let began = now();
    for first in (0..ROWS).step_by(usize::try_from(BATCH)?) {
        let transaction = db.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO messages (id, account, accepted_at, state, lane, priority, stamp,
                    recipient, sender, text, parts, reference, batch, batch_index, origin)
                VALUES (?1, 1, ?2, 10, 1, 1, ?3, ?4, ?5, ?6, 1, ?7, 1, ?8, 1)",
            )?;
            for row in first..first + BATCH {
                let index = row.cast_signed();
                insert.execute(params![
                    id(row).into_bytes(),
                    noon().as_millis(),
                    index * 1_000,
                    recipient(index),
                    "Acme",
                    TEXT,
                    format!("order-{row}"),
                    index,
                ])?;
            }
        }
        transaction.commit()?;
    }
    Ok(per_second(ROWS, began.elapsed()))
}

/// How many messages a second bare SQLite inserts into the tables of the store, with all their indexes: the
/// rows that an accepted message has.
pub(super) async fn same_inserts() -> Result<f64> {
    let directory = TempDir::new()?;
    drop(open(directory.path()).await?);
    let mut db = Connection::open(directory.path().join("tidings.db"))?;
    db.pragma_update(None, "synchronous", "full")?;
    let began = now();
    for first in (0..ROWS).step_by(usize::try_from(BATCH)?) {
        let transaction = db.transaction()?;
        {
            let mut content = transaction.prepare_cached(
                "INSERT INTO contents (key, account, first_state, first_lane, recipient, sender, text,
                    parts, reference, policy, batch, batch_index, origin, passes_opt_out)
                VALUES (?1, 1, 10, 1, ?2, ?3, ?4, 1, ?5, 1, 1, ?6, 1, 0)",
            )?;
            let mut message = transaction.prepare_cached(
                "INSERT INTO messages (key, id, account, accepted_at, state, place, lane, priority, stamp,
                    batch, n_attempts, flags, version, changed_at, last_event)
                VALUES (?1, ?2, 1, ?3, 10, 1, 1, 1, ?4, 1, 0, 0, 1, ?3, ?1)",
            )?;
            for row in first..first + BATCH {
                let index = row.cast_signed();
                content.execute(params![
                    index,
                    recipient(index),
                    "Acme",
                    TEXT,
                    format!("order-{row}"),
                    index,
                ])?;
                message.execute(params![
                    index,
                    id(row).into_bytes(),
                    noon().as_millis(),
                    index * 1_000,
                ])?;
            }
        }
        transaction.commit()?;
    }
    Ok(per_second(ROWS, began.elapsed()))
}

fn recipient(index: i64) -> i64 {
    4_790_000_000 + index * 7_919 % 10_000_000
}
