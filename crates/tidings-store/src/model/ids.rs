//! Names of things. Those that people choose are texts; those that we make are UUIDs of version 7
//! (RFC 9562, section 5.7), which sort by the time they were made at.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_core::ClientRef;
use uuid::Uuid;

macro_rules! made_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

macro_rules! chosen_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

made_id!(
    /// A message that was accepted.
    MessageId
);
made_id!(
    /// Messages that were accepted under one name.
    BatchId
);
made_id!(
    /// A key of the API.
    KeyId
);
made_id!(
    /// A person in an account's address book.
    ContactId
);
made_id!(
    /// A named set of contacts.
    GroupId
);
made_id!(
    /// A text that a phone sent.
    InboundId
);
made_id!(
    /// An address of a customer that is told what happens.
    WebhookId
);
made_id!(
    /// One event on its way to one webhook.
    DeliveryId
);

chosen_name!(
    /// A customer of the gateway: a team, a service, a tenant.
    AccountId
);
chosen_name!(
    /// One account at one provider, as the configuration names it.
    LaneId
);
chosen_name!(
    /// A process that works on the queue.
    NodeId
);
chosen_name!(
    /// A conversation, as the API that it came by names it.
    ConversationId
);

/// The store's own short name of a message, good only within one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey(pub i64);

/// The place of an event in the order of all events.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EventSeq(pub i64);

/// One attempt to hand a message to a provider: the message and which attempt it is, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId {
    /// The message.
    pub message: MessageId,
    /// Which of its attempts, from 1.
    pub number: u16,
}

impl AttemptId {
    /// The name under which the provider gets the message: 32 hexadecimal digits, a hyphen and the
    /// number. A report that carries it is matched without a search.
    pub fn reference(self) -> ClientRef {
        let reference = format!("{}-{}", self.message.0.simple(), self.number);
        ClientRef::new(reference).expect("digits and a hyphen are a reference")
    }

    /// Reads such a name; `None` is another's.
    pub fn of_reference(reference: &str) -> Option<Self> {
        let (message, number) = reference.split_once('-')?;
        let message = Uuid::try_parse(message)
            .ok()
            .filter(|_| message.len() == 32)?;
        let number = number.parse().ok().filter(|number| *number > 0)?;
        Some(Self {
            message: MessageId(message),
            number,
        })
    }
}
