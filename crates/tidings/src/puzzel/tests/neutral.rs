//! The client through [`Provider`]: what goes out for a neutral message, what is said of each, and
//! what may be stopped.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tidings_core::{ClientRef, Media, Message, Priority, ProviderRef, SendWindow, SenderId};

use super::{builder, client, queued_all};
use crate::backend::{SessionWish, Terms};
use crate::error::{Acceptance, ErrorKind};
use crate::provider::{Outbound, Provider};
use crate::puzzel::{Client, Dialect, SPEC};
use crate::tests::scripted::{Reply, Scripted};

const ALONE: &str = "5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.1";
const OF_TWO: &str = "5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.2";

fn outbound(number: u32, text: &str) -> Outbound {
    let reference = ClientRef::new(format!("r-{number}")).unwrap();
    let to = format!("+474100000{number}").parse().unwrap();
    Outbound::new(reference, Message::new(to, text))
}

/// The messages of the only call, without what all of them have.
async fn sent(dialect: Dialect, messages: &[Outbound]) -> Vec<Value> {
    let server = Scripted::start(queued_all).await;
    let client = builder(&server).dialect(dialect).build().unwrap();
    let results = client.submit(messages).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    body["message"].as_array().unwrap().clone()
}

#[tokio::test]
async fn messages_with_settings_of_their_own_travel_in_one_call() {
    let mut messages = [
        outbound(1, "Hei"),
        outbound(2, "Привет"),
        outbound(3, "Hei €"),
    ];
    messages[1].message.priority = Priority::High;
    messages[1].message.valid_for = Some(Duration::from_mins(61));
    messages[2].message.priority = Priority::Low;
    messages[2].message.from = Some(SenderId::parse("Tidings").unwrap());
    let from = "2026-07-21T09:00[Europe/Oslo]".parse().unwrap();
    messages[2].message.window = Some(SendWindow::from(from));
    let window = json!({"startDate": "2026-07-21", "startTime": "09:00:00+02:00"});
    let expected = |high, low, validity, kind| {
        [
            json!({"recipient": "+4741000001", "content": "Hei", "clientReference": "r-1"}),
            json!({"recipient": "+4741000002", "content": "Привет", "clientReference": "r-2",
                "settings": {"priority": high, "validity": validity, "autoDetectEncoding": true}}),
            json!({"recipient": "+4741000003", "content": "Hei €", "clientReference": "r-3",
                "settings": {"originatorSettings": {"originator": "Tidings", "originatorType": kind},
                    "priority": low, "sendWindow": window}}),
        ]
    };
    assert_eq!(
        sent(Dialect::V3, &messages).await,
        expected(1, 3, 61, "Alphanumeric")
    );
    assert_eq!(
        sent(Dialect::Manual, &messages).await,
        expected(3, 1, 11, "ALPHANUMERIC")
    );
}

#[tokio::test]
async fn what_a_caller_of_our_own_server_asked_for_is_passed_on() {
    let parameters = [
        ("differentiator", "orders"),
        ("invoiceNode", "dept-1"),
        ("gasSettings.serviceCode", "06001"),
        ("gasSettings.description", "Tickets"),
        ("pid", "65"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let terms = Terms {
        price: 200,
        minimum_age: Some(18),
        session: SessionWish::Continue("s-1".to_owned()),
        without_report: true,
        parameters: parameters.to_vec(),
    };
    let message = outbound(1, "Hei").terms(Arc::new(terms));
    let expected = json!({
        "recipient": "+4741000001", "content": "Hei", "clientReference": "r-1", "price": 200,
        "settings": {"age": 18, "sessionId": "s-1", "differentiator": "orders",
            "invoiceNode": "dept-1",
            "gasSettings": {"serviceCode": "06001", "description": "Tickets"},
            "parameter": [{"key": "pid", "value": "65"}]},
    });
    assert_eq!(sent(Dialect::V3, &[message]).await, [expected]);
}

#[tokio::test]
async fn a_receipt_holds_what_is_needed_to_find_the_message_again() {
    let server = Scripted::start(queued_all).await;
    let client = client(&server);
    let messages = [outbound(1, "a"), outbound(2, "b")];
    let results = client.submit(&messages).await.unwrap();
    let body: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    for (position, result) in results.into_iter().enumerate() {
        let receipt = result.unwrap();
        let about = receipt.provider_ref;
        let number = position + 1;
        assert_eq!(about.message.unwrap(), format!("m+474100000{number}"));
        assert_eq!(about.reference.unwrap().as_str(), format!("r-{number}"));
        assert_eq!(about.batch.as_deref(), body["batchReference"].as_str());
        assert_eq!(receipt.http.unwrap().status, 200);
    }
    client.submit(&messages[..1]).await.unwrap();
    let again: Value = serde_json::from_str(&server.seen()[1].body).unwrap();
    assert_ne!(again["batchReference"], body["batchReference"]);
    assert!(client.submit(&[]).await.unwrap().is_empty());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_in_its_place() {
    let server = Scripted::start(queued_all).await;
    let mut underscore = outbound(2, "a");
    underscore.message.from = Some(SenderId::parse("A_B").unwrap());
    let messages = [
        outbound(1, "a"),
        underscore,
        outbound(3, ""),
        outbound(4, "a"),
    ];
    let results = client(&server).submit(&messages).await.unwrap();
    let said: Vec<_> = results
        .iter()
        .map(|result| {
            let error = result.as_ref().err()?;
            Some((error.kind(), error.acceptance(), error.to_string()))
        })
        .collect();
    let not_sent = |kind, field: &str, said: &Option<(ErrorKind, Acceptance, String)>| {
        let (told, acceptance, what) = said.as_ref().unwrap();
        assert_eq!((*told, *acceptance), (kind, Acceptance::NotSent));
        assert!(what.starts_with(field), "{what}");
    };
    not_sent(
        ErrorKind::InvalidSender,
        "settings.originatorSettings.originator",
        &said[1],
    );
    not_sent(ErrorKind::InvalidMessage, "content", &said[2]);
    assert!(said[0].is_none() && said[3].is_none());
    assert_eq!(server.seen().len(), 1);
    let nothing = client(&server).submit(&messages[2..3]).await.unwrap();
    assert!(nothing[0].is_err());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_validity_that_is_too_short_to_be_said_becomes_the_shortest() {
    for (dialect, seconds, written) in [
        (Dialect::V3, 1, 1),
        (Dialect::V3, 59, 1),
        (Dialect::V3, 60, 1),
        (Dialect::V3, 119, 1),
        (Dialect::V3, 120, 2),
        (Dialect::Manual, 60, 0),
        (Dialect::Manual, 599, 0),
        (Dialect::Manual, 600, 1),
    ] {
        let mut code = outbound(1, "a");
        code.message.valid_for = Some(Duration::from_secs(seconds));
        let sent = sent(dialect, &[code]).await;
        let validity = &sent[0]["settings"]["validity"];
        assert_eq!(*validity, json!(written), "{dialect:?} {seconds}: {sent:?}");
    }
}

#[tokio::test]
async fn the_failure_of_the_only_call_is_that_of_the_whole() {
    let server = Scripted::start(|_| Reply::status(502, "", "gone")).await;
    let client = client(&server);
    let messages = [outbound(1, "a"), outbound(2, "a")];
    let error = client.submit(&messages).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unavailable, Acceptance::Unknown)
    );
    assert_eq!(error.operation(), Some("submit"));
    let body: Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    let about = error.provider_ref().unwrap();
    assert_eq!(about.batch.as_deref(), body["batchReference"].as_str());
    assert_eq!(about.reference, None);
    let error = client.submit(&messages[..1]).await.unwrap_err();
    let about = error.provider_ref().unwrap();
    assert_eq!(about.reference.as_ref().unwrap().as_str(), "r-1");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn the_failure_of_one_call_of_several_is_said_of_its_messages() {
    let mut number = 0;
    let server = Scripted::start(move |seen| {
        number += 1;
        match number {
            2 => Reply::status(502, "", r#"{"detail":"gone"}"#),
            _ => queued_all(seen),
        }
    })
    .await;
    let client = builder(&server).bulk_size(2).build().unwrap();
    let messages: Vec<_> = (1..=6).map(|number| outbound(number, "a")).collect();
    let results = client.submit(&messages).await.unwrap();
    assert!(results[0].is_ok() && results[1].is_ok());
    for (lost, number) in results[2..4].iter().zip(3..) {
        let error = lost.as_ref().unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Unavailable, Acceptance::Unknown)
        );
        assert_eq!(error.provider_text(), Some("gone"));
        let about = error.provider_ref().unwrap();
        assert_eq!(
            about.reference.as_ref().unwrap().as_str(),
            format!("r-{number}")
        );
        assert!(about.batch.is_some());
    }
    for left in &results[4..] {
        let error = left.as_ref().unwrap_err();
        assert_eq!(error.acceptance(), Acceptance::NotSent);
        assert!(error.is_safe_to_resend());
    }
    assert_eq!(server.seen().len(), 2);
}

// ---- stopping ----

fn in_batch(batch: Option<&str>) -> ProviderRef {
    let mut about = ProviderRef::message("m1");
    about.batch = batch.map(str::to_owned);
    about
}

/// What a cancel ends with when these are the answers, and how many calls were made.
async fn cancel(
    batch: Option<&str>,
    replies: Vec<Reply>,
) -> (Option<(ErrorKind, Acceptance)>, usize) {
    let mut replies = replies.into_iter();
    let server = Scripted::start(move |_| replies.next().unwrap()).await;
    let ended = client(&server).cancel(&in_batch(batch)).await;
    let error = ended.err().map(|error| {
        assert_eq!(error.operation(), Some("cancel"));
        (error.kind(), error.acceptance())
    });
    let seen = server.seen();
    if let Some(stop) = seen.get(1) {
        assert_eq!(stop.method, "DELETE");
        assert_eq!(stop.path, format!("/management/1000/batch/{ALONE}"));
    }
    (error, seen.len())
}

fn left(messages: u32) -> Reply {
    Reply::ok(format!(
        r#"{{"messageBatch":{{"totalSize":{messages},"onHold":0}}}}"#
    ))
}

#[tokio::test]
async fn a_message_that_travelled_alone_can_be_stopped_while_it_waits() {
    let stopped = || Reply::ok(r#"{"stoppedMessages":[{"messageId":"m1"}]}"#);
    assert_eq!(
        cancel(Some(ALONE), vec![left(1), stopped()]).await,
        (None, 2)
    );
    let gone = Some((ErrorKind::NotFound, Acceptance::Refused));
    // It left between the look and the stop.
    let nothing = Reply::ok(r#"{"stoppedMessages":[]}"#);
    assert_eq!(cancel(Some(ALONE), vec![left(1), nothing]).await, (gone, 2));
    assert_eq!(cancel(Some(ALONE), vec![left(0)]).await, (gone, 1));
    let not_found = Some((ErrorKind::NotFound, Acceptance::NotSent));
    let unknown = || Reply::status(404, "", "");
    assert_eq!(cancel(Some(ALONE), vec![unknown()]).await, (not_found, 1));
    assert_eq!(
        cancel(Some(ALONE), vec![left(1), unknown()]).await,
        (not_found, 2)
    );
    let lost = Some((ErrorKind::Unavailable, Acceptance::Unknown));
    assert_eq!(
        cancel(Some(ALONE), vec![left(1), Reply::Close]).await,
        (lost, 2)
    );
}

#[tokio::test]
async fn a_message_that_did_not_travel_alone_is_not_stopped_with_the_others() {
    let unsupported = (Some((ErrorKind::Unsupported, Acceptance::NotSent)), 0);
    for batch in [None, Some(OF_TWO), Some("spring"), Some("batch-1.1")] {
        assert_eq!(cancel(batch, Vec::new()).await, unsupported, "{batch:?}");
    }
    // Somebody has put another message under the same name.
    let grown = (Some((ErrorKind::Unsupported, Acceptance::NotSent)), 1);
    assert_eq!(cancel(Some(ALONE), vec![left(2)]).await, grown);
}

#[tokio::test]
async fn a_message_submitted_alone_can_be_stopped_by_its_receipt() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "POST" => queued_all(seen),
        "GET" => left(1),
        _ => Reply::ok(r#"{"stoppedMessages":[{"messageId":"m1"}]}"#),
    })
    .await;
    let client = client(&server);
    let receipt = client.submit(&[outbound(1, "a")]).await.unwrap().remove(0);
    let receipt = receipt.unwrap();
    client.cancel(&receipt.provider_ref).await.unwrap();
    let both = client
        .submit(&[outbound(1, "a"), outbound(2, "a")])
        .await
        .unwrap();
    for receipt in both {
        let about = receipt.unwrap().provider_ref;
        let error = client.cancel(&about).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

// ---- the rest of the seam ----

#[tokio::test]
async fn waiting_batches_are_listed_shown_and_stopped() {
    let server = Scripted::answering(&[
        r#"{"messageBatch":[{"clientBatchReference":"a","totalSize":10,"onHold":2},{"clientBatchReference":"b","totalSize":1}]}"#,
        r#"{"messageBatch":{"totalSize":10,"onHold":2}}"#,
        r#"{"serviceId":1000,"stoppedMessages":[{"messageId":"m1","clientMessageReference":null},{"messageId":"m2","clientMessageReference":"r-2"}]}"#,
        r#"{"messageBatch":[{"totalSize":10}]}"#,
        r#"{"stoppedMessages":[{}]}"#,
    ])
    .await;
    let client: Box<dyn Provider> = Box::new(client(&server));
    let batches = client.batches().unwrap();
    let list = batches.list().await.unwrap();
    let told: Vec<_> = list
        .iter()
        .map(|b| (b.reference.as_str(), b.left, b.on_hold))
        .collect();
    assert_eq!(told, [("a", 10, 2), ("b", 1, 0)]);
    let batch = batches.show("a").await.unwrap();
    assert_eq!(
        (batch.reference.as_str(), batch.left, batch.on_hold),
        ("a", 10, 2)
    );
    let stopped = batches.stop("a").await.unwrap();
    assert_eq!(stopped.reference, "a");
    let stopped: Vec<_> = stopped
        .stopped
        .iter()
        .map(|message| {
            (
                message.id.as_str(),
                message.reference.as_ref().map(ClientRef::as_str),
            )
        })
        .collect();
    assert_eq!(stopped, [("m1", None), ("m2", Some("r-2"))]);
    assert_eq!(
        batches.list().await.unwrap_err().kind(),
        ErrorKind::Protocol
    );
    let error = batches.stop("a").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Protocol, Acceptance::Unknown)
    );
}

#[tokio::test]
async fn what_puzzel_cannot_do_is_said() {
    let server = Scripted::answering(&[]).await;
    let client = client(&server);
    let error = client
        .status(&[ProviderRef::message("1")])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unsupported, Acceptance::NotSent)
    );
    assert!(error.to_string().contains("calling its customer's server"));
    assert_eq!(
        client.balance().await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    assert!(client.address_book().is_none());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn capabilities_are_those_of_the_dialect_and_the_settings() {
    let server = Scripted::answering(&[]).await;
    let can = client(&server).capabilities();
    assert_eq!(can, SPEC.capabilities);
    assert!(can.reports && can.cancel && can.batches && can.send_window && can.sender_optional);
    assert!(!can.status && !can.balance && !can.address_book && can.reconcile);
    assert_eq!((can.max_messages_per_call, can.max_parts), (100, 24));
    let builder = builder(&server).dialect(Dialect::Manual).bulk_size(7);
    let can = builder
        .duplicate_checking(true)
        .build()
        .unwrap()
        .capabilities();
    assert_eq!((can.max_messages_per_call, can.max_parts), (1, 6));
    assert!(can.reconcile);
}

#[test]
fn clients_can_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Client>();
}

#[tokio::test]
async fn a_message_with_a_file_is_refused_and_the_others_go_out() {
    let server = Scripted::start(queued_all).await;
    let client = client(&server);
    let mut with_file = outbound(1, "a");
    with_file.message.media = Some(Media::new("image/png", "a picture").unwrap());
    let results = client.submit(&[with_file, outbound(2, "a")]).await.unwrap();
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMessage);
    assert_eq!(error.acceptance(), Acceptance::NotSent);
    assert!(results[1].is_ok());
    assert_eq!(server.seen().len(), 1);
}
