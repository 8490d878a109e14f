//! What a telephone exchange offers besides conversations: its numbers, subscriptions to its events,
//! and calls.
//!
//! The types of numbers and subscriptions are those that clients see, [`crate::numbers`] and
//! [`crate::subscriptions`].

use std::fmt;

use async_trait::async_trait;
use tidings_core::Timestamp;

use super::{Principal, Refusal};
use crate::conversations::{Mailbox, Page};
use crate::numbers::OwnNumber;
use crate::subscriptions::{NewSubscription, Subscription, SubscriptionChange};

/// The numbers that texts go out from and come in to. A backend that has none refuses.
#[async_trait]
pub trait NumberDesk: Send + Sync + 'static {
    /// Those of a user, of a domain, or of the whole system.
    async fn numbers(
        &self,
        _who: &Principal,
        _domain: Option<&str>,
        _user: Option<&str>,
        _page: Page,
    ) -> Result<Vec<OwnNumber>, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// How many a user has.
    async fn count_numbers(&self, _who: &Principal, _owner: &Mailbox) -> Result<u64, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Adds one to a domain; [`Refusal::Duplicate`] when it is there. Which files it can carry is
    /// the backend's to say.
    async fn add_number(
        &self,
        _who: &Principal,
        _domain: &str,
        _number: OwnNumber,
    ) -> Result<OwnNumber, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Says what one is used for and by whom.
    async fn change_number(
        &self,
        _who: &Principal,
        _domain: &str,
        _number: OwnNumber,
    ) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Takes one away.
    async fn remove_number(
        &self,
        _who: &Principal,
        _domain: &str,
        _number: &str,
    ) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// Subscriptions to events. A backend that has none refuses. A [`Refusal::Invalid`] names the member
/// of [`NewSubscription`] or [`SubscriptionChange`] that is wrong.
#[async_trait]
pub trait SubscriptionDesk: Send + Sync + 'static {
    /// Those that the caller may see, of one domain or of all.
    async fn subscriptions(
        &self,
        _who: &Principal,
        _domain: Option<&str>,
        _page: Page,
    ) -> Result<Vec<Subscription>, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// One of them.
    async fn subscription(&self, _who: &Principal, _id: &str) -> Result<Subscription, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Makes one; [`Refusal::Duplicate`] when there is one just like it. When it ends is always set.
    async fn subscribe(
        &self,
        _who: &Principal,
        _new: NewSubscription,
    ) -> Result<Subscription, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Changes one.
    async fn change_subscription(
        &self,
        _who: &Principal,
        _id: &str,
        _change: SubscriptionChange,
    ) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Ends one.
    async fn unsubscribe(&self, _who: &Principal, _id: &str) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// Calls between telephones. A backend that has none refuses.
#[async_trait]
pub trait CallDesk: Send + Sync + 'static {
    /// The calls of one user, of a domain, or of all domains, that are under way.
    async fn calls(
        &self,
        _who: &Principal,
        _domain: Option<&str>,
        _user: Option<&str>,
    ) -> Result<Vec<PhoneCall>, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Lets a user's telephone call somebody.
    async fn start_call(
        &self,
        _who: &Principal,
        _owner: &Mailbox,
        _call: NewPhoneCall,
    ) -> Result<PhoneCall, Refusal> {
        Err(Refusal::Unsupported)
    }

    /// Ends a call; `id` is the caller's own.
    async fn end_call(&self, _who: &Principal, _owner: &Mailbox, _id: &str) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }
}

/// A call that is under way.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneCall {
    /// The caller's own id of it.
    pub id: String,
    /// The backend's id of it.
    pub session: String,
    /// Whose call.
    pub owner: Mailbox,
    /// From whom, `user@domain` or a number.
    pub from: String,
    /// To whom, `user@domain` or a number.
    pub to: String,
    /// The number that is shown.
    pub caller_id: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
}

impl PhoneCall {
    /// A call that rings.
    pub fn new(
        id: impl Into<String>,
        session: impl Into<String>,
        owner: Mailbox,
        started_at: Timestamp,
    ) -> Self {
        Self {
            id: id.into(),
            session: session.into(),
            owner,
            from: String::new(),
            to: String::new(),
            caller_id: None,
            started_at,
            answered_at: None,
        }
    }
}

/// Leaves numbers out.
impl fmt::Debug for PhoneCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhoneCall")
            .field("id", &self.id)
            .field("session", &self.session)
            .field("owner", &self.owner)
            .field("started_at", &self.started_at)
            .field("answered_at", &self.answered_at)
            .finish_non_exhaustive()
    }
}

/// A call that is to be made.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewPhoneCall {
    /// The caller's own id of it.
    pub id: String,
    /// From whom, `user@domain` or a number.
    pub from: String,
    /// To whom, `user@domain` or a number.
    pub to: String,
    /// The number that is to be shown.
    pub caller_id: Option<String>,
    /// Whether the telephone of the one who calls answers by itself.
    pub auto_answer: bool,
}

impl NewPhoneCall {
    /// A call between two.
    pub fn new(id: impl Into<String>, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            from: from.into(),
            to: to.into(),
            caller_id: None,
            auto_answer: false,
        }
    }
}

/// Leaves numbers out.
impl fmt::Debug for NewPhoneCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPhoneCall")
            .field("id", &self.id)
            .field("auto_answer", &self.auto_answer)
            .finish_non_exhaustive()
    }
}
