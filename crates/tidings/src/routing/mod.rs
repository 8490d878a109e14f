//! Which accounts may carry a message, and in which order they are tried. Pure: the same message, the
//! same standing of the accounts and the same draw give the same decision.
//!
//! Called by the messenger for each message. It sends nothing, measures nothing and knows no
//! provider: an account is a name to it.

use tidings_core::{Message, SenderId};

use crate::account::AccountName;

/// Rules in their order: the first that fits a message decides.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Routes {
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule: which messages it is about, and who carries them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// The accounts, in the order of preference.
    pub accounts: Vec<AccountName>,
}

/// What is known of the accounts at the moment of a decision.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Standing {}

/// Who is to carry a message.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Decision {
    /// Whom to try, one after the other; empty when no rule fits.
    pub candidates: Vec<Candidate>,
}

/// An account that may carry a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The account.
    pub account: AccountName,
    /// The sender that the rule sets for messages that name none.
    pub sender: Option<SenderId>,
}

impl Routes {
    /// Every message goes to the first of these accounts, and to the next where it is proved that the
    /// one before sent nothing.
    pub fn failover(accounts: impl IntoIterator<Item = impl Into<AccountName>>) -> Self {
        let accounts = accounts.into_iter().map(Into::into).collect();
        Self {
            rules: vec![Rule { accounts }],
        }
    }

    /// Who is to carry a message. `draw` is a random number from 0 to 1.
    pub fn decide(&self, _message: &Message, _standing: &Standing, _draw: f64) -> Decision {
        let rule = self.rules.first();
        let accounts = rule.into_iter().flat_map(|rule| &rule.accounts);
        let candidate = |account: &AccountName| Candidate {
            account: account.clone(),
            sender: None,
        };
        Decision {
            candidates: accounts.map(candidate).collect(),
        }
    }
}
