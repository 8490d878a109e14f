//! Tests of the order in a lane, in slots: a message with one part takes one.

use std::collections::{BTreeMap, BTreeSet};

use tidings_core::Priority;
use tidings_store::Stamp;

use super::super::stamp::{Flow, Flows, Source, at as stamp_at, in_runs};
use super::*;

/// A lane that sends one part in each slot, in the order of the store.
#[derive(Default)]
struct Lane {
    flows: Flows,
    waiting: BTreeSet<(std::cmp::Reverse<Priority>, Stamp, u64, char)>,
    virtual_times: BTreeMap<Priority, Stamp>,
    n_accepted: u64,
}

const RATE: Option<f64> = Some(20.0);

fn batch(n: u128) -> Source {
    Source::Batch(BatchId(uuid::Uuid::from_u128(n)))
}

fn singles(account: &str) -> Source {
    Source::Singles(AccountId::from(account))
}

impl Lane {
    /// A lane whose first message was accepted then.
    fn since(moment: &str) -> Self {
        let start = stamp_at(at(moment));
        let all = [Priority::Low, Priority::Normal, Priority::High];
        Self {
            virtual_times: all.map(|priority| (priority, start)).into(),
            ..Self::default()
        }
    }

    fn accept(&mut self, name: char, source: Source, priority: Priority) {
        let flow = Flow {
            source,
            priority,
            opens_at: None,
        };
        let virtual_time = self.virtual_times[&priority];
        let mut stamp = self.flows.stamp(&flow, virtual_time, 1, RATE);
        if matches!(flow.source, Source::Batch(_)) {
            stamp = in_runs(stamp, RATE);
        }
        self.n_accepted += 1;
        let place = (std::cmp::Reverse(priority), stamp, self.n_accepted, name);
        self.waiting.insert(place);
    }

    /// What leaves in the next slots.
    fn send(&mut self, n_slots: usize) -> String {
        let mut sent = String::new();
        for _ in 0..n_slots {
            let Some((priority, stamp, _, name)) = self.waiting.pop_first() else {
                break;
            };
            let time = self.virtual_times.get_mut(&priority.0).unwrap();
            *time = (*time).max(stamp);
            sent.push(name);
        }
        sent
    }
}

/// The rest of a run of rows, then the message.
const FEW_SLOTS: usize = 4;

/// In how many slots the message of this name leaves.
#[track_caller]
fn slot_of(lane: &mut Lane, name: char) -> usize {
    let sent = lane.send(1_000);
    sent.find(name).expect("it left within 1,000 slots") + 1
}

#[test]
fn a_single_message_leaves_next_while_a_batch_of_100_000_waits() {
    let mut lane = Lane::since(NOON);
    for _ in 0..100_000 {
        lane.accept('b', batch(1), Priority::Normal);
    }
    lane.accept('s', singles("acme"), Priority::Normal);
    assert!(slot_of(&mut lane, 's') <= FEW_SLOTS);
    // Also in the middle of the batch, and for the account whose batch it is.
    lane.send(40_000);
    lane.accept('t', singles("acme"), Priority::Normal);
    assert!(slot_of(&mut lane, 't') <= FEW_SLOTS);
    lane.accept('u', singles("acme"), Priority::Normal);
    lane.accept('v', singles("other"), Priority::Normal);
    let sent = lane.send(FEW_SLOTS + 1);
    assert!(sent.contains('u') && sent.contains('v'), "{sent}");
}

#[test]
fn also_when_the_lane_lags_an_hour_behind() {
    // The first rows were stamped an hour ago, and the clock has gone on without them.
    let mut lane = Lane::since("2026-11-22T10:00:00Z");
    for _ in 0..100_000 {
        lane.accept('b', batch(1), Priority::Normal);
    }
    lane.send(10);
    lane.accept('s', singles("acme"), Priority::Normal);
    assert!(slot_of(&mut lane, 's') <= FEW_SLOTS);
}

#[test]
fn two_batches_share_evenly_whenever_the_second_comes() {
    let mut lane = Lane::since(NOON);
    for _ in 0..10_000 {
        lane.accept('a', batch(1), Priority::Normal);
    }
    lane.send(2_000);
    for _ in 0..1_000 {
        lane.accept('b', batch(2), Priority::Normal);
    }
    let sent = lane.send(1_000);
    let n_second = sent.matches('b').count();
    assert!((498..=502).contains(&n_second), "{n_second}");
    // When the second is through, the first has the lane for itself.
    lane.send(1_000);
    assert_eq!(lane.send(100), "a".repeat(100));
}

#[test]
fn a_long_text_takes_as_many_slots_as_it_has_parts() {
    let flows = Flows::default();
    let flow = |n| Flow {
        source: batch(n),
        priority: Priority::Normal,
        opens_at: None,
    };
    let start = Stamp(1_000_000);
    assert_eq!(flows.stamp(&flow(1), start, 3, RATE), Stamp(1_150_000));
    assert_eq!(flows.stamp(&flow(1), start, 1, RATE), Stamp(1_200_000));
    assert_eq!(flows.stamp(&flow(2), start, 1, RATE), Stamp(1_050_000));
    // A flow that has fallen back begins where the lane is.
    assert_eq!(
        flows.stamp(&flow(1), Stamp(5_000_000), 1, RATE),
        Stamp(5_050_000)
    );
    // Without a rate a part takes so little that the lane is never ahead of the clock.
    assert_eq!(flows.stamp(&flow(3), start, 2, None), Stamp(1_000_002));
}

#[test]
fn rows_of_a_batch_share_a_stamp_by_fours_and_none_is_before_its_time() {
    let stamps: Vec<i64> = (1..=9)
        .map(|row| in_runs(Stamp(row * 50_000), RATE).0 / 50_000)
        .collect();
    assert_eq!(stamps, [4, 4, 4, 4, 8, 8, 8, 8, 12]);
    assert_eq!(in_runs(Stamp(200_001), RATE), Stamp(400_000));
    assert_eq!(in_runs(Stamp(-1), RATE), Stamp(0));
    assert_eq!(in_runs(Stamp(5), None), Stamp(8));
}

#[test]
fn high_priority_is_first_and_low_priority_last() {
    let mut lane = Lane::since(NOON);
    for _ in 0..100 {
        lane.accept('l', batch(1), Priority::Low);
    }
    for _ in 0..100 {
        lane.accept('n', batch(2), Priority::Normal);
    }
    lane.send(50);
    lane.accept('h', singles("acme"), Priority::High);
    assert_eq!(lane.send(1), "h");
    assert_eq!(lane.send(50), "n".repeat(50));
    assert_eq!(lane.send(1), "l");
}

#[test]
fn what_may_leave_later_takes_its_place_then() {
    let flows = Flows::default();
    let later = at("2026-11-23T07:00:00Z");
    let flow = |opens_at| Flow {
        source: batch(1),
        priority: Priority::Normal,
        opens_at,
    };
    let now = stamp_at(at(NOON));
    let held = flows.stamp(&flow(Some(later)), now, 1, RATE);
    assert_eq!(held, Stamp(stamp_at(later).0 + 50_000));
    // Rows of the same batch that may leave now do not stand behind it.
    assert_eq!(
        flows.stamp(&flow(None), now, 1, RATE),
        Stamp(now.0 + 50_000)
    );
}

#[test]
fn idle_flows_are_forgotten() {
    let flows = Flows::default();
    let mut virtual_time = stamp_at(at(NOON));
    for n in 0..100_000_u128 {
        let flow = Flow {
            source: batch(n),
            priority: Priority::Normal,
            opens_at: None,
        };
        virtual_time = flows.stamp(&flow, virtual_time, 1, RATE);
    }
    assert!(flows.len() <= 256, "{}", flows.len());
    // Even if none is idle there is a limit.
    let busy = Flows::default();
    for n in 0..100_000_u128 {
        let flow = Flow {
            source: batch(n),
            priority: Priority::Normal,
            opens_at: None,
        };
        busy.stamp(&flow, Stamp(0), 1, RATE);
        assert!(busy.len() <= 32_768);
    }
}

#[tokio::test]
async fn the_store_gives_out_in_this_order() {
    let harness = Harness::new().await;
    let rows = (0..300).map(|n| Draft::new(number(n), format!("row {n}")));
    let request = batch::BatchRequest::new("tidings");
    let opened = batch::open(&harness.gateway, &harness.customer, request).await;
    let batch::Opened::Rows(mut batch) = opened.unwrap() else {
        panic!("it is new");
    };
    batch.add(rows.collect()).await.unwrap();
    batch.close(None).await.unwrap();
    let single = harness.accept_one(draft("single")).await;
    let mut high = draft("high");
    high.priority = Priority::High;
    let high = harness.accept_one(high).await;
    let leased = harness.lease("main", 3).await;
    assert_eq!(leased[0].id, good(&high).id);
    let next: Vec<MessageId> = leased[1..].iter().map(|leased| leased.id).collect();
    assert!(next.contains(&good(&single).id));
}
