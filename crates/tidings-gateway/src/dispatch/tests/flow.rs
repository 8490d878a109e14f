//! What leaves when, in which calls, and how much at once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tidings::{Error, ErrorKind};
use tidings_core::{MessageState, Priority, SenderId};
use tidings_store::Stamp;
use tokio_util::sync::CancellationToken;

use super::super::lane::LaneLoop;
use super::{Bench, Scripted, seconds};

fn texts(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("text {n}")).collect()
}

async fn accept_many(bench: &Bench, lane: &str, n: usize) -> Vec<tidings_store::MessageId> {
    let texts = texts(n);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    bench.accept(lane, &texts).await
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_open_than_may_be_and_no_fewer() {
    let provider = Scripted::new().taking(seconds(1));
    let bench = Bench::with(&[("one", &provider)], "in_flight = 7").await;
    let began = bench.clock_now();
    let ids = accept_many(&bench, "one", 70).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(provider.most_open.load(Ordering::Relaxed), 7);
    let took = bench.clock_now().since(began);
    assert!(
        (10..12).contains(&took.as_secs()),
        "calls overlap: {took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_rung_for_while_it_leases_leases_again() {
    let provider = Scripted::new();
    let mut bench = Bench::of_one(&provider).await;
    bench.running.shutdown().await;
    let lane = bench.gateway.lane(&"one".into()).unwrap();
    let mut lane = LaneLoop::new(bench.gateway.clone(), lane, CancellationToken::new());
    lane.advance();
    assert!(lane.open.lease && !lane.wants_lease);
    // The bell rings before the lease is answered, which finds nothing.
    lane.wants_lease = true;
    lane.sort(2, Vec::new());
    assert!(lane.wants_lease);
}

#[tokio::test(start_paused = true)]
async fn what_can_travel_together_does() {
    let provider = Scripted::bulk(50, true);
    let bench = Bench::of_one(&provider).await;
    let ids = accept_many(&bench, "one", 500).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(provider.sizes(), [50; 10]);
}

#[tokio::test(start_paused = true)]
async fn a_lane_of_equal_texts_learns_how_many_travel_together() {
    let provider = Scripted::bulk(100, false);
    let bench = Bench::with(&[("one", &provider)], "in_flight = 2\nbulk = 40").await;
    let mut ids = Vec::new();
    for n in 0..1_000 {
        ids.extend(
            bench
                .accept_as("one", &[&format!("to {n}")], |new| {
                    new.message.text = "the same for all".into();
                })
                .await,
        );
    }
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    let sizes = provider.sizes();
    assert_eq!(sizes.iter().sum::<usize>(), 1_000);
    assert!(sizes.iter().all(|size| *size <= 40), "{sizes:?}");
    assert!(sizes.len() < 60, "few calls: {}", sizes.len());
}

#[tokio::test(start_paused = true)]
async fn an_answer_for_each_message_ends_each_by_itself() {
    let provider = Scripted::bulk(10, true);
    let error = Error::not_sent(ErrorKind::InvalidRecipient, "no such number");
    provider.memory.refuse(&super::phone("text 3"), error);
    let bench = Bench::of_one(&provider).await;
    let ids = accept_many(&bench, "one", 6).await;
    for (n, id) in ids.into_iter().enumerate() {
        let expected = if n == 3 {
            MessageState::Failed
        } else {
            MessageState::Submitted
        };
        bench.until_state(id, expected).await;
    }
    assert_eq!(provider.n_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rate_counts_parts() {
    let provider = Scripted::new().taking(Duration::from_millis(1));
    let bench = Bench::with(&[("one", &provider)], "rate = 10").await;
    let began = bench.clock_now();
    let texts = texts(50);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ids = bench.accept_as("one", &texts, |new| new.parts = 2).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    let took = bench.clock_now().since(began);
    assert!(
        (9_000..=11_000).contains(&took.as_millis()),
        "100 parts at 10 a second: {took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_a_day_are_kept_over_a_crash() {
    let provider = Scripted::new();
    let mut bench = Bench::with(&[("one", &provider)], "daily_cap = 300").await;
    bench.clock.set_on(Duration::from_mins(11 * 60 + 57));
    let ids = accept_many(&bench, "one", 700).await;
    bench.until_state(ids[149], MessageState::Submitted).await;
    bench.crash().await;
    bench.pass(seconds(60)).await;
    let n_today = provider.taken().len();
    assert!(n_today <= 300, "never more than the cap: {n_today}");
    assert!(
        n_today > 300 - 101,
        "a crash costs one reservation: {n_today}"
    );
    assert_eq!(
        bench.lane("one").obstacle(bench.gateway.clock().elapsed()),
        Some(crate::lane::Obstacle::DailyCap)
    );
    bench.pass(Duration::from_mins(4)).await;
    assert_eq!(provider.taken().len(), n_today + 300, "the next day");
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_single_message_waits_a_few_slots_during_a_batch() {
    let provider = Scripted::new().taking(Duration::from_millis(10));
    let bench = Bench::of_one(&provider).await;
    // Stamps as intake makes them, for a batch on a lane without a rate.
    let lane = bench.lane("one");
    bench.pass(seconds(1)).await;
    let begin = lane.standing.virtual_time().0;
    let texts = texts(2_000);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let place = std::cell::Cell::new(0);
    let ids = bench
        .accept_as("one", &texts, |new| {
            place.set(place.get() + 1);
            new.stamp = Stamp(begin + place.get());
        })
        .await;
    bench.until_state(ids[200], MessageState::Submitted).await;
    let n_before = provider.n_calls();
    let single = bench
        .accept_as("one", &["single"], |new| {
            new.stamp = Stamp(lane.standing.virtual_time().0 + 1);
        })
        .await;
    bench.until_state(single[0], MessageState::Submitted).await;
    let order = provider.texts();
    let place = order.iter().position(|text| text == "single").unwrap();
    assert!(place - n_before <= 4, "{} slots", place - n_before);
    assert!(order.len() < 400, "the batch is far from its end");
    // What is more urgent overtakes what has not begun.
    let n_before = provider.n_calls();
    let urgent = bench
        .accept_as("one", &["urgent"], |new| {
            new.message.priority = Priority::High;
        })
        .await;
    bench.until_state(urgent[0], MessageState::Submitted).await;
    let place = provider
        .texts()
        .iter()
        .position(|text| text == "urgent")
        .unwrap();
    assert!(place - n_before <= 4, "{} slots", place - n_before);
}

#[tokio::test(start_paused = true)]
async fn messages_leave_in_the_order_of_their_stamps() {
    let provider = Scripted::new();
    let bench = Bench::of_one(&provider).await;
    let ids = accept_many(&bench, "one", 100).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(provider.texts(), texts(100));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_stops_ends_what_it_began_and_gives_the_rest_back() {
    let provider = Scripted::new().taking(seconds(10));
    let mut bench = Bench::with(&[("one", &provider)], "in_flight = 4").await;
    let ids = accept_many(&bench, "one", 40).await;
    bench.pass(seconds(5)).await;
    bench.stop().await;
    let mut counts = std::collections::BTreeMap::new();
    for id in ids {
        *counts.entry(bench.state(id).await.to_string()).or_insert(0) += 1;
    }
    let n_taken = provider.taken().len();
    assert_eq!(counts.get("submitted"), Some(&n_taken));
    assert_eq!(counts.get("queued"), Some(&(40 - n_taken)));
    assert!((4..=8).contains(&n_taken), "{n_taken}");
}

#[tokio::test(start_paused = true)]
async fn the_sender_that_a_message_left_with_is_kept() {
    let provider = Scripted::new();
    let bench = Bench::with(&[("one", &provider)], "from = \"Harbour\"").await;
    let own = SenderId::parse("Acme").ok();
    let without = bench.accept("one", &["without"]).await[0];
    let named = bench.accept_as("one", &["named"], |new| {
        new.message.from.clone_from(&own);
    });
    let named = named.await[0];
    for id in [without, named] {
        bench.until_state(id, MessageState::Submitted).await;
    }
    let harbour = SenderId::parse("Harbour").ok();
    let left_with = |text: &str| {
        let calls = provider.calls.lock().unwrap();
        let mut sent = calls.iter().flatten();
        let sent = sent.find(|outbound| &*outbound.message.text == text);
        sent.unwrap().message.from.clone()
    };
    assert_eq!(
        (left_with("without"), left_with("named")),
        (harbour.clone(), own.clone())
    );

    let shown = bench.history(without).await;
    assert_eq!(shown.message.from, None);
    assert_eq!(shown.message.sent_from, harbour);
    assert_eq!(shown.attempts[0].from, harbour);
    let shown = bench.history(named).await;
    assert_eq!((shown.message.from, shown.message.sent_from), (own, None));
    assert_eq!(shown.attempts[0].from, None);
}
