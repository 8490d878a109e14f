//! Contacts and groups that live at a provider.
//!
//! [`AddressBook`] is how programs reach them without knowing the provider; the types also serve
//! the other direction, [`crate::backend`].

use async_trait::async_trait;

use crate::error::Result;
use crate::provider::Receipt;
use tidings_core::{E164, SenderId};

/// A person at a provider.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contact {
    /// The provider's id; some servers do not tell it.
    pub id: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The number as the provider wrote it, which may be a national form.
    pub phone_number: String,
}

impl Contact {
    /// A contact without an id.
    pub fn new(
        first_name: impl Into<String>,
        last_name: impl Into<String>,
        phone_number: impl Into<String>,
    ) -> Self {
        Self {
            id: None,
            first_name: first_name.into(),
            last_name: last_name.into(),
            phone_number: phone_number.into(),
        }
    }

    /// Sets the provider's id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// Shows the id alone: names and numbers are personal.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A named set of contacts at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The provider's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many contacts it has, where the provider tells.
    pub members: Option<u64>,
}

impl Group {
    /// A group of unknown size.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            members: None,
        }
    }

    /// Sets how many contacts it has.
    #[must_use]
    pub fn members(mut self, members: u64) -> Self {
        self.members = Some(members);
        self
    }
}

/// One page of a list of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContactPage {
    /// The contacts of this page.
    pub contacts: Vec<Contact>,
    /// Which page this is, from 1.
    pub page: u32,
    /// How many contacts there are in all, where the provider tells.
    pub total: Option<u64>,
    /// How many pages there are, where the provider tells.
    pub total_pages: Option<u32>,
}

impl ContactPage {
    /// A page of which nothing but its contacts is known.
    pub fn new(page: u32, contacts: Vec<Contact>) -> Self {
        Self {
            contacts,
            page,
            total: None,
            total_pages: None,
        }
    }

    /// Sets the totals.
    #[must_use]
    pub fn totals(mut self, contacts: u64, pages: u32) -> Self {
        self.total = Some(contacts);
        self.total_pages = Some(pages);
        self
    }
}

/// What a provider answered to a message to a whole group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupReceipt {
    /// How to ask about it, where the provider gave an id.
    pub receipt: Option<Receipt>,
    /// How many members the group has.
    pub group_size: u64,
    /// For how many of them a message was queued.
    pub queued: u64,
}

impl GroupReceipt {
    /// A receipt without an id.
    pub fn new(group_size: u64, queued: u64) -> Self {
        Self {
            receipt: None,
            group_size,
            queued,
        }
    }

    /// Sets how to ask about it.
    #[must_use]
    pub fn receipt(mut self, receipt: Receipt) -> Self {
        self.receipt = Some(receipt);
        self
    }
}

/// Contacts and groups that live at a provider. Reached through
/// [`Provider::address_book`](crate::Provider::address_book).
#[async_trait]
pub trait AddressBook: Send + Sync {
    /// One page of the contacts; pages count from 1.
    async fn contacts(&self, page: u32, limit: u32) -> Result<ContactPage>;

    /// Adds a contact and returns it as the provider stored it.
    async fn add_contact(&self, first_name: &str, last_name: &str, phone: &E164)
    -> Result<Contact>;

    /// All groups of the account.
    async fn groups(&self) -> Result<Vec<Group>>;

    /// Makes an empty group.
    async fn create_group(&self, name: &str) -> Result<Group>;

    /// Puts a contact into a group.
    async fn add_to_group(&self, contact_id: &str, group_id: &str) -> Result<()>;

    /// Sends one text to every member of a group.
    async fn send_to_group(
        &self,
        group_id: &str,
        text: &str,
        from: Option<&SenderId>,
    ) -> Result<GroupReceipt>;
}
