//! What a telephone exchange keeps besides messages on their way to phones: tokens, conversations
//! of its users, numbers, subscriptions and calls.
//!
//! Part of [`State`](super::state::State), under the same lock and in the same state file; used where
//! the provider's capabilities name such things. Each file here holds one of them, as it is kept and
//! as [`tidings::backend`] asks for it. Users are the world's accounts: `directory`.

mod base64_text;
mod calls;
mod conversations;
mod desk;
mod directory;
mod event;
mod media;
mod numbers;
mod post;
mod subscriptions;
mod tokens;

use serde::{Deserialize, Serialize};
use tidings_core::Timestamp;

use super::state::Impossible;

pub(super) use conversations::{Conversations, Heard, draw_conversation};
pub(crate) use directory::{FROM_NUMBER, KEY};
pub(super) use directory::{USERNAME, draw_from_number, draw_username};
pub(super) use numbers::NumberKept;
pub(super) use post::{FileTaken, PostTaken};
pub(crate) use subscriptions::Posting;
pub(super) use tokens::TokenCounts;
pub use tokens::TokenStats;

use calls::CallKept;
use event::Events;
use subscriptions::{SubscriptionKept, Subscriptions};
use tokens::{TokenKept, Tokens};

/// All that an exchange keeps.
#[derive(Default)]
pub(super) struct Exchange {
    pub(super) tokens: Tokens,
    pub(super) conversations: Conversations,
    pub(super) numbers: Vec<NumberKept>,
    pub(super) subscriptions: Subscriptions,
    /// They last for seconds: no state file has them.
    pub(super) calls: Vec<CallKept>,
    /// What has happened since the last round of posts: no state file has it.
    pub(super) events: Events,
}

/// One change of it, as it stands in the state file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "exchange", rename_all = "snake_case")]
pub(super) enum ExchangeChange {
    Token(TokenKept),
    /// A refresh token was used.
    Used {
        refresh: Box<str>,
    },
    /// Tokens end: those of an account, or all.
    Ended {
        at: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        account: Option<usize>,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        access: Option<Box<str>>,
        /// Whether they cannot be renewed either.
        refresh: bool,
    },
    /// Something happened to a conversation other than a message.
    Conversation {
        at: Timestamp,
        account: usize,
        id: Box<str>,
        what: conversations::ThreadChange,
    },
    Number(NumberKept),
    NumberGone {
        number: tidings_core::E164,
    },
    Subscription(Box<SubscriptionKept>),
    SubscriptionGone {
        id: Box<str>,
    },
    /// A post was made for a subscription.
    Posted {
        id: Box<str>,
        is_acknowledged: bool,
    },
}

impl Exchange {
    /// Carries a change out, or says that it is about something that is not there.
    pub(super) fn apply(&mut self, change: ExchangeChange) -> Result<(), Impossible> {
        match change {
            ExchangeChange::Token(token) => self.tokens.keep(token),
            ExchangeChange::Used { refresh } => self.tokens.use_up(&refresh)?,
            ExchangeChange::Ended {
                at,
                account,
                access,
                refresh,
            } => self.tokens.end(at, account, access.as_deref(), refresh),
            ExchangeChange::Conversation {
                at,
                account,
                id,
                what,
            } => {
                let thread = self.conversations.change(account, &id, what)?;
                if let Some(thread) = thread {
                    self.happened(at, thread, None);
                }
            }
            ExchangeChange::Number(number) => self.set_number(number),
            ExchangeChange::NumberGone { number } => {
                self.numbers.retain(|kept| kept.number != number);
            }
            ExchangeChange::Subscription(subscription) => self.subscriptions.keep(*subscription),
            ExchangeChange::SubscriptionGone { id } => self.subscriptions.remove(&id),
            ExchangeChange::Posted {
                id,
                is_acknowledged,
            } => self.subscriptions.posted(&id, is_acknowledged),
        }
        Ok(())
    }

    /// Lets end what ends by the time.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.subscriptions.expire(now);
        calls::hang_up(&mut self.calls, now);
    }

    fn set_number(&mut self, number: NumberKept) {
        match self
            .numbers
            .iter_mut()
            .find(|kept| kept.number == number.number)
        {
            Some(kept) => *kept = number,
            None => self.numbers.push(number),
        }
    }
}
