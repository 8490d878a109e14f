//! What is told to customers' addresses, once for each event.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tidings_core::Timestamp;
use tidings_store::{
    AccountId, DeliveryEnd, DeliveryOutcome, DueDelivery, EventKind, NewEvent, PageRequest,
    StoredDelivery, StoredWebhook, WebhookChange, WebhookId, WebhookSecret,
};

use super::world::{NODE, World, account, lane, taken};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        a_webhook_is_told_each_event_once,
        a_webhook_is_told_what_it_asked_for,
        only_what_happens_from_then_on_is_told,
        a_webhook_that_is_off_is_not_told,
        what_is_leased_by_one_is_not_given_to_another,
        racing_callers_never_get_the_same_delivery,
        a_slow_receiver_holds_up_nobody,
        a_try_that_failed_comes_again,
        a_dead_delivery_is_not_tried_any_more,
        the_end_of_a_try_counts_once,
        since_when_a_webhook_fails_is_kept,
        replay_tells_everything_again,
        a_process_that_is_gone_holds_no_deliveries,
        removing_a_webhook_removes_what_is_due_to_it,
        a_webhook_is_changed_in_what_is_said,
        a_secret_is_replaced_with_an_overlap,
        somebody_listens_or_nobody,
    }
}

/// A webhook of the account that is told everything.
fn hook(cx: &mut World) -> StoredWebhook {
    StoredWebhook {
        id: WebhookId(cx.id()),
        account: Some(account()),
        url: "https://hooks.example/a".into(),
        kinds: Vec::new(),
        format: "standard".into(),
        details: None,
        secrets: vec![WebhookSecret {
            secret: "whsec_one".into(),
            until: None,
        }],
        label: Some("ours".into()),
        is_enabled: true,
        disabled_because: None,
        failing_since: None,
        expires_at: None,
        created_at: cx.now,
    }
}

async fn added(cx: &mut World) -> WebhookId {
    let hook = hook(cx);
    let id = hook.id;
    cx.store.add_webhook(hook).await.unwrap();
    id
}

async fn due(cx: &World, limit: usize) -> Vec<DueDelivery> {
    let node = NODE.into();
    let until = cx.after(30);
    let due = cx
        .store
        .lease_deliveries(&node, until, limit, limit, &[], cx.now);
    due.await.unwrap()
}

async fn end(cx: &World, delivery: &DueDelivery, outcome: DeliveryOutcome) {
    let end = DeliveryEnd {
        id: delivery.id,
        webhook: delivery.webhook,
        outcome,
        status: Some(503),
        error: Some("busy".into()),
        took_ms: 12,
    };
    cx.store.finish_deliveries(vec![end], cx.now).await.unwrap();
}

async fn listed(cx: &World, id: WebhookId) -> Vec<StoredDelivery> {
    let page = cx.store.deliveries(id, PageRequest::default()).await;
    page.unwrap().items
}

fn words(due: &[DueDelivery]) -> Vec<&'static str> {
    due.iter().map(|it| it.event.kind.as_str()).collect()
}

async fn a_webhook_is_told_each_event_once(mut cx: World) {
    let id = added(&mut cx).await;
    let message = cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    cx.reopen().await;
    let events = cx.all_events().await;
    let due_now = due(&cx, 10).await;
    let told: Vec<_> = due_now.iter().map(|it| it.event.clone()).collect();
    assert_eq!(told, events, "the oldest first, and whole");
    assert!(due_now.iter().all(|it| it.webhook == id && it.n_tries == 0));
    assert!(due_now.iter().all(|it| it.event.message == Some(message)));
    for delivery in &due_now {
        end(&cx, delivery, DeliveryOutcome::Done).await;
    }
    cx.wait(Duration::from_hours(1));
    assert!(due(&cx, 10).await.is_empty());
    assert_eq!(cx.store.next_delivery().await.unwrap(), None);
    let done = listed(&cx, id).await;
    assert!(
        done.iter()
            .all(|it| &*it.state == "done" && it.n_tries == 1)
    );
    assert_eq!(cx.store.depth().await.unwrap().deliveries, 0);
}

async fn a_webhook_is_told_what_it_asked_for(mut cx: World) {
    let mut choosy = hook(&mut cx);
    choosy.kinds = vec![EventKind::Submitted, EventKind::Canceled];
    cx.store.add_webhook(choosy.clone()).await.unwrap();
    let mut theirs = hook(&mut cx);
    theirs.account = Some("other".into());
    cx.store.add_webhook(theirs).await.unwrap();
    let mut operators = hook(&mut cx);
    operators.account = None;
    cx.store.add_webhook(operators.clone()).await.unwrap();

    cx.queue_one().await;
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;
    let event = NewEvent {
        at: cx.now,
        kind: EventKind::LaneDown,
        account: None,
        batch: None,
        lane: Some(lane()),
        detail: None,
    };
    cx.store.record(vec![event]).await.unwrap();
    let due = due(&cx, 10).await;
    assert_eq!(words(&due), ["message.submitted", "lane.down"]);
    assert_eq!((due[0].webhook, due[1].webhook), (choosy.id, operators.id));
}

async fn only_what_happens_from_then_on_is_told(mut cx: World) {
    cx.queue_one().await;
    added(&mut cx).await;
    assert!(due(&cx, 10).await.is_empty());
    cx.send_one().await;
    assert_eq!(words(&due(&cx, 10).await), ["message.sending"]);
}

async fn a_webhook_that_is_off_is_not_told(mut cx: World) {
    let id = added(&mut cx).await;
    let mut over = hook(&mut cx);
    over.expires_at = Some(cx.now);
    cx.store.add_webhook(over).await.unwrap();
    cx.queue_one().await;
    let off = WebhookChange {
        is_enabled: Some(false),
        disabled_because: Some("it failed for three days".into()),
        ..WebhookChange::default()
    };
    let changed = cx.store.change_webhook(id, off).await.unwrap();
    assert!(!changed.is_enabled);
    cx.queue_one().await;
    assert!(due(&cx, 10).await.is_empty());
    assert_eq!(cx.store.next_delivery().await.unwrap(), None);
    let on = WebhookChange {
        is_enabled: Some(true),
        ..WebhookChange::default()
    };
    let changed = cx.store.change_webhook(id, on).await.unwrap();
    assert_eq!(
        (changed.disabled_because, changed.failing_since),
        (None, None)
    );
    // What was due before waits; what happened meanwhile can be replayed.
    assert_eq!(due(&cx, 10).await.len(), 1);
}

async fn what_is_leased_by_one_is_not_given_to_another(mut cx: World) {
    added(&mut cx).await;
    cx.queue(3).await;
    assert_eq!(due(&cx, 2).await.len(), 2);
    assert_eq!(due(&cx, 10).await.len(), 1);
    assert!(due(&cx, 10).await.is_empty());
    assert_eq!(cx.store.next_delivery().await.unwrap(), Some(cx.after(30)));
    cx.wait(Duration::from_secs(30));
    assert_eq!(due(&cx, 10).await.len(), 3, "whoever had them is gone");
}

async fn racing_callers_never_get_the_same_delivery(mut cx: World) {
    added(&mut cx).await;
    cx.queue(100).await;
    let mut racing = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let (store, now, until) = (Arc::clone(&cx.store), cx.now, cx.after(30));
        racing.spawn(async move {
            let node = format!("node-{worker}").into();
            let mut mine = Vec::new();
            loop {
                let due = store.lease_deliveries(&node, until, 7, 7, &[], now).await;
                let due = due.unwrap();
                if due.is_empty() {
                    return mine;
                }
                mine.extend(due.into_iter().map(|it| it.id));
            }
        });
    }
    let got = racing.join_all().await.concat();
    assert_eq!(got.len(), 100);
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>().len(), 100);
}

async fn a_slow_receiver_holds_up_nobody(mut cx: World) {
    let slow = added(&mut cx).await;
    let quick = added(&mut cx).await;
    cx.queue(5).await;
    let node = NODE.into();
    let until = cx.after(30);
    let first = cx
        .store
        .lease_deliveries(&node, until, 5, 2, &[], cx.now)
        .await;
    let first = first.unwrap();
    let of = |due: &[DueDelivery], id| due.iter().filter(|it| it.webhook == id).count();
    assert_eq!((of(&first, slow), of(&first, quick)), (2, 2));
    let busy = [slow];
    let rest = cx
        .store
        .lease_deliveries(&node, until, 5, 5, &busy, cx.now)
        .await;
    let rest = rest.unwrap();
    assert_eq!((of(&rest, slow), of(&rest, quick)), (0, 3));
}

async fn a_try_that_failed_comes_again(mut cx: World) {
    let id = added(&mut cx).await;
    cx.queue_one().await;
    let first = due(&cx, 1).await;
    end(&cx, &first[0], DeliveryOutcome::Later(cx.after(100))).await;
    cx.reopen().await;
    assert_eq!(cx.store.next_delivery().await.unwrap(), Some(cx.after(100)));
    cx.wait(Duration::from_secs(99));
    assert!(due(&cx, 10).await.is_empty());
    cx.wait(Duration::from_secs(1));
    let second = due(&cx, 10).await;
    assert_eq!((second[0].id, second[0].n_tries), (first[0].id, 1));
    assert_eq!(second[0].created_at, first[0].created_at);
    let shown = &listed(&cx, id).await[0];
    assert_eq!((&*shown.state, shown.last_status), ("due", Some(503)));
    assert_eq!(shown.last_error.as_deref(), Some("busy"));
}

async fn a_dead_delivery_is_not_tried_any_more(mut cx: World) {
    let id = added(&mut cx).await;
    cx.queue_one().await;
    let first = due(&cx, 1).await;
    end(&cx, &first[0], DeliveryOutcome::Dead).await;
    cx.wait(Duration::from_hours(1_000));
    assert!(due(&cx, 10).await.is_empty());
    assert_eq!(&*listed(&cx, id).await[0].state, "dead");
}

async fn the_end_of_a_try_counts_once(mut cx: World) {
    let id = added(&mut cx).await;
    cx.queue_one().await;
    let first = due(&cx, 1).await;
    end(&cx, &first[0], DeliveryOutcome::Done).await;
    end(&cx, &first[0], DeliveryOutcome::Later(cx.now)).await;
    assert!(due(&cx, 10).await.is_empty());
    assert_eq!(listed(&cx, id).await[0].n_tries, 1);
}

async fn since_when_a_webhook_fails_is_kept(mut cx: World) {
    let id = added(&mut cx).await;
    cx.queue(3).await;
    let due = due(&cx, 10).await;
    let failing = async |cx: &World| {
        let hook = cx.store.webhook(id).await.unwrap();
        hook.unwrap().failing_since
    };
    assert_eq!(failing(&cx).await, None);
    let since = cx.now;
    end(&cx, &due[0], DeliveryOutcome::Later(cx.after(1))).await;
    cx.wait(Duration::from_secs(5));
    end(&cx, &due[1], DeliveryOutcome::Dead).await;
    assert_eq!(failing(&cx).await, Some(since));
    end(&cx, &due[2], DeliveryOutcome::Done).await;
    assert_eq!(failing(&cx).await, None);
}

async fn replay_tells_everything_again(mut cx: World) {
    let mut early = hook(&mut cx);
    early.kinds = vec![EventKind::Accepted];
    let id = early.id;
    cx.queue_one().await;
    cx.store.add_webhook(early).await.unwrap();
    cx.wait(Duration::from_secs(10));
    let since = cx.now;
    let ids = cx.queue(2).await;
    cx.send_one().await;
    let first = due(&cx, 10).await;
    for delivery in &first {
        end(&cx, delivery, DeliveryOutcome::Done).await;
    }
    assert_eq!(cx.store.replay(id, since, cx.now).await.unwrap(), 2);
    let again = due(&cx, 10).await;
    let messages: Vec<_> = again.iter().filter_map(|it| it.event.message).collect();
    assert_eq!(messages, ids);
    let names: BTreeSet<_> = first.iter().chain(&again).map(|it| it.id).collect();
    assert_eq!(names.len(), 4);
    // Also of what happened before the webhook was there.
    let all = cx.store.replay(id, Timestamp::UNIX_EPOCH, cx.now).await;
    assert_eq!(all.unwrap(), 3);
}

async fn a_process_that_is_gone_holds_no_deliveries(mut cx: World) {
    added(&mut cx).await;
    cx.queue(2).await;
    assert_eq!(due(&cx, 10).await.len(), 2);
    cx.reopen().await;
    cx.take_over().await;
    assert_eq!(due(&cx, 10).await.len(), 2);
}

async fn removing_a_webhook_removes_what_is_due_to_it(mut cx: World) {
    let id = added(&mut cx).await;
    cx.queue(2).await;
    assert!(cx.store.remove_webhook(id).await.unwrap());
    assert!(!cx.store.remove_webhook(id).await.unwrap());
    assert!(due(&cx, 10).await.is_empty());
    assert_eq!(cx.store.depth().await.unwrap().deliveries, 0);
    assert!(cx.store.webhook(id).await.unwrap().is_none());
}

async fn a_webhook_is_changed_in_what_is_said(mut cx: World) {
    let id = added(&mut cx).await;
    let change = WebhookChange {
        url: Some("https://hooks.example/b".into()),
        kinds: Some(vec![EventKind::Inbound]),
        details: Some("{}".into()),
        expires_at: Some(Some(cx.after(60))),
        ..WebhookChange::default()
    };
    cx.store.change_webhook(id, change).await.unwrap();
    cx.reopen().await;
    let kept = cx.store.webhooks(Some(&account())).await.unwrap().remove(0);
    assert_eq!(&*kept.url, "https://hooks.example/b");
    assert_eq!(kept.kinds, [EventKind::Inbound]);
    assert_eq!(kept.label.as_deref(), Some("ours"));
    assert_eq!(kept.details.as_deref(), Some("{}"));
    assert_eq!(kept.expires_at, Some(cx.after(60)));
    assert_eq!(kept.secrets[0].secret.expose_secret(), "whsec_one");
    let for_ever = WebhookChange {
        expires_at: Some(None),
        ..WebhookChange::default()
    };
    let kept = cx.store.change_webhook(id, for_ever).await.unwrap();
    assert_eq!(kept.expires_at, None);
    let other = cx.store.webhooks(Some(&AccountId::from("other"))).await;
    assert!(other.unwrap().is_empty());
    assert_eq!(cx.store.webhooks(None).await.unwrap().len(), 1);
}

async fn a_secret_is_replaced_with_an_overlap(mut cx: World) {
    let id = added(&mut cx).await;
    let overlap = cx.after(3_600);
    let rotate = async |cx: &World, secret: &str, overlap| {
        let secret = SecretString::from(secret);
        let rotated = cx.store.rotate_secret(id, secret, overlap, cx.now).await;
        let secrets = rotated.unwrap().secrets.into_iter();
        let secrets = secrets.map(|it| (it.secret.expose_secret().to_owned(), it.until));
        secrets.collect::<Vec<_>>()
    };
    let secrets = rotate(&cx, "whsec_two", overlap).await;
    let expected = [
        ("whsec_two".to_owned(), None),
        ("whsec_one".to_owned(), Some(overlap)),
    ];
    assert_eq!(secrets, expected);
    cx.wait(Duration::from_hours(1));
    let secrets = rotate(&cx, "whsec_three", cx.after(60)).await;
    let expected = [
        ("whsec_three".to_owned(), None),
        ("whsec_two".to_owned(), Some(cx.after(60))),
    ];
    assert_eq!(secrets, expected);
}

async fn somebody_listens_or_nobody(mut cx: World) {
    let mut hook = hook(&mut cx);
    hook.kinds = vec![EventKind::Inbound];
    cx.store.add_webhook(hook.clone()).await.unwrap();
    let ours = account();
    let listens = async |cx: &World, of: Option<&AccountId>, kind| {
        cx.store.is_listening(of, kind).await.unwrap()
    };
    assert!(listens(&cx, Some(&ours), EventKind::Inbound).await);
    assert!(!listens(&cx, Some(&ours), EventKind::Delivered).await);
    assert!(!listens(&cx, None, EventKind::Inbound).await);
    let off = WebhookChange {
        is_enabled: Some(false),
        ..WebhookChange::default()
    };
    cx.store.change_webhook(hook.id, off).await.unwrap();
    assert!(!listens(&cx, Some(&ours), EventKind::Inbound).await);
}
