//! What goes over the wire: paths, header names, requests and every form of answer that PassInfo is
//! known or said to give, with its own field names.
//!
//! Read and written by `client.rs` and `server.rs`, translated by `map.rs`. No decision is made here
//! and no type of the rest of the workspace is known here. Fields that are not named are skipped;
//! `null` is read as absent. `Debug` shows ids, states and sizes, never a text, a number, a name of
//! a person or a key.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use super::scalar::{Id, Integer, Key, Phone};

/// The header that carries the key.
pub const API_KEY: &str = "api-key";
/// The header that carries the client id.
pub const CLIENT_ID: &str = "client-id";

/// The paths of the thirteen calls. Those that end in a slash are followed by an id.
pub mod path {
    /// POST [`SingleMessage`](super::SingleMessage), answered by [`SendAnswer`](super::SendAnswer).
    pub const SINGLE_MESSAGE: &str = "/v1/message/single_message";
    /// POST [`BulkMessage`](super::BulkMessage), answered by [`BulkAnswer`](super::BulkAnswer).
    pub const BULK_MESSAGE: &str = "/v1/message/send_bulk_contacts_messages";
    /// POST [`GroupMessage`](super::GroupMessage) to this and the group's id, answered by
    /// [`GroupAnswer`](super::GroupAnswer).
    pub const GROUP_MESSAGE: &str = "/v1/message/send_message_to_group/";
    /// GET of this and a message's id, answered by [`StatusAnswer`](super::StatusAnswer).
    pub const SINGLE_STATUS: &str = "/v1/message/get_single_status/";
    /// GET of this and a batch's id, answered by [`BulkStatusAnswer`](super::BulkStatusAnswer).
    pub const BULK_STATUS: &str = "/v1/message/get_bulk_status/";
    /// GET, answered by [`BalanceAnswer`](super::BalanceAnswer).
    pub const BALANCE: &str = "/v1/user/get_solde";
    /// POST of `{}` (the vendor's second client: GET), answered by
    /// [`RenewAnswer`](super::RenewAnswer).
    pub const RENEW_KEY: &str = "/v1/user/renew_api_key";
    /// POST [`AddContact`](super::AddContact), answered by
    /// [`AddContactAnswer`](super::AddContactAnswer).
    pub const ADD_CONTACT: &str = "/v1/contact/add_contact";
    /// GET with [`PageQuery`](super::PageQuery), answered by
    /// [`ContactsAnswer`](super::ContactsAnswer).
    pub const CONTACTS: &str = "/v1/contact/all_my_contacts";
    /// POST [`AddUsers`](super::AddUsers), answered by [`DoneAnswer`](super::DoneAnswer).
    pub const ADD_USERS: &str = "/v1/contact/add_users";
    /// GET, answered by [`GroupsAnswer`](super::GroupsAnswer).
    pub const GROUPS: &str = "/v1/groupe/get_all_my_groupes";
    /// POST [`AddToGroup`](super::AddToGroup), answered by [`DoneAnswer`](super::DoneAnswer).
    pub const ADD_TO_GROUP: &str = "/v1/groupe/add_contact_to_group";
    /// POST [`CreateGroup`](super::CreateGroup), answered by
    /// [`CreateGroupAnswer`](super::CreateGroupAnswer).
    pub const CREATE_GROUP: &str = "/v1/groupe/create";
}

// ---- messages ----

/// One text for one phone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SingleMessage {
    /// The text.
    pub message: String,
    /// The recipient in national form: nine digits.
    pub contact: Phone,
    /// What the phone shows as the sender.
    #[serde(rename = "senderName")]
    pub sender_name: String,
}

/// One text for many phones.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkMessage {
    /// The text.
    pub message: String,
    /// The recipients in national form: nine digits each.
    pub contacts: Vec<Phone>,
    /// What the phones show as the sender.
    #[serde(rename = "senderName")]
    pub sender_name: String,
}

/// One text for every member of a group, which is named in the path.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupMessage {
    /// The text.
    pub message: String,
    /// What the phones show as the sender.
    #[serde(rename = "senderName")]
    pub sender_name: String,
}

/// The answer to [`SingleMessage`]. The id is in `message_id`, else in `message`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SendAnswer {
    /// `success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Some answers say `true` here and have no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// The message's id, as the vendor's Python package has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Id>,
    /// The message's id, as the vendor's README has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Id>,
}

/// The answer to [`BulkMessage`]. The key of the batch's id is not documented: the first of
/// `batch_id`, `bulk_id`, `message_id` and `message` that is an id.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BulkAnswer {
    /// `success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Some answers say `true` here and have no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// How many messages were queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successful_sends: Option<Integer>,
    /// How many were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_sends: Option<Integer>,
    /// The batch's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<Id>,
    /// The batch's id under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<Id>,
    /// The batch's id under a third name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Id>,
    /// The batch's id under a fourth name, or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Id>,
    /// Who failed and why, if it says so: a list of undocumented form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_details: Option<Value>,
}

/// The answer to [`GroupMessage`]; the id as in [`BulkAnswer`], if there is one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GroupAnswer {
    /// `success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Some answers say `true` here and have no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// How many members the group has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_size: Option<Integer>,
    /// For how many of them a message was queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_queued: Option<Integer>,
    /// The batch's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<Id>,
    /// The batch's id under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<Id>,
    /// The batch's id under a third name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Id>,
    /// The batch's id under a fourth name, or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Id>,
}

/// How far a message has come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatusAnswer {
    /// `pending`, `sent`, `delivered`, `failed`, or another word.
    pub status: String,
    /// The message's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<Id>,
    /// When the state was reached: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// What went wrong, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

/// How far a batch has come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BulkStatusAnswer {
    /// `processing`, `completed`, `failed`, or another word.
    pub status: String,
    /// How many messages were delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successful: Option<Integer>,
    /// How many failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Integer>,
    /// How many are still queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Integer>,
    /// When it last changed: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Who failed and why: a list of undocumented form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_details: Option<Value>,
}

/// One entry of `error_details` as our server writes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// The recipient as the caller wrote it.
    pub contact: Phone,
    /// What went wrong, in words.
    pub error: String,
}

// ---- the account ----

/// What is left on the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BalanceAnswer {
    /// SMS credits.
    pub solde: Integer,
}

/// Asks for a new key: `{}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(
    clippy::empty_structs_with_brackets,
    reason = "a unit struct would be written as null"
)]
pub struct RenewKey {}

/// The new key, under either name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RenewAnswer {
    /// The new key, as the vendor's Python package reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_api_key: Option<Key>,
    /// The new key under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Key>,
}

// ---- contacts and groups ----

/// A contact that is to be added.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AddContact {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The number in national form: nine digits.
    pub phone_number: Phone,
}

/// A contact as the vendor keeps it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ContactRecord {
    /// Its id; not every answer has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The number, in whatever form it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<Phone>,
}

/// The answer to [`AddContact`]. The id is in `contact`, `contact_id`, `id`, or nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AddContactAnswer {
    /// `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// Some answers say `success` here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The contact as it was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactRecord>,
    /// The contact's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<Id>,
    /// The contact's id under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
}

/// Which page of the contacts: `?page=1&limit=10`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PageQuery {
    /// Which page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// How many contacts a page has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of the contacts: an object, or a bare list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ContactsAnswer {
    /// A bare list.
    List(Vec<ContactRecord>),
    /// A list with totals.
    Page(ContactsPage),
}

/// A page of the contacts with totals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContactsPage {
    /// The contacts of this page.
    pub contacts: Vec<ContactRecord>,
    /// How many contacts there are in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Integer>,
    /// Which page this is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<Integer>,
    /// How many pages there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<Integer>,
}

impl<'de> Deserialize<'de> for ContactsAnswer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        list_or_object(from, Self::List, Self::Page)
    }
}

/// Lets further users of the account see a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AddUsers {
    /// The contact.
    pub contact_id: Id,
    /// The users.
    pub user_ids: Vec<Id>,
}

/// Puts a contact into a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AddToGroup {
    /// The contact.
    pub contact_id: Id,
    /// The group.
    pub group_id: Id,
}

/// Makes an empty group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateGroup {
    /// Its name.
    pub name: String,
}

/// The answer to a call that only does something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DoneAnswer {
    /// `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// Some answers say `success` here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A group as the vendor keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupRecord {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// How many contacts it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_count: Option<Integer>,
}

/// All groups: a bare list, or an object that holds one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum GroupsAnswer {
    /// A bare list.
    List(Vec<GroupRecord>),
    /// A list under a name.
    Named(NamedGroups),
}

/// All groups under either name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NamedGroups {
    /// The groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groupes: Option<Vec<GroupRecord>>,
    /// The groups under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<GroupRecord>>,
}

impl<'de> Deserialize<'de> for GroupsAnswer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        list_or_object(from, Self::List, Self::Named)
    }
}

/// The group that was made: its fields, or an object that holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CreateGroupAnswer {
    /// `true` in some answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<bool>,
    /// `success` in some answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// Its id under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<Id>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many contacts it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<Integer>,
    /// The group inside an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groupe: Option<GroupRecord>,
    /// The group inside an object under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupRecord>,
}

// ---- failures ----

/// Whether any answer is a failure: what stands beside or instead of its own fields. Nothing is
/// documented, so every field may be of any form.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Fault {
    /// `error` in a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
    /// `false` in a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<Value>,
    /// What went wrong, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Value>,
    /// The same under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// The same under a third name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// The vendor's own code, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Value>,
    /// For how many recipients of a bulk call a message was queued all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successful_sends: Option<Value>,
    /// For how many recipients of a bulk call none was queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_sends: Option<Value>,
    /// The id of a batch that there is all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<Value>,
    /// The same under a second name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<Value>,
    /// For how many members of a group a message was queued all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_queued: Option<Value>,
}

/// Reads a JSON list into one form and a JSON object into another. (serde's own way of choosing
/// between forms reads numbers first, and so would lose the digits of long ids.)
fn list_or_object<'de, D, L, O, T>(
    from: D,
    of_list: fn(L) -> T,
    of_object: fn(O) -> T,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    L: DeserializeOwned,
    O: DeserializeOwned,
{
    struct Either<L, O, T> {
        of_list: fn(L) -> T,
        of_object: fn(O) -> T,
        forms: PhantomData<(L, O)>,
    }

    impl<'de, L: DeserializeOwned, O: DeserializeOwned, T> Visitor<'de> for Either<L, O, T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list or an object")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
            L::deserialize(SeqAccessDeserializer::new(list)).map(self.of_list)
        }

        fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
            O::deserialize(MapAccessDeserializer::new(object)).map(self.of_object)
        }
    }

    from.deserialize_any(Either {
        of_list,
        of_object,
        forms: PhantomData,
    })
}

// ---- Debug without contents ----

/// Implements `Debug` that shows the named fields, and of texts and lists their length.
macro_rules! redacted_debug {
    ($($type:ident { shown: [$($shown:ident),*], lengths: [$($length:ident),*] })*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($shown), &self.$shown))*
                    $(.field(concat!(stringify!($length), "_length"), &self.$length.len()))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}

redacted_debug! {
    SingleMessage { shown: [sender_name], lengths: [message] }
    BulkMessage { shown: [sender_name], lengths: [message, contacts] }
    GroupMessage { shown: [sender_name], lengths: [message] }
    SendAnswer { shown: [status, success, message_id], lengths: [] }
    BulkAnswer { shown: [status, success, successful_sends, failed_sends, batch_id], lengths: [] }
    GroupAnswer { shown: [status, success, group_size, messages_queued, batch_id], lengths: [] }
    StatusAnswer { shown: [status, message_id, timestamp], lengths: [] }
    BulkStatusAnswer { shown: [status, successful, failed, pending, timestamp], lengths: [] }
    ErrorDetail { shown: [], lengths: [error] }
    AddContact { shown: [], lengths: [] }
    ContactRecord { shown: [id], lengths: [] }
    Fault { shown: [status, success], lengths: [] }
}
