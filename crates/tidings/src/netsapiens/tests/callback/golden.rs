//! The golden events in `testdata/events/`, each naming its source: read, said in neutral words, and
//! written again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{body, conversation_of, heard, inbound, post, subscribed, told};
use crate::callback::{Callback, ConversationEvent};
use crate::conversations::LastMessage;
use crate::netsapiens::callback::{Spelling, emit, parse, read, write};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    event: String,
    spelling: String,
    source: String,
    read_on: String,
    #[expect(dead_code, reason = "for readers of the file")]
    note: String,
    document: Box<RawValue>,
}

impl Golden {
    fn spelling(&self) -> Spelling {
        self.spelling.parse().unwrap()
    }
}

fn golden() -> BTreeMap<String, Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/netsapiens/testdata/events");
    let files = std::fs::read_dir(folder).unwrap();
    let golden = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let golden = serde_json::from_str(&text);
        (
            name.clone(),
            golden.unwrap_or_else(|error| panic!("{name}: {error}")),
        )
    };
    files.map(golden).collect()
}

#[test]
fn both_models_are_there_in_both_spellings_and_have_a_source() {
    let golden = golden();
    let names: Vec<&String> = golden.keys().collect();
    let expected = [
        "message.kebab",
        "message.underscore",
        "messagesession.kebab",
        "messagesession.underscore",
    ];
    assert_eq!(names, expected);
    for (name, golden) in &golden {
        assert_eq!(*name, format!("{}.{}", golden.event, golden.spelling));
        assert!(golden.source.contains("OpenAPI"), "{name}");
        assert_eq!(golden.read_on.len(), "2026-11-22".len(), "{name}");
    }
}

#[test]
fn what_is_read_is_written_to_the_same_bytes() {
    for (name, golden) in golden() {
        let document = golden.document.get();
        let received = read(document.as_bytes()).unwrap();
        assert_eq!(received.unreadable, [], "{name}");
        let written = write(golden.spelling(), &received.events);
        assert_eq!(body(&written), document, "{name}");
    }
}

#[test]
fn what_happened_is_told_in_the_bytes_of_the_examples() {
    let golden = golden();
    let check = |model: &str, spelling: Spelling, event: ConversationEvent| {
        let account = subscribed(model, spelling);
        let written = emit(&account, &[told(event)]);
        let [written] = written.as_slice() else {
            panic!("{model}: {} posts", written.len());
        };
        let expected = golden[&format!("{model}.{}", spelling.as_str())]
            .document
            .get();
        // The node and the program that wrote are the server's own to name.
        let expected = expected
            .replace("core1.example.test", "")
            .replace("gw/1.0", "");
        assert_eq!(body(written), expected);
    };
    check("message", Spelling::Underscore, heard());
    check("message", Spelling::Kebab, heard());
    check("messagesession", Spelling::Underscore, heard());

    let mut answered = heard().conversation;
    answered.is_read = true;
    answered.started_at = "2026-01-01T00:00:00Z".parse().ok();
    let mut last = LastMessage::new("sms", "see you");
    last.at = "2026-01-02T03:04:05Z".parse().ok();
    last.sender = Some("200@example.test".to_owned());
    answered.last = Some(last);
    check(
        "messagesession",
        Spelling::Kebab,
        ConversationEvent::new(answered),
    );
}

#[test]
fn the_examples_are_understood() {
    for (name, golden) in golden() {
        let callbacks = parse(&post(golden.document.get().to_owned())).unwrap();
        let [callback] = callbacks.as_slice() else {
            panic!("{name}: {callbacks:?}");
        };
        if golden.event == "message" {
            assert_eq!(*callback, Callback::Inbound(inbound()), "{name}");
            continue;
        }
        let event = conversation_of(callback);
        assert_eq!(event.message, None, "{name}");
        let conversation = &event.conversation;
        assert_eq!(conversation.owner, super::owner());
        assert_eq!(conversation.remote, ["+15550101234"]);
        assert_eq!(conversation.number.as_deref(), Some("+15550109876"));
        let last = conversation.last.as_ref().unwrap();
        assert_eq!(last.at, Some(super::at()));
        let is_kebab = golden.spelling() == Spelling::Kebab;
        assert_eq!(conversation.is_read, is_kebab, "{name}");
        let (text, sender) = if is_kebab {
            ("see you", "200@example.test")
        } else {
            ("hello", "+15550101234")
        };
        assert_eq!(
            (last.text.as_str(), last.sender.as_deref()),
            (text, Some(sender))
        );
    }
}
