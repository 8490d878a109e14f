//! The user data header: which part of which text this is, and which national tables it is written in (TS 23.040 clause 9.2.3.24).
//!
//! Called by `user_data` to build and by programs that read parts. Elements of other kinds are kept as they are.

use super::Language;

const CONCATENATION_8_BIT: u8 = 0x00;
const CONCATENATION_16_BIT: u8 = 0x08;
const SINGLE_SHIFT: u8 = 0x24;
const LOCKING_SHIFT: u8 = 0x25;

/// One information element of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Element {
    /// A part of a longer text, with an 8-bit reference (clause 9.2.3.24.1).
    Concatenation8 {
        /// The same in all parts of one text.
        reference: u8,
        /// How many parts there are, 1 to 255.
        total: u8,
        /// Which part this is, counted from 1.
        sequence: u8,
    },
    /// A part of a longer text, with a 16-bit reference (clause 9.2.3.24.8).
    Concatenation16 {
        /// The same in all parts of one text.
        reference: u16,
        /// How many parts there are, 1 to 255.
        total: u8,
        /// Which part this is, counted from 1.
        sequence: u8,
    },
    /// Escapes lead into this language's table (clause 9.2.3.24.15).
    SingleShift(Language),
    /// This language's table takes the place of the default alphabet (clause 9.2.3.24.16).
    LockingShift(Language),
    /// Any other element, and those above where their content is not what the standard says.
    Other {
        /// The information element identifier.
        identifier: u8,
        /// Its data, at most 255 octets.
        data: Vec<u8>,
    },
}

/// Octets that begin with no whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The header's own length reaches beyond the octets.
    #[error("the header is longer than the user data")]
    Truncated,
    /// An element's length reaches beyond the header.
    #[error("an element is longer than the header")]
    ElementTruncated,
    /// More than the 255 octets that the length octet can count; only when building.
    #[error("the header is longer than 255 octets")]
    TooLong,
}

/// The octets of a header with these elements, its length octet first.
///
/// # Errors
///
/// [`HeaderError::TooLong`] where the elements take more than 255 octets.
///
/// ```
/// use tidings_core::text::udh::{self, Element};
///
/// let element = Element::Concatenation8 { reference: 0xA5, total: 2, sequence: 1 };
/// assert_eq!(udh::build(&[element])?, [0x05, 0x00, 0x03, 0xA5, 0x02, 0x01]);
/// # Ok::<(), udh::HeaderError>(())
/// ```
pub fn build(elements: &[Element]) -> Result<Vec<u8>, HeaderError> {
    let mut octets = vec![0];
    for element in elements {
        write(element, &mut octets)?;
    }
    let length = u8::try_from(octets.len() - 1).map_err(|_| HeaderError::TooLong)?;
    if let Some(first) = octets.first_mut() {
        *first = length;
    }
    Ok(octets)
}

/// Reads the header at the beginning of user data, and how many octets it takes with its length octet.
///
/// # Errors
///
/// [`HeaderError::Truncated`] and [`HeaderError::ElementTruncated`].
pub fn parse(user_data: &[u8]) -> Result<(Vec<Element>, usize), HeaderError> {
    let (&length, rest) = user_data.split_first().ok_or(HeaderError::Truncated)?;
    let mut header = rest
        .get(..usize::from(length))
        .ok_or(HeaderError::Truncated)?;
    let mut elements = Vec::new();
    while !header.is_empty() {
        let [identifier, length, rest @ ..] = header else {
            return Err(HeaderError::ElementTruncated);
        };
        let (data, after) = rest
            .split_at_checked(usize::from(*length))
            .ok_or(HeaderError::ElementTruncated)?;
        elements.push(read(*identifier, data));
        header = after;
    }
    Ok((elements, 1 + usize::from(length)))
}

fn write(element: &Element, octets: &mut Vec<u8>) -> Result<(), HeaderError> {
    match element {
        Element::Concatenation8 {
            reference,
            total,
            sequence,
        } => {
            octets.extend([CONCATENATION_8_BIT, 3, *reference, *total, *sequence]);
        }
        Element::Concatenation16 {
            reference,
            total,
            sequence,
        } => {
            let [high, low] = reference.to_be_bytes();
            octets.extend([CONCATENATION_16_BIT, 4, high, low, *total, *sequence]);
        }
        Element::SingleShift(language) => octets.extend([SINGLE_SHIFT, 1, language.identifier()]),
        Element::LockingShift(language) => octets.extend([LOCKING_SHIFT, 1, language.identifier()]),
        Element::Other { identifier, data } => {
            octets.extend([
                *identifier,
                u8::try_from(data.len()).map_err(|_| HeaderError::TooLong)?,
            ]);
            octets.extend(data);
        }
    }
    Ok(())
}

fn read(identifier: u8, data: &[u8]) -> Element {
    match (identifier, data) {
        // A total of 0 or a sequence number outside 1 to the total: the element is to be ignored (clause 9.2.3.24.1).
        (CONCATENATION_8_BIT, &[reference, total, sequence]) if is_numbered(total, sequence) => {
            Some(Element::Concatenation8 {
                reference,
                total,
                sequence,
            })
        }
        (CONCATENATION_16_BIT, &[high, low, total, sequence]) if is_numbered(total, sequence) => {
            Some(Element::Concatenation16 {
                reference: u16::from_be_bytes([high, low]),
                total,
                sequence,
            })
        }
        (SINGLE_SHIFT, &[language]) => {
            Language::from_identifier(language).map(Element::SingleShift)
        }
        (LOCKING_SHIFT, &[language]) => Language::from_identifier(language)
            .filter(|language| language.has_locking_table())
            .map(Element::LockingShift),
        _ => None,
    }
    .unwrap_or_else(|| Element::Other {
        identifier,
        data: data.to_vec(),
    })
}

const fn is_numbered(total: u8, sequence: u8) -> bool {
    1 <= sequence && sequence <= total
}
