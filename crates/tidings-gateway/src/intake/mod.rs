//! Stage 1: a request's messages are checked, planned, routed and kept.
//!
//! Called by [`crate::http`], [`crate::vendors`], and by whoever answers texts from phones. One verdict per
//! message, in order; what is accepted is on disk. It reads no HTTP and calls no provider.

mod draft;
mod verdict;

pub use draft::{Draft, DraftRecipient, Timing};
pub use verdict::{AcceptedMessage, Rejection, RejectionCode, Verdict};
