//! `/_sim/`: what tests and people may ask the simulator itself, beside the provider's API.
//!
//! | call | answer |
//! |---|---|
//! | `GET /_sim/messages` | one JSON line per text that reaches a phone, in the order of arrival: `to`, `from`, `text`, `at`, `reference`, `provider_id`, `state` and more ([`SimMessage`](crate::SimMessage)) |
//! | `GET /_sim/stats` | [`Stats`](crate::Stats) as JSON |
//! | `POST /_sim/scenario` | takes a scenario as TOML and replaces the present one |
//!
//! Called by `call` before faults and the router; who may ask is decided there.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::answer::as_json;
use super::call::read;
use crate::scenario::Scenario;
use crate::world::World;

/// What all control paths begin with.
pub(super) const PREFIX: &str = "/_sim/";

/// How many messages are copied out of the world at a time.
const LINES_AT_ONCE: usize = 1_000;

/// Answers a control call.
pub(super) async fn answer(world: &World, request: Request) -> Response {
    let path = request
        .uri()
        .path()
        .strip_prefix(PREFIX)
        .unwrap_or_default();
    match (path, request.method()) {
        ("messages", &Method::GET) => messages(world.clone()),
        ("stats", &Method::GET) => {
            let stats = serde_json::to_vec(&world.stats());
            let stats = stats.expect("numbers and ids under text keys are JSON");
            as_json(StatusCode::OK, stats)
        }
        ("scenario", &Method::POST) => scenario(world, request).await,
        ("messages" | "stats" | "scenario", _) => {
            fault(StatusCode::METHOD_NOT_ALLOWED, "another method is expected")
        }
        _ => fault(
            StatusCode::NOT_FOUND,
            "expected GET messages, GET stats or POST scenario",
        ),
    }
}

fn messages(world: World) -> Response {
    let lines = stream::unfold((world, 0), |(world, from)| async move {
        let (page, next) = world.reaching_phones(from, LINES_AT_ONCE)?;
        let mut lines = Vec::new();
        for message in page {
            serde_json::to_writer(&mut lines, &message).ok()?;
            lines.push(b'\n');
        }
        Some((
            Ok::<_, std::convert::Infallible>(Bytes::from(lines)),
            (world, next),
        ))
    });
    let mut answer = Response::new(Body::from_stream(lines));
    let lines = HeaderValue::from_static("application/x-ndjson");
    answer.headers_mut().insert(header::CONTENT_TYPE, lines);
    answer
}

async fn scenario(world: &World, request: Request) -> Response {
    let body = match read(request.into_body()).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let read = std::str::from_utf8(&body)
        .map_err(|_| "the scenario is not UTF-8".to_owned())
        .and_then(|text| Scenario::from_toml(text).map_err(|error| error.to_string()));
    match read {
        Ok(scenario) => {
            let taken = json!({"faults": scenario.n_faults(), "failing": scenario.n_failing()});
            world.set_scenario(scenario);
            as_json(StatusCode::OK, taken.to_string())
        }
        Err(error) => fault(StatusCode::BAD_REQUEST, &error),
    }
}

fn fault(status: StatusCode, error: &str) -> Response {
    as_json(status, json!({ "error": error }).to_string())
}
