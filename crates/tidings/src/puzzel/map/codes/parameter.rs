//! What a message's free parameters may be: the vendor's closed list of keys, and the ways to treat
//! characters outside the GSM alphabet. Part of `codes`, which exports it.

use std::fmt;

/// The keys as they stand on the wire.
pub mod key {
    /// Which operator-specific way of billing applies.
    pub const BUSINESS_MODEL: &str = "businessModel";
    /// The data coding scheme.
    pub const DCS: &str = "dcs";
    /// The user data header.
    pub const UDH: &str = "udh";
    /// The protocol identifier.
    pub const PID: &str = "pid";
    /// Whether the text is shown at once and not kept.
    pub const FLASH: &str = "flash";
    /// How characters outside the GSM alphabet are treated.
    pub const PARSING_TYPE: &str = "parsing-type";
    /// Whether no delivery report is wanted.
    pub const SKIP_CUSTOMER_REPORT_DELIVERY: &str = "skip_customer_report_delivery";
    /// How long the recipient has for confirming, in minutes.
    pub const STREX_VERIFICATION_TIMEOUT: &str = "strex_verification_timeout";
    /// How the recipient confirms.
    pub const STREX_MERCHANT_SELL_OPTION: &str = "strex_merchant_sell_option";
    /// By which way the recipient confirms.
    pub const STREX_CONFIRM_CHANNEL: &str = "strex_confirm_channel";
    /// The authorisation given beforehand.
    pub const STREX_AUTHORIZATION_TOKEN: &str = "strex_authorization_token";
}

/// One row of the list of parameter keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParameterKey {
    /// The key on the wire.
    pub key: &'static str,
    /// What its values look like.
    pub form: ParameterForm,
    /// What holds without it; `None` where that is nothing, the service's setting or not said.
    pub default: Option<&'static str>,
    /// What it does.
    pub meaning: &'static str,
}

/// What the values of a parameter look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterForm {
    /// Any text.
    Text,
    /// Two hexadecimal digits.
    HexOctet,
    /// One or more octets in hexadecimal digits.
    HexOctets,
    /// A whole number within bounds, both included.
    Integer {
        /// The smallest.
        minimum: i64,
        /// The largest.
        maximum: i64,
    },
    /// `true` in any casing; everything else is false.
    Truth,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl ParameterForm {
    /// Whether a value has this form.
    pub fn accepts(self, value: &str) -> bool {
        let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self {
            Self::Text => !value.is_empty(),
            Self::HexOctet => is_hex && value.len() == 2,
            Self::HexOctets => is_hex && !value.is_empty() && value.len().is_multiple_of(2),
            Self::Integer { minimum, maximum } => value
                .parse()
                .is_ok_and(|number| (minimum..=maximum).contains(&number)),
            Self::Truth => {
                value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
            }
            Self::OneOf(words) => words.contains(&value),
        }
    }
}

const fn row(
    key: &'static str,
    form: ParameterForm,
    default: Option<&'static str>,
    meaning: &'static str,
) -> ParameterKey {
    ParameterKey {
        key,
        form,
        default,
        meaning,
    }
}

/// All parameter keys of the vendor's manual, in its order. Its gateway knows no others.
pub static PARAMETERS: &[ParameterKey] = &[
    row(
        key::BUSINESS_MODEL,
        ParameterForm::Text,
        None,
        "which operator-specific way of billing applies",
    ),
    row(
        key::DCS,
        ParameterForm::HexOctet,
        None,
        "the data coding scheme: 3GPP TS 23.038, clause 4",
    ),
    row(
        key::UDH,
        ParameterForm::HexOctets,
        None,
        "the user data header: 3GPP TS 23.040, clause 9.2.3.24",
    ),
    row(
        key::PID,
        ParameterForm::Integer {
            minimum: 65,
            maximum: 71,
        },
        None,
        "replaces an earlier message with the same number, operator and sender; dependable only for free messages",
    ),
    row(
        key::FLASH,
        ParameterForm::Truth,
        Some("false"),
        "shown at once and not kept; dependable only for free messages",
    ),
    row(
        key::PARSING_TYPE,
        ParameterForm::OneOf(ParsingType::WORDS),
        None,
        "how characters outside the GSM alphabet are treated",
    ),
    row(
        key::SKIP_CUSTOMER_REPORT_DELIVERY,
        ParameterForm::Truth,
        None,
        "no delivery report for this message",
    ),
    row(
        key::STREX_VERIFICATION_TIMEOUT,
        ParameterForm::Integer {
            minimum: 0,
            maximum: 30,
        },
        None,
        "how long the recipient has for confirming, in minutes",
    ),
    row(
        key::STREX_MERCHANT_SELL_OPTION,
        ParameterForm::OneOf(&["none", "confirmation", "pin"]),
        None,
        "how the recipient confirms; the vendor advises confirmation",
    ),
    row(
        key::STREX_CONFIRM_CHANNEL,
        ParameterForm::OneOf(&["sms", "ussd", "otp"]),
        None,
        "by which way the recipient confirms; ussd is deprecated, otp not in use, the vendor advises sms",
    ),
    row(
        key::STREX_AUTHORIZATION_TOKEN,
        ParameterForm::Text,
        None,
        "the authorisation that was given beforehand, for messages with a price that recur",
    ),
];

/// A parameter by its key on the wire, in exactly that spelling; `None` for one that is not listed.
pub fn parameter(key: &str) -> Option<&'static ParameterKey> {
    PARAMETERS.iter().find(|row| row.key == key)
}

/// How characters outside the GSM alphabet are treated: the value of the parameter
/// [`parsing-type`](key::PARSING_TYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParsingType {
    /// The message is refused. The gateway's default.
    None,
    /// They are dropped.
    SafeRemoveNonGsm,
    /// Letters with an accent become the letter without it, all others are dropped.
    SafeRemoveNonGsmWithReplace,
    /// The message goes out as UCS-2.
    AutoDetect,
}

impl ParsingType {
    /// Every way, for tables and tests.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::SafeRemoveNonGsm,
        Self::SafeRemoveNonGsmWithReplace,
        Self::AutoDetect,
    ];

    const WORDS: &'static [&'static str] = &[
        Self::None.as_str(),
        Self::SafeRemoveNonGsm.as_str(),
        Self::SafeRemoveNonGsmWithReplace.as_str(),
        Self::AutoDetect.as_str(),
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::SafeRemoveNonGsm => "SAFE_REMOVE_NON_GSM",
            Self::SafeRemoveNonGsmWithReplace => "SAFE_REMOVE_NON_GSM_WITH_REPLACE",
            Self::AutoDetect => "AUTO_DETECT",
        }
    }

    /// The way with this word, in any casing.
    pub fn named(word: &str) -> Option<Self> {
        let is_it = |way: &Self| word.trim().eq_ignore_ascii_case(way.as_str());
        Self::ALL.into_iter().find(is_it)
    }
}

/// The word on the wire.
impl fmt::Display for ParsingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
