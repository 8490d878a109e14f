//! Puzzel's API as a server: reads a call as the vendor's clients send it, asks the [`Backend`],
//! answers with the vendor's documents.
//!
//! Mounted by the simulator and by whoever offers this API, under any prefix. It keeps nothing
//! itself and translates through `map/inward`. What one message lacks is said in the answer to the
//! call, in the status of that message; what the call as a whole lacks is said by an HTTP status and a
//! problem document. In reading order: [`options`](ServerOptions), `place` (which place a path
//! names), `send`, `answer`.
//!
//! Both families of paths, every casing and every form are served in either dialect; the dialect
//! decides what priority and validity mean, how long a text may be, and the status codes.
//!
//! What the vendor leaves open is decided so:
//!
//! - Credentials are checked before anything else of a call is judged, as far as the call can be read
//!   at all. Without a service id there is nothing to check them against: 400. Management wants HTTP
//!   Basic and answers 401 to calls without it, as the vendor's manual has it.
//! - A call without messages is refused with 400, and so is one with more than
//!   [`MAX_BULK_SIZE`](super::MAX_BULK_SIZE): its sender can cut it, while after 413 there would be
//!   nothing to name the field with.
//! - An answer is in the form that `Accept` asks for. Without a wish, `*/*` included, JSON is answered
//!   in JSON, XML and forms in XML, a GET that sends in `text/xml`, management in JSON. A wish that
//!   cannot be met counts as none. Problem documents are always JSON.
//! - An empty text counts as absent where a field may be. A window without a start time begins at
//!   midnight, as `map::read_window` says.
//! - A name for a message that other systems could not carry (blanks, letters beyond ASCII) is kept
//!   percent-encoded, and comes back as it was written in answers, stop lists and reports. Only where
//!   that takes more than 255 characters is the message refused. The name of a batch may be any text
//!   of up to 255 characters without control characters.
//! - Of the three switches for characters outside the GSM alphabet the parameter `parsing-type` wins,
//!   then `autoDetectEncoding`, then `safeRemoveNonGsmCharacters`.
//! - Refusals of a whole submission that are about its messages, such as a batch reference that was
//!   used within the hour, are said in the status of each message.
//! - A call that took too long is answered with 500, because the vendor's present client repeats
//!   calls by itself after 504.

mod answer;
mod options;
mod place;
mod send;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

use self::answer::{Form, Refused, say};
use self::place::{Place, Reference, Service};
use super::map::reference;
use super::{setting, wire};
use crate::backend::{Backend, Presented, Principal, Refusal};
use crate::batches::{QueuedBatch, StoppedBatch};
use crate::error::Result;
use crate::provider::Account;
use crate::serve::{self, Failure, Serving};

pub use options::{RefusedCredentials, ServerOptions};

/// Puzzel's API over a backend, with the limits of [`Serving::default`]. Of the settings it reads
/// those that [`ServerOptions::of`] names.
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the setting that is wrong.
pub fn router(backend: Arc<dyn Backend>, settings: &Account) -> Result<Router> {
    let options = ServerOptions::of(settings)?;
    Ok(router_with(backend, options, Serving::default()))
}

/// As [`router`], with choices, limits and ids of requests of the program's own.
pub fn router_with(backend: Arc<dyn Backend>, options: ServerOptions, serving: Serving) -> Router {
    let desk = Desk { backend, options };
    // The routes are here so that logs and counts can name them. Which place a path names is read
    // from the path itself, and by the fallback also where slashes are doubled.
    let sends = [wire::path::SEND.to_owned()];
    let batches = [wire::path::MANAGEMENT, wire::path::MGMT].map(|family| {
        let batch = wire::path::BATCH;
        format!("{family}{{service_id}}{batch}")
    });
    let mut routes = Router::new();
    for path in sends.iter().chain(&batches) {
        routes = routes
            .route(path, any(serve_call))
            .route(&format!("{path}/"), any(serve_call));
    }
    for path in &batches {
        routes = routes.route(&format!("{path}/{{*reference}}"), any(serve_call));
    }
    let routes = routes.fallback(serve_call).with_state(desk);
    serve::attend(routes, serving, say)
}

/// What stands behind the API, and how it is served.
#[derive(Clone)]
struct Desk {
    backend: Arc<dyn Backend>,
    options: ServerOptions,
}

async fn serve_call(State(desk): State<Desk>, request: Request) -> Result<Response, Refused> {
    let place = Place::of(request.uri().path()).ok_or(Failure::NoSuchPath)?;
    if place == Place::Send && request.method() == Method::POST {
        return send::by_body(&desk, request).await;
    }
    let (head, _) = request.into_parts();
    let headers = &head.headers;
    match place {
        // A HEAD must not send, so it is none of the methods here.
        Place::Send => match head.method {
            Method::GET => send::by_query(&desk, &head.uri, headers).await,
            _ => Err(Refused::WrongMethod { allow: "GET, POST" }),
        },
        Place::Batches(service) => match head.method {
            Method::GET | Method::HEAD => batches(&desk, service, headers).await,
            _ => Err(Refused::WrongMethod { allow: "GET, HEAD" }),
        },
        Place::Batch(service, reference) => match head.method {
            Method::GET | Method::HEAD => batch(&desk, service, reference, headers).await,
            Method::DELETE => stop(&desk, service, reference, headers).await,
            _ => Err(Refused::WrongMethod {
                allow: "DELETE, GET, HEAD",
            }),
        },
    }
}

// ---- management ----

async fn batches(desk: &Desk, service: Service, headers: &HeaderMap) -> Result<Response, Refused> {
    let manager = Manager::sign_in(desk, service, headers).await?;
    let queued = desk.backend.queued_batches(&manager.who).await?;
    let list = wire::BatchListResponse {
        message_batch: queued.iter().map(batch_response).collect(),
    };
    Ok(manager.form.answer(&list))
}

async fn batch(
    desk: &Desk,
    service: Service,
    reference: Reference,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let manager = Manager::sign_in(desk, service, headers).await?;
    let reference = name_of_batch(reference)?;
    let queued = desk.backend.queued_batch(&manager.who, &reference).await;
    let queued = queued.map_err(|refusal| manager.refused(refusal, reference))?;
    let single = wire::BatchSingleResponse {
        message_batch: Some(batch_response(&queued)),
    };
    Ok(manager.form.answer(&single))
}

async fn stop(
    desk: &Desk,
    service: Service,
    reference: Reference,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let manager = Manager::sign_in(desk, service, headers).await?;
    let reference = name_of_batch(reference)?;
    let stopped = desk.backend.stop_batch(&manager.who, &reference).await;
    let stopped = stopped.map_err(|refusal| manager.refused(refusal, reference))?;
    let n_stopped = stopped.stopped.len();
    tracing::info!(
        stopped = n_stopped,
        "stopped {n_stopped} messages of a batch"
    );
    let answer = stop_response(manager.service_id, stopped);
    Ok(manager.form.answer(&answer))
}

/// Whoever has signed in to manage the batches of a service.
struct Manager {
    who: Principal,
    service_id: i64,
    form: Form,
}

impl Manager {
    /// By HTTP Basic, with the service id of the path.
    async fn sign_in(desk: &Desk, service: Service, headers: &HeaderMap) -> Result<Self, Refused> {
        let service_id = service.and_then(|text| text.parse().ok());
        let service_id = service_id.map(wire::Integer);
        let presented = match basic(headers) {
            Some((username, password)) => presented(service_id, username, password)?,
            None => return Err(Refused::NotSignedIn),
        };
        let who = desk.backend.sign_in(&presented.credentials).await;
        let who = who.map_err(|refusal| match refusal {
            // Of these two the vendor's manual makes no difference here.
            Refusal::Unauthorized | Refusal::Expired | Refusal::Forbidden { .. } => {
                Refused::NotSignedIn
            }
            other => other.into(),
        })?;
        Ok(Self {
            who,
            service_id: presented.service_id,
            form: Form::negotiate(headers, Form::FOR_MANAGEMENT),
        })
    }

    /// A refusal that concerns a batch.
    fn refused(&self, refusal: Refusal, reference: String) -> Refused {
        match refusal {
            Refusal::NotFound { .. } => Refused::NoSuchBatch {
                service: self.service_id.to_string(),
                reference,
            },
            other => other.into(),
        }
    }
}

fn name_of_batch(reference: Reference) -> Result<String, Refused> {
    let fault = "must be UTF-8, percent-encoded in the path";
    reference.ok_or_else(|| Refused::field("clientBatchReference", fault))
}

fn batch_response(queued: &QueuedBatch) -> wire::BatchResponse {
    wire::BatchResponse {
        client_batch_reference: Some(queued.reference.clone()),
        total_size: Some(integer(queued.left)),
        on_hold: Some(integer(queued.on_hold)),
    }
}

fn stop_response(service_id: i64, stopped: StoppedBatch) -> wire::StopBatchResponse {
    let messages = stopped.stopped.into_iter();
    let messages = messages.map(|message| wire::StoppedMessageResponse {
        message_id: Some(message.id),
        client_message_reference: message.reference.as_ref().map(reference::written),
    });
    wire::StopBatchResponse {
        service_id: Some(service_id.into()),
        client_batch_reference: Some(stopped.reference),
        stopped_messages: messages.collect(),
    }
}

fn integer(number: impl TryInto<i64>) -> wire::Integer {
    wire::Integer(number.try_into().unwrap_or(i64::MAX))
}

// ---- signing in ----

/// The credentials of a call together with the service that it is about.
struct Caller {
    service_id: i64,
    credentials: Presented,
}

/// Puts the credentials of a call together.
fn presented(
    service_id: Option<wire::Integer>,
    username: String,
    password: String,
) -> Result<Caller, Refused> {
    let field = "serviceId";
    let wire::Integer(service_id) =
        service_id.ok_or_else(|| Refused::field(field, "is missing or no whole number"))?;
    if !(1..=i64::from(i32::MAX)).contains(&service_id) {
        let fault = format!("must be a whole number from 1 to {}", i32::MAX);
        return Err(Refused::field(field, fault));
    }
    let credentials = Presented::new()
        .with(setting::SERVICE_ID, service_id.to_string())
        .with(setting::USERNAME, username)
        .with(setting::PASSWORD, password);
    Ok(Caller {
        service_id,
        credentials,
    })
}

/// User and password of HTTP Basic (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}
