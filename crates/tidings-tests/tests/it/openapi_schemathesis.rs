//! Schemathesis, as the package index has it, reads the gateway's `OpenAPI` document and calls every operation
//! with what the document allows and with what it does not: no answer is a 5xx, and each has a status, a
//! type and a shape that the document names.
//!
//! `openapi_schemathesis.py` drives it. The number of examples is bounded, so that the suite stays quick.

use std::path::Path;

use serde_json::json;
use tidings_gateway::access::{Acting, NATIVE, NewKeyRequest, Scopes, create};
use tidings_tests::{Packages, Python, TestGateway};

pub(crate) const PACKAGES: Packages<'static> =
    Packages::new(include_str!("openapi_schemathesis.txt"));
const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/openapi_schemathesis.py"
);
/// Test cases for each operation in the random phase, besides those that the document's limits give.
const EXAMPLES: &str = "10";
const SEED: &str = "6";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_in_python_finds_no_5xx_and_no_schema_violation() {
    let gateway = TestGateway::start().await;
    let keys = [operators_key(&gateway).await, operators_key(&gateway).await];
    let input = json!({"api_keys": keys});
    let url = gateway.url();
    let run = tokio::task::spawn_blocking(move || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let python = Python::with_packages(folder, PACKAGES);
        python.run(Path::new(SCRIPT), &[&url, EXAMPLES, SEED], &input)
    });
    let run = run.await.unwrap();
    // Otherwise most of it would have been refused, and found nothing.
    let still_good = gateway
        .gateway()
        .access()
        .check(gateway.gateway(), &keys[0], None);
    still_good.await.unwrap();
    // Webhooks that it made to addresses that do not exist are due for days.
    gateway.abandon().await;
    let said = run["said"].as_str().unwrap();
    assert_eq!(run["exits"], json!([0, 0]), "{said}");
    assert!(said.contains("Tested:"), "{said}");
}

async fn operators_key(gateway: &TestGateway) -> String {
    let request = NewKeyRequest {
        scopes: Scopes::EVERYTHING,
        ..NewKeyRequest::new("acme".into(), NATIVE)
    };
    let (context, acting) = (gateway.gateway(), Acting::command());
    let created = create(context.store(), request, &acting, context.now()).await;
    created.unwrap().value("api_key").unwrap().to_owned()
}
