//! The client through [`Provider`]: which messages travel together, and what is said of each.

use std::sync::Arc;

use tidings_core::{
    ClientRef, DeliveryReport, Media, Message, ProviderRef, Reason, ReportedState, SenderId,
};

use super::super::Client;
use super::guinea;
use super::scripted::{Reply, Scripted, Seen};
use crate::error::{Acceptance, ErrorKind};
use crate::provider::{AttemptRef, Balance, Outbound, Provider, Reconciled};

fn outbound(number: u32, text: &str) -> Outbound {
    let reference = ClientRef::new(format!("r-{number}")).unwrap();
    Outbound::new(reference, Message::new(guinea(number), text))
}

/// Answers every call as a working server would: a batch's id is `b` and the call's number.
async fn working_server() -> Scripted {
    let mut number = 0;
    Scripted::start(move |seen| {
        number += 1;
        match contacts(seen).len() {
            0 => Reply::ok(format!(r#"{{"status":"success","message_id":"m{number}"}}"#)),
            n => Reply::ok(format!(
                r#"{{"status":"success","successful_sends":{n},"failed_sends":0,"batch_id":"b{number}"}}"#
            )),
        }
    })
    .await
}

fn contacts(seen: &Seen) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    let contacts = body["contacts"].as_array().cloned().unwrap_or_default();
    contacts
        .iter()
        .map(|contact| contact.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn messages_with_the_same_text_and_sender_travel_together() {
    let server = working_server().await;
    let client = server.builder().bulk_size(3).build().unwrap();
    let other = SenderId::parse("Other").unwrap();
    let mut messages: Vec<Outbound> = [(1, "a"), (2, "b"), (3, "a"), (4, "a"), (5, "a"), (6, "a")]
        .map(|(number, text)| outbound(number, text))
        .into();
    messages.push(outbound(3, "a"));
    let mut from_another = outbound(7, "a");
    from_another.message.from = Some(other);
    messages.push(from_another);

    let receipts = client.submit(&messages).await.unwrap();
    let refs: Vec<ProviderRef> = receipts
        .into_iter()
        .map(|receipt| receipt.unwrap().provider_ref)
        .collect();
    let member = |batch: &str, number| ProviderRef::batch_member(batch, guinea(number));
    let expected = [
        member("b1", 1),
        ProviderRef::message("m4"),
        member("b1", 3),
        member("b1", 4),
        member("b2", 5),
        member("b2", 6),
        ProviderRef::message("m3"),
        ProviderRef::message("m5"),
    ];
    assert_eq!(refs, expected);
    let travelled: Vec<_> = server.seen().iter().map(contacts).collect();
    assert_eq!(travelled[0], ["622000001", "622000003", "622000004"]);
    assert_eq!(travelled[1], ["622000005", "622000006"]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_in_its_place() {
    let server = working_server().await;
    let mut abroad = outbound(2, "a");
    abroad.message.to = "+4790000001".parse().unwrap();
    let messages = [outbound(1, "a"), abroad, outbound(3, ""), outbound(4, "a")];
    let results = server.client().submit(&messages).await.unwrap();
    let kinds: Vec<_> = results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .err()
                .map(|error| (error.kind(), error.acceptance()))
        })
        .collect();
    let expected = [
        None,
        Some((ErrorKind::InvalidRecipient, Acceptance::NotSent)),
        Some((ErrorKind::InvalidMessage, Acceptance::NotSent)),
        None,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(server.seen().len(), 1);
    assert!(server.client().submit(&[]).await.unwrap().is_empty());
}

/// What is said of two messages of one bulk call.
async fn verdicts(answer: &str) -> Vec<Result<ProviderRef, (ErrorKind, Acceptance)>> {
    let server = Scripted::answering(&[answer]).await;
    let results = server
        .client()
        .submit(&[outbound(1, "a"), outbound(2, "a")])
        .await
        .unwrap();
    results
        .into_iter()
        .map(|result| {
            result
                .map(|receipt| receipt.provider_ref)
                .map_err(|error| (error.kind(), error.acceptance()))
        })
        .collect()
}

#[tokio::test]
async fn a_bulk_answer_says_of_each_message_only_what_is_known() {
    let taken = |number| Ok(ProviderRef::batch_member("7", guinea(number)));
    let refused = Err((ErrorKind::Rejected, Acceptance::Refused));
    let unknown = Err((ErrorKind::Rejected, Acceptance::Unknown));

    let all = r#"{"status":"success","successful_sends":2,"failed_sends":0,"batch_id":7}"#;
    assert_eq!(verdicts(all).await, [taken(1), taken(2)]);
    let none = r#"{"status":"success","successful_sends":0,"failed_sends":2,"batch_id":7}"#;
    assert_eq!(verdicts(none).await, [refused.clone(), refused.clone()]);
    let one_of_two = r#"{"status":"success","successful_sends":1,"failed_sends":1,"batch_id":7}"#;
    assert_eq!(
        verdicts(one_of_two).await,
        [unknown.clone(), unknown.clone()]
    );
    let one_is_missing =
        r#"{"status":"success","successful_sends":1,"failed_sends":0,"batch_id":7}"#;
    assert_eq!(
        verdicts(one_is_missing).await,
        [unknown.clone(), unknown.clone()]
    );
    let named = r#"{"status":"success","successful_sends":1,"failed_sends":1,"batch_id":7,"error_details":[{"contact":"622000002","error":"barred"}]}"#;
    assert_eq!(verdicts(named).await, [taken(1), refused]);
    let names_a_stranger = r#"{"status":"success","successful_sends":1,"failed_sends":1,"batch_id":7,"error_details":["622000009"]}"#;
    assert_eq!(verdicts(names_a_stranger).await, [unknown.clone(), unknown]);
}

#[tokio::test]
async fn a_message_of_which_nothing_is_known_can_be_asked_about() {
    async fn about(answer: &str) -> Option<ProviderRef> {
        let server = Scripted::answering(&[answer]).await;
        let messages = [outbound(1, "a"), outbound(2, "a")];
        let mut results = server.client().submit(&messages).await.unwrap();
        let error = results.remove(1).unwrap_err();
        assert_eq!(error.acceptance(), Acceptance::Unknown);
        assert_eq!(error.provider_code(), None);
        let copied = error.copy_without_source();
        assert_eq!(copied.provider_ref(), error.provider_ref());
        error.provider_ref().cloned()
    }
    let with_id = r#"{"status":"success","successful_sends":1,"failed_sends":1,"batch_id":7}"#;
    let member = ProviderRef::batch_member("7", guinea(2));
    assert_eq!(about(with_id).await, Some(member));
    let without = r#"{"status":"success","successful_sends":1,"failed_sends":1}"#;
    assert_eq!(about(without).await, None);
}

#[tokio::test]
async fn a_batch_without_an_id_is_taken_and_cannot_be_asked_about() {
    let answer = r#"{"status":"success","successful_sends":2,"failed_sends":0}"#;
    let refs: Vec<_> = verdicts(answer)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(refs[0].recipient, Some(guinea(1)));
    assert_eq!(refs[0].batch, None);
    let server = Scripted::answering(&[]).await;
    let reports = server.client().status(&refs).await.unwrap();
    assert!(
        reports
            .iter()
            .all(|report| report.state == ReportedState::Unknown)
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_failure_of_the_only_call_is_that_of_the_whole() {
    let server = Scripted::start(|_| Reply::status(502, "", "gone")).await;
    let error = server
        .client()
        .submit(&[outbound(1, "a"), outbound(2, "a")])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unavailable, Acceptance::Unknown)
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_failure_of_one_call_of_several_is_said_of_its_messages() {
    let mut number = 0;
    let server = Scripted::start(move |_| {
        number += 1;
        match number {
            2 => Reply::status(502, "", r#"{"message":"gone"}"#),
            _ => Reply::ok(
                r#"{"status":"success","successful_sends":2,"failed_sends":0,"batch_id":7}"#,
            ),
        }
    })
    .await;
    let client = server.builder().bulk_size(2).build().unwrap();
    let messages: Vec<_> = (1..=6).map(|number| outbound(number, "a")).collect();
    let results = client.submit(&messages).await.unwrap();
    assert!(results[0].is_ok() && results[1].is_ok());
    for lost in &results[2..4] {
        let error = lost.as_ref().unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Unavailable, Acceptance::Unknown)
        );
        assert_eq!(error.provider_text(), Some("gone"));
        assert_eq!(error.http().unwrap().status, 502);
    }
    for left in &results[4..] {
        let error = left.as_ref().unwrap_err();
        assert_eq!(error.acceptance(), Acceptance::NotSent);
        assert!(error.is_safe_to_resend());
    }
    assert_eq!(server.seen().len(), 2);
}

// ---- states ----

/// What is reported of the first of `recipients` messages of a batch.
async fn member(answer: &str) -> DeliveryReport {
    let server = Scripted::answering(&[answer]).await;
    let about = ProviderRef::batch_member("7", guinea(1));
    server.client().status(&[about]).await.unwrap().remove(0)
}

#[tokio::test]
async fn the_totals_of_a_batch_say_of_one_message_only_what_is_certain() {
    async fn check(answer: &str, expected: ReportedState) {
        let report = member(answer).await;
        assert_eq!(report.state, expected, "{answer}");
        assert!(report.raw.is_some());
    }
    use ReportedState::{Delivered, Submitted, Undelivered, Unknown};
    check(
        r#"{"status":"processing","successful":0,"failed":0,"pending":3}"#,
        Submitted,
    )
    .await;
    check(
        r#"{"status":"processing","successful":2,"failed":0,"pending":1}"#,
        Submitted,
    )
    .await;
    check(
        r#"{"status":"completed","successful":3,"failed":0,"pending":0}"#,
        Delivered,
    )
    .await;
    check(
        r#"{"status":"Completed","successful":"3","failed":"0"}"#,
        Delivered,
    )
    .await;
    check(
        r#"{"status":"completed","successful":0,"failed":3,"pending":0}"#,
        Undelivered,
    )
    .await;
    check(
        r#"{"status":"failed","successful":0,"failed":3,"pending":0}"#,
        Undelivered,
    )
    .await;
    check(r#"{"status":"failed"}"#, Undelivered).await;
    check(
        r#"{"status":"completed","successful":2,"failed":1,"pending":0}"#,
        Unknown,
    )
    .await;
    check(
        r#"{"status":"processing","successful":1,"failed":1,"pending":1}"#,
        Unknown,
    )
    .await;
    check(r#"{"status":"completed"}"#, Unknown).await;
    // A total that is missing is no zero.
    check(r#"{"status":"processing"}"#, Submitted).await;
    check(r#"{"status":"processing","failed":2}"#, Unknown).await;
    check(
        r#"{"status":"processing","successful":0,"failed":2}"#,
        Unknown,
    )
    .await;
    check(r#"{"status":"completed","failed":2}"#, Unknown).await;
    check(r#"{"status":"completed","successful":2}"#, Unknown).await;
    check(
        r#"{"status":"completed","failed":1,"error_details":["622000002"]}"#,
        Unknown,
    )
    .await;
    check(
        r#"{"status":"paused","successful":3,"failed":0,"pending":0}"#,
        Unknown,
    )
    .await;
    // Named, or not named where all that failed are named.
    check(r#"{"status":"completed","successful":2,"failed":1,"pending":0,"error_details":["622000001"]}"#, Undelivered).await;
    check(r#"{"status":"completed","successful":2,"failed":1,"pending":0,"error_details":["622000002"]}"#, Delivered).await;
    check(r#"{"status":"processing","successful":1,"failed":1,"pending":1,"error_details":["622000002"]}"#, Submitted).await;
    check(r#"{"status":"completed","successful":1,"failed":2,"pending":0,"error_details":["622000002"]}"#, Unknown).await;
}

#[tokio::test]
async fn a_named_failure_keeps_its_reason() {
    let report = member(
        r#"{"status":"completed","successful":1,"failed":1,"pending":0,"timestamp":"2024-01-20T15:30:45Z","error_details":[{"contact":622000001,"error":"no such phone number"}]}"#,
    )
    .await;
    assert_eq!(report.reason, Some(Reason::InvalidRecipient));
    assert_eq!(report.detail.as_deref(), Some("no such phone number"));
    assert_eq!(report.at, Some("2024-01-20T15:30:45Z".parse().unwrap()));
    assert_eq!(report.raw.as_deref(), Some("completed"));
}

fn status_server(seen: &Seen) -> Reply {
    match seen.path.rsplit('/').next().unwrap() {
        "gone" => Reply::status(404, "", ""),
        "b" => Reply::ok(r#"{"status":"processing","successful":0,"failed":0,"pending":9}"#),
        id => Reply::ok(format!(r#"{{"status":"delivered","message_id":"{id}"}}"#)),
    }
}

#[tokio::test]
async fn there_is_one_report_per_reference_in_order_and_one_question_per_batch() {
    let server = Scripted::start(status_server).await;
    let mut refs: Vec<ProviderRef> = (0..40)
        .map(|id| ProviderRef::message(format!("m{id}")))
        .collect();
    for number in 1..=9 {
        refs.insert(
            usize::try_from(number).unwrap() * 3,
            ProviderRef::batch_member("b", guinea(number)),
        );
    }
    refs.push(ProviderRef::message("gone"));
    refs.push(ProviderRef::message("m0"));
    let reports = server.client().status(&refs).await.unwrap();
    let about: Vec<ProviderRef> = reports.iter().map(|report| report.about.clone()).collect();
    assert_eq!(about, refs);
    for report in &reports {
        let expected = match (&report.about.batch, report.about.message.as_deref()) {
            (Some(_), _) => ReportedState::Submitted,
            (None, Some("gone")) => ReportedState::Unknown,
            (None, _) => ReportedState::Delivered,
        };
        assert_eq!(report.state, expected);
    }
    // 40 messages, one batch, one that is gone.
    assert_eq!(server.seen().len(), 42);
}

#[tokio::test]
async fn ids_of_which_none_is_known_are_an_error() {
    let server = Scripted::start(status_server).await;
    let error = server
        .client()
        .status(&[ProviderRef::message("gone")])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(server.client().status(&[]).await.unwrap().is_empty());
    let server = Scripted::start(|_| Reply::status(500, "", "")).await;
    let error = server
        .client()
        .status(&[ProviderRef::message("m")])
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unavailable, Acceptance::NotSent)
    );
}

// ---- the rest of the seam ----

#[tokio::test]
async fn what_passinfo_cannot_do_is_said() {
    let server = Scripted::answering(&[r#"{"solde":17}"#]).await;
    let client: Arc<dyn Provider> = Arc::new(server.client());
    let attempt = AttemptRef::new(outbound(1, "a"), "2026-11-21T12:00:00Z".parse().unwrap());
    assert_eq!(
        client.reconcile(&attempt).await.unwrap(),
        Reconciled::CannotTell
    );
    let error = client.cancel(&ProviderRef::message("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        client.balance().await.unwrap(),
        Balance::new(17, "sms credits")
    );
    let can = client.capabilities();
    assert!(can.status && can.balance && can.address_book && !can.cancel && !can.reconcile);
    assert_eq!(
        (can.max_messages_per_call, can.calling_codes),
        (100, &[224][..])
    );
}

#[tokio::test]
async fn the_address_book_is_the_same_client() {
    let server = Scripted::answering(&[
        r#"{"success":true,"contact_id":"c1"}"#,
        r#"[{"id":"c1","first_name":"Mariama"}]"#,
        r#"{"id":"g1","name":"Conakry"}"#,
        r#"[{"id":"g1","name":"Conakry"}]"#,
        r#"{"success":true}"#,
        r#"{"status":"success","group_size":2,"messages_queued":1,"batch_id":"b1"}"#,
    ])
    .await;
    let client: Box<dyn Provider> = Box::new(server.client());
    let book = client.address_book().unwrap();
    let contact = book
        .add_contact("Mariama", "Camara", &guinea(1))
        .await
        .unwrap();
    assert_eq!(contact.id.as_deref(), Some("c1"));
    assert_eq!(book.contacts(1, 10).await.unwrap().contacts.len(), 1);
    assert_eq!(book.create_group("Conakry").await.unwrap().id, "g1");
    assert_eq!(book.groups().await.unwrap().len(), 1);
    book.add_to_group("c1", "g1").await.unwrap();
    let receipt = book.send_to_group("g1", "Bonjour", None).await.unwrap();
    assert_eq!((receipt.group_size, receipt.queued), (2, 1));
    let about = receipt.receipt.unwrap().provider_ref;
    assert_eq!(about.batch.as_deref(), Some("b1"));
}

#[test]
fn clients_can_be_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Client>();
}

#[tokio::test]
async fn a_message_with_a_file_is_refused_and_the_others_go_out() {
    let server = working_server().await;
    let client = server.client();
    let mut with_file = outbound(1, "a");
    with_file.message.media = Some(Media::new("image/png", "a picture").unwrap());
    let results = client.submit(&[with_file, outbound(2, "a")]).await.unwrap();
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMessage);
    assert_eq!(error.acceptance(), Acceptance::NotSent);
    assert!(results[1].is_ok());
    assert_eq!(server.seen().len(), 1);
}
