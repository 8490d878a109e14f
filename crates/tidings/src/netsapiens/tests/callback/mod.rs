//! What the server posts to its subscribers: `callback/`.

mod emitting;
mod golden;
mod hostile;
mod reading;
mod recognising;

use http::HeaderMap;
use tidings_core::{InboundMessage, Timestamp};

use crate::callback::{Callback, CallbackRequest, ConversationEvent};
use crate::conversations::{Conversation, ConversationMessage, Direction, Mailbox};
use crate::netsapiens::callback::{Event, Spelling, read};
use crate::netsapiens::setting;
use crate::provider::Account;

const MESSAGE: &str = r#"{"id":"m-65f0a1b2c3d4e","timestamp":"2026-01-02 03:04:05","type":"sms","domain":"example.test","user":"200","direction":"orig","from_num":"15550101234","dialed":"15550109876","text":"hello","term_uid":"200@example.test","status":"","session_id":"0f1e2d3c4b5a69788796a5b4c3d2e1f0","media_type":"","media_size":"0"}"#;
const SESSION: &str = r#"{"user":"200","domain":"example.test","session_id":"0f1e2d3c4b5a69788796a5b4c3d2e1f0","remote":"15550101234","smsani":"15550109876","last_mesg":"hello","last_mesg_type":"sms","last_sender":"15550101234","last_status":"unread","last_timestamp":"2026-01-02 03:04:05","muted":"no"}"#;
const SESSION_ID: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn post(body: impl Into<bytes::Bytes>) -> CallbackRequest {
    CallbackRequest::post(HeaderMap::new(), body)
}

fn body(request: &CallbackRequest) -> &str {
    std::str::from_utf8(&request.body).unwrap()
}

/// An account as the simulator hands it to `emit` for one subscription.
fn subscribed(model: &str, spelling: Spelling) -> Account {
    Account::new("pbx")
        .with(setting::EVENT_MODEL, model)
        .with(setting::EVENT_KEYS, spelling.as_str())
        .with(setting::SUBSCRIPTION_ID, "aabbccddeeff00112233445566778899")
}

fn at() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn owner() -> Mailbox {
    Mailbox::new("example.test", "200")
}

/// The event of the example: a phone has written to us.
fn heard() -> ConversationEvent {
    let mut conversation = Conversation::new(SESSION_ID, owner());
    conversation.remote = vec!["+15550101234".to_owned()];
    conversation.number = Some("+15550109876".to_owned());
    conversation.is_read = false;
    let mut message = ConversationMessage::new(
        "m-65f0a1b2c3d4e",
        SESSION_ID,
        "sms",
        Direction::Inbound,
        "hello",
    );
    message.at = Some(at());
    message.from = "+15550101234".to_owned();
    message.to = vec!["+15550109876".to_owned()];
    ConversationEvent::new(conversation).message(message)
}

fn told(event: ConversationEvent) -> Callback {
    Callback::Conversation(Box::new(event))
}

fn inbound() -> InboundMessage {
    InboundMessage::new("m-65f0a1b2c3d4e", "+15550101234", "+15550109876", "hello")
        .received_at(at())
        .session(SESSION_ID)
}

fn conversation_of(callback: &Callback) -> &ConversationEvent {
    match callback {
        Callback::Conversation(event) => event,
        other => panic!("expected a conversation, not {other:?}"),
    }
}

#[track_caller]
fn one_event(body: &str) -> Event {
    let received = read(body.as_bytes()).unwrap();
    assert_eq!(received.unreadable, []);
    let [event] = received.events.as_slice() else {
        panic!("{} events", received.events.len());
    };
    event.clone()
}
