//! How much is taken at once: requests that wait for a commit, and messages that wait for a lane.
//!
//! Asked by the handlers that take messages, before they do. What is too much is refused with a time to
//! come back at; nothing here grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::Api;
use super::error::{Code, Problem, Result};

/// How old the known depth of the queue may be.
const DEPTH_GOOD_FOR: Duration = Duration::from_secs(1);

/// How old it may be where it refuses somebody.
const REFUSAL_GOOD_FOR: Duration = Duration::from_millis(100);

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    waiting: AtomicUsize,
    /// As it was read last, with what was taken since.
    queued: AtomicU64,
    /// When, in milliseconds of the clock's `elapsed`, plus one; 0 is never.
    read_at: AtomicU64,
    is_reading: AtomicBool,
    /// Held by who reads because he would be refused; the others wait for what he reads.
    reading: tokio::sync::Mutex<()>,
}

/// A request that waits for the store; it does not any more when this is dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'p>(&'p Pressure);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pressure {
    /// Lets a request with messages come in, unless too much waits already.
    pub(crate) async fn enter<'p>(&'p self, api: &Arc<Api>) -> Result<Waiting<'p>> {
        let waiting = self.enter_to_wait(api)?;
        let max_queued = api.gateway.live().config.limits.max_queued;
        self.check_depth(api, max_queued).await?;
        Ok(waiting)
    }

    /// Lets a request come in that waits itself while the queue is full.
    pub(crate) fn enter_to_wait<'p>(&'p self, api: &Arc<Api>) -> Result<Waiting<'p>> {
        let live = api.gateway.live();
        let waiting = Waiting(self);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= live.config.limits.max_waiting {
            let detail = "too many requests wait for the store";
            return Err(Problem::new(Code::Overloaded, detail).retry_after(Duration::from_secs(1)));
        }
        Ok(waiting)
    }

    /// Refuses when too many messages wait.
    pub(crate) async fn check_depth(&self, api: &Arc<Api>, max_queued: u64) -> Result<()> {
        match self.read_at.load(Ordering::Relaxed) {
            0 => self.read(api).await?,
            // One reads it again, and nobody waits for that.
            _ if self.is_older_than(DEPTH_GOOD_FOR, api)
                && !self.is_reading.swap(true, Ordering::Relaxed) =>
            {
                let api_again = Arc::clone(api);
                api.gateway.tasks().spawn(async move {
                    let pressure = &api_again.pressure;
                    if let Err(problem) = pressure.read(&api_again).await {
                        tracing::warn!(problem = problem.detail(), "the depth is not known");
                    }
                    pressure.is_reading.store(false, Ordering::Relaxed);
                });
            }
            _ => {}
        }
        let is_full = || self.queued.load(Ordering::Relaxed) >= max_queued;
        if is_full() {
            // Nobody is refused for what has left since.
            let _alone = self.reading.lock().await;
            if self.is_older_than(REFUSAL_GOOD_FOR, api) {
                self.read(api).await?;
            }
        }
        if is_full() {
            let detail = format!("{max_queued} messages wait already");
            return Err(Problem::new(Code::QueueFull, detail).retry_after(Duration::from_secs(5)));
        }
        Ok(())
    }

    /// That messages were taken.
    pub(crate) fn took(&self, n_messages: u64) {
        self.queued.fetch_add(n_messages, Ordering::Relaxed);
    }

    async fn read(&self, api: &Api) -> Result<()> {
        let depth = api.gateway.store().depth().await?;
        self.queued.store(depth.queued, Ordering::Relaxed);
        self.read_at.store(now(api) + 1, Ordering::Relaxed);
        Ok(())
    }

    fn is_older_than(&self, limit: Duration, api: &Api) -> bool {
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        now(api) >= self.read_at.load(Ordering::Relaxed).saturating_add(limit)
    }
}

/// Milliseconds of the clock's `elapsed`.
fn now(api: &Api) -> u64 {
    u64::try_from(api.gateway.clock().elapsed().as_millis()).unwrap_or(u64::MAX - 1)
}
