//! How much is taken at once, as our own API limits it: calls that wait for a commit, and messages that
//! wait for a lane.
//!
//! Asked by everything here that takes messages, before it does. What is too much is refused with a time
//! to come back at; nothing grows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidings::backend::Refusal;
use tokio::sync::Mutex;

use super::refusals::of_store;
use crate::gateway::Gateway;

/// How old the known depth of the queue may be.
const DEPTH_GOOD_FOR: Duration = Duration::from_secs(1);

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    waiting: AtomicUsize,
    /// Messages that wait for a lane, and when that was read.
    depth: Mutex<Option<(u64, Duration)>>,
}

/// A call that waits for the store; it does not any more when this is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'p>(&'p Pressure);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pressure {
    /// Lets a call with messages come in, unless too much waits already.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] with a time to come back at.
    pub(super) async fn enter(&self, gateway: &Gateway) -> Result<Waiting<'_>, Refusal> {
        let live = gateway.live();
        let limits = &live.config.limits;
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(self);
        if before >= limits.max_waiting {
            return Err(come_back_in(Duration::from_secs(1)));
        }
        if self.depth(gateway).await? >= limits.max_queued {
            return Err(come_back_in(Duration::from_secs(5)));
        }
        Ok(waiting)
    }

    async fn depth(&self, gateway: &Gateway) -> Result<u64, Refusal> {
        let now = gateway.clock().elapsed();
        let mut known = self.depth.lock().await;
        match *known {
            Some((depth, read_at)) if now < read_at + DEPTH_GOOD_FOR => Ok(depth),
            Some(_) | None => {
                let depth = gateway.store().depth().await;
                let depth = depth.map_err(|error| of_store(&error))?.queued;
                *known = Some((depth, now));
                Ok(depth)
            }
        }
    }
}

fn come_back_in(retry_after: Duration) -> Refusal {
    Refusal::Unavailable {
        retry_after: Some(retry_after),
    }
}
