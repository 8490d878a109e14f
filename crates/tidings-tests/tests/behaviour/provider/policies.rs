//! A messenger over the provider: no policy but the one that accepts it lets a message arrive twice, at
//! whatever stage the connection dies, and another account takes over only when nothing was sent.

use std::sync::Arc;
use std::time::Duration;

use tidings::messenger::{Failure, Messenger, MessengerSettings, Sent};
use tidings::{
    Acceptance, AccountName, Clock as _, DeliveryPolicy, Outbound, Provider, Reconciled, Result,
    SystemClock,
};
use tidings_tests::{Ending, Stage, TestClock};

use Acceptance::{NotSent, Refused, Unknown};

use super::unknown::{Fragile, MARKER};
use crate::behaviour::{Behaviour, rows};
use crate::context::{Context, Line};

pub(super) fn rows() -> Vec<Behaviour> {
    let mut rows = rows! {
        another_account_takes_over_when_nothing_was_sent: [],
        no_other_account_takes_over_when_nobody_knows: [],
        a_failure_can_be_found_out_later: [],
    };
    let policies = [
        DeliveryPolicy::Reconcile,
        DeliveryPolicy::AtMostOnce,
        DeliveryPolicy::AtLeastOnce,
    ];
    for policy in policies {
        for stage in Stage::ALL {
            let stage_word = stage.as_str();
            let name = format!("{policy}_with_a_connection_that_dies_{stage_word}");
            rows.push(Behaviour::named(name, &[], move |cx| {
                check_policy(cx, policy, stage)
            }));
        }
    }
    rows
}

/// A messenger over these accounts. Its clock is an hour late, so that every attempt looks as if it had
/// begun long ago, and it waits for nothing.
fn messenger(policy: DeliveryPolicy, accounts: &[(&'static str, &Arc<dyn Provider>)]) -> Messenger {
    let clock = TestClock::at(SystemClock::new().now().minus(Duration::from_hours(1)));
    let settings = MessengerSettings::default()
        .policy(policy)
        .settle(Duration::ZERO)
        .grace(Duration::ZERO)
        .deadline(Duration::from_secs(30));
    let mut builder = Messenger::builder()
        .clock(Arc::new(clock))
        .settings(settings);
    for (name, provider) in accounts {
        builder = builder.account(*name, Arc::clone(provider));
    }
    builder
        .build()
        .expect("the settings of a test fit together")
}

async fn check_policy(cx: Context, policy: DeliveryPolicy, stage: Stage) {
    for ending in Ending::ALL {
        let mut fragile = Fragile::start(cx, (stage, ending)).await;
        let first = messenger(policy, &[("main", &fragile.line.provider)]);
        let row = cx.row(1, MARKER);
        let send = first.send(row.message.clone());
        let said = if stage == Stage::AfterTheConnection {
            // Until it is mended nobody can ask what became of the message.
            let mend = async {
                fragile.cut.wait_for_a_cut().await;
                fragile.cut.heal().await;
            };
            tokio::join!(send, mend).0
        } else {
            send.await
        };
        fragile.heal(cx, stage).await;
        let line = &fragile.line;
        check_outcome(policy, &said, line.arrivals_of(&row));
        let Err(failure) = said else { continue };
        if policy == DeliveryPolicy::AtLeastOnce {
            assert!(failure.attempt.is_none(), "it was to go again: {failure:?}");
        }
        if failure.attempt.is_none() {
            // Nothing was sent, so it may go again now that the line works.
            let again = messenger(policy, &[("main", &line.provider)]);
            let sent = again.send(row.message.clone()).await.unwrap();
            assert!(!sent.duplicate_risk, "{sent:?}");
            assert_eq!(line.arrivals_of(&row), 1);
        }
    }
}

#[track_caller]
fn check_outcome(policy: DeliveryPolicy, said: &Result<Sent, Failure>, arrived: usize) {
    match said {
        Ok(sent) => {
            assert!(arrived > 0, "it was called sent and has not arrived");
            let may_be_twice = policy == DeliveryPolicy::AtLeastOnce && sent.duplicate_risk;
            assert!(arrived == 1 || may_be_twice, "{arrived} times: {sent:?}");
        }
        Err(failure) if failure.attempt.is_some() => {
            assert_eq!(failure.error.acceptance(), Unknown, "{failure:?}");
            assert!(arrived <= 1, "{arrived} times: {failure:?}");
        }
        Err(failure) => {
            let said = failure.error.acceptance();
            assert!(matches!(said, NotSent | Refused), "{failure:?}");
            assert_eq!(arrived, 0, "{failure:?}");
        }
    }
}

/// Two accounts at two carriers, over lines of which the first is cut.
async fn two_accounts(cx: Context, stage: Stage) -> (Fragile, Line, Outbound) {
    let first = Fragile::start(cx, (stage, Ending::Closed)).await;
    let second = cx.start("").await;
    (first, second, cx.row(1, MARKER))
}

async fn another_account_takes_over_when_nothing_was_sent(cx: Context) {
    let (first, second, row) = two_accounts(cx, Stage::BeforeTheConnection).await;
    let accounts = [
        ("first", &first.line.provider),
        ("second", &second.provider),
    ];
    let messenger = messenger(DeliveryPolicy::Reconcile, &accounts);
    let sent = messenger.send(row.message.clone()).await.unwrap();
    assert_eq!(sent.account.as_str(), "second");
    assert!(!sent.duplicate_risk);
    assert_eq!(first.line.arrivals_of(&row), 0);
    assert_eq!(second.arrivals_of(&row), 1);
}

async fn no_other_account_takes_over_when_nobody_knows(cx: Context) {
    for policy in [DeliveryPolicy::Reconcile, DeliveryPolicy::AtMostOnce] {
        let (first, second, row) = two_accounts(cx, Stage::BeforeTheAnswer).await;
        let accounts = [
            ("first", &first.line.provider),
            ("second", &second.provider),
        ];
        let messenger = messenger(policy, &accounts);
        match messenger.send(row.message.clone()).await {
            Ok(sent) => assert_eq!(sent.account.as_str(), "first"),
            Err(failure) => {
                let account = failure.account.as_ref().map(AccountName::as_str);
                assert_eq!(account, Some("first"), "{failure:?}");
                assert!(failure.attempt.is_some(), "{failure:?}");
            }
        }
        assert_eq!(first.line.arrivals_of(&row), 1);
        assert_eq!(second.arrivals_of(&row), 0);
    }
}

async fn a_failure_can_be_found_out_later(cx: Context) {
    let death = (Stage::BeforeTheAnswer, Ending::Closed);
    let Fragile { line, cut: _cut } = Fragile::start(cx, death).await;
    let messenger = messenger(DeliveryPolicy::AtMostOnce, &[("main", &line.provider)]);
    let row = cx.row(1, MARKER);
    let failure = messenger.send(row.message.clone()).await.unwrap_err();
    let found = messenger.reconcile(&failure).await.unwrap();
    assert_ne!(found, Reconciled::NotTaken, "it arrived");
    if !cx.can().reconcile {
        assert_eq!(found, Reconciled::CannotTell);
    }
    assert_eq!(line.arrivals_of(&row), 1);
}
