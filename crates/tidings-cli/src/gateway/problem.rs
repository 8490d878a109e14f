//! What a refusal of the gateway means: its problem document (RFC 9457) as an error with a kind, so that
//! exit codes are the same whether a provider or the gateway refused.
//!
//! Called by `mod.rs`.

use http::StatusCode;
use serde::Deserialize;
use tidings::http::HttpResponse;
use tidings::{Acceptance, Error, ErrorKind};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    title: String,
    detail: Option<String>,
    field: Option<String>,
}

/// What the gateway refused, and why.
pub(super) fn error_of(answer: &HttpResponse, who: &'static str, operation: &'static str) -> Error {
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    let kind = kind_of(&problem.code, answer.status);
    let said = problem
        .detail
        .or_else(|| Some(problem.title).filter(|title| !title.is_empty()));
    let said =
        said.unwrap_or_else(|| format!("it answered with the status {}", answer.status.as_u16()));
    let said = match problem.field {
        // Many sentences name the member themselves.
        Some(field) if !said.contains(&field) => format!("{field}: {said}"),
        _ => said,
    };
    let acceptance = match kind {
        // What it may have done before it failed, nobody can know.
        ErrorKind::Protocol => Acceptance::Unknown,
        _ => Acceptance::Refused,
    };
    let error = Error::new(kind, acceptance, format!("{who} refused: {said}"))
        .during(who, operation)
        .with_http(answer.metadata());
    if problem.code.is_empty() {
        error
    } else {
        error.with_provider_code(problem.code)
    }
}

fn kind_of(code: &str, status: StatusCode) -> ErrorKind {
    match code {
        "invalid_recipient" => ErrorKind::InvalidRecipient,
        "invalid_sender" => ErrorKind::InvalidSender,
        "invalid_text" => ErrorKind::InvalidMessage,
        "quota_exceeded" => ErrorKind::InsufficientCredit,
        "opted_out" => ErrorKind::Rejected,
        _ => match status {
            StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
            StatusCode::FORBIDDEN => ErrorKind::Forbidden,
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
            StatusCode::SERVICE_UNAVAILABLE => ErrorKind::Unavailable,
            status if status.is_client_error() => ErrorKind::Rejected,
            _ => ErrorKind::Protocol,
        },
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: (ErrorKind, &str)) {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = HttpResponse::new(status, HeaderMap::new(), body.to_owned());
        let error = error_of(&answer, "the gateway", "send");
        assert_eq!((error.kind(), &*error.to_string()), expected);
    }

    #[test]
    fn a_code_decides_before_the_status() {
        check(
            422,
            r#"{"code":"invalid_recipient","title":"Invalid","detail":"the number is too short"}"#,
            (
                ErrorKind::InvalidRecipient,
                "the gateway refused: the number is too short",
            ),
        );
    }

    #[test]
    fn the_member_that_is_wrong_is_named_once() {
        check(
            422,
            r#"{"code":"invalid_request","detail":"expected send or read","field":"scopes"}"#,
            (
                ErrorKind::Rejected,
                "the gateway refused: scopes: expected send or read",
            ),
        );
        check(
            422,
            r#"{"code":"invalid_request","detail":"overlap_s is too long","field":"overlap_s"}"#,
            (
                ErrorKind::Rejected,
                "the gateway refused: overlap_s is too long",
            ),
        );
    }

    #[test]
    fn a_status_without_a_document_has_a_kind_too() {
        check(
            401,
            "",
            (
                ErrorKind::Unauthorized,
                "the gateway refused: it answered with the status 401",
            ),
        );
        check(
            409,
            r#"{"title":"In work"}"#,
            (ErrorKind::Rejected, "the gateway refused: In work"),
        );
        check(
            503,
            "<html>",
            (
                ErrorKind::Unavailable,
                "the gateway refused: it answered with the status 503",
            ),
        );
        check(
            500,
            "oops",
            (
                ErrorKind::Protocol,
                "the gateway refused: it answered with the status 500",
            ),
        );
    }
}
