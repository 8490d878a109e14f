//! Sign-ins that hold for some time, and what they are signed with.

use async_trait::async_trait;
use rusqlite::{Row, params};
use secrecy::{ExposeSecret as _, SecretString};
use tidings_core::Timestamp;

use super::SqliteStore;
use super::db::Db;
use super::row::RowExt;
use super::sql::statements;
use super::write::Write;
use crate::error::Result;
use crate::model::{AccountId, KeyId, StoredToken};
use crate::secrets::Secrets;
use crate::store::Tokens;

statements! {
    ADD_TOKEN = "INSERT OR REPLACE INTO tokens (hash, kind, account, api_key, identity, issued_at,
        expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    TOKEN = "SELECT hash, kind, account, api_key, identity, issued_at, expires_at FROM tokens
        WHERE hash = ?1 AND (expires_at IS NULL OR expires_at > ?2)";
    REMOVE = "DELETE FROM tokens WHERE hash = ?1";
    ADD_SECRET = "INSERT INTO secrets (name, secret) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING";
    SECRET = "SELECT secret FROM secrets WHERE name = ?1";
    REMOVE_OF = "DELETE FROM tokens WHERE account = ?1 AND identity = ?2";
}

#[async_trait]
impl Tokens for SqliteStore {
    async fn add_tokens(&self, tokens: Vec<StoredToken>) -> Result<()> {
        let work = move |write: &mut Write| {
            for token in &tokens {
                let parameters = params![
                    token.hash,
                    token.kind,
                    write.db.intern(token.account.as_str())?,
                    token.key.0.into_bytes(),
                    token.identity,
                    token.issued_at.as_millis(),
                    token.expires_at.map(Timestamp::as_millis),
                ];
                write.db.execute(ADD_TOKEN, parameters)?;
            }
            Ok(())
        };
        self.write(1, work).await
    }

    async fn token(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<StoredToken>> {
        let hash = *hash;
        let read = move |db: &Db| {
            let parameters = params![hash, now.as_millis()];
            let token = db.one(TOKEN, parameters, |row| Ok(read_token(db, row)))?;
            token.transpose()
        };
        self.read(read).await
    }

    async fn remove_token(&self, hash: &[u8; 32]) -> Result<bool> {
        let hash = *hash;
        self.write(1, move |write| Ok(write.db.execute(REMOVE, [hash])? > 0))
            .await
    }

    async fn remove_tokens_of(&self, account: &AccountId, identity: &str) -> Result<u64> {
        let (account, identity) = (account.clone(), identity.to_owned());
        let work = move |write: &mut Write| {
            let Some(account) = write.db.key_of(account.as_str())? else {
                return Ok(0);
            };
            let n_removed = write.db.execute(REMOVE_OF, params![account, identity])?;
            Ok(n_removed as u64)
        };
        self.write(1, work).await
    }
}

#[async_trait]
impl Secrets for SqliteStore {
    async fn secret(&self, name: &str, drawn: SecretString) -> Result<SecretString> {
        let name = name.to_owned();
        let work = move |write: &mut Write| {
            let added = params![name, drawn.expose_secret()];
            write.db.execute(ADD_SECRET, added)?;
            let kept = write
                .db
                .one(SECRET, [&name], |row| row.get::<_, String>(0))?;
            Ok(kept.map_or_else(|| drawn.clone(), SecretString::from))
        };
        self.write(1, work).await
    }
}

fn read_token(db: &Db, row: &Row<'_>) -> Result<StoredToken> {
    Ok(StoredToken {
        hash: row.get(0)?,
        kind: row.get(1)?,
        account: AccountId::from(&*db.name_of(row.get(2)?)?),
        key: KeyId(row.id(3)?),
        identity: row.text_opt(4)?,
        issued_at: row.time(5)?,
        expires_at: row.time_opt(6)?,
    })
}
