//! Which encoding a text takes and where it is cut. Called by `plan` and, for candidates, by `replace`.
//!
//! Looks at every byte once where it can: ordinary text is ASCII of one septet a character, recognised in blocks,
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
#[inline]
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
#[inline]
fn gsm7_layout(text: &str, policy: Policy, parts: &mut Parts) -> Option<Layout> {
    let layout = Layout::empty(Encoding::Gsm7, ShiftTables::NONE, policy.reference);
    let capacity = layout.capacity();
    if !gsm7::is_plain(text.as_bytes()) {
        return layout.fill(text, parts, fill_septets);
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
        .fill(text, parts, |text, capacity| {
            Some(fill_code_units(text, capacity))
        })
        .expect("UTF-16 holds every character");
    let is_cut = (2..=Parts::MOST).contains(&greedy.parts_needed);
    if !policy.keep_graphemes || !is_cut {
        return greedy;
    }
    let fill = |rest: &str| fill_code_units(rest, layout.capacity().each);
    let mut cuts = grapheme::Cuts::new(text, greedy.parts_needed, |rest| fill(rest).bytes);
    layout
        .cut(text, parts, |rest| Some(fill(rest.get(..cuts.next(rest))?)))
        .unwrap_or(greedy)
}

impl Layout {
    pub(super) const fn empty(
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

    /// One part if that is enough, else several; `fill` fills a part of a capacity with a text's beginning, and gives `None` at a
    /// character that has no such units.
    #[inline]
    fn fill(
        self,
        text: &str,
        parts: &mut Parts,
        fill: impl Fn(&str, usize) -> Option<Filled>,
    ) -> Option<Self> {
        let capacity = self.capacity();
        if text.len() <= capacity.alone * most_bytes(self.encoding) {
            let alone = fill(text, capacity.alone)?;
            if alone.bytes == text.len() {
                return Some(self.alone(alone, parts));
            }
        }
        self.cut(text, parts, |rest| fill(rest, capacity.each))
    }

    /// A text that one message holds.
    #[inline]
    fn alone(mut self, filled: Filled, parts: &mut Parts) -> Self {
        self.add(0, filled, parts);
        self
    }

    /// Cuts a text of more than one part; `fill` says how much of what is left goes into the next.
    #[inline]
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

    #[inline]
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

/// The most bytes of UTF-8 that one unit stands for.
const fn most_bytes(encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 => 2,
        Encoding::Ucs2 => 3,
    }
}

/// Fills a part in the default alphabet; `None` where a character is outside it. Goes from one character that is not plain to the
/// next, each of which moves the place where the part would end if only plain characters followed.
fn fill_septets(text: &str, capacity: usize) -> Option<Filled> {
    let bytes = text.as_bytes();
    let filled = |end: usize, plain_end: usize| Filled {
        bytes: end,
        units: capacity - (plain_end - end),
    };
    let mut plain_end = capacity;
    let mut start = 0;
    while start < bytes.len().min(plain_end) {
        let mut specials = gsm7::special_characters(bytes, start);
        while specials != 0 {
            let position = start + specials.trailing_zeros() as usize;
            let size = gsm7::size_at(bytes, position)?;
            if position + size.septets > plain_end {
                return Some(filled(position.min(plain_end), plain_end));
            }
            plain_end = plain_end + size.bytes - size.septets;
            specials &= specials - 1;
        }
        start += gsm7::BLOCK;
    }
    Some(filled(bytes.len().min(plain_end), plain_end))
}

/// Fills a part with UTF-16 code units: in large blocks as long as they fit, then in small ones, then byte by byte. Ends before a
/// byte that begins a character.
fn fill_code_units(text: &str, capacity: usize) -> Filled {
    let mut filled = Filled { bytes: 0, units: 0 };
    fill_blocks::<64>(text.as_bytes(), capacity, &mut filled);
    fill_blocks::<8>(text.as_bytes(), capacity, &mut filled);
    fill_blocks::<1>(text.as_bytes(), capacity, &mut filled);
    filled
}

/// Goes on filling a part with blocks of `SIZE` bytes, at most 127, while they are whole and fit.
#[inline]
fn fill_blocks<const SIZE: usize>(bytes: &[u8], capacity: usize, filled: &mut Filled) {
    while let Some(block) = bytes
        .get(filled.bytes..)
        .and_then(<[u8]>::first_chunk::<SIZE>)
    {
        let begun = block.iter().map(|byte| code_units_begun(*byte)).sum::<u8>();
        let units = filled.units + usize::from(begun);
        if units > capacity {
            break;
        }
        filled.bytes += SIZE;
        filled.units = units;
    }
}

/// Code units of the character that begins with this byte of UTF-8: 2 where the character has four bytes, else 1; 0 where the byte
/// continues a character. Without branches, so that the bytes of a block are looked at together.
#[inline]
const fn code_units_begun(byte: u8) -> u8 {
    (byte & 0xC0 != 0x80) as u8 + (byte >= 0xF0) as u8
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
