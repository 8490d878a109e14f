//! A provider that keeps messages in memory: for the tests of programs that send, and for the
//! examples of this crate.
//!
//! Called by users' tests, by the tests of the layers and by doctests. It has every function that a
//! provider can have, sends nothing anywhere, and answers as it is told to.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tidings_core::{
    ClientRef, DeliveryReport, E164, Message, ProviderRef, Reason, ReportedState, SenderId,
};

use crate::address_book::{AddressBook, Contact, ContactPage, Group, GroupReceipt};
use crate::batches::QueuedBatches;
use crate::conversations::Conversations;
use crate::error::{Error, ErrorKind, Result};
use crate::numbers::OwnNumbers;
use crate::provider::{AttemptRef, Balance, Capabilities, Outbound, Provider, Receipt, Reconciled};
use crate::subscriptions::Subscriptions;

/// A provider that keeps messages in memory. Clones share everything.
///
/// It keeps all of them, so that a test can look at each; a run over many messages bounds that by
/// [`Self::keep_last`]. What it can do is what [`Self::set_capabilities`] says. By default it takes
/// texts and files, is asked about them, stops them and has an address book; it neither holds messages
/// back nor reports by itself. A test of pushed-in reports sets [`Capabilities::reports`], or hands them to
/// the messenger's `hear_from`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tidings::memory::MemoryProvider;
/// use tidings::{ClientRef, E164, ErrorKind, Message, Outbound, Provider, ReportedState};
///
/// let provider = MemoryProvider::new();
/// let to = E164::parse("+224622000001", None)?;
/// let order = Outbound::new(ClientRef::new("order-1")?, Message::new(to, "Ready"));
///
/// // It takes what it is given and reports what it is told to.
/// let receipt = provider.submit(&[order.clone()]).await?.remove(0)?;
/// assert_eq!(provider.messages(), [order.clone()]);
/// provider.report(&receipt.provider_ref, ReportedState::Delivered);
/// let reports = provider.status(&[receipt.provider_ref]).await?;
/// assert_eq!(reports[0].state, ReportedState::Delivered);
///
/// // It fails on demand.
/// provider.fail_next_to(&to, tidings::Error::not_sent(ErrorKind::RateLimited, "too many"));
/// let refused = provider.submit(&[order]).await?.remove(0).unwrap_err();
/// assert_eq!(refused.kind(), ErrorKind::RateLimited);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryProvider {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The latest messages that were taken, the oldest first.
    taken: VecDeque<Taken>,
    /// How many were taken and are kept no longer.
    forgotten: u64,
    /// How many are kept; `None` is all.
    kept: Option<usize>,
    capabilities: Option<Capabilities>,
    next_calls: VecDeque<NextCall>,
    next_to: HashMap<E164, VecDeque<Error>>,
    refused: HashMap<E164, Error>,
    submissions: usize,
    credit: Option<i64>,
    contacts: Vec<StoredContact>,
    groups: Vec<StoredGroup>,
}

struct Taken {
    outbound: Outbound,
    provider_ref: ProviderRef,
    state: ReportedState,
}

/// What ids of messages begin with.
const ID: &str = "memory-";

/// What happens to the next call of `submit`.
enum NextCall {
    Fail(Error),
    TakeAndFail(Error),
    Hang,
}

struct StoredContact {
    contact: Contact,
    phone: E164,
}

struct StoredGroup {
    id: String,
    name: String,
    members: Vec<E164>,
}

impl MemoryProvider {
    /// A provider that takes everything and has credit without end.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps only the last so many messages from now on, whatever was taken: what was taken before them
    /// is counted and forgotten, as if it had been deleted at the provider.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tidings::memory::MemoryProvider;
    /// use tidings::{ClientRef, E164, Message, Outbound, Provider};
    ///
    /// let provider = MemoryProvider::new();
    /// provider.keep_last(1);
    /// let to = E164::parse("+224622000001", None)?;
    /// for name in ["first", "second"] {
    ///     let message = Message::new(to, "Ready");
    ///     provider.submit(&[Outbound::new(ClientRef::new(name)?, message)]).await?;
    /// }
    /// assert_eq!(provider.messages()[0].reference.as_str(), "second");
    /// assert_eq!((provider.messages().len(), provider.taken()), (1, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep_last(&self, messages: usize) {
        let mut state = self.state();
        state.kept = Some(messages);
        state.forget();
    }

    /// Says that it can do no more than this from now on. Its methods work as before: it is for those who
    /// look at what a provider can do, and should be set before they look.
    pub fn set_capabilities(&self, capabilities: Capabilities) {
        self.state().capabilities = Some(capabilities);
    }

    /// How many messages were taken in all, kept or not.
    pub fn taken(&self) -> u64 {
        self.state().n_taken()
    }

    /// The messages that were taken and are kept, oldest first.
    pub fn messages(&self) -> Vec<Outbound> {
        let state = self.state();
        let messages = state.taken.iter().map(|taken| taken.outbound.clone());
        messages.collect()
    }

    /// How often [`Provider::submit`] was called, whatever came of it.
    pub fn submissions(&self) -> usize {
        self.state().submissions
    }

    /// The next call of [`Provider::submit`] that no earlier order concerns fails as a whole and
    /// takes nothing. Several orders are carried out one after the other.
    pub fn fail_next(&self, error: Error) {
        self.state().next_calls.push_back(NextCall::Fail(error));
    }

    /// The next call of [`Provider::submit`] takes its messages, and then its answer is lost: the
    /// caller gets this error.
    pub fn take_and_fail_next(&self, error: Error) {
        let next = NextCall::TakeAndFail(error);
        self.state().next_calls.push_back(next);
    }

    /// The next call of [`Provider::submit`] takes nothing and never answers.
    pub fn hang_next(&self) {
        self.state().next_calls.push_back(NextCall::Hang);
    }

    /// The next message to this number fails. Several orders are carried out one after the other.
    pub fn fail_next_to(&self, recipient: &E164, error: Error) {
        let mut state = self.state();
        let errors = state.next_to.entry(*recipient).or_default();
        errors.push_back(error);
    }

    /// Every message to this number fails with this error, of which each gets a copy.
    pub fn refuse(&self, recipient: &E164, error: Error) {
        self.state().refused.insert(*recipient, error);
    }

    /// From now on, this is what [`Provider::status`] says of a message. Nothing happens for a
    /// message that this provider does not know.
    pub fn report(&self, about: &ProviderRef, reported: ReportedState) {
        if let Some(taken) = self.state().find(about) {
            taken.state = reported;
        }
    }

    /// Sets what is left on the account, in messages; without it there is no end.
    pub fn set_credit(&self, messages: i64) {
        self.state().credit = Some(messages);
    }

    /// The state, also after a test has panicked while it held it: each change is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for MemoryProvider {
    fn capabilities(&self) -> Capabilities {
        let set = self.state().capabilities;
        set.unwrap_or(Capabilities {
            max_messages_per_call: 1000,
            mixed_texts_per_call: true,
            status: true,
            tells_delivery: true,
            reconcile: true,
            cancel: true,
            balance: true,
            address_book: true,
            max_media_bytes: Some(usize::MAX),
            ..Capabilities::submit_only()
        })
    }

    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        let next = {
            let mut state = self.state();
            state.submissions += 1;
            state.next_calls.pop_front()
        };
        let loses_answer = match next {
            Some(NextCall::Fail(error)) => return Err(error),
            Some(NextCall::Hang) => return std::future::pending().await,
            Some(NextCall::TakeAndFail(error)) => Some(error),
            None => None,
        };
        let mut state = self.state();
        let results = messages.iter().map(|message| state.take(message)).collect();
        match loses_answer {
            Some(error) => Err(error),
            None => Ok(results),
        }
    }

    async fn status(&self, refs: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        let mut state = self.state();
        let reports = refs.iter().map(|about| {
            let taken = state.find(about).ok_or_else(|| unknown("message"))?;
            let report = DeliveryReport::new(about.clone(), taken.state);
            Ok(match taken.state {
                ReportedState::Failed | ReportedState::Undelivered => {
                    report.reason(Reason::Unspecified)
                }
                ReportedState::Expired => report.reason(Reason::Expired),
                ReportedState::Canceled => report.reason(Reason::Canceled),
                // `ReportedState` may grow; what is new has no reason here.
                _ => report,
            })
        });
        reports.collect()
    }

    /// Looks for a message with the attempt's reference.
    async fn reconcile(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        let state = self.state();
        let reference = &attempt.outbound.reference;
        let found = state
            .taken
            .iter()
            .find(|taken| taken.outbound.reference == *reference);
        Ok(match found {
            Some(taken) => Reconciled::Taken(Box::new(Receipt::new(taken.provider_ref.clone()))),
            // It may be one that was forgotten.
            None if state.forgotten > 0 => Reconciled::CannotTell,
            None => Reconciled::NotTaken,
        })
    }

    /// Stops a message of which nothing but [`ReportedState::Submitted`] was reported.
    async fn cancel(&self, what: &ProviderRef) -> Result<()> {
        let mut state = self.state();
        let taken = state.find(what).ok_or_else(|| unknown("message"))?;
        if taken.state != ReportedState::Submitted {
            let error = Error::not_sent(ErrorKind::Rejected, "the message has left already");
            return Err(error);
        }
        taken.state = ReportedState::Canceled;
        Ok(())
    }

    async fn balance(&self) -> Result<Balance> {
        let credit = self.state().credit;
        Ok(Balance::new(credit.unwrap_or(i64::MAX), "messages"))
    }

    fn address_book(&self) -> Option<&dyn AddressBook> {
        Some(self)
    }

    fn batches(&self) -> Option<&dyn QueuedBatches> {
        None
    }

    fn conversations(&self) -> Option<&dyn Conversations> {
        None
    }

    fn subscriptions(&self) -> Option<&dyn Subscriptions> {
        None
    }

    fn numbers(&self) -> Option<&dyn OwnNumbers> {
        None
    }
}

#[async_trait]
impl AddressBook for MemoryProvider {
    async fn contacts(&self, page: u32, limit: u32) -> Result<ContactPage> {
        if page == 0 || limit == 0 {
            let error = Error::not_sent(ErrorKind::InvalidMessage, "pages and limits count from 1");
            return Err(error);
        }
        let state = self.state();
        let total = state.contacts.len();
        let (page_size, skipped) = (limit as usize, (page - 1) as usize);
        let shown = state
            .contacts
            .iter()
            .skip(skipped.saturating_mul(page_size));
        let contacts = shown.take(page_size).map(|stored| stored.contact.clone());
        let pages = u32::try_from(total.div_ceil(page_size)).unwrap_or(u32::MAX);
        Ok(ContactPage::new(page, contacts.collect()).totals(total as u64, pages))
    }

    async fn add_contact(
        &self,
        first_name: &str,
        last_name: &str,
        phone: &E164,
    ) -> Result<Contact> {
        let mut state = self.state();
        let id = format!("contact-{}", state.contacts.len() + 1);
        let contact = Contact::new(first_name, last_name, phone.as_str()).id(id);
        state.contacts.push(StoredContact {
            contact: contact.clone(),
            phone: *phone,
        });
        Ok(contact)
    }

    async fn groups(&self) -> Result<Vec<Group>> {
        let state = self.state();
        let groups = state.groups.iter().map(StoredGroup::shown);
        Ok(groups.collect())
    }

    async fn create_group(&self, name: &str) -> Result<Group> {
        let mut state = self.state();
        let group = StoredGroup {
            id: format!("group-{}", state.groups.len() + 1),
            name: name.to_owned(),
            members: Vec::new(),
        };
        let shown = group.shown();
        state.groups.push(group);
        Ok(shown)
    }

    async fn add_to_group(&self, contact_id: &str, group_id: &str) -> Result<()> {
        let mut state = self.state();
        let contact = state
            .contacts
            .iter()
            .find(|stored| stored.contact.id.as_deref() == Some(contact_id))
            .ok_or_else(|| unknown("contact"))?;
        let phone = contact.phone;
        let group = state.group(group_id)?;
        if !group.members.contains(&phone) {
            group.members.push(phone);
        }
        Ok(())
    }

    async fn send_to_group(
        &self,
        group_id: &str,
        text: &str,
        from: Option<&SenderId>,
    ) -> Result<GroupReceipt> {
        let mut state = self.state();
        let members = state.group(group_id)?.members.clone();
        let size = members.len() as u64;
        let text: Arc<str> = text.into();
        let mut queued = 0;
        for member in members {
            let name = format!("{group_id}-{}", state.n_taken() + 1);
            let reference = ClientRef::new(name).map_err(|_| unknown("group"))?;
            let mut message = Message::new(member, Arc::clone(&text));
            message.from = from.cloned();
            queued += u64::from(state.take(&Outbound::new(reference, message)).is_ok());
        }
        Ok(GroupReceipt::new(size, queued))
    }
}

impl State {
    fn take(&mut self, outbound: &Outbound) -> Result<Receipt> {
        let to = &outbound.message.to;
        if let Some(error) = self.next_to.get_mut(to).and_then(VecDeque::pop_front) {
            return Err(error);
        }
        if let Some(error) = self.refused.get(to) {
            return Err(error.copy_without_source());
        }
        if let Some(credit) = &mut self.credit {
            if *credit <= 0 {
                let error = Error::not_sent(ErrorKind::InsufficientCredit, "no credit is left");
                return Err(error);
            }
            *credit -= 1;
        }
        let provider_ref = ProviderRef::message(format!("{ID}{}", self.n_taken() + 1));
        self.taken.push_back(Taken {
            outbound: outbound.clone(),
            provider_ref: provider_ref.clone(),
            state: ReportedState::Submitted,
        });
        self.forget();
        Ok(Receipt::new(provider_ref))
    }

    fn n_taken(&self) -> u64 {
        self.forgotten + self.taken.len() as u64
    }

    /// Forgets what is not to be kept.
    fn forget(&mut self) {
        let kept = self.kept.unwrap_or(usize::MAX);
        while self.taken.len() > kept {
            self.taken.pop_front();
            self.forgotten += 1;
        }
    }

    /// A message that is kept. Ids count the messages, which is where it is found.
    fn find(&mut self, about: &ProviderRef) -> Option<&mut Taken> {
        let number: u64 = about.message.as_ref()?.strip_prefix(ID)?.parse().ok()?;
        let place = usize::try_from(number.checked_sub(self.forgotten + 1)?).ok()?;
        let taken = self.taken.get_mut(place);
        taken.filter(|taken| taken.provider_ref == *about)
    }

    fn group(&mut self, id: &str) -> Result<&mut StoredGroup> {
        let mut groups = self.groups.iter_mut();
        let found = groups.find(|group| group.id == id);
        found.ok_or_else(|| unknown("group"))
    }
}

impl StoredGroup {
    fn shown(&self) -> Group {
        Group::new(self.id.as_str(), self.name.as_str()).members(self.members.len() as u64)
    }
}

fn unknown(what: &'static str) -> Error {
    Error::not_sent(
        ErrorKind::NotFound,
        format!("the provider in memory knows no such {what}"),
    )
}

/// Shows how much there is, and nothing of it.
impl fmt::Debug for MemoryProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("MemoryProvider")
            .field("messages", &state.taken.len())
            .field("submissions", &state.submissions)
            .finish_non_exhaustive()
    }
}
