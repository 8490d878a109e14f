//! No document shows a secret, a text or a number in its `Debug`.

use std::fmt::Debug;

use crate::netsapiens::tests::exchanges::exchanges;
use crate::netsapiens::wire::{self, Document, Rows, SendMessage};

/// What stands in the exchanges and must not be seen.
const HIDDEN: &[&str] = &[
    "hunter2",
    "s3cr3t",
    "1555",
    "00112233445566778899",
    "ffeeddcc",
    "eyJ",
    "nsd_",
    "hello",
    "see you",
    "photo",
    "Ann",
    "Team",
    "hooks",
    "012345",
    "example.test",
    "iVBOR",
    "Acme",
    "{",
    "acme",
];

#[track_caller]
fn check<T: Document + Debug>(body: &str) -> usize {
    let Ok(Rows(rows)) = wire::read::<Rows<T>>(body.as_bytes()) else {
        return 0;
    };
    for row in &rows {
        let shown = format!("{row:?}");
        let (_, members) = shown.split_once('{').unwrap();
        for hidden in HIDDEN {
            assert!(!members.contains(hidden), "{hidden} in {shown}");
        }
    }
    rows.len()
}

#[test]
fn documents() {
    let mut n_read = 0;
    for exchange in exchanges().values() {
        for body in [exchange.request.body(), exchange.answer.body()] {
            n_read += check::<wire::TokenRequest>(&body);
            n_read += check::<wire::TokenAnswer>(&body);
            n_read += check::<wire::JwtAnswer>(&body);
            n_read += check::<wire::Claims>(&body);
            n_read += check::<wire::ApiKey>(&body);
            n_read += check::<wire::Version>(&body);
            n_read += check::<wire::Said>(&body);
            n_read += check::<wire::Total>(&body);
            n_read += check::<wire::MessageSession>(&body);
            n_read += check::<wire::ChangeSession>(&body);
            n_read += check::<wire::Message>(&body);
            n_read += check::<wire::SentMessage>(&body);
            n_read += check::<wire::SmsNumber>(&body);
            n_read += check::<wire::NumberAssignment>(&body);
            n_read += check::<wire::Subscription>(&body);
            n_read += check::<wire::CreateSubscription>(&body);
            n_read += check::<wire::ChangeSubscription>(&body);
            n_read += check::<wire::ActiveCall>(&body);
            n_read += check::<wire::NewCall>(&body);
        }
    }
    assert!(n_read > 200, "{n_read}");
}

#[test]
fn messages_to_send() {
    let media = tidings_core::Media::new("image/png", &b"hunter2"[..]).unwrap();
    let several = ["15550101234".to_owned(), "15550105678".to_owned()];
    let mut message = SendMessage::new("mms", "hello");
    message.from_number = Some("15550109876");
    message.attach(&media);
    for destination in [
        wire::Destination::One("15550101234"),
        wire::Destination::Several(&several),
    ] {
        message.destination = Some(destination);
        let shown = format!("{message:?}");
        for hidden in ["1555", "hello", "hunter2", "aHVu", "104, 117"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
