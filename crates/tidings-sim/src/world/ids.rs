//! How things are called outside a simulated carrier: a number for each, from a beginning that is
//! drawn for its kind.
//!
//! Used by everything in the world that names things to callers or is asked by a name. What callers
//! name themselves, such as batches, is looked up in `state`.

use serde::{Deserialize, Serialize};

/// From where the ids outside count: one beginning for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ids {
    messages: u64,
    batches: u64,
    contacts: u64,
    groups: u64,
    /// Files of the first form have none: they are to be refused for their form.
    #[serde(default)]
    inbound: u64,
    /// Files of earlier forms have none.
    #[serde(default)]
    texts: u64,
}

/// The kinds of things that have ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Batch,
    Contact,
    Group,
    Inbound,
}

impl Ids {
    /// Beginnings far apart, so that an id of one kind is hardly ever one of another.
    pub(super) fn drawn(random: &mut fastrand::Rng) -> Self {
        Self {
            messages: random.u64(10_000_000..90_000_000),
            batches: random.u64(100_000..900_000),
            contacts: random.u64(10_000..90_000),
            groups: random.u64(100..900),
            inbound: random.u64(100_000_000..900_000_000),
            // Of 13 hexadecimal digits.
            texts: random.clone().u64(0x5_0000_0000_0000..0xf_0000_0000_0000),
        }
    }

    pub(super) fn id(&self, kind: Kind, index: usize) -> String {
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        self.beginning(kind).saturating_add(index).to_string()
    }

    /// The id of a message of a conversation: `m-` and 13 hexadecimal digits.
    pub(super) fn message_id(&self, place: usize) -> Box<str> {
        let place = u64::try_from(place).unwrap_or(u64::MAX);
        format!("m-{:013x}", self.texts.saturating_add(place)).into()
    }

    /// The inverse of [`Self::message_id`].
    pub(super) fn place_of(&self, message_id: &str) -> Option<usize> {
        let number = u64::from_str_radix(message_id.strip_prefix("m-")?, 16).ok()?;
        let place = usize::try_from(number.checked_sub(self.texts)?).ok()?;
        (*self.message_id(place) == *message_id).then_some(place)
    }

    /// The inverse of [`Self::id`]; `None` for what cannot be an id of this kind.
    pub(super) fn index(&self, kind: Kind, id: &str) -> Option<usize> {
        let number: u64 = id.parse().ok()?;
        // Other ways to write the number, such as with a plus, are no ids.
        if self.id(kind, 0).len() > id.len() || id.starts_with(['0', '+']) {
            return None;
        }
        usize::try_from(number.checked_sub(self.beginning(kind))?).ok()
    }

    fn beginning(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Message => self.messages,
            Kind::Batch => self.batches,
            Kind::Contact => self.contacts,
            Kind::Group => self.groups,
            Kind::Inbound => self.inbound,
        }
    }
}
