//! One span for each call of a caller, with what became of it.
//!
//! Put around a provider by [`super::standard`], outside of everything, so that all attempts and waits
//! of a call lie within its span. It changes nothing. Spans hold names, counts and times: no text, no
//! number, no reference.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::{Clock, DeliveryReport, ProviderRef};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::Calls;
use crate::account::AccountName;
use crate::error::{Acceptance, Error, Result};
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};

/// Opens a span `provider` of level `INFO` around each call, and ends it with an event of level `DEBUG`.
///
/// The span has `account`, `operation` and `messages`: how many messages or references the call is
/// about. At the end come `duration_ms`; `error` and `acceptance` where the call failed as a whole; and
/// for messages how many were `taken`, proved `not_sent`, `refused`, or are `unknown`. The span of a call
/// that is given up ends without these. Where nobody listens, nothing is counted.
#[derive(Clone, Debug)]
pub struct Trace<C> {
    inner: C,
    account: Option<AccountName>,
    clock: Arc<dyn Clock>,
}

impl<C> Trace<C> {
    /// Shows the calls of `inner` under the account's name.
    pub fn new(inner: C, account: Option<AccountName>, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            account,
            clock,
        }
    }

    async fn traced<T, F>(
        &self,
        operation: &'static str,
        messages: usize,
        call: impl FnOnce() -> F + Send,
        count: impl FnOnce(&Result<T>) -> Option<Outcomes> + Send,
    ) -> Result<T>
    where
        C: Sync,
        T: Send,
        F: Future<Output = Result<T>> + Send,
    {
        let span = self.span(operation, messages);
        let began = (!span.is_disabled()).then(|| self.clock.elapsed());
        let result = call().instrument(span.clone()).await;
        if let Some(began) = began {
            let duration = self.clock.elapsed().saturating_sub(began);
            let outcomes = count(&result);
            span.in_scope(|| conclude(&span, operation, result.as_ref().err(), outcomes, duration));
        }
        result
    }

    fn span(&self, operation: &'static str, messages: usize) -> Span {
        tracing::info_span!(
            "provider",
            account = self.account.as_ref().map(AccountName::as_str),
            operation,
            messages,
            taken = Empty,
            not_sent = Empty,
            refused = Empty,
            unknown = Empty,
            error = Empty,
            acceptance = Empty,
            duration_ms = Empty,
        )
    }
}

#[deny(clippy::missing_trait_methods)]
impl<C: Calls> Calls for Trace<C> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let count = messages.len();
        let outcomes = |result: &Result<_>| Some(Outcomes::of(result, count));
        self.traced("submit", count, || self.inner.submit(messages), outcomes)
            .await
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        self.traced("status", refs.len(), || self.inner.status(refs), |_| None)
            .await
    }

    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        self.traced("reconcile", 1, || self.inner.reconcile(attempt), |_| None)
            .await
    }

    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        self.traced("cancel", 1, || self.inner.cancel(what), |_| None)
            .await
    }

    async fn balance(&self) -> Result<Balance> {
        self.traced("balance", 0, || self.inner.balance(), |_| None)
            .await
    }

    fn innermost(&self) -> &dyn Provider {
        self.inner.innermost()
    }
}

/// What became of the messages of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outcomes {
    taken: usize,
    not_sent: usize,
    refused: usize,
    unknown: usize,
}

impl Outcomes {
    fn of(result: &Result<Vec<Result<Receipt>>>, messages: usize) -> Self {
        let mut outcomes = Self::default();
        match result {
            Err(error) => *outcomes.failed(error) = messages,
            Ok(results) => {
                for result in results {
                    match result {
                        Ok(_) => outcomes.taken += 1,
                        Err(error) => *outcomes.failed(error) += 1,
                    }
                }
            }
        }
        outcomes
    }

    fn failed(&mut self, error: &Error) -> &mut usize {
        match error.acceptance() {
            Acceptance::NotSent => &mut self.not_sent,
            Acceptance::Refused => &mut self.refused,
            Acceptance::Unknown => &mut self.unknown,
        }
    }
}

fn conclude(
    span: &Span,
    operation: &'static str,
    error: Option<&Error>,
    outcomes: Option<Outcomes>,
    duration: Duration,
) {
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    span.record("duration_ms", duration_ms);
    if let Some(outcomes) = outcomes {
        span.record("taken", outcomes.taken);
        span.record("not_sent", outcomes.not_sent);
        span.record("refused", outcomes.refused);
        span.record("unknown", outcomes.unknown);
    }
    match error {
        None => tracing::debug!(duration_ms, "{operation} answered"),
        Some(error) => {
            let (kind, acceptance) = (error.kind().as_str(), error.acceptance().as_str());
            span.record("error", kind);
            span.record("acceptance", acceptance);
            tracing::debug!(duration_ms, kind, acceptance, "{operation} failed: {error}");
        }
    }
}
