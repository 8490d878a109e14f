//! Accounts, keys, tokens, address books, opt-outs, texts from phones.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use tidings_core::Media;
use tidings_store::{
    AccountChange, ContactId, ConversationEntry, ConversationId, EventKind, GroupId, InboundFile,
    InboundId, KeyId, KeyUse, LaneMemory, OptOut, PageRequest, StoreErrorKind, StoredContact,
    StoredConversation, StoredGroup, StoredInbound, StoredKey, StoredToken,
};

use super::world::{World, account, lane, number};
use super::{Behaviour, rows};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        an_account_is_added_once_and_changed,
        a_key_is_found_by_its_public_part,
        a_token_is_good_until_its_time_is_over,
        a_secret_is_the_first_that_was_drawn,
        a_number_is_in_an_address_book_once,
        groups_have_members_and_a_name_once,
        an_opt_out_counts_for_its_sender_or_for_all,
        a_text_from_a_phone_is_kept_once,
        the_file_of_a_text_from_a_phone_is_kept_once,
        a_conversation_has_texts_in_both_directions,
        conversations_are_listed_the_latest_first,
        lanes_remember,
    }
}

async fn an_account_is_added_once_and_changed(mut cx: World) {
    cx.account_with(Some(5)).await;
    let account = cx.store.account(&account()).await.unwrap().unwrap();
    let refused = cx.store.add_account(account.clone()).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Conflict);
    let change = AccountChange {
        settings: Some(r#"{"policy":"at_most_once"}"#.into()),
        is_active: Some(false),
        ..AccountChange::default()
    };
    cx.store.change_account(&account.id, change).await.unwrap();
    let nothing = AccountChange::default();
    let refused = cx.store.change_account(&"nobody".into(), nothing).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::NotFound);
    cx.reopen().await;
    let kept = cx.store.accounts().await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(&*kept[0].settings, r#"{"policy":"at_most_once"}"#);
    assert_eq!((kept[0].quota, kept[0].is_active), (Some(5), false));
    assert_eq!((kept[0].version, kept[0].created_at), (2, cx.now));
}

fn key(cx: &mut World, lookup: &str) -> StoredKey {
    StoredKey {
        id: KeyId(cx.id()),
        account: account(),
        api: "tidings".into(),
        lookup: lookup.into(),
        hash: [3; 32],
        label: Some("shop".into()),
        scopes: vec!["send".into(), "read".into()],
        networks: vec!["192.0.2.0/24".into()],
        details: None,
        created_at: cx.now,
        expires_at: Some(cx.after(60)),
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
    }
}

async fn a_key_is_found_by_its_public_part(mut cx: World) {
    cx.account_with(None).await;
    let first = key(&mut cx, "abc");
    cx.store.add_key(first.clone()).await.unwrap();
    let same = key(&mut cx, "abc");
    let refused = cx.store.add_key(same.clone()).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Conflict);
    let other_api = StoredKey {
        api: "somebody".into(),
        ..same
    };
    cx.store.add_key(other_api).await.unwrap();
    let from = "192.0.2.7".parse().ok();
    let uses = vec![KeyUse {
        id: first.id,
        at: cx.after(5),
        from,
    }];
    cx.store.note_uses(uses).await.unwrap();
    cx.store.revoke_key(first.id, cx.after(9)).await.unwrap();
    let nothing = KeyId(cx.id());
    let refused = cx.store.revoke_key(nothing, cx.now).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::NotFound);
    cx.reopen().await;
    let kept = cx.store.key("tidings", "abc").await.unwrap().unwrap();
    assert_eq!((kept.id, kept.hash), (first.id, first.hash));
    assert_eq!((kept.scopes, kept.networks), (first.scopes, first.networks));
    assert_eq!(
        (kept.expires_at, kept.revoked_at),
        (first.expires_at, Some(cx.after(9)))
    );
    assert_eq!(
        (kept.last_used_at, kept.last_used_from),
        (Some(cx.after(5)), from)
    );
    assert!(cx.store.key("tidings", "xyz").await.unwrap().is_none());
    assert_eq!(cx.store.keys(Some(&account())).await.unwrap().len(), 2);
    let others = Some("other".into());
    assert!(cx.store.keys(others.as_ref()).await.unwrap().is_empty());
    assert_eq!(cx.store.keys(None).await.unwrap().len(), 2);
}

async fn a_token_is_good_until_its_time_is_over(mut cx: World) {
    cx.account_with(None).await;
    let key = key(&mut cx, "abc");
    cx.store.add_key(key.clone()).await.unwrap();
    let token = |hash: u8, expires_at| StoredToken {
        hash: [hash; 32],
        kind: "access".into(),
        account: account(),
        key: key.id,
        identity: Some("anna@example.org".into()),
        issued_at: key.created_at,
        expires_at,
    };
    let tokens = vec![token(1, Some(cx.after(60))), token(2, None), token(3, None)];
    cx.store.add_tokens(tokens).await.unwrap();
    cx.reopen().await;
    let good = cx.store.token(&[1; 32], cx.now).await.unwrap().unwrap();
    assert_eq!((good.key, &*good.kind), (key.id, "access"));
    assert!(cx.store.token(&[9; 32], cx.now).await.unwrap().is_none());
    cx.wait(Duration::from_mins(1));
    assert!(cx.store.token(&[1; 32], cx.now).await.unwrap().is_none());
    assert_eq!(cx.repair().await.removed, 1);
    assert!(cx.store.remove_token(&[2; 32]).await.unwrap());
    assert!(!cx.store.remove_token(&[2; 32]).await.unwrap());
    let whose = "anna@example.org";
    let removed = cx.store.remove_tokens_of(&account(), whose).await;
    assert_eq!(removed.unwrap(), 1);
}

fn contact(cx: &mut World, place: u128) -> StoredContact {
    StoredContact {
        id: ContactId(cx.id()),
        phone: number(place),
        first_name: "Anna".into(),
        last_name: "Berg".into(),
        zone: "Europe/Oslo".parse().ok(),
        fields: Some(r#"{"city":"Oslo"}"#.into()),
        created_at: cx.now,
    }
}

async fn a_secret_is_the_first_that_was_drawn(mut cx: World) {
    let check = async |cx: &World, name: &str, drawn: &str, expected: &str| {
        let kept = cx.store.secret(name, drawn.to_owned().into()).await;
        assert_eq!(kept.unwrap().expose_secret(), expected, "{name}");
    };
    check(&cx, "tokens", "first", "first").await;
    check(&cx, "tokens", "second", "first").await;
    check(&cx, "others", "third", "third").await;
    cx.reopen().await;
    check(&cx, "tokens", "fourth", "first").await;
}

async fn a_number_is_in_an_address_book_once(mut cx: World) {
    let contacts = vec![contact(&mut cx, 1), contact(&mut cx, 2)];
    let ids = cx.store.put_contacts(&account(), contacts.clone()).await;
    let ids = ids.unwrap();
    assert_eq!(ids, [contacts[0].id, contacts[1].id]);
    let since = cx.now;
    cx.wait(Duration::from_secs(1));
    let mut changed = contact(&mut cx, 1);
    changed.first_name = "Bjørn".into();
    changed.zone = None;
    let same = cx.store.put_contacts(&account(), vec![changed]).await;
    assert_eq!(same.unwrap(), [ids[0]]);
    cx.reopen().await;
    assert_eq!(cx.store.count_contacts(&account()).await.unwrap(), 2);
    let kept = cx.store.contact(&account(), ids[0]).await.unwrap().unwrap();
    assert_eq!((&*kept.first_name, kept.created_at), ("Bjørn", since));
    let numbers = [number(2), number(1), number(9)];
    let zones = cx.store.zones_of(&account(), &numbers).await.unwrap();
    assert_eq!(zones, ["Europe/Oslo".parse().ok(), None, None]);
    let other = "other".into();
    assert!(cx.store.contact(&other, ids[0]).await.unwrap().is_none());
    assert!(!cx.store.remove_contact(&other, ids[0]).await.unwrap());
    assert!(cx.store.remove_contact(&account(), ids[0]).await.unwrap());
    assert!(!cx.store.remove_contact(&account(), ids[0]).await.unwrap());
    assert_eq!(cx.store.count_contacts(&account()).await.unwrap(), 1);
}

async fn groups_have_members_and_a_name_once(mut cx: World) {
    let contacts: Vec<_> = (1..=3).map(|place| contact(&mut cx, place)).collect();
    let ids = cx.store.put_contacts(&account(), contacts).await.unwrap();
    let group = StoredGroup {
        id: GroupId(cx.id()),
        name: "Parents".into(),
        n_members: 0,
        created_at: cx.now,
    };
    cx.store.add_group(&account(), group.clone()).await.unwrap();
    let same_name = StoredGroup {
        id: GroupId(cx.id()),
        ..group.clone()
    };
    let refused = cx.store.add_group(&account(), same_name).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Conflict);
    let members = vec![ids[2], ids[0], ids[0]];
    cx.store
        .add_members(&account(), group.id, members)
        .await
        .unwrap();
    let nobody = vec![ids[1], ContactId(cx.id())];
    let refused = cx.store.add_members(&account(), group.id, nobody).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::NotFound);
    let no_group = GroupId(cx.id());
    let refused = cx.store.add_members(&account(), no_group, vec![]).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::NotFound);
    cx.reopen().await;
    assert_eq!(cx.store.groups(&account()).await.unwrap()[0].n_members, 2);
    let page = PageRequest::default();
    let whose = account();
    let members = cx.store.contacts(&whose, Some(group.id), page.clone());
    let members: Vec<_> = members
        .await
        .unwrap()
        .items
        .iter()
        .map(|it| it.id)
        .collect();
    assert_eq!(members, [ids[0], ids[2]], "in the order of the book");
    cx.store
        .remove_members(&account(), group.id, vec![ids[0]])
        .await
        .unwrap();
    cx.store.remove_contact(&account(), ids[2]).await.unwrap();
    assert_eq!(cx.store.groups(&account()).await.unwrap()[0].n_members, 0);
    assert!(cx.store.remove_group(&account(), group.id).await.unwrap());
    assert!(!cx.store.remove_group(&account(), group.id).await.unwrap());
    assert_eq!(cx.store.count_contacts(&account()).await.unwrap(), 2);
}

async fn an_opt_out_counts_for_its_sender_or_for_all(mut cx: World) {
    let opt_out = |place, sender: Option<&str>| OptOut {
        phone: number(place),
        sender: sender.map(Into::into),
        source: "inbound".into(),
        word: Some("stop".into()),
        since: super::world::beginning(),
    };
    let outs = vec![
        opt_out(1, None),
        opt_out(2, Some("Ecole")),
        opt_out(1, None),
    ];
    let added = cx.store.add_opt_outs(&account(), outs, cx.now).await;
    assert_eq!(added.unwrap(), 2);
    cx.reopen().await;
    let numbers = [number(1), number(2), number(3)];
    let out = async |cx: &World, sender| {
        let out = cx.store.opted_out(&account(), sender, &numbers).await;
        out.unwrap()
    };
    assert_eq!(out(&cx, None).await, [true, false, false]);
    assert_eq!(out(&cx, Some("Ecole")).await, [true, true, false]);
    assert_eq!(out(&cx, Some("Acme")).await, [true, false, false]);
    let other = cx.store.opted_out(&"other".into(), None, &numbers).await;
    assert_eq!(other.unwrap(), [false, false, false]);
    let listed = cx.store.opt_outs(&account(), PageRequest::default()).await;
    let listed = listed.unwrap().items;
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (listed[0].phone, listed[0].sender.as_deref()),
        (number(2), Some("Ecole"))
    );

    let removed = cx
        .store
        .remove_opt_outs(&account(), &number(1), cx.now)
        .await;
    assert!(removed.unwrap());
    let removed = cx
        .store
        .remove_opt_outs(&account(), &number(1), cx.now)
        .await;
    assert!(!removed.unwrap());
    assert_eq!(out(&cx, None).await, [false, false, false]);
    let events = cx.all_events().await;
    let kinds: Vec<_> = events.iter().map(|it| it.kind).collect();
    let expected = [EventKind::OptedOut, EventKind::OptedOut, EventKind::OptedIn];
    assert_eq!(kinds, expected);
    assert!(events[1].detail.as_deref().unwrap().contains("Ecole"));
}

fn text(cx: &mut World, provider_id: &str, conversation: &str) -> StoredInbound {
    StoredInbound {
        id: InboundId(cx.id()),
        account: account(),
        lane: lane(),
        provider_id: provider_id.into(),
        from: "+4740000001".into(),
        to: "2012".into(),
        text: "Takk".into(),
        conversation: conversation.into(),
        keyword: None,
        asks_for: None,
        their_time: Some(cx.now),
        received_at: cx.now,
        file: None,
    }
}

async fn a_text_from_a_phone_is_kept_once(mut cx: World) {
    let first = text(&mut cx, "t-1", "c");
    let same = text(&mut cx, "t-1", "c");
    let mut elsewhere = text(&mut cx, "t-1", "c");
    elsewhere.lane = "south".into();
    let added = cx
        .store
        .add_inbound(vec![first.clone(), same, elsewhere], cx.now)
        .await;
    assert_eq!(added.unwrap(), [true, false, true]);
    cx.reopen().await;
    let again = text(&mut cx, "t-1", "c");
    let added = cx.store.add_inbound(vec![again], cx.now).await;
    assert_eq!(added.unwrap(), [false]);
    let page = PageRequest::default();
    let kept = cx
        .store
        .inbound(Some(&account()), page)
        .await
        .unwrap()
        .items;
    assert_eq!(kept.len(), 2);
    assert_eq!((kept[1].id, &kept[1].text), (first.id, &first.text));
    let events = cx.all_events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(
        (events[0].kind, &events[0].lane),
        (EventKind::Inbound, &Some(lane()))
    );
    let detail: serde_json::Value =
        serde_json::from_str(events[0].detail.as_deref().unwrap()).unwrap();
    assert_eq!(detail["text"], "Takk");
    assert_eq!(detail["id"], first.id.to_string());
}

async fn the_file_of_a_text_from_a_phone_is_kept_once(mut cx: World) {
    let mut heard = text(&mut cx, "t-1", "c");
    heard.file = Some(Box::new(InboundFile {
        mime_type: "image/png".into(),
        bytes: Some(3),
        session: "s-1".into(),
    }));
    let (id, file) = (heard.id, heard.file.clone());
    cx.store.add_inbound(vec![heard], cx.now).await.unwrap();
    let (kept, media) = cx.store.inbound_file(id).await.unwrap().unwrap();
    assert_eq!((kept.file, media), (file.clone(), None));
    let picture = Media::new("image/png", &b"png"[..]).unwrap().name("a.png");
    let keep = |media: &Media| cx.store.keep_inbound_file(id, media.clone());
    assert!(keep(&picture).await.unwrap());
    let other = Media::new("image/gif", &b"gif"[..]).unwrap();
    assert!(!keep(&other).await.unwrap());
    cx.reopen().await;
    let (kept, media) = cx.store.inbound_file(id).await.unwrap().unwrap();
    assert_eq!((kept.file, media), (file, Some(picture)));
    let nobodys = InboundId(cx.id());
    assert!(cx.store.inbound_file(nobodys).await.unwrap().is_none());
    let refused = cx.store.keep_inbound_file(nobodys, other).await;
    assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::NotFound);
}

async fn a_conversation_has_texts_in_both_directions(mut cx: World) {
    let conversation = ConversationId::from("c");
    let mut message = cx.new_message();
    message.conversation = Some(conversation.clone());
    let id = cx.accept(vec![message]).await[0];
    cx.wait(Duration::from_secs(1));
    let reply = text(&mut cx, "t-1", "c");
    cx.store
        .add_inbound(vec![reply.clone()], cx.now)
        .await
        .unwrap();
    let made = cx
        .store
        .conversation(&account(), &conversation)
        .await
        .unwrap();
    let made = made.unwrap();
    assert_eq!(made.participants, ["+4740000001".into()]);
    assert_eq!((made.ours.as_deref(), made.is_read), (Some("2012"), false));
    assert_eq!(made.changed_at, cx.now);
    cx.wait(Duration::from_secs(1));
    let mut message = cx.new_message();
    message.conversation = Some(conversation.clone());
    let answer = cx.accept(vec![message]).await[0];
    let after = cx
        .store
        .conversation(&account(), &conversation)
        .await
        .unwrap();
    assert_eq!(after.unwrap().changed_at, cx.now);
    let page = PageRequest::default();
    let whose = account();
    let entries = cx.store.conversation_entries(&whose, &conversation, page);
    let entries = entries.await.unwrap().items;
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| match entry {
            ConversationEntry::Inbound(text) => text.id.0,
            ConversationEntry::Outbound(message) => message.id.0,
            ConversationEntry::Gone(id) => id.0,
        })
        .collect();
    assert_eq!(shown, [answer.0, reply.id.0, id.0]);
    assert!(
        cx.store
            .remove_conversation(&account(), &conversation)
            .await
            .unwrap()
    );
    assert!(
        !cx.store
            .remove_conversation(&account(), &conversation)
            .await
            .unwrap()
    );
    let kept = cx
        .store
        .inbound(None, PageRequest::default())
        .await
        .unwrap();
    assert_eq!(kept.items.len(), 1, "its texts stay");
}

async fn conversations_are_listed_the_latest_first(mut cx: World) {
    for (place, owner) in [("a", Some("anna")), ("b", None), ("c", Some("anna"))] {
        let conversation = StoredConversation {
            id: place.into(),
            account: account(),
            participants: vec!["+4740000001".into(), "+4740000002".into()],
            ours: None,
            owner: owner.map(Into::into),
            name: Some("Family".into()),
            is_read: true,
            details: Some("{}".into()),
            created_at: cx.now,
            changed_at: cx.now,
        };
        cx.store.put_conversation(conversation).await.unwrap();
        cx.wait(Duration::from_secs(1));
    }
    let late = text(&mut cx, "t-1", "a");
    cx.store.add_inbound(vec![late], cx.now).await.unwrap();
    cx.reopen().await;
    let listed = async |cx: &World, owner| {
        let page = PageRequest::default();
        let page = cx
            .store
            .conversations(&account(), owner, page)
            .await
            .unwrap();
        let ids = page.items.iter().map(|it| it.id.to_string());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(listed(&cx, None).await, ["a", "c", "b"]);
    assert_eq!(listed(&cx, Some("anna")).await, ["a", "c"]);
    let a = cx
        .store
        .conversation(&account(), &"a".into())
        .await
        .unwrap();
    let a = a.unwrap();
    assert_eq!((a.participants.len(), a.is_read), (2, false));
    assert_eq!(a.name.as_deref(), Some("Family"));
}

async fn lanes_remember(mut cx: World) {
    let memory = |lane: &str, memory: &str| LaneMemory {
        lane: lane.into(),
        memory: memory.into(),
    };
    let first = vec![memory("north", "1"), memory("south", "2")];
    cx.store.remember(first).await.unwrap();
    cx.store.remember(vec![memory("north", "3")]).await.unwrap();
    cx.reopen().await;
    let kept = cx.store.lane_memories().await.unwrap();
    assert_eq!(kept, [memory("north", "3"), memory("south", "2")]);
    cx.store.check().await.unwrap();
}
