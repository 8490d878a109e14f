//! Address books and opt-outs.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Row, params};
use tidings_core::{E164, TimeZone, Timestamp};

use super::SqliteStore;
use super::db::Db;
use super::listing::{Cursor, limit, page_of};
use super::row::{RowExt, number, phone_code};
use super::sql::statements;
use super::write::{EventRow, Write};
use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, ContactId, EventKind, GroupId, OptOut, Page, PageRequest, StoredContact, StoredGroup,
};
use crate::store::Contacts;

/// The columns of [`read_contact`].
macro_rules! contact {
    ($rest:literal) => {
        concat!(
            "SELECT c.key, c.id, c.phone, c.first_name, c.last_name, c.zone, c.fields, c.created_at ",
            $rest
        )
    };
}

statements! {
    PUT_CONTACT = "INSERT INTO contacts (id, account, phone, first_name, last_name, zone, fields,
        created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (account, phone) DO UPDATE SET first_name = ?4, last_name = ?5, zone = ?6,
        fields = ?7 RETURNING id";
    CONTACTS = contact!("FROM contacts c WHERE c.account = ?1 AND c.key > ?2
        ORDER BY c.key LIMIT ?3");
    CONTACTS_IN = contact!("FROM members m JOIN contacts c ON c.key = m.contact
        WHERE m.contact_group = ?1 AND m.contact > ?2 ORDER BY m.contact LIMIT ?3");
    COUNT = "SELECT count(*) FROM contacts WHERE account = ?1";
    CONTACT = contact!("FROM contacts c WHERE c.id = ?2 AND c.account = ?1");
    ZONE = "SELECT zone FROM contacts WHERE account = ?1 AND phone = ?2";
    REMOVE_CONTACT = "DELETE FROM contacts WHERE id = ?2 AND account = ?1";
    ADD_GROUP = "INSERT INTO contact_groups (id, account, name, created_at) VALUES (?1, ?2, ?3, ?4)";
    HAS_GROUP = "SELECT EXISTS (SELECT 1 FROM contact_groups WHERE id = ?1)
        OR EXISTS (SELECT 1 FROM contact_groups WHERE account = ?2 AND name = ?3)";
    GROUPS = "SELECT g.id, g.name, g.created_at,
        (SELECT count(*) FROM members m WHERE m.contact_group = g.key)
        FROM contact_groups g WHERE g.account = ?1 ORDER BY g.key";
    GROUP_KEY = "SELECT key FROM contact_groups WHERE id = ?2 AND account = ?1";
    REMOVE_GROUP = "DELETE FROM contact_groups WHERE id = ?2 AND account = ?1";
    CONTACT_KEY = "SELECT key FROM contacts WHERE id = ?2 AND account = ?1";
    ADD_MEMBER = "INSERT OR IGNORE INTO members (contact_group, contact) VALUES (?1, ?2)";
    REMOVE_MEMBER = "DELETE FROM members WHERE contact_group = ?1 AND contact = ?2";
    ADD_OPT_OUT = "INSERT OR IGNORE INTO opt_outs (account, phone, sender, source, word, since)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    REMOVE_OPT_OUTS = "DELETE FROM opt_outs WHERE account = ?1 AND phone = ?2";
    OPT_OUTS = "SELECT key, phone, sender, source, word, since FROM opt_outs
        WHERE account = ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3";
}

#[async_trait]
impl Contacts for SqliteStore {
    async fn put_contacts(
        &self,
        account: &AccountId,
        contacts: Vec<StoredContact>,
    ) -> Result<Vec<ContactId>> {
        let account = account.clone();
        let rows = contacts.len();
        let work = move |write: &mut Write| {
            let account = write.db.intern(account.as_str())?;
            let put = contacts.iter().map(|contact| put(write, account, contact));
            put.collect()
        };
        self.write(rows, work).await
    }

    async fn contacts(
        &self,
        account: &AccountId,
        group: Option<GroupId>,
        page: PageRequest,
    ) -> Result<Page<StoredContact>> {
        let account = account.clone();
        let read = move |db: &Db| {
            let account = db.key_of(account.as_str())?;
            let after = Cursor::read(&page)?.map_or(0, |it| it.0);
            let most = limit(page.limit);
            let n_rows = number(most) + 1;
            let rows = match (account, group) {
                (None, None) => Vec::new(),
                (None, Some(_)) => return Err(StoreError::not_found("group")),
                (Some(account), None) => {
                    db.all(CONTACTS, [account, after, n_rows], read_contact)?
                }
                (Some(account), Some(group)) => {
                    let group = group_key(db, account, group)?;
                    db.all(CONTACTS_IN, [group, after, n_rows], read_contact)?
                }
            };
            let page = page_of(rows, most, |(key, _)| Cursor(*key, 0));
            Ok(Page {
                items: page.items.into_iter().map(|(_, it)| it).collect(),
                next: page.next,
            })
        };
        self.read(read).await
    }

    async fn count_contacts(&self, account: &AccountId) -> Result<u64> {
        let account = account.clone();
        let read = move |db: &Db| match db.key_of(account.as_str())? {
            Some(account) => Ok(db.one(COUNT, [account], |row| row.count(0))?.unwrap_or(0)),
            None => Ok(0),
        };
        self.read(read).await
    }

    async fn contact(&self, account: &AccountId, id: ContactId) -> Result<Option<StoredContact>> {
        let account = account.clone();
        let read = move |db: &Db| {
            let Some(account) = db.key_of(account.as_str())? else {
                return Ok(None);
            };
            let found = db.one(CONTACT, params![account, id.0.into_bytes()], read_contact)?;
            Ok(found.map(|(_, contact)| contact))
        };
        self.read(read).await
    }

    async fn zones_of(
        &self,
        account: &AccountId,
        numbers: &[E164],
    ) -> Result<Vec<Option<TimeZone>>> {
        let account = account.clone();
        let numbers: Vec<i64> = numbers.iter().map(phone_code).collect();
        let read = move |db: &Db| {
            let Some(account) = db.key_of(account.as_str())? else {
                return Ok(vec![None; numbers.len()]);
            };
            let zone = |number: &i64| {
                let found = db.one(ZONE, [account, *number], |row| read_zone(row, 0))?;
                Ok(found.flatten())
            };
            numbers.iter().map(zone).collect()
        };
        self.read(read).await
    }

    async fn remove_contact(&self, account: &AccountId, id: ContactId) -> Result<bool> {
        let account = account.clone();
        let work = move |write: &mut Write| {
            let account = write.db.key_of(account.as_str())?.unwrap_or(-1);
            let parameters = params![account, id.0.into_bytes()];
            Ok(write.db.execute(REMOVE_CONTACT, parameters)? > 0)
        };
        self.write(1, work).await
    }

    async fn add_group(&self, account: &AccountId, group: StoredGroup) -> Result<()> {
        let account = account.clone();
        let work = move |write: &mut Write| {
            let account = write.db.intern(account.as_str())?;
            let id = group.id.0.into_bytes();
            let parameters = params![id, account, group.name];
            if write.db.one(HAS_GROUP, parameters, |row| row.get(0))? == Some(true) {
                return Err(StoreError::conflict("there is a group of this name"));
            }
            let parameters = params![id, account, group.name, group.created_at.as_millis()];
            write.db.execute(ADD_GROUP, parameters)?;
            Ok(())
        };
        self.write(1, work).await
    }

    async fn groups(&self, account: &AccountId) -> Result<Vec<StoredGroup>> {
        let account = account.clone();
        let read = move |db: &Db| match db.key_of(account.as_str())? {
            Some(account) => db.all(GROUPS, [account], |row| {
                Ok(StoredGroup {
                    id: GroupId(row.id(0)?),
                    name: row.get(1)?,
                    n_members: row.count(3)?,
                    created_at: row.time(2)?,
                })
            }),
            None => Ok(Vec::new()),
        };
        self.read(read).await
    }

    async fn remove_group(&self, account: &AccountId, id: GroupId) -> Result<bool> {
        let account = account.clone();
        let work = move |write: &mut Write| {
            let account = write.db.key_of(account.as_str())?.unwrap_or(-1);
            let parameters = params![account, id.0.into_bytes()];
            Ok(write.db.execute(REMOVE_GROUP, parameters)? > 0)
        };
        self.write(1, work).await
    }

    async fn add_members(
        &self,
        account: &AccountId,
        group: GroupId,
        contacts: Vec<ContactId>,
    ) -> Result<()> {
        let account = account.clone();
        let rows = contacts.len();
        let work = move |write: &mut Write| {
            let (group, contacts) = members(&write.db, &account, group, &contacts)?;
            for contact in contacts {
                let contact = contact.ok_or_else(|| StoreError::not_found("contact"))?;
                write.db.execute(ADD_MEMBER, [group, contact])?;
            }
            Ok(())
        };
        self.write(rows, work).await
    }

    async fn remove_members(
        &self,
        account: &AccountId,
        group: GroupId,
        contacts: Vec<ContactId>,
    ) -> Result<()> {
        let account = account.clone();
        let rows = contacts.len();
        let work = move |write: &mut Write| {
            let (group, contacts) = members(&write.db, &account, group, &contacts)?;
            for contact in contacts.into_iter().flatten() {
                write.db.execute(REMOVE_MEMBER, [group, contact])?;
            }
            Ok(())
        };
        self.write(rows, work).await
    }

    async fn add_opt_outs(
        &self,
        account: &AccountId,
        opt_outs: Vec<OptOut>,
        now: Timestamp,
    ) -> Result<u64> {
        let account = account.clone();
        let rows = opt_outs.len();
        let work = move |write: &mut Write| {
            let account = write.db.intern(account.as_str())?;
            let mut n_new = 0;
            for opt_out in &opt_outs {
                if add_opt_out(write, account, opt_out)? {
                    let detail = opt_out.event_detail();
                    let event = EventRow::of(EventKind::OptedOut, account, now);
                    write.event(&event.detail(Some(&detail)))?;
                    n_new += 1;
                }
            }
            Ok(n_new)
        };
        self.write(rows, work).await
    }

    async fn remove_opt_outs(
        &self,
        account: &AccountId,
        phone: &E164,
        now: Timestamp,
    ) -> Result<bool> {
        let (account, phone) = (account.clone(), *phone);
        let work = move |write: &mut Write| {
            let account = write.db.key_of(account.as_str())?.unwrap_or(-1);
            let parameters = [account, phone_code(&phone)];
            let was_there = write.db.execute(REMOVE_OPT_OUTS, parameters)? > 0;
            write.forget_opt_outs();
            if was_there {
                let detail = OptOut::removed_detail(&phone);
                let event = EventRow::of(EventKind::OptedIn, account, now);
                write.event(&event.detail(Some(&detail)))?;
            }
            Ok(was_there)
        };
        self.write(1, work).await
    }

    async fn opt_outs(&self, account: &AccountId, page: PageRequest) -> Result<Page<OptOut>> {
        let account = account.clone();
        let read = move |db: &Db| {
            let before = Cursor::read(&page)?.map_or(i64::MAX, |it| it.0);
            let most = limit(page.limit);
            let account = db.key_of(account.as_str())?.unwrap_or(-1);
            let parameters = [account, before, number(most) + 1];
            let rows = db.all(OPT_OUTS, parameters, read_opt_out)?;
            let page = page_of(rows, most, |(key, _)| Cursor(*key, 0));
            Ok(Page {
                items: page.items.into_iter().map(|(_, it)| it).collect(),
                next: page.next,
            })
        };
        self.read(read).await
    }
}

fn put(write: &Write, account: i64, contact: &StoredContact) -> Result<ContactId> {
    let parameters = params![
        contact.id.0.into_bytes(),
        account,
        phone_code(&contact.phone),
        contact.first_name,
        contact.last_name,
        contact.zone.as_ref().map(ToString::to_string),
        contact.fields,
        contact.created_at.as_millis(),
    ];
    let id = write.db.one(PUT_CONTACT, parameters, |row| row.id(0))?;
    Ok(ContactId(id.unwrap_or(contact.id.0)))
}

/// Whether it is new.
fn add_opt_out(write: &mut Write, account: i64, opt_out: &OptOut) -> Result<bool> {
    write.forget_opt_outs();
    let parameters = params![
        account,
        phone_code(&opt_out.phone),
        opt_out.sender.as_deref().unwrap_or_default(),
        opt_out.source,
        opt_out.word,
        opt_out.since.as_millis(),
    ];
    Ok(write.db.execute(ADD_OPT_OUT, parameters)? > 0)
}

fn group_key(db: &Db, account: i64, id: GroupId) -> Result<i64> {
    let parameters = params![account, id.0.into_bytes()];
    let key = db.one(GROUP_KEY, parameters, |row| row.get(0))?;
    key.ok_or_else(|| StoreError::not_found("group"))
}

/// The key of a group and those of contacts.
fn members(
    db: &Db,
    account: &AccountId,
    group: GroupId,
    contacts: &[ContactId],
) -> Result<(i64, Vec<Option<i64>>)> {
    let account = db.key_of(account.as_str())?.unwrap_or(-1);
    let group = group_key(db, account, group)?;
    let key = |id: &ContactId| {
        let parameters = params![account, id.0.into_bytes()];
        db.one(CONTACT_KEY, parameters, |row| row.get(0))
    };
    let contacts: Result<_> = contacts.iter().map(key).collect();
    Ok((group, contacts?))
}

/// A contact with its key.
fn read_contact(row: &Row<'_>) -> rusqlite::Result<(i64, StoredContact)> {
    let contact = StoredContact {
        id: ContactId(row.id(1)?),
        phone: row.phone(2)?,
        first_name: row.get(3)?,
        last_name: row.get(4)?,
        zone: read_zone(row, 5)?,
        fields: row.text_opt(6)?,
        created_at: row.time(7)?,
    };
    Ok((row.get(0)?, contact))
}

/// A zone by its name, or by its distance from UTC where it has none (`+05:30`, `-03`).
fn read_zone(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<TimeZone>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else {
        return Ok(None);
    };
    let zone = TimeZone::named(text).ok().or_else(|| fixed_zone(text));
    Ok(zone)
}

fn fixed_zone(text: &str) -> Option<TimeZone> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut parts = text.trim_start_matches(['+', '-']).split(':');
    let hours: i32 = parts.next()?.parse().ok()?;
    let minutes: i32 = parts.next().map_or(Ok(0), str::parse).ok()?;
    TimeZone::fixed(sign * (hours * 60 + minutes)).ok()
}

fn read_opt_out(row: &Row<'_>) -> rusqlite::Result<(i64, OptOut)> {
    let sender: Arc<str> = row.get(2)?;
    let opt_out = OptOut {
        phone: row.phone(1)?,
        sender: Some(sender).filter(|sender| !sender.is_empty()),
        source: row.get(3)?,
        word: row.text_opt(4)?,
        since: row.time(5)?,
    };
    Ok((row.get(0)?, opt_out))
}
