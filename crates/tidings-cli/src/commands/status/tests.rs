//! Tests of how long a watch goes on, by a clock that passes by itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidings::{Clock, Provider, ProviderRef, ReportedState, Timestamp};
use tokio::time::Instant;

use super::{Context, Watch, WatchEnd};
use crate::config::Environment;
use crate::fake::CallingBack;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::tracking::Tracked;

/// The time of the run time, which goes on by itself when nothing else is left to do.
#[derive(Debug)]
struct RunTimeClock(Instant);

impl Clock for RunTimeClock {
    fn now(&self) -> Timestamp {
        let begin: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        begin.plus(self.0.elapsed())
    }
}

/// What a watch over one message that stays as it is said, and how it ended after which time.
struct Watched {
    end: WatchEnd,
    after: Duration,
    /// With the second in which it was said.
    remarks: Vec<(u64, String)>,
}

async fn watch(says: ReportedState, tells_delivery: bool, limit: Option<Duration>) -> Watched {
    // The run time's present moment, which is when a sleep of no length ends.
    let begin = tokio::time::sleep(Duration::ZERO).deadline();
    let context = Context {
        output: Output::new(true),
        environment: Environment::default(),
        verbose: 0,
        clock: Arc::new(RunTimeClock(begin)),
    };
    let fake = CallingBack {
        says: Some(says),
        tells_delivery,
        ..CallingBack::default()
    };
    let remarks = Mutex::new(Vec::new());
    let remark = |remark: &str| {
        let second = begin.elapsed().as_secs();
        remarks.lock().unwrap().push((second, remark.to_owned()));
    };
    let mut watch = Watch {
        context: &context,
        interrupt: &mut Interrupt::listen().unwrap(),
        provider: &(Arc::new(fake) as Arc<dyn Provider>),
        reports: None,
        limit,
        remark: &remark,
    };
    let mut tracked = [Tracked::new(None, ProviderRef::message("m-1"))];
    let end = watch.run(&mut tracked, &mut |_| Ok(())).await.unwrap();
    Watched {
        end,
        after: begin.elapsed(),
        remarks: remarks.into_inner().unwrap(),
    }
}

const MINUTE: Duration = Duration::from_mins(1);
/// A question is asked at least as often.
const PAUSE: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn a_watch_that_may_never_end_ends_after_a_minute_without_a_change() {
    let watched = watch(ReportedState::Submitted, false, None).await;
    assert_eq!(watched.end, WatchEnd::NothingMoves);
    assert!(
        (MINUTE..=MINUTE + PAUSE).contains(&watched.after),
        "{:?}",
        watched.after
    );
    assert_eq!(watched.remarks, []);
}

#[tokio::test(start_paused = true)]
async fn a_watch_with_a_limit_goes_on_and_says_once_that_nothing_moves() {
    let limit = Duration::from_hours(1);
    for tells_delivery in [false, true] {
        let watched = watch(ReportedState::Submitted, tells_delivery, Some(limit)).await;
        assert_eq!(watched.end, WatchEnd::TimeIsUp);
        assert_eq!(watched.after, limit);
        let [(second, remark)] = &*watched.remarks else {
            panic!("{:?}", watched.remarks);
        };
        assert!((60..=90).contains(second), "{second}");
        assert!(remark.contains("1 message "), "{remark}");
        assert!(!remark.contains("Ctrl-C"), "{remark}");
        assert_eq!(remark.contains("never"), !tells_delivery, "{remark}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_every_end_is_told_a_watch_waits_for_it() {
    let watching = watch(ReportedState::Submitted, true, None);
    let day = Duration::from_hours(24);
    assert!(tokio::time::timeout(day, watching).await.is_err());
    let watched = watch(ReportedState::Delivered, true, None).await;
    assert_eq!(watched.end, WatchEnd::AllFinal);
    assert_eq!((watched.after, watched.remarks), (Duration::ZERO, vec![]));
}
