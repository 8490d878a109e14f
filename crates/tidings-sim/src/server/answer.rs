//! What a fault makes of an answer: another status, another body, slowly, or none at all.
//!
//! Called by `call` once per call that a fault hits. Whether the call was carried out before is
//! decided there.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use serde_json::json;

use super::call::Dropped;
use crate::scenario::{Action, DropWhen};

/// Applies an action to an answer.
pub(super) async fn spoil(answer: Response, action: &Action) -> Result<Response, Dropped> {
    match action {
        Action::Refuse { status, code, body } => {
            Ok(refusal(*status, code.as_deref(), body.as_deref()))
        }
        Action::RateLimit { retry_after_s } => {
            let mut answer = refusal(StatusCode::TOO_MANY_REQUESTS, None, None);
            if let Some(seconds) = *retry_after_s {
                let seconds = HeaderValue::from(seconds);
                answer.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            Ok(answer)
        }
        Action::Drop { when, .. } => match when {
            DropWhen::Before | DropWhen::After => Err(Dropped),
            DropWhen::MidAnswer => Ok(broken_off(answer).await),
        },
        Action::Slow { bytes, pause } => Ok(slowly(answer, *bytes, *pause).await),
        Action::BrokenJson => {
            let (head, body) = whole(answer).await;
            Ok(Response::from_parts(
                head,
                Body::from(without_its_end(&body)),
            ))
        }
        Action::WrongContentType(content_type) => {
            let mut answer = answer;
            let headers = answer.headers_mut();
            headers.insert(header::CONTENT_TYPE, content_type.clone());
            Ok(answer)
        }
        Action::EmptyBody => {
            let (head, _) = whole(answer).await;
            Ok(Response::from_parts(head, Body::empty()))
        }
        Action::FailureIn200 { body } => Ok(as_json(StatusCode::OK, body.clone())),
        // The caller has to wait, or the world has had its word already: not a byte is changed.
        Action::Late(_) | Action::UnknownStatus { .. } | Action::NoCredit => Ok(answer),
    }
}

/// Keeps the caller waiting, where the action is that.
pub(super) async fn wait(action: &Action) {
    if let Action::Late(wait) = action {
        tokio::time::sleep(*wait).await;
    }
}

/// An answer without a content type.
pub(super) fn plain(status: StatusCode, body: Body) -> Response {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
}

/// An answer with a JSON body.
pub(super) fn as_json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut answer = plain(status, body.into());
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

fn refusal(status: StatusCode, code: Option<&str>, body: Option<&str>) -> Response {
    if let Some(body) = body {
        return as_json(status, body.to_owned());
    }
    let reason = status.canonical_reason().unwrap_or("refused");
    let mut shape = json!({"status": "error", "success": false, "message": reason});
    if let (Some(code), Some(fields)) = (code, shape.as_object_mut()) {
        fields.insert("code".to_owned(), code.into());
    }
    as_json(status, shape.to_string())
}

/// The head and the whole body; the length is left to the body that will be put in its place.
async fn whole(answer: Response) -> (http::response::Parts, Bytes) {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    let body = body.collect().await;
    // A body of the router's own making fails only where the router failed.
    (head, body.map(Collected::to_bytes).unwrap_or_default())
}

/// The first half of a document, which no reader can take for a whole one.
fn without_its_end(body: &Bytes) -> Bytes {
    if body.len() >= 2 && (body.starts_with(b"{") || body.starts_with(b"[")) {
        body.slice(..body.len() / 2)
    } else {
        Bytes::from_static(b"{\"")
    }
}

/// Promises the whole length, gives half of it and ends the connection.
async fn broken_off(answer: Response) -> Response {
    let (mut head, body) = whole(answer).await;
    // Something has to be missing, even of an empty answer.
    let promised = HeaderValue::from(body.len().max(2));
    head.headers.insert(header::CONTENT_LENGTH, promised);
    let half = body.slice(..body.len() / 2);
    let pieces = stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // Pending once: the server flushes what it has before it learns of the end.
        tokio::task::yield_now().await;
        Some((Err(Dropped), None))
    });
    Response::from_parts(head, Body::from_stream(pieces))
}

async fn slowly(answer: Response, bytes: usize, pause: Duration) -> Response {
    let (mut head, body) = whole(answer).await;
    let length = HeaderValue::from(body.len());
    head.headers.insert(header::CONTENT_LENGTH, length);
    let pieces = stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = rest.split_to(bytes.min(rest.len()));
        Some((Ok::<_, Dropped>(piece), rest))
    });
    Response::from_parts(head, Body::from_stream(pieces))
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    fn answer() -> Response {
        as_json(StatusCode::OK, "{\"a\":1}")
    }

    // The clock of these tests stands still until nothing else is left to do, so that seconds cost
    // nothing and nothing depends on the machine.

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_comes_when_its_time_has_come() {
        let late = Action::Late(Duration::from_secs(10));
        let early = timeout(Duration::from_millis(9_999), wait(&late)).await;
        assert!(early.is_err());
        let in_time = timeout(Duration::from_millis(10_001), wait(&late)).await;
        assert!(in_time.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_takes_its_time_for_every_byte() {
        let slow = Action::Slow {
            bytes: 1,
            pause: Duration::from_secs(1),
        };
        let read_whole = async |within: u64| {
            let spoilt = spoil(answer(), &slow).await.unwrap();
            let body = timeout(Duration::from_millis(within), spoilt.into_body().collect());
            body.await.map(|body| body.unwrap().to_bytes())
        };
        assert!(read_whole(6_999).await.is_err());
        assert_eq!(read_whole(7_001).await.unwrap(), "{\"a\":1}");
    }

    #[track_caller]
    fn check_broken(body: &'static str) {
        let broken = without_its_end(&Bytes::from_static(body.as_bytes()));
        let read = serde_json::from_slice::<serde_json::Value>(&broken);
        assert!(read.is_err(), "{body} became {broken:?}");
    }

    #[test]
    fn whatever_is_broken_cannot_be_read() {
        for body in [
            "{\"a\":1}",
            "{}",
            "[]",
            "[1]",
            "100",
            "\"text\"",
            "",
            "{",
            "<html>",
        ] {
            check_broken(body);
        }
    }
}
