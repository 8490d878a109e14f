//! Who presented wrong keys too often waits before the next one is looked at: [`Lockouts`].
//!
//! Asked by `mod.rs` around every check. It counts by the address that a caller has and by the public part
//! of the key that he named, forgets both after a while, and holds a bounded number of either.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Wrong tries from one address before it waits: several services may share it.
const TRIES_OF_ADDRESS: u32 = 20;
/// Wrong tries with one public part before it waits.
const TRIES_OF_LOOKUP: u32 = 5;
/// The first wait; it doubles with every further wrong try.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// What the doubling stops at.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// After so long without a wrong try it is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(15);
/// Rows of each table.
const MAX_ROWS: usize = 10_000;

/// The tables of wrong tries.
#[derive(Debug, Default)]
pub(super) struct Lockouts {
    /// How many rows there are, so that a gateway without wrong tries takes no lock.
    n_rows: AtomicUsize,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    addresses: HashMap<IpAddr, Wrong>,
    lookups: HashMap<Box<str>, Wrong>,
}

#[derive(Clone, Copy, Debug)]
struct Wrong {
    tries: u32,
    at: Duration,
    locked_until: Duration,
}

impl Lockouts {
    /// For how long yet nothing that this caller presents is looked at.
    pub(super) fn wait(
        &self,
        from: Option<IpAddr>,
        lookup: Option<&str>,
        now: Duration,
    ) -> Option<Duration> {
        if self.n_rows.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let address = from.and_then(|from| tables.addresses.get(&from));
        let lookup = lookup.and_then(|lookup| tables.lookups.get(lookup));
        let ends = [address, lookup].into_iter().flatten();
        let end = ends.map(|wrong| wrong.locked_until).max()?;
        end.checked_sub(now).filter(|wait| !wait.is_zero())
    }

    /// How many rows both tables have.
    #[cfg(test)]
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows.load(Ordering::Relaxed)
    }

    /// Counts a wrong try.
    pub(super) fn wrong(&self, from: Option<IpAddr>, lookup: Option<&str>, now: Duration) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(from) = from {
            count(&mut tables.addresses, from, TRIES_OF_ADDRESS, now);
        }
        if let Some(lookup) = lookup {
            count(&mut tables.lookups, lookup.into(), TRIES_OF_LOOKUP, now);
        }
        let n_rows = tables.addresses.len() + tables.lookups.len();
        self.n_rows.store(n_rows, Ordering::Relaxed);
    }
}

fn count<K: Eq + Hash>(table: &mut HashMap<K, Wrong>, who: K, free: u32, now: Duration) {
    let is_known = table.contains_key(&who);
    if !is_known && table.len() >= MAX_ROWS {
        table.retain(|_, wrong| now < wrong.at + FORGOTTEN_AFTER);
        if table.len() >= MAX_ROWS {
            // Who fills the table with names that he makes up has every one of them wrong: those that
            // do not wait yet go first.
            table.retain(|_, wrong| now < wrong.locked_until);
        }
        if table.len() >= MAX_ROWS {
            return;
        }
    }
    let wrong = table.entry(who).or_insert(Wrong {
        tries: 0,
        at: now,
        locked_until: Duration::ZERO,
    });
    if now >= wrong.at + FORGOTTEN_AFTER {
        wrong.tries = 0;
    }
    wrong.tries = wrong.tries.saturating_add(1);
    wrong.at = now;
    if let Some(beyond) = wrong.tries.checked_sub(free) {
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(beyond));
        wrong.locked_until = now + wait.min(LONGEST_WAIT);
    }
}
