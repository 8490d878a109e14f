//! A caller's name for a message on its way in and out: the vendor takes any text, a [`ClientRef`] is
//! visible ASCII. Called by `inward` and `server/`, and by the callbacks, which tell the name again.
//!
//! A name that is no [`ClientRef`] is kept as one in which each such character is percent-encoded. To
//! drop it would lose it in the reports and with it the protection against duplicates; to refuse it
//! would refuse what the vendor takes.

use percent_encoding::percent_decode_str;
use tidings_core::ClientRef;

#[cfg(feature = "server")]
use super::{FieldFault, field};

/// A name as it is kept. Names that are visible ASCII stay as they are, unless a percent sign in them
/// would be taken for an encoded character on the way out.
///
/// # Errors
/// [`FieldFault`] of `clientReference` when it takes more than [`ClientRef::MAX_LENGTH`] characters
/// then, or holds a control character, which XML cannot carry back.
#[cfg(feature = "server")]
pub(in crate::puzzel) fn keep(reference: &str) -> Result<ClientRef, FieldFault> {
    use std::fmt::Write as _;

    let field = field::CLIENT_REFERENCE;
    if reference.chars().any(is_unprintable) {
        let fault = "must not hold control characters";
        return Err(FieldFault::new(field, fault));
    }
    let mut kept = String::with_capacity(reference.len());
    let bytes = reference.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        let follows = bytes.get(index + 1..index + 3);
        let is_ambiguous =
            *byte == b'%' && follows.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        if byte.is_ascii_graphic() && !is_ambiguous {
            kept.push(char::from(*byte));
        } else {
            let _ = write!(kept, "%{byte:02X}");
        }
    }
    ClientRef::new(kept).map_err(|_| {
        let fault = "is too long: 255 characters are permitted, of which each that is no visible \
                     ASCII counts three for every byte";
        FieldFault::new(field, fault)
    })
}

/// A kept name as the caller wrote it.
pub(in crate::puzzel) fn written(reference: &ClientRef) -> String {
    let decoded = percent_decode_str(reference.as_str()).decode_utf8();
    decoded.map_or_else(|_| reference.as_str().to_owned(), Into::into)
}

/// What XML cannot carry, so that a name with it could not be told again.
#[cfg(feature = "server")]
pub(in crate::puzzel) fn is_unprintable(character: char) -> bool {
    character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}')
}
