//! Group commit: calls share commits, none waits long for a large one, a failure stays with its caller.

use super::*;

#[tokio::test]
async fn calls_at_the_same_time_share_commits() {
    let fixture = Fixture::new().await;
    let store = Arc::new(fixture.store);
    let before = store.commit_counts();
    let mut calls = tokio::task::JoinSet::new();
    for number in 1..=500 {
        let store = Arc::clone(&store);
        calls.spawn(async move {
            let taken = store.accept(&account(), vec![message(number)], now()).await;
            assert_eq!(taken.unwrap(), [Taken::New]);
        });
    }
    calls.join_all().await;
    let after = store.commit_counts();
    assert_eq!(after.calls - before.calls, 500);
    let n_commits = after.commits - before.commits;
    // The first call may be alone; all others are waiting by the time it is on disk.
    assert!(n_commits <= 50, "{n_commits} commits for 500 calls");
}

/// Counted in commits: while a batch is handed over in pieces, a single message is in the next commit but
/// one at the latest.
#[tokio::test]
async fn a_large_batch_holds_up_a_single_message_by_one_commit() {
    let fixture = Fixture::new().await;
    let store = Arc::new(fixture.store);
    let batch = open_batch(&store, 1_000_000).await;
    let large = Arc::clone(&store);
    let rows = (0..20_000).map(|row| in_batch(u128::from(row) + 1, batch, row));
    let rows: Vec<NewMessage> = rows.collect();
    let mut work = tokio::task::JoinSet::new();
    work.spawn(async move { large.accept(&account(), rows, now()).await });
    let mut taken = None;
    let mut most_waited = 0;
    for number in 0.. {
        taken = work.try_join_next();
        if taken.is_some() {
            break;
        }
        let before = store.commit_counts().commits;
        let single = message(2_000_000 + number);
        store.accept(&account(), vec![single], now()).await.unwrap();
        most_waited = most_waited.max(store.commit_counts().commits - before);
    }
    let taken = taken.unwrap().unwrap().unwrap();
    assert!(taken.iter().all(|it| *it == Taken::New));
    // The commit under way, its own, and one that may be counted before the answer is read.
    assert!(
        most_waited <= 3,
        "a message waited for {most_waited} commits"
    );
}

#[tokio::test]
async fn a_call_that_fails_undoes_itself_alone() {
    let fixture = Fixture::new().await;
    let store = Arc::new(fixture.store);
    store
        .accept(&account(), vec![message(1)], now())
        .await
        .unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for number in 2..=100 {
        let store = Arc::clone(&store);
        calls.spawn(async move {
            // Every third call has one good message and then one whose id is taken.
            let mut messages = vec![message(number)];
            if number % 3 == 0 {
                messages.push(message(1));
            }
            let result = store.accept(&account(), messages, now()).await;
            let kind = result.map_err(|error| error.kind()).map(|_| ());
            let expected = if number % 3 == 0 {
                Err(StoreErrorKind::Conflict)
            } else {
                Ok(())
            };
            assert_eq!(kind, expected, "call {number}");
        });
    }
    calls.join_all().await;
    for number in 1..=100 {
        let id = MessageId(Uuid::from_u128(number));
        let found = store.message(None, id).await.unwrap();
        assert_eq!(found.is_some(), number == 1 || number % 3 != 0, "{number}");
    }
    let depth = store.depth().await.unwrap();
    assert_eq!(depth.queued, 67);
}

/// What cannot be repeated is one transaction, however long it is.
#[tokio::test]
async fn a_long_call_without_keys_happens_whole() {
    let fixture = Fixture::new().await;
    let store = fixture.store;
    let mut messages: Vec<NewMessage> = (1..=2_500).map(message).collect();
    messages.push(message(1));
    let error = store.accept(&account(), messages, now()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(store.depth().await.unwrap().queued, 0);
}

#[tokio::test]
async fn what_has_nothing_to_write_commits_nothing() {
    let fixture = Fixture::new().await;
    let store = fixture.store;
    store
        .accept(&account(), vec![message(1)], now())
        .await
        .unwrap();
    assert_eq!(send_all(&store).await, 1);
    let before = store.commit_counts().commits;
    assert!(lease(&store, 10).await.is_empty());
    assert!(
        store
            .repair(10, now().minus(std::time::Duration::from_secs(1)))
            .await
            .unwrap()
            .is_nothing()
    );
    assert_eq!(store.commit_counts().commits, before);
}
