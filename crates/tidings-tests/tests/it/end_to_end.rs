//! Two hundred messages on a bad day, over every provider: the carrier declines for a while, fails,
//! and hangs up before or after it has taken a message. Each message arrives once, or is reported
//! as unknown or as not sent; none arrives twice; what was taken is delivered in the end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tidings::callback::Callback;
use tidings::{
    Acceptance, ClientRef, Error, Message, Outbound, Provider, ProviderRef, ProviderSpec, Receipt,
    ReportedState, Result, SenderId, providers,
};
use tidings_tests::{Carrier, Recorded, Recorder};

const N_ROWS: usize = 200;
/// Messages handed over in one call of the neutral interface: so few that all faults have their turn
/// also where one call of the provider takes them all.
const N_AT_ONCE: usize = 4;
const BAD_DAY: &str = r#"
    [delays]
    sent_ms = 1000
    delivered_ms = 60000

    [[fault]]
    name = "too many calls"
    call = "submit"
    after = 3
    first = 2
    rate_limit = { retry_after_s = 1 }

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
/// are made. Where messages go out from numbers of the account's own, they name no sender.
fn campaign(spec: &ProviderSpec) -> Vec<Outbound> {
    let lines = (0..N_ROWS).map(|row| format!("+2246220{row:05},Recipient {row}"));
    let csv = lines.collect::<Vec<_>>().join("\n");
    let message = |(row, line): (usize, &str)| {
        let (number, name) = line.split_once(',').unwrap();
        let text = if row % 2 == 0 {
            format!("Bonjour {name}, la rentrée est lundi.")
        } else {
            "La rentrée est lundi.".to_owned()
        };
        let message = Message::new(number.parse().unwrap(), text);
        let message = if spec.capabilities.numbers {
            message
        } else {
            message.from(SenderId::parse("Ecole").unwrap())
        };
        Outbound::new(ClientRef::new(format!("row-{row}")).unwrap(), message)
    };
    csv.lines().enumerate().map(message).collect()
}

/// What the provider's client said of every message, in the order of the rows.
async fn hand_over(provider: &dyn Provider, rows: &[Outbound]) -> Vec<Result<Receipt, Acceptance>> {
    let verdict = |error: Error| error.acceptance();
    let calls = rows.chunks(N_AT_ONCE).map(|messages| async move {
        match provider.submit(messages).await {
            Ok(results) => results
                .into_iter()
                .map(|result| result.map_err(verdict))
                .collect(),
            Err(error) => vec![Err(verdict(error)); messages.len()],
        }
    });
    let results: Vec<Vec<_>> = stream::iter(calls).buffered(4).collect().await;
    results.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_a_bad_day_arrives_once_or_is_reported() {
    for spec in providers::ALL {
        let customer = Recorder::start("");
        let carrier = Carrier::telling(spec, BAD_DAY, &customer).await;
        let provider = carrier.connect(Duration::from_mins(1));
        let rows = campaign(spec);
        let results = hand_over(&*provider, &rows).await;
        assert_eq!(results.len(), N_ROWS);

        let mut arrivals: HashMap<_, Vec<_>> = HashMap::new();
        for message in carrier.simulator.world().messages() {
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
        let faults = carrier.simulator.world().stats().faults;
        for name in ["too many calls", "failure", "lost answer", "lost call"] {
            assert!(
                faults.contains_key(name),
                "{name} did not happen: {faults:?}"
            );
        }
        // Both kinds of unknown happened, so the word was earned.
        assert!(0 < unknown_and_arrived && unknown_and_arrived < unknown);
        assert!(taken.len() > N_ROWS / 2, "{} were taken", taken.len());

        let can_ask = spec.capabilities.status;
        if can_ask {
            check_states(&*provider, &taken, ReportedState::Submitted).await;
        }
        carrier.clock.advance(Duration::from_mins(2));
        if can_ask {
            check_states(&*provider, &taken, last_state(spec)).await;
        } else {
            check_reports(spec, &customer, &taken);
        }
    }
}

/// The last that asking tells of a message that was delivered. Where messages are kept in conversations,
/// nobody tells that they have reached a phone.
fn last_state(spec: &ProviderSpec) -> ReportedState {
    if spec.capabilities.conversations {
        ReportedState::Submitted
    } else {
        ReportedState::Delivered
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
fn check_reports(spec: &ProviderSpec, customer: &Recorder, taken: &[ProviderRef]) {
    let parse = spec.parse_callback.unwrap();
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
