//! What became of messages: asking for it, waiting for the end, reports that are pushed in; and the
//! other questions to accounts.

use std::time::Duration;

use tidings_core::{DeliveryPolicy, DeliveryReport, ProviderRef, ReportedState};

use super::*;
use crate::account::AccountName;
use crate::messenger::{Sent, Waiting};

use ReportedState::{Delivered, Expired, Submitted, Undelivered};

async fn sent(messenger: &Messenger, index: usize) -> Sent {
    messenger.send(message(index)).await.unwrap()
}

fn status_times(scripted: &Scripted) -> Vec<u128> {
    let state = scripted.state();
    let calls = state.status_calls.iter();
    calls.map(|(at, _)| at.as_millis()).collect()
}

#[tokio::test(start_paused = true)]
async fn many_are_asked_about_in_one_call_per_account() {
    let two = Two::new();
    let deaf = Scripted::with(&two.clock, |it| it.status = false);
    let messenger = builder(&two.clock, settings())
        .account("first", two.first.shared())
        .account("second", two.second.shared())
        .account("deaf", deaf.shared())
        .build()
        .unwrap();
    let first = [sent(&messenger, 1).await, sent(&messenger, 2).await];
    two.first.memory.fail_next(down());
    let second = sent(&messenger, 3).await;
    let of_deaf = Sent::new(second.reference.clone(), "deaf", ProviderRef::message("x"));
    let of_nobody = Sent::new(second.reference.clone(), "gone", ProviderRef::message("x"));
    two.first.memory.report(&first[1].provider_ref, Delivered);

    let asked = [
        first[1].clone(),
        of_deaf.clone(),
        second.clone(),
        first[0].clone(),
        of_nobody,
    ];
    let reports = messenger.status(&asked).await;
    let states: Vec<_> = reports
        .into_iter()
        .map(|report| report.map(|it| it.state).map_err(|it| it.kind()))
        .collect();
    let expected = [
        Ok(Delivered),
        Err(ErrorKind::Unsupported),
        Ok(Submitted),
        Ok(Submitted),
        Err(ErrorKind::Config),
    ];
    assert_eq!(states, expected);
    assert_eq!(two.first.state().status_calls.len(), 1);

    // The error of one account is that of its messages alone.
    two.first.state().reports.push_back(Err(down()));
    let reports = messenger.status(&asked[..4]).await;
    let is_known: Vec<bool> = reports.iter().map(Result::is_ok).collect();
    assert_eq!(is_known, [false, false, true, false]);
    assert!(messenger.status(&[]).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_end_is_asked_for_in_intervals_that_grow() {
    let two = Two::new();
    let messenger = builder(&two.clock, settings())
        .randomness(Jitter::new(|| 0.0))
        .account("first", two.first.shared())
        .build()
        .unwrap();
    let sent = sent(&messenger, 1).await;
    let states = [Ok(Submitted), Err(down()), Ok(ReportedState::Sent)];
    two.first.state().reports.extend(states);
    two.first.memory.report(&sent.provider_ref, Undelivered);
    let report = messenger.wait_until_final(&sent, &Waiting::default()).await;
    assert_eq!(report.unwrap().state, Undelivered);
    assert_eq!(status_times(&two.first), [1_000, 3_000, 7_000, 15_000]);
}

#[tokio::test(start_paused = true)]
async fn chance_makes_waits_shorter_by_a_quarter_at_the_most() {
    let two = Two::new();
    let messenger = builder(&two.clock, settings())
        .randomness(Jitter::new(|| 1.0))
        .account("first", two.first.shared())
        .build()
        .unwrap();
    let sent = sent(&messenger, 1).await;
    let waiting = Waiting::default()
        .waits(Duration::from_secs(4), Duration::from_secs(8))
        .factor(1.5)
        .total(Duration::from_secs(20));
    let report = messenger.wait_until_final(&sent, &waiting).await.unwrap();
    assert_eq!(report.state, Submitted);
    assert_eq!(status_times(&two.first), [3_000, 7_500, 13_500, 19_500]);
    assert_eq!(two.elapsed(), 20);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_what_is_known() {
    #[track_caller]
    fn check(
        report: Result<DeliveryReport>,
        expected: std::result::Result<ReportedState, ErrorKind>,
    ) {
        assert_eq!(report.map(|it| it.state).map_err(|it| it.kind()), expected);
    }
    let two = Two::new();
    let messenger = two.alone(settings());
    let sent = sent(&messenger, 1).await;
    let waiting = Waiting::default().total(Duration::from_secs(4));
    // The last report, also when the questions after it failed.
    let answers = || [Ok(ReportedState::Sent), Err(down())];
    two.first.state().reports.extend(answers());
    check(
        messenger.wait_until_final(&sent, &waiting).await,
        Ok(ReportedState::Sent),
    );
    // No report, and why.
    two.first.state().reports.extend([Err(down()), Err(down())]);
    check(
        messenger.wait_until_final(&sent, &waiting).await,
        Err(ErrorKind::Unavailable),
    );
    // An answer that will not change.
    let never = Error::not_sent(ErrorKind::Unauthorized, "the key is wrong");
    two.first.state().reports.push_back(Err(never));
    check(
        messenger.wait_until_final(&sent, &waiting).await,
        Err(ErrorKind::Unauthorized),
    );
    // Before the first question.
    let none = Waiting::default().total(Duration::ZERO);
    check(
        messenger.wait_until_final(&sent, &none).await,
        Ok(Submitted),
    );
    // A provider that asks for patience gets it.
    let patience = down().with_retry_after(Duration::from_secs(30));
    two.first.state().reports.push_back(Err(patience));
    two.first.memory.report(&sent.provider_ref, Expired);
    let before = two.elapsed();
    check(
        messenger.wait_until_final(&sent, &Waiting::default()).await,
        Ok(Expired),
    );
    assert!(two.elapsed() - before >= 23);

    let gone = Sent::new(sent.reference.clone(), "gone", sent.provider_ref.clone());
    check(
        messenger.wait_until_final(&gone, &waiting).await,
        Err(ErrorKind::Config),
    );
    let mute = Scripted::with(&two.clock, |it| it.status = false);
    let builder = builder(&two.clock, settings());
    let messenger = builder.account("first", mute.shared()).build().unwrap();
    let before = two.elapsed();
    check(
        messenger.wait_until_final(&sent, &waiting).await,
        Err(ErrorKind::Unsupported),
    );
    assert_eq!(two.elapsed(), before);
}

/// An account that cannot be asked, and whose provider reports by itself.
fn reporting(two: &Two) -> Scripted {
    Scripted::with(&two.clock, |it| {
        it.status = false;
        it.reconcile = false;
        it.reports = true;
    })
}

fn over(two: &Two, scripted: &Scripted, settings: MessengerSettings) -> Messenger {
    let builder = builder(&two.clock, settings);
    builder.account("main", scripted.shared()).build().unwrap()
}

async fn after<T>(seconds: u64, then: impl FnOnce() -> T) -> T {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    then()
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_pushed_in_wakes_all_who_wait() {
    let two = Two::new();
    let messenger = over(&two, &reporting(&two), settings());
    let (one, other) = (sent(&messenger, 1).await, sent(&messenger, 2).await);
    let report = |sent: &Sent, state| DeliveryReport::new(sent.provider_ref.clone(), state);
    let waiting = Waiting::default();
    let (first, second, ()) = tokio::join!(
        messenger.wait_until_final(&one, &waiting),
        messenger.wait_until_final(&one, &waiting),
        async {
            after(5, || messenger.hear(report(&other, Delivered))).await;
            after(5, || messenger.hear(report(&one, ReportedState::Sent))).await;
            after(5, || messenger.hear(report(&one, Undelivered))).await;
        },
    );
    assert_eq!(first.unwrap().state, Undelivered);
    assert_eq!(second.unwrap().state, Undelivered);
    assert_eq!(two.elapsed(), 15);
    // The other's report came before anybody waited for it.
    let report = messenger.wait_until_final(&other, &waiting).await.unwrap();
    assert_eq!((report.state, two.elapsed()), (Delivered, 15));
}

#[tokio::test(start_paused = true)]
async fn a_late_report_takes_no_end_back() {
    let two = Two::new();
    let messenger = over(&two, &reporting(&two), settings());
    let one = sent(&messenger, 1).await;
    for state in [Expired, Submitted, Delivered, ReportedState::Sent] {
        messenger.hear(DeliveryReport::new(one.provider_ref.clone(), state));
    }
    let report = messenger.wait_until_final(&one, &Waiting::default()).await;
    assert_eq!(report.unwrap().state, Delivered);
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_reports_are_kept() {
    let two = Two::new();
    let messenger = over(&two, &reporting(&two), settings().reports_kept(3));
    let mut all = Vec::new();
    for index in 0..5 {
        all.push(sent(&messenger, index).await);
    }
    for sent in &all {
        messenger.hear(DeliveryReport::new(sent.provider_ref.clone(), Delivered));
    }
    let waiting = Waiting::default().total(Duration::from_secs(1));
    let mut states = Vec::new();
    for sent in &all {
        states.push(
            messenger
                .wait_until_final(sent, &waiting)
                .await
                .unwrap()
                .state,
        );
    }
    assert_eq!(
        states,
        [Submitted, Submitted, Delivered, Delivered, Delivered]
    );
}

#[tokio::test(start_paused = true)]
async fn equal_ids_of_two_providers_are_told_apart() {
    let two = Two::new();
    let messenger = builder(&two.clock, settings())
        .account("asked", two.first.shared())
        .account("one", reporting(&two).shared())
        .account("other", reporting(&two).shared())
        .build()
        .unwrap();
    let about = sent(&messenger, 1).await.provider_ref;
    let name = crate::ClientRef::new("x").unwrap();
    let [asked, one, other] =
        ["asked", "one", "other"].map(|account| Sent::new(name.clone(), account, about.clone()));
    let waiting = Waiting::default().total(Duration::from_millis(500));
    let from = AccountName::from("one");
    let report = DeliveryReport::new(about, Delivered);
    messenger.hear_from(&from, report.clone()).unwrap();
    let state = async |sent| {
        let report = messenger.wait_until_final(sent, &waiting).await;
        report.unwrap().state
    };
    assert_eq!(state(&one).await, Delivered);
    assert_eq!(state(&other).await, Submitted);
    // Of one that does not say whose it is, nobody knows better than that its provider reports.
    messenger.hear(report.clone());
    assert_eq!(state(&other).await, Delivered);
    assert_eq!(state(&asked).await, Submitted);
    let nobody = messenger.hear_from(&AccountName::from("gone"), report);
    assert_eq!(nobody.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test(start_paused = true)]
async fn a_report_shows_that_a_message_in_doubt_was_taken() {
    #[track_caller]
    fn check(taken: &Sent, seconds: u64, two: &Two, scripted: &Scripted) {
        assert!(!taken.duplicate_risk);
        assert_eq!(two.elapsed(), seconds);
        assert_eq!((scripted.calls().len(), scripted.n_taken()), (1, 1));
    }
    // By our reference, or by what the error told.
    let named = |two: &Two| {
        let scripted = reporting(two);
        scripted.memory.take_and_fail_next(lost());
        scripted
    };
    for policy in [DeliveryPolicy::Reconcile, DeliveryPolicy::AtLeastOnce] {
        let two = Two::new();
        let scripted = named(&two);
        let messenger = over(
            &two,
            &scripted,
            settings().hears_reports(true).policy(policy),
        );
        let mut about = ProviderRef::message("their-id");
        about.reference = message(1).reference;
        let report = DeliveryReport::new(about.clone(), Undelivered);
        let (taken, ()) = tokio::join!(
            messenger.send(message(1)),
            after(50, || messenger.hear(report)),
        );
        let taken = taken.unwrap();
        assert_eq!(taken.provider_ref, about);
        check(&taken, 50, &two, &scripted);
    }
    let two = Two::new();
    let scripted = reporting(&two);
    let about = ProviderRef::batch_member("b7", number(1));
    let error = lost().with_provider_ref(about.clone());
    scripted.memory.take_and_fail_next(error);
    let messenger = over(&two, &scripted, settings().hears_reports(true));
    // A provider that says itself that it does not know has told nothing.
    let report = |state| DeliveryReport::new(about.clone(), state);
    let (taken, ()) = tokio::join!(messenger.send(message(1)), async {
        after(5, || messenger.hear(report(ReportedState::Unknown))).await;
        after(5, || messenger.hear(report(Submitted))).await;
    });
    check(&taken.unwrap(), 10, &two, &scripted);
}

#[tokio::test(start_paused = true)]
async fn without_a_report_a_message_in_doubt_stays_so() {
    for (hears, seconds) in [(false, 0), (true, 60)] {
        let two = Two::new();
        let scripted = reporting(&two);
        scripted.memory.take_and_fail_next(lost());
        let messenger = over(&two, &scripted, settings().hears_reports(hears));
        let failure = messenger.send(message(1)).await.unwrap_err();
        assert!(failure.is_unknown());
        assert_eq!((two.elapsed(), scripted.calls().len()), (seconds, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_no_more_is_forgotten() {
    let two = Two::new();
    let messenger = over(&two, &reporting(&two), settings().reports_kept(0));
    let one = sent(&messenger, 1).await;
    let waiting = Waiting::default().total(Duration::from_secs(1));
    messenger.wait_until_final(&one, &waiting).await.unwrap();
    assert_eq!(messenger.0.heard.n_waiting(), 0);
    messenger.hear(DeliveryReport::new(one.provider_ref.clone(), Delivered));
    let report = messenger.wait_until_final(&one, &waiting).await.unwrap();
    assert_eq!(report.state, Submitted, "nothing is kept");
}

#[tokio::test(start_paused = true)]
async fn balances_come_account_by_account() {
    let two = Two::new();
    two.first.memory.set_credit(7);
    let poor = Scripted::with(&two.clock, |it| it.balance = false);
    let messenger = builder(&two.clock, settings())
        .account("poor", poor.shared())
        .account("first", two.first.shared())
        .build()
        .unwrap();
    let balances = messenger.balance().await;
    let [(poor, refused), (first, told)] = &*balances else {
        panic!("there are two accounts");
    };
    assert_eq!((poor.as_str(), first.as_str()), ("poor", "first"));
    let error = refused.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "account poor has no way to tell what is left"
    );
    assert_eq!(told.as_ref().unwrap().amount, 7);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_stopped_where_that_can_be_done() {
    let two = Two::new();
    let messenger = two.alone(settings());
    let one = sent(&messenger, 1).await;
    messenger.cancel(&one).await.unwrap();
    let reports = messenger.status(std::slice::from_ref(&one)).await;
    assert_eq!(reports[0].as_ref().unwrap().state, ReportedState::Canceled);
    let gone = Sent::new(one.reference.clone(), "gone", one.provider_ref.clone());
    let error = messenger.cancel(&gone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let never = Scripted::with(&two.clock, |it| it.cancel = false);
    let builder = builder(&two.clock, settings());
    let messenger = builder.account("first", never.shared()).build().unwrap();
    let error = messenger.cancel(&one).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
