//! Everything that can be wrong with an answer: each is an error of its own, never a zero or an
//! empty list, and says whether a message may be on its way.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use tidings_core::E164;

use super::client;
use crate::conversations::Page;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::http::{HttpClient, HttpResponse};
use crate::netsapiens::verdict::{self, Call};
use crate::netsapiens::{Client, Credentials, Message, wire};
use crate::tests::connection::{self, FailingCalls};
use crate::tests::scripted::{Reply, Scripted};

const SEND: Call = Call::sends("send_message");
const CHANGE: Call = Call::acts("rename_session");
const ASK: Call = Call::asks("list_sessions");

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

fn send_error(response: &HttpResponse) -> Error {
    verdict::read_sent(SEND, response).unwrap_err()
}

#[test]
fn every_status_has_a_meaning_for_messages_changes_and_questions() {
    use Acceptance::{NotSent, Refused, Unknown};
    const BODIES: [&str; 7] = [
        "",
        "{}",
        "<html>x</html>",
        r#"{"code":0,"message":"no"}"#,
        r#"{"error":"no"}"#,
        "null",
        "[]",
    ];
    for status in 100..=599 {
        for body in BODIES {
            let is_verdict = body.contains("no");
            let expected = match status {
                200..=202 | 204 => continue,
                400 | 422 | 413 | 414 | 431 => (ErrorKind::InvalidMessage, Refused),
                401 => (ErrorKind::Unauthorized, NotSent),
                402 => (ErrorKind::InsufficientCredit, NotSent),
                403 if is_verdict => (ErrorKind::Forbidden, NotSent),
                404 => (ErrorKind::NotFound, NotSent),
                405 | 415 | 501 => (ErrorKind::Unsupported, NotSent),
                408 => (ErrorKind::Timeout, Unknown),
                409 => (ErrorKind::Rejected, Unknown),
                // A 403 without the PBX's own words is the network's.
                403 | 429 => (ErrorKind::RateLimited, NotSent),
                500..=599 => (ErrorKind::Unavailable, Unknown),
                _ => (ErrorKind::Protocol, Unknown),
            };
            let answer = json(status, body);
            let error = send_error(&answer);
            assert_eq!(
                (error.kind(), error.acceptance()),
                expected,
                "{status} {body}"
            );
            assert_eq!(error.http().unwrap().status, status);
            assert_eq!(error.provider_code(), Some(status.to_string().as_str()));
            let changed = verdict::read_done(CHANGE, &answer).unwrap_err();
            // That something is there already is no doubt about a change.
            let acceptance = if status == 409 { Refused } else { expected.1 };
            assert_eq!(
                (changed.kind(), changed.acceptance()),
                (expected.0, acceptance),
                "{status}"
            );
            let asked = verdict::read_list::<wire::MessageSession>(ASK, &answer).unwrap_err();
            assert_eq!(
                (asked.kind(), asked.acceptance()),
                (expected.0, NotSent),
                "{status}"
            );
        }
    }
}

#[test]
fn the_words_of_a_refusal_say_what_is_wrong() {
    use Acceptance::{NotSent, Refused};
    #[track_caller]
    fn check(status: u16, words: &str, kind: ErrorKind, acceptance: Acceptance) {
        let body = format!(r#"{{"code":{status},"message":"{words}"}}"#);
        // The same in an answer whose own status is a success.
        for bearer in [status, 200, 202] {
            let error = send_error(&json(bearer, &body));
            assert_eq!(
                (error.kind(), error.acceptance()),
                (kind, acceptance),
                "{bearer} {words}"
            );
            assert_eq!(error.provider_text(), Some(words));
            assert_eq!(error.provider_code(), Some(status.to_string().as_str()));
            assert!(!format!("{error} {error:?}").contains(words));
        }
    }
    check(
        400,
        "Invalid from-number",
        ErrorKind::InvalidSender,
        Refused,
    );
    check(
        400,
        "from_num is not yours",
        ErrorKind::InvalidSender,
        Refused,
    );
    check(
        400,
        "Please include field destination",
        ErrorKind::InvalidRecipient,
        Refused,
    );
    check(
        400,
        "Please include field message",
        ErrorKind::InvalidMessage,
        Refused,
    );
    check(400, "something else", ErrorKind::InvalidMessage, Refused);
    check(401, "Invalid Scope [APP001]", ErrorKind::Forbidden, NotSent);
    check(
        401,
        "The access token provided has expired",
        ErrorKind::Unauthorized,
        NotSent,
    );
    check(403, "Permission Denied", ErrorKind::Forbidden, NotSent);
    check(
        403,
        "Domain not found or access denied",
        ErrorKind::Forbidden,
        NotSent,
    );
    check(404, "No Route Found [92]", ErrorKind::Unsupported, NotSent);
    check(404, "Resource not found.", ErrorKind::NotFound, NotSent);
    check(
        404,
        "User 200 does not exist in domain x",
        ErrorKind::NotFound,
        NotSent,
    );
    check(
        409,
        "it already exists",
        ErrorKind::Rejected,
        Acceptance::Unknown,
    );
    check(500, "oops", ErrorKind::Unavailable, Acceptance::Unknown);
}

#[test]
fn an_error_in_an_answer_of_success_is_a_refusal() {
    for status in [200, 201, 202, 204] {
        for body in [
            r#"{"error":"carrier down"}"#,
            r#"{"error":{"text":"carrier down"}}"#,
            r#"{"error":true,"message":"carrier down"}"#,
            r#"[{"error":"carrier down"}]"#,
        ] {
            let error = send_error(&json(status, body));
            assert_eq!(
                (error.kind(), error.acceptance()),
                (ErrorKind::Rejected, Acceptance::Refused),
                "{body}"
            );
        }
        let error = send_error(&json(
            status,
            r#"[{"code":"400","message":"Please include field message"}]"#,
        ));
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::InvalidMessage, Acceptance::Refused)
        );
    }
}

#[test]
fn a_page_in_the_place_of_an_answer_leaves_the_outcome_unknown() {
    #[track_caller]
    fn check(response: &HttpResponse) {
        let error = send_error(response);
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Protocol, Acceptance::Unknown)
        );
        assert!(!error.is_safe_to_resend());
        let asked = verdict::read_list::<wire::Message>(ASK, response).unwrap_err();
        assert_eq!(
            (asked.kind(), asked.acceptance()),
            (ErrorKind::Protocol, Acceptance::NotSent)
        );
    }
    check(&json(200, "<html>Please log in</html>"));
    check(&json(202, " \n<!DOCTYPE html>"));
    check(&response(
        200,
        Some("text/html; charset=utf-8"),
        "Please log in",
    ));
    check(&response(200, None, "<html>"));
    // The vendor's PHP names this type for what it writes; what is JSON is an answer.
    let accepted = r#"{"code":202,"message":"Accepted"}"#;
    assert!(verdict::read_sent(SEND, &response(202, Some("text/html"), accepted)).is_ok());
    assert!(verdict::read_sent(SEND, &response(202, Some("text/html"), "")).is_ok());
    assert!(verdict::read_sent(SEND, &response(202, None, "OK")).is_ok());
}

#[test]
fn questions_never_answer_with_nothing() {
    for body in [
        "", " ", "null", "oops", "5", "\"no\"", "true", "[5]", "[[]]", "{", "{}",
    ] {
        let error = verdict::read_list::<wire::MessageSession>(ASK, &json(200, body)).unwrap_err();
        assert_eq!(
            (error.kind(), error.acceptance()),
            (ErrorKind::Protocol, Acceptance::NotSent),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_list_of_something_else_is_no_list_of_empty_rows() {
    for body in [
        r#"{"code":202,"message":"Accepted"}"#,
        "{}",
        "[{}]",
        r#"{"message":"hello"}"#,
    ] {
        let server = Scripted::start(move |_| Reply::ok(body)).await;
        let client = client(&server);
        let page = Page::first(10);
        for error in [
            client.sessions(page).await.unwrap_err(),
            client.domain_sessions(page).await.unwrap_err(),
            client.messages("a", page).await.unwrap_err(),
            client.user_numbers(page).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        }
    }
}

#[test]
fn a_wait_is_kept_with_what_asks_for_it() {
    let mut answer = json(429, "");
    answer
        .headers
        .insert(RETRY_AFTER, HeaderValue::from_static("30"));
    let error = send_error(&answer);
    assert_eq!(
        error.retry_after(),
        Some(std::time::Duration::from_secs(30))
    );
    assert!(error.is_safe_to_resend());
    // The block of an address that called too often passes, too.
    let block = send_error(&response(403, Some("text/html"), "<h1>Forbidden</h1>"));
    assert_eq!(block.kind(), ErrorKind::RateLimited);
    assert!(block.is_safe_to_resend());
}

#[test]
fn long_words_are_cut_between_characters() {
    let error = send_error(&response(500, None, &"é".repeat(500)));
    assert_eq!(error.provider_text().unwrap(), "é".repeat(200));
}

// ---- over a connection ----

struct Calls;

fn client_at(base_url: String, http: HttpClient) -> Client {
    let client = Client::builder().credentials(Credentials::Jwt("x".into()));
    client.base_url(base_url).http(http).build().unwrap()
}

impl FailingCalls for Calls {
    async fn send(base_url: String, http: HttpClient) -> Error {
        let number = |text| E164::parse_possible(text, None).unwrap();
        let message = Message::sms([number("+15550101234")], "hello").from(number("+15550109876"));
        let error = client_at(base_url, http).send(&message).await.unwrap_err();
        assert_eq!(error.provider(), Some("netsapiens"));
        assert_eq!(error.operation(), Some("send_message"));
        let is_unknown = error.acceptance() == Acceptance::Unknown;
        assert_eq!(error.provider_ref().is_some(), is_unknown);
        error
    }

    async fn ask(base_url: String, http: HttpClient) -> Error {
        client_at(base_url, http)
            .sessions(Page::first(1))
            .await
            .unwrap_err()
    }
}

connection::tests_of!(Calls);
