//! Another account takes over when it is proved that nothing was sent, and only then.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::{DeliveryPolicy, SenderId};

use super::*;
use crate::messenger::Step;
use crate::routing::{RouteAccount, Routes, Rule};

const ACCEPTANCES: [Acceptance; 3] = [
    Acceptance::NotSent,
    Acceptance::Refused,
    Acceptance::Unknown,
];

const POLICIES: [DeliveryPolicy; 3] = [
    DeliveryPolicy::Reconcile,
    DeliveryPolicy::AtMostOnce,
    DeliveryPolicy::AtLeastOnce,
];

#[test]
fn what_an_error_asks_for_under_each_policy() {
    for kind in ErrorKind::ALL {
        for acceptance in ACCEPTANCES {
            for policy in POLICIES {
                let error = Error::new(kind, acceptance, "x");
                let expected = match (acceptance, policy) {
                    (Acceptance::Unknown, DeliveryPolicy::AtMostOnce) => Step::GiveUp,
                    (Acceptance::Unknown, _) => Step::FindOut,
                    _ if error.may_fail_over() => Step::NextAccount,
                    _ => Step::GiveUp,
                };
                let step = Step::after(&error, policy);
                assert_eq!(step, expected, "{kind} {acceptance} {policy}");
            }
        }
    }
}

/// Every kind and acceptance at the first account, under the policy that sends the least.
#[tokio::test(start_paused = true)]
async fn the_next_account_gets_what_may_fail_over_and_nothing_else() {
    for kind in ErrorKind::ALL {
        for acceptance in ACCEPTANCES {
            let two = Two::new();
            let error = Error::new(kind, acceptance, "as ordered");
            let may = error.may_fail_over();
            two.first.memory.fail_next(error);
            let settings = settings().policy(DeliveryPolicy::AtMostOnce);
            let outcome = two.messenger(settings).send(message(1)).await;
            assert_eq!(
                two.second.n_taken(),
                usize::from(may),
                "{kind} {acceptance}"
            );
            assert_eq!(two.first.calls().len(), 1);
            match outcome {
                Ok(sent) => {
                    assert!(may && !sent.duplicate_risk);
                    assert_eq!(sent.account.as_str(), "second");
                    assert_eq!(sent.reference.as_str(), "m1");
                }
                Err(failure) => {
                    assert!(!may);
                    assert_eq!(failure.error.kind(), kind);
                    assert_eq!(failure.is_unknown(), acceptance == Acceptance::Unknown);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_all_have_failed_a_person_sees_what_each_said() {
    let two = Two::new();
    two.first.memory.fail_next(down());
    let no_credit = Error::not_sent(ErrorKind::InsufficientCredit, "no credit is left");
    two.second.memory.fail_next(no_credit);
    let failure = two
        .messenger(settings())
        .send(message(1))
        .await
        .unwrap_err();
    assert_eq!(failure.account.as_ref().unwrap().as_str(), "second");
    assert_eq!(failure.error.kind(), ErrorKind::InsufficientCredit);
    assert_eq!(
        failure.to_string(),
        "account second did not take the message"
    );
    assert_eq!(failure.source().unwrap().to_string(), "no credit is left");
    let [other] = &*failure.others else {
        panic!("two accounts were asked");
    };
    assert_eq!(other.account.as_str(), "first");
    assert_eq!(other.error.to_string(), "nobody listens");
    // The messenger itself does not go round again.
    assert_eq!((two.first.calls().len(), two.second.calls().len()), (1, 1));
    assert_eq!(two.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_refused_for_itself_is_not_offered_elsewhere() {
    let two = Two::new();
    let error = Error::new(ErrorKind::Rejected, Acceptance::Refused, "a filter took it");
    two.first.memory.fail_next_to(&number(1), error);
    let messenger = two.messenger(settings());
    let failure = messenger.send(message(1)).await.unwrap_err();
    assert_eq!(failure.account.unwrap().as_str(), "first");
    assert!(two.second.calls().is_empty() && failure.others.is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_account_gets_the_sender_that_its_route_sets() {
    let two = Two::new();
    let sender = |name| SenderId::parse(name).unwrap();
    let routes = Routes::new([Rule::new("all")
        .accounts([
            RouteAccount::new("first").sender(sender("Norway")),
            RouteAccount::new("second"),
        ])
        .default_sender(sender("Tidings"))]);
    let messenger = builder(&two.clock, settings())
        .account("first", two.first.shared())
        .account("second", two.second.shared())
        .routes(routes)
        .build()
        .unwrap();
    messenger.send(message(1)).await.unwrap();
    two.first.memory.fail_next(down());
    messenger.send(message(2)).await.unwrap();
    two.first.memory.fail_next(down());
    messenger
        .send(message(3).from(sender("Own")))
        .await
        .unwrap();
    let senders = |scripted: &Scripted| -> Vec<String> {
        let messages = scripted.memory.messages().into_iter();
        messages
            .map(|it| it.message.from.unwrap().to_string())
            .collect()
    };
    assert_eq!(senders(&two.first), ["Norway"]);
    assert_eq!(senders(&two.second), ["Tidings", "Own"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_not_sent_later_than_it_is_worth() {
    let two = Two::new();
    // The second account gets what is left of the time.
    two.first.takes([4_000, 11_000]);
    two.first.memory.fail_next(down());
    two.first.memory.fail_next(down());
    let messenger = two.messenger(settings());
    let ten_seconds = Duration::from_secs(10);
    messenger
        .send(message(1).valid_for(ten_seconds))
        .await
        .unwrap();
    let taken = &two.second.memory.messages()[0];
    assert_eq!(taken.message.valid_for, Some(Duration::from_secs(6)));
    let late = messenger.send(message(2).valid_for(ten_seconds)).await;
    let failure = late.unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Timeout);
    assert_eq!(failure.error.acceptance(), Acceptance::NotSent);
    assert_eq!(failure.others[0].error.kind(), ErrorKind::Unavailable);
    assert_eq!(two.second.n_taken(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_lately_fails_gets_fewer_messages() {
    use crate::routing::{AdaptivePolicy, Order};

    let two = Two::new();
    let policy = AdaptivePolicy::default()
        .interval(Duration::from_secs(1))
        .min_observations(5)
        .steps(1.0, 0.01);
    let accounts = ["first", "second"].map(|name| RouteAccount::new(name).weight(1.0));
    let rule = Rule::new("all").accounts(accounts);
    let messenger = builder(&two.clock, settings())
        .account("first", two.first.shared())
        .account("second", two.second.shared())
        .routes(Routes::new([rule.order(Order::Adaptive).adaptive(policy)]))
        .build()
        .unwrap();
    for _ in 0..1000 {
        two.first.memory.fail_next(down());
    }
    let mut n_asked = Vec::new();
    for round in 0..2 {
        let before = two.first.calls().len();
        for index in 0..100 {
            messenger.send(message(round * 100 + index)).await.unwrap();
        }
        n_asked.push(two.first.calls().len() - before);
        tokio::time::advance(Duration::from_secs(2)).await;
        messenger.send(message(900 + round)).await.unwrap();
    }
    assert!(n_asked[0] > 30, "half of them at first: {n_asked:?}");
    assert!(n_asked[1] < n_asked[0] / 2, "fewer then: {n_asked:?}");
}

#[test]
fn a_messenger_without_sense_is_not_built() {
    #[track_caller]
    fn check(builder: MessengerBuilder, expected: &str) {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.to_string(), expected);
    }
    let provider = || -> Arc<dyn Provider> { Arc::new(MemoryProvider::new()) };
    check(
        Messenger::builder(),
        "a messenger needs at least one account",
    );
    let twice = Messenger::builder()
        .account("main", provider())
        .account("main", provider());
    check(twice, "two accounts have the name main");
    let nowhere = Messenger::builder()
        .account("main", provider())
        .routes(Routes::default());
    check(
        nowhere,
        "the routes of the messenger have no rule, so no message would have an account",
    );
    let elsewhere = Messenger::builder()
        .account("main", provider())
        .routes(Routes::failover(["main", "spare"]));
    check(
        elsewhere,
        "the routes of the messenger do not make sense: rule 1 names the account spare, which does not exist",
    );
}
