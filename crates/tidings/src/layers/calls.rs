//! The calls of a provider in the form in which layers are put around one another.
//!
//! Implemented by every layer, and by [`Innermost`] for the provider below them; [`Stack`] turns the
//! whole into a provider again. Every method of [`Provider`] gives its future in a box, and a box for
//! each layer would be six allocations a call; these futures lie inside one another, and the stack
//! boxes the outermost alone.
//!
//! A layer makes the future of the call below where it waits for it, and hands it to no other
//! asynchronous function: a future that is an argument takes its room twice.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tidings_core::{DeliveryReport, ProviderRef};

use crate::address_book::AddressBook;
use crate::batches::QueuedBatches;
use crate::conversations::Conversations;
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::numbers::OwnNumbers;
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};
use crate::subscriptions::Subscriptions;

/// What a layer wraps and what it is itself. The methods are those of [`Provider`] and mean the same.
pub trait Calls: fmt::Debug + Send + Sync + 'static {
    /// As [`Provider::capabilities`].
    fn capabilities(&self) -> Capabilities;

    /// As [`Provider::submit`].
    fn submit(
        &self,
        messages: &[Outbound],
    ) -> impl Future<Output = Result<Vec<Result<Receipt>>>> + Send;

    /// As [`Provider::status`].
    fn status(
        &self,
        refs: &[ProviderRef],
    ) -> impl Future<Output = Result<Vec<DeliveryReport>>> + Send;

    /// As [`Provider::reconcile`].
    fn reconcile(&self, attempt: &AttemptRef) -> impl Future<Output = Result<Reconciled>> + Send;

    /// As [`Provider::cancel`].
    fn cancel(&self, what: &ProviderRef) -> impl Future<Output = Result<()>> + Send;

    /// As [`Provider::balance`].
    fn balance(&self) -> impl Future<Output = Result<Balance>> + Send;

    /// The provider below all layers, for what goes around them: its address book, batches,
    /// conversations, subscriptions and numbers.
    fn innermost(&self) -> &dyn Provider;
}

/// A provider below its layers.
#[derive(Clone, Debug)]
pub struct Innermost<P>(P);

impl<P: Provider> Innermost<P> {
    /// Takes a provider, so that layers go around it.
    pub fn new(provider: P) -> Self {
        Self(provider)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<P: Provider> Calls for Innermost<P> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        self.0.submit(messages).await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.0.status(refs).await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.0.reconcile(attempt).await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.0.cancel(what).await
    }

    async fn balance(&self) -> Result<Balance> {
        self.0.balance().await
    }

    fn innermost(&self) -> &dyn Provider {
        &self.0
    }
}

/// Layers as a provider.
#[derive(Clone, Debug)]
pub struct Stack<C>(C);

impl<C: Calls> Stack<C> {
    /// Takes the outermost layer.
    pub fn new(outermost: C) -> Self {
        Self(outermost)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: Calls> Provider for Stack<C> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        self.0.submit(messages).await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.0.status(refs).await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.0.reconcile(attempt).await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.0.cancel(what).await
    }

    async fn balance(&self) -> Result<Balance> {
        self.0.balance().await
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        self.0.innermost().address_book()
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        self.0.innermost().batches()
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        self.0.innermost().conversations()
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        self.0.innermost().subscriptions()
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        self.0.innermost().numbers()
    }
}

/// A shared provider is a provider, so that layers go around it. Its methods give on the boxes that
/// they are given; that is what the signatures are written out for, in the form in which
/// `async_trait` makes them.
#[deny(clippy::missing_trait_methods)]
impl<P: Provider + ?Sized> Provider for Arc<P> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn submit<'provider, 'given, 'call>(
        &'provider self,
        messages: &'given [Outbound],
    ) -> BoxFuture<'call, Result<Vec<Result<Receipt>>>>
    where
        'provider: 'call,
        'given: 'call,
        Self: 'call,
    {
        (**self).submit(messages)
    }

    fn status<'provider, 'given, 'call>(
        &'provider self,
        refs: &'given [ProviderRef],
    ) -> BoxFuture<'call, Result<Vec<DeliveryReport>>>
    where
        'provider: 'call,
        'given: 'call,
        Self: 'call,
    {
        (**self).status(refs)
    }

    fn reconcile<'provider, 'given, 'call>(
        &'provider self,
        attempt: &'given AttemptRef,
    ) -> BoxFuture<'call, Result<Reconciled>>
    where
        'provider: 'call,
        'given: 'call,
        Self: 'call,
    {
        (**self).reconcile(attempt)
    }

    fn cancel<'provider, 'given, 'call>(
        &'provider self,
        what: &'given ProviderRef,
    ) -> BoxFuture<'call, Result<()>>
    where
        'provider: 'call,
        'given: 'call,
        Self: 'call,
    {
        (**self).cancel(what)
    }

    fn balance<'provider, 'call>(&'provider self) -> BoxFuture<'call, Result<Balance>>
    where
        'provider: 'call,
        Self: 'call,
    {
        (**self).balance()
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        (**self).address_book()
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        (**self).batches()
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        (**self).conversations()
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        (**self).subscriptions()
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        (**self).numbers()
    }
}

/// Exactly one result for each of `count` messages. What holds for the call holds for each message
/// in it; where a provider gave fewer results, nobody can know what became of the rest.
pub(super) fn one_each(
    verdicts: Result<Vec<Result<Receipt>>>,
    count: usize,
) -> Vec<Result<Receipt>> {
    let mut results = match verdicts {
        Ok(results) => results,
        Err(error) => (0..count)
            .map(|_| Err(error.copy_without_source()))
            .collect(),
    };
    results.truncate(count);
    results.resize_with(count, || {
        Err(Error::new(
            ErrorKind::Protocol,
            Acceptance::Unknown,
            "the provider gave no result for this message",
        ))
    });
    results
}
