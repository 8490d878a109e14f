//! How values are written into columns and read back: the one place that knows the numbers behind
//! states, kinds and outcomes.
//!
//! Used by every file of this folder. The numbers are part of the schema: one that was used once never
//! means anything else. It runs no statement.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use tidings_core::{
    DeliveryPolicy, E164, HeldReason, MessageState, Priority, Reason, SenderId, Timestamp,
};
use uuid::Uuid;

use crate::model::{AttemptOutcome, EventKind};

/// Reads columns in our types.
pub(super) trait RowExt {
    /// A time.
    fn time(&self, column: usize) -> rusqlite::Result<Timestamp>;
    /// A time or none.
    fn time_opt(&self, column: usize) -> rusqlite::Result<Option<Timestamp>>;
    /// A UUID.
    fn id(&self, column: usize) -> rusqlite::Result<Uuid>;
    /// A UUID or none.
    fn id_opt(&self, column: usize) -> rusqlite::Result<Option<Uuid>>;
    /// A number of at least zero.
    fn count(&self, column: usize) -> rusqlite::Result<u64>;
    /// A text or none.
    fn text_opt(&self, column: usize) -> rusqlite::Result<Option<Arc<str>>>;
    /// A phone number.
    fn phone(&self, column: usize) -> rusqlite::Result<E164>;
    /// A state of a message.
    fn state(&self, column: usize) -> rusqlite::Result<MessageState>;
    /// A reason or none.
    fn reason(&self, column: usize) -> rusqlite::Result<Option<Reason>>;
}

impl RowExt for Row<'_> {
    fn time(&self, column: usize) -> rusqlite::Result<Timestamp> {
        let millis: i64 = self.get(column)?;
        Timestamp::from_millis(millis).ok_or_else(|| unreadable(column))
    }

    fn time_opt(&self, column: usize) -> rusqlite::Result<Option<Timestamp>> {
        let millis: Option<i64> = self.get(column)?;
        millis
            .map(|millis| Timestamp::from_millis(millis).ok_or_else(|| unreadable(column)))
            .transpose()
    }

    fn id(&self, column: usize) -> rusqlite::Result<Uuid> {
        self.get(column).map(Uuid::from_bytes)
    }

    fn id_opt(&self, column: usize) -> rusqlite::Result<Option<Uuid>> {
        let bytes: Option<[u8; 16]> = self.get(column)?;
        Ok(bytes.map(Uuid::from_bytes))
    }

    fn count(&self, column: usize) -> rusqlite::Result<u64> {
        let number: i64 = self.get(column)?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    fn text_opt(&self, column: usize) -> rusqlite::Result<Option<Arc<str>>> {
        self.get(column)
    }

    fn phone(&self, column: usize) -> rusqlite::Result<E164> {
        let digits: i64 = self.get(column)?;
        let digits = u64::try_from(digits).map_err(|_| unreadable(column))?;
        E164::from_digits(digits).map_err(|_| unreadable(column))
    }

    fn state(&self, column: usize) -> rusqlite::Result<MessageState> {
        let code: i64 = self.get(column)?;
        state_of(code).ok_or_else(|| unreadable(column))
    }

    fn reason(&self, column: usize) -> rusqlite::Result<Option<Reason>> {
        match self.get_ref(column)?.as_str_or_null()? {
            None => Ok(None),
            Some(word) => word.parse().map(Some).map_err(|_| unreadable(column)),
        }
    }
}

/// The error of a column that holds what nobody wrote.
pub(super) fn unreadable(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        column,
        Type::Null,
        Box::new(FromSqlError::InvalidType),
    )
}

/// A phone number as a column has it.
pub(super) fn phone_code(phone: &E164) -> i64 {
    phone.digits().cast_signed()
}

/// The number of a state.
pub(super) fn state_code(state: MessageState) -> i64 {
    match state {
        MessageState::Held(HeldReason::Schedule) => 0,
        MessageState::Held(HeldReason::Window) => 1,
        MessageState::Held(HeldReason::QuietHours) => 2,
        MessageState::Held(HeldReason::Paused) => 3,
        MessageState::Held(HeldReason::Approval) => 4,
        MessageState::Held(HeldReason::NoRoute) => 5,
        MessageState::Queued => 10,
        MessageState::Leased => 11,
        MessageState::Sending => 20,
        MessageState::Unknown => 30,
        MessageState::Submitted => 40,
        MessageState::Sent => 50,
        MessageState::Failed => 80,
        MessageState::Expired => 81,
        MessageState::Canceled => 82,
        MessageState::Undelivered => 83,
        MessageState::Delivered => 90,
        other => unreachable!("the state {other} has no number yet; the test of this file says so"),
    }
}

/// The state with a number.
pub(super) fn state_of(code: i64) -> Option<MessageState> {
    let mut all = MessageState::ALL.iter().copied();
    all.find(|state| state_code(*state) == code)
}

/// In which column of its batch's counts a message is: the place of its word in [`STATE_WORDS`].
pub(super) fn state_column(state: MessageState) -> usize {
    STATE_WORDS
        .iter()
        .position(|word| *word == state.as_str())
        .expect("every state's word is in the list; the test of this file says so")
}

/// The states that batches count, in the order of their columns.
pub(super) const STATE_WORDS: [&str; 12] = [
    "held",
    "queued",
    "leased",
    "sending",
    "unknown",
    "submitted",
    "sent",
    "failed",
    "expired",
    "canceled",
    "undelivered",
    "delivered",
];

/// The number of a kind of event.
pub(super) fn kind_code(kind: EventKind) -> i64 {
    match kind {
        EventKind::Accepted => 0,
        EventKind::Held => 1,
        EventKind::Queued => 2,
        EventKind::Sending => 3,
        EventKind::Unknown => 4,
        EventKind::Submitted => 5,
        EventKind::Sent => 6,
        EventKind::Delivered => 7,
        EventKind::Undelivered => 8,
        EventKind::Failed => 9,
        EventKind::Expired => 10,
        EventKind::Canceled => 11,
        EventKind::Noted => 12,
        EventKind::BatchClosed => 20,
        EventKind::BatchPaused => 21,
        EventKind::BatchResumed => 22,
        EventKind::BatchStopped => 23,
        EventKind::BatchDone => 24,
        EventKind::Inbound => 30,
        EventKind::OptedOut => 31,
        EventKind::OptedIn => 32,
        EventKind::LowBalance => 40,
        EventKind::EmptyBalance => 41,
        EventKind::BalanceFilled => 42,
        EventKind::FailureRate => 43,
        EventKind::Delays => 44,
        EventKind::LaneDown => 45,
        EventKind::LaneUp => 46,
        EventKind::WebhookDisabled => 50,
    }
}

/// The kind with a number.
pub(super) fn kind_of(code: i64) -> Option<EventKind> {
    let mut all = EventKind::ALL.iter().copied();
    all.find(|kind| kind_code(*kind) == code)
}

/// The number of a priority; a higher one leaves first.
pub(super) fn priority_code(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Normal => 1,
        Priority::High => 2,
        other => unreachable!("the priority {other} has no number yet"),
    }
}

/// The priority with a number.
pub(super) fn priority_of(code: i64) -> Priority {
    match code {
        0 => Priority::Low,
        2 => Priority::High,
        _ => Priority::Normal,
    }
}

/// The number of a policy.
pub(super) fn policy_code(policy: DeliveryPolicy) -> i64 {
    match policy {
        DeliveryPolicy::Reconcile => 0,
        DeliveryPolicy::AtMostOnce => 1,
        DeliveryPolicy::AtLeastOnce => 2,
        other => unreachable!("the policy {other} has no number yet"),
    }
}

/// The policy with a number.
pub(super) fn policy_of(code: i64) -> DeliveryPolicy {
    match code {
        1 => DeliveryPolicy::AtMostOnce,
        2 => DeliveryPolicy::AtLeastOnce,
        _ => DeliveryPolicy::Reconcile,
    }
}

/// The outcome with a number; 0 is an attempt that is open.
pub(super) fn outcome_of(code: i64) -> Option<AttemptOutcome> {
    match code {
        TAKEN => Some(AttemptOutcome::Taken),
        NOT_TAKEN => Some(AttemptOutcome::NotTaken),
        UNKNOWN => Some(AttemptOutcome::Unknown),
        _ => None,
    }
}

/// An attempt that is open.
pub(super) const OPEN: i64 = 0;
/// An attempt that the provider has.
pub(super) const TAKEN: i64 = 1;
/// An attempt that is proved not to have been taken.
pub(super) const NOT_TAKEN: i64 = 2;
/// An attempt of which nobody knows.
pub(super) const UNKNOWN: i64 = 3;

/// A sender that was written by `Display`.
pub(super) fn sender_of(text: Option<&str>) -> Option<SenderId> {
    text.and_then(|text| SenderId::parse(text).ok())
}

/// A duration in milliseconds.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A duration that was written in milliseconds.
pub(super) fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// A number of things as SQL takes it.
pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A number of at least zero as SQL takes it.
pub(super) fn unsigned(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A short number under which a provider's name for something is searched; what it finds is compared
/// whole. FNV-1a with 64 bits, because it is written down and must stay the same for ever.
pub(super) fn hash(text: &str) -> i64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_kind_and_word_has_a_number_of_its_own() {
        for state in MessageState::ALL {
            assert_eq!(state_of(state_code(*state)), Some(*state));
            assert_eq!(STATE_WORDS[state_column(*state)], state.as_str());
        }
        for kind in EventKind::ALL {
            assert_eq!(kind_of(kind_code(*kind)), Some(*kind));
        }
        for priority in Priority::ALL {
            assert_eq!(priority_of(priority_code(*priority)), *priority);
        }
        for policy in DeliveryPolicy::ALL {
            assert_eq!(policy_of(policy_code(*policy)), *policy);
        }
    }
}
