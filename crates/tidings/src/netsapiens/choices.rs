//! What a client's maker can choose about messages: sessions, files, the two disputed fields of the
//! wire, paging, and how long a lost call may still be under way.
//!
//! Collected by the builder, read by everything that sends or lists. Where the API is and who signs
//! in is in `builder.rs`.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::builder::ClientBuilder;
use super::reconcile::Recent;
use super::session_id::NewSessions;
use super::{DEFAULT_MAX_MEDIA_BYTES, MAX_ROWS, setting};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Account;

/// How long a call whose answer was lost may still be under way at the server, unless
/// [`ClientBuilder::settle_time`] says otherwise.
pub const DEFAULT_SETTLE_TIME: Duration = Duration::from_secs(5);

/// Which session a message goes into that [`Provider::submit`](crate::Provider::submit) sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sessions {
    /// One of its own, named after its reference, its sender and its recipient. After a lost answer
    /// it is certain what a message in there is.
    #[default]
    PerMessage,
    /// One for all messages from one number to another, as people see conversations on their phones.
    /// After a lost answer it is judged by text and time, and sometimes nobody can tell.
    PerRecipient,
}

impl Sessions {
    /// The word for it in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PerMessage => "per_message",
            Self::PerRecipient => "per_recipient",
        }
    }
}

/// Reads the word for it in settings.
impl FromStr for Sessions {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        [Self::PerMessage, Self::PerRecipient]
            .into_iter()
            .find(|sessions| sessions.as_str() == word)
            .ok_or_else(|| bad("sessions is per_message or per_recipient"))
    }
}

/// How the field with the sender's number is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SenderField {
    /// `from-number`, as in every version's examples.
    #[default]
    FromNumber,
    /// `from-num`, as in the description of version 44.
    FromNum,
}

/// The choices, with their defaults. Cloning shares what makes ids and what remembers messages.
#[derive(Clone, Debug)]
pub(super) struct Choices {
    pub(super) sessions: Sessions,
    pub(super) max_media_bytes: usize,
    pub(super) destination_as_list: bool,
    pub(super) sender_field: SenderField,
    pub(super) page_size: u32,
    pub(super) settle_time: Duration,
    pub(super) new_sessions: Arc<NewSessions>,
    pub(super) recent: Arc<Recent>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            sessions: Sessions::default(),
            max_media_bytes: DEFAULT_MAX_MEDIA_BYTES,
            destination_as_list: false,
            sender_field: SenderField::default(),
            page_size: MAX_ROWS,
            settle_time: DEFAULT_SETTLE_TIME,
            new_sessions: Arc::new(NewSessions::new(fastrand::Rng::new())),
            recent: Arc::default(),
        }
    }
}

impl Choices {
    /// Those of an account's settings.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the setting.
    pub(super) fn of_account(account: &Account) -> Result<Self> {
        let mut choices = Self::default();
        if let Some(word) = account.setting(setting::SESSIONS) {
            choices.sessions = word.parse()?;
        }
        if let Some(bytes) = account.parsed(setting::MAX_MEDIA_BYTES)? {
            choices.max_media_bytes = bytes;
        }
        choices.check()?;
        Ok(choices)
    }

    /// # Errors
    /// [`ErrorKind::Config`] naming what is out of its range.
    pub(super) fn check(&self) -> Result<()> {
        if !(1..=MAX_ROWS).contains(&self.page_size) {
            return Err(bad("the page_size must be from 1 to 1000"));
        }
        if self.max_media_bytes == 0 {
            return Err(bad("the max_media_bytes must be at least 1"));
        }
        Ok(())
    }
}

fn bad(what: &'static str) -> Error {
    Error::not_sent(ErrorKind::Config, what).during(super::map::PROVIDER, "connect")
}

impl ClientBuilder {
    /// Which session a message goes into that [`Provider::submit`](crate::Provider::submit) sends.
    /// Default: one of its own.
    pub fn sessions(mut self, sessions: Sessions) -> Self {
        self.choices.sessions = sessions;
        self
    }

    /// The largest file that is sent, in bytes. Default: [`DEFAULT_MAX_MEDIA_BYTES`].
    pub fn max_media_bytes(mut self, limit: usize) -> Self {
        self.choices.max_media_bytes = limit;
        self
    }

    /// Whether one recipient is written as a list too. Default: no, because a server may make a
    /// group of a list.
    pub fn destination_as_list(mut self, always: bool) -> Self {
        self.choices.destination_as_list = always;
        self
    }

    /// How the field with the sender's number is called. Default: `from-number`.
    pub fn sender_field(mut self, field: SenderField) -> Self {
        self.choices.sender_field = field;
        self
    }

    /// How many rows the streams ask for in one call, 1 to 1,000. Default: 1,000.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.choices.page_size = rows;
        self
    }

    /// How long a call whose answer was lost may still be under way at the server. Before that time
    /// is over, [`Provider::reconcile`](crate::Provider::reconcile) waits for the rest of it rather
    /// than say of a message that it was not taken. Default: 5 s.
    pub fn settle_time(mut self, time: Duration) -> Self {
        self.choices.settle_time = time;
        self
    }

    /// Makes the same ids of new sessions for the same seed, for tests: two clients with one seed
    /// write into the same sessions.
    pub fn seed(mut self, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        self.choices.new_sessions = Arc::new(NewSessions::new(random));
        self
    }
}
