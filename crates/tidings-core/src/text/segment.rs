//! Which encoding a text takes and where it is cut. Called by `plan` and, for candidates, by `replace`.
//!
//! Looks at every byte once where it can: ordinary text is ASCII of one septet a character, recognised sixteen bytes at a time,
//! and then the cuts are arithmetic. Changes no text and knows no limit but the 255 parts that are kept.

use super::plan::{Encoding, Part, Parts};
use super::{ConcatenationReference, Policy, ShiftTables, grapheme, gsm7};

/// Octets of user data in one message (TS 23.040 clause 9.2.3.24).
const USER_DATA_OCTETS: usize = 140;
/// The length octet that begins every header.
const HEADER_LENGTH_OCTETS: usize = 1;
/// A national language element: identifier, length, language (TS 23.040 clauses 9.2.3.24.15 and 9.2.3.24.16).
const SHIFT_ELEMENT_OCTETS: usize = 3;

/// A text's encoding and size. Its parts are written beside it, in place: they are too large to be handed around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) encoding: Encoding,
    pub(super) shift_tables: ShiftTables,
    pub(super) reference: ConcatenationReference,
    pub(super) units: usize,
    /// How many parts the text takes; no more than 255 of them are kept.
    pub(super) parts_needed: usize,
}

/// The layout of a text that is not changed, its parts written to `parts`. The default alphabet where it is enough; else, of the
/// national tables that are allowed and enough, those with the fewest parts; else UTF-16.
pub(super) fn layout(text: &str, policy: Policy, parts: &mut Parts) -> Layout {
    if let Some(layout) = gsm7_layout(text, policy, parts) {
        return layout;
    }
    if !policy.national.is_empty()
        && let Some(layout) = national_layout(text, policy, parts)
    {
        return layout;
    }
    ucs2_layout(text, policy, parts)
}

/// What one message holds when it is alone, and when it is one of several.
struct Capacity {
    alone: usize,
    each: usize,
}

impl Capacity {
    const fn of(
        encoding: Encoding,
        tables: ShiftTables,
        reference: ConcatenationReference,
    ) -> Self {
        let shifts = tables.single.is_some() as usize + tables.locking.is_some() as usize;
        let elements = shifts * SHIFT_ELEMENT_OCTETS;
        let alone = if elements == 0 {
            0
        } else {
            HEADER_LENGTH_OCTETS + elements
        };
        let each = HEADER_LENGTH_OCTETS + concatenation_octets(reference) + elements;
        Self {
            alone: units_after(alone, encoding),
            each: units_after(each, encoding),
        }
    }
}

/// Identifier, length, reference, total, sequence number (TS 23.040 clauses 9.2.3.24.1 and 9.2.3.24.8).
const fn concatenation_octets(reference: ConcatenationReference) -> usize {
    match reference {
        ConcatenationReference::EightBit => 5,
        ConcatenationReference::SixteenBit => 6,
    }
}

/// Units that fit beside a header.
const fn units_after(header_octets: usize, encoding: Encoding) -> usize {
    let octets = USER_DATA_OCTETS - header_octets;
    match encoding {
        Encoding::Gsm7 => octets * 8 / 7,
        Encoding::Ucs2 => octets / 2,
    }
}

/// The layout in the default alphabet; `None` where a character is outside it.
fn gsm7_layout(text: &str, policy: Policy, parts: &mut Parts) -> Option<Layout> {
    let layout = Layout::empty(Encoding::Gsm7, ShiftTables::NONE, policy.reference);
    let capacity = layout.capacity();
    if !gsm7::is_plain(text.as_bytes()) {
        return layout.fill::<Septets>(text, parts);
    }
    // Every character is one byte and one septet: the cuts are arithmetic.
    if text.len() <= capacity.alone {
        return Some(layout.alone(
            Filled {
                bytes: text.len(),
                units: text.len(),
            },
            parts,
        ));
    }
    layout.cut(text, parts, |rest| {
        let bytes = rest.len().min(capacity.each);
        Some(Filled {
            bytes,
            units: bytes,
        })
    })
}

/// The layout under the allowed national tables that take the fewest parts; `None` where a character is outside them all.
fn national_layout(text: &str, policy: Policy, parts: &mut Parts) -> Option<Layout> {
    let mut best: Option<Layout> = None;
    for tables in ShiftTables::allowed_by(policy.national) {
        let layout = Layout::empty(Encoding::Gsm7, tables, policy.reference);
        let capacity = layout.capacity();
        let mut candidate = Parts::new();
        let Some(alone) = fill_national(text, capacity.alone, tables) else {
            continue;
        };
        let layout = if alone.bytes == text.len() {
            Some(layout.alone(alone, &mut candidate))
        } else {
            layout.cut(text, &mut candidate, |rest| {
                fill_national(rest, capacity.each, tables)
            })
        };
        if let Some(layout) = layout
            && best.is_none_or(|best| layout.parts_needed < best.parts_needed)
        {
            best = Some(layout);
            *parts = candidate;
        }
    }
    best
}

/// The layout in UTF-16, which holds every text.
fn ucs2_layout(text: &str, policy: Policy, parts: &mut Parts) -> Layout {
    let layout = Layout::empty(Encoding::Ucs2, ShiftTables::NONE, policy.reference);
    let greedy = layout
        .fill::<CodeUnits>(text, parts)
        .expect("UTF-16 holds every character");
    let is_cut = (2..=Parts::MOST).contains(&greedy.parts_needed);
    if !policy.keep_graphemes || !is_cut {
        return greedy;
    }
    let fill = |rest: &str| fill::<CodeUnits>(rest, layout.capacity().each);
    let mut cuts = grapheme::Cuts::new(text, greedy.parts_needed, |rest| {
        fill(rest).map_or(0, |filled| filled.bytes)
    });
    layout
        .cut(text, parts, |rest| fill(rest.get(..cuts.next(rest))?))
        .unwrap_or(greedy)
}

impl Layout {
    const fn empty(
        encoding: Encoding,
        shift_tables: ShiftTables,
        reference: ConcatenationReference,
    ) -> Self {
        Self {
            encoding,
            shift_tables,
            reference,
            units: 0,
            parts_needed: 0,
        }
    }

    const fn capacity(&self) -> Capacity {
        Capacity::of(self.encoding, self.shift_tables, self.reference)
    }

    /// One part if that is enough, else several; `None` where a character has no such units.
    fn fill<U: Units>(self, text: &str, parts: &mut Parts) -> Option<Self> {
        let capacity = self.capacity();
        if text.len() <= capacity.alone * U::MOST_BYTES {
            let alone = fill::<U>(text, capacity.alone)?;
            if alone.bytes == text.len() {
                return Some(self.alone(alone, parts));
            }
        }
        self.cut(text, parts, |rest| fill::<U>(rest, capacity.each))
    }

    /// A text that one message holds.
    fn alone(mut self, filled: Filled, parts: &mut Parts) -> Self {
        self.add(0, filled, parts);
        self
    }

    /// Cuts a text of more than one part; `fill` says how much of what is left goes into the next.
    fn cut(
        mut self,
        text: &str,
        parts: &mut Parts,
        mut fill: impl FnMut(&str) -> Option<Filled>,
    ) -> Option<Self> {
        parts.clear();
        let mut start = 0;
        while start < text.len() {
            let filled = fill(text.get(start..)?)?;
            self.add(start, filled, parts);
            start += filled.bytes;
        }
        Some(self)
    }

    fn add(&mut self, start: usize, filled: Filled, parts: &mut Parts) {
        if self.parts_needed < Parts::MOST {
            parts.push(Part {
                start,
                end: start + filled.bytes,
                units: filled.units,
            });
        }
        self.parts_needed += 1;
        self.units += filled.units;
    }
}

/// As much of a text's beginning as fits into one part.
#[derive(Debug, Clone, Copy)]
struct Filled {
    bytes: usize,
    units: usize,
}

/// A way of counting: units are counted at the byte that begins a character, so that a text can be walked byte by byte or in blocks.
trait Units {
    /// The most bytes that one unit stands for.
    const MOST_BYTES: usize;

    /// Bytes whose units are counted together.
    const BLOCK: usize;

    /// Units of the character that begins with this byte; 0 where the byte continues one, `None` where the character has none.
    fn begun(bytes: &[u8], at: usize) -> Option<usize>;

    /// Units of the characters that begin in the `BLOCK` bytes from here, all of which there are.
    fn begun_in_block(bytes: &[u8], at: usize) -> Option<usize>;
}

/// Septets of the default alphabet.
struct Septets;

impl Units for Septets {
    const MOST_BYTES: usize = 2;
    const BLOCK: usize = gsm7::BLOCK;

    #[inline]
    fn begun(bytes: &[u8], at: usize) -> Option<usize> {
        gsm7::septets_begun(bytes, at)
    }

    #[inline]
    fn begun_in_block(bytes: &[u8], at: usize) -> Option<usize> {
        gsm7::septets_begun_in_block(bytes, at)
    }
}

/// UTF-16 code units: one for a character, two where its UTF-8 has four bytes.
struct CodeUnits;

impl Units for CodeUnits {
    const MOST_BYTES: usize = 3;
    const BLOCK: usize = 32;

    #[inline]
    fn begun(bytes: &[u8], at: usize) -> Option<usize> {
        let [units, ..] = code_units_begun(u64::from(*bytes.get(at)?)).to_le_bytes();
        Some(usize::from(units))
    }

    #[inline]
    fn begun_in_block(bytes: &[u8], at: usize) -> Option<usize> {
        let block = bytes.get(at..)?.first_chunk::<{ Self::BLOCK }>()?;
        let words = block.as_chunks::<8>().0.iter();
        // At most 2 a byte, so 8 after adding four words and 64 after adding eight bytes: nothing overflows into a neighbour.
        let sums = words.fold(0, |sums, word| {
            sums + code_units_begun(u64::from_le_bytes(*word))
        });
        let [.., sum] = sums.wrapping_mul(EACH_BYTE).to_le_bytes();
        Some(usize::from(sum))
    }
}

const EACH_BYTE: u64 = 0x0101_0101_0101_0101;

/// For each byte of UTF-8 in the word, the code units of the character that it begins: 0 where its highest bits are 10, 2 where they
/// are 1111, else 1.
const fn code_units_begun(bytes: u64) -> u64 {
    let (bit_7, bit_6, bit_5, bit_4) = (bytes >> 7, bytes >> 6, bytes >> 5, bytes >> 4);
    let continues = bit_7 & !bit_6 & EACH_BYTE;
    let begins_four = bit_7 & bit_6 & bit_5 & bit_4 & EACH_BYTE;
    EACH_BYTE - continues + begins_four
}

/// Fills a part; `None` where a character has no such units. Ends before a byte that begins a character.
fn fill<U: Units>(text: &str, capacity: usize) -> Option<Filled> {
    let bytes = text.as_bytes();
    let mut filled = Filled { bytes: 0, units: 0 };
    while filled.bytes + U::BLOCK <= bytes.len() {
        let units = filled.units + U::begun_in_block(bytes, filled.bytes)?;
        if units > capacity {
            break;
        }
        filled = Filled {
            bytes: filled.bytes + U::BLOCK,
            units,
        };
    }
    while filled.bytes < bytes.len() {
        let units = filled.units + U::begun(bytes, filled.bytes)?;
        if units > capacity {
            break;
        }
        filled = Filled {
            bytes: filled.bytes + 1,
            units,
        };
    }
    Some(filled)
}

/// Fills a part under national tables; `None` where a character is outside them.
fn fill_national(text: &str, capacity: usize, tables: ShiftTables) -> Option<Filled> {
    let mut filled = Filled { bytes: 0, units: 0 };
    for character in text.chars() {
        let units = filled.units + tables.code(character)?.septets();
        if units > capacity {
            break;
        }
        filled = Filled {
            bytes: filled.bytes + character.len_utf8(),
            units,
        };
    }
    Some(filled)
}
