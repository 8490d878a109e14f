//! Everything that can be wrong with an answer: each is an error of its own, never a zero or an
//! empty list, and says whether a text may be on its way.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::client;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::http::{HttpClient, HttpResponse};
use crate::puzzel::client::SEND;
use crate::puzzel::verdict::{self, Call};
use crate::puzzel::{Client, Dialect, Message, ProblemDetails, SendOptions, wire};
use crate::tests::connection::{self, FailingCalls};
use crate::tests::scripted::{Reply, Scripted};

const ASK: Call = Call::asks("list_batches");
const STOP: Call = Call::acts("stop_batch");

fn response(status: u16, content_type: Option<&'static str>, body: &str) -> HttpResponse {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let status = StatusCode::from_u16(status).unwrap();
    HttpResponse::new(status, headers, Bytes::copy_from_slice(body.as_bytes()))
}

fn json(status: u16, body: &str) -> HttpResponse {
    response(status, Some("application/json"), body)
}

fn sent(response: &HttpResponse) -> Result<wire::GatewayResponse, Error> {
    verdict::read_send(SEND, Dialect::V3, response).map(crate::Answer::into_value)
}

#[test]
fn every_status_has_a_meaning_for_messages_and_for_questions() {
    use Acceptance::{NotSent, Refused, Unknown};
    for status in 100..=599 {
        let expected = match status {
            200..=299 => continue,
            400 | 422 | 413 | 414 | 431 => (ErrorKind::InvalidMessage, Refused),
            401 => (ErrorKind::Unauthorized, NotSent),
            402 => (ErrorKind::InsufficientCredit, NotSent),
            403 => (ErrorKind::Forbidden, NotSent),
            404 => (ErrorKind::NotFound, NotSent),
            405 | 415 | 501 => (ErrorKind::Unsupported, NotSent),
            408 => (ErrorKind::Timeout, Unknown),
            409 => (ErrorKind::Rejected, Unknown),
            429 => (ErrorKind::RateLimited, NotSent),
            500..=599 => (ErrorKind::Unavailable, Unknown),
            _ => (ErrorKind::Protocol, Unknown),
        };
        for body in [
            "",
            "{}",
            "<html>x</html>",
            r#"{"title":"no"}"#,
            "null",
            "[]",
        ] {
            let error = sent(&json(status, body)).unwrap_err();
            assert_eq!(
                (error.kind(), error.acceptance()),
                expected,
                "{status} {body}"
            );
            assert_eq!(error.http().unwrap().status, status);
            assert_eq!(error.provider_code(), Some(status.to_string().as_str()));
            let asked = verdict::read_management::<wire::BatchListResponse>(
                ASK,
                Dialect::V3,
                "messageBatch",
                &json(status, body),
            );
            let asked = asked.unwrap_err();
            assert_eq!(
                (asked.kind(), asked.acceptance()),
                (expected.0, NotSent),
                "{status}"
            );
        }
    }
}

#[test]
fn a_success_that_is_not_what_was_promised_leaves_the_outcome_unknown() {
    #[track_caller]
    fn check(response: &HttpResponse) {
        let error = sent(response).unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Protocol, Acceptance::Unknown)
        );
        assert!(!error.is_safe_to_resend());
    }
    let good = r#"{"messageStatus":[{"statusCode":1}]}"#;
    assert!(sent(&json(200, good)).is_ok());
    check(&json(200, ""));
    check(&json(204, ""));
    check(&json(200, " \n"));
    check(&json(200, "null"));
    check(&json(200, "[]"));
    check(&json(200, "{}"));
    check(&json(200, "\"ok\""));
    check(&json(200, r#"{"messageStatus":"#));
    check(&json(200, r#"{"messageStatus":null}"#));
    check(&json(200, r#"{"messageStatus":[]}"#));
    check(&json(200, r#"{"messageStatus":"none"}"#));
    check(&json(200, r#"{"messageStatus":[{"statusCode":"one"}]}"#));
    check(&json(200, r#"{"messageStatus":[{"statusCode":1.5}]}"#));
    check(&json(
        200,
        r#"{"BatchReference":"b","MessageStatus":[{"StatusCode":1}]}"#,
    ));
    check(&json(200, r#"{"statusCode":1,"statusMessage":"fine"}"#));
    check(&json(200, "<html>Bad gateway</html>"));
    check(&response(200, Some("text/html"), good));
    check(&response(200, Some("text/plain"), good));
    check(&response(200, Some("nonsense"), good));
    check(&response(200, Some("application/xml"), good));
    check(&response(200, Some("application/xml"), "<html/>"));
    check(&response(200, None, "fine"));
    check(&response(200, None, ""));
}

#[test]
fn the_form_of_an_answer_is_read_from_its_content_type_or_else_from_itself() {
    #[track_caller]
    fn check(content_type: Option<&'static str>, body: &str) {
        let answer = sent(&response(200, content_type, body)).unwrap();
        assert_eq!(answer.message_status[0].status_code, Some(wire::Integer(1)));
    }
    let json = r#"{"messageStatus":{"statusCode":"1"}}"#;
    let xml = r#"<?xml version="1.0"?><ns2:response xmlns:ns2="http://chimera.intele.com/gw/xsd/SMSGateway/Response/2013/02"><messageStatus><statusCode>1</statusCode></messageStatus></ns2:response>"#;
    check(Some("application/json; charset=utf-8"), json);
    check(Some("Application/JSON"), json);
    check(Some("application/vnd.puzzel+json"), json);
    check(None, json);
    check(Some("application/xml"), xml);
    check(Some("text/xml;charset=UTF-8"), xml);
    check(None, xml);
}

#[test]
fn one_status_in_the_place_of_a_list_is_that_of_the_whole_call() {
    #[track_caller]
    fn check(dialect: Dialect, status: u16, body: &str, expected: (ErrorKind, Acceptance)) {
        let read = verdict::read_send(SEND, dialect, &json(status, body));
        let error = read.unwrap_err();
        assert_eq!((error.kind(), error.acceptance()), expected, "{body}");
        assert_eq!(error.provider_code(), Some("2"));
        assert_eq!(error.provider_text(), Some("their words"));
    }
    let body = r#"{"statusCode":2,"statusMessage":"their words"}"#;
    let unauthorized = (ErrorKind::Unauthorized, Acceptance::NotSent);
    check(Dialect::Manual, 200, body, unauthorized);
    check(Dialect::Manual, 401, body, unauthorized);
    check(
        Dialect::V3,
        200,
        body,
        (ErrorKind::Rejected, Acceptance::Refused),
    );
}

#[test]
fn a_failure_with_verdicts_is_no_refusal_of_messages_that_may_be_queued() {
    #[track_caller]
    fn check(statuses: &str, expected: Acceptance) {
        let body = format!(r#"{{"messageStatus":[{statuses}]}}"#);
        let error = sent(&json(400, &body)).unwrap_err();
        assert_eq!(error.acceptance(), expected, "{statuses}");
    }
    check(r#"{"statusCode":1},{"statusCode":2}"#, Acceptance::Unknown);
    check(r#"{"statusCode":3}"#, Acceptance::Unknown);
    check(r#"{"statusCode":99}"#, Acceptance::Unknown);
    check(r#"{"statusCode":2},{"statusCode":5}"#, Acceptance::Refused);
}

#[test]
fn problem_details_are_kept_with_all_their_members() {
    let body = r#"{"type":"t","title":"One or more validation errors occurred.","status":400,"detail":"their words","traceId":"00-0-00","errors":{"Message":["The Message field is required."]}}"#;
    let error = sent(&response(400, Some("application/problem+json"), body)).unwrap_err();
    assert_eq!(error.provider_text(), Some("their words"));
    let problem = ProblemDetails::of(&error).unwrap();
    assert_eq!(problem.status, Some(wire::Integer(400)));
    assert_eq!(problem.extra["traceId"], "00-0-00");
    assert_eq!(
        problem.extra["errors"]["Message"][0],
        "The Message field is required."
    );
    let shown = format!("{error} {error:?} {problem} {problem:?}");
    for words in ["their words", "validation", "required"] {
        assert!(!shown.contains(words), "{shown}");
    }
    let error = sent(&json(400, r#"{"title":"only a title"}"#)).unwrap_err();
    assert_eq!(error.provider_text(), Some("only a title"));
    let error = sent(&json(400, "not json")).unwrap_err();
    assert!(ProblemDetails::of(&error).is_none());
    assert_eq!(error.provider_text(), Some("not json"));
}

#[test]
fn a_fault_in_the_vendors_xml_is_kept() {
    let body = r#"<ns2:fault xmlns:ns2="http://chimera.intele.com/gw/xsd/SMSGateway/Fault/2013/02"><code>7</code><reason>their words</reason></ns2:fault>"#;
    let error = sent(&response(500, Some("text/xml"), body)).unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unavailable, Acceptance::Unknown)
    );
    assert_eq!(
        (error.provider_code(), error.provider_text()),
        (Some("7"), Some("their words"))
    );
}

#[test]
fn long_words_are_cut_between_characters() {
    let error = sent(&json(500, &"é".repeat(500))).unwrap_err();
    assert_eq!(error.provider_text().unwrap(), "é".repeat(100));
}

#[test]
fn questions_about_batches_never_answer_with_nothing() {
    #[track_caller]
    fn check(body: &str) {
        let read = verdict::read_management::<wire::BatchListResponse>(
            ASK,
            Dialect::V3,
            "messageBatch",
            &json(200, body),
        );
        let error = read.unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Protocol, Acceptance::NotSent),
            "{body}"
        );
        let read = verdict::read_management::<wire::StopBatchResponse>(
            STOP,
            Dialect::V3,
            "stoppedMessages",
            &json(200, body),
        );
        // The batch may have been stopped.
        let error = read.unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Protocol, Acceptance::Unknown),
            "{body}"
        );
    }
    for body in [
        "",
        "{}",
        "null",
        "[]",
        "oops",
        r#"{"MessageBatch":[],"StoppedMessages":[]}"#,
        r#"{"messageBatch":"none","stoppedMessages":"none"}"#,
        r#"{"statusCode":2,"statusMessage":"no"}"#,
    ] {
        check(body);
    }
}

#[tokio::test]
async fn a_batch_without_a_size_is_no_batch() {
    for body in [
        r#"{"messageBatch":null}"#,
        r#"{"messageBatch":{}}"#,
        r#"{"messageBatch":{"clientBatchReference":"b"}}"#,
        r#"{"messageBatch":[]}"#,
    ] {
        let server = Scripted::answering(&[body]).await;
        let error = client(&server).batch("b").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
    }
}

// ---- over a connection ----

fn client_at(base_url: String, http: HttpClient) -> Client {
    let client = Client::builder().service_id(1).username("u").password("p");
    client.base_url(base_url).http(http).build().unwrap()
}

struct Calls;

impl FailingCalls for Calls {
    async fn send(base_url: String, http: HttpClient) -> Error {
        let message = Message::new("+4741000000", "Hei").client_reference("order-1");
        let options = SendOptions::new().batch_reference("batch-1");
        let client = client_at(base_url, http);
        let error = client.send_one(&message, &options).await.unwrap_err();
        assert_eq!(error.provider(), Some("puzzel"));
        assert_eq!(error.operation(), Some("send_messages"));
        let about = error.provider_ref().unwrap();
        assert_eq!(about.batch.as_deref(), Some("batch-1"));
        assert_eq!(about.reference.as_ref().unwrap().as_str(), "order-1");
        error
    }

    async fn ask(base_url: String, http: HttpClient) -> Error {
        let client = client_at(base_url, http);
        client.list_batches().await.unwrap_err()
    }
}

connection::tests_of!(Calls);

#[tokio::test]
async fn a_get_that_gets_no_answer_leaves_the_outcome_unknown() {
    let server = Scripted::start(|_| Reply::Close).await;
    let message = [Message::new("+4741000000", "Hei")];
    let error = client(&server)
        .send_by_get(&message, &SendOptions::new())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unavailable, Acceptance::Unknown)
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_stop_that_gets_no_answer_leaves_the_outcome_unknown() {
    let server = Scripted::start(|_| Reply::Close).await;
    let error = client(&server).stop_batch("b").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Unavailable, Acceptance::Unknown)
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_without_a_content_type_is_read() {
    let server = Scripted::start(|_| {
        Reply::Bare(r#"{"messageStatus":[{"statusCode":1,"messageId":"a"}]}"#.to_owned())
    })
    .await;
    let message = Message::new("+4741000000", "Hei");
    let queued = client(&server)
        .send_one(&message, &SendOptions::new())
        .await
        .unwrap();
    assert_eq!(queued.message_id(), Some("a"));
}
