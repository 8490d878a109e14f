//! Sign-ins that hold for some time, and what they are signed with.

use async_trait::async_trait;
use secrecy::SecretString;
use tidings_core::Timestamp;

use super::MemoryStore;
use crate::error::Result;
use crate::model::{AccountId, StoredToken};
use crate::secrets::Secrets;
use crate::store::Tokens;

#[async_trait]
impl Tokens for MemoryStore {
    async fn add_tokens(&self, tokens: Vec<StoredToken>) -> Result<()> {
        let tokens = tokens.into_iter().map(|token| (token.hash, token));
        self.lock().tokens.extend(tokens);
        Ok(())
    }

    async fn token(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<StoredToken>> {
        let state = &*self.lock();
        let is_good = |token: &&StoredToken| token.expires_at.is_none_or(|at| now < at);
        Ok(state.tokens.get(hash).filter(is_good).cloned())
    }

    async fn remove_token(&self, hash: &[u8; 32]) -> Result<bool> {
        Ok(self.lock().tokens.remove(hash).is_some())
    }

    async fn remove_tokens_of(&self, account: &AccountId, identity: &str) -> Result<u64> {
        let tokens = &mut self.lock().tokens;
        let n_before = tokens.len();
        tokens.retain(|_, token| {
            token.account != *account || token.identity.as_deref() != Some(identity)
        });
        Ok((n_before - tokens.len()) as u64)
    }
}

#[async_trait]
impl Secrets for MemoryStore {
    async fn secret(&self, name: &str, drawn: SecretString) -> Result<SecretString> {
        let secrets = &mut self.lock().secrets;
        let kept = secrets.entry(name.into()).or_insert(drawn);
        Ok(kept.clone())
    }
}
