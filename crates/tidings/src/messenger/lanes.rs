//! Messages that wait for a call on one account, put into groups that can travel together. Pure.
//!
//! Called by `sending.rs`, which decides when a group that is not full leaves all the same.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use super::journey::Journey;
use crate::provider::{Capabilities, Outbound};

/// Messages that travel in one call, each with its journey at the same place of the other list.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) outbounds: Vec<Outbound>,
    pub(super) journeys: Vec<Journey>,
    content: u64,
}

/// What waits for one account.
#[derive(Debug)]
pub(super) struct Lane {
    group_size: usize,
    mixes_texts: bool,
    /// Groups that have room, the oldest first, by the number of messages that came before them.
    open: BTreeMap<u64, Group>,
    /// The youngest group with room for a content, by the content's hash. Another content of the same
    /// hash takes the place over, and the group before it leaves when it is its turn.
    by_content: HashMap<u64, u64>,
    hashes: RandomState,
    full: VecDeque<Group>,
    /// How many messages came.
    count: u64,
    pub(super) calls: usize,
}

impl Lane {
    pub(super) fn new(capabilities: &Capabilities) -> Self {
        Self {
            group_size: capabilities.max_messages_per_call.max(1),
            mixes_texts: capabilities.mixed_texts_per_call,
            open: BTreeMap::new(),
            by_content: HashMap::new(),
            hashes: RandomState::new(),
            full: VecDeque::new(),
            count: 0,
            calls: 0,
        }
    }

    /// Puts a message to those that it can travel with.
    pub(super) fn put(&mut self, outbound: Outbound, journey: Journey) {
        let number = self.count;
        self.count += 1;
        let content = self.content(&outbound);
        let known = self.by_content.get(&content);
        let number = match known.and_then(|known| self.open.get(known)) {
            Some(group) if self.mixes_texts || has_content_of(group, &outbound) => known.copied(),
            Some(_) | None => None,
        }
        .unwrap_or(number);
        let group = self.open.entry(number).or_default();
        group.content = content;
        group.outbounds.push(outbound);
        group.journeys.push(journey);
        if group.outbounds.len() < self.group_size {
            self.by_content.insert(content, number);
        } else {
            let group = self.take(number);
            self.full.extend(group);
        }
    }

    /// The hash of what must be equal in messages that travel together.
    fn content(&self, outbound: &Outbound) -> u64 {
        if self.mixes_texts || self.group_size == 1 {
            return 0;
        }
        let message = &outbound.message;
        self.hashes.hash_one((&message.text, &message.from))
    }

    fn take(&mut self, number: u64) -> Option<Group> {
        let group = self.open.remove(&number)?;
        if self.by_content.get(&group.content) == Some(&number) {
            self.by_content.remove(&group.content);
        }
        Some(group)
    }

    /// Whether a full group waits.
    pub(super) fn has_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// The group that leaves next: one that others have overtaken for longer than `patience`
    /// messages, otherwise a full one, otherwise, where `takes_all`, the oldest.
    pub(super) fn next(&mut self, takes_all: bool, patience: u64) -> Option<Group> {
        let oldest = self.open.first_key_value().map(|(number, _)| *number);
        let is_overdue = oldest.is_some_and(|number| self.count - number > patience);
        if !is_overdue && let Some(group) = self.full.pop_front() {
            return Some(group);
        }
        let number = oldest.filter(|_| is_overdue || takes_all)?;
        self.take(number)
    }
}

/// Whether a message may join a group of messages with equal content.
fn has_content_of(group: &Group, outbound: &Outbound) -> bool {
    group.outbounds.first().is_some_and(|first| {
        let (one, other) = (&first.message, &outbound.message);
        one.text == other.text && one.from == other.from && one.media == other.media
    })
}
