//! What is on disk at any moment is a database that has everything that was answered.

use super::*;

/// Copies the files as a crash would leave them. A reader keeps the log from being begun again meanwhile;
/// the log is copied last, so that nothing that it had is missing.
fn copy(path: &Path, to: &Path) {
    let reader = Connection::open(path).unwrap();
    let hold = reader.unchecked_transaction().unwrap();
    let n_tables: i64 = hold
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert!(n_tables > 0);
    fs::copy(path, to).unwrap();
    fs::copy(with_suffix(path, "-wal"), with_suffix(to, "-wal")).unwrap();
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_taken_at_any_moment_has_everything_that_was_answered() {
    let fixture = Fixture::new().await;
    let path = fixture.path();
    let store = Arc::new(fixture.store);
    let answered = Arc::<std::sync::atomic::AtomicU64>::default();
    let mut work = tokio::task::JoinSet::new();
    for task in 0..4_u64 {
        let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
        work.spawn(async move {
            for round in 0..60_u64 {
                let first = (task * 60 + round) * 10;
                let messages = (first + 1..=first + 10).map(|number| message(u128::from(number)));
                let messages = messages.collect();
                store.accept(&account(), messages, now()).await.unwrap();
                answered.fetch_add(10, std::sync::atomic::Ordering::SeqCst);
                if round % 4 == task {
                    send_all(&store).await;
                }
            }
        });
    }
    let mut copies = Vec::new();
    while copies.len() < 12 && !work.is_empty() {
        let to = fixture
            .directory
            .path()
            .join(format!("{}.db", copies.len()));
        let before = answered.load(std::sync::atomic::Ordering::SeqCst);
        copy(&path, &to);
        copies.push((to, before));
        // Whenever another hundred messages were answered, or some of the work has ended.
        while answered.load(std::sync::atomic::Ordering::SeqCst) < before + 100 {
            tokio::task::yield_now().await;
            if work.try_join_next().map(Result::unwrap).is_some() {
                break;
            }
        }
    }
    work.join_all().await;
    assert!(copies.len() > 2, "the work went on while copies were taken");
    for (copy, n_answered) in copies {
        check_copy(&copy, n_answered).await;
    }
}

async fn check_copy(path: &Path, n_answered: u64) {
    let (ready, in_hand) = check_rows(path, n_answered);
    let store = SqliteStore::open(path, clock()).await.unwrap();
    // The counts are of the same transactions as the rows.
    for depth in store.lane_depths().await.unwrap() {
        assert_eq!((depth.ready, depth.in_hand), (ready, in_hand));
    }
    let repaired = store.take_over(&NodeId::from("one"), now()).await.unwrap();
    assert_eq!(repaired.leases + repaired.attempts, in_hand);
}

/// How many messages are ready and in hand.
fn check_rows(path: &Path, n_answered: u64) -> (u64, u64) {
    let db = Connection::open(path).unwrap();
    let sound: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    let count = |condition: &str| {
        let sql = format!("SELECT count(*) FROM messages WHERE {condition}");
        let count: i64 = db.query_row(&sql, [], |row| row.get(0)).unwrap();
        count.cast_unsigned()
    };
    let n_kept = count("1");
    assert!(n_kept >= n_answered, "{n_kept} kept, {n_answered} answered");
    (count("place = 1"), count("place = 5"))
}
