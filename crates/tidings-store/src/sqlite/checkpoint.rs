//! Moves what was committed from the write-ahead log into the database, beside the writer.
//!
//! The writer tells it how much it wrote. A thread of its own does the copying and its waiting for the
//! disk, so that no commit does. As the log can begin again only when all of it was copied at a moment at
//! which nobody writes, and under load there is none, the writer copies the little that is left itself when
//! the log has grown long.
//! What an earlier process left in the log is copied at the start, and on a full disk after every commit
//! that failed: a log that begins again needs no more room.
//! Whatever fails here is tried again after the next rows: the log keeps everything until then.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::schema;
use super::write::Write;
use crate::error::{Result, StoreError, StoreErrorKind};

/// So many changed rows later the log is copied.
const ROWS: u64 = 20_000;

/// After so many changed rows the writer tries again where the thread was at it.
const SOON: u64 = 2_000;

/// A log of so many pages (64 MiB; 4 MiB in tests) is begun again.
const LONG: i64 = if cfg!(test) { 1_024 } else { 16_384 };

const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// The thread that copies.
#[derive(Debug)]
pub(super) struct Checkpointer {
    bell: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Changed rows since the bell was rung.
    rows: std::cell::Cell<u64>,
    /// Pages of the log when it was copied last.
    length: Arc<AtomicI64>,
}

impl Checkpointer {
    /// Starts the thread.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let connection = schema::open_checkpointer(path)?;
        let (bell, rings) = sync_channel(1);
        let length = Arc::<AtomicI64>::default();
        let shared = Arc::clone(&length);
        let thread = std::thread::Builder::new()
            .name("tidings-checkpoint".to_owned())
            .spawn(move || run(&connection, &rings, &shared))
            .map_err(|error| {
                StoreError::new(StoreErrorKind::Unavailable, "a thread could not be started")
                    .with_source(error)
            })?;
        let checkpointer = Self {
            bell: Some(bell),
            thread: Some(thread),
            rows: std::cell::Cell::new(0),
            length,
        };
        checkpointer.ring();
        Ok(checkpointer)
    }

    /// Has the log copied, beside the writer.
    pub(super) fn ring(&self) {
        if let Some(bell) = &self.bell {
            // A full channel has rung already.
            let _ = bell.try_send(());
        }
    }

    /// The writer has changed so many rows.
    pub(super) fn wrote(&self, write: &Write, rows: u64) {
        let rows = self.rows.get() + rows;
        self.rows.set(rows);
        if rows < ROWS {
            return;
        }
        self.rows.set(0);
        if self.length.load(Ordering::Relaxed) > LONG {
            match copy(&write.db.connection) {
                // Nobody writes meanwhile: what is copied whole begins again with the next commit.
                Ok(Some(log)) if log.copied >= log.pages => self.length.store(0, Ordering::Relaxed),
                // Somebody reads what is old. The next rows try again.
                Ok(Some(log)) => self.length.store(log.pages, Ordering::Relaxed),
                // The thread is at it. It is not asked again, so it comes to its end; then it is our turn.
                Ok(None) => self.rows.set(ROWS - SOON),
                Err(error) => tracing::warn!("the log of the store could not be copied: {error}"),
            }
        } else {
            self.ring();
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.bell.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that copies the log of the store ended by a panic");
        }
    }
}

fn run(connection: &Connection, rings: &Receiver<()>, length: &AtomicI64) {
    while rings.recv().is_ok() {
        match copy(connection) {
            // Copied whole is not begun again: the writer may have added to it since the copying began.
            Ok(Some(log)) => length.store(log.pages, Ordering::Relaxed),
            // The writer is at it, and keeps what it found.
            Ok(None) => {}
            Err(error) => tracing::warn!("the log of the store could not be copied: {error}"),
        }
    }
}

/// A log, as a checkpoint found it when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Log {
    /// Its pages.
    pub(super) pages: i64,
    /// How many of them are in the database.
    pub(super) copied: i64,
}

/// Copies what no reader needs any more. `None` says that another connection is copying.
fn copy(connection: &Connection) -> rusqlite::Result<Option<Log>> {
    connection.query_row(CHECKPOINT, [], |row| {
        Ok(found(row.get(0)?, row.get(1)?, row.get(2)?))
    })
}

/// What the three columns of a checkpoint mean. Where another has the lock, the other two are -1.
pub(super) fn found(is_busy: bool, pages: i64, copied: i64) -> Option<Log> {
    (!is_busy && pages >= 0).then_some(Log { pages, copied })
}
