//! Contacts and groups, on those of the account.
//!
//! Called by the providers' routers. They are the same that our own API shows; an account has each
//! number once, so a contact that is added again is changed and keeps its id.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use tidings::address_book::{Contact, ContactPage, Group};
use tidings::backend::{Contacts, NewContact, Principal, Refusal};
use tidings_core::E164;
use tidings_store::{ContactId, GroupId, PageRequest, StoreErrorKind, StoredContact, StoredGroup};

use super::Door;
use super::caller::Caller;
use super::refusals::of_store;
use crate::access::Scope;

/// The most contacts on one page; who asks for more gets these.
const MAX_PAGE: u32 = 1_000;
/// Contacts that are read from the store at once.
const READ_AT_ONCE: usize = 1_000;
/// The field of a contact that names further users who may see it.
const USERS: &str = "user_ids";

const NO_CONTACT: Refusal = Refusal::NotFound { what: "contact" };
const NO_GROUP: Refusal = Refusal::NotFound { what: "group" };

#[async_trait]
impl Contacts for Door {
    async fn add_contact(&self, who: &Principal, contact: NewContact) -> Result<Contact, Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let NewContact {
            first_name,
            last_name,
            phone,
            ..
        } = contact;
        let stored = StoredContact {
            id: ContactId(self.gateway.new_id()),
            phone,
            first_name: first_name.into(),
            last_name: last_name.into(),
            zone: None,
            fields: None,
            created_at: self.gateway.now(),
        };
        let account = caller.account();
        let put = self.gateway.store();
        let put = put.put_contacts(account, vec![stored.clone()]).await;
        let id = put.map_err(|error| of_store(&error))?.into_iter().next();
        let id = id.unwrap_or(stored.id);
        Ok(shown(&StoredContact { id, ..stored }))
    }

    async fn contacts(
        &self,
        who: &Principal,
        page: u32,
        limit: u32,
    ) -> Result<ContactPage, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let account = caller.account();
        let (page, limit) = (page.max(1), limit.clamp(1, MAX_PAGE));
        let store = self.gateway.store();
        let total = store.count_contacts(account).await;
        let total = total.map_err(|error| of_store(&error))?;
        let skipped = u64::from(page - 1) * u64::from(limit);
        let mut wanted = Wanted::new(skipped, limit);
        let mut after = None;
        while skipped < total && !wanted.is_filled() {
            let request = PageRequest {
                after,
                limit: wanted.next_step(),
            };
            let found = store.contacts(account, None, request).await;
            let found = found.map_err(|error| of_store(&error))?;
            wanted.take(found.items);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        let pages = total.div_ceil(u64::from(limit));
        let pages = u32::try_from(pages).unwrap_or(u32::MAX);
        let contacts = wanted.taken.iter().map(shown).collect();
        Ok(ContactPage::new(page, contacts).totals(total, pages))
    }

    /// Keeps the users with the contact. A gateway's keys all see the whole address book of their
    /// account, so nothing else follows from it.
    async fn link_users(
        &self,
        who: &Principal,
        contact_id: &str,
        user_ids: &[String],
    ) -> Result<(), Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let account = caller.account();
        let store = self.gateway.store();
        let mut contact = self.contact(&caller, contact_id).await?;
        contact.fields = Some(with_users(contact.fields.as_deref(), user_ids));
        let put = store.put_contacts(account, vec![contact]).await;
        put.map(drop).map_err(|error| of_store(&error))
    }

    async fn groups(&self, who: &Principal) -> Result<Vec<Group>, Refusal> {
        let caller = self.caller(who, Scope::Read)?;
        let found = self.gateway.store().groups(caller.account()).await;
        let found = found.map_err(|error| of_store(&error))?;
        Ok(found.iter().map(shown_group).collect())
    }

    async fn create_group(&self, who: &Principal, name: &str) -> Result<Group, Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let group = StoredGroup {
            id: GroupId(self.gateway.new_id()),
            name: name.into(),
            n_members: 0,
            created_at: self.gateway.now(),
        };
        let store = self.gateway.store();
        let added = store.add_group(caller.account(), group.clone()).await;
        match added {
            Ok(()) => Ok(shown_group(&group)),
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                Err(Refusal::invalid("name", "is that of another group"))
            }
            Err(error) => Err(of_store(&error)),
        }
    }

    async fn add_to_group(
        &self,
        who: &Principal,
        contact_id: &str,
        group_id: &str,
    ) -> Result<(), Refusal> {
        let caller = self.caller(who, Scope::Manage)?;
        let contact = self.contact(&caller, contact_id).await?;
        let group: GroupId = group_id.parse().map_err(|_| NO_GROUP)?;
        let store = self.gateway.store();
        let account = caller.account();
        match store.add_members(account, group, vec![contact.id]).await {
            Ok(()) => Ok(()),
            // The contact was there a moment ago.
            Err(error) if error.kind() == StoreErrorKind::NotFound => Err(NO_GROUP),
            Err(error) => Err(of_store(&error)),
        }
    }
}

impl Door {
    async fn contact(&self, caller: &Caller, id: &str) -> Result<StoredContact, Refusal> {
        let id: ContactId = id.parse().map_err(|_| NO_CONTACT)?;
        let found = self.gateway.store().contact(caller.account(), id).await;
        found.map_err(|error| of_store(&error))?.ok_or(NO_CONTACT)
    }

    /// The numbers of a group's members.
    pub(super) async fn members(&self, caller: &Caller, id: &str) -> Result<Vec<E164>, Refusal> {
        let account = caller.account();
        let store = self.gateway.store();
        let group: GroupId = id.parse().map_err(|_| NO_GROUP)?;
        let groups = store.groups(account).await;
        let groups = groups.map_err(|error| of_store(&error))?;
        if !groups.iter().any(|known| known.id == group) {
            return Err(NO_GROUP);
        }
        let mut members = Vec::new();
        let mut after = None;
        loop {
            let page = PageRequest {
                after,
                limit: READ_AT_ONCE,
            };
            let found = store.contacts(account, Some(group), page).await;
            let found = found.map_err(|error| of_store(&error))?;
            members.extend(found.items.iter().map(|contact| contact.phone));
            after = found.next;
            if after.is_none() {
                return Ok(members);
            }
        }
    }
}

/// A page in the middle of a list that is read from its beginning.
struct Wanted {
    to_skip: usize,
    to_take: usize,
    taken: Vec<StoredContact>,
}

impl Wanted {
    fn new(skipped: u64, limit: u32) -> Self {
        Self {
            to_skip: usize::try_from(skipped).unwrap_or(usize::MAX),
            to_take: usize::try_from(limit).unwrap_or(usize::MAX),
            taken: Vec::new(),
        }
    }

    fn is_filled(&self) -> bool {
        self.taken.len() >= self.to_take
    }

    fn next_step(&self) -> usize {
        let left = self.to_take - self.taken.len();
        self.to_skip.saturating_add(left).min(READ_AT_ONCE)
    }

    fn take(&mut self, read: Vec<StoredContact>) {
        let skipped = self.to_skip.min(read.len());
        self.to_skip -= skipped;
        let left = self.to_take - self.taken.len();
        self.taken.extend(read.into_iter().skip(skipped).take(left));
    }
}

/// The fields of a contact with further users.
fn with_users(fields: Option<&str>, user_ids: &[String]) -> Arc<str> {
    let fields = fields.and_then(|json| serde_json::from_str(json).ok());
    let mut fields: Map<String, Value> = fields.unwrap_or_default();
    let users = fields
        .entry(USERS)
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(users) = users {
        for id in user_ids {
            let id = Value::from(id.as_str());
            if !users.contains(&id) {
                users.push(id);
            }
        }
    }
    Value::Object(fields).to_string().into()
}

fn shown(contact: &StoredContact) -> Contact {
    Contact::new(
        &*contact.first_name,
        &*contact.last_name,
        contact.phone.as_str(),
    )
    .id(contact.id.to_string())
}

fn shown_group(group: &StoredGroup) -> Group {
    Group::new(group.id.to_string(), &*group.name).members(group.n_members)
}
