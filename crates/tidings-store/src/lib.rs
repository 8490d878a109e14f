//! The durable queue and everything else that must survive: messages with their attempts and events,
//! batches, accounts and keys, contacts, inbound texts, opt-outs, webhooks, and the record of
//! administrative acts.
//!
//! Called by the gateway, through [`Store`] alone. It knows SQL, and nothing of HTTP or of providers:
//! what leaves when, over which lane and whether again is decided above and comes in as values; the
//! time comes in too. In reading order: [`model`] (what is kept), [`store`] (what can be done with it,
//! one transaction each), then an implementation.

#![warn(missing_docs)]
#![expect(
    rustdoc::private_intra_doc_links,
    reason = "the documents of this crate are for those who work on it, its private parts included"
)]

mod batches;
pub mod error;
mod files;
pub mod memory;
pub mod model;
pub mod open;
mod secrets;
pub mod sqlite;
pub mod store;

pub use error::{Result, StoreError, StoreErrorKind};
pub use files::Files;
pub use model::*;
pub use open::{ExclusiveHold, StoreUrl, exclusive, open};
pub use secrets::Secrets;
pub use store::Store;
