//! Who may come in: accounts and keys.
//!
//! Every request's credentials are checked by [`Access::check`] (our own API) or [`Access::check_vendor`]
//! (vendors' APIs), which give a [`Caller`] or say why not; [`desk`] creates, replaces and revokes keys.
//! Only hashes of secrets are kept; they are compared in constant time. It reads no request: what was
//! presented, and from where, comes in.

mod cache;
pub mod desk;
mod key;
mod lockout;
mod rate;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;
use tidings::ProviderSpec;
use tidings::backend::Presented;
use tidings_core::Timestamp;
use tidings_store::{AccountId, KeyId, KeyUse, StoreError, StoredKey};

pub use self::desk::{Acting, KeyError, NewKeyRequest, bootstrap, create, revoke, rotate};
pub use self::key::{CreatedKey, NATIVE, NoRandomness, Shown};
pub use self::rate::Quota;
pub use self::scope::{Scope, Scopes, UnknownScope};

use self::cache::{Cache, Known};
use self::lockout::Lockouts;
use crate::Gateway;
use crate::settings::Customer;

/// How long uses of keys are collected before they are written.
const NOTED_EVERY: Duration = Duration::from_mins(1);

/// What the process knows of keys and of those who tried some. One for each [`Gateway`].
#[derive(Debug, Default)]
pub struct Access {
    cache: Cache,
    lockouts: Lockouts,
    uses: Mutex<HashMap<KeyId, KeyUse>>,
    is_noting: AtomicBool,
}

/// Somebody whose key is good. Cheap to clone.
#[derive(Clone)]
pub struct Caller(Arc<Known>);

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// What was presented is no key, or not a good one.
    #[error("the key is not good")]
    Wrong,
    /// The key was good until a time that is over.
    #[error("the key has expired")]
    Expired,
    /// The key was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// The key may not be used from this address.
    #[error("the key may not be used from this address")]
    Network,
    /// Too many wrong keys were presented.
    #[error("too many wrong keys were presented")]
    LockedOut {
        /// How long nothing is looked at.
        retry_after: Duration,
    },
    /// The key made too many requests.
    #[error("the key made too many requests")]
    RateLimited {
        /// When the next one may be made.
        retry_after: Duration,
        /// Requests a second.
        limit: u32,
    },
    /// The store cannot be read.
    #[error("keys cannot be read at present")]
    Store(#[source] StoreError),
}

impl Access {
    /// Checks a key of our own API, `tk_<lookup>_<secret>`.
    pub async fn check(
        &self,
        gateway: &Gateway,
        text: &str,
        from: Option<IpAddr>,
    ) -> Result<Caller, Denied> {
        let Some(parsed) = key::parse(text) else {
            let now = gateway.clock().elapsed();
            self.let_wait(None, from, None, now)?;
            self.lockouts.wrong(from, None, now);
            return Err(Denied::Wrong);
        };
        let wanted = Wanted {
            api: NATIVE,
            lookup: parsed.lookup,
            public: parsed.lookup,
            hash: key::hash(parsed.secret),
        };
        self.check_hash(gateway, &wanted, from).await
    }

    /// Checks what a caller of a vendor's API presented, under the names of the provider's settings. The
    /// address is that of the request that is being answered, see [`coming_from`].
    pub async fn check_vendor(
        &self,
        gateway: &Gateway,
        spec: &'static ProviderSpec,
        presented: &Presented,
    ) -> Result<Caller, Denied> {
        let from = present_address();
        let Some(found) = key::vendor_key(spec, presented) else {
            let now = gateway.clock().elapsed();
            self.let_wait(None, from, None, now)?;
            self.lockouts.wrong(from, None, now);
            return Err(Denied::Wrong);
        };
        let wanted = Wanted {
            api: spec.id,
            lookup: &found.lookup,
            public: &found.public,
            hash: found.hash,
        };
        let caller = self.check_hash(gateway, &wanted, from).await?;
        self.admit(gateway, &caller)?;
        Ok(caller)
    }

    /// Who signed in with this key earlier, if it is still good: for tokens that stand for it.
    pub async fn caller_of(
        &self,
        gateway: &Gateway,
        account: &AccountId,
        key: KeyId,
    ) -> Result<Caller, Denied> {
        let known = self.cache.key_of(gateway, account, key).await;
        let known = known.map_err(Denied::Store)?.ok_or(Denied::Wrong)?;
        self.let_in(gateway, known, present_address())
    }

    /// Takes one request out of what a key may make in a second; `None` is without a limit.
    pub fn admit(&self, gateway: &Gateway, caller: &Caller) -> Result<Option<Quota>, Denied> {
        let limit = gateway.live().config.limits.requests_per_second;
        let bucket = &caller.0.uses.bucket;
        bucket
            .take(limit, gateway.clock().elapsed())
            .map_err(|retry_after| Denied::RateLimited { retry_after, limit })
    }

    /// An account, as the stages of the gateway know it, and whether it may send.
    pub async fn customer(
        &self,
        gateway: &Gateway,
        account: &AccountId,
    ) -> Result<Option<(Customer, bool)>, StoreError> {
        let found = gateway.store().account(account).await?;
        let known = |account| Ok((cache::customer(&account)?, account.is_active));
        found.map(known).transpose()
    }

    /// Forgets what was read of keys and accounts: this process changed some.
    pub fn changed(&self) {
        self.cache.clear();
    }

    /// Writes which keys were used.
    pub async fn note_uses(&self, gateway: &Gateway) {
        let uses: Vec<KeyUse> = {
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *uses).into_values().collect()
        };
        if uses.is_empty() {
            return;
        }
        if let Err(error) = gateway.store().note_uses(uses).await {
            tracing::warn!(%error, "the last uses of keys cannot be written");
        }
    }

    async fn check_hash(
        &self,
        gateway: &Gateway,
        wanted: &Wanted<'_>,
        from: Option<IpAddr>,
    ) -> Result<Caller, Denied> {
        let now = gateway.clock().elapsed();
        self.let_wait(Some(wanted), from, Some(wanted.public), now)?;
        let known = self.cache.key(gateway, wanted.api, wanted.lookup).await;
        let known = known.map_err(Denied::Store)?;
        // Compared in any case, so that the time tells nothing of whether there is such a key.
        let kept = known.as_ref().map_or([0; 32], |known| known.key.hash);
        let is_equal = bool::from(kept.ct_eq(&wanted.hash));
        let Some(known) = known.filter(|_| is_equal) else {
            self.lockouts.wrong(from, Some(wanted.public), now);
            if let Some(known) = self.cache.peek(wanted.api, wanted.lookup) {
                known.uses.forget(from);
            }
            return Err(Denied::Wrong);
        };
        self.let_in(gateway, known, from)
    }

    /// Refuses who presented wrong keys too often. A key that was good from the same address lately is
    /// looked at all the same: whoever guesses beside it, or at its name from elsewhere, does not shut
    /// it out.
    fn let_wait(
        &self,
        wanted: Option<&Wanted<'_>>,
        from: Option<IpAddr>,
        public: Option<&str>,
        now: Duration,
    ) -> Result<(), Denied> {
        let Some(retry_after) = self.lockouts.wait(from, public, now) else {
            return Ok(());
        };
        let known = wanted.and_then(|wanted| self.cache.peek(wanted.api, wanted.lookup));
        if known.is_some_and(|known| known.uses.is_known_from(from, now)) {
            return Ok(());
        }
        Err(Denied::LockedOut { retry_after })
    }

    fn let_in(
        &self,
        gateway: &Gateway,
        known: Arc<Known>,
        from: Option<IpAddr>,
    ) -> Result<Caller, Denied> {
        let at = gateway.now();
        let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= at);
        if is_over(known.key.revoked_at) {
            return Err(Denied::Revoked);
        }
        if is_over(known.key.expires_at) {
            return Err(Denied::Expired);
        }
        // An IPv4 address that came over an IPv6 socket is the IPv4 address.
        let from = from.map(|from| from.to_canonical());
        let is_within = |from: IpAddr| known.networks.iter().any(|net| net.contains(&from));
        if !known.networks.is_empty() && !from.is_some_and(is_within) {
            return Err(Denied::Network);
        }
        if known.uses.is_first_in(at.as_millis() / 60_000) {
            if let Some(from) = from {
                known.uses.came_from(from, gateway.clock().elapsed());
            }
            self.used(gateway, known.key.id, at, from);
        }
        Ok(Caller(known))
    }

    fn used(&self, gateway: &Gateway, id: KeyId, at: Timestamp, from: Option<IpAddr>) {
        {
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.insert(id, KeyUse { id, at, from });
        }
        if !self.is_noting.swap(true, Ordering::Relaxed) {
            gateway.tasks().spawn(note_soon(gateway.clone()));
        }
    }
}

/// What is looked for, and what its hash has to be.
struct Wanted<'w> {
    api: &'w str,
    lookup: &'w str,
    /// What wrong tries are counted by.
    public: &'w str,
    hash: [u8; 32],
}

/// Writes uses a minute after the first of them, or when the gateway stops.
async fn note_soon(gateway: Gateway) {
    tokio::select! {
        () = tokio::time::sleep(NOTED_EVERY) => {}
        () = gateway.stopping().cancelled() => {}
    }
    gateway.access().is_noting.store(false, Ordering::Relaxed);
    gateway.access().note_uses(&gateway).await;
}

tokio::task_local! {
    static ADDRESS: Option<IpAddr>;
}

/// Answers a request of a vendor's API, whose server half does not say where the caller is:
/// [`Access::check_vendor`] finds the address.
pub fn coming_from<F: Future>(
    address: Option<IpAddr>,
    answering: F,
) -> impl Future<Output = F::Output> {
    ADDRESS.scope(address, answering)
}

/// Where the request comes from that is being answered, as [`coming_from`] said.
pub(crate) fn present_address() -> Option<IpAddr> {
    ADDRESS.try_with(|address| *address).ok().flatten()
}

impl Caller {
    /// Whose key it is.
    pub fn customer(&self) -> &Customer {
        &self.0.customer
    }

    /// The account's name.
    pub fn account(&self) -> &AccountId {
        &self.0.customer.id
    }

    /// Whether the account may send.
    pub fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// Whether the key allows this.
    pub fn allows(&self, scope: Scope) -> bool {
        self.0.scopes.allows(scope)
    }

    /// What the key allows.
    pub fn scopes(&self) -> Scopes {
        self.0.scopes
    }

    /// The key.
    pub fn key(&self) -> &StoredKey {
        &self.0.key
    }

    /// The settings of a vendor's key that are no secrets, as a JSON object.
    pub fn details(&self) -> Option<&str> {
        self.0.key.details.as_deref()
    }

    /// Who changes something, for the audit.
    pub fn acting(&self, from: Option<IpAddr>) -> Acting {
        Acting {
            who: self.0.key.id.to_string().into(),
            from,
        }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("account", &self.0.customer.id)
            .field("key", &self.0.key.id)
            .field("scopes", &self.0.scopes)
            .finish_non_exhaustive()
    }
}
