//! Keeps subscriptions alive at providers that call only those who subscribe: one for each kind of
//! event that the provider tells of, to the callback address of the lane.
//!
//! Run by [`super::run`] for lanes whose provider has subscriptions, when it is known how we are
//! reached. It sees subscriptions through the neutral area only. Nothing is ended when the gateway
//! stops: what happens meanwhile is told when the provider tries again, or is found by asking.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tidings::subscriptions::{NewSubscription, Subscription, SubscriptionChange, Subscriptions};
use tidings::{ErrorKind, Result};
use tidings_core::Timestamp;

use super::schedule;
use crate::gateway::Gateway;
use crate::lane::Lane;

/// For how long a subscription is made and renewed.
const LIFETIME: Duration = Duration::from_hours(30 * 24);
/// How often it is looked after.
const LOOK_EVERY: Duration = Duration::from_mins(10);
/// Between two that are made there is at least this long: more at once have been seen to disturb
/// servers.
const BETWEEN: Duration = Duration::from_millis(500);

/// Looks after a lane's subscriptions for as long as the lane is there.
pub(super) async fn run(gateway: Gateway, lane: Arc<Lane>, url: SecretString) {
    let mut n_failures = 0;
    loop {
        let pause = match round(&gateway, &lane, &url).await {
            Ok(()) => {
                n_failures = 0;
                LOOK_EVERY
            }
            Err(error) if is_hopeless(error.kind()) => {
                let (id, kind) = (&lane.id, error.kind());
                tracing::error!(lane = %id, %kind, "lane {id}: cannot subscribe, and does not try again: {error}");
                return;
            }
            Err(error) => {
                n_failures += 1;
                let (id, kind) = (&lane.id, error.kind());
                tracing::warn!(lane = %id, %kind, n_failures, "lane {id}: cannot subscribe: {error}");
                let random = gateway.randomness().next();
                schedule::pause_after(n_failures, error.retry_after(), random)
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Looks once: makes what is missing, renews what is over half of its life.
pub(super) async fn round(gateway: &Gateway, lane: &Lane, url: &SecretString) -> Result<()> {
    let Some(subscriptions) = lane.provider.subscriptions() else {
        return Ok(());
    };
    let models = lane.spec.emit_callback.map_or(&[][..], |emit| emit.models);
    let there = match subscriptions.list().await {
        // Who may not see what there is makes one, and is told when there is one already.
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unsupported) => None,
        listed => Some(listed?),
    };
    for (place, events) in models.iter().enumerate() {
        let ours = there.iter().flatten().find(|it| is_ours(it, events, url));
        if let Some(found) = ours {
            renew(gateway, lane, subscriptions, found).await?;
            continue;
        }
        if place > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        make(gateway, lane, subscriptions, events, url).await?;
    }
    Ok(())
}

async fn make(
    gateway: &Gateway,
    lane: &Lane,
    subscriptions: &dyn Subscriptions,
    events: &str,
    url: &SecretString,
) -> Result<()> {
    let end = gateway.now().plus(LIFETIME);
    let new = NewSubscription::new(events, url.clone()).expires_at(end);
    match subscriptions.create(&new).await {
        Ok(made) => {
            let id = &lane.id;
            tracing::info!(lane = %id, events, subscription = made.id, "lane {id}: subscribed to {events}");
            Ok(())
        }
        // The provider has one just like it that may not be seen.
        Err(error)
            if error.kind() == ErrorKind::Rejected && error.provider_code() == Some("409") =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn renew(
    gateway: &Gateway,
    lane: &Lane,
    subscriptions: &dyn Subscriptions,
    found: &Subscription,
) -> Result<()> {
    let id = &lane.id;
    if found.status == "error" {
        let errors = found.errors;
        tracing::warn!(lane = %id, errors, "lane {id}: the provider says that its calls do not reach us");
    }
    if !is_due(found.expires_at, gateway.now()) {
        return Ok(());
    }
    let mut change = SubscriptionChange::default();
    change.expires_at = Some(gateway.now().plus(LIFETIME));
    match subscriptions.update(&found.id, &change).await {
        // It is made anew when it is looked for next.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        updated => updated,
    }
}

/// Whether less than half of a subscription's life is left; one without an end ends with the token that
/// it was made with.
pub(super) fn is_due(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_none_or(|end| end.since(now) < LIFETIME / 2)
}

fn is_ours(found: &Subscription, events: &str, url: &SecretString) -> bool {
    found.events == events && found.url.expose_secret() == url.expose_secret()
}

/// What no repetition cures.
fn is_hopeless(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidMessage | ErrorKind::Config | ErrorKind::Unsupported
    )
}
