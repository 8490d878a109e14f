//! Text as a phone network carries it: which encoding, how many parts, where each part begins and ends.
//!
//! Called by everything that sends or shows a message. [`plan()`] is the one entry; the modules below are its parts, public for
//! programs that build or read user data themselves. Pure functions: no I/O, no clock, no provider.
//!
//! The rules are those of 3GPP TS 23.038 (alphabets) and TS 23.040 clause 9.2.3.24 (headers, concatenation):
//!
//! 1. A text whose every character is in the GSM 7-bit default alphabet or its extension table goes out in 7-bit septets, any
//!    other in UTF-16 code units. National tables are used only where the [`Policy`] allows them and the default alphabet fails.
//! 2. One message holds 140 octets: 160 septets or 70 code units. A longer text is cut into parts that give up 6 octets (7 with
//!    16-bit references) to the header: 153 septets or 67 units (152 or 66).
//! 3. Parts are filled greedily from the left. An escape pair and a surrogate pair are never split.
//! 4. The empty text is one part of no units.
//! 5. At most 255 parts can be numbered. What needs more is refused, never cut.

mod grapheme;
pub mod gsm7;
mod plan;
mod policy;
mod protect;
mod replace;
mod replace_table;
mod segment;
pub mod shift;
#[cfg(test)]
mod tests;
pub mod ucs2;
pub mod udh;
mod user_data;

pub use grapheme::UNICODE_VERSION;
pub use plan::{Change, Encoding, Part, Plan};
pub use policy::{
    ConcatenationReference, NationalLanguages, Policy, Replacement, UnknownReplacement,
};
pub use shift::{Language, ShiftTables};
pub use user_data::UserData;

/// Why a text cannot be sent under a policy. Holds positions and counts, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The text needs more parts than [`Policy::max_parts`] permits. It is never cut to fit.
    #[error("the text needs {parts_needed} parts, {max} are permitted")]
    TooManyParts {
        /// Parts that the text would take.
        parts_needed: usize,
        /// The limit that was in force, 1 to 255.
        max: u8,
    },
    /// Under [`Replacement::Strict`]: characters remain that the GSM 7-bit alphabet cannot show.
    #[error(
        "{count} characters cannot be shown in the GSM 7-bit alphabet, the first at byte {position}"
    )]
    Unencodable {
        /// Byte position of the first of them in the original text.
        position: usize,
        /// How many there are.
        count: usize,
    },
}

/// Plans how `text` is sent: its encoding, its units, its parts; and what is replaced first, where the policy asks for it.
///
/// Nothing is copied: the parts are byte ranges of `text` (of the replaced text where something was replaced). A text of up to
/// eight parts costs no heap allocation under the default policy (shown by `tests/allocations.rs`).
///
/// # Errors
///
/// [`TextError::TooManyParts`] where the policy's limit is exceeded, [`TextError::Unencodable`] under [`Replacement::Strict`].
///
/// ```
/// use tidings_core::text::{Encoding, Policy, plan};
///
/// let text = "Bonjour Aïssatou";
/// let plan = plan(text, &Policy::default())?;
/// assert_eq!(plan.encoding(), Encoding::Ucs2); // the i with two dots is outside the alphabet
/// assert_eq!((plan.units(), plan.n_parts()), (16, 1));
/// # Ok::<(), tidings_core::text::TextError>(())
/// ```
#[doc(alias = "segments")]
#[doc(alias = "split")]
#[doc(alias = "SegmentedMessage")]
pub fn plan<'t>(text: &'t str, policy: &Policy) -> Result<Plan<'t>, TextError> {
    let mut result = Ok(Plan::of_no_parts(text));
    if let Ok(plan) = &mut result
        && let Err(error) = fill(plan, *policy)
    {
        result = Err(error);
    }
    result
}

/// Plans in place.
#[inline]
fn fill(plan: &mut Plan<'_>, policy: Policy) -> Result<(), TextError> {
    plan.lay_out(policy);
    if policy.replacement != Replacement::Off {
        replace::improve(plan, policy)?;
    }
    let (parts_needed, max) = (plan.parts_needed(), policy.max_parts.max(1));
    if parts_needed > usize::from(max) {
        return Err(TextError::TooManyParts { parts_needed, max });
    }
    Ok(())
}
