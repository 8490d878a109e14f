//! The vendor's two Python clients, as the package index has them, against a gateway: nothing is changed but
//! the base URL, and the texts reach phones over the simulated carrier behind it. The answers are those
//! that `tidings sim` gives, but for sessions, which a gateway does not keep.

use serde_json::json;
use tidings::puzzel;
use tidings_core::{HeldReason, MessageState};
use tidings_store::{LaneId, MessageFilter};
use tidings_tests::TestGateway;

use crate::gateway_vendors::{arrivals, as_json, gateway_to};
use crate::puzzel_python_v3::present_python;
use crate::puzzel_vendor::{Run, drive};
use crate::{puzzel_python_v2 as v2, puzzel_python_v3 as v3};

/// Texts that only a session would have brought.
const OF_SESSIONS: [&str; 2] = ["Svar ja", "Takk"];

/// What reached phones was taken, and all that was taken did.
#[track_caller]
fn check_arrivals(test: &TestGateway, expected: &[(&str, &str, &str)]) {
    let expected = expected
        .iter()
        .filter(|(_, _, text)| !OF_SESSIONS.contains(text));
    let expected = expected.map(|(to, _, text)| ((*to).to_owned(), (*text).to_owned()));
    let mut expected: Vec<_> = expected.collect();
    expected.sort();
    assert_eq!(arrivals(test, &puzzel::SPEC), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_package_sends_all_that_it_can() {
    let spec = &puzzel::SPEC;
    let test = gateway_to(spec).start().await;
    let account = test.vendor_account(spec).await;
    let arguments = ["steps", account.setting("base_url").unwrap()];
    let credentials = as_json(spec, &account);
    let steps =
        tokio::task::block_in_place(|| drive(v2::PACKAGES, v2::SCRIPT, arguments, &credentials));
    let run = Run {
        steps,
        names: v2::NAMES,
    };
    v2::check_sends(&run);
    run.check_no_sessions();
    v2::check_errors(&run);
    v2::check_defects(&run);
    // One waits for its window, which is days away.
    let store = test.gateway().store();
    let held = MessageFilter {
        states: vec![MessageState::Held(HeldReason::Window)],
        ..MessageFilter::default()
    };
    let held = store.messages(held).await.unwrap().items;
    assert_eq!((held.len(), &*held[0].text), (1, "I morgen"));
    let now = test.gateway().now();
    store.cancel(None, vec![held[0].id], now).await.unwrap();
    test.settled().await;
    check_arrivals(&test, &v2::ARRIVALS);
    test.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_present_package_makes_all_calls() {
    let spec = &puzzel::SPEC;
    let test = gateway_to(spec).start().await;
    let account = test.vendor_account(spec).await;
    let arguments = ["steps", account.setting("base_url").unwrap()];
    let credentials = as_json(spec, &account);
    let steps = tokio::task::block_in_place(|| {
        drive(
            present_python::PACKAGES,
            v3::SCRIPT,
            arguments,
            &credentials,
        )
    });
    let run = Run {
        steps,
        names: v3::NAMES,
    };
    v3::check_sends(&run);
    run.check_no_sessions();
    v3::check_errors(&run);
    v3::check_other_ways(&run);
    test.settled().await;
    check_arrivals(&test, &v3::ARRIVALS);
    test.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_present_package_lists_and_stops_batches() {
    let spec = &puzzel::SPEC;
    let test = gateway_to(spec).start().await;
    let lane = test.gateway().lane(&LaneId::from(spec.id)).unwrap();
    lane.standing.set_paused(true);
    let account = test.vendor_account(spec).await;
    let arguments = ["batches", account.setting("base_url").unwrap()];
    let credentials = as_json(spec, &account);
    let steps = tokio::task::block_in_place(|| {
        drive(
            present_python::PACKAGES,
            v3::SCRIPT,
            arguments,
            &credentials,
        )
    });
    let batch = |reference: &str, left: u64| json!({"client_batch_reference": reference, "total_size": left, "on_hold": 0});
    let left = [
        batch("slow-1", 4),
        batch("slow-2", 2),
        batch(v3::STRANGE, 3),
    ];
    assert_eq!(steps["list"], json!({"message_batch": left}));
    assert_eq!(steps["one"], json!({"message_batch": left[0]}));
    v3::check_stopped(&steps, "slow-1", 0..4, "stop", &credentials);
    v3::check_stopped(&steps, v3::STRANGE, 0..3, "strange_stop", &credentials);
    assert_eq!(steps["strange_one"], json!({"message_batch": left[2]}));
    let after = json!({"message_batch": [left[1]]});
    assert_eq!(steps["list_after_stops"], after);
    let run = Run {
        steps,
        names: v3::NAMES,
    };
    v3::check_problem(&run, "one_after_stop", 404, "Not Found");
    // What was not stopped leaves when the lane goes on.
    lane.standing.set_paused(false);
    test.gateway().signals().wake_lane(&lane.id);
    test.settled().await;
    check_arrivals(
        &test,
        &[
            ("+4741000100", "", "slow-2 0"),
            ("+4741000101", "", "slow-2 1"),
        ],
    );
    test.finish().await;
}
