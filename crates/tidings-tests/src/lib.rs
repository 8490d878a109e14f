//! The harness: what the tests of the whole product share.
//!
//! Used by this crate's own tests only; nothing depends on it. In reading order: [`Carrier`],
//! [`SimulatedByCommand`], [`Shell`], [`TestClock`], [`PhoneNumbers`], [`Fault`], [`CutLine`],
//! [`CapturedLog`], [`Python`], [`Recorder`], [`TestGateway`].

mod carrier;
mod clock;
mod command;
mod cut;
mod fault;
mod gateway;
mod log;
mod numbers;
mod python;
mod recorder;
mod shell;

/// The pages of the book, whose examples are doctests.
#[cfg(doctest)]
mod book {
    include!(concat!(env!("OUT_DIR"), "/book.rs"));
}

pub use carrier::{Carrier, CarrierBuilder, standard};
pub use clock::TestClock;
pub use command::{SimulatedByCommand, program_folder};
pub use cut::{CutLine, Ending, Stage};
pub use fault::{CALL_LIMIT, Fault};
pub use gateway::{ApiAnswer, CA_FILE, TestGateway, TestGatewayBuilder};
pub use log::{CapturedLog, log_ended};
pub use numbers::PhoneNumbers;
pub use python::{Packages, Python};
pub use recorder::{Answer, Recorded, Recorder};
pub use shell::Shell;
