//! `/_sim/`: what tests and people may ask the simulator itself, beside the provider's API.
//!
//! | call | answer |
//! |---|---|
//! | `GET /_sim/messages` | one JSON line per text that reaches a phone, in the order of arrival: `to`, `from`, `text`, `at`, `reference`, `provider_id`, `state` and more ([`SimMessage`](crate::SimMessage)) |
//! | `GET /_sim/stats` | [`Stats`](crate::Stats) as JSON |
//! | `GET /_sim/inbound` | one JSON line per text from a phone, in the order of arrival: `id`, `from`, `to`, `text`, `at`, `session` |
//! | `POST /_sim/inbound` | a phone sends a text: `{"from":"+4790000001","text":"STOP"}`, with `to` or `session` where it is no answer to the latest text to that phone; answers with its line |
//! | `POST /_sim/release` | lets go what is on hold; answers with how many messages that were |
//! | `POST /_sim/expire-tokens` | ends all access tokens; with `{"refresh":true}` the refresh tokens too |
//! | `POST /_sim/revoke-tokens` | ends all tokens, so that everybody has to sign in again |
//! | `POST /_sim/post-events` | makes a round of posts to those who subscribe, now; answers with how many were made and how many were not taken |
//! | `POST /_sim/scenario` | takes a scenario as TOML and replaces the present one |
//!
//! Called by `call` before faults and the router; who may ask is decided there.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tidings::backend::Refusal;
use tidings_core::{E164, InboundMessage};

use super::answer::as_json;
use super::call::read;
use super::subscriptions::Poster;
use crate::error::SimError;
use crate::scenario::Scenario;
use crate::world::{PhoneText, World};

/// What all control paths begin with.
pub(super) const PREFIX: &str = "/_sim/";

/// How many messages are copied out of the world at a time.
const LINES_AT_ONCE: usize = 1_000;

/// Answers a control call.
pub(super) async fn answer(world: &World, poster: Option<&Poster>, request: Request) -> Response {
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
        ("inbound", &Method::GET) => {
            let lines = world.inbound().iter().map(line).collect::<Vec<_>>();
            json_lines(Body::from(lines.concat()))
        }
        ("inbound", &Method::POST) => inbound(world, request).await,
        ("release", &Method::POST) => match world.release().await {
            Ok(released) => as_json(StatusCode::OK, json!({ "released": released }).to_string()),
            Err(refusal) => fault(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_string()),
        },
        ("scenario", &Method::POST) => scenario(world, request).await,
        ("expire-tokens", &Method::POST) => expire_tokens(world, request).await,
        ("revoke-tokens", &Method::POST) => end_tokens(world, true).await,
        ("post-events", &Method::POST) => post_events(poster).await,
        (
            "messages" | "stats" | "inbound" | "release" | "scenario" | "expire-tokens"
            | "revoke-tokens" | "post-events",
            _,
        ) => fault(StatusCode::METHOD_NOT_ALLOWED, "another method is expected"),
        _ => fault(
            StatusCode::NOT_FOUND,
            "expected GET messages, GET stats, GET or POST inbound, POST release, POST scenario, \
             POST expire-tokens, POST revoke-tokens or POST post-events",
        ),
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExpireForm {
    refresh: bool,
}

async fn expire_tokens(world: &World, request: Request) -> Response {
    let body = match read(request.into_body()).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let form = if body.trim_ascii().is_empty() {
        Ok(ExpireForm::default())
    } else {
        serde_json::from_slice(&body)
    };
    match form {
        Ok(ExpireForm { refresh }) => end_tokens(world, refresh).await,
        Err(error) => fault(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

async fn end_tokens(world: &World, refresh: bool) -> Response {
    match world.end_tokens(refresh).await {
        Ok(()) => as_json(StatusCode::OK, json!({ "refresh": refresh }).to_string()),
        Err(refusal) => fault(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_string()),
    }
}

async fn post_events(poster: Option<&Poster>) -> Response {
    let Some(poster) = poster else {
        return fault(
            StatusCode::NOT_FOUND,
            "customers of this provider do not subscribe",
        );
    };
    let round = poster.round().await;
    let counted = json!({ "posted": round.posted, "failed": round.failed });
    as_json(StatusCode::OK, counted.to_string())
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
    json_lines(Body::from_stream(lines))
}

fn json_lines(body: Body) -> Response {
    let mut answer = Response::new(body);
    let lines = HeaderValue::from_static("application/x-ndjson");
    answer.headers_mut().insert(header::CONTENT_TYPE, lines);
    answer
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundForm {
    from: String,
    to: Option<String>,
    text: String,
    session: Option<String>,
}

async fn inbound(world: &World, request: Request) -> Response {
    let body = match read(request.into_body()).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let form: InboundForm = match serde_json::from_slice(&body) {
        Ok(form) => form,
        Err(error) => return fault(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Ok(from) = form.from.parse::<E164>() else {
        let expected = "from: expected a phone number with + and country code";
        return fault(StatusCode::BAD_REQUEST, expected);
    };
    let text = PhoneText::new(from, form.text)
        .to(form.to)
        .session(form.session);
    match world.receive(text).await {
        Ok(received) => as_json(StatusCode::OK, line(&received)),
        Err(Refusal::NotFound { what }) => {
            fault(StatusCode::NOT_FOUND, &format!("there is no such {what}"))
        }
        Err(refusal) => fault(StatusCode::SERVICE_UNAVAILABLE, &refusal.to_string()),
    }
}

/// A text from a phone as one line of JSON.
fn line(text: &InboundMessage) -> String {
    let shown = json!({
        "id": text.id,
        "from": text.from,
        "to": text.to,
        "text": text.text,
        "at": text.received_at,
        "session": text.session,
    });
    format!("{shown}\n")
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
            match world.set_scenario(scenario) {
                Ok(()) => as_json(StatusCode::OK, taken.to_string()),
                Err(SimError::Account { source }) => {
                    fault(StatusCode::BAD_REQUEST, &source.to_string())
                }
                Err(error) => fault(StatusCode::BAD_REQUEST, &error.to_string()),
            }
        }
        Err(error) => fault(StatusCode::BAD_REQUEST, &error),
    }
}

fn fault(status: StatusCode, error: &str) -> Response {
    as_json(status, json!({ "error": error }).to_string())
}
