//! Hands what comes in at the listener to [`super::call`].

use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use tidings::serve::listen::{Answers, Caller};

pub(super) use tidings::serve::listen::Ending;

use super::call::{Calls, Dropped};

/// Connections at once: a load test opens thousands.
pub(super) const MAX_CONNECTIONS: usize = 8_192;

impl Answers for Calls {
    type Body = Body;
    type Error = Dropped;

    async fn answer(
        &self,
        caller: &Caller,
        request: Request<Incoming>,
    ) -> Result<Response, Dropped> {
        self.answer_under_faults(caller.address(), caller.ending(), request)
            .await
    }
}
