//! Tests of texts from phones: whose they are, where they belong, and what follows.

use std::time::Duration;

use tidings::callback::ConversationEvent;
use tidings::conversations::{Conversation, Mailbox};
use tidings::routing::Routes;
use tidings::{InboundMessage, MessageState, ProviderSpec};
use tidings_store::{
    AccountChange, ConversationId, EventKind, MessageFilter, PageRequest, StoredInbound,
    StoredMessage,
};

use super::owner::Owners;
use super::{Received, confirmation, conversation_of, follow, take};
use crate::trial::{LANE, Trial, phone};

const PHONE: &str = "+4790000001";
const OURS: &str = "+4790009999";

fn any(_: &ProviderSpec) -> bool {
    true
}

async fn trial() -> Trial {
    Trial::new(any, |config, _| config.routes = Routes::failover([LANE])).await
}

fn text(id: &str, text: &str) -> InboundMessage {
    InboundMessage::new(id, PHONE, OURS, text)
}

/// Takes texts as told in one call of the provider.
async fn told(trial: &Trial, texts: Vec<InboundMessage>) -> usize {
    take(&trial.gateway, &LANE.into(), texts).await.unwrap()
}

async fn kept(trial: &Trial) -> Vec<StoredInbound> {
    let page = trial.gateway.store().inbound(None, PageRequest::default());
    page.await.unwrap().items
}

async fn has_opted_out(trial: &Trial, account: &str) -> bool {
    let found = trial
        .gateway
        .store()
        .opted_out(&account.into(), None, &[phone(PHONE)])
        .await;
    found.unwrap()[0]
}

async fn confirmations(trial: &Trial) -> Vec<StoredMessage> {
    let page = trial.gateway.store().messages(MessageFilter::default());
    let items = page.await.unwrap().items;
    items
        .into_iter()
        .filter(|it| &*it.text != "hello")
        .collect()
}

async fn set(trial: &Trial, account: &str, settings: &str) {
    let change = AccountChange {
        settings: Some(settings.into()),
        ..AccountChange::default()
    };
    let account = account.into();
    let changed = trial.gateway.store().change_account(&account, change);
    changed.await.unwrap();
}

#[tokio::test]
async fn a_text_is_kept_once_with_its_event() {
    let trial = trial().await;
    assert_eq!(
        told(&trial, vec![text("1", "hi"), text("2", "hi")]).await,
        2
    );
    assert_eq!(
        told(&trial, vec![text("2", "hi"), text("3", "ho")]).await,
        1
    );
    assert_eq!(kept(&trial).await.len(), 3);
    assert_eq!(trial.news().await, ["inbound.received"; 3]);
}

#[tokio::test]
async fn a_text_belongs_to_who_wrote_last_over_the_lane() {
    let trial = trial().await;
    told(&trial, vec![text("1", "hi")]).await;
    trial.submitted("b", PHONE, None).await;
    told(&trial, vec![text("2", "hi")]).await;
    trial.clock.advance(Duration::from_secs(1));
    trial.submitted("a", PHONE, None).await;
    trial.submitted("b", "+4790000002", None).await;
    told(&trial, vec![text("3", "hi")]).await;
    let owners: Vec<String> = kept(&trial)
        .await
        .into_iter()
        .rev()
        .map(|it| it.account.into())
        .collect();
    assert_eq!(owners, ["a", "b", "a"]);
}

#[tokio::test]
async fn the_configuration_may_say_whose_texts_are() {
    let trial = Trial::new(any, |_, lane| lane.inbound_account = Some("b".to_owned())).await;
    trial.submitted("a", PHONE, None).await;
    told(
        &trial,
        vec![
            text("1", "hi"),
            InboundMessage::new("2", "Bank", "2012", "hi"),
        ],
    )
    .await;
    assert!(
        kept(&trial)
            .await
            .iter()
            .all(|it| it.account.as_str() == "b")
    );
}

#[tokio::test]
async fn texts_of_one_phone_make_one_conversation() {
    let trial = trial().await;
    told(&trial, vec![text("1", "hi"), text("2", "ho")]).await;
    told(&trial, vec![text("3", "hi").session("s-1")]).await;
    let conversations: Vec<ConversationId> = kept(&trial)
        .await
        .into_iter()
        .rev()
        .map(|it| it.conversation)
        .collect();
    let pair = conversation_of(OURS, PHONE);
    assert_eq!(conversations, [pair.clone(), pair.clone(), "s-1".into()]);
    assert_eq!(pair.as_str().len(), 34);
    assert!(!pair.as_str().contains("9000"));
    let store = trial.gateway.store();
    let account = "a".into();
    let listed = store.conversations(&account, None, PageRequest::default());
    assert_eq!(listed.await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn a_stop_stops_the_number_for_the_account_alone() {
    let trial = trial().await;
    trial.submitted("b", PHONE, None).await;
    told(&trial, vec![text("1", "Stop!")]).await;
    assert!(has_opted_out(&trial, "b").await);
    assert!(!has_opted_out(&trial, "a").await);
    let row = &kept(&trial).await[0];
    assert_eq!(row.asks_for.as_deref(), Some("opt_out"));
    assert_eq!(trial.news().await, ["opt_out.added", "inbound.received"]);
    assert!(confirmations(&trial).await.is_empty());
}

#[tokio::test]
async fn a_confirmation_passes_its_own_block_and_goes_once() {
    let trial = trial().await;
    set(&trial, "a", r#"{"opt_out_confirmation":"No more texts."}"#).await;
    told(&trial, vec![text("1", "STOP")]).await;
    told(&trial, vec![text("1", "STOP")]).await;
    told(&trial, vec![text("2", "STOP")]).await;
    let sent = confirmations(&trial).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(&*sent[0].text, "No more texts.");
    assert_eq!(sent[0].to, phone(PHONE));
    assert_eq!(
        sent[0].from.as_ref().map(ToString::to_string).as_deref(),
        Some(OURS)
    );
    assert_eq!(sent[0].state, MessageState::Queued);
    assert!(has_opted_out(&trial, "a").await);
}

/// The confirmation was accepted, the number not stopped, and the provider not answered: it tells the
/// text again.
#[tokio::test]
async fn after_a_crash_the_second_telling_stops_and_does_not_confirm_again() {
    let trial = trial().await;
    set(&trial, "a", r#"{"opt_out_confirmation":"No more texts."}"#).await;
    let lane = LANE.into();
    let mut owners = Owners::new(&trial.gateway, &lane);
    let owner = owners.of(Some(&phone(PHONE))).await.unwrap();
    let read = Received::read(&trial.gateway, &lane, text("1", "STOP"), &mut owners);
    let row = read.await.unwrap().row;
    let sent = confirmation::send(&trial.gateway, &owner.customer, &row, phone(PHONE));
    sent.await.unwrap();
    assert!(!has_opted_out(&trial, "a").await);

    told(&trial, vec![text("1", "STOP")]).await;
    assert_eq!(confirmations(&trial).await.len(), 1);
    assert!(has_opted_out(&trial, "a").await);
}

#[tokio::test]
async fn a_stop_that_is_told_again_after_a_start_stops_nobody() {
    let trial = trial().await;
    told(&trial, vec![text("1", "STOP")]).await;
    told(&trial, vec![text("2", "START")]).await;
    told(&trial, vec![text("1", "STOP")]).await;
    assert!(!has_opted_out(&trial, "a").await);
    told(&trial, vec![text("3", "STOP"), text("1", "STOP")]).await;
    assert!(has_opted_out(&trial, "a").await);
}

#[tokio::test]
async fn a_start_opts_in_again_and_a_yes_only_who_had_opted_out() {
    let trial = trial().await;
    told(&trial, vec![text("1", "yes")]).await;
    told(&trial, vec![text("2", "stop")]).await;
    told(&trial, vec![text("3", "Yes!")]).await;
    assert!(!has_opted_out(&trial, "a").await);
    told(&trial, vec![text("4", "stop")]).await;
    // The same text told again is no new wish.
    told(&trial, vec![text("3", "Yes!")]).await;
    assert!(has_opted_out(&trial, "a").await);
    let asked: Vec<Option<String>> = kept(&trial)
        .await
        .into_iter()
        .rev()
        .map(|it| it.asks_for.map(|it| it.to_string()))
        .collect();
    let expected = [None, Some("opt_out"), Some("opt_in"), Some("opt_out")];
    assert_eq!(asked, expected.map(|it| it.map(str::to_owned)));
}

#[tokio::test]
async fn of_two_wishes_in_one_call_the_last_counts() {
    let trial = trial().await;
    told(&trial, vec![text("1", "START"), text("2", "STOP")]).await;
    assert!(has_opted_out(&trial, "a").await);
    told(&trial, vec![text("3", "STOP"), text("4", "START")]).await;
    assert!(!has_opted_out(&trial, "a").await);
}

#[tokio::test]
async fn what_may_be_a_wish_is_marked_and_stops_nothing() {
    let trial = trial().await;
    told(&trial, vec![text("1", "please stop texting me")]).await;
    assert_eq!(
        kept(&trial).await[0].asks_for.as_deref(),
        Some("perhaps_opt_out")
    );
    assert!(!has_opted_out(&trial, "a").await);
}

#[tokio::test]
async fn the_accounts_own_words_and_languages_hold() {
    let trial = trial().await;
    set(
        &trial,
        "a",
        r#"{"opt_out_words":["basta"],"opt_out_languages":["no"]}"#,
    )
    .await;
    told(&trial, vec![text("1", "quit")]).await;
    assert!(!has_opted_out(&trial, "a").await);
    told(&trial, vec![text("2", "BASTA!!")]).await;
    assert!(has_opted_out(&trial, "a").await);
    let event = trial
        .events()
        .await
        .into_iter()
        .find(|event| event.kind == EventKind::OptedOut)
        .unwrap();
    assert!(event.detail.unwrap().contains("basta"));
}

#[tokio::test]
async fn a_sender_without_a_number_can_ask_for_nothing() {
    let trial = trial().await;
    told(
        &trial,
        vec![InboundMessage::new("1", "MyBank", "2012", "STOP")],
    )
    .await;
    let row = &kept(&trial).await[0];
    assert_eq!((&*row.from, &*row.to), ("MyBank", "2012"));
    assert_eq!(trial.news().await, ["inbound.received"]);
}

#[tokio::test]
async fn without_an_account_nothing_is_said_to_be_kept() {
    let trial = trial().await;
    let trial = Trial {
        gateway: crate::Gateway::new(
            std::sync::Arc::new(tidings_store::memory::MemoryStore::new()),
            std::sync::Arc::clone(trial.gateway.clock()),
            trial.gateway.randomness().clone(),
            "node".into(),
            crate::gateway::Live {
                config: crate::Config::default(),
                lanes: <_>::default(),
            },
        ),
        ..trial
    };
    let taken = take(&trial.gateway, &LANE.into(), vec![text("1", "hi")]).await;
    assert!(taken.is_err());
}

#[tokio::test]
async fn what_a_provider_tells_of_a_conversation_is_followed() {
    let trial = trial().await;
    told(&trial, vec![text("1", "hi").session("s-1")]).await;
    let event = |id: &str| {
        let mut conversation = Conversation::new(id, Mailbox::new("example.test", "200"));
        conversation.is_read = true;
        conversation.name = Some("Order 7".to_owned());
        ConversationEvent::new(conversation)
    };
    let events = vec![event("s-1"), event("s-unknown")];
    follow(&trial.gateway, &LANE.into(), events).await.unwrap();
    let store = trial.gateway.store();
    let found = store
        .conversation(&"a".into(), &"s-1".into())
        .await
        .unwrap()
        .unwrap();
    assert!(found.is_read);
    assert_eq!(found.name.as_deref(), Some("Order 7"));
    let unknown = store.conversation(&"a".into(), &"s-unknown".into()).await;
    assert!(unknown.unwrap().is_none());
}
