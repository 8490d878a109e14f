//! How long and how often a program asks until a message has come to its end: [`Waiting`], and the
//! waiting itself.
//!
//! Called by [`Messenger::wait_until_final`](super::Messenger::wait_until_final), for one message.

use std::time::Duration;

use tidings_core::{DeliveryReport, ReportedState};

use super::accounts::Shared;
use super::heard::is_news;
use super::verdict::Sent;
use crate::error::{Error, ErrorKind, Result};

/// How long is waited for the end of a message, and how often its provider is asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Waiting {
    /// The wait before the first question. Default: 1 second.
    pub first: Duration,
    /// By how much each wait is longer than the one before. Below 1 counts as 1. Default: 2.
    pub factor: f64,
    /// What the waits stop growing at. Default: 1 minute.
    pub longest: Duration,
    /// How long is waited in all. Default: 10 minutes.
    pub total: Duration,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            factor: 2.0,
            longest: Duration::from_mins(1),
            total: Duration::from_mins(10),
        }
    }
}

impl Waiting {
    /// Sets the wait before the first question, and what the waits stop growing at.
    #[must_use]
    pub fn waits(mut self, first: Duration, longest: Duration) -> Self {
        self.first = first;
        self.longest = longest;
        self
    }

    /// Sets by how much each wait is longer than the one before.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Sets how long is waited in all.
    #[must_use]
    pub fn total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// The wait after one that was not made shorter by chance.
    fn after(&self, wait: Duration) -> Duration {
        let longer = Duration::try_from_secs_f64(wait.as_secs_f64() * self.factor.max(1.0));
        longer.map_or(self.longest, |longer| longer.min(self.longest))
    }
}

/// The part of a wait that chance takes off at the most, so that messages sent together are not asked
/// about together.
const CHANCE: f64 = 0.25;

impl Shared {
    pub(super) async fn wait_until_final(
        &self,
        sent: &Sent,
        waiting: &Waiting,
    ) -> Result<DeliveryReport> {
        let place = self.place(&sent.account)?;
        let capabilities = &self.accounts[place].capabilities;
        if !capabilities.status && !capabilities.reports {
            let what = format!(
                "account {} can neither be asked about a message nor reports by itself",
                sent.account
            );
            return Err(Error::not_sent(ErrorKind::Unsupported, what));
        }
        let mut follower = Follower {
            shared: self,
            sent,
            place,
            last: None,
            failed: None,
        };
        let followed = tokio::time::timeout(waiting.total, follower.follow(waiting)).await;
        match followed {
            Ok(end) => end,
            Err(_) => follower.what_is_known(),
        }
    }
}

/// Follows one message.
struct Follower<'a> {
    shared: &'a Shared,
    sent: &'a Sent,
    place: usize,
    last: Option<DeliveryReport>,
    /// Why the last question was not answered.
    failed: Option<Error>,
}

impl Follower<'_> {
    async fn follow(&mut self, waiting: &Waiting) -> Result<DeliveryReport> {
        let account = &self.shared.accounts[self.place];
        let (asks, reports) = (account.capabilities.status, account.capabilities.reports);
        let about = self.sent.provider_ref.clone();
        let listening = self.shared.heard.listen(self.place, reports, about);
        let mut wait = waiting.first.min(waiting.longest);
        loop {
            let shorter = 1.0 - CHANCE * self.shared.randomness.next();
            let question = tokio::time::sleep(wait.mul_f64(shorter));
            let mut question = std::pin::pin!(question);
            loop {
                let heard = tokio::select! {
                    biased;
                    heard = listening.next() => heard,
                    () = &mut question, if asks => break,
                };
                if let Some(end) = heard.and_then(|report| self.learn(report)) {
                    return Ok(end);
                }
            }
            let refs = std::slice::from_ref(&self.sent.provider_ref);
            let answer = account.provider.status(refs).await;
            let mut pause = Duration::ZERO;
            match answer.and_then(|reports| reports.into_iter().next().ok_or_else(no_report)) {
                Ok(report) => {
                    self.failed = None;
                    if let Some(end) = self.learn(report) {
                        return Ok(end);
                    }
                }
                Err(error) if may_pass(&error) => {
                    pause = error.retry_after().unwrap_or_default();
                    self.failed = Some(error);
                }
                Err(error) => return Err(error),
            }
            wait = waiting.after(wait).max(pause);
        }
    }

    /// Keeps what a report says, and gives it back if it is the end.
    fn learn(&mut self, report: DeliveryReport) -> Option<DeliveryReport> {
        if report.state.is_final() {
            return Some(report);
        }
        if self.last.as_ref().is_none_or(|last| is_news(last, &report)) {
            self.last = Some(report);
        }
        None
    }

    /// What is told when the time is over.
    fn what_is_known(self) -> Result<DeliveryReport> {
        match (self.last, self.failed) {
            (Some(report), _) => Ok(report),
            (None, Some(error)) => Err(error),
            // That the provider has it is known from the beginning.
            (None, None) => Ok(DeliveryReport::new(
                self.sent.provider_ref.clone(),
                ReportedState::Submitted,
            )),
        }
    }
}

pub(super) fn no_report() -> Error {
    let what = "the provider gave no report on this message";
    Error::not_sent(ErrorKind::Protocol, what)
}

/// Whether the same question may be answered later.
fn may_pass(error: &Error) -> bool {
    match error.kind() {
        // A message that was taken a moment ago may not be found yet.
        ErrorKind::NotFound
        | ErrorKind::RateLimited
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Protocol => true,
        ErrorKind::InvalidMessage
        | ErrorKind::InvalidRecipient
        | ErrorKind::InvalidSender
        | ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::Rejected
        | ErrorKind::InsufficientCredit
        | ErrorKind::Unsupported
        | ErrorKind::Config => false,
    }
}
