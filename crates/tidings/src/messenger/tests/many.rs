//! Many messages: their order, how they share calls, how far is read ahead, and what is given up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, Stream, StreamExt as _};
use tidings_core::{DeliveryPolicy, SenderId};

use super::*;
use crate::messenger::{Verdict, VerdictOrder};

fn messages(count: usize) -> impl Stream<Item = Message> + Send {
    stream::iter((0..count).map(message))
}

fn positions(verdicts: &[Verdict]) -> Vec<u64> {
    verdicts.iter().map(|verdict| verdict.position).collect()
}

async fn all(messenger: &Messenger, count: usize, order: VerdictOrder) -> Vec<Verdict> {
    messenger.send_many(messages(count), order).collect().await
}

fn sizes(scripted: &Scripted) -> Vec<usize> {
    scripted.calls().iter().map(Vec::len).collect()
}

fn one_account(two: &Two, scripted: &Scripted, settings: MessengerSettings) -> Messenger {
    let builder = builder(&two.clock, settings);
    builder.account("it", scripted.shared()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn verdicts_come_in_the_order_of_the_messages() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..20 {
        let two = Two::new();
        let scripted = Scripted::with(&two.clock, |it| it.max_messages_per_call = 7);
        scripted.takes((0..100).map(|_| random.u64(0..5_000)));
        let messenger = one_account(&two, &scripted, settings().window(50));
        let verdicts = all(&messenger, 300, VerdictOrder::Given).await;
        assert!(positions(&verdicts).into_iter().eq(0..300));
        for verdict in &verdicts {
            let name = format!("m{}", verdict.position);
            assert_eq!(verdict.reference.as_str(), name);
            let sent = verdict.outcome.as_ref().unwrap();
            assert_eq!(sent.reference.as_str(), name);
        }
        assert_eq!(scripted.n_taken(), 300);
    }
}

#[tokio::test(start_paused = true)]
async fn verdicts_come_as_soon_as_they_are_known() {
    let two = Two::new();
    let scripted = Scripted::with(&two.clock, |it| it.max_messages_per_call = 1);
    scripted.takes([5_000, 1_000, 3_000]);
    let messenger = one_account(&two, &scripted, settings());
    let verdicts = all(&messenger, 3, VerdictOrder::AsTheyCome).await;
    assert_eq!(positions(&verdicts), [1, 2, 0]);
}

#[tokio::test(start_paused = true)]
async fn calls_are_as_full_as_they_can_be() {
    #[track_caller]
    fn check(scripted: &Scripted, expected: &[usize]) {
        assert_eq!(sizes(scripted), expected);
    }
    let two = Two::new();
    let messenger = two.alone(settings());
    all(&messenger, 3500, VerdictOrder::Given).await;
    check(&two.first, &[1000, 1000, 1000, 500]);

    // Also when the consumer takes its time, and the window is no larger than a call.
    let two = Two::new();
    let scripted = Scripted::with(&two.clock, |it| it.max_messages_per_call = 10);
    scripted.takes([50; 100]);
    let messenger = one_account(&two, &scripted, settings().window(10));
    let mut verdicts = messenger.send_many(messages(100), VerdictOrder::AsTheyCome);
    while verdicts.next().await.is_some() {
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    check(&scripted, &[10; 10]);
}

#[tokio::test(start_paused = true)]
async fn messages_leave_when_nothing_more_is_ready() {
    let two = Two::new();
    let messenger = two.alone(settings());
    let trickle = stream::iter(0..3).then(async |index| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        message(index)
    });
    let mut verdicts = messenger.send_many(trickle.boxed(), VerdictOrder::Given);
    for second in 1..=3 {
        verdicts.next().await.unwrap().outcome.unwrap();
        assert_eq!(two.elapsed(), second);
    }
    assert!(verdicts.next().await.is_none());
    assert_eq!(sizes(&two.first), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn where_texts_do_not_mix_equal_ones_travel_together() {
    let two = Two::new();
    let scripted = Scripted::with(&two.clock, |it| {
        it.mixed_texts_per_call = false;
        it.max_messages_per_call = 100;
    });
    let messenger = one_account(&two, &scripted, settings());
    let texts = ["one", "two", "three"];
    let senders = ["Tidings", "Shop"].map(|name| SenderId::parse(name).unwrap());
    let mixed = stream::iter(0..600).map(|index| {
        let mut message = message(index).from(senders[index % 2].clone());
        message.text = texts[index % 3].into();
        message
    });
    let verdicts: Vec<_> = messenger
        .send_many(mixed, VerdictOrder::Given)
        .collect()
        .await;
    assert!(positions(&verdicts).into_iter().eq(0..600));
    assert_eq!(sizes(&scripted), [100; 6]);
    let taken = scripted.memory.messages();
    for call in taken.chunks(100) {
        let first = &call[0].message;
        let is_alike =
            |it: &Outbound| it.message.text == first.text && it.message.from == first.from;
        assert!(call.iter().all(is_alike));
    }
}

#[tokio::test(start_paused = true)]
async fn messages_with_nothing_in_common_go_one_by_one_and_several_at_once() {
    let two = Two::new();
    let scripted = Scripted::with(&two.clock, |it| {
        it.mixed_texts_per_call = false;
        it.max_messages_per_call = 100;
    });
    scripted.takes([1_000; 200]);
    let messenger = one_account(&two, &scripted, settings().window(30).calls_at_once(5));
    let different = stream::iter(0..200).map(|index| {
        let mut message = message(index);
        message.text = format!("code {index}").into();
        message
    });
    let verdicts: Vec<_> = messenger
        .send_many(different, VerdictOrder::Given)
        .collect()
        .await;
    assert_eq!(verdicts.len(), 200);
    assert_eq!(scripted.state().most_open_calls, 5);
    assert_eq!(two.elapsed(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_rare_text_is_not_overtaken_for_ever() {
    let two = Two::new();
    let scripted = Scripted::with(&two.clock, |it| {
        it.mixed_texts_per_call = false;
        it.max_messages_per_call = 10;
    });
    scripted.takes([1_000; 1_000]);
    let messenger = one_account(&two, &scripted, settings().window(100).calls_at_once(1));
    let mostly_alike = stream::iter(0..2_000).map(|index| {
        let mut message = message(index);
        if index == 5 {
            message.text = "another text".into();
        }
        message
    });
    let verdicts: Vec<_> = messenger
        .send_many(mostly_alike, VerdictOrder::AsTheyCome)
        .collect()
        .await;
    let rare = verdicts.iter().position(|it| it.position == 5).unwrap();
    assert!(rare < 250, "{rare}");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_read_than_the_window_holds() {
    for order in [VerdictOrder::Given, VerdictOrder::AsTheyCome] {
        let two = Two::new();
        let n_read = Arc::new(AtomicUsize::new(0));
        let counted = {
            let n_read = Arc::clone(&n_read);
            messages(1_000).inspect(move |_| {
                n_read.fetch_add(1, Ordering::Relaxed);
            })
        };
        two.first.takes([1_000; 100]);
        let messenger = two.alone(settings().window(64));
        let mut verdicts = messenger.send_many(counted, order);
        let mut handed_out = 0;
        while verdicts.next().await.is_some() {
            let read = n_read.load(Ordering::Relaxed);
            assert!(
                read - handed_out <= 64,
                "{read} read, {handed_out} handed out"
            );
            handed_out += 1;
        }
        assert_eq!(handed_out, 1_000);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_before_verdicts_are_asked_for() {
    let two = Two::new();
    let messenger = two.alone(settings());
    let verdicts = messenger.send_many(messages(10), VerdictOrder::Given);
    assert_eq!(verdicts.size_hint(), (10, Some(10)));
    drop(verdicts);
    assert!(two.first.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_verdicts_stops_the_reading_and_the_calls() {
    let two = Two::new();
    let scripted = Scripted::with(&two.clock, |it| it.max_messages_per_call = 10);
    scripted.takes([0, 60_000, 60_000]);
    let messenger = one_account(&two, &scripted, settings().window(30));
    let mut verdicts = messenger.send_many(messages(1_000), VerdictOrder::AsTheyCome);
    verdicts.next().await.unwrap();
    assert!(scripted.state().open_calls > 0);
    drop(verdicts);
    assert_eq!(scripted.state().open_calls, 0);
    assert_eq!(scripted.n_taken(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_message_in_doubt_does_not_hold_up_the_others() {
    let two = Two::new();
    let scripted = Scripted::with(&two.clock, |it| it.max_messages_per_call = 1);
    scripted.memory.fail_next_to(&number(0), lost());
    let messenger = one_account(&two, &scripted, settings().window(5).calls_at_once(2));
    let mut verdicts = messenger.send_many(messages(200), VerdictOrder::AsTheyCome);
    for _ in 1..200 {
        assert_ne!(verdicts.next().await.unwrap().position, 0);
    }
    assert_eq!(two.elapsed(), 0);
    let last = verdicts.next().await.unwrap();
    assert_eq!(last.position, 0);
    last.outcome.unwrap();
    assert_eq!(two.elapsed(), 30);
}

#[tokio::test(start_paused = true)]
async fn messages_that_fail_over_travel_together_again() {
    let two = Two::new();
    for _ in 0..3 {
        two.first.memory.fail_next(down());
    }
    let messenger = two.messenger(settings());
    let verdicts = all(&messenger, 3_000, VerdictOrder::Given).await;
    assert!(positions(&verdicts).into_iter().eq(0..3_000));
    assert_eq!(sizes(&two.first), [1000; 3]);
    assert_eq!(sizes(&two.second), [1000; 3]);
    let all_second = |it: &Verdict| it.outcome.as_ref().unwrap().account.as_str() == "second";
    assert!(verdicts.iter().all(all_second));
}

#[tokio::test(start_paused = true)]
async fn each_message_of_a_call_has_its_own_fate() {
    let two = Two::new();
    let errors = [
        (
            0,
            Error::new(
                ErrorKind::InvalidRecipient,
                Acceptance::Refused,
                "no such number",
            ),
        ),
        (1, Error::not_sent(ErrorKind::RateLimited, "too many")),
        (2, lost()),
    ];
    for (index, error) in errors {
        two.first.memory.fail_next_to(&number(index), error);
    }
    let messenger = two.messenger(settings());
    let verdicts = all(&messenger, 4, VerdictOrder::Given).await;
    let accounts: Vec<Option<&str>> = verdicts
        .iter()
        .map(|it| Some(it.outcome.as_ref().ok()?.account.as_str()))
        .collect();
    assert_eq!(
        accounts,
        [None, Some("second"), Some("first"), Some("first")]
    );
    assert_eq!(
        two.first.calls(),
        [vec!["m0", "m1", "m2", "m3"], vec!["m2"]]
    );
    assert_eq!(two.second.calls(), [["m1"]]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_as_a_whole_has_its_cause_once() {
    use std::error::Error as _;

    let two = Two::new();
    let error = Error::new(ErrorKind::Rejected, Acceptance::Refused, "none of these");
    two.first.memory.fail_next(error.with_source(down()));
    let messenger = two.alone(settings());
    let verdicts = all(&messenger, 3, VerdictOrder::Given).await;
    let causes = verdicts
        .iter()
        .map(|it| it.outcome.as_ref().unwrap_err().error.source().is_some());
    assert_eq!(causes.collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn no_messages_have_no_verdicts() {
    let two = Two::new();
    let messenger = two.alone(settings().window(0).calls_at_once(0));
    assert!(all(&messenger, 0, VerdictOrder::Given).await.is_empty());
    // Windows and calls of none count as one.
    assert_eq!(all(&messenger, 3, VerdictOrder::Given).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_ends_is_no_reason_to_wait() {
    let two = Two::new();
    let messenger = two.alone(settings());
    let one_and_nothing = stream::iter([message(1)]).chain(stream::pending());
    let mut verdicts = messenger.send_many(one_and_nothing, VerdictOrder::Given);
    verdicts.next().await.unwrap().outcome.unwrap();
    let next = verdicts.next();
    assert!(next.now_or_never().is_none());
    assert_eq!(two.elapsed(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_messages_in_doubt_are_asked_about_a_few_at_a_time() {
    let two = Two::new();
    two.first.memory.take_and_fail_next(lost());
    let messenger = two.alone(settings().policy(DeliveryPolicy::Reconcile));
    let verdicts = all(&messenger, 500, VerdictOrder::Given).await;
    assert!(verdicts.iter().all(|it| it.outcome.is_ok()));
    assert_eq!(two.first.questions().len(), 500);
    assert_eq!(two.first.n_taken(), 500);
}
