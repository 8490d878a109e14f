//! What rules ask about a message. Made once for each decision; the region is looked up only when a rule
//! asks, because it takes the numbering plans.

use std::cell::OnceCell;

use tidings_core::{Message, Region};

use super::rule::{MessageKind, Place};

pub(super) struct Facts<'m> {
    pub(super) message: &'m Message,
    pub(super) kind: MessageKind,
    region: OnceCell<Option<Region>>,
}

impl<'m> Facts<'m> {
    pub(super) fn of(message: &'m Message) -> Self {
        Self {
            message,
            kind: MessageKind::of(message),
            region: OnceCell::new(),
        }
    }

    pub(super) fn region(&self) -> Option<Region> {
        *self.region.get_or_init(|| self.message.to.region())
    }

    pub(super) fn is_in(&self, place: Place) -> bool {
        match place {
            Place::Region(region) => self.region() == Some(region),
            Place::CallingCode(code) => self.message.to.calling_code() == code,
        }
    }
}
