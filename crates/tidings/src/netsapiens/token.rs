//! The token that signing in brings, and where it is kept.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;
use tidings_core::Timestamp;

use crate::error::Result;

/// What signing in brings, with everything that the server tells about the user.
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    /// What is presented with every call.
    pub access_token: SecretString,
    /// What it is renewed with.
    pub refresh_token: Option<SecretString>,
    /// When it ends, by this machine's clock.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Keeps a client's token between runs of the program.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// The token that was saved last.
    async fn load(&self) -> Result<Option<Token>>;

    /// Saves a token in the place of the one before.
    async fn save(&self, token: &Token) -> Result<()>;
}
