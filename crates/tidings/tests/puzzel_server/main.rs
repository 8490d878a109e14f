//! Puzzel's API as a server: what it answers to every call of the vendor's clients, and what it says
//! to every call that is wrong. The backend is the one in `desk.rs`; only `golden.rs` listens on a
//! port, because it sends bytes.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

mod calls;
mod desk;
mod fields;
mod forms;
mod golden;
mod hostile;
mod management;
mod negotiation;
mod paths;
mod refusals;
mod secrecy;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use serde_json::{Value, json};
use tidings::puzzel::Dialect;
use tidings::puzzel::server::{self, ServerOptions};
use tidings::serve::Serving;
use tower::ServiceExt;

use desk::Desk;

pub(crate) const SEND: &str = "/gw/rs/sendMessages";

/// The API in the dialect of the vendor's present client.
pub(crate) fn serve(desk: &Arc<Desk>) -> Router {
    serve_as(desk, ServerOptions::new(Dialect::V3))
}

pub(crate) fn serve_as(desk: &Arc<Desk>, options: ServerOptions) -> Router {
    let backend = Arc::clone(desk);
    server::router_with(backend, options, Serving::seeded(1))
}

/// A call that sends one message with these members besides its text and its recipient.
pub(crate) fn call_with(members: &Value) -> Value {
    let mut message = json!({"recipient": "+4741000001", "content": "Hei"});
    let Value::Object(fields) = &mut message else {
        unreachable!("it is written as an object")
    };
    fields.extend(members.as_object().unwrap().clone());
    call_of(json!([message]))
}

/// A call that sends these messages.
pub(crate) fn call_of(messages: impl Into<Value>) -> Value {
    json!({
        "serviceId": 1000,
        "username": desk::USERNAME,
        "password": desk::PASSWORD,
        "message": messages.into(),
    })
}

pub(crate) fn post(body: &Value) -> Request<Body> {
    request(
        "POST",
        SEND,
        &[("content-type", "application/json")],
        body.to_string(),
    )
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
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
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The statuses of the messages: code, sentence.
    pub(crate) fn statuses(&self) -> Vec<(i64, String)> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        let answer = self.json();
        let statuses = answer["messageStatus"].as_array().unwrap();
        let read = |status: &Value| {
            let code = status["statusCode"].as_i64().unwrap();
            (code, status["statusMessage"].as_str().unwrap().to_owned())
        };
        statuses.iter().map(read).collect()
    }
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let is_head = request.method() == "HEAD";
    let answer = read(router.clone().oneshot(request).await.unwrap()).await;
    assert!(answer.headers.contains_key("x-request-id"));
    assert!(answer.headers.contains_key("content-type"), "{answer:?}");
    assert_eq!(answer.body.is_empty(), is_head, "{answer:?}");
    answer
}

pub(crate) async fn read(response: Response<Body>) -> Answer {
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// A problem document with this status, and with this sentence among its errors or as its detail.
#[track_caller]
pub(crate) fn assert_problem(answer: &Answer, status: u16, sentence: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert!(problem["type"].is_string() && problem["title"].is_string());
    let said = match problem["errors"].as_object() {
        Some(errors) => {
            let (name, sentences) = errors.iter().next().unwrap();
            let said = sentences[0].as_str().unwrap();
            assert!(
                said.starts_with(name.as_str()),
                "{said} does not name {name}"
            );
            said
        }
        None => problem["detail"].as_str().unwrap(),
    };
    assert_eq!(said, sentence);
}
