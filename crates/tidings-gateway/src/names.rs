//! Names for new things: UUIDs of version 7 that come in the order in which they are made.
//!
//! Drawn by [`Gateway::new_id`](crate::Gateway::new_id) for messages, batches and all else. Within one process
//! each name is greater than the one before, also within a millisecond and when the clock is set back: the rows
//! of a batch are neighbours in the index of names, and a page of it is written once for many of them.

use std::sync::{Mutex, PoisonError};

use tidings_core::Timestamp;
use uuid::Uuid;

/// How many random bytes are asked of the system at once.
const POOL: usize = 2_048;
/// How many of them a name takes.
const RANDOM_BYTES: usize = 7;
/// How many bits behind the milliseconds count the names of one millisecond. What does not fit into them
/// runs on into the next millisecond, as RFC 9562, section 6.2 allows.
const COUNTER_BITS: u32 = 18;

/// Draws names.
#[derive(Debug)]
pub(crate) struct Names(Mutex<Drawer>);

#[derive(Debug)]
struct Drawer {
    /// Milliseconds and counter of the latest name.
    last: u64,
    pool: [u8; POOL],
    n_used: usize,
}

impl Default for Names {
    fn default() -> Self {
        Self(Mutex::new(Drawer {
            last: 0,
            pool: [0; POOL],
            n_used: POOL,
        }))
    }
}

impl Names {
    /// A name for something that is made now. `draw` is asked where the system has no randomness: names
    /// are unique by their time and count all the same.
    pub(crate) fn next(&self, now: Timestamp, draw: impl FnOnce() -> u64) -> Uuid {
        let milliseconds = u64::try_from(now.as_millis()).unwrap_or_default();
        let mut drawer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawer.last = (milliseconds << COUNTER_BITS).max(drawer.last + 1);
        let (milliseconds, counter) = (drawer.last >> COUNTER_BITS, drawer.last);
        let mut tail = [0; 10];
        // Twelve bits, then the two of the variant, then the six that are left of the counter.
        let [.., high, low] = (counter >> 6 & 0xfff).to_be_bytes();
        tail[0] = high;
        tail[1] = low;
        tail[2] = u8::try_from(counter & 0x3f).unwrap_or_default();
        drawer.randomness(&mut tail[3..], draw);
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &tail).into_uuid()
    }
}

impl Drawer {
    fn randomness(&mut self, into: &mut [u8], draw: impl FnOnce() -> u64) {
        if self.n_used + RANDOM_BYTES > POOL {
            if getrandom::fill(&mut self.pool).is_err() {
                self.pool[..8].copy_from_slice(&draw().to_be_bytes());
                self.n_used = POOL;
                into.copy_from_slice(&self.pool[..RANDOM_BYTES]);
                return;
            }
            self.n_used = 0;
        }
        let end = self.n_used + RANDOM_BYTES;
        into.copy_from_slice(&self.pool[self.n_used..end]);
        self.n_used = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    #[test]
    fn names_come_in_order_and_none_comes_twice() {
        let names = Names::default();
        let moments = (0..100_000).map(|n| match n {
            // The clock is set back for a while.
            40_000..60_000 => 1_795_262_300_000,
            _ => 1_795_262_400_000 + n / 1_000,
        });
        let drawn: Vec<Uuid> = moments.map(|at_ms| names.next(at(at_ms), || 0)).collect();
        assert!(drawn.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn a_name_has_its_time_its_version_and_no_pattern() {
        let names = Names::default();
        let name = names.next(at(1_795_262_400_000), || 0);
        assert_eq!(name.get_version_num(), 7);
        assert_eq!(name.get_variant(), uuid::Variant::RFC4122);
        let (seconds, nanos) = name.get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos), (1_795_262_400, 0));
        let tail = |name: Uuid| name.as_u128() & 0x00ff_ffff_ffff_ffff;
        let other = names.next(at(1_795_262_400_000), || 0);
        assert_ne!(tail(name), tail(other));
    }

    #[test]
    fn more_names_than_a_millisecond_counts_run_into_the_next() {
        let names = Names::default();
        let first = names.next(at(1_000), || 0);
        let last = (0..1 << COUNTER_BITS)
            .map(|_| names.next(at(1_000), || 0))
            .last();
        let milliseconds = |name: Uuid| name.as_u128() >> 80;
        assert_eq!(
            (milliseconds(first), last.map(milliseconds)),
            (1_000, Some(1_001))
        );
    }
}
