//! The NetSapiens API v2 as it is on the wire: paths and documents, with the vendor's own names. No
//! logic and no neutral type but the times of `time`.
//!
//! Used by both halves. Reading is lenient where the vendor's servers and clients are known to
//! differ, and that is all in `scalar` and `read`; writing has one form.

mod call;
mod message;
mod read;
mod scalar;
mod session;
mod subscription;
pub mod time;
mod token;

pub use call::{ActiveCall, NewCall};
pub use message::{Destination, Message, SendMessage, SentMessage, write_send};
pub use read::{Document, Expected, FieldFault, ReadError, Rows, read, read_form};
pub use scalar::{Base64, OneOrMore, Text, Whole, YesNo};
pub use session::{ChangeSession, MessageSession, NumberAssignment, SmsNumber};
pub use subscription::{ChangeSubscription, CreateSubscription, Subscription};
pub use token::{ApiKey, Claims, JwtAnswer, TokenAnswer, TokenRequest};

use serde::Serialize;

use self::read::reads;

/// What most calls that change something are answered with, and every refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Said {
    /// The HTTP status again.
    pub code: Whole,
    /// A sentence.
    pub message: Text,
    /// Of OAuth, RFC 6749, section 5.2: what is wrong, in a word.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub error: Text,
    /// Of OAuth: a sentence.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub error_description: Text,
}

reads!(Said {
    "code" => code,
    "message" => message,
    "error" => error,
    "error_description" => error_description,
});

/// How many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Total {
    /// That many.
    pub total: Whole,
}

reads!(Total {
    "total" => total,
});

/// `GET /version`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Version {
    /// Such as `Version: 44.1.2`.
    pub apiversion: Text,
    /// The node that answers.
    pub hostname: Text,
    /// Its time.
    pub current_time: Text,
}

reads!(Version {
    "apiversion" => apiversion,
    "hostname" => hostname,
    "current-time" => current_time,
});
