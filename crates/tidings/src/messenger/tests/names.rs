//! The names that messages get whose callers give them none.

use std::collections::HashSet;

use super::*;
use crate::messenger::reference::References;

#[test]
fn names_are_short_visible_and_all_different() {
    let mut names = HashSet::new();
    for _ in 0..100 {
        let references = References::unique();
        for _ in 0..100 {
            let name = references.next();
            let text = name.as_str();
            assert!(text.len() <= 32, "{text}");
            assert!(text.starts_with('t'));
            let is_known =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(text.bytes().all(is_known), "{text}");
            assert!(names.insert(name));
        }
    }
    assert_eq!(names.len(), 10_000);
}

#[test]
fn names_use_the_randomness_that_is_passed_in() {
    let made = |number: f64| {
        References::drawn(&Jitter::new(move || number))
            .next()
            .to_string()
    };
    assert_eq!(made(0.0), "taaaaaaaaaaaaaaaa-0");
    assert_eq!(made(0.5), "taaaaaaaqaaaaaaaq-0");
    // Numbers from 0 to 1 include 1.
    assert_eq!(made(1.0), made(0.0));
    let seeded = |seed| References::drawn(&Jitter::seeded(seed)).next();
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}

#[tokio::test(start_paused = true)]
async fn a_message_keeps_its_name_or_gets_one() {
    let two = Two::new();
    let messenger = two.alone(settings());
    let named = messenger.send(message(1)).await.unwrap();
    assert_eq!(named.reference.as_str(), "m1");
    let clone = messenger.clone();
    let nameless = || Message::new(number(2), "a text");
    let one = messenger.send(nameless()).await.unwrap();
    let other = clone.send(nameless()).await.unwrap();
    assert_ne!(one.reference, other.reference);
    let taken = two.first.memory.messages();
    assert_eq!(taken[1].reference, one.reference);
    assert_eq!(taken[2].reference, other.reference);
}
