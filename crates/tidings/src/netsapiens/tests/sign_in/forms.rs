//! The forms of signing in: what is sent, and what is read.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use secrecy::ExposeSecret as _;
use tidings_core::Clock as _;

use super::{CLIENT_SECRET, Mood, Server, TestClock, ask};
use crate::error::{Acceptance, ErrorKind};
use crate::netsapiens::{
    ApiKey, ApiKeyLevel, Brings, Client, ClientBuilder, Credentials, MfaChallenge, MfaIdentity,
    SignedIn,
};
use crate::tests::scripted::{Reply, Scripted, Seen};
use crate::tests::settings::SECRET;

fn builder(server: &Scripted) -> ClientBuilder {
    Client::builder()
        .base_url(&server.url)
        .password("acme.app", CLIENT_SECRET, "200@example.test", SECRET)
        .clock(TestClock::new())
}

/// The paths that were called, in their order.
fn paths(server: &Scripted) -> Vec<String> {
    let seen = server.seen();
    seen.iter()
        .map(|seen| format!("{} {}", seen.method, seen.path))
        .collect()
}

fn bearer(seen: &Seen) -> &str {
    seen.headers.get("authorization").map_or("", String::as_str)
}

/// The contract's answer, as the Python client's README has it.
#[tokio::test]
async fn a_token_has_all_that_the_server_tells() {
    let server = Server::start().await;
    let clock = TestClock::new();
    let client = server.client(&clock);
    ask(&client).await.unwrap();
    let sent = &server.scripted.seen()[0];
    assert_eq!((&*sent.method, &*sent.path), ("POST", "/ns-api/v2/tokens"));
    assert_eq!(sent.headers["content-type"], "application/json");
    assert_eq!(sent.headers.get("authorization"), None);
    assert_eq!(
        sent.body,
        r#"{"grant_type":"password","client_id":"acme.app","client_secret":"client-s3cret-1","username":"200@example.test","password":"s3cret"}"#
    );
    let token = client.token().unwrap();
    let texts = [
        (&token.username, "200@example.test"),
        (&token.user, "200"),
        (&token.territory, "Acme"),
        (&token.domain, "example.test"),
        (&token.department, "n/a"),
        (&token.uid, "200@example.test"),
        (&token.login, "200@example.test"),
        (&token.scope, "Basic User"),
        (&token.user_email, super::MAIL),
        (&token.display_name, "Ann Doe"),
        (&token.token_type, "Bearer"),
        (&token.client_id, "acme.app"),
        (&token.api_version, "Version: 44.1.2"),
        (&token.api_url, server.scripted.url.as_str()),
    ];
    for (found, expected) in texts {
        assert_eq!(found, expected);
    }
    assert_eq!((token.site, token.group), (None, None));
    assert_eq!(token.access_token.expose_secret(), "access-1");
    assert_eq!(token.refresh_token.unwrap().expose_secret(), "refresh-1");
    assert_eq!(token.expires_in, Duration::from_hours(1));
    let end = clock.now().plus(Duration::from_hours(1));
    assert_eq!(token.expires_at, end);
}

#[tokio::test]
async fn a_refresh_presents_the_program_and_the_last_refresh_token() {
    let server = Server::start().await;
    let clock = TestClock::new();
    let client = server.client(&clock);
    for _ in 0..3 {
        ask(&client).await.unwrap();
        clock.advance(3_600);
    }
    let seen = server.scripted.seen();
    let refreshes: Vec<&str> = seen
        .iter()
        .filter(|seen| seen.body.contains("refresh_token"))
        .map(|seen| seen.body.as_str())
        .collect();
    let expected = |token| {
        format!(
            r#"{{"grant_type":"refresh_token","client_id":"acme.app","client_secret":"client-s3cret-1","refresh_token":"{token}"}}"#
        )
    };
    assert_eq!(refreshes, [expected("refresh-1"), expected("refresh-2")]);
}

#[tokio::test]
async fn an_older_server_is_asked_at_its_address_and_that_is_remembered() {
    let mut given = 0;
    let server = Scripted::start(move |seen| match seen.path.as_str() {
        "/ns-api/v2/tokens" => {
            Reply::status(404, "", r#"{"code":404,"message":"No Route Found [92]"}"#)
        }
        "/ns-api/oauth2/token/" => {
            given += 1;
            Reply::ok(format!(
                r#"{{"access_token":"access-{given}","expires_in":"3600","scope":null,"token_type":"Bearer","refresh_token":"refresh-{given}","legacy":false,"legacy_expires_days":0,"recover":false}}"#
            ))
        }
        _ => Reply::ok("{}"),
    })
    .await;
    let clock = TestClock::new();
    let client = builder(&server)
        .clock(Arc::<TestClock>::clone(&clock))
        .build()
        .unwrap();
    ask(&client).await.unwrap();
    clock.advance(3_600);
    ask(&client).await.unwrap();
    assert_eq!(
        paths(&server),
        [
            "POST /ns-api/v2/tokens",
            "POST /ns-api/oauth2/token/",
            "GET /ns-api/v2/ask",
            "POST /ns-api/oauth2/token/",
            "GET /ns-api/v2/ask",
        ]
    );
    let seen = server.seen();
    let form_type = "application/x-www-form-urlencoded";
    assert_eq!(seen[1].headers["content-type"], form_type);
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(seen[1].body.as_bytes())
        .into_owned()
        .collect();
    fields.sort();
    let expected = [
        ("client_id", "acme.app"),
        ("client_secret", CLIENT_SECRET),
        ("format", "json"),
        ("grant_type", "password"),
        ("password", SECRET),
        ("username", "200@example.test"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(fields, expected);
    assert!(seen[3].body.contains("refresh_token=refresh-1"));
    let token = client.token().unwrap();
    assert_eq!(token.scope, "");
    assert_eq!(
        token.client_id, "acme.app",
        "told by us where the server does not"
    );
}

#[tokio::test]
async fn a_server_without_any_of_the_addresses_is_asked_again_at_both() {
    let server = Scripted::start(|_| Reply::status(404, "", "")).await;
    let clock = TestClock::new();
    let client = builder(&server)
        .clock(Arc::<TestClock>::clone(&clock))
        .build()
        .unwrap();
    for _ in 0..2 {
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        clock.advance(2);
    }
    assert_eq!(server.seen().len(), 4);
}

/// A token of this content, with a signature that is none.
fn jwt(claims: &str) -> String {
    let base64 = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    [
        &base64.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
        ".",
        &base64.encode(claims),
        ".c2ln",
    ]
    .concat()
}

fn claims(number: u32) -> String {
    // Made at a time that has nothing to do with our clock; it holds for ten minutes.
    format!(
        r#"{{"aud":"ns","exp":1000600,"iat":1000000,"iss":"portal.example.test","jti":"{number:040x}","sub":"200@example.test","time_out":86400000,"domain":"example.test","territory":"Acme","user":"200","user_email":null,"user_scope":"Office Manager","displayName":"Ann Doe","apiversion":"Version: 45.0"}}"#
    )
}

#[tokio::test]
async fn a_json_web_token_is_got_and_renewed_by_its_own_address() {
    let mut given = 0;
    let server = Scripted::start(move |seen| {
        if seen.path != "/ns-api/v2/jwt" {
            return Reply::ok("{}");
        }
        given += 1;
        let (token, refresh) = (jwt(&claims(given)), format!("refresh-{given}"));
        Reply::ok(format!(r#"{{"token":"{token}","refresh":"{refresh}"}}"#))
    })
    .await;
    let clock = TestClock::new();
    let client = builder(&server)
        .brings(Brings::Jwt)
        .clock(Arc::<TestClock>::clone(&clock));
    let client = client.build().unwrap();
    ask(&client).await.unwrap();
    let token = client.token().unwrap();
    assert_eq!(token.expires_in, Duration::from_mins(10));
    assert_eq!(token.expires_at, clock.now().plus(Duration::from_mins(10)));
    assert_eq!(
        [
            &*token.username,
            &token.uid,
            &token.login,
            &token.user,
            &token.domain,
            &token.scope
        ],
        [
            "200@example.test",
            "200@example.test",
            "200@example.test",
            "200",
            "example.test",
            "Office Manager"
        ]
    );
    clock.advance(540);
    ask(&client).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        seen[0].body,
        r#"{"grant_type":"password","client_id":"acme.app","client_secret":"client-s3cret-1","username":"200@example.test","password":"s3cret"}"#
    );
    assert_eq!(bearer(&seen[1]), format!("Bearer {}", jwt(&claims(1))));
    assert_eq!(seen[2].body, r#"{"refresh":"refresh-1"}"#);
    assert_eq!(bearer(&seen[3]), format!("Bearer {}", jwt(&claims(2))));
}

#[tokio::test]
async fn a_second_step_is_handed_to_the_program_and_nobody_tries_meanwhile() {
    let server = Server::start().await;
    server.pbx().password = Mood::WantsAPasscode;
    let client = server.client(&TestClock::new());
    for _ in 0..5 {
        let error = ask(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert_eq!(error.acceptance(), Acceptance::NotSent);
        assert_eq!(
            error.to_string(),
            "netsapiens wants a second step of signing in, a passcode, which only a program can answer (Client::sign_in and Client::answer)"
        );
    }
    assert_eq!(server.counts(), (1, 0, 0));
    let challenge = challenge(client.sign_in().await.unwrap());
    assert_eq!(
        (
            &*challenge.mfa_type,
            &*challenge.mfa_vendor,
            challenge.identity
        ),
        ("authenticator", "google", MfaIdentity::Subscriber)
    );
    assert_eq!(server.counts(), (2, 0, 0));

    for wrong in ["", "12345", "1234567", "12345a", "１２３４５６", " 23456"] {
        let error = client.answer(challenge.clone(), wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert_eq!(error.to_string(), "a passcode has six digits");
    }
    assert_eq!(server.scripted.seen().len(), 2, "nothing was sent");

    server.pbx().password = Mood::Refuses;
    client
        .answer(challenge.clone(), "000000")
        .await
        .unwrap_err();
    let error = ask(&client).await.unwrap_err();
    assert!(error.to_string().contains("second step"), "{error}");
    server.pbx().password = Mood::Gives;
    let SignedIn::Done(token) = client.answer(challenge, "123456").await.unwrap() else {
        panic!("the passcode was right");
    };
    assert_eq!(token.scope, "Basic User");
    ask(&client).await.unwrap();
    let seen = server.scripted.seen();
    assert_eq!(
        seen[3].body,
        r#"{"grant_type":"mfa","client_id":"acme.app","client_secret":"client-s3cret-1","username":"200@example.test","password":"s3cret","mfa_type":"authenticator","mfa_vendor":"google","ns_id_type":"subscriber","passcode":"123456","access_token":"pending-1"}"#
    );
    assert_eq!(seen.len(), 5);
}

fn challenge(signed_in: SignedIn) -> MfaChallenge {
    match signed_in {
        SignedIn::SecondStep(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_json_web_token_shows_a_second_step_by_its_scope() {
    let pending = jwt(r#"{"user_scope":"mfa_required","mfa_vendor":"acme"}"#);
    let token = jwt(&claims(1));
    let (pending_answer, answer) = (pending.clone(), token.clone());
    let server = Scripted::start(move |seen| {
        let token = match seen.path.as_str() {
            "/ns-api/v2/jwt" if seen.body.contains("passcode") => &answer,
            "/ns-api/v2/jwt" => &pending_answer,
            _ => return Reply::ok("{}"),
        };
        Reply::ok(format!(r#"{{"token":"{token}"}}"#))
    })
    .await;
    let client = builder(&server).brings(Brings::Jwt).build().unwrap();
    let mut challenge = challenge(client.sign_in().await.unwrap());
    assert_eq!(challenge.mfa_type, "authenticator", "where it is not told");
    assert_eq!(challenge.mfa_vendor, "acme");
    challenge.identity = MfaIdentity::Level1;
    client.answer(challenge, "123456").await.unwrap();
    ask(&client).await.unwrap();
    let seen = server.seen();
    assert!(seen[1].body.contains(r#""ns_id_type":"level1""#));
    assert!(
        seen[1]
            .body
            .contains(&format!(r#""access_token":"{pending}""#))
    );
    assert_eq!(bearer(&seen[2]), format!("Bearer {token}"));
}

#[tokio::test]
async fn a_key_is_presented_as_it_is_and_never_renewed() {
    let server = Scripted::start(|seen| match seen.path.as_str() {
        "/ns-api/v2/ask" => Reply::status(401, "", super::EXPIRED),
        _ => Reply::ok(r#"{"key-id":"nsd_abcdefgh","readonly":"no","user-scope":"Domain"}"#),
    })
    .await;
    let client = Client::builder()
        .base_url(&server.url)
        .credentials(Credentials::ApiKey(ApiKey::new("nsd_abcdefgh-s3cret")))
        .domain("example.test")
        .user("200")
        .build()
        .unwrap();
    let error = ask(&client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(matches!(
        client.sign_in().await.unwrap(),
        SignedIn::NotNeeded
    ));
    assert!(client.token().is_none());
    let known = client.api_key_info().await.unwrap();
    assert_eq!(known.key_id.0, "nsd_abcdefgh");
    assert_eq!(
        paths(&server),
        ["GET /ns-api/v2/ask", "GET /ns-api/v2/apikeys/~"]
    );
    for seen in server.seen() {
        assert_eq!(bearer(&seen), "Bearer nsd_abcdefgh-s3cret");
    }
}

#[test]
fn the_first_letters_of_a_key_tell_how_far_it_reaches() {
    for (key, level) in [
        ("nss_12345678rest", Some(ApiKeyLevel::System)),
        ("nsr_12345678rest", Some(ApiKeyLevel::Reseller)),
        ("nsd_12345678rest", Some(ApiKeyLevel::Domain)),
        ("nsd-123dsa23", Some(ApiKeyLevel::Domain)),
        ("nsx_1", None),
        ("nsd1", None),
        ("", None),
    ] {
        assert_eq!(ApiKey::new(key).level(), level, "{key}");
    }
}

#[tokio::test]
async fn a_ready_json_web_token_is_presented_until_it_ends() {
    let server = Scripted::start(|seen| match seen.method.as_str() {
        "GET" => Reply::ok(claims(7)),
        _ => Reply::status(202, "", r#"{"code":202,"message":"Accepted"}"#),
    })
    .await;
    let client = Client::builder()
        .base_url(&server.url)
        .credentials(Credentials::Jwt(jwt(&claims(7)).into()))
        .build()
        .unwrap();
    let SignedIn::Done(token) = client.sign_in().await.unwrap() else {
        panic!("there is no second step");
    };
    assert_eq!(
        token.expires_at.as_millis(),
        1_000_600_000,
        "by its own word"
    );
    assert_eq!(
        client.jwt_claims().await.unwrap().jti.0,
        format!("{:040x}", 7)
    );
    client.revoke_jwt_of("201@example.test").await.unwrap();
    client.revoke_jwt().await.unwrap();
    assert_eq!(
        paths(&server),
        [
            "GET /ns-api/v2/jwt",
            "DELETE /ns-api/v2/jwt/201%40example.test",
            "DELETE /ns-api/v2/jwt",
        ]
    );
}

#[tokio::test]
async fn a_revoked_token_is_not_presented_again() {
    let server = Server::start().await;
    let client = server.client(&TestClock::new());
    ask(&client).await.unwrap();
    client.revoke_jwt().await.unwrap();
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (2, 0, 2));
}

#[tokio::test]
async fn a_key_gets_a_token_for_a_user() {
    let token = jwt(&claims(1));
    let answer = format!(r#"{{"token":"{token}"}}"#);
    let server = Scripted::answering(&[&answer, "{}"]).await;
    let keyed = Client::builder()
        .base_url(&server.url)
        .credentials(Credentials::ApiKey("nsr_abcdefgh-s3cret".into()))
        .domain("example.test")
        .user("200")
        .build()
        .unwrap();
    let delegated = keyed.delegate("example.test", "200").await.unwrap();
    assert_eq!(delegated.scope, "Office Manager");
    assert_eq!(delegated.api_url, server.url);
    let user = Client::builder()
        .base_url(&server.url)
        .credentials(Credentials::Jwt(delegated.access_token.clone()))
        .build()
        .unwrap();
    ask(&user).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].path, "/ns-api/v2/jwt");
    assert_eq!(seen[0].body, r#"{"user":"200","domain":"example.test"}"#);
    assert_eq!(bearer(&seen[0]), "Bearer nsr_abcdefgh-s3cret");
    assert_eq!(bearer(&seen[1]), format!("Bearer {token}"));
}

#[tokio::test]
async fn the_version_is_told_to_everybody() {
    let version =
        r#"{"apiversion":"Version: 45.0","hostname":"core1","current-time":"2026-01-02 03:04:05"}"#;
    let server = Scripted::answering(&[version]).await;
    let client = builder(&server).build().unwrap();
    let told = client.version().await.unwrap();
    assert_eq!(told.apiversion.0, "Version: 45.0");
    assert_eq!(paths(&server), ["GET /ns-api/v2/version"]);
    assert_eq!(bearer(&server.seen()[0]), "");
}

#[tokio::test]
async fn a_client_for_another_user_shares_the_sign_in() {
    let server = Server::start().await;
    let client = server.client(&TestClock::new());
    let other = client.act_for("other.test", "300");
    ask(&other).await.unwrap();
    ask(&client).await.unwrap();
    assert_eq!(server.counts(), (1, 0, 2));
    let shown = format!("{other:?}");
    assert!(
        shown.contains("other.test") && shown.contains("300"),
        "{shown}"
    );
}
