//! Two hundred messages on a bad day: the carrier declines for a while, fails, and hangs up before or after
//! it has taken a message. Each message arrives once, or is reported as unknown or as not sent; none
//! arrives twice; what was taken is delivered in the end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tidings::callback::Callback;
use tidings::{Acceptance, Error, Outbound, Provider, ProviderRef, Receipt, ReportedState, Result};
use tidings_tests::{Recorded, Recorder};

use crate::behaviour::{Behaviour, rows};
use crate::context::{Context, submit};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        every_message_of_a_bad_day_arrives_once_or_is_reported: [],
    }
}

const N_ROWS: usize = 200;
/// Messages handed over in one call of the neutral interface: so few that all faults have their turn
/// also where one call of the provider takes them all.
const N_AT_ONCE: usize = 4;
/// The carrier calls its customer so often.
const SOON: Duration = Duration::from_millis(50);
const BAD_DAY: &str = r#"
    [delays]
    sent_ms = 1000
    delivered_ms = 60000

    [[fault]]
    name = "too many calls"
    call = "submit"
    after = 3
    first = 2
    rate_limit = {}

    [[fault]]
    name = "failure"
    call = "submit"
    every = 17
    refuse = { status = 503 }

    [[fault]]
    name = "lost answer"
    call = "submit"
    every = 13
    drop = { when = "after" }

    [[fault]]
    name = "lost call"
    call = "submit"
    every = 29
    drop = { when = "before" }
"#;

/// Rows as a campaign has them: every second with a text of its own, so that single and bulk calls
/// are made.
fn campaign(cx: Context) -> Vec<Outbound> {
    let mut rows = cx.rows(N_ROWS);
    let common: Arc<str> = "La rentrée est lundi.".into();
    for row in rows.iter_mut().skip(1).step_by(2) {
        row.message.text = Arc::clone(&common);
    }
    rows
}

/// What the provider's client said of every message, in the order of the rows.
async fn hand_over(provider: &dyn Provider, rows: &[Outbound]) -> Vec<Result<Receipt, Acceptance>> {
    let calls = rows.chunks(N_AT_ONCE).map(|rows| submit(provider, rows));
    let calls: Vec<_> = calls.collect();
    let results: Vec<Vec<_>> = stream::iter(calls).buffered(4).collect().await;
    let verdict = |error: Error| error.acceptance();
    let results = results.into_iter().flatten();
    results.map(|result| result.map_err(verdict)).collect()
}

async fn every_message_of_a_bad_day_arrives_once_or_is_reported(cx: Context) {
    let customer = Recorder::start("");
    let carrier = cx.carrier(BAD_DAY).telling(&customer).telling_every(SOON);
    let line = cx.connect(carrier.start().await);
    let rows = campaign(cx);
    let results = hand_over(&*line.provider, &rows).await;

    let mut arrivals: HashMap<_, Vec<_>> = HashMap::new();
    for message in line.arrived() {
        arrivals.entry(message.to).or_default().push(message.text);
    }
    let (mut taken, mut unknown, mut unknown_and_arrived) = (Vec::new(), 0, 0);
    for (row, result) in rows.iter().zip(&results) {
        let to = row.message.to;
        let arrived = arrivals.get(&to).map_or(&[][..], Vec::as_slice);
        match result {
            Ok(receipt) => {
                assert_eq!(arrived, [Arc::clone(&row.message.text)], "{to:?} was taken");
                taken.push(receipt.provider_ref.clone());
            }
            Err(Acceptance::Unknown) => {
                assert!(arrived.len() <= 1, "{to:?} arrived twice");
                unknown += 1;
                unknown_and_arrived += arrived.len();
            }
            Err(not_sent) => assert!(arrived.is_empty(), "{to:?} is {not_sent:?} and arrived"),
        }
    }
    let faults = line.carrier.simulator.world().stats().faults;
    for name in ["too many calls", "failure", "lost answer", "lost call"] {
        assert!(
            faults.contains_key(name),
            "{name} did not happen: {faults:?}"
        );
    }
    // Both kinds of unknown happened, so the word was earned.
    assert!(0 < unknown_and_arrived && unknown_and_arrived < unknown);
    assert!(taken.len() > N_ROWS / 2, "{} were taken", taken.len());

    if cx.can().status {
        check_states(&*line.provider, &taken, ReportedState::Submitted).await;
    }
    line.wait(Duration::from_mins(2));
    if cx.can().status {
        // Where nobody tells the end, a message stays what it was.
        let last = if cx.can().tells_delivery {
            ReportedState::Delivered
        } else {
            ReportedState::Submitted
        };
        check_states(&*line.provider, &taken, last).await;
    } else if cx.can().reports {
        check_reports(cx, &customer, &taken);
    }
}

async fn check_states(provider: &dyn Provider, taken: &[ProviderRef], expected: ReportedState) {
    let reports = provider.status(taken).await.unwrap();
    assert_eq!(reports.len(), taken.len());
    for report in reports {
        assert_eq!(report.state, expected, "{report:?}");
    }
}

/// Waits until the customer has been told that all of these were delivered.
fn check_reports(cx: Context, customer: &Recorder, taken: &[ProviderRef]) {
    let parse = cx.spec.parse_callback.unwrap();
    let delivered = |calls: &[Recorded]| -> HashSet<Option<String>> {
        let told = calls
            .iter()
            .flat_map(|call| parse(&call.as_callback()).unwrap());
        told.map(|told| match told {
            Callback::Report(report) => {
                assert_eq!(report.state, ReportedState::Delivered, "{report:?}");
                report.about.message
            }
            other => panic!("{other:?}"),
        })
        .collect()
    };
    customer.wait_until(|calls| {
        let delivered = delivered(calls);
        taken.iter().all(|about| delivered.contains(&about.message))
    });
}
