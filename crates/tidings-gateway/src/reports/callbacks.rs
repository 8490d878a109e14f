//! Calls of providers: `/callbacks/{lane}/{token}`.
//!
//! The route's handler asks whose address it is, takes the request apart and hands it over; what stands here
//! knows no server. Who knows the token may tell; what is told is parsed by the provider's own rules.

use std::sync::Arc;

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use tidings::callback::CallbackRequest;
use tidings_store::LaneId;

use super::hearing::hear;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::lane::Lane;

/// What a provider that called is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// 200: everything is on disk. 404: no lane has this address. 405: the lane's provider makes no
    /// calls. 422: something could not be read; what could be is on disk. 503: not on disk, to be told
    /// again.
    pub status: StatusCode,
    /// What was wrong, for whoever looks at the provider's log; repeats nothing of the call.
    pub detail: Option<String>,
}

impl CallbackAnswer {
    fn new(status: StatusCode, detail: impl Into<Option<String>>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }
}

/// The lane that has this address.
///
/// # Errors
/// What is answered where none has.
pub fn lane_at(gateway: &Gateway, lane: &str, token: &str) -> Result<Arc<Lane>, CallbackAnswer> {
    let not_found = || CallbackAnswer::new(StatusCode::NOT_FOUND, None);
    let lane = gateway.lane(&LaneId::from(lane)).ok_or_else(not_found)?;
    let expected = lane.callback_token.as_ref().ok_or_else(not_found)?;
    if !is_same(expected, token) {
        metrics::counter!("tidings_callbacks_refused_total", "lane" => lane.id.as_str().to_owned())
            .increment(1);
        return Err(not_found());
    }
    Ok(lane)
}

/// A provider's call could not be read to its end.
pub fn unread(lane: &Lane, fault: &str) {
    let id = &lane.id;
    metrics::counter!("tidings_callbacks_unreadable_total", "lane" => id.as_str().to_owned())
        .increment(1);
    tracing::warn!(lane = %id, fault, "lane {id}: a call of the provider was not taken: {fault}");
}

/// Takes a provider's call.
pub async fn receive(gateway: &Gateway, lane: &Lane, request: CallbackRequest) -> CallbackAnswer {
    let Some(parse) = lane.spec.parse_callback else {
        return CallbackAnswer::new(StatusCode::METHOD_NOT_ALLOWED, None);
    };
    let (callbacks, fault) = match parse(&request) {
        Ok(callbacks) => (callbacks, None),
        Err(error) => (error.readable.clone(), Some(error.to_string())),
    };
    let id = &lane.id;
    if let Err(error) = hear(gateway, id, callbacks).await {
        tracing::error!(lane = %id, %error, "lane {id}: a call of the provider was not kept: {error}");
        let detail = "not kept, tell it again".to_owned();
        return CallbackAnswer::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    }
    match fault {
        None => CallbackAnswer::new(StatusCode::OK, None),
        Some(fault) => {
            metrics::counter!("tidings_callbacks_unreadable_total", "lane" => id.as_str().to_owned())
                .increment(1);
            tracing::warn!(lane = %id, fault, "lane {id}: {fault}");
            CallbackAnswer::new(StatusCode::UNPROCESSABLE_ENTITY, fault)
        }
    }
}

/// The address that a lane's provider is to call, where it calls only those who subscribe and it is
/// known how we are reached.
pub(super) fn subscribed_url(config: &Config, lane: &Lane) -> Option<SecretString> {
    let token = lane.callback_token.as_ref()?;
    let base = config.server.public_url.as_deref()?.trim_end_matches('/');
    let subscribes = lane.capabilities.subscriptions && lane.spec.parse_callback.is_some();
    subscribes.then(|| {
        let token = token.expose_secret();
        format!("{base}/callbacks/{}/{token}", lane.id).into()
    })
}

/// Compares by hashes in constant time, so that neither content nor length can be felt out.
fn is_same(expected: &SecretString, presented: &str) -> bool {
    let expected = Sha256::digest(expected.expose_secret().as_bytes());
    let presented = Sha256::digest(presented.as_bytes());
    expected.ct_eq(&presented).into()
}
