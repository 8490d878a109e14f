//! Which store a URL names.
//!
//! Called by whoever starts a gateway or works on its database. A URL is `memory:` or `sqlite://PATH`.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use tidings_core::Clock;

use crate::error::{Result, StoreError, StoreErrorKind};
use crate::memory::MemoryStore;
use crate::sqlite::SqliteStore;
use crate::store::Store;

/// Where what must survive is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// In this process: nothing survives. For tests.
    Memory,
    /// In a file, with SQLite.
    Sqlite(PathBuf),
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self> {
        if url == "memory:" {
            return Ok(Self::Memory);
        }
        match url.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ => Err(StoreError::new(
                StoreErrorKind::NotFound,
                "the URL of a store is sqlite://PATH, such as sqlite://tidings.db, or memory:",
            )),
        }
    }
}

/// Opens a store; a file that is not there is made. It changes nothing of what is kept, so a command may
/// open the database of a gateway that runs.
///
/// # Errors
/// As [`SqliteStore::open`].
pub async fn open(url: &StoreUrl, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>> {
    match url {
        StoreUrl::Memory => Ok(Arc::new(MemoryStore::new())),
        StoreUrl::Sqlite(path) => Ok(Arc::new(SqliteStore::open(path, clock).await?)),
    }
}

/// The right to be the one gateway on a store, as long as this is kept; it also ends with the process,
/// however that ends.
#[derive(Debug)]
pub struct ExclusiveHold {
    _file: Option<File>,
}

/// Takes the right to be the one gateway on a store: an advisory lock on a file `PATH.lock` beside the
/// database, which is made and stays. A gateway takes it before [`open`] and then calls
/// [`Queue::take_over`](crate::store::Queue::take_over).
///
/// # Errors
/// `Unavailable` where another gateway has it, or the file cannot be made.
pub fn exclusive(url: &StoreUrl) -> Result<ExclusiveHold> {
    let StoreUrl::Sqlite(path) = url else {
        return Ok(ExclusiveHold { _file: None });
    };
    let unavailable = |what| StoreError::new(StoreErrorKind::Unavailable, what);
    let file = for_its_owner()
        .create(true)
        .open(lock_path(path))
        .map_err(|error| {
            unavailable("the lock file beside the database cannot be made").with_source(error)
        })?;
    match file.try_lock() {
        Ok(()) => Ok(ExclusiveHold { _file: Some(file) }),
        Err(TryLockError::WouldBlock) => {
            Err(unavailable("another gateway works with this database"))
        }
        Err(TryLockError::Error(error)) => Err(unavailable(
            "the lock file beside the database cannot be locked",
        )
        .with_source(error)),
    }
}

/// How files are opened that nobody else on the machine may read: they hold texts, numbers and secrets.
pub(crate) fn for_its_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn lock_path(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}
