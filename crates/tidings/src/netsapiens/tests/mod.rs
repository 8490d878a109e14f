//! Tests of the NetSapiens provider.
