//! What is left on the account.

use tidings::{Acceptance, ErrorKind};

use crate::behaviour::{Behaviour, rows};
use crate::context::Context;

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        the_balance_is_what_the_account_has: [BALANCE],
        every_part_is_taken_off_the_balance: [BALANCE],
        a_balance_that_cannot_be_asked_for_is_an_error: [BALANCE],
        a_message_that_the_balance_does_not_cover_is_refused: [BALANCE],
        asking_for_a_balance_that_is_not_there_makes_no_call: [NO_BALANCE],
    }
}

async fn the_balance_is_what_the_account_has(cx: Context) {
    let line = cx.start("credit = 123").await;
    let balance = line.provider.balance().await.unwrap();
    assert_eq!(balance.amount, 123);
    assert!(!balance.unit.is_empty(), "an amount of what?");
}

async fn every_part_is_taken_off_the_balance(cx: Context) {
    let line = cx.start("credit = 100").await;
    line.take(&cx.row(0, "Bonjour")).await;
    line.take(&cx.row(1, "a".repeat(400))).await;
    assert_eq!(line.provider.balance().await.unwrap().amount, 96);
}

async fn a_balance_that_cannot_be_asked_for_is_an_error(cx: Context) {
    let line = cx.start("[[fault]]\nrefuse = { status = 500 }\n").await;
    let error = line.bare.balance().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert_eq!(error.acceptance(), Acceptance::NotSent, "{error:?}");
}

async fn a_message_that_the_balance_does_not_cover_is_refused(cx: Context) {
    let line = cx.start("credit = 1").await;
    line.take(&cx.row(0, "Bonjour")).await;
    let error = line.refused(&cx.row(1, "Bonjour")).await;
    assert_eq!(error.kind(), ErrorKind::InsufficientCredit, "{error:?}");
    assert_ne!(error.acceptance(), Acceptance::Unknown, "{error:?}");
    assert_eq!(line.provider.balance().await.unwrap().amount, 0);
    assert_eq!(line.arrived().len(), 1);
}

async fn asking_for_a_balance_that_is_not_there_makes_no_call(cx: Context) {
    let line = cx.start("").await;
    let error = line.provider.balance().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert_eq!(line.n_calls(), 0);
}
