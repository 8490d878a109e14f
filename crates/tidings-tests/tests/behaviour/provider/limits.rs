//! What a provider cannot send: it is refused before anything leaves, each message for itself, and
//! always for the reason that is documented.

use std::time::Duration;

use tidings::{
    Acceptance, Clock as _, E164, Error, ErrorKind, Media, Outbound, SendWindow, SenderId,
    SystemClock, TimeZone, ZonedTime,
};
use tidings_tests::PhoneNumbers;

use crate::behaviour::{Behaviour, rows};
use crate::context::{Context, Line, outbound};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        an_empty_text_is_refused: [],
        a_text_of_too_many_parts_is_refused: [],
        a_text_of_too_many_characters_is_refused: [CHARACTER_LIMIT],
        the_longest_text_arrives: [],
        the_longest_text_by_characters_arrives: [CHARACTER_LIMIT],
        a_number_of_a_country_that_is_not_served_is_refused: [SOME_COUNTRIES],
        a_number_that_the_carrier_refuses_is_refused: [VERDICT],
        a_sender_that_is_not_the_accounts_is_refused: [OWN_SENDER],
        a_name_as_sender_is_refused: [OWN_SENDER],
        a_message_without_a_sender_is_refused: [FREE_SENDER, SENDER_NEEDED],
        a_file_is_refused: [TEXTS_ONLY],
        a_file_that_is_too_large_is_refused: [MEDIA],
        a_message_that_is_to_wait_is_refused: [NO_WINDOW],
        one_bad_message_does_not_hold_up_the_others: [],
        layers_change_no_limit: [],
    }
}

/// Nothing of the message has left: the carrier was not even called.
async fn check_refused(line: &Line, row: &Outbound, kind: ErrorKind) {
    let error = line.refused(row).await;
    assert_eq!(error.kind(), kind, "{error:?}");
    check_not_sent(line, &error);
}

#[track_caller]
fn check_not_sent(line: &Line, error: &Error) {
    let said = error.acceptance();
    assert_ne!(said, Acceptance::Unknown, "{error:?}");
    assert!(
        !error.is_safe_to_resend(),
        "it would be refused again: {error:?}"
    );
    let arrived = line.arrived();
    assert!(arrived.is_empty(), "{arrived:?}");
    assert!(line.is_untouched(), "it could be refused without a call");
}

async fn an_empty_text_is_refused(cx: Context) {
    let line = cx.start("").await;
    check_refused(&line, &cx.row(0, ""), ErrorKind::InvalidMessage).await;
}

/// How many characters of the usual alphabet so many parts carry.
fn capacity(parts: u8) -> usize {
    match parts {
        1 => 160,
        parts => 153 * usize::from(parts),
    }
}

async fn a_text_of_too_many_parts_is_refused(cx: Context) {
    let line = cx.start("").await;
    let text = "a".repeat(capacity(cx.can().max_parts) + 1);
    check_refused(&line, &cx.row(0, text), ErrorKind::InvalidMessage).await;
}

async fn a_text_of_too_many_characters_is_refused(cx: Context) {
    let line = cx.start("").await;
    let text = "a".repeat(cx.can().max_characters.unwrap() + 1);
    check_refused(&line, &cx.row(0, text), ErrorKind::InvalidMessage).await;
}

async fn the_longest_text_arrives(cx: Context) {
    let by_characters = cx.can().max_characters.unwrap_or(usize::MAX);
    let line = cx.start("").await;
    let text = "a".repeat(capacity(cx.can().max_parts).min(by_characters));
    let row = cx.row(0, text);
    line.take(&row).await;
    assert_eq!(line.arrivals_of(&row), 1);
}

/// Of letters that take the most room.
async fn the_longest_text_by_characters_arrives(cx: Context) {
    let line = cx.start("").await;
    let row = cx.row(0, "你".repeat(cx.can().max_characters.unwrap()));
    line.take(&row).await;
    assert_eq!(line.arrivals_of(&row), 1);
    let parts = line.arrived()[0].parts;
    assert!(parts <= cx.can().max_parts, "{parts} parts");
}

async fn a_number_of_a_country_that_is_not_served_is_refused(cx: Context) {
    let line = cx.start("").await;
    let elsewhere = PhoneNumbers::elsewhere(cx.can()).unwrap();
    let row = outbound(0, cx.message_to(elsewhere.number(0), "Bonjour"));
    check_refused(&line, &row, ErrorKind::InvalidRecipient).await;
}

/// The vendors' words differ: some name the number, some call the message invalid, some only say no.
async fn a_number_that_the_carrier_refuses_is_refused(cx: Context) {
    let row = cx.row(0, "Bonjour");
    let to = row.message.to.as_str().to_owned();
    let rule =
        format!("[[fail]]\nto = \"{to}\"\nreason = \"invalid_recipient\"\nat = \"accept\"\n");
    let line = cx.start(&rule).await;
    let error = line.refused(&row).await;
    let kinds = [
        ErrorKind::InvalidRecipient,
        ErrorKind::InvalidMessage,
        ErrorKind::Rejected,
    ];
    assert!(kinds.contains(&error.kind()), "{error:?}");
    assert_eq!(error.acceptance(), Acceptance::Refused, "{error:?}");
    assert_eq!(line.arrivals_of(&row), 0);
}

async fn a_sender_that_is_not_the_accounts_is_refused(cx: Context) {
    let line = cx.start("").await;
    let mut row = cx.row(0, "Bonjour");
    row.message.from = Some(SenderId::International(cx.number(99)));
    let error = line.refused(&row).await;
    assert_eq!(error.kind(), ErrorKind::InvalidSender, "{error:?}");
    assert_ne!(error.acceptance(), Acceptance::Unknown, "{error:?}");
    assert_eq!(line.arrivals_of(&row), 0);
}

async fn a_name_as_sender_is_refused(cx: Context) {
    let line = cx.start("").await;
    let mut row = cx.row(0, "Bonjour");
    row.message.from = Some(SenderId::parse("Ecole").unwrap());
    check_refused(&line, &row, ErrorKind::InvalidSender).await;
}

async fn a_message_without_a_sender_is_refused(cx: Context) {
    let line = cx.start("").await;
    let mut row = cx.row(0, "Bonjour");
    row.message.from = None;
    check_refused(&line, &row, ErrorKind::InvalidSender).await;
}

/// Without its file a message would be another one than its sender meant.
async fn a_file_is_refused(cx: Context) {
    let line = cx.start("").await;
    let mut row = cx.row(0, "Bonjour");
    row.message.media = Some(Media::new("image/png", vec![1; 100]).unwrap());
    check_refused(&line, &row, ErrorKind::InvalidMessage).await;
}

async fn a_file_that_is_too_large_is_refused(cx: Context) {
    let line = cx.start("").await;
    let mut row = cx.row(0, "Bonjour");
    let bytes = vec![1; line.provider.capabilities().max_media_bytes.unwrap() + 1];
    row.message.media = Some(Media::new("image/png", bytes).unwrap());
    check_refused(&line, &row, ErrorKind::InvalidMessage).await;
}

/// It would leave at once, which is what its sender does not want.
async fn a_message_that_is_to_wait_is_refused(cx: Context) {
    let line = cx.start("").await;
    let mut row = cx.row(0, "Bonjour");
    let later = SystemClock::new().now().plus(Duration::from_hours(6));
    let zone = TimeZone::named("UTC").unwrap();
    row.message.window = Some(SendWindow::from(ZonedTime::new(later, &zone)));
    check_refused(&line, &row, ErrorKind::InvalidMessage).await;
}

async fn one_bad_message_does_not_hold_up_the_others(cx: Context) {
    let line = cx.start("").await;
    let mut rows = cx.rows(5);
    rows[2].message.text = "".into();
    for (place, result) in line.submit(&rows).await.into_iter().enumerate() {
        let is_taken = result.as_ref().is_ok();
        assert_eq!(is_taken, place != 2, "{place}: {result:?}");
        assert_eq!(line.arrivals_of(&rows[place]), usize::from(is_taken));
    }
}

async fn layers_change_no_limit(cx: Context) {
    let line = cx.start("").await;
    assert_eq!(line.provider.capabilities(), line.bare.capabilities());
    let to: E164 = cx.number(0);
    let served = line.bare.capabilities().calling_codes;
    assert!(served.is_empty() || served.contains(&to.calling_code()));
}
