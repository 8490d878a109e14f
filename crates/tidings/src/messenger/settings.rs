//! How a messenger behaves: [`MessengerSettings`], with a default for everything.
//!
//! Made by programs, read by the rest of the messenger. What belongs to one account alone, such as
//! its rate, is a setting of its layers.

use std::time::Duration;

use tidings_core::DeliveryPolicy;

/// How a messenger behaves. The default is right for most programs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessengerSettings {
    /// What is done when nobody can know whether a message was taken, for messages that do not say so
    /// themselves. Default: [`DeliveryPolicy::Reconcile`].
    pub policy: DeliveryPolicy,
    /// How many messages [`send_many`](super::Messenger::send_many) has read at the most whose
    /// verdicts it has not handed out yet. This bounds its memory, and how far it looks ahead for
    /// messages that can share a call. 0 counts as 1. Default: 10,000.
    pub window: usize,
    /// How many calls that send are open at once on one account, in one
    /// [`send_many`](super::Messenger::send_many). 0 counts as 1. Default: 8.
    pub calls_at_once: usize,
    /// How long after a message was handed over its last attempt may begin, and the last question
    /// about it be asked; [`Message::valid_for`](tidings_core::Message::valid_for) may set an earlier
    /// end. Default: 10 minutes.
    pub deadline: Duration,
    /// How long after an attempt failed a provider's word that it did not take the message is
    /// proof: until then the call may still be on its way through the provider. Default: 30 seconds.
    pub settle: Duration,
    /// How long is waited, after an attempt failed of which nobody can tell, before the message goes
    /// again under [`DeliveryPolicy::AtLeastOnce`]. Default: 1 minute.
    pub grace: Duration,
    /// How often a message goes again on one account after an unknown outcome, where its policy lets
    /// it go again. Default: 1.
    pub resends: u32,
    /// Whether the program hands on, by [`hear`](super::Messenger::hear), what providers report.
    /// Under [`DeliveryPolicy::Reconcile`] a message whose provider cannot be asked then waits for
    /// [`grace`](Self::grace), because a report would show that it was taken. Default: no.
    pub hears_reports: bool,
    /// How many of the reports last heard are kept for those who ask for them later. Default: 10,000.
    pub reports_kept: usize,
}

impl Default for MessengerSettings {
    fn default() -> Self {
        Self {
            policy: DeliveryPolicy::default(),
            window: 10_000,
            calls_at_once: 8,
            deadline: Duration::from_mins(10),
            settle: Duration::from_secs(30),
            grace: Duration::from_mins(1),
            resends: 1,
            hears_reports: false,
            reports_kept: 10_000,
        }
    }
}

impl MessengerSettings {
    /// Sets [`Self::policy`].
    #[must_use]
    pub fn policy(mut self, policy: DeliveryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets [`Self::window`].
    #[must_use]
    pub fn window(mut self, messages: usize) -> Self {
        self.window = messages;
        self
    }

    /// Sets [`Self::calls_at_once`].
    #[must_use]
    pub fn calls_at_once(mut self, calls: usize) -> Self {
        self.calls_at_once = calls;
        self
    }

    /// Sets [`Self::deadline`].
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets [`Self::settle`].
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Sets [`Self::grace`].
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets [`Self::resends`].
    #[must_use]
    pub fn resends(mut self, times: u32) -> Self {
        self.resends = times;
        self
    }

    /// Sets [`Self::hears_reports`].
    #[must_use]
    pub fn hears_reports(mut self, hears: bool) -> Self {
        self.hears_reports = hears;
        self
    }

    /// Sets [`Self::reports_kept`].
    #[must_use]
    pub fn reports_kept(mut self, reports: usize) -> Self {
        self.reports_kept = reports;
        self
    }
}
