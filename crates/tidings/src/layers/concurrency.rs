//! A limit on calls in flight.
//!
//! Put around a provider by [`super::standard`]. It refuses nothing: a call waits for its turn, in the
//! order of arrival, for as long as it takes.

use std::future::Future;
use std::sync::Arc;

use tidings_core::{DeliveryReport, ProviderRef};
use tokio::sync::Semaphore;

use super::Calls;
use crate::error::Result;
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};

/// Lets so many calls be in flight at once, questions among them, and the others wait for their turn.
/// A call that is given up gives its place back. Clones share the places. The address book is not
/// limited.
#[derive(Clone, Debug)]
pub struct Concurrency<C> {
    inner: C,
    places: Arc<Semaphore>,
}

impl<C> Concurrency<C> {
    /// Lets at most `max_in_flight` calls of `inner` be in flight; 0 counts as 1.
    pub fn new(inner: C, max_in_flight: usize) -> Self {
        let places = max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            inner,
            places: Arc::new(Semaphore::new(places)),
        }
    }

    async fn placed<T, F>(&self, call: impl FnOnce() -> F + Send) -> Result<T>
    where
        C: Sync,
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let place = self.places.acquire().await;
        let _place = place.expect("nobody closes the semaphore");
        call().await
    }
}

#[deny(clippy::missing_trait_methods)]
impl<C: Calls> Calls for Concurrency<C> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        self.placed(|| self.inner.submit(messages)).await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.placed(|| self.inner.status(refs)).await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.placed(|| self.inner.reconcile(attempt)).await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.placed(|| self.inner.cancel(what)).await
    }

    async fn balance(&self) -> Result<Balance> {
        self.placed(|| self.inner.balance()).await
    }

    fn innermost(&self) -> &dyn Provider {
        self.inner.innermost()
    }
}
