//! The HTTP API: our own calls, the vendors' doors, what providers call, and the pages about them.
//!
//! Called by whoever listens, which puts the caller's address into each request as axum's `ConnectInfo`.
//! [`router`] is the whole of it. A handler reads a request, asks intake or the store, and answers; it
//! decides nothing else. Errors are problem documents (`error.rs`), lists come in pages (`pages.rs`).

#![expect(
    unused_qualifications,
    reason = "the macro that reads parameters writes their types with a path"
)]

mod accounts;
mod audit;
mod auth;
mod batches;
mod body;
mod callbacks;
mod contacts;
mod docs;
mod error;
mod events;
mod health;
mod idempotency;
mod inbound;
mod keys;
mod messages;
mod openapi;
mod pages;
mod parameters;
mod pressure;
mod providers;
mod request;
mod resend;
pub mod schema;
mod segments;
#[cfg(test)]
mod tests;
mod vendors;
mod view;
mod webhooks;
mod words;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get};
use tidings::serve::{self, Failure, Serving};
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::idempotency::InWork;
use self::parameters::Parameters;
use self::pressure::Pressure;
use crate::Gateway;

pub use self::openapi::document;

/// The longest time of a request that sends or is sent a stream.
const STREAM_TIME_LIMIT: Duration = Duration::from_hours(6);

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Api {
    gateway: Gateway,
    in_work: InWork,
    parameters: Parameters,
    pressure: Pressure,
    n_streams: AtomicUsize,
}

/// Everything that the gateway answers.
pub fn router(gateway: Gateway) -> Router {
    let limits = gateway.live().config.limits.clone();
    let serving = Serving::default()
        .max_body_bytes(limits.max_body_bytes)
        .time_limit(limits.request_timeout);
    let streaming = serving.clone().time_limit(STREAM_TIME_LIMIT);
    let vendors = vendors::doors(&gateway);
    let (hot, of_hot) = hot().split_for_parts();
    let (calls, of_calls) = calls().split_for_parts();
    let (streams, of_streams) = streams().split_for_parts();
    let (open, _) = open().split_for_parts();
    let api = Arc::new(Api {
        gateway,
        in_work: InWork::default(),
        parameters: Parameters::of([&of_hot, &of_calls, &of_streams]),
        pressure: Pressure::default(),
        n_streams: AtomicUsize::new(0),
    });

    let guard = || middleware::from_fn_with_state(Arc::clone(&api), auth::guard);
    let calls = calls.route_layer(guard()).merge(open).merge(pages());
    let calls = calls
        .layer(CompressionLayer::new())
        .merge(hot)
        .fallback(async || error::say(&Failure::NoSuchPath))
        .method_not_allowed_fallback(async || error::say(&Failure::WrongMethod));
    let streams = streams
        .route_layer(guard())
        .method_not_allowed_fallback(async || error::say(&Failure::WrongMethod));
    let calls = serve::attend(calls.with_state(Arc::clone(&api)), serving, error::say);
    let streams = serve::attend(streams.with_state(api), streaming, error::say);
    // What is not found is answered by the calls' fallback, within their limits.
    streams.merge(vendors).merge(calls)
}

/// The one call that most requests make: without compression, its key checked by its handler.
fn hot() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(messages::send))
}

/// The calls of our API, for those with a key.
fn calls() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(messages::list))
        .routes(routes!(messages::show))
        .routes(routes!(messages::cancel))
        .routes(routes!(resend::resend_message))
        .routes(routes!(batches::show))
        .routes(routes!(batches::pause))
        .routes(routes!(batches::resume))
        .routes(routes!(batches::stop))
        .routes(routes!(resend::resend_failed))
        .routes(routes!(segments::plan))
        .routes(routes!(contacts::list, contacts::put))
        .routes(routes!(contacts::show, contacts::remove))
        .routes(routes!(contacts::groups, contacts::add_group))
        .routes(routes!(contacts::remove_group))
        .routes(routes!(contacts::members, contacts::add_members))
        .routes(routes!(contacts::remove_member))
        .routes(routes!(contacts::opt_outs, contacts::add_opt_outs))
        .routes(routes!(contacts::remove_opt_out))
        .routes(routes!(inbound::list))
        .routes(routes!(inbound::file))
        .routes(routes!(inbound::conversations))
        .routes(routes!(inbound::conversation_messages))
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::show, webhooks::change, webhooks::remove))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::replay))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::test))
        .routes(routes!(providers::list))
        .routes(routes!(providers::pause))
        .routes(routes!(providers::resume))
        .routes(routes!(accounts::list, accounts::add))
        .routes(routes!(accounts::show, accounts::change))
        .routes(routes!(keys::list, keys::add))
        .routes(routes!(keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(audit::list))
}

/// Calls that take or give streams, which may last.
fn streams() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(batches::take, batches::list))
        .routes(routes!(batches::results))
        .routes(routes!(events::follow))
}

/// Calls without a key.
fn open() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// Pages for people, and what providers call.
fn pages() -> Router<Arc<Api>> {
    Router::new()
        .route("/openapi.json", get(openapi::show))
        .route("/docs", get(docs::calls))
        .route("/docs/errors", get(docs::errors))
        .route("/callbacks/{lane}/{token}", any(callbacks::take))
}
