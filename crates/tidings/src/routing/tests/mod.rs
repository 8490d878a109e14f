//! Tests of the routing: what rules fit, in which order accounts are tried, what the words for it are, how
//! weights move, and what is refused.

mod adaptive;
mod check;
mod config;
mod order;
mod rules;
mod senders;
mod why;

use tidings_core::{E164, Media, Message, Priority, SenderId, Tag};

use super::*;

fn number(text: &str) -> E164 {
    text.parse().unwrap()
}

fn sender(text: &str) -> SenderId {
    SenderId::parse(text).unwrap()
}

fn tag(text: &str) -> Tag {
    Tag::new(text).unwrap()
}

fn to(text: &str) -> Message {
    Message::new(number(text), "Hello")
}

/// A message to Guinea.
fn message() -> Message {
    to("+224622000001")
}

fn with_file(message: Message) -> Message {
    message.media(Media::new("image/png", vec![1]).unwrap())
}

fn urgent(message: Message) -> Message {
    message.priority(Priority::High)
}

/// The accounts of a decision, in their order.
fn names(decision: &Decision) -> Vec<&str> {
    let candidates = decision.candidates();
    candidates
        .map(|candidate| candidate.account.as_str())
        .collect()
}
