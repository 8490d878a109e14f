//! The parts of dispatch that need neither a store nor a clock.

use std::cell::Cell;
use std::time::Duration;

use tidings::{Acceptance, Error, ErrorKind};
use tidings_core::{Message, Reason, SenderId, Timestamp};
use tidings_store::{LaneId, Next};

use super::{phone, seconds};
use crate::dispatch::backoff::{Backoff, RetryBudget};
use crate::dispatch::group::{CallSize, Carries, into_calls};
use crate::dispatch::lane::Tempo;
use crate::dispatch::next::{self, Bounds, Course, OtherLanes, Otherwise, Standpoint};
use crate::dispatch::pace::{DailyCount, Pace, Today};
use crate::dispatch::suspension::{Passable, Suspension};

const ACCEPTANCES: [Acceptance; 3] = [
    Acceptance::NotSent,
    Acceptance::Refused,
    Acceptance::Unknown,
];

#[test]
fn every_error_has_one_course() {
    use Course::{Again, Elsewhere, Fail, FindOut};
    use ErrorKind as Kind;
    let not_sent_and_refused = |kind: Kind| match kind {
        Kind::InvalidMessage | Kind::InvalidRecipient | Kind::Rejected => [Fail, Fail],
        Kind::Unauthorized | Kind::Config | Kind::InsufficientCredit => {
            [Elsewhere(Otherwise::Wait), Elsewhere(Otherwise::Wait)]
        }
        Kind::Forbidden | Kind::NotFound => {
            [Elsewhere(Otherwise::Again), Elsewhere(Otherwise::Again)]
        }
        Kind::RateLimited => [Again, Elsewhere(Otherwise::Fail)],
        Kind::Unavailable | Kind::Timeout => {
            [Elsewhere(Otherwise::Again), Elsewhere(Otherwise::Fail)]
        }
        Kind::InvalidSender | Kind::Unsupported | Kind::Protocol => {
            [Elsewhere(Otherwise::Fail), Elsewhere(Otherwise::Fail)]
        }
        other => panic!("{other} has no line in this table"),
    };
    for kind in Kind::ALL {
        let [not_sent, refused] = not_sent_and_refused(kind);
        let expected = [not_sent, refused, FindOut];
        for (acceptance, expected) in ACCEPTANCES.into_iter().zip(expected) {
            let error = Error::new(kind, acceptance, "so it is");
            assert_eq!(next::after(&error), expected, "{kind} {acceptance}");
        }
    }
}

#[test]
fn nothing_goes_again_or_elsewhere_without_proof() {
    for kind in ErrorKind::ALL {
        for acceptance in ACCEPTANCES {
            let error = Error::new(kind, acceptance, "so it is");
            let course = next::after(&error);
            let goes_on = matches!(course, Course::Again | Course::Elsewhere(_));
            assert!(
                !goes_on || error.is_safe_to_resend() || error.may_fail_over(),
                "{kind} {acceptance}"
            );
            assert!(
                !matches!(course, Course::Elsewhere(_)) || error.may_fail_over(),
                "{kind} {acceptance}"
            );
        }
    }
}

/// Lanes that are there or not, and how often somebody looked.
struct Lanes {
    untried: Option<&'static str>,
    any: Option<&'static str>,
    n_looks: Cell<u32>,
}

impl OtherLanes for Lanes {
    fn untried(&self) -> Option<LaneId> {
        self.n_looks.set(self.n_looks.get() + 1);
        self.untried.map(LaneId::from)
    }

    fn any(&self) -> Option<LaneId> {
        self.any.map(LaneId::from)
    }
}

fn noon() -> Timestamp {
    Timestamp::from_millis(1_795_262_400_000).unwrap()
}

fn resolved(
    course: Course,
    edit: impl Fn(&mut Standpoint),
    untried: Option<&'static str>,
    any: Option<&'static str>,
) -> Next {
    let mut at = Standpoint {
        n_attempts: 1,
        first_attempt_at: noon(),
        expires_at: None,
        now: noon().plus(seconds(1)),
        wait: seconds(5),
    };
    edit(&mut at);
    let bounds = Bounds {
        max_attempts: 3,
        retry_for: seconds(60),
    };
    let lanes = Lanes {
        untried,
        any,
        n_looks: Cell::new(0),
    };
    next::resolve(
        course,
        Reason::Unspecified,
        &"here".into(),
        &at,
        bounds,
        &lanes,
    )
}

fn later(lane: &str) -> Next {
    Next::Again {
        lane: lane.into(),
        not_before: Some(noon().plus(seconds(6))),
    }
}

const FAILED: Next = Next::Fail(Reason::Unspecified);

#[test]
fn a_message_goes_elsewhere_at_once_and_comes_again_later() {
    let there = next::now("there".into());
    let elsewhere = Course::Elsewhere;
    let fresh = |_: &mut Standpoint| {};
    assert_eq!(
        resolved(Course::Again, fresh, Some("there"), None),
        later("here")
    );
    for otherwise in [Otherwise::Again, Otherwise::Wait, Otherwise::Fail] {
        assert_eq!(
            resolved(elsewhere(otherwise), fresh, Some("there"), None),
            there
        );
    }
    let again = elsewhere(Otherwise::Again);
    assert_eq!(resolved(again, fresh, None, None), later("here"));
    assert_eq!(resolved(again, fresh, None, Some("tried")), later("tried"));
    assert_eq!(
        resolved(elsewhere(Otherwise::Wait), fresh, None, None),
        later("here")
    );
    assert_eq!(
        resolved(elsewhere(Otherwise::Fail), fresh, None, Some("tried")),
        FAILED
    );
    assert_eq!(resolved(Course::Fail, fresh, Some("there"), None), FAILED);
}

#[test]
fn attempts_end_by_number_by_time_and_by_validity() {
    let often = |at: &mut Standpoint| at.n_attempts = 3;
    let long = |at: &mut Standpoint| at.now = noon().plus(seconds(60));
    let over = |at: &mut Standpoint| at.expires_at = Some(at.now);
    let soon = |at: &mut Standpoint| at.expires_at = Some(at.now.plus(seconds(5)));
    let all = [
        Course::Again,
        Course::Elsewhere(Otherwise::Again),
        Course::Elsewhere(Otherwise::Wait),
        Course::Elsewhere(Otherwise::Fail),
    ];
    for course in all {
        assert_eq!(resolved(course, over, Some("there"), None), Next::Expire);
        assert_eq!(resolved(course, long, Some("there"), None), FAILED);
        // Attempts that meet a refused account are not counted.
        let waits = course == Course::Elsewhere(Otherwise::Wait);
        let expected = if waits { later("here") } else { FAILED };
        assert_eq!(resolved(course, often, None, None), expected);
    }
    // It would not be worth sending any more when its turn came.
    let there = next::now("there".into());
    assert_eq!(resolved(Course::Again, soon, Some("there"), None), there);
    assert_eq!(resolved(Course::Again, soon, None, None), later("here"));
}

#[test]
fn waits_double_up_to_a_ceiling_and_respect_what_was_asked() {
    let waits = |random: f64, asked: Option<u64>| {
        let of = |attempts| Backoff::SENDING.after(attempts, random, asked.map(seconds));
        [of(1), of(2), of(3), of(8), of(60_000)].map(|wait| wait.as_secs())
    };
    assert_eq!(waits(1.0, None), [2, 4, 8, 256, 300]);
    assert_eq!(waits(0.5, None), [1, 2, 4, 128, 150]);
    assert_eq!(waits(0.0, None), [0; 5]);
    assert_eq!(waits(0.5, Some(100)), [100, 100, 100, 128, 150]);
    assert_eq!(Backoff::ASKING.evenly(1, 0.0), Duration::from_millis(500));
    assert_eq!(Backoff::ASKING.evenly(9, 1.0), seconds(30));
}

#[test]
fn a_lane_has_a_budget_of_retries() {
    let mut budget = RetryBudget::default();
    let taken = (0..200).filter(|_| budget.take()).count();
    assert_eq!(taken, 100);
    budget.earn(10);
    assert!(budget.take() && budget.take() && !budget.take());
    budget.earn(1_000_000);
    assert_eq!((0..200).filter(|_| budget.take()).count(), 100);
}

#[test]
fn a_pace_lets_a_burst_go_and_then_its_rate() {
    let mut pace = Pace::new(100.0, seconds(5));
    assert_eq!(pace.available(seconds(5)), 10, "the parts of 100 ms");
    pace.take(10);
    assert_eq!(pace.available(seconds(5)), 0);
    assert_eq!(pace.wait(seconds(5)), Duration::from_millis(20));
    assert_eq!(pace.available(seconds(5) + Duration::from_millis(20)), 2);
    // A pause is worth one burst, however long it was.
    assert_eq!(pace.available(seconds(500)), 10);
    // A clock that stands still or goes back brings nothing.
    pace.take(10);
    assert_eq!(pace.available(seconds(400)), 0);
}

#[test]
fn a_long_message_goes_and_is_waited_off() {
    let mut pace = Pace::new(2.0, Duration::ZERO);
    assert_eq!(pace.available(Duration::ZERO), 1);
    pace.take(6);
    assert_eq!(pace.available(seconds(2)), 0);
    assert_eq!(pace.wait(seconds(2)), seconds(1));
    assert_eq!(pace.available(seconds(3)), 1);
    pace.give_back(6);
    assert_eq!(pace.available(seconds(3)), 1, "no more than a burst");
}

#[test]
fn over_time_a_pace_is_its_rate() {
    let mut pace = Pace::new(33.0, Duration::ZERO);
    let mut now = Duration::ZERO;
    let mut sent = 0;
    while now < seconds(100) {
        let parts = pace.available(now).min(7) as u64;
        pace.take(parts);
        sent += parts;
        now += pace.wait(now).max(Duration::from_millis(1));
    }
    assert!((3_300..=3_304).contains(&sent), "{sent}");
    pace.set_rate(1.0, now);
    assert_eq!(pace.available(now + seconds(9)), 1);
}

#[test]
fn parts_of_a_day_are_reserved_before_they_leave() {
    let mut daily = DailyCount::default();
    let cap = 250;
    assert_eq!(daily.today(cap, noon()), Today::Reserve(100));
    daily.reserve(100);
    assert_eq!(daily.today(cap, noon()), Today::Parts(100));
    assert!(daily.take(cap, 99));
    assert_eq!(daily.today(cap, noon()), Today::Parts(1));
    assert!(
        daily.take(cap, 6),
        "a message may pass the reservation, not the cap"
    );
    assert_eq!(daily.owes(cap), Some(205));
    daily.reserve(205);
    assert_eq!(daily.owes(cap), None);
    assert_eq!(daily.written().1, 205);
    assert_eq!(daily.exact().1, 105);
    daily.give_back(5);
    assert_eq!(daily.used(), 100);
}

#[test]
fn a_day_that_is_full_ends_at_midnight() {
    let midnight = noon().plus(seconds(12 * 3_600));
    let mut daily = DailyCount::default();
    assert!(matches!(daily.today(10, noon()), Today::Reserve(10)));
    daily.reserve(10);
    assert!(daily.take(10, 9));
    assert!(!daily.take(10, 2), "it does not fit");
    assert_eq!(daily.today(10, noon()), Today::Nothing(midnight));
    // A clock that is set back begins nothing anew.
    let yesterday = noon().minus(seconds(24 * 3_600));
    assert_eq!(daily.today(10, yesterday), Today::Nothing(midnight));
    assert_eq!(daily.today(10, midnight), Today::Reserve(10));
    let (day, parts) = (daily.exact().0, 7);
    let mut resumed = DailyCount::resumed(day, parts);
    assert_eq!(resumed.today(10, midnight), Today::Reserve(10));
    assert_eq!(resumed.used(), 7);
}

#[test]
fn a_refused_account_is_left_alone_and_probed() {
    let mut suspension = Suspension::default();
    let now = seconds(100);
    assert!(suspension.refuse(ErrorKind::Unauthorized, now));
    assert_eq!(suspension.passable(now), Passable::Nothing(seconds(105)));
    assert!(
        !suspension.refuse(ErrorKind::Unauthorized, seconds(101)),
        "of the same moment"
    );
    assert_eq!(suspension.passable(seconds(105)), Passable::Probe);
    assert!(suspension.wants_probe(seconds(105)) && !suspension.is_refused(seconds(105)));
    assert!(
        !suspension.refuse(ErrorKind::Unauthorized, seconds(105)),
        "it is no news"
    );
    assert_eq!(
        suspension.passable(seconds(105)),
        Passable::Nothing(seconds(115))
    );
    let mut at = seconds(115);
    for _ in 0..20 {
        suspension.refuse(ErrorKind::Config, at);
        let Passable::Nothing(until) = suspension.passable(at) else {
            panic!("it is refused");
        };
        assert!(until.saturating_sub(at) <= Duration::from_mins(5));
        at = until;
    }
    assert!(suspension.lift());
    assert!(!suspension.lift());
    assert_eq!(suspension.passable(at), Passable::All);
}

#[test]
fn one_message_that_is_forbidden_suspends_nothing() {
    let mut suspension = Suspension::default();
    assert!(!suspension.refuse(ErrorKind::Forbidden, seconds(1)));
    assert!(!suspension.refuse(ErrorKind::NotFound, seconds(1)));
    assert_eq!(suspension.passable(seconds(1)), Passable::All);
    assert!(
        suspension.refuse(ErrorKind::Forbidden, seconds(1)),
        "the third in a row"
    );
    suspension.lift();
    suspension.refuse(ErrorKind::InsufficientCredit, seconds(9));
    suspension.lift_empty();
    assert_eq!(suspension.passable(seconds(9)), Passable::All);
}

#[test]
fn a_provider_that_asks_for_patience_gets_it() {
    let mut suspension = Suspension::default();
    suspension.be_patient(seconds(30), seconds(10));
    suspension.be_patient(seconds(1), seconds(10));
    assert_eq!(
        suspension.passable(seconds(39)),
        Passable::Nothing(seconds(40))
    );
    assert_eq!(suspension.patience(seconds(15)), Some(seconds(25)));
    assert_eq!(suspension.passable(seconds(40)), Passable::All);
    assert_eq!(suspension.patience(seconds(40)), None);
}

struct Item(Message);

impl Carries for Item {
    fn message(&self) -> &Message {
        &self.0
    }
}

/// What travels together, of messages written as `text/sender/recipient`.
#[track_caller]
fn check_calls(most: usize, mixed: bool, messages: &str, expected: &str) {
    let items = messages.split(' ').map(|written| {
        let parts: Vec<&str> = written.split('/').collect();
        let mut message = Message::new(phone(parts[2]), parts[0]);
        if !parts[1].is_empty() {
            message = message.from(SenderId::parse(parts[1]).unwrap());
        }
        Item(message)
    });
    let calls = into_calls(items.collect(), CallSize { most, mixed });
    let shown = calls.iter().map(|call| {
        let texts: Vec<&str> = call.iter().map(|item| &*item.0.text).collect();
        texts.join(" ")
    });
    let shown: Vec<String> = shown.collect();
    assert_eq!(shown.join(" | "), expected);
}

#[test]
fn messages_that_can_travel_together_do() {
    check_calls(1, false, "a//1 a//2", "a | a");
    check_calls(2, true, "a//1 b//2 c//3", "a b | c");
    check_calls(2, true, "a//1 b//1", "a b");
    check_calls(3, false, "a//1 b//2 a//3 a//4 a//5", "a a a | b | a");
    check_calls(3, false, "a/Acme/1 a/Other/2 a//3", "a | a | a");
    check_calls(3, false, "a/Acme/1 a/Acme/2", "a a");
    // Each recipient once in a call.
    check_calls(3, false, "a//1 a//1 a//2 a//1", "a a | a | a");
}

#[test]
fn calls_are_begun_ahead_only_where_they_are_faster_than_commits() {
    let ahead = |commit_ms: u64, call_ms: u64| {
        let mut tempo = Tempo::default();
        assert_eq!(tempo.ahead(8), 0);
        tempo.note_begin(Duration::from_millis(commit_ms));
        tempo.note_call(Duration::from_millis(call_ms));
        tempo.ahead(8)
    };
    assert_eq!(ahead(3, 500), 0);
    assert_eq!(ahead(3, 12), 2);
    assert_eq!(ahead(3, 3), 8);
    assert_eq!(ahead(30, 1), 16, "two slots at the most");
    assert_eq!(ahead(3, 0), 16);
}

#[test]
fn leases_grow_where_messages_travel_together() {
    let mut tempo = Tempo::default();
    let mut sizes = Vec::new();
    for _ in 0..5 {
        let per_call = tempo.per_call;
        tempo.note_calls(per_call * 2, 2, 10);
        sizes.push(tempo.per_call);
    }
    assert_eq!(sizes, [2, 4, 8, 10, 10]);
    tempo.note_calls(20, 20, 10);
    assert_eq!(tempo.per_call, 1, "each text was another");
    tempo.note_calls(0, 0, 10);
    assert_eq!(tempo.per_call, 1);
}
