//! What is told: one event for each change, in order.

use std::time::Duration;

use tidings_core::{HeldReason, MessageState};
use tidings_store::{AuditEntry, AuditFilter, EventFilter, EventKind, EventSeq, NewEvent, Next};

use super::world::{World, account, again, held, lane, not_taken, taken};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        every_change_is_one_event_in_order,
        events_of_an_account_are_read_from_a_place_on,
        versions_grow_by_one_with_each_event,
        a_change_in_several_steps_is_one_event,
        what_concerns_no_message_is_recorded,
        acts_are_kept_the_latest_first,
    }
}

async fn every_change_is_one_event_in_order(mut cx: World) {
    let ids = cx.queue(3).await;
    let start = cx.now;
    cx.wait(Duration::from_secs(1));
    let first = cx.send_one().await;
    cx.finish(first, taken("p")).await;
    cx.cancel(ids[1]).await;
    cx.reopen().await;
    let second = cx.send_one().await;
    cx.finish(second, not_taken(again())).await;
    let events = cx.all_events().await;
    let told: Vec<_> = events
        .iter()
        .map(|it| (it.kind, it.message.unwrap(), it.state.unwrap()))
        .collect();
    let expected = [
        (EventKind::Accepted, ids[0], MessageState::Queued),
        (EventKind::Accepted, ids[1], MessageState::Queued),
        (EventKind::Accepted, ids[2], MessageState::Queued),
        (EventKind::Sending, ids[0], MessageState::Sending),
        (EventKind::Submitted, ids[0], MessageState::Submitted),
        (EventKind::Canceled, ids[1], MessageState::Canceled),
        (EventKind::Sending, ids[2], MessageState::Sending),
        (EventKind::Queued, ids[2], MessageState::Queued),
    ];
    assert_eq!(told, expected);
    assert!(events.is_sorted_by(|a, b| a.seq < b.seq));
    assert_eq!((events[0].at, events[3].at), (start, cx.now));
    assert_eq!(events[3].attempt, Some(1));
    assert_eq!(events[3].lane, Some(lane()));
    assert_eq!(cx.store.last_event().await.unwrap(), events[7].seq);
}

async fn events_of_an_account_are_read_from_a_place_on(mut cx: World) {
    assert_eq!(cx.store.last_event().await.unwrap(), EventSeq(0));
    for name in ["acme", "other", "acme", "acme"] {
        let message = cx.new_message();
        let taken = cx.store.accept(&name.into(), vec![message], cx.now).await;
        taken.unwrap();
    }
    let mut filter = EventFilter {
        account: Some(account()),
        after: EventSeq(0),
        limit: 2,
    };
    let first = cx.store.events(filter.clone()).await.unwrap();
    assert_eq!(first.len(), 2);
    filter.after = first[1].seq;
    let second = cx.store.events(filter.clone()).await.unwrap();
    assert_eq!(second.len(), 1);
    assert!(second[0].seq > first[1].seq);
    filter.after = second[0].seq;
    assert!(cx.store.events(filter).await.unwrap().is_empty());
    assert_eq!(cx.all_events().await.len(), 4);
}

async fn versions_grow_by_one_with_each_event(mut cx: World) {
    let id = cx.queue_one().await;
    for _ in 0..2 {
        let sent = cx.send_one().await;
        cx.finish(sent, not_taken(again())).await;
    }
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    let history = cx.history(id).await;
    let versions = history.events.iter().map(|it| it.version.unwrap());
    assert_eq!(versions.collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(history.message.version, 7);
    assert_eq!(history.message.changed_at, cx.now);
}

async fn a_change_in_several_steps_is_one_event(mut cx: World) {
    let cases = [
        (Next::Hold(held(HeldReason::Window, None)), "held"),
        (Next::Expire, "expired"),
    ];
    for (next, word) in cases {
        let id = cx.queue_one().await;
        let sent = cx.send_one().await;
        cx.finish(sent, not_taken(next.clone())).await;
        assert_eq!(cx.words(id).await, ["accepted", "sending", word]);
        let id = cx.queue_one().await;
        let leased = cx.lease_one().await;
        cx.give_back(&leased, next).await;
        assert_eq!(cx.words(id).await, ["accepted", word]);
    }
}

async fn what_concerns_no_message_is_recorded(mut cx: World) {
    let event = NewEvent {
        at: cx.now,
        kind: EventKind::LowBalance,
        account: None,
        batch: None,
        lane: Some(lane()),
        detail: Some(r#"{"left":3}"#.into()),
    };
    cx.store.record(vec![event.clone()]).await.unwrap();
    cx.reopen().await;
    let kept = cx.all_events().await;
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].kind, &kept[0].lane), (event.kind, &event.lane));
    assert_eq!((&kept[0].detail, kept[0].at), (&event.detail, event.at));
    assert_eq!(kept[0].message, None);
}

async fn acts_are_kept_the_latest_first(mut cx: World) {
    for (place, of) in [None, Some(account()), Some(account())]
        .into_iter()
        .enumerate()
    {
        let entry = AuditEntry {
            seq: EventSeq(0),
            at: cx.now,
            who: "command".into(),
            from: "192.0.2.1".parse().ok(),
            account: of,
            what: "key.created".into(),
            target: format!("key-{place}").into(),
            detail: Some("{}".into()),
        };
        cx.store.audit(entry).await.unwrap();
    }
    cx.reopen().await;
    let all = cx
        .store
        .audit_entries(AuditFilter::default())
        .await
        .unwrap();
    let targets: Vec<&str> = all.items.iter().map(|it| &*it.target).collect();
    assert_eq!(targets, ["key-2", "key-1", "key-0"]);
    assert_eq!(all.items[0].from, "192.0.2.1".parse().ok());
    assert_eq!(&*all.items[0].who, "command");
    let filter = AuditFilter {
        account: Some(account()),
        ..AuditFilter::default()
    };
    let theirs = cx.store.audit_entries(filter).await.unwrap();
    assert_eq!(theirs.items.len(), 2);
}
