//! Send text messages dependably.
//!
//! The SDK of Tidings: complete clients for messaging providers under one neutral interface, and
//! the same providers' APIs as servers.

#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod address_book;
mod answer;
pub mod backend;
mod clock;
#[cfg(feature = "client")]
mod config;
mod error;
#[cfg(feature = "client")]
pub mod http;
#[cfg(feature = "client")]
pub mod layers;
pub mod memory;
#[cfg(feature = "passinfo")]
pub mod passinfo;
pub mod provider;
pub mod providers;
#[cfg(feature = "server")]
pub mod serve;

pub use answer::{Answer, HttpMetadata, RateLimit};
pub use clock::SystemClock;
pub use error::{Acceptance, Error, ErrorKind, Result};
pub use provider::{
    Account, AttemptRef, Balance, Capabilities, Outbound, Provider, ProviderSpec, Receipt,
    Reconciled, Setting,
};
pub use tidings_core::{
    ClientRef, Clock, DeliveryReport, E164, Message, MessageState, Priority, ProviderRef, Reason,
    Region, ReportedState, SenderId, Timestamp,
};
