//! Another try, where it is proved that the first one sent nothing.
//!
//! Put around a provider by [`super::standard`]. It waits by its own arithmetic rather than by a
//! retry crate, because one call of [`Provider::submit`] has a result per message: some are kept,
//! some are tried again, and the next wait depends on what the provider said about the latter.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidings_core::{Clock, DeliveryReport, ProviderRef};

use super::Calls;
use super::calls::one_each;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};

/// When a failed call is tried again: only where [`Error::is_safe_to_resend`] says so, and within
/// these bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many attempts there are at the most, the first included. 0 counts as 1. Default: 4.
    pub max_attempts: u32,
    /// The longest wait before the second attempt; it doubles for each one after. Default: 500 ms.
    pub first_wait: Duration,
    /// What the doubling stops at. Default: 30 s.
    pub longest_wait: Duration,
    /// How long after the first attempt began the last one may begin. Default: 2 minutes.
    pub deadline: Duration,
    /// Whether messages are handed over again only where the provider asks for patience
    /// ([`ErrorKind::RateLimited`]), and given back at once where it is not to be reached. For accounts
    /// beside which there are others: an unavailable provider's messages go to the next account now, a
    /// throttled one's to the same account later. What only asks is repeated as ever, because no
    /// other account has the answer. Default: `false`.
    pub throttled_only: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            deadline: Duration::from_mins(2),
            throttled_only: false,
        }
    }
}

impl RetryPolicy {
    /// Sets how many attempts there are at the most.
    #[must_use]
    pub fn max_attempts(mut self, count: u32) -> Self {
        self.max_attempts = count;
        self
    }

    /// Sets the longest wait before the second attempt, and what the doubling stops at.
    #[must_use]
    pub fn waits(mut self, first: Duration, longest: Duration) -> Self {
        self.first_wait = first;
        self.longest_wait = longest;
        self
    }

    /// Sets how long after the first attempt began the last one may begin.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Gives messages back at once where the provider is not to be reached, because somebody has
    /// another account to send them by: see [`RetryPolicy::throttled_only`].
    #[must_use]
    pub fn throttled_only(mut self) -> Self {
        self.throttled_only = true;
        self
    }

    /// Whether a message that failed so is handed over again.
    fn resends(&self, error: &Error) -> bool {
        let is_meant = !self.throttled_only || error.kind() == ErrorKind::RateLimited;
        is_meant && error.is_safe_to_resend()
    }

    /// How long to wait after `attempts` attempts: a random part of a time that doubles ("full
    /// jitter"), and no less than what the provider asked for. `random` is from 0 to 1.
    pub(super) fn wait(&self, attempts: u32, random: f64, asked: Option<Duration>) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let ceiling = self.first_wait.saturating_mul(doubled);
        let ceiling = ceiling.min(self.longest_wait);
        // The longest duration there is does not survive the way through a float.
        let chosen = Duration::try_from_secs_f64(ceiling.as_secs_f64() * random);
        chosen.unwrap_or(ceiling).max(asked.unwrap_or_default())
    }
}

/// Where randomness comes from: numbers from 0 to 1.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    /// Numbers of the caller's own.
    pub fn new(source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Random numbers, seeded by the system.
    pub fn random() -> Self {
        Self::generator(fastrand::Rng::new())
    }

    /// The same random numbers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self::generator(fastrand::Rng::with_seed(seed))
    }

    fn generator(generator: fastrand::Rng) -> Self {
        let generator = Mutex::new(generator);
        Self::new(move || {
            let mut generator = generator.lock().unwrap_or_else(PoisonError::into_inner);
            generator.f64()
        })
    }

    /// The next number out of 0 to 1.
    pub fn next(&self) -> f64 {
        let number = (self.0)();
        if number.is_nan() {
            1.0
        } else {
            number.clamp(0.0, 1.0)
        }
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jitter").finish_non_exhaustive()
    }
}

/// Tries again what is proved not to have been sent, and nothing else.
///
/// Of the messages of one call, those that were taken, refused, or whose outcome is unknown keep
/// their results; only the others are handed over again, and the results keep the order of the
/// messages. A wait that the provider asked for is kept; where it goes beyond the deadline, the error
/// is returned with that wait in it, and nobody waits for it. The address book is not tried again.
#[derive(Clone, Debug)]
pub struct Retry<C> {
    inner: C,
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
}

impl<C> Retry<C> {
    /// Tries calls of `inner` again as `policy` says. The clock tells when the deadline is over.
    pub fn new(inner: C, policy: RetryPolicy, clock: Arc<dyn Clock>, jitter: Jitter) -> Self {
        Self {
            inner,
            policy,
            clock,
            jitter,
        }
    }

    fn begin(&self) -> Tries<'_> {
        Tries {
            policy: &self.policy,
            clock: &*self.clock,
            jitter: &self.jitter,
            attempts: 1,
            started: self.clock.elapsed(),
        }
    }

    /// Asks until there is an answer, until the error is one that must not or need not be followed by
    /// another try, or until the bounds are reached.
    async fn repeated<T, F>(&self, ask: impl Fn() -> F + Send + Sync) -> Result<T>
    where
        C: Sync,
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let mut tries = self.begin();
        loop {
            match ask().await {
                Err(error) if error.is_safe_to_resend() && tries.next([&error]).await => {}
                result => return result,
            }
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<C: Calls> Calls for Retry<C> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let mut tries = self.begin();
        // The whole call, until it has a result per message.
        let mut results = loop {
            match self.inner.submit(messages).await {
                Err(error) if self.policy.resends(&error) && tries.next([&error]).await => {}
                Err(error) => return Err(error),
                Ok(results) => break one_each(Ok(results), messages.len()),
            }
        };
        // Then only what was not taken, may be sent again, and may be so in time.
        loop {
            let is_open = |error: &Error| self.policy.resends(error) && tries.is_in_time(error);
            let open = failed_with(&results, is_open);
            let errors = open
                .iter()
                .filter_map(|index| results[*index].as_ref().err());
            if open.is_empty() || !tries.next(errors).await {
                return Ok(results);
            }
            let again: Vec<Outbound> = open.iter().map(|&index| messages[index].clone()).collect();
            let verdicts = one_each(self.inner.submit(&again).await, again.len());
            for (index, verdict) in open.into_iter().zip(verdicts) {
                results[index] = verdict;
            }
        }
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.repeated(|| self.inner.status(refs)).await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.repeated(|| self.inner.reconcile(attempt)).await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.repeated(|| self.inner.cancel(what)).await
    }

    async fn balance(&self) -> Result<Balance> {
        self.repeated(|| self.inner.balance()).await
    }

    fn innermost(&self) -> &dyn Provider {
        self.inner.innermost()
    }
}

/// The attempts of one call.
struct Tries<'a> {
    policy: &'a RetryPolicy,
    clock: &'a dyn Clock,
    jitter: &'a Jitter,
    attempts: u32,
    started: Duration,
}

impl Tries<'_> {
    /// Waits for the next attempt after these errors; `false` if there is to be none.
    async fn next(&mut self, errors: impl IntoIterator<Item = &Error> + Send) -> bool {
        if self.attempts >= self.policy.max_attempts {
            return false;
        }
        let asked = errors.into_iter().filter_map(Error::retry_after).max();
        let wait = self.policy.wait(self.attempts, self.jitter.next(), asked);
        if !self.leaves_time_for(wait) {
            return false;
        }
        self.attempts += 1;
        tracing::debug!(
            attempt = self.attempts,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "waiting {wait:?} before attempt {}",
            self.attempts
        );
        tokio::time::sleep(wait).await;
        true
    }

    /// Whether the wait that the provider asked for, if it did, is over by the deadline.
    fn is_in_time(&self, error: &Error) -> bool {
        self.leaves_time_for(error.retry_after().unwrap_or_default())
    }

    fn leaves_time_for(&self, wait: Duration) -> bool {
        let spent = self.clock.elapsed().saturating_sub(self.started);
        spent.saturating_add(wait) <= self.policy.deadline
    }
}

/// The positions of the messages that failed with such an error.
fn failed_with(results: &[Result<Receipt>], is_such: impl Fn(&Error) -> bool) -> Vec<usize> {
    let failed = results.iter().enumerate().filter_map(|(index, result)| {
        let error = result.as_ref().err()?;
        is_such(error).then_some(index)
    });
    failed.collect()
}
