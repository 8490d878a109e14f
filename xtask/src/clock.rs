//! The one place of this crate that reads the time. Used to say how long a step took.

use std::time::{Duration, Instant};

/// Measures from its creation on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "this file is the clock of xtask; durations of steps are shown, never decided on"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
