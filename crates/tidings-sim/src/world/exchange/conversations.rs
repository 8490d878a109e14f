//! Conversations as they are kept: each user has his own view of each, and messages are kept once
//! however many views they are in.
//!
//! Used by `desk` and `post` under the world's lock. Two users who give the same name to a
//! conversation have two, unless one of them writes to the other in it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings::conversations::{Conversation, Direction, LastMessage, Mailbox};
use tidings_core::{E164, Media, Timestamp};

use super::{Exchange, FileTaken, PostTaken};
use crate::world::state::{Impossible, InboundTaken};

/// All conversations.
#[derive(Default)]
pub(in crate::world) struct Conversations {
    pub(super) texts: Vec<TextKept>,
    pub(super) threads: Vec<Thread>,
    by_id: HashMap<(usize, Box<str>), usize>,
    /// The latest of an account, between one number of ours and one phone.
    by_phone: HashMap<(usize, E164, E164), usize>,
}

/// A message of a conversation.
pub(in crate::world) struct TextKept {
    pub(super) id: Box<str>,
    pub(in crate::world) conversation: Box<str>,
    pub(in crate::world) number: Option<E164>,
    pub(super) at: Timestamp,
    pub(super) kind: Box<str>,
    pub(super) direction: Direction,
    pub(super) from: Box<str>,
    pub(super) to: Vec<Box<str>>,
    pub(super) text: Arc<str>,
    pub(super) media: Option<Media>,
}

/// A conversation as one user sees it.
pub(in crate::world) struct Thread {
    pub(super) account: usize,
    pub(super) id: Box<str>,
    pub(super) remote: Vec<Box<str>>,
    pub(super) number: Option<E164>,
    pub(super) name: Option<Box<str>>,
    pub(super) participants: Vec<Box<str>>,
    pub(super) is_read: bool,
    started_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) texts: Vec<usize>,
    /// The user takes no part any more: nothing that others write comes here.
    has_left: bool,
    pub(super) is_deleted: bool,
}

/// What happens to a conversation other than a message.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::world) enum ThreadChange {
    Participants(Vec<Box<str>>),
    Name(Box<str>),
    Read(bool),
    Leave,
    Delete,
}

/// What a thread is begun with.
struct Beginning {
    remote: Vec<Box<str>>,
    number: Option<E164>,
    participants: Vec<Box<str>>,
}

impl Conversations {
    /// A user's view of a conversation.
    pub(super) fn thread(&self, account: usize, id: &str) -> Option<&Thread> {
        let index = *self.by_id.get(&(account, id.into()))?;
        self.threads.get(index)
    }

    /// The user's latest conversation with a phone over this number.
    pub(in crate::world) fn with_phone(
        &self,
        account: usize,
        number: E164,
        phone: E164,
    ) -> Option<Box<str>> {
        let index = *self.by_phone.get(&(account, number, phone))?;
        Some(self.threads.get(index)?.id.clone())
    }

    /// How many messages there are.
    pub(in crate::world) fn n_texts(&self) -> usize {
        self.texts.len()
    }

    /// The conversation of this name, whoever has it: its owner and the number that phones know.
    pub(in crate::world) fn anybodys(&self, id: &str) -> Option<(usize, E164)> {
        let mut threads = self.threads.iter();
        let found = threads.find(|thread| *thread.id == *id && !thread.is_deleted)?;
        Some((found.account, found.number?))
    }

    /// The message in this place.
    pub(in crate::world) fn text(&self, index: usize) -> Option<&TextKept> {
        self.texts.get(index)
    }

    /// Makes a change. Returns the conversation where something happened to it that is told.
    pub(super) fn change(
        &mut self,
        account: usize,
        id: &str,
        change: ThreadChange,
    ) -> Result<Option<usize>, Impossible> {
        let key = (account, Box::from(id));
        let index = *self.by_id.get(&key).ok_or(Impossible)?;
        let thread = self.threads.get_mut(index).ok_or(Impossible)?;
        match change {
            ThreadChange::Participants(participants) => thread.participants = participants,
            ThreadChange::Name(name) => thread.name = Some(name),
            ThreadChange::Read(is_read) => thread.is_read = is_read,
            ThreadChange::Leave => thread.has_left = true,
            ThreadChange::Delete => {
                thread.is_deleted = true;
                self.by_id.remove(&key);
                self.by_phone.retain(|_, at| *at != index);
                return Ok(None);
            }
        }
        Ok(Some(index))
    }

    /// The user's view of this conversation, which begins with this if it is not there.
    fn begin(
        &mut self,
        account: usize,
        id: &str,
        at: Timestamp,
        beginning: impl FnOnce() -> Beginning,
    ) -> usize {
        let key = (account, Box::from(id));
        if let Some(index) = self.by_id.get(&key) {
            return *index;
        }
        let Beginning {
            remote,
            number,
            participants,
        } = beginning();
        let index = self.threads.len();
        self.threads.push(Thread {
            account,
            id: id.into(),
            remote,
            number,
            name: None,
            participants,
            is_read: true,
            started_at: at,
            last_at: at,
            texts: Vec::new(),
            has_left: false,
            is_deleted: false,
        });
        self.by_id.insert(key, index);
        index
    }

    /// Puts a message into a user's view. Returns whether it came there.
    fn put(&mut self, thread: usize, text: usize, at: Timestamp, is_own: bool) -> bool {
        let Some(found) = self.threads.get_mut(thread) else {
            return false;
        };
        if found.has_left && !is_own {
            return false;
        }
        found.has_left = false;
        found.is_read = is_own;
        found.last_at = found.last_at.max(at);
        found.texts.push(text);
        if let (Some(number), [phone]) = (found.number, found.remote.as_slice())
            && let Ok(phone) = phone.parse()
        {
            self.by_phone.insert((found.account, number, phone), thread);
        }
        true
    }

    /// A conversation as its owner sees it.
    pub(super) fn show(&self, thread: &Thread, owner: Mailbox) -> Conversation {
        self.show_until(thread, owner, thread.texts.last().copied())
    }

    /// The same at the moment when this message was the latest.
    pub(super) fn show_until(
        &self,
        thread: &Thread,
        owner: Mailbox,
        latest: Option<usize>,
    ) -> Conversation {
        let mut shown = Conversation::new(&*thread.id, owner);
        shown.remote = thread.remote.iter().map(ToString::to_string).collect();
        shown.number = thread.number.map(|number| number.as_str().to_owned());
        shown.name = thread.name.as_deref().map(str::to_owned);
        let participants = thread.participants.iter();
        shown.participants = participants.map(ToString::to_string).collect();
        shown.is_group = thread.remote.len() > 1;
        shown.is_read = thread.is_read;
        shown.started_at = Some(thread.started_at);
        let last = latest.or_else(|| thread.texts.last().copied());
        let last = last.and_then(|index| self.texts.get(index));
        shown.last = last.map(|text| {
            let mut last = LastMessage::new(&*text.kind, &*text.text);
            last.at = Some(text.at);
            last.sender = Some(text.from.to_string());
            last.media_type = text
                .media
                .as_ref()
                .map(|media| media.mime_type().to_owned());
            last.media_bytes = text.media.as_ref().map(bytes_of);
            last
        });
        shown
    }
}

pub(super) fn bytes_of(media: &Media) -> u64 {
    u64::try_from(media.content().len()).unwrap_or(u64::MAX)
}

impl Exchange {
    /// Takes a message of a user into the conversations of all whom it is for.
    pub(in crate::world) fn write(
        &mut self,
        at: Timestamp,
        writer: usize,
        text: &Arc<str>,
        post: PostTaken,
    ) -> usize {
        let index = self.conversations.texts.len();
        let id = post.conversation;
        let media = post.media.and_then(FileTaken::into_media);
        let direction = if post.number.is_some() {
            Direction::Outbound
        } else {
            Direction::Internal
        };
        let all = || {
            let others = post.to.iter().cloned();
            std::iter::once(post.writer.clone()).chain(others)
        };
        let participants: Vec<_> = if post.number.is_some() {
            Vec::new()
        } else {
            all().collect()
        };
        let mut views = vec![(writer, post.writer.clone())];
        views.extend(
            post.users
                .into_iter()
                .filter(|(account, _)| *account != writer),
        );
        let mut threads = Vec::new();
        for (account, name) in views {
            let thread = self.conversations.begin(account, &id, at, || Beginning {
                remote: all().filter(|other| *other != name).collect(),
                number: post.number,
                participants: participants.clone(),
            });
            if self.conversations.put(thread, index, at, account == writer) {
                threads.push(thread);
            }
        }
        let from = match &post.number {
            Some(number) => number.as_str().into(),
            None => post.writer,
        };
        self.conversations.texts.push(TextKept {
            id: post.id,
            conversation: id,
            number: post.number,
            at,
            kind: post.kind,
            direction,
            from,
            to: post.to,
            text: Arc::clone(text),
            media,
        });
        for thread in threads {
            self.happened(at, thread, Some(index));
        }
        index
    }

    /// Takes a text from a phone into its conversation.
    pub(in crate::world) fn hear(&mut self, inbound: &InboundTaken) {
        let Some(heard) = &inbound.heard else {
            return;
        };
        let at = inbound.at;
        let number = inbound.to.parse().ok();
        let media = heard.media.clone().and_then(FileTaken::into_media);
        let thread = self
            .conversations
            .begin(inbound.account, &heard.conversation, at, || Beginning {
                remote: vec![inbound.from.as_str().into()],
                number,
                participants: Vec::new(),
            });
        let index = self.conversations.texts.len();
        self.conversations.texts.push(TextKept {
            id: heard.id.clone(),
            conversation: heard.conversation.clone(),
            number,
            at,
            kind: if media.is_some() { "mms" } else { "sms" }.into(),
            direction: Direction::Inbound,
            from: inbound.from.as_str().into(),
            to: vec![inbound.to.as_str().into()],
            text: Arc::clone(&inbound.text),
            media,
        });
        // Who has left a conversation and is written to by a phone is in it again.
        if let Some(found) = self.conversations.threads.get_mut(thread) {
            found.has_left = false;
        }
        self.conversations.put(thread, index, at, false);
        self.happened(at, thread, Some(index));
    }
}

/// Where a text from a phone belongs.
#[derive(Serialize, Deserialize)]
pub(in crate::world) struct Heard {
    pub(in crate::world) conversation: Box<str>,
    pub(in crate::world) id: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::world) media: Option<FileTaken>,
}

/// The id of a conversation that the exchange begins: 32 hexadecimal digits.
pub(in crate::world) fn draw_conversation(random: &mut fastrand::Rng) -> Box<str> {
    crate::world::open::draw_key(random).into()
}
