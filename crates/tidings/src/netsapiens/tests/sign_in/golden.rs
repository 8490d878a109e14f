//! Signing in as the golden exchanges have it, byte for byte.

use std::collections::VecDeque;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::super::exchanges::exchanges;
use super::TestClock;
use crate::conversations::Page;
use crate::error::ErrorKind;
use crate::netsapiens::{
    Brings, Client, ClientBuilder, Credentials, MfaChallenge, MfaIdentity, SignedIn,
};
use crate::tests::scripted::{Reply, Scripted};

/// A server that gives the answers of these exchanges, one after the other.
async fn serve(names: &[&str]) -> Scripted {
    let exchanges = exchanges();
    let answers = names.iter().map(|name| &exchanges[*name].answer);
    let mut replies: VecDeque<Reply> = answers
        .map(|answer| Reply::status(answer.status, "", answer.body()))
        .collect();
    Scripted::start(move |_| replies.pop_front().unwrap_or(Reply::Close)).await
}

/// Checks that the call of this number was that of the exchange.
#[track_caller]
fn check(server: &Scripted, number: usize, name: &str) {
    let exchanges = exchanges();
    let golden = &exchanges[name].request;
    let seen = &server.seen()[number];
    assert_eq!(seen.method, golden.method, "{name}");
    assert_eq!(seen.path, golden.target, "{name}");
    for header in ["accept", "content-type", "authorization"] {
        let (found, expected) = (seen.headers.get(header), golden.headers.get(header));
        assert_eq!(found, expected, "{name}: {header}");
    }
    assert_eq!(seen.body, golden.body(), "{name}");
}

#[track_caller]
fn check_all(server: &Scripted, names: &[&str]) {
    assert_eq!(server.seen().len(), names.len());
    for (number, name) in names.iter().enumerate() {
        check(server, number, name);
    }
}

fn builder(server: &Scripted, clock: &Arc<TestClock>) -> ClientBuilder {
    Client::builder()
        .base_url(&server.url)
        .password("acme.app", "s3cr3t", "200@example.test", "hunter2")
        .clock(Arc::<TestClock>::clone(clock))
}

#[tokio::test]
async fn a_token_and_its_refresh() {
    for (names, brings) in [
        (["token.password", "token.refresh"], Brings::Token),
        (["jwt.password", "jwt.refresh"], Brings::Jwt),
    ] {
        let (server, clock) = (serve(&names).await, TestClock::new());
        let client = builder(&server, &clock).brings(brings).build().unwrap();
        client.sign_in().await.unwrap();
        assert_eq!(client.token().unwrap().uid, "200@example.test");
        clock.advance(3_600);
        client.sign_in().await.unwrap();
        check_all(&server, &names);
    }
}

#[tokio::test]
async fn an_older_server() {
    let names = ["token.not_served", "token.legacy"];
    let server = serve(&names).await;
    let client = builder(&server, &TestClock::new()).build().unwrap();
    client.sign_in().await.unwrap();
    check_all(&server, &names);
    let token = client.token().unwrap();
    assert_eq!(token.user, "200", "which comes as a number");
    assert_eq!(token.expires_in.as_secs(), 3600, "which comes as a text");
}

#[tokio::test]
async fn wrong_credentials() {
    let server = serve(&["token.wrong_credentials"]).await;
    let builder = builder(&server, &TestClock::new());
    let client = builder
        .password("acme.app", "s3cr3t", "200@example.test", "wrong")
        .build()
        .unwrap();
    let error = client.sign_in().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    check_all(&server, &["token.wrong_credentials"]);
}

#[tokio::test]
async fn the_second_step_of_a_token() {
    let names = ["token.mfa_challenge", "token.mfa_step"];
    let server = serve(&names).await;
    let client = builder(&server, &TestClock::new()).build().unwrap();
    let SignedIn::SecondStep(challenge) = client.sign_in().await.unwrap() else {
        panic!("a second step is due");
    };
    let signed_in = client.answer(challenge, "012345").await.unwrap();
    assert!(matches!(signed_in, SignedIn::Done(_)));
    check_all(&server, &names);
}

#[tokio::test]
async fn the_second_step_of_a_json_web_token() {
    let server = serve(&["jwt.mfa_step"]).await;
    let builder = builder(&server, &TestClock::new()).brings(Brings::Jwt);
    let client = builder.build().unwrap();
    let challenge = MfaChallenge {
        mfa_type: "authenticator".to_owned(),
        mfa_vendor: "google".to_owned(),
        identity: MfaIdentity::Subscriber,
        access_token: "2233445566778899aabbccddeeff0011".into(),
    };
    let signed_in = client.answer(challenge, "012345").await.unwrap();
    assert!(matches!(signed_in, SignedIn::Done(_)));
    check_all(&server, &["jwt.mfa_step"]);
}

#[tokio::test]
async fn an_expired_token() {
    let names = [
        "token.password",
        "refused.expired",
        "token.refresh",
        "sessions.domain",
    ];
    let server = serve(&names).await;
    let client = builder(&server, &TestClock::new()).build().unwrap();
    let sessions = client.domain_sessions(Page::first(100)).await.unwrap();
    assert!(!sessions.is_empty());
    check(&server, 0, "token.password");
    check(&server, 2, "token.refresh");
    let seen = server.seen();
    let tokens = [
        "Bearer 00112233445566778899aabbccddeeff",
        "Bearer 112233445566778899aabbccddeeff00",
    ];
    assert_eq!(seen[1].headers["authorization"], tokens[0]);
    assert_eq!(seen[3].headers["authorization"], tokens[1]);
    assert_eq!(seen[3].path, seen[1].path);
}

#[tokio::test]
async fn what_is_asked_about_access() {
    async fn client_of(name: &str) -> (Scripted, Client) {
        let server = serve(&[name]).await;
        let bearer = exchanges()[name]
            .request
            .headers
            .get("authorization")
            .cloned();
        let bearer = bearer.unwrap_or_default();
        let credentials = match bearer.trim_start_matches("Bearer ") {
            key if key.starts_with("nsd_") => Credentials::ApiKey(key.into()),
            "" => Credentials::Jwt("unused".into()),
            jwt => Credentials::Jwt(jwt.into()),
        };
        let client = Client::builder()
            .base_url(&server.url)
            .credentials(credentials)
            .domain("example.test")
            .user("200");
        (server, client.build().unwrap())
    }
    let (server, client) = client_of("apikey.own").await;
    let key = client.api_key_info().await.unwrap();
    assert_eq!(key.key_id.0, "nsd_a1b2c3d4");
    assert_eq!(
        (key.readonly.0, key.can_create_keys.0),
        (Some(false), Some(false))
    );
    check_all(&server, &["apikey.own"]);

    let (server, client) = client_of("jwt.delegated").await;
    let token = client.delegate("example.test", "200").await.unwrap();
    assert_eq!(token.uid, "200@example.test");
    let golden = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIyMDBAZXhhbXBsZS50ZXN0In0.c2lnbmF0dXJl";
    assert_eq!(token.access_token.expose_secret(), golden);
    check_all(&server, &["jwt.delegated"]);

    let (server, client) = client_of("jwt.claims").await;
    let claims = client.jwt_claims().await.unwrap();
    assert_eq!(claims.mask_chain.0, "900@example.test");
    check_all(&server, &["jwt.claims"]);

    let (server, client) = client_of("jwt.revoke_own").await;
    client.revoke_jwt().await.unwrap();
    check_all(&server, &["jwt.revoke_own"]);
    for (name, whose) in [
        ("jwt.revoke_user", "200@example.test"),
        ("jwt.revoke_one", "00112233445566778899aabbccddeeff00112233"),
    ] {
        let (server, client) = client_of(name).await;
        client.revoke_jwt_of(whose).await.unwrap();
        check_all(&server, &[name]);
    }

    let (server, client) = client_of("version").await;
    let version = client.version().await.unwrap();
    assert_eq!(version.apiversion.0, "Version: 44.1.2");
    check_all(&server, &["version"]);
}
