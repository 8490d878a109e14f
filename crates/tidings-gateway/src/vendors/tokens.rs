//! Tokens: sign-ins that hold for some time, of which the store keeps hashes.
//!
//! Called by the routers of APIs whose callers sign in. A token stands for a key of the account and is
//! good for as long as the key is. A refresh token is good for one use; the access token that it came
//! with holds on to its end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tidings::backend::{
    Presented, Principal, Refusal, Revoked, SecondStep, SignedIn, Token, TokenDesk,
};
use tidings::conversations::Mailbox;
use tidings_core::Timestamp;
use tidings_store::{AccountId, KeyId, StoredToken};

use super::Door;
use super::caller::{Caller, mailbox_of};
use super::refusals::{forbidden, of_store};
use super::sign_in::of_denied;
use crate::access::{Denied, Scope, present_address};

/// How long a token holds, and how long it can be renewed: what the vendors' servers do.
const LIFETIME: Duration = Duration::from_hours(1);
const REFRESH_LIFETIME: Duration = Duration::from_hours(24);

/// What a token is for, as the store keeps it. That of an access token is followed by the hash of the
/// refresh token that it came with.
const ACCESS: &str = "access:";
const REFRESH: &str = "refresh";

/// What keys of our own API begin with.
const KEY: &str = "tk_";

#[async_trait]
impl TokenDesk for Door {
    /// Opens a sign-in. A second step is never asked for, so whoever comes with one is refused.
    async fn open(
        &self,
        presented: &Presented,
        second_step: Option<&SecondStep>,
    ) -> Result<SignedIn, Refusal> {
        if second_step.is_some() {
            return Err(Refusal::Unauthorized);
        }
        let caller = self.caller_presenting(presented).await?;
        let token = self.issue(&caller).await?;
        Ok(SignedIn::Token(Box::new(token)))
    }

    async fn open_for(&self, who: &Principal, user: &Mailbox) -> Result<Token, Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let user = self.user(&caller, user).await?;
        let owner = self.caller_of_key(&user.key.account, user.key.id).await;
        self.issue(&*owner.map_err(of_denied)?).await
    }

    async fn renew(&self, presented: &Presented, refresh: &str) -> Result<Token, Refusal> {
        let store = self.gateway.store();
        let hash = hash_of(refresh);
        let found = store.token(&hash, self.gateway.now()).await;
        let found = found.map_err(|error| of_store(&error))?;
        let kept = found.filter(|kept| &*kept.kind == REFRESH);
        let kept = kept.ok_or(Refusal::Unauthorized)?;
        let owner = self.caller_of_key(&kept.account, kept.key).await;
        let owner = owner.map_err(of_denied)?;
        // A program may have to say which one it is; where it does, it has to be right.
        let mut settings = self
            .spec
            .settings
            .iter()
            .filter(|setting| !setting.is_secret);
        let is_right = settings.all(|setting| {
            let known = owner.details.setting(setting.name);
            presented
                .value(setting.name)
                .is_none_or(|given| known == Some(given))
        });
        if !is_right {
            return Err(Refusal::Unauthorized);
        }
        // Of two who renew at once, one has taken it away first.
        let is_first = store.remove_token(&hash).await;
        if !is_first.map_err(|error| of_store(&error))? {
            return Err(Refusal::Unauthorized);
        }
        self.issue(&owner).await
    }

    async fn bearer(&self, token: &str) -> Result<Token, Refusal> {
        if token.starts_with(KEY) {
            return self.key_of_a_program(token).await;
        }
        let store = self.gateway.store();
        let hash = hash_of(token);
        let now = self.gateway.now();
        let found = store.token(&hash, now).await;
        let Some(kept) = found.map_err(|error| of_store(&error))?.filter(is_access) else {
            // One that was good once is still known until it is swept away.
            let before = store.token(&hash, Timestamp::UNIX_EPOCH).await;
            let before = before.map_err(|error| of_store(&error))?;
            return Err(match before.filter(is_access) {
                Some(_) => Refusal::Expired,
                None => Refusal::Unauthorized,
            });
        };
        let owner = self.caller_of_key(&kept.account, kept.key).await;
        let owner = owner.map_err(of_denied)?;
        let admitted = self.gateway.access().admit(&self.gateway, owner.known());
        admitted.map_err(of_denied)?;
        let mut token = Token::new(token, kept.issued_at, owner.principal());
        token.lifetime = kept.expires_at.map(|end| end.since(kept.issued_at));
        Ok(token)
    }

    async fn revoke(&self, who: &Principal, which: Revoked<'_>) -> Result<(), Refusal> {
        let caller = self.callers.of(who)?;
        let store = self.gateway.store();
        match which {
            Revoked::Token(access) => {
                let unknown = Refusal::NotFound { what: "token" };
                let hash = hash_of(access);
                let found = store.token(&hash, self.gateway.now()).await;
                let found = found.map_err(|error| of_store(&error))?;
                let is_his = |kept: &StoredToken| kept.account == *caller.account();
                let kept = found.filter(is_access).filter(is_his).ok_or(unknown)?;
                let ends = [Some(hash), refresh_of(&kept)];
                for hash in ends.into_iter().flatten() {
                    let removed = store.remove_token(&hash).await;
                    removed.map_err(|error| of_store(&error))?;
                }
                Ok(())
            }
            Revoked::User(name) => {
                let owner = mailbox_of(name);
                caller.check_owner(&owner)?;
                let identity = written(&owner);
                let removed = store.remove_tokens_of(caller.account(), &identity).await;
                removed.map(drop).map_err(|error| of_store(&error))
            }
            _ => Err(forbidden("ending tokens in this way")),
        }
    }
}

impl Door {
    /// A key of our own API, in the place that vendors have keys for programs in: it belongs to no
    /// user, and acts for those of its account as far as its scopes go.
    async fn key_of_a_program(&self, key: &str) -> Result<Token, Refusal> {
        let access = self.gateway.access();
        let known = access.check(&self.gateway, key, present_address());
        let known = known.await.map_err(of_denied)?;
        access.admit(&self.gateway, &known).map_err(of_denied)?;
        let users = self.users_of(known.account()).await?;
        let domain = users.into_iter().next().map(|user| user.mailbox.domain);
        let domain = domain.ok_or(Refusal::Unauthorized)?;
        let since = known.key().created_at;
        let caller = |known| Caller::of_program(self.spec, known, domain);
        let caller = self.callers.remember(known, caller);
        Ok(Token::new(key, since, caller.principal()))
    }

    /// Opens a sign-in for whoever owns a key.
    async fn issue(&self, caller: &Caller) -> Result<Token, Refusal> {
        let (access, refresh) = (draw()?, draw()?);
        let now = self.gateway.now();
        let identity = written(&caller.mailbox()?);
        let kept = |text: &str, kind: String, lifetime: Duration| StoredToken {
            hash: hash_of(text),
            kind: kind.into(),
            account: caller.account().clone(),
            key: caller.key().id,
            identity: Some(Arc::clone(&identity)),
            issued_at: now,
            expires_at: Some(now.plus(lifetime)),
        };
        let tokens = vec![
            kept(&access, kind_of_access(&refresh), LIFETIME),
            kept(&refresh, REFRESH.to_owned(), REFRESH_LIFETIME),
        ];
        let added = self.gateway.store().add_tokens(tokens).await;
        added.map_err(|error| of_store(&error))?;
        let mut token = Token::new(access, now, caller.principal());
        token.refresh = Some(SecretString::from(refresh));
        token.lifetime = Some(LIFETIME);
        Ok(token)
    }

    async fn caller_of_key(&self, account: &AccountId, key: KeyId) -> Result<Arc<Caller>, Denied> {
        let access = self.gateway.access();
        let known = access.caller_of(&self.gateway, account, key).await?;
        let caller = |known| Caller::new(self.spec, known);
        Ok(self.callers.remember(known, caller))
    }
}

/// Whom a token stands for, as the store keeps it.
#[derive(Serialize)]
struct Standing<'m> {
    user: &'m str,
    domain: &'m str,
}

fn written(mailbox: &Mailbox) -> Arc<str> {
    let standing = Standing {
        user: &mailbox.user,
        domain: &mailbox.domain,
    };
    let json = serde_json::to_string(&standing).expect("two texts can be written as JSON");
    json.into()
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn is_access(kept: &StoredToken) -> bool {
    kept.kind.starts_with(ACCESS)
}

fn kind_of_access(refresh: &str) -> String {
    let hash = hash_of(refresh);
    let digits = hash.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once(ACCESS.to_owned()).chain(digits).collect()
}

/// The refresh token that came with an access token.
fn refresh_of(access: &StoredToken) -> Option<[u8; 32]> {
    let digits = access.kind.strip_prefix(ACCESS)?;
    let mut hash = [0; 32];
    for (index, byte) in hash.iter_mut().enumerate() {
        let digits = digits.get(2 * index..2 * index + 2)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(hash)
}

/// A new secret: 32 hexadecimal digits.
fn draw() -> Result<String, Refusal> {
    let mut drawn = [0; 16];
    getrandom::fill(&mut drawn).map_err(|_| Refusal::Unavailable { retry_after: None })?;
    Ok(format!("{:032x}", u128::from_be_bytes(drawn)))
}
