//! Tests of the NetSapiens provider.

mod callback;
mod exchanges;
mod golden;
#[cfg(feature = "client")]
mod path;
#[cfg(feature = "client")]
mod sign_in;
mod wire;
