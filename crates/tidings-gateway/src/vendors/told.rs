//! What happened, in a vendor's own form of telling it: for webhooks whose form is a provider's id.
//!
//! [`requests`] is called by [`crate::webhooks`] for each delivery to such a webhook; it makes the calls
//! and posts none. Where the vendor's customers subscribe to events they are told of texts in their
//! conversations, elsewhere of the ends of their messages and of texts from phones.

use serde::Deserialize;
use tidings::callback::{
    Callback, CallbackRequest, ConversationEvent, EVENT_MODEL, SUBSCRIPTION_ID,
};
use tidings::conversations::{ConversationMessage, Mailbox};
use tidings::{Account, ProviderSpec, providers};
use tidings_core::{ClientRef, DeliveryReport, InboundMessage, ProviderRef, Timestamp};
use tidings_store::{
    AccountId, ConversationId, Event, EventKind, InboundFile, StoreError, StoredConversation,
    StoredInbound, StoredMessage, StoredWebhook,
};

use super::details::KeyDetails;
use super::subscriptions::SubscriptionDetails;
use super::terms::KeptTerms;
use super::{messages, shown};
use crate::gateway::Gateway;

/// The calls that tell of an event, in the form of the webhook; none where the vendor tells nothing of
/// it, or the customer did not want to be told.
pub async fn requests(
    gateway: &Gateway,
    webhook: &StoredWebhook,
    event: &Event,
) -> Result<Vec<CallbackRequest>, StoreError> {
    let mut specs = providers::ALL.iter();
    let spec = specs.find(|spec| *spec.id == *webhook.format);
    let emitter = spec.and_then(|spec| spec.emit_callback);
    let (Some(spec), Some(emitter), Some(account)) = (spec, emitter, &event.account) else {
        return Ok(Vec::new());
    };
    let subscription = SubscriptionDetails::read(webhook.details.as_deref());
    let callback = match &subscription {
        Some(details) => in_conversation(gateway, account, details, event).await?,
        None if spec.capabilities.subscriptions => None,
        None => about_message(gateway, spec, account, event).await?,
    };
    let Some(callback) = callback else {
        return Ok(Vec::new());
    };
    let mut known = known_of(gateway, spec, account).await?;
    if let Some(details) = subscription {
        known = known
            .with(EVENT_MODEL, details.events)
            .with(SUBSCRIPTION_ID, webhook.id.to_string());
    }
    Ok((emitter.emit)(&known, &[callback]))
}

/// The settings that a vendor goes by in its calls: how its API is served, and what stands with the
/// customer's key.
async fn known_of(
    gateway: &Gateway,
    spec: &'static ProviderSpec,
    account: &AccountId,
) -> Result<Account, StoreError> {
    let keys = gateway.store().keys(Some(account)).await?;
    let mut keys = keys.iter().rev().filter(|key| *key.api == *spec.id);
    let known = gateway.live().config.vendor(spec);
    Ok(match keys.next() {
        Some(key) => {
            let details = KeyDetails::read(key.details.as_deref());
            known.with_all(details.settings())
        }
        None => known,
    })
}

// ---- conversations ----

async fn in_conversation(
    gateway: &Gateway,
    account: &AccountId,
    details: &SubscriptionDetails,
    event: &Event,
) -> Result<Option<Callback>, StoreError> {
    let Some((id, message)) = text_of(gateway, account, event).await? else {
        return Ok(None);
    };
    let kept = gateway.store().conversation(account, &id).await?;
    let Some(kept) = kept else {
        return Ok(None);
    };
    let Some(owner) = owner_of(&kept, details).filter(|owner| details.wants(owner)) else {
        return Ok(None);
    };
    let conversation = shown::conversation(&kept, owner, Some(&message));
    let told = ConversationEvent::new(conversation).message(message);
    Ok(Some(Callback::Conversation(Box::new(told))))
}

/// The text that an event is about, with its conversation.
async fn text_of(
    gateway: &Gateway,
    account: &AccountId,
    event: &Event,
) -> Result<Option<(ConversationId, ConversationMessage)>, StoreError> {
    if event.kind == EventKind::Inbound {
        let told = Told::of(event);
        return Ok(told.map(|told| {
            let text = told.into_stored(account, event);
            (text.conversation.clone(), shown::inbound(&text))
        }));
    }
    let Some(message) = message_of(gateway, account, event).await? else {
        return Ok(None);
    };
    let terms = KeptTerms::read(message.terms.as_deref());
    let conversation = message.conversation.clone();
    Ok(conversation.map(|id| (id, shown::outbound(&message, &terms))))
}

/// Whose conversation it is; one that is nobody's yet is of whoever subscribed.
fn owner_of(kept: &StoredConversation, details: &SubscriptionDetails) -> Option<Mailbox> {
    match kept.owner.as_deref() {
        Some(name) => {
            let (user, domain) = name.split_once('@')?;
            Some(Mailbox::new(domain, user))
        }
        None => Some(Mailbox::new(details.domain.as_str(), details.user.as_str())),
    }
}

// ---- messages ----

async fn about_message(
    gateway: &Gateway,
    spec: &'static ProviderSpec,
    account: &AccountId,
    event: &Event,
) -> Result<Option<Callback>, StoreError> {
    match event.kind {
        EventKind::Inbound => {
            let told = Told::of(event);
            Ok(told.map(|told| Callback::Inbound(told.into_message())))
        }
        EventKind::Delivered
        | EventKind::Undelivered
        | EventKind::Failed
        | EventKind::Expired
        | EventKind::Canceled => {
            let message = message_of(gateway, account, event).await?;
            let report = message.and_then(|message| report(gateway, spec, &message, event));
            Ok(report.map(Callback::Report))
        }
        _ => Ok(None),
    }
}

/// What became of a message; nothing where its sender wanted no report.
fn report(
    gateway: &Gateway,
    spec: &'static ProviderSpec,
    message: &StoredMessage,
    event: &Event,
) -> Option<DeliveryReport> {
    let terms = KeptTerms::read(message.terms.as_deref());
    if terms.without_report {
        return None;
    }
    let mut about = ProviderRef::message(message.id.to_string());
    let batch = message.batch.map(|place| place.batch.to_string());
    about.batch = terms.batch.map(String::from).or(batch);
    let reference = message.reference.as_deref();
    about.reference = reference.and_then(|reference| ClientRef::new(reference).ok());
    about.recipient = Some(message.to);
    let state = messages::reported(event.state.unwrap_or(message.state));
    let mut report = DeliveryReport::new(about, state).at(event.at);
    report.reason = event.reason;
    // Another vendor's code would be taken for one of this vendor's.
    let lane = event.lane.as_ref().and_then(|lane| gateway.lane(lane));
    if lane.is_some_and(|lane| lane.spec.id == spec.id) {
        report.raw = event.code.as_deref().map(str::to_owned);
    }
    Some(report)
}

async fn message_of(
    gateway: &Gateway,
    account: &AccountId,
    event: &Event,
) -> Result<Option<StoredMessage>, StoreError> {
    let Some(id) = event.message else {
        return Ok(None);
    };
    let found = gateway.store().message(Some(account), id).await?;
    Ok(found.map(|history| history.message))
}

/// A text from a phone, as its event tells it.
#[derive(Deserialize)]
struct Told {
    id: tidings_store::InboundId,
    from: String,
    to: String,
    text: String,
    conversation: ConversationId,
    received_at: Option<Timestamp>,
    keyword: Option<String>,
    file: Option<ToldFile>,
}

/// What is said of the file of a text.
#[derive(Deserialize)]
struct ToldFile {
    #[serde(rename = "type")]
    mime_type: String,
    bytes: Option<u64>,
}

impl Told {
    fn of(event: &Event) -> Option<Self> {
        serde_json::from_str(event.detail.as_deref()?).ok()
    }

    fn into_message(self) -> InboundMessage {
        let mut message = InboundMessage::new(self.id.to_string(), self.from, self.to, self.text);
        message.received_at = self.received_at;
        message.keyword = self.keyword;
        message
    }

    fn into_stored(self, account: &AccountId, event: &Event) -> StoredInbound {
        StoredInbound {
            id: self.id,
            account: account.clone(),
            lane: event.lane.clone().unwrap_or_else(|| "".into()),
            provider_id: "".into(),
            from: self.from.into(),
            to: self.to.into(),
            text: self.text.into(),
            conversation: self.conversation,
            keyword: self.keyword.map(Into::into),
            asks_for: None,
            their_time: None,
            received_at: self.received_at.unwrap_or(event.at),
            file: self.file.map(|file| {
                Box::new(InboundFile {
                    mime_type: file.mime_type.into(),
                    bytes: file.bytes,
                    session: "".into(),
                })
            }),
        }
    }
}
