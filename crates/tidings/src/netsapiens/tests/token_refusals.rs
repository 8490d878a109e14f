//! Which refusals are about the token.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::refusal::is_about_the_token;
use crate::http::HttpResponse;

#[track_caller]
fn check(status: u16, body: &str, in_time: bool, too_late: bool) {
    let status = StatusCode::from_u16(status).unwrap();
    let response = HttpResponse::new(status, HeaderMap::new(), body.to_owned());
    let found = [false, true].map(|is_past| is_about_the_token(&response, is_past));
    assert_eq!(found, [in_time, too_late], "{status} {body}");
}

#[test]
fn texts_that_name_the_token_are_about_it() {
    for body in [
        r#"{"code":401,"message":"The access token provided has expired"}"#,
        "The access token provided has expired",
        r#"{"error":"invalid_token","error_description":"whatever"}"#,
        r#"{"error":"expired_token"}"#,
        r#"{"code":"401","message":"INVALID TOKEN"}"#,
        r#"{"message":"Token is invalid"}"#,
        r#"{"message":"The token has been revoked"}"#,
        r#"{"code":401,"message":"The access token is missing or not valid"}"#,
        "<html>token expired</html>",
    ] {
        check(401, body, true, true);
        // With no other status.
        for status in [200, 400, 403, 404, 500] {
            check(status, body, false, false);
        }
    }
}

#[test]
fn texts_about_rights_never_are() {
    for body in [
        r#"{"code":401,"message":"Invalid Scope [APP001]"}"#,
        r#"{"error":"insufficient_scope"}"#,
        r#"{"code":401,"message":"Permission Denied"}"#,
        // Whatever else they say.
        r#"{"code":401,"message":"Invalid Scope [APP001]: the subscription has expired"}"#,
    ] {
        check(401, body, false, false);
    }
}

#[test]
fn other_texts_are_when_the_token_has_ended_by_our_clock_too() {
    for body in [
        "",
        "{}",
        "[]",
        r#"{"code":401,"message":"Unauthorized"}"#,
        r#"{"code":401,"message":["expired"]}"#,
    ] {
        let names_it = body.contains("expired");
        check(401, body, names_it, true);
    }
}

#[test]
fn the_header_of_rfc_6750_is_read_too() {
    let mut headers = HeaderMap::new();
    let challenge = r#"Bearer realm="ns", error="invalid_token""#;
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    let response = HttpResponse::new(StatusCode::UNAUTHORIZED, headers, "{}");
    assert!(is_about_the_token(&response, false));
}
