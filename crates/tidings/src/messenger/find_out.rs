//! What became of an attempt whose answer was lost: the provider is asked, reports are waited for, and
//! the time is kept within bounds.
//!
//! Called by `sending.rs`, once for each such message. It sends nothing; what follows from what it found
//! is decided there.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tidings_core::{DeliveryPolicy, ProviderRef, ReportedState};
use tokio::time::sleep;

use super::accounts::{Account, Shared};
use super::heard::Listening;
use super::journey::Journey;
use crate::error::{Error, ErrorKind};
use crate::provider::{AttemptRef, Receipt, Reconciled};

/// The wait before the second question; it doubles for each one after.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What the doubling stops at.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A message whose last attempt may have been taken.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) journey: Journey,
    pub(super) attempt: Box<AttemptRef>,
    /// Why nobody knows.
    pub(super) error: Error,
    /// When the attempt failed, by the clock's measure.
    pub(super) failed_at: Duration,
}

/// What was found out.
#[derive(Debug)]
pub(super) enum Found {
    /// The provider has it.
    Taken(Box<Receipt>),
    /// It is proved that the provider does not have it.
    NotTaken,
    /// Nobody can tell.
    Nothing,
}

/// Finds out what became of an attempt, as far as its policy and its time allow.
pub(super) async fn find_out(shared: Arc<Shared>, doubt: Doubt) -> (Doubt, Found) {
    let found = {
        let account = &shared.accounts[doubt.journey.account];
        let inquiry = Inquiry {
            shared: &shared,
            account,
            doubt: &doubt,
        };
        inquiry.run().await
    };
    (doubt, found)
}

/// What a report that was heard before says of an attempt: that it was taken.
pub(super) fn heard_before(shared: &Shared, place: usize, attempt: &AttemptRef) -> Option<Receipt> {
    let reports = shared.accounts[place].capabilities.reports;
    let listening = shared.heard.listen(place, reports, names_of(attempt));
    reported(&listening).now_or_never()
}

/// All by which a report may name an attempt.
fn names_of(attempt: &AttemptRef) -> ProviderRef {
    let mut about = attempt.provider_ref.clone().unwrap_or_default();
    about.reference = Some(attempt.outbound.reference.clone());
    about
}

struct Inquiry<'a> {
    shared: &'a Shared,
    account: &'a Account,
    doubt: &'a Doubt,
}

impl Inquiry<'_> {
    async fn run(&self) -> Found {
        let Doubt {
            journey, attempt, ..
        } = self.doubt;
        let reports = self.account.capabilities.reports;
        let about = names_of(attempt);
        let listening = self.shared.heard.listen(journey.account, reports, about);
        tokio::select! {
            biased;
            receipt = reported(&listening) => Found::Taken(Box::new(receipt)),
            found = self.ask_and_wait() => found,
        }
    }

    /// Asks where that helps, then waits where a report could still tell.
    async fn ask_and_wait(&self) -> Found {
        let found = if self.account.capabilities.reconcile {
            self.ask().await
        } else {
            Found::Nothing
        };
        let grace = self.shared.settings.grace;
        let waits = match self.doubt.journey.policy {
            DeliveryPolicy::AtLeastOnce => true,
            // `DeliveryPolicy` may grow: waiting sends nothing.
            _ => self.shared.settings.hears_reports && self.account.capabilities.reports,
        };
        if waits && matches!(found, Found::Nothing) {
            let rest = grace.saturating_sub(self.since_failure());
            sleep(rest.min(self.time_left())).await;
        }
        found
    }

    /// Asks until the provider can tell, or says that it cannot, or the time is over. That a message
    /// was not taken is believed only of an answer to a question that was asked late enough.
    async fn ask(&self) -> Found {
        let settle = self.shared.settings.settle;
        let mut wait = FIRST_WAIT;
        let mut waited = Duration::ZERO;
        loop {
            // Counted besides what the clock tells, so that a clock that stands still ends nothing.
            let asked_at = self.since_failure().max(waited);
            match self.question().await {
                Ok(Reconciled::Taken(receipt)) => return Found::Taken(receipt),
                Ok(Reconciled::NotTaken) if asked_at >= settle => return Found::NotTaken,
                Ok(Reconciled::NotTaken) => wait = wait.min(settle.saturating_sub(asked_at)),
                Ok(Reconciled::CannotTell) => return Found::Nothing,
                Err(error) if is_for_ever(&error) => return Found::Nothing,
                Err(error) => wait = wait.max(error.retry_after().unwrap_or_default()),
            }
            let left = self.time_left();
            if left.is_zero() || wait > left || waited > self.shared.settings.deadline {
                return Found::Nothing;
            }
            sleep(wait).await;
            waited += wait;
            wait = wait.saturating_mul(2).clamp(FIRST_WAIT, LONGEST_WAIT);
        }
    }

    async fn question(&self) -> crate::Result<Reconciled> {
        let turn = self.account.questions.acquire().await;
        let answer = self.account.provider.reconcile(&self.doubt.attempt).await;
        drop(turn);
        answer
    }

    fn since_failure(&self) -> Duration {
        let now = self.shared.clock.elapsed();
        now.saturating_sub(self.doubt.failed_at)
    }

    fn time_left(&self) -> Duration {
        let now = self.shared.clock.elapsed();
        self.doubt.journey.time_left(now, self.shared)
    }
}

/// Waits for a report that shows that the provider has the message.
async fn reported(listening: &Listening<'_>) -> Receipt {
    loop {
        if let Some(report) = listening.next().await
            && report.state != ReportedState::Unknown
        {
            return Receipt::new(report.about);
        }
    }
}

/// Whether the same question would fail again, however often it is asked.
fn is_for_ever(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unsupported
        | ErrorKind::Config
        | ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::InvalidMessage
        | ErrorKind::InvalidRecipient
        | ErrorKind::InvalidSender => true,
        ErrorKind::NotFound
        | ErrorKind::Rejected
        | ErrorKind::InsufficientCredit
        | ErrorKind::RateLimited
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Protocol => false,
    }
}
