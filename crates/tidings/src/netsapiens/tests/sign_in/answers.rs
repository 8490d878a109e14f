//! Every answer of the addresses for tokens that is none.

use super::{CLIENT_SECRET, TestClock, ask};
use crate::error::{Acceptance, Error, ErrorKind};
use crate::netsapiens::{Brings, Client};
use crate::tests::scripted::{Reply, Scripted};
use crate::tests::settings::SECRET;

async fn error_of(brings: Brings, status: u16, body: &'static str) -> Error {
    let server =
        Scripted::start(move |_| Reply::status(status, "x-request-id: r-1\r\n", body)).await;
    let client = Client::builder()
        .base_url(&server.url)
        .password("acme.app", CLIENT_SECRET, "200@example.test", SECRET)
        .brings(brings)
        .clock(TestClock::new())
        .build()
        .unwrap();
    let error = ask(&client).await.expect_err(body);
    let calls = if status == 404 && brings == Brings::Token {
        2
    } else {
        1
    };
    assert_eq!(server.seen().len(), calls, "{status} {body}");
    assert!(ask(&client).await.is_err());
    assert_eq!(
        server.seen().len(),
        calls,
        "a second call does not try again"
    );
    error
}

async fn check(status: u16, body: &'static str, expected: ErrorKind) {
    for brings in [Brings::Token, Brings::Jwt] {
        let error = error_of(brings, status, body).await;
        assert_eq!(
            error.kind(),
            expected,
            "{brings:?} {status} {body}: {error}"
        );
        assert_eq!(error.acceptance(), Acceptance::NotSent);
        assert_eq!(error.operation(), Some("sign_in"));
        let http = error.http().unwrap();
        assert_eq!(
            (http.status, http.request_id.as_deref()),
            (status, Some("r-1"))
        );
    }
}

#[tokio::test]
async fn wrong_credentials_come_with_three_statuses_and_two_bodies() {
    for status in [400, 401, 403] {
        for body in [
            r#"{"code":403,"message":"Wrong"}"#,
            r#"{"error":"invalid_grant","error_description":"Wrong"}"#,
            "{}",
        ] {
            check(status, body, ErrorKind::Unauthorized).await;
        }
    }
    for status in [400, 401] {
        check(status, "", ErrorKind::Unauthorized).await;
        check(status, "<html>", ErrorKind::Unauthorized).await;
    }
    // With a status that says the opposite.
    check(
        200,
        r#"{"error":"invalid_client"}"#,
        ErrorKind::Unauthorized,
    )
    .await;
}

/// What answers then is not the server, and says nothing about the credentials.
#[tokio::test]
async fn an_address_that_is_shut_out_is_not_called_wrong_credentials() {
    for body in ["", "<html><body>Forbidden</body></html>", "Forbidden"] {
        check(403, body, ErrorKind::RateLimited).await;
    }
}

#[tokio::test]
async fn a_success_without_a_token_is_no_login() {
    for body in [
        "",
        "{}",
        "[]",
        "null",
        "ok",
        "<html>",
        r#"{"access_token":"","token":""}"#,
        r#"{"access_token":null,"token":null}"#,
        r#"{"access_token":"  ","token":" "}"#,
        r#"{"code":200,"message":"ok"}"#,
    ] {
        check(200, body, ErrorKind::Protocol).await;
        check(202, body, ErrorKind::Protocol).await;
    }
    let unsendable = "{\"access_token\":\"a\\nb\",\"token\":\"a\\nb\"}";
    let error = error_of(Brings::Token, 200, unsendable).await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(
        error.to_string(),
        "netsapiens gave a token that no header can carry"
    );
}

#[tokio::test]
async fn other_statuses_mean_what_http_says() {
    for (status, kind) in [
        (302, ErrorKind::Protocol),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::Protocol),
        (408, ErrorKind::Unavailable),
        (409, ErrorKind::Protocol),
        (415, ErrorKind::Protocol),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
        (502, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
    ] {
        check(status, r#"{"code":1,"message":"no"}"#, kind).await;
        // A body that looks like a token makes none of them a login.
        check(status, r#"{"access_token":"a","token":"a"}"#, kind).await;
    }
}

#[tokio::test]
async fn a_member_that_is_wrong_is_named() {
    for (body, named) in [
        (r#"{"access_token":"a","expires_in":"soon"}"#, "expires_in"),
        (r#"{"access_token":"a","expires_in":[1]}"#, "expires_in"),
        (r#"{"access_token":{"is":"s3cret"}}"#, "access_token"),
        (
            r#"{"access_token":"a","refresh_token":["s3cret"]}"#,
            "refresh_token",
        ),
        (r#"{"access_token":"a","scope":{"a":1}}"#, "scope"),
    ] {
        let error = error_of(Brings::Token, 200, body).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(named), "{cause}");
        let shown = format!("{error} {error:?} {cause}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[tokio::test]
async fn the_servers_words_are_kept_unless_they_repeat_what_was_presented() {
    let error = error_of(
        Brings::Token,
        401,
        r#"{"code":401,"message":"Account locked"}"#,
    )
    .await;
    assert_eq!(error.provider_code(), Some("401"));
    assert_eq!(error.provider_text(), Some("Account locked"));
    let error = error_of(
        Brings::Token,
        401,
        r#"{"error":"invalid_grant","error_description":"no password s3cret for this user"}"#,
    )
    .await;
    assert_eq!(error.provider_code(), Some("invalid_grant"));
    assert_eq!(error.provider_text(), None);
}
