//! What the stages say of themselves: how many messages were accepted and refused, how long that took, and
//! spans from a request over its acceptance to the attempts of its messages.
//!
//! Called by the stages where it happens. A span holds ids, and neither text, number nor secret. Attempts are
//! made later than the request, so that which message belongs to which trace is remembered here, for as many
//! messages as [`REMEMBERED`] and not over a restart; without a place to export spans to nothing is.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{counter, histogram};
use opentelemetry::Context;
use tidings_store::{LaneId, MessageId};
use tracing::{Span, debug_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::gateway::Live;
use crate::intake::Verdict;

/// Messages whose trace is remembered.
const REMEMBERED: usize = 65_536;

/// Messages that were accepted: counter. Label: `lane`, or `none` for those that wait for a route.
pub const ACCEPTED: &str = "tidings_accepted_messages_total";
/// Messages that were refused at the door: counter. Label: `code`.
pub const REJECTED: &str = "tidings_rejected_messages_total";
/// From the drafts until they are on disk: histogram, in seconds.
pub const ACCEPT_SECONDS: &str = "tidings_accept_seconds";

/// The span of an acceptance.
pub(crate) fn accept_span(origin: &str, n_messages: usize) -> Span {
    debug_span!(
        "accept",
        origin,
        n_messages,
        message.id = tracing::field::Empty
    )
}

/// Counts what became of drafts. To be called inside the span.
pub(crate) fn accepted(live: &Live, verdicts: &[Verdict], took: Duration) {
    let mut without_lane = 0;
    for verdict in verdicts {
        match verdict {
            Ok(accepted) if accepted.is_repeated => {}
            Ok(accepted) => match accepted.lane.as_ref().and_then(|lane| live.lanes.get(lane)) {
                Some(lane) => lane.accepted.increment(1),
                None => without_lane += 1,
            },
            Err(rejection) => {
                counter!(REJECTED, "code" => rejection.code.as_str()).increment(1);
            }
        }
    }
    if without_lane > 0 {
        counter!(ACCEPTED, "lane" => "none").increment(without_lane);
    }
    histogram!(ACCEPT_SECONDS).record(took.as_secs_f64());
    if TRACES.is_on.load(Ordering::Relaxed) {
        let ids = verdicts.iter().flatten().map(|accepted| accepted.id);
        TRACES.remember(ids, &Span::current());
    }
}

/// The span of one call to a provider, in the trace of the first of its messages.
pub(crate) fn attempt_span(
    lane: &LaneId,
    mut messages: impl ExactSizeIterator<Item = MessageId>,
) -> Span {
    let n_messages = messages.len();
    let span = debug_span!(
        "attempt",
        lane = lane.as_str(),
        n_messages,
        message.id = tracing::field::Empty
    );
    if span.is_disabled() {
        return span;
    }
    if let Some(first) = messages.next() {
        span.record("message.id", tracing::field::display(first));
        if let Some(parent) = TRACES.of(first) {
            // Without a layer that exports spans there is nobody to tell.
            let _ = span.set_parent(parent);
        }
    }
    span
}

/// From now on traces are remembered.
pub(super) fn remember_traces() {
    TRACES.is_on.store(true, Ordering::Relaxed);
}

static TRACES: Traces = Traces {
    is_on: AtomicBool::new(false),
    known: Mutex::new(None),
};

struct Traces {
    is_on: AtomicBool,
    known: Mutex<Option<Known>>,
}

#[derive(Default)]
struct Known {
    contexts: HashMap<MessageId, Context>,
    order: VecDeque<MessageId>,
}

impl Traces {
    fn remember(&self, ids: impl Iterator<Item = MessageId>, span: &Span) {
        let context = span.context();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        let mut first = true;
        for id in ids {
            if std::mem::take(&mut first) {
                span.record("message.id", tracing::field::display(id));
            }
            if known.contexts.insert(id, context.clone()).is_none() {
                known.order.push_back(id);
            }
            if known.order.len() > REMEMBERED
                && let Some(oldest) = known.order.pop_front()
            {
                known.contexts.remove(&oldest);
            }
        }
    }

    fn of(&self, id: MessageId) -> Option<Context> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref()?.contexts.get(&id).cloned()
    }
}
