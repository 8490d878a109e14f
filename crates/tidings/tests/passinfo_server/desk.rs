//! A backend for the tests of the server half: it remembers what it was asked, answers with what the
//! golden exchanges hold, and refuses, panics or waits when it is told to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use secrecy::SecretString;
use tidings::address_book::{Contact, ContactPage, Group};
use tidings::backend::{
    Accepted, AccountDesk, BatchView, Batches, CallDesk, Contacts, ConversationDesk, MessageView,
    Messages, NewContact, NumberDesk, Presented, Principal, Refusal, SignIn, Submission, Submitted,
    SubscriptionDesk, TakenMessage, TokenDesk,
};
use tidings::{Reason, ReportedState, SenderId, Timestamp};

pub(crate) const CLIENT_ID: &str = "4711";
pub(crate) const API_KEY: &str = "golden-key-0123456789";
/// A text at which the desk panics.
pub(crate) const PANIC: &str = "please panic";
/// A text at which the desk never answers.
pub(crate) const NEVER: &str = "please never answer";
/// A number that the desk refuses.
pub(crate) const REFUSED_NUMBER: &str = "+224622000009";

#[derive(Debug, Default)]
pub(crate) struct Desk {
    refusal: Mutex<Option<Refusal>>,
    asked: Mutex<Vec<String>>,
    view: Mutex<Option<MessageView>>,
    batch: Mutex<Option<BatchView>>,
}

impl Desk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Every further call is refused.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap() = Some(refusal);
    }

    pub(crate) fn show(&self, view: MessageView) {
        *self.view.lock().unwrap() = Some(view);
    }

    pub(crate) fn show_batch(&self, view: BatchView) {
        *self.batch.lock().unwrap() = Some(view);
    }

    /// What was asked so far, one line a call.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn ask(&self, what: String) -> Result<(), Refusal> {
        self.asked.lock().unwrap().push(what);
        self.refusal.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

fn at() -> Timestamp {
    "2024-01-20T15:30:45.678Z".parse().unwrap()
}

#[async_trait]
impl SignIn for Desk {
    async fn sign_in(&self, presented: &Presented) -> Result<Principal, Refusal> {
        let good = presented.value("client_id") == Some(CLIENT_ID)
            && presented.value("api_key") == Some(API_KEY);
        if good {
            Ok(Principal::new("account"))
        } else {
            Err(Refusal::Unauthorized)
        }
    }
}

#[async_trait]
impl Messages for Desk {
    async fn accept(&self, _: &Principal, submission: Submission) -> Result<Accepted, Refusal> {
        let texts = submission.messages.iter().map(|Submitted { message, .. }| {
            let from = message.from.as_ref().map(SenderId::to_string);
            format!(
                "{}<{}:{}",
                message.to,
                from.unwrap_or_default(),
                message.text
            )
        });
        let texts: Vec<String> = texts.collect();
        let unreadable = submission.unreadable.len();
        self.ask(format!("accept {} +{unreadable}", texts.join(" ")))?;
        match submission
            .messages
            .first()
            .map(|first| &*first.message.text)
        {
            Some(PANIC) => panic!("the desk was told to"),
            Some(NEVER) => std::future::pending().await,
            _ => {}
        }
        let verdict = |number: &str, id: usize| match number {
            REFUSED_NUMBER => Err(Refusal::InsufficientCredit),
            _ => Ok(TakenMessage::new((123 + id).to_string())),
        };
        let messages = submission.messages.iter().enumerate();
        let verdicts = messages.map(|(id, submitted)| verdict(submitted.message.to.as_str(), id));
        let batch = submission.as_batch.then(|| "b-1".to_owned());
        Ok(Accepted::new(batch, verdicts.collect()))
    }

    async fn accept_for_group(
        &self,
        _: &Principal,
        group_id: &str,
        text: &str,
        from: Option<SenderId>,
    ) -> Result<Accepted, Refusal> {
        let from = from.map(|from| from.to_string()).unwrap_or_default();
        self.ask(format!("group {group_id}<{from}:{text}"))?;
        match group_id {
            "empty" => Ok(Accepted::new(None, Vec::new())),
            "groupId" => Ok(Accepted::new(
                Some("b-2".to_owned()),
                (0..50)
                    .map(|id| Ok(TakenMessage::new(id.to_string())))
                    .collect(),
            )),
            _ => Err(Refusal::NotFound { what: "group" }),
        }
    }

    async fn message(&self, _: &Principal, id: &str) -> Result<MessageView, Refusal> {
        self.ask(format!("message {id}"))?;
        let view = self.view.lock().unwrap().clone();
        match view {
            Some(view) => Ok(view),
            None if id == "1234567890" => Ok(MessageView::new(id, ReportedState::Sent, at())),
            None => Err(Refusal::NotFound { what: "message" }),
        }
    }

    async fn batch(&self, _: &Principal, id: &str) -> Result<BatchView, Refusal> {
        self.ask(format!("batch {id}"))?;
        let batch = self.batch.lock().unwrap().clone();
        batch.ok_or(Refusal::NotFound { what: "batch" })
    }
}

/// The vendor has no calls about batches that wait.
impl Batches for Desk {}

#[async_trait]
impl Contacts for Desk {
    async fn add_contact(&self, _: &Principal, contact: NewContact) -> Result<Contact, Refusal> {
        self.ask(format!("add {} {}", contact.first_name, contact.phone))?;
        let phone = contact.phone.as_str();
        Ok(Contact::new(contact.first_name, contact.last_name, phone).id("contact_123"))
    }

    async fn contacts(&self, _: &Principal, page: u32, limit: u32) -> Result<ContactPage, Refusal> {
        self.ask(format!("contacts {page} {limit}"))?;
        let contact = Contact::new("John", "Smith", "+224622000001").id("contact_123");
        Ok(ContactPage::new(page, vec![contact]).totals(1, 1))
    }

    async fn link_users(
        &self,
        _: &Principal,
        contact_id: &str,
        user_ids: &[String],
    ) -> Result<(), Refusal> {
        self.ask(format!("link {contact_id} {}", user_ids.join(" ")))
    }

    async fn groups(&self, _: &Principal) -> Result<Vec<Group>, Refusal> {
        self.ask("groups".to_owned())?;
        Ok(vec![Group::new("group_456", "Conakry").members(50)])
    }

    async fn create_group(&self, _: &Principal, name: &str) -> Result<Group, Refusal> {
        self.ask(format!("create {name}"))?;
        Ok(Group::new("group_456", name).members(0))
    }

    async fn add_to_group(
        &self,
        _: &Principal,
        contact_id: &str,
        group_id: &str,
    ) -> Result<(), Refusal> {
        self.ask(format!("join {contact_id} {group_id}"))
    }
}

#[async_trait]
impl AccountDesk for Desk {
    async fn balance(&self, _: &Principal) -> Result<i64, Refusal> {
        self.ask("balance".to_owned())?;
        Ok(100)
    }

    async fn renew_key(&self, _: &Principal) -> Result<SecretString, Refusal> {
        self.ask("renew".to_owned())?;
        Ok("made-up-new-key".into())
    }
}

/// A message in a state.
pub(crate) fn message(state: ReportedState) -> MessageView {
    MessageView::new("1234567890", state, at())
}

/// A message that failed for a reason.
pub(crate) fn failed(reason: Reason) -> MessageView {
    let mut view = message(ReportedState::Failed);
    view.reason = Some(reason);
    view
}

/// A batch with these counts.
pub(crate) fn batch(successful: u64, failed: u64, pending: u64) -> BatchView {
    let mut view = BatchView::new("b-1", at());
    (view.successful, view.failed, view.pending) = (successful, failed, pending);
    view
}

// Areas that the vendor's API does not have.
impl TokenDesk for Desk {}
impl ConversationDesk for Desk {}
impl NumberDesk for Desk {}
impl SubscriptionDesk for Desk {}
impl CallDesk for Desk {}
