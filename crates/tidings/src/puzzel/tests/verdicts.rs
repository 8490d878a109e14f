//! What an answer says of each message: statuses in any order, in any number, with any code.

use super::{builder, client};
use crate::error::{Acceptance, ErrorKind};
use crate::puzzel::{Dialect, Message, SendOptions, SendOutcome, wire};
use crate::tests::scripted::Scripted;

/// What is said of `n` messages, with references `r-1` and so on, when this is the answer. The id
/// where one is queued.
async fn said(n: usize, statuses: &str) -> Vec<Result<String, (ErrorKind, Acceptance)>> {
    let outcome = outcome(n, statuses).await;
    let said = outcome.verdicts.into_iter().map(|verdict| match verdict {
        Ok(queued) => Ok(queued.message_id().unwrap_or_default().to_owned()),
        Err(error) => Err((error.kind(), error.acceptance())),
    });
    said.collect()
}

async fn outcome(n: usize, statuses: &str) -> SendOutcome {
    let answer = format!(r#"{{"batchReference":"b","messageStatus":[{statuses}]}}"#);
    let server = Scripted::answering(&[&answer]).await;
    let message = |number: usize| {
        let to = format!("+474100000{number}");
        Message::new(to, "Hei").client_reference(format!("r-{number}"))
    };
    let messages: Vec<_> = (1..=n).map(message).collect();
    let outcome = client(&server).send(&messages, &SendOptions::new()).await;
    assert_eq!(server.seen().len(), 1);
    outcome.unwrap()
}

const NOTHING: Result<String, (ErrorKind, Acceptance)> =
    Err((ErrorKind::Protocol, Acceptance::Unknown));

macro_rules! id {
    ($id:literal) => {
        Ok($id.to_owned())
    };
}

#[tokio::test]
async fn statuses_belong_to_the_messages_whose_numbers_they_bear() {
    let shuffled = r#"{"statusCode":1,"messageId":"c","sequenceIndex":3},{"statusCode":1,"messageId":"a","sequenceIndex":1},{"statusCode":5,"sequenceIndex":2}"#;
    let refused = Err((ErrorKind::InvalidMessage, Acceptance::Refused));
    assert_eq!(said(3, shuffled).await, [id!("a"), refused, id!("c")]);
    let one_missing = r#"{"statusCode":1,"messageId":"c","sequenceIndex":3},{"statusCode":1,"messageId":"a","sequenceIndex":1}"#;
    assert_eq!(said(3, one_missing).await, [id!("a"), NOTHING, id!("c")]);
}

#[tokio::test]
async fn without_numbers_statuses_belong_to_the_messages_in_their_place() {
    let plain = r#"{"statusCode":1,"messageId":"a"},{"statusCode":1,"messageId":"b"}"#;
    assert_eq!(said(2, plain).await, [id!("a"), id!("b")]);
    let with_nulls = r#"{"statusCode":1,"messageId":"a","sequenceIndex":null,"clientReference":null},{"statusCode":1,"messageId":"b","recipient":null}"#;
    assert_eq!(said(2, with_nulls).await, [id!("a"), id!("b")]);
    // Numbers that cannot be those of the messages are none.
    for numbers in [[0, 1], [1, 1], [2, 3], [-1, 1]] {
        let [one, other] = numbers;
        let odd = format!(
            r#"{{"statusCode":1,"messageId":"a","sequenceIndex":{one}}},{{"statusCode":1,"messageId":"b","sequenceIndex":{other}}}"#
        );
        assert_eq!(said(2, &odd).await, [id!("a"), id!("b")], "{numbers:?}");
    }
}

#[tokio::test]
async fn a_count_that_does_not_fit_leaves_open_what_nothing_points_to() {
    let one = r#"{"statusCode":1,"messageId":"a"}"#;
    assert_eq!(said(2, one).await, [NOTHING, NOTHING]);
    let three = r#"{"statusCode":1},{"statusCode":1},{"statusCode":1}"#;
    assert_eq!(said(2, three).await, [NOTHING, NOTHING]);
    let by_reference = r#"{"statusCode":1,"messageId":"b","clientReference":"r-2"}"#;
    assert_eq!(said(3, by_reference).await, [NOTHING, id!("b"), NOTHING]);
    let twice =
        r#"{"statusCode":1,"clientReference":"r-2"},{"statusCode":2,"clientReference":"r-2"}"#;
    assert_eq!(said(3, twice).await, [NOTHING, NOTHING, NOTHING]);
    let stranger = r#"{"statusCode":1,"clientReference":"r-9"}"#;
    assert_eq!(said(2, stranger).await, [NOTHING, NOTHING]);
}

#[tokio::test]
async fn a_status_that_names_another_message_says_nothing() {
    let exchanged = r#"{"statusCode":1,"messageId":"a","clientReference":"r-2"},{"statusCode":1,"messageId":"b","clientReference":"r-1"}"#;
    assert_eq!(said(2, exchanged).await, [NOTHING, NOTHING]);
    let numbered = r#"{"statusCode":1,"messageId":"a","clientReference":"r-1","sequenceIndex":1},{"statusCode":1,"messageId":"b","clientReference":"r-7","sequenceIndex":2}"#;
    assert_eq!(said(2, numbered).await, [id!("a"), NOTHING]);
}

#[tokio::test]
async fn every_code_has_a_meaning_in_each_dialect() {
    use Acceptance::{NotSent, Refused, Unknown};
    use ErrorKind::{Forbidden, InvalidMessage, Protocol, Rejected, Unauthorized, Unavailable};
    async fn check(dialect: Dialect, code: &str, expected: (ErrorKind, Acceptance)) {
        let answer = format!(
            r#"{{"messageStatus":[{{"statusCode":{code},"statusMessage":"their words","messageId":"m","sequenceIndex":1}}]}}"#
        );
        let server = Scripted::answering(&[&answer]).await;
        let client = builder(&server).dialect(dialect).build().unwrap();
        let message = Message::new("+4741000000", "Hei").client_reference("r");
        let error = client
            .send_one(&message, &SendOptions::new())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            expected,
            "{dialect:?} {code}"
        );
        assert!(!error.is_safe_to_resend());
        assert_eq!(error.provider_text(), Some("their words"));
        let about = error.provider_ref().unwrap();
        assert_eq!(about.message.as_deref(), Some("m"));
        assert_eq!(about.reference.as_ref().unwrap().as_str(), "r");
        assert!(about.batch.is_some());
        assert_eq!(error.http().unwrap().status, 200);
        if code != "null" {
            assert_eq!(error.provider_code(), Some(code));
        }
    }
    check(Dialect::V3, "2", (Rejected, Refused)).await;
    check(Dialect::V3, "3", (Unavailable, Unknown)).await;
    check(Dialect::Manual, "2", (Unauthorized, NotSent)).await;
    check(Dialect::Manual, "3", (Forbidden, NotSent)).await;
    for dialect in [Dialect::V3, Dialect::Manual] {
        check(dialect, "4", (Forbidden, NotSent)).await;
        check(dialect, "5", (InvalidMessage, Refused)).await;
        check(dialect, "6", (Unavailable, Unknown)).await;
        check(dialect, "24", (Rejected, Unknown)).await;
        check(dialect, "25", (Rejected, Unknown)).await;
        for code in ["null", "0", "7", "23", "200", "1000", "-1"] {
            check(dialect, code, (Protocol, Unknown)).await;
        }
    }
}

#[tokio::test]
async fn a_queued_message_keeps_all_that_the_gateway_said() {
    let status = r#"{"statusCode":1,"statusMessage":"Message enqueued for sending","clientReference":"r-1","recipient":"+4741000001","messageId":"7a0000000a00","sessionId":"00demosession0000001","sequenceIndex":1,"later":true}"#;
    let mut outcome = outcome(1, status).await;
    let answer = outcome.calls[0].outcome.as_ref().unwrap();
    assert_eq!(answer.batch_reference.as_deref(), Some("b"));
    let queued = outcome.verdicts.remove(0).unwrap();
    assert_eq!(queued.recipient(), Some("+4741000001"));
    assert_eq!(queued.session_id(), Some("00demosession0000001"));
    assert_eq!(queued.status.status_code, Some(wire::Integer(1)));
    let words = queued.status.status_message.as_deref();
    assert_eq!(words, Some("Message enqueued for sending"));
    let about = queued.provider_ref();
    assert_eq!(about.message.as_deref(), Some("7a0000000a00"));
    assert_eq!(about.session.as_deref(), Some("00demosession0000001"));
    assert_eq!(about.reference.unwrap().as_str(), "r-1");
    assert_eq!(about.batch, outcome.batch_reference);
}

#[tokio::test]
async fn a_queued_message_without_an_id_is_queued() {
    assert_eq!(said(1, r#"{"statusCode":1}"#).await, [id!("")]);
}
