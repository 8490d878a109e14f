//! Kinds, acceptance, the one question, and what is shown.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::time::Duration;

use crate::answer::HttpMetadata;
use crate::error::{Acceptance, Error, ErrorKind};

const ACCEPTANCES: [Acceptance; 3] = [
    Acceptance::NotSent,
    Acceptance::Refused,
    Acceptance::Unknown,
];

#[test]
fn only_what_passes_and_was_not_sent_is_safe_to_resend() {
    for kind in ErrorKind::ALL {
        let passes = match kind {
            ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout => true,
            ErrorKind::InvalidMessage
            | ErrorKind::InvalidRecipient
            | ErrorKind::InvalidSender
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Rejected
            | ErrorKind::InsufficientCredit
            | ErrorKind::Unsupported
            | ErrorKind::Protocol
            | ErrorKind::Config => false,
        };
        for acceptance in ACCEPTANCES {
            let safe = Error::new(kind, acceptance, "x").is_safe_to_resend();
            let expected = passes && acceptance == Acceptance::NotSent;
            assert_eq!(safe, expected, "{kind:?} {acceptance:?}");
        }
    }
}

#[test]
fn only_what_is_no_fault_of_the_message_and_was_not_taken_may_fail_over() {
    for kind in ErrorKind::ALL {
        let is_the_messages = match kind {
            ErrorKind::InvalidMessage | ErrorKind::InvalidRecipient | ErrorKind::Rejected => true,
            ErrorKind::InvalidSender
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::InsufficientCredit
            | ErrorKind::RateLimited
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::Unsupported
            | ErrorKind::Protocol
            | ErrorKind::Config => false,
        };
        for acceptance in ACCEPTANCES {
            let may = Error::new(kind, acceptance, "x").may_fail_over();
            let expected = !is_the_messages && acceptance != Acceptance::Unknown;
            assert_eq!(may, expected, "{kind:?} {acceptance:?}");
            // What is safe to send again here is safe to send elsewhere.
            let is_safe = Error::new(kind, acceptance, "x").is_safe_to_resend();
            assert!(may || !is_safe, "{kind:?} {acceptance:?}");
        }
    }
}

#[test]
fn words_are_stable_and_differ() {
    let kinds: BTreeSet<&str> = ErrorKind::ALL.map(ErrorKind::as_str).into();
    assert_eq!(kinds.len(), ErrorKind::ALL.len());
    let known = [
        "config",
        "forbidden",
        "insufficient_credit",
        "invalid_message",
        "invalid_recipient",
        "invalid_sender",
        "not_found",
        "protocol",
        "rate_limited",
        "rejected",
        "timeout",
        "unauthorized",
        "unavailable",
        "unsupported",
    ];
    assert_eq!(kinds, known.into());
    let words = ACCEPTANCES.map(Acceptance::as_str);
    assert_eq!(words, ["not_sent", "refused", "unknown"]);
    assert_eq!(format!("{:>8}", ErrorKind::Config), "  config");
    assert_eq!(Acceptance::NotSent.to_string(), "not_sent");
}

fn full() -> Error {
    let http = HttpMetadata {
        status: 429,
        retry_after: Some(Duration::from_secs(9)),
        ..HttpMetadata::default()
    };
    Error::new(
        ErrorKind::RateLimited,
        Acceptance::NotSent,
        "vendor is busy",
    )
    .during("vendor", "send")
    .with_provider_code("E42")
    .with_provider_text("slow down, Aissatou")
    .with_http(http)
    .with_source(std::io::Error::other("the cause"))
}

#[test]
fn everything_that_is_put_in_comes_out() {
    let error = full();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.acceptance(), Acceptance::NotSent);
    assert_eq!(
        (error.provider(), error.operation()),
        (Some("vendor"), Some("send"))
    );
    assert_eq!(error.provider_code(), Some("E42"));
    assert_eq!(error.provider_text(), Some("slow down, Aissatou"));
    assert_eq!(error.http().unwrap().status, 429);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
    assert_eq!(error.source().unwrap().to_string(), "the cause");
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn a_wait_of_our_own_goes_before_the_servers() {
    let own = Duration::from_secs(1);
    let http = || full().http().unwrap().clone();
    let before = Error::not_sent(ErrorKind::RateLimited, "x")
        .with_retry_after(own)
        .with_http(http());
    let after = Error::not_sent(ErrorKind::RateLimited, "x")
        .with_http(http())
        .with_retry_after(own);
    assert_eq!(
        (before.retry_after(), after.retry_after()),
        (Some(own), Some(own))
    );
}

/// Display is our sentence alone; the provider's words may repeat what was sent.
#[test]
fn shown_without_the_providers_words() {
    let error = full();
    assert_eq!(error.to_string(), "vendor is busy");
    let debug = format!("{error:?}");
    assert!(!debug.contains("Aissatou"), "{debug}");
    for part in [
        "RateLimited",
        "NotSent",
        "vendor is busy",
        "send",
        "E42",
        "429",
        "the cause",
    ] {
        assert!(debug.contains(part), "{part} is missing in {debug}");
    }
}

#[test]
fn a_copy_has_everything_but_the_cause() {
    let error = full();
    let copy = error.copy_without_source();
    assert!(copy.source().is_none());
    let bare = |error: &Error| {
        let text = error.provider_text().map(str::to_owned);
        let code = error.provider_code().map(str::to_owned);
        (
            (error.kind(), error.acceptance(), error.to_string()),
            (error.provider(), error.operation(), text, code),
            (error.retry_after(), error.http().cloned()),
        )
    };
    assert_eq!(bare(&copy), bare(&error));
}
