//! `/callbacks/{lane}/{token}`: what providers call. Taken apart here, understood by [`crate::reports`].

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use tidings::callback::CallbackRequest;
use tidings::serve::{self, Serving};

use super::Api;
use super::body::Path;
use super::error;
use crate::reports::{self, CallbackAnswer};

/// Takes a provider's call.
pub(crate) async fn take(
    State(api): State<Arc<Api>>,
    Path((lane, token)): Path<(String, String)>,
    request: Request,
) -> Response {
    let lane = match reports::lane_at(&api.gateway, &lane, &token) {
        Ok(lane) => lane,
        Err(answer) => return say(answer),
    };
    let method = request.method().clone();
    let query = request.uri().query().map(str::to_owned);
    let headers = request.headers().clone();
    // The limit for customers is not theirs: they put as many reports into a call as they like.
    let limit = api.gateway.live().config.limits.max_body_bytes;
    let limit = limit.max(Serving::DEFAULT_MAX_BODY_BYTES);
    let body = match serve::read_body_within(request, limit).await {
        Ok(body) => body,
        Err(failure) => {
            reports::unread(&lane, &failure.to_string());
            return error::say(&failure);
        }
    };
    let call = CallbackRequest::new(method, query, headers, body);
    say(reports::receive(&api.gateway, &lane, call).await)
}

fn say(answer: CallbackAnswer) -> Response {
    (answer.status, answer.detail.unwrap_or_default()).into_response()
}
