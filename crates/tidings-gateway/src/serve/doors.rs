//! Hands what comes in at a listener to the router of the API.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use tidings::serve::listen::{Answers, Caller};
use tower::ServiceExt as _;

/// The router, and where each of its callers is.
#[derive(Clone, Debug)]
pub(super) struct Doors(pub(super) Router);

impl Answers for Doors {
    type Body = Body;
    type Error = Infallible;

    async fn answer(
        &self,
        caller: &Caller,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let mut request = request.map(Body::new);
        request
            .extensions_mut()
            .insert(ConnectInfo(caller.address()));
        self.0.clone().oneshot(request).await
    }
}
