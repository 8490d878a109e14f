//! Pure functions between neutral types and the wire, and the vendor's words. Used by both halves.

pub mod addresses;
pub mod conversation;
pub mod number;
pub mod status;
pub mod time;
pub mod times;

/// The provider's id in errors, logs and configuration.
pub const PROVIDER: &str = "netsapiens";
