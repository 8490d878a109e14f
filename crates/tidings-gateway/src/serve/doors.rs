//! Hands what comes in at a listener to the router of the API, with the address of its caller.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use tidings::serve::listen::{Answers, Caller};
use tower::ServiceExt as _;

use super::proxies;
use crate::gateway::Gateway;

/// The router, and whose proxies are believed.
#[derive(Clone, Debug)]
pub(super) struct Doors {
    pub(super) router: Router,
    pub(super) gateway: Gateway,
}

impl Answers for Doors {
    type Body = Body;
    type Error = Infallible;

    async fn answer(
        &self,
        caller: &Caller,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        let mut request = request.map(Body::new);
        let address = {
            let live = self.gateway.live();
            proxies::caller(caller.address(), request.headers(), &live.config.server)
        };
        request.extensions_mut().insert(ConnectInfo(address));
        self.router.clone().oneshot(request).await
    }
}
