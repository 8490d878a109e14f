//! What the store keeps, as plain data. No row type of a database is among it.
//!
//! One file per area, named as the trait of that area in [`crate::store`] and as the files of every
//! implementation.

mod accounts;
mod batches;
mod contacts;
mod events;
mod ids;
mod inbound;
mod lanes;
mod messages;
mod queue;
mod reports;
mod tokens;
mod webhooks;

pub use accounts::*;
pub use batches::*;
pub use contacts::*;
pub use events::*;
pub use ids::*;
pub use inbound::*;
pub use lanes::*;
pub use messages::*;
pub use queue::*;
pub use reports::*;
pub use tokens::*;
pub use webhooks::*;
