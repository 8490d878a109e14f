//! Orders for batches while they run: stop, pause and resume, exact.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use tidings_core::MessageState;
use tidings_store::{
    AccountId, BatchId, BatchOrder, BatchPlace, BatchState, MessageId, NewBatch, StopLists,
};

use super::{Bench, Scripted, seconds};

/// A batch of so many messages on the lane `one`.
async fn batch(bench: &Bench, n: usize) -> (BatchId, Vec<MessageId>) {
    let id = BatchId(bench.gateway.new_id());
    let new = NewBatch {
        id,
        reference: None,
        origin: "tidings".into(),
        once: None,
        joins: false,
        resend_of: None,
    };
    let account = AccountId::from("acme");
    bench
        .store
        .open_batch(&account, new, bench.clock_now())
        .await
        .unwrap();
    let texts: Vec<String> = (0..n).map(|n| format!("text {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let index = AtomicU64::new(0);
    let ids = bench
        .accept_as("one", &texts, |new| {
            new.batch = Some(BatchPlace {
                batch: id,
                index: index.fetch_add(1, Ordering::Relaxed),
            });
        })
        .await;
    bench
        .store
        .close_batch(id, 0, None, bench.clock_now())
        .await
        .unwrap();
    (id, ids)
}

async fn order(bench: &Bench, batch: BatchId, order: BatchOrder) {
    let now = bench.clock_now();
    bench.store.order(None, batch, order, now).await.unwrap();
    bench.gateway.signals().janitor().notify_one();
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_stopped_in_the_middle_with_exact_lists() {
    let provider = Scripted::new().taking(seconds(1));
    let bench = Bench::with(&[("one", &provider)], "in_flight = 5").await;
    let (batch, ids) = batch(&bench, 600).await;
    bench.until_state(ids[49], MessageState::Submitted).await;
    order(&bench, batch, BatchOrder::Stop).await;
    // What has been handed over by now, or is begun, is out; nothing comes later.
    let begun = begun(&bench, &ids).await;
    bench.pass(seconds(300)).await;
    let lists: StopLists = bench.store.stop_lists(batch).await.unwrap();
    assert_eq!(
        bench.store.batch(None, batch).await.unwrap().unwrap().state,
        BatchState::Stopped
    );
    let sent: BTreeSet<MessageId> = lists.already_out.iter().copied().collect();
    assert_eq!(sent, begun);
    assert!(lists.unknown.is_empty());
    assert_eq!(lists.canceled.len() + sent.len(), 600);
    assert_eq!(provider.taken().len(), sent.len());
    for id in lists.canceled {
        assert_eq!(bench.state(id).await, MessageState::Canceled);
    }
}

/// The messages of which an attempt has begun.
async fn begun(bench: &Bench, ids: &[MessageId]) -> BTreeSet<MessageId> {
    let mut begun = BTreeSet::new();
    for id in ids {
        if !bench.history(*id).await.attempts.is_empty() {
            begun.insert(*id);
        }
    }
    begun
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_paused_and_resumed() {
    let provider = Scripted::new().taking(seconds(1));
    let bench = Bench::with(&[("one", &provider)], "in_flight = 5").await;
    let (batch, ids) = batch(&bench, 200).await;
    bench.until_state(ids[49], MessageState::Submitted).await;
    order(&bench, batch, BatchOrder::Pause).await;
    bench.pass(seconds(10)).await;
    let n_taken = provider.taken().len();
    // Others go on.
    let single = bench.accept("one", &["single"]).await;
    bench.until_state(single[0], MessageState::Submitted).await;
    bench.pass(seconds(300)).await;
    assert_eq!(provider.taken().len(), n_taken + 1);
    order(&bench, batch, BatchOrder::Resume).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(provider.taken().len(), 201);
}

#[tokio::test(start_paused = true)]
async fn canceled_messages_do_not_leave() {
    let provider = Scripted::new().taking(seconds(1));
    let bench = Bench::of_one(&provider).await;
    let ids = bench
        .accept("one", &["a", "b", "c", "d", "e", "f", "g"])
        .await;
    bench.pass(seconds(1)).await;
    let now = bench.clock_now();
    bench
        .gateway
        .store()
        .cancel(None, ids[3..].to_vec(), now)
        .await
        .unwrap();
    bench.pass(seconds(60)).await;
    let canceled = bench.until_state(ids[6], MessageState::Canceled).await;
    assert!(canceled.attempts.is_empty());
    assert!(!provider.texts().contains(&"g".to_owned()));
}
