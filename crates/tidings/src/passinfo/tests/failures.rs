//! Everything that can be wrong with an answer: each is an error of its own, never a zero or an
//! empty list, and says whether a text may be on its way.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::super::verdict::{self, Call};
use super::super::wire;
use super::guinea;
use super::scripted::Reply;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::http::{HttpClient, HttpResponse};
use crate::passinfo::Client;
use crate::tests::connection::{self, FailingCalls};

const SEND: Call = Call::acts("send_message");
const ASK: Call = Call::asks("get_sms_count");

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

#[test]
fn every_status_has_a_meaning_for_messages_and_for_questions() {
    use Acceptance::{NotSent, Refused, Unknown};
    for status in 100..=599 {
        let expected = match status {
            200..=299 => continue,
            400 | 422 | 413 => (ErrorKind::InvalidMessage, Refused),
            401 => (ErrorKind::Unauthorized, NotSent),
            402 => (ErrorKind::InsufficientCredit, NotSent),
            403 => (ErrorKind::Forbidden, NotSent),
            404 => (ErrorKind::NotFound, Refused),
            408 => (ErrorKind::Timeout, Unknown),
            429 => (ErrorKind::RateLimited, NotSent),
            500..=599 => (ErrorKind::Unavailable, Unknown),
            _ => (ErrorKind::Protocol, Unknown),
        };
        let sent = verdict::read::<wire::SendAnswer>(SEND, &response(status, "")).unwrap_err();
        assert_eq!((sent.kind(), sent.acceptance()), expected, "{status}");
        assert_eq!(sent.http().unwrap().status, status);
        assert_eq!(sent.provider_code(), Some(status.to_string().as_str()));
        let asked = verdict::read::<wire::BalanceAnswer>(ASK, &response(status, "")).unwrap_err();
        assert_eq!(
            (asked.kind(), asked.acceptance()),
            (expected.0, NotSent),
            "{status}"
        );
    }
}

#[test]
fn an_answer_to_a_message_is_a_success_only_when_it_says_so() {
    use Acceptance::{Refused, Unknown};
    #[track_caller]
    fn check(status: u16, body: &str, expected: Option<(ErrorKind, Acceptance)>) {
        let read = verdict::read::<wire::SendAnswer>(SEND, &response(status, body));
        let outcome = read.err().map(|error| (error.kind(), error.acceptance()));
        assert_eq!(outcome, expected, "{body}");
    }
    check(200, r#"{"status":"success","message_id":1}"#, None);
    check(201, r#"{"status":"Success","message":"1"}"#, None);
    check(202, r#"{"success":true,"message_id":"1"}"#, None);
    let refused = Some((ErrorKind::Rejected, Refused));
    check(200, r#"{"status":"error","message":"no credit"}"#, refused);
    check(200, r#"{"status":"ERROR"}"#, refused);
    check(200, r#"{"status":"failed"}"#, refused);
    check(200, r#"{"status":"failure"}"#, refused);
    check(200, r#"{"status":false}"#, refused);
    check(200, r#"{"success":false,"error":{"code":7}}"#, refused);
    let contradiction = r#"{"status":"success","success":false,"message_id":"1"}"#;
    check(200, contradiction, refused);
    let contradiction = r#"{"status":"error","success":true,"message_id":"1"}"#;
    check(200, contradiction, refused);
    let unclear = Some((ErrorKind::Protocol, Unknown));
    check(200, "", unclear);
    check(204, "", unclear);
    check(200, "<html>Bad gateway</html>", unclear);
    check(200, r#"{"status":"succ"#, unclear);
    check(200, r#"{"status":"queued","message_id":"1"}"#, unclear);
    check(200, r#"{"message_id":"1"}"#, unclear);
    check(200, r#"{"status":"success","message_id":{"a":1}}"#, unclear);
    check(200, r#"{"status":7}"#, unclear);
    check(200, "[]", unclear);
    check(200, "null", unclear);
    check(200, "\"success\"", unclear);
    check(200, "\u{feff}{}", unclear);
}

#[test]
fn a_failure_that_had_queued_some_is_no_refusal() {
    #[track_caller]
    fn check(body: &str, expected: Acceptance) {
        let read = verdict::read::<wire::BulkAnswer>(SEND, &response(200, body));
        assert_eq!(read.unwrap_err().acceptance(), expected, "{body}");
    }
    check(
        r#"{"status":"error","successful_sends":2,"failed_sends":1}"#,
        Acceptance::Unknown,
    );
    check(
        r#"{"status":"error","successful_sends":"2"}"#,
        Acceptance::Unknown,
    );
    check(
        r#"{"status":"error","messages_queued":1}"#,
        Acceptance::Unknown,
    );
    check(
        r#"{"status":"error","successful_sends":0,"failed_sends":3}"#,
        Acceptance::Refused,
    );
    check(r#"{"status":"error"}"#, Acceptance::Refused);
    // Of the others nothing is said, or there is a batch.
    check(
        r#"{"status":"error","failed_sends":1}"#,
        Acceptance::Unknown,
    );
    check(r#"{"status":"error","batch_id":7}"#, Acceptance::Unknown);
    check(
        r#"{"status":"error","bulk_id":null,"failed_sends":0}"#,
        Acceptance::Refused,
    );
    // The status alone is no verdict on those that were queued.
    for status in [400, 402, 404, 429] {
        let body = r#"{"status":"error","successful_sends":2,"failed_sends":1}"#;
        let read = verdict::read::<wire::BulkAnswer>(SEND, &response(status, body));
        assert_eq!(
            read.unwrap_err().acceptance(),
            Acceptance::Unknown,
            "{status}"
        );
    }
}

#[test]
fn the_state_of_a_message_is_not_taken_for_the_failure_of_the_question() {
    let read = verdict::read::<wire::StatusAnswer>(ASK, &response(200, r#"{"status":"failed"}"#));
    assert_eq!(read.unwrap().status, "failed");
    let read = verdict::read::<wire::StatusAnswer>(
        ASK,
        &response(200, r#"{"status":"error","message":"x"}"#),
    );
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Rejected);
}

#[test]
fn the_vendors_code_and_words_are_kept_and_never_shown() {
    #[track_caller]
    fn check(status: u16, body: &str, code: &str, text: Option<&str>) {
        let error = verdict::read::<wire::SendAnswer>(SEND, &response(status, body)).unwrap_err();
        assert_eq!(error.provider_code(), Some(code), "{body}");
        assert_eq!(error.provider_text(), text, "{body}");
        if let Some(text) = text {
            assert!(!format!("{error} {error:?}").contains(text));
        }
    }
    check(
        400,
        r#"{"message":"contact is required"}"#,
        "400",
        Some("contact is required"),
    );
    check(
        400,
        r#"{"error":"contact is required"}"#,
        "400",
        Some("contact is required"),
    );
    check(
        400,
        r#"{"detail":"contact is required","code":"E17"}"#,
        "E17",
        Some("contact is required"),
    );
    check(
        400,
        r#"{"error":{"message":"deep down"},"code":17}"#,
        "17",
        Some("deep down"),
    );
    check(
        400,
        r#"{"error":{"contact":["bad"]}}"#,
        "400",
        Some(r#"{"contact":["bad"]}"#),
    );
    check(
        500,
        "<h1>Oops, it broke</h1>",
        "500",
        Some("<h1>Oops, it broke</h1>"),
    );
    check(500, "", "500", None);
    check(500, "{}", "500", Some("{}"));
    check(
        200,
        r#"{"status":"error","message":"no such sender"}"#,
        "error",
        Some("no such sender"),
    );
    check(
        200,
        r#"{"success":false,"message":"no such sender"}"#,
        "200",
        Some("no such sender"),
    );
    check(401, r#"["nope nope"]"#, "401", Some(r#"["nope nope"]"#));
}

#[test]
fn long_words_are_cut_between_characters() {
    let body = "é".repeat(500);
    let error = verdict::read::<wire::SendAnswer>(SEND, &response(500, &body)).unwrap_err();
    assert_eq!(error.provider_text().unwrap(), "é".repeat(100));
    let not_text = HttpResponse {
        body: Bytes::from_static(b"\xff\xfe\x00"),
        ..response(500, "")
    };
    assert!(verdict::read::<wire::SendAnswer>(SEND, &not_text).is_err());
}

#[test]
fn questions_never_answer_with_nothing() {
    #[track_caller]
    fn check<T: verdict::Judged + std::fmt::Debug>(body: &str, kind: ErrorKind) {
        let error = verdict::read::<T>(ASK, &response(200, body)).unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (kind, Acceptance::NotSent),
            "{body}"
        );
    }
    check::<wire::BalanceAnswer>("{}", ErrorKind::Protocol);
    check::<wire::BalanceAnswer>(r#"{"solde":null}"#, ErrorKind::Protocol);
    check::<wire::BalanceAnswer>(r#"{"solde":"much"}"#, ErrorKind::Protocol);
    check::<wire::BalanceAnswer>(r#"{"status":"error","solde":5}"#, ErrorKind::Rejected);
    check::<wire::BalanceAnswer>(r#"{"message":"Unauthenticated."}"#, ErrorKind::Protocol);
    check::<wire::ContactsAnswer>("{}", ErrorKind::Protocol);
    check::<wire::ContactsAnswer>(r#"{"success":false}"#, ErrorKind::Rejected);
    check::<wire::GroupsAnswer>("", ErrorKind::Protocol);
    check::<wire::GroupsAnswer>("oops", ErrorKind::Protocol);
    check::<wire::StatusAnswer>("{}", ErrorKind::Protocol);
    check::<wire::BulkStatusAnswer>("[]", ErrorKind::Protocol);
    check::<wire::DoneAnswer>("{}", ErrorKind::Protocol);
    check::<wire::AddContactAnswer>("{}", ErrorKind::Protocol);
}

// ---- over a connection ----

fn client_at(base_url: String, http: HttpClient) -> Client {
    let client = Client::builder().api_key("k").client_id(1).http(http);
    let client = client.base_url(base_url).default_sender(super::sender());
    client.build().unwrap()
}

struct Calls;

impl FailingCalls for Calls {
    async fn send(base_url: String, http: HttpClient) -> Error {
        let client = client_at(base_url, http);
        let error = client.send(&guinea(1), "Bonjour", None).await.unwrap_err();
        assert_eq!(error.provider(), Some("passinfo"));
        assert_eq!(error.operation(), Some("send_message"));
        error
    }

    async fn ask(base_url: String, http: HttpClient) -> Error {
        let client = client_at(base_url, http);
        client.credits().await.unwrap_err()
    }
}

connection::tests_of!(Calls);

#[tokio::test]
async fn a_success_without_an_id_leaves_the_outcome_unknown() {
    let error = connection::send_error::<Calls>(Reply::ok(
        r#"{"status":"success","message":"It is on its way"}"#,
    ))
    .await;
    assert_eq!(
        (error.kind(), error.acceptance()),
        (ErrorKind::Protocol, Acceptance::Unknown)
    );
}
