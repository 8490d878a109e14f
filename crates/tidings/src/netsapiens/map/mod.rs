//! Pure functions between neutral types and the wire, and the vendor's words. Used by both halves.

pub mod conversation;
#[cfg(feature = "server")]
pub(super) mod inward;
pub mod number;
#[cfg(feature = "server")]
pub(super) mod outward;
pub mod status;

/// The provider's id in errors, logs and configuration.
pub const PROVIDER: &str = "netsapiens";
