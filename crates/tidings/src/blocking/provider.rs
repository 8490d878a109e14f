//! Any provider, called without a runtime.

use std::sync::Arc;

use tidings_core::{DeliveryReport, ProviderRef};

use super::areas::{AddressBook, Conversations, OwnNumbers, QueuedBatches, Subscriptions};
use super::{Runtime, mirror};
use crate::error::Result;
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Receipt, Reconciled};

/// One account at one messaging provider, whose calls return when they are done.
///
/// Cheap to clone; the example is that of [the module](crate::blocking).
#[derive(Clone, Debug)]
pub struct Provider {
    inner: Arc<dyn crate::Provider>,
    runtime: Runtime,
}

impl Provider {
    /// Around a provider, mostly with its layers.
    ///
    /// # Errors
    /// [`Runtime::shared`]'s.
    pub fn new(inner: Arc<dyn crate::Provider>) -> Result<Self> {
        Ok(Self::on(&Runtime::shared()?, inner))
    }

    /// The same on a runtime of the program's own.
    pub fn on(runtime: &Runtime, inner: Arc<dyn crate::Provider>) -> Self {
        let runtime = runtime.clone();
        Self { inner, runtime }
    }

    /// The provider that does the work.
    pub fn asynchronous(&self) -> &Arc<dyn crate::Provider> {
        &self.inner
    }

    /// See [`capabilities`](crate::Provider::capabilities).
    pub fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    /// See [`address_book`](crate::Provider::address_book).
    pub fn address_book(&self) -> Option<AddressBook<'_>> {
        let area = self.inner.address_book()?;
        Some(AddressBook::new(area, &self.runtime))
    }

    /// See [`batches`](crate::Provider::batches).
    pub fn batches(&self) -> Option<QueuedBatches<'_>> {
        let area = self.inner.batches()?;
        Some(QueuedBatches::new(area, &self.runtime))
    }

    /// See [`conversations`](crate::Provider::conversations).
    pub fn conversations(&self) -> Option<Conversations<'_>> {
        let area = self.inner.conversations()?;
        Some(Conversations::new(area, &self.runtime))
    }

    /// See [`subscriptions`](crate::Provider::subscriptions).
    pub fn subscriptions(&self) -> Option<Subscriptions<'_>> {
        let area = self.inner.subscriptions()?;
        Some(Subscriptions::new(area, &self.runtime))
    }

    /// See [`numbers`](crate::Provider::numbers).
    pub fn numbers(&self) -> Option<OwnNumbers<'_>> {
        let area = self.inner.numbers()?;
        Some(OwnNumbers::new(area, &self.runtime))
    }

    mirror! { "crate::Provider" {
        call submit(messages: &[Outbound]) -> Vec<Result<Receipt>>;
        call status(refs: &[ProviderRef]) -> Vec<DeliveryReport>;
        call reconcile(attempt: &AttemptRef) -> Reconciled;
        call cancel(what: &ProviderRef) -> ();
        call balance() -> Balance;
    } }
}
