//! Nothing that signing in presents or brings is in a log line, an error or any `Debug`.

use std::fmt::Write as _;

use super::{CLIENT_SECRET, MAIL, Mood, Server, TestClock, ask};
use crate::error::Error;
use crate::netsapiens::{ApiKey, Brings, Client, Credentials, FileTokenStore, SignedIn};
use crate::tests::log::{CapturedLog, check_clean};
use crate::tests::scripted::{Reply, Scripted};
use crate::tests::settings::SECRET;

const SECRETS: [&str; 11] = [
    SECRET,
    CLIENT_SECRET,
    MAIL,
    "200@example.test",
    "access-1",
    "access-2",
    "refresh-1",
    "refresh-2",
    "pending-1",
    "123456",
    "nsd_abcdefgh",
];

/// An error as a program shows it, with all its causes.
fn show(shown: &mut String, error: &Error) {
    writeln!(shown, "{error} {error:?}").unwrap();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        writeln!(shown, "{error} {error:?}").unwrap();
        cause = error.source();
    }
}

/// Everything that signing in can come to, and what it shows.
async fn full_run() -> String {
    let mut shown = String::new();
    let folder = tempfile::tempdir().unwrap();
    let (server, clock) = (Server::start().await, TestClock::new());
    let store = FileTokenStore::new(folder.path().join("token.json"));
    let builder = server.builder(&clock).token_store(store);
    writeln!(shown, "{builder:?}").unwrap();
    let client = builder.build().unwrap();
    writeln!(shown, "{client:?}").unwrap();

    server.pbx().password = Mood::WantsAPasscode;
    show(&mut shown, &ask(&client).await.unwrap_err());
    let step = client.sign_in().await.unwrap();
    writeln!(shown, "{step:?}").unwrap();
    let SignedIn::SecondStep(challenge) = step else {
        panic!("a second step is due");
    };
    server.pbx().password = Mood::Refuses;
    show(
        &mut shown,
        &client
            .answer(challenge.clone(), "123456")
            .await
            .unwrap_err(),
    );
    server.pbx().password = Mood::Gives;
    let done = client.answer(challenge, "123456").await.unwrap();
    writeln!(shown, "{done:?} {:?}", client.token()).unwrap();
    ask(&client).await.unwrap();
    clock.advance(3_600);
    ask(&client).await.unwrap();
    server.expire();
    ask(&client).await.unwrap();
    for mood in [Mood::Refuses, Mood::IsDown, Mood::HangsUp] {
        {
            let mut pbx = server.pbx();
            (pbx.password, pbx.refresh) = (mood, mood);
        }
        clock.advance(3_600);
        show(&mut shown, &ask(&client).await.unwrap_err());
    }
    writeln!(shown, "{:?}", client.shared().sign_in).unwrap();
    shown
}

#[tokio::test]
async fn a_full_run_shows_no_secret() {
    let log = CapturedLog::start();
    let shown = full_run().await;
    check_clean(&shown, &SECRETS);
    let expected = [
        "netsapiens gave a token",
        "netsapiens wants a second step",
        "netsapiens gave no token",
        "does not take the refresh token",
        "POST /ns-api/v2/tokens answered 200",
    ];
    log.check(&expected, &SECRETS);
}

#[tokio::test]
async fn an_older_server_and_a_json_web_token_show_no_secret_either() {
    let log = CapturedLog::start();
    let server = Scripted::start(|seen| match seen.path.as_str() {
        "/ns-api/v2/tokens" => Reply::status(404, "", seen.body.clone()),
        "/ns-api/oauth2/token/" | "/ns-api/v2/jwt" => Reply::status(
            403,
            "",
            format!("{{\"message\":\"{SECRET}\",\"x\":[{}", seen.body),
        ),
        _ => Reply::ok("{}"),
    })
    .await;
    let mut shown = String::new();
    for brings in [Brings::Token, Brings::Jwt] {
        let builder = Client::builder()
            .base_url(&server.url)
            .password("acme.app", CLIENT_SECRET, "200@example.test", SECRET)
            .brings(brings);
        let client = builder.build().unwrap();
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.provider_text(), None);
        show(&mut shown, &error);
    }
    check_clean(&shown, &SECRETS);
    log.check(&["/ns-api/oauth2/token/ answered 403"], &SECRETS);
}

#[test]
fn credentials_show_no_secret() {
    let password =
        Client::builder().password("acme.app", CLIENT_SECRET, "200@example.test", SECRET);
    let key = Credentials::ApiKey(ApiKey::new("nsd_abcdefgh-s3cret"));
    let jwt = Credentials::Jwt("s3cret".into());
    let shown = format!("{password:?} {key:?} {jwt:?}");
    check_clean(&shown, &SECRETS);
    assert!(shown.contains("Domain"), "{shown}");
}
