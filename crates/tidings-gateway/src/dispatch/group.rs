//! Which messages travel in one call. Pure.
//!
//! Asked by [`super::lane`] with messages in the order in which they leave. A provider's client would put
//! together what can travel together too; it is done here so that a call of ours is a call on the wire,
//! and what counts as one in flight is one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tidings_core::{E164, Message, SenderId};

/// Something that carries a message.
pub(super) trait Carries {
    /// The message.
    fn message(&self) -> &Message;
}

/// What one call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallSize {
    /// Messages.
    pub(super) most: usize,
    /// Whether they may differ in text and sender. Otherwise each recipient is in a call once as well.
    pub(super) mixed: bool,
}

/// Puts messages into calls. Every call has the order of its messages, and calls have that of their
/// first messages.
pub(super) fn into_calls<T: Carries>(items: Vec<T>, size: CallSize) -> Vec<Vec<T>> {
    if size.most <= 1 {
        return items.into_iter().map(|item| vec![item]).collect();
    }
    if size.mixed {
        return in_pieces(items, size.most);
    }
    by_content(items, size.most)
}

fn in_pieces<T>(items: Vec<T>, most: usize) -> Vec<Vec<T>> {
    if items.len() <= most {
        return if items.is_empty() {
            Vec::new()
        } else {
            vec![items]
        };
    }
    let mut calls = Vec::with_capacity(items.len().div_ceil(most));
    let mut rest = items.into_iter();
    loop {
        let call: Vec<T> = rest.by_ref().take(most).collect();
        if call.is_empty() {
            return calls;
        }
        calls.push(call);
    }
}

/// A call that is being filled.
struct Filling<T> {
    items: Vec<T>,
    recipients: HashSet<E164>,
}

fn by_content<T: Carries>(items: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut calls: Vec<Filling<T>> = Vec::new();
    // The calls of each text and sender that are not full.
    let mut open: HashMap<(Arc<str>, Option<SenderId>), Vec<usize>> = HashMap::new();
    for item in items {
        let message = item.message();
        if message.media.is_some() {
            calls.push(Filling::alone(item));
            continue;
        }
        let content = (Arc::clone(&message.text), message.from.clone());
        let places = open.entry(content).or_default();
        let to = message.to;
        let takes = |place: &&usize| {
            let call = calls.get(**place);
            call.is_some_and(|it| it.items.len() < most && !it.recipients.contains(&to))
        };
        let place = places.iter().find(takes).copied();
        if let Some(call) = place.and_then(|place| calls.get_mut(place)) {
            call.recipients.insert(to);
            call.items.push(item);
        } else {
            places.push(calls.len());
            calls.push(Filling::alone(item));
        }
        places.retain(|place| calls.get(*place).is_some_and(|it| it.items.len() < most));
    }
    calls.into_iter().map(|call| call.items).collect()
}

impl<T: Carries> Filling<T> {
    fn alone(item: T) -> Self {
        Self {
            recipients: HashSet::from([item.message().to]),
            items: vec![item],
        }
    }
}
