//! Everything in one file, with SQLite.
//!
//! Called through [`crate::Store`]. It has the files of every store, one per area of [`crate::store`],
//! and beneath them, from the bottom: [`schema`] opens connections, [`db`] runs statements (declared
//! with [`sql`], read by [`row`]), [`reader`] lends connections to calls that read, [`writer`] takes
//! the calls that write into common transactions, [`checkpoint`] keeps the log short, [`mod@write`] is one
//! such transaction, [`standing`] and [`attempts`] are a message in it. The schema, with what each index
//! is for, is in `migrations/sqlite/`.
//!
//! Durability is SQLite's write-ahead log with `synchronous=FULL`: a commit answers after `fdatasync`. Should
//! that fail the transaction is rolled back and every call of it gets the error. One case is left, as with
//! every database: when the disk took the commit and then failed to confirm it, and the machine stops
//! before anything else is written, the transaction may be there after the restart although its callers
//! were told that it is not.

mod accounts;
mod attempts;
mod batches;
mod checkpoint;
mod contacts;
mod db;
mod events;
mod inbound;
mod lanes;
mod listing;
mod messages;
mod queue;
mod reader;
mod repair;
mod reports;
mod row;
mod schema;
mod sql;
mod standing;
#[cfg(test)]
mod tests;
mod tokens;
mod webhooks;
mod write;
mod writer;

use std::path::Path;
use std::sync::Arc;

use tidings_core::Clock;

use self::checkpoint::Checkpointer;
use self::db::Db;
use self::reader::Readers;
use self::write::Write;
use self::writer::Writer;
use crate::error::{Result, StoreError, StoreErrorKind};

/// A store in a file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
}

/// How much the writer has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitCounts {
    /// Transactions that changed something.
    pub commits: u64,
    /// Calls that were answered.
    pub calls: u64,
}

impl SqliteStore {
    /// Opens the database at `path`, or makes it, and brings its schema up to date. It changes nothing
    /// of what is kept: several processes may have it open, and one of them be a gateway. The clock is for
    /// measuring commits alone.
    ///
    /// # Errors
    /// `Unavailable` where the file cannot be opened or written, or is locked by another; `Corrupt` where
    /// it is no database, another program's, or a newer version's.
    pub async fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let open = move || {
            let write = Write::new(schema::open_writer(&path)?);
            Ok(Self {
                readers: Readers::open(&path)?,
                writer: Writer::start(write, Checkpointer::start(&path)?, clock)?,
            })
        };
        tokio::task::spawn_blocking(open).await.map_err(|error| {
            StoreError::new(StoreErrorKind::Unavailable, "the database was not opened")
                .with_source(error)
        })?
    }

    /// How much the writer has done since the store was opened.
    pub fn commit_counts(&self) -> CommitCounts {
        let (commits, calls) = self.writer.counts();
        CommitCounts { commits, calls }
    }

    /// Runs `work` in a transaction that other calls may share; it touches about so many rows.
    async fn write<T: Send + 'static>(
        &self,
        rows: usize,
        work: impl FnMut(&mut Write) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writer.call(rows, work).await
    }

    /// Reads what is committed.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.call(read).await
    }
}
