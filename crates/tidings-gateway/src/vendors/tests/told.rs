//! Tests of events in the vendors' own forms.

use tidings::backend::{
    ConversationDesk, Messages, Post, Recipient, Submission, Submitted, SubscriptionDesk, Terms,
};
use tidings::callback::{Callback, CallbackRequest};
use tidings::conversations::{Direction, Mailbox};
use tidings::subscriptions::NewSubscription;
use tidings_core::{ClientRef, MessageState, ReportedState};
use tidings_store::{
    Event, EventFilter, EventKind, EventSeq, InboundId, MessageId, StoredInbound, StoredWebhook,
    WebhookId,
};

use super::{Scene, able, message, phone};
use crate::vendors::told::requests;

const OURS: &str = "+15550101234";

impl Scene {
    /// An address that is told everything in the vendor's form.
    fn webhook(&self) -> StoredWebhook {
        StoredWebhook {
            id: WebhookId(self.door.gateway.new_id()),
            account: Some("acme".into()),
            url: "https://example.test/in".into(),
            kinds: Vec::new(),
            format: self.door.spec.id.into(),
            details: None,
            secrets: Vec::new(),
            label: None,
            is_enabled: true,
            disabled_because: None,
            failing_since: None,
            expires_at: None,
            created_at: self.door.gateway.now(),
        }
    }

    /// What is told of an event.
    async fn told(&self, webhook: &StoredWebhook, event: &Event) -> Vec<Callback> {
        let made = requests(&self.door.gateway, webhook, event).await.unwrap();
        let parse = self.door.spec.parse_callback.unwrap();
        let read = |request: &CallbackRequest| parse(request).unwrap();
        made.iter().flat_map(read).collect()
    }

    async fn events(&self, kind: EventKind) -> Vec<Event> {
        let filter = EventFilter {
            limit: 100,
            ..EventFilter::default()
        };
        let mut events = self.door.gateway.store().events(filter).await.unwrap();
        events.retain(|event| event.kind == kind);
        events
    }

    async fn hear(&self, conversation: &str) {
        let gateway = &self.door.gateway;
        let heard = StoredInbound {
            id: InboundId(gateway.new_id()),
            account: "acme".into(),
            lane: "one".into(),
            provider_id: "x-1".into(),
            from: phone(1).as_str().into(),
            to: OURS.into(),
            text: "Hi".into(),
            conversation: conversation.into(),
            keyword: None,
            asks_for: None,
            their_time: None,
            received_at: gateway.now(),
            file: None,
        };
        gateway
            .store()
            .add_inbound(vec![heard], gateway.now())
            .await
            .unwrap();
    }
}

/// What happened to a message.
fn came_to(message: MessageId, kind: EventKind, state: MessageState) -> Event {
    Event {
        seq: EventSeq(1),
        at: "2026-11-22T12:00:00Z".parse().unwrap(),
        kind,
        account: Some("acme".into()),
        message: Some(message),
        batch: None,
        lane: Some("one".into()),
        attempt: Some(1),
        state: Some(state),
        version: Some(3),
        their_time: None,
        code: None,
        reason: None,
        detail: None,
    }
}

async fn take(scene: &Scene, terms: Terms) -> MessageId {
    let message = message(1, "Hei").reference(ClientRef::new("r-1").unwrap());
    let submission = Submission::one(Submitted::new(message, terms));
    let submission = submission.batch_reference(Some("b-1".to_owned()));
    let who = scene.who().await;
    let accepted = scene.door.accept(&who, submission).await.unwrap();
    accepted.verdicts[0].as_ref().unwrap().id.parse().unwrap()
}

#[tokio::test]
async fn the_end_of_a_message_is_a_report_of_the_vendor() {
    let scene = Scene::with(|it| it.reports).await;
    let id = take(&scene, Terms::default()).await;
    let webhook = scene.webhook();
    for (kind, state, expected) in [
        (
            EventKind::Delivered,
            MessageState::Delivered,
            ReportedState::Delivered,
        ),
        (
            EventKind::Expired,
            MessageState::Expired,
            ReportedState::Expired,
        ),
        (
            EventKind::Undelivered,
            MessageState::Undelivered,
            ReportedState::Undelivered,
        ),
    ] {
        let told = scene.told(&webhook, &came_to(id, kind, state)).await;
        let [Callback::Report(report)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!(report.state, expected);
        let about = &report.about;
        assert_eq!(about.message.as_deref(), Some(&*id.to_string()));
        assert_eq!(about.batch.as_deref(), Some("b-1"));
        assert_eq!(about.reference.as_ref().map(ClientRef::as_str), Some("r-1"));
    }
    let on_its_way = came_to(id, EventKind::Submitted, MessageState::Submitted);
    assert!(scene.told(&webhook, &on_its_way).await.is_empty());
}

#[tokio::test]
async fn whoever_wants_no_report_gets_none() {
    let scene = Scene::with(|it| it.reports).await;
    let mut terms = Terms::default();
    terms.without_report = true;
    let id = take(&scene, terms).await;
    let event = came_to(id, EventKind::Delivered, MessageState::Delivered);
    assert!(scene.told(&scene.webhook(), &event).await.is_empty());
}

#[tokio::test]
async fn a_text_from_a_phone_is_told_in_the_vendors_form() {
    let scene = Scene::with(|it| it.reports).await;
    scene.hear("c-1").await;
    let event = scene.events(EventKind::Inbound).await.remove(0);
    let told = scene.told(&scene.webhook(), &event).await;
    let [Callback::Inbound(text)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!((text.from.as_str(), &*text.text), (phone(1).as_str(), "Hi"));
}

#[tokio::test]
async fn subscribers_are_told_of_texts_in_both_directions() {
    let spec = able(|it| it.subscriptions);
    let scene = Scene::of(spec, &[("from_number", OURS)]).await;
    let who = scene.who().await;
    let own = Mailbox::new("acme.tidings", "200");
    let new = NewSubscription::new("message", "https://example.test/in");
    let made = scene.door.subscribe(&who, new).await.unwrap();
    let other = NewSubscription::new("message", "https://example.test/in").user("201");
    let of_another = scene.door.subscribe(&who, other).await.unwrap();
    let mut post = Post::new("sms", "Hello", vec![Recipient::Phone(phone(1))]);
    post.from = Some(OURS.parse().unwrap());
    let posted = scene.door.post(&who, &own, post).await.unwrap();
    scene.hear(&posted.conversation).await;
    let store = scene.door.gateway.store();
    let webhook = |id: &str| store.webhook(id.parse().unwrap());
    let made = webhook(&made.id).await.unwrap().unwrap();
    let of_another = webhook(&of_another.id).await.unwrap().unwrap();
    let outbound = scene.events(EventKind::Accepted).await.remove(0);
    let told = scene.told(&made, &outbound).await;
    let [Callback::Conversation(told)] = told.as_slice() else {
        panic!("{told:?}");
    };
    let message = told.message.as_ref().unwrap();
    assert_eq!(
        (message.direction, message.text.as_str()),
        (Direction::Outbound, "Hello")
    );
    assert_eq!(message.id, posted.id);
    let inbound = scene.events(EventKind::Inbound).await.remove(0);
    let told = scene.told(&made, &inbound).await;
    let [Callback::Inbound(text)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(
        (&*text.text, text.session.as_deref()),
        ("Hi", Some(&*posted.conversation))
    );
    assert!(scene.told(&of_another, &inbound).await.is_empty());
}
