//! What is known of each lane, and of the whole queue.

use std::sync::Arc;

use tidings_core::Timestamp;

use super::{LaneId, Stamp};

/// How much waits for a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneDepth {
    /// The lane.
    pub lane: LaneId,
    /// Messages that may leave now.
    pub ready: u64,
    /// Messages that wait for a time, after a failed attempt.
    pub waiting: u64,
    /// Messages in hand: leased or sending.
    pub in_hand: u64,
    /// Messages whose answer was lost and that are still being asked about.
    pub in_doubt: u64,
    /// The stamp of the first that may leave.
    pub first_stamp: Option<Stamp>,
    /// When the one that has waited longest was accepted.
    pub oldest: Option<Timestamp>,
}

/// How much there is in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Messages that are held.
    pub held: u64,
    /// Messages that wait for a lane.
    pub queued: u64,
    /// Webhook deliveries that are due or wait for their next try.
    pub deliveries: u64,
}

/// What a lane remembers over a restart, in the gateway's own words (JSON): weights, what was sent
/// today, its balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneMemory {
    /// The lane.
    pub lane: LaneId,
    /// What it remembers.
    pub memory: Arc<str>,
}

/// What a repair found and mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Leases that had run out; their messages wait again.
    pub leases: u64,
    /// Attempts that had been begun and have no end; they are unknown now.
    pub attempts: u64,
    /// Messages whose validity was over.
    pub expired: u64,
    /// Held messages whose time had come.
    pub released: u64,
    /// Rows without further use: keys of requests, unmatched reports, tokens.
    pub removed: u64,
}

impl Repaired {
    /// Whether there was anything.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
