//! What only some providers have beside messages: files, times to wait for, an address book, batches,
//! conversations, subscriptions, numbers of one's own.

use std::time::Duration;

use tidings::conversations::{Direction, Page};
use tidings::numbers::OwnNumber;
use tidings::subscriptions::{NewSubscription, SubscriptionChange};
use tidings::{
    Clock as _, ErrorKind, ExposeSecret as _, Media, Outbound, Priority, ReportedState, SendWindow,
    SystemClock, TimeZone, Timestamp, ZonedTime,
};

use crate::behaviour::{Behaviour, rows};
use crate::context::{AT_ONCE, Context, Line, outbound};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        areas_are_there_exactly_where_the_capabilities_say_so: [],
        a_priority_and_a_validity_never_stand_in_the_way: [],
        a_message_waits_until_its_window_opens: [WINDOW, CLOCK],
        what_outlives_its_validity_does_not_arrive: [WINDOW, CLOCK],
        what_is_urgent_leaves_before_what_waits: [WINDOW, CLOCK],
        a_file_arrives_with_its_message: [MEDIA],
        a_file_can_be_fetched_again: [MEDIA, CONVERSATIONS],
        contacts_that_are_added_are_listed: [ADDRESS_BOOK],
        contacts_come_in_pages: [ADDRESS_BOOK],
        groups_that_are_made_are_listed: [ADDRESS_BOOK],
        a_message_to_a_group_reaches_its_members: [ADDRESS_BOOK],
        a_message_to_a_group_that_is_not_there_reaches_nobody: [ADDRESS_BOOK],
        a_batch_that_waits_is_listed_until_it_has_left: [BATCHES, CLOCK],
        a_stopped_batch_names_exactly_what_will_not_arrive: [BATCHES, CLOCK],
        a_batch_that_is_not_there_is_not_found: [BATCHES],
        a_message_opens_a_conversation_that_can_be_read: [CONVERSATIONS],
        a_text_from_a_phone_stands_in_its_conversation: [CONVERSATIONS],
        conversations_come_in_parts: [CONVERSATIONS],
        a_conversation_can_be_marked_as_read: [CONVERSATIONS],
        a_conversation_has_the_name_that_was_accepted_for_it: [CONVERSATIONS, PHONES_ONLY],
        a_deleted_conversation_is_not_found: [CONVERSATIONS],
        a_conversation_that_is_not_there_is_not_found: [CONVERSATIONS],
        a_subscription_is_kept_as_it_was_made: [SUBSCRIPTIONS],
        a_subscription_can_be_pointed_somewhere_else: [SUBSCRIPTIONS],
        a_subscription_that_has_ended_is_not_found: [SUBSCRIPTIONS],
        a_second_subscription_just_like_the_first_is_refused: [SUBSCRIPTIONS],
        the_numbers_are_listed_and_counted: [NUMBERS],
        a_number_can_be_added_and_taken_away: [NUMBERS, BOOKS],
    }
}

async fn areas_are_there_exactly_where_the_capabilities_say_so(cx: Context) {
    let line = cx.start("").await;
    for provider in [&line.bare, &line.provider] {
        let can = provider.capabilities();
        assert_eq!(provider.address_book().is_some(), can.address_book);
        assert_eq!(provider.batches().is_some(), can.batches);
        assert_eq!(provider.conversations().is_some(), can.conversations);
        assert_eq!(provider.subscriptions().is_some(), can.subscriptions);
        assert_eq!(provider.numbers().is_some(), can.numbers);
    }
}

// ---- messages with wishes ----

/// Where a provider cannot say them they are left out.
async fn a_priority_and_a_validity_never_stand_in_the_way(cx: Context) {
    let line = cx.start("").await;
    let mut rows = cx.rows(3);
    let wishes = [
        (Priority::Low, Duration::from_mins(5)),
        (Priority::High, Duration::from_hours(12)),
        (Priority::Normal, Duration::from_hours(24 * 7)),
    ];
    for (row, (priority, validity)) in rows.iter_mut().zip(wishes) {
        row.message.priority = priority;
        row.message.valid_for = Some(validity);
    }
    line.take_all(&rows).await;
    for row in &rows {
        assert_eq!(line.arrivals_of(row), 1, "{row:?}");
    }
}

/// Numbers of phones that have a message by now, by their place.
fn delivered(cx: Context, line: &Line) -> Vec<usize> {
    let arrived = line.arrived().into_iter();
    let mut delivered: Vec<_> = arrived
        .filter(|one| one.state == ReportedState::Delivered)
        .collect();
    delivered.sort_by_key(|one| one.left_at);
    let place = |to| (0..10).find(|place| cx.number(*place) == to);
    delivered
        .into_iter()
        .filter_map(|one| place(one.to))
        .collect()
}

async fn a_message_waits_until_its_window_opens(cx: Context) {
    let line = cx.start(AT_ONCE).await;
    // In a while by the client's clock, too, which is not the carrier's; vendors know whole seconds.
    let later = SystemClock::new().now().plus(Duration::from_hours(6));
    let opens = Timestamp::from_millis(later.as_millis() / 1000 * 1000).unwrap();
    let zone = TimeZone::named("Europe/Oslo").unwrap();
    let mut row = cx.row(0, "Bonjour");
    row.message.window = Some(SendWindow::from(ZonedTime::new(opens, &zone)));
    line.take(&row).await;
    let wait = opens.since(line.carrier.clock.now());
    line.wait(wait.saturating_sub(Duration::from_millis(1)));
    assert_eq!(delivered(cx, &line), [] as [usize; 0]);
    line.wait(Duration::from_millis(1));
    assert_eq!(delivered(cx, &line), [0]);
}

/// One message leaves in ten minutes: the first at once.
const VERY_SLOW: &str = "rate_per_s = 0.001\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n";

async fn what_outlives_its_validity_does_not_arrive(cx: Context) {
    let line = cx.start(VERY_SLOW).await;
    let mut rows = cx.rows(3);
    rows[1].message.valid_for = Some(Duration::from_mins(5));
    for row in &rows {
        line.take(row).await;
    }
    line.wait(Duration::from_hours(24));
    assert_eq!(delivered(cx, &line), [0, 2]);
    let states: Vec<ReportedState> = line.arrived().iter().map(|one| one.state).collect();
    assert_eq!(states[1], ReportedState::Expired);
}

async fn what_is_urgent_leaves_before_what_waits(cx: Context) {
    let line = cx.start(VERY_SLOW).await;
    let mut rows = cx.rows(4);
    rows[1].message.priority = Priority::Low;
    rows[3].message.priority = Priority::High;
    for row in &rows {
        line.take(row).await;
    }
    line.wait(Duration::from_hours(24));
    assert_eq!(delivered(cx, &line), [0, 3, 2, 1]);
}

// ---- files ----

fn picture(cx: Context) -> (Outbound, Media) {
    let content = [b"\x89PNG\r\n\x1a\n", &[7; 500][..]].concat();
    let media = Media::new("image/png", content).unwrap();
    let mut row = cx.row(0, "Voilà");
    row.message.media = Some(media.clone());
    (row, media)
}

async fn a_file_arrives_with_its_message(cx: Context) {
    let line = cx.start("").await;
    let (row, _) = picture(cx);
    line.take(&row).await;
    assert_eq!(line.arrivals_of(&row), 1);
}

async fn a_file_can_be_fetched_again(cx: Context) {
    let line = cx.start("").await;
    let (row, sent) = picture(cx);
    let about = line.take(&row).await.provider_ref;
    let conversations = line.provider.conversations().unwrap();
    let messages = conversations
        .messages(about.session.as_deref().unwrap(), Page::first(10))
        .await
        .unwrap();
    let stored = messages[0].media.as_ref().unwrap();
    let fetched = conversations.fetch(stored).await.unwrap();
    assert_eq!(fetched.mime_type(), sent.mime_type());
    assert_eq!(fetched.content(), sent.content());
}

// ---- address book ----

async fn contacts_that_are_added_are_listed(cx: Context) {
    let line = cx.start("").await;
    let book = line.provider.address_book().unwrap();
    let added = book
        .add_contact("Awa", "Diallo", &cx.number(0))
        .await
        .unwrap();
    assert_eq!((&*added.first_name, &*added.last_name), ("Awa", "Diallo"));
    book.add_contact("Binta", "Bah", &cx.number(1))
        .await
        .unwrap();
    let page = book.contacts(1, 10).await.unwrap();
    let mut names: Vec<&str> = page.contacts.iter().map(|one| &*one.first_name).collect();
    names.sort_unstable();
    assert_eq!(names, ["Awa", "Binta"]);
    let number = cx.number(0);
    let listed = page
        .contacts
        .iter()
        .find(|one| one.first_name == "Awa")
        .unwrap();
    assert!(listed.phone_number.ends_with(number.national_number()));
}

async fn contacts_come_in_pages(cx: Context) {
    let line = cx.start("").await;
    let book = line.provider.address_book().unwrap();
    for place in 0..5 {
        let name = format!("Name{place}");
        book.add_contact(&name, "Bah", &cx.number(place))
            .await
            .unwrap();
    }
    let mut seen = Vec::new();
    for page in 1..=3 {
        let page = book.contacts(page, 2).await.unwrap();
        assert!(page.contacts.len() <= 2);
        assert!(page.total.is_none_or(|total| total == 5));
        seen.extend(page.contacts.into_iter().map(|one| one.first_name));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert_eq!(book.contacts(4, 2).await.unwrap().contacts, []);
}

async fn groups_that_are_made_are_listed(cx: Context) {
    let line = cx.start("").await;
    let book = line.provider.address_book().unwrap();
    let made = book.create_group("Parents").await.unwrap();
    assert_eq!(made.name, "Parents");
    let groups = book.groups().await.unwrap();
    let [group] = &groups[..] else {
        panic!("{groups:?}")
    };
    assert_eq!((&group.id, &*group.name), (&made.id, "Parents"));
}

async fn a_message_to_a_group_reaches_its_members(cx: Context) {
    let line = cx.start("").await;
    let book = line.provider.address_book().unwrap();
    let group = book.create_group("Parents").await.unwrap();
    for place in 0..2 {
        book.add_contact("Awa", "Diallo", &cx.number(place))
            .await
            .unwrap();
    }
    book.add_contact("Binta", "Bah", &cx.number(2))
        .await
        .unwrap();
    // Some servers tell the id of a contact only in the list.
    for contact in book.contacts(1, 10).await.unwrap().contacts {
        if contact.first_name == "Awa" {
            book.add_to_group(&contact.id.unwrap(), &group.id)
                .await
                .unwrap();
        }
    }
    let sender = cx.sender();
    let sent = book
        .send_to_group(&group.id, "Réunion à 18 h", sender.as_ref())
        .await
        .unwrap();
    assert_eq!((sent.group_size, sent.queued), (2, 2));
    let mut reached: Vec<_> = line.arrived().into_iter().map(|one| one.to).collect();
    reached.sort_unstable();
    assert_eq!(reached, [cx.number(0), cx.number(1)]);
}

async fn a_message_to_a_group_that_is_not_there_reaches_nobody(cx: Context) {
    let line = cx.start("").await;
    let book = line.provider.address_book().unwrap();
    let sender = cx.sender();
    let error = book
        .send_to_group("4711", "Réunion", sender.as_ref())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert_eq!(line.arrived().len(), 0);
}

// ---- batches ----

/// Ten messages of which one leaves in a second, and the name of their batch.
async fn slow_batch(cx: Context) -> (Line, Vec<Outbound>, String) {
    let slow = "rate_per_s = 1.0\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n";
    let line = cx.start(slow).await;
    let rows = cx.rows(10);
    let receipts = line.take_all(&rows).await;
    let batch = receipts[0].provider_ref.batch.clone().unwrap();
    (line, rows, batch)
}

async fn a_batch_that_waits_is_listed_until_it_has_left(cx: Context) {
    let (line, rows, batch) = slow_batch(cx).await;
    let batches = line.provider.batches().unwrap();
    line.wait(Duration::from_millis(3500));
    let shown = batches.show(&batch).await.unwrap();
    let n_left = rows.len() - delivered(cx, &line).len();
    assert_eq!(shown.left, u64::try_from(n_left).unwrap());
    assert_eq!(batches.list().await.unwrap(), [shown]);
    line.wait(Duration::from_mins(1));
    assert_eq!(delivered(cx, &line).len(), rows.len());
    assert_eq!(batches.list().await.unwrap(), []);
    let error = batches.show(&batch).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}

async fn a_stopped_batch_names_exactly_what_will_not_arrive(cx: Context) {
    let (line, rows, batch) = slow_batch(cx).await;
    line.wait(Duration::from_millis(3500));
    let n_left = delivered(cx, &line).len();
    let stopped = line.provider.batches().unwrap().stop(&batch).await.unwrap();
    assert_eq!(stopped.reference, batch);
    line.wait(Duration::from_hours(1));
    assert_eq!(
        delivered(cx, &line).len(),
        n_left,
        "nothing leaves after a stop"
    );
    let stopped: Vec<String> = stopped.stopped.into_iter().map(|one| one.id).collect();
    assert_eq!(stopped.len() + n_left, rows.len());
    for one in line.arrived() {
        let was_stopped = stopped.contains(&one.provider_id);
        assert_eq!(
            was_stopped,
            one.state != ReportedState::Delivered,
            "{one:?}"
        );
    }
}

async fn a_batch_that_is_not_there_is_not_found(cx: Context) {
    let line = cx.start("").await;
    let batches = line.provider.batches().unwrap();
    let shown = batches.show("no-such-batch").await.unwrap_err();
    let stopped = batches.stop("no-such-batch").await.unwrap_err();
    assert_eq!(shown.kind(), ErrorKind::NotFound, "{shown:?}");
    assert_eq!(stopped.kind(), ErrorKind::NotFound, "{stopped:?}");
    assert_eq!(batches.list().await.unwrap(), []);
}

// ---- conversations ----

/// A message in a conversation, and that conversation's id.
async fn opened(cx: Context) -> (Line, Outbound, String) {
    let line = cx.start("").await;
    let row = cx.row(0, "Bonjour");
    let id = line.take(&row).await.provider_ref.session.unwrap();
    (line, row, id)
}

async fn a_message_opens_a_conversation_that_can_be_read(cx: Context) {
    let (line, row, id) = opened(cx).await;
    let conversations = line.provider.conversations().unwrap();
    let shown = conversations.show(&id).await.unwrap();
    assert_eq!(shown.id, id);
    assert_eq!(shown.remote, [row.message.to.as_str()]);
    let messages = conversations.messages(&id, Page::first(10)).await.unwrap();
    let [message] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert_eq!(message.text, *row.message.text);
    assert_eq!(message.direction, Direction::Outbound);
    assert_eq!(message.conversation, id);
}

async fn a_text_from_a_phone_stands_in_its_conversation(cx: Context) {
    let line = cx.start("").await;
    let world = line.carrier.simulator.world();
    let own = world.from_number().map(|number| number.as_str().to_owned());
    let text = tidings_sim::PhoneText::new(cx.number(0), "Merci").to(own);
    world.receive(text).await.unwrap();
    line.heard_from_a_phone();
    let conversations = line.provider.conversations().unwrap();
    let list = conversations.list(Page::first(10)).await.unwrap();
    let [conversation] = &list[..] else {
        panic!("{list:?}")
    };
    assert!(!conversation.is_read);
    let messages = conversations
        .messages(&conversation.id, Page::first(10))
        .await
        .unwrap();
    let heard = (&*messages[0].text, messages[0].direction);
    assert_eq!(heard, ("Merci", Direction::Inbound));
    assert_eq!(messages[0].from, cx.number(0).as_str());
}

async fn conversations_come_in_parts(cx: Context) {
    let line = cx.start("").await;
    for row in cx.rows(5) {
        line.take(&row).await;
    }
    let conversations = line.provider.conversations().unwrap();
    let mut ids = Vec::new();
    for start in [0, 2, 4] {
        let part = conversations.list(Page::new(start, 2)).await.unwrap();
        assert!(part.len() <= 2);
        ids.extend(part.into_iter().map(|one| one.id));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

async fn a_conversation_can_be_marked_as_read(cx: Context) {
    let (line, _, id) = opened(cx).await;
    let conversations = line.provider.conversations().unwrap();
    for is_read in [false, true] {
        conversations.mark(&id, is_read).await.unwrap();
        assert_eq!(conversations.show(&id).await.unwrap().is_read, is_read);
    }
}

/// A conversation with a phone has no name at some providers; then nothing is pretended.
async fn a_conversation_has_the_name_that_was_accepted_for_it(cx: Context) {
    let (line, _, id) = opened(cx).await;
    let conversations = line.provider.conversations().unwrap();
    let renamed = conversations.rename(&id, "Commande 7").await;
    let shown = conversations.show(&id).await.unwrap().name;
    match renamed {
        Ok(()) => assert_eq!(shown.as_deref(), Some("Commande 7")),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidMessage, "{error:?}");
            assert_eq!(shown, None);
        }
    }
}

async fn a_deleted_conversation_is_not_found(cx: Context) {
    let (line, _, id) = opened(cx).await;
    let conversations = line.provider.conversations().unwrap();
    conversations.delete(&id).await.unwrap();
    let error = conversations.show(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}

async fn a_conversation_that_is_not_there_is_not_found(cx: Context) {
    let line = cx.start("").await;
    let conversations = line.provider.conversations().unwrap();
    let error = conversations
        .show("no_such_conversation")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert_eq!(conversations.list(Page::first(10)).await.unwrap(), []);
}

// ---- subscriptions ----

const TO: &str = "http://127.0.0.1:9/told?key=secret";

/// A carrier with one subscription: what it was made of, and what was made.
async fn subscribed(cx: Context) -> (Line, NewSubscription, String) {
    let line = cx.start("").await;
    let model = cx.spec.emit_callback.unwrap().models[0];
    let new = NewSubscription::new(model, TO);
    let made = line
        .provider
        .subscriptions()
        .unwrap()
        .create(&new)
        .await
        .unwrap();
    assert_eq!(made.events, model);
    (line, new, made.id)
}

async fn a_subscription_is_kept_as_it_was_made(cx: Context) {
    let (line, new, id) = subscribed(cx).await;
    let subscriptions = line.provider.subscriptions().unwrap();
    let shown = subscriptions.show(&id).await.unwrap();
    assert_eq!((&shown.id, &shown.events), (&id, &new.events));
    assert_eq!(shown.url.expose_secret(), TO);
    let list = subscriptions.list().await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].id, id);
}

async fn a_subscription_can_be_pointed_somewhere_else(cx: Context) {
    let (line, new, id) = subscribed(cx).await;
    let subscriptions = line.provider.subscriptions().unwrap();
    let elsewhere = "http://127.0.0.1:9/elsewhere";
    let mut change = SubscriptionChange::default();
    change.url = Some(elsewhere.into());
    subscriptions.update(&id, &change).await.unwrap();
    let shown = subscriptions.show(&id).await.unwrap();
    assert_eq!(shown.url.expose_secret(), elsewhere);
    assert_eq!(
        shown.events, new.events,
        "what the change does not name stays"
    );
}

async fn a_subscription_that_has_ended_is_not_found(cx: Context) {
    let (line, _, id) = subscribed(cx).await;
    let subscriptions = line.provider.subscriptions().unwrap();
    subscriptions.delete(&id).await.unwrap();
    let shown = subscriptions.show(&id).await.unwrap_err();
    let ended = subscriptions.delete(&id).await.unwrap_err();
    assert_eq!(shown.kind(), ErrorKind::NotFound, "{shown:?}");
    assert_eq!(ended.kind(), ErrorKind::NotFound, "{ended:?}");
    assert_eq!(subscriptions.list().await.unwrap().len(), 0);
}

async fn a_second_subscription_just_like_the_first_is_refused(cx: Context) {
    let (line, new, _) = subscribed(cx).await;
    let subscriptions = line.provider.subscriptions().unwrap();
    let error = subscriptions.create(&new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected, "{error:?}");
    assert_eq!(subscriptions.list().await.unwrap().len(), 1);
}

// ---- numbers ----

async fn the_numbers_are_listed_and_counted(cx: Context) {
    let line = cx.start("").await;
    let numbers = line.provider.numbers().unwrap();
    let own = line.carrier.simulator.world().from_number().unwrap();
    let list = numbers.list().await.unwrap();
    let [number] = &list[..] else {
        panic!("{list:?}")
    };
    assert_eq!(number.number, own.as_str());
    assert_eq!(numbers.count().await.unwrap(), 1);
}

async fn a_number_can_be_added_and_taken_away(cx: Context) {
    let line = cx.start("").await;
    let numbers = line.provider.numbers().unwrap();
    let first = numbers.list().await.unwrap().remove(0);
    let new = cx.number(77);
    let added = OwnNumber::new(new.as_str(), first.application.clone()).owner(first.owner.clone());
    numbers.add(&added).await.unwrap();
    let listed = |list: &[OwnNumber]| list.iter().any(|one| one.number == new.as_str());
    assert!(listed(&numbers.list().await.unwrap()));
    // It is as good as the first: messages go out from it.
    let mut row = outbound(0, cx.message(0, "Bonjour"));
    row.message.from = Some(tidings::SenderId::International(new));
    line.take(&row).await;
    numbers.remove(new.as_str()).await.unwrap();
    assert!(!listed(&numbers.list().await.unwrap()));
    let error = line.refused(&outbound(1, row.message.clone())).await;
    assert_eq!(error.kind(), ErrorKind::InvalidSender, "{error:?}");
}
