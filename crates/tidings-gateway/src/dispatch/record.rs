//! What came of a lane's calls: counts, latencies, the last error. For the page of providers.
//!
//! Held by [`LaneStanding`](crate::lane::LaneStanding), written by the lane's loop. It is forgotten when the
//! process ends; what must survive is in the store, and what is watched over time is a metric.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::Timestamp;

/// How many of the last calls the latencies are of.
const REMEMBERED_CALLS: usize = 256;

/// What came of a lane's calls since the process began.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Messages that the provider took.
    pub(crate) n_taken: u64,
    /// Attempts of which it is proved that the provider did not take the message.
    pub(crate) n_not_taken: u64,
    /// Attempts whose answer was lost.
    pub(crate) n_unknown: u64,
    /// Calls that are open now.
    pub(crate) n_open: usize,
    /// What went wrong last.
    pub(crate) last_error: Option<LastError>,
    latencies: Vec<Duration>,
    next: usize,
}

/// What went wrong last, without anything of the message.
#[derive(Clone, Debug)]
pub(crate) struct LastError {
    /// When.
    pub(crate) at: Timestamp,
    /// The class of the error.
    pub(crate) class: &'static str,
    /// The provider's own code.
    pub(crate) code: Option<Arc<str>>,
    /// Our own sentence.
    pub(crate) detail: Arc<str>,
}

impl Record {
    /// Keeps how long a call took.
    pub(crate) fn note_latency(&mut self, latency: Duration) {
        if self.latencies.len() < REMEMBERED_CALLS {
            self.latencies.push(latency);
        } else if let Some(oldest) = self.latencies.get_mut(self.next) {
            *oldest = latency;
            self.next = (self.next + 1) % REMEMBERED_CALLS;
        }
    }

    /// The latency that this share of the last calls, from 0 to 1, stayed within; `None` without any.
    pub(crate) fn latency(&self, share: f64) -> Option<Duration> {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place among 256, from a share that is no less than 0"
        )]
        let place = (last as f64 * share.clamp(0.0, 1.0)).round() as usize;
        sorted.get(place).copied()
    }
}
