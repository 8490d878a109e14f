//! What only some providers have, called without a runtime: address book, waiting batches,
//! conversations, subscriptions, own numbers.
//!
//! Reached through [`Provider`](super::Provider).

use std::fmt;

use tidings_core::{E164, Media, SenderId};

use super::{Runtime, mirror};
use crate::address_book::{Contact, ContactPage, Group, GroupReceipt};
use crate::batches::{QueuedBatch, StoppedBatch};
use crate::conversations::{Conversation, ConversationMessage, Page, StoredMedia};
use crate::numbers::OwnNumber;
use crate::subscriptions::{NewSubscription, Subscription, SubscriptionChange};

macro_rules! area {
    ($(#[$attribute:meta])* $name:ident, $trait:path) => {
        $(#[$attribute])*
        #[derive(Clone, Copy)]
        pub struct $name<'p> {
            inner: &'p dyn $trait,
            runtime: &'p Runtime,
        }

        impl<'p> $name<'p> {
            pub(super) fn new(inner: &'p dyn $trait, runtime: &'p Runtime) -> Self {
                Self { inner, runtime }
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

area! {
    /// [`tidings::address_book::AddressBook`](crate::address_book::AddressBook) without a runtime.
    AddressBook, crate::address_book::AddressBook
}

impl AddressBook<'_> {
    mirror! { "crate::address_book::AddressBook" {
        call contacts(page: u32, limit: u32) -> ContactPage;
        call add_contact(first_name: &str, last_name: &str, phone: &E164) -> Contact;
        call groups() -> Vec<Group>;
        call create_group(name: &str) -> Group;
        call add_to_group(contact_id: &str, group_id: &str) -> ();
        call send_to_group(group_id: &str, text: &str, from: Option<&SenderId>) -> GroupReceipt;
    } }
}

area! {
    /// [`tidings::batches::QueuedBatches`](crate::batches::QueuedBatches) without a runtime.
    QueuedBatches, crate::batches::QueuedBatches
}

impl QueuedBatches<'_> {
    mirror! { "crate::batches::QueuedBatches" {
        call list() -> Vec<QueuedBatch>;
        call show(reference: &str) -> QueuedBatch;
        call stop(reference: &str) -> StoppedBatch;
    } }
}

area! {
    /// [`tidings::conversations::Conversations`](crate::conversations::Conversations) without a
    /// runtime.
    Conversations, crate::conversations::Conversations
}

impl Conversations<'_> {
    mirror! { "crate::conversations::Conversations" {
        call list(page: Page) -> Vec<Conversation>;
        call show(id: &str) -> Conversation;
        call messages(id: &str, page: Page) -> Vec<ConversationMessage>;
        call mark(id: &str, is_read: bool) -> ();
        call rename(id: &str, name: &str) -> ();
        call set_participants(id: &str, participants: &[String]) -> ();
        call leave(id: &str) -> ();
        call delete(id: &str) -> ();
        call fetch(media: &StoredMedia) -> Media;
    } }
}

area! {
    /// [`tidings::subscriptions::Subscriptions`](crate::subscriptions::Subscriptions) without a
    /// runtime.
    Subscriptions, crate::subscriptions::Subscriptions
}

impl Subscriptions<'_> {
    mirror! { "crate::subscriptions::Subscriptions" {
        call list() -> Vec<Subscription>;
        call show(id: &str) -> Subscription;
        call create(new: &NewSubscription) -> Subscription;
        call update(id: &str, change: &SubscriptionChange) -> ();
        call delete(id: &str) -> ();
    } }
}

area! {
    /// [`tidings::numbers::OwnNumbers`](crate::numbers::OwnNumbers) without a runtime.
    OwnNumbers, crate::numbers::OwnNumbers
}

impl OwnNumbers<'_> {
    mirror! { "crate::numbers::OwnNumbers" {
        call list() -> Vec<OwnNumber>;
        call count() -> u64;
        call add(number: &OwnNumber) -> ();
        call change(number: &OwnNumber) -> ();
        call remove(number: &str) -> ();
    } }
}
