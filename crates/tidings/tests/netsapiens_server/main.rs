//! The NetSapiens API as a server.
