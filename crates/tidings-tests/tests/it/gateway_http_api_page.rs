//! The examples of `docs/http-api.md`, run by a shell as they stand there, against a gateway.

use std::fs;
use std::process::Command;

use serde_json::json;
use tidings_gateway::access::{Acting, NATIVE, NewKeyRequest, Scopes, create};
use tidings_tests::TestGateway;

const PAGE: &str = include_str!("../../../../docs/http-api.md");

/// The blocks of the page that a shell runs; what follows events without end is left out.
fn examples() -> Vec<&'static str> {
    let blocks = PAGE.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    blocks
        .filter(|block| block.starts_with("curl") && !block.contains("curl -N"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_of_the_page_works_as_written() {
    let gateway = TestGateway::start().await;
    let request = NewKeyRequest {
        scopes: Scopes::EVERYTHING,
        ..NewKeyRequest::new("acme".into(), NATIVE)
    };
    let (context, acting) = (gateway.gateway(), Acting::command());
    let created = create(context.store(), request, &acting, context.now()).await;
    let key = created.unwrap().value("api_key").unwrap().to_owned();
    let message = json!({"to": "+4790000009", "text": "hi"});
    let sent = gateway.post("/v1/messages", &message).await;
    let id = sent.body["id"].as_str().unwrap().to_owned();

    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("people.csv"),
        "to,name\n+4790000003,Bo\n",
    )
    .unwrap();
    let examples = examples();
    assert!(examples.len() >= 6, "{examples:?}");
    for example in examples {
        let script = format!("curl() {{ command curl -sS --fail-with-body \"$@\"; }}\n{example}");
        let mut shell = Command::new("sh");
        shell.args(["-euc", &script]).current_dir(folder.path());
        shell.envs([
            ("URL", gateway.url()),
            ("KEY", key.clone()),
            ("ID", id.clone()),
        ]);
        let done = tokio::task::spawn_blocking(move || shell.output())
            .await
            .unwrap();
        let done = done.expect("the examples need sh and curl");
        let said = String::from_utf8_lossy(&done.stdout);
        let wrong = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{example}\n{said}\n{wrong}");
    }
    gateway.finish().await;
}
