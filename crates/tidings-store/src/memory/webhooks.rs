//! Customers' addresses that are told what happens.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use tidings_core::Timestamp;
use uuid::Uuid;

use super::{MemoryStore, Place, State, page};
use crate::error::{Result, StoreError};
use crate::model::{
    AccountId, DeliveryEnd, DeliveryId, DeliveryOutcome, DueDelivery, Event, EventKind, NodeId,
    Page, PageRequest, StoredDelivery, StoredWebhook, WebhookChange, WebhookId, WebhookSecret,
};
use crate::store::Webhooks;

/// One event on its way to one webhook.
pub(super) struct DeliveryRow {
    id: DeliveryId,
    webhook: WebhookId,
    event: Event,
    end: Option<End>,
    n_tries: u16,
    /// When it is tried next; while somebody has it in hand, when another may.
    pub(super) next_at: Option<Timestamp>,
    /// Who has it in hand.
    pub(super) node: Option<NodeId>,
    last_at: Option<Timestamp>,
    last_status: Option<u16>,
    last_error: Option<Arc<str>>,
    created_at: Timestamp,
}

/// How a delivery came to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Dead,
}

#[async_trait]
impl Webhooks for MemoryStore {
    async fn add_webhook(&self, webhook: StoredWebhook) -> Result<()> {
        let state = &mut *self.lock();
        if state.webhooks.iter().any(|it| it.id == webhook.id) {
            return Err(StoreError::conflict("there is a webhook with this id"));
        }
        state.webhooks.push(webhook);
        Ok(())
    }

    async fn webhooks(&self, account: Option<&AccountId>) -> Result<Vec<StoredWebhook>> {
        let state = &*self.lock();
        let webhooks = state.webhooks.iter();
        let webhooks = webhooks.filter(|it| account.is_none() || it.account.as_ref() == account);
        Ok(webhooks.cloned().collect())
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<StoredWebhook>> {
        let state = &*self.lock();
        Ok(state.webhooks.iter().find(|it| it.id == id).cloned())
    }

    async fn change_webhook(&self, id: WebhookId, change: WebhookChange) -> Result<StoredWebhook> {
        let state = &mut *self.lock();
        let webhook = state.webhook_mut(id)?;
        if let Some(url) = change.url {
            webhook.url = url;
        }
        if let Some(kinds) = change.kinds {
            webhook.kinds = kinds;
        }
        if let Some(secrets) = change.secrets {
            webhook.secrets = secrets;
        }
        if let Some(expires_at) = change.expires_at {
            webhook.expires_at = expires_at;
        }
        webhook.label = change.label.or_else(|| webhook.label.take());
        webhook.details = change.details.or_else(|| webhook.details.take());
        if let Some(is_enabled) = change.is_enabled {
            webhook.is_enabled = is_enabled;
            if is_enabled {
                webhook.disabled_because = None;
                webhook.failing_since = None;
            }
        }
        if let Some(because) = change.disabled_because {
            webhook.disabled_because = Some(because);
        }
        Ok(webhook.clone())
    }

    async fn remove_webhook(&self, id: WebhookId) -> Result<bool> {
        let state = &mut *self.lock();
        let n_before = state.webhooks.len();
        state.webhooks.retain(|it| it.id != id);
        state.deliveries.retain(|_, it| it.webhook != id);
        Ok(state.webhooks.len() < n_before)
    }

    async fn lease_deliveries(
        &self,
        node: &NodeId,
        until: Timestamp,
        limit: usize,
        per_webhook: usize,
        busy: &[WebhookId],
        now: Timestamp,
    ) -> Result<Vec<DueDelivery>> {
        let state = &mut *self.lock();
        let enabled = state.webhooks.iter().filter(|it| it.is_enabled);
        let enabled = enabled.map(|it| it.id).filter(|id| !busy.contains(id));
        let enabled: Vec<WebhookId> = enabled.collect();
        let mut leased: Vec<DueDelivery> = Vec::new();
        let open = state
            .deliveries
            .values_mut()
            .filter(|row| row.end.is_none());
        let mut due: Vec<&mut DeliveryRow> = open
            .filter(|row| row.next_at.is_some_and(|at| at <= now))
            .collect();
        // Stable: of those that are due since the same moment the oldest goes first.
        due.sort_by_key(|row| row.next_at);
        for row in due {
            let of_its = leased.iter().filter(|it| it.webhook == row.webhook);
            let has_room = leased.len() < limit && of_its.count() < per_webhook;
            if has_room && enabled.contains(&row.webhook) {
                row.next_at = Some(until);
                row.node = Some(node.clone());
                leased.push(DueDelivery {
                    id: row.id,
                    webhook: row.webhook,
                    event: row.event.clone(),
                    n_tries: row.n_tries,
                    created_at: row.created_at,
                });
            }
        }
        Ok(leased)
    }

    async fn finish_deliveries(&self, ends: Vec<DeliveryEnd>, now: Timestamp) -> Result<()> {
        let state = &mut *self.lock();
        for end in ends {
            let mut rows = state.deliveries.values_mut();
            let row = rows.find(|it| it.id == end.id && it.webhook == end.webhook);
            let Some(row) = row.filter(|row| row.end.is_none()) else {
                continue;
            };
            row.n_tries += 1;
            row.node = None;
            row.last_at = Some(now);
            row.last_status = end.status;
            row.last_error = end.error;
            (row.end, row.next_at) = match end.outcome {
                DeliveryOutcome::Done => (Some(End::Done), None),
                DeliveryOutcome::Dead => (Some(End::Dead), None),
                DeliveryOutcome::Later(at) => (None, Some(at)),
            };
            if let Ok(webhook) = state.webhook_mut(end.webhook) {
                webhook.failing_since = match end.outcome {
                    DeliveryOutcome::Done => None,
                    _ => webhook.failing_since.or(Some(now)),
                };
            }
        }
        Ok(())
    }

    async fn replay(&self, id: WebhookId, since: Timestamp, now: Timestamp) -> Result<u64> {
        let state = &mut *self.lock();
        let webhook = state.webhook_mut(id)?.clone();
        let events = state.events.iter();
        let events = events.filter(|event| event.at >= since && is_told(&webhook, event));
        let events: Vec<Event> = events.cloned().collect();
        for event in &events {
            state.add_delivery(id, event, now);
        }
        Ok(events.len() as u64)
    }

    async fn deliveries(
        &self,
        id: WebhookId,
        request: PageRequest,
    ) -> Result<Page<StoredDelivery>> {
        let state = &*self.lock();
        let rows = state.deliveries.iter().rev();
        let rows = rows.filter(|(_, row)| row.webhook == id);
        let rows = rows.map(|(number, row)| (Place(*number, 0), row.shown()));
        page(rows, &request, true)
    }

    async fn next_delivery(&self) -> Result<Option<Timestamp>> {
        let state = &*self.lock();
        let is_enabled =
            |id: WebhookId| state.webhooks.iter().any(|it| it.id == id && it.is_enabled);
        let rows = state.deliveries.values();
        let rows = rows.filter(|row| row.end.is_none() && is_enabled(row.webhook));
        Ok(rows.filter_map(|row| row.next_at).min())
    }

    async fn rotate_secret(
        &self,
        id: WebhookId,
        secret: SecretString,
        overlap: Timestamp,
        now: Timestamp,
    ) -> Result<StoredWebhook> {
        let state = &mut *self.lock();
        let webhook = state.webhook_mut(id)?;
        for before in &mut webhook.secrets {
            before.until.get_or_insert(overlap);
        }
        let is_over = |it: &WebhookSecret| it.until.is_some_and(|until| until <= now);
        webhook.secrets.retain(|it| !is_over(it));
        let until = None;
        webhook.secrets.insert(0, WebhookSecret { secret, until });
        Ok(webhook.clone())
    }

    async fn is_listening(&self, account: Option<&AccountId>, kind: EventKind) -> Result<bool> {
        let state = &*self.lock();
        let mut webhooks = state.webhooks.iter();
        Ok(webhooks.any(|it| {
            let is_its = it.kinds.is_empty() || it.kinds.contains(&kind);
            it.is_enabled && it.account.as_ref() == account && is_its
        }))
    }
}

impl State {
    fn webhook_mut(&mut self, id: WebhookId) -> Result<&mut StoredWebhook> {
        let webhook = self.webhooks.iter_mut().find(|it| it.id == id);
        webhook.ok_or_else(|| StoreError::not_found("webhook"))
    }

    /// Makes the deliveries of an event.
    pub(super) fn deliver(&mut self, event: &Event) {
        let is_over = |it: &StoredWebhook| {
            it.expires_at
                .is_some_and(|expires_at| expires_at <= event.at)
        };
        let told = self.webhooks.iter();
        let told = told.filter(|it| it.is_enabled && !is_over(it) && is_told(it, event));
        let told: Vec<WebhookId> = told.map(|it| it.id).collect();
        for webhook in told {
            self.add_delivery(webhook, event, event.at);
        }
    }

    fn add_delivery(&mut self, webhook: WebhookId, event: &Event, now: Timestamp) {
        let number = self.number();
        let milliseconds = u64::try_from(now.as_millis()).unwrap_or_default();
        let mut unique = [0; 10];
        unique[2..].copy_from_slice(&number.to_be_bytes());
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &unique);
        let id: Uuid = id.into_uuid();
        let row = DeliveryRow {
            id: DeliveryId(id),
            webhook,
            event: event.clone(),
            end: None,
            n_tries: 0,
            next_at: Some(now),
            node: None,
            last_at: None,
            last_status: None,
            last_error: None,
            created_at: now,
        };
        self.deliveries.insert(number, row);
    }

    pub(super) fn n_due_deliveries(&self) -> u64 {
        let due = self.deliveries.values().filter(|row| row.end.is_none());
        due.count() as u64
    }
}

impl DeliveryRow {
    fn shown(&self) -> StoredDelivery {
        let state = match self.end {
            None => "due",
            Some(End::Done) => "done",
            Some(End::Dead) => "dead",
        };
        StoredDelivery {
            id: self.id,
            event: self.event.clone(),
            state: state.into(),
            n_tries: self.n_tries,
            next_at: self.next_at,
            last_at: self.last_at,
            last_status: self.last_status,
            last_error: self.last_error.clone(),
        }
    }
}

/// Whether an event is one of those that a webhook is told of.
fn is_told(webhook: &StoredWebhook, event: &Event) -> bool {
    let is_its = webhook.kinds.is_empty() || webhook.kinds.contains(&event.kind);
    webhook.account == event.account && is_its
}
