//! Tests of the PassInfo provider: golden exchanges from the vendor's papers, and the client against
//! a scripted server.

#[cfg(feature = "blocking")]
mod blocking;
#[cfg(feature = "client")]
mod calls;
#[cfg(feature = "client")]
mod failures;
mod golden;
mod mapping;
#[cfg(feature = "client")]
mod neutral;
#[cfg(feature = "client")]
mod scripted;
#[cfg(feature = "client")]
mod secrecy;

#[cfg(feature = "client")]
use std::sync::Arc;
#[cfg(feature = "client")]
use std::sync::atomic::{AtomicI64, Ordering};

#[cfg(feature = "client")]
use tidings_core::{Clock, Timestamp};
use tidings_core::{E164, SenderId};

fn guinea(number: u32) -> E164 {
    format!("+2246220{number:05}").parse().unwrap()
}

fn sender() -> SenderId {
    SenderId::parse("senderName").unwrap()
}

/// A clock that stands still until it is moved.
#[cfg(feature = "client")]
#[derive(Debug, Default)]
struct TestClock(AtomicI64);

#[cfg(feature = "client")]
impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_795_262_400_000)))
    }

    fn advance(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

#[cfg(feature = "client")]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).unwrap()
    }
}
