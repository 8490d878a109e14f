//! Reports that the program hands on: to those who wait for them, and kept for those who ask later.
//!
//! Fed by [`Messenger::hear`](super::Messenger::hear); read by whoever waits for the end of a message or
//! wants to know whether one was taken. What is kept is bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_core::{ClientRef, DeliveryReport, E164, ProviderRef, ReportedState};
use tokio::sync::Notify;

/// Reports, and who waits for which.
#[derive(Debug)]
pub(super) struct Heard {
    kept: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The latest reports, the oldest first.
    recent: VecDeque<Report>,
    /// The number of the oldest one that is kept.
    first: u64,
    /// The numbers of the reports about what has this name.
    by_name: HashMap<Name, Vec<u64>>,
    waiting: HashMap<Name, Vec<Arc<Waiter>>>,
}

#[derive(Clone, Debug)]
struct Report {
    /// The account that it came from, where that is known.
    account: Option<usize>,
    report: DeliveryReport,
}

/// One name by which a message is known to its provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Message(String),
    Reference(ClientRef),
    Member(String, E164),
}

#[derive(Debug)]
struct Waiter {
    account: usize,
    /// Whether the account's provider reports by itself, so that a report of nobody knows which
    /// account may be about its message.
    reports: bool,
    about: ProviderRef,
    latest: Mutex<Option<DeliveryReport>>,
    news: Notify,
}

/// Somebody who waits for reports about one message, until dropped.
#[derive(Debug)]
pub(super) struct Listening<'a> {
    heard: &'a Heard,
    waiter: Arc<Waiter>,
}

impl Heard {
    pub(super) fn keeping(kept: usize) -> Self {
        Self {
            kept,
            state: Mutex::default(),
        }
    }

    /// Hands a report to those who wait for it, and keeps it.
    pub(super) fn hear(&self, account: Option<usize>, report: DeliveryReport) {
        let names = names(&report.about);
        let mut state = self.state();
        let report = Report { account, report };
        for waiter in names.iter().filter_map(|name| state.waiting.get(name)) {
            for waiter in waiter.iter().filter(|waiter| waiter.is_meant_by(&report)) {
                waiter.tell(&report.report);
            }
        }
        state.keep(report, names, self.kept);
    }

    /// Waits for reports about a message of an account; one that was heard before is told first.
    pub(super) fn listen(
        &self,
        account: usize,
        reports: bool,
        about: ProviderRef,
    ) -> Listening<'_> {
        let names = names(&about);
        let waiter = Arc::new(Waiter {
            account,
            reports,
            about,
            latest: Mutex::default(),
            news: Notify::new(),
        });
        let mut state = self.state();
        for name in names {
            for report in state.recent_about(&name) {
                if waiter.is_meant_by(report) {
                    waiter.tell(&report.report);
                }
            }
            let waiting = state.waiting.entry(name).or_default();
            waiting.push(Arc::clone(&waiter));
        }
        drop(state);
        Listening {
            heard: self,
            waiter,
        }
    }

    /// How many names are waited for.
    #[cfg(test)]
    pub(super) fn n_waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// The state, also after a panic elsewhere: each change is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening<'_> {
    /// The latest report that was not told yet.
    pub(super) async fn next(&self) -> Option<DeliveryReport> {
        self.waiter.news.notified().await;
        self.waiter.latest().take()
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        let mut state = self.heard.state();
        for name in names(&self.waiter.about) {
            if let Some(waiting) = state.waiting.get_mut(&name) {
                waiting.retain(|other| !Arc::ptr_eq(other, &self.waiter));
                if waiting.is_empty() {
                    state.waiting.remove(&name);
                }
            }
        }
    }
}

impl State {
    fn keep(&mut self, report: Report, names: Vec<Name>, kept: usize) {
        if kept == 0 {
            return;
        }
        while self.recent.len() >= kept {
            self.forget_oldest();
        }
        let number = self.first + self.recent.len() as u64;
        self.recent.push_back(report);
        for name in names {
            self.by_name.entry(name).or_default().push(number);
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.recent.pop_front() else {
            return;
        };
        for name in names(&oldest.report.about) {
            if let Some(numbers) = self.by_name.get_mut(&name) {
                numbers.retain(|number| *number != self.first);
                if numbers.is_empty() {
                    self.by_name.remove(&name);
                }
            }
        }
        self.first += 1;
    }

    fn recent_about(&self, name: &Name) -> impl Iterator<Item = &Report> {
        let numbers = self.by_name.get(name).into_iter().flatten();
        numbers.filter_map(|number| {
            let place = usize::try_from(number - self.first).ok()?;
            self.recent.get(place)
        })
    }
}

impl Waiter {
    fn is_meant_by(&self, heard: &Report) -> bool {
        let is_from_account = match heard.account {
            Some(account) => account == self.account,
            None => self.reports,
        };
        is_from_account && is_same(&self.about, &heard.report.about)
    }

    fn tell(&self, report: &DeliveryReport) {
        let mut latest = self.latest();
        if latest.as_ref().is_none_or(|known| is_news(known, report)) {
            *latest = Some(report.clone());
            self.news.notify_one();
        }
    }

    fn latest(&self) -> MutexGuard<'_, Option<DeliveryReport>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names by which a provider's reference can be found.
fn names(about: &ProviderRef) -> Vec<Name> {
    let message = about.message.clone().map(Name::Message);
    let reference = about.reference.clone().map(Name::Reference);
    let member = about.batch.clone().zip(about.recipient);
    let member = member.map(|(batch, recipient)| Name::Member(batch, recipient));
    message.into_iter().chain(reference).chain(member).collect()
}

/// Whether two references that share a name are about one message: nothing that both say differs.
fn is_same(one: &ProviderRef, other: &ProviderRef) -> bool {
    fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
        one.zip(other).is_none_or(|(one, other)| one == other)
    }
    agree(one.message.as_ref(), other.message.as_ref())
        && agree(one.batch.as_ref(), other.batch.as_ref())
        && agree(one.session.as_ref(), other.session.as_ref())
        && agree(one.reference.as_ref(), other.reference.as_ref())
        && agree(one.recipient.as_ref(), other.recipient.as_ref())
}

/// Whether a report says more than the one before it. Reports come late and in any order: no end is
/// taken back but by the word that the phone has it.
pub(super) fn is_news(known: &DeliveryReport, report: &DeliveryReport) -> bool {
    !known.state.is_final()
        || report.state == ReportedState::Delivered && known.state != ReportedState::Delivered
}
