//! Long lists in pages: no gap and no repetition, also while rows are added.

use std::time::Duration;

use tidings_core::MessageState;
use tidings_store::{MessageFilter, MessageId, PageRequest, StoreErrorKind};

use super::world::{World, account, number, taken};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        messages_are_paged_without_gap_or_repetition_while_rows_are_added,
        contacts_are_paged_in_the_order_of_adding,
        batches_and_deliveries_are_paged,
        messages_are_found_by_every_condition,
        a_place_that_is_none_is_not_found,
    }
}

fn page(after: Option<Box<str>>, limit: usize) -> PageRequest {
    PageRequest { after, limit }
}

async fn messages_are_paged_without_gap_or_repetition_while_rows_are_added(mut cx: World) {
    let ids = cx.queue(23).await;
    let mut seen: Vec<MessageId> = Vec::new();
    let mut after = None;
    loop {
        let filter = MessageFilter {
            page: page(after, 5),
            ..MessageFilter::default()
        };
        let found = cx.store.messages(filter).await.unwrap();
        assert!(found.items.len() <= 5);
        seen.extend(found.items.iter().map(|it| it.id));
        // Newer ones come meanwhile, and older ones move.
        cx.queue(2).await;
        let sent = cx.send_one().await;
        cx.finish(sent, taken("p")).await;
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = ids.into_iter().rev().collect();
    assert_eq!(seen, expected);
}

async fn contacts_are_paged_in_the_order_of_adding(mut cx: World) {
    use tidings_store::{ContactId, StoredContact};
    let contacts = (0..7).map(|place| StoredContact {
        id: ContactId(cx.id()),
        phone: number(100 - place),
        first_name: "A".into(),
        last_name: "B".into(),
        zone: None,
        fields: None,
        created_at: cx.now,
    });
    let contacts: Vec<_> = contacts.collect();
    let ids = cx
        .store
        .put_contacts(&account(), contacts.clone())
        .await
        .unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let found = cx
            .store
            .contacts(&account(), None, page(after, 3))
            .await
            .unwrap();
        seen.extend(found.items.iter().map(|it| it.id));
        // A change moves nobody.
        cx.store
            .put_contacts(&account(), contacts[..1].to_vec())
            .await
            .unwrap();
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
}

async fn batches_and_deliveries_are_paged(mut cx: World) {
    let mut opened = Vec::new();
    for _ in 0..5 {
        opened.push(cx.open_batch().await);
    }
    opened.reverse();
    let first = cx
        .store
        .batches(Some(&account()), page(None, 2))
        .await
        .unwrap();
    let second = cx.store.batches(None, page(first.next, 3)).await.unwrap();
    assert!(second.next.is_none(), "the last page knows that it is");
    let seen = first.items.iter().chain(&second.items);
    assert_eq!(seen.map(|it| it.id).collect::<Vec<_>>(), opened);
    let other = "other".into();
    let none = cx.store.batches(Some(&other), page(None, 2)).await.unwrap();
    assert!(none.items.is_empty() && none.next.is_none());
}

async fn messages_are_found_by_every_condition(mut cx: World) {
    use tidings_core::{ClientRef, Tag};
    let (batch, rows) = cx.batch(2).await;
    cx.wait(Duration::from_secs(10));
    let mut special = cx.new_message();
    special.message = special
        .message
        .reference(ClientRef::new("r-1").unwrap())
        .tag(Tag::new("otp").unwrap());
    special.conversation = Some("c-1".into());
    special.lane = Some("south".into());
    let id = cx.accept(vec![special.clone()]).await[0];
    cx.wait(Duration::from_secs(10));
    let message = cx.new_message();
    let other = cx
        .store
        .accept(&"other".into(), vec![message.clone()], cx.now)
        .await;
    other.unwrap();
    let sent = cx.send_one().await;
    cx.finish(sent, taken("p")).await;

    let found = async |filter: MessageFilter| {
        let found = cx.store.messages(filter).await.unwrap().items;
        found.iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let all = MessageFilter::default;
    let ten_seconds = Duration::from_secs(10);
    let cases = [
        (all(), vec![message.id, id, rows[1], rows[0]]),
        (
            MessageFilter {
                account: Some(account()),
                ..all()
            },
            vec![id, rows[1], rows[0]],
        ),
        (
            MessageFilter {
                states: vec![MessageState::Submitted],
                ..all()
            },
            vec![rows[0]],
        ),
        (
            MessageFilter {
                to: Some(special.message.to),
                ..all()
            },
            vec![id],
        ),
        (
            MessageFilter {
                batch: Some(batch),
                ..all()
            },
            vec![rows[1], rows[0]],
        ),
        (
            MessageFilter {
                reference: Some("r-1".into()),
                ..all()
            },
            vec![id],
        ),
        (
            MessageFilter {
                tag: Some("otp".into()),
                ..all()
            },
            vec![id],
        ),
        (
            MessageFilter {
                lane: Some("south".into()),
                ..all()
            },
            vec![id],
        ),
        (
            MessageFilter {
                conversation: special.conversation,
                ..all()
            },
            vec![id],
        ),
        (
            MessageFilter {
                from: Some(cx.now),
                ..all()
            },
            vec![message.id],
        ),
        (
            MessageFilter {
                until: Some(cx.now.minus(ten_seconds)),
                ..all()
            },
            vec![rows[1], rows[0]],
        ),
        (
            MessageFilter {
                batch: Some(batch),
                lane: Some("south".into()),
                ..all()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        let what = format!("{filter:?}");
        assert_eq!(found(filter).await, expected, "{what}");
    }
}

async fn a_place_that_is_none_is_not_found(mut cx: World) {
    cx.queue(3).await;
    let filter = MessageFilter {
        page: page(Some("over there".into()), 2),
        ..MessageFilter::default()
    };
    let refused = cx.store.messages(filter).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::NotFound);
}
