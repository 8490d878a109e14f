//! Between Puzzel's words and ours: pure functions and the vendor's code lists, for both dialects.
//!
//! Used by both halves. It looks at no HTTP status. What both halves need is in this file,
//! `codes/` holds the vendor's lists, `inward.rs` reads what comes in at our server.

pub mod codes;
pub(super) mod inward;

/// The name in configuration, errors and spans.
pub const PROVIDER: &str = "puzzel";
