//! Tests of the NetSapiens provider.

mod callback;
#[cfg(feature = "client")]
mod sign_in;
