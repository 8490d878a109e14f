//! Stopping messages that have not left.

use std::time::Duration;

use tidings::{Acceptance, ErrorKind, ProviderRef, ReportedState};

use crate::behaviour::{Behaviour, rows};
use crate::context::{Context, Line};

/// One message leaves in a second: the first at once.
const SLOW: &str = "rate_per_s = 1.0\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n";

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        cancel_stops_a_message_that_waits: [CANCEL, CLOCK],
        cancel_leaves_the_other_messages_alone: [CANCEL, CLOCK],
        cancel_of_what_has_left_is_an_error: [CANCEL],
        cancel_of_what_was_stopped_before_is_an_error: [CANCEL, CLOCK],
        cancel_of_what_nobody_knows_is_an_error: [CANCEL],
        a_cancel_that_fails_before_it_is_carried_out_stops_nothing: [CANCEL, FAULTS],
        asking_to_stop_what_cannot_be_stopped_makes_no_call: [NO_CANCEL, CALLS],
    }
}

/// The numbers of phones that have a message after an hour, by their place in the count.
fn delivered_in_the_end(cx: Context, line: &Line) -> Vec<usize> {
    line.wait(Duration::from_hours(1));
    let arrived = line.arrived().into_iter();
    let delivered = arrived.filter(|one| one.state == ReportedState::Delivered);
    let place = |to| (0..10).find(|place| cx.number(*place) == to);
    delivered.filter_map(|one| place(one.to)).collect()
}

async fn cancel_stops_a_message_that_waits(cx: Context) {
    let line = cx.start(SLOW).await;
    line.take(&cx.row(0, "Bonjour")).await;
    let waiting = line.take(&cx.row(1, "Bonjour")).await;
    line.provider.cancel(&waiting.provider_ref).await.unwrap();
    assert_eq!(delivered_in_the_end(cx, &line), [0]);
}

async fn cancel_leaves_the_other_messages_alone(cx: Context) {
    let line = cx.start(SLOW).await;
    let mut receipts = Vec::new();
    for place in 0..4 {
        receipts.push(line.take(&cx.row(place, "Bonjour")).await);
    }
    line.provider
        .cancel(&receipts[2].provider_ref)
        .await
        .unwrap();
    assert_eq!(delivered_in_the_end(cx, &line), [0, 1, 3]);
}

async fn cancel_of_what_has_left_is_an_error(cx: Context) {
    let line = cx.start(SLOW).await;
    let left = line.take(&cx.row(0, "Bonjour")).await;
    line.wait(Duration::from_secs(1));
    let error = line.provider.cancel(&left.provider_ref).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert_eq!(delivered_in_the_end(cx, &line), [0]);
}

async fn cancel_of_what_was_stopped_before_is_an_error(cx: Context) {
    let line = cx.start(SLOW).await;
    line.take(&cx.row(0, "Bonjour")).await;
    let waiting = line.take(&cx.row(1, "Bonjour")).await.provider_ref;
    line.provider.cancel(&waiting).await.unwrap();
    let error = line.provider.cancel(&waiting).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
}

async fn cancel_of_what_nobody_knows_is_an_error(cx: Context) {
    let line = cx.start(SLOW).await;
    line.take(&cx.row(0, "Bonjour")).await;
    line.take(&cx.row(1, "Bonjour")).await;
    // Another carrier knows this one.
    let elsewhere = cx.start(SLOW).await;
    elsewhere.take(&cx.row(2, "Bonjour")).await;
    let about = elsewhere.take(&cx.row(3, "Bonjour")).await.provider_ref;
    let error = line.provider.cancel(&about).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    let nothing = ProviderRef::default();
    line.provider.cancel(&nothing).await.unwrap_err();
    assert_eq!(delivered_in_the_end(cx, &line), [0, 1]);
}

async fn a_cancel_that_fails_before_it_is_carried_out_stops_nothing(cx: Context) {
    let line = cx.start(SLOW).await;
    line.take(&cx.row(0, "Bonjour")).await;
    let waiting = line.take(&cx.row(1, "Bonjour")).await;
    line.play(&format!("{SLOW}[[fault]]\nrefuse = {{ status = 400 }}\n"));
    let error = line.bare.cancel(&waiting.provider_ref).await.unwrap_err();
    assert_ne!(error.acceptance(), Acceptance::Unknown, "{error:?}");
    assert_eq!(delivered_in_the_end(cx, &line), [0, 1]);
}

async fn asking_to_stop_what_cannot_be_stopped_makes_no_call(cx: Context) {
    let line = cx.start("").await;
    let about = ProviderRef::message("4711");
    let error = line.provider.cancel(&about).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert_eq!(line.n_calls(), 0);
}
