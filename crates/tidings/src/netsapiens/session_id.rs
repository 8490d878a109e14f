//! The names that we give to message sessions: [`SessionId`], which the server takes, and how the
//! client makes them.
//!
//! Called by `send.rs` for new sessions and by `submit.rs` for those that must be found again. Ids that
//! servers made may have another form; they are read as texts and never checked.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tidings_core::{ClientRef, E164};

/// The name of a message session that we make up: 32 or more letters, digits and underscores.
///
/// It should hold a letter: servers write texts that are all digits as numbers, and a number of so
/// many digits does not survive every program on its way. Those that this client makes do.
///
/// ```
/// use tidings::netsapiens::SessionId;
///
/// let session: SessionId = "order_4711_of_the_shop_in_conakry".parse()?;
/// assert_eq!(session.as_str().len(), 33);
/// assert!(SessionId::new("too_short").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// The shortest id that the server takes, in characters.
    pub const MIN_LENGTH: usize = 32;

    /// Checks and takes an id.
    ///
    /// # Errors
    /// [`SessionIdError`] when it is too short, or holds anything but ASCII letters, digits and
    /// underscores; a line break at its end is such a thing.
    pub fn new(id: impl Into<Box<str>>) -> Result<Self, SessionIdError> {
        let id = id.into();
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if let Some(position) = id.bytes().position(|byte| !is_allowed(byte)) {
            return Err(SessionIdError::BadCharacter { position });
        }
        let length = id.len();
        if length < Self::MIN_LENGTH {
            return Err(SessionIdError::TooShort { length });
        }
        Ok(Self(id))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The session of one message, which follows from what is known of it before it is sent: a
    /// program that has died finds it again.
    pub(super) fn of_message(reference: &ClientRef, from: &E164, to: &E164) -> Self {
        Self::derived(&[reference.as_str(), from.as_str(), to.as_str()])
    }

    /// The session of all messages from one number to another.
    pub(super) fn of_recipient(from: &E164, to: &E164) -> Self {
        Self::derived(&[from.as_str(), to.as_str()])
    }

    fn derived(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // No part holds a line break, so that no two lists of parts are the same bytes.
            hash.update(part.as_bytes());
            hash.update(b"\n");
        }
        let digest = hash.finalize();
        let half = digest.iter().take(16);
        let mut number = [0; 16];
        number
            .iter_mut()
            .zip(half)
            .for_each(|(to, from)| *to = *from);
        Self::numbered(u128::from_be_bytes(number))
    }

    fn numbered(number: u128) -> Self {
        Self(format!("tidings_{number:032x}").into())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

/// Why a text cannot be a [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionIdError {
    /// It is shorter than [`SessionId::MIN_LENGTH`].
    TooShort {
        /// Its length in bytes.
        length: usize,
    },
    /// It holds something other than ASCII letters, digits and underscores.
    BadCharacter {
        /// Byte position of the first one, from 0.
        position: usize,
    },
}

impl fmt::Display for SessionIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { length } => {
                write!(f, "a session id needs 32 characters and has {length}")
            }
            Self::BadCharacter { position } => write!(
                f,
                "a session id holds letters, digits and underscores only; byte {position} is another"
            ),
        }
    }
}

impl std::error::Error for SessionIdError {}

/// Makes ids for new sessions, all different.
pub(super) struct NewSessions(Mutex<fastrand::Rng>);

impl NewSessions {
    pub(super) fn new(random: fastrand::Rng) -> Self {
        Self(Mutex::new(random))
    }

    /// The id of a new session.
    pub(super) fn next(&self) -> SessionId {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        SessionId::numbered(random.u128(..))
    }
}

impl fmt::Debug for NewSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSessions").finish_non_exhaustive()
    }
}
