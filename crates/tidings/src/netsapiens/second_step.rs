//! The second step of signing in: what the server asks for, and the answer to it. Made by
//! `grant.rs`, handed to programs by `Client::sign_in`.

use std::fmt;

use secrecy::SecretString;

use super::token::Token;

/// How far signing in has come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SignedIn {
    /// The client is signed in.
    Done(Box<Token>),
    /// The server wants a passcode: [`Client::answer`](super::Client::answer) gives it.
    SecondStep(MfaChallenge),
    /// The client presents an API key, which needs no signing in.
    NotNeeded,
}

/// A second step of signing in that is due.
#[doc(alias = "mfa_required")]
#[derive(Clone)]
#[non_exhaustive]
pub struct MfaChallenge {
    /// How the user shows who he is, such as `authenticator`.
    pub mfa_type: String,
    /// Whose program makes the passcodes, such as `google`.
    pub mfa_vendor: String,
    /// What kind of user signs in. The server does not tell; set it where it is not a subscriber.
    #[doc(alias = "ns_id_type")]
    pub identity: MfaIdentity,
    /// The token of the first step, which can do nothing but be answered.
    pub access_token: SecretString,
}

/// Shows how it is to be answered.
impl fmt::Debug for MfaChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MfaChallenge")
            .field("mfa_type", &self.mfa_type)
            .field("mfa_vendor", &self.mfa_vendor)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// What kind of user signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MfaIdentity {
    /// `subscriber`: a user of a domain.
    #[default]
    Subscriber,
    /// `level1`: an operator's own user.
    Level1,
}

impl MfaIdentity {
    /// The vendor's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Level1 => "level1",
        }
    }
}

/// Whether this can be a passcode: six digits.
pub(super) fn is_passcode(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}
