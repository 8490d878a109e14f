//! The state file: every change of the world as one JSON line, on disk before the call that made
//! the change is answered.
//!
//! Written by the world; read once, when a world is opened. Lines that wait are written and synced
//! together by one thread, so that a thousand calls at once cost one sync and not a thousand.
//! It knows nothing of what the lines mean, and has no `Debug`: they hold keys and texts.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::error::SimError;

/// An open state file.
pub(super) struct Journal {
    queue: Arc<Queue>,
    synced: watch::Receiver<Synced>,
    writer: Option<JoinHandle<()>>,
}

/// A place in the state file, from the first line of this run.
#[derive(Clone, Copy, Debug)]
#[must_use = "a change may be answered for only when it is on disk"]
pub(super) struct Ticket(u64);

/// The state file can no longer be written: nothing more may be answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotWritten;

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    lines: u64,
    is_closed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Synced {
    UpTo(u64),
    Failed,
}

impl Journal {
    /// Opens a state file, or makes it, and hands each of its lines to `replay` in order, with
    /// its number from 1. A torn
    /// last line is what a killed program leaves of a change that was never answered for: it is cut
    /// off.
    pub(super) fn open<R: DeserializeOwned>(
        path: &Path,
        mut replay: impl FnMut(usize, R) -> Result<(), SimError>,
    ) -> Result<Self, SimError> {
        let failed = |source: io::Error| SimError::StateFile {
            path: path.to_owned(),
            source,
        };
        let mut file = open_or_make(path).map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SimError::StateInUse {
                path: path.to_owned(),
            },
            TryLockError::Error(source) => failed(source),
        })?;
        let whole = read_lines(&file, path, &mut replay)?;
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::Start(whole)).map_err(failed)?;

        let queue = Arc::new(Queue::default());
        let (sender, synced) = watch::channel(Synced::UpTo(0));
        let writer = std::thread::Builder::new()
            .name("tidings-sim-state".to_owned())
            .spawn({
                let queue = Arc::clone(&queue);
                move || write_what_waits(&queue, file, &sender)
            })
            .map_err(failed)?;
        Ok(Self {
            queue,
            synced,
            writer: Some(writer),
        })
    }

    /// Puts a change at the end. Called while the world is locked, so that the file has the changes
    /// in the order in which they were made. Refused once a write has failed: such a change must not
    /// be made. Changes that waited for that write were made in memory, are answered for with a
    /// refusal, and are forgotten when the world is opened again.
    pub(super) fn append<R: Serialize>(&self, change: &R) -> Result<Ticket, NotWritten> {
        if matches!(*self.synced.borrow(), Synced::Failed) {
            return Err(NotWritten);
        }
        let mut waiting = self.queue.lock();
        serde_json::to_writer(&mut waiting.bytes, change)
            .expect("a change is plain data with text keys, and a Vec takes every byte");
        waiting.bytes.push(b'\n');
        waiting.lines += 1;
        let ticket = Ticket(waiting.lines);
        drop(waiting);
        self.queue.more.notify_one();
        Ok(ticket)
    }

    /// Returns when everything up to the ticket is on disk.
    pub(super) async fn on_disk(&self, ticket: Ticket) -> Result<(), NotWritten> {
        let mut synced = self.synced.clone();
        let seen = synced
            .wait_for(|synced| match synced {
                Synced::UpTo(lines) => *lines >= ticket.0,
                Synced::Failed => true,
            })
            .await;
        match seen.as_deref() {
            Ok(Synced::UpTo(_)) => Ok(()),
            Ok(Synced::Failed) | Err(_) => Err(NotWritten),
        }
    }
}

/// Writes what still waits, and closes the file.
impl Drop for Journal {
    fn drop(&mut self) {
        self.queue.lock().is_closed = true;
        self.queue.more.notify_one();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has told so already: its channel is closed.
            let _ = writer.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_or_make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // It holds the account's key and the texts.
        options.mode(0o600);
    }
    let file = options.open(path)?;
    // The file's name is on disk before anything is promised about what is in it.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        folder.sync_all()?;
    }
    Ok(file)
}

/// Replays the whole lines and returns how many bytes they take.
fn read_lines<R: DeserializeOwned>(
    file: &File,
    path: &Path,
    replay: &mut impl FnMut(usize, R) -> Result<(), SimError>,
) -> Result<u64, SimError> {
    let failed = |source: io::Error| SimError::StateFile {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut whole = 0;
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
        if length == 0 || !line.ends_with(b"\n") {
            break;
        }
        match serde_json::from_slice(&line) {
            Ok(change) => replay(number, change)?,
            Err(_) if reader.fill_buf().map_err(failed)?.is_empty() => break,
            Err(_) => {
                return Err(SimError::StateCorrupt {
                    path: path.to_owned(),
                    line: number,
                });
            }
        }
        whole += u64::try_from(length).unwrap_or(u64::MAX);
    }
    Ok(whole)
}

/// The writing thread: one write and one sync for all that waits, again and again.
fn write_what_waits(queue: &Queue, mut file: File, synced: &watch::Sender<Synced>) {
    let mut bytes = Vec::new();
    loop {
        let mut waiting = queue
            .more
            .wait_while(queue.lock(), |waiting| {
                waiting.bytes.is_empty() && !waiting.is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.bytes.is_empty() {
            return;
        }
        bytes.clear();
        std::mem::swap(&mut bytes, &mut waiting.bytes);
        let lines = waiting.lines;
        drop(waiting);
        match file.write_all(&bytes).and_then(|()| file.sync_data()) {
            Ok(()) => synced.send_replace(Synced::UpTo(lines)),
            Err(error) => {
                tracing::error!(%error, "the state file cannot be written; nothing more is answered for");
                synced.send_replace(Synced::Failed);
                return;
            }
        };
    }
}
