//! A PBX as a [`Provider`]: what programs see that know only the neutral interface.

use async_trait::async_trait;
use tidings_core::{DeliveryReport, ProviderRef};

use super::CAPABILITIES;
use super::client::Client;
use super::map::PROVIDER;
use crate::address_book::AddressBook;
use crate::batches::QueuedBatches;
use crate::conversations::Conversations;
use crate::error::Result;
use crate::numbers::OwnNumbers;
use crate::provider::{
    AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled, unsupported,
};
use crate::subscriptions::Subscriptions;

#[async_trait]
impl Provider for Client {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn submit(&self, _messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        Err(unsupported(PROVIDER, "submit"))
    }

    async fn status(&self, _refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        Err(unsupported(PROVIDER, "status"))
    }

    async fn reconcile(&self, _attempt: &AttemptRef) -> Result<Reconciled> {
        Ok(Reconciled::CannotTell)
    }

    async fn cancel(&self, _what: &ProviderRef) -> Result<()> {
        Err(unsupported(PROVIDER, "cancel"))
    }

    async fn balance(&self) -> Result<Balance> {
        Err(unsupported(PROVIDER, "balance"))
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        None
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        None
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        Some(self)
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        None
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        None
    }
}
