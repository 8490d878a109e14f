//! The second of the two seams: [`Backend`], what stands behind a vendor's API when we are the
//! server.
//!
//! Called by each provider's `server.rs`, which speaks the vendor's language; implemented by the
//! simulator on a world in memory, and later by the gateway on its store. One small trait per area.
//! Nothing here knows HTTP: a [`Refusal`] says why, and the server half says it in the vendor's
//! shape.

mod conversations;
mod exchange;
mod tokens;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tidings_core::{E164, Message, Reason, ReportedState, SenderId, Timestamp};

use crate::address_book::{Contact, ContactPage, Group};
use crate::batches::{QueuedBatch, StoppedBatch};

pub use conversations::{ConversationChange, ConversationDesk, MediaAddress, Post, Recipient};
pub use exchange::{CallDesk, NewPhoneCall, NumberDesk, PhoneCall, SubscriptionDesk};
pub use tokens::{Identity, Revoked, Rights, SecondStep, SignedIn, Token, TokenDesk};

/// Everything that can stand behind a vendor's API.
pub trait Backend:
    SignIn
    + TokenDesk
    + Messages
    + Batches
    + Contacts
    + AccountDesk
    + ConversationDesk
    + NumberDesk
    + SubscriptionDesk
    + CallDesk
    + fmt::Debug
{
}

impl<T> Backend for T where
    T: SignIn
        + TokenDesk
        + Messages
        + Batches
        + Contacts
        + AccountDesk
        + ConversationDesk
        + NumberDesk
        + SubscriptionDesk
        + CallDesk
        + fmt::Debug
{
}

/// Who is calling?
#[async_trait]
pub trait SignIn: Send + Sync + 'static {
    /// Checks what a caller presented.
    async fn sign_in(&self, presented: &Presented) -> Result<Principal, Refusal>;
}

/// Messages and batches. A backend that has none refuses.
#[async_trait]
pub trait Messages: Send + Sync + 'static {
    /// Takes messages. When it answers, what it took is kept as durably as the backend promises.
    async fn accept(&self, _who: &Principal, _submission: Submission) -> Result<Accepted, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Takes one text for every member of a group.
    async fn accept_for_group(
        &self,
        _who: &Principal,
        _group_id: &str,
        _text: &str,
        _from: Option<SenderId>,
    ) -> Result<Accepted, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// How far a message has come.
    async fn message(&self, _who: &Principal, _id: &str) -> Result<MessageView, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// How far a batch has come.
    async fn batch(&self, _who: &Principal, _id: &str) -> Result<BatchView, Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// Batches of which messages still wait, under the names that their senders gave them. A
/// backend that has none refuses.
#[async_trait]
pub trait Batches: Send + Sync + 'static {
    /// All of them.
    async fn queued_batches(&self, _who: &Principal) -> Result<Vec<QueuedBatch>, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// One of them; not found when nothing of it waits.
    async fn queued_batch(
        &self,
        _who: &Principal,
        _reference: &str,
    ) -> Result<QueuedBatch, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Stops what waits of one of them, and says exactly what that was; not found when nothing of it
    /// waits. When it answers, nothing of what it names leaves any more.
    async fn stop_batch(
        &self,
        _who: &Principal,
        _reference: &str,
    ) -> Result<StoppedBatch, Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// Contacts and groups. A backend that has none refuses.
#[async_trait]
pub trait Contacts: Send + Sync + 'static {
    /// Adds a contact and returns it with its id.
    async fn add_contact(
        &self,
        _who: &Principal,
        _contact: NewContact,
    ) -> Result<Contact, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// One page of the contacts; pages count from 1.
    async fn contacts(
        &self,
        _who: &Principal,
        _page: u32,
        _limit: u32,
    ) -> Result<ContactPage, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Lets further users of the account see a contact.
    async fn link_users(
        &self,
        _who: &Principal,
        _contact_id: &str,
        _user_ids: &[String],
    ) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    /// All groups.
    async fn groups(&self, _who: &Principal) -> Result<Vec<Group>, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Makes an empty group.
    async fn create_group(&self, _who: &Principal, _name: &str) -> Result<Group, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Puts a contact into a group.
    async fn add_to_group(
        &self,
        _who: &Principal,
        _contact_id: &str,
        _group_id: &str,
    ) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// The account itself. A backend that has none refuses.
#[async_trait]
pub trait AccountDesk: Send + Sync + 'static {
    /// What is left, in the account's unit.
    async fn balance(&self, _who: &Principal) -> Result<i64, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Replaces the account's key: from now on the old one is invalid.
    async fn renew_key(&self, _who: &Principal) -> Result<SecretString, Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// The credentials of a call, under the names of the provider's settings.
#[derive(Clone, Default)]
pub struct Presented(Vec<(&'static str, SecretString)>);

impl Presented {
    /// No credentials yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, setting: &'static str, value: impl Into<SecretString>) -> Self {
        self.0.push((setting, value.into()));
        self
    }

    /// The value presented for a setting.
    pub fn value(&self, setting: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| *name == setting);
        found.map(|(_, value)| value.expose_secret())
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A caller who has signed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Principal {
    /// The backend's id of the account.
    pub account: String,
    /// Who he is within the account, where the vendor's API knows that.
    pub identity: Option<Box<Identity>>,
}

impl Principal {
    /// The owner of an account.
    pub fn new(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            identity: None,
        }
    }

    /// Sets who he is within the account.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(Box::new(identity));
        self
    }
}

/// Messages that came in one call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Submission {
    /// What could be read.
    pub messages: Vec<Submitted>,
    /// The recipients, as they were written, of what could not be read, and why.
    pub unreadable: Vec<(String, Refusal)>,
    /// Whether the caller wants to ask about all of it under one name.
    pub as_batch: bool,
    /// The name that the caller gives it. Calls that give the same name make one batch.
    pub batch_reference: Option<String>,
}

impl Submission {
    /// One message.
    pub fn one(message: impl Into<Submitted>) -> Self {
        Self {
            messages: vec![message.into()],
            unreadable: Vec::new(),
            as_batch: false,
            batch_reference: None,
        }
    }

    /// Many messages under one id.
    pub fn batch<M: Into<Submitted>>(
        messages: impl IntoIterator<Item = M>,
        unreadable: Vec<(String, Refusal)>,
    ) -> Self {
        Self {
            messages: messages.into_iter().map(Into::into).collect(),
            unreadable,
            as_batch: true,
            batch_reference: None,
        }
    }

    /// Sets the name that the caller gives to the whole.
    #[must_use]
    pub fn batch_reference(mut self, reference: Option<String>) -> Self {
        self.batch_reference = reference;
        self
    }
}

/// A message as a vendor's API took it, with what such APIs ask for beside the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Submitted {
    /// The message.
    pub message: Message,
    /// What is asked for beside it.
    pub terms: Terms,
}

impl Submitted {
    /// A message with terms of its own.
    pub fn new(message: Message, terms: Terms) -> Self {
        Self { message, terms }
    }
}

impl From<Message> for Submitted {
    fn from(message: Message) -> Self {
        Self::new(message, Terms::default())
    }
}

/// What some vendors' APIs ask for beside a message. The default is what a vendor does for whoever
/// asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Terms {
    /// What the recipient pays for it, in the smallest unit of the currency; 0 is nothing.
    pub price: u32,
    /// How old the recipient has to be, in years.
    pub minimum_age: Option<u8>,
    /// Whether the text belongs to a conversation that phones can answer in.
    pub session: SessionWish,
    /// Whether no report is wanted.
    pub without_report: bool,
    /// What else the caller asked for in the vendor's own words, such as how a phone shows the
    /// text. A backend keeps it and need not understand it.
    pub parameters: Vec<(String, String)>,
}

/// Whether a text belongs to a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionWish {
    /// It does not.
    #[default]
    None,
    /// It opens one.
    New,
    /// It continues the one with this id.
    Continue(String),
}

/// A message that a backend took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TakenMessage {
    /// Its id.
    pub id: String,
    /// The conversation that it belongs to.
    pub session: Option<String>,
    /// Whether it was taken but is held back until somebody has looked at it.
    pub is_on_hold: bool,
}

impl TakenMessage {
    /// A message in no conversation, on its way.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            session: None,
            is_on_hold: false,
        }
    }

    /// Sets the conversation that it belongs to.
    #[must_use]
    pub fn session(mut self, session: Option<String>) -> Self {
        self.session = session;
        self
    }

    /// Says that it is held back until somebody has looked at it.
    #[must_use]
    pub fn on_hold(mut self) -> Self {
        self.is_on_hold = true;
        self
    }
}

/// What a backend took.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The name of the whole, where there is one: the caller's, or one that was made for it.
    pub batch: Option<String>,
    /// For each message in order what it is known as, or why it was not taken.
    pub verdicts: Vec<Result<TakenMessage, Refusal>>,
}

impl Accepted {
    /// A verdict per message.
    pub fn new(batch: Option<String>, verdicts: Vec<Result<TakenMessage, Refusal>>) -> Self {
        Self { batch, verdicts }
    }

    /// How many were taken.
    pub fn n_taken(&self) -> usize {
        self.verdicts
            .iter()
            .filter(|verdict| verdict.is_ok())
            .count()
    }
}

/// How far a message has come, as a caller may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageView {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: ReportedState,
    /// Why it went no further.
    pub reason: Option<Reason>,
    /// When it came to this state.
    pub at: Timestamp,
    /// A word for the state that is not in the vendor's list: scripted by a simulator's scenario.
    pub raw_state: Option<String>,
}

impl MessageView {
    /// A message in a state.
    pub fn new(id: impl Into<String>, state: ReportedState, at: Timestamp) -> Self {
        Self {
            id: id.into(),
            state,
            reason: None,
            at,
            raw_state: None,
        }
    }
}

/// How far a batch has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchView {
    /// Its id.
    pub id: String,
    /// Messages that arrived, or that the carrier has, if that is as far as it will tell.
    pub successful: u64,
    /// Messages that went no further.
    pub failed: u64,
    /// Messages that are still on their way.
    pub pending: u64,
    /// When it last changed.
    pub at: Timestamp,
    /// Which recipients failed, as the caller wrote them or as whole numbers, and why. Either one
    /// entry for each of the `failed`, or none at all: a client can tell the fate of the others
    /// only from a list that is complete.
    pub failures: Vec<(String, Reason)>,
}

impl BatchView {
    /// A batch of which nothing has been counted yet.
    pub fn new(id: impl Into<String>, at: Timestamp) -> Self {
        Self {
            id: id.into(),
            successful: 0,
            failed: 0,
            pending: 0,
            at,
            failures: Vec::new(),
        }
    }
}

/// A contact that is to be added.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewContact {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The number.
    pub phone: E164,
}

impl NewContact {
    /// A contact that is to be added.
    pub fn new(first_name: impl Into<String>, last_name: impl Into<String>, phone: E164) -> Self {
        Self {
            first_name: first_name.into(),
            last_name: last_name.into(),
            phone,
        }
    }
}

/// Shows nothing of the person but part of the number.
impl fmt::Debug for NewContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewContact")
            .field("phone", &self.phone)
            .finish_non_exhaustive()
    }
}

/// Why a backend does not do what it was asked for. `Display` is a sentence for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Missing or wrong credentials.
    Unauthorized,
    /// A token that was good and is not any more: sign in again.
    Expired,
    /// A field is missing or wrong.
    Invalid {
        /// The field's name as the caller knows it.
        field: &'static str,
        /// What is wrong with it, as a clause that follows the name.
        fault: String,
    },
    /// No such thing.
    NotFound {
        /// What was looked for, such as `message`.
        what: &'static str,
    },
    /// The credentials are good and do not allow this.
    Forbidden {
        /// What is not allowed, as a clause that follows "not allowed:".
        what: String,
    },
    /// The caller gave this name to another message not long ago, and the account wants each name
    /// to be taken once.
    Duplicate,
    /// Too many messages to one recipient.
    RecipientQuota,
    /// Nothing is left on the account.
    InsufficientCredit,
    /// Too many calls.
    RateLimited {
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// Not at present.
    Unavailable {
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// This backend has no such function.
    Unsupported,
}

impl Refusal {
    /// A field that is wrong.
    pub fn invalid(field: &'static str, fault: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            fault: fault.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized => f.write_str("the credentials are missing, wrong or expired"),
            Self::Expired => f.write_str("the token has expired"),
            Self::Invalid { field, fault } => write!(f, "{field} {fault}"),
            Self::NotFound { what } => write!(f, "no such {what}"),
            Self::Forbidden { what } => write!(f, "not allowed: {what}"),
            Self::Duplicate => f.write_str("this reference was taken not long ago"),
            Self::RecipientQuota => f.write_str("too many messages to this recipient"),
            Self::InsufficientCredit => f.write_str("nothing is left on the account"),
            Self::RateLimited { .. } => f.write_str("too many calls"),
            Self::Unavailable { .. } => f.write_str("not available at present"),
            Self::Unsupported => f.write_str("not offered here"),
        }
    }
}

impl std::error::Error for Refusal {}
