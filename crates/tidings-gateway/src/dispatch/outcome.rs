//! What the answers of a call mean: for each of its messages, and for the lane.
//!
//! Called by [`super::lane`] when a call has ended. The decisions are [`super::next`]; here they meet the
//! lanes, the clock and the numbers that are shown. It writes nothing to the store.

use std::sync::Arc;

use tidings::messenger::Step;
use tidings::routing::{Observation, Standing};
use tidings::{Acceptance, Error, ErrorKind, Outbound, Receipt};
use tidings_core::Timestamp;
use tidings_store::{Fault, Finished, LaneId, Next, Outcome};

use super::attempt::{Attempt, Landed, no_result};
use super::backoff::{Backoff, RetryBudget};
use super::meters::Meters;
use super::next::{self, Bounds, Course, Otherwise, Standpoint};
use super::record::LastError;
use super::route::Others;
use super::suspension::is_about_the_account;
use crate::gateway::{Gateway, Live};
use crate::lane::Lane;
use crate::vendors::KeptTerms;

/// What came of a call.
#[derive(Debug, Default)]
pub(super) struct Consequences {
    /// For the store.
    pub(super) finished: Vec<Finished>,
    /// Other lanes that get messages.
    pub(super) wakes: Vec<LaneId>,
    /// The first time at which a message comes again over this lane; `None` where none does.
    pub(super) again_at: Option<Timestamp>,
    /// Whether a message is to go again over this lane at once.
    pub(super) again_now: bool,
    /// Whether the provider has begun to refuse the account because nothing is left on it.
    pub(super) is_out_of_credit: bool,
    /// Whether the provider answered, or failed by its own fault; `None` where no call was made.
    pub(super) is_fault: Option<bool>,
}

/// What is needed to judge.
pub(super) struct Judge<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) live: &'a Live,
    pub(super) lane: &'a Lane,
    pub(super) meters: &'a Meters,
    pub(super) budget: &'a mut RetryBudget,
    /// How many calls in a row asked for patience.
    pub(super) n_throttled: &'a mut u16,
    /// Whether the call in hand was to show whether the provider is back.
    pub(super) is_probe: bool,
}

impl Judge<'_> {
    /// Reads the answers of one call.
    pub(super) fn judge(&mut self, landed: Landed) -> Consequences {
        let now = self.gateway.now();
        let mut consequences = Consequences {
            finished: Vec::with_capacity(landed.flight.attempts.len()),
            ..Consequences::default()
        };
        self.read_for_the_lane(&landed, &mut consequences);
        let Landed {
            flight,
            results,
            is_probe,
            ..
        } = landed;
        self.is_probe = is_probe;
        let (mut each, whole) = match results {
            Ok(results) => (results.into_iter(), None),
            Err(error) => (Vec::new().into_iter(), Some(error)),
        };
        for (attempt, outbound) in flight.attempts.into_iter().zip(&flight.outbounds) {
            let finished = match (&whole, each.next()) {
                (Some(error), _) => {
                    self.not_taken(&attempt, outbound, error, now, &mut consequences)
                }
                (None, Some(Ok(receipt))) => self.taken(&attempt, receipt, now),
                (None, Some(Err(error))) => {
                    self.not_taken(&attempt, outbound, &error, now, &mut consequences)
                }
                (None, None) => {
                    let error = no_result();
                    self.not_taken(&attempt, outbound, &error, now, &mut consequences)
                }
            };
            consequences.finished.push(finished);
        }
        consequences
    }

    fn taken(&self, attempt: &Attempt, receipt: Receipt, now: Timestamp) -> Finished {
        let waited = now.since(attempt.accepted_at);
        self.meters.sending_seconds.record(waited);
        Finished {
            key: attempt.key,
            attempt: attempt.id,
            outcome: Outcome::Taken {
                provider_ref: receipt.provider_ref,
                poll_at: first_poll(self.lane, now),
            },
        }
    }

    fn not_taken(
        &mut self,
        attempt: &Attempt,
        outbound: &Outbound,
        error: &Error,
        now: Timestamp,
        consequences: &mut Consequences,
    ) -> Finished {
        let fault = fault_of(error);
        let course = match next::after(error) {
            // That the provider is still down is no failure of the message that tried.
            Course::Elsewhere(Otherwise::Again) if self.is_probe => {
                Course::Elsewhere(Otherwise::Wait)
            }
            course => course,
        };
        let outcome = if course == Course::FindOut {
            Outcome::Unknown {
                fault,
                provider_ref: error.provider_ref().cloned(),
                check_at: self.first_check(error, attempt, now),
            }
        } else {
            let next = self.next(attempt, outbound, error, course, now);
            if let Next::Again { lane, not_before } = &next {
                if *lane != self.lane.id {
                    if !consequences.wakes.contains(lane) {
                        consequences.wakes.push(lane.clone());
                    }
                } else if let Some(at) = not_before {
                    let first = consequences.again_at.map_or(*at, |first| first.min(*at));
                    consequences.again_at = Some(first);
                } else {
                    consequences.again_now = true;
                }
            }
            Outcome::NotTaken { fault, next }
        };
        Finished {
            key: attempt.key,
            attempt: attempt.id,
            outcome,
        }
    }

    fn next(
        &mut self,
        attempt: &Attempt,
        outbound: &Outbound,
        error: &Error,
        course: Course,
        now: Timestamp,
    ) -> Next {
        let sending = &self.live.config.sending;
        let comes_again = match course {
            Course::Again | Course::Elsewhere(Otherwise::Again | Otherwise::Wait) => true,
            Course::Elsewhere(Otherwise::Fail) | Course::Fail | Course::FindOut => false,
        };
        let wait = if !comes_again || self.budget.take() {
            let random = self.gateway.randomness().next();
            Backoff::SENDING.after(attempt.id.number, random, error.retry_after())
        } else {
            let asked = error.retry_after().unwrap_or_default();
            Backoff::SENDING.longest.max(asked)
        };
        let at = Standpoint {
            n_attempts: attempt.id.number,
            first_attempt_at: attempt.first_attempt_at,
            expires_at: attempt.expires_at,
            now,
            wait,
        };
        let bounds = Bounds {
            max_attempts: sending.max_attempts,
            retry_for: sending.retry_for,
        };
        let here = &self.lane.id;
        let only_at = KeptTerms::only_there(outbound.terms.as_deref(), self.lane.spec);
        let (message, tried) = (&outbound.message, &attempt.tried);
        let others = Others::new(self.gateway, self.live, message, here, tried, only_at);
        let reason = next::reason(error.kind());
        next::resolve(course, reason, here, &at, bounds, &others)
    }

    /// When to find out what became of an attempt; `None` where the policy lets nobody ask.
    fn first_check(&self, error: &Error, attempt: &Attempt, now: Timestamp) -> Option<Timestamp> {
        match Step::after(error, attempt.policy) {
            Step::FindOut => {
                let random = self.gateway.randomness().next();
                Some(now.plus(Backoff::ASKING.evenly(1, random)))
            }
            // `Step` may grow: what is not known here asks nobody.
            _ => None,
        }
    }

    /// What the answers tell of the lane: numbers, patience, whether the account is refused.
    fn read_for_the_lane(&mut self, landed: &Landed, consequences: &mut Consequences) {
        let now = self.gateway.clock().elapsed();
        self.count(landed);
        self.measure(landed);
        let lane = self.lane;
        let mut sign = Sign::default();
        match &landed.results {
            Ok(results) => results.iter().for_each(|result| match result {
                Ok(_) => sign.has_taken = true,
                Err(error) => sign.read(error),
            }),
            Err(error) => sign.read(error),
        }
        consequences.is_fault = landed.took.map(|_| sign.is_fault && !sign.is_answered());
        let mut suspension = lane.standing.suspension();
        if sign.has_taken {
            *self.n_throttled = 0;
            suspension.lift();
        } else if let Some(kind) = sign.refused {
            let is_news = suspension.refuse(kind, now);
            consequences.is_out_of_credit = is_news && kind == ErrorKind::InsufficientCredit;
        } else if sign.is_throttled {
            *self.n_throttled = self.n_throttled.saturating_add(1);
            let random = self.gateway.randomness().next();
            let wait = Backoff::ASKING.evenly(*self.n_throttled, random);
            suspension.be_patient(wait.max(sign.asked.unwrap_or_default()), now);
        } else if sign.has_verdict {
            // Who looks at messages takes the account.
            suspension.lift();
        }
    }

    fn count(&self, landed: &Landed) {
        let mut record = self.lane.standing.record();
        if let Some(took) = landed.took {
            record.note_latency(took);
            self.meters.call_seconds.record(took);
        }
        let n_messages = landed.flight.attempts.len();
        let mut counts = Counts::default();
        match &landed.results {
            Ok(results) => {
                let n_missing = n_messages.saturating_sub(results.len());
                let mut n_taken = 0;
                for result in results.iter().take(n_messages) {
                    match result {
                        Ok(_) => n_taken += 1,
                        Err(error) => counts.add(error, 1),
                    }
                }
                record.n_taken += n_taken;
                self.meters.taken.increment(n_taken);
                if n_missing > 0 {
                    counts.add(&no_result(), n_missing);
                }
            }
            Err(error) => counts.add(error, n_messages),
        }
        for count in counts.0 {
            let Count {
                class,
                is_unknown,
                n,
                code,
                detail,
            } = count;
            let outcome = if is_unknown { "unknown" } else { "not_taken" };
            self.meters.failed(outcome, class).increment(n);
            if is_unknown {
                record.n_unknown += n;
            } else {
                record.n_not_taken += n;
            }
            record.last_error = Some(LastError {
                at: self.gateway.now(),
                class,
                code,
                detail,
            });
        }
    }

    /// Adaptive routes learn from calls, without the waits in our own limits.
    fn measure(&self, landed: &Landed) {
        let measured = self.gateway.measured();
        let (Some(took), true) = (landed.took, measured.is_on()) else {
            return;
        };
        let Some(first) = landed.flight.outbounds.first() else {
            return;
        };
        let routes = &self.live.config.routes;
        let decision = routes.decide(&first.message, &Standing::default(), 0.0);
        if let (Some(rule), Some(told)) = (decision.rule(), Observation::of(&landed.results, took))
        {
            let now = self.gateway.clock().elapsed();
            measured.observe(rule, &self.lane.name, told, now);
        }
    }
}

/// What the results of one call tell together.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that a result tells"
)]
struct Sign {
    has_taken: bool,
    has_verdict: bool,
    is_fault: bool,
    is_throttled: bool,
    asked: Option<std::time::Duration>,
    refused: Option<ErrorKind>,
}

impl Sign {
    fn read(&mut self, error: &Error) {
        let kind = error.kind();
        let is_proved = matches!(
            error.acceptance(),
            Acceptance::NotSent | Acceptance::Refused
        );
        if kind.is_provider_fault() {
            self.is_fault = true;
        } else if is_proved && is_about_the_account(kind) {
            self.refused = Some(kind);
        } else if is_proved && kind == ErrorKind::RateLimited {
            self.is_throttled = true;
            self.asked = self.asked.max(error.retry_after());
        } else if error.acceptance() == Acceptance::Refused {
            self.has_verdict = true;
        }
    }

    fn is_answered(&self) -> bool {
        self.has_taken || self.has_verdict || self.is_throttled || self.refused.is_some()
    }
}

/// Failed attempts by class, with an error of each.
#[derive(Default)]
struct Counts(Vec<Count>);

struct Count {
    class: &'static str,
    is_unknown: bool,
    n: u64,
    code: Option<Arc<str>>,
    detail: Arc<str>,
}

impl Counts {
    fn add(&mut self, error: &Error, n: usize) {
        let class = error.kind().as_str();
        let is_unknown = next::after(error) == Course::FindOut;
        let n = u64::try_from(n).unwrap_or(u64::MAX);
        let same = |of: &&mut Count| of.class == class && of.is_unknown == is_unknown;
        if let Some(count) = self.0.iter_mut().find(same) {
            count.n += n;
            return;
        }
        self.0.push(Count {
            class,
            is_unknown,
            n,
            code: error.provider_code().map(Into::into),
            detail: error.to_string().into(),
        });
    }
}

/// When the provider of a lane is first asked about a message that it has just taken.
pub(super) fn first_poll(lane: &Lane, now: Timestamp) -> Option<Timestamp> {
    crate::reports::first_poll(lane, now)
}

/// An error as it is kept with the attempt: no word of the provider's, which might repeat the message.
pub(super) fn fault_of(error: &Error) -> Fault {
    Fault {
        class: error.kind().as_str().into(),
        code: error.provider_code().map(Into::into),
        detail: Some(error.to_string().into()),
    }
}
