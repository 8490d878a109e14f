//! What a message asks for that has no field of its own: [`Parameter`], with a constructor for each
//! key of the vendor's list.
//!
//! Called by programs, checked by `check.rs`. Whatever the way it was made, a parameter with a known
//! key must have the form that the vendor gives for that key.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::map::{FieldFault, field};
use super::wire;

/// The keys of the vendor's list, in its own spelling.
pub mod key {
    /// The operator's billing model.
    pub const BUSINESS_MODEL: &str = "businessModel";
    /// The data coding scheme.
    pub const DCS: &str = "dcs";
    /// The user data header.
    pub const UDH: &str = "udh";
    /// The protocol identifier.
    pub const PID: &str = "pid";
    /// Whether the text is shown at once.
    pub const FLASH: &str = "flash";
    /// What becomes of characters outside the GSM alphabet.
    pub const PARSING_TYPE: &str = "parsing-type";
    /// Whether no report is wanted.
    pub const SKIP_REPORT: &str = "skip_customer_report_delivery";
    /// How long a payer has to confirm.
    pub const STREX_TIMEOUT: &str = "strex_verification_timeout";
    /// How a payer confirms.
    pub const STREX_SELL_OPTION: &str = "strex_merchant_sell_option";
    /// Where a payer confirms.
    pub const STREX_CHANNEL: &str = "strex_confirm_channel";
    /// What a payer has agreed to before.
    pub const STREX_TOKEN: &str = "strex_authorization_token";
}

/// One parameter of a message: contract model `Parameter`.
///
/// ```
/// use tidings::puzzel::{Parameter, ParsingType, Settings};
///
/// let settings = Settings::new()
///     .parameter(Parameter::flash(true))
///     .parameter(Parameter::parsing_type(ParsingType::AutoDetect))
///     .parameter(Parameter::other("my-key", "my value"));
/// # drop(settings);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    key: Cow<'static, str>,
    value: String,
}

/// What becomes of characters outside the GSM alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParsingType {
    /// A text with one is refused.
    None,
    /// They are dropped.
    SafeRemoveNonGsm,
    /// Accented letters become their base letters, the others are dropped.
    SafeRemoveNonGsmWithReplace,
    /// The text goes out as UCS-2.
    AutoDetect,
}

impl ParsingType {
    /// The vendor's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::SafeRemoveNonGsm => "SAFE_REMOVE_NON_GSM",
            Self::SafeRemoveNonGsmWithReplace => "SAFE_REMOVE_NON_GSM_WITH_REPLACE",
            Self::AutoDetect => "AUTO_DETECT",
        }
    }
}

/// How a payer confirms with Strex, the Norwegian operators' payment service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StrexSellOption {
    /// Not at all.
    None,
    /// By an answer. The vendor advises this one.
    Confirmation,
    /// By a code.
    Pin,
}

/// Where a payer confirms with Strex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StrexChannel {
    /// By text. The vendor advises this one.
    Sms,
    /// On the phone's own menu; deprecated by the vendor.
    Ussd,
    /// By a code for one use; not in use, says the vendor.
    Otp,
}

impl Parameter {
    /// The operator's billing model, such as `STREX-PAYMENT`. The vendor's list is open.
    #[doc(alias = "businessModel")]
    pub fn business_model(model: impl Into<String>) -> Self {
        Self::of(key::BUSINESS_MODEL, model)
    }

    /// The data coding scheme of 3GPP TS 23.038 clause 4, for content that is no text.
    pub fn dcs(scheme: u8) -> Self {
        Self::of(key::DCS, hexadecimal(&[scheme]))
    }

    /// The user data header of 3GPP TS 23.040 clause 9.2.3.24: 1 to 140 octets.
    pub fn udh(header: &[u8]) -> Self {
        Self::of(key::UDH, hexadecimal(header))
    }

    /// The protocol identifier, 65 to 71: the message replaces an earlier one with the same number
    /// from the same sender. Only dependable for messages without a price.
    pub fn pid(identifier: u8) -> Self {
        Self::of(key::PID, identifier.to_string())
    }

    /// Whether the text is shown at once and not kept. Only dependable for messages without a price.
    pub fn flash(shown_at_once: bool) -> Self {
        Self::of(key::FLASH, shown_at_once.to_string())
    }

    /// What becomes of characters outside the GSM alphabet.
    #[doc(alias = "parsing-type")]
    pub fn parsing_type(what: ParsingType) -> Self {
        Self::of(key::PARSING_TYPE, what.as_str())
    }

    /// Whether no report is wanted for this message.
    pub fn skip_customer_report_delivery(skip: bool) -> Self {
        Self::of(key::SKIP_REPORT, skip.to_string())
    }

    /// How long a payer has to confirm, in minutes, 0 to 30.
    pub fn strex_verification_timeout(minutes: u8) -> Self {
        Self::of(key::STREX_TIMEOUT, minutes.to_string())
    }

    /// How a payer confirms.
    pub fn strex_merchant_sell_option(option: StrexSellOption) -> Self {
        let word = match option {
            StrexSellOption::None => "none",
            StrexSellOption::Confirmation => "confirmation",
            StrexSellOption::Pin => "pin",
        };
        Self::of(key::STREX_SELL_OPTION, word)
    }

    /// Where a payer confirms.
    pub fn strex_confirm_channel(channel: StrexChannel) -> Self {
        let word = match channel {
            StrexChannel::Sms => "sms",
            StrexChannel::Ussd => "ussd",
            StrexChannel::Otp => "otp",
        };
        Self::of(key::STREX_CHANNEL, word)
    }

    /// What the vendor's direct payments gave for a payer who has agreed before. A secret.
    pub fn strex_authorization_token(token: impl Into<String>) -> Self {
        Self::of(key::STREX_TOKEN, token)
    }

    /// A key that is not in the vendor's list, or one of them with a value as it goes over the wire.
    pub fn other(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: Cow::Owned(key.into()),
            value: value.into(),
        }
    }

    fn of(key: &'static str, value: impl Into<String>) -> Self {
        Self {
            key: Cow::Borrowed(key),
            value: value.into(),
        }
    }

    /// The key on the wire.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value on the wire.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether the value has the form that the vendor gives for its key.
    pub(super) fn check(&self) -> Result<(), FieldFault> {
        let value = self.value.as_str();
        let is_number_in = |range: std::ops::RangeInclusive<u8>| {
            let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
            is_plain
                && value
                    .parse()
                    .is_ok_and(|number: u8| range.contains(&number))
        };
        let is_hexadecimal = value.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (is_right, fault) = match &*self.key {
            "" => (false, "has a key without a character"),
            // Keys that the vendor's own Python client writes, and its gateway does not know.
            "business_model" => (false, "business_model is spelled businessModel"),
            "parsing_type" => (false, "parsing_type is spelled parsing-type"),
            key::BUSINESS_MODEL => (!value.is_empty(), "businessModel is empty"),
            key::DCS => (
                value.len() == 2 && is_hexadecimal,
                "dcs must be two hexadecimal digits",
            ),
            key::UDH => (
                (2..=280).contains(&value.len()) && value.len().is_multiple_of(2) && is_hexadecimal,
                "udh must be 1 to 140 octets in hexadecimal digits",
            ),
            key::PID => (is_number_in(65..=71), "pid must be from 65 to 71"),
            key::FLASH | key::SKIP_REPORT => (
                value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
                "flash and skip_customer_report_delivery must be true or false",
            ),
            key::PARSING_TYPE => (
                is_one_of(
                    value,
                    &[
                        "NONE",
                        "SAFE_REMOVE_NON_GSM",
                        "SAFE_REMOVE_NON_GSM_WITH_REPLACE",
                        "AUTO_DETECT",
                    ],
                ),
                "parsing-type is none of the vendor's words",
            ),
            key::STREX_TIMEOUT => (
                is_number_in(0..=30),
                "strex_verification_timeout must be from 0 to 30 minutes",
            ),
            key::STREX_SELL_OPTION => (
                is_one_of(value, &["none", "confirmation", "pin"]),
                "strex_merchant_sell_option must be none, confirmation or pin",
            ),
            key::STREX_CHANNEL => (
                is_one_of(value, &["sms", "ussd", "otp"]),
                "strex_confirm_channel must be sms, ussd or otp",
            ),
            key::STREX_TOKEN => (!value.is_empty(), "strex_authorization_token is empty"),
            _ => (true, ""),
        };
        if is_right {
            Ok(())
        } else {
            Err(FieldFault::new(field::PARAMETER, fault))
        }
    }

    pub(super) fn to_wire(&self) -> wire::Parameter {
        wire::Parameter::new(&*self.key, &*self.value)
    }
}

/// The key, and how long the value is: it may be a token.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameter({}, {} bytes)", self.key, self.value.len())
    }
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.contains(&value)
}

fn hexadecimal(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        write!(text, "{octet:02X}").expect("writing into a string does not fail");
    }
    text
}
