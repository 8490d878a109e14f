//! A process dies at every point of a message's way; another starts.

use std::time::Duration;

use tidings_core::MessageState;
use tidings_store::{AttemptOutcome, Begun, INTERRUPTED};

use super::world::{LANE, World, again, by_reference, lane, not_taken, taken};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        after_the_lease_a_message_waits_again,
        after_the_attempt_began_it_is_unknown_and_asked_about_at_once,
        a_question_that_was_being_asked_is_asked_again_at_once,
        after_the_end_was_written_nothing_is_left_to_do,
        without_a_successor_the_lease_runs_out_by_itself,
        taking_over_leaves_what_others_hold,
        an_end_that_was_lost_is_written_late,
        a_report_that_came_before_the_crash_is_the_end,
        a_paused_or_stopped_batch_stays_so,
        opening_the_store_ends_nothing,
    }
}

async fn after_the_lease_a_message_waits_again(mut cx: World) {
    let id = cx.queue_one().await;
    let leased = cx.lease_one().await;
    cx.reopen().await;
    let repaired = cx.take_over().await;
    assert_eq!((repaired.leases, repaired.attempts), (1, 0));
    assert_eq!(cx.state(id).await, MessageState::Queued);
    assert_eq!(cx.begin(&leased).await, Begun::Gone);
    let next = cx.lease_one().await;
    assert_eq!((next.id, next.n_attempts), (id, 0));
}

async fn after_the_attempt_began_it_is_unknown_and_asked_about_at_once(mut cx: World) {
    let id = cx.queue_one().await;
    let (key, attempt) = cx.send_one().await;
    let began_at = cx.now;
    cx.reopen().await;
    cx.wait(Duration::from_secs(5));
    let repaired = cx.take_over().await;
    assert_eq!((repaired.leases, repaired.attempts), (0, 1));
    assert_eq!(cx.state(id).await, MessageState::Unknown);
    assert!(cx.lease(5).await.is_empty(), "it is never queued");
    let history = cx.history(id).await;
    assert_eq!(history.attempts[0].outcome, Some(AttemptOutcome::Unknown));
    assert_eq!(history.attempts[0].ended_at, Some(cx.now));
    assert_eq!(history.attempts[0].error.as_deref(), Some(INTERRUPTED));
    assert_eq!(history.attempts[0].next_check_at, Some(cx.now));
    assert_eq!(cx.words(id).await, ["accepted", "sending", "unknown"]);

    let doubts = cx.store.doubts_due(&lane(), cx.after(60), 10, cx.now).await;
    let doubts = doubts.unwrap();
    assert_eq!(doubts.len(), 1);
    assert_eq!((doubts[0].key, doubts[0].attempt), (key, attempt));
    assert_eq!(
        (doubts[0].began_at, doubts[0].unknown_since),
        (began_at, cx.now)
    );
    assert_eq!(doubts[0].n_checks, 0);
    assert_eq!(doubts[0].lane, lane());
}

async fn a_question_that_was_being_asked_is_asked_again_at_once(mut cx: World) {
    let id = cx.queue_one().await;
    let (key, attempt) = cx.send_one().await;
    cx.reopen().await;
    cx.take_over().await;
    let asked = cx
        .store
        .doubts_due(&lane(), cx.after(600), 10, cx.now)
        .await;
    assert_eq!(asked.unwrap().len(), 1);
    cx.wait(Duration::from_secs(1));
    let again = cx
        .store
        .doubts_due(&lane(), cx.after(600), 10, cx.now)
        .await;
    assert!(again.unwrap().is_empty(), "somebody is at it");

    cx.reopen().await;
    assert!(cx.take_over().await.is_nothing());
    let again = cx
        .store
        .doubts_due(&lane(), cx.after(600), 10, cx.now)
        .await;
    let again = again.unwrap();
    assert_eq!((again[0].key, again[0].attempt), (key, attempt));
    assert_eq!(cx.state(id).await, MessageState::Unknown);
}

async fn after_the_end_was_written_nothing_is_left_to_do(mut cx: World) {
    let ids = cx.queue(2).await;
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    let sent = cx.send_one().await;
    cx.finish(sent, not_taken(again())).await;
    cx.reopen().await;
    assert!(cx.take_over().await.is_nothing());
    cx.wait(Duration::from_hours(1));
    assert!(cx.repair().await.is_nothing());
    assert_eq!(cx.state(ids[0]).await, MessageState::Submitted);
    assert_eq!(cx.state(ids[1]).await, MessageState::Queued);
}

async fn without_a_successor_the_lease_runs_out_by_itself(mut cx: World) {
    let ids = cx.queue(2).await;
    cx.send_one().await;
    cx.lease_one().await;
    cx.reopen().await;
    cx.wait(Duration::from_secs(59));
    assert!(cx.repair().await.is_nothing());
    cx.wait(Duration::from_secs(1));
    let repaired = cx.repair().await;
    assert_eq!((repaired.leases, repaired.attempts), (1, 1));
    assert_eq!(cx.state(ids[0]).await, MessageState::Unknown);
    assert_eq!(cx.state(ids[1]).await, MessageState::Queued);
    assert!(cx.repair().await.is_nothing(), "once is enough");
}

async fn taking_over_leaves_what_others_hold(mut cx: World) {
    let id = cx.queue_one().await;
    let leased = cx.lease_on(LANE, "node-2", 1).await;
    assert!(cx.take_over().await.is_nothing());
    assert_eq!(cx.state(id).await, MessageState::Leased);
    cx.go(&leased[0]).await;
    assert!(cx.take_over().await.is_nothing());
}

async fn an_end_that_was_lost_is_written_late(mut cx: World) {
    // The process was slow, not dead: what it found out is still true.
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.wait(Duration::from_mins(2));
    cx.repair().await;
    assert_eq!(cx.finish(sent, taken("p")).await, MessageState::Submitted);
    assert_eq!(
        cx.words(id).await,
        ["accepted", "sending", "unknown", "submitted"]
    );
    let doubts = cx.store.doubts_due(&lane(), cx.after(60), 10, cx.now).await;
    assert!(doubts.unwrap().is_empty());

    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.wait(Duration::from_mins(2));
    cx.repair().await;
    assert_eq!(
        cx.finish(sent, not_taken(again())).await,
        MessageState::Queued
    );
    assert_eq!(cx.lease_one().await.id, id);
}

async fn a_report_that_came_before_the_crash_is_the_end(mut cx: World) {
    use tidings_core::ReportedState;
    let id = cx.queue_one().await;
    let (_, attempt) = cx.send_one().await;
    cx.report(by_reference(attempt), ReportedState::Delivered)
        .await;
    cx.reopen().await;
    assert!(cx.take_over().await.is_nothing());
    cx.wait(Duration::from_hours(1));
    assert!(cx.repair().await.is_nothing());
    assert_eq!(cx.state(id).await, MessageState::Delivered);
    let history = cx.history(id).await;
    assert_eq!(history.attempts[0].outcome, Some(AttemptOutcome::Taken));
}

async fn a_paused_or_stopped_batch_stays_so(mut cx: World) {
    use tidings_core::HeldReason;
    use tidings_store::BatchOrder;
    let orders = [
        (BatchOrder::Pause, MessageState::Held(HeldReason::Paused)),
        (BatchOrder::Stop, MessageState::Canceled),
    ];
    for (order, expected) in orders {
        let (batch, ids) = cx.batch(2).await;
        let leased = cx.lease_one().await;
        cx.store.order(None, batch, order, cx.now).await.unwrap();
        // It dies before a row is moved.
        cx.reopen().await;
        cx.take_over().await;
        assert_eq!(cx.begin(&leased).await, Begun::Gone);
        assert_eq!(cx.store.unfinished_orders().await.unwrap(), [batch]);
        for leased in cx.lease(5).await {
            assert_eq!(cx.begin(&leased).await, Begun::Gone);
        }
        while cx.store.carry_out(batch, 1, cx.now).await.unwrap() > 0 {}
        assert!(cx.store.unfinished_orders().await.unwrap().is_empty());
        for id in ids {
            assert_eq!(cx.state(id).await, expected);
        }
    }
}

async fn opening_the_store_ends_nothing(mut cx: World) {
    let ids = cx.queue(2).await;
    cx.send_one().await;
    let leased = cx.lease_one().await;
    // The command opens the file while the gateway runs.
    cx.reopen().await;
    assert_eq!(cx.state(ids[0]).await, MessageState::Sending);
    assert_eq!(cx.state(ids[1]).await, MessageState::Leased);
    cx.go(&leased).await;
}
