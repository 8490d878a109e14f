//! The Puzzel client and the simulated carrier together, over real connections: what is said of each
//! message, what a stop stops, what every fault means, what a lost answer leads to.
//!
//! What holds for every provider is in `../behaviour/provider/`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tidings::callback::Callback;
use tidings::http::HttpClient;
use tidings::{
    Acceptance, AttemptRef, ClientRef, Clock as _, Error, ErrorKind, Message, Outbound, Provider,
    Reason, Receipt, Reconciled, ReportedState, Result, SendWindow, SystemClock, TimeZone,
    Timestamp, ZonedTime, puzzel,
};
use tidings_sim::world::PhoneText;
use tidings_sim::{Scenario, SimMessage, Simulator};
use tidings_tests::{Carrier, Recorded, Recorder, standard};

use Acceptance::{NotSent, Refused, Unknown};

/// Messages with a number, a text and a reference of their own.
fn rows(n_rows: usize) -> Vec<Outbound> {
    let row = |n: usize| {
        let message = Message::new(number(n).parse().unwrap(), format!("Hei {n}"));
        Outbound::new(ClientRef::new(format!("row-{n}")).unwrap(), message)
    };
    (0..n_rows).map(row).collect()
}

fn number(n: usize) -> String {
    format!("+47410{n:05}")
}

async fn start(scenario: &str) -> Carrier {
    Carrier::start(&puzzel::SPEC, scenario).await
}

/// A client without layers, with these settings besides those of the account.
fn connect(carrier: &Carrier, settings: &[(&str, &str)]) -> Arc<dyn Provider> {
    connect_within(carrier, settings, Duration::from_secs(30))
}

fn connect_within(
    carrier: &Carrier,
    settings: &[(&str, &str)],
    limit: Duration,
) -> Arc<dyn Provider> {
    let account = carrier.simulator.account();
    let account = settings.iter().fold(account, |account, (name, value)| {
        account.with(*name, *value)
    });
    let http = HttpClient::builder().timeout(limit).build().unwrap();
    (puzzel::SPEC.connect)(&account, http).unwrap()
}

/// What reached phones, by number.
fn arrivals(carrier: &Carrier) -> BTreeMap<String, Vec<SimMessage>> {
    let mut arrivals: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for message in carrier.simulator.world().messages() {
        let to = message.to.as_str().to_owned();
        arrivals.entry(to).or_default().push(message);
    }
    arrivals
}

/// The ids of messages that a phone has, and their numbers.
fn delivered(carrier: &Carrier) -> BTreeMap<String, String> {
    let messages = carrier.simulator.world().messages().into_iter();
    messages
        .filter(|message| message.state == ReportedState::Delivered)
        .map(|message| (message.provider_id, message.to.as_str().to_owned()))
        .collect()
}

fn id_of(receipt: &Receipt) -> String {
    receipt.provider_ref.message.clone().unwrap()
}

// ---- verdicts ----

#[tokio::test]
async fn each_message_of_several_calls_gets_its_own_verdict_in_order() {
    let refused = [3, 8];
    let rules = refused.map(|n| format!("[[fail]]\nto = \"{}\"\nat = \"accept\"\n", number(n)));
    let carrier = start(&rules.concat()).await;
    let provider = connect(&carrier, &[("bulk_size", "4")]);
    let results = provider.submit(&rows(10)).await.unwrap();
    assert_eq!(results.len(), 10);
    let arrivals = arrivals(&carrier);
    for (n, result) in results.iter().enumerate() {
        let arrived = arrivals.get(&number(n)).map_or(&[][..], Vec::as_slice);
        match result {
            Ok(receipt) => {
                let [arrived] = arrived else {
                    panic!("{n} arrived {} times", arrived.len());
                };
                assert_eq!(id_of(receipt), arrived.provider_id);
                assert_eq!(*arrived.text, *format!("Hei {n}"));
                let reference = arrived.reference.as_ref().map(ClientRef::as_str);
                assert_eq!(reference, Some(format!("row-{n}").as_str()));
            }
            Err(error) => {
                assert!(refused.contains(&n), "{n}: {error}");
                assert_eq!(error.acceptance(), Refused);
                assert_eq!(arrived, []);
            }
        }
    }
    assert_eq!(arrivals.len(), 8);
    // Three calls, and one name for the whole.
    let batches: BTreeSet<_> = arrivals.values().flatten().map(|one| &one.batch).collect();
    assert_eq!(batches.len(), 1, "{batches:?}");
    let calls = carrier.simulator.world().stats().calls;
    assert_eq!(calls.values().sum::<u64>(), 3, "{calls:?}");
}

#[tokio::test]
async fn a_message_with_a_window_leaves_when_it_opens() {
    let carrier = start("[delays]\nsent_ms = 0\ndelivered_ms = 0\n").await;
    let provider = connect(&carrier, &[]);
    // In a while by the clock of the client, too, which is not the carrier's. The gateway knows
    // whole seconds.
    let later = SystemClock::new().now().plus(Duration::from_hours(6));
    let opens = Timestamp::from_millis(later.as_millis() / 1000 * 1000).unwrap();
    let zone = TimeZone::named("Europe/Oslo").unwrap();
    let window = SendWindow::from(ZonedTime::new(opens, &zone));
    let mut row = rows(1).remove(0);
    row.message = row.message.window(window);
    provider.submit(&[row]).await.unwrap().remove(0).unwrap();
    let wait = opens.since(carrier.clock.now());
    carrier
        .clock
        .advance(wait.saturating_sub(Duration::from_millis(1)));
    assert_eq!(delivered(&carrier).len(), 0);
    carrier.clock.advance(Duration::from_millis(1));
    assert_eq!(delivered(&carrier).len(), 1);
}

// ---- stopping ----

/// Ten messages leave in a second.
const THROTTLED: &str = "rate_per_s = 10.0\n[delays]\nsent_ms = 0\ndelivered_ms = 0\n";
const N_THROTTLED: usize = 100;

/// Hands a batch over that takes ten seconds to leave. Returns its name, and number by id.
async fn throttled_batch(provider: &dyn Provider) -> (String, BTreeMap<String, String>) {
    let results = provider.submit(&rows(N_THROTTLED)).await.unwrap();
    let receipts: Vec<Receipt> = results.into_iter().map(Result::unwrap).collect();
    let batch = receipts[0].provider_ref.batch.clone().unwrap();
    let numbers = (0..N_THROTTLED).map(number);
    let ids = receipts.iter().map(id_of).zip(numbers).collect();
    (batch, ids)
}

/// What was stopped and what arrived in the end are together all, and no message is both.
#[track_caller]
fn check_stop(carrier: &Carrier, ids: &BTreeMap<String, String>, stopped: &[String]) {
    carrier.clock.advance(Duration::from_hours(1));
    let arrived: BTreeSet<String> = delivered(carrier).into_keys().collect();
    let stopped_ids: BTreeSet<String> = stopped.iter().cloned().collect();
    assert_eq!(stopped_ids.len(), stopped.len(), "named twice");
    let both: Vec<_> = arrived.intersection(&stopped_ids).collect();
    assert!(both.is_empty(), "stopped and arrived: {both:?}");
    let all: BTreeSet<&String> = arrived.union(&stopped_ids).collect();
    assert_eq!(all, ids.keys().collect());
}

#[tokio::test]
async fn a_stop_names_exactly_what_will_not_arrive() {
    for tenths in [0, 1, 2, 33, 97, 98] {
        let carrier = start(THROTTLED).await;
        let provider = connect(&carrier, &[]);
        let (batch, ids) = throttled_batch(&*provider).await;
        carrier.clock.advance(Duration::from_millis(100) * tenths);
        let batches = provider.batches().unwrap();
        let arrived = delivered(&carrier).len();
        let left = u64::try_from(N_THROTTLED - arrived).unwrap();
        let listed = batches.list().await.unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        let shown = batches.show(&batch).await.unwrap();
        assert_eq!((shown.left, shown.on_hold), (left, 0), "{shown:?}");
        assert_eq!(listed[0], shown);
        let stopped = batches.stop(&batch).await.unwrap();
        assert_eq!(stopped.reference, batch);
        let stopped: Vec<String> = stopped.stopped.into_iter().map(|one| one.id).collect();
        assert_eq!(stopped.len() + arrived, N_THROTTLED);
        check_stop(&carrier, &ids, &stopped);
        let again = batches.stop(&batch).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotFound);
        assert_eq!(batches.list().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_exact_while_messages_leave() {
    for round in 0..20_u32 {
        let carrier = start(THROTTLED).await;
        let provider = connect(&carrier, &[]);
        let (batch, ids) = throttled_batch(&*provider).await;
        carrier.clock.advance(Duration::from_millis(400) * round);
        let stop = async { provider.batches().unwrap().stop(&batch).await.unwrap() };
        let time = async {
            for _ in 0..100 {
                carrier.clock.advance(Duration::from_millis(10));
                tokio::task::yield_now().await;
            }
        };
        let (stopped, ()) = tokio::join!(stop, time);
        let stopped: Vec<String> = stopped.stopped.into_iter().map(|one| one.id).collect();
        check_stop(&carrier, &ids, &stopped);
    }
}

#[tokio::test]
async fn a_message_that_is_a_batch_of_its_own_can_be_canceled() {
    let carrier = start("rate_per_s = 1.0\n").await;
    let provider = connect(&carrier, &[]);
    // The first leaves at once.
    provider.submit(&rows(1)).await.unwrap().remove(0).unwrap();
    let waiting = rows(2).remove(1);
    let receipt = provider
        .submit(&[waiting])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    provider.cancel(&receipt.provider_ref).await.unwrap();
    carrier.clock.advance(Duration::from_hours(1));
    let arrived: Vec<String> = delivered(&carrier).into_values().collect();
    assert_eq!(arrived, [number(0)]);
}

// ---- what the customer is told ----

const TELLING: &str = "[delays]
sent_ms = 0
delivered_ms = 0
[[fail]]
to = \"+4741000001\"
reason = \"recipient_unreachable\"
at = \"delivered\"
[reports]
duplicate = true
";

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_is_told_of_every_end_and_of_texts_from_phones() {
    let customer = Recorder::start("");
    let carrier = Carrier::telling(&puzzel::SPEC, TELLING, &customer).await;
    let rows = rows(3);
    let results = connect(&carrier, &[]).submit(&rows).await.unwrap();
    let phone = number(0).parse().unwrap();
    let text = PhoneText::new(phone, "Nei takk").to(Some("1960".to_owned()));
    carrier.simulator.world().receive(text).await.unwrap();

    // Each report twice, and the text.
    let calls = customer.wait_until(|calls| told(calls).len() > 2 * rows.len());
    for call in &calls {
        assert_eq!(call.call, "POST /");
        assert_eq!(call.header("content-type"), Some("application/json"));
    }
    let (mut reports, mut texts) = (Vec::new(), Vec::new());
    for told in told(&calls) {
        match told {
            Callback::Report(report) => reports.push(report),
            Callback::Inbound(text) => texts.push(text),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(reports.len(), 2 * rows.len());
    for (n, (row, result)) in rows.iter().zip(results).enumerate() {
        let receipt = result.unwrap().provider_ref;
        let about = reports
            .iter()
            .filter(|report| report.about.message == receipt.message);
        let expected = if n == 1 {
            (
                ReportedState::Undelivered,
                Some(Reason::RecipientUnreachable),
            )
        } else {
            (ReportedState::Delivered, None)
        };
        let mut n_reports = 0;
        for report in about {
            assert_eq!((report.state, report.reason), expected, "{report:?}");
            assert_eq!(report.about.reference.as_ref(), Some(&row.reference));
            assert_eq!(report.about.batch, receipt.batch);
            n_reports += 1;
        }
        assert_eq!(n_reports, 2, "{n}");
    }
    let [text] = &texts[..] else {
        panic!("{texts:?}");
    };
    let seen = (text.from.as_str(), text.to.as_str(), &*text.text);
    assert_eq!(seen, ("+4741000000", "1960", "Nei takk"));
}

/// What the customer has been told so far.
fn told(calls: &[Recorded]) -> Vec<Callback> {
    let parse = puzzel::SPEC.parse_callback.unwrap();
    let calls = calls.iter().map(Recorded::as_callback);
    calls.flat_map(|call| parse(&call).unwrap()).collect()
}

// ---- faults ----

/// What an error says of the message; `None` is no error.
type Said = Option<(ErrorKind, Acceptance)>;

/// Each fault of a scenario, what is said of the message, and how many messages the carrier has
/// afterwards.
const FAULTS: [(&str, Said, usize); 25] = [
    (
        "refuse = { status = 400 }",
        Some((ErrorKind::InvalidMessage, Refused)),
        0,
    ),
    (
        "refuse = { status = 401 }",
        Some((ErrorKind::Unauthorized, NotSent)),
        0,
    ),
    (
        "refuse = { status = 403 }",
        Some((ErrorKind::Forbidden, NotSent)),
        0,
    ),
    (
        "refuse = { status = 404 }",
        Some((ErrorKind::NotFound, NotSent)),
        0,
    ),
    (
        "refuse = { status = 409 }",
        Some((ErrorKind::Rejected, Unknown)),
        0,
    ),
    (
        "refuse = { status = 413 }",
        Some((ErrorKind::InvalidMessage, Refused)),
        0,
    ),
    (
        "refuse = { status = 500 }",
        Some((ErrorKind::Unavailable, Unknown)),
        0,
    ),
    (
        "refuse = { status = 503 }",
        Some((ErrorKind::Unavailable, Unknown)),
        0,
    ),
    (
        "rate_limit = {}",
        Some((ErrorKind::RateLimited, NotSent)),
        0,
    ),
    (
        "rate_limit = { retry_after_s = 7 }",
        Some((ErrorKind::RateLimited, NotSent)),
        0,
    ),
    (
        "drop = { when = \"before\" }",
        Some((ErrorKind::Unavailable, Unknown)),
        0,
    ),
    (
        "drop = { when = \"before\", reset = true }",
        Some((ErrorKind::Unavailable, Unknown)),
        0,
    ),
    (
        "drop = { when = \"after\" }",
        Some((ErrorKind::Unavailable, Unknown)),
        1,
    ),
    (
        "drop = { when = \"after\", reset = true }",
        Some((ErrorKind::Unavailable, Unknown)),
        1,
    ),
    (
        "drop = { when = \"mid_answer\" }",
        Some((ErrorKind::Unavailable, Unknown)),
        1,
    ),
    (
        "drop = { when = \"mid_answer\", reset = true }",
        Some((ErrorKind::Unavailable, Unknown)),
        1,
    ),
    (
        "late = { ms = 5000 }",
        Some((ErrorKind::Timeout, Unknown)),
        1,
    ),
    ("slow = { chunk_ms = 1 }", None, 1),
    (
        "broken_json = true",
        Some((ErrorKind::Protocol, Unknown)),
        1,
    ),
    (
        "wrong_content_type = { content_type = \"text/html\" }",
        Some((ErrorKind::Protocol, Unknown)),
        1,
    ),
    ("empty_body = true", Some((ErrorKind::Protocol, Unknown)), 1),
    (
        "failure_in_200 = { message = \"not today\" }",
        Some((ErrorKind::Protocol, Unknown)),
        0,
    ),
    (
        "call = \"submit\"\nrefuse = { status = 503 }",
        Some((ErrorKind::Unavailable, Unknown)),
        0,
    ),
    (
        "call = \"submit\"\nrate_limit = {}",
        Some((ErrorKind::RateLimited, NotSent)),
        0,
    ),
    ("no_credit = true", Some((ErrorKind::Rejected, Refused)), 0),
];

#[tokio::test]
async fn every_fault_says_of_the_message_what_is_known() {
    for (fault, expected, n_messages) in FAULTS {
        let carrier = start(&format!("[[fault]]\n{fault}\n")).await;
        let limit = if fault.starts_with("late") {
            500
        } else {
            30_000
        };
        let provider = connect_within(&carrier, &[], Duration::from_millis(limit));
        let ended = provider.submit(&rows(1)).await;
        let ended = ended.and_then(|mut results| results.remove(0));
        let seen = ended.as_ref().err();
        let seen = seen.map(|error| (error.kind(), error.acceptance()));
        assert_eq!(seen, expected, "{fault}: {ended:?}");
        if let Err(error) = &ended {
            assert_eq!(error.provider(), Some(puzzel::SPEC.id), "{fault}");
            let wait = fault
                .contains("retry_after_s")
                .then_some(Duration::from_secs(7));
            assert_eq!(error.retry_after(), wait, "{fault}");
        }
        assert_eq!(arrivals(&carrier).len(), n_messages, "{fault}");
    }
}

/// Every stage at which a connection can die, each on every third call.
const DYING: [&str; 6] = [
    "drop = { when = \"before\" }",
    "drop = { when = \"before\", reset = true }",
    "drop = { when = \"after\" }",
    "drop = { when = \"after\", reset = true }",
    "drop = { when = \"mid_answer\" }",
    "drop = { when = \"mid_answer\", reset = true }",
];

#[tokio::test]
async fn nothing_arrives_twice_at_whatever_stage_connections_die() {
    for fault in DYING {
        let carrier = start(&format!("[[fault]]\nevery = 3\n{fault}\n")).await;
        let provider = standard(connect(&carrier, &[]), Duration::from_mins(1));
        let rows = rows(60);
        let mut outcomes = Vec::new();
        for (size, call) in [1, 2, 3, 4].into_iter().cycle().zip(chunks(&rows)) {
            assert_eq!(call.len(), size);
            match provider.submit(call).await {
                Ok(results) => outcomes.extend(
                    results
                        .into_iter()
                        .map(|result| result.map(drop).map_err(|error| error.acceptance())),
                ),
                Err(error) => outcomes.extend(vec![Err(error.acceptance()); call.len()]),
            }
        }
        check_outcomes(&carrier, &outcomes, fault);
        let n_unknown = outcomes.iter().filter(|one| one == &&Err(Unknown)).count();
        assert!(n_unknown > 0, "{fault}: nothing died");
    }
}

/// Pieces of one, two, three and four rows, again and again.
fn chunks(rows: &[Outbound]) -> impl Iterator<Item = &[Outbound]> {
    let mut rest = rows;
    [1, 2, 3, 4].into_iter().cycle().map_while(move |size| {
        let (piece, others) = rest.split_at_checked(size)?;
        rest = others;
        Some(piece)
    })
}

#[track_caller]
fn check_outcomes(carrier: &Carrier, outcomes: &[Result<(), Acceptance>], what: &str) {
    let arrivals = arrivals(carrier);
    for (n, outcome) in outcomes.iter().enumerate() {
        let arrived = arrivals.get(&number(n)).map_or(0, Vec::len);
        let is_right = match outcome {
            Ok(()) => arrived == 1,
            Err(Unknown) => arrived <= 1,
            Err(_) => arrived == 0,
        };
        assert!(
            is_right,
            "{what}: {n} is {outcome:?} and arrived {arrived} times"
        );
    }
}

// ---- lost answers ----

/// References are refused for an hour, and calls get lost on both ways.
const LOST: &str = "refuse_duplicates = true
[[fault]]
every = 3
drop = { when = \"after\" }
[[fault]]
every = 5
drop = { when = \"before\" }
[[fault]]
every = 7
drop = { when = \"mid_answer\" }
";

#[tokio::test]
async fn with_duplicate_checking_every_lost_answer_is_found_out_and_nothing_is_sent_twice() {
    let carrier = start(LOST).await;
    let provider = connect(&carrier, &[("duplicate_checking", "on")]);
    let rows = rows(60);
    let mut lost: Vec<(AttemptRef, bool)> = Vec::new();
    let mut rest: VecDeque<&[Outbound]> = chunks(&rows).collect();
    while let Some(call) = rest.pop_front() {
        // By the client's clock, which is not the carrier's.
        let started = SystemClock::new().now();
        let results = match provider.submit(call).await {
            Ok(results) => results,
            Err(error) => vec![Err(error)],
        };
        let arrived = arrivals(&carrier);
        for (row, result) in call.iter().zip(results) {
            match result.map_err(|error| (error.acceptance(), error)) {
                Ok(_) => {}
                Err((Unknown, error)) => {
                    let arrived = arrived.contains_key(row.message.to.as_str());
                    lost.push((attempt(row, started, &error), arrived));
                }
                // Not attempted after a call without an answer.
                Err((NotSent, _)) => rest.push_back(std::slice::from_ref(row)),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    let arrived = lost.iter().filter(|(_, arrived)| *arrived).count();
    assert!(0 < arrived && arrived < lost.len(), "both ways were lost");

    let calm = Scenario::from_toml("refuse_duplicates = true\n").unwrap();
    carrier.simulator.set_scenario(calm).unwrap();
    for (attempt, _) in &lost {
        match provider.reconcile(attempt).await.unwrap() {
            // What had not been taken is taken now.
            Reconciled::Taken(_) => {}
            other => panic!("{attempt:?}: {other:?}"),
        }
    }
    let arrived = arrivals(&carrier);
    for row in &rows {
        let number = row.message.to.as_str();
        assert_eq!(arrived.get(number).map_or(0, Vec::len), 1, "{number}");
    }
}

/// Otherwise a rehearsal with the setting would send twice what the client relies on to be refused.
#[tokio::test]
async fn a_carrier_that_is_said_to_check_references_does() {
    let builder = Simulator::builder(&puzzel::SPEC).setting("duplicate_checking", "on");
    let simulator = builder.start().await.unwrap();
    let http = HttpClient::builder().build().unwrap();
    let provider = (puzzel::SPEC.connect)(&simulator.account(), http).unwrap();
    let row = rows(1);
    provider.submit(&row).await.unwrap().remove(0).unwrap();
    let again = provider.submit(&row).await.unwrap().remove(0).unwrap_err();
    assert_eq!(again.provider_code(), Some("25"));
    assert_eq!(simulator.world().messages().len(), 1);
}

fn attempt(row: &Outbound, started: Timestamp, error: &Error) -> AttemptRef {
    let attempt = AttemptRef::new(row.clone(), started);
    match error.provider_ref() {
        Some(known) => attempt.provider_ref(known.clone()),
        None => attempt,
    }
}
