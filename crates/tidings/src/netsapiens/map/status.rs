//! The words for how far a message has come. Part of `map`.

use tidings_core::ReportedState;

/// What the `status` of a message that is in its session says. The vendor documents no list; these
/// words were seen. A word that is not known says nothing: it may tell of a failure.
///
/// `sending`, and no word, is [`ReportedState::Submitted`] and not [`ReportedState::Sent`]. That a
/// message is in its session shows that the PBX has it, and no more: outbound messages of at least one
/// cluster keep `sending` for ever, those that the carrier refused as well as those that the phone has,
/// and `Sent` would say that the carrier took it. `sent` and `delivered` appear in clients, and are
/// believed.
pub fn state(word: &str) -> ReportedState {
    match word.trim().to_ascii_lowercase().as_str() {
        "" | "sending" | "pending" | "queued" | "scheduled" => ReportedState::Submitted,
        "sent" => ReportedState::Sent,
        "delivered" | "read" => ReportedState::Delivered,
        "undelivered" => ReportedState::Undelivered,
        "failed" | "error" | "rejected" => ReportedState::Failed,
        "expired" => ReportedState::Expired,
        "canceled" | "cancelled" | "deleted" => ReportedState::Canceled,
        _ => ReportedState::Unknown,
    }
}
