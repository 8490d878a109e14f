//! One list per enum from which its stable words follow: `ALL`, `as_str`, `Display` and `FromStr`.
//!
//! Called by the modules of this crate that declare enums which are stored, shown or read back.
//! The compiler refuses a list that leaves a variant out. The serde form comes from the enum's own
//! derive; a test holds the two equal.

/// Gives an enum of plain variants its stable words.
macro_rules! stable_words {
    ($type:ident: $($variant:ident => $word:literal),+ $(,)?) => {
        impl $type {
            /// Every value, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word for this value: as in the HTTP API, in stored rows and on the
            /// command line.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::words::UnknownWord;

            /// Reads the stable word, exactly as [`Self::as_str`] writes it.
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.as_str() == word)
                    .ok_or($crate::words::UnknownWord {
                        expected: concat!($($word, " "),+).trim_ascii_end(),
                    })
            }
        }
    };
}
pub(crate) use stable_words;

/// A text is none of the stable words that were expected. Holds nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of these words: {expected}")]
#[non_exhaustive]
pub struct UnknownWord {
    /// The words that would have been taken, with blanks between.
    pub expected: &'static str,
}
