//! What comes in at our server: the vendor's messages as neutral ones, and our refusals in the
//! vendor's codes.
//!
//! Used by `server.rs`.
