//! What can be said of an attempt whose answer was lost: by repeating it under the same references
//! where the gateway checks them, otherwise by looking whether its batch waits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tidings_core::{
    ClientRef, Clock, Message, ProviderRef, SendWindow, TimeZone, Timestamp, ZonedTime,
};

use super::builder;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::provider::{AttemptRef, Outbound, Provider, Reconciled};
use crate::puzzel::Dialect;
use crate::tests::scripted::{Reply, Scripted, Seen};

const STARTED: &str = "2026-11-22T12:00:00Z";
const ALONE: &str = "5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.1";
const OF_TWO: &str = "5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.2";

#[derive(Debug)]
struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn attempt(batch: Option<&str>) -> AttemptRef {
    let reference = ClientRef::new("order-1").unwrap();
    let message = Message::new("+4741000001".parse().unwrap(), "Hei");
    let attempt = AttemptRef::new(Outbound::new(reference, message), STARTED.parse().unwrap());
    match batch {
        None => attempt,
        Some(batch) => {
            let mut about = ProviderRef::default();
            about.batch = Some(batch.to_owned());
            attempt.provider_ref(about)
        }
    }
}

/// Reconciles so long after the beginning of the attempt, and gives the calls that it took.
async fn reconcile(
    duplicate_checking: bool,
    attempt: &AttemptRef,
    after: Duration,
    reply: fn(&Seen) -> Reply,
) -> (Result<Reconciled, Error>, Vec<Seen>) {
    let server = Scripted::start(reply).await;
    let now = STARTED.parse::<Timestamp>().unwrap().plus(after);
    let client = builder(&server)
        .duplicate_checking(duplicate_checking)
        .dialect(Dialect::Manual)
        .clock(Arc::new(Fixed(now)));
    let reconciled = client.build().unwrap().reconcile(attempt).await;
    (reconciled, server.seen())
}

fn code(code: i64) -> Reply {
    Reply::ok(format!(
        r#"{{"batchReference":"{ALONE}","messageStatus":[{{"statusCode":{code},"messageId":null,"sequenceIndex":1}}]}}"#
    ))
}

#[track_caller]
fn taken(reconciled: Result<Reconciled, Error>) -> ProviderRef {
    match reconciled.unwrap() {
        Reconciled::Taken(receipt) => receipt.provider_ref,
        other => panic!("{other:?}"),
    }
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_reference_that_the_gateway_knows_was_taken() {
    let (reconciled, seen) = reconcile(true, &attempt(Some(ALONE)), MINUTE, |_| code(25)).await;
    let about = taken(reconciled);
    assert_eq!(about.reference.unwrap().as_str(), "order-1");
    assert_eq!(about.batch.as_deref(), Some(ALONE));
    assert_eq!(seen.len(), 1);
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(body["batchReference"], ALONE);
    let message = &body["message"][0];
    assert_eq!(message["clientReference"], "order-1");
    assert_eq!(message["recipient"], "+4741000001");
    assert_eq!(body["message"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reference_that_the_gateway_did_not_know_is_taken_now() {
    let (reconciled, seen) = reconcile(true, &attempt(Some(OF_TWO)), MINUTE, |_| {
        Reply::ok(r#"{"messageStatus":[{"statusCode":1,"messageId":"m1"}]}"#)
    })
    .await;
    let about = taken(reconciled);
    assert_eq!(about.message.as_deref(), Some("m1"));
    assert_eq!(about.batch.as_deref(), Some(OF_TWO));
    assert_eq!(about.reference.unwrap().as_str(), "order-1");
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn another_verdict_on_the_repeated_message_says_nothing_about_the_first() {
    for reply in [
        |_: &Seen| code(2),
        |_: &Seen| code(3),
        |_: &Seen| code(5),
        |_: &Seen| code(6),
        |_: &Seen| code(24),
        |_: &Seen| code(99),
    ] {
        let (reconciled, seen) = reconcile(true, &attempt(Some(ALONE)), MINUTE, reply).await;
        assert_eq!(reconciled.unwrap(), Reconciled::CannotTell);
        assert_eq!(seen.len(), 1);
    }
}

#[tokio::test]
async fn a_repeat_without_an_answer_is_an_error_and_is_not_repeated() {
    let (reconciled, seen) = reconcile(true, &attempt(Some(ALONE)), MINUTE, |_| Reply::Close).await;
    let error = reconciled.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unavailable, Acceptance::Unknown)
    );
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn nothing_is_repeated_when_the_gateway_may_have_forgotten() {
    let gone = |_: &Seen| Reply::status(404, "", "");
    let minutes = Duration::from_mins;
    for (after, is_repeated) in [
        (Duration::ZERO, true),
        (minutes(54), true),
        (minutes(55), false),
        (minutes(60), false),
        (minutes(600), false),
    ] {
        let (reconciled, seen) = reconcile(true, &attempt(Some(ALONE)), after, gone).await;
        let method = if is_repeated { "POST" } else { "GET" };
        assert_eq!(seen[0].method, method, "{after:?}");
        assert_eq!(seen.len(), 1);
        if !is_repeated {
            assert_eq!(reconciled.unwrap(), Reconciled::CannotTell);
        }
    }
    // A clock that was set back tells nothing.
    let mut later = attempt(Some(ALONE));
    later.started = "2026-11-22T12:00:01Z".parse().unwrap();
    let (reconciled, seen) = reconcile(true, &later, Duration::ZERO, gone).await;
    assert_eq!(reconciled.unwrap(), Reconciled::CannotTell);
    assert_eq!(seen[0].method, "GET");
}

#[tokio::test]
async fn nothing_is_repeated_that_is_not_worth_delivering_any_more() {
    let gone = |_: &Seen| Reply::status(404, "", "");
    let mut code = attempt(Some(ALONE));
    code.outbound.message.valid_for = Some(Duration::from_mins(10));
    // Less than the gateway's smallest step is left after six of ten minutes.
    for (after, is_repeated) in [(4, true), (6, false), (10, false), (11, false)] {
        let (_, seen) = reconcile(true, &code, Duration::from_mins(after), gone).await;
        let method = if is_repeated { "POST" } else { "GET" };
        assert_eq!(seen[0].method, method, "{after}");
        if is_repeated {
            // Six minutes are left: the step of five.
            assert!(seen[0].body.contains(r#""validity":0"#), "{}", seen[0].body);
        }
    }
    let mut windowed = attempt(Some(ALONE));
    let oslo = TimeZone::named("Europe/Oslo").unwrap();
    let at = |text: &str| ZonedTime::new(text.parse().unwrap(), &oslo);
    let window = SendWindow::between(at(STARTED), at("2026-11-22T12:30:00Z"));
    windowed.outbound.message.window = Some(window.unwrap());
    for (after, method) in [(29, "POST"), (30, "GET")] {
        let (_, seen) = reconcile(true, &windowed, Duration::from_mins(after), gone).await;
        assert_eq!(seen[0].method, method, "{after}");
    }
}

#[tokio::test]
async fn without_duplicate_checking_a_batch_that_waits_as_a_whole_was_taken() {
    let one_left: fn(&Seen) -> Reply =
        |_| Reply::ok(r#"{"messageBatch":{"totalSize":1,"onHold":0}}"#);
    let two_left: fn(&Seen) -> Reply = |_| Reply::ok(r#"{"messageBatch":{"totalSize":2}}"#);
    let gone: fn(&Seen) -> Reply = |_| Reply::status(404, "", "");
    for (batch, reply, is_taken) in [
        (ALONE, one_left, true),
        (OF_TWO, two_left, true),
        (OF_TWO, one_left, false),
        (ALONE, two_left, false),
        (ALONE, gone, false),
    ] {
        let (reconciled, seen) = reconcile(false, &attempt(Some(batch)), MINUTE, reply).await;
        if is_taken {
            let about = taken(reconciled);
            assert_eq!(about.batch.as_deref(), Some(batch));
            assert_eq!(about.reference.unwrap().as_str(), "order-1");
        } else {
            assert_eq!(reconciled.unwrap(), Reconciled::CannotTell);
        }
        assert_eq!((seen.len(), seen[0].method.as_str()), (1, "GET"));
    }
    let (reconciled, _) = reconcile(false, &attempt(Some(ALONE)), MINUTE, |_| {
        Reply::status(500, "", "")
    })
    .await;
    let error = reconciled.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unavailable, Acceptance::NotSent)
    );
}

#[tokio::test]
async fn of_a_batch_of_unknown_name_or_size_nobody_can_tell() {
    for (checking, batch) in [(true, None), (false, None), (false, Some("spring"))] {
        let (reconciled, seen) =
            reconcile(checking, &attempt(batch), MINUTE, |_| Reply::Close).await;
        assert_eq!(reconciled.unwrap(), Reconciled::CannotTell);
        assert!(seen.is_empty());
    }
}

#[tokio::test]
async fn the_error_of_a_lost_answer_is_enough_to_reconcile() {
    let mut number = 0;
    let server = Scripted::start(move |_| {
        number += 1;
        if number == 1 { Reply::Close } else { code(25) }
    })
    .await;
    let now: Timestamp = STARTED.parse().unwrap();
    let client = builder(&server)
        .duplicate_checking(true)
        .clock(Arc::new(Fixed(now)));
    let client = client.build().unwrap();
    let outbound = attempt(None).outbound;
    let lost = client
        .submit(std::slice::from_ref(&outbound))
        .await
        .unwrap_err();
    let attempt = AttemptRef::new(outbound, now).provider_ref(lost.provider_ref().unwrap().clone());
    taken(client.reconcile(&attempt).await);
    let bodies: Vec<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(bodies.len(), 2);
}
