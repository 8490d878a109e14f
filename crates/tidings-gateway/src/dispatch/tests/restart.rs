//! A process that ends between any two of its steps, and another that goes on.

use std::collections::HashMap;
use std::time::Duration;

use tidings_core::{DeliveryPolicy, MessageState};
use tidings_store::{Begin, LaneMemory, LeaseRequest, Leased, MessageId, NodeId};

use super::{Bench, Scripted, seconds};

const SETTINGS: &str =
    "in_flight = 4\ntimeout = \"30s\"\n---\n[sending]\ngrace = \"10m\"\nsettle = \"1m\"\n";

async fn accept_many(bench: &Bench, n: usize, policy: DeliveryPolicy) -> Vec<MessageId> {
    let texts: Vec<String> = (0..n).map(|n| format!("text {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let policy = |new: &mut tidings_store::NewMessage| new.message.policy = Some(policy);
    bench.accept_as("one", &texts, policy).await
}

/// What a process of this name leased before it ended.
async fn leased_before(bench: &Bench) -> Vec<Leased> {
    let now = bench.clock_now();
    let request = LeaseRequest {
        lane: "one".into(),
        node: NodeId::from("node"),
        until: now.plus(Duration::from_hours(1)),
        limit: 10,
    };
    bench.store.lease_due(request, now).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn after_the_lease() {
    let provider = Scripted::new();
    let mut bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    bench.stop().await;
    let ids = accept_many(&bench, 10, DeliveryPolicy::AtMostOnce).await;
    assert_eq!(leased_before(&bench).await.len(), 10);
    bench.crash().await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(provider.taken().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn after_the_attempt_was_written_and_before_the_call() {
    for policy in [
        DeliveryPolicy::Reconcile,
        DeliveryPolicy::AtMostOnce,
        DeliveryPolicy::AtLeastOnce,
    ] {
        let provider = Scripted::new();
        let mut bench = Bench::with(&[("one", &provider)], SETTINGS).await;
        bench.stop().await;
        let ids = accept_many(&bench, 3, policy).await;
        let begin = leased_before(&bench).await;
        let begin = begin.iter().map(|leased| Begin {
            key: leased.key,
            lease: leased.lease,
            from: None,
        });
        let now = bench.clock_now();
        bench
            .store
            .begin_attempts(begin.collect(), now)
            .await
            .unwrap();
        bench.crash().await;
        bench.until_state(ids[0], MessageState::Unknown).await;
        bench.pass(Duration::from_hours(1)).await;
        // Nobody can know that nothing left, unless the provider can be asked.
        let (state, n_taken) = match policy {
            DeliveryPolicy::AtMostOnce => (MessageState::Unknown, 0),
            _ => (MessageState::Submitted, 3),
        };
        for id in ids {
            assert_eq!(bench.state(id).await, state, "{policy}");
        }
        assert_eq!(provider.taken().len(), n_taken, "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn during_the_call_before_and_after_the_provider_has_it() {
    for (before, after) in [(10, 0), (0, 10)] {
        let provider = Scripted::new();
        provider.take(seconds(before), seconds(after));
        let mut bench = Bench::with(&[("one", &provider)], SETTINGS).await;
        let ids = accept_many(&bench, 4, DeliveryPolicy::Reconcile).await;
        bench.pass(seconds(5)).await;
        assert_eq!(provider.n_calls(), 4);
        bench.crash().await;
        provider.take(Duration::ZERO, Duration::ZERO);
        for id in ids {
            bench.until_state(id, MessageState::Submitted).await;
        }
        assert_eq!(
            provider.taken().len(),
            4,
            "before {before} s, after {after} s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn at_any_moment_nothing_is_lost_and_nothing_goes_twice() {
    let provider = Scripted::new();
    provider.take(Duration::from_millis(70), Duration::from_millis(130));
    let mut bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let ids = accept_many(&bench, 400, DeliveryPolicy::Reconcile).await;
    let mut moments = fastrand::Rng::with_seed(11);
    for _ in 0..60 {
        bench.pass(Duration::from_millis(moments.u64(1..900))).await;
        bench.crash().await;
    }
    for id in ids {
        let history = bench.until_state(id, MessageState::Submitted).await;
        assert!(!history.message.duplicate_risk);
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    for text in provider.taken() {
        *times.entry(text).or_default() += 1;
    }
    assert_eq!(times.len(), 400);
    assert!(times.values().all(|n| *n == 1), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn every_possible_double_is_marked() {
    let provider = Scripted::able(tidings::Capabilities::submit_only());
    provider.take(Duration::from_millis(70), Duration::from_millis(130));
    let mut bench = Bench::with(&[("one", &provider)], SETTINGS).await;
    let ids = accept_many(&bench, 100, DeliveryPolicy::AtLeastOnce).await;
    let mut moments = fastrand::Rng::with_seed(5);
    for _ in 0..20 {
        bench.pass(Duration::from_millis(moments.u64(1..900))).await;
        bench.crash().await;
    }
    let mut times: HashMap<String, usize> = HashMap::new();
    let mut marked = Vec::new();
    for id in ids {
        let history = bench.until_state(id, MessageState::Submitted).await;
        if history.message.duplicate_risk {
            marked.push(history.message.text.to_string());
        }
    }
    for text in provider.taken() {
        *times.entry(text).or_default() += 1;
    }
    assert_eq!(times.len(), 100, "accepted and lost: none");
    let doubles = times.iter().filter(|(_, n)| **n > 1).map(|(text, _)| text);
    let unmarked: Vec<_> = doubles.filter(|text| !marked.contains(text)).collect();
    assert!(unmarked.is_empty(), "{unmarked:?}");
    assert!(!marked.is_empty());
}

#[tokio::test(start_paused = true)]
async fn alarms_that_were_told_are_taken_up() {
    let provider = Scripted::new();
    let mut bench = Bench::of_one(&provider).await;
    let memory = LaneMemory {
        lane: "one".into(),
        memory: r#"{"alarms":{"is_failing":true}}"#.into(),
    };
    bench.store.remember(vec![memory]).await.unwrap();
    bench.crash().await;
    bench.pass(Duration::from_secs(1)).await;
    let lane = bench.gateway.lane(&"one".into()).unwrap();
    let clock = bench.gateway.clock().as_ref();
    let told = lane.standing.watched().told_alarms(clock);
    let told = serde_json::to_value(told).unwrap();
    assert_eq!(
        (&told["is_failing"], &told["is_delayed"]),
        (&true.into(), &false.into())
    );
}
