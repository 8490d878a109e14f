//! The NetSapiens API as a server: what it answers to every call of the vendor's clients, and what it
//! says to every call that is wrong. The backend is the one in `desk.rs`; only `golden.rs` listens on
//! a port.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

mod desk;
mod fields;
mod golden;
mod hostile;
mod jwt;
mod lists;
mod media;
mod places;
mod refusals;
mod secrecy;
mod sends;
mod subscriptions;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::Value;
use tidings::Account;
use tidings::netsapiens::server::{self, ServerOptions};
use tidings::serve::Serving;
use tower::ServiceExt;

use desk::Desk;

pub(crate) const API: &str = "/ns-api/v2";
pub(crate) const MINE: &str = "/ns-api/v2/domains/~/users/~";

/// The API with its defaults.
pub(crate) fn serve(desk: &Arc<Desk>) -> Router {
    serve_as(desk, &[])
}

/// The API with these settings.
pub(crate) fn serve_as(desk: &Arc<Desk>, settings: &[(&str, &str)]) -> Router {
    let mut options = options(settings);
    options.clock = Arc::new(Stopped);
    let backend = Arc::clone(desk);
    let serving = Serving::seeded(1).max_body_bytes(server::MAX_BODY_BYTES);
    server::router_with(backend, options, serving).unwrap()
}

pub(crate) fn options(settings: &[(&str, &str)]) -> ServerOptions {
    let account = settings
        .iter()
        .fold(Account::new("pbx"), |account, (name, value)| {
            account.with(*name, (*value).to_owned())
        });
    ServerOptions::of(&account).unwrap()
}

/// A clock that stands still.
#[derive(Debug)]
struct Stopped;

impl tidings::Clock for Stopped {
    fn now(&self) -> tidings::Timestamp {
        desk::at()
    }
}

/// A call with the token of the golden exchanges.
pub(crate) fn call(method: &str, path: &str, body: &Value) -> Request<Body> {
    call_as(desk::TOKEN, method, path, body)
}

/// A call with a bearer value.
pub(crate) fn call_as(bearer: &str, method: &str, path: &str, body: &Value) -> Request<Body> {
    let bearer = format!("Bearer {bearer}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    request(method, path, &headers, body)
}

pub(crate) fn get(path: &str) -> Request<Body> {
    call("GET", path, &Value::Null)
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("host", "core1.example.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The document of a 200.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.json());
        self.json()
    }
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let answer = read(router.clone().oneshot(request).await.unwrap()).await;
    assert!(answer.headers.contains_key("x-request-id"));
    assert!(answer.headers.contains_key("content-type"), "{answer:?}");
    answer
}

pub(crate) async fn read(response: Response<Body>) -> Answer {
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        body: body.to_vec(),
    }
}

/// A sentence with its status, in the vendor's shape.
#[track_caller]
pub(crate) fn assert_said(answer: &Answer, status: u16, message: &str) {
    let said = answer.json();
    assert_eq!(answer.status.as_u16(), status, "{said}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = serde_json::json!({"code": status, "message": message});
    assert_eq!(said, expected);
}

#[track_caller]
pub(crate) fn assert_accepted(answer: &Answer) {
    assert_said(answer, 202, "Accepted");
}
