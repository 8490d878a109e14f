//! What is taken, once, and how much of it.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::{
    ClientRef, DeliveryPolicy, HeldReason, Media, MessageState, Priority, SenderId, Tag,
};
use tidings_store::{
    AccountChange, BatchId, BatchPlace, LaneId, OpenedBatch, Stamp, StoreErrorKind, Taken, TakenRow,
};

use super::world::{World, account, held, new_batch, once};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        a_message_is_kept_with_all_that_was_said_of_it,
        a_file_is_kept_with_its_message,
        a_request_with_a_key_is_taken_once,
        a_key_of_another_request_is_refused,
        keys_of_accounts_are_their_own,
        a_key_is_forgotten_when_its_time_is_over,
        racing_requests_with_one_key_are_taken_once,
        a_row_of_a_batch_is_taken_once,
        a_half_uploaded_batch_is_sent_again_and_becomes_whole,
        a_batch_that_began_otherwise_is_not_gone_on_with,
        rows_that_were_taken_are_known_by_what_they_asked_for,
        a_closed_batch_answers_its_key_with_what_was_answered,
        a_key_of_a_message_opens_no_batch,
        a_batch_that_takes_rows_is_joined_by_its_reference,
        the_quota_is_used_up_to_the_part,
        racing_requests_never_overdraw_the_quota,
        what_is_refused_leaves_nothing_behind,
        a_message_without_a_lane_is_held,
    }
}

async fn a_message_is_kept_with_all_that_was_said_of_it(mut cx: World) {
    let mut new = cx.new_message();
    let other = cx.new_message().id;
    new.message = new
        .message
        .from(SenderId::parse("Ecole").unwrap())
        .reference(ClientRef::new("r-1").unwrap())
        .tag(Tag::new("otp").unwrap())
        .policy(DeliveryPolicy::AtMostOnce)
        .priority(Priority::High)
        .valid_for(Duration::from_mins(5));
    new.original_text = Some("Bonjour…".into());
    new.parts = 3;
    new.stamp = Stamp(77);
    new.timing = Some(r#"{"zone":"Europe/Oslo"}"#.into());
    new.closes_at = Some(cx.after(100));
    new.expires_at = Some(cx.after(300));
    new.origin = "somebody".into();
    new.terms = Some(r#"{"age":1}"#.into());
    new.conversation = Some("c-1".into());
    new.resend_of = Some(other);
    cx.accept(vec![new.clone()]).await;
    cx.reopen().await;

    let shown = cx.history(new.id).await.message;
    assert_eq!(shown.account, account());
    assert_eq!(shown.to, new.message.to);
    assert_eq!(shown.from, new.message.from);
    assert_eq!(shown.text, new.message.text);
    assert_eq!(shown.original_text, new.original_text);
    assert_eq!(shown.reference.as_deref(), Some("r-1"));
    assert_eq!(shown.tag.as_deref(), Some("otp"));
    assert_eq!(shown.priority, Priority::High);
    assert_eq!(shown.policy, DeliveryPolicy::AtMostOnce);
    assert_eq!(shown.state, MessageState::Queued);
    assert_eq!(shown.parts, 3);
    assert_eq!(shown.lane, new.lane);
    assert_eq!(shown.origin, new.origin);
    assert_eq!(shown.terms, new.terms);
    assert_eq!(shown.conversation, new.conversation);
    assert_eq!(shown.resend_of, new.resend_of);
    assert_eq!(shown.accepted_at, cx.now);
    assert_eq!(shown.expires_at, new.expires_at);
    assert_eq!(shown.version, 1);
    assert!(!shown.duplicate_risk);

    let leased = cx.lease_one().await;
    assert_eq!(leased.id, new.id);
    assert_eq!(leased.message, new.message);
    assert_eq!(leased.stamp, new.stamp);
    assert_eq!(leased.timing, new.timing);
    assert_eq!(leased.closes_at, new.closes_at);
    assert_eq!(leased.terms, new.terms);
    assert_eq!(leased.n_attempts, 0);
}

async fn a_file_is_kept_with_its_message(mut cx: World) {
    let named = Media::new("image/png", &b"\x89PNG"[..])
        .unwrap()
        .name("a.png");
    let unnamed = Media::new("text/vcard", &b"BEGIN:VCARD"[..]).unwrap();
    let mut messages: Vec<_> = (0..3).map(|_| cx.new_message()).collect();
    messages[0].message = messages[0].message.clone().media(named.clone());
    messages[2].message = messages[2].message.clone().media(unnamed.clone());
    let mut ids = cx.accept(messages).await;
    cx.reopen().await;
    ids.push(cx.new_message().id);
    ids.reverse();
    let media = cx.store.media(&ids).await.unwrap();
    assert_eq!(media, [None, Some(unnamed), None, Some(named.clone())]);
    assert_eq!(cx.lease(1).await[0].message.media, Some(named));
}

async fn a_request_with_a_key_is_taken_once(mut cx: World) {
    let mut first = cx.new_message();
    first.once = Some(once("k", 1, cx.now));
    cx.accept(vec![first.clone()]).await;
    cx.reopen().await;

    let mut second = cx.new_message();
    second.once = Some(once("k", 1, cx.now));
    let before = Taken::Before {
        id: first.id,
        answer: Some("answer to k".into()),
    };
    assert_eq!(cx.offer(vec![second]).await, [before]);
    assert_eq!(cx.lease(10).await.len(), 1);
    let kept = cx.store.once(&account(), "k").await.unwrap();
    assert_eq!(kept, first.once);
}

async fn a_key_of_another_request_is_refused(mut cx: World) {
    let mut messages = [cx.new_message(), cx.new_message()];
    messages[0].once = Some(once("k", 1, cx.now));
    messages[1].once = Some(once("k", 2, cx.now));
    // Within one call, too.
    let taken = cx.offer(messages.to_vec()).await;
    assert_eq!(taken, [Taken::New, Taken::OtherRequest]);
}

async fn keys_of_accounts_are_their_own(mut cx: World) {
    for name in ["acme", "other"] {
        let mut message = cx.new_message();
        message.once = Some(once("k", 1, cx.now));
        let taken = cx.store.accept(&name.into(), vec![message], cx.now).await;
        assert_eq!(taken.unwrap(), [Taken::New]);
    }
}

async fn a_key_is_forgotten_when_its_time_is_over(mut cx: World) {
    let mut message = cx.new_message();
    message.once = Some(once("k", 1, cx.now));
    cx.accept(vec![message]).await;
    cx.wait(Duration::from_hours(24) - Duration::from_millis(1));
    assert_eq!(cx.repair().await.removed, 0);
    assert!(cx.store.once(&account(), "k").await.unwrap().is_some());
    cx.wait(Duration::from_millis(1));
    assert_eq!(cx.repair().await.removed, 1);
    assert!(cx.store.once(&account(), "k").await.unwrap().is_none());
}

async fn racing_requests_with_one_key_are_taken_once(mut cx: World) {
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let mut message = cx.new_message();
        message.once = Some(once("k", 1, cx.now));
        let (store, now) = (Arc::clone(&cx.store), cx.now);
        racing.spawn(async move { store.accept(&account(), vec![message], now).await });
    }
    let taken = racing.join_all().await.into_iter();
    let taken = taken.filter(|taken| taken.as_ref().unwrap()[0] == Taken::New);
    assert_eq!(taken.count(), 1);
    assert_eq!(cx.lease(100).await.len(), 1);
}

async fn a_row_of_a_batch_is_taken_once(mut cx: World) {
    let batch = cx.open_batch().await;
    let row = cx.row(batch, 7);
    let mut same = cx.row(batch, 7);
    same.message.text = "something else".into();
    cx.accept(vec![row.clone()]).await;
    assert_eq!(
        cx.offer(vec![same]).await,
        [Taken::RowIsThere { id: row.id }]
    );
    let kept = cx.store.batch(None, batch).await.unwrap().unwrap();
    assert_eq!(kept.n_messages(), 1);
}

async fn a_half_uploaded_batch_is_sent_again_and_becomes_whole(mut cx: World) {
    let mut new = new_batch(BatchId(cx.id()));
    new.once = Some(once("upload", 1, cx.now));
    let opened = cx.store.open_batch(&account(), new.clone(), cx.now).await;
    assert_eq!(opened.unwrap(), OpenedBatch::New(new.id));
    let rows: Vec<_> = (0..3).map(|index| cx.row(new.id, index)).collect();
    let ids = cx.accept(rows).await;
    cx.reopen().await;

    let mut again = new_batch(BatchId(cx.id()));
    again.once.clone_from(&new.once);
    let opened = cx.store.open_batch(&account(), again, cx.now).await;
    assert_eq!(opened.unwrap(), OpenedBatch::Resumed(new.id));
    let rows: Vec<_> = (0..5).map(|index| cx.row(new.id, index)).collect();
    let taken = cx.offer(rows).await;
    let there = ids.iter().map(|id| Taken::RowIsThere { id: *id });
    let expected: Vec<_> = there.chain([Taken::New, Taken::New]).collect();
    assert_eq!(taken, expected);
}

async fn a_batch_that_began_otherwise_is_not_gone_on_with(mut cx: World) {
    let mut new = new_batch(BatchId(cx.id()));
    new.once = Some(once("upload", 1, cx.now));
    let opened = cx.store.open_batch(&account(), new.clone(), cx.now).await;
    assert_eq!(opened.unwrap(), OpenedBatch::New(new.id));
    cx.reopen().await;
    for (body, expected) in [
        (2, OpenedBatch::OtherRequest),
        (1, OpenedBatch::Resumed(new.id)),
    ] {
        let mut again = new_batch(BatchId(cx.id()));
        again.once = Some(once("upload", body, cx.now));
        let opened = cx.store.open_batch(&account(), again, cx.now).await;
        assert_eq!(opened.unwrap(), expected);
    }
}

async fn rows_that_were_taken_are_known_by_what_they_asked_for(mut cx: World) {
    let batch = cx.open_batch().await;
    let hashes = [Some(7), None, Some(u64::MAX), Some(0)];
    let rows = hashes.into_iter().zip([0, 1, 4, 5]).map(|(hash, index)| {
        let mut row = cx.row(batch, index);
        row.row_hash = hash;
        row.parts = 2;
        row
    });
    let rows: Vec<_> = rows.collect();
    let ids = cx.accept(rows).await;
    cx.reopen().await;
    let row = |place: usize, index| TakenRow {
        index,
        id: ids[place],
        state: MessageState::Queued,
        parts: 2,
        hash: hashes[place],
    };
    let taken = async |from, limit| cx.store.taken_rows(batch, from, limit).await.unwrap();
    let all = [row(0, 0), row(1, 1), row(2, 4), row(3, 5)];
    assert_eq!(taken(0, 10).await, all);
    assert_eq!(taken(2, 1).await, all[2..3]);
    assert_eq!(taken(6, 10).await, []);
}

async fn a_closed_batch_answers_its_key_with_what_was_answered(mut cx: World) {
    let mut new = new_batch(BatchId(cx.id()));
    let mut key = once("upload", 0, cx.now);
    key.answer = None;
    new.once = Some(key.clone());
    let opened = cx.store.open_batch(&account(), new.clone(), cx.now).await;
    opened.unwrap();
    assert!(cx.store.once(&account(), "upload").await.unwrap().is_none());
    key.body = [9; 32];
    key.answer = Some("all taken".into());
    let closed = cx.store.close_batch(new.id, 2, Some(key.clone()), cx.now);
    closed.await.unwrap();
    cx.reopen().await;

    let before = OpenedBatch::Before {
        id: new.id,
        body: [9; 32],
        answer: Some("all taken".into()),
    };
    let opened = cx.store.open_batch(&account(), new.clone(), cx.now).await;
    assert_eq!(opened.unwrap(), before);
    let kept = cx.store.once(&account(), "upload").await.unwrap();
    assert_eq!(kept, Some(key));
    let shown = cx.store.batch(None, new.id).await.unwrap().unwrap();
    assert_eq!((shown.n_rejected, shown.closed_at), (2, Some(cx.now)));
}

async fn a_key_of_a_message_opens_no_batch(mut cx: World) {
    let mut message = cx.new_message();
    message.once = Some(once("k", 1, cx.now));
    cx.accept(vec![message]).await;
    let mut new = new_batch(BatchId(cx.id()));
    new.once = Some(once("k", 1, cx.now));
    let opened = cx.store.open_batch(&account(), new, cx.now).await;
    assert_eq!(opened.unwrap_err().kind(), StoreErrorKind::Conflict);

    // Nor does a batch's key take a message.
    let mut new = new_batch(BatchId(cx.id()));
    new.once = Some(once("b", 1, cx.now));
    cx.store.open_batch(&account(), new, cx.now).await.unwrap();
    let mut message = cx.new_message();
    message.once = Some(once("b", 1, cx.now));
    assert_eq!(cx.offer(vec![message]).await, [Taken::OtherRequest]);
}

async fn a_batch_that_takes_rows_is_joined_by_its_reference(mut cx: World) {
    let mut new = new_batch(BatchId(cx.id()));
    new.reference = Some("spring".into());
    new.joins = true;
    cx.store
        .open_batch(&account(), new.clone(), cx.now)
        .await
        .unwrap();
    let mut joining = new.clone();
    joining.id = BatchId(cx.id());
    let opened = cx
        .store
        .open_batch(&account(), joining.clone(), cx.now)
        .await;
    assert_eq!(opened.unwrap(), OpenedBatch::Resumed(new.id));
    cx.close_batch(new.id).await;
    let opened = cx
        .store
        .open_batch(&account(), joining.clone(), cx.now)
        .await;
    assert_eq!(opened.unwrap(), OpenedBatch::New(joining.id));
    let named = cx.store.batch_named(&account(), "spring").await.unwrap();
    assert_eq!(named.unwrap().id, joining.id);
}

async fn the_quota_is_used_up_to_the_part(mut cx: World) {
    cx.account_with(Some(6)).await;
    let parts = [3, 4, 2, 1, 1];
    let messages = parts.map(|parts| {
        let mut message = cx.new_message();
        message.parts = parts;
        message
    });
    let taken = cx.offer(messages.to_vec()).await;
    let (new, over) = (Taken::New, Taken::OverQuota);
    assert_eq!(taken, [new.clone(), over.clone(), new.clone(), new, over]);
    cx.reopen().await;
    let kept = cx.store.account(&account()).await.unwrap().unwrap();
    assert_eq!(kept.quota, Some(0));

    let change = AccountChange {
        quota: Some(None),
        ..AccountChange::default()
    };
    cx.store.change_account(&account(), change).await.unwrap();
    cx.queue(3).await;
}

async fn racing_requests_never_overdraw_the_quota(mut cx: World) {
    cx.account_with(Some(10)).await;
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut message = cx.new_message();
        message.parts = 3;
        let (store, now) = (Arc::clone(&cx.store), cx.now);
        racing.spawn(async move { store.accept(&account(), vec![message], now).await });
    }
    let taken = racing.join_all().await.into_iter();
    let taken = taken.filter(|taken| taken.as_ref().unwrap()[0] == Taken::New);
    assert_eq!(taken.count(), 3);
    let kept = cx.store.account(&account()).await.unwrap().unwrap();
    assert_eq!(kept.quota, Some(1));
}

async fn what_is_refused_leaves_nothing_behind(mut cx: World) {
    let mut rows = vec![cx.new_message(), cx.new_message()];
    rows[1].batch = Some(BatchPlace {
        batch: BatchId(cx.id()),
        index: 0,
    });
    let refused = cx.store.accept(&account(), rows, cx.now).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::NotFound);
    assert!(cx.lease(10).await.is_empty());
    assert!(cx.all_events().await.is_empty());

    cx.account_with(Some(0)).await;
    let mut message = cx.new_message();
    message.once = Some(once("k", 1, cx.now));
    assert_eq!(cx.offer(vec![message]).await, [Taken::OverQuota]);
    assert!(cx.store.once(&account(), "k").await.unwrap().is_none());
}

async fn a_message_without_a_lane_is_held(mut cx: World) {
    let mut message = cx.new_message();
    message.lane = None;
    let id = cx.accept(vec![message]).await[0];
    let no_route = MessageState::Held(HeldReason::NoRoute);
    assert_eq!(cx.state(id).await, no_route);
    // Its time may come, but there is no lane that it could wait for.
    let mut message = cx.new_message();
    message.lane = None;
    message.hold = Some(held(HeldReason::NoRoute, Some(cx.after(60))));
    let other = cx.accept(vec![message]).await[0];
    cx.wait(Duration::from_mins(1));
    assert_eq!(cx.repair().await.released, 0);
    assert_eq!(cx.state(other).await, no_route);

    let lane = LaneId::from("south");
    let released = cx.store.release(vec![(id, lane.clone())], cx.now).await;
    assert_eq!(released.unwrap(), 1);
    assert_eq!(cx.history(id).await.message.lane, Some(lane));
    assert_eq!(cx.lease_on("south", "node-1", 5).await[0].id, id);
}
