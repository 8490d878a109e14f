//! A provider for tests: it keeps batches that wait, and tells everything else only by calling back,
//! unless it is made to answer each question with one and the same state.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tidings::batches::{QueuedBatch, QueuedBatches, StoppedBatch};
use tidings::provider::unsupported;
use tidings::{
    AttemptRef, Balance, Capabilities, DeliveryReport, Error, ErrorKind, Outbound, Provider,
    ProviderRef, Receipt, Reconciled, ReportedState, Result,
};

/// Batches by name, with how many messages of each are left; calls are counted.
#[derive(Debug, Default)]
pub(crate) struct CallingBack {
    pub(crate) batches: Mutex<BTreeMap<String, u64>>,
    pub(crate) n_shown: Mutex<usize>,
    /// What every question fails with.
    pub(crate) trouble: Option<ErrorKind>,
    /// What it says of every message when it is asked. `None`: it cannot be asked.
    pub(crate) says: Option<ReportedState>,
    pub(crate) tells_delivery: bool,
}

impl CallingBack {
    pub(crate) fn with(batches: &[(&str, u64)]) -> Self {
        let batches = batches
            .iter()
            .map(|(name, left)| ((*name).to_owned(), *left));
        Self {
            batches: Mutex::new(batches.collect()),
            ..Self::default()
        }
    }

    pub(crate) fn leave(&self, batch: &str) {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.remove(batch);
    }
}

#[async_trait]
impl Provider for CallingBack {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::submit_only();
        capabilities.status = self.says.is_some();
        capabilities.tells_delivery = self.tells_delivery;
        capabilities.reports = true;
        capabilities.batches = true;
        capabilities
    }

    async fn submit(&self, _: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        Err(unsupported("the fake", "submit"))
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        let says = self
            .says
            .expect("a provider that only calls back is not asked");
        let reports = refs
            .iter()
            .map(|about| DeliveryReport::new(about.clone(), says));
        Ok(reports.collect())
    }

    async fn reconcile(&self, _: &AttemptRef) -> Result<Reconciled> {
        Ok(Reconciled::CannotTell)
    }

    async fn cancel(&self, _: &ProviderRef) -> Result<()> {
        Err(unsupported("the fake", "cancel"))
    }

    async fn balance(&self) -> Result<Balance> {
        Err(unsupported("the fake", "balance"))
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        Some(self)
    }
}

#[async_trait]
impl QueuedBatches for CallingBack {
    async fn list(&self) -> Result<Vec<QueuedBatch>> {
        Ok(Vec::new())
    }

    async fn show(&self, reference: &str) -> Result<QueuedBatch> {
        *self.n_shown.lock().unwrap() += 1;
        if let Some(kind) = self.trouble {
            return Err(Error::not_sent(kind, "in trouble"));
        }
        let left = self.batches.lock().unwrap().get(reference).copied();
        left.map(|left| QueuedBatch::new(reference, left))
            .ok_or_else(|| Error::not_sent(ErrorKind::NotFound, "no such batch"))
    }

    async fn stop(&self, reference: &str) -> Result<StoppedBatch> {
        Ok(StoppedBatch::new(reference, Vec::new()))
    }
}
