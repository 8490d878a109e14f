//! The GSM 7-bit alphabet and its packing into octets (TS 23.038 clauses 6.1.2 and 6.2.1).
//!
//! Called by `segment` (is it in the alphabet, in how many septets), by `user_data`, and by programs that read user data. National
//! tables are in `shift`; how a text is cut is in `segment`.

use super::shift::{Language, ShiftTables};

/// Announces that the next septet is from the extension or single shift table.
pub const ESCAPE: u8 = 0x1B;

const CARRIAGE_RETURN: u8 = b'\r';
/// Bits in a septet, as the standard packs them.
const SEPTET_BITS: usize = 7;

/// The default alphabet, TS 23.038 clause 6.2.1. The entry of the escape is a placeholder: it stands for no character.
#[rustfmt::skip]
pub(super) const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å',
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É',
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§',
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table, TS 23.038 clause 6.2.1.1.
pub(super) const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// How a character is written in septets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// One septet.
    Basic(u8),
    /// The escape and this septet.
    Extended(u8),
}

impl Code {
    pub(super) const fn septets(self) -> usize {
        match self {
            Self::Basic(_) => 1,
            Self::Extended(_) => 2,
        }
    }
}

/// Every character of the alphabet but the euro sign is below this code point.
const DIRECT: usize = 0x400;
const OUTSIDE: u8 = 0xFF;
const EXTENDED: u8 = 0x80;

/// Code points to septets: the basic code, the extension code with the high bit set, or `OUTSIDE`.
static SEPTET_OF: [u8; DIRECT] = {
    let mut table = [OUTSIDE; DIRECT];
    let mut code = 0;
    while code < 128 {
        if code != ESCAPE {
            table[BASIC[code as usize] as usize] = code;
        }
        code += 1;
    }
    let mut index = 0;
    while index < EXTENSION.len() {
        let (code, character) = EXTENSION[index];
        if (character as usize) < DIRECT {
            table[character as usize] = EXTENDED | code;
        }
        index += 1;
    }
    table
};

/// The septets of a character in the default alphabet and its extension table.
#[inline]
pub(super) fn code(character: char) -> Option<Code> {
    match SEPTET_OF.get(character as usize) {
        Some(&OUTSIDE) => None,
        Some(&basic) if basic < EXTENDED => Some(Code::Basic(basic)),
        Some(&extended) => Some(Code::Extended(extended & !EXTENDED)),
        None if character == '€' => Some(Code::Extended(0x65)),
        None => None,
    }
}

/// Bytes of a text that are looked at together. Long enough for the compiler to make vector instructions of the loops over them.
pub(super) const BLOCK: usize = 64;

/// 0 for a byte of UTF-8 that is a character of one septet in the default alphabet, else 1. Without branches, so that the bytes of
/// a block are looked at together.
#[inline]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "branches would keep the block from being vectorised"
)]
const fn is_not_plain(byte: u8) -> u8 {
    let space_to_capital_z = byte.wrapping_sub(b' ') <= b'Z' - b' ';
    let small_letter = byte.wrapping_sub(b'a') <= b'z' - b'a';
    !(space_to_capital_z | small_letter | (byte == b'_') | (byte == b'\n') | (byte == b'\r')) as u8
}

/// Whether every byte is an ASCII character of one septet. Ordinary text is little else.
#[inline]
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let are_plain = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |flags, byte| flags | is_not_plain(*byte))
            == 0
    };
    match bytes.last_chunk::<BLOCK>() {
        // The last block reaches back as far as it takes to be whole; what it repeats does no harm.
        Some(last) => bytes
            .as_chunks::<BLOCK>()
            .0
            .iter()
            .chain([last])
            .all(|block| are_plain(block)),
        None => are_plain(bytes),
    }
}

/// Which of the `BLOCK` bytes from `at` begin a character that is not plain, the first byte in the lowest bit. Bytes behind the end
/// are none.
#[inline]
pub(super) fn special_characters(bytes: &[u8], at: usize) -> u64 {
    let left = bytes.len() - at;
    match (bytes.get(at..), bytes.last_chunk::<BLOCK>()) {
        (Some(rest), _) if left >= BLOCK => rest.first_chunk().map_or(0, special_in_block),
        // The last block reaches back as far as it takes to be whole.
        (_, Some(last)) => special_in_block(last) >> (BLOCK - left),
        (rest, None) => {
            let mut block = [b' '; BLOCK];
            for (padded, byte) in block.iter_mut().zip(rest.unwrap_or_default()) {
                *padded = *byte;
            }
            special_in_block(&block)
        }
    }
}

#[inline]
fn special_in_block(block: &[u8; BLOCK]) -> u64 {
    let flags = block.map(|byte| is_not_plain(byte) & !continues(byte));
    let words = flags.as_chunks::<8>().0.iter().enumerate();
    words.fold(0, |bits, (index, word)| {
        // Each of the eight products moves one flag to its place among the highest eight bits.
        let gathered = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | gathered << (8 * index)
    })
}

/// 1 for a byte of UTF-8 that continues a character, else 0.
#[inline]
const fn continues(byte: u8) -> u8 {
    (byte & 0xC0 == 0x80) as u8
}

/// What a character takes in UTF-8 and in the default alphabet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) bytes: usize,
    pub(super) septets: usize,
}

/// The size of the character that begins with byte `at` of a UTF-8 text; `None` where it is outside the default alphabet.
#[inline]
pub(super) fn size_at(bytes: &[u8], at: usize) -> Option<Size> {
    let following = |distance: usize| bytes.get(at + distance).copied();
    let (bytes, code_point) = match *bytes.get(at)? {
        ascii @ ..0x80 => (1, usize::from(ascii)),
        lead @ 0x80..0xE0 => {
            let high = usize::from(lead & 0x1F) << 6;
            (2, high | usize::from(following(1)? & 0x3F))
        }
        // The euro sign is the only one of three bytes.
        0xE2 if following(1)? == 0x82 && following(2)? == 0xAC => {
            return Some(Size {
                bytes: 3,
                septets: 2,
            });
        }
        0xE0.. => return None,
    };
    let septets = match *SEPTET_OF.get(code_point)? {
        OUTSIDE => return None,
        basic if basic < EXTENDED => 1,
        _ => 2,
    };
    Some(Size { bytes, septets })
}

/// The character of a text that the alphabet in use cannot show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the character at byte {position} is not in the alphabet")]
#[non_exhaustive]
pub struct NotInAlphabet {
    /// Byte position of the first such character.
    pub position: usize,
}

/// Writes a text in septets, one in each octet, escapes included.
///
/// # Errors
///
/// [`NotInAlphabet`] at the first character that neither the default alphabet nor the given tables hold.
///
/// ```
/// use tidings_core::text::{ShiftTables, gsm7};
///
/// assert_eq!(gsm7::encode("2€", ShiftTables::NONE)?, [0x32, gsm7::ESCAPE, 0x65]);
/// # Ok::<(), gsm7::NotInAlphabet>(())
/// ```
pub fn encode(text: &str, tables: ShiftTables) -> Result<Vec<u8>, NotInAlphabet> {
    let mut septets = Vec::with_capacity(text.len());
    for (position, character) in text.char_indices() {
        match tables.code(character).ok_or(NotInAlphabet { position })? {
            Code::Basic(septet) => septets.push(septet),
            Code::Extended(septet) => septets.extend([ESCAPE, septet]),
        }
    }
    Ok(septets)
}

/// Reads septets, one in each octet, as a phone shows them: an escape before a septet that has no entry in the table shows the
/// default alphabet's character, an escape before an escape or at the end shows a space (TS 23.038 clause 6.2.1.1). High bits are
/// ignored.
pub fn decode(septets: &[u8], tables: ShiftTables) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut septets = septets.iter().map(|octet| octet & 0x7F);
    while let Some(septet) = septets.next() {
        text.push(match septet {
            ESCAPE => match septets.next() {
                None | Some(ESCAPE) => ' ',
                Some(extended) => tables
                    .extended(extended)
                    .unwrap_or_else(|| tables.basic(extended)),
            },
            basic => tables.basic(basic),
        });
    }
    text
}

/// Bits before the first septet so that it begins at a septet boundary after a header of this many octets (TS 23.040 clause
/// 9.2.3.24): 1 after the 6 octets of an 8-bit concatenation header, none after 7.
pub const fn fill_bits(header_octets: usize) -> usize {
    (SEPTET_BITS - header_octets * 8 % SEPTET_BITS) % SEPTET_BITS
}

/// Packs septets into octets, the first septet in the lowest bits, after `fill_bits` zero bits (TS 23.038 clause 6.1.2.1.1).
///
/// Where exactly seven bits are left over at the end they hold a carriage return: zero bits would read as an `@` (clause
/// 6.1.2.3.1). [`unpack`] takes the number of septets and is not misled by it; [`unpack_padded`] takes it away again.
pub fn pack(septets: &[u8], fill_bits: usize) -> Vec<u8> {
    let bits = fill_bits + septets.len() * SEPTET_BITS;
    let spare = bits.next_multiple_of(8) - bits;
    let padding = (spare == SEPTET_BITS).then_some(CARRIAGE_RETURN);

    let mut octets = Vec::with_capacity(bits.div_ceil(8));
    octets.resize(fill_bits / 8, 0);
    let mut held: u16 = 0;
    let mut held_bits = fill_bits % 8;
    for septet in septets.iter().copied().chain(padding) {
        held |= u16::from(septet & 0x7F) << held_bits;
        held_bits += SEPTET_BITS;
        while held_bits >= 8 {
            let [low, high] = held.to_le_bytes();
            octets.push(low);
            held = u16::from(high);
            held_bits -= 8;
        }
    }
    if held_bits > 0 {
        octets.push(held.to_le_bytes()[0]);
    }
    octets
}

/// Unpacks `count` septets, one into each octet, after `fill_bits` bits; fewer where the octets hold fewer.
pub fn unpack(octets: &[u8], count: usize, fill_bits: usize) -> Vec<u8> {
    let available = (octets.len() * 8).saturating_sub(fill_bits) / SEPTET_BITS;
    (0..count.min(available))
        .map(|index| {
            let bit = fill_bits + index * SEPTET_BITS;
            let low = octets.get(bit / 8).copied().unwrap_or(0);
            let high = octets.get(bit / 8 + 1).copied().unwrap_or(0);
            let [septet, _] = (u16::from_le_bytes([low, high]) >> (bit % 8)).to_le_bytes();
            septet & 0x7F
        })
        .collect()
}

/// Unpacks octets whose number of septets is not given, as in cell broadcast and USSD: all that fit, without the carriage return
/// that [`pack`] writes into seven spare bits. A text that itself ends in a carriage return at the end of a full octet cannot be
/// told from that and loses it; short messages carry their length and have [`unpack`].
pub fn unpack_padded(octets: &[u8], fill_bits: usize) -> Vec<u8> {
    let mut septets = unpack(octets, usize::MAX, fill_bits);
    let ends_at_octet = fill_bits + septets.len() * SEPTET_BITS == octets.len() * 8;
    if ends_at_octet && septets.last() == Some(&CARRIAGE_RETURN) {
        septets.pop();
    }
    septets
}

impl ShiftTables {
    /// The septets of a character under these tables.
    pub(super) fn code(self, character: char) -> Option<Code> {
        if self == Self::NONE {
            return code(character);
        }
        let basic = self.locking.map_or_else(
            || match code(character) {
                Some(Code::Basic(septet)) => Some(septet),
                Some(Code::Extended(_)) | None => None,
            },
            |language| language.locking_code(character),
        );
        if let Some(septet) = basic {
            return Some(Code::Basic(septet));
        }
        let extension = self
            .single
            .map_or(EXTENSION.as_slice(), Language::single_table);
        extension
            .iter()
            .find(|(_, entry)| *entry == character)
            .map(|(septet, _)| Code::Extended(*septet))
    }

    /// The character of a septet that follows no escape.
    fn basic(self, septet: u8) -> char {
        let default = BASIC.get(usize::from(septet)).copied().unwrap_or(' ');
        match self.locking {
            None => default,
            Some(language) => language.locking_character(septet).unwrap_or(default),
        }
    }

    /// The character of a septet that follows an escape, where the table has one.
    fn extended(self, septet: u8) -> Option<char> {
        let extension = self
            .single
            .map_or(EXTENSION.as_slice(), Language::single_table);
        extension
            .iter()
            .find(|(code, _)| *code == septet)
            .map(|(_, character)| *character)
    }
}
