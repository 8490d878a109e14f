//! What is wrong with rules, found before the first message is sent. Called by the messenger's builder and by whoever reads
//! a configuration.

use std::fmt;

use super::Routes;
use super::adaptive::AdaptivePolicy;
use super::rule::{Order, Prefix, Rule};
use super::why::Label;
use crate::account::AccountName;

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RouteError {
    /// The rule's place, from 0.
    pub rule: usize,
    /// The rule's name.
    pub name: Option<Box<str>>,
    /// What is wrong.
    pub fault: RouteFault,
}

/// What can be wrong with a rule.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RouteFault {
    /// It names no account.
    NoAccounts,
    /// It names more than [`Rule::MAX_ACCOUNTS`].
    TooManyAccounts(usize),
    /// It names an account that does not exist.
    UnknownAccount(AccountName),
    /// It names an account twice.
    RepeatedAccount(AccountName),
    /// The account's weight is not above 0.
    BadWeight(AccountName),
    /// The account's cost is below 0, or no number.
    BadCost(AccountName),
    /// No number begins with one of its prefixes; the place of the prefix, from 0.
    BadPrefix(usize),
    /// There is no such calling code.
    BadCallingCode(u16),
    /// This setting of its [`AdaptivePolicy`] is out of its bounds.
    BadAdaptive(&'static str),
    /// The rule at this place, from 0, takes every message that this one is for.
    Unreachable(usize),
}

impl Routes {
    /// Whether the rules make sense: each has accounts, all of which are known, with weights and costs
    /// that are numbers; and none stands behind one that takes all its messages. That is compared
    /// condition by condition, so a region behind the calling code that it has is not found.
    ///
    /// # Errors
    /// [`RouteError`] naming the first rule that does not, and what is wrong with it.
    pub fn check(
        &self,
        known: impl IntoIterator<Item = impl Into<AccountName>>,
    ) -> Result<(), RouteError> {
        let known: Vec<AccountName> = known.into_iter().map(Into::into).collect();
        for (position, rule) in self.rules().enumerate() {
            let mut before = self.rules().take(position);
            let unreachable = before.position(|earlier| covers(earlier, rule));
            let fault = conditions_fault(rule)
                .or_else(|| accounts_fault(rule, &known))
                .or_else(|| adaptive_fault(rule))
                .or_else(|| unreachable.map(RouteFault::Unreachable));
            if let Some(fault) = fault {
                return Err(RouteError {
                    rule: position,
                    name: rule.name.clone(),
                    fault,
                });
            }
        }
        Ok(())
    }
}

fn conditions_fault(rule: &Rule) -> Option<RouteFault> {
    let bad_prefix = rule
        .prefixes
        .iter()
        .position(|prefix| !prefix.is_possible());
    let mut codes = rule.calling_codes.iter();
    let bad_code = codes.find(|code| !(1..=999).contains(*code));
    bad_prefix
        .map(RouteFault::BadPrefix)
        .or(bad_code.map(|code| RouteFault::BadCallingCode(*code)))
}

fn accounts_fault(rule: &Rule, known: &[AccountName]) -> Option<RouteFault> {
    match rule.accounts.len() {
        0 => return Some(RouteFault::NoAccounts),
        n if n > Rule::MAX_ACCOUNTS => return Some(RouteFault::TooManyAccounts(n)),
        _ => {}
    }
    rule.accounts
        .iter()
        .enumerate()
        .find_map(|(place, account)| {
            let name = || account.name.clone();
            let mut before = rule.accounts.iter().take(place);
            if !known.contains(&account.name) {
                Some(RouteFault::UnknownAccount(name()))
            } else if before.any(|earlier| earlier.name == account.name) {
                Some(RouteFault::RepeatedAccount(name()))
            } else if !(account.weight.is_finite() && account.weight > 0.0) {
                Some(RouteFault::BadWeight(name()))
            } else if account
                .cost
                .is_some_and(|cost| !(cost.is_finite() && cost >= 0.0))
            {
                Some(RouteFault::BadCost(name()))
            } else {
                None
            }
        })
}

fn adaptive_fault(rule: &Rule) -> Option<RouteFault> {
    let AdaptivePolicy {
        interval,
        slow_after,
        min_observations,
        tolerance,
        step,
        return_step,
        lowest,
        highest,
    } = rule.adaptive;
    let is_share = |value: f64| value > 0.0 && value <= 1.0;
    let settings = [
        ("interval", !interval.is_zero()),
        ("slow_after", !slow_after.is_zero()),
        ("min_observations", min_observations > 0),
        ("tolerance", (0.0..1.0).contains(&tolerance)),
        ("step", is_share(step)),
        ("return_step", is_share(return_step)),
        ("lowest", is_share(lowest)),
        ("highest", highest.is_finite() && highest >= 1.0),
    ];
    let bad = settings.into_iter().find(|(_, is_good)| !is_good);
    let (setting, _) = bad.filter(|_| rule.order == Order::Adaptive)?;
    Some(RouteFault::BadAdaptive(setting))
}

/// Whether the earlier rule takes every message that the later one is for.
fn covers(earlier: &Rule, later: &Rule) -> bool {
    let same = |one: &Prefix, other: &Prefix| one.covers(other);
    is_wider(&earlier.prefixes, &later.prefixes, same)
        && is_wider(&earlier.calling_codes, &later.calling_codes, PartialEq::eq)
        && is_wider(&earlier.regions, &later.regions, PartialEq::eq)
        && is_wider(&earlier.senders, &later.senders, PartialEq::eq)
        && is_wider(&earlier.tags, &later.tags, PartialEq::eq)
        && is_wider(&earlier.kinds, &later.kinds, PartialEq::eq)
        && is_wider(&earlier.priorities, &later.priorities, PartialEq::eq)
}

/// Whether a condition of the earlier rule is fulfilled wherever that of the later one is.
fn is_wider<T>(earlier: &[T], later: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    let is_covered = |value: &T| earlier.iter().any(|wider| covers(wider, value));
    earlier.is_empty() || (!later.is_empty() && later.iter().all(is_covered))
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = Label::new(self.rule, self.name.as_deref());
        write!(f, "{label} {}", self.fault)
    }
}

/// What is wrong, to be read behind the rule's name.
impl fmt::Display for RouteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccounts => f.write_str("names no account"),
            Self::TooManyAccounts(n) => {
                write!(f, "names {n} accounts, and may name {}", Rule::MAX_ACCOUNTS)
            }
            Self::UnknownAccount(name) => {
                write!(f, "names the account {name}, which does not exist")
            }
            Self::RepeatedAccount(name) => write!(f, "names the account {name} twice"),
            Self::BadWeight(name) => write!(f, "gives {name} a weight that is not above 0"),
            Self::BadCost(name) => write!(f, "gives {name} a cost that is no number from 0 on"),
            Self::BadPrefix(place) => {
                let n = place + 1;
                write!(
                    f,
                    "has a prefix, number {n}, that is not a plus and 1 to 15 digits"
                )
            }
            Self::BadCallingCode(code) => write!(f, "names {code}, which is no calling code"),
            Self::BadAdaptive(setting) => {
                write!(
                    f,
                    "has a setting `{setting}` of `adaptive` that is out of its bounds"
                )
            }
            Self::Unreachable(by) => {
                let n = by + 1;
                write!(
                    f,
                    "is never reached, because rule {n} takes all its messages"
                )
            }
        }
    }
}

impl std::error::Error for RouteError {}
