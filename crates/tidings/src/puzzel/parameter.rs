//! What a message asks for that has no field of its own: [`Parameter`], with a constructor for each
//! key of the vendor's list.
//!
//! Called by programs, checked by `check.rs`. Whatever the way it was made, a parameter with a known
//! key must have the form that the vendor gives for that key.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::map::codes::{self, ParameterForm, ParsingType, key};
use super::map::{FieldFault, field};
use super::wire;

/// How many octets a message has, its header among them: 3GPP TS 23.040.
const MAX_OCTETS: usize = 140;

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
        Self::of(key::SKIP_CUSTOMER_REPORT_DELIVERY, skip.to_string())
    }

    /// How long a payer has to confirm, in minutes, 0 to 30.
    pub fn strex_verification_timeout(minutes: u8) -> Self {
        Self::of(key::STREX_VERIFICATION_TIMEOUT, minutes.to_string())
    }

    /// How a payer confirms.
    pub fn strex_merchant_sell_option(option: StrexSellOption) -> Self {
        let word = match option {
            StrexSellOption::None => "none",
            StrexSellOption::Confirmation => "confirmation",
            StrexSellOption::Pin => "pin",
        };
        Self::of(key::STREX_MERCHANT_SELL_OPTION, word)
    }

    /// Where a payer confirms.
    pub fn strex_confirm_channel(channel: StrexChannel) -> Self {
        let word = match channel {
            StrexChannel::Sms => "sms",
            StrexChannel::Ussd => "ussd",
            StrexChannel::Otp => "otp",
        };
        Self::of(key::STREX_CONFIRM_CHANNEL, word)
    }

    /// What the vendor's direct payments gave for a payer who has agreed before. A secret.
    pub fn strex_authorization_token(token: impl Into<String>) -> Self {
        Self::of(key::STREX_AUTHORIZATION_TOKEN, token)
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
        let fault = |fault| Err(FieldFault::new(field::PARAMETER, fault));
        match &*self.key {
            "" => return fault(Cow::Borrowed("has a key without a character")),
            // Keys that the vendor's own Python client writes, and its gateway does not know.
            "business_model" => return fault(Cow::Borrowed("business_model is businessModel")),
            "parsing_type" => return fault(Cow::Borrowed("parsing_type is parsing-type")),
            _ => {}
        }
        let Some(known) = codes::parameter(&self.key) else {
            return Ok(());
        };
        // Only digits: a number may be read with a sign, and the gateway is not said to do so.
        let is_plain = self.value.bytes().all(|byte| byte.is_ascii_digit());
        let (is_right, form) = match known.form {
            ParameterForm::Text => (true, Cow::Borrowed("a text")),
            ParameterForm::HexOctet => (true, Cow::Borrowed("two hexadecimal digits")),
            ParameterForm::HexOctets => (
                self.value.len() <= 2 * MAX_OCTETS,
                Cow::Borrowed("1 to 140 octets in hexadecimal digits"),
            ),
            ParameterForm::Integer { minimum, maximum } => (
                is_plain,
                Cow::Owned(format!("a number from {minimum} to {maximum}")),
            ),
            ParameterForm::Truth => (true, Cow::Borrowed("true or false")),
            ParameterForm::OneOf(words) => {
                (true, Cow::Owned(format!("one of {}", words.join(", "))))
            }
        };
        if is_right && known.form.accepts(&self.value) {
            return Ok(());
        }
        fault(Cow::Owned(format!("{} must be {form}", known.key)))
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

fn hexadecimal(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        write!(text, "{octet:02X}").expect("writing into a string does not fail");
    }
    text
}
