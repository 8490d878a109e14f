//! Tests of messages that are sent again.

use tidings_core::{Media, Reason};
use tidings_store::{Begin, Fault, Finished, Next, Outcome};

use super::super::batch::{BatchRequest, Opened, open};
use super::super::resend::{ResendError, resend, resend_failed};
use super::*;

/// A batch of messages, of which every second one has failed.
async fn half_failed(harness: &Harness, n_rows: u32) -> BatchId {
    let request = BatchRequest::new("tidings");
    let opened = open(&harness.gateway, &harness.customer, request).await;
    let Opened::Rows(mut batch) = opened.unwrap() else {
        panic!("it is new");
    };
    let rows = (0..n_rows).map(|n| Draft::new(number(n), format!("row {n}")));
    batch.add(rows.collect()).await.unwrap();
    let id = batch.id();
    batch.close(None).await.unwrap();
    fail(harness, |index| index % 2 == 0).await;
    id
}

/// Leases everything, and lets those fail that are chosen.
async fn fail(harness: &Harness, chosen: impl Fn(u64) -> bool) {
    let now = harness.gateway.now();
    let store = harness.store();
    let leased = harness.lease("main", 10_000).await;
    let mut chosen_ones = Vec::new();
    for leased in leased {
        let message = harness.stored(leased.id).await;
        if chosen(message.batch.map_or(0, |place| place.index)) {
            chosen_ones.push(leased);
        }
    }
    let begin = chosen_ones.iter().map(|leased| Begin {
        key: leased.key,
        lease: leased.lease,
        from: None,
    });
    let begun = store.begin_attempts(begin.collect(), now).await.unwrap();
    let finished = chosen_ones.iter().zip(begun).map(|(leased, begun)| {
        let tidings_store::Begun::Go(attempt) = begun else {
            panic!("nothing stands in the way");
        };
        Finished {
            key: leased.key,
            attempt,
            outcome: Outcome::NotTaken {
                fault: Fault {
                    class: "invalid_recipient".into(),
                    code: None,
                    detail: None,
                },
                next: Next::Fail(Reason::InvalidRecipient),
            },
        }
    });
    store
        .finish_attempts(finished.collect(), now)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_failed_ones_of_a_batch_are_sent_again_once() {
    let harness = Harness::new().await;
    let old = half_failed(&harness, 6).await;
    let resent = resend_failed(&harness.gateway, &harness.customer, old)
        .await
        .unwrap();
    assert_eq!(resent.messages.len(), 3);
    let new = resent.batch.unwrap();
    for message in &resent.messages {
        let accepted = good(&message.verdict);
        assert!(!accepted.is_repeated);
        let (before, now) = (
            harness.stored(message.of).await,
            harness.stored(accepted.id).await,
        );
        assert_eq!(before.state, MessageState::Failed);
        assert_eq!((&before.text, before.to), (&now.text, now.to));
        assert_eq!(now.resend_of, Some(message.of));
        assert_eq!(now.batch.unwrap().batch, new);
    }
    let shown = harness.store().batch(None, new).await.unwrap().unwrap();
    assert_eq!((shown.resend_of, shown.n_messages()), (Some(old), 3));

    let again = resend_failed(&harness.gateway, &harness.customer, old)
        .await
        .unwrap();
    assert_eq!(again.batch, Some(new));
    assert_eq!(again.messages.len(), 3);
    for (first, second) in resent.messages.iter().zip(&again.messages) {
        assert_eq!(
            (first.of, good(&first.verdict).id),
            (second.of, good(&second.verdict).id)
        );
        assert!(good(&second.verdict).is_repeated);
    }
    assert_eq!(harness.all().await.len(), 9);
}

#[tokio::test]
async fn what_fails_later_is_added() {
    let harness = Harness::new().await;
    let old = half_failed(&harness, 2).await;
    let first = resend_failed(&harness.gateway, &harness.customer, old)
        .await
        .unwrap();
    assert_eq!(first.messages.len(), 1);
    // Row 1 was leased before; its lease runs out, and then it fails too.
    let later = harness.gateway.now().plus(Duration::from_mins(5));
    harness.clock.set(later);
    harness.store().repair(100, later).await.unwrap();
    fail(&harness, |index| index == 1).await;
    let second = resend_failed(&harness.gateway, &harness.customer, old)
        .await
        .unwrap();
    assert_eq!(second.batch, first.batch);
    let new = second
        .messages
        .iter()
        .filter(|it| !good(&it.verdict).is_repeated);
    assert_eq!((second.messages.len(), new.count()), (2, 1));
}

#[tokio::test]
async fn a_year_later_they_are_not_sent_again_either() {
    let harness = Harness::new().await;
    let old = half_failed(&harness, 2).await;
    resend_failed(&harness.gateway, &harness.customer, old)
        .await
        .unwrap();
    let later = at("2027-11-22T11:00:00Z");
    harness.clock.set(later);
    harness.store().repair(100, later).await.unwrap();
    let again = resend_failed(&harness.gateway, &harness.customer, old)
        .await
        .unwrap();
    let new = again
        .messages
        .iter()
        .filter(|it| !good(&it.verdict).is_repeated);
    // Row 1 has expired in the meantime; row 0 was sent again.
    assert_eq!((again.messages.len(), new.count()), (2, 1));
}

#[tokio::test]
async fn one_message_is_sent_again_once_alone_or_with_its_batch() {
    let harness = Harness::new().await;
    let old = half_failed(&harness, 4).await;
    let failed = harness.all().await;
    let failed: Vec<&StoredMessage> = failed
        .iter()
        .filter(|it| it.state == MessageState::Failed)
        .collect();
    let id = failed[0].id;
    let alone = resend(&harness.gateway, &harness.customer, id)
        .await
        .unwrap();
    assert!(!good(&alone).is_repeated);
    let again = resend(&harness.gateway, &harness.customer, id)
        .await
        .unwrap();
    assert_eq!(good(&again).id, good(&alone).id);
    assert!(good(&again).is_repeated);
    let all = resend_failed(&harness.gateway, &harness.customer, old)
        .await
        .unwrap();
    let of_it = all.messages.iter().find(|it| it.of == id).unwrap();
    assert_eq!(good(&of_it.verdict).id, good(&alone).id);
    assert!(good(&of_it.verdict).is_repeated);
}

#[tokio::test]
async fn what_has_not_come_to_nothing_is_not_sent_again() {
    let harness = Harness::new().await;
    let verdict = harness.accept_one(draft("a")).await;
    let id = good(&verdict).id;
    let refused = resend(&harness.gateway, &harness.customer, id)
        .await
        .unwrap_err();
    let said = refused.to_string();
    assert!(matches!(
        refused,
        ResendError::NotDead(MessageState::Queued)
    ));
    assert_eq!(
        said,
        "the message is queued; only one that failed, was undelivered or expired is sent again"
    );
    let nobody = MessageId(harness.gateway.new_id());
    let missing = resend(&harness.gateway, &harness.customer, nobody)
        .await
        .unwrap_err();
    assert!(matches!(missing, ResendError::NotFound("message")));
    let stranger = Customer::new("other".into(), AccountSettings::default());
    let theirs = resend(&harness.gateway, &stranger, id).await.unwrap_err();
    assert!(matches!(theirs, ResendError::NotFound("message")));
    let batch = BatchId(harness.gateway.new_id());
    let missing = resend_failed(&harness.gateway, &harness.customer, batch)
        .await
        .unwrap_err();
    assert!(matches!(missing, ResendError::NotFound("batch")));
}

#[tokio::test]
async fn a_batch_without_failed_ones_makes_no_batch() {
    let harness = Harness::new().await;
    let old = half_failed(&harness, 0).await;
    let resent = resend_failed(&harness.gateway, &harness.customer, old)
        .await
        .unwrap();
    assert_eq!(resent, resend::Resent::default());
}

#[tokio::test]
async fn the_text_is_the_customers_own_so_that_no_footer_comes_twice() {
    let routes = "[[routes]]\nlanes = [\"main\"]\nfooter = \"STOP ends this\"\n";
    let harness = Harness::with(routes, AccountSettings::default()).await;
    let verdict = harness.accept_one(draft("Hello")).await;
    let id = good(&verdict).id;
    fail(&harness, |_| true).await;
    let again = resend(&harness.gateway, &harness.customer, id)
        .await
        .unwrap();
    let stored = harness.stored(good(&again).id).await;
    assert_eq!(&*stored.text, "Hello\nSTOP ends this");
    assert_eq!(stored.original_text.as_deref(), Some("Hello"));
}

#[tokio::test]
async fn the_file_of_a_message_goes_with_it_again() {
    let harness = Harness::new().await;
    let mut capabilities = Capabilities::submit_only();
    capabilities.max_media_bytes = Some(1_000);
    accepting::replace_capabilities(&harness, "main", capabilities);
    let mut picture = draft("");
    let media = Media::new("image/png", &b"png"[..]).unwrap().name("a.png");
    picture.media = Some(media.clone());
    let verdict = harness.accept_one(picture).await;
    let id = good(&verdict).id;
    fail(&harness, |_| true).await;
    let again = resend(&harness.gateway, &harness.customer, id)
        .await
        .unwrap();
    let leased = harness.lease("main", 10).await;
    assert_eq!(leased[0].id, good(&again).id);
    assert_eq!(leased[0].message.media, Some(media));
}
