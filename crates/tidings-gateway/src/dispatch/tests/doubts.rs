//! After a lost answer: asking, waiting, and what the policies do.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tidings::{Acceptance, Capabilities, Error, ErrorKind, Receipt, Reconciled};
use tidings_core::{
    DeliveryPolicy, DeliveryReport, Message, MessageState, ProviderRef, ReportedState, Timestamp,
};
use tidings_store::{AttemptId, Doubt, Heard, MessageId, MessageKey, NewMessage};

use super::{Bench, Scripted, phone, seconds};
use crate::config::Config;
use crate::dispatch::doubt::{Answer, Conclusion, Moment, conclude};

fn lost() -> Error {
    Error::new(ErrorKind::Timeout, Acceptance::Unknown, "the line broke")
}

fn with(policy: DeliveryPolicy) -> impl Fn(&mut NewMessage) {
    move |new| new.message.policy = Some(policy)
}

const SETTINGS: &str = "timeout = \"30s\"\n---\n[sending]\ngrace = \"10m\"\nsettle = \"1m\"\n";

#[tokio::test(start_paused = true)]
async fn at_most_once_never_goes_again_and_asks_nobody() {
    let provider = Scripted::new();
    provider.memory.hang_next();
    let bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let once = with(DeliveryPolicy::AtMostOnce);
    let ids = bench.accept_as("one", &["hello"], once).await;
    bench.until_state(ids[0], MessageState::Unknown).await;
    bench.pass(Duration::from_hours(1)).await;
    assert_eq!(bench.state(ids[0]).await, MessageState::Unknown);
    assert_eq!(provider.questions.load(Ordering::Relaxed), 0);
    assert_eq!(provider.texts(), ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn at_least_once_goes_again_after_the_grace_marked_as_a_possible_double() {
    let provider = Scripted::able(Capabilities::submit_only());
    provider.memory.take_and_fail_next(lost());
    let bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let again = with(DeliveryPolicy::AtLeastOnce);
    let ids = bench.accept_as("one", &["hello"], again).await;
    let history = bench.until_state(ids[0], MessageState::Submitted).await;
    assert!(history.message.duplicate_risk);
    assert_eq!(provider.taken(), ["hello", "hello"]);
    let waited = history.attempts[1]
        .began_at
        .since(history.attempts[0].began_at);
    assert!((600..605).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_reconcile_stays_unknown() {
    let provider = Scripted::able(Capabilities::submit_only());
    provider.memory.hang_next();
    let bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let ids = bench.accept("one", &["hello"]).await;
    bench.until_state(ids[0], MessageState::Unknown).await;
    bench.pass(Duration::from_hours(1)).await;
    assert_eq!(bench.state(ids[0]).await, MessageState::Unknown);
    assert_eq!(provider.texts(), ["hello"]);
    let depths = bench.store.lane_depths().await.unwrap();
    assert!(
        depths.iter().all(|depth| depth.in_doubt == 0),
        "nobody asks any more"
    );
}

#[tokio::test(start_paused = true)]
async fn not_taken_is_believed_only_after_it_has_settled() {
    let provider = Scripted::new();
    provider.memory.hang_next();
    let bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let ids = bench.accept("one", &["hello"]).await;
    let history = bench.until_state(ids[0], MessageState::Submitted).await;
    assert!(!history.message.duplicate_risk);
    assert_eq!(history.attempts.len(), 2);
    let unknown_since = history.attempts[0].ended_at.unwrap();
    let waited = history.attempts[1].began_at.since(unknown_since);
    assert!((60..95).contains(&waited.as_secs()), "{waited:?}");
    let n_questions = provider.questions.load(Ordering::Relaxed);
    assert!(
        (3..10).contains(&n_questions),
        "growing intervals: {n_questions}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_on_proves_nothing() {
    let provider = Scripted::new();
    provider.memory.hang_next();
    let bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let ids = bench.accept("one", &["hello"]).await;
    bench.until_state(ids[0], MessageState::Unknown).await;
    bench.clock.set_on(Duration::from_mins(5));
    bench.pass(seconds(50)).await;
    assert_eq!(bench.state(ids[0]).await, MessageState::Unknown);
    bench.until_state(ids[0], MessageState::Submitted).await;
    assert_eq!(provider.texts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_report_settles_a_doubt() {
    let provider = Scripted::able(Capabilities::submit_only());
    provider.memory.take_and_fail_next(lost());
    let bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let again = with(DeliveryPolicy::AtLeastOnce);
    let ids = bench.accept_as("one", &["hello"], again).await;
    bench.until_state(ids[0], MessageState::Unknown).await;
    let mut about = ProviderRef::default();
    let attempt = AttemptId {
        message: ids[0],
        number: 1,
    };
    about.reference = Some(attempt.reference());
    let heard = Heard {
        lane: "one".into(),
        report: DeliveryReport::new(about, ReportedState::Delivered),
        received_at: bench.clock_now(),
    };
    let now = bench.clock_now();
    bench
        .gateway
        .store()
        .apply_reports(vec![heard], now)
        .await
        .unwrap();
    bench.pass(Duration::from_hours(1)).await;
    assert_eq!(bench.state(ids[0]).await, MessageState::Delivered);
    assert_eq!(provider.texts(), ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn lost_answers_on_a_lane_that_is_gone_are_settled_by_policy() {
    let (provider, other) = (Scripted::new(), Scripted::new());
    provider.memory.hang_next();
    provider.memory.hang_next();
    let mut bench = Bench::with(&[("one", &provider), ("two", &other)], SETTINGS).await;
    let again = bench
        .accept_as("one", &["again"], with(DeliveryPolicy::AtLeastOnce))
        .await;
    let asks = bench.accept("one", &["asks"]).await;
    bench.until_state(again[0], MessageState::Unknown).await;
    bench.until_state(asks[0], MessageState::Unknown).await;
    bench.reload(&[("two", &other)]);
    bench.until_state(again[0], MessageState::Submitted).await;
    assert_eq!(other.taken(), ["again"]);
    assert_eq!(bench.state(asks[0]).await, MessageState::Unknown);
}

fn noon() -> Timestamp {
    Timestamp::from_millis(1_795_262_400_000).unwrap()
}

/// What follows from an answer, so many seconds after the answer was lost.
fn concluded(answer: Answer, policy: DeliveryPolicy, after: u64, n_checks: u16) -> Conclusion {
    let mut config = Config::default();
    config.sending.grace = seconds(600);
    config.sending.settle = seconds(60);
    let message = MessageId(uuid::Uuid::nil());
    let doubt = Doubt {
        key: MessageKey(1),
        attempt: AttemptId { message, number: 1 },
        lane: "one".into(),
        began_at: noon(),
        unknown_since: noon(),
        n_checks,
        provider_ref: None,
        message: Message::new(phone("hello"), "hello"),
        policy,
        expires_at: None,
        terms: None,
    };
    let at = Moment {
        now: noon().plus(seconds(after)),
        asked_after: seconds(after),
        random: 1.0,
    };
    conclude(answer, &doubt, &config.sending, &at)
}

fn ask_again(after: u64) -> Conclusion {
    Conclusion::AskAgain(noon().plus(seconds(after)))
}

#[test]
fn what_follows_from_an_answer() {
    use DeliveryPolicy::{AtLeastOnce, AtMostOnce, Reconcile};
    let taken = || Answer::Taken(Box::new(ProviderRef::message("m")));
    for policy in [Reconcile, AtMostOnce, AtLeastOnce] {
        let found = concluded(taken(), policy, 1, 0);
        assert_eq!(
            found,
            Conclusion::Taken(Box::new(ProviderRef::message("m")))
        );
        assert_eq!(
            concluded(Answer::NotTaken, policy, 60, 0),
            Conclusion::NotTaken
        );
        assert_eq!(concluded(Answer::NotTaken, policy, 59, 0), ask_again(60));
    }
    // The waits double.
    assert_eq!(
        concluded(Answer::Later(None), Reconcile, 10, 0),
        ask_again(11)
    );
    assert_eq!(
        concluded(Answer::Later(None), Reconcile, 10, 3),
        ask_again(18)
    );
    assert_eq!(
        concluded(Answer::Later(None), Reconcile, 10, 60),
        ask_again(40)
    );
    let patient = Answer::Later(Some(seconds(100)));
    assert_eq!(concluded(patient, Reconcile, 10, 0), ask_again(110));
    // Who cannot tell is not asked again, but the grace is waited for.
    assert_eq!(
        concluded(Answer::CannotTell, Reconcile, 10, 0),
        ask_again(600)
    );
    assert_eq!(
        concluded(Answer::CannotTell, AtLeastOnce, 10, 0),
        ask_again(600)
    );
    assert_eq!(
        concluded(Answer::CannotTell, AtMostOnce, 10, 0),
        Conclusion::GiveUp
    );
    // Then the policy decides.
    assert_eq!(
        concluded(Answer::CannotTell, Reconcile, 600, 0),
        Conclusion::GiveUp
    );
    assert_eq!(
        concluded(Answer::CannotTell, AtLeastOnce, 600, 0),
        Conclusion::Resend
    );
    assert_eq!(
        concluded(Answer::Later(None), AtLeastOnce, 600, 9),
        Conclusion::Resend
    );
    assert_eq!(
        concluded(Answer::Later(None), Reconcile, 600, 9),
        Conclusion::GiveUp
    );
    // A provider that could tell is asked a few times at least.
    assert_eq!(
        concluded(Answer::Later(None), Reconcile, 600, 2),
        ask_again(604)
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_finds_it_gives_its_name() {
    let provider = Scripted::new();
    provider.memory.hang_next();
    let receipt = Receipt::new(ProviderRef::message("theirs"));
    *provider.answer.lock().unwrap() = Some(Reconciled::Taken(Box::new(receipt)));
    let bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let ids = bench.accept("one", &["hello"]).await;
    let history = bench.until_state(ids[0], MessageState::Submitted).await;
    let about = history.attempts[0].provider_ref.as_ref().unwrap();
    assert_eq!(about.message.as_deref(), Some("theirs"));
    assert_eq!(provider.texts(), ["hello"]);
}
