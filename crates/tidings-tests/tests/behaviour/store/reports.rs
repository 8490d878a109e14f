//! What providers tell, in any order, as often as they like, about whichever attempt.

use std::time::Duration;

use tidings_core::{DeliveryReport, MessageState, ProviderRef, Reason, ReportedState};
use tidings_store::{Applied, AttemptOutcome, Begun, Finding, Heard, MessageId, NextPoll, Outcome};

use super::world::{World, again, beginning, by_reference, lane, lost, not_taken, number, taken};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        a_report_is_matched_by_our_reference,
        a_report_is_matched_by_the_providers_id,
        a_report_is_matched_by_batch_and_recipient,
        a_report_of_another_lane_matches_nothing,
        a_report_that_came_too_early_is_matched_later,
        a_report_without_a_match_is_kept_for_three_days,
        any_order_and_repetition_ends_in_the_same_state,
        a_report_is_written_into_the_history_once,
        a_stale_report_is_noted_and_changes_nothing,
        what_a_report_says_is_kept,
        a_report_before_the_answer_wins,
        a_late_report_of_the_first_attempt_takes_the_second_out_of_the_queue,
        a_late_report_of_the_first_attempt_takes_a_leased_second_back,
        a_late_report_of_the_first_attempt_marks_a_second_that_is_out,
        a_late_report_of_the_first_attempt_leaves_an_open_second_in_doubt,
        a_failure_of_a_disproved_attempt_does_not_fail_the_message,
        a_report_tells_how_long_delivery_took,
        a_poll_is_given_to_one_and_comes_again,
        nobody_is_asked_about_a_message_that_has_come_to_its_end,
    }
}

/// A message that the provider has under a name.
async fn submitted(cx: &mut World, provider_id: &str) -> MessageId {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.finish(sent, taken(provider_id)).await;
    id
}

#[track_caller]
fn after(applied: &Applied) -> MessageState {
    match applied {
        Applied::Noted { after, .. } => *after,
        Applied::Unmatched => panic!("the report has a match"),
    }
}

async fn a_report_is_matched_by_our_reference(mut cx: World) {
    let id = cx.queue_one().await;
    let (_, attempt) = cx.send_one().await;
    let applied = cx.report(by_reference(attempt), ReportedState::Sent).await;
    assert_eq!(after(&applied), MessageState::Sent);
    assert_eq!(cx.state(id).await, MessageState::Sent);
    // There is no third attempt.
    let mut third = attempt;
    third.number = 3;
    let applied = cx
        .report(by_reference(third), ReportedState::Delivered)
        .await;
    assert_eq!(applied, Applied::Unmatched);
}

async fn a_report_is_matched_by_the_providers_id(mut cx: World) {
    let other = submitted(&mut cx, "p-1").await;
    let id = submitted(&mut cx, "p-2").await;
    cx.reopen().await;
    let about = ProviderRef::message("p-2");
    let applied = cx.report(about, ReportedState::Delivered).await;
    let Applied::Noted {
        id: whose, before, ..
    } = applied
    else {
        panic!("the report has a match");
    };
    assert_eq!((whose, before), (id, MessageState::Submitted));
    assert_eq!(cx.state(other).await, MessageState::Submitted);
}

async fn a_report_is_matched_by_batch_and_recipient(mut cx: World) {
    let mut messages = [cx.new_message(), cx.new_message()];
    messages[0].message.to = number(1);
    messages[1].message.to = number(2);
    let ids = cx.accept(messages.to_vec()).await;
    for _ in &ids {
        let leased = cx.lease_one().await;
        let attempt = cx.go(&leased).await;
        let outcome = Outcome::Taken {
            provider_ref: ProviderRef::batch_member("b", leased.message.to),
            poll_at: None,
        };
        cx.finish((leased.key, attempt), outcome).await;
    }
    let about = ProviderRef::batch_member("b", number(2));
    cx.report(about, ReportedState::Delivered).await;
    assert_eq!(cx.state(ids[0]).await, MessageState::Submitted);
    assert_eq!(cx.state(ids[1]).await, MessageState::Delivered);
}

async fn a_report_of_another_lane_matches_nothing(mut cx: World) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    let abouts = [ProviderRef::message("p"), by_reference(sent.1)];
    for about in abouts {
        let heard = Heard {
            lane: "south".into(),
            report: DeliveryReport::new(about, ReportedState::Delivered),
            received_at: cx.now,
        };
        let applied = cx.store.apply_reports(vec![heard], cx.now).await;
        assert_eq!(applied.unwrap(), [Applied::Unmatched]);
    }
    assert_eq!(cx.state(id).await, MessageState::Submitted);
}

async fn a_report_that_came_too_early_is_matched_later(mut cx: World) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    let about = ProviderRef::message("p");
    for said in [ReportedState::Sent, ReportedState::Delivered] {
        assert_eq!(cx.report(about.clone(), said).await, Applied::Unmatched);
    }
    cx.reopen().await;
    assert_eq!(cx.finish(sent, taken("p")).await, MessageState::Delivered);
    let words = ["accepted", "sending", "submitted", "sent", "delivered"];
    assert_eq!(cx.words(id).await, words);

    // What is found out about a doubt brings the name, too.
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.finish(sent, lost(cx.now)).await;
    let early = ProviderRef::message("q");
    cx.report(early.clone(), ReportedState::Undelivered).await;
    let finding = Finding::Taken {
        provider_ref: early,
        poll_at: None,
    };
    assert_eq!(cx.settle(sent, finding).await, MessageState::Undelivered);
    assert_eq!(cx.state(id).await, MessageState::Undelivered);
}

async fn a_report_without_a_match_is_kept_for_three_days(mut cx: World) {
    cx.queue_one().await;
    let sent = cx.send_one().await;
    let about = ProviderRef::message("p");
    cx.report(about, ReportedState::Delivered).await;
    cx.wait(Duration::from_hours(72) - Duration::from_millis(1));
    assert_eq!(cx.repair().await.removed, 0);
    cx.wait(Duration::from_millis(1));
    assert_eq!(cx.repair().await.removed, 1);
    assert_eq!(cx.finish(sent, taken("p")).await, MessageState::Submitted);
}

/// The same reports shuffled and repeated, about messages in the same position.
async fn any_order_and_repetition_ends_in_the_same_state(mut cx: World) {
    let said = [
        ReportedState::Submitted,
        ReportedState::Sent,
        ReportedState::Failed,
        ReportedState::Expired,
        ReportedState::Unknown,
        ReportedState::Canceled,
        ReportedState::Undelivered,
        ReportedState::Delivered,
    ];
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..40 {
        // A handful of reports, the same for every message of the round; each is about either attempt.
        let n_reports = random.usize(1..6);
        let mut reports: Vec<(u16, ReportedState)> = Vec::new();
        for _ in 0..n_reports {
            reports.push((random.u16(1..=2), said[random.usize(..said.len())]));
        }
        let mut ends = Vec::new();
        for _ in 0..4 {
            let id = cx.queue_one().await;
            let first = cx.send_one().await;
            cx.finish(first, lost(cx.now)).await;
            let resend = Finding::Resend {
                lane: lane(),
                not_before: None,
            };
            cx.settle(first, resend).await;
            let second = cx.send_one().await;
            cx.finish(second, taken(&format!("p-{id}"))).await;
            let mut told: Vec<_> = reports.clone();
            told.extend(reports.iter().filter(|_| random.bool()));
            random.shuffle(&mut told);
            for (attempt, said) in told {
                let about = if attempt == 1 { first.1 } else { second.1 };
                cx.report(by_reference(about), said).await;
            }
            ends.push(cx.state(id).await);
        }
        assert!(
            ends.iter().all(|end| *end == ends[0]),
            "round {round}: {reports:?} in some orders ends as {ends:?}"
        );
    }
}

async fn a_report_is_written_into_the_history_once(mut cx: World) {
    let id = submitted(&mut cx, "p").await;
    let report = DeliveryReport::new(ProviderRef::message("p"), ReportedState::Sent)
        .raw("S")
        .at(beginning());
    for _ in 0..3 {
        cx.hear(report.clone()).await;
        cx.wait(Duration::from_secs(1));
    }
    let words = ["accepted", "sending", "submitted", "sent"];
    assert_eq!(cx.words(id).await, words);
}

async fn a_stale_report_is_noted_and_changes_nothing(mut cx: World) {
    let id = submitted(&mut cx, "p").await;
    cx.report(ProviderRef::message("p"), ReportedState::Delivered)
        .await;
    let before = cx.history(id).await.message;
    cx.wait(Duration::from_secs(1));
    let stale = DeliveryReport::new(ProviderRef::message("p"), ReportedState::Failed)
        .raw("F")
        .reason(Reason::CarrierError);
    let applied = cx.hear(stale).await;
    assert_eq!(after(&applied), MessageState::Delivered);
    let history = cx.history(id).await;
    let message = history.message;
    assert_eq!(message.state, MessageState::Delivered);
    assert_eq!((message.reason, message.version), (None, before.version));
    assert_eq!(message.changed_at, before.changed_at);
    let event = history.events.last().unwrap();
    assert_eq!(event.kind.as_str(), "message.noted");
    assert_eq!(event.code.as_deref(), Some("F"));
    assert_eq!(event.state, Some(MessageState::Delivered));
    assert_eq!(event.version, Some(before.version));
}

async fn what_a_report_says_is_kept(mut cx: World) {
    let id = submitted(&mut cx, "p").await;
    let report = DeliveryReport::new(ProviderRef::message("p"), ReportedState::Undelivered)
        .reason(Reason::RecipientUnreachable)
        .raw("356")
        .detail("phone off")
        .at(beginning().minus(Duration::from_secs(9)));
    cx.hear(report).await;
    cx.reopen().await;
    let history = cx.history(id).await;
    let reason = Some(Reason::RecipientUnreachable);
    assert_eq!(history.message.reason, reason);
    assert_eq!(history.message.detail.as_deref(), Some("phone off"));
    let event = history.events.last().unwrap();
    assert_eq!(event.reason, reason);
    assert_eq!(event.code.as_deref(), Some("356"));
    assert_eq!(event.detail.as_deref(), Some("phone off"));
    assert_eq!(
        event.their_time,
        Some(beginning().minus(Duration::from_secs(9)))
    );
    assert_eq!((event.at, event.attempt), (cx.now, Some(1)));
}

async fn a_report_before_the_answer_wins(mut cx: World) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.report(by_reference(sent.1), ReportedState::Delivered)
        .await;
    assert_eq!(cx.finish(sent, taken("p")).await, MessageState::Delivered);
    // The name that the answer brought is known.
    let about = ProviderRef::message("p");
    let applied = cx.report(about, ReportedState::Sent).await;
    assert_eq!(after(&applied), MessageState::Delivered);

    let other = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.report(by_reference(sent.1), ReportedState::Sent).await;
    assert_eq!(cx.finish(sent, lost(cx.now)).await, MessageState::Sent);
    assert_eq!(
        cx.finish(sent, not_taken(again())).await,
        MessageState::Sent
    );
    assert!(cx.lease(5).await.is_empty());
    assert_eq!(cx.state(id).await, MessageState::Delivered);
    assert_eq!(cx.state(other).await, MessageState::Sent);
}

/// A message whose first attempt may have been taken and that is to be sent again.
async fn sent_again(cx: &mut World) -> (MessageId, tidings_store::AttemptId) {
    let id = cx.queue_one().await;
    let first = cx.send_one().await;
    cx.finish(first, lost(cx.now)).await;
    let resend = Finding::Resend {
        lane: lane(),
        not_before: None,
    };
    cx.settle(first, resend).await;
    (id, first.1)
}

async fn a_late_report_of_the_first_attempt_takes_the_second_out_of_the_queue(mut cx: World) {
    let came_through = [
        ReportedState::Submitted,
        ReportedState::Sent,
        ReportedState::Delivered,
    ];
    for said in came_through {
        let (id, first) = sent_again(&mut cx).await;
        let applied = cx.report(by_reference(first), said).await;
        assert_eq!(after(&applied).as_str(), said.as_str());
        assert!(cx.lease(5).await.is_empty());
        assert_eq!(cx.history(id).await.attempts.len(), 1);
    }
}

async fn a_late_report_of_the_first_attempt_takes_a_leased_second_back(mut cx: World) {
    let (_, first) = sent_again(&mut cx).await;
    let leased = cx.lease_one().await;
    cx.report(by_reference(first), ReportedState::Sent).await;
    assert_eq!(cx.begin(&leased).await, Begun::Gone);
}

async fn a_late_report_of_the_first_attempt_marks_a_second_that_is_out(mut cx: World) {
    // Proved not taken, it was thought; so the second has no mark of its own.
    let id = cx.queue_one().await;
    let first = cx.send_one().await;
    cx.finish(first, not_taken(again())).await;
    let second = cx.send_one().await;
    cx.finish(second, taken("p")).await;
    assert!(!cx.history(id).await.message.duplicate_risk);
    cx.report(by_reference(first.1), ReportedState::Delivered)
        .await;
    let message = cx.history(id).await.message;
    assert_eq!(message.state, MessageState::Delivered);
    assert!(message.duplicate_risk);
}

async fn a_late_report_of_the_first_attempt_leaves_an_open_second_in_doubt(mut cx: World) {
    let (id, first) = sent_again(&mut cx).await;
    let second = cx.send_one().await;
    cx.report(by_reference(first), ReportedState::Delivered)
        .await;
    let history = cx.history(id).await;
    assert_eq!(history.message.state, MessageState::Delivered);
    // The process may end before its answer comes, and nobody would ask.
    let outcome = history.attempts.last().unwrap().outcome;
    assert_eq!(outcome, Some(AttemptOutcome::Unknown));
    cx.finish(second, taken("p")).await;
    let outcome = cx.history(id).await.attempts.last().unwrap().outcome;
    assert_eq!(outcome, Some(AttemptOutcome::Taken));
}

async fn a_failure_of_a_disproved_attempt_does_not_fail_the_message(mut cx: World) {
    let id = cx.queue_one().await;
    let first = cx.send_one().await;
    cx.finish(first, not_taken(again())).await;
    cx.report(by_reference(first.1), ReportedState::Failed)
        .await;
    assert_eq!(cx.state(id).await, MessageState::Queued);
    assert_eq!(cx.lease(5).await.len(), 1);
}

async fn a_report_tells_how_long_delivery_took(mut cx: World) {
    let id = cx.queue_one().await;
    let accepted = cx.now;
    cx.wait(Duration::from_secs(100));
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    let taken = cx.now;
    cx.wait(Duration::from_secs(10));
    let about = ProviderRef::message("p");
    let applied = cx.report(about, ReportedState::Delivered).await;
    let expected = Applied::Noted {
        id,
        account: super::world::account(),
        before: MessageState::Submitted,
        after: MessageState::Delivered,
        accepted_at: accepted,
        taken_at: Some(taken),
        lane: lane(),
    };
    assert_eq!(applied, expected);

    cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.finish(sent, lost(cx.now)).await;
    let applied = cx
        .report(by_reference(sent.1), ReportedState::Delivered)
        .await;
    let Applied::Noted { taken_at, .. } = applied else {
        panic!("the report has a match");
    };
    assert_eq!(taken_at, None);
}

async fn a_poll_is_given_to_one_and_comes_again(mut cx: World) {
    let id = cx.queue_one().await;
    let (key, attempt) = cx.send_one().await;
    let outcome = Outcome::Taken {
        provider_ref: ProviderRef::message("p"),
        poll_at: Some(cx.after(10)),
    };
    cx.finish((key, attempt), outcome).await;
    let taken_at = cx.now;
    assert_eq!(
        cx.store.next_due(&[lane()]).await.unwrap(),
        Some(cx.after(10))
    );
    cx.reopen().await;
    let due = async |cx: &World| {
        let polls = cx.store.polls_due(&lane(), cx.after(60), 10, cx.now).await;
        polls.unwrap()
    };
    assert!(due(&cx).await.is_empty());
    cx.wait(Duration::from_secs(10));
    let polls = due(&cx).await;
    assert_eq!(polls.len(), 1);
    assert_eq!((polls[0].key, polls[0].attempt), (key, attempt));
    assert_eq!(polls[0].provider_ref, ProviderRef::message("p"));
    assert_eq!((polls[0].taken_at, polls[0].n_polls), (taken_at, 0));
    assert!(due(&cx).await.is_empty());
    let next = NextPoll {
        key,
        attempt,
        at: Some(cx.after(20)),
    };
    cx.store.schedule_polls(vec![next]).await.unwrap();
    cx.wait(Duration::from_secs(20));
    assert_eq!(due(&cx).await[0].n_polls, 1);
    let never = NextPoll { at: None, ..next };
    cx.store.schedule_polls(vec![never]).await.unwrap();
    cx.wait(Duration::from_hours(1));
    assert!(due(&cx).await.is_empty());
    assert_eq!(cx.state(id).await, MessageState::Submitted);
}

async fn nobody_is_asked_about_a_message_that_has_come_to_its_end(mut cx: World) {
    cx.queue_one().await;
    let (key, attempt) = cx.send_one().await;
    let outcome = Outcome::Taken {
        provider_ref: ProviderRef::message("p"),
        poll_at: Some(cx.now),
    };
    cx.finish((key, attempt), outcome).await;
    cx.report(by_reference(attempt), ReportedState::Delivered)
        .await;
    let next = NextPoll {
        key,
        attempt,
        at: Some(cx.now),
    };
    cx.store.schedule_polls(vec![next]).await.unwrap();
    let polls = cx.store.polls_due(&lane(), cx.after(60), 10, cx.now).await;
    assert!(polls.unwrap().is_empty());
    assert_eq!(cx.store.next_due(&[lane()]).await.unwrap(), None);
}
