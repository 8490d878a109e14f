//! The second of the two seams: [`Backend`], what stands behind a vendor's API when we are the
//! server.
//!
//! Called by each provider's `server.rs`, which speaks the vendor's language; implemented by the
//! simulator on a world in memory, and later by the gateway on its store. One small trait per area.
//! Nothing here knows HTTP: a [`Refusal`] says why, and the server half says it in the vendor's
//! shape.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use tidings_core::{E164, Message, Reason, ReportedState, SenderId, Timestamp};

use crate::address_book::{Contact, ContactPage, Group};

/// Everything that can stand behind a vendor's API.
pub trait Backend: SignIn + Messages + Contacts + AccountDesk + fmt::Debug {}

impl<T: SignIn + Messages + Contacts + AccountDesk + fmt::Debug> Backend for T {}

/// Who is calling?
#[async_trait]
pub trait SignIn: Send + Sync + 'static {
    /// Checks what a caller presented.
    async fn sign_in(&self, presented: &Presented) -> Result<Principal, Refusal>;
}

/// Messages and batches.
#[async_trait]
pub trait Messages: Send + Sync + 'static {
    /// Takes messages. When it answers, what it took is kept as durably as the backend promises.
    async fn accept(&self, who: &Principal, submission: Submission) -> Result<Accepted, Refusal>;

    /// Takes one text for every member of a group.
    async fn accept_for_group(
        &self,
        who: &Principal,
        group_id: &str,
        text: &str,
        from: Option<SenderId>,
    ) -> Result<Accepted, Refusal>;

    /// How far a message has come.
    async fn message(&self, who: &Principal, id: &str) -> Result<MessageView, Refusal>;

    /// How far a batch has come.
    async fn batch(&self, who: &Principal, id: &str) -> Result<BatchView, Refusal>;
}

/// Contacts and groups.
#[async_trait]
pub trait Contacts: Send + Sync + 'static {
    /// Adds a contact and returns it with its id.
    async fn add_contact(&self, who: &Principal, contact: NewContact) -> Result<Contact, Refusal>;

    /// One page of the contacts; pages count from 1.
    async fn contacts(
        &self,
        who: &Principal,
        page: u32,
        limit: u32,
    ) -> Result<ContactPage, Refusal>;

    /// Lets further users of the account see a contact.
    async fn link_users(
        &self,
        who: &Principal,
        contact_id: &str,
        user_ids: &[String],
    ) -> Result<(), Refusal>;

    /// All groups.
    async fn groups(&self, who: &Principal) -> Result<Vec<Group>, Refusal>;

    /// Makes an empty group.
    async fn create_group(&self, who: &Principal, name: &str) -> Result<Group, Refusal>;

    /// Puts a contact into a group.
    async fn add_to_group(
        &self,
        who: &Principal,
        contact_id: &str,
        group_id: &str,
    ) -> Result<(), Refusal>;
}

/// The account itself.
#[async_trait]
pub trait AccountDesk: Send + Sync + 'static {
    /// What is left, in the account's unit.
    async fn balance(&self, who: &Principal) -> Result<i64, Refusal>;

    /// Replaces the account's key: from now on the old one is invalid.
    async fn renew_key(&self, who: &Principal) -> Result<SecretString, Refusal>;
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
}

impl Principal {
    /// The owner of an account.
    pub fn new(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
        }
    }
}

/// Messages that came in one call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Submission {
    /// What could be read.
    pub messages: Vec<Message>,
    /// The recipients, as they were written, of what could not be read, and why.
    pub unreadable: Vec<(String, Refusal)>,
    /// Whether the caller wants to ask about all of it under one id.
    pub as_batch: bool,
}

impl Submission {
    /// One message.
    pub fn one(message: Message) -> Self {
        Self {
            messages: vec![message],
            unreadable: Vec::new(),
            as_batch: false,
        }
    }

    /// Many messages under one id.
    pub fn batch(messages: Vec<Message>, unreadable: Vec<(String, Refusal)>) -> Self {
        Self {
            messages,
            unreadable,
            as_batch: true,
        }
    }
}

/// What a backend took.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The id of the whole, where there is one.
    pub batch: Option<String>,
    /// For each message in order its id, or why it was not taken.
    pub verdicts: Vec<Result<String, Refusal>>,
}

impl Accepted {
    /// A verdict per message.
    pub fn new(batch: Option<String>, verdicts: Vec<Result<String, Refusal>>) -> Self {
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
    /// Missing, wrong or expired credentials.
    Unauthorized,
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
            Self::Invalid { field, fault } => write!(f, "{field} {fault}"),
            Self::NotFound { what } => write!(f, "no such {what}"),
            Self::InsufficientCredit => f.write_str("nothing is left on the account"),
            Self::RateLimited { .. } => f.write_str("too many calls"),
            Self::Unavailable { .. } => f.write_str("not available at present"),
            Self::Unsupported => f.write_str("not offered here"),
        }
    }
}

impl std::error::Error for Refusal {}
