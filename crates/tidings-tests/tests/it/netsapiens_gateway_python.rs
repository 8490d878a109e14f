//! The calls of the Python client that people use with this API, made against a gateway by the script of
//! `netsapiens_python`, with nothing changed but the base URL; the texts reach phones over the simulated
//! carrier behind it. The answers are those that `tidings sim` gives, except where a gateway has no such
//! thing: nobody sees all domains, there are no telephones, and no call ends a token before its time.

use tidings::netsapiens;
use tidings_tests::{CA_FILE, Recorder};

use crate::gateway_vendors::{TO_LOOPBACK, as_json, gateway_to};
use crate::netsapiens_python::{
    Run, check_events, check_messages, check_refreshing, check_signing_in, check_subscriptions,
    expected_on_phones,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_the_python_client_get_what_it_expects() {
    let spec = &netsapiens::SPEC;
    let folder = tempfile::tempdir().unwrap();
    let customer = Recorder::start("");
    let test = gateway_to(spec).config(TO_LOOPBACK).tls(folder.path());
    let test = test.start().await;
    let account = test.vendor_account(spec).await;
    let access = as_json(spec, &account);
    let base_url = format!("{}/{}", test.tls_url(), spec.id);
    let ca_file = folder.path().join(CA_FILE).display().to_string();
    let script = move || {
        let run = Run::against(&base_url, &ca_file, &access, &customer);
        (run, customer)
    };
    let (run, customer) = tokio::task::spawn_blocking(script).await.unwrap();

    check_signing_in(&run);
    check_messages(&run);
    run.check_refused("create_for_everybody", 401, "Invalid Scope");
    check_subscriptions(&run, 0);
    for step in ["new_call", "calls_of_domain", "one_call", "calls_of_user"] {
        run.check_refused(step, 404, "No Route Found");
    }
    run.check_refused("expire", 404, "No Route Found");
    check_refreshing(&run, 0);
    check_events(&run, &customer);

    test.settled().await;
    let arrived = test.carrier(spec.id).world().messages().into_iter();
    let text = |part: &dyn ToString| part.to_string();
    let mut arrived: Vec<_> = arrived
        .map(|it| {
            (
                text(&it.to.as_str()),
                text(&it.from.unwrap()),
                text(&it.text),
            )
        })
        .collect();
    let mut expected = expected_on_phones(&run);
    arrived.sort();
    expected.sort();
    assert_eq!(arrived, expected);
    test.finish().await;
    drop(customer);
}
