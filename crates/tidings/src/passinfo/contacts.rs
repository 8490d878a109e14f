//! The account's contacts: add one, read them page by page or as a stream, link users to one.
//!
//! Called by programs that keep their address book at PassInfo, and through
//! [`AddressBook`](crate::address_book::AddressBook).

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use futures_util::Stream;
use futures_util::stream;
use tidings_core::E164;

use super::client::{Client, not_sent};
use super::map::{self, PROVIDER};
use super::verdict::Call;
use super::wire::{self, path};
use crate::address_book::{Contact, ContactPage};
use crate::answer::Answer;
use crate::error::{ErrorKind, Result};

const LIST: Call = Call::asks("get_contacts_list");

impl Client {
    /// Adds a contact. The answer has the vendor's id of it where the vendor tells one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRecipient`] before anything is sent when the number is not one of Guinea.
    pub async fn create_contact(
        &self,
        first_name: &str,
        last_name: &str,
        phone: &E164,
    ) -> Result<Answer<Contact>> {
        const CALL: Call = Call::acts("create_contact");
        let body = wire::AddContact {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            phone_number: map::national(phone)
                .map_err(|error| error.during(PROVIDER, CALL.operation))?,
        };
        let answer: Answer<wire::AddContactAnswer> =
            self.post(CALL, path::ADD_CONTACT, &body).await?;
        Ok(answer.map(|added| map::added_contact(added, &body)))
    }

    /// One page of the contacts. Pages count from 1; the vendor's default `limit` is 10 contacts.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMessage`] before anything is sent when either number is zero.
    #[doc(alias = "get_contacts_list")]
    pub async fn contacts_page(&self, page: u32, limit: u32) -> Result<Answer<ContactPage>> {
        if page == 0 || limit == 0 {
            let what = "pages count from 1 and hold at least one contact";
            return Err(not_sent(LIST, ErrorKind::InvalidMessage, what));
        }
        let path = format!("{}?page={page}&limit={limit}", path::CONTACTS);
        let answer: Answer<wire::ContactsAnswer> = self.ask(LIST, &path).await?;
        Ok(answer.map(|contacts| map::contact_page(contacts, page)))
    }

    /// All contacts, read in pages of `limit` as they are needed. It ends where the server's totals
    /// say so, or, where it tells none, at the first page that is empty or that has been there
    /// before: some servers repeat their last page for ever. After an error it ends.
    ///
    /// The error [`ErrorKind::Protocol`] says that the server repeated a page, or gave an empty one,
    /// before it had shown as many contacts as it said there are.
    ///
    /// It is not tried again by itself, and cannot go on after an error. A program that expects
    /// rate limits starts it anew or reads with [`Client::contacts_page`], which can be repeated.
    ///
    /// The stream is that of the `futures` crates, and has to be pinned:
    ///
    /// ```no_run
    /// use std::pin::pin;
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(client: tidings::passinfo::Client) -> tidings::Result<()> {
    /// let mut contacts = pin!(client.all_contacts(100));
    /// while let Some(contact) = contacts.next().await {
    ///     let contact = contact?;
    ///     println!("{} {}", contact.first_name, contact.last_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn all_contacts(&self, limit: u32) -> impl Stream<Item = Result<Contact>> + Send + use<> {
        let walk = Walk {
            client: self.clone(),
            limit,
            next_page: Some(1),
            waiting: VecDeque::new(),
            n_seen: 0,
            pages_seen: HashSet::new(),
        };
        stream::unfold(walk, |mut walk| async move {
            let item = walk.next().await?;
            Some((item, walk))
        })
    }

    /// Lets further users of the account see a contact.
    #[doc(alias("add_users_to_contact", "add_users"))]
    pub async fn link_users(&self, contact_id: &str, user_ids: &[&str]) -> Result<Answer<()>> {
        const CALL: Call = Call::acts("add_users_to_contact");
        let body = wire::AddUsers {
            contact_id: wire::Id(contact_id.to_owned()),
            user_ids: user_ids
                .iter()
                .map(|id| wire::Id((*id).to_owned()))
                .collect(),
        };
        let answer: Answer<wire::DoneAnswer> = self.post(CALL, path::ADD_USERS, &body).await?;
        Ok(answer.map(|_| ()))
    }
}

/// The way through all pages.
struct Walk {
    client: Client,
    limit: u32,
    next_page: Option<u32>,
    waiting: VecDeque<Contact>,
    n_seen: u64,
    pages_seen: HashSet<u64>,
}

impl Walk {
    async fn next(&mut self) -> Option<Result<Contact>> {
        while self.waiting.is_empty() {
            let number = self.next_page.take()?;
            let page = match self.client.contacts_page(number, self.limit).await {
                Ok(page) => page,
                Err(error) => return Some(Err(error)),
            };
            if page.contacts.is_empty() || !self.pages_seen.insert(fingerprint(&page.contacts)) {
                return self.ended(page, number);
            }
            self.n_seen += page.contacts.len() as u64;
            if !is_last(&page, number, self.n_seen) {
                self.next_page = number.checked_add(1);
            }
            self.waiting.extend(page.into_value().contacts);
        }
        self.waiting.pop_front().map(Ok)
    }

    /// What a page means that is empty or was there before: the end, unless the totals promise more.
    fn ended(&self, page: Answer<ContactPage>, number: u32) -> Option<Result<Contact>> {
        let is_complete = match (page.total, page.total_pages) {
            (Some(total), _) => self.n_seen >= total,
            (None, Some(pages)) => number >= pages,
            (None, None) => true,
        };
        if is_complete {
            return None;
        }
        let what = "passinfo repeated or emptied a page of contacts before it had shown all";
        Some(Err(LIST.unreadable(what, page.http)))
    }
}

fn is_last(page: &ContactPage, number: u32, n_seen: u64) -> bool {
    match (page.total_pages, page.total) {
        (Some(pages), _) => number >= pages,
        (None, Some(total)) => n_seen >= total,
        (None, None) => false,
    }
}

fn fingerprint(contacts: &[Contact]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for contact in contacts {
        (
            &contact.id,
            &contact.phone_number,
            &contact.first_name,
            &contact.last_name,
        )
            .hash(&mut hasher);
    }
    hasher.finish()
}
