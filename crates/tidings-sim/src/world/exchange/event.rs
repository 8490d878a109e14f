//! What has happened since the last round of posts, for those who subscribe to it.
//!
//! Filled by changes, emptied by each round. Nothing is kept while nobody subscribes, nor over the end
//! of the program: a post that was not made is not made later either.

use tidings::callback::ConversationEvent;
use tidings_core::Timestamp;

use super::Exchange;
use super::desk::show;

/// What has happened, the earliest first.
#[derive(Default)]
pub(in crate::world) struct Events {
    list: Vec<Event>,
}

/// Something that happened in a user's conversation.
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) account: usize,
    thread: usize,
    text: Option<usize>,
    /// Whether the conversation was read then.
    is_read: bool,
}

impl Events {
    /// Takes all of them out.
    pub(super) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.list)
    }

    /// Forgets them: what is read from a state file has been told already, or will not be.
    pub(in crate::world) fn clear(&mut self) {
        self.list.clear();
    }
}

impl Exchange {
    /// Something happened in a conversation: a message, or something else.
    pub(super) fn happened(&mut self, at: Timestamp, thread: usize, text: Option<usize>) {
        if self.subscriptions.is_empty() {
            return;
        }
        let Some(found) = self.conversations.threads.get(thread) else {
            return;
        };
        self.events.list.push(Event {
            at,
            account: found.account,
            thread,
            text,
            is_read: found.is_read,
        });
    }

    /// An event as it is told.
    pub(super) fn tell(
        &self,
        event: &Event,
        owner: tidings::conversations::Mailbox,
    ) -> Option<ConversationEvent> {
        let kept = &self.conversations;
        let thread = kept.threads.get(event.thread)?;
        let mut shown = kept.show_until(thread, owner, event.text);
        shown.is_read = event.is_read;
        let told = ConversationEvent::new(shown);
        let text = event.text.and_then(|index| kept.text(index));
        Some(match text {
            Some(text) => told.message(show(text)),
            None => told,
        })
    }
}
