//! `/callbacks/{lane}/{token}`: what providers call. Taken apart here, understood by [`crate::reports`].

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use tidings::callback::CallbackRequest;
use tidings::serve;

use super::Api;
use super::body::Path;
use super::error;
use crate::reports;

/// Takes a provider's call.
pub(crate) async fn take(
    State(api): State<Arc<Api>>,
    Path((lane, token)): Path<(String, String)>,
    request: Request,
) -> Response {
    let method = request.method().clone();
    let query = request.uri().query().map(str::to_owned);
    let headers = request.headers().clone();
    let body = match serve::read_body(request).await {
        Ok(body) => body,
        Err(failure) => return error::say(&failure),
    };
    let call = CallbackRequest::new(method, query, headers, body);
    let answer = reports::receive(&api.gateway, &lane, &token, call).await;
    (answer.status, answer.detail.unwrap_or_default()).into_response()
}
