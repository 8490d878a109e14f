//! Which rows of a batch say the same to the same person.
//!
//! Held by a batch while its rows come in; it knows hashes only, some 50 bytes a row.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::check::Checked;
use super::once::Canonical;
use super::verdict::{Rejection, RejectionCode};

/// The rows that came, by what they say to whom.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<[u8; 16], u64>);

impl Seen {
    /// Refuses a row that says the same as one before: the same text from the same sender to the same
    /// number, however the number is written.
    pub(super) fn note(&mut self, index: u64, checked: &Checked) -> Result<(), Rejection> {
        match self.0.entry(hash_of(checked)) {
            Entry::Vacant(entry) => {
                entry.insert(index);
                Ok(())
            }
            Entry::Occupied(first) if *first.get() == index => Ok(()),
            Entry::Occupied(first) => Err(Rejection::new(
                RejectionCode::DuplicateRow,
                format!(
                    "the row says the same to the same number as row {}",
                    first.get()
                ),
            )),
        }
    }
}

/// Half of a SHA-256: two rows that differ do not meet by chance, nor by anybody's intention.
fn hash_of(checked: &Checked) -> [u8; 16] {
    let message = &checked.message;
    let mut hash = Canonical::new("row");
    hash.text(message.to.as_str());
    hash.optional(checked.sender.as_ref().map(ToString::to_string).as_deref());
    hash.text(&message.text);
    if let Some(media) = &message.media {
        hash.text(media.mime_type());
        hash.bytes(media.content());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finish()[..16]);
    half
}
