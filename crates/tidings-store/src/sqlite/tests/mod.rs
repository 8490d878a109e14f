//! What is true of this store and of no other: query plans, group commit, migrations, a full disk, and
//! what is on disk at any moment. What every store does is in the behaviours of `tidings-tests`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use tidings_core::{Message, MessageState, ProviderRef, Timestamp};
use uuid::Uuid;

use super::sql::Sql;
use super::*;
use crate::model::*;
use crate::store::{Accounts, Batches, Events, Lanes, Messages, Queue, Store};

mod commits;
mod crashes;
mod files;
mod plans;

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_262_400_000).expect("noon is a time")
}

/// How long commits take is nobody's question here.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        now()
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(Noon)
}

/// A store in a directory of its own.
struct Fixture {
    store: SqliteStore,
    directory: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let directory = TempDir::new().expect("a directory can be made");
        let path = directory.path().join("tidings.db");
        let store = SqliteStore::open(&path, clock()).await.expect("it opens");
        Self { store, directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("tidings.db")
    }

    async fn reopened(self) -> Self {
        let Self { store, directory } = self;
        drop(store);
        let path = directory.path().join("tidings.db");
        let store = SqliteStore::open(&path, clock()).await.expect("it opens");
        Self { store, directory }
    }
}

fn account() -> AccountId {
    AccountId::from("acme")
}

fn lane() -> LaneId {
    LaneId::from("norway")
}

/// A message with the `number`th name.
fn message(number: u128) -> NewMessage {
    let to = "+4790000001".parse().expect("it is a number");
    NewMessage {
        id: MessageId(Uuid::from_u128(number)),
        message: Message::new(to, "Hello"),
        original_text: None,
        parts: 1,
        lane: Some(lane()),
        stamp: Stamp(i64::try_from(number).expect("tests have few messages")),
        hold: None,
        timing: None,
        closes_at: None,
        expires_at: None,
        batch: None,
        row_hash: None,
        once: None,
        origin: "tidings".into(),
        terms: None,
        conversation: None,
        shown_sender: None,
        passes_opt_out: false,
        resend_of: None,
    }
}

fn in_batch(number: u128, batch: BatchId, index: u64) -> NewMessage {
    NewMessage {
        batch: Some(BatchPlace { batch, index }),
        ..message(number)
    }
}

async fn open_batch(store: &SqliteStore, number: u128) -> BatchId {
    let id = BatchId(Uuid::from_u128(number));
    let batch = NewBatch {
        id,
        reference: None,
        origin: "tidings".into(),
        once: None,
        joins: false,
        resend_of: None,
    };
    let opened = store.open_batch(&account(), batch, now()).await;
    assert_eq!(opened.expect("it opens"), OpenedBatch::New(id));
    id
}

async fn lease(store: &SqliteStore, limit: usize) -> Vec<Leased> {
    let request = LeaseRequest {
        lane: lane(),
        node: NodeId::from("one"),
        until: now(),
        limit,
    };
    store.lease_due(request, now()).await.expect("it leases")
}

/// Leases and sends everything that is ready.
async fn send_all(store: &SqliteStore) -> usize {
    let leased = lease(store, 100).await;
    let begin = leased.iter().map(|it| Begin {
        key: it.key,
        lease: it.lease,
        from: None,
    });
    let begun = store.begin_attempts(begin.collect(), now()).await;
    let begun = begun.expect("it begins").into_iter();
    let finished = begun.zip(&leased).filter_map(|(begun, it)| match begun {
        Begun::Go(attempt) => Some(Finished {
            key: it.key,
            attempt,
            outcome: Outcome::Taken {
                provider_ref: ProviderRef::message(it.id.to_string()),
                poll_at: None,
            },
        }),
        Begun::Gone => None,
    });
    let finished: Vec<Finished> = finished.collect();
    let n_sent = finished.len();
    let states = store.finish_attempts(finished, now()).await;
    let states = states.expect("it finishes");
    assert!(states.iter().all(|it| *it == MessageState::Submitted));
    n_sent
}
