//! A simulated carrier behind any provider's API: accounts with credit, contacts, groups, messages
//! that make their way to phones, and scripted faults.
//!
//! Called by the command's `sim` and `demo`, by benchmarks and by every test that needs a carrier.
//! It knows no provider by name: whatever [`ProviderSpec`](tidings::ProviderSpec) it is given, it
//! serves that provider's own router with a [`World`] behind it. In reading order: [`Simulator`]
//! (the listener), [`World`] (what is behind the API), [`Scenario`] (what goes wrong).
//!
//! It does not imitate a network: no text is sent anywhere, and a message's state is computed from
//! the clock at the moment of asking. The only calls that it makes itself are those to the customer's
//! server, where there is an address for them.

#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod error;
mod faults;
mod operation;
pub mod scenario;
mod server;
pub mod world;

pub use error::SimError;
pub use operation::Operation;
pub use scenario::{Scenario, ScenarioError};
pub use server::{Simulator, SimulatorBuilder};
pub use world::{PhoneText, SimMessage, SimSession, SimWindow, Stats, TokenStats, World};
