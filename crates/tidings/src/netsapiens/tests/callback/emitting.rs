//! What happened becomes posts, and comes back as what it was.

use http::header::CONTENT_TYPE;
use proptest::prelude::*;
use secrecy::SecretString;
use tidings_core::{DeliveryReport, InboundMessage, ProviderRef, ReportedState, Timestamp};

use super::{at, body, conversation_of, heard, inbound, owner, subscribed, told};
use crate::callback::{Callback, CallbackRequest, ConversationEvent};
use crate::conversations::{
    Conversation, ConversationMessage, Direction, LastMessage, StoredMedia,
};
use crate::netsapiens::callback::{Event, Spelling, correlation_id, emit, parse, read};
use crate::netsapiens::setting;
use crate::provider::Account;

const SPELLINGS: [Spelling; 2] = [Spelling::Underscore, Spelling::Kebab];

fn one_post(account: &Account, callbacks: &[Callback]) -> CallbackRequest {
    let mut posts = emit(account, callbacks);
    assert_eq!(posts.len(), 1);
    posts.remove(0)
}

#[test]
fn a_round_is_one_post_with_a_list() {
    let account = subscribed("message", Spelling::Underscore);
    let mut second = heard();
    second.message.as_mut().unwrap().id = "m-2".to_owned();
    let post = one_post(&account, &[told(heard()), told(second)]);
    assert_eq!(post.method, http::Method::POST);
    assert_eq!(post.query, None);
    assert_eq!(post.headers[CONTENT_TYPE], "application/json");
    let ids: Vec<String> = read(&post.body)
        .unwrap()
        .events
        .into_iter()
        .map(|event| match event {
            Event::Message(message) => message.id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, ["m-65f0a1b2c3d4e", "m-2"]);
}

#[test]
fn what_is_of_no_concern_to_a_subscription_makes_no_post() {
    let read = told(ConversationEvent::new(heard().conversation));
    let report = DeliveryReport::new(ProviderRef::message("m-1"), ReportedState::Delivered);
    let report = Callback::Report(report);
    let check = |model: &str, callbacks: &[Callback], n_posts: usize| {
        let account = subscribed(model, Spelling::Underscore);
        assert_eq!(emit(&account, callbacks).len(), n_posts, "{model}");
    };
    check("message", &[], 0);
    check("message", &[read.clone(), report.clone()], 0);
    check("messagesession", &[read], 1);
    check("messagesession", &[report], 0);
    for model in ["cdr", "call", "no-such-model"] {
        check(model, &[told(heard())], 0);
    }
}

/// Whoever emits may know of a text, of its conversation, or of both.
#[test]
fn a_text_that_is_told_in_two_ways_is_posted_once() {
    let both = [Callback::Inbound(inbound()), told(heard())];
    let account =
        |model| subscribed(model, Spelling::Underscore).with(setting::USERNAME, "200@example.test");
    for model in ["message", "messagesession"] {
        let expected = one_post(&account(model), &both[1..]);
        assert_eq!(body(&one_post(&account(model), &both)), body(&expected));
        assert_eq!(
            body(&one_post(&account(model), &both[..1])),
            body(&expected)
        );
    }
}

#[test]
fn the_header_holds_the_subscription_or_looks_random() {
    let account = subscribed("message", Spelling::Underscore);
    let post = one_post(&account, &[told(heard())]);
    assert_eq!(
        correlation_id(&post),
        Some("aabbccddeeff00112233445566778899")
    );

    let account = account.with(setting::CORRELATION, "random");
    let random = |callback: Callback| {
        let post = one_post(&account, &[callback]);
        correlation_id(&post).unwrap().to_owned()
    };
    let first = random(told(heard()));
    assert_eq!(first.len(), 32);
    assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_ne!(first, "aabbccddeeff00112233445566778899");
    assert_eq!(random(told(heard())), first);
    let mut other = heard();
    other.message.as_mut().unwrap().id = "m-2".to_owned();
    assert_ne!(random(told(other)), first);

    let nameless = Account::new("pbx").with(setting::EVENT_MODEL, "message");
    let post = one_post(&nameless, &[told(heard())]);
    assert_eq!(correlation_id(&post), None);
    let unspeakable = nameless.with(setting::SUBSCRIPTION_ID, "line\nbreak");
    assert_eq!(
        correlation_id(&one_post(&unspeakable, &[told(heard())])),
        None
    );
}

#[test]
fn a_file_is_told_beside_the_text() {
    let mut event = heard();
    let mut media = StoredMedia::new("image/png");
    media.bytes = Some(8);
    media.url = Some(SecretString::from(
        "https://core1.example.test/f?auth=s3cret",
    ));
    let message = event.message.as_mut().unwrap();
    message.kind = "mms".to_owned();
    message.media = Some(media.clone());
    for spelling in SPELLINGS {
        let post = one_post(&subscribed("message", spelling), &[told(event.clone())]);
        let callbacks = parse(&post).unwrap();
        let [text, file] = callbacks.as_slice() else {
            panic!("{callbacks:?}");
        };
        assert_eq!(*text, Callback::Inbound(inbound()));
        let mut expected = media.clone();
        // The older names have none for the address.
        expected.url = expected.url.filter(|_| spelling == Spelling::Kebab);
        let message = conversation_of(file).message.as_ref().unwrap();
        assert_eq!(message.media, Some(expected));
    }
}

fn number() -> impl Strategy<Value = String> {
    "\\+1555[2-9][0-9]{6}"
}

fn user() -> impl Strategy<Value = String> {
    "[1-9][0-9]{2,4}@example\\.test"
}

fn second() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000).prop_map(|second| Timestamp::from_millis(second * 1_000).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    "[\t\n -~\u{a0}-\u{2fff}😀]{1,40}"
}

fn media() -> impl Strategy<Value = Option<StoredMedia>> {
    let file = (0_u64..9_000_000).prop_map(|bytes| {
        let mut media = StoredMedia::new("image/jpeg");
        media.bytes = Some(bytes);
        media
    });
    proptest::option::of(file)
}

/// A message as a world keeps it, and its conversation as far as one message shows it.
fn written() -> impl Strategy<Value = ConversationEvent> {
    let direction = prop_oneof![
        Just(Direction::Inbound),
        Just(Direction::Outbound),
        Just(Direction::Internal),
    ];
    let numbers = (number(), number(), user());
    (
        direction,
        numbers,
        "m-[0-9a-f]{13}",
        "[0-9A-Za-z_]{32}",
        text(),
        second(),
        media(),
    )
        .prop_map(
            |(direction, (theirs, ours, colleague), id, session, text, at, media)| {
                let mut conversation = Conversation::new(session.as_str(), owner());
                let kind = match (direction, &media) {
                    (Direction::Internal, None) => "chat",
                    (Direction::Internal, Some(_)) => "chat-media",
                    (_, None) => "sms",
                    (_, Some(_)) => "mms",
                };
                let mut message = ConversationMessage::new(id, session, kind, direction, text);
                message.at = Some(at);
                message.media = media;
                match direction {
                    Direction::Inbound => {
                        conversation.is_read = false;
                        conversation.remote = vec![theirs.clone()];
                        conversation.number = Some(ours.clone());
                        message.from = theirs;
                        message.to = vec![ours];
                    }
                    Direction::Outbound => {
                        conversation.remote = vec![theirs.clone()];
                        conversation.number = Some(ours.clone());
                        message.from = ours;
                        message.to = vec![theirs];
                        message.status = Some("sending".to_owned());
                    }
                    Direction::Internal => {
                        conversation.remote = vec![colleague.clone()];
                        message.from = owner().to_string();
                        message.to = vec![colleague];
                    }
                }
                ConversationEvent::new(conversation).message(message)
            },
        )
}

fn state() -> impl Strategy<Value = Conversation> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let last = (text(), second(), any::<bool>());
    (
        number(),
        number(),
        "[0-9A-Za-z_]{32}",
        flags,
        proptest::option::of(last),
    )
        .prop_map(
            |(theirs, ours, session, (is_read, is_muted, is_ours), last)| {
                let mut conversation = Conversation::new(session, owner());
                conversation.is_read = is_read;
                conversation.is_muted = is_muted;
                conversation.last = last.map(|(text, at, _)| {
                    let mut last = LastMessage::new("sms", text);
                    last.at = Some(at);
                    last.sender = Some(if is_ours { &ours } else { &theirs }.clone());
                    last
                });
                conversation.remote = vec![theirs];
                conversation.number = Some(ours);
                conversation
            },
        )
}

fn forget_owner_of_chat(callback: &mut Callback) {
    if let Callback::Conversation(event) = callback {
        let message = event.message.as_ref().unwrap();
        if message.direction == Direction::Internal {
            event.conversation = Conversation::new(message.conversation.as_str(), owner());
        }
    }
}

proptest! {
    #[test]
    fn messages_come_back_as_what_they_were(events in proptest::collection::vec(written(), 1..6)) {
        for spelling in SPELLINGS {
            let callbacks: Vec<Callback> = events.iter().cloned().map(told).collect();
            let post = one_post(&subscribed("message", spelling), &callbacks);
            let mut expected = Vec::new();
            for event in &events {
                let message = event.message.as_ref().unwrap();
                if message.direction == Direction::Inbound {
                    expected.push(Callback::Inbound(
                        InboundMessage::new(
                            message.id.as_str(),
                            message.from.as_str(),
                            message.to[0].as_str(),
                            message.text.as_str(),
                        )
                        .received_at(message.at.unwrap())
                        .session(message.conversation.as_str()),
                    ));
                    if message.media.is_none() {
                        continue;
                    }
                }
                expected.push(told(event.clone()));
            }
            let mut callbacks = parse(&post).unwrap();
            if spelling == Spelling::Kebab {
                // In a row of the list, a message from user to user does not say whose row it is.
                callbacks.iter_mut().chain(&mut expected).for_each(forget_owner_of_chat);
            }
            prop_assert_eq!(callbacks, expected);
        }
    }

    #[test]
    fn states_of_conversations_come_back_as_what_they_were(
        states in proptest::collection::vec(state(), 1..6),
    ) {
        for spelling in SPELLINGS {
            let happened = |state: &Conversation| told(ConversationEvent::new(state.clone()));
            let expected: Vec<Callback> = states.iter().map(happened).collect();
            let post = one_post(&subscribed("messagesession", spelling), &expected);
            prop_assert_eq!(parse(&post).unwrap(), expected);
        }
    }

    /// A text is an inbound message once, however it is told.
    #[test]
    fn a_session_is_never_an_inbound_message(events in proptest::collection::vec(written(), 1..6)) {
        for spelling in SPELLINGS {
            let callbacks: Vec<Callback> = events.iter().cloned().map(told).collect();
            let post = one_post(&subscribed("messagesession", spelling), &callbacks);
            for callback in parse(&post).unwrap() {
                prop_assert_eq!(&conversation_of(&callback).message, &None);
            }
        }
    }
}

#[test]
fn the_second_is_what_comes_back_of_a_time() {
    let mut event = heard();
    event.message.as_mut().unwrap().at = Some(at().plus(std::time::Duration::from_millis(999)));
    let post = one_post(&subscribed("message", Spelling::Underscore), &[told(event)]);
    assert_eq!(parse(&post).unwrap(), [Callback::Inbound(inbound())]);
}
