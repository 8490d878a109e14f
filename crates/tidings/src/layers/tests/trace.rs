//! What a trace shows of a call, and what it never shows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tidings_core::Clock;

use super::{
    PausedClock, QUESTIONS, Recorded, Scripted, ask_everything, check_answers_pass, number,
    outbounds, unavailable,
};
use crate::account::AccountName;
use crate::error::{Acceptance, Error, ErrorKind};
use crate::layers::{Innermost, Stack, Trace};
use crate::provider::Provider;
use crate::tests::log::CapturedLog;

fn traced(
    provider: Arc<dyn Provider>,
    clock: &Arc<PausedClock>,
) -> Stack<Trace<Innermost<Arc<dyn Provider>>>> {
    let clock: Arc<PausedClock> = Arc::clone(clock);
    let account = AccountName::from("norway");
    Stack::new(Trace::new(Innermost::new(provider), Some(account), clock))
}

/// The lines that end calls, from the span on.
fn ends(log: &CapturedLog) -> Vec<String> {
    let text = log.text();
    let ends = text.lines().filter_map(|line| {
        let span = line.find("provider{")?;
        Some(line.get(span..)?.to_owned())
    });
    ends.collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_counted_by_what_became_of_its_messages() {
    let log = CapturedLog::start();
    let recorded = Recorded::new();
    let inner = &recorded.inner;
    let fail = |index: usize, kind: ErrorKind, acceptance: Acceptance| {
        inner.fail_next_to(&number(index), Error::new(kind, acceptance, "x"));
    };
    fail(0, ErrorKind::Unavailable, Acceptance::NotSent);
    for index in [1, 2] {
        fail(index, ErrorKind::InvalidRecipient, Acceptance::Refused);
    }
    for index in [3, 4, 5] {
        fail(index, ErrorKind::Timeout, Acceptance::Unknown);
    }
    let traced = traced(Arc::new(recorded.clone()), &recorded.clock);
    traced.submit(&outbounds(10)).await.unwrap();
    assert_eq!(
        ends(&log),
        [concat!(
            r#"provider{account="norway" operation="submit" messages=10 duration_ms=0 "#,
            r"taken=4 not_sent=1 refused=2 unknown=3}: ",
            r"tidings::layers::trace: submit answered duration_ms=0",
        )]
    );
    log.check(&["submit"], &["hello", "6220", "m0"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_as_a_whole_shows_how() {
    for (acceptance, counts) in [
        (Acceptance::NotSent, "not_sent=3 refused=0 unknown=0"),
        (Acceptance::Refused, "not_sent=0 refused=3 unknown=0"),
        (Acceptance::Unknown, "not_sent=0 refused=0 unknown=3"),
    ] {
        let log = CapturedLog::start();
        let clock = PausedClock::new();
        let scripted = Scripted::new(&clock).taking(Duration::from_millis(1250));
        let scripted = scripted.failing(ErrorKind::Rejected, acceptance);
        let traced = traced(Arc::new(scripted), &clock);
        traced.submit(&outbounds(3)).await.unwrap_err();
        let expected = format!(
            "provider{{account=\"norway\" operation=\"submit\" messages=3 duration_ms=1250 \
             taken=0 {counts} error=\"rejected\" acceptance=\"{acceptance}\"}}: \
             tidings::layers::trace: submit failed: asked in vain duration_ms=1250 \
             kind=\"rejected\" acceptance=\"{acceptance}\""
        );
        assert_eq!(ends(&log), [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn questions_have_spans_of_their_own() {
    let log = CapturedLog::start();
    let clock = PausedClock::new();
    let scripted = Scripted::new(&clock).taking(Duration::from_millis(7));
    let traced = traced(Arc::new(scripted), &clock);
    assert!(ask_everything(&traced).await.iter().all(Option::is_none));
    let expected = |operation: &str, messages: usize| {
        format!(
            "provider{{account=\"norway\" operation=\"{operation}\" messages={messages} \
             duration_ms=7}}: tidings::layers::trace: {operation} answered duration_ms=7"
        )
    };
    let expected: Vec<String> = QUESTIONS
        .iter()
        .zip([1, 1, 1, 0])
        .map(|(operation, messages)| expected(operation, messages))
        .collect();
    assert_eq!(ends(&log), expected);
}

#[tokio::test(start_paused = true)]
async fn an_account_without_a_name_shows_none() {
    let log = CapturedLog::start();
    let clock = PausedClock::new();
    let scripted = Scripted::new(&clock);
    scripted.next(Some(unavailable()));
    let inner_clock: Arc<PausedClock> = Arc::clone(&clock);
    let traced = Stack::new(Trace::new(Innermost::new(scripted), None, inner_clock));
    traced.balance().await.unwrap_err();
    let ends = ends(&log);
    assert!(
        ends[0].starts_with(r#"provider{operation="balance" messages=0"#),
        "{ends:?}"
    );
    check_answers_pass(&traced).await;
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_nothing_is_measured() {
    let clock = PausedClock::new();
    let traced = traced(Arc::new(Scripted::new(&clock)), &clock);
    check_answers_pass(&traced).await;
    assert_eq!(clock.n_readings.load(Ordering::Relaxed), 0);
    assert_eq!(clock.elapsed(), Duration::ZERO);
}
