//! UTF-16BE, what the standard calls UCS2 (TS 23.038 clause 6.2.3).
//!
//! Called by `user_data` and by programs that read user data. The standard knows no surrogate pairs; phones show them, and so
//! does this module.

/// Octets that are no UTF-16BE text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ucs2Error {
    /// The last code unit has only one octet.
    #[error("the last code unit is cut in half")]
    OddLength,
    /// A high or low surrogate stands alone, as after a careless cut.
    #[error("code unit {index} is half of a surrogate pair")]
    LoneSurrogate {
        /// Which code unit, counted from 0.
        index: usize,
    },
}

/// The octets of a text, two for each code unit.
pub fn encode(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len() * 2);
    octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    octets
}

/// The text of octets.
///
/// # Errors
///
/// [`Ucs2Error`] where the octets do not end with a code unit or a surrogate has lost its other half.
pub fn decode(octets: &[u8]) -> Result<String, Ucs2Error> {
    let (units, []) = octets.as_chunks::<2>() else {
        return Err(Ucs2Error::OddLength);
    };
    let mut text = String::with_capacity(octets.len());
    let mut index = 0;
    for character in char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit))) {
        let character = character.map_err(|_| Ucs2Error::LoneSurrogate { index })?;
        index += character.len_utf16();
        text.push(character);
    }
    Ok(text)
}
