//! What can be said of an attempt whose answer was lost: by looking into its session.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tidings_core::{ClientRef, Clock, E164, Media, Message, ProviderRef, Timestamp};

use super::builder;
use crate::error::{Acceptance, Error};
use crate::netsapiens::reconcile::{Found, Reading, Sought};
use crate::netsapiens::{Sessions, wire};
use crate::provider::{AttemptRef, Outbound, Provider, Reconciled};
use crate::tests::scripted::{Reply, Scripted, Seen};

const STARTED: &str = "2026-11-22T12:00:00.400Z";
const DATE: &str = "date: Sun, 22 Nov 2026 12:01:00 GMT\r\n";

#[derive(Debug)]
struct Fixed(Mutex<Timestamp>);

impl Fixed {
    fn after(seconds: u64) -> Arc<Self> {
        let now = started().plus(Duration::from_secs(seconds));
        Arc::new(Self(Mutex::new(now)))
    }
}

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn started() -> Timestamp {
    STARTED.parse().unwrap()
}

fn phone(text: &str) -> E164 {
    E164::parse_possible(text, None).unwrap()
}

fn outbound(reference: &str, text: &str) -> Outbound {
    let message = Message::new(phone("+15550101234"), text);
    Outbound::new(ClientRef::new(reference).unwrap(), message)
}

fn attempt(text: &str) -> AttemptRef {
    AttemptRef::new(outbound("order-1", text), started())
}

fn row(id: &str, at: &str, direction: &str, text: &str) -> Value {
    let (from, to) = match direction {
        "term" => ("15550109876", "15550101234"),
        _ => ("15550101234", "15550109876"),
    };
    json!({"id": id, "timestamp": at, "type": "sms", "direction": direction, "dialed": to,
        "text": text, "status": "sending", "from-number": from})
}

/// Reconciles a minute after the beginning of the attempt, and gives the calls that it took.
async fn reconcile(
    sessions: Sessions,
    attempt: &AttemptRef,
    reply: impl FnMut(&Seen) -> Reply + Send + 'static,
) -> (Result<Reconciled, Error>, Vec<Seen>) {
    reconcile_in_parts(1_000, sessions, attempt, reply).await
}

/// The same, with so many rows in a page.
async fn reconcile_in_parts(
    page_size: u32,
    sessions: Sessions,
    attempt: &AttemptRef,
    reply: impl FnMut(&Seen) -> Reply + Send + 'static,
) -> (Result<Reconciled, Error>, Vec<Seen>) {
    let server = Scripted::start(reply).await;
    let client = builder(&server)
        .from_number(phone("+15550109876"))
        .sessions(sessions)
        .clock(Fixed::after(60))
        .page_size(page_size);
    let reconciled = client.build().unwrap().reconcile(attempt).await;
    (reconciled, server.seen())
}

async fn found(sessions: Sessions, text: &str, rows: Vec<Value>) -> Reconciled {
    let reply = Value::Array(rows).to_string();
    let give = move |_: &Seen| Reply::status(200, DATE, reply.clone());
    reconcile(sessions, &attempt(text), give).await.0.unwrap()
}

#[track_caller]
fn taken(reconciled: Reconciled) -> ProviderRef {
    match reconciled {
        Reconciled::Taken(receipt) => receipt.provider_ref,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn in_a_session_of_its_own_the_message_is_there_or_not() {
    let own = Sessions::PerMessage;
    let about = taken(
        found(
            own,
            "hello",
            vec![row("m-1", "2026-11-22 12:00:00", "term", "hello")],
        )
        .await,
    );
    assert_eq!(about.message.as_deref(), Some("m-1"));
    assert_eq!(about.reference.unwrap().as_str(), "order-1");
    assert_eq!(about.recipient, Some(phone("+15550101234")));
    assert!(about.session.unwrap().starts_with("tidings_"));
    assert_eq!(found(own, "hello", vec![]).await, Reconciled::NotTaken);
    // An answer of the phone is not it; yet nobody could have answered where nothing was taken.
    let answer = row("m-2", "2026-11-22 12:00:05", "orig", "hello");
    assert_eq!(
        found(own, "hello", vec![answer]).await,
        Reconciled::CannotTell
    );
    // What is ours and has another text may be it with a text that the server has changed.
    let other = row("m-3", "2026-11-22 12:00:05", "term", "other");
    assert_eq!(
        found(own, "hello", vec![other]).await,
        Reconciled::CannotTell
    );
    // Texts that look like numbers become numbers, and ten digits have no country code.
    let mut number = row("m-4", "", "term", "");
    number["text"] = json!(7);
    number["dialed"] = json!(5_550_101_234_i64);
    taken(found(own, "007", vec![number]).await);
}

#[tokio::test]
async fn the_session_is_found_again_after_the_death_of_the_program() {
    let lost = Scripted::start(|_| Reply::Close).await;
    let client = builder(&lost)
        .from_number(phone("+15550109876"))
        .build()
        .unwrap();
    let error = client
        .submit(&[outbound("order-1", "hello")])
        .await
        .unwrap_err();
    assert_eq!(error.acceptance(), Acceptance::Unknown);
    let about = error.provider_ref().unwrap();
    let sent_to = lost.seen()[0].path.clone();
    assert!(sent_to.contains(about.session.as_deref().unwrap()));
    let (_, seen) = reconcile(Sessions::PerMessage, &attempt("hello"), |_| Reply::ok("[]")).await;
    let path = seen[0].path.split('?').next().unwrap();
    assert_eq!(path, sent_to);
}

#[tokio::test]
async fn a_session_that_is_not_there_holds_nothing() {
    let body = r#"{"code":404,"message":"Resource not found."}"#;
    let (reconciled, seen) = reconcile(Sessions::PerMessage, &attempt("a"), move |_| {
        Reply::status(404, "", body)
    })
    .await;
    assert_eq!(reconciled.unwrap(), Reconciled::NotTaken);
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn rows_of_other_sessions_prove_nothing() {
    for sessions in [Sessions::PerMessage, Sessions::PerRecipient] {
        for text in ["hello", "other"] {
            let mut row = row("m-1", "2026-11-22 11:00:00", "term", text);
            row["messagesession-id"] = json!("0f1e2d3c4b5a69788796a5b4c3d2e1f0");
            let found = found(sessions, "hello", vec![row]).await;
            assert_eq!(found, Reconciled::CannotTell, "{sessions:?} {text}");
        }
    }
}

/// Servers stop at a hundred rows, or at another round number, whatever they are asked for.
#[tokio::test]
async fn a_list_that_may_have_been_cut_proves_nothing() {
    async fn check(n_rows: usize, at: &str, expected: Reconciled) {
        let rows = (0..n_rows).map(|n| row(&format!("m-{n}"), at, "term", "x"));
        let found = found(Sessions::PerRecipient, "hello", rows.collect()).await;
        assert_eq!(found, expected, "{n_rows}");
    }
    let earlier = "2026-11-21 12:00:00";
    check(99, earlier, Reconciled::NotTaken).await;
    check(100, earlier, Reconciled::CannotTell).await;
    check(500, earlier, Reconciled::CannotTell).await;
    check(501, earlier, Reconciled::NotTaken).await;
}

/// In a session of several messages, what has a text that this client never wrote may be the message
/// with a text that the server has changed.
#[tokio::test]
async fn a_text_that_the_server_may_have_changed_proves_nothing() {
    async fn check(sent_before: &[&str], listed: &str, at: &str, expected: Reconciled) {
        let listed = json!([row("m-1", at, "term", listed)]).to_string();
        let server = Scripted::start(move |seen| match seen.method.as_str() {
            "POST" => Reply::status(202, "", ""),
            _ => Reply::status(200, DATE, listed.clone()),
        })
        .await;
        let client = builder(&server)
            .from_number(phone("+15550109876"))
            .sessions(Sessions::PerRecipient)
            .clock(Fixed::after(60))
            .build()
            .unwrap();
        for text in sent_before {
            client.submit(&[outbound("before", text)]).await.unwrap();
        }
        let reconciled = client.reconcile(&attempt("caf\u{e9}")).await.unwrap();
        assert_eq!(reconciled, expected);
    }
    let during = "2026-11-22 12:00:01";
    check(&[], "caf?", during, Reconciled::CannotTell).await;
    check(&["another"], "caf?", during, Reconciled::CannotTell).await;
    check(&["another"], "another", during, Reconciled::NotTaken).await;
    check(&[], "caf?", "2026-11-22 11:00:00", Reconciled::NotTaken).await;
}

#[tokio::test]
async fn what_cannot_be_listed_proves_nothing() {
    for (status, body) in [
        (404, r#"{"code":404,"message":"No Route Found [92]"}"#),
        (
            404,
            r#"{"code":404,"message":"Domain a.test does not exist"}"#,
        ),
        (
            404,
            r#"{"code":404,"message":"User 200 does not exist in domain a.test"}"#,
        ),
        // Of something on the way.
        (404, ""),
        (404, "<html>404 Not Found</html>"),
        (404, "default backend - 404"),
        (500, ""),
        (403, ""),
        (401, r#"{"code":401,"message":"Invalid Scope [APP001]"}"#),
        (200, ""),
        (200, "{}"),
        (200, "<html>"),
        (200, r#"{"code":202,"message":"Accepted"}"#),
        (200, r#"[{"messagesession-id":"abc"}]"#),
    ] {
        let (reconciled, _) = reconcile(Sessions::PerMessage, &attempt("a"), move |_| {
            Reply::status(status, "", body)
        })
        .await;
        let error = reconciled.unwrap_err();
        assert_eq!(
            (error.acceptance(), error.operation()),
            (Acceptance::NotSent, Some("reconcile")),
            "{status} {body}"
        );
    }
}

/// Before it may be said that a message was not taken, its call must be over.
#[tokio::test]
async fn a_call_that_may_still_be_under_way_is_waited_for() {
    async fn check(now: u64, settle: Duration, second: &'static str, expected: bool, calls: usize) {
        let mut answers = vec![second, "[]"];
        let server = Scripted::start(move |_| Reply::ok(answers.pop().unwrap())).await;
        let client = builder(&server)
            .from_number(phone("+15550109876"))
            .clock(Fixed::after(now))
            .settle_time(settle)
            .build()
            .unwrap();
        let reconciled = client.reconcile(&attempt("hello")).await.unwrap();
        assert_eq!(matches!(reconciled, Reconciled::Taken(_)), expected);
        assert_eq!(server.seen().len(), calls);
    }
    const LATE: &str = r#"[{"id":"m","timestamp":"2026-11-22 12:00:04","type":"sms","direction":"term","text":"hello"}]"#;
    let (short, long) = (Duration::from_millis(50), Duration::from_secs(5));
    check(0, short, LATE, true, 2).await;
    check(0, short, "[]", false, 2).await;
    check(6, long, LATE, false, 1).await;
    check(0, Duration::ZERO, LATE, false, 1).await;
}

#[tokio::test]
async fn a_file_is_known_by_its_size() {
    let media = Media::new("image/png", &b"\x89PNG\r\n\x1a\n"[..])
        .unwrap()
        .name("a.png");
    let mut attempt = attempt("");
    attempt.outbound.message.media = Some(media);
    for (size, text, expected) in [
        (8, "", true),
        (9, "a.png", false),
        (0, "a.png", true),
        (0, "b.png", false),
    ] {
        let mut row = row("m-1", "2026-11-22 12:00:00", "term", text);
        row["media-size"] = json!(size);
        let reply = json!([row]).to_string();
        let (reconciled, _) = reconcile(Sessions::PerMessage, &attempt, move |_| {
            Reply::ok(reply.clone())
        })
        .await;
        let is_taken = matches!(reconciled.unwrap(), Reconciled::Taken(_));
        assert_eq!(is_taken, expected, "{size} {text}");
    }
}

#[tokio::test]
async fn in_a_shared_session_text_and_time_decide() {
    let shared = Sessions::PerRecipient;
    let at = |time: &str| row("m-1", time, "term", "hello");
    // By the server's clock it is 12:01:00, by ours 12:01:00.400.
    taken(found(shared, "hello", vec![at("2026-11-22 12:00:00")]).await);
    taken(found(shared, "hello", vec![at("2026-11-22T12:00:02+00:00")]).await);
    for earlier in ["2026-11-22 11:59:50", "2026-11-21 12:00:00"] {
        assert_eq!(
            found(shared, "hello", vec![at(earlier)]).await,
            Reconciled::NotTaken
        );
    }
    let noise = vec![
        row("m-2", "2026-11-22 11:59:01", "term", "other"),
        row("m-3", "2026-11-22 12:00:01", "orig", "hello"),
    ];
    assert_eq!(found(shared, "hello", noise).await, Reconciled::NotTaken);
    let twice = vec![at("2026-11-22 12:00:02"), at("2026-11-22 12:00:01")];
    assert_eq!(found(shared, "hello", twice).await, Reconciled::CannotTell);
    // A row that cannot be placed in time.
    let timeless = vec![at("yesterday")];
    assert_eq!(
        found(shared, "hello", timeless).await,
        Reconciled::CannotTell
    );
    // And an answer without the server's time.
    let reply = json!([at("2026-11-22 12:00:01")]).to_string();
    let (reconciled, _) =
        reconcile(shared, &attempt("hello"), move |_| Reply::ok(reply.clone())).await;
    assert_eq!(reconciled.unwrap(), Reconciled::CannotTell);
}

#[tokio::test]
async fn the_difference_of_the_clocks_is_taken_out() {
    // The server's clock is an hour ahead.
    const AHEAD: &str = "date: Sun, 22 Nov 2026 13:01:00 GMT\r\n";
    let check = async |time: &str, expected: bool| {
        let reply = json!([row("m-1", time, "term", "hello")]).to_string();
        let give = move |_: &Seen| Reply::status(200, AHEAD, reply.clone());
        let (reconciled, _) = reconcile(Sessions::PerRecipient, &attempt("hello"), give).await;
        assert_eq!(
            matches!(reconciled.unwrap(), Reconciled::Taken(_)),
            expected,
            "{time}"
        );
    };
    check("2026-11-22 13:00:00", true).await;
    check("2026-11-22 12:00:00", false).await;
}

#[tokio::test]
async fn a_long_list_is_asked_for_until_it_is_older_than_the_attempt() {
    let rows: Vec<Value> = (0..10)
        .map(|n| {
            row(
                &format!("m-{n}"),
                &format!("2026-11-22 12:00:{:02}", 50 - 10 * n),
                "orig",
                "x",
            )
        })
        .take(6)
        .chain((0..20).map(|n| row(&format!("o-{n}"), "2026-11-21 12:00:00", "term", "x")))
        .collect();
    let page = move |rows: &[Value], seen: &Seen| {
        let start = seen.path.split_once("start=").map_or("0", |(_, rest)| rest);
        let start = start.split('&').next().unwrap();
        let start: usize = start.parse().unwrap();
        let rows: Vec<_> = rows.iter().skip(start).take(2).collect();
        Reply::status(200, DATE, serde_json::to_string(&rows).unwrap())
    };
    let listed = rows.clone();
    let (reconciled, seen) =
        reconcile_in_parts(2, Sessions::PerRecipient, &attempt("hello"), move |seen| {
            page(&listed, seen)
        })
        .await;
    assert_eq!(reconciled.unwrap(), Reconciled::NotTaken);
    // The third page ends at the second of the attempt, the fourth is all from one moment before.
    assert!((4..=14).contains(&seen.len()), "{}", seen.len());
    // The oldest first: what is wanted stands at the end.
    let mut oldest_first = rows;
    oldest_first.reverse();
    let message = row("m-9", "2026-11-22 12:00:01", "term", "hello");
    oldest_first.push(message);
    let (reconciled, _) =
        reconcile_in_parts(2, Sessions::PerRecipient, &attempt("hello"), move |seen| {
            page(&oldest_first, seen)
        })
        .await;
    taken(reconciled.unwrap());
}

#[tokio::test]
async fn a_list_of_which_the_rest_cannot_be_had_proves_nothing() {
    let rows = json!([
        row("m-1", "2026-11-22 12:00:50", "term", "x"),
        row("m-2", "2026-11-22 12:00:40", "term", "x"),
    ])
    .to_string();
    let give = move |_: &Seen| Reply::status(200, DATE, rows.clone());
    let (reconciled, seen) =
        reconcile_in_parts(2, Sessions::PerRecipient, &attempt("hello"), give).await;
    assert_eq!(reconciled.unwrap(), Reconciled::CannotTell);
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn repeated_texts_of_one_client_are_counted() {
    // Of two texts that are the same and were sent at once, so many were taken.
    for (n_taken, expected) in [(0, "none"), (1, "cannot tell"), (2, "all")] {
        let listed: Vec<Value> = (0..n_taken)
            .map(|n| row(&format!("m-{n}"), "2026-11-22 12:00:01", "term", "ping"))
            .collect();
        let listed = Value::Array(listed).to_string();
        let server = Scripted::start(move |seen| match seen.method.as_str() {
            "POST" => Reply::Close,
            _ => Reply::status(200, DATE, listed.clone()),
        })
        .await;
        let clock = Fixed::after(0);
        let client = builder(&server)
            .from_number(phone("+15550109876"))
            .sessions(Sessions::PerRecipient)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .build()
            .unwrap();
        let both = ["order-1", "order-2"].map(|name| outbound(name, "ping"));
        for one in &both {
            client.submit(std::slice::from_ref(one)).await.unwrap_err();
        }
        *clock.0.lock().unwrap() = started().plus(Duration::from_mins(1));
        for one in both {
            let reconciled = client
                .reconcile(&AttemptRef::new(one, started()))
                .await
                .unwrap();
            let told = match reconciled {
                Reconciled::Taken(_) => "all",
                Reconciled::NotTaken => "none",
                _ => "cannot tell",
            };
            assert_eq!(told, expected);
        }
    }
}

// ---- random worlds ----

/// One message of a world: when its call began, how long it lasted, and when in it the server took it.
#[derive(Clone, Debug)]
struct Call {
    started: i64,
    lasted: i64,
    taken: Option<i64>,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = (
        0_i64..60_000,
        0_i64..3_000,
        proptest::option::of(0_i64..=1_000),
    );
    let call = call.prop_map(|(started, lasted, taken)| Call {
        started,
        lasted,
        taken: taken.map(|part| started + lasted * part / 1_000),
    });
    proptest::collection::vec(call, 1..5)
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(started().as_millis() + millis).unwrap()
}

proptest! {
    /// Texts that are all the same, clocks that differ by up to an hour: what is said is right, and
    /// where there was but one message something is said.
    #[test]
    fn nothing_wrong_is_said_about_any_world(
        calls in calls(),
        skew in -3_600_000_i64..3_600_000,
        latency in 0_i64..2_000,
        date_lag in 0_i64..1_000,
        is_shared in any::<bool>(),
    ) {
        const SETTLE: i64 = 5_000;
        let second = |millis: i64| at(millis.div_euclid(1_000) * 1_000 - 400);
        let listed_at = 100_000;
        let reading = Reading {
            asked: at(listed_at),
            answered: at(listed_at + latency),
            date: second(listed_at + latency / 2 + skew - date_lag),
        };
        let seen = if is_shared { &calls[..] } else { &calls[..1] };
        let rows: Vec<wire::Message> = seen.iter().filter_map(|call| call.taken).map(|taken| {
            let time = second(taken + skew).to_string();
            let row = row("m", &time, "term", "ping").to_string();
            wire::read(row.as_bytes()).unwrap()
        }).collect();
        let ended = |call: &Call| at(call.started + call.lasted + SETTLE);
        for (place, call) in seen.iter().enumerate() {
            let others = seen.iter().enumerate().filter(|(other, _)| *other != place);
            let others = others.map(|(_, other)| (at(other.started), ended(other)));
            let sought = Sought {
                session: "s".to_owned(),
                is_shared,
                from: phone("+15550109876"),
                to: phone("+15550101234"),
                text: "ping",
                media_bytes: None,
                started: at(call.started),
                ended: ended(call),
                others: others.collect(),
                other_texts: Vec::new(),
            };
            match sought.judge(&rows, Some(reading), false) {
                Found::There(_) => prop_assert!(call.taken.is_some()),
                Found::Absent => prop_assert!(call.taken.is_none()),
                Found::Unclear => prop_assert!(seen.len() > 1),
            }
            prop_assert_ne!(sought.judge(&[], Some(reading), true), Found::Absent);
        }
    }
}
