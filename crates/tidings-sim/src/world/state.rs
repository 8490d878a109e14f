//! What a simulated carrier keeps: accounts, messages, batches, contacts and groups, and the
//! changes that they go through.
//!
//! Used by the world under its lock. Every change is a [`Change`] that [`State::apply`] carries out,
//! whether it has just been asked for or is read from a state file. It knows neither the clock nor
//! the scenario: what they decide about a message is decided when it is taken and kept with it.
//!
//! What holds keys, texts or numbers has no `Debug`, so that none of it can come into a log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidings_core::{ClientRef, E164, Reason, ReportedState, SenderId, Timestamp};

/// All that a simulated carrier keeps. Things are numbered from 0 in the order in which they came;
/// outside they are known by [`Ids`].
#[derive(Default)]
pub(super) struct State {
    pub(super) ids: Ids,
    pub(super) accounts: Vec<Account>,
    pub(super) messages: Vec<Sms>,
    pub(super) batches: Vec<Batch>,
    pub(super) contacts: Vec<Person>,
    pub(super) groups: Vec<Circle>,
}

/// From where the ids outside count: one beginning for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ids {
    messages: u64,
    batches: u64,
    contacts: u64,
    groups: u64,
}

/// The four kinds of things that have ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Batch,
    Contact,
    Group,
}

impl Ids {
    /// Beginnings far apart, so that an id of one kind is hardly ever one of another.
    pub(super) fn drawn(random: &mut fastrand::Rng) -> Self {
        Self {
            messages: random.u64(10_000_000..90_000_000),
            batches: random.u64(100_000..900_000),
            contacts: random.u64(10_000..90_000),
            groups: random.u64(100..900),
        }
    }

    pub(super) fn id(&self, kind: Kind, index: usize) -> String {
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        self.beginning(kind).saturating_add(index).to_string()
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
        }
    }
}

pub(super) struct Account {
    /// As they were given when the account was opened.
    pub(super) opened_with: BTreeMap<String, String>,
    /// As they are now.
    pub(super) credentials: BTreeMap<String, String>,
    pub(super) credit: i64,
}

/// A message that was taken, and what becomes of it.
pub(super) struct Sms {
    pub(super) account: usize,
    pub(super) batch: Option<usize>,
    pub(super) accepted_at: Timestamp,
    pub(super) text: Arc<str>,
    pub(super) fate: Taken,
}

/// A message as it is taken. Everything that will happen to it is in here: what a later scenario
/// says changes nothing.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) to: E164,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) from: Option<SenderId>,
    /// Which of the submission's texts.
    pub(super) text: usize,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) reference: Option<ClientRef>,
    /// What it costs.
    pub(super) parts: u8,
    /// After its acceptance.
    pub(super) sent_after_ms: u64,
    /// After its acceptance.
    pub(super) done_after_ms: u64,
    /// How it ends.
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Delivered,
    /// Instead of being sent.
    Failed(Reason),
    /// Instead of being delivered.
    Undelivered(Reason),
}

impl Sms {
    /// How far it has come, why no further, and since when.
    pub(super) fn at(&self, now: Timestamp) -> (ReportedState, Option<Reason>, Timestamp) {
        let sent_at = self.after(self.fate.sent_after_ms);
        let done_at = self.after(self.fate.done_after_ms);
        match self.fate.end {
            _ if now < sent_at => (ReportedState::Submitted, None, self.accepted_at),
            End::Failed(reason) => (ReportedState::Failed, Some(reason), sent_at),
            End::Delivered | End::Undelivered(_) if now < done_at => {
                (ReportedState::Sent, None, sent_at)
            }
            End::Delivered => (ReportedState::Delivered, None, done_at),
            End::Undelivered(reason) => (ReportedState::Undelivered, Some(reason), done_at),
        }
    }

    fn after(&self, milliseconds: u64) -> Timestamp {
        self.accepted_at.plus(Duration::from_millis(milliseconds))
    }
}

/// Messages that were handed over together.
pub(super) struct Batch {
    pub(super) account: usize,
    pub(super) accepted_at: Timestamp,
    /// Its messages are consecutive: from here ..
    pub(super) first: usize,
    /// .. so many.
    pub(super) taken: usize,
    /// Recipients of which no message was taken.
    pub(super) refused: Vec<(String, Reason)>,
}

pub(super) struct Person {
    pub(super) account: usize,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) phone: E164,
    pub(super) users: BTreeSet<String>,
}

pub(super) struct Circle {
    pub(super) account: usize,
    pub(super) name: String,
    pub(super) members: BTreeSet<usize>,
}

/// One change of the state, as it is carried out and as it stands in the state file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum Change {
    /// The first line of a state file.
    Begin {
        version: u32,
        provider: String,
        ids: Ids,
    },
    Account {
        credentials: BTreeMap<String, String>,
        credit: i64,
    },
    /// The program was started with other credentials for an account.
    Credentials {
        account: usize,
        credentials: BTreeMap<String, String>,
    },
    Key {
        account: usize,
        setting: String,
        value: String,
    },
    Credit {
        account: usize,
        credit: i64,
    },
    Submission(SubmissionTaken),
    Contact {
        account: usize,
        first_name: String,
        last_name: String,
        phone: E164,
    },
    Users {
        contact: usize,
        users: Vec<String>,
    },
    Group {
        account: usize,
        name: String,
    },
    Member {
        group: usize,
        contact: usize,
    },
}

/// What was taken of the messages of one call.
#[derive(Serialize, Deserialize)]
pub(super) struct SubmissionTaken {
    pub(super) account: usize,
    pub(super) at: Timestamp,
    pub(super) texts: Vec<Arc<str>>,
    pub(super) messages: Vec<Taken>,
    /// Present where the caller wants to ask about all of it: recipients that were refused.
    pub(super) batch: Option<Vec<(String, Reason)>>,
}

/// The form of state file that this program writes and reads.
pub(super) const VERSION: u32 = 1;

/// A change speaks of something that is not there: the file was edited, or its lines are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Impossible;

impl State {
    /// Carries a change out. Fails only for changes that do not fit this state, and then changes
    /// nothing.
    pub(super) fn apply(&mut self, change: Change) -> Result<(), Impossible> {
        match change {
            Change::Begin { ids, .. } => self.ids = ids,
            Change::Account {
                credentials,
                credit,
            } => self.accounts.push(Account {
                opened_with: credentials.clone(),
                credentials,
                credit,
            }),
            Change::Credentials {
                account,
                credentials,
            } => {
                let account = self.account_mut(account)?;
                account.opened_with.clone_from(&credentials);
                account.credentials = credentials;
            }
            Change::Key {
                account,
                setting,
                value,
            } => {
                let account = self.account_mut(account)?;
                account.credentials.insert(setting, value);
            }
            Change::Credit { account, credit } => self.account_mut(account)?.credit = credit,
            Change::Submission(submission) => self.take(submission)?,
            Change::Contact {
                account,
                first_name,
                last_name,
                phone,
            } => self.contacts.push(Person {
                account,
                first_name,
                last_name,
                phone,
                users: BTreeSet::new(),
            }),
            Change::Users { contact, users } => {
                let contact = self.contacts.get_mut(contact).ok_or(Impossible)?;
                contact.users.extend(users);
            }
            Change::Group { account, name } => self.groups.push(Circle {
                account,
                name,
                members: BTreeSet::new(),
            }),
            Change::Member { group, contact } => {
                self.contacts.get(contact).ok_or(Impossible)?;
                let group = self.groups.get_mut(group).ok_or(Impossible)?;
                group.members.insert(contact);
            }
        }
        Ok(())
    }

    /// The messages of a batch.
    pub(super) fn messages_of(&self, batch: &Batch) -> &[Sms] {
        self.messages
            .get(batch.first..batch.first + batch.taken)
            .unwrap_or_default()
    }

    fn account_mut(&mut self, account: usize) -> Result<&mut Account, Impossible> {
        self.accounts.get_mut(account).ok_or(Impossible)
    }

    fn take(&mut self, submission: SubmissionTaken) -> Result<(), Impossible> {
        let SubmissionTaken {
            account,
            at,
            texts,
            messages,
            batch,
        } = submission;
        if messages.iter().any(|taken| taken.text >= texts.len()) {
            return Err(Impossible);
        }
        let cost: i64 = messages.iter().map(|taken| i64::from(taken.parts)).sum();
        self.account_mut(account)?.credit -= cost;
        let (first, taken) = (self.messages.len(), messages.len());
        let batch = batch.map(|refused| {
            self.batches.push(Batch {
                account,
                accepted_at: at,
                first,
                taken,
                refused,
            });
            self.batches.len() - 1
        });
        self.messages.extend(messages.into_iter().map(|fate| Sms {
            account,
            batch,
            accepted_at: at,
            text: texts.get(fate.text).cloned().unwrap_or_default(),
            fate,
        }));
        Ok(())
    }
}
