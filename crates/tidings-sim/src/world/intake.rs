//! How messages are taken: what the carrier thinks of each, whether it can be paid, and the one
//! change that takes all of them.
//!
//! Called by `backend`. What the scenario says about a number is decided here, once.

use std::sync::Arc;
use std::time::Duration;

use tidings::backend::{Accepted, Principal, Refusal, TakenMessage};
use tidings_core::text::{Policy, TextError, plan};
use tidings_core::{E164, Message, Reason};

use super::Shared;
use super::state::{Change, End, Ids, Kind, SubmissionTaken, Taken};
use crate::scenario::{FailsAt, Failure, Scenario};

/// What the carrier thinks of a message before it looks at the account.
pub(super) struct Judged {
    to: E164,
    text: Arc<str>,
    verdict: Result<Taken, Declined>,
}

/// What the caller is told, and the word for it in a batch's list of failures.
type Declined = (Refusal, Reason);

impl Shared {
    /// Plans the texts and asks the scenario. No lock is held meanwhile.
    pub(super) fn judge(&self, messages: impl Iterator<Item = Message>) -> Vec<Judged> {
        let scenario = self.scenario();
        let policy = Policy::default().max_parts(self.spec.capabilities.max_parts);
        let mut planned: Option<(Arc<str>, Result<u8, Declined>)> = None;
        messages
            .map(|message| {
                // One text for many phones, the usual batch, is planned once.
                let parts = match &planned {
                    Some((text, parts)) if Arc::ptr_eq(text, &message.text) => parts.clone(),
                    _ => {
                        let parts = parts_of(&message.text, policy)
                            .map_err(|refusal| (refusal, Reason::UnsupportedContent));
                        planned = Some((Arc::clone(&message.text), parts.clone()));
                        parts
                    }
                };
                Judged {
                    to: message.to,
                    text: Arc::clone(&message.text),
                    verdict: parts.and_then(|parts| self.fate(&scenario, message, parts)),
                }
            })
            .collect()
    }

    fn fate(&self, scenario: &Scenario, message: Message, parts: u8) -> Result<Taken, Declined> {
        let served = self.spec.capabilities.calling_codes;
        if !served.is_empty() && !served.contains(&message.to.calling_code()) {
            let refusal = Refusal::invalid("recipient", "is in a country that is not served");
            return Err((refusal, Reason::NoRoute));
        }
        let end = match scenario.failure_of(&message.to) {
            None => End::Delivered,
            Some(Failure { reason, at }) => match at {
                FailsAt::Accept => return Err((refusal_of(reason), reason)),
                FailsAt::Sent => End::Failed(reason),
                FailsAt::Delivered => End::Undelivered(reason),
            },
        };
        Ok(Taken {
            to: message.to,
            from: message.from,
            text: 0,
            reference: message.reference,
            parts,
            sent_after_ms: milliseconds(scenario.delays.sent),
            done_after_ms: milliseconds(scenario.delays.delivered),
            end,
        })
    }

    /// Takes what was judged fit and can be paid. With `refused`, recipients that are refused
    /// already, the whole is a batch.
    pub(super) async fn take(
        &self,
        who: &Principal,
        judged: Vec<Judged>,
        refused: Option<Vec<(String, Reason)>>,
    ) -> Result<Accepted, Refusal> {
        let at = self.clock.now();
        let (accepted, ticket) = {
            let mut state = self.state();
            let account = state.account_of(who)?;
            let credit = state
                .accounts
                .get(account)
                .map_or(0, |account| account.credit);
            let taking = Taking {
                submission: SubmissionTaken {
                    account,
                    at,
                    texts: Vec::new(),
                    messages: Vec::with_capacity(judged.len()),
                    batch: refused,
                },
                verdicts: Vec::with_capacity(judged.len()),
                credit,
            };
            let Taking {
                submission,
                verdicts,
                credit: _,
            } = taking.all(judged, state.ids, state.messages.len());
            // A caller whose account is empty is told so for the whole call.
            let is_broke = |verdict: &Result<TakenMessage, Refusal>| {
                matches!(verdict, Err(Refusal::InsufficientCredit))
            };
            if !verdicts.is_empty() && verdicts.iter().all(is_broke) {
                return Err(Refusal::InsufficientCredit);
            }
            let batch = submission
                .batch
                .is_some()
                .then(|| state.ids.id(Kind::Batch, state.batches.len()));
            let is_kept = batch.is_some() || !submission.messages.is_empty();
            let ticket = if is_kept {
                self.change(&mut state, Change::Submission(submission))?
            } else {
                None
            };
            (Accepted::new(batch, verdicts), ticket)
        };
        self.on_disk(ticket).await?;
        Ok(accepted)
    }
}

/// A submission while it is being taken, message by message.
struct Taking {
    submission: SubmissionTaken,
    verdicts: Vec<Result<TakenMessage, Refusal>>,
    /// What is left for the messages that follow.
    credit: i64,
}

impl Taking {
    /// Takes what can be taken; the first gets the id of place `next`.
    fn all(mut self, judged: Vec<Judged>, ids: Ids, next: usize) -> Self {
        for Judged { to, text, verdict } in judged {
            let verdict = match verdict.and_then(|taken| self.pay(taken)) {
                Ok(taken) => {
                    let id = ids.id(Kind::Message, next + self.submission.messages.len());
                    self.keep(taken, text);
                    Ok(TakenMessage::new(id))
                }
                Err((refusal, reason)) => {
                    if let Some(refused) = &mut self.submission.batch {
                        refused.push((to.to_string(), reason));
                    }
                    Err(refusal)
                }
            };
            self.verdicts.push(verdict);
        }
        self
    }

    fn pay(&mut self, taken: Taken) -> Result<Taken, Declined> {
        let left = self.credit - i64::from(taken.parts);
        if left < 0 {
            return Err((Refusal::InsufficientCredit, Reason::InsufficientFunds));
        }
        self.credit = left;
        Ok(taken)
    }

    fn keep(&mut self, mut taken: Taken, text: Arc<str>) {
        let texts = &mut self.submission.texts;
        if !texts.last().is_some_and(|last| Arc::ptr_eq(last, &text)) {
            texts.push(text);
        }
        taken.text = texts.len() - 1;
        self.submission.messages.push(taken);
    }
}

fn milliseconds(delay: Duration) -> u64 {
    u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
}

fn parts_of(text: &str, policy: Policy) -> Result<u8, Refusal> {
    match plan(text, &policy) {
        Ok(plan) => Ok(u8::try_from(plan.n_parts()).unwrap_or(u8::MAX)),
        Err(TextError::TooManyParts { parts_needed, max }) => Err(Refusal::invalid(
            "text",
            format!("takes {parts_needed} parts, {max} are permitted"),
        )),
        Err(error) => Err(Refusal::invalid("text", error.to_string())),
    }
}

/// How a carrier that refuses at the door says a reason of the scenario.
fn refusal_of(reason: Reason) -> Refusal {
    match reason {
        Reason::Unauthorized => Refusal::Unauthorized,
        Reason::InsufficientFunds => Refusal::InsufficientCredit,
        Reason::QuotaExceeded => Refusal::RateLimited { retry_after: None },
        Reason::CarrierError => Refusal::Unavailable { retry_after: None },
        Reason::InvalidSender => Refusal::invalid("sender", "is not allowed"),
        Reason::UnsupportedContent | Reason::ContentFiltered => {
            Refusal::invalid("text", "is not allowed")
        }
        _ => Refusal::invalid("recipient", "cannot be reached"),
    }
}

/// The word for a refusal in a batch's list of failures.
pub(super) fn reason_of(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::Unauthorized => Reason::Unauthorized,
        Refusal::Invalid { field: "text", .. } => Reason::UnsupportedContent,
        Refusal::Invalid {
            field: "sender", ..
        } => Reason::InvalidSender,
        Refusal::Invalid { .. } => Reason::InvalidRecipient,
        Refusal::InsufficientCredit => Reason::InsufficientFunds,
        Refusal::RateLimited { .. } => Reason::QuotaExceeded,
        Refusal::Unavailable { .. } => Reason::CarrierError,
        _ => Reason::Unspecified,
    }
}
