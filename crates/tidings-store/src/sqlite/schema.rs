//! Opens connections, brings the schema up to date, and says what SQLite's errors mean for us.
//!
//! Called by [`SqliteStore::open`](super::SqliteStore::open). The tables are in `migrations/sqlite/`.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::sql::statements;
use crate::error::{Result, StoreError, StoreErrorKind};
use crate::open::for_its_owner;

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

statements! {
    /// The list of migrations that were run is as long as there are migrations.
    VERSION = "SELECT max(version) FROM refinery_schema_history";
    HAS_HISTORY = "SELECT count(*) FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    HAS_TABLES = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
}

/// How long a connection waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Opens the one connection that writes.
pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Made here where it is missing, for its owner alone; SQLite gives the files beside it the same mode.
    // What is wrong with the place it says better itself.
    drop(for_its_owner().create_new(true).open(path));
    let mut connection = connect(path, flags)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // 64 MiB of pages: the busy end of every index of a million messages.
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens the connection that moves what was written from the log into the database.
pub(super) fn open_checkpointer(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    connection.pragma_update(None, "cache_size", -1_024)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // Plans do not depend on the values that are bound: otherwise a statement that is found by a parameter
    // is planned again for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(connection)
}

/// Runs the migrations that are missing. Without any it writes nothing, so that a second process can
/// open the database of a gateway that is busy.
fn migrate(connection: &mut Connection) -> Result<()> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter();
    let known = known.map(|migration| i64::from(migration.version())).max();
    let found = version(connection)?;
    if found > known {
        return Err(StoreError::new(
            StoreErrorKind::Corrupt,
            format!(
                "the database has version {} and this program knows versions up to {}: \
                 it was written by a newer version of tidings",
                found.unwrap_or_default(),
                known.unwrap_or_default(),
            ),
        ));
    }
    if found == known {
        return Ok(());
    }
    let tables: i64 = connection.query_row(HAS_TABLES.0, [], |row| row.get(0))?;
    if found.is_none() && tables > 0 {
        return Err(StoreError::new(
            StoreErrorKind::Corrupt,
            "the file is a database of another program",
        ));
    }
    match runner.run(connection) {
        Ok(_) => Ok(()),
        // Another process may have run them in between.
        Err(_) if version(connection)? == known => Ok(()),
        Err(error) => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "the schema of the database could not be brought up to date",
        )
        .with_source(error)),
    }
}

/// The version of the schema that is there; `None` is an empty file.
fn version(connection: &Connection) -> Result<Option<i64>> {
    let history: i64 = connection.query_row(HAS_HISTORY.0, [], |row| row.get(0))?;
    if history == 0 {
        return Ok(None);
    }
    Ok(connection.query_row(VERSION.0, [], |row| row.get(0))?)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let (kind, what) = meaning(&error);
        Self::new(kind, what).with_source(error)
    }
}

/// What an error of SQLite means for whoever asked for something.
fn meaning(error: &rusqlite::Error) -> (StoreErrorKind, &'static str) {
    use StoreErrorKind::{Conflict, Corrupt, Unavailable};
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return (Corrupt, "the database holds something that cannot be read");
    };
    match failure.code {
        ErrorCode::DiskFull => (Unavailable, "the disk is full"),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            (Unavailable, "another process has locked the database")
        }
        ErrorCode::CannotOpen => (Unavailable, "the database cannot be opened"),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            (Unavailable, "the database may not be written to")
        }
        ErrorCode::SystemIoFailure => (Unavailable, "the disk failed"),
        ErrorCode::OutOfMemory => (Unavailable, "there is no memory left"),
        ErrorCode::ConstraintViolation => (Conflict, "there is one of this name already"),
        ErrorCode::DatabaseCorrupt => (Corrupt, "the database is damaged"),
        ErrorCode::NotADatabase => (Corrupt, "the file is no database"),
        _ => (Unavailable, "the database did not do it"),
    }
}
