//! The words for how far a message has come. Part of `map`.

use tidings_core::ReportedState;

/// What a message's `status` says. The vendor documents no list; these words were seen. Words that are
/// not known, and none, say nothing.
///
/// `sending` is what outbound messages of at least one cluster keep for ever, also when the phone has
/// them, so it says no more than that the PBX has the message. `delivered` appears in clients, and is
/// believed.
pub fn state(word: &str) -> ReportedState {
    match word.trim().to_ascii_lowercase().as_str() {
        "sending" | "pending" | "queued" | "scheduled" => ReportedState::Submitted,
        "sent" => ReportedState::Sent,
        "delivered" | "read" => ReportedState::Delivered,
        "undelivered" => ReportedState::Undelivered,
        "failed" | "error" | "rejected" => ReportedState::Failed,
        "expired" => ReportedState::Expired,
        "canceled" | "cancelled" | "deleted" => ReportedState::Canceled,
        _ => ReportedState::Unknown,
    }
}
