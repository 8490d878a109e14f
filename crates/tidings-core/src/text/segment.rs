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

/// A text's encoding and cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) encoding: Encoding,
    pub(super) shift_tables: ShiftTables,
    pub(super) reference: ConcatenationReference,
    pub(super) units: usize,
    /// How many parts the text takes; `parts` keeps no more than 255 of them.
    pub(super) parts_needed: usize,
    pub(super) parts: Parts,
}

/// The layout of a text that is not changed. The default alphabet where it is enough; else, of the national tables that are
/// allowed and enough, those with the fewest parts; else UTF-16.
pub(super) fn layout(text: &str, policy: Policy) -> Layout {
    if let Some(layout) = gsm7_layout(text, policy) {
        return layout;
    }
    let national = ShiftTables::allowed_by(policy.national)
        .filter_map(|tables| national_layout(text, tables, policy.reference))
        .min_by_key(|layout| layout.parts_needed);
    national.unwrap_or_else(|| ucs2_layout(text, policy))
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

/// As much of a text's beginning as fits into one part.
#[derive(Debug, Clone, Copy)]
struct Filled {
    bytes: usize,
    units: usize,
}

/// The layout in the default alphabet; `None` where a character is outside it.
fn gsm7_layout(text: &str, policy: Policy) -> Option<Layout> {
    let capacity = Capacity::of(Encoding::Gsm7, ShiftTables::NONE, policy.reference);
    let layout = Layout::empty(Encoding::Gsm7, ShiftTables::NONE, policy.reference);
    let plain = gsm7::plain_run(text.as_bytes());
    let is_plain = plain == text.len();
    let units = if is_plain {
        plain
    } else {
        septets(text, plain)?
    };
    Some(if units <= capacity.alone {
        layout.with(Filled {
            bytes: text.len(),
            units,
        })
    } else if is_plain {
        // Every character is one byte and one septet: the cuts are arithmetic.
        layout.cut(text, |rest| {
            let bytes = rest.len().min(capacity.each);
            Filled {
                bytes,
                units: bytes,
            }
        })
    } else {
        layout.cut(text, |rest| fill_septets(rest, capacity.each))
    })
}

/// The layout under national tables; `None` where a character is outside them.
fn national_layout(
    text: &str,
    tables: ShiftTables,
    reference: ConcatenationReference,
) -> Option<Layout> {
    let mut units = 0;
    for character in text.chars() {
        units += tables.code(character)?.septets();
    }
    let capacity = Capacity::of(Encoding::Gsm7, tables, reference);
    let layout = Layout::empty(Encoding::Gsm7, tables, reference);
    Some(if units <= capacity.alone {
        layout.with(Filled {
            bytes: text.len(),
            units,
        })
    } else {
        layout.cut(text, |rest| fill_national(rest, capacity.each, tables))
    })
}

/// The layout in UTF-16, which holds every text.
fn ucs2_layout(text: &str, policy: Policy) -> Layout {
    let capacity = Capacity::of(Encoding::Ucs2, ShiftTables::NONE, policy.reference);
    let layout = || Layout::empty(Encoding::Ucs2, ShiftTables::NONE, policy.reference);
    let alone = fill_code_units(text, capacity.alone);
    if alone.bytes == text.len() {
        return layout().with(alone);
    }
    let fill = |rest: &str| fill_code_units(rest, capacity.each);
    let greedy = layout().cut(text, fill);
    if policy.keep_graphemes && greedy.parts_needed <= Parts::MOST {
        let budget = greedy.parts_needed;
        let mut cuts = grapheme::Cuts::new(text, budget, |rest| fill(rest).bytes);
        return layout().cut(text, |rest| {
            let bytes = cuts.next(rest);
            fill_code_units(
                rest.get(..bytes).expect("clusters end at characters"),
                capacity.each,
            )
        });
    }
    greedy
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
            parts: Parts::new(),
        }
    }

    /// Adds the next part.
    fn with(mut self, filled: Filled) -> Self {
        self.add(0, filled);
        self
    }

    /// Cuts a text of more than one part; `fill` says how much of what is left goes into the next.
    fn cut(mut self, text: &str, mut fill: impl FnMut(&str) -> Filled) -> Self {
        let mut start = 0;
        while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
            let filled = fill(rest);
            self.add(start, filled);
            start += filled.bytes;
        }
        self
    }

    fn add(&mut self, start: usize, filled: Filled) {
        if self.parts_needed < Parts::MOST {
            self.parts.push(Part {
                start,
                end: start + filled.bytes,
                units: filled.units,
            });
        }
        self.parts_needed += 1;
        self.units += filled.units;
    }
}

/// Septets of a text whose first `plain` bytes take one each; `None` where a character is outside the default alphabet.
fn septets(text: &str, plain: usize) -> Option<usize> {
    let mut units = plain;
    let mut at = plain;
    while let Some(character) = text.get(at..)?.chars().next() {
        units += gsm7::code(character)?.septets();
        at += character.len_utf8();
        let plain = gsm7::plain_run(text.as_bytes().get(at..)?);
        units += plain;
        at += plain;
    }
    Some(units)
}

/// Fills a part in the default alphabet with a text that is known to be in it.
fn fill_septets(text: &str, capacity: usize) -> Filled {
    let bytes = text.as_bytes();
    let mut filled = Filled { bytes: 0, units: 0 };
    loop {
        let room = bytes.len().min(filled.bytes + capacity - filled.units);
        let plain = bytes.get(filled.bytes..room).map_or(0, gsm7::plain_run);
        filled.bytes += plain;
        filled.units += plain;
        let Some(character) = text
            .get(filled.bytes..)
            .and_then(|rest| rest.chars().next())
        else {
            return filled;
        };
        let septets = gsm7::code(character).map_or(1, gsm7::Code::septets);
        if filled.units + septets > capacity {
            return filled;
        }
        filled.bytes += character.len_utf8();
        filled.units += septets;
    }
}

/// Fills a part under national tables with a text that is known to be in them.
fn fill_national(text: &str, capacity: usize, tables: ShiftTables) -> Filled {
    let mut filled = Filled { bytes: 0, units: 0 };
    for character in text.chars() {
        let septets = tables.code(character).map_or(1, gsm7::Code::septets);
        if filled.units + septets > capacity {
            break;
        }
        filled.bytes += character.len_utf8();
        filled.units += septets;
    }
    filled
}

/// Fills a part in UTF-16. Counts at each character's first byte: one unit, or two where four bytes follow from there.
fn fill_code_units(text: &str, capacity: usize) -> Filled {
    let bytes = text.as_bytes();
    let mut filled = Filled { bytes: 0, units: 0 };
    for block in bytes.as_chunks::<16>().0 {
        let units = block
            .iter()
            .fold(0, |units, &byte| units + code_units_begun(byte));
        if filled.units + usize::from(units) > capacity {
            break;
        }
        filled.bytes += block.len();
        filled.units += usize::from(units);
    }
    // The last block may have ended inside a character, which is counted.
    while bytes
        .get(filled.bytes)
        .is_some_and(|&byte| code_units_begun(byte) == 0)
    {
        filled.bytes += 1;
    }
    while let Some(&byte) = bytes.get(filled.bytes) {
        let units = usize::from(code_units_begun(byte));
        if filled.units + units > capacity {
            break;
        }
        filled.units += units;
        filled.bytes += match byte {
            ..0xC0 => 1,
            0xC0..0xE0 => 2,
            0xE0..0xF0 => 3,
            0xF0.. => 4,
        };
    }
    filled
}

/// Code units of the character that this byte of UTF-8 begins; none where it continues one.
const fn code_units_begun(byte: u8) -> u8 {
    (byte & 0xC0 != 0x80) as u8 + (byte >= 0xF0) as u8
}
