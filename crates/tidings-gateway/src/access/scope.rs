//! What a key allows.
//!
//! Read from stored words by `cache.rs`, asked for by the handlers of every call. It knows no request.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One thing that a key may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// To send, stop and resend messages.
    Send,
    /// To read messages, numbers and texts of the account.
    Read,
    /// To change the account's own contacts, webhooks and keys.
    Manage,
    /// To run the gateway: accounts, lanes and the keys of all. It allows everything else too.
    Admin,
}

impl Scope {
    /// Every scope, the narrowest first.
    pub const ALL: &'static [Self] = &[Self::Send, Self::Read, Self::Manage, Self::Admin];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Manage => "manage",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Send => 1,
            Self::Read => 2,
            Self::Manage => 4,
            Self::Admin => 8,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter().copied();
        all.find(|scope| scope.as_str() == word).ok_or(UnknownScope)
    }
}

/// A text is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of these words: send read manage admin")]
pub struct UnknownScope;

/// What a key allows, all together.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// What a service needs that sends for its own account: all but running the gateway.
    pub const ACCOUNT: Self = Self(1 | 2 | 4);
    /// Everything.
    pub const EVERYTHING: Self = Self(1 | 2 | 4 | 8);

    /// These scopes.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// Reads stored words; one that is not known, from a newer version, allows nothing.
    pub fn of_words(words: &[Arc<str>]) -> Self {
        Self::of(words.iter().filter_map(|word| word.parse().ok()))
    }

    /// The stable words.
    pub fn words(self) -> Vec<Arc<str>> {
        self.iter().map(|scope| scope.as_str().into()).collect()
    }

    /// Whether this is allowed.
    pub const fn allows(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | Scope::Admin.bit()) != 0
    }

    /// Whether nothing in these goes beyond what `self` allows.
    pub fn covers(self, others: Self) -> bool {
        others.iter().all(|scope| self.allows(scope))
    }

    fn iter(self) -> impl Iterator<Item = Scope> {
        let all = Scope::ALL.iter().copied();
        all.filter(move |scope| self.0 & scope.bit() != 0)
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
