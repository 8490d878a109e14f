//! What is done when nobody can know whether a message was taken: every policy, every way in which it
//! can turn out.

use std::time::Duration;

use tidings_core::{DeliveryPolicy, DeliveryReport, ProviderRef, ReportedState};

use super::*;
use crate::messenger::{Failure, Sent};

use DeliveryPolicy::{AtLeastOnce, AtMostOnce, Reconcile};

/// How an attempt without an answer went.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// The provider has the message.
    Taken,
    /// It does not.
    Lost,
}

/// What its provider can say of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Word {
    Truth,
    CannotTell,
    /// There is no such call.
    None,
}

async fn outcome(policy: DeliveryPolicy, fate: Fate, word: Word) -> (Two, Result<Sent, Failure>) {
    let mut two = Two::new();
    if word == Word::None {
        two.first = Scripted::with(&two.clock, |it| it.reconcile = false);
    }
    match fate {
        Fate::Taken => two.first.memory.take_and_fail_next(lost()),
        Fate::Lost => two.first.memory.fail_next(lost()),
    }
    if word == Word::CannotTell {
        two.first.tells([Told::CannotTell, Told::CannotTell]);
    }
    let messenger = two.messenger(settings());
    let outcome = messenger.send(message(1).policy(policy)).await;
    (two, outcome)
}

/// What is expected: whether it is sent with a risk, or not known; how many calls there were, how many
/// texts arrived, and after how many seconds it was known.
#[derive(Debug, PartialEq)]
enum End {
    Sent,
    SentWithRisk,
    Unknown,
}

#[tokio::test(start_paused = true)]
async fn every_policy_and_every_way_it_can_turn_out() {
    use Fate::{Lost, Taken};
    // policy, what happened, what can be told: end, calls, arrivals, seconds
    let table = [
        (Reconcile, Taken, Word::Truth, End::Sent, 1, 1, 0),
        (Reconcile, Taken, Word::CannotTell, End::Unknown, 1, 1, 0),
        (Reconcile, Taken, Word::None, End::Unknown, 1, 1, 0),
        (Reconcile, Lost, Word::Truth, End::Sent, 2, 1, 30),
        (Reconcile, Lost, Word::CannotTell, End::Unknown, 1, 0, 0),
        (Reconcile, Lost, Word::None, End::Unknown, 1, 0, 0),
        (AtMostOnce, Taken, Word::Truth, End::Unknown, 1, 1, 0),
        (AtMostOnce, Taken, Word::CannotTell, End::Unknown, 1, 1, 0),
        (AtMostOnce, Taken, Word::None, End::Unknown, 1, 1, 0),
        (AtMostOnce, Lost, Word::Truth, End::Unknown, 1, 0, 0),
        (AtMostOnce, Lost, Word::CannotTell, End::Unknown, 1, 0, 0),
        (AtMostOnce, Lost, Word::None, End::Unknown, 1, 0, 0),
        (AtLeastOnce, Taken, Word::Truth, End::Sent, 1, 1, 0),
        (
            AtLeastOnce,
            Taken,
            Word::CannotTell,
            End::SentWithRisk,
            2,
            2,
            60,
        ),
        (AtLeastOnce, Taken, Word::None, End::SentWithRisk, 2, 2, 60),
        (AtLeastOnce, Lost, Word::Truth, End::Sent, 2, 1, 30),
        (
            AtLeastOnce,
            Lost,
            Word::CannotTell,
            End::SentWithRisk,
            2,
            1,
            60,
        ),
        (AtLeastOnce, Lost, Word::None, End::SentWithRisk, 2, 1, 60),
    ];
    for (policy, fate, word, expected, calls, arrivals, seconds) in table {
        let case = format!("{policy} {fate:?} {word:?}");
        let (two, outcome) = outcome(policy, fate, word).await;
        let end = match &outcome {
            Ok(sent) if sent.duplicate_risk => End::SentWithRisk,
            Ok(_) => End::Sent,
            Err(failure) => {
                assert!(failure.is_unknown(), "{case}");
                assert_eq!(failure.account.as_ref().unwrap().as_str(), "first");
                assert_eq!(failure.error.acceptance(), Acceptance::Unknown);
                End::Unknown
            }
        };
        assert_eq!(end, expected, "{case}");
        assert_eq!(two.first.calls().len(), calls, "{case}");
        assert_eq!(two.first.n_taken(), arrivals, "{case}");
        assert_eq!(two.elapsed(), seconds, "{case}");
        // Another account is none of this.
        assert!(two.second.calls().is_empty(), "{case}");
        if let Ok(sent) = outcome {
            assert_eq!(sent.account.as_str(), "first");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn that_nothing_was_taken_is_believed_only_after_some_time() {
    let (two, _) = outcome(Reconcile, Fate::Lost, Word::Truth).await;
    assert_eq!(two.first.questions(), [0, 1, 3, 7, 15, 30]);
    assert_eq!(two.first.call_times(), [0, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_late_at_the_provider_is_found() {
    let two = Two::new();
    two.first.memory.take_and_fail_next(lost());
    // It works its way through the provider: at first it is not there.
    two.first
        .tells([Told::NotTaken, Told::NotTaken, Told::NotTaken]);
    let sent = two.messenger(settings()).send(message(1)).await.unwrap();
    assert!(!sent.duplicate_risk);
    assert_eq!(two.first.questions(), [0, 1, 3, 7]);
    assert_eq!(two.first.n_taken(), 1);
}

#[tokio::test(start_paused = true)]
async fn questions_that_fail_are_asked_again() {
    let two = Two::new();
    two.first.memory.take_and_fail_next(lost());
    let wait = down().with_retry_after(Duration::from_secs(20));
    two.first
        .tells([Told::Failure(down()), Told::Failure(wait)]);
    two.messenger(settings()).send(message(1)).await.unwrap();
    assert_eq!(two.first.questions(), [0, 1, 21]);

    let two = Two::new();
    two.first.memory.take_and_fail_next(lost());
    let never = Error::not_sent(ErrorKind::Unauthorized, "the key is wrong");
    two.first.tells([Told::Failure(never)]);
    let failure = two.messenger(settings()).send(message(1)).await;
    assert!(failure.unwrap_err().is_unknown());
    assert_eq!(two.first.questions(), [0]);
}

#[tokio::test(start_paused = true)]
async fn questions_end_with_the_time_of_the_message() {
    #[track_caller]
    fn check(two: &Two, failure: &Failure, last_before: u64) {
        assert!(failure.is_unknown());
        assert!(two.elapsed() <= last_before);
        assert_eq!(two.first.calls().len(), 1);
    }
    let fails = || std::iter::repeat_with(|| Told::Failure(down())).take(1000);
    let two = Two::new();
    two.first.memory.fail_next(lost());
    two.first.tells(fails());
    let failure = two.messenger(settings()).send(message(1)).await;
    check(&two, &failure.unwrap_err(), 600);
    assert!(two.elapsed() > 500);

    let two = Two::new();
    two.first.memory.fail_next(lost());
    let valid = message(1).valid_for(Duration::from_secs(20));
    let failure = two.messenger(settings()).send(valid).await;
    check(&two, &failure.unwrap_err(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_again_on_its_account_and_then_on_the_next() {
    let two = Two::new();
    for _ in 0..3 {
        two.first.memory.fail_next(lost());
    }
    let messenger = two.messenger(settings().resends(2));
    let sent = messenger.send(message(1)).await.unwrap();
    assert_eq!(sent.account.as_str(), "second");
    assert!(!sent.duplicate_risk);
    assert_eq!(two.first.call_times(), [0, 30, 60]);
    assert_eq!(two.second.call_times(), [90]);
    assert_eq!((two.first.n_taken(), two.second.n_taken()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_disproved_on_the_last_account_is_surely_not_sent() {
    let two = Two::new();
    two.first.memory.fail_next(lost());
    let messenger = two.alone(settings().resends(0));
    let failure = messenger.send(message(1)).await.unwrap_err();
    assert!(!failure.is_unknown());
    assert_eq!(failure.error.acceptance(), Acceptance::NotSent);
    assert_eq!(failure.error.kind(), ErrorKind::Timeout);
    let told = messenger.reconcile(&failure).await.unwrap();
    assert_eq!(told, Reconciled::NotTaken);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_taken_stays_so_whatever_comes_after() {
    let two = Two::new();
    let mute = Scripted::with(&two.clock, |it| it.reconcile = false);
    mute.memory.take_and_fail_next(lost());
    let refused = Error::new(ErrorKind::Rejected, Acceptance::Refused, "no more of these");
    mute.memory.fail_next(refused);
    let messenger = builder(&two.clock, settings().policy(AtLeastOnce))
        .account("mute", mute.shared())
        .build()
        .unwrap();
    let failure = messenger.send(message(1)).await.unwrap_err();
    assert!(failure.is_unknown());
    assert_eq!(failure.error.acceptance(), Acceptance::Unknown);
    assert_eq!(failure.others[0].error.kind(), ErrorKind::Rejected);
    assert_eq!(
        failure.to_string(),
        "nobody can tell whether account mute took the message"
    );
}

#[tokio::test(start_paused = true)]
async fn at_least_once_ends_after_the_resends() {
    let two = Two::new();
    let mute = Scripted::with(&two.clock, |it| it.reconcile = false);
    for _ in 0..10 {
        mute.memory.take_and_fail_next(lost());
    }
    let settings = settings().policy(AtLeastOnce).resends(3);
    let messenger = builder(&two.clock, settings)
        .account("mute", mute.shared())
        .account("second", two.second.shared())
        .build()
        .unwrap();
    let failure = messenger.send(message(1)).await.unwrap_err();
    assert!(failure.is_unknown());
    assert_eq!(mute.call_times(), [0, 60, 120, 180]);
    assert!(two.second.calls().is_empty());
    assert_eq!(failure.others.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn at_least_once_takes_another_account_with_the_risk_told() {
    let two = Two::new();
    let mute = Scripted::with(&two.clock, |it| it.reconcile = false);
    mute.memory.take_and_fail_next(lost());
    mute.memory.fail_next(down());
    let messenger = builder(&two.clock, settings().policy(AtLeastOnce))
        .account("mute", mute.shared())
        .account("second", two.second.shared())
        .build()
        .unwrap();
    let sent = messenger.send(message(1)).await.unwrap();
    assert_eq!(sent.account.as_str(), "second");
    assert!(sent.duplicate_risk);
}

#[tokio::test(start_paused = true)]
async fn the_provider_can_be_asked_later() {
    let (two, outcome) = outcome(AtMostOnce, Fate::Lost, Word::Truth).await;
    let failure = outcome.unwrap_err();
    let messenger = two.messenger(settings());
    // The call may still be on its way.
    let told = messenger.reconcile(&failure).await.unwrap();
    assert_eq!(told, Reconciled::CannotTell);
    tokio::time::advance(Duration::from_secs(30)).await;
    let told = messenger.reconcile(&failure).await.unwrap();
    assert_eq!(told, Reconciled::NotTaken);

    let (two, taken) = self::outcome(AtMostOnce, Fate::Taken, Word::Truth).await;
    let messenger = two.messenger(settings());
    let told = messenger.reconcile(&taken.unwrap_err()).await.unwrap();
    assert!(matches!(told, Reconciled::Taken(_)));

    let (_, mute) = self::outcome(AtMostOnce, Fate::Lost, Word::None).await;
    let mute = mute.unwrap_err();
    let elsewhere = two.alone(settings());
    two.first
        .memory
        .set_capabilities(Capabilities::submit_only());
    let without = two.alone(settings());
    assert!(elsewhere.reconcile(&mute).await.is_ok());
    let told = without.reconcile(&mute).await.unwrap();
    assert_eq!(told, Reconciled::CannotTell);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_was_heard_answers_before_the_provider_does() {
    let (two, outcome) = outcome(AtMostOnce, Fate::Taken, Word::None).await;
    let failure = outcome.unwrap_err();
    let messenger = two.messenger(settings());
    let account = failure.account.clone().unwrap();
    let mut about = ProviderRef::message("x");
    about.reference = Some(failure.reference.clone());

    // That a provider does not know proves nothing.
    let unsure = DeliveryReport::new(about.clone(), ReportedState::Unknown);
    messenger.hear_from(&account, unsure).unwrap();
    let told = messenger.reconcile(&failure).await.unwrap();
    assert!(!matches!(told, Reconciled::Taken(_)), "{told:?}");

    let report = DeliveryReport::new(about.clone(), ReportedState::Delivered);
    messenger.hear_from(&account, report).unwrap();
    match messenger.reconcile(&failure).await.unwrap() {
        Reconciled::Taken(receipt) => assert_eq!(receipt.provider_ref, about),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_carries_what_the_error_told() {
    let two = Two::new();
    let about = ProviderRef::batch_member("b1", number(1));
    let error = lost().with_provider_ref(about.clone());
    two.first.memory.fail_next(error);
    let settings = settings().policy(AtMostOnce);
    let failure = two.messenger(settings).send(message(1)).await.unwrap_err();
    let attempt = failure.attempt.unwrap();
    assert_eq!(attempt.provider_ref, Some(about));
    assert_eq!(attempt.outbound.reference.as_str(), "m1");
    assert_eq!(attempt.started, Timestamp::UNIX_EPOCH);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_too_little_leaves_the_rest_unknown() {
    use futures_util::stream::{self, StreamExt as _};

    let two = Two::new();
    two.first.state().answers_to = Some(1);
    let messenger = two.alone(settings().policy(AtMostOnce));
    let messages = stream::iter([message(1), message(2)]);
    let order = crate::messenger::VerdictOrder::Given;
    let verdicts = messenger.send_many(messages, order);
    let outcomes: Vec<_> = verdicts.map(|verdict| verdict.outcome).collect().await;
    let [Ok(_), Err(failure)] = &*outcomes else {
        panic!("one of two messages has a result");
    };
    assert_eq!(failure.error.kind(), ErrorKind::Protocol);
    assert!(failure.is_unknown());
}
