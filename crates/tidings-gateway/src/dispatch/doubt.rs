//! After a lost answer: was the attempt taken?
//!
//! One loop for each lane, run by [`super::run`]. Providers that can tell are asked, at growing intervals,
//! until the grace is over; then the message's policy decides:
//!
//! | policy | what is done |
//! |---|---|
//! | `reconcile` | the provider is asked; it goes again only when it is proved that it was not taken; else it stays unknown |
//! | `at_most_once` | nobody is asked, and it never goes again |
//! | `at_least_once` | the provider is asked; when the grace is over without an answer it goes again, marked as a possible double |
//!
//! That a message was not taken is believed only of an answer to a question that was asked late enough: an
//! attempt may still be on its way. How late is measured by the machine's own counter since this process
//! first saw the doubt, so that a clock that is set on proves nothing. A report settles a doubt at any
//! moment; the store sees to that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tidings::{AttemptRef, ErrorKind, Outbound, Reconciled};
use tidings_core::{DeliveryPolicy, Reason, Timestamp};
use tidings_store::{AttemptId, Doubt, Finding, LaneId, Next, Settled, StoreError};
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::next::{self, Bounds, Course, OtherLanes as _, Otherwise, Standpoint};
use super::outcome::first_poll;
use super::route::Others;
use crate::config::SendingConfig;
use crate::gateway::Gateway;
use crate::lane::{Lane, Obstacle};
use crate::metrics as names;
use crate::vendors::KeptTerms;

/// How often is looked for doubts that are due.
const LOOK: Duration = Duration::from_secs(1);

/// How many doubts are taken at once.
const PIECE: usize = 64;

/// How many questions are open at once.
const QUESTIONS_AT_ONCE: usize = 8;

/// How often a provider that can tell is asked at least before nobody asks any more.
const FEWEST_CHECKS: u16 = 3;

/// Finds out what became of a lane's lost answers until `ends` is cancelled.
pub(super) async fn run(gateway: Gateway, id: LaneId, ends: CancellationToken) {
    let mut seen = Seen::default();
    loop {
        let round = settle_due(&gateway, &id, &mut seen);
        let is_full = match ends.run_until_cancelled(round).await {
            None => return,
            Some(Ok(n_doubts)) => n_doubts == PIECE,
            Some(Err(error)) => {
                tracing::warn!(lane = %id, %error, "lane {id}: lost answers were not looked into: {error}");
                false
            }
        };
        if !is_full {
            let pause = tokio::time::sleep(LOOK);
            if ends.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }
}

/// When this process first saw which doubt, by the clock's measure.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<AttemptId, Duration>);

impl Seen {
    /// More doubts than these are seen for the first time again and again, which only costs time.
    const MOST: usize = 100_000;

    fn since(&mut self, attempt: AttemptId, now: Duration) -> Duration {
        if self.0.len() >= Self::MOST && !self.0.contains_key(&attempt) {
            return now;
        }
        *self.0.entry(attempt).or_insert(now)
    }
}

/// Looks into the doubts of a lane that are due, once. How many there were.
pub(super) async fn settle_due(
    gateway: &Gateway,
    id: &LaneId,
    seen: &mut Seen,
) -> Result<usize, StoreError> {
    let lane = gateway.lane(id);
    let now = gateway.now();
    let timeout = lane.as_ref().map(|lane| lane.config.timeout);
    let term = timeout.unwrap_or_default().saturating_mul(2) + Duration::from_mins(1);
    let store = gateway.store();
    let doubts = store.doubts_due(id, now.plus(term), PIECE, now).await?;
    if doubts.is_empty() {
        return Ok(0);
    }
    let n_doubts = doubts.len();
    let elapsed = gateway.clock().elapsed();
    let questions = doubts.into_iter().map(|doubt| {
        let since = seen.since(doubt.attempt, elapsed);
        settle(gateway, lane.as_ref(), doubt, since)
    });
    // Boxed where they are made: nested futures of this size would be moved about.
    let questions: Vec<_> = questions.map(Box::pin).collect();
    let settled: Vec<Settled> = stream::iter(questions)
        .buffer_unordered(QUESTIONS_AT_ONCE)
        .collect()
        .await;
    for settled in &settled {
        if !matches!(settled.finding, Finding::AskAgain(_)) {
            seen.0.remove(&settled.attempt);
        }
    }
    let wakes = woken_by(&settled);
    count(id, &settled);
    store.settle_doubts(settled, gateway.now()).await?;
    gateway.signals().happened();
    for lane in wakes {
        gateway.signals().wake_lane(&lane);
    }
    Ok(n_doubts)
}

async fn settle(
    gateway: &Gateway,
    lane: Option<&Arc<Lane>>,
    doubt: Doubt,
    seen_since: Duration,
) -> Settled {
    let asks = doubt.policy != DeliveryPolicy::AtMostOnce;
    let asked_after = gateway.clock().elapsed().saturating_sub(seen_since);
    let answer = match lane {
        Some(lane) if asks && lane.capabilities.reconcile => ask(lane, &doubt).await,
        Some(_) | None => Answer::CannotTell,
    };
    let live = gateway.live();
    let at = Moment {
        now: gateway.now(),
        asked_after,
        random: gateway.randomness().next(),
    };
    let finding = match conclude(answer, &doubt, &live.config.sending, &at) {
        Conclusion::Taken(provider_ref) => Finding::Taken {
            provider_ref: *provider_ref,
            poll_at: lane.and_then(|lane| first_poll(lane, at.now)),
        },
        Conclusion::NotTaken => Finding::NotTaken(after_proof(gateway, &doubt, &at)),
        Conclusion::AskAgain(time) => Finding::AskAgain(time),
        Conclusion::Resend => resend(gateway, &doubt),
        Conclusion::GiveUp => Finding::GiveUp,
    };
    Settled {
        key: doubt.key,
        attempt: doubt.attempt,
        finding,
    }
}

/// What a provider said.
#[derive(Debug)]
pub(super) enum Answer {
    Taken(Box<tidings_core::ProviderRef>),
    NotTaken,
    CannotTell,
    /// It did not answer; perhaps it wants to be asked no sooner than after this time.
    Later(Option<Duration>),
}

async fn ask(lane: &Lane, doubt: &Doubt) -> Answer {
    if !matches!(lane.circuit.state(), tidings::layers::CircuitState::Closed) {
        return Answer::Later(None);
    }
    let mut outbound = Outbound::new(doubt.attempt.reference(), doubt.message.clone());
    outbound.terms = KeptTerms::passed_on(doubt.terms.as_deref(), lane.spec);
    let mut attempt = AttemptRef::new(outbound, doubt.began_at);
    attempt.provider_ref.clone_from(&doubt.provider_ref);
    let question = lane.provider.reconcile(&attempt);
    match tokio::time::timeout(lane.config.timeout, question).await {
        Ok(Ok(Reconciled::Taken(receipt))) => Answer::Taken(Box::new(receipt.provider_ref)),
        Ok(Ok(Reconciled::NotTaken)) => Answer::NotTaken,
        // `Reconciled` may grow: what is not known here proves nothing.
        Ok(Ok(_)) => Answer::CannotTell,
        Ok(Err(error)) if is_for_ever(error.kind()) => Answer::CannotTell,
        Ok(Err(error)) => Answer::Later(error.retry_after()),
        Err(_) => Answer::Later(None),
    }
}

/// Whether the same question would fail again, however often it is asked.
fn is_for_ever(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unsupported
            | ErrorKind::InvalidMessage
            | ErrorKind::InvalidRecipient
            | ErrorKind::InvalidSender
    )
}

/// When a conclusion is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    /// How long after the doubt was first seen the question was asked.
    pub(super) asked_after: Duration,
    pub(super) random: f64,
}

/// What follows from an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Conclusion {
    Taken(Box<tidings_core::ProviderRef>),
    NotTaken,
    AskAgain(Timestamp),
    Resend,
    GiveUp,
}

/// What follows from an answer, for a message of this policy. Pure.
pub(super) fn conclude(
    answer: Answer,
    doubt: &Doubt,
    sending: &SendingConfig,
    at: &Moment,
) -> Conclusion {
    let grace_ends = doubt.unknown_since.plus(sending.grace);
    let is_over = at.now >= grace_ends;
    let wait = Backoff::ASKING.evenly(doubt.n_checks.saturating_add(1), at.random);
    let again_after = |wait: Duration| {
        let next = at.now.plus(wait);
        // The end of the grace is looked at when it comes.
        let next = if is_over { next } else { next.min(grace_ends) };
        Conclusion::AskAgain(next.max(at.now.plus(Duration::from_millis(100))))
    };
    let (can_tell, asked) = match answer {
        Answer::Taken(provider_ref) => return Conclusion::Taken(provider_ref),
        Answer::NotTaken => {
            let is_settled = at.asked_after >= sending.settle
                && at.now >= doubt.unknown_since.plus(sending.settle);
            if is_settled {
                return Conclusion::NotTaken;
            }
            return again_after(wait.min(sending.settle));
        }
        Answer::CannotTell => (false, None),
        Answer::Later(asked) => (true, asked),
    };
    match doubt.policy {
        DeliveryPolicy::AtLeastOnce if is_over => Conclusion::Resend,
        DeliveryPolicy::AtLeastOnce | DeliveryPolicy::Reconcile if !is_over => {
            let rest = grace_ends.since(at.now);
            again_after(if can_tell {
                wait.max(asked.unwrap_or_default())
            } else {
                rest
            })
        }
        DeliveryPolicy::Reconcile if can_tell && doubt.n_checks < FEWEST_CHECKS => {
            again_after(wait.max(asked.unwrap_or_default()))
        }
        // `DeliveryPolicy` may grow: what is not known here sends nothing twice.
        _ => Conclusion::GiveUp,
    }
}

/// Where a message goes that is proved not to have been taken.
fn after_proof(gateway: &Gateway, doubt: &Doubt, at: &Moment) -> Next {
    let live = gateway.live();
    let sending = &live.config.sending;
    let here = &doubt.lane;
    let only_at = KeptTerms::only_at(doubt.terms.as_deref());
    let others = Others::new(gateway, &live, &doubt.message, here, &[], only_at);
    let standpoint = Standpoint {
        n_attempts: doubt.attempt.number,
        first_attempt_at: doubt.began_at,
        expires_at: doubt.expires_at,
        now: at.now,
        wait: Backoff::ASKING.after(doubt.attempt.number, at.random, None),
    };
    let bounds = Bounds {
        max_attempts: sending.max_attempts,
        retry_for: sending.retry_for,
    };
    let course = match obstacle(gateway, here) {
        Some(_) => Course::Elsewhere(Otherwise::Again),
        None => Course::Again,
    };
    next::resolve(
        course,
        Reason::Unspecified,
        here,
        &standpoint,
        bounds,
        &others,
    )
}

/// Sends a message again of which nobody knows whether it was taken, unless it was tried often enough or
/// is not worth sending any more.
fn resend(gateway: &Gateway, doubt: &Doubt) -> Finding {
    let live = gateway.live();
    let is_over = doubt.expires_at.is_some_and(|end| end <= gateway.now());
    if is_over || doubt.attempt.number >= live.config.sending.max_attempts {
        return Finding::GiveUp;
    }
    let here = &doubt.lane;
    let only_at = KeptTerms::only_at(doubt.terms.as_deref());
    let others = Others::new(gateway, &live, &doubt.message, here, &[], only_at);
    let is_gone = !live.lanes.contains_key(here);
    let other = match obstacle(gateway, here) {
        Some(_) => others.any(),
        None if is_gone => others.any().or_else(|| others.out_of_service()),
        None => None,
    };
    match other {
        None if is_gone => Finding::GiveUp,
        other => Finding::Resend {
            lane: other.unwrap_or_else(|| here.clone()),
            not_before: None,
        },
    }
}

fn obstacle(gateway: &Gateway, lane: &LaneId) -> Option<Obstacle> {
    let now = gateway.clock().elapsed();
    gateway.lane(lane)?.obstacle(now)
}

fn woken_by(settled: &[Settled]) -> Vec<LaneId> {
    let mut lanes: Vec<LaneId> = Vec::new();
    for settled in settled {
        if let Finding::Resend { lane, .. } | Finding::NotTaken(Next::Again { lane, .. }) =
            &settled.finding
            && !lanes.contains(lane)
        {
            lanes.push(lane.clone());
        }
    }
    lanes
}

fn count(lane: &LaneId, settled: &[Settled]) {
    for settled in settled {
        let finding = match &settled.finding {
            Finding::Taken { .. } => "taken",
            Finding::NotTaken(_) => "not_taken",
            Finding::Resend { .. } => "resent",
            Finding::GiveUp => "given_up",
            Finding::AskAgain(_) => continue,
        };
        let lane = || lane.as_str().to_owned();
        metrics::counter!(names::DOUBTS_SETTLED, "lane" => lane(), "finding" => finding)
            .increment(1);
        if finding == "resent" {
            metrics::counter!(names::DUPLICATE_RISKS, "lane" => lane()).increment(1);
        }
    }
}
