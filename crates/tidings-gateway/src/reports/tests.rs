//! Tests of what providers say: intervals, windows, balances, and the ways in.

use std::time::Duration;

use http::StatusCode;
use secrecy::SecretString;
use tidings::callback::{Callback, CallbackRequest};
use tidings::{
    AttemptRef, Balance, Capabilities, DeliveryReport, InboundMessage, MessageState, Outbound,
    Provider, ProviderSpec, Reason, Receipt, Reconciled, ReportedState, Result,
};
use tidings_core::{ProviderRef, Timestamp};
use tidings_store::{AttemptId, EventKind};

use super::balance::{self, Standing, Watch, next_question};
use super::health::{self, Calls, Health, News, ToldAlarms, is_provider_fault, note_calls, probe};
use super::polling::{self, Asked};
use super::schedule::{next_poll, pause_after};
use super::{CallbackAnswer, first_poll, hear, lane_at, subscriptions};
use crate::config::MonitoringConfig;
use crate::gateway::Gateway;
use crate::trial::{LANE, Trial};

const PHONE: &str = "+4790000001";

fn calls_its_customers(spec: &ProviderSpec) -> bool {
    spec.capabilities.reports
}

fn is_asked_only(spec: &ProviderSpec) -> bool {
    spec.capabilities.status && !spec.capabilities.reports && spec.capabilities.balance
}

fn has_subscriptions(spec: &ProviderSpec) -> bool {
    spec.capabilities.subscriptions
}

// ---- intervals ----

#[test]
fn a_message_is_asked_about_ever_more_rarely() {
    #[track_caller]
    fn check(age_s: u64, valid_s: Option<u64>, expected_s: Option<u64>) {
        let taken_at: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let now = taken_at.plus(Duration::from_secs(age_s));
        let expires_at = valid_s.map(|valid| taken_at.plus(Duration::from_secs(valid)));
        let next = next_poll(now, taken_at, expires_at, 0.5);
        let found = next.map(|next| next.since(now).as_secs());
        assert_eq!(found, expected_s, "at the age of {age_s} s");
    }
    const HOUR: u64 = 3_600;
    check(0, None, Some(5));
    check(9, None, Some(5));
    check(10, None, Some(15));
    check(60, None, Some(60));
    check(600, None, Some(300));
    check(HOUR, None, Some(1_800));
    check(6 * HOUR, None, Some(2 * HOUR));
    check(24 * HOUR, None, None);
    check(24 * HOUR, Some(60), Some(6 * HOUR));
    check(24 * HOUR + 60, Some(60), None);
    check(71 * HOUR, Some(48 * HOUR), Some(6 * HOUR));
    check(72 * HOUR, Some(48 * HOUR), None);
}

#[test]
fn a_provider_that_fails_is_asked_later_and_later() {
    #[track_caller]
    fn check(n_failures: u32, asked_s: Option<u64>, random: f64, expected_ms: u128) {
        let pause = pause_after(n_failures, asked_s.map(Duration::from_secs), random);
        assert_eq!(pause.as_millis(), expected_ms);
    }
    check(1, None, 1.0, 5_000);
    check(1, None, 0.0, 3_750);
    check(2, None, 1.0, 10_000);
    check(8, None, 1.0, 600_000);
    check(u32::MAX, None, 1.0, 600_000);
    check(1, Some(90), 1.0, 90_000);
    check(8, Some(1), 1.0, 600_000);
}

// ---- windows ----

fn monitoring() -> MonitoringConfig {
    MonitoringConfig {
        failure_rate: Some(0.3),
        delivery_delay: Some(Duration::from_mins(2)),
        ..MonitoringConfig::default()
    }
}

fn good(count: u64) -> News {
    News {
        good: count,
        ..News::default()
    }
}

fn faults(count: u64) -> News {
    News {
        faults: count,
        ..News::default()
    }
}

#[test]
fn failures_begin_to_be_told_and_end_once() {
    let health = Health::default();
    let config = monitoring();
    let at = |seconds: u64, news: News| {
        probe::alarms(&health, news, &config, Duration::from_secs(seconds))
    };
    // Too few to say anything.
    assert_eq!(at(0, faults(19)), []);
    assert_eq!(at(1, faults(1)), [(EventKind::FailureRate, true)]);
    assert_eq!(at(2, faults(50)), []);
    // A share that swings between the limit and half of it is no news.
    assert_eq!(at(3, good(200)), []);
    assert_eq!(at(4, faults(40)), []);
    assert_eq!(at(5, good(500)), [(EventKind::FailureRate, false)]);
    // What is older than the window is forgotten.
    assert_eq!(at(400, good(1)), []);
    assert_eq!(at(401, faults(20)), [(EventKind::FailureRate, true)]);
}

#[test]
fn an_alarm_ends_when_its_failures_are_forgotten() {
    let health = Health::default();
    let config = monitoring();
    let begin = probe::alarms(&health, faults(30), &config, Duration::ZERO);
    assert_eq!(begin, [(EventKind::FailureRate, true)]);
    let later = Duration::from_secs(301);
    let end = probe::alarms(&health, good(1), &config, later);
    assert_eq!(end, [(EventKind::FailureRate, false)]);
}

#[test]
fn delays_are_told_when_the_median_is_late() {
    let health = Health::default();
    let config = monitoring();
    let news = |timely, late| News {
        timely,
        late,
        ..News::default()
    };
    let at =
        |seconds: u64, news| probe::alarms(&health, news, &config, Duration::from_secs(seconds));
    assert_eq!(at(0, news(20, 19)), []);
    assert_eq!(at(1, news(0, 2)), [(EventKind::Delays, true)]);
    assert_eq!(at(2, news(20, 0)), []);
    assert_eq!(at(3, news(60, 0)), [(EventKind::Delays, false)]);
}

/// The limit is two minutes.
#[test]
fn a_lane_of_which_nothing_is_heard_is_told() {
    let health = Health::default();
    let config = monitoring();
    let at = |seconds: u64, taken, ended, late| {
        let news = News {
            taken,
            ended,
            late,
            timely: ended - late,
            ..News::default()
        };
        probe::alarms(&health, news, &config, Duration::from_secs(seconds))
    };
    // One phone that is switched off, and another, say nothing.
    assert_eq!(at(0, 2, 0, 0), []);
    assert_eq!(at(500, 0, 0, 0), []);
    // The third has been waited for no shorter than the first.
    assert_eq!(at(501, 1, 0, 0), [(EventKind::Delays, true)]);
    assert_eq!(at(600, 40, 0, 0), []);
    // What comes late is heard, but it is still late.
    assert_eq!(at(700, 0, 5, 5), []);
    assert_eq!(at(710, 0, 15, 0), [(EventKind::Delays, false)]);
    // Whoever sends nothing is not waited for.
    assert_eq!(at(9_000, 0, 0, 0), []);
    // Some messages are never reported on: as long as others are, there is no silence.
    for minute in 200..260 {
        assert_eq!(at(minute * 60, 10, 7, 0), []);
    }
    assert_eq!(at(260 * 60, 10, 0, 0), []);
    assert_eq!(at(261 * 60, 0, 0, 0), []);
    assert_eq!(at(261 * 60 + 1, 0, 0, 0), [(EventKind::Delays, true)]);
    // Late ones that are forgotten hold no alarm.
    assert_eq!(at(263 * 60, 0, 30, 30), []);
    assert_eq!(at(270 * 60, 0, 0, 0), [(EventKind::Delays, false)]);
}

#[test]
fn an_alarm_goes_on_over_a_restart_and_its_end_is_told_once() {
    let config = monitoring();
    let seconds = Duration::from_secs;
    let before = Health::default();
    let begin = probe::alarms(&before, faults(30), &config, seconds(0));
    assert_eq!(begin, [(EventKind::FailureRate, true)]);
    let (after, _) = probe::after_a_restart(&before, seconds(9), seconds(60));
    let at = |n: u64, news| probe::alarms(&after, news, &config, seconds(n));
    // Too few news say nothing, neither the end nor another beginning.
    assert_eq!(at(1, News::default()), []);
    assert_eq!(at(2, good(3)), []);
    assert_eq!(at(3, faults(40)), []);
    assert_eq!(at(4, good(400)), [(EventKind::FailureRate, false)]);
    let (after, told) = probe::after_a_restart(&after, seconds(9), seconds(60));
    assert_eq!(told, ToldAlarms::default());
    assert_eq!(probe::alarms(&after, good(1), &config, seconds(1)), []);

    // Nothing comes any more: as without a restart it is over when the window is.
    let (after, _) = probe::after_a_restart(&before, seconds(9), seconds(60));
    let at = |n: u64| probe::alarms(&after, News::default(), &config, seconds(n));
    assert_eq!(at(299), []);
    assert_eq!(at(300), [(EventKind::FailureRate, false)]);
}

#[test]
fn a_silence_goes_on_over_a_restart() {
    let config = monitoring();
    let seconds = Duration::from_secs;
    let taken = News {
        taken: 3,
        ..News::default()
    };
    let before = Health::default();
    assert_eq!(probe::alarms(&before, taken, &config, seconds(0)), []);
    let begin = probe::alarms(&before, News::default(), &config, seconds(121));
    assert_eq!(begin, [(EventKind::Delays, true)]);
    let (after, _) = probe::after_a_restart(&before, seconds(130), seconds(60));
    let at = |n: u64, news| probe::alarms(&after, news, &config, seconds(n));
    // However long it lasts.
    assert_eq!(at(0, News::default()), []);
    assert_eq!(at(3_600, taken), []);
    let heard = News {
        ended: 1,
        timely: 1,
        ..News::default()
    };
    assert_eq!(at(3_601, heard), [(EventKind::Delays, false)]);

    // Of late ones it is their share that counts.
    let late = News {
        ended: 30,
        late: 30,
        ..News::default()
    };
    let before = Health::default();
    let begin = probe::alarms(&before, late, &config, seconds(0));
    assert_eq!(begin, [(EventKind::Delays, true)]);
    let (after, _) = probe::after_a_restart(&before, seconds(1), seconds(60));
    let at = |n: u64, news| probe::alarms(&after, news, &config, seconds(n));
    assert_eq!(at(1, heard), []);
    let timely = News {
        ended: 30,
        timely: 30,
        ..News::default()
    };
    assert_eq!(at(2, timely), [(EventKind::Delays, false)]);
}

/// The lane that another process makes of what the first has kept.
#[tokio::test]
async fn an_alarm_is_kept_with_what_the_lane_remembers() {
    let trial = Trial::new(is_asked_only, |config, _| {
        config.monitoring = monitoring();
    })
    .await;
    let lane = trial.lane();
    let calls = Calls {
        n_faults: 30,
        ..Calls::default()
    };
    note_calls(&trial.gateway, &lane, calls).await.unwrap();
    assert_eq!(trial.news().await, ["lane.failure_rate"]);
    let memories = trial.gateway.store().lane_memories().await.unwrap();
    let memory: serde_json::Value = serde_json::from_str(&memories[0].memory).unwrap();
    assert_eq!(memory["alarms"]["is_failing"], true);
    let calls = Calls {
        n_answered: 300,
        ..Calls::default()
    };
    note_calls(&trial.gateway, &lane, calls).await.unwrap();
    let memories = trial.gateway.store().lane_memories().await.unwrap();
    let memory: serde_json::Value = serde_json::from_str(&memories[0].memory).unwrap();
    assert_eq!(memory["alarms"]["is_failing"], false);
}

#[test]
fn without_limits_nothing_is_told() {
    let health = Health::default();
    let news = News {
        faults: 1_000,
        late: 1_000,
        taken: 1_000,
        ..News::default()
    };
    let config = MonitoringConfig {
        failure_rate: None,
        delivery_delay: None,
        ..MonitoringConfig::default()
    };
    for at in [Duration::ZERO, Duration::from_hours(9)] {
        assert_eq!(probe::alarms(&health, news, &config, at), []);
    }
}

#[test]
fn only_faults_of_the_provider_count() {
    let providers = [Reason::CarrierError, Reason::NoRoute, Reason::Unspecified];
    for reason in Reason::ALL {
        let expected = providers.contains(reason);
        assert_eq!(is_provider_fault(Some(*reason)), expected, "{reason}");
    }
    assert!(is_provider_fault(None));
}

// ---- balances ----

#[test]
fn a_balance_stands_and_changes() {
    #[track_caller]
    fn check(before: Standing, amount: i64, low: Option<i64>, told: Option<EventKind>) {
        assert_eq!(before.change(Standing::of(amount, low)), told);
    }
    use Standing::{Empty, Enough, Low};
    check(Enough, 100, Some(50), None);
    check(Enough, 50, Some(50), None);
    check(Enough, 49, Some(50), Some(EventKind::LowBalance));
    check(Low, 48, Some(50), None);
    check(Low, 0, Some(50), Some(EventKind::EmptyBalance));
    check(Enough, 0, None, Some(EventKind::EmptyBalance));
    check(Empty, -3, None, None);
    check(Empty, 10, Some(50), Some(EventKind::BalanceFilled));
    check(Empty, 60, Some(50), Some(EventKind::BalanceFilled));
    check(Low, 60, Some(50), Some(EventKind::BalanceFilled));
    check(Enough, 1, None, None);
}

#[test]
fn a_balance_is_asked_for_more_often_the_faster_it_falls() {
    #[track_caller]
    fn check(amount: i64, low: Option<i64>, fell_by: i64, within_s: u64, expected_s: u64) {
        let used = (fell_by, Duration::from_secs(within_s));
        assert_eq!(next_question(amount, low, used).as_secs(), expected_s);
    }
    check(1_000, None, 0, 60, 900);
    check(1_000, None, -500, 60, 900);
    check(0, None, 100, 60, 60);
    // 1,000 left, 100 a minute: empty in ten minutes.
    check(1_000, None, 100, 60, 300);
    check(1_000, Some(500), 100, 60, 150);
    check(400, Some(500), 100, 60, 120);
    check(100, None, 100, 60, 30);
    check(10, None, 100, 1, 30);
    check(1_000_000, None, 1, 60, 900);
    check(i64::MAX, Some(i64::MIN), i64::MAX, u64::MAX, 900);
}

/// A provider's call at an address, as the route's handler hands it over.
async fn receive(
    gateway: &Gateway,
    lane: &str,
    token: &str,
    call: CallbackRequest,
) -> CallbackAnswer {
    match lane_at(gateway, lane, token) {
        Ok(lane) => super::receive(gateway, &lane, call).await,
        Err(answer) => answer,
    }
}

#[tokio::test]
async fn an_empty_lane_is_out_of_routing_until_it_is_filled() {
    let trial = Trial::new(is_asked_only, |_, lane| lane.low_balance = Some(50)).await;
    let lane = trial.lane();
    let mut watch = Watch::default();
    for (credit, is_empty) in [
        (100, false),
        (40, false),
        (39, false),
        (0, true),
        (0, true),
        (500, false),
    ] {
        trial.provider.set_credit(credit);
        watch.ask(&trial.gateway, &lane, &trial.provider).await;
        assert_eq!(lane.standing.is_empty(), is_empty, "{credit}");
        let kept = lane.standing.balance().map(|(balance, _)| balance.amount);
        assert_eq!(kept, Some(credit));
    }
    let told = [
        "lane.low_balance",
        "lane.empty_balance",
        "lane.balance_filled",
    ];
    assert_eq!(trial.news().await, told);
    let events = trial.events().await;
    let detail: serde_json::Value =
        serde_json::from_str(events[0].detail.as_deref().unwrap()).unwrap();
    assert_eq!(detail["amount"], 40);
    assert_eq!(detail["low_balance"], 50);
}

#[tokio::test]
async fn what_dispatch_finds_out_empties_a_lane_at_once() {
    let trial = Trial::new(is_asked_only, |_, _| ()).await;
    let lane = trial.lane();
    for _ in 0..3 {
        balance::out_of_credit(&trial.gateway, &lane).await.unwrap();
    }
    assert!(lane.standing.is_empty());
    assert_eq!(trial.news().await, ["lane.empty_balance"]);
    trial.provider.set_credit(10);
    let mut watch = Watch::default();
    watch.ask(&trial.gateway, &lane, &trial.provider).await;
    // Some is left, but it was too little: nothing is said before it is more.
    assert!(lane.standing.is_empty());
    trial.provider.set_credit(20);
    watch.ask(&trial.gateway, &lane, &trial.provider).await;
    assert!(!lane.standing.is_empty());
    assert_eq!(
        trial.news().await,
        ["lane.empty_balance", "lane.balance_filled"]
    );
}

/// A long message is refused although some credit is left, and a short one would go.
#[tokio::test]
async fn too_little_is_tried_again_now_and_then_and_told_once() {
    let trial = Trial::new(is_asked_only, |_, _| ()).await;
    let lane = trial.lane();
    let mut watch = Watch::default();
    trial.provider.set_credit(2);
    for _ in 0..3 {
        balance::out_of_credit(&trial.gateway, &lane).await.unwrap();
        watch.ask(&trial.gateway, &lane, &trial.provider).await;
        assert!(lane.standing.is_empty());
        trial.clock.advance(Duration::from_mins(10));
        watch.ask(&trial.gateway, &lane, &trial.provider).await;
        assert!(!lane.standing.is_empty());
    }
    assert_eq!(trial.news().await, ["lane.empty_balance"]);
    // A short one has gone.
    trial.provider.set_credit(1);
    watch.ask(&trial.gateway, &lane, &trial.provider).await;
    assert_eq!(
        trial.news().await,
        ["lane.empty_balance", "lane.balance_filled"]
    );
}

/// As after a restart: what is remembered is that nothing was left.
#[tokio::test]
async fn an_empty_lane_that_is_remembered_is_told_once_and_so_is_that_it_was_filled() {
    let trial = Trial::new(is_asked_only, |_, _| ()).await;
    let lane = trial.lane();
    balance::recall_empty(&lane);
    assert!(lane.standing.is_empty());
    let mut watch = Watch::default();
    trial.provider.set_credit(0);
    watch.ask(&trial.gateway, &lane, &trial.provider).await;
    assert!(lane.standing.is_empty());
    assert_eq!(trial.news().await, Vec::<&str>::new());
    trial.provider.set_credit(500);
    watch.ask(&trial.gateway, &lane, &trial.provider).await;
    assert!(!lane.standing.is_empty());
    assert_eq!(trial.news().await, ["lane.balance_filled"]);
    // What the provider has said since counts more.
    balance::recall_empty(&lane);
    assert!(!lane.standing.is_empty());
}

#[tokio::test]
async fn how_a_balance_stands_is_kept() {
    let trial = Trial::new(is_asked_only, |_, _| ()).await;
    let lane = trial.lane();
    let mut watch = Watch::default();
    for (credit, is_empty) in [(0, true), (500, false)] {
        trial.provider.set_credit(credit);
        watch.ask(&trial.gateway, &lane, &trial.provider).await;
        let memories = trial.gateway.store().lane_memories().await.unwrap();
        let memory: serde_json::Value = serde_json::from_str(&memories[0].memory).unwrap();
        assert_eq!(memory["is_empty"], is_empty);
    }
}

// ---- callbacks ----

const TOKEN: &str = "s3cret-token";

async fn with_callbacks() -> Trial {
    Trial::new(calls_its_customers, |_, lane| {
        lane.callback_token = Some(TOKEN.to_owned().into());
    })
    .await
}

/// The provider's own call that tells of this.
fn call(trial: &Trial, callbacks: &[Callback]) -> CallbackRequest {
    let lane = trial.lane();
    let emit = lane.spec.emit_callback.unwrap().emit;
    let mut calls = emit(&lane.config.account, callbacks);
    assert_eq!(calls.len(), 1);
    calls.remove(0)
}

fn report(about: ProviderRef, state: ReportedState) -> Callback {
    Callback::Report(DeliveryReport::new(about, state))
}

#[tokio::test]
async fn a_call_is_answered_when_it_is_kept() {
    let trial = with_callbacks().await;
    let (id, about) = trial.submitted("a", PHONE, None).await;
    trial.clock.advance(Duration::from_secs(7));
    let told = call(&trial, &[report(about, ReportedState::Delivered)]);
    let answer = receive(&trial.gateway, LANE, TOKEN, told.clone()).await;
    assert_eq!((answer.status, answer.detail), (StatusCode::OK, None));
    assert_eq!(
        trial.message(id).await.message.state,
        MessageState::Delivered
    );
    // Told again, it changes nothing and is answered the same way.
    let answer = receive(&trial.gateway, LANE, TOKEN, told).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(trial.news().await[0], "message.delivered");
}

#[tokio::test]
async fn who_does_not_know_the_token_tells_nothing() {
    let trial = with_callbacks().await;
    let (id, about) = trial.submitted("a", PHONE, None).await;
    let told = call(&trial, &[report(about, ReportedState::Delivered)]);
    for (lane, token) in [(LANE, "s3cret-tokem"), (LANE, ""), ("other", TOKEN)] {
        let answer = receive(&trial.gateway, lane, token, told.clone()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{lane} {token}");
    }
    assert_eq!(
        trial.message(id).await.message.state,
        MessageState::Submitted
    );
}

#[tokio::test]
async fn a_lane_without_a_token_has_no_callbacks() {
    let trial = Trial::new(calls_its_customers, |_, _| ()).await;
    let told = call(
        &trial,
        &[report(ProviderRef::message("m"), ReportedState::Delivered)],
    );
    let answer = receive(&trial.gateway, LANE, "", told).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn of_a_call_that_can_be_read_in_part_the_part_is_kept_and_the_rest_named() {
    let trial = with_callbacks().await;
    let (id, about) = trial.submitted("a", PHONE, None).await;
    let good = call(&trial, &[report(about, ReportedState::Delivered)]);
    let text = String::from_utf8(good.body.to_vec()).unwrap();
    let bad = text.replacen('[', r#"[{"statuscode":0},"#, 1);
    let told = CallbackRequest::post(good.headers, bad.into_bytes());
    let answer = receive(&trial.gateway, LANE, TOKEN, told).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.detail.unwrap().contains("cannot be read"));
    assert_eq!(
        trial.message(id).await.message.state,
        MessageState::Delivered
    );
}

#[tokio::test]
async fn a_report_without_a_match_is_kept_and_stale_ones_change_nothing() {
    let trial = with_callbacks().await;
    let (id, about) = trial.submitted("a", PHONE, None).await;
    let lane = LANE.into();
    let reports = vec![
        report(ProviderRef::message("nobody's"), ReportedState::Delivered),
        report(about.clone(), ReportedState::Delivered),
        report(about.clone(), ReportedState::Sent),
        report(about, ReportedState::Failed),
    ];
    let hearing = hear(&trial.gateway, &lane, reports).await.unwrap();
    assert_eq!(
        (hearing.n_moved, hearing.n_stale, hearing.n_unmatched),
        (1, 2, 1)
    );
    assert_eq!(
        trial.message(id).await.message.state,
        MessageState::Delivered
    );
}

#[tokio::test]
async fn thousands_of_reports_in_one_call_are_all_kept() {
    let trial = with_callbacks().await;
    let mut ids = Vec::new();
    let mut reports = Vec::new();
    for _ in 0..1_200 {
        let (id, _) = trial.submitted("a", PHONE, None).await;
        let mut about = ProviderRef::default();
        let attempt = AttemptId {
            message: id,
            number: 1,
        };
        about.reference = Some(attempt.reference());
        ids.push(id);
        reports.push(report(about, ReportedState::Delivered));
    }
    let hearing = hear(&trial.gateway, &LANE.into(), reports).await.unwrap();
    assert_eq!(hearing.n_moved, 1_200);
    let last = trial.message(ids[1_199]).await.message;
    assert_eq!(last.state, MessageState::Delivered);
}

#[tokio::test]
async fn texts_of_phones_come_by_the_same_calls() {
    let trial = with_callbacks().await;
    let text = InboundMessage::new("in-1", PHONE, "2012", "hello there");
    let told = call(&trial, &[Callback::Inbound(text)]);
    for _ in 0..2 {
        let answer = receive(&trial.gateway, LANE, TOKEN, told.clone()).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let kept = trial
        .gateway
        .store()
        .inbound(None, <_>::default())
        .await
        .unwrap();
    assert_eq!(kept.items.len(), 1);
    assert_eq!(&*kept.items[0].text, "hello there");
    assert_eq!(trial.news().await, ["inbound.received"]);
}

#[tokio::test]
async fn late_deliveries_and_failures_of_a_lane_raise_events() {
    let trial = Trial::new(calls_its_customers, |config, _| {
        config.monitoring.failure_rate = Some(0.5);
        config.monitoring.delivery_delay = Some(Duration::from_mins(1));
    })
    .await;
    let mut abouts = Vec::new();
    for _ in 0..60 {
        abouts.push(trial.submitted("a", PHONE, None).await.1);
    }
    trial.clock.advance(Duration::from_mins(2));
    let late = abouts.split_off(20);
    let delivered = abouts
        .into_iter()
        .map(|it| report(it, ReportedState::Delivered));
    hear(&trial.gateway, &LANE.into(), delivered.collect())
        .await
        .unwrap();
    let failed = late.into_iter().map(|about| {
        let report = DeliveryReport::new(about, ReportedState::Undelivered);
        Callback::Report(report.reason(Reason::CarrierError))
    });
    hear(&trial.gateway, &LANE.into(), failed.collect())
        .await
        .unwrap();
    let raised: Vec<&str> = trial
        .news()
        .await
        .into_iter()
        .filter(|word| word.starts_with("lane."))
        .collect();
    assert_eq!(raised, ["lane.delays", "lane.failure_rate"]);
}

#[tokio::test]
async fn a_lane_that_delivers_nothing_raises_an_event_and_another_when_it_does() {
    let trial = Trial::new(calls_its_customers, |config, lane| {
        config.monitoring.delivery_delay = Some(Duration::from_mins(1));
        lane.callback_token = Some(SecretString::from(TOKEN.to_owned()));
    })
    .await;
    let raised = async || -> Vec<&str> {
        let news = trial.news().await.into_iter();
        news.filter(|word| word.starts_with("lane.")).collect()
    };
    let calls = Calls {
        n_answered: 5,
        n_faults: 0,
        n_taken: 5,
    };
    let (_, about) = trial.submitted("a", PHONE, None).await;
    note_calls(&trial.gateway, &trial.lane(), calls)
        .await
        .unwrap();
    health::look(&trial.gateway).await;
    assert_eq!(raised().await, Vec::<&str>::new());
    trial.clock.advance(Duration::from_mins(2));
    health::look(&trial.gateway).await;
    health::look(&trial.gateway).await;
    assert_eq!(raised().await, ["lane.delays"]);
    let events = trial.events().await;
    let detail: serde_json::Value =
        serde_json::from_str(events.last().unwrap().detail.as_deref().unwrap()).unwrap();
    assert_eq!(detail["state"], "begins");
    assert_eq!(
        (&detail["unheard"], &detail["silent_s"]),
        (&5.into(), &120.into())
    );
    // What comes is late at first, and then it is long ago.
    hear(
        &trial.gateway,
        &LANE.into(),
        vec![report(about, ReportedState::Delivered)],
    )
    .await
    .unwrap();
    assert_eq!(raised().await, ["lane.delays"]);
    trial.clock.advance(Duration::from_mins(6));
    health::look(&trial.gateway).await;
    assert_eq!(raised().await, ["lane.delays", "lane.delays"]);
}

#[tokio::test]
async fn where_no_end_is_ever_told_none_is_missed() {
    let trial = Trial::new(calls_its_customers, |config, _| {
        config.monitoring.delivery_delay = Some(Duration::from_mins(1));
    })
    .await;
    let lane = trial.lane();
    assert!(!lane.capabilities.status && lane.callback_token.is_none());
    let calls = Calls {
        n_taken: 1_000,
        ..Calls::default()
    };
    note_calls(&trial.gateway, &lane, calls).await.unwrap();
    trial.clock.advance(Duration::from_hours(1));
    health::look(&trial.gateway).await;
    assert_eq!(trial.news().await, Vec::<&str>::new());
}

// ---- polling ----

#[tokio::test]
async fn who_does_not_tell_is_asked() {
    let trial = Trial::new(is_asked_only, |_, _| ()).await;
    let lane = trial.lane();
    let now = trial.gateway.now();
    let first = first_poll(&lane, now);
    assert_eq!(first, Some(now.plus(Duration::from_secs(5))));
    let (id, about) = trial.submitted("a", PHONE, first).await;

    let asked = polling::round(&trial.gateway, &lane, &trial.provider, 0)
        .await
        .unwrap();
    assert!(matches!(asked, Asked::Nothing));
    trial.clock.advance(Duration::from_secs(5));
    trial.provider.report(&about, ReportedState::Sent);
    let asked = polling::round(&trial.gateway, &lane, &trial.provider, 0)
        .await
        .unwrap();
    assert!(matches!(asked, Asked::Answered { count: 1 }));
    assert_eq!(trial.message(id).await.message.state, MessageState::Sent);

    trial.provider.report(&about, ReportedState::Delivered);
    trial.clock.advance(Duration::from_secs(6));
    polling::round(&trial.gateway, &lane, &trial.provider, 0)
        .await
        .unwrap();
    assert_eq!(
        trial.message(id).await.message.state,
        MessageState::Delivered
    );
    trial.clock.advance(Duration::from_hours(100));
    let asked = polling::round(&trial.gateway, &lane, &trial.provider, 0)
        .await
        .unwrap();
    assert!(matches!(asked, Asked::Nothing));
}

#[tokio::test]
async fn an_error_lets_the_question_wait_and_loses_nothing() {
    let trial = Trial::new(is_asked_only, |_, _| ()).await;
    let lane = trial.lane();
    let first = first_poll(&lane, trial.gateway.now());
    let (id, about) = trial.submitted("a", PHONE, first).await;
    trial.clock.advance(Duration::from_secs(5));
    let asked = polling::round(&trial.gateway, &lane, &Down, 2).await;
    let Asked::Failed { pause } = asked.unwrap() else {
        panic!("it has not failed");
    };
    assert_eq!(pause, Duration::from_millis(17_500));
    trial.clock.advance(pause);
    trial.provider.report(&about, ReportedState::Delivered);
    let asked = polling::round(&trial.gateway, &lane, &trial.provider, 0).await;
    assert!(matches!(asked.unwrap(), Asked::Answered { count: 1 }));
    assert_eq!(
        trial.message(id).await.message.state,
        MessageState::Delivered
    );
}

/// A provider that cannot be reached.
#[derive(Debug)]
struct Down;

#[tidings::async_trait]
impl Provider for Down {
    fn capabilities(&self) -> Capabilities {
        Capabilities::submit_only()
    }

    async fn submit(&self, _: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        Err(down())
    }

    async fn status(&self, _: &[ProviderRef]) -> Result<Vec<DeliveryReport>> {
        Err(down())
    }

    async fn reconcile(&self, _: &AttemptRef) -> Result<Reconciled> {
        Err(down())
    }

    async fn cancel(&self, _: &ProviderRef) -> Result<()> {
        Err(down())
    }

    async fn balance(&self) -> Result<Balance> {
        Err(down())
    }
}

fn down() -> tidings::Error {
    tidings::Error::not_sent(tidings::ErrorKind::Unavailable, "nobody listens")
}

#[tokio::test]
async fn one_message_that_a_provider_has_forgotten_does_not_silence_it_about_others() {
    let trial = Trial::new(is_asked_only, |_, _| ()).await;
    let lane = trial.lane();
    let first = first_poll(&lane, trial.gateway.now());
    let mut ids = Vec::new();
    for _ in 0..9 {
        let (id, about) = trial.submitted("a", PHONE, first).await;
        trial.provider.report(&about, ReportedState::Delivered);
        ids.push(id);
    }
    trial.provider.keep_last(7);
    trial.clock.advance(Duration::from_secs(5));
    let asked = polling::round(&trial.gateway, &lane, &trial.provider, 0).await;
    assert!(matches!(asked.unwrap(), Asked::Answered { count: 9 }));
    let mut states = Vec::new();
    for id in ids {
        states.push(trial.message(id).await.message.state);
    }
    let (forgotten, known) = states.split_at(2);
    assert_eq!(forgotten, [MessageState::Submitted; 2]);
    assert_eq!(known, [MessageState::Delivered; 7]);
}

#[tokio::test]
async fn who_knows_no_more_than_sent_is_not_asked_for_ever() {
    let trial = Trial::new(has_subscriptions, |_, _| ()).await;
    let lane = trial.lane();
    assert!(!lane.capabilities.tells_delivery);
    let (_, about) = trial
        .submitted("a", PHONE, first_poll(&lane, trial.gateway.now()))
        .await;
    trial.provider.report(&about, ReportedState::Sent);
    trial.clock.advance(Duration::from_secs(5));
    polling::round(&trial.gateway, &lane, &trial.provider, 0)
        .await
        .unwrap();
    trial.clock.advance(Duration::from_hours(1));
    let asked = polling::round(&trial.gateway, &lane, &trial.provider, 0)
        .await
        .unwrap();
    assert!(matches!(asked, Asked::Nothing));
}

#[tokio::test]
async fn who_never_says_an_end_is_asked_for_an_hour() {
    let trial = Trial::new(has_subscriptions, |_, _| ()).await;
    let lane = trial.lane();
    let first = first_poll(&lane, trial.gateway.now());
    trial.submitted("a", PHONE, first).await;
    let mut n_asked = 0;
    for minutes in [1, 50, 10, 600, 600] {
        trial.clock.advance(Duration::from_mins(minutes));
        let asked = polling::round(&trial.gateway, &lane, &trial.provider, 0).await;
        n_asked += usize::from(matches!(asked.unwrap(), Asked::Answered { .. }));
    }
    assert_eq!(n_asked, 3);
}

#[tokio::test]
async fn who_tells_is_not_asked() {
    let trial = with_callbacks().await;
    assert_eq!(first_poll(&trial.lane(), trial.gateway.now()), None);
    let silent = Trial::new(calls_its_customers, |_, _| ()).await;
    // It has no way to be asked either.
    assert_eq!(first_poll(&silent.lane(), silent.gateway.now()), None);
}

/// The loops as a whole: what is due is asked about without anybody calling, also after the
/// configuration was read again, and the loops end with the gateway.
#[tokio::test(start_paused = true)]
async fn the_loops_ask_by_themselves_and_end_with_the_gateway() {
    let trial = Trial::new(is_asked_only, |_, _| ()).await;
    let lane = trial.lane();
    let (id, about) = trial
        .submitted("a", PHONE, first_poll(&lane, trial.gateway.now()))
        .await;
    trial.provider.report(&about, ReportedState::Delivered);
    let loops = super::run(trial.gateway.clone());
    let test = async {
        trial.gateway.signals().reloaded();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(
            trial.message(id).await.message.state,
            MessageState::Submitted
        );
        assert!(lane.standing.balance().is_some());
        trial.clock.advance(Duration::from_secs(5));
        let mut events = trial.gateway.signals().events();
        while trial.message(id).await.message.state != MessageState::Delivered {
            events.changed().await.unwrap();
        }
        trial.gateway.stopping().cancel();
    };
    tokio::join!(loops, test);
}

// ---- subscriptions ----

#[test]
fn a_subscription_is_renewed_when_half_of_its_life_is_over() {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let in_days = |days: u64| Some(now.plus(Duration::from_hours(24 * days)));
    assert!(subscriptions::is_due(None, now));
    assert!(subscriptions::is_due(in_days(14), now));
    assert!(!subscriptions::is_due(in_days(16), now));
}

#[tokio::test]
async fn the_address_of_a_subscription_is_known_where_we_can_be_reached() {
    let url = |public: Option<&str>, token: Option<&str>| {
        let (public, token) = (public.map(str::to_owned), token.map(str::to_owned));
        async move {
            let trial = Trial::new(has_subscriptions, |config, lane| {
                config.server.public_url = public;
                lane.callback_token = token.map(SecretString::from);
            })
            .await;
            let live = trial.gateway.live();
            let url = super::callbacks::subscribed_url(&live.config, &trial.lane());
            url.map(|url| secrecy::ExposeSecret::expose_secret(&url).to_owned())
        }
    };
    let expected = format!("https://sms.example.test/callbacks/{LANE}/t");
    assert_eq!(
        url(Some("https://sms.example.test/"), Some("t")).await,
        Some(expected)
    );
    assert_eq!(url(None, Some("t")).await, None);
    assert_eq!(url(Some("https://sms.example.test"), None).await, None);
    let trial = with_callbacks().await;
    let live = trial.gateway.live();
    assert!(super::callbacks::subscribed_url(&live.config, &trial.lane()).is_none());
}
