//! One call: is it for `/_sim/`, does a fault hit it, what does the provider's router say, and what
//! does the fault make of that.
//!
//! Called by `listen` for every request. It knows no provider: the router and the world behind it
//! are all it has.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tower::Service;

use super::limit::Doorkeeper;
use super::listen::Ending;
use super::subscriptions::Poster;
use super::{answer, control};
use crate::faults::{CALL, CallNotes, Firing, RequestProbe};
use crate::operation::Operation;
use crate::scenario::Action;
use crate::world::{Call, World};

/// The most of a request that is read on a fault's behalf. Without a fault the provider's router
/// sets the limit.
const MAX_BODY_BYTES: usize = 32 << 20;
/// How long the body of such a request may take.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// The connection ends without an answer, or without the rest of it: a fault wants it so.
#[derive(Debug, thiserror::Error)]
#[error("the scenario drops the connection")]
pub(super) struct Dropped;

/// What answers calls.
#[derive(Debug)]
pub(super) struct Calls {
    world: World,
    router: Router,
    remote_control: bool,
    poster: Option<Arc<Poster>>,
    door: Doorkeeper,
}

impl Calls {
    pub(super) fn new(
        world: World,
        remote_control: bool,
        poster: Option<Arc<Poster>>,
    ) -> Result<Self, tidings::Error> {
        let backend = Arc::new(world.clone());
        let router = (world.spec().router)(backend, world.served_as())?;
        Ok(Self {
            world,
            router: router.layer(middleware::from_fn(tell_template)),
            remote_control,
            poster,
            door: Doorkeeper::default(),
        })
    }

    pub(super) async fn answer_under_faults(
        &self,
        peer: SocketAddr,
        ending: &Ending,
        request: http::Request<Incoming>,
    ) -> Result<Response, Dropped> {
        let request = request.map(Body::new);
        if request.uri().path().starts_with(control::PREFIX) {
            if !self.remote_control && !peer.ip().to_canonical().is_loopback() {
                return Ok(answer::plain(StatusCode::NOT_FOUND, Body::empty()));
            }
            return Ok(control::answer(&self.world, self.poster.as_deref(), request).await);
        }
        let method = request.method().clone();
        if !self.admits(peer) {
            return Ok(self.shut_out(&method, request).await);
        }
        let (request, firing) = match self.fault_on_request(request).await {
            Ok(probed) => probed,
            Err(refusal) => return Ok(refusal),
        };
        let outcome = match firing {
            Some(firing) if !firing.action.lets_the_call_through() => {
                // Read to its end: a client that was still sending would see its own write fail.
                read(request.into_body()).await.ok();
                Outcome {
                    firing: Some(firing),
                    operation: None,
                    answer: Response::default(),
                }
            }
            firing => self.route(request, firing).await,
        };
        self.finish(&method, ending, outcome).await
    }

    fn admits(&self, peer: SocketAddr) -> bool {
        let Some(limit) = self.world.call_limit() else {
            return true;
        };
        self.door.admits(peer.ip(), limit, self.world.now())
    }

    /// What the network in front of the server answers: it knows nothing of the API.
    async fn shut_out(&self, method: &Method, request: Request) -> Response {
        // Read to its end: a client that was still sending would see its own write fail.
        read(request.into_body()).await.ok();
        let page = "<html><head><title>403 Forbidden</title></head><body></body></html>";
        let mut answer = answer::plain(StatusCode::FORBIDDEN, Body::from(page));
        let html = HeaderValue::from_static("text/html");
        answer.headers_mut().insert(header::CONTENT_TYPE, html);
        self.world.count(&Call {
            method,
            template: None,
            operation: None,
            status: Some(StatusCode::FORBIDDEN),
            fault: Some("blocked"),
        });
        answer
    }

    async fn fault_on_request(
        &self,
        request: Request,
    ) -> Result<(Request, Option<Firing>), Response> {
        let (request, body) = if self.world.faults_read_bodies() {
            let (head, body) = request.into_parts();
            let body = read(body).await?;
            (Request::from_parts(head, Body::from(body.clone())), body)
        } else {
            (request, Bytes::new())
        };
        let target = request.uri().path_and_query();
        let firing = self.world.fault_on_request(RequestProbe {
            target: target.map_or("/", |target| target.as_str()),
            body: &body,
        });
        Ok((request, firing))
    }

    async fn route(&self, request: Request, firing: Option<Firing>) -> Outcome {
        let notes = RefCell::new(CallNotes {
            firing,
            ..CallNotes::default()
        });
        CALL.scope(notes, async {
            let answered: Result<Response, Infallible> = self.router.clone().call(request).await;
            let Ok(answer) = answered;
            let notes = CALL.with(RefCell::take);
            Outcome {
                firing: notes.firing,
                operation: notes.operation,
                answer,
            }
        })
        .await
    }

    /// Lets the fault have its way with the answer, and counts.
    async fn finish(
        &self,
        method: &Method,
        ending: &Ending,
        outcome: Outcome,
    ) -> Result<Response, Dropped> {
        let Outcome {
            firing,
            operation,
            answer,
        } = outcome;
        let template = answer.extensions().get::<Template>().cloned();
        let spoilt = match &firing {
            None => Ok(answer),
            Some(firing) => {
                tracing::debug!(fault = %firing.name, "a fault of the scenario acts");
                if let Action::Drop { reset: true, .. } = *firing.action {
                    ending.by_reset();
                }
                answer::spoil(answer, &firing.action).await
            }
        };
        self.world.count(&Call {
            method,
            template: template.as_ref().map(|Template(path)| path.as_str()),
            operation,
            status: spoilt.as_ref().ok().map(Response::status),
            fault: firing.as_ref().map(|firing| &*firing.name),
        });
        if let Some(firing) = &firing {
            // Counted before: a caller who has waited enough takes this call away.
            answer::wait(&firing.action).await;
        }
        spoilt
    }
}

/// What came of a call before a fault has its way with the answer.
struct Outcome {
    firing: Option<Firing>,
    operation: Option<Operation>,
    answer: Response,
}

/// The path as the API registers it, on its way from the router to the statistics.
#[derive(Clone, Debug)]
struct Template(MatchedPath);

async fn tell_template(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let mut answer = next.run(request).await;
    if let Some(matched) = matched {
        answer.extensions_mut().insert(Template(matched));
    }
    answer
}

/// Reads a body to its end, within bounds.
pub(super) async fn read(body: Body) -> Result<Bytes, Response> {
    let limited = Limited::new(body, MAX_BODY_BYTES).collect();
    match tokio::time::timeout(BODY_PATIENCE, limited).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(_)) => Err(answer::plain(StatusCode::PAYLOAD_TOO_LARGE, Body::empty())),
        Err(_) => Err(answer::plain(StatusCode::REQUEST_TIMEOUT, Body::empty())),
    }
}
