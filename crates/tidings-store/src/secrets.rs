//! What the gateway itself signs with: [`Secrets`], one area of [`Store`](crate::Store).
//!
//! In a file of its own because it is no customer's: tokens that the gateway has signed have to be good after a
//! restart.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::error::Result;

/// Secrets of the gateway's own. They are kept as they are, as those of webhooks: whoever can read the
/// store can sign as the gateway does.
#[async_trait]
pub trait Secrets: Send + Sync + 'static {
    /// The secret that is kept under a name; where there is none, this one, which is kept from now on. Of
    /// callers at the same time all get the same.
    async fn secret(&self, name: &str, drawn: SecretString) -> Result<SecretString>;
}
