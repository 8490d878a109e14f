//! What became of handing a message over: [`Verdict`] with [`Sent`] or [`Failure`].
//!
//! Made by the messenger, kept by programs. What became of a message after that is its
//! [`DeliveryReport`](tidings_core::DeliveryReport).

use std::fmt;

use serde::{Deserialize, Serialize};
use tidings_core::{ClientRef, ProviderRef};

use crate::account::AccountName;
use crate::error::Error;
use crate::provider::AttemptRef;

/// A message that a provider has taken: what a program keeps to ask about it later, also after a
/// restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sent {
    /// The message's own name: the caller's, or one that was made.
    pub reference: ClientRef,
    /// The account that carries it.
    pub account: AccountName,
    /// How its provider is asked about it.
    pub provider_ref: ProviderRef,
    /// Whether an earlier attempt may have been taken too, so that the phone may get it twice.
    pub duplicate_risk: bool,
}

impl Sent {
    /// A message that an account has taken.
    pub fn new(
        reference: ClientRef,
        account: impl Into<AccountName>,
        provider_ref: ProviderRef,
    ) -> Self {
        Self {
            reference,
            account: account.into(),
            provider_ref,
            duplicate_risk: false,
        }
    }
}

/// A message that no account has surely taken.
///
/// It is surely not on its way either, unless [`attempt`](Self::attempt) is there: then nobody could
/// tell, and [`Messenger::reconcile`](super::Messenger::reconcile) asks once more.
///
/// As an error it is one sentence; its source is [`error`](Self::error).
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The message's own name: the caller's, or one that was made.
    pub reference: ClientRef,
    /// The account whose error it is. `None` when no account was asked: none could carry the message,
    /// or no route led anywhere.
    pub account: Option<AccountName>,
    /// Why the message was not sent, or why nobody can tell.
    pub error: Error,
    /// The attempt that may have been taken all the same.
    pub attempt: Option<Box<AttemptRef>>,
    /// What the other accounts and attempts came to, in their order; accounts that could not carry
    /// the message are among them.
    pub others: Vec<FailedAttempt>,
}

/// What one account said.
#[derive(Debug)]
#[non_exhaustive]
pub struct FailedAttempt {
    /// The account.
    pub account: AccountName,
    /// What it said.
    pub error: Error,
}

impl Failure {
    /// Whether the message may be on its way all the same.
    pub fn is_unknown(&self) -> bool {
        self.attempt.is_some()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.account, &self.attempt) {
            (Some(account), Some(_)) => {
                write!(
                    f,
                    "nobody can tell whether account {account} took the message"
                )
            }
            (Some(account), None) => write!(f, "account {account} did not take the message"),
            (None, _) => f.write_str("no account was asked to take the message"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// What became of one message of many.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// The place of the message in the stream that it came from, from 0.
    pub position: u64,
    /// The message's own name: the caller's, or one that was made.
    pub reference: ClientRef,
    /// Whether an account has it.
    pub outcome: Result<Sent, Failure>,
}

/// In which order verdicts come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerdictOrder {
    /// In the order of the messages: a message whose outcome takes long to find out holds up the
    /// verdicts of those after it.
    #[default]
    Given,
    /// As soon as each is known.
    AsTheyCome,
}
