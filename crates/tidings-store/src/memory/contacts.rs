//! Address books and opt-outs.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tidings_core::{E164, TimeZone, Timestamp};

use super::{MemoryStore, Place, State, page};
use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, ContactId, EventKind, GroupId, NewEvent, OptOut, Page, PageRequest, StoredContact,
    StoredGroup,
};
use crate::store::Contacts;

/// A group with who is in it.
pub(super) struct GroupRow {
    pub(super) group: StoredGroup,
    members: BTreeSet<ContactId>,
}

/// An opt-out of an account.
pub(super) struct OptOutRow {
    pub(super) account: AccountId,
    pub(super) opt_out: OptOut,
}

#[async_trait]
impl Contacts for MemoryStore {
    async fn put_contacts(
        &self,
        account: &AccountId,
        contacts: Vec<StoredContact>,
    ) -> Result<Vec<ContactId>> {
        let state = &mut *self.lock();
        let put = |mut contact: StoredContact| {
            let number = state.number();
            let book = state.contacts.entry(account.clone()).or_default();
            let before = book.iter_mut().find(|(_, it)| it.phone == contact.phone);
            if let Some((_, before)) = before {
                contact.id = before.id;
                contact.created_at = before.created_at;
                *before = contact;
                return before.id;
            }
            let id = contact.id;
            book.push((number, contact));
            id
        };
        Ok(contacts.into_iter().map(put).collect())
    }

    async fn contacts(
        &self,
        account: &AccountId,
        group: Option<GroupId>,
        request: PageRequest,
    ) -> Result<Page<StoredContact>> {
        let state = &*self.lock();
        let group = group.map(|id| state.group(account, id)).transpose()?;
        let contacts = state.contacts.get(account).into_iter().flatten();
        let contacts =
            contacts.filter(|(_, it)| group.is_none_or(|group| group.members.contains(&it.id)));
        let contacts = contacts.map(|(number, it)| (Place(*number, 0), it.clone()));
        page(contacts, &request, false)
    }

    async fn count_contacts(&self, account: &AccountId) -> Result<u64> {
        let state = &*self.lock();
        Ok(state.contacts.get(account).map_or(0, Vec::len) as u64)
    }

    async fn contact(&self, account: &AccountId, id: ContactId) -> Result<Option<StoredContact>> {
        let state = &*self.lock();
        let mut contacts = state.contacts.get(account).into_iter().flatten();
        let contact = contacts.find(|(_, contact)| contact.id == id);
        Ok(contact.map(|(_, contact)| contact.clone()))
    }

    async fn zones_of(
        &self,
        account: &AccountId,
        numbers: &[E164],
    ) -> Result<Vec<Option<TimeZone>>> {
        let state = &*self.lock();
        let zone_of = |number: &E164| {
            let mut contacts = state.contacts.get(account).into_iter().flatten();
            let contact = contacts.find(|(_, contact)| contact.phone == *number);
            contact.and_then(|(_, contact)| contact.zone.clone())
        };
        Ok(numbers.iter().map(zone_of).collect())
    }

    async fn remove_contact(&self, account: &AccountId, id: ContactId) -> Result<bool> {
        let state = &mut *self.lock();
        let was_there = state.has_contact(account, id);
        for group in state.groups.get_mut(account).into_iter().flatten() {
            group.members.remove(&id);
        }
        if let Some(book) = state.contacts.get_mut(account) {
            book.retain(|(_, contact)| contact.id != id);
        }
        Ok(was_there)
    }

    async fn add_group(&self, account: &AccountId, group: StoredGroup) -> Result<()> {
        let state = &mut *self.lock();
        let groups = state.groups.entry(account.clone()).or_default();
        let is_taken = |it: &GroupRow| it.group.name == group.name || it.group.id == group.id;
        if groups.iter().any(is_taken) {
            return Err(StoreError::conflict("there is a group of this name"));
        }
        groups.push(GroupRow {
            group,
            members: BTreeSet::new(),
        });
        Ok(())
    }

    async fn groups(&self, account: &AccountId) -> Result<Vec<StoredGroup>> {
        let state = &*self.lock();
        let groups = state.groups.get(account).into_iter().flatten();
        let groups = groups.map(|row| StoredGroup {
            n_members: row.members.len() as u64,
            ..row.group.clone()
        });
        Ok(groups.collect())
    }

    async fn remove_group(&self, account: &AccountId, id: GroupId) -> Result<bool> {
        let state = &mut *self.lock();
        let was_there = state.group(account, id).is_ok();
        if let Some(groups) = state.groups.get_mut(account) {
            groups.retain(|row| row.group.id != id);
        }
        Ok(was_there)
    }

    async fn add_members(
        &self,
        account: &AccountId,
        group: GroupId,
        contacts: Vec<ContactId>,
    ) -> Result<()> {
        let state = &mut *self.lock();
        state.group(account, group)?;
        if !contacts.iter().all(|id| state.has_contact(account, *id)) {
            return Err(StoreError::not_found("contact"));
        }
        state.members_mut(account, group).extend(contacts);
        Ok(())
    }

    async fn remove_members(
        &self,
        account: &AccountId,
        group: GroupId,
        contacts: Vec<ContactId>,
    ) -> Result<()> {
        let state = &mut *self.lock();
        state.group(account, group)?;
        let members = state.members_mut(account, group);
        members.retain(|id| !contacts.contains(id));
        Ok(())
    }

    async fn add_opt_outs(
        &self,
        account: &AccountId,
        opt_outs: Vec<OptOut>,
        now: Timestamp,
    ) -> Result<u64> {
        let state = &mut *self.lock();
        let mut n_new = 0;
        for opt_out in opt_outs {
            let is_it = |row: &OptOutRow| {
                row.account == *account
                    && row.opt_out.phone == opt_out.phone
                    && row.opt_out.sender == opt_out.sender
            };
            if state.opt_outs.values().any(is_it) {
                continue;
            }
            state.tell_of_opt(account, EventKind::OptedOut, opt_out.event_detail(), now);
            let number = state.number();
            let row = OptOutRow {
                account: account.clone(),
                opt_out,
            };
            state.opt_outs.insert(number, row);
            n_new += 1;
        }
        Ok(n_new)
    }

    async fn remove_opt_outs(
        &self,
        account: &AccountId,
        phone: &E164,
        now: Timestamp,
    ) -> Result<bool> {
        let state = &mut *self.lock();
        let n_before = state.opt_outs.len();
        let stays = |row: &OptOutRow| row.account != *account || row.opt_out.phone != *phone;
        state.opt_outs.retain(|_, row| stays(row));
        let was_there = state.opt_outs.len() < n_before;
        if was_there {
            let detail = OptOut::removed_detail(phone);
            state.tell_of_opt(account, EventKind::OptedIn, detail, now);
        }
        Ok(was_there)
    }

    async fn opt_outs(&self, account: &AccountId, request: PageRequest) -> Result<Page<OptOut>> {
        let state = &*self.lock();
        let rows = state.opt_outs.iter().rev();
        let rows = rows.filter(|(_, row)| row.account == *account);
        let rows = rows.map(|(number, row)| (Place(*number, 0), row.opt_out.clone()));
        page(rows, &request, true)
    }
}

impl State {
    fn members_mut(&mut self, account: &AccountId, id: GroupId) -> &mut BTreeSet<ContactId> {
        let mut groups = self.groups.get_mut(account).into_iter().flatten();
        let row = groups.find(|row| row.group.id == id);
        &mut row.expect("the group was looked up before").members
    }

    fn tell_of_opt(
        &mut self,
        account: &AccountId,
        kind: EventKind,
        detail: Arc<str>,
        now: Timestamp,
    ) {
        self.tell_new(NewEvent {
            at: now,
            kind,
            account: Some(account.clone()),
            batch: None,
            lane: None,
            detail: Some(detail),
        });
    }
}
