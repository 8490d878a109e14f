//! A limit on the time of each call.
//!
//! Put around a provider by [`super::standard`]. It repeats nothing.

use std::future::Future;
use std::time::Duration;

use tidings_core::{DeliveryReport, ProviderRef};

use super::Calls;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};

/// Ends a call that takes too long with [`ErrorKind::Timeout`].
///
/// What the call was to change is then [`Acceptance::Unknown`]: what the inner provider was doing is
/// given up in the middle. That holds for a cancel, which may have stopped the message, and for a
/// reconciliation, which some providers make by sending once more. A call that only asks is
/// [`Acceptance::NotSent`]. The address book and the calls about batches are not limited here.
#[derive(Clone, Debug)]
pub struct Timeout<C> {
    inner: C,
    limit: Duration,
}

impl<C> Timeout<C> {
    /// Gives each call of `inner` at most `limit`.
    pub fn new(inner: C, limit: Duration) -> Self {
        Self { inner, limit }
    }

    async fn limited<T, F>(
        &self,
        acceptance: Acceptance,
        call: impl FnOnce() -> F + Send,
    ) -> Result<T>
    where
        C: Sync,
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        match tokio::time::timeout(self.limit, call()).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                acceptance,
                format!("the provider did not answer within {:?}", self.limit),
            )),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<C: Calls> Calls for Timeout<C> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        self.limited(Acceptance::Unknown, || self.inner.submit(messages))
            .await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.limited(Acceptance::NotSent, || self.inner.status(refs))
            .await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.limited(Acceptance::Unknown, || self.inner.reconcile(attempt))
            .await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.limited(Acceptance::Unknown, || self.inner.cancel(what))
            .await
    }

    async fn balance(&self) -> Result<Balance> {
        self.limited(Acceptance::NotSent, || self.inner.balance())
            .await
    }

    fn innermost(&self) -> &dyn Provider {
        self.inner.innermost()
    }
}
