//! Places among the calls in flight: how many, in which order, and that they come back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{join, join_all};
use tidings_core::Clock;

use super::{PausedClock, Scripted, ask_everything, check_answers_pass, outbounds};
use crate::layers::{Concurrency, Innermost, Stack};
use crate::provider::Provider;

const CALL: Duration = Duration::from_secs(1);

type Placed = Stack<Concurrency<Innermost<Arc<Scripted>>>>;

fn with_places(clock: &Arc<PausedClock>, places: usize) -> (Arc<Scripted>, Placed) {
    let scripted = Arc::new(Scripted::new(clock).taking(CALL));
    let inner = Innermost::new(Arc::clone(&scripted));
    (scripted, Stack::new(Concurrency::new(inner, places)))
}

/// Ten calls of a second each, with so many places, take so many seconds.
async fn check(places: usize, in_flight: usize, seconds: u64) {
    let clock = PausedClock::new();
    let (scripted, limited) = with_places(&clock, places);
    let messages = outbounds(1);
    let results = join_all((0..10).map(|_| limited.submit(&messages))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(scripted.most_in_flight.load(Ordering::Relaxed), in_flight);
    assert_eq!(clock.elapsed(), Duration::from_secs(seconds));
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_in_flight_than_there_are_places() {
    check(0, 1, 10).await;
    check(1, 1, 10).await;
    check(3, 3, 4).await;
    check(10, 10, 1).await;
    check(usize::MAX, 10, 1).await;
}

#[tokio::test(start_paused = true)]
async fn questions_take_places_as_messages_do() {
    let clock = PausedClock::new();
    let (scripted, limited) = with_places(&clock, 1);
    let messages = outbounds(1);
    let questions = join(ask_everything(&limited), ask_everything(&limited));
    let (results, sent) = join(questions, limited.submit(&messages)).await;
    assert!(sent.is_ok());
    let (first, second) = results;
    assert!(first.iter().chain(&second).all(Option::is_none));
    assert_eq!(scripted.most_in_flight.load(Ordering::Relaxed), 1);
    assert_eq!(clock.elapsed(), 9 * CALL);
    check_answers_pass(&limited).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_gives_its_place_back() {
    let clock = PausedClock::new();
    let (scripted, limited) = with_places(&clock, 1);
    let messages = outbounds(1);
    let given_up = tokio::time::timeout(CALL / 4, limited.submit(&messages));
    let waiting_in_vain = tokio::time::timeout(CALL / 8, limited.submit(&messages));
    let (given_up, (waiting_in_vain, served)) =
        join(given_up, join(waiting_in_vain, limited.submit(&messages))).await;
    assert!(given_up.is_err() && waiting_in_vain.is_err());
    assert!(served.is_ok());
    assert_eq!(scripted.take_times(), [Duration::ZERO, CALL / 4]);
}
