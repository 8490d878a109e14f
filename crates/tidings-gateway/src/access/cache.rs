//! Keys and accounts as they were read lately, so that a request does not wait for the store.
//!
//! Asked by `mod.rs` for every request. What was read is good for a moment; then it is read again, beside
//! the request while it is young and before the answer when it is not. So what another process changes, a
//! revocation above all, holds within [`GOOD_FOR`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ipnet::IpNet;
use tidings_store::{AccountId, KeyId, StoreError, StoredKey};

use super::rate::Bucket;
use super::scope::Scopes;
use crate::Gateway;
use crate::settings::{AccountSettings, Customer};

/// After so long a key is read again beside a request that uses it.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// After so long it is read again before it is believed.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(2);
/// Instead of a time: the entry is read again before it is believed.
const READ_AGAIN: u64 = u64::MAX;
/// Entries of the cache, those of keys that do not exist included.
const MAX_ENTRIES: usize = 20_000;
/// Addresses that are remembered for each key.
const MAX_ADDRESSES: usize = 8;
/// How long a key is remembered to have come from an address.
const ADDRESS_REMEMBERED_FOR: Duration = Duration::from_hours(1);

/// A key with its account, as they were read.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) key: StoredKey,
    pub(super) customer: Customer,
    pub(super) is_active: bool,
    pub(super) account_version: u32,
    pub(super) scopes: Scopes,
    pub(super) networks: Vec<IpNet>,
    /// Kept over reading again.
    pub(super) uses: Arc<Uses>,
}

/// What a key's use leaves behind in this process.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) bucket: Bucket,
    /// The minute that was noted last.
    noted: AtomicI64,
    came_from: Mutex<Vec<(IpAddr, Duration)>>,
}

impl Uses {
    /// Whether the key was not used yet in this minute.
    pub(super) fn is_first_in(&self, minute: i64) -> bool {
        self.noted.load(Ordering::Relaxed) != minute
            && self.noted.swap(minute, Ordering::Relaxed) != minute
    }

    /// That it was good, coming from there.
    pub(super) fn came_from(&self, from: IpAddr, now: Duration) {
        let mut addresses = self
            .came_from
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        addresses.retain(|(address, at)| *address != from && now < *at + ADDRESS_REMEMBERED_FOR);
        if addresses.len() >= MAX_ADDRESSES {
            addresses.remove(0);
        }
        addresses.push((from, now));
    }

    /// Whether it was good lately, coming from there.
    pub(super) fn is_known_from(&self, from: Option<IpAddr>, now: Duration) -> bool {
        let addresses = self
            .came_from
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        addresses
            .iter()
            .any(|(address, at)| Some(*address) == from && now < *at + ADDRESS_REMEMBERED_FOR)
    }

    /// That somebody came from there with another secret.
    pub(super) fn forget(&self, from: Option<IpAddr>) {
        let mut addresses = self
            .came_from
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        addresses.retain(|(address, _)| Some(*address) != from);
    }
}

/// What was read for a public part; `None` is that there is no such key.
#[derive(Debug)]
struct Entry {
    known: Option<Arc<Known>>,
    /// When, in milliseconds of the clock's `elapsed`; moved on by whoever reads it again.
    /// [`READ_AGAIN`] is that it is not to be believed.
    read_at: AtomicU64,
}

/// The cache.
#[derive(Debug, Default)]
pub(super) struct Cache {
    by_api: RwLock<HashMap<Box<str>, ByLookup>>,
    by_id: RwLock<HashMap<KeyId, Place>>,
}

/// The keys of one API, by their public parts.
type ByLookup = HashMap<Box<str>, Arc<Entry>>;

/// Where a key is found: its API and its public part.
type Place = (Box<str>, Box<str>);

impl Cache {
    /// What was read of a key lately, without reading it.
    pub(super) fn peek(&self, api: &str, lookup: &str) -> Option<Arc<Known>> {
        self.entry(api, lookup)?.known.as_ref().map(Arc::clone)
    }

    /// The key that is found by this public part.
    pub(super) async fn key(
        &self,
        gateway: &Gateway,
        api: &str,
        lookup: &str,
    ) -> Result<Option<Arc<Known>>, StoreError> {
        let now = milliseconds(gateway.clock().elapsed());
        if let Some(entry) = self.entry(api, lookup)
            && let read_at = entry.read_at.load(Ordering::Relaxed)
            && read_at != READ_AGAIN
        {
            let age = Duration::from_millis(now.saturating_sub(read_at));
            if age < READ_AGAIN_AFTER {
                return Ok(entry.known.as_ref().map(Arc::clone));
            }
            if age < GOOD_FOR {
                // One of those who see it reads it again, and none of them waits. Should reading fail,
                // it has become old enough for the next one to wait for it.
                let waits_from = read_at + milliseconds(GOOD_FOR.saturating_sub(READ_AGAIN_AFTER));
                if read_at_moves(&entry, read_at, waits_from.min(now)) {
                    let (background, api, lookup) = (gateway.clone(), api.into(), lookup.into());
                    gateway.tasks().spawn(read_beside(background, api, lookup));
                }
                return Ok(entry.known.as_ref().map(Arc::clone));
            }
        }
        self.read(gateway, api, lookup).await
    }

    /// The key with this id, which is the account's.
    pub(super) async fn key_of(
        &self,
        gateway: &Gateway,
        account: &AccountId,
        id: KeyId,
    ) -> Result<Option<Arc<Known>>, StoreError> {
        let found = {
            let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
            by_id.get(&id).cloned()
        };
        if let Some((api, lookup)) = found {
            return self.key(gateway, &api, &lookup).await;
        }
        let keys = gateway.store().keys(Some(account)).await?;
        match keys.into_iter().find(|key| key.id == id) {
            Some(key) => self.key(gateway, &key.api, &key.lookup).await,
            None => Ok(None),
        }
    }

    /// Forgets everything: something was changed by this process.
    pub(super) fn clear(&self) {
        let mut by_api = self.by_api.write().unwrap_or_else(PoisonError::into_inner);
        for entry in by_api.values().flat_map(HashMap::values) {
            // Kept for what the uses of keys have left behind.
            entry.read_at.store(READ_AGAIN, Ordering::Relaxed);
        }
        by_api.values_mut().for_each(|entries| {
            entries.retain(|_, entry| entry.known.is_some());
        });
    }

    /// Reads a key and its account.
    pub(super) async fn read(
        &self,
        gateway: &Gateway,
        api: &str,
        lookup: &str,
    ) -> Result<Option<Arc<Known>>, StoreError> {
        let before = self.peek(api, lookup);
        let read_at = milliseconds(gateway.clock().elapsed());
        let known = match gateway.store().key(api, lookup).await? {
            Some(key) => known(gateway, key, before.as_deref()).await?,
            None => None,
        };
        let entry = Entry {
            known: known.as_ref().map(Arc::clone),
            read_at: AtomicU64::new(read_at),
        };
        self.keep(api, lookup, entry);
        Ok(known)
    }

    fn entry(&self, api: &str, lookup: &str) -> Option<Arc<Entry>> {
        let by_api = self.by_api.read().unwrap_or_else(PoisonError::into_inner);
        by_api.get(api)?.get(lookup).map(Arc::clone)
    }

    fn keep(&self, api: &str, lookup: &str, entry: Entry) {
        if let Some(known) = &entry.known {
            let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
            if by_id.len() >= MAX_ENTRIES {
                by_id.clear();
            }
            by_id.insert(known.key.id, (api.into(), lookup.into()));
        }
        let mut by_api = self.by_api.write().unwrap_or_else(PoisonError::into_inner);
        let entries = by_api.entry(api.into()).or_default();
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, entry| entry.known.is_some());
            if entries.len() >= MAX_ENTRIES {
                entries.clear();
            }
        }
        entries.insert(lookup.into(), Arc::new(entry));
    }
}

/// Moves the time at which an entry was read, unless another has done so.
fn read_at_moves(entry: &Entry, from: u64, to: u64) -> bool {
    let moved = entry
        .read_at
        .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    moved.is_ok() && from != to
}

async fn read_beside(gateway: Gateway, api: Box<str>, lookup: Box<str>) {
    let read = gateway.access().cache.read(&gateway, &api, &lookup).await;
    if let Err(error) = read {
        tracing::warn!(%error, "a key cannot be read again");
    }
}

/// A key with its account; none when the account is gone.
async fn known(
    gateway: &Gateway,
    key: StoredKey,
    before: Option<&Known>,
) -> Result<Option<Arc<Known>>, StoreError> {
    let Some(account) = gateway.store().account(&key.account).await? else {
        return Ok(None);
    };
    let unchanged = before.filter(|before| {
        before.account_version == account.version && before.customer.id == account.id
    });
    let customer = match unchanged {
        Some(before) => before.customer.clone(),
        None => customer(&account)?,
    };
    Ok(Some(Arc::new(Known {
        scopes: Scopes::of_words(&key.scopes),
        networks: networks(&key),
        uses: before.map_or_else(Arc::default, |before| Arc::clone(&before.uses)),
        customer,
        is_active: account.is_active,
        account_version: account.version,
        key,
    })))
}

/// An account as the stages of the gateway know it.
pub(super) fn customer(account: &tidings_store::StoredAccount) -> Result<Customer, StoreError> {
    let settings: AccountSettings = serde_json::from_str(&account.settings).map_err(|error| {
        let what = format!("the settings of account {} cannot be read", account.id);
        StoreError::new(tidings_store::StoreErrorKind::Corrupt, what).with_source(error)
    })?;
    Ok(Customer {
        id: account.id.clone(),
        settings: Arc::new(settings),
        is_active: account.is_active,
    })
}

/// The networks that a key may come from. One that cannot be read lets nobody in: 0.0.0.0/32 is no
/// caller's address.
fn networks(key: &StoredKey) -> Vec<IpNet> {
    let nobody = IpNet::from(IpAddr::from([0, 0, 0, 0]));
    let read = |network: &Arc<str>| {
        let address = || network.parse::<IpAddr>().map(IpNet::from);
        network.parse().or_else(|_| address()).unwrap_or(nobody)
    };
    key.networks.iter().map(read).collect()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
