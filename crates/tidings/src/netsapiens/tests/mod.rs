//! Tests of the NetSapiens provider.

#[cfg(feature = "client")]
mod sign_in;
