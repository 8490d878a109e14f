//! Over real connections: faults on what users do, tokens that end on command, and the door that is
//! shut after too many calls.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tidings_sim::Simulator;

use super::builder;
use crate::harness::{Heard, Reply, TestClock, exchange, presented};

struct Office {
    sim: Simulator,
}

impl Office {
    async fn open(scenario: &str) -> Self {
        Self {
            sim: builder(scenario).start().await.unwrap(),
        }
    }

    async fn call(&self, method: &str, path: &str, token: &str, body: &Value) -> Heard {
        call(self.sim.address(), method, path, token, &body.to_string()).await
    }

    async fn sign_in(&self) -> Heard {
        let presented = presented(self.sim.world());
        let settings = ["client_id", "client_secret", "username", "password"];
        let body = settings.map(|name| (name, presented.value(name).unwrap()));
        let body: std::collections::HashMap<_, _> = body.into_iter().collect();
        self.call("POST", "/token", "", &json!(body)).await
    }

    async fn token(&self) -> (String, String) {
        let token = self.sign_in().await.reply().json();
        let word = |name: &str| token[name].as_str().unwrap().to_owned();
        (word("access"), word("refresh"))
    }

    async fn send(&self, token: &str) -> Heard {
        let from = self.sim.world().from_number().unwrap();
        let body = json!({"text": "hello", "from": from.as_str()});
        self.call("POST", "/talks/talk", token, &body).await
    }

    async fn read(&self, token: &str) -> Reply {
        self.call("GET", "/talks/talk", token, &Value::Null)
            .await
            .reply()
    }
}

async fn call(address: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> Heard {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    exchange(address, &request).await
}

#[tokio::test]
async fn every_fault_acts_on_what_users_do() {
    let office = Office::open("").await;
    let (token, _) = office.token().await;
    let set = |fault: &str| {
        let text = format!("[[fault]]\n{fault}");
        let scenario = crate::harness::scenario(&text);
        office.sim.set_scenario(scenario).unwrap();
    };
    let n_taken = || office.sim.world().messages().len();
    for (fault, taken) in [
        ("call = \"submit\"\ndrop = { when = \"before\" }", 0),
        ("call = \"submit\"\ndrop = { when = \"after\" }", 1),
        (
            "call = \"submit\"\nto = \"+15550105678\"\ndrop = { when = \"after\", reset = true }",
            1,
        ),
    ] {
        set(fault);
        let before = n_taken();
        assert!(office.send(&token).await.bytes.is_empty(), "{fault}");
        assert_eq!(n_taken(), before + taken, "{fault}");
    }
    set("no_credit = true");
    assert_eq!(office.send(&token).await.reply().status, 402);
    set("unknown_status = { word = \"parked\" }");
    assert_eq!(office.read(&token).await.json()[0]["status"], "parked");
    set("call = \"sign_in\"\nrefuse = { status = 503 }");
    assert_eq!(office.sign_in().await.reply().status, 503);
    assert_eq!(office.send(&token).await.reply().status, 200);
    set("call = \"subscribe\"\nempty_body = true");
    let body = json!({"events": "texts", "url": "http://127.0.0.1:9/"});
    let reply = office
        .call("POST", "/subscriptions", &token, &body)
        .await
        .reply();
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    let stats = office.sim.world().stats();
    assert_eq!(stats.operations[&tidings_sim::Operation::SignIn], 2);
}

#[tokio::test]
async fn a_lost_answer_to_a_renewal_has_used_the_token_up() {
    let office =
        Office::open("[[fault]]\ncall = \"refresh_token\"\nfirst = 1\ndrop = { when = \"after\" }")
            .await;
    let (_, refresh) = office.token().await;
    let renew = async || {
        let body = json!({"refresh": refresh});
        office.call("POST", "/token", "", &body).await
    };
    assert!(renew().await.bytes.is_empty());
    assert_eq!(renew().await.reply().status, 401);
    let tokens = office.sim.world().stats().tokens;
    assert_eq!((tokens.by_refresh, tokens.refused_refreshes), (1, 1));
}

#[tokio::test]
async fn tokens_end_on_command() {
    let office = Office::open("").await;
    let (token, refresh) = office.token().await;
    let control = async |path: &str, body: Value| {
        let reply = office.call("POST", path, "", &body).await.reply();
        (reply.status, reply.json())
    };
    assert_eq!(office.read(&token).await.status, 200);
    let ended = control("/_sim/expire-tokens", json!({})).await;
    assert_eq!(ended, (200, json!({"refresh": false})));
    assert_eq!(office.read(&token).await.status, 401);
    let body = json!({"refresh": refresh});
    let renewed = office
        .call("POST", "/token", "", &body)
        .await
        .reply()
        .json();
    let (token, refresh) = (renewed["access"].as_str(), renewed["refresh"].as_str());
    assert_eq!(office.read(token.unwrap()).await.status, 200);
    for (path, body) in [
        ("/_sim/expire-tokens", json!({"refresh": true})),
        ("/_sim/revoke-tokens", json!({})),
    ] {
        assert_eq!(control(path, body).await, (200, json!({"refresh": true})));
    }
    assert_eq!(office.read(token.unwrap()).await.status, 401);
    let body = json!({"refresh": refresh});
    let refused = office.call("POST", "/token", "", &body).await.reply();
    assert_eq!(refused.status, 401);
    let (status, fault) = control("/_sim/expire-tokens", json!({"all": true})).await;
    assert_eq!(status, 400, "{fault}");
    let stats = call(office.sim.address(), "GET", "/_sim/stats", "", "")
        .await
        .reply()
        .json();
    assert_eq!(stats["tokens"]["by_refresh"], 1);
    assert_eq!(stats["tokens"]["refused_refreshes"], 1);
}

#[tokio::test]
async fn what_is_made_with_a_token_ends_with_it() {
    let clock = TestClock::new();
    let sim = builder("").clock(Arc::<TestClock>::clone(&clock));
    let office = Office {
        sim: sim.start().await.unwrap(),
    };
    let (token, _) = office.token().await;
    clock.advance(60_000);
    let body = json!({"events": "texts", "url": "http://127.0.0.1:9/"});
    let made = office
        .call("POST", "/subscriptions", &token, &body)
        .await
        .reply()
        .json();
    assert_eq!(made["ends"], "2026-11-21T13:00:00Z");
}

#[tokio::test]
async fn too_many_calls_shut_the_door_for_everything() {
    let clock = TestClock::new();
    let scenario = "[limits]\ncalls_per_s = 3\nblock_for_s = 5";
    let sim = builder(scenario).clock(Arc::<TestClock>::clone(&clock));
    let office = Office {
        sim: sim.start().await.unwrap(),
    };
    let (token, _) = office.token().await;
    for expected in [200, 200, 403, 403] {
        assert_eq!(office.read(&token).await.status, expected);
    }
    let blocked = office.sign_in().await.reply();
    assert_eq!(
        (blocked.status, blocked.header("content-type")),
        (403, Some("text/html"))
    );
    clock.advance(4_999);
    // It would have opened in a millisecond; this call keeps it shut for another five seconds.
    assert_eq!(office.read(&token).await.status, 403);
    clock.advance(4_999);
    let stats = call(office.sim.address(), "GET", "/_sim/stats", "", "")
        .await
        .reply()
        .json();
    assert_eq!(stats["faults"]["blocked"], 4);
    clock.advance(1);
    assert_eq!(office.read(&token).await.status, 200);
}
