//! What the provider tells by calling its customer's server: every report comes to the same end, whatever
//! comes twice, late or in another order, and a call that cannot be read says so and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tidings::callback::{Callback, CallbackRequest, EVENT_MODEL, SUBSCRIPTION_ID};
use tidings::{
    AttemptEnd, DeliveryReport, EarlierAttempts, MessageEvent, MessageState, ProviderRef, Reason,
    Receipt, ReportedState,
};
use tidings_sim::PhoneText;
use tidings_tests::{Answer, Recorded, Recorder};

use crate::behaviour::{Behaviour, rows};
use crate::context::{AT_ONCE, Context, Line};

pub(super) fn rows() -> Vec<Behaviour> {
    rows! {
        the_customer_is_told_that_a_message_arrived: [REPORTS],
        the_customer_is_told_why_a_message_did_not_arrive: [REPORTS],
        a_report_names_the_message_that_the_receipt_names: [REPORTS],
        reports_that_come_twice_change_nothing: [REPORTS],
        reports_in_another_order_come_to_the_same_end: [REPORTS],
        late_reports_come_to_the_same_end: [REPORTS],
        a_report_that_overtakes_the_answer_is_kept: [REPORTS],
        a_report_settles_what_nobody_knew: [REPORTS],
        delivered_stands_against_whatever_else_is_told: [REPORTS],
        a_customer_who_does_not_answer_is_told_again: [REPORTS],
        a_text_from_a_phone_is_told: [CALLBACKS],
        what_came_is_read_the_same_every_time: [CALLBACKS],
        what_the_vendor_adds_one_day_is_passed_over: [CALLBACKS],
        a_call_that_is_cut_off_is_an_error: [CALLBACKS],
        a_call_of_another_kind_is_an_error: [CALLBACKS],
        an_error_repeats_nothing_of_the_call: [CALLBACKS],
        any_bytes_are_read_without_a_panic: [CALLBACKS],
    }
}

/// How often the carrier looks whether there is something to tell.
const SOON: Duration = Duration::from_millis(20);

/// A carrier that calls this customer soon.
async fn telling(cx: Context, scenario: &str, customer: &Recorder) -> Line {
    let carrier = cx.carrier(scenario).telling(customer).telling_every(SOON);
    cx.connect(carrier.start().await)
}

#[track_caller]
fn read(cx: Context, call: &CallbackRequest) -> Vec<Callback> {
    let parse = cx.spec.parse_callback.unwrap();
    parse(call).unwrap()
}

fn told(cx: Context, calls: &[Recorded]) -> Vec<Callback> {
    let calls = calls.iter().map(Recorded::as_callback);
    calls.flat_map(|call| read(cx, &call)).collect()
}

/// The reports that were told so far.
fn reports(cx: Context, calls: &[Recorded]) -> Vec<DeliveryReport> {
    let told = told(cx, calls).into_iter();
    told.filter_map(|told| match told {
        Callback::Report(report) => Some(report),
        _ => None,
    })
    .collect()
}

/// Waits for so many reports.
fn wait_for(cx: Context, customer: &Recorder, n_reports: usize) -> Vec<DeliveryReport> {
    let calls = customer.wait_until(|calls| reports(cx, calls).len() >= n_reports);
    reports(cx, &calls)
}

/// Those about one message.
fn about<'r>(reports: &'r [DeliveryReport], receipt: &Receipt) -> Vec<&'r DeliveryReport> {
    let message = &receipt.provider_ref.message;
    let is_its = |report: &&DeliveryReport| report.about.message == *message;
    reports.iter().filter(is_its).collect()
}

/// Where reports lead a message.
fn follow<'r>(
    from: MessageState,
    reports: impl IntoIterator<Item = &'r DeliveryReport>,
) -> MessageState {
    let events = reports
        .into_iter()
        .map(|report| MessageEvent::Reported(report.state));
    events.fold(from, |state, event| {
        let moved = state.on(event).moved().expect("a report is never refused");
        moved.unwrap_or(state)
    })
}

async fn the_customer_is_told_that_a_message_arrived(cx: Context) {
    let customer = Recorder::start("");
    let line = telling(cx, AT_ONCE, &customer).await;
    line.take(&cx.row(0, "Bonjour")).await;
    let reports = wait_for(cx, &customer, 1);
    assert_eq!(reports[0].state, ReportedState::Delivered, "{reports:?}");
    assert_eq!(reports[0].reason, None);
}

/// The phone with this place cannot be reached.
fn unreachable(cx: Context, place: usize) -> String {
    let to = cx.number(place).as_str().to_owned();
    format!("[[fail]]\nto = \"{to}\"\nreason = \"recipient_unreachable\"\nat = \"delivered\"\n")
}

async fn the_customer_is_told_why_a_message_did_not_arrive(cx: Context) {
    let customer = Recorder::start("");
    let scenario = format!("{AT_ONCE}{}", unreachable(cx, 0));
    let line = telling(cx, &scenario, &customer).await;
    line.take(&cx.row(0, "Bonjour")).await;
    let reports = wait_for(cx, &customer, 1);
    assert_eq!(reports[0].state, ReportedState::Undelivered, "{reports:?}");
    assert_eq!(reports[0].reason, Some(Reason::RecipientUnreachable));
}

async fn a_report_names_the_message_that_the_receipt_names(cx: Context) {
    let customer = Recorder::start("");
    let line = telling(cx, AT_ONCE, &customer).await;
    let rows = cx.rows(4);
    let receipts = line.take_all(&rows).await;
    let reports = wait_for(cx, &customer, rows.len());
    for (row, receipt) in rows.iter().zip(&receipts) {
        let its = about(&reports, receipt);
        assert_eq!(its.len(), 1, "{row:?}");
        let reference = its[0].about.reference.as_ref();
        assert!(reference.is_none_or(|it| *it == row.reference), "{its:?}");
    }
}

/// Three messages of which the second does not arrive, and what is told of them in a scenario.
async fn three(cx: Context, how: &str, n_reports: usize) -> (Vec<Receipt>, Vec<DeliveryReport>) {
    let customer = Recorder::start("");
    let scenario = format!("{AT_ONCE}{}[reports]\n{how}\n", unreachable(cx, 1));
    let line = telling(cx, &scenario, &customer).await;
    let receipts = line.take_all(&cx.rows(3)).await;
    line.wait(Duration::from_mins(1));
    let reports = wait_for(cx, &customer, n_reports);
    (receipts, reports)
}

const ENDS: [MessageState; 3] = [
    MessageState::Delivered,
    MessageState::Undelivered,
    MessageState::Delivered,
];

/// In whatever order the reports are read, each message comes to its end.
#[track_caller]
fn check_ends(receipts: &[Receipt], reports: &[DeliveryReport]) {
    for (receipt, end) in receipts.iter().zip(ENDS) {
        let its = about(reports, receipt);
        assert!(!its.is_empty(), "nothing was told of {receipt:?}");
        let forwards = follow(MessageState::Submitted, its.iter().copied());
        let backwards = follow(MessageState::Submitted, its.iter().rev().copied());
        assert_eq!((forwards, backwards), (end, end), "{its:?}");
    }
}

async fn reports_that_come_twice_change_nothing(cx: Context) {
    let (receipts, reports) = three(cx, "duplicate = true", 6).await;
    for receipt in &receipts {
        let its = about(&reports, receipt);
        assert_eq!(its.len(), 2, "{its:?}");
        assert_eq!(its[0], its[1], "the same report");
        let once = follow(MessageState::Submitted, its.first().copied());
        let after = follow(once, its.iter().copied());
        assert_eq!(once, after);
    }
    check_ends(&receipts, &reports);
}

async fn reports_in_another_order_come_to_the_same_end(cx: Context) {
    let (receipts, reports) = three(cx, "shuffle = true\nduplicate = true", 6).await;
    check_ends(&receipts, &reports);
}

async fn late_reports_come_to_the_same_end(cx: Context) {
    let customer = Recorder::start("");
    let scenario = format!("{AT_ONCE}{}[reports]\nlate_ms = 5000\n", unreachable(cx, 1));
    let line = telling(cx, &scenario, &customer).await;
    let receipts = line.take_all(&cx.rows(3)).await;
    line.wait(Duration::from_millis(4999));
    // Rounds are made meanwhile, and nothing is due.
    tokio::time::sleep(3 * SOON).await;
    assert_eq!(customer.calls(), [], "too early");
    line.wait(Duration::from_secs(1));
    check_ends(&receipts, &wait_for(cx, &customer, 3));
}

async fn a_report_that_overtakes_the_answer_is_kept(cx: Context) {
    let (receipts, reports) = three(cx, "", 3).await;
    for (receipt, end) in receipts.iter().zip(ENDS) {
        let state = follow(MessageState::Sending, about(&reports, receipt));
        assert_eq!(state, end);
        let answered = state.on(MessageEvent::AttemptEnded(AttemptEnd::Taken));
        assert_eq!(answered.moved().unwrap(), None, "the answer came too late");
    }
}

async fn a_report_settles_what_nobody_knew(cx: Context) {
    let customer = Recorder::start("");
    let line = telling(cx, AT_ONCE, &customer).await;
    line.play(&format!(
        "{AT_ONCE}[[fault]]\ncall = \"submit\"\ndrop = {{ when = \"after\" }}\n"
    ));
    let row = cx.row(0, "Bonjour");
    line.refused(&row).await;
    let reports = wait_for(cx, &customer, 1);
    // There was no receipt; our own name for it is what it is found by.
    assert_eq!(reports[0].about.reference.as_ref(), Some(&row.reference));
    let state = follow(MessageState::Unknown, &reports);
    assert_eq!(state, MessageState::Delivered);
    let failed = AttemptEnd::Failed(EarlierAttempts::MaybeTaken);
    let after = state.on(MessageEvent::AttemptEnded(failed));
    assert_eq!(after.moved().unwrap(), None);
}

/// What a carrier says of one message in several calls, written as the vendor writes it.
async fn delivered_stands_against_whatever_else_is_told(cx: Context) {
    let about = ProviderRef::message("7a0000000a00");
    let said = [
        ReportedState::Undelivered,
        ReportedState::Delivered,
        ReportedState::Expired,
    ];
    let reports: Vec<DeliveryReport> = said
        .into_iter()
        .flat_map(|state| {
            let report = DeliveryReport::new(about.clone(), state);
            let calls = emit(cx, Callback::Report(report));
            calls
                .into_iter()
                .flat_map(|call| read(cx, &call))
                .collect::<Vec<_>>()
        })
        .filter_map(|told| match told {
            Callback::Report(report) => Some(report),
            _ => None,
        })
        .collect();
    assert_eq!(reports.len(), said.len(), "{reports:?}");
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let state = follow(MessageState::Submitted, order.map(|place| &reports[place]));
        assert_eq!(state, MessageState::Delivered, "{order:?}: {reports:?}");
    }
}

/// The vendor's calls that tell one thing.
fn emit(cx: Context, told: Callback) -> Vec<CallbackRequest> {
    let emitter = cx.spec.emit_callback.unwrap();
    let account = tidings::Account::new("main");
    let account = match emitter.models.first() {
        Some(model) => account
            .with(EVENT_MODEL, *model)
            .with(SUBSCRIPTION_ID, "a1"),
        None => account,
    };
    (emitter.emit)(&account, &[told])
}

async fn a_customer_who_does_not_answer_is_told_again(cx: Context) {
    let n_calls = AtomicUsize::new(0);
    let customer = Recorder::answering(move |_| {
        let is_first = n_calls.fetch_add(1, Ordering::Relaxed) == 0;
        Answer::status(if is_first { 500 } else { 200 })
    });
    let line = telling(cx, AT_ONCE, &customer).await;
    let receipt = line.take(&cx.row(0, "Bonjour")).await;
    wait_for(cx, &customer, 1);
    // The vendor waits before it tells again, and nobody knows from when on it counts.
    while customer.calls().len() < 2 {
        line.wait(Duration::from_secs(1));
        tokio::time::sleep(SOON).await;
    }
    let reports = wait_for(cx, &customer, 2);
    let its = about(&reports, &receipt);
    assert_eq!(its.len(), 2, "{reports:?}");
    assert_eq!(
        follow(MessageState::Submitted, its),
        MessageState::Delivered
    );
}

// ---- calls ----

const PHONE_SAYS: &str = "Nei takk, \"ikke\" <i dag> & ikke i morgen";

/// A text from a phone, as the customer's server is called with it.
async fn a_call(cx: Context) -> (Recorded, String) {
    let customer = Recorder::start("");
    let line = telling(cx, AT_ONCE, &customer).await;
    let phone = cx.number(0);
    let world = line.carrier.simulator.world();
    let own = world.from_number().map(|number| number.as_str().to_owned());
    let to = own.unwrap_or_else(|| "1960".to_owned());
    let text = PhoneText::new(phone, PHONE_SAYS).to(Some(to));
    world.receive(text).await.unwrap();
    let tells = |call: &Recorded| {
        let told = read(cx, &call.as_callback());
        told.iter().any(|told| matches!(told, Callback::Inbound(_)))
    };
    let calls = customer.wait_until(|calls| calls.iter().any(tells));
    let call = calls.into_iter().find(tells).unwrap();
    (call, phone.as_str().to_owned())
}

async fn a_text_from_a_phone_is_told(cx: Context) {
    let (call, phone) = a_call(cx).await;
    let told = read(cx, &call.as_callback());
    let texts = told.iter().filter_map(|told| match told {
        Callback::Inbound(text) => Some(text),
        _ => None,
    });
    let [text] = texts.collect::<Vec<_>>()[..] else {
        panic!("{told:?}");
    };
    assert_eq!((&*text.from, &*text.text), (&*phone, PHONE_SAYS));
    assert!(!text.id.is_empty() && !text.to.is_empty());
}

async fn what_came_is_read_the_same_every_time(cx: Context) {
    let call = a_call(cx).await.0.as_callback();
    assert_eq!(read(cx, &call), read(cx, &call));
}

async fn what_the_vendor_adds_one_day_is_passed_over(cx: Context) {
    let (recorded, _) = a_call(cx).await;
    let expected = read(cx, &recorded.as_callback());
    let mut body: Value = serde_json::from_str(&recorded.body).unwrap();
    add_members(&mut body);
    let mut call = recorded.as_callback();
    call.body = body.to_string().into();
    assert_ne!(call.body, recorded.body.as_bytes());
    assert_eq!(read(cx, &call), expected);
}

/// Gives every object members that no contract has.
fn add_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(add_members);
            for (name, new) in [
                ("x_tomorrow", Value::Null),
                ("xNested", serde_json::json!({"a": [1, "two", null]})),
                ("x-number", serde_json::json!(1e300)),
            ] {
                members.insert(name.to_owned(), new);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(add_members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The call with another body.
fn with_body(call: &Recorded, body: impl Into<bytes::Bytes>) -> CallbackRequest {
    let mut call = call.as_callback();
    call.body = body.into();
    call
}

async fn a_call_that_is_cut_off_is_an_error(cx: Context) {
    let (call, _) = a_call(cx).await;
    let parse = cx.spec.parse_callback.unwrap();
    for eighths in 1..8 {
        let rest = call.body.as_bytes()[..call.body.len() * eighths / 8].to_vec();
        let error = parse(&with_body(&call, rest)).unwrap_err();
        assert!(!error.fault.is_empty());
    }
}

async fn a_call_of_another_kind_is_an_error(cx: Context) {
    let (call, _) = a_call(cx).await;
    let parse = cx.spec.parse_callback.unwrap();
    for body in ["", "hello", "<html></html>", "true", "42", "\"text\""] {
        let read = parse(&with_body(&call, body));
        let told = read.as_ref().map_or(0, Vec::len);
        assert_eq!(told, 0, "{body}: {read:?}");
        let error = read.unwrap_err();
        assert_eq!(error.readable, [], "{body}");
    }
}

async fn an_error_repeats_nothing_of_the_call(cx: Context) {
    let (call, phone) = a_call(cx).await;
    let parse = cx.spec.parse_callback.unwrap();
    let digits = phone.trim_start_matches('+');
    let spoilt = [
        call.body.replace(digits, &format!("x{digits}")),
        call.body.chars().take(call.body.len() - 1).collect(),
        call.body
            .replace("\"id\"", "\"no\"")
            .replace("\"messageid\"", "\"no\""),
        format!("{PHONE_SAYS} {phone}"),
    ];
    let mut n_errors = 0;
    for body in spoilt {
        let Err(error) = parse(&with_body(&call, body)) else {
            continue;
        };
        n_errors += 1;
        let shown = format!("{error} {error:?}");
        for private in ["Nei takk", "ikke", digits] {
            assert!(!shown.contains(private), "{shown}");
        }
    }
    assert!(n_errors > 1, "{n_errors} of these could not be read");
}

/// One byte after the other is replaced by ones that mean something in the vendors' forms.
async fn any_bytes_are_read_without_a_panic(cx: Context) {
    let (call, _) = a_call(cx).await;
    let parse = cx.spec.parse_callback.unwrap();
    let mut n_errors = 0;
    for place in 0..call.body.len() {
        for byte in [b'"', b'{', b'9', 0, 0xff] {
            let mut body = call.body.clone().into_bytes();
            body[place] = byte;
            n_errors += usize::from(parse(&with_body(&call, body)).is_err());
        }
    }
    assert!(n_errors > call.body.len(), "{n_errors} were noticed");
}
