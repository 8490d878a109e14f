//! What a provider says about a message after it took it, in words that all providers share.
//!
//! Made by each provider's `map.rs`, read by whoever tracks messages. What a report does to a
//! message's state is decided in [`crate::state`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::address::E164;
use crate::message::ClientRef;
use crate::time::Timestamp;
use crate::words::stable_words;

/// One statement of a provider about one message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Which message it is about.
    pub about: ProviderRef,
    /// How far the message has come.
    pub state: ReportedState,
    /// Why it went no further; `None` while nothing is wrong.
    pub reason: Option<Reason>,
    /// When it happened, by the provider's clock.
    pub at: Option<Timestamp>,
    /// The provider's own word or number for the state.
    pub raw: Option<String>,
    /// The provider's own sentence about it. May hold anything: never logged.
    pub detail: Option<String>,
}

impl DeliveryReport {
    /// A report that says only how far the message has come.
    pub fn new(about: ProviderRef, state: ReportedState) -> Self {
        Self {
            about,
            state,
            reason: None,
            at: None,
            raw: None,
            detail: None,
        }
    }

    /// Adds why the message went no further.
    #[must_use]
    pub fn reason(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Adds when it happened, by the provider's clock.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Adds the provider's own word or number for the state.
    #[must_use]
    pub fn raw(mut self, raw: impl Into<String>) -> Self {
        self.raw = Some(raw.into());
        self
    }

    /// Adds the provider's own sentence about it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// Shows the length of the provider's sentence, never the sentence: it may repeat the text or the
/// number.
impl fmt::Debug for DeliveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryReport")
            .field("about", &self.about)
            .field("state", &self.state)
            .field("reason", &self.reason)
            .field("at", &self.at)
            .field("raw", &self.raw)
            .field("detail_bytes", &self.detail.as_ref().map(String::len))
            .finish()
    }
}

/// How far a message has come according to its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReportedState {
    /// The provider has it and has not passed it on.
    Submitted,
    /// The carrier has it.
    Sent,
    /// The phone has it.
    Delivered,
    /// The carrier tried and could not deliver it.
    Undelivered,
    /// Its validity ran out first.
    Expired,
    /// The provider or the carrier refused it.
    Failed,
    /// It was stopped before it was passed on.
    Canceled,
    /// The provider itself says that it does not know, or tells only a total from which this
    /// message's part cannot be told.
    Unknown,
}

stable_words!(ReportedState:
    Submitted => "submitted",
    Sent => "sent",
    Delivered => "delivered",
    Undelivered => "undelivered",
    Expired => "expired",
    Failed => "failed",
    Canceled => "canceled",
    Unknown => "unknown",
);

impl ReportedState {
    /// Whether its provider will say nothing more of the message. [`Self::Unknown`] is no end: a
    /// later report may still know.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Submitted | Self::Sent | Self::Unknown => false,
            Self::Delivered | Self::Undelivered | Self::Expired | Self::Failed | Self::Canceled => {
                true
            }
        }
    }
}

/// Why a message went no further: one flat list for all providers. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The request had a form that the provider does not take.
    InvalidRequest,
    /// No such phone number.
    InvalidRecipient,
    /// The number exists and cannot receive texts, such as a landline.
    NotSmsCapable,
    /// The sender is not allowed.
    InvalidSender,
    /// The text or its encoding cannot be sent.
    UnsupportedContent,
    /// A filter took the text for unwanted.
    ContentFiltered,
    /// The recipient does not want texts from this sender.
    OptedOut,
    /// A rule of the country or the carrier forbids it for now.
    ComplianceBlocked,
    /// Wrong or expired credentials.
    Unauthorized,
    /// The account may not do this.
    Forbidden,
    /// Nothing is left on the account.
    InsufficientFunds,
    /// A quota is used up.
    QuotaExceeded,
    /// The phone is off, out of reach or full.
    RecipientUnreachable,
    /// The recipient's subscription is barred.
    RecipientBlocked,
    /// No way to the recipient's network.
    NoRoute,
    /// The carrier failed.
    CarrierError,
    /// Its validity ran out.
    Expired,
    /// It was stopped.
    Canceled,
    /// Some of its parts were delivered and some were not.
    Partial,
    /// The provider gave no reason, or one that is not known here: see the report's `raw` and
    /// `detail`.
    Unspecified,
}

stable_words!(Reason:
    InvalidRequest => "invalid_request",
    InvalidRecipient => "invalid_recipient",
    NotSmsCapable => "not_sms_capable",
    InvalidSender => "invalid_sender",
    UnsupportedContent => "unsupported_content",
    ContentFiltered => "content_filtered",
    OptedOut => "opted_out",
    ComplianceBlocked => "compliance_blocked",
    Unauthorized => "unauthorized",
    Forbidden => "forbidden",
    InsufficientFunds => "insufficient_funds",
    QuotaExceeded => "quota_exceeded",
    RecipientUnreachable => "recipient_unreachable",
    RecipientBlocked => "recipient_blocked",
    NoRoute => "no_route",
    CarrierError => "carrier_error",
    Expired => "expired",
    Canceled => "canceled",
    Partial => "partial",
    Unspecified => "unspecified",
);

/// What is needed to ask a provider about a message again. Which fields are set depends on the
/// provider; a reference can be stored as JSON and read back.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProviderRef {
    /// The provider's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The provider's id of the batch that the message travelled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// The conversation that the message belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Our own reference, where the provider keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ClientRef>,
    /// Whose message of the batch it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<E164>,
}

impl ProviderRef {
    /// A message with an id of its own.
    pub fn message(id: impl Into<String>) -> Self {
        Self {
            message: Some(id.into()),
            ..Self::default()
        }
    }

    /// The message to `recipient` in a batch whose messages have no ids of their own.
    pub fn batch_member(batch: impl Into<String>, recipient: E164) -> Self {
        Self {
            batch: Some(batch.into()),
            recipient: Some(recipient),
            ..Self::default()
        }
    }
}

impl fmt::Debug for ProviderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ProviderRef");
        let fields = [
            ("message", &self.message),
            ("batch", &self.batch),
            ("session", &self.session),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                shown.field(name, value);
            }
        }
        if let Some(reference) = &self.reference {
            shown.field("reference", reference);
        }
        if let Some(recipient) = &self.recipient {
            shown.field("recipient", recipient);
        }
        shown.finish()
    }
}
