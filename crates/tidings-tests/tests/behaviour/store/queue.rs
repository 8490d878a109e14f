//! Which messages leave, in which order, and in whose hands.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::{HeldReason, MessageState, Priority, Reason, SenderId};
use tidings_store::{Begun, LaneId, LeaseRequest, MessageId, Next, Returned, Stamp};

use super::world::{LANE, NODE, World, again, failed, fault, held, lane, lost, not_taken, taken};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        priority_goes_first_then_the_stamp_then_age,
        lanes_do_not_see_each_others_messages,
        racing_workers_never_get_the_same_message,
        what_another_has_leased_can_be_neither_begun_nor_returned,
        a_message_that_is_given_back_leaves_again,
        what_waits_for_a_time_leaves_when_it_has_come,
        a_held_message_is_released_when_its_time_has_come,
        a_message_that_is_not_taken_goes_to_another_lane,
        lanes_that_were_tried_are_told_once_the_latest_last,
        a_message_that_is_refused_has_failed_with_the_reason,
        the_end_of_an_attempt_counts_once,
        what_is_not_worth_sending_any_more_expires,
        a_message_that_may_have_been_taken_never_expires_or_fails,
        a_held_message_waits_for_a_person,
        the_depth_of_a_lane_is_what_is_in_it,
        canceling_tells_the_truth,
        canceling_holds_when_an_attempt_comes_back,
        the_sender_that_routing_gave_is_kept_with_its_attempt,
    }
}

async fn priority_goes_first_then_the_stamp_then_age(mut cx: World) {
    let wanted = [
        (Priority::Normal, 5),
        (Priority::Low, 0),
        (Priority::High, 9),
        (Priority::Normal, 2),
        (Priority::Normal, 5),
        (Priority::High, -3),
        (Priority::Normal, i64::MAX),
    ];
    let messages = wanted.map(|(priority, stamp)| {
        let mut message = cx.new_message();
        message.message.priority = priority;
        message.stamp = Stamp(stamp);
        message
    });
    let ids = cx.accept(messages.to_vec()).await;
    let expected = [5, 2, 3, 0, 4, 6, 1].map(|index: usize| ids[index]);
    // Also when they are leased a few at a time.
    let mut order = Vec::new();
    for _ in 0..4 {
        order.extend(cx.lease(2).await.iter().map(|leased| leased.id));
    }
    assert_eq!(order, expected);
}

async fn lanes_do_not_see_each_others_messages(mut cx: World) {
    let ours = cx.queue_one().await;
    let mut message = cx.new_message();
    message.lane = Some("south".into());
    let theirs = cx.accept(vec![message]).await[0];
    let south = cx.lease_on("south", NODE, 5).await;
    let north = cx.lease(5).await;
    assert_eq!((south.len(), south[0].id), (1, theirs));
    assert_eq!((north.len(), north[0].id), (1, ours));
}

async fn racing_workers_never_get_the_same_message(mut cx: World) {
    let ids = cx.queue(200).await;
    let mut racing = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let (store, now, until) = (Arc::clone(&cx.store), cx.now, cx.after(60));
        racing.spawn(async move {
            let mut mine: Vec<MessageId> = Vec::new();
            loop {
                let request = LeaseRequest {
                    lane: lane(),
                    node: format!("node-{worker}").into(),
                    until,
                    limit: 7,
                };
                let leased = store.lease_due(request, now).await.unwrap();
                if leased.is_empty() {
                    return mine;
                }
                mine.extend(leased.iter().map(|leased| leased.id));
            }
        });
    }
    let got: Vec<MessageId> = racing.join_all().await.concat();
    assert_eq!(got.len(), ids.len());
    let got: BTreeSet<MessageId> = got.into_iter().collect();
    assert_eq!(got, ids.into_iter().collect());
}

async fn what_another_has_leased_can_be_neither_begun_nor_returned(mut cx: World) {
    let id = cx.queue_one().await;
    let first = cx.lease_one().await;
    cx.wait(Duration::from_mins(1));
    // The lease is over, but nobody has ended it: it holds.
    assert!(cx.lease(1).await.is_empty());
    assert_eq!(cx.repair().await.leases, 1);
    let second = cx.lease_one().await;
    assert_eq!(second.key, first.key);
    assert_eq!(cx.begin(&first).await, Begun::Gone);
    cx.give_back(&first, failed()).await;
    assert_eq!(cx.state(id).await, MessageState::Leased);
    cx.go(&second).await;
    assert_eq!(
        cx.begin(&second).await,
        Begun::Gone,
        "an attempt begins once"
    );
    assert_eq!(cx.history(id).await.attempts.len(), 1);
}

async fn a_message_that_is_given_back_leaves_again(mut cx: World) {
    let id = cx.queue_one().await;
    let leased = cx.lease_one().await;
    cx.give_back(&leased, again()).await;
    assert_eq!(cx.words(id).await, ["accepted"], "a lease is nobody's news");
    let leased = cx.lease_one().await;
    let returned = Returned {
        key: leased.key,
        lease: leased.lease,
        next: Next::Hold(held(HeldReason::QuietHours, Some(cx.after(600)))),
        closes_at: Some(cx.after(900)),
        fault: Some(fault("window")),
    };
    cx.store
        .return_leased(vec![returned], cx.now)
        .await
        .unwrap();
    let message = cx.history(id).await.message;
    assert_eq!(message.state, MessageState::Held(HeldReason::QuietHours));
    assert_eq!(message.not_before, Some(cx.after(600)));
    cx.wait(Duration::from_mins(10));
    cx.repair().await;
    let leased = cx.lease_one().await;
    assert_eq!(leased.closes_at, Some(cx.after(300)));
    assert_eq!(leased.n_attempts, 0);
}

async fn what_waits_for_a_time_leaves_when_it_has_come(mut cx: World) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    let next = Next::Again {
        lane: lane(),
        not_before: Some(cx.after(30)),
    };
    assert_eq!(cx.finish(sent, not_taken(next)).await, MessageState::Queued);
    cx.reopen().await;
    assert_eq!(
        cx.store.next_due(&[lane()]).await.unwrap(),
        Some(cx.after(30))
    );
    let others = [LaneId::from("south")];
    assert_eq!(cx.store.next_due(&others).await.unwrap(), None);
    assert!(cx.lease(5).await.is_empty());
    cx.wait(Duration::from_secs(30));
    let leased = cx.lease_one().await;
    assert_eq!((leased.id, leased.n_attempts), (id, 1));
    assert_eq!(leased.tried, [lane()]);
    assert_eq!(
        leased.first_attempt_at,
        Some(cx.now.minus(Duration::from_secs(30)))
    );
}

async fn a_held_message_is_released_when_its_time_has_come(mut cx: World) {
    let mut message = cx.new_message();
    message.hold = Some(held(HeldReason::Schedule, Some(cx.after(60))));
    let id = cx.accept(vec![message]).await[0];
    assert_eq!(
        cx.store.next_due(&[lane()]).await.unwrap(),
        Some(cx.after(60))
    );
    assert!(cx.lease(5).await.is_empty());
    cx.wait(Duration::from_mins(1));
    assert_eq!(cx.repair().await.released, 1);
    assert_eq!(cx.lease_one().await.id, id);
    assert_eq!(cx.words(id).await, ["accepted", "queued"]);
}

async fn a_message_that_is_not_taken_goes_to_another_lane(mut cx: World) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    let next = Next::Again {
        lane: "south".into(),
        not_before: None,
    };
    cx.finish(sent, not_taken(next)).await;
    assert!(cx.lease(5).await.is_empty());
    let leased = cx.lease_on("south", NODE, 5).await;
    assert_eq!(leased[0].id, id);
    assert_eq!(cx.words(id).await, ["accepted", "sending", "queued"]);
}

async fn lanes_that_were_tried_are_told_once_the_latest_last(mut cx: World) {
    cx.queue_one().await;
    for next_lane in ["south", LANE, "west", "south"] {
        let before = cx.store.lane_depths().await.unwrap();
        let leased = cx.lease_on(before[0].lane.as_str(), NODE, 1).await;
        let attempt = cx.go(&leased[0]).await;
        let next = Next::Again {
            lane: next_lane.into(),
            not_before: None,
        };
        cx.finish((leased[0].key, attempt), not_taken(next)).await;
    }
    let leased = cx.lease_on("south", NODE, 1).await;
    let tried: Vec<&str> = leased[0].tried.iter().map(LaneId::as_str).collect();
    assert_eq!(tried, ["south", LANE, "west"]);
}

async fn a_message_that_is_refused_has_failed_with_the_reason(mut cx: World) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    assert_eq!(
        cx.finish(sent, not_taken(failed())).await,
        MessageState::Failed
    );
    cx.reopen().await;
    let history = cx.history(id).await;
    assert_eq!(history.message.reason, Some(Reason::InvalidRecipient));
    assert_eq!(
        history.message.detail.as_deref(),
        Some("the provider said no")
    );
    assert_eq!(history.attempts[0].error.as_deref(), Some("rate_limited"));
    assert_eq!(history.attempts[0].code.as_deref(), Some("17"));
    assert_eq!(history.events[2].code.as_deref(), Some("17"));
    assert_eq!(history.events[2].attempt, Some(1));
}

async fn the_end_of_an_attempt_counts_once(mut cx: World) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    assert_eq!(cx.finish(sent, taken("p")).await, MessageState::Submitted);
    // Evidence wins over whatever is said later.
    assert_eq!(
        cx.finish(sent, not_taken(again())).await,
        MessageState::Submitted
    );
    assert_eq!(cx.finish(sent, lost(cx.now)).await, MessageState::Submitted);
    assert_eq!(cx.words(id).await, ["accepted", "sending", "submitted"]);

    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.finish(sent, not_taken(again())).await;
    let leased = cx.lease_one().await;
    let state = cx.finish(sent, not_taken(failed())).await;
    assert_eq!(state, MessageState::Leased, "the attempt had its end");
    cx.go(&leased).await;
    assert_eq!(cx.history(id).await.attempts.len(), 2);
}

async fn what_is_not_worth_sending_any_more_expires(mut cx: World) {
    let mut messages = [cx.new_message(), cx.new_message(), cx.new_message()];
    for message in &mut messages {
        message.expires_at = Some(cx.after(60));
    }
    messages[1].hold = Some(held(HeldReason::Approval, None));
    let ids = cx.accept(messages.to_vec()).await;
    let leased = cx.lease_one().await;
    cx.wait(Duration::from_secs(59));
    assert_eq!(cx.repair().await.expired, 0);
    cx.wait(Duration::from_secs(1));
    assert_eq!(
        cx.repair().await.expired,
        3,
        "the lease ran out at the same time"
    );
    for id in ids {
        let message = cx.history(id).await.message;
        assert_eq!(message.state, MessageState::Expired);
        assert_eq!(message.reason, Some(Reason::Expired));
    }
    assert_eq!(cx.begin(&leased).await, Begun::Gone);
}

async fn a_message_that_may_have_been_taken_never_expires_or_fails(mut cx: World) {
    use tidings_store::Finding;
    for ending in ["expire", "cancel", "fail"] {
        let mut message = cx.new_message();
        message.expires_at = Some(cx.after(300));
        let id = cx.accept(vec![message]).await[0];
        let sent = cx.send_one().await;
        cx.finish(sent, lost(cx.now)).await;
        let resend = Finding::Resend {
            lane: lane(),
            not_before: None,
        };
        assert_eq!(cx.settle(sent, resend).await, MessageState::Queued);
        match ending {
            "expire" => {
                cx.wait(Duration::from_mins(5));
                cx.repair().await;
            }
            "cancel" => {
                cx.cancel(id).await;
            }
            _ => {
                let sent = cx.send_one().await;
                cx.finish(sent, not_taken(failed())).await;
            }
        }
        assert_eq!(cx.state(id).await, MessageState::Unknown, "after {ending}");
        assert!(cx.lease(5).await.is_empty());
    }
}

async fn a_held_message_waits_for_a_person(mut cx: World) {
    let mut message = cx.new_message();
    message.hold = Some(held(HeldReason::Approval, None));
    let id = cx.accept(vec![message]).await[0];
    cx.wait(Duration::from_hours(1_000));
    assert!(cx.repair().await.is_nothing());
    assert_eq!(cx.store.next_due(&[lane()]).await.unwrap(), None);
    assert_eq!(
        cx.store.release(vec![(id, lane())], cx.now).await.unwrap(),
        1
    );
    assert_eq!(
        cx.store.release(vec![(id, lane())], cx.now).await.unwrap(),
        0
    );
    assert_eq!(cx.lease_one().await.id, id);
}

async fn the_depth_of_a_lane_is_what_is_in_it(mut cx: World) {
    assert!(cx.store.lane_depths().await.unwrap().is_empty());
    let mut message = cx.new_message();
    message.stamp = Stamp(40);
    cx.accept(vec![message]).await;
    let mut message = cx.new_message();
    message.stamp = Stamp(50);
    cx.accept(vec![message]).await;
    cx.wait(Duration::from_secs(1));
    cx.queue(3).await;
    // The three without a stamp go first: one is sending, one in doubt, one waits for a time.
    cx.send_one().await;
    let doubtful = cx.send_one().await;
    cx.finish(doubtful, lost(cx.now)).await;
    let waiting = cx.send_one().await;
    let next = Next::Again {
        lane: lane(),
        not_before: Some(cx.after(9)),
    };
    cx.finish(waiting, not_taken(next)).await;
    let mut message = cx.new_message();
    message.hold = Some(held(HeldReason::Approval, None));
    cx.accept(vec![message]).await;

    let depths = cx.store.lane_depths().await.unwrap();
    assert_eq!(depths.len(), 1);
    let depth = &depths[0];
    assert_eq!((depth.ready, depth.waiting), (2, 1));
    assert_eq!((depth.in_hand, depth.in_doubt), (1, 1));
    assert_eq!(depth.first_stamp, Some(Stamp(40)));
    assert_eq!(depth.oldest, Some(cx.now.minus(Duration::from_secs(1))));
    let whole = cx.store.depth().await.unwrap();
    assert_eq!((whole.held, whole.queued), (1, 3));
}

async fn canceling_tells_the_truth(mut cx: World) {
    use tidings_store::Cancellation as C;
    let queued = cx.queue_one().await;
    assert_eq!(cx.cancel(queued).await, C::Canceled);
    assert_eq!(cx.cancel(queued).await, C::Canceled);
    assert!(cx.lease(5).await.is_empty());
    assert_eq!(
        cx.history(queued).await.message.reason,
        Some(Reason::Canceled)
    );

    let leased_id = cx.queue_one().await;
    let leased = cx.lease_one().await;
    assert_eq!(cx.cancel(leased_id).await, C::Canceled);
    assert_eq!(cx.begin(&leased).await, Begun::Gone);

    let sending = cx.queue_one().await;
    let sent = cx.send_one().await;
    assert_eq!(cx.cancel(sending).await, C::Unknown);
    assert_eq!(cx.finish(sent, taken("p")).await, MessageState::Submitted);
    let out = C::AlreadyOut(MessageState::Submitted);
    assert_eq!(cx.cancel(sending).await, out);

    let other = Some(&"other".into());
    let canceled = cx.store.cancel(other, vec![sending], cx.now).await;
    assert_eq!(canceled.unwrap(), [C::NotFound]);
    let nobody = MessageId(cx.id());
    assert_eq!(cx.cancel(nobody).await, C::NotFound);
}

async fn canceling_holds_when_an_attempt_comes_back(mut cx: World) {
    let id = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.cancel(id).await;
    cx.reopen().await;
    assert_eq!(
        cx.finish(sent, not_taken(again())).await,
        MessageState::Canceled
    );
    assert_eq!(cx.words(id).await, ["accepted", "sending", "canceled"]);
    assert!(cx.lease(5).await.is_empty());
}

async fn the_sender_that_routing_gave_is_kept_with_its_attempt(mut cx: World) {
    let id = cx.queue_one().await;
    let route = SenderId::parse("Route").ok();
    assert_eq!(cx.history(id).await.message.sent_from, None);
    // A lease goes back, another lane has another sender, or none.
    for from in [route.clone(), SenderId::parse("+4790000009").ok(), None] {
        let mut leased = cx.lease_one().await;
        assert!(leased.message.from.is_none() && !leased.is_from_routed);
        leased.message.from.clone_from(&from);
        leased.is_from_routed = true;
        let attempt = cx.go(&leased).await;
        cx.reopen().await;
        let shown = cx.history(id).await;
        assert_eq!(
            (&shown.message.from, &shown.message.sent_from),
            (&None, &from)
        );
        assert_eq!(shown.attempts.last().unwrap().from, from);
        cx.finish((leased.key, attempt), not_taken(again())).await;
    }
    let shown = cx.history(id).await;
    assert_eq!(shown.attempts[0].from, route);
    assert_eq!(shown.message.sent_from, None);

    let mut named = cx.new_message();
    named.message.from.clone_from(&route);
    let named = cx.accept(vec![named]).await[0];
    let leased = cx.lease(5).await;
    let leased = leased.iter().find(|leased| leased.id == named).unwrap();
    cx.go(leased).await;
    let shown = cx.history(named).await;
    assert_eq!((shown.message.from, shown.message.sent_from), (route, None));
    assert_eq!(shown.attempts[0].from, None);
}
