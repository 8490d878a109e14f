//! A clock that stands still until a test moves it.
//!
//! Handed to simulators and clients by the tests, so that no test waits for time to pass.

use std::sync::Mutex;
use std::time::Duration;

use tidings_core::{Clock, Timestamp};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    /// A clock that shows this time.
    pub fn at(time: Timestamp) -> Self {
        Self(Mutex::new(time))
    }

    /// A clock that shows noon of 2026-11-21, UTC.
    pub fn new() -> Self {
        let noon = Timestamp::from_millis(1_795_262_400_000).expect("a year of four digits");
        Self::at(noon)
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().expect("nobody panics while moving a clock");
        *now = now.plus(by);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("nobody panics while moving a clock")
    }
}
