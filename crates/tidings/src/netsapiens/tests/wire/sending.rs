//! The body of a call that sends, written by one half and read by the other.

use proptest::prelude::*;
use tidings_core::Media;

use crate::netsapiens::wire::{self, Destination, SendMessage, SentMessage};

#[track_caller]
fn check(message: &SendMessage<'_>, expected: &str) {
    let body = wire::write_send(message);
    assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
}

#[test]
fn what_is_not_set_is_not_written() {
    let mut message = SendMessage::new("chat", "a \"b\"\n\u{1f600}");
    let text = "a \\\"b\\\"\\n\u{1f600}";
    check(
        &message,
        &format!(r#"{{"type":"chat","message":"{text}"}}"#),
    );
    let several = ["201".to_owned()];
    message.destination = Some(Destination::Several(&several));
    let body = format!(r#"{{"type":"chat","message":"{text}","destination":["201"]}}"#);
    check(&message, &body);
    message.destination = Some(Destination::One("201"));
    let media = Media::new("image/png", &[0x89, b'P', b'N', b'G'][..]).unwrap();
    message.attach(&media);
    let file = r#""data":"iVBORw==","mime-type":"image/png","size":4"#;
    let body = format!(r#"{{"type":"chat","message":"{text}","destination":"201",{file}}}"#);
    check(&message, &body);
}

#[test]
fn base64_without_padding_is_read() {
    let content = |data: &str| {
        let body = format!(r#"{{"data":"{data}","size":"4"}}"#);
        let sent: SentMessage = wire::read(body.as_bytes()).unwrap();
        assert_eq!(sent.size, 4.into());
        sent.content()
    };
    let png = Ok(Some(vec![0x89, b'P', b'N', b'G']));
    assert_eq!(content("iVBORw=="), png);
    assert_eq!(content("iVBORw"), png);
    assert_eq!(content(""), Ok(None));
    assert!(content("iVB_-w").is_err());
}

proptest! {
    #[test]
    fn what_is_sent_is_what_is_read(
        text in ".*",
        to in proptest::collection::vec(".+", 0..4),
        from in proptest::option::of(".+"),
        content in proptest::collection::vec(any::<u8>(), 1..3000),
    ) {
        let media = Media::new("image/png", content.clone()).unwrap();
        let mut message = SendMessage::new("mms", &text);
        message.destination = Some(Destination::Several(&to));
        message.from_number = from.as_deref();
        message.attach(&media);
        let body = wire::write_send(&message);
        let sent: SentMessage = wire::read(&body).unwrap();
        prop_assert_eq!(&sent.kind.0, "mms");
        prop_assert_eq!(&sent.message.0, &text);
        prop_assert_eq!(&sent.destination.0, &to);
        prop_assert_eq!(sent.from_number.get(), from.as_deref());
        prop_assert_eq!(sent.size.0, i64::try_from(content.len()).ok());
        prop_assert_eq!(sent.content(), Ok(Some(content)));
    }
}
