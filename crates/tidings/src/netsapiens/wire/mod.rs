//! The NetSapiens API v2 as it is on the wire: paths and documents, with the vendor's own names. No
//! logic and no neutral type.
//!
//! Used by both halves. Reading is lenient where the vendor's servers and clients are known to
//! differ, and that is all in `scalar`; writing has one form.

mod call;
mod message;
mod scalar;
mod session;
mod subscription;
mod token;

pub use call::{ActiveCall, NewCall};
pub use message::{Destination, Message, SendMessage};
pub use scalar::{Rows, Text, Whole, YesNo};
pub use session::{ChangeSession, MessageSession, NumberAssignment, SmsNumber};
pub use subscription::{ChangeSubscription, CreateSubscription, Subscription};
pub use token::{ApiKey, Claims, JwtAnswer, TokenAnswer, TokenRequest};

use serde::{Deserialize, Serialize};

/// What most calls that change something are answered with, and every refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Said {
    /// The HTTP status again.
    pub code: Whole,
    /// A sentence.
    pub message: Text,
}

/// How many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Total {
    /// That many.
    pub total: Whole,
}

/// `GET /version`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Version {
    /// Such as `Version: 44.1.2`.
    pub apiversion: Text,
    /// The node that answers.
    pub hostname: Text,
    /// Its time.
    pub current_time: Text,
}
