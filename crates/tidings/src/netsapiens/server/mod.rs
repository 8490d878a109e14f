//! The NetSapiens API v2 as a server, its messaging part: reads a call as the vendor's clients send
//! it, asks the [`Backend`], answers with the vendor's documents.
//!
//! Mounted by the simulator and by whoever offers this API, under any prefix. It keeps nothing
//! itself and translates through `map/inward` and `map/outward`; what a caller may do is the
//! backend's decision. In reading order: [`options`](ServerOptions), `fields` (what a call holds),
//! `caller` (whose call, and what `~` and `*` mean to him), `tokens`, `jwt`, `sessions`, `messages`,
//! `numbers`, `subscriptions`, `calls`, `answer`. Every answer that is no document is
//! `{"code":..,"message":".."}` with the HTTP status once more.
//!
//! What the vendor leaves open is decided so:
//!
//! - A path or a method that is not served is answered with 404 `No Route Found [92]`, before anybody
//!   looks at the token, and so is an area that the backend does not have. POST to `/messagesessions`,
//!   which one cluster answers with 500, is one of them.
//! - 401 has three sentences: `Invalid Scope [APP001]` where the token is good and its rights do not
//!   suffice, "The access token provided has expired" where it was good, and another one where it
//!   never was. Wrong credentials are refused with the status that [`ServerOptions`] has, by a
//!   sentence that does not say what of them is wrong; so is a refresh token that was used before.
//! - Tokens are asked for in JSON, in a form or in the query, mixed at will; what stands in the body
//!   wins. Without `grant_type` it is `password`.
//! - JSON web tokens are signed by HS256 with a key of this router. Their id is the backend's token
//!   (or, in the refresh token, what it is renewed with), so the backend decides whether they hold;
//!   who presents a backend's token as it is, is let in too.
//! - `~` in a path is the caller's own domain or user, and 400 with an API key. `*` is all of them
//!   where a list is asked for, and 400 elsewhere.
//! - `start` and `limit` are read on every list, also where the vendor's description has none; a bad
//!   value is 400. `dest` on a list of numbers chooses those of one user; `*` chooses all.
//! - Phone numbers are read with country code, with or without a plus, and as ten digits of the
//!   country code 1. They are written as digits. A `from-number` that comes with a chat is ignored,
//!   since one client always sends it; a file that comes with a text is refused, since it would be
//!   lost.
//! - A text that is all digits is written as a JSON number unless [`ServerOptions::numeric_texts`] is
//!   off. One with a zero at its front or with more than 15 digits stays a text, so that nothing is
//!   damaged.
//! - A subscription without an end gets that of the token, and with an API key 20 years.
//! - A body of more than [`MAX_BODY_BYTES`] is refused with 400, and a call that took too long with
//!   500, because the vendor has no other statuses.
//! - A file is fetched at `/ns-api/?object=message&action=read_media` without a token: whoever has the
//!   address has the file.

mod answer;
mod caller;
mod calls;
mod fields;
mod jwt;
mod media;
mod messages;
mod numbers;
mod options;
mod sessions;
mod subscriptions;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{delete, get, post, put};

use self::answer::{Refused, say};
use self::caller::Seen;
use self::jwt::Signer;
use super::map::outward;
use super::wire;
use crate::backend::Backend;
use crate::error::Result;
use crate::provider::Account;
use crate::serve::{self, Failure, Serving};

pub use options::{SendAnswer, ServerOptions, SingleSession, Times};

/// The largest body that is read: what an operator documents, 25 MB.
pub const MAX_BODY_BYTES: usize = 25_000_000;

/// The API over a backend, with the limits of [`Serving::default`] except [`MAX_BODY_BYTES`]. Of the
/// settings it reads those that [`ServerOptions::of`] names.
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the setting that is wrong.
pub fn router(backend: Arc<dyn Backend>, settings: &Account) -> Result<Router> {
    let options = ServerOptions::of(settings)?;
    let serving = Serving::default().max_body_bytes(MAX_BODY_BYTES);
    router_with(backend, options, serving)
}

/// As [`router`], with choices, limits and ids of requests of the program's own.
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) where the operating system gives no random bytes
/// for a key; with [`ServerOptions::jwt_secret`] none is needed.
pub fn router_with(
    backend: Arc<dyn Backend>,
    options: ServerOptions,
    serving: Serving,
) -> Result<Router> {
    let desk = Desk {
        signer: Arc::new(Signer::new(options.jwt_secret.as_ref())?),
        options: Arc::new(options),
        backend,
    };
    let routes = Router::new()
        .merge(signing_in())
        .merge(messaging())
        .merge(exchange())
        .fallback(no_route)
        .method_not_allowed_fallback(no_route)
        .with_state(desk);
    Ok(serve::attend(routes, serving, say))
}

/// Where whoever calls gets what he signs his calls with.
fn signing_in() -> Router<Desk> {
    Router::new()
        .route("/ns-api/v2/tokens", post(tokens::issue))
        .route("/ns-api/oauth2/token", post(tokens::issue_legacy))
        .route("/ns-api/oauth2/token/", post(tokens::issue_legacy))
        .route(
            "/ns-api/v2/jwt",
            post(jwt::issue).get(jwt::claims).delete(jwt::revoke_own),
        )
        .route("/ns-api/v2/jwt/{which}", delete(jwt::revoke))
        .route("/ns-api/v2/apikeys/~", get(tokens::own_key))
        .route("/ns-api/v2/version", get(version))
}

fn messaging() -> Router<Desk> {
    let user = |rest: &str| format!("/ns-api/v2/domains/{{domain}}/users/{{user}}{rest}");
    let one = get(sessions::one)
        .put(sessions::change)
        .delete(sessions::delete);
    let messages = get(messages::list).post(messages::send_in_session);
    Router::new()
        .route(
            "/ns-api/v2/domains/{domain}/messagesessions",
            get(sessions::list_of_domain),
        )
        .route(&user("/messages"), post(messages::send))
        .route(&user("/messagesessions"), get(sessions::list))
        .route(&user("/messagesessions/{id}"), one)
        .route(&user("/messagesessions/{id}/leave"), put(sessions::leave))
        .route(&user("/messagesessions/{id}/messages"), messages)
        .route("/ns-api", get(media::read))
        .route("/ns-api/", get(media::read))
}

/// Numbers, subscriptions and calls.
fn exchange() -> Router<Desk> {
    let domain = |rest: &str| format!("/ns-api/v2/domains/{{domain}}{rest}");
    let user = |rest: &str| domain(&format!("/users/{{user}}{rest}"));
    let subscriptions = get(subscriptions::list).post(subscriptions::create);
    let subscription = get(subscriptions::one)
        .put(subscriptions::change)
        .delete(subscriptions::delete);
    let of_domain = get(subscriptions::list_of_domain).post(subscriptions::create_in_domain);
    let one_of_domain = get(subscriptions::one_of_domain)
        .put(subscriptions::change_of_domain)
        .delete(subscriptions::delete_of_domain);
    Router::new()
        .route("/ns-api/v2/smsnumbers", get(numbers::list_all))
        .route(
            &domain("/smsnumbers"),
            get(numbers::list_of_domain).post(numbers::add),
        )
        .route(
            &domain("/smsnumbers/{number}"),
            put(numbers::change).delete(numbers::remove),
        )
        .route(&user("/smsnumbers"), get(numbers::list))
        .route(&user("/smsnumbers/count"), get(numbers::count))
        .route("/ns-api/v2/subscriptions", subscriptions)
        .route("/ns-api/v2/subscriptions/{id}", subscription)
        .route(&domain("/subscriptions"), of_domain)
        .route(&domain("/subscriptions/{id}"), one_of_domain)
        .route(&domain("/calls"), get(calls::list_of_domain))
        .route(&domain("/calls/count"), get(calls::count))
        .route(&user("/calls"), get(calls::list).post(calls::start))
        .route(&user("/calls/{id}"), get(calls::one).delete(calls::end))
}

/// What stands behind the API, and how it is served.
#[derive(Clone)]
struct Desk {
    backend: Arc<dyn Backend>,
    options: Arc<ServerOptions>,
    signer: Arc<Signer>,
}

async fn no_route() -> Refused {
    Refused::Failure(Failure::NoSuchPath)
}

async fn version(State(desk): State<Desk>, seen: Seen) -> Response {
    let version = wire::Version {
        apiversion: outward::version(&desk.options.api_version).into(),
        hostname: seen.host(&desk.options).into(),
        current_time: wire::time::write_with_offset(desk.options.clock.now()).into(),
    };
    answer::document(&version)
}
