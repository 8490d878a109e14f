//! How a message to a conversation is taken: to whom it goes, whether its sender may use the number,
//! and the legs to phones that it has.
//!
//! Called by `desk`. Legs to phones are messages like any other, and everything that a scenario says
//! about messages holds for them.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidings::backend::{Post, Principal, Recipient, Refusal, Submitted};
use tidings::conversations::Mailbox;
use tidings_core::{E164, Media, Message, SenderId};

use super::conversations::draw_conversation;
use crate::world::ids::Ids;
use crate::world::state::State;
use crate::world::{Shared, lock};

/// A message to a conversation as it is taken; its text stands with the legs.
#[derive(Serialize, Deserialize)]
pub(in crate::world) struct PostTaken {
    pub(super) id: Box<str>,
    pub(in crate::world) conversation: Box<str>,
    pub(super) kind: Box<str>,
    pub(super) writer: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) number: Option<E164>,
    pub(super) to: Vec<Box<str>>,
    /// The users whom it is for: accounts and names.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) users: Vec<User>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) media: Option<FileTaken>,
}

/// A user of an exchange: his account and his name.
type User = (usize, Box<str>);

/// A file as it stands in the state file.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::world) struct FileTaken {
    mime_type: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    name: Option<Box<str>>,
    #[serde(with = "super::base64_text")]
    content: Bytes,
}

/// A message to a conversation that was checked, and what goes to phones of it.
pub(super) struct Checked {
    pub(super) account: usize,
    pub(super) post: PostTaken,
    pub(super) text: Arc<str>,
    pub(super) legs: Vec<Submitted>,
}

impl PostTaken {
    /// Gives it the id of its place among all messages of conversations.
    pub(in crate::world) fn name(&mut self, ids: &Ids, place: usize) {
        self.id = ids.message_id(place);
    }
}

impl FileTaken {
    pub(in crate::world) fn of(media: &Media) -> Self {
        Self {
            mime_type: media.mime_type().into(),
            name: media.file_name().map(Into::into),
            content: media.content().clone(),
        }
    }

    pub(super) fn into_media(self) -> Option<Media> {
        let media = Media::new(self.mime_type, self.content).ok()?;
        Some(match self.name {
            Some(name) => media.name(name),
            None => media,
        })
    }
}

impl Shared {
    /// Finds out what a message is, or why it is none.
    pub(super) fn check_post(
        &self,
        state: &State,
        who: &Principal,
        owner: &Mailbox,
        post: Post,
    ) -> Result<Checked, Refusal> {
        let account = self.owner(state, who, owner)?;
        if post.text.is_empty() {
            return Err(Refusal::invalid("text", "is missing"));
        }
        let conversation = post.conversation.as_deref();
        let thread = conversation.and_then(|id| state.exchange.conversations.thread(account, id));
        let to = match (post.to.is_empty(), thread) {
            (false, _) => post.to,
            (true, Some(thread)) => thread.remote.iter().map(|it| recipient(it)).collect(),
            (true, None) => return Err(Refusal::invalid("to", "is missing")),
        };
        let (phones, users) = sorted(state, owner, &to)?;
        let number = if phones.is_empty() {
            None
        } else {
            let given = post
                .from
                .or_else(|| thread.and_then(|thread| thread.number));
            Some(own_number(state, owner, given)?)
        };
        let legs = phones.iter().map(|phone| {
            let message = Message::new(*phone, Arc::clone(&post.text));
            let from = number.map(SenderId::International);
            Submitted::from(match from {
                Some(from) => message.from(from),
                None => message,
            })
        });
        let legs = legs.collect();
        let phones = phones.iter().map(|phone| phone.as_str().into());
        let names = users.iter().map(|(_, name)| name.clone());
        let drawn = || draw_conversation(&mut lock(&self.random));
        Ok(Checked {
            account,
            legs,
            post: PostTaken {
                id: Box::default(),
                conversation: post.conversation.map_or_else(drawn, Into::into),
                kind: post.kind.into(),
                writer: owner.to_string().into(),
                number,
                to: phones.chain(names).collect(),
                users,
                media: post.media.as_ref().map(FileTaken::of),
            },
            text: post.text,
        })
    }
}

/// Phones, and users with their accounts.
fn sorted(
    state: &State,
    owner: &Mailbox,
    to: &[Recipient],
) -> Result<(Vec<E164>, Vec<User>), Refusal> {
    let (mut phones, mut users) = (Vec::new(), Vec::new());
    for recipient in to {
        match recipient {
            Recipient::Phone(phone) if !phones.contains(phone) => phones.push(*phone),
            Recipient::User(name) => {
                let (user, domain) = name.split_once('@').unwrap_or((name, &owner.domain));
                let mailbox = Mailbox::new(domain, user);
                let account = state
                    .account_at(&mailbox)
                    .ok_or_else(|| Refusal::invalid("to", format!("names no user of {domain}")))?;
                let user = (account, mailbox.to_string().into());
                if !users.contains(&user) {
                    users.push(user);
                }
            }
            _ => {}
        }
    }
    Ok((phones, users))
}

/// The number that a user's texts go out from, if it is his.
fn own_number(state: &State, owner: &Mailbox, given: Option<E164>) -> Result<E164, Refusal> {
    let given = given.ok_or_else(|| Refusal::invalid("from", "is missing"))?;
    let is_his = state
        .exchange
        .numbers
        .iter()
        .any(|kept| kept.number == given && kept.is_of(owner));
    if is_his {
        Ok(given)
    } else {
        Err(Refusal::invalid("from", "is not a number of this user"))
    }
}

fn recipient(name: &str) -> Recipient {
    match name.parse() {
        Ok(phone) => Recipient::Phone(phone),
        Err(_) => Recipient::User(name.to_owned()),
    }
}
