//! What a provider tells by calling its customer's server: reports on messages, texts from phones,
//! and what happens in conversations.
//!
//! Each provider's `callback.rs` translates between the vendor's calls and these types, in both
//! directions: whoever receives them parses, the simulator emits. Nothing here listens or posts.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use tidings_core::{DeliveryReport, InboundMessage};

use crate::conversations::{Conversation, ConversationMessage, Direction};
use crate::provider::Account;

/// One thing that a provider tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Callback {
    /// What became of a message.
    Report(DeliveryReport),
    /// A text from a phone.
    Inbound(InboundMessage),
    /// Something else happened in a conversation: a message that went out or came with a file, a
    /// reading, another name. No text from a phone is told by this alone that is not told as
    /// [`Self::Inbound`] too, where the provider was asked for messages; whoever only wants texts from
    /// phones passes it over.
    Conversation(Box<ConversationEvent>),
}

/// What happened in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConversationEvent {
    /// The conversation as its owner sees it now, as far as the provider tells.
    pub conversation: Conversation,
    /// The message that was written into it: one of our own, or one that
    /// [`Callback::Inbound`] tells too. `None` where something else happened, such as that it was
    /// read.
    pub message: Option<ConversationMessage>,
}

impl ConversationEvent {
    /// Something that happened in a conversation without a message.
    pub fn new(conversation: Conversation) -> Self {
        Self {
            conversation,
            message: None,
        }
    }

    /// What it was.
    pub fn happening(&self) -> Happening {
        match (&self.message, self.conversation.is_read) {
            (Some(message), _) => Happening::Message(message.direction),
            (None, true) => Happening::Read,
            (None, false) => Happening::Unread,
        }
    }

    /// Adds the message that was written into it.
    #[must_use]
    pub fn message(mut self, message: ConversationMessage) -> Self {
        self.message = Some(message);
        self
    }
}

/// What happened in a conversation, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Happening {
    /// A message was written.
    Message(Direction),
    /// All of it has been read by now.
    Read,
    /// Something in it has not been read.
    Unread,
}

impl Happening {
    /// The stable word, as in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message(direction) => direction.as_str(),
            Self::Read => "read",
            Self::Unread => "unread",
        }
    }
}

/// A call to the customer's server, as far as it carries something.
#[derive(Clone)]
#[non_exhaustive]
pub struct CallbackRequest {
    /// GET or POST.
    pub method: Method,
    /// What stands behind the question mark, as it was sent.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl CallbackRequest {
    /// A call as a server has received it: `query` is what stands behind the question mark.
    pub fn new(
        method: Method,
        query: Option<String>,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            method,
            query,
            headers,
            body: body.into(),
        }
    }

    /// A GET with a query.
    pub fn get(query: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            query: Some(query.into()),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A POST with a body.
    pub fn post(headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::POST,
            query: None,
            headers,
            body: body.into(),
        }
    }

    /// Sets what stands behind the question mark.
    #[must_use]
    pub fn query(mut self, query: Option<String>) -> Self {
        self.query = query;
        self
    }
}

/// Shows the method and how long the body is: what is in it is texts and numbers.
impl fmt::Debug for CallbackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackRequest")
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Reads what a provider tells in one call. An error means that something of it could not be read; then
/// [`CallbackError::readable`] should be applied, and the call refused, so that the provider tells it
/// again or somebody sees it. What was applied comes again then, and changes nothing.
pub type ParseCallback = fn(&CallbackRequest) -> Result<Vec<Callback>, CallbackError>;

/// How a provider calls its customer's server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CallbackEmitter {
    /// Puts what there is to tell into as few calls as the vendor makes of it. The account's
    /// settings are those that the vendor repeats in its calls.
    pub emit: fn(&Account, &[Callback]) -> Vec<CallbackRequest>,
    /// The vendor makes no second round of calls within this time.
    pub at_most_every: Duration,
    /// How long the vendor waits for an answer.
    pub time_limit: Duration,
    /// Where customers subscribe to events: the vendor's words for all that [`emit`](Self::emit) can
    /// tell. Each round of calls is for one subscription, and the account holds [`EVENT_MODEL`] and
    /// [`SUBSCRIPTION_ID`] besides its settings. Empty where one address is told everything.
    pub models: &'static [&'static str],
}

impl CallbackEmitter {
    /// An emitter that calls as soon as there is something to tell, and waits for a minute.
    pub const fn new(emit: fn(&Account, &[Callback]) -> Vec<CallbackRequest>) -> Self {
        Self {
            emit,
            at_most_every: Duration::ZERO,
            time_limit: Duration::from_mins(1),
            models: &[],
        }
    }

    /// Sets the time between two rounds of calls.
    #[must_use]
    pub const fn at_most_every(mut self, time: Duration) -> Self {
        self.at_most_every = time;
        self
    }

    /// Says that customers subscribe, and to what they can.
    #[must_use]
    pub const fn models(mut self, models: &'static [&'static str]) -> Self {
        self.models = models;
        self
    }

    /// Sets how long the vendor waits for an answer.
    #[must_use]
    pub const fn time_limit(mut self, time: Duration) -> Self {
        self.time_limit = time;
        self
    }
}

/// The setting that says for which events a round of calls is, where customers subscribe.
pub const EVENT_MODEL: &str = "event_model";
/// The setting that says for which subscription a round of calls is, where customers subscribe.
pub const SUBSCRIPTION_ID: &str = "subscription_id";

/// A call to the customer's server, or a part of it, cannot be read. The sentence repeats nothing of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallbackError {
    /// What is wrong, as a clause that follows "the call".
    pub fault: String,
    /// What else the call tells and could be read: a bad item does not hold up the good ones.
    pub readable: Vec<Callback>,
}

impl CallbackError {
    /// A call that cannot be read; `fault` is a clause that follows "the call".
    pub fn new(fault: impl Into<String>) -> Self {
        Self {
            fault: fault.into(),
            readable: Vec::new(),
        }
    }

    /// Adds what else the call tells and could be read.
    #[must_use]
    pub fn with_readable(mut self, readable: Vec<Callback>) -> Self {
        self.readable = readable;
        self
    }
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call {}", self.fault)
    }
}

impl std::error::Error for CallbackError {}
