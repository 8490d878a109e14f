//! Batches: pause, resume and stop, exactly, while everything runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::{HeldReason, MessageState};
use tidings_store::{
    BatchId, BatchOrder, BatchState, Begun, NewBatch, Next, Once, OpenedBatch, StopLists,
    StoreErrorKind, StoredBatch,
};

use super::world::{World, account, again, failed, held, lost, new_batch, not_taken, once, taken};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        counts_are_the_states_of_the_rows,
        a_batch_is_done_once_when_nothing_of_it_waits,
        nothing_begins_after_a_stop,
        the_lists_of_a_stop_are_exact,
        what_comes_back_after_a_stop_is_canceled,
        rows_that_come_after_a_stop_are_canceled,
        a_stop_is_carried_out_in_pieces,
        a_stopped_batch_stays_stopped,
        nothing_begins_while_a_batch_is_paused,
        rows_that_come_into_a_paused_batch_wait,
        a_resumed_batch_goes_on_where_it_was,
        held_rows_of_a_paused_batch_keep_their_reason,
        a_waiting_retry_keeps_its_time_over_a_pause,
        an_order_that_is_given_already_changes_nothing,
        an_order_to_a_batch_that_is_done_for_good_changes_nothing,
        a_batch_that_is_done_and_may_go_on_is_stopped,
        refused_rows_of_a_batch_that_broke_off_are_kept,
        orders_are_for_the_batches_of_the_account,
        a_stop_racing_with_workers_lets_nothing_begin_after_it,
        members_are_listed_by_row,
        batches_that_wait_are_listed_until_nothing_waits,
        a_batch_without_new_rows_is_closed,
        a_batch_that_was_closed_for_want_of_rows_goes_on_with_its_request,
    }
}

async fn order(cx: &World, batch: BatchId, order: BatchOrder) -> StoredBatch {
    let ordered = cx.store.order(None, batch, order, cx.now).await;
    ordered.unwrap()
}

async fn carry_out(cx: &World, batch: BatchId) -> u64 {
    cx.store.carry_out(batch, 1_000, cx.now).await.unwrap()
}

async fn shown(cx: &World, batch: BatchId) -> StoredBatch {
    cx.store.batch(None, batch).await.unwrap().unwrap()
}

/// The batch as it is shown, its counts compared with its rows.
async fn checked(cx: &World, batch: BatchId) -> StoredBatch {
    let shown = shown(cx, batch).await;
    let rows = cx.store.batch_members(batch, &[], 0, 10_000).await.unwrap();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.state.as_str()).or_default() += 1;
    }
    assert_eq!(shown.counts, counts);
    shown
}

async fn counts_are_the_states_of_the_rows(mut cx: World) {
    let batch = cx.open_batch().await;
    let mut rows: Vec<_> = (0..8).map(|index| cx.row(batch, index)).collect();
    rows[7].hold = Some(held(HeldReason::Approval, None));
    rows[6].hold = Some(held(HeldReason::Window, None));
    rows[5].expires_at = Some(cx.after(5));
    let ids = cx.accept(rows).await;
    let counts = checked(&cx, batch).await.counts;
    assert_eq!(counts, BTreeMap::from([("held", 2), ("queued", 6)]));
    for outcome in [
        taken("p"),
        lost(cx.now),
        not_taken(failed()),
        not_taken(again()),
    ] {
        let sent = cx.send_one().await;
        checked(&cx, batch).await;
        cx.finish(sent, outcome).await;
        checked(&cx, batch).await;
    }
    cx.cancel(ids[4]).await;
    cx.lease_one().await;
    checked(&cx, batch).await;
    cx.wait(Duration::from_secs(5));
    cx.repair().await;
    cx.reopen().await;
    let counts = checked(&cx, batch).await.counts;
    let expected = [
        ("canceled", 1),
        ("expired", 1),
        ("failed", 1),
        ("held", 2),
        ("leased", 1),
        ("submitted", 1),
        ("unknown", 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

async fn a_batch_is_done_once_when_nothing_of_it_waits(mut cx: World) {
    let batch = cx.open_batch().await;
    let rows = (0..2).map(|index| cx.row(batch, index)).collect();
    cx.accept(rows).await;
    let first = cx.send_one().await;
    cx.finish(first, taken("p")).await;
    let second = cx.send_one().await;
    cx.finish(second, lost(cx.now)).await;
    assert_eq!(shown(&cx, batch).await.state, BatchState::Receiving);
    cx.close_batch(batch).await;
    assert_eq!(shown(&cx, batch).await.state, BatchState::Done);
    let finding = tidings_store::Finding::NotTaken(again());
    cx.settle(second, finding).await;
    assert_eq!(shown(&cx, batch).await.state, BatchState::Running);
    let third = cx.send_one().await;
    assert_eq!(shown(&cx, batch).await.state, BatchState::Running);
    cx.finish(third, taken("q")).await;
    assert_eq!(shown(&cx, batch).await.state, BatchState::Done);
    let words = cx.all_events().await;
    let words = words.iter().map(|event| event.kind.as_str());
    let words: Vec<&str> = words.filter(|word| word.starts_with("batch")).collect();
    assert_eq!(words, ["batch.closed", "batch.done"]);
}

async fn nothing_begins_after_a_stop(mut cx: World) {
    let (batch, ids) = cx.batch(4).await;
    let leased = cx.lease(2).await;
    let stopped = order(&cx, batch, BatchOrder::Stop).await;
    assert_eq!(stopped.state, BatchState::Stopping);
    // Leased before.
    assert_eq!(cx.begin(&leased[0]).await, Begun::Gone);
    // Leased after, before the rows are moved.
    for leased in cx.lease(5).await {
        assert_eq!(cx.begin(&leased).await, Begun::Gone);
    }
    carry_out(&cx, batch).await;
    assert_eq!(cx.begin(&leased[1]).await, Begun::Gone);
    assert!(cx.lease(5).await.is_empty());
    for id in ids {
        assert_eq!(cx.state(id).await, MessageState::Canceled);
        assert_eq!(cx.words(id).await, ["accepted", "canceled"]);
    }
    assert_eq!(checked(&cx, batch).await.state, BatchState::Stopped);
}

async fn the_lists_of_a_stop_are_exact(mut cx: World) {
    let batch = cx.open_batch().await;
    let mut rows: Vec<_> = (0..7).map(|index| cx.row(batch, index)).collect();
    rows[5].hold = Some(held(HeldReason::Schedule, Some(cx.after(60))));
    let ids = cx.accept(rows).await;
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    let sent = cx.send_one().await;
    cx.finish(sent, not_taken(failed())).await;
    let sent = cx.send_one().await;
    cx.finish(sent, lost(cx.now)).await;
    cx.send_one().await;
    cx.lease_one().await;
    let expected = StopLists {
        canceled: ids[4..].to_vec(),
        already_out: ids[..2].to_vec(),
        unknown: ids[2..4].to_vec(),
    };
    order(&cx, batch, BatchOrder::Stop).await;
    assert_eq!(cx.store.stop_lists(batch).await.unwrap(), expected);
    assert_eq!(carry_out(&cx, batch).await, 3);
    cx.reopen().await;
    assert_eq!(cx.store.stop_lists(batch).await.unwrap(), expected);
}

async fn what_comes_back_after_a_stop_is_canceled(mut cx: World) {
    let (batch, ids) = cx.batch(4).await;
    let first = cx.send_one().await;
    let second = cx.send_one().await;
    let third = cx.send_one().await;
    let leased = cx.lease_one().await;
    order(&cx, batch, BatchOrder::Stop).await;
    assert_eq!(
        cx.finish(first, not_taken(again())).await,
        MessageState::Canceled
    );
    let next = Next::Hold(held(HeldReason::QuietHours, None));
    assert_eq!(
        cx.finish(second, not_taken(next)).await,
        MessageState::Canceled
    );
    // What is true stays true.
    assert_eq!(cx.finish(third, taken("p")).await, MessageState::Submitted);
    cx.give_back(&leased, again()).await;
    assert_eq!(cx.state(ids[3]).await, MessageState::Canceled);
    checked(&cx, batch).await;
}

async fn rows_that_come_after_a_stop_are_canceled(mut cx: World) {
    let batch = cx.open_batch().await;
    order(&cx, batch, BatchOrder::Stop).await;
    let rows = (0..2).map(|index| cx.row(batch, index)).collect();
    let ids = cx.accept(rows).await;
    assert!(cx.lease(5).await.is_empty());
    for id in ids {
        assert_eq!(cx.words(id).await, ["accepted", "canceled"]);
    }
    checked(&cx, batch).await;
}

async fn a_stop_is_carried_out_in_pieces(mut cx: World) {
    let (batch, ids) = cx.batch(5).await;
    order(&cx, batch, BatchOrder::Stop).await;
    assert_eq!(cx.store.unfinished_orders().await.unwrap(), [batch]);
    assert_eq!(cx.store.carry_out(batch, 2, cx.now).await.unwrap(), 2);
    assert_eq!(checked(&cx, batch).await.state, BatchState::Stopping);
    assert_eq!(cx.state(ids[1]).await, MessageState::Canceled);
    assert_eq!(cx.state(ids[2]).await, MessageState::Queued);
    cx.reopen().await;
    assert_eq!(cx.store.carry_out(batch, 2, cx.now).await.unwrap(), 2);
    assert_eq!(cx.store.carry_out(batch, 2, cx.now).await.unwrap(), 1);
    assert_eq!(cx.store.carry_out(batch, 2, cx.now).await.unwrap(), 0);
    assert_eq!(checked(&cx, batch).await.state, BatchState::Stopped);
    assert!(cx.store.unfinished_orders().await.unwrap().is_empty());
}

async fn a_stopped_batch_stays_stopped(mut cx: World) {
    let (batch, _) = cx.batch(1).await;
    order(&cx, batch, BatchOrder::Stop).await;
    for other in [BatchOrder::Pause, BatchOrder::Resume] {
        let refused = cx.store.order(None, batch, other, cx.now).await;
        assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Conflict);
    }
    carry_out(&cx, batch).await;
    for other in [BatchOrder::Pause, BatchOrder::Resume] {
        let refused = cx.store.order(None, batch, other, cx.now).await;
        assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Conflict);
    }
    let again = order(&cx, batch, BatchOrder::Stop).await;
    assert_eq!(again.state, BatchState::Stopped);
}

async fn nothing_begins_while_a_batch_is_paused(mut cx: World) {
    let (batch, ids) = cx.batch(3).await;
    let leased = cx.lease(1).await;
    let paused = order(&cx, batch, BatchOrder::Pause).await;
    assert_eq!(paused.state, BatchState::Paused);
    assert_eq!(cx.begin(&leased[0]).await, Begun::Gone);
    assert_eq!(carry_out(&cx, batch).await, 2);
    assert!(cx.lease(5).await.is_empty());
    for id in ids {
        let paused = MessageState::Held(HeldReason::Paused);
        assert_eq!(cx.state(id).await, paused);
    }
    // No time and no approval brings it back.
    cx.wait(Duration::from_hours(100));
    assert!(cx.repair().await.is_nothing());
    checked(&cx, batch).await;
}

async fn rows_that_come_into_a_paused_batch_wait(mut cx: World) {
    let batch = cx.open_batch().await;
    order(&cx, batch, BatchOrder::Pause).await;
    let rows = (0..2).map(|index| cx.row(batch, index)).collect();
    let ids = cx.accept(rows).await;
    assert!(cx.lease(5).await.is_empty());
    assert_eq!(cx.words(ids[0]).await, ["accepted", "held"]);
    order(&cx, batch, BatchOrder::Resume).await;
    assert_eq!(carry_out(&cx, batch).await, 2);
    assert_eq!(cx.lease(5).await.len(), 2);
}

async fn a_resumed_batch_goes_on_where_it_was(mut cx: World) {
    let (batch, ids) = cx.batch(3).await;
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    order(&cx, batch, BatchOrder::Pause).await;
    carry_out(&cx, batch).await;
    let resumed = order(&cx, batch, BatchOrder::Resume).await;
    assert_eq!(resumed.state, BatchState::Running);
    carry_out(&cx, batch).await;
    let order: Vec<_> = cx.lease(5).await.iter().map(|leased| leased.id).collect();
    assert_eq!(order, ids[1..]);
    assert_eq!(cx.words(ids[2]).await, ["accepted", "held", "queued"]);
    checked(&cx, batch).await;
}

async fn held_rows_of_a_paused_batch_keep_their_reason(mut cx: World) {
    let batch = cx.open_batch().await;
    let mut row = cx.row(batch, 0);
    row.hold = Some(held(HeldReason::Schedule, Some(cx.after(60))));
    let id = cx.accept(vec![row]).await[0];
    order(&cx, batch, BatchOrder::Pause).await;
    assert_eq!(carry_out(&cx, batch).await, 0);
    assert_eq!(cx.state(id).await, MessageState::Held(HeldReason::Schedule));
    // When its time has come it waits for the batch.
    cx.wait(Duration::from_mins(1));
    cx.repair().await;
    assert_eq!(cx.state(id).await, MessageState::Held(HeldReason::Paused));
    order(&cx, batch, BatchOrder::Resume).await;
    carry_out(&cx, batch).await;
    assert_eq!(cx.lease_one().await.id, id);
}

async fn a_waiting_retry_keeps_its_time_over_a_pause(mut cx: World) {
    let (batch, ids) = cx.batch(1).await;
    let sent = cx.send_one().await;
    let at = cx.after(300);
    let next = Next::Again {
        lane: super::world::lane(),
        not_before: Some(at),
    };
    cx.finish(sent, not_taken(next)).await;
    order(&cx, batch, BatchOrder::Pause).await;
    carry_out(&cx, batch).await;
    order(&cx, batch, BatchOrder::Resume).await;
    carry_out(&cx, batch).await;
    assert_eq!(cx.history(ids[0]).await.message.not_before, Some(at));
    assert!(cx.lease(5).await.is_empty());
    cx.wait(Duration::from_mins(5));
    assert_eq!(cx.lease(5).await.len(), 1);
}

async fn an_order_that_is_given_already_changes_nothing(mut cx: World) {
    let (batch, _) = cx.batch(1).await;
    order(&cx, batch, BatchOrder::Resume).await;
    order(&cx, batch, BatchOrder::Pause).await;
    carry_out(&cx, batch).await;
    order(&cx, batch, BatchOrder::Pause).await;
    assert!(cx.store.unfinished_orders().await.unwrap().is_empty());
    let words = cx.all_events().await;
    let n_paused = words.iter().filter(|it| it.kind.as_str() == "batch.paused");
    assert_eq!(n_paused.count(), 1);
}

async fn an_order_to_a_batch_that_is_done_for_good_changes_nothing(mut cx: World) {
    let (batch, _) = cx.batch(1).await;
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    let n_events = cx.all_events().await.len();
    for given in [BatchOrder::Stop, BatchOrder::Pause, BatchOrder::Resume] {
        assert_eq!(order(&cx, batch, given).await.state, BatchState::Done);
        assert!(cx.store.unfinished_orders().await.unwrap().is_empty());
    }
    assert_eq!(cx.all_events().await.len(), n_events);
    let lists = cx.store.stop_lists(batch).await.unwrap();
    let sizes = (lists.canceled.len(), lists.already_out.len());
    assert_eq!(sizes, (0, 1));
}

/// A doubt may be settled so that the message would be sent again, and a request that broke off may come
/// again.
async fn a_batch_that_is_done_and_may_go_on_is_stopped(mut cx: World) {
    let (doubted, _) = cx.batch(1).await;
    let sent = cx.send_one().await;
    cx.finish(sent, lost(cx.now)).await;
    assert_eq!(shown(&cx, doubted).await.state, BatchState::Done);
    let mut new = new_batch(BatchId(cx.id()));
    new.once = Some(once("upload", 1, cx.now));
    let opened = cx.store.open_batch(&account(), new.clone(), cx.now).await;
    opened.unwrap();
    cx.wait(Duration::from_hours(1));
    let closed = cx.store.close_idle_batches(cx.now, 10, cx.now).await;
    assert_eq!(closed.unwrap(), 1);
    assert_eq!(shown(&cx, new.id).await.state, BatchState::Done);
    for batch in [doubted, new.id] {
        order(&cx, batch, BatchOrder::Stop).await;
        while cx.store.carry_out(batch, 10, cx.now).await.unwrap() > 0 {}
        assert_eq!(shown(&cx, batch).await.state, BatchState::Stopped);
    }
}

async fn refused_rows_of_a_batch_that_broke_off_are_kept(mut cx: World) {
    let batch = cx.open_batch().await;
    let noted = async |n_rejected| {
        cx.store.note_rejected(batch, n_rejected).await.unwrap();
        shown(&cx, batch).await.n_rejected
    };
    assert_eq!(noted(3).await, 3);
    assert_eq!(noted(2).await, 3);
    cx.close_batch(batch).await;
    assert_eq!(shown(&cx, batch).await.n_rejected, 0);
    let noted = cx.store.note_rejected(batch, 5).await;
    noted.unwrap();
    assert_eq!(shown(&cx, batch).await.n_rejected, 0);
    let nothing = BatchId(cx.id());
    let refused = cx.store.note_rejected(nothing, 1).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::NotFound);
}

async fn orders_are_for_the_batches_of_the_account(mut cx: World) {
    let (batch, _) = cx.batch(1).await;
    let other = Some("other".into());
    let refused = cx
        .store
        .order(other.as_ref(), batch, BatchOrder::Stop, cx.now);
    assert_eq!(refused.await.unwrap_err().kind(), StoreErrorKind::NotFound);
    assert!(
        cx.store
            .batch(other.as_ref(), batch)
            .await
            .unwrap()
            .is_none()
    );
    let nothing = BatchId(cx.id());
    let refused = cx
        .store
        .order(None, nothing, BatchOrder::Stop, cx.now)
        .await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::NotFound);
}

async fn a_stop_racing_with_workers_lets_nothing_begin_after_it(mut cx: World) {
    let (batch, ids) = cx.batch(120).await;
    let leased = cx.lease(60).await;
    let mut racing = tokio::task::JoinSet::new();
    for chunk in leased.chunks(5) {
        let (store, now) = (Arc::clone(&cx.store), cx.now);
        let begin = chunk.iter().map(|leased| tidings_store::Begin {
            key: leased.key,
            lease: leased.lease,
            from: None,
        });
        let begin: Vec<_> = begin.collect();
        racing.spawn(async move {
            let begun = store.begin_attempts(begin, now).await.unwrap();
            begun.into_iter().filter(|it| *it != Begun::Gone).count()
        });
    }
    order(&cx, batch, BatchOrder::Stop).await;
    let n_begun: usize = racing.join_all().await.into_iter().sum();
    carry_out(&cx, batch).await;
    let lists = cx.store.stop_lists(batch).await.unwrap();
    assert_eq!(lists.unknown.len(), n_begun);
    assert_eq!(lists.canceled.len(), ids.len() - n_begun);
    // In the order of events no attempt stands behind the stop.
    let events = cx.all_events().await;
    let behind = events.iter().rev();
    let mut behind = behind.take_while(|it| it.kind.as_str() != "batch.stopped");
    assert!(behind.all(|it| it.kind.as_str() != "message.sending"));
}

async fn members_are_listed_by_row(mut cx: World) {
    let batch = cx.open_batch().await;
    let mut rows: Vec<_> = [4, 0, 9, 2].map(|index| cx.row(batch, index)).into();
    rows[1].hold = Some(held(HeldReason::Approval, None));
    let ids = cx.accept(rows).await;
    let rows = cx.store.batch_members(batch, &[], 2, 2).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.index, row.id)).collect();
    assert_eq!(rows, [(2, ids[3]), (4, ids[0])]);
    let held = [MessageState::Held(HeldReason::Schedule)];
    let rows = cx.store.batch_members(batch, &held, 0, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].index), (1, 0));
}

async fn waiting(cx: &World) -> Vec<BatchId> {
    let waiting = cx.store.waiting_batches(&account()).await.unwrap();
    for batch in &waiting {
        assert_eq!(shown(cx, batch.id).await.counts, batch.counts);
    }
    waiting.iter().map(|batch| batch.id).collect()
}

async fn batches_that_wait_are_listed_until_nothing_waits(mut cx: World) {
    assert_eq!(waiting(&cx).await, []);
    let empty = cx.open_batch().await;
    let (first, _) = cx.batch(1).await;
    let (second, ids) = cx.batch(2).await;
    let held_one = cx.open_batch().await;
    let mut row = cx.row(held_one, 0);
    row.hold = Some(held(HeldReason::Approval, None));
    let held_id = cx.accept(vec![row]).await[0];
    assert_eq!(waiting(&cx).await, [first, second, held_one]);
    // Leased is not gone yet, an attempt that has begun is.
    let leased = cx.lease_one().await;
    assert_eq!(waiting(&cx).await, [first, second, held_one]);
    let attempt = cx.go(&leased).await;
    assert_eq!(waiting(&cx).await, [second, held_one]);
    cx.finish((leased.key, attempt), not_taken(again())).await;
    assert_eq!(waiting(&cx).await, [first, second, held_one]);
    cx.cancel(ids[0]).await;
    assert_eq!(waiting(&cx).await, [first, second, held_one]);
    cx.cancel(ids[1]).await;
    cx.cancel(held_id).await;
    assert_eq!(waiting(&cx).await, [first]);
    let stranger = tidings_store::AccountId::from("stranger");
    assert!(
        cx.store
            .waiting_batches(&stranger)
            .await
            .unwrap()
            .is_empty()
    );
    assert_ne!(empty, first);
}

async fn close_idle(cx: &World, limit: usize) -> u64 {
    let since = cx.now.minus(Duration::from_hours(24));
    let closed = cx.store.close_idle_batches(since, limit, cx.now).await;
    closed.unwrap()
}

async fn a_batch_without_new_rows_is_closed(mut cx: World) {
    let empty = cx.open_batch().await;
    let stale = cx.open_batch().await;
    let busy = cx.open_batch().await;
    let stopped = cx.open_batch().await;
    let rows = [(stale, 0), (stale, 1), (busy, 0), (stopped, 0)];
    let rows = rows.map(|(batch, index)| cx.row(batch, index));
    cx.accept(rows.into()).await;
    order(&cx, stopped, BatchOrder::Stop).await;
    carry_out(&cx, stopped).await;
    cx.wait(Duration::from_hours(23));
    let late = cx.row(busy, 1);
    cx.accept(vec![late]).await;
    assert_eq!(close_idle(&cx, 10).await, 0);
    cx.wait(Duration::from_hours(2));
    let young = cx.open_batch().await;
    let n_events = cx.all_events().await.len();
    assert_eq!(close_idle(&cx, 2).await, 2);
    assert_eq!(close_idle(&cx, 2).await, 1);
    assert_eq!(close_idle(&cx, 2).await, 0);
    for (batch, state) in [
        (empty, BatchState::Done),
        (stale, BatchState::Running),
        (busy, BatchState::Receiving),
        (stopped, BatchState::Stopped),
        (young, BatchState::Receiving),
    ] {
        let shown = checked(&cx, batch).await;
        assert_eq!(shown.state, state);
        let is_open = state == BatchState::Receiving;
        assert_eq!(shown.closed_at, (!is_open).then_some(cx.now));
    }
    let events = cx.all_events().await;
    let words: Vec<_> = events
        .iter()
        .skip(n_events)
        .map(|it| it.kind.as_str())
        .collect();
    let closed = words.iter().filter(|word| **word == "batch.closed");
    assert_eq!(closed.count(), 3, "{words:?}");
    assert_eq!(
        words.iter().filter(|word| **word == "batch.done").count(),
        1,
        "{words:?}"
    );
    // The rows of the other go on to their end.
    for _ in 0..2 {
        let leased = cx.lease_one().await;
        let attempt = cx.go(&leased).await;
        cx.finish((leased.key, attempt), taken("theirs")).await;
    }
    assert_eq!(checked(&cx, stale).await.state, BatchState::Done);
}

async fn a_batch_that_was_closed_for_want_of_rows_goes_on_with_its_request(mut cx: World) {
    let id = BatchId(cx.id());
    let request = |cx: &World, id| NewBatch {
        once: Some(once("k", 0, cx.now.plus(Duration::from_hours(100)))),
        ..new_batch(id)
    };
    let asked = request(&cx, id);
    let opened = cx.store.open_batch(&account(), asked, cx.now).await;
    assert_eq!(opened.unwrap(), OpenedBatch::New(id));
    let row = cx.row(id, 0);
    cx.accept(vec![row]).await;
    cx.wait(Duration::from_hours(25));
    assert_eq!(close_idle(&cx, 10).await, 1);
    let closed_at = shown(&cx, id).await.closed_at;
    cx.wait(Duration::from_hours(1));
    let other = BatchId(cx.id());
    let again = request(&cx, other);
    let opened = cx.store.open_batch(&account(), again, cx.now).await;
    assert_eq!(opened.unwrap(), OpenedBatch::Resumed(id));
    let row = cx.row(id, 1);
    cx.accept(vec![row]).await;
    let answered = Once {
        answer: Some("answer".into()),
        ..once("k", 7, cx.now.plus(Duration::from_hours(100)))
    };
    let closed = cx.store.close_batch(id, 3, Some(answered), cx.now).await;
    closed.unwrap();
    let shown = checked(&cx, id).await;
    assert_eq!((shown.closed_at, shown.n_rejected), (closed_at, 3));
    assert_eq!(shown.n_messages(), 2);
    let events = cx.all_events().await;
    let closed = events
        .iter()
        .filter(|it| it.kind.as_str() == "batch.closed");
    assert_eq!(closed.count(), 1);
}
