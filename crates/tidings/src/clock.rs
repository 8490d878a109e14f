//! The system's clock: the one place of the workspace that reads the time.
//!
//! Made by programs and handed down as `Arc<dyn Clock>`; tests hand down a clock of their own.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tidings_core::{Clock, Timestamp};

/// The system's real-time clock.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The system's clock.
    pub const fn new() -> Self {
        Self
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody is given"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::UNIX_EPOCH.plus(since_epoch)
    }

    /// Measured by the machine's own counter, which nobody can set.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody is given"
    )]
    fn elapsed(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}
