//! Which store a URL names.
//!
//! Called by whoever starts a gateway. A URL is `memory:` or `sqlite://PATH`.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use tidings_core::Timestamp;

use crate::error::{Result, StoreError, StoreErrorKind};
use crate::memory::MemoryStore;
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

/// Opens a store.
///
/// # Errors
/// `Unavailable` for what cannot be opened.
pub async fn open(url: &StoreUrl, _now: Timestamp) -> Result<Arc<dyn Store>> {
    match url {
        StoreUrl::Memory => Ok(Arc::new(MemoryStore::new())),
        StoreUrl::Sqlite(_) => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "a database in a file is not built in yet",
        )),
    }
}
