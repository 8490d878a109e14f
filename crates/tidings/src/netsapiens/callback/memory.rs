//! Tells the first event about a text from a phone from all others: the same text told by the other
//! model, a post that came twice, an echo of what was sent from here, a mark that something was read.
//! Called by programs that act on texts as they come in.
//!
//! Nothing of the texts is kept, only what they can be recognised by.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tidings_core::{Clock, Timestamp};

use super::super::map::number;
use super::events::{Event, MessageEvent, SessionEvent, Way};

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recognised {
    /// The first that is heard of a text.
    New,
    /// A text that was [`New`](Self::New) before: told by the other model, or posted twice.
    Repeated,
    /// Something that was sent from here.
    Echo,
    /// Somebody has read the session.
    ReadMark,
    /// Neither text nor file, or no event of messages.
    NoText,
}

/// What has been told lately, to recognise it when it is told again.
///
/// It works in any order of events and with either model alone. A phone that sends the same text twice
/// is heard twice: the two have two ids in the `message` model, and for each of them the
/// `messagesession` model has one event of its own. Where that model is the only one, two equal texts
/// of one second count as one, because its events do not tell them apart; and a text that was read
/// before its session was first posted is not noticed, because the session looks as after any reading.
///
/// Repetitions are recognised within a time, two minutes by default, and among a number of events, ten
/// thousand by default; older ones are forgotten first.
pub struct EventMemory {
    clock: Arc<dyn Clock>,
    window: Duration,
    capacity: usize,
    entries: HashMap<Fingerprint, Entry>,
    /// When each entry was touched, the longest ago first. An entry that was touched again is there
    /// twice, and only the later one counts.
    touched: VecDeque<(u64, Timestamp, Fingerprint)>,
    n_touches: u64,
}

type Fingerprint = [u64; 2];

struct Entry {
    /// Of a text: how many more message events than session events there were; negative when session
    /// events are ahead. Of an id: nothing.
    balance: i64,
    last_touch: u64,
}

impl EventMemory {
    /// How long repetitions are recognised.
    pub const DEFAULT_WINDOW: Duration = Duration::from_mins(2);

    /// How many texts and ids are kept.
    pub const DEFAULT_CAPACITY: usize = 10_000;

    /// A memory that has heard of nothing.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            window: Self::DEFAULT_WINDOW,
            capacity: Self::DEFAULT_CAPACITY,
            entries: HashMap::new(),
            touched: VecDeque::new(),
            n_touches: 0,
        }
    }

    /// Sets how long repetitions are recognised. The two models' events of one text come about a
    /// second apart.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets how many texts and ids are kept; an event leaves two of them. At least one is kept.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity.max(1);
        self
    }

    /// Says what an event is, and remembers it.
    pub fn recognise(&mut self, event: &Event) -> Recognised {
        let now = self.clock.now();
        self.forget(now);
        match event {
            Event::Message(message) => self.message(message, now),
            Event::Session(session) => self.session(session, now),
            Event::Other(_) => Recognised::NoText,
        }
    }

    fn message(&mut self, message: &MessageEvent, now: Timestamp) -> Recognised {
        if message.way() == Way::Out {
            return Recognised::Echo;
        }
        if !message.has_content() {
            return Recognised::NoText;
        }
        if !self.is_first(fingerprint(("message", &message.id)), now) {
            return Recognised::Repeated;
        }
        let text = text_of(&message.session_id, message.sender(), &message.text);
        let before = self.shift(text, 1, now);
        if before < 0 {
            Recognised::Repeated
        } else {
            Recognised::New
        }
    }

    fn session(&mut self, session: &SessionEvent, now: Timestamp) -> Recognised {
        if session.way() == Way::Out {
            return Recognised::Echo;
        }
        if session.is_read() {
            return Recognised::ReadMark;
        }
        if !session.has_content() {
            return Recognised::NoText;
        }
        let sender = match session.last_sender.as_str() {
            "" => &session.remote,
            sender => sender,
        };
        let text = text_of(&session.session_id, sender, &session.last_message);
        // The same state of the session, told again: another change of it, or a post that came twice.
        let is_dated = !session.last_timestamp.is_empty();
        let state = fingerprint(("session", text, &session.last_timestamp));
        if is_dated && !self.is_first(state, now) {
            return Recognised::Repeated;
        }
        let before = self.shift(text, -1, now);
        if before > 0 {
            Recognised::Repeated
        } else {
            Recognised::New
        }
    }

    fn is_first(&mut self, id: Fingerprint, now: Timestamp) -> bool {
        let is_first = !self.entries.contains_key(&id);
        self.shift(id, 0, now);
        is_first
    }

    /// Moves the balance of an entry, and says what it was before.
    fn shift(&mut self, key: Fingerprint, by: i64, now: Timestamp) -> i64 {
        self.n_touches += 1;
        let entry = self.entries.entry(key).or_insert(Entry {
            balance: 0,
            last_touch: 0,
        });
        let before = entry.balance;
        entry.balance += by;
        entry.last_touch = self.n_touches;
        self.touched.push_back((self.n_touches, now, key));
        before
    }

    /// Drops what is too long ago, and the oldest of what is too much.
    fn forget(&mut self, now: Timestamp) {
        while let Some((touch, at, key)) = self.touched.front().copied() {
            let is_old = now.since(at) > self.window;
            if !is_old && self.touched.len() <= self.capacity {
                break;
            }
            self.touched.pop_front();
            if self
                .entries
                .get(&key)
                .is_some_and(|it| it.last_touch == touch)
            {
                self.entries.remove(&key);
            }
        }
    }
}

/// By what a text is known in both models: the session, who wrote it, what he wrote.
fn text_of(session: &str, sender: &str, text: &str) -> Fingerprint {
    fingerprint(("text", session, number::neutral(sender), text))
}

fn fingerprint(of: impl Hash) -> Fingerprint {
    [0_u64, 1].map(|half| {
        let mut hasher = DefaultHasher::new();
        half.hash(&mut hasher);
        of.hash(&mut hasher);
        hasher.finish()
    })
}

impl fmt::Debug for EventMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventMemory")
            .field("window", &self.window)
            .field("capacity", &self.capacity)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}
