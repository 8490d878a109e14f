//! `/v1/messages`: one message is taken, shown, listed, canceled, sent again.
//!
//! Taking one is the hot path: it is written for few allocations, and answers without a detour through a
//! tree of JSON values. Everything else is told by the store as it is.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use tidings_core::{E164, HeldReason, MessageState, Timestamp};
use tidings_store::{BatchId, Cancellation, MessageFilter, MessageId};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{self, Who};
use super::body::{self, Path, Query};
use super::error::{Code, Problem, Result};
use super::idempotency::{self, REPLAYED};
use super::pages::{self, Listed, PageQuery};
use super::request::MessageBody;
use super::schema;
use super::view::{HistoryView, MessageView, state_word};
use crate::access::{NATIVE, Scope};
use crate::intake::{self, AcceptedMessage, once};

/// A message that is on disk.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcceptedMessage)]
pub(crate) struct AcceptedView {
    /// Its name.
    #[schema(value_type = String, format = "uuid")]
    pub(crate) id: MessageId,
    /// `held` or `queued`.
    #[schema(value_type = schema::State)]
    pub(crate) state: &'static str,
    /// How many parts it has.
    pub(crate) segments: u16,
    /// The lane that it waits for; `null` while there is none.
    #[schema(required = true)]
    pub(crate) lane: Option<String>,
}

impl AcceptedView {
    /// What is answered for a message that was taken.
    pub(crate) fn of(accepted: AcceptedMessage) -> Self {
        Self {
            id: accepted.id,
            state: state_word(accepted.state),
            segments: accepted.segments,
            lane: accepted.lane.map(String::from),
        }
    }
}

/// Sends one message.
///
/// It is answered when the message is on disk. With an `Idempotency-Key` the same request can be made
/// again without sending twice.
#[utoipa::path(
    post,
    path = "/v1/messages",
    tag = "messages",
    params(("Idempotency-Key" = Option<String>, Header, description = "A name of this request")),
    request_body = MessageBody,
    responses((status = 202, description = "The message is on disk", body = AcceptedView)),
)]
pub(crate) async fn send(State(api): State<Arc<Api>>, request: Request) -> Response {
    let authenticated = auth::authenticate(&api, request.headers(), request.extensions()).await;
    let (answer, quota) = match authenticated {
        Ok((who, quota)) => (take(&api, &who, request).await, quota),
        Err(problem) => {
            let quota = auth::limit_of(&api, &problem);
            (Err(problem), quota)
        }
    };
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    auth::tell_quota(response.headers_mut(), quota);
    response
}

async fn take(api: &Arc<Api>, who: &Who, request: Request) -> Result<Response> {
    who.may_send()?;
    let parameters = &api.parameters;
    parameters.check(request.method(), "/v1/messages", request.uri())?;
    let key = idempotency::key_of(request.headers())?;
    body::check_json(request.headers())?;
    let body = body::read(api, request).await?;
    let mut draft = body::parse::<MessageBody>(&body)?.draft()?;
    let working = match &key {
        Some(key) => Some(api.in_work.begin(who.account(), key)?),
        None => None,
    };
    if let Some(key) = &key {
        let hash = once::draft_hash(&draft);
        let named = once::of_request(key, hash, api.gateway.now());
        draft.once = Some(
            named.map_err(|fault| Problem::new(Code::InvalidIdempotencyKey, fault.to_string()))?,
        );
    }
    let waiting = api.pressure.enter(api).await?;
    let customer = who.caller.customer();
    let verdicts = intake::accept(&api.gateway, customer, NATIVE, vec![draft]).await?;
    drop((waiting, working));
    let verdict = verdicts.into_iter().next();
    let accepted = verdict.expect("there is one verdict for each message")?;
    if !accepted.is_repeated {
        api.pressure.took(1);
    }
    Ok(answer(&accepted))
}

/// Writes what is answered without the detour of a serializer.
fn answer(accepted: &AcceptedMessage) -> Response {
    use std::fmt::Write as _;
    let mut body = String::with_capacity(128);
    let state = state_word(accepted.state);
    let (id, segments) = (accepted.id.0.as_hyphenated(), accepted.segments);
    write!(
        body,
        r#"{{"id":"{id}","state":"{state}","segments":{segments},"lane":"#
    )
    .expect("a string can be written to");
    match &accepted.lane {
        // The name is the operator's: it may hold what JSON escapes.
        Some(lane) => {
            let quoted = serde_json::to_string(lane.as_str());
            body.push_str(&quoted.expect("a text can be written as JSON"));
        }
        None => body.push_str("null"),
    }
    body.push('}');
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if accepted.is_repeated {
        let (name, value) = REPLAYED;
        headers.insert(name, value);
    }
    response
}

/// Which messages are listed. All conditions hold together.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessageQuery {
    /// In one of these states, with commas between: `queued,held`.
    state: Option<String>,
    /// To this number, its `+` written as `%2B`.
    #[param(example = "+4790000001")]
    to: Option<String>,
    /// Of this batch.
    #[param(value_type = Option<String>, format = "uuid")]
    batch: Option<BatchId>,
    /// With this name of yours.
    reference: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// Over this lane.
    lane: Option<String>,
    /// In this conversation.
    conversation: Option<String>,
    /// Accepted at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Accepted before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Of which account; `*` is all. For operators, who see them without texts and whole numbers.
    account: Option<String>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
    /// At most so many: 1 to 500, otherwise 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists messages, the latest first.
#[utoipa::path(
    get,
    path = "/v1/messages",
    tag = "messages",
    params(MessageQuery),
    responses((status = 200, description = "A page of messages", body = Listed<MessageView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<MessageQuery>,
) -> Result<Response> {
    let view = who.view(query.account.as_deref())?;
    let to = query.to.as_deref().map(number).transpose()?;
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let filter = MessageFilter {
        account: view.account,
        states: states(query.state.as_deref())?,
        to,
        batch: query.batch,
        reference: query.reference.map(String::into_boxed_str),
        tag: query.tag.map(String::into_boxed_str),
        lane: query.lane.map(Into::into),
        conversation: query.conversation.map(Into::into),
        from: query.from,
        until: query.until,
        page,
    };
    let listed = api.gateway.store().messages(filter).await;
    let listed = listed.map_err(|error| pages::page_fault(error, has_cursor))?;
    let listed = Listed::of(listed, |message| MessageView::of(message, view.is_masked));
    Ok(axum::Json(listed).into_response())
}

/// Reads a number, whose `+` is a blank where it was not written as `%2B`.
fn number(text: &str) -> Result<E164> {
    let read = match text.strip_prefix(' ') {
        Some(digits) => format!("+{digits}").parse(),
        None => text.parse::<E164>(),
    };
    read.map_err(|fault| Problem::new(Code::InvalidQuery, format!("to: {fault}")))
}

/// Reads states with commas between; `held` stands for every reason, and a lease is `queued`.
pub(crate) fn states(words: Option<&str>) -> Result<Vec<MessageState>> {
    let mut states = Vec::new();
    for word in words.into_iter().flat_map(|words| words.split(',')) {
        match word.trim() {
            "held" => states.push(MessageState::Held(HeldReason::Schedule)),
            "queued" => states.extend([MessageState::Queued, MessageState::Leased]),
            word => states.push(word.parse().map_err(|_| {
                let detail = "state: expected states with commas between, such as queued,held";
                Problem::new(Code::InvalidQuery, detail)
            })?),
        }
    }
    Ok(states)
}

/// Shows one message with its attempts and events.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}",
    tag = "messages",
    params(("id" = String, Path, format = "uuid", description = "The message")),
    responses((status = 200, description = "The message", body = HistoryView)),
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<MessageId>,
) -> Result<Response> {
    who.may(Scope::Read)?;
    let found = api.gateway.store().message(who.reach(), id).await?;
    let history = found.ok_or_else(|| Problem::not_found("message"))?;
    let is_masked = history.message.account != *who.account();
    Ok(axum::Json(HistoryView::of(history, is_masked)).into_response())
}

/// What became of the wish to stop a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Canceled)]
pub(crate) struct CancelView {
    /// The message.
    #[schema(value_type = String, format = "uuid")]
    id: MessageId,
    /// `canceled`: it never leaves. `already_out`: a provider has it, or it has come to its end.
    /// `unknown`: it is on its way at this moment, or nobody knows; it is not sent again.
    #[schema(value_type = String)]
    outcome: &'static str,
    /// How far it had come, where it is already out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::State>)]
    state: Option<&'static str>,
}

/// Stops a message that has not left.
#[utoipa::path(
    post,
    path = "/v1/messages/{id}/cancel",
    tag = "messages",
    params(("id" = String, Path, format = "uuid", description = "The message")),
    responses((status = 200, description = "What became of it", body = CancelView)),
)]
pub(crate) async fn cancel(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<MessageId>,
) -> Result<Response> {
    who.may(Scope::Send)?;
    let now = api.gateway.now();
    let canceled = api
        .gateway
        .store()
        .cancel(Some(who.account()), vec![id], now);
    let outcome = match canceled.await?.first() {
        Some(Cancellation::Canceled) => ("canceled", None),
        Some(Cancellation::AlreadyOut(state)) => ("already_out", Some(state_word(*state))),
        Some(Cancellation::Unknown) => ("unknown", None),
        Some(Cancellation::NotFound) | None => return Err(Problem::not_found("message")),
    };
    api.gateway.signals().happened();
    let (outcome, state) = outcome;
    Ok(axum::Json(CancelView { id, outcome, state }).into_response())
}
