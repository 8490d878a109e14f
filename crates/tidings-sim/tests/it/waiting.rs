//! Messages that wait at the carrier: named batches, rates, windows, stops, holds and duplicates.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tidings::backend::{
    Batches, Messages, Presented, Principal, Refusal, SignIn, Submission, Submitted, Terms,
};
use tidings::batches::QueuedBatch;
use tidings::{ClientRef, Message, Priority, Reason, ReportedState};
use tidings_core::{Clock, SendWindow, TimeZone, ZonedTime};
use tidings_sim::{SimError, World};

use super::harness::{
    NAMED, SPEC, TestClock, builder, builder_of, message, number, owner, presented, scenario, world,
};

const AMADOU: &str = "+224622000001";
const FATOU: &str = "+224622000002";
const NOT_FOUND: Refusal = Refusal::NotFound { what: "batch" };

/// One message a second; everything is delivered when it has left.
const SLOW: &str = "rate_per_s = 1\n[delays]\nsent_ms = 0\ndelivered_ms = 0";

async fn named(world: &World, who: &Principal, name: &str, messages: Vec<Message>) -> Vec<String> {
    let submission = Submission::batch(messages, Vec::new()).batch_reference(Some(name.to_owned()));
    let accepted = world.accept(who, submission).await.unwrap();
    assert_eq!(accepted.batch.as_deref(), Some(name));
    let verdicts = accepted.verdicts.into_iter();
    verdicts.map(|verdict| verdict.unwrap().id).collect()
}

fn texts(n: usize) -> Vec<Message> {
    let text: Arc<str> = "hello".into();
    (0..n)
        .map(|index| {
            let to = number(&format!("+224622{index:06}"));
            Message::new(to, Arc::clone(&text))
        })
        .collect()
}

async fn state(world: &World, who: &Principal, id: &str) -> (ReportedState, Option<Reason>) {
    let view = world.message(who, id).await.unwrap();
    (view.state, view.reason)
}

#[tokio::test]
async fn a_batch_shrinks_at_the_rate_and_is_gone_when_it_has_left() {
    let (world, clock, who) = world(SLOW).await;
    let ids = named(&world, &who, "b-1", texts(3)).await;
    for left in [2, 1] {
        let batch = QueuedBatch::new("b-1", left);
        assert_eq!(world.queued_batch(&who, "b-1").await.unwrap(), batch);
        assert_eq!(world.queued_batches(&who).await.unwrap(), [batch]);
        clock.advance(1_000);
    }
    assert_eq!(
        world.queued_batch(&who, "b-1").await.unwrap_err(),
        NOT_FOUND
    );
    assert_eq!(world.queued_batches(&who).await.unwrap(), []);
    assert_eq!(world.stop_batch(&who, "b-1").await.unwrap_err(), NOT_FOUND);
    for id in &ids {
        let delivered = (ReportedState::Delivered, None);
        assert_eq!(state(&world, &who, id).await, delivered);
    }
    let left: Vec<_> = world
        .messages()
        .iter()
        .map(|sms| sms.left_at.unwrap().since(sms.at))
        .collect();
    assert_eq!(left, [0, 1, 2].map(Duration::from_secs));
}

#[tokio::test]
async fn a_thousand_a_second_leave_in_a_second() {
    let (world, clock, who) = world("rate_per_s = 1000").await;
    named(&world, &who, "b-1", texts(2_500)).await;
    clock.advance(1_000);
    let batch = world.queued_batch(&who, "b-1").await.unwrap();
    // One at the moment of acceptance and one with every millisecond since.
    assert_eq!(batch.left, 2_500 - 1_001);
}

#[tokio::test]
async fn calls_under_one_name_make_one_batch_of_an_account() {
    let (world, clock, who) = world(&format!(
        "{SLOW}\n[[account]]\nsettings = {{ line = 2000 }}"
    ))
    .await;
    named(&world, &who, "b-1", texts(2)).await;
    named(&world, &who, "other", texts(1)).await;
    named(&world, &who, "b-1", texts(3)).await;
    let key = presented(&world).value("key").unwrap().to_owned();
    let stranger = Presented::new().with("line", "2000").with("key", key);
    let stranger = world.sign_in(&stranger).await.unwrap();
    assert_ne!(stranger, who);
    named(&world, &stranger, "b-1", texts(2)).await;

    let queued = world.queued_batches(&who).await.unwrap();
    let expected = [QueuedBatch::new("b-1", 4), QueuedBatch::new("other", 1)];
    assert_eq!(queued, expected);
    let view = world.batch(&who, "b-1").await.unwrap();
    assert_eq!(view.successful + view.pending, 5);
    let queued = world.queued_batches(&stranger).await.unwrap();
    assert!(queued.is_empty(), "nothing slows down this account");
    assert_eq!(
        world.stop_batch(&stranger, "b-1").await.unwrap_err(),
        NOT_FOUND
    );
    clock.advance(10_000);
    assert!(world.queued_batches(&who).await.unwrap().is_empty());
    // A name may be used again.
    named(&world, &who, "b-1", texts(2)).await;
    assert_eq!(world.queued_batch(&who, "b-1").await.unwrap().left, 1);
}

#[tokio::test]
async fn a_stop_names_exactly_what_had_not_left() {
    let (world, clock, who) = world(SLOW).await;
    let messages = texts(5).into_iter().enumerate();
    let messages = messages
        .map(|(index, message)| message.reference(ClientRef::new(format!("r-{index}")).unwrap()));
    let ids = named(&world, &who, "b-1", messages.collect()).await;
    clock.advance(1_500);
    let stopped = world.stop_batch(&who, "b-1").await.unwrap();
    assert_eq!(stopped.reference, "b-1");
    let named: Vec<_> = stopped
        .stopped
        .iter()
        .map(|message| {
            let reference = message.reference.as_ref().unwrap();
            (message.id.as_str(), reference.as_str())
        })
        .collect();
    let (left, kept) = ids.split_at(2);
    let expected = [(&*kept[0], "r-2"), (&*kept[1], "r-3"), (&*kept[2], "r-4")];
    assert_eq!(named, expected);
    assert_eq!(world.stop_batch(&who, "b-1").await.unwrap_err(), NOT_FOUND);
    clock.advance(100_000);
    for id in left {
        assert_eq!(state(&world, &who, id).await.0, ReportedState::Delivered);
    }
    for id in kept {
        let canceled = (ReportedState::Canceled, Some(Reason::Canceled));
        assert_eq!(state(&world, &who, id).await, canceled);
    }
    // What was stopped takes nobody's turn.
    named_one(&world, &who).await;
}

async fn named_one(world: &World, who: &Principal) {
    let id = named(world, who, "b-2", texts(1)).await.remove(0);
    assert_eq!(state(world, who, &id).await.0, ReportedState::Delivered);
}

#[tokio::test]
async fn the_urgent_overtake_a_batch_that_waits() {
    let (world, clock, who) = world(SLOW).await;
    named(&world, &who, "news", texts(100)).await;
    let code = message(AMADOU, "your code").priority(Priority::High);
    let code = named(&world, &who, "codes", vec![code]).await.remove(0);
    clock.advance(1_000);
    let delivered = (ReportedState::Delivered, None);
    assert_eq!(state(&world, &who, &code).await, delivered);
    assert_eq!(world.queued_batch(&who, "news").await.unwrap().left, 99);
}

fn window(clock: &TestClock, opens_s: u64, closes_s: Option<u64>) -> SendWindow {
    let at = |seconds| {
        let moment = clock.now().plus(Duration::from_secs(seconds));
        ZonedTime::new(moment, &TimeZone::UTC)
    };
    match closes_s {
        Some(closes) => SendWindow::between(at(opens_s), at(closes)).unwrap(),
        None => SendWindow::from(at(opens_s)),
    }
}

#[tokio::test]
async fn a_window_holds_messages_and_discards_what_cannot_leave_in_it() {
    let (world, clock, who) = world(SLOW).await;
    let window = window(&clock, 60, Some(62));
    let messages = texts(4).into_iter();
    let messages = messages.map(|message| message.window(window.clone()));
    let ids = named(&world, &who, "b-1", messages.collect()).await;
    clock.advance(59_999);
    assert_eq!(world.queued_batch(&who, "b-1").await.unwrap().left, 4);
    clock.advance(1);
    assert_eq!(world.queued_batch(&who, "b-1").await.unwrap().left, 3);
    clock.advance(2_000);
    assert_eq!(world.queued_batches(&who).await.unwrap(), []);
    let mut states = Vec::new();
    for id in &ids {
        states.push(state(&world, &who, id).await.0);
    }
    use ReportedState::{Delivered, Expired};
    assert_eq!(states, [Delivered, Delivered, Expired, Expired]);
    let shown = world.messages().remove(0).window.unwrap();
    assert_eq!(shown.until, Some(shown.from.plus(Duration::from_secs(2))));
    let reaching = world.messages();
    let reaching = reaching.iter().filter(|sms| sms.left_at.is_some());
    assert_eq!(reaching.count(), 2);
}

#[tokio::test]
async fn a_scheduled_message_can_be_stopped_before_its_window_opens() {
    let (world, clock, who) = world("").await;
    let later = message(AMADOU, "later").window(window(&clock, 60, None));
    let id = named(&world, &who, "b-1", vec![later]).await.remove(0);
    let stopped = world.stop_batch(&who, "b-1").await.unwrap();
    assert_eq!(stopped.stopped.len(), 1);
    clock.advance(1_000_000);
    assert_eq!(state(&world, &who, &id).await.0, ReportedState::Canceled);
}

#[tokio::test]
async fn validity_runs_out_while_a_message_waits_and_while_it_is_on_its_way() {
    let (world, clock, who) =
        world("rate_per_s = 1\n[delays]\nsent_ms = 100\ndelivered_ms = 5000").await;
    let valid = |text: &str, seconds| message(AMADOU, text).valid_for(Duration::from_secs(seconds));
    let messages = vec![valid("slow", 4), valid("waits", 10), valid("never", 1)];
    let ids = named(&world, &who, "b-1", messages).await;
    clock.advance(4_000);
    let expired = (ReportedState::Expired, Some(Reason::Expired));
    assert_eq!(state(&world, &who, &ids[0]).await, expired);
    assert_eq!(state(&world, &who, &ids[1]).await.0, ReportedState::Sent);
    assert_eq!(state(&world, &who, &ids[2]).await, expired);
    clock.advance(2_000);
    let delivered = (ReportedState::Delivered, None);
    assert_eq!(state(&world, &who, &ids[1]).await, delivered);
    assert_eq!(state(&world, &who, &ids[0]).await, expired);
}

#[tokio::test]
async fn a_hundred_thousand_wait_and_are_stopped() {
    let (world, clock, who) = world("credit = 100000\nrate_per_s = 1000").await;
    let ids = named(&world, &who, "b-1", texts(100_000)).await;
    clock.advance(30_000);
    let left = world.queued_batch(&who, "b-1").await.unwrap().left;
    assert_eq!(left, 100_000 - 30_001);
    let stopped = world.stop_batch(&who, "b-1").await.unwrap().stopped;
    let stopped: Vec<_> = stopped.into_iter().map(|message| message.id).collect();
    assert_eq!(stopped, ids[30_001..]);
}

/// Stops while messages leave and others come in, from several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_both_stopped_and_sent() {
    let (world, clock, who) = world("rate_per_s = 1000\ncredit = 1000000").await;
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (world, who) = (world.clone(), who.clone());
        senders.spawn(async move {
            for _ in 0..25 {
                named(&world, &who, "b-1", texts(40)).await;
                tokio::task::yield_now().await;
            }
        });
    }
    let mut stoppers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (world, who, clock) = (world.clone(), who.clone(), Arc::clone(&clock));
        stoppers.spawn(async move {
            let mut stopped = Vec::new();
            for _ in 0..200 {
                clock.advance(3);
                match world.stop_batch(&who, "b-1").await {
                    Ok(batch) => stopped.extend(batch.stopped.into_iter().map(|it| it.id)),
                    Err(refusal) => assert_eq!(refusal, NOT_FOUND),
                }
                tokio::task::yield_now().await;
            }
            stopped
        });
    }
    senders.join_all().await;
    let stopped: Vec<String> = stoppers.join_all().await.concat();
    clock.advance(1_000_000);
    let once: HashSet<_> = stopped.iter().cloned().collect();
    assert_eq!(once.len(), stopped.len(), "nothing is stopped twice");
    assert!(!once.is_empty());
    let messages = world.messages();
    assert_eq!(messages.len(), 4_000);
    for sms in messages {
        let was_stopped = once.contains(&sms.provider_id);
        assert_eq!(sms.left_at.is_none(), was_stopped, "{sms:?}");
        let expected = if was_stopped {
            ReportedState::Canceled
        } else {
            ReportedState::Delivered
        };
        assert_eq!(sms.state, expected);
    }
}

#[tokio::test]
async fn a_batch_without_a_name_gets_one_where_names_are_used() {
    let world = builder_of(&NAMED, SLOW).into_world().await.unwrap();
    let who = owner(&world).await;
    let accepted = world
        .accept(&who, Submission::one(message(AMADOU, "hello")))
        .await
        .unwrap();
    let name = accepted.batch.unwrap();
    let lengths: Vec<_> = name.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{name}");
    assert_eq!(name.chars().nth(14), Some('4'), "{name}");
    assert!(matches!(name.chars().nth(19), Some('8' | '9' | 'a' | 'b')));
    assert_eq!(world.messages()[0].batch, Some(name.clone()));
    let second = Submission::one(message(FATOU, "hello"));
    let second = world.accept(&who, second).await.unwrap().batch.unwrap();
    assert_ne!(second, name);
    assert_eq!(world.queued_batch(&who, &second).await.unwrap().left, 1);
    assert!(!SPEC.capabilities.batches);
}

fn referenced(reference: &str) -> Message {
    message(AMADOU, "hello").reference(ClientRef::new(reference).unwrap())
}

#[tokio::test]
async fn a_reference_is_taken_once_in_an_hour_where_the_account_wants_it() {
    let (world, clock, who) = world("refuse_duplicates = true").await;
    let send = async |messages: Vec<Message>| {
        let submission = Submission::batch(messages, Vec::new());
        let accepted = world.accept(&who, submission).await.unwrap();
        let verdicts = accepted.verdicts.into_iter();
        verdicts.map(Result::err).collect::<Vec<_>>()
    };
    let first = vec![referenced("a"), referenced("b"), referenced("a")];
    assert_eq!(send(first).await, [None, None, Some(Refusal::Duplicate)]);
    assert_eq!(
        send(vec![referenced("b")]).await,
        [Some(Refusal::Duplicate)]
    );
    let nameless = vec![message(AMADOU, "hello"), message(AMADOU, "hello")];
    assert_eq!(send(nameless).await, [None, None]);
    clock.advance(3_599_999);
    assert_eq!(
        send(vec![referenced("a")]).await,
        [Some(Refusal::Duplicate)]
    );
    clock.advance(1);
    // That it was refused did not make the hour begin anew.
    assert_eq!(send(vec![referenced("a")]).await, [None]);
    assert_eq!(
        send(vec![referenced("a")]).await,
        [Some(Refusal::Duplicate)]
    );
    world.set_scenario(scenario("")).unwrap();
    assert_eq!(send(vec![referenced("a")]).await, [None]);
    world
        .set_scenario(scenario("refuse_duplicates = true"))
        .unwrap();
    assert_eq!(
        send(vec![referenced("a")]).await,
        [Some(Refusal::Duplicate)]
    );
}

#[tokio::test]
async fn too_many_texts_to_one_phone_are_held_until_they_are_released() {
    let (world, clock, who) = world(
        "recipient_quota = { messages = 2, within_s = 60 }\n[delays]\nsent_ms = 0\ndelivered_ms = 0",
    )
    .await;
    let messages = [AMADOU, AMADOU, FATOU, AMADOU].map(|to| message(to, "hello"));
    let submission = Submission::batch(messages, Vec::new()).batch_reference(Some("b".to_owned()));
    let accepted = world.accept(&who, submission).await.unwrap();
    let taken: Vec<_> = accepted.verdicts.into_iter().map(Result::unwrap).collect();
    let held: Vec<_> = taken.iter().map(|taken| taken.is_on_hold).collect();
    assert_eq!(held, [false, false, false, true]);
    let batch = world.queued_batch(&who, "b").await.unwrap();
    assert_eq!(batch, QueuedBatch::new("b", 1).on_hold(1));
    clock.advance(1_000_000);
    assert_eq!(
        state(&world, &who, &taken[3].id).await.0,
        ReportedState::Submitted
    );
    assert_eq!(world.release().await.unwrap(), 1);
    assert_eq!(
        state(&world, &who, &taken[3].id).await.0,
        ReportedState::Delivered
    );
    assert_eq!(world.release().await.unwrap(), 0);
    // The time of the quota is over as well.
    let again = Submission::one(message(AMADOU, "hello"));
    let again = world.accept(&who, again).await.unwrap().verdicts.remove(0);
    assert!(!again.unwrap().is_on_hold);
}

#[tokio::test]
async fn too_many_texts_to_one_phone_are_refused_where_the_account_wants_it() {
    let (world, _clock, who) =
        world("recipient_quota = { messages = 1, excess = \"refused\" }").await;
    let send = async || {
        let submission = Submission::one(message(AMADOU, "hello"));
        let mut verdicts = world.accept(&who, submission).await.unwrap().verdicts;
        verdicts.remove(0).err()
    };
    assert_eq!(send().await, None);
    assert_eq!(send().await, Some(Refusal::RecipientQuota));
    assert_eq!(world.messages().len(), 1);
}

#[tokio::test]
async fn prices_and_ages_are_checked() {
    let (world, clock, who) = world(
        "max_price = 500\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n\
         [[phone]]\nto = \"+224622000001\"\nage = 15\n\
         [[phone]]\nto = \"+224622000002\"\nbars_premium = true",
    )
    .await;
    let send = async |to: &str, price, minimum_age| {
        let mut terms = Terms::default();
        terms.price = price;
        terms.minimum_age = minimum_age;
        let submission = Submission::one(Submitted::new(message(to, "hello"), terms));
        let verdict = world.accept(&who, submission).await.unwrap();
        verdict.verdicts.into_iter().next().unwrap()
    };
    let refused = send(AMADOU, 600, None).await.unwrap_err();
    assert_eq!(refused, Refusal::invalid("price", "is more than 500"));
    let mut ends = Vec::new();
    for (to, price, age) in [
        (AMADOU, 500, Some(16)),
        (AMADOU, 500, Some(15)),
        (AMADOU, 0, None),
        (FATOU, 0, Some(18)),
        (FATOU, 100, None),
    ] {
        let id = send(to, price, age).await.unwrap().id;
        clock.advance(1);
        ends.push(state(&world, &who, &id).await);
    }
    let delivered = (ReportedState::Delivered, None);
    let failed = |reason| (ReportedState::Undelivered, Some(reason));
    assert_eq!(
        ends,
        [
            failed(Reason::ComplianceBlocked),
            delivered,
            delivered,
            delivered,
            failed(Reason::RecipientBlocked),
        ]
    );
    let shown = world.messages().remove(0);
    assert_eq!((shown.price, shown.minimum_age), (500, Some(16)));
    world
        .set_scenario(scenario("allows_premium = false"))
        .unwrap();
    let refused = send(AMADOU, 100, None).await.unwrap_err();
    assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused}");
    assert!(send(AMADOU, 0, None).await.is_ok());
}

#[tokio::test]
async fn waiting_and_stopped_messages_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.jsonl");
    let clock = TestClock::new();
    let open = async |path| -> Result<World, SimError> {
        builder(&format!("{SLOW}\n[recipient_quota]\nmessages = 3"))
            .clock(Arc::<TestClock>::clone(&clock))
            .state_file(path)
            .into_world()
            .await
    };
    let first = open(path.clone()).await.unwrap();
    let who = owner(&first).await;
    let opens = window(&clock, 60, Some(64));
    let days = "2026-11-22".parse().unwrap()..="2026-11-23".parse().unwrap();
    let oslo = TimeZone::named("Europe/Oslo").unwrap();
    let hours = ("09:00".parse().unwrap(), "17:00".parse().unwrap());
    let daily = SendWindow::daily(days, hours.0, hours.1, &oslo).unwrap();
    named(&first, &who, "stopped", texts(10)).await;
    clock.advance(3_000);
    let stopped = first.stop_batch(&who, "stopped").await.unwrap().stopped;
    assert_eq!(stopped.len(), 6);
    let scheduled = texts(3).into_iter().map(|it| it.window(opens.clone()));
    named(&first, &who, "scheduled", scheduled.collect()).await;
    let daily = texts(3).into_iter().map(|it| it.window(daily.clone()));
    named(&first, &who, "daily", daily.collect()).await;
    let held = vec![message(AMADOU, "one too many").valid_for(Duration::from_mins(10))];
    named(&first, &who, "held", held).await;
    let urgent = message("+224622999999", "your code").priority(Priority::High);
    named(&first, &who, "urgent", vec![urgent]).await;

    // Looked at or not: the same happens.
    clock.advance(2_500);
    first.messages();
    let copy = folder.path().join("killed.jsonl");
    std::fs::copy(&path, &copy).unwrap();
    let second = open(copy.clone()).await.unwrap();
    let same = async || {
        assert_eq!(second.messages(), first.messages());
        let queued = first.queued_batches(&who).await.unwrap();
        assert_eq!(second.queued_batches(&who).await.unwrap(), queued);
        queued.len()
    };
    assert_eq!(same().await, 3);
    for seconds in [30, 30, 3, 20_000, 60_000, 100_000, 1_000_000] {
        clock.advance(seconds * 1_000);
        same().await;
    }
    assert_eq!(same().await, 0);
    let gone: HashSet<_> = stopped.into_iter().map(|message| message.id).collect();
    for sms in second.messages() {
        let is_gone = gone.contains(&sms.provider_id);
        assert_eq!(sms.state == ReportedState::Canceled, is_gone);
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_takes_nothing_back() {
    let (world, clock, who) = world(SLOW).await;
    named(&world, &who, "b-1", texts(3)).await;
    clock.advance(1_000);
    assert_eq!(world.queued_batch(&who, "b-1").await.unwrap().left, 1);
    clock.advance(-100_000);
    assert_eq!(world.queued_batch(&who, "b-1").await.unwrap().left, 1);
    let id = named(&world, &who, "b-2", texts(1)).await.remove(0);
    assert_eq!(state(&world, &who, &id).await.0, ReportedState::Submitted);
    clock.advance(102_000);
    assert_eq!(state(&world, &who, &id).await.0, ReportedState::Delivered);
}

#[tokio::test]
async fn an_account_that_is_none_of_the_providers_is_refused_by_name() {
    let scenario_text = "[[account]]\nsettings = { colour = \"red\" }";
    let error = builder(scenario_text).into_world().await.unwrap_err();
    let SimError::Account { source } = error else {
        panic!("{error}");
    };
    assert!(source.to_string().contains("colour"), "{source}");
    let (world, _clock, _who) = world("").await;
    let refused = world.set_scenario(scenario(scenario_text));
    assert!(matches!(refused, Err(SimError::Account { .. })));
}
