//! Lanes that go down, come back, are paused, emptied, added and removed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tidings::{Capabilities, Error, ErrorKind};
use tidings_core::{HeldReason, MessageState};
use tidings_store::{EventKind, Hold, LaneId, MessageId, NewMessage};

use super::{Bench, Scripted, seconds};
use crate::dispatch::{pause, resume, status};
use crate::lane::Obstacle;

fn unavailable() -> Error {
    Error::not_sent(ErrorKind::Unavailable, "nobody there")
}

async fn accept_many(bench: &Bench, lane: &str, n: usize) -> Vec<MessageId> {
    let texts: Vec<String> = (0..n).map(|n| format!("text {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    bench.accept(lane, &texts).await
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_down_is_left_alone_and_its_messages_move() {
    let (provider, spare) = (Scripted::new(), Scripted::new());
    for _ in 0..16 {
        provider.memory.fail_next(unavailable());
    }
    let bench = Bench::with(&[("one", &provider), ("two", &spare)], "in_flight = 2").await;
    let ids = accept_many(&bench, "one", 600).await;
    for id in &ids {
        bench.until_state(*id, MessageState::Submitted).await;
    }
    let n_calls = provider.n_calls();
    assert!(
        (10..=14).contains(&n_calls),
        "ten failures open the breaker: {n_calls}"
    );
    assert_eq!(provider.taken().len() + spare.taken().len(), 600);
    assert_eq!(bench.events(EventKind::LaneDown).await.len(), 1);
    // It comes back by probes: one call each time.
    for n in 0..10 {
        bench.pass(Duration::from_mins(2)).await;
        let probe = bench.accept("one", &[&format!("probe {n}")]).await;
        bench.until_state(probe[0], MessageState::Submitted).await;
    }
    assert!(provider.taken().len() > 2);
    assert_eq!(bench.events(EventKind::LaneUp).await.len(), 1);
    let all = provider.taken().len() + spare.taken().len();
    assert_eq!(all, 610, "each once");
}

#[tokio::test(start_paused = true)]
async fn without_another_lane_messages_wait_for_the_one_that_is_down() {
    let provider = Scripted::new();
    for _ in 0..30 {
        provider.memory.fail_next(unavailable());
    }
    let bench = Bench::with(&[("one", &provider)], "in_flight = 4").await;
    let ids = accept_many(&bench, "one", 300).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(
        provider.n_calls(),
        330,
        "nothing goes out while the breaker is open, but probes"
    );
    assert_eq!(provider.taken().len(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_person_pauses_a_lane_also_over_a_restart() {
    let provider = Scripted::new();
    let mut bench = Bench::with(&[("one", &provider)], "in_flight = 2").await;
    let one = LaneId::from("one");
    let ids = accept_many(&bench, "one", 200).await;
    bench.until_state(ids[99], MessageState::Submitted).await;
    assert_eq!(pause(&bench.gateway, &one).await.unwrap(), Some(true));
    bench.pass(seconds(1)).await;
    let n_taken = provider.taken().len();
    bench.pass(Duration::from_mins(10)).await;
    assert_eq!(provider.taken().len(), n_taken);
    bench.crash().await;
    bench.pass(Duration::from_mins(10)).await;
    assert_eq!(provider.taken().len(), n_taken);
    assert_eq!(status(&bench.gateway).await.unwrap()[0].state, "paused");
    assert_eq!(pause(&bench.gateway, &one).await.unwrap(), Some(false));
    assert_eq!(resume(&bench.gateway, &one).await.unwrap(), Some(true));
    assert_eq!(resume(&bench.gateway, &"other".into()).await.unwrap(), None);
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(provider.taken().len(), 200);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_lane_that_is_removed_go_to_others_or_wait_for_a_route() {
    let (slow, other) = (Scripted::new().taking(seconds(20)), Scripted::new());
    let config = "in_flight = 1";
    let mut bench = Bench::with(&[("one", &slow), ("two", &other)], config).await;
    let ids = accept_many(&bench, "one", 30).await;
    bench.pass(seconds(10)).await;
    bench.reload(&[("two", &other)]);
    for id in &ids {
        bench.until_state(*id, MessageState::Submitted).await;
    }
    assert_eq!(slow.taken().len() + other.taken().len(), 30);
    assert!(
        slow.taken().len() <= 4,
        "what was in the air came down: {:?}",
        slow.taken()
    );

    let id = bench.accept("one", &["nobody serves this lane"]).await;
    let two = LaneId::from("two");
    pause(&bench.gateway, &two).await.unwrap();
    bench.pass(Duration::from_mins(2)).await;
    let history = bench.history(id[0]).await;
    assert_eq!(
        history.message.lane,
        Some(two),
        "a route leads there, though it is paused"
    );
}

/// A message that only accounts at this provider can carry.
async fn accept_priced(bench: &Bench, lane: &str, text: &str, only_at: &str) -> MessageId {
    let terms = format!(r#"{{"api":"{only_at}","price":200}}"#);
    let edit = |new: &mut NewMessage| new.terms = Some(terms.as_str().into());
    bench.accept_as(lane, &[text], edit).await[0]
}

#[tokio::test(start_paused = true)]
async fn a_priced_message_fails_over_to_accounts_at_its_own_provider() {
    let (down, spare) = (Scripted::new(), Scripted::new());
    down.memory.fail_next(unavailable());
    let bench = Bench::with(&[("one", &down), ("two", &spare)], "in_flight = 1").await;
    let id = accept_priced(&bench, "one", "priced", super::SPEC.id).await;
    bench.until_state(id, MessageState::Submitted).await;
    assert_eq!(spare.taken(), ["priced"]);
}

#[tokio::test(start_paused = true)]
async fn a_priced_message_waits_where_its_lane_has_become_one_at_another_provider() {
    let provider = Scripted::new();
    let bench = Bench::with(&[("one", &provider), ("two", &provider)], "in_flight = 1").await;
    let priced = accept_priced(&bench, "one", "priced", "elsewhere").await;
    let plain = bench.accept("one", &["plain"]).await[0];
    bench.until_state(plain, MessageState::Submitted).await;
    let no_route = MessageState::Held(HeldReason::NoRoute);
    bench.until_state(priced, no_route).await;
    assert_eq!(provider.taken(), ["plain"]);
}

#[tokio::test(start_paused = true)]
async fn a_priced_message_of_a_lane_that_is_removed_waits_for_one_at_its_own_provider() {
    let (slow, other) = (Scripted::new(), Scripted::new());
    let mut bench = Bench::with(&[("one", &slow), ("two", &other)], "in_flight = 1").await;
    pause(&bench.gateway, &"one".into()).await.unwrap();
    let plain = bench.accept("one", &["plain"]).await[0];
    let priced = accept_priced(&bench, "one", "priced", "elsewhere").await;
    bench.reload(&[("two", &other)]);
    bench.until_state(plain, MessageState::Submitted).await;
    let no_route = MessageState::Held(HeldReason::NoRoute);
    bench.until_state(priced, no_route).await;
    bench.reload(&[("one", &slow), ("two", &other)]);
    bench.pass(Duration::from_mins(2)).await;
    assert_eq!(bench.state(priced).await, no_route);
    assert_eq!((slow.n_calls(), other.taken()), (0, vec!["plain".into()]));
}

#[tokio::test(start_paused = true)]
async fn held_messages_go_when_a_route_leads_somewhere() {
    let provider = Scripted::new();
    let mut bench = Bench::with(&[], "").await;
    let ids = bench
        .accept_as("none", &["hello"], |new| {
            new.lane = None;
            new.hold = Some(Hold {
                reason: HeldReason::NoRoute,
                until: None,
            });
        })
        .await;
    bench.pass(Duration::from_hours(1)).await;
    assert_eq!(
        bench.state(ids[0]).await,
        MessageState::Held(HeldReason::NoRoute)
    );
    bench.reload(&[("one", &provider)]);
    bench.until_state(ids[0], MessageState::Submitted).await;
    assert_eq!(provider.taken(), ["hello"]);
}

#[tokio::test(start_paused = true)]
async fn scheduled_messages_leave_when_their_time_has_come() {
    let provider = Scripted::new();
    let bench = Bench::of_one(&provider).await;
    let at = bench.clock_now().plus(Duration::from_hours(3));
    let ids = bench
        .accept_as("one", &["later"], |new| {
            new.hold = Some(Hold {
                reason: HeldReason::Schedule,
                until: Some(at),
            });
        })
        .await;
    let history = bench.until_state(ids[0], MessageState::Submitted).await;
    let late_by = history.attempts[0].began_at.since(at);
    assert!(history.attempts[0].began_at >= at);
    assert!(late_by <= seconds(2), "{late_by:?}");
}

#[tokio::test(start_paused = true)]
async fn an_empty_lane_carries_nothing_until_it_is_filled() {
    let provider = Scripted::new();
    let bench = Bench::of_one(&provider).await;
    let lane = bench.lane("one");
    lane.standing.set_empty(true);
    let ids = bench.accept("one", &["hello"]).await;
    bench.pass(Duration::from_hours(1)).await;
    assert_eq!(
        lane.obstacle(bench.gateway.clock().elapsed()),
        Some(Obstacle::Empty)
    );
    assert_eq!(provider.n_calls(), 0);
    lane.standing.set_empty(false);
    bench.gateway.signals().wake_lane(&"one".into());
    bench.until_state(ids[0], MessageState::Submitted).await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_lane_is_not_tried_after_a_restart() {
    let mut tells_balance = Capabilities::submit_only();
    tells_balance.balance = true;
    for (capabilities, n_calls) in [(tells_balance, 0), (Capabilities::submit_only(), 1)] {
        let (empty, spare) = (Scripted::able(capabilities), Scripted::new());
        let mut bench = Bench::with(&[("one", &empty), ("two", &spare)], "").await;
        crate::reports::out_of_credit(&bench.gateway, &bench.lane("one"))
            .await
            .unwrap();
        bench.crash().await;
        let ids = bench.accept("one", &["hello"]).await;
        bench.until_state(ids[0], MessageState::Submitted).await;
        // Of a provider that tells no balance nobody would hear that the account was filled.
        assert_eq!(empty.n_calls(), n_calls);
        assert_eq!(spare.n_calls(), 1 - n_calls);
        assert_eq!(bench.lane("one").standing.is_empty(), n_calls == 0);
    }
}

/// What is written down by one must not be undone by another who had looked before.
#[tokio::test(start_paused = true)]
async fn a_pause_and_the_parts_of_the_day_are_remembered_together() {
    let provider = Scripted::new();
    let mut bench = Bench::with(&[("one", &provider)], "daily_cap = 1000").await;
    let ids = accept_many(&bench, "one", 150).await;
    bench.until_state(ids[10], MessageState::Submitted).await;
    pause(&bench.gateway, &"one".into()).await.unwrap();
    bench.pass(seconds(1)).await;
    let n_taken = provider.taken().len();
    bench.crash().await;
    bench.pass(seconds(1)).await;
    let status = status(&bench.gateway).await.unwrap().remove(0);
    assert!(status.is_paused);
    assert!(status.parts_today.unwrap() >= n_taken as u64);
}

#[tokio::test(start_paused = true)]
async fn measured_weights_are_remembered_over_a_restart() {
    let (bad, good) = (Scripted::new(), Scripted::new());
    let config =
        "in_flight = 1\n---\n[[routes]]\nlanes = [\"one\", \"two\"]\norder = \"adaptive\"\n";
    let mut bench = Bench::with(&[("one", &bad), ("two", &good)], config).await;
    bench.pass(seconds(1)).await;
    let at_rest = bench.gateway.measured().weights();
    assert!(at_rest.is_some());
    for round in 0..120 {
        if round % 4 == 0 {
            bad.memory.fail_next(unavailable());
        }
        bench.accept("one", &[&format!("bad {round}")]).await;
        bench.accept("two", &[&format!("good {round}")]).await;
        bench.pass(seconds(1)).await;
    }
    bench.pass(Duration::from_mins(2)).await;
    let measured = bench.gateway.measured().weights();
    assert_ne!(measured, at_rest);
    bench.crash().await;
    bench.pass(seconds(1)).await;
    assert_eq!(bench.gateway.measured().weights(), measured);
}

#[tokio::test(start_paused = true)]
async fn status_shows_what_a_lane_does() {
    let provider = Scripted::new().taking(Duration::from_millis(40));
    provider.memory.fail_next(unavailable());
    let bench = Bench::with(
        &[("one", &provider)],
        "in_flight = 1\nrate = 50\ndaily_cap = 1000",
    )
    .await;
    let ids = accept_many(&bench, "one", 20).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    let status = status(&bench.gateway).await.unwrap().remove(0);
    assert_eq!((status.lane.as_str(), status.state), ("one", "up"));
    assert_eq!((status.sent, status.failed, status.unknown), (20, 1, 0));
    assert_eq!((status.queued, status.in_hand, status.in_doubt), (0, 0, 0));
    assert_eq!(
        status.parts_today,
        Some(21),
        "an attempt that failed has left"
    );
    assert_eq!(status.latency_p50_ms, Some(40.0));
    let error = status.last_error.unwrap();
    assert_eq!(
        (error.class, error.detail.as_str()),
        ("unavailable", "nobody there")
    );
    let json = serde_json::to_value(status.breaker).unwrap();
    assert_eq!(json["state"], "closed");
    assert_eq!(provider.open.load(Ordering::Relaxed), 0);
}
