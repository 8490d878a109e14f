//! Customers and their keys.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Row, params};
use tidings_core::Timestamp;

use super::SqliteStore;
use super::db::Db;
use super::row::RowExt;
use super::sql::statements;
use super::write::Write;
use crate::error::{Result, StoreError};
use crate::model::{AccountChange, AccountId, KeyId, KeyUse, StoredAccount, StoredKey};
use crate::store::Accounts;

/// The columns of [`read_key`].
macro_rules! key {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, api, lookup, hash, label, scopes, networks, details, created_at,
                expires_at, revoked_at, last_used_at, last_used_from FROM keys ",
            $rest
        )
    };
}

statements! {
    ADD_ACCOUNT = "INSERT INTO accounts (key, settings, quota, is_active, created_at, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    HAS_ACCOUNT = "SELECT EXISTS (SELECT 1 FROM accounts WHERE key = ?1)";
    ACCOUNTS = "SELECT n.name, a.settings, a.quota, a.is_active, a.created_at, a.version
        FROM accounts a CROSS JOIN names n ON n.key = a.key ORDER BY n.name";
    ACCOUNT = "SELECT n.name, a.settings, a.quota, a.is_active, a.created_at, a.version
        FROM accounts a JOIN names n ON n.key = a.key WHERE a.key = ?1";
    CHANGE_ACCOUNT = "UPDATE accounts SET settings = ?2, quota = ?3, is_active = ?4, version = ?5
        WHERE key = ?1";
    ADD_KEY = "INSERT INTO keys (id, account, api, lookup, hash, label, scopes, networks, details,
        created_at, expires_at, revoked_at, last_used_at, last_used_from)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    HAS_KEY = "SELECT EXISTS (SELECT 1 FROM keys WHERE id = ?1)
        OR EXISTS (SELECT 1 FROM keys WHERE api = ?2 AND lookup = ?3)";
    KEYS = key!("ORDER BY key");
    KEYS_OF = key!("WHERE account = ?1 ORDER BY key");
    KEY = key!("WHERE api = ?1 AND lookup = ?2");
    REVOKE = "UPDATE keys SET revoked_at = ?2 WHERE id = ?1";
    NOTE_USE = "UPDATE keys SET last_used_at = ?2, last_used_from = ?3
        WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at <= ?2)";
}

#[async_trait]
impl Accounts for SqliteStore {
    async fn add_account(&self, account: StoredAccount) -> Result<()> {
        let work = move |write: &mut Write| {
            let key = write.db.intern(account.id.as_str())?;
            if write.db.one(HAS_ACCOUNT, [key], |row| row.get(0))? == Some(true) {
                return Err(StoreError::conflict("there is an account of this name"));
            }
            let parameters = params![
                key,
                account.settings,
                account.quota,
                account.is_active,
                account.created_at.as_millis(),
                account.version,
            ];
            write.db.execute(ADD_ACCOUNT, parameters)?;
            Ok(())
        };
        self.write(1, work).await
    }

    async fn accounts(&self) -> Result<Vec<StoredAccount>> {
        self.read(|db| db.all(ACCOUNTS, [], read_account)).await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<StoredAccount>> {
        let id = id.clone();
        let read = move |db: &Db| match db.key_of(id.as_str())? {
            Some(key) => db.one(ACCOUNT, [key], read_account),
            None => Ok(None),
        };
        self.read(read).await
    }

    async fn change_account(&self, id: &AccountId, change: AccountChange) -> Result<StoredAccount> {
        let id = id.clone();
        let work = move |write: &mut Write| {
            let not_found = || StoreError::not_found("account");
            let key = write.db.key_of(id.as_str())?.ok_or_else(not_found)?;
            let account = write.db.one(ACCOUNT, [key], read_account)?;
            let mut account = account.ok_or_else(not_found)?;
            if let Some(settings) = &change.settings {
                account.settings = Arc::clone(settings);
            }
            if let Some(quota) = change.quota {
                account.quota = quota;
            }
            if let Some(is_active) = change.is_active {
                account.is_active = is_active;
            }
            account.version += 1;
            let parameters = params![
                key,
                account.settings,
                account.quota,
                account.is_active,
                account.version,
            ];
            write.db.execute(CHANGE_ACCOUNT, parameters)?;
            Ok(account)
        };
        self.write(1, work).await
    }

    async fn add_key(&self, key: StoredKey) -> Result<()> {
        self.write(1, move |write| add_key(write, &key)).await
    }

    async fn keys(&self, account: Option<&AccountId>) -> Result<Vec<StoredKey>> {
        let account = account.cloned();
        let read = move |db: &Db| {
            let keys = match &account {
                None => db.all(KEYS, [], |row| Ok(read_key(db, row)))?,
                Some(account) => match db.key_of(account.as_str())? {
                    Some(account) => db.all(KEYS_OF, [account], |row| Ok(read_key(db, row)))?,
                    None => Vec::new(),
                },
            };
            keys.into_iter().collect()
        };
        self.read(read).await
    }

    async fn key(&self, api: &str, lookup: &str) -> Result<Option<StoredKey>> {
        let (api, lookup) = (api.to_owned(), lookup.to_owned());
        let read = move |db: &Db| {
            let key = db.one(KEY, params![api, lookup], |row| Ok(read_key(db, row)))?;
            key.transpose()
        };
        self.read(read).await
    }

    async fn revoke_key(&self, id: KeyId, at: Timestamp) -> Result<()> {
        let work = move |write: &mut Write| {
            let parameters = params![id.0.into_bytes(), at.as_millis()];
            match write.db.execute(REVOKE, parameters)? {
                0 => Err(StoreError::not_found("key")),
                _ => Ok(()),
            }
        };
        self.write(1, work).await
    }

    async fn note_uses(&self, uses: Vec<KeyUse>) -> Result<()> {
        let work = move |write: &mut Write| {
            for one in &uses {
                let parameters = params![
                    one.id.0.into_bytes(),
                    one.at.as_millis(),
                    one.from.map(|from| from.to_string()),
                ];
                write.db.execute(NOTE_USE, parameters)?;
            }
            Ok(())
        };
        self.write(1, work).await
    }
}

fn add_key(write: &Write, key: &StoredKey) -> Result<()> {
    let id = key.id.0.into_bytes();
    let parameters = params![id, key.api, key.lookup];
    if write.db.one(HAS_KEY, parameters, |row| row.get(0))? == Some(true) {
        return Err(StoreError::conflict("there is a key of this name"));
    }
    let parameters = params![
        id,
        write.db.intern(key.account.as_str())?,
        key.api,
        key.lookup,
        key.hash,
        key.label,
        words(&key.scopes)?,
        words(&key.networks)?,
        key.details,
        key.created_at.as_millis(),
        key.expires_at.map(Timestamp::as_millis),
        key.revoked_at.map(Timestamp::as_millis),
        key.last_used_at.map(Timestamp::as_millis),
        key.last_used_from.map(|from| from.to_string()),
    ];
    write.db.execute(ADD_KEY, parameters)?;
    Ok(())
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<StoredAccount> {
    let id: String = row.get(0)?;
    Ok(StoredAccount {
        id: AccountId::from(id),
        settings: row.get(1)?,
        quota: row.get(2)?,
        is_active: row.get(3)?,
        created_at: row.time(4)?,
        version: row.get(5)?,
    })
}

fn read_key(db: &Db, row: &Row<'_>) -> Result<StoredKey> {
    let last_used_from: Option<String> = row.get(13)?;
    Ok(StoredKey {
        id: KeyId(row.id(0)?),
        account: AccountId::from(&*db.name_of(row.get(1)?)?),
        api: row.get(2)?,
        lookup: row.get(3)?,
        hash: row.get(4)?,
        label: row.text_opt(5)?,
        scopes: words_of(row, 6)?,
        networks: words_of(row, 7)?,
        details: row.text_opt(8)?,
        created_at: row.time(9)?,
        expires_at: row.time_opt(10)?,
        revoked_at: row.time_opt(11)?,
        last_used_at: row.time_opt(12)?,
        last_used_from: last_used_from.and_then(|from| from.parse().ok()),
    })
}

/// A list of words as one column has it.
pub(super) fn words(words: &[Arc<str>]) -> Result<String> {
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    serde_json::to_string(&words).map_err(|error| {
        StoreError::conflict("a list of words cannot be written").with_source(error)
    })
}

/// A list that was written by [`words`].
pub(super) fn words_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Arc<str>>> {
    let text: String = row.get(column)?;
    let words: Vec<String> =
        serde_json::from_str(&text).map_err(|_| super::row::unreadable(column))?;
    Ok(words.into_iter().map(Into::into).collect())
}
