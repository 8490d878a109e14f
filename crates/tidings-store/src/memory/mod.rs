//! Everything in plain maps behind one lock: nothing survives the process.
//!
//! For tests, and the shortest statement of what a store does: the behaviours in `tidings-tests` hold the
//! other stores against it, command by command. It has the files of every store, one per area of
//! [`crate::store`], and two more: `rows`, which holds what happens to one message, and `repair`. It looks for things by
//! walking over them, except where tests with a hundred thousand messages would notice.

mod accounts;
mod batches;
mod contacts;
mod events;
mod inbound;
mod lanes;
mod messages;
mod queue;
mod repair;
mod reports;
mod rows;
mod tokens;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tidings_core::{E164, Media, Timestamp};

use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, AuditEntry, BatchId, ContactId, ConversationId, Event, GroupId, Heard, InboundId,
    LaneId, MessageId, MessageKey, Page, PageRequest, StoredAccount, StoredContact,
    StoredConversation, StoredInbound, StoredKey, StoredToken, StoredWebhook,
};

use self::batches::BatchRow;
use self::contacts::{GroupRow, OptOutRow};
use self::messages::OnceRow;
use self::rows::{MessageRow, Turn};
use self::webhooks::DeliveryRow;

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Methods look for reasons to refuse before they change anything; a panic is a test's own.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// All that is kept.
#[derive(Default)]
struct State {
    /// Counts whatever needs a number of its own: messages, batches, leases, deliveries, opt-outs.
    last_number: i64,
    messages: BTreeMap<MessageKey, MessageRow>,
    by_id: HashMap<MessageId, MessageKey>,
    /// Messages that may leave now, in the order in which they do.
    ready: BTreeMap<LaneId, BTreeSet<Turn>>,
    /// Attempts by the provider's id of the message.
    by_provider_id: BTreeMap<(LaneId, String), BTreeSet<(MessageKey, u16)>>,
    /// Attempts by the provider's batch and the recipient.
    by_provider_batch: BTreeMap<(LaneId, String, E164), BTreeSet<(MessageKey, u16)>>,
    once: BTreeMap<(AccountId, Box<str>), OnceRow>,
    /// In the order of opening.
    batches: BTreeMap<i64, BatchRow>,
    batch_numbers: BTreeMap<BatchId, i64>,
    /// Batches whose messages have changed in this transaction.
    touched: BTreeSet<BatchId>,
    /// Reports that had no match, in the order in which they came.
    unmatched: Vec<Heard>,
    /// The place of an event is its index, from 1.
    events: Vec<Event>,
    audit: Vec<AuditEntry>,
    lane_memories: BTreeMap<LaneId, Arc<str>>,
    accounts: BTreeMap<AccountId, StoredAccount>,
    keys: Vec<StoredKey>,
    tokens: BTreeMap<[u8; 32], StoredToken>,
    secrets: BTreeMap<Box<str>, SecretString>,
    contacts: BTreeMap<AccountId, Vec<(i64, StoredContact)>>,
    groups: BTreeMap<AccountId, Vec<GroupRow>>,
    opt_outs: BTreeMap<i64, OptOutRow>,
    inbound: BTreeMap<i64, StoredInbound>,
    inbound_files: BTreeMap<InboundId, Media>,
    conversations: BTreeMap<(AccountId, ConversationId), (i64, StoredConversation)>,
    webhooks: Vec<StoredWebhook>,
    deliveries: BTreeMap<i64, DeliveryRow>,
}

impl State {
    fn number(&mut self) -> i64 {
        self.last_number += 1;
        self.last_number
    }

    fn group(&self, account: &AccountId, id: GroupId) -> Result<&GroupRow> {
        let mut groups = self.groups.get(account).into_iter().flatten();
        groups
            .find(|row| row.group.id == id)
            .ok_or_else(|| StoreError::not_found("group"))
    }

    fn has_contact(&self, account: &AccountId, id: ContactId) -> bool {
        let mut contacts = self.contacts.get(account).into_iter().flatten();
        contacts.any(|(_, contact)| contact.id == id)
    }

    /// The end of a transaction that may have changed messages.
    fn commit(&mut self, now: Timestamp) {
        for batch in std::mem::take(&mut self.touched) {
            self.tell_if_done(batch, now);
        }
    }
}

/// A place in a list, by which the next page is asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(i64, i64);

impl Place {
    fn read(text: &str) -> Result<Self> {
        let numbers = text.split_once('.');
        let place = numbers.and_then(|(a, b)| Some(Self(a.parse().ok()?, b.parse().ok()?)));
        place.ok_or_else(|| StoreError::not_found("place in the list"))
    }

    fn write(self) -> Box<str> {
        format!("{}.{}", self.0, self.1).into()
    }
}

/// What a limit means.
fn limit(asked_for: usize) -> usize {
    if asked_for == 0 { 100 } else { asked_for }
}

/// One page of rows that stand in the order of their places, rising or (the latest first) falling.
fn page<T>(
    rows: impl Iterator<Item = (Place, T)>,
    request: &PageRequest,
    latest_first: bool,
) -> Result<Page<T>> {
    let after = request.after.as_deref().map(Place::read).transpose()?;
    let is_after = |place: Place| match after {
        None => true,
        Some(after) if latest_first => place < after,
        Some(after) => place > after,
    };
    let limit = limit(request.limit);
    let mut rows = rows.filter(|(place, _)| is_after(*place));
    let mut items = Vec::new();
    let mut last = None;
    for (place, item) in rows.by_ref().take(limit) {
        last = Some(place.write());
        items.push(item);
    }
    let next = last.filter(|_| rows.next().is_some());
    Ok(Page { items, next })
}
