//! Pure functions between neutral types and the wire, and the vendor's words. Used by both halves.

#[cfg(feature = "server")]
pub(super) mod inward;
#[cfg(feature = "server")]
pub(super) mod outward;

/// The provider's id in errors, logs and configuration.
pub const PROVIDER: &str = "netsapiens";
