//! The harness: what the tests of the whole product share.
//!
//! Used by this crate's own tests only; nothing depends on it. In reading order: [`Carrier`] (a
//! simulated carrier and a client that is connected to it), [`TestClock`], [`CapturedLog`],
//! [`Python`].

mod clock;
mod log;
mod python;

pub use clock::TestClock;
pub use log::CapturedLog;
pub use python::Python;
