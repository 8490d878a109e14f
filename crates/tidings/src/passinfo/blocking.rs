//! The client for programs without an asynchronous runtime.
//!
//! Called by programs. It only waits for [`super::Client`], which knows everything.

use secrecy::SecretString;
use tidings_core::{DeliveryReport, E164, SenderId};

use super::answers::{BatchStatus, BulkOutcome, Sent};
use crate::address_book::{Contact, ContactPage, Group, GroupReceipt};
use crate::answer::Answer;
use crate::blocking::{blocking_client, mirror};
use crate::error::Result;

blocking_client!(passinfo);

impl Client {
    /// See [`from_env`](super::Client::from_env).
    ///
    /// # Errors
    /// Its, and those of [`new`](Self::new).
    pub fn from_env() -> Result<Self> {
        Self::new(super::Client::from_env()?)
    }

    mirror! { "super::Client" {
        #[doc(alias = "send_message")]
        call send(to: &E164, text: &str, from: Option<&SenderId>) -> Answer<Sent>;
        #[doc(alias = "send_message_bulk")]
        call send_bulk(to: &[E164], text: &str, from: Option<&SenderId>) -> BulkOutcome;
        #[doc(alias = "get_message_status")]
        call message_status(message_id: &str) -> Answer<DeliveryReport>;
        #[doc(alias = "get_message_status_bulk")]
        call batch_status(batch_id: &str) -> Answer<BatchStatus>;
        #[doc(alias("get_sms_count", "get_solde", "solde"))]
        call credits() -> Answer<i64>;
        call create_contact(first_name: &str, last_name: &str, phone: &E164) -> Answer<Contact>;
        #[doc(alias = "get_contacts_list")]
        call contacts_page(page: u32, limit: u32) -> Answer<ContactPage>;
        items all_contacts(limit: u32) -> Contact;
        #[doc(alias("add_users_to_contact", "add_users"))]
        call link_users(contact_id: &str, user_ids: &[&str]) -> Answer<()>;
        #[doc(alias("get_user_groups", "get_all_my_groupes"))]
        call groups() -> Answer<Vec<Group>>;
        call refresh_groups() -> Answer<Vec<Group>>;
        call group(group_id: &str) -> Option<Group>;
        call group_named(name: &str) -> Option<Group>;
        #[doc(alias = "create_groupe")]
        call create_group(name: &str) -> Answer<Group>;
        call add_contact_to_group(contact_id: &str, group_id: &str) -> Answer<()>;
        #[doc(alias = "send_message_group")]
        call send_to_group(group_id: &str, text: &str, from: Option<&SenderId>) -> Answer<GroupReceipt>;
        call renew_api_key() -> Answer<SecretString>;
    } }
}
