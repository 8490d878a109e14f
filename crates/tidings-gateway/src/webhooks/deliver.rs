//! One delivery: makes the call in the webhook's form, sends it, and says what comes next.
//!
//! Called by the loop in `mod.rs`, many at the same time. It writes nothing; the loop does, for many at
//! once.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use tidings::callback::CallbackRequest;
use tidings_core::Timestamp;
use tidings_store::{DeliveryEnd, DeliveryOutcome, DueDelivery, StoreError, StoredWebhook};

use super::caller::{Answer, Call, CallError, Caller};
use super::sign::{SecretError, seconds, signatures};
use super::target::TargetError;
use super::{STANDARD, payload, schedule};
use crate::gateway::Gateway;
use crate::vendors::told;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How a delivery ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) end: DeliveryEnd,
    /// Whether the receiver wants nothing more (410).
    pub(super) is_gone: bool,
}

/// Why a call was not made or not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("answered {0}: redirects are not followed")]
    Redirect(StatusCode),
    #[error("its secret cannot be read")]
    Secret(#[from] SecretError),
    #[error("what is to be told could not be read")]
    Store(#[source] StoreError),
}

impl From<TargetError> for Fault {
    fn from(error: TargetError) -> Self {
        Self::Call(error.into())
    }
}

/// Tries one delivery.
pub(super) async fn deliver(
    gateway: &Gateway,
    caller: &Caller,
    webhook: &StoredWebhook,
    due: DueDelivery,
) -> Ended {
    let began = gateway.clock().elapsed();
    let told = tell(gateway, caller, webhook, &due).await;
    let took = gateway.clock().elapsed().saturating_sub(began);
    let random = gateway.randomness().next();
    let now = gateway.now();
    let (outcome, status, error, is_gone) = match told {
        Ok(Some(answer)) => (DeliveryOutcome::Done, Some(answer.status), None, false),
        // Whoever looks at the log wonders where the call is.
        Ok(None) => (
            DeliveryOutcome::Done,
            None,
            Some(NOTHING_TO_CALL.to_owned()),
            false,
        ),
        Err((fault, answer)) => {
            let status = answer.map(|answer| answer.status);
            let is_gone = status == Some(StatusCode::GONE);
            let retry_after = answer.and_then(|answer| answer.retry_after);
            let pause = schedule::pause_after(due.n_tries.saturating_add(1), retry_after, random);
            let outcome = match pause {
                Some(pause) if !is_gone => DeliveryOutcome::Later(now.plus(pause)),
                _ => DeliveryOutcome::Dead,
            };
            (outcome, status, Some(fault.to_string()), is_gone)
        }
    };
    metrics::histogram!("tidings_webhook_seconds").record(took.as_secs_f64());
    metrics::counter!("tidings_webhook_deliveries_total", "outcome" => word(outcome)).increment(1);
    let end = DeliveryEnd {
        id: due.id,
        webhook: due.webhook,
        outcome,
        status: status.map(|status| status.as_u16()),
        error: error.map(Into::into),
        took_ms: milliseconds(took),
    };
    Ended { end, is_gone }
}

/// What the log of a webhook says of an event that its form has no words for.
pub(super) const NOTHING_TO_CALL: &str = "not called: the form has no call for this event";

/// Makes and sends what there is to tell; `None` is nothing. The vendor's form may need several calls:
/// the first that fails ends them.
async fn tell(
    gateway: &Gateway,
    caller: &Caller,
    webhook: &StoredWebhook,
    due: &DueDelivery,
) -> Result<Option<Answer>, (Fault, Option<Answer>)> {
    let calls = calls_of(gateway, caller, webhook, due)
        .await
        .map_err(|fault| (fault, None))?;
    let mut last = None;
    for call in calls {
        let answer = caller
            .call(call, gateway.now())
            .await
            .map_err(|error| (error.into(), None))?;
        check(answer).map_err(|fault| (fault, Some(answer)))?;
        last = Some(answer);
    }
    Ok(last)
}

/// Only 2xx says that the receiver has it.
pub(super) fn check(answer: Answer) -> Result<(), Fault> {
    let status = answer.status;
    if status.is_success() {
        Ok(())
    } else if status.is_redirection() {
        Err(Fault::Redirect(status))
    } else {
        Err(Fault::Status(status))
    }
}

async fn calls_of(
    gateway: &Gateway,
    caller: &Caller,
    webhook: &StoredWebhook,
    due: &DueDelivery,
) -> Result<Vec<Call>, Fault> {
    let url = caller.targets().check(&webhook.url)?;
    if *webhook.format != *STANDARD {
        let requests = told::requests(gateway, webhook, &due.event).await;
        let requests = requests.map_err(Fault::Store)?.into_iter();
        return Ok(requests.filter_map(|it| vendors_call(&url, it)).collect());
    }
    let event = &due.event;
    let message = match (event.message, &event.account) {
        (Some(id), account) => {
            let store = gateway.store();
            let found = store.message(account.as_ref(), id).await;
            found.map_err(Fault::Store)?
        }
        (None, _) => None,
    };
    let body = payload::standard(event, message.as_ref().map(|found| &found.message));
    let id = format!("msg_{}", due.id.0.simple());
    Ok(vec![signed(webhook, url, &id, body, gateway.now())?])
}

/// A call with the headers of Standard Webhooks.
pub(super) fn signed(
    webhook: &StoredWebhook,
    url: Uri,
    id: &str,
    body: bytes::Bytes,
    now: Timestamp,
) -> Result<Call, SecretError> {
    let signatures = signatures(&webhook.secrets, id, now, &body)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(TIMESTAMP, HeaderValue::from(seconds(now)));
    // Ids and base64 are what a header may hold.
    for (name, text) in [(ID, id), (SIGNATURE, &signatures)] {
        headers.insert(name, HeaderValue::try_from(text).map_err(|_| SecretError)?);
    }
    Ok(Call {
        method: Method::POST,
        url,
        headers,
        body,
    })
}

/// A vendor's call to the customer's address: what the vendor puts behind the question mark comes after
/// what stands there already.
fn vendors_call(url: &Uri, request: CallbackRequest) -> Option<Call> {
    let query = match (url.query(), request.query.as_deref()) {
        (Some(ours), Some(theirs)) => Some(format!("{ours}&{theirs}")),
        (ours, theirs) => ours.or(theirs).map(str::to_owned),
    };
    let path = url.path();
    let mut parts = url.clone().into_parts();
    let both = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    parts.path_and_query = Some(both.parse().ok()?);
    Some(Call {
        method: request.method,
        url: Uri::from_parts(parts).ok()?,
        headers: request.headers,
        body: request.body,
    })
}

fn word(outcome: DeliveryOutcome) -> &'static str {
    match outcome {
        DeliveryOutcome::Done => "done",
        DeliveryOutcome::Later(_) => "later",
        DeliveryOutcome::Dead => "dead",
    }
}

pub(super) fn milliseconds(took: Duration) -> u32 {
    u32::try_from(took.as_millis()).unwrap_or(u32::MAX)
}
