//! Stage 5: tells customers what happened, by calling the addresses that they gave.
//!
//! What is due stands in the store, written in the transaction of what it tells. [`run`] leases it,
//! calls many receivers at the same time and keeps how each call ended; [`manage`] is what the API
//! offers. Receivers are told at least once and in no fixed order: each delivery has an id that stays
//! the same over its tries, and each message's state has a rank and a version.
//!
//! A slow receiver gets [`PER_WEBHOOK`] calls at a time and no more is leased for it meanwhile, so the
//! others are not held up.

mod caller;
mod connector;
mod deliver;
pub mod manage;
mod payload;
mod schedule;
pub mod sign;
pub mod target;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tidings_store::{
    AuditEntry, DeliveryEnd, DeliveryOutcome, EventKind, EventSeq, NewEvent, StoreError,
    StoredWebhook, WebhookChange, WebhookId,
};
use tokio::task::JoinSet;

use crate::gateway::Gateway;
use caller::Caller;
use deliver::{Ended, deliver};

/// The form of webhooks that is no vendor's.
pub const STANDARD: &str = "standard";

/// Calls that are open to one receiver before no more is leased for it.
const PER_WEBHOOK: usize = 16;
/// Calls that are open in all.
const IN_ALL: usize = 512;
/// How long the loop waits after a bell, so that what happens at the same time is leased together.
const LINGER: Duration = Duration::from_millis(20);
/// How often is looked without a bell.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// What is due and cannot be had, because its receivers are busy, is looked for again after this.
const WHILE_BUSY: Duration = Duration::from_millis(500);
/// How long a lease is good beyond the longest call.
const SPARE: Duration = Duration::from_mins(1);

/// Delivers until the gateway stops; calls that are open then may finish.
pub async fn run(gateway: Gateway) {
    let mut deliveries = Deliveries::new(gateway.clone());
    loop {
        if gateway.stopping().is_cancelled() {
            break;
        }
        let pause = match deliveries.lease().await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "cannot see which webhooks are due: {error}");
                WHILE_BUSY
            }
        };
        let is_full = deliveries.room() == 0;
        tokio::select! {
            () = gateway.stopping().cancelled() => {}
            () = deliveries.wait_for_ends(), if !deliveries.open.is_empty() => {}
            () = gateway.signals().webhooks().notified(), if !is_full => {
                tokio::time::sleep(LINGER).await;
            }
            () = tokio::time::sleep(pause), if !is_full => {}
        }
        deliveries.keep_ends().await;
    }
    while !deliveries.open.is_empty() {
        deliveries.wait_for_ends().await;
    }
    deliveries.keep_ends().await;
}

/// The calls that are open, and the ends that are not on disk yet.
struct Deliveries {
    gateway: Gateway,
    caller: Arc<Caller>,
    open: JoinSet<Ended>,
    per_webhook: HashMap<WebhookId, usize>,
    ended: Vec<DeliveryEnd>,
    gone: HashSet<WebhookId>,
}

impl Deliveries {
    fn new(gateway: Gateway) -> Self {
        let caller = Arc::new(Caller::new(&gateway.live().config.webhooks));
        Self {
            gateway,
            caller,
            open: JoinSet::new(),
            per_webhook: HashMap::new(),
            ended: Vec::new(),
            gone: HashSet::new(),
        }
    }

    fn room(&self) -> usize {
        IN_ALL.saturating_sub(self.open.len())
    }

    /// Begins what is due, and says when to look again.
    async fn lease(&mut self) -> Result<Duration, StoreError> {
        let room = self.room();
        if room == 0 {
            return Ok(LOOK_EVERY);
        }
        let config = self.gateway.live().config.webhooks.clone();
        if !self.caller.is_of(&config) {
            self.caller = Arc::new(Caller::new(&config));
        }
        let store = self.gateway.store();
        let now = self.gateway.now();
        let until = now.plus(config.timeout.saturating_mul(2).saturating_add(SPARE));
        let busy: Vec<WebhookId> = self
            .per_webhook
            .iter()
            .filter(|(_, open)| **open >= PER_WEBHOOK)
            .map(|(id, _)| *id)
            .collect();
        let node = self.gateway.node();
        let due = store
            .lease_deliveries(node, until, room, PER_WEBHOOK, &busy, now)
            .await?;
        if due.is_empty() {
            let next = store.next_delivery().await?;
            let wait = next.map_or(LOOK_EVERY, |at| at.since(now));
            return Ok(wait.clamp(WHILE_BUSY, LOOK_EVERY));
        }
        let mut webhooks: HashMap<WebhookId, Option<Arc<StoredWebhook>>> = HashMap::new();
        for due in due {
            let webhook = if let Some(known) = webhooks.get(&due.webhook) {
                known.clone()
            } else {
                let found = store.webhook(due.webhook).await?.map(Arc::new);
                webhooks.insert(due.webhook, found.clone());
                found
            };
            // One that was removed meanwhile has nothing due any more.
            let Some(webhook) = webhook else { continue };
            *self.per_webhook.entry(due.webhook).or_default() += 1;
            let gateway = self.gateway.clone();
            let caller = Arc::clone(&self.caller);
            self.open
                .spawn(async move { deliver(&gateway, &caller, &webhook, due).await });
        }
        Ok(Duration::ZERO)
    }

    /// Waits until a call has ended, and takes the others that have.
    async fn wait_for_ends(&mut self) {
        let mut next = self.open.join_next().await;
        while let Some(joined) = next {
            match joined {
                Ok(ended) => self.take_end(ended),
                // Its lease runs out, and it is tried again.
                Err(error) => tracing::error!(%error, "a delivery broke off: {error}"),
            }
            next = self.open.try_join_next();
        }
    }

    fn take_end(&mut self, ended: Ended) {
        let id = ended.end.webhook;
        if let Some(open) = self.per_webhook.get_mut(&id) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                self.per_webhook.remove(&id);
            }
        }
        if ended.is_gone {
            self.gone.insert(id);
        }
        self.ended.push(ended.end);
    }

    /// Writes how calls ended, all in one transaction, and switches off who failed too long. What
    /// cannot be written is kept for the next time.
    async fn keep_ends(&mut self) {
        if self.ended.is_empty() {
            return;
        }
        let store = self.gateway.store();
        let now = self.gateway.now();
        if let Err(error) = store.finish_deliveries(self.ended.clone(), now).await {
            tracing::warn!(%error, "cannot keep how webhooks were answered: {error}");
            return;
        }
        let ended = std::mem::take(&mut self.ended);
        let failing = ended
            .iter()
            .filter(|end| end.outcome != DeliveryOutcome::Done);
        let failing: HashSet<WebhookId> = failing.map(|end| end.webhook).collect();
        let gone = std::mem::take(&mut self.gone);
        for id in failing {
            let is_gone = gone.contains(&id);
            if let Err(error) = switch_off_if_due(&self.gateway, id, is_gone).await {
                tracing::warn!(webhook = %id, %error, "cannot switch off webhook {id}: {error}");
            }
        }
    }
}

/// Switches a webhook off that said that it is gone, or that has failed for as long as the configuration
/// bears; with an event that tells of it.
async fn switch_off_if_due(
    gateway: &Gateway,
    id: WebhookId,
    is_gone: bool,
) -> Result<(), StoreError> {
    let store = gateway.store();
    let Some(webhook) = store.webhook(id).await?.filter(|it| it.is_enabled) else {
        return Ok(());
    };
    let bears = gateway.live().config.webhooks.disable_after;
    let fails_for = webhook
        .failing_since
        .map_or(Duration::ZERO, |since| gateway.now().since(since));
    let because = if is_gone {
        "it answered 410 Gone".to_owned()
    } else if fails_for >= bears && webhook.failing_since.is_some() {
        format!(
            "no call has succeeded for {} hours",
            fails_for.as_secs() / 3_600
        )
    } else {
        return Ok(());
    };
    tracing::warn!(webhook = %id, because, "switched off webhook {id}: {because}");
    metrics::counter!("tidings_webhooks_disabled_total").increment(1);
    let change = WebhookChange {
        is_enabled: Some(false),
        disabled_because: Some(because.as_str().into()),
        ..WebhookChange::default()
    };
    store.change_webhook(id, change).await?;
    let detail: Arc<str> = json!({
        "webhook": id,
        "label": webhook.label.as_deref(),
        "because": because,
        "failing_since": webhook.failing_since,
    })
    .to_string()
    .into();
    store
        .record(vec![NewEvent {
            at: gateway.now(),
            kind: EventKind::WebhookDisabled,
            account: webhook.account.clone(),
            batch: None,
            lane: None,
            detail: Some(Arc::clone(&detail)),
        }])
        .await?;
    store
        .audit(AuditEntry {
            seq: EventSeq::default(),
            at: gateway.now(),
            who: "gateway".into(),
            from: None,
            account: webhook.account,
            what: "webhook.disabled".into(),
            target: id.to_string().into(),
            detail: Some(detail),
        })
        .await?;
    gateway.signals().happened();
    Ok(())
}
