//! Leaves a provider alone that has been at fault too often, and has one call probe whether it is back.
//!
//! Put around a provider by [`super::standard`]; when it opens and for how long is decided in
//! `circuit.rs`. It repeats nothing and knows no other account.

use std::future::Future;

use tidings_core::{DeliveryReport, ProviderRef};

use super::Calls;
use super::circuit::{Circuit, Passage, Sign};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};

/// Answers with [`ErrorKind::Unavailable`] and [`Acceptance::NotSent`], without a call, while the
/// provider counts as down; [`Error::retry_after`] is then the rest of the pause.
///
/// Only faults of the provider count: [`ErrorKind::is_provider_fault`]. Verdicts about messages, credentials, credit and throttling show that it is
/// there. A call with messages is a fault when it failed as a whole in one of these ways, or when all
/// of its messages did that came to the provider. Questions count as well as messages. The address book
/// goes around the breaker.
#[derive(Clone, Debug)]
pub struct Breaker<C> {
    inner: C,
    circuit: Circuit,
}

impl<C> Breaker<C> {
    /// Guards the calls of `inner` by a circuit of its own.
    pub fn new(inner: C, circuit: Circuit) -> Self {
        Self { inner, circuit }
    }

    async fn guarded<T, F>(
        &self,
        call: impl FnOnce() -> F + Send,
        read: impl FnOnce(&T) -> Sign + Send,
    ) -> Result<T>
    where
        C: Sync,
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let passage = self.circuit.enter()?;
        let result = call().await;
        passage.end(result.as_ref().map_or_else(sign_of, read));
        result
    }
}

#[deny(clippy::missing_trait_methods)]
impl<C: Calls> Calls for Breaker<C> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        self.guarded(
            || self.inner.submit(messages),
            |results| sign_of_all(results),
        )
        .await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.guarded(|| self.inner.status(refs), |_| Sign::Alive)
            .await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.guarded(|| self.inner.reconcile(attempt), |_| Sign::Alive)
            .await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.guarded(|| self.inner.cancel(what), |()| Sign::Alive)
            .await
    }

    async fn balance(&self) -> Result<Balance> {
        self.guarded(|| self.inner.balance(), |_| Sign::Alive).await
    }

    fn innermost(&self) -> &dyn Provider {
        self.inner.innermost()
    }
}

impl Passage<'_> {
    /// Ends a call of [`Provider::submit`] with what its results tell of the
    /// provider: as [`Breaker`] counts them.
    pub fn end_with(self, results: &Result<Vec<Result<Receipt>>>) {
        let read = |results: &Vec<Result<Receipt>>| sign_of_all(results);
        self.end(results.as_ref().map_or_else(sign_of, read));
    }
}

/// What the messages of one call tell together: one that was answered is enough.
fn sign_of_all(results: &[Result<Receipt>]) -> Sign {
    let mut all = Sign::None;
    for result in results {
        match result.as_ref().map_or_else(sign_of, |_| Sign::Alive) {
            Sign::Alive => return Sign::Alive,
            Sign::Fault => all = Sign::Fault,
            Sign::None => {}
        }
    }
    all
}

fn sign_of(error: &Error) -> Sign {
    let is_found_here_too = matches!(
        error.kind(),
        ErrorKind::InvalidMessage
            | ErrorKind::InvalidRecipient
            | ErrorKind::InvalidSender
            | ErrorKind::RateLimited
            | ErrorKind::Unsupported
            | ErrorKind::Config
    );
    if error.kind().is_provider_fault() {
        Sign::Fault
    } else if is_found_here_too && error.acceptance() == Acceptance::NotSent {
        // What a client or a layer below may have refused by itself proves nothing.
        Sign::None
    } else {
        Sign::Alive
    }
}
