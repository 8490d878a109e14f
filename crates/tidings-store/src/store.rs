//! What can be done with what is kept: [`Store`], made of one trait per area.
//!
//! Implemented by [`crate::memory`] and [`crate::sqlite`] (and by whatever else can keep these promises);
//! called by the gateway alone. Every method is one transaction: it happens whole, and when it answers
//! it is on disk, or it does not happen. Whatever changes a message's state also writes its event, the
//! counts of its batch and the deliveries of the webhooks that are told of it, in the same transaction.
//! States change by [`tidings_core::MessageState::on`] alone, in every implementation.
//!
//! Methods take and give many rows at once; results stand in the order of what was asked. Time comes in
//! as `now`. No method waits for another's: calls that write share the next commit.
//!
//! # Rules of every implementation
//!
//! `memory/` is their shortest form; the behaviours in `tidings-tests` hold every store to them.
//!
//! - **Events.** One method writes at most one event for one message, for the change as a whole: a
//!   message that a failed attempt brings back and a pause holds at once is told of as `held`. No change
//!   of state, no event. Acceptance is one event, `Accepted`, with the state that the message begins in
//!   and version 1. Being leased, and going back from `leased` to `queued` without a fault, are nobody's
//!   news: no event, no new version, the same `changed_at`. Each other event of a change adds 1 to the
//!   version, sets `changed_at`, and replaces the message's reason and detail by those of its cause (or
//!   by nothing). `lane` is the message's lane after it; `attempt` is set where an attempt began, ended
//!   or was reported on, and where a lost lease makes it unknown. A canceled message has the reason
//!   `Canceled`, one whose validity ended `Expired`. [`EventKind::BatchDone`] comes once in a batch's
//!   life, after the events of the messages.
//! - **What was tried before.** An earlier attempt may have been taken if any attempt is open, taken or
//!   unknown; only `NotTaken` proves the contrary. The attempt that counts is the last one that is not
//!   proved not to have been taken; a report on any other is
//!   [`MessageEvent::EarlierReported`](tidings_core::MessageEvent::EarlierReported).
//! - **Orders hold wherever a message comes back.** A message that would be `queued` or `held` after any
//!   method, while its batch is stopping or stopped or somebody has asked to cancel it, is canceled in the
//!   same transaction (`unknown` where an earlier attempt may have been taken); one that would be
//!   `queued` while its batch is paused is `held:paused`. So rows that come into a paused or stopped batch
//!   are kept and follow the order at once, with an event of its own after `Accepted`. `lease_due` does not look at batches; `begin_attempts` does.
//! - **A lease** holds until [`Queue::repair`] ends it, also past its `until`. It ends when the message
//!   leaves `leased` and `sending`, by whatever means.
//! - **Pages.** A limit of 0 is 100. An `after` that cannot be read is `NotFound`.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;
use tidings_core::{E164, Media, MessageState, Timestamp};

pub use crate::batches::Batches;
use crate::error::Result;
use crate::files::Files;
use crate::model::{
    AccountChange, AccountId, Applied, AuditEntry, AuditFilter, Begin, Begun, Cancellation,
    ContactId, ConversationEntry, ConversationId, DeliveryEnd, Doubt, DueDelivery, Event,
    EventFilter, EventKind, EventSeq, Finished, GroupId, Heard, KeyId, KeyUse, LaneDepth, LaneId,
    LaneMemory, LeaseRequest, Leased, MessageFilter, MessageHistory, MessageId, NewEvent,
    NewMessage, NextPoll, NodeId, Once, OptOut, Page, PageRequest, Poll, QueueDepth, Repaired,
    Returned, Settled, StoredAccount, StoredContact, StoredConversation, StoredDelivery,
    StoredGroup, StoredInbound, StoredKey, StoredMessage, StoredToken, StoredWebhook, Taken,
    WebhookChange, WebhookId,
};
use crate::secrets::Secrets;

/// Everything that a store can do.
pub trait Store:
    Messages
    + Queue
    + Batches
    + Reports
    + Events
    + Lanes
    + Accounts
    + Tokens
    + Secrets
    + Files
    + Contacts
    + Inbound
    + Webhooks
    + fmt::Debug
{
}

impl<T> Store for T where
    T: Messages
        + Queue
        + Batches
        + Reports
        + Events
        + Lanes
        + Accounts
        + Tokens
        + Secrets
        + Files
        + Contacts
        + Inbound
        + Webhooks
        + fmt::Debug
{
}

/// Accepting, showing and canceling messages.
#[async_trait]
pub trait Messages: Send + Sync + 'static {
    /// Keeps messages: ∅ → `held` or `queued`. The account's quota is charged with the parts of what is
    /// taken; messages that do not fit are refused one by one, in order. An account that is not kept has
    /// no limit. The key is looked at first, then the row of the batch, then the quota. A key counts until
    /// its `keep_until`, whenever [`Queue::repair`] removes it; that of a batch is another request. A message without a lane and
    /// without a hold is `held:no_route`. If its conversation is kept, that becomes the latest.
    /// `NotFound` for a batch that is not kept. A message sees the keys and rows of those before it in the
    /// same call. Rows are taken also by a batch that is closed.
    async fn accept(
        &self,
        account: &AccountId,
        messages: Vec<NewMessage>,
        now: Timestamp,
    ) -> Result<Vec<Taken>>;

    /// What was answered to a request with this key, if it was taken before and is still kept. A batch
    /// that is not closed has not been answered: `None`.
    async fn once(&self, account: &AccountId, key: &str) -> Result<Option<Once>>;

    /// One message with all that happened to it; of this account, or of any.
    async fn message(
        &self,
        account: Option<&AccountId>,
        id: MessageId,
    ) -> Result<Option<MessageHistory>>;

    /// The files that go with messages; `None` where a message has none or is not kept.
    async fn media(&self, ids: &[MessageId]) -> Result<Vec<Option<Media>>>;

    /// Messages by conditions, the latest first.
    async fn messages(&self, filter: MessageFilter) -> Result<Page<StoredMessage>>;

    /// Stops messages that have not left. A message that is on its way at this moment, or in doubt, is
    /// not sent again: it is [`Cancellation::Unknown`]. One that is canceled already is `Canceled` again.
    async fn cancel(
        &self,
        account: Option<&AccountId>,
        ids: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<Vec<Cancellation>>;

    /// Held messages that wait for a person (`approval`, `no_route`) or for a time go to a lane now.
    /// Those that are not held any more, and those that are `held:paused`, are left alone. How many went.
    async fn release(&self, ids: Vec<(MessageId, LaneId)>, now: Timestamp) -> Result<u64>;

    /// Which of these numbers have opted out, of texts from this sender or of all.
    async fn opted_out(
        &self,
        account: &AccountId,
        sender: Option<&str>,
        numbers: &[E164],
    ) -> Result<Vec<bool>>;
}

/// The way out.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// `queued` → `leased`: the messages of a lane that may leave now, by priority, then by stamp, then
    /// by age. First those whose `not_before` has come are made ready. Without anything to do it writes
    /// nothing. All messages of one call have one lease.
    async fn lease_due(&self, request: LeaseRequest, now: Timestamp) -> Result<Vec<Leased>>;

    /// `leased` → `sending`: writes the attempts. Nothing may leave before this has answered. A message
    /// whose batch is paused, stopping or stopped is moved as its batch was ordered, and is `Gone`.
    async fn begin_attempts(&self, begin: Vec<Begin>, now: Timestamp) -> Result<Vec<Begun>>;

    /// `sending` → `submitted`, `queued`, `held`, `failed`, `expired` or `unknown`. Reports that came
    /// earlier and could not be matched are matched again by the provider's name. Gives the state of each
    /// message after it; `NotFound` for a message or an attempt that is not kept.
    ///
    /// The end of an attempt that a later one has followed concerns the attempt alone, except that `Taken`
    /// is [`MessageEvent::EarlierReported`](tidings_core::MessageEvent::EarlierReported). Evidence wins:
    /// an attempt that is known as taken stays so, and one that was proved not taken can only become
    /// taken; such an end may still add how the provider calls it. An attempt that was made unknown by
    /// a lost lease takes any end. `NotTaken` moves only a message that is `sending` or `unknown`.
    async fn finish_attempts(
        &self,
        finished: Vec<Finished>,
        now: Timestamp,
    ) -> Result<Vec<MessageState>>;

    /// `leased` → `queued`, `held`, `expired` or `failed`, without an attempt. Messages that are not
    /// leased under this lease any more are left alone.
    async fn return_leased(&self, returned: Vec<Returned>, now: Timestamp) -> Result<()>;

    /// Attempts in doubt whose time to be asked about has come, the one first that has been due longest;
    /// they are not given to anybody else before `until`.
    async fn doubts_due(
        &self,
        lane: &LaneId,
        until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Doubt>>;

    /// What was found out about doubts. A message whose doubt was settled by a report in between is
    /// left alone, and so is one that another attempt has followed (except that the attempt is known as
    /// taken or not taken from then on). After `Resend`, `GiveUp` and any settlement the attempt is not
    /// asked about any more; each `AskAgain` counts as a check. `Resend` marks the message as a possible
    /// double only if it goes into the queue or waits for its batch to go on. Gives the state of each
    /// message after it.
    async fn settle_doubts(
        &self,
        settled: Vec<Settled>,
        now: Timestamp,
    ) -> Result<Vec<MessageState>>;

    /// Makes good what time or a crash left: leases that ran out → `queued`; attempts whose lease ran
    /// out → `unknown`, to be asked about at once; `held` whose time has come → `queued`; what is not
    /// worth sending any more → `expired`; rows without further use are removed. At most `limit` of
    /// each, in this order: leases, attempts, `queued` and `held` past `expires_at`, held ones with a lane
    /// whose time has come, then keys of requests past `keep_until`, tokens past `expires_at`, and reports
    /// that have had no match for 72 hours.
    async fn repair(&self, limit: usize, now: Timestamp) -> Result<Repaired>;

    /// Ends at once everything that a process held which is known to be gone, as [`repair`](Self::repair)
    /// would when its leases run out (nothing expires and nothing is removed); deliveries that it held are
    /// due at once, and so are all questions about lost answers: to ask sooner than planned harms nobody,
    /// and one that the process had in hand would wait for its term. Called by a process for its own name
    /// when it starts.
    async fn take_over(&self, node: &NodeId, now: Timestamp) -> Result<Repaired>;

    /// When the next thing becomes due by time alone on any of these lanes (a retry, a doubt, a poll, a
    /// held message); `None` is nothing. What is due already counts.
    async fn next_due(&self, lanes: &[LaneId]) -> Result<Option<Timestamp>>;
}

/// What providers say of messages they took.
#[async_trait]
pub trait Reports: Send + Sync + 'static {
    /// Writes reports into the histories of their messages and moves their states forward. A report is
    /// matched by our reference ([`AttemptId::of_reference`](crate::AttemptId::of_reference)), by the
    /// lane and the provider's id of the message, or by the lane, its batch and the recipient, in this
    /// order; always by attempts of the lane that it came from; of several attempts it is the latest. That
    /// an earlier attempt came through (`submitted`, `sent` or `delivered`) takes a later one out of the
    /// queue; if a later one that is not proved not taken has begun, the message is marked as a possible
    /// double. Reports without a match are kept.
    ///
    /// What a provider reports on it has had: an open or unknown attempt is taken from then on and ends at
    /// this time (unless it reports `unknown`); one that was proved not taken stays so. A report that moves
    /// the state writes its event with the report's time, code (`raw`), reason and detail; one that does
    /// not writes `Noted` with the same version, unless an event of this message with the same attempt,
    /// time, code, reason and detail is there already: then it writes nothing.
    async fn apply_reports(&self, heard: Vec<Heard>, now: Timestamp) -> Result<Vec<Applied>>;

    /// Attempts of a lane whose provider is to be asked, the one first that has been due longest; they are
    /// not given to anybody else before `until`.
    async fn polls_due(
        &self,
        lane: &LaneId,
        until: Timestamp,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Poll>>;

    /// When these are asked about next; counts one poll of each. Attempts of messages that have come to
    /// their end are never.
    async fn schedule_polls(&self, polls: Vec<NextPoll>) -> Result<()>;
}

/// What happened.
#[async_trait]
pub trait Events: Send + Sync + 'static {
    /// Events after a place, in order.
    async fn events(&self, filter: EventFilter) -> Result<Vec<Event>>;

    /// The place of the latest event: who wants to hear only what is to come begins after it. 0 is
    /// that there is none.
    async fn last_event(&self) -> Result<EventSeq>;

    /// Writes events that concern no message.
    async fn record(&self, events: Vec<NewEvent>) -> Result<()>;

    /// Writes what somebody did who may change things.
    async fn audit(&self, entry: AuditEntry) -> Result<()>;

    /// What was done, the latest first.
    async fn audit_entries(&self, filter: AuditFilter) -> Result<Page<AuditEntry>>;
}

/// What is known of lanes, and of the whole.
#[async_trait]
pub trait Lanes: Send + Sync + 'static {
    /// How much waits for each lane that has anything, by name. Ready is what has no `not_before`: those
    /// whose time has come are made ready by [`Queue::lease_due`].
    async fn lane_depths(&self) -> Result<Vec<LaneDepth>>;

    /// How much there is in all.
    async fn depth(&self) -> Result<QueueDepth>;

    /// What lanes remember.
    async fn lane_memories(&self) -> Result<Vec<LaneMemory>>;

    /// Keeps what lanes remember.
    async fn remember(&self, memories: Vec<LaneMemory>) -> Result<()>;

    /// Whether the store answers and can write, for `/readyz`.
    async fn check(&self) -> Result<()>;
}

/// Customers and their keys.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// Adds a customer. `Conflict` where there is one of this name.
    async fn add_account(&self, account: StoredAccount) -> Result<()>;

    /// All customers, by name.
    async fn accounts(&self) -> Result<Vec<StoredAccount>>;

    /// One customer.
    async fn account(&self, id: &AccountId) -> Result<Option<StoredAccount>>;

    /// Changes a customer.
    async fn change_account(&self, id: &AccountId, change: AccountChange) -> Result<StoredAccount>;

    /// Adds a key. `Conflict` where its lookup is taken.
    async fn add_key(&self, key: StoredKey) -> Result<()>;

    /// The keys of a customer, or all.
    async fn keys(&self, account: Option<&AccountId>) -> Result<Vec<StoredKey>>;

    /// The key of an API that is found by this public part.
    async fn key(&self, api: &str, lookup: &str) -> Result<Option<StoredKey>>;

    /// From this time on the key is not good any more; the future gives time to change over.
    async fn revoke_key(&self, id: KeyId, at: Timestamp) -> Result<()>;

    /// That keys were used.
    async fn note_uses(&self, uses: Vec<KeyUse>) -> Result<()>;
}

/// Sign-ins that hold for some time.
#[async_trait]
pub trait Tokens: Send + Sync + 'static {
    /// Keeps tokens.
    async fn add_tokens(&self, tokens: Vec<StoredToken>) -> Result<()>;

    /// A token by its hash, if it is good at `now`.
    async fn token(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<StoredToken>>;

    /// Forgets a token. Whether it was there.
    async fn remove_token(&self, hash: &[u8; 32]) -> Result<bool>;

    /// Forgets all tokens of an account that stand for this identity. How many.
    async fn remove_tokens_of(&self, account: &AccountId, identity: &str) -> Result<u64>;
}

/// Address books and opt-outs.
#[async_trait]
pub trait Contacts: Send + Sync + 'static {
    /// Adds contacts; one whose number is there is changed and keeps its id. The id of each.
    async fn put_contacts(
        &self,
        account: &AccountId,
        contacts: Vec<StoredContact>,
    ) -> Result<Vec<ContactId>>;

    /// Contacts in the order of adding; of a group, or all.
    async fn contacts(
        &self,
        account: &AccountId,
        group: Option<GroupId>,
        page: PageRequest,
    ) -> Result<Page<StoredContact>>;

    /// How many there are.
    async fn count_contacts(&self, account: &AccountId) -> Result<u64>;

    /// One contact.
    async fn contact(&self, account: &AccountId, id: ContactId) -> Result<Option<StoredContact>>;

    /// The zones of numbers that are in the address book and have one.
    async fn zones_of(
        &self,
        account: &AccountId,
        numbers: &[E164],
    ) -> Result<Vec<Option<tidings_core::TimeZone>>>;

    /// Removes a contact from the book and from all groups. Whether it was there.
    async fn remove_contact(&self, account: &AccountId, id: ContactId) -> Result<bool>;

    /// Adds a group. `Conflict` where there is one of this name.
    async fn add_group(&self, account: &AccountId, group: StoredGroup) -> Result<()>;

    /// All groups, in the order of adding.
    async fn groups(&self, account: &AccountId) -> Result<Vec<StoredGroup>>;

    /// Removes a group, not its contacts. Whether it was there.
    async fn remove_group(&self, account: &AccountId, id: GroupId) -> Result<bool>;

    /// Puts contacts into a group. `NotFound` for a group or a contact that is not there.
    async fn add_members(
        &self,
        account: &AccountId,
        group: GroupId,
        contacts: Vec<ContactId>,
    ) -> Result<()>;

    /// Takes contacts out of a group.
    async fn remove_members(
        &self,
        account: &AccountId,
        group: GroupId,
        contacts: Vec<ContactId>,
    ) -> Result<()>;

    /// Adds opt-outs, with their events. Those that are there stay as they are. How many are new.
    async fn add_opt_outs(
        &self,
        account: &AccountId,
        opt_outs: Vec<OptOut>,
        now: Timestamp,
    ) -> Result<u64>;

    /// Removes the opt-outs of a number, with an event. Whether there was one.
    async fn remove_opt_outs(
        &self,
        account: &AccountId,
        phone: &E164,
        now: Timestamp,
    ) -> Result<bool>;

    /// Opt-outs, the latest first.
    async fn opt_outs(&self, account: &AccountId, page: PageRequest) -> Result<Page<OptOut>>;
}

/// Texts from phones, and conversations.
#[async_trait]
pub trait Inbound: Send + Sync + 'static {
    /// Keeps texts, each once per lane and provider's id, with its event; its conversation is made or
    /// becomes the latest. Whether each is new.
    async fn add_inbound(&self, texts: Vec<StoredInbound>, now: Timestamp) -> Result<Vec<bool>>;

    /// Texts of an account, the latest first.
    async fn inbound(
        &self,
        account: Option<&AccountId>,
        page: PageRequest,
    ) -> Result<Page<StoredInbound>>;

    /// Makes a conversation, or changes the one of this id.
    async fn put_conversation(&self, conversation: StoredConversation) -> Result<()>;

    /// One conversation.
    async fn conversation(
        &self,
        account: &AccountId,
        id: &ConversationId,
    ) -> Result<Option<StoredConversation>>;

    /// Conversations of an account, or of one owner within it, the latest first.
    async fn conversations(
        &self,
        account: &AccountId,
        owner: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<StoredConversation>>;

    /// Texts of a conversation in both directions, the latest first.
    async fn conversation_entries(
        &self,
        account: &AccountId,
        id: &ConversationId,
        page: PageRequest,
    ) -> Result<Page<ConversationEntry>>;

    /// Removes a conversation; its texts stay. Whether it was there.
    async fn remove_conversation(&self, account: &AccountId, id: &ConversationId) -> Result<bool>;
}

/// Customers' addresses that are told what happens.
#[async_trait]
pub trait Webhooks: Send + Sync + 'static {
    /// Adds a webhook. From its commit on, events become deliveries: those of its account (without one:
    /// those that concern no account) and of its kinds, while it is enabled and not past `expires_at`.
    async fn add_webhook(&self, webhook: StoredWebhook) -> Result<()>;

    /// Webhooks of an account; without one, all of them.
    async fn webhooks(&self, account: Option<&AccountId>) -> Result<Vec<StoredWebhook>>;

    /// One webhook.
    async fn webhook(&self, id: WebhookId) -> Result<Option<StoredWebhook>>;

    /// Changes a webhook.
    async fn change_webhook(&self, id: WebhookId, change: WebhookChange) -> Result<StoredWebhook>;

    /// Removes a webhook and what is due to it. Whether it was there.
    async fn remove_webhook(&self, id: WebhookId) -> Result<bool>;

    /// Deliveries that are due at webhooks that are enabled and not among `busy`, the one first that has
    /// been due longest, then the oldest; they are not given to anybody else before `until`. At most `limit` in all and `per_webhook` for each.
    /// `busy` are webhooks that have as many calls open as they get, so that a slow receiver holds up
    /// nobody else.
    async fn lease_deliveries(
        &self,
        node: &NodeId,
        until: Timestamp,
        limit: usize,
        per_webhook: usize,
        busy: &[WebhookId],
        now: Timestamp,
    ) -> Result<Vec<DueDelivery>>;

    /// How tries ended. Keeps since when a webhook fails without a success. Deliveries that are done or
    /// dead already, or gone, are left alone.
    async fn finish_deliveries(&self, ends: Vec<DeliveryEnd>, now: Timestamp) -> Result<()>;

    /// Makes deliveries of all events since a time that the webhook is to be told, also of those that
    /// it has had; due now, each with an id of its own. How many.
    async fn replay(&self, id: WebhookId, since: Timestamp, now: Timestamp) -> Result<u64>;

    /// Deliveries of a webhook, the latest first.
    async fn deliveries(&self, id: WebhookId, page: PageRequest) -> Result<Page<StoredDelivery>>;

    /// When the next delivery to a webhook that is enabled is due; `None` is never.
    async fn next_delivery(&self) -> Result<Option<Timestamp>>;

    /// Replaces what a webhook's calls are signed with; the ones before stay good until `overlap`.
    async fn rotate_secret(
        &self,
        id: WebhookId,
        secret: SecretString,
        overlap: Timestamp,
        now: Timestamp,
    ) -> Result<StoredWebhook>;

    /// Whether any enabled webhook is told of events of this kind, for an account.
    async fn is_listening(&self, account: Option<&AccountId>, kind: EventKind) -> Result<bool>;
}
