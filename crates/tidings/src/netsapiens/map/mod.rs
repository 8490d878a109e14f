//! Pure functions between neutral types and the wire, and the vendor's words. Used by both halves.

/// The provider's id in errors, logs and configuration.
pub const PROVIDER: &str = "netsapiens";
