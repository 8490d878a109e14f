//! One call to a provider: messages whose attempts are on disk go out, and what the provider says comes
//! back.
//!
//! Called by [`super::lane`], in a task for each call. It reads no store and decides nothing: what the
//! answers mean for the messages is [`super::outcome`].

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tidings::layers::CircuitState;
use tidings::{Acceptance, Error, ErrorKind, Outbound, ProviderSpec, Receipt, Result};
use tidings_core::{DeliveryPolicy, Message, Timestamp};
use tidings_store::{AttemptId, Begun, LaneId, Leased, MessageKey};
use tracing::Instrument as _;

use super::group::Carries;
use crate::gateway::Gateway;
use crate::lane::Lane;
use crate::telemetry::stages;
use crate::vendors::KeptTerms;

impl Carries for Leased {
    fn message(&self) -> &Message {
        &self.message
    }
}

/// Messages that go out in one call. Their attempts are on disk.
#[derive(Debug)]
pub(super) struct Flight {
    /// One for each message.
    pub(super) attempts: Vec<Attempt>,
    /// The messages, in the same order.
    pub(super) outbounds: Vec<Outbound>,
}

/// What is known of one message of a call, besides what is sent.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) key: MessageKey,
    pub(super) id: AttemptId,
    pub(super) accepted_at: Timestamp,
    pub(super) first_attempt_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) policy: DeliveryPolicy,
    pub(super) tried: Vec<LaneId>,
}

/// A call that has ended.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) flight: Flight,
    /// One result for each message, or one error for all.
    pub(super) results: Result<Vec<Result<Receipt>>>,
    /// How long the call took; `None` where none was made.
    pub(super) took: Option<Duration>,
    /// Whether the provider counted as down when the call was made, or was not made.
    pub(super) is_probe: bool,
}

/// Those of a call to a provider that may go, and the parts of those that may not.
pub(super) fn board(
    messages: Vec<Leased>,
    begun: &[Begun],
    spec: &ProviderSpec,
    now: Timestamp,
) -> (Flight, u64) {
    let mut flight = Flight {
        attempts: Vec::with_capacity(messages.len()),
        outbounds: Vec::with_capacity(messages.len()),
    };
    let mut parts_gone = 0;
    for (leased, begun) in messages.into_iter().zip(begun) {
        let Begun::Go(id) = *begun else {
            parts_gone += u64::from(leased.parts);
            continue;
        };
        let mut message = leased.message;
        // The provider is told how long the message is worth delivering from now on.
        if let Some(end) = leased.expires_at {
            message.valid_for = Some(end.since(now));
        }
        flight.attempts.push(Attempt {
            key: leased.key,
            id,
            accepted_at: leased.accepted_at,
            first_attempt_at: leased.first_attempt_at.unwrap_or(now),
            expires_at: leased.expires_at,
            policy: message.policy.unwrap_or_default(),
            tried: leased.tried,
        });
        let mut outbound = Outbound::new(id.reference(), message);
        outbound.terms = KeptTerms::passed_on(leased.terms.as_deref(), spec);
        flight.outbounds.push(outbound);
    }
    (flight, parts_gone)
}

/// Makes the call.
pub(super) async fn fly(gateway: Gateway, lane: Arc<Lane>, flight: Flight) -> Landed {
    let is_probe = lane.circuit.state() != CircuitState::Closed;
    let passage = match lane.circuit.enter() {
        Ok(passage) => passage,
        Err(error) => {
            return Landed {
                flight,
                results: Err(error),
                took: None,
                is_probe: true,
            };
        }
    };
    let began = gateway.clock().elapsed();
    let ids = flight.attempts.iter().map(|attempt| attempt.id.message);
    let span = stages::attempt_span(&lane.id, ids);
    let call = lane.provider.submit(&flight.outbounds).instrument(span);
    let call = AssertUnwindSafe(call).catch_unwind();
    let results = match tokio::time::timeout(lane.config.timeout, call).await {
        Ok(Ok(results)) => results,
        Ok(Err(_)) => {
            let what = "the code of the provider broke off in the middle of a call";
            Err(Error::new(ErrorKind::Protocol, Acceptance::Unknown, what))
        }
        Err(_) => {
            let what = format!(
                "the provider did not answer within {:?}",
                lane.config.timeout
            );
            Err(Error::new(ErrorKind::Timeout, Acceptance::Unknown, what))
        }
    };
    let took = gateway.clock().elapsed().saturating_sub(began);
    passage.end_with(&results);
    Landed {
        flight,
        results,
        took: Some(took),
        is_probe,
    }
}

/// What a provider owes for a message to which it gave no result.
pub(super) fn no_result() -> Error {
    let what = "the provider gave no result for this message";
    Error::new(ErrorKind::Protocol, Acceptance::Unknown, what)
}
