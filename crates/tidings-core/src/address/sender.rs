//! What a phone shows as the sender of a text: a name, a number or a short code.
//!
//! Called wherever a sender enters the program. Whether an account may use a sender is its
//! provider's decision.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::e164::E164;

/// A sender, told apart by its form.
///
/// What each provider takes: Puzzel has the same three forms (`ALPHANUMERIC`, `INTERNATIONAL`,
/// `NETWORK`) and allows in a name the letters, the digits, blank and `% & - + . ,`; PassInfo takes
/// a name and documents no rule for it; NetSapiens takes only numbers. This type takes what may
/// work somewhere, and a provider's client refuses what it knows not to work there.
///
/// A name is no secret and is shown by `Debug`; a number is shown without its middle.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum SenderId {
    /// A name of 1 to 11 letters, digits, blanks and signs, with at least one letter (3GPP TS
    /// 23.040 clause 9.1.2.5: eleven characters of 7 bits fit into the address field). The letters
    /// and signs are those of ASCII that the GSM alphabet has in one septet, so that eleven of them
    /// always fit; accented letters are left out, because no provider documents that it takes them.
    Alphanumeric(Box<str>),
    /// A whole phone number.
    International(E164),
    /// A number of 3 to 8 digits that is valid in one network or country only.
    ShortCode(Box<str>),
}

impl SenderId {
    /// The longest name, in characters.
    pub const MAX_NAME_LENGTH: usize = 11;

    /// Reads a sender: with a leading plus a number, of 3 to 8 digits a short code, otherwise a
    /// name. Blanks around it are dropped.
    ///
    /// More than 8 digits without a plus are refused: `622000001` is a number of Guinea to one
    /// reader and of Indonesia to another.
    ///
    /// # Errors
    /// [`SenderIdError`] when it is none of the three.
    pub fn parse(text: &str) -> Result<Self, SenderIdError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SenderIdError::Empty);
        }
        if text.starts_with('+') {
            return text
                .parse()
                .map(Self::International)
                .map_err(|_| SenderIdError::BadNumber);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return match text.len() {
                3..=8 => Ok(Self::ShortCode(text.into())),
                _ => Err(SenderIdError::BadNumber),
            };
        }
        parse_name(text)
    }
}

fn parse_name(text: &str) -> Result<SenderId, SenderIdError> {
    // ASCII without what GSM 03.38 lacks (the backquote) or has as two septets (^ { } \\ [ ~ ] |).
    const SIGNS: &str = " !\"#$%&'()*+,-./:;<=>?@_";
    let length = text.chars().count();
    if length > SenderId::MAX_NAME_LENGTH {
        return Err(SenderIdError::TooLong { length });
    }
    if let Some(position) = text
        .chars()
        .position(|character| !character.is_ascii_alphanumeric() && !SIGNS.contains(character))
    {
        return Err(SenderIdError::BadCharacter { position });
    }
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Err(SenderIdError::NoLetter);
    }
    Ok(SenderId::Alphanumeric(text.into()))
}

impl fmt::Display for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alphanumeric(text) | Self::ShortCode(text) => f.write_str(text),
            Self::International(number) => f.write_str(number.as_str()),
        }
    }
}

impl FromStr for SenderId {
    type Err = SenderIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for SenderId {
    type Error = SenderIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<SenderId> for String {
    fn from(sender: SenderId) -> Self {
        sender.to_string()
    }
}

/// Why a text is no sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SenderIdError {
    /// There is nothing in it.
    #[error("a sender needs at least one character")]
    Empty,
    /// A name of more than [`SenderId::MAX_NAME_LENGTH`] characters.
    #[error("a sender name may have 11 characters, not {length}")]
    TooLong {
        /// Its length in characters.
        length: usize,
    },
    /// A name with a character that networks do not take.
    #[error(
        "a sender name holds letters, digits, blanks and simple signs; character {position} is another"
    )]
    BadCharacter {
        /// Position of the first one, in characters from 0.
        position: usize,
    },
    /// A name of signs and digits only.
    #[error("a sender name needs at least one letter")]
    NoLetter,
    /// Digits that are neither a phone number nor a short code.
    #[error(
        "a numeric sender is a phone number with + and country code, or a short code of 3 to 8 digits"
    )]
    BadNumber,
}
