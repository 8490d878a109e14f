//! One rule: which messages it is about, who carries them, in which order and under which sender.
//!
//! Written by programs with setters, or read from a configuration. It answers only whether it fits
//! a message; what follows is in `decision.rs`, and whether the rule makes sense in `check.rs`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidings_core::{Message, Priority, Region, SenderId, Tag};

use super::adaptive::AdaptivePolicy;
use super::config;
use super::facts::Facts;
use crate::account::AccountName;

/// One rule. Several values of one condition mean any of them; several conditions mean all of them;
/// a rule without conditions fits every message.
///
/// ```
/// use tidings::Priority;
/// use tidings::routing::Rule;
///
/// // High priority, and a number of Norway or Denmark.
/// let rule = Rule::new("codes")
///     .priority(Priority::High)
///     .calling_code(47)
///     .calling_code(45)
///     .accounts(["norway", "spare"]);
/// ```
///
/// Read from a configuration, a condition is one value or a list; an account is a name, or a table
/// with the fields of [`RouteAccount`]; `sender_for` is a table by [`Place`]:
///
/// ```
/// # use tidings::routing::Rule;
/// # let text = r#"
/// {"name": "codes", "priority": "high", "calling_code": [47, 45], "order": "weighted",
///  "accounts": ["norway", {"name": "spare", "weight": 0.5, "cost": 0.07}],
///  "sender_for": {"NO": "Tidings", "+45": "1960"}}
/// # "#;
/// # serde_json::from_str::<Rule>(text).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    pub(super) name: Option<Box<str>>,
    #[serde(rename = "prefix", deserialize_with = "config::one_or_many")]
    pub(super) prefixes: Vec<Prefix>,
    #[serde(rename = "calling_code", deserialize_with = "config::one_or_many")]
    pub(super) calling_codes: Vec<u16>,
    #[serde(rename = "region", deserialize_with = "config::one_or_many")]
    pub(super) regions: Vec<Region>,
    #[serde(rename = "sender", deserialize_with = "config::one_or_many")]
    pub(super) senders: Vec<SenderId>,
    #[serde(rename = "tag", deserialize_with = "config::one_or_many")]
    pub(super) tags: Vec<Tag>,
    #[serde(rename = "kind", deserialize_with = "config::one_or_many")]
    pub(super) kinds: Vec<MessageKind>,
    #[serde(rename = "priority", deserialize_with = "config::one_or_many")]
    pub(super) priorities: Vec<Priority>,
    #[serde(alias = "lanes")]
    pub(super) accounts: Vec<RouteAccount>,
    pub(super) order: Order,
    #[serde(rename = "sender_for", deserialize_with = "config::senders")]
    pub(super) senders_for: Vec<(Place, SenderId)>,
    pub(super) default_sender: Option<SenderId>,
    pub(super) adaptive: AdaptivePolicy,
}

impl Rule {
    /// The most accounts of one rule.
    pub const MAX_ACCOUNTS: usize = 32;

    /// A rule under a name, which [`Decision::why`](super::Decision::why) calls it by. It fits every
    /// message until conditions are added, and needs [accounts](Self::accounts).
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// Condition: the number begins with this: a plus and 1 to 15 digits, such as `+224` or `+22462`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefixes.push(Prefix(prefix.into()));
        self
    }

    /// Condition: the number's country calling code, such as 47.
    #[must_use]
    pub fn calling_code(mut self, code: u16) -> Self {
        self.calling_codes.push(code);
        self
    }

    /// Condition: the region whose numbering plan has the number. Tells the countries apart that
    /// share a calling code, such as the United States and Canada.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.regions.push(region);
        self
    }

    /// Condition: the sender that the message names.
    #[must_use]
    pub fn sender(mut self, sender: SenderId) -> Self {
        self.senders.push(sender);
        self
    }

    /// Condition: the message's tag.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    /// Condition: a text, or a message with a file.
    #[must_use]
    pub fn kind(mut self, kind: MessageKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Condition: the message's priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priorities.push(priority);
        self
    }

    /// Adds accounts behind those that are there, at most [`Self::MAX_ACCOUNTS`] in all. A name alone
    /// has weight 1 and no known cost.
    #[must_use]
    pub fn accounts(mut self, accounts: impl IntoIterator<Item = impl Into<RouteAccount>>) -> Self {
        self.accounts.extend(accounts.into_iter().map(Into::into));
        self
    }

    /// Sets in which order the accounts are tried. Default: [`Order::Failover`].
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Sets how far and how fast weights move under [`Order::Adaptive`].
    #[must_use]
    pub fn adaptive(mut self, policy: AdaptivePolicy) -> Self {
        self.adaptive = policy;
        self
    }

    /// Sets the sender of messages to a region or calling code that name no sender themselves. A region
    /// goes before a calling code.
    #[must_use]
    pub fn sender_for(mut self, place: impl Into<Place>, sender: SenderId) -> Self {
        self.senders_for.push((place.into(), sender));
        self
    }

    /// Sets the sender of all other messages that name none.
    #[must_use]
    pub fn default_sender(mut self, sender: SenderId) -> Self {
        self.default_sender = Some(sender);
        self
    }

    /// The accounts, in the order in which they were given.
    pub fn named_accounts(&self) -> &[RouteAccount] {
        &self.accounts
    }

    /// Whether this rule is about the message.
    pub(super) fn fits(&self, facts: &Facts<'_>) -> bool {
        let message = facts.message;
        let to = message.to.as_str();
        is_any_of(&self.kinds, |kind| *kind == facts.kind)
            && is_any_of(&self.priorities, |priority| *priority == message.priority)
            && is_any_of(&self.tags, |tag| message.tag.as_ref() == Some(tag))
            && is_any_of(&self.senders, |sender| {
                message.from.as_ref() == Some(sender)
            })
            && is_any_of(&self.prefixes, |prefix| to.starts_with(&*prefix.0))
            && is_any_of(&self.calling_codes, |code| {
                facts.is_in(Place::CallingCode(*code))
            })
            && is_any_of(&self.regions, |region| facts.is_in(Place::Region(*region)))
    }
}

/// A condition without values is none.
fn is_any_of<T>(values: &[T], fits: impl FnMut(&T) -> bool) -> bool {
    values.is_empty() || values.iter().any(fits)
}

/// In which order the accounts of a rule are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Order {
    /// One after the other as they are given, or by their [preference](RouteAccount::preference);
    /// of equal preference the cheaper first.
    #[default]
    Failover,
    /// A draw decides who is first, so that each account carries its share of the messages by weight. The
    /// others follow by weight, of equal weight the cheaper first.
    Weighted,
    /// As [`Self::Weighted`], and what is measured moves the weights, within bounds: see
    /// [`Controller`](super::Controller).
    Adaptive,
}

/// An account in a rule. Read from a configuration as a name, or as a table of these fields.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RouteAccount {
    /// The account.
    pub name: AccountName,
    /// Its share of the messages beside the weights of the others, above 0. Default: 1. Under
    /// [`Order::Adaptive`] it is the weight at rest.
    pub weight: f64,
    /// What a part of a text costs with it, in a unit that all accounts share. Breaks ties; an account
    /// of unknown cost stands behind those that are known.
    pub cost: Option<f64>,
    /// Its place under [`Order::Failover`], from 1. Default: one behind the account that is given before it.
    pub preference: Option<u16>,
    /// The sender of messages that name none, when this account carries them; goes before all
    /// senders of the rule.
    pub sender: Option<SenderId>,
}

impl RouteAccount {
    /// An account of weight 1.
    pub fn new(name: impl Into<AccountName>) -> Self {
        Self {
            name: name.into(),
            weight: 1.0,
            cost: None,
            preference: None,
            sender: None,
        }
    }

    /// Sets its share of the messages beside the weights of the others.
    #[must_use]
    pub fn weight(mut self, weight: f64) -> Self {
        self.weight = weight;
        self
    }

    /// Sets what a part of a text costs with it.
    #[must_use]
    pub fn cost(mut self, cost: f64) -> Self {
        self.cost = Some(cost);
        self
    }

    /// Sets its place under [`Order::Failover`], from 1.
    #[must_use]
    pub fn preference(mut self, place: u16) -> Self {
        self.preference = Some(place);
        self
    }

    /// Sets the sender of messages that name none, when this account carries them.
    #[must_use]
    pub fn sender(mut self, sender: SenderId) -> Self {
        self.sender = Some(sender);
        self
    }
}

impl<N: Into<AccountName>> From<N> for RouteAccount {
    fn from(name: N) -> Self {
        Self::new(name)
    }
}

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageKind {
    /// A text alone.
    Text,
    /// With a picture or another file.
    Media,
}

impl MessageKind {
    /// The kind of a message.
    pub fn of(message: &Message) -> Self {
        match message.media {
            None => Self::Text,
            Some(_) => Self::Media,
        }
    }
}

/// Where numbers belong: written `NO`, or `+47` for all that share the calling code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
#[non_exhaustive]
pub enum Place {
    /// A country or territory.
    Region(Region),
    /// All numbers with a country calling code.
    CallingCode(u16),
}

impl From<Region> for Place {
    fn from(region: Region) -> Self {
        Self::Region(region)
    }
}

impl From<u16> for Place {
    fn from(code: u16) -> Self {
        Self::CallingCode(code)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(region) => write!(f, "{region}"),
            Self::CallingCode(code) => write!(f, "+{code}"),
        }
    }
}

impl FromStr for Place {
    type Err = tidings_core::E164Error;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('+') {
            Some(code) if code.bytes().all(|byte| byte.is_ascii_digit()) => code
                .parse()
                .map(Self::CallingCode)
                .map_err(|_| Self::Err::UnknownCallingCode),
            Some(_) => Err(Self::Err::UnknownCallingCode),
            None => text.parse().map(Self::Region),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = tidings_core::E164Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The beginning of phone numbers. May be a whole number, so what it shows is never more than
/// its first digits.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Prefix(pub(super) Box<str>);

impl Prefix {
    const SHOWN_CHARACTERS: usize = 7;

    /// Whether numbers can begin with it.
    pub(super) fn is_possible(&self) -> bool {
        self.0.strip_prefix('+').is_some_and(|digits| {
            (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    }

    /// Whether every number that begins with `other` begins with this too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&*self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(Self::SHOWN_CHARACTERS) {
            Some((end, _)) => write!(f, "{}…", self.0.get(..end).unwrap_or_default()),
            None => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
