//! The whole life of a message: its states, what can happen to it, and what follows.
//!
//! Called by whoever keeps a message's state. One pure function, [`MessageState::on`], decides;
//! nothing else in the workspace changes a state.

use serde::{Deserialize, Serialize};

/// Where a message is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageState {
    /// Accepted, and not to leave yet.
    Held(HeldReason),
    /// Waits for its turn.
    Queued,
    /// A worker has taken it; nothing has been written about an attempt yet.
    Leased,
    /// An attempt is open: bytes may be on their way to the provider.
    Sending,
    /// An attempt ended without a readable verdict: nobody can know whether it was taken.
    Unknown,
    /// The provider has taken it.
    Submitted,
    /// The carrier has it.
    Sent,
    /// The carrier could not deliver it.
    Undelivered,
    /// The provider refused it, or every way was tried.
    Failed,
    /// Its validity ran out.
    Expired,
    /// The phone has it.
    Delivered,
    /// It was stopped before it left.
    Canceled,
}

/// Why an accepted message does not leave yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeldReason {
    /// Its time has not come.
    Schedule,
    /// Its send window is closed.
    Window,
    /// It is night where the recipient is.
    QuietHours,
    /// Its batch or lane is paused.
    Paused,
    /// A person has to approve it.
    Approval,
    /// No provider account serves its recipient at present.
    NoRoute,
}
