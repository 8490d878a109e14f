//! Exact waits for parts, the count of a day over its change, and that neither is ever exceeded.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use proptest::prelude::*;
use tidings_core::{Clock, TimeZone, Timestamp, ZonedTime};

use super::{
    PausedClock, QUESTIONS, Scripted, TooFew, ask_everything, check_answers_pass, limited, millis,
    name_of, of_parts, outbound, outbounds, paused, unavailable,
};
use crate::error::{Acceptance, Error, ErrorKind, Result};
use crate::layers::{Innermost, Rate, RateLimit, Stack};
use crate::provider::{Outbound, Provider, Receipt};

struct Limited {
    clock: Arc<PausedClock>,
    scripted: Arc<Scripted>,
    provider: Stack<RateLimit<Innermost<Arc<Scripted>>>>,
}

fn limited_to(rate: &Rate) -> Limited {
    from(Timestamp::UNIX_EPOCH, rate)
}

fn from(now: Timestamp, rate: &Rate) -> Limited {
    let clock = PausedClock::showing(now);
    let scripted = Arc::new(Scripted::new(&clock));
    let inner = Innermost::new(Arc::clone(&scripted));
    let clock_of_layer: Arc<PausedClock> = Arc::clone(&clock);
    Limited {
        provider: Stack::new(RateLimit::new(inner, rate, clock_of_layer)),
        clock,
        scripted,
    }
}

impl Limited {
    async fn submit(&self, messages: &[Outbound]) -> Result<Vec<Result<Receipt>>> {
        self.provider.submit(messages).await
    }

    /// One call of so many messages of one part each; gives how many left, and how long the others
    /// are to wait.
    async fn send(&self, messages: usize) -> (usize, Option<Duration>) {
        let results = match self.submit(&outbounds(messages)).await {
            Ok(results) => results,
            Err(error) => {
                check_used_up(&error);
                return (0, error.retry_after());
            }
        };
        assert_eq!(results.len(), messages);
        let left = results.iter().take_while(|result| result.is_ok()).count();
        let errors = results.iter().filter_map(|result| result.as_ref().err());
        let waits: Vec<Option<Duration>> = errors
            .map(|error| {
                check_used_up(error);
                error.retry_after()
            })
            .collect();
        assert_eq!(waits.len(), messages - left);
        assert!(waits.iter().all(|wait| *wait == waits[0]));
        (left, waits.first().copied().flatten())
    }
}

#[track_caller]
fn check_used_up(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.acceptance(), Acceptance::NotSent);
    assert_eq!(
        error.to_string(),
        "the parts that may leave this account in a day are used up"
    );
}

fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

const HOUR: Duration = Duration::from_hours(1);
const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn parts_leave_at_the_pace_after_a_burst() {
    let limited = limited_to(&Rate::per_second(10).burst(3));
    for _ in 0..6 {
        limited.submit(&outbounds(1)).await.unwrap();
    }
    assert_eq!(
        limited.scripted.take_times(),
        millis(&[0, 0, 0, 100, 200, 300])
    );
    // A pause earns a burst again, and no more than one.
    tokio::time::sleep(Duration::from_mins(1)).await;
    for _ in 0..4 {
        limited.submit(&outbounds(1)).await.unwrap();
    }
    let times = millis(&[60_300, 60_300, 60_300, 60_400]);
    assert_eq!(limited.scripted.take_times(), times);
}

#[tokio::test(start_paused = true)]
async fn long_texts_wait_for_all_of_their_parts() {
    let limited = limited_to(&Rate::per_second(10).burst(4));
    limited.submit(&[of_parts(0, 3)]).await.unwrap();
    limited.submit(&[of_parts(1, 3)]).await.unwrap();
    limited
        .submit(&[of_parts(2, 2), of_parts(3, 2)])
        .await
        .unwrap();
    assert_eq!(limited.scripted.take_times(), millis(&[0, 200, 600]));
}

#[tokio::test(start_paused = true)]
async fn a_call_larger_than_the_burst_waits_and_goes_as_a_whole() {
    let limited = limited_to(&Rate::per_second(10).burst(4));
    let results = limited.submit(&outbounds(11)).await.unwrap();
    let names: Vec<String> = results.iter().map(name_of).collect();
    let calls = limited.scripted.take_calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].messages, names);
    assert_eq!(calls[0].at, Duration::from_millis(700));
    limited.submit(&outbounds(1)).await.unwrap();
    assert_eq!(limited.scripted.take_times(), millis(&[800]));
}

#[tokio::test(start_paused = true)]
async fn small_calls_do_not_overtake_a_large_one() {
    let limited = limited_to(&Rate::per_second(10).burst(2));
    let small = outbounds(1);
    let large = outbounds(8);
    let smalls = join_all((0..4).map(|_| limited.submit(&small)));
    let (large, smalls) = join(limited.submit(&large), smalls).await;
    assert!(large.is_ok() && smalls.iter().all(Result::is_ok));
    let calls = limited.scripted.take_calls();
    let sizes: Vec<usize> = calls.iter().map(|call| call.messages.len()).collect();
    assert_eq!(sizes, [8, 1, 1, 1, 1]);
    let times: Vec<Duration> = calls.iter().map(|call| call.at).collect();
    assert_eq!(times, millis(&[600, 700, 800, 900, 1000]));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_lets_the_next_one_go_on() {
    let limited = limited_to(&Rate::per_second(1).burst(1));
    limited.submit(&outbounds(1)).await.unwrap();
    let (large, small) = (outbounds(100), outbounds(1));
    let given_up = tokio::time::timeout(Duration::from_millis(1500), limited.submit(&large));
    let (given_up, next) = join(given_up, limited.submit(&small)).await;
    assert!(given_up.is_err() && next.is_ok());
    // One part had been granted to the call that was given up, at 1 s.
    assert_eq!(limited.scripted.take_times(), millis(&[0, 2000]));
}

#[tokio::test(start_paused = true)]
async fn questions_wait_for_nothing() {
    let rate = Rate::one_every(Duration::from_hours(1)).daily_cap(1);
    let limited = limited_to(&rate);
    limited.submit(&outbounds(1)).await.unwrap();
    limited.scripted.take_calls();
    let errors = ask_everything(&limited.provider).await;
    assert!(errors.iter().all(Option::is_none));
    assert_eq!(limited.scripted.take_operations(), QUESTIONS);
    assert_eq!(limited.clock.elapsed(), Duration::ZERO);
    assert!(limited.submit(&outbounds(1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn without_limits_nothing_waits() {
    let limited = limited_to(&Rate::unlimited());
    for _ in 0..100 {
        limited.submit(&outbounds(100)).await.unwrap();
    }
    check_answers_pass(&limited.provider).await;
    assert_eq!(limited.clock.elapsed(), Duration::ZERO);
    limited.submit(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_without_messages_goes_through() {
    let limited = limited_to(&Rate::per_second(1).daily_cap(0));
    assert_eq!(limited.submit(&[]).await.unwrap().len(), 0);
    // As without a cap: what the provider says of it is the provider's.
    assert_eq!(limited.scripted.take_calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_a_call_that_fits_in_part_the_first_messages_go() {
    let limited = from(at("2026-11-22T18:30:00Z"), &Rate::unlimited().daily_cap(10));
    let rest_of_day = Some(Duration::from_mins(330));
    assert_eq!(limited.send(4).await, (4, None));
    assert_eq!(limited.send(8).await, (6, rest_of_day));
    assert_eq!(limited.send(1).await, (0, rest_of_day));
    let calls = limited.scripted.take_calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].messages, ["m0", "m1", "m2", "m3", "m4", "m5"]);

    tokio::time::sleep(Duration::from_mins(330).saturating_sub(MOMENT)).await;
    assert_eq!(limited.send(1).await, (0, Some(MOMENT)));
    tokio::time::sleep(MOMENT).await;
    assert_eq!(limited.send(10).await, (10, None));
    assert_eq!(limited.send(1).await, (0, Some(Duration::from_hours(24))));
}

/// A message that does not fit ends the call's share, so that later ones do not overtake it.
#[tokio::test(start_paused = true)]
async fn parts_count_not_messages() {
    let limited = limited_to(&Rate::unlimited().daily_cap(5));
    let messages = [of_parts(0, 3), of_parts(1, 3), of_parts(2, 1)];
    let results = limited.submit(&messages).await.unwrap();
    let left: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(left, [true, false, false]);
    assert_eq!(limited.send(3).await, (2, Some(Duration::from_hours(24))));
}

#[tokio::test(start_paused = true)]
async fn the_day_begins_where_the_account_is() {
    let oslo = TimeZone::named("Europe/Oslo").unwrap();
    let rate = Rate::unlimited().daily_cap(1).day_begins_in(oslo);
    for (now, rest) in [
        ("2026-11-22T22:00:00Z", 1),
        ("2026-11-22T23:00:00Z", 24),
        // The clocks are changed: this day has 23 hours, the next such one 25.
        ("2026-03-28T23:00:00Z", 23),
        ("2026-10-24T22:00:00Z", 25),
    ] {
        let limited = from(at(now), &rate);
        assert_eq!(
            limited.send(2).await,
            (1, Some(Duration::from_hours(rest))),
            "{now}"
        );
        tokio::time::sleep(Duration::from_hours(rest).saturating_sub(MOMENT)).await;
        assert_eq!(limited.send(1).await.0, 0, "{now}");
        tokio::time::sleep(MOMENT).await;
        assert_eq!(limited.send(2).await.0, 1, "{now}");
    }
}

/// In Newfoundland the clocks once went from one minute past midnight back to the day before.
#[tokio::test(start_paused = true)]
async fn a_midnight_that_comes_twice_begins_one_day() {
    let zone = TimeZone::named("America/St_Johns").unwrap();
    let rate = Rate::unlimited().daily_cap(1).day_begins_in(zone);
    // 23:30 for the second time; midnight was an hour before.
    let limited = from(at("2010-11-07T03:00:00Z"), &rate);
    assert_eq!(limited.send(1).await.0, 1);
    assert_eq!(limited.send(1).await.0, 0);
    assert_eq!(limited.send(1).await.0, 0);
}

#[tokio::test(start_paused = true)]
async fn the_last_day_of_the_calendar_has_an_end() {
    let limited = from(at("9999-12-30T21:00:00Z"), &Rate::unlimited().daily_cap(1));
    assert_eq!(limited.send(2).await, (1, Some(HOUR)));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_begin_the_day_anew() {
    let limited = from(at("2026-11-22T01:00:00Z"), &Rate::unlimited().daily_cap(3));
    assert_eq!(limited.send(2).await, (2, None));
    limited.clock.set(-2 * 3600 * 1000);
    // 23:00 on the day before: what has left counts, and until this day's end.
    assert_eq!(limited.send(2).await, (1, Some(HOUR)));
    limited.clock.set(3600 * 1000);
    assert_eq!(limited.send(4).await, (3, Some(Duration::from_hours(24))));
}

/// What waits over midnight counts on the day on which it leaves.
#[tokio::test(start_paused = true)]
async fn parts_count_on_the_day_on_which_they_leave() {
    let rate = Rate::one_every(Duration::from_mins(40)).daily_cap(3);
    let limited = from(at("2026-11-22T23:00:00Z"), &rate);
    // At 23:00, 23:40 and 0:20.
    for _ in 0..3 {
        assert_eq!(limited.send(1).await.0, 1);
    }
    // At 1:00 and 1:40.
    assert_eq!(limited.send(1).await.0, 1);
    assert_eq!(limited.send(1).await.0, 1);
    let rest = Duration::from_hours(22) + Duration::from_mins(20);
    assert_eq!(limited.send(1).await, (0, Some(rest)));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_does_not_count() {
    for (acceptance, left_over) in [
        (Acceptance::NotSent, 10),
        (Acceptance::Refused, 6),
        (Acceptance::Unknown, 6),
    ] {
        let limited = limited_to(&Rate::unlimited().daily_cap(10));
        let error = Error::new(ErrorKind::Unavailable, acceptance, "whole");
        limited.scripted.next(Some(error));
        let error = limited.submit(&[of_parts(0, 4)]).await.unwrap_err();
        assert_eq!(error.to_string(), "whole");
        assert_eq!(limited.send(20).await.0, left_over, "{acceptance:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_the_messages_of_a_call_only_the_unsent_do_not_count() {
    let recorded = super::Recorded::new();
    for (index, acceptance) in super::ACCEPTANCES.into_iter().enumerate() {
        let error = Error::new(ErrorKind::Unavailable, acceptance, "single");
        let to = super::number(index);
        recorded.inner.fail_next_to(&to, error);
    }
    let rate = Rate::unlimited().daily_cap(20);
    let clock: Arc<PausedClock> = Arc::clone(&recorded.clock);
    let limit = RateLimit::new(Innermost::new(recorded), &rate, clock);
    let provider = Stack::new(limit);
    let messages: Vec<Outbound> = (0..4).map(|index| of_parts(index, 3)).collect();
    provider.submit(&messages).await.unwrap();
    // Of the 12 parts the first 3 did not leave, so 11 are left.
    let results = provider.submit(&outbounds(20)).await.unwrap();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 11);
}

/// Parts that come back after midnight were yesterday's.
#[tokio::test(start_paused = true)]
async fn what_comes_back_after_midnight_is_nothing_to_the_new_day() {
    let clock = PausedClock::showing(at("2026-11-22T23:59:59Z"));
    let scripted = Scripted::new(&clock).taking(Duration::from_secs(2));
    scripted.next(Some(unavailable()));
    let inner = Innermost::new(scripted);
    let rate = Rate::unlimited().daily_cap(3);
    let clock_of_layer: Arc<PausedClock> = Arc::clone(&clock);
    let provider = Stack::new(RateLimit::new(inner, &rate, clock_of_layer));
    let (yesterday, today) = (outbounds(2), outbounds(3));
    let early = provider.submit(&yesterday);
    let (early, late) = join(early, async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        provider.submit(&today).await
    })
    .await;
    assert!(early.is_err() && late.is_ok());
    assert!(provider.submit(&outbounds(1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fits_in_part_and_fails_has_a_verdict_for_each() {
    let limited = limited_to(&Rate::unlimited().daily_cap(2));
    let lost = Error::new(ErrorKind::Timeout, Acceptance::Unknown, "lost");
    limited.scripted.next(Some(lost));
    let results = limited.submit(&outbounds(3)).await.unwrap();
    let shown: Vec<String> = results
        .iter()
        .map(|result| result.as_ref().unwrap_err().to_string())
        .collect();
    let used_up = "the parts that may leave this account in a day are used up";
    assert_eq!(shown, ["lost", "lost", used_up]);

    // A provider that gives too few results does not shift the others'.
    let clock = PausedClock::new();
    let rate = Rate::unlimited().daily_cap(2);
    let provider = Stack::new(RateLimit::new(Innermost::new(TooFew), &rate, clock));
    let results = provider.submit(&outbounds(3)).await.unwrap();
    assert_eq!(results.len(), 3);
    assert!(results[0].is_ok());
    assert_eq!(
        results[1].as_ref().unwrap_err().acceptance(),
        Acceptance::Unknown
    );
    check_used_up(results[2].as_ref().unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_the_provider_comes_through() {
    let limits = limited_to(&Rate::per_second(1).daily_cap(5));
    limits.scripted.next(Some(limited(7)));
    let error = limits.submit(&outbounds(1)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.to_string(), "too many");
}

#[test]
fn debugging_shows_the_limits() {
    paused(async {
        let limited = limited_to(&Rate::per_second(10).burst(3).daily_cap(5));
        let shown = format!("{:?}", limited.provider);
        assert!(shown.contains("Pace { burst: 3, .. }"), "{shown}");
        assert!(shown.contains("cap: 5"), "{shown}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In any stretch of time no more parts leave than the rate earns in it and one burst, or one call
    /// where that is larger; and no call waits longer than its parts and those before it take.
    #[test]
    fn the_pace_is_never_exceeded(
        interval in 1_u64..200,
        burst in 1_u32..12,
        calls in prop::collection::vec((0_u64..500, prop::collection::vec(1_usize..4, 1..6)), 1..40),
    ) {
        paused(async {
            let rate = Rate::one_every(Duration::from_millis(interval)).burst(burst);
            let limited = limited_to(&rate);
            let total: usize = calls.iter().flat_map(|(_, sizes)| sizes).sum();
            let mut arrival = 0;
            let submissions = calls.iter().map(|(gap, sizes)| {
                arrival += gap;
                let messages: Vec<Outbound> =
                    sizes.iter().map(|parts| of_parts(0, *parts)).collect();
                let (limited, arrival) = (&limited, Duration::from_millis(arrival));
                async move {
                    tokio::time::sleep(arrival).await;
                    limited.submit(&messages).await.unwrap();
                    (limited.clock.elapsed(), sizes.iter().sum::<usize>())
                }
            });
            let mut left = join_all(submissions).await;
            left.sort_unstable();
            let largest = left.iter().map(|(_, parts)| *parts).max().unwrap();
            let at_once = largest.max(usize::try_from(burst).unwrap());
            for (first, (began, _)) in left.iter().enumerate() {
                let mut parts = 0;
                for (time, more) in &left[first..] {
                    parts += more;
                    let earned = time.saturating_sub(*began).as_millis() / u128::from(interval);
                    assert!(parts <= at_once + usize::try_from(earned).unwrap());
                }
            }
            let latest = Duration::from_millis(arrival + interval * u64::try_from(total).unwrap());
            assert!(left.last().unwrap().0 <= latest);
        });
    }

    /// Whatever is sent, and however much of it comes back unsent: on no day of the calendar does more
    /// leave than the cap, and what could leave does. The days are around changes of the clocks.
    #[test]
    fn the_cap_of_a_day_is_never_exceeded(
        zone_and_day in prop::sample::select(vec![
            ("Europe/Oslo", "2026-03-28T12:00:00Z"),
            ("Europe/Oslo", "2026-10-24T12:00:00Z"),
            // Midnight itself is skipped here.
            ("Africa/Cairo", "2026-04-23T12:00:00Z"),
            ("Africa/Cairo", "2026-10-29T12:00:00Z"),
            // A whole day is left out of the calendar.
            ("Pacific/Apia", "2011-12-29T12:00:00Z"),
            ("UTC", "2026-12-31T12:00:00Z"),
        ]),
        cap in 1_u64..20,
        calls in prop::collection::vec((0_u64..7 * 60, 1_usize..12, prop::bool::weighted(0.2)), 1..60),
    ) {
        paused(async {
            let (zone, began) = zone_and_day;
            let zone = TimeZone::named(zone).unwrap();
            let rate = Rate::unlimited().daily_cap(cap).day_begins_in(zone.clone());
            let limited = from(at(began), &rate);
            let mut days = std::collections::HashMap::new();
            for (minutes, messages, is_unsent) in calls {
                tokio::time::sleep(Duration::from_mins(minutes)).await;
                let day = ZonedTime::new(limited.clock.now(), &zone).day();
                let used: &mut u64 = days.entry(day).or_default();
                let fits = usize::try_from(cap - *used).unwrap().min(messages);
                if is_unsent {
                    limited.scripted.next(Some(unavailable()));
                    assert!(limited.submit(&[outbound(0)]).await.is_err());
                    // Not asked for when nothing fits, so the answer waits: take it away.
                    limited.scripted.answers.lock().unwrap().clear();
                    continue;
                }
                assert_eq!(limited.send(messages).await.0, fits);
                *used += u64::try_from(fits).unwrap();
            }
        });
    }
}
