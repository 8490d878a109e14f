//! The queue alone: rates, urgency, windows, validity, holds, and that it makes no difference how
//! often somebody looks.

use std::time::Duration;

use tidings_core::{Priority, SendWindow, TimeZone, Timestamp, ZonedTime};

use super::{Parted, Parting, Queue, Wait};

/// 2026-11-21T12:00:00Z
const BEGIN: i64 = 1_795_262_400_000;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millis(BEGIN + milliseconds).unwrap()
}

fn queue(interval: Duration) -> Queue {
    let mut queue = Queue::default();
    queue.set_interval(interval);
    assert!(queue.play(at(0)).is_empty());
    queue
}

fn wait() -> Wait {
    Wait {
        priority: Priority::Normal,
        window: None,
        expires_at: None,
        is_on_hold: false,
    }
}

fn window(from: i64, until: i64) -> SendWindow {
    let zoned = |moment| ZonedTime::new(at(moment), &TimeZone::UTC);
    SendWindow::between(zoned(from), zoned(until)).unwrap()
}

fn left(message: usize, milliseconds: i64) -> Parted {
    (message, Parting::Left, at(milliseconds))
}

fn given_up(message: usize, milliseconds: i64) -> Parted {
    (message, Parting::GivenUp, at(milliseconds))
}

#[test]
fn messages_leave_at_the_rate_and_not_faster_after_a_pause() {
    let mut queue = queue(Duration::from_millis(100));
    for message in 0..3 {
        queue.enter(message, wait());
    }
    assert_eq!(queue.play(at(0)), [left(0, 0)]);
    assert!(queue.play(at(99)).is_empty());
    assert_eq!(queue.play(at(10_000)), [left(1, 100), left(2, 200)]);
    queue.enter(3, wait());
    queue.enter(4, wait());
    // Turns that nobody took are gone.
    assert_eq!(queue.play(at(10_050)), [left(3, 10_000)]);
    assert_eq!(queue.play(at(10_100)), [left(4, 10_100)]);
}

#[test]
fn a_rate_that_is_no_whole_number_of_milliseconds_is_kept_over_time() {
    let mut queue = queue(Duration::from_micros(333_333));
    for message in 0..4 {
        queue.enter(message, wait());
    }
    let expected = [left(0, 0), left(1, 334), left(2, 667), left(3, 1_000)];
    assert_eq!(queue.play(at(1_000)), expected);
}

#[test]
fn the_urgent_leave_first_and_then_the_earlier() {
    let mut queue = queue(Duration::from_millis(100));
    let priorities = [
        Priority::Low,
        Priority::Normal,
        Priority::High,
        Priority::Normal,
        Priority::High,
    ];
    for (message, priority) in priorities.into_iter().enumerate() {
        let wait = Wait { priority, ..wait() };
        queue.enter(message, wait);
    }
    let order: Vec<_> = queue
        .play(at(1_000))
        .into_iter()
        .map(|(message, ..)| message)
        .collect();
    assert_eq!(order, [2, 4, 1, 3, 0]);
}

#[test]
fn a_window_holds_and_then_gives_up_what_could_not_leave() {
    let mut queue = queue(Duration::from_millis(100));
    for message in 0..4 {
        let wait = Wait {
            window: Some(window(1_000, 1_200)),
            ..wait()
        };
        queue.enter(message, wait);
    }
    assert!(queue.play(at(999)).is_empty());
    // The end of a window is the first moment at which nothing may leave any more.
    let expected = [
        left(0, 1_000),
        left(1, 1_100),
        given_up(2, 1_200),
        given_up(3, 1_200),
    ];
    assert_eq!(queue.play(at(5_000)), expected);
}

#[test]
fn a_window_that_is_over_gives_up_at_once() {
    let mut queue = queue(Duration::ZERO);
    assert!(queue.play(at(500)).is_empty());
    let late = Wait {
        window: Some(window(0, 100)),
        ..wait()
    };
    queue.enter(7, late);
    assert_eq!(queue.play(at(500)), [given_up(7, 500)]);
    assert!(!queue.remove(7));
    assert!(queue.play(at(900)).is_empty());
}

#[test]
fn daily_hours_open_again_on_the_next_day() {
    let mut queue = queue(Duration::from_hours(1));
    let days = "2026-11-21".parse().unwrap()..="2026-11-22".parse().unwrap();
    let hours = ("13:00".parse().unwrap(), "15:00".parse().unwrap());
    let window = SendWindow::daily(days, hours.0, hours.1, &TimeZone::UTC).unwrap();
    for message in 0..6 {
        let wait = Wait {
            window: Some(window.clone()),
            ..wait()
        };
        queue.enter(message, wait);
    }
    let hour = 3_600_000;
    let expected = [
        left(0, hour),
        left(1, 2 * hour),
        left(2, 25 * hour),
        left(3, 26 * hour),
        given_up(4, 27 * hour),
        given_up(5, 27 * hour),
    ];
    assert_eq!(queue.play(at(100 * hour)), expected);
}

#[test]
fn validity_runs_out_for_what_waits_and_for_what_is_on_hold() {
    let mut queue = queue(Duration::from_millis(100));
    queue.enter(0, wait());
    let short = || Wait {
        expires_at: Some(at(50)),
        ..wait()
    };
    queue.enter(1, short());
    let held = Wait {
        is_on_hold: true,
        ..short()
    };
    queue.enter(2, held);
    let scheduled = Wait {
        window: Some(window(40, 60)),
        ..short()
    };
    queue.enter(3, scheduled);
    let expected = [
        left(0, 0),
        given_up(1, 50),
        given_up(2, 50),
        given_up(3, 50),
    ];
    assert_eq!(queue.play(at(1_000)), expected);
}

#[test]
fn what_is_on_hold_leaves_when_it_is_released() {
    let mut queue = queue(Duration::ZERO);
    let held = Wait {
        is_on_hold: true,
        ..wait()
    };
    queue.enter(0, held);
    assert!(queue.play(at(1_000)).is_empty());
    assert!(queue.is_on_hold(0));
    assert_eq!(queue.n_on_hold(), 1);
    queue.release_all();
    assert_eq!(queue.n_on_hold(), 0);
    assert_eq!(queue.play(at(1_000)), [left(0, 1_000)]);
}

#[test]
fn what_is_removed_takes_nobodys_turn() {
    let mut queue = queue(Duration::from_millis(100));
    for message in 0..4 {
        queue.enter(message, wait());
    }
    assert_eq!(queue.play(at(0)), [left(0, 0)]);
    assert!(queue.remove(1));
    assert!(!queue.remove(0), "it has left");
    assert_eq!(queue.play(at(1_000)), [left(2, 100), left(3, 200)]);
}

#[test]
fn a_new_rate_holds_for_those_that_wait() {
    let mut queue = queue(Duration::from_secs(10));
    queue.enter(0, wait());
    queue.enter(1, wait());
    queue.enter(2, wait());
    assert_eq!(queue.play(at(100)), [left(0, 0)]);
    queue.set_interval(Duration::from_millis(200));
    assert_eq!(queue.play(at(1_000)), [left(1, 200), left(2, 400)]);
}

/// All looks, in milliseconds, are before this.
const LAST_LOOK: i64 = 5_000;

/// Plays a made-up day with looks at these moments, and tells all that happened.
fn day(seed: u64, looks: &[i64]) -> Vec<Parted> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut queue = queue(Duration::from_micros(random.u64(0..3) * 7_300));
    let mut parted = Vec::new();
    let mut looks = looks.iter().copied().peekable();
    let mut now = 0;
    for message in 0..200 {
        now += random.i64(0..20);
        while let Some(look) = looks.next_if(|look| *look <= now) {
            parted.extend(queue.play(at(look)));
        }
        parted.extend(queue.play(at(now)));
        if random.u8(..) < 20 {
            let victim = random.usize(0..=message);
            queue.remove(victim);
        }
        if random.u8(..) < 5 {
            queue.release_all();
        }
        let opens = now + random.i64(-50..200);
        let wait = Wait {
            priority: *random
                .choice(&[Priority::Low, Priority::Normal, Priority::High])
                .unwrap(),
            window: random
                .bool()
                .then(|| window(opens, opens + random.i64(1..300))),
            expires_at: random.bool().then(|| at(now + random.i64(0..400))),
            is_on_hold: random.u8(..) < 30,
        };
        queue.enter(message, wait);
        parted.extend(queue.play(at(now)));
    }
    for look in looks {
        parted.extend(queue.play(at(look)));
    }
    parted.extend(queue.play(at(LAST_LOOK)));
    queue.release_all();
    parted.extend(queue.play(at(1_000_000)));
    parted
}

#[test]
fn it_makes_no_difference_how_often_somebody_looks() {
    for seed in 0..200 {
        let rarely = day(seed, &[]);
        let mut random = fastrand::Rng::with_seed(seed + 1_000);
        let mut looks: Vec<i64> = (0..300).map(|_| random.i64(0..LAST_LOOK)).collect();
        looks.sort_unstable();
        assert!(day(seed, &looks) == rarely, "seed {seed}");
        // Nobody parts twice.
        let mut seen = std::collections::HashSet::new();
        assert!(rarely.iter().all(|(message, ..)| seen.insert(*message)));
    }
}
