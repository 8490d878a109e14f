//! What a simulated carrier keeps: accounts, messages, batches, conversations, contacts and groups,
//! and the changes that they go through.
//!
//! Used by the world under its lock. Every change is a [`Change`] that [`State::apply`] carries out,
//! whether it has just been asked for or is read from a state file. It knows neither the clock nor
//! the scenario: what they decide about a message is decided when it is taken and kept with it.
//! What happens between the changes, messages leaving, follows from them and from the time; that and
//! the changes that concern it are in `movement`.
//!
//! What holds keys, texts or numbers has no `Debug`, so that none of it can come into a log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_core::{E164, Reason, Timestamp};

use super::exchange::{Exchange, ExchangeChange, Heard, PostTaken};
use super::ids::Ids;
use super::queue::Queue;
use super::recent::Recent;
use super::sms::{Sms, Taken};

/// All that a simulated carrier keeps. Things are numbered from 0 in the order in which they came;
/// outside they are known by [`Ids`].
pub(super) struct State {
    pub(super) ids: Ids,
    pub(super) accounts: Vec<Account>,
    pub(super) messages: Vec<Sms>,
    pub(super) batches: Vec<Batch>,
    pub(super) sessions: Vec<Session>,
    pub(super) inbound: Vec<Inbound>,
    pub(super) contacts: Vec<Person>,
    pub(super) groups: Vec<Circle>,
    pub(super) exchange: Exchange,
    /// Up to when everything has happened. Never goes back, even if a clock does.
    pub(super) now: Timestamp,
    /// Whether somebody is to be told of ends and of texts from phones.
    pub(super) tells: bool,
    /// Filled when it is needed.
    pub(super) recent: Recent,
    pub(super) batch_names: HashMap<(usize, Box<str>), usize>,
    pub(super) session_ids: HashMap<Box<str>, usize>,
    pub(super) session_numbers: HashMap<Box<str>, usize>,
}

impl State {
    /// Nothing. `tells` says whether somebody is to be told of ends and of texts from phones.
    pub(super) fn new(tells: bool) -> Self {
        Self {
            ids: Ids::default(),
            accounts: Vec::new(),
            messages: Vec::new(),
            batches: Vec::new(),
            sessions: Vec::new(),
            inbound: Vec::new(),
            contacts: Vec::new(),
            groups: Vec::new(),
            exchange: Exchange::default(),
            now: Timestamp::UNIX_EPOCH,
            tells,
            recent: Recent::default(),
            batch_names: HashMap::new(),
            session_ids: HashMap::new(),
            session_numbers: HashMap::new(),
        }
    }
}

pub(super) struct Account {
    /// As they were given when the account was opened.
    pub(super) opened_with: BTreeMap<String, String>,
    /// As they are now.
    pub(super) credentials: BTreeMap<String, String>,
    pub(super) credit: i64,
    /// Between two messages that leave, in microseconds; 0 for no limit.
    pub(super) interval_us: u64,
    pub(super) queue: Queue,
    /// Those of which messages wait.
    pub(super) waiting_batches: BTreeSet<usize>,
    /// What the customer has yet to be told, and from when on.
    pub(super) to_tell: BTreeSet<(Timestamp, Item)>,
}

impl Account {
    fn new(credentials: BTreeMap<String, String>, credit: i64) -> Self {
        Self {
            opened_with: credentials.clone(),
            credentials,
            credit,
            interval_us: 0,
            queue: Queue::default(),
            waiting_batches: BTreeSet::new(),
            to_tell: BTreeSet::new(),
        }
    }
}

/// Something that a customer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Item {
    /// The end of a message.
    End(usize),
    /// A text from a phone.
    Inbound(usize),
}

/// Messages that were handed over together, or under one name.
pub(super) struct Batch {
    pub(super) account: usize,
    pub(super) accepted_at: Timestamp,
    /// Its name, where it has one besides its number.
    pub(super) name: Option<Box<str>>,
    /// Its messages: those of each call are consecutive.
    pub(super) spans: Vec<Range<usize>>,
    /// Those of them that have not left.
    pub(super) waiting: BTreeSet<usize>,
    /// Recipients of which no message was taken.
    pub(super) refused: Vec<(String, Reason)>,
}

/// A conversation that phones can answer in.
pub(super) struct Session {
    pub(super) account: usize,
    pub(super) id: Box<str>,
    /// The number that phones answer to.
    pub(super) number: Box<str>,
    pub(super) last_used: Timestamp,
}

/// A text that a phone has sent.
pub(super) struct Inbound {
    pub(super) account: usize,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) text: Arc<str>,
    pub(super) at: Timestamp,
    pub(super) session: Option<usize>,
    /// The conversation of its user that it came into, where users have conversations.
    pub(super) conversation: Option<Box<str>>,
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
    /// From now on messages of an account leave at another rate.
    Rate {
        account: usize,
        at: Timestamp,
        interval_us: u64,
    },
    Submission(SubmissionTaken),
    /// What waits of a batch is stopped.
    Stop {
        batch: usize,
        at: Timestamp,
    },
    /// What an account has on hold may leave.
    Release {
        account: usize,
        at: Timestamp,
    },
    Inbound(InboundTaken),
    /// The customer has acknowledged these ends and texts, or is not told of them any more.
    Told {
        at: Timestamp,
        ends: Vec<usize>,
        inbound: Vec<usize>,
    },
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
    Exchange(ExchangeChange),
}

/// What was taken of the messages of one call.
#[derive(Serialize, Deserialize)]
pub(super) struct SubmissionTaken {
    pub(super) account: usize,
    pub(super) at: Timestamp,
    pub(super) texts: Vec<Arc<str>>,
    pub(super) messages: Vec<Taken>,
    /// Present where the caller wants to ask about all of it.
    pub(super) batch: Option<BatchTaken>,
    /// Present where it is one message to a conversation: the messages are its legs to phones.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) post: Option<Box<PostTaken>>,
}

/// What is known of a batch besides its messages.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct BatchTaken {
    /// Messages under the same name belong to the same batch of an account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) name: Option<Box<str>>,
    /// Recipients that were refused.
    pub(super) refused: Vec<(String, Reason)>,
}

/// A text from a phone as it is taken.
#[derive(Serialize, Deserialize)]
pub(super) struct InboundTaken {
    pub(super) account: usize,
    pub(super) at: Timestamp,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) text: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) session: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) heard: Option<Heard>,
}

/// The form of state file that this program writes.
pub(super) const VERSION: u32 = 3;
/// The earliest form that it reads: what has been added since is missing there.
pub(super) const EARLIEST_VERSION: u32 = 2;

/// A change speaks of something that is not there: the file was edited, or its lines are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Impossible;

impl State {
    /// Carries a change out. Fails only for changes that do not fit this state, and then changes
    /// nothing but the time.
    pub(super) fn apply(&mut self, change: Change) -> Result<(), Impossible> {
        match change {
            Change::Begin { ids, .. } => self.ids = ids,
            Change::Account {
                credentials,
                credit,
            } => self.accounts.push(Account::new(credentials, credit)),
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
            Change::Rate {
                account,
                at,
                interval_us,
            } => self.set_rate(account, at, interval_us)?,
            Change::Submission(submission) => self.take(submission)?,
            Change::Stop { batch, at } => self.stop(batch, at)?,
            Change::Release { account, at } => self.release(account, at)?,
            Change::Inbound(inbound) => self.receive(inbound)?,
            Change::Told { at, ends, inbound } => self.told(at, &ends, &inbound)?,
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
            Change::Exchange(change) => self.exchange.apply(change)?,
        }
        Ok(())
    }

    /// The messages of a batch.
    pub(super) fn messages_of(&self, batch: &Batch) -> impl Iterator<Item = &Sms> {
        let spans = batch.spans.iter().cloned();
        spans.flat_map(|span| self.messages.get(span).unwrap_or_default())
    }

    pub(super) fn account_mut(&mut self, account: usize) -> Result<&mut Account, Impossible> {
        self.accounts.get_mut(account).ok_or(Impossible)
    }
}
