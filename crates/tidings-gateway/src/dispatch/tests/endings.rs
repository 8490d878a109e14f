//! How attempts end: every kind of answer, and what becomes of the message.

use std::time::Duration;

use tidings::{Acceptance, Error, ErrorKind};
use tidings_core::{MessageState, Reason};
use tidings_store::{AttemptOutcome, EventKind};

use super::{Bench, Scripted, phone, seconds};

fn unavailable() -> Error {
    Error::not_sent(ErrorKind::Unavailable, "down for a moment")
}

#[tokio::test(start_paused = true)]
async fn a_message_is_taken_once_and_told_how_long_it_is_worth() {
    let provider = Scripted::new();
    let bench = Bench::of_one(&provider).await;
    bench.pass(seconds(3_600)).await;
    let ids = bench
        .accept_as("one", &["hello"], |new| {
            new.expires_at = Some(bench.clock_now().plus(seconds(7_200)));
        })
        .await;
    let history = bench.until_state(ids[0], MessageState::Submitted).await;
    assert_eq!(provider.taken(), ["hello"]);
    let [attempt] = &history.attempts[..] else {
        panic!("one attempt: {:?}", history.attempts);
    };
    assert_eq!(attempt.outcome, Some(AttemptOutcome::Taken));
    let sent = provider.memory.messages().remove(0);
    assert_eq!(sent.message.valid_for, Some(seconds(7_200)));
    let reference = format!("{}-1", ids[0].0.simple());
    assert_eq!(sent.reference.as_str(), reference);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_the_end_and_is_kept() {
    let provider = Scripted::new();
    let error = Error::new(
        ErrorKind::InvalidRecipient,
        Acceptance::Refused,
        "no such number",
    );
    provider
        .memory
        .refuse(&phone("bad"), error.with_provider_code("21211"));
    let spare = Scripted::new();
    let bench = Bench::with(&[("one", &provider), ("two", &spare)], "").await;
    let ids = bench.accept("one", &["bad", "good"]).await;
    let failed = bench.until_state(ids[0], MessageState::Failed).await;
    bench.until_state(ids[1], MessageState::Submitted).await;
    assert_eq!(failed.message.reason, Some(Reason::InvalidRecipient));
    assert_eq!(failed.attempts.len(), 1);
    assert_eq!(
        failed.attempts[0].error.as_deref(),
        Some("invalid_recipient")
    );
    assert_eq!(failed.attempts[0].code.as_deref(), Some("21211"));
    assert_eq!(
        spare.n_calls(),
        0,
        "what one provider refuses gets past no other"
    );
}

#[tokio::test(start_paused = true)]
async fn without_another_lane_a_message_comes_again_later() {
    let provider = Scripted::new();
    provider.memory.fail_next(unavailable());
    provider.memory.fail_next(unavailable());
    let bench = Bench::of_one(&provider).await;
    let ids = bench.accept("one", &["hello"]).await;
    let history = bench.until_state(ids[0], MessageState::Submitted).await;
    assert_eq!(provider.texts(), ["hello"; 3]);
    let outcomes: Vec<_> = history.attempts.iter().map(|it| it.outcome).collect();
    let not_taken = Some(AttemptOutcome::NotTaken);
    assert_eq!(
        outcomes,
        [not_taken, not_taken, Some(AttemptOutcome::Taken)]
    );
    let wait = history.attempts[2]
        .began_at
        .since(history.attempts[1].began_at);
    assert!(
        wait <= seconds(5),
        "two to four seconds at the most, and one call: {wait:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn with_another_lane_a_message_goes_there_at_once() {
    let (provider, spare) = (Scripted::new(), Scripted::new());
    provider.memory.fail_next(unavailable());
    let bench = Bench::with(&[("one", &provider), ("two", &spare)], "").await;
    let ids = bench.accept("one", &["hello"]).await;
    let history = bench.until_state(ids[0], MessageState::Submitted).await;
    assert_eq!(spare.taken(), ["hello"]);
    let lanes: Vec<&str> = history.attempts.iter().map(|it| it.lane.as_str()).collect();
    assert_eq!(lanes, ["one", "two"]);
    let wait = history.attempts[1]
        .began_at
        .since(history.attempts[0].began_at);
    assert!(wait < seconds(1), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_never_goes_elsewhere() {
    let lost = || Error::new(ErrorKind::Timeout, Acceptance::Unknown, "the line broke");
    let (provider, spare) = (Scripted::new(), Scripted::new());
    provider.memory.take_and_fail_next(lost());
    let bench = Bench::with(&[("one", &provider), ("two", &spare)], "").await;
    let ids = bench.accept("one", &["hello"]).await;
    let unknown = bench
        .until(ids[0], |it| it.message.state != MessageState::Queued)
        .await;
    assert!(!unknown.message.state.is_final());
    bench.until_state(ids[0], MessageState::Submitted).await;
    assert_eq!((provider.taken().len(), spare.n_calls()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_lane_waits_as_long_as_it_is_asked_to() {
    let (provider, spare) = (Scripted::new(), Scripted::new());
    let throttled = Error::not_sent(ErrorKind::RateLimited, "too many");
    provider
        .memory
        .fail_next(throttled.with_retry_after(seconds(60)));
    let bench = Bench::with(&[("one", &provider), ("two", &spare)], "in_flight = 1").await;
    let ids = bench.accept("one", &["first", "second"]).await;
    let first = bench.until_state(ids[0], MessageState::Submitted).await;
    let second = bench.until_state(ids[1], MessageState::Submitted).await;
    assert_eq!(
        spare.n_calls(),
        0,
        "patience is asked of the account, not of the message"
    );
    let began = first.attempts[0].began_at;
    for attempt in [&first.attempts[1], &second.attempts[0]] {
        let waited = attempt.began_at.since(began);
        assert!((60..70).contains(&waited.as_secs()), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_account_suspends_the_lane_and_its_messages_go_elsewhere() {
    let (provider, spare) = (Scripted::new(), Scripted::new());
    let refused = || Error::new(ErrorKind::Unauthorized, Acceptance::Refused, "wrong key");
    for _ in 0..3 {
        provider.memory.fail_next(refused());
    }
    let bench = Bench::with(&[("one", &provider), ("two", &spare)], "in_flight = 1").await;
    let texts: Vec<String> = (0..50).map(|n| format!("text {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ids = bench.accept("one", &texts).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(provider.n_calls(), 1, "one refusal is enough");
    assert_eq!(spare.taken().len(), 50);
    assert_eq!(bench.events(EventKind::LaneDown).await.len(), 1);

    // One message at a time tries whether the account is taken again.
    bench.pass(seconds(6)).await;
    let probe = bench.accept("one", &["probe"]).await;
    bench.until_state(probe[0], MessageState::Submitted).await;
    assert_eq!((provider.n_calls(), spare.taken().len()), (2, 51));
    for n in 0..2 {
        bench.pass(seconds(60)).await;
        let probe = bench.accept("one", &[&format!("later {n}")]).await;
        bench.until_state(probe[0], MessageState::Submitted).await;
    }
    assert_eq!(provider.taken().len(), 1);
    assert_eq!(bench.events(EventKind::LaneUp).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_another_lane_messages_wait_until_the_account_is_taken_again() {
    let provider = Scripted::new();
    let refused = || Error::new(ErrorKind::InsufficientCredit, Acceptance::Refused, "empty");
    for _ in 0..20 {
        provider.memory.fail_next(refused());
    }
    let config = "in_flight = 1\n---\n[sending]\nmax_attempts = 2\n";
    let bench = Bench::with(&[("one", &provider)], config).await;
    let ids = bench.accept("one", &["a", "b", "c"]).await;
    for id in ids {
        bench.until_state(id, MessageState::Submitted).await;
    }
    assert_eq!(provider.n_calls(), 23, "one probe at a time");
}

#[tokio::test(start_paused = true)]
async fn attempts_end_in_a_dead_letter() {
    let provider = Scripted::new();
    for _ in 0..100 {
        provider.memory.fail_next(unavailable());
    }
    let config = "---\n[sending]\nmax_attempts = 4\n";
    let bench = Bench::with(&[("one", &provider)], config).await;
    let ids = bench.accept("one", &["hello"]).await;
    let dead = bench.until_state(ids[0], MessageState::Failed).await;
    assert_eq!(dead.attempts.len(), 4);
    assert_eq!(dead.message.reason, Some(Reason::Unspecified));
    assert!(
        dead.attempts
            .iter()
            .all(|it| it.error.as_deref() == Some("unavailable"))
    );
    assert_eq!(dead.message.detail.as_deref(), Some("down for a moment"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_worth_sending_any_more_is_not_sent() {
    let provider = Scripted::new().taking(seconds(20));
    let bench = Bench::of_one(&provider).await;
    let first = bench.accept("one", &["first"]).await;
    let late = bench
        .accept_as("one", &["late"], |new| {
            new.expires_at = Some(bench.clock_now().plus(seconds(10)));
        })
        .await;
    bench.until_state(first[0], MessageState::Submitted).await;
    let expired = bench.until_state(late[0], MessageState::Expired).await;
    assert!(expired.attempts.is_empty());
    assert_eq!(provider.texts(), ["first"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_answers_is_in_doubt_after_its_time() {
    let provider = Scripted::new();
    provider.memory.hang_next();
    let bench = Bench::with(&[("one", &provider)], "timeout = \"30s\"").await;
    let ids = bench.accept("one", &["hello"]).await;
    let unknown = bench.until_state(ids[0], MessageState::Unknown).await;
    let took = unknown.attempts[0]
        .ended_at
        .unwrap()
        .since(unknown.attempts[0].began_at);
    assert_eq!(took.as_secs(), 30);
    // Proved not to be taken, it goes again.
    let history = bench.until_state(ids[0], MessageState::Submitted).await;
    assert_eq!(history.attempts.len(), 2);
    assert!(!history.message.duplicate_risk);
}

#[tokio::test(start_paused = true)]
async fn code_that_breaks_off_leaves_a_doubt() {
    let provider = Scripted::new();
    provider
        .panics
        .store(1, std::sync::atomic::Ordering::Relaxed);
    let bench = Bench::of_one(&provider).await;
    let ids = bench.accept("one", &["hello"]).await;
    let unknown = bench.until_state(ids[0], MessageState::Unknown).await;
    assert_eq!(unknown.attempts[0].error.as_deref(), Some("protocol"));
    provider
        .panics
        .store(0, std::sync::atomic::Ordering::Relaxed);
    bench.until_state(ids[0], MessageState::Submitted).await;
    assert_eq!(provider.taken().len(), 1, "it had been taken");
}

#[tokio::test(start_paused = true)]
async fn hours_that_close_are_looked_at_before_a_message_leaves() {
    let provider = Scripted::new();
    let bench = Bench::of_one(&provider).await;
    let one = tidings_store::LaneId::from("one");
    crate::dispatch::pause(&bench.gateway, &one).await.unwrap();
    let now = bench.clock_now();
    let rules = r#"{"quiet_hours":["12:10-13:00"],"place":{"zone":"UTC"}}"#;
    assert!(
        matches!(
            crate::intake::timing::next_opening(rules, now),
            crate::intake::timing::NextOpening::Open { .. }
        ),
        "rules of this form can be read"
    );
    let quiet = bench
        .accept_as("one", &["quiet"], |new| {
            new.timing = Some(rules.into());
            new.closes_at = Some(now.plus(Duration::from_mins(10)));
        })
        .await;
    bench.pass(Duration::from_mins(15)).await;
    crate::dispatch::resume(&bench.gateway, &one).await.unwrap();
    let held = bench
        .until(quiet[0], |it| {
            matches!(it.message.state, MessageState::Held(_))
        })
        .await;
    assert!(held.attempts.is_empty());
    let sent = bench.until_state(quiet[0], MessageState::Submitted).await;
    let waited = sent.attempts[0].began_at.since(now);
    assert!((60..=61).contains(&(waited.as_secs() / 60)), "{waited:?}");
}
