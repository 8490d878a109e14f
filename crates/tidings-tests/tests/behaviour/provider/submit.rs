//! Handing messages over: what arrives, what is said of each, and in which order.
//!
//! Texts that are too long and numbers that are wrong are in `limits.rs`, calls that fail in `errors.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future;
use tidings::{Acceptance, ClientRef, Outbound, ReportedState, SenderId};
use tidings_tests::PhoneNumbers;

use crate::behaviour::{Behaviour, rows};
use crate::context::{AT_ONCE, Context, Line, outbound, submit, taken};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        a_message_arrives_as_it_was_written: [],
        a_message_reaches_the_phone: [],
        many_messages_arrive_once_each: [],
        results_come_in_the_order_of_the_messages: [IDS],
        refused_messages_keep_their_places_among_those_that_are_taken: [VERDICT],
        every_receipt_says_something_else: [],
        no_messages_make_no_call: [CALLS],
        letters_outside_the_usual_alphabet_arrive_unchanged: [],
        characters_that_have_a_meaning_on_the_wire_arrive_unchanged: [],
        a_text_of_several_parts_arrives_in_one_piece: [],
        the_same_text_twice_to_one_phone_arrives_twice: [],
        messages_handed_over_side_by_side_arrive_once_each: [],
        any_name_that_a_message_may_have_can_be_sent: [],
        the_phone_shows_the_sender_of_the_message: [FREE_SENDER],
        the_phone_shows_the_number_of_the_account: [OWN_SENDER],
        a_message_without_a_sender_arrives: [SENDER_OPTIONAL],
        one_text_for_many_takes_few_calls: [BULK, CALLS],
        different_texts_travel_in_one_call: [MIXED_TEXTS, CALLS],
        each_text_takes_a_call_of_its_own: [ONE_TEXT_PER_CALL, CALLS],
        more_than_fit_into_one_call_arrive_in_several: [BULK, CALLS],
        numbers_of_many_countries_arrive_where_they_should: [ALL_COUNTRIES],
    }
}

async fn a_message_arrives_as_it_was_written(cx: Context) {
    check_text(cx, "Bonjour, la rentrée est lundi.").await;
}

async fn check_text(cx: Context, text: &str) {
    let line = cx.start("").await;
    let row = cx.row(0, text);
    line.take(&row).await;
    let arrived = line.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(*arrived[0].text, *text);
    assert_eq!(arrived[0].to, row.message.to);
}

async fn a_message_reaches_the_phone(cx: Context) {
    let line = cx.start(AT_ONCE).await;
    line.take(&cx.row(0, "Bonjour")).await;
    let state = line.arrived()[0].state;
    assert_eq!(state, ReportedState::Delivered);
}

async fn many_messages_arrive_once_each(cx: Context) {
    let line = cx.start("").await;
    let rows = cx.rows(40);
    line.take_all(&rows).await;
    check_once_each(&line, &rows);
}

#[track_caller]
fn check_once_each(line: &Line, rows: &[Outbound]) {
    let arrived = line.arrived();
    assert_eq!(arrived.len(), rows.len());
    let what: BTreeSet<_> = arrived.iter().map(|one| (one.to, &one.text)).collect();
    for row in rows {
        let was = (row.message.to, &row.message.text);
        assert!(what.contains(&was), "{row:?} did not arrive");
    }
}

/// The ids in the receipts are those under which the carrier has the messages.
async fn results_come_in_the_order_of_the_messages(cx: Context) {
    let line = cx.start("").await;
    let rows = cx.rows(12);
    let receipts = line.take_all(&rows).await;
    for (row, receipt) in rows.iter().zip(receipts) {
        check_is_about(&line, row, &receipt.provider_ref);
    }
}

/// What a receipt tells of the message is true of it and of no other.
#[track_caller]
fn check_is_about(line: &Line, row: &Outbound, about: &tidings::ProviderRef) {
    let mut arrived = line.arrived().into_iter();
    let one = arrived
        .find(|one| one.to == row.message.to && one.text == row.message.text)
        .expect("a message that was taken is there");
    let mut tells = 0;
    if let Some(id) = &about.message {
        assert_eq!(*id, one.provider_id, "{row:?}");
        tells += 1;
    }
    if let Some(recipient) = about.recipient {
        assert_eq!(recipient, row.message.to, "{row:?}");
        tells += 1;
    }
    if let Some(reference) = &about.reference {
        assert_eq!(*reference, row.reference);
        tells += 1;
    }
    assert!(tells > 0, "{about:?} could be about any message");
}

async fn refused_messages_keep_their_places_among_those_that_are_taken(cx: Context) {
    let refused = [1, 4];
    let rules = refused.map(|place| {
        let to = cx.number(place).as_str().to_owned();
        format!("[[fail]]\nto = \"{to}\"\nreason = \"invalid_recipient\"\nat = \"accept\"\n")
    });
    let line = cx.start(&rules.concat()).await;
    let rows = cx.rows(6);
    for (place, result) in line.submit(&rows).await.into_iter().enumerate() {
        let expected = usize::from(!refused.contains(&place));
        assert_eq!(line.arrivals_of(&rows[place]), expected, "{place}");
        match result {
            Ok(receipt) => {
                assert_eq!(expected, 1, "{place} was refused: {receipt:?}");
                check_is_about(&line, &rows[place], &receipt.provider_ref);
            }
            Err(error) => {
                assert_eq!(expected, 0, "{place}: {error:?}");
                assert_ne!(error.acceptance(), Acceptance::Unknown, "{error:?}");
            }
        }
    }
}

async fn every_receipt_says_something_else(cx: Context) {
    let line = cx.start("").await;
    let mut rows = cx.rows(6);
    // Two to one phone.
    rows[5].message.to = rows[0].message.to;
    let receipts = line.take_all(&rows).await;
    let all: BTreeSet<String> = receipts
        .iter()
        .map(|receipt| serde_json::to_string(&receipt.provider_ref).unwrap())
        .collect();
    assert_eq!(all.len(), rows.len(), "{all:?}");
}

async fn no_messages_make_no_call(cx: Context) {
    let line = cx.start("").await;
    let results = line.provider.submit(&[]).await.unwrap();
    assert_eq!(results.len(), 0);
    assert_eq!(line.n_calls(), 0);
}

async fn letters_outside_the_usual_alphabet_arrive_unchanged(cx: Context) {
    check_text(cx, "Ça coûte 5 € – 你好, Ŵyn, 👩‍👧 und ÅÆØ").await;
}

async fn characters_that_have_a_meaning_on_the_wire_arrive_unchanged(cx: Context) {
    let text = "a&b=c+d%20 <x y=\"1\">'&amp;'</x> {\"k\": [1]} \\n \\ ; # ?\nline two";
    check_text(cx, text).await;
}

async fn a_text_of_several_parts_arrives_in_one_piece(cx: Context) {
    let line = cx.start("").await;
    let row = cx.row(0, "Ceci est long. ".repeat(20).trim_end());
    line.take(&row).await;
    let arrived = line.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].text, row.message.text);
    assert_eq!(arrived[0].parts, 2);
}

/// What two callers mean to send twice is sent twice: only a lost answer is a reason for doubt.
async fn the_same_text_twice_to_one_phone_arrives_twice(cx: Context) {
    let line = cx.start("").await;
    let rows = [0, 1].map(|place| outbound(place, cx.message(0, "Votre code : 1234")));
    line.take_all(&rows).await;
    assert_eq!(line.arrivals_of(&rows[0]), 2);
}

async fn messages_handed_over_side_by_side_arrive_once_each(cx: Context) {
    let line = cx.start("").await;
    let rows = cx.rows(24);
    let calls = rows.chunks(3).map(|rows| submit(&*line.provider, rows));
    let results: Vec<_> = future::join_all(calls).await;
    for result in results.into_iter().flatten() {
        taken(result);
    }
    check_once_each(&line, &rows);
}

async fn any_name_that_a_message_may_have_can_be_sent(cx: Context) {
    let line = cx.start("").await;
    let longest = "9".repeat(ClientRef::MAX_LENGTH);
    let names = ["a", "/../4711?x=1&y=%2e#<b>\"'\\", "0", &longest];
    let row = |(place, name): (usize, &str)| {
        Outbound::new(ClientRef::new(name).unwrap(), cx.message(place, "Bonjour"))
    };
    let rows: Vec<Outbound> = names.into_iter().enumerate().map(row).collect();
    line.take_all(&rows).await;
    check_once_each(&line, &rows);
}

async fn the_phone_shows_the_sender_of_the_message(cx: Context) {
    let line = cx.start("").await;
    let mut row = cx.row(0, "Bonjour");
    let sender = SenderId::parse("Marie 7").unwrap();
    row.message.from = Some(sender.clone());
    line.take(&row).await;
    assert_eq!(line.arrived()[0].from, Some(sender));
}

async fn the_phone_shows_the_number_of_the_account(cx: Context) {
    let line = cx.start("").await;
    line.take(&cx.row(0, "Bonjour")).await;
    let number = line.carrier.simulator.world().from_number();
    let shown = line.arrived()[0].from.clone();
    assert_eq!(shown, number.map(SenderId::International));
}

async fn a_message_without_a_sender_arrives(cx: Context) {
    let line = cx.start("").await;
    let mut row = cx.row(0, "Bonjour");
    row.message.from = None;
    line.take(&row).await;
    assert_eq!(line.arrivals_of(&row), 1);
}

/// Messages with one text, each to a phone of its own.
fn one_text(cx: Context, n_rows: usize) -> Vec<Outbound> {
    let text: Arc<str> = "La rentrée est lundi.".into();
    let mut rows = cx.rows(n_rows);
    for row in &mut rows {
        row.message.text = Arc::clone(&text);
    }
    rows
}

async fn one_text_for_many_takes_few_calls(cx: Context) {
    let line = cx.start("").await;
    let n_rows = line.provider.capabilities().max_messages_per_call.min(50);
    let rows = one_text(cx, n_rows);
    line.take_all(&rows).await;
    check_once_each(&line, &rows);
    assert_eq!(line.n_calls(), 1, "one call was enough");
}

async fn different_texts_travel_in_one_call(cx: Context) {
    let line = cx.start("").await;
    let n_rows = line.provider.capabilities().max_messages_per_call.min(50);
    let rows = cx.rows(n_rows);
    line.take_all(&rows).await;
    assert_eq!(line.n_calls(), 1, "one call was enough");
}

/// Three texts, two phones each.
async fn each_text_takes_a_call_of_its_own(cx: Context) {
    let line = cx.start("").await;
    let mut rows = cx.rows(6);
    for (place, row) in rows.iter_mut().enumerate() {
        row.message.text = format!("Texte {}", place % 3).into();
    }
    line.take_all(&rows).await;
    check_once_each(&line, &rows);
    assert_eq!(line.n_calls(), 3);
}

async fn more_than_fit_into_one_call_arrive_in_several(cx: Context) {
    let line = cx.start("").await;
    let at_once = line.provider.capabilities().max_messages_per_call;
    let rows = one_text(cx, 2 * at_once + 1);
    line.take_all(&rows).await;
    check_once_each(&line, &rows);
    assert_eq!(line.n_calls(), 3);
}

async fn numbers_of_many_countries_arrive_where_they_should(cx: Context) {
    let line = cx.start("").await;
    let countries = PhoneNumbers::of_countries(cx.can());
    assert!(countries.len() > 1);
    let row = |(place, numbers): (usize, PhoneNumbers)| {
        outbound(place, cx.message_to(numbers.number(7), "Bonjour"))
    };
    let rows: Vec<Outbound> = countries.into_iter().enumerate().map(row).collect();
    line.take_all(&rows).await;
    check_once_each(&line, &rows);
}
