//! Tests of the HTTP API on a gateway in memory, without a socket.

mod batches;
mod document;
mod following;
mod messages;
mod privacy;
mod problems;
mod tour;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::{Router, body};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use tidings::routing::Routes;
use tidings_store::AccountId;
use tower::ServiceExt as _;

use super::router;
use crate::access::{Acting, NATIVE, NewKeyRequest, Scope, Scopes, create};
use crate::config::Config;
use crate::trial::{LANE, Trial};

/// A number that exists.
pub(super) const TO: &str = "+4790000001";

/// A gateway in memory with its router, an operator's key of account `a` and a plain key of account `b`.
pub(super) struct Doors {
    pub(super) trial: Trial,
    pub(super) router: Router,
    pub(super) operator: String,
    pub(super) other: String,
    /// Which operations were called and answered.
    called: Mutex<BTreeSet<(String, String)>>,
}

/// What was answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The lines of a body of JSON lines.
    #[track_caller]
    pub(super) fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// It is this problem.
    #[track_caller]
    pub(super) fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("/docs/errors#{code}"));
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        problem
    }

    #[track_caller]
    pub(super) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}

impl Doors {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        let takes_all = |spec: &tidings::ProviderSpec| {
            spec.capabilities.calling_codes.is_empty() && spec.capabilities.sender_optional
        };
        let trial = Trial::new(takes_all, |config, _| {
            config.routes = Routes::failover([LANE]);
            configure(config);
        });
        let trial = trial.await;
        let operator = key(&trial, "a", Scopes::EVERYTHING).await;
        let other = key(&trial, "b", Scopes::ACCOUNT).await;
        Self {
            router: router(trial.gateway.clone()),
            trial,
            operator,
            other,
            called: Mutex::default(),
        }
    }

    /// A further key of account `a`.
    pub(super) async fn key(&self, scopes: impl IntoIterator<Item = Scope>) -> String {
        key(&self.trial, "a", Scopes::of(scopes)).await
    }

    /// Calls with the operator's key.
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], Vec::new()).await
    }

    /// Calls with the operator's key.
    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, body).await
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let json = [("content-type", "application/json")];
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        self.call(method, path, &json, body).await
    }

    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut all = vec![("authorization", "")];
        let bearer = format!("Bearer {}", self.operator);
        all[0].1 = &bearer;
        all.extend(headers);
        self.call_as(method, path, &all, body).await
    }

    /// Calls with these headers alone.
    pub(super) async fn call_as(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let response = self.response(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes = body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    pub(super) async fn response(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Response {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 4_000))));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let path = path.split('?').next().unwrap_or_default();
        if response.status().is_success() {
            let mut called = self.called.lock().unwrap();
            called.insert((method.to_lowercase(), path.to_owned()));
        }
        response
    }

    /// Sends one message and gives its id.
    #[track_caller]
    pub(super) fn sent(answer: &Answer) -> String {
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// A message to somebody.
    pub(super) fn message(text: &str) -> Value {
        json!({"to": TO, "text": text})
    }
}

async fn key(trial: &Trial, account: &str, scopes: Scopes) -> String {
    let request = NewKeyRequest {
        scopes,
        ..NewKeyRequest::new(AccountId::from(account), NATIVE)
    };
    let gateway = &trial.gateway;
    let created = create(gateway.store(), request, &Acting::command(), gateway.now()).await;
    created.unwrap().value("api_key").unwrap().to_owned()
}

/// The header of a key.
pub(super) fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

pub(super) const JSON: (&str, &str) = ("content-type", "application/json");
