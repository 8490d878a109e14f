//! How long a piece of work takes: the one place of this bench that reads the time.

#![expect(
    clippy::disallowed_methods,
    reason = "what is measured is the time that passes"
)]

use std::time::{Duration, Instant};

pub(crate) fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
