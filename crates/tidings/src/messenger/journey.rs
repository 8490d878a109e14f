//! One message on its way through the accounts: which is next, what an error means for it, and what
//! is told in the end. Pure.
//!
//! Called by `sending.rs`. It makes no call and waits for nothing.

use std::time::Duration;

use tidings_core::{ClientRef, DeliveryPolicy};

use super::accounts::Shared;
use super::verdict::{FailedAttempt, Failure, Sent, Verdict};
use crate::account::AccountName;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::provider::{AttemptRef, Outbound, Receipt};
use crate::routing::Decision;

/// What is to be done about a message after an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It is proved that nothing was sent, and another account might take it.
    NextAccount,
    /// Nobody can know yet whether it was taken: the provider is asked, and reports are waited for.
    FindOut,
    /// This is the end of it.
    GiveUp,
}

impl Step {
    /// What an error asks for under a policy.
    pub fn after(error: &Error, policy: DeliveryPolicy) -> Self {
        match error.acceptance() {
            Acceptance::NotSent | Acceptance::Refused if error.may_fail_over() => Self::NextAccount,
            Acceptance::NotSent | Acceptance::Refused => Self::GiveUp,
            Acceptance::Unknown => match policy {
                DeliveryPolicy::Reconcile | DeliveryPolicy::AtLeastOnce => Self::FindOut,
                // `DeliveryPolicy` may grow: what is not known here sends nothing twice.
                _ => Self::GiveUp,
            },
        }
    }
}

/// A message on its way, without what is handed to providers.
#[derive(Debug)]
pub(super) struct Journey {
    /// The place of the message in the stream.
    pub(super) position: u64,
    /// When it was handed over, by the clock's measure.
    began: Duration,
    /// When its first attempt began.
    first_attempt: Option<Duration>,
    /// How long after it was handed over it is worth delivering, as its sender said.
    valid_for: Option<Duration>,
    pub(super) policy: DeliveryPolicy,
    names_sender: bool,
    decision: Decision,
    /// How many of the decision's candidates had their turn.
    n_tried: usize,
    /// The account that has it or is to have it, by its place.
    pub(super) account: usize,
    /// How often it went again on this account.
    resent: u32,
    /// The last answer that was no.
    last: Option<Box<FailedAttempt>>,
    /// An earlier attempt of which nobody can tell.
    open: Option<Box<OpenAttempt>>,
    others: Vec<FailedAttempt>,
}

/// An attempt that may have been taken.
#[derive(Debug)]
struct OpenAttempt {
    account: AccountName,
    error: Error,
    attempt: Box<AttemptRef>,
}

impl Journey {
    pub(super) fn new(
        position: u64,
        outbound: &Outbound,
        (decision, refusals): (Decision, Vec<FailedAttempt>),
        shared: &Shared,
        now: Duration,
    ) -> Self {
        let message = &outbound.message;
        Self {
            position,
            began: now,
            first_attempt: None,
            valid_for: message.valid_for,
            policy: message.policy.unwrap_or(shared.settings.policy),
            names_sender: message.from.is_some(),
            decision,
            n_tried: 0,
            account: 0,
            resent: 0,
            last: None,
            open: None,
            others: refusals,
        }
    }

    /// Moves on to the next account, and gives the message the sender that it has there. `false` when
    /// there is none.
    pub(super) fn advance(&mut self, outbound: &mut Outbound, shared: &Shared) -> bool {
        let Some(candidate) = self.decision.candidates().nth(self.n_tried) else {
            return false;
        };
        self.n_tried += 1;
        if !self.names_sender {
            outbound.message.from = candidate.sender.cloned();
        }
        let place = shared.place(candidate.account);
        self.account = place.expect("the routes were checked against the accounts");
        self.resent = 0;
        true
    }

    /// The rule that chose the accounts.
    pub(super) fn rule(&self) -> Option<usize> {
        self.decision.rule()
    }

    /// Begins an attempt. `false` when the message is not worth sending any more.
    pub(super) fn begin(&mut self, now: Duration) -> bool {
        self.first_attempt.get_or_insert(now);
        let spent = now.saturating_sub(self.began);
        self.valid_for.is_none_or(|valid_for| spent <= valid_for)
    }

    /// How long the message may still be asked about and go again.
    pub(super) fn time_left(&self, now: Duration, shared: &Shared) -> Duration {
        let since = |then: Duration| now.saturating_sub(then);
        let attempted = self.first_attempt.map(since).unwrap_or_default();
        let left = shared.settings.deadline.saturating_sub(attempted);
        match self.valid_for {
            Some(valid_for) => left.min(valid_for.saturating_sub(since(self.began))),
            None => left,
        }
    }

    /// Lets the message go again on the same account, if it may.
    pub(super) fn resend(&mut self, shared: &Shared) -> bool {
        let may = self.resent < shared.settings.resends;
        self.resent += u32::from(may);
        may
    }

    /// Tells the provider of a later attempt how long the message is still worth delivering.
    pub(super) fn shorten_validity(&self, outbound: &mut Outbound, now: Duration) {
        let spent = now.saturating_sub(self.began);
        outbound.message.valid_for = self.valid_for.map(|it| it.saturating_sub(spent));
    }

    /// Keeps what the present account said.
    pub(super) fn note(&mut self, error: Error, shared: &Shared) {
        let account = shared.accounts[self.account].name.clone();
        let said = Box::new(FailedAttempt { account, error });
        if let Some(earlier) = self.last.replace(said) {
            self.others.push(*earlier);
        }
    }

    /// Keeps an attempt of which nobody can tell.
    pub(super) fn leave_open(&mut self, attempt: Box<AttemptRef>, error: Error, shared: &Shared) {
        let account = shared.accounts[self.account].name.clone();
        let open = Box::new(OpenAttempt {
            account,
            error,
            attempt,
        });
        if let Some(earlier) = self.open.replace(open) {
            self.others.push(FailedAttempt {
                account: earlier.account,
                error: earlier.error,
            });
        }
    }

    /// The verdict on a message that was taken.
    pub(super) fn sent(self, reference: ClientRef, receipt: Receipt, shared: &Shared) -> Verdict {
        let account = shared.accounts[self.account].name.clone();
        let mut sent = Sent::new(reference.clone(), account, receipt.provider_ref);
        sent.duplicate_risk = self.open.is_some();
        Verdict {
            position: self.position,
            reference,
            outcome: Ok(sent),
        }
    }

    /// The verdict on a message that was not taken, or of which nobody can tell.
    pub(super) fn failed(mut self, reference: ClientRef) -> Verdict {
        let (account, error, attempt) = match (self.open.take(), self.last.take()) {
            (Some(open), last) => {
                self.others.extend(last.map(|last| *last));
                (Some(open.account), open.error, Some(open.attempt))
            }
            (None, Some(last)) => (Some(last.account), last.error, None),
            (None, None) => (None, nobody_was_asked(&self.others, &self.decision), None),
        };
        let failure = Failure {
            reference: reference.clone(),
            account,
            error,
            attempt,
            others: self.others,
        };
        Verdict {
            position: self.position,
            reference,
            outcome: Err(failure),
        }
    }
}

/// The error of a message that no account can carry, naming each with its reason. Its kind is the
/// first one's.
fn nobody_was_asked(refusals: &[FailedAttempt], decision: &Decision) -> Error {
    let Some(first) = refusals.first() else {
        let what = format!("no route leads to an account: {}", decision.why());
        return Error::not_sent(ErrorKind::Config, what);
    };
    let reasons = refusals
        .iter()
        .map(|refusal| format!("{}: {}", refusal.account, refusal.error));
    let reasons: Vec<String> = reasons.collect();
    let what = format!("no account can carry the message ({})", reasons.join("; "));
    Error::not_sent(first.error.kind(), what)
}

/// The error of a message whose time was over before it could be sent.
pub(super) fn out_of_time() -> Error {
    let what = "the time in which the message was to be sent is over";
    Error::not_sent(ErrorKind::Timeout, what)
}
