//! Messages that came to nothing are sent again: `POST /v1/messages/{id}/resend` and
//! `POST /v1/batches/{id}/resend-failed`. Each is sent again once, however often it is asked for.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use tidings_store::{BatchId, MessageId};
use utoipa::ToSchema;

use super::Api;
use super::auth::Who;
use super::body::Path;
use super::error::Result;
use super::idempotency::REPLAYED;
use super::messages::AcceptedView;
use crate::intake::resend::{self, ResentMessage};

/// Sends a message again that failed, was undelivered or expired.
///
/// It is a new message, which names the old one. A message is sent again once: asked a second time, the
/// answer is the same.
#[utoipa::path(
    post,
    path = "/v1/messages/{id}/resend",
    tag = "messages",
    params(("id" = String, Path, format = "uuid", description = "The message")),
    responses((status = 202, description = "The new message is on disk", body = AcceptedView)),
)]
pub(crate) async fn resend_message(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<MessageId>,
) -> Result<Response> {
    who.may_send()?;
    let waiting = api.pressure.enter(&api).await?;
    let verdict = resend::resend(&api.gateway, who.caller.customer(), id).await?;
    drop(waiting);
    let accepted = verdict?;
    let is_repeated = accepted.is_repeated;
    let answer = axum::Json(AcceptedView::of(accepted));
    let mut response = (StatusCode::ACCEPTED, answer).into_response();
    if is_repeated {
        let (name, value) = REPLAYED;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// What was sent again of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResentBatch)]
pub(crate) struct ResentView {
    /// The batch of the new messages; `null` where there is nothing to be sent again.
    #[schema(value_type = Option<String>, format = "uuid", required = true)]
    id: Option<BatchId>,
    /// The old messages that are sent again, each with the new one.
    resent: Vec<PairView>,
    /// The old messages that are not, and why.
    refused: Vec<RefusedView>,
}

/// An old message and the new one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResentMessage)]
pub(crate) struct PairView {
    /// The old message.
    #[schema(value_type = String, format = "uuid")]
    of: MessageId,
    /// The new one.
    #[schema(value_type = String, format = "uuid")]
    id: MessageId,
    /// Whether it was sent again before, so that this request changed nothing.
    is_repeated: bool,
}

/// An old message that is not sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefusedMessage)]
pub(crate) struct RefusedView {
    /// The old message.
    #[schema(value_type = String, format = "uuid")]
    of: MessageId,
    /// Why, as a stable word.
    #[schema(value_type = String)]
    code: &'static str,
    /// Why, as a sentence.
    detail: String,
}

/// Sends all messages of a batch again that failed, were undelivered or expired.
///
/// They are sent in a batch of their own, which is the same one however often it is asked for.
#[utoipa::path(
    post,
    path = "/v1/batches/{id}/resend-failed",
    tag = "batches",
    params(("id" = String, Path, format = "uuid", description = "The batch")),
    responses((status = 202, description = "The new messages are on disk", body = ResentView)),
)]
pub(crate) async fn resend_failed(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<BatchId>,
) -> Result<Response> {
    who.may_send()?;
    let waiting = api.pressure.enter(&api).await?;
    let again = resend::resend_failed(&api.gateway, who.caller.customer(), id).await?;
    drop(waiting);
    let mut view = ResentView {
        id: again.batch,
        resent: Vec::new(),
        refused: Vec::new(),
    };
    for ResentMessage { of, verdict } in again.messages {
        match verdict {
            Ok(accepted) => view.resent.push(PairView {
                of,
                id: accepted.id,
                is_repeated: accepted.is_repeated,
            }),
            Err(rejection) => view.refused.push(RefusedView {
                of,
                code: rejection.code.as_str(),
                detail: rejection.detail,
            }),
        }
    }
    Ok((StatusCode::ACCEPTED, axum::Json(view)).into_response())
}
