//! Tokens: a sign-in that holds for some time.
//!
//! [`TokenDesk`] stands behind the APIs whose callers sign in once and then present a token; what a
//! token looks like on the wire is the vendor's business.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tidings_core::Timestamp;

use super::{Presented, Principal, Refusal};

/// Opens, renews, checks and ends tokens. A backend that has none refuses.
#[async_trait]
pub trait TokenDesk: Send + Sync + 'static {
    /// Checks credentials and opens a sign-in. `second_step` is what the caller answers to a
    /// [`SignedIn::SecondStep`].
    async fn open(
        &self,
        _presented: &Presented,
        _second_step: Option<&SecondStep>,
    ) -> Result<SignedIn, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Opens a sign-in for a user on behalf of somebody who may do that.
    async fn open_for(
        &self,
        _who: &Principal,
        _user: &crate::conversations::Mailbox,
    ) -> Result<Token, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Replaces a token: `refresh` was handed out with it and can be used once. `presented` holds
    /// what the program itself has to present besides, which may be nothing.
    async fn renew(&self, _presented: &Presented, _refresh: &str) -> Result<Token, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Whose token, or whose key for programs, is this?
    ///
    /// # Errors
    /// [`Refusal::Expired`] for one that was good, [`Refusal::Unauthorized`] for one that never was.
    async fn bearer(&self, _token: &str) -> Result<Token, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Ends tokens.
    async fn revoke(&self, _who: &Principal, _which: Revoked<'_>) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// What a caller answers when a password alone is not enough.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SecondStep {
    /// The token that was handed out after the first step.
    pub token: SecretString,
    /// The digits that the user's device shows.
    pub passcode: SecretString,
}

impl SecondStep {
    /// The digits for a first step.
    pub fn new(token: impl Into<SecretString>, passcode: impl Into<SecretString>) -> Self {
        Self {
            token: token.into(),
            passcode: passcode.into(),
        }
    }
}

/// What a sign-in brings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SignedIn {
    /// A token.
    Token(Box<Token>),
    /// A token that is good for nothing but the second step.
    SecondStep(Box<Token>),
}

/// A sign-in that holds for some time.
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    /// What is presented with every call: letters and digits. It is as secret as a password.
    pub access: SecretString,
    /// What it is renewed with, once; a key for programs has none.
    pub refresh: Option<SecretString>,
    /// When it was opened.
    pub issued_at: Timestamp,
    /// How long it holds from then on; `None` for a key for programs, which holds until it is
    /// taken away.
    pub lifetime: Option<Duration>,
    /// Whose it is.
    pub who: Principal,
}

impl Token {
    /// A token that cannot be renewed and does not end.
    pub fn new(access: impl Into<SecretString>, issued_at: Timestamp, who: Principal) -> Self {
        Self {
            access: access.into(),
            refresh: None,
            issued_at,
            lifetime: None,
            who,
        }
    }

    /// Whether it is a key for programs: it belongs to no user.
    pub fn is_key(&self) -> bool {
        self.lifetime.is_none()
    }
}

/// Shows whose it is and how long it holds.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("who", &self.who)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Which tokens end.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Revoked<'a> {
    /// One of them.
    Token(&'a str),
    /// Those of a user, `user@domain`.
    User(&'a str),
}

impl fmt::Debug for Revoked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token",
            Self::User(_) => "User",
        })
    }
}

/// Who a caller is within an account, where the vendor's API knows that.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The user; `None` for a key for programs.
    pub user: Option<String>,
    /// The domain; `None` for who may act in all of them.
    pub domain: Option<String>,
    /// Who sells the domain.
    pub reseller: String,
    /// How far his rights go.
    pub rights: Rights,
    /// The name that users are shown.
    pub display_name: String,
    /// His mail address.
    pub email: Option<String>,
    /// The program that signed in for him.
    pub client_id: Option<String>,
}

impl Identity {
    /// A user of a domain, with the rights of one.
    pub fn new(domain: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            user: Some(user.into()),
            domain: Some(domain.into()),
            reseller: String::new(),
            rights: Rights::User,
            display_name: String::new(),
            email: None,
            client_id: None,
        }
    }
}

/// Leaves names and addresses of people out.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("user", &self.user)
            .field("domain", &self.domain)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}

/// How far a caller's rights go, the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rights {
    /// What is his own.
    User,
    /// What is his domain's.
    Domain,
    /// What is of the domains of his reseller.
    Reseller,
    /// Everything.
    System,
}
