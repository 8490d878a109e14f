//! National language tables: the letters of Turkish, Spanish and Portuguese in septets (TS 23.038 clause 6.2.1.2 and annex A).
//!
//! Called by `gsm7` to write and read septets and by `segment` to choose tables. A single shift table takes the place of the
//! extension table (its characters cost two septets), a locking shift table that of the default alphabet (one septet). Both are
//! announced in the header of every part, see `udh`. Other languages of the standard are not here.

use super::NationalLanguages;
use super::gsm7::{BASIC, ESCAPE};

/// A language with national tables. The numbers are those of TS 23.038 clause 6.2.1.2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// Identifier 1; single and locking shift.
    Turkish,
    /// Identifier 2; single shift only.
    Spanish,
    /// Identifier 3; single and locking shift.
    Portuguese,
}

impl Language {
    /// The languages known here, in the order of their identifiers.
    pub const ALL: [Self; 3] = [Self::Turkish, Self::Spanish, Self::Portuguese];

    /// The national language identifier that a header carries.
    pub const fn identifier(self) -> u8 {
        match self {
            Self::Turkish => 1,
            Self::Spanish => 2,
            Self::Portuguese => 3,
        }
    }

    /// The language with this identifier; `None` for reserved numbers and languages without tables here.
    pub fn from_identifier(identifier: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.identifier() == identifier)
    }

    /// Whether the standard gives the language a locking shift table (Spanish has none).
    pub const fn has_locking_table(self) -> bool {
        match self {
            Self::Turkish | Self::Portuguese => true,
            Self::Spanish => false,
        }
    }

    /// Annex A.2: septets after an escape. The whole table, since it replaces the default extension table.
    pub(super) const fn single_table(self) -> &'static [(u8, char)] {
        match self {
            Self::Turkish => &TURKISH_SINGLE,
            Self::Spanish => &SPANISH_SINGLE,
            Self::Portuguese => &PORTUGUESE_SINGLE,
        }
    }

    /// Annex A.3: where the locking shift table differs from the default alphabet.
    const fn locking_differences(self) -> &'static [(u8, char)] {
        match self {
            Self::Turkish => &TURKISH_LOCKING,
            Self::Spanish => &[],
            Self::Portuguese => &PORTUGUESE_LOCKING,
        }
    }

    /// The character of a septet in the locking shift table where it is not the default alphabet's.
    pub(super) fn locking_character(self, septet: u8) -> Option<char> {
        self.locking_differences()
            .iter()
            .find(|(code, _)| *code == septet)
            .map(|(_, character)| *character)
    }

    /// The septet of a character in the locking shift table.
    pub(super) fn locking_code(self, character: char) -> Option<u8> {
        let differences = self.locking_differences();
        if let Some((septet, _)) = differences.iter().find(|(_, entry)| *entry == character) {
            return Some(*septet);
        }
        (0..=0x7F)
            .zip(BASIC)
            .find(|(septet, entry)| *entry == character && *septet != ESCAPE)
            .map(|(septet, _)| septet)
            .filter(|septet| differences.iter().all(|(replaced, _)| replaced != septet))
    }
}

/// The national tables that a text is written in. Without any it is the default alphabet and its extension table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct ShiftTables {
    /// Takes the place of the extension table.
    pub single: Option<Language>,
    /// Takes the place of the default alphabet.
    pub locking: Option<Language>,
}

impl ShiftTables {
    /// The default alphabet and its extension table.
    pub const NONE: Self = Self {
        single: None,
        locking: None,
    };

    /// With this single shift table.
    #[must_use]
    pub const fn with_single(mut self, language: Language) -> Self {
        self.single = Some(language);
        self
    }

    /// With this locking shift table. Spanish has none: no effect.
    #[must_use]
    pub const fn with_locking(mut self, language: Language) -> Self {
        if language.has_locking_table() {
            self.locking = Some(language);
        }
        self
    }

    /// Tables to try, those that phones support most widely first: a language's single shift, its locking shift, both.
    pub(super) fn allowed_by(national: NationalLanguages) -> impl Iterator<Item = Self> {
        Language::ALL.into_iter().flat_map(move |language| {
            let single = national.allows_single(language).then_some(language);
            let locking = national.allows_locking(language).then_some(language);
            let both = single.and(locking).map(|_| Self { single, locking });
            let single = single.map(|language| Self::NONE.with_single(language));
            let locking = locking.map(|language| Self::NONE.with_locking(language));
            [single, locking, both].into_iter().flatten()
        })
    }
}

// Annex A.2.1.
#[rustfmt::skip]
const TURKISH_SINGLE: [(u8, char); 17] = [
    (0x0A, '\u{c}'), (0x14, '^'), (0x28, '{'), (0x29, '}'), (0x2F, '\\'), (0x3C, '['), (0x3D, '~'), (0x3E, ']'), (0x40, '|'),
    (0x47, 'Ğ'), (0x49, 'İ'), (0x53, 'Ş'), (0x63, 'ç'), (0x65, '€'), (0x67, 'ğ'), (0x69, 'ı'), (0x73, 'ş'),
];

// Annex A.2.2.
#[rustfmt::skip]
const SPANISH_SINGLE: [(u8, char); 19] = [
    (0x09, 'ç'), (0x0A, '\u{c}'), (0x14, '^'), (0x28, '{'), (0x29, '}'), (0x2F, '\\'), (0x3C, '['), (0x3D, '~'), (0x3E, ']'),
    (0x40, '|'), (0x41, 'Á'), (0x49, 'Í'), (0x4F, 'Ó'), (0x55, 'Ú'), (0x61, 'á'), (0x65, '€'), (0x69, 'í'), (0x6F, 'ó'),
    (0x75, 'ú'),
];

// Annex A.2.3.
#[rustfmt::skip]
const PORTUGUESE_SINGLE: [(u8, char); 37] = [
    (0x05, 'ê'), (0x09, 'ç'), (0x0A, '\u{c}'), (0x0B, 'Ô'), (0x0C, 'ô'), (0x0E, 'Á'), (0x0F, 'á'), (0x12, 'Φ'), (0x13, 'Γ'),
    (0x14, '^'), (0x15, 'Ω'), (0x16, 'Π'), (0x17, 'Ψ'), (0x18, 'Σ'), (0x19, 'Θ'), (0x1F, 'Ê'), (0x28, '{'), (0x29, '}'),
    (0x2F, '\\'), (0x3C, '['), (0x3D, '~'), (0x3E, ']'), (0x40, '|'), (0x41, 'À'), (0x49, 'Í'), (0x4F, 'Ó'), (0x55, 'Ú'),
    (0x5B, 'Ã'), (0x5C, 'Õ'), (0x61, 'Â'), (0x65, '€'), (0x69, 'í'), (0x6F, 'ó'), (0x75, 'ú'), (0x7B, 'ã'), (0x7C, 'õ'),
    (0x7F, 'â'),
];

// Annex A.3.1, as differences from the default alphabet.
#[rustfmt::skip]
const TURKISH_LOCKING: [(u8, char); 8] = [
    (0x04, '€'), (0x07, 'ı'), (0x0B, 'Ğ'), (0x0C, 'ğ'), (0x1C, 'Ş'), (0x1D, 'ş'), (0x40, 'İ'), (0x60, 'ç'),
];

// Annex A.3.3, as differences from the default alphabet.
#[rustfmt::skip]
const PORTUGUESE_LOCKING: [(u8, char); 30] = [
    (0x04, 'ê'), (0x06, 'ú'), (0x07, 'í'), (0x08, 'ó'), (0x09, 'ç'), (0x0B, 'Ô'), (0x0C, 'ô'), (0x0E, 'Á'), (0x0F, 'á'),
    (0x12, 'ª'), (0x13, 'Ç'), (0x14, 'À'), (0x15, '∞'), (0x16, '^'), (0x17, '\\'), (0x18, '€'), (0x19, 'Ó'), (0x1A, '|'),
    (0x1C, 'Â'), (0x1D, 'â'), (0x1E, 'Ê'), (0x24, 'º'), (0x40, 'Í'), (0x5B, 'Ã'), (0x5C, 'Õ'), (0x5D, 'Ú'), (0x60, '~'),
    (0x7B, 'ã'), (0x7C, 'õ'), (0x7D, '`'),
];
