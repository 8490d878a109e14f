//! What differs from the service's settings for one message: [`Settings`] and what it is made of.
//!
//! Called by programs. Wrong states that types can exclude are excluded here; the others are found by
//! `check.rs` when the message is about to leave.

use std::time::Duration;

use tidings_core::{E164, Priority, SenderId};

use super::Dialect;
use super::encoding::Encoding;
use super::map::OriginatorType;
use super::parameter::Parameter;
use super::wire;

/// What differs from the service's settings for one message: contract model `Settings`. Whatever is
/// not set is left to the service.
///
/// ```
/// use std::time::Duration;
/// use tidings::Priority;
/// use tidings::puzzel::{OriginatorSettings, Settings};
///
/// let settings = Settings::new()
///     .originator(OriginatorSettings::alphanumeric("Tidings"))
///     .priority(Priority::High)
///     .validity(Duration::from_secs(600));
/// # drop(settings);
/// ```
#[doc(alias("MessageSettings"))]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub(super) originator: Option<OriginatorSettings>,
    pub(super) priority: Option<PrioritySetting>,
    pub(super) validity: Option<ValiditySetting>,
    pub(super) differentiator: Option<String>,
    pub(super) age: Option<Age>,
    pub(super) gas: Option<GasSettings>,
    pub(super) session: Option<Session>,
    pub(super) invoice_node: Option<String>,
    pub(super) send_window: Option<SendWindow>,
    pub(super) auto_detect_encoding: Option<bool>,
    pub(super) safe_remove_non_gsm_characters: Option<bool>,
    pub(super) parameters: Vec<Parameter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PrioritySetting {
    Is(Priority),
    Raw(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValiditySetting {
    Is(Duration),
    Raw(i64),
}

impl Settings {
    /// Nothing that differs.
    pub fn new() -> Self {
        Self::default()
    }

    /// The sender. Only for messages without a price: who pays must see the service's own number.
    #[doc(alias("originatorSettings", "originator_settings"))]
    #[must_use]
    pub fn originator(mut self, sender: impl Into<OriginatorSettings>) -> Self {
        self.originator = Some(sender.into());
        self
    }

    /// What leaves first when messages of the service wait.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(PrioritySetting::Is(priority));
        self
    }

    /// The priority as the number that goes over the wire, whatever the dialect.
    #[must_use]
    pub fn raw_priority(mut self, number: i64) -> Self {
        self.priority = Some(PrioritySetting::Raw(number));
        self
    }

    /// How long the message is worth delivering. Rounded down, in the dialect
    /// [`V3`](super::Dialect::V3) to a minute, in [`Manual`](super::Dialect::Manual) to a step: 5
    /// minutes up to 12 hours, 30 minutes up to a day, then whole days up to 7, which is also what
    /// everything longer becomes.
    #[must_use]
    pub fn validity(mut self, validity: Duration) -> Self {
        self.validity = Some(ValiditySetting::Is(validity));
        self
    }

    /// The validity as the number that goes over the wire, whatever the dialect.
    #[must_use]
    pub fn raw_validity(mut self, number: i64) -> Self {
        self.validity = Some(ValiditySetting::Raw(number));
        self
    }

    /// A label for the vendor's statistics.
    #[must_use]
    pub fn differentiator(mut self, label: impl Into<String>) -> Self {
        self.differentiator = Some(label.into());
        self
    }

    /// How old the recipient has to be. Only for messages with a price.
    #[must_use]
    pub fn age(mut self, age: Age) -> Self {
        self.age = Some(age);
        self
    }

    /// What a recipient who pays is buying.
    #[doc(alias("gasSettings", "gas_settings"))]
    #[must_use]
    pub fn gas(mut self, goods: GasSettings) -> Self {
        self.gas = Some(goods);
        self
    }

    /// The conversation that the message opens or continues. Only for Norwegian recipients, and only
    /// from a short number.
    #[doc(alias("newSession", "sessionId", "new_session", "session_id"))]
    #[must_use]
    pub fn session(mut self, session: Session) -> Self {
        self.session = Some(session);
        self
    }

    /// A label for the vendor's invoices.
    #[doc(alias("invoiceNode"))]
    #[must_use]
    pub fn invoice_node(mut self, label: impl Into<String>) -> Self {
        self.invoice_node = Some(label.into());
        self
    }

    /// When the message may leave.
    #[doc(alias("sendWindow"))]
    #[must_use]
    pub fn send_window(mut self, window: impl Into<SendWindow>) -> Self {
        self.send_window = Some(window.into());
        self
    }

    /// Whether a text outside the GSM alphabet goes out as UCS-2. Otherwise the gateway refuses it,
    /// unless the service or a [`ParsingType`](super::ParsingType) says something else.
    #[doc(alias("autoDetectEncoding"))]
    #[must_use]
    pub fn auto_detect_encoding(mut self, detect: bool) -> Self {
        self.auto_detect_encoding = Some(detect);
        self
    }

    /// Whether characters outside the GSM alphabet are dropped. Deprecated by the vendor in favour of
    /// [`Parameter::parsing_type`].
    #[doc(alias("safeRemoveNonGsmCharacters"))]
    #[must_use]
    pub fn safe_remove_non_gsm_characters(mut self, remove: bool) -> Self {
        self.safe_remove_non_gsm_characters = Some(remove);
        self
    }

    /// Adds what has no field of its own.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }
}

/// The sender of a message: contract model `OriginatorSettings`.
#[derive(Clone, PartialEq, Eq)]
pub struct OriginatorSettings {
    pub(super) kind: OriginatorType,
    pub(super) text: String,
}

impl OriginatorSettings {
    /// A sender of some kind.
    pub fn new(kind: OriginatorType, originator: impl Into<String>) -> Self {
        Self {
            kind,
            text: originator.into(),
        }
    }

    /// A whole phone number.
    pub fn international(number: &E164) -> Self {
        Self::new(OriginatorType::International, number.as_str())
    }

    /// A name of 1 to 11 letters, digits, blanks and `% & - + . ,`, with at least one letter.
    pub fn alphanumeric(name: impl Into<String>) -> Self {
        Self::new(OriginatorType::Alphanumeric, name)
    }

    /// A short number of 3 to 8 digits.
    pub fn network(number: impl Into<String>) -> Self {
        Self::new(OriginatorType::Network, number)
    }
}

impl OriginatorSettings {
    /// As it goes over the wire.
    pub(super) fn to_wire(&self, dialect: Dialect, encoding: Encoding) -> wire::OriginatorSettings {
        wire::OriginatorSettings {
            originator: Some(wire::Phone(self.text.clone())),
            originator_type: Some(self.kind.as_str(dialect, encoding).to_owned()),
        }
    }
}

impl From<SenderId> for OriginatorSettings {
    fn from(sender: SenderId) -> Self {
        Self::from(&sender)
    }
}

impl From<&SenderId> for OriginatorSettings {
    fn from(sender: &SenderId) -> Self {
        match sender {
            SenderId::International(number) => Self::international(number),
            SenderId::ShortCode(number) => Self::network(&**number),
            // Names, and whatever kinds there will be: those are checked as names.
            sender => Self::alphanumeric(sender.to_string()),
        }
    }
}

/// Shows the kind: a sender may be somebody's number.
impl std::fmt::Debug for OriginatorSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OriginatorSettings({:?})", self.kind)
    }
}

/// How old the recipient of a message with a price has to be; the operators see to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Age {
    /// As old as he is.
    Any,
    /// At least 16.
    Sixteen,
    /// At least 18, as the vendor demands of subscriptions.
    Eighteen,
}

impl Age {
    /// The number on the wire.
    pub const fn years(self) -> u8 {
        match self {
            Self::Any => 0,
            Self::Sixteen => 16,
            Self::Eighteen => 18,
        }
    }
}

/// Which conversation a message belongs to. One that opens a conversation cannot continue another:
/// the gateway would ignore the other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Session {
    /// It opens one; its id is in the answer.
    New,
    /// It continues the one with this id.
    Continue(String),
}

/// What a recipient who pays is buying, by the operators' list of goods and services: contract model
/// `GasSettings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GasSettings {
    pub(super) service_code: String,
    pub(super) description: Option<String>,
}

impl GasSettings {
    /// Goods by their code of five digits, such as `06001` for train tickets.
    #[doc(alias("serviceCode", "service_code"))]
    pub fn new(service_code: impl Into<String>) -> Self {
        Self {
            service_code: service_code.into(),
            description: None,
        }
    }

    /// What may stand on the recipient's bill.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

/// When a message may leave: contract model `SendWindow`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendWindow {
    /// By zoned times, written as Norwegian time with its distance from UTC.
    Zoned(tidings_core::SendWindow),
    /// As the fields go over the wire. Their form and order are checked.
    Raw(wire::SendWindow),
}

impl From<tidings_core::SendWindow> for SendWindow {
    fn from(window: tidings_core::SendWindow) -> Self {
        Self::Zoned(window)
    }
}

impl From<wire::SendWindow> for SendWindow {
    fn from(window: wire::SendWindow) -> Self {
        Self::Raw(window)
    }
}
