//! Phone numbers in the form of ITU-T E.164: a calling code and a national number, at most 15
//! digits, written with a plus.
//!
//! Called wherever a number enters the program. The numbering plans are those of libphonenumber,
//! through a maintained port; nothing of it shows in the signatures, so that the port can be
//! exchanged.
//!
//! The port logs the numbers that it reads, through the `log` crate, under `rlibphonenumber`, at
//! level TRACE and at no other. A program that forwards `log` records keeps that target at DEBUG.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat};
use serde::{Deserialize, Serialize};

/// A phone number in international form.
///
/// `Display` shows the whole number, because it is data; `Debug` leaves out the middle, because
/// logs and error texts must not hold whole numbers.
///
/// ```
/// use tidings_core::{E164, Region};
///
/// let number = E164::parse("622 00 00 01", Some("GN".parse::<Region>()?))?;
/// assert_eq!(number.as_str(), "+224622000001");
/// assert_eq!(number.national_number(), "622000001");
/// assert_eq!(number.region().map(|region| region.to_string()).as_deref(), Some("GN"));
/// assert_eq!(format!("{number:?}"), "+2246******01");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct E164 {
    /// The plus and up to 15 digits, then zeros.
    text: [u8; 16],
    length: u8,
    /// Digits of the calling code: 1 to 3.
    calling_code_length: u8,
}

impl E164 {
    /// The longest text that is read as a number, in bytes. A number written with wide digits and a
    /// blank after each stays below it.
    pub const MAX_TEXT_BYTES: usize = 128;

    /// Reads a number as people write it. Without a leading plus it is read as a number of
    /// `default_region`, in its national form or with the region's prefix for calls abroad. Digits
    /// may be those of any script; blanks, brackets, dashes, dots and slashes are skipped.
    ///
    /// Letters are refused, though a telephone has them on its keys: a text is addressed to a
    /// number, and a letter in a column of numbers is more often a mistake. So are extensions and
    /// pauses (`;ext=12`, `#12`, `x12`, `,,12`), because a text cannot be sent to one.
    ///
    /// # Errors
    /// [`E164Error`] when it is no number, when it has no plus and no region is given, or when no
    /// numbering plan has such a number.
    pub fn parse(text: &str, default_region: Option<Region>) -> Result<Self, E164Error> {
        let number = read(text, default_region)?;
        if PHONE_NUMBER_UTIL.is_valid_number(&number) {
            Self::from_parsed(&number, text)
        } else {
            has_possible_length(&number)?;
            Err(E164Error::NotInPlan)
        }
    }

    /// As [`Self::parse`], but takes every number whose length is possible in its country: for
    /// numbers that exist before the numbering plan that is built in knows them.
    ///
    /// # Errors
    /// [`E164Error`] as [`Self::parse`].
    pub fn parse_possible(text: &str, default_region: Option<Region>) -> Result<Self, E164Error> {
        let number = read(text, default_region)?;
        has_possible_length(&number)?;
        Self::from_parsed(&number, text)
    }

    /// Takes back a number that [`Self::digits`] gave, for instance out of a database. No numbering plan is
    /// asked: a number stays one when plans change, and this costs no search.
    ///
    /// # Errors
    /// [`E164Error::BadLength`] when there are fewer digits than a calling code and one more, or more
    /// than 15.
    pub fn from_digits(digits: u64) -> Result<Self, E164Error> {
        let mut text = [0; 16];
        let length = 1 + digits.checked_ilog10().map_or(1, |log| log as usize + 1);
        let number = text.get_mut(..length).ok_or(E164Error::BadLength)?;
        let mut rest = digits;
        for place in number.iter_mut().rev() {
            // What is left of the last place is the plus.
            *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        text[0] = b'+';
        let calling_code_length = calling_code_length([text[1], text[2]]);
        if length < 2 + usize::from(calling_code_length) {
            return Err(E164Error::BadLength);
        }
        Ok(Self {
            text,
            length: u8::try_from(length).map_err(|_| E164Error::BadLength)?,
            calling_code_length,
        })
    }

    /// The number as its digits after the plus: 224622000001. [`Self::from_digits`] takes it back.
    pub fn digits(&self) -> u64 {
        let digits = self.as_str().bytes().skip(1);
        digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    }

    /// The number with its plus: `+224622000001`.
    pub fn as_str(&self) -> &str {
        let text = self
            .text
            .get(..usize::from(self.length))
            .unwrap_or_default();
        std::str::from_utf8(text).expect("a number is built of ASCII characters")
    }

    /// The country calling code: 224 for Guinea.
    pub fn calling_code(&self) -> u16 {
        let digits = self.as_str().get(1..=usize::from(self.calling_code_length));
        digits
            .and_then(|digits| digits.parse().ok())
            .expect("a calling code is 1 to 3 digits")
    }

    /// The number without its calling code, digits only: what libphonenumber calls the national
    /// significant number.
    pub fn national_number(&self) -> &str {
        self.as_str()
            .get(1 + usize::from(self.calling_code_length)..)
            .unwrap_or_default()
    }

    /// The region that the number belongs to; `None` for numbers of no country, such as satellite
    /// phones, and for numbers that are possible and in no plan.
    pub fn region(&self) -> Option<Region> {
        let number = read(self.as_str(), None).ok()?;
        let region = PHONE_NUMBER_UTIL.get_region_for_number(&number)?;
        region.as_region_str().parse().ok()
    }

    /// Whether the built-in numbering plan has such a number. Always true after [`Self::parse`].
    pub fn is_valid(&self) -> bool {
        Self::parse(self.as_str(), None).is_ok()
    }

    /// Writes the number down that was read from `text`, if what is written is read as the same number again.
    /// It is not for instance when a national number begins with what its country dials in front of national
    /// numbers: no plan has such numbers, and whoever reads them takes the prefix off.
    fn from_parsed(number: &PhoneNumber, text: &str) -> Result<Self, E164Error> {
        let formatted = number.format_as(PhoneNumberFormat::E164);
        // Most numbers are written in this form already, and have just been read.
        if formatted != text {
            let read_again = PHONE_NUMBER_UTIL.parse(&*formatted, None);
            if !read_again.is_ok_and(|again| again.format_as(PhoneNumberFormat::E164) == formatted)
            {
                return Err(E164Error::NotInPlan);
            }
        }
        let bytes = formatted.as_bytes();
        let mut text = [0; 16];
        text.get_mut(..bytes.len())
            .ok_or(E164Error::BadLength)?
            .copy_from_slice(bytes);
        let calling_code_length = match number.country_code {
            ..10 => 1,
            10..100 => 2,
            100.. => 3,
        };
        let length = u8::try_from(bytes.len()).map_err(|_| E164Error::BadLength)?;
        Ok(Self {
            text,
            length,
            calling_code_length,
        })
    }
}

fn read(text: &str, default_region: Option<Region>) -> Result<PhoneNumber, E164Error> {
    use rlibphonenumber::ParseError;

    let text = text.trim();
    if text.is_empty() {
        return Err(E164Error::NotANumber);
    }
    if text.len() > E164::MAX_TEXT_BYTES {
        return Err(E164Error::TextTooLong { bytes: text.len() });
    }
    let text = without_decoration(text)?;
    let region = default_region
        .map(|region| rlibphonenumber::Region::from_code(region.as_str()))
        .transpose()
        .map_err(|_| E164Error::UnknownRegion)?;
    PHONE_NUMBER_UTIL
        .parse(&*text, region)
        .map_err(|error| match error {
            ParseError::InvalidCountryCode if region.is_none() && !text.contains(PLUS_SIGNS) => {
                E164Error::NoCountry
            }
            ParseError::InvalidCountryCode => E164Error::UnknownCallingCode,
            ParseError::NotANumber(_) => E164Error::NotANumber,
            ParseError::TooShortAfterIdd | ParseError::TooShortNsn | ParseError::TooLongNsn => {
                E164Error::BadLength
            }
        })
}

/// How many digits the calling code of a number has that begins with these two: one in world zones 1 and 7,
/// two for the countries below, three for all others, also those that may yet come (ITU-T E.164, list of
/// assigned country codes).
fn calling_code_length(first: [u8; 2]) -> u8 {
    match &first {
        [b'1' | b'7', _] => 1,
        b"20"
        | b"27"
        | b"36"
        | b"39"
        | b"40"
        | b"41"
        | b"81"
        | b"82"
        | b"84"
        | b"86"
        | b"98"
        | [b'3', b'0'..=b'4']
        | [b'4', b'3'..=b'9']
        | [b'5', b'1'..=b'8']
        | [b'6', b'0'..=b'6']
        | [b'9', b'0'..=b'5'] => 2,
        _ => 3,
    }
}

/// The plus, and the wide plus of East Asian keyboards.
const PLUS_SIGNS: [char; 2] = ['+', '\u{ff0b}'];

fn has_possible_length(number: &PhoneNumber) -> Result<(), E164Error> {
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(number) {
        Ok(NumberLengthType::IsPossible) => Ok(()),
        // A number without its area code can only be called from next door.
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(_) => Err(E164Error::BadLength),
    }
}

/// Leaves only what the port reads in a number. It would skip what it cannot read, and take letters
/// for the keys that they stand on; here a text is a number or it is not.
fn without_decoration(text: &str) -> Result<String, E164Error> {
    const PUNCTUATION: &str = "-()[]./~\u{2212}\u{2053}\u{223c}\u{30fc}\u{ff08}\u{ff09}\u{ff0d}\
        \u{ff0e}\u{ff0f}\u{ff3b}\u{ff3d}";
    let mut cleaned = String::with_capacity(text.len());
    for (position, character) in text.chars().enumerate() {
        match character {
            // What has no width. Marks for the direction of writing come along when a number is
            // copied from a list of contacts.
            '\u{ad}'
            | '\u{200b}'
            | '\u{2060}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {}
            '\u{2010}'..='\u{2015}' => cleaned.push('-'),
            // French numbers are set with narrow blanks. A tab or the end of a line is no blank.
            blank if blank.is_whitespace() && !blank.is_control() => cleaned.push(' '),
            sign if PLUS_SIGNS.contains(&sign) || PUNCTUATION.contains(sign) => cleaned.push(sign),
            digit if digit.is_numeric() => cleaned.push(digit),
            _ => return Err(E164Error::BadCharacter { position }),
        }
    }
    Ok(cleaned)
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of a short number nothing is left to recognise it by, so all of it is hidden.
        let (first_shown, last_shown) = match self.national_number().len() {
            8.. => (1, 2),
            ..8 => (0, 0),
        };
        let shown_at_the_start = 1 + usize::from(self.calling_code_length) + first_shown;
        let hidden_until = usize::from(self.length).saturating_sub(last_shown);
        for (position, character) in self.as_str().char_indices() {
            let hidden = (shown_at_the_start..hidden_until).contains(&position);
            fmt::Write::write_char(f, if hidden { '*' } else { character })?;
        }
        Ok(())
    }
}

impl FromStr for E164 {
    type Err = E164Error;

    /// Reads a number with its plus, as [`E164::parse_possible`] without a region: what has been
    /// stored once stays readable.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_possible(text, None)
    }
}

impl TryFrom<String> for E164 {
    type Error = E164Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<E164> for String {
    fn from(number: E164) -> Self {
        number.as_str().to_owned()
    }
}

/// Why a text is no phone number. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum E164Error {
    /// It holds no number at all.
    #[error("expected a phone number")]
    NotANumber,
    /// It holds a letter, a sign for an extension, or another character that numbers are not
    /// written with.
    #[error("a phone number holds digits, blanks and brackets; character {position} is another")]
    BadCharacter {
        /// Position of the first one, in characters from 0, after leading blanks.
        position: usize,
    },
    /// It is longer than [`E164::MAX_TEXT_BYTES`].
    #[error("the text is too long for a phone number: {bytes} bytes")]
    TextTooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// It has no plus, and no region was given to read it in.
    #[error("expected a phone number with + and country code")]
    NoCountry,
    /// No country has this calling code.
    #[error("the phone number's country code does not exist")]
    UnknownCallingCode,
    /// No numbering plan is known for a region of this name.
    #[error("the region to read the phone number in is not known")]
    UnknownRegion,
    /// Too few or too many digits for its country.
    #[error("the phone number is too short or too long for its country")]
    BadLength,
    /// The length is right and the numbering plan of the country has no such number.
    #[error("the phone number does not exist in its country's numbering plan")]
    NotInPlan,
}

/// A country or territory with a numbering plan, by its two letters of ISO 3166-1, such as `GN`.
///
/// The regions are those of libphonenumber: ISO 3166-1 without the places that have no telephones
/// of their own, and with `AC`, `TA` and `XK` (Ascension, Tristan da Cunha, Kosovo). Read in either
/// case. The United Kingdom is `GB`; `UK` is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region([u8; 2]);

impl Region {
    /// The two letters, upper case.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a region is built of ASCII letters")
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Region {
    type Err = E164Error;

    fn from_str(letters: &str) -> Result<Self, Self::Err> {
        let &[first, second] = letters.as_bytes() else {
            return Err(E164Error::UnknownRegion);
        };
        let region = Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]);
        let known = std::str::from_utf8(&region.0)
            .ok()
            .and_then(|letters| rlibphonenumber::Region::from_code(letters).ok())
            .and_then(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region));
        known.map(|_| region).ok_or(E164Error::UnknownRegion)
    }
}

impl TryFrom<String> for Region {
    type Error = E164Error;

    fn try_from(letters: String) -> Result<Self, Self::Error> {
        letters.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.as_str().to_owned()
    }
}
