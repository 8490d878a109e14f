//! Tests of taking, showing and stopping messages.

use tidings::backend::{Batches, Messages, Refusal, SessionWish, Submission, Submitted, Terms};
use tidings_core::{ClientRef, Message, MessageState, Reason, ReportedState};
use tidings_store::{AccountChange, BatchState, MessageFilter, StoredMessage};

use super::{Scene, able, message};
use crate::gateway::Live;
use crate::settings::AccountSettings;
use crate::vendors::KeptTerms;
use crate::vendors::messages::reported;

fn named(place: u32, text: &str, reference: &str) -> Message {
    message(place, text).reference(ClientRef::new(reference).unwrap())
}

impl Scene {
    async fn kept(&self) -> Vec<StoredMessage> {
        let filter = MessageFilter::default();
        let page = self.door.gateway.store().messages(filter).await.unwrap();
        page.items
    }

    /// Takes messages, and says of each its id or why it was refused.
    async fn take(&self, submission: Submission) -> (Option<String>, Vec<Result<String, Refusal>>) {
        let who = self.who().await;
        let accepted = self.door.accept(&who, submission).await.unwrap();
        let verdicts = accepted.verdicts.into_iter();
        let ids = verdicts.map(|verdict| verdict.map(|taken| taken.id));
        (accepted.batch, ids.collect())
    }
}

#[tokio::test]
async fn a_message_is_known_by_the_gateways_own_id() {
    let scene = Scene::with(|it| !it.batches).await;
    let (batch, ids) = scene.take(Submission::one(message(1, "Bonjour"))).await;
    let kept = scene.kept().await;
    assert_eq!(batch, None);
    assert_eq!(ids, [Ok(kept[0].id.to_string())]);
    assert_eq!(
        (&*kept[0].text, kept[0].state),
        ("Bonjour", MessageState::Queued)
    );
    assert_eq!(&*kept[0].origin, scene.door.spec.id);
    let who = scene.who().await;
    let view = scene
        .door
        .message(&who, ids[0].as_ref().unwrap())
        .await
        .unwrap();
    assert_eq!(view.state, ReportedState::Submitted);
    let unknown = Refusal::NotFound { what: "message" };
    assert_eq!(scene.door.message(&who, "12").await, Err(unknown.clone()));
    let other = uuid::Uuid::from_u128(1).to_string();
    assert_eq!(scene.door.message(&who, &other).await, Err(unknown));
}

#[tokio::test]
async fn messages_of_another_account_are_not_there() {
    let scene = Scene::with(|it| !it.batches).await;
    let (_, ids) = scene.take(Submission::one(message(1, "Bonjour"))).await;
    let key = scene
        .door
        .key("other", &[], crate::access::Scopes::ACCOUNT)
        .await;
    let stranger = scene.door.signed_in(&key).await;
    let found = scene
        .door
        .message(&stranger, ids[0].as_ref().unwrap())
        .await;
    assert_eq!(found, Err(Refusal::NotFound { what: "message" }));
}

#[track_caller]
fn check_reported(state: MessageState, expected: ReportedState) {
    assert_eq!(reported(state), expected, "{state}");
}

#[test]
fn states_have_words_that_vendors_know() {
    for state in MessageState::ALL {
        let expected = match state {
            MessageState::Sent => ReportedState::Sent,
            MessageState::Delivered => ReportedState::Delivered,
            MessageState::Undelivered => ReportedState::Undelivered,
            MessageState::Failed => ReportedState::Failed,
            MessageState::Expired => ReportedState::Expired,
            MessageState::Canceled => ReportedState::Canceled,
            _ => ReportedState::Submitted,
        };
        check_reported(*state, expected);
    }
}

#[tokio::test]
async fn each_message_of_a_batch_has_a_verdict() {
    let scene = Scene::with(|it| it.address_book).await;
    let mut too_long = message(2, "");
    too_long.text = "a".repeat(100_000).into();
    let messages = [message(1, "Bonjour"), too_long, message(1, "Bonjour")];
    let wrong = Refusal::invalid("contacts", "is none");
    let submission = Submission::batch(messages, vec![("12".to_owned(), wrong)]);
    let (batch, ids) = scene.take(submission).await;
    assert!(ids[0].is_ok() && ids[2].is_ok(), "{ids:?}");
    assert!(
        matches!(&ids[1], Err(Refusal::Invalid { field: "text", .. })),
        "{ids:?}"
    );
    let who = scene.who().await;
    let batch = batch.unwrap();
    let view = scene.door.batch(&who, &batch).await.unwrap();
    // The rows that were refused were told in the answer.
    assert_eq!((view.successful, view.failed, view.pending), (0, 0, 2));
    let store = scene.door.gateway.store();
    let kept = store
        .batch(None, batch.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((kept.n_rejected, kept.state), (2, BatchState::Running));
}

#[tokio::test]
async fn an_empty_quota_is_said_of_the_whole_call() {
    let scene = Scene::with(|it| it.address_book).await;
    scene
        .set(AccountChange {
            quota: Some(Some(1)),
            ..AccountChange::default()
        })
        .await;
    let both = [message(1, "a"), message(2, "b")];
    let (_, ids) = scene.take(Submission::batch(both, Vec::new())).await;
    assert!(ids[0].is_ok());
    assert_eq!(ids[1], Err(Refusal::InsufficientCredit));
    let who = scene.who().await;
    let refused = scene
        .door
        .accept(&who, Submission::one(message(3, "c")))
        .await;
    assert_eq!(refused.unwrap_err(), Refusal::InsufficientCredit);
}

#[tokio::test]
async fn an_account_that_is_stopped_sends_nothing() {
    let scene = Scene::with(|it| !it.batches).await;
    scene
        .set(AccountChange {
            is_active: Some(false),
            ..AccountChange::default()
        })
        .await;
    let who = scene.who().await;
    let refused = scene
        .door
        .accept(&who, Submission::one(message(1, "a")))
        .await;
    assert!(
        matches!(refused, Err(Refusal::Forbidden { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn nothing_is_taken_while_too_much_waits() {
    let scene = Scene::with(|it| !it.batches).await;
    let gateway = &scene.door.gateway;
    let live = gateway.live();
    let mut config = live.config.clone();
    config.limits.max_queued = 0;
    gateway.set_live(Live {
        config,
        lanes: live.lanes.clone(),
    });
    let who = scene.who().await;
    for submission in [
        Submission::one(message(1, "a")),
        Submission::batch([message(1, "a")], Vec::new()),
    ] {
        let refused = scene.door.accept(&who, submission).await.map(drop);
        let Err(Refusal::Unavailable { retry_after }) = refused else {
            panic!("{refused:?}");
        };
        assert!(retry_after.is_some());
    }
    assert!(scene.kept().await.is_empty());
}

// ---- taken once ----

/// What is said of a message that is handed over three times: as it was, with another text, and as it
/// was under another name.
async fn said_of_repetitions(duplicate_checking: Option<&str>) -> [bool; 3] {
    let spec = able(|it| it.batches);
    let settings: Vec<_> = duplicate_checking
        .map(|word| ("duplicate_checking", word))
        .into_iter()
        .collect();
    let scene = Scene::of(spec, &settings).await;
    let first = named(1, "Hei", "r-1");
    let (_, ids) = scene.take(Submission::one(first.clone())).await;
    assert!(ids[0].is_ok(), "{ids:?}");
    let mut said = Vec::new();
    for again in [first, named(1, "Hallo", "r-1"), named(1, "Hei", "r-2")] {
        let (_, ids) = scene.take(Submission::one(again)).await;
        assert!(matches!(ids[0], Ok(_) | Err(Refusal::Duplicate)), "{ids:?}");
        said.push(ids[0].is_ok());
    }
    said.try_into().unwrap()
}

#[tokio::test]
async fn what_is_sent_again_under_its_reference_is_a_duplicate() {
    assert_eq!(said_of_repetitions(None).await, [false, true, true]);
    assert_eq!(said_of_repetitions(Some("on")).await, [false, false, true]);
    assert_eq!(said_of_repetitions(Some("off")).await, [true, true, true]);
}

#[tokio::test]
async fn the_same_content_is_taken_once_within_the_window_of_the_account() {
    let scene = Scene::with(|it| it.address_book).await;
    scene
        .set_settings(AccountSettings {
            same_content_window_s: 60,
            ..AccountSettings::default()
        })
        .await;
    let (_, first) = scene.take(Submission::one(message(1, "a"))).await;
    let (_, again) = scene.take(Submission::one(message(1, "a"))).await;
    let (_, other) = scene.take(Submission::one(message(2, "a"))).await;
    let both = [message(1, "a"), message(3, "a")];
    let (_, batch) = scene.take(Submission::batch(both, Vec::new())).await;
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_eq!(first[0], batch[0]);
    assert_eq!(scene.kept().await.len(), 3);
}

// ---- what is asked for besides ----

#[tokio::test]
async fn words_of_the_vendor_stay_with_the_message() {
    let scene = Scene::with(|it| it.batches).await;
    let mut terms = Terms::default();
    terms.price = 200;
    terms.without_report = true;
    terms.parameters = vec![("pid".to_owned(), "65".to_owned())];
    let submitted = Submitted::new(message(1, "Hei"), terms.clone());
    let submission = Submission::one(submitted).batch_reference(Some("b-1".to_owned()));
    let (_, ids) = scene.take(submission).await;
    assert!(ids[0].is_ok(), "{ids:?}");
    let kept = scene.kept().await.remove(0).terms;
    let read = KeptTerms::read(kept.as_deref());
    assert_eq!((read.price, read.batch.as_deref()), (200, Some("b-1")));
    let passed_on = KeptTerms::passed_on(kept.as_deref(), scene.door.spec);
    assert_eq!(passed_on.as_deref(), Some(&terms));
    let other = able(|it| !it.batches);
    assert_eq!(KeptTerms::passed_on(kept.as_deref(), other), None);
}

#[tokio::test]
async fn a_conversation_of_the_vendors_network_is_refused() {
    let scene = Scene::with(|it| it.batches).await;
    let mut terms = Terms::default();
    terms.session = SessionWish::New;
    let (_, ids) = scene
        .take(Submission::one(Submitted::new(message(1, "Hei"), terms)))
        .await;
    assert!(matches!(&ids[0], Err(Refusal::Forbidden { .. })), "{ids:?}");
}

// ---- batches ----

#[tokio::test]
async fn calls_that_give_one_name_make_one_batch() {
    let scene = Scene::with(|it| it.batches).await;
    let call = |place| {
        let submission = Submission::batch([message(place, "Hei")], Vec::new());
        submission.batch_reference(Some("b-1".to_owned()))
    };
    for place in 1..=3 {
        let (batch, _) = scene.take(call(place)).await;
        assert_eq!(batch.as_deref(), Some("b-1"));
    }
    let (unnamed, _) = scene
        .take(Submission::batch([message(4, "Hei")], Vec::new()))
        .await;
    let who = scene.who().await;
    let queued = scene.door.queued_batches(&who).await.unwrap();
    let queued: Vec<_> = queued
        .iter()
        .map(|batch| (batch.reference.as_str(), batch.left))
        .collect();
    assert_eq!(queued, [("b-1", 3), (unnamed.as_deref().unwrap(), 1)]);
    let one = scene.door.queued_batch(&who, "b-1").await.unwrap();
    assert_eq!((one.left, one.on_hold), (3, 0));
}

#[tokio::test]
async fn a_stop_names_exactly_what_never_leaves() {
    let scene = Scene::with(|it| it.batches).await;
    let messages = [named(1, "a", "r-1"), message(2, "b")];
    let submission = Submission::batch(messages, Vec::new());
    let (_, ids) = scene
        .take(submission.batch_reference(Some("b-1".to_owned())))
        .await;
    let who = scene.who().await;
    let stopped = scene.door.stop_batch(&who, "b-1").await.unwrap();
    let named: Vec<_> = stopped
        .stopped
        .iter()
        .map(|one| {
            (
                Ok(one.id.clone()),
                one.reference.as_ref().map(ClientRef::as_str),
            )
        })
        .collect();
    assert_eq!(
        named,
        [(ids[0].clone(), Some("r-1")), (ids[1].clone(), None)]
    );
    let gone = Err(Refusal::NotFound { what: "batch" });
    assert_eq!(scene.door.stop_batch(&who, "b-1").await, gone);
    assert!(scene.door.queued_batch(&who, "b-1").await.is_err());
    let view = scene.door.batch(&who, "b-1").await.unwrap();
    assert_eq!((view.failed, view.pending), (2, 0));
    let reasons: Vec<_> = view.failures.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(reasons, [Reason::Canceled, Reason::Canceled]);
    // What comes under the name afterwards is another batch.
    let submission = Submission::batch([message(3, "c")], Vec::new());
    let (_, ids) = scene
        .take(submission.batch_reference(Some("b-1".to_owned())))
        .await;
    assert!(ids[0].is_ok(), "{ids:?}");
    assert_eq!(scene.door.queued_batch(&who, "b-1").await.unwrap().left, 1);
}

#[tokio::test]
async fn a_batch_of_another_account_is_not_there() {
    let scene = Scene::with(|it| it.batches).await;
    let submission = Submission::batch([message(1, "a")], Vec::new());
    scene
        .take(submission.batch_reference(Some("b-1".to_owned())))
        .await;
    let key = scene
        .door
        .key("other", &[], crate::access::Scopes::ACCOUNT)
        .await;
    let stranger = scene.door.signed_in(&key).await;
    assert!(scene.door.queued_batch(&stranger, "b-1").await.is_err());
    assert!(scene.door.stop_batch(&stranger, "b-1").await.is_err());
    assert!(
        scene
            .door
            .queued_batches(&stranger)
            .await
            .unwrap()
            .is_empty()
    );
    let who = scene.who().await;
    assert_eq!(scene.door.queued_batches(&who).await.unwrap().len(), 1);
}
