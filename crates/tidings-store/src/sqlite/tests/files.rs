//! Opening: new, again, newer, another's, damaged, held by another gateway; and a disk that is full.

use super::*;
use crate::open::{StoreUrl, exclusive, open};

async fn open_error(path: &Path) -> StoreError {
    SqliteStore::open(path, clock()).await.unwrap_err()
}

#[tokio::test]
async fn a_database_is_opened_again_as_it_was() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let batch = open_batch(store, 7).await;
    let rows = vec![in_batch(1, batch, 0), in_batch(2, batch, 1), message(3)];
    store.accept(&account(), rows, now()).await.unwrap();
    assert_eq!(lease(store, 1).await.len(), 1);
    let fixture = fixture.reopened().await;
    let store = &fixture.store;
    // Opening voids nothing: what was leased is leased.
    let depths = store.lane_depths().await.unwrap();
    assert_eq!((depths[0].ready, depths[0].in_hand), (2, 1));
    let repaired = store.take_over(&NodeId::from("one"), now()).await.unwrap();
    assert_eq!(repaired.leases, 1);
    assert_eq!(send_all(store).await, 3);
    // Keys go on after those that were given before.
    store
        .accept(&account(), vec![message(4)], now())
        .await
        .unwrap();
    let events = store.events(EventFilter::default()).await.unwrap();
    let places: BTreeSet<EventSeq> = events.iter().map(|event| event.seq).collect();
    assert_eq!(places.len(), events.len());
    assert_eq!(events.last().unwrap().kind, EventKind::Accepted);
}

/// Texts, numbers and secrets are in them.
#[cfg(unix)]
#[tokio::test]
async fn nobody_else_on_the_machine_reads_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tidings.db");
    let hold = exclusive(&StoreUrl::Sqlite(path.clone())).unwrap();
    let store = SqliteStore::open(&path, clock()).await.unwrap();
    store
        .accept(&account(), vec![message(1)], now())
        .await
        .unwrap();
    let mut n_files = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        n_files += 1;
    }
    assert_eq!(
        n_files, 4,
        "the database, its log, the log's index, the lock"
    );
    // Whoever has opened it up on purpose, for a backup, is not overruled.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    drop((store, hold));
    drop(SqliteStore::open(&path, clock()).await.unwrap());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let fixture = Fixture::new().await;
    let path = fixture.path();
    drop(fixture.store);
    let db = Connection::open(&path).unwrap();
    db.execute(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (9999, 'later', '2030-01-01T00:00:00Z', '1')",
        [],
    )
    .unwrap();
    drop(db);
    let error = open_error(&path).await;
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert_eq!(
        error.to_string(),
        "the database has version 9999 and this program knows versions up to 1: \
         it was written by a newer version of tidings"
    );
}

#[tokio::test]
async fn files_of_others_are_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let other = directory.path().join("other.db");
    let db = Connection::open(&other).unwrap();
    db.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(db);
    let error = open_error(&other).await;
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert_eq!(
        error.to_string(),
        "the file is a database of another program"
    );

    let text = directory.path().join("text.db");
    fs::write(
        &text,
        "a letter to a friend, longer than a header of a database. ".repeat(20),
    )
    .unwrap();
    assert_eq!(open_error(&text).await.kind(), StoreErrorKind::Corrupt);

    let nowhere = directory.path().join("no/such/folder/tidings.db");
    assert_eq!(
        open_error(&nowhere).await.kind(),
        StoreErrorKind::Unavailable
    );
}

#[tokio::test]
async fn two_processes_may_write_in_turns() {
    let fixture = Fixture::new().await;
    let command = SqliteStore::open(fixture.path(), clock()).await.unwrap();
    for number in 1..=10 {
        let store = if number % 2 == 0 {
            &fixture.store
        } else {
            &command
        };
        store
            .accept(&account(), vec![message(number)], now())
            .await
            .unwrap();
    }
    let webhook = StoredWebhook {
        id: WebhookId(Uuid::from_u128(5)),
        account: Some(account()),
        url: "https://example.com/".into(),
        kinds: Vec::new(),
        format: "standard".into(),
        details: None,
        secrets: Vec::new(),
        label: None,
        is_enabled: true,
        disabled_because: None,
        failing_since: None,
        expires_at: None,
        created_at: now(),
    };
    crate::store::Webhooks::add_webhook(&command, webhook)
        .await
        .unwrap();
    // The other process hears of it at its next transaction.
    fixture
        .store
        .accept(&account(), vec![message(11)], now())
        .await
        .unwrap();
    let depth = fixture.store.depth().await.unwrap();
    assert_eq!((depth.queued, depth.deliveries), (11, 1));
}

#[tokio::test]
async fn one_gateway_at_a_time() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("tidings.db");
    let url: StoreUrl = format!("sqlite://{}", path.display()).parse().unwrap();
    let hold = exclusive(&url).unwrap();
    let error = exclusive(&url).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        "another gateway works with this database"
    );
    // A command works with it all the same.
    let store: Arc<dyn Store> = open(&url, clock()).await.unwrap();
    store.check().await.unwrap();
    drop(hold);
    exclusive(&url).unwrap();
    assert!("postgres".parse::<StoreUrl>().is_err());
    exclusive(&StoreUrl::Memory).unwrap();
}

/// The disk is as full as SQLite is told.
#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_space() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store
        .accept(&account(), vec![message(1)], now())
        .await
        .unwrap();
    let room = |pages: i64| {
        store.write(1, move |write| {
            let db = &write.db.connection;
            let used: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            db.pragma_update(None, "max_page_count", used + pages)?;
            Ok(())
        })
    };
    room(1).await.unwrap();
    let many: Vec<NewMessage> = (2..=2_000).map(message).collect();
    let error = store
        .accept(&account(), many.clone(), now())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert_eq!(error.to_string(), "the disk is full");
    // Nothing of it is there, and what was there still is.
    assert_eq!(store.depth().await.unwrap().queued, 1);
    assert_eq!(store.events(EventFilter::default()).await.unwrap().len(), 1);
    room(1_000_000).await.unwrap();
    let taken = store.accept(&account(), many, now()).await.unwrap();
    assert!(taken.iter().all(|it| *it == Taken::New));
    assert_eq!(store.depth().await.unwrap().queued, 2_000);
}

#[tokio::test]
async fn a_database_that_another_holds_is_unavailable() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let other = Connection::open(fixture.path()).unwrap();
    store
        .write(1, |write| {
            Ok(write
                .db
                .connection
                .busy_timeout(std::time::Duration::ZERO)?)
        })
        .await
        .unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store
        .accept(&account(), vec![message(1)], now())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    // Readers do not wait for whoever writes.
    assert_eq!(store.depth().await.unwrap().queued, 0);
    other.execute_batch("ROLLBACK").unwrap();
    store
        .accept(&account(), vec![message(1)], now())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_of_an_account_survives() {
    let fixture = Fixture::new().await;
    let new = StoredAccount {
        id: account(),
        settings: "{}".into(),
        quota: Some(2),
        is_active: true,
        created_at: now(),
        version: 1,
    };
    fixture.store.add_account(new.clone()).await.unwrap();
    let fixture = fixture.reopened().await;
    let error = fixture.store.add_account(new).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    let messages = (1..=3).map(message).collect();
    let taken = fixture.store.accept(&account(), messages, now()).await;
    assert_eq!(taken.unwrap(), [Taken::New, Taken::New, Taken::OverQuota]);
}

/// A checkpoint that finds another connection at it is told -1 and -1, which must not be taken for a log that
/// was copied whole.
#[test]
fn who_finds_another_copying_the_log_knows_nothing_of_it() {
    let log = |pages, copied| Some(checkpoint::Log { pages, copied });
    for (columns, expected) in [
        ((true, -1, -1), None),
        ((false, -1, -1), None),
        ((true, 500, 100), None),
        ((false, 500, 500), log(500, 500)),
        ((false, 500, 100), log(500, 100)),
        ((false, 0, 0), log(0, 0)),
    ] {
        let (is_busy, pages, copied) = columns;
        let found = checkpoint::found(is_busy, pages, copied);
        assert_eq!(found, expected, "{columns:?}");
    }
}

/// Without a moment's rest: there is none at which the log is copied whole by itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_begins_again_also_under_load() {
    let fixture = Fixture::new().await;
    let store = Arc::new(fixture.store);
    let mut batches = tokio::task::JoinSet::new();
    for number in 0..4_u64 {
        let batch = open_batch(&store, u128::from(1_000_000 + number)).await;
        let store = Arc::clone(&store);
        let first = number * 20_000;
        let rows = (0..20_000).map(|row| in_batch(u128::from(first + row) + 1, batch, row));
        let rows: Vec<NewMessage> = rows.collect();
        batches.spawn(async move { store.accept(&account(), rows, now()).await.unwrap() });
    }
    batches.join_all().await;
    let mut path = fixture.directory.path().join("tidings.db").into_os_string();
    let database = fs::metadata(&path).unwrap().len();
    path.push("-wal");
    let log = fs::metadata(&path).unwrap().len();
    assert!(
        log < 64 << 20,
        "the log has {log} bytes, the database {database}"
    );
}
