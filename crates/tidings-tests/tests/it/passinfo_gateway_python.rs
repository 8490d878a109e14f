//! The vendor's published Python package runs all its methods against a gateway, with nothing changed but
//! the base URL, and the texts reach phones over the simulated carrier behind it. The answers are
//! those that `tidings sim` gives; see `passinfo_python_sdk`.

use tidings::passinfo;
use tidings_store::AccountChange;

use crate::gateway_vendors::{arrivals, as_json, gateway_to};
use crate::passinfo_python_sdk::{ARRIVALS, Run, SLOW};

#[tokio::test(flavor = "multi_thread")]
async fn the_published_package_runs_all_its_methods() {
    let spec = &passinfo::SPEC;
    let test = gateway_to(spec).scenario(SLOW).start().await;
    let account = test.vendor_account(spec).await;
    let change = AccountChange {
        quota: Some(Some(100)),
        ..AccountChange::default()
    };
    let store = test.gateway().store();
    store.change_account(&"acme".into(), change).await.unwrap();
    let base_url = account.setting("base_url").unwrap();
    let run = Run::against(base_url, as_json(spec, &account)).await;
    run.check();
    test.settled().await;
    let mut expected = ARRIVALS.map(|(to, text)| (to.to_owned(), text.to_owned()));
    expected.sort();
    assert_eq!(arrivals(&test, spec), expected);
    test.finish().await;
}
