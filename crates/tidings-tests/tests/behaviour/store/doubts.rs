//! Attempts whose answer was lost, and what is found out about them.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::{DeliveryPolicy, HeldReason, MessageState, ProviderRef, ReportedState};
use tidings_store::{AttemptOutcome, BatchOrder, Finding, MessageId, MessageKey, Next, Outcome};

use super::world::{World, again, by_reference, failed, fault, lane, lost, not_taken, taken};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        a_doubt_is_due_at_its_time_and_given_to_one,
        racing_askers_never_get_the_same_doubt,
        asking_again_counts,
        a_doubt_says_all_that_is_needed_to_ask,
        what_was_taken_is_submitted,
        what_was_not_taken_waits_again_without_a_mark,
        what_was_not_taken_fails_or_waits_as_was_decided,
        what_is_sent_again_is_marked_as_a_possible_double,
        what_is_given_up_stays_unknown,
        a_report_settles_a_doubt_before_the_answer,
        a_doubt_of_a_canceled_message_never_sends_again,
        a_doubt_of_a_paused_batch_waits,
        a_doubt_of_a_stopped_batch_never_sends_again,
        the_first_attempts_answer_comes_while_the_second_waits,
        the_first_attempts_answer_comes_after_the_second_began,
    }
}

/// A message whose attempt has no answer.
async fn doubtful(cx: &mut World) -> (MessageId, (MessageKey, tidings_store::AttemptId)) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    let state = cx.finish(sent, lost(cx.now)).await;
    assert_eq!(state, MessageState::Unknown);
    (id, sent)
}

fn resend() -> Finding {
    Finding::Resend {
        lane: lane(),
        not_before: None,
    }
}

fn found() -> Finding {
    Finding::Taken {
        provider_ref: ProviderRef::message("p"),
        poll_at: None,
    }
}

async fn due(cx: &World) -> Vec<tidings_store::Doubt> {
    let lane = lane();
    let doubts = cx.store.doubts_due(&lane, cx.after(60), 10, cx.now);
    doubts.await.unwrap()
}

async fn a_doubt_is_due_at_its_time_and_given_to_one(mut cx: World) {
    cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.finish(sent, lost(cx.after(10))).await;
    cx.reopen().await;
    assert!(due(&cx).await.is_empty());
    assert_eq!(
        cx.store.next_due(&[lane()]).await.unwrap(),
        Some(cx.after(10))
    );
    cx.wait(Duration::from_secs(10));
    assert_eq!(due(&cx).await.len(), 1);
    assert!(due(&cx).await.is_empty());
    cx.wait(Duration::from_mins(1));
    assert_eq!(due(&cx).await.len(), 1, "whoever had it is gone");
    let other = cx
        .store
        .doubts_due(&"south".into(), cx.now, 10, cx.now)
        .await;
    assert!(other.unwrap().is_empty());
}

async fn racing_askers_never_get_the_same_doubt(mut cx: World) {
    let ids = cx.queue(40).await;
    for leased in cx.lease(40).await {
        let attempt = cx.go(&leased).await;
        cx.finish((leased.key, attempt), lost(cx.now)).await;
    }
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, now, until) = (Arc::clone(&cx.store), cx.now, cx.after(60));
        racing.spawn(async move {
            let mut n_mine = 0;
            loop {
                let doubts = store.doubts_due(&lane(), until, 3, now).await.unwrap();
                if doubts.is_empty() {
                    return n_mine;
                }
                n_mine += doubts.len();
            }
        });
    }
    let n_given: usize = racing.join_all().await.into_iter().sum();
    assert_eq!(n_given, ids.len());
}

async fn asking_again_counts(mut cx: World) {
    let (id, sent) = doubtful(&mut cx).await;
    for n_checks in 0..3 {
        let doubts = due(&cx).await;
        assert_eq!(doubts[0].n_checks, n_checks);
        let state = cx.settle(sent, Finding::AskAgain(cx.after(30))).await;
        assert_eq!(state, MessageState::Unknown);
        assert!(due(&cx).await.is_empty());
        cx.wait(Duration::from_secs(30));
    }
    assert_eq!(cx.words(id).await, ["accepted", "sending", "unknown"]);
}

async fn a_doubt_says_all_that_is_needed_to_ask(mut cx: World) {
    let mut message = cx.new_message();
    message.message.policy = Some(DeliveryPolicy::AtLeastOnce);
    message.expires_at = Some(cx.after(3_000));
    message.terms = Some(r#"{"a":1}"#.into());
    cx.accept(vec![message.clone()]).await;
    let sent = cx.send_one().await;
    cx.wait(Duration::from_secs(7));
    let outcome = Outcome::Unknown {
        fault: fault("timeout"),
        provider_ref: Some(ProviderRef::message("p-9")),
        check_at: Some(cx.now),
    };
    cx.finish(sent, outcome).await;
    cx.reopen().await;
    let doubts = due(&cx).await;
    let doubt = &doubts[0];
    assert_eq!((doubt.key, doubt.attempt), sent);
    assert_eq!(doubt.message, message.message);
    assert_eq!(doubt.policy, DeliveryPolicy::AtLeastOnce);
    assert_eq!(doubt.provider_ref, Some(ProviderRef::message("p-9")));
    assert_eq!(doubt.began_at, cx.now.minus(Duration::from_secs(7)));
    assert_eq!(doubt.unknown_since, cx.now);
    assert_eq!(
        (doubt.expires_at, &doubt.terms),
        (message.expires_at, &message.terms)
    );
}

async fn what_was_taken_is_submitted(mut cx: World) {
    let (id, sent) = doubtful(&mut cx).await;
    assert_eq!(cx.settle(sent, found()).await, MessageState::Submitted);
    assert!(due(&cx).await.is_empty());
    let history = cx.history(id).await;
    assert_eq!(history.attempts[0].outcome, Some(AttemptOutcome::Taken));
    assert!(!history.message.duplicate_risk);
    cx.report(ProviderRef::message("p"), ReportedState::Delivered)
        .await;
    assert_eq!(cx.state(id).await, MessageState::Delivered);
}

async fn what_was_not_taken_waits_again_without_a_mark(mut cx: World) {
    let (id, sent) = doubtful(&mut cx).await;
    let state = cx.settle(sent, Finding::NotTaken(again())).await;
    assert_eq!(state, MessageState::Queued);
    let leased = cx.lease_one().await;
    assert_eq!((leased.n_attempts, leased.duplicate_risk), (1, false));
    assert_eq!(leased.tried, [lane()]);
    assert_eq!(
        cx.words(id).await,
        ["accepted", "sending", "unknown", "queued"]
    );
    // Nothing of it is left to be asked about.
    cx.wait(Duration::from_secs(50));
    assert!(due(&cx).await.is_empty());
}

async fn what_was_not_taken_fails_or_waits_as_was_decided(mut cx: World) {
    use super::world::held;
    let hold = held(HeldReason::NoRoute, None);
    let cases = [
        (failed(), MessageState::Failed),
        (Next::Expire, MessageState::Expired),
        (Next::Hold(hold), MessageState::Held(HeldReason::NoRoute)),
    ];
    for (next, expected) in cases {
        let (id, sent) = doubtful(&mut cx).await;
        assert_eq!(cx.settle(sent, Finding::NotTaken(next)).await, expected);
        assert_eq!(cx.words(id).await.len(), 4, "one event for the whole");
        assert!(due(&cx).await.is_empty());
    }
}

async fn what_is_sent_again_is_marked_as_a_possible_double(mut cx: World) {
    let (id, sent) = doubtful(&mut cx).await;
    assert_eq!(cx.settle(sent, resend()).await, MessageState::Queued);
    assert!(
        due(&cx).await.is_empty(),
        "the first attempt is not asked about"
    );
    cx.reopen().await;
    let leased = cx.lease_one().await;
    assert!(leased.duplicate_risk);
    assert!(leased.tried.is_empty(), "nothing was proved");
    let attempt = cx.go(&leased).await;
    assert_eq!(attempt.number, 2);
    cx.finish((leased.key, attempt), taken("p-2")).await;
    assert!(cx.history(id).await.message.duplicate_risk);
    assert_eq!(cx.settle(sent, resend()).await, MessageState::Submitted);
    assert!(cx.lease(5).await.is_empty());
}

async fn what_is_given_up_stays_unknown(mut cx: World) {
    let (id, sent) = doubtful(&mut cx).await;
    let later = cx.after(60);
    cx.settle(sent, Finding::AskAgain(later)).await;
    let shown = &cx.history(id).await.attempts[0];
    assert_eq!((shown.n_checks, shown.next_check_at), (1, Some(later)));
    assert_eq!(
        cx.settle(sent, Finding::GiveUp).await,
        MessageState::Unknown
    );
    let shown = &cx.history(id).await.attempts[0];
    assert_eq!((shown.n_checks, shown.next_check_at), (1, None));
    cx.wait(Duration::from_hours(1_000));
    assert!(due(&cx).await.is_empty());
    assert_eq!(cx.store.next_due(&[lane()]).await.unwrap(), None);
    assert!(cx.repair().await.is_nothing());
    // A report resolves it however late.
    cx.report(by_reference(sent.1), ReportedState::Delivered)
        .await;
    assert_eq!(cx.state(id).await, MessageState::Delivered);
}

async fn a_report_settles_a_doubt_before_the_answer(mut cx: World) {
    let (id, sent) = doubtful(&mut cx).await;
    let doubts = due(&cx).await;
    assert_eq!(doubts.len(), 1);
    cx.report(by_reference(sent.1), ReportedState::Sent).await;
    assert_eq!(
        cx.settle(sent, Finding::NotTaken(again())).await,
        MessageState::Sent
    );
    assert_eq!(cx.settle(sent, resend()).await, MessageState::Sent);
    assert!(cx.lease(5).await.is_empty());
    assert!(!cx.history(id).await.message.duplicate_risk);
}

async fn a_doubt_of_a_canceled_message_never_sends_again(mut cx: World) {
    use tidings_store::Cancellation;
    let (id, sent) = doubtful(&mut cx).await;
    assert_eq!(cx.cancel(id).await, Cancellation::Unknown);
    assert_eq!(due(&cx).await.len(), 1, "the truth is still worth knowing");
    assert_eq!(cx.settle(sent, resend()).await, MessageState::Unknown);
    assert!(!cx.history(id).await.message.duplicate_risk);

    let (id, sent) = doubtful(&mut cx).await;
    cx.cancel(id).await;
    let state = cx.settle(sent, Finding::NotTaken(again())).await;
    assert_eq!(state, MessageState::Canceled);
    assert!(cx.lease(5).await.is_empty());
}

async fn a_doubt_of_a_paused_batch_waits(mut cx: World) {
    let (batch, ids) = cx.batch(1).await;
    let sent = cx.send_one().await;
    cx.finish(sent, lost(cx.now)).await;
    cx.store
        .order(None, batch, BatchOrder::Pause, cx.now)
        .await
        .unwrap();
    let paused = MessageState::Held(HeldReason::Paused);
    assert_eq!(cx.settle(sent, resend()).await, paused);
    assert!(cx.history(ids[0]).await.message.duplicate_risk);
    cx.store
        .order(None, batch, BatchOrder::Resume, cx.now)
        .await
        .unwrap();
    cx.store.carry_out(batch, 10, cx.now).await.unwrap();
    assert_eq!(cx.lease_one().await.id, ids[0]);
}

async fn a_doubt_of_a_stopped_batch_never_sends_again(mut cx: World) {
    let (batch, _) = cx.batch(2).await;
    let first = cx.send_one().await;
    let second = cx.send_one().await;
    cx.finish(first, lost(cx.now)).await;
    cx.finish(second, lost(cx.now)).await;
    cx.store
        .order(None, batch, BatchOrder::Stop, cx.now)
        .await
        .unwrap();
    assert_eq!(cx.settle(first, resend()).await, MessageState::Unknown);
    let state = cx.settle(second, Finding::NotTaken(again())).await;
    assert_eq!(state, MessageState::Canceled);
    assert!(cx.lease(5).await.is_empty());
}

async fn the_first_attempts_answer_comes_while_the_second_waits(mut cx: World) {
    let (id, first) = doubtful(&mut cx).await;
    cx.settle(first, resend()).await;
    // That it came through after all takes the second out of the queue.
    assert_eq!(cx.finish(first, taken("p")).await, MessageState::Submitted);
    assert!(cx.lease(5).await.is_empty());
    assert_eq!(cx.history(id).await.attempts.len(), 1);

    let (_, first) = doubtful(&mut cx).await;
    cx.settle(first, resend()).await;
    let leased = cx.lease_one().await;
    let state = cx.finish(first, not_taken(failed())).await;
    assert_eq!(state, MessageState::Leased, "the second is on its way");
    cx.go(&leased).await;
}

async fn the_first_attempts_answer_comes_after_the_second_began(mut cx: World) {
    let (id, first) = doubtful(&mut cx).await;
    cx.settle(first, resend()).await;
    let second = cx.send_one().await;
    assert_eq!(
        cx.finish(first, taken("p-1")).await,
        MessageState::Submitted
    );
    assert_eq!(
        cx.finish(second, not_taken(failed())).await,
        MessageState::Submitted
    );
    let history = cx.history(id).await;
    assert!(history.message.duplicate_risk);
    assert_eq!(history.attempts[0].outcome, Some(AttemptOutcome::Taken));
    assert_eq!(history.attempts[1].outcome, Some(AttemptOutcome::NotTaken));
}
