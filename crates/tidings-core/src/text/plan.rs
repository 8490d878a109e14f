//! The answer of `plan`: a text, its encoding and its parts. Made by `mod.rs` and `replace`; holds no rule of its own.

use super::segment::{self, Layout};
use super::{ConcatenationReference, Policy, ShiftTables, UserData, user_data};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// How the characters of a text become units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Encoding {
    /// GSM 7-bit septets (TS 23.038 clause 6.2.1), perhaps with national tables ([`Plan::shift_tables`]). A character of the
    /// extension or single shift table takes two.
    Gsm7,
    /// UTF-16BE code units. The standard says UCS-2; phones read surrogate pairs.
    Ucs2,
}

impl Encoding {
    /// `"gsm7"` or `"ucs2"`, the names used in every output of the project.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// One message of those that carry a text: where it begins and ends, and how full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Part {
    /// First byte in [`Plan::text`].
    pub start: usize,
    /// The byte after the last one in [`Plan::text`].
    pub end: usize,
    /// Septets or UTF-16 code units, without the header.
    pub units: usize,
}

impl Part {
    /// The part's bytes in [`Plan::text`]; both ends are character boundaries.
    pub const fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// One replacement that was made: where, what stood there, and what stands there now.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change<'t> {
    /// Byte position in the original text.
    pub position: usize,
    /// The character or character sequence that stood there.
    pub original: &'t str,
    /// What is sent instead; empty where the character is left out.
    pub replacement: Cow<'static, str>,
}

/// Lengths only: a text never reaches a log.
impl fmt::Debug for Change<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Change")
            .field("position", &self.position)
            .field("original_bytes", &self.original.len())
            .field("replacement_bytes", &self.replacement.len())
            .finish()
    }
}

/// How a text is sent. Made by [`plan`](super::plan()).
#[derive(Clone, PartialEq, Eq)]
pub struct Plan<'t> {
    original: &'t str,
    text: Cow<'t, str>,
    layout: Layout,
    parts: Parts,
    changes: Vec<Change<'t>>,
}

impl<'t> Plan<'t> {
    /// A plan of no parts, to be laid out in its place: it is some 300 bytes, and to move them takes as long as to plan a short text.
    #[inline]
    pub(super) const fn of_no_parts(text: &'t str) -> Self {
        Self {
            original: text,
            text: Cow::Borrowed(text),
            layout: Layout::empty(
                Encoding::Gsm7,
                ShiftTables::NONE,
                ConcatenationReference::EightBit,
            ),
            parts: Parts::new(),
            changes: Vec::new(),
        }
    }

    /// Encodes and cuts the text as it stands. Not inlined, so that `layout` is: its answer is then written once, in its place.
    #[inline(never)]
    pub(super) fn lay_out(&mut self, policy: Policy) {
        self.layout = segment::layout(&self.text, policy, &mut self.parts);
    }

    /// The plan of a text that is sent as `text`, which these changes make of `original`.
    pub(super) fn changed(
        original: &'t str,
        text: String,
        changes: Vec<Change<'t>>,
        policy: Policy,
    ) -> Self {
        let mut plan = Self {
            text: Cow::Owned(text),
            changes,
            ..Self::of_no_parts(original)
        };
        plan.lay_out(policy);
        plan
    }

    /// How many parts the text takes, also where they are more than can be numbered and so not all in [`Plan::parts`].
    pub(super) const fn parts_needed(&self) -> usize {
        self.layout.parts_needed
    }

    /// The text as it will be sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it was given.
    pub const fn original(&self) -> &'t str {
        self.original
    }

    /// The encoding of all parts.
    pub const fn encoding(&self) -> Encoding {
        self.layout.encoding
    }

    /// The national tables in use; none unless [`Policy::national`] allows some and the text needs them.
    pub const fn shift_tables(&self) -> ShiftTables {
        self.layout.shift_tables
    }

    /// Septets or UTF-16 code units of the whole text; headers are not counted.
    pub const fn units(&self) -> usize {
        self.layout.units
    }

    /// The parts in order; at least one.
    pub fn parts(&self) -> &[Part] {
        self.parts.as_slice()
    }

    /// How many messages the text takes, 1 to 255.
    pub fn n_parts(&self) -> usize {
        self.parts().len()
    }

    /// The text of each part, in order. Joined they are [`Plan::text`].
    pub fn part_texts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.parts().iter().map(|part| {
            self.text
                .get(part.range())
                .expect("parts begin and end at characters")
        })
    }

    /// What was replaced, in order of position; empty where the text is sent as written.
    pub fn changes(&self) -> &[Change<'t>] {
        &self.changes
    }

    /// The user data (TP-UD) of the part with this index, counted from 0: the header where one is needed, and the encoded text.
    /// `None` where there is no such part.
    ///
    /// `reference` is the same for all parts of one text and should differ between texts to one recipient; its width was chosen
    /// with [`Policy::reference`], with 8 bits its low octet is used.
    pub fn user_data(&self, index: usize, reference: u16) -> Option<UserData> {
        user_data::build(self, index, reference)
    }

    pub(super) const fn reference(&self) -> ConcatenationReference {
        self.layout.reference
    }
}

/// Lengths only: a text never reaches a log.
impl fmt::Debug for Plan<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plan")
            .field("encoding", &self.encoding())
            .field("shift_tables", &self.shift_tables())
            .field("units", &self.units())
            .field("parts", &self.n_parts())
            .field("changes", &self.changes.len())
            .field("original_bytes", &self.original.len())
            .finish_non_exhaustive()
    }
}

/// What a person or program wants to see of a plan: encoding, units, number and sizes of parts, and the replacements.
impl Serialize for Plan<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Summary<'p, 't> {
            encoding: Encoding,
            units: usize,
            segments: usize,
            segment_units: Vec<usize>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            changes: &'p [Change<'t>],
        }
        let summary = Summary {
            encoding: self.encoding(),
            units: self.units(),
            segments: self.n_parts(),
            segment_units: self.parts().iter().map(|part| part.units).collect(),
            changes: &self.changes,
        };
        summary.serialize(serializer)
    }
}

/// Parts that are kept beside each other: the first few inside the plan, many on the heap.
#[derive(Debug, Clone)]
pub(super) enum Parts {
    Inline {
        count: usize,
        parts: [Part; Self::INLINE],
    },
    Heap(Vec<Part>),
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Parts {}

impl Parts {
    /// Up to here a plan costs no heap allocation: 1,224 septets or 536 units.
    pub(super) const INLINE: usize = 8;
    /// The header's count of parts is one octet (TS 23.040 clause 9.2.3.24.1).
    pub(super) const MOST: usize = 255;

    pub(super) const fn new() -> Self {
        Self::Inline {
            count: 0,
            parts: [Part {
                start: 0,
                end: 0,
                units: 0,
            }; Self::INLINE],
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Inline { count, .. } => *count = 0,
            Self::Heap(parts) => parts.clear(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, part: Part) {
        if let Self::Inline { count, parts } = self {
            if let Some(free) = parts.get_mut(*count) {
                *free = part;
                *count += 1;
                return;
            }
            self.move_to_heap();
        }
        if let Self::Heap(parts) = self {
            parts.push(part);
        }
    }

    #[cold]
    fn move_to_heap(&mut self) {
        let mut heap = Vec::with_capacity(4 * Self::INLINE);
        heap.extend_from_slice(self.as_slice());
        *self = Self::Heap(heap);
    }

    pub(super) fn as_slice(&self) -> &[Part] {
        match self {
            Self::Inline { count, parts } => parts.get(..*count).unwrap_or(parts),
            Self::Heap(parts) => parts,
        }
    }
}
