//! The world as a provider's router sees it: the traits of [`tidings::backend`]. Batches that wait
//! are in `batches`.
//!
//! Called by every provider's `server.rs` and, in tests, directly. Each call decides outside the
//! lock what it can, holds the lock once, and then waits for its change to be on disk where there
//! is a state file.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use subtle::{Choice, ConstantTimeEq};
use tidings::address_book::{Contact, ContactPage, Group};
use tidings::backend::{
    Accepted, AccountDesk, BatchView, Contacts, MessageView, Messages, NewContact, Presented,
    Principal, Refusal, SignIn, Submission, Submitted,
};
use tidings_core::{E164, Message, Reason, ReportedState, SenderId};

use super::ids::Kind;
use super::intake::reason_of;
use super::open::{credential_settings, draw_key};
use super::state::{BatchTaken, Change, Circle, Person, State};
use super::{Shared, World, lock};
use crate::faults::CALL;
use crate::operation::Operation;
use crate::scenario::Action;
use crate::scenario::rules::Rules;

/// The most contacts on one page; who asks for more gets these.
const MAX_PAGE: u32 = 1_000;

#[async_trait]
impl SignIn for World {
    async fn sign_in(&self, presented: &Presented) -> Result<Principal, Refusal> {
        let state = self.0.state();
        let account = account_presented(self.0.spec, &state, presented);
        account.map(principal).ok_or(Refusal::Unauthorized)
    }
}

/// The account of which all credentials were presented.
pub(super) fn account_presented(
    spec: &'static tidings::ProviderSpec,
    state: &State,
    presented: &Presented,
) -> Option<usize> {
    // Every account and every setting is compared to the end, so that the time tells nothing of
    // how much was right.
    let mut found = None;
    for (index, account) in state.accounts.iter().enumerate() {
        if bool::from(matches(spec, &account.credentials, presented)) {
            found = found.or(Some(index));
        }
    }
    found
}

fn matches(
    spec: &'static tidings::ProviderSpec,
    credentials: &BTreeMap<String, String>,
    presented: &Presented,
) -> Choice {
    credential_settings(spec).fold(Choice::from(1), |so_far, setting| {
        let expected = credentials.get(setting.name).map_or("", String::as_str);
        let value = presented.value(setting.name).unwrap_or_default();
        let is_there = Choice::from(u8::from(!value.is_empty()));
        so_far & is_there & expected.as_bytes().ct_eq(value.as_bytes())
    })
}

pub(super) fn principal(account: usize) -> Principal {
    Principal::new(account.to_string())
}

#[async_trait]
impl Messages for World {
    async fn accept(&self, who: &Principal, submission: Submission) -> Result<Accepted, Refusal> {
        self.0.enter(Operation::Submit, |to| {
            let mut messages = submission.messages.iter();
            messages.any(|submitted| submitted.message.to == *to)
        })?;
        let rules = self.0.rules_of(who)?;
        let judged = self.0.judge(&rules, submission.messages.into_iter());
        // Where batches are shown by their names, each call makes one.
        let has_names = self.0.spec.capabilities.batches;
        let makes_batch = submission.as_batch || submission.batch_reference.is_some() || has_names;
        let batch = makes_batch.then(|| {
            let given = submission.batch_reference.map(String::into_boxed_str);
            let unreadable = submission.unreadable.iter();
            BatchTaken {
                name: given.or_else(|| has_names.then(|| self.0.draw_batch_name())),
                refused: unreadable
                    .map(|(written, refusal)| (written.clone(), reason_of(refusal)))
                    .collect(),
            }
        });
        self.0.take(who, &rules, judged, batch).await
    }

    async fn accept_for_group(
        &self,
        who: &Principal,
        group_id: &str,
        text: &str,
        from: Option<SenderId>,
    ) -> Result<Accepted, Refusal> {
        let members = self.0.members(who, group_id)?;
        self.0.enter(Operation::Submit, |to| members.contains(to))?;
        let text: Arc<str> = text.into();
        let messages = members.into_iter().map(|to| {
            let message = Message::new(to, Arc::clone(&text));
            match &from {
                Some(sender) => message.from(sender.clone()),
                None => message,
            }
        });
        let rules = self.0.rules_of(who)?;
        let judged = self.0.judge(&rules, messages.map(Submitted::from));
        let batch = Some(BatchTaken::default());
        self.0.take(who, &rules, judged, batch).await
    }

    async fn message(&self, who: &Principal, id: &str) -> Result<MessageView, Refusal> {
        let (to, mut view) = {
            let state = self.0.state_now();
            let account = state.account_of(who)?;
            let sms = state
                .ids
                .index(Kind::Message, id)
                .and_then(|index| state.messages.get(index))
                .filter(|sms| sms.account == account)
                .ok_or(Refusal::NotFound { what: "message" })?;
            let (reported, reason, at) = sms.at(state.now);
            let mut view = MessageView::new(id, reported, at);
            view.reason = reason;
            (sms.fate.to, view)
        };
        let action = self
            .0
            .enter(Operation::MessageStatus, |wanted| *wanted == to)?;
        if let Some(Action::UnknownStatus { word }) = action.as_deref() {
            view.raw_state = Some(word.clone());
        }
        Ok(view)
    }

    async fn batch(&self, who: &Principal, id: &str) -> Result<BatchView, Refusal> {
        self.0.enter(Operation::BatchStatus, |_| false)?;
        let state = self.0.state_now();
        let account = state.account_of(who)?;
        let batch = state
            .batch_called(account, id)
            .and_then(|index| state.batches.get(index))
            .ok_or(Refusal::NotFound { what: "batch" })?;
        let mut view = BatchView::new(id, batch.accepted_at);
        view.failures.clone_from(&batch.refused);
        for sms in state.messages_of(batch) {
            let (reported, reason, at) = sms.at(state.now);
            view.at = view.at.max(at);
            match reported {
                ReportedState::Delivered => view.successful += 1,
                ReportedState::Submitted | ReportedState::Sent => view.pending += 1,
                _ => {
                    let reason = reason.unwrap_or(Reason::Unspecified);
                    view.failures.push((sms.fate.to.to_string(), reason));
                }
            }
        }
        view.failed = u64::try_from(view.failures.len()).unwrap_or(u64::MAX);
        Ok(view)
    }
}

#[async_trait]
impl Contacts for World {
    async fn add_contact(&self, who: &Principal, contact: NewContact) -> Result<Contact, Refusal> {
        self.0
            .enter(Operation::AddContact, |to| *to == contact.phone)?;
        let (added, ticket) = {
            let mut state = self.0.state();
            let account = state.account_of(who)?;
            let index = state.contacts.len();
            let change = Change::Contact {
                account,
                first_name: contact.first_name,
                last_name: contact.last_name,
                phone: contact.phone,
            };
            let ticket = self.0.change(&mut state, change)?;
            let added = state.contacts.get(index).expect("the change added it");
            (state.contact(index, added), ticket)
        };
        self.0.on_disk(ticket).await?;
        Ok(added)
    }

    async fn contacts(
        &self,
        who: &Principal,
        page: u32,
        limit: u32,
    ) -> Result<ContactPage, Refusal> {
        self.0.enter(Operation::ListContacts, |_| false)?;
        let state = self.0.state();
        let account = state.account_of(who)?;
        let (page, limit) = (page.max(1), limit.clamp(1, MAX_PAGE));
        let own = state
            .contacts
            .iter()
            .enumerate()
            .filter(|(_, person)| person.account == account);
        let total = u64::try_from(own.clone().count()).unwrap_or(u64::MAX);
        let skipped = usize::try_from(u64::from(page - 1) * u64::from(limit));
        let shown = own
            .skip(skipped.unwrap_or(usize::MAX))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(index, person)| state.contact(index, person));
        let total_pages = u32::try_from(total.div_ceil(u64::from(limit))).unwrap_or(u32::MAX);
        Ok(ContactPage::new(page, shown.collect()).totals(total, total_pages))
    }

    async fn link_users(
        &self,
        who: &Principal,
        contact_id: &str,
        user_ids: &[String],
    ) -> Result<(), Refusal> {
        self.0.enter(Operation::LinkUsers, |_| false)?;
        let ticket = {
            let mut state = self.0.state();
            let (contact, _) = state.own_contact(who, contact_id)?;
            let users = user_ids.to_vec();
            self.0
                .change(&mut state, Change::Users { contact, users })?
        };
        self.0.on_disk(ticket).await
    }

    async fn groups(&self, who: &Principal) -> Result<Vec<Group>, Refusal> {
        self.0.enter(Operation::ListGroups, |_| false)?;
        let state = self.0.state();
        let account = state.account_of(who)?;
        let own = state.groups.iter().enumerate();
        Ok(own
            .filter(|(_, group)| group.account == account)
            .map(|(index, group)| state.group(index, group))
            .collect())
    }

    async fn create_group(&self, who: &Principal, name: &str) -> Result<Group, Refusal> {
        self.0.enter(Operation::CreateGroup, |_| false)?;
        let (made, ticket) = {
            let mut state = self.0.state();
            let account = state.account_of(who)?;
            let index = state.groups.len();
            let name = name.to_owned();
            let ticket = self.0.change(&mut state, Change::Group { account, name })?;
            let made = state.groups.get(index).expect("the change made it");
            (state.group(index, made), ticket)
        };
        self.0.on_disk(ticket).await?;
        Ok(made)
    }

    async fn add_to_group(
        &self,
        who: &Principal,
        contact_id: &str,
        group_id: &str,
    ) -> Result<(), Refusal> {
        self.0.enter(Operation::AddToGroup, |_| false)?;
        let ticket = {
            let mut state = self.0.state();
            let (contact, _) = state.own_contact(who, contact_id)?;
            let (group, _) = state.own_group(who, group_id)?;
            self.0
                .change(&mut state, Change::Member { group, contact })?
        };
        self.0.on_disk(ticket).await
    }
}

#[async_trait]
impl AccountDesk for World {
    async fn balance(&self, who: &Principal) -> Result<i64, Refusal> {
        let action = self.0.enter(Operation::Balance, |_| false)?;
        if action.as_deref() == Some(&Action::NoCredit) {
            return Ok(0);
        }
        let state = self.0.state();
        let account = state.account_of(who)?;
        Ok(state
            .accounts
            .get(account)
            .map_or(0, |account| account.credit))
    }

    async fn renew_key(&self, who: &Principal) -> Result<SecretString, Refusal> {
        self.0.enter(Operation::RenewKey, |_| false)?;
        let setting = credential_settings(self.0.spec)
            .find(|setting| setting.is_secret)
            .ok_or(Refusal::Unsupported)?;
        let value = draw_key(&mut lock(&self.0.random));
        let ticket = {
            let mut state = self.0.state();
            let account = state.account_of(who)?;
            let change = Change::Key {
                account,
                setting: setting.name.to_owned(),
                value: value.clone(),
            };
            self.0.change(&mut state, change)?
        };
        self.0.on_disk(ticket).await?;
        Ok(value.into())
    }
}

impl Shared {
    fn rules_of(&self, who: &Principal) -> Result<Arc<Rules>, Refusal> {
        let account = self.state().account_of(who)?;
        Ok(self.rules(account))
    }

    /// Says which operation the call at hand is, and asks whether a fault hits it. Answers with the
    /// fault's action where the call goes on; with a refusal that nobody will see where the server
    /// answers in the fault's own way.
    pub(super) fn enter(
        &self,
        operation: Operation,
        concerns: impl Fn(&E164) -> bool,
    ) -> Result<Option<Arc<Action>>, Refusal> {
        let firing = CALL.try_with(|notes| {
            let mut notes = notes.borrow_mut();
            notes.operation = Some(operation);
            if notes.firing.is_none() {
                notes.firing = lock(&self.script).on_operation(operation, concerns);
            }
            notes.firing.clone()
        });
        // Outside a server's call there are no faults.
        let Ok(Some(firing)) = firing else {
            return Ok(None);
        };
        if !firing.action.lets_the_call_through() {
            return Err(Refusal::Unavailable { retry_after: None });
        }
        if *firing.action == Action::NoCredit && operation == Operation::Submit {
            return Err(Refusal::InsufficientCredit);
        }
        Ok(Some(firing.action))
    }

    fn members(&self, who: &Principal, group_id: &str) -> Result<Vec<E164>, Refusal> {
        let state = self.state();
        let (_, group) = state.own_group(who, group_id)?;
        Ok(group
            .members
            .iter()
            .filter_map(|contact| state.contacts.get(*contact))
            .map(|person| person.phone)
            .collect())
    }
}

impl State {
    pub(super) fn account_of(&self, who: &Principal) -> Result<usize, Refusal> {
        let account = who.account.parse().ok();
        account
            .filter(|account| *account < self.accounts.len())
            .ok_or(Refusal::Unauthorized)
    }

    fn own_contact(&self, who: &Principal, id: &str) -> Result<(usize, &Person), Refusal> {
        let account = self.account_of(who)?;
        let index = self.ids.index(Kind::Contact, id);
        index
            .and_then(|index| Some((index, self.contacts.get(index)?)))
            .filter(|(_, person)| person.account == account)
            .ok_or(Refusal::NotFound { what: "contact" })
    }

    fn own_group(&self, who: &Principal, id: &str) -> Result<(usize, &Circle), Refusal> {
        let account = self.account_of(who)?;
        let index = self.ids.index(Kind::Group, id);
        index
            .and_then(|index| Some((index, self.groups.get(index)?)))
            .filter(|(_, group)| group.account == account)
            .ok_or(Refusal::NotFound { what: "group" })
    }

    fn contact(&self, index: usize, person: &Person) -> Contact {
        Contact::new(
            person.first_name.as_str(),
            person.last_name.as_str(),
            person.phone.as_str(),
        )
        .id(self.ids.id(Kind::Contact, index))
    }

    fn group(&self, index: usize, group: &Circle) -> Group {
        let members = u64::try_from(group.members.len()).unwrap_or(u64::MAX);
        Group::new(self.ids.id(Kind::Group, index), group.name.as_str()).members(members)
    }
}
