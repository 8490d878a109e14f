//! Tests of the NetSapiens provider.

mod callback;
