//! What a sender allows to be done with a text. Read by `plan` and by everything that offers these choices to a person.
//!
//! Holds settings only; what they do is written in `segment`, `grapheme`, `shift` and `replace`.

use super::Language;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a text may be encoded, changed and cut. The default changes nothing and allows 255 parts.
///
/// ```
/// use tidings_core::text::{Policy, Replacement};
///
/// let policy = Policy::default().replacement(Replacement::Typography).max_parts(3);
/// assert_eq!(policy.max_parts, 3);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Policy {
    /// Which characters may be replaced so that the text takes fewer parts. Default: none.
    pub replacement: Replacement,
    /// The most parts a text may take, 1 to 255 (0 is read as 1). Default: 255, the most that a header can number.
    pub max_parts: u8,
    /// The width of the number that ties the parts of one text together. Default: 8 bits.
    pub reference: ConcatenationReference,
    /// National shift tables that may be used where the default alphabet fails. Default: none.
    pub national: NationalLanguages,
    /// Whether a part ends before a grapheme cluster rather than inside it, where that costs no part. Default: no.
    pub keep_graphemes: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            replacement: Replacement::Off,
            max_parts: u8::MAX,
            reference: ConcatenationReference::EightBit,
            national: NationalLanguages::NONE,
            keep_graphemes: false,
        }
    }
}

impl Policy {
    /// Sets [`Policy::replacement`].
    #[must_use]
    pub const fn replacement(mut self, replacement: Replacement) -> Self {
        self.replacement = replacement;
        self
    }

    /// Sets [`Policy::max_parts`].
    #[must_use]
    pub const fn max_parts(mut self, max_parts: u8) -> Self {
        self.max_parts = max_parts;
        self
    }

    /// Sets [`Policy::reference`].
    #[must_use]
    pub const fn reference(mut self, reference: ConcatenationReference) -> Self {
        self.reference = reference;
        self
    }

    /// Sets [`Policy::national`].
    #[must_use]
    pub const fn national(mut self, national: NationalLanguages) -> Self {
        self.national = national;
        self
    }

    /// Sets [`Policy::keep_graphemes`].
    #[must_use]
    pub const fn keep_graphemes(mut self, keep_graphemes: bool) -> Self {
        self.keep_graphemes = keep_graphemes;
        self
    }
}

/// How much of a text may be replaced to bring it into fewer parts, from nothing to everything that has a readable substitute.
///
/// A replacement is made only where it lowers the number of parts, and the mildest level that reaches the lowest number is used:
/// a text that is short enough goes out as it was written. Addresses of web pages and runs of digits are never touched.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Replacement {
    /// The text is sent as written.
    #[default]
    Off,
    /// Look-alikes without loss: quotation marks, dashes, spaces, ellipsis, ligatures, full-width letters; invisible characters
    /// are left out. The text is put into Unicode normalisation form C first.
    Typography,
    /// Also lossy but readable: letters outside the alphabet become their base letters. Letters inside it stay.
    Accents,
    /// The text leaves in 7-bit septets or not at all: it is replaced as under `Accents` wherever that is needed, and refused
    /// with [`TextError::Unencodable`](super::TextError::Unencodable) where something remains.
    Strict,
}

impl Replacement {
    /// The level's name in settings and on command lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Typography => "typography",
            Self::Accents => "accents",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for Replacement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A name that is no replacement level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the replacement level must be off, typography, accents or strict")]
#[non_exhaustive]
pub struct UnknownReplacement;

impl FromStr for Replacement {
    type Err = UnknownReplacement;

    fn from_str(name: &str) -> Result<Self, UnknownReplacement> {
        [Self::Off, Self::Typography, Self::Accents, Self::Strict]
            .into_iter()
            .find(|level| level.as_str() == name)
            .ok_or(UnknownReplacement)
    }
}

/// Width of the reference number in the concatenation element (TS 23.040 clauses 9.2.3.24.1 and 9.2.3.24.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConcatenationReference {
    /// One octet: a 6-octet header, 153 septets or 67 units a part.
    #[default]
    EightBit,
    /// Two octets: a 7-octet header, 152 septets or 66 units a part.
    SixteenBit,
}

/// Which national shift tables (TS 23.038 clause 6.2.1.2) may be used. A phone or route without them shows other letters, so the
/// default is none, and none is used where the default alphabet is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NationalLanguages {
    single: LanguageSet,
    locking: LanguageSet,
}

impl NationalLanguages {
    /// No national table.
    pub const NONE: Self = Self {
        single: LanguageSet(0),
        locking: LanguageSet(0),
    };

    /// Also allows the single shift table of `language`, which replaces the extension table.
    #[must_use]
    pub const fn with_single(mut self, language: Language) -> Self {
        self.single = self.single.with(language);
        self
    }

    /// Also allows the locking shift table of `language`, which replaces the default alphabet. Spanish has none: no effect.
    #[must_use]
    pub const fn with_locking(mut self, language: Language) -> Self {
        if language.has_locking_table() {
            self.locking = self.locking.with(language);
        }
        self
    }

    /// Whether no table is allowed.
    pub const fn is_empty(self) -> bool {
        self.single.0 == 0 && self.locking.0 == 0
    }

    /// Whether the single shift table of `language` is allowed.
    pub const fn allows_single(self, language: Language) -> bool {
        self.single.has(language)
    }

    /// Whether the locking shift table of `language` is allowed.
    pub const fn allows_locking(self, language: Language) -> bool {
        self.locking.has(language)
    }
}

/// Languages as bits; bit n is the language with identifier n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct LanguageSet(u8);

impl LanguageSet {
    const fn with(self, language: Language) -> Self {
        Self(self.0 | 1 << language.identifier())
    }

    const fn has(self, language: Language) -> bool {
        self.0 & 1 << language.identifier() != 0
    }
}
