//! A limit on the parts of messages that leave an account, by the second and by the day.
//!
//! Put around a provider by [`super::standard`]; the arithmetic is in `rate.rs`. It repeats nothing,
//! and messages wait here without holding a place among the calls in flight.

use std::sync::Arc;

use tidings_core::{Clock, DeliveryReport, ProviderRef};
use tokio::sync::Mutex;

use super::Calls;
use super::calls::one_each;
use super::rate::{DailyCount, Pace, Rate, Taken, parts_of_all};
use crate::error::{Acceptance, Error, Result};
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};

/// Lets messages wait until their parts may leave; [`parts_of`](super::parts_of) counts them.
///
/// Calls are served in the order of their arrival, so that small ones do not overtake a large one
/// for ever. In any stretch of time no more parts leave than the rate allows for its length and one
/// burst, or one call where that is larger than the burst.
///
/// Where the daily cap is reached, a call of which some messages still fit sends those, from the
/// first on; the others fail with [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited),
/// [`Acceptance::NotSent`], and the time until the next day begins. Parts of messages that are proved
/// not to have been sent do not count, those of a call that is given up on its way do. The count is kept
/// in memory: a program that is started again begins anew.
///
/// Questions have no parts and go through at once; so does a reconciliation, although some providers
/// make it by sending once more, because its message has been counted already. Clones share the count.
#[derive(Clone, Debug)]
pub struct RateLimit<C> {
    inner: C,
    limits: Arc<Limits>,
}

#[derive(Debug)]
struct Limits {
    pace: Option<Pace>,
    day: Option<DailyCount>,
    turn: Mutex<()>,
}

impl<C> RateLimit<C> {
    /// Limits what leaves through `inner`. The clock measures the pace and tells the days; it has to go
    /// on while tasks sleep.
    pub fn new(inner: C, rate: &Rate, clock: Arc<dyn Clock>) -> Self {
        let limits = Limits {
            pace: Pace::new(rate, Arc::clone(&clock)),
            day: DailyCount::new(rate, clock),
            turn: Mutex::new(()),
        };
        Self {
            inner,
            limits: Arc::new(limits),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<C: Calls> Calls for RateLimit<C> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let admission = self.limits.admit(messages).await;
        let (admitted, others) = messages.split_at(admission.count);
        let used_up = match (admission.used_up, admitted) {
            (Some(error), []) => return Err(error),
            (used_up, _) => used_up,
        };
        let result = self.inner.submit(admitted).await;
        self.limits.settle(admission.taken, admitted, &result);
        let Some(error) = used_up else { return result };
        let mut results = one_each(result, admitted.len());
        results.extend(others.iter().map(|_| Err(error.copy_without_source())));
        Ok(results)
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.inner.status(refs).await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.inner.reconcile(attempt).await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.inner.cancel(what).await
    }

    async fn balance(&self) -> Result<Balance> {
        self.inner.balance().await
    }

    fn innermost(&self) -> &dyn Provider {
        self.inner.innermost()
    }
}

/// Which messages of a call may leave now.
struct Admission {
    /// So many, from the first on.
    count: usize,
    /// Why the others may not.
    used_up: Option<Error>,
    /// What they have taken of the day.
    taken: Option<Taken>,
}

impl Limits {
    async fn admit(&self, messages: &[Outbound]) -> Admission {
        let all = Admission {
            count: messages.len(),
            used_up: None,
            taken: None,
        };
        if self.pace.is_none() && self.day.is_none() {
            return all;
        }
        // Held while this call waits: the next one is served after it.
        let _turn = self.turn.lock().await;
        let (count, parts) = match &self.day {
            Some(day) => day.fitting(messages),
            None => (all.count, parts_of_all(messages)),
        };
        if let Some(pace) = &self.pace {
            pace.wait_for(parts).await;
        }
        let Some(day) = &self.day else { return all };
        Admission {
            count,
            used_up: (count < messages.len()).then(|| day.used_up()),
            // Counted only now, on the day on which they leave.
            taken: Some(day.take(parts)),
        }
    }

    /// Gives back to the day what is proved not to have left.
    fn settle(
        &self,
        taken: Option<Taken>,
        messages: &[Outbound],
        result: &Result<Vec<Result<Receipt>>>,
    ) {
        let (Some(day), Some(taken)) = (&self.day, taken) else {
            return;
        };
        let parts = match result {
            Err(error) if error.acceptance() == Acceptance::NotSent => parts_of_all(messages),
            Err(_) => 0,
            Ok(results) => {
                let of_each = messages.iter().zip(results);
                let unsent = of_each.filter(|(_, result)| is_unsent(result));
                unsent
                    .map(|(outbound, _)| super::parts_of(&outbound.message))
                    .sum()
            }
        };
        day.give_back(taken, parts);
    }
}

fn is_unsent(result: &Result<Receipt>) -> bool {
    let error = result.as_ref().err();
    error.is_some_and(|error| error.acceptance() == Acceptance::NotSent)
}
