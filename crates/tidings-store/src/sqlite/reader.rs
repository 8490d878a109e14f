//! Connections that only read, each used by one call at a time on a blocking thread.
//!
//! They see what was committed when the call began and never wait for the writer. It knows no area.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::db::Db;
use super::schema;
use crate::error::{Result, StoreError, StoreErrorKind};

/// So many calls read at once: more would only take turns on the processor.
const CONNECTIONS: usize = 3;

/// The connections.
pub(super) struct Readers {
    free: Arc<Mutex<Vec<Db>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Opens them.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let free: Result<Vec<_>> = (0..CONNECTIONS)
            .map(|_| schema::open_reader(path).map(Db::new))
            .collect();
        Ok(Self {
            free: Arc::new(Mutex::new(free?)),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
        })
    }

    /// Reads, in one transaction.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.map_err(|_| ended())?;
        let free = Arc::clone(&self.free);
        let work = move || {
            let _permit = permit;
            let db = lock(&free).pop().ok_or_else(ended)?;
            let result = snapshot(&db, read);
            lock(&free).push(db);
            result
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| ended().with_source(error))?
    }
}

fn snapshot<T>(db: &Db, read: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
    let transaction = db.connection.unchecked_transaction()?;
    let result = read(db);
    transaction.finish()?;
    result
}

fn lock(free: &Mutex<Vec<Db>>) -> std::sync::MutexGuard<'_, Vec<Db>> {
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ended() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "the store is being closed")
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}
