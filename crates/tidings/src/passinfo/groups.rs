//! The account's groups: list them (kept for a set time), find one, make one, fill one, and send to
//! one.
//!
//! Called by programs that keep their groups at PassInfo, and through
//! [`AddressBook`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tidings_core::{E164, SenderId, Timestamp};
use tokio::sync::Mutex;

use super::client::{Client, checked_text, with_id};
use super::map::{self, PROVIDER};
use super::verdict::Call;
use super::wire::{self, path};
use crate::address_book::{AddressBook, Contact, ContactPage, Group, GroupReceipt};
use crate::answer::Answer;
use crate::error::Result;

const LIST: Call = Call::asks("get_user_groups");

/// The list of groups, for as long as it may be kept.
pub(super) struct GroupCache {
    keep: Duration,
    /// How often this client has changed, or may have changed, a group.
    changes: AtomicU64,
    held: Mutex<Option<Held>>,
}

struct Held {
    fetched: Timestamp,
    /// The changes at the time when the list was asked for.
    changes: u64,
    groups: Answer<Vec<Group>>,
}

/// A change that is under way. It counts when this is dropped, so also when its caller has gone.
struct Change<'a>(&'a GroupCache);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.changes.fetch_add(1, Ordering::AcqRel);
    }
}

impl GroupCache {
    pub(super) fn new(keep: Duration) -> Self {
        Self {
            keep,
            changes: AtomicU64::new(0),
            held: Mutex::default(),
        }
    }

    fn is_fresh(&self, held: &Held, now: Timestamp, changes: u64) -> bool {
        // A clock that was set back makes no list young again.
        let is_young = now >= held.fetched && now.since(held.fetched) < self.keep;
        is_young && held.changes == changes
    }

    fn change(&self) -> Change<'_> {
        Change(self)
    }
}

impl Client {
    /// All groups of the account. With
    /// [`groups_cache`](super::ClientBuilder::groups_cache) the list is kept that long, for all
    /// clones; calls at the same time then share one question.
    #[doc(alias("get_user_groups", "get_all_my_groupes"))]
    pub async fn groups(&self) -> Result<Answer<Vec<Group>>> {
        let cache = &self.shared().groups;
        if cache.keep.is_zero() {
            return self.fetch_groups().await;
        }
        let mut held = cache.held.lock().await;
        let fetched = self.shared().clock.now();
        let changes = cache.changes.load(Ordering::Acquire);
        if let Some(held) = &*held
            && cache.is_fresh(held, fetched, changes)
        {
            return Ok(held.groups.clone());
        }
        let groups = self.fetch_groups().await?;
        *held = Some(Held {
            fetched,
            changes,
            groups: groups.clone(),
        });
        Ok(groups)
    }

    /// All groups as they are now, whatever is kept.
    pub async fn refresh_groups(&self) -> Result<Answer<Vec<Group>>> {
        drop(self.shared().groups.change());
        self.groups().await
    }

    /// The group with this id, from [`Client::groups`]; `None` when the account has none such.
    pub async fn group(&self, group_id: &str) -> Result<Option<Group>> {
        let groups = self.groups().await?.into_value();
        Ok(groups.into_iter().find(|group| group.id == group_id))
    }

    /// The first group with this name, from [`Client::groups`]; `None` when there is none.
    pub async fn group_named(&self, name: &str) -> Result<Option<Group>> {
        let groups = self.groups().await?.into_value();
        Ok(groups.into_iter().find(|group| group.name == name))
    }

    /// Makes an empty group. (The vendor's Node package has this call, its Python package has not.)
    #[doc(alias = "create_groupe")]
    pub async fn create_group(&self, name: &str) -> Result<Answer<Group>> {
        const CALL: Call = Call::acts("create_group");
        let body = wire::CreateGroup {
            name: name.to_owned(),
        };
        let _change = self.shared().groups.change();
        let Answer { value, http } = self.post(CALL, path::CREATE_GROUP, &body).await?;
        match map::created_group(value, name) {
            Some(group) => Ok(Answer::new(group, http)),
            None => Err(CALL.unreadable("passinfo gave no id of the new group", http)),
        }
    }

    /// Puts a contact into a group.
    pub async fn add_contact_to_group(
        &self,
        contact_id: &str,
        group_id: &str,
    ) -> Result<Answer<()>> {
        const CALL: Call = Call::acts("add_contact_to_group");
        let body = wire::AddToGroup {
            contact_id: wire::Id(contact_id.to_owned()),
            group_id: wire::Id(group_id.to_owned()),
        };
        let _change = self.shared().groups.change();
        let answer: Answer<wire::DoneAnswer> = self.post(CALL, path::ADD_TO_GROUP, &body).await?;
        Ok(answer.map(|_| ()))
    }

    /// Sends one text to every member of a group. Without `from` the client's default sender is
    /// used. The receipt, where there is one, names a batch for [`Client::batch_status`].
    ///
    /// ```no_run
    /// use tidings::E164;
    ///
    /// # async fn example(client: tidings::passinfo::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let group = client.create_group("Friends").await?;
    /// let phone = E164::parse("+224622000001", None)?;
    /// let contact = client.create_contact("Mory", "Camara", &phone).await?;
    /// let contact_id = contact.id.as_deref().ok_or("no id was told")?;
    /// client.add_contact_to_group(contact_id, &group.id).await?;
    ///
    /// let sent = client.send_to_group(&group.id, "Bonjour", None).await?;
    /// println!("{} of {}", sent.queued, sent.group_size);
    /// if let Some(batch) = sent.receipt.as_ref().and_then(|it| it.provider_ref.batch.as_deref()) {
    ///     println!("{:?}", client.batch_status(batch).await?.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::send`]; [`NotFound`](crate::ErrorKind::NotFound) when there is no such group.
    #[doc(alias = "send_message_group")]
    pub async fn send_to_group(
        &self,
        group_id: &str,
        text: &str,
        from: Option<&SenderId>,
    ) -> Result<Answer<GroupReceipt>> {
        const CALL: Call = Call::acts("send_message_group");
        let path = with_id(CALL, path::GROUP_MESSAGE, group_id)?;
        let body = wire::GroupMessage {
            message: checked_text(CALL, text)?.to_owned(),
            sender_name: self.sender(CALL, from)?,
        };
        let answer: Answer<wire::GroupAnswer> = self.post(CALL, &path, &body).await?;
        let Some(receipt) = map::group_receipt(&answer) else {
            let what = "passinfo took the message to the group and did not tell for how many";
            return Err(CALL.unreadable(what, answer.http));
        };
        tracing::debug!(
            provider = PROVIDER,
            group_size = receipt.group_size,
            queued = receipt.queued,
            "passinfo took a message to a group"
        );
        Ok(answer.map(|_| receipt))
    }

    async fn fetch_groups(&self) -> Result<Answer<Vec<Group>>> {
        let Answer { value, http } = self.ask(LIST, path::GROUPS).await?;
        match map::groups(value) {
            Some(groups) => Ok(Answer::new(groups, http)),
            None => Err(LIST.unreadable("passinfo gave an answer without a list of groups", http)),
        }
    }
}

#[async_trait]
impl AddressBook for Client {
    async fn contacts(&self, page: u32, limit: u32) -> Result<ContactPage> {
        self.contacts_page(page, limit)
            .await
            .map(Answer::into_value)
    }

    async fn add_contact(
        &self,
        first_name: &str,
        last_name: &str,
        phone: &E164,
    ) -> Result<Contact> {
        let added = self.create_contact(first_name, last_name, phone).await;
        added.map(Answer::into_value)
    }

    async fn groups(&self) -> Result<Vec<Group>> {
        Self::groups(self).await.map(Answer::into_value)
    }

    async fn create_group(&self, name: &str) -> Result<Group> {
        Self::create_group(self, name).await.map(Answer::into_value)
    }

    async fn add_to_group(&self, contact_id: &str, group_id: &str) -> Result<()> {
        let added = self.add_contact_to_group(contact_id, group_id).await;
        added.map(Answer::into_value)
    }

    async fn send_to_group(
        &self,
        group_id: &str,
        text: &str,
        from: Option<&SenderId>,
    ) -> Result<GroupReceipt> {
        Self::send_to_group(self, group_id, text, from)
            .await
            .map(Answer::into_value)
    }
}
