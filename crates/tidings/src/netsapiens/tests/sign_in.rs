//! Signing in.

use http::Method;

use super::super::path::Path;
use super::super::verdict::{Call, read_done};
use super::super::{Client, ClientBuilder};
use crate::error::Result;
use crate::tests::scripted::{Reply, Scripted};

const TOKEN: &str = r#"{"username":"200@example.test","user":"200","territory":"Acme",
"domain":"example.test","department":"n/a","uid":"200@example.test","login":"200@example.test",
"scope":"Basic User","user_email":"a@example.test","displayName":"Ann Doe",
"access_token":"00112233445566778899aabbccddeeff","expires_in":3600,"token_type":"Bearer",
"refresh_token":"ffeeddccbbaa99887766554433221100","client_id":"acme.app",
"apiversion":"Version: 44.1.2"}"#;

fn builder(server: &Scripted) -> ClientBuilder {
    Client::builder().base_url(&server.url).password(
        "acme.app",
        "s3cr3t",
        "200@example.test",
        "hunter2",
    )
}

async fn ask(client: &Client) -> Result<()> {
    const ASK: Call = Call::asks("test");
    let path = Some(Path::new("/ask"));
    let answer = client.call(ASK, Method::GET, path, None, read_done).await;
    answer.map(|_| ())
}

#[tokio::test]
async fn the_first_call_signs_in_and_all_present_the_token() {
    let server = Scripted::start(|seen| {
        Reply::ok(if seen.path.ends_with("/tokens") {
            TOKEN
        } else {
            "{}"
        })
    })
    .await;
    let client = builder(&server).build().unwrap();
    ask(&client).await.unwrap();
    ask(&client.clone()).await.unwrap();
    let seen = server.seen();
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/ns-api/v2/tokens", "/ns-api/v2/ask", "/ns-api/v2/ask"]
    );
    assert_eq!(
        seen[0].body,
        r#"{"grant_type":"password","client_id":"acme.app","client_secret":"s3cr3t","username":"200@example.test","password":"hunter2"}"#
    );
    for call in &seen[1..] {
        let bearer = "Bearer 00112233445566778899aabbccddeeff";
        assert_eq!(call.headers["authorization"], bearer);
    }
}
