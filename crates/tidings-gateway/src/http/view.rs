//! A message as it is shown: [`MessageView`], [`AttemptView`], [`EventView`].
//!
//! Made by `messages.rs`, `batches/`, `inbound.rs` and `events.rs`.

use serde::Serialize;
use serde_json::value::RawValue;
use tidings_core::{MessageState, Timestamp};
use tidings_store::{Event, MessageHistory, StoredAttempt, StoredMessage};
use utoipa::ToSchema;

use super::pages;
use super::schema;

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageView {
    /// Its name.
    #[schema(format = "uuid")]
    pub(crate) id: String,
    /// Whose.
    pub(crate) account: String,
    /// How far it has come.
    #[schema(value_type = schema::State)]
    pub(crate) state: &'static str,
    /// Why it may not leave yet: `schedule`, `window`, `quiet_hours`, `paused`, `approval`, `no_route`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) held_because: Option<&'static str>,
    /// For whom.
    pub(crate) to: String,
    /// From whom, as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// From whom it left at last, where it names nobody itself: a route, the lane or the configuration
    /// said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sent_from: Option<String>,
    /// The text as it leaves.
    pub(crate) text: String,
    /// The text as it was asked for, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) original_text: Option<String>,
    /// Your own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// Your own word for its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<String>,
    /// What leaves first.
    #[schema(value_type = schema::Priority)]
    pub(crate) priority: &'static str,
    /// What is done after a lost answer.
    #[schema(value_type = schema::Policy)]
    pub(crate) policy: &'static str,
    /// Why it went no further.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) reason: Option<&'static str>,
    /// A sentence about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// How many parts the text has.
    pub(crate) segments: u16,
    /// The lane that has it or is to have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lane: Option<String>,
    /// Its batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    pub(crate) batch: Option<String>,
    /// Its row in the batch, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<u64>,
    /// Which API it came by: `tidings`, or a provider's id.
    pub(crate) origin: String,
    /// The conversation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conversation: Option<String>,
    /// Whether it may have been sent twice.
    pub(crate) duplicate_risk: bool,
    /// The message that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    pub(crate) resend_of: Option<String>,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) accepted_at: Timestamp,
    /// When it may leave at the earliest, while it is held or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) not_before: Option<Timestamp>,
    /// From when on it is not worth sending.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires_at: Option<Timestamp>,
    /// When its state changed last.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) changed_at: Timestamp,
    /// Grows with every change.
    pub(crate) version: u32,
}

/// A message with all that happened to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageHistory)]
pub(crate) struct HistoryView {
    /// The message.
    #[serde(flatten)]
    pub(crate) message: MessageView,
    /// Its attempts, the first one first.
    pub(crate) attempts: Vec<AttemptView>,
    /// What happened, in order.
    pub(crate) events: Vec<EventView>,
}

/// One attempt to hand a message to a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptView {
    /// Which, from 1.
    pub(crate) number: u16,
    /// Over which lane.
    pub(crate) lane: String,
    /// From whom, where the message names nobody itself: a route, the lane or the configuration said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) began_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) ended_at: Option<Timestamp>,
    /// How it ended: `taken`, `not_taken` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) outcome: Option<&'static str>,
    /// The provider's id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_id: Option<String>,
    /// The provider's id of the batch that it travelled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider_batch: Option<String>,
    /// The class of the error, a stable word; `interrupted` where the gateway ended before the call did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The provider's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// How often it was tried to find out what became of it, where its answer was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checks: Option<u16>,
    /// When that is tried next; without it, nobody tries.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) next_check_at: Option<Timestamp>,
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// Its place in the order of all.
    pub(crate) seq: i64,
    /// What: `message.delivered`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub(crate) kind: &'static str,
    /// When, by our clock.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
    /// Whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    pub(crate) message: Option<String>,
    /// The batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    pub(crate) batch: Option<String>,
    /// The lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lane: Option<String>,
    /// Which attempt of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u16>,
    /// The message's state after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::State>)]
    pub(crate) state: Option<&'static str>,
    /// The message's version after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u32>,
    /// When, by the provider's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) their_time: Option<Timestamp>,
    /// The provider's own code or word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// Why the message went no further.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) reason: Option<&'static str>,
    /// A sentence about it; where the event concerns no message, what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Detail>)]
    pub(crate) detail: Option<Box<RawValue>>,
}

/// The word of a state; a lease is nobody's news.
pub(crate) const fn state_word(state: MessageState) -> &'static str {
    match state {
        MessageState::Held(_) => "held",
        MessageState::Sending => "sending",
        MessageState::Unknown => "unknown",
        MessageState::Submitted => "submitted",
        MessageState::Sent => "sent",
        MessageState::Undelivered => "undelivered",
        MessageState::Failed => "failed",
        MessageState::Expired => "expired",
        MessageState::Delivered => "delivered",
        MessageState::Canceled => "canceled",
        // `MessageState` may grow: what is not known here is told by none of these words yet.
        MessageState::Queued | MessageState::Leased | _ => "queued",
    }
}

fn held_because(state: MessageState) -> Option<&'static str> {
    match state {
        MessageState::Held(reason) => Some(reason.as_str()),
        _ => None,
    }
}

impl MessageView {
    /// A message, with its number and texts or without.
    pub(crate) fn of(message: StoredMessage, is_masked: bool) -> Self {
        let text = |text: &str| pages::text(text, is_masked);
        Self {
            id: message.id.to_string(),
            account: message.account.into(),
            state: state_word(message.state),
            held_because: held_because(message.state),
            to: pages::number(&message.to, is_masked),
            from: message.from.map(String::from),
            sent_from: message.sent_from.map(String::from),
            text: text(&message.text),
            original_text: message.original_text.as_deref().map(text),
            reference: message.reference.as_deref().map(str::to_owned),
            tag: message.tag.as_deref().map(str::to_owned),
            priority: message.priority.as_str(),
            policy: message.policy.as_str(),
            reason: message.reason.map(tidings_core::Reason::as_str),
            detail: message.detail.as_deref().map(text),
            segments: message.parts,
            lane: message.lane.map(String::from),
            batch: message.batch.map(|place| place.batch.to_string()),
            index: message.batch.map(|place| place.index),
            origin: message.origin.to_string(),
            conversation: message.conversation.map(String::from),
            duplicate_risk: message.duplicate_risk,
            resend_of: message.resend_of.map(|id| id.to_string()),
            accepted_at: message.accepted_at,
            not_before: message.not_before,
            expires_at: message.expires_at,
            changed_at: message.changed_at,
            version: message.version,
        }
    }
}

impl HistoryView {
    /// A message with all that happened to it.
    pub(crate) fn of(history: MessageHistory, is_masked: bool) -> Self {
        let doubt = doubt(&history);
        let events = history.events.into_iter();
        let mut message = MessageView::of(history.message, is_masked);
        message.detail = message.detail.or(doubt);
        Self {
            message,
            attempts: history.attempts.into_iter().map(AttemptView::of).collect(),
            events: events
                .map(|event| EventView::of(event, is_masked))
                .collect(),
        }
    }
}

impl AttemptView {
    fn of(attempt: StoredAttempt) -> Self {
        let reference = attempt.provider_ref.unwrap_or_default();
        Self {
            number: attempt.number,
            lane: attempt.lane.into(),
            from: attempt.from.map(String::from),
            began_at: attempt.began_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome.map(tidings_store::AttemptOutcome::as_str),
            provider_id: reference.message,
            provider_batch: reference.batch,
            error: attempt.error.as_deref().map(str::to_owned),
            code: attempt.code.as_deref().map(str::to_owned),
            checks: (attempt.n_checks > 0).then_some(attempt.n_checks),
            next_check_at: attempt.next_check_at,
        }
    }
}

/// What is known of a message of which nobody knows whether it went out.
fn doubt(history: &MessageHistory) -> Option<String> {
    if history.message.state != MessageState::Unknown {
        return None;
    }
    let next = history.attempts.iter().filter_map(|it| it.next_check_at);
    Some(match next.min() {
        Some(at) => format!(
            "the answer was lost: nobody knows yet whether it went out; this is looked into again at {at}"
        ),
        None => "the answer was lost, and nobody can find out whether it went out; it is not sent again by \
                 itself. If it may arrive twice, send it as a new message"
            .to_owned(),
    })
}

impl EventView {
    /// An event; masked it is told without what may hold a number or a text.
    pub(crate) fn of(event: Event, is_masked: bool) -> Self {
        let detail = event.detail.as_deref().filter(|_| !is_masked);
        Self {
            seq: event.seq.0,
            kind: event.kind.as_str(),
            at: event.at,
            account: event.account.map(String::from),
            message: event.message.map(|id| id.to_string()),
            batch: event.batch.map(|id| id.to_string()),
            lane: event.lane.map(String::from),
            attempt: event.attempt,
            state: event.state.map(state_word),
            version: event.version,
            their_time: event.their_time,
            code: event.code.as_deref().map(str::to_owned),
            reason: event.reason.map(tidings_core::Reason::as_str),
            detail: detail.map(json_of),
        }
    }
}

/// A detail as JSON: an object where it is one, otherwise a text.
fn json_of(detail: &str) -> Box<RawValue> {
    let object = detail.starts_with('{').then(|| detail.to_owned());
    let object = object.and_then(|object| RawValue::from_string(object).ok());
    object.unwrap_or_else(|| {
        serde_json::value::to_raw_value(detail).expect("a text can be written as JSON")
    })
}
