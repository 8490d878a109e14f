//! Who is to carry one message: made by `Routes::decide`, read by whoever sends.
//!
//! Holds places in the rule instead of names, and the rule itself by a shared pointer, so that a decision
//! costs next to nothing; the words for it are found in `why.rs` only when somebody asks.

use std::sync::Arc;

use tidings_core::{Priority, SenderId, Tag};

use super::adaptive::Weights;
use super::facts::Facts;
use super::order;
use super::rule::{MessageKind, Order, Place, RouteAccount, Rule};
use super::standing::{Obstacle, Standing};
use crate::account::AccountName;

/// Who is to carry a message, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision(pub(super) Basis);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Basis {
    Rule(ByRule),
    NoRule(NoRule),
}

/// What the rule that fits makes of the message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ByRule {
    pub(super) position: usize,
    pub(super) rule: Arc<Rule>,
    /// The accounts that can carry the message, the first in front.
    pub(super) able: Places,
    /// The accounts that cannot, in the order of the rule.
    pub(super) unable: Vec<(u8, Obstacle)>,
    pub(super) sender: SenderChoice,
    pub(super) draw: f64,
    /// Weights that replace those of the rule.
    pub(super) measured: Option<Weights>,
}

/// What is said of a message that no rule fits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NoRule {
    pub(super) n_rules: usize,
    pub(super) calling_code: u16,
    pub(super) kind: MessageKind,
    pub(super) priority: Priority,
    pub(super) tag: Option<Tag>,
}

/// Which of the rule's senders messages get that name none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SenderChoice {
    /// The message names its own.
    Own,
    /// The one at this place of `Rule::senders_for`.
    For(usize),
    /// The rule's default, if there is one.
    Default,
}

/// An account that may carry a message.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The account.
    pub account: &'a AccountName,
    /// The sender that the rule sets for a message that names none.
    pub sender: Option<&'a SenderId>,
}

/// An account that the rule names and that cannot carry the message.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LeftOut<'a> {
    /// The account.
    pub account: &'a AccountName,
    /// What is in the way.
    pub obstacle: &'a Obstacle,
}

impl Decision {
    /// Whom to try, one after the other; nobody where no rule fits, or where none of the rule's accounts
    /// can carry the message.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        let able = self
            .by_rule_ref()
            .into_iter()
            .flat_map(|by| by.able.iter().map(move |place| (by, place)));
        able.filter_map(|(by, place)| by.candidate(place))
    }

    /// The accounts that the rule names and that cannot carry the message, and why.
    pub fn left_out(&self) -> impl Iterator<Item = LeftOut<'_>> {
        let by = self.by_rule_ref().into_iter();
        by.flat_map(|by| {
            by.unable.iter().filter_map(|(place, obstacle)| {
                let account = &by.rule.accounts.get(usize::from(*place))?.name;
                Some(LeftOut { account, obstacle })
            })
        })
    }

    /// The place of the rule that decides, from 0; `None` where no rule fits.
    pub fn rule(&self) -> Option<usize> {
        self.by_rule_ref().map(|by| by.position)
    }

    pub(super) fn without_rule(n_rules: usize, facts: &Facts<'_>) -> Self {
        let message = facts.message;
        Self(Basis::NoRule(NoRule {
            n_rules,
            calling_code: message.to.calling_code(),
            kind: facts.kind,
            priority: message.priority,
            tag: message.tag.clone(),
        }))
    }

    pub(super) fn by_rule(
        position: usize,
        rule: &Arc<Rule>,
        facts: &Facts<'_>,
        standing: &Standing,
        draw: f64,
    ) -> Self {
        let mut able = Places::default();
        let mut unable = Vec::new();
        for (place, account) in (0..).zip(rule.accounts.iter().take(Rule::MAX_ACCOUNTS)) {
            match standing.obstacle(&account.name) {
                Some(obstacle) => unable.push((place, obstacle.clone())),
                None => able.push(place),
            }
        }
        let measured = match rule.order {
            Order::Adaptive => standing.measured().cloned(),
            Order::Failover | Order::Weighted => None,
        };
        let mut decided = ByRule {
            position,
            rule: Arc::clone(rule),
            able,
            unable,
            sender: SenderChoice::of(rule, facts),
            draw,
            measured,
        };
        order::put_in_order(&mut decided);
        Self(Basis::Rule(decided))
    }

    fn by_rule_ref(&self) -> Option<&ByRule> {
        match &self.0 {
            Basis::Rule(by) => Some(by),
            Basis::NoRule(_) => None,
        }
    }
}

impl ByRule {
    /// The account at a place of the rule.
    pub(super) fn account(&self, place: u8) -> Option<&RouteAccount> {
        self.rule.accounts.get(usize::from(place))
    }

    /// The weight of the account at a place of the rule; what is no weight counts as none.
    pub(super) fn weight(&self, place: u8) -> f64 {
        let measured = self.measured.as_ref();
        let measured = measured.and_then(|weights| weights.of(self.position, usize::from(place)));
        let weight = measured.or_else(|| self.account(place).map(|account| account.weight));
        weight
            .filter(|weight| weight.is_finite())
            .unwrap_or_default()
            .max(0.0)
    }

    fn candidate(&self, place: u8) -> Option<Candidate<'_>> {
        let account = self.account(place)?;
        Some(Candidate {
            account: &account.name,
            sender: self.sender_of(account),
        })
    }

    pub(super) fn sender_of<'a>(&'a self, account: &'a RouteAccount) -> Option<&'a SenderId> {
        let of_rule = match self.sender {
            SenderChoice::Own => return None,
            SenderChoice::For(place) => self.rule.senders_for.get(place).map(|(_, sender)| sender),
            SenderChoice::Default => self.rule.default_sender.as_ref(),
        };
        account.sender.as_ref().or(of_rule)
    }
}

impl SenderChoice {
    fn of(rule: &Rule, facts: &Facts<'_>) -> Self {
        if facts.message.from.is_some() {
            return Self::Own;
        }
        let fits = |(_, (place, _)): &(usize, &(Place, SenderId))| facts.is_in(*place);
        let fitting = rule.senders_for.iter().enumerate().filter(fits);
        // `Place` orders regions before calling codes; of two for one place the first counts.
        match fitting.min_by_key(|(_, (place, _))| *place) {
            Some((position, _)) => Self::For(position),
            None => Self::Default,
        }
    }
}

/// Places in a rule, kept without an allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    places: [u8; Rule::MAX_ACCOUNTS],
    n: u8,
}

impl Places {
    /// Adds a place; beyond the most that a rule may have, nothing is added.
    fn push(&mut self, place: u8) {
        if let Some(free) = self.places.get_mut(usize::from(self.n)) {
            *free = place;
            self.n += 1;
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = u8> {
        self.places.iter().take(usize::from(self.n)).copied()
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.places
            .get_mut(..usize::from(self.n))
            .unwrap_or_default()
    }
}
