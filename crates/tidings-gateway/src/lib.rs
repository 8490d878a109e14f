//! The gateway: takes messages, keeps them on disk, hands them to providers, follows them to the phone
//! and tells the customer.
//!
//! Called by the command `tidings serve` and by tests. It knows no SQL and no provider by name. The way of
//! a message, in reading order:
//!
//! 1. [`http`] and [`vendors`] read a request; [`access`] says who it is.
//! 2. [`intake`] checks, plans and routes it, and keeps it: accepted means on disk.
//! 3. [`dispatch`] leases what is due on a lane, writes the attempt, calls the provider and writes the end.
//! 4. [`reports`] brings in what providers say, however it comes; [`inbound`] the texts of phones.
//! 5. [`webhooks`] tells the customer.
//!
//! [`serve`] starts all of it, reads the configuration again and ends it in order; [`telemetry`] tells how it
//! fares. [`janitor`] repairs what time or a crash left behind; a signal only wakes a loop, and what there is to
//! do is read from the store.

#![expect(
    rustdoc::private_intra_doc_links,
    reason = "the documents of this crate are for those who work on it, its private parts included"
)]

pub mod access;
pub mod config;
pub mod dispatch;
pub mod gateway;
pub mod http;
pub mod inbound;
pub mod intake;
pub mod janitor;
pub mod lane;
pub mod metrics;
mod names;
pub mod quotes;
pub mod reports;
pub mod serve;
pub mod settings;
pub mod signals;
pub mod telemetry;
#[cfg(test)]
mod trial;
pub mod vendors;
pub mod webhooks;

pub use config::Config;
pub use gateway::Gateway;
