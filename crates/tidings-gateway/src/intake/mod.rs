//! Stage 1: a request's messages are checked, planned, routed and kept.
//!
//! Called by [`crate::http`], [`crate::vendors`], and by whoever answers texts from phones. One verdict per
//! message, in order; what is accepted is on disk. It reads no HTTP and calls no provider.
//!
//! In reading order: `draft.rs` (what is asked for), `check.rs` (one draft by itself: number, sender, text,
//! lane), `accept.rs` (many drafts: opt-outs, times, one transaction), [`timing`] (when a message may
//! leave), [`stamp`] (its place in the order of the lane), [`once`] (requests that are taken once), [`batch`]
//! (rows that come in a stream), `duplicates.rs`, [`resend`], and [`mod@preview`], which sends nothing.

mod accept;
pub mod batch;
mod check;
mod draft;
mod duplicates;
pub mod once;
mod preview;
pub mod resend;
pub mod stamp;
#[cfg(test)]
mod tests;
pub mod timing;
mod verdict;

pub use accept::accept;
pub use draft::{Draft, DraftRecipient, LocalHours, LocalTime, Timing};
pub use preview::{Preview, PreviewRequest, PreviewedRoute, Replaced, preview};
pub use verdict::{AcceptedMessage, Rejection, RejectionCode, Verdict};
