//! Made-up worlds: one that is as it should be, and one for each thing that must not be.

use tidings_core::{HeldReason, Timestamp};

use super::*;

const TAKEN: Option<AttemptOutcome> = Some(AttemptOutcome::Taken);
const NOT_TAKEN: Option<AttemptOutcome> = Some(AttemptOutcome::NotTaken);
const UNKNOWN: Option<AttemptOutcome> = Some(AttemptOutcome::Unknown);

fn seen(number: u32) -> Seen {
    Seen::new("+4790000001", format!("Message {number}"))
}

fn id(number: u32) -> String {
    format!("id-{number}")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + second * 1_000).unwrap()
}

fn kept(number: u32, state: MessageState) -> Kept {
    Kept {
        id: id(number),
        seen: seen(number),
        state,
        version: 3,
        policy: DeliveryPolicy::Reconcile,
        lane: "one".to_owned(),
        is_marked: false,
        why: String::new(),
        attempts: vec![TAKEN],
    }
}

impl World {
    /// A message that was accepted, sent and delivered, and of which everybody says the same.
    fn with_delivered(mut self, number: u32) -> Self {
        self.accept(number);
        self.keep(kept(number, MessageState::Delivered));
        self.arrive(number, 1);
        self
    }

    fn accept(&mut self, number: u32) {
        self.accepted.push(Accepted {
            seen: seen(number),
            id: Some(id(number)),
            through: "messages",
        });
    }

    fn keep(&mut self, row: Kept) {
        let told = Told {
            state: row.state.as_str().to_owned(),
            version: row.version,
        };
        self.told.insert(row.id.clone(), told);
        self.kept.push(row);
    }

    fn arrive(&mut self, number: u32, second: i64) {
        self.arrived.push(Arrival {
            seen: seen(number),
            at: at(second),
        });
    }

    /// Changes how a message is kept, and what the API says of it.
    fn change(&mut self, number: u32, change: impl FnOnce(&mut Kept)) {
        let row = self.kept.iter_mut().find(|row| row.id == id(number));
        let row = row.unwrap();
        change(row);
        let told = self.told.get_mut(&row.id).unwrap();
        row.state.as_str().clone_into(&mut told.state);
        told.version = row.version;
    }
}

/// Two delivered messages, one that is unknown and arrived, one that is unknown and did not, a double that
/// is marked, and a batch that was stopped when the first had left, the second was on its way and the third
/// was still here.
fn good_world() -> World {
    let mut world = World::default().with_delivered(1).with_delivered(2);
    for number in [3, 4] {
        world = world.with_delivered(number);
        world.change(number, |row| {
            row.state = MessageState::Unknown;
            row.policy = DeliveryPolicy::AtMostOnce;
            row.attempts = vec![UNKNOWN];
        });
    }
    world.arrived.retain(|arrival| arrival.seen != seen(4));
    world = world.with_delivered(5);
    world.arrive(5, 9);
    world.change(5, |row| {
        row.policy = DeliveryPolicy::AtLeastOnce;
        row.attempts = vec![UNKNOWN, NOT_TAKEN, TAKEN];
        row.is_marked = true;
    });
    for number in [6, 7, 8] {
        world = world.with_delivered(number);
    }
    world.arrived.retain(|arrival| arrival.seen != seen(8));
    world.arrived.retain(|arrival| arrival.seen != seen(7));
    world.arrive(7, 6);
    world.change(8, |row| {
        row.state = MessageState::Canceled;
        row.attempts.clear();
    });
    world.stops.push(Stop {
        answered_at: at(5),
        rows: vec![seen(6), seen(7), seen(8)],
        canceled: vec![id(8)],
        already_out: vec![id(6)],
        unknown: vec![id(7)],
    });
    world
}

/// A world in which one thing is wrong has that fault, and no other.
#[track_caller]
fn check(spoil: impl FnOnce(&mut World), expected: &[Fault]) {
    let mut world = good_world();
    spoil(&mut world);
    let verdict = Verdict::of(&world);
    let found: Vec<Fault> = Fault::ALL
        .iter()
        .copied()
        .filter(|fault| !verdict.found(*fault).is_empty())
        .collect();
    assert_eq!(found, expected);
    assert_eq!(verdict.is_kept(), expected.is_empty());
}

#[test]
fn a_world_as_it_should_be_is_one() {
    check(|_| {}, &[]);
    let counts = Verdict::of(&good_world()).counts;
    assert_eq!((counts.accepted, counts.kept, counts.arrived), (8, 8, 6));
    assert_eq!(counts.unknown(), [1, 1]);
    assert_eq!(counts.doubles_of(DeliveryPolicy::AtLeastOnce), 1);
    assert_eq!(counts.doubles_of(DeliveryPolicy::Reconcile), 0);
    assert_eq!(counts.marked, 1);
    assert_eq!((counts.stops, counts.canceled), (1, 1));
    assert_eq!(counts.in_stopped_batches, 3);
    assert_eq!(counts.by_api["messages"], 8);
}

#[test]
fn an_empty_world_is_no_fault_of_the_gateway() {
    assert!(Verdict::of(&World::default()).is_kept());
}

#[test]
fn what_was_accepted_is_kept() {
    check(
        |world| {
            world.kept.retain(|row| row.id != id(1));
            world.told.remove(&id(1));
            world.arrived.retain(|arrival| arrival.seen != seen(1));
        },
        // By what it is, and by the name that was answered.
        &[Fault::NotKept, Fault::ToldOtherwise],
    );
}

#[test]
fn what_is_said_to_be_out_has_arrived() {
    let states = [
        MessageState::Submitted,
        MessageState::Sent,
        MessageState::Delivered,
    ];
    for state in states {
        check(
            |world| {
                world.arrived.retain(|arrival| arrival.seen != seen(1));
                world.change(1, |row| row.state = state);
            },
            &[Fault::Lost],
        );
    }
}

#[test]
fn nothing_is_given_up() {
    let states = [
        MessageState::Failed,
        MessageState::Expired,
        MessageState::Undelivered,
        MessageState::Canceled,
    ];
    for state in states {
        check(
            |world| {
                world.arrived.retain(|arrival| arrival.seen != seen(1));
                world.change(1, |row| row.state = state);
            },
            &[Fault::GivenUp],
        );
    }
}

#[test]
fn what_ended_with_us_has_not_arrived() {
    check(
        |world| world.change(1, |row| row.state = MessageState::Failed),
        &[Fault::GivenUp, Fault::EndedAndArrived],
    );
}

#[test]
fn nothing_is_kept_twice() {
    check(
        |world| {
            let mut again = kept(1, MessageState::Delivered);
            again.id = "another".to_owned();
            world.keep(again);
        },
        &[Fault::KeptTwice],
    );
}

#[test]
fn nothing_arrives_that_is_not_kept() {
    check(|world| world.arrive(99, 1), &[Fault::ArrivedUnkept]);
}

#[test]
fn nothing_arrives_without_an_attempt() {
    check(
        |world| world.change(1, |row| row.attempts.clear()),
        &[Fault::ArrivedUntried],
    );
}

#[test]
fn what_was_refused_is_not_kept() {
    check(|world| world.refused.push(seen(98)), &[]);
    check(
        |world| world.refused.push(seen(1)),
        &[Fault::RefusedAndKept],
    );
}

#[test]
fn what_was_not_answered_may_be_kept() {
    check(
        |world| {
            world.accepted.retain(|it| it.seen != seen(1));
            world.unanswered.extend([seen(1), seen(97)]);
        },
        &[],
    );
    let mut world = good_world();
    world.unanswered.extend([seen(1), seen(97)]);
    let counts = Verdict::of(&world).counts;
    assert_eq!((counts.unanswered, counts.unanswered_and_kept), (2, 1));
}

#[test]
fn a_double_is_only_for_who_allows_it() {
    for policy in [DeliveryPolicy::Reconcile, DeliveryPolicy::AtMostOnce] {
        check(
            |world| {
                world.arrive(1, 2);
                world.change(1, |row| {
                    row.policy = policy;
                    row.attempts = vec![NOT_TAKEN, TAKEN];
                    row.is_marked = true;
                });
            },
            &[Fault::SentTwice],
        );
    }
}

#[test]
fn an_attempt_after_a_doubt_is_only_for_who_allows_it() {
    check(
        |world| world.change(1, |row| row.attempts = vec![UNKNOWN, TAKEN]),
        &[Fault::SentTwice],
    );
    check(
        |world| world.change(1, |row| row.attempts = vec![NOT_TAKEN, TAKEN]),
        &[],
    );
}

#[test]
fn a_double_is_marked() {
    check(
        |world| world.change(5, |row| row.is_marked = false),
        &[Fault::Unmarked],
    );
}

#[test]
fn a_possible_double_is_marked_also_where_it_was_none() {
    check(
        |world| {
            world.arrived.retain(|arrival| arrival.seen != seen(5));
            world.arrive(5, 1);
            world.change(5, |row| row.is_marked = false);
        },
        &[Fault::Unmarked],
    );
}

#[test]
fn a_stop_names_every_message_once() {
    check(
        |world| world.stops[0].already_out.clear(),
        &[Fault::StopNotExact],
    );
    check(
        |world| world.stops[0].unknown.push(id(6)),
        &[Fault::StopNotExact],
    );
    check(
        |world| world.stops[0].already_out.push(id(1)),
        &[Fault::StopNotExact],
    );
}

#[test]
fn what_a_stop_canceled_never_arrives() {
    check(
        |world| {
            world.arrive(8, 2);
            world.change(8, |row| {
                row.state = MessageState::Unknown;
                row.attempts = vec![UNKNOWN];
            });
        },
        &[Fault::CanceledAndSent],
    );
}

#[test]
fn what_is_called_canceled_after_a_stop_has_not_arrived() {
    check(
        |world| {
            world.arrive(8, 6);
            world.change(8, |row| row.attempts = vec![UNKNOWN]);
        },
        &[
            Fault::EndedAndArrived,
            Fault::CanceledAndSent,
            Fault::SentAfterStop,
        ],
    );
}

#[test]
fn nothing_begins_after_a_stop() {
    // Out already, and again.
    check(
        |world| {
            world.arrived.retain(|arrival| arrival.seen != seen(6));
            world.arrive(6, 7);
        },
        &[Fault::SentAfterStop],
    );
    // On its way when the stop was answered: once.
    check(
        |world| {
            world.arrive(7, 7);
            world.change(7, |row| {
                row.policy = DeliveryPolicy::AtLeastOnce;
                row.attempts = vec![UNKNOWN, TAKEN];
                row.is_marked = true;
            });
        },
        &[Fault::SentAfterStop],
    );
}

#[test]
fn at_the_end_nothing_is_with_us() {
    let states = [
        MessageState::Held(HeldReason::Schedule),
        MessageState::Queued,
        MessageState::Sending,
    ];
    for state in states {
        check(
            |world| world.change(1, |row| row.state = state),
            &[Fault::StillWithUs],
        );
    }
    check(
        |world| world.change(1, |row| row.attempts = vec![None]),
        &[Fault::StillWithUs],
    );
}

#[test]
fn a_report_may_end_a_message_before_its_last_attempt_has_an_end() {
    let open = |world: &mut World, is_marked: bool| {
        world.change(5, |row| {
            row.attempts = vec![TAKEN, None];
            row.is_marked = is_marked;
        });
    };
    check(|world| open(world, true), &[]);
    check(|world| open(world, false), &[Fault::Unmarked]);
    check(
        |world| {
            open(world, true);
            world.change(5, |row| row.state = MessageState::Submitted);
        },
        &[Fault::StillWithUs],
    );
}

#[test]
fn unknown_is_only_what_is_in_doubt() {
    check(
        |world| world.change(3, |row| row.attempts = vec![TAKEN]),
        &[Fault::NoDoubt],
    );
}

#[test]
fn the_api_tells_what_is_kept() {
    check(
        |world| {
            world.told.remove(&id(1));
        },
        &[Fault::ToldOtherwise],
    );
    check(
        |world| {
            let told = world.told.get_mut(&id(1)).unwrap();
            "sent".clone_into(&mut told.state);
        },
        &[Fault::ToldOtherwise],
    );
    check(
        |world| {
            let state = "sent".to_owned();
            let told = Told { state, version: 3 };
            world.told.insert("nobody".to_owned(), told);
        },
        &[Fault::ToldOtherwise],
    );
}

#[test]
fn between_asking_and_reading_a_message_may_go_forward_only() {
    let tell = |world: &mut World, state: &str| {
        let told = world.told.get_mut(&id(1)).unwrap();
        told.state = state.to_owned();
        told.version = 2;
    };
    check(|world| tell(world, "sent"), &[]);
    check(
        |world| {
            world.change(1, |row| row.state = MessageState::Submitted);
            tell(world, "delivered");
        },
        &[Fault::ToldOtherwise],
    );
}

#[test]
fn what_was_seen_during_the_run_counts() {
    for fault in Fault::ALL.iter().copied() {
        check(
            |world| world.seen_before.push((fault, "then".to_owned())),
            &[fault],
        );
    }
}
