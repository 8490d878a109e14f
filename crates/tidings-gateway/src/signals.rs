//! Wakes loops: something may be due. What it is, they read from the store.
//!
//! Called by every stage after its commit. A signal that gets lost costs time, never a message: every loop
//! also looks by itself from time to time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_store::LaneId;
use tokio::sync::{Notify, watch};

/// The bells of all loops.
#[derive(Debug)]
pub struct Signals {
    lanes: Mutex<HashMap<LaneId, Arc<Notify>>>,
    webhooks: Notify,
    janitor: Notify,
    events: watch::Sender<u64>,
    reloads: watch::Sender<u64>,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            lanes: Mutex::default(),
            webhooks: Notify::new(),
            janitor: Notify::new(),
            events: watch::Sender::new(0),
            reloads: watch::Sender::new(0),
        }
    }
}

impl Signals {
    /// The bell of a lane; a loop keeps it.
    pub fn lane(&self, lane: &LaneId) -> Arc<Notify> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(lane.clone()).or_default())
    }

    /// Something may be due on a lane.
    pub fn wake_lane(&self, lane: &LaneId) {
        self.lane(lane).notify_one();
    }

    /// Something happened: deliveries may be due, and whoever follows events may look.
    pub fn happened(&self) {
        self.webhooks.notify_one();
        // Whoever begins to follow looks into the store first.
        if self.events.receiver_count() > 0 {
            self.events.send_modify(|count| *count += 1);
        }
    }

    /// The bell of the webhooks' loop.
    pub fn webhooks(&self) -> &Notify {
        &self.webhooks
    }

    /// The bell of the janitor: an order for a batch is to be carried out.
    pub fn janitor(&self) -> &Notify {
        &self.janitor
    }

    /// Counts whenever something happened.
    pub fn events(&self) -> watch::Receiver<u64> {
        self.events.subscribe()
    }

    /// The configuration was read again.
    pub fn reloaded(&self) {
        self.reloads.send_modify(|count| *count += 1);
    }

    /// Counts whenever the configuration was read again.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.reloads.subscribe()
    }
}
