//! What is known of the accounts at the moment of a decision.
//!
//! Kept by the messenger, which adds what it finds out about the message in hand. An account of
//! which nothing is said is in service.

use std::sync::Arc;

use super::adaptive::Weights;
use crate::account::AccountName;

/// What is known of the accounts at the moment. Made without an allocation as long as there is
/// nothing to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    notes: Vec<Note>,
    weights: Option<Weights>,
}

#[derive(Clone, Debug, PartialEq)]
struct Note {
    account: AccountName,
    obstacle: Obstacle,
}

/// Why an account does not carry a message although its rule names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// It carries no message at present, for this reason.
    OutOfService(Arc<str>),
    /// It can never carry this message, for this reason.
    CannotCarry(Arc<str>),
}

impl Standing {
    /// Says that an account carries no messages at present. The reason is a clause without a full stop,
    /// such as `its breaker is open`.
    #[must_use]
    pub fn out_of_service(
        self,
        account: impl Into<AccountName>,
        reason: impl Into<Arc<str>>,
    ) -> Self {
        self.with(account.into(), Obstacle::OutOfService(reason.into()))
    }

    /// Says that an account cannot carry the message in hand. The reason is a clause without a full
    /// stop, such as `it sends texts only`.
    #[must_use]
    pub fn cannot_carry(
        self,
        account: impl Into<AccountName>,
        reason: impl Into<Arc<str>>,
    ) -> Self {
        self.with(account.into(), Obstacle::CannotCarry(reason.into()))
    }

    /// Takes the weights that were measured: [`Adaptation::weights`](super::Adaptation::weights).
    #[must_use]
    pub fn weights(mut self, weights: Weights) -> Self {
        self.weights = Some(weights);
        self
    }

    /// What is in the way of an account; the first that was said.
    pub fn obstacle(&self, account: &AccountName) -> Option<&Obstacle> {
        let mut notes = self.notes.iter();
        let note = notes.find(|note| note.account == *account)?;
        Some(&note.obstacle)
    }

    pub(super) fn measured(&self) -> Option<&Weights> {
        self.weights.as_ref()
    }

    fn with(mut self, account: AccountName, obstacle: Obstacle) -> Self {
        self.notes.push(Note { account, obstacle });
        self
    }
}

impl Obstacle {
    /// The reason, as it was given.
    pub fn reason(&self) -> &str {
        match self {
            Self::OutOfService(reason) | Self::CannotCarry(reason) => reason,
        }
    }
}
