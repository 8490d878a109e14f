//! PassInfo's API as a server: reads a call as the vendor's clients send it, asks the [`Backend`],
//! answers with the fields that the vendor's documentation and its clients name.
//!
//! Mounted by the simulator and by whoever offers this API. It keeps nothing itself, translates
//! through `map.rs`, and says every refusal as `{"status":"error","success":false,"message":".."}`,
//! because some of the vendor's clients look at the one word and some at the other. A call that
//! signs in wrongly is refused before its body is read.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use http::request::Parts;
use secrecy::ExposeSecret;
use serde_json::Value;
use tidings_core::text::{self, Policy};
use tidings_core::{E164, Message, SenderId};

use super::wire::{self, Id, Integer, Key, Phone, path};
use super::{map, setting};
use crate::backend::{Accepted, Backend, NewContact, Presented, Principal, Refusal, Submission};
use crate::serve::{self, Failure, Form, JsonObject, Serving};

/// Contacts per page where the caller does not say, as in the vendor's Python package.
const DEFAULT_LIMIT: u32 = 10;
/// The largest page that is given out.
const MAX_LIMIT: u32 = 1000;

/// PassInfo's thirteen calls over a backend, with the limits of [`Serving::default`].
pub fn router(backend: Arc<dyn Backend>) -> Router {
    router_with(backend, Serving::default())
}

/// As [`router`], with limits and ids of requests of the caller's choice.
pub fn router_with(backend: Arc<dyn Backend>, serving: Serving) -> Router {
    let followed_by = |path: &str, id: &str| format!("{path}{{{id}}}");
    let routes = Router::new()
        .route(path::SINGLE_MESSAGE, post(send_message))
        .route(path::BULK_MESSAGE, post(send_bulk))
        .route(
            &followed_by(path::GROUP_MESSAGE, "group_id"),
            post(send_to_group),
        )
        .route(
            &followed_by(path::SINGLE_STATUS, "message_id"),
            get(message_status),
        )
        .route(
            &followed_by(path::BULK_STATUS, "batch_id"),
            get(batch_status),
        )
        .route(path::BALANCE, get(balance))
        // A HEAD that falls through to GET would renew the key unseen.
        .route(
            path::RENEW_KEY,
            get(renew_key).post(renew_key).head(wrong_method),
        )
        .route(path::ADD_CONTACT, post(add_contact))
        .route(path::CONTACTS, get(contacts))
        .route(path::ADD_USERS, post(add_users))
        .route(path::GROUPS, get(groups))
        .route(path::ADD_TO_GROUP, post(add_to_group))
        .route(path::CREATE_GROUP, post(create_group))
        .fallback(async || Refused::Failure(Failure::NoSuchPath))
        .method_not_allowed_fallback(wrong_method)
        .with_state(backend);
    serve::attend(routes, serving, say)
}

async fn wrong_method() -> Refused {
    Refused::Failure(Failure::WrongMethod)
}

// ---- messages ----

async fn send_message(caller: Caller, Body(body): Body) -> Result<Json<wire::SendAnswer>, Refused> {
    let sent: wire::SingleMessage = body.read(&[
        ("message", Form::Text),
        ("contact", Form::TextOrNumber),
        ("senderName", Form::Text),
    ])?;
    let content = Content::read(&sent.message, &sent.sender_name)?;
    let message = content.to(map::read_number(&sent.contact.0, "contact")?);
    let submission = Submission::one(message);
    let accepted = caller.backend.accept(&caller.who, submission).await?;
    let verdict = accepted.verdicts.into_iter().next();
    let id = verdict.ok_or(Failure::Broken)??.id;
    tracing::info!(message.id = %id, "took message {id}");
    Ok(Json(map::send_answer(&id)))
}

async fn send_bulk(caller: Caller, Body(body): Body) -> Result<Json<wire::BulkAnswer>, Refused> {
    let sent: wire::BulkMessage = body.read(&[
        ("message", Form::Text),
        ("contacts", Form::TextsOrNumbers),
        ("senderName", Form::Text),
    ])?;
    let content = Content::read(&sent.message, &sent.sender_name)?;
    let mut readable = Vec::with_capacity(sent.contacts.len());
    let mut unreadable = Vec::new();
    for Phone(written) in sent.contacts {
        match map::read_number(&written, "contacts") {
            Ok(to) => readable.push((written, to)),
            Err(refusal) => unreadable.push((written, refusal)),
        }
    }
    if readable.is_empty() {
        let fault = "holds no phone number of Guinea";
        return Err(Refusal::invalid("contacts", fault).into());
    }
    let messages = readable.iter().map(|(_, to)| content.to(*to));
    let submission = Submission::batch(messages, unreadable.clone());
    let accepted = caller.backend.accept(&caller.who, submission).await?;
    let taken = n_taken(&accepted)?;
    let refused = readable.into_iter().zip(accepted.verdicts);
    let refused = refused.filter_map(|((written, _), verdict)| Some((written, verdict.err()?)));
    let refused: Vec<_> = unreadable.into_iter().chain(refused).collect();
    let batch = accepted.batch.as_deref();
    let batch_id = batch.unwrap_or("none");
    tracing::info!(batch.id = %batch_id, taken, refused = refused.len(), "took batch {batch_id}");
    let mut answer = map::bulk_answer(batch, taken, refused.len());
    answer.error_details = error_details(refused);
    Ok(Json(answer))
}

async fn send_to_group(
    caller: Caller,
    IdInPath(group): IdInPath,
    Body(body): Body,
) -> Result<Json<wire::GroupAnswer>, Refused> {
    let sent: wire::GroupMessage =
        body.read(&[("message", Form::Text), ("senderName", Form::Text)])?;
    let Content { text, from } = Content::read(&sent.message, &sent.sender_name)?;
    let backend = &caller.backend;
    let accepted = backend
        .accept_for_group(&caller.who, &group, &text, Some(from))
        .await?;
    let queued = n_taken(&accepted)?;
    let batch = accepted.batch.as_deref();
    let batch_id = batch.unwrap_or("none");
    tracing::info!(batch.id = %batch_id, queued, "took batch {batch_id} for a group");
    let members = accepted.verdicts.len();
    Ok(Json(map::group_answer(batch, members, queued)))
}

async fn message_status(
    caller: Caller,
    IdInPath(id): IdInPath,
) -> Result<Json<wire::StatusAnswer>, Refused> {
    let view = caller.backend.message(&caller.who, &id).await?;
    Ok(Json(map::status_answer(&view)))
}

async fn batch_status(
    caller: Caller,
    IdInPath(id): IdInPath,
) -> Result<Json<wire::BulkStatusAnswer>, Refused> {
    let view = caller.backend.batch(&caller.who, &id).await?;
    Ok(Json(map::bulk_status_answer(&view)))
}

/// What all messages of a call share.
struct Content {
    text: Arc<str>,
    from: SenderId,
}

impl Content {
    fn read(text: &str, sender_name: &str) -> Result<Self, Refusal> {
        text::plan(text, &Policy::default())
            .map_err(|error| Refusal::invalid("message", format!("is too long: {error}")))?;
        Ok(Self {
            text: text.into(),
            from: map::read_sender(sender_name)?,
        })
    }

    fn to(&self, recipient: E164) -> Message {
        Message::new(recipient, Arc::clone(&self.text)).from(self.from.clone())
    }
}

// ---- the account ----

async fn balance(caller: Caller) -> Result<Json<wire::BalanceAnswer>, Refused> {
    let left = caller.backend.balance(&caller.who).await?;
    Ok(Json(wire::BalanceAnswer {
        solde: Integer(left),
    }))
}

/// By POST, and by GET as the vendor's second client does it. A body is not looked at: the vendor's
/// first client sends none.
async fn renew_key(caller: Caller) -> Result<Json<wire::RenewAnswer>, Refused> {
    let key = caller.backend.renew_key(&caller.who).await?;
    let key = Key(key.expose_secret().to_owned());
    Ok(Json(wire::RenewAnswer {
        new_api_key: Some(key.clone()),
        api_key: Some(key),
    }))
}

// ---- contacts and groups ----

async fn add_contact(
    caller: Caller,
    Body(body): Body,
) -> Result<Json<wire::AddContactAnswer>, Refused> {
    let new: wire::AddContact = body.read(&[
        ("first_name", Form::Name),
        ("last_name", Form::Name),
        ("phone_number", Form::TextOrNumber),
    ])?;
    let phone = map::read_number(&new.phone_number.0, "phone_number")?;
    let contact = NewContact::new(new.first_name, new.last_name, phone);
    let contact = caller.backend.add_contact(&caller.who, contact).await?;
    Ok(Json(map::add_contact_answer(&contact)))
}

async fn contacts(
    caller: Caller,
    Page { page, limit }: Page,
) -> Result<Json<wire::ContactsAnswer>, Refused> {
    let page = caller.backend.contacts(&caller.who, page, limit).await?;
    Ok(Json(map::contacts_answer(&page)))
}

async fn add_users(caller: Caller, Body(body): Body) -> Result<Json<wire::DoneAnswer>, Refused> {
    let link: wire::AddUsers = body.read(&[
        ("contact_id", Form::TextOrNumber),
        ("user_ids", Form::TextsOrNumbers),
    ])?;
    let users: Vec<String> = link.user_ids.into_iter().map(|Id(id)| id).collect();
    let backend = &caller.backend;
    backend
        .link_users(&caller.who, &link.contact_id.0, &users)
        .await?;
    Ok(Json(map::done_answer()))
}

async fn groups(caller: Caller) -> Result<Json<wire::GroupsAnswer>, Refused> {
    let groups = caller.backend.groups(&caller.who).await?;
    Ok(Json(map::groups_answer(&groups)))
}

async fn add_to_group(caller: Caller, Body(body): Body) -> Result<Json<wire::DoneAnswer>, Refused> {
    let link: wire::AddToGroup = body.read(&[
        ("contact_id", Form::TextOrNumber),
        ("group_id", Form::TextOrNumber),
    ])?;
    let backend = &caller.backend;
    backend
        .add_to_group(&caller.who, &link.contact_id.0, &link.group_id.0)
        .await?;
    Ok(Json(map::done_answer()))
}

async fn create_group(
    caller: Caller,
    Body(body): Body,
) -> Result<Json<wire::CreateGroupAnswer>, Refused> {
    let new: wire::CreateGroup = body.read(&[("name", Form::Name)])?;
    let group = caller.backend.create_group(&caller.who, &new.name).await?;
    Ok(Json(map::create_group_answer(&group)))
}

// ---- reading a call ----

/// Whoever has signed in, and what stands behind the API.
struct Caller {
    backend: Arc<dyn Backend>,
    who: Principal,
}

impl FromRequestParts<Arc<dyn Backend>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(
        parts: &mut Parts,
        backend: &Arc<dyn Backend>,
    ) -> Result<Self, Refused> {
        let mut presented = Presented::new();
        for (header, name) in [
            (wire::CLIENT_ID, setting::CLIENT_ID),
            (wire::API_KEY, setting::API_KEY),
        ] {
            let value = parts.headers.get(header);
            let value = value.and_then(|value| value.to_str().ok());
            let value = value.ok_or(Refusal::Unauthorized)?;
            presented = presented.with(name, value);
        }
        let who = backend.sign_in(&presented).await?;
        let backend = Arc::clone(backend);
        Ok(Self { backend, who })
    }
}

/// A body that is a JSON object. Read after the caller has signed in.
struct Body(JsonObject);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refused;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Refused> {
        Ok(serve::read_json_object(request).await.map(Self)?)
    }
}

/// The id at the end of a path.
struct IdInPath(String);

impl<S: Send + Sync> FromRequestParts<S> for IdInPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let id: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        match id {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(Refusal::invalid("path", "holds an id that is no text").into()),
        }
    }
}

/// Which page of the contacts.
struct Page {
    page: u32,
    limit: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Query(query) = Query::<HashMap<String, String>>::try_from_uri(&parts.uri)
            .map_err(|_| Refusal::invalid("query", "cannot be read"))?;
        let number = |field: &'static str, default: u32, max: u32| match query.get(field) {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(number) if (1..=max).contains(&number) => Ok(number),
                _ => {
                    let demand = format!("must be a whole number from 1 to {max}");
                    Err(Refusal::invalid(field, demand))
                }
            },
        };
        Ok(Self {
            page: number("page", 1, u32::MAX)?,
            limit: number("limit", DEFAULT_LIMIT, MAX_LIMIT)?,
        })
    }
}

// ---- answering ----

/// Why a call is not answered as it was meant to be.
enum Refused {
    Refusal(Refusal),
    Failure(Failure),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Refusal(refusal) => {
                let (status, fault) = map::refusal_answer(&refusal);
                let status = StatusCode::from_u16(status)
                    .expect("the statuses of refusals lie between 400 and 599");
                serve::with_retry_after((status, Json(fault)).into_response(), &refusal)
            }
            Self::Failure(failure) => say(&failure),
        }
    }
}

fn say(failure: &Failure) -> Response {
    let fault = map::fault(failure.to_string());
    (failure.status(), Json(fault)).into_response()
}

/// How many were taken. Where all were refused, the call is refused for the first one's reason: an
/// answer that says success would be read as one.
fn n_taken(accepted: &Accepted) -> Result<usize, Refusal> {
    let taken = accepted.n_taken();
    match accepted.verdicts.first() {
        Some(Err(refusal)) if taken == 0 => Err(refusal.clone()),
        _ => Ok(taken),
    }
}

/// Which recipients were refused and why; left out where there are none.
fn error_details(refused: Vec<(String, Refusal)>) -> Option<Value> {
    let detail = |(contact, why): (String, Refusal)| {
        let contact = Phone(contact);
        let error = why.to_string();
        serde_json::to_value(wire::ErrorDetail { contact, error })
            .expect("two strings can be written as JSON")
    };
    (!refused.is_empty()).then(|| refused.into_iter().map(detail).collect())
}
