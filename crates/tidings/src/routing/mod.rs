//! Which accounts may carry a message, and in which order they are tried. Pure: the same message, the
//! same standing of the accounts and the same draw give the same decision.
//!
//! Called by the messenger for each message. It sends nothing, measures nothing and knows no
//! provider: an account is a name to it.
//!
//! A [`Rule`] says which messages it is about and who carries them; the first one that fits decides. What is
//! known of the accounts at the moment comes in as a [`Standing`], and the [`Decision`] explains itself.
//!
//! ```
//! use tidings::routing::{Order, RouteAccount, Routes, Rule, Standing};
//! use tidings::{E164, Message, SenderId};
//!
//! let routes = Routes::new([
//!     Rule::new("guinea").prefix("+224").accounts(["conakry", "spare"]),
//!     Rule::new("world").order(Order::Weighted).accounts([
//!         RouteAccount::new("norway").weight(3.0),
//!         RouteAccount::new("spare").cost(0.07),
//!     ]).default_sender(SenderId::parse("Tidings")?),
//! ]);
//! routes.check(["conakry", "norway", "spare"])?;
//!
//! let message = Message::new(E164::parse("+224622000001", None)?, "Bonjour");
//! let standing = Standing::default().out_of_service("conakry", "its breaker is open");
//! let decision = routes.decide(&message, &standing, 0.5);
//! let names: Vec<&str> = decision.candidates().map(|candidate| candidate.account.as_str()).collect();
//! assert_eq!(names, ["spare"]);
//! assert_eq!(
//!     decision.why(),
//!     "rule 1 (guinea) decides, which is for messages to numbers that begin with +224; conakry is out of service: \
//!      its breaker is open; spare carries the message"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adaptive;
mod check;
mod config;
mod decision;
mod facts;
mod order;
mod rule;
mod standing;
mod why;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Deserialize;
use tidings_core::Message;

use crate::account::AccountName;

pub use self::adaptive::{Adaptation, AdaptivePolicy, Controller, Observation, Weights};
pub use self::check::{RouteError, RouteFault};
pub use self::decision::{Candidate, Decision, LeftOut};
pub use self::rule::{MessageKind, Order, Place, RouteAccount, Rule};
pub use self::standing::{Obstacle, Standing};

use self::facts::Facts;

/// Rules in their order: the first that fits a message decides.
///
/// Read from a configuration as a list of rules. Cloning shares them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<Rule>")]
pub struct Routes {
    rules: Vec<Arc<Rule>>,
}

impl Routes {
    /// Rules in their order. What is wrong with them is said by [`Self::check`].
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            rules: rules.into_iter().map(Arc::new).collect(),
        }
    }

    /// Every message goes to the first of these accounts, and to the next where it is proved that the
    /// one before sent nothing.
    pub fn failover(accounts: impl IntoIterator<Item = impl Into<AccountName>>) -> Self {
        let accounts = accounts.into_iter().map(|name| RouteAccount::new(name));
        Self::new([Rule::default().accounts(accounts)])
    }

    /// The rules, the first in front.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|rule| &**rule)
    }

    /// Who is to carry a message. `draw` is a random number from 0 to 1, which only the orders
    /// [`Order::Weighted`] and [`Order::Adaptive`] look at.
    ///
    /// Allocates nothing as long as every account of the rule can carry the message.
    pub fn decide(&self, message: &Message, standing: &Standing, draw: f64) -> Decision {
        let facts = Facts::of(message);
        let mut rules = self.rules.iter().enumerate();
        match rules.find(|(_, rule)| rule.fits(&facts)) {
            Some((position, rule)) => Decision::by_rule(position, rule, &facts, standing, draw),
            None => Decision::without_rule(self.rules.len(), &facts),
        }
    }
}

impl FromIterator<Rule> for Routes {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self::new(rules)
    }
}

impl From<Vec<Rule>> for Routes {
    fn from(rules: Vec<Rule>) -> Self {
        Self::new(rules)
    }
}
