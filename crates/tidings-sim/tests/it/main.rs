//! The simulated carrier: its world directly, and the whole of it over real connections.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and so do the functions that tests share"
)]

mod callbacks;
mod control;
mod conversations;
mod exchange;
mod faults;
mod harness;
mod providers;
mod scenarios;
mod serving;
mod state_file;
mod waiting;
mod world;
