//! Customers and their keys.

use async_trait::async_trait;
use tidings_core::Timestamp;

use super::MemoryStore;
use crate::error::{Result, StoreError};
use crate::model::{AccountChange, AccountId, KeyId, KeyUse, StoredAccount, StoredKey};
use crate::store::Accounts;

#[async_trait]
impl Accounts for MemoryStore {
    async fn add_account(&self, account: StoredAccount) -> Result<()> {
        let state = &mut *self.lock();
        if state.accounts.contains_key(&account.id) {
            return Err(StoreError::conflict("there is an account of this name"));
        }
        state.accounts.insert(account.id.clone(), account);
        Ok(())
    }

    async fn accounts(&self) -> Result<Vec<StoredAccount>> {
        Ok(self.lock().accounts.values().cloned().collect())
    }

    async fn account(&self, id: &AccountId) -> Result<Option<StoredAccount>> {
        Ok(self.lock().accounts.get(id).cloned())
    }

    async fn change_account(&self, id: &AccountId, change: AccountChange) -> Result<StoredAccount> {
        let state = &mut *self.lock();
        let account = state.accounts.get_mut(id);
        let account = account.ok_or_else(|| StoreError::not_found("account"))?;
        if let Some(settings) = change.settings {
            account.settings = settings;
        }
        if let Some(quota) = change.quota {
            account.quota = quota;
        }
        if let Some(is_active) = change.is_active {
            account.is_active = is_active;
        }
        account.version += 1;
        Ok(account.clone())
    }

    async fn add_key(&self, key: StoredKey) -> Result<()> {
        let state = &mut *self.lock();
        let is_taken =
            |it: &StoredKey| it.id == key.id || (it.api == key.api && it.lookup == key.lookup);
        if state.keys.iter().any(is_taken) {
            return Err(StoreError::conflict("there is a key of this name"));
        }
        state.keys.push(key);
        Ok(())
    }

    async fn keys(&self, account: Option<&AccountId>) -> Result<Vec<StoredKey>> {
        let state = &*self.lock();
        let keys = state.keys.iter();
        let keys = keys.filter(|key| account.is_none_or(|account| key.account == *account));
        Ok(keys.cloned().collect())
    }

    async fn key(&self, api: &str, lookup: &str) -> Result<Option<StoredKey>> {
        let state = &*self.lock();
        let mut keys = state.keys.iter();
        let key = keys.find(|key| &*key.api == api && &*key.lookup == lookup);
        Ok(key.cloned())
    }

    async fn revoke_key(&self, id: KeyId, at: Timestamp) -> Result<()> {
        let state = &mut *self.lock();
        let key = state.keys.iter_mut().find(|key| key.id == id);
        let key = key.ok_or_else(|| StoreError::not_found("key"))?;
        key.revoked_at = Some(at);
        Ok(())
    }

    async fn note_uses(&self, uses: Vec<KeyUse>) -> Result<()> {
        let state = &mut *self.lock();
        for one in uses {
            let key = state.keys.iter_mut().find(|key| key.id == one.id);
            if let Some(key) = key.filter(|key| key.last_used_at.is_none_or(|at| at <= one.at)) {
                key.last_used_at = Some(one.at);
                key.last_used_from = one.from;
            }
        }
        Ok(())
    }
}
