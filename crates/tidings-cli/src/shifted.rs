//! A clock that somebody sets: for trying out what a gateway does when that happens.
//!
//! Used by `tidings serve --clock-shift FILE`, which `cargo xtask chaos --clock-jumps` calls; the machine's
//! clock is left alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidings::{Clock, Timestamp};

/// The time of another clock, off by as many seconds as a file says at the moment.
#[derive(Debug)]
pub(crate) struct ShiftedClock {
    pub(crate) clock: Arc<dyn Clock>,
    /// Holds a number of seconds, which may be negative. Without it the clock is right.
    pub(crate) file: PathBuf,
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let seconds = std::fs::read_to_string(&self.file).ok();
        let seconds = seconds.and_then(|text| text.trim().parse::<i64>().ok());
        let seconds = seconds.unwrap_or_default();
        let off = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 {
            self.clock.now().minus(off)
        } else {
            self.clock.now().plus(off)
        }
    }

    /// Nobody sets what durations are measured by.
    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}
