//! Between Puzzel's words and ours: pure functions and the vendor's code lists, for both dialects.
//!
//! Used by both halves. It looks at no HTTP status. What both halves need is in this file and in
//! `window.rs`; `codes/` holds the vendor's lists, `inward/` reads what comes in at our server.

pub mod codes;
#[cfg(feature = "server")]
pub(super) mod inward;
pub(super) mod reference;
#[cfg(test)]
mod tests;
mod window;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tidings_core::{E164, Priority, SenderId};

use super::Dialect;
use super::encoding::Encoding;
use super::wire;
use crate::error::ErrorKind;

pub use window::{read_window, write_window};

/// The name in configuration, errors and spans.
pub const PROVIDER: &str = "puzzel";

// ---- dialects ----

impl Dialect {
    /// Its word in the setting `dialect`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::Manual => "manual",
        }
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        match text {
            "v3" => Ok(Self::V3),
            "manual" => Ok(Self::Manual),
            _ => Err(UnknownDialect),
        }
    }
}

/// A word that is none of the dialects'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownDialect;

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected v3 or manual")
    }
}

impl std::error::Error for UnknownDialect {}

// ---- fields ----

/// The wire's names of what a message may have wrong, as paths from the message.
pub mod field {
    /// The phone.
    pub const RECIPIENT: &str = "recipient";
    /// The text.
    pub const CONTENT: &str = "content";
    /// What the recipient pays.
    pub const PRICE: &str = "price";
    /// The sender's name for the message.
    pub const CLIENT_REFERENCE: &str = "clientReference";
    /// What leaves first.
    pub const PRIORITY: &str = "settings.priority";
    /// How long it is worth delivering.
    pub const VALIDITY: &str = "settings.validity";
    /// How old the recipient has to be.
    pub const AGE: &str = "settings.age";
    /// Whether it opens a session.
    pub const NEW_SESSION: &str = "settings.newSession";
    /// The session that it continues.
    pub const SESSION_ID: &str = "settings.sessionId";
    /// The sender.
    pub const ORIGINATOR: &str = "settings.originatorSettings.originator";
    /// The sender's kind.
    pub const ORIGINATOR_TYPE: &str = "settings.originatorSettings.originatorType";
    /// What is bought.
    pub const SERVICE_CODE: &str = "settings.gasSettings.serviceCode";
    /// When it may leave.
    pub const SEND_WINDOW: &str = "settings.sendWindow";
    /// The first day.
    pub const START_DATE: &str = "settings.sendWindow.startDate";
    /// The last day.
    pub const STOP_DATE: &str = "settings.sendWindow.stopDate";
    /// From when on each day.
    pub const START_TIME: &str = "settings.sendWindow.startTime";
    /// Until when on each day.
    pub const STOP_TIME: &str = "settings.sendWindow.stopTime";
    /// What has no field of its own.
    pub const PARAMETER: &str = "settings.parameter";
}

/// What is wrong with a field of a message. The sentence repeats nothing of the message.
#[doc(alias(
    "GatewayRequestError",
    "PuzzelSmsgwException",
    "MissingMessages",
    "InvalidDateFormat",
    "InvalidDcs",
    "InvalidMsisdnFormat",
    "InvalidParameter",
    "InvalidPid",
    "InvalidStrexConfirmChannel",
    "InvalidStrexVerificationTimeout",
    "InvalidTimeFormat",
    "InvalidUdh",
    "MissingRecipient"
))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldFault {
    /// Which field: one of [`field`].
    pub field: &'static str,
    /// What is wrong, as a clause that follows the field's name.
    pub fault: Cow<'static, str>,
}

impl FieldFault {
    /// A field with a fault, which is a clause that follows the field's name.
    pub fn new(field: &'static str, fault: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field,
            fault: fault.into(),
        }
    }

    /// The kind of error that a message with this fault is.
    pub fn kind(&self) -> ErrorKind {
        match self.field {
            field::RECIPIENT => ErrorKind::InvalidRecipient,
            field::ORIGINATOR | field::ORIGINATOR_TYPE => ErrorKind::InvalidSender,
            _ => ErrorKind::InvalidMessage,
        }
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.fault)
    }
}

impl std::error::Error for FieldFault {}

// ---- priority ----

/// The wire's number for a priority: 1 is the highest in [`Dialect::V3`] and the lowest in
/// [`Dialect::Manual`].
pub const fn write_priority(dialect: Dialect, priority: Priority) -> i64 {
    match (dialect, priority) {
        (Dialect::V3, Priority::High) | (Dialect::Manual, Priority::Low) => 1,
        (Dialect::V3, Priority::Low) | (Dialect::Manual, Priority::High) => 3,
        // The middle one, and whatever will stand between.
        _ => 2,
    }
}

/// The priority that a number of the wire stands for.
///
/// # Errors
/// [`FieldFault`] for another number than 1, 2 and 3.
pub fn read_priority(dialect: Dialect, number: i64) -> Result<Priority, FieldFault> {
    match (dialect, number) {
        (Dialect::V3, 1) | (Dialect::Manual, 3) => Ok(Priority::High),
        (_, 2) => Ok(Priority::Normal),
        (Dialect::V3, 3) | (Dialect::Manual, 1) => Ok(Priority::Low),
        _ => Err(FieldFault::new(field::PRIORITY, "must be 1, 2 or 3")),
    }
}

// ---- validity ----

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The last step code of the manual, which is seven days.
pub const MAX_VALIDITY_STEP: i64 = 173;

/// The shortest validity that can be said.
pub fn shortest_validity(dialect: Dialect) -> Duration {
    Duration::from_secs(match dialect {
        Dialect::V3 => MINUTE,
        Dialect::Manual => 5 * MINUTE,
    })
}

/// The wire's number for a validity: whole minutes in [`Dialect::V3`], a step code in
/// [`Dialect::Manual`]. Rounded down, because a message is not worth delivering after its time. The
/// manual's steps end at seven days, and so does what is longer; minutes end where the wire's 32 bits
/// do.
///
/// # Errors
/// [`FieldFault`] for less than the smallest step: a minute, or five minutes in the manual's dialect.
pub fn write_validity(dialect: Dialect, validity: Duration) -> Result<i64, FieldFault> {
    let seconds = validity.as_secs();
    let too_short = |fault| Err(FieldFault::new(field::VALIDITY, fault));
    match dialect {
        Dialect::V3 if seconds < MINUTE => too_short("must be at least a minute"),
        Dialect::V3 => Ok(i64::from(
            i32::try_from(seconds / MINUTE).unwrap_or(i32::MAX),
        )),
        Dialect::Manual if seconds < 5 * MINUTE => too_short("must be at least five minutes"),
        Dialect::Manual => {
            let step = match seconds {
                0..=43_200 => seconds / (5 * MINUTE) - 1,
                43_201..=86_400 => 143 + (seconds - 12 * HOUR) / (30 * MINUTE),
                // There is no step between one day and two.
                86_401..172_800 => 167,
                172_800..604_800 => 166 + seconds / DAY,
                604_800.. => 173,
            };
            Ok(i64::try_from(step).unwrap_or(MAX_VALIDITY_STEP))
        }
    }
}

/// The validity that a number of the wire stands for.
///
/// # Errors
/// [`FieldFault`] for a number that is none: less than a minute in [`Dialect::V3`], outside 0 to 173
/// in [`Dialect::Manual`].
pub fn read_validity(dialect: Dialect, number: i64) -> Result<Duration, FieldFault> {
    let fault = |fault| FieldFault::new(field::VALIDITY, fault);
    match dialect {
        Dialect::V3 => match u32::try_from(number) {
            Ok(minutes @ 1..) => Ok(Duration::from_secs(u64::from(minutes) * MINUTE)),
            Ok(0) | Err(_) => Err(fault("must be a number of minutes")),
        },
        Dialect::Manual => {
            let step = u64::try_from(number).map_err(|_| fault("must be from 0 to 173"))?;
            let seconds = match step {
                0..=143 => (step + 1) * 5 * MINUTE,
                144..=167 => 12 * HOUR + (step - 143) * 30 * MINUTE,
                168..=173 => (step - 166) * DAY,
                174.. => return Err(fault("must be from 0 to 173")),
            };
            Ok(Duration::from_secs(seconds))
        }
    }
}

// ---- senders ----

/// What kind of sender an originator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OriginatorType {
    /// A whole phone number with its plus.
    International,
    /// A name.
    Alphanumeric,
    /// A short number.
    Network,
}

impl OriginatorType {
    /// The word in a document: as in the vendor's XML schema in XML and in [`Dialect::V3`], in upper
    /// case in the manual's other forms.
    pub const fn as_str(self, dialect: Dialect, encoding: Encoding) -> &'static str {
        let is_upper = matches!(
            (dialect, encoding),
            (Dialect::Manual, Encoding::Json | Encoding::Form)
        );
        match (self, is_upper) {
            (Self::International, false) => "International",
            (Self::Alphanumeric, false) => "Alphanumeric",
            (Self::Network, false) => "Network",
            (Self::International, true) => "INTERNATIONAL",
            (Self::Alphanumeric, true) => "ALPHANUMERIC",
            (Self::Network, true) => "NETWORK",
        }
    }
}

/// Reads the word in any casing.
impl FromStr for OriginatorType {
    type Err = FieldFault;

    fn from_str(text: &str) -> Result<Self, FieldFault> {
        let text = text.trim();
        [Self::International, Self::Alphanumeric, Self::Network]
            .into_iter()
            .find(|kind| text.eq_ignore_ascii_case(kind.as_str(Dialect::V3, Encoding::Json)))
            .ok_or_else(|| {
                FieldFault::new(
                    field::ORIGINATOR_TYPE,
                    "must be International, Alphanumeric or Network",
                )
            })
    }
}

/// The kind of a sender and its text.
fn originator_of(sender: &SenderId) -> Result<(OriginatorType, &str), FieldFault> {
    match sender {
        SenderId::International(number) => Ok((OriginatorType::International, number.as_str())),
        SenderId::Alphanumeric(name) => Ok((OriginatorType::Alphanumeric, name)),
        SenderId::ShortCode(number) => Ok((OriginatorType::Network, number)),
        _ => Err(FieldFault::new(
            field::ORIGINATOR,
            "is of a kind that puzzel does not have",
        )),
    }
}

/// A sender in the vendor's form.
///
/// # Errors
/// [`FieldFault`] for a name that [`check_originator`] refuses.
pub fn write_sender(
    dialect: Dialect,
    encoding: Encoding,
    sender: &SenderId,
) -> Result<wire::OriginatorSettings, FieldFault> {
    let (kind, text) = originator_of(sender)?;
    check_originator(kind, text)?;
    Ok(wire::OriginatorSettings {
        originator: Some(wire::Phone(text.to_owned())),
        originator_type: Some(kind.as_str(dialect, encoding).to_owned()),
    })
}

/// The sender that the wire names.
///
/// # Errors
/// [`FieldFault`] when one of the two fields is missing or wrong.
pub fn read_sender(settings: &wire::OriginatorSettings) -> Result<SenderId, FieldFault> {
    let Some(kind) = &settings.originator_type else {
        return Err(FieldFault::new(field::ORIGINATOR_TYPE, "is missing"));
    };
    let kind: OriginatorType = kind.parse()?;
    let Some(text) = &settings.originator else {
        return Err(FieldFault::new(field::ORIGINATOR, "is missing"));
    };
    let text = text.0.trim();
    check_originator(kind, text)?;
    match kind {
        OriginatorType::International => {
            number(field::ORIGINATOR, text).map(SenderId::International)
        }
        OriginatorType::Alphanumeric => Ok(SenderId::Alphanumeric(text.into())),
        OriginatorType::Network => Ok(SenderId::ShortCode(text.into())),
    }
}

/// Whether an originator has the form of its kind: a name has 1 to 11 letters, digits, blanks and
/// `% & - + . ,` and at least one letter, a short number has 3 to 8 digits.
///
/// # Errors
/// [`FieldFault`] when it has not.
pub fn check_originator(kind: OriginatorType, text: &str) -> Result<(), FieldFault> {
    let fault = |fault| Err(FieldFault::new(field::ORIGINATOR, fault));
    match kind {
        OriginatorType::International => number(field::ORIGINATOR, text).map(drop),
        OriginatorType::Network => {
            let is_short_number =
                (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            if is_short_number {
                Ok(())
            } else {
                fault("must have 3 to 8 digits")
            }
        }
        OriginatorType::Alphanumeric => {
            let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b" %&-+.,".contains(&byte);
            if text.is_empty() {
                fault("is empty")
            } else if text.chars().count() > SenderId::MAX_NAME_LENGTH {
                fault("has more than 11 characters")
            } else if !text.bytes().all(may_stand) {
                fault("has another character than letters, digits, blanks and % & - + . ,")
            } else if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
                fault("has no letter: a number is no name")
            } else {
                Ok(())
            }
        }
    }
}

// ---- numbers ----

/// Reads a recipient: with its country code and a plus, as people write it.
///
/// # Errors
/// [`FieldFault`] when there is no such number.
pub fn read_recipient(text: &str) -> Result<E164, FieldFault> {
    number(field::RECIPIENT, text)
}

fn number(field: &'static str, text: &str) -> Result<E164, FieldFault> {
    if !text.trim_start().starts_with('+') {
        let fault = "must begin with a plus and the country code";
        return Err(FieldFault::new(field, fault));
    }
    // Plans change, and the gateway knows its own.
    E164::parse_possible(text, None).map_err(|_| FieldFault::new(field, "is no phone number"))
}
